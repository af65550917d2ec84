/*
 * mix.h
 *	  A mixed load on one region whose every value can be checked, by
 *	  processes (engine_stress.c) or threads (thread_stress.c).
 */
#ifndef MIX_H
#define MIX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MIX_MAX_WORKERS	64
#define MIX_KEYSPACES	5

typedef enum MixOp
{
	MIX_READ, MIX_SET, MIX_SET_BIG, MIX_DELETE, MIX_EXPIRE, MIX_COUNTER, MIX_TRANSFER, MIX_AUDIT,
	MIX_SCAN, MIX_COUNT, MIX_ZSET_WRITE, MIX_ZSET_READ, MIX_ZSET_DELETE, MIX_HASH, MIX_FLUSH,
	MIX_DROP, MIX_STATS, MIX_NOPS
} MixOp;

/* Shared by all workers. */
typedef struct MixControl
{
	_Atomic int64_t clock;		/* the time of all, moved on by everybody */
	_Atomic bool stop;
	_Atomic uint32_t failures;
	_Atomic bool has_message;
	char		message[300];	/* of the first failure */
	unsigned	nworkers;
	uint64_t	seed;
	_Atomic uint64_t counter_adds;
	_Atomic uint64_t refused[MIX_KEYSPACES];	/* writes for lack of memory */
	_Atomic uint64_t ops[MIX_MAX_WORKERS][MIX_NOPS];
	_Atomic uint64_t work_slices;
	_Atomic uint32_t workers_left;
} MixControl;

/* Bytes of the region; smaller ones make keyspaces compete for segments. */
#ifndef MIX_REGION
#define MIX_REGION		((size_t) 96 << 20)
#endif

/* Make keyspaces and the keys that all share; the region exists already. */
extern void mix_prepare(MixControl *control);

/* Work until control->stop; id: 0 .. nworkers-1. */
extern void mix_work(MixControl *control, unsigned id);

/* Housekeeping as a server's worker does it, until the last worker ended. */
extern void mix_housekeep(MixControl *control);

/* After all have ended: sums, verification, and every byte given back. */
extern void mix_finish(MixControl *control);

/* Print what was done; the number of failures. */
extern unsigned mix_report(const MixControl *control, const char *program, double seconds);

#endif							/* MIX_H */
