/*
 * port.h
 *	  All the engine asks of the outside: locks, random bits, the time, and whether to go on.
 *
 * Memory comes in one piece from the caller of hs_region_init(); time arrives
 * as an argument of each command, or is asked for by one that was told to (HS_CLOCK_LATER).
 * Implemented over LWLocks in src/pg/region.c and over process-shared rwlocks in test/unit/port_test.c, chosen by the
 * linker.
 */
#ifndef HS_PORT_H
#define HS_PORT_H

#include <stdbool.h>
#include <stdint.h>

/* Room for a lock of the platform; lives in shared memory. */
typedef struct HsLock
{
	uint64_t	opaque[8];
} HsLock;

typedef enum HsLockMode
{
	HS_SHARED,
	HS_EXCLUSIVE
} HsLockMode;

extern void hs_port_lock_init(HsLock *lock);
extern void hs_port_lock(HsLock *lock, HsLockMode mode);
extern bool hs_port_trylock(HsLock *lock, HsLockMode mode);
extern void hs_port_unlock(HsLock *lock);

/* Only for assertions; implementations that cannot tell return true. */
extern bool hs_port_lock_held(HsLock *lock, HsLockMode mode);

/* Microseconds since 2000-01-01 UTC.  Called with locks held. */
extern int64_t hs_port_now(void);

/*
 * Should the command give up?  Asked now and then, with locks held, by commands whose work is not
 * bounded by what they store; they change nothing before they have asked for the last time,
 * and end with HS_INTERRUPTED.  Once true it stays so until they have ended.
 */
extern bool hs_port_interrupted(void);

/* 64 unpredictable bits; called once, when the region is created. */
extern uint64_t hs_port_random(void);

#endif							/* HS_PORT_H */
