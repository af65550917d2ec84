/*
 * test_tag.c
 *	  Keys with tags: gone at once with any of them, on every path, and with nothing left.
 */
#include "tag.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "hash.h"
#include "heap_test.h"
#include "keys_test.h"
#include "part.h"
#include "slab_test.h"
#include "strings_test.h"
#include "test.h"

#define MB		((size_t) 1 << 20)
#define B(s)	hs_bytes_str(s)
#define NAMES	(HS_TAGS_MAX * (HS_ITEM_HEADER + HS_TAG_SIZE_MAX))

static HsHandle h;
static Runner r;
static uint8_t names[NAMES];

static void
open_all(size_t region)
{
	heap_open(region);
	heap_keyspace(&h, 1, HS_EVICT_NONE, 0);
	run_open(&r, &h, HEAP_NOW);
}

static void
close_all(void)
{
	run_close(&r);
	heap_finish(&h);
}

static HsStatus
set_tagged(HsBytes key, HsBytes value, const HsBytes *tags, size_t n, int64_t expires_us)
{
	HsSetRule	rule = {.expires_us = expires_us,.tags = tags,.ntags = n};
	bool		done = false;
	HsStatus	status = run_set(&r, key, value, HS_RF_TEXT, &rule, false, &done);

	CHECK_EQ(done, status == HS_OK);
	return status;
}

/* With one or two tags (NULL: not this one). */
static void
put(const char *key, const char *value, const char *tag, const char *other)
{
	HsBytes		tags[2];
	size_t		n = 0;

	if (tag != NULL)
		tags[n++] = B(tag);
	if (other != NULL)
		tags[n++] = B(other);
	CHECK_EQ(set_tagged(B(key), B(value), tags, n, HS_NEVER), HS_OK);
}

static uint64_t
del_tag(const char *tag)
{
	HsBytes		name = B(tag);
	uint64_t	deleted = 99;

	CHECK_EQ(run_del_tags(&r, &name, 1, &deleted), HS_OK);
	return deleted;
}

static uint64_t
count_tag(HsBytes tag)
{
	HsMulti		m;
	uint64_t	n;

	REQUIRE_EQ(hs_multi_begin(&m, &h, NULL, 0, HS_SHARED, r.now_us), HS_OK);
	n = hs_tags_count(&m, tag);
	hs_multi_end(&m);
	return n;
}

/* The names separated by blanks, or "absent". */
static const char *
tags_of(HsBytes key)
{
	static char text[NAMES];
	HsItems		items = {.buf = names,.capacity = sizeof(names)};
	HsBytes		name;
	size_t		pos = 0;
	size_t		size = 0;

	if (run_tags(&r, key, &items) != HS_OK)
		return "absent";
	for (uint64_t i = 0; i < items.n; i++)
	{
		CHECK(hs_items_next(&items, &pos, &name));
		if (i > 0)
			text[size++] = ' ';
		memcpy(text + size, name.data, name.size);
		size += name.size;
	}
	text[size] = '\0';
	return text;
}

#define CHECK_TAGS(key, want) CHECK_BYTES(B(tags_of(B(key))), B(want))

/*
 * ---- What commands do to tags ---------------------------------------------------------
 */

static void
tags_are_a_set(void)
{
	HsBytes		many[HS_TAGS_MAX + 1];
	char		text[HS_TAGS_MAX + 1][8];
	uint8_t		big[HS_TAG_SIZE_MAX + 1];
	HsBytes		long_name = hs_bytes(big, HS_TAG_SIZE_MAX);
	HsBytes		twice[4] = {B("b"), B("a"), B("b"), B("a")};
	HsItems		items = {.buf = names,.capacity = 5};

	open_all(64 * MB);
	memset(big, 'x', sizeof(big));
	CHECK_TAGS("k", "absent");
	put("k", "v", NULL, NULL);
	CHECK_TAGS("k", "");
	put("k", "v", "b", "a");
	CHECK_TAGS("k", "a b");
	CHECK_EQ(set_tagged(B("k"), B("v"), twice, 4, HS_NEVER), HS_OK);
	CHECK_TAGS("k", "a b");
	CHECK_EQ(run_tags(&r, B("k"), &items), HS_BUFFER_TOO_SMALL);
	CHECK_EQ(items.need, 2 * (HS_ITEM_HEADER + 1));
	CHECK_EQ(set_tagged(B("k"), B("v"), twice, 1, HS_NEVER), HS_OK);
	CHECK_TAGS("k", "b");
	put("k", "v", "", NULL);
	CHECK_EQ(count_tag(B("")), 1);
	CHECK_EQ(del_tag(""), 1);
	CHECK_TAGS("k", "absent");
	for (int i = 0; i <= HS_TAGS_MAX; i++)
		many[i] = hs_bytes(text[i], (size_t) sprintf(text[i], "t%d", i));
	CHECK_EQ(set_tagged(B("k"), B("v"), many, HS_TAGS_MAX + 1, HS_NEVER), HS_BAD_ARGUMENT);
	CHECK_TAGS("k", "absent");
	CHECK_EQ(set_tagged(B("k"), B("v"), many, HS_TAGS_MAX, HS_NEVER), HS_OK);
	CHECK_EQ(count_tag(B("t31")), 1);
	CHECK_EQ(set_tagged(B("l"), B("v"), &long_name, 1, HS_NEVER), HS_OK);
	long_name.size++;
	CHECK_EQ(set_tagged(B("m"), B("v"), &long_name, 1, HS_NEVER), HS_KEY_TOO_LONG);
	CHECK_EQ(del_tag("t17"), 1);
	CHECK_TAGS("k", "absent");
	long_name.size--;
	CHECK_EQ(count_tag(long_name), 1);
	close_all();
}

static void
what_changes_a_value_keeps_its_tags_and_what_replaces_it_does_not(void)
{
	HsSetRule	rule = {.expires_us = HS_NEVER};
	HsExpireRule always = {0};
	HsBytes		keys[2] = {B("k"), B("other")};
	HsBytes		values[2] = {B("1"), B("2")};
	HsField		field = {.kind = HS_FIELD_SET,.offset = 3,.width = 1,.value = 1};
	uint8_t		dump[200];
	uint64_t	version;
	int64_t		n;
	double		d;
	size_t		size;
	bool		done;

	open_all(64 * MB);
	put("k", "5", "a", "b");
	CHECK_EQ(run_incr(&r, B("k"), 1, HS_NEVER, &n), HS_OK);
	CHECK_TAGS("k", "a b");
	CHECK_EQ(run_incrbyfloat(&r, B("k"), 0.25, &d), HS_OK);
	CHECK_TAGS("k", "a b");
	CHECK_EQ(run_edit(&r, B("k"), B("0001"), true, true, 0, &size), HS_OK);
	CHECK_EQ(run_edit(&r, B("k"), B("x"), true, false, 200, &size), HS_OK);
	CHECK_EQ(run_edit(&r, B("k"), B("y"), true, false, 40000, &size), HS_OK);
	CHECK_EQ(run_edit(&r, B("k"), B("z"), true, false, 400000, &size), HS_OK);
	CHECK_TAGS("k", "a b");
	CHECK_EQ(run_fields(&r, B("k"), &field, 1, HS_NEVER), HS_OK);
	field.offset = 8 * 500000;
	CHECK_EQ(run_fields(&r, B("k"), &field, 1, HS_NEVER), HS_OK);
	CHECK_TAGS("k", "a b");
	CHECK_EQ(run_expire(&r, B("k"), &always, HEAP_NOW + 9, &done), HS_OK);
	CHECK_EQ(run_expire(&r, B("k"), &always, HS_NEVER, &done), HS_OK);
	CHECK_EQ(run_getex(&r, B("k"), HEAP_NOW + 5), HS_OK);
	CHECK_EQ(run_version(&r, B("k"), &version), HS_OK);
	CHECK_TAGS("k", "a b");
	CHECK_EQ(run_move(&r, B("k"), B("l"), true, true, &done), HS_OK);
	CHECK_TAGS("l", "a b");
	CHECK_EQ(run_move(&r, B("k"), B("m"), false, true, &done), HS_OK);
	CHECK_TAGS("m", "a b");
	CHECK_EQ(count_tag(B("a")), 2);
	put("k", "1", "c", NULL);
	CHECK_EQ(run_move(&r, B("k"), B("m"), true, true, &done), HS_OK);
	CHECK_TAGS("m", "c");

	CHECK_EQ(run_dump(&r, B("k")), HS_OK);
	size = r.got.size;
	REQUIRE(size <= sizeof(dump));
	memcpy(dump, r.buf, size);
	CHECK_EQ(run_restore(&r, B("k"), hs_bytes(dump, size), true, HS_NEVER, &done), HS_OK);
	CHECK_TAGS("k", "");
	put("k", "1", "c", NULL);
	CHECK_EQ(run_set(&r, B("k"), B("2"), HS_RF_TEXT, &rule, true, &done), HS_OK);
	CHECK_TAGS("k", "");
	put("k", "1", "c", NULL);
	rule.keep_tags = true;
	CHECK_EQ(run_set(&r, B("k"), B("2"), HS_RF_TEXT, &rule, true, &done), HS_OK);
	CHECK_TAGS("k", "c");
	CHECK_EQ(run_mset(&r, keys, values, 2, HS_NEVER, false, &done), HS_OK);
	CHECK_TAGS("k", "");
	r.tags = values;
	r.ntags = 2;
	CHECK_EQ(run_mset(&r, keys, values, 2, HS_NEVER, false, &done), HS_OK);
	CHECK_TAGS("k", "1 2");
	CHECK_TAGS("other", "1 2");
	keys[1] = B("k");
	CHECK_EQ(run_combine(&r, HS_BITS_NOT, keys, 1, HS_NEVER, &size), HS_OK);
	CHECK_TAGS("k", "");
	CHECK_EQ(del_tag("1"), 1);
	CHECK_TAGS("other", "absent");
	CHECK_TAGS("k", "");
	close_all();
}

/*
 * ---- Deleting ---------------------------------------------------------------------------
 */

typedef struct Seen
{
	unsigned	dead;
	unsigned	alive;
} Seen;

static bool
see(void *arg, HsOp *op, HsRecord *record)
{
	Seen	   *s = arg;

	(void) record;
	if (op != NULL)
		*(op->key.data[0] == 'd' ? &s->dead : &s->alive) += 1;
	return true;
}

/* Keys "d..." are dead and still there in memory: nobody finds one. */
static void
a_dead_key_is_absent_on_every_path(void)
{
	HsBytes		keys[2] = {B("d1"), B("alive")};
	HsBytes		values[2] = {B("x"), B("y")};
	HsBytes		tag = B("t");
	HsSetRule	rule = {.only = HS_SET_IF_PRESENT,.expires_us = HS_NEVER};
	HsCursor	cursor = {0};
	HsGot		got[2];
	HsMulti		m;
	HsRead		read;
	Seen		seen = {0};
	uint8_t    *big = calloc(1, 300000);
	uint64_t	n;
	uint64_t	version;
	size_t		size = 99;
	bool		done;
	char		name[16];

	open_all(64 * MB);
	put("alive", "v", "u", NULL);
	for (int i = 1; i <= 40; i++)
	{
		HsBytes		key = hs_bytes(name, (size_t) sprintf(name, "d%d", i));

		CHECK_EQ(set_tagged(key, hs_bytes(big, i % 4 == 0 ? 300000 : i % 4 == 1 ? 20000 : 3), &tag, 1, HS_NEVER), HS_OK);
	}
	CHECK_EQ(run_version(&r, B("d17"), &version), HS_OK);
	CHECK_EQ(del_tag("t"), 40);
	CHECK_EQ(del_tag("t"), 0);
	CHECK_EQ(keys_stats(&h).keys, 41);
	for (int i = 1; i <= 5; i++)
	{
		HsBytes		key = hs_bytes(name, (size_t) sprintf(name, "d%d", i));

		CHECK_EQ(run_get(&r, key), HS_NOT_FOUND);
		CHECK_EQ(hs_peek(&h, key, HS_CLOCK_LATER, &read), HS_NOT_FOUND);
		CHECK_EQ(run_range(&r, key, 0, 9), HS_OK);
		CHECK(!r.got.found);
		CHECK_EQ(run_length(&r, key, &size), HS_NOT_FOUND);
		CHECK_EQ(run_dump(&r, key), HS_NOT_FOUND);
		CHECK_BYTES(B(tags_of(key)), B("absent"));
	}
	for (int i = 0; i < 2; i++)
		hs_got_init(&got[i], NULL, 0);
	REQUIRE_EQ(hs_multi_begin(&m, &h, keys, 2, HS_SHARED, r.now_us), HS_OK);
	CHECK_EQ(hs_keys_exist(&m, keys, 2, &n), HS_OK);
	CHECK_EQ(n, 1);
	CHECK_EQ(hs_strings_get(&m, keys, 2, got, r.buf, r.capacity, &size), HS_OK);
	CHECK(!got[0].found && got[1].found);
	hs_multi_end(&m);
	for (uint64_t i = 0; i < 200; i++)
	{
		CHECK_EQ(hs_random_key(&h, i, r.now_us, name, sizeof(name), &size), HS_OK);
		CHECK_BYTES(hs_bytes(name, size), B("alive"));
	}
	while (!cursor.done)
		CHECK_EQ(hs_scan(&h, &cursor, 10, r.now_us, see, &seen), HS_OK);
	CHECK_EQ(seen.dead, 0);
	CHECK_EQ(seen.alive, 1);

	/* and what writes finds nothing either */
	CHECK_EQ(run_set(&r, B("d1"), B("v"), 0, &rule, true, &done), HS_OK);
	CHECK(!done && !r.got.found);
	CHECK_EQ(run_del(&r, B("d2"), &done), HS_OK);
	CHECK(!done);
	CHECK_EQ(run_move(&r, B("d3"), B("to"), false, true, &done), HS_NOT_FOUND);
	CHECK_EQ(run_move(&r, B("alive"), B("d4"), true, false, &done), HS_OK);
	CHECK(done);
	CHECK_TAGS("d4", "u");
	CHECK_EQ(run_getdel(&r, B("d5")), HS_NOT_FOUND);
	CHECK_EQ(run_getex(&r, B("d6"), HEAP_NOW + 1), HS_NOT_FOUND);
	CHECK_EQ(run_edit(&r, B("d8"), B("new"), true, true, 0, &size), HS_OK);
	CHECK_EQ(run_get(&r, B("d8")), HS_OK);
	CHECK_STR(run_text(&r), "new");
	CHECK_TAGS("d8", "");
	keys[0] = B("d9");
	keys[1] = B("d12");
	CHECK_EQ(run_mset(&r, keys, values, 2, HS_NEVER, true, &done), HS_OK);
	CHECK(done);
	rule.only = HS_SET_IF_VERSION;
	rule.version = version;
	CHECK_EQ(run_set(&r, B("d17"), B("v"), 0, &rule, false, &done), HS_OK);
	CHECK(!done);
	CHECK_WELL(hs_keyspace_verify(&h));
	CHECK_EQ(keys_count(&h, r.now_us), 5);
	CHECK_EQ(keys_stats(&h).keys, 5);
	CHECK_EQ(keys_stats(&h).expired, 0);
	CHECK_EQ(keys_stats(&h).big_bytes, 0);
	CHECK_WELL(hs_keyspace_verify(&h));
	CHECK_EQ(hs_keyspace_flush(&h, r.now_us, &n), HS_OK);
	CHECK_EQ(n, 5);
	CHECK_EQ(keys_stats(&h).bytes, 0);
	free(big);
	close_all();
}

/* A tag that comes back is another one: keys of before stay dead. */
static void
a_tag_that_comes_back_brings_nothing_back(void)
{
	open_all(64 * MB);
	for (int i = 0; i < 5; i++)
	{
		char		name[16];

		sprintf(name, "k%d", i);
		put(name, "v", "t", i % 2 == 0 ? "u" : NULL);
		for (int j = 0; j < i; j++)
		{
			sprintf(name, "k%d", j);
			CHECK_TAGS(name, "absent");
		}
		if (i == 2)
			put("u", "v", "u", NULL);
		CHECK_EQ(count_tag(B("t")), 1);
		CHECK_EQ(del_tag("t"), 1);
		CHECK_WELL(hs_keyspace_verify(&h));
	}
	CHECK_EQ(keys_count(&h, r.now_us), 1);
	CHECK_TAGS("u", "u");
	close_all();
}

static void
memory_of_tags_comes_back(void)
{
	uint8_t		text[HS_TAG_SIZE_MAX];
	uint64_t	freed = 0;

	open_all(128 * MB);
	REQUIRE(h.nparts > 1);
	memset(text, 'x', sizeof(text));
	for (unsigned how = 0; how < 5; how++)
	{
		CASE("way %u", how);
		for (unsigned i = 0; i < 5000; i++)
		{
			char		key[16];
			HsBytes		tags[3] = {hs_bytes(text, 8), B("all"), hs_bytes(text, i % 50 == 0 ? 2000 : 40)};

			memcpy(text, &i, sizeof(i));
			CHECK_EQ(set_tagged(hs_bytes(key, (size_t) sprintf(key, "k%u", i)), B("v"), tags, 3,
								how == 3 ? r.now_us + 1000 : HS_NEVER), HS_OK);
		}
		CHECK_EQ(count_tag(B("all")), 5000);
		CHECK(keys_stats(&h).slab_bytes > 0);
		CHECK_WELL(hs_keyspace_verify(&h));
		if (how == 0)
			CHECK_EQ(del_tag("all"), 5000);
		for (unsigned i = 0; i < 5000 && how > 0; i++)
		{
			char		key[16];
			HsBytes		name = hs_bytes(key, (size_t) sprintf(key, "k%u", i));
			HsBytes		tag = hs_bytes(text, 8);
			HsSetRule	rule = {.expires_us = HS_NEVER};
			bool		done;

			memcpy(text, &i, sizeof(i));
			if (how == 1)
				CHECK_EQ(run_del(&r, name, &done), HS_OK);
			else if (how == 2)
				CHECK_EQ(run_set(&r, name, B("v"), 0, &rule, false, &done), HS_OK);
			else if (how == 4)
			{
				CHECK_EQ(run_del_tags(&r, &tag, 1, &freed), HS_OK);
				CHECK_EQ(freed, 1);
			}
		}
		r.now_us += 20 * HEAP_SECOND;
		keys_work(&h, r.now_us);
		CHECK_EQ(keys_stats(&h).slab_bytes, 0);
		CHECK_EQ(keys_stats(&h).keys, how == 2 ? 5000 : 0);
		CHECK_WELL(hs_keyspace_verify(&h));
	}
	close_all();
}

/* Little to gain: the worker waits before it searches all segments again, and then does. */
static void
the_worker_gets_to_a_few_dead_keys_as_well(void)
{
	open_all(64 * MB);
	for (int i = 0; i < 20000; i++)
	{
		char		name[16];

		sprintf(name, "k%d", i);
		put(name, "v", i % 100 == 0 ? "few" : "many", NULL);
	}
	CHECK_EQ(del_tag("none"), 0);
	keys_work(&h, r.now_us);
	CHECK_EQ(keys_stats(&h).keys, 20000);
	CHECK_EQ(del_tag("few"), 200);
	keys_work(&h, r.now_us);
	CHECK_EQ(keys_stats(&h).keys, 19800);
	put("k0", "v", "few", NULL);
	CHECK_EQ(del_tag("few"), 1);
	keys_work(&h, r.now_us + 2 * HEAP_SECOND);
	CHECK_EQ(keys_stats(&h).keys, 19801);
	CHECK_WELL(hs_keyspace_verify(&h));
	keys_work(&h, r.now_us + 20 * HEAP_SECOND);
	CHECK_EQ(keys_stats(&h).keys, 19800);
	CHECK_EQ(del_tag("many"), 19800);
	keys_work(&h, r.now_us + 22 * HEAP_SECOND);
	CHECK_EQ(keys_stats(&h).keys, 0);
	CHECK_EQ(keys_stats(&h).bytes, 0);
	close_all();
}

/*
 * ---- Against a model -----------------------------------------------------------------
 */

#define KEYS	60
#define TAGS	12
#define SHARED	((size_t) 700000)

typedef struct ModelKey
{
	bool		exists;
	uint32_t	tags;			/* bit set */
	int64_t		expires_us;
	size_t		size;			/* of its value, 'a' throughout */
} ModelKey;

static ModelKey model[KEYS];
static TestRandom rnd;
static uint8_t *letters;

static HsBytes
tag_name(unsigned tag, char *buf)
{
	return hs_bytes(buf, (size_t) sprintf(buf, "%.*s%u", (int) tag * 20, (const char *) letters, tag));
}

static HsBytes
key_name(unsigned k, char *buf)
{
	return hs_bytes(buf, (size_t) sprintf(buf, "key%u", k));
}

/* A few of the tags in any order, at times one twice, often none. */
static size_t
random_tags(HsBytes *tags, char (*text)[256], uint32_t *bits)
{
	size_t		n = test_below(&rnd, 3) == 0 ? 0 : test_below(&rnd, test_below(&rnd, 4) == 0 ? TAGS : 4);

	*bits = 0;
	for (size_t i = 0; i < n; i++)
	{
		unsigned	tag = (unsigned) test_below(&rnd, TAGS);

		tags[i] = tag_name(tag, text[i]);
		*bits |= UINT32_C(1) << tag;
	}
	return n;
}

static size_t
random_size(void)
{
	switch (test_below(&rnd, 10))
	{
		case 0:
			return test_below(&rnd, 200000);
		case 1:
			return hs_big_threshold() - 2 + test_below(&rnd, 5);
		default:
			return test_below(&rnd, 60);
	}
}

static int64_t
random_expiry(void)
{
	return test_below(&rnd, 3) ? HS_NEVER : r.now_us + 1 + (int64_t) test_below(&rnd, 500);
}

static void
model_del_tags(uint32_t bits)
{
	for (unsigned k = 0; k < KEYS; k++)
		if (model[k].tags & bits)
			model[k] = (ModelKey) {0};
}

static void
do_set(unsigned k, HsBytes key)
{
	HsBytes		tags[TAGS];
	char		text[TAGS][256];
	uint32_t	bits;
	HsSetRule	rule = {.only = (HsSetOnly) test_below(&rnd, 3),.expires_us = random_expiry(),
	.keep_tags = test_below(&rnd, 8) == 0,.tags = tags};
	size_t		size = random_size();
	bool		allowed = rule.only == HS_SET_ALWAYS || (rule.only == HS_SET_IF_PRESENT) == model[k].exists;
	bool		done;

	rule.ntags = rule.keep_tags ? 0 : random_tags(tags, text, &bits);
	CHECK_EQ(run_set(&r, key, hs_bytes(letters, size), 0, &rule, test_below(&rnd, 4) == 0, &done), HS_OK);
	CHECK_EQ(done, allowed);
	if (allowed)
		model[k] = (ModelKey) {true, rule.keep_tags ? model[k].tags : rule.ntags > 0 ? bits : 0,
		rule.expires_us, size};
}

static void
do_mset(void)
{
	HsBytes		tags[TAGS];
	char		text[TAGS][256];
	uint32_t	bits;
	HsBytes		keys[5];
	HsBytes		values[5];
	char		name[5][16];
	unsigned	which[5];
	int64_t		expires_us = random_expiry();
	size_t		n = test_below(&rnd, 6);
	bool		done;

	for (size_t i = 0; i < n; i++)
	{
		which[i] = (unsigned) test_below(&rnd, KEYS);
		keys[i] = key_name(which[i], name[i]);
		values[i] = hs_bytes(letters, random_size());
	}
	r.tags = tags;
	r.ntags = random_tags(tags, text, &bits);
	CHECK_EQ(run_mset(&r, keys, values, n, expires_us, false, &done), HS_OK);
	r.ntags = 0;
	for (size_t i = 0; i < n; i++)
		model[which[i]] = (ModelKey) {true, bits, expires_us, values[i].size};
}

static void
do_del_tags(void)
{
	HsBytes		tags[3];
	char		text[3][256];
	size_t		n = 1 + test_below(&rnd, 3);
	uint32_t	bits = 0;
	uint64_t	least = 0;
	uint64_t	deleted;

	for (size_t i = 0; i < n; i++)
	{
		unsigned	tag = (unsigned) test_below(&rnd, TAGS);

		tags[i] = tag_name(tag, text[i]);
		for (unsigned k = 0; k < KEYS && !(bits >> tag & 1); k++)
			least += model[k].tags >> tag & 1;
		bits |= UINT32_C(1) << tag;
	}
	CHECK_EQ(run_del_tags(&r, tags, n, &deleted), HS_OK);
	CHECK(deleted >= least);
	model_del_tags(bits);
}

static void
do_change(unsigned k, HsBytes key)
{
	HsExpireRule always = {0};
	ModelKey   *m = &model[k];
	int64_t		expires_us = random_expiry();
	size_t		more = random_size();
	HsField		field = {.kind = HS_FIELD_SET,.offset = 8 * (int64_t) test_below(&rnd, 40000) + 7,.width = 1,.value = 1};
	uint64_t	version;
	size_t		size;
	bool		done;

	switch (test_below(&rnd, 4))
	{
		case 0:
			if (more == 0 || m->size + more > SHARED)
				break;
			CHECK_EQ(run_edit(&r, key, hs_bytes(letters, more), false, true, 0, &size), HS_OK);
			if (!m->exists)
				*m = (ModelKey) {true, 0, HS_NEVER, 0};
			m->size += more;
			break;
		case 1:
			CHECK_EQ(run_expire(&r, key, &always, expires_us, &done), HS_OK);
			if (m->exists)
				m->expires_us = expires_us;
			break;
		case 2:
			CHECK_EQ(run_version(&r, key, &version), m->exists ? HS_OK : HS_NOT_FOUND);
			break;
		default:
			/* of 'a' the last bit is set already */
			if (m->exists && (size_t) field.offset / 8 >= m->size)
				break;
			if (m->exists)
				CHECK_EQ(run_fields(&r, key, &field, 1, HS_NEVER), HS_OK);
	}
}

static void
do_move(unsigned k, HsBytes key)
{
	char		name[16];
	unsigned	to = (unsigned) test_below(&rnd, KEYS);
	bool		keep = test_below(&rnd, 2);
	bool		done = false;
	HsStatus	status = run_move(&r, key, key_name(to, name), keep, true, &done);

	CHECK_EQ(status, model[k].exists ? HS_OK : HS_NOT_FOUND);
	if (status != HS_OK || to == k)
		return;
	model[to] = model[k];
	if (!keep)
		model[k] = (ModelKey) {0};
}

static void
check_key(unsigned k)
{
	char		name[16];
	char		text[256];
	char		want[NAMES] = "";
	HsBytes		key = key_name(k, name);
	HsBytes		tags[TAGS];
	char		texts[TAGS][256];
	unsigned	n = 0;

	CHECK_EQ(run_get(&r, key), model[k].exists ? HS_OK : HS_NOT_FOUND);
	if (!model[k].exists)
	{
		CHECK_BYTES(B(tags_of(key)), B("absent"));
		return;
	}
	CHECK_BYTES(run_text(&r), hs_bytes(letters, model[k].size));
	CHECK_EQ(r.got.expires_us, model[k].expires_us);
	for (unsigned t = 0; t < TAGS; t++)
	{
		unsigned	at = n;
		HsBytes		tag = tag_name(t, text);

		if (!(model[k].tags >> t & 1))
			continue;
		for (; at > 0 && hs_bytes_cmp(tags[at - 1], tag) > 0; at--)
		{
			memcpy(texts[at], texts[at - 1], sizeof(texts[at]));
			tags[at] = hs_bytes(texts[at], tags[at - 1].size);
		}
		memcpy(texts[at], text, sizeof(text));
		tags[at] = hs_bytes(texts[at], tag.size);
		n++;
	}
	for (unsigned i = 0; i < n; i++)
		sprintf(want + strlen(want), "%s%.*s", i > 0 ? " " : "", (int) tags[i].size, (const char *) tags[i].data);
	CHECK_BYTES(B(tags_of(key)), B(want));
}

static void
do_something(void)
{
	char		name[16];
	unsigned	k = (unsigned) test_below(&rnd, KEYS);
	HsBytes		key = key_name(k, name);
	bool		done;

	switch (test_below(&rnd, 16))
	{
		case 0:
			do_del_tags();
			break;
		case 1:
			do_mset();
			break;
		case 2:
			CHECK_EQ(run_del(&r, key, &done), HS_OK);
			CHECK_EQ(done, model[k].exists);
			model[k] = (ModelKey) {0};
			break;
		case 3:
		case 4:
			do_move(k, key);
			break;
		case 5:
			(void) hs_work(&h, (uint32_t) test_below(&rnd, h.nparts), r.now_us);
			break;
		case 6:
		case 7:
		case 8:
			do_change(k, key);
			break;
		case 9:
		case 10:
			check_key(k);
			break;
		default:
			do_set(k, key);
			break;
	}
}

/* The same by their effects in another keyspace. */
static void
random_commands_match_a_model(void)
{
	uint64_t	n = test_scaled(60000);
	HsHandle	copy;
	Runner		mirror;
	HsEffects	fx = {.capacity = (size_t) 16 << 20};

	rnd.state = test_seed(1);
	letters = malloc(SHARED);
	memset(letters, 'a', SHARED);
	open_all(256 * MB);
	REQUIRE(h.nparts > 1);
	heap_keyspace(&copy, 2, HS_EVICT_NONE, (uint64_t) 32 << 20);
	run_open(&mirror, &copy, HEAP_NOW);
	fx.data = malloc(fx.capacity);
	r.effects = &fx;
	for (uint64_t i = 0; i < n && test_failures == 0; i++)
	{
		CASE("step %" PRIu64, i);
		r.now_us += (int64_t) test_below(&rnd, test_below(&rnd, 1000) == 0 ? 40 * HEAP_SECOND : 4);
		mirror.now_us = r.now_us;
		for (unsigned k = 0; k < KEYS; k++)
			if (model[k].exists && model[k].expires_us <= r.now_us)
				model[k] = (ModelKey) {0};
		do_something();
		CHECK_EQ(run_replay(&r, &copy), HS_OK);
		if (i % 500 == 0 || test_failures > 0)
		{
			for (unsigned k = 0; k < KEYS; k++)
				check_key(k);
			CHECK(run_equal(&r, &mirror));
			CHECK_WELL(hs_keyspace_verify(&h));
			CHECK_WELL(hs_keyspace_verify(&copy));
		}
	}
	hs_keyspace_drop(HEAP_DB, 2);
	run_close(&mirror);
	free(fx.data);
	free(letters);
	close_all();
}

/*
 * A keyspace that is always full and evicts: a key that is there has lost no tag since it
 * was set.  Dead keys go first, so what is live is refused or evicted late.
 */
static void
full_keyspaces_evict_and_compact_keys_with_tags(void)
{
	enum {N = 20000, T = 500};
	uint64_t   *set_at = calloc(N, sizeof(*set_at));
	uint64_t   *died_at = calloc(T, sizeof(*died_at));
	uint64_t	n = test_scaled(400000);
	uint64_t	hits = 0;
	uint8_t		value[400];

	rnd.state = test_seed(3);
	memset(value, 'v', sizeof(value));
	heap_open(64 * MB);
	heap_keyspace(&h, 1, HS_EVICT_S3FIFO, 3 * MB);
	run_open(&r, &h, HEAP_NOW);
	for (uint64_t i = 1; i <= n && test_failures == 0; i++)
	{
		char		text[3][16];
		uint64_t	k = test_below(&rnd, N);
		uint64_t	t = k % T;
		HsBytes		key = hs_bytes(text[0], (size_t) sprintf(text[0], "k%" PRIu64, k));
		HsBytes		tags[2] = {hs_bytes(text[1], (size_t) sprintf(text[1], "t%" PRIu64, t)),
		hs_bytes(text[2], (size_t) sprintf(text[2], "own%" PRIu64, k))};
		uint64_t	deleted;

		r.now_us += 20;
		if (test_below(&rnd, 50) == 0)
		{
			CHECK_EQ(run_del_tags(&r, tags, 1, &deleted), HS_OK);
			died_at[t] = i;
		}
		else if (test_below(&rnd, 2) == 0)
		{
			CHECK_EQ(set_tagged(key, hs_bytes(value, test_below(&rnd, sizeof(value))), tags,
								1 + test_below(&rnd, 2), HS_NEVER), HS_OK);
			set_at[k] = i;
		}
		else if (run_get(&r, key) == HS_OK)
		{
			hits++;
			CHECK(set_at[k] > died_at[t]);
		}
		if (i % 20000 == 0)
			CHECK_WELL(hs_keyspace_verify(&h));
	}
	CHECK(hits > n / 50);
	free(set_at);
	free(died_at);
	close_all();
}

/* Full of dead keys and nothing may be evicted: new ones find room. */
static void
dead_keys_make_room(void)
{
	uint8_t		value[1000];
	uint64_t	n = 0;
	HsBytes		tag = B("t");

	memset(value, 'v', sizeof(value));
	heap_open(16 * MB);
	heap_keyspace(&h, 1, HS_EVICT_NONE, 2 * MB);
	run_open(&r, &h, HEAP_NOW);
	for (int round = 0; round < 3; round++)
	{
		uint64_t	count = 0;
		HsStatus	status;
		char		name[16];

		do
		{
			status = set_tagged(hs_bytes(name, (size_t) sprintf(name, "k%" PRIu64, n++)),
								hs_bytes(value, sizeof(value)), &tag, 1, HS_NEVER);
			count += status == HS_OK;
		} while (status == HS_OK);
		CHECK_EQ(status, HS_NO_MEMORY);
		CHECK(count > 1200);
		CHECK_EQ(del_tag("t"), count);
	}
	close_all();
}

/*
 * ---- Faults --------------------------------------------------------------------------
 */

/* Each segment and each node that a command asks for is refused once. */
static void
any_allocation_may_fail(void)
{
	static uint8_t long_name[HS_TAG_SIZE_MAX];
	HsBytes		tags[4] = {B("b"), B("a"), hs_bytes(long_name, sizeof(long_name)), B("c")};
	HsBytes		keys[2] = {B("x"), B("y")};
	HsBytes		values[2] = {B("1"), B("2")};
	HsBytes		filler[1] = {B("k")};
	uint64_t	refused = 0;

	memset(long_name, 'n', sizeof(long_name));
	for (int how = 0; how < 2 * 4; how++)
	{
		for (int fail = 0;; fail++)
		{
			bool		done = false;
			HsStatus	status;

			CASE("way %d, allocation %d", how, fail);
			REQUIRE(fail < 100);
			open_all(128 * MB);
			r.no_room = true;
			if (how % 4 > 0)
				put("k", "old", "a", how % 4 > 1 ? "b" : NULL);
			if (how < 4)
				heap_fail_after(fail);
			else
				slab_fail_after(fail);
			switch (how % 4)
			{
				case 0:
				case 1:
					status = set_tagged(B("k"), B("new"), tags, 4, HS_NEVER);
					break;
				case 2:
					/* into another partition, sooner or later */
					keys[0].data = (const uint8_t *) &"abcdefgh"[fail % 8];
					keys[0].size = 1;
					status = run_move(&r, B("k"), keys[0], false, true, &done);
					if (fail < 8 && status == HS_OK)
						status = HS_NO_MEMORY + 100;
					break;
				default:
					r.tags = tags + 1;
					r.ntags = 3;
					status = run_mset(&r, keys, values, 2, HS_NEVER, false, &done);
					break;
			}
			heap_fail_after(-1);
			slab_fail_after(-1);
			CHECK_WELL(hs_keyspace_verify(&h));
			if (status == HS_NO_MEMORY)
			{
				refused++;
				CHECK_TAGS("k", how % 4 == 0 ? "absent" : how % 4 == 1 ? "a" : "a b");
				CHECK_TAGS("y", "absent");
				if (how % 4 > 0)
					CHECK_EQ(run_get(&r, filler[0]), HS_OK);
			}
			close_all();
			keys[0] = B("x");
			if (status == HS_OK)
				break;
			CHECK(status == HS_NO_MEMORY || status == HS_NO_MEMORY + 100);
		}
	}
	CHECK(refused > 20);
}

/* An effect that does not fit: the command has done nothing. */
static void
without_room_for_effects_nothing_is_done(void)
{
	static uint8_t data[200];
	HsEffects	fx = {.data = data};
	HsBytes		tags[2] = {B("new one"), B("a")};
	uint64_t	deleted;

	open_all(64 * MB);
	put("k", "old", "a", "b");
	r.effects = &fx;
	r.no_room = true;
	for (int how = 0; how < 3; how++)
	{
		for (fx.capacity = 0;; fx.capacity++)
		{
			HsStatus	status;
			bool		done;

			CASE("way %d, %zu bytes", how, fx.capacity);
			REQUIRE(fx.capacity < sizeof(data));
			fx.size = 0;
			status = how == 0 ? run_move(&r, B("k"), B("l"), true, true, &done) :
				how == 1 ? set_tagged(B("k"), B("new"), tags, 2, HS_NEVER) :
				run_del_tags(&r, tags, 2, &deleted);
			if (status == HS_OK)
				break;
			CHECK_EQ(status, HS_NO_MEMORY);
			CHECK_EQ(fx.size, 0);
			CHECK_TAGS("k", how < 2 ? "a b" : "a new one");
			if (how == 0)
				CHECK_TAGS("l", "absent");
			CHECK_WELL(hs_keyspace_verify(&h));
		}
	}
	CHECK_TAGS("k", "absent");
	r.effects = NULL;
	close_all();
}

static void
damaged_effects_are_noticed(void)
{
	static const struct
	{
		const char *what;
		uint8_t		names[8];
		size_t		size;
	}			cases[] = {
		{"half a size", {1}, 1},
		{"no name", {2, 0, 'a'}, 3},
		{"too long a name", {0xff, 0xff, 'a', 'b'}, 4},
		{"a size behind the last name", {1, 0, 'a', 0}, 4},
	};
	HsEffects	fx = {.data = malloc(1000),.capacity = 1000};

	open_all(64 * MB);
	put("k", "old", "a", NULL);
	r.effects = &fx;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		CASE("%s", cases[i].what);
		CHECK(hs_effect_put(&fx, HS_EF_TAGS, B("k"), hs_bytes(NULL, 0),
							hs_bytes(cases[i].names, cases[i].size)));
		CHECK_EQ(run_replay(&r, &h), HS_CORRUPT);
		CHECK_TAGS("k", "a");
	}
	CHECK(hs_effect_put(&fx, HS_EF_TAGS, B("none"), hs_bytes(NULL, 0), hs_bytes(NULL, 0)));
	CHECK_EQ(run_replay(&r, &h), HS_OK);
	r.effects = NULL;
	free(fx.data);
	close_all();
}

/*
 * ---- Threads ---------------------------------------------------------------------
 * A writer sets some keys with a tag, round after round, and deletes the tag.  Who reads
 * without a lock never finds a key of a round that is over, and none of a round of which
 * he has missed another.  Meanwhile others' tags and hashes take and give back nodes.
 */
#define TOGETHER	8
#define ROUNDS		4000
#define DELETED		100			/* tags in one command, so that it takes its time in each partition */

static atomic_bool stop;
static _Atomic uint64_t round_set;	/* all keys of this round were set */
static _Atomic uint64_t round_over; /* its tag was deleted */

static HsBytes
round_key(unsigned i, char *buf)
{
	return hs_bytes(buf, (size_t) sprintf(buf, "together%u", i));
}

static void *
set_and_delete(void *arg)
{
	Runner		w;
	HsSetRule	rule = {.expires_us = HS_NEVER};
	HsBytes		tags[DELETED] = {B("round"), B("other"), B("third")};
	char		text[DELETED][16];
	bool		done;

	run_open(&w, arg, HEAP_NOW);
	rule.tags = tags;
	for (unsigned i = 3; i < DELETED; i++)
		tags[i] = hs_bytes(text[i], (size_t) sprintf(text[i], "none%u", i));
	for (uint64_t n = 1; !atomic_load(&stop); n++)
	{
		uint64_t	deleted;

		for (unsigned i = 0; i < TOGETHER; i++)
		{
			char		name[16];

			rule.ntags = 1 + (n + i) % 3;
			if (run_set(&w, round_key(i, name), hs_bytes(&n, sizeof(n)), 0, &rule, false, &done) != HS_OK)
				test_fail(__FILE__, __LINE__, "a key could not be set");
		}
		atomic_store(&round_set, n);
		if (run_del_tags(&w, tags, DELETED, &deleted) != HS_OK || deleted < TOGETHER)
			test_fail(__FILE__, __LINE__, "not all keys of a round were deleted");
		atomic_store(&round_over, n);
	}
	run_close(&w);
	return NULL;
}

static void *
use_nodes(void *arg)
{
	HsHandle   *mine = arg;
	TestRandom	random = {test_seed(7)};
	Runner		w;

	run_open(&w, mine, HEAP_NOW);
	while (!atomic_load(&stop))
	{
		char		text[4][16];
		HsBytes		tags[3];
		HsSetRule	rule = {.expires_us = HS_NEVER,.tags = tags,.ntags = 1 + test_below(&random, 3)};
		HsHashField field;
		HsOp		op;
		uint64_t	n;
		bool		done;

		for (int i = 0; i < 4; i++)
			(void) sprintf(text[i], "%c%u", "tagk"[i], (unsigned) test_below(&random, 200));
		for (int i = 0; i < 3; i++)
			tags[i] = B(text[i]);
		field = (HsHashField) {B(text[0]), B(text[1])};
		(void) run_set(&w, B(text[3]), B("v"), 0, &rule, false, &done);
		if (test_below(&random, 4) == 0)
			(void) run_del_tags(&w, tags, 1, &n);
		else if (test_below(&random, 3) == 0)
			(void) run_del(&w, B("hash"), &done);
		if (hs_op_begin(&op, mine, B("hash"), HS_EXCLUSIVE, HEAP_NOW) == HS_OK)
		{
			(void) hs_hash_set(&op, &field, 1, false, HS_NEVER, &n);
			hs_op_end(&op);
		}
		(void) hs_work(mine, (uint32_t) test_below(&random, mine->nparts), HEAP_NOW);
	}
	run_close(&w);
	return NULL;
}

/* One look at all keys; how many were there. */
static unsigned
read_together(Runner *reader, unsigned first)
{
	uint64_t	over = atomic_load(&round_over);
	uint64_t	set = atomic_load(&round_set);
	bool		missed = false;
	unsigned	found = 0;

	for (unsigned i = 0; i < TOGETHER; i++)
	{
		char		name[16];
		uint64_t	n;

		if (run_get(reader, round_key((first + i) % TOGETHER, name)) != HS_OK)
		{
			missed = true;
			continue;
		}
		memcpy(&n, reader->got.buf, sizeof(n));
		found++;
		CHECK(n > over);
		CHECK(!missed || n > set);
	}
	return found;
}

static void
readers_miss_all_keys_of_a_tag_or_none(void)
{
	pthread_t	threads[2];
	HsHandle	handles[2];
	uint64_t	found = 0;
	uint64_t	rounds = test_scaled(ROUNDS);

	open_all(512 * MB);
	REQUIRE(h.nparts > 4);
	atomic_store(&stop, false);
	handles[0] = handles[1] = h;
	REQUIRE(pthread_create(&threads[0], NULL, set_and_delete, &handles[0]) == 0);
	REQUIRE(pthread_create(&threads[1], NULL, use_nodes, &handles[1]) == 0);
	for (uint64_t i = 0; (atomic_load(&round_over) < rounds || found == 0) && test_failures == 0; i++)
	{
		found += read_together(&r, (unsigned) i);
		if (i % 64 == 0)
			sched_yield();
	}
	atomic_store(&stop, true);
	REQUIRE(pthread_join(threads[0], NULL) == 0);
	REQUIRE(pthread_join(threads[1], NULL) == 0);
	CHECK_WELL(hs_keyspace_verify(&h));
	close_all();
}

TEST_MAIN(TEST(tags_are_a_set),
		  TEST(what_changes_a_value_keeps_its_tags_and_what_replaces_it_does_not),
		  TEST(a_dead_key_is_absent_on_every_path),
		  TEST(a_tag_that_comes_back_brings_nothing_back),
		  TEST(memory_of_tags_comes_back),
		  TEST(the_worker_gets_to_a_few_dead_keys_as_well),
		  TEST(random_commands_match_a_model),
		  TEST(full_keyspaces_evict_and_compact_keys_with_tags),
		  TEST(dead_keys_make_room),
		  TEST(any_allocation_may_fail),
		  TEST(without_room_for_effects_nothing_is_done),
		  TEST(damaged_effects_are_noticed),
		  TEST(readers_miss_all_keys_of_a_tag_or_none))
