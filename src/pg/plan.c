/*
 * plan.c
 *	  Estimates of rows, for functions on collections of any type.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "../engine/type.h"
#include "glue.h"
#include "plan.h"

typedef enum Combined
{
	UNION,
	INTERSECTION,
	DIFFERENCE
} Combined;

static double rows_all(const HsgCall *call);
static double rows_ranks(const HsgCall *call);
static double rows_asked(const HsgCall *call);
static double rows_union(const HsgCall *call);
static double rows_inter(const HsgCall *call);
static double rows_diff(const HsgCall *call);
static double combined_rows(const HsgCall *call, Combined how);
static double count_of(HsOp *op);
static bool open_quietly(const HsgCall *call, HsHandle *h);

/* (key): all of it */
HSG_SUPPORT_FUNCTION(hotset_all_support, rows_all)
/* (key, start, stop) */
HSG_SUPPORT_FUNCTION(hotset_ranks_support, rows_ranks)
/* (key, count): as many as asked for */
HSG_SUPPORT_FUNCTION(hotset_asked_support, rows_asked)
/* (keys) */
HSG_SUPPORT_FUNCTION(hotset_union_support, rows_union)
HSG_SUPPORT_FUNCTION(hotset_inter_support, rows_inter)
HSG_SUPPORT_FUNCTION(hotset_diff_support, rows_diff)

Datum
hsg_support(FunctionCallInfo fcinfo, HsgRowsOf rows_of)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);

	if (IsA(request, SupportRequestRows))
	{
		SupportRequestRows *req = (SupportRequestRows *) request;
		HsgCall		call = {.root = req->root};

		if (!is_funcclause(req->node))
			PG_RETURN_POINTER(NULL);
		call.args = ((FuncExpr *) req->node)->args;
		req->rows = clamp_row_est(rows_of(&call));
		PG_RETURN_POINTER(req);
	}
	PG_RETURN_POINTER(NULL);
}

/*
 * ---- Rows --------------------------------------------------------------------------
 */

static double
rows_all(const HsgCall *call)
{
	double		count = hsg_plan_count(call);

	return count >= 0 ? count : HSG_DEFAULT_ROWS;
}

/*
 * The direction makes no difference to the number.  Without the collection, two
 * positions counted from the same end still tell the most there can be.
 */
static double
rows_ranks(const HsgCall *call)
{
	Const	   *first = hsg_known(call, 1);
	Const	   *last = hsg_known(call, 2);
	double		start;
	double		stop;
	double		count;

	if (first == NULL || last == NULL)
		return HSG_DEFAULT_ROWS;
	if (first->constisnull || last->constisnull)
		return 0;
	start = (double) DatumGetInt64(first->constvalue);
	stop = (double) DatumGetInt64(last->constvalue);
	count = hsg_plan_count(call);
	if (count >= 0)
	{
		start = start < 0 ? Max(start + count, 0) : start;
		stop = stop < 0 ? stop + count : Min(stop, count - 1);
	}
	else if ((start < 0) != (stop < 0))
		return HSG_DEFAULT_ROWS;
	return stop - start + 1;
}

static double
rows_asked(const HsgCall *call)
{
	Const	   *count = hsg_known(call, 1);

	if (count == NULL)
		return HSG_DEFAULT_ROWS;
	return count->constisnull ? 0 : fabs((double) DatumGetInt64(count->constvalue));
}

static double
rows_union(const HsgCall *call)
{
	return combined_rows(call, UNION);
}

static double
rows_inter(const HsgCall *call)
{
	return combined_rows(call, INTERSECTION);
}

static double
rows_diff(const HsgCall *call)
{
	return combined_rows(call, DIFFERENCE);
}

/* The most there can be. */
static double
combined_rows(const HsgCall *call, Combined how)
{
	Const	   *keys = hsg_known(call, 0);
	HsHandle	h;
	Datum	   *datums;
	bool	   *nulls;
	int			nkeys;
	double		rows = 0;

	if (keys == NULL || keys->constisnull || !open_quietly(call, &h))
		return HSG_DEFAULT_ROWS;
	deconstruct_array(DatumGetArrayTypeP(keys->constvalue), TEXTOID, -1, false, TYPALIGN_INT,
					  &datums, &nulls, &nkeys);
	for (int i = 0; i < nkeys; i++)
	{
		struct varlena *v;
		double		count = 0;
		HsOp		op;

		if (nulls[i])
			return HSG_DEFAULT_ROWS;
		v = PG_DETOAST_DATUM_PACKED(datums[i]);
		if (hsg_begin(&op, &h, hs_bytes(VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v)), HS_SHARED,
					  HS_CLOCK_LATER) == HS_OK)
		{
			count = count_of(&op);
			hs_op_end(&op);
		}
		if (how == UNION)
			rows += count;
		else if (i == 0 || (how == INTERSECTION && count < rows))
			rows = count;
	}
	return rows;
}

/*
 * ---- Asking the store ----------------------------------------------------------------
 */

bool
hsg_plan_begin(const HsgCall *call, HsHandle *h, HsOp *op)
{
	Const	   *key = hsg_known(call, 0);

	return key != NULL && !key->constisnull && open_quietly(call, h) &&
		hsg_begin(op, h, hsg_known_bytes(key), HS_SHARED, HS_CLOCK_LATER) == HS_OK;
}

double
hsg_plan_count(const HsgCall *call)
{
	Const	   *key = hsg_known(call, 0);
	double		count;
	HsHandle	h;
	HsOp		op;

	if (key != NULL && key->constisnull)
		return 0;
	if (!hsg_plan_begin(call, &h, &op))
		return -1;
	count = count_of(&op);
	hs_op_end(&op);
	return count > 0 ? count : -1;
}

/* 0 for what is absent or no collection. */
static double
count_of(HsOp *op)
{
	HsRecord   *record = hs_find(op);
	uint64_t	(*count) (HsRecord *record);

	if (record == NULL)
		return 0;
	count = hs_type_ops(hs_record_type(record))->count;
	return count != NULL ? (double) count(record) : 0;
}

/* The keyspace, without errors. */
static bool
open_quietly(const HsgCall *call, HsHandle *h)
{
	Const	   *name = hsg_known(call, list_length(call->args) - 1);

	return name != NULL &&
		hsg_keyspace_quietly(name->constisnull ? NULL :
							 NameStr(*DatumGetName(name->constvalue)), h);
}

/*
 * ---- Arguments known while planning ----------------------------------------------------
 */

Const *
hsg_known(const HsgCall *call, int n)
{
	Node	   *arg;

	if (n < 0 || n >= list_length(call->args))
		return NULL;
	arg = list_nth(call->args, n);
	if (!IsA(arg, Const) && call->root != NULL)
		arg = estimate_expression_value(call->root, arg);
	return IsA(arg, Const) ? (Const *) arg : NULL;
}

bool
hsg_known_flag(const HsgCall *call, int n)
{
	Const	   *flag = hsg_known(call, n);

	return flag != NULL && !flag->constisnull && DatumGetBool(flag->constvalue);
}

HsBytes
hsg_known_bytes(const Const *c)
{
	struct varlena *v = PG_DETOAST_DATUM_PACKED(c->constvalue);

	return hs_bytes(VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v));
}
