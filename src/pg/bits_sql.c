/*
 * bits_sql.c
 *	  SQL functions on bits and small integers in strings.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "../engine/bits.h"
#include "value.h"

#define FIELDS_MAX	10000		/* of one command: about a millisecond under the lock */

/* The words of kv_bitfield(), which may come one an element or several. */
typedef struct Words
{
	char	  **word;
	int			n;
	int			next;
} Words;

static Datum bit_field(FunctionCallInfo fcinfo, HsHandle *h, HsField *f);
static void fields_run(HsHandle *h, HsBytes key, HsField *fields, int n);
static Datum fields_command(FunctionCallInfo fcinfo, bool may_write);
static int64 offset_arg(FunctionCallInfo fcinfo, int n);
static HsField *fields_arg(FunctionCallInfo fcinfo, int n, bool may_write, int *nfields);
static Words words_arg(FunctionCallInfo fcinfo, int n);
static const char *word_next(Words *w, const char *what);
static HsFieldOverflow overflow_word(const char *word);
static void type_word(HsField *f, const char *word);
static int64 offset_word(const char *word, int width);
static bool range_arg(FunctionCallInfo fcinfo, int n, HsBitRange *range);
static HsBitsHow how_arg(FunctionCallInfo fcinfo, int n);

/*
 * ---- One bit -------------------------------------------------------------------
 */

/* kv_setbit(key text, bit bigint, value boolean) returns integer: the bit before */
PG_FUNCTION_INFO_V1(hotset_kv_setbit);
Datum
hotset_kv_setbit(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 3);
	HsField		f = {.kind = HS_FIELD_SET,.width = 1};

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "bit");
	hsg_require(fcinfo, 2, "value");
	f.value = PG_GETARG_BOOL(2);
	return bit_field(fcinfo, h, &f);
}

/* kv_getbit(key text, bit bigint) returns integer */
PG_FUNCTION_INFO_V1(hotset_kv_getbit);
Datum
hotset_kv_getbit(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	HsField		f = {.kind = HS_FIELD_GET,.width = 1};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	return bit_field(fcinfo, h, &f);
}

static Datum
bit_field(FunctionCallInfo fcinfo, HsHandle *h, HsField *f)
{
	f->offset = offset_arg(fcinfo, 1);
	fields_run(h, hsg_arg_bytes(fcinfo, 0), f, 1);
	PG_RETURN_INT32((int32) f->result);
}

static int64
offset_arg(FunctionCallInfo fcinfo, int n)
{
	int64		offset = PG_GETARG_INT64(n);

	if (offset < 0 || offset >= HS_MAX_BITS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bit offset %lld is out of range", (long long) offset),
				 errdetail("Valid are 0 to %lld.", (long long) HS_MAX_BITS - 1)));
	return offset;
}

/*
 * ---- Fields --------------------------------------------------------------------
 */

/* kv_bitfield(key text, ops text[]) returns bigint[] */
HSG_FORM(hotset_kv_bitfield, fields_command(fcinfo, true))

/* kv_bitfield_ro(key text, ops text[]) returns bigint[] */
HSG_FORM(hotset_kv_bitfield_ro, fields_command(fcinfo, false))

static Datum
fields_command(FunctionCallInfo fcinfo, bool may_write)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	HsField    *fields;
	Datum	   *results;
	bool	   *failed;
	int			n;
	int			lower = 1;

	if (!may_write && (PG_ARGISNULL(0) || PG_ARGISNULL(1)))
		PG_RETURN_NULL();
	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "ops");
	fields = fields_arg(fcinfo, 1, may_write, &n);
	if (n == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(INT8OID));
	fields_run(h, hsg_arg_bytes(fcinfo, 0), fields, n);
	results = palloc_array(Datum, n);
	failed = palloc_array(bool, n);
	for (int i = 0; i < n; i++)
	{
		results[i] = Int64GetDatum(fields[i].result);
		failed[i] = fields[i].failed;
	}
	PG_RETURN_ARRAYTYPE_P(construct_md_array(results, failed, 1, &n, &lower, INT8OID,
											 sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static void
fields_run(HsHandle *h, HsBytes key, HsField *fields, int n)
{
	HsFieldEdit e = {.fields = fields,.nfields = n,.max_value = hsg_max_value};
	bool		writes = false;
	HsOp		op = {0};
	HsStatus	status;

	for (int i = 0; i < n; i++)
		writes |= fields[i].kind != HS_FIELD_GET;
	if (!writes)
	{
		HSG_TRY(status, op, h, key, HS_SHARED, hs_fields_read(&op, fields, n));
		hsg_check_string(status, h, key, op.found_type);
		return;
	}
	e.new_expires_us = hsg_default_expiry(h);
	do
	{
		CHECK_FOR_INTERRUPTS();
		status = hs_fields_prepare(h, key, &e, hsg_now(), &op.need);
		if (status == HS_BUFFER_TOO_SMALL && e.edit.scratch == NULL)
			e.edit.scratch = palloc(HS_SEG_SIZE);
		if (status != HS_OK)
			continue;
		HSG_ONCE(status, op, h, key, HS_EXCLUSIVE, hs_fields_write(&op, &e));
		hs_fields_discard(&e);
	} while (status == HS_BUFFER_TOO_SMALL || hsg_retry(h, status, op.hash, op.need));
	hsg_check_string(status, h, key, op.found_type);
}

/* What kv_bitfield() is to do: GET, SET, INCRBY, OVERFLOW as in Redis. */
static HsField *
fields_arg(FunctionCallInfo fcinfo, int n, bool may_write, int *nfields)
{
	Words		w = words_arg(fcinfo, n);
	HsField    *fields = palloc0_array(HsField, w.n + 1);
	HsFieldOverflow overflow = HS_FIELD_WRAP;

	*nfields = 0;
	while (w.next < w.n)
	{
		const char *what = word_next(&w, NULL);
		HsField    *f = &fields[*nfields];

		if (pg_strcasecmp(what, "overflow") == 0)
		{
			overflow = overflow_word(word_next(&w, what));
			continue;
		}
		if (pg_strcasecmp(what, "get") == 0)
			f->kind = HS_FIELD_GET;
		else if (pg_strcasecmp(what, "set") == 0)
			f->kind = HS_FIELD_SET;
		else if (pg_strcasecmp(what, "incrby") == 0)
			f->kind = HS_FIELD_INCR;
		else
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unknown operation \"%s\"", what),
					 errhint("Valid are GET type offset, SET type offset value, INCRBY type offset value, and OVERFLOW WRAP, SAT or FAIL.")));
		if (f->kind != HS_FIELD_GET && !may_write)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("operation \"%s\" is not a read", what),
					 errhint("Use kv_bitfield.")));
		type_word(f, word_next(&w, what));
		f->offset = offset_word(word_next(&w, what), f->width);
		if (f->kind != HS_FIELD_GET)
			f->value = pg_strtoint64(word_next(&w, what));
		f->overflow = overflow;
		if (++*nfields > FIELDS_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many operations"),
					 errdetail("One call has at most %d.", FIELDS_MAX)));
	}
	return fields;
}

/* Elements of a text[], cut at blanks. */
static Words
words_arg(FunctionCallInfo fcinfo, int n)
{
	HsBytes    *elems;
	bool	   *nulls;
	int			count = hsg_arg_array(fcinfo, n, &elems, &nulls);
	size_t		bytes = 0;
	Words		w = {0};

	if (nulls != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("operation must not be null")));
	for (int i = 0; i < count; i++)
		bytes += elems[i].size + 1;
	w.word = palloc(sizeof(char *) * (bytes / 2 + 1));	/* a word and a blank: two bytes */
	for (int i = 0; i < count; i++)
	{
		char	   *s = pnstrdup((const char *) elems[i].data, elems[i].size);

		for (char *word = strtok_r(s, " ", &s); word != NULL; word = strtok_r(NULL, " ", &s))
			w.word[w.n++] = word;
	}
	return w;
}

/* what: the operation that needs another word; NULL if there is one. */
static const char *
word_next(Words *w, const char *what)
{
	if (w->next == w->n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("operation \"%s\" is incomplete", what)));
	return w->word[w->next++];
}

static HsFieldOverflow
overflow_word(const char *word)
{
	if (pg_strcasecmp(word, "wrap") == 0)
		return HS_FIELD_WRAP;
	if (pg_strcasecmp(word, "sat") == 0)
		return HS_FIELD_SAT;
	if (pg_strcasecmp(word, "fail") == 0)
		return HS_FIELD_FAIL;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown kind of overflow \"%s\"", word),
			 errhint("Valid are WRAP, SAT and FAIL.")));
}

/* i1 to i64, u1 to u63 */
static void
type_word(HsField *f, const char *word)
{
	char	   *end = NULL;
	long		width = 0;

	f->is_signed = word[0] == 'i' || word[0] == 'I';
	if ((f->is_signed || word[0] == 'u' || word[0] == 'U') && isdigit((unsigned char) word[1]))
		width = strtol(word + 1, &end, 10);
	if (end == NULL || *end != '\0' || width < 1 || width > (f->is_signed ? 64 : 63))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid type \"%s\"", word),
				 errhint("Valid are i1 to i64, and u1 to u63.")));
	f->width = (uint8_t) width;
}

/* A bit, or # and the number of a field. */
static int64
offset_word(const char *word, int width)
{
	bool		by_field = word[0] == '#';
	int64		offset = pg_strtoint64(by_field ? word + 1 : word);

	if (offset < 0 || offset >= (by_field ? (HS_MAX_BITS + width - 1) / width : HS_MAX_BITS))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("bit offset \"%s\" is out of range", word)));
	return by_field ? offset * width : offset;
}

/*
 * ---- Counting and searching -------------------------------------------------------
 */

/* kv_bitcount(key text, start bigint, stop bigint, by_bit boolean) returns bigint */
PG_FUNCTION_INFO_V1(hotset_kv_bitcount);
Datum
hotset_kv_bitcount(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 4);
	HsBitRange	range;
	HsType		found = HS_ANY;
	HsStatus	status;
	HsBytes		key;
	int64_t		count = 0;

	if (PG_ARGISNULL(0) || !range_arg(fcinfo, 1, &range))
		PG_RETURN_NULL();
	key = hsg_arg_bytes(fcinfo, 0);
	do
	{
		status = hs_bits_count(h, key, hsg_now(), &range, &count, &found);
	} while (hsg_retry(h, status, 0, 0));
	hsg_check_string(status, h, key, found);
	PG_RETURN_INT64(count);
}

/* kv_bitpos(key text, value boolean, start bigint, stop bigint, by_bit boolean) returns bigint */
PG_FUNCTION_INFO_V1(hotset_kv_bitpos);
Datum
hotset_kv_bitpos(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 5);
	HsBitRange	range;
	HsType		found = HS_ANY;
	HsStatus	status;
	HsBytes		key;
	int64_t		position = -1;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || !range_arg(fcinfo, 2, &range))
		PG_RETURN_NULL();
	key = hsg_arg_bytes(fcinfo, 0);
	do
	{
		status = hs_bits_find(h, key, hsg_now(), &range, PG_GETARG_BOOL(1), &position, &found);
	} while (hsg_retry(h, status, 0, 0));
	hsg_check_string(status, h, key, found);
	if (position < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(position);
}

/* start, stop (null: to the end), by_bit; false if the start is null. */
static bool
range_arg(FunctionCallInfo fcinfo, int n, HsBitRange *range)
{
	if (PG_ARGISNULL(n))
		return false;
	range->start = PG_GETARG_INT64(n);
	range->no_stop = PG_ARGISNULL(n + 1);
	range->stop = range->no_stop ? -1 : PG_GETARG_INT64(n + 1);
	range->by_bit = hsg_arg_flag(fcinfo, n + 2);
	return true;
}

/*
 * ---- Combining ------------------------------------------------------------------
 */

/* kv_bitop(op text, dest text, keys text[]) returns bigint: bytes of the result */
PG_FUNCTION_INFO_V1(hotset_kv_bitop);
Datum
hotset_kv_bitop(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 3);
	HsBitsCombine c = {.how = how_arg(fcinfo, 0),.max_value = hsg_max_value};
	HsMulti		m = {0};
	HsBytes    *sources;
	HsBytes    *keys;
	HsStatus	status;
	int			n;

	hsg_require(fcinfo, 1, "dest");
	hsg_require(fcinfo, 2, "keys");
	n = hsg_arg_some_keys(fcinfo, 2, &sources);
	if (c.how == HS_BITS_NOT && n != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("operation \"not\" takes exactly one key")));
	keys = palloc_array(HsBytes, n + 1);
	memcpy(keys, sources, sizeof(HsBytes) * n);
	keys[n] = hsg_arg_bytes(fcinfo, 1);
	c.keys = keys;
	c.nsources = n;
	c.sources = palloc_array(HsBitsSource, n);
	c.expires_us = hsg_default_expiry(h);
	do
	{
		CHECK_FOR_INTERRUPTS();
		status = hs_bits_prepare(h, &c, hsg_now(), &m.need);
		if (status == HS_BUFFER_TOO_SMALL && c.scratch == NULL)
			c.scratch = palloc(HS_SEG_SIZE);
		if (status != HS_OK)
			continue;
		while (hs_bits_fill(&c))
		{
			if (InterruptPending)
			{
				hs_bits_discard(&c);
				CHECK_FOR_INTERRUPTS();
				break;			/* it was nothing: start anew */
			}
		}
		HSG_ONCE_MULTI(status, m, h, keys, n + 1, HS_EXCLUSIVE, hs_bits_combine(&m, &c));
		hs_bits_discard(&c);
	} while (status == HS_BUFFER_TOO_SMALL || hsg_retry(h, status, m.hash, m.need));
	hsg_check_string(status, h, status == HS_WRONG_TYPE ? keys[c.found_at] : keys[n], c.found_type);
	PG_RETURN_INT64((int64) c.result_size);
}

static HsBitsHow
how_arg(FunctionCallInfo fcinfo, int n)
{
	static const struct
	{
		const char *name;
		HsBitsHow	how;
	}			hows[] = {
		{"and", HS_BITS_AND}, {"or", HS_BITS_OR}, {"xor", HS_BITS_XOR}, {"not", HS_BITS_NOT}
	};
	char	   *name;

	hsg_require(fcinfo, n, "op");
	name = text_to_cstring(PG_GETARG_TEXT_PP(n));
	for (int i = 0; i < lengthof(hows); i++)
	{
		if (pg_strcasecmp(name, hows[i].name) == 0)
			return hows[i].how;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown operation \"%s\"", name),
			 errhint("Valid are \"and\", \"or\", \"xor\" and \"not\".")));
}
