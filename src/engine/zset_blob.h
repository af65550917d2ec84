/*
 * zset_blob.h
 *	  Small sorted sets: one sorted run of bytes in the record.
 *
 *	u8 n | u8 form | u8 rest size | u8 prefix size | u16 used | prefix | n entries
 *	entry: [u8 size] | rest of the member | score
 *
 * All members begin with the prefix.  If the rests have one size it stands in front, and
 * entries lie at even distances; else each has its own.  All scores take as many bytes, as the
 * form says: integers if they are, else the first bytes of a double, the others of which are
 * zero in all of them.  'used' counts the bytes from the start; the record may have more
 * room.  At most HS_ZSET_BLOB_MAX members of at most HS_ZSET_BLOB_MEMBER bytes.
 *
 * Scores and ends of members are read as words that end where they do: up to 8 bytes in front
 * of a blob are touched, of the record's header and key.
 *
 * Known to zset*.c only.  Lock: of a blob in a record that of its partition, exclusive to change it.
 */
#ifndef HS_ZSET_BLOB_H
#define HS_ZSET_BLOB_H

#include "zset.h"
#include "zset_entry.h"

#define HS_ZBLOB_HEADER		6
#define HS_ZBLOB_ENTRY		9	/* bytes around a member, at most */
#define HS_ZBLOB_BYTES \
	(HS_ZBLOB_HEADER + HS_ZSET_BLOB_MAX * (HS_ZBLOB_ENTRY + HS_ZSET_BLOB_MEMBER))

/* form: 0..8: bytes of a double; 9..15: less 8, of an integer */
#define HS_ZBLOB_INTEGER	8
#define HS_ZBLOB_LOOSE		0x80	/* flag: entries went, so all may take less room */
#define HS_ZBLOB_DIFFER		UINT8_MAX	/* rest size: each entry has its own */

/* A blob in process memory, to be changed and put back. */
typedef struct HsZblob
{
	uint8_t		front[8];		/* see above */
	uint8_t		data[HS_ZBLOB_BYTES];
} HsZblob;

/* A blob, taken apart.  Borrowed. */
typedef struct HsZblobView
{
	const uint8_t *blob;
	unsigned	n;
	unsigned	first;			/* offset of the first entry */
	unsigned	rest;			/* bytes of each rest, or HS_ZBLOB_DIFFER */
	unsigned	stride;			/* bytes of each entry, if they do not differ */
	HsBytes		prefix;
	unsigned	width;			/* bytes of a score */
	bool		is_integer;
	uint64_t	mask;			/* of a score in a word, */
	unsigned	shift;			/* and how to move it then */
} HsZblobView;

/* A blob and where its entries are, for access by rank. */
typedef struct HsZblobIndex
{
	HsZblobView view;
	uint16_t	offset[HS_ZSET_BLOB_MAX + 1];	/* unless they lie at even distances */
} HsZblobIndex;

static inline unsigned
hs_zblob_n(const uint8_t *blob)
{
	return blob[0];
}

static inline unsigned
hs_zblob_used(const uint8_t *blob)
{
	uint16_t	used;

	memcpy(&used, blob + 4, 2);
	return used;
}

static inline HsZblobView
hs_zblob_view(const uint8_t *blob)
{
	HsZblobView v;
	unsigned	form = blob[1] & ~(unsigned) HS_ZBLOB_LOOSE;

	v.blob = blob;
	v.n = blob[0];
	v.prefix = hs_bytes(blob + HS_ZBLOB_HEADER, blob[3]);
	v.first = HS_ZBLOB_HEADER + blob[3];
	v.is_integer = form > HS_ZBLOB_INTEGER;
	v.width = v.is_integer ? form - HS_ZBLOB_INTEGER : form;
	v.rest = blob[2];
	v.stride = v.rest + v.width;
	v.mask = v.width == 0 ? 0 : ~UINT64_C(0) << (64 - 8 * v.width);
	v.shift = v.is_integer ? 64 - 8 * v.width : 0;
	return v;
}

/* Behind the entry at an offset: where the next one is. */
static inline unsigned
hs_zblob_next(const HsZblobView *v, unsigned at)
{
	return at + (v->rest != HS_ZBLOB_DIFFER ? v->stride : 1 + v->blob[at] + v->width);
}

/* The member of the entry at an offset without its prefix. */
static inline HsBytes
hs_zblob_rest(const HsZblobView *v, unsigned at)
{
	if (v->rest != HS_ZBLOB_DIFFER)
		return hs_bytes(v->blob + at, v->rest);
	return hs_bytes(v->blob + at + 1, v->blob[at]);
}

/* Room for a member: its prefix, which stays, and the rest of one after the other. */
typedef struct HsZblobName
{
	uint8_t		data[HS_ZSET_BLOB_MEMBER + 8];	/* short rests are written as a word */
} HsZblobName;

static inline void
hs_zblob_name_init(HsZblobName *name, const HsZblobView *v)
{
	hs_copy(name->data, v->prefix.data, v->prefix.size);
}

/* The member of the entry at an offset.  Half the instructions of memcpy(). */
static inline HsBytes
hs_zblob_member(const HsZblobView *v, unsigned at, HsZblobName *name)
{
	HsBytes		rest = hs_zblob_rest(v, at);
	uint8_t    *to = name->data + v->prefix.size;
	uint64_t	word;

	if (rest.size >= 8)
	{
		for (size_t i = 0; i < rest.size - 8; i += 8)
			memcpy(to + i, rest.data + i, 8);
		memcpy(to + rest.size - 8, rest.data + rest.size - 8, 8);
	}
	else if (rest.size > 0)
	{
		word = hs_word_at(rest.data + rest.size - 8) >> (64 - 8 * rest.size);
		memcpy(to, &word, 8);
	}
	return hs_bytes(name->data, v->prefix.size + rest.size);
}

/* The score of the entry that ends at an offset. */
static inline double
hs_zblob_score_before(const HsZblobView *v, unsigned end)
{
	int64_t		bits = (int64_t) (hs_word_at(v->blob + end - 8) & v->mask) >> v->shift;
	double		score;

	if (v->is_integer)
		return (double) bits;
	memcpy(&score, &bits, 8);
	return score;
}

static inline double
hs_zblob_score(const HsZblobView *v, unsigned at)
{
	return hs_zblob_score_before(v, hs_zblob_next(v, at));
}

/* Sum of the sizes of all members. */
static inline unsigned
hs_zblob_member_bytes(const uint8_t *blob)
{
	HsZblobView v = hs_zblob_view(blob);

	return hs_zblob_used(blob) - v.first + v.n * (unsigned) v.prefix.size -
		v.n * (v.width + (v.rest == HS_ZBLOB_DIFFER));
}

/* The view, and the offsets of entries below rank 'end'; n: all, and of the end. */
extern void hs_zblob_index(const uint8_t *blob, unsigned end, HsZblobIndex *index);

static inline unsigned
hs_zblob_at(const HsZblobIndex *index, unsigned rank)
{
	const HsZblobView *v = &index->view;

	return v->rest != HS_ZBLOB_DIFFER ? v->first + rank * v->stride : index->offset[rank];
}

/* Offset of the member's entry, or 0; then its rank and score, both may be NULL. */
extern unsigned hs_zblob_find(const uint8_t *blob, HsBytes member, unsigned *rank, double *score);
/* Number of entries below the bound. */
extern unsigned hs_zblob_rank(const uint8_t *blob, const HsZsetBound *bound);

/*
 * ---- Changing a copy -------------------------------------------------------------
 */
extern void hs_zblob_init(uint8_t *blob);

/*
 * Put a member that is not there; move the one at 'at' to another score.  False if that takes
 * more than 'limit' bytes, or more or longer members than a blob has: nothing has changed.
 */
extern bool hs_zblob_put(uint8_t *blob, HsBytes member, double score, size_t limit);
extern bool hs_zblob_move(uint8_t *blob, unsigned at, HsBytes member, double score, size_t limit);
/* Remove the bytes [from, to) that are n entries. */
extern void hs_zblob_cut(uint8_t *blob, unsigned from, unsigned to, unsigned n);
/* Take the least room there is a form for, if that may have changed.  Not of an empty one. */
extern void hs_zblob_tighten(uint8_t *blob);

/* NULL or what is wrong with a blob in 'size' bytes. */
extern const char *hs_zblob_verify(const uint8_t *blob, size_t size);

#endif							/* HS_ZSET_BLOB_H */
