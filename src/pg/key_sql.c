/*
 * key_sql.c
 *	  SQL functions on keys, whatever they hold; kv_dump and kv_restore are in dump_sql.c.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "../engine/dues.h"
#include "../engine/key.h"
#include "../engine/many.h"
#include "../engine/slot.h"
#include "../engine/type.h"
#include "key_sql.h"
#include "wait.h"

static HsStatus peek(HsHandle *h, HsBytes key, HsRead *r);
static int64 keys_count(FunctionCallInfo fcinfo);
static bool count_unlocked(HsHandle *h, const HsBytes *keys, int nkeys, uint64_t *count);
static bool expire_command(FunctionCallInfo fcinfo, HsHandle *h, int64_t expires_us);
static Datum move_command(FunctionCallInfo fcinfo, HsMove *mv);
static bool move_grow(HsMove *mv, HsStatus status);

/*
 * ---- Deleting, counting ------------------------------------------------------
 */

/* kv_del(key text) returns boolean */
PG_FUNCTION_INFO_V1(hotset_kv_del);
Datum
hotset_kv_del(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	HsBytes		key;
	HsOp		op;
	bool		deleted = false;

	hsg_require(fcinfo, 0, "key");
	key = hsg_arg_bytes(fcinfo, 0);
	HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_ANY, hs_key_delete(&op, &deleted));
	PG_RETURN_BOOL(deleted);
}

/* kv_del(keys text[]) returns bigint */
PG_FUNCTION_INFO_V1(hotset_kv_del_many);
Datum
hotset_kv_del_many(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	HsBytes    *keys;
	int			nkeys = hsg_arg_keys(fcinfo, 0, &keys);
	HsMulti		m;
	HsStatus	status;
	uint64_t	deleted = 0;

	HSG_TRY_MULTI(status, m, h, keys, nkeys, HS_EXCLUSIVE,
				  hs_keys_delete(&m, keys, nkeys, &deleted));
	hsg_check(status, h, hs_bytes(NULL, 0), HS_ANY, HS_ANY);
	PG_RETURN_INT64((int64) deleted);
}

/* kv_exists(key text) returns boolean */
PG_FUNCTION_INFO_V1(hotset_kv_exists);
Datum
hotset_kv_exists(PG_FUNCTION_ARGS)
{
	HsRead		r;
	bool		exists = hsg_key_peek(fcinfo, &r);

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(exists);
}

/* kv_exists(keys text[]) returns bigint */
PG_FUNCTION_INFO_V1(hotset_kv_exists_many);
Datum
hotset_kv_exists_many(PG_FUNCTION_ARGS)
{
	(void) hsg_keyspace(fcinfo, 1);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_INT64(keys_count(fcinfo));
}

/* kv_touch(key text) returns boolean: reading is what keeps a key from eviction */
PG_FUNCTION_INFO_V1(hotset_kv_touch);
Datum
hotset_kv_touch(PG_FUNCTION_ARGS)
{
	HsRead		r;

	(void) hsg_keyspace(fcinfo, 1); /* the privilege comes before the arguments */
	hsg_require(fcinfo, 0, "key");
	PG_RETURN_BOOL(hsg_key_peek(fcinfo, &r));
}

/* kv_touch(keys text[]) returns bigint */
PG_FUNCTION_INFO_V1(hotset_kv_touch_many);
Datum
hotset_kv_touch_many(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	HsBytes    *keys;
	int			nkeys = hsg_arg_keys(fcinfo, 0, &keys);
	int64		count = 0;

	for (int i = 0; i < nkeys; i++)
	{
		HsRead		r;
		HsStatus	status;

		do
		{
			status = peek(h, keys[i], &r);
		} while (hsg_retry(h, status, 0, 0));
		if (status != HS_NOT_FOUND)
			hsg_check(status, h, keys[i], HS_ANY, HS_ANY);
		count += status == HS_OK;
		if (i % 1024 == 1023)
			CHECK_FOR_INTERRUPTS();
	}
	PG_RETURN_INT64(count);
}

bool
hsg_key_peek(FunctionCallInfo fcinfo, HsRead *r)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	HsBytes		key;
	HsStatus	status;

	if (PG_ARGISNULL(0))
		return false;
	key = hsg_arg_bytes(fcinfo, 0);
	do
	{
		status = peek(h, key, r);
	} while (hsg_retry(h, status, 0, 0));
	if (status == HS_NOT_FOUND)
		return false;
	hsg_check(status, h, key, HS_ANY, HS_ANY);
	return true;
}

/* The clock, which takes as long as the rest, is asked about keys that can expire only. */
static HsStatus
peek(HsHandle *h, HsBytes key, HsRead *r)
{
	HsStatus	status = hs_peek(h, key, HS_CLOCK_LATER, r);

	if (status != HS_OK || r->expires_us == HS_NEVER)
		return status;
	/* when all members have expired, which is not the expiry of the key */
	if (hs_flags_have_dues(r->flags))
		return hs_peek(h, key, hsg_now(), r);
	if (r->expires_us <= hsg_now())
		return HS_NOT_FOUND;
	return status;
}

/* Null elements are keys that do not exist. */
static int64
keys_count(FunctionCallInfo fcinfo)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	HsBytes    *keys;
	bool	   *nulls;
	int			n = hsg_arg_array(fcinfo, 0, &keys, &nulls);
	int			nkeys = 0;
	HsMulti		m;
	HsStatus	status;
	uint64_t	count = 0;

	for (int i = 0; i < n; i++)
		if (nulls == NULL || !nulls[i])
			keys[nkeys++] = keys[i];
	if (nkeys <= HS_MANY_MAX && count_unlocked(h, keys, nkeys, &count))
		return (int64) count;
	HSG_TRY_MULTI(status, m, h, keys, nkeys, HS_SHARED, hs_keys_exist(&m, keys, nkeys, &count));
	hsg_check(status, h, hs_bytes(NULL, 0), HS_ANY, HS_ANY);
	return (int64) count;
}

/* False if somebody is in the way, or all members of a collection may have expired. */
static bool
count_unlocked(HsHandle *h, const HsBytes *keys, int nkeys, uint64_t *count)
{
	HsManyRead *reads = palloc(sizeof(HsManyRead) * Max(nkeys, 1));

	for (int i = 0; i < nkeys; i++)
		reads[i].look.key = keys[i];
	for (int tries = 0; tries < HS_MANY_TRIES; tries++)
	{
		bool		has_dues = false;

		if (!hs_many_find(h, reads, nkeys, hsg_now()))
			continue;
		*count = 0;
		for (int i = 0; i < nkeys; i++)
		{
			*count += reads[i].found;
			has_dues |= reads[i].found && hs_flags_have_dues(reads[i].flags);
		}
		if (has_dues)
			return false;
		if (!hs_many_have_expired(reads, nkeys) && hs_many_are_true(h, reads, nkeys))
			return true;
	}
	return false;
}

/* kv_type(key text) returns text */
PG_FUNCTION_INFO_V1(hotset_kv_type);
Datum
hotset_kv_type(PG_FUNCTION_ARGS)
{
	HsRead		r;

	if (!hsg_key_peek(fcinfo, &r))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(hs_type_ops(r.type)->name));
}

/* kv_slot(key text) returns integer */
PG_FUNCTION_INFO_V1(hotset_kv_slot);
Datum
hotset_kv_slot(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32((int32) hs_slot(hsg_arg_bytes(fcinfo, 0)));
}

/*
 * ---- Expiry --------------------------------------------------------------------
 */

/* kv_expire(key text, ttl interval, nx, xx, gt, lt boolean) returns boolean */
PG_FUNCTION_INFO_V1(hotset_kv_expire);
Datum
hotset_kv_expire(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 6);

	PG_RETURN_BOOL(expire_command(fcinfo, h, hsg_arg_expire_ttl(fcinfo, 1, h)));
}

/* kv_expire_at(key text, at timestamptz, nx, xx, gt, lt boolean) returns boolean */
PG_FUNCTION_INFO_V1(hotset_kv_expire_at);
Datum
hotset_kv_expire_at(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 6);

	StaticAssertStmt(DT_NOEND == HS_NEVER, "an infinite timestamp is no expiry");
	hsg_require(fcinfo, 1, "at");
	PG_RETURN_BOOL(expire_command(fcinfo, h, PG_GETARG_TIMESTAMPTZ(1)));
}

static bool
expire_command(FunctionCallInfo fcinfo, HsHandle *h, int64_t expires_us)
{
	unsigned	flags;
	HsExpireRule rule;
	HsBytes		key;
	HsOp		op;
	bool		done = false;

	hsg_require(fcinfo, 0, "key");
	key = hsg_arg_bytes(fcinfo, 0);
	flags = hsg_arg_expire_flags(fcinfo, 2);
	rule.nx = (flags & HS_DUE_NX) != 0;
	rule.xx = (flags & HS_DUE_XX) != 0;
	rule.gt = (flags & HS_DUE_GT) != 0;
	rule.lt = (flags & HS_DUE_LT) != 0;
	HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_ANY, hs_key_expire(&op, &rule, expires_us, &done));
	return done;
}

/* kv_persist(key text) returns boolean: whether it had an expiry */
PG_FUNCTION_INFO_V1(hotset_kv_persist);
Datum
hotset_kv_persist(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	HsBytes		key;
	HsOp		op;
	bool		done = false;

	hsg_require(fcinfo, 0, "key");
	key = hsg_arg_bytes(fcinfo, 0);
	HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_ANY, hs_key_persist(&op, &done));
	PG_RETURN_BOOL(done);
}

/* kv_ttl(key text) returns interval: null without key or expiry */
PG_FUNCTION_INFO_V1(hotset_kv_ttl);
Datum
hotset_kv_ttl(PG_FUNCTION_ARGS)
{
	HsRead		r;

	if (!hsg_key_peek(fcinfo, &r) || r.expires_us == HS_NEVER)
		PG_RETURN_NULL();
	PG_RETURN_INTERVAL_P(hsg_interval(Max(r.expires_us - hsg_now(), 0)));
}

/* kv_expires_at(key text) returns timestamptz: null without key or expiry */
PG_FUNCTION_INFO_V1(hotset_kv_expires_at);
Datum
hotset_kv_expires_at(PG_FUNCTION_ARGS)
{
	HsRead		r;

	if (!hsg_key_peek(fcinfo, &r) || r.expires_us == HS_NEVER)
		PG_RETURN_NULL();
	PG_RETURN_TIMESTAMPTZ(r.expires_us);
}

/*
 * ---- Rename and copy -------------------------------------------------------------
 */

/* kv_rename(key text, new_key text, nx boolean) returns boolean */
PG_FUNCTION_INFO_V1(hotset_kv_rename);
Datum
hotset_kv_rename(PG_FUNCTION_ARGS)
{
	HsMove		mv = {.replace = !hsg_arg_flag(fcinfo, 2)};

	return move_command(fcinfo, &mv);
}

/* kv_copy(key text, new_key text, replace boolean) returns boolean */
PG_FUNCTION_INFO_V1(hotset_kv_copy);
Datum
hotset_kv_copy(PG_FUNCTION_ARGS)
{
	HsMove		mv = {.keep_source = true,.replace = hsg_arg_flag(fcinfo, 2)};

	return move_command(fcinfo, &mv);
}

static Datum
move_command(FunctionCallInfo fcinfo, HsMove *mv)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 3);
	HsBytes		keys[2];
	HsMulti		m = {0};
	HsStatus	status;
	bool		done = false;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "new_key");
	keys[0] = hsg_arg_bytes(fcinfo, 0);
	keys[1] = hsg_arg_bytes(fcinfo, 1);
	mv->edit.max_value = SIZE_MAX;
	do
	{
		CHECK_FOR_INTERRUPTS();
		status = hs_move_prepare(h, keys[0], mv, hsg_now(), &m.need);
		if (status != HS_OK)
			continue;
		HSG_ONCE_MULTI(status, m, h, keys, 2, HS_EXCLUSIVE,
					   hs_key_move(&m, keys[0], keys[1], mv, &done, &m.hash));
		hs_move_discard(mv);
	} while (move_grow(mv, status) || hsg_retry(h, status, m.hash, m.need));
	if (status == HS_NOT_FOUND)
		PG_RETURN_BOOL(false);
	if (status == HS_BAD_ARGUMENT)
		hsg_check(HS_WRONG_TYPE, h, keys[0], HS_ANY, HS_CACHED);
	hsg_check(status, h, keys[1], HS_ANY, HS_ANY);
	if (done)
		hsg_wait_notify(h, keys[1]);
	PG_RETURN_BOOL(done);
}

/* Provide the memory that a move asked for; true if it is to be tried again. */
static bool
move_grow(HsMove *mv, HsStatus status)
{
	if (status != HS_BUFFER_TOO_SMALL)
		return false;
	if (mv->wanted > mv->capacity)
	{
		if (mv->buf != NULL)
			pfree(mv->buf);
		mv->capacity = mv->wanted + mv->wanted / 8;
		mv->buf = palloc_extended(mv->capacity, MCXT_ALLOC_HUGE);
	}
	else if (mv->edit.scratch == NULL)
		mv->edit.scratch = palloc(HS_SEG_SIZE);
	return true;				/* else the value has changed under the preparation */
}
