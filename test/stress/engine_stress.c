/*
 * engine_stress.c
 *	  Processes over one shared region under a mixed load (mix.c), one more
 *	  that keeps house.  usage: engine_stress [seconds [processes [seed]]]
 *
 * A process that dies or hangs is a failure.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "heap_test.h"
#include "mix.h"

#define PATIENCE	60			/* seconds to end after being told to */

static double
seconds_since(const struct timespec *start)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double) (t.tv_sec - start->tv_sec) + (double) (t.tv_nsec - start->tv_nsec) / 1e9;
}

static pid_t
spawn(MixControl *c, unsigned id)
{
	pid_t		pid = fork();

	if (pid < 0)
	{
		perror("fork");
		exit(2);
	}
	if (pid == 0)
	{
		if (id < c->nworkers)
			mix_work(c, id);
		else
			mix_housekeep(c);
		_exit(0);
	}
	return pid;
}

/* Collect a child; false if it ended badly. */
static bool
reap(pid_t *pids, unsigned n, unsigned *running)
{
	int			status;
	pid_t		pid = waitpid(-1, &status, WNOHANG);

	if (pid <= 0)
		return true;
	for (unsigned i = 0; i < n; i++)
		if (pids[i] == pid)
			pids[i] = 0;
	(*running)--;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	fprintf(stderr, "  process %d ended with status %#x\n", (int) pid, (unsigned) status);
	return false;
}

int
main(int argc, char **argv)
{
	double		seconds = argc > 1 ? atof(argv[1]) : 10;
	unsigned	n = argc > 2 ? (unsigned) atoi(argv[2]) : 4;
	pid_t		pids[MIX_MAX_WORKERS + 1];
	unsigned	running;
	bool		broken = false;
	struct timespec start;
	double		elapsed;
	MixControl *c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (n < 1 || n > MIX_MAX_WORKERS || c == MAP_FAILED)
		return 2;
	c->nworkers = n;
	c->seed = argc > 3 ? strtoull(argv[3], NULL, 0) : (uint64_t) time(NULL);
	heap_open(MIX_REGION);
	mix_prepare(c);
	fflush(NULL);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (unsigned i = 0; i <= n; i++)
		pids[i] = spawn(c, i);
	running = n + 1;
	while (running > 0 && !broken)
	{
		elapsed = seconds_since(&start);
		if (elapsed >= seconds)
			atomic_store(&c->stop, true);
		if (elapsed >= seconds + PATIENCE)
		{
			fprintf(stderr, "  %u processes do not end\n", running);
			broken = true;
		}
		broken |= !reap(pids, n + 1, &running);
		usleep(2000);
	}
	if (broken)
	{
		/* a lock may be held for ever, so the end cannot be checked */
		for (unsigned i = 0; i <= n; i++)
			if (pids[i] > 0)
				kill(pids[i], SIGKILL);
		atomic_fetch_add(&c->failures, 1);
	}
	elapsed = seconds_since(&start);
	if (!broken)
		mix_finish(c);
	return mix_report(c, "engine_stress", elapsed) > 0;
}
