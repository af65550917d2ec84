/*
 * test_set.c
 *	  Sets of both encodings against a naive model.
 *
 * TEST_SCALE=100 in the environment: some ten million random commands.
 */
#include "dict_int.h"
#include "port_test.h"
#include "slab_test.h"

#define TYPE	HS_SET
#include "dict_both_test.h"

/*
 * ---- Several sets ---------------------------------------------------------------------
 */

#define NSETS	5

static HsHandle h;

static bool
is_wanted(HsSetOp setop, const DictRun *sets, const unsigned *which, size_t n, unsigned id)
{
	bool		in_first = sets[which[0]].m.has[id] >= 0;

	for (size_t i = 1; i < n; i++)
	{
		bool		is_in = sets[which[i]].m.has[id] >= 0;

		if (setop == HS_SET_UNION && is_in)
			return true;
		if (setop != HS_SET_UNION && is_in != (setop == HS_SET_INTER))
			return false;
	}
	return in_first;
}

/* An operation on up to 'most' random ones of the sets, with buffers that are too small first. */
static void
run_algebra(DictRun *sets, DictRun *dest, TestRandom *r, size_t most)
{
	static const char *names[NSETS] = {"s0", "s1", "s2", "s3", "s4"};
	HsSetOp		setop = (HsSetOp) test_below(r, 3);
	size_t		n = 1 + test_below(r, most);
	unsigned   *which = calloc(n, sizeof(unsigned));
	HsBytes    *keys = calloc(n + 1, sizeof(HsBytes));
	HsItems		out = dest->out;
	size_t		bad = 99;
	HsType		found = HS_ANY;
	uint64_t	card = 0;
	HsStatus	status;
	HsMulti		m;

	for (size_t i = 0; i < n; i++)
	{
		which[i] = (unsigned) test_below(r, NSETS);
		keys[i] = hs_bytes_str(names[which[i]]);
	}
	keys[n] = hs_bytes_str(dest->key);
	dict_model_clear(&dest->m);
	for (unsigned id = 0; id < dest->m.space; id++)
		if (is_wanted(setop, sets, which, n, id))
			dict_model_set(&dest->m, id, 0);
	REQUIRE_EQ(hs_multi_begin(&m, &h, keys, n + 1, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
	for (int k = 1;; k *= 2)
	{
		port_interrupt_after(k);
		status = hs_set_algebra(&m, setop, keys, n, &out, &bad, &found);
		if (status != HS_INTERRUPTED)
			break;
		CHECK_EQ(hs_set_intercard(&m, keys, n, 0, &card, &bad, &found), HS_INTERRUPTED);
	}
	port_interrupt_after(-1);
	CHECK_EQ(status, HS_OK);
	out.capacity = 2;
	while ((status = hs_set_algebra(&m, setop, keys, n, &out, &bad, &found)) == HS_BUFFER_TOO_SMALL)
	{
		REQUIRE(out.need > out.capacity && out.need <= dest->out.capacity);
		out.capacity = out.need;
	}
	REQUIRE_EQ(status, HS_OK);
	CHECK_EQ(out.n, dest->m.n);
	if (setop == HS_SET_INTER)
	{
		REQUIRE_EQ(hs_set_intercard(&m, keys, n, 0, &card, &bad, &found), HS_OK);
		CHECK_EQ(card, out.n);
		REQUIRE_EQ(hs_set_intercard(&m, keys, n, 7, &card, &bad, &found), HS_OK);
		CHECK_EQ(card, out.n < 7 ? out.n : 7);
	}
	REQUIRE_EQ(hs_multi_op(&m, keys[n], &dest->op), HS_OK);
	REQUIRE_EQ(hs_set_store(&dest->op, &out, HS_NEVER), HS_OK);
	hs_multi_end(&m);
	dict_check_all(dest, 1 << 20);
	free(which);
	free(keys);
}

static void
algebra_against_the_model(void)
{
	static const unsigned sizes[] = {0, 5, 100, 129, 1500};
	static const char *names[NSETS] = {"s0", "s1", "s2", "s3", "s4"};
	TestRandom	r = {test_seed(21)};

	for (uint64_t i = 0; i < test_scaled(15); i++)
	{
		DictRun		sets[NSETS + 1];

		CASE("round %u", (unsigned) i);
		dict_test_open(&h);
		for (unsigned s = 0; s <= NSETS; s++)
			dict_run_open(&sets[s], &h, HS_SET, s < NSETS ? names[s] : "dest", 2000, i % 3 == 0, i + s);
		for (unsigned s = 0; s < NSETS; s++)
		{
			unsigned	n = sizes[test_below(&r, sizeof(sizes) / sizeof(sizes[0]))];

			for (unsigned k = 0; k < n; k++)
			{
				unsigned	id = (unsigned) test_below(&r, n + n / 4 + 1);

				REQUIRE(dict_put(&sets[s], &id, 1, false));
			}
		}
		for (int k = 0; k < 30; k++)
			run_algebra(sets, &sets[NSETS], &r, k % 10 == 9 ? 150 : 4);
		for (unsigned s = 0; s <= NSETS; s++)
			dict_run_close(&sets[s]);
		dict_test_done(&h);
	}
}

/* However many sets and members there are, it is not long until somebody asks. */
static void
algebra_can_be_interrupted(void)
{
	enum
	{
		MEMBERS = 1000, TIMES = 500, QUESTIONS = 1 << 30
	};
	HsBytes		keys[TIMES];
	DictRun		set;
	size_t		bad;
	HsType		found;
	uint64_t	n;
	HsMulti		m;

	dict_test_open(&h);
	dict_run_open(&set, &h, HS_SET, "s", 2 * MEMBERS, false, 1);
	for (unsigned id = 0; id < MEMBERS; id++)
		REQUIRE(dict_put(&set, &id, 1, false));
	for (int i = 0; i < TIMES; i++)
		keys[i] = hs_bytes_str("s");
	REQUIRE_EQ(hs_multi_begin(&m, &h, keys, TIMES, HS_SHARED, HEAP_NOW), HS_OK);
	port_interrupt_after(QUESTIONS);
	for (HsSetOp setop = HS_SET_UNION; setop <= HS_SET_DIFF; setop++)
	{
		int			before = port_questions_left();

		CASE("operation %d", (int) setop);
		REQUIRE_EQ(hs_set_algebra(&m, setop, keys, TIMES, &set.out, &bad, &found), HS_OK);
		CHECK(before - port_questions_left() > (setop == HS_SET_INTER ? MEMBERS * TIMES / 64 : TIMES));
	}
	port_interrupt_after(QUESTIONS);
	REQUIRE_EQ(hs_set_intercard(&m, keys, TIMES, 0, &n, &bad, &found), HS_OK);
	CHECK_EQ(n, MEMBERS);
	CHECK(QUESTIONS - port_questions_left() > MEMBERS * TIMES / 64);
	port_interrupt_after(-1);
	hs_multi_end(&m);
	dict_run_close(&set);
	dict_test_done(&h);
}

static void
algebra_names_the_key_of_another_type(void)
{
	HsBytes		keys[2] = {hs_bytes_str("a"), hs_bytes_str("h")};
	HsBytes		member = hs_bytes_str("m");
	HsHashField field = {member, member};
	uint8_t		buf[100];
	HsItems		out = {.buf = buf,.capacity = sizeof(buf)};
	size_t		bad = 99;
	HsType		found = HS_ANY;
	bool		moved;
	uint64_t	n;
	HsMulti		m;
	HsOp		op;

	dict_test_open(&h);
	REQUIRE_EQ(hs_multi_begin(&m, &h, keys, 2, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
	REQUIRE_EQ(hs_multi_op(&m, keys[0], &op), HS_OK);
	REQUIRE_EQ(hs_set_add(&op, &member, 1, HS_NEVER, &n), HS_OK);
	REQUIRE_EQ(hs_multi_op(&m, keys[1], &op), HS_OK);
	REQUIRE_EQ(hs_hash_set(&op, &field, 1, false, HS_NEVER, &n), HS_OK);
	for (HsSetOp setop = HS_SET_UNION; setop <= HS_SET_DIFF; setop++)
	{
		bad = 99;
		CHECK_EQ(hs_set_algebra(&m, setop, keys, 2, &out, &bad, &found), HS_WRONG_TYPE);
		CHECK_EQ(bad, 1);
		CHECK_EQ(found, HS_HASH);
		CHECK_EQ(hs_set_algebra(&m, setop, keys, 0, &out, &bad, &found), HS_BAD_ARGUMENT);
	}
	CHECK_EQ(hs_set_intercard(&m, keys, 2, 0, &n, &bad, &found), HS_WRONG_TYPE);
	found = HS_ANY;
	CHECK_EQ(hs_set_move(&m, keys[0], keys[1], member, HS_NEVER, &moved, &bad, &found), HS_WRONG_TYPE);
	CHECK_EQ(bad, 1);
	CHECK_EQ(found, HS_HASH);
	CHECK_EQ(hs_set_move(&m, keys[1], keys[0], member, HS_NEVER, &moved, &bad, &found), HS_WRONG_TYPE);
	CHECK_EQ(bad, 0);
	hs_multi_end(&m);
	dict_test_done(&h);
}

/* Members go back and forth, as far as memory lets them. */
static void
moves_are_whole(void)
{
	static const unsigned sizes[] = {1, 128, 600};
	HsBytes		keys[2] = {hs_bytes_str("a"), hs_bytes_str("b")};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		DictRun		t[2];

		CASE("%u members", sizes[i]);
		dict_test_open(&h);
		dict_run_open(&t[0], &h, HS_SET, "a", 700, true, 1);
		dict_run_open(&t[1], &h, HS_SET, "b", 700, true, 1);
		for (unsigned id = 0; id < sizes[i]; id++)
			REQUIRE(dict_put(&t[0], &id, 1, false));
		for (unsigned step = 0; step < 3000; step++)
		{
			unsigned	from = (unsigned) test_below(&t[0].r, 2);
			unsigned	to = test_below(&t[0].r, 16) == 0 ? from : 1 - from;
			unsigned	id = (unsigned) test_below(&t[0].r, sizes[i] + 1);
			bool		has = t[from].m.has[id] >= 0;
			bool		moved = false;
			size_t		bad;
			HsType		found;
			HsStatus	status;
			HsMulti		m;

			slab_fail_after(test_below(&t[0].r, 4) == 0 ? 0 : -1);
			REQUIRE_EQ(hs_multi_begin(&m, &h, keys, 2, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
			status = hs_set_move(&m, keys[from], keys[to], t[0].m.name[id], HS_NEVER, &moved, &bad, &found);
			slab_fail_after(-1);
			if (status == HS_NO_MEMORY)
				CHECK(m.need > 0);
			else
			{
				REQUIRE_EQ(status, HS_OK);
				CHECK_EQ(moved, has);
				if (has && from != to)
				{
					dict_model_remove(&t[from].m, id);
					dict_model_set(&t[to].m, id, 0);
				}
			}
			hs_multi_end(&m);
			if (step % 100 == 0)
				for (int k = 0; k < 2; k++)
					dict_check_all(&t[k], 1 << 20);
		}
		for (int k = 0; k < 2; k++)
			dict_run_close(&t[k]);
		dict_test_done(&h);
	}
}

/* A result replaces whatever was there; none removes it; effects say so; a failure leaves it. */
static void
store_replaces_anything(void)
{
	static const unsigned sizes[] = {2, 300, 0};
	uint8_t		log[20000];
	uint8_t    *buf = malloc(100000);
	HsBytes		member = hs_bytes_str("m");
	HsHashField field = {member, member};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		HsItems		out = {.buf = buf,.capacity = 100000};
		HsEffects	fx = {log, 0, sizeof(log), 0};
		HsHandle	twin;
		DictRun		t;
		uint64_t	n;
		uint64_t	hash;
		size_t		pos = 0;
		size_t		need;

		CASE("%u members", sizes[i]);
		dict_test_open(&h);
		heap_keyspace(&twin, 2, HS_EVICT_NONE, 0);
		dict_run_open(&t, &h, HS_SET, "k", 400, false, 1);
		for (unsigned id = 0; id < sizes[i]; id++)
		{
			hs_items_put(&out, t.m.name[id]);
			dict_model_set(&t.m, id, 0);
		}
		dict_begin(&t, HS_EXCLUSIVE);
		REQUIRE_EQ(hs_hash_set(&t.op, &field, 1, false, HS_NEVER, &n), HS_OK);
		slab_fail_after(0);
		t.op.effects = &fx;
		if (sizes[i] == 300)
		{
			CHECK_EQ(hs_set_store(&t.op, &out, HS_NEVER), HS_NO_MEMORY);
			CHECK_EQ(fx.size, 0);
			CHECK_EQ(hs_hash_count(&t.op, &n), HS_OK);
		}
		slab_fail_after(-1);
		CHECK_EQ(hs_set_store(&t.op, &out, HEAP_NOW + HEAP_SECOND), HS_OK);
		CHECK(sizes[i] == 0 || hs_expiry(hs_find(&t.op)) == HEAP_NOW + HEAP_SECOND);
		if (sizes[i] == 2)
		{
			hs_items_put(&out, t.m.name[0]);
			CHECK_EQ(hs_set_store(&t.op, &out, HS_NEVER), HS_BAD_ARGUMENT);
		}
		dict_end(&t);
		dict_check_all(&t, 1 << 20);
		REQUIRE_EQ(hs_op_begin(&t.op, &twin, hs_bytes_str("k"), HS_EXCLUSIVE, HEAP_NOW), HS_OK);
		REQUIRE_EQ(hs_hash_set(&t.op, &field, 1, false, HS_NEVER, &n), HS_OK);
		hs_op_end(&t.op);
		REQUIRE_EQ(hs_effect_apply(&twin, hs_bytes(log, fx.size), &pos, HEAP_NOW, &need, &hash), HS_OK);
		t.h = &twin;
		dict_check_all(&t, 1 << 20);
		dict_run_close(&t);
		dict_test_done(&h);
	}
	free(buf);
}

TEST_MAIN(
		  DICT_TESTS,
		  TEST(algebra_against_the_model),
		  TEST(algebra_can_be_interrupted),
		  TEST(algebra_names_the_key_of_another_type),
		  TEST(moves_are_whole),
		  TEST(store_replaces_anything))
