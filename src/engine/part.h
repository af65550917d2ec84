/*
 * part.h
 *	  The shared structs behind a keyspace, and what the files of the store
 *	  offer each other.  Nothing outside src/engine includes this.
 *
 * A keyspace has nparts partitions; the top bits of a key's hash choose one.
 * A partition has a lock, an index (index.c), two logs of records (log.c), slabs
 * for nodes of large collections (slab.c), and a list of large collections
 * waiting to be freed.  Struct HsPart is type-stable: its memory may come
 * to serve another keyspace but never anything else.
 */
#ifndef HS_PART_H
#define HS_PART_H

#include "slab.h"
#include "store.h"
#include "type.h"

#define HS_PART_PAGES	16		/* pages of HsPart structs of one keyspace */
#define HS_GHOST_PAGES	32
#define HS_BUCKET_SLOTS 11
#define HS_MIN_KEYSPACE ((uint64_t) 1 << 20)	/* bytes, smallest cap */

/*
 * One cache line of the index.  The version in hdr is a sequence lock: odd
 * while the chain that starts here changes.
 */
typedef struct HsBucket
{
	_Atomic uint64_t hdr;		/* [63:32] version [31:11] overflow no. + 1 [10:0] visited */
	uint8_t		tag[HS_BUCKET_SLOTS];	/* 0: empty slot */
	uint8_t		spare;
	_Atomic uint32_t ref[HS_BUCKET_SLOTS];	/* HsRef of the record */
} HsBucket;

static_assert(sizeof(HsBucket) == HS_CACHE_LINE, "a bucket is one cache line");

#define HS_HDR_VERSION_ONE	((uint64_t) 1 << 32)
#define HS_HDR_VISITED		((uint64_t) 0x7ff)
#define HS_HDR_OVERFLOW		((uint64_t) 0xfffff800)
#define HS_HDR_OVERFLOW_SHIFT 11
#define HS_MAX_OVERFLOW		((1u << 21) - 2)
#define HS_MAX_HOPS			64	/* overflow buckets a lock-free reader follows */

/* In HsPart.geometry: readers take the lock, see hs_multi_close(). */
#define HS_CLOSED			((uint64_t) 1 << 63)

typedef enum HsLogQueue
{
	HS_LOG_S,					/* probation */
	HS_LOG_M,					/* main */
	HS_NLOGS
} HsLogQueue;

/*
 * A queue of log segments, oldest first, linked through HsSeg.next/prev.
 */
typedef struct HsLog
{
	uint32_t	oldest;
	uint32_t	newest;
	uint32_t	open;			/* segment that takes records, or HS_SEG_NONE */
	uint32_t	nsegs;
} HsLog;

/*
 * (p) partition lock; (c) constant while the keyspace lives; (a) atomic.
 * Readers without a lock look at the second cache line only.
 */
struct HsPart
{
	HsLock		lock;

	_Alignas(HS_CACHE_LINE)
	_Atomic uint64_t geometry;	/* (a) HS_CLOSED | epoch << 32 | number of buckets */
	_Atomic uint32_t dir;		/* (a) page of HsRef of pages of buckets */
	_Atomic uint32_t overflow_dir;	/* (a) the same for overflow buckets */
	int64_t		min_dues_us;	/* (p) no member of a key expires before, see dues.h */

	/* what most commands look at shares a line */
	_Alignas(HS_CACHE_LINE)
	uint16_t	keyspace;		/* (c) slot */
	uint8_t		number;			/* (c) */
	uint8_t		slab_dirty;		/* (p) settle has something to do */
	uint8_t		index_untidy;	/* (p) hs_index_maintain() may have something to do */
	uint32_t	moves;			/* (p) changes of where entries are; never 0 */
	HsRef		graveyard;		/* (p) detached large collections */
	uint64_t	allocated;		/* (p) log bytes since the last housekeeping */
	uint64_t	log_used;		/* (p) bytes handed out in all log segments */
	uint64_t	log_live;		/* (p) bytes of drafts and linked records */
	uint64_t	freed;			/* (p) log bytes ever killed */
	uint64_t	count;			/* (p) keys in the index */

	_Alignas(HS_CACHE_LINE)
	uint32_t	overflow_free;	/* (p) overflow no. + 1, linked through ref[0] */
	uint32_t	overflow_nfree; /* (p) */
	uint32_t	overflow_count; /* (p) ever allocated in overflow_dir */
	uint32_t	overflow_promised;	/* (p) to drafts that insert */
	uint32_t	inserts;		/* (p) since the last housekeeping */
	uint64_t	count_by_type[HS_NTYPES];	/* (p) */
	uint64_t	next_version;	/* (p) survives reuse of the struct */

	HsLog		log[HS_NLOGS];	/* (p) */

	uint32_t	victim;			/* (p) segment being evacuated */
	uint32_t	victim_pos;		/* (p) bytes */
	uint8_t		victim_evicts;	/* (p) cold records go; else all are moved */
	uint8_t		idle;			/* (p) nothing to evacuate until idle_mark */
	uint64_t	idle_mark;		/* (p) value of 'freed' that ends idleness */

	uint32_t	scan_seg;		/* (p) expiry: segment being scanned */
	uint32_t	scan_pos;		/* (p) bytes */
	int64_t		min_expires_us; /* (p) no key of the partition expires before */

	HsRef		tags;			/* (p) HsTags, or none: see tag.h */
	uint32_t	tag_epoch;		/* (p) changes when tags die; never 0 */
	uint64_t	dead_tags;		/* (p) of linked records: those of one record count each */

	HsRef		ghost[HS_GHOST_PAGES];	/* (p) pages of fingerprints of evicted keys */
	uint32_t	nghosts;		/* (p) pages, a power of two, or 0 */

	uint32_t	big_first;		/* (p) first pages of large values, HsSeg.next/prev */

	uint32_t	slab_open;		/* (p) slab segments with an empty page */
	uint32_t	slab_full;		/* (p) slab segments without */
	uint32_t	slab_segs;		/* (p) */
	uint32_t	slab_empty;		/* (p) empty pages in slab_open */
	HsRef		slab_partial[HS_SLAB_CLASSES];	/* (p) pages with free nodes */
	uint32_t	slab_nfree[HS_SLAB_CLASSES];	/* (p) free nodes in those */

	HsRef		next_free_page; /* (l) region lock; first struct of a page, while free */
	uint64_t	expired;		/* (p) statistics */
	uint64_t	evicted;		/* (p) */
	uint64_t	moved_bytes;	/* (p) */
};

/*
 * A slot of the keyspace table.  (k) keyspace lock; (a) atomic; (c) constant
 * while 'generation' is odd.
 */
struct HsKeyspace
{
	_Atomic uint64_t generation;	/* (a) odd: in use */
	uint32_t	db;				/* (c) */
	uint32_t	server;			/* (c) */
	uint32_t	nparts;			/* (c) power of two */
	uint32_t	part_bits;		/* (c) log2(nparts) */
	HsRef		part_page[HS_PART_PAGES];	/* (c) */
	_Atomic uint64_t limit;		/* (a) bytes */
	_Atomic uint64_t memory_option; /* (a) as configured; 0: the region */
	_Atomic int64_t default_ttl_us; /* (a) */
	_Atomic uint32_t eviction;	/* (a) HsEviction */
	_Atomic uint32_t reserve;	/* (a) bytes of the limit kept for compaction */

	_Alignas(HS_CACHE_LINE)
	_Atomic uint64_t bytes;		/* (a) charged */
	_Atomic uint64_t index_bytes;	/* (a) part of it */
	_Atomic uint64_t big_bytes; /* (a) part of it */
	_Atomic uint64_t freed;		/* (a) bytes uncharged, and, once full, killed */
	_Atomic uint64_t full_mark; /* (a) full until 'freed' is above; 0: not full */
	_Atomic int64_t full_until_us;	/* (a) do not look again before, unless freed moved */

	_Alignas(HS_CACHE_LINE)
	_Atomic uint64_t hits;		/* (a) */
	_Atomic uint64_t misses;	/* (a) */
	_Atomic uint64_t sets;		/* (a) */
	_Atomic uint64_t deletes;	/* (a) */
	_Atomic uint64_t refused;	/* (a) */
	_Atomic int64_t reset_us;	/* (a) */
	_Atomic uint64_t base_expired;	/* (a) partition counters at the last reset */
	_Atomic uint64_t base_evicted;	/* (a) */
	_Atomic uint64_t base_moved;	/* (a) */
};

/* hs_keyspace_is_current() in line. */
static inline bool
hs_is_current(const HsHandle *h)
{
	return atomic_load_explicit(&h->ks->generation, memory_order_acquire) == h->generation;
}

extern HsKeyspace *hs_keyspaces;	/* process-local address of the table */
extern uint32_t hs_nkeyspaces;

static inline HsKeyspace *
hs_part_keyspace(const HsPart *part)
{
	return &hs_keyspaces[part->keyspace];
}

/* Entries of the index came, went or moved: places found before are void. */
static inline void
hs_part_moved(HsPart *part)
{
	if (++part->moves == 0)
		part->moves = 1;
	part->index_untidy = true;
}

/* region.c: segments and index pages charged to the partition's keyspace.
 * NONE when the cap or the region is reached. */
extern uint32_t hs_part_seg_get(HsPart *part, HsSegKind kind, bool for_compaction);
extern void hs_part_seg_put(HsPart *part, uint32_t seg);
extern HsRef hs_part_page_take(HsPart *part);
extern void hs_part_page_return(HsPart *part, HsRef page);
extern bool hs_charge(HsKeyspace *ks, uint64_t bytes, bool for_compaction);
extern void hs_uncharge(HsKeyspace *ks, uint64_t bytes);
extern bool hs_has_room(HsKeyspace *ks, uint64_t bytes);

/* Somebody may be waiting to hear that bytes were freed (hs_make_room()). */
static inline void
hs_note_freed(HsKeyspace *ks, uint64_t bytes)
{
	if (atomic_load_explicit(&ks->full_mark, memory_order_relaxed) != 0)
		atomic_fetch_add_explicit(&ks->freed, bytes, memory_order_relaxed);
}

/*
 * What 'root' is the root of is freed later, piece by piece: at the end of commands, by the
 * worker, by hs_make_room(), which must not take the keyspace for full from here on.
 */
static inline void
hs_bury_later(HsPart *part, HsRef root)
{
	hs_root(root)->next_dead = part->graveyard;
	part->graveyard = root;
	atomic_store_explicit(&hs_part_keyspace(part)->full_mark, 0, memory_order_relaxed);
}

/* slab.c */
extern void hs_slab_setup(void);

#ifdef HS_TESTING
/* Tests: the n-th hs_seg_get() from now fails (and all after it, until reset);
 * negative: off. */
extern int	hs_test_fail_after;
#endif

#endif							/* HS_PART_H */
