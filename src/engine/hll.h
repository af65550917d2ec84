/*
 * hll.h
 *	  HyperLogLog sketches: how many different values, in at most 12 kB.
 *
 * A sketch is a run of bytes without pointers, the same in a process's
 * memory, in a record, in a table and on the wire.  The caller owns the bytes
 * and says how many there are ('capacity'); nothing here allocates.
 * What a sketch holds depends only on the set of hashes put in, never on
 * their order or on how the work was divided: equal sets, equal bytes.
 */
#ifndef HS_HLL_H
#define HS_HLL_H

#include <stdbool.h>

#include "bytes.h"

#define HS_HLL_BITS			14
#define HS_HLL_REGISTERS	(1 << HS_HLL_BITS)
#define HS_HLL_HEADER		8	/* bytes */
#define HS_HLL_REGISTER_BYTES	(HS_HLL_REGISTERS / 4 * 3)	/* 6 bits each */
#define HS_HLL_EMPTY_SIZE	HS_HLL_HEADER
/* Dense: 8 zero bytes end it, so that whole words can be read anywhere. */
#define HS_HLL_DENSE_SIZE	(HS_HLL_HEADER + HS_HLL_REGISTER_BYTES + 8)
#define HS_HLL_MAX_SIZE		HS_HLL_DENSE_SIZE
/* Sparse entries of 4 bytes; as many as fit into the size of a dense one. */
#define HS_HLL_MAX_ENTRIES	3072

#define HS_HLL_SPARSE		0
#define HS_HLL_DENSE		1

/* Offsets in the header: see the picture in hll.c. */
#define HS_HLL_AT_ENCODING	2
#define HS_HLL_AT_COUNT		4

/*
 * ---- Hashes ------------------------------------------------------------------
 * Fixed for ever: stored sketches, and those of other servers, stay mergeable.
 */
extern uint64_t hs_hll_hash(HsBytes bytes);

/*
 * Equal to hs_hll_hash() of the 8 bytes of 'value', little-endian: XXH3 for
 * that length, with what depends on secret and seed alone worked out.
 */
static inline uint64_t
hs_hll_hash_int64(int64_t value)
{
	const uint64_t multiplier = UINT64_C(0x9fb21c651e98df25);
	uint64_t	h = (uint64_t) value;

	h = (h >> 32 | h << 32) ^ UINT64_C(0x6e0ab15e60787671);
	h ^= (h << 49 | h >> 15) ^ (h << 24 | h >> 40);
	h *= multiplier;
	h ^= (h >> 35) + 8;
	h *= multiplier;
	return h ^ h >> 28;
}

/*
 * ---- Sketches ----------------------------------------------------------------
 */

/* An empty sketch in HS_HLL_EMPTY_SIZE bytes. */
extern void hs_hll_init(uint8_t *sketch);

/* Bytes in use. */
extern size_t hs_hll_size(const uint8_t *sketch);

static inline bool
hs_hll_is_dense(const uint8_t *sketch)
{
	return sketch[HS_HLL_AT_ENCODING] == HS_HLL_DENSE;
}

/*
 * Put a hash in.  HS_HLL_FULL: it needs a larger capacity, nothing has
 * changed; hs_hll_grown_size() tells a good next one.  With a capacity of
 * HS_HLL_MAX_SIZE it cannot happen.
 */
typedef enum HsHllAdded
{
	HS_HLL_SAME,
	HS_HLL_CHANGED,
	HS_HLL_FULL
} HsHllAdded;

extern HsHllAdded hs_hll_add_slow(uint8_t *sketch, size_t capacity, uint64_t hash);
extern size_t hs_hll_grown_size(size_t capacity);
/* Capacity that is enough for one more hash. */
extern size_t hs_hll_add_room(const uint8_t *sketch);

/*
 * What hs_hll_merge(dst, src) would do: whether anything changes, and how
 * large the result is.
 */
typedef struct HsHllPlan
{
	bool		changes;
	size_t		size;			/* bytes of the union */
} HsHllPlan;

extern HsHllPlan hs_hll_plan_merge(const uint8_t *dst, const uint8_t *src);

/* Capacity that is enough for the union, found without looking at entries. */
extern size_t hs_hll_merge_room(const uint8_t *dst, const uint8_t *src);

/* dst becomes the union of both; 'capacity' is at least the plan's size. */
extern void hs_hll_merge(uint8_t *dst, size_t capacity, const uint8_t *src);

/* Number of different hashes put in: that of entries, or a good guess. */
extern double hs_hll_estimate(const uint8_t *sketch);

/*
 * ---- Sketches from elsewhere ----------------------------------------------------
 */

/*
 * Head and size are those of a sketch, so that everything above is safe to
 * call on it, whatever else it says.  'slack': more bytes than used are fine.
 */
extern bool hs_hll_is_sketch(HsBytes bytes, bool slack);

/* NULL, or what is wrong: nothing but a sketch made here passes. */
extern const char *hs_hll_check(HsBytes bytes);

/*
 * The form for text and wire adds 4 bytes that reveal damage:
 * hs_hll_seal() returns them for the 'size' bytes of a sketch.
 */
#define HS_HLL_SEAL_SIZE	4
extern void hs_hll_seal(const uint8_t *sketch, uint8_t seal[HS_HLL_SEAL_SIZE]);

/*
 * ---- Adding, hundreds of millions of times ----------------------------------------
 */

static inline unsigned
hs_hll_load16(const uint8_t *p)
{
	return (unsigned) p[0] | (unsigned) p[1] << 8;
}

/* Position (from 1) of the first one bit behind the register number. */
static inline unsigned
hs_hll_rank(uint64_t hash)
{
	uint64_t	rest = hash << HS_HLL_BITS | (uint64_t) 1 << (HS_HLL_BITS - 1);

	return (unsigned) __builtin_clzll(rest) + 1;
}

static inline unsigned
hs_hll_register(const uint8_t *registers, unsigned index)
{
	unsigned	bit = index * 6;

	return hs_hll_load16(registers + (bit >> 3)) >> (bit & 7) & 63;
}

/* Raise a register to 'rank', if it is lower. */
static inline bool
hs_hll_raise(uint8_t *registers, unsigned index, unsigned rank)
{
	unsigned	bit = index * 6;
	uint8_t    *p = registers + (bit >> 3);
	unsigned	shift = bit & 7;
	unsigned	word = hs_hll_load16(p);

	if (((word >> shift) & 63) >= rank)
		return false;
	word = (word & ~(63u << shift)) | rank << shift;
	p[0] = (uint8_t) word;
	p[1] = (uint8_t) (word >> 8);
	return true;
}

static inline HsHllAdded
hs_hll_add(uint8_t *sketch, size_t capacity, uint64_t hash)
{
	if (!hs_hll_is_dense(sketch))
		return hs_hll_add_slow(sketch, capacity, hash);
	return hs_hll_raise(sketch + HS_HLL_HEADER, (unsigned) (hash >> (64 - HS_HLL_BITS)),
						hs_hll_rank(hash)) ? HS_HLL_CHANGED : HS_HLL_SAME;
}

#endif							/* HS_HLL_H */
