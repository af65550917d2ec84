/*
 * zset_args.c
 *	  Arguments of the functions on sorted sets: ranges, bounds.
 */
#include "postgres.h"

#include <math.h>

#include "utils/float.h"

#include "zset_sql.h"

static void bounds_arg(FunctionCallInfo fcinfo, int n, HsZsetRange *range);
static float8 score_bound(FunctionCallInfo fcinfo, int n, float8 unbounded);

/*
 * ---- Ranges ------------------------------------------------------------------------
 */

bool
hsg_zset_rank_range(FunctionCallInfo fcinfo, int n, HsZsetRange *range)
{
	if (PG_ARGISNULL(n) || PG_ARGISNULL(n + 1))
		return false;
	memset(range, 0, sizeof(*range));
	range->by = HS_ZSET_BY_RANK;
	range->start = PG_GETARG_INT64(n);
	range->stop = PG_GETARG_INT64(n + 1);
	range->limit = PG_UINT64_MAX;
	return true;
}

void
hsg_zset_score_range(FunctionCallInfo fcinfo, int n, HsZsetRange *range)
{
	memset(range, 0, sizeof(*range));
	range->by = HS_ZSET_BY_SCORE;
	bounds_arg(fcinfo, n + 2, range);
	range->min = score_bound(fcinfo, n, -get_float8_infinity());
	range->max = score_bound(fcinfo, n + 1, get_float8_infinity());
	range->min_open &= !PG_ARGISNULL(n);
	range->max_open &= !PG_ARGISNULL(n + 1);
	range->limit = PG_UINT64_MAX;
}

void
hsg_zset_lex_range(FunctionCallInfo fcinfo, int n, HsZsetRange *range)
{
	memset(range, 0, sizeof(*range));
	range->by = HS_ZSET_BY_LEX;
	bounds_arg(fcinfo, n + 2, range);
	range->no_min = PG_ARGISNULL(n);
	if (!range->no_min)
		range->lex_min = hsg_arg_bytes(fcinfo, n);
	range->no_max = PG_ARGISNULL(n + 1);
	if (!range->no_max)
		range->lex_max = hsg_arg_bytes(fcinfo, n + 1);
	range->limit = PG_UINT64_MAX;
}

void
hsg_zset_window(FunctionCallInfo fcinfo, int n, HsZsetRange *range)
{
	range->reverse = hsg_arg_flag(fcinfo, n);
	range->offset = hsg_arg_count(fcinfo, n + 1, "offset", 0);
	range->limit = hsg_arg_count(fcinfo, n + 2, "limit", PG_UINT64_MAX);
}

static float8
score_bound(FunctionCallInfo fcinfo, int n, float8 unbounded)
{
	float8		bound = PG_ARGISNULL(n) ? unbounded : PG_GETARG_FLOAT8(n);

	if (isnan(bound))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bound of a range of scores cannot be NaN")));
	return bound;
}

bool
hsg_zset_parse_bounds(HsBytes text, bool *min_open, bool *max_open)
{
	const char *s = (const char *) text.data;

	if (text.size != 2 || (s[0] != '[' && s[0] != '(') || (s[1] != ']' && s[1] != ')'))
		return false;
	*min_open = s[0] == '(';
	*max_open = s[1] == ')';
	return true;
}

static void
bounds_arg(FunctionCallInfo fcinfo, int n, HsZsetRange *range)
{
	if (PG_ARGISNULL(n))
		return;
	if (!hsg_zset_parse_bounds(hsg_arg_bytes(fcinfo, n), &range->min_open, &range->max_open))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid bounds: \"%s\"", hsg_key_text(hsg_arg_bytes(fcinfo, n))),
				 errhint("Valid values are \"[]\", \"[)\", \"(]\", and \"()\".")));
}
