/*
 * zset_range_sql.c
 *	  SQL functions that return members of one sorted set as rows.
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "funcapi.h"
#include "miscadmin.h"

#include "zset_sql.h"

#define ENTRY_GUESS		64		/* bytes of an entry, for a first buffer */

static HsgZrows *open_zrange(FunctionCallInfo fcinfo);
static HsgZrows *open_zrevrange(FunctionCallInfo fcinfo);
static HsgZrows *open_zrangebyscore(FunctionCallInfo fcinfo);
static HsgZrows *open_zrangebylex(FunctionCallInfo fcinfo);
static HsgZrows *open_zpopmin(FunctionCallInfo fcinfo);
static HsgZrows *open_zpopmax(FunctionCallInfo fcinfo);
static HsgZrows *open_zrandmember(FunctionCallInfo fcinfo);
static HsgZrows *pop(FunctionCallInfo fcinfo, bool from_max);
static HsgZrows *entries_new(int64 count);
static bool entries_finish(HsgZrows *rows, HsStatus status, const HsZsetBatch *batch);

PG_FUNCTION_INFO_V1(hotset_zrange);
PG_FUNCTION_INFO_V1(hotset_zrevrange);
PG_FUNCTION_INFO_V1(hotset_zrangebyscore);
PG_FUNCTION_INFO_V1(hotset_zrangebylex);
PG_FUNCTION_INFO_V1(hotset_zpopmin);
PG_FUNCTION_INFO_V1(hotset_zpopmax);
PG_FUNCTION_INFO_V1(hotset_zrandmember);

/*
 * ---- Ranges ------------------------------------------------------------------------
 */

/* zrange(key text, start bigint, stop bigint, rev boolean) returns rows */
Datum
hotset_zrange(PG_FUNCTION_ARGS)
{
	return hsg_zset_rows(fcinfo, open_zrange);
}

static HsgZrows *
open_zrange(FunctionCallInfo fcinfo)
{
	HsZsetRange range;

	(void) hsg_keyspace(fcinfo, 4);
	if (PG_ARGISNULL(0) || !hsg_zset_rank_range(fcinfo, 1, &range))
		return hsg_zrows_empty();
	range.reverse = hsg_arg_flag(fcinfo, 3);
	return hsg_zrows_range(hsg_arg_bytes(fcinfo, 0), 4, &range);
}

/* zrevrange(key text, start bigint, stop bigint) returns rows */
Datum
hotset_zrevrange(PG_FUNCTION_ARGS)
{
	return hsg_zset_rows(fcinfo, open_zrevrange);
}

static HsgZrows *
open_zrevrange(FunctionCallInfo fcinfo)
{
	HsZsetRange range;

	(void) hsg_keyspace(fcinfo, 3);
	if (PG_ARGISNULL(0) || !hsg_zset_rank_range(fcinfo, 1, &range))
		return hsg_zrows_empty();
	range.reverse = true;
	return hsg_zrows_range(hsg_arg_bytes(fcinfo, 0), 3, &range);
}

/* zrangebyscore(key text, min float8, max float8, bounds text, rev, "offset", "limit") */
Datum
hotset_zrangebyscore(PG_FUNCTION_ARGS)
{
	return hsg_zset_rows(fcinfo, open_zrangebyscore);
}

static HsgZrows *
open_zrangebyscore(FunctionCallInfo fcinfo)
{
	HsZsetRange range;

	(void) hsg_keyspace(fcinfo, 7);
	hsg_zset_score_range(fcinfo, 1, &range);
	hsg_zset_window(fcinfo, 4, &range);
	if (PG_ARGISNULL(0))
		return hsg_zrows_empty();
	return hsg_zrows_range(hsg_arg_bytes(fcinfo, 0), 7, &range);
}

/* zrangebylex(key text, min text, max text, bounds text, rev, "offset", "limit") */
Datum
hotset_zrangebylex(PG_FUNCTION_ARGS)
{
	return hsg_zset_rows(fcinfo, open_zrangebylex);
}

static HsgZrows *
open_zrangebylex(FunctionCallInfo fcinfo)
{
	HsZsetRange range;

	(void) hsg_keyspace(fcinfo, 7);
	hsg_zset_lex_range(fcinfo, 1, &range);
	hsg_zset_window(fcinfo, 4, &range);
	if (PG_ARGISNULL(0))
		return hsg_zrows_empty();
	return hsg_zrows_range(hsg_arg_bytes(fcinfo, 0), 7, &range);
}

/*
 * ---- Taking away, drawing ------------------------------------------------------------
 * All at once, when the first row is asked for.
 */

/* zpopmin(key text, count bigint) returns rows */
Datum
hotset_zpopmin(PG_FUNCTION_ARGS)
{
	return hsg_zset_rows(fcinfo, open_zpopmin);
}

/* zpopmax(key text, count bigint) returns rows */
Datum
hotset_zpopmax(PG_FUNCTION_ARGS)
{
	return hsg_zset_rows(fcinfo, open_zpopmax);
}

static HsgZrows *
open_zpopmin(FunctionCallInfo fcinfo)
{
	return pop(fcinfo, false);
}

static HsgZrows *
open_zpopmax(FunctionCallInfo fcinfo)
{
	return pop(fcinfo, true);
}

static HsgZrows *
pop(FunctionCallInfo fcinfo, bool from_max)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	HsgZrows   *rows;
	HsBytes		key;
	uint64_t	count;
	HsZsetBatch batch = {0};
	HsOp		op;
	HsStatus	status;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "count");
	key = hsg_arg_bytes(fcinfo, 0);
	count = hsg_arg_count(fcinfo, 1, "count", 0);
	rows = entries_new(count);
	do
	{
		HSG_ONCE(status, op, h, key, HS_EXCLUSIVE,
				 hs_zset_pop(&op, count, from_max, rows->buf, rows->capacity, &batch));
	} while (!entries_finish(rows, status, &batch) || hsg_retry(h, status, op.hash, op.need));
	hsg_check(status, h, key, HS_ZSET, op.found_type);
	return rows;
}

/* zrandmember(key text, count bigint) returns rows */
Datum
hotset_zrandmember(PG_FUNCTION_ARGS)
{
	return hsg_zset_rows(fcinfo, open_zrandmember);
}

static HsgZrows *
open_zrandmember(FunctionCallInfo fcinfo)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	uint64_t	seed = pg_prng_uint64(&pg_global_prng_state);
	HsgZrows   *rows;
	HsBytes		key;
	int64		count;
	HsZsetBatch batch = {0};
	HsOp		op;
	HsStatus	status;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return hsg_zrows_empty();
	key = hsg_arg_bytes(fcinfo, 0);
	count = hsg_arg_draws(fcinfo, 1, HS_ZSET_RANDOM_MAX);
	rows = entries_new(count < 0 ? -count : count);
	do
	{
		HSG_ONCE(status, op, h, key, HS_SHARED,
				 hs_zset_random(&op, count, seed, rows->buf, rows->capacity, &batch));
	} while (!entries_finish(rows, status, &batch) || hsg_retry(h, status, op.hash, op.need));
	hsg_check(status, h, key, HS_ZSET, op.found_type);
	return rows;
}

/* A buffer for so many entries, if there are that many, and if they are short. */
static HsgZrows *
entries_new(int64 count)
{
	HsgZrows   *rows = palloc0(sizeof(HsgZrows));

	rows->capacity = Max(Min(count, 1000), 1) * ENTRY_GUESS;
	rows->buf = palloc(rows->capacity);
	return rows;
}

/* False if the buffer was too small; it has grown then. */
static bool
entries_finish(HsgZrows *rows, HsStatus status, const HsZsetBatch *batch)
{
	if (status == HS_BUFFER_TOO_SMALL)
	{
		CHECK_FOR_INTERRUPTS();
		pfree(rows->buf);
		rows->capacity = batch->need + batch->need / 8;
		rows->buf = hsg_alloc(rows->capacity);
		return false;
	}
	if (status == HS_OK)
		rows->left = batch->n;
	return true;
}
