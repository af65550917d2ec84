/*
 * shuffle.h
 *	  Random numbers from a seed, and numbers in random order.
 */
#ifndef HS_SHUFFLE_H
#define HS_SHUFFLE_H

#include <stdint.h>

#define HS_SHUFFLE_ARRAY	128 /* up to so many numbers are shuffled in an array */

static inline uint64_t
hs_random_mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* 0 .. n-1; 'state' moves on. */
static inline uint32_t
hs_random_below(uint64_t *state, uint32_t n)
{
	*state += UINT64_C(0x9e3779b97f4a7c15);
	return (uint32_t) ((hs_random_mix(*state) >> 32) * n >> 32);
}

/*
 * The numbers 0 .. n-1 in random order without memory for them: for few, a shuffled
 * array; for many a Feistel network over the next power of four, walked until it
 * hits one of them.
 */
typedef struct HsShuffle
{
	uint32_t	n;
	uint64_t	seed;
	unsigned	half_bits;		/* of the network; 0: the array is used */
	uint8_t		order[HS_SHUFFLE_ARRAY];
} HsShuffle;

/* n: 1 .. 2^32-1 */
static inline void
hs_shuffle_init(HsShuffle *s, uint32_t n, uint64_t seed)
{
	s->n = n;
	s->seed = seed;
	s->half_bits = 0;
	if (n > HS_SHUFFLE_ARRAY)
	{
		s->half_bits = (33 - (unsigned) __builtin_clz(n - 1)) / 2;
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		s->order[i] = (uint8_t) i;
	for (uint32_t i = n; i > 1; i--)
	{
		uint32_t	j = hs_random_below(&seed, i);
		uint8_t		swap = s->order[j];

		s->order[j] = s->order[i - 1];
		s->order[i - 1] = swap;
	}
}

/* Number at place i of that order, i < n. */
static inline uint32_t
hs_shuffle_at(const HsShuffle *s, uint32_t i)
{
	uint32_t	mask = (uint32_t) ((UINT64_C(1) << s->half_bits) - 1);
	uint64_t	x = i;

	if (s->half_bits == 0)
		return s->order[i];
	do
	{
		for (unsigned round = 0; round < 6; round++)
		{
			uint32_t	left = (uint32_t) (x >> s->half_bits);
			uint32_t	right = (uint32_t) x & mask;
			uint64_t	f = hs_random_mix(s->seed + right + ((uint64_t) round << 40));

			x = (uint64_t) right << s->half_bits | ((left ^ (f >> 32)) & mask);
		}
	} while (x >= s->n);
	return (uint32_t) x;
}

#endif							/* HS_SHUFFLE_H */
