/*
 * test_hash.c
 *	  Hashes of both encodings against a naive model.
 *
 * TEST_SCALE=100 in the environment: some ten million random commands.
 */
#include "dict_int.h"
#include "slab_test.h"

#define TYPE	HS_HASH
#include "dict_both_test.h"

/*
 * ---- Values ----------------------------------------------------------------------------
 */

static HsHandle h;
static HsOp op;

static void
begin(void)
{
	REQUIRE_EQ(hs_op_begin(&op, &h, hs_bytes_str("h"), HS_EXCLUSIVE, HEAP_NOW), HS_OK);
}

static void
set_value(const char *field, const char *value)
{
	HsHashField f = {hs_bytes_str(field), hs_bytes_str(value)};
	uint64_t	added;

	REQUIRE_EQ(hs_hash_set(&op, &f, 1, false, HS_NEVER, &added), HS_OK);
}

static void
check_value(const char *field, const char *value)
{
	uint8_t		buf[100];
	HsItems		out = {.buf = buf,.capacity = sizeof(buf)};
	size_t		pos = 0;
	HsBytes		got;

	REQUIRE_EQ(hs_hash_get(&op, hs_bytes_str(field), &out), HS_OK);
	REQUIRE(hs_items_next(&out, &pos, &got));
	CHECK_STR(got, value);
}

static void
counting_in_both_encodings(void)
{
	static const struct
	{
		const char *before;		/* NULL: none */
		int64_t		by;
		HsStatus	want;
		const char *after;
	}			cases[] = {
		{NULL, 5, HS_OK, "5"},
		{"-7", 2, HS_OK, "-5"},
		{"9223372036854775806", 1, HS_OK, "9223372036854775807"},
		{"9223372036854775807", 1, HS_OVERFLOW, "9223372036854775807"},
		{"-9223372036854775808", -1, HS_OVERFLOW, "-9223372036854775808"},
		{"", 1, HS_NOT_INTEGER, ""},
		{"01", 1, HS_NOT_INTEGER, "01"},
		{"1.5", 1, HS_NOT_INTEGER, "1.5"},
		{" 1", 1, HS_NOT_INTEGER, " 1"},
	};

	for (int large = 0; large < 2; large++)
	{
		dict_test_open(&h);
		begin();
		for (int i = 0; large && i < 200; i++)
		{
			char		name[16];

			snprintf(name, sizeof(name), "f%d", i);
			set_value(name, name);
		}
		for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		{
			HsBytes		field = hs_bytes_str("n");
			int64_t		result = 77;
			uint64_t	n;
			char		text[32];

			CASE("large %d, case %u", large, i);
			REQUIRE_EQ(hs_hash_remove(&op, &field, 1, &n), HS_OK);
			if (cases[i].before != NULL)
				set_value("n", cases[i].before);
			CHECK_EQ(hs_hash_incr(&op, field, cases[i].by, HS_NEVER, &result), cases[i].want);
			check_value("n", cases[i].after);
			snprintf(text, sizeof(text), "%" PRId64, result);
			CHECK_STR(hs_bytes_str(text), cases[i].want == HS_OK ? cases[i].after : "77");
		}
		hs_op_end(&op);
		dict_test_done(&h);
	}
}

static void
counting_by_fractions(void)
{
	static const struct
	{
		const char *before;
		double		by;
		HsStatus	want;
		const char *after;
	}			cases[] = {
		{NULL, 0.1, HS_OK, "0.1"},
		{"10.5", 0.1, HS_OK, "10.6"},
		{"3", 1.5, HS_OK, "4.5"},
		{"5e3", 200, HS_OK, "5200"},
		{"-1", 1, HS_OK, "0"},
		{"", 1, HS_NOT_FLOAT, ""},
		{"nan", 1, HS_NOT_FLOAT, "nan"},
		{"1 ", 1, HS_NOT_FLOAT, "1 "},
		{"1e308", 1.7e308, HS_NOT_A_NUMBER, "1e308"},
	};

	dict_test_open(&h);
	begin();
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		HsBytes		field = hs_bytes_str("n");
		double		result;
		uint64_t	n;

		CASE("case %u", i);
		REQUIRE_EQ(hs_hash_remove(&op, &field, 1, &n), HS_OK);
		if (cases[i].before != NULL)
			set_value("n", cases[i].before);
		CHECK_EQ(hs_hash_incrbyfloat(&op, field, cases[i].by, HS_NEVER, &result), cases[i].want);
		check_value("n", cases[i].after);
	}
	hs_op_end(&op);
	dict_test_done(&h);
}

/* A value takes every size once, up and down again, among others and alone. */
static void
values_change_their_size(void)
{
	static const size_t sizes[] = {0, 1, 3, 10, 239, 240, 1000, 1024, 1025, 2688, 2689, 5000, 70000,
	(size_t) 5 << 20, HS_DICT_VALUE_MAX};
	uint8_t    *bytes = malloc(HS_DICT_VALUE_MAX);
	uint8_t    *buf = malloc(HS_DICT_VALUE_MAX + 100);
	HsItems		out = {.buf = buf,.capacity = HS_DICT_VALUE_MAX + 100};
	HsBytes		field = hs_bytes_str("field");
	const unsigned nsizes = sizeof(sizes) / sizeof(sizes[0]);

	memset(bytes, 'v', HS_DICT_VALUE_MAX);
	for (int others = 0; others <= 200; others += 100)
	{
		heap_open((size_t) 192 << 20);
		slab_fill_junk(false);
		heap_keyspace(&h, 1, HS_EVICT_NONE, 0);
		begin();
		for (int i = 0; i < others; i++)
		{
			char		name[16];

			snprintf(name, sizeof(name), "f%d", i);
			set_value(name, name);
		}
		hs_op_end(&op);
		for (unsigned i = 0; i < 2 * nsizes; i++)
		{
			size_t		size = sizes[i < nsizes ? i : 2 * nsizes - 1 - i];
			HsHashField f = {field, hs_bytes(bytes, size)};
			uint64_t	n;
			size_t		pos = 0;
			HsBytes		got;
			HsStatus	status;

			CASE("%d others, %zu bytes", others, size);
			do
			{
				/* room of the value before comes back at the end of commands */
				begin();
				status = hs_hash_set(&op, &f, 1, false, HS_NEVER, &n);
				hs_op_end(&op);
			} while (status == HS_NO_MEMORY && hs_make_room(&h, op.hash, op.need, HEAP_NOW));
			REQUIRE_EQ(status, HS_OK);
			CHECK_EQ(n, i == 0);
			begin();
			REQUIRE_EQ(hs_hash_get(&op, field, &out), HS_OK);
			REQUIRE(hs_items_next(&out, &pos, &got));
			CHECK_EQ(got.size, size);
			CHECK(memcmp(got.data, bytes, size) == 0);
			REQUIRE_EQ(hs_hash_value_size(&op, field, &n), HS_OK);
			CHECK_EQ(n, size);
			CHECK_WELL(hs_dict_verify(op.part, hs_find(&op)));
			hs_op_end(&op);
		}
		CHECK_WELL(hs_keyspace_verify(&h));
		heap_close();
	}
	free(bytes);
	free(buf);
}

static void
expiry_of_a_new_key_is_an_effect(void)
{
	uint8_t		log[200];
	HsEffects	fx = {log, 0, sizeof(log), 0};
	HsHashField f = {hs_bytes_str("f"), hs_bytes_str("v")};
	int64_t		expires = HEAP_NOW + HEAP_SECOND;
	size_t		pos = 0;
	uint64_t	n;
	HsEffect	e;

	dict_test_open(&h);
	for (int i = 0; i < 2; i++)
	{
		begin();
		op.effects = &fx;
		REQUIRE_EQ(hs_hash_set(&op, &f, 1, false, expires + i, &n), HS_OK);
		CHECK_EQ(hs_expiry(hs_find(&op)), expires);
		hs_op_end(&op);
	}
	for (int i = 0; i < 4; i++)
	{
		static const HsEffectOp ops[] = {HS_EF_DEL, HS_EF_HSET, HS_EF_EXPIRE, HS_EF_HSET};

		REQUIRE_EQ(hs_effect_next(hs_bytes(log, fx.size), &pos, &e), HS_OK);
		CHECK_EQ(e.op, ops[i]);
	}
	CHECK_EQ(hs_effect_next(hs_bytes(log, fx.size), &pos, &e), HS_NOT_FOUND);
	dict_test_done(&h);
}

TEST_MAIN(
		  DICT_TESTS,
		  TEST(counting_in_both_encodings),
		  TEST(counting_by_fractions),
		  TEST(values_change_their_size),
		  TEST(expiry_of_a_new_key_is_an_effect))
