/*
 * region.h
 *	  The one piece of shared memory, cut into segments on one free list.
 *
 * A region starts with HsRegion, then the headers of all segments (HsSeg, out
 * of line so that a segment is all payload), then the segments.  Everything
 * in it is addressed by HsRef: an offset from the start, in granules of
 * 1 << hs_shift bytes; 0 is none.
 *
 * Locks: the free list is lock-free; everything else here states its own.
 */
#ifndef HS_REGION_H
#define HS_REGION_H

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "bytes.h"
#include "port.h"
#include "status.h"

#define HS_REGION_MAGIC		0x48534554	/* "HSET" */
#define HS_LAYOUT_VERSION	3

#define HS_MIN_REGION		((size_t) 8 << 20)	/* bytes */
#define HS_MAX_REGION		((size_t) 128 << 30)
#define HS_MAX_KEYSPACES	1024
#define HS_CACHE_LINE		64

typedef uint32_t HsRef;			/* offset in granules; HS_REF_NONE is none */
#define HS_REF_NONE			((HsRef) 0)
#define HS_SEG_NONE			UINT32_MAX

typedef enum HsSegKind
{
	HS_SEG_FREE = 0,
	HS_SEG_INDEX,				/* index and directory pages; never another kind again */
	HS_SEG_PART,				/* HsPart structs; never another kind again */
	HS_SEG_LOG_SMALL,			/* records, probation queue (S) */
	HS_SEG_LOG_MAIN,			/* records, main queue (M) */
	HS_SEG_SLAB,				/* pages of nodes of large collections */
	HS_SEG_BIG					/* whole pages of one large value */
} HsSegKind;

/*
 * Header of a segment.  (p) lock of the partition that owns it, (a) atomic,
 * (f) meaningful while on the free list only.
 */
typedef struct HsSeg
{
	_Atomic uint32_t next_free; /* (a)(f) segment number */
	uint32_t	next;			/* (p) queue or list of its tenant */
	uint32_t	prev;			/* (p) */
	uint32_t	chain;			/* (p) HS_SEG_BIG: next page of the same value */
	union
	{
		uint32_t	used;		/* (p) log: bytes handed out */
		uint32_t	jump;		/* (p) HS_SEG_BIG: a page further on, see big.c */
	};
	union
	{
		uint32_t	live;		/* (p) log: bytes of linked records; slab: pages in use */
		uint32_t	length;		/* (p) HS_SEG_BIG: pages from this one to the last */
	};
	int64_t		min_expires_us; /* (p) log: no linked record expires before */
	union
	{
		int64_t		min_dues_us;	/* (p) log: no member of a linked record expires before */
		_Atomic uint64_t value_changed; /* (a) HS_SEG_BIG, first page: latest 'changed' of all */
	};
	union
	{
		int64_t		next_scan_us;	/* (p) log: do not look for expired records before */
		_Atomic uint64_t changed;	/* (a) HS_SEG_BIG: version of the page's last change */
	};
	_Atomic uint32_t pins;		/* (a) HS_SEG_BIG, first page: readers, and HS_PIN_DEAD */
	uint32_t	page_map;		/* (p) slab: bit set = page in use */
	uint16_t	keyspace;		/* (p) slot of the owning keyspace */
	uint8_t		part;			/* (p) number of the owning partition */
	uint8_t		kind;			/* (p) HsSegKind */
	uint32_t	tagged;			/* (p) log: HsPart.tag_epoch at which no linked record had a dead
								 * tag; 0: none has tags.  See expire.c */
} HsSeg;

static_assert(sizeof(HsSeg) == 64, "a segment header is one cache line");

struct HsKeyspace;

typedef struct HsRegion
{
	uint32_t	magic;			/* (c) constant after creation */
	uint32_t	layout;			/* (c) */
	uint64_t	size;			/* (c) bytes, this header included */
	uint64_t	seed;			/* (c) of key hashes, random per start */
	uint64_t	version_base;	/* (c) first key version, above any of earlier starts */
	uint32_t	shift;			/* (c) log2 of the granule of HsRef */
	uint32_t	seg_shift;		/* (c) log2 of the segment size */
	uint32_t	nsegs;			/* (c) segment numbers 0 .. nsegs-1 */
	uint32_t	reserve_segs;	/* (c) kept for compaction, see hs_seg_get() */
	uint64_t	segs_offset;	/* (c) bytes: HsSeg array */
	uint64_t	data_offset;	/* (c) bytes: first segment, aligned to 4 kB */
	uint64_t	keyspaces_offset;	/* (c) bytes: HsKeyspace array */
	uint32_t	nkeyspaces;		/* (c) slots in it */

	_Alignas(HS_CACHE_LINE)
	_Atomic uint64_t free_head; /* (a) ABA tag << 32 | segment number */
	_Atomic uint32_t free_segs; /* (a) count on the free list */
	_Atomic uint32_t orphan_segs;	/* (a) dead large values still pinned by readers */

	_Alignas(HS_CACHE_LINE)
	HsLock		lock;			/* leaf lock: index page and partition page pools */
	HsRef		free_index_page;	/* (l) linked through the page */
	HsRef		free_part_page; /* (l) */
	uint32_t	index_segs;		/* (l) */
	uint32_t	part_segs;		/* (l) */
	uint32_t	index_pages_free;	/* (l) */
	uint32_t	part_pages_free;	/* (l) */

	_Alignas(HS_CACHE_LINE)
	HsLock		keyspace_lock;	/* the keyspace table: create, drop, look up */
	uint64_t	max_version;	/* (k) of any partition that was dropped */
} HsRegion;

/*
 * Process-local view of the region, set by hs_region_init()/_attach().  One
 * region per process; globals keep address translation to one add.
 */
extern uint8_t *hs_base;
extern HsRegion *hs_region;
extern HsSeg *hs_segs;
extern unsigned hs_shift;
extern unsigned hs_seg_shift;
extern uint64_t hs_data_offset;
extern uint64_t hs_region_size;

#define HS_SEG_SIZE		((size_t) 1 << hs_seg_shift)
#define HS_PAGES_PER_SEG 8
#define HS_PAGE_SIZE	(HS_SEG_SIZE / HS_PAGES_PER_SEG)	/* index, directory and partition pages */
#define HS_RECORD_MAX	HS_SEG_SIZE	/* bytes of the longest record */

static inline void *
hs_ptr(HsRef ref)
{
	return hs_base + ((uint64_t) ref << hs_shift);
}

static inline HsRef
hs_ref(const void *ptr)
{
	return (HsRef) ((uint64_t) ((const uint8_t *) ptr - hs_base) >> hs_shift);
}

static inline uint32_t
hs_seg_of(HsRef ref)
{
	return (uint32_t) ((((uint64_t) ref << hs_shift) - hs_data_offset) >> hs_seg_shift);
}

static inline uint8_t *
hs_seg_data(uint32_t seg)
{
	return hs_base + hs_data_offset + ((uint64_t) seg << hs_seg_shift);
}

/*
 * Lay out a new region in 'size' bytes at 'mem' (aligned to 64), or take note
 * of one that exists.  now_us: microseconds since 2000-01-01 UTC.
 * hs_region_attach() returns HS_CORRUPT if magic or layout do not match.
 */
extern uint32_t hs_region_keyspaces(size_t size);	/* how many it has room for */
extern HsStatus hs_region_init(void *mem, size_t size, int64_t now_us);
extern HsStatus hs_region_attach(void *mem);

/*
 * Take a segment off the free list; HS_SEG_NONE if there is none.  The last
 * reserve_segs are given only to compaction ('for_compaction'), which returns
 * more than it takes.  The header is reset; 'kind' is set.
 */
extern uint32_t hs_seg_get(HsSegKind kind, bool for_compaction);
extern void hs_seg_put(uint32_t seg);

/*
 * Pages of HS_PAGE_SIZE from the type-stable pools.  Index pages come zeroed;
 * a page of partitions keeps everything but what its user resets.  Returns
 * HS_REF_NONE if no segment is free.
 * Lock: takes the region lock (leaf).
 */
extern HsRef hs_index_page_get(void);
extern void hs_index_page_put(HsRef page);
extern HsRef hs_part_page_get(void);
extern void hs_part_page_put(HsRef page);

#endif							/* HS_REGION_H */
