/*
 * hotset.c
 *	  Loading: settings, and the hooks that only a preloaded library can have.
 *
 * Without shared_preload_libraries the type hll and its aggregates work; all
 * that needs a keyspace says what to add to postgresql.conf.
 */
#include "postgres.h"

#include <limits.h>

#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "glue.h"

HSG_MODULE_MAGIC;

int			hsg_memory_mb = 64;
char	   *hsg_keyspace_setting = NULL;
int			hsg_max_value = 64 * 1024 * 1024;
int			hsg_worker_interval_ms = 100;
int			hsg_worker_cpu_percent = 10;

extern PGDLLEXPORT void _PG_init(void);

static void define_settings(void);
static void define_server_settings(void);
static void keyspace_assigned(const char *newval, void *extra);

void
_PG_init(void)
{
	define_settings();
	if (!process_shared_preload_libraries_in_progress)
		return;

	define_server_settings();
	MarkGUCPrefixReserved("hotset");
	if (IsBinaryUpgrade)
		return;
	hsg_shmem_install();
	hsg_ddl_install();
	hsg_zset_order_install();
	hsg_worker_register();
}

static void
define_settings(void)
{
	/* Reported to clients, so that poolers can carry it over. */
	DefineCustomStringVariable("hotset.keyspace",
							   "Keyspace of functions that are not given one.",
							   NULL,
							   &hsg_keyspace_setting,
							   "kv",
							   PGC_USERSET,
							   GUC_REPORT,
							   NULL, keyspace_assigned, NULL);

	DefineCustomIntVariable("hotset.max_value",
							"Longest value of a key or a field.",
							NULL,
							&hsg_max_value,
							64 * 1024 * 1024,
							1, (int) (MaxAllocSize - VARHDRSZ),
							PGC_SUSET,
							GUC_UNIT_BYTE,
							NULL, NULL, NULL);
}

/* Settings that exist only where the library is preloaded. */
static void
define_server_settings(void)
{
	DefineCustomIntVariable("hotset.memory",
							"Shared memory for all keyspaces.",
							"Taken when the server starts, backed as it is used.",
							&hsg_memory_mb,
							64,
							(int) (HS_MIN_REGION >> 20), (int) (HS_MAX_REGION >> 20),
							PGC_POSTMASTER,
							GUC_UNIT_MB,
							NULL, NULL, NULL);

	DefineCustomIntVariable("hotset.worker_interval",
							"Time between rounds of the background worker.",
							"Rounds become rarer while there is nothing to do.",
							&hsg_worker_interval_ms,
							100,
							1, 60 * 1000,
							PGC_SIGHUP,
							GUC_UNIT_MS,
							NULL, NULL, NULL);

	DefineCustomIntVariable("hotset.worker_cpu",
							"Percentage of one CPU that the background worker may use.",
							NULL,
							&hsg_worker_cpu_percent,
							10,
							1, 100,
							PGC_SIGHUP,
							0,
							NULL, NULL, NULL);
}

static void
keyspace_assigned(const char *newval, void *extra)
{
	hsg_keyspace_setting_changed();
}
