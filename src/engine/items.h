/*
 * items.h
 *	  Strings in a caller's buffer: what commands on collections return.
 *
 * Each one is [u32 size][bytes], without padding; size HS_ITEM_NULL: there is
 * none, and no bytes.  A hash gives fields and values in turn.
 *
 * A command that returns items forgets what the buffer held before.
 *
 * A command that finds the buffer too small returns HS_BUFFER_TOO_SMALL with
 * 'need' set, having changed nothing and written nothing that counts; the caller
 * unlocks, enlarges the buffer and calls again.
 */
#ifndef HS_ITEMS_H
#define HS_ITEMS_H

#include <stdbool.h>

#include "bytes.h"

#define HS_ITEM_NULL	UINT32_MAX
#define HS_ITEM_HEADER	4		/* bytes before those of an item */

typedef struct HsItems
{
	uint8_t    *buf;			/* the caller's */
	size_t		capacity;		/* bytes */
	size_t		size;			/* bytes in use */
	size_t		need;			/* bytes all of it takes, also beyond the capacity */
	uint64_t	n;				/* items in the buffer */
} HsItems;

/* Forget what the buffer holds. */
static inline void
hs_items_clear(HsItems *out)
{
	out->size = out->need = 0;
	out->n = 0;
}

/*
 * Append room for an item; the address for its bytes, or NULL if it does not
 * fit: then only 'need' moves on.
 */
static inline uint8_t *
hs_items_space(HsItems *out, size_t size)
{
	uint32_t	header = (uint32_t) size;
	uint8_t    *at;

	out->need += HS_ITEM_HEADER + size;
	if (out->need > out->capacity)
		return NULL;
	at = out->buf + out->size;
	memcpy(at, &header, HS_ITEM_HEADER);
	out->size = out->need;
	out->n++;
	return at + HS_ITEM_HEADER;
}

static inline void
hs_items_put(HsItems *out, HsBytes item)
{
	uint8_t    *at = hs_items_space(out, item.size);

	if (at != NULL && item.size > 0)
		memcpy(at, item.data, item.size);
}

static inline void
hs_items_put_null(HsItems *out)
{
	uint32_t	header = HS_ITEM_NULL;

	out->need += HS_ITEM_HEADER;
	if (out->need > out->capacity)
		return;
	memcpy(out->buf + out->size, &header, HS_ITEM_HEADER);
	out->size = out->need;
	out->n++;
}

static inline bool
hs_items_fit(const HsItems *out)
{
	return out->need <= out->capacity;
}

/* Take the item at *pos apart and move on; false for a null.  Borrowed. */
static inline bool
hs_items_next(const HsItems *items, size_t *pos, HsBytes *item)
{
	uint32_t	size;

	memcpy(&size, items->buf + *pos, HS_ITEM_HEADER);
	*pos += HS_ITEM_HEADER;
	if (size == HS_ITEM_NULL)
	{
		*item = hs_bytes(NULL, 0);
		return false;
	}
	*item = hs_bytes(items->buf + *pos, size);
	*pos += size;
	return true;
}

/*
 * The same in bytes that may be anything, as those of a dump: false if they end before the item
 * does, or if its size is above 'most'.  *pos is not beyond their end.
 */
static inline bool
hs_item_take(HsBytes bytes, size_t *pos, size_t most, HsBytes *item)
{
	uint32_t	size;

	if (bytes.size - *pos < HS_ITEM_HEADER)
		return false;
	memcpy(&size, bytes.data + *pos, HS_ITEM_HEADER);
	*pos += HS_ITEM_HEADER;
	if (size > most || bytes.size - *pos < size)
		return false;
	*item = hs_bytes(bytes.data + *pos, size);
	*pos += size;
	return true;
}

#endif							/* HS_ITEMS_H */
