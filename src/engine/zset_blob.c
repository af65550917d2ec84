/*
 * zset_blob.c
 *	  Small sorted sets: one sorted run of bytes in the record.
 */
#include "zset_blob.h"

static void
set_header(uint8_t *blob, unsigned n, unsigned used)
{
	uint16_t	header[2] = {(uint16_t) n, (uint16_t) used};

	memcpy(blob, header, sizeof(header));
}

void
hs_zblob_init(uint8_t *blob)
{
	set_header(blob, 0, HS_ZBLOB_HEADER);
}

void
hs_zblob_index(const uint8_t *blob, HsZblobIndex *index)
{
	unsigned	at = HS_ZBLOB_HEADER;

	index->n = hs_zblob_n(blob);
	for (unsigned i = 0; i < index->n; i++)
	{
		index->offset[i] = (uint16_t) at;
		at = hs_zblob_next(blob, at);
	}
	index->offset[index->n] = (uint16_t) at;
}

unsigned
hs_zblob_find(const uint8_t *blob, HsBytes member, unsigned *rank)
{
	unsigned	n = hs_zblob_n(blob);
	unsigned	at = HS_ZBLOB_HEADER;
	uint8_t		last = member.size > 0 ? member.data[member.size - 1] : 0;

	for (unsigned i = 0; i < n; i++)
	{
		/* names that begin alike often end differently */
		if (blob[at] == member.size &&
			(member.size == 0 ||
			 (blob[at + member.size] == last &&
			  hs_equal(blob + at + 1, member.data, member.size))))
		{
			if (rank != NULL)
				*rank = i;
			return at;
		}
		at = hs_zblob_next(blob, at);
	}
	return 0;
}

unsigned
hs_zblob_rank(const uint8_t *blob, const HsZsetBound *bound, unsigned *offset)
{
	unsigned	n = hs_zblob_n(blob);
	unsigned	at = HS_ZBLOB_HEADER;
	unsigned	i;

	for (i = 0; i < n; i++)
	{
		uint64_t	key = hs_zset_key(hs_zblob_score(blob, at));

		if (!HS_ZBOUND_HAS_BELOW(bound, key, hs_bytes_cmp(hs_zblob_member(blob, at), bound->member)))
			break;
		at = hs_zblob_next(blob, at);
	}
	if (offset != NULL)
		*offset = at;
	return i;
}

void
hs_zblob_put(uint8_t *blob, HsBytes member, double score)
{
	HsZsetBound bound = {HS_ZBOUND_MEMBER, false, hs_zset_key(score), member};
	unsigned	size = HS_ZBLOB_ENTRY + (unsigned) member.size;
	unsigned	used = hs_zblob_used(blob);
	unsigned	at;

	score += 0.0;
	(void) hs_zblob_rank(blob, &bound, &at);
	memmove(blob + at + size, blob + at, used - at);
	blob[at] = (uint8_t) member.size;
	hs_copy(blob + at + 1, member.data, member.size);
	memcpy(blob + at + 1 + member.size, &score, 8);
	set_header(blob, hs_zblob_n(blob) + 1, used + size);
}

void
hs_zblob_cut(uint8_t *blob, unsigned from, unsigned to, unsigned n)
{
	unsigned	used = hs_zblob_used(blob);

	memmove(blob + from, blob + to, used - to);
	set_header(blob, hs_zblob_n(blob) - n, used - (to - from));
}

const char *
hs_zblob_verify(const uint8_t *blob, size_t size)
{
	unsigned	n,
				at = HS_ZBLOB_HEADER,
				before = 0;

	if (size < HS_ZBLOB_HEADER || hs_zblob_used(blob) > size)
		return "zset: blob is cut short";
	n = hs_zblob_n(blob);
	if (n == 0 || n > HS_ZSET_BLOB_MAX)
		return "zset: bad number of members in a blob";
	for (unsigned i = 0; i < n; i++)
	{
		HsBytes		member;
		HsZsetBound bound;
		uint64_t	key;

		if (at >= hs_zblob_used(blob) || blob[at] > HS_ZSET_BLOB_MEMBER ||
			hs_zblob_next(blob, at) > hs_zblob_used(blob))
			return "zset: blob entry is cut short";
		member = hs_zblob_member(blob, at);
		if (hs_zblob_find(blob, member, NULL) != at)
			return "zset: member twice in a blob";
		key = hs_zset_key(hs_zblob_score(blob, at));
		bound = (HsZsetBound) {HS_ZBOUND_MEMBER, false, key, member};
		if (before != 0 &&
			!HS_ZBOUND_HAS_BELOW(&bound, hs_zset_key(hs_zblob_score(blob, before)),
								 hs_bytes_cmp(hs_zblob_member(blob, before), member)))
			return "zset: blob is not ascending";
		before = at;
		at = hs_zblob_next(blob, at);
	}
	return at == hs_zblob_used(blob) ? NULL : "zset: bytes behind the last entry of a blob";
}
