/*
 * zset_block.c
 *	  A block of a large sorted set: up to about 150 entries in order.
 */
#include "zset_block.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/*
 * Sizes of blocks, in bytes.  Few, so that pages of one size are shared by
 * many blocks; chosen to leave little of a page of 8 kB.
 */
static const uint16_t block_bytes[] = {64, 112, 224, 448, 576, 704, 896};

#define NSIZES	(sizeof(block_bytes) / sizeof(block_bytes[0]))

/* Digests aim at the middle half of their range, to have room on both sides. */
#define DIGEST_MARGIN	16384
#define DIGEST_SPREAD	32768

static inline unsigned
cap_of_bytes(unsigned bytes)
{
	return (unsigned) ((bytes - sizeof(HsZblock)) / 6) & ~1u;	/* references stay aligned */
}

unsigned
hs_zblock_max(void)
{
	return cap_of_bytes(block_bytes[NSIZES - 1]);
}

unsigned
hs_zblock_cap(unsigned n)
{
	unsigned	i = 0;

	while (i < NSIZES - 1 && cap_of_bytes(block_bytes[i]) < n)
		i++;
	return cap_of_bytes(block_bytes[i]);
}

uint32_t
hs_zblock_size(unsigned cap)
{
	return (uint32_t) sizeof(HsZblock) + cap * 6;
}

void
hs_zblock_init(HsZblock *b, unsigned cap)
{
	memset(b, 0, sizeof(*b));
	b->cap = (uint16_t) cap;
}

/*
 * ---- Digests -------------------------------------------------------------------
 */

static inline uint16_t
digest_of(const HsZblock *b, uint64_t key)
{
	uint64_t	d;

	if (key <= b->base)
		return 0;
	d = (key - b->base) >> b->shift;
	return d > UINT16_MAX ? UINT16_MAX : (uint16_t) d;
}

static inline uint64_t
key_at(const HsZblock *b, unsigned i)
{
	return hs_zset_key(hs_zentry_score(hs_zblock_ref(b, i)));
}

static void
digest_all(HsZblock *b)
{
	for (unsigned i = 0; i < b->n; i++)
		__builtin_prefetch(hs_ptr(hs_zblock_ref(b, i)));
	for (unsigned i = 0; i < b->n; i++)
		b->digest[i] = digest_of(b, key_at(b, i));
}

/* Neighbours hard to tell apart, or keys beyond an end of the range? */
static inline bool
digests_are_bad(const HsZblock *b)
{
	unsigned	first = b->digest[0];
	unsigned	last = b->digest[b->n - 1];

	return last - first < 16u * b->n || first == 0 || last == UINT16_MAX;
}

void
hs_zblock_refresh(HsZblock *b, bool always)
{
	uint64_t	low,
				range,
				margin,
				base;
	uint8_t		shift = 0;

	if (b->n == 0 || (!always && !digests_are_bad(b)))
		return;
	low = key_at(b, 0);
	range = key_at(b, b->n - 1u) - low;
	while (range >> shift >= DIGEST_SPREAD)
		shift++;
	margin = (uint64_t) DIGEST_MARGIN << shift;
	base = low > margin ? low - margin : 0;
	if (!always && shift == b->shift && digest_of(b, low) != 0 &&
		digest_of(b, low + range) != UINT16_MAX)
		return;					/* as good as they can be */
	b->shift = shift;
	b->base = base;
	digest_all(b);
}

/*
 * ---- Looking ------------------------------------------------------------------
 */

static inline bool
is_below(const HsZblock *b, unsigned i, const HsZsetBound *bound)
{
	HsRef		entry = hs_zblock_ref(b, i);
	uint64_t	key = hs_zset_key(hs_zentry_score(entry));

	return HS_ZBOUND_HAS_BELOW(bound, key, hs_zentry_cmp(entry, bound->member));
}

/* Digests below d; without a branch that depends on them. */
static inline unsigned
digests_below(const HsZblock *b, unsigned d)
{
	const uint16_t *p = b->digest;
	unsigned	n = b->n;

	if (n == 0)
		return 0;
	while (n > 1)
	{
		unsigned	half = n / 2;

		p += p[half - 1] < d ? half : 0;
		n -= half;
	}
	return (unsigned) (p - b->digest) + (*p < d);
}

unsigned
hs_zblock_rank(const HsZblock *b, const HsZsetBound *bound)
{
	unsigned	low = 0;
	unsigned	high = b->n;

	if (bound->kind != HS_ZBOUND_LEX)
	{
		unsigned	d = digest_of(b, bound->key);

		low = digests_below(b, d);
		if (low == b->n || b->digest[low] != d)
			return low;
		if (low + 1 == b->n || b->digest[low + 1] != d)
			high = low + 1;
		else
			high = digests_below(b, d + 1);
	}
	while (low < high)
	{
		unsigned	mid = (low + high) / 2;

		if (is_below(b, mid, bound))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

unsigned
hs_zblock_index(const HsZblock *b, HsRef entry)
{
	const HsRef *refs = (const HsRef *) (const void *) (b->digest + b->cap);
	unsigned	i = 0;

#ifdef __SSE2__
	__m128i		want = _mm_set1_epi32((int) entry);

	for (; i + 8 <= b->n; i += 8)
	{
		__m128i		a = _mm_loadu_si128((const __m128i *) (const void *) (refs + i));
		__m128i		c = _mm_loadu_si128((const __m128i *) (const void *) (refs + i + 4));
		int			bits;

		a = _mm_packs_epi32(_mm_cmpeq_epi32(a, want), _mm_cmpeq_epi32(c, want));
		bits = _mm_movemask_epi8(a);
		if (bits != 0)
			return i + (unsigned) __builtin_ctz((unsigned) bits) / 2;
	}
#endif
	while (i < b->n && refs[i] != entry)
		i++;
	assert(i < b->n);
	return i;
}

/*
 * ---- Changing -------------------------------------------------------------------
 */

void
hs_zblock_put(HsZblock *b, unsigned i, HsRef entry, uint64_t key)
{
	HsRef	   *refs = hs_zblock_refs(b);
	unsigned	behind = b->n - i;

	assert(b->n < b->cap);
	memmove(b->digest + i + 1, b->digest + i, behind * sizeof(uint16_t));
	memmove(refs + i + 1, refs + i, behind * sizeof(HsRef));
	b->digest[i] = digest_of(b, key);
	refs[i] = entry;
	b->n++;
	if (b->n == 1)
		hs_zblock_refresh(b, true);
	else if (b->n % 8 == 0)
		hs_zblock_refresh(b, false);
}

void
hs_zblock_cut(HsZblock *b, unsigned i, unsigned n)
{
	HsRef	   *refs = hs_zblock_refs(b);
	unsigned	behind = b->n - i - n;

	memmove(b->digest + i, b->digest + i + n, behind * sizeof(uint16_t));
	memmove(refs + i, refs + i + n, behind * sizeof(HsRef));
	b->n = (uint16_t) (b->n - n);
}

void
hs_zblock_shift(HsZblock *b, unsigned from, unsigned to, uint64_t key)
{
	HsRef	   *refs = hs_zblock_refs(b);
	HsRef		entry = refs[from];

	if (from < to)
	{
		memmove(b->digest + from, b->digest + from + 1, (to - from) * sizeof(uint16_t));
		memmove(refs + from, refs + from + 1, (to - from) * sizeof(HsRef));
	}
	else
	{
		memmove(b->digest + to + 1, b->digest + to, (from - to) * sizeof(uint16_t));
		memmove(refs + to + 1, refs + to, (from - to) * sizeof(HsRef));
	}
	refs[to] = entry;
	b->digest[to] = digest_of(b, key);
	if (b->digest[to] == 0 || b->digest[to] == UINT16_MAX)
		hs_zblock_refresh(b, false);
}

void
hs_zblock_append(HsZblock *to, const HsZblock *from, unsigned i, unsigned n)
{
	bool		same = to->n == 0 || (to->base == from->base && to->shift == from->shift);

	assert(to->n + n <= to->cap);
	if (same)
	{
		to->base = from->base;
		to->shift = from->shift;
	}
	memcpy(to->digest + to->n, from->digest + i, n * sizeof(uint16_t));
	memcpy(hs_zblock_refs(to) + to->n, (const HsRef *) (const void *) (from->digest + from->cap) + i,
		   n * sizeof(HsRef));
	to->n = (uint16_t) (to->n + n);
	if (!same)
		hs_zblock_refresh(to, true);
}

const char *
hs_zblock_verify(const HsZblock *b)
{
	if (b->n > b->cap)
		return "zset: block is overfull";
	for (unsigned i = 0; i < b->n; i++)
		if (b->digest[i] != digest_of(b, key_at(b, i)))
			return "zset: digest is not that of its entry";
	return NULL;
}
