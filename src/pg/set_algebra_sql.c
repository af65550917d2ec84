/*
 * set_algebra_sql.c
 *	  SQL functions over several sets: each reads all of them, and writes its
 *	  destination, under the locks of all keys at once.
 */
#include "postgres.h"

#include "miscadmin.h"

#include "../engine/set.h"
#include "collection.h"
#include "rows.h"

#define FIRST_GUESS		256		/* members of a result, for a first buffer */

static HsgRows *open_sunion(FunctionCallInfo fcinfo);
static HsgRows *open_sinter(FunctionCallInfo fcinfo);
static HsgRows *open_sdiff(FunctionCallInfo fcinfo);
static HsgRows *algebra_rows(FunctionCallInfo fcinfo, HsSetOp setop);
static Datum algebra_store(FunctionCallInfo fcinfo, HsSetOp setop);
static HsStatus combine_and_store(HsMulti *m, HsSetOp setop, const HsBytes *keys, int nkeys,
								  HsItems *members, int64_t expires_us,
								  size_t *bad_key, HsType *found);

/* sunion(keys text[]) returns rows (member) */
HSG_FORM(hotset_sunion, hsg_rows(fcinfo, open_sunion))

/* sunion_array(keys text[]) returns text[] */
HSG_FORM(hotset_sunion_array, hsg_rows_array(fcinfo, 1, open_sunion))

/* sinter(keys text[]) returns rows (member) */
HSG_FORM(hotset_sinter, hsg_rows(fcinfo, open_sinter))

/* sinter_array(keys text[]) returns text[] */
HSG_FORM(hotset_sinter_array, hsg_rows_array(fcinfo, 1, open_sinter))

/* sdiff(keys text[]) returns rows (member) */
HSG_FORM(hotset_sdiff, hsg_rows(fcinfo, open_sdiff))

/* sdiff_array(keys text[]) returns text[] */
HSG_FORM(hotset_sdiff_array, hsg_rows_array(fcinfo, 1, open_sdiff))

static HsgRows *
open_sunion(FunctionCallInfo fcinfo)
{
	return algebra_rows(fcinfo, HS_SET_UNION);
}

static HsgRows *
open_sinter(FunctionCallInfo fcinfo)
{
	return algebra_rows(fcinfo, HS_SET_INTER);
}

static HsgRows *
open_sdiff(FunctionCallInfo fcinfo)
{
	return algebra_rows(fcinfo, HS_SET_DIFF);
}

static HsgRows *
algebra_rows(FunctionCallInfo fcinfo, HsSetOp setop)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	HsgRows    *rows;
	HsBytes    *keys;
	int			nkeys;
	size_t		bad_key = 0;
	HsType		found = HS_ANY;
	HsMulti		m;
	HsStatus	status;

	if (PG_ARGISNULL(0))
		return hsg_rows_none();
	nkeys = hsg_arg_some_keys(fcinfo, 0, &keys);
	rows = hsg_rows_of_items(1, FIRST_GUESS);
	HSG_TRY_MULTI_ITEMS(status, m, h, keys, nkeys, HS_SHARED, &rows->items, NULL,
						hs_set_algebra(&m, setop, keys, nkeys, &rows->items, &bad_key, &found));
	hsg_check(status, h, keys[bad_key], HS_SET, found);
	hsg_rows_filled(rows, 1);
	return rows;
}

/* sunionstore(dest text, keys text[]) returns bigint: members of dest */
HSG_FORM(hotset_sunionstore, algebra_store(fcinfo, HS_SET_UNION))

/* sinterstore(dest text, keys text[]) returns bigint: members of dest */
HSG_FORM(hotset_sinterstore, algebra_store(fcinfo, HS_SET_INTER))

/* sdiffstore(dest text, keys text[]) returns bigint: members of dest */
HSG_FORM(hotset_sdiffstore, algebra_store(fcinfo, HS_SET_DIFF))

static Datum
algebra_store(FunctionCallInfo fcinfo, HsSetOp setop)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	HsgRows    *rows;
	HsBytes    *keys;
	int			nkeys;
	int64_t		expires_us;
	size_t		bad_key = 0;
	HsType		found = HS_ANY;
	HsMulti		m;
	HsStatus	status;

	hsg_require(fcinfo, 0, "dest");
	hsg_require(fcinfo, 1, "keys");
	nkeys = hsg_arg_some_keys(fcinfo, 1, &keys);
	keys = repalloc_huge(keys, sizeof(HsBytes) * (nkeys + 1));
	keys[nkeys] = hsg_arg_bytes(fcinfo, 0);
	expires_us = hsg_default_expiry(h);
	rows = hsg_rows_of_items(1, FIRST_GUESS);
	HSG_TRY_MULTI_ITEMS(status, m, h, keys, nkeys + 1, HS_EXCLUSIVE, &rows->items, NULL,
						combine_and_store(&m, setop, keys, nkeys, &rows->items, expires_us,
										  &bad_key, &found));
	hsg_check(status, h, keys[bad_key], HS_SET, found);
	PG_RETURN_INT64(rows->items.n);
}

/* The destination stands behind the keys that are combined. */
static HsStatus
combine_and_store(HsMulti *m, HsSetOp setop, const HsBytes *keys, int nkeys,
				  HsItems *members, int64_t expires_us, size_t *bad_key, HsType *found)
{
	HsOp		op;
	HsStatus	status = hs_set_algebra(m, setop, keys, nkeys, members, bad_key, found);

	if (status == HS_OK)
		status = hs_multi_op(m, keys[nkeys], &op);
	if (status != HS_OK)
		return status;
	return hs_multi_note(m, &op, hs_set_store(&op, members, expires_us));
}

/* sintercard(keys text[], limit bigint) returns bigint */
HSG_FORM(hotset_sintercard, hsg_intercard(fcinfo, HS_SET, hs_set_intercard))
