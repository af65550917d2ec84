/*
 * lock_sql.c
 *	  SQL functions for locks with fencing tokens.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "../engine/lock.h"
#include "value.h"

static HsStatus take(HsOp *op, int64_t ttl_us, int64 *token);
static int64_t ttl_arg(FunctionCallInfo fcinfo, int n);

/* kv_lock(key text, ttl interval) returns bigint: token, null if it is held */
PG_FUNCTION_INFO_V1(hotset_kv_lock);
Datum
hotset_kv_lock(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	int64_t		ttl_us;
	int64		token;
	HsBytes		key;
	HsOp		op;

	hsg_require(fcinfo, 0, "key");
	key = hsg_arg_bytes(fcinfo, 0);
	ttl_us = ttl_arg(fcinfo, 1);
	do
	{
		CHECK_FOR_INTERRUPTS();
		hsg_token_reserve(hsg_now());
		HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_STRING, take(&op, ttl_us, &token));
	} while (token == 0);		/* others have used up what there was */
	if (token < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(token);
}

/* *token: -1 if the lock is held, 0 if tokens must be reserved first. */
static HsStatus
take(HsOp *op, int64_t ttl_us, int64 *token)
{
	int64_t		now_us = hs_op_now(op);
	bool		is_free;
	HsStatus	status = hs_lock_is_free(op, &is_free);

	*token = -1;
	if (status != HS_OK || !is_free)
		return status;
	*token = hsg_token_take(now_us);
	if (*token == 0)
		return HS_OK;
	return hs_lock_take(op, *token, now_us + ttl_us);
}

/* kv_lock_extend(key text, token bigint, ttl interval) returns boolean */
PG_FUNCTION_INFO_V1(hotset_kv_lock_extend);
Datum
hotset_kv_lock_extend(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 3);
	bool		done = false;
	int64_t		ttl_us;
	HsBytes		key;
	HsOp		op;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "token");
	key = hsg_arg_bytes(fcinfo, 0);
	ttl_us = ttl_arg(fcinfo, 2);
	HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_STRING,
			hs_lock_extend(&op, PG_GETARG_INT64(1), hs_op_now(&op) + ttl_us, &done));
	PG_RETURN_BOOL(done);
}

/* kv_unlock(key text, token bigint) returns boolean */
PG_FUNCTION_INFO_V1(hotset_kv_unlock);
Datum
hotset_kv_unlock(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	bool		done = false;
	HsBytes		key;
	HsOp		op;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "token");
	key = hsg_arg_bytes(fcinfo, 0);
	HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_STRING, hs_lock_release(&op, PG_GETARG_INT64(1), &done));
	PG_RETURN_BOOL(done);
}

/* A lock that never ends would outlive whoever forgot it. */
static int64_t
ttl_arg(FunctionCallInfo fcinfo, int n)
{
	int64_t		ttl_us;

	hsg_require(fcinfo, n, "ttl");
	ttl_us = hsg_interval_us(PG_GETARG_INTERVAL_P(n));
	if (ttl_us <= 0 || hsg_expiry(hsg_now(), ttl_us) == HS_NEVER)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid expiry: time to live of a lock must be greater than zero and finite")));
	return ttl_us;
}
