/*
 * test_digits.c
 *	  Digits packed two in a byte, alone and in runs of lists.
 */
#include "digits.h"
#include "list_run.h"
#include "test.h"

static void
every_character_is_a_digit_or_not(void)
{
	for (unsigned c = 0; c < 256; c++)
	{
		bool		is_digit = c != 0 && strchr("0123456789abcdef", (int) c) != NULL;

		CASE("character %u", c);
		CHECK_EQ(hs_is_digit16((uint8_t) c), is_digit);
		/* in each place of a word, with digits around it, and in a short text */
		for (size_t at = 0; at < 20; at++)
		{
			uint8_t		text[20];

			memset(text, '7', sizeof(text));
			text[at] = (uint8_t) c;
			CHECK_EQ(hs_digits_at_end(hs_bytes(text, 20), 20), is_digit ? 20 : 19 - at);
			CHECK_EQ(hs_digits_at_end(hs_bytes(text, 20), 3), is_digit || at < 17 ? 3 : 19 - at);
			CHECK_EQ(hs_digits_at_end(hs_bytes(text, at + 1), 100), is_digit ? at + 1 : 0);
		}
	}
}

static void
digits_come_back(void)
{
	TestRandom	r = {3};

	for (size_t n = HS_DIGITS_MIN; n <= 100; n++)
		for (int i = 0; i < 30; i++)
		{
			uint8_t		text[200],
						packed[101],
						back[201];

			for (size_t k = 0; k < 2 * n; k++)
				text[k] = "0123456789abcdef"[test_below(&r, 16)];
			packed[n] = back[2 * n] = 0xee;
			hs_digits_pack(packed, text, n);
			hs_digits_unpack(back, packed, n);
			CHECK_BYTES(hs_bytes(back, 2 * n), hs_bytes(text, 2 * n));
			CHECK(packed[n] == 0xee && back[2 * n] == 0xee);
			CHECK_EQ(packed[1], strtol((char[]) {(char) text[2], (char) text[3], 0}, NULL, 16));
		}
}

/* Bytes that values take in a run whose texts begin with "job:". */
static void
values_take_the_shortest_way(void)
{
	static const struct
	{
		const char *text;
		unsigned	size;		/* of the payload */
	}			cases[] = {
		{"12345", 2}, {"0123456789", 8}, {"012345678", 11}, {"01234567890", 9}, {"job:0123456789", 10},
		{"job:0123456789ab", 12}, {"job:0123456789abcd", 14}, {"job:0123456789abcdef", 15},
		{"job:x0123456789abcdef", 16}, {"d41d8cd98f00b204e9800998ecf8427e", 19},
		{"D41D8CD98F00B204E9800998ECF8427E", 34}, {"f81d4fae-7dec-11d0-a765-00a0c91e6bf6", 33},
		{"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 35},
		{"forty-seven bytes before the digits, no less..:0000000000", 55},
		{"forty-eight bytes before the digits, no less...:0000000000", 60},
	};
	uint8_t		data[4096];
	HsLrun		first,
				run;
	HsLentry	e;

	hs_lrun_init(&first, data, sizeof(data), false);
	for (int i = 0; i < 100; i++)
	{
		char		text[24];

		sprintf(text, "job:%c%d", "xyz"[i % 3], i);
		hs_lentry_make(&e, &first, hs_bytes_str(text));
		REQUIRE(hs_lrun_insert(&first, first.n, &e));
	}
	for (int i = 0; first.prefix == 0; i++)
	{
		char		text[40];

		sprintf(text, "job:x, a longer one, %d", i);
		hs_lentry_make(&e, &first, hs_bytes_str(text));
		if (!hs_lrun_insert(&first, first.n, &e))
			REQUIRE(hs_lrun_compress(&first));
	}
	CHECK_EQ(first.prefix, 4);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		uint8_t		other[4096];
		uint8_t		copy[300];
		HsLvalue	v;
		HsLpos		pos;

		CASE("%s", cases[i].text);
		hs_lrun_init(&run, other, sizeof(other), false);
		hs_lrun_take_prefix(&run, &first);
		hs_lentry_make(&e, &run, hs_bytes_str(cases[i].text));
		CHECK_EQ(hs_lentry_size(&e), cases[i].size);
		REQUIRE(hs_lrun_insert(&run, 0, &e));
		CHECK_WELL(hs_lrun_verify(other, sizeof(other), false));
		hs_lrun_seek(&run, 0, &pos);
		CHECK(hs_lrun_is(&run, &pos, &e));
		hs_lrun_value(&run, &pos, &v);
		CHECK_EQ(hs_lvalue_size(&v), strlen(cases[i].text));
		hs_lvalue_copy(&v, copy);
		CHECK_BYTES(hs_bytes(copy, hs_lvalue_size(&v)), hs_bytes_str(cases[i].text));
	}
}

static void
damage_is_noticed_or_harmless(void)
{
	TestRandom	r = {1};
	uint8_t		good[600];
	unsigned	noticed = 0;
	HsLrun		run;
	HsLentry	e;
	char		text[64];

	hs_lrun_init(&run, good, sizeof(good), false);
	for (unsigned i = 0;; i++)
	{
		sprintf(text, i % 3 ? "job:%u%016x" : "job number %u", i, i * 77777777u);
		hs_lentry_make(&e, &run, hs_bytes_str(text));
		if (!hs_lrun_insert(&run, run.n, &e))
			break;
	}
	CHECK_WELL(hs_lrun_verify(good, sizeof(good), false));
	for (int i = 0; i < 20000; i++)
	{
		uint8_t    *bytes = malloc(sizeof(good));	/* a sanitizer sees what is read behind */

		REQUIRE(bytes != NULL);
		memcpy(bytes, good, sizeof(good));
		for (uint64_t n = 1 + test_below(&r, 3); n > 0; n--)
			bytes[test_below(&r, test_below(&r, 2) ? 60 : sizeof(good))] = (uint8_t) test_random(&r);
		noticed += hs_lrun_verify(bytes, sizeof(good), false) != NULL;
		free(bytes);
	}
	CHECK(noticed > 5000);
}

TEST_MAIN(
		  TEST(every_character_is_a_digit_or_not),
		  TEST(digits_come_back),
		  TEST(values_take_the_shortest_way),
		  TEST(damage_is_noticed_or_harmless))
