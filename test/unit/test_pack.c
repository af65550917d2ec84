/*
 * test_pack.c
 *	  Strings as collections store them, and strings in several nodes.
 */
#include "heap_test.h"
#include "pack.h"
#include "part.h"
#include "port_test.h"
#include "slab_test.h"
#include "test.h"

static HsHandle h;
static HsOp op;

static void
open_part(void)
{
	heap_open((size_t) 64 << 20);
	slab_fill_junk(true);
	heap_keyspace(&h, 1, HS_EVICT_NONE, 0);
	REQUIRE_EQ(hs_op_begin(&op, &h, hs_bytes_str("k"), HS_EXCLUSIVE, HEAP_NOW), HS_OK);
}

static void
close_part(void)
{
	hs_op_end(&op);
	CHECK_WELL(hs_keyspace_verify(&h));
	CHECK_EQ(port_locks_held(), 0);
	heap_close();
}

/* Written, measured, taken apart, compared and hashed; not equal to 'other'. */
static void
check_string(HsBytes text, size_t item_size, HsBytes other)
{
	static uint8_t item[70000];
	static uint8_t copy[70000];
	HsPack		p = hs_pack(text);
	HsPack		q = hs_pack(other);
	HsPack		got;
	size_t		skip;

	CHECK_EQ(hs_pack_size(&p), item_size);
	CHECK_EQ(hs_pack_put(item, &p) - item, item_size);
	CHECK_EQ(hs_pack_skip(item), item_size);
	CHECK_EQ(hs_pack_get(item, &got) - item, item_size);
	CHECK_EQ(hs_pack_text_size(&got), text.size);
	hs_pack_copy(&got, copy);
	CHECK_BYTES(hs_bytes(copy, text.size), text);
	CHECK(hs_pack_is(item, &p));
	CHECK(!hs_pack_is(item, &q));
	CHECK_EQ(hs_pack_hash(&p), hs_pack_hash(&got));
	CHECK_WELL(hs_pack_verify(item, item_size, false, &skip));
	CHECK_EQ(skip, item_size);
	for (size_t size = 0; size < item_size; size += 1 + size / 16)
		CHECK(hs_pack_verify(item, size, false, &skip) != NULL);
}

static void
strings_are_stored_in_the_shortest_way(void)
{
	static const struct
	{
		const char *text;
		size_t		item_size;
	}			cases[] = {
		{"", 1}, {"a", 2}, {"0", 2}, {"-0", 3}, {"00", 3}, {"-", 2}, {"+1", 3}, {"1 ", 3},
		{"127", 2}, {"128", 3}, {"-128", 2}, {"-129", 3}, {"32767", 3}, {"32768", 4},
		{"8388607", 4}, {"8388608", 5}, {"-2147483648", 5}, {"2147483648", 6},
		{"36028797018963967", 8}, {"36028797018963968", 9}, {"-36028797018963968", 8},
		{"9223372036854775807", 9}, {"9223372036854775808", 20},
		{"-9223372036854775808", 9}, {"-9223372036854775809", 21}, {"1e3", 4}, {"12345678x", 10},
	};

	open_part();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		CASE("\"%s\"", cases[i].text);
		check_string(hs_bytes_str(cases[i].text), cases[i].item_size, hs_bytes_str("another"));
		check_string(hs_bytes_str(cases[i].text), cases[i].item_size, hs_bytes_str("1234567"));
	}
	close_part();
}

static void
long_text_has_a_longer_head(void)
{
	static const size_t sizes[] = {238, 239, 240, 241, 255, 256, 1000, 65535};
	static uint8_t text[65536];

	open_part();
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		CASE("%zu bytes", sizes[i]);
		check_string(hs_bytes(text, sizes[i]), sizes[i] + (sizes[i] <= HS_PACK_TEXT ? 1 : 3),
					 hs_bytes(text, sizes[i] - 1));
	}
	close_part();
}

static void
items_that_nobody_writes_are_noticed(void)
{
	static const struct
	{
		const char *name;
		uint8_t		bytes[12];
		size_t		size;
	}			cases[] = {
		{"integer as text", {2, '1', '2'}, 3},
		{"integer in too many bytes", {242, 5, 0}, 3},
		{"negative integer in too many bytes", {242, 0xff, 0xff}, 3},
		{"long head of a short text", {240, 1, 0, 'a'}, 4},
		{"unknown head", {250, 0, 0}, 3},
		{"chain where none may be", {249, 1, 0, 0, 0, 1, 0, 0, 0}, 9},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		size_t		skip;

		CASE("%s", cases[i].name);
		CHECK(hs_pack_verify(cases[i].bytes, cases[i].size, false, &skip) != NULL);
	}
}

static const size_t chain_sizes[] = {1, 2, 2687, 2688, 2689, 2690, 5355, 5356, 5357, 5358, 8040,
20000, 85888, 85889, 200000, (size_t) 3 << 20};

#define NCHAINS		(sizeof(chain_sizes) / sizeof(chain_sizes[0]))

static uint8_t *
chain_bytes(size_t size)
{
	uint8_t    *bytes = malloc(size + 1);
	TestRandom	r = {size};

	REQUIRE(bytes != NULL);
	for (size_t i = 0; i <= size; i++)
		bytes[i] = (uint8_t) test_random(&r);
	return bytes;
}

static void
count_bytes(void *arg, uint32_t size, uint32_t count)
{
	*(uint64_t *) arg += (uint64_t) hs_slab_round(size) * count;
}

static void
long_strings_lie_in_chains(void)
{
	open_part();
	for (size_t i = 0; i < NCHAINS; i++)
	{
		size_t		size = chain_sizes[i];
		uint8_t    *bytes = chain_bytes(size);
		uint8_t    *copy = malloc(size);
		uint8_t		item[HS_PACK_CHAIN_SIZE];
		HsPack		p = hs_pack(hs_bytes(bytes, size));
		HsPack		got;
		HsRef		chain = hs_chain_alloc(op.part, hs_bytes(bytes, size));
		uint64_t	needs = 0;
		size_t		skip;

		CASE("%zu bytes", size);
		REQUIRE(chain != HS_REF_NONE);
		CHECK_WELL(hs_chain_verify(chain, size));
		hs_chain_copy(chain, size, copy);
		CHECK(memcmp(copy, bytes, size) == 0);
		CHECK_EQ(hs_chain_cmp(chain, size, hs_bytes(bytes, size)), 0);
		CHECK(hs_chain_cmp(chain, size, hs_bytes(bytes, size - 1)) > 0);
		CHECK(hs_chain_cmp(chain, size, hs_bytes(bytes, size + 1)) < 0);
		bytes[size - 1]++;
		CHECK((hs_chain_cmp(chain, size, hs_bytes(bytes, size)) < 0) == (bytes[size - 1] != 0));
		bytes[size - 1]--;
		hs_chain_needs(size, count_bytes, &needs);
		CHECK_EQ(needs, hs_chain_bytes(size));

		hs_pack_put_chain(item, chain, size);
		hs_pack_get(item, &got);
		CHECK_EQ(hs_pack_text_size(&got), size);
		CHECK_EQ(hs_pack_hash(&got), hs_pack_hash(&p));
		CHECK_EQ(hs_pack_is(item, &p), size > HS_PACK_TEXT);
		CHECK_WELL(hs_pack_verify(item, sizeof(item), true, &skip));
		hs_chain_free(op.part, chain, size);
		free(bytes);
		free(copy);
	}
	/* long ones are buried, and go at the end of commands */
	while (op.part->graveyard != HS_REF_NONE)
	{
		hs_op_end(&op);
		REQUIRE_EQ(hs_op_begin(&op, &h, hs_bytes_str("k"), HS_EXCLUSIVE, HEAP_NOW), HS_OK);
	}
	CHECK_EQ(hs_slab_bytes(op.part), 0);
	close_part();
}

static void
a_chain_without_memory_leaves_nothing(void)
{
	open_part();
	for (size_t i = 0; i < NCHAINS; i++)
	{
		uint8_t    *bytes = chain_bytes(chain_sizes[i]);

		CASE("%zu bytes", chain_sizes[i]);
		for (int n = 0;; n += 1 + n / 8)
		{
			HsRef		chain;

			slab_fail_after(n);
			chain = hs_chain_alloc(op.part, hs_bytes(bytes, chain_sizes[i]));
			slab_fail_after(-1);
			if (chain != HS_REF_NONE)
			{
				while (chain_sizes[i] > HS_CHAIN_NODE && !hs_chain_free_slice(op.part, chain, 3))
					CHECK(hs_slab_bytes(op.part) > 0);
				if (chain_sizes[i] <= HS_CHAIN_NODE)
					hs_chain_free(op.part, chain, chain_sizes[i]);
				break;
			}
			CHECK_EQ(hs_slab_bytes(op.part), 0);
		}
		CHECK_EQ(hs_slab_bytes(op.part), 0);
		free(bytes);
	}
	close_part();
}

TEST_MAIN(
		  TEST(strings_are_stored_in_the_shortest_way),
		  TEST(long_text_has_a_longer_head),
		  TEST(items_that_nobody_writes_are_noticed),
		  TEST(long_strings_lie_in_chains),
		  TEST(a_chain_without_memory_leaves_nothing))
