/*
 * block.h
 *	  Commands that take something from the first of several keys that has it, or
 *	  wait until one has.
 */
#ifndef HSG_BLOCK_H
#define HSG_BLOCK_H

#include "rows.h"

typedef struct HsgBlock HsgBlock;

/*
 * Take something from the key of 'op', which is there and of the right type, into
 * b->out.  Runs under the locks of all keys and of b->dest: the rules of commands hold.
 * HS_BUFFER_TOO_SMALL with out.need set: called again with more room.
 * Another failure is raised as one of b->bad_key and b->found, which are those of
 * 'op' unless it says otherwise.
 */
typedef HsStatus (*HsgTake) (HsgBlock *b, HsMulti *m, HsOp *op);

struct HsgBlock
{
	/* set by the caller; the rest is zero */
	HsType		type;			/* that the keys must have */
	HsgTake		take;
	const void *arg;			/* for 'take' */
	HsBytes    *keys;
	int			nkeys;
	const HsBytes *dest;		/* a key that 'take' fills, or NULL */

	/* after hsg_block() */
	HsItems		out;			/* what was taken ... */
	HsBytes		from;			/* ... from this key */

	HsBytes		bad_key;		/* after HS_WRONG_TYPE */
	HsType		found;

	/* private */
	int64_t		until_us;		/* of hsg_wait_clock_us(); INT64_MAX: no limit */
	uint64_t   *ids;			/* queues of the keys */
	uint64_t	generation;		/* of the keyspace that 'ids' are for */
	bool	   *turns;
	HsBytes    *ready;			/* keys where it is our turn */
	bool		is_queued;
	bool		has_looked;		/* at all keys: their types are right */
};

/* The keys of a text[] argument. */
extern void hsg_block_keys(FunctionCallInfo fcinfo, int n, HsgBlock *b);

/*
 * Take, or wait for the interval of argument 'timeout' (NULL or 0: without end).
 * False if there was nothing until then.  Keys are looked at in their order; those
 * who wait for the same one are served in order of arrival.
 */
extern bool hsg_block(FunctionCallInfo fcinfo, int timeout, int ks_arg, HsgBlock *b);

#endif							/* HSG_BLOCK_H */
