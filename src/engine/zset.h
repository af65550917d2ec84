/*
 * zset.h
 *	  Sorted sets: members unique by name, ordered by (score, member).
 *
 * Up to HS_ZSET_BLOB_MAX short members are one sorted blob in the record; a
 * larger set is a blocked skip list with a member index in slab nodes
 * (zset_list.h, members.h).  The caller cannot tell which, but by speed.
 *
 * Order: score, then member bytes, the shorter first.  -0 is stored as 0;
 * infinities are scores like any other; NaN is refused.  An emptied set's key
 * is removed.
 *
 * Every function runs between hs_op_begin() and hs_op_end() (or on an HsOp of an
 * HsMulti).  Any of them may return HS_WRONG_TYPE (op->found_type set).  Writes
 * need the exclusive lock and may return
 *	  HS_NO_MEMORY		nothing changed; op->need is set for hs_make_room()
 *	  HS_MEMBER_TOO_LONG a member above HS_MAX_KEY bytes; nothing changed
 *	  HS_LIMIT			more than about 250 million members in one set
 * Reads need the shared lock and treat an absent key as an empty set.
 * Nothing is allocated outside of the region: buffers are the caller's.
 */
#ifndef HS_ZSET_H
#define HS_ZSET_H

#include "store.h"

#define HS_ZSET_BLOB_MAX		128 /* members of a set kept in its record */
#define HS_ZSET_BLOB_MEMBER		64	/* bytes of the longest member in such a set */
#define HS_ZSET_BATCH			1000	/* entries hs_zset_read() copies in one call */

/* Every failure leaves *out untouched unless said otherwise. */

typedef struct HsZsetMember
{
	double		score;
	HsBytes		member;
} HsZsetMember;

/*
 * ---- Writing ----------------------------------------------------------------
 */

/* Flags of an add.  NX excludes the others, GT excludes LT: HS_BAD_ARGUMENT. */
#define HS_ZADD_NX		0x01	/* only new members */
#define HS_ZADD_XX		0x02	/* only members that are there */
#define HS_ZADD_GT		0x04	/* change a score only upwards; new ones are added */
#define HS_ZADD_LT		0x08	/* change a score only downwards; new ones are added */

typedef struct HsZsetAdded
{
	uint64_t	added;			/* members that were not there */
	uint64_t	changed;		/* members whose score is now another */
	bool		stopped;		/* a flag stopped the last member */
	double		score;			/* the last member's now; 0 if stopped and absent */
} HsZsetAdded;

/*
 * Add members or move them to new scores, all of them or none; the same
 * member may come twice, the later one wins as if added by a later call.  A member
 * loses its own expiry (dues.h), unless a flag stopped it.
 * new_expires_us: expiry if this call creates the key, else ignored.
 * HS_NOT_A_NUMBER for a NaN score.
 */
extern HsStatus hs_zset_add(HsOp *op, HsBytes member, double score, unsigned flags,
							int64_t new_expires_us, HsZsetAdded *out);
extern HsStatus hs_zset_add_many(HsOp *op, const HsZsetMember *members, size_t n,
								 unsigned flags, int64_t new_expires_us,
								 HsZsetAdded *out);

/* Add 'by' to the score (0 if absent), keeping the member's expiry; *score is the result.  HS_NOT_A_NUMBER if
 * 'by' or the result is NaN. */
extern HsStatus hs_zset_incr(HsOp *op, HsBytes member, double by,
							 int64_t new_expires_us, double *score);

/* Remove members; absent ones are ignored.  *removed counts. */
extern HsStatus hs_zset_remove(HsOp *op, const HsBytes *members, size_t n,
							   uint64_t *removed);

/*
 * Make the key hold exactly these entries, whatever it held (any type);
 * n = 0 removes it.  entries: ascending and unique in the order of sorted
 * sets, as hs_zset_algebra() and hs_zset_collect() return them; may lie in
 * memory of the key that is replaced.  HS_BAD_ARGUMENT if not ascending.
 */
extern HsStatus hs_zset_store(HsOp *op, const HsZsetMember *entries, size_t n,
							  int64_t expires_us);

/*
 * ---- Ranges -------------------------------------------------------------------
 */
typedef enum HsZsetBy
{
	HS_ZSET_BY_RANK,
	HS_ZSET_BY_SCORE,
	HS_ZSET_BY_LEX				/* by member bytes; sensible if all scores are equal */
} HsZsetBy;

/*
 * A stretch of a sorted set.  min <= max in every case, 'reverse' only turns
 * the direction of reading (and of counting ranks).  An empty stretch is no
 * error.  Zero it, then set what applies; 'limit' must be set.
 */
typedef struct HsZsetRange
{
	HsZsetBy	by;
	bool		reverse;
	bool		min_open;		/* score, lex: the bound itself is outside */
	bool		max_open;
	bool		no_min;			/* lex: unbounded on this side */
	bool		no_max;
	int64_t		start;			/* rank: inclusive, 0-based in the direction of */
	int64_t		stop;			/* reading; negative counts from the end, -1 is last */
	double		min;			/* score; NaN is HS_NOT_A_NUMBER */
	double		max;
	HsBytes		lex_min;		/* lex: borrowed while the range is in use */
	HsBytes		lex_max;
	uint64_t	offset;			/* entries to skip in the direction of reading; */
	uint64_t	limit;			/* at most so many then, UINT64_MAX: all */
} HsZsetRange;

/* Number of members in the range (ZCOUNT, ZLEXCOUNT); offset and limit apply. */
extern HsStatus hs_zset_count(HsOp *op, const HsZsetRange *range, uint64_t *count);

/* Remove all members in the range, at once; offset and limit apply. */
extern HsStatus hs_zset_remove_range(HsOp *op, const HsZsetRange *range,
									 uint64_t *removed);

/*
 * ---- Batches of entries ----------------------------------------------------
 * In a caller's buffer: [f64 score][u32 size][member bytes], without padding.
 */
typedef struct HsZsetBatch
{
	uint32_t	n;				/* entries */
	size_t		size;			/* bytes of the buffer in use */
	uint64_t	first_rank;		/* of the first entry, 0-based in the direction
								 * of reading, at the time of this call */
	size_t		need;			/* after HS_BUFFER_TOO_SMALL: bytes */
} HsZsetBatch;

#define HS_ZSET_ENTRY_HEADER	12

/* Take the entry at *pos apart and move on; the member is borrowed. */
static inline HsZsetMember
hs_zset_batch_next(const uint8_t *buf, size_t *pos)
{
	HsZsetMember m;
	uint32_t	size;

	memcpy(&m.score, buf + *pos, 8);
	memcpy(&size, buf + *pos + 8, 4);
	m.member = hs_bytes(buf + *pos + HS_ZSET_ENTRY_HEADER, size);
	*pos += HS_ZSET_ENTRY_HEADER + size;
	return m;
}

/*
 * A range being read batch by batch; the lock may be released between.
 * Resumes behind the last (score, member) returned, so members that stay where
 * they are come exactly once whatever is written meanwhile; one that is moved
 * may come twice or never.  A rank range reads the number of entries that it
 * had at the first call.
 */
typedef struct HsZsetCursor
{
	HsZsetRange range;
	bool		started;
	bool		done;			/* nothing more will come */
	uint64_t	left;			/* entries it may still return */
	size_t		last;			/* offset in the buffer of the last entry returned */
} HsZsetCursor;

static inline void
hs_zset_cursor_init(HsZsetCursor *c, const HsZsetRange *range)
{
	memset(c, 0, sizeof(*c));
	c->range = *range;
}

/*
 * Copy the next entries, at most HS_ZSET_BATCH and what fits, into buf.  Call
 * until c->done; a batch may be empty then.  The buffer must still hold the
 * previous batch (it may have moved).  HS_BUFFER_TOO_SMALL if not even one
 * entry fits: enlarge it to out->need bytes keeping its contents, call again.
 */
extern HsStatus hs_zset_read(HsOp *op, HsZsetCursor *c, uint8_t *buf,
							 size_t capacity, HsZsetBatch *out);

/*
 * Remove and return up to 'count' members with the lowest (from_max: highest)
 * scores, in that order.  HS_BUFFER_TOO_SMALL with out->need, then nothing is
 * removed.  An absent key gives HS_OK and no entries.
 */
extern HsStatus hs_zset_pop(HsOp *op, uint64_t count, bool from_max, uint8_t *buf,
							size_t capacity, HsZsetBatch *out);

/*
 * Random members: count > 0 gives that many different ones (all if there are
 * fewer) in random order, count < 0 gives -count independent draws, up to
 * HS_ZSET_RANDOM_MAX (else HS_BAD_ARGUMENT).  seed: 64 random bits.
 * HS_BUFFER_TOO_SMALL with out->need.
 */
#define HS_ZSET_RANDOM_MAX	((int64_t) 1 << 20)
extern HsStatus hs_zset_random(HsOp *op, int64_t count, uint64_t seed, uint8_t *buf,
							   size_t capacity, HsZsetBatch *out);

/*
 * ---- Asking about one member ---------------------------------------------------
 */

/* HS_NOT_FOUND if key or member is absent. */
extern HsStatus hs_zset_score(HsOp *op, HsBytes member, double *score);
/* 0-based, from the highest score if 'reverse'.  'score' may be NULL. */
extern HsStatus hs_zset_rank(HsOp *op, HsBytes member, bool reverse,
							 uint64_t *rank, double *score);
/* Number of members; 0 if absent. */
extern HsStatus hs_zset_card(HsOp *op, uint64_t *count);

/*
 * ---- Several sets ---------------------------------------------------------------
 */
typedef enum HsZsetSetOp
{
	HS_ZSET_UNION,
	HS_ZSET_INTER,
	HS_ZSET_DIFF				/* first less all others; weights are ignored */
} HsZsetSetOp;

typedef enum HsZsetAggregate
{
	HS_ZSET_SUM,
	HS_ZSET_MIN,
	HS_ZSET_MAX
} HsZsetAggregate;

/* Caller's memory for results, aligned to 8. */
typedef struct HsZsetScratch
{
	uint8_t    *data;
	size_t		capacity;		/* bytes */
	size_t		need;			/* set by HS_BUFFER_TOO_SMALL: unlock, enlarge, retry */
} HsZsetScratch;

/*
 * Combine sets; the result is a sorted array in the scratch memory that stays
 * valid after unlocking, fit for hs_zset_store().  weights: one a key, or NULL
 * for all 1; not NaN (HS_NOT_A_NUMBER).  Infinities that cancel out, and 0 times
 * infinity, count as 0.  Absent keys are empty sets; a key may come twice.
 * nkeys >= 1, else HS_BAD_ARGUMENT.  HS_WRONG_TYPE: *bad_key (may be NULL) is
 * the key's number and *found_type (may be NULL) what it holds.
 * Lock: m covers all keys, shared is enough.
 */
extern HsStatus hs_zset_algebra(HsMulti *m, HsZsetSetOp setop, const HsBytes *keys,
								size_t nkeys, const double *weights,
								HsZsetAggregate aggregate, HsZsetScratch *scratch,
								HsZsetMember **result, size_t *n,
								size_t *bad_key, HsType *found_type);

/* Size of the intersection, counting no further than 'limit' (0: no limit). */
extern HsStatus hs_zset_intercard(HsMulti *m, const HsBytes *keys, size_t nkeys,
								  uint64_t limit, uint64_t *count,
								  size_t *bad_key, HsType *found_type);

/*
 * The whole range as a sorted array (ascending even if range->reverse) in
 * scratch memory: the first half of ZRANGESTORE.
 */
extern HsStatus hs_zset_collect(HsOp *op, const HsZsetRange *range,
								HsZsetScratch *scratch, HsZsetMember **result,
								size_t *n);

/*
 * ---- Row of the type table (type.h) ----------------------------------------
 */
extern bool hs_zset_free_slice(HsPart *part, HsRef root, unsigned budget);
extern uint64_t hs_zset_bytes(HsRef root);
extern uint64_t hs_zset_count_members(HsRecord *record);
extern const char *hs_zset_verify(HsPart *part, HsRecord *record);
extern size_t hs_zset_dump(HsRecord *record, uint8_t *buf, size_t capacity);
extern HsStatus hs_zset_load(HsOp *op, HsBytes payload, int64_t expires_us);
extern const struct HsDueOps hs_zset_due_ops;

#endif							/* HS_ZSET_H */
