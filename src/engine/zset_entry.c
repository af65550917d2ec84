/*
 * zset_entry.c
 *	  The node that holds one member of a large sorted set.
 */
#include "zset_entry.h"

int
hs_zentry_cmp_long(HsRef entry, HsBytes member)
{
	HsBytes		whole;

	if (hs_zentry_member(entry, &whole))
		return hs_bytes_cmp(whole, member);
	return hs_chain_cmp(hs_zentry_chain(entry), hs_zentry_size(entry), member);
}

void
hs_zentry_copy(HsRef entry, uint8_t *dst)
{
	HsBytes		whole;

	if (hs_zentry_member(entry, &whole))
		hs_copy(dst, whole.data, whole.size);
	else
		hs_chain_copy(hs_zentry_chain(entry), hs_zentry_size(entry), dst);
}

uint64_t
hs_zentry_hash(HsRef entry)
{
	HsBytes		member;
	HsChainIter pieces;

	if (hs_zentry_member(entry, &member))
		return hs_member_hash(member);
	pieces = hs_chain_iter(hs_zentry_chain(entry), hs_zentry_size(entry));
	return hs_member_hash_pieces(hs_chain_next, &pieces);
}

/* Bytes of the entry's own node. */
static uint32_t
node_size(uint32_t size)
{
	if (hs_zentry_is_chained(size))
		return HS_ZENTRY_CHAINED;
	return size + (size < UINT8_MAX ? HS_ZENTRY_SHORT : HS_ZENTRY_LONG);
}

void
hs_zentry_needs(uint32_t size, void (*need) (void *arg, uint32_t size, uint32_t count),
				void *arg)
{
	need(arg, node_size(size), 1);
	if (hs_zentry_is_chained(size))
		hs_chain_needs(size, need, arg);
}

uint64_t
hs_zentry_bytes(uint32_t size)
{
	return hs_slab_round(node_size(size)) + (hs_zentry_is_chained(size) ? hs_chain_bytes(size) : 0);
}

HsRef
hs_zentry_alloc(struct HsPart *part, HsBytes member, double score)
{
	uint32_t	size = (uint32_t) member.size;
	bool		is_chained = hs_zentry_is_chained(size);
	HsRef		chain = HS_REF_NONE;
	HsRef		entry;
	uint8_t    *e;

	if (is_chained)
	{
		chain = hs_chain_alloc(part, member);
		if (chain == HS_REF_NONE)
			return HS_REF_NONE;
	}
	entry = hs_slab_alloc(part, node_size(size));
	if (entry == HS_REF_NONE)
	{
		if (is_chained)
			hs_chain_free(part, chain, size);
		return HS_REF_NONE;
	}
	e = hs_ptr(entry);
	hs_zentry_set_score(entry, score);
	e[8] = size < UINT8_MAX ? (uint8_t) size : UINT8_MAX;
	if (size >= UINT8_MAX)
		memcpy(e + 9, &size, 4);
	if (is_chained)
		memcpy(e + HS_ZENTRY_LONG, &chain, sizeof(chain));
	else
		hs_copy(e + (size < UINT8_MAX ? HS_ZENTRY_SHORT : HS_ZENTRY_LONG), member.data, size);
	return entry;
}

void
hs_zentry_free(struct HsPart *part, HsRef entry)
{
	uint32_t	size = hs_zentry_size(entry);

	if (hs_zentry_is_chained(size))
		hs_chain_free(part, hs_zentry_chain(entry), size);
	hs_slab_free(part, entry, node_size(size));
}

const HsMemberOps hs_zentry_ops = {hs_zentry_hash, hs_zentry_is};
