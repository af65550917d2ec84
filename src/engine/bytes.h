/*
 * bytes.h
 *	  A run of bytes: pointer and length.  Borrowed, never owned; may hold NULs.
 */
#ifndef HS_BYTES_H
#define HS_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

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

#endif							/* HS_BYTES_H */
