/*
 * racy.h
 *	  Reading bytes that somebody may be changing, and changing bytes that
 *	  somebody may still be reading.
 *
 * A reader without a lock copies first and finds out afterwards, by the
 * version of the bucket, whether it may believe what it copied.  That is a data race
 * by the letter of C11, harmless for bytes on the machines PostgreSQL runs on.
 * Under ThreadSanitizer the copies go through functions that it leaves alone, so
 * that it checks everything else.
 */
#ifndef HS_RACY_H
#define HS_RACY_H

#include <stdbool.h>

#include "bytes.h"

#if defined(__SANITIZE_THREAD__)
#define HS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HS_TSAN 1
#endif
#endif

#ifdef HS_TSAN
__attribute__((no_sanitize("thread"), noinline, unused))
static void
hs_racy_copy(void *dst, const void *src, size_t size)
{
	volatile uint8_t *d = dst;
	const volatile uint8_t *s = src;

	for (size_t i = 0; i < size; i++)
		d[i] = s[i];
}

__attribute__((no_sanitize("thread"), noinline, unused))
static void
hs_racy_zero(void *dst, size_t size)
{
	volatile uint8_t *d = dst;

	for (size_t i = 0; i < size; i++)
		d[i] = 0;
}

__attribute__((no_sanitize("thread"), noinline, unused))
static bool
hs_racy_equal(const void *a, const void *b, size_t size)
{
	const volatile uint8_t *x = a;
	const volatile uint8_t *y = b;

	for (size_t i = 0; i < size; i++)
	{
		if (x[i] != y[i])
			return false;
	}
	return true;
}
#else
static inline void
hs_racy_copy(void *dst, const void *src, size_t size)
{
	hs_copy(dst, src, size);
}

static inline void
hs_racy_zero(void *dst, size_t size)
{
	memset(dst, 0, size);
}

static inline bool
hs_racy_equal(const void *a, const void *b, size_t size)
{
	return hs_equal(a, b, size);
}
#endif

/* The same for a size that the compiler knows: no call. */
#ifdef HS_TSAN
#define hs_racy_copy_known(dst, src, size)	hs_racy_copy(dst, src, size)
#else
#define hs_racy_copy_known(dst, src, size)	((void) memcpy(dst, src, size))
#endif

#endif							/* HS_RACY_H */
