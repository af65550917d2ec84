/*
 * needs.h
 *	  What a command may take from the slabs: collected first, then promised as one.
 */
#ifndef HS_NEEDS_H
#define HS_NEEDS_H

#include "slab.h"
#include "store.h"

#define HS_NEEDS_SIZES	512		/* rounded sizes, in steps of 8 bytes */

/* Nodes by their rounded size.  Process-local; zero it first. */
typedef struct HsNeeds
{
	uint32_t	count[HS_NEEDS_SIZES];	/* index: size / 8 - 1 */
	uint64_t	bytes;
} HsNeeds;

/* 'count' more nodes of 'size' bytes; 'needs' is an HsNeeds.  For functions that call need(). */
extern void hs_needs_add(void *needs, uint32_t size, uint32_t count);

/* hs_slab_prepare() for all of them; false with op->need set if they cannot be promised.
 * Lock: exclusive. */
extern bool hs_needs_promise(HsOp *op, const HsNeeds *needs);

/*
 * Passes the status on.  After HS_NO_MEMORY sets op->need to 'bytes', what the command
 * takes at least, or to a segment if that is more.
 */
extern HsStatus hs_needs_bytes(HsOp *op, HsStatus status, uint64_t bytes);

#endif							/* HS_NEEDS_H */
