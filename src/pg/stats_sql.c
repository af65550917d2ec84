/*
 * stats_sql.c
 *	  Looking at keyspaces and at the region: counters, memory, large keys.
 *
 * Numbers about a keyspace are for roles with USAGE on it and for members of
 * pg_read_all_stats; keys are for roles with USAGE only.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_foreign_server.h"
#include "foreign/foreign.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"

#include "../engine/hot.h"
#include "../engine/label.h"
#include "../engine/type.h"
#include "glue.h"

#define STATS_COLUMNS		19
#define BIG_KEYS_MAX		10000
#define SCAN_BATCH			1000	/* keys visited under one lock */
#define INBOX_BYTES			(256 * 1024)
#define SUMS_NAPS			1000	/* of a millisecond each, for a quiet moment */

/* A key that may be among the largest; key bytes follow, or are pointed to. */
typedef struct BigKey
{
	uint64_t	bytes;
	int64_t		expires_us;
	HsType		type;
	uint32_t	key_size;
	uint8_t    *key;			/* in the list; NULL in the inbox */
} BigKey;

typedef struct BigKeys
{
	BigKey	   *list;			/* largest first */
	int			n;
	int			want;
	uint8_t    *inbox;			/* filled under the lock: BigKey, key, BigKey, ... */
	size_t		inbox_size;
	size_t		inbox_capacity;
	size_t		bucket_start;	/* in the inbox */
} BigKeys;

static void put_stats_row(ReturnSetInfo *rsinfo, HeapTuple server);
static bool may_see_stats(Oid server);
static Datum keys_by_type(const HsStats *stats);
static void put_memory_row(ReturnSetInfo *rsinfo, const char *use, uint64 segments, uint64 bytes);
static bool big_key_visit(void *arg, HsOp *op, HsRecord *record);
static void big_keys_sort_in(BigKeys *big);
static void big_keys_insert(BigKeys *big, const BigKey *candidate, const uint8_t *key);
static void big_keys_grow(BigKeys *big);
static void put_big_key_row(ReturnSetInfo *rsinfo, const BigKey *key);
static HsStatus usage_of(HsOp *op, uint64_t *bytes);
static int	compare_hot_keys(const void *a, const void *b);
static void put_hot_key_row(ReturnSetInfo *rsinfo, const HsHotKey *key, uint64_t samples);

/*
 * ---- Counters ----------------------------------------------------------------------
 */

/* hotset_stats() returns setof record: one row per keyspace of this database */
PG_FUNCTION_INFO_V1(hotset_stats);
Datum
hotset_stats(PG_FUNCTION_ARGS)
{
	Relation	servers;
	SysScanDesc scan;
	HeapTuple	server;

	hsg_require_preload();
	hsg_flush_stats();
	InitMaterializedSRF(fcinfo, 0);

	servers = table_open(ForeignServerRelationId, AccessShareLock);
	scan = systable_beginscan(servers, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(server = systable_getnext(scan)))
	{
		Form_pg_foreign_server form = (Form_pg_foreign_server) GETSTRUCT(server);

		if (hsg_is_our_fdw(form->srvfdw) && may_see_stats(form->oid))
			put_stats_row((ReturnSetInfo *) fcinfo->resultinfo, server);
	}
	systable_endscan(scan);
	table_close(servers, AccessShareLock);
	return (Datum) 0;
}

static bool
may_see_stats(Oid server)
{
	if (has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS))
		return true;
	/* dropped since the scan began: no row then, and no error */
	return SearchSysCacheExists1(FOREIGNSERVEROID, ObjectIdGetDatum(server)) &&
		hsg_server_aclcheck(server, GetUserId(), ACL_USAGE) == ACLCHECK_OK;
}

/* A keyspace that nobody has used yet has counters of zero. */
static void
put_stats_row(ReturnSetInfo *rsinfo, HeapTuple server)
{
	Form_pg_foreign_server form = (Form_pg_foreign_server) GETSTRUCT(server);
	Datum		values[STATS_COLUMNS];
	bool		nulls[STATS_COLUMNS] = {0};
	HsStats		stats;
	HsHandle	h;
	int			i = 0;

	memset(&stats, 0, sizeof(stats));
	if (hs_keyspace_lookup(MyDatabaseId, form->oid, &h) != HS_OK ||
		hs_stats(&h, &stats) != HS_OK)
	{
		HsKeyspaceOptions opts;
		ForeignServer *known = GetForeignServerExtended(form->oid, FSV_MISSING_OK);

		if (known == NULL)
			return;				/* dropped meanwhile */
		hsg_options_read(known->options, &opts);
		stats.limit = opts.memory;
	}

	values[i++] = NameGetDatum(&form->srvname);
	values[i++] = Int64GetDatum(stats.keys);
	values[i++] = keys_by_type(&stats);
	values[i++] = Int64GetDatum(stats.bytes);
	nulls[i] = stats.limit == 0;
	values[i++] = Int64GetDatum(stats.limit);
	values[i++] = Int64GetDatum(stats.hits);
	values[i++] = Int64GetDatum(stats.misses);
	values[i++] = Int64GetDatum(stats.sets);
	values[i++] = Int64GetDatum(stats.deletes);
	values[i++] = Int64GetDatum(stats.expired);
	values[i++] = Int64GetDatum(stats.evicted);
	values[i++] = Int64GetDatum(stats.refused);
	values[i++] = Int64GetDatum(stats.log_bytes);
	values[i++] = Int64GetDatum(stats.live_bytes);
	values[i++] = Int64GetDatum(stats.index_bytes);
	values[i++] = Int64GetDatum(stats.slab_bytes);
	values[i++] = Int64GetDatum(stats.big_bytes);
	values[i++] = Int64GetDatum(stats.moved_bytes);
	nulls[i] = stats.reset_us == 0;
	values[i++] = TimestampTzGetDatum(stats.reset_us);
	Assert(i == lengthof(values));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* As jsonb, types without keys left out. */
static Datum
keys_by_type(const HsStats *stats)
{
	StringInfoData s;
	const char *separator = "";

	initStringInfo(&s);
	appendStringInfoChar(&s, '{');
	for (int type = 0; type < HS_NTYPES; type++)
	{
		if (stats->keys_by_type[type] == 0)
			continue;
		appendStringInfo(&s, "%s\"%s\": %llu", separator, hs_type_ops(type)->name,
						 (unsigned long long) stats->keys_by_type[type]);
		separator = ", ";
	}
	appendStringInfoChar(&s, '}');
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(s.data));
}

/* hotset_reset_stats(keyspace name) returns void: its owner only */
PG_FUNCTION_INFO_V1(hotset_reset_stats);
Datum
hotset_reset_stats(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 0);
	const char *name = hsg_keyspace_name(h);

	if (!hsg_server_ownercheck(get_foreign_server_oid(name, false), GetUserId()))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of keyspace \"%s\"", name)));
	hsg_flush_stats();
	hs_stats_reset(h, hsg_now());
	hs_hot_reset(h);
	PG_RETURN_VOID();
}

/*
 * ---- Memory ------------------------------------------------------------------------
 */

/* hotset_memory() returns setof (use text, segments bigint, bytes bigint) */
PG_FUNCTION_INFO_V1(hotset_memory);
Datum
hotset_memory(PG_FUNCTION_ARGS)
{
	static const struct
	{
		const char *use;
		HsSegKind	kind;
		HsSegKind	other;		/* counted together */
	}			uses[] =
	{
		{"records", HS_SEG_LOG_SMALL, HS_SEG_LOG_MAIN},
		{"collections", HS_SEG_SLAB, HS_SEG_SLAB},
		{"large values", HS_SEG_BIG, HS_SEG_BIG},
		{"index", HS_SEG_INDEX, HS_SEG_INDEX},
		{"partitions", HS_SEG_PART, HS_SEG_PART},
		{"free", HS_SEG_FREE, HS_SEG_FREE},
	};
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	uint64		segments[UINT8_MAX + 1] = {0};

	hsg_require_preload();
	InitMaterializedSRF(fcinfo, 0);

	/* each header by itself: others take and give back segments meanwhile */
	for (uint32_t seg = 0; seg < hs_region->nsegs; seg++)
		segments[hs_segs[seg].kind]++;

	for (size_t i = 0; i < lengthof(uses); i++)
	{
		uint64		n = segments[uses[i].kind];

		if (uses[i].other != uses[i].kind)
			n += segments[uses[i].other];
		put_memory_row(rsinfo, uses[i].use, n, n << hs_seg_shift);
	}
	put_memory_row(rsinfo, "overhead", 0,
				   hs_region->size - ((uint64) hs_region->nsegs << hs_seg_shift));
	put_memory_row(rsinfo, "total", hs_region->nsegs, hs_region->size);
	return (Datum) 0;
}

static void
put_memory_row(ReturnSetInfo *rsinfo, const char *use, uint64 segments, uint64 bytes)
{
	Datum		values[3];
	bool		nulls[3] = {0};

	values[0] = CStringGetTextDatum(use);
	values[1] = Int64GetDatum(segments);
	values[2] = Int64GetDatum(bytes);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* kv_memory_usage(key text, keyspace name) returns bigint: bytes, null if absent */
PG_FUNCTION_INFO_V1(hotset_kv_memory_usage);
Datum
hotset_kv_memory_usage(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	HsBytes		key;
	uint64_t	bytes = 0;
	HsOp		op;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	key = hsg_arg_bytes(fcinfo, 0);
	HSG_RUN(op, h, key, HS_SHARED, HS_ANY, usage_of(&op, &bytes));
	if (bytes == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(bytes);
}

/* 0 if there is no such key. */
static HsStatus
usage_of(HsOp *op, uint64_t *bytes)
{
	HsRecord   *record = hs_find(op);

	*bytes = record != NULL ? hs_key_bytes(op, record) : 0;
	return HS_OK;
}

/*
 * ---- Large keys --------------------------------------------------------------------
 * Keys are visited in batches, each under one partition's lock; those that are
 * larger than the smallest on the list go to an inbox, and from there to the list
 * when the lock is released.
 */

/* hotset_big_keys(count int, keyspace name) returns setof
 * (key text, type text, bytes bigint, expires_at timestamptz) */
PG_FUNCTION_INFO_V1(hotset_big_keys);
Datum
hotset_big_keys(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int			want = PG_ARGISNULL(0) ? 10 : PG_GETARG_INT32(0);
	HsCursor	cursor = {0};
	BigKeys		big = {0};

	if (want < 0 || want > BIG_KEYS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid number of keys: %d", want),
				 errdetail("Valid are 0 to %d.", BIG_KEYS_MAX)));
	InitMaterializedSRF(fcinfo, 0);
	if (want == 0)
		return (Datum) 0;

	big.want = want;
	big.list = palloc(sizeof(BigKey) * (want + 1));
	big_keys_grow(&big);
	while (!cursor.done)
	{
		HsCursor	before = cursor;
		HsStatus	status;

		CHECK_FOR_INTERRUPTS();
		status = hs_scan(h, &cursor, SCAN_BATCH, hsg_now(), big_key_visit, &big);
		hsg_check(status, h, hs_bytes(NULL, 0), HS_ANY, HS_ANY);
		big_keys_sort_in(&big);
		if (!cursor.done && cursor.part == before.part && cursor.position == before.position)
			big_keys_grow(&big);
	}
	for (int i = 0; i < big.n; i++)
		put_big_key_row(rsinfo, &big.list[i]);
	return (Datum) 0;
}

/*
 * Under the partition's lock; without a record where a bucket begins.  False: the
 * inbox is full, and the bucket is visited anew when it has been emptied.
 */
static bool
big_key_visit(void *arg, HsOp *op, HsRecord *record)
{
	BigKeys    *big = arg;
	HsRecordView v;
	BigKey		candidate;

	if (record == NULL)
	{
		big->bucket_start = big->inbox_size;
		return true;
	}
	candidate.bytes = hs_key_bytes(op, record);
	if (big->n == big->want && candidate.bytes <= big->list[big->n - 1].bytes)
		return true;
	hs_record_view(record, &v);
	if (big->inbox_capacity - big->inbox_size < sizeof(BigKey) + v.key_size)
	{
		big->inbox_size = big->bucket_start;
		return false;
	}
	candidate.expires_us = v.expires_us;
	candidate.type = hs_record_type(record);
	candidate.key_size = v.key_size;
	candidate.key = NULL;
	memcpy(big->inbox + big->inbox_size, &candidate, sizeof(BigKey));
	hs_copy(big->inbox + big->inbox_size + sizeof(BigKey), v.key, v.key_size);
	big->inbox_size += sizeof(BigKey) + v.key_size;
	return true;
}

static void
big_keys_sort_in(BigKeys *big)
{
	size_t		pos = 0;

	while (pos < big->inbox_size)
	{
		BigKey		candidate;

		memcpy(&candidate, big->inbox + pos, sizeof(BigKey));
		big_keys_insert(big, &candidate, big->inbox + pos + sizeof(BigKey));
		pos += sizeof(BigKey) + candidate.key_size;
	}
	big->inbox_size = 0;
}

static void
big_keys_insert(BigKeys *big, const BigKey *candidate, const uint8_t *key)
{
	int			at = big->n;

	while (at > 0 && big->list[at - 1].bytes < candidate->bytes)
		at--;
	if (at == big->want)
		return;
	memmove(&big->list[at + 1], &big->list[at], sizeof(BigKey) * (big->n - at));
	big->list[at] = *candidate;
	big->list[at].key = palloc(Max(candidate->key_size, 1));
	memcpy(big->list[at].key, key, candidate->key_size);
	if (big->n < big->want)
		big->n++;
	else
		pfree(big->list[big->n].key);
}

static void
big_keys_grow(BigKeys *big)
{
	size_t		capacity = big->inbox == NULL ? INBOX_BYTES : big->inbox_capacity * 2;

	if (big->inbox != NULL)
		pfree(big->inbox);
	big->inbox = palloc(capacity);
	big->inbox_capacity = capacity;
}

static void
put_big_key_row(ReturnSetInfo *rsinfo, const BigKey *key)
{
	Datum		values[4];
	bool		nulls[4] = {0};

	values[0] = PointerGetDatum(hsg_text_result(key->key, key->key_size, false));
	values[1] = CStringGetTextDatum(hs_type_ops(key->type)->name);
	values[2] = Int64GetDatum(key->bytes);
	values[3] = TimestampTzGetDatum(key->expires_us);
	nulls[3] = key->expires_us == HS_NEVER;
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * ---- Keys asked for most -----------------------------------------------------------
 */

/* hotset_hot_keys(count int, keyspace name) returns setof
 * (key text, accesses bigint, share float8) */
PG_FUNCTION_INFO_V1(hotset_hot_keys);
Datum
hotset_hot_keys(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	int			want = PG_ARGISNULL(0) ? 10 : PG_GETARG_INT32(0);
	HsHotKey   *keys = palloc(sizeof(HsHotKey) * HS_HOT_KEYS);
	uint64_t	samples;
	int			n;

	if (want < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid number of keys: %d", want)));
	InitMaterializedSRF(fcinfo, 0);
	n = (int) hs_hot_read(h, keys, &samples);
	qsort(keys, n, sizeof(HsHotKey), compare_hot_keys);
	for (int i = 0; i < n && i < want; i++)
	{
		/* what may be nothing but inherited error, or chance, is not shown */
		if (keys[i].count - keys[i].error >= 2)
			put_hot_key_row((ReturnSetInfo *) fcinfo->resultinfo, &keys[i], samples);
	}
	return (Datum) 0;
}

/* By samples that certainly were this key's, most first; then by key. */
static int
compare_hot_keys(const void *a, const void *b)
{
	const HsHotKey *x = a;
	const HsHotKey *y = b;
	uint64_t	nx = x->count - x->error;
	uint64_t	ny = y->count - y->error;

	if (nx != ny)
		return nx > ny ? -1 : 1;
	return hs_bytes_cmp(hs_bytes(x->key, Min(x->key_size, HS_HOT_KEY_BYTES)),
						hs_bytes(y->key, Min(y->key_size, HS_HOT_KEY_BYTES)));
}

static void
put_hot_key_row(ReturnSetInfo *rsinfo, const HsHotKey *key, uint64_t samples)
{
	uint64_t	sure = key->count - key->error;
	int			size = (int) Min(key->key_size, HS_HOT_KEY_BYTES);
	Datum		values[3];
	bool		nulls[3] = {0};

	if (size < key->key_size)	/* cut between characters, not within one */
		size = pg_mbcliplen((const char *) key->key, size, size - 1);
	values[0] = PointerGetDatum(hsg_text_result(key->key, size, false));
	values[1] = Int64GetDatum(sure * HS_HOT_EVERY);
	values[2] = Float8GetDatum((double) sure / (double) samples);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * ---- Checking ----------------------------------------------------------------------
 */

/* hotset_verify() returns boolean: true, or XX001 with what is wrong */
PG_FUNCTION_INFO_V1(hotset_verify);
Datum
hotset_verify(PG_FUNCTION_ARGS)
{
	const char *wrong;
	uint32_t	slot = 0;
	uint32_t	db;
	uint32_t	server;
	bool		used;
	HsHandle	h;

	hsg_require_preload();
	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be superuser to check the memory of hotset")));
	while (hs_keyspace_slot(slot++, &used, &db, &server, &h))
	{
		CHECK_FOR_INTERRUPTS();
		if (!used)
			continue;
		wrong = hs_keyspace_verify(&h);
		if (wrong != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("keyspace of server %u in database %u is damaged: %s",
							server, db, wrong)));
	}
	wrong = hs_labels_verify();
	if (wrong != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("labels of cached results are damaged: %s", wrong)));
	wrong = hs_sums_verify();
	for (int naps = 0; wrong != NULL && naps < SUMS_NAPS; naps++)
	{
		CHECK_FOR_INTERRUPTS();
		pg_usleep(1000);
		wrong = hs_sums_verify();
	}
	if (wrong != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("shared memory of hotset is damaged: %s", wrong)));
	PG_RETURN_BOOL(true);
}
