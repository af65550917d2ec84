/*
 * heap_test.c
 *	  A region for tests: shared anonymous memory between guard pages.
 */
#define _GNU_SOURCE
#include "heap_test.h"

#include <sys/mman.h>

#include "keys_test.h"
#include "port_test.h"
#include "test.h"

#define GUARD	((size_t) 64 << 10)

extern int	hs_test_fail_after;

static uint8_t *map;			/* guard, region, guard; NULL if there is none */
static size_t map_size;

static void
die(const char *what)
{
	fprintf(stderr, "heap_test: %s\n", what);
	exit(2);
}

void
heap_open(size_t size)
{
	size_t		inner = (size + GUARD - 1) / GUARD * GUARD;

	heap_close();
	map_size = inner + 2 * GUARD;
	map = mmap(NULL, map_size, PROT_NONE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		die("mmap failed");
	if (mprotect(map + GUARD, inner, PROT_READ | PROT_WRITE) != 0)
		die("mprotect failed");
	/* the region ends at the guard, so that a step past its end is noticed */
	if (hs_region_init(map + GUARD + (inner - size) / 64 * 64, size, HEAP_NOW) != HS_OK)
		die("hs_region_init failed");
}

void
heap_close(void)
{
	hs_test_fail_after = -1;
	port_forget_locks();
	if (map != NULL)
		munmap(map, map_size);
	map = NULL;
}

void
heap_keyspace(HsHandle *h, uint32_t server, HsEviction eviction, uint64_t memory)
{
	HsKeyspaceOptions opts = {.memory = memory,.default_ttl_us = 0,.eviction = eviction};

	if (hs_keyspace_open(HEAP_DB, server, &opts, h) != HS_OK)
		die("hs_keyspace_open failed");
}

void
heap_check_at(const char *file, int line, HsHandle *h)
{
	(void) test_check_well(file, line, "hs_keyspace_verify()", hs_keyspace_verify(h));
	(void) test_check_well(file, line, "hs_region_verify()", hs_region_verify());
	(void) test_check_well(file, line, "keys_disagreement()", keys_disagreement());
	(void) test_check_int(file, line, "port_locks_held()", port_locks_held(), 0);
}

void
heap_finish_at(const char *file, int line, HsHandle *h)
{
	heap_check_at(file, line, h);
	hs_keyspace_drop(HEAP_DB, 1);
	(void) test_check_int(file, line, "hs_keyspace_is_current()", hs_keyspace_is_current(h), false);
	(void) test_check_int(file, line, "segments in use", heap_segs_in_use(), 0);
	(void) test_check_int(file, line, "orphan_segs", atomic_load(&hs_region->orphan_segs), 0);
	(void) test_check_int(file, line, "index pages in use",
						  hs_region->index_segs * HS_PAGES_PER_SEG - hs_region->index_pages_free, 0);
	(void) test_check_int(file, line, "partition pages in use",
						  hs_region->part_segs * HS_PAGES_PER_SEG - hs_region->part_pages_free, 0);
	(void) test_check_well(file, line, "hs_region_verify()", hs_region_verify());
	heap_close();
}

uint32_t
heap_segs_in_use(void)
{
	return hs_region->nsegs - atomic_load(&hs_region->free_segs) -
		hs_region->index_segs - hs_region->part_segs;
}

void
heap_fail_after(int n)
{
	hs_test_fail_after = n;
}
