/*
 * big.h
 *	  String values above HS_SEG_SIZE / 8: whole segments, then chunks and a
 *	  tail in the record logs, so that almost nothing is wasted.
 *
 * The record (HS_RF_BIG) holds an HsBig followed by the tail.  Full segments
 * are filled before the value is published and never change; a reader
 * pins the first one and copies without a lock.  Chunks (HS_CHUNK records) are
 * moved by compaction like any record, which finds their owner by hash.
 */
#ifndef HS_BIG_H
#define HS_BIG_H

#include "store.h"

#define HS_BIG_CHUNKS	8

typedef struct HsBig
{
	uint64_t	size;			/* bytes of the whole value */
	uint32_t	first_page;		/* segment number or HS_SEG_NONE */
	uint32_t	npages;
	uint32_t	nchunks;
	uint32_t	tail_size;		/* bytes after this struct */
	HsRef		chunk[HS_BIG_CHUNKS];
} HsBig;

/* Longest value kept in one record: HS_SEG_SIZE / 8 less some header. */
extern size_t hs_big_threshold(void);

/*
 * Pages for a value of 'size' bytes, charged to the keyspace.  Filled by
 * hs_big_fill() piece by piece, in any order, without a lock.  HS_NO_MEMORY sets
 * *need.  Ends with hs_big_reserve() + hs_publish(), or hs_big_discard().
 */
typedef struct HsBigDraft
{
	HsHandle   *h;
	size_t		size;
	uint32_t	first_page;
	uint32_t	npages;
} HsBigDraft;

extern HsStatus hs_big_prepare(HsHandle *h, size_t size, HsBigDraft *d, size_t *need);
extern void hs_big_fill(HsBigDraft *d, size_t offset, HsBytes bytes);	/* part in pages only */
extern void hs_big_discard(HsBigDraft *d);

/*
 * Inside begin/end: reserve record and chunks for the value; 'rest' are the
 * bytes from hs_big_rest_offset() on.  Then hs_publish(), which takes the
 * pages over.
 */
extern size_t hs_big_rest_offset(size_t size);
extern HsStatus hs_big_reserve(HsOp *op, uint16_t flags, HsBigDraft *d, HsBytes rest,
							   int64_t expires_us, HsDraft *draft);

/*
 * Read: under at least a shared lock copy [offset, offset+size) of what lies
 * in chunks and tail into dst, and pin the pages; after hs_op_end() copy the pages'
 * part and unpin.  dst is where 'offset' of the value goes.
 */
typedef struct HsBigPin
{
	uint32_t	first_page;		/* HS_SEG_NONE: nothing pinned */
	uint32_t	npages;
} HsBigPin;

extern size_t hs_big_size(HsRecord *record);
/* Does the value have these bytes?  Under at least a shared lock. */
extern bool hs_big_equals(HsRecord *record, HsBytes bytes);
extern void hs_big_copy_locked(HsRecord *record, size_t offset, uint8_t *dst,
							   size_t size, HsBigPin *pin);
extern void hs_big_copy_pages(const HsBigPin *pin, size_t offset, uint8_t *dst, size_t size);
extern void hs_big_unpin(HsBigPin *pin);

#endif							/* HS_BIG_H */
