/*
 * cache_ddl.c
 *	  Statements that change what queries mean void the cached results of the database.
 *
 * ALTER, DROP, CREATE, REFRESH, GRANT and the like can change the result of any query, and a
 * row trigger sees none of it; what is new may come first in a search path, or fit a call better.
 * So each of them touches the schema (invalidate.h), but for those that certainly change
 * no result.  What concerns temporary tables alone is of this session alone: counted.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/catcache.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "glue.h"
#include "invalidate.h"

/* Whose results a statement can change. */
typedef enum Reach
{
	REACH_NOBODY,
	REACH_DATABASE,
	REACH_ALL					/* databases: roles belong to all of them */
} Reach;

uint64		hsg_ddl_count = 0;
static bool has_counted = false;	/* in this transaction */
static bool is_missing = false; /* a name that reach_of() has looked up */

static ProcessUtility_hook_type prev_utility = NULL;

static void utility(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
					ProcessUtilityContext context, ParamListInfo params,
					QueryEnvironment *queryEnv, DestReceiver *dest, QueryCompletion *qc);
static void at_abort(void);
static void xact_callback(XactEvent event, void *arg);
static void subxact_callback(SubXactEvent event, SubTransactionId id, SubTransactionId parent,
							 void *arg);

void
hsg_cache_ddl_install(void)
{
	prev_utility = ProcessUtility_hook;
	ProcessUtility_hook = utility;
	RegisterXactCallback(xact_callback, NULL);
	RegisterSubXactCallback(subxact_callback, NULL);
}

/* What was made is gone, and what was dropped is back. */
static void
at_abort(void)
{
	hsg_ddl_count += has_counted;
}

static void
xact_callback(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		at_abort();
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT)
		has_counted = false;
}

static void
subxact_callback(SubXactEvent event, SubTransactionId id, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		at_abort();
}

/*
 * ---- Statements ----------------------------------------------------------------
 */

/* What is not there, or of this session alone, is nobody's result. */
static bool
concerns_others(RangeVar *name)
{
	Oid			relation = RangeVarGetRelid(name, NoLock, true);

	is_missing |= !OidIsValid(relation);
	return OidIsValid(relation) && get_rel_persistence(relation) != RELPERSISTENCE_TEMP;
}

static bool
is_for_others(RangeVar *fresh)
{
	return fresh->relpersistence != RELPERSISTENCE_TEMP &&
		(fresh->schemaname == NULL || strcmp(fresh->schemaname, "pg_temp") != 0);
}

static bool
one_concerns_others(List *names)
{
	ListCell   *lc;

	foreach(lc, names)
	{
		RangeVar   *name = lfirst(lc);

		if (IsA(name, List))
			name = makeRangeVarFromNameList((List *) name);
		if (concerns_others(name))
			return true;
	}
	return false;
}

static bool
drop_concerns_others(DropStmt *stmt)
{
	switch (stmt->removeType)
	{
		case OBJECT_INDEX:
		case OBJECT_STATISTIC_EXT:
			return false;
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_FOREIGN_TABLE:
			return one_concerns_others(stmt->objects);
		default:
			return true;
	}
}

/* The one table, or the like, that is altered, or NULL. */
static RangeVar *
altered(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_AlterTableStmt:
			return ((AlterTableStmt *) stmt)->relation;
		case T_RenameStmt:
			return ((RenameStmt *) stmt)->relation;
		case T_AlterObjectSchemaStmt:
			return ((AlterObjectSchemaStmt *) stmt)->relation;
		case T_AlterOwnerStmt:
			return ((AlterOwnerStmt *) stmt)->relation;
		case T_AlterSeqStmt:
			return ((AlterSeqStmt *) stmt)->sequence;
		case T_CreateTrigStmt:
			return ((CreateTrigStmt *) stmt)->relation;
		case T_RuleStmt:
			return ((RuleStmt *) stmt)->relation;
		case T_CreatePolicyStmt:
			return ((CreatePolicyStmt *) stmt)->table;
		case T_AlterPolicyStmt:
			return ((AlterPolicyStmt *) stmt)->table;
		default:
			return NULL;
	}
}

/* The new table, or the like, or NULL. */
static RangeVar *
created(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_CreateStmt:
			return ((CreateStmt *) stmt)->relation;
		case T_CreateTableAsStmt:
			return ((CreateTableAsStmt *) stmt)->into->rel;
		case T_CreateSeqStmt:
			return ((CreateSeqStmt *) stmt)->sequence;
		case T_ViewStmt:
			return ((ViewStmt *) stmt)->view;
		default:
			return NULL;
	}
}

/* A role that others become members of may bring privileges with it, and schemas to be searched. */
static bool
has_members(CreateRoleStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->options)
	{
		const char *name = lfirst_node(DefElem, lc)->defname;

		if (strcmp(name, "rolemembers") == 0 || strcmp(name, "adminmembers") == 0)
			return true;
	}
	return false;
}

/* EXPLAIN ANALYZE runs what it explains, and not as a statement of its own. */
static Node *
explained(Node *stmt)
{
	Query	   *query;

	if (!IsA(stmt, ExplainStmt))
		return stmt;
	query = (Query *) ((ExplainStmt *) stmt)->query;
	return IsA(query, Query) && query->commandType == CMD_UTILITY ? query->utilityStmt : stmt;
}

static Reach
reach_of(Node *stmt)
{
	RangeVar   *name;

	is_missing = false;
	if (GetCommandLogLevel(stmt) != LOGSTMT_DDL)
		return REACH_NOBODY;
	stmt = explained(stmt);
	switch (nodeTag(stmt))
	{
			/* how fast, not what */
		case T_IndexStmt:
		case T_ClusterStmt:
		case T_CreateStatsStmt:
		case T_AlterStatsStmt:
		case T_CommentStmt:
		case T_CreateTableSpaceStmt:
		case T_DropTableSpaceStmt:
		case T_AlterTableSpaceOptionsStmt:
			/* what concerns new sessions, databases, tables, other servers */
		case T_AlterSystemStmt:
		case T_CreatedbStmt:
		case T_DropdbStmt:
		case T_AlterDatabaseStmt:
		case T_AlterDatabaseSetStmt:
		case T_AlterRoleSetStmt:
		case T_AlterDefaultPrivilegesStmt:
		case T_CreatePublicationStmt:
		case T_AlterPublicationStmt:
		case T_CreateSubscriptionStmt:
		case T_AlterSubscriptionStmt:
		case T_DropSubscriptionStmt:
		case T_CreateEventTrigStmt:
		case T_AlterEventTrigStmt:
			return REACH_NOBODY;
		case T_DropStmt:
			return drop_concerns_others((DropStmt *) stmt) ? REACH_DATABASE : REACH_NOBODY;
		case T_GrantStmt:
			if (((GrantStmt *) stmt)->targtype == ACL_TARGET_OBJECT &&
				((GrantStmt *) stmt)->objtype == OBJECT_TABLE &&
				!one_concerns_others(((GrantStmt *) stmt)->objects))
				return REACH_NOBODY;
			return REACH_DATABASE;
		case T_CreateRoleStmt:
			return has_members((CreateRoleStmt *) stmt) ? REACH_ALL : REACH_NOBODY;
		case T_AlterRoleStmt:
		case T_DropRoleStmt:
		case T_GrantRoleStmt:
			return REACH_ALL;
		case T_RenameStmt:
			if (((RenameStmt *) stmt)->renameType == OBJECT_ROLE ||
				((RenameStmt *) stmt)->renameType == OBJECT_DATABASE)
				return REACH_ALL;
			break;
		default:
			break;
	}
	name = created(stmt);
	if (name != NULL && !is_for_others(name))
		return REACH_NOBODY;
	name = altered(stmt);
	if (name != NULL && !concerns_others(name))
		return REACH_NOBODY;
	return REACH_DATABASE;
}

/* Partitions get row triggers by themselves, but not those for TRUNCATE. */
static void
watch_partitions(Node *stmt)
{
	ListCell   *lc;

	if (IsA(stmt, CreateStmt) && ((CreateStmt *) stmt)->partbound != NULL)
	{
		RangeVar   *fresh = ((CreateStmt *) stmt)->relation;

		hsg_watch_truncate(get_relname_relid(fresh->relname, RangeVarGetCreationNamespace(fresh)));
	}
	if (!IsA(stmt, AlterTableStmt))
		return;
	foreach(lc, ((AlterTableStmt *) stmt)->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (cmd->subtype == AT_AttachPartition)
			hsg_watch_truncate(RangeVarGetRelid(((PartitionCmd *) cmd->def)->name, NoLock, true));
	}
}

static bool
is_commit_prepared(Node *stmt)
{
	return IsA(stmt, TransactionStmt) &&
		((TransactionStmt *) stmt)->kind == TRANS_STMT_COMMIT_PREPARED;
}

static void
run(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
	ProcessUtilityContext context, ParamListInfo params,
	QueryEnvironment *queryEnv, DestReceiver *dest, QueryCompletion *qc)
{
	(prev_utility != NULL ? prev_utility : standard_ProcessUtility)
		(pstmt, queryString, readOnlyTree, context, params, queryEnv, dest, qc);
}

static void
utility(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
		ProcessUtilityContext context, ParamListInfo params,
		QueryEnvironment *queryEnv, DestReceiver *dest, QueryCompletion *qc)
{
	Node	   *stmt = pstmt->utilityStmt;
	bool		can_void = hsg_shared != NULL && !RecoveryInProgress();
	/* to be asked before: afterwards a table may be gone */
	Reach		reach = can_void ? reach_of(stmt) : REACH_NOBODY;
	/* others may make what is not there yet, before the statement looks for itself */
	bool		may_come = reach == REACH_NOBODY && is_missing;
	CommandId	before = may_come ? GetCurrentCommandId(false) : InvalidCommandId;
	bool		counts = IsA(stmt, DiscardStmt) || GetCommandLogLevel(stmt) == LOGSTMT_DDL;

	if (can_void && is_commit_prepared(stmt))
		hsg_schema_ending();
	hsg_ddl_count += counts;
	has_counted |= counts;
	/* DETACH PARTITION CONCURRENTLY commits on its way */
	if (reach != REACH_NOBODY && IsA(stmt, AlterTableStmt) && !XactReadOnly)
		hsg_touch_schema();
	run(pstmt, queryString, readOnlyTree, context, params, queryEnv, dest, qc);
	hsg_ddl_count += counts;
	if (may_come && GetCurrentCommandId(false) != before)
		reach = REACH_DATABASE;
	if (reach == REACH_NOBODY)
		return;
	/* it may have found that there was nothing to do */
	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
	{
		if (reach == REACH_ALL)
			hsg_touch_all_schemas();
		else
			hsg_touch_schema();
	}
	watch_partitions(stmt);
}

/*
 * ---- Temporary tables ------------------------------------------------------------
 */

/* Is there something outside of temporary schemas in a list of a catalog cache? */
static bool
is_elsewhere(int cache, AttrNumber schema_column, const char *name)
{
	CatCList   *list = SearchSysCacheList1(cache, CStringGetDatum(name));
	bool		found = false;

	for (int i = 0; i < list->n_members && !found; i++)
	{
		bool		is_null;
		Datum		schema = SysCacheGetAttr(cache, &list->members[i]->tuple, schema_column, &is_null);

		found = !isAnyTempNamespace(DatumGetObjectId(schema));
	}
	ReleaseSysCacheList(list);
	return found;
}

/* A table is a type, too, and that comes with an array, and can be written like a function. */
static bool
is_name_taken(const char *name)
{
	return is_elsewhere(RELNAMENSP, Anum_pg_class_relnamespace, name) ||
		is_elsewhere(TYPENAMENSP, Anum_pg_type_typnamespace, name) ||
		is_elsewhere(TYPENAMENSP, Anum_pg_type_typnamespace, psprintf("_%.*s", NAMEDATALEN - 2, name)) ||
		is_elsewhere(PROCNAMEARGSNSP, Anum_pg_proc_pronamespace, name);
}

static bool
temp_hides(Oid temp)
{
	Relation	depend = table_open(DependRelationId, AccessShareLock);
	bool		hides = false;
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(NamespaceRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(temp));
	scan = systable_beginscan(depend, DependReferenceIndexId, true, NULL, 2, key);
	while (!hides && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend form = (Form_pg_depend) GETSTRUCT(tuple);
		char	   *name = form->classid == RelationRelationId ? get_rel_name(form->objid) : NULL;

		/* types without a table are rare */
		hides = form->classid == TypeRelationId || (name != NULL && is_name_taken(name));
	}
	systable_endscan(scan);
	table_close(depend, AccessShareLock);
	return hides;
}

bool
hsg_temp_may_hide(void)
{
	static uint64 known_label = HS_NO_LABEL;
	static uint64 known_count = 0;
	static bool hides = false;
	Oid			temp,
				temp_toast;
	uint64		label;
	HsSnapshot	s;

	GetTempNamespaceState(&temp, &temp_toast);
	if (!OidIsValid(temp))
		return false;
	hsg_snapshot(&s);
	label = hsg_schema_label(&s);
	if (label != HS_NO_LABEL && label == known_label && known_count == hsg_ddl_count)
		return hides;
	known_label = hsg_schema_settle(&s);
	if (known_label == HS_NO_LABEL)
		return true;
	known_count = hsg_ddl_count;
	hides = temp_hides(temp);
	return hides;
}
