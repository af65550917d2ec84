/*
 * test_scan.c
 *	  Walking all keys: each key present throughout is met exactly once,
 *	  whatever is added, removed, moved or evicted between the calls.
 */
#include "heap_test.h"
#include "keys_test.h"
#include "port_test.h"
#include "test.h"

#define MB		((size_t) 1 << 20)
#define STABLE	3000			/* keys 0 .. STABLE-1 stay; others come and go */
#define MAX_KEYS 200000

typedef struct Walk
{
	uint8_t		met[MAX_KEYS];	/* times */
	uint32_t	calls;
	uint32_t	in_call;		/* keys seen in this hs_scan() */
	uint32_t	garbled;
	int64_t		now_us;
} Walk;

static HsHandle ks;
static Walk walk;

static void
open_store(size_t region, HsEviction eviction)
{
	heap_open(region);
	heap_keyspace(&ks, 1, eviction, 0);
}

static bool
visit(void *arg, HsOp *op, HsRecord *record)
{
	Walk	   *w = arg;
	HsRecordView v;
	char		name[32];
	unsigned	n;

	if (op == NULL)
		return true;			/* a bucket begins */
	hs_record_view(record, &v);
	if (v.key_size >= sizeof(name))
	{
		w->garbled++;
		return true;
	}
	memcpy(name, v.key, v.key_size);
	name[v.key_size] = '\0';
	if (sscanf(name, "key:%u", &n) != 1 || n >= MAX_KEYS || v.expires_us <= w->now_us)
		w->garbled++;
	else
	{
		if (w->met[n] < 255)
			w->met[n]++;
		w->in_call++;
	}
	return true;
}

static void
set(uint32_t n, size_t size, int64_t expires_us)
{
	static uint8_t value[1000];
	char		name[KEYS_NAME_SIZE];

	keys_set(&ks, keys_name(name, n), hs_bytes(value, size), expires_us, HEAP_NOW);
}

static void
del(uint32_t n)
{
	char		name[KEYS_NAME_SIZE];

	keys_del(&ks, keys_name(name, n), HEAP_NOW);
}

/* What others do between two calls of the scan. */
typedef void (*Meddle) (TestRandom *r, uint32_t call);

static void
walk_all(size_t want, Meddle meddle)
{
	TestRandom	r = {test_seed(3)};
	HsCursor	cursor = {0};

	memset(&walk, 0, sizeof(walk));
	walk.now_us = HEAP_NOW;
	while (!cursor.done)
	{
		walk.in_call = 0;
		REQUIRE_EQ(hs_scan(&ks, &cursor, want, HEAP_NOW, visit, &walk), HS_OK);
		/* about 'want': the bucket that goes over is finished */
		CHECK(walk.in_call <= want + 600);
		REQUIRE(walk.calls++ < 3000000);
		if (meddle != NULL)
			meddle(&r, walk.calls);
	}
	CHECK_EQ(walk.garbled, 0);
	CHECK_EQ(port_locks_held(), 0);
}

static void
check_stable_met_once(void)
{
	uint32_t	missed = 0,
				twice = 0;

	for (uint32_t i = 0; i < STABLE; i++)
	{
		missed += walk.met[i] == 0;
		twice += walk.met[i] > 1;
	}
	CHECK_EQ(missed, 0);
	CHECK_EQ(twice, 0);
}

static void
empty_keyspace_ends_at_once(void)
{
	open_store(8 * MB, HS_EVICT_NONE);
	walk_all(10, NULL);
	CHECK(walk.calls <= ks.nparts * 4);
	heap_finish(&ks);
}

static void
quiet_scan_meets_all_once(void)
{
	static const size_t wants[] = {1, 2, 10, 1000, 1000000};
	uint32_t	wrong;

	open_store(16 * MB, HS_EVICT_NONE);
	for (uint32_t i = 0; i < 20000; i++)
		set(i, 10, i % 3 == 0 ? HEAP_NOW + 1 : HS_NEVER);
	for (int k = 0; k < 5; k++)
	{
		CASE("want %zu", wants[k]);
		walk_all(wants[k], NULL);
		wrong = 0;
		for (uint32_t i = 0; i < 20000; i++)
			wrong += walk.met[i] != 1;
		CHECK_EQ(wrong, 0);
	}
	heap_finish(&ks);
}

static void
expired_keys_are_not_met(void)
{
	uint32_t	wrong = 0;

	open_store(8 * MB, HS_EVICT_NONE);
	for (uint32_t i = 0; i < 5000; i++)
		set(i, 10, i % 2 == 0 ? HEAP_NOW : HS_NEVER);
	walk_all(100, NULL);
	for (uint32_t i = 0; i < 5000; i++)
		wrong += walk.met[i] != i % 2;
	CHECK_EQ(wrong, 0);
	heap_finish(&ks);
}

static void
add_many(TestRandom *r, uint32_t call)
{
	(void) r;
	if (call <= 300)
		for (uint32_t i = 0; i < 500; i++)
			set(STABLE + call * 500 + i, 5, HS_NEVER);
}

static void
index_grows_during_scan(void)
{
	open_store(64 * MB, HS_EVICT_NONE);
	for (uint32_t i = 0; i < STABLE; i++)
		set(i, 5, HS_NEVER);
	walk_all(20, add_many);
	CHECK_EQ(keys_count(&ks, HEAP_NOW), STABLE + 300 * 500 - (walk.calls < 300 ? (300 - walk.calls) * 500 : 0));
	check_stable_met_once();
	heap_finish(&ks);
}

static void
remove_many(TestRandom *r, uint32_t call)
{
	(void) r;
	for (uint32_t i = 0; i < 1500; i++)
	{
		uint32_t	n = STABLE + (call - 1) * 1500 + i;

		if (n < 150000)
			del(n);
	}
	keys_work(&ks, HEAP_NOW);
}

static void
index_shrinks_during_scan(void)
{
	open_store(64 * MB, HS_EVICT_NONE);
	for (uint32_t i = 0; i < 150000; i++)
		set(i, 5, HS_NEVER);
	walk_all(20, remove_many);
	CHECK_EQ(keys_count(&ks, HEAP_NOW), STABLE);
	check_stable_met_once();
	heap_finish(&ks);
}

/* Waves: the index grows and shrinks several times while the scan goes on. */
static void
waves(TestRandom *r, uint32_t call)
{
	bool		grow = call / 25 % 2 == 0;

	for (uint32_t i = 0; i < 800; i++)
	{
		uint32_t	n = STABLE + (call % 25) * 800 + i;

		if (grow)
			set(n, test_below(r, 200), HS_NEVER);
		else
			del(n);
	}
	/* the stable ones move and change size */
	for (uint32_t i = 0; i < 50; i++)
		set((uint32_t) test_below(r, STABLE), test_below(r, 900), HS_NEVER);
	if (call % 10 == 0)
		keys_work(&ks, HEAP_NOW);
}

static void
index_waves_during_scan(void)
{
	open_store(64 * MB, HS_EVICT_NONE);
	for (uint32_t i = 0; i < STABLE; i++)
		set(i, 5, HS_NEVER);
	for (uint32_t round = 0; round < 3; round++)
	{
		CASE("want %u", 1 + round * 10);
		walk_all(1 + round * 10, waves);
		check_stable_met_once();
		CHECK_WELL(hs_keyspace_verify(&ks));
	}
	heap_finish(&ks);
}

typedef struct Again
{
	Walk	   *walk;
	uint32_t	bucket[64];		/* keys of the bucket under way, not final yet */
	uint32_t	n;
	uint32_t	said_no;
	uint32_t	left;			/* keys until the next refusal */
} Again;

static void
take_bucket(Again *a)
{
	for (uint32_t i = 0; i < a->n; i++)
		a->walk->met[a->bucket[i]]++;
	a->n = 0;
}

/* A visitor that runs out of room at times and asks for the bucket again. */
static bool
refuse_at_times(void *arg, HsOp *op, HsRecord *record)
{
	Again	   *a = arg;
	char		name[32] = {0};

	(void) record;
	if (op == NULL)
	{
		take_bucket(a);
		return true;
	}
	if (a->left-- == 0)
	{
		a->said_no++;
		a->left = 97;
		a->n = 0;
		return false;
	}
	REQUIRE(op->key.size < sizeof(name) && a->n < 64);
	memcpy(name, op->key.data, op->key.size);
	REQUIRE_EQ(sscanf(name, "key:%u", &a->bucket[a->n]), 1);
	a->n++;
	return true;
}

/* Between refusals the index grows: the bucket that comes again is another. */
static void
refused_bucket_comes_again(void)
{
	HsCursor	cursor = {0};
	Again		a = {.walk = &walk,.left = 50};
	TestRandom	r = {1};

	open_store(16 * MB, HS_EVICT_NONE);
	for (uint32_t i = 0; i < STABLE; i++)
		set(i, 5, HS_NEVER);
	memset(&walk, 0, sizeof(walk));
	for (uint32_t calls = 0; !cursor.done; calls++)
	{
		REQUIRE(calls < 100000);
		REQUIRE_EQ(hs_scan(&ks, &cursor, 30, HEAP_NOW, refuse_at_times, &a), HS_OK);
		/* what the call did not refuse is final with its end */
		take_bucket(&a);
		if (calls % 3 == 0)
			waves(&r, calls / 3);
	}
	check_stable_met_once();
	CHECK(a.said_no > 10);
	heap_finish(&ks);
}

static void
write_over_full(TestRandom *r, uint32_t call)
{
	for (uint32_t i = 0; i < 300; i++)
		set(STABLE + (call * 300 + i) % 150000, 200 + test_below(r, 200), HS_NEVER);
}

/* With eviction at work nothing is met twice, and nothing that never was. */
static void
eviction_during_scan(void)
{
	uint32_t	twice = 0;

	open_store(8 * MB, HS_EVICT_S3FIFO);
	for (uint32_t i = 0; i < STABLE; i++)
		set(i, 5, HS_NEVER);
	walk_all(5, write_over_full);
	for (uint32_t i = 0; i < STABLE; i++)
		twice += walk.met[i] > 1;
	CHECK_EQ(twice, 0);
	CHECK(keys_stats(&ks).evicted > 0);
	heap_finish(&ks);
}

TEST_MAIN(TEST(empty_keyspace_ends_at_once),
		  TEST(quiet_scan_meets_all_once),
		  TEST(expired_keys_are_not_met),
		  TEST(index_grows_during_scan),
		  TEST(index_shrinks_during_scan),
		  TEST(index_waves_during_scan),
		  TEST(refused_bucket_comes_again),
		  TEST(eviction_during_scan))
