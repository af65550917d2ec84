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

#include "../engine/label.h"
#include "cache.h"
#include "flight.h"
#include "glue.h"
#include "invalidate.h"
#include "query.h"

HSG_MODULE_MAGIC;

static const struct config_enum_entry cache_reads[] = {
	{"snapshot", HSG_READS_SNAPSHOT, false},
	{"latest", HSG_READS_LATEST, false},
	{NULL, 0, false}
};

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
	hsg_invalidate_install();
	hsg_cache_ddl_install();
	hsg_query_install();
	hsg_flight_install();
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

	DefineCustomEnumVariable("hotset.cache_reads",
							 "Which cached results a snapshot may be given.",
							 NULL,
							 &hsg_cache_reads,
							 HSG_READS_SNAPSHOT, cache_reads,
							 PGC_USERSET,
							 0,
							 NULL, NULL, NULL);

	DefineCustomBoolVariable("hotset.serializable_hits",
							 "Lets serializable transactions use cached results.",
							 "They take no predicate locks, so write skew through them goes unnoticed.",
							 &hsg_serializable_hits,
							 false,
							 PGC_USERSET,
							 0,
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

	DefineCustomIntVariable("hotset.invalidation_slots",
							"Slots by which cached results learn that their tables have changed.",
							"128 bytes each, rounded up to a power of two; as many as there are cached keys is plenty.",
							&hsg_slots_setting,
							16384,
							HS_LABEL_MIN_SLOTS, HS_LABEL_MAX_SLOTS,
							PGC_POSTMASTER,
							0,
							NULL, NULL, NULL);

#ifdef HS_BREAKABLE
	DefineCustomIntVariable("hotset.break",
							"Breaks one rule of exact caching, to see that the stress test notices.",
							NULL,
							&hs_break,
							0,
							0, HS_NBREAKS - 1,
							PGC_POSTMASTER,
							0,
							NULL, NULL, NULL);
#endif

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
