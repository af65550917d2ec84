/*
 * dues_sql.c
 *	  SQL functions on the expiry of single members: fields of hashes, members of
 *	  sets and sorted sets.
 *
 * The functions of the three types differ in their names alone.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/fmgrprotos.h"

#include "../engine/dues.h"
#include "hotset.h"

#define EXPIRE_FLAGS	3		/* arguments nx, xx, gt, lt begin here */
#define EXPIRE_KS		(EXPIRE_FLAGS + 4)
#define OTHER_KS		2

/* Members of a call: one, or an array of them. */
typedef struct Members
{
	bool		is_array;
	int			n;
	HsBytes    *name;			/* n of them; not those that are null */
	bool	   *nulls;			/* NULL: none is */
	HsBytes		only;
} Members;

static const char *
member_noun(HsType type)
{
	return type == HS_HASH ? "field" : "member";
}

/* For a write: argument 0, the key, and 1; nothing may be null. */
static HsBytes
args_to_write(FunctionCallInfo fcinfo, HsType type, bool is_array, Members *m)
{
	hsg_require(fcinfo, 0, "key");
	m->is_array = is_array;
	m->nulls = NULL;
	if (is_array)
	{
		hsg_require(fcinfo, 1, type == HS_HASH ? "fields" : "members");
		m->n = hsg_arg_elements(fcinfo, 1, member_noun(type), &m->name);
	}
	else
	{
		hsg_require(fcinfo, 1, member_noun(type));
		m->only = hsg_arg_bytes(fcinfo, 1);
		m->name = &m->only;
		m->n = 1;
	}
	return hsg_arg_bytes(fcinfo, 0);
}

static Datum
array_of(Datum *values, bool *nulls, int n, Oid type, int16 len, bool by_value)
{
	int			lower = 1;

	if (n == 0)
		return PointerGetDatum(construct_empty_array(type));
	return PointerGetDatum(construct_md_array(values, nulls, 1, &n, &lower, type, len, by_value,
											  by_value && len == 1 ? TYPALIGN_CHAR : TYPALIGN_DOUBLE));
}

/*
 * ---- Setting ---------------------------------------------------------------------
 */

/* A boolean, or an array: was the expiry set, or dropped, or the member removed? */
static Datum
set_dues(HsHandle *h, HsBytes key, HsType type, const Members *m, int64_t expires_us,
		 unsigned flags)
{
	HsDueResult one;
	HsDueResult *results = m->is_array ? palloc(sizeof(HsDueResult) * Max(m->n, 1)) : &one;
	Datum	   *values;
	HsOp		op;

	HSG_RUN(op, h, key, HS_EXCLUSIVE, type,
			hs_dues_set(&op, type, m->name, m->n, expires_us, flags, results));
	if (!m->is_array)
		PG_RETURN_BOOL(one == HS_DUE_SET || one == HS_DUE_REMOVED);
	values = palloc(sizeof(Datum) * Max(m->n, 1));
	for (int i = 0; i < m->n; i++)
		values[i] = BoolGetDatum(results[i] == HS_DUE_SET || results[i] == HS_DUE_REMOVED);
	return array_of(values, NULL, m->n, BOOLOID, 1, true);
}

/* (key, member or members, ttl interval, nx, xx, gt, lt) */
static Datum
expire_in(FunctionCallInfo fcinfo, HsType type, bool is_array)
{
	HsHandle   *h = hsg_keyspace(fcinfo, EXPIRE_KS);
	Members		m;
	HsBytes		key = args_to_write(fcinfo, type, is_array, &m);
	unsigned	flags = hsg_arg_expire_flags(fcinfo, EXPIRE_FLAGS);

	return set_dues(h, key, type, &m, hsg_arg_expire_ttl(fcinfo, 2, h), flags);
}

/* (key, member or members, at timestamptz, nx, xx, gt, lt) */
static Datum
expire_at(FunctionCallInfo fcinfo, HsType type, bool is_array)
{
	HsHandle   *h = hsg_keyspace(fcinfo, EXPIRE_KS);
	Members		m;
	HsBytes		key = args_to_write(fcinfo, type, is_array, &m);
	unsigned	flags = hsg_arg_expire_flags(fcinfo, EXPIRE_FLAGS);

	hsg_require(fcinfo, 2, "at");
	return set_dues(h, key, type, &m, PG_GETARG_TIMESTAMPTZ(2), flags);
}

/* (key, member or members) */
static Datum
persist(FunctionCallInfo fcinfo, HsType type, bool is_array)
{
	HsHandle   *h = hsg_keyspace(fcinfo, OTHER_KS);
	Members		m;
	HsBytes		key = args_to_write(fcinfo, type, is_array, &m);

	return set_dues(h, key, type, &m, HS_NEVER, HS_DUE_XX);
}

/*
 * ---- Asking ------------------------------------------------------------------------
 */

/* HS_NEVER, too, for members and keys that are absent. */
static HsStatus
get_all(HsOp *op, HsType type, const Members *m, int64_t *at_us)
{
	for (int i = 0; i < m->n; i++)
	{
		HsStatus	status = HS_NOT_FOUND;

		if (m->nulls == NULL || !m->nulls[i])
			status = hs_dues_get(op, type, m->name[i], &at_us[i]);
		if (status == HS_NOT_FOUND)
			at_us[i] = HS_NEVER;
		else if (status != HS_OK)
			return status;
	}
	return HS_OK;
}

static Datum
time_datum(int64_t at_us, int64_t now_us, bool as_ttl)
{
	if (as_ttl)
		return PointerGetDatum(hsg_interval(Max(at_us - now_us, 0)));
	return TimestampTzGetDatum(at_us);
}

/* (key, member or members): when they expire, or the time until then; null for never. */
static Datum
get_dues(FunctionCallInfo fcinfo, HsType type, bool is_array, bool as_ttl)
{
	HsHandle   *h = hsg_keyspace(fcinfo, OTHER_KS);
	Members		m = {.is_array = is_array,.n = 1};
	HsBytes		key;
	int64_t		one;
	int64_t    *at_us = &one;
	int64_t		now_us;
	Datum	   *values;
	bool	   *nulls;
	HsOp		op;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	key = hsg_arg_bytes(fcinfo, 0);
	if (is_array)
	{
		m.n = hsg_arg_array(fcinfo, 1, &m.name, &m.nulls);
		at_us = palloc(sizeof(int64_t) * Max(m.n, 1));
	}
	else
	{
		m.only = hsg_arg_bytes(fcinfo, 1);
		m.name = &m.only;
	}
	HSG_RUN(op, h, key, HS_SHARED, type, get_all(&op, type, &m, at_us));
	now_us = hsg_now();
	if (!is_array)
	{
		if (one == HS_NEVER)
			PG_RETURN_NULL();
		return time_datum(one, now_us, as_ttl);
	}
	values = palloc(sizeof(Datum) * Max(m.n, 1));
	nulls = palloc(sizeof(bool) * Max(m.n, 1));
	for (int i = 0; i < m.n; i++)
	{
		nulls[i] = at_us[i] == HS_NEVER;
		values[i] = nulls[i] ? (Datum) 0 : time_datum(at_us[i], now_us, as_ttl);
	}
	return as_ttl ? array_of(values, nulls, m.n, INTERVALOID, sizeof(Interval), false) :
		array_of(values, nulls, m.n, TIMESTAMPTZOID, sizeof(TimestampTz), FLOAT8PASSBYVAL);
}

/*
 * ---- The functions -------------------------------------------------------------------
 */

#define FUNCTIONS(letter, type) \
	HSG_FORM(hotset_##letter##expire, expire_in(fcinfo, type, false)) \
	HSG_FORM(hotset_##letter##expire_many, expire_in(fcinfo, type, true)) \
	HSG_FORM(hotset_##letter##expire_at, expire_at(fcinfo, type, false)) \
	HSG_FORM(hotset_##letter##expire_at_many, expire_at(fcinfo, type, true)) \
	HSG_FORM(hotset_##letter##persist, persist(fcinfo, type, false)) \
	HSG_FORM(hotset_##letter##persist_many, persist(fcinfo, type, true)) \
	HSG_FORM(hotset_##letter##ttl, get_dues(fcinfo, type, false, true)) \
	HSG_FORM(hotset_##letter##ttl_many, get_dues(fcinfo, type, true, true)) \
	HSG_FORM(hotset_##letter##expires_at, get_dues(fcinfo, type, false, false)) \
	HSG_FORM(hotset_##letter##expires_at_many, get_dues(fcinfo, type, true, false))

FUNCTIONS(h, HS_HASH)
FUNCTIONS(s, HS_SET)
FUNCTIONS(z, HS_ZSET)
