/*
 * test_protocol.c
 *	  Every interleaving of one writer and one reader without a lock.
 *
 * The steps of index.c, read.c and region.c as loads and stores of single
 * words, in any order that their fences, addresses and C11's coherence leave
 * open, on a machine where a store becomes visible to all at once (x86, ARMv8,
 * POWER as compilers use it).  The reader must never accept something that was
 * not so at any time during the read: a foreign or mixed value, or the absence
 * of a key that is always there.
 *
 * A model proves something only if it can fail: each scenario is run again with
 * one fence or step left out, and then the error must be found.
 */
#include "test.h"

enum
{
	NMEM = 16,
	MAX_OPS = 32
};

typedef enum OpKind
{
	LOAD, STORE, FENCE
} OpKind;

typedef enum Order
{
	RELAXED, ACQUIRE, RELEASE
} Order;

typedef struct Step
{
	OpKind		kind;
	Order		order;
	int			addr;			/* of a LOAD: -1, computed by 'where' */
	int			value;			/* of a STORE */
	int			(*where) (const int *reg);	/* from earlier loads; < 0: no access */
	uint32_t	uses;			/* steps whose results 'where' needs */
	uint32_t	after;			/* steps that must be done before, filled in */
} Step;

typedef struct Program
{
	Step		steps[MAX_OPS];
	int			n;
} Program;

typedef struct State
{
	int8_t		mem[NMEM];
	int8_t		reg[MAX_OPS];	/* result of each of the reader's steps */
	uint32_t	done[2];		/* writer, reader */
} State;

/* What is wrong with the outcome of a read, or NULL. */
typedef const char *(*Judge) (const int *reg);

static Program writer,
			reader;
static Judge judge;
static const char *found;

#define MAX_STATES	(1 << 20)
static State *seen;
static int	nseen;

/*
 * ---- Building programs ---------------------------------------------------------
 */

static int	left_out;			/* number of the step a mutation leaves out; -1: none */
static int	numbered;

/* Mutations are made by number: is this step, fence or check there? */
static bool
kept(void)
{
	return numbered++ != left_out;
}

static int
add(Program *p, Step s)
{
	p->steps[p->n] = s;
	return p->n++;
}

static void
store(int addr, int value, Order order)
{
	add(&writer, (Step) {STORE, order, addr, value, NULL, 0, 0});
}

static void
fence(Program *p, Order order)
{
	if (kept())
		add(p, (Step) {FENCE, order, -1, 0, NULL, 0, 0});
}

static int
load(int addr, Order order)
{
	return add(&reader, (Step) {LOAD, order, addr, 0, NULL, 0, 0});
}

static int
load_at(int (*where) (const int *reg), uint32_t uses)
{
	return add(&reader, (Step) {LOAD, RELAXED, -1, 0, where, uses, 0});
}

/* Which earlier steps a step has to wait for. */
static void
order_steps(Program *p)
{
	for (int i = 0; i < p->n; i++)
	{
		Step	   *s = &p->steps[i];

		s->after = s->uses;
		for (int k = 0; k < i; k++)
		{
			const Step *e = &p->steps[k];
			bool		wait = false;

			if (e->kind == FENCE || s->kind == FENCE)
				wait = true;	/* a release fence for stores, an acquire one for loads */
			else if (e->order == ACQUIRE || s->order == RELEASE)
				wait = true;
			else if (e->addr >= 0 && e->addr == s->addr)
				wait = true;	/* coherence */
			if (wait)
				s->after |= 1u << k;
		}
	}
}

/*
 * ---- Running them ------------------------------------------------------------
 */

static uint64_t
hash_state(const State *s)
{
	const uint8_t *p = (const uint8_t *) s;
	uint64_t	h = 1469598103934665603u;

	for (size_t i = 0; i < sizeof(*s); i++)
		h = (h ^ p[i]) * 1099511628211u;
	return h ^ (h >> 31);
}

/* True if the state was not met before. */
static bool
remember(const State *s)
{
	uint64_t	i = hash_state(s) % (2 * MAX_STATES);
	static const State empty;

	while (memcmp(&seen[i], &empty, sizeof(empty)) != 0)
	{
		if (memcmp(&seen[i], s, sizeof(*s)) == 0)
			return false;
		i = (i + 1) % (2 * MAX_STATES);
	}
	seen[i] = *s;
	REQUIRE(++nseen < MAX_STATES);
	return true;
}

static void
explore(State s)
{
	const Program *programs[2] = {&writer, &reader};

	if (found != NULL)
		return;
	if (s.done[1] == (1u << reader.n) - 1)
	{
		int			reg[MAX_OPS];

		for (int i = 0; i < MAX_OPS; i++)
			reg[i] = s.reg[i];
		found = judge(reg);
		return;
	}
	if (!remember(&s))
		return;
	for (int t = 0; t < 2; t++)
		for (int i = 0; i < programs[t]->n; i++)
		{
			const Step *step = &programs[t]->steps[i];
			State		next = s;
			int			addr = step->addr;

			if ((s.done[t] >> i & 1) || (step->after & ~s.done[t]) != 0)
				continue;
			next.done[t] |= 1u << i;
			if (step->where != NULL)
			{
				int			reg[MAX_OPS];

				for (int k = 0; k < MAX_OPS; k++)
					reg[k] = s.reg[k];
				addr = step->where(reg);
			}
			if (step->kind == STORE)
				next.mem[addr] = (int8_t) step->value;
			else if (step->kind == LOAD)
				next.reg[i] = addr < 0 ? -1 : s.mem[addr];
			explore(next);
		}
}

/*
 * ---- Scenarios ------------------------------------------------------------------
 * Words: versions of two buckets, the geometry, a slot of each bucket, and two
 * records of a key and two halves of a value.  Key 1 is the one that is read;
 * its values have equal halves.
 */
enum
{
	V_S, V_T, GEOMETRY, SLOT_S, SLOT_T, REC_A, REC_B = REC_A + 3, REC_END = REC_B + 3
};

enum
{
	KEY = 1, OTHER_KEY = 2,
	OLD = 5, NEW = 6, FOREIGN = 7
};

static State initial;

static void
put_record(int rec, int key, int value)
{
	initial.mem[rec] = (int8_t) key;
	initial.mem[rec + 1] = (int8_t) value;
	initial.mem[rec + 2] = (int8_t) value;
}

static void
write_record(int rec, int key, int value)
{
	store(rec, key, RELAXED);
	store(rec + 1, value, RELAXED);
	store(rec + 2, value, RELAXED);
}

/* hs_change_begin(), hs_change_end(): 'version' is even before. */
static void
change_begin(int v, int version)
{
	if (kept())
		store(v, version + 1, RELAXED);
	fence(&writer, RELEASE);
}

static void
change_end(int v, int version)
{
	store(v, version + 2, kept() ? RELEASE : RELAXED);
}

/* The reader's registers: numbers of its steps. */
static int	r_geometry,
			r_version,
			r_slot,
			r_key,
			r_low,
			r_high,
			r_version2,
			r_geometry2;
static bool checks_version,
			checks_geometry;

/* Geometry 1: all in bucket S; else key 1 is in bucket T; epochs count in tens. */
static int
bucket_of(const int *reg)
{
	return reg[r_geometry] % 10 == 1 ? V_S : V_T;
}

static int
version_at(const int *reg)
{
	return bucket_of(reg);
}

static int
slot_at(const int *reg)
{
	return bucket_of(reg) == V_S ? SLOT_S : SLOT_T;
}

static int
key_at(const int *reg)
{
	return reg[r_slot] > 0 ? reg[r_slot] : -1;
}

static int
low_at(const int *reg)
{
	return reg[r_slot] > 0 ? reg[r_slot] + 1 : -1;
}

static int
high_at(const int *reg)
{
	return reg[r_slot] > 0 ? reg[r_slot] + 2 : -1;
}

/* probe_once() for key 1. */
static void
make_reader(void)
{
	uint32_t	g;

	/* acquire in the source; the address of all that follows depends on it */
	r_geometry = load(GEOMETRY, ACQUIRE);
	g = 1u << r_geometry;
	r_version = load_at(version_at, g);
	reader.steps[r_version].order = kept() ? ACQUIRE : RELAXED;
	r_slot = load_at(slot_at, g);
	r_key = load_at(key_at, 1u << r_slot);
	r_low = load_at(low_at, 1u << r_slot);
	r_high = load_at(high_at, 1u << r_slot);
	fence(&reader, ACQUIRE);
	r_version2 = load_at(version_at, g | 1u << r_version);
	r_geometry2 = load(GEOMETRY, RELAXED);
	checks_version = kept();
	checks_geometry = kept();
}

/* Does the reader believe what it read? */
static bool
accepts(const int *reg)
{
	if (reg[r_version] % 2 != 0)
		return false;
	if (checks_version && reg[r_version2] != reg[r_version])
		return false;
	return !checks_geometry || reg[r_geometry2] == reg[r_geometry];
}

static const char *
judge_read(const int *reg)
{
	if (!accepts(reg))
		return NULL;
	if (reg[r_slot] <= 0 || reg[r_key] != KEY)
		return "a key that is always there was not found";
	if (reg[r_low] != reg[r_high])
		return "a torn value";
	if (reg[r_low] != OLD && reg[r_low] != NEW)
		return "a foreign value";
	return NULL;
}

/* A new record out of place; then the old one's memory serves another key. */
static void
replace(void)
{
	initial.mem[GEOMETRY] = 1;
	initial.mem[SLOT_S] = REC_A;
	put_record(REC_A, KEY, OLD);
	write_record(REC_B, KEY, NEW);
	change_begin(V_S, 0);
	store(SLOT_S, REC_B, RELAXED);
	change_end(V_S, 0);
	write_record(REC_A, OTHER_KEY, FOREIGN);
}

/* The value is changed where it is. */
static void
poke(void)
{
	initial.mem[GEOMETRY] = 1;
	initial.mem[SLOT_S] = REC_A;
	put_record(REC_A, KEY, OLD);
	change_begin(V_S, 0);
	store(REC_A + 1, NEW, RELAXED);
	store(REC_A + 2, NEW, RELAXED);
	change_end(V_S, 0);
}

/* Bucket S is split: key 1 moves to T, another key takes its slot. */
static void
split(void)
{
	initial.mem[GEOMETRY] = 1;
	initial.mem[SLOT_S] = REC_A;
	put_record(REC_A, KEY, OLD);
	put_record(REC_B, OTHER_KEY, FOREIGN);
	change_begin(V_S, 0);
	store(SLOT_T, REC_A, RELAXED);
	store(GEOMETRY, 2, kept() ? RELEASE : RELAXED);
	store(SLOT_S, REC_B, RELAXED);
	change_end(V_S, 0);
}

/*
 * Bucket T is merged into S, its page serves for another partition's bucket with
 * whatever version that has, and comes back by a split: without an epoch the
 * geometry would be what it was.
 */
static void
merge_and_split(void)
{
	bool		epoch = kept();

	initial.mem[GEOMETRY] = 2;
	initial.mem[SLOT_T] = REC_A;
	put_record(REC_A, KEY, OLD);
	put_record(REC_B, OTHER_KEY, FOREIGN);
	change_begin(V_S, 0);
	store(SLOT_S, REC_A, RELAXED);
	store(GEOMETRY, epoch ? 11 : 1, RELEASE);
	change_end(V_S, 0);
	fence(&writer, RELEASE);
	/* the page is cleared and used by somebody else */
	store(V_T, 0, RELAXED);
	store(SLOT_T, REC_B, RELAXED);
	fence(&writer, RELEASE);
	/* and back */
	change_begin(V_S, 2);
	store(SLOT_T, REC_A, RELAXED);
	store(GEOMETRY, epoch ? 12 : 2, RELEASE);
	store(SLOT_S, 0, RELAXED);
	change_end(V_S, 2);
}

/*
 * ---- Many keys at once ----------------------------------------------------------
 * Two keys in two partitions, of a bucket and a value each.  The writer is a command that
 * changes both, hs_mset() say; the reader that of many.c.
 */
enum
{
	GEO_A, GEO_B, VER_A, VER_B, VAL_A, VAL_B, TAG
};

#define OPEN	1
#define CLOSED	101
#define ALIVE	0
#define DEAD	1
#define GONE	0

static int	r_geo[2],
			r_ver[2],
			r_val[2],
			r_geo2[2],
			r_ver2[2],
			r_tag,
			r_tag2;
static bool checks_geo2,
			checks_ver2,
			checks_tag2;

static void
change_value(int ver, int val)
{
	change_begin(ver, 0);
	store(val, NEW, RELAXED);
	change_end(ver, 0);
}

/* hs_multi_close(), two changes, reopen(). */
static void
change_both(void)
{
	initial.mem[GEO_A] = initial.mem[GEO_B] = OPEN;
	initial.mem[VAL_A] = initial.mem[VAL_B] = OLD;
	if (kept())
	{
		store(GEO_A, CLOSED, RELAXED);
		store(GEO_B, CLOSED, RELAXED);
	}
	fence(&writer, RELEASE);
	change_value(VER_A, VAL_A);
	change_value(VER_B, VAL_B);
	store(GEO_A, OPEN, RELEASE);
	store(GEO_B, OPEN, RELEASE);
}

static void
look_again_at_geometries(void)
{
	checks_geo2 = kept();
	for (int i = 0; i < 2; i++)
		r_geo2[i] = load(GEO_A + i, RELAXED);
}

static void
look_again_at_versions(void)
{
	checks_ver2 = kept();
	for (int i = 0; i < 2; i++)
		r_ver2[i] = load(VER_A + i, RELAXED);
}

/* hs_many_find(), hs_many_are_true(): geometries, then versions. */
static void
make_many_reader(void)
{
	for (int i = 0; i < 2; i++)
		r_geo[i] = load(GEO_A + i, ACQUIRE);
	for (int i = 0; i < 2; i++)
	{
		r_ver[i] = load(VER_A + i, kept() ? ACQUIRE : RELAXED);
		r_val[i] = load(VAL_A + i, RELAXED);
	}
	fence(&reader, ACQUIRE);
	if (kept())
	{
		look_again_at_geometries();
		fence(&reader, ACQUIRE);
		look_again_at_versions();
	}
	else
	{
		look_again_at_versions();
		fence(&reader, ACQUIRE);
		look_again_at_geometries();
	}
}

static bool
accepts_both(const int *reg)
{
	for (int i = 0; i < 2; i++)
	{
		if (reg[r_geo[i]] == CLOSED || reg[r_ver[i]] % 2 != 0 ||
			(checks_geo2 && reg[r_geo2[i]] != reg[r_geo[i]]) ||
			(checks_ver2 && reg[r_ver2[i]] != reg[r_ver[i]]))
			return false;
	}
	return true;
}

static const char *
judge_both(const int *reg)
{
	return accepts_both(reg) && reg[r_val[0]] != reg[r_val[1]] ? "half of a command" : NULL;
}

/*
 * Key A has a tag that is deleted, then B is changed, then A is removed and the tag's memory
 * serves for something else.  Who finds A has seen B as it was.
 */
static void
delete_tag(void)
{
	initial.mem[GEO_A] = initial.mem[GEO_B] = OPEN;
	initial.mem[VAL_A] = initial.mem[VAL_B] = OLD;
	store(GEO_A, CLOSED, RELAXED);
	store(GEO_B, CLOSED, RELAXED);
	fence(&writer, RELEASE);
	store(TAG, DEAD, RELAXED);
	store(GEO_A, OPEN, RELEASE);
	store(GEO_B, OPEN, RELEASE);
	change_value(VER_B, VAL_B);
	change_begin(VER_A, 0);
	store(VAL_A, GONE, RELAXED);
	change_end(VER_A, 0);
	fence(&writer, RELEASE);
	store(TAG, ALIVE, RELAXED);
}

static int
tag_at(const int *reg)
{
	return reg[r_val[0]] == GONE ? -1 : TAG;
}

/* hs_many_find(), hs_many_are_true(): a tag that was alive is asked again before the versions. */
static void
make_tag_reader(void)
{
	for (int i = 0; i < 2; i++)
		r_geo[i] = load(GEO_A + i, ACQUIRE);
	for (int i = 0; i < 2; i++)
	{
		r_ver[i] = load(VER_A + i, kept() ? ACQUIRE : RELAXED);
		r_val[i] = load(VAL_A + i, RELAXED);
		if (i == 0)
			r_tag = load_at(tag_at, 1u << r_val[0]);
	}
	fence(&reader, ACQUIRE);
	look_again_at_geometries();
	fence(&reader, ACQUIRE);
	r_tag2 = load_at(tag_at, 1u << r_val[0]);
	checks_tag2 = kept();
	fence(&reader, ACQUIRE);
	look_again_at_versions();
}

static const char *
judge_tag(const int *reg)
{
	if (!accepts_both(reg) || reg[r_val[0]] == GONE || reg[r_tag] == DEAD ||
		(checks_tag2 && reg[r_tag2] == DEAD))
		return NULL;
	return reg[r_val[1]] == NEW ? "a key of a deleted tag" : NULL;
}

typedef struct Scenario
{
	const char *name;
	void		(*make) (void);
	void		(*make_reader) (void);
	Judge		judge;

	/*
	 * Steps that may be left out without harm in this scenario, in the order of
	 * kept(): another step covers for them here.
	 */
	uint32_t	harmless;
} Scenario;

static int
run(const Scenario *sc, int leave_out)
{
	memset(&writer, 0, sizeof(writer));
	memset(&reader, 0, sizeof(reader));
	memset(&initial, 0, sizeof(initial));
	memset(seen, 0, 2 * MAX_STATES * sizeof(State));
	nseen = 0;
	found = NULL;
	left_out = leave_out;
	numbered = 0;
	sc->make();
	sc->make_reader();
	order_steps(&writer);
	order_steps(&reader);
	judge = sc->judge;
	explore(initial);
	return numbered;
}

static void
check_scenario(const Scenario *sc)
{
	int			n;

	seen = calloc(2 * MAX_STATES, sizeof(State));
	REQUIRE(seen != NULL);
	n = run(sc, -1);
	CASE("%s: %d states", sc->name, nseen);
	CHECK_WELL(found);
	CHECK(nseen > 50);
	for (int i = 0; i < n; i++)
	{
		run(sc, i);
		CASE("%s without %d", sc->name, i);
		if (sc->harmless >> i & 1)
			CHECK_WELL(found);
		else
			CHECK(found != NULL);
		if (getenv("TEST_SHOW") != NULL)
			printf("%s without %d: %d states, %s\n", sc->name, i, nseen, found != NULL ? found : "no harm");
	}
	free(seen);
}

/* Without splits the geometry never changes. */
static void
replaced_value(void)
{
	check_scenario(&(Scenario) {"replace", replace, make_reader, judge_read, 1u << 6});
}

static void
value_changed_in_place(void)
{
	check_scenario(&(Scenario) {"poke", poke, make_reader, judge_read, 1u << 6});
}

/* Here the geometry tells what a version read too late does not. */
static void
bucket_split(void)
{
	check_scenario(&(Scenario) {"split", split, make_reader, judge_read, 1u << 4});
}

/*
 * The first window of S, steps 1 to 3, is for keys that are in S already; the
 * rest is covered by the geometry.
 */
static void
bucket_merged(void)
{
	check_scenario(&(Scenario) {"merge and split", merge_and_split, make_reader, judge_read,
				   1u << 1 | 1u << 2 | 1u << 3 | 1u << 5 | 1u << 9});
}

/*
 * Windows of versions, steps 1 to 3, 5, 6 and 10, are for what one key shows; of two, each with
 * a value that cannot be torn, the geometries tell.
 */
static void
many_keys_changed_together(void)
{
	check_scenario(&(Scenario) {"change both", change_both, make_many_reader, judge_both,
				   1u << 1 | 1u << 2 | 1u << 3 | 1u << 5 | 1u << 6 | 1u << 10});
}

/*
 * Geometries, and the version of B, are for commands that change several keys; of A the
 * even version may come late (step 6) or be believed early (8) no more than in the others.  What
 * matters here is that the tag is asked again, and before the versions: 13 to 15.
 */
static void
tag_deleted(void)
{
	check_scenario(&(Scenario) {"delete tag", delete_tag, make_tag_reader, judge_tag,
				   0x3f | 1u << 7 | 0xfu << 9});
}

TEST_MAIN(TEST(many_keys_changed_together),
		  TEST(tag_deleted),
		  TEST(replaced_value),
		  TEST(value_changed_in_place),
		  TEST(bucket_split),
		  TEST(bucket_merged))
