/*
 * test_hll_key.c
 *	  Keys that hold sketches, compared with sets of hashes; effects replayed.
 */
#include "hll_key.h"

#include "heap_test.h"
#include "keys_test.h"
#include "port_test.h"
#include "test.h"
#include "type.h"

#define MB		((size_t) 1 << 20)
#define POOL	6000			/* different hashes */
#define KEYS	40

/* What a key should hold. */
typedef struct Model
{
	bool		exists;
	bool		has[POOL];
	int64_t		expires_us;
} Model;

static HsHandle h;
static int64_t now_us;
static uint64_t pool[POOL];
static Model model[KEYS];

static void
open_store(size_t size, uint64_t memory)
{
	TestRandom	r = {99};

	heap_open(size);
	heap_keyspace(&h, 1, HS_EVICT_NONE, memory);
	now_us = HEAP_NOW;
	memset(model, 0, sizeof(model));
	for (int i = 0; i < POOL; i++)
		pool[i] = test_random(&r);
}

static HsBytes
name_of(int k)
{
	static char buf[4][KEYS_NAME_SIZE];
	static int	turn;

	turn = (turn + 1) % 4;
	return keys_name(buf[turn], (uint64_t) k);
}

/* ---- one command each, as a caller would run it -------------------------------- */

static HsStatus
add(HsBytes key, const uint8_t *sketch, int64_t expires_us, bool *changed, HsEffects *fx)
{
	HsOp		op;
	HsStatus	status;

	REQUIRE_EQ(hs_op_begin(&op, &h, key, HS_EXCLUSIVE, now_us), HS_OK);
	op.effects = fx;
	status = hs_hll_key_add(&op, sketch, expires_us, changed);
	hs_op_end(&op);
	return status;
}

static HsStatus
set(HsBytes key, const uint8_t *sketch, int64_t expires_us, HsEffects *fx)
{
	HsOp		op;
	HsStatus	status;

	REQUIRE_EQ(hs_op_begin(&op, &h, key, HS_EXCLUSIVE, now_us), HS_OK);
	op.effects = fx;
	status = hs_hll_key_set(&op, sketch, expires_us);
	hs_op_end(&op);
	return status;
}

static HsStatus
get(HsBytes key, uint8_t *buf, int64_t *expires_us)
{
	HsOp		op;
	HsStatus	status;

	REQUIRE_EQ(hs_op_begin(&op, &h, key, HS_SHARED, now_us), HS_OK);
	status = hs_hll_key_get(&op, buf);
	if (status == HS_OK && expires_us != NULL)
		*expires_us = hs_expiry(hs_find(&op));
	hs_op_end(&op);
	return status;
}

static void
one_value(uint8_t *sketch, uint64_t hash)
{
	hs_hll_init(sketch);
	CHECK_EQ(hs_hll_add(sketch, HS_HLL_MAX_SIZE, hash), HS_HLL_CHANGED);
}

/* ---- the model ------------------------------------------------------------------ */

static void
sketch_of(const Model *m, uint8_t *sketch)
{
	hs_hll_init(sketch);
	for (int i = 0; i < POOL; i++)
		if (m->has[i])
			hs_hll_add(sketch, HS_HLL_MAX_SIZE, pool[i]);
}

static void
check_key(int k)
{
	uint8_t		want[HS_HLL_MAX_SIZE],
				got[HS_HLL_MAX_SIZE];
	int64_t		expires_us = 0;
	HsStatus	status = get(name_of(k), got, &expires_us);

	CHECK_EQ(status, model[k].exists ? HS_OK : HS_NOT_FOUND);
	if (status != HS_OK || !model[k].exists)
		return;
	sketch_of(&model[k], want);
	CHECK_BYTES(hs_bytes(got, hs_hll_size(got)), hs_bytes(want, hs_hll_size(want)));
	CHECK_EQ(expires_us, model[k].expires_us);
}

static void
forget_expired(void)
{
	for (int k = 0; k < KEYS; k++)
		if (model[k].exists && model[k].expires_us <= now_us)
			memset(&model[k], 0, sizeof(Model));
}

static void
unite(Model *m, const Model *other, int64_t new_expires_us)
{
	for (int i = 0; i < POOL; i++)
		m->has[i] |= other->has[i];
	if (!m->exists)
		m->expires_us = new_expires_us;
	m->exists = true;
}

/* A few hashes, at times thousands; as a model without a key. */
static void
random_values(TestRandom *r, Model *m)
{
	uint64_t	n = test_below(r, 8) == 0 ? test_below(r, 3500) : test_below(r, 40);

	memset(m, 0, sizeof(*m));
	for (uint64_t i = 0; i < n; i++)
		m->has[test_below(r, POOL)] = true;
}

static int64_t
random_expiry(TestRandom *r)
{
	return test_below(r, 4) == 0 ? now_us + (int64_t) test_below(r, 50) + 1 : HS_NEVER;
}

static void
random_add(TestRandom *r, int k)
{
	static Model values;
	uint8_t		before[HS_HLL_MAX_SIZE],
				after[HS_HLL_MAX_SIZE],
				sketch[HS_HLL_MAX_SIZE];
	int64_t		expires_us = random_expiry(r);
	bool		existed = model[k].exists;
	bool		changed;

	random_values(r, &values);
	sketch_of(&values, sketch);
	sketch_of(&model[k], before);
	unite(&model[k], &values, expires_us);
	sketch_of(&model[k], after);
	CHECK_EQ(add(name_of(k), sketch, expires_us, &changed, NULL), HS_OK);
	CHECK_EQ(changed, !existed || hs_bytes_cmp(hs_bytes(before, hs_hll_size(before)),
											   hs_bytes(after, hs_hll_size(after))) != 0);
}

static void
random_set(TestRandom *r, int k)
{
	uint8_t		sketch[HS_HLL_MAX_SIZE];

	random_values(r, &model[k]);
	model[k].exists = true;
	model[k].expires_us = random_expiry(r);
	sketch_of(&model[k], sketch);
	CHECK_EQ(set(name_of(k), sketch, model[k].expires_us, NULL), HS_OK);
}

/* PFCOUNT and PFMERGE: key k becomes the union of itself and three others. */
static void
random_merge(TestRandom *r, int k)
{
	static Model all;
	HsBytes		keys[4] = {name_of(k)};
	uint8_t		got[HS_HLL_MAX_SIZE],
				want[HS_HLL_MAX_SIZE];
	HsMulti		m;
	HsOp		op;
	size_t		failed;
	HsType		found;
	bool		changed;

	memset(&all, 0, sizeof(all));
	for (int i = 1; i < 4; i++)
	{
		int			other = (int) test_below(r, KEYS);

		keys[i] = name_of(other);
		unite(&all, &model[other], HS_NEVER);
	}
	REQUIRE_EQ(hs_multi_begin(&m, &h, keys, 4, HS_EXCLUSIVE, now_us), HS_OK);
	port_interrupt_after(3);
	CHECK_EQ(hs_hll_key_union(&m, keys + 1, 3, got, &failed, &found), HS_INTERRUPTED);
	port_interrupt_after(-1);
	CHECK_EQ(hs_hll_key_union(&m, keys + 1, 3, got, &failed, &found), HS_OK);
	CHECK_EQ(hs_multi_op(&m, keys[0], &op), HS_OK);
	CHECK_EQ(hs_hll_key_add(&op, got, HS_NEVER, &changed), HS_OK);
	hs_multi_end(&m);
	sketch_of(&all, want);
	CHECK_BYTES(hs_bytes(got, hs_hll_size(got)), hs_bytes(want, hs_hll_size(want)));
	unite(&model[k], &all, HS_NEVER);
}

static void
random_commands_agree_with_sets(void)
{
	TestRandom	r = {test_seed(11)};
	uint64_t	rounds = test_scaled(1500);

	open_store(16 * MB, 0);
	for (uint64_t i = 0; i < rounds; i++)
	{
		int			k = (int) test_below(&r, KEYS);

		CASE("round %" PRIu64 " key %d", i, k);
		now_us += (int64_t) test_below(&r, 3);
		forget_expired();
		switch (test_below(&r, 8))
		{
			case 0:
				random_set(&r, k);
				break;
			case 1:
				random_merge(&r, k);
				break;
			case 2:
				CHECK_EQ(keys_del(&h, name_of(k), now_us), model[k].exists);
				memset(&model[k], 0, sizeof(Model));
				break;
			default:
				random_add(&r, k);
				break;
		}
		check_key(k);
		if (i % 500 == 0)
			CHECK_WELL(hs_keyspace_verify(&h));
	}
	for (int k = 0; k < KEYS; k++)
		check_key(k);
	heap_finish(&h);
}

/* ---- single promises ---------------------------------------------------------------- */

static void
an_empty_sketch_makes_a_key(void)
{
	uint8_t		sketch[HS_HLL_MAX_SIZE];
	bool		changed;

	open_store(8 * MB, 0);
	hs_hll_init(sketch);
	CHECK_EQ(get(hs_bytes_str("k"), sketch, NULL), HS_NOT_FOUND);
	CHECK_EQ(add(hs_bytes_str("k"), sketch, HS_NEVER, &changed, NULL), HS_OK);
	CHECK(changed);
	CHECK_EQ(add(hs_bytes_str("k"), sketch, HS_NEVER, &changed, NULL), HS_OK);
	CHECK(!changed);
	CHECK_EQ(get(hs_bytes_str("k"), sketch, NULL), HS_OK);
	CHECK_EQ(hs_hll_size(sketch), HS_HLL_EMPTY_SIZE);
	heap_finish(&h);
}

static void
another_type_is_told_and_kept(void)
{
	HsBytes		keys[2] = {hs_bytes_str("absent"), hs_bytes_str("s")};
	uint8_t		sketch[HS_HLL_MAX_SIZE],
				value[8];
	bool		changed;
	HsMulti		m;
	HsRead		read;
	size_t		failed = 0;
	HsType		found = HS_ANY;

	open_store(8 * MB, 0);
	one_value(sketch, 1);
	CHECK_EQ(keys_set(&h, keys[1], hs_bytes_str("text"), HS_NEVER, now_us), HS_OK);
	CHECK_EQ(add(keys[1], sketch, HS_NEVER, &changed, NULL), HS_WRONG_TYPE);
	CHECK_EQ(set(keys[1], sketch, HS_NEVER, NULL), HS_WRONG_TYPE);
	CHECK_EQ(get(keys[1], sketch, NULL), HS_WRONG_TYPE);
	REQUIRE_EQ(hs_multi_begin(&m, &h, keys, 2, HS_SHARED, now_us), HS_OK);
	CHECK_EQ(hs_hll_key_union(&m, keys, 2, sketch, &failed, &found), HS_WRONG_TYPE);
	hs_multi_end(&m);
	CHECK_EQ(failed, 1);
	CHECK_EQ(found, HS_STRING);
	CHECK_EQ(keys_get(&h, keys[1], now_us, value, sizeof(value), &read), HS_OK);
	CHECK_BYTES(hs_bytes(value, read.size), hs_bytes_str("text"));
	heap_finish(&h);
}

/* A new version with each change, in place or not, and none without. */
static void
versions_follow_changes(void)
{
	uint8_t		sketch[HS_HLL_MAX_SIZE];
	HsBytes		key = hs_bytes_str("k");
	uint64_t	last,
				version;
	bool		changed;

	open_store(8 * MB, 0);
	one_value(sketch, pool[0]);
	CHECK_EQ(add(key, sketch, HS_NEVER, &changed, NULL), HS_OK);
	CHECK_EQ(keys_version(&h, key, now_us, &last), HS_OK);
	for (int i = 0; i < 4000; i++)
	{
		one_value(sketch, pool[i]);
		CHECK_EQ(add(key, sketch, HS_NEVER, &changed, NULL), HS_OK);
		CHECK_EQ(keys_version(&h, key, now_us, &version), HS_OK);
		CHECK_EQ(changed, version != last);
		CHECK(version >= last);
		last = version;
	}
	CHECK_EQ(set(key, sketch, HS_NEVER, NULL), HS_OK);
	CHECK_EQ(keys_version(&h, key, now_us, &version), HS_OK);
	CHECK(version > last);
	heap_finish(&h);
}

/* Whichever segment cannot be had: refused, and the key is what it was. */
static void
no_memory_changes_nothing(void)
{
	uint8_t		sketch[HS_HLL_MAX_SIZE];
	int			refused = 0;
	bool		changed;

	open_store(16 * MB, 0);
	for (int i = 0; i < 4000; i++)
	{
		int			k = i % KEYS;
		HsStatus	status;

		for (int n = 0; n < 25; n++)
		{
			one_value(sketch, pool[(i + n) % POOL]);
			heap_fail_after(0);
			status = add(name_of(k), sketch, HS_NEVER, &changed, NULL);
			heap_fail_after(-1);
			if (status == HS_NO_MEMORY)
			{
				refused++;
				CHECK(!changed);
				check_key(k);
				status = add(name_of(k), sketch, HS_NEVER, &changed, NULL);
			}
			CHECK_EQ(status, HS_OK);
			model[k].exists = true;
			model[k].expires_us = HS_NEVER;
			model[k].has[(i + n) % POOL] = true;
		}
	}
	CHECK(refused > 3);
	for (int k = 0; k < KEYS; k++)
		check_key(k);
	heap_finish(&h);
}

/* ---- effects ------------------------------------------------------------------------- */

static void
apply_effect(const HsEffect *e)
{
	uint8_t		sketch[HS_HLL_MAX_SIZE];
	int64_t		expires_us;
	bool		changed;

	switch (e->op)
	{
		case HS_EF_DEL:
			keys_del(&h, e->key, now_us);
			break;
		case HS_EF_HLL:
			CHECK_WELL(hs_hll_check(e->tail));
			memcpy(sketch, e->tail.data, e->tail.size);
			CHECK_EQ(add(e->key, sketch, HS_NEVER, &changed, NULL), HS_OK);
			break;
		case HS_EF_EXPIRE:
			REQUIRE_EQ(e->head.size, sizeof(expires_us));
			memcpy(&expires_us, e->head.data, sizeof(expires_us));
			CHECK_EQ(keys_expire(&h, e->key, expires_us, now_us), HS_OK);
			break;
		default:
			REQUIRE_EQ(e->op, HS_EF_HLL);
	}
}

/* Effects of some commands, applied twice to an empty store, give the same keys. */
static void
effects_can_be_replayed(void)
{
	static uint8_t log[256 * 1024];
	HsEffects	fx = {log, 0, sizeof(log), 0};
	TestRandom	r = {5};
	uint8_t		sketch[HS_HLL_MAX_SIZE];
	static Model values;
	bool		changed;
	uint64_t	removed;

	open_store(8 * MB, 0);
	for (int i = 0; i < 60; i++)
	{
		int			k = (int) test_below(&r, 5);
		int64_t		expires_us = i % 3 == 0 ? now_us + 1000 + i : HS_NEVER;

		random_values(&r, &values);
		for (int v = 300; v < POOL; v++)
			values.has[v] = false;
		sketch_of(&values, sketch);
		if (i % 7 == 3)
		{
			CHECK_EQ(set(name_of(k), sketch, expires_us, &fx), HS_OK);
			memset(&model[k], 0, sizeof(Model));
		}
		else
			CHECK_EQ(add(name_of(k), sketch, expires_us, &changed, &fx), HS_OK);
		unite(&model[k], &values, expires_us);
		check_key(k);
	}
	REQUIRE_EQ(hs_keyspace_flush(&h, now_us, &removed), HS_OK);
	heap_keyspace(&h, 1, HS_EVICT_NONE, 0);
	for (int round = 0; round < 2; round++)
	{
		HsEffect	e;
		size_t		pos = 0;
		HsStatus	status;

		while ((status = hs_effect_next(hs_bytes(log, fx.size), &pos, &e)) == HS_OK)
			apply_effect(&e);
		CHECK_EQ(status, HS_NOT_FOUND);
		for (int k = 0; k < 5; k++)
			check_key(k);
	}
	heap_finish(&h);
}

static void
a_full_effects_buffer_stops_the_command(void)
{
	uint8_t		log[64];
	uint8_t		sketch[HS_HLL_MAX_SIZE],
				got[HS_HLL_MAX_SIZE];
	HsBytes		key = hs_bytes_str("k");
	bool		changed;

	open_store(8 * MB, 0);
	one_value(sketch, pool[0]);
	for (size_t capacity = 0; capacity < sizeof(log); capacity++)
	{
		HsEffects	fx = {log, 0, capacity, 0};
		HsStatus	status = add(key, sketch, now_us + 5, &changed, &fx);

		CASE("%zu bytes", capacity);
		if (status == HS_OK)
		{
			CHECK(capacity > 12 && changed);
			break;
		}
		CHECK_EQ(status, HS_NO_MEMORY);
		CHECK_EQ(fx.size, 0);
		CHECK(fx.wanted > capacity);
		CHECK_EQ(get(key, got, NULL), HS_NOT_FOUND);
	}
	CHECK_EQ(get(key, got, NULL), HS_OK);
	one_value(sketch, pool[1]);
	{
		HsEffects	fx = {log, 0, 10, 0};

		CHECK_EQ(add(key, sketch, HS_NEVER, &changed, &fx), HS_NO_MEMORY);
	}
	CHECK_EQ(get(key, got, NULL), HS_OK);
	CHECK_NEAR(hs_hll_estimate(got), 1, 0);
	heap_finish(&h);
}

/* ---- dump and load --------------------------------------------------------------------- */

static HsStatus
load(HsBytes key, HsBytes payload)
{
	HsOp		op;
	HsStatus	status;

	REQUIRE_EQ(hs_op_begin(&op, &h, key, HS_EXCLUSIVE, now_us), HS_OK);
	status = hs_type_ops(HS_HLL)->load(&op, payload, HS_NEVER);
	hs_op_end(&op);
	return status;
}

static void
dumps_load_and_damage_does_not(void)
{
	static const int sizes[] = {0, 1, 100, 3072, 5000};
	HsBytes		key = hs_bytes_str("k");

	open_store(8 * MB, 0);
	for (int s = 0; s < 5; s++)
	{
		uint8_t		sketch[HS_HLL_MAX_SIZE],
					dump[HS_HLL_MAX_SIZE],
					got[HS_HLL_MAX_SIZE];
		size_t		size;
		HsOp		op;

		hs_hll_init(sketch);
		for (int i = 0; i < sizes[s]; i++)
			hs_hll_add(sketch, sizeof(sketch), pool[i]);
		CHECK_EQ(set(key, sketch, HS_NEVER, NULL), HS_OK);
		REQUIRE_EQ(hs_op_begin(&op, &h, key, HS_SHARED, now_us), HS_OK);
		size = hs_type_ops(HS_HLL)->dump(hs_find(&op), NULL, 0);
		CHECK_EQ(size, hs_hll_size(sketch));
		CHECK_EQ(hs_type_ops(HS_HLL)->dump(hs_find(&op), dump, sizeof(dump)), size);
		CHECK_NEAR((double) hs_type_ops(HS_HLL)->count(hs_find(&op)), hs_hll_estimate(sketch), 0.5);
		hs_op_end(&op);

		CHECK_EQ(keys_set(&h, key, hs_bytes_str("other"), HS_NEVER, now_us), HS_OK);
		CHECK_EQ(load(key, hs_bytes(dump, size)), HS_OK);
		CHECK_EQ(get(key, got, NULL), HS_OK);
		CHECK_BYTES(hs_bytes(got, hs_hll_size(got)), hs_bytes(sketch, hs_hll_size(sketch)));
		CHECK_EQ(load(key, hs_bytes(dump, size - 1)), HS_CORRUPT);
		dump[1]++;
		CHECK_EQ(load(key, hs_bytes(dump, size)), HS_CORRUPT);
	}
	heap_finish(&h);
}

TEST_MAIN(
		  TEST(random_commands_agree_with_sets),
		  TEST(an_empty_sketch_makes_a_key),
		  TEST(another_type_is_told_and_kept),
		  TEST(versions_follow_changes),
		  TEST(no_memory_changes_nothing),
		  TEST(effects_can_be_replayed),
		  TEST(a_full_effects_buffer_stops_the_command),
		  TEST(dumps_load_and_damage_does_not))
