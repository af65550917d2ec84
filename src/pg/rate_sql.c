/*
 * rate_sql.c
 *	  SQL functions that limit rates.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"

#include "../engine/rate.h"
#include "hotset.h"

/* Arguments after the key. */
typedef struct RateLimit
{
	int64		max;			/* or capacity */
	int64_t		period_us;		/* or time that brings back one token */
	int64		cost;
} RateLimit;

typedef HsStatus (*Command) (HsOp *op, const RateLimit *limit, HsRate *rate);

static HsStatus fixed(HsOp *op, const RateLimit *limit, HsRate *rate);
static HsStatus sliding(HsOp *op, const RateLimit *limit, HsRate *rate);
static HsStatus bucket(HsOp *op, const RateLimit *limit, HsRate *rate);
static Datum window_command(FunctionCallInfo fcinfo, Command run);
static Datum rate_command(FunctionCallInfo fcinfo, HsHandle *h, Command run, const RateLimit *limit);
static int64 count_arg(FunctionCallInfo fcinfo, int n, const char *what);
static int64_t period_arg(FunctionCallInfo fcinfo, int n, const char *what);
static Datum rate_result(FunctionCallInfo fcinfo, const HsRate *rate);
static TupleDesc result_desc(FunctionCallInfo fcinfo);

/* rate_limit_fixed(key text, max bigint, per interval) */
HSG_FORM(hotset_rate_limit_fixed, window_command(fcinfo, fixed))

/* rate_limit_sliding(key text, max bigint, per interval) */
HSG_FORM(hotset_rate_limit_sliding, window_command(fcinfo, sliding))

static Datum
window_command(FunctionCallInfo fcinfo, Command run)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 3);
	RateLimit	limit = {
		.max = count_arg(fcinfo, 1, "max"),
		.period_us = period_arg(fcinfo, 2, "per")
	};

	return rate_command(fcinfo, h, run, &limit);
}

/* rate_limit_bucket(key text, capacity bigint, refill_per interval, cost bigint) */
PG_FUNCTION_INFO_V1(hotset_rate_limit_bucket);
Datum
hotset_rate_limit_bucket(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 4);
	RateLimit	limit = {
		.max = count_arg(fcinfo, 1, "capacity"),
		.period_us = period_arg(fcinfo, 2, "refill_per"),
		.cost = count_arg(fcinfo, 3, "cost")
	};

	return rate_command(fcinfo, h, bucket, &limit);
}

static Datum
rate_command(FunctionCallInfo fcinfo, HsHandle *h, Command run, const RateLimit *limit)
{
	HsBytes		key;
	HsOp		op;
	HsRate		rate = {0};
	HsStatus	status;

	hsg_require(fcinfo, 0, "key");
	key = hsg_arg_bytes(fcinfo, 0);
	HSG_TRY(status, op, h, key, HS_EXCLUSIVE, run(&op, limit, &rate));
	if (status == HS_WRONG_TYPE && op.found_type == HS_STRING)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("key \"%s\" holds something other than this kind of rate limit",
						hsg_key_text(key))));
	if (status == HS_BAD_ARGUMENT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rate limit out of range"),
				 errdetail("The longest time that it can take does not fit into 64 bits of microseconds.")));
	hsg_check(status, h, key, HS_STRING, op.found_type);
	return rate_result(fcinfo, &rate);
}

static HsStatus
fixed(HsOp *op, const RateLimit *limit, HsRate *rate)
{
	return hs_rate_fixed(op, limit->max, limit->period_us, rate);
}

static HsStatus
sliding(HsOp *op, const RateLimit *limit, HsRate *rate)
{
	return hs_rate_sliding(op, limit->max, limit->period_us, rate);
}

static HsStatus
bucket(HsOp *op, const RateLimit *limit, HsRate *rate)
{
	return hs_rate_bucket(op, limit->max, limit->period_us, limit->cost, rate);
}

/* (allowed, remaining, retry_after): the last is null if waiting will not help */
static Datum
rate_result(FunctionCallInfo fcinfo, const HsRate *rate)
{
	Datum		values[3];
	bool		nulls[3] = {false, false, rate->retry_after_us == HS_NEVER};

	values[0] = BoolGetDatum(rate->allowed);
	values[1] = Int64GetDatum(rate->remaining);
	values[2] = nulls[2] ? (Datum) 0 : IntervalPGetDatum(hsg_interval(rate->retry_after_us));
	return HeapTupleGetDatum(heap_form_tuple(result_desc(fcinfo), values, nulls));
}

static int64
count_arg(FunctionCallInfo fcinfo, int n, const char *what)
{
	hsg_require(fcinfo, n, what);
	return (int64) hsg_arg_count(fcinfo, n, what, 0);
}

static int64_t
period_arg(FunctionCallInfo fcinfo, int n, const char *what)
{
	int64_t		us;

	hsg_require(fcinfo, n, what);
	us = hsg_interval_us(PG_GETARG_INTERVAL_P(n));
	if (us <= 0 || us == HS_NEVER)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" must be greater than zero and finite", what)));
	return us;
}

static TupleDesc
result_desc(FunctionCallInfo fcinfo)
{
	if (fcinfo->flinfo->fn_extra == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		TupleDesc	desc;

		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		fcinfo->flinfo->fn_extra = BlessTupleDesc(desc);
		MemoryContextSwitchTo(old);
	}
	return fcinfo->flinfo->fn_extra;
}
