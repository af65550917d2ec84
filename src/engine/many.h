/*
 * many.h
 *	  Many keys as of one instant, without a lock.
 *
 *		if (hs_many_find(h, reads, n, now_us))
 *			... what the caller needs of reads[], values by hs_many_copy() ...
 *			if (!hs_many_have_expired(reads, n) && hs_many_are_true(h, reads, n))
 *				-- all of it was so at one instant
 *
 * Until then it is hearsay: sizes and bytes may be anything, within the region.  Either
 * may say no when somebody changes one of the keys, or always (a key is too long, the
 * keyspace is gone): then, after HS_MANY_TRIES, the way is hs_multi_begin(), which tells.
 */
#ifndef HS_MANY_H
#define HS_MANY_H

#include "racy.h"
#include "store.h"

#define HS_MANY_TRIES	3
#define HS_MANY_MAX		4096	/* keys; more are changed too often while they are read */

/* The engine's: a look at one key, see look.h. */
typedef struct HsLook
{
	HsBytes		key;			/* at most HS_MAX_KEY bytes */
	uint64_t	hash;
	HsPart	   *part;
	uint64_t	geometry;		/* when the look began */
	struct HsBucket *head;		/* first of the key's chain; NULL: no buckets */
	uint64_t	hdr;			/* its header before anything was read */
	struct HsBucket *bucket;	/* the key's place, if it was found */
	unsigned	i;
} HsLook;

typedef struct HsManyRead
{
	HsLook		look;			/* the caller sets look.key */
	bool		found;			/* a key of whatever type, not expired, no tag deleted */
	uint16_t	flags;			/* of its record */
	uint32_t	size;			/* bytes in the record; HS_RF_INT: 8 */
	int64_t		expires_us;		/* if it was found */
	HsRef		tags;			/* the engine's: HS_RF_TAGS */
	const uint8_t *value;		/* in shared memory: hs_many_copy() */
} HsManyRead;

/* Find reads[0 .. n). */
extern bool hs_many_find(HsHandle *h, HsManyRead *reads, size_t n, int64_t now_us);

static inline void
hs_many_copy(const HsManyRead *r, void *dst)
{
	hs_racy_copy(dst, r->value, r->size);
}

/*
 * Has one of those found expired since?  Then all of it need not have been so at one instant.  Asks
 * the clock, if one of them ever expires.
 */
extern bool hs_many_have_expired(const HsManyRead *reads, size_t n);

/* Then counts hits and misses, and marks the keys as used. */
extern bool hs_many_are_true(HsHandle *h, const HsManyRead *reads, size_t n);

#endif							/* HS_MANY_H */
