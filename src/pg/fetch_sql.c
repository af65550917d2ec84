/*
 * fetch_sql.c
 *	  kv_fetch: the cached result of a query, or run it, keep it, and return it.
 *
 * Results are shared by sessions for which the query means the same: same role, search path,
 * settings that shape text, query, arguments, tags.  That is part of the key they are stored
 * under; what invalidates them is the key that the caller gave.  A hit makes that name and looks;
 * arrays are taken apart when the query is to be run.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "fetch.h"
#include "glue.h"

/* Numbers of arguments. */
enum
{
	ARG_KEY, ARG_QUERY, ARG_ARGS, ARG_TTL, ARG_SOFT_TTL, ARG_WAIT, ARG_TAGS, ARG_KEYSPACE
};

#define KNOWN_TEXTS		64
#define KNOWN_MIN_SIZE	64		/* below that hashing is as fast */
#define KNOWN_MAX_SIZE	1000

/* A query that was asked for, in this session. */
typedef struct KnownText
{
	HsgDigest	digest;
	size_t		size;
	uint8_t		text[KNOWN_MAX_SIZE];
} KnownText;

static Datum fetch_command(FunctionCallInfo fcinfo, HsgQueryAs as);
static void fetch_arguments(FunctionCallInfo fcinfo, HsgFetch *f);
static void fetch_arrays(FunctionCallInfo fcinfo, HsgFetch *f);
static void fetch_name(FunctionCallInfo fcinfo, HsgFetch *f);

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
	fetch_name(fcinfo, &f);
	if (!hsg_fetch_look(&f))
	{
		fetch_arrays(fcinfo, &f);
		hsg_fetch_compute(&f);
	}
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
	hsg_require(fcinfo, ARG_KEY, "key");
	hsg_require(fcinfo, ARG_QUERY, "query");
	f->query.text = hsg_arg_bytes(fcinfo, ARG_QUERY);
	f->wait_us = PG_ARGISNULL(ARG_WAIT) ? HSG_FETCH_WAIT_US :
		hsg_fetch_wait(PG_GETARG_INTERVAL_P(ARG_WAIT));
	f->ttl_us = PG_ARGISNULL(ARG_TTL) ? hsg_fetch_default_ttl(f->h) :
		hsg_fetch_ttl(PG_GETARG_INTERVAL_P(ARG_TTL));
	f->soft_ttl_us = PG_ARGISNULL(ARG_SOFT_TTL) ? HS_NEVER :
		hsg_fetch_ttl(PG_GETARG_INTERVAL_P(ARG_SOFT_TTL));
	f->rls_covered = false;
	f->run_as = InvalidOid;
	f->add_deps = NULL;
}

/* What a hit does not need: those that differ in it have names that differ. */
static void
fetch_arrays(FunctionCallInfo fcinfo, HsgFetch *f)
{
	f->query.nargs = 0;
	f->query.names = NULL;
	if (!PG_ARGISNULL(ARG_ARGS))
		f->query.nargs = hsg_arg_array(fcinfo, ARG_ARGS, &f->query.args, &f->query.nulls);
	hsg_arg_deps(fcinfo, f->key, ARG_TAGS, &f->deps);
}

/*
 * The digest of a query.  Those of the last ones are kept: to compare a text with one that
 * was seen before takes a third of the instructions of hashing it.
 */
static HsgDigest
text_digest(HsBytes text)
{
	static KnownText known[KNOWN_TEXTS];
	KnownText  *k;
	uint64		mix = 0;

	if (text.size < KNOWN_MIN_SIZE || text.size > sizeof(k->text))
		return hsg_digest(text.data, text.size);
	/* texts that are alike here drive each other out */
	for (int i = 1; i <= 4; i++)
	{
		uint64		word;

		memcpy(&word, text.data + (text.size - sizeof(word)) * i / 4, sizeof(word));
		mix = (mix ^ word) * UINT64CONST(0x9e3779b97f4a7c15);
	}
	k = &known[(mix ^ text.size * UINT64CONST(0x9e3779b97f4a7c15)) >> 32 & (KNOWN_TEXTS - 1)];
	if (k->size == text.size && memcmp(k->text, text.data, text.size) == 0)
		return k->digest;
	k->size = text.size;
	memcpy(k->text, text.data, text.size);
	k->digest = hsg_digest(text.data, text.size);
	return k->digest;
}

/* Such a session keeps to itself, and begins anew with each temporary table. */
static HsgDigest
temporary_digest(HsgDigest session)
{
	struct
	{
		HsgDigest	session;
		int64		pid;
		TimestampTz start;
		uint64		ddl_count;
	}			own = {session, MyProcPid, MyStartTimestamp, hsg_ddl_count};

	return hsg_digest(&own, sizeof(own));
}

static HsBytes
role_prefix(void)
{
	static char prefix[32];
	static int	size = 0;
	static Oid	role = InvalidOid;

	if (unlikely(role != GetUserId()))
	{
		role = GetUserId();
		size = snprintf(prefix, sizeof(prefix), "%cfetch:%u:", HSG_FETCH_MARK, role);
	}
	return hs_bytes(prefix, size);
}

/*
 * The hash has a secret seed and the role stands in clear, so nobody can make a query collide
 * with that of another role.
 */
static void
fetch_name(FunctionCallInfo fcinfo, HsgFetch *f)
{
	HsBytes		key = hsg_arg_bytes(fcinfo, ARG_KEY);
	struct
	{
		HsgDigest	session;
		HsgDigest	text;
		HsgDigest	args;
		HsgDigest	tags;
		uint64		as;
	}			all = {.session = hsg_session()->all,.text = text_digest(f->query.text),.as = f->query.as};

	if (!PG_ARGISNULL(ARG_ARGS))
		all.args = hsg_arg_digest(fcinfo, ARG_ARGS);
	if (!PG_ARGISNULL(ARG_TAGS))
		all.tags = hsg_arg_digest(fcinfo, ARG_TAGS);
	if (hsg_temp_may_hide())
		all.session = temporary_digest(all.session);
	memcpy(hsg_fetch_name(f, role_prefix(), hsg_digest(&all, sizeof(all)), key.size), key.data, key.size);
}
