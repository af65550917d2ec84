/*
 * dict_run_test.c
 *	  Commands on one hash or set, each done on a model too and compared.
 */
#include "dict_run_test.h"

#include "dict_int.h"

#define MANY			400
#define OUT_SIZE		((size_t) 64 << 20)

void
dict_run_open(DictRun *t, HsHandle *h, HsType type, const char *key, unsigned space, bool with_long,
			  uint64_t seed)
{
	memset(t, 0, sizeof(*t));
	t->h = h;
	t->type = type;
	t->key = key;
	t->r.state = seed;
	t->allowed = HS_OK;
	t->out.capacity = OUT_SIZE;
	t->out.buf = malloc(OUT_SIZE);
	dict_model_init(&t->m, space, with_long);
}

void
dict_run_close(DictRun *t)
{
	dict_model_free(&t->m);
	free(t->out.buf);
}

void
dict_begin(DictRun *t, HsLockMode mode)
{
	REQUIRE_EQ(hs_op_begin(&t->op, t->h, hs_bytes_str(t->key), mode, HEAP_NOW), HS_OK);
	t->op.effects = t->effects;
}

void
dict_end(DictRun *t)
{
	hs_op_end(&t->op);
}

bool
dict_went(DictRun *t, HsStatus status)
{
	if (status == t->allowed && status != HS_OK)
		return false;
	REQUIRE_EQ(status, HS_OK);
	return true;
}

bool
dict_put(DictRun *t, const unsigned *ids, unsigned n, bool nx)
{
	static HsHashField fields[MANY];
	static HsBytes members[MANY];
	static int	values[MANY];
	unsigned	before = t->m.n;
	uint64_t	added = 99;
	HsStatus	status;

	for (unsigned i = 0; i < n; i++)
	{
		values[i] = (int) test_below(&t->r, DICT_VALUES);
		members[i] = t->m.name[ids[i]];
		fields[i] = (HsHashField) {members[i], t->m.value[values[i]]};
	}
	dict_begin(t, HS_EXCLUSIVE);
	if (t->type == HS_HASH)
		status = hs_hash_set(&t->op, fields, n, nx, HS_NEVER, &added);
	else
		status = hs_set_add(&t->op, members, n, HS_NEVER, &added);
	dict_end(t);
	if (!dict_went(t, status))
		return false;
	for (unsigned i = 0; i < n; i++)
		if (!nx || t->m.has[ids[i]] < 0)
			dict_model_set(&t->m, ids[i], values[i]);
	CHECK_EQ(added, t->m.n - before);
	return true;
}

bool
dict_drop(DictRun *t, const unsigned *ids, unsigned n)
{
	static HsBytes members[MANY];
	unsigned	before = t->m.n;
	uint64_t	removed = 99;
	HsStatus	status;

	for (unsigned i = 0; i < n; i++)
		members[i] = t->m.name[ids[i]];
	dict_begin(t, HS_EXCLUSIVE);
	if (t->type == HS_HASH)
		status = hs_hash_remove(&t->op, members, n, &removed);
	else
		status = hs_set_remove(&t->op, members, n, &removed);
	dict_end(t);
	if (!dict_went(t, status))
		return false;
	for (unsigned i = 0; i < n; i++)
		dict_model_remove(&t->m, ids[i]);
	CHECK_EQ(removed, before - t->m.n);
	return true;
}

/* One item that is the member's value, or HS_NOT_FOUND. */
static void
look_at_value(DictRun *t, unsigned id)
{
	int			value = t->m.has[id];
	HsBytes		name = t->m.name[id];
	uint64_t	size = 0;
	size_t		pos = 0;
	HsBytes		got;

	REQUIRE_EQ(hs_hash_get(&t->op, name, &t->out), value >= 0 ? HS_OK : HS_NOT_FOUND);
	REQUIRE_EQ(hs_hash_value_size(&t->op, name, &size), value >= 0 ? HS_OK : HS_NOT_FOUND);
	CHECK_EQ(t->out.n, value >= 0);
	if (value >= 0)
	{
		REQUIRE(hs_items_next(&t->out, &pos, &got));
		CHECK(hs_bytes_cmp(got, t->m.value[value]) == 0);
		CHECK_EQ(size, got.size);
	}
}

void
dict_look(DictRun *t, unsigned id)
{
	HsBytes		names[40];
	bool		has[40];
	size_t		pos = 0;
	unsigned	n = 1 + (unsigned) test_below(&t->r, 40);
	uint64_t	count = 0;

	for (unsigned i = 0; i < n; i++)
		names[i] = t->m.name[(id + i * 7) % t->m.space];
	dict_begin(t, HS_SHARED);
	if (t->type == HS_HASH)
	{
		look_at_value(t, id);
		REQUIRE_EQ(hs_hash_get_many(&t->op, names, n, &t->out), HS_OK);
		REQUIRE_EQ(t->out.n, n);
		for (unsigned i = 0; i < n; i++)
		{
			int			value = t->m.has[(id + i * 7) % t->m.space];
			HsBytes		got;

			CHECK_EQ(hs_items_next(&t->out, &pos, &got), value >= 0);
			CHECK(value < 0 || hs_bytes_cmp(got, t->m.value[value]) == 0);
		}
		REQUIRE_EQ(hs_hash_count(&t->op, &count), HS_OK);
	}
	else
	{
		REQUIRE_EQ(hs_set_has_many(&t->op, names, n, has), HS_OK);
		for (unsigned i = 0; i < n; i++)
			CHECK_EQ(has[i], t->m.has[(id + i * 7) % t->m.space] >= 0);
		REQUIRE_EQ(hs_set_has(&t->op, t->m.name[id], has), HS_OK);
		CHECK_EQ(has[0], t->m.has[id] >= 0);
		REQUIRE_EQ(hs_set_count(&t->op, &count), HS_OK);
	}
	dict_end(t);
	CHECK_EQ(count, t->m.n);
}

void
dict_draw(DictRun *t, int64_t count)
{
	unsigned   *seen = calloc(t->m.space, sizeof(unsigned));
	uint64_t	want = count < 0 ? (t->m.n > 0 ? (uint64_t) -count : 0) :
		(uint64_t) count < t->m.n ? (uint64_t) count : t->m.n;
	bool		values = t->type == HS_HASH && test_below(&t->r, 2) == 0;
	uint64_t	seed = test_random(&t->r);

	dict_begin(t, HS_SHARED);
	if (t->type == HS_HASH)
		REQUIRE_EQ(hs_hash_random(&t->op, count, values, seed, &t->out), HS_OK);
	else
		REQUIRE_EQ(hs_set_random(&t->op, count, seed, &t->out), HS_OK);
	dict_end(t);
	CHECK_EQ(t->out.n, want * (values ? 2 : 1));
	dict_model_check(&t->m, &t->out, values, seen);
	for (unsigned id = 0; id < t->m.space; id++)
		CHECK(count < 0 || seen[id] <= 1);
	free(seen);
}

void
dict_pop(DictRun *t, unsigned count)
{
	unsigned   *seen = calloc(t->m.space, sizeof(unsigned));
	unsigned	want = count < t->m.n ? count : t->m.n;
	HsStatus	status;

	dict_begin(t, HS_EXCLUSIVE);
	status = hs_set_pop(&t->op, count, test_random(&t->r), &t->out);
	dict_end(t);
	if (dict_went(t, status))
	{
		CHECK_EQ(t->out.n, want);
		dict_model_check(&t->m, &t->out, false, seen);
		for (unsigned id = 0; id < t->m.space; id++)
		{
			CHECK(seen[id] <= 1);
			if (seen[id] > 0)
				dict_model_remove(&t->m, id);
		}
	}
	free(seen);
}

void
dict_check_all(DictRun *t, size_t capacity)
{
	unsigned   *seen = calloc(t->m.space, sizeof(unsigned));
	HsDictCursor cursor = {0};
	HsRecord   *record;
	HsItems		out = t->out;

	dict_begin(t, HS_SHARED);
	record = hs_find(&t->op);
	CHECK_EQ(record != NULL, t->m.n > 0);
	if (record != NULL)
		CHECK_WELL(hs_dict_verify(t->op.part, record));
	dict_end(t);
	out.capacity = capacity;
	while (!cursor.done)
	{
		HsStatus	status;

		dict_begin(t, HS_SHARED);
		if (t->type == HS_HASH)
			status = hs_hash_read(&t->op, &cursor, true, true, &out);
		else
			status = hs_set_read(&t->op, &cursor, &out);
		dict_end(t);
		if (status == HS_BUFFER_TOO_SMALL)
		{
			REQUIRE(out.need > out.capacity && out.need <= OUT_SIZE);
			out.capacity = out.need;
			continue;
		}
		REQUIRE_EQ(status, HS_OK);
		REQUIRE(out.n > 0 || cursor.done);
		REQUIRE(out.n <= 2 * (HS_DICT_BATCH + HS_MEMBERS_SEG_MAX));
		dict_model_check(&t->m, &out, t->type == HS_HASH, seen);
	}
	for (unsigned id = 0; id < t->m.space; id++)
		CHECK_EQ(seen[id], t->m.has[id] >= 0);
	free(seen);
}

bool
dict_is_large(DictRun *t)
{
	bool		is_large;
	HsRecord   *record;

	dict_begin(t, HS_SHARED);
	record = hs_find(&t->op);
	is_large = record != NULL && (hs_record_flags(record) & HS_RF_LARGE);
	dict_end(t);
	return is_large;
}

static void
random_ids(DictRun *t, unsigned *ids, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		ids[i] = (unsigned) test_below(&t->r, t->m.space);
}

/* One member is counted up. */
static void
count_up(DictRun *t, unsigned id)
{
	HsBytes		was = t->m.has[id] >= 0 ? t->m.value[t->m.has[id]] : hs_bytes_str("0");
	int64_t		n = 0;
	int64_t		result;
	HsStatus	status;
	bool		is_int = hs_int_parse(was, &n);

	dict_begin(t, HS_EXCLUSIVE);
	status = hs_hash_incr(&t->op, t->m.name[id], 1, HS_NEVER, &result);
	if (!is_int)
		CHECK_EQ(status, HS_NOT_INTEGER);
	else if (dict_went(t, status))
	{
		/* to a value that the model knows */
		CHECK_EQ(result, n + 1);
		status = hs_hash_incr(&t->op, t->m.name[id], hs_bytes_cmp(was, hs_bytes_str("0")) == 0 ? 0 : -1,
							  HS_NEVER, &result);
		REQUIRE(status == HS_OK || status == t->allowed);
	}
	dict_end(t);
	if (is_int && status == HS_OK && t->m.has[id] < 0)
	{
		dict_model_set(&t->m, id, 0);
		dict_drop(t, &id, 1);
	}
}

void
dict_random_steps(DictRun *t, uint64_t steps, unsigned want)
{
	unsigned	ids[MANY];

	for (uint64_t i = 0; i < steps; i++)
	{
		bool		grow = test_below(&t->r, 100) < (t->m.n < want ? 75 : 25);
		unsigned	n = test_below(&t->r, 20) == 0 ? (unsigned) test_below(&t->r, MANY) :
			1 + (unsigned) test_below(&t->r, 3);

		if (n > want / 2 + 2)
			n = want / 2 + 2;
		random_ids(t, ids, n);
		switch (test_below(&t->r, 8))
		{
			case 0:
				dict_look(t, ids[0]);
				break;
			case 1:
				dict_draw(t, (int64_t) test_below(&t->r, 40) - 20);
				break;
			case 2:
				if (t->type == HS_HASH)
					count_up(t, ids[0]);
				else if (t->m.n > want)
					dict_pop(t, n);
				break;
			default:
				if (grow)
					(void) dict_put(t, ids, n, test_below(&t->r, 4) == 0);
				else
					(void) dict_drop(t, ids, n);
		}
	}
}
