/*
 * histogram.h
 *	  Counts of durations in buckets whose width is 1/16 of their power of two,
 *	  so that any percentile is known to 6 %.  Nanoseconds up to 2^40.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BITS		4	/* log2 of the buckets of a power of two */
#define HISTOGRAM_BUCKETS	((40 - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS)

typedef struct Histogram
{
	uint64_t	calls;
	uint64_t	sum_ns;
	uint64_t	max_ns;
	uint64_t	bucket[HISTOGRAM_BUCKETS];
} Histogram;

static inline unsigned
histogram_bucket(uint64_t ns)
{
	unsigned	shift;

	if (ns >> HISTOGRAM_BITS == 0)
		return (unsigned) ns;
	if (ns >> 40 != 0)
		return HISTOGRAM_BUCKETS - 1;
	shift = 63 - (unsigned) __builtin_clzll(ns) - HISTOGRAM_BITS;
	return (shift << HISTOGRAM_BITS) + (unsigned) (ns >> shift);
}

static inline void
histogram_add(Histogram *h, uint64_t ns)
{
	h->calls++;
	h->sum_ns += ns;
	if (ns > h->max_ns)
		h->max_ns = ns;
	h->bucket[histogram_bucket(ns)]++;
}

/* The lowest duration of the bucket after 'i', nanoseconds. */
static inline uint64_t
histogram_upper(unsigned i)
{
	unsigned	shift = i < 2u << HISTOGRAM_BITS ? 0 : (i >> HISTOGRAM_BITS) - 1;

	return (uint64_t) (i + 1 - (shift << HISTOGRAM_BITS)) << shift;
}

/* What 'share' (0 .. 1) of all calls stay below, to the resolution of buckets. */
static inline uint64_t
histogram_quantile(const Histogram *h, double share)
{
	uint64_t	seen = 0;

	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
	{
		seen += h->bucket[i];
		if (seen > 0 && (double) seen >= share * (double) h->calls)
			return histogram_upper(i) < h->max_ns ? histogram_upper(i) : h->max_ns;
	}
	return h->max_ns;
}

#endif							/* HISTOGRAM_H */
