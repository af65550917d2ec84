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
#include "key.h"
#include "keys_test.h"
#include "kvstring.h"
#include "port_test.h"
#include "test.h"
#include "zset.h"

#define MB	((size_t) 1 << 20)

static HsHandle ks;

/* zadd of 'n' members at once, the first of this number, as a command does it; *rooms counts retries. */
static HsStatus
add_members(uint64_t key, unsigned first, unsigned n, unsigned *rooms)
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
		members[i].member = hs_bytes(names[i], (size_t) snprintf(names[i], 24, "member:%u", first + i));
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
	for (uint64_t k = 0; k < test_scaled(1500); k++)
	{
		unsigned	rooms;
		HsStats		s;

		CHECK_EQ(add_members(k, 0, 1000, &rooms), HS_OK);
		s = keys_stats(&ks);
		CHECK(s.bytes <= s.limit);
		if (rooms > most)
			most = rooms;
		if (k > 600 && s.keys < low)
			low = s.keys;
		if (k % 500 == 0)
			heap_check(&ks);
	}
	CHECK(low > 100);
	CHECK(most < 64);
	heap_finish(&ks);
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
nothing(void)
{
}

/*
 * A full keyspace has room again as soon as a large collection is deleted, though
 * its nodes are freed later.
 */
static void
room_after_a_deletion(void)
{
	char		name[KEYS_NAME_SIZE];
	unsigned	members = 0;
	unsigned	rooms;
	uint64_t	key = 1;
	bool		done;
	HsOp		op;

	heap_open(16 * MB);
	heap_keyspace(&ks, 1, HS_EVICT_NONE, 8 * MB);
	while (members < 100000 && add_members(0, members, 1000, &rooms) == HS_OK)
		members += 1000;
	while (set_against(key, 100, nothing, &rooms) == HS_OK)
		key++;
	CHECK_EQ(set_against(key, 100, nothing, &rooms), HS_NO_MEMORY);
	REQUIRE_EQ(hs_op_begin(&op, &ks, keys_name(name, 0), HS_EXCLUSIVE, HEAP_NOW), HS_OK);
	CHECK_EQ(hs_key_delete(&op, &done), HS_OK);
	hs_op_end(&op);
	CHECK(done);
	for (uint64_t i = 0; i < 1000; i++)
		REQUIRE_EQ(set_against(key + i, 100, nothing, &rooms), HS_OK);
	heap_finish(&ks);
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
	heap_finish(&ks);
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
	heap_finish(&ks);
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
	heap_finish(&ks);
}

static uint64_t
count_keys(uint64_t n)
{
	char		name[KEYS_NAME_SIZE];
	uint64_t	found = 0;
	HsRead		r;

	for (uint64_t k = 0; k < n; k++)
		found += hs_peek(&ks, keys_name(name, k), HEAP_NOW, &r) == HS_OK;
	return found;
}

/* A sorted set, new or by zset_store, that is larger than the cap evicts nothing. */
static void
set_above_the_cap(void)
{
	enum
	{
		N = 600,
		SIZE = 20000
	};
	static uint8_t bytes[N][SIZE];
	static HsZsetMember members[N];

	heap_open(32 * MB);
	heap_keyspace(&ks, 1, HS_EVICT_S3FIFO, 8 * MB);
	for (uint64_t k = 0; k < 1000; k++)
	{
		char		name[KEYS_NAME_SIZE];

		CHECK_EQ(keys_set(&ks, keys_name(name, k), hs_bytes(bytes, 1000), HS_NEVER, HEAP_NOW), HS_OK);
	}
	for (unsigned i = 0; i < N; i++)
	{
		memcpy(bytes[i], &i, sizeof(i));
		members[i].member = hs_bytes(bytes[i], SIZE);
		members[i].score = i;
	}
	for (int way = 0; way < 2; way++)
	{
		HsZsetAdded out;
		HsStatus	status;
		HsOp		op;
		unsigned	rooms = 0;

		CASE("way %d", way);
		do
		{
			CHECK_EQ(hs_op_begin(&op, &ks, hs_bytes_str("z"), HS_EXCLUSIVE, HEAP_NOW), HS_OK);
			if (way == 0)
				status = hs_zset_add_many(&op, members, N, 0, HS_NEVER, &out);
			else
				status = hs_zset_store(&op, members, N, HS_NEVER);
			hs_op_end(&op);
		} while (status == HS_NO_MEMORY && ++rooms < 10000 &&
				 hs_make_room(&ks, op.hash, op.need, HEAP_NOW));
		CHECK_EQ(status, HS_NO_MEMORY);
		CHECK(rooms <= 1);
		CHECK_EQ(count_keys(1000), 1000);
		heap_check(&ks);
	}
	heap_finish(&ks);
}

/* All keys of one command at once: they take time in proportion to their number. */
static void
many_new_keys_at_once(uint64_t memory, size_t n, size_t size, HsStatus wanted, uint64_t kept)
{
	static uint8_t value[10000];
	HsMsetItem *items = calloc(n, sizeof(*items));
	char		(*names)[KEYS_NAME_SIZE] = calloc(n, sizeof(*names));
	HsStatus	status;
	HsMulti		m;
	uint64_t	hash;
	size_t		need;
	bool		done;
	char		name[KEYS_NAME_SIZE];

	heap_open(256 * MB);
	heap_keyspace(&ks, 1, HS_EVICT_S3FIFO, memory);
	for (uint64_t k = 0; k < 100; k++)
		CHECK_EQ(keys_set(&ks, keys_name(name, k), hs_bytes(value, 100), HS_NEVER, HEAP_NOW), HS_OK);
	for (size_t i = 0; i < n; i++)
	{
		items[i].key = keys_name(names[i], 1000 + i);
		items[i].value.bytes = hs_bytes(value, size);
	}
	CHECK_EQ(hs_mset_prepare(&ks, items, n, SIZE_MAX, &need), HS_OK);
	do
	{
		HsBytes    *keys = calloc(n, sizeof(*keys));

		for (size_t i = 0; i < n; i++)
			keys[i] = items[i].key;
		CHECK_EQ(hs_multi_begin(&m, &ks, keys, n, HS_EXCLUSIVE, HEAP_NOW), HS_OK);
		free(keys);
		status = hs_mset(&m, items, n, &(HsMsetRule) {.expires_us = HS_NEVER}, &done, &hash);
		need = m.need;
		hs_multi_end(&m);
	} while (status == HS_NO_MEMORY && hs_make_room(&ks, hash, need, HEAP_NOW));
	hs_mset_discard(items, n);
	CHECK_EQ(status, wanted);
	CHECK_EQ(count_keys(100), kept);
	CHECK_EQ(keys_stats(&ks).keys, status == HS_OK ? n + 100 : 100);
	free(items);
	free(names);
	heap_finish(&ks);
}

static void
mset_above_the_cap(void)
{
	many_new_keys_at_once(8 * MB, 2000, 10000, HS_NO_MEMORY, 100);
}

/* One partition, so that an index that does not grow on the way would show. */
static void
mset_of_many_keys(void)
{
	many_new_keys_at_once(31 * MB, 100000, 10, HS_OK, 100);
}

/*
 * The cap sinks below what the index of many short keys takes, and what is known of
 * evicted ones; all of that shrinks without a worker's help.
 */
static void
index_above_the_cap(void)
{
	HsKeyspaceOptions opts = {MB, 0, HS_EVICT_S3FIFO};
	char		name[KEYS_NAME_SIZE];
	HsStats		s;

	heap_open(64 * MB);
	heap_keyspace(&ks, 1, HS_EVICT_S3FIFO, 24 * MB);
	for (uint64_t k = 0; k < 1300000; k++)
		CHECK_EQ(keys_set(&ks, keys_name(name, k), hs_bytes_str("v"), HS_NEVER, HEAP_NOW), HS_OK);
	s = keys_stats(&ks);
	CHECK(s.evicted > 0);
	CHECK(s.index_bytes > 2 * MB);
	hs_keyspace_configure(&ks, &opts);
	for (uint64_t k = 0; k < 20000; k++)
		CHECK_EQ(keys_set(&ks, keys_name(name, k), hs_bytes_str("v"), HS_NEVER, HEAP_NOW), HS_OK);
	s = keys_stats(&ks);
	CHECK(s.bytes <= s.limit);
	CHECK(s.keys > 1000);
	heap_finish(&ks);
}

/*
 * Processes that take each other's room: with something to evict no write fails,
 * and all of them end.
 */
#define WRITERS		4

static int
write_for_a_while(unsigned id)
{
	static uint8_t value[100000];
	char		name[KEYS_NAME_SIZE];
	TestRandom	r = {id + 1};
	int			refused = 0;

	for (uint64_t n = 0; n < 6000; n++)
	{
		size_t		size = test_below(&r, 30) == 0 ? 60000 + test_below(&r, 40000) : test_below(&r, 3000);
		unsigned	rooms = 0;

		if (test_below(&r, 10) == 0)
			refused += add_members(id * 1000000 + n, 0, 1 + (unsigned) test_below(&r, 1000), &rooms) != HS_OK;
		else
			refused += keys_set(&ks, keys_name(name, id * 1000000 + n), hs_bytes(value, size),
								HS_NEVER, HEAP_NOW) != HS_OK;
	}
	return refused;
}

static void
writers_compete(void)
{
	pid_t		pids[WRITERS];

	heap_open(16 * MB);
	heap_keyspace(&ks, 1, HS_EVICT_S3FIFO, 4 * MB);
	for (unsigned i = 0; i < WRITERS; i++)
	{
		pids[i] = fork();
		if (pids[i] == 0)
		{
			int			refused = write_for_a_while(i);

			_exit(refused > 100 ? 100 : refused);
		}
	}
	for (unsigned i = 0; i < WRITERS; i++)
	{
		int			status = -1;

		waitpid(pids[i], &status, 0);
		CASE("writer %u", i);
		CHECK_EQ(status, 0);
	}
	heap_finish(&ks);
}

/*
 * ---- Contents that a policy finds little in ------------------------------------
 */

static HsStatus
grow_giant(uint64_t n)
{
	char		name[KEYS_NAME_SIZE];
	HsZsetAdded out;
	HsStatus	status;
	HsOp		op;

	do
	{
		CHECK_EQ(hs_op_begin(&op, &ks, hs_bytes_str("giant"), HS_EXCLUSIVE, HEAP_NOW), HS_OK);
		status = hs_zset_add(&op, keys_name(name, n), (double) n, 0, HS_NEVER, &out);
		hs_op_end(&op);
	} while (status == HS_NO_MEMORY && hs_make_room(&ks, op.hash, op.need, HEAP_NOW));
	return status;
}

static HsStatus
large_value(uint64_t n)
{
	static uint8_t value[300000];
	char		name[KEYS_NAME_SIZE];

	return keys_set(&ks, keys_name(name, n), hs_bytes(value, sizeof(value)), HS_NEVER, HEAP_NOW);
}

/* Each value as large as the room that a cap of 1 MB leaves. */
static HsStatus
largest_value(uint64_t n)
{
	static uint8_t value[600000];
	char		name[KEYS_NAME_SIZE];

	return keys_set(&ks, keys_name(name, n), hs_bytes(value, sizeof(value)),
					HEAP_NOW + HEAP_SECOND, HEAP_NOW);
}

static HsStatus
tiny_key(uint64_t n)
{
	char		name[KEYS_NAME_SIZE];

	return keys_set(&ks, keys_name(name, n), hs_bytes_str(""), HS_NEVER, HEAP_NOW);
}

static HsStatus
long_key(uint64_t n)
{
	static uint8_t key[HS_MAX_KEY];

	memcpy(key, &n, sizeof(n));
	return keys_set(&ks, hs_bytes(key, sizeof(key)), hs_bytes_str("v"), HS_NEVER, HEAP_NOW);
}

static HsStatus
collection(uint64_t n)
{
	unsigned	rooms;

	return add_members(n, 0, 300, &rooms);
}

/*
 * Whatever fills the keyspace: every command ends, with an evicting policy each
 * is done (under 'ttl', where nothing may go, as long as there is room), and
 * afterwards the keyspace takes other contents.
 */
static void
one_sided_contents(void)
{
	static const struct
	{
		const char *name;
		HsStatus	(*write) (uint64_t n);
		uint64_t	n;
	}			contents[] = {
		{"one giant set", grow_giant, 60000},
		{"large values", large_value, 200},
		{"largest values", largest_value, 100},
		{"tiny keys", tiny_key, 100000},
		{"long keys", long_key, 200},
		{"collections", collection, 500},
	};
	static const uint64_t caps[] = {MB, 2 * MB, 5 * MB};

	for (int policy = HS_EVICT_NONE; policy <= HS_EVICT_TTL; policy++)
		for (int cap = 0; cap < 3; cap++)
			for (int c = 0; c < 6; c++)
			{
				uint64_t	refused = 0;
				uint64_t	removed;
				HsStats		s;

				CASE("policy %d, cap %d, %s", policy, cap, contents[c].name);
				heap_open(16 * MB);
				heap_keyspace(&ks, 1, (HsEviction) policy, caps[cap]);
				for (uint64_t n = 0; n < contents[c].n; n++)
					refused += contents[c].write(n) != HS_OK;
				s = keys_stats(&ks);
				CHECK(s.bytes <= s.limit);
				if (policy == HS_EVICT_S3FIFO)
					CHECK_EQ(refused, 0);
				heap_check(&ks);
				for (int d = 0; d < 6 && policy == HS_EVICT_S3FIFO; d++)
					CHECK_EQ(contents[d].write(1000000 + (uint64_t) d), HS_OK);
				CHECK_EQ(hs_keyspace_flush(&ks, HEAP_NOW, &removed), HS_OK);
				CHECK_EQ(tiny_key(1), HS_OK);
				CHECK_EQ(large_value(2), HS_OK);
				heap_finish(&ks);
			}
}

TEST_MAIN(TEST(endless_collections),
		  TEST(only_hot_keys_may_go),
		  TEST(every_key_is_hot),
		  TEST(room_after_a_deletion),
		  TEST(room_of_others),
		  TEST(set_above_the_cap),
		  TEST(mset_above_the_cap),
		  TEST(mset_of_many_keys),
		  TEST(index_above_the_cap),
		  TEST(writers_compete),
		  TEST(one_sided_contents))
