/*
 * digits.c
 *	  The digits 0-9 a-f, two packed in a byte: eight at a time, in a word, which takes a
 *	  quarter of the instructions of one after the other.
 */
#include "digits.h"

#include <assert.h>

#define EACH(byte)	(UINT64_C(0x0101010101010101) * (byte))

/* High bit of each byte that is no digit. */
static inline uint64_t
no_digits(uint64_t word)
{
	uint64_t	low = word & EACH(0x7f);
	uint64_t	decimal = (low + EACH(0x80 - '0')) & ~(low + EACH(0x7f - '9'));
	uint64_t	letter = (low + EACH(0x80 - 'a')) & ~(low + EACH(0x7f - 'f'));

	return (~(decimal | letter) | word) & EACH(0x80);
}

static inline uint32_t
pack_word(uint64_t word)
{
	/* of a letter, bit 6 is set and the low four bits are 1 to 6 */
	uint64_t	v = (word & EACH(0x0f)) + ((word >> 6) & EACH(1)) * 9;

	v = (v << 4 | v >> 8) & UINT64_C(0x00ff00ff00ff00ff);
	v = (v | v >> 8) & UINT64_C(0x0000ffff0000ffff);
	return (uint32_t) (v | v >> 16);
}

static inline uint64_t
unpack_word(uint32_t packed)
{
	uint64_t	v = packed;

	v = (v | v << 16) & UINT64_C(0x0000ffff0000ffff);
	v = (v | v << 8) & UINT64_C(0x00ff00ff00ff00ff);
	v = (v >> 4 | v << 8) & EACH(0x0f);
	return v + EACH('0') + ((v + EACH(0x80 - 10)) >> 7 & EACH(1)) * ('a' - '0' - 10);
}

size_t
hs_digits_at_end(HsBytes text, size_t max)
{
	size_t		n = 0;

	if (max > text.size)
		max = text.size;
	for (; max - n >= 8; n += 8)
	{
		uint64_t	no = no_digits(hs_word_at(text.data + text.size - n - 8));

		if (no != 0)
			return n + (size_t) __builtin_clzll(no) / 8;
	}
	while (n < max && hs_is_digit16(text.data[text.size - n - 1]))
		n++;
	return n;
}

/* In both the last words may overlap. */

void
hs_digits_pack(uint8_t *to, const uint8_t *digits, size_t n)
{
	assert(n >= HS_DIGITS_MIN);
	for (size_t i = 0; i < n; i += 4)
	{
		size_t		at = i + 4 <= n ? i : n - 4;
		uint32_t	packed = pack_word(hs_word_at(digits + 2 * at));

		memcpy(to + at, &packed, 4);
	}
}

void
hs_digits_unpack(uint8_t *to, const uint8_t *packed, size_t n)
{
	assert(n >= HS_DIGITS_MIN);
	for (size_t i = 0; i < n; i += 4)
	{
		size_t		at = i + 4 <= n ? i : n - 4;
		uint32_t	four;
		uint64_t	word;

		memcpy(&four, packed + at, 4);
		word = unpack_word(four);
		memcpy(to + 2 * at, &word, 8);
	}
}
