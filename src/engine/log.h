/*
 * log.h
 *	  Record memory of a partition: two queues of segments, filled at the
 *	  newest end.
 *
 * Lock: partition, exclusive, for everything here.
 */
#ifndef HS_LOG_H
#define HS_LOG_H

#include "index.h"

/*
 * 'size' bytes (padded to the granule) at the end of a queue, counted as live.
 * HS_REF_NONE if no segment can be had.
 */
extern HsRef hs_log_alloc(HsPart *part, uint32_t size, HsLogQueue queue,
						  int64_t expires_us, bool for_compaction);

/* The record is not linked any more, or never was.  A closed segment without
 * live records is given back at once. */
extern void hs_log_kill(HsPart *part, HsRecord *record);

/* Let no more records into the open segment of a queue. */
extern void hs_log_close(HsPart *part, HsLogQueue queue);

/* Give open segments back that hold nothing. */
extern void hs_log_trim(HsPart *part);

/* The queue a segment is in. */
extern HsLogQueue hs_log_queue(uint32_t seg);

/* A record's expiry changed in place. */
extern void hs_log_note_expiry(HsPart *part, const HsRecord *record, int64_t expires_us);

/* A member of the collection at 'record' expires then, the earliest of them or any other. */
extern void hs_log_note_due(HsPart *part, const HsRecord *record, int64_t due_us);

/* The record has tags, none of them dead. */
extern void hs_log_note_tags(HsPart *part, const HsRecord *record);

/*
 * Have the buckets of some of the next n > 0 records of a segment on their way: of the keys
 * that expire until then, HS_NEVER for all.  They lie anywhere, and it is their coming from memory,
 * one after the other, that emptying a segment takes its time for.
 * Returns how many records there are, n at most; one at least.
 */
extern unsigned hs_log_look_ahead(const HsPart *part, uint32_t seg, uint32_t pos, unsigned n,
								  int64_t until_us);

/* Give back every segment. */
extern void hs_log_reset(HsPart *part);

/*
 * ---- store.c -------------------------------------------------------------------
 */

/* Bytes that a record owns outside of the logs. */
extern uint64_t hs_owned_bytes(HsRecord *record);

/* A new version for a record that carries one. */
extern void hs_renew_version(HsPart *part, HsRecord *record);

/* Change HS_RF_DUES of a linked record; see hs_dues_settle(). */
extern void hs_flip_dues(HsPart *part, HsRecord *record);

/* Take a linked record out of the index and free it with all it owns. */
extern void hs_unlink(HsPart *part, HsSlot *slot, HsRecord *record);

/*
 * ---- big.c ---------------------------------------------------------------------
 */
#define HS_PIN_DEAD	0x80000000u	/* HsSeg.pins: the last reader frees the pages */

extern void hs_big_adopt(HsPart *part, HsRecord *record);
extern void hs_big_free(HsPart *part, HsRecord *record);
extern void hs_big_kill_chunks(HsPart *part, HsRecord *record);
/* Chunk 'number' of the value at 'record' is at 'chunk' now. */
extern void hs_big_chunk_moved(HsRecord *record, uint32_t number, HsRef chunk);
/* Does the value at 'record' have this chunk? */
extern bool hs_big_has_chunk(HsRecord *record, uint32_t number, HsRef chunk);
extern void hs_big_reset(HsPart *part);

/* A HS_CHUNK record: which value it belongs to. */
typedef struct HsChunkHead
{
	uint64_t	hash;			/* of the owner's key */
	uint32_t	number;			/* in HsBig.chunk */
} HsChunkHead;

/*
 * ---- evict.c, expire.c -----------------------------------------------------------
 */

/* Was the key evicted not long ago? */
extern bool hs_ghost_has(const HsPart *part, uint64_t hash);
extern void hs_ghost_reset(HsPart *part);

/*
 * Evacuate about 'budget' bytes of one segment, choosing one if none is under
 * way.  'urgent': also segments that are nearly full.  False: nothing to do.
 */
extern bool hs_evacuate(HsPart *part, size_t budget, bool urgent, int64_t now_us);

/* Is the keyspace, or the region, so full that room should be made ahead? */
extern bool hs_pressed(const HsPart *part);

/*
 * Remove expired keys among the next 'nrecords' that may have some.  'all': also
 * in segments searched a moment ago.  False: none are left.
 */
extern bool hs_expire_slice(HsPart *part, int64_t now_us, unsigned nrecords, bool all);

/* Free about 'budget' nodes of detached collections.  False: none are left. */
extern bool hs_bury(HsPart *part, unsigned budget);

/* Everything of the partition goes.  Readers without a lock notice. */
extern void hs_part_reset(HsPart *part);

#endif							/* HS_LOG_H */
