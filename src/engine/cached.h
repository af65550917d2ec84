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
#include "label.h"
#include "racy.h"

#define HS_CACHED_DEPS		33	/* slots that one value can depend on */
#define HS_CACHED_SOFT		0x80
#define HS_CACHED_DEP_SIZE	12
#define HS_CACHED_TAIL		2
/* bytes after a value, at most */
#define HS_CACHED_TRAILER	(HS_CACHED_DEPS * HS_CACHED_DEP_SIZE + 8 + HS_CACHED_TAIL)

/* What the bytes are.  Values stand in shared memory only. */
typedef enum HsCachedKind
{
	HS_CACHED_NULL,				/* known to be null, or no row */
	HS_CACHED_TEXT,
	HS_CACHED_BYTEA,
	HS_CACHED_JSONB,			/* a datum without its length word */
	HS_CACHED_NKINDS
} HsCachedKind;

typedef struct HsCached
{
	HsCachedKind kind;
	size_t		size;			/* bytes of the value */
	int64_t		soft_expires_us;	/* from then on somebody should renew it; or HS_NEVER */
	unsigned	ndeps;			/* 1 .. HS_CACHED_DEPS */
	HsSlotLabel deps[HS_CACHED_DEPS];
} HsCached;

/*
 * Write what follows the c->size bytes at buf, where HS_CACHED_TRAILER bytes are
 * free; returns the size of all.
 */
extern size_t hs_cached_seal(uint8_t *buf, const HsCached *c);

/*
 * Take apart what hs_cached_seal() wrote; false if it did not.  The bytes may be those of a
 * record that somebody is changing (see look.h): each is read once, none beyond them.  From
 * the record and not from a copy: loads across the stores that have just made one wait for them.
 */
static HS_IN_LINE bool
hs_cached_unseal(const uint8_t *bytes, size_t size, HsCached *c)
{
	uint8_t		tail[HS_CACHED_TAIL];	/* n, kind and flags */
	size_t		around;
	const uint8_t *p;

	if (size < sizeof(tail))
		return false;
	hs_racy_copy_known(tail, bytes + size - sizeof(tail), sizeof(tail));
	c->kind = (HsCachedKind) (tail[1] & ~HS_CACHED_SOFT);
	c->ndeps = tail[0];
	around = sizeof(tail) + (tail[1] & HS_CACHED_SOFT ? 8 : 0) + c->ndeps * HS_CACHED_DEP_SIZE;
	if (c->kind >= HS_CACHED_NKINDS || c->ndeps == 0 || c->ndeps > HS_CACHED_DEPS ||
		around > size)
		return false;
	c->size = size - around;
	p = bytes + c->size;
	for (unsigned i = 0; i < c->ndeps; i++)
	{
		hs_racy_copy_known(&c->deps[i].slot, p, 4);
		hs_racy_copy_known(&c->deps[i].label, p + 4, 8);
		p += HS_CACHED_DEP_SIZE;
	}
	c->soft_expires_us = HS_NEVER;
	if (tail[1] & HS_CACHED_SOFT)
		hs_racy_copy_known(&c->soft_expires_us, p, 8);
	return true;
}

/*
 * hs_read() of a cached result: *c is what is known of it, buf gets the value alone, of
 * out->size bytes.  With HS_BUFFER_TOO_SMALL out->size is that of all.  HS_CORRUPT.  read.c
 */
extern HsStatus hs_read_cached(HsHandle *h, HsBytes key, int64_t now_us, void *buf,
							   size_t capacity, HsRead *out, HsCached *c);

/* hs_cached_read() of a value that hs_read_cached() left alone.  Takes the lock. */
extern HsStatus hs_cached_read_large(HsHandle *h, HsBytes key, int64_t now_us, HsGot *got,
									 HsCached *c, HsType *found_type);

/*
 * Read an entry: got->buf gets the value, *c what is known of it.  Without a lock
 * unless it is large.  HS_OK; HS_NOT_FOUND; HS_WRONG_TYPE with *found_type;
 * HS_BUFFER_TOO_SMALL with got->size; HS_GONE; HS_CORRUPT.  now_us may be HS_CLOCK_LATER.
 */
static inline HsStatus
hs_cached_read(HsHandle *h, HsBytes key, int64_t now_us, HsGot *got, HsCached *c,
			   HsType *found_type)
{
	HsRead		r;
	HsStatus	status = hs_read_cached(h, key, now_us, got->buf, got->capacity, &r, c);

	if (status == HS_OK || status == HS_BUFFER_TOO_SMALL)
	{
		got->size = r.size;
		got->expires_us = r.expires_us;
	}
	if (status == HS_OK)
		return HS_OK;
	if (status == HS_WRONG_TYPE)
		*found_type = r.type;
	if (status == HS_BUFFER_TOO_SMALL && (r.flags & HS_RF_BIG) && r.size <= got->capacity)
		status = hs_cached_read_large(h, key, now_us, got, c, found_type);
	return status;
}

/*
 * Does a depend on later changes than b?  Labels only grow from one snapshot to a later one, so one of
 * them tells; of the slots those that are the same at the same place.
 */
extern bool hs_cached_is_later(const HsCached *a, const HsCached *b);

/*
 * Store the prepared value, v->bytes being c, sealed, and v->flags 0.  *done is false if there is
 * an entry that depends on later changes.  HS_WRONG_TYPE if the key holds something
 * that is not cached, HS_NO_MEMORY.  Lock: exclusive.
 */
extern HsStatus hs_cached_put(HsOp *op, HsNewValue *v, const HsCached *c, int64_t expires_us,
							  bool *done);

#endif							/* HS_CACHED_H */
