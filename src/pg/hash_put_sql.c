/*
 * hash_put_sql.c
 *	  SQL functions that set fields of hashes: one, arrays of them, whole objects.
 *
 * A hash has no nulls.  Where a whole object comes in, from jsonb or a row, a
 * null in it removes the field: afterwards what the object names is as it says.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/typcache.h"

#include "../engine/hash.h"
#include "hotset.h"

#define REMOVE_HINT		"To remove a field, use hdel."

/* What a command sets and what it removes. */
typedef struct Change
{
	HsHashField *fields;
	size_t		nfields;
	HsBytes    *removed;
	size_t		nremoved;
} Change;

/* How columns of these types become text; kept from call to call. */
typedef struct RowOutput
{
	int			ncolumns;
	struct
	{
		Oid			type;		/* InvalidOid: not looked up yet */
		FmgrInfo	output;
	}			column[FLEXIBLE_ARRAY_MEMBER];
} RowOutput;

static Datum set_command(FunctionCallInfo fcinfo, bool nx);
static uint64_t change_run(HsHandle *h, HsBytes key, const Change *c);
static HsStatus change_apply(HsOp *op, const Change *c, int64_t expires_us, uint64_t *added);
static void change_object(Jsonb *object, Change *c);
static HsBytes json_text(JsonbValue *v);
static void change_row(FunctionCallInfo fcinfo, HeapTupleHeader row, Change *c);
static RowOutput *row_output(FunctionCallInfo fcinfo, int ncolumns);
static char *column_text(FunctionCallInfo fcinfo, RowOutput *out, int column, Oid type, Datum value);

/*
 * ---- Setting ---------------------------------------------------------------------
 */

/* hset(key text, field text, value text or bytea) returns bigint: fields added */
HSG_FORM(hotset_hset, set_command(fcinfo, false))

/* hsetnx(key text, field text, value text or bytea) returns boolean */
PG_FUNCTION_INFO_V1(hotset_hsetnx);
Datum
hotset_hsetnx(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(DatumGetInt64(set_command(fcinfo, true)) > 0);
}

static Datum
set_command(FunctionCallInfo fcinfo, bool nx)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 3);
	HsBytes		key;
	HsHashField f;
	int64_t		expires_us;
	uint64_t	added = 0;
	HsOp		op;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "field");
	hsg_require_value(fcinfo, 2, REMOVE_HINT);
	key = hsg_arg_bytes(fcinfo, 0);
	f.field = hsg_arg_bytes(fcinfo, 1);
	f.value = hsg_arg_bytes(fcinfo, 2);
	hsg_check_element(f.value, HS_DICT_VALUE_MAX);
	expires_us = hsg_default_expiry(h);
	HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_HASH, hs_hash_set(&op, &f, 1, nx, expires_us, &added));
	PG_RETURN_INT64(added);
}

/* hset(key text, field text, value jsonb) returns bigint: fields added */
PG_FUNCTION_INFO_V1(hotset_hset_jsonb_value);
Datum
hotset_hset_jsonb_value(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 3);
	HsHashField f;
	Change		c = {.fields = &f,.nfields = 1};
	Jsonb	   *value;
	char	   *s;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "field");
	hsg_require_value(fcinfo, 2, REMOVE_HINT);
	f.field = hsg_arg_bytes(fcinfo, 1);
	value = PG_GETARG_JSONB_P(2);
	s = JsonbToCString(NULL, &value->root, VARSIZE(value));
	f.value = hs_bytes(s, strlen(s));
	PG_RETURN_INT64(change_run(h, hsg_arg_bytes(fcinfo, 0), &c));
}

/* hset(key text, fields text[], "values" text[]) returns bigint: fields added */
PG_FUNCTION_INFO_V1(hotset_hset_many);
Datum
hotset_hset_many(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 3);
	Change		c = {0};
	HsBytes    *fields;
	HsBytes    *values;
	int			n;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "fields");
	hsg_require(fcinfo, 2, "values");
	n = hsg_arg_elements(fcinfo, 1, "field", &fields);
	if (hsg_arg_elements(fcinfo, 2, "value", &values) != n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("arrays of fields and values must have the same number of elements")));
	c.fields = hsg_alloc(sizeof(HsHashField) * n);
	c.nfields = n;
	for (int i = 0; i < n; i++)
	{
		c.fields[i].field = fields[i];
		c.fields[i].value = values[i];
	}
	PG_RETURN_INT64(change_run(h, hsg_arg_bytes(fcinfo, 0), &c));
}

/* hset(key text, object jsonb) returns bigint: fields added */
PG_FUNCTION_INFO_V1(hotset_hset_object);
Datum
hotset_hset_object(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	Change		c = {0};

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "object");
	change_object(PG_GETARG_JSONB_P(1), &c);
	PG_RETURN_INT64(change_run(h, hsg_arg_bytes(fcinfo, 0), &c));
}

/* hset_row(key text, "row" record) returns bigint: fields added */
PG_FUNCTION_INFO_V1(hotset_hset_row);
Datum
hotset_hset_row(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	Change		c = {0};

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "row");
	change_row(fcinfo, PG_GETARG_HEAPTUPLEHEADER(1), &c);
	PG_RETURN_INT64(change_run(h, hsg_arg_bytes(fcinfo, 0), &c));
}

static uint64_t
change_run(HsHandle *h, HsBytes key, const Change *c)
{
	int64_t		expires_us = hsg_default_expiry(h);
	uint64_t	added = 0;
	HsOp		op;

	for (size_t i = 0; i < c->nfields; i++)
		hsg_check_element(c->fields[i].value, HS_DICT_VALUE_MAX);
	HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_HASH, change_apply(&op, c, expires_us, &added));
	return added;
}

/* Setting can fail, and has then changed nothing; removing fails for long names only. */
static HsStatus
change_apply(HsOp *op, const Change *c, int64_t expires_us, uint64_t *added)
{
	uint64_t	removed;
	HsStatus	status;

	for (size_t i = 0; i < c->nremoved; i++)
		if (c->removed[i].size > HS_MAX_KEY)
			return HS_MEMBER_TOO_LONG;
	status = hs_hash_set(op, c->fields, c->nfields, false, expires_us, added);
	if (status == HS_OK && c->nremoved > 0)
		status = hs_hash_remove(op, c->removed, c->nremoved, &removed);
	return status;
}

/*
 * ---- Objects -----------------------------------------------------------------------
 */

static void
change_object(Jsonb *object, Change *c)
{
	JsonbIterator *it;
	JsonbValue	v;
	JsonbIteratorToken token;
	HsBytes		field = {NULL, 0};

	if (!JB_ROOT_IS_OBJECT(object))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot set the fields of a hash from a JSON %s",
						JB_ROOT_IS_SCALAR(object) ? "scalar" : "array"),
				 errhint("Give a JSON object.")));
	c->fields = hsg_alloc(sizeof(HsHashField) * JB_ROOT_COUNT(object));
	c->removed = hsg_alloc(sizeof(HsBytes) * JB_ROOT_COUNT(object));
	it = JsonbIteratorInit(&object->root);
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			field = hs_bytes(v.val.string.val, v.val.string.len);
		else if (token == WJB_VALUE && v.type == jbvNull)
			c->removed[c->nremoved++] = field;
		else if (token == WJB_VALUE)
		{
			c->fields[c->nfields].field = field;
			c->fields[c->nfields++].value = json_text(&v);
		}
	}
}

/* A string without its quotes, as ->> gives it. */
static HsBytes
json_text(JsonbValue *v)
{
	char	   *s;

	switch (v->type)
	{
		case jbvString:
			return hs_bytes(v->val.string.val, v->val.string.len);
		case jbvBool:
			s = v->val.boolean ? "true" : "false";
			break;
		case jbvNumeric:
			s = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(v->val.numeric)));
			break;
		default:
			Assert(v->type == jbvBinary);
			s = JsonbToCString(NULL, v->val.binary.data, v->val.binary.len);
			break;
	}
	return hs_bytes(s, strlen(s));
}

static void
change_row(FunctionCallInfo fcinfo, HeapTupleHeader row, Change *c)
{
	TupleDesc	desc = lookup_rowtype_tupdesc(HeapTupleHeaderGetTypeId(row),
											  HeapTupleHeaderGetTypMod(row));
	RowOutput  *out = row_output(fcinfo, desc->natts);
	HeapTupleData tuple = {.t_len = HeapTupleHeaderGetDatumLength(row),.t_data = row};
	Datum	   *datums = palloc(sizeof(Datum) * desc->natts);
	bool	   *nulls = palloc(sizeof(bool) * desc->natts);

	ItemPointerSetInvalid(&tuple.t_self);
	heap_deform_tuple(&tuple, desc, datums, nulls);
	c->fields = palloc(sizeof(HsHashField) * desc->natts);
	c->removed = palloc(sizeof(HsBytes) * desc->natts);
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		HsBytes		field;
		char	   *s;

		if (att->attisdropped)
			continue;
		s = pstrdup(NameStr(att->attname));
		field = hs_bytes(s, strlen(s));
		if (nulls[i])
		{
			c->removed[c->nremoved++] = field;
			continue;
		}
		s = column_text(fcinfo, out, i, att->atttypid, datums[i]);
		c->fields[c->nfields].field = field;
		c->fields[c->nfields++].value = hs_bytes(s, strlen(s));
	}
	ReleaseTupleDesc(desc);
}

static RowOutput *
row_output(FunctionCallInfo fcinfo, int ncolumns)
{
	RowOutput  *out = fcinfo->flinfo->fn_extra;

	if (out != NULL && out->ncolumns >= ncolumns)
		return out;
	if (out != NULL)
		pfree(out);
	out = MemoryContextAllocZero(fcinfo->flinfo->fn_mcxt, offsetof(RowOutput, column) +
								 sizeof(out->column[0]) * ncolumns);
	out->ncolumns = ncolumns;
	fcinfo->flinfo->fn_extra = out;
	return out;
}

/* The next call may bring a row of another type, or of the same after ALTER TABLE. */
static char *
column_text(FunctionCallInfo fcinfo, RowOutput *out, int column, Oid type, Datum value)
{
	if (out->column[column].type != type)
	{
		Oid			function;
		bool		is_varlena;

		getTypeOutputInfo(type, &function, &is_varlena);
		fmgr_info_cxt(function, &out->column[column].output, fcinfo->flinfo->fn_mcxt);
		out->column[column].type = type;
	}
	return OutputFunctionCall(&out->column[column].output, value);
}
