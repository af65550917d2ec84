/*
 * zset_args.c
 *	  Arguments of the functions on sorted sets: arrays, ranges, bounds.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/memutils.h"

#include "glue.h"
#include "zset_sql.h"

static void bounds_arg(FunctionCallInfo fcinfo, int n, HsZsetRange *range);
static float8 score_bound(FunctionCallInfo fcinfo, int n, float8 unbounded);
static uint64_t count_arg(FunctionCallInfo fcinfo, int n, const char *what, uint64_t if_null);
pg_noreturn static void refuse_null_element(const char *what);

/*
 * ---- Arrays ------------------------------------------------------------------------
 */

int
hsg_zset_elements(FunctionCallInfo fcinfo, int n, const char *what, HsBytes **elems)
{
	bool	   *nulls;
	int			count = hsg_arg_array(fcinfo, n, elems, &nulls);

	if (nulls != NULL)
		refuse_null_element(what);
	return count;
}

/* float8[] without nulls lies in the array as C wants it. */
int
hsg_zset_numbers(FunctionCallInfo fcinfo, int n, const char *what, float8 **numbers)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(n);

	if (array_contains_nulls(array))
		refuse_null_element(what);
	*numbers = (float8 *) ARR_DATA_PTR(array);
	return ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
}

static void
refuse_null_element(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s must not be null", what)));
}

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
	range->reverse = hsg_zset_flag(fcinfo, n);
	range->offset = count_arg(fcinfo, n + 1, "offset", 0);
	range->limit = count_arg(fcinfo, n + 2, "limit", PG_UINT64_MAX);
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

static uint64_t
count_arg(FunctionCallInfo fcinfo, int n, const char *what, uint64_t if_null)
{
	if (PG_ARGISNULL(n))
		return if_null;
	if (PG_GETARG_INT64(n) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be negative", what)));
	return (uint64_t) PG_GETARG_INT64(n);
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

/*
 * ---- Others ------------------------------------------------------------------------
 */

int64_t
hsg_zset_expiry(HsHandle *h)
{
	int64_t		ttl_us = hsg_default_ttl_us(h);

	return likely(ttl_us == 0) ? HS_NEVER : hsg_expiry(hsg_now(), ttl_us);
}

void *
hsg_zset_alloc(size_t size)
{
	void	   *p;

	if (size > HSG_ENTRIES_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("result is too large"),
				 errdetail("It needs %zu bytes; the limit is %zu.", size, HSG_ENTRIES_MAX)));
	p = palloc_extended(Max(size, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
	if (p == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Failed on a result of %zu bytes.", size)));
	return p;
}
