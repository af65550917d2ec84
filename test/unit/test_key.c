/*
 * test_key.c
 *	  Commands on keys of any type: deleting, expiry, rename and copy, slots.
 *	  Random commands on strings are in test_string.c.
 */
#include "test.h"

#include "heap_test.h"
#include "slot.h"
#include "strings_test.h"
#include "zset.h"

#define B(s)	hs_bytes_str(s)
#define MANY	5000			/* members: a large collection */

static HsHandle h;
static Runner r;

static void
open_all(void)
{
	heap_open((size_t) 64 << 20);
	heap_keyspace(&h, 1, HS_EVICT_NONE, 0);
	run_open(&r, &h, HEAP_NOW);
}

static void
close_all(void)
{
	run_close(&r);
	heap_finish(&h);
}

static void
set(const char *key, const char *value, int64_t expires_us)
{
	HsSetRule	rule = {.expires_us = expires_us};
	bool		done;

	REQUIRE_EQ(run_set(&r, B(key), B(value), HS_RF_TEXT, &rule, false, &done), HS_OK);
}

static int64_t
expiry(HsBytes key)
{
	HsRead		read;

	return hs_peek(&h, key, r.now_us, &read) == HS_OK ? read.expires_us : 0;
}

/* A sorted set of n members m0.. with scores 0.. */
static void
fill(HsBytes key, int n)
{
	for (int i = 0; i < n; i++)
	{
		char		name[16];
		HsBytes		member = hs_bytes(name, (size_t) sprintf(name, "m%d", i));
		HsZsetAdded added;
		HsStatus	status;
		HsOp		op;

		do
		{
			REQUIRE_EQ(hs_op_begin(&op, &h, key, HS_EXCLUSIVE, r.now_us), HS_OK);
			status = hs_zset_add(&op, member, i, 0, HS_NEVER, &added);
			hs_op_end(&op);
		} while (status == HS_NO_MEMORY && hs_make_room(&h, op.hash, op.need, r.now_us));
		REQUIRE_EQ(status, HS_OK);
	}
}

static void
is_filled(HsBytes key, int n)
{
	HsOp		op;
	uint64_t	count = 0;
	double		score = -1;
	char		last[16];

	sprintf(last, "m%d", n - 1);
	REQUIRE_EQ(hs_op_begin(&op, &h, key, HS_SHARED, r.now_us), HS_OK);
	CHECK_EQ(hs_zset_card(&op, &count), HS_OK);
	CHECK_EQ(count, n);
	CHECK_EQ(hs_zset_score(&op, B(last), &score), n > 0 ? HS_OK : HS_NOT_FOUND);
	CHECK_NEAR(score, n - 1, 0);
	hs_op_end(&op);
}

/* Another key in the partition of 'key', or in a different one. */
static HsBytes
neighbour(HsBytes key, bool same, char *buf)
{
	HsMulti		m;

	for (int i = 0;; i++)
	{
		HsBytes		other = hs_bytes(buf, (size_t) sprintf(buf, "other%d", i));
		HsOp		x;
		HsOp		y;

		(void) hs_multi_begin(&m, &h, NULL, 0, HS_SHARED, r.now_us);
		(void) hs_multi_op(&m, key, &x);
		(void) hs_multi_op(&m, other, &y);
		hs_multi_end(&m);
		if ((x.part == y.part) == same)
			return other;
	}
}

static void
keys_are_deleted_and_counted_together(void)
{
	HsBytes		keys[] = {B("a"), B("none"), B("a"), B("b")};
	HsMulti		m;
	uint64_t	n = 0;

	open_all();
	set("a", "1", HS_NEVER);
	set("b", "2", r.now_us + 10);
	REQUIRE_EQ(hs_multi_begin(&m, &h, keys, 4, HS_SHARED, r.now_us), HS_OK);
	CHECK_EQ(hs_keys_exist(&m, keys, 4, &n), HS_OK);
	CHECK_EQ(n, 3);				/* "a" twice */
	hs_multi_end(&m);
	REQUIRE_EQ(hs_multi_begin(&m, &h, keys, 4, HS_EXCLUSIVE, r.now_us + 10), HS_OK);
	CHECK_EQ(hs_keys_delete(&m, keys, 4, &n), HS_OK);
	CHECK_EQ(n, 1);				/* "a" once, "b" has expired */
	hs_multi_end(&m);
	close_all();
}

/* Of any number, some of them absent or named twice, in a keyspace that is empty or not. */
static void
any_number_of_keys_are_deleted_at_once(void)
{
	enum
	{
		NAMES = 300, MOST = 200
	};
	char		names[NAMES][16];
	bool		is_there[NAMES] = {false};
	TestRandom	random = {test_seed(7)};

	open_all();
	for (unsigned i = 0; i < NAMES; i++)
		snprintf(names[i], sizeof(names[i]), "key %u", i);
	for (uint64_t round = test_scaled(300); round > 0; round--)
	{
		HsBytes		keys[MOST];
		size_t		nkeys = test_below(&random, MOST);
		uint64_t	expected = 0;
		uint64_t	n;
		HsMulti		m;

		for (size_t i = 0; i < nkeys; i++)
		{
			unsigned	which = (unsigned) test_below(&random, NAMES);

			keys[i] = B(names[which]);
			expected += is_there[which];
			is_there[which] = false;
		}
		REQUIRE_EQ(hs_multi_begin(&m, &h, keys, nkeys, HS_EXCLUSIVE, r.now_us), HS_OK);
		CHECK_EQ(hs_keys_delete(&m, keys, nkeys, &n), HS_OK);
		hs_multi_end(&m);
		CHECK_EQ(n, expected);
		for (unsigned i = 0; i < NAMES; i++)
		{
			CHECK_EQ(run_get(&r, B(names[i])), is_there[i] ? HS_OK : HS_NOT_FOUND);
			if (round % 3 > 0 && test_below(&random, 2) == 0)
			{
				set(names[i], "v", HS_NEVER);
				is_there[i] = true;
			}
		}
	}
	close_all();
}

/* A buffer for effects that is too small stops a command before it begins. */
static void
no_room_for_effects_changes_nothing(void)
{
	uint8_t		room[8];
	HsEffects	fx = {room, 0, sizeof(room), 0};
	HsSetRule	rule = {.expires_us = HS_NEVER};
	HsBytes		keys[] = {B("key"), B("new")};
	HsExpireRule always = {0};
	HsMulti		m;
	int64_t		n;
	size_t		size;
	uint64_t	count;
	bool		done;

	open_all();
	set("key", "12345678901", HS_NEVER);
	r.effects = &fx;
	r.no_room = true;
	CHECK_EQ(run_set(&r, B("key"), B("another"), 0, &rule, false, &done), HS_NO_MEMORY);
	CHECK_EQ(run_incr(&r, B("key"), 1, HS_NEVER, &n), HS_NO_MEMORY);
	CHECK_EQ(run_edit(&r, B("key"), B("x"), true, true, 0, &size), HS_NO_MEMORY);
	CHECK_EQ(run_edit(&r, B("key"), B("x"), true, false, 0, &size), HS_NO_MEMORY);
	CHECK_EQ(run_mset(&r, keys, keys, 2, HS_NEVER, false, &done), HS_NO_MEMORY);
	CHECK_EQ(run_expire(&r, B("key"), &always, r.now_us + 5, &done), HS_NO_MEMORY);
	CHECK_EQ(run_move(&r, B("key"), B("new"), false, true, &done), HS_NO_MEMORY);
	fx.capacity = 3;
	CHECK_EQ(run_del(&r, B("key"), &done), HS_NO_MEMORY);
	CHECK_EQ(run_getdel(&r, B("key")), HS_NO_MEMORY);
	CHECK_EQ(run_getex(&r, B("key"), r.now_us + 5), HS_NO_MEMORY);
	REQUIRE_EQ(hs_multi_begin(&m, &h, keys, 2, HS_EXCLUSIVE, r.now_us), HS_OK);
	m.effects = &fx;
	CHECK_EQ(hs_keys_delete(&m, keys, 2, &count), HS_NO_MEMORY);
	hs_multi_end(&m);
	CHECK_EQ(fx.size, 0);
	CHECK(fx.wanted > fx.capacity);
	CHECK_EQ(run_get(&r, B("key")), HS_OK);
	CHECK_STR(run_text(&r), "12345678901");
	CHECK_EQ(expiry(B("key")), HS_NEVER);
	CHECK_EQ(run_get(&r, B("new")), HS_NOT_FOUND);
	close_all();
}

static void
contradictory_rules_are_refused(void)
{
	static const HsExpireRule bad[] = {
		{.nx = true,.xx = true}, {.nx = true,.gt = true}, {.nx = true,.lt = true}, {.gt = true,.lt = true}
	};
	bool		done;

	open_all();
	set("k", "v", HS_NEVER);
	for (size_t i = 0; i < 4; i++)
		CHECK_EQ(run_expire(&r, B("k"), &bad[i], r.now_us + 5, &done), HS_BAD_ARGUMENT);
	close_all();
}

static void
collections_move_and_are_copied(void)
{
	for (int n = 3; n <= MANY; n = n == 3 ? MANY : n + 1)
	{
		for (int kind = 0; kind < 4; kind++)
		{
			bool		keep = kind & 1;
			bool		same = kind & 2;
			char		name[32];
			HsBytes		to;
			bool		done = false;

			CASE("%d members, %s, %s partition", n, keep ? "copy" : "rename", same ? "same" : "other");
			open_all();
			to = neighbour(B("from"), same, name);
			fill(B("from"), n);
			fill(to, MANY / 2);
			CHECK_EQ(run_move(&r, B("from"), to, keep, false, &done), HS_OK);
			CHECK(!done);
			is_filled(to, MANY / 2);
			CHECK_EQ(run_move(&r, B("from"), to, keep, true, &done), HS_OK);
			CHECK(done);
			is_filled(to, n);
			is_filled(B("from"), keep ? n : 0);
			CHECK_WELL(hs_keyspace_verify(&h));
			/* each of two copies lives on its own */
			CHECK_EQ(run_del(&r, B("from"), &done), HS_OK);
			is_filled(to, n);
			close_all();
		}
	}
}

/* A copy or a move that finds no memory leaves source and target as they were. */
static void
moves_are_whole_or_not_at_all(void)
{
	for (int kind = 0; kind < 4; kind++)
	{
		char		name[32];
		HsBytes		to;
		bool		done = false;
		HsStatus	status;

		open_all();
		r.no_room = true;
		to = neighbour(B("from"), kind & 2, name);
		fill(B("from"), MANY);
		fill(to, 200);
		for (int fail = 0;; fail++)
		{
			CASE("kind %d, allocation %d", kind, fail);
			REQUIRE(fail < 1000);
			heap_fail_after(fail);
			status = run_move(&r, B("from"), to, kind & 1, true, &done);
			heap_fail_after(-1);
			if (status == HS_OK)
				break;
			CHECK_EQ(status, HS_NO_MEMORY);
			is_filled(B("from"), MANY);
			is_filled(to, 200);
			CHECK_WELL(hs_keyspace_verify(&h));
		}
		is_filled(to, MANY);
		close_all();
	}
}

static void
strings_keep_their_expiry_and_kind(void)
{
	char		name[32];
	HsBytes		to;
	HsRead		read;
	int64_t		n;
	bool		done;

	open_all();
	to = neighbour(B("n"), false, name);
	CHECK_EQ(run_incr(&r, B("n"), 42, r.now_us + 100, &n), HS_OK);
	CHECK_EQ(run_move(&r, B("n"), to, true, false, &done), HS_OK);
	CHECK(done);
	CHECK_EQ(hs_peek(&h, to, r.now_us, &read), HS_OK);
	CHECK(read.flags & HS_RF_INT);
	CHECK_EQ(read.expires_us, r.now_us + 100);
	CHECK_EQ(run_move(&r, B("n"), B("n"), false, true, &done), HS_OK);
	CHECK(done);
	CHECK_EQ(run_move(&r, B("n"), B("n"), false, false, &done), HS_OK);
	CHECK(!done);
	CHECK_EQ(run_incr(&r, B("n"), 1, HS_NEVER, &n), HS_OK);
	CHECK_EQ(n, 43);
	CHECK_EQ(run_move(&r, B("none"), B("n"), false, true, &done), HS_NOT_FOUND);
	CHECK_EQ(run_incr(&r, B("n"), 0, HS_NEVER, &n), HS_OK);
	CHECK_EQ(n, 43);
	close_all();
}

static void
string_commands_refuse_other_types(void)
{
	HsSetRule	rule = {.only = HS_SET_IF_EQUAL,.expires_us = HS_NEVER};
	double		d;
	int64_t		n;
	size_t		size;
	bool		done;

	open_all();
	fill(B("z"), 3);
	CHECK_EQ(run_get(&r, B("z")), HS_WRONG_TYPE);
	CHECK_EQ(r.found, HS_ZSET);
	CHECK_EQ(run_range(&r, B("z"), 0, 1), HS_WRONG_TYPE);
	CHECK_EQ(run_length(&r, B("z"), &size), HS_WRONG_TYPE);
	CHECK_EQ(run_getdel(&r, B("z")), HS_WRONG_TYPE);
	CHECK_EQ(run_getex(&r, B("z"), HS_NEVER), HS_WRONG_TYPE);
	CHECK_EQ(run_incr(&r, B("z"), 1, HS_NEVER, &n), HS_WRONG_TYPE);
	CHECK_EQ(run_incrbyfloat(&r, B("z"), 1, &d), HS_WRONG_TYPE);
	CHECK_EQ(run_edit(&r, B("z"), B("x"), true, true, 0, &size), HS_WRONG_TYPE);
	CHECK_EQ(run_del_if(&r, B("z"), B("x"), &done), HS_WRONG_TYPE);
	CHECK_EQ(run_set(&r, B("z"), B("x"), 0, &rule, false, &done), HS_WRONG_TYPE);
	CHECK_EQ(r.found, HS_ZSET);
	rule.only = HS_SET_ALWAYS;
	CHECK_EQ(run_set(&r, B("z"), B("x"), 0, &rule, true, &done), HS_WRONG_TYPE);
	is_filled(B("z"), 3);
	CHECK_EQ(run_set(&r, B("z"), B("x"), 0, &rule, false, &done), HS_OK);
	CHECK_EQ(run_get(&r, B("z")), HS_OK);
	close_all();
}

static void
slots_are_those_of_redis_cluster(void)
{
	static const struct
	{
		const char *key;
		unsigned	slot;
	}			cases[] = {
		{"123456789", 12739}, {"", 0}, {"foo", 12182}, {"bar", 5061}, {"{foo}.bar", 12182},
		{"x{foo}", 12182}, {"{foo}{bar}", 12182}, {"foo{}{bar}", 8363}, {"foo{{bar}}zap", 4015},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		CASE("\"%s\"", cases[i].key);
		CHECK_EQ(hs_slot(B(cases[i].key)), cases[i].slot);
	}
}

/* Begin a command on the key that writes its effects. */
static void
begin_noted(HsOp *op, const char *key, HsEffects *fx)
{
	REQUIRE_EQ(hs_op_begin(op, &h, B(key), HS_EXCLUSIVE, r.now_us), HS_OK);
	op->effects = fx;
}

static void
expire_noted(const char *key, int64_t expires_us, HsEffects *fx)
{
	HsExpireRule always = {0};
	HsOp		op;
	bool		done;

	begin_noted(&op, key, fx);
	REQUIRE_EQ(hs_key_expire(&op, &always, expires_us, &done), HS_OK);
	CHECK(done);
	hs_op_end(&op);
}

static void
zadd_noted(const char *key, const char *member, HsEffects *fx)
{
	HsZsetAdded added;
	HsOp		op;

	begin_noted(&op, key, fx);
	REQUIRE_EQ(hs_zset_add(&op, B(member), 1, 0, HS_NEVER, &added), HS_OK);
	hs_op_end(&op);
}

/* How many members, or 0 if this is not one of them. */
static uint64_t
zcard(const char *key, const char *member)
{
	HsOp		op;
	uint64_t	n;
	double		score;

	begin_noted(&op, key, NULL);
	REQUIRE_EQ(hs_zset_card(&op, &n), HS_OK);
	if (hs_zset_score(&op, B(member), &score) != HS_OK)
		n = 0;
	hs_op_end(&op);
	return n;
}

/*
 * A log done again long after: a key whose expiry was put off lives, and one that
 * expired and was made anew has nothing of what it held before.  Once and twice.
 */
static void
log_of_expiries_is_done_again_late(void)
{
	uint8_t		log[2000];
	HsEffects	fx = {log, 0, sizeof(log), 0};
	uint64_t	removed;

	open_all();
	r.effects = &fx;
	set("put off", "v", HEAP_NOW + 10);
	expire_noted("put off", HEAP_NOW + 20, &fx);
	expire_noted("put off", HS_NEVER, &fx);
	set("over", "v", HEAP_NOW + 10);
	zadd_noted("kept", "a", &fx);
	expire_noted("kept", HEAP_NOW + 10, &fx);
	expire_noted("kept", HEAP_NOW + 1000, &fx);
	zadd_noted("anew", "a", &fx);
	expire_noted("anew", HEAP_NOW + 10, &fx);
	r.now_us += 20;
	zadd_noted("anew", "b", &fx);
	r.effects = NULL;
	for (int times = 0; times < 3; times++)
	{
		size_t		pos = 0,
					need;
		uint64_t	hash;

		CASE("done again %d times", times);
		CHECK_EQ(expiry(B("put off")), HS_NEVER);
		CHECK_EQ(expiry(B("over")), 0);
		CHECK_EQ(expiry(B("kept")), HEAP_NOW + 1000);
		CHECK_EQ(expiry(B("anew")), HS_NEVER);
		CHECK_EQ(zcard("kept", "a"), 1);
		CHECK_EQ(zcard("anew", "b"), 1);
		if (times == 0)
			REQUIRE_EQ(hs_keyspace_flush(&h, r.now_us, &removed), HS_OK);
		REQUIRE_EQ(hs_effect_apply(&h, hs_bytes(log, fx.size), &pos, r.now_us, &need, &hash), HS_OK);
	}
	close_all();
}

TEST_MAIN(TEST(log_of_expiries_is_done_again_late),
		  TEST(keys_are_deleted_and_counted_together),
		  TEST(any_number_of_keys_are_deleted_at_once),
		  TEST(no_room_for_effects_changes_nothing),
		  TEST(contradictory_rules_are_refused),
		  TEST(collections_move_and_are_copied),
		  TEST(moves_are_whole_or_not_at_all),
		  TEST(strings_keep_their_expiry_and_kind),
		  TEST(string_commands_refuse_other_types),
		  TEST(slots_are_those_of_redis_cluster))
