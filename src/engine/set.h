/*
 * set.h
 *	  Sets: members unique by name, in no order.
 *
 * Encodings, locks, failures and batches are as in hash.h; see dict.h.
 */
#ifndef HS_SET_H
#define HS_SET_H

#include "dict.h"

/* Add members, all or none.  *added counts those that were not there. */
extern HsStatus hs_set_add(HsOp *op, const HsBytes *members, size_t n,
						   int64_t new_expires_us, uint64_t *added);
/* Remove members; absent ones are ignored.  *removed counts. */
extern HsStatus hs_set_remove(HsOp *op, const HsBytes *members, size_t n, uint64_t *removed);

extern HsStatus hs_set_has(HsOp *op, HsBytes member, bool *has);
/* has[i] for each of n members. */
extern HsStatus hs_set_has_many(HsOp *op, const HsBytes *members, size_t n, bool *has);
/* Number of members; 0 if absent. */
extern HsStatus hs_set_count(HsOp *op, uint64_t *count);
/* The next members as items, until cursor->done. */
extern HsStatus hs_set_read(HsOp *op, HsDictCursor *cursor, HsItems *out);

/* Remove and return up to 'count' random members.  seed: 64 random bits. */
extern HsStatus hs_set_pop(HsOp *op, uint64_t count, uint64_t seed, HsItems *out);
/* Random members, as hs_hash_random(). */
extern HsStatus hs_set_random(HsOp *op, int64_t count, uint64_t seed, HsItems *out);

/*
 * Move a member from one set to another; *moved is false if 'from' has it not.  Without
 * 'from' it does not matter what 'to' is.
 * An absent 'to' is created with new_expires_us.  HS_WRONG_TYPE: *bad_key (0:
 * from, 1: to), *found_type.  HS_NO_MEMORY: hs_multi_note() for the key that found
 * none.  Lock: m covers both keys, exclusive.
 */
extern HsStatus hs_set_move(HsMulti *m, HsBytes from, HsBytes to, HsBytes member,
							int64_t new_expires_us, bool *moved,
							size_t *bad_key, HsType *found_type);

/*
 * ---- Several sets ---------------------------------------------------------------
 */
typedef enum HsSetOp
{
	HS_SET_UNION,
	HS_SET_INTER,
	HS_SET_DIFF					/* first less all others */
} HsSetOp;

/*
 * Combine sets into items, each member once, in no order.  Absent keys are empty sets; a
 * key may come twice.  nkeys >= 1, else HS_BAD_ARGUMENT.  HS_WRONG_TYPE: *bad_key is the
 * key's number and *found_type what it holds.  HS_BUFFER_TOO_SMALL: out->need is an upper bound.
 * Lock: m covers all keys, shared is enough.
 */
extern HsStatus hs_set_algebra(HsMulti *m, HsSetOp setop, const HsBytes *keys, size_t nkeys,
							   HsItems *out, size_t *bad_key, HsType *found_type);

/* Size of the intersection, counting no further than 'limit' (0: no limit). */
extern HsStatus hs_set_intercard(HsMulti *m, const HsBytes *keys, size_t nkeys, uint64_t limit,
								 uint64_t *count, size_t *bad_key, HsType *found_type);

/*
 * Make the key a set of exactly these items (from hs_set_algebra(), so each comes once),
 * whatever it held; none removes it.
 */
extern HsStatus hs_set_store(HsOp *op, const HsItems *members, int64_t expires_us);

/*
 * ---- Row of the type table (type.h); the others are those of dict_int.h ---------
 */
extern HsStatus hs_set_load(HsOp *op, HsBytes payload, int64_t expires_us);

#endif							/* HS_SET_H */
