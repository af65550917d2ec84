/*
 * slab.h
 *	  Nodes of large collections: fixed size classes in pages of a segment.
 *
 * Each partition has its own slabs, so its lock covers them.  Nodes never
 * move.  A page belongs to one class; an empty page can serve any class, and
 * a segment whose pages are all empty goes back to the region.  A node above
 * the largest class takes a run of whole pages.
 *
 * Lock: partition, exclusive, for everything here.
 */
#ifndef HS_SLAB_H
#define HS_SLAB_H

#include "region.h"

struct HsPart;

#define HS_SLAB_CLASSES		56

/* "count nodes of size bytes", for hs_slab_prepare(). */
typedef struct HsSlabNeed
{
	uint32_t	size;			/* bytes, 1 .. hs_slab_max() */
	uint32_t	count;
} HsSlabNeed;

/* Longest node, in bytes (above HS_MAX_KEY); and the bytes that a node of
 * 'size' really has. */
extern uint32_t hs_slab_max(void);
extern uint32_t hs_slab_round(uint32_t size);

/*
 * A node of at least 'size' bytes, aligned to the granule (at least 8), not
 * zeroed; HS_REF_NONE when the keyspace or the region is full.  The same
 * 'size', or one that rounds to the same class, goes back to hs_slab_free().
 */
extern HsRef hs_slab_alloc(struct HsPart *part, uint32_t size);
extern void hs_slab_free(struct HsPart *part, HsRef node, uint32_t size);

/*
 * Make sure that the next allocations, up to the counts in 'needs', succeed.
 * Sizes may repeat; a second call before the next settling replaces the
 * first.  False when they cannot be promised; then nothing is held.  What was promised and not
 * taken is forgotten at hs_slab_settle(), which hs_op_end() calls.
 */
extern bool hs_slab_prepare(struct HsPart *part, const HsSlabNeed *needs, int nneeds);
extern void hs_slab_settle(struct HsPart *part);

/* Give back every page at once, whatever it holds. */
extern void hs_slab_reset(struct HsPart *part);

/* Bytes of pages in use, for checks and statistics. */
extern uint64_t hs_slab_bytes(const struct HsPart *part);

#endif							/* HS_SLAB_H */
