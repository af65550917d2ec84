/*
 * zset_range_sql.c
 *	  SQL functions that return members of one sorted set as rows.
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "funcapi.h"
#include "miscadmin.h"

#include "zset_sql.h"

static HsgRows *open_zrange(FunctionCallInfo fcinfo);
static HsgRows *open_zrevrange(FunctionCallInfo fcinfo);
static HsgRows *open_zrangebyscore(FunctionCallInfo fcinfo);
static HsgRows *open_zrangebylex(FunctionCallInfo fcinfo);
static HsgRows *open_zpopmin(FunctionCallInfo fcinfo);
static HsgRows *open_zpopmax(FunctionCallInfo fcinfo);
static HsgRows *open_zrandmember(FunctionCallInfo fcinfo);
static HsgRows *pop(FunctionCallInfo fcinfo, bool from_max);
static bool entries_again(HsgRows *rows, HsStatus status, const HsZsetBatch *batch);

/*
 * ---- Ranges ------------------------------------------------------------------------
 */

/* zrange(key text, start bigint, stop bigint, rev boolean) returns rows */
HSG_FORM(hotset_zrange, hsg_rows(fcinfo, open_zrange))

static HsgRows *
open_zrange(FunctionCallInfo fcinfo)
{
	HsZsetRange range;

	(void) hsg_keyspace(fcinfo, 4);
	if (PG_ARGISNULL(0) || !hsg_zset_rank_range(fcinfo, 1, &range))
		return hsg_rows_none();
	range.reverse = hsg_arg_flag(fcinfo, 3);
	return hsg_zset_rows_range(hsg_arg_bytes(fcinfo, 0), 4, &range);
}

/* zrevrange(key text, start bigint, stop bigint) returns rows */
HSG_FORM(hotset_zrevrange, hsg_rows(fcinfo, open_zrevrange))

static HsgRows *
open_zrevrange(FunctionCallInfo fcinfo)
{
	HsZsetRange range;

	(void) hsg_keyspace(fcinfo, 3);
	if (PG_ARGISNULL(0) || !hsg_zset_rank_range(fcinfo, 1, &range))
		return hsg_rows_none();
	range.reverse = true;
	return hsg_zset_rows_range(hsg_arg_bytes(fcinfo, 0), 3, &range);
}

/* zrangebyscore(key text, min float8, max float8, bounds text, rev, "offset", "limit") */
HSG_FORM(hotset_zrangebyscore, hsg_rows(fcinfo, open_zrangebyscore))

static HsgRows *
open_zrangebyscore(FunctionCallInfo fcinfo)
{
	HsZsetRange range;

	(void) hsg_keyspace(fcinfo, 7);
	hsg_zset_score_range(fcinfo, 1, &range);
	hsg_zset_window(fcinfo, 4, &range);
	if (PG_ARGISNULL(0))
		return hsg_rows_none();
	return hsg_zset_rows_range(hsg_arg_bytes(fcinfo, 0), 7, &range);
}

/* zrangebylex(key text, min text, max text, bounds text, rev, "offset", "limit") */
HSG_FORM(hotset_zrangebylex, hsg_rows(fcinfo, open_zrangebylex))

static HsgRows *
open_zrangebylex(FunctionCallInfo fcinfo)
{
	HsZsetRange range;

	(void) hsg_keyspace(fcinfo, 7);
	hsg_zset_lex_range(fcinfo, 1, &range);
	hsg_zset_window(fcinfo, 4, &range);
	if (PG_ARGISNULL(0))
		return hsg_rows_none();
	return hsg_zset_rows_range(hsg_arg_bytes(fcinfo, 0), 7, &range);
}

/*
 * ---- Taking away, drawing ------------------------------------------------------------
 * All at once, when the first row is asked for.
 */

/* zpopmin(key text, count bigint) returns rows */
HSG_FORM(hotset_zpopmin, hsg_rows(fcinfo, open_zpopmin))

/* zpopmax(key text, count bigint) returns rows */
HSG_FORM(hotset_zpopmax, hsg_rows(fcinfo, open_zpopmax))

static HsgRows *
open_zpopmin(FunctionCallInfo fcinfo)
{
	return pop(fcinfo, false);
}

static HsgRows *
open_zpopmax(FunctionCallInfo fcinfo)
{
	return pop(fcinfo, true);
}

static HsgRows *
pop(FunctionCallInfo fcinfo, bool from_max)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	HsgRows    *rows;
	HsBytes		key;
	uint64_t	count;
	HsZsetBatch batch = {0};
	HsOp		op;
	HsStatus	status;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "count");
	key = hsg_arg_bytes(fcinfo, 0);
	count = hsg_arg_count(fcinfo, 1, "count", 0);
	rows = hsg_zset_rows_entries(count);
	do
	{
		HSG_ONCE(status, op, h, key, HS_EXCLUSIVE,
				 hs_zset_pop(&op, count, from_max, rows->items.buf, rows->items.capacity, &batch));
	} while (entries_again(rows, status, &batch) || hsg_retry(h, status, op.hash, op.need));
	hsg_check(status, h, key, HS_ZSET, op.found_type);
	return rows;
}

/* zrandmember(key text, count bigint) returns rows */
HSG_FORM(hotset_zrandmember, hsg_rows(fcinfo, open_zrandmember))

static HsgRows *
open_zrandmember(FunctionCallInfo fcinfo)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	uint64_t	seed = pg_prng_uint64(&pg_global_prng_state);
	HsgRows    *rows;
	HsBytes		key;
	int64		count;
	HsZsetBatch batch = {0};
	HsOp		op;
	HsStatus	status;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return hsg_rows_none();
	key = hsg_arg_bytes(fcinfo, 0);
	count = hsg_arg_draws(fcinfo, 1, HS_ZSET_RANDOM_MAX);
	rows = hsg_zset_rows_entries(count < 0 ? -count : count);
	do
	{
		HSG_ONCE(status, op, h, key, HS_SHARED,
				 hs_zset_random(&op, count, seed, rows->items.buf, rows->items.capacity, &batch));
	} while (entries_again(rows, status, &batch) || hsg_retry(h, status, op.hash, op.need));
	hsg_check(status, h, key, HS_ZSET, op.found_type);
	return rows;
}

/* After a command that fills the buffer. */
static bool
entries_again(HsgRows *rows, HsStatus status, const HsZsetBatch *batch)
{
	rows->items.need = batch->need;
	rows->left = batch->n;
	return hsg_items_again(&rows->items, status, NULL);
}
