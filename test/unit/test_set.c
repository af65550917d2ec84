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

TEST_MAIN(
		  TEST(random_commands))
