/*
 * collection.h
 *	  Bodies of SQL functions that lists, hashes, sets and sorted sets have in common.
 *
 * Inline, and the engine's function is known where they are used: no call goes
 * through a pointer.
 */
#ifndef HSG_COLLECTION_H
#define HSG_COLLECTION_H

#include "hotset.h"

/*
 * ---- Size ----------------------------------------------------------------------
 */
typedef HsStatus (*HsgCount) (HsOp *op, uint64_t *count);

/* (key, keyspace): members as a bigint, 0 if there is no such key; null for a null. */
static inline Datum
hsg_count(FunctionCallInfo fcinfo, HsType type, HsgCount count_of)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	HsBytes		key;
	uint64_t	count = 0;
	HsOp		op;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	key = hsg_arg_bytes(fcinfo, 0);
	HSG_RUN(op, h, key, HS_SHARED, type, count_of(&op, &count));
	PG_RETURN_INT64(count);
}

/*
 * ---- Removing by name --------------------------------------------------------------
 */
typedef HsStatus (*HsgRemove) (HsOp *op, const HsBytes *members, size_t n, uint64_t *removed);

/* For the two below, which have looked at the arguments: how many there were, as a bigint. */
static inline Datum
hsg_remove(FunctionCallInfo fcinfo, HsType type, HsgRemove remove, const HsBytes *members, int n)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	HsBytes		key = hsg_arg_bytes(fcinfo, 0);
	uint64_t	removed = 0;
	HsOp		op;

	HSG_RUN(op, h, key, HS_EXCLUSIVE, type, remove(&op, members, n, &removed));
	PG_RETURN_INT64(removed);
}

/* (key, member, keyspace); 'what' is the noun for errors (22004), "member" or "field". */
static inline Datum
hsg_remove_one(FunctionCallInfo fcinfo, HsType type, const char *what, HsgRemove remove)
{
	HsBytes		member = hsg_arg_member(fcinfo, what);

	return hsg_remove(fcinfo, type, remove, &member, 1);
}

/* (key, members[], keyspace) */
static inline Datum
hsg_remove_many(FunctionCallInfo fcinfo, HsType type, const char *what, HsgRemove remove)
{
	HsBytes    *members;
	int			n = hsg_arg_members(fcinfo, what, &members);

	return hsg_remove(fcinfo, type, remove, members, n);
}

/*
 * ---- Several of them -----------------------------------------------------------------
 */
typedef HsStatus (*HsgIntercard) (HsMulti *m, const HsBytes *keys, size_t nkeys, uint64_t limit,
								  uint64_t *count, size_t *bad_key, HsType *found_type);

/* (keys[], limit, keyspace): members of the intersection as a bigint; null for a null. */
static inline Datum
hsg_intercard(FunctionCallInfo fcinfo, HsType type, HsgIntercard intercard)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	uint64_t	limit = hsg_arg_count(fcinfo, 1, "limit", 0);
	uint64_t	count = 0;
	size_t		bad_key = 0;
	HsType		found = HS_ANY;
	HsBytes    *keys;
	int			nkeys;
	HsMulti		m;
	HsStatus	status;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	nkeys = hsg_arg_some_keys(fcinfo, 0, &keys);
	HSG_TRY_MULTI(status, m, h, keys, nkeys, HS_SHARED,
				  intercard(&m, keys, nkeys, limit, &count, &bad_key, &found));
	hsg_check(status, h, keys[bad_key], type, found);
	PG_RETURN_INT64(count);
}

#endif							/* HSG_COLLECTION_H */
