/*
 * worker.c
 *	  The background worker: removes what has expired, frees what was dropped
 *	  in slices, and reclaims ahead of need.
 *
 * Nothing depends on it but when memory comes back: readers check expiry
 * themselves and writers make room themselves.  It is connected to no database,
 * so it never stands in the way of DROP DATABASE or CREATE DATABASE.
 *
 * A round visits every partition of every keyspace and uses at most its share of
 * hotset.worker_interval as CPU time; the next round goes on where it ended.  Rounds
 * that find nothing become rarer, up to IDLE_MAX_MS, but never sleep beyond the
 * next expiry they know of.
 *
 * What it did not use of its share it may use later, when more expires at once: then
 * rounds follow each other BURST times as fast until that is spent.  A million keys
 * that expire in one second take 0.2 s of CPU, which are two seconds at a tenth.
 */
#include "postgres.h"

#include <time.h>

#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/procsignal.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"

#include "glue.h"
#include "invalidate.h"

#define RESTART_SECONDS		5
#define IDLE_MAX_MS			2000
#define BURST				4
#define SAVED_ROUNDS		50		/* shares of rounds that can be saved up */
#define SWEEP_INTERVAL_US	INT64CONST(60000000)
#define US_PER_MS			1000

/* Where a round stands. */
typedef struct Round
{
	uint32_t	slot;			/* keyspace that is next */
	int64_t		end_cpu_us;		/* CPU time at which the budget is spent */
	int64_t		saved_us;		/* CPU time not used so far; below 0: too much was */
	int64_t		last_us;		/* when that was counted */
	int64_t		next_expiry_us; /* earliest one seen */
	bool		more;			/* some partition has more to do right now */
} Round;

extern PGDLLEXPORT void hotset_worker_main(Datum arg);

static void worker_init(void);
static void worker_gone(int code, Datum arg);
static void handle_interrupts(void);
static int64_t cpu_us(void);
static int64_t share_us(void);
static void save_share(Round *round);
static bool round_run(Round *round);
static bool keyspace_work(HsHandle *h, Round *round);
static bool nap(long timeout_ms, uint32 wait_event);
static long sleep_ms(const Round *round, long idle_ms);
static void sweep_if_due(void);

void
hsg_worker_register(void)
{
	BackgroundWorker worker;

	memset(&worker, 0, sizeof(worker));
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_ConsistentState;
	worker.bgw_restart_time = RESTART_SECONDS;
	snprintf(worker.bgw_library_name, sizeof(worker.bgw_library_name), "hotset");
	snprintf(worker.bgw_function_name, sizeof(worker.bgw_function_name), "hotset_worker_main");
	snprintf(worker.bgw_name, sizeof(worker.bgw_name), "hotset worker");
	snprintf(worker.bgw_type, sizeof(worker.bgw_type), "hotset worker");
	RegisterBackgroundWorker(&worker);
}

void
hsg_worker_wake(void)
{
	Latch	   *latch = hsg_shared->worker_latch;

	if (latch != NULL)
		SetLatch(latch);
}

void
hotset_worker_main(Datum arg)
{
	uint32		wait_event;
	long		idle_ms = 0;
	Round		round = {0};

	worker_init();
	wait_event = hsg_wait_event("HotsetWorkerMain");
	for (;;)
	{
		ResetLatch(MyLatch);
		handle_interrupts();
		sweep_if_due();
		hsg_invalidate_start();
		if (round_run(&round))
			idle_ms = hsg_worker_interval_ms;
		else
			idle_ms = Min(Max(idle_ms * 2, hsg_worker_interval_ms),
						  Max(IDLE_MAX_MS, hsg_worker_interval_ms));
		if (nap(sleep_ms(&round, idle_ms), wait_event))
			idle_ms = 0;
	}
}

/*
 * Sleep; true if something other than time ended it.  Only a sleep longer than
 * the interval can be cut short by hsg_worker_wake(), or frequent calls would
 * push the worker over its budget.
 */
static bool
nap(long timeout_ms, uint32 wait_event)
{
	int			events;

	if (timeout_ms > hsg_worker_interval_ms)
		hsg_shared->worker_latch = MyLatch;
	events = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
					   timeout_ms, wait_event);
	hsg_shared->worker_latch = NULL;
	return (events & WL_LATCH_SET) != 0;
}

static void
worker_init(void)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	/* no database, but that is what makes it visible in pg_stat_activity */
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	before_shmem_exit(worker_gone, (Datum) 0);
}

static void
worker_gone(int code, Datum arg)
{
	hsg_shared->worker_latch = NULL;
}

/*
 * Exit code 1 makes the postmaster start it again unless the server is shutting
 * down: somebody may have terminated just this process.
 */
static void
handle_interrupts(void)
{
	if (ShutdownRequestPending)
		proc_exit(1);
	if (ProcSignalBarrierPending)
		ProcessProcSignalBarrier();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
	CHECK_FOR_INTERRUPTS();
}

/*
 * CPU time of this process: on a busy machine, where it waits for its turn, the
 * clock would eat up the budget before anything was done.
 */
static int64_t
cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t) t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* CPU time of one round. */
static int64_t
share_us(void)
{
	return Max((int64_t) hsg_worker_interval_ms * US_PER_MS * hsg_worker_cpu_percent / 100, 200);
}

/* The share of the time since the last round is added to what was saved. */
static void
save_share(Round *round)
{
	int64_t		now_us = hsg_now();
	int64_t		longest_us = (int64_t) SAVED_ROUNDS * hsg_worker_interval_ms * US_PER_MS;
	int64_t		passed_us = Min(Max(now_us - round->last_us, 0), longest_us);

	round->last_us = now_us;
	round->saved_us = Min(round->saved_us + passed_us * hsg_worker_cpu_percent / 100,
						  SAVED_ROUNDS * share_us());
}

/*
 * Visit keyspaces until all were visited once or the budget is spent.  True if
 * there was anything to do.
 */
static bool
round_run(Round *round)
{
	int64_t		begin_cpu_us = cpu_us();
	bool		busy = false;
	uint32_t	visited = 0;

	save_share(round);
	round->end_cpu_us = begin_cpu_us + share_us();
	round->next_expiry_us = HS_NEVER;
	round->more = false;
	while (visited < HS_MAX_KEYSPACES)
	{
		uint32_t	db;
		uint32_t	server;
		bool		used;
		HsHandle	h;

		if (!hs_keyspace_slot(round->slot, &used, &db, &server, &h))
		{
			if (round->slot == 0)
				break;
			round->slot = 0;
			continue;
		}
		round->slot++;
		visited++;
		if (!used)
			continue;
		if (keyspace_work(&h, round))
			busy = true;
		if (cpu_us() >= round->end_cpu_us)
		{
			round->more = true;
			break;
		}
	}
	round->saved_us = Max(round->saved_us - (cpu_us() - begin_cpu_us), -share_us());
	return busy;
}

/*
 * One slice for each partition, then more for those that asked for more, as long
 * as the budget lasts.
 */
static bool
keyspace_work(HsHandle *h, Round *round)
{
	bool		wants_more[HS_MAX_PARTS];
	bool		busy = false;
	bool		again = true;

	memset(wants_more, true, sizeof(wants_more));
	while (again)
	{
		again = false;
		for (uint32_t part = 0; part < h->nparts; part++)
		{
			int64_t		now_us = hsg_now();

			handle_interrupts();
			if (!wants_more[part])
				continue;
			wants_more[part] = hs_work(h, part, now_us);
			if (wants_more[part])
				busy = again = true;
		}
		if (again && cpu_us() >= round->end_cpu_us)
		{
			round->more = true;
			break;
		}
	}
	for (uint32_t part = 0; part < h->nparts; part++)
		round->next_expiry_us = Min(round->next_expiry_us, hs_next_expiry(h, part));
	return busy;
}

/*
 * A round that was cut short has spent its share of the interval; the rest of
 * the interval, or less if an earlier share was not spent, is sleep.
 */
static long
sleep_ms(const Round *round, long idle_ms)
{
	int64_t		until_expiry_ms;

	if (round->more)
		return round->saved_us < share_us() ? hsg_worker_interval_ms :
			Max(hsg_worker_interval_ms / BURST, 1);
	if (round->next_expiry_us == HS_NEVER)
		return idle_ms;
	until_expiry_ms = (round->next_expiry_us - hsg_now()) / US_PER_MS + 1;
	return (long) Max(Min(until_expiry_ms, idle_ms), hsg_worker_interval_ms);
}

/*
 * On a primary the session that drops a database gives its keyspaces back.
 * A standby only sees the database go.
 */
static void
sweep_if_due(void)
{
	static int64_t next_sweep_us = 0;
	int64_t		now_us = hsg_now();

	if (now_us < next_sweep_us && next_sweep_us - now_us <= SWEEP_INTERVAL_US)
		return;
	next_sweep_us = now_us + SWEEP_INTERVAL_US;
	if (!RecoveryInProgress())
		return;
	StartTransactionCommand();
	hsg_sweep_databases();
	CommitTransactionCommand();
}
