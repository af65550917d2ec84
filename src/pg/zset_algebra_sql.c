/*
 * zset_algebra_sql.c
 *	  SQL functions over several sorted sets, and those that store a result.
 *
 * Each reads all its sets, and writes its destination, under the locks of all
 * keys at once.  The engine says how much memory a result can take at most;
 * it is allocated without locks and the command runs again, until it fits.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/builtins.h"

#include "collection.h"
#include "wait.h"
#include "zset_sql.h"

#define FIRST_SCRATCH	8192	/* bytes */

/* What a call combines, from its arguments. */
typedef struct Algebra
{
	HsZsetSetOp setop;
	HsZsetAggregate aggregate;
	HsBytes    *keys;
	int			nkeys;
	double	   *weights;		/* or NULL */
	HsZsetScratch scratch;
	HsZsetMember *result;
	size_t		n;
	size_t		bad_key;		/* after HS_WRONG_TYPE */
	HsType		found;
} Algebra;

static HsgRows *open_zunion(FunctionCallInfo fcinfo);
static HsgRows *open_zinter(FunctionCallInfo fcinfo);
static HsgRows *open_zdiff(FunctionCallInfo fcinfo);
static HsgRows *algebra_rows(FunctionCallInfo fcinfo, HsZsetSetOp setop);
static Datum algebra_store(FunctionCallInfo fcinfo, HsZsetSetOp setop);
static void algebra_arguments(FunctionCallInfo fcinfo, int n, HsZsetSetOp setop, Algebra *a);
static HsZsetAggregate aggregate_arg(FunctionCallInfo fcinfo, int n);
static HsStatus algebra_run(Algebra *a, HsMulti *m);
static HsStatus algebra_run_store(Algebra *a, HsMulti *m, HsBytes dest, int64_t expires_us);
static HsStatus store_at(HsMulti *m, HsBytes dest, const HsZsetMember *entries, size_t n,
						 int64_t expires_us);
static Datum range_store(FunctionCallInfo fcinfo, int ks_arg, const HsZsetRange *range);
static HsStatus range_run_store(HsMulti *m, const HsBytes *keys, const HsZsetRange *range,
								HsZsetScratch *scratch, int64_t expires_us, size_t *n,
								HsType *found);
static void scratch_init(HsZsetScratch *scratch);
static bool scratch_fits(HsZsetScratch *scratch, HsStatus status);

/*
 * ---- Union, intersection, difference -------------------------------------------------
 */

/* zunion(keys text[], weights float8[], aggregate text) returns rows */
HSG_FORM(hotset_zunion, hsg_rows(fcinfo, open_zunion))

/* zinter(keys text[], weights float8[], aggregate text) returns rows */
HSG_FORM(hotset_zinter, hsg_rows(fcinfo, open_zinter))

/* zdiff(keys text[]) returns rows */
HSG_FORM(hotset_zdiff, hsg_rows(fcinfo, open_zdiff))

static HsgRows *
open_zunion(FunctionCallInfo fcinfo)
{
	return algebra_rows(fcinfo, HS_ZSET_UNION);
}

static HsgRows *
open_zinter(FunctionCallInfo fcinfo)
{
	return algebra_rows(fcinfo, HS_ZSET_INTER);
}

static HsgRows *
open_zdiff(FunctionCallInfo fcinfo)
{
	return algebra_rows(fcinfo, HS_ZSET_DIFF);
}

static HsgRows *
algebra_rows(FunctionCallInfo fcinfo, HsZsetSetOp setop)
{
	HsHandle   *h = hsg_keyspace(fcinfo, PG_NARGS() - 1);
	Algebra		a = {0};
	HsMulti		m;
	HsStatus	status;

	if (PG_ARGISNULL(0))
		return hsg_rows_none();
	algebra_arguments(fcinfo, 0, setop, &a);
	do
	{
		HSG_ONCE_MULTI(status, m, h, a.keys, a.nkeys, HS_SHARED, algebra_run(&a, &m));
	} while (!scratch_fits(&a.scratch, status) || hsg_retry(h, status, 0, 0));
	hsg_check(status, h, a.keys[a.bad_key], HS_ZSET, a.found);

	return hsg_zset_rows_array(a.result, a.n);
}

/* zunionstore(dest text, keys text[], weights float8[], aggregate text) returns bigint */
HSG_FORM(hotset_zunionstore, algebra_store(fcinfo, HS_ZSET_UNION))

/* zinterstore(dest text, keys text[], weights float8[], aggregate text) returns bigint */
HSG_FORM(hotset_zinterstore, algebra_store(fcinfo, HS_ZSET_INTER))

/* zdiffstore(dest text, keys text[]) returns bigint */
HSG_FORM(hotset_zdiffstore, algebra_store(fcinfo, HS_ZSET_DIFF))

static Datum
algebra_store(FunctionCallInfo fcinfo, HsZsetSetOp setop)
{
	HsHandle   *h = hsg_keyspace(fcinfo, PG_NARGS() - 1);
	HsBytes		dest;
	HsBytes    *locks;
	Algebra		a = {0};
	HsMulti		m;
	HsStatus	status;
	int64_t		expires_us;

	hsg_require(fcinfo, 0, "dest");
	hsg_require(fcinfo, 1, "keys");
	dest = hsg_arg_bytes(fcinfo, 0);
	algebra_arguments(fcinfo, 1, setop, &a);
	locks = hsg_alloc(sizeof(HsBytes) * (a.nkeys + 1));
	memcpy(locks, a.keys, sizeof(HsBytes) * a.nkeys);
	locks[a.nkeys] = dest;
	expires_us = hsg_default_expiry(h);
	do
	{
		HSG_ONCE_MULTI(status, m, h, locks, a.nkeys + 1, HS_EXCLUSIVE,
					   algebra_run_store(&a, &m, dest, expires_us));
	} while (!scratch_fits(&a.scratch, status) || hsg_retry(h, status, m.hash, m.need));
	hsg_check(status, h, status == HS_WRONG_TYPE ? a.keys[a.bad_key] : dest, HS_ZSET, a.found);
	if (a.n > 0)
		hsg_wait_notify(h, dest);
	PG_RETURN_INT64(a.n);
}

/* keys and, but for differences, weights and aggregate, from argument n on. */
static void
algebra_arguments(FunctionCallInfo fcinfo, int n, HsZsetSetOp setop, Algebra *a)
{
	a->setop = setop;
	a->found = HS_ANY;
	a->nkeys = hsg_arg_some_keys(fcinfo, n, &a->keys);
	scratch_init(&a->scratch);
	if (setop == HS_ZSET_DIFF)
		return;
	if (!PG_ARGISNULL(n + 1))
	{
		if (hsg_arg_numbers(fcinfo, n + 1, "weight", &a->weights) != a->nkeys)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("arrays of keys and weights must have the same number of elements")));
		for (int i = 0; i < a->nkeys; i++)
			if (isnan(a->weights[i]))
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("weight must not be NaN")));
	}
	a->aggregate = aggregate_arg(fcinfo, n + 2);
}

static HsZsetAggregate
aggregate_arg(FunctionCallInfo fcinfo, int n)
{
	char	   *name;

	if (PG_ARGISNULL(n))
		return HS_ZSET_SUM;
	name = text_to_cstring(PG_GETARG_TEXT_PP(n));
	if (pg_strcasecmp(name, "sum") == 0)
		return HS_ZSET_SUM;
	if (pg_strcasecmp(name, "min") == 0)
		return HS_ZSET_MIN;
	if (pg_strcasecmp(name, "max") == 0)
		return HS_ZSET_MAX;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid aggregate: \"%s\"", name),
			 errhint("Valid values are \"sum\", \"min\", and \"max\".")));
}

static HsStatus
algebra_run(Algebra *a, HsMulti *m)
{
	return hs_zset_algebra(m, a->setop, a->keys, a->nkeys, a->weights, a->aggregate,
						   &a->scratch, &a->result, &a->n, &a->bad_key, &a->found);
}

static HsStatus
algebra_run_store(Algebra *a, HsMulti *m, HsBytes dest, int64_t expires_us)
{
	HsStatus	status = algebra_run(a, m);

	return status == HS_OK ? store_at(m, dest, a->result, a->n, expires_us) : status;
}

/* Make the key hold these entries. */
static HsStatus
store_at(HsMulti *m, HsBytes dest, const HsZsetMember *entries, size_t n, int64_t expires_us)
{
	HsOp		op;
	HsStatus	status = hs_multi_op(m, dest, &op);

	if (status != HS_OK)
		return status;
	return hs_multi_note(m, &op, hs_zset_store(&op, entries, n, expires_us));
}

/* zintercard(keys text[], limit bigint) returns bigint */
HSG_FORM(hotset_zintercard, hsg_intercard(fcinfo, HS_ZSET, hs_zset_intercard))

/*
 * ---- Storing a range ------------------------------------------------------------------
 */

/* zrangestore(dest text, key text, start bigint, stop bigint, rev) returns bigint */
PG_FUNCTION_INFO_V1(hotset_zrangestore);
Datum
hotset_zrangestore(PG_FUNCTION_ARGS)
{
	HsZsetRange range;

	(void) hsg_keyspace(fcinfo, 5);
	hsg_require(fcinfo, 2, "start");
	hsg_require(fcinfo, 3, "stop");
	(void) hsg_zset_rank_range(fcinfo, 2, &range);
	range.reverse = hsg_arg_flag(fcinfo, 4);
	return range_store(fcinfo, 5, &range);
}

/* zrangestorebyscore(dest, key, min float8, max float8, bounds, rev, "offset", "limit") */
PG_FUNCTION_INFO_V1(hotset_zrangestorebyscore);
Datum
hotset_zrangestorebyscore(PG_FUNCTION_ARGS)
{
	HsZsetRange range;

	(void) hsg_keyspace(fcinfo, 8);
	hsg_zset_score_range(fcinfo, 2, &range);
	hsg_zset_window(fcinfo, 5, &range);
	return range_store(fcinfo, 8, &range);
}

/* zrangestorebylex(dest, key, min text, max text, bounds, rev, "offset", "limit") */
PG_FUNCTION_INFO_V1(hotset_zrangestorebylex);
Datum
hotset_zrangestorebylex(PG_FUNCTION_ARGS)
{
	HsZsetRange range;

	(void) hsg_keyspace(fcinfo, 8);
	hsg_zset_lex_range(fcinfo, 2, &range);
	hsg_zset_window(fcinfo, 5, &range);
	return range_store(fcinfo, 8, &range);
}

static Datum
range_store(FunctionCallInfo fcinfo, int ks_arg, const HsZsetRange *range)
{
	HsHandle   *h = hsg_keyspace(fcinfo, ks_arg);
	HsBytes		keys[2];		/* dest, source */
	HsZsetScratch scratch;
	size_t		n = 0;
	HsType		found = HS_ANY;
	HsMulti		m;
	HsStatus	status;
	int64_t		expires_us;

	hsg_require(fcinfo, 0, "dest");
	hsg_require(fcinfo, 1, "key");
	keys[0] = hsg_arg_bytes(fcinfo, 0);
	keys[1] = hsg_arg_bytes(fcinfo, 1);
	scratch_init(&scratch);
	expires_us = hsg_default_expiry(h);
	do
	{
		HSG_ONCE_MULTI(status, m, h, keys, 2, HS_EXCLUSIVE,
					   range_run_store(&m, keys, range, &scratch, expires_us, &n, &found));
	} while (!scratch_fits(&scratch, status) || hsg_retry(h, status, m.hash, m.need));
	hsg_check(status, h, keys[1], HS_ZSET, found);
	if (n > 0)
		hsg_wait_notify(h, keys[0]);
	PG_RETURN_INT64(n);
}

/* keys: dest, source. */
static HsStatus
range_run_store(HsMulti *m, const HsBytes *keys, const HsZsetRange *range,
				HsZsetScratch *scratch, int64_t expires_us, size_t *n, HsType *found)
{
	HsZsetMember *entries = NULL;
	HsOp		op;
	HsStatus	status = hs_multi_op(m, keys[1], &op);

	if (status == HS_OK)
		status = hs_zset_collect(&op, range, scratch, &entries, n);
	*found = op.found_type;
	return status == HS_OK ? store_at(m, keys[0], entries, *n, expires_us) : status;
}

/*
 * ---- Memory for results ---------------------------------------------------------------
 */

static void
scratch_init(HsZsetScratch *scratch)
{
	scratch->capacity = FIRST_SCRATCH;
	scratch->data = palloc(FIRST_SCRATCH);
	scratch->need = 0;
}

/* False if the memory was too small; it has grown then, with room for what is
 * added to the sets meanwhile. */
static bool
scratch_fits(HsZsetScratch *scratch, HsStatus status)
{
	if (status != HS_BUFFER_TOO_SMALL)
		return true;
	CHECK_FOR_INTERRUPTS();
	pfree(scratch->data);
	scratch->data = NULL;
	scratch->capacity = scratch->need + scratch->need / 8;
	scratch->data = hsg_alloc(scratch->capacity);
	return false;
}
