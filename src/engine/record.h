/*
 * record.h
 *	  Layout of one key with its value in a record log.
 *
 *	u16 flags | u8/u16 key size | u8/u16/u32 value size
 *	[i64 expires_us] [u64 version] [u32 tags] | key | value | pad to the granule
 *
 * Fields are unaligned and little-endian as the machine is.  The record of a
 * typical key (short key and value, no expiry) has a header of 4 bytes.
 * No hash, links, clock or reference count: the index holds what it needs.
 */
#ifndef HS_RECORD_H
#define HS_RECORD_H

#include <stdbool.h>

#include "region.h"

#define HS_MAX_KEY			65536	/* bytes of a key, member or field */
#define HS_NEVER			INT64_MAX	/* expires_us of a key that does not expire */

/* What a key holds.  Values are part of dump format 1: never renumber. */
typedef enum HsType
{
	HS_STRING = 0,
	HS_HASH = 1,
	HS_LIST = 2,
	HS_SET = 3,
	HS_ZSET = 4,
	HS_STREAM = 5,
	HS_HLL = 6,
	HS_CACHED = 7,				/* see cached.h; never in a dump */
	HS_NTYPES = 8,
	HS_ANY = 12,				/* argument only: any type will do */
	HS_CHUNK = 13,				/* a piece of a large value; not a key, see big.h */
	HS_DEAD = 15				/* unlinked, or not linked yet */
} HsType;

#define HS_RF_TYPE			0x000f	/* HsType */
#define HS_RF_KLEN16		0x0010	/* key size takes 2 bytes, stored less 1 */
#define HS_RF_VLEN16		0x0020	/* value size takes 2 bytes */
#define HS_RF_VLEN32		0x0040	/* value size takes 4 bytes */
#define HS_RF_EXPIRES		0x0080	/* has expires_us */
#define HS_RF_VERSION		0x0100	/* has a version, see hs_key_version() */
#define HS_RF_INT			0x0200	/* string: value is an int64, counted in place */
#define HS_RF_DUES			0x0200	/* large collection: members may expire, see dues.h */
#define HS_RF_BIG			0x0400	/* string: value is an HsBig, see big.h */
#define HS_RF_TEXT			0x0800	/* string: verified text of the database encoding */
#define HS_RF_JSONB			0x1000	/* string: a jsonb datum without its length word */
#define HS_RF_LARGE			0x2000	/* collection: value is an HsRef to its root node */
#define HS_RF_TAGS			0x4000	/* string: has an HsRef to its tags, see tag.h */
#define HS_RF_OWNER			0x8000	/* kept for transactional keyspaces */

/* Flags that make a header longer than 4 bytes. */
#define HS_RF_LONG_HEADER \
	(HS_RF_KLEN16 | HS_RF_VLEN16 | HS_RF_VLEN32 | HS_RF_EXPIRES | HS_RF_VERSION | HS_RF_TAGS)

/* Flags that say how to read a value and travel with it. */
#define HS_RF_VALUE			(HS_RF_INT | HS_RF_TEXT | HS_RF_JSONB)

typedef uint8_t HsRecord;		/* points at the first byte; use the accessors */

/* A record header, taken apart. */
typedef struct HsRecordView
{
	uint16_t	flags;
	uint32_t	key_size;
	uint32_t	value_size;		/* bytes in the record, of whatever encoding */
	uint32_t	header_size;
	uint32_t	total;			/* bytes in the log, padded to the granule */
	int64_t		expires_us;		/* HS_NEVER if it does not expire */
	const uint8_t *key;
	uint8_t    *value;
} HsRecordView;

static inline uint16_t
hs_record_flags(const HsRecord *r)
{
	uint16_t	f;

	memcpy(&f, r, 2);
	return f;
}

static inline HsType
hs_record_type(const HsRecord *r)
{
	return (HsType) (r[0] & HS_RF_TYPE);
}

static inline uint32_t
hs_record_pad(size_t size)
{
	size_t		granule = (size_t) 1 << hs_shift;

	return (uint32_t) ((size + granule - 1) & ~(granule - 1));
}

/* A collection of which members may expire?  The flag alone is one of strings, too. */
static inline bool
hs_flags_have_dues(uint16_t flags)
{
	return (flags & (HS_RF_LARGE | HS_RF_DUES)) == (HS_RF_LARGE | HS_RF_DUES);
}

static inline bool
hs_has_dues(const HsRecord *r)
{
	return hs_flags_have_dues(hs_record_flags(r));
}

/* Bytes before the key in a record with these properties. */
static inline uint32_t
hs_record_header_size(uint16_t flags)
{
	uint32_t	n = 4;

	if ((flags & HS_RF_LONG_HEADER) == 0)
		return n;
	if (flags & HS_RF_KLEN16)
		n += 1;
	if (flags & HS_RF_VLEN16)
		n += 1;
	else if (flags & HS_RF_VLEN32)
		n += 3;
	if (flags & HS_RF_EXPIRES)
		n += 8;
	if (flags & HS_RF_VERSION)
		n += 8;
	if (flags & HS_RF_TAGS)
		n += sizeof(HsRef);
	return n;
}

/* The tags of the record, or HS_REF_NONE. */
static inline HsRef
hs_record_tags(const HsRecord *r)
{
	uint16_t	f = hs_record_flags(r);
	HsRef		tags = HS_REF_NONE;

	if (f & HS_RF_TAGS)
		memcpy(&tags, r + hs_record_header_size(f & ~HS_RF_TAGS), sizeof(tags));
	return tags;
}

/* Width flags that key and value sizes ask for. */
static inline uint16_t
hs_record_width_flags(size_t key_size, size_t value_size)
{
	uint16_t	f = 0;

	if (key_size > UINT8_MAX)
		f |= HS_RF_KLEN16;
	if (value_size > UINT16_MAX)
		f |= HS_RF_VLEN32;
	else if (value_size > UINT8_MAX)
		f |= HS_RF_VLEN16;
	return f;
}

/* The sizes and expiry behind the flags 'f', at p; returns where they end. */
static inline const uint8_t *
hs_record_view_long(const uint8_t *p, uint16_t f, HsRecordView *v)
{
	if (f & HS_RF_KLEN16)
	{
		uint16_t	n;

		memcpy(&n, p, 2);
		v->key_size = n + 1u;
		p += 2;
	}
	else
		v->key_size = *p++;
	if (f & HS_RF_VLEN32)
	{
		memcpy(&v->value_size, p, 4);
		p += 4;
	}
	else if (f & HS_RF_VLEN16)
	{
		uint16_t	n;

		memcpy(&n, p, 2);
		v->value_size = n;
		p += 2;
	}
	else
		v->value_size = *p++;
	if (f & HS_RF_EXPIRES)
	{
		memcpy(&v->expires_us, p, 8);
		p += 8;
	}
	if (f & HS_RF_VERSION)
		p += 8;
	if (f & HS_RF_TAGS)
		p += sizeof(HsRef);
	return p;
}

/*
 * Take a header apart.  A lock-free reader may hand in torn bytes: the result
 * is then garbage, but nothing beyond the header is touched.
 */
static inline void
hs_record_view(HsRecord *r, HsRecordView *v)
{
	const uint8_t *p = r + 2;
	uint16_t	f = hs_record_flags(r);

	v->flags = f;
	v->expires_us = HS_NEVER;
	if ((f & HS_RF_LONG_HEADER) == 0)
	{
		/* nearly all: a third of the instructions */
		v->key_size = p[0];
		v->value_size = p[1];
		p += 2;
	}
	else
		p = hs_record_view_long(p, f, v);
	v->header_size = (uint32_t) (p - r);
	v->total = hs_record_pad((size_t) v->header_size + v->key_size + v->value_size);
	v->key = p;
	v->value = r + v->header_size + v->key_size;
}

#endif							/* HS_RECORD_H */
