/*
 * number.c
 *	  Numbers as decimal text, and back.
 */
#include "number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FLOAT_TEXT_MAX	64		/* longest text taken for a number, bytes */

/*
 * ---- Integers ------------------------------------------------------------
 */

static inline uint64_t
magnitude(int64_t n)
{
	return n < 0 ? 0 - (uint64_t) n : (uint64_t) n;
}

size_t
hs_int_size(int64_t n)
{
	/* [d]: the smallest number of more than d digits; 0 has one, too */
	static const uint64_t power[] = {
		0, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000,
		UINT64_C(10000000000), UINT64_C(100000000000), UINT64_C(1000000000000),
		UINT64_C(10000000000000), UINT64_C(100000000000000), UINT64_C(1000000000000000),
		UINT64_C(10000000000000000), UINT64_C(100000000000000000),
		UINT64_C(1000000000000000000), UINT64_C(10000000000000000000)
	};
	uint64_t	left = magnitude(n);

	/* bits * log10(2), rounded down, is their number or one less */
	unsigned	digits = (64 - (unsigned) __builtin_clzll(left | 1)) * 1233 >> 12;

	return digits + (left >= power[digits]) + (n < 0);
}

/* Eight digits of a number below 10^8, the first one in the lowest byte: in each step all halves at once. */
static inline uint64_t
eight_digits(uint32_t n)
{
	uint64_t	fours = n / 10000 | (uint64_t) (n % 10000) << 32;
	uint64_t	hundreds = (fours * 10486 >> 20) & UINT64_C(0x0000007f0000007f);
	uint64_t	twos = (fours - 100 * hundreds) << 16 | hundreds;
	uint64_t	tens = (twos * 103 >> 10) & UINT64_C(0x000f000f000f000f);

	return ((twos - 10 * tens) << 8 | tens) + UINT64_C(0x3030303030303030);
}

/* Eight digits at a time, the first ones by twos: 70 instructions for ten of them in place of 210. */
size_t
hs_int_format(int64_t n, uint8_t *out)
{
	static const char pairs[] =
		"00010203040506070809101112131415161718192021222324252627282930313233343536373839"
		"40414243444546474849505152535455565758596061626364656667686970717273747576777879"
		"8081828384858687888990919293949596979899";
	const uint32_t full = 100000000;
	uint64_t	left = magnitude(n);
	size_t		size = hs_int_size(n);
	uint8_t    *at = out + size;
	uint32_t	rest;

	for (; left >= full; left /= full)
	{
		uint64_t	word = eight_digits((uint32_t) (left % full));

		memcpy(at -= 8, &word, 8);
	}
	for (rest = (uint32_t) left; rest >= 100; rest /= 100)
		memcpy(at -= 2, &pairs[rest % 100 * 2], 2);
	if (rest >= 10)
		memcpy(at - 2, &pairs[rest * 2], 2);
	else
		at[-1] = (uint8_t) ('0' + rest);
	if (n < 0)
		out[0] = '-';
	return size;
}

/* The number that eight digits are; false if they are none. */
static inline bool
parse_eight(const uint8_t *digits, uint64_t *n)
{
	uint64_t	word = hs_word_at(digits) - UINT64_C(0x3030303030303030);

	/* no byte below '0', which borrows, or above '9' */
	if (((word + UINT64_C(0x7676767676767676)) | word) & UINT64_C(0x8080808080808080))
		return false;
	word = (word * 10 + (word >> 8)) & UINT64_C(0x00ff00ff00ff00ff);
	word = (word * 100 + (word >> 16)) & UINT64_C(0x0000ffff0000ffff);
	*n = (word * 10000 + (word >> 32)) & UINT64_C(0xffffffff);
	return true;
}

bool
hs_int_parse(HsBytes text, int64_t *n)
{
	bool		negative = text.size > 0 && text.data[0] == '-';
	size_t		at = negative ? 1 : 0;
	uint64_t	sum = 0;

	/* 19 digits do not overflow below */
	if (at == text.size || text.size - at >= HS_INT_DIGITS)
		return false;
	if (text.data[at] == '0' && text.size > 1)
		return false;
	for (; text.size - at >= 8; at += 8)
	{
		uint64_t	eight;

		if (!parse_eight(text.data + at, &eight))
			return false;
		sum = sum * 100000000 + eight;
	}
	for (; at < text.size; at++)
	{
		unsigned	digit = (unsigned) text.data[at] - '0';

		if (digit > 9)
			return false;
		sum = sum * 10 + digit;
	}
	if (sum > (uint64_t) INT64_MAX + negative)
		return false;
	*n = (int64_t) (negative ? 0 - sum : sum);
	return true;
}

/*
 * ---- Doubles -----------------------------------------------------------------
 */

/*
 * Whole numbers without an exponent, for hs_string_incr() to read.  Of the others
 * nearly every one people write down needs 15 digits, none more than 17.
 */
size_t
hs_float_format(double d, uint8_t *out)
{
	char		text[HS_FLOAT_DIGITS];
	int			size = 0;

	if (d == 0)
		d = 0;					/* no "-0" */
	if (fabs(d) < 0x1p63 && d == floor(d))
		size = snprintf(text, sizeof(text), "%.0f", d);
	for (int digits = 15; size == 0 && digits <= 17; digits++)
	{
		size = snprintf(text, sizeof(text), "%.*g", digits, d);
		if (digits < 17 && strtod(text, NULL) != d)
			size = 0;
	}
	memcpy(out, text, (size_t) size);
	return (size_t) size;
}

/* Decimal numbers only: strtod() would take "nan", "0x1p3" and blanks too. */
bool
hs_float_parse(HsBytes text, double *d)
{
	char		copy[FLOAT_TEXT_MAX + 1];
	char	   *end;

	if (text.size == 0 || text.size > FLOAT_TEXT_MAX)
		return false;
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] == '\0' || strchr("0123456789+-.eE", text.data[i]) == NULL)
			return false;
	memcpy(copy, text.data, text.size);
	copy[text.size] = '\0';
	*d = strtod(copy, &end);
	return end == copy + text.size && isfinite(*d);
}
