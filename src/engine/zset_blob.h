/*
 * zset_blob.h
 *	  Small sorted sets: one sorted run of bytes in the record.
 *
 *	u16 n | u16 used | n times: u8 size | member | f64 score
 *
 * 'used' counts the bytes from the start; the record may have more room.  At
 * most HS_ZSET_BLOB_MAX members of at most HS_ZSET_BLOB_MEMBER bytes.
 */
#ifndef HS_ZSET_BLOB_H
#define HS_ZSET_BLOB_H

#include "zset.h"
#include "zset_entry.h"

#define HS_ZBLOB_HEADER		4
#define HS_ZBLOB_ENTRY		9	/* bytes around a member */
#define HS_ZBLOB_BYTES \
	(HS_ZBLOB_HEADER + HS_ZSET_BLOB_MAX * (HS_ZBLOB_ENTRY + HS_ZSET_BLOB_MEMBER))

/* A blob in process memory, to be changed and put back. */
typedef struct HsZblob
{
	uint8_t		data[HS_ZBLOB_BYTES];
} HsZblob;

/* Offsets of all entries, for access by rank; offset[n] is the end. */
typedef struct HsZblobIndex
{
	unsigned	n;
	uint16_t	offset[HS_ZSET_BLOB_MAX + 1];
} HsZblobIndex;

static inline unsigned
hs_zblob_n(const uint8_t *blob)
{
	uint16_t	n;

	memcpy(&n, blob, 2);
	return n;
}

static inline unsigned
hs_zblob_used(const uint8_t *blob)
{
	uint16_t	used;

	memcpy(&used, blob + 2, 2);
	return used;
}

/* The entry at an offset; the next one is behind it. */
static inline HsBytes
hs_zblob_member(const uint8_t *blob, unsigned offset)
{
	return hs_bytes(blob + offset + 1, blob[offset]);
}

static inline double
hs_zblob_score(const uint8_t *blob, unsigned offset)
{
	double		score;

	memcpy(&score, blob + offset + 1 + blob[offset], 8);
	return score;
}

static inline unsigned
hs_zblob_next(const uint8_t *blob, unsigned offset)
{
	return offset + HS_ZBLOB_ENTRY + blob[offset];
}

extern void hs_zblob_init(uint8_t *blob);
extern void hs_zblob_index(const uint8_t *blob, HsZblobIndex *index);

/* Offset of the member's entry, or 0; *rank (may be NULL) is its rank. */
extern unsigned hs_zblob_find(const uint8_t *blob, HsBytes member, unsigned *rank);
/* Number of entries below the bound; *offset (may be NULL) of the first other one. */
extern unsigned hs_zblob_rank(const uint8_t *blob, const HsZsetBound *bound, unsigned *offset);

/* Does a blob that has room for one more member take this one? */
static inline bool
hs_zblob_takes(const uint8_t *blob, HsBytes member)
{
	return member.size <= HS_ZSET_BLOB_MEMBER && hs_zblob_n(blob) < HS_ZSET_BLOB_MAX;
}

/* Put a member that is not there; bytes: hs_zblob_takes() says so. */
extern void hs_zblob_put(uint8_t *blob, HsBytes member, double score);
/* Remove the bytes [from, to) that are n entries. */
extern void hs_zblob_cut(uint8_t *blob, unsigned from, unsigned to, unsigned n);

/* NULL or what is wrong with a blob in 'size' bytes. */
extern const char *hs_zblob_verify(const uint8_t *blob, size_t size);

#endif							/* HS_ZSET_BLOB_H */
