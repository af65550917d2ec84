/*
 * invalidate.c
 *	  Transactions and cached results: snapshots for the engine, and
 *	  registering at commit.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/ipc.h"
#include "storage/procarray.h"
#include "storage/shmem.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"

#include "glue.h"
#include "invalidate.h"

#define HITS_AT_ONCE	64		/* that a backend keeps to itself */
#define REGISTER_CHECK	1024	/* registrations between looks for interrupts */

int			hsg_slots_setting = 16384;
bool		hsg_serializable_hits = false;
uint64		hsg_cache_pending[HSG_CACHE_NCOUNTS];

typedef struct Shared
{
	pg_atomic_uint64 sum[HSG_CACHE_NCOUNTS];	/* of what backends have counted */

	/*
	 * Transactions that are committing a change of a schema.  Others see them as ended some
	 * time before they are told, by invalidation messages, to forget what they know of the catalog.
	 */
	pg_atomic_uint32 ending;
} Shared;

static Shared *shared = NULL;

/*
 * Slots this transaction has touched, one bit each, or NULL; in its memory context.
 * A rolled back savepoint leaves its bits: they cost a miss, never more.
 */
uint64	   *hsg_touched = NULL;
static bool is_registered = false;	/* the transaction is about to commit */
static bool is_ending = false;	/* and counted in shared->ending */

static void xact_callback(XactEvent event, void *arg);
static void resource_callback(ResourceReleasePhase phase, bool is_commit, bool is_top, void *arg);
static void register_touched(void);
static void flush_counts(void);
static void flush_at_exit(int code, Datum arg);

/*
 * ---- Shared memory -------------------------------------------------------------
 */

static uint32_t
nslots(void)
{
	uint32_t	n = HS_LABEL_MIN_SLOTS;

	while (n < (uint32_t) hsg_slots_setting)
		n *= 2;
	return n;
}

Size
hsg_invalidate_shmem_size(void)
{
	return add_size(add_size(hs_labels_size(nslots()), PG_CACHE_LINE_SIZE), sizeof(Shared));
}

void
hsg_invalidate_shmem_startup(void)
{
	bool		found;
	void	   *labels = ShmemInitStruct("hotset labels", hs_labels_size(nslots()), &found);

	if (!found)
		hs_labels_init(labels, nslots(), (uint64_t) hsg_now());
	else if (!hs_labels_attach(labels))
		elog(FATAL, "the labels of hotset are damaged");
	shared = ShmemInitStruct("hotset cache counts", sizeof(Shared), &found);
	if (!found)
	{
		for (int i = 0; i < HSG_CACHE_NCOUNTS; i++)
			pg_atomic_init_u64(&shared->sum[i], 0);
		pg_atomic_init_u32(&shared->ending, 0);
	}
}

void
hsg_invalidate_install(void)
{
	RegisterXactCallback(xact_callback, NULL);
	RegisterResourceReleaseCallback(resource_callback, NULL);
}

/*
 * ---- Snapshots -----------------------------------------------------------------
 */

static bool is_started = false; /* as far as this process knows */

void
hsg_invalidate_start(void)
{
	if (is_started || RecoveryInProgress())
		return;
	hs_labels_start(U64FromFullTransactionId(ReadNextFullTransactionId()));
	is_started = true;
}

/* Ids of a snapshot lie within 2^31 of the next one. */
static inline uint64
widen(TransactionId xid, uint64 next)
{
	return next + (int64) (int32) (xid - (TransactionId) next);
}

void
hsg_snapshot(HsSnapshot *out)
{
	Snapshot	s = ActiveSnapshotSet() ? GetActiveSnapshot() : NULL;
	uint64		next;

	out->usable = s != NULL && s->snapshot_type == SNAPSHOT_MVCC && !s->takenDuringRecovery;
	if (!out->usable)
		return;
	if (unlikely(!is_started))
		hsg_invalidate_start();
	next = hsg_next_full_xid();
	out->xmin = widen(s->xmin, next);
	out->xmax = widen(s->xmax, next);
	out->xip = s->xip;
	out->nxip = s->xcnt;
}

uint64
hsg_schema_label(const HsSnapshot *s)
{
	uint32_t	slot = hsg_schema_slot();
	uint64		label = hs_label_of_all(s, slot);
	HsSnapshot	now;

	if (label != HS_NO_LABEL || !s->usable || IsInParallelMode())
		return label;
	/* what it does not see has been committed, or not yet */
	PushActiveSnapshot(GetLatestSnapshot());
	hsg_snapshot(&now);
	label = hs_label(&now, slot);
	PopActiveSnapshot();
	return hs_label(s, slot) == label ? label : HS_NO_LABEL;
}

uint64
hsg_schema_settle(const HsSnapshot *s)
{
	uint64		label = hsg_schema_label(s);

	/* who has ended before the label was taken is still counted, or has told everybody */
	pg_memory_barrier();
	if (pg_atomic_read_u32(&shared->ending) != 0)
		return HS_NO_LABEL;
	AcceptInvalidationMessages();
	return label;
}

/*
 * ---- Touching ------------------------------------------------------------------
 */

uint32_t
hsg_schema_slot(void)
{
	return hs_label_schema_slot(MyDatabaseId);
}

bool
hsg_has_changes(void)
{
	return TransactionIdIsValid(GetTopTransactionIdIfAny()) && !HS_BROKEN(HS_BREAK_CHANGES);
}

/* Later than this transaction: nobody can see it yet. */
static bool
xact_has_ended(uint64_t xid)
{
	return !TransactionIdIsInProgress((TransactionId) xid);
}

static uint64_t
next_xid(void)
{
	return U64FromFullTransactionId(ReadNextFullTransactionId());
}

static void
register_slot(uint32_t slot)
{
	static const HsXactOps ops = {xact_has_ended, next_xid};

	if (slot >= hs_labels_nslots())
		hsg_schema_ending();
	hs_label_register(slot, U64FromFullTransactionId(GetTopFullTransactionId()), &ops);
	hsg_cache_count(HSG_CACHE_INVALIDATIONS);
}

/* Make sure that this transaction may invalidate, and has where to note it. */
static void
prepare_to_touch(void)
{
	hsg_require_preload();
	PreventCommandIfReadOnly("kv_invalidate()");
	PreventCommandDuringRecovery("kv_invalidate()");
	PreventCommandIfParallelMode("kv_invalidate()");
	if (HistoricSnapshotActive())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				 errmsg("cannot invalidate cached results during logical decoding")));
	(void) GetTopTransactionId();
	if (hsg_touched == NULL)
		hsg_touched = MemoryContextAllocZero(TopTransactionContext, hs_labels_total() / 8);
}

static void
touch_slot(uint32_t slot)
{
	if ((hsg_touched[slot / 64] >> (slot % 64) & 1) != 0)
		return;
	hsg_touched[slot / 64] |= UINT64CONST(1) << (slot % 64);
	if (is_registered)
		register_slot(slot);	/* by something else that runs before the commit */
}

void
hsg_touch(HsgNameKind kind, HsBytes name)
{
	prepare_to_touch();
	touch_slot(hsg_slot(kind, name));
}

void
hsg_touch_schema(void)
{
	prepare_to_touch();
	touch_slot(hsg_schema_slot());
}

void
hsg_touch_all_schemas(void)
{
	prepare_to_touch();
	for (uint32_t slot = hs_labels_nslots(); slot < hs_labels_total(); slot++)
		touch_slot(slot);
}

void
hsg_schema_ending(void)
{
	/* a full barrier, as is its end */
	if (!is_ending)
		pg_atomic_fetch_add_u32(&shared->ending, 1);
	is_ending = true;
}

/*
 * Before the commit record, when this can still fail.  An abort afterwards leaves
 * registrations of a transaction that changed nothing, which cost a miss.
 */
static void
register_touched(void)
{
	uint32_t	words = hs_labels_total() / 64;
	unsigned	n = 0;

	for (uint32_t w = 0; w < words; w++)
	{
		for (uint64 bits = hsg_touched[w]; bits != 0; bits &= bits - 1)
		{
			register_slot(w * 64 + (uint32_t) __builtin_ctzll(bits));
			if (++n % REGISTER_CHECK == 0)
				CHECK_FOR_INTERRUPTS();
		}
	}
}

static void
xact_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			is_registered = true;
			if (hsg_touched != NULL && !HS_BROKEN(HS_BREAK_REGISTER))
				register_touched();
			break;
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
			break;
		case XACT_EVENT_COMMIT:
			if (hsg_touched != NULL && HS_BROKEN(HS_BREAK_REGISTER))
				register_touched();
			/* FALLTHROUGH */
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PARALLEL_ABORT:
			hsg_touched = NULL;
			is_registered = false;
			flush_counts();
			break;
	}
}

/* The first event of the end of a transaction that comes after its invalidation messages. */
static void
resource_callback(ResourceReleasePhase phase, bool is_commit, bool is_top, void *arg)
{
	if (phase != RESOURCE_RELEASE_AFTER_LOCKS || !is_top || !is_ending)
		return;
	is_ending = false;
	pg_atomic_fetch_sub_u32(&shared->ending, 1);
}

/*
 * ---- Counting ------------------------------------------------------------------
 */

/* A transaction that only hits goes without shared memory, but for some of them. */
static void
flush_counts(void)
{
	static bool flushes_at_exit = false;
	uint64		others = 0;

	for (int i = HSG_CACHE_HITS + 1; i < HSG_CACHE_NCOUNTS; i++)
		others |= hsg_cache_pending[i];
	if (shared != NULL && (others != 0 || hsg_cache_pending[HSG_CACHE_HITS] >= HITS_AT_ONCE))
		hsg_cache_counts(NULL);
	else if (hsg_cache_pending[HSG_CACHE_HITS] != 0 && !flushes_at_exit)
	{
		flushes_at_exit = true;
		before_shmem_exit(flush_at_exit, (Datum) 0);
	}
}

static void
flush_at_exit(int code, Datum arg)
{
	hsg_cache_counts(NULL);
}

void
hsg_cache_counts(uint64 *out)
{
	for (int i = 0; i < HSG_CACHE_NCOUNTS; i++)
	{
		if (hsg_cache_pending[i] != 0)
			pg_atomic_fetch_add_u64(&shared->sum[i], (int64) hsg_cache_pending[i]);
		hsg_cache_pending[i] = 0;
		if (out != NULL)
			out[i] = pg_atomic_read_u64(&shared->sum[i]);
	}
}

void
hsg_cache_counts_reset(void)
{
	memset(hsg_cache_pending, 0, sizeof(hsg_cache_pending));
	for (int i = 0; i < HSG_CACHE_NCOUNTS; i++)
		pg_atomic_write_u64(&shared->sum[i], 0);
}
