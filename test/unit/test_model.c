/*
 * test_model.c
 *	  Random operations on plain keys, compared with a naive model.
 *
 * The model is an array of keys with their value's seed and size.  Values
 * follow from a seed, so the model stores none.  With eviction a key may be
 * missing, but what is there must be right.  TEST_SEED and TEST_SCALE make
 * other and longer runs.
 */
#include "heap_test.h"
#include "keys_test.h"
#include "port_test.h"
#include "test.h"

#define MB			((size_t) 1 << 20)
#define NKEYS		3000
#define MAX_VALUE	(600 * 1024)

typedef struct ModelKey
{
	bool		present;
	bool		poked;			/* byte poke_at of the value is poke_byte */
	uint8_t		poke_byte;
	uint32_t	poke_at;
	size_t		size;
	uint64_t	seed;
	int64_t		expires_us;
	uint64_t	version;		/* last one seen, 0: none since the last write */
	bool		expiry_changed; /* since then: a write or not, as the store likes */
	uint64_t	highest;		/* of all versions seen */
} ModelKey;

typedef struct Config
{
	const char *name;
	size_t		region;
	uint64_t	memory;
	HsEviction	eviction;
	size_t		usual_size;		/* of most values, bytes */
	unsigned	big_in;			/* one in so many is large; 0: none */
	bool		starve;			/* at times no segment is to be had */
} Config;

static HsHandle ks;
static ModelKey model[NKEYS];
static uint8_t buf[MAX_VALUE],
			value[MAX_VALUE];
static int64_t now;
static TestRandom rnd;
static const Config *config;
static uint64_t step;
static uint64_t overwritten;	/* in place */
static uint64_t lost;			/* keys found missing, which eviction may do */

static bool
may_vanish(const ModelKey *m)
{
	return config->eviction == HS_EVICT_S3FIFO ||
		(config->eviction == HS_EVICT_TTL && m->expires_us != HS_NEVER);
}

static void
model_expire(ModelKey *m)
{
	if (m->present && m->expires_us <= now)
		m->present = false;
}

/* The engine says the key is not there. */
static void
model_absent(ModelKey *m)
{
	if (m->present && CHECK(may_vanish(m)))
		lost++;
	m->present = false;
}

static bool
value_matches(const ModelKey *m, size_t size)
{
	if (size != m->size)
		return false;
	if (m->poked)
	{
		uint8_t		want;

		keys_pattern(value, size, m->seed);
		want = m->poke_byte;
		value[m->poke_at] = want;
		return memcmp(buf, value, size) == 0;
	}
	return keys_is_pattern(hs_bytes(buf, size), m->seed);
}

static void
check_key(ModelKey *m, HsBytes key)
{
	HsRead		read;
	HsStatus	status = keys_get(&ks, key, now, buf, sizeof(buf), &read);

	if (status == HS_NOT_FOUND)
	{
		model_absent(m);
		return;
	}
	if (!CHECK_EQ(status, HS_OK))
		return;
	CHECK(m->present);
	CHECK(value_matches(m, read.size));
	CHECK_EQ(read.expires_us, m->expires_us);
}

static size_t
random_size(void)
{
	if (config->big_in > 0 && test_below(&rnd, config->big_in) == 0)
		return test_below(&rnd, MAX_VALUE);
	return test_below(&rnd, test_below(&rnd, 4) == 0 ? config->usual_size * 4 : config->usual_size);
}

static int64_t
random_expiry(void)
{
	switch (test_below(&rnd, 4))
	{
		case 0:
			return now + 1 + (int64_t) test_below(&rnd, 3000);
		case 1:
			return now + 1 + (int64_t) test_below(&rnd, 3000000);
		default:
			return HS_NEVER;
	}
}

static void
do_set(ModelKey *m, HsBytes key)
{
	size_t		size = random_size();
	uint64_t	seed = test_random(&rnd);
	int64_t		expires = random_expiry();
	HsStatus	status;
	KeysNeed	need = {0};

	keys_pattern(value, size, seed);
	if (config->starve && test_below(&rnd, 10) == 0)
	{
		heap_fail_after((int) test_below(&rnd, 3));
		status = keys_set_once(&ks, key, hs_bytes(value, size), expires, now, &need);
		heap_fail_after(-1);
	}
	else
		status = keys_set(&ks, key, hs_bytes(value, size), expires, now);
	if (status == HS_OK)
	{
		m->present = true;
		m->poked = false;
		m->size = size;
		m->seed = seed;
		m->expires_us = expires;
		m->version = 0;
	}
	else
	{
		CHECK_EQ(status, HS_NO_MEMORY);
		if (m->present)
			check_key(m, key);
	}
}

/* A value of about the old size, where the old one stands. */
static void
do_overwrite(ModelKey *m, HsBytes key)
{
	size_t		size = m->size + test_below(&rnd, 8) - (m->size >= 4 ? 4 : 0);
	uint64_t	seed = test_random(&rnd);
	int64_t		expires = random_expiry();

	if (size > HS_IN_PLACE_MAX)
		return;
	keys_pattern(value, size, seed);
	if (!keys_overwrite(&ks, key, hs_bytes(value, size), expires, now))
	{
		check_key(m, key);
		return;
	}
	overwritten++;
	CHECK(m->present);
	m->poked = false;
	m->size = size;
	m->seed = seed;
	m->expires_us = expires;
	m->version = 0;
}

static void
do_delete(ModelKey *m, HsBytes key)
{
	bool		deleted = keys_del(&ks, key, now);

	if (deleted)
		CHECK(m->present);
	else
		model_absent(m);
	m->present = false;
}

static void
do_expire(ModelKey *m, HsBytes key)
{
	int64_t		expires = random_expiry();
	HsStatus	status = keys_expire(&ks, key, expires, now);

	if (status == HS_OK && CHECK(m->present))
	{
		m->expires_us = expires;
		m->expiry_changed = true;
	}
	else if (status == HS_NOT_FOUND)
		model_absent(m);
	else if (status != HS_OK)
		CHECK_EQ(status, HS_NO_MEMORY);
}

static void
do_poke(ModelKey *m, HsBytes key)
{
	HsOp		op;
	HsRecord   *record;

	if (!m->present || m->size == 0 || m->size > hs_big_threshold() || m->poked)
		return;
	REQUIRE_EQ(hs_op_begin(&op, &ks, key, HS_EXCLUSIVE, now), HS_OK);
	record = hs_find(&op);
	if (record != NULL)
	{
		m->poked = true;
		m->poke_at = (uint32_t) test_below(&rnd, m->size);
		m->poke_byte = (uint8_t) test_random(&rnd);
		m->version = 0;
		hs_poke(&op, record, m->poke_at, &m->poke_byte, 1);
	}
	hs_op_end(&op);
	if (record == NULL)
		model_absent(m);
}

static void
do_version(ModelKey *m, HsBytes key)
{
	uint64_t	version = 0;
	HsStatus	status = keys_version(&ks, key, now, &version);

	if (status == HS_NOT_FOUND)
	{
		model_absent(m);
		return;
	}
	if (status != HS_OK)
	{
		CHECK_EQ(status, HS_NO_MEMORY);
		return;
	}
	CHECK(m->present);
	if (m->version == 0)
		CHECK(version > m->highest);
	else if (m->expiry_changed)
		CHECK(version >= m->version);
	else
		CHECK_EQ(version, m->version);
	m->expiry_changed = false;
	m->version = version;
	m->highest = version;
}

/* A draft is made and given up. */
static void
do_abandon(ModelKey *m, HsBytes key)
{
	HsOp		op;
	HsDraft		draft;

	(void) m;
	REQUIRE_EQ(hs_op_begin(&op, &ks, key, HS_EXCLUSIVE, now), HS_OK);
	if (hs_reserve(&op, HS_STRING, test_below(&rnd, 5000), random_expiry(), &draft) == HS_OK)
	{
		memset(draft.value, 0xdd, draft.value_size);
		hs_abandon(&op, &draft);
	}
	hs_op_end(&op);
}

/*
 * Two keys change their values in one step, or one key moves to the other's
 * name.
 */
static void
do_multi(void)
{
	uint64_t	n[2] = {test_below(&rnd, NKEYS), test_below(&rnd, NKEYS)};
	char		names[2][KEYS_NAME_SIZE];
	HsBytes		keys[2] = {keys_name(names[0], n[0]), keys_name(names[1], n[1])};
	HsMulti		m;
	HsOp		op;
	HsDraft		draft;

	REQUIRE_EQ(hs_multi_begin(&m, &ks, keys, 2, HS_EXCLUSIVE, now), HS_OK);
	for (int i = 0; i < 2; i++)
	{
		ModelKey   *k = &model[n[i]];
		size_t		size = test_below(&rnd, config->usual_size);

		model_expire(k);
		REQUIRE_EQ(hs_multi_op(&m, keys[i], &op), HS_OK);
		if (hs_reserve(&op, HS_STRING, size, HS_NEVER, &draft) != HS_OK)
			continue;
		k->seed = test_random(&rnd);
		k->size = size;
		k->present = true;
		k->poked = false;
		k->expires_us = HS_NEVER;
		k->version = 0;
		keys_pattern(draft.value, size, k->seed);
		hs_publish(&op, &draft);
	}
	hs_multi_end(&m);
}

static void
check_all(void)
{
	char		name[KEYS_NAME_SIZE];
	uint64_t	n = 0;

	for (uint64_t i = 0; i < NKEYS; i++)
	{
		model_expire(&model[i]);
		check_key(&model[i], keys_name(name, i));
		n += model[i].present;
	}
	CHECK_EQ(keys_count(&ks, now), n);
	CHECK_WELL(hs_keyspace_verify(&ks));
	CHECK_WELL(hs_region_verify());
}

static void
do_flush(void)
{
	uint64_t	removed,
				n = 0;

	n = keys_count(&ks, now);
	CHECK_EQ(hs_keyspace_flush(&ks, now, &removed), HS_OK);
	CHECK_EQ(removed, n);
	for (int i = 0; i < NKEYS; i++)
	{
		model[i].present = false;
		model[i].version = 0;
	}
}

static void
do_step(void)
{
	char		name[KEYS_NAME_SIZE];
	uint64_t	k = test_below(&rnd, test_below(&rnd, 3) == 0 ? 50 : NKEYS);
	ModelKey   *m = &model[k];
	HsBytes		key = keys_name(name, k);
	uint64_t	what = test_below(&rnd, 1000);

	model_expire(m);
	if (what < 260)
		do_set(m, key);
	else if (what < 300)
		do_overwrite(m, key);
	else if (what < 600)
		check_key(m, key);
	else if (what < 720)
		do_delete(m, key);
	else if (what < 790)
		do_expire(m, key);
	else if (what < 840)
		do_poke(m, key);
	else if (what < 900)
		do_version(m, key);
	else if (what < 930)
		do_abandon(m, key);
	else if (what < 960)
		do_multi();
	else if (what < 985)
		now += (int64_t) test_below(&rnd, 2000);
	else if (what < 995)
		hs_work(&ks, (uint32_t) test_below(&rnd, ks.nparts), now);
	else if (what < 996)
		now += (int64_t) test_below(&rnd, 5 * (uint64_t) HEAP_SECOND);
}

static void
run(const Config *c)
{
	uint64_t	steps = test_scaled(150000);
	uint64_t	seed = test_seed(c->region + c->usual_size);
	HsStats		s;

	config = c;
	now = HEAP_NOW;
	rnd.state = seed;
	lost = overwritten = 0;
	memset(model, 0, sizeof(model));
	heap_open(c->region);
	heap_keyspace(&ks, 1, c->eviction, c->memory);
	for (step = 0; step < steps; step++)
	{
		CASE("%s, seed %" PRIu64 ", step %" PRIu64, c->name, seed, step);
		do_step();
		if (keys_disagreement() != NULL)
			REQUIRE(!"reads with and without lock differ");
		REQUIRE_EQ(port_locks_held(), 0);
		REQUIRE(test_failures < 5);
		if (step % 499 == 0)
			CHECK_WELL(hs_keyspace_verify(&ks));
		if (step % 20011 == 20010)
			check_all();
		if (step % 70001 == 70000)
			do_flush();
	}
	check_all();
	s = keys_stats(&ks);
	CHECK(s.evicted >= lost);
	CHECK(overwritten > steps / 2000);
	if (c->eviction == HS_EVICT_NONE)
		CHECK_EQ(s.evicted, 0);
	for (uint64_t i = 0; i < NKEYS; i++)
	{
		char		name[KEYS_NAME_SIZE];

		keys_del(&ks, keys_name(name, i), now);
	}
	s = keys_stats(&ks);
	CHECK_EQ(s.keys, 0);
	CHECK_EQ(s.live_bytes, 0);
	CHECK_EQ(s.big_bytes, 0);
	CHECK_WELL(hs_keyspace_verify(&ks));
	CHECK_WELL(hs_region_verify());
	hs_keyspace_drop(HEAP_DB, 1);
	CHECK_EQ(heap_segs_in_use(), 0);
	heap_close();
}

static void
roomy(void)
{
	run(&(Config) {"roomy", 64 * MB, 0, HS_EVICT_NONE, 300, 0, false});
}

static void
tight_without_eviction(void)
{
	run(&(Config) {"tight", 8 * MB, 4 * MB, HS_EVICT_NONE, 3000, 0, false});
}

static void
tight_with_eviction(void)
{
	run(&(Config) {"s3fifo", 8 * MB, 4 * MB, HS_EVICT_S3FIFO, 3000, 0, false});
}

static void
tight_with_ttl_eviction(void)
{
	run(&(Config) {"ttl", 8 * MB, 4 * MB, HS_EVICT_TTL, 2000, 0, false});
}

static void
large_values(void)
{
	run(&(Config) {"large", 64 * MB, 0, HS_EVICT_NONE, 500, 50, false});
}

static void
large_values_with_eviction(void)
{
	run(&(Config) {"large, s3fifo", 16 * MB, 12 * MB, HS_EVICT_S3FIFO, 500, 30, false});
}

static void
segments_fail(void)
{
	run(&(Config) {"starved", 16 * MB, 0, HS_EVICT_NONE, 900, 300, true});
}

static void
tiny_values(void)
{
	run(&(Config) {"tiny", 8 * MB, 1 * MB, HS_EVICT_NONE, 8, 0, false});
}

TEST_MAIN(TEST(roomy),
		  TEST(tight_without_eviction),
		  TEST(tight_with_eviction),
		  TEST(tight_with_ttl_eviction),
		  TEST(large_values),
		  TEST(large_values_with_eviction),
		  TEST(segments_fail),
		  TEST(tiny_values))
