/*
 * region.c
 *	  port.h over PostgreSQL: locks are LWLocks, time is its time, random bits are strong, and
 *	  a command is to give up when its statement is.
 *
 * An LWLock holds off interrupts until it is released, so nothing between
 * hs_op_begin() and hs_op_end() is ever cut short by a cancel; commands that ask
 * hs_port_interrupted() end by themselves.  Should
 * somebody raise an error there all the same, the server releases the locks but
 * does not repair the data.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lwlock.h"

#include "glue.h"

StaticAssertDecl(sizeof(LWLock) <= sizeof(HsLock), "HsLock has room for an LWLock");
StaticAssertDecl(HS_MAX_PARTS < 190, "a command may hold the locks of all partitions");

int			hsg_lock_tranche = 0;

static LWLockMode
lwlock_mode(HsLockMode mode)
{
	return mode == HS_SHARED ? LW_SHARED : LW_EXCLUSIVE;
}

void
hs_port_lock_init(HsLock *lock)
{
	LWLockInitialize((LWLock *) lock, hsg_lock_tranche);
}

void
hs_port_lock(HsLock *lock, HsLockMode mode)
{
	LWLockAcquire((LWLock *) lock, lwlock_mode(mode));
}

bool
hs_port_trylock(HsLock *lock, HsLockMode mode)
{
	return LWLockConditionalAcquire((LWLock *) lock, lwlock_mode(mode));
}

void
hs_port_unlock(HsLock *lock)
{
	LWLockRelease((LWLock *) lock);
}

bool
hs_port_lock_held(HsLock *lock, HsLockMode mode)
{
	return mode == HS_SHARED ? LWLockHeldByMe((LWLock *) lock) :
		LWLockHeldByMeInMode((LWLock *) lock, LW_EXCLUSIVE);
}

int64_t
hs_port_now(void)
{
	return hsg_now();
}

static bool is_deaf = false;

/* Only what raises; other interrupts are too frequent to begin anew for. */
bool
hs_port_interrupted(void)
{
	if (QueryCancelPending || ProcDiePending)
		return !is_deaf;
	is_deaf = false;
	return false;
}

void
hsg_interrupted(void)
{
	CHECK_FOR_INTERRUPTS();
	/* who calls us has put it off: go on to the end */
	is_deaf = QueryCancelPending || ProcDiePending;
}

uint64_t
hs_port_random(void)
{
	uint64_t	bits;

	if (!pg_strong_random(&bits, sizeof(bits)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not generate random bits")));
	return bits;
}
