/*
 * engine_growth.c
 *	  The longest single command while a keyspace grows from nothing to many keys,
 *	  shrinks to nothing again, and while a sorted set grows to many members.
 *
 *	engine_growth [calls]		10000000 unless given
 *
 * The engine without a server; CPU time of the thread for each call.  A line for each
 * case: name|calls|longest|longest that repeats|buckets of histogram.h, all in
 * nanoseconds.
 *
 * A virtual machine's clock goes on while the host runs something else.  What
 * one call takes longer than LIMIT_NS is therefore looked at again: the same growth is
 * repeated, up to RUNS times in all, and of each call the shortest time counts.  Keys and
 * hashes are the same each time, so a pause of the engine's own would come at the same call.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine_bench.h"
#include "histogram.h"
#include "key.h"

#define LIMIT_NS	500000
#define RUNS		4
#define VALUE		"vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"

static HsHandle h;
static uint64_t ncalls = 10000000;
static uint32_t *shortest;		/* of each call, nanoseconds */

static void
add_key(uint64_t i)
{
	char		buf[BENCH_NAME];

	bench_set(&h, bench_name(buf, "key:", i), hs_bytes_str(VALUE), HS_NEVER);
}

static void
delete_key(uint64_t i)
{
	char		buf[BENCH_NAME];
	bool		deleted;
	HsOp		op;

	bench_must(hs_op_begin(&op, &h, bench_name(buf, "key:", i), HS_EXCLUSIVE, bench_now));
	bench_must(hs_key_delete(&op, &deleted));
	hs_op_end(&op);
}

static void
add_member(uint64_t i)
{
	char		buf[BENCH_NAME];

	bench_zadd(&h, hs_bytes_str("board"), bench_name(buf, "player:", i),
			   (double) (bench_random() % 1000000));
}

static void
start_empty(void)
{
	bench_region(((size_t) 64 << 20) + ncalls * 120);
	bench_keyspace(&h, 1, HS_EVICT_NONE, 0);
	bench_seed(1);
}

static void
start_full(void)
{
	start_empty();
	for (uint64_t i = 0; i < ncalls; i++)
		add_key(i);
}

static void
measure(const char *name, void (*start) (void), void (*call) (uint64_t i))
{
	static Histogram all;
	uint32_t	repeats = UINT32_MAX;

	memset(&all, 0, sizeof(all));
	memset(shortest, 0xff, ncalls * sizeof(*shortest));
	for (int run = 0; run < RUNS && repeats > LIMIT_NS; run++)
	{
		start();
		for (uint64_t i = 0; i < ncalls; i++)
		{
			uint64_t	ns = bench_cpu_ns();

			call(i);
			ns = bench_cpu_ns() - ns;
			histogram_add(&all, ns);
			if (ns < shortest[i])
				shortest[i] = (uint32_t) ns;
		}
		repeats = 0;
		for (uint64_t i = 0; i < ncalls; i++)
			if (shortest[i] > repeats)
				repeats = shortest[i];
	}
	printf("%s|%llu|%llu|%u|", name, (unsigned long long) all.calls, (unsigned long long) all.max_ns, repeats);
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
		printf("%s%llu", i > 0 ? "," : "", (unsigned long long) all.bucket[i]);
	printf("\n");
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		ncalls = strtoull(argv[1], NULL, 10);
	shortest = malloc(ncalls * sizeof(*shortest));
	if (shortest == NULL || ncalls == 0)
		return 2;
	measure("keys", start_empty, add_key);
	measure("deleting", start_full, delete_key);
	measure("members", start_empty, add_member);
	return 0;
}
