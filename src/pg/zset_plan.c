/*
 * zset_plan.c
 *	  Estimates of rows for ranges of sorted sets by score and by member; those
 *	  by rank, and of several sets, are in plan.c.
 */
#include "postgres.h"

#include "utils/float.h"

#include "plan.h"
#include "zset_sql.h"

static double rows_byscore(const HsgCall *call);
static double rows_bylex(const HsgCall *call);
static double count_in(const HsgCall *call, const HsZsetRange *range);
static bool window_of(const HsgCall *call, int n, HsZsetRange *range);
static double windowed(double rows, const HsZsetRange *range);
static bool bounds_of(const HsgCall *call, int n, HsZsetRange *range);

HSG_SUPPORT_FUNCTION(hotset_zrangebyscore_support, rows_byscore)
HSG_SUPPORT_FUNCTION(hotset_zrangebylex_support, rows_bylex)

static double
rows_byscore(const HsgCall *call)
{
	Const	   *min = hsg_known(call, 1);
	Const	   *max = hsg_known(call, 2);
	HsZsetRange range = {0};
	double		rows = -1;

	if (!window_of(call, 4, &range))
		return HSG_DEFAULT_ROWS;
	range.by = HS_ZSET_BY_SCORE;
	if (min != NULL && max != NULL && bounds_of(call, 3, &range))
	{
		range.min = min->constisnull ? -get_float8_infinity() : DatumGetFloat8(min->constvalue);
		range.max = max->constisnull ? get_float8_infinity() : DatumGetFloat8(max->constvalue);
		range.min_open &= !min->constisnull;
		range.max_open &= !max->constisnull;
		rows = count_in(call, &range);
	}
	return rows >= 0 ? rows : windowed(HSG_DEFAULT_ROWS, &range);
}

static double
rows_bylex(const HsgCall *call)
{
	Const	   *min = hsg_known(call, 1);
	Const	   *max = hsg_known(call, 2);
	HsZsetRange range = {0};
	double		rows = -1;

	if (!window_of(call, 4, &range))
		return HSG_DEFAULT_ROWS;
	range.by = HS_ZSET_BY_LEX;
	if (min != NULL && max != NULL && bounds_of(call, 3, &range))
	{
		range.no_min = min->constisnull;
		range.no_max = max->constisnull;
		if (!range.no_min)
			range.lex_min = hsg_known_bytes(min);
		if (!range.no_max)
			range.lex_max = hsg_known_bytes(max);
		rows = count_in(call, &range);
	}
	return rows >= 0 ? rows : windowed(HSG_DEFAULT_ROWS, &range);
}

/* As hsg_plan_count(), of those in the range. */
static double
count_in(const HsgCall *call, const HsZsetRange *range)
{
	Const	   *key = hsg_known(call, 0);
	HsHandle	h;
	HsOp		op;
	HsStatus	status;
	uint64_t	count = 0;
	uint64_t	card = 0;

	if (key != NULL && key->constisnull)
		return 0;
	if (!hsg_plan_begin(call, &h, &op))
		return -1;
	status = hs_zset_card(&op, &card);
	if (status == HS_OK && card > 0)
		status = hs_zset_count(&op, range, &count);
	hs_op_end(&op);
	return status == HS_OK && card > 0 ? (double) count : -1;
}

/* rev, offset, limit from argument n on; false if they cannot be known. */
static bool
window_of(const HsgCall *call, int n, HsZsetRange *range)
{
	Const	   *offset = hsg_known(call, n + 1);
	Const	   *limit = hsg_known(call, n + 2);

	if (offset == NULL || limit == NULL)
		return false;
	range->reverse = hsg_known_flag(call, n);
	range->offset = offset->constisnull ? 0 : Max(DatumGetInt64(offset->constvalue), 0);
	range->limit = limit->constisnull ? PG_UINT64_MAX : Max(DatumGetInt64(limit->constvalue), 0);
	return true;
}

static double
windowed(double rows, const HsZsetRange *range)
{
	return range->limit < rows ? (double) range->limit : rows;
}

static bool
bounds_of(const HsgCall *call, int n, HsZsetRange *range)
{
	Const	   *bounds = hsg_known(call, n);

	if (bounds == NULL)
		return false;
	return bounds->constisnull ||
		hsg_zset_parse_bounds(hsg_known_bytes(bounds), &range->min_open, &range->max_open);
}
