/*
 * zset_entry.c
 *	  The node that holds one member of a large sorted set.
 */
#include "zset_entry.h"

/* Bytes of the member in the first node and in each further one. */
#define FIRST_ROOM	(HS_ZENTRY_NODE_MAX - HS_ZENTRY_CHAINED)
#define PIECE_ROOM	(HS_ZENTRY_NODE_MAX - HS_ZENTRY_PIECE)

static inline HsRef
next_piece(HsRef entry, uint32_t offset)
{
	HsRef		next;

	memcpy(&next, (uint8_t *) hs_ptr(entry) + offset, sizeof(next));
	return next;
}

HsBytes
hs_zentry_run(HsRef entry, uint32_t offset)
{
	const uint8_t *e = hs_ptr(entry);
	uint32_t	size = hs_zentry_size(entry);
	HsRef		piece;
	uint32_t	start;

	if (size < UINT8_MAX)
		return hs_bytes(e + HS_ZENTRY_SHORT + offset, size - offset);
	if (!hs_zentry_is_chained(size))
		return hs_bytes(e + HS_ZENTRY_LONG + offset, size - offset);
	start = FIRST_ROOM;
	if (offset < start)
		return hs_bytes(e + HS_ZENTRY_CHAINED + offset, start - offset);
	piece = next_piece(entry, HS_ZENTRY_LONG);
	while (offset - start >= PIECE_ROOM)
	{
		start += PIECE_ROOM;
		piece = next_piece(piece, 0);
	}
	offset -= start;
	size -= start;
	if (size > PIECE_ROOM)
		size = PIECE_ROOM;
	return hs_bytes((uint8_t *) hs_ptr(piece) + HS_ZENTRY_PIECE + offset, size - offset);
}

int
hs_zentry_cmp_long(HsRef entry, HsBytes member)
{
	uint32_t	size = hs_zentry_size(entry);
	uint32_t	common = size < member.size ? size : (uint32_t) member.size;
	uint32_t	done = 0;

	while (done < common)
	{
		HsBytes		run = hs_zentry_run(entry, done);
		uint32_t	n = run.size < common - done ? (uint32_t) run.size : common - done;
		int			c = memcmp(run.data, member.data + done, n);

		if (c != 0)
			return c;
		done += n;
	}
	return (size > member.size) - (size < member.size);
}

void
hs_zentry_copy(HsRef entry, uint8_t *dst)
{
	uint32_t	size = hs_zentry_size(entry);
	uint32_t	done = 0;

	while (done < size)
	{
		HsBytes		run = hs_zentry_run(entry, done);

		hs_copy(dst + done, run.data, run.size);
		done += (uint32_t) run.size;
	}
}

typedef struct Pieces
{
	HsRef		entry;
	uint32_t	done;
} Pieces;

static bool
pieces_next(void *arg, HsBytes *piece)
{
	Pieces	   *p = arg;

	if (p->done == hs_zentry_size(p->entry))
		return false;
	*piece = hs_zentry_run(p->entry, p->done);
	p->done += (uint32_t) piece->size;
	return true;
}

uint64_t
hs_zentry_hash(HsRef entry)
{
	HsBytes		member;
	Pieces		pieces = {entry, 0};

	if (hs_zentry_member(entry, &member))
		return hs_member_hash(member);
	return hs_member_hash_pieces(pieces_next, &pieces);
}

void
hs_zentry_needs(uint32_t size, void (*need) (void *arg, uint32_t size, uint32_t count),
				void *arg)
{
	if (!hs_zentry_is_chained(size))
	{
		need(arg, size + (size < UINT8_MAX ? HS_ZENTRY_SHORT : HS_ZENTRY_LONG), 1);
		return;
	}
	need(arg, HS_ZENTRY_NODE_MAX, 1);
	size -= FIRST_ROOM;
	if (size / PIECE_ROOM > 0)
		need(arg, HS_ZENTRY_NODE_MAX, size / PIECE_ROOM);
	if (size % PIECE_ROOM > 0)
		need(arg, HS_ZENTRY_PIECE + size % PIECE_ROOM, 1);
}

static void
add_bytes(void *arg, uint32_t size, uint32_t count)
{
	*(uint64_t *) arg += (uint64_t) hs_slab_round(size) * count;
}

uint64_t
hs_zentry_bytes(uint32_t size)
{
	uint64_t	bytes = 0;

	hs_zentry_needs(size, add_bytes, &bytes);
	return bytes;
}

static void
free_chain(struct HsPart *part, HsRef piece, uint32_t size)
{
	while (piece != HS_REF_NONE)
	{
		HsRef		next = next_piece(piece, 0);
		uint32_t	n = size < PIECE_ROOM ? size : PIECE_ROOM;

		hs_slab_free(part, piece, HS_ZENTRY_PIECE + n);
		size -= n;
		piece = next;
	}
}

/* Pieces for the rest of a long member, the last one first. */
static bool
alloc_chain(struct HsPart *part, HsBytes rest, HsRef *chain)
{
	size_t		end = rest.size;

	*chain = HS_REF_NONE;
	while (end > 0)
	{
		uint32_t	n = (uint32_t) (end % PIECE_ROOM);
		HsRef		piece;

		if (n == 0)
			n = PIECE_ROOM;
		piece = hs_slab_alloc(part, HS_ZENTRY_PIECE + n);
		if (piece == HS_REF_NONE)
		{
			free_chain(part, *chain, (uint32_t) (rest.size - end));
			return false;
		}
		memcpy(hs_ptr(piece), chain, sizeof(HsRef));
		memcpy((uint8_t *) hs_ptr(piece) + HS_ZENTRY_PIECE, rest.data + end - n, n);
		*chain = piece;
		end -= n;
	}
	return true;
}

static HsRef
alloc_chained(struct HsPart *part, HsBytes member, double score)
{
	uint32_t	size = (uint32_t) member.size;
	const uint32_t first = FIRST_ROOM;
	HsRef		chain;
	HsRef		entry;
	uint8_t    *e;

	if (!alloc_chain(part, hs_bytes(member.data + first, size - first), &chain))
		return HS_REF_NONE;
	entry = hs_slab_alloc(part, HS_ZENTRY_NODE_MAX);
	if (entry == HS_REF_NONE)
	{
		free_chain(part, chain, size - first);
		return HS_REF_NONE;
	}
	e = hs_ptr(entry);
	hs_zentry_set_score(entry, score);
	e[8] = UINT8_MAX;
	memcpy(e + 9, &size, 4);
	memcpy(e + HS_ZENTRY_LONG, &chain, sizeof(chain));
	memcpy(e + HS_ZENTRY_CHAINED, member.data, first);
	return entry;
}

HsRef
hs_zentry_alloc(struct HsPart *part, HsBytes member, double score)
{
	uint32_t	size = (uint32_t) member.size;
	uint32_t	header = size < UINT8_MAX ? HS_ZENTRY_SHORT : HS_ZENTRY_LONG;
	HsRef		entry;
	uint8_t    *e;

	if (hs_zentry_is_chained(size))
		return alloc_chained(part, member, score);
	entry = hs_slab_alloc(part, header + size);
	if (entry == HS_REF_NONE)
		return HS_REF_NONE;
	e = hs_ptr(entry);
	hs_zentry_set_score(entry, score);
	e[8] = size < UINT8_MAX ? (uint8_t) size : UINT8_MAX;
	if (size >= UINT8_MAX)
		memcpy(e + 9, &size, 4);
	hs_copy(e + header, member.data, size);
	return entry;
}

void
hs_zentry_free(struct HsPart *part, HsRef entry)
{
	uint32_t	size = hs_zentry_size(entry);

	if (!hs_zentry_is_chained(size))
	{
		hs_slab_free(part, entry, size + (size < UINT8_MAX ? HS_ZENTRY_SHORT : HS_ZENTRY_LONG));
		return;
	}
	free_chain(part, next_piece(entry, HS_ZENTRY_LONG), size - FIRST_ROOM);
	hs_slab_free(part, entry, HS_ZENTRY_NODE_MAX);
}

const HsMemberOps hs_zentry_ops = {hs_zentry_hash, hs_zentry_is};
