/*
 * zset_entry.h
 *	  Order of sorted sets, and the node that holds one member of a large one.
 *
 *	f64 score | u8 size | bytes						members below 255 bytes
 *	f64 score | u8 255 | u32 size | bytes			longer ones
 *	f64 score | u8 255 | u32 size | HsRef			above HS_CHAIN_NODE in all: in a
 *													chain
 */
#ifndef HS_ZSET_ENTRY_H
#define HS_ZSET_ENTRY_H

#include "chain.h"
#include "members.h"

/*
 * Scores as integers of the same order.  -0 and 0 are one score.
 */
static inline uint64_t
hs_zset_key(double score)
{
	uint64_t	bits;

	score += 0.0;
	memcpy(&bits, &score, 8);
	return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

/* The score of such an integer. */
static inline double
hs_zset_unkey(uint64_t key)
{
	uint64_t	bits = key >> 63 ? key & ~(UINT64_C(1) << 63) : ~key;
	double		score;

	memcpy(&score, &bits, 8);
	return score;
}

/*
 * A place in the order: between the entries below it and all others.
 */
typedef enum HsZsetBoundKind
{
	HS_ZBOUND_SCORE,			/* before (after) all entries of the score */
	HS_ZBOUND_MEMBER,			/* before (after) the entry (score, member) */
	HS_ZBOUND_LEX				/* the same by member alone */
} HsZsetBoundKind;

typedef struct HsZsetBound
{
	HsZsetBoundKind kind;
	bool		after;
	uint64_t	key;			/* hs_zset_key() */
	HsBytes		member;
} HsZsetBound;

/* Is (k, member) below?  cmp: order of its member and that of the bound, asked
 * for only where it matters. */
#define HS_ZBOUND_HAS_BELOW(b, k, cmp) \
	((b)->kind == HS_ZBOUND_LEX ? (cmp) < (b)->after : \
	 (k) != (b)->key ? (k) < (b)->key : \
	 (b)->kind == HS_ZBOUND_SCORE ? (b)->after : (cmp) < (b)->after)

/*
 * ---- Nodes of members ---------------------------------------------------------
 */
#define HS_ZENTRY_SHORT		9	/* bytes before the member */
#define HS_ZENTRY_LONG		13
#define HS_ZENTRY_CHAINED	17	/* bytes of a node without the member */

static inline double
hs_zentry_score(HsRef entry)
{
	double		score;

	memcpy(&score, hs_ptr(entry), 8);
	return score;
}

static inline void
hs_zentry_set_score(HsRef entry, double score)
{
	score += 0.0;
	memcpy(hs_ptr(entry), &score, 8);
}

static inline uint32_t
hs_zentry_size(HsRef entry)
{
	const uint8_t *e = hs_ptr(entry);
	uint32_t	size = e[8];

	if (size == UINT8_MAX)
		memcpy(&size, e + 9, 4);
	return size;
}

static inline bool
hs_zentry_is_chained(uint32_t size)
{
	return size + HS_ZENTRY_LONG > HS_CHAIN_NODE;
}

static inline HsRef
hs_zentry_chain(HsRef entry)
{
	HsRef		chain;

	memcpy(&chain, (uint8_t *) hs_ptr(entry) + HS_ZENTRY_LONG, sizeof(chain));
	return chain;
}

/* The whole member, if it lies together: all but chained ones. */
static inline bool
hs_zentry_member(HsRef entry, HsBytes *member)
{
	const uint8_t *e = hs_ptr(entry);

	if (e[8] != UINT8_MAX)
	{
		*member = hs_bytes(e + HS_ZENTRY_SHORT, e[8]);
		return true;
	}
	*member = hs_bytes(e + HS_ZENTRY_LONG, hs_zentry_size(entry));
	return !hs_zentry_is_chained((uint32_t) member->size);
}

/* Order of the entry's member and another. */
extern int	hs_zentry_cmp_long(HsRef entry, HsBytes member);

static inline int
hs_zentry_cmp(HsRef entry, HsBytes member)
{
	const uint8_t *e = hs_ptr(entry);

	if (e[8] != UINT8_MAX)
		return hs_bytes_cmp(hs_bytes(e + HS_ZENTRY_SHORT, e[8]), member);
	return hs_zentry_cmp_long(entry, member);
}

static inline bool
hs_zentry_is(HsRef entry, HsBytes member)
{
	const uint8_t *e = hs_ptr(entry);

	if (e[8] != UINT8_MAX)
		return e[8] == member.size && hs_equal(e + HS_ZENTRY_SHORT, member.data, member.size);
	return hs_zentry_size(entry) == member.size && hs_zentry_cmp_long(entry, member) == 0;
}

extern void hs_zentry_copy(HsRef entry, uint8_t *dst);
extern uint64_t hs_zentry_hash(HsRef entry);

/* Bytes of slab nodes that an entry takes. */
extern uint64_t hs_zentry_bytes(uint32_t member_size);

/* Call need(arg, size, count) for the nodes of an entry. */
extern void hs_zentry_needs(uint32_t member_size,
							void (*need) (void *arg, uint32_t size, uint32_t count),
							void *arg);

/* HS_REF_NONE: no memory, nothing taken. */
extern HsRef hs_zentry_alloc(struct HsPart *part, HsBytes member, double score);
extern void hs_zentry_free(struct HsPart *part, HsRef entry);

extern const HsMemberOps hs_zentry_ops;

#endif							/* HS_ZSET_ENTRY_H */
