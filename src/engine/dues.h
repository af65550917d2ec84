/*
 * dues.h
 *	  Members that expire on their own: fields of hashes, members of sets and
 *	  sorted sets.
 *
 * A collection of which a member may expire is a large one, whatever its size, and
 * has a queue of (expiry, member): an ordered list as sorted sets have.  Its record
 * carries HS_RF_DUES.
 *
 * Nobody sees an expired member: hs_op_begin() and hs_multi_begin() return HS_DUE for
 * a key that has some, before the command has looked at anything; the caller then
 * calls hs_dues_purge() until it returns false, and begins anew.  A partition
 * knows a lower bound of all its dues, so keyspaces without any pay one comparison.
 * Readers without a lock see the flag and take the lock.  The worker purges what
 * nobody asks for.
 */
#ifndef HS_DUES_H
#define HS_DUES_H

#include "type.h"

/* Conditions, as of kv_expire. */
#define HS_DUE_NX	0x01		/* only if it has no expiry */
#define HS_DUE_XX	0x02		/* only if it has one */
#define HS_DUE_GT	0x04		/* only if the new one is later; none counts as never */
#define HS_DUE_LT	0x08		/* only if the new one is earlier */

typedef enum HsDueResult
{
	HS_DUE_ABSENT,				/* no such key or member */
	HS_DUE_STOPPED,				/* by a condition */
	HS_DUE_SET,
	HS_DUE_REMOVED				/* the time is past: the member is gone */
} HsDueResult;

/*
 * Let members expire at an instant (HS_NEVER: not at all), all or none; results[i] for
 * each.  type: HS_HASH, HS_SET or HS_ZSET, else HS_BAD_ARGUMENT.  HS_WRONG_TYPE,
 * HS_NO_MEMORY as usual.  Lock: exclusive.
 */
extern HsStatus hs_dues_set(HsOp *op, HsType type, const HsBytes *members, size_t n,
							int64_t expires_us, unsigned flags, HsDueResult *results);

/* *expires_us, HS_NEVER if it does not expire.  HS_NOT_FOUND: no such key or member.
 * Lock: shared. */
extern HsStatus hs_dues_get(HsOp *op, HsType type, HsBytes member, int64_t *expires_us);

/*
 * Remove members, at most some hundred, that have expired of the key with this
 * hash; the key, too, when it was the last one.  True: there may be more.  Takes and
 * releases the partition's lock.
 */
extern bool hs_dues_purge(HsHandle *h, uint64_t hash, int64_t now_us);

#endif							/* HS_DUES_H */
