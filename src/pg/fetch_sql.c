/*
 * fetch_sql.c
 *	  kv_fetch: the cached result of a query, or run it, keep it, and return it.
 *
 * Results are shared by
 * sessions for which the query means the same: same role, search path, settings that shape text,
 * query, arguments, tags.  That is part of the key they are stored under; what
 * invalidates them is the key that the caller gave.
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "fetch.h"
#include "glue.h"

/* Numbers of arguments. */
enum
{
	ARG_KEY, ARG_QUERY, ARG_ARGS, ARG_TTL, ARG_SOFT_TTL, ARG_WAIT, ARG_TAGS, ARG_KEYSPACE
};

static Datum fetch_command(FunctionCallInfo fcinfo, HsgQueryAs as);
static void fetch_arguments(FunctionCallInfo fcinfo, HsgFetch *f);
static void fetch_name(HsgFetch *f, HsBytes key);


/* kv_fetch(key text, query text, args text[], ttl interval, soft_ttl interval, wait interval,
 * tags text[]) returns text */
HSG_FORM(hotset_kv_fetch, fetch_command(fcinfo, HSG_QUERY_TEXT))

/* kv_fetch_bytea(key text, query text, ...) returns bytea */
HSG_FORM(hotset_kv_fetch_bytea, fetch_command(fcinfo, HSG_QUERY_BYTEA))

/* kv_fetch_jsonb(key text, query text, ...) returns jsonb */
HSG_FORM(hotset_kv_fetch_jsonb, fetch_command(fcinfo, HSG_QUERY_JSONB))

/* kv_fetch_row(key text, query text, ...) returns jsonb: an object */
HSG_FORM(hotset_kv_fetch_row, fetch_command(fcinfo, HSG_QUERY_ROW))

/* kv_fetch_rows(key text, query text, ...) returns jsonb: an array of objects */
HSG_FORM(hotset_kv_fetch_rows, fetch_command(fcinfo, HSG_QUERY_ROWS))

static Datum
fetch_command(FunctionCallInfo fcinfo, HsgQueryAs as)
{
	HsgFetch	f;

	f.h = hsg_keyspace(fcinfo, ARG_KEYSPACE);
	f.query.as = as;
	fetch_arguments(fcinfo, &f);
	hsg_fetch(&f);
	if (hsg_fetch_is_null(&f))
		PG_RETURN_NULL();
	return hsg_fetch_datum(&f, as == HSG_QUERY_TEXT ? HS_CACHED_TEXT :
						   as == HSG_QUERY_BYTEA ? HS_CACHED_BYTEA : HS_CACHED_JSONB);
}

/*
 * ---- What is asked for ---------------------------------------------------------
 */

static void
fetch_arguments(FunctionCallInfo fcinfo, HsgFetch *f)
{
	HsBytes		key;

	hsg_require(fcinfo, ARG_KEY, "key");
	hsg_require(fcinfo, ARG_QUERY, "query");
	key = hsg_arg_bytes(fcinfo, ARG_KEY);
	f->query.text = hsg_arg_bytes(fcinfo, ARG_QUERY);
	f->query.nargs = 0;
	f->query.names = NULL;
	if (!PG_ARGISNULL(ARG_ARGS))
		f->query.nargs = hsg_arg_array(fcinfo, ARG_ARGS, &f->query.args, &f->query.nulls);
	hsg_arg_deps(fcinfo, key, ARG_TAGS, &f->deps);
	f->wait_us = PG_ARGISNULL(ARG_WAIT) ? HSG_FETCH_WAIT_US :
		hsg_fetch_wait(PG_GETARG_INTERVAL_P(ARG_WAIT));
	f->ttl_us = PG_ARGISNULL(ARG_TTL) ? hsg_fetch_default_ttl(f->h) :
		hsg_fetch_ttl(PG_GETARG_INTERVAL_P(ARG_TTL));
	f->soft_ttl_us = PG_ARGISNULL(ARG_SOFT_TTL) ? HS_NEVER :
		hsg_fetch_ttl(PG_GETARG_INTERVAL_P(ARG_SOFT_TTL));
	f->rls_covered = false;
	f->run_as = InvalidOid;
	f->add_deps = NULL;
	fetch_name(f, key);
}

/* What decides, beside role and key, which result the query has, or how it looks as text. */
static void
hash_session(XXH3_state_t *state)
{
	XXH3_128bits_update(state, namespace_search_path, strlen(namespace_search_path) + 1);
	/* such a session keeps to itself, and begins anew with each temporary table */
	if (hsg_temp_may_hide())
	{
		XXH3_128bits_update(state, &MyProcPid, sizeof(MyProcPid));
		XXH3_128bits_update(state, &MyStartTimestamp, sizeof(MyStartTimestamp));
		XXH3_128bits_update(state, &hsg_ddl_count, sizeof(hsg_ddl_count));
	}
}

/*
 * Readable where it can be: mark, role, a hash of the rest, key.  The hash has a secret
 * seed and the role stands in clear, so nobody can make a query collide with that of another role.
 */
static void
fetch_name(HsgFetch *f, HsBytes key)
{
	static const char hex[] = "0123456789abcdef";
	char	   *name = palloc(64 + key.size);
	XXH3_state_t state;
	XXH128_hash_t hash;
	uint8_t		digest[16];
	int			size;

	XXH3_INITSTATE(&state);
	XXH3_128bits_reset_withSeed(&state, hs_region->seed);
	hash_session(&state);
	hsg_query_hash(&state, &f->query);
	XXH3_128bits_update(&state, f->deps.slot, f->deps.n * sizeof(uint32_t));
	hash = XXH3_128bits_digest(&state);
	memcpy(digest, &hash, sizeof(digest));

	size = pg_snprintf(name, 32, "%cfetch:%u:", HSG_FETCH_MARK, GetUserId());
	for (int i = 0; i < 16; i++)
	{
		name[size++] = hex[digest[i] >> 4];
		name[size++] = hex[digest[i] & 15];
	}
	name[size++] = ':';
	memcpy(name + size, key.data, key.size);
	f->stored = hs_bytes(name, size + key.size);
}
