/*
 * instructions.c
 *	  Instructions that commands of the engine take; run under callgrind by
 *	  instructions.sh.
 *
 * Each command runs TIMES times, then twice as often: the difference, divided
 * by TIMES, is one command, whatever starting and stopping the count costs.
 * Keys, values and hashes are the same each time, so the counts are too.  One
 * keyspace of 100,000 strings of 40 bytes and as many counters, a board, a hash, a set and a list
 * of 100,000, hashes and sets of 100, and a sketch.
 */
#include <stdio.h>
#include <stdlib.h>
#include <valgrind/callgrind.h>

#include "engine_bench.h"
#include "hash.h"
#include "hll_key.h"
#include "key.h"
#include "list.h"
#include "rate.h"
#include "set.h"
#include "zset.h"

#define TIMES		5000
#define KEYS		100000
#define MANY		100			/* keys of one command on several */
#define HOUR		INT64_C(3600000000)
#define VALUE		"vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"

static HsHandle h;
static uint64_t next_new = KEYS;	/* keys and members that are not there yet */
static uint64_t next_gone;		/* of those, the next to be deleted */
static uint8_t buf[1 << 16];
static char name_buf[BENCH_NAME];
static uint64_t sink;

static HsBytes
numbered(const char *prefix, uint64_t n)
{
	return bench_name(name_buf, prefix, n);
}

static HsBytes
any(const char *prefix)
{
	return numbered(prefix, bench_random() % KEYS);
}

static double
any_score(void)
{
	return (double) (bench_random() % 1000000);
}

static void
begin(HsOp *op, HsBytes key, HsLockMode mode)
{
	bench_must(hs_op_begin(op, &h, key, mode, bench_now));
}

/*
 * ---- Strings ---------------------------------------------------------------------
 */

static void
get(HsBytes key, HsStatus expected)
{
	HsGot		got;
	HsType		type;

	hs_got_init(&got, buf, sizeof(buf));
	if (hs_string_fetch(&h, key, bench_now, &got, &type) != expected)
		bench_must(HS_CORRUPT);
	sink += got.size;
}

static void
do_name(void)
{
	sink += any("key:").size;
}

static void
do_get_hot(void)
{
	get(numbered("key:", 50001), HS_OK);
}

static void
do_get(void)
{
	get(any("key:"), HS_OK);
}

static void
do_get_missing(void)
{
	get(any("nokey:"), HS_NOT_FOUND);
}

static void
do_get_text(void)
{
	HsGot		got;
	HsOp		op;

	hs_got_init(&got, buf, sizeof(buf));
	begin(&op, any("key:"), HS_SHARED);
	bench_must(hs_string_get(&op, &got));
	hs_op_end(&op);
	hs_got_finish(&got);
}

static void
do_set(void)
{
	bench_set(&h, any("key:"), hs_bytes_str(VALUE), HS_NEVER);
}

static void
do_set_other_size(void)
{
	bench_set(&h, any("sized:"), hs_bytes(VALUE, 8 * (bench_random() % 5)), HS_NEVER);
}

static void
do_set_ttl(void)
{
	bench_set(&h, any("ttl:"), hs_bytes_str(VALUE), bench_now + HOUR);
}

static void
do_set_new(void)
{
	bench_set(&h, numbered("new:", next_new++), hs_bytes_str(VALUE), HS_NEVER);
}

static void
do_delete(void)
{
	HsOp		op;
	bool		deleted;

	begin(&op, numbered("new:", KEYS + next_gone++), HS_EXCLUSIVE);
	bench_must(hs_key_delete(&op, &deleted));
	hs_op_end(&op);
	if (!deleted)
		bench_must(HS_NOT_FOUND);
}

static void
do_incr(void)
{
	HsOp		op;
	int64_t		n;

	begin(&op, any("count:"), HS_EXCLUSIVE);
	bench_must(hs_string_incr(&op, 1, HS_NEVER, &n));
	hs_op_end(&op);
}

static void
do_mget(void)
{
	static char names[MANY][BENCH_NAME];
	HsBytes		keys[MANY];
	HsGot		got[MANY];
	HsMulti		m;
	size_t		wanted;

	for (unsigned i = 0; i < MANY; i++)
		keys[i] = bench_name(names[i], "key:", bench_random() % KEYS);
	bench_must(hs_multi_begin(&m, &h, keys, MANY, HS_SHARED, bench_now));
	bench_must(hs_strings_get(&m, keys, MANY, got, buf, sizeof(buf), &wanted));
	hs_multi_end(&m);
	for (unsigned i = 0; i < MANY; i++)
		hs_got_finish(&got[i]);
}

static void
do_expire(void)
{
	HsExpireRule rule = {0};
	HsOp		op;
	bool		done;

	begin(&op, any("ttl:"), HS_EXCLUSIVE);
	bench_must(hs_key_expire(&op, &rule, bench_now + 2 * HOUR, &done));
	hs_op_end(&op);
}

static void
do_rate_bucket(void)
{
	HsOp		op;
	HsRate		rate;

	begin(&op, any("limit:"), HS_EXCLUSIVE);
	bench_must(hs_rate_bucket(&op, 1000000, 1000, 1, &rate));
	hs_op_end(&op);
}

/*
 * ---- Sorted sets -----------------------------------------------------------------
 */

static void
do_zadd_new(void)
{
	bench_zadd(&h, hs_bytes_str("board"), numbered("player:", next_new++), any_score());
}

static void
do_zadd(void)
{
	bench_zadd(&h, hs_bytes_str("board"), any("player:"), any_score());
}

static void
do_zadd_small(void)
{
	static char set[BENCH_NAME];

	bench_zadd(&h, bench_name(set, "set:", bench_random() % 1000),
			   numbered("player:", bench_random() % 100), any_score());
}

static void
do_zincrby(void)
{
	HsOp		op;
	double		score;

	begin(&op, hs_bytes_str("board"), HS_EXCLUSIVE);
	bench_must(hs_zset_incr(&op, any("player:"), 1, HS_NEVER, &score));
	hs_op_end(&op);
}

static void
do_zscore(void)
{
	HsOp		op;
	double		score;

	begin(&op, hs_bytes_str("board"), HS_SHARED);
	bench_must(hs_zset_score(&op, any("player:"), &score));
	hs_op_end(&op);
}

static void
do_zrank(void)
{
	HsOp		op;
	uint64_t	rank;

	begin(&op, hs_bytes_str("board"), HS_SHARED);
	bench_must(hs_zset_rank(&op, any("player:"), true, &rank, NULL));
	hs_op_end(&op);
}

static void
do_top10(void)
{
	HsZsetRange range = {.by = HS_ZSET_BY_RANK,.stop = 9,.reverse = true,.limit = UINT64_MAX};
	HsZsetCursor c;
	HsZsetBatch batch;
	HsOp		op;

	hs_zset_cursor_init(&c, &range);
	begin(&op, hs_bytes_str("board"), HS_SHARED);
	bench_must(hs_zset_read(&op, &c, buf, sizeof(buf), &batch));
	hs_op_end(&op);
	sink += batch.n;
}

/*
 * ---- Hashes, sets, lists -----------------------------------------------------------
 */

static void
hset(const char *key, HsBytes field)
{
	HsHashField pair = {field, hs_bytes_str("1234567890")};
	uint64_t	added;
	HsOp		op;

	begin(&op, hs_bytes_str(key), HS_EXCLUSIVE);
	bench_must(hs_hash_set(&op, &pair, 1, false, HS_NEVER, &added));
	hs_op_end(&op);
}

static void
hget(const char *key, HsBytes field)
{
	HsItems		out = {.buf = buf,.capacity = sizeof(buf)};
	HsOp		op;

	begin(&op, hs_bytes_str(key), HS_SHARED);
	bench_must(hs_hash_get(&op, field, &out));
	hs_op_end(&op);
	sink += out.size;
}

static void
do_hset(void)
{
	hset("hash", any("field:"));
}

static void
do_hget(void)
{
	hget("hash", any("field:"));
}

static void
do_hset_small(void)
{
	hset("h100", numbered("field:", bench_random() % MANY));
}

static void
do_hget_small(void)
{
	hget("h100", numbered("field:", bench_random() % MANY));
}

static void
do_hincrby(void)
{
	int64_t		n;
	HsOp		op;

	begin(&op, hs_bytes_str("hash"), HS_EXCLUSIVE);
	bench_must(hs_hash_incr(&op, any("field:"), 1, HS_NEVER, &n));
	hs_op_end(&op);
}

static void
sadd(const char *key, HsBytes member)
{
	uint64_t	added;
	HsOp		op;

	begin(&op, hs_bytes_str(key), HS_EXCLUSIVE);
	bench_must(hs_set_add(&op, &member, 1, HS_NEVER, &added));
	hs_op_end(&op);
}

static void
do_sadd_new(void)
{
	sadd("set", numbered("member:", next_new++));
}

static void
do_sismember(void)
{
	bool		has;
	HsOp		op;

	begin(&op, hs_bytes_str("set"), HS_SHARED);
	bench_must(hs_set_has(&op, any("member:"), &has));
	hs_op_end(&op);
	sink += has;
}

static void
do_sinter(void)
{
	HsBytes		keys[2] = {hs_bytes_str("s1"), hs_bytes_str("s2")};
	HsItems		out = {.buf = buf,.capacity = sizeof(buf)};
	size_t		bad_key;
	HsType		found;
	HsMulti		m;

	bench_must(hs_multi_begin(&m, &h, keys, 2, HS_SHARED, bench_now));
	bench_must(hs_set_algebra(&m, HS_SET_INTER, keys, 2, &out, &bad_key, &found));
	hs_multi_end(&m);
	sink += out.n;
}

static void
lpush(const char *key, HsBytes value)
{
	uint64_t	count;
	HsOp		op;

	begin(&op, hs_bytes_str(key), HS_EXCLUSIVE);
	bench_must(hs_list_push(&op, &value, 1, true, false, HS_NEVER, &count));
	hs_op_end(&op);
}

static void
do_lpush_rpop(void)
{
	HsItems		out = {.buf = buf,.capacity = sizeof(buf)};
	HsOp		op;

	lpush("numbers", numbered("", 1000000000 + bench_random() % KEYS));
	begin(&op, hs_bytes_str("numbers"), HS_EXCLUSIVE);
	bench_must(hs_list_pop(&op, 1, false, &out));
	hs_op_end(&op);
}

static void
lrange(const char *key)
{
	HsListCursor c = {.start = (int64_t) (bench_random() % (KEYS - MANY)),.stop = 0};
	HsItems		out = {.buf = buf,.capacity = sizeof(buf)};
	HsOp		op;

	c.stop = c.start + MANY - 1;
	begin(&op, hs_bytes_str(key), HS_SHARED);
	bench_must(hs_list_read(&op, &c, &out));
	hs_op_end(&op);
	sink += out.n;
}

static void
do_lrange(void)
{
	lrange("texts");
}

static void
do_lrange_numbers(void)
{
	lrange("numbers");
}

/*
 * ---- Sketches --------------------------------------------------------------------
 */

static void
do_pfadd(void)
{
	static uint8_t sketch[HS_HLL_MAX_SIZE];
	HsOp		op;
	bool		changed;

	hs_hll_init(sketch);
	hs_hll_add(sketch, sizeof(sketch), hs_hll_hash(any("visitor:")));
	begin(&op, hs_bytes_str("visitors"), HS_EXCLUSIVE);
	bench_must(hs_hll_key_add(&op, sketch, HS_NEVER, &changed));
	hs_op_end(&op);
}

static const struct
{
	const char *name;
	void		(*run) (void);
}			commands[] = {
	{"making a key", do_name},
	{"get, one key", do_get_hot},
	{"get", do_get},
	{"get, missing", do_get_missing},
	{"get, with the lock", do_get_text},
	{"mget of 100", do_mget},
	{"set, same size", do_set},
	{"set, other size", do_set_other_size},
	{"set, time to live", do_set_ttl},
	{"set, new key", do_set_new},
	{"del", do_delete},
	{"incr", do_incr},
	{"expire", do_expire},
	{"rate_bucket", do_rate_bucket},
	{"zadd, new member", do_zadd_new},
	{"zadd, new score", do_zadd},
	{"zadd, set of 100", do_zadd_small},
	{"zincrby", do_zincrby},
	{"zscore", do_zscore},
	{"zrevrank", do_zrank},
	{"zrange, top 10", do_top10},
	{"hset", do_hset},
	{"hset, hash of 100", do_hset_small},
	{"hget", do_hget},
	{"hget, hash of 100", do_hget_small},
	{"hincrby", do_hincrby},
	{"sadd, new member", do_sadd_new},
	{"sismember", do_sismember},
	{"sinter of two of 1000", do_sinter},
	{"lpush and rpop", do_lpush_rpop},
	{"lrange of 100 texts", do_lrange},
	{"lrange of 100 numbers", do_lrange_numbers},
	{"pfadd", do_pfadd},
};

static void
prepare(void)
{
	bench_region((size_t) 256 << 20);
	bench_keyspace(&h, 1, HS_EVICT_NONE, 0);
	for (uint64_t i = 0; i < KEYS; i++)
	{
		int64_t		n;
		HsOp		op;

		bench_set(&h, numbered("key:", i), hs_bytes_str(VALUE), HS_NEVER);
		bench_set(&h, numbered("ttl:", i), hs_bytes_str(VALUE), bench_now + HOUR);
		bench_set(&h, numbered("sized:", i), hs_bytes(VALUE, 16), HS_NEVER);
		begin(&op, numbered("count:", i), HS_EXCLUSIVE);
		bench_must(hs_string_incr(&op, 1, HS_NEVER, &n));
		hs_op_end(&op);
		bench_zadd(&h, hs_bytes_str("board"), numbered("player:", i), any_score());
		hset("hash", numbered("field:", i));
		sadd("set", numbered("member:", i));
		lpush("texts", numbered("text:", i));
		lpush("numbers", numbered("", 1000000000 + i));
	}
	for (uint64_t i = 0; i < MANY; i++)
		hset("h100", numbered("field:", i));
	for (uint64_t i = 0; i < 1000; i++)
	{
		sadd("s1", numbered("member:", i));
		sadd("s2", numbered("member:", i + 500));
	}
	for (int i = 0; i < 100000; i++)
		do_zadd_small();
	for (int i = 0; i < 20000; i++)
		do_pfadd();
}

static void
run(void (*command) (void), unsigned times)
{
	while (times-- > 0)
		command();
}

int
main(void)
{
	char		name[100];

	prepare();
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
	{
		for (unsigned loops = 1; loops <= 2; loops++)
		{
			run(commands[i].run, TIMES);
			CALLGRIND_START_INSTRUMENTATION;
			CALLGRIND_ZERO_STATS;
			run(commands[i].run, loops * TIMES);
			snprintf(name, sizeof(name), "engine|%s|%u", commands[i].name, loops * TIMES);
			CALLGRIND_DUMP_STATS_AT(name);
			CALLGRIND_STOP_INSTRUMENTATION;
		}
	}
	return sink == 0;
}
