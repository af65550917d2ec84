/*
 * engine_bench.c
 *	  The engine without a server, for measurements.
 *
 * Locks take what an LWLock takes when it is free: one atomic instruction.
 * Who finds one taken yields.  The locks of the unit tests check their users, which
 * would be measured too.
 */
#define _GNU_SOURCE
#include "engine_bench.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "hot.h"
#include "kvstring.h"
#include "zset.h"

#define EXCLUSIVE	(1u << 31)

int64_t		bench_now = BENCH_NOW;

static uint64_t random_state = 88172645463325252u;
static uint8_t *map;
static size_t map_size;

/*
 * ---- port.h ----------------------------------------------------------------------
 */

static _Atomic uint32_t *
lock_state(HsLock *lock)
{
	return (_Atomic uint32_t *) lock;
}

void
hs_port_lock_init(HsLock *lock)
{
	atomic_store(lock_state(lock), 0);
}

bool
hs_port_trylock(HsLock *lock, HsLockMode mode)
{
	uint32_t	old = atomic_load_explicit(lock_state(lock), memory_order_relaxed);

	if (mode == HS_EXCLUSIVE ? old != 0 : old >= EXCLUSIVE)
		return false;
	return atomic_compare_exchange_strong(lock_state(lock), &old,
										  mode == HS_EXCLUSIVE ? EXCLUSIVE : old + 1);
}

void
hs_port_lock(HsLock *lock, HsLockMode mode)
{
	while (!hs_port_trylock(lock, mode))
		sched_yield();
}

void
hs_port_unlock(HsLock *lock)
{
	uint32_t	old = atomic_load_explicit(lock_state(lock), memory_order_relaxed);

	atomic_fetch_sub(lock_state(lock), old & EXCLUSIVE ? EXCLUSIVE : 1);
}

bool
hs_port_lock_held(HsLock *lock, HsLockMode mode)
{
	(void) lock;
	(void) mode;
	return true;
}

int64_t
hs_port_now(void)
{
	return bench_now;
}

bool
hs_port_interrupted(void)
{
	return false;
}

uint64_t
hs_port_random(void)
{
	return UINT64_C(0x9e3779b97f4a7c15);	/* the same key hashes each time */
}

/*
 * ---- The region ------------------------------------------------------------------
 */

void
bench_must(HsStatus status)
{
	if (status == HS_OK)
		return;
	fprintf(stderr, "benchmark: a command ended with status %d\n", (int) status);
	exit(1);
}

void
bench_region(size_t size)
{
	uint32_t	nkeyspaces = hs_region_keyspaces(size);

	if (map != NULL)
		munmap(map, map_size);
	map_size = size + hs_hot_size(nkeyspaces);
	map = mmap(NULL, map_size, PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
	{
		perror("mmap");
		exit(1);
	}
	bench_must(hs_region_init(map, size, bench_now));
	hs_hot_init(map + size, nkeyspaces);
}

void
bench_keyspace(HsHandle *h, uint32_t server, HsEviction eviction, uint64_t memory)
{
	HsKeyspaceOptions opts = {.memory = memory,.eviction = eviction};

	bench_must(hs_keyspace_open(1, server, &opts, h));
}

/*
 * ---- Commands --------------------------------------------------------------------
 */

bool
bench_again(HsOp *op, HsStatus status)
{
	if (status == HS_NO_MEMORY && hs_make_room(op->h, op->hash, op->need, bench_now))
		return true;
	bench_must(status);
	return false;
}

void
bench_set(HsHandle *h, HsBytes key, HsBytes value, int64_t expires_us)
{
	HsNewValue	v = {.bytes = value,.flags = HS_RF_TEXT};
	HsSetRule	rule = {.expires_us = expires_us};
	HsStatus	status;
	HsOp		op;

	do
	{
		bool		done;
		size_t		need;

		bench_must(hs_value_prepare(h, &v, HS_SEG_SIZE, &need));
		bench_must(hs_op_begin(&op, h, key, HS_EXCLUSIVE, bench_now));
		status = hs_string_set(&op, &v, &rule, NULL, &done);
		hs_op_end(&op);
		hs_value_discard(&v);
	} while (bench_again(&op, status));
}

void
bench_zadd(HsHandle *h, HsBytes key, HsBytes member, double score)
{
	HsZsetAdded out;
	HsStatus	status;
	HsOp		op;

	do
	{
		bench_must(hs_op_begin(&op, h, key, HS_EXCLUSIVE, bench_now));
		status = hs_zset_add(&op, member, score, 0, HS_NEVER, &out);
		hs_op_end(&op);
	} while (bench_again(&op, status));
}

/*
 * ---- Input -----------------------------------------------------------------------
 */

void
bench_seed(uint64_t seed)
{
	random_state = seed * UINT64_C(0x9fb21c651e98df25) | 1;
}

uint64_t
bench_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

HsBytes
bench_name(char *buf, const char *prefix, uint64_t number)
{
	char		digits[24];
	size_t		n = 0;
	size_t		at = 0;

	while (*prefix != '\0')
		buf[at++] = *prefix++;
	do
		digits[n++] = (char) ('0' + number % 10);
	while ((number /= 10) > 0);
	while (n > 0)
		buf[at++] = digits[--n];
	return hs_bytes(buf, at);
}
