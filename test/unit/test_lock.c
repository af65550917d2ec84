/*
 * test_lock.c
 *	  Locks: one holder at a time, until the instant it expires.
 */
#include "heap_test.h"
#include "keys_test.h"
#include "lock.h"
#include "port_test.h"
#include "strings_test.h"
#include "test.h"

#define B(s) hs_bytes_str(s)
#define KEYS	5
#define TTL		100

static HsHandle h;
static HsHandle other;
static Runner r;
static HsEffects fx;
static int64_t last_token;

typedef enum What
{
	TAKE,
	EXTEND,
	RELEASE
} What;

/* *done: taken, extended, released. */
static HsStatus
run(What what, HsBytes key, int64_t token, bool *done)
{
	HsOp		op;
	HsStatus	status = hs_op_begin(&op, &h, key, HS_EXCLUSIVE, r.now_us);

	*done = false;
	if (status != HS_OK)
		return status;
	op.effects = r.effects;
	if (what == TAKE)
	{
		status = hs_lock_is_free(&op, done);
		if (status == HS_OK && *done)
			status = hs_lock_take(&op, token, r.now_us + TTL);
	}
	else if (what == EXTEND)
		status = hs_lock_extend(&op, token, r.now_us + TTL, done);
	else
		status = hs_lock_release(&op, token, done);
	hs_op_end(&op);
	return status;
}

static bool
does(What what, HsBytes key, int64_t token)
{
	bool		done;

	CHECK_EQ(run(what, key, token, &done), HS_OK);
	return done;
}

static void
open_store(void)
{
	heap_open((size_t) 16 << 20);
	heap_keyspace(&h, 1, HS_EVICT_NONE, 0);
	heap_keyspace(&other, 2, HS_EVICT_NONE, 0);
	run_open(&r, &h, HEAP_NOW);
	fx = (HsEffects) {.data = malloc(1 << 20),.capacity = 1 << 20};
	r.effects = &fx;
	last_token = 0;
}

static void
close_store(void)
{
	run_close(&r);
	free(fx.data);
	hs_keyspace_drop(HEAP_DB, 2);
	heap_finish(&h);
}

static void
one_holder_at_a_time(void)
{
	open_store();
	CHECK(does(TAKE, B("a"), 1));
	CHECK(!does(TAKE, B("a"), 2));
	CHECK(!does(EXTEND, B("a"), 2));
	CHECK(!does(RELEASE, B("a"), 2));
	r.now_us += TTL - 1;
	CHECK(!does(TAKE, B("a"), 3));
	CHECK(does(EXTEND, B("a"), 1));
	r.now_us += TTL - 1;
	CHECK(!does(TAKE, B("a"), 4));
	r.now_us++;
	CHECK(!does(EXTEND, B("a"), 1));
	CHECK(!does(RELEASE, B("a"), 1));
	CHECK(does(TAKE, B("a"), 5));
	CHECK(does(RELEASE, B("a"), 5));
	CHECK(!does(RELEASE, B("a"), 5));
	CHECK(does(TAKE, B("a"), 6));
	close_store();
}

/* What is no lock is held by somebody else, and stays what it is. */
static void
other_values(void)
{
	HsSetRule	always = {.expires_us = HS_NEVER};
	bool		done;

	open_store();
	CHECK_EQ(run_set(&r, B("t"), B("7"), HS_RF_TEXT, &always, false, &done), HS_OK);
	CHECK(!does(TAKE, B("t"), 7));
	CHECK(!does(EXTEND, B("t"), 7));
	CHECK(!does(RELEASE, B("t"), 7));
	CHECK_EQ(run_get(&r, B("t")), HS_OK);
	CHECK_EQ(r.got.expires_us, HS_NEVER);
	close_store();
}

/* Against a model; effects replayed at once make the same. */
static void
as_a_model_does(void)
{
	TestRandom	rnd = {test_seed(3)};
	int64_t		holder[KEYS] = {0};
	int64_t		until[KEYS] = {0};
	char		names[KEYS][8];
	Runner		b;

	open_store();
	run_open(&b, &other, HEAP_NOW);
	for (int i = 0; i < 20000; i++)
	{
		size_t		k = test_below(&rnd, KEYS);
		HsBytes		key = hs_bytes(names[k], (size_t) sprintf(names[k], "k%zu", k));
		bool		is_held;
		int64_t		token;

		CASE("step %d", i);
		r.now_us += (int64_t) test_below(&rnd, 30);
		b.now_us = r.now_us;
		is_held = holder[k] != 0 && until[k] > r.now_us;
		token = test_below(&rnd, 3) ? holder[k] : (int64_t) test_below(&rnd, (uint64_t) last_token + 2);
		switch (test_below(&rnd, 3))
		{
			case 0:
				if (CHECK_EQ(does(TAKE, key, ++last_token), !is_held) && !is_held)
				{
					holder[k] = last_token;
					until[k] = r.now_us + TTL;
				}
				break;
			case 1:
				CHECK_EQ(does(EXTEND, key, token), is_held && token == holder[k]);
				if (is_held && token == holder[k])
					until[k] = r.now_us + TTL;
				break;
			default:
				CHECK_EQ(does(RELEASE, key, token), is_held && token == holder[k]);
				if (is_held && token == holder[k])
					holder[k] = 0;
		}
		CHECK_EQ(run_replay(&r, &other), HS_OK);
	}
	CHECK(run_equal(&r, &b));
	run_close(&b);
	close_store();
}

/* Without memory, for the lock or for its effect, nothing is locked or let go. */
static void
without_memory(void)
{
	bool		done;

	open_store();
	for (int n = 0; n < 10; n++)
	{
		HsStatus	status;

		heap_fail_after(n);
		status = run(TAKE, B("a"), 1, &done);
		heap_fail_after(-1);
		if (status == HS_OK)
			break;
		CHECK_EQ(status, HS_NO_MEMORY);
		CHECK_EQ(run_get(&r, B("a")), HS_NOT_FOUND);
	}
	CHECK_EQ(run_get(&r, B("a")), HS_OK);
	fx.size = fx.capacity = 0;
	CHECK_EQ(run(TAKE, B("b"), 2, &done), HS_NO_MEMORY);
	CHECK_EQ(run_get(&r, B("b")), HS_NOT_FOUND);
	r.now_us++;
	CHECK_EQ(run(EXTEND, B("a"), 1, &done), HS_NO_MEMORY);
	CHECK_EQ(run(RELEASE, B("a"), 1, &done), HS_NO_MEMORY);
	CHECK_EQ(run_get(&r, B("a")), HS_OK);
	CHECK_EQ(r.got.expires_us, HEAP_NOW + TTL);
	close_store();
}

TEST_MAIN(TEST(one_holder_at_a_time),
		  TEST(other_values),
		  TEST(as_a_model_does),
		  TEST(without_memory))
