/*
 * test_label.c
 *	  Labels against a small world of transactions and snapshots.
 *
 * The world has PostgreSQL's rules: ids ascend, a snapshot is (xmin, xmax, in
 * progress), a transaction registers before it ends.  Each committed transaction
 * adds a number to what its slots depend on, so the right value under any
 * snapshot is a sum that can be told without labels.  A cache of one entry a slot
 * is filled and read under new and old snapshots: an entry with the snapshot's
 * label must hold the snapshot's value.  Breaking a rule of the algorithm must be
 * noticed by the same test.
 */
#include <assert.h>

#include "label.h"
#include "test.h"

#define SLOTS		3			/* in use, of HS_LABEL_MIN_SLOTS */
#define RUNNING		24
#define HISTORY		4096
#define SNAPSHOTS	12

typedef struct Xact
{
	uint64_t	xid;			/* 0: unused */
	unsigned	touches;		/* bits: slots it changes */
	bool		is_registered;
} Xact;

typedef struct Held
{
	bool		in_use;
	HsSnapshot	s;
	uint32_t	xip[RUNNING];
} Held;

typedef struct Entry
{
	bool		is_filled;
	uint64_t	label;
	uint64_t	value;
} Entry;

typedef struct World
{
	TestRandom	random;
	uint64_t	next_xid;
	uint64_t	latest_completed;
	Xact		running[RUNNING];
	Xact		committed[HISTORY];
	unsigned	ncommitted;
	Held		held[SNAPSHOTS];
	Entry		entry[SLOTS];
	uint64_t	hits,
				held_at_once,
				misses,
				wrong,
				refused;
} World;

static World w;
static void *table;

static bool
has_ended(uint64_t xid)
{
	for (int i = 0; i < RUNNING; i++)
		if (w.running[i].xid == xid)
			return false;
	return true;
}

static uint64_t
next_xid(void)
{
	return w.next_xid;
}

static const HsXactOps ops = {has_ended, next_xid};

/*
 * ---- The world ---------------------------------------------------------------
 */

static void
take_snapshot(Held *h)
{
	h->in_use = true;
	h->s.usable = true;
	h->s.xmax = h->s.xmin = w.latest_completed + 1;
	h->s.nxip = 0;
	for (int i = 0; i < RUNNING; i++)
	{
		uint64_t	xid = w.running[i].xid;

		if (xid == 0 || xid >= h->s.xmax)
			continue;
		h->xip[h->s.nxip++] = (uint32_t) xid;
		if (xid < h->s.xmin)
			h->s.xmin = xid;
	}
	h->s.xip = h->xip;
}

static bool
is_visible(const HsSnapshot *s, uint64_t xid)
{
	if (xid >= s->xmax)
		return false;
	for (uint32_t i = 0; i < s->nxip; i++)
		if (s->xip[i] == (uint32_t) xid)
			return false;
	return true;
}

static uint64_t
true_value(const HsSnapshot *s, unsigned slot)
{
	uint64_t	sum = 0;

	for (unsigned i = 0; i < w.ncommitted; i++)
		if ((w.committed[i].touches >> slot & 1) && is_visible(s, w.committed[i].xid))
			sum += w.committed[i].xid * UINT64_C(0x9e3779b97f4a7c15);
	return sum;
}

static void
start_xact(void)
{
	Xact	   *x = &w.running[test_below(&w.random, RUNNING)];

	if (x->xid != 0)
		return;
	x->xid = w.next_xid++;
	x->touches = test_below(&w.random, 3) == 0 ? 0 :
		(unsigned) test_below(&w.random, 1u << SLOTS);
	x->is_registered = false;
}

static void
register_xact(Xact *x)
{
	if (x->xid == 0 || x->is_registered)
		return;
	x->is_registered = true;
	for (unsigned slot = 0; slot < SLOTS; slot++)
		if (x->touches >> slot & 1)
			hs_label_register(slot, x->xid, &ops);
}

static void
end_xact(Xact *x, bool commits)
{
	if (x->xid == 0)
		return;
	if (commits && w.ncommitted < HISTORY)
	{
		register_xact(x);
		w.committed[w.ncommitted++] = *x;
	}
	if (x->xid > w.latest_completed)
		w.latest_completed = x->xid;
	x->xid = 0;
}

static void
fill(const HsSnapshot *s, unsigned slot)
{
	Entry	   *e = &w.entry[slot];
	uint64_t	label = hs_label(s, slot);

	if (label == HS_NO_LABEL)
	{
		w.refused++;
		return;
	}
	if (e->is_filled && e->label >= label)
		return;
	e->is_filled = true;
	e->label = label;
	e->value = true_value(s, slot);
}

static void
look(const HsSnapshot *s, unsigned slot)
{
	const Entry *e = &w.entry[slot];
	HsSlotLabel claims[2] = {{slot, e->label}, {slot, e->label + 1}};
	bool		holds = hs_labels_hold(s, claims, 1);
	uint64_t	label = hs_label(s, slot);

	w.held_at_once += holds;
	w.wrong += holds && label != e->label;
	w.wrong += hs_labels_hold(s, claims, 2);
	if (!e->is_filled || label == HS_NO_LABEL || label != e->label)
	{
		w.misses++;
		fill(s, slot);
		return;
	}
	w.hits++;
	if (e->value != true_value(s, slot))
		w.wrong++;
}

/* An old snapshot is looked through as often as a new one. */
static void
read_something(void)
{
	Held	   *h = &w.held[test_below(&w.random, SNAPSHOTS)];

	if (!h->in_use || test_below(&w.random, 8) == 0)
		take_snapshot(h);
	look(&h->s, (unsigned) test_below(&w.random, SLOTS));
}

static void
step(void)
{
	Xact	   *x = &w.running[test_below(&w.random, RUNNING)];

	switch (test_below(&w.random, 10))
	{
		case 0:
		case 1:
			start_xact();
			break;
		case 2:
			register_xact(x);	/* between this and its end others go on */
			break;
		case 3:
			/* some go on for long, as if prepared */
			if (x != &w.running[0] || test_below(&w.random, 20) == 0)
				end_xact(x, test_below(&w.random, 5) != 0);
			break;
		default:
			read_something();
	}
}

/*
 * The server starts: the table is new, so is the cache; transactions that were
 * prepared are still there and will not register again.
 */
static void
restart(void)
{
	uint64_t	first = 1000 + test_below(&w.random, 1000);

	for (int i = 0; i < RUNNING; i++)
	{
		if (test_below(&w.random, 4) == 0 && w.running[i].xid != 0)
			w.running[i].is_registered = true;
		else
			end_xact(&w.running[i], false);
	}
	memset(w.held, 0, sizeof(w.held));
	memset(w.entry, 0, sizeof(w.entry));
	hs_labels_init(table, HS_LABEL_MIN_SLOTS, first);
	/* somebody may take a snapshot before the first use */
	take_snapshot(&w.held[0]);
	if (test_below(&w.random, 2) == 0)
		for (int i = 0; i < RUNNING; i++)
			if (test_below(&w.random, 2) == 0)
				end_xact(&w.running[i], w.running[i].is_registered);
	hs_labels_start(w.next_xid);
}

static void
run_world(uint64_t seed, unsigned steps)
{
	uint64_t	hits = w.hits,
				held_at_once = w.held_at_once,
				misses = w.misses,
				wrong = w.wrong,
				refused = w.refused;

	memset(&w, 0, sizeof(w));
	w.random.state = seed;
	w.hits = hits;
	w.held_at_once = held_at_once;
	w.misses = misses;
	w.wrong = wrong;
	w.refused = refused;
	/* low halves of ids wrap around in every second world */
	w.next_xid = seed % 2 ? 100 : (UINT64_C(1) << 32) - 200;
	w.latest_completed = w.next_xid - 1;
	hs_labels_init(table, HS_LABEL_MIN_SLOTS, 7);
	hs_labels_start(w.next_xid);
	for (unsigned i = 0; i < steps; i++)
	{
		if (test_below(&w.random, steps / 4) == 0)
			restart();
		step();
	}
	CHECK_WELL(hs_labels_verify());
}

static void
run_worlds(unsigned worlds)
{
	uint64_t	seed = test_seed(20261121);

	if (table == NULL)
		table = aligned_alloc(128, (hs_labels_size(HS_LABEL_MIN_SLOTS) + 127) & ~(size_t) 127);
	memset(&w, 0, sizeof(w));
	for (unsigned i = 0; i < worlds; i++)
		run_world(seed + i, 1500);
}

/*
 * ---- Tests -------------------------------------------------------------------
 */

static void
hits_are_exact(void)
{
	run_worlds((unsigned) test_scaled(150));
	CHECK_EQ(w.wrong, 0);
	/* and it is a cache */
	CHECK(w.hits > test_scaled(5000));
	CHECK(w.held_at_once > test_scaled(1000));
	CHECK(w.hits * 10 > w.misses);
}

static void
broken_rules_are_noticed(void)
{
	for (int b = HS_BREAK_NOTHING + 1; b <= HS_BREAK_LAST_OF_ENGINE; b++)
	{
		CASE("rule %d", b);
		hs_break = b;
		run_worlds((unsigned) test_scaled(150));
		CHECK(w.wrong > 0);
	}
	hs_break = HS_BREAK_NOTHING;
}

/* A transaction that holds xmin back for ever does not keep a slot from being used. */
static void
long_transactions_do_not_hurt(void)
{
	Held		h = {0};
	uint64_t	label;

	run_worlds(0);
	w.next_xid = 100;
	w.latest_completed = 99;
	hs_labels_init(table, HS_LABEL_MIN_SLOTS, 0);
	hs_labels_start(w.next_xid);
	take_snapshot(&h);
	CHECK_EQ(hs_label(&h.s, 0), 0);
	w.running[0].xid = w.next_xid++;
	for (int i = 0; i < 50; i++)
	{
		w.running[1].xid = w.next_xid++;
		w.running[1].touches = 1;
		w.running[1].is_registered = false;
		end_xact(&w.running[1], true);
		take_snapshot(&h);
		label = hs_label(&h.s, 0);
		CHECK_EQ(label, i + 1);
	}
}

/* One that does not see all there is has no label of all, though one of its own. */
static void
labels_of_all(void)
{
	Held		before = {0};
	Held		after = {0};
	uint32_t	slot;

	run_worlds(0);
	w.next_xid = 100;
	w.latest_completed = 99;
	hs_labels_init(table, HS_LABEL_MIN_SLOTS, 0);
	hs_labels_start(w.next_xid);
	CASE("slots of schemas are apart from all others, and from each other");
	for (uint32_t db = 0; db < HS_LABEL_SCHEMAS; db++)
	{
		slot = hs_label_schema_slot(16384 + db);
		CHECK(slot >= HS_LABEL_MIN_SLOTS && slot < hs_labels_total());
		CHECK(slot != hs_label_schema_slot(16385 + db));
	}
	slot = hs_label_schema_slot(5);
	w.running[0].xid = w.next_xid++;
	w.running[1].xid = w.next_xid++;
	take_snapshot(&before);
	CHECK_EQ(hs_label_of_all(&before.s, slot), 0);
	hs_label_register(slot, w.running[1].xid, &ops);
	CASE("registered, not ended");
	CHECK(hs_label_of_all(&before.s, slot) == HS_NO_LABEL);
	CHECK_EQ(hs_label(&before.s, slot), 0);
	CASE("ended, while an older one goes on");
	end_xact(&w.running[1], true);
	take_snapshot(&after);
	CHECK_EQ(hs_label_of_all(&after.s, slot), 1);
	CHECK(hs_label_of_all(&before.s, slot) == HS_NO_LABEL);
	CHECK_EQ(hs_label(&before.s, slot), 0);
	CHECK_EQ(hs_label_of_all(&before.s, hs_label_schema_slot(6)), 0);
	CHECK_WELL(hs_labels_verify());
}

static void
no_label(void)
{
	Held		h = {0};

	run_worlds(0);
	w.next_xid = 100;
	w.latest_completed = 99;
	hs_labels_init(table, HS_LABEL_MIN_SLOTS, 0);
	take_snapshot(&h);
	CASE("not started");
	CHECK(hs_label(&h.s, 0) == HS_NO_LABEL);
	w.running[0].xid = 98;		/* prepared in an earlier life */
	hs_labels_start(w.next_xid);
	CASE("something from before is in progress");
	take_snapshot(&h);
	CHECK(hs_label(&h.s, 0) == HS_NO_LABEL);
	CASE("not a snapshot of this kind");
	end_xact(&w.running[0], false);
	take_snapshot(&h);
	CHECK_EQ(hs_label(&h.s, 0), 0);
	h.s.usable = false;
	CHECK(hs_label(&h.s, 0) == HS_NO_LABEL);
	CHECK(hs_label_of_all(&h.s, 0) == HS_NO_LABEL);
	CHECK(!hs_labels_hold(&h.s, &(HsSlotLabel) {0, 0}, 1));
	CASE("a slot that does not exist");
	h.s.usable = true;
	CHECK(hs_labels_hold(&h.s, &(HsSlotLabel) {0, 0}, 1));
	CHECK(!hs_labels_hold(&h.s, &(HsSlotLabel) {hs_labels_total(), 0}, 1));
	CASE("damaged");
	memset(table, 0, 8);
	CHECK(!hs_labels_attach(table));
	CHECK(hs_labels_verify() != NULL);
}

TEST_MAIN(TEST(hits_are_exact),
		  TEST(broken_rules_are_noticed),
		  TEST(long_transactions_do_not_hurt),
		  TEST(labels_of_all),
		  TEST(no_label))
