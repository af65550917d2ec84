/*
 * lock.h
 *	  Locks for those outside: who took one holds it until it expires, and has a
 *	  number that whoever it talks to can compare.
 *
 * A lock is a counter that expires: its value is the token of the holder.  Any
 * other string counts as held by somebody else, other types are HS_WRONG_TYPE.
 * Tokens are the caller's; each must be larger than all before, so it is
 * drawn between begin and end, after hs_lock_is_free().
 */
#ifndef HS_LOCK_H
#define HS_LOCK_H

#include "store.h"

/* Lock: exclusive, for all of them. */
extern HsStatus hs_lock_is_free(HsOp *op, bool *is_free);

/* Only if it is free.  HS_NO_MEMORY. */
extern HsStatus hs_lock_take(HsOp *op, int64_t token, int64_t expires_us);

/* *done: it was held with this token. */
extern HsStatus hs_lock_extend(HsOp *op, int64_t token, int64_t expires_us, bool *done);
extern HsStatus hs_lock_release(HsOp *op, int64_t token, bool *done);

#endif							/* HS_LOCK_H */
