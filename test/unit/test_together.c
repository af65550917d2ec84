/*
 * test_together.c
 *	  Commands on several keys, seen by a reader who takes no lock and reads one key
 *	  after the other: once it has seen one change it sees all of them.
 */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap_test.h"
#include "key.h"
#include "keys_test.h"
#include "port_test.h"
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

/* Give all keys the number n. */
static void
set_all(uint64_t n)
{
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
	if (hs_mset(&m, items, KEYS, &(HsMsetRule) {.expires_us = HS_NEVER}, &done, &hash) != HS_OK)
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
	set_all(0);
	writer = fork();
	if (writer == 0)
	{
		for (uint64_t n = 1;; n++)
			set_all(n);
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
		  TEST(rename_has_no_middle))
