/*
 * test_dues.c
 *	  Members that expire: exact to the microsecond, on every path, with the
 *	  clock moved by hand.
 *
 * What all kinds of collections have in common is tested with each of them, through
 * struct Kind.
 */
#include "dues.h"
#include "dump.h"
#include "hash.h"
#include "heap_test.h"
#include "key.h"
#include "keys_test.h"
#include "log.h"
#include "port_test.h"
#include "set.h"
#include "slab_test.h"
#include "test.h"
#include "zset.h"
#include "zset_model_test.h"

#define MB				((size_t) 1 << 20)
#define SPACE			400		/* members there may be */
#define BUF_SIZE		((size_t) 4 << 20)

static HsHandle ks;
static int64_t now;
static uint8_t *buf;
static HsOp op;

/*
 * ---- Kinds of collections ----------------------------------------------------------
 */
typedef struct Kind
{
	const char *name;
	HsType		type;
	/* Set members anew. */
	HsStatus	(*add) (HsOp *op, const HsBytes *members, size_t n);
	/* Change one, or add it, without touching its expiry; may be NULL. */
	HsStatus	(*count_up) (HsOp *op, HsBytes member);
	HsStatus	(*remove) (HsOp *op, const HsBytes *members, size_t n, uint64_t *removed);
	HsStatus	(*has) (HsOp *op, HsBytes member, bool *has);
	HsStatus	(*card) (HsOp *op, uint64_t *n);
} Kind;

static HsStatus
zset_add(HsOp *o, const HsBytes *members, size_t n)
{
	static HsZsetMember entries[20000];
	HsZsetAdded added;

	for (size_t i = 0; i < n; i++)
		entries[i] = (HsZsetMember) {(double) (members[i].size % 7), members[i]};
	return hs_zset_add_many(o, entries, n, 0, HS_NEVER, &added);
}

static HsStatus
zset_count_up(HsOp *o, HsBytes member)
{
	double		score;

	return hs_zset_incr(o, member, 1, HS_NEVER, &score);
}

static HsStatus
zset_has(HsOp *o, HsBytes member, bool *has)
{
	double		score;
	HsStatus	status = hs_zset_score(o, member, &score);

	*has = status == HS_OK;
	return status == HS_NOT_FOUND ? HS_OK : status;
}

static HsStatus
hash_add(HsOp *o, const HsBytes *members, size_t n)
{
	static HsHashField fields[20000];
	uint64_t	added;

	for (size_t i = 0; i < n; i++)
		fields[i] = (HsHashField) {members[i], hs_bytes_str("17")};
	return hs_hash_set(o, fields, n, false, HS_NEVER, &added);
}

/* By turns so little and so much that the value needs another node. */
static HsStatus
hash_count_up(HsOp *o, HsBytes field)
{
	static int64_t by;
	int64_t		n;

	by = by == 1 ? INT64_C(1) << 40 : by > 1 ? -(INT64_C(1) << 40) : 1;
	return hs_hash_incr(o, field, by, HS_NEVER, &n);
}

static HsStatus
hash_has(HsOp *o, HsBytes field, bool *has)
{
	uint64_t	size;
	HsStatus	status = hs_hash_value_size(o, field, &size);

	*has = status == HS_OK;
	return status == HS_NOT_FOUND ? HS_OK : status;
}

static HsStatus
set_add(HsOp *o, const HsBytes *members, size_t n)
{
	uint64_t	added;

	return hs_set_add(o, members, n, HS_NEVER, &added);
}

static const Kind kinds[] = {
	{"hash", HS_HASH, hash_add, hash_count_up, hs_hash_remove, hash_has, hs_hash_count},
	{"set", HS_SET, set_add, NULL, hs_set_remove, hs_set_has, hs_set_count},
	{"zset", HS_ZSET, zset_add, zset_count_up, hs_zset_remove, zset_has, hs_zset_card},
};

#define NKINDS	(sizeof(kinds) / sizeof(kinds[0]))
#define ZSETS	(&kinds[2])

/*
 * ---- Commands, as the glue runs them ---------------------------------------------
 */

static void
open_store(size_t region, HsEviction eviction)
{
	heap_open(region);
	slab_fill_junk(true);
	heap_keyspace(&ks, 1, eviction, 0);
	now = HEAP_NOW;
	if (buf == NULL)
		buf = malloc(BUF_SIZE);
}

static void
begin(HsBytes key, HsLockMode mode)
{
	HsStatus	status;

	while ((status = hs_op_begin(&op, &ks, key, mode, now)) == HS_DUE)
		while (hs_dues_purge(&ks, ks.due_hash, now))
			;
	REQUIRE_EQ(status, HS_OK);
}

static void
add(const Kind *kind, HsBytes key, const HsBytes *members, size_t n)
{
	begin(key, HS_EXCLUSIVE);
	REQUIRE_EQ(kind->add(&op, members, n), HS_OK);
	hs_op_end(&op);
}

static HsDueResult
expire(const Kind *kind, HsBytes key, HsBytes member, int64_t at, unsigned flags)
{
	HsDueResult result = HS_DUE_ABSENT;

	begin(key, HS_EXCLUSIVE);
	REQUIRE_EQ(hs_dues_set(&op, kind->type, &member, 1, at, flags, &result), HS_OK);
	hs_op_end(&op);
	return result;
}

/* HS_NEVER without expiry, -1 if absent. */
static int64_t
due_of(const Kind *kind, HsBytes key, HsBytes member)
{
	int64_t		at = -1;
	HsStatus	status;

	begin(key, HS_SHARED);
	status = hs_dues_get(&op, kind->type, member, &at);
	hs_op_end(&op);
	if (status == HS_NOT_FOUND)
		return -1;
	REQUIRE_EQ(status, HS_OK);
	return at;
}

static bool
has(const Kind *kind, HsBytes key, HsBytes member)
{
	bool		found = false;

	begin(key, HS_SHARED);
	REQUIRE_EQ(kind->has(&op, member, &found), HS_OK);
	hs_op_end(&op);
	return found;
}

static uint64_t
card(const Kind *kind, HsBytes key)
{
	uint64_t	n = 0;

	begin(key, HS_SHARED);
	REQUIRE_EQ(kind->card(&op, &n), HS_OK);
	hs_op_end(&op);
	return n;
}

/* Without purging anything: what is known without the lock or under a shared one. */
static bool
exists_to_peeks(HsBytes key)
{
	HsRead		r;
	HsStatus	peek = hs_peek(&ks, key, now, &r);
	HsStatus	read;
	uint8_t		byte;

	read = hs_read(&ks, key, now, &byte, 1, &r);
	CHECK_EQ(read, peek == HS_OK ? HS_WRONG_TYPE : peek);
	read = hs_read(&ks, key, HS_CLOCK_LATER, &byte, 1, &r);
	if (read == HS_WRONG_TYPE)
		CHECK_EQ(hs_read_expired(&ks, read, r.expires_us, now), peek != HS_OK);
	else
		CHECK(read == HS_NOT_FOUND && peek == HS_NOT_FOUND);
	return peek == HS_OK;
}

typedef struct Found
{
	HsBytes		key;
	unsigned	times;
} Found;

static bool
find_visit(void *arg, HsOp *o, HsRecord *record)
{
	Found	   *f = arg;

	(void) record;
	if (o != NULL && hs_bytes_cmp(o->key, f->key) == 0)
		f->times++;
	return true;
}

static bool
exists_to_scan(HsBytes key)
{
	HsCursor	cursor = {0};
	Found		f = {key, 0};

	while (!cursor.done)
		REQUIRE_EQ(hs_scan(&ks, &cursor, 1000, now, find_visit, &f), HS_OK);
	CHECK(f.times <= 1);
	return f.times == 1;
}

/*
 * ---- At the instant ------------------------------------------------------------------
 */

/* Each way to look finds a member until the instant, and nothing from it on. */
static void
gone_at_the_instant(void)
{
	static const char *const names[] = {"a", "b"};

	for (size_t k = 0; k < NKINDS; k++)
		for (int way = 0; way < 11; way++)
		{
			const Kind *kind = &kinds[k];
			HsBytes		key = hs_bytes_str("k");
			HsBytes		m[] = {hs_bytes_str(names[0]), hs_bytes_str(names[1])};
			int64_t		at;

			CASE("%s, way %d", kind->name, way);
			open_store(8 * MB, HS_EVICT_NONE);
			at = now + 1000;
			add(kind, key, m, 2);
			CHECK_EQ(expire(kind, key, m[0], at, 0), HS_DUE_SET);
			CHECK_EQ(expire(kind, key, m[1], at + 5, 0), HS_DUE_SET);
			for (now = at - 1; now <= at + 6; now++)
			{
				unsigned	left = (now < at) + (now < at + 5);
				HsMulti		multi;
				HsCount		count = {0};
				uint8_t		name[8];
				size_t		size;
				uint64_t	n = 0;
				HsStatus	status;

				switch (way)
				{
					case 0:
						CHECK_EQ(card(kind, key), left);
						break;
					case 1:
						CHECK_EQ(has(kind, key, m[0]), now < at);
						CHECK_EQ(has(kind, key, m[1]), now < at + 5);
						break;
					case 2:
						CHECK_EQ(due_of(kind, key, m[0]), now < at ? at : -1);
						break;
					case 3:
						CHECK_EQ(exists_to_peeks(key), left > 0);
						break;
					case 4:
						CHECK_EQ(exists_to_scan(key), left > 0);
						break;
					case 5:
						while (!hs_count(&ks, &count, now))
							;
						CHECK_EQ(count.keys, left > 0);
						break;
					case 6:
						status = hs_random_key(&ks, 1, now, name, sizeof(name), &size);
						CHECK_EQ(status, left > 0 ? HS_OK : HS_NOT_FOUND);
						break;
					case 7:
					case 8:
						status = hs_multi_begin(&multi, &ks, &key, 1,
												way == 7 ? HS_SHARED : HS_EXCLUSIVE, now);
						REQUIRE_EQ(status, HS_OK);
						REQUIRE_EQ(hs_multi_op(&multi, key, &op), HS_OK);
						CHECK_EQ(kind->card(&op, &n), HS_OK);
						CHECK_EQ(n, left);
						hs_multi_end(&multi);
						break;
					case 9:
						begin(key, HS_EXCLUSIVE);
						CHECK_EQ(hs_find(&op) != NULL, left > 0);
						hs_op_end(&op);
						break;
					case 10:
						begin(key, HS_SHARED);
						status = hs_dump(&op, buf, BUF_SIZE, &size);
						hs_op_end(&op);
						CHECK_EQ(status, left > 0 ? HS_OK : HS_NOT_FOUND);
						break;
				}
			}
			heap_finish(&ks);
		}
}

/* Conditions of the command, as a table. */
static void
conditions(void)
{
	enum {LATER = 2000, MIDDLE = 1000, SOONER = 500};
	static const struct
	{
		int64_t		from;		/* 0: none */
		int64_t		to;
		unsigned	flags;
		HsDueResult result;
	}			cases[] = {
		{0, MIDDLE, 0, HS_DUE_SET},
		{0, MIDDLE, HS_DUE_NX, HS_DUE_SET},
		{0, MIDDLE, HS_DUE_XX, HS_DUE_STOPPED},
		{0, MIDDLE, HS_DUE_GT, HS_DUE_STOPPED},
		{0, MIDDLE, HS_DUE_LT, HS_DUE_SET},
		{MIDDLE, LATER, HS_DUE_NX, HS_DUE_STOPPED},
		{MIDDLE, LATER, HS_DUE_XX, HS_DUE_SET},
		{MIDDLE, LATER, HS_DUE_GT, HS_DUE_SET},
		{MIDDLE, LATER, HS_DUE_LT, HS_DUE_STOPPED},
		{MIDDLE, SOONER, HS_DUE_GT, HS_DUE_STOPPED},
		{MIDDLE, SOONER, HS_DUE_LT, HS_DUE_SET},
		{MIDDLE, SOONER, HS_DUE_LT | HS_DUE_XX, HS_DUE_SET},
		{MIDDLE, MIDDLE, HS_DUE_GT, HS_DUE_STOPPED},
		{MIDDLE, MIDDLE, HS_DUE_LT, HS_DUE_STOPPED},
		{MIDDLE, 0, 0, HS_DUE_SET}, /* to never */
		{MIDDLE, 0, HS_DUE_GT, HS_DUE_SET},
		{MIDDLE, 0, HS_DUE_XX, HS_DUE_SET},
		{0, 0, HS_DUE_XX, HS_DUE_STOPPED},
		{0, 0, 0, HS_DUE_SET},
		{MIDDLE, -1, 0, HS_DUE_REMOVED},
		{0, -1, HS_DUE_XX, HS_DUE_STOPPED},
		{0, -1, HS_DUE_LT, HS_DUE_REMOVED},
	};

	for (size_t k = 0; k < NKINDS; k++)
		for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		{
			const Kind *kind = &kinds[k];
			HsBytes		key = hs_bytes_str("k");
			HsBytes		m[] = {hs_bytes_str("m"), hs_bytes_str("other")};
			int64_t		from,
						to;
			HsDueResult result = cases[i].result;

			CASE("%s, case %u", kind->name, (unsigned) i);
			open_store(8 * MB, HS_EVICT_NONE);
			from = cases[i].from != 0 ? now + cases[i].from : HS_NEVER;
			to = cases[i].to != 0 ? now + cases[i].to : HS_NEVER;
			add(kind, key, m, 2);
			if (from != HS_NEVER)
				CHECK_EQ(expire(kind, key, m[0], from, 0), HS_DUE_SET);
			CHECK_EQ(expire(kind, key, m[0], to, cases[i].flags), result);
			CHECK_EQ(due_of(kind, key, m[0]),
					 result == HS_DUE_SET ? to : result == HS_DUE_STOPPED ? from : -1);
			CHECK_EQ(due_of(kind, key, m[1]), HS_NEVER);
			CHECK_EQ(expire(kind, key, hs_bytes_str("absent"), to, 0), HS_DUE_ABSENT);
			CHECK_EQ(expire(kind, hs_bytes_str("no key"), m[0], to, 0), HS_DUE_ABSENT);
			heap_finish(&ks);
		}
}

static void
refusals(void)
{
	static const unsigned bad[] = {HS_DUE_NX | HS_DUE_XX, HS_DUE_NX | HS_DUE_GT, HS_DUE_NX | HS_DUE_LT,
	HS_DUE_GT | HS_DUE_LT, 16};
	HsBytes		key = hs_bytes_str("k");
	HsBytes		m = hs_bytes_str("m");
	HsBytes		too_long = hs_bytes(calloc(1, HS_MAX_KEY + 1), HS_MAX_KEY + 1);
	HsDueResult result;
	int64_t		at;

	open_store(8 * MB, HS_EVICT_NONE);
	add(ZSETS, key, &m, 1);
	REQUIRE_EQ(keys_set(&ks, hs_bytes_str("s"), m, HS_NEVER, now), HS_OK);
	begin(key, HS_EXCLUSIVE);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_EQ(hs_dues_set(&op, HS_ZSET, &m, 1, now + 1, bad[i], &result), HS_BAD_ARGUMENT);
	CHECK_EQ(hs_dues_set(&op, HS_STRING, &m, 1, now + 1, 0, &result), HS_BAD_ARGUMENT);
	CHECK_EQ(hs_dues_set(&op, HS_ANY, &m, 1, now + 1, 0, &result), HS_BAD_ARGUMENT);
	CHECK_EQ(hs_dues_set(&op, HS_ZSET, &too_long, 1, now + 1, 0, &result), HS_MEMBER_TOO_LONG);
	CHECK_EQ(hs_dues_get(&op, HS_HLL, m, &at), HS_BAD_ARGUMENT);
	hs_op_end(&op);
	begin(hs_bytes_str("s"), HS_EXCLUSIVE);
	CHECK_EQ(hs_dues_set(&op, HS_ZSET, &m, 1, now + 1, 0, &result), HS_WRONG_TYPE);
	CHECK_EQ(op.found_type, HS_STRING);
	CHECK_EQ(hs_dues_get(&op, HS_ZSET, m, &at), HS_WRONG_TYPE);
	hs_op_end(&op);
	free((void *) too_long.data);
	heap_finish(&ks);
}

/*
 * ---- Against a model -----------------------------------------------------------------
 */

typedef struct Model
{
	bool		has[SPACE];
	int64_t		due[SPACE];		/* HS_NEVER: none */
	int64_t		expires;		/* the key */
	unsigned	n;
} Model;

static HsBytes *names;

static void
model_clear(Model *m)
{
	memset(m, 0, sizeof(*m));
	m->expires = HS_NEVER;
}

static void
model_remove(Model *m, unsigned id)
{
	if (!m->has[id])
		return;
	m->has[id] = false;
	if (--m->n == 0)
		model_clear(m);
}

static void
model_add(Model *m, unsigned id, bool keeps)
{
	if (!m->has[id] || !keeps)
		m->due[id] = HS_NEVER;
	m->n += !m->has[id];
	m->has[id] = true;
}

/* The time has come. */
static void
model_tick(Model *m)
{
	if (m->expires <= now)
		model_clear(m);
	for (unsigned id = 0; id < SPACE; id++)
		if (m->has[id] && m->due[id] <= now)
			model_remove(m, id);
}

static HsDueResult
model_expire(Model *m, unsigned id, int64_t at, unsigned flags)
{
	int64_t		old = m->due[id];

	if (!m->has[id])
		return HS_DUE_ABSENT;
	if (((flags & HS_DUE_NX) && old != HS_NEVER) || ((flags & HS_DUE_XX) && old == HS_NEVER) ||
		((flags & HS_DUE_GT) && at <= old) || ((flags & HS_DUE_LT) && at >= old))
		return HS_DUE_STOPPED;
	if (at <= now)
	{
		model_remove(m, id);
		return HS_DUE_REMOVED;
	}
	m->due[id] = at;
	return HS_DUE_SET;
}

static void
check_model(const Kind *kind, HsBytes key, const Model *m, TestRandom *r)
{
	if (test_below(r, 2) == 0)
	{
		CHECK_EQ(exists_to_peeks(key), m->n > 0);
		CHECK_EQ(exists_to_scan(key), m->n > 0);
	}
	CHECK_EQ(card(kind, key), m->n);
	for (int i = 0; i < 20; i++)
	{
		unsigned	id = (unsigned) test_below(r, SPACE);

		REQUIRE_EQ(due_of(kind, key, names[id]), m->has[id] ? m->due[id] : -1);
		REQUIRE_EQ(has(kind, key, names[id]), m->has[id]);
	}
}

static void
move_key(HsBytes from, HsBytes to, bool copy)
{
	HsBytes		keys[] = {from, to};
	HsMove		mv = {.keep_source = copy,.replace = true,.buf = buf,.capacity = BUF_SIZE};
	HsMulti		m;
	HsStatus	status;
	uint64_t	hash;
	size_t		need;
	bool		moved;

	REQUIRE_EQ(hs_move_prepare(&ks, from, &mv, now, &need), HS_OK);
	while ((status = hs_multi_begin(&m, &ks, keys, 2, HS_EXCLUSIVE, now)) == HS_DUE)
		while (hs_dues_purge(&ks, ks.due_hash, now))
			;
	REQUIRE_EQ(status, HS_OK);
	status = hs_key_move(&m, from, to, &mv, &moved, &hash);
	hs_multi_end(&m);
	hs_move_discard(&mv);
	CHECK(status == HS_OK || status == HS_NOT_FOUND);
}

/* Out and in again, into 'to'; false if there is nothing. */
static bool
dump_and_restore(HsBytes from, HsBytes to, int64_t expires)
{
	HsNewValue	v = {0};
	HsDump		dump;
	HsStatus	status;
	size_t		size;
	bool		restored;

	begin(from, HS_SHARED);
	status = hs_dump(&op, buf, BUF_SIZE, &size);
	hs_op_end(&op);
	if (status == HS_NOT_FOUND)
		return false;
	REQUIRE_EQ(status, HS_OK);
	REQUIRE_EQ(hs_dump_open(hs_bytes(buf, size), &dump), HS_OK);
	begin(to, HS_EXCLUSIVE);
	CHECK_EQ(hs_restore(&op, &dump, &v, true, expires, &restored), HS_OK);
	hs_op_end(&op);
	return true;
}

#define NKEYS	4

/* One random command on key 'k' and its model. */
static void
random_step(const Kind *kind, HsBytes *keys, Model *models, TestRandom *r)
{
	unsigned	k = (unsigned) test_below(r, NKEYS);
	unsigned	other = (unsigned) test_below(r, NKEYS);
	Model	   *m = &models[k];
	HsBytes		list[100];
	unsigned	ids[100];
	HsDueResult results[100];
	size_t		n = 1 + test_below(r, test_below(r, 4) == 0 ? 100 : 8);
	uint64_t	removed,
				want = 0;
	int64_t		at;
	unsigned	flags;

	for (size_t i = 0; i < n; i++)
	{
		ids[i] = (unsigned) test_below(r, SPACE);
		list[i] = names[ids[i]];
	}
	switch (test_below(r, 16))
	{
		case 0:
		case 1:
			add(kind, keys[k], list, n);
			for (size_t i = 0; i < n; i++)
				model_add(m, ids[i], false);
			break;
		case 2:
			if (kind->count_up == NULL)
				break;
			begin(keys[k], HS_EXCLUSIVE);
			REQUIRE_EQ(kind->count_up(&op, list[0]), HS_OK);
			hs_op_end(&op);
			model_add(m, ids[0], true);
			break;
		case 3:
			begin(keys[k], HS_EXCLUSIVE);
			REQUIRE_EQ(kind->remove(&op, list, n, &removed), HS_OK);
			hs_op_end(&op);
			for (size_t i = 0; i < n; i++)
			{
				want += m->has[ids[i]];
				model_remove(m, ids[i]);
			}
			CHECK_EQ(removed, want);
			break;
		case 4:
		case 5:
		case 6:
		case 7:
		case 8:
			at = test_below(r, 12) == 0 ? HS_NEVER :
				now + (int64_t) test_below(r, 20 * HEAP_SECOND) - HEAP_SECOND / 2;
			flags = test_below(r, 2) == 0 ? 0 : 1u << test_below(r, 4);
			begin(keys[k], HS_EXCLUSIVE);
			REQUIRE_EQ(hs_dues_set(&op, kind->type, list, n, at, flags, results), HS_OK);
			hs_op_end(&op);
			for (size_t i = 0; i < n; i++)
				REQUIRE_EQ(results[i], model_expire(m, ids[i], at, flags));
			break;
		case 9:
		case 10:
			now += (int64_t) test_below(r, 2 * HEAP_SECOND);
			for (unsigned i = 0; i < NKEYS; i++)
				model_tick(&models[i]);
			break;
		case 11:
			if (k == other)
				break;
			move_key(keys[k], keys[other], test_below(r, 2) == 0);
			if (m->n > 0)
				models[other] = *m;
			begin(keys[k], HS_SHARED);
			if (hs_find(&op) == NULL)
				model_clear(m);
			hs_op_end(&op);
			break;
		case 12:
			if (dump_and_restore(keys[k], keys[other], m->expires))
				models[other] = *m;
			break;
		case 13:
			for (uint32_t i = 0; i < ks.nparts; i++)
				(void) hs_work(&ks, i, now);
			break;
		case 14:
			at = test_below(r, 2) == 0 ? HS_NEVER : now + (int64_t) test_below(r, 20 * HEAP_SECOND);
			REQUIRE(keys_expire(&ks, keys[k], at, now) == (m->n > 0 ? HS_OK : HS_NOT_FOUND));
			if (m->n > 0)
				m->expires = at;
			model_tick(m);
			break;
		case 15:
			if (test_below(r, 3) == 0)
			{
				(void) keys_del(&ks, keys[k], now);
				model_clear(m);
			}
			break;
	}
	check_model(kind, keys[k], m, r);
}

static void
random_commands(void)
{
	uint64_t	steps = test_scaled(30000);

	for (size_t k = 0; k < NKINDS; k++)
		for (unsigned round = 0; round < 3; round++)
		{
			TestRandom	r = {test_seed(11 + round)};
			static Model models[NKEYS];
			HsBytes		keys[NKEYS];
			char		name[NKEYS][KEYS_NAME_SIZE];

			open_store(96 * MB, HS_EVICT_NONE);
			names = zset_model_names(SPACE, round == 2, 3);
			for (unsigned i = 0; i < NKEYS; i++)
			{
				keys[i] = keys_name(name[i], i);
				model_clear(&models[i]);
			}
			for (uint64_t i = 0; i < steps / 3; i++)
			{
				CASE("%s, round %u, step %u", kinds[k].name, round, (unsigned) i);
				random_step(&kinds[k], keys, models, &r);
				if (i % 16 == 0)
					REQUIRE(CHECK_WELL(hs_keyspace_verify(&ks)));
			}
			CASE("%s, the end", kinds[k].name);
			now += 100 * HEAP_SECOND;
			for (unsigned i = 0; i < NKEYS; i++)
			{
				model_tick(&models[i]);
				check_model(&kinds[k], keys[i], &models[i], &r);
				(void) keys_del(&ks, keys[i], now);
			}
			zset_model_names_free(names, SPACE);
			heap_finish(&ks);
		}
}

/*
 * ---- Slices, and the worker -----------------------------------------------------------
 */

static HsBytes *
make_names(unsigned n)
{
	HsBytes    *list = malloc(n * sizeof(HsBytes));

	for (unsigned i = 0; i < n; i++)
	{
		char	   *s = malloc(KEYS_NAME_SIZE);

		list[i] = hs_bytes(s, (size_t) sprintf(s, "member-%u", i));
	}
	return list;
}

static void
free_names(HsBytes *list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		free((void *) list[i].data);
	free(list);
}

/* n members of which the first 'nexpire' expire one after the other from 'at' on. */
static void
make_many(const Kind *kind, HsBytes key, const HsBytes *list, unsigned n, unsigned nexpire,
		  int64_t at)
{
	add(kind, key, list, n);
	for (unsigned i = 0; i < nexpire; i++)
		CHECK_EQ(expire(kind, key, list[i], at + i, 0), HS_DUE_SET);
}

static void
many_at_once_go_in_slices(void)
{
	enum {N = 5000, EXPIRE = 4000};
	HsBytes    *list = make_names(N);

	for (size_t k = 0; k < NKINDS; k++)
	{
		const Kind *kind = &kinds[k];
		HsBytes		key = hs_bytes_str("k");
		unsigned	slices = 0;

		CASE("%s", kind->name);
		open_store(32 * MB, HS_EVICT_NONE);
		make_many(kind, key, list, N, EXPIRE, now + 1000);
		now += 1000 + EXPIRE - 1;
		CHECK_EQ(hs_op_begin(&op, &ks, key, HS_SHARED, now), HS_DUE);
		CHECK_EQ(port_locks_held(), 0);
		while (hs_dues_purge(&ks, ks.due_hash, now))
			slices++;
		CHECK(slices >= 8 && slices <= 100);
		CHECK_EQ(card(kind, key), N - EXPIRE);
		CHECK_EQ(due_of(kind, key, list[EXPIRE]), HS_NEVER);
		/* the queue is gone, and the flag with it */
		begin(key, HS_SHARED);
		CHECK(!hs_has_dues(hs_find(&op)));
		hs_op_end(&op);

		/* a few do not stop anybody */
		CHECK_EQ(expire(kind, key, list[N - 1], now + 1, 0), HS_DUE_SET);
		now += 1;
		REQUIRE_EQ(hs_op_begin(&op, &ks, key, HS_SHARED, now), HS_OK);
		hs_op_end(&op);
		heap_finish(&ks);
	}
	free_names(list, N);
}

/* All members expired: the key goes at once, its nodes later. */
static void
whole_collections_go_at_once(void)
{
	enum {N = 5000};
	HsBytes    *list = make_names(N);

	for (size_t k = 0; k < NKINDS; k++)
	{
		const Kind *kind = &kinds[k];
		HsBytes		key = hs_bytes_str("k");

		CASE("%s", kind->name);
		open_store(32 * MB, HS_EVICT_NONE);
		make_many(kind, key, list, N, N, now + 1000);
		now += 1000 + N - 1;
		REQUIRE_EQ(hs_op_begin(&op, &ks, key, HS_SHARED, now), HS_OK);
		CHECK(hs_find(&op) == NULL);
		hs_op_end(&op);
		CHECK_EQ(keys_stats(&ks).keys, 0);
		CHECK_EQ(keys_stats(&ks).expired, 1);
		keys_work(&ks, now);
		CHECK_EQ(keys_stats(&ks).slab_bytes, 0);
		heap_finish(&ks);
	}
	free_names(list, N);
}

/* Nobody asks; the worker gives everything back, and knows when. */
static void
worker_reclaims(void)
{
	enum {N = 20000};
	HsBytes    *list = make_names(N);

	for (size_t k = 0; k < NKINDS; k++)
	{
		const Kind *kind = &kinds[k];
		HsBytes		key = hs_bytes_str("k");
		int64_t		next = HS_NEVER;
		uint64_t	bytes;

		CASE("%s", kind->name);
		open_store(32 * MB, HS_EVICT_NONE);
		make_many(kind, key, list, N, N / 2, now + 10 * HEAP_SECOND);
		for (uint32_t i = 0; i < ks.nparts; i++)
			if (hs_next_expiry(&ks, i) < next)
				next = hs_next_expiry(&ks, i);
		CHECK_EQ(next, now + 10 * HEAP_SECOND);
		bytes = keys_stats(&ks).slab_bytes;
		now = next + N;
		keys_work(&ks, now);
		CHECK(keys_stats(&ks).slab_bytes < bytes);
		for (uint32_t i = 0; i < ks.nparts; i++)
			CHECK_EQ(ks.parts[i]->min_dues_us, HS_NEVER);
		CHECK_EQ(hs_op_begin(&op, &ks, key, HS_SHARED, now), HS_OK);
		hs_op_end(&op);
		CHECK_EQ(card(kind, key), N - N / 2);

		for (unsigned i = N / 2; i < N; i++)
			CHECK_EQ(expire(kind, key, list[i], now + 5, 0), HS_DUE_SET);
		now += 5;
		/* a segment is not searched again at once */
		now += 2 * HEAP_SECOND;
		keys_work(&ks, now);
		CHECK_EQ(keys_stats(&ks).keys, 0);
		CHECK_EQ(keys_stats(&ks).slab_bytes, 0);
		CHECK_EQ(keys_stats(&ks).live_bytes, 0);
		heap_finish(&ks);
	}
	free_names(list, N);
}

/* Records move: bounds of the segments they come to are right (hs_keyspace_verify()). */
static void
bounds_survive_compaction(void)
{
	enum {KEYS = 400};

	for (size_t k = 0; k < NKINDS; k++)
	{
		const Kind *kind = &kinds[k];
		HsBytes		m[] = {hs_bytes_str("m"), hs_bytes_str("n")};
		char		name[KEYS_NAME_SIZE];
		uint64_t	version;

		CASE("%s", kind->name);
		open_store(8 * MB, HS_EVICT_NONE);
		memset(buf, 'x', 2000);
		for (unsigned i = 0; i < KEYS; i++)
		{
			add(kind, keys_name(name, i), m, 2);
			CHECK_EQ(expire(kind, keys_name(name, i), m[0], now + HEAP_SECOND * (1 + i), 0), HS_DUE_SET);
			if (i % 3 == 0)
				REQUIRE_EQ(keys_version(&ks, keys_name(name, i), now, &version), HS_OK);
			if (i % 5 == 0)
				REQUIRE_EQ(keys_expire(&ks, keys_name(name, i), now + HEAP_SECOND * 1000, now), HS_OK);
			for (unsigned j = 0; j < 3; j++)
				REQUIRE_EQ(keys_set(&ks, keys_name(name, 1000 + i * 3 + j), hs_bytes(buf, 2000),
									HS_NEVER, now), HS_OK);
		}
		for (unsigned i = 0; i < KEYS * 3; i++)
			CHECK(keys_del(&ks, keys_name(name, 1000 + i), now));
		for (int i = 0; i < 200; i++)
		{
			for (uint32_t part = 0; part < ks.nparts; part++)
			{
				hs_port_lock(&ks.parts[part]->lock, HS_EXCLUSIVE);
				(void) hs_evacuate(ks.parts[part], 4096, true, now);
				hs_port_unlock(&ks.parts[part]->lock);
			}
			REQUIRE(CHECK_WELL(hs_keyspace_verify(&ks)));
		}
		CHECK(keys_stats(&ks).moved_bytes > 0);
		now += HEAP_SECOND * (KEYS / 2);
		keys_work(&ks, now);
		for (unsigned i = 0; i < KEYS; i++)
			CHECK_EQ(card(kind, keys_name(name, i)), i < KEYS / 2 ? 1 : 2);
		heap_finish(&ks);
	}
}

/* A member's expiry does not make the key one that may be evicted. */
static void
dues_do_not_invite_eviction(void)
{
	HsBytes		m[] = {hs_bytes_str("m"), hs_bytes_str("n")};
	HsBytes		key = hs_bytes_str("k");
	char		name[KEYS_NAME_SIZE];
	HsStatus	status = HS_OK;

	open_store(8 * MB, HS_EVICT_TTL);
	add(ZSETS, key, m, 2);
	CHECK_EQ(expire(ZSETS, key, m[0], now + 1000 * HEAP_SECOND, 0), HS_DUE_SET);
	memset(buf, 'x', 2000);
	for (unsigned i = 0; i < 100000 && status == HS_OK; i++)
		status = keys_set(&ks, keys_name(name, i), hs_bytes(buf, 2000), HS_NEVER, now);
	CHECK_EQ(status, HS_NO_MEMORY);
	CHECK_EQ(keys_stats(&ks).evicted, 0);
	CHECK_EQ(card(ZSETS, key), 2);
	heap_finish(&ks);
}

/* Who compares versions learns that a member has gone. */
static void
versions_change(void)
{
	for (size_t k = 0; k < NKINDS; k++)
	{
		HsBytes		m[] = {hs_bytes_str("m"), hs_bytes_str("n")};
		HsBytes		key = hs_bytes_str("k");
		uint64_t	v[4];

		CASE("%s", kinds[k].name);
		open_store(8 * MB, HS_EVICT_NONE);
		add(&kinds[k], key, m, 2);
		REQUIRE_EQ(expire(&kinds[k], key, m[0], now + 10, 0), HS_DUE_SET);
		REQUIRE_EQ(keys_version(&ks, key, now, &v[0]), HS_OK);
		REQUIRE_EQ(expire(&kinds[k], key, m[0], now + 20, 0), HS_DUE_SET);
		REQUIRE_EQ(keys_version(&ks, key, now, &v[1]), HS_OK);
		CHECK(v[1] > v[0]);
		REQUIRE_EQ(keys_version(&ks, key, now + 19, &v[2]), HS_OK);
		CHECK_EQ(v[2], v[1]);
		REQUIRE_EQ(keys_version(&ks, key, now + 20, &v[3]), HS_OK);
		CHECK(v[3] > v[2]);
		heap_finish(&ks);
	}
}

/* A small collection with one due is not dear. */
static void
one_due_is_cheap(void)
{
	for (size_t k = 0; k < NKINDS; k++)
	{
		HsBytes		m = hs_bytes_str("some field");
		HsBytes		key = hs_bytes_str("k");
		uint64_t	before,
					after;

		CASE("%s", kinds[k].name);
		open_store(8 * MB, HS_EVICT_NONE);
		add(&kinds[k], key, &m, 1);
		begin(key, HS_SHARED);
		before = hs_key_bytes(&op, hs_find(&op));
		hs_op_end(&op);
		CHECK_EQ(expire(&kinds[k], key, m, now + 10, 0), HS_DUE_SET);
		begin(key, HS_SHARED);
		after = hs_key_bytes(&op, hs_find(&op));
		hs_op_end(&op);
		CHECK(after > before && after - before < 1024);
		if (getenv("TEST_VERBOSE") != NULL)
			printf("%s: %u bytes, with a due %u\n", kinds[k].name, (unsigned) before, (unsigned) after);
		heap_finish(&ks);
	}
}

/*
 * ---- Memory that runs out ---------------------------------------------------------------
 */

/* Each allocation fails once: then nothing has changed, else everything. */
static void
fails_at_every_allocation(void)
{
	static const unsigned sizes[] = {1, 30, 128, 3000};	/* of the collection */
	static const unsigned before[] = {0, 1, 4, 63, 64, 65, 2000};	/* dues it has */
	static const unsigned counts[] = {1, 2, 60, 700};	/* that get one */
	static int64_t want[3000];
	static HsDueResult results[3000];
	HsBytes    *list = make_names(3000);
	HsBytes		key = hs_bytes_str("k");

	for (size_t k = 0; k < NKINDS; k++)
		for (unsigned i = 0; i < 4 * 7 * 4; i++)
		{
			unsigned	n = sizes[i % 4];
			unsigned	ndues = before[i / 4 % 7];
			unsigned	count = counts[i / 28];
			unsigned	first = ndues / 2;
			bool		succeeded = false;

			if (ndues > n || first + count > n)
				continue;
			CASE("%s, %u members, %u dues, %u more", kinds[k].name, n, ndues, count);
			open_store(32 * MB, HS_EVICT_NONE);
			make_many(&kinds[k], key, list, n, ndues, now + 1000);
			for (unsigned j = 0; j < n; j++)
				want[j] = j < ndues ? now + 1000 + j : HS_NEVER;
			for (int fail = 0; !succeeded; fail++)
			{
				HsStatus	status;
				int			asked;

				slab_watch_promises(true);
				begin(key, HS_EXCLUSIVE);
				slab_fail_after(fail);
				status = hs_dues_set(&op, kinds[k].type, list + first, count, now + 777, 0, results);
				asked = slab_asked();
				slab_fail_after(-1);
				succeeded = status == HS_OK;
				if (!succeeded)
				{
					CHECK_EQ(status, HS_NO_MEMORY);
					CHECK(op.need > 0);
				}
				hs_op_end(&op);
				CHECK_EQ(slab_broken_promises(), 0);
				slab_watch_promises(false);
				REQUIRE(succeeded || asked >= fail);
				for (unsigned j = first; succeeded && j < first + count; j++)
				{
					CHECK_EQ(results[j - first], HS_DUE_SET);
					want[j] = now + 777;
				}
				REQUIRE(CHECK_WELL(hs_keyspace_verify(&ks)));
				for (unsigned j = 0; j < n; j += n > 500 && fail % 8 != 0 ? 37 : 1)
					REQUIRE_EQ(due_of(&kinds[k], key, list[j]), want[j]);
				CHECK_EQ(card(&kinds[k], key), n);
			}
			heap_finish(&ks);
		}
	free_names(list, 3000);
}

/* A field that is counted up may need another node: each allocation fails once. */
static void
counting_fails_at_every_allocation(void)
{
	static const unsigned before[] = {1, 3, 4, 63, 64, 65, 2000};	/* dues */
	HsBytes    *list = make_names(2000);
	HsBytes		key = hs_bytes_str("k");

	for (unsigned i = 0; i < sizeof(before) / sizeof(before[0]); i++)
	{
		bool		succeeded = false;

		for (int fail = 0; !succeeded; fail++)
		{
			int64_t		n = 0;
			HsStatus	status;

			CASE("%u dues, allocation %d", before[i], fail);
			open_store(32 * MB, HS_EVICT_NONE);
			make_many(&kinds[0], key, list, before[i], before[i], now + 1000);
			slab_watch_promises(true);
			begin(key, HS_EXCLUSIVE);
			slab_fail_after(fail);
			status = hs_hash_incr(&op, list[0], INT64_C(1) << 60, HS_NEVER, &n);
			slab_fail_after(-1);
			succeeded = status == HS_OK;
			CHECK(succeeded || (status == HS_NO_MEMORY && op.need > 0));
			hs_op_end(&op);
			CHECK_EQ(slab_broken_promises(), 0);
			slab_watch_promises(false);
			begin(key, HS_EXCLUSIVE);
			REQUIRE_EQ(hs_hash_incr(&op, list[0], 0, HS_NEVER, &n), HS_OK);
			hs_op_end(&op);
			CHECK_EQ(n, succeeded ? (INT64_C(1) << 60) + 17 : 17);
			CHECK_EQ(due_of(&kinds[0], key, list[0]), now + 1000);
			CHECK_EQ(card(&kinds[0], key), before[i]);
			heap_finish(&ks);
			REQUIRE(fail < 100);
		}
	}
	free_names(list, 2000);
}

/* No room for the record of the collection that was enlarged. */
static void
fails_without_segments(void)
{
	for (size_t k = 0; k < NKINDS; k++)
	{
		HsBytes		m[] = {hs_bytes_str("m"), hs_bytes_str("n")};
		HsBytes		key = hs_bytes_str("k");
		HsDueResult result;
		bool		succeeded = false;

		for (int fail = 0; !succeeded; fail++)
		{
			CASE("%s, segment %d", kinds[k].name, fail);
			open_store(8 * MB, HS_EVICT_NONE);
			add(&kinds[k], key, m, 2);
			begin(key, HS_EXCLUSIVE);
			hs_log_close(op.part, HS_LOG_S);
			heap_fail_after(fail);
			succeeded = hs_dues_set(&op, kinds[k].type, m, 1, now + 5, 0, &result) == HS_OK;
			heap_fail_after(-1);
			hs_op_end(&op);
			CHECK_EQ(due_of(&kinds[k], key, m[0]), succeeded ? now + 5 : HS_NEVER);
			CHECK_EQ(card(&kinds[k], key), 2);
			keys_work(&ks, now);
			heap_finish(&ks);
			REQUIRE(fail < 10);
		}
	}
}

/* Adds of many members keep to their promise though dues go. */
static void
promises_hold_when_dues_go(void)
{
	enum {N = 3000};
	HsBytes    *list = make_names(N);

	for (size_t k = 0; k < NKINDS; k++)
	{
		HsBytes		key = hs_bytes_str("k");

		CASE("%s", kinds[k].name);
		open_store(32 * MB, HS_EVICT_NONE);
		make_many(&kinds[k], key, list, N, N, now + 1000);
		slab_watch_promises(true);
		for (unsigned i = 0; i < N; i += 500)
		{
			add(&kinds[k], key, list + i, 500);
			CHECK_EQ(due_of(&kinds[k], key, list[i]), HS_NEVER);
		}
		CHECK_EQ(slab_broken_promises(), 0);
		slab_watch_promises(false);
		begin(key, HS_SHARED);
		CHECK(!hs_has_dues(hs_find(&op)));
		hs_op_end(&op);
		heap_finish(&ks);
	}
	free_names(list, N);
}

/*
 * ---- Dumps ---------------------------------------------------------------------------------
 */

/* Change the dump in buf with 'payload' bytes as given, and seal it again. */
static HsStatus
restore_changed(const uint8_t *dump, size_t size, size_t at, uint8_t byte, HsType type)
{
	HsNewValue	v = {0};
	HsDump		d;
	uint16_t	flags;
	HsStatus	status;
	bool		restored;
	uint8_t    *copy = malloc(size);

	memcpy(copy, dump, size);
	memcpy(&flags, copy + 6, sizeof(flags));
	copy[at] = byte;
	hs_dump_seal(copy, size - HS_DUMP_HEAD - HS_DUMP_TAIL, type, flags);
	status = hs_dump_open(hs_bytes(copy, size), &d);
	if (status == HS_OK)
	{
		begin(hs_bytes_str("r"), HS_EXCLUSIVE);
		status = hs_restore(&op, &d, &v, true, HS_NEVER, &restored);
		hs_op_end(&op);
	}
	free(copy);
	return status;
}

/* Any byte of the payload may be anything: it is loaded or refused, and what is loaded is sound. */
static void
damaged_dumps_are_refused(void)
{
	for (size_t k = 0; k < NKINDS; k++)
	{
		const Kind *kind = &kinds[k];
		HsBytes		m[] = {hs_bytes_str("m"), hs_bytes_str("n"), hs_bytes_str("o")};
		HsBytes		key = hs_bytes_str("k");
		unsigned	refused = 0;
		size_t		size;
		uint8_t    *dump;

		CASE("%s", kind->name);
		open_store(8 * MB, HS_EVICT_NONE);
		add(kind, key, m, 3);
		CHECK_EQ(expire(kind, key, m[0], now + 10, 0), HS_DUE_SET);
		CHECK_EQ(expire(kind, key, m[1], now + 20, 0), HS_DUE_SET);
		begin(key, HS_SHARED);
		REQUIRE_EQ(hs_dump(&op, buf, BUF_SIZE, &size), HS_OK);
		hs_op_end(&op);
		dump = malloc(size);
		memcpy(dump, buf, size);
		for (size_t at = HS_DUMP_HEAD; at < size - HS_DUMP_TAIL; at++)
			for (unsigned bit = 0; bit < 8; bit++)
			{
				HsStatus	status = restore_changed(dump, size, at, dump[at] ^ (1u << bit), kind->type);

				CHECK(status == HS_OK || status == HS_CORRUPT);
				refused += status == HS_CORRUPT;
				REQUIRE(CHECK_WELL(hs_keyspace_verify(&ks)));
			}
		CHECK(refused > 100);
		/* cut off anywhere; behind the first of two dues is a sound end */
		refused = 0;
		for (size_t n = HS_DUMP_HEAD; n < size - HS_DUMP_TAIL; n++)
			refused += restore_changed(dump, n + HS_DUMP_TAIL, 0, dump[0], kind->type) == HS_CORRUPT;
		CHECK_EQ(refused, size - HS_DUMP_TAIL - HS_DUMP_HEAD - 1);
		/* the flag on a type that has none */
		CHECK_EQ(restore_changed(dump, size, 0, dump[0], HS_HLL), HS_CORRUPT);
		CHECK_EQ(restore_changed(dump, size, 0, dump[0], HS_STRING), HS_CORRUPT);
		free(dump);
		keys_work(&ks, now);
		heap_finish(&ks);
	}
}

static void
load_fails_at_every_allocation(void)
{
	enum {N = 300};
	HsBytes    *list = make_names(N);

	for (size_t k = 0; k < NKINDS; k++)
	{
		const Kind *kind = &kinds[k];
		HsBytes		key = hs_bytes_str("k");
		HsBytes		to = hs_bytes_str("to");
		HsNewValue	v = {0};
		HsDump		dump;
		bool		succeeded = false;
		bool		restored;
		size_t		size;

		CASE("%s", kind->name);
		open_store(32 * MB, HS_EVICT_NONE);
		make_many(kind, key, list, N, N / 2, now + 1000);
		add(kind, to, list, 1);
		begin(key, HS_SHARED);
		REQUIRE_EQ(hs_dump(&op, buf, BUF_SIZE, &size), HS_OK);
		hs_op_end(&op);
		REQUIRE_EQ(hs_dump_open(hs_bytes(buf, size), &dump), HS_OK);
		for (int fail = 0; !succeeded; fail++)
		{
			HsStatus	status;

			begin(to, HS_EXCLUSIVE);
			slab_fail_after(fail);
			status = hs_restore(&op, &dump, &v, true, HS_NEVER, &restored);
			slab_fail_after(-1);
			succeeded = status == HS_OK;
			CHECK(succeeded || (status == HS_NO_MEMORY && op.need > 0));
			hs_op_end(&op);
			CHECK_EQ(card(kind, to), succeeded ? N : 1);
			if (fail % 16 == 0)
				REQUIRE(CHECK_WELL(hs_keyspace_verify(&ks)));
		}
		for (unsigned i = 0; i < N; i++)
			CHECK_EQ(due_of(kind, to, list[i]), i < N / 2 ? now + 1000 + i : HS_NEVER);
		heap_finish(&ks);
	}
	free_names(list, N);
}

/*
 * ---- Effects ----------------------------------------------------------------------------------
 */

static void
replay(HsHandle *h, HsBytes log, int64_t at)
{
	size_t		pos = 0,
				need;
	uint64_t	hash;

	REQUIRE_EQ(hs_effect_apply(h, log, &pos, at, &need, &hash), HS_OK);
}

/* What the log says, done in another keyspace, at once, later, or twice, ends the same. */
static void
effects_say_it_all(void)
{
	uint64_t	rounds = test_scaled(40);

	for (size_t k = 0; k < NKINDS; k++)
		for (uint64_t round = 0; round < rounds; round++)
		{
			const Kind *kind = &kinds[k];
			TestRandom	r = {test_seed(round + 100)};
			HsBytes		key = hs_bytes_str("k");
			HsEffects	fx = {malloc(BUF_SIZE), 0, BUF_SIZE, 0};
			HsHandle	source,
						copy;

			CASE("%s, round %u", kind->name, (unsigned) round);
			open_store(32 * MB, HS_EVICT_NONE);
			heap_keyspace(&copy, 2, HS_EVICT_NONE, 0);
			names = zset_model_names(SPACE, round % 4 == 0, 3);
			for (int step = 0; step < 200; step++)
			{
				HsBytes		list[5];
				HsDueResult results[5];
				uint64_t	removed;
				size_t		n = 1 + test_below(&r, 5);

				for (size_t i = 0; i < n; i++)
					list[i] = names[test_below(&r, 30)];
				now += (int64_t) test_below(&r, 100);
				begin(key, HS_EXCLUSIVE);
				op.effects = &fx;
				switch (test_below(&r, 5))
				{
					case 0:
						REQUIRE_EQ(kind->add(&op, list, n), HS_OK);
						break;
					case 1:
						if (kind->count_up != NULL)
							REQUIRE_EQ(kind->count_up(&op, list[0]), HS_OK);
						break;
					case 2:
						REQUIRE_EQ(kind->remove(&op, list, n, &removed), HS_OK);
						break;
					default:
						REQUIRE_EQ(hs_dues_set(&op, kind->type, list, n,
											   test_below(&r, 5) == 0 ? HS_NEVER :
											   now + (int64_t) test_below(&r, 2000) - 50,
											   0, results), HS_OK);
				}
				hs_op_end(&op);
			}
			source = ks;
			for (int again = 0; again < 3; again++)
			{
				replay(&copy, hs_bytes(fx.data, fx.size), now);
				for (unsigned i = 0; i < 30; i++)
				{
					int64_t		want = due_of(kind, key, names[i]);
					bool		there = has(kind, key, names[i]);

					ks = copy;
					CHECK_EQ(due_of(kind, key, names[i]), want);
					CHECK_EQ(has(kind, key, names[i]), there);
					ks = source;
				}
				now += (int64_t) test_below(&r, 1000);
			}
			zset_model_names_free(names, SPACE);
			hs_keyspace_drop(HEAP_DB, 2);
			free(fx.data);
			heap_finish(&ks);
		}
}

/* A buffer that is full stops the command before anything has changed. */
static void
full_buffers_stop_it(void)
{
	HsBytes		m[] = {hs_bytes_str("m"), hs_bytes_str("n")};
	HsBytes		key = hs_bytes_str("k");
	static const int64_t ats[] = {5, -5, 0};

	for (int i = 0; i < 3; i++)
	{
		uint8_t		bytes[40];
		HsEffects	fx = {bytes, 0, sizeof(bytes), 0};
		HsDueResult results[2];

		CASE("case %d", i);
		open_store(8 * MB, HS_EVICT_NONE);
		add(ZSETS, key, m, 2);
		CHECK_EQ(expire(ZSETS, key, m[0], now + 100, 0), HS_DUE_SET);
		begin(key, HS_EXCLUSIVE);
		op.effects = &fx;
		CHECK_EQ(hs_dues_set(&op, HS_ZSET, m, 2, ats[i] != 0 ? now + ats[i] : HS_NEVER, 0, results),
				 HS_NO_MEMORY);
		CHECK_EQ(fx.size, 0);
		CHECK(fx.wanted > sizeof(bytes));
		hs_op_end(&op);
		CHECK_EQ(due_of(ZSETS, key, m[0]), now + 100);
		CHECK_EQ(due_of(ZSETS, key, m[1]), HS_NEVER);
		heap_finish(&ks);
	}
}

/*
 * ---- Sorted sets -----------------------------------------------------------------------------
 */

/* Members that leave by rank, by popping, or with all others leave the queue, too. */
static void
zset_members_leave_by_rank(void)
{
	enum {N = 1000};
	HsBytes    *list = make_names(N);
	HsBytes		key = hs_bytes_str("k");
	HsZsetRange range = {.by = HS_ZSET_BY_RANK,.start = 100,.stop = 399,.limit = UINT64_MAX};
	HsZsetBatch batch;
	uint64_t	removed;

	open_store(32 * MB, HS_EVICT_NONE);
	make_many(ZSETS, key, list, N, N, now + 1000);
	begin(key, HS_EXCLUSIVE);
	CHECK_EQ(hs_zset_remove_range(&op, &range, &removed), HS_OK);
	CHECK_EQ(removed, 300);
	hs_op_end(&op);
	CHECK_WELL(hs_keyspace_verify(&ks));
	begin(key, HS_EXCLUSIVE);
	CHECK_EQ(hs_zset_pop(&op, 200, true, buf, BUF_SIZE, &batch), HS_OK);
	CHECK_EQ(batch.n, 200);
	hs_op_end(&op);
	CHECK_WELL(hs_keyspace_verify(&ks));
	now += 1000;
	CHECK(card(ZSETS, key) <= 500);
	range.start = 0;
	range.stop = -1;
	begin(key, HS_EXCLUSIVE);
	CHECK_EQ(hs_zset_remove_range(&op, &range, &removed), HS_OK);
	hs_op_end(&op);
	CHECK_EQ(keys_stats(&ks).keys, 0);
	keys_work(&ks, now);
	CHECK_EQ(keys_stats(&ks).slab_bytes, 0);
	heap_finish(&ks);
	free_names(list, N);
}

/* A flag that stops zadd keeps the expiry; the same score set again does not. */
static void
zadd_takes_the_expiry(void)
{
	static const struct
	{
		unsigned	flags;
		double		score;
		bool		keeps;
	}			cases[] = {
		{0, 5, false}, {0, 1, false}, {HS_ZADD_NX, 5, true}, {HS_ZADD_XX, 5, false},
		{HS_ZADD_GT, 0, true}, {HS_ZADD_GT, 1, true}, {HS_ZADD_GT, 2, false}, {HS_ZADD_LT, 2, true},
	};
	HsBytes		key = hs_bytes_str("k");
	HsBytes		m = hs_bytes_str("m");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		HsZsetAdded out;

		CASE("case %u", (unsigned) i);
		open_store(8 * MB, HS_EVICT_NONE);
		begin(key, HS_EXCLUSIVE);
		REQUIRE_EQ(hs_zset_add(&op, m, 1, 0, HS_NEVER, &out), HS_OK);
		hs_op_end(&op);
		CHECK_EQ(expire(ZSETS, key, m, now + 10, 0), HS_DUE_SET);
		begin(key, HS_EXCLUSIVE);
		REQUIRE_EQ(hs_zset_add(&op, m, cases[i].score, cases[i].flags, HS_NEVER, &out), HS_OK);
		hs_op_end(&op);
		CHECK_EQ(due_of(ZSETS, key, m), cases[i].keeps ? now + 10 : HS_NEVER);
		heap_finish(&ks);
	}
}

TEST_MAIN(TEST(gone_at_the_instant), TEST(conditions), TEST(refusals), TEST(random_commands),
		  TEST(many_at_once_go_in_slices), TEST(whole_collections_go_at_once),
		  TEST(worker_reclaims), TEST(bounds_survive_compaction),
		  TEST(dues_do_not_invite_eviction), TEST(versions_change), TEST(one_due_is_cheap),
		  TEST(fails_at_every_allocation), TEST(fails_without_segments),
		  TEST(counting_fails_at_every_allocation),
		  TEST(promises_hold_when_dues_go), TEST(damaged_dumps_are_refused),
		  TEST(load_fails_at_every_allocation), TEST(effects_say_it_all),
		  TEST(full_buffers_stop_it), TEST(zset_members_leave_by_rank),
		  TEST(zadd_takes_the_expiry))
