/*
 * test_zset.c
 *	  Sorted sets of both encodings against a naive model.
 *
 * HOTSET_SOAK=1 in the environment: ten million random operations.
 */
#include "heap_test.h"
#include "port_test.h"
#include "slab_test.h"
#include "zset_list.h"
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
	slab_fill_junk(true);
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

	if (test_below(&t->r, t->m.n > 200 ? 40 : 8) != 0)
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
	uint64_t	nops = soak ? 180000 : test_scaled(12000);

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
				heap_finish(&h);
			}
}

/*
 * ---- Cases --------------------------------------------------------------------------
 */

static HsBytes
name_of(unsigned i)
{
	static char text[32];

	snprintf(text, sizeof(text), "player:%06u", i);
	return hs_bytes_str(text);
}

/* Members 0 .. n-1 with their number as score. */
static void
fill(const char *key, unsigned n)
{
	HsZsetAdded out;

	for (unsigned i = 0; i < n; i++)
	{
		begin(key, HS_EXCLUSIVE);
		REQUIRE_EQ(hs_zset_add(&op, name_of(i), i, 0, HS_NEVER, &out), HS_OK);
		end();
	}
}

static void
drop(const char *key)
{
	begin(key, HS_EXCLUSIVE);
	if (hs_find(&op) != NULL)
		hs_remove(&op, hs_find(&op));
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

static void
arguments_are_checked(void)
{
	static const unsigned bad_flags[] = {HS_ZADD_NX | HS_ZADD_XX, HS_ZADD_NX | HS_ZADD_GT,
	HS_ZADD_NX | HS_ZADD_LT, HS_ZADD_GT | HS_ZADD_LT, 0x10};
	static const unsigned sizes[] = {0, 1, 100, 200};
	uint8_t    *long_name = calloc(1, HS_MAX_KEY + 1);
	HsBytes		too_long = hs_bytes(long_name, HS_MAX_KEY + 1);
	HsBytes		longest = hs_bytes(long_name, HS_MAX_KEY);

	open_region(REGION_SIZE);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		HsZsetAdded out;
		HsZsetRange range = {.by = HS_ZSET_BY_SCORE,.min = NAN,.limit = 1};
		double		score;
		uint64_t	n;

		CASE("%u members", sizes[i]);
		fill("a", sizes[i]);
		begin("a", HS_EXCLUSIVE);
		for (unsigned f = 0; f < sizeof(bad_flags) / sizeof(bad_flags[0]); f++)
			CHECK_EQ(hs_zset_add(&op, name_of(0), 1, bad_flags[f], HS_NEVER, &out), HS_BAD_ARGUMENT);
		CHECK_EQ(hs_zset_add(&op, name_of(0), NAN, 0, HS_NEVER, &out), HS_NOT_A_NUMBER);
		CHECK_EQ(hs_zset_incr(&op, name_of(0), NAN, HS_NEVER, &score), HS_NOT_A_NUMBER);
		CHECK_EQ(hs_zset_count(&op, &range, &n), HS_NOT_A_NUMBER);
		CHECK_EQ(hs_zset_add(&op, too_long, 1, 0, HS_NEVER, &out), HS_MEMBER_TOO_LONG);
		CHECK_EQ(hs_zset_remove(&op, &too_long, 1, &n), HS_MEMBER_TOO_LONG);
		CHECK_EQ(hs_zset_score(&op, too_long, &score), HS_NOT_FOUND);
		CHECK_EQ(hs_zset_card(&op, &n), HS_OK);
		CHECK_EQ(n, sizes[i]);
		CHECK_EQ(hs_zset_add(&op, longest, -0.0, 0, HS_NEVER, &out), HS_OK);
		CHECK_EQ(out.added, 1);
		CHECK_EQ(hs_zset_score(&op, longest, &score), HS_OK);
		CHECK(score == 0 && !signbit(score));
		CHECK_EQ(hs_zset_incr(&op, longest, INFINITY, HS_NEVER, &score), HS_OK);
		CHECK_EQ(hs_zset_incr(&op, longest, -INFINITY, HS_NEVER, &score), HS_NOT_A_NUMBER);
		CHECK_EQ(hs_zset_score(&op, longest, &score), HS_OK);
		CHECK(score == INFINITY);
		end();
		check_key("a");
		drop("a");
	}
	begin("s", HS_EXCLUSIVE);
	{
		HsDraft		draft;
		HsZsetAdded out;
		uint64_t	n;

		REQUIRE_EQ(hs_reserve(&op, HS_STRING, 1, HS_NEVER, &draft), HS_OK);
		draft.value[0] = 'x';
		hs_publish(&op, &draft);
		CHECK_EQ(hs_zset_add(&op, name_of(0), 1, 0, HS_NEVER, &out), HS_WRONG_TYPE);
		CHECK_EQ(op.found_type, HS_STRING);
		CHECK_EQ(hs_zset_card(&op, &n), HS_WRONG_TYPE);
	}
	end();
	drop("s");
	heap_finish(&h);
	free(long_name);
}

static void
encoding_changes_at_its_limits(void)
{
	char		name[80];
	HsZsetAdded out;

	open_region(REGION_SIZE);
	fill("a", HS_ZSET_BLOB_MAX);
	CHECK(!is_large("a"));
	begin("a", HS_EXCLUSIVE);
	CHECK_EQ(hs_zset_add(&op, name_of(HS_ZSET_BLOB_MAX), 5, 0, HEAP_NOW + 1, &out), HS_OK);
	end();
	CHECK(is_large("a"));
	check_key("a");

	memset(name, 'x', sizeof(name));
	begin("b", HS_EXCLUSIVE);
	CHECK_EQ(hs_zset_add(&op, hs_bytes(name, HS_ZSET_BLOB_MEMBER), 5, 0, HEAP_NOW + HEAP_SECOND, &out), HS_OK);
	end();
	CHECK(!is_large("b"));
	begin("b", HS_EXCLUSIVE);
	CHECK_EQ(hs_expiry(hs_find(&op)), HEAP_NOW + HEAP_SECOND);
	CHECK_EQ(hs_zset_add(&op, hs_bytes(name, HS_ZSET_BLOB_MEMBER + 1), 5, 0, HS_NEVER, &out), HS_OK);
	CHECK_EQ(hs_expiry(hs_find(&op)), HEAP_NOW + HEAP_SECOND);
	end();
	CHECK(is_large("b"));
	check_key("b");
	drop("a");
	drop("b");
	heap_finish(&h);
}

static void
emptied_key_disappears(void)
{
	static const unsigned sizes[] = {1, 100, 1000};

	open_region(REGION_SIZE);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		HsZsetRange all = all_by_rank(false);
		HsZsetBatch batch;
		uint64_t	n;

		CASE("%u members", sizes[i]);
		fill("a", sizes[i]);
		begin("a", HS_EXCLUSIVE);
		CHECK_EQ(hs_zset_remove_range(&op, &all, &n), HS_OK);
		CHECK_EQ(n, sizes[i]);
		CHECK(hs_find(&op) == NULL);
		end();
		fill("a", sizes[i]);
		begin("a", HS_EXCLUSIVE);
		CHECK_EQ(hs_zset_pop(&op, UINT64_MAX, true, buf, BUF_SIZE, &batch), HS_OK);
		CHECK_EQ(batch.n, sizes[i]);
		CHECK(hs_find(&op) == NULL);
		end();
		fill("a", sizes[i]);
		for (unsigned m = 0; m < sizes[i]; m++)
		{
			HsBytes		member = name_of(m);

			begin("a", HS_EXCLUSIVE);
			CHECK_EQ(hs_zset_remove(&op, &member, 1, &n), HS_OK);
			end();
		}
		begin("a", HS_EXCLUSIVE);
		CHECK(hs_find(&op) == NULL);
		end();
		fill("a", sizes[i]);
		begin("a", HS_EXCLUSIVE);
		CHECK_EQ(hs_zset_store(&op, NULL, 0, HS_NEVER), HS_OK);
		CHECK(hs_find(&op) == NULL);
		end();
	}
	heap_finish(&h);
}

/* Loads in order, from both ends, leave blocks nearly full. */
static void
ordered_loads_are_dense(void)
{
	for (int direction = -1; direction <= 1; direction += 2)
	{
		const unsigned count = 50000;
		HsZsetAdded out;
		HsRecord   *record;

		CASE("direction %d", direction);
		open_region(REGION_SIZE);
		for (unsigned i = 0; i < count; i++)
		{
			begin("a", HS_EXCLUSIVE);
			REQUIRE_EQ(hs_zset_add(&op, name_of(i), direction * (double) i, 0, HS_NEVER, &out), HS_OK);
			end();
		}
		begin("a", HS_SHARED);
		record = hs_find(&op);
		CHECK_WELL(hs_zset_verify(op.part, record));
		{
			HsRef		root;

			memcpy(&root, hs_value(record).data, sizeof(root));
			CHECK(hs_zset_bytes(root) < 42 * count);
		}
		end();
		drop("a");
		heap_finish(&h);
	}
}

/* Directories of the index grow to several levels, segments merge again. */
static void
large_set_grows_and_shrinks(void)
{
	const unsigned count = 150000;
	unsigned   *order = malloc(count * sizeof(unsigned));
	TestRandom	r = {17};

	open_region(REGION_SIZE);
	fill("a", count);
	for (unsigned i = 0; i < count; i++)
		order[i] = i;
	for (unsigned i = count; i > 0; i--)
	{
		unsigned	j = (unsigned) test_below(&r, i);
		HsBytes		member = name_of(order[j]);
		uint64_t	n;

		order[j] = order[i - 1];
		begin("a", HS_EXCLUSIVE);
		REQUIRE_EQ(hs_zset_remove(&op, &member, 1, &n), HS_OK);
		REQUIRE_EQ(n, 1);
		end();
		if (i % 20000 == 7 || i < 5)
			check_key("a");
	}
	begin("a", HS_EXCLUSIVE);
	CHECK(hs_find(&op) == NULL);
	end();
	free(order);
	heap_finish(&h);
}

static bool
next_number(void *arg, double *score, HsBytes *member)
{
	unsigned   *i = arg;

	if (*i == 3000)
		return false;
	*score = *i;
	*member = name_of((*i)++);
	return true;
}

/* Whatever the size of a slice, all of it comes back. */
static void
freed_in_slices(void)
{
	static const unsigned budgets[] = {1, 7, 100, 1000000};

	open_region(REGION_SIZE);
	for (unsigned i = 0; i < sizeof(budgets) / sizeof(budgets[0]); i++)
	{
		unsigned	n = 0;
		HsRef		root;

		CASE("budget %u", budgets[i]);
		begin("a", HS_EXCLUSIVE);
		REQUIRE_EQ(hs_zlist_load(op.part, next_number, &n, &root), HS_OK);
		CHECK_WELL(hs_zlist_verify(hs_zlist(root)));
		CHECK(hs_slab_bytes(op.part) >= hs_zset_bytes(root));
		for (n = 1; !hs_zset_free_slice(op.part, root, budgets[i]); n++)
			;
		CHECK(n >= 3000 / budgets[i] && n <= 2 + 3500 / budgets[i]);
		end();
		begin("a", HS_EXCLUSIVE);
		CHECK_EQ(hs_slab_bytes(op.part), 0);
		end();
	}
	heap_finish(&h);
}

/*
 * ---- Memory that runs out ---------------------------------------------------------------
 */

static void
fails_at_every_allocation(void)
{
	static const unsigned sizes[] = {0, 128, 129, 500, 5000};
	TestRandom	r = {test_seed(3)};

	open_region(REGION_SIZE);
	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (int kind = 0; kind < 4; kind++)
		{
			HsBytes    *names = zset_model_names(8000, kind == 3, 5);
			ZsetModel	m;
			bool		succeeded = false;

			CASE("%u members, kind %d", sizes[i], kind);
			drop("a");
			zset_model_init(&m, 8000, names);
			for (unsigned j = 0; j < sizes[i]; j++)
			{
				HsZsetAdded out;

				zset_model_set(&m, j, (double) test_below(&r, 1000));
				begin("a", HS_EXCLUSIVE);
				REQUIRE_EQ(hs_zset_add(&op, names[j], m.score[j], 0, HS_NEVER, &out), HS_OK);
				end();
			}
			slab_watch_promises(true);
			for (int fail = 0; !succeeded; fail++)
			{
				static HsZsetMember list[MANY];
				static unsigned ids[MANY];
				size_t		n = kind == 0 ? 1 : kind == 1 ? 2 : MANY;
				HsZsetAdded out = {.added = 99};
				HsStatus	status;
				int			asked;

				for (size_t j = 0; j < n; j++)
				{
					ids[j] = (unsigned) test_below(&r, 8000);
					list[j] = (HsZsetMember) {(double) test_below(&r, 1000), names[ids[j]]};
				}
				begin("a", HS_EXCLUSIVE);
				slab_fail_after(n > 2 ? fail : (int) test_below(&r, 8));
				status = hs_zset_add_many(&op, list, n, 0, HS_NEVER, &out);
				asked = slab_asked();
				slab_fail_after(-1);
				end();
				if (status == HS_NO_MEMORY)
				{
					CHECK_EQ(out.added, 99);
					CHECK(op.need > 0);
				}
				else
				{
					CHECK_EQ(status, HS_OK);
					for (size_t j = 0; j < n; j++)
						zset_model_set(&m, ids[j], list[j].score);
				}
				/* few members seldom need a block: often then, not each in turn */
				succeeded = n > 2 ? asked > 0 && fail >= asked : fail >= 1500;
				if (fail % 32 == 0 || succeeded || n > 2)
					check_all("a", &m);
			}
			CHECK_EQ(slab_broken_promises(), 0);
			slab_watch_promises(false);
			zset_model_free(&m);
			zset_model_names_free(names, 8000);
		}
	drop("a");
	heap_finish(&h);
}

/* Many adds of many sizes to large sets keep to what was promised for them. */
static void
promises_suffice(void)
{
	uint64_t	rounds = test_scaled(60);
	TestRandom	seeds = {test_seed(9)};

	for (uint64_t i = 0; i < rounds; i++)
	{
		static HsZsetMember list[4000];
		unsigned	space = 20000;
		HsBytes    *names = zset_model_names(space, i % 4 == 0, i);
		Round		t = {"a",.mode = (ScoreMode) (i % NSCORE_MODES),.r = {test_random(&seeds)}};

		CASE("round %u", (unsigned) i);
		open_region(REGION_SIZE);
		zset_model_init(&t.m, space, names);
		slab_watch_promises(true);
		for (int step = 0; step < 12; step++)
		{
			size_t		n = 1 + test_below(&t.r, test_below(&t.r, 3) == 0 ? 4000 : 300);
			unsigned	first = random_id(&t);
			HsZsetAdded got,
						want = {0};

			for (size_t j = 0; j < n; j++)
			{
				unsigned	id = i % 3 == 0 ? (first + (unsigned) j) % space : random_id(&t);
				double		score = i % 5 == 0 && t.mode != ALL_EQUAL ? (double) id : random_score(&t);

				list[j] = (HsZsetMember) {score, names[id]};
				model_add(&t.m, id, score, 0, &want);
			}
			begin("a", HS_EXCLUSIVE);
			REQUIRE_EQ(hs_zset_add_many(&op, list, n, 0, HS_NEVER, &got), HS_OK);
			end();
			check_added(&got, &want);
			if (step % 3 == 2)
				do_remove_range(&t);
		}
		CHECK_EQ(slab_broken_promises(), 0);
		slab_watch_promises(false);
		check_all("a", &t.m);
		zset_model_free(&t.m);
		zset_model_names_free(names, space);
		drop("a");
		heap_finish(&h);
	}
}

/* A store or load that fails leaves the old value, whatever it was. */
static void
failed_store_keeps_the_old_value(void)
{
	HsZsetMember list[300];
	char		names[300][16];
	HsBytes		old[1] = {hs_bytes_str("old")};
	ZsetModel	m;
	bool		succeeded = false;

	open_region(REGION_SIZE);
	for (int i = 0; i < 300; i++)
	{
		snprintf(names[i], sizeof(names[i]), "%d", i);
		list[i] = (HsZsetMember) {i, hs_bytes_str(names[i])};
	}
	zset_model_init(&m, 1, old);
	zset_model_set(&m, 0, 3);
	fill("a", 0);
	begin("a", HS_EXCLUSIVE);
	{
		HsZsetAdded out;

		REQUIRE_EQ(hs_zset_add(&op, old[0], 3, 0, HS_NEVER, &out), HS_OK);
	}
	end();
	for (int fail = 0; !succeeded; fail++)
	{
		begin("a", HS_EXCLUSIVE);
		slab_fail_after(fail);
		succeeded = hs_zset_store(&op, list, 300, HS_NEVER) == HS_OK;
		slab_fail_after(-1);
		end();
		if (!succeeded)
			check_all("a", &m);
	}
	begin("a", HS_EXCLUSIVE);
	{
		HsZsetMember swap = list[7];
		uint64_t	n;

		CHECK_EQ(hs_zset_card(&op, &n), HS_OK);
		CHECK_EQ(n, 300);
		list[7] = list[8];
		list[8] = swap;
		CHECK_EQ(hs_zset_store(&op, list, 300, HS_NEVER), HS_BAD_ARGUMENT);
		CHECK_EQ(hs_zset_store(&op, list, 20, HS_NEVER), HS_BAD_ARGUMENT);
		list[8] = list[7];
		list[7].score--;
		CHECK_EQ(hs_zset_store(&op, list, 300, HS_NEVER), HS_BAD_ARGUMENT);
		CHECK_EQ(hs_zset_store(&op, list, 20, HS_NEVER), HS_BAD_ARGUMENT);
		CHECK_EQ(hs_zset_card(&op, &n), HS_OK);
		CHECK_EQ(n, 300);
	}
	end();
	zset_model_free(&m);
	drop("a");
	heap_finish(&h);
}

/*
 * ---- Reading while others write ------------------------------------------------------------
 */

static void
cursor_goes_on_after_writes(void)
{
	for (int reverse = 0; reverse < 2; reverse++)
	{
		HsZsetRange range = all_by_rank(reverse);
		HsZsetCursor c;
		TestRandom	r = {11};
		bool		seen[3000] = {0};
		unsigned	kept = 0;

		CASE("reverse %d", reverse);
		open_region(REGION_SIZE);
		fill("a", 3000);
		hs_zset_cursor_init(&c, &range);
		while (!c.done)
		{
			HsZsetBatch batch;
			size_t		pos = 0;

			begin("a", HS_EXCLUSIVE);
			REQUIRE_EQ(hs_zset_read(&op, &c, buf, 1500, &batch), HS_OK);
			for (unsigned i = 0; i < batch.n; i++)
			{
				HsZsetMember m = hs_zset_batch_next(buf, &pos);
				unsigned	id = (unsigned) m.score;

				if (m.score != id)
					continue;	/* one added meanwhile */
				CHECK(!seen[id]);
				seen[id] = true;
			}
			for (int i = 0; i < 20; i++)
			{
				/* odd members come and go, even ones stay */
				HsBytes		gone = name_of((unsigned) test_below(&r, 1500) * 2 + 1);
				HsZsetAdded out;
				uint64_t	n;
				double		score = (double) test_below(&r, 3000) + 0.5;

				REQUIRE_EQ(hs_zset_remove(&op, &gone, 1, &n), HS_OK);
				REQUIRE_EQ(hs_zset_add(&op, name_of((unsigned) test_below(&r, 1000) + 5000), score, 0, HS_NEVER, &out), HS_OK);
			}
			end();
		}
		/* a rank range reads as many as there were: new ones displace others */
		for (unsigned i = 0; i < 3000; i += 2)
			kept += seen[i];
		CHECK(kept > 1000);
		drop("a");
		heap_finish(&h);
	}
}

static void
cursor_of_a_score_range_sees_all_that_stays(void)
{
	for (int reverse = 0; reverse < 2; reverse++)
	{
		HsZsetRange range = {.by = HS_ZSET_BY_SCORE,.min = 100,.max = 2900,.limit = UINT64_MAX,
		.reverse = reverse};
		HsZsetCursor c;
		TestRandom	r = {12};
		bool		seen[3000] = {0};

		CASE("reverse %d", reverse);
		open_region(REGION_SIZE);
		fill("a", 3000);
		hs_zset_cursor_init(&c, &range);
		while (!c.done)
		{
			HsZsetBatch batch;
			size_t		pos = 0;

			begin("a", HS_EXCLUSIVE);
			REQUIRE_EQ(hs_zset_read(&op, &c, buf, 1500, &batch), HS_OK);
			for (unsigned i = 0; i < batch.n; i++)
			{
				HsZsetMember m = hs_zset_batch_next(buf, &pos);

				CHECK(!seen[(unsigned) m.score]);
				seen[(unsigned) m.score] = true;
			}
			for (int i = 0; i < 20; i++)
			{
				HsBytes		gone = name_of((unsigned) test_below(&r, 1500) * 2 + 1);
				uint64_t	n;

				REQUIRE_EQ(hs_zset_remove(&op, &gone, 1, &n), HS_OK);
			}
			end();
		}
		for (unsigned i = 0; i < 3000; i += 2)
			CHECK_EQ(seen[i], i >= 100 && i <= 2900);
		drop("a");
		heap_finish(&h);
	}
}

/* The key goes away between two batches. */
static void
cursor_ends_when_the_key_is_gone(void)
{
	HsZsetRange range = all_by_rank(false);
	HsZsetCursor c;
	HsZsetBatch batch;

	open_region(REGION_SIZE);
	fill("a", 500);
	hs_zset_cursor_init(&c, &range);
	begin("a", HS_SHARED);
	REQUIRE_EQ(hs_zset_read(&op, &c, buf, 1500, &batch), HS_OK);
	end();
	CHECK(batch.n > 0 && !c.done);
	drop("a");
	begin("a", HS_SHARED);
	REQUIRE_EQ(hs_zset_read(&op, &c, buf, 1500, &batch), HS_OK);
	end();
	CHECK_EQ(batch.n, 0);
	CHECK(c.done);
	heap_finish(&h);
}

/*
 * ---- Several sets -----------------------------------------------------------------------
 */
#define NSETS	4

static double
want_combined(double a, double b, HsZsetAggregate aggregate)
{
	double		sum = a + b;

	if (aggregate == HS_ZSET_SUM)
		return sum != sum ? 0 : sum;
	return aggregate == HS_ZSET_MIN ? fmin(a, b) : fmax(a, b);
}

/* The result of the operation, member by member of all there may be. */
static void
want_algebra(ZsetModel *want, HsZsetSetOp setop, const ZsetModel *sets, const unsigned *which,
			 size_t n, const double *weights, HsZsetAggregate aggregate)
{
	zset_model_clear(want);
	for (unsigned id = 0; id < want->space; id++)
	{
		unsigned	in = 0;
		double		score = 0;

		for (size_t i = 0; i < n; i++)
		{
			const ZsetModel *m = &sets[which[i]];
			double		s;

			if (!m->has[id])
				continue;
			s = weights != NULL ? m->score[id] * weights[i] : m->score[id];
			if (s != s)
				s = 0;
			score = in++ == 0 ? s : want_combined(score, s, aggregate);
		}
		if (setop == HS_ZSET_UNION ? in > 0 : setop == HS_ZSET_INTER ? in == n :
			in == 1 && sets[which[0]].has[id])
			zset_model_set(want, id, setop == HS_ZSET_DIFF ? sets[which[0]].score[id] : score);
	}
}

static void
check_result(const ZsetModel *want, const HsZsetMember *got, size_t n)
{
	REQUIRE_EQ(n, want->n);
	for (size_t i = 0; i < n; i++)
	{
		CHECK(got[i].score == want->score[want->order[i]]);
		CHECK(hs_bytes_cmp(got[i].member, want->name[want->order[i]]) == 0);
	}
}

static void
run_algebra(TestRandom *r, const ZsetModel *sets, ZsetModel *want)
{
	static const char *const names[NSETS + 1] = {"s0", "s1", "s2", "s3", "dest"};
	static const double all_weights[] = {1, 2, -1, 0, 0.5, INFINITY};
	HsZsetSetOp setop = (HsZsetSetOp) test_below(r, 3);
	HsZsetAggregate aggregate = (HsZsetAggregate) test_below(r, 3);
	size_t		n = 1 + test_below(r, NSETS);
	unsigned	which[NSETS];
	double		weights[NSETS];
	bool		weigh = test_below(r, 2) && setop != HS_ZSET_DIFF;
	HsBytes		keys[NSETS + 1];
	HsZsetMember *result;
	size_t		nresult;
	uint64_t	card;
	HsZsetScratch small = {scratch.data, 8, 0};
	HsStatus	status;
	HsMulti		multi;

	for (size_t i = 0; i < n; i++)
	{
		which[i] = (unsigned) test_below(r, NSETS);
		weights[i] = all_weights[test_below(r, sizeof(all_weights) / sizeof(all_weights[0]))];
		keys[i] = hs_bytes_str(names[which[i]]);
	}
	keys[n] = hs_bytes_str("dest");
	want_algebra(want, setop, sets, which, n, weigh ? weights : NULL, aggregate);
	REQUIRE_EQ(hs_multi_begin(&multi, &h, keys, n + 1, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
	for (int k = 1;; k *= 2)
	{
		port_interrupt_after(k);
		status = hs_zset_algebra(&multi, setop, keys, n, weigh ? weights : NULL, aggregate,
								 &scratch, &result, &nresult, NULL, NULL);
		if (status != HS_INTERRUPTED)
			break;
		CHECK_EQ(hs_zset_intercard(&multi, keys, n, 0, &card, NULL, NULL), HS_INTERRUPTED);
	}
	port_interrupt_after(-1);
	CHECK_EQ(status, HS_OK);
	if (hs_zset_algebra(&multi, setop, keys, n, weigh ? weights : NULL, aggregate,
						&small, &result, &nresult, NULL, NULL) == HS_BUFFER_TOO_SMALL)
	{
		REQUIRE(small.need > small.capacity && small.need <= scratch.capacity);
		small.capacity = small.need;
	}
	else
		CHECK_EQ(want->n, 0);
	REQUIRE_EQ(hs_zset_algebra(&multi, setop, keys, n, weigh ? weights : NULL, aggregate,
							   &small, &result, &nresult, NULL, NULL), HS_OK);
	check_result(want, result, nresult);
	REQUIRE_EQ(hs_multi_op(&multi, keys[n], &op), HS_OK);
	REQUIRE_EQ(hs_zset_store(&op, result, nresult, HS_NEVER), HS_OK);
	if (setop == HS_ZSET_INTER)
	{
		REQUIRE_EQ(hs_zset_intercard(&multi, keys, n, 0, &card, NULL, NULL), HS_OK);
		CHECK_EQ(card, want->n);
		REQUIRE_EQ(hs_zset_intercard(&multi, keys, n, 7, &card, NULL, NULL), HS_OK);
		CHECK_EQ(card, want->n < 7 ? want->n : 7);
	}
	hs_multi_end(&multi);
	check_all("dest", want);
}

static void
algebra_against_the_model(void)
{
	static const unsigned sizes[] = {0, 5, 100, 129, 1500};
	TestRandom	r = {test_seed(21)};
	uint64_t	rounds = test_scaled(30);

	for (uint64_t i = 0; i < rounds; i++)
	{
		HsBytes    *names = zset_model_names(2000, i % 3 == 0, i);
		ZsetModel	sets[NSETS + 1];
		Round		t = {"",.mode = (ScoreMode) (i % NSCORE_MODES),.r = {i}};

		CASE("round %u", (unsigned) i);
		open_region(REGION_SIZE);
		for (unsigned s = 0; s <= NSETS; s++)
			zset_model_init(&sets[s], 2000, names);
		for (unsigned s = 0; s < NSETS; s++)
		{
			char		key[3] = {'s', (char) ('0' + s), '\0'};
			unsigned	n = sizes[test_below(&r, sizeof(sizes) / sizeof(sizes[0]))];

			for (unsigned j = 0; j < n; j++)
			{
				unsigned	id = (unsigned) test_below(&r, n + n / 4 + 1);
				double		score = random_score(&t);
				HsZsetAdded out;

				begin(key, HS_EXCLUSIVE);
				REQUIRE_EQ(hs_zset_add(&op, names[id], score, 0, HS_NEVER, &out), HS_OK);
				end();
				zset_model_set(&sets[s], id, score);
			}
		}
		for (int j = 0; j < 40; j++)
			run_algebra(&r, sets, &sets[NSETS]);
		for (unsigned s = 0; s <= NSETS; s++)
			zset_model_free(&sets[s]);
		zset_model_names_free(names, 2000);
		heap_finish(&h);
	}
}

/* Union of a set with itself, stored over itself: it is read while it is replaced. */
static void
result_may_replace_a_source(void)
{
	static const unsigned sizes[] = {3, 1000};

	for (unsigned i = 0; i < 2; i++)
	{
		HsBytes		keys[2] = {hs_bytes_str("a"), hs_bytes_str("a")};
		HsZsetMember *result;
		size_t		n;
		HsMulti		multi;
		double		score;

		open_region(REGION_SIZE);
		fill("a", sizes[i]);
		REQUIRE_EQ(hs_multi_begin(&multi, &h, keys, 2, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
		REQUIRE_EQ(hs_zset_algebra(&multi, HS_ZSET_UNION, keys, 2, NULL, HS_ZSET_SUM, &scratch,
								   &result, &n, NULL, NULL), HS_OK);
		CHECK_EQ(n, sizes[i]);
		REQUIRE_EQ(hs_multi_op(&multi, keys[0], &op), HS_OK);
		REQUIRE_EQ(hs_zset_store(&op, result, n, HS_NEVER), HS_OK);
		REQUIRE_EQ(hs_zset_score(&op, name_of(2), &score), HS_OK);
		CHECK(score == 4);
		hs_multi_end(&multi);
		check_key("a");
		drop("a");
		heap_finish(&h);
	}
}

static void
algebra_names_the_key_of_another_type(void)
{
	HsBytes		keys[2] = {hs_bytes_str("a"), hs_bytes_str("s")};
	HsZsetMember *result;
	size_t		n,
				bad = 99;
	HsType		found = HS_ANY;
	HsMulti		multi;
	HsDraft		draft;
	double		weights[2] = {1, NAN};

	open_region(REGION_SIZE);
	fill("a", 3);
	begin("s", HS_EXCLUSIVE);
	REQUIRE_EQ(hs_reserve(&op, HS_STRING, 1, HS_NEVER, &draft), HS_OK);
	draft.value[0] = 'x';
	hs_publish(&op, &draft);
	end();
	REQUIRE_EQ(hs_multi_begin(&multi, &h, keys, 2, HS_SHARED, HEAP_NOW), HS_OK);
	CHECK_EQ(hs_zset_algebra(&multi, HS_ZSET_UNION, keys, 2, NULL, HS_ZSET_SUM, &scratch,
							 &result, &n, &bad, &found), HS_WRONG_TYPE);
	CHECK_EQ(bad, 1);
	CHECK_EQ(found, HS_STRING);
	CHECK_EQ(hs_zset_algebra(&multi, HS_ZSET_UNION, keys, 1, weights + 1, HS_ZSET_SUM, &scratch,
							 &result, &n, NULL, NULL), HS_NOT_A_NUMBER);
	CHECK_EQ(hs_zset_algebra(&multi, HS_ZSET_UNION, keys, 0, NULL, HS_ZSET_SUM, &scratch,
							 &result, &n, NULL, NULL), HS_BAD_ARGUMENT);
	hs_multi_end(&multi);
	heap_finish(&h);
}

/* More sets than are kept open at a time. */
static void
algebra_of_many_keys(void)
{
	enum
	{
		NKEYS = 100
	};
	static char text[NKEYS][8];
	HsBytes		keys[NKEYS];
	HsBytes		shared = hs_bytes_str("shared");
	HsZsetMember *result;
	size_t		n;
	uint64_t	card;
	HsMulti		multi;

	open_region(REGION_SIZE);
	for (unsigned i = 0; i < NKEYS; i++)
	{
		HsZsetMember list[2] = {{i, shared}, {1, name_of(i)}};
		HsZsetAdded out;

		snprintf(text[i], sizeof(text[i]), "k%u", i);
		keys[i] = hs_bytes_str(text[i]);
		begin(text[i], HS_EXCLUSIVE);
		REQUIRE_EQ(hs_zset_add_many(&op, list, 2, 0, HS_NEVER, &out), HS_OK);
		end();
	}
	REQUIRE_EQ(hs_multi_begin(&multi, &h, keys, NKEYS, HS_SHARED, HEAP_NOW), HS_OK);
	REQUIRE_EQ(hs_zset_algebra(&multi, HS_ZSET_INTER, keys, NKEYS, NULL, HS_ZSET_SUM, &scratch,
							   &result, &n, NULL, NULL), HS_OK);
	REQUIRE_EQ(n, 1);
	CHECK_BYTES(result[0].member, shared);
	CHECK(result[0].score == NKEYS * (NKEYS - 1) / 2);
	REQUIRE_EQ(hs_zset_algebra(&multi, HS_ZSET_UNION, keys, NKEYS, NULL, HS_ZSET_MAX, &scratch,
							   &result, &n, NULL, NULL), HS_OK);
	REQUIRE_EQ(n, NKEYS + 1);
	CHECK_BYTES(result[NKEYS].member, shared);
	CHECK(result[NKEYS].score == NKEYS - 1);
	REQUIRE_EQ(hs_zset_algebra(&multi, HS_ZSET_DIFF, keys, NKEYS, NULL, HS_ZSET_SUM, &scratch,
							   &result, &n, NULL, NULL), HS_OK);
	REQUIRE_EQ(n, 1);
	CHECK_BYTES(result[0].member, name_of(0));
	REQUIRE_EQ(hs_zset_intercard(&multi, keys, NKEYS, 0, &card, NULL, NULL), HS_OK);
	CHECK_EQ(card, 1);
	CASE("it is not long until somebody asks whether to go on");
	for (HsZsetSetOp setop = HS_ZSET_UNION; setop <= HS_ZSET_DIFF; setop++)
	{
		port_interrupt_after(1000000);
		REQUIRE_EQ(hs_zset_algebra(&multi, setop, keys, NKEYS, NULL, HS_ZSET_SUM, &scratch, &result,
								   &n, NULL, NULL), HS_OK);
		CHECK(port_questions_left() < 1000000 - 2);
	}
	port_interrupt_after(-1);
	hs_multi_end(&multi);
	heap_finish(&h);
}

/*
 * ---- Effects ---------------------------------------------------------------------------------
 */

/* Do in keyspace 'to' what the effects say. */
static void
replay(HsHandle *to, HsBytes log)
{
	size_t		pos = 0;
	HsEffect	fx;

	while (hs_effect_next(log, &pos, &fx) == HS_OK)
	{
		HsZsetAdded out;
		uint64_t	n;
		double		score;

		REQUIRE_EQ(hs_op_begin(&op, to, fx.key, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
		switch (fx.op)
		{
			case HS_EF_ZADD:
				REQUIRE_EQ(fx.head.size, 8);
				memcpy(&score, fx.head.data, 8);
				CHECK_EQ(hs_zset_add(&op, fx.tail, score, 0, HS_NEVER, &out), HS_OK);
				break;
			case HS_EF_ZREM:
				CHECK_EQ(hs_zset_remove(&op, &fx.tail, 1, &n), HS_OK);
				CHECK_EQ(n, 1);
				break;
			case HS_EF_DEL:
				if (hs_find(&op) != NULL)
					hs_remove(&op, hs_find(&op));
				break;
			default:
				CHECK_EQ(fx.op, HS_EF_ZADD);	/* none other is expected */
		}
		hs_op_end(&op);
	}
	CHECK_EQ(pos, log.size);
}

static void
random_change(Round *t, HsEffects *fx)
{
	HsZsetMember list[10];
	HsBytes		members[10];
	size_t		n = 1 + test_below(&t->r, 9);
	HsZsetAdded out;
	HsZsetBatch batch;
	HsZsetRange range = random_range(t);
	HsZsetMember *result;
	uint64_t	removed;
	double		score;

	range.limit = test_below(&t->r, 30);
	for (size_t i = 0; i < n; i++)
	{
		members[i] = t->m.name[random_id(t)];
		list[i] = (HsZsetMember) {random_score(t), members[i]};
	}
	begin(t->key, HS_EXCLUSIVE);
	op.effects = fx;
	switch (test_below(&t->r, 8))
	{
		case 0:
			REQUIRE_EQ(hs_zset_remove(&op, members, n, &removed), HS_OK);
			break;
		case 1:
			REQUIRE_EQ(hs_zset_remove_range(&op, &range, &removed), HS_OK);
			break;
		case 2:
			REQUIRE_EQ(hs_zset_pop(&op, n, false, buf, BUF_SIZE, &batch), HS_OK);
			break;
		case 3:
			(void) hs_zset_incr(&op, members[0], list[0].score, HS_NEVER, &score);
			break;
		case 4:
			if (test_below(&t->r, 20) != 0)
				break;
			range.limit = test_below(&t->r, 3000);
			REQUIRE_EQ(hs_zset_collect(&op, &range, &scratch, &result, &n), HS_OK);
			REQUIRE_EQ(hs_zset_store(&op, result, n, HS_NEVER), HS_OK);
			break;
		default:
			REQUIRE_EQ(hs_zset_add_many(&op, list, n, random_flags(t), HS_NEVER, &out), HS_OK);
	}
	end();
}

static void
effects_replayed_give_the_same(void)
{
	size_t		capacity = 64 << 20;
	uint8_t    *log = malloc(capacity);
	static const unsigned spaces[] = {60, 900};

	for (unsigned i = 0; i < 2 * NSCORE_MODES; i++)
	{
		unsigned	space = spaces[i % 2];
		HsBytes    *names = zset_model_names(space, i % 3 == 0, i);
		Round		t = {"a",.mode = (ScoreMode) (i / 2),.r = {i + 1}};
		HsEffects	fx = {log, 0, capacity, 0};
		HsHandle	twin;
		HsRecord   *record;
		size_t		size = 0,
					size2 = 0;
		uint8_t    *dump;

		CASE("round %u", i);
		open_region(REGION_SIZE);
		dump = scratch.data;
		heap_keyspace(&twin, 2, HS_EVICT_NONE, 0);
		zset_model_init(&t.m, space, names);
		t.m.n = space / 2;		/* for random ranges only */
		for (uint64_t j = test_scaled(1500); j-- > 0;)
			random_change(&t, &fx);
		replay(&twin, hs_bytes(log, fx.size));
		begin("a", HS_SHARED);
		record = hs_find(&op);
		if (record != NULL)
			size = hs_zset_dump(record, dump, scratch.capacity / 2);
		end();
		REQUIRE_EQ(hs_op_begin(&op, &twin, hs_bytes_str("a"), HS_SHARED, HEAP_NOW), HS_OK);
		record = hs_find(&op);
		if (record != NULL)
			size2 = hs_zset_dump(record, dump + scratch.capacity / 2, scratch.capacity / 2);
		hs_op_end(&op);
		REQUIRE(size <= scratch.capacity / 2);
		CHECK_BYTES(hs_bytes(dump + scratch.capacity / 2, size2), hs_bytes(dump, size));
		zset_model_free(&t.m);
		zset_model_names_free(names, space);
		drop("a");
		hs_keyspace_drop(HEAP_DB, 2);
		heap_finish(&h);
	}
	free(log);
}

/* A new key with an expiry: what was there goes, the member, then when it all ends. */
static void
expiry_of_a_new_key_is_an_effect(void)
{
	uint8_t		log[200];
	HsEffects	fx = {log, 0, sizeof(log), 0};
	size_t		pos = 0;
	int64_t		expires = HEAP_NOW + HEAP_SECOND;
	HsEffect	e;
	HsZsetAdded out;

	open_region(REGION_SIZE);
	for (int i = 0; i < 2; i++)
	{
		begin("a", HS_EXCLUSIVE);
		op.effects = &fx;
		REQUIRE_EQ(hs_zset_add(&op, name_of(0), 1 + i, 0, expires, &out), HS_OK);
		end();
	}
	REQUIRE_EQ(hs_effect_next(hs_bytes(log, fx.size), &pos, &e), HS_OK);
	CHECK_EQ(e.op, HS_EF_DEL);
	REQUIRE_EQ(hs_effect_next(hs_bytes(log, fx.size), &pos, &e), HS_OK);
	CHECK_EQ(e.op, HS_EF_ZADD);
	REQUIRE_EQ(hs_effect_next(hs_bytes(log, fx.size), &pos, &e), HS_OK);
	CHECK_EQ(e.op, HS_EF_EXPIRE);
	CHECK_BYTES(e.head, hs_bytes(&expires, 8));
	/* the second add finds the key */
	REQUIRE_EQ(hs_effect_next(hs_bytes(log, fx.size), &pos, &e), HS_OK);
	CHECK_EQ(e.op, HS_EF_ZADD);
	CHECK_EQ(hs_effect_next(hs_bytes(log, fx.size), &pos, &e), HS_NOT_FOUND);
	heap_finish(&h);
}

static void
full_effect_buffer_stops_the_command(void)
{
	static const unsigned sizes[] = {3, 500};

	for (unsigned i = 0; i < 2; i++)
	{
		uint8_t		log[8];
		HsEffects	fx = {log, 0, sizeof(log), 0};
		HsZsetRange range = all_by_rank(false);
		HsZsetMember m = {1, hs_bytes_str("new")};
		HsZsetAdded out;
		HsZsetBatch batch;
		double		score;
		uint64_t	n;
		HsBytes		member = name_of(0);

		open_region(REGION_SIZE);
		fill("key", sizes[i]);
		range.stop = 1;
		begin("key", HS_EXCLUSIVE);
		op.effects = &fx;
		CHECK_EQ(hs_zset_add(&op, m.member, 1, 0, HS_NEVER, &out), HS_NO_MEMORY);
		CHECK(fx.wanted > sizeof(log));
		CHECK_EQ(hs_zset_incr(&op, m.member, 1, HS_NEVER, &score), HS_NO_MEMORY);
		CHECK_EQ(hs_zset_remove(&op, &member, 1, &n), HS_NO_MEMORY);
		CHECK_EQ(hs_zset_remove_range(&op, &range, &n), HS_NO_MEMORY);
		CHECK_EQ(hs_zset_pop(&op, 1, false, buf, BUF_SIZE, &batch), HS_NO_MEMORY);
		CHECK_EQ(hs_zset_store(&op, &m, 1, HS_NEVER), HS_NO_MEMORY);
		CHECK_EQ(hs_zset_store(&op, NULL, 0, HS_NEVER), HS_NO_MEMORY);
		CHECK_EQ(fx.size, 0);
		CHECK_EQ(hs_zset_card(&op, &n), HS_OK);
		CHECK_EQ(n, sizes[i]);
		end();
		drop("key");
		heap_finish(&h);
	}
}

/*
 * ---- Random members, dumps -----------------------------------------------------------------------
 */

/* Every member about equally often; 200 draws for each on average. */
static void
random_members_are_fair(void)
{
	static const unsigned sizes[] = {2, 100, 129, 1000};
	static const int64_t counts[] = {1, -1, 7, -7};

	for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		for (unsigned c = 0; c < sizeof(counts) / sizeof(counts[0]); c++)
		{
			unsigned	n = sizes[i];
			unsigned   *times = calloc(n, sizeof(unsigned));
			TestRandom	r = {31};
			double		chi = 0;
			unsigned	drawn = 0;

			CASE("%u members, count %d", n, (int) counts[c]);
			open_region(REGION_SIZE);
			fill("a", n);
			begin("a", HS_SHARED);
			while (drawn < 200 * n)
			{
				HsZsetBatch batch;
				size_t		pos = 0;

				REQUIRE_EQ(hs_zset_random(&op, counts[c], test_random(&r), buf, BUF_SIZE, &batch), HS_OK);
				for (unsigned j = 0; j < batch.n; j++, drawn++)
					times[(unsigned) hs_zset_batch_next(buf, &pos).score]++;
			}
			end();
			for (unsigned j = 0; j < n; j++)
				chi += (times[j] - drawn / (double) n) * (times[j] - drawn / (double) n) * n / drawn;
			/* mean n - 1, variance 2 (n - 1): five standard deviations */
			CHECK(chi < n - 1 + 5 * sqrt(2.0 * (n - 1)) + 3);
			free(times);
			drop("a");
			heap_finish(&h);
		}
}

static size_t
put_entry(uint8_t *to, double score, const char *member)
{
	uint32_t	size = (uint32_t) strlen(member);

	memcpy(to, &score, 8);
	memcpy(to + 8, &size, 4);
	memcpy(to + 12, member, size);
	return 12 + size;
}

static void
damaged_dumps_are_refused(void)
{
	static const struct
	{
		const char *name;
		uint32_t	n;
		double		score[3];
		const char *member[3];
		int			cut;		/* bytes missing (or too many) at the end */
		HsStatus	want;
	}			cases[] = {
		{"good", 2, {1, 2}, {"a", "b"}, 0, HS_OK},
		{"equal scores", 2, {1, 1}, {"a", "b"}, 0, HS_OK},
		{"empty member", 1, {1}, {""}, 0, HS_OK},
		{"none", 0, {0}, {NULL}, 0, HS_CORRUPT},
		{"descending", 2, {2, 1}, {"a", "b"}, 0, HS_CORRUPT},
		{"members descending", 2, {1, 1}, {"b", "a"}, 0, HS_CORRUPT},
		{"twice the same", 2, {1, 1}, {"a", "a"}, 0, HS_CORRUPT},
		{"twice the member", 2, {1, 2}, {"a", "a"}, 0, HS_CORRUPT},
		{"NaN", 1, {NAN}, {"a"}, 0, HS_CORRUPT},
		{"negative zero", 1, {-0.0}, {"a"}, 0, HS_CORRUPT},
		{"cut", 2, {1, 2}, {"a", "b"}, 1, HS_CORRUPT},
		{"cut in a header", 2, {1, 2}, {"a", "b"}, 9, HS_CORRUPT},
		{"too much", 2, {1, 2}, {"a", "b"}, -1, HS_CORRUPT},
	};

	open_region(REGION_SIZE);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		uint8_t		payload[200] = {0};
		size_t		size = 4;
		uint64_t	n = 0;

		CASE("%s", cases[i].name);
		memcpy(payload, &cases[i].n, 4);
		for (uint32_t j = 0; j < cases[i].n; j++)
			size += put_entry(payload + size, cases[i].score[j], cases[i].member[j]);
		size -= (size_t) cases[i].cut;
		begin("d", HS_EXCLUSIVE);
		CHECK_EQ(hs_zset_load(&op, hs_bytes(payload, size), HS_NEVER), cases[i].want);
		CHECK_EQ(hs_zset_card(&op, &n), HS_OK);
		CHECK_EQ(n, cases[i].want == HS_OK ? cases[i].n : 0);
		end();
		drop("d");
	}
	heap_finish(&h);
}

TEST_MAIN(TEST(arguments_are_checked), TEST(encoding_changes_at_its_limits),
		  TEST(emptied_key_disappears), TEST(ordered_loads_are_dense),
		  TEST(large_set_grows_and_shrinks), TEST(freed_in_slices),
		  TEST(fails_at_every_allocation),
		  TEST(promises_suffice),
		  TEST(failed_store_keeps_the_old_value), TEST(cursor_goes_on_after_writes),
		  TEST(cursor_of_a_score_range_sees_all_that_stays),
		  TEST(cursor_ends_when_the_key_is_gone), TEST(algebra_against_the_model),
		  TEST(result_may_replace_a_source), TEST(algebra_names_the_key_of_another_type),
		  TEST(algebra_of_many_keys), TEST(effects_replayed_give_the_same),
		  TEST(expiry_of_a_new_key_is_an_effect), TEST(full_effect_buffer_stops_the_command),
		  TEST(random_members_are_fair), TEST(damaged_dumps_are_refused),
		  TEST(random_operations))
