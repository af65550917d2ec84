/*
 * test_big.c
 *	  Large values: pages, chunks and tail; pins that outlive the key.
 */
#include "heap_test.h"
#include "keys_test.h"
#include "port_test.h"
#include "test.h"

#define MB	((size_t) 1 << 20)
#define MAX_SIZE (3 * MB)

static HsHandle ks;
static uint8_t buf[MAX_SIZE],
			want[MAX_SIZE];

static void
open_store(size_t region, HsEviction eviction)
{
	heap_open(region);
	heap_keyspace(&ks, 1, eviction, 0);
}

static void
set(uint64_t n, size_t size, uint64_t seed)
{
	char		name[KEYS_NAME_SIZE];

	keys_pattern(want, size, seed);
	REQUIRE_EQ(keys_set(&ks, keys_name(name, n), hs_bytes(want, size), HS_NEVER, HEAP_NOW), HS_OK);
}

static bool
is(uint64_t n, size_t size, uint64_t seed)
{
	char		name[KEYS_NAME_SIZE];
	HsRead		read;

	return keys_get(&ks, keys_name(name, n), HEAP_NOW, buf, sizeof(buf), &read) == HS_OK &&
		read.size == size && keys_is_pattern(hs_bytes(buf, size), seed);
}

/* Around every border: threshold, chunks, pages. */
static void
sizes_around_borders(void)
{
	size_t		borders[40];
	int			n = 0;

	open_store(32 * MB, HS_EVICT_NONE);
	borders[n++] = hs_big_threshold();
	for (size_t i = 1; i <= 16; i++)
		borders[n++] = i * HS_SEG_SIZE / 8;
	for (size_t i = 3; i <= 20; i += 4)
		borders[n++] = i * HS_SEG_SIZE;
	for (int i = 0; i < n; i++)
		for (int d = -40; d <= 40; d += d > -3 && d < 2 ? 1 : 19)
		{
			size_t		size = borders[i] + (size_t) d;
			HsStats		s;

			CASE("size %zu", size);
			set(1, size, size);
			CHECK(is(1, size, size));
			s = keys_stats(&ks);
			/* whole segments and what lies in the logs, little else */
			CHECK(s.big_bytes <= size);
			CHECK(s.big_bytes + s.live_bytes <= size + size / 50 + 500);
			CHECK(hs_big_rest_offset(size) <= size);
		}
	heap_check(&ks);
	CHECK(keys_del(&ks, hs_bytes_str("key:1"), HEAP_NOW));
	CHECK_EQ(keys_stats(&ks).big_bytes, 0);
	CHECK_EQ(keys_stats(&ks).live_bytes, 0);
	heap_finish(&ks);
}

/* Any part of the value, from pages, chunks and tail. */
static void
parts_are_read(void)
{
	TestRandom	r = {test_seed(2)};

	open_store(32 * MB, HS_EVICT_NONE);
	for (int i = 0; i < 60; i++)
	{
		size_t		size = hs_big_threshold() + 1 + test_below(&r, 2 * MB);

		set(1, size, (uint64_t) i);
		for (int k = 0; k < 50; k++)
		{
			size_t		offset = test_below(&r, size);
			size_t		n = test_below(&r, size - offset + 1);
			HsBigPin	pin = HS_BIG_NO_PIN;
			HsRecord   *record;
			HsOp		op;

			CASE("%zu bytes at %zu of %zu", n, offset, size);
			if (k % 3 == 0 && n > 100)
				n = 100;
			memset(buf, 0xcc, n + 16);
			REQUIRE_EQ(hs_op_begin(&op, &ks, hs_bytes_str("key:1"), HS_SHARED, HEAP_NOW), HS_OK);
			record = hs_find(&op);
			REQUIRE(record != NULL);
			CHECK_EQ(hs_big_size(record), size);
			hs_big_copy_locked(record, offset, buf, n, &pin);
			hs_op_end(&op);
			if (pin.first_page != HS_SEG_NONE)
			{
				hs_big_copy_pages(&pin, offset, buf, n, 0);
				hs_big_unpin(&pin);
			}
			CHECK(memcmp(buf, want + offset, n) == 0);
			for (int b = 0; b < 16; b++)
				CHECK_EQ(buf[n + (size_t) b], 0xcc);
		}
	}
	heap_finish(&ks);
}

static void
pin_key(HsBigPin *pin, size_t size)
{
	HsOp		op;

	REQUIRE_EQ(hs_op_begin(&op, &ks, hs_bytes_str("key:1"), HS_SHARED, HEAP_NOW), HS_OK);
	hs_big_copy_locked(hs_find(&op), 0, buf, size, pin);
	hs_op_end(&op);
	REQUIRE(pin->first_page != HS_SEG_NONE);
}

/* Ways a pinned value goes away. */
static void
replace(void)
{
	set(1, 10, 3);
}

static void
replace_big(void)
{
	set(1, 700001, 3);
}

static void
delete(void)
{
	CHECK(keys_del(&ks, hs_bytes_str("key:1"), HEAP_NOW));
}

static void
expire(void)
{
	CHECK_EQ(keys_expire(&ks, hs_bytes_str("key:1"), HEAP_NOW + 1, HEAP_NOW), HS_OK);
	keys_work(&ks, HEAP_NOW + 100 * HEAP_SECOND);
	CHECK_EQ(keys_stats(&ks).keys, 0);
}

static void
flush(void)
{
	uint64_t	removed;

	CHECK_EQ(hs_keyspace_flush(&ks, HEAP_NOW, &removed), HS_OK);
	CHECK_EQ(removed, 1);
}

static void
drop(void)
{
	hs_keyspace_drop(HEAP_DB, 1);
	heap_keyspace(&ks, 1, HS_EVICT_NONE, 0);
}

/* A reader that holds pins gets the whole old value; the last one frees it. */
static void
pinned_value_outlives_its_key(void)
{
	static const struct
	{
		const char *name;
		void		(*end) (void);
	}			ways[] = {
		{"replace", replace}, {"replace by a big one", replace_big}, {"delete", delete},
		{"expire", expire}, {"flush", flush}, {"drop", drop}
	};
	size_t		size = 900000;

	for (int i = 0; i < 6; i++)
	{
		HsBigPin	a = HS_BIG_NO_PIN,
					b = HS_BIG_NO_PIN;
		uint32_t	orphans;

		CASE("%s", ways[i].name);
		open_store(32 * MB, HS_EVICT_NONE);
		set(1, size, 1);
		pin_key(&a, size);
		pin_key(&b, size);
		ways[i].end();
		orphans = atomic_load(&hs_region->orphan_segs);
		CHECK(orphans >= 6);
		CHECK_WELL(hs_region_verify());
		/* whatever is written meanwhile, the pages are not used again */
		for (uint64_t k = 10; k < 20; k++)
			set(k, 800000, k);
		hs_big_copy_pages(&a, 0, buf, size, 0);
		hs_big_unpin(&a);
		CHECK(keys_is_pattern(hs_bytes(buf, size), 1));
		CHECK_EQ(atomic_load(&hs_region->orphan_segs), orphans);
		memset(buf, 0, hs_big_rest_offset(size));
		hs_big_copy_pages(&b, 0, buf, size, 0);
		CHECK(keys_is_pattern(hs_bytes(buf, size), 1));
		hs_big_unpin(&b);
		CHECK_EQ(atomic_load(&hs_region->orphan_segs), 0);
		heap_finish(&ks);
	}
}

/* A prepared value that is not wanted gives its pages back. */
static void
discarded_pages_come_back(void)
{
	HsBigDraft	draft;
	size_t		need;
	uint32_t	before;

	open_store(16 * MB, HS_EVICT_NONE);
	before = heap_segs_in_use();
	for (int i = 0; i < 100; i++)
	{
		REQUIRE_EQ(hs_big_prepare(&ks, 2 * MB, &draft, &need), HS_OK);
		hs_big_fill(&draft, 0, hs_bytes(buf, MB));
		hs_big_discard(&draft);
	}
	CHECK_EQ(heap_segs_in_use(), before);
	need = 0;
	CHECK_EQ(hs_big_prepare(&ks, 40 * MB, &draft, &need), HS_NO_MEMORY);
	CHECK(need >= 16 * MB);
	CHECK_EQ(heap_segs_in_use(), before);
	CHECK_EQ(keys_stats(&ks).big_bytes, 0);
	heap_finish(&ks);
}

/* Chunks are moved by compaction while the value is read and rewritten. */
static void
compaction_moves_chunks(void)
{
	TestRandom	r = {test_seed(9)};
	static size_t sizes[40];
	uint32_t	wrong = 0;

	open_store(32 * MB, HS_EVICT_NONE);
	for (uint64_t i = 0; i < 40; i++)
	{
		sizes[i] = hs_big_threshold() + 1 + test_below(&r, HS_SEG_SIZE * 2);
		set(i, sizes[i], i);
	}
	/* small keys come and go around them: the logs turn over several times */
	for (uint64_t i = 0; i < 150000; i++)
	{
		char		name[KEYS_NAME_SIZE];

		keys_set(&ks, keys_name(name, 1000 + test_below(&r, 20000)), hs_bytes(buf, test_below(&r, 900)),
				 HS_NEVER, HEAP_NOW);
		if (i % 2000 == 0)
		{
			uint64_t	k = test_below(&r, 40);

			wrong += !is(k, sizes[k], k);
			sizes[k] = hs_big_threshold() + 1 + test_below(&r, HS_SEG_SIZE * 2);
			set(k, sizes[k], k);
		}
	}
	CHECK(keys_stats(&ks).moved_bytes > 0);
	for (uint64_t i = 0; i < 40; i++)
		wrong += !is(i, sizes[i], i);
	CHECK_EQ(wrong, 0);
	heap_finish(&ks);
}

TEST_MAIN(TEST(sizes_around_borders),
		  TEST(parts_are_read),
		  TEST(pinned_value_outlives_its_key),
		  TEST(discarded_pages_come_back),
		  TEST(compaction_moves_chunks))
