/*
 * index.h
 *	  Linear hashing over buckets of one cache line: key -> record.
 *
 * Bits of a key's hash: the top ones choose the partition, 40..47 are the
 * tag, the low 32 choose the bucket.
 *
 * Lock: partition, exclusive to change, at least shared to look; read.c alone
 * looks without.
 */
#ifndef HS_INDEX_H
#define HS_INDEX_H

#define XXH_INLINE_ALL
#include <xxhash.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "part.h"
#include "racy.h"

static inline uint64_t
hs_hash(HsBytes key)
{
	return XXH3_64bits_withSeed(key.data, key.size, hs_region->seed);
}

static inline uint8_t
hs_hash_tag(uint64_t hash)
{
	uint8_t		tag = (uint8_t) (hash >> 40);

	return tag == 0 ? 1 : tag;
}

static inline uint32_t
hs_part_number(const HsHandle *h, uint64_t hash)
{
	return h->part_bits == 0 ? 0 : (uint32_t) (hash >> (64 - h->part_bits));
}

static inline HsPart *
hs_part_of(const HsHandle *h, uint64_t hash)
{
	return h->parts[hs_part_number(h, hash)];
}

/* Which of nb > 0 buckets a hash belongs to. */
static inline uint32_t
hs_bucket_number(uint64_t hash, uint32_t nb)
{
	uint32_t	low = UINT32_MAX >> __builtin_clz(nb) >> 1; /* 2^floor(log2 nb) - 1 */
	uint32_t	b = (uint32_t) hash & (2 * low + 1);

	return b < nb ? b : b & low;
}

/* Which bucket gives half of its keys to bucket nb > 0, a new one. */
static inline uint32_t
hs_bucket_source(uint32_t nb)
{
	return nb - (UINT32_MAX >> __builtin_clz(nb) >> 1) - 1;
}

static inline uint32_t
hs_nbuckets(const HsPart *part)
{
	return (uint32_t) atomic_load_explicit(&part->geometry, memory_order_relaxed);
}

/*
 * ---- Addresses, in line because every read goes through them ----------------------
 */
#define HS_BUCKET_PAGE_SHIFT	(hs_seg_shift - 3 - 6)	/* a page is 1/8 segment, a bucket 64 bytes */
#define HS_BUCKETS_PER_PAGE	(UINT32_C(1) << HS_BUCKET_PAGE_SHIFT)
static_assert(HS_PAGES_PER_SEG == 1 << 3 && sizeof(HsBucket) == 1 << 6, "HS_BUCKET_PAGE_SHIFT");
#define HS_DIR_LINE_ENTRIES	14	/* two words of each line are left out, see hs_dir_entry() */
#define HS_DIR_ENTRIES			(HS_PAGE_SIZE / HS_CACHE_LINE * HS_DIR_LINE_ENTRIES)
#define HS_DIR_BUCKET_PAGES	(HS_DIR_ENTRIES / 8 * 7)
#define HS_DIR_OVERFLOW_PAGES	(HS_DIR_ENTRIES - HS_DIR_BUCKET_PAGES)

/*
 * The page may have held buckets before, and a reader who was late may still
 * set a visited bit in one: where a header was no entry is.
 */
static inline _Atomic uint32_t *
hs_dir_entry(const HsPart *part, uint32_t i)
{
	HsRef		dir = atomic_load_explicit(&part->dir, memory_order_relaxed);

	return (_Atomic uint32_t *) hs_ptr(dir) +
		i / HS_DIR_LINE_ENTRIES * (HS_CACHE_LINE / sizeof(HsRef)) + 2 + i % HS_DIR_LINE_ENTRIES;
}

/* A page of the directory, i below HS_DIR_ENTRIES; NULL for an address outside of the region. */
static inline HsBucket *
hs_dir_page(const HsPart *part, uint32_t i)
{
	HsRef		page;

	if (atomic_load_explicit(&part->dir, memory_order_relaxed) == HS_REF_NONE)
		return NULL;
	page = atomic_load_explicit(hs_dir_entry(part, i), memory_order_relaxed);
	if (page == HS_REF_NONE ||
		((uint64_t) page << hs_shift) + HS_PAGE_SIZE > hs_region_size)
		return NULL;
	return hs_ptr(page);
}

/*
 * NULL if what the directory says is no address (torn read).  There never are more buckets than
 * the directory has room for, whichever geometry 'number' was reckoned with.  Shifts, because the
 * compiler cannot know that it divides by a power of two: a division takes 4 ns.
 */
static inline HsBucket *
hs_bucket_at(const HsPart *part, uint32_t number)
{
	HsBucket   *page = hs_dir_page(part, number >> HS_BUCKET_PAGE_SHIFT);

	return page == NULL ? NULL : page + (number & (HS_BUCKETS_PER_PAGE - 1));
}

static inline HsBucket *
hs_overflow_at(const HsPart *part, uint32_t number)
{
	uint32_t	i = (uint32_t) HS_DIR_BUCKET_PAGES + (number >> HS_BUCKET_PAGE_SHIFT);
	HsBucket   *page = i < HS_DIR_ENTRIES ? hs_dir_page(part, i) : NULL;

	return page == NULL ? NULL : page + (number & (HS_BUCKETS_PER_PAGE - 1));
}

/* Bit i set: slot i of the bucket has this tag. */
static inline unsigned
hs_bucket_match(const HsBucket *b, uint8_t tag)
{
	unsigned	mask = 0;

#if defined(__SSE2__) && !defined(HS_TSAN)
	__m128i		tags = _mm_loadu_si128((const __m128i *) b->tag);

	mask = (unsigned) _mm_movemask_epi8(_mm_cmpeq_epi8(tags, _mm_set1_epi8((char) tag)));
	mask &= (1u << HS_BUCKET_SLOTS) - 1;
#else
	uint8_t		tags[HS_BUCKET_SLOTS];

	hs_racy_copy(tags, b->tag, sizeof(tags));
	for (unsigned i = 0; i < HS_BUCKET_SLOTS; i++)
		mask |= (unsigned) (tags[i] == tag) << i;
#endif
	return mask;
}

/* Have the record on its way that a key of this hash most likely has.  No lock: what is read may be void. */
static inline void
hs_bucket_prefetch_record(const HsBucket *b, uint64_t hash)
{
	unsigned	match = hs_bucket_match(b, hs_hash_tag(hash));
	const uint8_t *record;

	if (match == 0)
		return;
	record = hs_ptr(atomic_load_explicit(&b->ref[__builtin_ctz(match)], memory_order_relaxed));
	__builtin_prefetch(record);
	__builtin_prefetch(record + HS_CACHE_LINE);
}

/* Lock: at least shared. */
static inline void
hs_index_prefetch(const HsPart *part, uint64_t hash)
{
	uint32_t	nb = hs_nbuckets(part);

	if (nb > 0)
		__builtin_prefetch(hs_bucket_at(part, hs_bucket_number(hash, nb)), 1);
}

/*
 * ---- Looking and changing, under the lock ------------------------------------------
 */

/* Live or expired record of the key, or NULL. */
extern HsRecord *hs_index_find(HsPart *part, uint64_t hash, HsBytes key, HsSlot *slot);
/* The same when the first bucket of the chain (NULL: no buckets) is known. */
extern HsRecord *hs_index_find_in(HsPart *part, HsBucket *head, uint64_t hash, HsBytes key,
								  HsSlot *slot);
/* The entry that refers to exactly this record. */
extern bool hs_index_find_ref(HsPart *part, uint64_t hash, HsRef ref, HsSlot *slot);
/* The record of a large value whose chunk 'i' is 'chunk'. */
extern HsRecord *hs_index_find_owner(HsPart *part, uint64_t hash, uint32_t i, HsRef chunk,
									 HsSlot *slot);

/* A record of a key with this hash that has members expired by now. */
extern HsRecord *hs_index_find_due(HsPart *part, uint64_t hash, int64_t now_us);

/*
 * Promise that one more hs_index_insert() will succeed; false without
 * memory.  Each promise ends with an insert or hs_index_unpromise().
 */
extern bool hs_index_promise(HsPart *part);
extern void hs_index_unpromise(HsPart *part);
extern void hs_index_insert(HsPart *part, uint64_t hash, HsRef ref);
extern void hs_index_replace(HsSlot *slot, HsRef ref);
extern void hs_index_remove(HsPart *part, HsSlot *slot);

/* Brackets around a change of bytes that readers without a lock may copy. */
extern void hs_change_begin(HsBucket *head);
extern void hs_change_end(HsBucket *head);

static inline bool
hs_slot_visited(const HsSlot *slot)
{
	return (atomic_load_explicit(&slot->bucket->hdr, memory_order_relaxed) >> slot->i) & 1;
}

/* Test before set: a hot bucket's line stays shared by all processors. */
static inline void
hs_slot_visit(HsBucket *b, unsigned i)
{
	if (((atomic_load_explicit(&b->hdr, memory_order_relaxed) >> i) & 1) == 0)
		atomic_fetch_or_explicit(&b->hdr, (uint64_t) 1 << i, memory_order_relaxed);
}

static inline void
hs_slot_unvisit(const HsSlot *slot)
{
	atomic_fetch_and_explicit(&slot->bucket->hdr, ~((uint64_t) 1 << slot->i),
							  memory_order_relaxed);
}

/* Split a bucket or two if there are too few: after an insert, within a command. */
extern void hs_index_grow(HsPart *part);

/*
 * After a command: split and merge buckets, about 'budget' at most.  True: that
 * was not enough, or just so.
 */
extern bool hs_index_maintain(HsPart *part, uint32_t budget);

/* Give back the last pages of a partition without keys. */
extern void hs_index_trim(HsPart *part);

/* Give back every page; the partition has no keys afterwards. */
extern void hs_index_reset(HsPart *part);

#endif							/* HS_INDEX_H */
