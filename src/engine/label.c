/*
 * label.c
 *	  Which committed changes a snapshot sees, as one number.
 */
#include "label.h"

#include <assert.h>
#include <stdatomic.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define MAGIC		UINT64_C(0x314c424c54534f48)	/* "HOSTLBL1" */
#define NLOCKS		256
#define REMEMBERED	5			/* registrations of a slot */
#define UNKNOWN		UINT64_MAX	/* since when it is seen by all */
#define MAX_LOOKS	8			/* at a transaction about to be forgotten */

typedef struct Registration
{
	uint64_t	xid;			/* (s) */
	_Atomic uint64_t end;		/* (a) snapshots with a larger xmax see it */
} Registration;

/*
 * In shared memory.  (s) lock of the slot: shared reads, exclusive writes
 * (a) the same, but whoever has the lock shared may replace UNKNOWN: all who know know
 * something true  (f) as s, and read without the lock by label_fast()
 */
typedef struct Slot
{
	_Atomic uint64_t count;		/* (f) registrations so far: the number of the last */
	_Atomic uint64_t max_xid;	/* (f) largest id ever registered; written before count */
	_Atomic uint64_t known_at;	/* (f) at this count no end was unknown; lock shared is enough */
	uint64_t	floor_xid;		/* (s) largest id forgotten, 0 if none */
	_Atomic uint64_t floor_end; /* (a) snapshots with a larger xmax see all forgotten ones */
	uint32_t	n;				/* (s) remembered */
	_Atomic uint32_t filled_for;	/* statistics: part of a hash */
	Registration last[REMEMBERED];	/* (s) number i stands at i % REMEMBERED */
} Slot;

static_assert(sizeof(Slot) <= 128, "a slot is two cache lines");

typedef struct Table
{
	uint64_t	magic;			/* (c) constant after creation, as nslots */
	uint32_t	nslots;			/* (c) */
	uint32_t	spare;
	_Atomic uint64_t start_xid; /* (a) 0 until hs_labels_start() */
	_Atomic uint64_t start_end; /* (a) snapshots with a larger xmax see all before */
	HsLock		locks[NLOCKS];	/* of slots: number modulo NLOCKS */
	union
	{
		Slot		slot;
		uint8_t		bytes[128];
	}			slots[];
} Table;

static Table *table = NULL;		/* process-local address */

#if defined(HS_TESTING) || defined(HS_BREAKABLE)
int			hs_break = HS_BREAK_NOTHING;
#endif

static inline HsLock *
lock_of(uint32_t slot)
{
	return &table->locks[slot % NLOCKS];
}

static inline uint64_t
known(const _Atomic uint64_t *end)
{
	return atomic_load_explicit(end, memory_order_relaxed);
}

static inline void
learn(_Atomic uint64_t *end, uint64_t value)
{
	atomic_store_explicit(end, value, memory_order_relaxed);
}

/*
 * ---- The table ---------------------------------------------------------------
 */

size_t
hs_labels_size(uint32_t nslots)
{
	return sizeof(Table) + (size_t) (nslots + HS_LABEL_SCHEMAS) * 128;
}

void
hs_labels_init(void *mem, uint32_t nslots, uint64_t first)
{
	assert((nslots & (nslots - 1)) == 0);
	table = mem;
	memset(table, 0, sizeof(Table));
	table->nslots = nslots;
	learn(&table->start_end, UNKNOWN);
	for (int i = 0; i < NLOCKS; i++)
		hs_port_lock_init(&table->locks[i]);
	for (uint32_t i = 0; i < hs_labels_total(); i++)
	{
		memset(&table->slots[i], 0, sizeof(table->slots[i]));
		table->slots[i].slot.count = first;
		table->slots[i].slot.known_at = first;
	}
	table->magic = MAGIC;
}

bool
hs_labels_attach(void *mem)
{
	table = mem;
	return table->magic == MAGIC;
}

uint32_t
hs_labels_nslots(void)
{
	return table->nslots;
}

uint32_t
hs_labels_total(void)
{
	return table->nslots + HS_LABEL_SCHEMAS;
}

void
hs_labels_start(uint64_t next_xid)
{
	uint64_t	none = 0;

	(void) atomic_compare_exchange_strong(&table->start_xid, &none, next_xid);
}

uint32_t
hs_label_slot(uint64_t space, HsBytes name)
{
	uint32_t	slot = (uint32_t) XXH3_64bits_withSeed(name.data, name.size, space) &
		(table->nslots - 1);

	__builtin_prefetch(&table->slots[slot]);
	return slot;
}

uint32_t
hs_label_schema_slot(uint32_t database)
{
	return table->nslots + database % HS_LABEL_SCHEMAS;
}

bool
hs_label_collides(uint32_t slot, uint64_t name_hash)
{
	uint32_t	mine = (uint32_t) (name_hash >> 32) | 1;
	uint32_t	last = atomic_exchange_explicit(&table->slots[slot].slot.filled_for, mine,
												memory_order_relaxed);

	return last != 0 && last != mine;
}

/*
 * ---- Looking -----------------------------------------------------------------
 */

static bool
in_progress(const HsSnapshot *s, uint64_t xid)
{
	for (uint32_t i = 0; i < s->nxip; i++)
	{
		/* all lie within 2^31 of each other, so the low half says it all */
		if (s->xip[i] == (uint32_t) xid)
			return true;
	}
	return false;
}

static inline bool
sees(const HsSnapshot *s, const Registration *r)
{
	if (s->xmax > known(&r->end) || r->xid < s->xmin)
		return true;
	return r->xid < s->xmax && !in_progress(s, r->xid);
}

/* What this snapshot sees all later ones see. */
static inline void
witness(const HsSnapshot *s, _Atomic uint64_t *end)
{
	if (known(end) == UNKNOWN)
		learn(end, HS_BROKEN(HS_BREAK_WITNESS) ? s->xmin : s->xmax);
}

/* Does it see everything that ended before this life of the server? */
static inline bool
sees_start(const HsSnapshot *s)
{
	uint64_t	start = atomic_load_explicit(&table->start_xid, memory_order_acquire);

	if (HS_BROKEN(HS_BREAK_START))
		return true;
	if (start == 0)
		return false;
	if (s->xmin < start)
		return s->xmax > known(&table->start_end);
	witness(s, &table->start_end);
	return true;
}

static inline uint64_t
count_of(const Slot *slot)
{
	return atomic_load_explicit(&slot->count, memory_order_relaxed);
}

static inline bool
sees_all(const HsSnapshot *s, const Slot *slot)
{
	return s->xmin > atomic_load_explicit(&slot->max_xid, memory_order_relaxed);
}

/* All that was ever registered ended before the snapshot. */
static uint64_t
label_of_all(const HsSnapshot *s, Slot *slot)
{
	uint64_t	count = count_of(slot);

	if (slot->floor_xid != 0)
		witness(s, &slot->floor_end);
	for (uint32_t i = 0; i < slot->n; i++)
		witness(s, &slot->last[(count - i) % REMEMBERED].end);
	atomic_store_explicit(&slot->known_at, count, memory_order_relaxed);
	return count;
}

/*
 * The usual case without the lock: the snapshot sees all, and there is nothing to witness.
 *
 * max_xid is at least what it was when count was written, so all of those 'count' ended before
 * the snapshot.  Of those that come later it sees none: they register now, after it was
 * taken, and end later still.
 */
static inline bool
label_fast(const HsSnapshot *s, const Slot *slot, uint64_t *label)
{
	*label = atomic_load_explicit(&slot->count, memory_order_acquire);
	return sees_all(s, slot) &&
		atomic_load_explicit(&slot->known_at, memory_order_relaxed) == *label;
}

static uint64_t
label_locked(const HsSnapshot *s, Slot *slot)
{
	uint64_t	count = count_of(slot);
	uint64_t	label = count - slot->n;
	uint64_t	i;

	if (sees_all(s, slot))
		return label_of_all(s, slot);
	if (s->xmin > slot->floor_xid)
	{
		if (slot->floor_xid != 0)
			witness(s, &slot->floor_end);
	}
	else if (!(s->xmax > known(&slot->floor_end)) && !HS_BROKEN(HS_BREAK_FLOOR))
		return HS_NO_LABEL;
	for (i = label + 1; i <= count && sees(s, &slot->last[i % REMEMBERED]); i++)
	{
		witness(s, &slot->last[i % REMEMBERED].end);
		label = i;
	}
	if (HS_BROKEN(HS_BREAK_OFF_BY_ONE) && i <= count)
		return label + 1;
	/* those it sees must be the first ones */
	for (i++; i <= count && !HS_BROKEN(HS_BREAK_PREFIX); i++)
	{
		if (sees(s, &slot->last[i % REMEMBERED]))
			return HS_NO_LABEL;
	}
	return label;
}

uint64_t
hs_label(const HsSnapshot *s, uint32_t slot)
{
	uint64_t	label;

	if (!s->usable || !sees_start(s))
		return HS_NO_LABEL;
	if (label_fast(s, &table->slots[slot].slot, &label))
		return label;
	hs_port_lock(lock_of(slot), HS_SHARED);
	label = label_locked(s, &table->slots[slot].slot);
	hs_port_unlock(lock_of(slot));
	return label;
}

bool
hs_labels_hold(const HsSnapshot *s, const HsSlotLabel *claims, unsigned n)
{
	uint32_t	total = hs_labels_total();

	if (!s->usable || !sees_start(s))
		return false;
	for (const HsSlotLabel *c = claims; c < claims + n; c++)
	{
		uint64_t	label;

		if (c->slot >= total || !label_fast(s, &table->slots[c->slot].slot, &label) ||
			label != c->label)
			return false;
	}
	return true;
}

uint64_t
hs_label_of_all(const HsSnapshot *s, uint32_t slot)
{
	Slot	   *found = &table->slots[slot].slot;
	uint64_t	label;

	if (!s->usable || !sees_start(s))
		return HS_NO_LABEL;
	if (label_fast(s, found, &label))
		return label;
	hs_port_lock(lock_of(slot), HS_SHARED);
	label = label_locked(s, found);
	if (label != count_of(found))
		label = HS_NO_LABEL;
	hs_port_unlock(lock_of(slot));
	return label;
}

/*
 * ---- Registering -------------------------------------------------------------
 */

/*
 * Learn since when everybody sees the oldest registration, if that is so.
 * Asking takes other locks, so ours is let go meanwhile.
 */
static void
look_at_oldest(Slot *slot, HsLock *lock, const HsXactOps *ops)
{
	for (int looks = 0; looks < MAX_LOOKS && slot->n == REMEMBERED; looks++)
	{
		uint64_t	number = count_of(slot) - slot->n + 1;
		Registration *oldest = &slot->last[number % REMEMBERED];
		uint64_t	xid = oldest->xid;
		uint64_t	next;
		bool		has_ended;

		if (known(&oldest->end) != UNKNOWN)
			return;
		hs_port_unlock(lock);
		has_ended = ops->has_ended(xid);
		next = ops->next_xid();
		hs_port_lock(lock, HS_EXCLUSIVE);
		if (count_of(slot) - slot->n + 1 != number)
			continue;			/* others have registered meanwhile */
		if (has_ended && known(&oldest->end) == UNKNOWN)
			learn(&oldest->end, next);
		return;
	}
}

static void
forget_oldest(Slot *slot)
{
	Registration *oldest = &slot->last[(count_of(slot) - slot->n + 1) % REMEMBERED];
	uint64_t	end = known(&oldest->end);
	uint64_t	floor_end = known(&slot->floor_end);

	if (slot->floor_xid == 0 || end > floor_end)	/* UNKNOWN is the largest */
		learn(&slot->floor_end, end);
	if (oldest->xid > slot->floor_xid)
		slot->floor_xid = oldest->xid;
	slot->n--;
}

void
hs_label_register(uint32_t number, uint64_t xid, const HsXactOps *ops)
{
	Slot	   *slot = &table->slots[number].slot;
	Registration *fresh;
	uint64_t	count;

	hs_port_lock(lock_of(number), HS_EXCLUSIVE);
	look_at_oldest(slot, lock_of(number), ops);
	if (slot->n == REMEMBERED)
		forget_oldest(slot);
	count = count_of(slot) + 1;
	slot->n++;
	fresh = &slot->last[count % REMEMBERED];
	fresh->xid = xid;
	learn(&fresh->end, UNKNOWN);
	if (xid > slot->max_xid)
		atomic_store_explicit(&slot->max_xid, xid, memory_order_relaxed);
	atomic_store_explicit(&slot->count, count, memory_order_release);
	hs_port_unlock(lock_of(number));
}

/*
 * ---- Checking ----------------------------------------------------------------
 */

static const char *
slot_verify(const Slot *slot)
{
	if (slot->n > REMEMBERED)
		return "a slot remembers too much";
	if (slot->floor_xid > slot->max_xid)
		return "a slot has forgotten what was never registered";
	for (uint32_t i = 0; i < slot->n; i++)
	{
		const Registration *r = &slot->last[(count_of(slot) - i) % REMEMBERED];

		if (r->xid == 0 || r->xid > slot->max_xid)
			return "a registration is beyond the largest";
	}
	return NULL;
}

const char *
hs_labels_verify(void)
{
	const char *wrong = NULL;

	if (table->magic != MAGIC)
		return "the table of labels has no magic number";
	for (uint32_t i = 0; i < hs_labels_total() && wrong == NULL; i++)
	{
		hs_port_lock(lock_of(i), HS_SHARED);
		wrong = slot_verify(&table->slots[i].slot);
		hs_port_unlock(lock_of(i));
	}
	return wrong;
}
