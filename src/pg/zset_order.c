/*
 * zset_order.c
 *	  ORDER BY and LIMIT over functions that return ranges of sorted sets.
 *
 * In FROM such a function puts all its rows into a tuplestore, as every
 * function does there: what a statement does with the rows, say move
 * members to other scores, does not change which rows it gets.  Two things make
 * it cheap all the same.  The planner learns in which order the rows come, so
 * ORDER BY rank, or by score in the same direction, needs no sort.  And where
 * LIMIT is about nothing but these rows, it becomes part of the arguments.
 */
#include "postgres.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/makefuncs.h"
#include "nodes/pathnodes.h"
#include "optimizer/cost.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "utils/lsyscache.h"

#include "glue.h"

extern PGDLLEXPORT Datum hotset_zrange(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum hotset_zrevrange(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum hotset_zrangebyscore(PG_FUNCTION_ARGS);
extern PGDLLEXPORT Datum hotset_zrangebylex(PG_FUNCTION_ARGS);

/* Columns of the rows. */
#define SCORE_COLUMN	2
#define RANK_COLUMN		3

/* How to read the arguments of each function; -1: it has none such. */
typedef struct RangeOf
{
	PGFunction	address;
	int			stop;			/* start is the one before */
	int			rev;
	int			limit;			/* the one before is offset */
	bool		always_rev;
	bool		by_score;		/* scores come in order */
} RangeOf;

static const RangeOf range_functions[] = {
	{hotset_zrange, 2, 3, -1, false, true},
	{hotset_zrevrange, 2, -1, -1, true, true},
	{hotset_zrangebyscore, -1, 4, 6, false, true},
	{hotset_zrangebylex, -1, 4, 6, false, false},
};

static set_rel_pathlist_hook_type prev_set_rel_pathlist_hook = NULL;

static void set_rel_pathlist(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte);
static const RangeOf *range_function(RangeTblEntry *rte, FuncExpr **call);
static List *score_order(PlannerInfo *root, RelOptInfo *rel, const RangeOf *f, FuncExpr *call);
static List *column_order(PlannerInfo *root, RelOptInfo *rel, int column, Oid type, Oid sort_operator);
static bool is_limited_alone(PlannerInfo *root, RelOptInfo *rel, List *by_rank, List *by_score);
static bool limit_call(const RangeOf *f, FuncExpr *call, int64 limit);
static Const *const_arg(FuncExpr *call, int n);
static void set_const_arg(FuncExpr *call, int n, int64 value);

void
hsg_zset_order_install(void)
{
	prev_set_rel_pathlist_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = set_rel_pathlist;
}

static void
set_rel_pathlist(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	const RangeOf *f;
	FuncExpr   *call;
	List	   *by_rank;
	List	   *by_score;
	bool		limited;

	if (prev_set_rel_pathlist_hook)
		prev_set_rel_pathlist_hook(root, rel, rti, rte);
	f = range_function(rte, &call);
	if (f == NULL)
		return;

	by_rank = column_order(root, rel, RANK_COLUMN, INT8OID, Int8LessOperator);
	by_score = score_order(root, rel, f, call);
	limited = is_limited_alone(root, rel, by_rank, by_score) &&
		limit_call(f, call, (int64) root->limit_tuples);
	if (limited)
	{
		set_function_size_estimates(root, rel);
		rel->pathlist = NIL;
	}
	if (by_rank != NIL)
		add_path(rel, create_functionscan_path(root, rel, by_rank, rel->lateral_relids));
	/* equal scores are in order of rank */
	if (by_score != NIL)
		add_path(rel, create_functionscan_path(root, rel, list_concat_copy(by_score, by_rank),
											   rel->lateral_relids));
	if (rel->pathlist == NIL)
		add_path(rel, create_functionscan_path(root, rel, NIL, rel->lateral_relids));
}

/* The function that is all there is in this item of FROM, or NULL. */
static const RangeOf *
range_function(RangeTblEntry *rte, FuncExpr **call)
{
	RangeTblFunction *item;
	FmgrInfo	finfo;

	if (rte->rtekind != RTE_FUNCTION || list_length(rte->functions) != 1 || rte->funcordinality)
		return NULL;
	item = linitial(rte->functions);
	if (!IsA(item->funcexpr, FuncExpr))
		return NULL;
	*call = (FuncExpr *) item->funcexpr;
	if (!OidIsValid(get_func_support((*call)->funcid)))
		return NULL;
	fmgr_info((*call)->funcid, &finfo);
	for (int i = 0; i < lengthof(range_functions); i++)
	{
		if (finfo.fn_addr == range_functions[i].address)
			return &range_functions[i];
	}
	return NULL;
}

/*
 * ---- Order -------------------------------------------------------------------------
 */

static List *
score_order(PlannerInfo *root, RelOptInfo *rel, const RangeOf *f, FuncExpr *call)
{
	bool		reverse = f->always_rev;

	if (!f->by_score)
		return NIL;
	if (f->rev >= 0)
	{
		Const	   *rev = const_arg(call, f->rev);

		if (rev == NULL)
			return NIL;
		reverse = !rev->constisnull && DatumGetBool(rev->constvalue);
	}
	return column_order(root, rel, SCORE_COLUMN, FLOAT8OID,
						reverse ? get_commutator(Float8LessOperator) : Float8LessOperator);
}

/* Of use only if something in the query is about that order; else NIL. */
static List *
column_order(PlannerInfo *root, RelOptInfo *rel, int column, Oid type, Oid sort_operator)
{
	Var		   *var = makeVar(rel->relid, column, type, -1, InvalidOid, 0);

	return hsg_build_expression_pathkey(root, (Expr *) var, sort_operator, rel->relids);
}

/*
 * ---- Limit -------------------------------------------------------------------------
 */

/*
 * Is the limit of the query one on the rows of this call, in the order in which
 * they come?  Not so if they are filtered, joined, locked or sorted first.
 */
static bool
is_limited_alone(PlannerInfo *root, RelOptInfo *rel, List *by_rank, List *by_score)
{
	Query	   *parse = root->parse;

	if (root->limit_tuples < 1 || root->limit_tuples > (double) PG_INT32_MAX)
		return false;
	/* it may be an estimate only */
	if (parse->limitOption != LIMIT_OPTION_COUNT || !IsA(parse->limitCount, Const) ||
		(parse->limitOffset != NULL && !IsA(parse->limitOffset, Const)))
		return false;
	if (!bms_equal(root->all_baserels, rel->relids) || rel->baserestrictinfo != NIL ||
		rel->joininfo != NIL || root->rowMarks != NIL || parse->setOperations != NULL)
		return false;
	if (root->query_pathkeys == NIL)
		return parse->sortClause == NIL;
	return pathkeys_contained_in(root->query_pathkeys, by_rank) ||
		pathkeys_contained_in(root->query_pathkeys, list_concat_copy(by_score, by_rank));
}

/*
 * Change the arguments so that the call returns at most 'limit' rows, the same
 * ones it would return first.  False if they do not allow it.
 */
static bool
limit_call(const RangeOf *f, FuncExpr *call, int64 limit)
{
	if (f->limit >= 0)
	{
		Const	   *old = const_arg(call, f->limit);

		if (old == NULL || (!old->constisnull && DatumGetInt64(old->constvalue) <= limit))
			return false;
		set_const_arg(call, f->limit, limit);
	}
	else
	{
		Const	   *start = const_arg(call, f->stop - 1);
		Const	   *stop = const_arg(call, f->stop);
		int64		last;

		if (start == NULL || stop == NULL || start->constisnull || stop->constisnull ||
			DatumGetInt64(start->constvalue) < 0 ||
			DatumGetInt64(start->constvalue) > PG_INT64_MAX - limit)
			return false;
		last = DatumGetInt64(start->constvalue) + limit - 1;
		/* the last one, or a position that comes later anyway */
		if (DatumGetInt64(stop->constvalue) != -1 && DatumGetInt64(stop->constvalue) <= last)
			return false;
		set_const_arg(call, f->stop, last);
	}
	return true;
}

static Const *
const_arg(FuncExpr *call, int n)
{
	Node	   *arg = list_nth(call->args, n);

	return IsA(arg, Const) ? (Const *) arg : NULL;
}

/* The tree is the planner's own copy. */
static void
set_const_arg(FuncExpr *call, int n, int64 value)
{
	lfirst(list_nth_cell(call->args, n)) =
		makeConst(INT8OID, -1, InvalidOid, sizeof(int64), Int64GetDatum(value), false,
				  FLOAT8PASSBYVAL);
}
