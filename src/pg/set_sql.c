/*
 * set_sql.c
 *	  SQL functions on one set, and smove; see set_algebra_sql.c for several.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "miscadmin.h"

#include "../engine/set.h"
#include "collection.h"
#include "rows.h"

typedef struct SetRows
{
	HsgRows		rows;
	HsDictCursor cursor;
} SetRows;

static Datum add_command(FunctionCallInfo fcinfo, const HsBytes *members, int n);
static HsgRows *open_smembers(FunctionCallInfo fcinfo);
static HsgRows *open_spop(FunctionCallInfo fcinfo);
static HsgRows *open_srandmember(FunctionCallInfo fcinfo);
static HsStatus read_set(HsOp *op, HsgRows *rows);
static void rewind_set(HsgRows *rows);

/*
 * ---- Adding, removing ----------------------------------------------------------------
 */

/* sadd(key text, member text) returns bigint: members added */
PG_FUNCTION_INFO_V1(hotset_sadd);
Datum
hotset_sadd(PG_FUNCTION_ARGS)
{
	HsBytes		member = hsg_arg_member(fcinfo, "member");

	return add_command(fcinfo, &member, 1);
}

/* sadd(key text, members text[]) returns bigint: members added */
PG_FUNCTION_INFO_V1(hotset_sadd_many);
Datum
hotset_sadd_many(PG_FUNCTION_ARGS)
{
	HsBytes    *members;
	int			n = hsg_arg_members(fcinfo, "member", &members);

	return add_command(fcinfo, members, n);
}

static Datum
add_command(FunctionCallInfo fcinfo, const HsBytes *members, int n)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	HsBytes		key = hsg_arg_bytes(fcinfo, 0);
	int64_t		expires_us = hsg_default_expiry(h);
	uint64_t	added = 0;
	HsOp		op;

	HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_SET, hs_set_add(&op, members, n, expires_us, &added));
	PG_RETURN_INT64(added);
}

/* srem(key text, member text) returns bigint: members removed */
HSG_FORM(hotset_srem, hsg_remove_one(fcinfo, HS_SET, "member", hs_set_remove))

/* srem(key text, members text[]) returns bigint: members removed */
HSG_FORM(hotset_srem_many, hsg_remove_many(fcinfo, HS_SET, "member", hs_set_remove))

/* smove(source text, dest text, member text) returns boolean: whether it was there */
PG_FUNCTION_INFO_V1(hotset_smove);
Datum
hotset_smove(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 3);
	HsBytes		keys[2];
	HsBytes		member;
	int64_t		expires_us;
	bool		moved = false;
	size_t		bad_key = 0;
	HsType		found = HS_ANY;
	HsMulti		m;
	HsStatus	status;

	hsg_require(fcinfo, 0, "source");
	hsg_require(fcinfo, 1, "dest");
	hsg_require(fcinfo, 2, "member");
	keys[0] = hsg_arg_bytes(fcinfo, 0);
	keys[1] = hsg_arg_bytes(fcinfo, 1);
	member = hsg_arg_bytes(fcinfo, 2);
	expires_us = hsg_default_expiry(h);
	HSG_TRY_MULTI(status, m, h, keys, 2, HS_EXCLUSIVE,
				  hs_set_move(&m, keys[0], keys[1], member, expires_us, &moved, &bad_key, &found));
	hsg_check(status, h, keys[bad_key], HS_SET, found);
	PG_RETURN_BOOL(moved);
}

/*
 * ---- Asking --------------------------------------------------------------------------
 */

/* sismember(key text, member text) returns boolean */
PG_FUNCTION_INFO_V1(hotset_sismember);
Datum
hotset_sismember(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	HsBytes		key;
	HsBytes		member;
	bool		has = false;
	HsOp		op;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	key = hsg_arg_bytes(fcinfo, 0);
	member = hsg_arg_bytes(fcinfo, 1);
	HSG_RUN(op, h, key, HS_SHARED, HS_SET, hs_set_has(&op, member, &has));
	PG_RETURN_BOOL(has);
}

/* smismember(key text, members text[]) returns boolean[]: null for a null */
PG_FUNCTION_INFO_V1(hotset_smismember);
Datum
hotset_smismember(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	HsBytes		key;
	HsBytes    *members;
	bool	   *nulls;
	bool	   *has;
	Datum	   *datums;
	int			n;
	HsOp		op;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	key = hsg_arg_bytes(fcinfo, 0);
	/* a null has no bytes: what is said of it is not looked at */
	n = hsg_arg_array(fcinfo, 1, &members, &nulls);
	has = hsg_alloc(sizeof(bool) * n);
	HSG_RUN(op, h, key, HS_SHARED, HS_SET, hs_set_has_many(&op, members, n, has));
	datums = hsg_alloc(sizeof(Datum) * n);
	for (int i = 0; i < n; i++)
		datums[i] = BoolGetDatum(has[i]);
	PG_RETURN_ARRAYTYPE_P(hsg_array(BOOLOID, datums, nulls, n));
}

/* scard(key text) returns bigint: 0 if there is none */
HSG_FORM(hotset_scard, hsg_count(fcinfo, HS_SET, hs_set_count))

/*
 * ---- Members as rows -------------------------------------------------------------------
 */

/* smembers(key text) returns rows (member) */
HSG_FORM(hotset_smembers, hsg_rows(fcinfo, open_smembers))

/* smembers_array(key text) returns text[] */
HSG_FORM(hotset_smembers_array, hsg_rows_array(fcinfo, 1, open_smembers))

static HsgRows *
open_smembers(FunctionCallInfo fcinfo)
{
	SetRows    *s;

	(void) hsg_keyspace(fcinfo, 1);
	if (PG_ARGISNULL(0))
		return hsg_rows_none();
	s = hsg_rows_new(sizeof(SetRows));
	s->rows.row = hsg_row_of_one;
	hsg_rows_read(&s->rows, hsg_arg_bytes(fcinfo, 0), HS_SET, 1, HS_DICT_BATCH,
				  read_set, rewind_set);
	return &s->rows;
}

static HsStatus
read_set(HsOp *op, HsgRows *rows)
{
	SetRows    *s = (SetRows *) rows;
	HsStatus	status = hs_set_read(op, &s->cursor, &rows->items);

	rows->done = s->cursor.done;
	return status;
}

static void
rewind_set(HsgRows *rows)
{
	memset(&((SetRows *) rows)->cursor, 0, sizeof(HsDictCursor));
}

/* spop(key text, count bigint) returns rows (member): removed, all when the first is asked for */
HSG_FORM(hotset_spop, hsg_rows(fcinfo, open_spop))

static HsgRows *
open_spop(FunctionCallInfo fcinfo)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	uint64_t	seed = pg_prng_uint64(&pg_global_prng_state);
	HsgRows    *rows;
	HsBytes		key;
	uint64_t	count;
	HsOp		op;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "count");
	key = hsg_arg_bytes(fcinfo, 0);
	count = hsg_arg_count(fcinfo, 1, "count", 0);
	rows = hsg_rows_of_items(1, count);
	HSG_RUN_ITEMS(op, h, key, HS_EXCLUSIVE, HS_SET, &rows->items, NULL,
				  hs_set_pop(&op, count, seed, &rows->items));
	hsg_rows_filled(rows, 1);
	return rows;
}

/* srandmember(key text, count bigint) returns rows (member) */
HSG_FORM(hotset_srandmember, hsg_rows(fcinfo, open_srandmember))

static HsgRows *
open_srandmember(FunctionCallInfo fcinfo)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	uint64_t	seed = pg_prng_uint64(&pg_global_prng_state);
	HsgRows    *rows;
	HsBytes		key;
	int64		count;
	HsOp		op;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return hsg_rows_none();
	key = hsg_arg_bytes(fcinfo, 0);
	count = hsg_arg_draws(fcinfo, 1, HS_DICT_RANDOM_MAX);
	rows = hsg_rows_of_items(1, count < 0 ? -count : count);
	HSG_RUN_ITEMS(op, h, key, HS_SHARED, HS_SET, &rows->items, NULL,
				  hs_set_random(&op, count, seed, &rows->items));
	hsg_rows_filled(rows, 1);
	return rows;
}
