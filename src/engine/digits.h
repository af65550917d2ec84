/*
 * digits.h
 *	  The digits 0-9 a-f, two packed in a byte, in the order of the text.
 */
#ifndef HS_DIGITS_H
#define HS_DIGITS_H

#include "bytes.h"

static inline bool
hs_is_digit16(uint8_t c)
{
	return (uint8_t) (c - '0') <= 9 || (uint8_t) (c - 'a') <= 5;
}

/* How many of them a text ends in, at most 'max'. */
extern size_t hs_digits_at_end(HsBytes text, size_t max);

#define HS_DIGITS_MIN	4		/* bytes, at least, for these two */

/* n bytes of 2 n digits, and back. */
extern void hs_digits_pack(uint8_t *to, const uint8_t *digits, size_t n);
extern void hs_digits_unpack(uint8_t *to, const uint8_t *packed, size_t n);

#endif							/* HS_DIGITS_H */
