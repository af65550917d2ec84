/*
 * number.h
 *	  Numbers as decimal text, in the one form that strings, hashes and lists
 *	  write and take for a number.
 */
#ifndef HS_NUMBER_H
#define HS_NUMBER_H

#include "bytes.h"

/*
 * ---- Integers ------------------------------------------------------------
 */
#define HS_INT_DIGITS	20		/* bytes of the longest int64 in decimal, with sign */

/* Decimal form; returns its length.  Not terminated. */
extern size_t hs_int_format(int64_t n, uint8_t *out);
/* Its length alone. */
extern size_t hs_int_size(int64_t n);

/* Only what hs_int_format() writes: no blanks, plus signs, leading zeros. */
extern bool hs_int_parse(HsBytes text, int64_t *n);

/*
 * ---- Doubles -----------------------------------------------------------------
 */
#define HS_FLOAT_DIGITS	32		/* bytes of the longest one */

/* A double in the shortest form that reads back the same; returns its length. */
extern size_t hs_float_format(double d, uint8_t *out);
/* Finite decimal numbers of at most 64 bytes: no blanks, hexadecimal or words. */
extern bool hs_float_parse(HsBytes text, double *d);

#endif							/* HS_NUMBER_H */
