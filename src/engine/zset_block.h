/*
 * zset_block.h
 *	  A block of a large sorted set: up to about 150 entries in order.
 *
 * For each entry a digest of two bytes, of the same order as the scores, and a
 * reference.  Digests spare a binary search the look at entries; whatever
 * their parameters, they are monotone, so bad parameters cost time only.
 *
 * Known to zset_list.c and zset_block.c only.
 */
#ifndef HS_ZSET_BLOCK_H
#define HS_ZSET_BLOCK_H

#include "zset_entry.h"

typedef struct HsZblock
{
	uint16_t	n;				/* entries */
	uint16_t	cap;
	uint8_t		shift;			/* digest = clamp((key - base) >> shift) */
	uint8_t		pad[3];
	uint64_t	base;
	uint16_t	digest[];		/* cap of them, then cap references */
} HsZblock;

static inline HsRef *
hs_zblock_refs(HsZblock *b)
{
	return (HsRef *) (void *) (b->digest + b->cap);
}

static inline HsRef
hs_zblock_ref(const HsZblock *b, unsigned i)
{
	return ((const HsRef *) (const void *) (b->digest + b->cap))[i];
}

static inline HsZblock *
hs_zblock(HsRef ref)
{
	return (HsZblock *) hs_ptr(ref);
}

/* Capacity of the largest blocks, and of the smallest that takes n entries. */
extern unsigned hs_zblock_max(void);
extern unsigned hs_zblock_cap(unsigned n);
/* Bytes of a node for 'cap' entries; cap as hs_zblock_cap() gives it. */
extern uint32_t hs_zblock_size(unsigned cap);

extern void hs_zblock_init(HsZblock *b, unsigned cap);
/* Number of entries below the bound. */
extern unsigned hs_zblock_rank(const HsZblock *b, const HsZsetBound *bound);
/* Place of an entry that is in the block. */
extern unsigned hs_zblock_index(const HsZblock *b, HsRef entry);
/* Put an entry at place i; the block has room. */
extern void hs_zblock_put(HsZblock *b, unsigned i, HsRef entry, uint64_t key);
extern void hs_zblock_cut(HsZblock *b, unsigned i, unsigned n);
/* Take the entry at 'from' to what is place 'to' without it, with a new key. */
extern void hs_zblock_shift(HsZblock *b, unsigned from, unsigned to, uint64_t key);
/* Entries [i, i + n) of 'from' behind those of 'to', which has room for them. */
extern void hs_zblock_append(HsZblock *to, const HsZblock *from, unsigned i, unsigned n);
/* Choose digest parameters anew if they are bad, or if 'always'. */
extern void hs_zblock_refresh(HsZblock *b, bool always);

extern const char *hs_zblock_verify(const HsZblock *b);

#endif							/* HS_ZSET_BLOCK_H */
