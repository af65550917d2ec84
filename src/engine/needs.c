/*
 * needs.c
 *	  What a command may take from the slabs: collected first, then promised as one.
 */
#include "needs.h"

void
hs_needs_add(void *needs, uint32_t size, uint32_t count)
{
	HsNeeds    *n = needs;
	uint32_t	rounded = hs_slab_round(size);

	assert(rounded <= 8 * HS_NEEDS_SIZES);
	n->count[rounded / 8 - 1] += count;
	n->bytes += (uint64_t) rounded * count;
}

bool
hs_needs_promise(HsOp *op, const HsNeeds *needs)
{
	HsSlabNeed	list[HS_SLAB_CLASSES];
	int			n = 0;

	for (unsigned i = 0; i < HS_NEEDS_SIZES; i++)
	{
		if (needs->count[i] == 0)
			continue;
		assert(n < HS_SLAB_CLASSES);
		list[n].size = (i + 1) * 8;
		list[n++].count = needs->count[i];
	}
	if (hs_slab_prepare(op->part, list, n))
		return true;
	op->need = needs->bytes;
	return false;
}

/*
 * Slabs that are short are no reason to evict for ever: ask for a segment, or as much
 * as the command takes at least, so that nothing is evicted for what can never be.
 */
HsStatus
hs_needs_bytes(HsOp *op, HsStatus status, uint64_t bytes)
{
	if (status == HS_NO_MEMORY)
		op->need = bytes < HS_SEG_SIZE ? HS_SEG_SIZE : bytes;
	return status;
}
