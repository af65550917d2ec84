/*
 * test_effect.c
 *	  Effects as bytes: read back as written, all or nothing, damage noticed.
 */
#include "effect.h"

#include "test.h"

#define MANY	300

static uint8_t filler[200000];

/* key, head and tail of effect i: sizes around the edges of the varint */
static HsBytes
part_of_effect(int i, int part)
{
	static const size_t sizes[] = {0, 1, 2, 127, 128, 129, 16383, 16384, 100000};

	size_t		size = sizes[(size_t) (i * 7 + part * 5) % (sizeof(sizes) / sizeof(sizes[0]))];

	if (part == 0 && size > HS_MAX_KEY)
		size = HS_MAX_KEY;
	return hs_bytes(filler + i, size);
}

static HsEffectOp
op_of_effect(int i)
{
	return (HsEffectOp) (HS_EF_SET + i % (HS_EF_END - HS_EF_SET));
}

static void
make_filler(void)
{
	TestRandom	r = {1};

	for (size_t i = 0; i < sizeof(filler); i++)
		filler[i] = (uint8_t) test_random(&r);
}

static void
effects_are_read_as_written(void)
{
	size_t		capacity = (size_t) MANY * 3 * 110000;
	HsEffects	fx = {malloc(capacity), 0, capacity, 0};
	HsEffect	e;
	size_t		pos = 0;

	REQUIRE(fx.data != NULL);
	make_filler();
	for (int i = 0; i < MANY; i++)
		REQUIRE(hs_effect_put(&fx, op_of_effect(i), part_of_effect(i, 0), part_of_effect(i, 1),
							  part_of_effect(i, 2)));
	for (int i = 0; i < MANY; i++)
	{
		CASE("effect %d", i);
		REQUIRE_EQ(hs_effect_next(hs_bytes(fx.data, fx.size), &pos, &e), HS_OK);
		CHECK_EQ(e.op, op_of_effect(i));
		CHECK_BYTES(e.key, part_of_effect(i, 0));
		CHECK_BYTES(e.head, part_of_effect(i, 1));
		CHECK_BYTES(e.tail, part_of_effect(i, 2));
	}
	CHECK_EQ(hs_effect_next(hs_bytes(fx.data, fx.size), &pos, &e), HS_NOT_FOUND);
	CHECK_EQ(pos, fx.size);
	free(fx.data);
}

static void
nobody_listening_is_fine(void)
{
	CHECK(hs_effect_put(NULL, HS_EF_DEL, hs_bytes_str("k"), hs_bytes(NULL, 0), hs_bytes(NULL, 0)));
}

/* With each capacity that is too small: nothing written, and what it takes. */
static void
what_does_not_fit_is_not_begun(void)
{
	uint8_t		buf[32];
	HsBytes		key = hs_bytes_str("key"),
				head = hs_bytes_str("head"),
				tail = hs_bytes_str("tail");
	size_t		needed = 1 + 4 + 5 + 5;

	for (size_t capacity = 0; capacity <= needed + 3; capacity++)
	{
		HsEffects	fx = {buf, 3, capacity + 3, 0};

		CASE("%zu bytes", capacity);
		memset(buf, 0xee, sizeof(buf));
		CHECK_EQ(hs_effect_put(&fx, HS_EF_ZADD, key, head, tail), capacity >= needed);
		CHECK_EQ(fx.size, capacity >= needed ? 3 + needed : 3);
		CHECK_EQ(buf[fx.size], 0xee);
		CHECK_EQ(buf[2], 0xee);
		if (capacity < needed)
			CHECK_EQ(fx.wanted, 3 + needed);
	}
}

static void
damage_is_noticed(void)
{
	static const struct
	{
		const char *name;
		uint8_t		bytes[16];
		size_t		size;
	}			cases[] = {
		{"unknown opcode", {99, 0, 0, 0}, 4},
		{"opcode zero", {0, 0, 0, 0}, 4},
		{"opcode alone", {HS_EF_DEL}, 1},
		{"no tail", {HS_EF_DEL, 1, 'k', 0}, 4},
		{"key too long", {HS_EF_DEL, 9, 'k', 0, 0}, 5},
		{"endless varint", {HS_EF_DEL, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 0, 0}, 15},
		{"varint above 64 bits", {HS_EF_DEL, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0, 0}, 13},
		{"size of 64 bits", {HS_EF_DEL, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0, 0}, 13},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		HsEffect	e;
		size_t		pos = 0;

		CASE("%s", cases[i].name);
		CHECK_EQ(hs_effect_next(hs_bytes(cases[i].bytes, cases[i].size), &pos, &e), HS_CORRUPT);
		CHECK_EQ(pos, 0);
	}
}

TEST_MAIN(
		  TEST(effects_are_read_as_written),
		  TEST(nobody_listening_is_fine),
		  TEST(what_does_not_fit_is_not_begun),
		  TEST(damage_is_noticed))
