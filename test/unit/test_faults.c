/*
 * test_faults.c
 *	  Every command on one key, with the n-th segment or the n-th node refused for
 *	  every n: it is done in full, or nothing has changed.
 */
#include "dump.h"
#include "heap_test.h"
#include "hll.h"
#include "hll_key.h"
#include "key.h"
#include "keys_test.h"
#include "part.h"
#include "port_test.h"
#include "rate.h"
#include "slab_test.h"
#include "test.h"
#include "zset.h"

#define MB		((size_t) 1 << 20)
#define LATER	(HEAP_NOW + 100 * HEAP_SECOND)
#define MANY	400
#define LONG	65000

static HsHandle ks;
static uint8_t bytes[64 << 10];
static HsZsetMember members[MANY];
static uint8_t sketch[HS_HLL_MAX_SIZE];

static const HsBytes key = {(const uint8_t *) "k", 1};

/*
 * ---- States: what the key holds before ----------------------------------------
 */

static HsStatus
zset_of(HsOp *op, size_t n)
{
	HsZsetAdded out;

	return hs_zset_add_many(op, members, n, 0, HS_NEVER, &out);
}

static HsStatus
string_of(HsOp *op, size_t size)
{
	HsNewValue	v = {.bytes = hs_bytes(bytes, size)};
	HsSetRule	rule = {.expires_us = HS_NEVER};
	bool		done;

	return hs_string_set(op, &v, &rule, NULL, &done);
}

static HsStatus
nothing(HsOp *op)
{
	(void) op;
	return HS_OK;
}

static HsStatus
short_string(HsOp *op)
{
	return string_of(op, 20);
}

static HsStatus
small_zset(HsOp *op)
{
	return zset_of(op, 20);
}

static HsStatus
full_blob(HsOp *op)
{
	return zset_of(op, HS_ZSET_BLOB_MAX);
}

static HsStatus
large_zset(HsOp *op)
{
	return zset_of(op, MANY);
}

static HsStatus
one_hll(HsOp *op)
{
	bool		changed;

	return hs_hll_key_add(op, sketch, HS_NEVER, &changed);
}

/*
 * ---- Commands -------------------------------------------------------------------
 */

static HsStatus
add_long_member(HsOp *op)
{
	HsZsetMember m = {5, hs_bytes(bytes, LONG)};
	HsZsetAdded out;

	return hs_zset_add_many(op, &m, 1, 0, LATER, &out);
}

/* New members, long ones, and others that move. */
static HsStatus
add_all_kinds(HsOp *op)
{
	static HsZsetMember mixed[MANY];
	HsZsetAdded out;

	for (int i = 0; i < MANY; i++)
	{
		mixed[i].score = MANY - i;
		mixed[i].member = i % 3 == 0 ? hs_bytes(bytes + 7 * i, 30) :
			i % 50 == 1 ? hs_bytes(bytes + i, LONG - i) : members[i].member;
	}
	return hs_zset_add_many(op, mixed, MANY, 0, HS_NEVER, &out);
}

static HsStatus
incr_member(HsOp *op)
{
	double		score;

	return hs_zset_incr(op, members[3].member, 100000, HS_NEVER, &score);
}

static HsStatus
remove_some(HsOp *op)
{
	uint64_t	removed;
	HsZsetRange range = {.start = 2,.stop = 15,.limit = UINT64_MAX};

	return hs_zset_remove_range(op, &range, &removed);
}

static HsStatus
pop_some(HsOp *op)
{
	HsZsetBatch batch;
	static uint8_t buf[1 << 16];

	return hs_zset_pop(op, 10, true, buf, sizeof(buf), &batch);
}

static HsStatus
store_many(HsOp *op)
{
	return hs_zset_store(op, members, MANY, LATER);
}

static HsStatus
store_few(HsOp *op)
{
	return hs_zset_store(op, members + 30, 10, HS_NEVER);
}

static HsStatus
set_string(HsOp *op)
{
	return string_of(op, 9000);
}

static HsStatus
count_up(HsOp *op)
{
	int64_t		n;

	return hs_string_incr(op, 1, LATER, &n);
}

static HsStatus
count_float(HsOp *op)
{
	double		d;

	return hs_string_incrbyfloat(op, 0.1, LATER, &d);
}

static HsStatus
read_and_expire(HsOp *op)
{
	static uint8_t buf[1 << 16];
	HsGot		got;

	hs_got_init(&got, buf, sizeof(buf));
	return hs_string_getex(op, LATER, &got);
}

static HsStatus
expire(HsOp *op)
{
	HsExpireRule rule = {0};
	bool		done;

	return hs_key_expire(op, &rule, LATER, &done);
}

static HsStatus
delete(HsOp *op)
{
	bool		done;

	return hs_key_delete(op, &done);
}

static HsStatus
version(HsOp *op)
{
	uint64_t	v;

	return hs_key_version(op, &v);
}

static HsStatus
hll_replace(HsOp *op)
{
	return hs_hll_key_set(op, sketch, LATER);
}

static HsStatus
limit_fixed(HsOp *op)
{
	HsRate		out;

	return hs_rate_fixed(op, 10, HEAP_SECOND, &out);
}

static HsStatus
limit_sliding(HsOp *op)
{
	HsRate		out;

	return hs_rate_sliding(op, 10, HEAP_SECOND, &out);
}

static HsStatus
limit_bucket(HsOp *op)
{
	HsRate		out;

	return hs_rate_bucket(op, 10, HEAP_SECOND, 1, &out);
}

typedef HsStatus (*Step) (HsOp *op);

static const struct
{
	const char *name;
	Step		before;
	Step		command;
}			cases[] = {
	{"zadd, new", nothing, small_zset},
	{"zadd, new and large", nothing, large_zset},
	{"zadd, one long member, new", nothing, add_long_member},
	{"zadd, blob to list", full_blob, add_long_member},
	{"zadd, blob to list, many", full_blob, add_all_kinds},
	{"zadd, one to a list", large_zset, add_long_member},
	{"zadd, many to a list", large_zset, add_all_kinds},
	{"zincrby, blob", small_zset, incr_member},
	{"zincrby, list", large_zset, incr_member},
	{"zremrange, blob", full_blob, remove_some},
	{"zremrange, list", large_zset, remove_some},
	{"zpop, blob", full_blob, pop_some},
	{"zpop, list", large_zset, pop_some},
	{"store a list over a list", large_zset, store_many},
	{"store a list over a string", short_string, store_many},
	{"store a blob over a list", large_zset, store_few},
	{"set, new", nothing, set_string},
	{"set over a list", large_zset, set_string},
	{"incr", nothing, count_up},
	{"incrbyfloat", nothing, count_float},
	{"getex", short_string, read_and_expire},
	{"expire, string", short_string, expire},
	{"expire, list", large_zset, expire},
	{"expire, hll", one_hll, expire},
	{"delete", large_zset, delete},
	{"version, string", short_string, version},
	{"version, list", large_zset, version},
	{"hll, new", nothing, one_hll},
	{"hll over a hll", one_hll, hll_replace},
	{"rate, fixed", nothing, limit_fixed},
	{"rate, sliding", nothing, limit_sliding},
	{"rate, bucket", nothing, limit_bucket},
};

/*
 * ---- The test --------------------------------------------------------------------
 */

static HsStatus
run(Step step, HsEffects *fx)
{
	HsOp		op;
	HsStatus	status = hs_op_begin(&op, &ks, key, HS_EXCLUSIVE, HEAP_NOW);

	if (status != HS_OK)
		return status;
	op.effects = fx;
	status = step(&op);
	hs_op_end(&op);
	return status;
}

/* What the key holds, as dump, with its expiry; 0 bytes for nothing. */
static size_t
contents(uint8_t *buf, size_t capacity)
{
	size_t		size = 0;
	HsOp		op;
	HsRecord   *record;

	CHECK_EQ(hs_op_begin(&op, &ks, key, HS_SHARED, HEAP_NOW), HS_OK);
	record = hs_find(&op);
	if (record != NULL)
	{
		int64_t		expires_us = hs_expiry(record);

		CHECK_EQ(hs_dump(&op, buf, capacity - 8, &size), HS_OK);
		memcpy(buf + size, &expires_us, 8);
		size += 8;
	}
	hs_op_end(&op);
	return size;
}

/* Leave no room in the open segment of new records, so that the next takes another. */
static void
fill_open_segment(uint64_t *n)
{
	for (;;)
	{
		uint32_t	open = ks.parts[0]->log[HS_LOG_S].open;
		size_t		left = open == HS_SEG_NONE ? HS_SEG_SIZE : HS_SEG_SIZE - hs_segs[open].used;
		char		name[KEYS_NAME_SIZE];

		if (left < 40)
			return;
		CHECK_EQ(keys_set(&ks, keys_name(name, (*n)++),
						  hs_bytes(bytes, left > 3000 ? 2000 : left > 300 ? left - 60 - left % 8 : 1),
						  HS_NEVER, HEAP_NOW), HS_OK);
	}
}

/* Once the n-th is refused, how did it end? */
static HsStatus
run_refused(Step step, HsEffects *fx, bool nodes, int n)
{
	HsStatus	status;

	if (nodes)
	{
		slab_watch_promises(true);
		slab_fail_after(n);
	}
	else
		heap_fail_after(n);
	status = run(step, fx);
	slab_fail_after(-1);
	heap_fail_after(-1);
	CHECK_EQ(slab_broken_promises(), 0);
	slab_watch_promises(false);
	return status;
}

static void
one_case(size_t c, bool nodes)
{
	static uint8_t before[4 * MB];
	static uint8_t after[4 * MB];
	static uint8_t log[4 * MB];
	uint64_t	filler = 0;

	heap_open(32 * MB);
	heap_keyspace(&ks, 1, HS_EVICT_NONE, 16 * MB);
	CHECK_EQ(run(cases[c].before, NULL), HS_OK);
	for (int n = 0;; n++)
	{
		HsEffects	fx = {log, 0, sizeof(log), 0};
		size_t		size = contents(before, sizeof(before));
		HsStatus	status;

		CASE("%s, %s %d", cases[c].name, nodes ? "node" : "segment", n);
		REQUIRE(n < 5000);
		if (!nodes)
			fill_open_segment(&filler);
		status = run_refused(cases[c].command, &fx, nodes, n);
		CHECK_WELL(hs_keyspace_verify(&ks));
		if (status == HS_OK)
			break;
		CHECK_EQ(status, HS_NO_MEMORY);
		CHECK_EQ(fx.size, 0);
		CHECK_EQ(contents(after, sizeof(after)), size);
		CHECK(memcmp(before, after, size) == 0);
	}
	CHECK_WELL(hs_region_verify());
	hs_keyspace_drop(HEAP_DB, 1);
	CHECK_EQ(heap_segs_in_use(), 0);
	heap_close();
}

static void
prepare(void)
{
	static char names[MANY][16];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t) (i * 2654435761u >> 13);
	for (int i = 0; i < MANY; i++)
	{
		members[i].member = hs_bytes(names[i], (size_t) snprintf(names[i], 16, "m%05d", i));
		members[i].score = i;
	}
	hs_hll_init(sketch);
}

static void
any_segment_may_fail(void)
{
	prepare();
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
		one_case(c, false);
}

static void
any_node_may_fail(void)
{
	prepare();
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
		one_case(c, true);
}

TEST_MAIN(TEST(any_segment_may_fail),
		  TEST(any_node_may_fail))
