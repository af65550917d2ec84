/*
 * zset_plan.c
 *	  What the planner is told about functions that return rows of sorted sets.
 *
 * Where key, keyspace and bounds are known while planning, the store itself is
 * asked how many members there are in the range, which takes a microsecond
 * whatever the size of the set.  Only a role that may use the keyspace gets an
 * answer, so EXPLAIN tells nobody what he could not have counted.  Nothing here
 * raises an error about what it is given: the call will.
 *
 * Nothing is said about costs: those of a call are in its declaration, and its rows
 * are charged for by the scan.  A cost that grew with the rows would be charged
 * once for each of them where the call is in a select list.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"

#include "glue.h"
#include "zset_sql.h"

#define DEFAULT_ROWS	100.0	/* as in the declarations of the functions */

/* The call that is planned. */
typedef struct Call
{
	PlannerInfo *root;			/* or NULL */
	List	   *args;
} Call;

typedef double (*RowsOf) (const Call *call);

static double rows_zrange(const Call *call);
static double rows_zrevrange(const Call *call);
static double rows_byscore(const Call *call);
static double rows_bylex(const Call *call);
static double rows_count(const Call *call);
static double rows_union(const Call *call);
static double rows_inter(const Call *call);
static double rows_diff(const Call *call);
static Datum support(FunctionCallInfo fcinfo, RowsOf rows_of);
static bool call_of(Node *node, PlannerInfo *root, Call *call);
static Const *known(const Call *call, int n);
static bool known_flag(const Call *call, int n);
static HsBytes known_bytes(const Const *c);
static bool open_quietly(const Call *call, int n, HsHandle *h);
static double count_in(const Call *call, int ks_arg, const HsZsetRange *range);
static double card_of(HsHandle *h, HsBytes key);
static double rank_rows(const Call *call, int ks_arg);
static bool window_of(const Call *call, int n, HsZsetRange *range);
static double windowed(double rows, const HsZsetRange *range);
static bool bounds_of(const Call *call, int n, HsZsetRange *range);
static double combined_rows(const Call *call, int ks_arg, HsZsetSetOp setop);

#define SUPPORT_FUNCTION(name, rows_of) \
	PG_FUNCTION_INFO_V1(name); \
	Datum \
	name(PG_FUNCTION_ARGS) \
	{ \
		return support(fcinfo, rows_of); \
	}

/* zrange_support(internal) returns internal, and so on */
SUPPORT_FUNCTION(hotset_zrange_support, rows_zrange)
SUPPORT_FUNCTION(hotset_zrevrange_support, rows_zrevrange)
SUPPORT_FUNCTION(hotset_zrangebyscore_support, rows_byscore)
SUPPORT_FUNCTION(hotset_zrangebylex_support, rows_bylex)
SUPPORT_FUNCTION(hotset_zpop_support, rows_count)
SUPPORT_FUNCTION(hotset_zunion_support, rows_union)
SUPPORT_FUNCTION(hotset_zinter_support, rows_inter)
SUPPORT_FUNCTION(hotset_zdiff_support, rows_diff)

static Datum
support(FunctionCallInfo fcinfo, RowsOf rows_of)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	Call		call;

	if (IsA(request, SupportRequestRows))
	{
		SupportRequestRows *req = (SupportRequestRows *) request;

		if (!call_of(req->node, req->root, &call))
			PG_RETURN_POINTER(NULL);
		req->rows = clamp_row_est(rows_of(&call));
		PG_RETURN_POINTER(req);
	}
	PG_RETURN_POINTER(NULL);
}

/*
 * ---- Rows --------------------------------------------------------------------------
 */

static double
rows_zrange(const Call *call)
{
	return rank_rows(call, 4);
}

static double
rows_zrevrange(const Call *call)
{
	return rank_rows(call, 3);
}

/*
 * The direction makes no difference to the number.  Without the set, two
 * positions counted from the same end still tell the most there can be.
 */
static double
rank_rows(const Call *call, int ks_arg)
{
	Const	   *start = known(call, 1);
	Const	   *stop = known(call, 2);
	HsZsetRange range = {0};
	double		rows;

	if (start == NULL || stop == NULL)
		return DEFAULT_ROWS;
	if (start->constisnull || stop->constisnull)
		return 0;
	range.by = HS_ZSET_BY_RANK;
	range.start = DatumGetInt64(start->constvalue);
	range.stop = DatumGetInt64(stop->constvalue);
	range.reverse = ks_arg == 3 || known_flag(call, 3);
	range.limit = PG_UINT64_MAX;
	rows = count_in(call, ks_arg, &range);
	if (rows >= 0)
		return rows;
	if ((range.start < 0) != (range.stop < 0))
		return DEFAULT_ROWS;
	return (double) range.stop - (double) range.start + 1;
}

static double
rows_byscore(const Call *call)
{
	Const	   *min = known(call, 1);
	Const	   *max = known(call, 2);
	HsZsetRange range = {0};
	double		rows = -1;

	if (!window_of(call, 4, &range))
		return DEFAULT_ROWS;
	range.by = HS_ZSET_BY_SCORE;
	if (min != NULL && max != NULL && bounds_of(call, 3, &range))
	{
		range.min = min->constisnull ? -get_float8_infinity() : DatumGetFloat8(min->constvalue);
		range.max = max->constisnull ? get_float8_infinity() : DatumGetFloat8(max->constvalue);
		range.min_open &= !min->constisnull;
		range.max_open &= !max->constisnull;
		rows = count_in(call, 7, &range);
	}
	return rows >= 0 ? rows : windowed(DEFAULT_ROWS, &range);
}

static double
rows_bylex(const Call *call)
{
	Const	   *min = known(call, 1);
	Const	   *max = known(call, 2);
	HsZsetRange range = {0};
	double		rows = -1;

	if (!window_of(call, 4, &range))
		return DEFAULT_ROWS;
	range.by = HS_ZSET_BY_LEX;
	if (min != NULL && max != NULL && bounds_of(call, 3, &range))
	{
		range.no_min = min->constisnull;
		range.no_max = max->constisnull;
		if (!range.no_min)
			range.lex_min = known_bytes(min);
		if (!range.no_max)
			range.lex_max = known_bytes(max);
		rows = count_in(call, 7, &range);
	}
	return rows >= 0 ? rows : windowed(DEFAULT_ROWS, &range);
}

/* zpopmin, zpopmax, zrandmember: as many as asked for. */
static double
rows_count(const Call *call)
{
	Const	   *count = known(call, 1);

	if (count == NULL)
		return DEFAULT_ROWS;
	return count->constisnull ? 0 : fabs((double) DatumGetInt64(count->constvalue));
}

static double
rows_union(const Call *call)
{
	return combined_rows(call, 3, HS_ZSET_UNION);
}

static double
rows_inter(const Call *call)
{
	return combined_rows(call, 3, HS_ZSET_INTER);
}

static double
rows_diff(const Call *call)
{
	return combined_rows(call, 1, HS_ZSET_DIFF);
}

/* The most there can be. */
static double
combined_rows(const Call *call, int ks_arg, HsZsetSetOp setop)
{
	Const	   *keys = known(call, 0);
	ArrayType  *array;
	HsHandle	h;
	Datum	   *datums;
	bool	   *nulls;
	int			nkeys;
	double		rows = 0;

	if (keys == NULL || keys->constisnull || !open_quietly(call, ks_arg, &h))
		return DEFAULT_ROWS;
	array = DatumGetArrayTypeP(keys->constvalue);
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &datums, &nulls, &nkeys);
	for (int i = 0; i < nkeys; i++)
	{
		struct varlena *v;
		double		card;

		if (nulls[i])
			return DEFAULT_ROWS;
		v = PG_DETOAST_DATUM_PACKED(datums[i]);
		card = card_of(&h, hs_bytes(VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v)));
		if (setop == HS_ZSET_UNION)
			rows += card;
		else if (i == 0 || (setop == HS_ZSET_INTER && card < rows))
			rows = card;
	}
	return rows;
}

/*
 * ---- Asking the store ----------------------------------------------------------------
 */

/*
 * Members in a range of the key that is the first argument; -1 if nobody knows.
 * A key that is absent now may well be there when a prepared statement runs.
 */
static double
count_in(const Call *call, int ks_arg, const HsZsetRange *range)
{
	Const	   *key = known(call, 0);
	HsHandle	h;
	HsOp		op;
	HsStatus	status;
	uint64_t	count = 0;
	uint64_t	card = 0;

	if (key == NULL || !open_quietly(call, ks_arg, &h))
		return -1;
	if (key->constisnull)
		return 0;
	status = hsg_begin(&op, &h, known_bytes(key), HS_SHARED);
	if (status != HS_OK)
		return -1;
	status = hs_zset_card(&op, &card);
	if (status == HS_OK && card > 0)
		status = hs_zset_count(&op, range, &count);
	hs_op_end(&op);
	return status == HS_OK && card > 0 ? (double) count : -1;
}

static double
card_of(HsHandle *h, HsBytes key)
{
	uint64_t	card = 0;
	HsOp		op;

	if (hsg_begin(&op, h, key, HS_SHARED) != HS_OK)
		return 0;
	(void) hs_zset_card(&op, &card);
	hs_op_end(&op);
	return (double) card;
}

/* The keyspace of argument n, without errors. */
static bool
open_quietly(const Call *call, int n, HsHandle *h)
{
	Const	   *name = known(call, n);

	return name != NULL &&
		hsg_keyspace_quietly(name->constisnull ? NULL :
							 NameStr(*DatumGetName(name->constvalue)), h);
}

/*
 * ---- Arguments known while planning ----------------------------------------------------
 */

static bool
call_of(Node *node, PlannerInfo *root, Call *call)
{
	if (!is_funcclause(node))
		return false;
	call->root = root;
	call->args = ((FuncExpr *) node)->args;
	return true;
}

/* Argument n, or NULL.  Parameters are known where the plan is made for them. */
static Const *
known(const Call *call, int n)
{
	Node	   *arg;

	if (n >= list_length(call->args))
		return NULL;
	arg = list_nth(call->args, n);
	if (!IsA(arg, Const) && call->root != NULL)
		arg = estimate_expression_value(call->root, arg);
	return IsA(arg, Const) ? (Const *) arg : NULL;
}

static bool
known_flag(const Call *call, int n)
{
	Const	   *flag = known(call, n);

	return flag != NULL && !flag->constisnull && DatumGetBool(flag->constvalue);
}

static HsBytes
known_bytes(const Const *c)
{
	struct varlena *v = PG_DETOAST_DATUM_PACKED(c->constvalue);

	return hs_bytes(VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v));
}

/* rev, offset, limit from argument n on; false if they cannot be known. */
static bool
window_of(const Call *call, int n, HsZsetRange *range)
{
	Const	   *offset = known(call, n + 1);
	Const	   *limit = known(call, n + 2);

	if (offset == NULL || limit == NULL)
		return false;
	range->reverse = known_flag(call, n);
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
bounds_of(const Call *call, int n, HsZsetRange *range)
{
	Const	   *bounds = known(call, n);

	if (bounds == NULL)
		return false;
	return bounds->constisnull ||
		hsg_zset_parse_bounds(known_bytes(bounds), &range->min_open, &range->max_open);
}
