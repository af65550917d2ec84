/*
 * value.c
 *	  Values between string keys and SQL types.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "value.h"

static void value_grow(HsgValue *v);
static void value_mark_text(HsgValue *v, HsHandle *h, HsBytes key);
static struct varlena *value_plain(HsgValue *v);
static text *int_text(const HsgValue *v);
static text *jsonb_text(const HsgValue *v);

void
hsg_value_mend(HsgValue *v, HsStatus status, HsHandle *h, HsBytes key)
{
	CHECK_FOR_INTERRUPTS();
	if (status == HS_NOT_TEXT)
		value_mark_text(v, h, key);
	else
		value_grow(v);
}

/*
 * Room for the value as it was found, and an eighth more: somebody may be
 * appending to it.
 */
static void
value_grow(HsgValue *v)
{
	size_t		room = v->got.size + v->got.size / 8 + 64;

	if (v->chunk != NULL)
		pfree(v->chunk);
	if (v->got.size > MaxAllocSize - VARHDRSZ)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("value is too long to be returned")));
	room = Min(room, MaxAllocSize - VARHDRSZ);
	v->chunk = palloc(VARHDRSZ + room);
	v->got.buf = (uint8_t *) VARDATA(v->chunk);
	v->got.capacity = room;
	v->got.since = 0;
}

static void
value_mark_text(HsgValue *v, HsHandle *h, HsBytes key)
{
	HsBytes		bytes = hs_bytes(v->got.buf, v->got.size);
	HsOp		op;

	(void) pg_verifymbstr((const char *) bytes.data, (int) bytes.size, false);
	if (hs_op_begin(&op, h, key, HS_EXCLUSIVE, hsg_now()) != HS_OK)
		return;					/* the command itself will say what is wrong */
	hs_string_mark_text(&op, bytes);
	hs_op_end(&op);
}

/*
 * ---- To SQL types -----------------------------------------------------------
 */

text *
hsg_value_text_of(HsgValue *v)
{
	if (v->got.flags & HS_RF_INT)
		return int_text(v);
	if (v->got.flags & HS_RF_JSONB)
		return jsonb_text(v);
	if (!(v->got.flags & HS_RF_TEXT))
		(void) pg_verifymbstr((const char *) v->got.buf, (int) v->got.size, false);
	return (text *) value_plain(v);
}

bytea *
hsg_value_bytea(HsgValue *v)
{
	if (v->got.flags & HS_RF_INT)
		return (bytea *) int_text(v);
	if (v->got.flags & HS_RF_JSONB)
		return (bytea *) jsonb_text(v);
	return (bytea *) value_plain(v);
}

Jsonb *
hsg_value_jsonb(HsgValue *v)
{
	text	   *t;

	if (v->got.flags & HS_RF_JSONB)
		return (Jsonb *) value_plain(v);
	t = hsg_value_text(v);
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
											  CStringGetDatum(text_to_cstring(t))));
}

/* The bytes as they are, in a varlena. */
static struct varlena *
value_plain(HsgValue *v)
{
	struct varlena *result = v->chunk;

	if (result == NULL)
	{
		result = palloc(VARHDRSZ + v->got.size);
		memcpy(VARDATA(result), v->got.buf, v->got.size);
	}
	SET_VARSIZE(result, VARHDRSZ + v->got.size);
	return result;
}

static text *
int_text(const HsgValue *v)
{
	text	   *result = palloc(VARHDRSZ + HS_INT_DIGITS);
	int64_t		n;

	memcpy(&n, v->got.buf, sizeof(n));
	SET_VARSIZE(result, VARHDRSZ + hs_int_format(n, (uint8_t *) VARDATA(result)));
	return result;
}

static text *
jsonb_text(const HsgValue *v)
{
	/* the stack and data areas of palloc'd varlenas are aligned well enough */
	JsonbContainer *root = (JsonbContainer *) v->got.buf;
	char	   *s = JsonbToCString(NULL, root, (int) v->got.size);

	return cstring_to_text(s);
}

void
hsg_check_string(HsStatus status, HsHandle *h, HsBytes key, HsType found)
{
	if (unlikely(status == HS_WRONG_TYPE && found == HS_STRING))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("key \"%s\" holds jsonb, not text or bytea", hsg_key_text(key)),
				 errhint("Set it again as text to work on its bytes.")));
	hsg_check(status, h, key, HS_STRING, found);
}
