/*
 * test_together.c
 *	  Commands on several keys, seen by a reader who takes no lock: reading one key
 *	  after the other, once it has seen one change it sees all of them; reading all at
 *	  once it sees them as of one instant.
 */
#define _POSIX_C_SOURCE 200809L

#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap_test.h"
#include "key.h"
#include "keys_test.h"
#include "port_test.h"
#include "tag.h"
#include "test.h"
#include "zset.h"

#define MB		((size_t) 1 << 20)
#define KEYS	8
#define ROUNDS	60000

static HsHandle ks;
static HsBytes keys[KEYS];

static void
open_all(size_t memory)
{
	static char names[KEYS][KEYS_NAME_SIZE];

	heap_open(64 * MB);
	heap_keyspace(&ks, 1, HS_EVICT_NONE, memory);
	for (unsigned i = 0; i < KEYS; i++)
		keys[i] = keys_name(names[i], i);
}

/* Give all keys the number n, and a tag unless it is NULL. */
static void
set_all(uint64_t n, const char *tag)
{
	HsBytes		tags[1] = {tag != NULL ? hs_bytes_str(tag) : hs_bytes(NULL, 0)};
	HsMsetRule	rule = {.expires_us = HS_NEVER,.tags = tags,.ntags = tag != NULL};
	HsMsetItem	items[KEYS];
	HsMulti		m;
	uint64_t	hash;
	size_t		need;
	bool		done;

	memset(items, 0, sizeof(items));
	for (unsigned i = 0; i < KEYS; i++)
	{
		items[i].key = keys[i];
		items[i].value.bytes = hs_bytes(&n, sizeof(n));
	}
	if (hs_mset_prepare(&ks, items, KEYS, SIZE_MAX, &need) != HS_OK ||
		hs_multi_begin(&m, &ks, keys, KEYS, HS_EXCLUSIVE, HEAP_NOW) != HS_OK)
		_exit(1);
	if (hs_mset(&m, items, KEYS, &rule, &done, &hash) != HS_OK)
		_exit(1);
	hs_multi_end(&m);
}

static void
mset_is_seen_whole(void)
{
	pid_t		writer;
	uint64_t	backwards = 0;
	uint64_t	seen = 0;

	open_all(64 * MB);
	REQUIRE(ks.nparts > 1);
	set_all(0, NULL);
	writer = fork();
	if (writer == 0)
	{
		for (uint64_t n = 1;; n++)
			set_all(n, NULL);
	}
	for (unsigned round = 0; round < ROUNDS; round++)
		for (unsigned i = 0; i < KEYS; i++)
		{
			HsRead		r;
			uint64_t	n = 0;

			CHECK_EQ(hs_read(&ks, keys[(round + i) % KEYS], HEAP_NOW, &n, sizeof(n), &r), HS_OK);
			backwards += n < seen;
			seen = n;
		}
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	CHECK_EQ(backwards, 0);
	CHECK(seen > 0);
	heap_close();
}

/* Time for others, now and then much of it. */
static void
pause_a_little(void)
{
	static unsigned calls;

	for (volatile int i = 0; i < 30; i++)
		;
	if (++calls % 1024 == 0)
		(void) sched_yield();
}

/*
 * All keys at once, while one process gives all of them the next number, or each of them in
 * turn, and others come and go so that buckets are split and merged: in each picture the numbers fall
 * from key to key, and by more than one only if it is torn.
 */
static void
many_are_of_one_instant(void)
{
	pid_t		writer;
	uint64_t	pictures = 0;
	uint64_t	torn = 0;
	uint64_t	mixed = 0;
	int64_t		last = 0;

	open_all(64 * MB);
	set_all(1, NULL);
	writer = fork();
	if (writer == 0)
	{
		for (uint64_t n = 2;; n++)
		{
			char		name[KEYS_NAME_SIZE];
			HsBytes		other = keys_name(name, 1000 + n / 3000 * 1000 + n % 3000);

			if (n % 2 == 0)
				set_all(n, NULL);
			for (unsigned i = 0; n % 2 == 1 && i < KEYS; i++)
				(void) keys_set(&ks, keys[i], hs_bytes(&n, sizeof(n)), HS_NEVER, HEAP_NOW);
			if (n / 3000 % 2 == 0)
				(void) keys_set(&ks, other, hs_bytes(&n, sizeof(n)), HS_NEVER, HEAP_NOW);
			else
				(void) keys_del(&ks, other, HEAP_NOW);
		}
	}
	for (unsigned round = 0; round < 40 * ROUNDS; round++)
	{
		int64_t		numbers[KEYS];
		unsigned	falls = 0;

		if (!keys_many(&ks, keys, KEYS, HEAP_NOW, numbers, pause_a_little))
			continue;
		pictures++;
		torn += numbers[0] < last;
		last = numbers[0];
		for (unsigned i = 1; i < KEYS; i++)
		{
			falls += numbers[i] < numbers[i - 1];
			torn += numbers[i] > numbers[i - 1];
		}
		/* one after the other are set to odd numbers only */
		torn += falls > 1 || numbers[0] - numbers[KEYS - 1] > 1 || (falls == 1 && numbers[0] % 2 == 0);
		mixed += falls == 1;
	}
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	CHECK_EQ(torn, 0);
	CHECK(pictures > ROUNDS / 100);
	CHECK(mixed > 0);
	CHECK(last > 1);
	heap_close();
}

/* All keys have a tag, which is deleted: all of them are there or none. */
static void
many_with_a_tag(void)
{
	pid_t		writer;
	uint64_t	pictures[2] = {0, 0};
	uint64_t	torn = 0;

	open_all(64 * MB);
	writer = fork();
	if (writer == 0)
	{
		HsBytes		tag = hs_bytes_str("tag");
		uint64_t	deleted;
		HsMulti		m;

		for (uint64_t n = 1;; n++)
		{
			set_all(n, "tag");
			for (int i = 0; i < 30; i++)
				pause_a_little();
			if (hs_multi_begin(&m, &ks, NULL, 0, HS_EXCLUSIVE, HEAP_NOW) != HS_OK ||
				hs_tags_delete(&m, &tag, 1, &deleted) != HS_OK || deleted != KEYS)
				_exit(1);
			hs_multi_end(&m);
			for (int i = 0; i < 30; i++)
				pause_a_little();
		}
	}
	for (unsigned round = 0; round < 10 * ROUNDS; round++)
	{
		int64_t		numbers[KEYS];
		unsigned	there = 0;

		if (!keys_many(&ks, keys, KEYS, HEAP_NOW, numbers, pause_a_little))
			continue;
		for (unsigned i = 0; i < KEYS; i++)
		{
			there += numbers[i] > 0;
			torn += numbers[i] != numbers[0];
		}
		pictures[there > 0]++;
	}
	CHECK_EQ(waitpid(writer, NULL, WNOHANG), 0);
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	CHECK_EQ(torn, 0);
	CHECK(pictures[0] > 0 && pictures[1] > 0);
	heap_close();
}

static void
rename_once(HsBytes from, HsBytes to)
{
	HsBytes		both[2] = {from, to};
	HsMove		mv = {.replace = true};
	HsMulti		m;
	uint64_t	hash;
	bool		done;

	if (hs_multi_begin(&m, &ks, both, 2, HS_EXCLUSIVE, HEAP_NOW) != HS_OK ||
		hs_key_move(&m, from, to, &mv, &done, &hash) != HS_OK)
		_exit(1);
	hs_multi_end(&m);
}

/* Within a partition a large set is handed over; nobody sees how. */
static void
rename_has_no_middle(void)
{
	static HsZsetMember members[300];
	static char names[300][8];
	HsZsetAdded out;
	HsOp		op;
	pid_t		writer;
	uint64_t	strings = 0;

	open_all(8 * MB);
	REQUIRE(ks.nparts == 1);
	for (unsigned i = 0; i < 300; i++)
	{
		members[i].member = hs_bytes(names[i], (size_t) snprintf(names[i], 8, "%u", i));
		members[i].score = i;
	}
	CHECK_EQ(hs_op_begin(&op, &ks, keys[0], HS_EXCLUSIVE, HEAP_NOW), HS_OK);
	CHECK_EQ(hs_zset_add_many(&op, members, 300, 0, HS_NEVER, &out), HS_OK);
	hs_op_end(&op);
	writer = fork();
	if (writer == 0)
	{
		for (;;)
		{
			rename_once(keys[0], keys[1]);
			rename_once(keys[1], keys[0]);
		}
	}
	for (unsigned round = 0; round < 4 * ROUNDS; round++)
	{
		HsRead		r;

		strings += hs_peek(&ks, keys[round % 2], HEAP_NOW, &r) == HS_OK && r.type != HS_ZSET;
	}
	kill(writer, SIGKILL);
	waitpid(writer, NULL, 0);
	CHECK_EQ(strings, 0);
	heap_close();
}

TEST_MAIN(TEST(mset_is_seen_whole),
		  TEST(many_are_of_one_instant),
		  TEST(many_with_a_tag),
		  TEST(rename_has_no_middle))
