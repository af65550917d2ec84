/*
 * test_cached.c
 *	  Cached results: bytes and labels of an entry come back together, whatever its size, while
 *	  others replace it; bytes that are no entry are refused.  When an entry is true: test_label.c.
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "cached.h"
#include "heap_test.h"
#include "key.h"
#include "keys_test.h"
#include "test.h"

#define MB			((size_t) 1 << 20)
#define LARGE		((size_t) 300 * 1024)
#define ENTRIES		4			/* keys that threads replace */
#define ROUNDS		20000		/* results read meanwhile */

static HsHandle h;
static uint8_t sealed[LARGE + HS_CACHED_TRAILER];
static uint8_t room[LARGE + HS_CACHED_TRAILER];

static void
open_store(void)
{
	heap_open(64 * MB);
	heap_keyspace(&h, 1, HS_EVICT_NONE, 32 * MB);
}

/* What an entry with this number is: all of it follows from n. */
static HsCached
entry_of(uint64_t n, size_t size, unsigned ndeps)
{
	HsCached	c = {.kind = (HsCachedKind) (n % HS_CACHED_NKINDS),.size = size,.ndeps = ndeps,
	.soft_expires_us = n % 3 == 0 ? HEAP_NOW + (int64_t) n : HS_NEVER};

	for (unsigned i = 0; i < ndeps; i++)
		c.deps[i] = (HsSlotLabel) {31 + i, n + ((uint64_t) i << 40)};
	return c;
}

static bool
is_entry(const HsCached *c, const uint8_t *value, uint64_t n, size_t size, unsigned ndeps)
{
	HsCached	e = entry_of(n, size, ndeps);

	if (c->kind != e.kind || c->size != size || c->ndeps != ndeps ||
		c->soft_expires_us != e.soft_expires_us || !keys_is_pattern(hs_bytes(value, size), n))
		return false;
	for (unsigned i = 0; i < ndeps; i++)
		if (c->deps[i].slot != e.deps[i].slot || c->deps[i].label != e.deps[i].label)
			return false;
	return true;
}

/* The buffer has room for size and HS_CACHED_TRAILER bytes. */
static HsStatus
put(HsHandle *mine, uint8_t *buf, HsBytes key, uint64_t n, size_t size, unsigned ndeps,
	int64_t expires_us, bool *done)
{
	HsCached	c = entry_of(n, size, ndeps);
	HsNewValue	v = {0};
	HsOp		op;
	HsStatus	status;
	size_t		need;

	keys_pattern(buf, size, n);
	v.bytes = hs_bytes(buf, hs_cached_seal(buf, &c));
	status = hs_value_prepare(mine, &v, SIZE_MAX, &need);
	if (status != HS_OK)
		return status;
	status = hs_op_begin(&op, mine, key, HS_EXCLUSIVE, HEAP_NOW);
	if (status == HS_OK)
	{
		status = hs_cached_put(&op, &v, &c, expires_us, done);
		hs_op_end(&op);
	}
	hs_value_discard(&v);
	return status;
}

static HsStatus
get(HsBytes key, size_t capacity, int64_t now_us, HsGot *got, HsCached *c)
{
	HsType		found = HS_ANY;

	hs_got_init(got, room, capacity);
	return hs_cached_read(&h, key, now_us, got, c, &found);
}

/* From nothing to values that have pages of their own, with one dependency and with all. */
static void
entries_come_back_as_they_were(void)
{
	static const size_t sizes[] = {0, 1, 7, 40, 250, 256, 1000, 4096, 60000, LARGE};
	static const unsigned deps[] = {1, 2, 9, HS_CACHED_DEPS};
	uint64_t	n = 0;

	open_store();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (size_t j = 0; j < sizeof(deps) / sizeof(deps[0]); j++)
			for (int k = 0; k < 12; k++)
			{
				HsBytes		key = hs_bytes_str("result");
				HsCached	c;
				HsGot		got;
				bool		done = false;

				n++;
				CASE("%zu bytes, %u dependencies, number %llu", sizes[i], deps[j],
					 (unsigned long long) n);
				CHECK_EQ(put(&h, sealed, key, n, sizes[i], deps[j], HEAP_NOW + 100, &done), HS_OK);
				CHECK(done);
				CHECK_EQ(get(key, sizeof(room), HEAP_NOW, &got, &c), HS_OK);
				CHECK_EQ(got.size, sizes[i]);
				CHECK_EQ(got.expires_us, HEAP_NOW + 100);
				CHECK(is_entry(&c, room, n, sizes[i], deps[j]));
				CHECK_EQ(get(key, sizeof(room), HEAP_NOW + 100, &got, &c), HS_NOT_FOUND);
				if (sizes[i] == 0)
					continue;
				/* told how much it takes, a caller gets it */
				CHECK_EQ(get(key, sizes[i] - 1, HEAP_NOW, &got, &c), HS_BUFFER_TOO_SMALL);
				CHECK(got.size >= sizes[i]);
				CHECK_EQ(get(key, got.size, HEAP_NOW, &got, &c), HS_OK);
				CHECK(is_entry(&c, room, n, sizes[i], deps[j]));
			}
	CHECK_WELL(hs_keyspace_verify(&h));
	heap_close();
}

static void
older_results_do_not_replace_newer_ones(void)
{
	HsBytes		key = hs_bytes_str("result");
	HsCached	c;
	HsGot		got;
	bool		done;

	open_store();
	CHECK_EQ(put(&h, sealed, key, 10, 40, 2, HS_NEVER, &done), HS_OK);
	CHECK_EQ(put(&h, sealed, key, 9, 40, 2, HS_NEVER, &done), HS_OK);
	CHECK(!done);
	CHECK_EQ(get(key, sizeof(room), HEAP_NOW, &got, &c), HS_OK);
	CHECK(is_entry(&c, room, 10, 40, 2));
	CHECK_EQ(put(&h, sealed, key, 10, 50, 3, HS_NEVER, &done), HS_OK);
	CHECK(done);
	CHECK_EQ(put(&h, sealed, key, 11, 60, 1, HS_NEVER, &done), HS_OK);
	CHECK(done);
	CHECK_EQ(get(key, sizeof(room), HEAP_NOW, &got, &c), HS_OK);
	CHECK(is_entry(&c, room, 11, 60, 1));
	heap_close();

	/* any of the labels tells, but those of other slots */
	{
		HsCached	a = entry_of(10, 0, 3);
		HsCached	b = entry_of(10, 0, 2);

		CHECK(!hs_cached_is_later(&a, &b));
		a.deps[2].label++;
		CHECK(!hs_cached_is_later(&a, &b));
		a.deps[1].label++;
		CHECK(hs_cached_is_later(&a, &b));
		CHECK(!hs_cached_is_later(&b, &a));
		b.deps[1].slot++;
		CHECK(!hs_cached_is_later(&a, &b));
	}
}

static void
plain_keys_and_results_keep_apart(void)
{
	HsBytes		plain = hs_bytes_str("plain");
	HsBytes		key = hs_bytes_str("result");
	HsType		found = HS_ANY;
	HsCached	c;
	HsRead		r;
	HsGot		got;
	bool		done;

	open_store();
	CHECK_EQ(keys_set(&h, plain, hs_bytes_str("value"), HS_NEVER, HEAP_NOW), HS_OK);
	CHECK_EQ(put(&h, sealed, key, 1, 40, 2, HS_NEVER, &done), HS_OK);
	CHECK_EQ(put(&h, sealed, plain, 1, 40, 2, HS_NEVER, &done), HS_WRONG_TYPE);
	hs_got_init(&got, room, sizeof(room));
	CHECK_EQ(hs_cached_read(&h, plain, HEAP_NOW, &got, &c, &found), HS_WRONG_TYPE);
	CHECK_EQ(found, HS_STRING);
	CHECK_EQ(hs_read(&h, key, HEAP_NOW, room, sizeof(room), &r), HS_WRONG_TYPE);
	CHECK_EQ(r.type, HS_CACHED);
	CHECK_EQ(get(hs_bytes_str("nothing"), sizeof(room), HEAP_NOW, &got, &c), HS_NOT_FOUND);
	heap_close();
}

/* Any bytes may stand where another process is writing: taken or refused, but never read beyond. */
static void
bytes_that_are_no_entry(void)
{
	TestRandom	random = {test_seed(1)};
	uint64_t	taken = 0;
	uint64_t	refused = 0;

	for (int i = 0; i < 200000; i++)
	{
		size_t		size = (size_t) test_below(&random, 80);
		uint8_t    *bytes = malloc(size + 1);	/* exactly so many for AddressSanitizer */
		uint8_t    *end = bytes + 1;
		HsCached	c;

		for (size_t j = 0; j < size; j++)
			end[j] = (uint8_t) test_below(&random, 256);
		if (size >= 2 && test_below(&random, 2) == 0)
		{
			end[size - 2] = (uint8_t) test_below(&random, 8);
			end[size - 1] = (uint8_t) (test_below(&random, 5) | test_below(&random, 2) << 7);
		}
		if (hs_cached_unseal(end, size, &c))
		{
			taken++;
			CHECK(c.size < size && c.ndeps >= 1 && c.ndeps <= HS_CACHED_DEPS);
		}
		else
			refused++;
		free(bytes);
	}
	CHECK(taken > 1000);
	CHECK(refused > 1000);
}

/*
 * ---- While others replace entries ------------------------------------------------
 */

static _Atomic bool stop;

static HsBytes
entry_key(unsigned i)
{
	static const char *const names[ENTRIES] = {"result 0", "result 1", "result 2", "result 3"};

	return hs_bytes_str(names[i]);
}

/* Size and dependencies follow from the number, so that a reader knows them all. */
static size_t
size_of(uint64_t n)
{
	return n * 7919 % 700;
}

static unsigned
deps_of(uint64_t n)
{
	return 1 + (unsigned) (n % HS_CACHED_DEPS);
}

static void *
replace_entries(void *arg)
{
	HsHandle   *mine = arg;
	static uint8_t buf[1024 + HS_CACHED_TRAILER];

	for (uint64_t n = 1; !atomic_load(&stop); n++)
	{
		bool		done = false;
		HsBytes		key = entry_key((unsigned) (n % ENTRIES));

		if (put(mine, buf, key, n, size_of(n), deps_of(n), HS_NEVER, &done) != HS_OK || !done)
			test_fail(__FILE__, __LINE__, "an entry was not stored");
		/* the place of a record that is gone is used for others soon */
		if (n % 5 == 0)
			(void) keys_del(mine, key, HEAP_NOW);
	}
	return NULL;
}

static void
readers_see_whole_entries(void)
{
	pthread_t	thread;
	HsHandle	mine;
	uint64_t	last[ENTRIES] = {0};
	uint64_t	found = 0;
	uint64_t	rounds = test_scaled(ROUNDS);

	open_store();
	mine = h;
	atomic_store(&stop, false);
	REQUIRE(pthread_create(&thread, NULL, replace_entries, &mine) == 0);
	for (uint64_t i = 0; found < rounds && test_failures == 0; i++)
	{
		HsCached	c;
		HsGot		got;
		HsStatus	status = get(entry_key((unsigned) (i % ENTRIES)), sizeof(room), HEAP_NOW, &got, &c);

		if (i % 64 == 0)
			(void) sched_yield();
		if (status == HS_NOT_FOUND)
			continue;
		REQUIRE(status == HS_OK);
		found++;
		CHECK_EQ(c.deps[0].label % ENTRIES, i % ENTRIES);
		CHECK(c.deps[0].label >= last[i % ENTRIES]);
		last[i % ENTRIES] = c.deps[0].label;
		CHECK(is_entry(&c, room, last[i % ENTRIES], size_of(last[i % ENTRIES]),
					   deps_of(last[i % ENTRIES])));
	}
	atomic_store(&stop, true);
	REQUIRE(pthread_join(thread, NULL) == 0);
	CHECK_WELL(hs_keyspace_verify(&h));
	heap_close();
}

TEST_MAIN(TEST(entries_come_back_as_they_were),
		  TEST(older_results_do_not_replace_newer_ones),
		  TEST(plain_keys_and_results_keep_apart),
		  TEST(bytes_that_are_no_entry),
		  TEST(readers_see_whole_entries))
