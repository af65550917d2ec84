/*
 * test_expire.c
 *	  Expiry, exact to the microsecond: the clock is moved, nothing sleeps.
 */
#include "heap_test.h"
#include "keys_test.h"
#include "port_test.h"
#include "test.h"

#define MB	((size_t) 1 << 20)

static HsHandle ks;
static uint8_t buf[1 << 20];

static void
open_store(size_t region, HsEviction eviction)
{
	heap_open(region);
	heap_keyspace(&ks, 1, eviction, 0);
}

static HsStatus
status_at(HsBytes key, int64_t now_us)
{
	HsRead		read;

	return keys_get(&ks, key, now_us, buf, sizeof(buf), &read);
}

/* Gone from the very instant, for every way to look at a key. */
static void
gone_at_the_instant(void)
{
	static const size_t sizes[] = {0, 5, 300, 70000, 400000};
	static const int64_t ttls[] = {1, 2, 999, 1000000, INT64_C(86400000000) * 365};

	open_store(8 * MB, HS_EVICT_NONE);
	for (int s = 0; s < 5; s++)
		for (int t = 0; t < 5; t++)
		{
			HsBytes		key = hs_bytes_str("k");
			int64_t		at = HEAP_NOW + ttls[t];
			HsMulti		m;
			HsOp		op;

			CASE("size %zu, ttl %lld", sizes[s], (long long) ttls[t]);
			CHECK_EQ(keys_set(&ks, key, hs_bytes(buf, sizes[s]), at, HEAP_NOW), HS_OK);
			CHECK_EQ(status_at(key, HEAP_NOW), HS_OK);
			CHECK_EQ(status_at(key, at - 1), HS_OK);
			CHECK_EQ(status_at(key, at), HS_NOT_FOUND);
			CHECK_EQ(status_at(key, at + 1), HS_NOT_FOUND);
			/* looking does not remove it: the clock may be set back */
			CHECK_EQ(status_at(key, at - 1), HS_OK);
			REQUIRE_EQ(hs_multi_begin(&m, &ks, &key, 1, HS_SHARED, at), HS_OK);
			REQUIRE_EQ(hs_multi_op(&m, key, &op), HS_OK);
			CHECK(hs_find(&op) == NULL);
			hs_multi_end(&m);
			REQUIRE_EQ(hs_op_begin(&op, &ks, key, HS_EXCLUSIVE, at - 1), HS_OK);
			CHECK(hs_find(&op) != NULL);
			hs_op_end(&op);
			REQUIRE_EQ(hs_op_begin(&op, &ks, key, HS_EXCLUSIVE, at), HS_OK);
			CHECK(hs_find(&op) == NULL);
			hs_op_end(&op);
			CHECK_EQ(keys_stats(&ks).keys, 0);
			CHECK_EQ(keys_stats(&ks).live_bytes, 0);
		}
	heap_finish(&ks);
}

static void
expiry_is_set_changed_and_dropped(void)
{
	static const size_t sizes[] = {0, 1, 200, 255, 256, 9000, 65535, 65536, 300000};
	HsRead		read;

	open_store(8 * MB, HS_EVICT_NONE);
	for (int i = 0; i < 9; i++)
	{
		HsBytes		key = hs_bytes_str("k");

		CASE("size %zu", sizes[i]);
		keys_pattern(buf, sizes[i], (uint64_t) i);
		CHECK_EQ(keys_set(&ks, key, hs_bytes(buf, sizes[i]), HS_NEVER, HEAP_NOW), HS_OK);
		CHECK_EQ(keys_expire(&ks, key, HEAP_NOW + 100, HEAP_NOW), HS_OK);
		CHECK_EQ(status_at(key, HEAP_NOW + 99), HS_OK);
		CHECK_EQ(status_at(key, HEAP_NOW + 100), HS_NOT_FOUND);
		CHECK_EQ(keys_expire(&ks, key, HEAP_NOW + 200, HEAP_NOW + 50), HS_OK);
		CHECK_EQ(status_at(key, HEAP_NOW + 199), HS_OK);
		CHECK_EQ(status_at(key, HEAP_NOW + 200), HS_NOT_FOUND);
		CHECK_EQ(keys_expire(&ks, key, HEAP_NOW + 60, HEAP_NOW + 50), HS_OK);
		CHECK_EQ(status_at(key, HEAP_NOW + 60), HS_NOT_FOUND);
		CHECK_EQ(keys_expire(&ks, key, HS_NEVER, HEAP_NOW + 50), HS_OK);
		CHECK_EQ(keys_get(&ks, key, HS_NEVER - 1, buf, sizeof(buf), &read), HS_OK);
		CHECK_EQ(read.expires_us, HS_NEVER);
		CHECK(read.size == sizes[i] && keys_is_pattern(hs_bytes(buf, read.size), (uint64_t) i));
		CHECK_EQ(keys_expire(&ks, key, HEAP_NOW + 300, HEAP_NOW + 50), HS_OK);
		CHECK_EQ(keys_expire(&ks, key, HS_NEVER, HEAP_NOW + 300), HS_NOT_FOUND);
		CHECK_WELL(hs_keyspace_verify(&ks));
	}
	heap_finish(&ks);
}

/* The worker removes what has expired, all of it, and nothing else. */
static void
worker_removes_what_expired(void)
{
	char		name[KEYS_NAME_SIZE];
	HsStats		fresh,
				s;

	open_store(32 * MB, HS_EVICT_NONE);
	fresh = keys_stats(&ks);
	for (uint64_t i = 0; i < 50000; i++)
		keys_set(&ks, keys_name(name, i), hs_bytes(buf, i % 200), HEAP_NOW + (int64_t) i, HEAP_NOW);
	keys_set(&ks, keys_name(name, 50001), hs_bytes(buf, 500000), HEAP_NOW + 50000, HEAP_NOW);
	for (int64_t step = 1; step <= 5; step++)
	{
		int64_t		now = HEAP_NOW + step * 10000;
		int64_t		next = HS_NEVER;

		CASE("step %d", (int) step);
		keys_work(&ks, now);
		CHECK_EQ(keys_count(&ks, now), step < 5 ? 50000 - step * 10000 : 0);
		for (uint32_t p = 0; p < ks.nparts; p++)
		{
			int64_t		at = hs_next_expiry(&ks, p);

			next = at < next ? at : next;
		}
		/* it never names a time after the first expiry to come */
		CHECK(step == 5 || next <= now + 1 || hs_next_expiry(&ks, 0) <= now + 1000);
		CHECK_WELL(hs_keyspace_verify(&ks));
	}
	/* much later, so that no pause between scans is left */
	keys_work(&ks, HEAP_NOW + 3600 * HEAP_SECOND);
	s = keys_stats(&ks);
	CHECK_EQ(s.keys, 0);
	CHECK_EQ(s.expired, 50001);
	CHECK_EQ(s.live_bytes, 0);
	CHECK_EQ(s.big_bytes, 0);
	/* segments of records come back without a new write */
	CHECK(s.bytes <= fresh.bytes + s.index_bytes + ks.nparts * 3 * HS_SEG_SIZE);
	for (uint32_t p = 0; p < ks.nparts; p++)
		CHECK_EQ(hs_next_expiry(&ks, p), HS_NEVER);
	heap_finish(&ks);
}

/* The worker alone, woken when hs_next_expiry() says, keeps up. */
static void
next_expiry_wakes_in_time(void)
{
	char		name[KEYS_NAME_SIZE];
	int64_t		now = HEAP_NOW;
	int			rounds = 0;

	open_store(8 * MB, HS_EVICT_NONE);
	for (uint64_t i = 0; i < 100; i++)
		keys_set(&ks, keys_name(name, i), hs_bytes(buf, 10),
				 HEAP_NOW + (int64_t) (i + 1) * 10 * HEAP_SECOND, HEAP_NOW);
	while (keys_stats(&ks).keys > 0)
	{
		int64_t		next = HS_NEVER;

		for (uint32_t p = 0; p < ks.nparts; p++)
		{
			int64_t		at = hs_next_expiry(&ks, p);

			next = at < next ? at : next;
		}
		REQUIRE(next != HS_NEVER);
		/* a pause between scans may come on top, of a few seconds */
		now = next > now ? next : now + HEAP_SECOND;
		REQUIRE(now <= HEAP_NOW + 1010 * HEAP_SECOND);
		keys_work(&ks, now);
		REQUIRE(rounds++ < 5000);
	}
	CHECK(now >= HEAP_NOW + 1000 * HEAP_SECOND);
	heap_finish(&ks);
}

static void
count_sees_only_the_living(void)
{
	char		name[KEYS_NAME_SIZE];

	open_store(16 * MB, HS_EVICT_NONE);
	for (uint64_t i = 0; i < 10000; i++)
		keys_set(&ks, keys_name(name, i), hs_bytes(buf, 10), HEAP_NOW + 1 + (int64_t) (i % 100), HEAP_NOW);
	for (int64_t t = 0; t <= 100; t += 7)
	{
		CASE("after %d us", (int) t);
		CHECK_EQ(keys_count(&ks, HEAP_NOW + t), 10000 - t * 100);
	}
	CHECK_EQ(keys_count(&ks, HEAP_NOW + 100), 0);
	heap_finish(&ks);
}

/* An expired key is no key: it makes room, and a new one starts anew. */
static void
expired_key_is_written_anew(void)
{
	HsBytes		key = hs_bytes_str("k");
	HsDraft		draft;
	HsRead		read;
	HsOp		op;

	open_store(8 * MB, HS_EVICT_NONE);
	CHECK_EQ(keys_set(&ks, key, hs_bytes_str("old"), HEAP_NOW + 10, HEAP_NOW), HS_OK);
	REQUIRE_EQ(hs_op_begin(&op, &ks, key, HS_EXCLUSIVE, HEAP_NOW + 10), HS_OK);
	CHECK(hs_find(&op) == NULL);
	REQUIRE_EQ(hs_reserve(&op, HS_STRING, 3, HS_NEVER, &draft), HS_OK);
	memcpy(draft.value, "new", 3);
	hs_publish(&op, &draft);
	hs_op_end(&op);
	CHECK_EQ(keys_get(&ks, key, HEAP_NOW, buf, 10, &read), HS_OK);
	CHECK_STR(hs_bytes(buf, read.size), "new");
	CHECK_EQ(read.expires_us, HS_NEVER);
	CHECK_EQ(keys_stats(&ks).keys, 1);
	/* without a look at it before */
	CHECK_EQ(keys_set(&ks, key, hs_bytes_str("old"), HEAP_NOW + 10, HEAP_NOW), HS_OK);
	CHECK_EQ(keys_set(&ks, key, hs_bytes_str("newer"), HS_NEVER, HEAP_NOW + 11), HS_OK);
	CHECK_EQ(status_at(key, HEAP_NOW + 12), HS_OK);
	CHECK_EQ(keys_stats(&ks).keys, 1);
	heap_finish(&ks);
}

/* A keyspace without eviction that is full of expired keys is not full. */
static void
expired_keys_make_room(void)
{
	char		name[KEYS_NAME_SIZE];
	uint64_t	n = 0;
	uint32_t	refused = 0;

	open_store(8 * MB, HS_EVICT_NONE);
	while (keys_set(&ks, keys_name(name, n), hs_bytes(buf, 500), HEAP_NOW + 100, HEAP_NOW) == HS_OK)
		REQUIRE(n++ < 100000);
	CHECK(n > 1000);
	for (uint64_t i = 0; i < n; i++)
		if (keys_set(&ks, keys_name(name, 200000 + i), hs_bytes(buf, 500), HS_NEVER, HEAP_NOW + 100) != HS_OK)
			refused++;
	CHECK_EQ(refused, 0);
	CHECK_EQ(keys_count(&ks, HEAP_NOW + 100), n);
	heap_finish(&ks);
}

/* Setting the clock back brings nothing back that was removed, and hurts nobody. */
static void
clock_set_back(void)
{
	char		name[KEYS_NAME_SIZE];

	open_store(8 * MB, HS_EVICT_NONE);
	for (uint64_t i = 0; i < 1000; i++)
		keys_set(&ks, keys_name(name, i), hs_bytes(buf, 10), HEAP_NOW + 1000 * HEAP_SECOND, HEAP_NOW);
	keys_work(&ks, HEAP_NOW + 999 * HEAP_SECOND);
	CHECK_EQ(keys_count(&ks, HEAP_NOW - 5000 * HEAP_SECOND), 1000);
	keys_work(&ks, HEAP_NOW - 5000 * HEAP_SECOND);
	for (uint64_t i = 0; i < 500; i++)
		keys_set(&ks, keys_name(name, i), hs_bytes(buf, 10), HEAP_NOW - 4000 * HEAP_SECOND,
				 HEAP_NOW - 5000 * HEAP_SECOND);
	keys_work(&ks, HEAP_NOW - 3900 * HEAP_SECOND);
	CHECK_EQ(keys_count(&ks, HEAP_NOW - 3900 * HEAP_SECOND), 500);
	keys_work(&ks, HEAP_NOW + 1000 * HEAP_SECOND);
	CHECK_EQ(keys_count(&ks, HEAP_NOW + 1000 * HEAP_SECOND), 0);
	heap_finish(&ks);
}

TEST_MAIN(TEST(gone_at_the_instant),
		  TEST(expiry_is_set_changed_and_dropped),
		  TEST(worker_removes_what_expired),
		  TEST(next_expiry_wakes_in_time),
		  TEST(count_sees_only_the_living),
		  TEST(expired_key_is_written_anew),
		  TEST(expired_keys_make_room),
		  TEST(clock_set_back))
