/*
 * test_evict.c
 *	  Limits: what is refused and what goes when memory runs out; memory
 *	  that comes back; sizes of values that shift.
 */
#include "heap_test.h"
#include "index.h"
#include "keys_test.h"
#include "log.h"
#include "port_test.h"
#include "test.h"

#define MB	((size_t) 1 << 20)

static HsHandle ks;
static uint8_t buf[1 << 20];

static void
open_store(size_t region, HsEviction eviction, uint64_t memory)
{
	heap_open(region);
	heap_keyspace(&ks, 1, eviction, memory);
}

static HsStatus
set(uint64_t n, size_t size, int64_t expires_us)
{
	char		name[KEYS_NAME_SIZE];

	keys_pattern(buf, size, n);
	return keys_set(&ks, keys_name(name, n), hs_bytes(buf, size), expires_us, HEAP_NOW);
}

/* Present with the right bytes; a wrong value counts as a failure. */
static bool
present(uint64_t n, size_t size)
{
	char		name[KEYS_NAME_SIZE];
	HsRead		read;
	HsStatus	status = keys_read(&ks, keys_name(name, n), HEAP_NOW, buf, sizeof(buf), &read);

	if (status == HS_OK)
		CHECK(read.size == size && keys_is_pattern(hs_bytes(buf, read.size), n));
	return status == HS_OK;
}

static bool
del(uint64_t n)
{
	char		name[KEYS_NAME_SIZE];

	return keys_del(&ks, keys_name(name, n), HEAP_NOW);
}

/* Insert keys from 'first' on until one is refused; how many went in. */
static uint64_t
fill(uint64_t first, size_t size)
{
	uint64_t	n = 0;

	while (set(first + n, size, HS_NEVER) == HS_OK)
		REQUIRE(n++ < 3000000);
	return n;
}

/*
 * Full is full: at about 90 % of the limit in records and index, whatever the
 * size of values, and nothing that was written is missing.
 */
static void
refuses_when_full(void)
{
	static const size_t sizes[] = {10, 100, 1000, 5000, 12000};

	for (int i = 0; i < 5; i++)
	{
		uint64_t	n,
					missing = 0;
		HsStats		s;

		CASE("size %zu", sizes[i]);
		open_store(16 * MB, HS_EVICT_NONE, 12 * MB);
		n = fill(0, sizes[i]);
		s = keys_stats(&ks);
		CHECK_EQ(s.keys, n);
		CHECK(s.live_bytes + s.index_bytes > s.limit * 85 / 100);
		CHECK(s.bytes <= s.limit);
		CHECK(s.refused >= 1);
		CHECK_EQ(s.evicted, 0);
		for (uint64_t k = 0; k < n; k++)
			missing += !present(k, sizes[i]);
		CHECK_EQ(missing, 0);
		heap_finish(&ks);
	}
}

/*
 * The failure is remembered: a full store refuses cheaply, without sweeping
 * its memory at each attempt, until something is freed.
 */
static void
full_is_remembered(void)
{
	uint64_t	n,
				moved;
	uint32_t	accepted = 0;

	open_store(32 * MB, HS_EVICT_NONE, 24 * MB);
	n = fill(0, 300);
	moved = keys_stats(&ks).moved_bytes;
	for (uint64_t i = 0; i < 20000; i++)
		accepted += set(n + i, 300, HS_NEVER) == HS_OK;
	CHECK(accepted < 500);
	CHECK(keys_stats(&ks).moved_bytes - moved <= 24 * MB);
	heap_check(&ks);
	/* after removing a tenth there is room for about as much */
	accepted = 0;
	for (uint64_t i = 0; i < n; i += 10)
		del(i);
	for (uint64_t i = 0; i < n / 10; i++)
		accepted += set(5000000 + i, 300, HS_NEVER) == HS_OK;
	CHECK(accepted >= n / 10 * 8 / 10);
	heap_check(&ks);
	/* and after removing all, for all */
	for (uint64_t i = 0; i < n; i++)
		del(i);
	for (uint64_t i = 0; i < 30000; i++)
		del(5000000 + i);
	for (uint64_t i = 0; i < n; i++)
		del(n + i);
	CHECK_EQ(keys_stats(&ks).keys, 0);
	CHECK(fill(9000000, 300) >= n * 95 / 100);
	heap_finish(&ks);
}

/* Overwriting in a full store with values of new sizes. */
static void
churn_near_full(void)
{
	TestRandom	r = {test_seed(17)};
	uint16_t   *size = calloc(200000, sizeof(*size));
	uint64_t	n = 0;
	uint32_t	refused = 0,
				missing = 0;
	uint64_t	steps = test_scaled(200000);

	open_store(24 * MB, HS_EVICT_NONE, 16 * MB);
	/* 80 % live: everything must go through */
	while (keys_stats(&ks).live_bytes < 16 * MB * 72 / 100)
	{
		size[n] = (uint16_t) test_below(&r, 600);
		REQUIRE_EQ(set(n, size[n], HS_NEVER), HS_OK);
		n++;
	}
	for (uint64_t i = 0; i < steps; i++)
	{
		uint64_t	k = test_below(&r, n);
		uint16_t	s = (uint16_t) test_below(&r, 600);

		if (set(k, s, HS_NEVER) == HS_OK)
			size[k] = s;
		else
			refused++;
	}
	CHECK_EQ(refused, 0);
	for (uint64_t k = 0; k < n; k++)
		missing += !present(k, size[k]);
	CHECK_EQ(missing, 0);
	free(size);
	heap_finish(&ks);
}

/* Values grow tenfold and shrink again: no memory stays with the old size. */
static void
sizes_shift_without_loss(HsEviction eviction)
{
	uint64_t	small_first,
				big_first,
				small,
				big;

	open_store(24 * MB, eviction, 16 * MB);
	if (eviction == HS_EVICT_NONE)
	{
		/* what a fresh store takes of each */
		big_first = fill(0, 1000);
		REQUIRE_EQ(hs_keyspace_flush(&ks, HEAP_NOW, &big), HS_OK);
		small_first = fill(0, 100);
		for (uint64_t i = 0; i < small_first; i++)
			del(i);
		big = fill(1000000, 1000);
		for (uint64_t i = 0; i < big; i++)
			del(1000000 + i);
		small = fill(2000000, 100);
	}
	else
	{
		for (uint64_t i = 0; i < 40000; i++)
			REQUIRE_EQ(set(3000000 + i, 1000, HS_NEVER), HS_OK);
		big_first = keys_stats(&ks).keys;
		REQUIRE_EQ(hs_keyspace_flush(&ks, HEAP_NOW, &big), HS_OK);
		for (uint64_t i = 0; i < 300000; i++)
			REQUIRE_EQ(set(i, 100, HS_NEVER), HS_OK);
		small_first = keys_stats(&ks).keys;
		for (uint64_t i = 0; i < 40000; i++)
			REQUIRE_EQ(set(1000000 + i, 1000, HS_NEVER), HS_OK);
		big = keys_stats(&ks).keys;
		for (uint64_t i = 0; i < 300000; i++)
			REQUIRE_EQ(set(2000000 + i, 100, HS_NEVER), HS_OK);
		small = keys_stats(&ks).keys;
	}
	CHECK(big >= big_first * 96 / 100);
	CHECK(small >= small_first * 96 / 100);
	CHECK(big * 1000 > 16 * MB * 80 / 100);
	heap_finish(&ks);
}

static void
no_calcification_without_eviction(void)
{
	sizes_shift_without_loss(HS_EVICT_NONE);
}

static void
no_calcification_with_eviction(void)
{
	sizes_shift_without_loss(HS_EVICT_S3FIFO);
}

/* Keys that are read stay, keys that are not go. */
static void
cold_keys_go_first(void)
{
	uint64_t	hot = 0;
	HsStats		s;

	open_store(24 * MB, HS_EVICT_S3FIFO, 16 * MB);
	for (uint64_t i = 0; i < 2000; i++)
		CHECK_EQ(set(i, 200, HS_NEVER), HS_OK);
	for (uint64_t i = 0; i < 300000; i++)
	{
		REQUIRE_EQ(set(10000 + i, 200, HS_NEVER), HS_OK);
		if (i % 5 == 0)
			present(i / 5 % 2000, 200);
	}
	for (uint64_t i = 0; i < 2000; i++)
		hot += present(i, 200);
	CHECK(hot >= 1990);
	s = keys_stats(&ks);
	CHECK(s.keys < 100000);
	CHECK_EQ(s.keys + s.evicted, 302000);
	CHECK_EQ(s.refused, 0);
	CHECK(s.live_bytes > 16 * MB * 80 / 100);
	CHECK(s.bytes <= s.limit);
	heap_finish(&ks);
}

/* A scan over many keys read once does not wash out the hot ones. */
static void
hit_ratio_beats_lru_under_scan(void)
{
	TestRandom	r = {test_seed(23)};
	uint64_t	hits = 0,
				reads = 0,
				scanned = 0;

	open_store(16 * MB, HS_EVICT_S3FIFO, 8 * MB);
	for (uint64_t i = 0; i < 400000; i++)
	{
		/* half of the requests go to 10000 keys, a fifth of what fits */
		bool		is_hot = test_below(&r, 2) == 0;
		uint64_t	k = is_hot ? test_below(&r, 10000) : 100000 + scanned++;
		bool		hit = present(k, 100);

		if (is_hot && i > 100000)
		{
			reads++;
			hits += hit;
		}
		if (!hit)
			REQUIRE_EQ(set(k, 100, HS_NEVER), HS_OK);
	}
	CHECK((double) hits / (double) reads > 0.97);
	heap_finish(&ks);
}

/*
 * Keys asked for in a circle, half as many again as fit: what is known of those that were
 * evicted keeps some of them, also where the keyspace was full before there was any page for
 * fingerprints.
 */
static void
evicted_keys_are_known_again(void)
{
	static const size_t limits[] = {2 * MB, 6 * MB};

	for (int i = 0; i < 2; i++)
	{
		uint64_t	hits = 0,
					round = 0,
					nghosts = 0;

		CASE("limit %zu", limits[i]);
		open_store(64 * MB, HS_EVICT_S3FIFO, limits[i]);
		for (uint64_t k = 0; keys_stats(&ks).evicted == 0; k++)
			REQUIRE_EQ(set(k, 100, HS_NEVER), HS_OK);
		round = keys_stats(&ks).keys * 3 / 2;
		for (uint64_t k = 0; k < 4 * round; k++)
		{
			if (present(k % round, 100))
				hits += k >= 2 * round;
			else
				REQUIRE_EQ(set(k % round, 100, HS_NEVER), HS_OK);
		}
		CHECK(hits > 2 * round * 36 / 100);
		for (uint32_t p = 0; p < ks.nparts; p++)
			nghosts += ks.parts[p]->nghosts;
		CHECK(nghosts > 0 && nghosts * HS_PAGE_SIZE <= limits[i] / 50 + ks.nparts * HS_PAGE_SIZE);
		heap_finish(&ks);
	}
}

/* eviction 'ttl': what does not expire stays, and then writes are refused. */
static void
ttl_policy_spares_keys_without_ttl(void)
{
	uint64_t	gone = 0,
				kept = 0,
				n = 0;

	open_store(24 * MB, HS_EVICT_TTL, 16 * MB);
	while (keys_stats(&ks).live_bytes < 6 * MB)
		REQUIRE_EQ(set(n++, 300, HS_NEVER), HS_OK);
	for (uint64_t i = 0; i < 100000; i++)
		REQUIRE_EQ(set(1000000 + i, 300, HEAP_NOW + 1000 * HEAP_SECOND), HS_OK);
	for (uint64_t i = 0; i < n; i++)
		gone += !present(i, 300);
	for (uint64_t i = 0; i < 100000; i++)
		kept += present(1000000 + i, 300);
	CHECK_EQ(gone, 0);
	CHECK(kept > 10000 && kept < 90000);
	CHECK_EQ(keys_stats(&ks).evicted, 100000 - kept);
	heap_check(&ks);
	/* nothing left but keys that stay: full */
	n += fill(n, 300);
	for (uint64_t i = 0; i < n; i++)
		gone += !present(i, 300);
	CHECK_EQ(gone, 0);
	CHECK(keys_stats(&ks).live_bytes > 16 * MB * 80 / 100);
	CHECK(keys_stats(&ks).refused > 0);
	heap_finish(&ks);
}

/* One hot partition may use what the others do not: the limit is the keyspace's. */
static void
big_values_and_small_share_the_limit(void)
{
	TestRandom	r = {test_seed(31)};
	HsStats		s;

	open_store(48 * MB, HS_EVICT_S3FIFO, 32 * MB);
	for (uint64_t i = 0; i < 3000; i++)
	{
		size_t		size = test_below(&r, 4) == 0 ? 20000 + test_below(&r, 900000) : test_below(&r, 3000);

		CASE("write %d of %zu bytes", (int) i, size);
		REQUIRE_EQ(set(i, size, HS_NEVER), HS_OK);
		CHECK(present(i, size));
		if (i % 300 == 0)
			heap_check(&ks);
	}
	s = keys_stats(&ks);
	CHECK(s.bytes <= s.limit);
	CHECK(s.big_bytes > 0);
	CHECK(s.evicted > 0);
	heap_finish(&ks);
}

/* A smaller limit is approached, a larger one used at once. */
static void
limit_changes_at_once(void)
{
	uint64_t	n;
	HsKeyspaceOptions opts;

	open_store(48 * MB, HS_EVICT_NONE, 16 * MB);
	n = fill(0, 400);
	hs_keyspace_options(&ks, &opts);
	CHECK_EQ(opts.memory, 16 * MB);
	CHECK_EQ(opts.eviction, HS_EVICT_NONE);
	opts.memory = 32 * MB;
	hs_keyspace_configure(&ks, &opts);
	CHECK(fill(n, 400) > n * 8 / 10);
	heap_check(&ks);
	opts.memory = 8 * MB;
	opts.eviction = HS_EVICT_S3FIFO;
	opts.default_ttl_us = 77;
	hs_keyspace_configure(&ks, &opts);
	hs_keyspace_options(&ks, &opts);
	CHECK(opts.memory == 8 * MB && opts.eviction == HS_EVICT_S3FIFO && opts.default_ttl_us == 77);
	for (uint64_t i = 0; i < 100000; i++)
		REQUIRE_EQ(set(9000000 + i, 400, HS_NEVER), HS_OK);
	keys_work(&ks, HEAP_NOW);
	CHECK(keys_stats(&ks).bytes <= 8 * MB);
	heap_finish(&ks);
}

/* Two keyspaces without limits share the region; what one gives back the other takes. */
static void
region_is_shared(void)
{
	HsHandle	other;
	HsHandle	first;
	uint64_t	n,
				m;

	open_store(16 * MB, HS_EVICT_NONE, 0);
	first = ks;
	heap_keyspace(&other, 2, HS_EVICT_NONE, 0);
	n = fill(0, 500);
	ks = other;
	CHECK(fill(0, 500) < n / 4);
	ks = first;
	for (uint64_t i = 0; i < n; i++)
		del(i);
	keys_work(&ks, HEAP_NOW);
	ks = other;
	m = fill(1000000, 500);
	CHECK(m > n * 8 / 10);
	CHECK_WELL(hs_keyspace_verify(&other));
	hs_keyspace_drop(HEAP_DB, 2);
	ks = first;
	heap_finish(&ks);
}

/*
 * Every write with the n-th segment refused: it works or leaves all as it
 * was, and the store is whole.
 */
static void
no_segment_no_harm(void)
{
	TestRandom	r = {test_seed(41)};
	static size_t sizes[2000];
	static bool is_there[2000];
	uint32_t	failed = 0,
				wrong = 0;

	open_store(32 * MB, HS_EVICT_NONE, 0);
	for (int i = 0; i < 6000; i++)
	{
		char		name[KEYS_NAME_SIZE];
		uint64_t	k = test_below(&r, 2000);
		size_t		size = test_below(&r, 20) == 0 ? test_below(&r, 400000) : test_below(&r, 3000);
		KeysNeed	need = {0};
		HsStatus	status;

		keys_pattern(buf, size, k);
		heap_fail_after(i % 3 == 0 ? 0 : (int) test_below(&r, 5));
		status = keys_set_once(&ks, keys_name(name, k), hs_bytes(buf, size), HS_NEVER, HEAP_NOW, &need);
		heap_fail_after(-1);
		if (status == HS_OK)
		{
			sizes[k] = size;
			is_there[k] = true;
		}
		else
		{
			failed++;
			CHECK_EQ(status, HS_NO_MEMORY);
			CHECK(need.bytes > 0);
		}
		CHECK_EQ(port_locks_held(), 0);
		wrong += present(k, sizes[k]) != is_there[k];
		if (test_below(&r, 4) == 0)
		{
			k = test_below(&r, 2000);
			del(k);
			is_there[k] = false;
		}
		if (i % 200 == 0)
			heap_check(&ks);
	}
	CHECK_EQ(wrong, 0);
	CHECK(failed > 100);
	for (uint64_t k = 0; k < 2000; k++)
		wrong += present(k, sizes[k]) != is_there[k];
	CHECK_EQ(wrong, 0);
	heap_finish(&ks);
}

/* After a failure of memory that was there all the time, the store recovers. */
static void
make_room_with_failing_segments(void)
{
	uint32_t	refused = 0;

	open_store(16 * MB, HS_EVICT_S3FIFO, 8 * MB);
	for (uint64_t i = 0; i < 60000; i++)
	{
		heap_fail_after(i % 100 == 50 ? (int) (i / 100 % 4) : -1);
		if (set(i, 300, HS_NEVER) != HS_OK)
			refused++;
		heap_fail_after(-1);
		if (i % 5000 == 0)
			heap_check(&ks);
	}
	CHECK(refused < 600);
	CHECK_EQ(set(1000000, 300, HS_NEVER), HS_OK);
	heap_finish(&ks);
}

/*
 * Compaction without a segment to move to gives up and starts anew later;
 * growth of the index waits as well.  Nothing is lost meanwhile.
 */
static void
compaction_without_memory(HsEviction eviction)
{
	TestRandom	r = {test_seed(43)};
	static bool is_there[60000];
	static uint16_t sizes[60000];
	uint32_t	wrong = 0;

	memset(is_there, 0, sizeof(is_there));
	open_store(16 * MB, eviction, 6 * MB);
	for (uint32_t i = 0; i < 150000; i++)
	{
		uint64_t	k = test_below(&r, 60000);
		char		name[KEYS_NAME_SIZE];
		size_t		size = test_below(&r, 500) == 0 ? 17000 + test_below(&r, 30000) : test_below(&r, 200);
		KeysNeed	need = {0};
		bool		starved = i % 1000 < 500;

		heap_fail_after(starved ? (int) (i / 1000 % 3) : -1);
		keys_pattern(buf, size, k);
		if (keys_set_once(&ks, keys_name(name, k), hs_bytes(buf, size), HS_NEVER, HEAP_NOW, &need) == HS_OK)
		{
			is_there[k] = true;
			sizes[k] = (uint16_t) size;
		}
		else
			hs_make_room(&ks, need.hash, need.bytes, HEAP_NOW);
		if (test_below(&r, 3) == 0)
		{
			k = test_below(&r, 60000);
			if (del(k))
				CHECK(is_there[k]);
			is_there[k] = false;
		}
		hs_work(&ks, (uint32_t) test_below(&r, ks.nparts), HEAP_NOW);
		heap_fail_after(-1);
		if (i % 10000 == 0)
			heap_check(&ks);
	}
	for (uint64_t k = 0; k < 60000; k++)
		if (eviction == HS_EVICT_NONE)
			wrong += present(k, sizes[k]) != is_there[k];
		else
			wrong += present(k, sizes[k]) && !is_there[k];
	CHECK_EQ(wrong, 0);
	/* S3-FIFO has another way */
	CHECK(keys_stats(&ks).moved_bytes > (eviction == HS_EVICT_S3FIFO ? 0 : MB));
	heap_finish(&ks);
}

static void
compaction_without_memory_or_eviction(void)
{
	compaction_without_memory(HS_EVICT_NONE);
}

static void
compaction_without_memory_but_eviction(void)
{
	compaction_without_memory(HS_EVICT_S3FIFO);
	compaction_without_memory(HS_EVICT_TTL);
}

/*
 * All memory is taken, what is kept for compaction too, and half of each segment is
 * garbage: keys that may go still make room.
 */
static void
evicts_where_compaction_is_stuck(void)
{
	uint64_t	n = 0;
	uint64_t	rest;

	open_store(16 * MB, HS_EVICT_S3FIFO, 4 * MB);
	while (keys_stats(&ks).evicted == 0)
		REQUIRE_EQ(set(n++, 300, HS_NEVER), HS_OK);
	for (uint64_t i = 0; i < n; i += 2)
		del(i);
	while (ks.parts[0]->victim != HS_SEG_NONE)
		hs_work(&ks, 0, HEAP_NOW);
	hs_log_close(ks.parts[0], HS_LOG_S);
	hs_log_close(ks.parts[0], HS_LOG_M);
	rest = keys_stats(&ks).limit - keys_stats(&ks).bytes;
	REQUIRE(hs_charge(ks.ks, rest, true));
	for (uint64_t i = 0; i < 3000; i++)
		REQUIRE_EQ(set(n + i, 300, HS_NEVER), HS_OK);
	CHECK_EQ(keys_stats(&ks).refused, 0);
	hs_uncharge(ks.ks, rest);
	heap_finish(&ks);
}

/*
 * No page for the index: keys go in as long as there are overflow buckets, and
 * the index grows when there is memory again.
 */
static void
index_waits_for_memory(void)
{
	uint64_t	n = 0,
				missing = 0;
	uint32_t	buckets = 0;

	open_store(16 * MB, HS_EVICT_NONE, 1 * MB);
	set(n++, 8, HS_NEVER);
	/* all pages of the pool go to somebody else */
	while (hs_region->index_pages_free > 0)
		hs_index_page_get();
	heap_fail_after(0);
	while (n < 100000)
	{
		char		name[KEYS_NAME_SIZE];
		KeysNeed	need;

		keys_pattern(buf, 8, n);
		if (keys_set_once(&ks, keys_name(name, n), hs_bytes(buf, 8), HS_NEVER, HEAP_NOW, &need) != HS_OK)
			break;
		n++;
	}
	heap_fail_after(-1);
	CHECK(n > 2000);
	for (uint64_t k = 0; k < n; k++)
		missing += !present(k, 8);
	CHECK_EQ(missing, 0);
	CHECK_WELL(hs_keyspace_verify(&ks));
	for (uint64_t k = 0; k < 2000; k++)
		set(n++, 8, HS_NEVER);
	for (uint32_t p = 0; p < ks.nparts; p++)
		buckets += hs_nbuckets(ks.parts[p]);
	CHECK(buckets >= n / HS_BUCKET_SLOTS);
	for (uint64_t k = 0; k < n; k++)
		missing += !present(k, 8);
	CHECK_EQ(missing, 0);
	CHECK_WELL(hs_keyspace_verify(&ks));
	heap_close();
}

/* In the smallest keyspace a segment is an eighth of everything. */
static void
small_keyspace_takes_what_was_deleted(void)
{
	char		name[KEYS_NAME_SIZE];
	uint64_t	n = 0,
				deleted = 0,
				added = 0;

	open_store(64 * MB, HS_EVICT_NONE, 1 * MB);
	while (set(n, 100, HS_NEVER) == HS_OK)
		n++;
	CHECK(n > 5000);
	for (uint64_t k = 0; k < n; k += 7)
		deleted += keys_del(&ks, keys_name(name, k), HEAP_NOW);
	while (added < deleted && set(n + added, 100, HS_NEVER) == HS_OK)
		added++;
	CHECK(added >= deleted * 9 / 10);
	heap_finish(&ks);
}

TEST_MAIN(TEST(refuses_when_full),
		  TEST(small_keyspace_takes_what_was_deleted),
		  TEST(compaction_without_memory_or_eviction),
		  TEST(compaction_without_memory_but_eviction),
		  TEST(evicts_where_compaction_is_stuck),
		  TEST(index_waits_for_memory),
		  TEST(full_is_remembered),
		  TEST(churn_near_full),
		  TEST(no_calcification_without_eviction),
		  TEST(no_calcification_with_eviction),
		  TEST(cold_keys_go_first),
		  TEST(hit_ratio_beats_lru_under_scan),
		  TEST(evicted_keys_are_known_again),
		  TEST(ttl_policy_spares_keys_without_ttl),
		  TEST(big_values_and_small_share_the_limit),
		  TEST(limit_changes_at_once),
		  TEST(region_is_shared),
		  TEST(no_segment_no_harm),
		  TEST(make_room_with_failing_segments))
