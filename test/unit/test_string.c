/*
 * test_string.c
 *	  Strings: cases, and random commands compared with a naive model whose
 *	  effects, applied to a second keyspace, must give the same contents.
 */
#define _GNU_SOURCE
#include "test.h"

#include <math.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap_test.h"
#include "many.h"
#include "strings_test.h"

#define B(s)	hs_bytes_str(s)

static HsHandle h;
static Runner r;

static void
open_all(void)
{
	heap_open((size_t) 64 << 20);
	heap_keyspace(&h, 1, HS_EVICT_NONE, 0);
	run_open(&r, &h, HEAP_NOW);
}

static void
close_all(void)
{
	run_close(&r);
	heap_finish(&h);
}

static bool
set(const char *key, const char *value)
{
	HsSetRule	rule = {.expires_us = HS_NEVER};
	bool		done = false;

	REQUIRE_EQ(run_set(&r, B(key), B(value), HS_RF_TEXT, &rule, false, &done), HS_OK);
	return done;
}

static void
holds(const char *key, const char *value)
{
	HsStatus	status = run_get(&r, B(key));

	CASE("key %s", key);
	if (value == NULL)
		CHECK_EQ(status, HS_NOT_FOUND);
	else if (CHECK_EQ(status, HS_OK))
		CHECK_STR(run_text(&r), value);
	CASE("%s", "");
}

/*
 * ---- Cases ----------------------------------------------------------------------
 */

static void
integers_have_one_form(void)
{
	static const struct
	{
		const char *text;
		bool		valid;
		int64_t		n;
	}			cases[] = {
		{"0", true, 0}, {"7", true, 7}, {"-1", true, -1}, {"10", true, 10},
		{"9223372036854775807", true, INT64_MAX}, {"-9223372036854775808", true, INT64_MIN},
		{"9223372036854775808", false, 0}, {"-9223372036854775809", false, 0},
		{"99999999999999999999", false, 0}, {"18446744073709551616", false, 0},
		{"", false, 0}, {"-", false, 0}, {"-0", false, 0}, {"007", false, 0}, {"+1", false, 0},
		{" 1", false, 0}, {"1 ", false, 0}, {"1a", false, 0}, {"1.0", false, 0}, {"--1", false, 0},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		int64_t		n = 0;
		uint8_t		text[HS_INT_DIGITS];

		CASE("\"%s\"", cases[i].text);
		CHECK_EQ(hs_int_parse(B(cases[i].text), &n), cases[i].valid);
		CHECK_EQ(n, cases[i].n);
		if (cases[i].valid)
			CHECK_STR(hs_bytes(text, hs_int_format(n, text)), cases[i].text);
	}
}

/* As printf() writes it, and read back; nothing is written behind. */
static void
check_integer(int64_t n)
{
	char		expected[32];
	uint8_t		text[HS_INT_DIGITS + 1];
	int64_t		again = 0;
	size_t		size = (size_t) snprintf(expected, sizeof(expected), "%" PRId64, n);

	CASE("%" PRId64, n);
	CHECK_EQ(hs_int_size(n), size);
	text[size] = 0xee;
	CHECK_STR(hs_bytes(text, hs_int_format(n, text)), expected);
	CHECK_EQ(text[size], 0xee);
	CHECK_EQ(hs_int_parse(hs_bytes(expected, size), &again), true);
	CHECK_EQ(again, n);
}

static void
integers_of_all_lengths(void)
{
	TestRandom	random = {7};

	for (uint64_t power = 1; power < UINT64_C(1000000000000000000); power *= 10)
		for (int64_t near = -1; near <= 1; near++)
		{
			check_integer((int64_t) power * 10 + near);
			check_integer(-((int64_t) power * 10 + near));
		}
	for (int i = 0; i < 100000; i++)
	{
		int64_t		n = (int64_t) (test_random(&random) >> (i % 64));

		check_integer(n);
		check_integer(n == INT64_MIN ? n : -n);
	}
}

/* Any byte that is none, at any place, makes it text. */
static void
integers_have_digits_only(void)
{
	for (size_t size = 1; size < HS_INT_DIGITS; size++)
		for (size_t at = 0; at < size; at++)
			for (unsigned c = 0; c < 256; c++)
			{
				uint8_t		text[HS_INT_DIGITS];
				int64_t		n;

				memset(text, '1', size);
				text[at] = (uint8_t) c;
				CASE("%zu digits, %u at %zu", size, c, at);
				CHECK_EQ(hs_int_parse(hs_bytes(text, size), &n),
						 (c >= '0' && c <= '9' && (c != '0' || at > 0 || size == 1)) ||
						 (c == '-' && at == 0 && size > 1));
			}
}

static void
floats_read_back(void)
{
	static const struct
	{
		double		d;
		const char *text;
	}			cases[] = {
		{0.1, "0.1"}, {-0.0, "0"}, {3, "3"}, {10.5, "10.5"}, {1e20, "1e+20"},
		{0.1 + 0.2, "0.30000000000000004"}, {1.0 / 3, "0.3333333333333333"},
		{5e-324, "4.94065645841247e-324"}, {1.7976931348623157e308, "1.7976931348623157e+308"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		uint8_t		text[HS_FLOAT_DIGITS];

		CASE("%s", cases[i].text);
		CHECK_STR(hs_bytes(text, hs_float_format(cases[i].d, text)), cases[i].text);
	}
}

static void
setting_obeys_its_rule(void)
{
	HsSetRule	rule = {.only = HS_SET_IF_PRESENT,.expires_us = HS_NEVER};
	HsRead		read;
	bool		done = true;

	open_all();
	CHECK_EQ(run_set(&r, B("k"), B("1"), 0, &rule, false, &done), HS_OK);
	CHECK(!done);
	holds("k", NULL);
	rule.only = HS_SET_IF_ABSENT;
	rule.expires_us = HEAP_NOW + 100;
	CHECK_EQ(run_set(&r, B("k"), B("2"), 0, &rule, false, &done), HS_OK);
	CHECK(done);
	CHECK_EQ(run_set(&r, B("k"), B("3"), 0, &rule, false, &done), HS_OK);
	CHECK(!done);
	holds("k", "2");
	rule.only = HS_SET_IF_PRESENT;
	rule.keep_ttl = true;
	rule.expires_us = HS_NEVER;
	CHECK_EQ(run_set(&r, B("k"), B("four"), 0, &rule, true, &done), HS_OK);
	CHECK(done);
	CHECK(r.got.found);
	CHECK_STR(run_text(&r), "2");
	CHECK_EQ(hs_peek(&h, B("k"), HEAP_NOW, &read), HS_OK);
	CHECK_EQ(read.expires_us, HEAP_NOW + 100);
	rule.keep_ttl = false;
	CHECK_EQ(run_set(&r, B("k"), B("five"), 0, &rule, false, &done), HS_OK);
	CHECK_EQ(hs_peek(&h, B("k"), HEAP_NOW, &read), HS_OK);
	CHECK_EQ(read.expires_us, HS_NEVER);
	close_all();
}

static void
keys_expire_to_the_microsecond(void)
{
	HsSetRule	rule = {.expires_us = HEAP_NOW + 100};
	bool		done;

	open_all();
	CHECK_EQ(run_set(&r, B("k"), B("v"), 0, &rule, false, &done), HS_OK);
	r.now_us = HEAP_NOW + 99;
	holds("k", "v");
	r.now_us = HEAP_NOW + 100;
	holds("k", NULL);
	CHECK_EQ(run_getdel(&r, B("k")), HS_NOT_FOUND);
	r.now_us = HEAP_NOW;
	holds("k", NULL);			/* it was removed: a clock set back does not bring it back */
	close_all();
}

static void
counters_stop_at_their_limits(void)
{
	int64_t		n = 0;
	HsRead		read;

	open_all();
	CHECK_EQ(run_incr(&r, B("n"), 5, HEAP_NOW + 100, &n), HS_OK);
	CHECK_EQ(n, 5);
	CHECK_EQ(run_incr(&r, B("n"), -7, HEAP_NOW + 500, &n), HS_OK);
	CHECK_EQ(n, -2);
	CHECK_EQ(hs_peek(&h, B("n"), HEAP_NOW, &read), HS_OK);
	CHECK_EQ(read.expires_us, HEAP_NOW + 100);
	CHECK(read.flags & HS_RF_INT);
	holds("n", "-2");
	set("n", "9223372036854775807");
	CHECK_EQ(run_incr(&r, B("n"), 1, HS_NEVER, &n), HS_OVERFLOW);
	holds("n", "9223372036854775807");
	CHECK_EQ(run_incr(&r, B("n"), INT64_MIN, HS_NEVER, &n), HS_OK);
	CHECK_EQ(n, -1);
	CHECK_EQ(run_incr(&r, B("n"), INT64_MIN, HS_NEVER, &n), HS_OVERFLOW);
	set("n", "x");
	CHECK_EQ(run_incr(&r, B("n"), 1, HS_NEVER, &n), HS_NOT_INTEGER);
	holds("n", "x");
	close_all();
}

static void
floats_count_too(void)
{
	double		d = 0;
	int64_t		n;

	open_all();
	CHECK_EQ(run_incrbyfloat(&r, B("f"), 0.5, &d), HS_OK);
	CHECK_EQ(run_incrbyfloat(&r, B("f"), 0.25, &d), HS_OK);
	CHECK_NEAR(d, 0.75, 0);
	holds("f", "0.75");
	CHECK_EQ(run_incrbyfloat(&r, B("f"), 1.7e308, &d), HS_OK);
	CHECK_EQ(run_incrbyfloat(&r, B("f"), 1.7e308, &d), HS_NOT_A_NUMBER);
	CHECK_EQ(run_incrbyfloat(&r, B("f"), NAN, &d), HS_NOT_A_NUMBER);
	holds("f", "1.7e+308");
	CHECK_EQ(run_incr(&r, B("i"), 3, HS_NEVER, &n), HS_OK);
	CHECK_EQ(run_incrbyfloat(&r, B("i"), 0.5, &d), HS_OK);
	holds("i", "3.5");
	close_all();
}

/* Sums, appended and changed parts: who makes a key says how long it lives, others do not. */
static void
a_key_made_by_a_change_expires(void)
{
	static uint8_t big[300000];

	open_all();
	for (int what = 0; what < 6; what++)
	{
		int64_t		later = r.now_us + 1000;
		HsEdit		e = {.bytes = what % 2 == 0 ? B("x") : hs_bytes(big, sizeof(big)),.append = what < 2,
		.max_value = r.max_value,.scratch = r.scratch};
		HsOp		op;
		double		d;
		size_t		need = 0;
		bool		deleted;

		CASE("%d", what);
		for (int again = 0; again < 2; again++, later += 1000)
		{
			e.new_expires_us = later;
			if (what < 4)
				CHECK_EQ(hs_edit_prepare(&h, B("made"), &e, r.now_us, &need), HS_OK);
			CHECK_EQ(hs_op_begin(&op, &h, B("made"), HS_EXCLUSIVE, r.now_us), HS_OK);
			CHECK_EQ(what < 4 ? hs_string_edit(&op, &e) : hs_string_incrbyfloat(&op, 0.5, later, &d), HS_OK);
			CHECK_EQ(hs_expiry(hs_find(&op)), r.now_us + 1000);
			hs_op_end(&op);
			hs_edit_discard(&e);
		}
		CHECK_EQ(hs_op_begin(&op, &h, B("made"), HS_EXCLUSIVE, r.now_us), HS_OK);
		CHECK_EQ(hs_key_delete(&op, &deleted), HS_OK);
		hs_op_end(&op);
	}
	close_all();
}

/* "1e+15" is what an integer counter cannot go on with */
static void
whole_floats_count_on_as_integers(void)
{
	double		d = 0;
	int64_t		n;

	open_all();
	CHECK_EQ(run_incrbyfloat(&r, B("f"), 1e15, &d), HS_OK);
	holds("f", "1000000000000000");
	CHECK_EQ(run_incr(&r, B("f"), 1, HS_NEVER, &n), HS_OK);
	CHECK_EQ(n, INT64_C(1000000000000001));
	CHECK_EQ(run_incrbyfloat(&r, B("g"), -0x1p62, &d), HS_OK);
	holds("g", "-4611686018427387904");
	CHECK_EQ(run_incrbyfloat(&r, B("h"), 0x1p63, &d), HS_OK);
	holds("h", "9.223372036854776e+18");
	CHECK_EQ(run_incrbyfloat(&r, B("z"), -0.0, &d), HS_OK);
	holds("z", "0");
	close_all();
}

static void
no_numbers_are_refused(void)
{
	double		d = 0;

	open_all();
	for (const char *const *bad = (const char *const[]) {"nan", "inf", "0x10", " 1", "1 ", "", "1e999", "1,5", NULL};
		 *bad != NULL; bad++)
	{
		CASE("\"%s\"", *bad);
		set("f", *bad);
		CHECK_EQ(run_incrbyfloat(&r, B("f"), 1, &d), HS_NOT_FLOAT);
	}
	close_all();
}

static void
ranges_are_those_of_redis(void)
{
	static const struct
	{
		int64_t		start;
		int64_t		stop;
		const char *want;
	}			cases[] = {
		{0, 3, "This"}, {-3, -1, "ing"}, {0, -1, "This is a string"}, {10, 100, "string"},
		{5, 4, ""}, {-100, 3, "This"}, {100, 200, ""}, {-1, -100, ""}, {0, -100, ""},
		{INT64_MIN, INT64_MAX, "This is a string"}, {INT64_MAX, INT64_MIN, ""},
	};
	int64_t		n;

	open_all();
	set("s", "This is a string");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		CASE("%" PRId64 " %" PRId64, cases[i].start, cases[i].stop);
		CHECK_EQ(run_range(&r, B("s"), cases[i].start, cases[i].stop), HS_OK);
		CHECK_STR(run_text(&r), cases[i].want);
	}
	CHECK_EQ(run_incr(&r, B("n"), -1234, HS_NEVER, &n), HS_OK);
	CHECK_EQ(run_range(&r, B("n"), 0, 2), HS_OK);
	CHECK_STR(run_text(&r), "-12");
	CHECK_EQ(run_range(&r, B("none"), 0, -1), HS_OK);
	CHECK(!r.got.found);
	close_all();
}

static void
text_stays_text_only_where_it_must(void)
{
	size_t		size;
	HsRead		read;

	open_all();
	set("t", "abc");
	CHECK_EQ(run_edit(&r, B("t"), B("def"), true, true, 0, &size), HS_OK);
	CHECK_EQ(size, 6);
	CHECK_EQ(hs_peek(&h, B("t"), HEAP_NOW, &read), HS_OK);
	CHECK(read.flags & HS_RF_TEXT);
	CHECK_EQ(run_edit(&r, B("t"), B("X"), true, false, 1, &size), HS_OK);
	CHECK_EQ(hs_peek(&h, B("t"), HEAP_NOW, &read), HS_OK);
	CHECK(!(read.flags & HS_RF_TEXT));
	holds("t", "aXcdef");
	set("t", "abc");
	CHECK_EQ(run_edit(&r, B("t"), B("\xff"), false, true, 0, &size), HS_OK);
	CHECK_EQ(hs_peek(&h, B("t"), HEAP_NOW, &read), HS_OK);
	CHECK(!(read.flags & HS_RF_TEXT));
	CHECK_EQ(run_edit(&r, B("pad"), B("x"), true, false, 3, &size), HS_OK);
	CHECK_EQ(size, 4);
	CHECK_EQ(run_get(&r, B("pad")), HS_OK);
	CHECK_BYTES(run_text(&r), hs_bytes("\0\0\0x", 4));
	CHECK_EQ(run_edit(&r, B("none"), B(""), true, false, 5, &size), HS_OK);
	CHECK_EQ(size, 0);
	holds("none", NULL);
	CHECK_EQ(run_edit(&r, B("none"), B(""), true, true, 0, &size), HS_OK);
	holds("none", "");
	close_all();
}

static void
unverified_bytes_are_not_lost_to_a_reader_of_text(void)
{
	HsSetRule	rule = {.expires_us = HS_NEVER};
	HsOp		op;
	HsGot		got;
	uint8_t		buf[16];
	bool		done;

	open_all();
	CHECK_EQ(run_set(&r, B("b"), B("bytes"), 0, &rule, false, &done), HS_OK);
	for (int i = 0; i < 2; i++)
	{
		REQUIRE_EQ(hs_op_begin(&op, &h, B("b"), HS_EXCLUSIVE, HEAP_NOW), HS_OK);
		hs_got_init(&got, buf, sizeof(buf));
		got.text_only = true;
		CHECK_EQ(hs_string_getdel(&op, &got), i == 0 ? HS_NOT_TEXT : HS_OK);
		CHECK_STR(hs_bytes(got.buf, got.size), "bytes");
		if (i == 0)
		{
			hs_string_mark_text(&op, B("other"));
			hs_string_mark_text(&op, B("bytes"));
		}
		hs_op_end(&op);
	}
	holds("b", NULL);
	close_all();
}

static void
versions_never_come_back(void)
{
	HsSetRule	rule = {.only = HS_SET_IF_VERSION,.expires_us = HS_NEVER};
	uint64_t	v1 = 0;
	uint64_t	v2 = 0;
	bool		done;
	int64_t		n;

	open_all();
	CHECK_EQ(run_version(&r, B("k"), &v1), HS_NOT_FOUND);
	set("k", "1");
	CHECK_EQ(run_version(&r, B("k"), &v1), HS_OK);
	CHECK_EQ(run_version(&r, B("k"), &v2), HS_OK);
	CHECK_EQ(v1, v2);
	rule.version = v1 + 1000;
	CHECK_EQ(run_set(&r, B("k"), B("2"), 0, &rule, false, &done), HS_OK);
	CHECK(!done);
	rule.version = v1;
	CHECK_EQ(run_set(&r, B("k"), B("2"), 0, &rule, false, &done), HS_OK);
	CHECK(done);
	CHECK_EQ(run_set(&r, B("k"), B("3"), 0, &rule, false, &done), HS_OK);
	CHECK(!done);
	holds("k", "2");
	CHECK_EQ(run_version(&r, B("k"), &v2), HS_OK);
	CHECK(v2 != v1);
	CHECK_EQ(run_incr(&r, B("k"), 1, HS_NEVER, &n), HS_OK);
	CHECK_EQ(run_version(&r, B("k"), &v1), HS_OK);
	CHECK(v1 != v2);
	CHECK_EQ(run_incr(&r, B("k"), 1, HS_NEVER, &n), HS_OK);
	CHECK_EQ(run_version(&r, B("k"), &v2), HS_OK);
	CHECK(v1 != v2);
	CHECK_EQ(run_del(&r, B("k"), &done), HS_OK);
	set("k", "1");
	CHECK_EQ(run_version(&r, B("k"), &v1), HS_OK);
	CHECK(v1 > v2);
	rule.version = 0;
	set("new", "1");
	CHECK_EQ(run_set(&r, B("new"), B("2"), 0, &rule, false, &done), HS_OK);
	CHECK(!done);
	close_all();
}

static void
values_are_compared_as_text(void)
{
	HsSetRule	rule = {.only = HS_SET_IF_EQUAL,.expires_us = HS_NEVER};
	bool		done;
	int64_t		n;

	open_all();
	CHECK_EQ(run_incr(&r, B("n"), 10, HS_NEVER, &n), HS_OK);
	rule.expected = B("010");
	CHECK_EQ(run_set(&r, B("n"), B("x"), 0, &rule, false, &done), HS_OK);
	CHECK(!done);
	rule.expected = B("10");
	CHECK_EQ(run_set(&r, B("n"), B("x"), 0, &rule, false, &done), HS_OK);
	CHECK(done);
	CHECK_EQ(run_del_if(&r, B("n"), B("10"), &done), HS_OK);
	CHECK(!done);
	CHECK_EQ(run_del_if(&r, B("n"), B("x"), &done), HS_OK);
	CHECK(done);
	CHECK_EQ(run_del_if(&r, B("n"), B("x"), &done), HS_OK);
	CHECK(!done);
	close_all();
}

static void
all_keys_are_set_or_none(void)
{
	HsBytes		keys[4] = {B("a"), B("b"), B("a"), B("c")};
	HsBytes		values[4] = {B("1"), B("2"), B("3"), B("4")};
	bool		done;

	open_all();
	set("c", "old");
	CHECK_EQ(run_mset(&r, keys, values, 4, HS_NEVER, true, &done), HS_OK);
	CHECK(!done);
	holds("a", NULL);
	CHECK_EQ(run_mset(&r, keys, values, 4, HS_NEVER, false, &done), HS_OK);
	CHECK(done);
	holds("a", "3");
	holds("b", "2");
	holds("c", "4");
	CHECK_EQ(run_mset(&r, keys, values, 0, HS_NEVER, false, &done), HS_OK);
	CHECK(done);
	close_all();
}

static void
limits_hold(void)
{
	HsSetRule	rule = {.expires_us = HS_NEVER};
	uint8_t    *big = calloc(1, HS_MAX_KEY + 1);
	size_t		size = 0;
	bool		done;

	open_all();
	r.max_value = 100000;
	CHECK_EQ(run_set(&r, hs_bytes(big, HS_MAX_KEY), B("v"), 0, &rule, false, &done), HS_OK);
	CHECK_EQ(run_get(&r, hs_bytes(big, HS_MAX_KEY)), HS_OK);
	CHECK_STR(run_text(&r), "v");
	CHECK_EQ(run_set(&r, hs_bytes(big, HS_MAX_KEY), hs_bytes(big, 60000), 0, &rule, false, &done), HS_OK);
	CHECK_EQ(run_get(&r, hs_bytes(big, HS_MAX_KEY)), HS_OK);
	CHECK_EQ(r.got.size, 60000);
	CHECK_EQ(run_set(&r, hs_bytes(big, HS_MAX_KEY + 1), B("v"), 0, &rule, false, &done), HS_KEY_TOO_LONG);
	CHECK_EQ(run_set(&r, B(""), B(""), 0, &rule, false, &done), HS_OK);
	holds("", "");
	r.max_value = 10;
	CHECK_EQ(run_set(&r, B("k"), B("0123456789"), 0, &rule, false, &done), HS_OK);
	CHECK_EQ(run_set(&r, B("k"), B("0123456789a"), 0, &rule, false, &done), HS_VALUE_TOO_LONG);
	CHECK_EQ(run_edit(&r, B("k"), B("a"), true, true, 0, &size), HS_VALUE_TOO_LONG);
	CHECK_EQ(run_edit(&r, B("k"), B("a"), true, false, 9, &size), HS_OK);
	CHECK_EQ(run_edit(&r, B("k"), B("a"), true, false, 10, &size), HS_VALUE_TOO_LONG);
	CHECK_EQ(run_edit(&r, B("k"), B("a"), true, false, SIZE_MAX, &size), HS_VALUE_TOO_LONG);
	holds("k", "012345678a");
	free(big);
	close_all();
}

/*
 * ---- Against a model ----------------------------------------------------------------
 */

#define MODEL_KEYS	24

typedef struct ModelKey
{
	bool		exists;
	uint8_t    *bytes;
	size_t		size;
	int64_t		expires_us;
} ModelKey;

static ModelKey model[MODEL_KEYS];
static TestRandom rnd;
static uint8_t *noise;
static uint8_t many_bytes[1 << 16];
#define NOISE	((size_t) 400000)

static HsBytes
key_name(int i, char *buf)
{
	return hs_bytes(buf, (size_t) sprintf(buf, "k%d", i));
}

static void
model_put(int i, const uint8_t *bytes, size_t size, int64_t expires_us)
{
	uint8_t    *copy = malloc(size + 1);

	hs_copy(copy, bytes, size);
	free(model[i].bytes);
	model[i] = (ModelKey) {true, copy, size, expires_us};
}

static void
model_del(int i)
{
	free(model[i].bytes);
	model[i] = (ModelKey) {0};
}

static void
model_pass_time(int64_t now_us)
{
	for (int i = 0; i < MODEL_KEYS; i++)
		if (model[i].exists && model[i].expires_us <= now_us)
			model_del(i);
}

/* Mostly short, sometimes around the sizes where the layout changes. */
static size_t
random_size(void)
{
	switch (test_below(&rnd, 12))
	{
		case 0:
			return hs_big_threshold() - 2 + test_below(&rnd, 5);
		case 1:
			return HS_SEG_SIZE - 2 + test_below(&rnd, 5);
		case 2:
			return test_below(&rnd, 200000);
		case 3:
			return 250 + test_below(&rnd, 20);
		case 4:
			return test_below(&rnd, 8000);
		default:
			return test_below(&rnd, 30);
	}
}

static HsBytes
random_value(void)
{
	static char digits[32];
	size_t		size = random_size();

	if (test_below(&rnd, 4) == 0)
		return hs_bytes(digits, (size_t) sprintf(digits, "%" PRId64,
												 (int64_t) test_random(&rnd) >> test_below(&rnd, 64)));
	return hs_bytes(noise + test_below(&rnd, NOISE - size), size);
}

static int64_t
random_expiry(void)
{
	return test_below(&rnd, 3) ? HS_NEVER : r.now_us + 1 + (int64_t) test_below(&rnd, 200);
}

static void
do_set(int i, HsBytes key)
{
	HsSetRule	rule = {.only = (HsSetOnly) test_below(&rnd, 3),.keep_ttl = test_below(&rnd, 4) == 0,
	.expires_us = random_expiry()};
	HsBytes		value = random_value();
	bool		want_old = test_below(&rnd, 2);
	bool		allowed = rule.only == HS_SET_ALWAYS || (rule.only == HS_SET_IF_PRESENT) == model[i].exists;
	bool		done = false;

	CHECK_EQ(run_set(&r, key, value, test_below(&rnd, 2) ? HS_RF_TEXT : 0, &rule, want_old, &done), HS_OK);
	CHECK_EQ(done, allowed);
	if (want_old && CHECK_EQ(r.got.found, model[i].exists) && model[i].exists)
		CHECK_BYTES(run_text(&r), hs_bytes(model[i].bytes, model[i].size));
	if (allowed)
		model_put(i, value.data, value.size,
				  rule.keep_ttl && model[i].exists ? model[i].expires_us : rule.expires_us);
}

static void
do_set_if(int i, HsBytes key)
{
	HsSetRule	rule = {.only = HS_SET_IF_EQUAL,.expires_us = random_expiry()};
	HsBytes		value = random_value();
	bool		equal = test_below(&rnd, 2);
	bool		done = true;

	rule.expected = equal && model[i].exists ? hs_bytes(model[i].bytes, model[i].size) : B("other");
	equal = equal && model[i].exists;
	if (test_below(&rnd, 2))
	{
		CHECK_EQ(run_set(&r, key, value, 0, &rule, false, &done), HS_OK);
		if (equal)
			model_put(i, value.data, value.size, rule.expires_us);
	}
	else
	{
		CHECK_EQ(run_del_if(&r, key, rule.expected, &done), HS_OK);
		if (equal)
			model_del(i);
	}
	CHECK_EQ(done, equal);
}

static void
do_edit(int i, HsBytes key)
{
	HsBytes		bytes = random_value();
	bool		append = test_below(&rnd, 2);
	size_t		at = append ? model[i].size : test_below(&rnd, model[i].size + 300);
	size_t		end = at + bytes.size;
	size_t		size = 0;
	uint8_t    *copy;

	if (end > NOISE)
		return;
	CHECK_EQ(run_edit(&r, key, bytes, true, append, at, &size), HS_OK);
	if (bytes.size == 0 && (model[i].exists || !append))
		end = model[i].size;
	else
	{
		if (end < model[i].size)
			end = model[i].size;
		copy = calloc(1, end + 1);
		hs_copy(copy, model[i].bytes, model[i].size);
		hs_copy(copy + at, bytes.data, bytes.size);
		model_put(i, copy, end, model[i].exists ? model[i].expires_us : HS_NEVER);
		free(copy);
	}
	CHECK_EQ(size, end);
}

static void
do_incr(int i, HsBytes key)
{
	int64_t		by = (int64_t) test_random(&rnd) >> test_below(&rnd, 64);
	int64_t		expires_us = random_expiry();
	int64_t		n = 0;
	int64_t		got = 0;
	HsStatus	want = HS_OK;
	char		text[32];

	if (model[i].exists && !hs_int_parse(hs_bytes(model[i].bytes, model[i].size), &n))
		want = HS_NOT_INTEGER;
	else if (__builtin_add_overflow(n, by, &n))
		want = HS_OVERFLOW;
	CHECK_EQ(run_incr(&r, key, by, expires_us, &got), want);
	if (want != HS_OK)
		return;
	CHECK_EQ(got, n);
	model_put(i, (uint8_t *) text, (size_t) sprintf(text, "%" PRId64, n),
			  model[i].exists ? model[i].expires_us : expires_us);
}

static void
do_mset(void)
{
	HsBytes		keys[6];
	HsBytes		values[6];
	char		names[6][16];
	int			which[6];
	size_t		n = test_below(&rnd, 7);
	bool		nx = test_below(&rnd, 3) == 0;
	bool		allowed = true;
	bool		done = false;
	int64_t		expires_us = random_expiry();

	for (size_t j = 0; j < n; j++)
	{
		which[j] = (int) test_below(&rnd, MODEL_KEYS);
		keys[j] = key_name(which[j], names[j]);
		values[j] = hs_bytes(noise + test_below(&rnd, 1000), random_size());
		if (nx && model[which[j]].exists)
			allowed = false;
	}
	CHECK_EQ(run_mset(&r, keys, values, n, expires_us, nx, &done), HS_OK);
	CHECK_EQ(done, allowed);
	for (size_t j = 0; allowed && j < n; j++)
		model_put(which[j], values[j].data, values[j].size, expires_us);
}

/* What is found without a lock is what was found with it. */
static void
check_many(const HsBytes *keys, const HsGot *got, size_t n)
{
	HsManyRead	reads[MODEL_KEYS];

	for (size_t j = 0; j < n; j++)
		reads[j].look.key = keys[j];
	REQUIRE(hs_many_find(&h, reads, n, r.now_us));
	for (size_t j = 0; j < n; j++)
	{
		if (!CHECK_EQ(reads[j].found, got[j].found) || !got[j].found)
			continue;
		CHECK_EQ(reads[j].flags & HS_RF_VALUE, got[j].flags);
		if (reads[j].flags & HS_RF_BIG)
			continue;
		REQUIRE_EQ(reads[j].size, got[j].size);
		REQUIRE(reads[j].size <= sizeof(many_bytes));
		hs_many_copy(&reads[j], many_bytes);
		CHECK_BYTES(hs_bytes(many_bytes, reads[j].size), hs_bytes(got[j].buf, got[j].size));
	}
	CHECK(hs_many_are_true(&h, reads, n));
}

static void
do_mget(void)
{
	HsBytes		keys[MODEL_KEYS];
	char		names[MODEL_KEYS][16];
	HsGot		got[MODEL_KEYS];
	HsMulti		m;
	size_t		wanted;
	size_t		n = test_below(&rnd, MODEL_KEYS);

	for (size_t j = 0; j < n; j++)
	{
		keys[j] = key_name((int) j, names[j]);
		hs_got_init(&got[j], NULL, 0);
	}
	REQUIRE_EQ(hs_multi_begin(&m, &h, keys, n, HS_SHARED, r.now_us), HS_OK);
	CHECK_EQ(hs_strings_get(&m, keys, n, got, r.buf, r.capacity, &wanted), HS_OK);
	hs_multi_end(&m);
	for (size_t j = 0; j < n; j++)
	{
		CHECK(hs_got_finish(&got[j]));
		r.got = got[j];
		if (CHECK_EQ(got[j].found, model[j].exists) && got[j].found && !(got[j].flags & HS_RF_INT))
			CHECK_BYTES(run_text(&r), hs_bytes(model[j].bytes, model[j].size));
	}
	check_many(keys, got, n);
}

static void
do_expire(int i, HsBytes key)
{
	HsExpireRule rule = {0};
	int64_t		expires_us = r.now_us - 20 + (int64_t) test_below(&rnd, 200);
	int64_t		old = model[i].expires_us;
	bool		allowed = model[i].exists;
	bool		done = false;

	switch (test_below(&rnd, 7))
	{
		case 0:
			rule.nx = true;
			allowed = allowed && old == HS_NEVER;
			break;
		case 1:
			rule.xx = true;
			allowed = allowed && old != HS_NEVER;
			break;
		case 2:
			rule.gt = true;
			allowed = allowed && expires_us > old;
			break;
		case 3:
			rule.lt = true;
			allowed = allowed && expires_us < old;
			break;
		case 4:
			expires_us = HS_NEVER;
			break;
		default:
			break;
	}
	CHECK_EQ(run_expire(&r, key, &rule, expires_us, &done), HS_OK);
	CHECK_EQ(done, allowed);
	if (allowed && expires_us <= r.now_us)
		model_del(i);
	else if (allowed)
		model[i].expires_us = expires_us;
}

static void
do_move(int i, HsBytes key)
{
	int			to = (int) test_below(&rnd, MODEL_KEYS);
	bool		keep = test_below(&rnd, 2);
	bool		replace = test_below(&rnd, 2);
	bool		done = false;
	char		name[16];
	HsStatus	status = run_move(&r, key, key_name(to, name), keep, replace, &done);

	if (!model[i].exists)
	{
		CHECK_EQ(status, HS_NOT_FOUND);
		return;
	}
	CHECK_EQ(status, HS_OK);
	CHECK_EQ(done, replace || !model[to].exists);
	if (!done || i == to)
		return;
	model_put(to, model[i].bytes, model[i].size, model[i].expires_us);
	if (!keep)
		model_del(i);
}

static void
do_read(int i, HsBytes key)
{
	HsBytes		want = hs_bytes(model[i].bytes, model[i].size);
	int64_t		from = (int64_t) test_below(&rnd, want.size + 1);
	int64_t		to = from + (int64_t) test_below(&rnd, want.size + 1);
	int64_t		expires_us = random_expiry();
	size_t		size = 0;
	HsStatus	status = model[i].exists ? HS_OK : HS_NOT_FOUND;

	switch (test_below(&rnd, 5))
	{
		case 0:
			CHECK_EQ(run_getdel(&r, key), status);
			model_del(i);
			want.size = 0;
			return;
		case 1:
			CHECK_EQ(run_getex(&r, key, expires_us), status);
			model[i].expires_us = expires_us;
			break;
		case 2:
			CHECK_EQ(run_length(&r, key, &size), status);
			CHECK_EQ(size, want.size);
			return;
		case 3:
			CHECK_EQ(run_range(&r, key, from, to), HS_OK);
			if (to >= (int64_t) want.size)
				to = (int64_t) want.size - 1;
			want = hs_bytes(want.data + from, from <= to ? (size_t) (to - from + 1) : 0);
			status = HS_OK;
			break;
		default:
			CHECK_EQ(run_get(&r, key), status);
			break;
	}
	if (status == HS_OK)
		CHECK_BYTES(run_text(&r), want);
}

static void
do_something(void)
{
	char		name[16];
	int			i = (int) test_below(&rnd, MODEL_KEYS);
	HsBytes		key = key_name(i, name);
	bool		done = false;

	switch (test_below(&rnd, 16))
	{
		case 0:
		case 1:
		case 2:
			do_set(i, key);
			break;
		case 3:
			do_set_if(i, key);
			break;
		case 4:
		case 5:
			do_edit(i, key);
			break;
		case 6:
		case 7:
			do_incr(i, key);
			break;
		case 8:
			do_mset();
			break;
		case 9:
			do_mget();
			break;
		case 10:
			do_expire(i, key);
			break;
		case 11:
		case 12:
			do_move(i, key);
			break;
		case 13:
			CHECK_EQ(run_del(&r, key, &done), HS_OK);
			CHECK_EQ(done, model[i].exists);
			model_del(i);
			break;
		default:
			do_read(i, key);
			break;
	}
}

static void
check_model(void)
{
	for (int i = 0; i < MODEL_KEYS; i++)
	{
		char		name[16];
		HsRead		read;
		HsBytes		key = key_name(i, name);
		HsStatus	status = run_get(&r, key);

		if (!CHECK_EQ(status, model[i].exists ? HS_OK : HS_NOT_FOUND) || status != HS_OK)
			continue;
		CHECK_BYTES(run_text(&r), hs_bytes(model[i].bytes, model[i].size));
		CHECK_EQ(hs_peek(&h, key, r.now_us, &read), HS_OK);
		CHECK_EQ(read.expires_us, model[i].expires_us);
	}
}

static void
noise_fill(void)
{
	noise = malloc(NOISE + 300000);
	for (size_t i = 0; i < NOISE + 300000; i++)
		noise[i] = (uint8_t) ('a' + test_below(&rnd, 26));
}

static void
model_clear(void)
{
	for (int i = 0; i < MODEL_KEYS; i++)
		model_del(i);
	free(noise);
}

static void
random_commands_match_a_model(void)
{
	uint64_t	n = test_scaled(60000);
	HsHandle	copy;
	Runner		mirror;
	HsEffects	fx = {.capacity = (size_t) 16 << 20};

	rnd.state = test_seed(1);
	noise_fill();
	open_all();
	heap_keyspace(&copy, 2, HS_EVICT_NONE, 0);
	run_open(&mirror, &copy, HEAP_NOW);
	fx.data = malloc(fx.capacity);
	r.effects = &fx;
	for (uint64_t i = 0; i < n && test_failures == 0; i++)
	{
		CASE("step %" PRIu64, i);
		r.now_us += (int64_t) test_below(&rnd, 4);
		mirror.now_us = r.now_us;
		model_pass_time(r.now_us);
		do_something();
		CHECK_EQ(run_replay(&r, &copy), HS_OK);
		if (i % 1000 == 0 || test_failures > 0)
		{
			check_model();
			CHECK(run_equal(&r, &mirror));
			CHECK_WELL(hs_keyspace_verify(&h));
		}
	}
	check_model();
	CHECK(run_equal(&r, &mirror));
	CHECK_WELL(hs_keyspace_verify(&copy));
	hs_keyspace_drop(HEAP_DB, 2);
	run_close(&mirror);
	free(fx.data);
	model_clear();
	close_all();
}

/*
 * A small keyspace that is often full: a command that finds no room changes
 * nothing, and others that need none still work.
 */
static void
a_full_keyspace_changes_nothing(void)
{
	const uint64_t most = 20000;
	uint64_t	n = test_scaled(most);
	uint64_t	refused = 0;

	rnd.state = test_seed(2);
	noise_fill();
	heap_open((size_t) 16 << 20);
	heap_keyspace(&h, 1, HS_EVICT_NONE, (uint64_t) 2 << 20);
	run_open(&r, &h, HEAP_NOW);
	/* however short the run: until it is full */
	for (uint64_t i = 0; (i < n || (refused == 0 && i < most)) && test_failures == 0; i++)
	{
		char		name[16];
		int			k = (int) test_below(&rnd, MODEL_KEYS);
		HsBytes		key = key_name(k, name);
		HsSetRule	rule = {.expires_us = HS_NEVER};
		HsBytes		value = random_value();
		bool		append = test_below(&rnd, 2);
		bool		done;
		size_t		size;
		HsStatus	status;

		CASE("step %" PRIu64, i);
		if (test_below(&rnd, 8) == 0)
		{
			CHECK_EQ(run_del(&r, key, &done), HS_OK);
			model_del(k);
			continue;
		}
		if (append && model[k].size + value.size > NOISE)
			continue;
		status = append ? run_edit(&r, key, value, true, true, 0, &size) :
			run_set(&r, key, value, 0, &rule, false, &done);
		if (status == HS_NO_MEMORY)
			refused++;
		else if (CHECK_EQ(status, HS_OK))
		{
			uint8_t    *copy = malloc(model[k].size + value.size + 1);
			size_t		old = append ? model[k].size : 0;

			hs_copy(copy, model[k].bytes, old);
			hs_copy(copy + old, value.data, value.size);
			model_put(k, copy, old + value.size, HS_NEVER);
			free(copy);
		}
		if (i % 500 == 0)
			check_model();
	}
	check_model();
	CHECK(refused > 0);
	model_clear();
	close_all();
}

/*
 * Every segment that a command asks for fails once, the first, the second and so
 * on until it succeeds.
 */
static void
any_allocation_may_fail(void)
{
	rnd.state = test_seed(3);
	noise_fill();
	open_all();
	r.no_room = true;
	for (int round = 0; round < 300 && test_failures == 0; round++)
	{
		HsBytes		keys[3] = {B("a"), B("b"), B("c")};
		HsBytes		values[3];
		bool		done = false;
		size_t		size = 0;
		HsSetRule	rule = {.expires_us = HS_NEVER};

		for (int i = 0; i < 3; i++)
			values[i] = hs_bytes(noise + test_below(&rnd, 1000), test_below(&rnd, 150000));
		CHECK_EQ(run_set(&r, B("a"), B("old"), 0, &rule, false, &done), HS_OK);
		CHECK_EQ(run_set(&r, B("b"), values[1], 0, &rule, false, &done), HS_OK);
		CHECK_EQ(run_del(&r, B("c"), &done), HS_OK);
		for (int fail = 0;; fail++)
		{
			HsStatus	status;

			CASE("round %d, allocation %d", round, fail);
			REQUIRE(fail < 1000);
			heap_fail_after(fail);
			if (round % 3 == 0)
				status = run_mset(&r, keys, values, 3, HS_NEVER, false, &done);
			else if (round % 3 == 1)
				status = run_edit(&r, B("b"), values[0], true, true, 0, &size);
			else
				status = run_move(&r, B("b"), B("c"), false, false, &done);
			heap_fail_after(-1);
			if (status == HS_OK)
				break;
			CHECK_EQ(status, HS_NO_MEMORY);
			holds("a", "old");
			CHECK_EQ(run_get(&r, B("b")), HS_OK);
			CHECK_BYTES(run_text(&r), values[1]);
			holds("c", NULL);
			CHECK_WELL(hs_keyspace_verify(&h));
		}
	}
	model_clear();
	close_all();
}

/*
 * Several processes at once: what they counted and appended adds up, keys set
 * together are seen together, a value that is renamed to and fro is always whole.
 */
#define PROCESSES	3
#define ROUNDS		1500
#define TOGETHER	4

static bool
all_same(HsBytes b)
{
	for (size_t i = 1; i < b.size; i++)
		if (b.data[i] != b.data[0])
			return false;
	return true;
}

/* Set four keys to one value, or see that all have the same. */
static void
set_or_check_together(uint8_t *bytes, uint8_t who)
{
	HsBytes		keys[TOGETHER] = {B("t1"), B("t2"), B("t3"), B("t4")};
	HsBytes		values[TOGETHER];
	HsGot		got[TOGETHER];
	HsMulti		m;
	size_t		size = random_size() / 2;
	size_t		wanted;
	bool		done;

	if (test_below(&rnd, 2) == 0)
	{
		memset(bytes, who, size);
		for (int i = 0; i < TOGETHER; i++)
			values[i] = hs_bytes(bytes, size);
		CHECK_EQ(run_mset(&r, keys, values, TOGETHER, HS_NEVER, false, &done), HS_OK);
		return;
	}
	for (int i = 0; i < TOGETHER; i++)
		hs_got_init(&got[i], NULL, 0);
	REQUIRE_EQ(hs_multi_begin(&m, &h, keys, TOGETHER, HS_SHARED, r.now_us), HS_OK);
	CHECK_EQ(hs_strings_get(&m, keys, TOGETHER, got, r.buf, r.capacity, &wanted), HS_OK);
	hs_multi_end(&m);
	for (int i = 0; i < TOGETHER; i++)
	{
		CHECK(hs_got_finish(&got[i]));
		CHECK_EQ(got[i].size, got[0].size);
		CHECK(all_same(hs_bytes(got[i].buf, got[i].size)));
		if (got[0].size > 0 && got[i].size > 0)
			CHECK_EQ(got[i].buf[0], got[0].buf[0]);
	}
}

/* One of the two names has the value; it changes hands and grows and shrinks. */
static void
move_whole_value(uint8_t *bytes, uint8_t who)
{
	HsSetRule	rule = {.only = HS_SET_IF_PRESENT,.expires_us = HS_NEVER};
	HsBytes		names[2] = {B("left"), B("right")};
	size_t		size = 1 + random_size();
	int			i = (int) test_below(&rnd, 2);
	HsStatus	status;
	bool		done;

	status = run_move(&r, names[i], names[1 - i], false, true, &done);
	CHECK(status == HS_OK || status == HS_NOT_FOUND);
	memset(bytes, who, size);
	CHECK_EQ(run_set(&r, names[i], hs_bytes(bytes, size), 0, &rule, false, &done), HS_OK);
	if (run_get(&r, names[1 - i]) == HS_OK)
		CHECK(all_same(run_text(&r)));
}

static void
work_of_one_process(uint8_t who, uint64_t *appended)
{
	uint8_t    *bytes = malloc(NOISE);
	int64_t		n;

	rnd.state = test_seed(4) + who;
	run_open(&r, &h, HEAP_NOW);
	for (int i = 0; i < ROUNDS && test_failures == 0; i++)
	{
		size_t		size = test_below(&rnd, 50) == 0 ? 30000 : test_below(&rnd, 50);
		size_t		result = 0;

		memset(bytes, who, size);
		CHECK_EQ(run_incr(&r, B("n"), 1, HS_NEVER, &n), HS_OK);
		CHECK_EQ(run_edit(&r, B("log"), hs_bytes(bytes, size), false, true, 0, &result), HS_OK);
		*appended += size;
		set_or_check_together(bytes, who);
		move_whole_value(bytes, who);
	}
	free(bytes);
	run_close(&r);
}

static void
processes_do_not_disturb_each_other(void)
{
	uint64_t   *appended = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t	sum = 0;

	open_all();
	set("left", "x");
	for (int i = 0; i < PROCESSES; i++)
	{
		pid_t		pid = fork();

		REQUIRE(pid >= 0);
		if (pid == 0)
		{
			work_of_one_process((uint8_t) ('a' + i), &appended[i]);
			_exit(test_failures == 0 ? 0 : 1);
		}
	}
	for (int i = 0; i < PROCESSES; i++)
	{
		int			status = -1;

		REQUIRE(wait(&status) > 0);
		CHECK_EQ(status, 0);
	}
	for (int i = 0; i < PROCESSES; i++)
		sum += appended[i];
	CHECK_EQ(run_get(&r, B("n")), HS_OK);
	CHECK_BYTES(run_text(&r), B("4500"));
	CHECK_EQ(run_get(&r, B("log")), HS_OK);
	CHECK_EQ(r.got.size, sum);
	(void) munmap(appended, 4096);
	close_all();
}

static void
integers_are_read_as_such(void)
{
	static const struct
	{
		const char *value;
		uint16_t	flags;
		HsStatus	status;
		int64_t		n;
	}			cases[] = {
		{"42", HS_RF_TEXT, HS_OK, 42}, {"-9223372036854775808", 0, HS_OK, INT64_MIN},
		{"9223372036854775808", 0, HS_NOT_INTEGER, 0}, {"042", 0, HS_NOT_INTEGER, 0},
		{"", 0, HS_NOT_INTEGER, 0}, {"42", HS_RF_JSONB, HS_NOT_INTEGER, 0},
		{"a value that is longer than any integer", 0, HS_NOT_INTEGER, 0},
	};
	HsSetRule	rule = {.expires_us = HEAP_NOW + 1};
	HsType		found = HS_ANY;
	int64_t		n = 0;
	bool		done;

	open_all();
	CHECK_EQ(hs_string_get_int(r.h, B("none"), HEAP_NOW, &n, &found), HS_NOT_FOUND);
	CHECK_EQ(run_incr(&r, B("counter"), -7, HS_NEVER, &n), HS_OK);
	CHECK_EQ(hs_string_get_int(r.h, B("counter"), HEAP_NOW, &n, &found), HS_OK);
	CHECK_EQ(n, -7);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		CASE("\"%s\"", cases[i].value);
		CHECK_EQ(run_set(&r, B("k"), B(cases[i].value), cases[i].flags, &rule, false, &done), HS_OK);
		n = 0;
		CHECK_EQ(hs_string_get_int(r.h, B("k"), HEAP_NOW, &n, &found), cases[i].status);
		CHECK_EQ(n, cases[i].n);
		CHECK_EQ(hs_string_get_int(r.h, B("k"), HEAP_NOW + 1, &n, &found), HS_NOT_FOUND);
	}
	close_all();
}

TEST_MAIN(TEST(integers_have_one_form),
		  TEST(integers_of_all_lengths),
		  TEST(integers_have_digits_only),
		  TEST(integers_are_read_as_such),
		  TEST(floats_read_back),
		  TEST(setting_obeys_its_rule),
		  TEST(keys_expire_to_the_microsecond),
		  TEST(counters_stop_at_their_limits),
		  TEST(floats_count_too),
		  TEST(a_key_made_by_a_change_expires),
		  TEST(whole_floats_count_on_as_integers),
		  TEST(no_numbers_are_refused),
		  TEST(ranges_are_those_of_redis),
		  TEST(text_stays_text_only_where_it_must),
		  TEST(unverified_bytes_are_not_lost_to_a_reader_of_text),
		  TEST(versions_never_come_back),
		  TEST(values_are_compared_as_text),
		  TEST(all_keys_are_set_or_none),
		  TEST(limits_hold),
		  TEST(random_commands_match_a_model),
		  TEST(a_full_keyspace_changes_nothing),
		  TEST(any_allocation_may_fail),
		  TEST(processes_do_not_disturb_each_other))
