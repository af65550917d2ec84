/*
 * test_set.c
 *	  Sets of both encodings against a naive model.
 */
#include "dict_int.h"
#include "dict_run_test.h"
#include "port_test.h"
#include "slab_test.h"

#define REGION_SIZE		((size_t) 96 << 20)

static HsHandle h;

static void
open_region(size_t size)
{
	heap_open(size);
	slab_fill_junk(true);
	heap_keyspace(&h, 1, HS_EVICT_NONE, 0);
}

static void
done(void)
{
	CHECK_EQ(port_locks_held(), 0);
	CHECK_WELL(hs_keyspace_verify(&h));
	CHECK_WELL(hs_region_verify());
	heap_close();
}

static void
random_commands(void)
{
	static const unsigned sizes[] = {3, 40, 100, 140, 300, 2000, 20, 0};

	for (uint64_t seed = 1; seed <= test_scaled(4); seed++)
	{
		DictRun		t;

		CASE("seed %d", (int) seed);
		open_region(REGION_SIZE);
		dict_run_open(&t, &h, HS_SET, "s", 4000, seed % 2, test_seed(seed));
		for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		{
			dict_random_steps(&t, 3000, sizes[i]);
			dict_check_all(&t, i % 2 ? 1 << 20 : 3000);
		}
		dict_run_close(&t);
		done();
	}
}

/*
 * ---- Members in the order in which another set gives them ---------------------------------
 * That order is one of hashes: all of the first come from the same part of an index.
 */

static HsOp
begin(const char *key, HsLockMode mode)
{
	HsOp		op;

	CHECK_EQ(hs_op_begin(&op, &h, hs_bytes_str(key), mode, HEAP_NOW), HS_OK);
	return op;
}

static void
add(const char *key, const HsBytes *members, size_t n)
{
	HsOp		op = begin(key, HS_EXCLUSIVE);
	uint64_t	added = 0;

	CHECK_EQ(hs_set_add(&op, members, n, HS_NEVER, &added), HS_OK);
	CHECK_EQ(added, n);
	hs_op_end(&op);
}

static void
check_count(const char *key, uint64_t want)
{
	HsOp		op = begin(key, HS_SHARED);
	uint64_t	count = 0;

	CASE("key %s", key);
	CHECK_EQ(hs_set_count(&op, &count), HS_OK);
	CHECK_EQ(count, want);
	hs_op_end(&op);
}

static void
read_and_add(void)
{
	enum
	{
		MEMBERS = 60000
	};
	static uint8_t buf[65536];
	static uint8_t dump[MEMBERS * 16];
	HsItems		items = {.buf = buf,.capacity = sizeof(buf)};
	HsDictCursor cursor = {0};
	size_t		size;
	HsOp		op;

	open_region(REGION_SIZE);
	for (int i = 0; i < MEMBERS; i++)
	{
		char		name[16];

		(void) snprintf(name, sizeof(name), "%d", i);
		add("source", (HsBytes[]) {hs_bytes_str(name)}, 1);
	}
	while (!cursor.done)
	{
		HsBytes		members[2 * HS_DICT_BATCH];
		size_t		pos = 0;

		op = begin("source", HS_SHARED);
		CHECK_EQ(hs_set_read(&op, &cursor, &items), HS_OK);
		hs_op_end(&op);
		for (size_t i = 0; i < items.n; i++)
		{
			(void) hs_items_next(&items, &pos, &members[i]);
			add("one by one", &members[i], 1);
		}
		add("batches", members, items.n);
	}
	check_count("one by one", MEMBERS);
	check_count("batches", MEMBERS);

	op = begin("source", HS_SHARED);
	size = hs_dict_dump(hs_find(&op), dump, sizeof(dump));
	hs_op_end(&op);
	op = begin("loaded", HS_EXCLUSIVE);
	CHECK_EQ(hs_set_load(&op, hs_bytes(dump, size), HS_NEVER), HS_OK);
	hs_op_end(&op);
	check_count("loaded", MEMBERS);
	done();
}

TEST_MAIN(
		  TEST(random_commands),
		  TEST(read_and_add))
