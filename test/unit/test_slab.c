/*
 * test_slab.c
 *	  Nodes: size classes, promises, pages and segments that come back.
 */
#include "heap_test.h"
#include "part.h"
#include "test.h"

#define MB	((size_t) 1 << 20)

static HsPart *part;
static HsKeyspace *ks;

/* A partition of its own, without the store: only its lock and who pays. */
static void
open_part(size_t region, uint64_t limit)
{
	HsRef		page;

	heap_open(region);
	page = hs_part_page_get();
	REQUIRE(page != HS_REF_NONE);
	part = hs_ptr(page);
	part->keyspace = 0;
	part->slab_open = part->slab_full = HS_SEG_NONE;
	ks = &hs_keyspaces[0];
	atomic_store(&ks->limit, limit);
	hs_port_lock(&part->lock, HS_EXCLUSIVE);
}

static void
close_part(void)
{
	hs_slab_settle(part);
	CHECK_EQ(hs_slab_bytes(part), 0);
	CHECK_EQ(atomic_load(&ks->bytes), 0);
	CHECK_EQ(heap_segs_in_use(), 0);
	for (int c = 0; c < HS_SLAB_CLASSES; c++)
		CHECK(part->slab_partial[c] == HS_REF_NONE && part->slab_nfree[c] == 0);
	hs_port_unlock(&part->lock);
	heap_close();
}

static void
check_classes(void)
{
	uint32_t	previous = 0;
	uint32_t	granule = 1u << hs_shift;

	for (uint32_t size = 1; size <= hs_slab_max(); size++)
	{
		uint32_t	got = hs_slab_round(size);

		CASE("granule %u size %u", granule, size);
		CHECK(got >= size && got >= previous);
		CHECK(got % granule == 0 && got % 8 == 0);
		CHECK_EQ(hs_slab_round(got), got);
		/* at most an eighth is lost, or what does not divide a page */
		if (size > 64 && size <= 1024)
			CHECK(got - size <= size / 8 + granule);
		previous = got;
	}
	CASE("granule %u", granule);
	CHECK_EQ(hs_slab_max(), hs_slab_round(hs_slab_max()));
}

static void
sizes_round_up_to_classes(void)
{
	static const size_t regions[] = {8 * MB, 2048 * MB, (size_t) 20 << 30,
	(size_t) 60 << 30, (size_t) 100 << 30};

	for (int i = 0; i < 5; i++)
		if (regions[i] <= HEAP_MAX_SIZE)
		{
			heap_open(regions[i]);
			check_classes();
		}
	heap_close();
}

/* Bytes of a page, as one small node shows. */
static uint32_t
page_size(void)
{
	HsRef		node = hs_slab_alloc(part, 8);
	uint32_t	bytes = (uint32_t) hs_slab_bytes(part);

	hs_slab_free(part, node, 8);
	return bytes;
}

/* Nodes of a size fill pages without overlap and with little waste. */
static void
nodes_fill_pages(void)
{
	static const uint32_t sizes[] = {1, 8, 9, 24, 40, 64, 100, 128, 129, 300, 512, 1000, 1024,
	1025, 2000, 2688, 4096, 4097, 8192, 8193, 20000, 65536};

	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++)
	{
		uint32_t	size = sizes[k];
		uint32_t	n,
					per_page,
					unit;
		HsRef	   *nodes;

		CASE("size %u", size);
		open_part(16 * MB, 16 * MB);
		n = 2 + 3 * (uint32_t) HS_SEG_SIZE / size;
		per_page = size > 4096 ? 1 : (page_size() - HS_CACHE_LINE) / hs_slab_round(size);
		unit = size > 4096 ? hs_slab_round(size) : page_size();
		nodes = calloc(n, sizeof(*nodes));
		for (uint32_t i = 0; i < n; i++)
		{
			nodes[i] = hs_slab_alloc(part, size);
			REQUIRE(nodes[i] != HS_REF_NONE);
			CHECK_EQ((uintptr_t) hs_ptr(nodes[i]) % 8, 0);
			if (size == 64 || size == 128)
				CHECK_EQ((uintptr_t) hs_ptr(nodes[i]) % 64, 0);
			memset(hs_ptr(nodes[i]), (int) (i * 31), size);
		}
		CHECK_EQ(hs_slab_bytes(part), (n + per_page - 1) / per_page * unit);
		for (uint32_t i = 0; i < n; i++)
		{
			uint8_t    *p = hs_ptr(nodes[i]);

			CHECK(p[0] == (uint8_t) (i * 31) && p[size - 1] == (uint8_t) (i * 31));
		}
		for (uint32_t i = 0; i < n; i++)
			hs_slab_free(part, nodes[(uint64_t) i * 7919 % n], size);
		free(nodes);
		if (n % 7919 == 0)
			test_fail(__FILE__, __LINE__, "the order of freeing is no permutation");
		close_part();
	}
}

/* Small sizes often, long ones at times, none above max. */
static uint32_t
random_size(TestRandom *r, uint32_t max)
{
	uint32_t	cut = test_below(r, 10) == 0 ? max : test_below(r, 2) == 0 ? 100 : 2000;

	return 1 + (uint32_t) test_below(r, cut);
}

/* What was promised is given, even with no segment left. */
static void
promises_are_kept(void)
{
	TestRandom	r = {test_seed(7)};

	int			kept = 0;

	for (int round = 0; round < 400; round++)
	{
		HsSlabNeed	needs[6];
		HsRef		nodes[6][64];
		HsRef		old[64];
		uint32_t	old_size[64];
		uint32_t	nold;
		int			n = 1 + (int) test_below(&r, 6);
		bool		promised;
		uint64_t	before;

		open_part(16 * MB, (2 + test_below(&r, 100)) * HS_SEG_SIZE);
		for (int i = 0; i < n; i++)
		{
			needs[i].size = random_size(&r, hs_slab_max());
			needs[i].count = (uint32_t) test_below(&r, 64);
		}
		/* some pages are in use already, with holes */
		nold = (uint32_t) test_below(&r, 64);
		for (uint32_t i = 0; i < nold; i++)
		{
			old_size[i] = random_size(&r, 40000);
			old[i] = hs_slab_alloc(part, old_size[i]);
		}
		for (uint32_t i = 0; i < nold; i++)
			if (old[i] != HS_REF_NONE && test_below(&r, 2) == 0)
			{
				hs_slab_free(part, old[i], old_size[i]);
				old[i] = HS_REF_NONE;
			}
		hs_slab_settle(part);
		before = atomic_load(&ks->bytes);
		promised = hs_slab_prepare(part, needs, n);
		if (!promised)
			CHECK_EQ(atomic_load(&ks->bytes), before);
		kept += promised;
		heap_fail_after(0);
		for (int i = 0; promised && i < n; i++)
			for (uint32_t k = 0; k < needs[i].count; k++)
			{
				nodes[i][k] = hs_slab_alloc(part, needs[i].size);
				REQUIRE(nodes[i][k] != HS_REF_NONE);
				memset(hs_ptr(nodes[i][k]), 0x5a, needs[i].size);
			}
		heap_fail_after(-1);
		for (int i = 0; promised && i < n; i++)
			for (uint32_t k = 0; k < needs[i].count; k++)
				hs_slab_free(part, nodes[i][k], needs[i].size);
		for (uint32_t i = 0; i < nold; i++)
			if (old[i] != HS_REF_NONE)
				hs_slab_free(part, old[i], old_size[i]);
		close_part();
	}
	CASE(" ");
	CHECK(kept > 100 && kept < 400);
}

/* A promise stands while other nodes are freed, and whole pages with them. */
static void
promise_survives_frees(void)
{
	HsRef		old[512];
	HsSlabNeed	need = {100, 60};
	uint32_t	nold = 0;

	open_part(8 * MB, 8 * MB);
	while (nold < 200)
		old[nold++] = hs_slab_alloc(part, 100);
	REQUIRE(hs_slab_prepare(part, &need, 1));
	heap_fail_after(0);
	for (uint32_t i = 0; i < 200; i++)
		hs_slab_free(part, old[i], 100);
	for (uint32_t i = 0; i < 60; i++)
	{
		old[i] = hs_slab_alloc(part, 100);
		REQUIRE(old[i] != HS_REF_NONE);
	}
	heap_fail_after(-1);
	for (uint32_t i = 0; i < 60; i++)
		hs_slab_free(part, old[i], 100);
	close_part();
}

static void
unused_promise_is_forgotten(void)
{
	HsSlabNeed	need = {1000, 500};

	open_part(8 * MB, 8 * MB);
	REQUIRE(hs_slab_prepare(part, &need, 1));
	CHECK(atomic_load(&ks->bytes) >= 500000);
	hs_slab_settle(part);
	CHECK_EQ(atomic_load(&ks->bytes), 0);
	need.count = 1000000;
	CHECK(!hs_slab_prepare(part, &need, 1));
	CHECK_EQ(atomic_load(&ks->bytes), 0);
	close_part();
}

static void
reset_gives_back_everything(void)
{
	open_part(8 * MB, 8 * MB);
	for (uint32_t i = 0; i < 5000; i++)
		hs_slab_alloc(part, 1 + i * 37 % hs_slab_max());
	CHECK(hs_slab_bytes(part) > 0);
	hs_slab_reset(part);
	close_part();
}

typedef struct Node
{
	HsRef		ref;
	uint32_t	size;
	uint8_t		mark;
} Node;

/*
 * Random allocation and freeing until nothing is left and back, with the
 * limit reached; a node that is given twice shows by its mark.
 */
static void
random_nodes_do_not_overlap(void)
{
	TestRandom	r = {test_seed(11)};
	uint32_t	max = 40000;
	Node	   *nodes = calloc(max, sizeof(*nodes));
	uint32_t	n = 0;
	uint64_t	steps = test_scaled(400000);
	uint64_t	payload = 0;

	open_part(8 * MB, 4 * MB);
	for (uint64_t step = 0; step < steps; step++)
	{
		/* phases of 20000 steps grow and shrink */
		bool		grow = test_below(&r, 100) < (step / 20000 % 2 == 0 ? 70u : 30u);

		if (grow && n < max)
		{
			uint32_t	size = random_size(&r, 20000);
			HsRef		ref = hs_slab_alloc(part, size);

			if (ref == HS_REF_NONE)
			{
				/* nodes do not move, so holes remain; not too many */
				CHECK(payload > 4 * MB / 2 || size > 2000);
				continue;
			}
			nodes[n] = (Node) {ref, size, (uint8_t) step};
			memset(hs_ptr(ref), nodes[n].mark, size);
			payload += size;
			n++;
		}
		else if (n > 0)
		{
			uint32_t	k = (uint32_t) test_below(&r, n);
			uint8_t    *p = hs_ptr(nodes[k].ref);
			uint32_t	bad = 0;

			for (uint32_t i = 0; i < nodes[k].size; i++)
				bad += p[i] != nodes[k].mark;
			REQUIRE_EQ(bad, 0);
			hs_slab_free(part, nodes[k].ref, nodes[k].size);
			payload -= nodes[k].size;
			nodes[k] = nodes[--n];
		}
		if (test_below(&r, 50) == 0)
			hs_slab_settle(part);
		CHECK(hs_slab_bytes(part) <= atomic_load(&ks->bytes));
	}
	while (n > 0)
	{
		n--;
		hs_slab_free(part, nodes[n].ref, nodes[n].size);
	}
	free(nodes);
	close_part();
}

TEST_MAIN(TEST(sizes_round_up_to_classes),
		  TEST(nodes_fill_pages),
		  TEST(promises_are_kept),
		  TEST(promise_survives_frees),
		  TEST(unused_promise_is_forgotten),
		  TEST(reset_gives_back_everything),
		  TEST(random_nodes_do_not_overlap))
