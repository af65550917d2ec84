/*
 * flight.h
 *	  Single flight: one session runs a query, the others that miss the same key
 *	  wait for it a bounded time.
 *
 * A flight is a wish, not a lock: who waited in vain computes for itself, and nothing
 * depends on there being only one.
 */
#ifndef HSG_FLIGHT_H
#define HSG_FLIGHT_H

#include "hotset.h"

/* Begin to compute what 'id' stands for; false if somebody else does. */
extern bool hsg_flight_begin(uint64 id);
extern void hsg_flight_end(uint64 id);
/* Is it this backend that computes it, further up? */
extern bool hsg_flight_is_mine(uint64 id);

/*
 * Wait until nobody computes it any more; false if that took longer than
 * timeout_us.  May be interrupted.  At once, and false, in a transaction that others
 * could wait for: one with an id, or that computes something itself.
 */
extern bool hsg_flight_wait(uint64 id, int64 timeout_us);

extern void hsg_flight_install(void);
extern Size hsg_flight_shmem_size(void);
extern void hsg_flight_shmem_startup(void);

#endif							/* HSG_FLIGHT_H */
