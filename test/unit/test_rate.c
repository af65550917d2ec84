/*
 * test_rate.c
 *	  Rate limits, with a clock that the test moves.
 */
#include "test.h"

#include "heap_test.h"
#include "strings_test.h"

#define B(s)	hs_bytes_str(s)
#define SECOND	HEAP_SECOND

static HsHandle h;
static Runner r;

static void
open_all(void)
{
	heap_open((size_t) 16 << 20);
	heap_keyspace(&h, 1, HS_EVICT_NONE, 0);
	run_open(&r, &h, HEAP_NOW);
}

static void
close_all(void)
{
	run_close(&r);
	heap_finish(&h);
}

static HsRate
ask(RateKind kind, int64_t max, int64_t period_us, int64_t cost)
{
	HsRate		rate = {0};

	REQUIRE_EQ(run_rate(&r, kind, B("k"), max, period_us, cost, &rate), HS_OK);
	return rate;
}

static void
is(HsRate rate, bool allowed, int64_t remaining, int64_t retry_after_us)
{
	CHECK_EQ(rate.allowed, allowed);
	CHECK_EQ(rate.remaining, remaining);
	CHECK_EQ(rate.retry_after_us, retry_after_us);
}

static void
fixed_windows_begin_with_the_first_call(void)
{
	open_all();
	is(ask(RATE_FIXED, 2, SECOND, 0), true, 1, 0);
	r.now_us += 400000;
	is(ask(RATE_FIXED, 2, SECOND, 0), true, 0, 0);
	is(ask(RATE_FIXED, 2, SECOND, 0), false, 0, 600000);
	r.now_us += 599999;
	is(ask(RATE_FIXED, 2, SECOND, 0), false, 0, 1);
	r.now_us += 1;
	is(ask(RATE_FIXED, 2, SECOND, 0), true, 1, 0);
	r.now_us -= 100 * SECOND;
	is(ask(RATE_FIXED, 2, SECOND, 0), true, 0, 0);
	is(ask(RATE_FIXED, 2, SECOND, 0), false, 0, SECOND);
	is(ask(RATE_FIXED, 0, SECOND, 0), false, 0, HS_NEVER);
	close_all();
}

static void
sliding_windows_remember_the_one_before(void)
{
	open_all();
	for (int i = 0; i < 10; i++)
		is(ask(RATE_SLIDING, 10, SECOND, 0), true, 9 - i, 0);
	/* full: one may pass once the 10 calls weigh 9, a tenth into the next window */
	is(ask(RATE_SLIDING, 10, SECOND, 0), false, 0, SECOND + 100000);
	r.now_us += SECOND + 99999;
	is(ask(RATE_SLIDING, 10, SECOND, 0), false, 0, 1);
	r.now_us += 1;
	is(ask(RATE_SLIDING, 10, SECOND, 0), true, 0, 0);
	is(ask(RATE_SLIDING, 10, SECOND, 0), false, 0, 100000);
	r.now_us += 400000;			/* half way: 5 of the 10 count, and the new one */
	is(ask(RATE_SLIDING, 10, SECOND, 0), true, 3, 0);
	r.now_us += 2 * SECOND;
	is(ask(RATE_SLIDING, 10, SECOND, 0), true, 9, 0);
	is(ask(RATE_SLIDING, 3, SECOND / 2, 0), true, 2, 0);	/* another period starts anew */
	r.now_us -= 1000 * SECOND;
	is(ask(RATE_SLIDING, 3, SECOND / 2, 0), true, 1, 0);
	is(ask(RATE_SLIDING, 0, SECOND / 2, 0), false, 0, HS_NEVER);
	close_all();
}

static void
buckets_refill_one_by_one(void)
{
	open_all();
	is(ask(RATE_BUCKET, 3, SECOND, 0), true, 3, 0);
	CHECK_EQ(run_get(&r, B("k")), HS_NOT_FOUND);	/* asking made no key */
	is(ask(RATE_BUCKET, 3, SECOND, 1), true, 2, 0);
	is(ask(RATE_BUCKET, 3, SECOND, 2), true, 0, 0);
	is(ask(RATE_BUCKET, 3, SECOND, 1), false, 0, SECOND);
	is(ask(RATE_BUCKET, 3, SECOND, 3), false, 0, 3 * SECOND);
	is(ask(RATE_BUCKET, 3, SECOND, 4), false, 0, HS_NEVER);
	is(ask(RATE_BUCKET, 0, SECOND, 1), false, 0, HS_NEVER);
	is(ask(RATE_BUCKET, 0, SECOND, 0), true, 0, 0);
	r.now_us += SECOND - 1;
	is(ask(RATE_BUCKET, 3, SECOND, 1), false, 0, 1);
	r.now_us += 1;
	is(ask(RATE_BUCKET, 3, SECOND, 1), true, 0, 0);
	r.now_us += 2 * SECOND;
	is(ask(RATE_BUCKET, 3, SECOND, 0), true, 2, 0);
	r.now_us += SECOND;
	CHECK_EQ(run_get(&r, B("k")), HS_NOT_FOUND);	/* full again: nothing to remember */
	is(ask(RATE_BUCKET, 3, SECOND, 3), true, 0, 0);
	r.now_us -= 1000 * SECOND;	/* nobody waits longer than for a whole bucket */
	is(ask(RATE_BUCKET, 3, SECOND, 1), false, 0, SECOND);
	close_all();
}

/* No stretch of one period sees more than max calls pass, whoever asks when. */
static void
limits_are_never_exceeded(void)
{
	TestRandom	rnd = {test_seed(7)};
	static int64_t passed[20000];
	int			kinds = 2;

	for (int kind = 0; kind < kinds; kind++)
	{
		int64_t		max = 20;
		int			n = 0;

		CASE("kind %d", kind);
		open_all();
		for (int i = 0; i < 20000; i++)
		{
			HsRate		rate = ask(kind == 0 ? RATE_BUCKET : RATE_SLIDING, max, kind == 0 ? SECOND / max : SECOND, 1);

			if (rate.allowed)
				passed[n++] = r.now_us;
			else if (test_below(&rnd, 4) == 0)
			{
				/* what it says of waiting is true, to the microsecond */
				r.now_us += rate.retry_after_us - 1;
				CHECK(!ask(kind == 0 ? RATE_BUCKET : RATE_SLIDING, max, kind == 0 ? SECOND / max : SECOND, 1).allowed);
				r.now_us += 1;
				CHECK(ask(kind == 0 ? RATE_BUCKET : RATE_SLIDING, max, kind == 0 ? SECOND / max : SECOND, 1).allowed);
				passed[n++] = r.now_us;
			}
			r.now_us += (int64_t) test_below(&rnd, 60000);
		}
		/* a bucket allows a burst of max and one more per refill */
		for (int64_t i = 2 * max; i < n; i++)
			CHECK(passed[i] - passed[i - 2 * max] >= SECOND);
		CHECK(n > 10000);
		close_all();
	}
}

static void
other_values_are_no_limits(void)
{
	HsSetRule	rule = {.expires_us = HS_NEVER};
	HsRate		rate;
	bool		done;

	open_all();
	CHECK_EQ(run_set(&r, B("k"), B("text"), HS_RF_TEXT, &rule, false, &done), HS_OK);
	for (int kind = 0; kind < 3; kind++)
	{
		CHECK_EQ(run_rate(&r, (RateKind) kind, B("k"), 5, SECOND, 1, &rate), HS_WRONG_TYPE);
		CHECK_EQ(r.found, HS_STRING);
	}
	CHECK_EQ(run_rate(&r, RATE_BUCKET, B("b"), 5, SECOND, 1, &rate), HS_OK);
	CHECK_EQ(run_rate(&r, RATE_SLIDING, B("b"), 5, SECOND, 1, &rate), HS_WRONG_TYPE);
	CHECK_EQ(run_rate(&r, RATE_FIXED, B("b"), 5, SECOND, 1, &rate), HS_WRONG_TYPE);
	CHECK_EQ(run_rate(&r, RATE_FIXED, B("f"), -1, SECOND, 1, &rate), HS_BAD_ARGUMENT);
	CHECK_EQ(run_rate(&r, RATE_FIXED, B("f"), 1, 0, 1, &rate), HS_BAD_ARGUMENT);
	CHECK_EQ(run_rate(&r, RATE_FIXED, B("f"), 1, INT64_MAX, 1, &rate), HS_BAD_ARGUMENT);
	CHECK_EQ(run_rate(&r, RATE_SLIDING, B("f"), 1, INT64_MAX / 2, 1, &rate), HS_BAD_ARGUMENT);
	CHECK_EQ(run_rate(&r, RATE_BUCKET, B("f"), -1, 1, 1, &rate), HS_BAD_ARGUMENT);
	CHECK_EQ(run_rate(&r, RATE_BUCKET, B("f"), 1, 1, -1, &rate), HS_BAD_ARGUMENT);
	CHECK_EQ(run_rate(&r, RATE_BUCKET, B("f"), INT64_MAX, 2, 1, &rate), HS_BAD_ARGUMENT);
	CHECK_EQ(run_rate(&r, RATE_BUCKET, B("f"), 1000000, SECOND, INT64_MAX, &rate), HS_OK);
	is(rate, false, 1000000, HS_NEVER);
	close_all();
}

/* kv_incr() and kv_setrange() work on what a limit keeps. */
static void
numbers_that_others_wrote_do_no_harm(void)
{
	uint8_t		ones[32];
	uint8_t		lows[32] = {0};
	HsRate		rate;
	int64_t		n;
	size_t		size;

	open_all();
	CHECK_EQ(run_incr(&r, B("k"), INT64_MIN, HS_NEVER, &n), HS_OK);
	is(ask(RATE_FIXED, 5, SECOND, 0), true, 4, 0);
	CHECK_EQ(run_incr(&r, B("k"), INT64_MAX - 1, HS_NEVER, &n), HS_OK);
	is(ask(RATE_FIXED, 5, SECOND, 0), false, 0, SECOND);
	memset(ones, 0xff, sizeof(ones));
	ones[31] = ones[23] = ones[15] = 0x7f;
	lows[31] = lows[23] = lows[15] = 0x80;
	for (size_t at = 8; at <= 32; at += 8)
	{
		CASE("at %zu", at);
		CHECK_EQ(run_rate(&r, RATE_SLIDING, B("s"), 5, SECOND, 1, &rate), HS_OK);
		CHECK_EQ(run_edit(&r, B("s"), hs_bytes(ones + 8, 8), false, false, at, &size), HS_OK);
		CHECK_EQ(run_rate(&r, RATE_SLIDING, B("s"), 5, SECOND, 1, &rate), HS_OK);
		CHECK_EQ(run_edit(&r, B("s"), hs_bytes(lows + 8, 8), false, false, at, &size), HS_OK);
		CHECK_EQ(run_rate(&r, RATE_SLIDING, B("s"), 5, SECOND, 1, &rate), HS_OK);
	}
	CHECK_EQ(run_rate(&r, RATE_BUCKET, B("b"), 5, SECOND, 1, &rate), HS_OK);
	CHECK_EQ(run_edit(&r, B("b"), hs_bytes(ones + 8, 8), false, false, 8, &size), HS_OK);
	CHECK_EQ(run_rate(&r, RATE_BUCKET, B("b"), 5, SECOND, 1, &rate), HS_OK);
	CHECK(!rate.allowed);
	CHECK_EQ(run_edit(&r, B("b"), hs_bytes(lows + 8, 8), false, false, 8, &size), HS_OK);
	CHECK_EQ(run_rate(&r, RATE_BUCKET, B("b"), 5, SECOND, 1, &rate), HS_OK);
	CHECK(rate.allowed);
	close_all();
}

TEST_MAIN(TEST(fixed_windows_begin_with_the_first_call),
		  TEST(sliding_windows_remember_the_one_before),
		  TEST(buckets_refill_one_by_one),
		  TEST(limits_are_never_exceeded),
		  TEST(other_values_are_no_limits),
		  TEST(numbers_that_others_wrote_do_no_harm))
