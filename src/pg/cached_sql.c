/*
 * cached_sql.c
 *	  Cached results for applications that compute them outside: reading, leases, filling,
 *	  invalidating.
 *
 * A lease is the labels of key and tags at the time of the miss, added up.  Labels
 * only grow from one snapshot to a later one, so an equal sum means equal labels: what
 * was computed in between, under snapshots of the same session in between, is the
 * result under each of them.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "cache.h"

static inline void require_own_key(HsBytes key);
static inline Datum cached_command(FunctionCallInfo fcinfo, HsCachedKind kind);
static Datum lease_command(FunctionCallInfo fcinfo, HsCachedKind kind);
static int64 lease_of(const HsgDeps *deps, const uint64_t *labels);
static Datum fill_command(FunctionCallInfo fcinfo, HsCachedKind kind);
static Datum invalidate_command(FunctionCallInfo fcinfo, HsgNameKind kind, bool is_array);

PG_FUNCTION_INFO_V1(hotset_cache_stats);
PG_FUNCTION_INFO_V1(hotset_cache_stats_reset);

/*
 * ---- Reading -------------------------------------------------------------------
 */

/* kv_get_cached(key text) returns text: null unless it is what the query would return */
HSG_FORM(hotset_kv_get_cached, cached_command(fcinfo, HS_CACHED_TEXT))

/* kv_get_cached_bytea(key text) returns bytea */
HSG_FORM(hotset_kv_get_cached_bytea, cached_command(fcinfo, HS_CACHED_BYTEA))

/* kv_get_cached_jsonb(key text) returns jsonb */
HSG_FORM(hotset_kv_get_cached_jsonb, cached_command(fcinfo, HS_CACHED_JSONB))

/* Results of kv_fetch may be those of other roles, and are for nobody to read or fill. */
static inline void
require_own_key(HsBytes key)
{
	if (unlikely(key.size > 0 && key.data[0] == HSG_FETCH_MARK))
		ereport(ERROR,
				(errcode(ERRCODE_RESERVED_NAME),
				 errmsg("key \"%s\" is reserved", hsg_key_text(key)),
				 errdetail("Keys that begin with the character 1 are those of kv_fetch.")));
}

static inline Datum
cached_command(FunctionCallInfo fcinfo, HsCachedKind kind)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	HsgCacheFound found;
	HsgCacheCount why;
	HsgEntry	e;
	HsSnapshot	s;
	HsBytes		key;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	key = hsg_arg_bytes(fcinfo, 0);
	require_own_key(key);
	hsg_snapshot(&s);
	found = hsg_cache_look(h, key, hsg_slot(HSG_NAME_KEY, key), &s, &e, &why);
	hsg_cache_count(why);
	if (found == HSG_CACHE_MISS || e.cached.kind == HS_CACHED_NULL)
		PG_RETURN_NULL();
	return hsg_cached_datum(&e.value, kind);
}

/*
 * ---- Leases --------------------------------------------------------------------
 */

/* kv_get_lease(key text, tags text[], OUT value text, OUT found boolean, OUT lease bigint) */
HSG_FORM(hotset_kv_get_lease, lease_command(fcinfo, HS_CACHED_TEXT))

/* kv_get_lease_bytea(key text, tags text[], OUT value bytea, OUT found boolean, OUT lease bigint) */
HSG_FORM(hotset_kv_get_lease_bytea, lease_command(fcinfo, HS_CACHED_BYTEA))

/* kv_get_lease_jsonb(key text, tags text[], OUT value jsonb, OUT found boolean, OUT lease bigint) */
HSG_FORM(hotset_kv_get_lease_jsonb, lease_command(fcinfo, HS_CACHED_JSONB))

static Datum
lease_command(FunctionCallInfo fcinfo, HsCachedKind kind)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	Datum		values[3] = {0};
	bool		nulls[3] = {true, false, true};
	uint64_t	labels[HS_CACHED_DEPS];
	HsgCacheFound found;
	HsgCacheCount why;
	HsgEntry	e;
	HsgDeps		deps;
	HsSnapshot	s;
	HsBytes		key;
	TupleDesc	desc;

	hsg_require(fcinfo, 0, "key");
	key = hsg_arg_bytes(fcinfo, 0);
	require_own_key(key);
	hsg_arg_deps(fcinfo, key, 1, &deps);
	hsg_snapshot(&s);
	found = hsg_cache_look(h, key, deps.slot[0], &s, &e, &why);
	hsg_cache_count(why);
	if (found != HSG_CACHE_MISS && e.cached.kind != HS_CACHED_NULL)
	{
		values[0] = hsg_cached_datum(&e.value, kind);
		nulls[0] = false;
	}
	values[1] = BoolGetDatum(found != HSG_CACHE_MISS);
	/* who may fill at all?  a hit that should be renewed gives a lease, too */
	if (found != HSG_CACHE_HIT && !hsg_has_changes() &&
		hsg_schema_settle(&s) != HS_NO_LABEL && hsg_cache_labels(&s, &deps, labels))
	{
		values[2] = Int64GetDatum(lease_of(&deps, labels));
		nulls[2] = false;
	}
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/*
 * Which slots they are is mixed in, so that a lease for one key, or other tags, is
 * not taken for another.
 */
static int64
lease_of(const HsgDeps *deps, const uint64_t *labels)
{
	uint64		sum = 0;

	for (unsigned i = 0; i < deps->n; i++)
		sum += labels[i] + (deps->slot[i] + 1) * UINT64CONST(0x9e3779b97f4a7c15) * (i + 1);
	return (int64) sum;
}

/* kv_fill(key text, value text, lease bigint, ttl interval, soft_ttl interval, tags text[])
 * returns boolean: whether it was stored */
HSG_FORM(hotset_kv_fill, fill_command(fcinfo, HS_CACHED_TEXT))

/* kv_fill(key text, value bytea, ...) returns boolean */
HSG_FORM(hotset_kv_fill_bytea, fill_command(fcinfo, HS_CACHED_BYTEA))

/* kv_fill(key text, value jsonb, ...) returns boolean */
HSG_FORM(hotset_kv_fill_jsonb, fill_command(fcinfo, HS_CACHED_JSONB))

static Datum
fill_command(FunctionCallInfo fcinfo, HsCachedKind kind)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 6);
	HsgResult	r = {.kind = HS_CACHED_NULL};
	uint64_t	labels[HS_CACHED_DEPS];
	HsgDeps		deps;
	HsSnapshot	s;
	HsBytes		key;

	hsg_require(fcinfo, 0, "key");
	key = hsg_arg_bytes(fcinfo, 0);
	require_own_key(key);
	if (!PG_ARGISNULL(1))
	{
		r.kind = kind;
		r.bytes = hsg_arg_bytes(fcinfo, 1);
	}
	hsg_arg_cache_expiry(fcinfo, 3, 4, h, &r);
	hsg_arg_deps(fcinfo, key, 5, &deps);
	if (hsg_has_changes())
	{
		hsg_cache_count(HSG_CACHE_FILL_OWN);
		PG_RETURN_BOOL(false);
	}
	hsg_snapshot(&s);
	if (PG_ARGISNULL(2) || !hsg_cache_labels(&s, &deps, labels) ||
		(lease_of(&deps, labels) != PG_GETARG_INT64(2) && !HS_BROKEN(HS_BREAK_LEASE)))
	{
		hsg_cache_count(HSG_CACHE_FILL_LABEL);
		PG_RETURN_BOOL(false);
	}
	PG_RETURN_BOOL(hsg_cache_store(h, key, &deps, labels, &r, true));
}

/*
 * ---- Invalidating --------------------------------------------------------------
 */

/* kv_invalidate(key text) returns void: at commit */
HSG_FORM(hotset_kv_invalidate, invalidate_command(fcinfo, HSG_NAME_KEY, false))

/* kv_invalidate(keys text[]) returns void */
HSG_FORM(hotset_kv_invalidate_many, invalidate_command(fcinfo, HSG_NAME_KEY, true))

/* kv_invalidate_tag(tag text) returns void */
HSG_FORM(hotset_kv_invalidate_tag, invalidate_command(fcinfo, HSG_NAME_TAG, false))

/* kv_invalidate_tag(tags text[]) returns void */
HSG_FORM(hotset_kv_invalidate_tags, invalidate_command(fcinfo, HSG_NAME_TAG, true))

static Datum
invalidate_command(FunctionCallInfo fcinfo, HsgNameKind kind, bool is_array)
{
	const char *what = kind == HSG_NAME_KEY ? "key" : "tag";
	HsBytes    *names;
	int			n;

	(void) hsg_keyspace(fcinfo, 1);
	hsg_require(fcinfo, 0, what);
	if (!is_array)
	{
		hsg_touch(kind, hsg_arg_bytes(fcinfo, 0));
		PG_RETURN_VOID();
	}
	n = hsg_arg_elements(fcinfo, 0, what, &names);
	for (int i = 0; i < n; i++)
	{
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		hsg_touch(kind, names[i]);
	}
	PG_RETURN_VOID();
}

/*
 * ---- Statistics ----------------------------------------------------------------
 */

/* hotset_cache_stats() returns a row of counts in the order of HsgCacheCount, and the slots */
Datum
hotset_cache_stats(PG_FUNCTION_ARGS)
{
	Datum		values[HSG_CACHE_NCOUNTS + 1];
	bool		nulls[HSG_CACHE_NCOUNTS + 1] = {0};
	uint64		counts[HSG_CACHE_NCOUNTS];
	TupleDesc	desc;

	hsg_require_preload();
	hsg_cache_counts(counts);
	for (int i = 0; i < HSG_CACHE_NCOUNTS; i++)
		values[i] = Int64GetDatum((int64) counts[i]);
	values[HSG_CACHE_NCOUNTS] = Int64GetDatum(hs_labels_nslots());
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls));
}

/* hotset_cache_stats_reset() returns void */
Datum
hotset_cache_stats_reset(PG_FUNCTION_ARGS)
{
	hsg_require_preload();
	hsg_cache_counts_reset();
	PG_RETURN_VOID();
}
