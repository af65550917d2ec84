/*
 * dues.h
 *	  Members that expire on their own: fields of hashes, members of sets and
 *	  sorted sets.
 *
 * A collection of which a member may expire is a large one, whatever its size, and
 * has a queue of them by time (due_queue.h).  Its record carries HS_RF_DUES.
 *
 * Nobody sees an expired member: hs_op_begin() and hs_multi_begin() remove what has
 * expired of their keys, before the command has looked at anything.  Where that are
 * many they return HS_DUE; the caller then calls hs_dues_purge() until it returns
 * false, and begins anew.  A partition knows a lower bound of all its dues, so
 * keyspaces without any pay one comparison.
 *
 * Walks of all keys and readers without a lock take a collection whose members have
 * all expired for absent (hs_gone_at()); the latter see the flag and take the lock.
 * The worker removes what nobody asks for, guided by the segments of the logs
 * (expire.c).
 */
#ifndef HS_DUES_H
#define HS_DUES_H

#include "due_queue.h"

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
 * each.  type: HS_HASH, HS_SET or HS_ZSET, else HS_BAD_ARGUMENT; the same for NX with another
 * condition and for GT with LT.  HS_WRONG_TYPE, HS_NO_MEMORY, HS_MEMBER_TOO_LONG as usual.
 * Lock: exclusive.
 */
extern HsStatus hs_dues_set(HsOp *op, HsType type, const HsBytes *members, size_t n,
							int64_t expires_us, unsigned flags, HsDueResult *results);

/* *expires_us, HS_NEVER if it does not expire.  HS_NOT_FOUND: no such key or member.
 * Lock: shared. */
extern HsStatus hs_dues_get(HsOp *op, HsType type, HsBytes member, int64_t *expires_us);

/*
 * Remove members, at most some hundred, that have expired of the key with this
 * hash; the key, too, when it was the last one.  True: there may be more.  Takes and
 * releases the partition's lock (access.c).
 */
extern bool hs_dues_purge(HsHandle *h, uint64_t hash, int64_t now_us);

/*
 * ---- For the store ----------------------------------------------------------------
 */

/* The key is not there from this time on, if nothing is written: its expiry or, if all
 * its members expire, that of the last one; INT64_MIN if one of its tags was deleted.  Lock: shared. */
extern int64_t hs_gone_at(HsRecord *record);

/* Members that have expired by now and were not removed yet.  Lock: shared. */
static inline uint32_t
hs_dues_expired(HsRecord *record, int64_t now_us)
{
	return hs_has_dues(record) ? hs_due_count_until(hs_root(hs_record_root(record)), now_us) : 0;
}

/* When the next member of the linked record expires, or HS_NEVER.  Lock: shared. */
static inline int64_t
hs_dues_next(HsRecord *record)
{
	return hs_has_dues(record) ? hs_due_next(hs_root(hs_record_root(record))) : HS_NEVER;
}

typedef enum HsPurged
{
	HS_PURGED,					/* no member that has expired is left */
	HS_PURGED_SOME,				/* the budget is spent */
	HS_PURGED_KEY				/* all had expired: the record is gone */
} HsPurged;

/* Remove up to *budget members of the linked record that have expired; *budget is lowered.
 * Lock: exclusive. */
extern HsPurged hs_dues_purge_record(HsPart *part, HsRecord *record, int64_t now_us,
									 unsigned *budget);

/* Members lost their expiry or are gone, by whatever command: is the flag still true? */
extern void hs_dues_settle(HsPart *part, HsRecord *record);

/* NULL or what is wrong with the dues of a linked record. */
extern const char *hs_dues_verify(HsPart *part, HsRecord *record);

/*
 * ---- For dumps --------------------------------------------------------------------
 * What a collection with dues looks like there: u64 size of what HsTypeOps.dump wrote, that,
 * and for each member that expires, in the order of time, i64 expires_us | u32 size | bytes.
 */
extern size_t hs_dues_dump(HsRecord *record, uint8_t *buf, size_t capacity);

/* What HsTypeOps.dump wrote, false if it cannot be. */
extern bool hs_dues_dump_members(HsBytes payload, HsBytes *members);

/* As HsTypeOps.load. */
extern HsStatus hs_dues_load(HsOp *op, HsType type, HsBytes payload, int64_t expires_us);

#endif							/* HS_DUES_H */
