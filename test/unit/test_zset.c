/*
 * test_zset.c
 *	  Sorted sets of both encodings against a naive model.
 *
 * HOTSET_SOAK=1 in the environment: ten million random operations.
 */
#include "heap_test.h"
#include "port_test.h"
#include "zset_model_test.h"

#include <math.h>

#define REGION_SIZE		((size_t) 96 << 20)
#define BUF_SIZE		((size_t) 1 << 20)

static HsHandle h;
static HsOp op;
static uint8_t *buf;
static HsZsetScratch scratch;

static void
open_region(size_t size)
{
	heap_open(size);
	heap_keyspace(&h, 1, HS_EVICT_NONE, 0);
	if (buf == NULL)
		buf = malloc(BUF_SIZE);
	if (scratch.data == NULL)
	{
		scratch.capacity = 8 << 20;
		scratch.data = malloc(scratch.capacity);
	}
}

static void
begin(const char *key, HsLockMode mode)
{
	REQUIRE_EQ(hs_op_begin(&op, &h, hs_bytes_str(key), mode, HEAP_NOW), HS_OK);
}

static void
end(void)
{
	hs_op_end(&op);
}

static void
done(void)
{
	CHECK_EQ(port_locks_held(), 0);
	CHECK_WELL(hs_keyspace_verify(&h));
	CHECK_WELL(hs_region_verify());
	heap_close();
}

/* The structure under the key, and everything in it. */
static void
check_key(const char *key)
{
	HsRecord   *record;

	begin(key, HS_SHARED);
	record = hs_find(&op);
	if (record != NULL)
		CHECK_WELL(hs_zset_verify(op.part, record));
	end();
}

static HsZsetRange
all_by_rank(bool reverse)
{
	HsZsetRange r = {.by = HS_ZSET_BY_RANK,.stop = -1,.limit = UINT64_MAX,.reverse = reverse};

	return r;
}

/* Read the range with a buffer of 'capacity' bytes; compare with ranks of the model. */
static void
check_range(const char *key, const ZsetModel *m, const HsZsetRange *range, size_t capacity)
{
	HsZsetCursor c;
	unsigned	low,
				high,
				seen = 0;

	zset_model_range(m, range, &low, &high);
	hs_zset_cursor_init(&c, range);
	while (!c.done)
	{
		HsZsetBatch batch;
		size_t		pos = 0;
		HsStatus	status;

		begin(key, HS_SHARED);
		status = hs_zset_read(&op, &c, buf, capacity, &batch);
		end();
		if (status == HS_BUFFER_TOO_SMALL)
		{
			REQUIRE(batch.need > capacity && batch.need <= BUF_SIZE);
			capacity = batch.need;
			continue;
		}
		REQUIRE_EQ(status, HS_OK);
		REQUIRE(batch.n <= HS_ZSET_BATCH && batch.size <= capacity);
		if (batch.n > 0)
			CHECK_EQ(batch.first_rank, range->reverse ? m->n - high + seen : low + seen);
		for (unsigned i = 0; i < batch.n; i++)
		{
			HsZsetMember got = hs_zset_batch_next(buf, &pos);
			unsigned	id = m->order[range->reverse ? high - 1 - seen : low + seen];

			REQUIRE(seen < high - low);
			CHECK(got.score == m->score[id]);
			REQUIRE(hs_bytes_cmp(got.member, m->name[id]) == 0);
			seen++;
		}
		CHECK_EQ(pos, batch.size);
	}
	CHECK_EQ(seen, high - low);
}

static void
check_all(const char *key, const ZsetModel *m)
{
	HsZsetRange forward = all_by_rank(false);
	HsZsetRange backward = all_by_rank(true);
	uint64_t	n;

	check_key(key);
	begin(key, HS_SHARED);
	REQUIRE_EQ(hs_zset_card(&op, &n), HS_OK);
	CHECK_EQ(n, m->n);
	CHECK_EQ(hs_find(&op) != NULL, m->n > 0);
	end();
	check_range(key, m, &forward, BUF_SIZE);
	check_range(key, m, &backward, 2000);
}

/*
 * ---- Random operations ------------------------------------------------------------
 */
typedef enum ScoreMode
{
	UNIFORM, TEN_VALUES, ALL_EQUAL, NEGATIVE_INTS, ANY_BITS, TWO_ENDS, SPECIAL, NSCORE_MODES
} ScoreMode;

typedef struct Round
{
	const char *key;
	ZsetModel	m;
	ScoreMode	mode;
	TestRandom	r;
	uint64_t	step;
} Round;

static double
random_score(Round *t)
{
	static const double special[] = {-INFINITY, INFINITY, -0.0, 0.0, 5e-324, -5e-324,
	1.7976931348623157e308, -1.7976931348623157e308, 1, -1};
	double		score;
	uint64_t	bits;

	switch (t->mode)
	{
		case UNIFORM:
			return (double) test_below(&t->r, 1000000000) / 1000;
		case TEN_VALUES:
			return (double) test_below(&t->r, 10);
		case ALL_EQUAL:
			return 7;
		case NEGATIVE_INTS:
			return -(double) test_below(&t->r, 5000);
		case TWO_ENDS:
			t->step++;
			return t->step % 2 ? (double) t->step : -(double) t->step;
		case SPECIAL:
			return special[test_below(&t->r, sizeof(special) / sizeof(special[0]))];
		default:
			break;
	}
	do
	{
		bits = test_random(&t->r);
		memcpy(&score, &bits, 8);
	} while (score != score);
	return score;
}

static unsigned
random_id(Round *t)
{
	return (unsigned) test_below(&t->r, t->m.space);
}

static HsZsetRange
random_range(Round *t)
{
	HsZsetRange range = {.limit = UINT64_MAX};
	unsigned	a = random_id(t),
				b = random_id(t);

	range.by = t->mode == ALL_EQUAL ? (HsZsetBy) test_below(&t->r, 3) : (HsZsetBy) test_below(&t->r, 2);
	range.reverse = test_below(&t->r, 2);
	range.min_open = test_below(&t->r, 2);
	range.max_open = test_below(&t->r, 2);
	range.start = (int64_t) test_below(&t->r, t->m.n * 2 + 4) - t->m.n - 2;
	range.stop = (int64_t) test_below(&t->r, t->m.n * 2 + 4) - t->m.n - 2;
	range.min = random_score(t);
	range.max = random_score(t);
	range.lex_min = t->m.name[a];
	range.lex_max = t->m.name[b];
	range.no_min = test_below(&t->r, 4) == 0;
	range.no_max = test_below(&t->r, 4) == 0;
	if (range.min > range.max && test_below(&t->r, 8) != 0)
	{
		double		swap = range.min;

		range.min = range.max;
		range.max = swap;
	}
	if (test_below(&t->r, 2) == 0)
	{
		range.offset = test_below(&t->r, 20);
		range.limit = test_below(&t->r, 30);
	}
	return range;
}

/* What an add should do to the model; true if the score was set. */
static bool
model_add(ZsetModel *m, unsigned id, double score, unsigned flags, HsZsetAdded *want)
{
	bool		exists = m->has[id];
	double		old = m->score[id];

	want->stopped = exists ? (flags & HS_ZADD_NX) || ((flags & HS_ZADD_GT) && score <= old) ||
		((flags & HS_ZADD_LT) && score >= old) : (flags & HS_ZADD_XX) != 0;
	want->score = !want->stopped ? score + 0.0 : exists ? old : 0;
	if (want->stopped || (exists && old == score))
		return false;
	if (exists)
		want->changed++;
	else
		want->added++;
	zset_model_set(m, id, score);
	return true;
}

static const unsigned all_flags[] = {0, 0, 0, 0, HS_ZADD_NX, HS_ZADD_XX, HS_ZADD_GT, HS_ZADD_LT,
HS_ZADD_XX | HS_ZADD_GT, HS_ZADD_XX | HS_ZADD_LT};

static unsigned
random_flags(Round *t)
{
	return all_flags[test_below(&t->r, sizeof(all_flags) / sizeof(all_flags[0]))];
}

static void
check_added(const HsZsetAdded *got, const HsZsetAdded *want)
{
	CHECK_EQ(got->added, want->added);
	CHECK_EQ(got->changed, want->changed);
	CHECK_EQ(got->stopped, want->stopped);
	CHECK(got->score == want->score);
}

static void
do_add(Round *t)
{
	unsigned	id = random_id(t);
	double		score = random_score(t);
	unsigned	flags = random_flags(t);
	HsZsetAdded got,
				want = {0};

	begin(t->key, HS_EXCLUSIVE);
	REQUIRE_EQ(hs_zset_add(&op, t->m.name[id], score, flags, HS_NEVER, &got), HS_OK);
	end();
	model_add(&t->m, id, score, flags, &want);
	check_added(&got, &want);
}

#define MANY	400

static void
do_add_many(Round *t)
{
	static HsZsetMember list[MANY];
	static unsigned ids[MANY];
	size_t		n = test_below(&t->r, test_below(&t->r, 8) == 0 ? MANY : 20);
	unsigned	flags = random_flags(t);
	unsigned	near = random_id(t);
	bool		clustered = test_below(&t->r, 2);
	HsZsetAdded got,
				want = {0};

	for (size_t i = 0; i < n; i++)
	{
		ids[i] = clustered ? (near + (unsigned) i) % t->m.space : random_id(t);
		list[i] = (HsZsetMember) {random_score(t), t->m.name[ids[i]]};
	}
	begin(t->key, HS_EXCLUSIVE);
	REQUIRE_EQ(hs_zset_add_many(&op, list, n, flags, HS_NEVER, &got), HS_OK);
	end();
	for (size_t i = 0; i < n; i++)
		model_add(&t->m, ids[i], list[i].score, flags, &want);
	check_added(&got, &want);
}

static void
do_incr(Round *t)
{
	unsigned	id = random_id(t);
	double		by = test_below(&t->r, 2) ? (double) test_below(&t->r, 10) : random_score(t);
	double		want;
	double		got = 99;
	HsStatus	status;

	if (t->mode == ALL_EQUAL)	/* ranges by member need it to stay so */
		by = t->m.has[id] ? 0 : random_score(t);
	want = t->m.has[id] ? t->m.score[id] + by : by;

	begin(t->key, HS_EXCLUSIVE);
	status = hs_zset_incr(&op, t->m.name[id], by, HS_NEVER, &got);
	end();
	if (want != want)
	{
		CHECK_EQ(status, HS_NOT_A_NUMBER);
		CHECK(got == 99);
		return;
	}
	REQUIRE_EQ(status, HS_OK);
	CHECK(got == want + 0.0);
	CHECK(!signbit(got) || got != 0);
	zset_model_set(&t->m, id, want);
}

static void
do_remove(Round *t)
{
	HsBytes		list[8];
	size_t		n = test_below(&t->r, 8);
	uint64_t	removed = 99,
				want = 0;

	begin(t->key, HS_EXCLUSIVE);
	for (size_t i = 0; i < n; i++)
	{
		unsigned	id = random_id(t);

		list[i] = t->m.name[id];
		if (t->m.has[id])
		{
			zset_model_remove(&t->m, id);
			want++;
		}
	}
	REQUIRE_EQ(hs_zset_remove(&op, list, n, &removed), HS_OK);
	end();
	CHECK_EQ(removed, want);
}

static void
do_score_and_rank(Round *t)
{
	unsigned	id = random_id(t);
	bool		reverse = test_below(&t->r, 2);
	double		score,
				score2;
	uint64_t	rank;
	HsStatus	want = t->m.has[id] ? HS_OK : HS_NOT_FOUND;

	begin(t->key, HS_SHARED);
	CHECK_EQ(hs_zset_score(&op, t->m.name[id], &score), want);
	CHECK_EQ(hs_zset_rank(&op, t->m.name[id], reverse, &rank, &score2), want);
	end();
	if (want == HS_OK)
	{
		unsigned	at = zset_model_place(&t->m, t->m.score[id], t->m.name[id]);

		CHECK(score == t->m.score[id] && score2 == score);
		CHECK_EQ(rank, reverse ? t->m.n - 1 - at : at);
	}
}

static void
do_count(Round *t)
{
	HsZsetRange range = random_range(t);
	unsigned	low,
				high;
	uint64_t	n;

	zset_model_range(&t->m, &range, &low, &high);
	begin(t->key, HS_SHARED);
	REQUIRE_EQ(hs_zset_count(&op, &range, &n), HS_OK);
	end();
	CHECK_EQ(n, high - low);
}

static void
do_read(Round *t)
{
	HsZsetRange range = random_range(t);

	check_range(t->key, &t->m, &range, 16 + test_below(&t->r, 5000));
}

static void
do_remove_range(Round *t)
{
	HsZsetRange range = random_range(t);
	unsigned	low,
				high;
	uint64_t	n;

	if (test_below(&t->r, 8) != 0)
		range.limit = test_below(&t->r, 40);	/* mostly few */
	zset_model_range(&t->m, &range, &low, &high);
	begin(t->key, HS_EXCLUSIVE);
	REQUIRE_EQ(hs_zset_remove_range(&op, &range, &n), HS_OK);
	end();
	CHECK_EQ(n, high - low);
	zset_model_remove_ranks(&t->m, low, high);
}

static void
do_pop(Round *t)
{
	uint64_t	count = test_below(&t->r, 10);
	bool		from_max = test_below(&t->r, 2);
	size_t		capacity = test_below(&t->r, 2) ? BUF_SIZE : 200;
	HsZsetBatch batch;
	size_t		pos = 0;
	HsStatus	status;

	begin(t->key, HS_EXCLUSIVE);
	status = hs_zset_pop(&op, count, from_max, buf, capacity, &batch);
	if (status == HS_BUFFER_TOO_SMALL)
	{
		REQUIRE(batch.need > capacity && batch.need <= BUF_SIZE);
		status = hs_zset_pop(&op, count, from_max, buf, batch.need, &batch);
	}
	end();
	REQUIRE_EQ(status, HS_OK);
	CHECK_EQ(batch.n, count < t->m.n ? count : t->m.n);
	for (unsigned i = 0; i < batch.n; i++)
	{
		unsigned	at = from_max ? t->m.n - 1 : 0;
		HsZsetMember got = hs_zset_batch_next(buf, &pos);

		CHECK(got.score == t->m.score[t->m.order[at]]);
		CHECK(hs_bytes_cmp(got.member, t->m.name[t->m.order[at]]) == 0);
		zset_model_remove_ranks(&t->m, at, at + 1);
	}
}

static unsigned
id_of(const ZsetModel *m, HsZsetMember e)
{
	unsigned	at = zset_model_place(m, e.score, e.member);

	REQUIRE(at < m->n);
	REQUIRE(hs_bytes_cmp(m->name[m->order[at]], e.member) == 0);
	return m->order[at];
}

static void
do_random(Round *t)
{
	int64_t		count = (int64_t) test_below(&t->r, 40) - 20;
	unsigned   *times = calloc(t->m.space, sizeof(unsigned));
	HsZsetBatch batch;
	size_t		pos = 0;
	HsStatus	status;
	uint64_t	seed = test_random(&t->r);

	begin(t->key, HS_SHARED);
	status = hs_zset_random(&op, count, seed, buf, 300, &batch);
	if (status == HS_BUFFER_TOO_SMALL)
		status = hs_zset_random(&op, count, seed, buf, BUF_SIZE, &batch);
	end();
	if (status == HS_BUFFER_TOO_SMALL)	/* 20 times 65536 */
	{
		free(times);
		return;
	}
	REQUIRE_EQ(status, HS_OK);
	CHECK_EQ(batch.n, t->m.n == 0 ? 0 : count < 0 ? -count : count < t->m.n ? count : t->m.n);
	for (unsigned i = 0; i < batch.n; i++)
	{
		unsigned	id = id_of(&t->m, hs_zset_batch_next(buf, &pos));

		times[id]++;
		CHECK(count < 0 || times[id] == 1);
	}
	free(times);
}

/* Copy the set to another key by way of a dump, and by way of an array. */
static void
do_copy(Round *t)
{
	HsRecord   *record;
	size_t		size = 0;
	HsZsetRange range = all_by_rank(false);
	HsZsetMember *list;
	size_t		n;

	if (t->m.n == 0)
		return;
	begin(t->key, HS_SHARED);
	record = hs_find(&op);
	size = hs_zset_dump(record, scratch.data, scratch.capacity);
	CHECK_EQ(hs_zset_count_members(record), t->m.n);
	end();
	if (size > scratch.capacity)
		return;
	begin("copy", HS_EXCLUSIVE);
	REQUIRE_EQ(hs_zset_load(&op, hs_bytes(scratch.data, size), HS_NEVER), HS_OK);
	end();
	check_all("copy", &t->m);
	begin("copy", HS_EXCLUSIVE);
	REQUIRE_EQ(hs_zset_collect(&op, &range, &scratch, &list, &n), HS_OK);
	CHECK_EQ(n, t->m.n);
	REQUIRE_EQ(hs_zset_store(&op, list, n, HS_NEVER), HS_OK);
	end();
	check_all("copy", &t->m);
	begin("copy", HS_EXCLUSIVE);
	hs_remove(&op, hs_find(&op));
	end();
}

static void
one_op(Round *t)
{
	static void (*const ops[]) (Round *) = {
		do_add, do_add, do_add, do_add, do_add, do_add, do_add, do_add, do_incr, do_incr,
		do_remove, do_remove, do_score_and_rank, do_score_and_rank, do_count, do_read, do_pop,
	};
	uint64_t	which = test_below(&t->r, 400);

	if (which == 0)
		do_remove_range(t);
	else if (which == 1)
		do_random(t);
	else if (which < 6)
		do_add_many(t);
	else
		ops[test_below(&t->r, sizeof(ops) / sizeof(ops[0]))] (t);
}

/* Grow, keep, shrink: what most of the adding operations do changes by phase. */
static void
run_round(Round *t, uint64_t nops, unsigned verify_every)
{
	for (uint64_t i = 0; i < nops; i++)
	{
		unsigned	phase = (unsigned) (i * 4 / nops);

		if (phase % 2 == 0 && test_below(&t->r, 2) == 0)
			do_add(t);
		else if (phase == 3 && test_below(&t->r, 2) == 0)
			do_remove(t);
		else
			one_op(t);
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
	static const unsigned spaces[] = {60, 200, 700, 6000};
	bool		soak = getenv("HOTSET_SOAK") != NULL;
	uint64_t	seed = test_seed(1);
	uint64_t	nops = soak ? 180000 : test_scaled(3000);

	for (unsigned i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++)
		for (unsigned mode = 0; mode < NSCORE_MODES; mode++)
			for (unsigned with_long = 0; with_long < 2; with_long++)
			{
				unsigned	space = spaces[i];
				HsBytes    *names = zset_model_names(space, with_long, seed);
				Round		t = {"z",.mode = (ScoreMode) mode,.r = {seed++}};

				CASE("space %u, scores %u, long %u, seed %u", space, mode, with_long,
					 (unsigned) t.r.state);
				open_region(REGION_SIZE);
				zset_model_init(&t.m, space, names);
				run_round(&t, nops, space > 1000 ? 1000 : 200);
				zset_model_free(&t.m);
				zset_model_names_free(names, space);
				begin("z", HS_EXCLUSIVE);
				if (hs_find(&op) != NULL)
					hs_remove(&op, hs_find(&op));
				end();
				done();
			}
}

TEST_MAIN(TEST(random_operations))
