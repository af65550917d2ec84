/*
 * compat.h
 *	  Differences between the supported versions of PostgreSQL, 15 to 18.
 *
 * The only file that tests PG_VERSION_NUM.  Where versions differ, the newest
 * spelling is used throughout and defined here for the older ones.
 */
#ifndef HSG_COMPAT_H
#define HSG_COMPAT_H

#include "postgres.h"

#include "postmaster/interrupt.h"
#include "utils/acl.h"
#include "utils/wait_event.h"

#if PG_VERSION_NUM < 150000
#error "hotset needs PostgreSQL 15 or later"
#endif

/* As in libpq/libpq.h, which wants the headers of what PostgreSQL was built with (GSSAPI). */
extern bool pq_check_connection(void);

/* As in utils/pg_locale.h, which wants the headers of ICU. */
extern PGDLLIMPORT char *locale_monetary;
extern PGDLLIMPORT char *locale_numeric;
extern PGDLLIMPORT char *locale_time;

/* One family of functions checks privileges on all classes since 16. */
#if PG_VERSION_NUM < 160000
#define hsg_server_aclcheck(server, role, mode) \
	pg_foreign_server_aclcheck(server, role, mode)
#define hsg_server_ownercheck(server, role) \
	pg_foreign_server_ownercheck(server, role)
#define hsg_class_ownercheck(relation, role) pg_class_ownercheck(relation, role)
#else
#include "catalog/pg_class.h"
#include "catalog/pg_foreign_server.h"
#define hsg_class_ownercheck(relation, role) \
	object_ownercheck(RelationRelationId, relation, role)
#define hsg_server_aclcheck(server, role, mode) \
	object_aclcheck(ForeignServerRelationId, server, role, mode)
#define hsg_server_ownercheck(server, role) \
	object_ownercheck(ForeignServerRelationId, server, role)
#endif

/* The next transaction id, at a glance: for telling what 32 bits of one mean. */
#if SIZEOF_SIZE_T < 8
#define hsg_next_full_xid() U64FromFullTransactionId(ReadNextFullTransactionId())
#elif PG_VERSION_NUM < 170000
#define hsg_next_full_xid() \
	(*(volatile uint64 *) &ShmemVariableCache->nextXid.value)
#else
#define hsg_next_full_xid() \
	(*(volatile uint64 *) &TransamVariables->nextXid.value)
#endif

/* All settings of the server are copied to an array for the caller since 16. */
#if PG_VERSION_NUM < 160000
#define hsg_guc_variables(n) (*(n) = GetNumConfigOptions(), get_guc_variables())
#else
#define hsg_guc_variables(n) get_guc_variables(n)
#endif

/* What postgres.h had until 15. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* Outer joins mark variables, no longer sort keys, since 16. */
#if PG_VERSION_NUM < 160000
#define hsg_build_expression_pathkey(root, expr, op, relids) \
	build_expression_pathkey(root, expr, NULL, op, relids, false)
#else
#define hsg_build_expression_pathkey(root, expr, op, relids) \
	build_expression_pathkey(root, expr, op, relids, false)
#endif

/* Input functions can report errors without raising them since 16. */
#if PG_VERSION_NUM < 160000
#define ereturn(context, result, ...) ereport(ERROR, __VA_ARGS__)
#endif

/* Extensions name their own wait events since 17. */
#if PG_VERSION_NUM < 170000
#define hsg_wait_event(name) PG_WAIT_EXTENSION
#else
#define hsg_wait_event(name) WaitEventExtensionNew(name)
#endif

/* Intervals can be infinite since 17. */
#if PG_VERSION_NUM < 170000
#define HSG_INTERVAL_IS_NOBEGIN(iv) false
#define HSG_INTERVAL_IS_NOEND(iv) false
#else
#define HSG_INTERVAL_IS_NOBEGIN(iv) INTERVAL_IS_NOBEGIN(iv)
#define HSG_INTERVAL_IS_NOEND(iv) INTERVAL_IS_NOEND(iv)
#endif

/* Functions that do not return say so in front since 18. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/* Columns can be computed when they are read since 18: triggers find nothing in them. */
#if PG_VERSION_NUM < 180000
#define HSG_IS_VIRTUAL(attribute) false
#else
#define HSG_IS_VIRTUAL(attribute) \
	((attribute)->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL)
#endif

/* Modules carry a name and a version since 18. */
#if PG_VERSION_NUM < 180000
#define HSG_MODULE_MAGIC PG_MODULE_MAGIC
#else
#define HSG_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "hotset", .version = "1.0")
#endif

#endif							/* HSG_COMPAT_H */
