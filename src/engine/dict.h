/*
 * dict.h
 *	  What hashes and sets are made of: members unique by name, each with a
 *	  value (hash) or without (set), in no order.
 *
 * Small: one run of bytes in the record.  Large: a root node, a node for each
 * member, and a member index (members.h).  Integers written in the usual way
 * are stored as integers.
 *
 * Here is what users of hashes and sets see of that; the rest is in dict_int.h.
 */
#ifndef HS_DICT_H
#define HS_DICT_H

#include "items.h"
#include "type.h"

#define HS_DICT_VALUE_MAX	((size_t) 64 << 20)	/* bytes of a field's value */
#define HS_DICT_RANDOM_MAX	((int64_t) 1 << 20)	/* independent draws in one call */
#define HS_DICT_BATCH		1000	/* members that one call of a read copies, at most about */

/*
 * A hash or set being read batch by batch, in the order of the bit-reversed hash
 * of members; the lock may be released between.  A member that is there from the
 * first call to the last comes exactly once, whatever is written meanwhile; but
 * if a small one has become large between two calls, the walk begins anew.  Zero it
 * first.
 */
typedef struct HsDictCursor
{
	uint64_t	position;		/* in that order: the next one */
	uint32_t	seed;			/* of that order; 0 until a large one was met */
	bool		done;			/* nothing more will come */
} HsDictCursor;

#endif							/* HS_DICT_H */
