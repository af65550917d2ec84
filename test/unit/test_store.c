/*
 * test_store.c
 *	  Keys: find, reserve, publish, remove; growth and shrinking of the index;
 *	  versions, changes in place, several keys at once, statistics.
 */
#include "heap_test.h"
#include "index.h"
#include "keys_test.h"
#include "port_test.h"
#include "test.h"

#define MB	((size_t) 1 << 20)

static HsHandle ks;
static uint8_t buf[4 << 20];

static void
open_store(size_t region, HsEviction eviction, uint64_t memory)
{
	heap_open(region);
	heap_keyspace(&ks, 1, eviction, memory);
}

static bool
value_is(HsBytes key, HsBytes want)
{
	HsRead		read;

	return keys_get(&ks, key, HEAP_NOW, buf, sizeof(buf), &read) == HS_OK &&
		hs_bytes_cmp(hs_bytes(buf, read.size), want) == 0;
}

static HsStatus
get_status(HsBytes key)
{
	HsRead		read;

	return keys_get(&ks, key, HEAP_NOW, buf, sizeof(buf), &read);
}

static void
keys_and_values_of_all_sizes(void)
{
	static const size_t key_sizes[] = {0, 1, 2, 7, 8, 254, 255, 256, 257, 4000, 65534, 65535, HS_MAX_KEY};
	static const size_t value_sizes[] = {0, 1, 7, 8, 9, 254, 255, 256, 257, 1000, 1024, 1025, 8000,
	16383, 16384, 16385, 65535, 65536, 100000, 131072, 131073, 1000000};
	uint8_t    *key = malloc(HS_MAX_KEY + 1);
	uint8_t    *value = malloc(1000000);

	open_store(64 * MB, HS_EVICT_NONE, 0);
	for (size_t k = 0; k < sizeof(key_sizes) / sizeof(key_sizes[0]); k++)
	{
		for (size_t v = 0; v < sizeof(value_sizes) / sizeof(value_sizes[0]); v++)
		{
			size_t		ksize = key_sizes[k];
			HsBytes		bytes = hs_bytes(value, value_sizes[v]);

			CASE("key of %zu, value of %zu", ksize, bytes.size);
			keys_pattern(key, ksize, 1);
			keys_pattern(value, bytes.size, k * 100 + v);
			CHECK_EQ(keys_set(&ks, hs_bytes(key, ksize), bytes, HS_NEVER, HEAP_NOW), HS_OK);
			CHECK(value_is(hs_bytes(key, ksize), bytes));
		}
		heap_check(&ks);
	}
	/* each key has its last value; a key that differs in one byte is another */
	for (size_t k = 0; k < sizeof(key_sizes) / sizeof(key_sizes[0]); k++)
	{
		size_t		ksize = key_sizes[k];

		CASE("key of %zu", ksize);
		keys_pattern(key, ksize, 1);
		CHECK_EQ(get_status(hs_bytes(key, ksize)), HS_OK);
		if (ksize > 0)
		{
			key[ksize - 1] ^= 1;
			CHECK_EQ(get_status(hs_bytes(key, ksize)), HS_NOT_FOUND);
			key[ksize - 1] ^= 1;
		}
		CHECK(keys_del(&ks, hs_bytes(key, ksize), HEAP_NOW));
		CHECK_EQ(get_status(hs_bytes(key, ksize)), HS_NOT_FOUND);
		CHECK(!keys_del(&ks, hs_bytes(key, ksize), HEAP_NOW));
	}
	CASE("key of %d", HS_MAX_KEY + 1);
	CHECK_EQ(get_status(hs_bytes(key, HS_MAX_KEY + 1)), HS_KEY_TOO_LONG);
	CHECK_EQ(keys_set(&ks, hs_bytes(key, HS_MAX_KEY + 1), hs_bytes("x", 1), HS_NEVER, HEAP_NOW),
			 HS_KEY_TOO_LONG);
	CHECK_EQ(keys_stats(&ks).keys, 0);
	CHECK_EQ(keys_stats(&ks).live_bytes, 0);
	CHECK_EQ(keys_stats(&ks).big_bytes, 0);
	free(value);
	free(key);
	heap_finish(&ks);
}

static void
read_reports_what_it_found(void)
{
	HsBytes		key = hs_bytes_str("k");
	HsRead		read = {0};

	open_store(8 * MB, HS_EVICT_NONE, 0);
	CHECK_EQ(hs_read(&ks, key, HEAP_NOW, buf, 10, &read), HS_NOT_FOUND);
	CHECK_EQ(keys_set(&ks, key, hs_bytes_str("0123456789"), HEAP_NOW + 7, HEAP_NOW), HS_OK);
	CHECK_EQ(hs_read(&ks, key, HEAP_NOW, buf, 9, &read), HS_BUFFER_TOO_SMALL);
	CHECK_EQ(read.size, 10);
	CHECK_EQ(hs_read(&ks, key, HEAP_NOW, buf, 10, &read), HS_OK);
	CHECK_EQ(read.size, 10);
	CHECK_EQ(read.type, HS_STRING);
	CHECK_EQ(read.expires_us, HEAP_NOW + 7);
	CHECK_STR(hs_bytes(buf, 10), "0123456789");
	CHECK_EQ(hs_read(&ks, key, HEAP_NOW, NULL, 0, &read), HS_BUFFER_TOO_SMALL);
	CHECK_EQ(hs_peek(&ks, key, HEAP_NOW, &read), HS_OK);
	CHECK_EQ(read.size, 10);
	heap_finish(&ks);
}

/* A collection of a type whose record is all there is. */
static void
wrong_type_is_told(void)
{
	HsBytes		key = hs_bytes_str("h");
	HsRead		read = {0};
	HsRecord   *record;
	HsDraft		draft;
	HsOp		op;

	open_store(8 * MB, HS_EVICT_NONE, 0);
	REQUIRE_EQ(hs_op_begin(&op, &ks, key, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
	REQUIRE_EQ(hs_reserve(&op, HS_HLL, 5, HS_NEVER, &draft), HS_OK);
	memcpy(draft.value, "12345", 5);
	hs_publish(&op, &draft);
	CHECK_EQ(hs_find_typed(&op, HS_STRING, &record), HS_WRONG_TYPE);
	CHECK_EQ(op.found_type, HS_HLL);
	CHECK_EQ(hs_find_typed(&op, HS_HLL, &record), HS_OK);
	CHECK(record != NULL && hs_record_type(record) == HS_HLL);
	CHECK_EQ(hs_find_typed(&op, HS_ANY, &record), HS_OK);
	hs_op_end(&op);
	CHECK_EQ(hs_read(&ks, key, HEAP_NOW, buf, 10, &read), HS_WRONG_TYPE);
	CHECK_EQ(read.type, HS_HLL);
	CHECK_EQ(hs_peek(&ks, key, HEAP_NOW, &read), HS_OK);
	CHECK_EQ(read.type, HS_HLL);
	CHECK_EQ(keys_stats(&ks).keys_by_type[HS_HLL], 1);
	CHECK_EQ(keys_set(&ks, key, hs_bytes_str("now a string"), HS_NEVER, HEAP_NOW), HS_OK);
	CHECK_EQ(keys_stats(&ks).keys_by_type[HS_HLL], 0);
	CHECK_EQ(keys_stats(&ks).keys_by_type[HS_STRING], 1);
	heap_finish(&ks);
}

/* Whatever the draft was for, an abandoned one leaves the old value. */
static void
abandoned_drafts_leave_nothing(void)
{
	HsBytes		key = hs_bytes_str("key"),
				other = hs_bytes_str("other"),
				old = hs_bytes_str("old value");
	HsStats		before,
				after;
	HsDraft		draft;
	HsOp		op;

	open_store(8 * MB, HS_EVICT_NONE, 0);
	CHECK_EQ(keys_set(&ks, key, old, HS_NEVER, HEAP_NOW), HS_OK);
	before = keys_stats(&ks);
	for (size_t size = 0; size < 20000; size = size * 3 + 1)
	{
		CASE("draft of %zu", size);
		REQUIRE_EQ(hs_op_begin(&op, &ks, key, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
		if (CHECK_EQ(hs_reserve(&op, HS_STRING, size, HS_NEVER, &draft), HS_OK))
		{
			CHECK(!draft.inserts);
			CHECK_EQ(draft.value_size, size);
			memset(draft.value, 'x', size);
			CHECK(hs_find(&op) != NULL && hs_find(&op) != draft.record);
			hs_abandon(&op, &draft);
		}
		hs_op_end(&op);
		CHECK(value_is(key, old));

		REQUIRE_EQ(hs_op_begin(&op, &ks, other, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
		if (CHECK_EQ(hs_reserve(&op, HS_STRING, size, HEAP_NOW + 5, &draft), HS_OK))
		{
			CHECK(draft.inserts);
			CHECK(hs_find(&op) == NULL);
			hs_abandon(&op, &draft);
		}
		hs_op_end(&op);
		CHECK_EQ(get_status(other), HS_NOT_FOUND);
		heap_check(&ks);
	}
	after = keys_stats(&ks);
	CHECK_EQ(after.keys, before.keys);
	CHECK_EQ(after.live_bytes, before.live_bytes);
	heap_finish(&ks);
}

/*
 * Insert, check, and remove in another order: the index grows bucket by
 * bucket and shrinks again, at each moment all keys are where they should be.
 */
static void
grow_and_shrink(uint32_t n)
{
	char		name[KEYS_NAME_SIZE];
	HsRead		read;
	HsStats		stats;
	uint64_t	peak_index;
	uint32_t	missing = 0;

	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	value = i * 3;

		if (keys_set(&ks, keys_name(name, i), hs_bytes(&value, 4), HS_NEVER, HEAP_NOW) != HS_OK)
			missing++;
		if (i % (n / 7) == 0)
			heap_check(&ks);
	}
	REQUIRE_EQ(missing, 0);
	CHECK_EQ(keys_count(&ks, HEAP_NOW), n);
	peak_index = keys_stats(&ks).index_bytes;
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	value;

		if (hs_read(&ks, keys_name(name, i), HEAP_NOW, &value, 4, &read) != HS_OK || value != i * 3)
			missing++;
		if (hs_peek(&ks, keys_name(name, i + n), HEAP_NOW, &read) != HS_NOT_FOUND)
			missing++;
	}
	CHECK_EQ(missing, 0);
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	k = (uint32_t) ((uint64_t) i * 1000003 % n);

		if (!keys_del(&ks, keys_name(name, k), HEAP_NOW))
			missing++;
		if (hs_peek(&ks, keys_name(name, k), HEAP_NOW, &read) != HS_NOT_FOUND)
			missing++;
		if (i % (n / 7) == 0)
			heap_check(&ks);
	}
	CHECK_EQ(missing, 0);
	keys_work(&ks, HEAP_NOW);
	stats = keys_stats(&ks);
	CHECK_EQ(stats.keys, 0);
	CHECK_EQ(stats.live_bytes, 0);
	/* 12 bytes a key at most, and it comes back */
	CHECK(peak_index <= (uint64_t) n * 12 + ks.nparts * 4 * HS_PAGE_SIZE);
	CHECK(stats.index_bytes <= peak_index / 4 + ks.nparts * 3 * HS_PAGE_SIZE);
}

static void
index_grows_and_shrinks(void)
{
	open_store(64 * MB, HS_EVICT_NONE, 0);
	for (int round = 0; round < 3; round++)
		grow_and_shrink(199999);
	heap_finish(&ks);
}

/*
 * Of many keys few stay: overflow buckets in use, on any page, do not keep the
 * pages of all the others; they move, and every key is still found.
 */
static void
few_keys_that_stay_keep_few_pages(void)
{
	const uint32_t n = 200000;
	const uint32_t keep_every = 16;
	char		name[KEYS_NAME_SIZE];
	uint32_t	missing = 0;
	uint64_t	peak;
	HsStats		stats;
	HsRead		read;

	open_store(64 * MB, HS_EVICT_NONE, 32 * MB);
	for (uint32_t i = 0; i < n; i++)
		missing += keys_set(&ks, keys_name(name, i), hs_bytes(&i, 4), HS_NEVER, HEAP_NOW) != HS_OK;
	REQUIRE_EQ(missing, 0);
	peak = keys_stats(&ks).index_bytes;
	for (uint32_t i = 0; i < n; i++)
	{
		if (i % keep_every != 0)
			missing += !keys_del(&ks, keys_name(name, i), HEAP_NOW);
		if (i % (n / 20) == 0)
			heap_check(&ks);
	}
	keys_work(&ks, HEAP_NOW);
	heap_check(&ks);
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	value = n;
		HsStatus	status = hs_read(&ks, keys_name(name, i), HEAP_NOW, &value, 4, &read);

		missing += i % keep_every == 0 ? status != HS_OK || value != i : status != HS_NOT_FOUND;
	}
	CHECK_EQ(missing, 0);
	stats = keys_stats(&ks);
	CHECK_EQ(stats.keys, n / keep_every);
	/* a directory, a page of buckets more than needed, and one of overflow buckets for each */
	CHECK(stats.index_bytes <= peak / keep_every * 3 / 2 + ks.nparts * 3 * HS_PAGE_SIZE);
	heap_finish(&ks);
}

/* The smallest store there is, with one partition or few. */
static void
small_keyspaces_work(void)
{
	static const uint64_t limits[] = {1 << 20, 2 << 20, 3 << 20, 8 << 20, 0};

	for (int i = 0; i < 5; i++)
	{
		CASE("limit %d", (int) limits[i]);
		open_store(8 * MB, HS_EVICT_NONE, limits[i]);
		CHECK(ks.nparts >= 1 && ks.nparts <= HS_MAX_PARTS);
		grow_and_shrink(1999);
		heap_finish(&ks);
	}
}

/* A new value of the same size is no reason to take more memory. */
static void
overwriting_does_not_grow(void)
{
	char		name[KEYS_NAME_SIZE];
	HsStats		before,
				after;
	uint32_t	refused = 0;

	open_store(16 * MB, HS_EVICT_NONE, 4 * MB);
	for (uint32_t round = 0; round < 200; round++)
	{
		for (uint32_t i = 0; i < 5000; i++)
		{
			keys_pattern(buf, 100, round * 10000 + i);
			if (keys_set(&ks, keys_name(name, i), hs_bytes(buf, 100), HS_NEVER, HEAP_NOW) != HS_OK)
				refused++;
		}
		if (round == 10)
			before = keys_stats(&ks);
	}
	CHECK_EQ(refused, 0);
	after = keys_stats(&ks);
	CHECK_EQ(after.live_bytes, before.live_bytes);
	CHECK_EQ(after.sets, 200 * 5000);
	for (uint32_t i = 0; i < 5000; i++)
	{
		keys_pattern(buf + 1000, 100, 1990000 + i);
		CHECK(value_is(keys_name(name, i), hs_bytes(buf + 1000, 100)));
	}
	heap_finish(&ks);
}

static void
changes_in_place(void)
{
	HsBytes		key = hs_bytes_str("k");
	HsRecord   *record;
	HsRead		read;
	HsOp		op;

	open_store(8 * MB, HS_EVICT_NONE, 0);
	memset(buf, 'a', 3000);
	CHECK_EQ(keys_set(&ks, key, hs_bytes(buf, 3000), HS_NEVER, HEAP_NOW), HS_OK);
	REQUIRE_EQ(hs_op_begin(&op, &ks, key, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
	record = hs_find(&op);
	REQUIRE(record != NULL);
	memset(buf, 'b', HS_IN_PLACE_MAX);
	hs_poke(&op, record, 0, "x", 1);
	hs_poke(&op, record, 1000, buf, HS_IN_PLACE_MAX);
	hs_poke(&op, record, 2999, "z", 1);
	hs_poke_flags(&op, record, HS_RF_TEXT);
	hs_op_end(&op);
	memset(buf + 10000, 'a', 3000);
	memset(buf + 11000, 'b', HS_IN_PLACE_MAX);
	buf[10000] = 'x';
	buf[12999] = 'z';
	CHECK(value_is(key, hs_bytes(buf + 10000, 3000)));
	CHECK_EQ(hs_read(&ks, key, HEAP_NOW, buf, 3000, &read), HS_OK);
	CHECK_EQ(read.flags & HS_RF_VALUE, HS_RF_TEXT);
	REQUIRE_EQ(hs_op_begin(&op, &ks, key, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
	hs_poke_flags(&op, hs_find(&op), 0);
	hs_op_end(&op);
	CHECK_EQ(hs_read(&ks, key, HEAP_NOW, buf, 3000, &read), HS_OK);
	CHECK_EQ(read.flags & HS_RF_VALUE, 0);
	heap_finish(&ks);
}

static void
poke(HsBytes key)
{
	HsOp		op;

	REQUIRE_EQ(hs_op_begin(&op, &ks, key, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
	hs_poke(&op, hs_find(&op), 0, "p", 1);
	hs_op_end(&op);
}

static void
set_v(HsBytes key)
{
	keys_set(&ks, key, hs_bytes_str("v"), HS_NEVER, HEAP_NOW);
}

static void
set_long(HsBytes key)
{
	memset(buf, 'v', 500000);
	keys_set(&ks, key, hs_bytes(buf, 500000), HS_NEVER, HEAP_NOW);
}

static void
set_again(HsBytes key)
{
	keys_del(&ks, key, HEAP_NOW);
	set_v(key);
}

static void
touch(HsBytes key)
{
	HsOp		op;

	REQUIRE_EQ(hs_op_begin(&op, &ks, key, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
	hs_touch_version(&op, hs_find(&op));
	hs_op_end(&op);
}

static void
flush(HsBytes key)
{
	uint64_t	removed;

	(void) key;
	CHECK_EQ(hs_keyspace_flush(&ks, HEAP_NOW, &removed), HS_OK);
	set_v(hs_bytes_str("k"));
}

/* Every write changes the version; reading it, or reading, does not. */
static void
versions_change_with_each_write(void)
{
	static const struct
	{
		const char *name;
		void		(*write) (HsBytes key);
	}			writes[] = {
		{"set", set_v}, {"poke", poke}, {"set long", set_long}, {"set short", set_v},
		{"delete and set", set_again}, {"touch", touch}, {"flush", flush}
	};
	HsBytes		key = hs_bytes_str("k");
	uint64_t	seen[200];
	int			nseen = 0;
	HsRead		read;

	open_store(8 * MB, HS_EVICT_NONE, 0);
	CHECK_EQ(keys_version(&ks, key, HEAP_NOW, &seen[0]), HS_NOT_FOUND);
	set_v(key);
	for (int i = 0; i < 70; i++)
	{
		uint64_t	again;
		const char *name = writes[i % 7].name;

		CASE("round %d, %s", i, name);
		writes[i % 7].write(key);
		/* two writes before the next look at it */
		if (i % 3 == 0 && i % 7 != 6)
			writes[i % 7].write(key);
		REQUIRE_EQ(keys_version(&ks, key, HEAP_NOW, &seen[nseen]), HS_OK);
		REQUIRE_EQ(hs_read(&ks, key, HEAP_NOW, buf, sizeof(buf), &read) != HS_NOT_FOUND, 1);
		CHECK_EQ(keys_version(&ks, key, HEAP_NOW, &again), HS_OK);
		CHECK_EQ(again, seen[nseen]);
		for (int k = 0; k < nseen; k++)
			CHECK(seen[k] != seen[nseen]);
		nseen++;
	}
	/* across drops of the keyspace too, even with other partitions afterwards */
	for (uint32_t i = 0; i < 6; i++)
	{
		HsHandle	other;

		CASE("drop %u", i);
		hs_keyspace_drop(HEAP_DB, 1);
		heap_keyspace(&other, 10 + i, HS_EVICT_NONE, MB);
		heap_keyspace(&ks, 1, HS_EVICT_NONE, 0);
		set_v(key);
		CHECK_EQ(keys_version(&ks, key, HEAP_NOW, &seen[nseen]), HS_OK);
		for (int k = 0; k < nseen; k++)
			CHECK(seen[k] != seen[nseen]);
		nseen++;
	}
	hs_keyspace_drop(HEAP_DB, 1);
	for (uint32_t i = 0; i < 6; i++)
		hs_keyspace_drop(HEAP_DB, 10 + i);
	heap_keyspace(&ks, 1, HS_EVICT_NONE, 0);
	heap_finish(&ks);
}

/* A version in the record changes nothing else about the key. */
static void
version_keeps_value_and_expiry(void)
{
	static const size_t sizes[] = {0, 1, 100, 255, 256, 9000, 65536, 300000};

	open_store(16 * MB, HS_EVICT_NONE, 0);
	for (int i = 0; i < 8; i++)
	{
		char		name[KEYS_NAME_SIZE];
		HsBytes		key = keys_name(name, (uint64_t) i);
		uint64_t	version;
		HsRead		read;

		CASE("size %zu", sizes[i]);
		keys_pattern(buf, sizes[i], (uint64_t) i);
		CHECK_EQ(keys_set(&ks, key, hs_bytes(buf, sizes[i]), HEAP_NOW + 10 + i, HEAP_NOW), HS_OK);
		CHECK_EQ(keys_version(&ks, key, HEAP_NOW, &version), HS_OK);
		CHECK_EQ(keys_get(&ks, key, HEAP_NOW, buf, sizeof(buf), &read), HS_OK);
		CHECK(read.size == sizes[i] && keys_is_pattern(hs_bytes(buf, read.size), (uint64_t) i));
		CHECK_EQ(read.expires_us, HEAP_NOW + 10 + i);
	}
	heap_finish(&ks);
}

/*
 * A reader without a lock that is late sets visited bits in buckets that are
 * gone: their pages hold other buckets, directories or fingerprints now.
 */
static void
late_readers_do_no_harm(void)
{
	static HsBucket *buckets[100000];
	int			nbuckets;
	char		name[KEYS_NAME_SIZE];
	uint64_t	removed;
	uint32_t	missing = 0;

	open_store(64 * MB, HS_EVICT_NONE, 0);
	for (int round = 0; round < 6; round++)
	{
		CASE("round %d", round);
		for (uint64_t i = 0; i < 60000; i++)
			keys_set(&ks, keys_name(name, i), hs_bytes(&i, 8), HS_NEVER, HEAP_NOW);
		nbuckets = 0;
		for (uint32_t p = 0; p < ks.nparts; p++)
			for (uint32_t b = 0; b < hs_nbuckets(ks.parts[p]); b++)
				buckets[nbuckets++] = hs_bucket_at(ks.parts[p], b);
		CHECK_EQ(hs_keyspace_flush(&ks, HEAP_NOW, &removed), HS_OK);
		if (round % 2 == 1)
		{
			hs_keyspace_drop(HEAP_DB, 1);
			heap_keyspace(&ks, 1, HS_EVICT_NONE, round == 1 ? 16 * MB : 0);
		}
		for (int b = 0; b < nbuckets; b++)
			for (unsigned i = 0; i < HS_BUCKET_SLOTS; i++)
				hs_slot_visit(buckets[b], i);
		for (uint64_t i = 0; i < 30000; i++)
			keys_set(&ks, keys_name(name, i), hs_bytes(&i, 8), HS_NEVER, HEAP_NOW);
		for (int b = 0; b < nbuckets; b++)
			for (unsigned i = 0; i < HS_BUCKET_SLOTS; i++)
				hs_slot_visit(buckets[b], i);
		for (uint64_t i = 0; i < 30000; i++)
			missing += !value_is(keys_name(name, i), hs_bytes(&i, 8));
		CHECK_EQ(missing, 0);
		heap_check(&ks);
	}
	heap_finish(&ks);
}

/* A bucket that stays in the middle of a change, as if the writer had been
 * preempted there: readers take the lock, which here nobody holds. */
static void
reader_falls_back_to_the_lock(void)
{
	HsBytes		key = hs_bytes_str("k"),
				other = hs_bytes_str("other");
	HsRead		read;
	HsOp		op;
	HsSlot		slot;

	open_store(8 * MB, HS_EVICT_NONE, 0);
	CHECK_EQ(keys_set(&ks, key, hs_bytes_str("value"), HEAP_NOW + 5, HEAP_NOW), HS_OK);
	REQUIRE_EQ(hs_op_begin(&op, &ks, key, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
	REQUIRE(hs_index_find(op.part, op.hash, key, &slot) != NULL);
	hs_op_end(&op);
	hs_change_begin(slot.head);
	CHECK_EQ(hs_read(&ks, key, HEAP_NOW, buf, 10, &read), HS_OK);
	CHECK_STR(hs_bytes(buf, read.size), "value");
	CHECK_EQ(read.expires_us, HEAP_NOW + 5);
	CHECK_EQ(hs_read(&ks, key, HEAP_NOW, buf, 2, &read), HS_BUFFER_TOO_SMALL);
	CHECK_EQ(hs_read(&ks, key, HEAP_NOW + 5, buf, 10, &read), HS_NOT_FOUND);
	CHECK_EQ(hs_read(&ks, other, HEAP_NOW, buf, 10, &read), HS_NOT_FOUND);
	CHECK_EQ(hs_peek(&ks, key, HEAP_NOW, &read), HS_OK);
	CHECK_EQ(port_locks_held(), 0);
	hs_change_end(slot.head);
	CHECK_EQ(hs_read(&ks, key, HEAP_NOW, buf, 10, &read), HS_OK);
	heap_finish(&ks);
}

/*
 * ---- Several keys ------------------------------------------------------------
 */

static void
several_keys_at_once(void)
{
	char		names[200][KEYS_NAME_SIZE];
	HsBytes		keys[200];
	HsMulti		m;
	HsOp		op;
	HsDraft		draft;

	open_store(32 * MB, HS_EVICT_NONE, 0);
	for (int i = 0; i < 200; i++)
		keys[i] = keys_name(names[i], (uint64_t) i % 150);	/* some twice */
	for (size_t n = 0; n <= 200; n += 20)
	{
		CASE("%zu keys", n);
		REQUIRE_EQ(hs_multi_begin(&m, &ks, n > 0 ? keys : NULL, n, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
		if (n == 0)
			CHECK_EQ(port_locks_held(), ks.nparts);
		for (size_t i = 0; i < n; i++)
		{
			REQUIRE_EQ(hs_multi_op(&m, keys[i], &op), HS_OK);
			REQUIRE_EQ(hs_reserve(&op, HS_STRING, sizeof(n), HS_NEVER, &draft), HS_OK);
			memcpy(draft.value, &n, sizeof(n));
			hs_publish(&op, &draft);
		}
		hs_multi_end(&m);
		CHECK_EQ(port_locks_held(), 0);
		for (size_t i = 0; i < n; i++)
			CHECK(value_is(keys[i], hs_bytes(&n, sizeof(n))));
		heap_check(&ks);
	}
	/* under shared locks of all partitions */
	REQUIRE_EQ(hs_multi_begin(&m, &ks, NULL, 0, HS_SHARED, HEAP_NOW), HS_OK);
	for (int i = 0; i < 150; i++)
	{
		REQUIRE_EQ(hs_multi_op(&m, keys[i], &op), HS_OK);
		CHECK(hs_find(&op) != NULL);
	}
	hs_multi_end(&m);
	heap_finish(&ks);
}

/*
 * An op remembers where its key is: it must notice when other ops of the same
 * command insert, split buckets, replace and remove.
 */
static void
places_are_looked_for_again(void)
{
	enum { N = 3000 };
	static char names[N][KEYS_NAME_SIZE];
	static HsBytes keys[N];
	static HsOp ops[N];
	HsMulti		m;
	HsOp		other;
	HsDraft		draft;
	int			wrong = 0;

	open_store(16 * MB, HS_EVICT_NONE, 0);
	for (int i = 0; i < N; i++)
		keys[i] = keys_name(names[i], (uint64_t) i);
	REQUIRE_EQ(hs_multi_begin(&m, &ks, NULL, 0, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
	for (int i = 0; i < N; i++)
	{
		REQUIRE_EQ(hs_multi_op(&m, keys[i], &ops[i]), HS_OK);
		wrong += hs_find(&ops[i]) != NULL;
	}
	/* each by another op than the one that looked, or by that */
	for (int i = 0; i < N; i++)
	{
		REQUIRE_EQ(hs_multi_op(&m, keys[i], &other), HS_OK);
		REQUIRE_EQ(hs_reserve(i % 2 == 0 ? &other : &ops[i], HS_STRING, 4, HS_NEVER, &draft), HS_OK);
		memcpy(draft.value, &i, 4);
		hs_publish(i % 3 == 0 ? &other : &ops[i], &draft);
	}
	for (int i = 0; i < N; i++)
	{
		HsRecord   *record = hs_find(&ops[i]);

		wrong += record == NULL || memcmp(hs_value(record).data, &i, 4) != 0;
	}
	/* replace with one, see it with the other */
	for (int i = 0; i < N; i++)
	{
		REQUIRE_EQ(hs_multi_op(&m, keys[i], &other), HS_OK);
		REQUIRE_EQ(hs_reserve(&other, HS_STRING, 100, HS_NEVER, &draft), HS_OK);
		memset(draft.value, i, 100);
		hs_publish(&other, &draft);
		wrong += hs_find(&ops[i]) != draft.record;
	}
	for (int i = 0; i < N; i += 2)
	{
		REQUIRE_EQ(hs_multi_op(&m, keys[i], &other), HS_OK);
		hs_remove(&other, hs_find(&other));
	}
	for (int i = 0; i < N; i++)
		wrong += (hs_find(&ops[i]) != NULL) != (i % 2 == 1);
	for (int i = 1; i < N; i += 2)
	{
		uint8_t		value[99];

		memset(value, i + 1, sizeof(value));
		wrong += !hs_overwrite(&ops[i], hs_find(&ops[i]), HS_STRING, hs_bytes(value, 99), HS_NEVER);
		wrong += hs_value(hs_find(&ops[i])).data[98] != (uint8_t) (i + 1);
		hs_remove(&ops[i], hs_find(&ops[i]));
		wrong += hs_find(&ops[i]) != NULL;
	}
	hs_multi_end(&m);
	CHECK_EQ(wrong, 0);
	CHECK_EQ(keys_stats(&ks).keys, 0);
	heap_check(&ks);
	heap_finish(&ks);
}

/* Begun without a time, a command asks for it when a key can expire, and once. */
static void
clock_is_read_when_it_matters(void)
{
	HsBytes		stays = hs_bytes_str("stays");
	HsBytes		expires = hs_bytes_str("expires");
	int64_t		now_us = hs_port_now();
	HsOp		op;

	open_store(8 * MB, HS_EVICT_NONE, 0);
	CHECK_EQ(keys_set(&ks, stays, hs_bytes_str("1"), HS_NEVER, now_us), HS_OK);
	CHECK_EQ(keys_set(&ks, expires, hs_bytes_str("2"), now_us + 3600000000, now_us), HS_OK);
	REQUIRE_EQ(hs_op_begin(&op, &ks, stays, HS_EXCLUSIVE, HS_CLOCK_LATER), HS_OK);
	CHECK(hs_find(&op) != NULL);
	CHECK_EQ(op.clock_us, HS_CLOCK_LATER);
	hs_op_end(&op);

	REQUIRE_EQ(hs_op_begin(&op, &ks, expires, HS_EXCLUSIVE, HS_CLOCK_LATER), HS_OK);
	CHECK(hs_find(&op) != NULL);
	CHECK(op.clock_us >= now_us && op.clock_us <= hs_port_now());
	CHECK_EQ(hs_op_now(&op), op.clock_us);
	CHECK_EQ(hs_set_expiry(&op, hs_find(&op), now_us - 1), HS_OK);
	hs_op_end(&op);

	REQUIRE_EQ(hs_op_begin(&op, &ks, expires, HS_SHARED, HS_CLOCK_LATER), HS_OK);
	CHECK(hs_find(&op) == NULL);
	hs_op_end(&op);
	REQUIRE_EQ(hs_op_begin(&op, &ks, expires, HS_EXCLUSIVE, HS_CLOCK_LATER), HS_OK);
	CHECK(hs_find(&op) == NULL);
	hs_op_end(&op);
	CHECK_EQ(keys_stats(&ks).keys, 1);
	heap_check(&ks);
	heap_finish(&ks);
}

/*
 * A command on many keys inserts them all before the index may grow; it
 * catches up soon afterwards, whatever the length of its chains.
 */
static void
index_catches_up_after_many_inserts(void)
{
	uint32_t	n = 30000;
	HsBytes    *keys = calloc(n, sizeof(*keys));
	char		(*names)[KEYS_NAME_SIZE] = calloc(n, KEYS_NAME_SIZE);
	HsMulti		m;
	HsOp		op;
	HsDraft		draft;
	HsRead		read;
	uint32_t	buckets = 0,
				missing = 0;

	open_store(64 * MB, HS_EVICT_NONE, 8 * MB);
	for (uint32_t i = 0; i < n; i++)
		keys[i] = keys_name(names[i], i);
	REQUIRE_EQ(hs_multi_begin(&m, &ks, keys, n, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
	for (uint32_t i = 0; i < n; i++)
	{
		REQUIRE_EQ(hs_multi_op(&m, keys[i], &op), HS_OK);
		REQUIRE_EQ(hs_reserve(&op, HS_STRING, 4, HS_NEVER, &draft), HS_OK);
		memcpy(draft.value, &i, 4);
		hs_publish(&op, &draft);
	}
	hs_multi_end(&m);
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	value = n;

		missing += hs_read(&ks, keys[i], HEAP_NOW, &value, 4, &read) != HS_OK || value != i;
	}
	CHECK_EQ(missing, 0);
	keys_work(&ks, HEAP_NOW);
	for (uint32_t p = 0; p < ks.nparts; p++)
		buckets += hs_nbuckets(ks.parts[p]);
	CHECK(buckets >= n / HS_BUCKET_SLOTS);
	heap_check(&ks);
	/* and the other way round: the worker gives back what one command emptied */
	REQUIRE_EQ(hs_multi_begin(&m, &ks, keys, n, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
	for (uint32_t i = 0; i < n; i++)
	{
		REQUIRE_EQ(hs_multi_op(&m, keys[i], &op), HS_OK);
		hs_remove(&op, hs_find(&op));
	}
	hs_multi_end(&m);
	keys_work(&ks, HEAP_NOW);
	CHECK_EQ(keys_stats(&ks).index_bytes, 0);
	heap_check(&ks);
	free(names);
	free(keys);
	heap_finish(&ks);
}

static void
multi_refuses_long_keys(void)
{
	HsBytes		keys[2] = {hs_bytes_str("a"), {buf, HS_MAX_KEY + 1}};
	HsMulti		m;

	open_store(8 * MB, HS_EVICT_NONE, 0);
	CHECK_EQ(hs_multi_begin(&m, &ks, keys, 2, HS_SHARED, HEAP_NOW), HS_KEY_TOO_LONG);
	CHECK_EQ(port_locks_held(), 0);
	heap_finish(&ks);
}

/*
 * ---- Statistics ---------------------------------------------------------------
 */

static void
statistics_count(void)
{
	char		name[KEYS_NAME_SIZE];
	HsRead		read;
	HsStats		s;

	open_store(16 * MB, HS_EVICT_NONE, 8 * MB);
	s = keys_stats(&ks);
	CHECK_EQ(s.limit, 8 * MB);
	CHECK_EQ(s.keys + s.hits + s.misses + s.sets + s.deletes + s.expired + s.evicted + s.refused, 0);
	for (uint64_t i = 0; i < 100; i++)
		keys_set(&ks, keys_name(name, i), hs_bytes(buf, i), i < 10 ? HEAP_NOW + 1 : HS_NEVER, HEAP_NOW);
	for (uint64_t i = 0; i < 150; i++)
		hs_read(&ks, keys_name(name, i), HEAP_NOW, buf, sizeof(buf), &read);
	for (uint64_t i = 90; i < 120; i++)
		keys_del(&ks, keys_name(name, i), HEAP_NOW);
	CHECK_EQ(keys_count(&ks, HEAP_NOW + 1), 80);
	s = keys_stats(&ks);
	CHECK_EQ(s.keys, 80);
	CHECK_EQ(s.keys_by_type[HS_STRING], 80);
	CHECK_EQ(s.sets, 100);
	CHECK_EQ(s.hits, 100);
	CHECK_EQ(s.misses, 50);
	CHECK_EQ(s.deletes, 10);
	CHECK_EQ(s.expired, 10);
	CHECK(s.live_bytes >= 4000 && s.live_bytes <= 80 * 80);
	CHECK(s.bytes >= s.live_bytes + s.index_bytes && s.bytes <= s.limit);
	hs_stats_reset(&ks, HEAP_NOW + 5);
	s = keys_stats(&ks);
	CHECK_EQ(s.hits + s.misses + s.sets + s.deletes + s.expired + s.evicted + s.refused, 0);
	CHECK_EQ(s.reset_us, HEAP_NOW + 5);
	CHECK_EQ(s.keys, 80);
	heap_finish(&ks);
}

/* What a key is said to take, and what all take. */
static void
key_bytes_are_about_right(void)
{
	static const size_t sizes[] = {0, 10, 100, 1000, 10000, 100000, 1000000};

	open_store(64 * MB, HS_EVICT_NONE, 0);
	for (int i = 0; i < 7; i++)
	{
		HsBytes		key = hs_bytes_str("some key");
		uint64_t	bytes = 0;
		HsOp		op;

		CASE("size %zu", sizes[i]);
		CHECK_EQ(keys_set(&ks, key, hs_bytes(buf, sizes[i]), HS_NEVER, HEAP_NOW), HS_OK);
		REQUIRE_EQ(hs_op_begin(&op, &ks, key, HS_SHARED, HEAP_NOW), HS_OK);
		bytes = hs_key_bytes(&op, hs_find(&op));
		hs_op_end(&op);
		CHECK(bytes >= sizes[i] + key.size + 4);
		CHECK(bytes <= sizes[i] + sizes[i] / 8 + 128);	/* with a bucket of its own */
	}
	heap_finish(&ks);
}

static void
random_key_finds_all(void)
{
	TestRandom	r = {5};
	bool		seen[300] = {false};
	char		name[KEYS_NAME_SIZE];
	int			nseen = 0;
	size_t		size;

	open_store(8 * MB, HS_EVICT_NONE, 0);
	CHECK_EQ(hs_random_key(&ks, 1, HEAP_NOW, buf, 100, &size), HS_NOT_FOUND);
	for (uint64_t i = 0; i < 300; i++)
		keys_set(&ks, keys_name(name, i), hs_bytes_str("v"), i >= 200 ? HEAP_NOW + 1 : HS_NEVER,
				 HEAP_NOW);
	for (int i = 0; i < 20000; i++)
	{
		HsStatus	status = hs_random_key(&ks, test_random(&r), HEAP_NOW + 1, buf, 100, &size);
		unsigned	n;

		if (status != HS_OK)
			continue;
		buf[size] = 0;
		REQUIRE_EQ(sscanf((char *) buf, "key:%u", &n), 1);
		REQUIRE(n < 200);
		nseen += !seen[n];
		seen[n] = true;
	}
	CHECK_EQ(nseen, 200);
	CHECK_EQ(hs_random_key(&ks, 1, HEAP_NOW, buf, 2, &size), HS_BUFFER_TOO_SMALL);
	heap_finish(&ks);
}

/*
 * ---- Keyspaces ------------------------------------------------------------------
 */

static void
keyspaces_do_not_mix(void)
{
	HsHandle	a,
				b,
				c,
				again;
	HsBytes		key = hs_bytes_str("k");
	HsRead		read;
	uint64_t	removed = 99;

	open_store(32 * MB, HS_EVICT_NONE, 0);
	CHECK_EQ(hs_keyspace_lookup(7, 1, &a), HS_NOT_FOUND);
	CHECK_EQ(hs_keyspace_open(7, 1, &(HsKeyspaceOptions) {4 * MB, 0, HS_EVICT_NONE}, &a), HS_OK);
	CHECK_EQ(hs_keyspace_open(7, 2, &(HsKeyspaceOptions) {4 * MB, 0, HS_EVICT_NONE}, &b), HS_OK);
	CHECK_EQ(hs_keyspace_open(8, 1, &(HsKeyspaceOptions) {4 * MB, 0, HS_EVICT_NONE}, &c), HS_OK);
	keys_set(&a, key, hs_bytes_str("a"), HS_NEVER, HEAP_NOW);
	keys_set(&b, key, hs_bytes_str("b"), HS_NEVER, HEAP_NOW);
	keys_set(&c, key, hs_bytes_str("c"), HS_NEVER, HEAP_NOW);
	CHECK_EQ(hs_read(&ks, key, HEAP_NOW, buf, 10, &read), HS_NOT_FOUND);
	CHECK(hs_read(&a, key, HEAP_NOW, buf, 10, &read) == HS_OK && buf[0] == 'a');
	CHECK_EQ(hs_keyspace_lookup(7, 1, &again), HS_OK);
	CHECK(hs_read(&again, key, HEAP_NOW, buf, 10, &read) == HS_OK && buf[0] == 'a');
	CHECK_EQ(hs_keyspace_flush(&b, HEAP_NOW, &removed), HS_OK);
	CHECK_EQ(removed, 1);
	CHECK_EQ(hs_read(&b, key, HEAP_NOW, buf, 10, &read), HS_NOT_FOUND);
	CHECK(hs_read(&a, key, HEAP_NOW, buf, 10, &read) == HS_OK && buf[0] == 'a');
	hs_keyspace_drop_db(7);
	CHECK_EQ(hs_read(&a, key, HEAP_NOW, buf, 10, &read), HS_GONE);
	CHECK_EQ(hs_read(&again, key, HEAP_NOW, buf, 10, &read), HS_GONE);
	CHECK_EQ(keys_set(&b, key, hs_bytes_str("b"), HS_NEVER, HEAP_NOW), HS_GONE);
	CHECK(hs_read(&c, key, HEAP_NOW, buf, 10, &read) == HS_OK && buf[0] == 'c');
	hs_keyspace_drop(8, 1);
	hs_keyspace_drop(8, 1);
	heap_finish(&ks);
}

/* A handle of a dropped keyspace never reaches one that came after it. */
static void
dropped_handles_stay_dropped(void)
{
	HsHandle	old;
	HsBytes		key = hs_bytes_str("k");
	HsRead		read;
	HsOp		op;
	HsMulti		m;
	HsCursor	cursor = {0};
	HsStats		stats;
	size_t		size;
	uint64_t	n;

	open_store(16 * MB, HS_EVICT_NONE, 0);
	for (int round = 0; round < 20; round++)
	{
		CASE("round %d", round);
		keys_set(&ks, key, hs_bytes_str("old"), HS_NEVER, HEAP_NOW);
		old = ks;
		hs_keyspace_drop(HEAP_DB, 1);
		CHECK_EQ(heap_segs_in_use(), 0);
		heap_keyspace(&ks, 1, HS_EVICT_NONE, 0);
		CHECK_EQ(hs_read(&ks, key, HEAP_NOW, buf, 10, &read), HS_NOT_FOUND);
		keys_set(&ks, key, hs_bytes_str("new"), HS_NEVER, HEAP_NOW);
		CHECK(!hs_keyspace_is_current(&old));
		CHECK(hs_keyspace_is_current(&ks));
		CHECK_EQ(hs_read(&old, key, HEAP_NOW, buf, 10, &read), HS_GONE);
		CHECK_EQ(hs_peek(&old, key, HEAP_NOW, &read), HS_GONE);
		CHECK_EQ(hs_op_begin(&op, &old, key, HS_EXCLUSIVE, HEAP_NOW), HS_GONE);
		CHECK_EQ(hs_op_begin(&op, &old, key, HS_SHARED, HEAP_NOW), HS_GONE);
		CHECK_EQ(hs_multi_begin(&m, &old, &key, 1, HS_SHARED, HEAP_NOW), HS_GONE);
		CHECK_EQ(hs_keyspace_flush(&old, HEAP_NOW, &n), HS_GONE);
		CHECK_EQ(hs_scan(&old, &cursor, 10, HEAP_NOW, NULL, NULL), HS_GONE);
		CHECK_EQ(hs_random_key(&old, 1, HEAP_NOW, buf, 10, &size), HS_GONE);
		CHECK_EQ(hs_stats(&old, &stats), HS_GONE);
		CHECK(!hs_work(&old, 0, HEAP_NOW));
		CHECK_EQ(port_locks_held(), 0);
		CHECK(value_is(key, hs_bytes_str("new")));
	}
	heap_finish(&ks);
}

static void
keyspace_table_is_walked_and_filled(void)
{
	HsHandle	h;
	uint32_t	slots = 0,
				used = 0,
				made = 0;
	uint32_t	db,
				server;
	bool		in_use;

	open_store(64 * MB, HS_EVICT_NONE, 2 * MB);
	for (;;)
	{
		HsStatus	status = hs_keyspace_open(3, made, &(HsKeyspaceOptions) {1 * MB, 0, HS_EVICT_NONE}, &h);

		if (status != HS_OK)
		{
			CHECK(status == HS_LIMIT || status == HS_NO_MEMORY);
			break;
		}
		made++;
		REQUIRE(made < 3000);
	}
	CHECK(made >= 30);
	for (uint32_t slot = 0; hs_keyspace_slot(slot, &in_use, &db, &server, &h); slot++)
	{
		slots++;
		if (!in_use)
			continue;
		used++;
		CHECK(hs_keyspace_is_current(&h));
		CHECK(db == 3 || (db == HEAP_DB && server == 1));
	}
	CHECK_EQ(used, made + 1);
	CHECK(slots >= used);
	CHECK_WELL(hs_region_verify());
	hs_keyspace_drop_db(3);
	used = 0;
	for (uint32_t slot = 0; hs_keyspace_slot(slot, &in_use, &db, &server, &h); slot++)
		used += in_use;
	CHECK_EQ(used, 1);
	heap_finish(&ks);
}

/* Without memory for its partitions a keyspace is not made, nor in part. */
static void
keyspace_without_memory(void)
{
	HsKeyspaceOptions opts = {0};
	HsHandle	h;
	uint32_t	segs;

	heap_open(64 * MB);
	segs = atomic_load(&hs_region->free_segs);
	heap_fail_after(0);
	CHECK_EQ(hs_keyspace_open(HEAP_DB, 1, &opts, &h), HS_NO_MEMORY);
	CHECK_EQ(hs_keyspace_lookup(HEAP_DB, 1, &h), HS_NOT_FOUND);
	CHECK_EQ(atomic_load(&hs_region->free_segs), segs);
	heap_fail_after(-1);
	CHECK_EQ(hs_keyspace_open(HEAP_DB, 1, &opts, &h), HS_OK);
	ks = h;
	heap_finish(&ks);
}

static void
flush_counts_live_keys(void)
{
	char		name[KEYS_NAME_SIZE];
	uint64_t	removed = 0;
	HsStats		fresh,
				s;

	open_store(32 * MB, HS_EVICT_NONE, 0);
	fresh = keys_stats(&ks);
	for (int round = 0; round < 3; round++)
	{
		for (uint64_t i = 0; i < 20000; i++)
		{
			size_t		size = i % 1000 == 0 ? 300000 + i : i % 300;

			keys_set(&ks, keys_name(name, i), hs_bytes(buf, i < 5000 && size > 1000 ? size : size % 300),
					 i % 4 == 0 ? HEAP_NOW + 5 : HS_NEVER, HEAP_NOW);
		}
		CHECK_EQ(hs_keyspace_flush(&ks, HEAP_NOW + 5, &removed), HS_OK);
		CHECK_EQ(removed, 15000);
		s = keys_stats(&ks);
		CHECK_EQ(s.keys, 0);
		CHECK_EQ(s.live_bytes, 0);
		CHECK_EQ(s.big_bytes, 0);
		CHECK(s.bytes <= fresh.bytes);
		heap_check(&ks);
	}
	heap_finish(&ks);
}

/* After 2^31 merges the epoch starts again, and does not count on into HS_CLOSED. */
static void
epoch_wraps(void)
{
	static const uint64_t last = (uint64_t) INT32_MAX << 32;
	char		name[KEYS_NAME_SIZE];
	uint64_t	removed;

	open_store(16 * MB, HS_EVICT_NONE, 0);
	for (int flushes = 0; flushes < 2; flushes++)
	{
		for (uint64_t i = 0; i < 10000; i++)
			CHECK_EQ(keys_set(&ks, keys_name(name, i), hs_bytes_str("v"), HS_NEVER, HEAP_NOW), HS_OK);
		for (uint32_t i = 0; i < ks.nparts; i++)
			atomic_fetch_or(&ks.parts[i]->geometry, last);
		if (flushes == 1)
			CHECK_EQ(hs_keyspace_flush(&ks, HEAP_NOW, &removed), HS_OK);
		for (uint64_t i = 0; i < 10000 && flushes == 0; i++)
			CHECK(keys_del(&ks, keys_name(name, i), HEAP_NOW));
		for (uint32_t i = 0; i < ks.nparts; i++)
			CHECK(atomic_load(&ks.parts[i]->geometry) < last);
		heap_check(&ks);
	}
	heap_finish(&ks);
}

TEST_MAIN(TEST(keys_and_values_of_all_sizes),
		  TEST(epoch_wraps),
		  TEST(read_reports_what_it_found),
		  TEST(wrong_type_is_told),
		  TEST(abandoned_drafts_leave_nothing),
		  TEST(index_grows_and_shrinks),
		  TEST(few_keys_that_stay_keep_few_pages),
		  TEST(small_keyspaces_work),
		  TEST(overwriting_does_not_grow),
		  TEST(changes_in_place),
		  TEST(versions_change_with_each_write),
		  TEST(version_keeps_value_and_expiry),
		  TEST(late_readers_do_no_harm),
		  TEST(reader_falls_back_to_the_lock),
		  TEST(several_keys_at_once),
		  TEST(places_are_looked_for_again),
		  TEST(clock_is_read_when_it_matters),
		  TEST(index_catches_up_after_many_inserts),
		  TEST(multi_refuses_long_keys),
		  TEST(statistics_count),
		  TEST(key_bytes_are_about_right),
		  TEST(random_key_finds_all),
		  TEST(keyspaces_do_not_mix),
		  TEST(dropped_handles_stay_dropped),
		  TEST(keyspace_table_is_walked_and_filled),
		  TEST(keyspace_without_memory),
		  TEST(flush_counts_live_keys))
