/*
 * string_many_sql.c
 *	  SQL functions on many strings at once: kv_mget, kv_mset.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/memutils.h"

#include "../engine/many.h"
#include "value.h"

/* What kv_mget reads under locks: one HsGot a key, bytes in one piece of memory. */
typedef struct Reads
{
	HsBytes    *keys;			/* those that are not null */
	HsGot	   *got;
	int			nkeys;
	uint8_t    *arena;
	size_t		capacity;
} Reads;

static ArrayType *mget_unlocked(HsHandle *h, const HsBytes *keys, const bool *nulls, int nkeys);
static ArrayType *text_array(const HsManyRead *reads, int nreads, const bool *nulls, int n);
static void check_text(const ArrayType *array, const HsManyRead *reads, int nreads);
static ArrayType *mget_locked(HsHandle *h, const HsBytes *keys, const bool *nulls, int nkeys);
static void reads_run(HsHandle *h, Reads *r);
static void reads_grow(Reads *r, size_t capacity);
static Datum got_text_datum(HsGot *got);
static HsMsetItem *mset_items(FunctionCallInfo fcinfo, int *nitems);
static HsBytes *item_keys(HsMsetItem *items, int nitems);

/*
 * ---- Reading -----------------------------------------------------------------
 */

/* kv_mget(keys text[]) returns text[]: null for each miss */
PG_FUNCTION_INFO_V1(hotset_kv_mget);
Datum
hotset_kv_mget(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	ArrayType  *result = NULL;
	HsBytes    *keys;
	bool	   *nulls;
	int			nkeys;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	nkeys = hsg_arg_array(fcinfo, 0, &keys, &nulls);
	if (nkeys == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(TEXTOID));
	if (nkeys <= HS_MANY_MAX)
		result = mget_unlocked(h, keys, nulls, nkeys);
	if (result == NULL)
		result = mget_locked(h, keys, nulls, nkeys);
	PG_RETURN_ARRAYTYPE_P(result);
}

/*
 * The usual case: no value is large or jsonb, and nobody is in the way.  Else NULL.
 */
static ArrayType *
mget_unlocked(HsHandle *h, const HsBytes *keys, const bool *nulls, int nkeys)
{
	HsManyRead *reads = palloc(sizeof(HsManyRead) * nkeys);
	int			nreads = 0;

	for (int i = 0; i < nkeys; i++)
	{
		if (nulls == NULL || !nulls[i])
			reads[nreads++].look.key = keys[i];
	}
	for (int tries = 0; tries < HS_MANY_TRIES; tries++)
	{
		ArrayType  *array;

		if (!hs_many_find(h, reads, nreads, hsg_now()))
			continue;
		array = text_array(reads, nreads, nulls, nkeys);
		if (array == NULL)
			break;
		if (!hs_many_have_expired(reads, nreads) && hs_many_are_true(h, reads, nreads))
		{
			check_text(array, reads, nreads);
			return array;
		}
		pfree(array);
	}
	pfree(reads);
	return NULL;
}

/* Null elements and what is no string are nulls of the result. */
static inline bool
is_string(const HsManyRead *r)
{
	return r->found && (r->flags & HS_RF_TYPE) == HS_STRING;
}

/*
 * Room for the array of n elements, its header filled in, the bits of nulls all zero.  NULL if a value
 * is of a kind that needs more than its bytes, or all would be too long for an array.
 */
static ArrayType *
array_alloc(const HsManyRead *reads, int nreads, int n)
{
	size_t		size = 0;
	int			ntexts = 0;
	size_t		before;
	ArrayType  *array;

	for (int i = 0; i < nreads; i++)
	{
		if (!is_string(&reads[i]))
			continue;
		if (reads[i].flags & (HS_RF_BIG | HS_RF_JSONB))
			return NULL;
		size += INTALIGN(VARHDRSZ + (reads[i].flags & HS_RF_INT ? HS_INT_DIGITS : reads[i].size));
		ntexts++;
	}
	before = ntexts < n ? ARR_OVERHEAD_WITHNULLS(1, n) : ARR_OVERHEAD_NONULLS(1);
	if (before + size > MaxAllocSize)
		return NULL;
	array = palloc(before + size);
	memset(array, 0, before);
	array->ndim = 1;
	array->dataoffset = ntexts < n ? before : 0;
	array->elemtype = TEXTOID;
	ARR_DIMS(array)[0] = n;
	ARR_LBOUND(array)[0] = 1;
	return array;
}

/* The value as text at 'to', padded with zeros; returns where the next one goes. */
static inline char *
text_put(const HsManyRead *r, char *to)
{
	size_t		size = r->size;
	uint8_t		digits[HS_INT_DIGITS];
	int64_t		number;
	char	   *next;

	if (r->flags & HS_RF_INT)
	{
		hs_many_copy(r, &number);
		size = hs_int_format(number, digits);
	}
	next = to + INTALIGN(VARHDRSZ + size);
	memset(next - sizeof(int32), 0, sizeof(int32));
	SET_VARSIZE(to, VARHDRSZ + size);
	if (r->flags & HS_RF_INT)
		memcpy(VARDATA(to), digits, size);
	else
		hs_many_copy(r, VARDATA(to));
	return next;
}

/*
 * The array that construct_md_array() would make, written once and into one piece of memory: a
 * quarter of the instructions.  Nothing in it is believed yet.  NULL as array_alloc().
 */
static ArrayType *
text_array(const HsManyRead *reads, int nreads, const bool *nulls, int n)
{
	ArrayType  *array = array_alloc(reads, nreads, n);
	bits8	   *present;
	char	   *to;

	if (array == NULL)
		return NULL;
	present = ARR_NULLBITMAP(array);
	to = ARR_DATA_PTR(array);
	for (int i = 0; i < n; i++)
	{
		const HsManyRead *r;

		if (nulls != NULL && nulls[i])
			continue;
		r = reads++;
		if (!is_string(r))
			continue;
		if (present != NULL)
			present[i / 8] |= 1 << i % 8;
		to = text_put(r, to);
	}
	SET_VARSIZE(array, to - (char *) array);
	return array;
}

/* 22021 for bytes of which nobody knows yet that they are text of the database. */
static void
check_text(const ArrayType *array, const HsManyRead *reads, int nreads)
{
	const char *at = ARR_DATA_PTR(array);

	for (int i = 0; i < nreads; i++)
	{
		if (!is_string(&reads[i]))
			continue;
		if ((reads[i].flags & (HS_RF_TEXT | HS_RF_INT)) == 0)
			(void) pg_verifymbstr(VARDATA(at), VARSIZE(at) - VARHDRSZ, false);
		at += INTALIGN(VARSIZE(at));
	}
}

/* The general case: under the locks of all keys, with copies of large values made after. */
static ArrayType *
mget_locked(HsHandle *h, const HsBytes *keys, const bool *nulls, int nkeys)
{
	bool	   *is_missing = palloc(sizeof(bool) * nkeys);
	Datum	   *datums = palloc0(sizeof(Datum) * nkeys);
	int			next = 0;
	Reads		r = {.keys = palloc(sizeof(HsBytes) * nkeys)};

	for (int i = 0; i < nkeys; i++)
		if (nulls == NULL || !nulls[i])
			r.keys[r.nkeys++] = keys[i];
	reads_run(h, &r);

	for (int i = 0; i < nkeys; i++)
	{
		HsGot	   *got = NULL;

		if (nulls == NULL || !nulls[i])
			got = &r.got[next++];
		is_missing[i] = got == NULL || !got->found;
		if (!is_missing[i])
			datums[i] = got_text_datum(got);
	}
	return hsg_array(TEXTOID, datums, is_missing, nkeys);
}

static void
reads_run(HsHandle *h, Reads *r)
{
	HsStatus	status;
	size_t		wanted = (size_t) Min(r->nkeys, 1024) * 128;
	bool		is_whole;

	r->got = palloc(sizeof(HsGot) * Max(r->nkeys, 1));
	reads_grow(r, wanted);
	for (;;)
	{
		HsMulti		m;

		is_whole = true;
		HSG_ONCE_MULTI(status, m, h, r->keys, r->nkeys, HS_SHARED,
					   hs_strings_get(&m, r->keys, r->nkeys, r->got,
									  r->arena, r->capacity, &wanted));
		/* none has been looked at if the command did not begin */
		for (int i = 0; i < r->nkeys && (status == HS_OK || status == HS_BUFFER_TOO_SMALL); i++)
			is_whole &= hs_got_finish(&r->got[i]);
		CHECK_FOR_INTERRUPTS();
		if (status == HS_BUFFER_TOO_SMALL)
			reads_grow(r, wanted + wanted / 8);
		else if (is_whole && !hsg_retry(h, status, 0, 0))
			break;
	}
	hsg_check(status, h, hs_bytes(NULL, 0), HS_STRING, HS_ANY);
}

static void
reads_grow(Reads *r, size_t capacity)
{
	if (r->arena != NULL)
		pfree(r->arena);
	r->capacity = capacity;
	r->arena = palloc_extended(Max(capacity, 1), MCXT_ALLOC_HUGE);
	for (int i = 0; i < r->nkeys; i++)
		hs_got_init(&r->got[i], NULL, 0);
}

static Datum
got_text_datum(HsGot *got)
{
	HsgValue	v;

	v.got = *got;
	v.chunk = NULL;
	return PointerGetDatum(hsg_value_text(&v));
}

/*
 * ---- Setting -------------------------------------------------------------------
 */

/* kv_mset(keys text[], "values" text[], ttl interval, nx boolean, tags text[]) returns bigint: keys set */
PG_FUNCTION_INFO_V1(hotset_kv_mset);
Datum
hotset_kv_mset(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 5);
	HsMsetRule	rule = {.only_absent = hsg_arg_flag(fcinfo, 3)};
	HsBytes    *tags;
	int			nitems;
	HsMsetItem *items = mset_items(fcinfo, &nitems);
	HsBytes    *keys = item_keys(items, nitems);
	HsMulti		m = {0};
	HsStatus	status;
	bool		done = false;
	int64		count = 0;

	rule.expires_us = hsg_arg_expiry(fcinfo, 2, h);
	rule.ntags = hsg_arg_tags(fcinfo, 4, &tags);
	rule.tags = tags;
	do
	{
		status = hs_mset_prepare(h, items, nitems, hsg_max_value, &m.need);
		if (status != HS_OK)
			continue;
		HSG_ONCE_MULTI(status, m, h, keys, nitems, HS_EXCLUSIVE,
					   hs_mset(&m, items, nitems, &rule, &done, &m.hash));
		hs_mset_discard(items, nitems);
	} while (hsg_retry(h, status, m.hash, m.need));
	hsg_check(status, h, hs_bytes(NULL, 0), HS_STRING, HS_ANY);
	for (int i = 0; done && i < nitems; i++)
		count += !items[i].skip;
	PG_RETURN_INT64(count);
}

static HsMsetItem *
mset_items(FunctionCallInfo fcinfo, int *nitems)
{
	HsBytes    *keys;
	HsBytes    *values;
	bool	   *nulls;
	int			nvalues;
	HsMsetItem *items;

	*nitems = hsg_arg_keys(fcinfo, 0, &keys);
	hsg_require(fcinfo, 1, "values");
	nvalues = hsg_arg_array(fcinfo, 1, &values, &nulls);
	if (nulls != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("value must not be null"),
				 errhint("To remove a key, use kv_del.")));
	if (nvalues != *nitems)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of keys and values must match"),
				 errdetail("There are %d keys and %d values.", *nitems, nvalues)));
	items = palloc0_array(HsMsetItem, Max(nvalues, 1));
	for (int i = 0; i < nvalues; i++)
	{
		items[i].key = keys[i];
		items[i].value.bytes = values[i];
		items[i].value.flags = HS_RF_TEXT;
	}
	return items;
}

static HsBytes *
item_keys(HsMsetItem *items, int nitems)
{
	HsBytes    *keys = palloc_array(HsBytes, Max(nitems, 1));

	for (int i = 0; i < nitems; i++)
		keys[i] = items[i].key;
	return keys;
}
