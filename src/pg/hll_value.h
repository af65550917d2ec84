/*
 * hll_value.h
 *	  SQL values to the hashes that sketches are made of, and datums of type hll.
 */
#ifndef HLL_VALUE_H
#define HLL_VALUE_H

#include "postgres.h"

#include "fmgr.h"

#include "../engine/hll.h"
#include "compat.h"

/*
 * ---- Datums of type hll (hll_sql.c) ----------------------------------------------
 */

/* The sketch in a datum; may be a detoasted copy in the current context.
 * Raises XX001 for what cannot be one. */
extern const uint8 *hsg_hll_sketch(Datum datum);

/* A new datum with room for a sketch of 'capacity' bytes, as a copy of this one. */
extern struct varlena *hsg_hll_datum(const uint8 *sketch, size_t capacity);

/*
 * ---- Hashes (hll_value.c): equal values, equal hashes -----------------------------
 */

/* How to hash values of one type under one collation; process-local. */
typedef struct HsgHllHasher
{
	bool		is_int64;		/* a Datum that is an int64; the rest does not matter */
	int			kind;			/* HashKind, see hll_value.c */
	Oid			type;			/* base type, for messages */
	Oid			collation;
	FunctionCallInfo call;		/* where the type's own function is asked */
} HsgHllHasher;

/*
 * The hasher for argument n of a polymorphic function, made at the first call
 * and kept in fn_extra.  Raises 42883 for a type that has no hash function.
 */
extern HsgHllHasher *hsg_hll_hasher_make(FunctionCallInfo fcinfo, int n);

static inline HsgHllHasher *
hsg_hll_hasher(FunctionCallInfo fcinfo, int n)
{
	HsgHllHasher *hasher = fcinfo->flinfo->fn_extra;

	return likely(hasher != NULL) ? hasher : hsg_hll_hasher_make(fcinfo, n);
}

/* May detoast into the current memory context. */
extern uint64 hsg_hll_hash_other(HsgHllHasher *hasher, Datum value);

static inline uint64
hsg_hll_hash_value(HsgHllHasher *hasher, Datum value)
{
	if (likely(hasher->is_int64))
		return hs_hll_hash_int64(DatumGetInt64(value));
	return hsg_hll_hash_other(hasher, value);
}

#endif							/* HLL_VALUE_H */
