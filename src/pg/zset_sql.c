/*
 * zset_sql.c
 *	  SQL functions that change sorted sets or return one value of them.
 *
 * Not here: rows (zset_range_sql.c), several sets (zset_algebra_sql.c), waiting
 * (zset_block_sql.c), estimates for the planner (zset_plan.c).
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "collection.h"
#include "wait.h"
#include "zset_sql.h"

static unsigned add_flags(FunctionCallInfo fcinfo, int n);
static Datum add_result(FunctionCallInfo fcinfo, HsHandle *h, HsBytes key, const HsZsetAdded *added);
static HsStatus scores_of(HsOp *op, const HsBytes *members, const bool *nulls, int n,
						  double *scores, bool *is_missing);
static Datum rank_command(FunctionCallInfo fcinfo, bool reverse);
static Datum count_command(FunctionCallInfo fcinfo, int ks_arg, const HsZsetRange *range);
static Datum remove_range_command(FunctionCallInfo fcinfo, int ks_arg, const HsZsetRange *range);

/*
 * ---- Adding ------------------------------------------------------------------------
 */

#define ADD_FLAGS	3			/* arguments nx, xx, gt, lt, ch begin here */
#define ADD_CH		(ADD_FLAGS + 4)
#define ADD_KS		(ADD_FLAGS + 5)

/* zadd(key text, score float8, member text, ...) returns bigint: members added */
PG_FUNCTION_INFO_V1(hotset_zadd);
Datum
hotset_zadd(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, ADD_KS);
	unsigned	flags = add_flags(fcinfo, ADD_FLAGS);
	HsBytes		key;
	HsBytes		member;
	int64_t		expires_us;
	HsZsetAdded added = {0};
	HsOp		op;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "score");
	hsg_require(fcinfo, 2, "member");
	key = hsg_arg_bytes(fcinfo, 0);
	member = hsg_arg_bytes(fcinfo, 2);
	expires_us = hsg_default_expiry(h);
	HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_ZSET,
			hs_zset_add(&op, member, PG_GETARG_FLOAT8(1), flags, expires_us, &added));
	return add_result(fcinfo, h, key, &added);
}

/* zadd(key text, scores float8[], members text[], ...) returns bigint: members added */
PG_FUNCTION_INFO_V1(hotset_zadd_many);
Datum
hotset_zadd_many(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, ADD_KS);
	unsigned	flags = add_flags(fcinfo, ADD_FLAGS);
	HsBytes		key;
	HsBytes    *members;
	float8	   *scores;
	HsZsetMember *entries;
	int			n;
	int64_t		expires_us;
	HsZsetAdded added = {0};
	HsOp		op;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "scores");
	hsg_require(fcinfo, 2, "members");
	key = hsg_arg_bytes(fcinfo, 0);
	n = hsg_arg_numbers(fcinfo, 1, "score", &scores);
	if (hsg_arg_elements(fcinfo, 2, "member", &members) != n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("arrays of scores and members must have the same number of elements")));
	entries = hsg_alloc(sizeof(HsZsetMember) * n);
	for (int i = 0; i < n; i++)
	{
		entries[i].score = scores[i];
		entries[i].member = members[i];
	}
	expires_us = hsg_default_expiry(h);
	HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_ZSET,
			hs_zset_add_many(&op, entries, n, flags, expires_us, &added));
	return add_result(fcinfo, h, key, &added);
}

/* The flags from argument n on; contradictions are 22023. */
static unsigned
add_flags(FunctionCallInfo fcinfo, int n)
{
	bool		nx = hsg_arg_flag(fcinfo, n);
	bool		xx = hsg_arg_flag(fcinfo, n + 1);
	bool		gt = hsg_arg_flag(fcinfo, n + 2);
	bool		lt = hsg_arg_flag(fcinfo, n + 3);

	if (nx + (xx || gt || lt) > 1 || gt + lt > 1)
		hsg_refuse_both(gt && lt ? "gt" : "nx", gt && lt ? "lt" : xx ? "xx" : gt ? "gt" : "lt");
	return (nx ? HS_ZADD_NX : 0) | (xx ? HS_ZADD_XX : 0) |
		(gt ? HS_ZADD_GT : 0) | (lt ? HS_ZADD_LT : 0);
}

static Datum
add_result(FunctionCallInfo fcinfo, HsHandle *h, HsBytes key, const HsZsetAdded *added)
{
	if (added->added > 0)
		hsg_wait_notify(h, key);
	PG_RETURN_INT64(added->added + (hsg_arg_flag(fcinfo, ADD_CH) ? added->changed : 0));
}

/* zincrby(key text, by float8, member text) returns float8: the new score */
PG_FUNCTION_INFO_V1(hotset_zincrby);
Datum
hotset_zincrby(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 3);
	HsBytes		key;
	HsBytes		member;
	int64_t		expires_us;
	double		score = 0;
	HsOp		op;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "by");
	hsg_require(fcinfo, 2, "member");
	key = hsg_arg_bytes(fcinfo, 0);
	member = hsg_arg_bytes(fcinfo, 2);
	expires_us = hsg_default_expiry(h);
	HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_ZSET,
			hs_zset_incr(&op, member, PG_GETARG_FLOAT8(1), expires_us, &score));
	hsg_wait_notify(h, key);
	PG_RETURN_FLOAT8(score);
}

/*
 * ---- Removing ----------------------------------------------------------------------
 */

/* zrem(key text, member text) returns bigint: members removed */
HSG_FORM(hotset_zrem, hsg_remove_one(fcinfo, HS_ZSET, "member", hs_zset_remove))

/* zrem(key text, members text[]) returns bigint: members removed */
HSG_FORM(hotset_zrem_many, hsg_remove_many(fcinfo, HS_ZSET, "member", hs_zset_remove))

/* zremrangebyrank(key text, start bigint, stop bigint) returns bigint: members removed */
PG_FUNCTION_INFO_V1(hotset_zremrangebyrank);
Datum
hotset_zremrangebyrank(PG_FUNCTION_ARGS)
{
	HsZsetRange range;

	(void) hsg_keyspace(fcinfo, 3);
	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "start");
	hsg_require(fcinfo, 2, "stop");
	(void) hsg_zset_rank_range(fcinfo, 1, &range);
	return remove_range_command(fcinfo, 3, &range);
}

/* zremrangebyscore(key text, min float8, max float8, bounds text) returns bigint */
PG_FUNCTION_INFO_V1(hotset_zremrangebyscore);
Datum
hotset_zremrangebyscore(PG_FUNCTION_ARGS)
{
	HsZsetRange range;

	(void) hsg_keyspace(fcinfo, 4);
	hsg_require(fcinfo, 0, "key");
	/* a variable that happens to be null should not remove everything */
	hsg_require(fcinfo, 1, "min");
	hsg_require(fcinfo, 2, "max");
	hsg_zset_score_range(fcinfo, 1, &range);
	return remove_range_command(fcinfo, 4, &range);
}

/* zremrangebylex(key text, min text, max text, bounds text) returns bigint */
PG_FUNCTION_INFO_V1(hotset_zremrangebylex);
Datum
hotset_zremrangebylex(PG_FUNCTION_ARGS)
{
	HsZsetRange range;

	(void) hsg_keyspace(fcinfo, 4);
	hsg_require(fcinfo, 0, "key");
	hsg_zset_lex_range(fcinfo, 1, &range);
	return remove_range_command(fcinfo, 4, &range);
}

static Datum
remove_range_command(FunctionCallInfo fcinfo, int ks_arg, const HsZsetRange *range)
{
	HsHandle   *h = hsg_keyspace(fcinfo, ks_arg);
	HsBytes		key = hsg_arg_bytes(fcinfo, 0);
	uint64_t	removed = 0;
	HsOp		op;

	HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_ZSET, hs_zset_remove_range(&op, range, &removed));
	PG_RETURN_INT64(removed);
}

/*
 * ---- One member --------------------------------------------------------------------
 */

/* zscore(key text, member text) returns float8 */
PG_FUNCTION_INFO_V1(hotset_zscore);
Datum
hotset_zscore(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	HsBytes		key;
	HsBytes		member;
	double		score = 0;
	HsOp		op;
	HsStatus	status;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	key = hsg_arg_bytes(fcinfo, 0);
	member = hsg_arg_bytes(fcinfo, 1);
	HSG_TRY(status, op, h, key, HS_SHARED, hs_zset_score(&op, member, &score));
	if (status == HS_NOT_FOUND)
		PG_RETURN_NULL();
	hsg_check(status, h, key, HS_ZSET, op.found_type);
	PG_RETURN_FLOAT8(score);
}

/* zmscore(key text, members text[]) returns float8[]: null for each that is absent */
PG_FUNCTION_INFO_V1(hotset_zmscore);
Datum
hotset_zmscore(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	HsBytes		key;
	HsBytes    *members;
	bool	   *nulls;
	double	   *scores;
	bool	   *is_missing;
	Datum	   *datums;
	int			n;
	HsOp		op;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	key = hsg_arg_bytes(fcinfo, 0);
	n = hsg_arg_array(fcinfo, 1, &members, &nulls);
	scores = hsg_alloc(sizeof(double) * n);
	is_missing = hsg_alloc(sizeof(bool) * n);
	HSG_RUN(op, h, key, HS_SHARED, HS_ZSET,
			scores_of(&op, members, nulls, n, scores, is_missing));

	datums = hsg_alloc(sizeof(Datum) * n);
	for (int i = 0; i < n; i++)
		datums[i] = is_missing[i] ? (Datum) 0 : Float8GetDatum(scores[i]);
	PG_RETURN_ARRAYTYPE_P(hsg_array(FLOAT8OID, datums, is_missing, n));
}

/* nulls may be NULL: none of the members is. */
static HsStatus
scores_of(HsOp *op, const HsBytes *members, const bool *nulls, int n,
		  double *scores, bool *is_missing)
{
	for (int i = 0; i < n; i++)
	{
		HsStatus	status = HS_NOT_FOUND;

		if (nulls == NULL || !nulls[i])
			status = hs_zset_score(op, members[i], &scores[i]);
		is_missing[i] = status == HS_NOT_FOUND;
		if (status != HS_OK && !is_missing[i])
			return status;
	}
	return HS_OK;
}

/* zrank(key text, member text) returns bigint: 0-based, from the lowest score */
HSG_FORM(hotset_zrank, rank_command(fcinfo, false))

/* zrevrank(key text, member text) returns bigint: 0-based, from the highest score */
HSG_FORM(hotset_zrevrank, rank_command(fcinfo, true))

static Datum
rank_command(FunctionCallInfo fcinfo, bool reverse)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	HsBytes		key;
	HsBytes		member;
	uint64_t	rank = 0;
	HsOp		op;
	HsStatus	status;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	key = hsg_arg_bytes(fcinfo, 0);
	member = hsg_arg_bytes(fcinfo, 1);
	HSG_TRY(status, op, h, key, HS_SHARED, hs_zset_rank(&op, member, reverse, &rank, NULL));
	if (status == HS_NOT_FOUND)
		PG_RETURN_NULL();
	hsg_check(status, h, key, HS_ZSET, op.found_type);
	PG_RETURN_INT64(rank);
}

/*
 * ---- Counting ----------------------------------------------------------------------
 */

/* zcard(key text) returns bigint: 0 if there is none */
HSG_FORM(hotset_zcard, hsg_count(fcinfo, HS_ZSET, hs_zset_card))

/* zcount(key text, min float8, max float8, bounds text) returns bigint */
PG_FUNCTION_INFO_V1(hotset_zcount);
Datum
hotset_zcount(PG_FUNCTION_ARGS)
{
	HsZsetRange range;

	(void) hsg_keyspace(fcinfo, 4);
	hsg_zset_score_range(fcinfo, 1, &range);
	return count_command(fcinfo, 4, &range);
}

/* zlexcount(key text, min text, max text, bounds text) returns bigint */
PG_FUNCTION_INFO_V1(hotset_zlexcount);
Datum
hotset_zlexcount(PG_FUNCTION_ARGS)
{
	HsZsetRange range;

	(void) hsg_keyspace(fcinfo, 4);
	hsg_zset_lex_range(fcinfo, 1, &range);
	return count_command(fcinfo, 4, &range);
}

static Datum
count_command(FunctionCallInfo fcinfo, int ks_arg, const HsZsetRange *range)
{
	HsHandle   *h = hsg_keyspace(fcinfo, ks_arg);
	HsBytes		key;
	uint64_t	count = 0;
	HsOp		op;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	key = hsg_arg_bytes(fcinfo, 0);
	HSG_RUN(op, h, key, HS_SHARED, HS_ZSET, hs_zset_count(&op, range, &count));
	PG_RETURN_INT64(count);
}
