/*
 * bytes.h
 *	  A run of bytes: pointer and length.  Borrowed, never owned; may hold NULs.
 */
#ifndef HS_BYTES_H
#define HS_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* For the hottest paths: what to compile into its callers, and what to keep out of them. */
#define HS_IN_LINE		inline __attribute__((always_inline))
#define HS_OUT_OF_LINE	__attribute__((noinline))

typedef struct HsBytes
{
	const uint8_t *data;		/* may be NULL when size is 0 */
	size_t		size;			/* bytes */
} HsBytes;

static inline HsBytes
hs_bytes(const void *data, size_t size)
{
	HsBytes		b = {(const uint8_t *) data, size};

	return b;
}

static inline HsBytes
hs_bytes_str(const char *s)
{
	return hs_bytes(s, strlen(s));
}

/* Bytewise order; a prefix sorts before what it is a prefix of. */
static inline int
hs_bytes_cmp(HsBytes a, HsBytes b)
{
	size_t		n = a.size < b.size ? a.size : b.size;
	int			c = n == 0 ? 0 : memcmp(a.data, b.data, n);

	if (c != 0)
		return c;
	return (a.size > b.size) - (a.size < b.size);
}

/* A word from anywhere. */
static inline uint64_t
hs_word_at(const void *p)
{
	uint64_t	word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/*
 * Keys and members are short: comparing them here, by words of which the last two
 * may overlap, takes half the instructions of a call of memcmp().
 */
static inline bool
hs_equal(const void *a, const void *b, size_t size)
{
	const uint8_t *x = (const uint8_t *) a;
	const uint8_t *y = (const uint8_t *) b;

	if (size < 8 || size > 64)
		return size == 0 || memcmp(a, b, size) == 0;
	for (size_t i = 0; i < size - 8; i += 8)
	{
		if (hs_word_at(x + i) != hs_word_at(y + i))
			return false;
	}
	return hs_word_at(x + size - 8) == hs_word_at(y + size - 8);
}

/*
 * Copy bytes whose length the compiler must not reason about: gcc turns a
 * memcpy of provably short length into "rep movsb", which costs 35 ns.
 */
static inline void
hs_copy(void *dst, const void *src, size_t size)
{
	__asm__("":"+r"(size));
	if (size > 0)
		memcpy(dst, src, size);
}

/*
 * The same for what is short as a rule, in words of which some overlap: a dozen instructions in
 * place of the 35 of a call of memcpy().
 */
static inline void
hs_copy_short(void *dst, const void *src, size_t size)
{
	uint8_t    *to = (uint8_t *) dst;
	const uint8_t *from = (const uint8_t *) src;

	if (size >= 8 && size <= 32)
	{
		uint64_t	head = hs_word_at(from);
		uint64_t	tail = hs_word_at(from + size - 8);

		if (size > 16)
		{
			uint64_t	second = hs_word_at(from + 8);
			uint64_t	third = hs_word_at(from + size - 16);

			memcpy(to + 8, &second, 8);
			memcpy(to + size - 16, &third, 8);
		}
		memcpy(to, &head, 8);
		memcpy(to + size - 8, &tail, 8);
	}
	else if (size >= 4 && size < 8)
	{
		uint32_t	head;
		uint32_t	tail;

		memcpy(&head, from, 4);
		memcpy(&tail, from + size - 4, 4);
		memcpy(to, &head, 4);
		memcpy(to + size - 4, &tail, 4);
	}
	else
		hs_copy(dst, src, size);
}

#endif							/* HS_BYTES_H */
