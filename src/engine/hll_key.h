/*
 * hll_key.h
 *	  Keys that hold a HyperLogLog sketch.
 *
 * The value of the record is a sketch (hll.h), with room to grow while it is
 * sparse.  Callers put values into a sketch of their own first and then add that
 * to the key in one step: a command is a union, whatever it began with.
 *
 * Every function runs between hs_op_begin() and hs_op_end(), or on an HsOp of
 * an HsMulti, and may return HS_WRONG_TYPE (op->found_type set).  Writes need the
 * exclusive lock; on HS_NO_MEMORY nothing has changed and op->need is set.
 * Sketches handed in were made or checked by hll.h; they may not lie in the region.
 */
#ifndef HS_HLL_KEY_H
#define HS_HLL_KEY_H

#include "hll.h"
#include "store.h"

/*
 * The key's sketch becomes the union with 'sketch'; an absent key is made, even
 * for an empty one.  new_expires_us: expiry if this call creates the key.
 * *changed tells whether the key was created or its sketch is now another.
 */
extern HsStatus hs_hll_key_add(HsOp *op, const uint8_t *sketch, int64_t new_expires_us,
							   bool *changed);

/* Make the key hold exactly this sketch, expiring then. */
extern HsStatus hs_hll_key_set(HsOp *op, const uint8_t *sketch, int64_t expires_us);

/* Copy the sketch into buf, of HS_HLL_MAX_SIZE bytes.  HS_NOT_FOUND. */
extern HsStatus hs_hll_key_get(HsOp *op, uint8_t *buf);

/*
 * The union of several keys' sketches, in buf of HS_HLL_MAX_SIZE bytes; absent
 * keys add nothing.  On HS_WRONG_TYPE *failed is the number of the key and *found
 * its type.  Lock: the partitions of all keys.
 */
extern HsStatus hs_hll_key_union(HsMulti *m, const HsBytes *keys, size_t nkeys,
								 uint8_t *buf, size_t *failed, HsType *found);

/*
 * The row of the type: type.h has the contracts.
 */
struct HsPart;
extern uint64_t hs_hll_count(HsRecord *record);
extern const char *hs_hll_verify(struct HsPart *part, HsRecord *record);
extern size_t hs_hll_dump(HsRecord *record, uint8_t *buf, size_t capacity);
extern HsStatus hs_hll_load(HsOp *op, HsBytes payload, int64_t expires_us);

#endif							/* HS_HLL_KEY_H */
