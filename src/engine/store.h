/*
 * store.h
 *	  Keyspaces, partitions, and the life of a key: find, reserve, publish,
 *	  remove.  Every command is built from these.
 *
 * How a command runs:
 *
 *		hs_op_begin(&op, handle, key, HS_EXCLUSIVE, now_us);	-- locks
 *		status = hs_string_set(&op, ...);						-- decides, reserves, applies
 *		hs_op_end(&op);							-- unlocks, after a little housekeeping
 *
 * and, while the status is HS_NO_MEMORY and hs_make_room() says that it found
 * something, once more.  Nothing that a command found or reserved moves before
 * hs_op_end(): evictions and compaction wait until then.
 *
 * Commands take partition locks in access.c only.  Callers must not raise,
 * sleep or allocate between begin and end.
 */
#ifndef HS_STORE_H
#define HS_STORE_H

#include "bytes.h"
#include "effect.h"
#include "record.h"
#include "region.h"
#include "status.h"

#define HS_MAX_PARTS	128		/* below PostgreSQL's 200 locks at a time */

typedef struct HsKeyspace HsKeyspace;	/* shared; part.h */
typedef struct HsPart HsPart;	/* shared; part.h */

typedef enum HsEviction
{
	HS_EVICT_NONE,				/* refuse writes when full */
	HS_EVICT_S3FIFO,			/* drop cold keys */
	HS_EVICT_TTL				/* drop cold keys, only those that expire */
} HsEviction;

typedef struct HsKeyspaceOptions
{
	uint64_t	memory;			/* bytes; 0: the whole region */
	int64_t		default_ttl_us; /* 0: none */
	HsEviction	eviction;
} HsKeyspaceOptions;

/*
 * What a process keeps of a keyspace it uses.  Counters are added up here and
 * reach shared memory by hs_stats_flush().
 */
typedef struct HsHandle
{
	HsKeyspace *ks;
	uint64_t	generation;		/* of the keyspace when it was opened */
	uint32_t	nparts;
	uint32_t	part_bits;
	HsPart	   *parts[HS_MAX_PARTS];
	uint32_t	rooms;			/* hs_make_room() calls since the last change */
	uint32_t	vain_rooms;		/* of them those in a row that gained nothing */
	uint64_t	hits;			/* pending */
	uint64_t	misses;
	uint64_t	sets;
	uint64_t	deletes;
	uint64_t	due_hash;		/* after HS_DUE: of the key with expired members */
	uint32_t	sample_in;		/* lookups until one is sampled, see hot.h */
	uint64_t	sample_state;	/* of the distances between samples */
} HsHandle;

/*
 * ---- Keyspaces -----------------------------------------------------------
 * Identified by two numbers of the caller (database and server oid).  Lock:
 * these take the keyspace lock themselves; drop and flush take every
 * partition lock in turn, one at a time.
 */

/* Find or make the keyspace and fill in *h.  HS_LIMIT: too many keyspaces.
 * HS_NO_MEMORY: no room for its partitions. */
extern HsStatus hs_keyspace_open(uint32_t db, uint32_t server,
								 const HsKeyspaceOptions *opts, HsHandle *h);
/* The same, but HS_NOT_FOUND if it does not exist. */
extern HsStatus hs_keyspace_lookup(uint32_t db, uint32_t server, HsHandle *h);
/* False after a drop (or a drop and a new creation). */
extern bool hs_keyspace_is_current(const HsHandle *h);
/* New options take effect at once; a smaller cap is approached by eviction. */
extern void hs_keyspace_configure(const HsHandle *h, const HsKeyspaceOptions *opts);
extern void hs_keyspace_options(const HsHandle *h, HsKeyspaceOptions *opts);
extern int64_t hs_default_ttl_us(const HsHandle *h);
/* Give everything back.  No error if it does not exist. */
extern void hs_keyspace_drop(uint32_t db, uint32_t server);
/* Drop every keyspace of a database. */
extern void hs_keyspace_drop_db(uint32_t db);
/* Remove every key; *removed counts those that had not expired. */
extern HsStatus hs_keyspace_flush(HsHandle *h, int64_t now_us, uint64_t *removed);
/* Walk the table: slot numbers from 0; false past the end.  *used tells
 * whether the slot holds a keyspace, then *h is filled in. */
extern bool hs_keyspace_slot(uint32_t slot, bool *used, uint32_t *db,
							 uint32_t *server, HsHandle *h);

/*
 * ---- One command on one key ------------------------------------------------
 */

/* Where an entry of the index is; good while the partition's 'moves' is what it was. */
typedef struct HsSlot
{
	struct HsBucket *head;		/* first bucket of the chain: has the version */
	struct HsBucket *bucket;
	unsigned	i;
} HsSlot;

typedef struct HsOp
{
	HsHandle   *h;
	HsPart	   *part;			/* locked in 'mode' */
	HsLockMode	mode;
	bool		locked;			/* this op locked it (not so inside HsMulti) */
	HsBytes		key;
	uint64_t	hash;
	int64_t		clock_us;		/* ask hs_op_now() */
	HsEffects  *effects;		/* NULL: nobody listens */
	size_t		need;			/* after HS_NO_MEMORY: bytes asked for */
	HsType		found_type;		/* after HS_WRONG_TYPE: what the key holds */
	HsRef		tags;			/* of the records it writes: HS_TAGS_KEEP, or see tag.h */

	/* where the key is, so that a command looks for it once (store.c) */
	uint32_t	moves;			/* HsPart.moves when 'slot' was found; 0: not yet */
	HsSlot		slot;			/* head NULL: there is no such key */
	struct HsBucket *head;		/* of the key's chain while the geometry is this */
	uint64_t	geometry;
} HsOp;

/* A string that takes the place of a string has its tags. */
#define HS_TAGS_KEEP	UINT32_MAX

/*
 * The instant at which the command happens.  The clock takes as long as
 * the rest of a simple command (24 ns), and most keys do not expire: begun with
 * HS_CLOCK_LATER it is read when somebody asks, once.
 */
#define HS_CLOCK_LATER	INT64_MIN

static inline int64_t
hs_clock(int64_t *clock_us)
{
	if (*clock_us == HS_CLOCK_LATER)
		*clock_us = hs_port_now();
	return *clock_us;
}

static inline int64_t
hs_op_now(HsOp *op)
{
	return hs_clock(&op->clock_us);
}

/*
 * HS_OK with the partition locked; HS_KEY_TOO_LONG, HS_GONE or HS_DUE (dues.h) without.
 * Some members that have expired are removed on the way, with the exclusive lock,
 * which then is the mode of the op.  now_us may be HS_CLOCK_LATER.
 */
extern HsStatus hs_op_begin(HsOp *op, HsHandle *h, HsBytes key,
							HsLockMode mode, int64_t now_us);
extern void hs_op_end(HsOp *op);

/*
 * ---- One command on several keys --------------------------------------------
 * Locks the partitions of all keys in ascending order.  hs_multi_op() gives
 * an HsOp for any key whose partition is locked.  'keys' may be NULL with n = 0
 * to lock all partitions.
 */
typedef struct HsMulti
{
	HsHandle   *h;
	HsLockMode	mode;
	int64_t		now_us;
	HsEffects  *effects;
	size_t		need;			/* after HS_NO_MEMORY: bytes asked for ... */
	uint64_t	hash;			/* ... by the key of this hash, 0 for none */
	bool		closed;			/* hs_multi_close() was called */
	uint64_t	locked[HS_MAX_PARTS / 64];
} HsMulti;

extern HsStatus hs_multi_begin(HsMulti *m, HsHandle *h, const HsBytes *keys,
							   size_t nkeys, HsLockMode mode, int64_t now_us);
extern HsStatus hs_multi_op(HsMulti *m, HsBytes key, HsOp *op);
extern void hs_multi_end(HsMulti *m);

/*
 * Have buckets and records of keys i .. i + HS_MULTI_AHEAD - 1 on their way, if i is a multiple of
 * that.  For loops over keys whose lines wait in memory: 100 keys at random of a million are deleted
 * in half the time.
 */
#define HS_MULTI_AHEAD	32
extern void hs_multi_prefetch(HsMulti *m, const HsBytes *keys, size_t nkeys, size_t i);

/* What an op of it asked for is what the whole asks for.  Returns 'status'. */
static inline HsStatus
hs_multi_note(HsMulti *m, const HsOp *op, HsStatus status)
{
	m->need = op->need;
	m->hash = op->hash;
	return status;
}

/*
 * Before the first of several changes: until hs_multi_end() nobody reads the locked
 * partitions without a lock, so that who sees one change sees all.
 */
extern void hs_multi_close(HsMulti *m);

/*
 * Find room for 'need' bytes in the keyspace, starting with the partition of
 * 'hash': frees of dead collections, expired keys, compaction, eviction, as
 * the options allow.  Bounded work per call (a few milliseconds at most); takes
 * and releases partition locks itself, so none may be held.  True: try again.
 * False: there is none to be found, and that is remembered until something is
 * freed; or others have taken what was found so often that it is time to give
 * up.  Call it in a loop that checks for interrupts.
 */
extern bool hs_make_room(HsHandle *h, uint64_t hash, size_t need, int64_t now_us);

/*
 * ---- The key itself, inside begin/end ---------------------------------------
 */

/*
 * The live record of the key or NULL.  With an exclusive lock an expired one
 * is removed on the way.  Stays valid until something is published or removed
 * for this key, or hs_op_end().
 */
extern HsRecord *hs_find(HsOp *op);

/*
 * As hs_find(), with the type checked: HS_OK and *record (NULL if absent), or
 * HS_WRONG_TYPE.
 */
extern HsStatus hs_find_typed(HsOp *op, HsType type, HsRecord **record);

/*
 * Reserve a new record for the key: 'flags' are type and HS_RF_ value flags,
 * 'value_size' bytes in the record, expires_us or HS_NEVER, tags as op->tags says.  On HS_OK
 * *draft is written but for its value, and publishing cannot fail.  The old
 * record, if any, still stands.  HS_NO_MEMORY sets op->need.
 * Every draft must be published or abandoned before hs_op_end().
 */
typedef struct HsDraft
{
	HsRecord   *record;
	HsRef		ref;
	uint8_t    *value;			/* fill in value_size bytes */
	uint32_t	value_size;
	bool		inserts;		/* an index slot is promised too */
} HsDraft;

extern HsStatus hs_reserve(HsOp *op, uint16_t flags, size_t value_size,
						   int64_t expires_us, HsDraft *draft);
/* Make the draft the key's record; the old one and all it owned are freed. */
extern void hs_publish(HsOp *op, HsDraft *draft);
/*
 * The same, but what the old record owned (nodes of a large collection, pages
 * of a large value) now belongs to the new one, or has been freed already.
 */
extern void hs_publish_keep(HsOp *op, HsDraft *draft);
extern void hs_abandon(HsOp *op, HsDraft *draft);

/* Remove the key and all it owns.  'record' as found.  Cannot fail. */
extern void hs_remove(HsOp *op, HsRecord *record);

/* Before that: the effect that the key is gone.  False if it does not fit: HS_NO_MEMORY, op->need is 0. */
static inline bool
hs_note_removal(HsOp *op)
{
	if (hs_effect_put(op->effects, HS_EF_DEL, op->key, hs_bytes(NULL, 0), hs_bytes(NULL, 0)))
		return true;
	op->need = 0;
	return false;
}

/*
 * Change bytes of a string's value in place, at most HS_IN_PLACE_MAX of them:
 * readers without a lock see all of it or nothing.  Cannot fail.
 */
#define HS_IN_PLACE_MAX 1024
extern void hs_poke(HsOp *op, HsRecord *record, size_t offset, const void *bytes, size_t size);
/*
 * Give the key a new value where the old one stands; both are of the same type
 * and the new record would take as many bytes as the old one, at most about
 * HS_IN_PLACE_MAX.  False if that is not so, then nothing has changed and the way
 * is hs_reserve() and hs_publish().  Saves the log from garbage.
 */
extern bool hs_overwrite(HsOp *op, HsRecord *record, uint16_t flags, HsBytes value,
						 int64_t expires_us);
/* In place: the value flags HS_RF_VALUE only. */
extern void hs_poke_flags(HsOp *op, HsRecord *record, uint16_t value_flags);

/*
 * A collection (blob or root) or HLL was changed in place by the caller; keys
 * with a version get a new one, statistics are counted.  Call it once per
 * changing command that published nothing.
 */
extern void hs_touch_version(HsOp *op, HsRecord *record);

/*
 * Set or drop (HS_NEVER) the expiry of the key; in place where the record has
 * room for one, else a new record with the same value and owned memory.
 */
extern HsStatus hs_set_expiry(HsOp *op, HsRecord *record, int64_t expires_us);
extern int64_t hs_expiry(HsRecord *record);

/* Give a string, whatever it has, the tags op->tags, which are held; a new record. */
extern HsStatus hs_set_tags(HsOp *op, HsRecord *record);

/*
 * The version of the key, a number that changes with each write and is never
 * used again for this key.  The first call gives the record room for one.
 * Needs an exclusive lock.  HS_NOT_FOUND, HS_NO_MEMORY.
 */
extern HsStatus hs_key_version(HsOp *op, uint64_t *version);
/* The version the record carries, or 0 for none. */
extern uint64_t hs_record_version(const HsRecord *record);

/* Value as it stands in the record. */
static inline HsBytes
hs_value(HsRecord *record)
{
	HsRecordView v;

	hs_record_view(record, &v);
	return hs_bytes(v.value, v.value_size);
}

/* Bytes of shared memory the key takes, with index share and owned memory. */
extern uint64_t hs_key_bytes(HsOp *op, HsRecord *record);

/*
 * ---- Reading a plain value without a lock -----------------------------------
 */
typedef struct HsRead
{
	uint16_t	flags;			/* HS_RF_ flags of the record */
	HsType		type;
	size_t		size;			/* bytes of the value (HS_RF_INT: 8) */
	int64_t		expires_us;
} HsRead;

/*
 * Copy the value of a string key into buf.  HS_OK; HS_NOT_FOUND; HS_WRONG_TYPE
 * (out->type tells); HS_BUFFER_TOO_SMALL with out->size set, also for a
 * large value (HS_RF_BIG), which is then read through big.h; HS_GONE.
 * now_us may be HS_CLOCK_LATER: then the caller asks hs_read_expired() about
 * whatever was found, and reads the clock only for keys that can expire.
 * Stores nothing but, at times, a visited bit.  Counts a hit or a miss.
 */
extern HsStatus hs_read(HsHandle *h, HsBytes key, int64_t now_us,
						void *buf, size_t capacity, HsRead *out);
/* A hit that had expired by now_us is counted as the miss that it is. */
static inline bool
hs_read_expired(HsHandle *h, HsStatus status, int64_t expires_us, int64_t now_us)
{
	if (expires_us > now_us)
		return false;
	if (status == HS_OK)
	{
		h->hits--;
		h->misses++;
	}
	return true;
}

/* The same as hs_read() without copying: type, size, expiry of a key of any type. */
extern HsStatus hs_peek(HsHandle *h, HsBytes key, int64_t now_us, HsRead *out);

/*
 * ---- Walking all keys --------------------------------------------------------
 */
typedef struct HsCursor
{
	uint32_t	part;
	uint32_t	position;		/* in the bit-reversed order of hashes */
	bool		done;
} HsCursor;

/*
 * Called under the partition's shared lock: copy, do not call back.  op has key,
 * hash and partition.  With op and record NULL: a bucket begins, what came before
 * is final.  False stops the scan; it will then start again with the bucket that
 * began last, so forget what came of it.
 */
typedef bool (*HsScanVisit) (void *arg, HsOp *op, HsRecord *record);

/*
 * Visit the keys of the next buckets, until about 'want' keys were seen or the
 * partition ends; start with a zeroed cursor, stop when ->done.  Every key
 * present from the first call to the last is visited exactly once, whatever is
 * added, removed or moved meanwhile.
 */
extern HsStatus hs_scan(HsHandle *h, HsCursor *cursor, size_t want, int64_t now_us,
						HsScanVisit visit, void *arg);

/* A random live key's record, or NULL if a few dozen tries found none. */
extern HsStatus hs_random_key(HsHandle *h, uint64_t random, int64_t now_us,
							  void *buf, size_t capacity, size_t *size);

/* Keys that have not expired, exact at some instant during the call for each
 * partition.  Expired ones met on the way are removed: call it until
 * it returns true, checking for interrupts between. */
typedef struct HsCount
{
	uint32_t	part;
	uint64_t	keys;
} HsCount;
extern bool hs_count(HsHandle *h, HsCount *count, int64_t now_us);

/*
 * ---- Housekeeping, for a background worker --------------------------------
 */

/*
 * One bounded slice (some microseconds to a millisecond) of whatever partition
 * 'part' of the keyspace needs: expiry, freeing, compaction, reclaim
 * ahead of need.  True: there is more to do right now.
 */
extern bool hs_work(HsHandle *h, uint32_t part, int64_t now_us);

/* When the next key of this partition that may expire does, or HS_NEVER. */
extern int64_t hs_next_expiry(HsHandle *h, uint32_t part);

/*
 * ---- Statistics ---------------------------------------------------------------
 */
typedef struct HsStats
{
	uint64_t	keys;			/* linked, expired ones not yet removed included */
	uint64_t	keys_by_type[HS_NTYPES];
	uint64_t	bytes;			/* charged to the keyspace */
	uint64_t	limit;			/* bytes */
	uint64_t	log_bytes;		/* in segments of records */
	uint64_t	live_bytes;		/* linked records */
	uint64_t	index_bytes;
	uint64_t	slab_bytes;
	uint64_t	big_bytes;
	uint64_t	hits;
	uint64_t	misses;
	uint64_t	sets;
	uint64_t	deletes;
	uint64_t	expired;
	uint64_t	evicted;
	uint64_t	refused;		/* writes refused for lack of memory */
	uint64_t	moved_bytes;	/* by compaction */
	int64_t		reset_us;		/* when the counters were last reset */
} HsStats;

extern void hs_stats_flush(HsHandle *h);
extern HsStatus hs_stats(HsHandle *h, HsStats *out);
extern void hs_stats_reset(HsHandle *h, int64_t now_us);

/*
 * ---- Checking ----------------------------------------------------------------
 * Both take every lock they need and are meant for tests and debugging.
 * NULL when all is well, else a static description of the first thing wrong.
 */
extern const char *hs_keyspace_verify(HsHandle *h);
extern const char *hs_region_verify(void);
/* Its last part: does all memory belong to somebody?  What is wrong may be so for the moment,
 * while others take and give back memory; what is wrong time after time is damage. */
extern const char *hs_sums_verify(void);

#endif							/* HS_STORE_H */
