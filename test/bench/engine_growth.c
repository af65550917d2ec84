/*
 * engine_growth.c
 *	  The longest single command while a keyspace grows from nothing to many keys and
 *	  shrinks to nothing again, or while a sorted set grows to many members.
 *
 *	engine_growth [keys | members [calls]]		10000000 calls unless given
 *
 * The engine without a server; CPU time of the thread for each call.  A line for each
 * phase: name|calls|longest|longest that repeats|buckets of histogram.h, all in
 * nanoseconds.
 *
 * A virtual machine's clock goes on while the host runs something else.  If
 * one call takes longer than LIMIT_NS, all is therefore looked at again: the same growth is
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
#define RUNS		3
#define VALUE		"vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv"

typedef struct Phase
{
	const char *name;
	void		(*call) (uint64_t i);
	Histogram	all;
	uint32_t   *shortest;		/* of each call, nanoseconds */
	uint32_t	repeats;		/* the longest of these */
} Phase;

static HsHandle h;
static uint64_t ncalls = 10000000;

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
run(Phase *p)
{
	for (uint64_t i = 0; i < ncalls; i++)
	{
		uint64_t	ns = bench_cpu_ns();

		p->call(i);
		ns = bench_cpu_ns() - ns;
		histogram_add(&p->all, ns);
		if (ns < p->shortest[i])
			p->shortest[i] = (uint32_t) ns;
	}
	p->repeats = 0;
	for (uint64_t i = 0; i < ncalls; i++)
		if (p->shortest[i] > p->repeats)
			p->repeats = p->shortest[i];
}

static void
print(const Phase *p)
{
	printf("%s|%llu|%llu|%u|", p->name, (unsigned long long) p->all.calls, (unsigned long long) p->all.max_ns, p->repeats);
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
		printf("%s%llu", i > 0 ? "," : "", (unsigned long long) p->all.bucket[i]);
	printf("\n");
}

int
main(int argc, char **argv)
{
	static Phase keys[] = {{"keys", add_key}, {"deleting", delete_key}, {NULL}};
	static Phase members[] = {{"members", add_member}, {NULL}};
	Phase	   *phases = argc > 1 && strcmp(argv[1], "members") == 0 ? members : keys;
	uint32_t	repeats = UINT32_MAX;

	if (argc > 2)
		ncalls = strtoull(argv[2], NULL, 10);
	for (Phase *p = phases; p->name != NULL; p++)
	{
		p->shortest = malloc(ncalls * sizeof(*p->shortest));
		if (p->shortest == NULL || ncalls == 0)
			return 2;
		memset(p->shortest, 0xff, ncalls * sizeof(*p->shortest));
	}
	for (int i = 0; i < RUNS && repeats > LIMIT_NS; i++)
	{
		start_empty();
		repeats = 0;
		for (Phase *p = phases; p->name != NULL; p++)
		{
			run(p);
			if (p->repeats > repeats)
				repeats = p->repeats;
		}
	}
	for (Phase *p = phases; p->name != NULL; p++)
		print(p);
	return 0;
}
