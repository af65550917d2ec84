/*
 * pack.h
 *	  Strings as collections store them: members, fields, values.
 *
 *	u8 0..239 | so many bytes						text
 *	u8 240 | u16 size | bytes						longer text
 *	u8 240 + k | k bytes, little-endian				an integer, k = 1..8
 *	u8 249 | u32 size | HsRef						text in a chain (chain.h)
 *
 * Text that hs_int_parse() takes is always stored as the shortest integer, and other
 * text in the shortest way that its owner allows, so equal strings are stored alike.
 * Known to the collections only.
 */
#ifndef HS_PACK_H
#define HS_PACK_H

#include "chain.h"
#include "number.h"

#define HS_PACK_TEXT		239 /* longest text with a size of one byte */
#define HS_PACK_TEXT16		240
#define HS_PACK_INT			240 /* plus the bytes of the number */
#define HS_PACK_CHAIN		249
#define HS_PACK_CHAIN_SIZE	9	/* bytes of an item whose text is in a chain */
#define HS_PACK_HEAD_MAX	3	/* bytes before text in the item */

/* A string, taken apart: as a caller gives it, or as it is stored. */
typedef struct HsPack
{
	HsBytes		text;			/* of an integer: as given, or NULL with size 0 */
	int64_t		number;
	uint8_t		width;			/* bytes of the number, 0: it is text */
	HsRef		chain;			/* text.data is NULL then; else HS_REF_NONE */
} HsPack;

static inline unsigned
hs_pack_width(int64_t n)
{
	uint64_t	bits = (uint64_t) (n < 0 ? ~n : n);

	/* with a bit for the sign */
	return bits == 0 ? 1 : (unsigned) (64 - __builtin_clzll(bits)) / 8 + 1;
}

static inline HsPack
hs_pack_number(int64_t number)
{
	HsPack		p = {{NULL, 0}, number, (uint8_t) hs_pack_width(number), HS_REF_NONE};

	return p;
}

static inline HsPack
hs_pack(HsBytes text)
{
	HsPack		p = {text, 0, 0, HS_REF_NONE};

	/* what cannot be an integer is seen at its ends */
	if (text.size > 0 && text.size <= HS_INT_DIGITS &&
		(uint8_t) (text.data[text.size - 1] - '0') <= 9 &&
		(text.data[0] == '-' || (uint8_t) (text.data[0] - '0') <= 9) &&
		hs_int_parse(text, &p.number))
		p.width = (uint8_t) hs_pack_width(p.number);
	return p;
}

/* Bytes of the item, its text in it. */
static inline size_t
hs_pack_size(const HsPack *p)
{
	if (p->width > 0)
		return 1u + p->width;
	return p->text.size + (p->text.size <= HS_PACK_TEXT ? 1 : 3);
}

/* Write the item; returns the address behind it.  Text: at most UINT16_MAX bytes. */
static inline uint8_t *
hs_pack_put(uint8_t *at, const HsPack *p)
{
	uint16_t	size = (uint16_t) p->text.size;

	if (p->width > 0)
	{
		*at++ = (uint8_t) (HS_PACK_INT + p->width);
		for (unsigned i = 0; i < p->width; i++)
			*at++ = (uint8_t) ((uint64_t) p->number >> (8 * i));
		return at;
	}
	if (size <= HS_PACK_TEXT)
		*at++ = (uint8_t) size;
	else
	{
		*at++ = HS_PACK_TEXT16;
		memcpy(at, &size, 2);
		at += 2;
	}
	hs_copy(at, p->text.data, size);
	return at + size;
}

/* The same for text in a chain. */
static inline uint8_t *
hs_pack_put_chain(uint8_t *at, HsRef chain, size_t text_size)
{
	uint32_t	size = (uint32_t) text_size;

	*at = HS_PACK_CHAIN;
	memcpy(at + 1, &size, 4);
	memcpy(at + 5, &chain, sizeof(chain));
	return at + HS_PACK_CHAIN_SIZE;
}

/* Bytes of the item that stands there. */
static inline size_t
hs_pack_skip(const uint8_t *at)
{
	uint16_t	size;

	if (*at <= HS_PACK_TEXT)
		return 1u + *at;
	if (*at == HS_PACK_CHAIN)
		return HS_PACK_CHAIN_SIZE;
	if (*at > HS_PACK_INT)
		return 1u + *at - HS_PACK_INT;
	memcpy(&size, at + 1, 2);
	return 3u + size;
}

/* Take the item apart; returns the address behind it.  Borrowed. */
extern const uint8_t *hs_pack_get_other(const uint8_t *at, HsPack *out);

static inline const uint8_t *
hs_pack_get(const uint8_t *at, HsPack *out)
{
	if (*at > HS_PACK_TEXT)
		return hs_pack_get_other(at, out);
	*out = (HsPack) {{at + 1, *at}, 0, 0, HS_REF_NONE};
	return at + 1 + *at;
}

/* Is it this string?  'p' from hs_pack() or hs_pack_get(). */
extern bool hs_pack_is_long(const uint8_t *at, const HsPack *p);

static inline bool
hs_pack_is(const uint8_t *at, const HsPack *p)
{
	uint8_t		d = *at;

	if (p->width > 0)
	{
		uint64_t	n = 0;

		if (d != HS_PACK_INT + p->width)
			return false;
		for (unsigned i = 0; i < p->width; i++)
			n |= (uint64_t) at[1 + i] << (8 * i);
		return ((n ^ (uint64_t) p->number) << (64 - 8 * p->width)) == 0;
	}
	if (d <= HS_PACK_TEXT)
		return d == p->text.size && hs_equal(at + 1, p->text.data, d);
	return p->text.size > HS_PACK_TEXT && hs_pack_is_long(at, p);
}

/* hs_member_hash() of the string: equal for equal strings, however stored. */
extern uint64_t hs_pack_hash(const HsPack *p);

/* Bytes of the string as text, and the text itself. */
static inline size_t
hs_pack_text_size(const HsPack *p)
{
	return p->width > 0 ? hs_int_size(p->number) : p->text.size;
}
extern void hs_pack_copy(const HsPack *p, uint8_t *dst);

/*
 * NULL or what is wrong with the item in at most 'size' bytes; *skip: bytes that it
 * takes.  Chains are looked at too, if they may be there.
 */
extern const char *hs_pack_verify(const uint8_t *at, size_t size, bool may_chain, size_t *skip);

#endif							/* HS_PACK_H */
