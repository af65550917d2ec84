/*
 * engine_zset.c
 *	  Time and memory of sorted sets in the engine, without PostgreSQL.
 *
 *	cc -O2 -DHS_TESTING -iquote src/engine -iquote test/unit -o /tmp/engine_zset \
 *		test/bench/engine_zset.c src/engine/[a-z]*.c test/unit/heap_test.c \
 *		test/unit/port_test.c -lpthread -lm
 *	/tmp/engine_zset [members]		1000000 unless given
 *
 * Members "player:N" (13 bytes with six digits), scores uniform in [0, 1e6).
 * Each figure is the 5th percentile of slices of operations, the median in
 * brackets, in CPU time: neighbours on the machine slow some slices, not all.  Includes
 * hs_op_begin() and hs_op_end(), that is the lock and the lookup of the key;
 * building the member's name is subtracted.
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "heap_test.h"
#include "zset.h"

#define SLICES	40

static HsHandle h;
static uint64_t random_state = 88172645463325252u;
static uint64_t members;
static uint8_t buf[1 << 16];
static double name_ns;
static uint64_t sink;

static uint64_t
next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static double
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double) t.tv_sec * 1e9 + (double) t.tv_nsec;
}

/* "player:" and the number; not by printf(), which would take most of the time. */
static HsBytes
name_of(uint64_t i)
{
	static char text[32] = "player:";
	char		digits[24];
	size_t		n = 0;

	do
		digits[n++] = (char) ('0' + i % 10);
	while ((i /= 10) > 0);
	for (size_t j = 0; j < n; j++)
		text[7 + j] = digits[n - 1 - j];
	return hs_bytes(text, 7 + n);
}

static HsBytes
random_name(void)
{
	return name_of(next_random() % members);
}

static double
random_score(void)
{
	return (double) (next_random() >> 11) / (double) (UINT64_C(1) << 53) * 1e6;
}

static void
must(HsStatus status)
{
	if (status != HS_OK)
	{
		fprintf(stderr, "engine_zset: status %d\n", status);
		exit(1);
	}
}

static void
begin(HsOp *op, HsLockMode mode)
{
	must(hs_op_begin(op, &h, hs_bytes_str("board"), mode, HEAP_NOW));
}

static int
cmp_double(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return (x > y) - (x < y);
}

/* ns of one call: 5th percentile of the slices, and the median. */
static double
measure(const char *what, void (*run) (uint64_t i), uint64_t per_slice, double less)
{
	double		slice[SLICES];

	for (int s = 0; s < SLICES; s++)
	{
		double		start = now_ns();

		for (uint64_t i = 0; i < per_slice; i++)
			run((uint64_t) s * per_slice + i);
		slice[s] = (now_ns() - start) / (double) per_slice - less;
	}
	qsort(slice, SLICES, sizeof(double), cmp_double);
	if (what != NULL)
		printf("%-34s %8.0f  (%.0f)\n", what, slice[SLICES / 20], slice[SLICES / 2]);
	return slice[SLICES / 20];
}

static void
do_name(uint64_t i)
{
	(void) i;
	sink += random_name().size;
	sink += random_score() > 5;
}

static void
do_insert(uint64_t i)
{
	HsOp		op;
	HsZsetAdded out;

	(void) i;
	begin(&op, HS_EXCLUSIVE);
	must(hs_zset_add(&op, name_of(members++), random_score(), 0, HS_NEVER, &out));
	hs_op_end(&op);
}

static void
do_insert_in_order(uint64_t i)
{
	HsOp		op;
	HsZsetAdded out;

	must(hs_op_begin(&op, &h, hs_bytes_str("ordered"), HS_EXCLUSIVE, HEAP_NOW));
	must(hs_zset_add(&op, name_of(i), (double) i, 0, HS_NEVER, &out));
	hs_op_end(&op);
}

/* One of 2000 sets of 100: all of it in the caches after the first rounds. */
static void
small_op(uint64_t i, HsLockMode mode, HsOp *op)
{
	static char key[] = "set:000";	/* the op borrows it */

	for (unsigned j = 0, k = (unsigned) (i % 100); j < 3; j++, k /= 10)
		key[6 - j] = (char) ('0' + k % 10);
	must(hs_op_begin(op, &h, hs_bytes(key, 7), mode, HEAP_NOW));
}

static void
do_small_update(uint64_t i)
{
	HsOp		op;
	HsZsetAdded out;

	small_op(i, HS_EXCLUSIVE, &op);
	must(hs_zset_add(&op, name_of(100000 + next_random() % 100), random_score(), 0, HS_NEVER, &out));
	hs_op_end(&op);
}

static void
do_small_rank(uint64_t i)
{
	HsOp		op;
	uint64_t	rank;

	small_op(i, HS_SHARED, &op);
	must(hs_zset_rank(&op, name_of(100000 + next_random() % 100), false, &rank, NULL));
	hs_op_end(&op);
	sink += rank;
}

static void
do_update(uint64_t i)
{
	HsOp		op;
	HsZsetAdded out;

	(void) i;
	begin(&op, HS_EXCLUSIVE);
	must(hs_zset_add(&op, random_name(), random_score(), 0, HS_NEVER, &out));
	hs_op_end(&op);
}

static void
do_incr(uint64_t i)
{
	HsOp		op;
	double		score;

	begin(&op, HS_EXCLUSIVE);
	must(hs_zset_incr(&op, random_name(), (double) (i % 10), HS_NEVER, &score));
	hs_op_end(&op);
}

static void
do_score(uint64_t i)
{
	HsOp		op;
	double		score;

	(void) i;
	begin(&op, HS_SHARED);
	must(hs_zset_score(&op, random_name(), &score));
	hs_op_end(&op);
}

static void
do_miss(uint64_t i)
{
	HsOp		op;
	double		score;

	(void) i;
	begin(&op, HS_SHARED);
	if (hs_zset_score(&op, name_of(members + next_random() % members), &score) != HS_NOT_FOUND)
		exit(1);
	hs_op_end(&op);
}

static void
do_rank(uint64_t i)
{
	HsOp		op;
	uint64_t	rank;

	(void) i;
	begin(&op, HS_SHARED);
	must(hs_zset_rank(&op, random_name(), true, &rank, NULL));
	sink += rank;
	hs_op_end(&op);
}

static void
read_range(const HsZsetRange *range)
{
	HsOp		op;
	HsZsetCursor c;
	HsZsetBatch batch;

	hs_zset_cursor_init(&c, range);
	begin(&op, HS_SHARED);
	must(hs_zset_read(&op, &c, buf, sizeof(buf), &batch));
	hs_op_end(&op);
	sink += batch.n;
}

static void
do_top(uint64_t i)
{
	HsZsetRange range = {.by = HS_ZSET_BY_RANK,.start = 0,.stop = 9,.reverse = true,.limit = UINT64_MAX};

	(void) i;
	read_range(&range);
}

static void
do_ten(uint64_t i)
{
	int64_t		at = (int64_t) (next_random() % members);
	HsZsetRange range = {.by = HS_ZSET_BY_RANK,.start = at,.stop = at + 9,.limit = UINT64_MAX};

	(void) i;
	read_range(&range);
}

static void
do_hundred(uint64_t i)
{
	HsZsetRange range = {.by = HS_ZSET_BY_SCORE,.max = 1e9,.limit = 100};

	(void) i;
	range.min = random_score();
	read_range(&range);
}

static void
do_count(uint64_t i)
{
	HsZsetRange range = {.by = HS_ZSET_BY_SCORE,.limit = UINT64_MAX};
	HsOp		op;
	uint64_t	n;

	(void) i;
	range.min = random_score();
	range.max = range.min + 1e4;
	begin(&op, HS_SHARED);
	must(hs_zset_count(&op, &range, &n));
	hs_op_end(&op);
	sink += n;
}

static void
do_pop(uint64_t i)
{
	HsOp		op;
	HsZsetBatch batch;

	(void) i;
	begin(&op, HS_EXCLUSIVE);
	must(hs_zset_pop(&op, 1, false, buf, sizeof(buf), &batch));
	hs_op_end(&op);
}

static void
do_remove(uint64_t i)
{
	HsOp		op;
	HsBytes		name = random_name();
	uint64_t	n;

	(void) i;
	begin(&op, HS_EXCLUSIVE);
	must(hs_zset_remove(&op, &name, 1, &n));
	hs_op_end(&op);
}

static void
show_bytes(const char *key, const char *what, uint64_t n)
{
	HsOp		op;
	HsRef		root;
	HsRecord   *record;
	HsStats		stats;

	must(hs_op_begin(&op, &h, hs_bytes_str(key), HS_SHARED, HEAP_NOW));
	record = hs_find(&op);
	if (record != NULL && (hs_record_flags(record) & HS_RF_LARGE))
	{
		memcpy(&root, hs_value(record).data, sizeof(root));
		printf("%-34s %8.1f  bytes a member in nodes\n", what, (double) hs_zset_bytes(root) / (double) n);
	}
	hs_op_end(&op);
	must(hs_stats(&h, &stats));
	printf("%-34s %8.1f  bytes a member of slab segments\n", "", (double) stats.slab_bytes / (double) n);
}

/* Many sets of 100 members: all that the keyspace is charged for. */
static void
small_sets(void)
{
	const unsigned sets = 2000;
	const unsigned count = 100;
	HsStats		before,
				after;

	must(hs_stats(&h, &before));
	for (unsigned i = 0; i < sets * count; i++)
	{
		char		key[24];
		HsOp		op;
		HsZsetAdded out;

		snprintf(key, sizeof(key), "set:%03u", i % sets);
		must(hs_op_begin(&op, &h, hs_bytes_str(key), HS_EXCLUSIVE, HEAP_NOW));
		must(hs_zset_add(&op, name_of(100000 + i / sets), random_score(), 0, HS_NEVER, &out));
		hs_op_end(&op);
	}
	must(hs_stats(&h, &after));
	printf("%-34s %8.1f  bytes a member of live records\n", "2000 sets of 100",
		   (double) (after.live_bytes - before.live_bytes) / (sets * 100.0));
	measure("set of 100: update", do_small_update, 10000, name_ns);
	measure("set of 100: rank", do_small_rank, 10000, name_ns);
}

int
main(int argc, char **argv)
{
	uint64_t	n = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	uint64_t	slice = n / 100 < 20000 ? (n / 100 > 0 ? n / 100 : 1) : 20000;
	HsOp		op;
	const char *wrong;

	setvbuf(stdout, NULL, _IOLBF, 0);
	heap_open(((size_t) 256 << 20) + n * 220);
	heap_keyspace(&h, 1, HS_EVICT_NONE, 0);
	members = 1000;
	name_ns = measure(NULL, do_name, 100000, 0);
	members = 0;
	printf("%" PRIu64 " members, ns an operation: 5th percentile (median)\n", n);
	small_sets();
	while (members < n - SLICES * (n / 200))
		do_insert(0);
	measure("insert (last fifth)", do_insert, n / 200, name_ns);
	show_bytes("board", "built at random", members);
	measure("score: hit", do_score, slice, name_ns);
	measure("score: miss", do_miss, slice, name_ns);
	measure("rank", do_rank, slice, name_ns);
	measure("top 10", do_top, slice, 0);
	measure("10 from a random rank", do_ten, slice, 0);
	measure("100 by score", do_hundred, slice / 10 + 1, 0);
	measure("count, 1 % of all", do_count, slice, 0);
	measure("incr by 0..9", do_incr, slice, name_ns);
	measure("update, random score", do_update, slice, name_ns);
	show_bytes("board", "after updates", members);
	measure("pop lowest", do_pop, slice / 10 + 1, 0);
	measure("remove", do_remove, slice / 10 + 1, name_ns);
	begin(&op, HS_EXCLUSIVE);
	wrong = hs_zset_verify(op.part, hs_find(&op));
	hs_remove(&op, hs_find(&op));
	hs_op_end(&op);
	for (uint32_t part = 0; part < h.nparts; part++)
		while (hs_work(&h, part, HEAP_NOW))
			;
	measure("insert in order", do_insert_in_order, n / 40, name_ns);
	show_bytes("ordered", "built in order", n);
	if (wrong != NULL)
		printf("verify: %s\n", wrong);
	return wrong != NULL || sink == 0;
}
