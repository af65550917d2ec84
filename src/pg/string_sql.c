/*
 * string_sql.c
 *	  SQL functions on strings.
 *
 * Every function has the same shape: keyspace (which checks the privilege),
 * arguments, the command under its lock, check, result.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "value.h"

static bool value_load_rest(HsHandle *h, HsBytes key, HsgValue *v, HsStatus status, HsRead r);
static bool value_read(FunctionCallInfo fcinfo, int ks_arg, HsgValue *v);
static bool value_getdel(FunctionCallInfo fcinfo, HsgValue *v);
static bool value_getex(FunctionCallInfo fcinfo, HsgValue *v);
static bool value_getset(FunctionCallInfo fcinfo, uint16_t flags, HsgValue *v);
static bool value_set(FunctionCallInfo fcinfo, HsHandle *h, uint16_t flags,
					  HsSetRule *rule, int64_t clock_us, HsgValue *old);
static Datum set_command(FunctionCallInfo fcinfo, uint16_t flags);
static Datum cas_command(FunctionCallInfo fcinfo, uint16_t flags);
static Datum set_if_command(FunctionCallInfo fcinfo, uint16_t flags);
static Datum del_if_command(FunctionCallInfo fcinfo, uint16_t flags);
static bool value_matches(FunctionCallInfo fcinfo, HsHandle *h, HsBytes key, int expected_arg,
						  uint16_t flags, HsBytes *stored, uint16_t *stored_flags);
static Datum edit_command(FunctionCallInfo fcinfo, HsHandle *h, HsEdit *e);
static Datum append_command(FunctionCallInfo fcinfo, bool is_text);
static Datum setrange_command(FunctionCallInfo fcinfo, bool is_text);
static bool range_read(FunctionCallInfo fcinfo, HsgValue *v);
static bool jsonb_range(HsgValue *v, HsHandle *h, HsBytes key, int64 start, int64 stop);
static Datum incr_command(FunctionCallInfo fcinfo, HsHandle *h, int64 by);

/*
 * ---- Reading -----------------------------------------------------------------
 */

/* kv_get(key text) returns text */
PG_FUNCTION_INFO_V1(hotset_kv_get);
Datum
hotset_kv_get(PG_FUNCTION_ARGS)
{
	HsgValue	v;

	if (!value_read(fcinfo, 1, &v))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(hsg_value_text(&v));
}

/* kv_get_bytea(key text) returns bytea */
PG_FUNCTION_INFO_V1(hotset_kv_get_bytea);
Datum
hotset_kv_get_bytea(PG_FUNCTION_ARGS)
{
	HsgValue	v;

	if (!value_read(fcinfo, 1, &v))
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(hsg_value_bytea(&v));
}

/* kv_get_jsonb(key text) returns jsonb */
PG_FUNCTION_INFO_V1(hotset_kv_get_jsonb);
Datum
hotset_kv_get_jsonb(PG_FUNCTION_ARGS)
{
	HsgValue	v;

	if (!value_read(fcinfo, 1, &v))
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(hsg_value_jsonb(&v));
}

/* kv_get_int(key text) returns bigint */
PG_FUNCTION_INFO_V1(hotset_kv_get_int);
Datum
hotset_kv_get_int(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	HsType		found = HS_ANY;
	int64_t		n = 0;
	HsBytes		key;
	HsStatus	status;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	key = hsg_arg_bytes(fcinfo, 0);
	do
	{
		status = hs_string_get_int(h, key, hsg_now(), &n, &found);
	} while (hsg_retry(h, status, 0, 0));
	if (status == HS_NOT_FOUND)
		PG_RETURN_NULL();
	hsg_check(status, h, key, HS_STRING, found);
	PG_RETURN_INT64(n);
}

/*
 * The value of the key; false if there is none.  Most keys do not expire, and
 * asking the clock takes as long as the rest, so it is asked afterwards.
 */
static inline bool
value_load(HsHandle *h, HsBytes key, HsgValue *v)
{
	HsRead		r;
	HsStatus	status = hs_read(h, key, HS_CLOCK_LATER, v->stack.bytes, sizeof(v->stack), &r);

	if (likely(status == HS_OK && r.expires_us == HS_NEVER))
	{
		hsg_value_whole(v, r.flags, r.size);
		return true;
	}
	return status != HS_NOT_FOUND && value_load_rest(h, key, v, status, r);
}

/* What can expire, is long, is no string, or comes in the way of something else. */
static pg_noinline bool
value_load_rest(HsHandle *h, HsBytes key, HsgValue *v, HsStatus status, HsRead r)
{
	HsType		found = HS_STRING;

	hsg_value_init(v);
	status = hs_string_fetched(h, key, HS_CLOCK_LATER, &v->got, &found, status, r);
	for (;;)
	{
		if (v->got.expires_us != HS_NEVER &&
			hs_read_expired(h, status, v->got.expires_us, hsg_now()))
			status = HS_NOT_FOUND;
		if (!hsg_value_again(v, status, h, key) && !hsg_retry(h, status, 0, 0))
			break;
		status = hs_string_fetch(h, key, HS_CLOCK_LATER, &v->got, &found);
	}
	if (status == HS_NOT_FOUND)
		return false;
	hsg_check(status, h, key, HS_STRING, found);
	return true;
}

/* The value of the key in the first argument. */
static inline bool
value_read(FunctionCallInfo fcinfo, int ks_arg, HsgValue *v)
{
	HsHandle   *h = hsg_keyspace(fcinfo, ks_arg);

	return !PG_ARGISNULL(0) && value_load(h, hsg_arg_bytes(fcinfo, 0), v);
}

/* kv_strlen(key text) returns integer: bytes of the text form */
PG_FUNCTION_INFO_V1(hotset_kv_strlen);
Datum
hotset_kv_strlen(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	HsBytes		key;
	HsRead		r;
	HsgValue	v;
	HsStatus	status;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	key = hsg_arg_bytes(fcinfo, 0);
	do
	{
		status = hs_read(h, key, hsg_now(), NULL, 0, &r);
	} while (hsg_retry(h, status, 0, 0));
	if (status == HS_NOT_FOUND)
		PG_RETURN_NULL();
	if (status != HS_BUFFER_TOO_SMALL)
		hsg_check(status, h, key, HS_STRING, r.type);
	if (!(r.flags & (HS_RF_INT | HS_RF_JSONB)))
		PG_RETURN_INT32((int32) r.size);
	if (!value_read(fcinfo, 1, &v))
		PG_RETURN_NULL();
	PG_RETURN_INT32(VARSIZE_ANY_EXHDR(hsg_value_bytea(&v)));
}

/* kv_getrange(key text, start bigint, stop bigint) returns text */
PG_FUNCTION_INFO_V1(hotset_kv_getrange);
Datum
hotset_kv_getrange(PG_FUNCTION_ARGS)
{
	HsgValue	v;

	if (!range_read(fcinfo, &v))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(hsg_value_text(&v));
}

/* kv_getrange_bytea(key text, start bigint, stop bigint) returns bytea */
PG_FUNCTION_INFO_V1(hotset_kv_getrange_bytea);
Datum
hotset_kv_getrange_bytea(PG_FUNCTION_ARGS)
{
	HsgValue	v;

	if (!range_read(fcinfo, &v))
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(hsg_value_bytea(&v));
}

static bool
range_read(FunctionCallInfo fcinfo, HsgValue *v)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 3);
	HsBytes		key;
	HsOp		op;
	HsStatus	status;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return false;
	key = hsg_arg_bytes(fcinfo, 0);
	hsg_value_init(v);
	do
	{
		HSG_ONCE(status, op, h, key, HS_SHARED,
				 hs_string_range(&op, PG_GETARG_INT64(1), PG_GETARG_INT64(2), &v->got));
	} while (hsg_value_again(v, status, h, key) || hsg_retry(h, status, 0, 0));
	if (status == HS_WRONG_TYPE && op.found_type == HS_STRING)
		return jsonb_range(v, h, key, PG_GETARG_INT64(1), PG_GETARG_INT64(2));
	hsg_check(status, h, key, HS_STRING, op.found_type);
	return v->got.found;
}

/* Of a jsonb value the range is one of its text form. */
static bool
jsonb_range(HsgValue *v, HsHandle *h, HsBytes key, int64 start, int64 stop)
{
	bytea	   *whole;
	int64		size;

	if (!value_load(h, key, v))
		return false;
	whole = hsg_value_bytea(v);
	size = VARSIZE_ANY_EXHDR(whole);
	start = start < 0 ? Max(start, -size) + size : start;
	stop = stop < 0 ? Max(stop, -size - 1) + size : Min(stop, size - 1);
	v->chunk = NULL;
	v->got.flags = 0;
	v->got.size = start <= stop ? stop - start + 1 : 0;
	v->got.buf = (uint8_t *) VARDATA_ANY(whole) + Min(start, size);
	return true;
}

/*
 * ---- Setting -------------------------------------------------------------------
 */

/* kv_set(key text, value text, ttl interval, nx, xx, keep_ttl boolean, tags text[]) returns boolean */
HSG_FORM(hotset_kv_set, set_command(fcinfo, HS_RF_TEXT))

/* kv_set(key text, value bytea, ...) returns boolean */
HSG_FORM(hotset_kv_set_bytea, set_command(fcinfo, 0))

/* kv_set(key text, value jsonb, ...) returns boolean */
HSG_FORM(hotset_kv_set_jsonb, set_command(fcinfo, HS_RF_JSONB))

static Datum
set_command(FunctionCallInfo fcinfo, uint16_t flags)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 7);
	HsBytes    *tags;
	int64_t		clock_us = HS_CLOCK_LATER;
	bool		nx = hsg_arg_flag(fcinfo, 3);
	bool		xx = hsg_arg_flag(fcinfo, 4);
	HsSetRule	rule = {.keep_ttl = hsg_arg_flag(fcinfo, 5)};

	if (nx && xx)
		hsg_refuse_both("nx", "xx");
	if (rule.keep_ttl && !PG_ARGISNULL(2))
		hsg_refuse_both("keep_ttl", "ttl");
	rule.only = nx ? HS_SET_IF_ABSENT : xx ? HS_SET_IF_PRESENT : HS_SET_ALWAYS;
	rule.expires_us = hsg_arg_expiry_at(fcinfo, 2, h, &clock_us);
	rule.ntags = hsg_arg_tags(fcinfo, 6, &tags);
	rule.tags = tags;
	/* a key may expire while a large value is copied: whether there is one is asked after that */
	if (rule.only != HS_SET_ALWAYS)
		clock_us = HS_CLOCK_LATER;
	PG_RETURN_BOOL(value_set(fcinfo, h, flags, &rule, clock_us, NULL));
}

/* Set argument 0 to argument 1; true if the rule allowed it.  clock_us: now, or HS_CLOCK_LATER. */
static bool
value_set(FunctionCallInfo fcinfo, HsHandle *h, uint16_t flags, HsSetRule *rule, int64_t clock_us,
		  HsgValue *old)
{
	HsBytes		key;
	HsNewValue	v;
	HsOp		op;
	HsStatus	status;
	bool		done = false;

	hsg_require(fcinfo, 0, "key");
	key = hsg_arg_bytes(fcinfo, 0);
	hsg_arg_value(fcinfo, 1, flags, &v);
	op.hash = 0;
	op.need = 0;
	op.found_type = HS_ANY;
	do
	{
		status = hs_value_prepare(h, &v, hsg_max_value, &op.need);
		if (status != HS_OK)
			continue;
		HSG_ONCE_AT(status, op, h, key, HS_EXCLUSIVE, clock_us,
					hs_string_set(&op, &v, rule, old != NULL ? &old->got : NULL, &done));
		hs_value_discard(&v);
		clock_us = HS_CLOCK_LATER;
	} while ((old != NULL && hsg_value_again(old, status, h, key)) ||
			 hsg_retry(h, status, op.hash, op.need));
	hsg_check(status, h, key, HS_STRING, op.found_type);
	return done;
}

/* kv_getset(key text, value text) returns text */
PG_FUNCTION_INFO_V1(hotset_kv_getset);
Datum
hotset_kv_getset(PG_FUNCTION_ARGS)
{
	HsgValue	old;

	if (!value_getset(fcinfo, HS_RF_TEXT, &old))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(hsg_value_text(&old));
}

/* kv_getset(key text, value bytea) returns bytea */
PG_FUNCTION_INFO_V1(hotset_kv_getset_bytea);
Datum
hotset_kv_getset_bytea(PG_FUNCTION_ARGS)
{
	HsgValue	old;

	if (!value_getset(fcinfo, 0, &old))
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(hsg_value_bytea(&old));
}

/* kv_getset(key text, value jsonb) returns text */
PG_FUNCTION_INFO_V1(hotset_kv_getset_jsonb);
Datum
hotset_kv_getset_jsonb(PG_FUNCTION_ARGS)
{
	HsgValue	old;

	if (!value_getset(fcinfo, HS_RF_JSONB, &old))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(hsg_value_text(&old));
}

static bool
value_getset(FunctionCallInfo fcinfo, uint16_t flags, HsgValue *old)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	HsSetRule	rule = {.expires_us = hsg_default_expiry(h)};

	hsg_value_init(old);
	old->got.text_only = flags != 0;
	(void) value_set(fcinfo, h, flags, &rule, HS_CLOCK_LATER, old);
	return old->got.found;
}

/* kv_getdel(key text) returns text */
PG_FUNCTION_INFO_V1(hotset_kv_getdel);
Datum
hotset_kv_getdel(PG_FUNCTION_ARGS)
{
	HsgValue	v;

	hsg_value_init(&v);
	v.got.text_only = true;
	if (!value_getdel(fcinfo, &v))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(hsg_value_text(&v));
}

/* kv_getdel_bytea(key text) returns bytea */
PG_FUNCTION_INFO_V1(hotset_kv_getdel_bytea);
Datum
hotset_kv_getdel_bytea(PG_FUNCTION_ARGS)
{
	HsgValue	v;

	hsg_value_init(&v);
	if (!value_getdel(fcinfo, &v))
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(hsg_value_bytea(&v));
}

static bool
value_getdel(FunctionCallInfo fcinfo, HsgValue *v)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	HsBytes		key;
	HsOp		op;
	HsStatus	status;

	hsg_require(fcinfo, 0, "key");
	key = hsg_arg_bytes(fcinfo, 0);
	do
	{
		HSG_ONCE(status, op, h, key, HS_EXCLUSIVE, hs_string_getdel(&op, &v->got));
	} while (hsg_value_again(v, status, h, key) || hsg_retry(h, status, 0, 0));
	if (status == HS_NOT_FOUND)
		return false;
	hsg_check(status, h, key, HS_STRING, op.found_type);
	return true;
}

/* kv_getex(key text, ttl interval, persist boolean) returns text */
PG_FUNCTION_INFO_V1(hotset_kv_getex);
Datum
hotset_kv_getex(PG_FUNCTION_ARGS)
{
	HsgValue	v;

	hsg_value_init(&v);
	v.got.text_only = true;
	if (!value_getex(fcinfo, &v))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(hsg_value_text(&v));
}

/* kv_getex_bytea(key text, ttl interval, persist boolean) returns bytea */
PG_FUNCTION_INFO_V1(hotset_kv_getex_bytea);
Datum
hotset_kv_getex_bytea(PG_FUNCTION_ARGS)
{
	HsgValue	v;

	hsg_value_init(&v);
	if (!value_getex(fcinfo, &v))
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(hsg_value_bytea(&v));
}

static bool
value_getex(FunctionCallInfo fcinfo, HsgValue *v)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 3);
	bool		persist = hsg_arg_flag(fcinfo, 2);
	bool		is_read = !persist && PG_ARGISNULL(1);
	int64_t		expires_us = HS_NEVER;
	HsBytes		key;
	HsOp		op;
	HsStatus	status;

	hsg_require(fcinfo, 0, "key");
	key = hsg_arg_bytes(fcinfo, 0);
	if (persist && !PG_ARGISNULL(1))
		hsg_refuse_both("persist", "ttl");
	if (!PG_ARGISNULL(1))
		expires_us = hsg_arg_expiry(fcinfo, 1, h);
	do
	{
		HSG_ONCE(status, op, h, key, HS_EXCLUSIVE,
				 is_read ? hs_string_get(&op, &v->got)
				 : hs_string_getex(&op, expires_us, &v->got));
	} while (hsg_value_again(v, status, h, key) || hsg_retry(h, status, op.hash, op.need));
	if (status == HS_NOT_FOUND)
		return false;
	hsg_check(status, h, key, HS_STRING, op.found_type);
	return true;
}

/*
 * ---- Compare and set -------------------------------------------------------------
 */

/* kv_version(key text) returns bigint */
PG_FUNCTION_INFO_V1(hotset_kv_version);
Datum
hotset_kv_version(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	HsBytes		key;
	HsOp		op;
	HsStatus	status;
	uint64_t	version = 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	key = hsg_arg_bytes(fcinfo, 0);
	HSG_TRY(status, op, h, key, HS_EXCLUSIVE, hs_key_version(&op, &version));
	if (status == HS_NOT_FOUND)
		PG_RETURN_NULL();
	hsg_check(status, h, key, HS_ANY, HS_ANY);
	PG_RETURN_INT64((int64) version);
}

/* kv_cas(key text, value text, version bigint, ttl interval) returns boolean */
HSG_FORM(hotset_kv_cas, cas_command(fcinfo, HS_RF_TEXT))

/* kv_cas(key text, value bytea, ...) returns boolean */
HSG_FORM(hotset_kv_cas_bytea, cas_command(fcinfo, 0))

/* kv_cas(key text, value jsonb, ...) returns boolean */
HSG_FORM(hotset_kv_cas_jsonb, cas_command(fcinfo, HS_RF_JSONB))

static Datum
cas_command(FunctionCallInfo fcinfo, uint16_t flags)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 4);
	HsSetRule	rule = {.only = HS_SET_IF_VERSION};

	hsg_require(fcinfo, 2, "version");
	rule.version = (uint64_t) PG_GETARG_INT64(2);
	rule.expires_us = hsg_arg_expiry(fcinfo, 3, h);
	PG_RETURN_BOOL(value_set(fcinfo, h, flags, &rule, HS_CLOCK_LATER, NULL));
}

/* kv_set_if(key text, value text, expected text, ttl interval) returns boolean */
HSG_FORM(hotset_kv_set_if, set_if_command(fcinfo, HS_RF_TEXT))

/* kv_set_if(key text, value bytea, expected bytea, ttl interval) returns boolean */
HSG_FORM(hotset_kv_set_if_bytea, set_if_command(fcinfo, 0))

/* kv_set_if(key text, value jsonb, expected jsonb, ttl interval) returns boolean */
HSG_FORM(hotset_kv_set_if_jsonb, set_if_command(fcinfo, HS_RF_JSONB))

/*
 * What kv_get() says of a missing key is null, so a null 'expected' means that
 * there is to be none.
 */
static Datum
set_if_command(FunctionCallInfo fcinfo, uint16_t flags)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 4);
	HsSetRule	rule = {.only = HS_SET_IF_ABSENT};
	HsBytes		key;

	hsg_require(fcinfo, 0, "key");
	hsg_require_value(fcinfo, 1, "To remove a key, use kv_del_if.");
	rule.expires_us = hsg_arg_expiry(fcinfo, 3, h);
	if (PG_ARGISNULL(2))
		PG_RETURN_BOOL(value_set(fcinfo, h, flags, &rule, HS_CLOCK_LATER, NULL));

	key = hsg_arg_bytes(fcinfo, 0);
	rule.only = HS_SET_IF_EQUAL;
	while (value_matches(fcinfo, h, key, 2, flags, &rule.expected, &rule.expected_flags))
	{
		if (value_set(fcinfo, h, flags, &rule, HS_CLOCK_LATER, NULL))
			PG_RETURN_BOOL(true);
		CHECK_FOR_INTERRUPTS(); /* it has changed since: look again */
	}
	PG_RETURN_BOOL(false);
}

/* kv_del_if(key text, expected text) returns boolean */
HSG_FORM(hotset_kv_del_if, del_if_command(fcinfo, HS_RF_TEXT))

/* kv_del_if(key text, expected bytea) returns boolean */
HSG_FORM(hotset_kv_del_if_bytea, del_if_command(fcinfo, 0))

/* kv_del_if(key text, expected jsonb) returns boolean */
HSG_FORM(hotset_kv_del_if_jsonb, del_if_command(fcinfo, HS_RF_JSONB))

static Datum
del_if_command(FunctionCallInfo fcinfo, uint16_t flags)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	HsBytes		key;
	HsBytes		stored;
	uint16_t	stored_flags;
	HsOp		op;
	bool		done = false;

	hsg_require(fcinfo, 0, "key");
	if (PG_ARGISNULL(1))
		PG_RETURN_BOOL(false);
	key = hsg_arg_bytes(fcinfo, 0);
	while (!done && value_matches(fcinfo, h, key, 1, flags, &stored, &stored_flags))
	{
		HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_STRING,
				hs_string_del_if(&op, stored, stored_flags, &done));
		CHECK_FOR_INTERRUPTS();
	}
	PG_RETURN_BOOL(done);
}

/*
 * Does the key hold what argument 'expected_arg' says?  *stored is then what it
 * holds, as the engine compares it: two jsonb values may be equal and yet differ in
 * bytes (1.0 and 1.00), and text is compared with the text form of jsonb.
 */
static bool
value_matches(FunctionCallInfo fcinfo, HsHandle *h, HsBytes key, int expected_arg,
			  uint16_t flags, HsBytes *stored, uint16_t *stored_flags)
{
	HsBytes		expected = hsg_arg_bytes(fcinfo, expected_arg);
	HsgValue   *v = palloc(sizeof(HsgValue));
	HsBytes		have;

	if (!value_load(h, key, v))
		return false;

	*stored_flags = v->got.flags & HS_RF_JSONB;
	if (!(v->got.flags & HS_RF_JSONB))
	{
		bytea	   *bytes = hsg_value_bytea(v);

		*stored = hs_bytes(VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
		return !(flags & HS_RF_JSONB) && hs_bytes_cmp(*stored, expected) == 0;
	}
	*stored = hs_bytes(v->got.buf, v->got.size);
	if (flags & HS_RF_JSONB)
	{
		Jsonb	   *b = PG_GETARG_JSONB_P(expected_arg);

		return compareJsonbContainers((JsonbContainer *) v->got.buf, &b->root) == 0;
	}
	else
	{
		text	   *t = hsg_value_text(v);

		have = hs_bytes(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
		return hs_bytes_cmp(have, expected) == 0;
	}
}

/*
 * ---- Counting ------------------------------------------------------------------
 */

/* kv_incr(key text, by bigint, ttl interval) returns bigint */
PG_FUNCTION_INFO_V1(hotset_kv_incr);
Datum
hotset_kv_incr(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 3);

	hsg_require(fcinfo, 1, "by");
	return incr_command(fcinfo, h, PG_GETARG_INT64(1));
}

/* kv_decr(key text, by bigint, ttl interval) returns bigint */
PG_FUNCTION_INFO_V1(hotset_kv_decr);
Datum
hotset_kv_decr(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 3);

	hsg_require(fcinfo, 1, "by");
	if (PG_GETARG_INT64(1) == PG_INT64_MIN)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("counter out of range")));
	return incr_command(fcinfo, h, -PG_GETARG_INT64(1));
}

static Datum
incr_command(FunctionCallInfo fcinfo, HsHandle *h, int64 by)
{
	int64_t		expires_us = hsg_arg_expiry(fcinfo, 2, h);
	HsBytes		key;
	HsOp		op;
	int64_t		result = 0;

	hsg_require(fcinfo, 0, "key");
	key = hsg_arg_bytes(fcinfo, 0);
	HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_STRING, hs_string_incr(&op, by, expires_us, &result));
	PG_RETURN_INT64(result);
}

/* kv_incrbyfloat(key text, by float8) returns float8 */
PG_FUNCTION_INFO_V1(hotset_kv_incrbyfloat);
Datum
hotset_kv_incrbyfloat(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	HsBytes		key;
	HsOp		op;
	HsStatus	status;
	double		by;
	int64_t		expires_us;
	double		result = 0;

	hsg_require(fcinfo, 0, "key");
	key = hsg_arg_bytes(fcinfo, 0);
	by = hsg_arg_increment(fcinfo, 1);
	expires_us = hsg_default_expiry(h);
	HSG_TRY(status, op, h, key, HS_EXCLUSIVE, hs_string_incrbyfloat(&op, by, expires_us, &result));
	if (status == HS_NOT_A_NUMBER)
		hsg_refuse_overflow();
	hsg_check(status, h, key, HS_STRING, op.found_type);
	PG_RETURN_FLOAT8(result);
}

/*
 * ---- Changing a part -------------------------------------------------------------
 */

/* kv_append(key text, value text) returns integer: bytes now */
HSG_FORM(hotset_kv_append, append_command(fcinfo, true))

/* kv_append(key text, value bytea) returns integer */
HSG_FORM(hotset_kv_append_bytea, append_command(fcinfo, false))

static Datum
append_command(FunctionCallInfo fcinfo, bool is_text)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	HsEdit		e = {.append = true,.is_text = is_text};

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "value");
	e.bytes = hsg_arg_bytes(fcinfo, 1);
	return edit_command(fcinfo, h, &e);
}

/* kv_setrange(key text, "offset" bigint, value text) returns integer: bytes now */
HSG_FORM(hotset_kv_setrange, setrange_command(fcinfo, true))

/* kv_setrange(key text, "offset" bigint, value bytea) returns integer */
HSG_FORM(hotset_kv_setrange_bytea, setrange_command(fcinfo, false))

static Datum
setrange_command(FunctionCallInfo fcinfo, bool is_text)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 3);
	HsEdit		e = {.is_text = is_text};

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "offset");
	hsg_require(fcinfo, 2, "value");
	if (PG_GETARG_INT64(1) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("offset must not be negative")));
	e.offset = (size_t) PG_GETARG_INT64(1);
	e.bytes = hsg_arg_bytes(fcinfo, 2);
	return edit_command(fcinfo, h, &e);
}

static Datum
edit_command(FunctionCallInfo fcinfo, HsHandle *h, HsEdit *e)
{
	HsBytes		key = hsg_arg_bytes(fcinfo, 0);
	HsOp		op = {0};
	HsStatus	status;

	e->max_value = (size_t) hsg_max_value;
	e->new_expires_us = hsg_default_expiry(h);
	do
	{
		CHECK_FOR_INTERRUPTS();
		status = hs_edit_prepare(h, key, e, hsg_now(), &op.need);
		if (status == HS_BUFFER_TOO_SMALL && e->scratch == NULL)
			e->scratch = palloc(HS_SEG_SIZE);
		if (status != HS_OK)
			continue;
		HSG_ONCE(status, op, h, key, HS_EXCLUSIVE, hs_string_edit(&op, e));
		hs_edit_discard(e);
	} while (status == HS_BUFFER_TOO_SMALL || hsg_retry(h, status, op.hash, op.need));
	hsg_check_string(status, h, key, op.found_type);
	PG_RETURN_INT32((int32) e->result_size);
}
