/*
 * wait.c
 *	  Queues of backends that wait for keys.
 *
 * Every backend owns HSG_WAIT_KEYS places in shared memory.  A place that is
 * taken stands in a list with the others of its bucket, in order of arrival;
 * buckets are chosen by the id of the key, so the queue of one key is those
 * places of the list that have its id.
 *
 * No wakeup is lost: who waits takes its places first and looks at the key then,
 * under the partition's lock; who fills the key changes it under that lock
 * first and looks for places then.  Whichever came first, the other sees it.
 *
 * Turns are kept as long as those who have one use it: who was woken and has not
 * looked for a second, a stopped process say, is passed over until he does.
 *
 * The lock here is the last one taken and held for a walk of one list.  A
 * wakeup is no promise: whoever wakes up looks for itself.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "pgstat.h"
#include "portability/instr_time.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"

#include "../engine/index.h"
#include "glue.h"
#include "wait.h"

#define BUCKETS		1024		/* a power of two */
#define NONE		(-1)
#define US_PER_MS	1000
#define OVERDUE_US	INT64CONST(1000000)

typedef struct Place
{
	uint64		id;				/* (l) of the key */
	int32		next;			/* (l) in the bucket, NONE at the end */
	int32		prev;			/* (l) */
	pg_atomic_uint64 woken_us;	/* (a) when, and its owner has not looked since; or 0 */
} Place;

/* (l) protected by 'lock'  (a) atomic */
typedef struct Queues
{
	pg_atomic_uint32 taken;		/* (a) places, changed under the lock */
	LWLock		lock;
	int32		first[BUCKETS]; /* (l) */
	int32		last[BUCKETS];	/* (l) */
	Place		places[FLEXIBLE_ARRAY_MEMBER];	/* HSG_WAIT_KEYS for each backend */
} Queues;

pg_atomic_uint32 *hsg_wait_places = NULL;

static Queues *queues = NULL;
static int	my_places = 0;		/* that this backend has taken */

static inline int
my_first_place(void)
{
	return (int) (MyProc - ProcGlobal->allProcs) * HSG_WAIT_KEYS;
}

static inline int
bucket_of(uint64 id)
{
	return (int) (id & (BUCKETS - 1));
}

static inline void
wake_owner(int32 place)
{
	uint64		never = 0;

	(void) pg_atomic_compare_exchange_u64(&queues->places[place].woken_us, &never,
										  (uint64) hsg_wait_clock_us());
	SetLatch(&ProcGlobal->allProcs[place / HSG_WAIT_KEYS].procLatch);
}

/* The first place of the queue whose owner is awake, or NONE. */
static int32
queue_head(uint64 id)
{
	int64_t		now_us = hsg_wait_clock_us();
	int32		place;

	for (place = queues->first[bucket_of(id)]; place != NONE; place = queues->places[place].next)
	{
		Place	   *p = &queues->places[place];
		int64_t		woken_us = (int64_t) pg_atomic_read_u64(&p->woken_us);

		if (p->id == id && (woken_us == 0 || now_us - woken_us < OVERDUE_US))
			break;
	}
	return place;
}

/*
 * ---- Filling a key -----------------------------------------------------------
 */

uint64_t
hsg_wait_id(HsHandle *h, HsBytes key)
{
	/* generations of different keyspaces may be equal, addresses at one time not */
	uint64		keyspace = (uint64) (uintptr_t) h->ks ^ (h->generation << 48);

	return hs_hash(key) ^ keyspace * UINT64CONST(0x9e3779b97f4a7c15);
}

void
hsg_wait_wake(HsHandle *h, HsBytes key)
{
	uint64		id = hsg_wait_id(h, key);
	int32		head;

	/* most of those who wait do so for another key */
	if (*(volatile int32 *) &queues->first[bucket_of(id)] == NONE)
		return;
	LWLockAcquire(&queues->lock, LW_SHARED);
	head = queue_head(id);
	if (head != NONE)
		wake_owner(head);
	LWLockRelease(&queues->lock);
}

void
hsg_wait_wake_all(void)
{
	if (queues == NULL || pg_atomic_read_u32(&queues->taken) == 0)
		return;
	LWLockAcquire(&queues->lock, LW_SHARED);
	for (int i = 0; i < BUCKETS; i++)
	{
		for (int32 place = queues->first[i]; place != NONE; place = queues->places[place].next)
			wake_owner(place);
	}
	LWLockRelease(&queues->lock);
}

/*
 * ---- Waiting -------------------------------------------------------------------
 */

void
hsg_wait_enqueue(const uint64_t *ids, int n)
{
	int			first = my_first_place();

	Assert(my_places == 0 && n <= HSG_WAIT_KEYS);
	LWLockAcquire(&queues->lock, LW_EXCLUSIVE);
	for (int i = 0; i < n; i++)
	{
		Place	   *p = &queues->places[first + i];
		int			bucket = bucket_of(ids[i]);

		p->id = ids[i];
		pg_atomic_write_u64(&p->woken_us, 0);
		p->next = NONE;
		p->prev = queues->last[bucket];
		if (p->prev == NONE)
			queues->first[bucket] = first + i;
		else
			queues->places[p->prev].next = first + i;
		queues->last[bucket] = first + i;
	}
	my_places = n;
	pg_atomic_fetch_add_u32(&queues->taken, n);
	LWLockRelease(&queues->lock);
}

void
hsg_wait_leave(void)
{
	int			first = my_first_place();

	if (my_places == 0)
		return;
	LWLockAcquire(&queues->lock, LW_EXCLUSIVE);
	for (int i = 0; i < my_places; i++)
	{
		Place	   *p = &queues->places[first + i];
		int			bucket = bucket_of(p->id);

		if (p->prev == NONE)
			queues->first[bucket] = p->next;
		else
			queues->places[p->prev].next = p->next;
		if (p->next == NONE)
			queues->last[bucket] = p->prev;
		else
			queues->places[p->next].prev = p->prev;
	}
	/* it may have been woken for something that it leaves to the next */
	for (int i = 0; i < my_places; i++)
	{
		int32		head = queue_head(queues->places[first + i].id);

		if (head != NONE)
			wake_owner(head);
	}
	pg_atomic_fetch_sub_u32(&queues->taken, my_places);
	my_places = 0;
	LWLockRelease(&queues->lock);
}

void
hsg_wait_turns(const uint64_t *ids, int n, bool *turns)
{
	int			first = my_first_place();

	LWLockAcquire(&queues->lock, LW_SHARED);
	for (int i = 0; i < my_places; i++)
		pg_atomic_write_u64(&queues->places[first + i].woken_us, 0);
	for (int i = 0; i < n; i++)
	{
		int32		head = queue_head(ids[i]);

		turns[i] = head == NONE || head / HSG_WAIT_KEYS == first / HSG_WAIT_KEYS;
	}
	LWLockRelease(&queues->lock);
}

int64_t
hsg_wait_clock_us(void)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	return (int64_t) INSTR_TIME_GET_MICROSEC(now);
}

void
hsg_wait_sleep(int64_t until_us)
{
	static uint32 wait_event = 0;
	int64_t		left_ms = (until_us - hsg_wait_clock_us() + US_PER_MS - 1) / US_PER_MS;

	if (wait_event == 0)
		wait_event = hsg_wait_event("HotsetKey");
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					 (long) Max(Min(left_ms, INT_MAX), 0), wait_event);
	ResetLatch(MyLatch);
}

/*
 * ---- Shared memory -------------------------------------------------------------
 */

Size
hsg_wait_shmem_size(void)
{
	return add_size(offsetof(Queues, places),
					mul_size(sizeof(Place), mul_size(MaxBackends, HSG_WAIT_KEYS)));
}

void
hsg_wait_shmem_startup(void)
{
	bool		found;

	queues = ShmemInitStruct("hotset queues", hsg_wait_shmem_size(), &found);
	hsg_wait_places = &queues->taken;
	if (found)
		return;
	pg_atomic_init_u32(&queues->taken, 0);
	LWLockInitialize(&queues->lock, hsg_shared->tranche_id);
	for (int i = 0; i < BUCKETS; i++)
		queues->first[i] = queues->last[i] = NONE;
	for (int i = 0; i < MaxBackends * HSG_WAIT_KEYS; i++)
		pg_atomic_init_u64(&queues->places[i].woken_us, 0);
}
