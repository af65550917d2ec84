/*
 * test_list.c
 *	  Lists of both encodings against a naive model.
 *
 * TEST_SCALE=40 in the environment: about ten million random operations.
 */
#include "heap_test.h"
#include "key.h"
#include "list_int.h"
#include "list_model_test.h"
#include "port_test.h"
#include "slab_test.h"

#define REGION_SIZE		((size_t) 64 << 20)
#define BUF_SIZE		((size_t) 4 << 20)
#define MANY			300

static HsHandle h;
static HsOp op;
static uint8_t *buf;

static HsItems
items(size_t capacity)
{
	if (buf == NULL)
		buf = malloc(BUF_SIZE);
	return (HsItems) {.buf = buf,.capacity = capacity};
}

static void
open_region(size_t size)
{
	heap_open(size);
	slab_fill_junk(true);
	heap_keyspace(&h, 1, HS_EVICT_NONE, 0);
	(void) items(0);
}

static void
begin_in(HsHandle *handle, const char *key, HsLockMode mode)
{
	REQUIRE_EQ(hs_op_begin(&op, handle, hs_bytes_str(key), mode, HEAP_NOW), HS_OK);
}

static void
begin(const char *key, HsLockMode mode)
{
	begin_in(&h, key, mode);
}

static void
end(void)
{
	hs_op_end(&op);
}

static void
drop(const char *key)
{
	begin(key, HS_EXCLUSIVE);
	if (hs_find(&op) != NULL)
		hs_remove(&op, hs_find(&op));
	end();
}

/* All that keys owned must come back. */
static void
done(void)
{
	for (uint32_t i = 0; i < h.nparts; i++)
		while (hs_work(&h, i, HEAP_NOW))
			;
	heap_finish(&h);
}

static void
check_key(const char *key)
{
	HsRecord   *record;

	begin(key, HS_SHARED);
	record = hs_find(&op);
	if (record != NULL)
		CHECK_WELL(hs_list_verify(op.part, record));
	end();
}

static bool
is_large(const char *key)
{
	HsRecord   *record;
	bool		large;

	begin(key, HS_SHARED);
	record = hs_find(&op);
	large = record != NULL && (hs_record_flags(record) & HS_RF_LARGE);
	end();
	return large;
}

/* Read the range with a buffer of 'capacity' bytes; compare with the model. */
static void
check_range(const char *key, const ListModel *m, int64_t start, int64_t stop, size_t capacity)
{
	HsListCursor c = {.start = start,.stop = stop};
	unsigned	from,
				to;

	list_model_range(m, start, stop, &from, &to);
	while (!c.done)
	{
		HsItems		out = items(capacity);
		size_t		pos = 0;
		HsStatus	status;

		begin(key, HS_SHARED);
		status = hs_list_read(&op, &c, &out);
		end();
		if (status == HS_BUFFER_TOO_SMALL)
		{
			REQUIRE(out.need > capacity && out.need <= BUF_SIZE);
			capacity = out.need;
			continue;
		}
		REQUIRE_EQ(status, HS_OK);
		REQUIRE(out.n <= HS_LIST_BATCH && out.n <= to - from);
		for (unsigned i = 0; i < out.n; i++)
		{
			HsBytes		got;

			REQUIRE(hs_items_next(&out, &pos, &got));
			REQUIRE(hs_bytes_cmp(got, m->value[m->at[from++]]) == 0);
		}
		REQUIRE_EQ(pos, out.size);
	}
	CHECK_EQ(from, to);
}

static void
check_all(const char *key, const ListModel *m)
{
	uint64_t	n;

	check_key(key);
	begin(key, HS_SHARED);
	REQUIRE_EQ(hs_list_count(&op, &n), HS_OK);
	CHECK_EQ(n, m->n);
	CHECK_EQ(hs_find(&op) != NULL, m->n > 0);
	if (m->n > 0)
		CHECK_EQ(hs_list_count_values(hs_find(&op)), m->n);
	end();
	check_range(key, m, 0, -1, 3000);
}

/*
 * ---- Random operations ------------------------------------------------------------
 */
typedef struct Round
{
	const char *key;
	ListModel	m;
	TestRandom	r;
	HsEffects  *effects;
} Round;

static void
begin_change(Round *t)
{
	begin(t->key, HS_EXCLUSIVE);
	op.effects = t->effects;
}

/* Some values come often. */
static unsigned
random_id(Round *t)
{
	return (unsigned) test_below(&t->r, test_below(&t->r, 4) == 0 ? 3 : t->m.space);
}

static void
do_push(Round *t)
{
	static HsBytes list[MANY];
	size_t		n = test_below(&t->r, 12) != 0 ? 1 : test_below(&t->r, test_below(&t->r, 8) ? 12 : MANY);
	bool		left = test_below(&t->r, 2);
	bool		only_existing = test_below(&t->r, 8) == 0;
	unsigned	before = t->m.n;
	uint64_t	count = 0;

	for (size_t i = 0; i < n; i++)
	{
		unsigned	id = random_id(t);

		list[i] = t->m.value[id];
		if (before > 0 || !only_existing)
			list_model_insert(&t->m, left ? 0 : t->m.n, id);
	}
	begin_change(t);
	REQUIRE_EQ(hs_list_push(&op, list, n, left, only_existing, HS_NEVER, &count), HS_OK);
	end();
	CHECK_EQ(count, t->m.n);
}

static void
do_pop(Round *t)
{
	uint64_t	count = test_below(&t->r, 4) ? 1 : test_below(&t->r, 60);
	bool		left = test_below(&t->r, 2);
	HsItems		out = items(test_below(&t->r, 2) ? BUF_SIZE : 300);
	unsigned	n = count < t->m.n ? (unsigned) count : t->m.n;
	size_t		pos = 0;
	HsStatus	status;

	begin_change(t);
	status = hs_list_pop(&op, count, left, &out);
	if (status == HS_BUFFER_TOO_SMALL)
	{
		CHECK(out.need > 300 && out.need <= BUF_SIZE);
		out = items(out.need);
		status = hs_list_pop(&op, count, left, &out);
	}
	REQUIRE_EQ(status, HS_OK);
	end();
	REQUIRE_EQ(out.n, n);
	for (unsigned i = 0; i < n; i++)
	{
		HsBytes		got;

		REQUIRE(hs_items_next(&out, &pos, &got));
		CHECK_BYTES(got, t->m.value[t->m.at[left ? i : t->m.n - 1 - i]]);
	}
	list_model_keep(&t->m, left ? n : 0, left ? t->m.n : t->m.n - n);
}

/* Also beyond the ends. */
static int64_t
random_index(Round *t)
{
	return (int64_t) test_below(&t->r, 2 * t->m.n + 4) - t->m.n - 2;
}

static void
do_index(Round *t)
{
	int64_t		i = random_index(t);
	int64_t		at = i < 0 ? i + t->m.n : i;
	HsItems		out = items(BUF_SIZE);
	size_t		pos = 0;
	HsBytes		got;
	HsStatus	status;

	begin(t->key, HS_SHARED);
	status = hs_list_index(&op, i, &out);
	end();
	CHECK_EQ(status, at >= 0 && at < t->m.n ? HS_OK : HS_NOT_FOUND);
	if (status == HS_OK)
	{
		REQUIRE_EQ(out.n, 1);
		CHECK(hs_items_next(&out, &pos, &got));
		CHECK_BYTES(got, t->m.value[t->m.at[at]]);
	}
}

static void
do_read(Round *t)
{
	check_range(t->key, &t->m, random_index(t), random_index(t), 16 + test_below(&t->r, 4000));
}

static void
do_set(Round *t)
{
	int64_t		i = random_index(t);
	int64_t		at = i < 0 ? i + t->m.n : i;
	unsigned	id = random_id(t);
	HsStatus	status;

	begin_change(t);
	status = hs_list_set(&op, i, t->m.value[id]);
	end();
	CHECK_EQ(status, at >= 0 && at < t->m.n ? HS_OK : HS_NOT_FOUND);
	if (status == HS_OK)
		t->m.at[at] = id;
}

static void
do_insert(Round *t)
{
	unsigned	pivot = test_below(&t->r, 2) && t->m.n > 0 ? t->m.at[test_below(&t->r, t->m.n)] : random_id(t);
	unsigned	id = random_id(t);
	bool		before = test_below(&t->r, 2);
	unsigned	at = 0;
	int64_t		count = 99;

	while (at < t->m.n && t->m.at[at] != pivot)
		at++;
	begin_change(t);
	REQUIRE_EQ(hs_list_insert(&op, t->m.value[pivot], before, t->m.value[id], &count), HS_OK);
	end();
	if (at == t->m.n)
		CHECK_EQ(count, t->m.n == 0 ? 0 : -1);
	else
	{
		list_model_insert(&t->m, before ? at : at + 1, id);
		CHECK_EQ(count, t->m.n);
	}
}

static void
do_remove(Round *t)
{
	unsigned	id = random_id(t);
	int64_t		count = (int64_t) test_below(&t->r, 7) - 3;
	uint64_t	removed = 99;

	begin_change(t);
	REQUIRE_EQ(hs_list_remove(&op, t->m.value[id], count, &removed), HS_OK);
	end();
	CHECK_EQ(removed, list_model_remove(&t->m, id, count));
}

static void
do_trim(Round *t)
{
	int64_t		start = random_index(t);
	int64_t		stop = random_index(t);
	uint64_t	removed = 99;
	unsigned	from,
				to;

	if (test_below(&t->r, 8) != 0)
	{
		/* mostly a little */
		start = (int64_t) test_below(&t->r, 40);
		stop = -1 - (int64_t) test_below(&t->r, 40);
	}
	list_model_range(&t->m, start, stop, &from, &to);
	begin_change(t);
	REQUIRE_EQ(hs_list_trim(&op, start, stop, &removed), HS_OK);
	end();
	CHECK_EQ(removed, t->m.n - (to - from));
	list_model_keep(&t->m, from, to);
}

static void
do_find(Round *t)
{
	static uint64_t places[MANY];
	unsigned	id = random_id(t);
	int64_t		rank = (int64_t) test_below(&t->r, 5) + 1;
	uint64_t	max = 1 + test_below(&t->r, test_below(&t->r, 2) ? 1 : MANY);
	uint64_t	limit = test_below(&t->r, 2) ? 0 : 1 + test_below(&t->r, t->m.n + 1);
	bool		right = test_below(&t->r, 2);
	uint64_t	n = 99,
				want = 0;
	int64_t		skip = rank - 1;

	begin(t->key, HS_SHARED);
	REQUIRE_EQ(hs_list_find(&op, t->m.value[id], right ? -rank : rank, max, limit, places, &n), HS_OK);
	end();
	for (unsigned i = 0; i < t->m.n && want < max && (limit == 0 || i < limit); i++)
	{
		unsigned	at = right ? t->m.n - 1 - i : i;

		if (t->m.at[at] != id || skip-- > 0)
			continue;
		REQUIRE(want < n);
		CHECK_EQ(places[want], at);
		want++;
	}
	CHECK_EQ(n, want);
}

/* From one end to an end of the same list. */
static void
do_rotate(Round *t)
{
	bool		from_left = test_below(&t->r, 2);
	bool		to_left = test_below(&t->r, 2);
	HsBytes		key = hs_bytes_str(t->key);
	HsItems		out = items(BUF_SIZE);
	HsMulti		m;
	size_t		bad_key;
	HsType		found;

	REQUIRE_EQ(hs_multi_begin(&m, &h, &key, 1, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
	m.effects = t->effects;
	REQUIRE_EQ(hs_list_move(&m, key, key, from_left, to_left, HS_NEVER, &out, &bad_key, &found), HS_OK);
	hs_multi_end(&m);
	CHECK_EQ(out.n, t->m.n > 0);
	if (t->m.n > 0)
	{
		unsigned	id = t->m.at[from_left ? 0 : t->m.n - 1];
		size_t		pos = 0;
		HsBytes		got;

		CHECK(hs_items_next(&out, &pos, &got));
		CHECK_BYTES(got, t->m.value[id]);
		list_model_keep(&t->m, from_left ? 1 : 0, from_left ? t->m.n : t->m.n - 1);
		list_model_insert(&t->m, to_left ? 0 : t->m.n, id);
	}
}

static void
one_change(Round *t)
{
	static void (*const ops[]) (Round *) = {
		do_push, do_push, do_push, do_push, do_pop, do_pop, do_set, do_set, do_insert, do_rotate,
	};
	uint64_t	which = test_below(&t->r, 100);

	if (which == 0)
		do_trim(t);
	else if (which < 5)
		do_remove(t);
	else
		ops[test_below(&t->r, sizeof(ops) / sizeof(ops[0]))] (t);
}

/* To another key by way of a dump. */
static void
do_copy(Round *t)
{
	HsRecord   *record;
	uint8_t    *dump;
	size_t		size;
	size_t		again;

	if (t->m.n == 0)
		return;
	begin(t->key, HS_SHARED);
	record = hs_find(&op);
	size = hs_list_dump(record, NULL, 0);
	dump = malloc(2 * size);
	CHECK_EQ(hs_list_dump(record, dump, size), size);
	end();
	begin("copy", HS_EXCLUSIVE);
	REQUIRE_EQ(hs_list_load(&op, hs_bytes(dump, size), HS_NEVER), HS_OK);
	again = hs_list_dump(hs_find(&op), dump + size, size);
	end();
	CHECK_BYTES(hs_bytes(dump + size, again), hs_bytes(dump, size));
	check_all("copy", &t->m);
	drop("copy");
	free(dump);
}

/* Grow, keep, shrink. */
static void
run_round(Round *t, uint64_t nops, unsigned verify_every)
{
	static void (*const looks[]) (Round *) = {do_index, do_index, do_index, do_find, do_read};

	for (uint64_t i = 0; i < nops; i++)
	{
		unsigned	phase = (unsigned) (i * 4 / nops);

		if (phase % 2 == 0 && test_below(&t->r, 2) == 0)
			do_push(t);
		else if (phase == 3 && test_below(&t->r, 2) == 0)
			do_pop(t);
		else if (test_below(&t->r, 4) == 0)
			looks[test_below(&t->r, t->m.n > 3000 ? 3 : 5)] (t);
		else
			one_change(t);
		if (i % verify_every == 0)
			check_key(t->key);
		if (i % (verify_every * 8) == 0)
			check_all(t->key, &t->m);
	}
	check_all(t->key, &t->m);
	do_copy(t);
}

static void
random_operations(void)
{
	static const unsigned nops[] = {400, 3000, 20000};
	uint64_t	seed = test_seed(1);
	uint64_t	repeat = test_scaled(2);

	for (unsigned kind = 0; kind < LIST_NVALUES; kind++)
		for (unsigned i = 0; i < sizeof(nops) / sizeof(nops[0]); i++)
			for (uint64_t again = 0; again < repeat; again++)
			{
				unsigned	space = i == 0 ? 20 : 700;
				HsBytes    *values = list_model_values(space, (ListValues) kind, seed);
				Round		t = {.key = "l",.r = {seed++}};

				CASE("values %u, %u operations, seed %u", kind, nops[i], (unsigned) t.r.state);
				open_region(REGION_SIZE);
				list_model_init(&t.m, space, values);
				run_round(&t, nops[i], nops[i] / 20);
				list_model_free(&t.m);
				list_model_values_free(values, space);
				drop("l");
				done();
			}
}

/*
 * ---- Cases --------------------------------------------------------------------------
 */

static HsBytes
name_of(unsigned i)
{
	static char text[32];

	snprintf(text, sizeof(text), "%08x:element", i * 2654435761u);
	return hs_bytes_str(text);
}

/* Values 0 .. n-1, pushed at the right (left: n-1 .. 0 at the left). */
static void
fill(const char *key, unsigned n, bool left)
{
	uint64_t	count;

	begin(key, HS_EXCLUSIVE);
	for (unsigned i = 0; i < n; i++)
	{
		HsBytes		value = name_of(left ? n - 1 - i : i);

		REQUIRE_EQ(hs_list_push(&op, &value, 1, left, false, HS_NEVER, &count), HS_OK);
	}
	end();
}

static void
check_at(const char *key, int64_t index, unsigned want)
{
	HsItems		out = items(BUF_SIZE);
	size_t		pos = 0;
	HsBytes		got;

	begin(key, HS_SHARED);
	REQUIRE_EQ(hs_list_index(&op, index, &out), HS_OK);
	end();
	CHECK(hs_items_next(&out, &pos, &got));
	CHECK_BYTES(got, name_of(want));
}

static void
arguments_are_checked(void)
{
	static const unsigned sizes[] = {0, 1, 100, 1000};
	HsBytes		too_long = hs_bytes("", HS_LIST_VALUE_MAX + 1);	/* never looked at */
	HsBytes		x = hs_bytes_str("x");
	uint64_t	n,
				place;
	int64_t		count;

	open_region(REGION_SIZE);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		HsItems		out = items(BUF_SIZE);

		CASE("%u values", sizes[i]);
		fill("a", sizes[i], false);
		begin("a", HS_EXCLUSIVE);
		CHECK_EQ(hs_list_push(&op, &too_long, 1, true, false, HS_NEVER, &n), HS_VALUE_TOO_LONG);
		CHECK_EQ(hs_list_set(&op, 0, too_long), HS_VALUE_TOO_LONG);
		CHECK_EQ(hs_list_insert(&op, x, true, too_long, &count), HS_VALUE_TOO_LONG);
		CHECK_EQ(hs_list_find(&op, x, 0, 1, 0, &place, &n), HS_BAD_ARGUMENT);
		CHECK_EQ(hs_list_set(&op, sizes[i], x), HS_NOT_FOUND);
		CHECK_EQ(hs_list_set(&op, -(int64_t) sizes[i] - 1, x), HS_NOT_FOUND);
		CHECK_EQ(hs_list_set(&op, INT64_MIN, x), HS_NOT_FOUND);
		CHECK_EQ(hs_list_index(&op, INT64_MAX, &out), HS_NOT_FOUND);
		CHECK_EQ(hs_list_pop(&op, 0, true, &out), HS_OK);
		CHECK_EQ(out.n, 0);
		CHECK_EQ(hs_list_push(&op, NULL, 0, true, false, HS_NEVER, &n), HS_OK);
		CHECK_EQ(n, sizes[i]);
		CHECK_EQ(hs_list_trim(&op, INT64_MIN, INT64_MAX, &n), HS_OK);
		CHECK_EQ(hs_list_remove(&op, x, INT64_MIN, &n), HS_OK);
		CHECK_EQ(n, 0);
		CHECK_EQ(hs_list_count(&op, &n), HS_OK);
		CHECK_EQ(n, sizes[i]);
		end();
		check_key("a");
		drop("a");
	}
	begin("s", HS_EXCLUSIVE);
	{
		HsDraft		draft;

		REQUIRE_EQ(hs_reserve(&op, HS_STRING, 1, HS_NEVER, &draft), HS_OK);
		draft.value[0] = 'x';
		hs_publish(&op, &draft);
		CHECK_EQ(hs_list_push(&op, &x, 1, true, false, HS_NEVER, &n), HS_WRONG_TYPE);
		CHECK_EQ(op.found_type, HS_STRING);
		CHECK_EQ(hs_list_count(&op, &n), HS_WRONG_TYPE);
		CHECK_EQ(hs_list_trim(&op, 0, 1, &n), HS_WRONG_TYPE);
	}
	end();
	drop("s");
	done();
}

/* Large when it no longer fits its record, small again when it is half of that. */
static void
encoding_changes_at_its_limits(void)
{
	for (int left = 0; left < 2; left++)
	{
		unsigned	n = 0;
		HsItems		out = items(BUF_SIZE);

		CASE("left %d", left);
		open_region(REGION_SIZE);
		while (!is_large("a"))
		{
			HsBytes		value = name_of(n++);
			uint64_t	count;

			begin("a", HS_EXCLUSIVE);
			REQUIRE_EQ(hs_list_push(&op, &value, 1, left, false, HEAP_NOW + HEAP_SECOND, &count), HS_OK);
			end();
			check_key("a");
		}
		CHECK(n > HS_LIST_RUN_MAX / 17 - 3 && n < HS_LIST_RUN_MAX / 16);
		begin("a", HS_EXCLUSIVE);
		CHECK_EQ(hs_expiry(hs_find(&op)), HEAP_NOW + HEAP_SECOND);
		REQUIRE_EQ(hs_list_pop(&op, n / 4, left, &out), HS_OK);
		end();
		CHECK(is_large("a"));
		begin("a", HS_EXCLUSIVE);
		REQUIRE_EQ(hs_list_pop(&op, n / 3, left, &out), HS_OK);
		CHECK_EQ(hs_expiry(hs_find(&op)), HEAP_NOW + HEAP_SECOND);
		end();
		CHECK(!is_large("a"));
		check_key("a");
		drop("a");
		done();
	}
}

static void
emptied_key_disappears(void)
{
	static const unsigned sizes[] = {1, 100, 3000};

	open_region(REGION_SIZE);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (int how = 0; how < 4; how++)
		{
			HsItems		out = items(BUF_SIZE);
			uint64_t	n;

			CASE("%u values, %d", sizes[i], how);
			fill("a", how == 3 ? 0 : sizes[i], false);
			begin("a", HS_EXCLUSIVE);
			if (how == 0)
				CHECK_EQ(hs_list_trim(&op, 5, 4, &n), HS_OK);
			if (how == 1)
				CHECK_EQ(hs_list_pop(&op, UINT64_MAX, true, &out), HS_OK);
			for (unsigned j = 0; how == 2 && j < sizes[i]; j++)
				CHECK_EQ(hs_list_pop(&op, 1, j % 2, &out), HS_OK);
			for (unsigned j = 0; how == 3 && j < sizes[i]; j++)
			{
				HsBytes		same = hs_bytes_str("the same");

				CHECK_EQ(hs_list_push(&op, &same, 1, j % 2, false, HS_NEVER, &n), HS_OK);
			}
			if (how == 3)
			{
				CHECK_EQ(hs_list_remove(&op, hs_bytes_str("the same"), 0, &n), HS_OK);
				CHECK_EQ(n, sizes[i]);
			}
			CHECK(hs_find(&op) == NULL);
			end();
		}
	done();
}

static uint64_t
bytes_of(const char *key)
{
	uint64_t	bytes;

	begin(key, HS_SHARED);
	bytes = hs_key_bytes(&op, hs_find(&op));
	end();
	return bytes;
}

/* 17 bytes each, nothing in common; a few bytes around them. */
static void
ends_leave_full_blocks(void)
{
	const unsigned count = 200000;

	for (int left = 0; left < 2; left++)
	{
		CASE("left %d", left);
		open_region(REGION_SIZE);
		fill("a", count, left);
		check_key("a");
		for (unsigned i = 0; i < 1000; i++)
			check_at("a", i * (count / 1000), i * (count / 1000));
		CHECK(bytes_of("a") < count * 17 * 106 / 100);
		drop("a");
		done();
	}
}

/* What all values of a block begin with is kept once. */
static void
common_beginnings_are_kept_once(void)
{
	const unsigned count = 100000;
	uint64_t	n;

	open_region(REGION_SIZE);
	begin("a", HS_EXCLUSIVE);
	for (unsigned i = 0; i < count; i++)
	{
		char		text[40];
		HsBytes		value;

		snprintf(text, sizeof(text), "queue:email:job:%09u", i);
		value = hs_bytes_str(text);
		REQUIRE_EQ(hs_list_push(&op, &value, 1, i % 2, false, HS_NEVER, &n), HS_OK);
	}
	end();
	check_key("a");
	CHECK(bytes_of("a") < count * 8);
	drop("a");
	done();
}

static unsigned
work_until_tidy(unsigned most)
{
	unsigned	n = 0;
	bool		more = true;

	while (more && n < most)
	{
		more = false;
		for (uint32_t i = 0; i < h.nparts; i++)
			more |= hs_work(&h, i, HEAP_NOW);
		n++;
	}
	return n;
}

/* Most of a large list goes at once, its nodes later. */
static void
trimmed_in_the_middle(void)
{
	static const unsigned from[] = {0, 1, 50000, 149990};
	static const unsigned keeps[] = {1, 10, 50000};
	const unsigned count = 150000;

	for (unsigned f = 0; f < 4; f++)
		for (unsigned k = 0; k < 3; k++)
		{
			unsigned	keep = from[f] + keeps[k] > count ? count - from[f] : keeps[k];
			uint64_t	n;

			CASE("%u from %u", keep, from[f]);
			open_region(REGION_SIZE);
			fill("a", count, false);
			begin("a", HS_EXCLUSIVE);
			REQUIRE_EQ(hs_list_trim(&op, from[f], from[f] + keep - 1, &n), HS_OK);
			REQUIRE_EQ(hs_list_count(&op, &n), HS_OK);
			CHECK_EQ(n, keep);
			end();
			check_key("a");
			check_at("a", 0, from[f]);
			check_at("a", -1, from[f] + keep - 1);
			CHECK(work_until_tidy(100) < 20);
			begin("a", HS_EXCLUSIVE);
			CHECK(hs_slab_bytes(op.part) < 40 * keep + 40000);
			end();
			drop("a");
			done();
		}
}

/* Nearly all values of nearly all blocks go: blocks and the nodes above are joined. */
static void
removed_inside(void)
{
	static const int64_t counts[] = {0, INT64_MAX, -INT64_MAX, 5000, -5000};
	static const unsigned stays[] = {1, 30, 400};
	const unsigned count = 100000;
	HsBytes		same = hs_bytes_str("0123456789 the same value, many times over");

	for (unsigned c = 0; c < 5; c++)
		for (unsigned s = 0; s < 3; s++)
		{
			unsigned	kept = 0;
			uint64_t	goes = 0;
			uint64_t	n;

			CASE("count %d, stays %u", (int) counts[c], stays[s]);
			open_region(REGION_SIZE);
			begin("a", HS_EXCLUSIVE);
			for (unsigned i = 0; i < count; i++)
			{
				bool		stay = i % 5000 < stays[s];
				HsBytes		value = stay ? name_of(kept++) : same;

				goes += !stay;
				REQUIRE_EQ(hs_list_push(&op, &value, 1, false, false, HS_NEVER, &n), HS_OK);
			}
			REQUIRE_EQ(hs_list_remove(&op, same, counts[c], &n), HS_OK);
			goes = c < 3 ? goes : 5000;
			CHECK_EQ(n, goes);
			CHECK_EQ(hs_list_count_values(hs_find(&op)), count - goes);
			end();
			check_key("a");
			if (c < 3)
			{
				for (unsigned i = 0; i < kept; i += 7)
					check_at("a", i, i);
				CHECK(bytes_of("a") < 8000 + 60 * kept);
			}
			drop("a");
			done();
		}
}

/* Whatever the size of a slice, all of it comes back. */
static void
freed_in_slices(void)
{
	static const unsigned budgets[] = {1, 7, 100, 1000000};
	uint8_t    *large = calloc(1, 1000000);

	for (unsigned i = 0; i < 4; i++)
	{
		unsigned	slices = 1;
		HsBytes		values[] = {hs_bytes(large, 3000), hs_bytes(large, 700), hs_bytes(large, 1000000)};
		HsRef		root;
		HsDraft		stub;
		uint64_t	n;

		CASE("budget %u", budgets[i]);
		open_region(REGION_SIZE);
		fill("a", 30000, false);
		begin("a", HS_EXCLUSIVE);
		for (int j = 0; j < 100; j++)
			REQUIRE_EQ(hs_list_push(&op, values, j % 10 == 0 ? 3 : 2, j % 2, false, HS_NEVER, &n), HS_OK);
		CHECK(hs_slab_bytes(op.part) >= hs_key_bytes(&op, hs_find(&op)) - 1000);
		/* its record is replaced by one that owns nothing */
		memcpy(&root, hs_value(hs_find(&op)).data, sizeof(root));
		REQUIRE_EQ(hs_reserve(&op, HS_STRING, 0, HS_NEVER, &stub), HS_OK);
		hs_publish_keep(&op, &stub);
		hs_remove(&op, hs_find(&op));
		for (; !hs_list_free_slice(op.part, root, budgets[i]); slices++)
			;
		CHECK(slices >= 100 / budgets[i] && slices <= 2 + 1000 / budgets[i]);
		end();
		CHECK(work_until_tidy(100) < 100);
		begin("a", HS_EXCLUSIVE);
		CHECK_EQ(hs_slab_bytes(op.part), 0);
		end();
		done();
	}
	free(large);
}

/* A queue that is filled at one end and emptied at the other. */
static void
queue_stays_small(void)
{
	static const unsigned lengths[] = {1, 50, 1000};

	for (unsigned i = 0; i < 3; i++)
		for (int left = 0; left < 2; left++)
		{
			HsItems		out = items(BUF_SIZE);
			uint64_t	n;

			CASE("%u values, left %d", lengths[i], left);
			open_region(REGION_SIZE);
			for (unsigned j = 0; j < 60000; j++)
			{
				HsBytes		value = name_of(j);
				size_t		pos = 0;

				begin("a", HS_EXCLUSIVE);
				REQUIRE_EQ(hs_list_push(&op, &value, 1, left, false, HS_NEVER, &n), HS_OK);
				if (j >= lengths[i])
				{
					REQUIRE_EQ(hs_list_pop(&op, 1, !left, &out), HS_OK);
					CHECK(hs_items_next(&out, &pos, &value));
					CHECK_BYTES(value, name_of(j - lengths[i]));
				}
				end();
				if (j % 5000 == 77)
				{
					check_key("a");
					CHECK(bytes_of("a") < 200 + lengths[i] * 30 + (lengths[i] > 100 ? 12000 : 600));
				}
			}
			drop("a");
			done();
		}
}

/*
 * ---- Several keys -------------------------------------------------------------------
 */

static HsStatus
move(const char *from, const char *to, bool from_left, bool to_left, HsEffects *fx, HsItems *out,
	 size_t *bad_key, HsType *found)
{
	HsBytes		keys[2] = {hs_bytes_str(from), hs_bytes_str(to)};
	HsMulti		m;
	HsStatus	status;

	REQUIRE_EQ(hs_multi_begin(&m, &h, keys, 2, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
	m.effects = fx;
	status = hs_list_move(&m, keys[0], keys[1], from_left, to_left, HEAP_NOW + HEAP_SECOND, out,
						  bad_key, found);
	hs_multi_end(&m);
	return status;
}

static void
moves_between_lists(void)
{
	static const unsigned sizes[] = {1, 2, 50, 2000};
	size_t		bad_key = 9;
	HsType		found = HS_ANY;

	open_region(REGION_SIZE);
	for (unsigned i = 0; i < 4; i++)
	{
		HsItems		out = items(BUF_SIZE);
		uint64_t	n;

		CASE("%u values", sizes[i]);
		fill("a", sizes[i], false);
		for (unsigned j = 0; j < sizes[i]; j++)
		{
			REQUIRE_EQ(move("a", "b", j % 2, j % 3 == 0, NULL, &out, &bad_key, &found), HS_OK);
			CHECK_EQ(out.n, 1);
		}
		REQUIRE_EQ(move("a", "b", true, true, NULL, &out, &bad_key, &found), HS_OK);
		CHECK_EQ(out.n, 0);
		check_key("b");
		begin("a", HS_SHARED);
		CHECK(hs_find(&op) == NULL);
		end();
		begin("b", HS_SHARED);
		REQUIRE_EQ(hs_list_count(&op, &n), HS_OK);
		CHECK_EQ(n, sizes[i]);
		CHECK_EQ(hs_expiry(hs_find(&op)), HEAP_NOW + HEAP_SECOND);
		end();
		drop("b");
	}
	fill("a", 3, false);
	begin("s", HS_EXCLUSIVE);
	{
		HsDraft		draft;

		REQUIRE_EQ(hs_reserve(&op, HS_STRING, 0, HS_NEVER, &draft), HS_OK);
		hs_publish(&op, &draft);
	}
	end();
	{
		HsItems		out = items(BUF_SIZE);

		CHECK_EQ(move("a", "s", true, true, NULL, &out, &bad_key, &found), HS_WRONG_TYPE);
		CHECK(bad_key == 1 && found == HS_STRING);
		CHECK_EQ(move("s", "a", true, true, NULL, &out, &bad_key, &found), HS_WRONG_TYPE);
		CHECK(bad_key == 0 && found == HS_STRING);
		/* nothing to move is no mistake */
		CHECK_EQ(move("none", "s", true, true, NULL, &out, &bad_key, &found), HS_OK);
		out = items(3);
		CHECK_EQ(move("a", "b", true, true, NULL, &out, &bad_key, &found), HS_BUFFER_TOO_SMALL);
		CHECK(out.need > 3);
	}
	begin("a", HS_SHARED);
	CHECK_EQ(hs_list_count_values(hs_find(&op)), 3);
	end();
	drop("a");
	drop("s");
	done();
}

/*
 * ---- Reading while others write --------------------------------------------------------
 */

static void
cursor_goes_on_after_writes(void)
{
	HsListCursor c = {.start = 100,.stop = -1};
	uint64_t	n;
	unsigned	seen = 0;
	HsItems		out;

	open_region(REGION_SIZE);
	fill("a", 5000, false);
	while (!c.done)
	{
		out = items(BUF_SIZE);
		begin("a", HS_SHARED);
		REQUIRE_EQ(hs_list_read(&op, &c, &out), HS_OK);
		end();
		seen += (unsigned) out.n;
		fill("a", 10, false);
		CHECK(out.n <= HS_LIST_BATCH);
	}
	CHECK_EQ(seen, 4900);
	/* the list becomes shorter, and goes */
	c = (HsListCursor) {.start = 0,.stop = -1};
	out = items(1000);
	begin("a", HS_EXCLUSIVE);
	REQUIRE_EQ(hs_list_read(&op, &c, &out), HS_OK);
	CHECK(!c.done);
	REQUIRE_EQ(hs_list_trim(&op, 0, 10, &n), HS_OK);
	end();
	begin("a", HS_SHARED);
	REQUIRE_EQ(hs_list_read(&op, &c, &out), HS_OK);
	CHECK(c.done && out.n == 0);
	end();
	drop("a");
	begin("a", HS_SHARED);
	c = (HsListCursor) {.start = 0,.stop = -1};
	REQUIRE_EQ(hs_list_read(&op, &c, &out), HS_OK);
	CHECK(c.done && out.n == 0);
	end();
	done();
}

/*
 * ---- Memory that runs out ---------------------------------------------------------------
 */

/* One change that may fail; what it does to the model only if it did not. */
static HsStatus
change_or_fail(Round *t, int kind, const unsigned *ids, size_t n)
{
	HsBytes		list[MANY];
	uint64_t	count = UINT64_MAX;
	int64_t		icount;
	unsigned	at = (unsigned) test_below(&t->r, t->m.n + 1);
	HsStatus	status;

	for (size_t i = 0; i < n; i++)
		list[i] = t->m.value[ids[i]];
	if (kind < 2)
	{
		status = hs_list_push(&op, list, n, kind == 0, false, HS_NEVER, &count);
		CHECK_EQ(status == HS_OK, count != UINT64_MAX);
		for (size_t i = 0; i < n && status == HS_OK; i++)
			list_model_insert(&t->m, kind == 0 ? 0 : t->m.n, ids[i]);
	}
	else if (t->m.n == 0)
		status = HS_OK;
	else if (kind == 2)
	{
		at %= t->m.n;
		status = hs_list_set(&op, at, list[0]);
		if (status == HS_OK)
			t->m.at[at] = ids[0];
	}
	else if (kind == 3)
	{
		unsigned	pivot = t->m.at[at % t->m.n];

		for (at = 0; t->m.at[at] != pivot;)
			at++;
		status = hs_list_insert(&op, t->m.value[pivot], true, list[0], &icount);
		if (status == HS_OK)
			list_model_insert(&t->m, at, ids[0]);
	}
	else
	{
		/* takes away; never fails */
		status = hs_list_trim(&op, 3, -4, &count);
		CHECK_EQ(status, HS_OK);
		list_model_keep(&t->m, 3, t->m.n > 3 ? t->m.n - 3 : 0);
	}
	return status;
}

static void
fails_at_every_allocation(void)
{
	static const unsigned sizes[] = {0, 60, 130, 2000, 30000};

	for (unsigned v = 0; v < LIST_NVALUES; v++)
		for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		{
			HsBytes    *values = list_model_values(400, (ListValues) v, 5);
			Round		t = {.key = "a",.r = {v + 10 * i}};

			CASE("%u values of kind %u", sizes[i], v);
			open_region(REGION_SIZE);
			list_model_init(&t.m, 400, values);
			begin("a", HS_EXCLUSIVE);
			for (unsigned j = 0; j < sizes[i]; j++)
			{
				unsigned	id = (unsigned) test_below(&t.r, 200);
				uint64_t	n;

				/* not only large ones */
				id = values[id].size > 3000 ? 0 : id;
				list_model_insert(&t.m, t.m.n, id);
				REQUIRE_EQ(hs_list_push(&op, &values[id], 1, false, false, HS_NEVER, &n), HS_OK);
			}
			end();
			check_all("a", &t.m);
			slab_watch_promises(true);
			for (unsigned step = 0; step < 400; step++)
			{
				unsigned	ids[MANY];
				size_t		n = step % 16 == 0 ? 1 + test_below(&t.r, MANY) : 1;
				int			kind = (int) test_below(&t.r, 5);
				HsStatus	status;
				bool		heap = test_below(&t.r, 2);

				for (size_t j = 0; j < n; j++)
					ids[j] = (unsigned) test_below(&t.r, 400);
				begin("a", HS_EXCLUSIVE);
				slab_fail_after(heap ? -1 : (int) test_below(&t.r, 2));
				if (heap)
					heap_fail_after((int) test_below(&t.r, 2));
				status = change_or_fail(&t, kind, ids, n);
				if (status != HS_OK)
				{
					CHECK_EQ(status, HS_NO_MEMORY);
					CHECK(op.need > 0);
				}
				slab_fail_after(-1);
				heap_fail_after(-1);
				end();
				if (step % 8 == 0 || status != HS_OK)
					check_key("a");
				if (step % 40 == 0)
					check_all("a", &t.m);
			}
			check_all("a", &t.m);
			CHECK_EQ(slab_broken_promises(), 0);
			slab_watch_promises(false);
			list_model_free(&t.m);
			list_model_values_free(values, 400);
			drop("a");
			done();
		}
}

/* A keyspace that is full refuses, and what is there stays. */
static void
full_keyspace_refuses(void)
{
	HsItems		out = items(BUF_SIZE);
	HsBytes		value;
	unsigned	n = 0;
	uint64_t	count;
	HsStatus	status = HS_OK;

	open_region(HS_MIN_REGION);
	while (status == HS_OK)
	{
		value = name_of(n);
		begin("a", HS_EXCLUSIVE);
		status = hs_list_push(&op, &value, 1, false, false, HS_NEVER, &count);
		end();
		n += status == HS_OK;
		if (status == HS_NO_MEMORY && hs_make_room(&h, op.hash, op.need, HEAP_NOW))
			status = HS_OK;
	}
	CHECK_EQ(status, HS_NO_MEMORY);
	CHECK(n > 250000);
	check_key("a");
	check_at("a", -1, n - 1);
	begin("a", HS_EXCLUSIVE);
	CHECK_EQ(hs_list_pop(&op, 1000, true, &out), HS_OK);
	end();
	value = name_of(n);
	begin("a", HS_EXCLUSIVE);
	CHECK_EQ(hs_list_push(&op, &value, 1, false, false, HS_NEVER, &count), HS_OK);
	end();
	drop("a");
	done();
}

/*
 * ---- Effects ---------------------------------------------------------------------------------
 */

static size_t
dump_of(HsHandle *handle, const char *key, uint8_t *to, size_t capacity)
{
	HsRecord   *record;
	size_t		size = 0;

	begin_in(handle, key, HS_SHARED);
	record = hs_find(&op);
	if (record != NULL)
		size = hs_list_dump(record, to, capacity);
	end();
	REQUIRE(size <= capacity);
	return size;
}

static void
check_same(HsHandle *twin, const char *key)
{
	size_t		size = dump_of(&h, key, buf, BUF_SIZE / 2);
	size_t		size2 = dump_of(twin, key, buf + BUF_SIZE / 2, BUF_SIZE / 2);

	CHECK_BYTES(hs_bytes(buf + BUF_SIZE / 2, size2), hs_bytes(buf, size));
}

static void
redo(HsHandle *twin, const uint8_t *log, size_t from, size_t to)
{
	size_t		pos = 0;
	size_t		need;
	uint64_t	hash;

	REQUIRE_EQ(hs_effect_apply(twin, hs_bytes(log + from, to - from), &pos, HEAP_NOW, &need, &hash), HS_OK);
}

/* Done again in another keyspace, from any point that lies before what is there already. */
static void
effects_replayed_give_the_same(void)
{
	size_t		capacity = 256 << 20;
	uint8_t    *log = malloc(capacity);
	uint64_t	nops = test_scaled(1500);
	size_t	   *starts = malloc((nops + 1) * sizeof(size_t));

	for (unsigned v = 0; v < 2 * LIST_NVALUES; v++)
	{
		HsBytes    *values = list_model_values(100, (ListValues) (v / 2), v);
		HsEffects	fx = {log, 0, capacity, 0};
		Round		t = {.key = "a",.r = {v + 1},.effects = &fx};
		HsHandle	twin;

		CASE("round %u", v);
		open_region(REGION_SIZE);
		heap_keyspace(&twin, 2, HS_EVICT_NONE, 0);
		list_model_init(&t.m, 100, values);
		for (uint64_t i = 0; i < nops; i++)
		{
			starts[i] = fx.size;
			one_change(&t);
			if (v % 2 == 0 && t.m.n < 300)
				do_push(&t);
			if (test_below(&t.r, 400) == 0)
			{
				bool		deleted;

				begin_change(&t);
				REQUIRE_EQ(hs_key_delete(&op, &deleted), HS_OK);
				end();
				t.m.n = 0;
			}
		}
		check_all("a", &t.m);
		redo(&twin, log, 0, fx.size);
		check_same(&twin, "a");
		for (int i = 0; i < 5; i++)
		{
			redo(&twin, log, starts[test_below(&t.r, nops)], fx.size);
			check_same(&twin, "a");
		}
		list_model_free(&t.m);
		list_model_values_free(values, 100);
		drop("a");
		hs_keyspace_drop(HEAP_DB, 2);
		done();
	}
	free(log);
	free(starts);
}

/* Renamed, restored, expiring: the effects that follow fit. */
static void
effects_follow_other_commands(void)
{
	static uint8_t log[1 << 20];
	HsEffects	fx = {log, 0, sizeof(log), 0};
	HsBytes		keys[2] = {hs_bytes_str("a"), hs_bytes_str("b")};
	static const unsigned sizes[] = {3, 500};
	HsHandle	twin;

	for (unsigned i = 0; i < 2; i++)
	{
		HsMove		mv = {.replace = true,.buf = buf,.capacity = BUF_SIZE};
		HsItems		out = items(BUF_SIZE);
		bool		moved;
		uint64_t	n,
					hash;
		size_t		bad_key;
		HsType		found;
		HsMulti		m;

		CASE("%u values", sizes[i]);
		fx.size = 0;
		open_region(REGION_SIZE);
		heap_keyspace(&twin, 2, HS_EVICT_NONE, 0);
		begin("a", HS_EXCLUSIVE);
		op.effects = &fx;
		for (unsigned j = 0; j < sizes[i]; j++)
		{
			HsBytes		value = name_of(j);

			REQUIRE_EQ(hs_list_push(&op, &value, 1, false, false, HEAP_NOW + HEAP_SECOND, &n), HS_OK);
		}
		end();
		REQUIRE_EQ(hs_multi_begin(&m, &h, keys, 2, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
		m.effects = &fx;
		REQUIRE_EQ(hs_key_move(&m, keys[0], keys[1], &mv, &moved, &hash), HS_OK);
		hs_multi_end(&m);
		begin("b", HS_EXCLUSIVE);
		op.effects = &fx;
		REQUIRE_EQ(hs_list_pop(&op, 1, true, &out), HS_OK);
		end();
		REQUIRE_EQ(move("b", "a", true, false, &fx, &out, &bad_key, &found), HS_OK);
		for (int again = 0; again < 3; again++)
		{
			redo(&twin, log, 0, fx.size);
			check_same(&twin, "a");
			check_same(&twin, "b");
		}
		begin_in(&twin, "b", HS_SHARED);
		CHECK_EQ(hs_expiry(hs_find(&op)), HEAP_NOW + HEAP_SECOND);
		end();
		drop("a");
		drop("b");
		hs_keyspace_drop(HEAP_DB, 2);
		done();
	}
}

static void
full_effect_buffer_stops_the_command(void)
{
	static const unsigned sizes[] = {3, 500};

	for (unsigned i = 0; i < 2; i++)
	{
		uint8_t		log[6];
		HsEffects	fx = {log, 0, sizeof(log), 0};
		HsBytes		value = hs_bytes_str("new");
		HsItems		out = items(BUF_SIZE);
		size_t		bad_key;
		HsType		found;
		uint64_t	n;
		int64_t		count;

		open_region(REGION_SIZE);
		fill("key", sizes[i], false);
		begin("key", HS_EXCLUSIVE);
		op.effects = &fx;
		CHECK_EQ(hs_list_push(&op, &value, 1, true, false, HS_NEVER, &n), HS_NO_MEMORY);
		CHECK(fx.wanted > sizeof(log));
		CHECK_EQ(hs_list_pop(&op, 1, true, &out), HS_NO_MEMORY);
		CHECK_EQ(hs_list_trim(&op, 1, -1, &n), HS_NO_MEMORY);
		CHECK_EQ(hs_list_trim(&op, 1, 0, &n), HS_NO_MEMORY);
		CHECK_EQ(hs_list_set(&op, 0, value), HS_NO_MEMORY);
		CHECK_EQ(hs_list_insert(&op, name_of(0), true, value, &count), HS_NO_MEMORY);
		CHECK_EQ(hs_list_remove(&op, name_of(0), 0, &n), HS_NO_MEMORY);
		CHECK_EQ(fx.size, 0);
		CHECK_EQ(hs_list_count(&op, &n), HS_OK);
		CHECK_EQ(n, sizes[i]);
		end();
		CHECK_EQ(move("key", "other", true, true, &fx, &out, &bad_key, &found), HS_NO_MEMORY);
		CHECK_EQ(fx.size, 0);
		check_at("key", 0, 0);
		drop("key");
		done();
	}
}

/* What no command wrote. */
static void
damaged_effects_are_refused(void)
{
	uint8_t		head[22] = {0};
	HsBytes		value = hs_bytes_str("x");

	open_region(REGION_SIZE);
	fill("a", 3, false);
	begin("a", HS_EXCLUSIVE);
	CHECK_EQ(hs_list_redo(&op, hs_bytes(head, 21), value), HS_CORRUPT);
	head[0] = 5;
	CHECK_EQ(hs_list_redo(&op, hs_bytes(head, 22), value), HS_CORRUPT);
	head[0] = 1;
	head[1] = 2;				/* a list does not begin with this */
	CHECK_EQ(hs_list_redo(&op, hs_bytes(head, 22), value), HS_CORRUPT);
	CHECK_EQ(hs_list_count_values(hs_find(&op)), 3);
	end();
	drop("a");
	done();
}

/*
 * ---- Dumps --------------------------------------------------------------------------------
 */

static void
damaged_dumps_are_refused(void)
{
	static const struct
	{
		const char *name;
		uint32_t	n;
		uint32_t	sizes[3];
		int			cut;		/* bytes missing (or too many) at the end */
		HsStatus	want;
	}			cases[] = {
		{"good", 2, {3, 4}, 0, HS_OK},
		{"empty values", 3, {0, 0, 0}, 0, HS_OK},
		{"large", 3, {1000, 3000, 90000}, 0, HS_OK},
		{"none", 0, {0}, 0, HS_CORRUPT},
		{"cut", 2, {3, 4}, 1, HS_CORRUPT},
		{"cut in a size", 2, {3, 1}, 3, HS_CORRUPT},
		{"too much", 2, {3, 4}, -1, HS_CORRUPT},
		{"no header", 2, {3, 4}, 17, HS_CORRUPT},
	};
	static uint8_t payload[100000];

	open_region(REGION_SIZE);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		size_t		size = 8;
		uint64_t	n = 0;

		CASE("%s", cases[i].name);
		memcpy(payload + 4, &cases[i].n, 4);
		for (uint32_t j = 0; j < cases[i].n; j++)
		{
			memcpy(payload + size, &cases[i].sizes[j], 4);
			size += 4 + cases[i].sizes[j];
		}
		size -= (size_t) cases[i].cut;
		begin("d", HS_EXCLUSIVE);
		CHECK_EQ(hs_list_load(&op, hs_bytes(payload, size), HS_NEVER), cases[i].want);
		CHECK_EQ(hs_list_count(&op, &n), HS_OK);
		CHECK_EQ(n, cases[i].want == HS_OK ? cases[i].n : 0);
		end();
		check_key("d");
		drop("d");
	}
	/* an absurd size */
	memset(payload + 8, 0xff, 4);
	begin("d", HS_EXCLUSIVE);
	CHECK_EQ(hs_list_load(&op, hs_bytes(payload, sizeof(payload)), HS_NEVER), HS_CORRUPT);
	end();
	done();
}

TEST_MAIN(TEST(arguments_are_checked), TEST(encoding_changes_at_its_limits),
		  TEST(emptied_key_disappears), TEST(ends_leave_full_blocks),
		  TEST(common_beginnings_are_kept_once), TEST(trimmed_in_the_middle), TEST(removed_inside),
		  TEST(freed_in_slices), TEST(queue_stays_small), TEST(moves_between_lists),
		  TEST(cursor_goes_on_after_writes), TEST(fails_at_every_allocation),
		  TEST(full_keyspace_refuses), TEST(effects_replayed_give_the_same),
		  TEST(effects_follow_other_commands), TEST(full_effect_buffer_stops_the_command),
		  TEST(damaged_effects_are_refused), TEST(damaged_dumps_are_refused),
		  TEST(random_operations))
