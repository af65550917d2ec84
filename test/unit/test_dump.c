/*
 * test_dump.c
 *	  Dumps come back as what they were, damaged ones do not come back at all.
 */
#include "test.h"

#include "heap_test.h"
#include "strings_test.h"
#include "zset.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define B(s)	hs_bytes_str(s)

static HsHandle h;
static Runner r;
static uint8_t *dump;
static size_t dump_size;

static void
open_all(void)
{
	heap_open((size_t) 64 << 20);
	heap_keyspace(&h, 1, HS_EVICT_NONE, 0);
	run_open(&r, &h, HEAP_NOW);
	dump = malloc((size_t) 1 << 20);
}

static void
close_all(void)
{
	free(dump);
	run_close(&r);
	heap_finish(&h);
}

static void
take(const char *key)
{
	REQUIRE_EQ(run_dump(&r, B(key)), HS_OK);
	REQUIRE(r.got.size < (size_t) 1 << 20);
	dump_size = r.got.size;
	memcpy(dump, r.buf, dump_size);
}

static HsStatus
restore(const char *key, size_t size, bool replace, bool *done)
{
	return run_restore(&r, B(key), hs_bytes(dump, size), replace, HS_NEVER, done);
}

/* Make the checksum right for what stands in the dump. */
static void
reseal(void)
{
	uint64_t	sum = XXH3_64bits(dump, dump_size - HS_DUMP_TAIL);

	memcpy(dump + dump_size - HS_DUMP_TAIL, &sum, sizeof(sum));
}

static void
strings_come_back(void)
{
	size_t		sizes[] = {0, 1, 255, 256, 8000, 8191, 65535, 65536, 65537, 300000};
	uint8_t    *bytes = malloc(300000);
	uint16_t	flags[] = {0, HS_RF_TEXT, HS_RF_JSONB};

	for (size_t i = 0; i < 300000; i++)
		bytes[i] = (uint8_t) (i * 31 >> 3);
	open_all();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		HsSetRule	rule = {.expires_us = HS_NEVER};
		HsRead		read;
		bool		done = false;

		CASE("%zu bytes", sizes[i]);
		CHECK_EQ(run_set(&r, B("s"), hs_bytes(bytes, sizes[i]), flags[i % 3], &rule, false, &done), HS_OK);
		take("s");
		CHECK_EQ(restore("t", dump_size, false, &done), HS_OK);
		CHECK(done);
		CHECK_EQ(restore("t", dump_size, false, &done), HS_OK);
		CHECK(!done);
		CHECK_EQ(restore("t", dump_size, true, &done), HS_OK);
		CHECK(done);
		CHECK_EQ(run_get(&r, B("t")), HS_OK);
		CHECK_BYTES(run_text(&r), hs_bytes(bytes, sizes[i]));
		CHECK_EQ(hs_peek(&h, B("t"), r.now_us, &read), HS_OK);
		CHECK_EQ(read.flags & HS_RF_VALUE, flags[i % 3]);
		CHECK_EQ(run_del(&r, B("t"), &done), HS_OK);
	}
	free(bytes);
	close_all();
}

static void
integers_come_back_as_integers(void)
{
	HsRead		read;
	int64_t		n;
	bool		done;

	open_all();
	CHECK_EQ(run_incr(&r, B("n"), INT64_MIN, HS_NEVER, &n), HS_OK);
	take("n");
	CHECK_EQ(restore("m", dump_size, false, &done), HS_OK);
	CHECK_EQ(hs_peek(&h, B("m"), r.now_us, &read), HS_OK);
	CHECK(read.flags & HS_RF_INT);
	CHECK_EQ(run_get(&r, B("m")), HS_OK);
	CHECK_STR(run_text(&r), "-9223372036854775808");
	close_all();
}

static void
every_flipped_bit_is_noticed(void)
{
	HsSetRule	rule = {.expires_us = HS_NEVER};
	bool		done;

	open_all();
	CHECK_EQ(run_set(&r, B("s"), B("some value"), HS_RF_TEXT, &rule, false, &done), HS_OK);
	take("s");
	for (size_t i = 0; i < dump_size * 8; i++)
	{
		CASE("bit %zu", i);
		dump[i / 8] ^= (uint8_t) (1 << i % 8);
		CHECK_EQ(restore("t", dump_size, true, &done), HS_CORRUPT);
		dump[i / 8] ^= (uint8_t) (1 << i % 8);
	}
	for (size_t i = 0; i < dump_size; i++)
	{
		CASE("cut to %zu", i);
		CHECK_EQ(restore("t", i, true, &done), HS_CORRUPT);
	}
	CHECK_EQ(run_get(&r, B("t")), HS_NOT_FOUND);
	CHECK_EQ(restore("t", dump_size, true, &done), HS_OK);
	close_all();
}

/* With a right checksum too: not everything that is whole makes sense. */
static void
nonsense_is_refused(void)
{
	static const struct
	{
		const char *what;
		size_t		at;
		uint8_t		byte;
		HsStatus	want;
	}			cases[] = {
		{"magic", 0, 'X', HS_CORRUPT}, {"version", 4, 2, HS_CORRUPT},
		{"type hash, not there yet", 5, HS_HASH, HS_CORRUPT},
		{"type chunk", 5, HS_CHUNK, HS_CORRUPT}, {"type 255", 5, 255, HS_CORRUPT},
		{"a sorted set with string flags", 5, HS_ZSET, HS_CORRUPT},
		{"unknown flag", 6, 0x02, HS_CORRUPT}, {"large", 7, HS_RF_BIG >> 8, HS_CORRUPT},
		{"text and jsonb", 7, (HS_RF_TEXT | HS_RF_JSONB) >> 8, HS_CORRUPT},
		{"integer of 10 bytes", 7, HS_RF_INT >> 8, HS_CORRUPT},
		{"nothing wrong", 7, HS_RF_TEXT >> 8, HS_OK},
	};
	HsSetRule	rule = {.expires_us = HS_NEVER};
	bool		done;

	open_all();
	CHECK_EQ(run_set(&r, B("s"), B("some value"), HS_RF_TEXT, &rule, false, &done), HS_OK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		CASE("%s", cases[i].what);
		take("s");
		dump[cases[i].at] = cases[i].byte;
		reseal();
		CHECK_EQ(restore("t", dump_size, true, &done), cases[i].want);
	}
	close_all();
}

static void
sorted_sets_come_back(void)
{
	open_all();
	for (int n = 1; n <= 3000; n *= 10)
	{
		HsZsetAdded added;
		HsOp		op;
		uint64_t	count = 0;
		bool		done = false;

		CASE("%d members", n);
		for (int i = 0; i < n; i++)
		{
			char		name[16];

			REQUIRE_EQ(hs_op_begin(&op, &h, B("z"), HS_EXCLUSIVE, r.now_us), HS_OK);
			REQUIRE_EQ(hs_zset_add(&op, hs_bytes(name, (size_t) sprintf(name, "m%d", i)), i * 0.5, 0,
								   HS_NEVER, &added), HS_OK);
			hs_op_end(&op);
		}
		take("z");
		CHECK_EQ(restore("y", dump_size, true, &done), HS_OK);
		CHECK(done);
		REQUIRE_EQ(hs_op_begin(&op, &h, B("y"), HS_SHARED, r.now_us), HS_OK);
		CHECK_EQ(hs_zset_card(&op, &count), HS_OK);
		CHECK_EQ(count, n);
		hs_op_end(&op);
		REQUIRE_EQ(run_dump(&r, B("y")), HS_OK);
		CHECK_BYTES(hs_bytes(r.buf, r.got.size), hs_bytes(dump, dump_size));
		dump[HS_DUMP_HEAD] ^= 1;
		reseal();
		(void) restore("x", dump_size, true, &done);	/* whatever it says, it must not crash */
		CHECK_WELL(hs_keyspace_verify(&h));
	}
	close_all();
}

TEST_MAIN(TEST(strings_come_back),
		  TEST(integers_come_back_as_integers),
		  TEST(every_flipped_bit_is_noticed),
		  TEST(nonsense_is_refused),
		  TEST(sorted_sets_come_back))
