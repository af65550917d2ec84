/*
 * key.h
 *	  Commands on keys whatever they hold.
 */
#ifndef HS_KEY_H
#define HS_KEY_H

#include "kvstring.h"

/*
 * ---- Deleting, counting ------------------------------------------------------
 */

/* Lock: exclusive. */
extern HsStatus hs_key_delete(HsOp *op, bool *deleted);

/* All at once; a key that comes twice counts once.  Lock: exclusive. */
extern HsStatus hs_keys_delete(HsMulti *m, const HsBytes *keys, size_t nkeys, uint64_t *deleted);

/* How many exist at one instant; one that comes twice counts twice, as in
 * Redis.  Lock: shared. */
extern HsStatus hs_keys_exist(HsMulti *m, const HsBytes *keys, size_t nkeys, uint64_t *count);

/*
 * ---- Expiry --------------------------------------------------------------------
 */

/* No expiry counts as later than any. */
typedef struct HsExpireRule
{
	bool		nx;				/* only if the key has no expiry */
	bool		xx;				/* only if it has one */
	bool		gt;				/* only if the new one is later */
	bool		lt;				/* only if the new one is sooner */
} HsExpireRule;

/*
 * Set the expiry; HS_NEVER drops it; a time that is not after hs_op_now()
 * deletes the key.  *done is false for a missing key or when the rule forbids it.
 * HS_BAD_ARGUMENT for nx with another, gt with lt.  Lock: exclusive.
 */
extern HsStatus hs_key_expire(HsOp *op, const HsExpireRule *rule, int64_t expires_us, bool *done);

/* hs_set_expiry() of a record as found, with its effect.  HS_NO_MEMORY.  Lock: exclusive. */
extern HsStatus hs_key_set_expiry(HsOp *op, HsRecord *record, int64_t expires_us);

/* *done tells whether there was an expiry.  Lock: exclusive. */
extern HsStatus hs_key_persist(HsOp *op, bool *done);

/*
 * ---- Rename and copy -------------------------------------------------------------
 * The expiry goes with the value.  Nodes of a large collection belong to a
 * partition, so it can be handed over within one and else is serialised into a
 * buffer of the caller's and loaded again.  A large string is copied like an edit.
 */
typedef struct HsMove
{
	bool		keep_source;	/* copy */
	bool		replace;		/* what is at the target */
	uint8_t    *buf;			/* for a large collection, or NULL */
	size_t		capacity;
	size_t		wanted;			/* after HS_BUFFER_TOO_SMALL: bytes of buf, 0: see edit */
	HsEdit		edit;			/* scratch is the caller's, as in hs_edit_prepare() */
} HsMove;

/* As hs_edit_prepare(); no lock may be held. */
extern HsStatus hs_move_prepare(HsHandle *h, HsBytes from, HsMove *mv, int64_t now_us, size_t *need);

/*
 * *done: false if the source is missing (HS_NOT_FOUND) or the target exists and
 * is not to be replaced.  A key onto itself: done if it may be replaced.
 * HS_BUFFER_TOO_SMALL: provide what is missing, or prepare again.  HS_NO_MEMORY
 * with m->need and *hash.  Lock: both partitions, exclusive.
 */
extern HsStatus hs_key_move(HsMulti *m, HsBytes from, HsBytes to, HsMove *mv,
							bool *done, uint64_t *hash);
extern void hs_move_discard(HsMove *mv);

#endif							/* HS_KEY_H */
