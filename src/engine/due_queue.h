/*
 * due_queue.h
 *	  The members of one large collection that expire, in the order of time.
 *
 * Hangs at HsRoot.dues.  Up to HS_DUES_ARRAY of them are an array in one node; more
 * are an ordered list as sorted sets have, with the time as score.  A member is
 * known by its node in the collection: that must not move, and the queue must be
 * told before it is freed.
 *
 * Times are exact up to the year 2285; later ones lose up to 2 milliseconds.
 *
 * Lock: partition, exclusive for what takes a part or an op, else shared.
 */
#ifndef HS_DUE_QUEUE_H
#define HS_DUE_QUEUE_H

#include "needs.h"
#include "type.h"

#define HS_DUES_ARRAY	64		/* members whose queue is an array */

/* The time as a queue keeps it: never later. */
static inline int64_t
hs_due_round(int64_t at_us)
{
	return at_us == HS_NEVER || at_us <= INT64_C(1) << 53 ? at_us : at_us & ~INT64_C(2047);
}

static inline bool
hs_due_any(const HsRoot *root)
{
	return root->dues != HS_REF_NONE;
}

/* When the member of this node expires, or HS_NEVER. */
extern int64_t hs_due_of(const HsRoot *root, HsRef node);

/* How many members expire, and how many of them until then. */
extern uint32_t hs_due_count(const HsRoot *root);
extern uint32_t hs_due_count_until(const HsRoot *root, int64_t now_us);

/* The i-th to expire; i below hs_due_count(). */
extern HsRef hs_due_at(const HsRoot *root, uint32_t i, int64_t *at_us);

/* When the first and the last of them expire; HS_NEVER without any. */
extern int64_t hs_due_next(const HsRoot *root);
extern int64_t hs_due_last(const HsRoot *root);

/*
 * Let the member of a node expire at a time that hs_due_round() gave, whether it does
 * already or not.  HS_NO_MEMORY, HS_LIMIT: nothing changed.  After hs_due_prepare() for n
 * members, that many cannot fail until op's end if n > 1, or if 'also' is given: what else
 * the command takes from the slabs, promised together.
 */
extern HsStatus hs_due_prepare(HsOp *op, HsRoot *root, uint32_t n, HsNeeds *also);
extern HsStatus hs_due_put(HsPart *part, HsRoot *root, HsRef node, int64_t at_us);
extern void hs_due_drop_any(HsPart *part, HsRoot *root, HsRef node);

/* The member does not expire any more, if it did. */
static inline void
hs_due_drop(HsPart *part, HsRoot *root, HsRef node)
{
	if (hs_due_any(root))
		hs_due_drop_any(part, root, node);
}

/* While nodes are promised to others: take none, even to tidy up. */
extern void hs_due_hold(HsRoot *root, bool hold);

extern uint64_t hs_due_bytes(const HsRoot *root);

/* Free about 'budget' nodes of the queue; true when it is gone. */
extern bool hs_due_free_slice(HsPart *part, HsRoot *root, unsigned budget);

/* NULL or what is wrong with the queue itself. */
extern const char *hs_due_verify(const HsRoot *root);

#endif							/* HS_DUE_QUEUE_H */
