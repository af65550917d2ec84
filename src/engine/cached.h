/*
 * cached.h
 *	  Cached query results: a value and the labels under which it is true.
 *
 * A key of type HS_CACHED.  Where it lies and how it is read is as for strings; what
 * follows the bytes of the value says what they are:
 *
 *	n times: u32 slot | u64 label		what the value depends on: the key itself, tags, the schema
 *	[i64 soft expiry]					if HS_CACHED_SOFT
 *	u8 n | u8 kind and flags
 *
 * An entry is derived from tables: it is never dumped, renamed, or written to
 * effects.  See label.h for when it is true.
 */
#ifndef HS_CACHED_H
#define HS_CACHED_H

#include "kvstring.h"

#define HS_CACHED_DEPS		33	/* slots that one value can depend on */
#define HS_CACHED_SOFT		0x80
#define HS_CACHED_TRAILER	(HS_CACHED_DEPS * 12 + 8 + 2)	/* bytes after a value, at most */

/* What the bytes are.  Values stand in shared memory only. */
typedef enum HsCachedKind
{
	HS_CACHED_NULL,				/* known to be null, or no row */
	HS_CACHED_TEXT,
	HS_CACHED_BYTEA,
	HS_CACHED_JSONB,			/* a datum without its length word */
	HS_CACHED_NKINDS
} HsCachedKind;

typedef struct HsCachedDep
{
	uint32_t	slot;
	uint64_t	label;
} HsCachedDep;

typedef struct HsCached
{
	HsCachedKind kind;
	size_t		size;			/* bytes of the value */
	int64_t		soft_expires_us;	/* from then on somebody should renew it; or HS_NEVER */
	unsigned	ndeps;			/* 1 .. HS_CACHED_DEPS */
	HsCachedDep deps[HS_CACHED_DEPS];
} HsCached;

/*
 * Write what follows the c->size bytes at buf, where HS_CACHED_TRAILER bytes are
 * free; returns the size of all.
 */
extern size_t hs_cached_seal(uint8_t *buf, const HsCached *c);

/*
 * Read an entry: got->buf gets the value, *c what is known of it.  Without a lock
 * unless it is large.  HS_OK; HS_NOT_FOUND; HS_WRONG_TYPE with *found_type;
 * HS_BUFFER_TOO_SMALL with got->size; HS_GONE.  now_us may be HS_CLOCK_LATER.
 */
extern HsStatus hs_cached_read(HsHandle *h, HsBytes key, int64_t now_us, HsGot *got,
							   HsCached *c, HsType *found_type);

/*
 * Store the prepared value, v->bytes being sealed and v->flags 0.  *done is false if there is
 * an entry with a newer label of the key.  HS_WRONG_TYPE if the key holds something
 * that is not cached, HS_NO_MEMORY.  Lock: exclusive.
 */
extern HsStatus hs_cached_put(HsOp *op, HsNewValue *v, uint64_t label, int64_t expires_us,
							  bool *done);

#endif							/* HS_CACHED_H */
