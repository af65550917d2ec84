/*
 * invalidate.h
 *	  Transactions and cached results: what a snapshot is to the engine, and
 *	  invalidating at commit.
 *
 * A transaction that changes what cached results depend on touches their slots (label.h).
 * Just before its commit record is written, after deferred triggers, it registers in each of them;
 * until it has committed everybody else goes on hitting the old result, which is what they see
 * in the tables, too.  Nothing is left to do after the commit.
 *
 * Slots belong to a database, not to a keyspace: a name invalidated in one keyspace misses in the
 * others, too, and stays so if a keyspace is dropped and made anew.
 *
 * Each database has one more slot, for its schema: what tables, functions and privileges there
 * are.  All results of the database depend on it, and not as on others: queries find tables
 * and functions as they are now, and rows that ALTER TABLE wrote anew, whatever their snapshot.  So a
 * snapshot that is older than the last change of the schema hits nothing and fills nothing.
 */
#ifndef HSG_INVALIDATE_H
#define HSG_INVALIDATE_H

#include "miscadmin.h"

#include "hotset.h"

#include "../engine/label.h"

/* What names are: keys and tags do not meet. */
typedef enum HsgNameKind
{
	HSG_NAME_KEY,
	HSG_NAME_TAG
} HsgNameKind;

/*
 * Append the value as it is written in names, whatever the session has set.  cache_names.c
 */
extern void hsg_name_append(StringInfo out, Oid type, Datum d);

/* Are equal values of the type written alike? */
extern bool hsg_name_is_one(Oid type, Oid collation);

static inline uint32_t
hsg_slot(HsgNameKind kind, HsBytes name)
{
	return hs_label_slot((uint64_t) MyDatabaseId << 8 | kind, name);
}

extern uint32_t hsg_schema_slot(void);

/*
 * The active snapshot.  usable is false where nothing exact can be said: no snapshot, one
 * taken during recovery, logical decoding.
 */
extern void hsg_snapshot(HsSnapshot *out);

/*
 * The label of the schema, or HS_NO_LABEL if the snapshot does not see all changes of it that
 * have been committed by now.
 */
extern uint64 hsg_schema_label(const HsSnapshot *s);

/*
 * The same before something is computed: then this backend knows all those changes.  HS_NO_LABEL
 * also while one is being committed that nobody may have been told of yet.
 */
extern uint64 hsg_schema_settle(const HsSnapshot *s);

/*
 * This transaction changes what depends on the name.  Gives the transaction an id.
 * Raises 25006 in recovery and in read-only transactions, 25000 in a parallel operation.
 */
extern void hsg_touch(HsgNameKind kind, HsBytes name);

/* This transaction changes what any result of the database, or of all, may depend on. */
extern void hsg_touch_schema(void);
extern void hsg_touch_all_schemas(void);

/*
 * A change of a schema is about to be committed, maybe one that another session has prepared.  Until
 * this transaction has ended, in whatever way, nobody trusts what is known of the catalog.
 */
extern void hsg_schema_ending(void);

/* Slots this transaction has touched, one bit each, or NULL. */
extern uint64 *hsg_touched;

/* Has this transaction touched the slot?  Then its own results must not come from others. */
static inline bool
hsg_has_touched(uint32_t slot)
{
	return hsg_touched != NULL && (hsg_touched[slot / 64] >> (slot % 64) & 1) != 0 &&
		!HS_BROKEN(HS_BREAK_OWN);
}

/* May this transaction have changes that others do not see? */
extern bool hsg_has_changes(void);

/*
 * ---- Counting ------------------------------------------------------------------
 */
typedef enum HsgCacheCount
{
	HSG_CACHE_HITS,
	HSG_CACHE_MISS_ABSENT,		/* not there, expired or evicted */
	HSG_CACHE_MISS_LABEL,		/* what it depends on has changed */
	HSG_CACHE_MISS_REFUSED,		/* nothing can be said under this snapshot */
	HSG_CACHE_MISS_OWN,			/* invalidated by this transaction */
	HSG_CACHE_FILLS,
	HSG_CACHE_FILL_OWN,			/* refused: this transaction has changes of its own */
	HSG_CACHE_FILL_LABEL,		/* refused: no label, or not that of the lease */
	HSG_CACHE_FILL_NEWER,		/* refused: there is a newer one */
	HSG_CACHE_FILL_MEMORY,		/* no room, also for what is too long, or where something else is */
	HSG_CACHE_COLLISIONS,		/* fills of a slot last filled for another key */
	HSG_CACHE_COMPUTED,			/* queries run by kv_fetch */
	HSG_CACHE_WAITS,			/* for another session that ran the query */
	HSG_CACHE_TIMEOUTS,			/* of these: in vain */
	HSG_CACHE_INVALIDATIONS,	/* registrations in slots */
	HSG_CACHE_NCOUNTS
} HsgCacheCount;

extern uint64 hsg_cache_pending[HSG_CACHE_NCOUNTS]; /* of this backend */

static inline void
hsg_cache_count(HsgCacheCount what)
{
	hsg_cache_pending[what]++;
}

/* Sums over the server since it started or since the reset. */
extern void hsg_cache_counts(uint64 *counts);
extern void hsg_cache_counts_reset(void);

/*
 * ---- For hotset.c, shmem.c and worker.c ------------------------------------------
 */
extern int	hsg_slots_setting;	/* hotset.invalidation_slots */
extern bool hsg_serializable_hits;

extern void hsg_invalidate_install(void);
extern void hsg_cache_ddl_install(void);	/* cache_ddl.c */

/* Let TRUNCATE of the table and its partitions be noticed, where changes of rows are.  cache_watch.c */
extern void hsg_watch_truncate(Oid table);
extern uint64 hsg_ddl_count;	/* grows with statements of this session that change the schema */

/*
 * May a temporary table of this session have come before something that others mean by its
 * name?  If not, a query that they can run means the same here.  cache_ddl.c
 */
extern bool hsg_temp_may_hide(void);
extern Size hsg_invalidate_shmem_size(void);
extern void hsg_invalidate_shmem_startup(void);
/* Say where this life of the server begins, once it is out of recovery. */
extern void hsg_invalidate_start(void);

#endif							/* HSG_INVALIDATE_H */
