/*
 * engine_bench.h
 *	  What measurements of the engine without a server share: a region, random
 *	  numbers that are always the same, keys, and the clock of the thread.
 */
#ifndef ENGINE_BENCH_H
#define ENGINE_BENCH_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "store.h"

#define BENCH_NOW	INT64_C(800000000000000)	/* us since 2000: in 2025 */

/* Replace the region by a new one of 'size' bytes, with the tables of hot keys. */
extern void bench_region(size_t size);
extern void bench_keyspace(HsHandle *h, uint32_t server, HsEviction eviction, uint64_t memory);

/* End the program unless status is HS_OK. */
extern void bench_must(HsStatus status);

/*
 * Commands as a server runs them, again after making room as long as there is
 * some; a refusal ends the program.
 */
extern void bench_set(HsHandle *h, HsBytes key, HsBytes value, int64_t expires_us);
extern void bench_zadd(HsHandle *h, HsBytes key, HsBytes member, double score);

/* Inside such a command: was there no memory, and is it worth another try?  No lock is held. */
extern bool bench_again(HsOp *op, HsStatus status);

/* What commands are told the time is; starts as BENCH_NOW. */
extern int64_t bench_now;

extern uint64_t bench_random(void);
extern void bench_seed(uint64_t seed);

/*
 * 'prefix' and the number in decimal digits.  The result stands in 'buf' of
 * BENCH_NAME bytes; printf() would take longer than what is measured.
 */
#define BENCH_NAME	64
extern HsBytes bench_name(char *buf, const char *prefix, uint64_t number);

/* Nanoseconds of CPU of this thread: not disturbed by who else runs. */
static inline uint64_t
bench_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t) t.tv_sec * 1000000000u + (uint64_t) t.tv_nsec;
}

#endif							/* ENGINE_BENCH_H */
