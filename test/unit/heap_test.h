/*
 * heap_test.h
 *	  A region for tests: shared anonymous memory between guard pages.
 */
#ifndef HEAP_TEST_H
#define HEAP_TEST_H

#include "store.h"

#define HEAP_DB			1		/* database number of heap_keyspace() */
#define HEAP_NOW		INT64_C(800000000000000)	/* 2025: a time to start from */
#define HEAP_SECOND		INT64_C(1000000)

/*
 * Replace the region of the process by a new one of 'size' bytes; children
 * made by fork() share it.  Ends the program if that fails.
 */
extern void heap_open(size_t size);
extern void heap_close(void);

/*
 * Largest region to try.  AddressSanitizer keeps shadow memory for all that is
 * mapped and clears it each time.
 */
#if defined(__SANITIZE_ADDRESS__)
#define HEAP_MAX_SIZE	((size_t) 512 << 20)
#else
#define HEAP_MAX_SIZE	HS_MAX_REGION
#endif

/* Open or make keyspace (HEAP_DB, server); ends the program if that fails. */
extern void heap_keyspace(HsHandle *h, uint32_t server, HsEviction eviction, uint64_t memory);

/*
 * In the middle of a test: keyspace and region are sound, no lock is held, and all ways of reading
 * have agreed (keys_test.h).
 */
#define heap_check(h)	heap_check_at(__FILE__, __LINE__, h)
extern void heap_check_at(const char *file, int line, HsHandle *h);

/*
 * At its end: the same, then keyspace 1 is dropped, and no segment and no page may stay in use or
 * be lost; and heap_close().  The test has dropped other keyspaces itself.
 */
#define heap_finish(h)	heap_finish_at(__FILE__, __LINE__, h)
extern void heap_finish_at(const char *file, int line, HsHandle *h);

/* Segments that hold data: not free, not in the type-stable pools. */
extern uint32_t heap_segs_in_use(void);

/* Let n more segments be handed out, then none; a negative n: no limit. */
extern void heap_fail_after(int n);

#endif							/* HEAP_TEST_H */
