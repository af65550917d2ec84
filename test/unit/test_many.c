/*
 * test_many.c
 *	  Many keys at once without a lock: what is found, and when that is not to be believed.
 *	  Concurrent writers: test_together.c, test_protocol.c, stress.
 */
#include "heap_test.h"
#include "keys_test.h"
#include "many.h"
#include "set.h"
#include "test.h"

#define MB		((size_t) 1 << 20)
#define MANY	3000

static HsHandle ks;
static HsManyRead reads[MANY];
static char names[MANY][KEYS_NAME_SIZE];

static HsBytes
many_key(uint64_t i)
{
	return keys_name(names[i], i);
}

static void
open_store(HsEviction eviction)
{
	heap_open(64 * MB);
	heap_keyspace(&ks, 1, eviction, 32 * MB);
	for (uint64_t i = 0; i < MANY; i++)
		reads[i].look.key = many_key(i);
}

static void
set_number(HsBytes key, uint64_t n, int64_t expires_us)
{
	CHECK_EQ(keys_set(&ks, key, hs_bytes(&n, sizeof(n)), expires_us, HEAP_NOW), HS_OK);
}

/* Every number of keys, so that windows end anywhere; every third key is missing. */
static void
windows_of_any_length(void)
{
	open_store(HS_EVICT_NONE);
	for (uint64_t i = 0; i < MANY; i++)
		if (i % 3 != 0)
			set_number(many_key(i), i * i, HS_NEVER);
	for (size_t n = 0; n <= MANY; n += n < 100 ? 1 : 173)
	{
		uint64_t	hits = ks.hits;
		uint64_t	misses = ks.misses;
		size_t		wrong = 0;

		CASE("%zu keys", n);
		REQUIRE(hs_many_find(&ks, reads, n, HEAP_NOW));
		for (size_t i = 0; i < n; i++)
		{
			uint64_t	value = 0;

			wrong += reads[i].found != (i % 3 != 0);
			if (!reads[i].found)
				continue;
			wrong += reads[i].size != sizeof(value) || (reads[i].flags & HS_RF_TYPE) != HS_STRING;
			hs_many_copy(&reads[i], &value);
			wrong += value != i * i;
		}
		CHECK(hs_many_are_true(&ks, reads, n));
		CHECK_EQ(wrong, 0);
		CHECK_EQ(ks.misses - misses, (n + 2) / 3);
		CHECK_EQ(ks.hits - hits, n - (n + 2) / 3);
	}
	heap_close();
}

/* Keys that expire, keys of other types, the same key twice, a keyspace without any. */
static void
what_is_found(void)
{
	HsBytes		member = hs_bytes_str("m");
	uint64_t	added;
	HsOp		op;

	open_store(HS_EVICT_NONE);
	CHECK(hs_many_find(&ks, reads, 5, HEAP_NOW));
	CHECK(!reads[0].found && !reads[4].found);
	CHECK(hs_many_are_true(&ks, reads, 5));

	set_number(many_key(0), 1, HEAP_NOW + 10);
	CHECK_EQ(hs_op_begin(&op, &ks, many_key(1), HS_EXCLUSIVE, HEAP_NOW), HS_OK);
	CHECK_EQ(hs_set_add(&op, &member, 1, HS_NEVER, &added), HS_OK);
	hs_op_end(&op);
	reads[2].look.key = many_key(0);
	CHECK(hs_many_find(&ks, reads, 3, HEAP_NOW + 9));
	CHECK(reads[0].found && reads[1].found && reads[2].found);
	CHECK_EQ(reads[1].flags & HS_RF_TYPE, HS_SET);
	CHECK(hs_many_are_true(&ks, reads, 3));
	CHECK(hs_many_find(&ks, reads, 3, HEAP_NOW + 10));
	CHECK(!reads[0].found && reads[1].found && !reads[2].found);
	CHECK(hs_many_are_true(&ks, reads, 3));
	heap_close();
}

/* A key that expires between finding and the end is noticed, as long as one was found. */
static void
expiry_is_noticed(void)
{
	int64_t		now_us = hs_port_now();

	open_store(HS_EVICT_NONE);
	set_number(many_key(0), 1, HS_NEVER);
	set_number(many_key(1), 1, now_us + INT64_C(3600000000));
	set_number(many_key(2), 1, now_us);
	CHECK(hs_many_find(&ks, reads, 2, now_us - 1));
	CHECK(reads[0].found && reads[1].found);
	CHECK(!hs_many_have_expired(reads, 2));
	CHECK(hs_many_find(&ks, reads, 4, now_us - 1));
	CHECK(reads[2].found && !reads[3].found);
	CHECK(hs_many_have_expired(reads, 4));
	CHECK(hs_many_find(&ks, reads, 4, now_us));
	CHECK(!reads[2].found);
	CHECK(!hs_many_have_expired(reads, 4));
	CHECK(!hs_many_have_expired(reads, 0));
	heap_close();
}

/* Any change of one of the keys, between finding and the end, is noticed. */
static void
changes_are_noticed(void)
{
	open_store(HS_EVICT_NONE);
	for (uint64_t i = 0; i < 20; i++)
		set_number(many_key(i), i, HS_NEVER);
	for (uint64_t i = 0; i < 25; i++)
	{
		CASE("key %d", (int) i);
		CHECK(hs_many_find(&ks, reads, 25, HEAP_NOW));
		set_number(many_key(i), i + 1, HS_NEVER);	/* the last five are new */
		CHECK(!hs_many_are_true(&ks, reads, 25));

		CHECK(hs_many_find(&ks, reads, 25, HEAP_NOW));
		CHECK(keys_del(&ks, many_key(i), HEAP_NOW));
		CHECK(!hs_many_are_true(&ks, reads, 25));

		CHECK(hs_many_find(&ks, reads, 25, HEAP_NOW));
		CHECK(hs_many_are_true(&ks, reads, 25));
		set_number(many_key(i), i, HS_NEVER);
	}
	heap_close();
}

/* Buckets that are split or merged between finding and the end. */
static void
moves_are_noticed(void)
{
	unsigned	noticed = 0;

	open_store(HS_EVICT_NONE);
	for (uint64_t i = 0; i < 20; i++)
		set_number(many_key(i), i, HS_NEVER);
	for (int pass = 0; pass < 2; pass++)
		for (uint64_t i = 20; i < MANY; i++)
		{
			bool		found = hs_many_find(&ks, reads, 20, HEAP_NOW);
			bool		is_true;

			CHECK(found);
			if (pass == 0)
				set_number(many_key(i), i, HS_NEVER);
			else
				CHECK(keys_del(&ks, many_key(i), HEAP_NOW));
			is_true = hs_many_are_true(&ks, reads, 20);
			noticed += !is_true;
			for (unsigned k = 0; k < 20; k++)
			{
				uint64_t	value = 0;

				if (!is_true)
					break;
				hs_many_copy(&reads[k], &value);
				CHECK_EQ(value, k);
			}
		}
	CHECK(noticed > 50);
	heap_close();
}

/* A command on several keys has begun to change them; the keyspace is dropped; a key is too long. */
static void
never_believed(void)
{
	static uint8_t longest[HS_MAX_KEY + 1];
	HsBytes		keys[2] = {many_key(0), many_key(1)};
	HsMulti		m;

	open_store(HS_EVICT_NONE);
	set_number(keys[0], 1, HS_NEVER);
	set_number(keys[1], 1, HS_NEVER);

	CHECK(hs_many_find(&ks, reads, 2, HEAP_NOW));
	CHECK_EQ(hs_multi_begin(&m, &ks, keys, 2, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
	CHECK(hs_many_are_true(&ks, reads, 2));
	CHECK(hs_many_find(&ks, reads, 2, HEAP_NOW));
	hs_multi_close(&m);
	CHECK(!hs_many_are_true(&ks, reads, 2));
	CHECK(!hs_many_find(&ks, reads, 2, HEAP_NOW));
	hs_multi_end(&m);
	CHECK(hs_many_find(&ks, reads, 2, HEAP_NOW));
	CHECK(hs_many_are_true(&ks, reads, 2));

	reads[1].look.key = hs_bytes(longest, sizeof(longest));
	CHECK(!hs_many_find(&ks, reads, 2, HEAP_NOW));
	reads[1].look.key = hs_bytes(longest, HS_MAX_KEY);
	CHECK(hs_many_find(&ks, reads, 2, HEAP_NOW));
	CHECK(!reads[1].found);
	CHECK(hs_many_are_true(&ks, reads, 2));

	CHECK(hs_many_find(&ks, reads, 1, HEAP_NOW));
	hs_keyspace_drop(HEAP_DB, 1);
	CHECK(!hs_many_are_true(&ks, reads, 1));
	heap_close();
}

/* Reading keeps keys from eviction, as reading one of them does. */
static void
reading_keeps_keys(void)
{
	static uint8_t value[1000];
	unsigned	kept = 0;
	char		name[KEYS_NAME_SIZE];

	heap_open(64 * MB);
	heap_keyspace(&ks, 1, HS_EVICT_S3FIFO, 4 * MB);
	for (uint64_t i = 0; i < 100; i++)
	{
		reads[i].look.key = many_key(i);
		CHECK_EQ(keys_set(&ks, many_key(i), hs_bytes(value, sizeof(value)), HS_NEVER, HEAP_NOW), HS_OK);
	}
	for (uint64_t i = 0; i < 20000; i++)
	{
		CHECK_EQ(keys_set(&ks, keys_name(name, MANY + i), hs_bytes(value, sizeof(value)), HS_NEVER, HEAP_NOW),
				 HS_OK);
		CHECK(hs_many_find(&ks, reads, 100, HEAP_NOW));
		CHECK(hs_many_are_true(&ks, reads, 100));
	}
	for (uint64_t i = 0; i < 100; i++)
		kept += reads[i].found;
	CHECK_EQ(kept, 100);
	heap_close();
}

TEST_MAIN(TEST(windows_of_any_length),
		  TEST(what_is_found),
		  TEST(expiry_is_noticed),
		  TEST(changes_are_noticed),
		  TEST(moves_are_noticed),
		  TEST(never_believed),
		  TEST(reading_keeps_keys))
