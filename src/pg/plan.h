/*
 * plan.h
 *	  What the planner is told about functions that return rows.
 *
 * Where key, keyspace and bounds are known while planning, the store itself is
 * asked how many rows there will be, which takes a microsecond.  Only a role that
 * may use the keyspace gets an answer, so EXPLAIN tells nobody what he could not have
 * counted.  Nothing here raises an error about what it is given: the call will.
 *
 * Nothing is said about costs: those of a call are in its declaration, and its rows
 * are charged for by the scan.  A cost that grew with the rows would be charged
 * once for each of them where the call is in a select list.
 */
#ifndef HSG_PLAN_H
#define HSG_PLAN_H

#include "hotset.h"

#include "nodes/pathnodes.h"

#define HSG_DEFAULT_ROWS	100.0	/* as in the declarations of the functions */

/* The call that is planned; 'keyspace' is its last argument. */
typedef struct HsgCall
{
	PlannerInfo *root;			/* or NULL */
	List	   *args;
} HsgCall;

/* Rows that a call will return, by what is known of it. */
typedef double (*HsgRowsOf) (const HsgCall *call);

extern Datum hsg_support(FunctionCallInfo fcinfo, HsgRowsOf rows_of);

/* The C function of one SQL function (internal) returns internal, or of several. */
#define HSG_SUPPORT_FUNCTION(name, rows_of) \
	PG_FUNCTION_INFO_V1(name); \
	Datum \
	name(PG_FUNCTION_ARGS) \
	{ \
		return hsg_support(fcinfo, rows_of); \
	}

/*
 * ---- Arguments known while planning ----------------------------------------------
 */

/* Argument n, or NULL.  Parameters are known where the plan is made for them. */
extern Const *hsg_known(const HsgCall *call, int n);
extern bool hsg_known_flag(const HsgCall *call, int n);
extern HsBytes hsg_known_bytes(const Const *c);

/*
 * Begin a command on the key that is argument 0, in shared mode: true, to be ended with
 * hs_op_end().  False if key or keyspace are not known or not to be used.
 */
extern bool hsg_plan_begin(const HsgCall *call, HsHandle *h, HsOp *op);

/*
 * Elements of the collection under that key, whatever its type; -1 if nobody knows.
 * A key that is absent now may well be there when a prepared statement runs.
 */
extern double hsg_plan_count(const HsgCall *call);

#endif							/* HSG_PLAN_H */
