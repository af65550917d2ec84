/*
 * flight.c
 *	  Single flight: one session runs a query, the others wait for it.
 *
 * A table of a few hundred flights under one lock, which is taken on misses only.  When it is
 * full a session computes without being waited for.  Flights end with the function
 * that began them, also by an error; the callbacks here are for sessions that are
 * terminated and for errors that nobody caught.
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "flight.h"
#include "glue.h"
#include "invalidate.h"
#include "wait.h"

#define NFLIGHTS	256
#define MAX_MINE	16			/* of one backend, one within the other */

typedef struct Flight
{
	uint64		id;				/* (l) 0: free */
	uint64		number;			/* (l) changes with each use */
	ConditionVariable over;		/* (a) */
} Flight;

/* (l) protected by 'lock' */
typedef struct Flights
{
	LWLock		lock;
	uint64		next_number;	/* (l) */
	Flight		flights[NFLIGHTS];
} Flights;

static Flights *shared = NULL;
static uint64 mine[MAX_MINE];
static int	nmine = 0;

static void end_all(void);
static void xact_callback(XactEvent event, void *arg);
static void at_exit(int code, Datum arg);

Size
hsg_flight_shmem_size(void)
{
	return sizeof(Flights);
}

void
hsg_flight_shmem_startup(void)
{
	bool		found;

	shared = ShmemInitStruct("hotset flights", sizeof(Flights), &found);
	if (found)
		return;
	memset(shared, 0, sizeof(Flights));
	LWLockInitialize(&shared->lock, hsg_lock_tranche);
	for (int i = 0; i < NFLIGHTS; i++)
		ConditionVariableInit(&shared->flights[i].over);
}

void
hsg_flight_install(void)
{
	RegisterXactCallback(xact_callback, NULL);
}

/* With the lock. */
static Flight *
find(uint64 id)
{
	for (int i = 0; i < NFLIGHTS; i++)
		if (shared->flights[i].id == id)
			return &shared->flights[i];
	return NULL;
}

bool
hsg_flight_is_mine(uint64 id)
{
	for (int i = 0; i < nmine; i++)
		if (mine[i] == id)
			return true;
	return false;
}

bool
hsg_flight_begin(uint64 id)
{
	static bool has_exit = false;
	Flight	   *f;
	bool		is_taken;

	if (!has_exit)
		before_shmem_exit(at_exit, (Datum) 0);
	has_exit = true;
	if (nmine == MAX_MINE)
		return true;
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	is_taken = find(id) != NULL;
	f = is_taken ? NULL : find(0);
	if (f != NULL)
	{
		f->id = id;
		f->number = ++shared->next_number;
		mine[nmine++] = id;
	}
	LWLockRelease(&shared->lock);
	return !is_taken;
}

void
hsg_flight_end(uint64 id)
{
	int			i = 0;
	Flight	   *f;

	while (i < nmine && mine[i] != id)
		i++;
	if (i == nmine)
		return;					/* it was not in the table */
	mine[i] = mine[--nmine];
	LWLockAcquire(&shared->lock, LW_EXCLUSIVE);
	f = find(id);
	f->id = 0;
	LWLockRelease(&shared->lock);
	ConditionVariableBroadcast(&f->over);
}

/* The number of the flight under way, or 0. */
static uint64
number_of(uint64 id, Flight **f)
{
	uint64		number = 0;

	LWLockAcquire(&shared->lock, LW_SHARED);
	*f = find(id);
	if (*f != NULL)
		number = (*f)->number;
	LWLockRelease(&shared->lock);
	return number;
}

bool
hsg_flight_wait(uint64 id, int64 timeout_us)
{
	static uint32 wait_event = 0;
	int64		until_us = hsg_wait_clock_us() + timeout_us;
	Flight	   *f;
	Flight	   *now;
	uint64		number = number_of(id, &f);
	bool		is_over = number == 0;

	if (is_over)
		return true;
	if (nmine > 0 || hsg_has_changes())
		return false;
	if (wait_event == 0)
		wait_event = hsg_wait_event("HotsetFetch");
	ConditionVariablePrepareToSleep(&f->over);
	while (!(is_over = number_of(id, &now) != number))
	{
		int64		left_us = until_us - hsg_wait_clock_us();

		if (left_us <= 0)
			break;
		(void) ConditionVariableTimedSleep(&f->over, (long) (left_us / 1000 + 1), wait_event);
	}
	ConditionVariableCancelSleep();
	return is_over;
}

static void
end_all(void)
{
	while (nmine > 0)
		hsg_flight_end(mine[nmine - 1]);
}

static void
xact_callback(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT && nmine > 0)
		end_all();
}

static void
at_exit(int code, Datum arg)
{
	end_all();
}
