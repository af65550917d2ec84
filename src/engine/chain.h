/*
 * chain.h
 *	  A byte string in one or more nodes of the slabs.
 *
 *	bytes											up to HS_CHAIN_NODE bytes
 *	HsRoot | u32 size | HsRef next | bytes			longer ones: first node
 *	HsRef next | bytes								and the further ones
 *
 * In pieces, because nodes above a page of the slab would be runs of pages, which
 * are hard to promise and to find.  The owner knows the size, at least 1.
 *
 * Lock: partition, exclusive for what takes a part, else shared.
 */
#ifndef HS_CHAIN_H
#define HS_CHAIN_H

#include "type.h"

#define HS_CHAIN_NODE	2688	/* bytes of the longest node; three of them fill a page of the slab */
#define HS_CHAIN_FIRST	20		/* bytes before the string in the first node of several */

/* HS_REF_NONE: no memory, nothing taken. */
extern HsRef hs_chain_alloc(HsPart *part, HsBytes bytes);

/* Long ones go to the graveyard of the partition: O(1).  Cannot fail. */
extern void hs_chain_free(HsPart *part, HsRef chain, size_t size);

/* For hs_bury(), as free_slice() of a type. */
extern bool hs_chain_free_slice(HsPart *part, HsRef chain, unsigned budget);

/* Bytes of nodes; and call need(arg, size, count) for them. */
extern uint64_t hs_chain_bytes(size_t size);
extern void hs_chain_needs(size_t size, void (*need) (void *arg, uint32_t size, uint32_t count),
						   void *arg);

/* Runs of bytes, one after the other. */
typedef struct HsChainIter
{
	HsRef		node;			/* of the next run */
	uint32_t	header;			/* bytes of that node before the run */
	size_t		left;			/* bytes not yet returned */
} HsChainIter;

static inline HsChainIter
hs_chain_iter(HsRef chain, size_t size)
{
	HsChainIter it = {chain, size > HS_CHAIN_NODE ? HS_CHAIN_FIRST : 0, size};

	return it;
}

/* 'iter' is an HsChainIter: fit for hs_member_hash_pieces().  False at the end. */
extern bool hs_chain_next(void *iter, HsBytes *run);

extern void hs_chain_copy(HsRef chain, size_t size, uint8_t *dst);
/* Bytewise order, as hs_bytes_cmp(). */
extern int	hs_chain_cmp(HsRef chain, size_t size, HsBytes other);

/* NULL or what is wrong. */
extern const char *hs_chain_verify(HsRef chain, size_t size);

#endif							/* HS_CHAIN_H */
