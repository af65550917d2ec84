/*
 * port_test.c
 *	  port.h for programs without a server: process-shared rwlocks of pthread.
 *
 * Each thread remembers what it holds, so a lock taken twice, released without
 * being held, or taken while the leaf lock is held ends the program.
 * Writers go first, as a waiting writer of a server's lock would
 * hold up new readers; it also turns a recursive shared lock into a failure.
 */
#define _GNU_SOURCE
#include "port_test.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "region.h"

#define MAX_HELD	256			/* all partitions and some more */

typedef struct Held
{
	HsLock	   *lock;
	HsLockMode	mode;
} Held;

static_assert(sizeof(pthread_rwlock_t) <= sizeof(HsLock), "a rwlock fits into HsLock");

static _Thread_local Held held[MAX_HELD];
static _Thread_local int nheld;
static uint64_t random_state = 1;
/* of hs_port_interrupted(), until it says yes; negative: it never does */
static int	questions_left = -1;

static void
complain(const char *what)
{
	fprintf(stderr, "port_test: %s\n", what);
	abort();
}

static int
find_held(const HsLock *lock)
{
	for (int i = nheld - 1; i >= 0; i--)
		if (held[i].lock == lock)
			return i;
	return -1;
}

/* The order of locks: keyspace table, partitions, region; the last is a leaf. */
static void
check_order(const HsLock *lock)
{
	if (find_held(lock) >= 0)
		complain("lock taken twice");
	if (nheld == MAX_HELD)
		complain("too many locks");
	if (hs_region == NULL || nheld == 0)
		return;
	if (find_held(&hs_region->lock) >= 0)
		complain("lock taken under the region lock, which is a leaf");
	if (lock == &hs_region->keyspace_lock)
		complain("keyspace lock taken under another lock");
}

static void
remember(HsLock *lock, HsLockMode mode)
{
	held[nheld].lock = lock;
	held[nheld].mode = mode;
	nheld++;
}

void
hs_port_lock_init(HsLock *lock)
{
	pthread_rwlockattr_t attr;

	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	if (pthread_rwlock_init((pthread_rwlock_t *) lock, &attr) != 0)
		complain("cannot initialise a lock");
	pthread_rwlockattr_destroy(&attr);
}

void
hs_port_lock(HsLock *lock, HsLockMode mode)
{
	pthread_rwlock_t *rw = (pthread_rwlock_t *) lock;
	int			rc;

	check_order(lock);
	rc = mode == HS_EXCLUSIVE ? pthread_rwlock_wrlock(rw) : pthread_rwlock_rdlock(rw);
	if (rc != 0)
		complain("cannot take a lock");
	remember(lock, mode);
}

bool
hs_port_trylock(HsLock *lock, HsLockMode mode)
{
	pthread_rwlock_t *rw = (pthread_rwlock_t *) lock;
	int			rc;

	if (find_held(lock) >= 0)
		complain("lock tried while held");
	rc = mode == HS_EXCLUSIVE ? pthread_rwlock_trywrlock(rw) : pthread_rwlock_tryrdlock(rw);
	if (rc == EBUSY)
		return false;
	if (rc != 0)
		complain("cannot try a lock");
	remember(lock, mode);
	return true;
}

void
hs_port_unlock(HsLock *lock)
{
	int			i = find_held(lock);

	if (i < 0)
		complain("lock released that is not held");
	held[i] = held[--nheld];
	if (pthread_rwlock_unlock((pthread_rwlock_t *) lock) != 0)
		complain("cannot release a lock");
}

bool
hs_port_lock_held(HsLock *lock, HsLockMode mode)
{
	int			i = find_held(lock);

	return i >= 0 && (held[i].mode == HS_EXCLUSIVE || mode == HS_SHARED);
}

int64_t
hs_port_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return ((int64_t) now.tv_sec - 946684800) * 1000000 + now.tv_nsec / 1000;
}

bool
hs_port_interrupted(void)
{
	if (questions_left > 0)
		questions_left--;
	return questions_left == 0;
}

void
port_interrupt_after(int questions)
{
	questions_left = questions;
}

int
port_questions_left(void)
{
	return questions_left;
}

uint64_t
hs_port_random(void)
{
	uint64_t	z = (random_state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

int
port_locks_held(void)
{
	return nheld;
}

void
port_forget_locks(void)
{
	nheld = 0;
}

void
port_seed(uint64_t seed)
{
	random_state = seed;
}
