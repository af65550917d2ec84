/*
 * hash_sql.c
 *	  SQL functions on hashes.
 *
 * Not here: those that set fields (hash_put_sql.c).
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/pg_prng.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "../engine/hash.h"
#include "collection.h"
#include "rows.h"

#define VALUE_STACK		1024	/* bytes; longer values are read into palloc'd memory */

/* Rows of a hash. */
typedef struct HashRows
{
	HsgRows		rows;
	HsDictCursor cursor;
	bool		fields;
	bool		values;
} HashRows;

static bool get_command(FunctionCallInfo fcinfo, HsItems *items, uint8_t *stack, HsBytes *value);
static bool value_size(FunctionCallInfo fcinfo, HsHandle *h, uint64_t *size);
static void check_number(HsStatus status, HsHandle *h, HsBytes key, HsBytes field, HsType found);
static HsgRows *all_rows(FunctionCallInfo fcinfo, bool fields, bool values);
static HsgRows *open_hgetall(FunctionCallInfo fcinfo);
static HsgRows *open_hkeys(FunctionCallInfo fcinfo);
static HsgRows *open_hvals(FunctionCallInfo fcinfo);
static HsgRows *open_hrandfield(FunctionCallInfo fcinfo);
static HsStatus read_hash(HsOp *op, HsgRows *rows);
static void rewind_hash(HsgRows *rows);

/*
 * ---- Removing, counting --------------------------------------------------------------
 */

/* hdel(key text, field text) returns bigint: fields removed */
HSG_FORM(hotset_hdel, hsg_remove_one(fcinfo, HS_HASH, "field", hs_hash_remove))

/* hdel(key text, fields text[]) returns bigint: fields removed */
HSG_FORM(hotset_hdel_many, hsg_remove_many(fcinfo, HS_HASH, "field", hs_hash_remove))

/* hincrby(key text, field text, by bigint) returns bigint: the new value */
PG_FUNCTION_INFO_V1(hotset_hincrby);
Datum
hotset_hincrby(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 3);
	HsBytes		key;
	HsBytes		field;
	int64_t		expires_us;
	int64_t		result = 0;
	HsOp		op;
	HsStatus	status;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "field");
	hsg_require(fcinfo, 2, "by");
	key = hsg_arg_bytes(fcinfo, 0);
	field = hsg_arg_bytes(fcinfo, 1);
	expires_us = hsg_default_expiry(h);
	HSG_TRY(status, op, h, key, HS_EXCLUSIVE,
			hs_hash_incr(&op, field, PG_GETARG_INT64(2), expires_us, &result));
	check_number(status, h, key, field, op.found_type);
	PG_RETURN_INT64(result);
}

/* hincrbyfloat(key text, field text, by float8) returns float8: the new value */
PG_FUNCTION_INFO_V1(hotset_hincrbyfloat);
Datum
hotset_hincrbyfloat(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 3);
	HsBytes		key;
	HsBytes		field;
	double		by;
	int64_t		expires_us;
	double		result = 0;
	HsOp		op;
	HsStatus	status;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "field");
	key = hsg_arg_bytes(fcinfo, 0);
	field = hsg_arg_bytes(fcinfo, 1);
	by = hsg_arg_increment(fcinfo, 2);
	expires_us = hsg_default_expiry(h);
	HSG_TRY(status, op, h, key, HS_EXCLUSIVE,
			hs_hash_incrbyfloat(&op, field, by, expires_us, &result));
	check_number(status, h, key, field, op.found_type);
	PG_RETURN_FLOAT8(result);
}

static void
check_number(HsStatus status, HsHandle *h, HsBytes key, HsBytes field, HsType found)
{
	switch (status)
	{
		case HS_NOT_INTEGER:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("value of field \"%s\" of key \"%s\" is not an integer",
							hsg_key_text(field), hsg_key_text(key)),
					 errdetail("Counters are decimal integers of 64 bits.")));
			break;
		case HS_NOT_FLOAT:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("value of field \"%s\" of key \"%s\" is not a number",
							hsg_key_text(field), hsg_key_text(key))));
			break;
		case HS_OVERFLOW:
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("counter out of range"),
					 errdetail("The value of field \"%s\" of key \"%s\" would not fit into 64 bits.",
							   hsg_key_text(field), hsg_key_text(key))));
			break;
		case HS_NOT_A_NUMBER:
			hsg_refuse_overflow();
			break;
		default:
			hsg_check(status, h, key, HS_HASH, found);
	}
}

/*
 * ---- One field ---------------------------------------------------------------------
 */

/* hget(key text, field text) returns text */
PG_FUNCTION_INFO_V1(hotset_hget);
Datum
hotset_hget(PG_FUNCTION_ARGS)
{
	uint8_t		stack[VALUE_STACK];
	HsItems		items;
	HsBytes		value;

	if (!get_command(fcinfo, &items, stack, &value))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(hsg_text_result(value.data, value.size, false));
}

/* hget_bytea(key text, field text) returns bytea */
PG_FUNCTION_INFO_V1(hotset_hget_bytea);
Datum
hotset_hget_bytea(PG_FUNCTION_ARGS)
{
	uint8_t		stack[VALUE_STACK];
	HsItems		items;
	HsBytes		value;

	if (!get_command(fcinfo, &items, stack, &value))
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(hsg_text_result(value.data, value.size, true));
}

/* False if there is none. */
static bool
get_command(FunctionCallInfo fcinfo, HsItems *items, uint8_t *stack, HsBytes *value)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	HsBytes		key;
	HsBytes		field;
	size_t		pos = 0;
	HsOp		op;
	HsStatus	status;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		return false;
	key = hsg_arg_bytes(fcinfo, 0);
	field = hsg_arg_bytes(fcinfo, 1);
	hsg_items_init(items, stack, VALUE_STACK);
	HSG_TRY_ITEMS(status, op, h, key, HS_SHARED, items, stack, hs_hash_get(&op, field, items));
	if (status == HS_NOT_FOUND)
		return false;
	hsg_check(status, h, key, HS_HASH, op.found_type);
	return hs_items_next(items, &pos, value);
}

/* hmget(key text, fields text[]) returns text[]: null for each that is absent */
PG_FUNCTION_INFO_V1(hotset_hmget);
Datum
hotset_hmget(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	HsBytes		key;
	HsBytes    *fields;
	bool	   *nulls;
	Datum	   *datums;
	int			nfields;
	int			n = 0;
	size_t		pos = 0;
	uint8_t		stack[VALUE_STACK];
	HsItems		items;
	HsOp		op;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	key = hsg_arg_bytes(fcinfo, 0);
	nfields = hsg_arg_array(fcinfo, 1, &fields, &nulls);
	if (nulls == NULL)
		nulls = palloc0(sizeof(bool) * Max(nfields, 1));
	for (int i = 0; i < nfields; i++)
		if (!nulls[i])
			fields[n++] = fields[i];
	hsg_items_init(&items, stack, sizeof(stack));
	HSG_RUN_ITEMS(op, h, key, HS_SHARED, HS_HASH, &items, stack,
				  hs_hash_get_many(&op, fields, n, &items));

	datums = hsg_alloc(sizeof(Datum) * nfields);
	for (int i = 0; i < nfields; i++)
	{
		HsBytes		value;

		datums[i] = (Datum) 0;
		if (!nulls[i])
			nulls[i] = !hs_items_next(&items, &pos, &value);
		if (!nulls[i])
			datums[i] = PointerGetDatum(hsg_text_result(value.data, value.size, false));
	}
	PG_RETURN_ARRAYTYPE_P(hsg_array(TEXTOID, datums, nulls, nfields));
}

/* Bytes of the value of a field; false if there is none. */
static bool
value_size(FunctionCallInfo fcinfo, HsHandle *h, uint64_t *size)
{
	HsBytes		key = hsg_arg_bytes(fcinfo, 0);
	HsBytes		field = hsg_arg_bytes(fcinfo, 1);
	HsOp		op;
	HsStatus	status;

	HSG_TRY(status, op, h, key, HS_SHARED, hs_hash_value_size(&op, field, size));
	if (status == HS_NOT_FOUND)
		return false;
	hsg_check(status, h, key, HS_HASH, op.found_type);
	return true;
}

/* hexists(key text, field text) returns boolean */
PG_FUNCTION_INFO_V1(hotset_hexists);
Datum
hotset_hexists(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	uint64_t	size;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	PG_RETURN_BOOL(value_size(fcinfo, h, &size));
}

/* hstrlen(key text, field text) returns integer: bytes of the value */
PG_FUNCTION_INFO_V1(hotset_hstrlen);
Datum
hotset_hstrlen(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	uint64_t	size;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || !value_size(fcinfo, h, &size))
		PG_RETURN_NULL();
	PG_RETURN_INT32((int32) size);
}

/*
 * ---- All of them ---------------------------------------------------------------------
 */

/* hlen(key text) returns bigint: 0 if there is none */
HSG_FORM(hotset_hlen, hsg_count(fcinfo, HS_HASH, hs_hash_count))

/* hgetall(key text) returns rows (field, value) */
HSG_FORM(hotset_hgetall, hsg_rows(fcinfo, open_hgetall))

/* hkeys(key text) returns rows (field) */
HSG_FORM(hotset_hkeys, hsg_rows(fcinfo, open_hkeys))

/* hvals(key text) returns rows (value) */
HSG_FORM(hotset_hvals, hsg_rows(fcinfo, open_hvals))

static HsgRows *
open_hgetall(FunctionCallInfo fcinfo)
{
	return all_rows(fcinfo, true, true);
}

static HsgRows *
open_hkeys(FunctionCallInfo fcinfo)
{
	return all_rows(fcinfo, true, false);
}

static HsgRows *
open_hvals(FunctionCallInfo fcinfo)
{
	return all_rows(fcinfo, false, true);
}

static HsgRows *
all_rows(FunctionCallInfo fcinfo, bool fields, bool values)
{
	HashRows   *r;

	(void) hsg_keyspace(fcinfo, 1);
	if (PG_ARGISNULL(0))
		return hsg_rows_none();
	r = hsg_rows_new(sizeof(HashRows));
	r->fields = fields;
	r->values = values;
	r->rows.row = fields && values ? hsg_row_of_two : hsg_row_of_one;
	hsg_rows_read(&r->rows, hsg_arg_bytes(fcinfo, 0), HS_HASH, 1, HS_DICT_BATCH,
				  read_hash, rewind_hash);
	return &r->rows;
}

static HsStatus
read_hash(HsOp *op, HsgRows *rows)
{
	HashRows   *r = (HashRows *) rows;
	HsStatus	status = hs_hash_read(op, &r->cursor, r->fields, r->values, &rows->items);

	if (r->fields && r->values)
		rows->items.n /= 2;
	rows->done = r->cursor.done;
	return status;
}

static void
rewind_hash(HsgRows *rows)
{
	memset(&((HashRows *) rows)->cursor, 0, sizeof(HsDictCursor));
}

/* hgetall_jsonb(key text) returns jsonb: an object of strings; null if there is none */
PG_FUNCTION_INFO_V1(hotset_hgetall_jsonb);
Datum
hotset_hgetall_jsonb(PG_FUNCTION_ARGS)
{
	HsgRows    *rows = all_rows(fcinfo, true, true);
	JsonbParseState *state = NULL;
	JsonbValue	v = {.type = jbvString};
	Datum		values[HSG_COLUMNS];
	bool		nulls[HSG_COLUMNS] = {0};
	bool		is_empty = true;

	(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	while (hsg_rows_next(fcinfo, rows, values, nulls))
	{
		is_empty = false;
		for (int i = 0; i < 2; i++)
		{
			v.val.string.val = TextDatumGetCString(values[i]);
			v.val.string.len = VARSIZE_ANY_EXHDR(DatumGetPointer(values[i]));
			(void) pushJsonbValue(&state, i == 0 ? WJB_KEY : WJB_VALUE, &v);
		}
	}
	if (is_empty)
		PG_RETURN_NULL();
	PG_RETURN_JSONB_P(JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)));
}

/* hrandfield(key text, count bigint) returns rows (field, value) */
HSG_FORM(hotset_hrandfield, hsg_rows(fcinfo, open_hrandfield))

static HsgRows *
open_hrandfield(FunctionCallInfo fcinfo)
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
	rows = hsg_rows_of_items(2, count < 0 ? -count : count);
	HSG_RUN_ITEMS(op, h, key, HS_SHARED, HS_HASH, &rows->items, NULL,
				  hs_hash_random(&op, count, true, seed, &rows->items));
	hsg_rows_filled(rows, 2);
	return rows;
}
