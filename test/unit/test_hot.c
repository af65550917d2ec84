/*
 * test_hot.c
 *	  Hot keys: found in their proportion, forgotten when they cool down, never
 *	  mixed up between keyspaces.
 */
#include "heap_test.h"
#include "hot.h"
#include "keys_test.h"
#include "test.h"

static void
open_all(HsHandle *h)
{
	static void *tables = NULL;

	heap_open((size_t) 16 << 20);
	free(tables);
	tables = calloc(1, hs_hot_size(hs_region_keyspaces((size_t) 16 << 20)));
	hs_hot_init(tables, hs_region_keyspaces((size_t) 16 << 20));
	heap_keyspace(h, 1, HS_EVICT_NONE, 0);
}

static void
look_up(HsHandle *h, uint64_t n)
{
	char		name[KEYS_NAME_SIZE];
	HsRead		out;

	(void) hs_peek(h, keys_name(name, n), HEAP_NOW, &out);
}

/* The entry of key n or NULL. */
static const HsHotKey *
entry(const HsHotKey *keys, unsigned nkeys, uint64_t n)
{
	char		name[KEYS_NAME_SIZE];
	HsBytes		key = keys_name(name, n);

	for (unsigned i = 0; i < nkeys; i++)
	{
		if (keys[i].key_size == key.size && memcmp(keys[i].key, key.data, key.size) == 0)
			return &keys[i];
	}
	return NULL;
}

/* Key 0 has a share of 20 %, keys 1 to 3 one of 5 % each, a million others the rest. */
static void
hot_among_many(void)
{
	TestRandom	r = {1};
	HsHotKey	keys[HS_HOT_KEYS];
	uint64_t	samples;
	unsigned	n;
	HsHandle	h;

	open_all(&h);
	for (int i = 0; i < 2000000; i++)
	{
		uint64_t	x = test_random(&r) % 100;

		look_up(&h, x < 20 ? 0 : x < 35 ? 1 + x % 3 : 4 + test_random(&r) % 1000000);
	}
	n = hs_hot_read(&h, keys, &samples);
	CHECK_NEAR((double) samples, 2000000.0 / HS_HOT_EVERY, 600);
	for (uint64_t key = 0; key < 4; key++)
	{
		const HsHotKey *k = entry(keys, n, key);

		CASE("key %d", (int) key);
		REQUIRE(k != NULL);
		CHECK_NEAR((double) (k->count - k->error) / (double) samples,
				   key == 0 ? 0.20 : 0.05, 0.02);
	}
	for (unsigned i = 0; i < n; i++)
		CHECK(keys[i].error <= keys[i].count && keys[i].count <= samples);
}

/* A caller with a rhythm: every key must be seen, not one of them only. */
static void
rhythm_of_the_caller(void)
{
	HsHotKey	keys[HS_HOT_KEYS];
	uint64_t	samples;
	unsigned	n;
	HsHandle	h;

	open_all(&h);
	for (uint64_t i = 0; i < 400000; i++)
		look_up(&h, i % 4);
	n = hs_hot_read(&h, keys, &samples);
	CHECK_EQ(n, 4);
	for (uint64_t key = 0; key < 4; key++)
	{
		const HsHotKey *k = entry(keys, n, key);

		REQUIRE(k != NULL);
		CHECK_EQ(k->error, 0);
		CHECK_NEAR((double) k->count / (double) samples, 0.25, 0.05);
	}
}

/*
 * Sessions that end after a few lookups, the first always the same: each lookup counts
 * as much as one of a long session.
 */
static void
short_sessions(void)
{
	static const unsigned lookups[] = {1, 2, 10};

	for (unsigned t = 0; t < sizeof(lookups) / sizeof(*lookups); t++)
	{
		unsigned	nsessions = 100000;
		double		expected = (double) nsessions / HS_HOT_EVERY;
		HsHotKey	keys[HS_HOT_KEYS];
		uint64_t	samples;
		unsigned	n;
		HsHandle	h;

		CASE("%u lookups", lookups[t]);
		open_all(&h);
		for (unsigned i = 0; i < nsessions; i++)
		{
			heap_keyspace(&h, 1, HS_EVICT_NONE, 0);
			for (unsigned k = 0; k < lookups[t]; k++)
				look_up(&h, k);
		}
		n = hs_hot_read(&h, keys, &samples);
		CHECK_NEAR((double) samples, expected * lookups[t], 0.2 * expected * lookups[t]);
		for (uint64_t key = 0; key < lookups[t]; key++)
		{
			const HsHotKey *k = entry(keys, n, key);

			REQUIRE(k != NULL);
			CHECK_NEAR((double) k->count, expected, 0.2 * expected);
		}
	}
}

/* After a window or two without a lookup, an old favourite has lost its place. */
static void
fame_fades(void)
{
	HsHotKey	keys[HS_HOT_KEYS];
	uint64_t	samples;
	unsigned	n;
	const HsHotKey *old;
	const HsHotKey *fresh;
	HsHandle	h;

	open_all(&h);
	for (uint64_t i = 0; i < (uint64_t) HS_HOT_WINDOW * HS_HOT_EVERY; i++)
		look_up(&h, 1);
	for (uint64_t i = 0; i < (uint64_t) 2 * HS_HOT_WINDOW * HS_HOT_EVERY; i++)
		look_up(&h, 2);
	n = hs_hot_read(&h, keys, &samples);
	CHECK(samples < HS_HOT_WINDOW);
	old = entry(keys, n, 1);
	fresh = entry(keys, n, 2);
	REQUIRE(fresh != NULL);
	CHECK(old == NULL || old->count * 4 < fresh->count);
}

static void
long_keys_are_cut(void)
{
	uint8_t		name[HS_MAX_KEY];
	HsHotKey	keys[HS_HOT_KEYS];
	uint64_t	samples;
	HsHandle	h;
	HsRead		out;

	open_all(&h);
	memset(name, 'x', sizeof(name));
	for (int i = 0; i < 20 * HS_HOT_EVERY; i++)
		(void) hs_peek(&h, hs_bytes(name, sizeof(name)), HEAP_NOW, &out);
	REQUIRE_EQ(hs_hot_read(&h, keys, &samples), 1);
	CHECK_EQ(keys[0].key_size, HS_MAX_KEY);
	CHECK(memcmp(keys[0].key, name, HS_HOT_KEY_BYTES) == 0);
}

/* A new keyspace in the slot of an old one starts from nothing, and lookups by
 * those who have not noticed the drop change nothing. */
static void
dropped_and_reset(void)
{
	HsHotKey	keys[HS_HOT_KEYS];
	uint64_t	samples;
	HsHandle	old;
	HsHandle	h;

	open_all(&old);
	for (int i = 0; i < 20 * HS_HOT_EVERY; i++)
		look_up(&old, 1);
	CHECK_EQ(hs_hot_read(&old, keys, &samples), 1);
	hs_keyspace_drop(HEAP_DB, 1);
	heap_keyspace(&h, 2, HS_EVICT_NONE, 0);
	REQUIRE(h.ks == old.ks);
	CHECK_EQ(hs_hot_read(&h, keys, &samples), 0);
	for (int i = 0; i < 20 * HS_HOT_EVERY; i++)
		look_up(&h, 2);
	for (int i = 0; i < 20 * HS_HOT_EVERY; i++)
		look_up(&old, 3);
	REQUIRE_EQ(hs_hot_read(&h, keys, &samples), 1);
	CHECK(entry(keys, 1, 2) != NULL);
	hs_hot_reset(&old);
	CHECK_EQ(hs_hot_read(&h, keys, &samples), 1);
	hs_hot_reset(&h);
	CHECK_EQ(hs_hot_read(&h, keys, &samples), 0);
	CHECK_EQ(samples, 0);
}

TEST_MAIN(TEST(hot_among_many), TEST(rhythm_of_the_caller), TEST(short_sessions),
		  TEST(fame_fades), TEST(long_keys_are_cut), TEST(dropped_and_reset))
