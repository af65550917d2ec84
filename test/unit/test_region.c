/*
 * test_region.c
 *	  Geometry of regions of all sizes, the free list, the page pools.
 */
#define _GNU_SOURCE
#include <sys/wait.h>
#include <unistd.h>

#include "heap_test.h"
#include "test.h"

#define MB	((size_t) 1 << 20)
#define GB	((size_t) 1 << 30)

static void
check_geometry(size_t size)
{
	uint64_t	table_end;

	CHECK_EQ(hs_region->size, size);
	CHECK_EQ(hs_region_size, size);
	CHECK_EQ(hs_region->shift, hs_shift);
	CHECK_EQ(hs_region->seg_shift, hs_seg_shift);
	CHECK_EQ(hs_region->data_offset, hs_data_offset);
	CHECK(hs_seg_shift >= 16 && hs_seg_shift <= 20);
	/* every byte has an offset of 32 bits */
	CHECK(((size - 1) >> hs_shift) <= UINT32_MAX);
	CHECK_EQ(hs_shift, size <= 32 * GB ? 3 : size <= 64 * GB ? 4 : 5);
	CHECK_EQ(hs_data_offset % ((size_t) 1 << hs_shift), 0);
	table_end = hs_region->segs_offset + (uint64_t) hs_region->nsegs * sizeof(HsSeg);
	CHECK(table_end <= hs_data_offset);
	CHECK(hs_region->keyspaces_offset >= sizeof(HsRegion));
	CHECK_EQ((uintptr_t) hs_segs % HS_CACHE_LINE, 0);
	CHECK(hs_data_offset + (uint64_t) hs_region->nsegs * HS_SEG_SIZE <= size);
	/* no more than 4 segments or 3 % go to headers and rounding */
	CHECK(size - (uint64_t) hs_region->nsegs * HS_SEG_SIZE <= size / 32 + 4 * HS_SEG_SIZE);
}

static void
check_addresses(void)
{
	uint32_t	last = hs_region->nsegs - 1;
	uint32_t	seg[] = {0, 1, hs_region->nsegs / 2, last};

	for (int i = 0; i < 4; i++)
	{
		uint8_t    *first = hs_seg_data(seg[i]);
		uint8_t    *end = first + HS_SEG_SIZE - ((size_t) 1 << hs_shift);

		CHECK(hs_ptr(hs_ref(first)) == (void *) first);
		CHECK(hs_ptr(hs_ref(end)) == (void *) end);
		CHECK_EQ(hs_seg_of(hs_ref(first)), seg[i]);
		CHECK_EQ(hs_seg_of(hs_ref(end)), seg[i]);
		CHECK(hs_ref(first) != HS_REF_NONE);
	}
}

static void
regions_of_all_sizes(void)
{
	static const size_t sizes[] = {
		HS_MIN_REGION, HS_MIN_REGION + 64, 10 * MB + 4096 + 192, 64 * MB, 100 * MB + 64,
		500 * MB, 1 * GB, 1 * GB + 64, 3 * GB, 16 * GB, 20 * GB, 32 * GB, 33 * GB, 64 * GB,
		65 * GB, 128 * GB
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		if (sizes[i] > HEAP_MAX_SIZE)
			continue;
		CASE("size %zu", sizes[i]);
		heap_open(sizes[i]);
		check_geometry(sizes[i]);
		check_addresses();
		CHECK_EQ(heap_segs_in_use(), 0);
		CHECK_WELL(hs_region_verify());
	}
	heap_close();
}

static void
refuses_sizes_out_of_range(void)
{
	void	   *mem = aligned_alloc(64, HS_MIN_REGION);

	CHECK(hs_region_init(mem, HS_MIN_REGION - 64, HEAP_NOW) != HS_OK);
	CHECK(hs_region_init(mem, 0, HEAP_NOW) != HS_OK);
	CHECK(hs_region_init(mem, HS_MAX_REGION + 4096, HEAP_NOW) != HS_OK);
	free(mem);
}

static void
attach_checks_magic_and_layout(void)
{
	HsRegion   *region;

	heap_open(HS_MIN_REGION);
	region = hs_region;
	CHECK_EQ(hs_region_attach(region), HS_OK);
	check_geometry(HS_MIN_REGION);
	check_addresses();
	region->magic ^= 1;
	CHECK_EQ(hs_region_attach(region), HS_CORRUPT);
	region->magic ^= 1;
	region->layout++;
	CHECK_EQ(hs_region_attach(region), HS_CORRUPT);
	region->layout--;
	CHECK_EQ(hs_region_attach(region), HS_OK);
	heap_close();
}

/* Take all that is to be had; the number, their numbers in 'taken'. */
static uint32_t
take_all(uint32_t *taken, HsSegKind kind, bool for_compaction)
{
	uint32_t	n = 0;
	uint32_t	seg;

	while ((seg = hs_seg_get(kind, for_compaction)) != HS_SEG_NONE)
		taken[n++] = seg;
	return n;
}

static void
every_segment_is_given_once(void)
{
	uint32_t   *taken;
	uint8_t    *seen;
	uint32_t	total,
				n;

	heap_open(20 * MB);
	total = atomic_load(&hs_region->free_segs);
	CHECK_EQ(total, hs_region->nsegs - hs_region->index_segs - hs_region->part_segs);
	taken = calloc(hs_region->nsegs + 1, sizeof(*taken));
	seen = calloc(hs_region->nsegs, 1);
	for (int round = 0; round < 3; round++)
	{
		memset(seen, 0, hs_region->nsegs);
		n = take_all(taken, HS_SEG_LOG_SMALL, true);
		CHECK_EQ(n, total);
		CHECK_EQ(atomic_load(&hs_region->free_segs), 0);
		for (uint32_t i = 0; i < n; i++)
		{
			HsSeg	   *s = &hs_segs[taken[i]];

			REQUIRE(taken[i] < hs_region->nsegs);
			CHECK_EQ(seen[taken[i]]++, 0);
			CHECK_EQ(s->kind, HS_SEG_LOG_SMALL);
			CHECK_EQ(s->used, 0);
			CHECK_EQ(s->live, 0);
			CHECK_EQ(s->page_map, 0);
			CHECK_EQ(atomic_load(&s->pins), 0);
			/* what an owner leaves behind must not reach the next one */
			s->used = s->live = s->page_map = 77;
			s->min_expires_us = s->min_dues_us = 5;
			memset(hs_seg_data(taken[i]), 0xee, HS_SEG_SIZE);
		}
		for (uint32_t i = 0; i < n; i++)
		{
			hs_segs[taken[i]].used = hs_segs[taken[i]].live = hs_segs[taken[i]].page_map = 0;
			hs_seg_put(taken[i]);
			CHECK_EQ(hs_segs[taken[i]].kind, HS_SEG_FREE);
		}
		CHECK_EQ(atomic_load(&hs_region->free_segs), total);
	}
	CHECK_WELL(hs_region_verify());
	free(seen);
	free(taken);
	heap_close();
}

static void
compaction_has_a_reserve(void)
{
	uint32_t   *taken;
	uint32_t	n,
				more;

	heap_open(HS_MIN_REGION);
	taken = calloc(hs_region->nsegs + 1, sizeof(*taken));
	CHECK(hs_region->reserve_segs > 0);
	n = take_all(taken, HS_SEG_SLAB, false);
	CHECK_EQ(atomic_load(&hs_region->free_segs), hs_region->reserve_segs);
	more = take_all(taken + n, HS_SEG_LOG_MAIN, true);
	CHECK_EQ(more, hs_region->reserve_segs);
	/* one given back refills the reserve first */
	hs_seg_put(taken[0]);
	CHECK_EQ(hs_seg_get(HS_SEG_SLAB, false), HS_SEG_NONE);
	CHECK_EQ(hs_seg_get(HS_SEG_LOG_MAIN, true), taken[0]);
	for (uint32_t i = 0; i < n + more; i++)
		hs_seg_put(taken[i]);
	CHECK_EQ(heap_segs_in_use(), 0);
	free(taken);
	heap_close();
}

static void
allocation_fails_on_demand(void)
{
	uint32_t	a,
				b;

	heap_open(HS_MIN_REGION);
	heap_fail_after(2);
	a = hs_seg_get(HS_SEG_LOG_SMALL, false);
	b = hs_seg_get(HS_SEG_LOG_SMALL, true);
	CHECK(a != HS_SEG_NONE && b != HS_SEG_NONE);
	CHECK_EQ(hs_seg_get(HS_SEG_LOG_SMALL, false), HS_SEG_NONE);
	CHECK_EQ(hs_seg_get(HS_SEG_LOG_SMALL, true), HS_SEG_NONE);
	heap_fail_after(-1);
	hs_seg_put(a);
	hs_seg_put(b);
	a = hs_seg_get(HS_SEG_LOG_SMALL, false);
	CHECK(a != HS_SEG_NONE);
	hs_seg_put(a);
	heap_close();
}

typedef struct PagePool
{
	const char *name;
	HsRef		(*get) (void);
	void		(*put) (HsRef page);
} PagePool;

static const PagePool pools[] = {
	{"index", hs_index_page_get, hs_index_page_put},
	{"part", hs_part_page_get, hs_part_page_put},
};

static void
page_pools_recycle(void)
{
	for (int p = 0; p < 2; p++)
	{
		const PagePool *pool = &pools[p];
		HsRef	   *pages;
		uint32_t	n = 0,
					again = 0,
					max;

		CASE("%s", pool->name);
		heap_open(HS_MIN_REGION);
		max = hs_region->nsegs * HS_PAGES_PER_SEG;
		pages = calloc(max + 1, sizeof(*pages));
		while ((pages[n] = pool->get()) != HS_REF_NONE)
		{
			uint8_t    *page = hs_ptr(pages[n]);

			REQUIRE(n <= max);
			CHECK_EQ((uintptr_t) page % HS_CACHE_LINE, 0);
			CHECK((size_t) (page - hs_base) + HS_PAGE_SIZE <= hs_region->size);
			for (size_t i = HS_CACHE_LINE; i < HS_PAGE_SIZE; i++)
				page[i] = (uint8_t) (n * 7);
			n++;
		}
		CHECK_EQ(n, (hs_region->nsegs - hs_region->reserve_segs) * HS_PAGES_PER_SEG);
		/* no two pages overlap */
		for (uint32_t i = 0; i < n; i++)
		{
			uint8_t    *page = hs_ptr(pages[i]);

			CHECK(page[HS_CACHE_LINE] == (uint8_t) (i * 7) &&
				  page[HS_PAGE_SIZE - 1] == (uint8_t) (i * 7));
		}
		for (uint32_t i = 0; i < n; i++)
			pool->put(pages[i]);
		while (pool->get() != HS_REF_NONE && again <= n)
			again++;
		CHECK_EQ(again, n);
		free(pages);
	}
	heap_close();
}

/*
 * A reader without a lock who was late sets visited bits in bucket headers of
 * pages that were freed, or serve for something else already.
 */
static void
late_visited_bits_do_no_harm(void)
{
	HsRef		pages[64];

	heap_open(HS_MIN_REGION);
	for (int i = 0; i < 64; i++)
	{
		pages[i] = hs_index_page_get();
		REQUIRE(pages[i] != HS_REF_NONE);
	}
	for (int i = 0; i < 64; i++)
		hs_index_page_put(pages[i]);
	for (int i = 0; i < 64; i++)
		for (size_t k = 0; k < HS_PAGE_SIZE; k += 64)
			*(uint64_t *) ((uint8_t *) hs_ptr(pages[i]) + k) |= 0x7ff;
	for (int i = 0; i < 64; i++)
	{
		HsRef		page = hs_index_page_get();
		bool		known = false;

		for (int k = 0; k < 64; k++)
			known |= pages[k] == page;
		REQUIRE(known);
	}
	heap_close();
}

#define RACERS	4

/* Take and give back; a segment met with another owner's mark ends in 1. */
static int
race_for_segments(unsigned id)
{
	TestRandom	r = {id};
	uint32_t	mine[24];
	unsigned	n = 0;

	for (int i = 0; i < 60000; i++)
	{
		if (n < 24 && test_below(&r, 2) == 0)
		{
			uint32_t	seg = hs_seg_get(HS_SEG_SLAB, true);

			if (seg == HS_SEG_NONE)
				continue;
			if (hs_segs[seg].live != 0)
				return 1;
			hs_segs[seg].live = id;
			*(uint64_t *) hs_seg_data(seg) = id;
			mine[n++] = seg;
		}
		else if (n > 0)
		{
			unsigned	k = (unsigned) test_below(&r, n);

			if (hs_segs[mine[k]].live != id || *(uint64_t *) hs_seg_data(mine[k]) != id)
				return 1;
			hs_segs[mine[k]].live = 0;
			hs_seg_put(mine[k]);
			mine[k] = mine[--n];
		}
	}
	while (n > 0)
	{
		hs_segs[mine[--n]].live = 0;
		hs_seg_put(mine[n]);
	}
	return 0;
}

static void
free_list_serves_many_processes(void)
{
	uint32_t	total;
	uint32_t	spare[4096];
	uint32_t	nspare = 0;

	heap_open(HS_MIN_REGION);
	total = atomic_load(&hs_region->free_segs);
	/* leave so few that it runs empty again and again */
	while (atomic_load(&hs_region->free_segs) > 20)
		spare[nspare++] = hs_seg_get(HS_SEG_SLAB, true);
	for (unsigned id = 1; id <= RACERS; id++)
		if (fork() == 0)
			_exit(race_for_segments(id));
	for (unsigned id = 1; id <= RACERS; id++)
	{
		int			status = -1;

		wait(&status);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	while (nspare > 0)
		hs_seg_put(spare[--nspare]);
	CHECK_EQ(atomic_load(&hs_region->free_segs), total);
	CHECK_WELL(hs_region_verify());
	heap_close();
}

TEST_MAIN(TEST(regions_of_all_sizes),
		  TEST(refuses_sizes_out_of_range),
		  TEST(attach_checks_magic_and_layout),
		  TEST(every_segment_is_given_once),
		  TEST(compaction_has_a_reserve),
		  TEST(allocation_fails_on_demand),
		  TEST(page_pools_recycle),
		  TEST(late_visited_bits_do_no_harm),
		  TEST(free_list_serves_many_processes))
