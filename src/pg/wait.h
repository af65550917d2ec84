/*
 * wait.h
 *	  Waiting, without a lock, until a key has something to take.
 *
 * One who waits (bzpopmin) stands in a queue for each of its keys; the queues
 * are served in order of arrival.  One who fills a key says so, which costs a
 * read of a counter while nobody waits at all, and wakes the first in the queue.
 * Whoever leaves a queue, for whatever reason, wakes the next.
 */
#ifndef HSG_WAIT_H
#define HSG_WAIT_H

#include "hotset.h"

#include "port/atomics.h"

#define HSG_WAIT_KEYS	64		/* keys that one call can wait for */

/*
 * ---- Filling a key -----------------------------------------------------------
 */

/* Places in all queues that are taken. */
extern pg_atomic_uint32 *hsg_wait_places;

extern void hsg_wait_wake(HsHandle *h, HsBytes key);

/*
 * After a command that may have made the key non-empty, with its lock released.
 * Never raises.
 */
static inline void
hsg_wait_notify(HsHandle *h, HsBytes key)
{
	if (unlikely(pg_atomic_read_u32(hsg_wait_places) != 0))
		hsg_wait_wake(h, key);
}

/* Everyone who waits looks again: a keyspace may be gone.  Never raises. */
extern void hsg_wait_wake_all(void);

/*
 * ---- Waiting -------------------------------------------------------------------
 * enqueue, then, until there is something to take or no time is left: take from
 * those keys where it is this backend's turn, else sleep.  Leave in any
 * case, also after an error (PG_ENSURE_ERROR_CLEANUP).
 */

/* What the queue of a key is known by. */
extern uint64_t hsg_wait_id(HsHandle *h, HsBytes key);

/* Queue up behind those who wait for any of these keys; n <= HSG_WAIT_KEYS. */
extern void hsg_wait_enqueue(const uint64_t *ids, int n);
extern void hsg_wait_leave(void);

/*
 * Set turns[i] for the keys whose queue has nobody in front of this backend, or
 * only those who have not looked for long.  A turn is worth taking at once.
 */
extern void hsg_wait_turns(const uint64_t *ids, int n, bool *turns);

/* Microseconds on a clock that nobody sets. */
extern int64_t hsg_wait_clock_us(void);

/* Sleep until woken, at most until that time on that clock. */
extern void hsg_wait_sleep(int64_t until_us);

/*
 * ---- Shared memory (for shmem.c) ---------------------------------------------------
 */
extern Size hsg_wait_shmem_size(void);
extern void hsg_wait_shmem_startup(void);

#endif							/* HSG_WAIT_H */
