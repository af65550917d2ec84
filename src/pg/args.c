/*
 * args.c
 *	  Arguments of SQL functions, as the engine wants them.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/timestamp.h"

#include "../engine/dues.h"
#include "../engine/tag.h"
#include "glue.h"

#define INT64_LIMIT 9223372036854775808.0	/* 2^63: the first double too large */

pg_noreturn static void refuse_null_element(const char *what);

void
hsg_refuse_null(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s must not be null", what)));
}

void
hsg_refuse_null_value(const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("value must not be null"),
			 errhint("%s", hint)));
}

void
hsg_refuse_both(const char *a, const char *b)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\" and \"%s\" exclude each other", a, b)));
}

uint64_t
hsg_arg_count(FunctionCallInfo fcinfo, int n, const char *what, uint64_t if_null)
{
	if (PG_ARGISNULL(n))
		return if_null;
	if (PG_GETARG_INT64(n) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not be negative", what)));
	return (uint64_t) PG_GETARG_INT64(n);
}

float8
hsg_arg_increment(FunctionCallInfo fcinfo, int n)
{
	hsg_require(fcinfo, n, "by");
	if (isnan(PG_GETARG_FLOAT8(n)) || isinf(PG_GETARG_FLOAT8(n)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("increment must be a finite number")));
	return PG_GETARG_FLOAT8(n);
}

void
hsg_refuse_overflow(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("value out of range: overflow")));
}

void
hsg_check_element(HsBytes value, size_t limit)
{
	bool		is_setting = hsg_max_value < limit;

	if (is_setting)
		limit = hsg_max_value;
	if (value.size > limit)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("value is too long"),
				 errdetail("Values have at most %zu bytes here.", limit),
				 is_setting ? errhint("Increase \"hotset.max_value\".") : 0));
}

int64
hsg_arg_draws(FunctionCallInfo fcinfo, int n, int64 max)
{
	if (PG_GETARG_INT64(n) < -max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("too many draws"),
				 errdetail("With repetition there can be %lld at a time.", (long long) max)));
	return PG_GETARG_INT64(n);
}

/*
 * ---- Arrays ----------------------------------------------------------------------
 */

/* Text and bytea are stored alike, each at a multiple of 4; walking them here takes a third of the
 * instructions of deconstruct_array(). */
int
hsg_arg_array(FunctionCallInfo fcinfo, int n, HsBytes **elems, bool **nulls)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(n);
	int			count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	const bits8 *bitmap = array_contains_nulls(array) ? ARR_NULLBITMAP(array) : NULL;
	const char *at = ARR_DATA_PTR(array);

	*elems = palloc(sizeof(HsBytes) * Max(count, 1));
	*nulls = bitmap == NULL ? NULL : palloc(sizeof(bool) * count);
	for (int i = 0; i < count; i++)
	{
		struct varlena *v = (struct varlena *) at;
		bool		is_null = bitmap != NULL && (bitmap[i / 8] & (1 << i % 8)) == 0;

		if (bitmap != NULL)
			(*nulls)[i] = is_null;
		(*elems)[i] = hs_bytes(NULL, 0);
		if (is_null)
			continue;
		at += INTALIGN(VARSIZE_ANY(v));
		if (unlikely(!VARATT_IS_4B_U(v)))
			v = PG_DETOAST_DATUM_PACKED(PointerGetDatum(v));
		(*elems)[i] = hs_bytes(VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v));
	}
	return count;
}

int
hsg_arg_elements(FunctionCallInfo fcinfo, int n, const char *what, HsBytes **elems)
{
	bool	   *nulls;
	int			count = hsg_arg_array(fcinfo, n, elems, &nulls);

	if (nulls != NULL)
		refuse_null_element(what);
	return count;
}

int
hsg_arg_members(FunctionCallInfo fcinfo, const char *what, HsBytes **members)
{
	(void) hsg_keyspace(fcinfo, 2);
	hsg_require(fcinfo, 0, "key");
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%ss must not be null", what)));
	return hsg_arg_elements(fcinfo, 1, what, members);
}

int
hsg_arg_tags(FunctionCallInfo fcinfo, int n, HsBytes **tags)
{
	int			ntags;

	*tags = NULL;
	if (PG_ARGISNULL(n))
		return 0;
	ntags = hsg_arg_elements(fcinfo, n, "tag", tags);
	if (ntags > HS_TAGS_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many tags"),
				 errdetail("A key can have %d tags.", HS_TAGS_MAX)));
	for (int i = 0; i < ntags; i++)
	{
		if ((*tags)[i].size > HS_TAG_SIZE_MAX)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("tag is too long"),
					 errdetail("Tags of keys have at most %d bytes.", HS_TAG_SIZE_MAX)));
	}
	return ntags;
}

/* float8[] without nulls lies in the array as C wants it. */
int
hsg_arg_numbers(FunctionCallInfo fcinfo, int n, const char *what, float8 **numbers)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(n);

	if (array_contains_nulls(array))
		refuse_null_element(what);
	*numbers = (float8 *) ARR_DATA_PTR(array);
	return ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
}

int
hsg_arg_keys(FunctionCallInfo fcinfo, int n, HsBytes **keys)
{
	hsg_require(fcinfo, n, "keys");
	return hsg_arg_elements(fcinfo, n, "key", keys);
}

int
hsg_arg_some_keys(FunctionCallInfo fcinfo, int n, HsBytes **keys)
{
	int			nkeys = hsg_arg_elements(fcinfo, n, "key", keys);

	if (nkeys == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("array of keys must not be empty")));
	return nkeys;
}

static void
refuse_null_element(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
			 errmsg("%s must not be null", what)));
}

/*
 * ---- Times -----------------------------------------------------------------------
 */

int64_t
hsg_interval_us(const Interval *iv)
{
	double		us;

	if (HSG_INTERVAL_IS_NOBEGIN(iv))
		return PG_INT64_MIN;
	if (HSG_INTERVAL_IS_NOEND(iv))
		return HS_NEVER;

	/* doubles find out whether it fits, integers give the exact result */
	us = (double) iv->month * DAYS_PER_MONTH * USECS_PER_DAY +
		(double) iv->day * USECS_PER_DAY + (double) iv->time;
	if (us >= INT64_LIMIT || us < -INT64_LIMIT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("interval out of range")));
	return (int64_t) ((uint64_t) ((int64_t) iv->month * DAYS_PER_MONTH + iv->day) *
					  (uint64_t) USECS_PER_DAY + (uint64_t) iv->time);
}

int64_t
hsg_expiry(int64_t now_us, int64_t ttl_us)
{
	if (ttl_us == HS_NEVER)
		return HS_NEVER;
	if (ttl_us > 0 && now_us > END_TIMESTAMP - 1 - ttl_us)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid expiry: beyond the range of timestamps"),
				 errhint("A key without a time to live does not expire.")));
	return now_us + ttl_us;
}

int64_t
hsg_default_expiry(HsHandle *h)
{
	int64_t		ttl_us = hs_default_ttl_us(h);

	return likely(ttl_us == 0) ? HS_NEVER : hsg_expiry(hsg_now(), ttl_us);
}

int64_t
hsg_arg_expiry_at(FunctionCallInfo fcinfo, int n, HsHandle *h, int64_t *clock_us)
{
	int64_t		ttl_us;

	if (PG_ARGISNULL(n))
		return hsg_default_expiry(h);
	ttl_us = hsg_interval_us(PG_GETARG_INTERVAL_P(n));
	if (ttl_us <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid expiry: time to live must be greater than zero")));
	return hsg_expiry(hs_clock(clock_us), ttl_us);
}

int64_t
hsg_arg_expiry(FunctionCallInfo fcinfo, int n, HsHandle *h)
{
	int64_t		clock_us = HS_CLOCK_LATER;

	return hsg_arg_expiry_at(fcinfo, n, h, &clock_us);
}

Interval *
hsg_interval(int64_t us)
{
	Interval   *iv = palloc0(sizeof(Interval));

	iv->day = (int32) (us / USECS_PER_DAY);
	iv->time = us % USECS_PER_DAY;
	return iv;
}

int64_t
hsg_arg_expire_ttl(FunctionCallInfo fcinfo, int n, HsHandle *h)
{
	int64_t		ttl_us;

	if (PG_ARGISNULL(n))
		return hsg_default_expiry(h);
	ttl_us = hsg_interval_us(PG_GETARG_INTERVAL_P(n));
	return hsg_expiry(hsg_now(), Max(ttl_us, 0));
}

unsigned
hsg_arg_expire_flags(FunctionCallInfo fcinfo, int n)
{
	bool		nx = hsg_arg_flag(fcinfo, n);
	bool		xx = hsg_arg_flag(fcinfo, n + 1);
	bool		gt = hsg_arg_flag(fcinfo, n + 2);
	bool		lt = hsg_arg_flag(fcinfo, n + 3);

	if (nx && (xx || gt || lt))
		hsg_refuse_both("nx", xx ? "xx" : gt ? "gt" : "lt");
	if (gt && lt)
		hsg_refuse_both("gt", "lt");
	return (nx ? HS_DUE_NX : 0) | (xx ? HS_DUE_XX : 0) | (gt ? HS_DUE_GT : 0) | (lt ? HS_DUE_LT : 0);
}
