/*
 * hll_key_sql.c
 *	  HyperLogLog keys: pfadd, pfcount, pfmerge, pfget, pfset.
 *
 * Values are hashed as approx_count_distinct(text) does, so that sketches from
 * keys, columns and aggregates can be united.
 */
#include "postgres.h"

#include <math.h>

#include "../engine/hll_key.h"
#include "hll_value.h"
#include "hotset.h"

/* Sketches being merged into a key. */
typedef struct Merge
{
	uint8	   *sketch;			/* union of the sources */
	size_t		failed;			/* number of the key with the wrong type */
	HsType		found;
	bool		changed;
} Merge;

static Datum add_sketch(FunctionCallInfo fcinfo, const uint8 *sketch);
static HsStatus merge_run(HsMulti *m, const HsBytes *keys, int nsources, int64_t expires_us,
						  Merge *merge);

/*
 * ---- Writing -----------------------------------------------------------------
 */

/* pfadd(key text, value text, ...) returns boolean: whether the sketch changed */
PG_FUNCTION_INFO_V1(hotset_pfadd);
Datum
hotset_pfadd(PG_FUNCTION_ARGS)
{
	uint8		sketch[HS_HLL_EMPTY_SIZE + 4];	/* room for one entry */

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "value");
	hs_hll_init(sketch);
	hs_hll_add(sketch, sizeof(sketch), hs_hll_hash(hsg_arg_bytes(fcinfo, 1)));
	return add_sketch(fcinfo, sketch);
}

/* pfadd(key text, "values" text[], ...) returns boolean */
PG_FUNCTION_INFO_V1(hotset_pfadd_array);
Datum
hotset_pfadd_array(PG_FUNCTION_ARGS)
{
	HsBytes    *values;
	int			n;
	size_t		capacity;
	uint8	   *sketch;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "values");
	n = hsg_arg_elements(fcinfo, 1, "value", &values);
	capacity = n > HS_HLL_MAX_ENTRIES ? HS_HLL_MAX_SIZE : HS_HLL_EMPTY_SIZE + 4 * n;
	sketch = palloc(capacity);
	hs_hll_init(sketch);
	for (int i = 0; i < n; i++)
		hs_hll_add(sketch, capacity, hs_hll_hash(values[i]));
	return add_sketch(fcinfo, sketch);
}

/* Unite the key of argument 0 with the sketch; the keyspace is the last argument. */
static Datum
add_sketch(FunctionCallInfo fcinfo, const uint8 *sketch)
{
	HsBytes		key = hsg_arg_bytes(fcinfo, 0);
	HsHandle   *h = hsg_keyspace(fcinfo, PG_NARGS() - 1);
	int64_t		expires_us = hsg_default_expiry(h);
	HsOp		op;
	bool		changed = false;

	HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_HLL, hs_hll_key_add(&op, sketch, expires_us, &changed));
	PG_RETURN_BOOL(changed);
}

/* pfmerge(dest text, keys text[], ...) returns boolean: whether dest changed */
PG_FUNCTION_INFO_V1(hotset_pfmerge);
Datum
hotset_pfmerge(PG_FUNCTION_ARGS)
{
	HsHandle   *h;
	HsBytes    *keys;
	int			nkeys;
	int64_t		expires_us;
	Merge		merge = {.sketch = palloc(HS_HLL_MAX_SIZE)};
	HsStatus	status;
	HsMulti		m;

	hsg_require(fcinfo, 0, "dest");
	nkeys = hsg_arg_keys(fcinfo, 1, &keys);
	keys = repalloc(keys, sizeof(HsBytes) * (nkeys + 1));
	keys[nkeys] = hsg_arg_bytes(fcinfo, 0);
	h = hsg_keyspace(fcinfo, PG_NARGS() - 1);
	expires_us = hsg_default_expiry(h);
	HSG_TRY_MULTI(status, m, h, keys, nkeys + 1, HS_EXCLUSIVE,
				  merge_run(&m, keys, nkeys, expires_us, &merge));
	hsg_check(status, h, keys[merge.failed], HS_HLL, merge.found);
	PG_RETURN_BOOL(merge.changed);
}

/* The destination stands behind the sources. */
static HsStatus
merge_run(HsMulti *m, const HsBytes *keys, int nsources, int64_t expires_us, Merge *merge)
{
	HsOp		op;
	HsStatus	status;

	merge->failed = nsources;
	status = hs_hll_key_union(m, keys, nsources, merge->sketch, &merge->failed, &merge->found);
	if (status == HS_OK)
		status = hs_multi_op(m, keys[nsources], &op);
	if (status != HS_OK)
		return status;
	status = hs_multi_note(m, &op, hs_hll_key_add(&op, merge->sketch, expires_us, &merge->changed));
	merge->found = op.found_type;
	return status;
}

/* pfset(key text, sketch hll, ttl interval, ...) returns boolean: true */
PG_FUNCTION_INFO_V1(hotset_pfset);
Datum
hotset_pfset(PG_FUNCTION_ARGS)
{
	HsHandle   *h;
	HsBytes		key;
	const uint8 *sketch;
	int64_t		expires_us;
	HsOp		op;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "sketch");
	key = hsg_arg_bytes(fcinfo, 0);
	sketch = hsg_hll_sketch(PG_GETARG_DATUM(1));
	h = hsg_keyspace(fcinfo, PG_NARGS() - 1);
	expires_us = hsg_arg_expiry(fcinfo, 2, h);
	HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_HLL, hs_hll_key_set(&op, sketch, expires_us));
	PG_RETURN_BOOL(true);
}

/*
 * ---- Reading -------------------------------------------------------------------
 */

/* Copy the sketch of the key in argument 0; NULL if there is no such key. */
static const uint8 *
get_sketch(FunctionCallInfo fcinfo)
{
	HsBytes		key = hsg_arg_bytes(fcinfo, 0);
	HsHandle   *h = hsg_keyspace(fcinfo, PG_NARGS() - 1);
	uint8	   *sketch = palloc(HS_HLL_MAX_SIZE);
	HsStatus	status;
	HsOp		op;

	HSG_TRY(status, op, h, key, HS_SHARED, hs_hll_key_get(&op, sketch));
	if (status == HS_NOT_FOUND)
		return NULL;
	hsg_check(status, h, key, HS_HLL, op.found_type);
	return sketch;
}

/* pfget(key text, ...) returns hll */
PG_FUNCTION_INFO_V1(hotset_pfget);
Datum
hotset_pfget(PG_FUNCTION_ARGS)
{
	const uint8 *sketch = PG_ARGISNULL(0) ? NULL : get_sketch(fcinfo);

	if (sketch == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(hsg_hll_datum(sketch, hs_hll_size(sketch)));
}

/* pfcount(key text, ...) returns bigint; 0 if there is no such key */
PG_FUNCTION_INFO_V1(hotset_pfcount);
Datum
hotset_pfcount(PG_FUNCTION_ARGS)
{
	const uint8 *sketch;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	sketch = get_sketch(fcinfo);
	PG_RETURN_INT64(sketch == NULL ? 0 : llround(hs_hll_estimate(sketch)));
}

/* pfcount(keys text[], ...) returns bigint: values in any of them; null keys hold none */
PG_FUNCTION_INFO_V1(hotset_pfcount_array);
Datum
hotset_pfcount_array(PG_FUNCTION_ARGS)
{
	HsHandle   *h;
	HsBytes    *keys;
	bool	   *nulls;
	int			nkeys;
	int			n = 0;
	uint8	   *sketch = palloc(HS_HLL_MAX_SIZE);
	HsStatus	status;
	HsMulti		m;
	HsType		found = HS_ANY;
	size_t		failed = 0;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	nkeys = hsg_arg_array(fcinfo, 0, &keys, &nulls);
	for (int i = 0; i < nkeys; i++)
		if (nulls == NULL || !nulls[i])
			keys[n++] = keys[i];
	h = hsg_keyspace(fcinfo, PG_NARGS() - 1);
	HSG_TRY_MULTI(status, m, h, keys, n, HS_SHARED,
				  hs_hll_key_union(&m, keys, n, sketch, &failed, &found));
	hsg_check(status, h, n > 0 ? keys[failed] : hs_bytes(NULL, 0), HS_HLL, found);
	PG_RETURN_INT64(llround(hs_hll_estimate(sketch)));
}
