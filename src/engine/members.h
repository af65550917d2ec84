/*
 * members.h
 *	  Index of the members of one large collection: hash -> node.
 *
 * A linear-hash table of segments.  A segment is 1..15 lines of 4 buckets, and its own
 * struct one cache line, so that a search waits for no second one before the bucket;
 * a bucket of 64 bytes holds 10 pairs of (tag, node).  The hash is spread by a
 * seed of each index; then its low bits choose the segment, its top 16 bits are
 * the tag and choose the bucket, so a segment gets another line without looking at
 * any member; only a split of a segment asks the members for their hash.  One segment
 * is split at a time: no pause grows with the number of members, and no node is large.
 *
 * The owner keeps the nodes; here are only references to them.  A node never
 * moves while it is in the index.
 *
 * Lock: partition; shared for find, verify and walking, else exclusive.
 */
#ifndef HS_MEMBERS_H
#define HS_MEMBERS_H

#include "region.h"
#include "slab.h"

#define HS_MEMBERS_LINES	15	/* of a segment at most */
#define HS_MEMBERS_TOP		32
#define HS_MEMBERS_MID		1024	/* chunks in a full middle node */
#define HS_MEMBERS_CHUNK	64	/* segments in a full chunk */
#define HS_MEMBERS_TARGET	200 /* members of a segment, on average at most */
#define HS_MEMBERS_MAX \
	((uint64_t) HS_MEMBERS_TOP * HS_MEMBERS_MID * HS_MEMBERS_CHUNK * HS_MEMBERS_TARGET)

/*
 * Lives in the root node of the collection.  (c) constant after creation  (p) partition lock
 */
typedef struct HsMembers
{
	uint32_t	n;				/* (p) members */
	uint32_t	nsegs;			/* (p) segments, 0 before the first member */
	uint64_t	bytes;			/* (p) of nodes of the index itself */
	uint16_t	chunk_cap;		/* (p) segments the first chunk has room for */
	uint16_t	mid_cap;		/* (p) chunks the first middle node has room for */
	uint32_t	seed;			/* (c) of the order of this index */
	HsRef		top[HS_MEMBERS_TOP];	/* (p) middle nodes -> chunks -> segments */
} HsMembers;

/*
 * What the index has to know of the owner's nodes.  Process-local.  'member' is what the
 * owner gave to hs_members_find(), which hands it on.
 */
typedef struct HsMemberOps
{
	uint64_t	(*hash) (HsRef node);	/* hs_member_hash() of its member */
	bool		(*is) (HsRef node, HsBytes member);
} HsMemberOps;

/* Hash of a member: not the hash of keys, so that they do not cluster together. */
extern uint64_t hs_member_hash(HsBytes member);

/* The same of a member in pieces: 'next' gives one after the other, false at the end. */
extern uint64_t hs_member_hash_pieces(bool (*next) (void *arg, HsBytes *piece), void *arg);

extern void hs_members_init(HsMembers *m);

extern HsRef hs_members_find(const HsMembers *m, const HsMemberOps *ops,
							 uint64_t hash, HsBytes member);
/* Bring the bucket of 'hash' into the cache, for a hs_members_find() soon; and, when it is
 * there, a node that may be that of the member. */
extern void hs_members_prefetch(const HsMembers *m, uint64_t hash);
extern void hs_members_prefetch_node(const HsMembers *m, uint64_t hash);

/*
 * hs_members_find() of up to HS_MEMBERS_AHEAD members, whose waits for memory overlap.  Member i is
 * the 'size' bytes at members + i * size.
 */
#define HS_MEMBERS_AHEAD	16
extern void hs_members_find_some(const HsMembers *m, const HsMemberOps *ops, const uint64_t *hash,
								 const void *members, size_t size, unsigned n, HsRef *found);

/*
 * Make sure that hs_members_insert() with this hash has a place to put it.
 * HS_NO_MEMORY or HS_LIMIT; the index may have grown, but holds the same.
 */
extern HsStatus hs_members_make_room(HsMembers *m, struct HsPart *part,
									 const HsMemberOps *ops, uint64_t hash);
extern void hs_members_insert(HsMembers *m, uint64_t hash, HsRef node);

/* Forget a node that is there.  Never allocates. */
extern void hs_members_remove(HsMembers *m, struct HsPart *part, uint64_t hash, HsRef node);

/*
 * Call need(arg, size, count) for the nodes that 'n' more members, whatever
 * their hashes, may take, for hs_slab_prepare().  HS_LIMIT if they cannot be.
 */
extern HsStatus hs_members_needs(const HsMembers *m, uint64_t n,
								 void (*need) (void *arg, uint32_t size, uint32_t count),
								 void *arg);

/*
 * Free about 'budget' nodes of the index and, with free_node(), those it refers to
 * (NULL: not those); true when all are gone.  Of no other use from the first call on.
 */
extern bool hs_members_free_slice(HsMembers *m, struct HsPart *part,
								  void (*free_node) (struct HsPart *part, HsRef node),
								  unsigned *budget);

/* Let the index refer to 'node' in place of 'old', a node of a member of the same hash. */
extern void hs_members_replace(HsMembers *m, uint64_t hash, HsRef old, HsRef node);

/*
 * Walking in the order of bit-reversed hashes, in which each segment is one interval
 * however often it is split or merged: the nodes at or above 'position' of the segment
 * that has it, in no order, into out[]; returns how many, at most HS_MEMBERS_SEG_MAX.
 * *next: where the next segment begins, 0 behind the last.  Start at 0; go on at *next, or
 * at the position of a member returned.  What is there from the first call to the
 * last is met exactly once, whatever is written between.
 */
extern unsigned hs_members_walk(const HsMembers *m, const HsMemberOps *ops, uint64_t position,
								HsRef *out, uint64_t *next);
/* Place of a hash in that order. */
extern uint64_t hs_members_position(uint32_t seed, uint64_t hash);

/*
 * For random members: a node or HS_REF_NONE for each number below hs_members_places(),
 * of which about one in five has one, and one in forty at least.
 */
extern uint64_t hs_members_places(const HsMembers *m);
extern HsRef hs_members_at(const HsMembers *m, uint64_t place);

/* Nodes of segment 'seg' (0 .. nsegs-1) into out[]; returns how many. */
#define HS_MEMBERS_SEG_MAX	(HS_MEMBERS_LINES * 40)
extern unsigned hs_members_segment(const HsMembers *m, uint32_t seg, HsRef *out);

/* NULL or what is wrong. */
extern const char *hs_members_verify(const HsMembers *m, const HsMemberOps *ops);

#endif							/* HS_MEMBERS_H */
