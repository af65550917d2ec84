/*
 * hot.h
 *	  Which keys are asked for most: a sample of all lookups, counted in a table
 *	  of fixed size per keyspace.
 *
 * One lookup in HS_HOT_EVERY on average is counted, at random distances so that
 * no rhythm of the caller hides a key.  The table keeps HS_HOT_KEYS keys by
 * "space saving": a key that is not in it takes the place of the one with the
 * lowest count and inherits that count as its possible error.  Every key with a
 * larger share of the samples than 1 / HS_HOT_KEYS is in the table.  Counts are
 * halved after HS_HOT_WINDOW samples, so old fame fades.
 * Source: A. Metwally, D. Agrawal, A. El Abbadi, "Efficient computation of frequent
 * and top-k elements in data streams", ICDT 2005.
 *
 * The tables lie beside the region, in memory of their own.  Where none was given
 * (hs_hot_init() not called), nothing is counted.
 */
#ifndef HS_HOT_H
#define HS_HOT_H

#include "store.h"

#define HS_HOT_EVERY		128
#define HS_HOT_KEYS			64
#define HS_HOT_WINDOW		65536
#define HS_HOT_KEY_BYTES	76	/* of a key kept; longer ones are cut */

typedef struct HsHotKey
{
	uint64_t	count;			/* samples of this key, 'error' too many at worst */
	uint64_t	error;
	uint32_t	key_size;		/* bytes of the key, also of those that are cut */
	uint8_t		key[HS_HOT_KEY_BYTES];
} HsHotKey;

/* Bytes of the tables for so many keyspaces; needs no initialised region. */
extern size_t hs_hot_size(uint32_t nkeyspaces);

/* Lay them out in zeroed memory aligned to 64, or take note of them. */
extern void hs_hot_init(void *mem, uint32_t nkeyspaces);
extern void hs_hot_attach(void *mem, uint32_t nkeyspaces);

/*
 * Count a lookup, now and then.  Lock: none may be held on the table; takes it
 * as a leaf and gives up if it is not free at once.
 */
extern void hs_hot_sample(HsHandle *h, HsBytes key, uint64_t hash);

static inline void
hs_hot_touch(HsHandle *h, HsBytes key, uint64_t hash)
{
	if (h->sample_in-- == 0)
		hs_hot_sample(h, key, hash);
}

/*
 * Copy the table, in no order, into out[HS_HOT_KEYS]; *samples is the number of
 * samples that the counts are out of.  Returns the number of keys.
 */
extern unsigned hs_hot_read(HsHandle *h, HsHotKey *out, uint64_t *samples);
extern void hs_hot_reset(HsHandle *h);

#endif							/* HS_HOT_H */
