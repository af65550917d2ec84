/*
 * zset_int.h
 *	  What the files of the sorted sets share: a set of either encoding.
 *
 * Known to zset*.c only.
 * Lock: partition, exclusive for what changes the set, else shared.
 */
#ifndef HS_ZSET_INT_H
#define HS_ZSET_INT_H

#include "blob.h"
#include "due_queue.h"
#include "needs.h"
#include "zset.h"
#include "zset_blob.h"
#include "zset_list.h"

/* The sorted set of a key as found; good until it is changed. */
typedef struct HsZset
{
	HsRecord   *record;			/* NULL: absent, an empty set */
	uint8_t    *blob;			/* in the record, or NULL */
	uint32_t	capacity;		/* bytes of the record's value */
	HsRef		root;			/* of a large set */
	HsZlist    *list;			/* that root, or NULL */
	uint32_t	count;
} HsZset;

/* HS_OK or HS_WRONG_TYPE. */
extern HsStatus hs_zset_open(HsOp *op, HsZset *z);
/* The same from a record that is known to hold a sorted set. */
extern void hs_zset_of_record(HsRecord *record, HsZset *z);

/* False if it is not a member. */
extern bool hs_zset_lookup(const HsZset *z, HsBytes member, double *score);
/* Sum of the sizes of all members. */
extern uint64_t hs_zset_member_bytes(const HsZset *z);
/* Number of entries below the bound. */
extern uint32_t hs_zset_rank_below(const HsZset *z, const HsZsetBound *bound);

/* Ranks [*low, *high) of a range, lowest score first.  HS_NOT_A_NUMBER. */
extern HsStatus hs_zset_resolve(const HsZset *z, const HsZsetRange *range,
								uint32_t *low, uint32_t *high);

/*
 * ---- Walking ------------------------------------------------------------------
 */
typedef struct HsZsetItem
{
	double		score;
	HsBytes		member;			/* until the next one; data is NULL if it lies in pieces */
	HsRef		entry;			/* of a large set */
} HsZsetItem;

#define HS_ZSET_AHEAD	16		/* entries fetched ahead of their use */

typedef struct HsZsetIter
{
	const HsZset *z;
	bool		reverse;
	uint32_t	left;			/* entries not yet returned */
	uint32_t	unfetched;		/* of them not yet in run[] or ahead[] */
	uint32_t	rank;			/* blob: of the next one */
	HsZlistPos	pos;			/* list: of the next to fetch */
	unsigned	i,
				n,
				nahead;
	HsRef		run[HS_ZSET_AHEAD];
	HsRef		ahead[HS_ZSET_AHEAD];
	HsZblobIndex index;
	HsZblobName name;			/* blob: the member */
} HsZsetIter;

/* Entries of ranks [low, high), from the end if 'reverse'. */
extern void hs_zset_iter_init(HsZsetIter *it, const HsZset *z, uint32_t low,
							  uint32_t high, bool reverse);
extern bool hs_zset_iter_next(HsZsetIter *it, HsZsetItem *item);
/* Copy the member of an item. */
extern void hs_zset_item_copy(const HsZsetItem *item, uint8_t *dst);

/*
 * ---- Changing --------------------------------------------------------------------
 */

/* Remove ranks [low, high), with effects.  HS_NO_MEMORY (effects only). */
extern HsStatus hs_zset_cut(HsOp *op, HsZset *z, uint32_t low, uint32_t high);

/* hs_needs_bytes() for a set of n members, of member_bytes in all. */
#define HS_ZSET_MEMBER_COST	20	/* bytes around a member, at least */

static inline HsStatus
hs_zset_needs_bytes(HsOp *op, HsStatus status, uint64_t n, uint64_t member_bytes)
{
	return hs_needs_bytes(op, status, n * HS_ZSET_MEMBER_COST + member_bytes);
}

/* Make a new list the value of the key; destroyed on failure. */
extern HsStatus hs_zset_publish_list(HsOp *op, HsRef root, int64_t expires_us);

/* As HsDueOps has it: of the small set at 'record', and of a dump. */
extern HsStatus hs_zset_enlarge(HsPart *part, HsRecord *record, HsRef *root);
extern HsStatus hs_zset_load_large(HsPart *part, HsBytes payload, HsRef *root);

/*
 * ---- Effects ------------------------------------------------------------------------
 */
static inline void
hs_zset_effect_add(HsOp *op, HsBytes member, double score)
{
	if (op->effects != NULL)
		hs_effect_note(op->effects, HS_EF_ZADD, op->key, hs_bytes(&score, 8), member);
}

static inline void
hs_zset_effect_due(HsOp *op, HsBytes member, int64_t expires_us)
{
	if (op->effects != NULL)
		hs_effect_note(op->effects, HS_EF_DUE, op->key, hs_bytes(&expires_us, 8), member);
}

static inline void
hs_zset_effect_remove(HsOp *op, HsBytes member)
{
	if (op->effects != NULL)
		hs_effect_note(op->effects, HS_EF_ZREM, op->key, hs_bytes(NULL, 0), member);
}

#endif							/* HS_ZSET_INT_H */
