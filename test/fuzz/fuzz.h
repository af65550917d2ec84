/*
 * fuzz.h
 *	  What fuzzers share: failing, and leaving nothing behind.
 *
 * A fuzzer is one function that ends the program when its property does not hold.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "heap_test.h"

/* The property for one input, of libFuzzer or of replay.c.  Returns 0. */
extern int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void
fuzz_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

#define MUST(cond)	((cond) ? (void) 0 : fuzz_fail(__FILE__, __LINE__, #cond))
/* The same, said in words. */
#define MUST_SAY(cond, what)	((cond) ? (void) 0 : fuzz_fail(__FILE__, __LINE__, what))

/* Nothing may be left of this input for the next one. */
static inline void
fuzz_flush(HsHandle *h)
{
	uint64_t	removed;

	MUST(hs_keyspace_verify(h) == NULL);
	MUST(hs_keyspace_flush(h, HEAP_NOW, &removed) == HS_OK);
	MUST(hs_keyspace_verify(h) == NULL);
	MUST(hs_region_verify() == NULL);
}

#endif							/* FUZZ_H */
