/*
 * cache.h
 *	  Cached results: what they depend on, finding and storing them.
 */
#ifndef HSG_CACHE_H
#define HSG_CACHE_H

#include "invalidate.h"
#include "value.h"

#include "../engine/cached.h"

/* Setting hotset.cache_reads: which results a snapshot may be given. */
typedef enum HsgCacheReads
{
	HSG_READS_SNAPSHOT,			/* what the query would return under it */
	HSG_READS_LATEST			/* that, or what it would return now */
} HsgCacheReads;

extern int	hsg_cache_reads;

/* First byte of the keys under which kv_fetch stores: no application may fill them. */
#define HSG_FETCH_MARK	0x01

#define HSG_MAX_TAGS	(HS_CACHED_DEPS - 2)

/* Slots of a key, its tags, and the schema, in this order. */
typedef struct HsgDeps
{
	unsigned	n;
	uint32_t	slot[HS_CACHED_DEPS];
	uint64		key_hash;		/* for statistics */
} HsgDeps;

/* tags: number of the text[] argument, NULL for none.  54000 for too many, 22004 for a null. */
extern void hsg_arg_deps(FunctionCallInfo fcinfo, HsBytes key, int tags_arg, HsgDeps *deps);
extern void hsg_deps(HsgDeps *deps, HsBytes key, const HsBytes *tags, int ntags);

/* An entry as it was found.  Lives on the stack; see HsgValue. */
typedef struct HsgEntry
{
	HsgValue	value;			/* may be used with hsg_value_text() and so on */
	HsCached	cached;
} HsgEntry;

/* A value that is not null, as text, bytea or jsonb. */
static inline Datum
hsg_cached_datum(HsgValue *v, HsCachedKind kind)
{
	switch (kind)
	{
		case HS_CACHED_BYTEA:
			return PointerGetDatum(hsg_value_bytea(v));
		case HS_CACHED_JSONB:
			return PointerGetDatum(hsg_value_jsonb(v));
		default:
			return PointerGetDatum(hsg_value_text(v));
	}
}

/* May this transaction use what others have computed? */
extern bool hsg_cache_may_hit(void);

typedef enum HsgCacheFound
{
	HSG_CACHE_MISS,
	HSG_CACHE_HIT,
	HSG_CACHE_SOFT				/* a hit, but it is time to renew it */
} HsgCacheFound;

/*
 * The entry of the key, if it is true under the active snapshot s.  'stored' is the key
 * it is stored under.  Raises 42809 if that holds something else.  Counts nothing: *why.
 */
extern HsgCacheFound hsg_cache_look(HsHandle *h, HsBytes stored, uint32_t key_slot,
									const HsSnapshot *s, HsgEntry *e, HsgCacheCount *why);

/* Labels of the snapshot in all slots; false if it has none in one of them. */
extern bool hsg_cache_labels(const HsSnapshot *s, const HsgDeps *deps, uint64_t *labels);

/*
 * Could what is computed under the snapshot be stored?  e: the entry that hsg_cache_look() has just found
 * to be of other labels, or NULL.
 */
extern bool hsg_cache_may_store(const HsSnapshot *s, const HsgDeps *deps, const HsgEntry *e);

/* A result to be stored. */
typedef struct HsgResult
{
	HsCachedKind kind;
	HsBytes		bytes;
	int64_t		expires_us;
	int64_t		soft_expires_us;
	bool		is_private;		/* comes from temporary tables: not to be kept */
} HsgResult;

/*
 * Store what was computed under a snapshot with these labels.  False if there is a newer
 * one, or, unless is_asked, no room: what nobody asked to be kept need not be.  Counts.
 */
extern bool hsg_cache_store(HsHandle *h, HsBytes stored, const HsgDeps *deps,
							const uint64_t *labels, const HsgResult *r, bool is_asked);

/* Expiries from the arguments ttl and soft_ttl, with the keyspace's default. */
extern void hsg_arg_cache_expiry(FunctionCallInfo fcinfo, int ttl_arg, int soft_arg, HsHandle *h,
								 HsgResult *r);

#endif							/* HSG_CACHE_H */
