/*
 * thread_stress.c
 *	  The load of engine_stress.c by threads, for ThreadSanitizer.
 *	  usage: thread_stress [seconds [threads [seed]]]
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "heap_test.h"
#include "mix.h"

static MixControl control;

static void *
run(void *arg)
{
	unsigned	id = (unsigned) (uintptr_t) arg;

	if (id < control.nworkers)
		mix_work(&control, id);
	else
		mix_housekeep(&control);
	return NULL;
}

int
main(int argc, char **argv)
{
	unsigned	seconds = argc > 1 ? (unsigned) atoi(argv[1]) : 10;
	unsigned	n = argc > 2 ? (unsigned) atoi(argv[2]) : 4;
	pthread_t	threads[MIX_MAX_WORKERS + 1];

	if (n < 1 || n > MIX_MAX_WORKERS)
		return 2;
	control.nworkers = n;
	control.seed = argc > 3 ? strtoull(argv[3], NULL, 0) : (uint64_t) time(NULL);
	heap_open(MIX_REGION);
	mix_prepare(&control);
	for (uintptr_t i = 0; i <= n; i++)
		pthread_create(&threads[i], NULL, run, (void *) i);
	for (unsigned t = 0; t < seconds * 10 && !atomic_load(&control.stop); t++)
		usleep(100000);
	atomic_store(&control.stop, true);
	for (unsigned i = 0; i <= n; i++)
		pthread_join(threads[i], NULL);
	mix_finish(&control);
	return mix_report(&control, "thread_stress", seconds) > 0;
}
