/*
 * dict_run_test.c
 *	  Commands on one hash or set, each done on a model too and compared.
 */
#include "dict_run_test.h"

#include "dict_node.h"
#include "dump.h"
#include "log.h"
#include "port_test.h"
#include "slab_test.h"

#define MANY			400
#define OUT_SIZE		((size_t) 64 << 20)
#define REGION_SIZE		((size_t) 96 << 20)

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

/*
 * ---- Tests of either type ------------------------------------------------------------
 */

void
dict_test_open(HsHandle *h)
{
	heap_open(REGION_SIZE);
	slab_fill_junk(true);
	heap_keyspace(h, 1, HS_EVICT_NONE, 0);
}

void
dict_test_done(HsHandle *h)
{
	CHECK_EQ(port_locks_held(), 0);
	CHECK_WELL(hs_keyspace_verify(h));
	CHECK_WELL(hs_region_verify());
	heap_close();
}

/* Members [from, to) by number. */
static void
put_range(DictRun *t, unsigned from, unsigned to)
{
	unsigned	ids[MANY];

	while (from < to)
	{
		unsigned	n = to - from < MANY ? to - from : MANY;

		for (unsigned i = 0; i < n; i++)
			ids[i] = from + i;
		REQUIRE(dict_put(t, ids, n, false));
		from += n;
	}
}

static void
drop_range(DictRun *t, unsigned from, unsigned to)
{
	for (; from < to; from++)
		REQUIRE(dict_drop(t, &from, 1));
}

/* Nothing may be left behind. */
static void
drop_key(DictRun *t)
{
	uint64_t	removed;

	REQUIRE_EQ(hs_keyspace_flush(t->h, HEAP_NOW, &removed), HS_OK);
	dict_model_clear(&t->m);
}

void
dict_test_random_commands(HsType type)
{
	static const unsigned sizes[] = {3, 40, 100, 140, 300, 2000, 20, 0};
	HsHandle	h;

	for (uint64_t seed = 1; seed <= 4; seed++)
	{
		DictRun		t;

		CASE("seed %d", (int) seed);
		dict_test_open(&h);
		dict_run_open(&t, &h, type, "k", 4000, seed % 2, test_seed(seed));
		for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		{
			dict_random_steps(&t, test_scaled(3000), sizes[i]);
			dict_check_all(&t, i % 2 ? 1 << 20 : 3000);
		}
		dict_run_close(&t);
		dict_test_done(&h);
	}
}

/* Number and bytes of members choose; the way back comes much later. */
void
dict_test_encodings(HsType type)
{
	HsHandle	h;
	DictRun		t;
	unsigned	n;

	dict_test_open(&h);
	dict_run_open(&t, &h, type, "k", 4000, false, 1);
	for (int round = 0; round < 3; round++)
	{
		for (n = 0; n < 4000 && !dict_is_large(&t); n++)
			REQUIRE(dict_put(&t, &n, 1, false));
		CHECK(t.m.n > 60 && t.m.n <= HS_DICT_BLOB_MAX + 1);
		dict_check_all(&t, 1 << 20);
		for (n = t.m.space; n-- > 0 && dict_is_large(&t);)
			REQUIRE(dict_drop(&t, &n, 1));
		CHECK(t.m.n > 0 && t.m.n <= HS_DICT_BLOB_AGAIN);
		CHECK(!dict_is_large(&t));
		dict_check_all(&t, 1 << 20);
	}
	drop_key(&t);
	dict_run_close(&t);

	/* one member is too long for the blob, with others in it and alone */
	dict_run_open(&t, &h, type, "k", 4000, true, 1);
	for (n = 0; n < 2; n++)
		REQUIRE(dict_put(&t, &n, 1, false));
	while (t.m.name[n].size != 5357)
		n++;
	REQUIRE(dict_put(&t, &n, 1, false));
	CHECK(dict_is_large(&t));
	dict_check_all(&t, 1 << 20);
	REQUIRE(dict_drop(&t, &n, 1));
	dict_check_all(&t, 1 << 20);
	drop_key(&t);
	REQUIRE(dict_put(&t, &n, 1, false));
	CHECK(dict_is_large(&t));
	REQUIRE(dict_drop(&t, &n, 1));
	dict_check_all(&t, 1 << 20);
	dict_run_close(&t);
	dict_test_done(&h);
}

void
dict_test_growth(HsType type)
{
	const unsigned space = 60000;
	HsHandle	h;
	DictRun		t;

	dict_test_open(&h);
	dict_run_open(&t, &h, type, "k", space, false, 2);
	for (unsigned n = 0; n < space; n += space / 4)
	{
		put_range(&t, n, n + space / 4);
		dict_check_all(&t, 1 << 20);
	}
	for (unsigned n = 0; n < space; n += space / 4)
	{
		drop_range(&t, n, n + space / 4);
		dict_check_all(&t, 100000);
	}
	dict_begin(&t, HS_EXCLUSIVE);
	CHECK(hs_find(&t.op) == NULL);
	dict_end(&t);
	dict_run_close(&t);
	dict_test_done(&h);
}

/* Each node refused once, of commands on one and on many members: nothing has changed. */
void
dict_test_no_memory(HsType type)
{
	static const unsigned sizes[] = {0, 100, 128, 500, 5000};
	static const unsigned counts[] = {1, 2, MANY};
	HsHandle	h;

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (unsigned k = 0; k < sizeof(counts) / sizeof(counts[0]); k++)
		{
			DictRun		t;
			unsigned	refused = 0;

			CASE("%u members, %u at once", sizes[i], counts[k]);
			dict_test_open(&h);
			dict_run_open(&t, &h, type, "k", 8000, true, i + 1);
			put_range(&t, 0, sizes[i]);
			t.allowed = HS_NO_MEMORY;
			slab_watch_promises(true);
			for (int fail = 0; fail < 60; fail++)
			{
				unsigned	ids[MANY];

				random_ids(&t, ids, counts[k]);
				slab_fail_after(counts[k] == 1 ? fail % 6 : fail);
				if (!dict_put(&t, ids, counts[k], false))
				{
					CHECK(t.op.need > 0);
					refused++;
				}
				if (fail % 7 == 0)
				{
					random_ids(&t, ids, counts[k]);
					REQUIRE(dict_drop(&t, ids, counts[k]));
				}
				slab_fail_after(-1);
				if (fail % 8 == 0)
					dict_check_all(&t, 1 << 20);
			}
			CHECK(refused > 0 || sizes[i] < 100);
			CHECK_EQ(slab_broken_promises(), 0);
			slab_watch_promises(false);
			dict_check_all(&t, 1 << 20);
			drop_key(&t);
			dict_run_close(&t);
			dict_test_done(&h);
		}
}

/* Many commands of many sizes on large ones keep to what was promised for them. */
void
dict_test_promises(HsType type)
{
	HsHandle	h;

	for (uint64_t i = 0; i < test_scaled(30); i++)
	{
		DictRun		t;
		unsigned	ids[MANY];

		CASE("round %u", (unsigned) i);
		dict_test_open(&h);
		dict_run_open(&t, &h, type, "k", 20000, i % 3 == 0, test_seed(i));
		slab_watch_promises(true);
		for (int step = 0; step < 60; step++)
		{
			unsigned	n = 1 + (unsigned) test_below(&t.r, MANY);

			random_ids(&t, ids, n);
			REQUIRE(dict_put(&t, ids, n, false));
			if (step % 6 == 5)
			{
				random_ids(&t, ids, n);
				REQUIRE(dict_drop(&t, ids, n));
			}
		}
		CHECK_EQ(slab_broken_promises(), 0);
		slab_watch_promises(false);
		dict_check_all(&t, 1 << 20);
		drop_key(&t);
		dict_run_close(&t);
		dict_test_done(&h);
	}
}

/* One batch of a walk; the members it gave are counted in seen[]. */
static void
read_batch(DictRun *t, HsDictCursor *cursor, size_t capacity, unsigned *seen)
{
	HsItems		out = t->out;
	HsStatus	status;

	out.capacity = capacity;
	for (;;)
	{
		dict_begin(t, HS_SHARED);
		if (t->type == HS_HASH)
			status = hs_hash_read(&t->op, cursor, true, false, &out);
		else
			status = hs_set_read(&t->op, cursor, &out);
		dict_end(t);
		if (status != HS_BUFFER_TOO_SMALL)
			break;
		REQUIRE(out.need > out.capacity);
		out.capacity = out.need;
	}
	REQUIRE_EQ(status, HS_OK);
	dict_model_check(&t->m, &out, false, seen);
}

/*
 * Between the batches of a walk a large one grows by many times, shrinks by many, and
 * becomes a small one: what stays is met once, nothing twice.
 */
void
dict_test_reads_across_writes(HsType type)
{
	const unsigned space = 20000;
	HsHandle	h;

	for (uint64_t seed = 0; seed < test_scaled(12); seed++)
	{
		unsigned	want = seed % 3 == 0 ? 12000 : seed % 3 == 1 ? 600 : 20;
		unsigned   *seen = calloc(space, sizeof(unsigned));
		bool	   *stays = calloc(space, sizeof(bool));
		HsDictCursor cursor = {0};
		unsigned	batches = 0;
		DictRun		t;

		CASE("seed %u", (unsigned) seed);
		dict_test_open(&h);
		dict_run_open(&t, &h, type, "k", space, seed % 4 == 3, test_seed(seed));
		put_range(&t, 0, 3000);
		for (unsigned id = 0; id < space; id++)
			stays[id] = t.m.has[id] >= 0;
		for (; !cursor.done; batches++)
		{
			read_batch(&t, &cursor, 400 + test_below(&t.r, 3000), seen);
			for (int i = 0; i < 40; i++)
			{
				unsigned	ids[60];
				unsigned	n = 1 + (unsigned) test_below(&t.r, 60);

				random_ids(&t, ids, n);
				if (want > 3000)
					REQUIRE(dict_put(&t, ids, n, false));
				else
				{
					/* of those behind 'want' only, so that some stay */
					for (unsigned j = 0; j < n; j++)
						ids[j] = want + ids[j] % (3000 - want);
					REQUIRE(dict_drop(&t, ids, n));
				}
				for (unsigned j = 0; j < n; j++)
					stays[ids[j]] &= t.m.has[ids[j]] >= 0;
			}
		}
		CHECK(batches > 3);
		CHECK_EQ(dict_is_large(&t), want > 600 || t.m.n > HS_DICT_BLOB_AGAIN);
		for (unsigned id = 0; id < space; id++)
		{
			CHECK(seen[id] <= 1);
			CHECK(!stays[id] || seen[id] == 1);
		}
		drop_key(&t);
		dict_run_close(&t);
		dict_test_done(&h);
		free(seen);
		free(stays);
	}
}

/* Every function that returns items says what it needs, and changes nothing until it has that. */
void
dict_test_small_buffers(HsType type)
{
	static const unsigned sizes[] = {5, 400};
	HsHandle	h;

	for (unsigned i = 0; i < 2; i++)
	{
		DictRun		t;
		HsItems		out;
		size_t		need;

		CASE("%u members", sizes[i]);
		dict_test_open(&h);
		dict_run_open(&t, &h, type, "k", 500, true, 3);
		put_range(&t, 0, sizes[i]);
		out = t.out;
		out.capacity = 3;
		dict_begin(&t, HS_EXCLUSIVE);
		for (int64_t count = 4; count >= -4; count -= 8)
		{
			if (type == HS_HASH)
				CHECK_EQ(hs_hash_random(&t.op, count, true, 7, &out), HS_BUFFER_TOO_SMALL);
			else
				CHECK_EQ(hs_set_random(&t.op, count, 7, &out), HS_BUFFER_TOO_SMALL);
			need = out.capacity = out.need;
			if (type == HS_HASH)
				CHECK_EQ(hs_hash_random(&t.op, count, true, 7, &out), HS_OK);
			else
				CHECK_EQ(hs_set_random(&t.op, count, 7, &out), HS_OK);
			CHECK_EQ(out.size, need);
			out.capacity = 3;
		}
		if (type == HS_HASH)
		{
			CHECK_EQ(hs_hash_get(&t.op, t.m.name[4], &out), HS_BUFFER_TOO_SMALL);
			CHECK_EQ(out.need, t.m.value[t.m.has[4]].size + HS_ITEM_HEADER);
			CHECK_EQ(hs_hash_get_many(&t.op, t.m.name, 5, &out), HS_BUFFER_TOO_SMALL);
			CHECK(out.need > 5 * HS_ITEM_HEADER);
		}
		else
			CHECK_EQ(hs_set_pop(&t.op, 4, 7, &out), HS_BUFFER_TOO_SMALL);
		dict_end(&t);
		dict_check_all(&t, 10);
		drop_key(&t);
		dict_run_close(&t);
		dict_test_done(&h);
	}
}

/*
 * ---- Dumps and effects ------------------------------------------------------------------
 */

/* The key of another run takes over the model's contents, by way of a dump. */
static void
dump_and_restore(DictRun *from, DictRun *to)
{
	uint8_t    *buf = from->out.buf;
	size_t		size = 0;
	HsDump		dump;
	bool		done;

	dict_begin(from, HS_SHARED);
	CHECK_EQ(hs_dump(&from->op, buf, 10, &size), HS_BUFFER_TOO_SMALL);
	REQUIRE(size <= OUT_SIZE);
	REQUIRE_EQ(hs_dump(&from->op, buf, size, &size), HS_OK);
	dict_end(from);
	REQUIRE_EQ(hs_dump_open(hs_bytes(buf, size), &dump), HS_OK);
	dict_begin(to, HS_EXCLUSIVE);
	REQUIRE_EQ(hs_restore(&to->op, &dump, NULL, true, HS_NEVER, &done), HS_OK);
	dict_end(to);
	CHECK(done);
}

void
dict_test_dumps(HsType type)
{
	static const unsigned sizes[] = {1, 40, 128, 1000, 30000};
	HsHandle	h;

	for (unsigned i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		DictRun		t,
					u;

		CASE("%u members", sizes[i / 2]);
		dict_test_open(&h);
		dict_run_open(&t, &h, type, "k", 30000, i % 2 && i < 8, i + 1);
		dict_run_open(&u, &h, type, "l", 30000, i % 2 && i < 8, i + 1);
		put_range(&t, 0, sizes[i / 2]);
		put_range(&u, 17, 200);
		dump_and_restore(&t, &u);
		memcpy(u.m.has, t.m.has, u.m.space * sizeof(int));
		u.m.n = t.m.n;
		dict_check_all(&u, 1 << 20);
		CHECK_EQ(dict_is_large(&u), dict_is_large(&t));

		/* what was read in the order of one is put into another */
		drop_key(&t);
		memcpy(t.m.has, u.m.has, u.m.space * sizeof(int));
		t.m.n = u.m.n;
		dict_run_close(&u);
		dict_run_close(&t);
		dict_test_done(&h);
	}
}

static size_t
add_item(uint8_t *payload, size_t at, const char *item)
{
	uint32_t	size = (uint32_t) strlen(item);

	memcpy(payload + at, &size, 4);
	memcpy(payload + at + 4, item, size);
	return at + 4 + size;
}

void
dict_test_damaged_dumps(HsType type)
{
	static const struct
	{
		const char *name;
		uint32_t	n;			/* as it stands there */
		const char *member[4];
		int			cut;		/* bytes missing (or too many) at the end */
		HsStatus	want;
	}			cases[] = {
		{"good", 2, {"a", "12"}, 0, HS_OK},
		{"empty member", 1, {""}, 0, HS_OK},
		{"none", 0, {NULL}, 0, HS_CORRUPT},
		{"fewer than it says", 3, {"a", "b"}, 0, HS_CORRUPT},
		{"more than it says", 1, {"a", "b"}, 0, HS_CORRUPT},
		{"far fewer", UINT32_MAX, {"a", "b"}, 0, HS_CORRUPT},
		{"twice the same", 3, {"a", "b", "a"}, 0, HS_CORRUPT},
		{"twice an integer", 3, {"7", "b", "7"}, 0, HS_CORRUPT},
		{"cut", 2, {"a", "b"}, 1, HS_CORRUPT},
		{"cut in a header", 2, {"a", "b"}, 4, HS_CORRUPT},
		{"too much", 2, {"a", "b"}, -1, HS_CORRUPT},
	};
	HsHandle	h;
	DictRun		t;
	uint8_t		large[5000];
	uint32_t	n = 300;
	size_t		size = 4;
	HsStatus	(*load) (HsOp *op, HsBytes payload, int64_t expires_us) =
		type == HS_HASH ? hs_hash_load : hs_set_load;

	dict_test_open(&h);
	dict_run_open(&t, &h, type, "k", 10, false, 1);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		uint8_t		payload[200] = {0};

		CASE("%s", cases[i].name);
		memcpy(payload, &cases[i].n, 4);
		size = 4;
		for (unsigned j = 0; j < 4 && cases[i].member[j] != NULL; j++)
		{
			size = add_item(payload, size, cases[i].member[j]);
			if (type == HS_HASH)
				size = add_item(payload, size, j % 2 ? "value" : "1");
		}
		size -= (size_t) cases[i].cut;
		dict_begin(&t, HS_EXCLUSIVE);
		CHECK_EQ(load(&t.op, hs_bytes(payload, size), HS_NEVER), cases[i].want);
		CHECK_EQ(hs_find(&t.op) != NULL, cases[i].want == HS_OK);
		if (hs_find(&t.op) != NULL)
		{
			CHECK_EQ(hs_dict_count(hs_find(&t.op)), cases[i].n);
			hs_remove(&t.op, hs_find(&t.op));
		}
		dict_end(&t);
	}
	CASE("twice in a large one");
	memcpy(large, &n, 4);
	size = 4;
	for (uint32_t i = 0; i < n; i++)
	{
		char		text[16];

		snprintf(text, sizeof(text), "%u", i == 299 ? 17 : i);
		size = add_item(large, size, text);
		if (type == HS_HASH)
			size = add_item(large, size, "v");
	}
	dict_begin(&t, HS_EXCLUSIVE);
	CHECK_EQ(load(&t.op, hs_bytes(large, size), HS_NEVER), HS_CORRUPT);
	CHECK(hs_find(&t.op) == NULL);
	dict_end(&t);
	dict_run_close(&t);
	dict_test_done(&h);
}

/* What a log of effects says gives the same contents, also when it is applied twice. */
void
dict_test_effects(HsType type)
{
	size_t		capacity = (size_t) 256 << 20;
	uint8_t    *log = malloc(capacity);
	static const unsigned wants[] = {50, 1000};
	HsHandle	h;

	for (unsigned i = 0; i < 4; i++)
	{
		HsEffects	fx = {log, 0, capacity, 0};
		DictRun		t;
		HsHandle	twin;
		size_t		need;
		uint64_t	hash;

		CASE("round %u", i);
		dict_test_open(&h);
		heap_keyspace(&twin, 2, HS_EVICT_NONE, 0);
		dict_run_open(&t, &h, type, "k", 3000, i % 2, i + 1);
		t.effects = &fx;
		dict_random_steps(&t, 1000, wants[i / 2]);
		for (int times = 0; times < 2; times++)
		{
			size_t		pos = 0;

			REQUIRE_EQ(hs_effect_apply(&twin, hs_bytes(log, fx.size), &pos, HEAP_NOW, &need, &hash),
					   HS_OK);
			CHECK_EQ(pos, fx.size);
			t.h = &twin;
			dict_check_all(&t, 1 << 20);
			t.h = &h;
		}
		/* a buffer that is full stops the command */
		fx.capacity = fx.size + 20;
		t.allowed = HS_NO_MEMORY;
		for (unsigned id = 1000; id < 1020; id++)
		{
			size_t		before = fx.size;

			CHECK(!dict_put(&t, &id, 1, false));
			CHECK_EQ(fx.size, before);
			CHECK(fx.wanted > fx.capacity);
			CHECK_EQ(t.op.need, 0);
		}
		dict_check_all(&t, 1 << 20);
		drop_key(&t);
		dict_run_close(&t);
		dict_test_done(&h);
	}
	free(log);
}

void
dict_test_freed_in_slices(HsType type)
{
	static const unsigned budgets[] = {1, 7, 100, 1000000};
	HsHandle	h;
	DictRun		t;

	dict_test_open(&h);
	dict_run_open(&t, &h, type, "k", 3000, true, 1);
	for (unsigned i = 0; i < sizeof(budgets) / sizeof(budgets[0]); i++)
	{
		HsRef		root;
		unsigned	n = 1;

		CASE("budget %u", budgets[i]);
		dict_begin(&t, HS_EXCLUSIVE);
		root = hs_dict_root_create(t.op.part, type);
		REQUIRE(root != HS_REF_NONE);
		for (unsigned id = 0; id < 3000; id++)
		{
			HsPack		p = hs_pack(t.m.name[id]);
			HsPack		v = hs_pack(t.m.value[id % DICT_VALUES]);

			REQUIRE_EQ(hs_dict_root_insert(t.op.part, hs_dict_root(root), hs_pack_hash(&p), &p,
										   type == HS_HASH ? &v : NULL), HS_OK);
		}
		CHECK(hs_slab_bytes(t.op.part) >= hs_dict_bytes(root));
		while (!hs_dict_free_slice(t.op.part, root, budgets[i]))
			n++;
		CHECK(n >= 3000 / budgets[i] && n <= 2 + 3500 / budgets[i]);
		/* long values are buried on their way */
		while (hs_bury(t.op.part, 1000))
			;
		dict_end(&t);
		dict_begin(&t, HS_EXCLUSIVE);
		CHECK_EQ(hs_slab_bytes(t.op.part), 0);
		dict_end(&t);
	}
	dict_run_close(&t);
	dict_test_done(&h);
}

/* Each member is drawn about as often as any other, alone and among several. */
void
dict_test_random_members_are_fair(HsType type)
{
	static const unsigned sizes[] = {10, 100, 1000};
	static const int counts[] = {1, -1, 3, -50};
	HsHandle	h;

	for (unsigned i = 0; i < 12; i++)
	{
		unsigned	n = sizes[i / 4];
		int			count = counts[i % 4];
		unsigned   *seen = calloc(n, sizeof(unsigned));
		unsigned	each = (unsigned) (count < 0 ? -count : count);
		unsigned	rounds = 200 * n / each;
		double		chi = 0;
		DictRun		t;

		CASE("%d of %u", count, n);
		dict_test_open(&h);
		dict_run_open(&t, &h, type, "k", n, false, 1);
		put_range(&t, 0, n);
		dict_begin(&t, HS_SHARED);
		for (unsigned k = 0; k < rounds; k++)
		{
			uint64_t	seed = test_random(&t.r);

			if (type == HS_HASH)
				REQUIRE_EQ(hs_hash_random(&t.op, count, false, seed, &t.out), HS_OK);
			else
				REQUIRE_EQ(hs_set_random(&t.op, count, seed, &t.out), HS_OK);
			dict_model_check(&t.m, &t.out, false, seen);
		}
		dict_end(&t);
		for (unsigned id = 0; id < n; id++)
			chi += (seen[id] - 200.0) * (seen[id] - 200.0) / 200.0;
		/* mean n - 1, standard deviation sqrt(2n) */
		CHECK((chi - n) * (chi - n) < 25.0 * 2 * n);
		dict_run_close(&t);
		dict_test_done(&h);
		free(seen);
	}
}

void
dict_test_arguments(HsType type)
{
	uint8_t    *big = calloc(1, HS_DICT_VALUE_MAX + 1);
	HsBytes		too_long = hs_bytes(big, HS_MAX_KEY + 1);
	HsHashField fields[2] = {{hs_bytes_str("a"), hs_bytes_str("b")}, {too_long, hs_bytes_str("b")}};
	HsBytes		members[2] = {hs_bytes_str("a"), too_long};
	HsDraft		draft;
	uint64_t	n = 99;
	HsHandle	h;
	DictRun		t;

	dict_test_open(&h);
	dict_run_open(&t, &h, type, "k", 10, false, 1);
	dict_begin(&t, HS_EXCLUSIVE);
	if (type == HS_HASH)
	{
		CHECK_EQ(hs_hash_set(&t.op, fields, 2, false, HS_NEVER, &n), HS_MEMBER_TOO_LONG);
		CHECK_EQ(hs_hash_remove(&t.op, members, 2, &n), HS_MEMBER_TOO_LONG);
		fields[1] = (HsHashField) {hs_bytes_str("c"), hs_bytes(big, HS_DICT_VALUE_MAX + 1)};
		CHECK_EQ(hs_hash_set(&t.op, fields, 2, false, HS_NEVER, &n), HS_VALUE_TOO_LONG);
		CHECK_EQ(hs_hash_random(&t.op, -HS_DICT_RANDOM_MAX - 1, false, 1, &t.out), HS_BAD_ARGUMENT);
		CHECK_EQ(hs_hash_set(&t.op, fields, 0, false, HS_NEVER, &n), HS_OK);
	}
	else
	{
		CHECK_EQ(hs_set_add(&t.op, members, 2, HS_NEVER, &n), HS_MEMBER_TOO_LONG);
		CHECK_EQ(hs_set_remove(&t.op, members, 2, &n), HS_MEMBER_TOO_LONG);
		CHECK_EQ(hs_set_random(&t.op, INT64_MIN, 1, &t.out), HS_BAD_ARGUMENT);
		CHECK_EQ(hs_set_add(&t.op, members, 0, HS_NEVER, &n), HS_OK);
	}
	CHECK_EQ(n, 0);
	CHECK(hs_find(&t.op) == NULL);

	/* a key of another type is left alone */
	REQUIRE_EQ(hs_reserve(&t.op, HS_STRING, 1, HS_NEVER, &draft), HS_OK);
	draft.value[0] = 'x';
	hs_publish(&t.op, &draft);
	if (type == HS_HASH)
		CHECK_EQ(hs_hash_set(&t.op, fields, 1, false, HS_NEVER, &n), HS_WRONG_TYPE);
	else
		CHECK_EQ(hs_set_add(&t.op, members, 1, HS_NEVER, &n), HS_WRONG_TYPE);
	CHECK_EQ(t.op.found_type, HS_STRING);
	hs_remove(&t.op, hs_find(&t.op));
	dict_end(&t);
	dict_run_close(&t);
	dict_test_done(&h);
	free(big);
}
