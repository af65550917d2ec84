/*
 * region.c
 *	  Laying out the region; segments, type-stable pages, and who pays.
 *
 * The free list is a stack of segment numbers with a tag against ABA, so
 * taking and giving back needs no lock and may be done under any.  A segment
 * header is never anything else, which makes reading next_free of a segment
 * that was just taken by somebody harmless.
 *
 * A keyspace pays for every segment and page it holds.  A part of its cap
 * (HsKeyspace.reserve), and some segments of the region, are kept for
 * compaction, so that a full store can still be tidied up.
 */
#include "region.h"

#include "part.h"
#include "racy.h"

uint8_t    *hs_base;
HsRegion   *hs_region;
HsSeg	   *hs_segs;
unsigned	hs_shift;
unsigned	hs_seg_shift;
uint64_t	hs_data_offset;
uint64_t	hs_region_size;
HsKeyspace *hs_keyspaces;
uint32_t	hs_nkeyspaces;

#ifdef HS_TESTING
int			hs_test_fail_after = -1;
#endif

static uint64_t
align_up(uint64_t n, uint64_t to)
{
	return (n + to - 1) / to * to;
}

/* Larger regions get larger segments, and beyond 32 GB coarser references. */
static void
choose_units(uint64_t size, uint32_t *shift, uint32_t *seg_shift)
{
	if (size <= (uint64_t) 1 << 30)
		*seg_shift = 17;
	else if (size <= (uint64_t) 16 << 30)
		*seg_shift = 18;
	else
		*seg_shift = 20;
	*shift = 3;
	while ((size - 1) >> *shift > UINT32_MAX)
		(*shift)++;
}

static void
set_globals(HsRegion *r)
{
	hs_base = (uint8_t *) r;
	hs_region = r;
	hs_segs = (HsSeg *) (hs_base + r->segs_offset);
	hs_shift = r->shift;
	hs_seg_shift = r->seg_shift;
	hs_data_offset = r->data_offset;
	hs_region_size = r->size;
	hs_keyspaces = (HsKeyspace *) (hs_base + r->keyspaces_offset);
	hs_nkeyspaces = r->nkeyspaces;
	hs_slab_setup();
}

uint32_t
hs_region_keyspaces(size_t size)
{
	return size >> 19 < HS_MAX_KEYSPACES ? (uint32_t) (size >> 19) : HS_MAX_KEYSPACES;
}

HsStatus
hs_region_init(void *mem, size_t size, int64_t now_us)
{
	HsRegion   *r = mem;
	uint64_t	pos;

	if (size < HS_MIN_REGION || size > HS_MAX_REGION ||
		((uintptr_t) mem & (HS_CACHE_LINE - 1)) != 0)
		return HS_BAD_ARGUMENT;
	memset(r, 0, sizeof(HsRegion));
	r->layout = HS_LAYOUT_VERSION;
	r->size = size;
	r->seed = hs_port_random();
	r->version_base = (uint64_t) (now_us > 0 ? now_us : 1);
	choose_units(size, &r->shift, &r->seg_shift);
	r->nkeyspaces = hs_region_keyspaces(size);

	pos = align_up(sizeof(HsRegion), HS_CACHE_LINE);
	r->keyspaces_offset = pos;
	pos = align_up(pos + r->nkeyspaces * sizeof(HsKeyspace), HS_CACHE_LINE);
	r->segs_offset = pos;
	/* the last segment's end stays a cache line away from the region's */
	r->nsegs = (uint32_t) ((size - pos - 4096 - HS_CACHE_LINE) /
						   (((uint64_t) 1 << r->seg_shift) + sizeof(HsSeg)));
	r->data_offset = align_up(pos + r->nsegs * sizeof(HsSeg), 4096);
	r->reserve_segs = 2 + r->nsegs / 256;
	set_globals(r);

	memset(hs_keyspaces, 0, r->nkeyspaces * sizeof(HsKeyspace));
	hs_port_lock_init(&r->lock);
	hs_port_lock_init(&r->keyspace_lock);
	atomic_store(&r->free_head, (uint64_t) HS_SEG_NONE);
	memset(hs_segs, 0, r->nsegs * sizeof(HsSeg));
	for (uint32_t i = r->nsegs; i-- > 0;)
		hs_seg_put(i);
	r->magic = HS_REGION_MAGIC;
	return HS_OK;
}

HsStatus
hs_region_attach(void *mem)
{
	HsRegion   *r = mem;

	if (r->magic != HS_REGION_MAGIC || r->layout != HS_LAYOUT_VERSION)
		return HS_CORRUPT;
	set_globals(r);
	return HS_OK;
}

/*
 * ---- The free list -----------------------------------------------------------
 */

uint32_t
hs_seg_get(HsSegKind kind, bool for_compaction)
{
	HsRegion   *r = hs_region;
	uint64_t	head = atomic_load_explicit(&r->free_head, memory_order_acquire);
	uint32_t	seg;
	HsSeg	   *s;

#ifdef HS_TESTING
	if (hs_test_fail_after == 0)
		return HS_SEG_NONE;
	if (hs_test_fail_after > 0)
		hs_test_fail_after--;
#endif
	if (!for_compaction &&
		atomic_load_explicit(&r->free_segs, memory_order_relaxed) <= r->reserve_segs)
		return HS_SEG_NONE;
	for (;;)
	{
		uint64_t	next;

		seg = (uint32_t) head;
		if (seg == HS_SEG_NONE)
			return HS_SEG_NONE;
		next = atomic_load_explicit(&hs_segs[seg].next_free, memory_order_relaxed);
		next |= ((head >> 32) + 1) << 32;
		if (atomic_compare_exchange_weak_explicit(&r->free_head, &head, next,
												  memory_order_acq_rel,
												  memory_order_acquire))
			break;
	}
	atomic_fetch_sub_explicit(&r->free_segs, 1, memory_order_relaxed);

	s = &hs_segs[seg];
	s->next = s->prev = s->chain = HS_SEG_NONE;
	s->used = s->live = 0;
	s->min_expires_us = HS_NEVER;
	s->min_dues_us = INT64_MAX;
	s->next_scan_us = INT64_MIN;
	atomic_store_explicit(&s->pins, 0, memory_order_relaxed);
	s->page_map = 0;
	s->tagged = 0;
	s->keyspace = UINT16_MAX;
	s->part = 0;
	s->kind = kind;

	/*
	 * A reader without a lock may still look at this memory for the record
	 * that was here; whoever sees what is written from now on must also see
	 * that its bucket has changed.
	 */
	atomic_thread_fence(memory_order_release);
	return seg;
}

void
hs_seg_put(uint32_t seg)
{
	HsRegion   *r = hs_region;
	uint64_t	head = atomic_load_explicit(&r->free_head, memory_order_relaxed);
	uint64_t	next;

	assert(seg < r->nsegs);
	hs_segs[seg].kind = HS_SEG_FREE;
	do
	{
		atomic_store_explicit(&hs_segs[seg].next_free, (uint32_t) head,
							  memory_order_relaxed);
		next = seg | (((head >> 32) + 1) << 32);
	} while (!atomic_compare_exchange_weak_explicit(&r->free_head, &head, next,
													memory_order_acq_rel,
													memory_order_relaxed));
	atomic_fetch_add_explicit(&r->free_segs, 1, memory_order_relaxed);
}

/*
 * ---- Type-stable pages ---------------------------------------------------------
 * Free pages are linked through the word after the first bucket's header, in which
 * a late reader may still set a visited bit.
 */
#define PAGE_LINK	sizeof(uint64_t)

static HsRef
pool_get(HsRef *pool, uint32_t *nfree, uint32_t *nsegs, HsSegKind kind)
{
	HsRef		page;

	if (*pool == HS_REF_NONE)
	{
		uint32_t	seg = hs_seg_get(kind, false);

		if (seg == HS_SEG_NONE)
			return HS_REF_NONE;
		(*nsegs)++;
		/* not zeroed here: that much at once took a command 100 us, not 30 */
		for (int i = HS_PAGES_PER_SEG - 1; i >= 0; i--)
		{
			uint8_t    *p = hs_seg_data(seg) + i * HS_PAGE_SIZE;

			hs_racy_copy(p + PAGE_LINK, pool, sizeof(HsRef));
			*pool = hs_ref(p);
		}
		*nfree += HS_PAGES_PER_SEG;
	}
	page = *pool;
	hs_racy_copy(pool, (uint8_t *) hs_ptr(page) + PAGE_LINK, sizeof(HsRef));
	(*nfree)--;
	return page;
}

HsRef
hs_index_page_get(void)
{
	HsRegion   *r = hs_region;
	HsRef		page;

	hs_port_lock(&r->lock, HS_EXCLUSIVE);
	page = pool_get(&r->free_index_page, &r->index_pages_free, &r->index_segs,
					HS_SEG_INDEX);
	hs_port_unlock(&r->lock);
	if (page != HS_REF_NONE)
	{
		/* see hs_seg_get(): here the geometry of the partition has changed */
		atomic_thread_fence(memory_order_release);
		hs_racy_zero(hs_ptr(page), HS_PAGE_SIZE);
	}
	return page;
}

void
hs_index_page_put(HsRef page)
{
	HsRegion   *r = hs_region;

	hs_port_lock(&r->lock, HS_EXCLUSIVE);
	hs_racy_copy((uint8_t *) hs_ptr(page) + PAGE_LINK, &r->free_index_page, sizeof(HsRef));
	r->free_index_page = page;
	r->index_pages_free++;
	hs_port_unlock(&r->lock);
}

/*
 * Pages of HsPart keep everything: locks stay locks for ever.  The link of a
 * free page therefore lies in a field of its own.
 */
HsRef
hs_part_page_get(void)
{
	HsRegion   *r = hs_region;
	HsRef		page;

	hs_port_lock(&r->lock, HS_EXCLUSIVE);
	page = r->free_part_page;
	if (page != HS_REF_NONE)
	{
		r->free_part_page = ((HsPart *) hs_ptr(page))->next_free_page;
		r->part_pages_free--;
	}
	else
	{
		uint32_t	seg = hs_seg_get(HS_SEG_PART, false);

		if (seg != HS_SEG_NONE)
		{
			memset(hs_seg_data(seg), 0, HS_SEG_SIZE);
			r->part_segs++;
			for (int i = HS_PAGES_PER_SEG - 1; i >= 0; i--)
			{
				HsPart	   *parts = (HsPart *) (hs_seg_data(seg) + i * HS_PAGE_SIZE);

				for (uint32_t k = 0; k < HS_PAGE_SIZE / sizeof(HsPart); k++)
				{
					hs_port_lock_init(&parts[k].lock);
					parts[k].next_version = r->version_base;
				}
				page = hs_ref(parts);
				if (i > 0)
				{
					parts->next_free_page = r->free_part_page;
					r->free_part_page = page;
					r->part_pages_free++;
				}
			}
		}
	}
	hs_port_unlock(&r->lock);
	return page;
}

void
hs_part_page_put(HsRef page)
{
	HsRegion   *r = hs_region;

	hs_port_lock(&r->lock, HS_EXCLUSIVE);
	((HsPart *) hs_ptr(page))->next_free_page = r->free_part_page;
	r->free_part_page = page;
	r->part_pages_free++;
	hs_port_unlock(&r->lock);
}

/*
 * ---- Charging ------------------------------------------------------------------
 */

bool
hs_charge(HsKeyspace *ks, uint64_t bytes, bool for_compaction)
{
	uint64_t	limit = atomic_load_explicit(&ks->limit, memory_order_relaxed);
	uint64_t	used = atomic_load_explicit(&ks->bytes, memory_order_relaxed);

	if (!for_compaction)
	{
		uint64_t	reserve = atomic_load_explicit(&ks->reserve, memory_order_relaxed);

		limit -= reserve < limit ? reserve : limit;
	}
	do
	{
		if (used + bytes > limit)
			return false;
	} while (!atomic_compare_exchange_weak_explicit(&ks->bytes, &used, used + bytes,
													memory_order_relaxed,
													memory_order_relaxed));
	return true;
}

void
hs_uncharge(HsKeyspace *ks, uint64_t bytes)
{
	atomic_fetch_sub_explicit(&ks->bytes, bytes, memory_order_relaxed);
	atomic_fetch_add_explicit(&ks->freed, bytes, memory_order_relaxed);
}

/* Could 'bytes' more be charged, and had from the region, right now? */
bool
hs_has_room(HsKeyspace *ks, uint64_t bytes)
{
	uint64_t	limit = atomic_load_explicit(&ks->limit, memory_order_relaxed);
	uint64_t	used = atomic_load_explicit(&ks->bytes, memory_order_relaxed);
	uint64_t	segs = (bytes + HS_SEG_SIZE - 1) >> hs_seg_shift;

	return used + bytes + ks->reserve <= limit &&
		atomic_load_explicit(&hs_region->free_segs, memory_order_relaxed) >=
		hs_region->reserve_segs + segs;
}

uint32_t
hs_part_seg_get(HsPart *part, HsSegKind kind, bool for_compaction)
{
	HsKeyspace *ks = hs_part_keyspace(part);
	uint32_t	seg;

	if (!hs_charge(ks, HS_SEG_SIZE, for_compaction))
		return HS_SEG_NONE;
	seg = hs_seg_get(kind, for_compaction);
	if (seg == HS_SEG_NONE)
	{
		atomic_fetch_sub_explicit(&ks->bytes, HS_SEG_SIZE, memory_order_relaxed);
		return HS_SEG_NONE;
	}
	hs_segs[seg].keyspace = part->keyspace;
	hs_segs[seg].part = part->number;
	return seg;
}

void
hs_part_seg_put(HsPart *part, uint32_t seg)
{
	hs_uncharge(hs_part_keyspace(part), HS_SEG_SIZE);
	hs_seg_put(seg);
}

/* An index page, zeroed. */
HsRef
hs_part_page_take(HsPart *part)
{
	HsKeyspace *ks = hs_part_keyspace(part);
	HsRef		page;

	if (!hs_charge(ks, HS_PAGE_SIZE, false))
		return HS_REF_NONE;
	page = hs_index_page_get();
	if (page == HS_REF_NONE)
		atomic_fetch_sub_explicit(&ks->bytes, HS_PAGE_SIZE, memory_order_relaxed);
	else
		atomic_fetch_add_explicit(&ks->index_bytes, HS_PAGE_SIZE, memory_order_relaxed);
	return page;
}

void
hs_part_page_return(HsPart *part, HsRef page)
{
	HsKeyspace *ks = hs_part_keyspace(part);

	hs_index_page_put(page);
	atomic_fetch_sub_explicit(&ks->index_bytes, HS_PAGE_SIZE, memory_order_relaxed);
	hs_uncharge(ks, HS_PAGE_SIZE);
}
