/*
 * chain.c
 *	  A byte string in one or more nodes of the slabs.
 */
#include "chain.h"

#include "log.h"
#include "part.h"
#include "slab.h"

/*
 * First node of several.  (p) partition lock
 */
typedef struct First
{
	HsRoot		root;			/* (p) for the graveyard */
	uint32_t	size;			/* (p) bytes of the string from here on */
	HsRef		next;			/* (p) */
} First;

static_assert(sizeof(First) == HS_CHAIN_FIRST, "as iterators take it");

#define PIECE_HEADER	sizeof(HsRef)
#define FIRST_ROOM		(HS_CHAIN_NODE - sizeof(First))
#define PIECE_ROOM		(HS_CHAIN_NODE - PIECE_HEADER)
#define FREE_NOW		32		/* pieces that are freed without the graveyard */

static inline HsRef
next_piece(HsRef piece)
{
	HsRef		next;

	memcpy(&next, hs_ptr(piece), sizeof(next));
	return next;
}

/* Free up to *budget pieces of 'size' bytes in all, the first ones; what is left. */
static HsRef
free_pieces(HsPart *part, HsRef piece, size_t *size, unsigned *budget)
{
	while (piece != HS_REF_NONE && *budget > 0)
	{
		HsRef		next = next_piece(piece);
		size_t		n = *size < PIECE_ROOM ? *size : PIECE_ROOM;

		hs_slab_free(part, piece, (uint32_t) (PIECE_HEADER + n));
		*size -= n;
		--*budget;
		piece = next;
	}
	return piece;
}

/* The pieces behind the first node, the last one first. */
static bool
alloc_pieces(HsPart *part, HsBytes rest, HsRef *chain)
{
	size_t		end = rest.size;

	*chain = HS_REF_NONE;
	while (end > 0)
	{
		size_t		n = end % PIECE_ROOM == 0 ? PIECE_ROOM : end % PIECE_ROOM;
		HsRef		piece = hs_slab_alloc(part, (uint32_t) (PIECE_HEADER + n));

		if (piece == HS_REF_NONE)
		{
			size_t		size = rest.size - end;
			unsigned	all = UINT32_MAX;

			(void) free_pieces(part, *chain, &size, &all);
			return false;
		}
		memcpy(hs_ptr(piece), chain, sizeof(HsRef));
		hs_copy((uint8_t *) hs_ptr(piece) + PIECE_HEADER, rest.data + end - n, n);
		*chain = piece;
		end -= n;
	}
	return true;
}

HsRef
hs_chain_alloc(HsPart *part, HsBytes bytes)
{
	const size_t room = FIRST_ROOM;
	First		first = {.root = {.type = HS_CHUNK},.size = (uint32_t) bytes.size};
	unsigned	all = UINT32_MAX;
	HsRef		chain;

	assert(bytes.size > 0);
	if (bytes.size <= HS_CHAIN_NODE)
	{
		chain = hs_slab_alloc(part, (uint32_t) bytes.size);
		if (chain != HS_REF_NONE)
			hs_copy(hs_ptr(chain), bytes.data, bytes.size);
		return chain;
	}
	if (!alloc_pieces(part, hs_bytes(bytes.data + room, bytes.size - room), &first.next))
		return HS_REF_NONE;
	chain = hs_slab_alloc(part, HS_CHAIN_NODE);
	if (chain == HS_REF_NONE)
	{
		size_t		rest = bytes.size - room;

		(void) free_pieces(part, first.next, &rest, &all);
		return HS_REF_NONE;
	}
	memcpy(hs_ptr(chain), &first, sizeof(first));
	memcpy((uint8_t *) hs_ptr(chain) + sizeof(first), bytes.data, room);
	return chain;
}

bool
hs_chain_free_slice(HsPart *part, HsRef chain, unsigned budget)
{
	First	   *first = hs_ptr(chain);
	size_t		rest = first->size - FIRST_ROOM;

	first->next = free_pieces(part, first->next, &rest, &budget);
	first->size = (uint32_t) (FIRST_ROOM + rest);
	if (first->next != HS_REF_NONE)
		return false;
	hs_slab_free(part, chain, HS_CHAIN_NODE);
	return true;
}

void
hs_chain_free(HsPart *part, HsRef chain, size_t size)
{
	if (size <= HS_CHAIN_NODE)
		hs_slab_free(part, chain, (uint32_t) size);
	else if (size <= FREE_NOW * PIECE_ROOM)
		(void) hs_chain_free_slice(part, chain, UINT32_MAX);
	else
		hs_bury_later(part, chain);
}

void
hs_chain_needs(size_t size, void (*need) (void *arg, uint32_t size, uint32_t count), void *arg)
{
	if (size <= HS_CHAIN_NODE)
	{
		need(arg, (uint32_t) size, 1);
		return;
	}
	size -= FIRST_ROOM;
	need(arg, HS_CHAIN_NODE, (uint32_t) (1 + size / PIECE_ROOM));
	if (size % PIECE_ROOM > 0)
		need(arg, (uint32_t) (PIECE_HEADER + size % PIECE_ROOM), 1);
}

static void
add_bytes(void *arg, uint32_t size, uint32_t count)
{
	*(uint64_t *) arg += (uint64_t) hs_slab_round(size) * count;
}

uint64_t
hs_chain_bytes(size_t size)
{
	uint64_t	bytes = 0;

	hs_chain_needs(size, add_bytes, &bytes);
	return bytes;
}

bool
hs_chain_next(void *iter, HsBytes *run)
{
	HsChainIter *it = iter;
	const uint8_t *node;

	if (it->left == 0)
		return false;
	node = hs_ptr(it->node);
	*run = hs_bytes(node + it->header, HS_CHAIN_NODE - it->header);
	if (run->size > it->left)
		run->size = it->left;
	it->left -= run->size;
	if (it->header == HS_CHAIN_FIRST)
		it->node = ((const First *) (const void *) node)->next;
	else if (it->left > 0)
		it->node = next_piece(it->node);
	it->header = PIECE_HEADER;
	return true;
}

void
hs_chain_copy(HsRef chain, size_t size, uint8_t *dst)
{
	HsChainIter it = hs_chain_iter(chain, size);
	HsBytes		run;

	while (hs_chain_next(&it, &run))
	{
		hs_copy(dst, run.data, run.size);
		dst += run.size;
	}
}

int
hs_chain_cmp(HsRef chain, size_t size, HsBytes other)
{
	HsChainIter it = hs_chain_iter(chain, size);
	size_t		done = 0;
	HsBytes		run;

	while (done < other.size && hs_chain_next(&it, &run))
	{
		size_t		n = run.size < other.size - done ? run.size : other.size - done;
		int			c = memcmp(run.data, other.data + done, n);

		if (c != 0)
			return c;
		done += n;
	}
	return (size > other.size) - (size < other.size);
}

const char *
hs_chain_verify(HsRef chain, size_t size)
{
	const First *first = hs_ptr(chain);
	size_t		rest = size - FIRST_ROOM;
	HsRef		piece;

	if (size <= HS_CHAIN_NODE)
		return size > 0 ? NULL : "chain: no bytes";
	if (first->size != size || first->root.type != HS_CHUNK)
		return "chain: first node is not that of a string of this size";
	for (piece = first->next; piece != HS_REF_NONE && rest > 0; piece = next_piece(piece))
		rest -= rest < PIECE_ROOM ? rest : PIECE_ROOM;
	return piece == HS_REF_NONE && rest == 0 ? NULL : "chain: too few or too many pieces";
}
