/*
 * test_pressure.c
 *	  Keyspaces that stay full: large collections under eviction, writers that
 *	  cannot win, commands larger than the cap.
 */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap_test.h"
#include "keys_test.h"
#include "port_test.h"
#include "test.h"
#include "zset.h"

#define MB	((size_t) 1 << 20)

static HsHandle ks;

static void
check_well(void)
{
	CHECK_WELL(hs_keyspace_verify(&ks));
	CHECK_WELL(hs_region_verify());
	CHECK_EQ(port_locks_held(), 0);
}

static void
close_store(void)
{
	check_well();
	hs_keyspace_drop(HEAP_DB, 1);
	CHECK_EQ(heap_segs_in_use(), 0);
	heap_close();
}

/* zadd of 'n' members at once, as a command does it; *rooms counts retries. */
static HsStatus
add_members(uint64_t key, unsigned n, unsigned *rooms)
{
	static char names[1000][24];
	static HsZsetMember members[1000];
	char		name[KEYS_NAME_SIZE];
	HsBytes		k = keys_name(name, key);
	HsZsetAdded out;
	HsStatus	status;
	HsOp		op;

	for (unsigned i = 0; i < n; i++)
	{
		members[i].member = hs_bytes(names[i], (size_t) snprintf(names[i], 24, "member:%u", i));
		members[i].score = (double) ((i * 7919) % n);
	}
	*rooms = 0;
	do
	{
		status = hs_op_begin(&op, &ks, k, HS_EXCLUSIVE, HEAP_NOW);
		REQUIRE(status == HS_OK);
		status = hs_zset_add_many(&op, members, n, 0, HS_NEVER, &out);
		hs_op_end(&op);
	} while (status == HS_NO_MEMORY && ++*rooms < 10000 &&
			 hs_make_room(&ks, op.hash, op.need, HEAP_NOW));
	return status;
}

/*
 * New collections push old ones out, without a failure and a little at a time:
 * most of the cap stays in use.
 */
static void
endless_collections(void)
{
	uint64_t	low = UINT64_MAX;
	unsigned	most = 0;

	heap_open(32 * MB);
	heap_keyspace(&ks, 1, HS_EVICT_S3FIFO, 16 * MB);
	for (uint64_t k = 0; k < 3000; k++)
	{
		unsigned	rooms;
		HsStats		s;

		CHECK_EQ(add_members(k, 1000, &rooms), HS_OK);
		s = keys_stats(&ks);
		CHECK(s.bytes <= s.limit);
		if (rooms > most)
			most = rooms;
		if (k > 600 && s.keys < low)
			low = s.keys;
		if (k % 500 == 0)
			check_well();
	}
	CHECK(low > 100);
	CHECK(most < 64);
	close_store();
}

/* One try after the other, with 'meanwhile' in between; how it ended. */
static HsStatus
set_against(uint64_t key, size_t size, void (*meanwhile) (void), unsigned *rooms)
{
	static uint8_t value[4096];
	char		name[KEYS_NAME_SIZE];
	KeysNeed	need;

	for (*rooms = 0; *rooms < 100000; ++*rooms)
	{
		HsStatus	status = keys_set_once(&ks, keys_name(name, key), hs_bytes(value, size),
										   HS_NEVER, HEAP_NOW, &need);

		if (status != HS_NO_MEMORY || !hs_make_room(&ks, need.hash, need.bytes, HEAP_NOW))
			return status;
		meanwhile();
	}
	return HS_NO_MEMORY;
}

static void
read_keys(uint64_t from, uint64_t to)
{
	char		name[KEYS_NAME_SIZE];
	HsRead		r;

	for (uint64_t k = from; k < to; k++)
		(void) hs_peek(&ks, keys_name(name, k), HEAP_NOW, &r);
}

static void
read_ten(void)
{
	read_keys(0, 10);
}

static void
read_all(void)
{
	read_keys(0, 5000);
}

static void
nothing(void)
{
}

/* Ten keys may go, but somebody reads them all the time: a writer is refused, soon. */
static void
only_hot_keys_may_go(void)
{
	static uint8_t value[100];
	char		name[KEYS_NAME_SIZE];
	unsigned	rooms = 0;
	uint64_t	n = 0;
	HsStatus	status = HS_OK;
	pid_t		reader;

	heap_open(16 * MB);
	heap_keyspace(&ks, 1, HS_EVICT_TTL, 4 * MB);
	for (; n < 10; n++)
		CHECK_EQ(keys_set(&ks, keys_name(name, n), hs_bytes(value, sizeof(value)),
						  HEAP_NOW + HEAP_SECOND, HEAP_NOW), HS_OK);
	reader = fork();
	if (reader == 0)
		for (;;)
			read_ten();
	while (status == HS_OK && n < 1000000)
		status = set_against(n++, 300, nothing, &rooms);
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
	CHECK_EQ(status, HS_NO_MEMORY);
	CHECK(rooms < 1000);
	close_store();
}

/* All keys are in use all the time: a command ends, either way. */
static void
every_key_is_hot(void)
{
	unsigned	rooms = 0;
	unsigned	most = 0;

	heap_open(16 * MB);
	heap_keyspace(&ks, 1, HS_EVICT_S3FIFO, 2 * MB);
	for (uint64_t n = 0; n < 4800; n++)
	{
		(void) set_against(n, 300, read_all, &rooms);
		if (n > 4500)
			read_all();
		most = rooms > most ? rooms : most;
	}
	CHECK(most < 2000);
	CHECK_EQ(set_against(1000000, 300, nothing, &rooms), HS_OK);
	close_store();
}

/*
 * Room that others made counts as found, however often in the life of a process,
 * as long as it is of use.
 */
static void
room_of_others(void)
{
	unsigned	rooms;

	heap_open(16 * MB);
	heap_keyspace(&ks, 1, HS_EVICT_NONE, 4 * MB);
	for (uint64_t n = 0; n < 1000; n++)
	{
		CHECK(hs_make_room(&ks, 0, 100, HEAP_NOW));
		CHECK_EQ(set_against(n, 100, nothing, &rooms), HS_OK);
	}
	close_store();
}

TEST_MAIN(TEST(endless_collections),
		  TEST(only_hot_keys_may_go),
		  TEST(every_key_is_hot),
		  TEST(room_of_others))
