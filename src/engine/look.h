/*
 * look.h
 *	  A look at a key without a lock.
 *
 * Protocol: take the geometry of the partition and the version of the bucket,
 * look, copy, then make sure that both are what they were and that the
 * keyspace is still the same.  Every address and size found on the way may be torn, so it
 * is checked against the region before it is used.  Nothing is stored but a visited bit,
 * and that in index memory, which is never anything else.
 *
 * All in line, for it is compiled into each reader: with what it looks for in registers, a hit
 * takes half the instructions.  Included by read.c and many.c.
 */
#ifndef HS_LOOK_H
#define HS_LOOK_H

#include "big.h"
#include "hot.h"
#include "index.h"
#include "many.h"

typedef enum HsSeen
{
	HS_SEEN_NOTHING,			/* there is no such key */
	HS_SEEN_KEY,
	HS_SEEN_CHANGE				/* somebody is changing it: look again */
} HsSeen;

/* Which key's place it will be. */
static HS_IN_LINE void
hs_look_at(HsLook *l, HsHandle *h)
{
	l->hash = hs_hash(l->key);
	l->part = hs_part_of(h, l->hash);
	hs_hot_touch(h, l->key, l->hash);
}

/* False: look again. */
static HS_IN_LINE bool
hs_look_begin(HsLook *l)
{
	l->geometry = atomic_load_explicit(&l->part->geometry, memory_order_acquire);
	if (l->geometry & HS_CLOSED)
		return false;
	if ((uint32_t) l->geometry == 0)
	{
		l->head = NULL;
		return true;
	}
	l->head = hs_bucket_at(l->part, hs_bucket_number(l->hash, (uint32_t) l->geometry));
	return l->head != NULL;
}

/*
 * Is it the key's record?  Then *v is filled in, from a copy of the header,
 * so that what was checked is what is used.
 */
static HS_IN_LINE bool
hs_look_matches(const HsLook *l, HsRef ref, HsRecordView *v)
{
	uint64_t	start = (uint64_t) ref << hs_shift;
	const uint8_t *record;
	uint8_t		header[32];
	struct
	{
		uint16_t	flags;
		uint8_t		key_size;
		uint8_t		value_size;
	}			head;

	static_assert(sizeof(head) == 4, "the header of nearly all records");
	if (ref == HS_REF_NONE || start + sizeof(header) > hs_region_size)
		return false;
	record = hs_base + start;
	__builtin_prefetch(record + HS_CACHE_LINE); /* both lines at once: 10 ns of 290 */
	hs_racy_copy_known(&head, record, sizeof(head));
	if (__builtin_expect((head.flags & HS_RF_LONG_HEADER) == 0, 1))
	{
		/* as hs_record_view() does, but in registers */
		v->flags = head.flags;
		v->key_size = head.key_size;
		v->value_size = head.value_size;
		v->header_size = sizeof(head);
		v->expires_us = HS_NEVER;
	}
	else
	{
		hs_racy_copy_known(header, record, sizeof(header));
		hs_record_view(header, v);
	}
	if (v->key_size != l->key.size ||
		start + v->header_size + v->key_size + v->value_size > hs_region_size ||
		((v->flags & HS_RF_BIG) && v->value_size < sizeof(HsBig)))
		return false;
	/* the size of the key from the argument: the processor need not wait for the record */
	v->key = record + v->header_size;
	v->value = hs_base + start + v->header_size + l->key.size;
	return hs_racy_equal(v->key, l->key.data, l->key.size);
}

/* Walk the chain.  *v is filled in if the key is there. */
static HS_IN_LINE HsSeen
hs_look_find(HsLook *l, HsRecordView *v)
{
	uint8_t		tag = hs_hash_tag(l->hash);
	HsBucket   *b = l->head;
	uint64_t	hdr;

	if (b == NULL)
		return HS_SEEN_NOTHING;
	l->hdr = hdr = atomic_load_explicit(&b->hdr, memory_order_acquire);
	if (hdr & HS_HDR_VERSION_ONE)
		return HS_SEEN_CHANGE;
	for (int hops = 0; hops < HS_MAX_HOPS; hops++)
	{
		uint32_t	link;

		for (unsigned m = hs_bucket_match(b, tag); m != 0; m &= m - 1)
		{
			unsigned	i = (unsigned) __builtin_ctz(m);

			if (!hs_look_matches(l, atomic_load_explicit(&b->ref[i], memory_order_relaxed), v))
				continue;
			l->bucket = b;
			l->i = i;
			return HS_SEEN_KEY;
		}
		link = (uint32_t) ((hdr & HS_HDR_OVERFLOW) >> HS_HDR_OVERFLOW_SHIFT);
		if (link == 0)
			return HS_SEEN_NOTHING;
		b = hs_overflow_at(l->part, link - 1);
		if (b == NULL)
			return HS_SEEN_CHANGE;
		hdr = atomic_load_explicit(&b->hdr, memory_order_relaxed);
	}
	return HS_SEEN_CHANGE;
}

/* Of a record with HS_RF_TAGS; the field is the last one before the key. */
static inline HsRef
hs_look_tags(const HsRecordView *v)
{
	HsRef		tags;

	hs_racy_copy(&tags, v->key - sizeof(tags), sizeof(tags));
	return tags;
}

/* The two halves of hs_look_still_true(), after an acquire fence. */
static HS_IN_LINE bool
hs_look_same_version(const HsLook *l)
{
	return l->head == NULL ||
		(atomic_load_explicit(&l->head->hdr, memory_order_relaxed) ^ l->hdr) >> 32 == 0;
}

static HS_IN_LINE bool
hs_look_same_geometry(const HsLook *l)
{
	return atomic_load_explicit(&l->part->geometry, memory_order_relaxed) == l->geometry;
}

/* Has nothing moved since the look began? */
static HS_IN_LINE bool
hs_look_still_true(const HsLook *l)
{
	atomic_thread_fence(memory_order_acquire);
	return hs_look_same_version(l) && hs_look_same_geometry(l);
}

#endif							/* HS_LOOK_H */
