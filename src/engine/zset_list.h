/*
 * zset_list.h
 *	  Large sorted sets: a skip list of blocks of entries, and a member index.
 *
 * Known to zset*.c only.  Functions that take a part need its exclusive lock,
 * the others a shared one.
 */
#ifndef HS_ZSET_LIST_H
#define HS_ZSET_LIST_H

#include "type.h"
#include "zset_entry.h"

#define HS_ZLIST_LEVELS		16

/*
 * Root node.  In shared memory.
 * (c) constant after creation  (p) partition lock: shared reads, exclusive writes
 */
typedef struct HsZlist
{
	HsRoot		root;
	uint32_t	count;			/* (p) members */
	uint32_t	towers;			/* (p) blocks, that of the head included */
	HsRef		head;			/* (c) tower of all levels; its key is below all others */
	HsRef		tail;			/* (p) last tower */
	uint8_t		level;			/* (p) levels in use, at least 1 */
	bool		steady;			/* (p) during a promised load: do not repack blocks */
	uint8_t		pad[6];
	uint64_t	random;			/* (p) state of the generator of tower levels */
	uint64_t	bytes;			/* (p) of nodes, without the index */
	uint64_t	member_bytes;	/* (p) sum of the sizes of members */
	HsMembers	index;			/* (p) member -> entry */
} HsZlist;

/* An entry's place; 'block' is empty only in an empty list. */
typedef struct HsZlistPos
{
	HsRef		tower;
	uint32_t	i;				/* in the tower's block */
} HsZlistPos;

/* Entries in the order of sorted sets, one by one; false at the end. */
typedef bool (*HsZlistSource) (void *arg, double *score, HsBytes *member);

/*
 * An empty list, or one loaded from 'next', reachable from nowhere yet.  HS_CORRUPT
 * if the source is not ascending or has a member twice, HS_NO_MEMORY,
 * HS_LIMIT; then nothing is left behind.
 */
extern HsRef hs_zlist_create(HsPart *part);
extern HsStatus hs_zlist_load(HsPart *part, HsZlistSource next, void *arg, HsRef *root);

static inline HsZlist *
hs_zlist(HsRef root)
{
	return (HsZlist *) hs_ptr(root);
}

extern bool hs_zlist_free_slice(HsPart *part, HsRef root, unsigned budget);
extern void hs_zlist_destroy(HsPart *part, HsRef root);
extern uint64_t hs_zlist_bytes(const HsZlist *z);
extern const char *hs_zlist_verify(const HsZlist *z);

/* The entry of a member, or HS_REF_NONE. */
static inline HsRef
hs_zlist_find(const HsZlist *z, uint64_t hash, HsBytes member)
{
	return hs_members_find(&z->index, &hs_zentry_ops, hash, member);
}

/*
 * Add a member that is not there, or give one that is there another score.
 * HS_NO_MEMORY, HS_LIMIT: the list has the same members with the same scores.
 */
extern HsStatus hs_zlist_insert(HsPart *part, HsZlist *z, uint64_t hash,
								HsBytes member, double score);
extern HsStatus hs_zlist_move(HsPart *part, HsZlist *z, HsRef entry,
							  HsBytes member, double score);

/* Remove entries; never fails. */
extern void hs_zlist_remove(HsPart *part, HsZlist *z, HsRef entry, uint64_t hash,
							HsBytes member);
extern void hs_zlist_remove_ranks(HsPart *part, HsZlist *z, uint32_t from, uint32_t to);

/*
 * Call need(arg, size, count) for what n inserts and moves may take at most,
 * but for the entries themselves.  They must run with z->steady set.
 */
extern HsStatus hs_zlist_needs(const HsZlist *z, uint64_t n,
							   void (*need) (void *arg, uint32_t size, uint32_t count),
							   void *arg);

/*
 * ---- Places -----------------------------------------------------------------
 */

/* Number of entries below the bound. */
extern uint32_t hs_zlist_rank(const HsZlist *z, const HsZsetBound *bound);
/* Rank of an entry that is there. */
extern uint32_t hs_zlist_rank_of(const HsZlist *z, HsRef entry, HsBytes member);
/* rank: below z->count */
extern HsZlistPos hs_zlist_seek(const HsZlist *z, uint32_t rank);
/* Step within the list; the caller counts and does not step off its ends. */
extern HsRef hs_zlist_at(HsZlistPos pos);
extern void hs_zlist_next(HsZlistPos *pos);
extern void hs_zlist_prev(HsZlistPos *pos);

/*
 * Up to 'max' entries from pos on (backwards if reverse), out of one block, which
 * pos then leaves behind; returns how many.  The same rule about ends.
 */
extern unsigned hs_zlist_run(HsZlistPos *pos, bool reverse, HsRef *out, unsigned max);

#endif							/* HS_ZSET_LIST_H */
