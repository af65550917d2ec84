/*
 * big.h
 *	  String values above HS_SEG_SIZE / 8: whole segments, then chunks and a
 *	  tail in the record logs, so that almost nothing is wasted.
 *
 * The record (HS_RF_BIG) holds an HsBig followed by the tail.  Full segments
 * are filled before the value is published; a reader pins the first one and
 * copies without a lock.  Chunks (HS_CHUNK records) are moved by compaction like
 * any record, which finds their owner by hash.
 *
 * Bits are changed in place.  Each page carries the version of its last change and
 * the first page the latest of them all: a reader who finds that one
 * moved knows which pages to copy again.  A value can have room for more bytes than
 * it has, which are zero then.
 */
#ifndef HS_BIG_H
#define HS_BIG_H

#include "store.h"

#define HS_BIG_CHUNKS	8

typedef struct HsBig
{
	uint64_t	size;			/* bytes of the whole value; what is behind them is zero */
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
	size_t		size;			/* of the value */
	size_t		room;			/* bytes to lay out, at least 'size' */
	uint32_t	first_page;
	uint32_t	npages;
} HsBigDraft;

extern HsStatus hs_big_prepare(HsHandle *h, size_t size, HsBigDraft *d, size_t *need);
/* The same with room for a value of 'room' bytes.  From 'size' on fill in zeros. */
extern HsStatus hs_big_prepare_room(HsHandle *h, size_t size, size_t room,
									HsBigDraft *d, size_t *need);
extern void hs_big_fill(HsBigDraft *d, size_t offset, HsBytes bytes);	/* part in pages only */
extern void hs_big_discard(HsBigDraft *d);

/*
 * Inside begin/end: reserve record and chunks for the value; 'rest' are the
 * bytes from hs_big_rest_offset(room) on.  Then hs_publish(), which takes the
 * pages over.
 */
extern size_t hs_big_rest_offset(size_t room);
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
	uint64_t	changed;		/* version of the last change when it was pinned */
} HsBigPin;

#define HS_BIG_NO_PIN {HS_SEG_NONE, 0, 0}

extern size_t hs_big_size(HsRecord *record);
extern uint32_t hs_big_first_page(HsRecord *record);	/* or HS_SEG_NONE */
/* Bytes that there is room for, and those of the value that are in pages. */
extern size_t hs_big_room(HsRecord *record);
extern size_t hs_big_in_pages(HsRecord *record);
/* Does the value have these bytes?  Under at least a shared lock. */
extern bool hs_big_equals(HsRecord *record, HsBytes bytes);
extern void hs_big_copy_locked(HsRecord *record, size_t offset, uint8_t *dst,
							   size_t size, HsBigPin *pin);
/* since: not 0 to leave out pages that have not changed after that version. */
extern void hs_big_copy_pages(const HsBigPin *pin, size_t offset, uint8_t *dst,
							  size_t size, uint64_t since);
extern void hs_big_unpin(HsBigPin *pin);

/*
 * Pages one by one.  Under a shared lock pin them all; read each with
 * hs_big_page_read(), with or without a lock; then ask whether what was read is
 * the value as it was when it was pinned.
 */
extern void hs_big_pin(HsRecord *record, HsBigPin *pin);
extern uint32_t hs_big_page(uint32_t first_page, uint32_t number);	/* its segment */
extern uint32_t hs_big_next_page(uint32_t page);
extern bool hs_big_page_changed(uint32_t page, uint64_t since);
extern void hs_big_page_read(uint32_t page, size_t offset, uint8_t *dst, size_t size);
extern bool hs_big_is_unchanged(const HsBigPin *pin);

/*
 * Change bytes in place, whether in pages, chunks or tail; all of it under one
 * exclusive lock is one change to readers.  Cannot fail.  The record
 * may be a draft.  hs_big_change() comes first, then any number of
 * hs_big_write(), then hs_big_grow() if there are more bytes now (there is room
 * for them and they are written or zero) or hs_touch_version() if not.
 * Lock: exclusive.
 */
extern void hs_big_change(HsOp *op, HsRecord *record);
extern void hs_big_write(HsRecord *record, size_t offset, const uint8_t *bytes, size_t size);
extern void hs_big_grow(HsOp *op, HsRecord *record, size_t size);

#endif							/* HS_BIG_H */
