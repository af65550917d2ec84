/*
 * list_sql.c
 *	  SQL functions on lists.
 *
 * Not here: those that wait (list_block_sql.c).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "collection.h"
#include "list_sql.h"
#include "wait.h"

#define ON_STACK		1024	/* bytes of a value that need no memory of their own */
#define FIRST_PLACES	64

static Datum push_one(FunctionCallInfo fcinfo, bool left, bool only_existing);
static Datum push_many(FunctionCallInfo fcinfo, bool left, bool only_existing);
static Datum push(FunctionCallInfo fcinfo, const HsBytes *values, int n, bool left,
				  bool only_existing);
static void check_value(HsHandle *h, HsBytes key, HsBytes value);
static Datum pop_one(FunctionCallInfo fcinfo, bool left);
static HsgRows *open_lpop(FunctionCallInfo fcinfo);
static HsgRows *open_rpop(FunctionCallInfo fcinfo);
static HsgRows *pop_rows(FunctionCallInfo fcinfo, bool left);
static HsgRows *open_lrange(FunctionCallInfo fcinfo);
static HsStatus read_range(HsOp *op, HsgRows *rows);
static void rewind_range(HsgRows *rows);
static void range_row(HsgRows *rows, Datum *values, bool *nulls);
static uint64_t find(FunctionCallInfo fcinfo, int ks_arg, int64 rank, uint64_t count,
					 uint64_t limit, uint64_t **places);
static int64 rank_arg(FunctionCallInfo fcinfo, int n);

/*
 * ---- Pushing -----------------------------------------------------------------------
 */

/* lpush(key text, value text) returns bigint: values in the list */
HSG_FORM(hotset_lpush, push_one(fcinfo, true, false))

/* lpush(key text, values text[]) returns bigint: values in the list */
HSG_FORM(hotset_lpush_many, push_many(fcinfo, true, false))

/* rpush(key text, value text) returns bigint: values in the list */
HSG_FORM(hotset_rpush, push_one(fcinfo, false, false))

/* rpush(key text, values text[]) returns bigint: values in the list */
HSG_FORM(hotset_rpush_many, push_many(fcinfo, false, false))

/* lpushx(key text, value text) returns bigint: values in the list, 0 if there is none */
HSG_FORM(hotset_lpushx, push_one(fcinfo, true, true))

/* lpushx(key text, values text[]) returns bigint: values in the list, 0 if there is none */
HSG_FORM(hotset_lpushx_many, push_many(fcinfo, true, true))

/* rpushx(key text, value text) returns bigint: values in the list, 0 if there is none */
HSG_FORM(hotset_rpushx, push_one(fcinfo, false, true))

/* rpushx(key text, values text[]) returns bigint: values in the list, 0 if there is none */
HSG_FORM(hotset_rpushx_many, push_many(fcinfo, false, true))

static Datum
push_one(FunctionCallInfo fcinfo, bool left, bool only_existing)
{
	HsBytes		value = hsg_arg_member(fcinfo, "value");

	return push(fcinfo, &value, 1, left, only_existing);
}

static Datum
push_many(FunctionCallInfo fcinfo, bool left, bool only_existing)
{
	HsBytes    *values;
	int			n = hsg_arg_members(fcinfo, "value", &values);

	return push(fcinfo, values, n, left, only_existing);
}

static Datum
push(FunctionCallInfo fcinfo, const HsBytes *values, int n, bool left, bool only_existing)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	HsBytes		key = hsg_arg_bytes(fcinfo, 0);
	int64_t		expires_us = hsg_default_expiry(h);
	uint64_t	count = 0;
	HsOp		op;

	for (int i = 0; i < n; i++)
		check_value(h, key, values[i]);
	HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_LIST,
			hs_list_push(&op, values, n, left, only_existing, expires_us, &count));
	if (count > 0)
		hsg_wait_notify(h, key);
	PG_RETURN_INT64(count);
}

static void
check_value(HsHandle *h, HsBytes key, HsBytes value)
{
	if (unlikely(value.size > (size_t) hsg_max_value))
		hsg_check_failed(HS_VALUE_TOO_LONG, h, key, HS_LIST, HS_ANY);
}

/*
 * ---- Popping -------------------------------------------------------------------------
 */

Datum
hsg_list_value(const HsItems *items)
{
	size_t		pos = 0;
	HsBytes		value;

	(void) hs_items_next(items, &pos, &value);
	return PointerGetDatum(hsg_text_result(value.data, value.size, false));
}

/* lpop(key text) returns text */
HSG_FORM(hotset_lpop, pop_one(fcinfo, true))

/* rpop(key text) returns text */
HSG_FORM(hotset_rpop, pop_one(fcinfo, false))

static Datum
pop_one(FunctionCallInfo fcinfo, bool left)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	uint8_t		stack[ON_STACK];
	HsItems		out = {.buf = stack,.capacity = sizeof(stack)};
	HsBytes		key;
	HsOp		op;

	hsg_require(fcinfo, 0, "key");
	key = hsg_arg_bytes(fcinfo, 0);
	HSG_RUN_ITEMS(op, h, key, HS_EXCLUSIVE, HS_LIST, &out, stack, hs_list_pop(&op, 1, left, &out));
	if (out.n == 0)
		PG_RETURN_NULL();
	return hsg_list_value(&out);
}

/* lpop(key text, count bigint) returns rows of text: removed when the first is asked for */
HSG_FORM(hotset_lpop_many, hsg_rows(fcinfo, open_lpop))

/* rpop(key text, count bigint) returns rows of text */
HSG_FORM(hotset_rpop_many, hsg_rows(fcinfo, open_rpop))

static HsgRows *
open_lpop(FunctionCallInfo fcinfo)
{
	return pop_rows(fcinfo, true);
}

static HsgRows *
open_rpop(FunctionCallInfo fcinfo)
{
	return pop_rows(fcinfo, false);
}

static HsgRows *
pop_rows(FunctionCallInfo fcinfo, bool left)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	HsgRows    *rows;
	HsBytes		key;
	uint64_t	count;
	HsOp		op;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "count");
	key = hsg_arg_bytes(fcinfo, 0);
	count = hsg_arg_count(fcinfo, 1, "count", 0);
	rows = hsg_rows_of_items(1, count);
	HSG_RUN_ITEMS(op, h, key, HS_EXCLUSIVE, HS_LIST, &rows->items, NULL,
				  hs_list_pop(&op, count, left, &rows->items));
	hsg_rows_filled(rows, 1);
	return rows;
}

/*
 * ---- Reading -------------------------------------------------------------------------
 */

/* llen(key text) returns bigint: 0 if there is none */
HSG_FORM(hotset_llen, hsg_count(fcinfo, HS_LIST, hs_list_count))

/* lindex(key text, index bigint) returns text */
PG_FUNCTION_INFO_V1(hotset_lindex);
Datum
hotset_lindex(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	uint8_t		stack[ON_STACK];
	HsItems		out = {.buf = stack,.capacity = sizeof(stack)};
	HsBytes		key;
	HsOp		op;
	HsStatus	status;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	key = hsg_arg_bytes(fcinfo, 0);
	HSG_TRY_ITEMS(status, op, h, key, HS_SHARED, &out, stack,
				  hs_list_index(&op, PG_GETARG_INT64(1), &out));
	if (status == HS_NOT_FOUND)
		PG_RETURN_NULL();
	hsg_check(status, h, key, HS_LIST, op.found_type);
	return hsg_list_value(&out);
}

/* A range on its way. */
typedef struct ListRows
{
	HsgRows		rows;
	HsListCursor cursor;
	uint64_t	index;			/* of the next row */
} ListRows;

/* lrange(key text, start bigint, stop bigint) returns rows (value, index) */
HSG_FORM(hotset_lrange, hsg_rows(fcinfo, open_lrange))

/* lrange_array(key text, start bigint, stop bigint) returns text[] */
HSG_FORM(hotset_lrange_array, hsg_rows_array(fcinfo, 3, open_lrange))

static HsgRows *
open_lrange(FunctionCallInfo fcinfo)
{
	ListRows   *l;

	(void) hsg_keyspace(fcinfo, 3);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		return hsg_rows_none();
	l = hsg_rows_new(sizeof(ListRows));
	l->rows.row = range_row;
	l->cursor.start = PG_GETARG_INT64(1);
	l->cursor.stop = PG_GETARG_INT64(2);
	hsg_rows_read(&l->rows, hsg_arg_bytes(fcinfo, 0), HS_LIST, 3, HS_LIST_BATCH,
				  read_range, rewind_range);
	return &l->rows;
}

static HsStatus
read_range(HsOp *op, HsgRows *rows)
{
	ListRows   *l = (ListRows *) rows;
	HsStatus	status = hs_list_read(op, &l->cursor, &rows->items);

	l->index = l->cursor.next - rows->items.n;
	rows->done = l->cursor.done;
	return status;
}

static void
rewind_range(HsgRows *rows)
{
	ListRows   *l = (ListRows *) rows;
	HsListCursor anew = {.start = l->cursor.start,.stop = l->cursor.stop};

	l->cursor = anew;
}

static void
range_row(HsgRows *rows, Datum *values, bool *nulls)
{
	hsg_row_of_one(rows, values, nulls);
	values[1] = Int64GetDatum(((ListRows *) rows)->index++);
}

/* lpos(key text, value text, rank bigint) returns bigint: index or null */
PG_FUNCTION_INFO_V1(hotset_lpos);
Datum
hotset_lpos(PG_FUNCTION_ARGS)
{
	uint64_t   *places;

	(void) hsg_keyspace(fcinfo, 3);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) ||
		find(fcinfo, 3, rank_arg(fcinfo, 2), 1, 0, &places) == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(places[0]);
}

/* lpos(key text, value text, rank bigint, count bigint, maxlen bigint) returns bigint[] */
PG_FUNCTION_INFO_V1(hotset_lpos_many);
Datum
hotset_lpos_many(PG_FUNCTION_ARGS)
{
	int64		rank;
	uint64_t	count;
	uint64_t	limit;
	uint64_t	n;
	uint64_t   *places;
	Datum	   *datums;

	(void) hsg_keyspace(fcinfo, 5);
	rank = rank_arg(fcinfo, 2);
	count = hsg_arg_count(fcinfo, 3, "count", 0);
	limit = hsg_arg_count(fcinfo, 4, "maxlen", 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	n = find(fcinfo, 5, rank, count, limit, &places);
	datums = hsg_alloc(sizeof(Datum) * Max(n, 1));
	for (uint64_t i = 0; i < n; i++)
		datums[i] = Int64GetDatum(places[i]);
	PG_RETURN_ARRAYTYPE_P(hsg_array(INT8OID, datums, NULL, (int) n));
}

static int64
rank_arg(FunctionCallInfo fcinfo, int n)
{
	int64		rank = PG_ARGISNULL(n) ? 1 : PG_GETARG_INT64(n);

	if (rank == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rank must not be zero"),
				 errdetail("1 is the first match, 2 the second, -1 the last one.")));
	return rank;
}

/*
 * Up to 'count' places (0: all) in memory that grows with them; each larger one is
 * filled anew, so that they are of one instant.
 */
static uint64_t
find(FunctionCallInfo fcinfo, int ks_arg, int64 rank, uint64_t count, uint64_t limit,
	 uint64_t **places)
{
	HsHandle   *h = hsg_keyspace(fcinfo, ks_arg);
	HsBytes		key = hsg_arg_bytes(fcinfo, 0);
	HsBytes		value = hsg_arg_bytes(fcinfo, 1);
	uint64_t	most = count == 0 ? PG_UINT32_MAX : Min(count, PG_UINT32_MAX);
	uint64_t	capacity = Min(most, FIRST_PLACES);
	uint64_t	n = 0;
	HsOp		op;

	for (;; capacity = Min(most, capacity * 8))
	{
		*places = hsg_alloc(sizeof(uint64_t) * capacity);
		HSG_RUN(op, h, key, HS_SHARED, HS_LIST,
				hs_list_find(&op, value, rank, capacity, limit, *places, &n));
		if (n < capacity || capacity == most)
			return n;
		pfree(*places);
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * ---- Changing inside -----------------------------------------------------------------
 */

/* lset(key text, index bigint, value text) returns boolean: was there such an index? */
PG_FUNCTION_INFO_V1(hotset_lset);
Datum
hotset_lset(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 3);
	HsBytes		key;
	HsBytes		value;
	HsOp		op;
	HsStatus	status;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "index");
	hsg_require(fcinfo, 2, "value");
	key = hsg_arg_bytes(fcinfo, 0);
	value = hsg_arg_bytes(fcinfo, 2);
	check_value(h, key, value);
	HSG_TRY(status, op, h, key, HS_EXCLUSIVE, hs_list_set(&op, PG_GETARG_INT64(1), value));
	if (status == HS_NOT_FOUND)
		PG_RETURN_BOOL(false);
	hsg_check(status, h, key, HS_LIST, op.found_type);
	PG_RETURN_BOOL(true);
}

/* linsert(key text, before boolean, pivot text, value text) returns bigint: values in the
 * list, 0 if there is none, -1 if none is the pivot */
PG_FUNCTION_INFO_V1(hotset_linsert);
Datum
hotset_linsert(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 4);
	int64_t		count = 0;
	HsBytes		key;
	HsBytes		pivot;
	HsBytes		value;
	bool		before;
	HsOp		op;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "before");
	hsg_require(fcinfo, 2, "pivot");
	hsg_require(fcinfo, 3, "value");
	key = hsg_arg_bytes(fcinfo, 0);
	before = PG_GETARG_BOOL(1);
	pivot = hsg_arg_bytes(fcinfo, 2);
	value = hsg_arg_bytes(fcinfo, 3);
	check_value(h, key, value);
	HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_LIST,
			hs_list_insert(&op, pivot, before, value, &count));
	PG_RETURN_INT64(count);
}

/* lrem(key text, count bigint, value text) returns bigint: values removed */
PG_FUNCTION_INFO_V1(hotset_lrem);
Datum
hotset_lrem(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 3);
	uint64_t	removed = 0;
	HsBytes		key;
	HsBytes		value;
	HsOp		op;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "count");
	hsg_require(fcinfo, 2, "value");
	key = hsg_arg_bytes(fcinfo, 0);
	value = hsg_arg_bytes(fcinfo, 2);
	HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_LIST,
			hs_list_remove(&op, value, PG_GETARG_INT64(1), &removed));
	PG_RETURN_INT64(removed);
}

/* ltrim(key text, start bigint, stop bigint) returns bigint: values removed */
PG_FUNCTION_INFO_V1(hotset_ltrim);
Datum
hotset_ltrim(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 3);
	uint64_t	removed = 0;
	HsBytes		key;
	HsOp		op;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "start");
	hsg_require(fcinfo, 2, "stop");
	key = hsg_arg_bytes(fcinfo, 0);
	HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_LIST,
			hs_list_trim(&op, PG_GETARG_INT64(1), PG_GETARG_INT64(2), &removed));
	PG_RETURN_INT64(removed);
}

/*
 * ---- Two lists -------------------------------------------------------------------------
 */

/* lmove(source text, dest text, from_left boolean, to_left boolean) returns text */
PG_FUNCTION_INFO_V1(hotset_lmove);
Datum
hotset_lmove(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 4);
	uint8_t		stack[ON_STACK];
	HsItems		out = {.buf = stack,.capacity = sizeof(stack)};
	HsType		found = HS_ANY;
	size_t		bad_key = 0;
	int64_t		expires_us;
	HsBytes		keys[2];
	HsMulti		m;
	HsStatus	status;

	hsg_require(fcinfo, 0, "source");
	hsg_require(fcinfo, 1, "dest");
	hsg_require(fcinfo, 2, "from_left");
	hsg_require(fcinfo, 3, "to_left");
	keys[0] = hsg_arg_bytes(fcinfo, 0);
	keys[1] = hsg_arg_bytes(fcinfo, 1);
	expires_us = hsg_default_expiry(h);
	HSG_TRY_MULTI_ITEMS(status, m, h, keys, 2, HS_EXCLUSIVE, &out, stack,
						hs_list_move(&m, keys[0], keys[1], PG_GETARG_BOOL(2), PG_GETARG_BOOL(3),
									 expires_us, &out, &bad_key, &found));
	hsg_check(status, h, keys[bad_key], HS_LIST, found);
	if (out.n == 0)
		PG_RETURN_NULL();
	hsg_wait_notify(h, keys[1]);
	return hsg_list_value(&out);
}
