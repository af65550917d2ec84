/*
 * stats.c
 *	  Statistics: added up in the process, in partitions, and per keyspace.
 */
#include "log.h"

static void
flush_one(_Atomic uint64_t *to, uint64_t *from)
{
	if (*from == 0)
		return;
	atomic_fetch_add_explicit(to, *from, memory_order_relaxed);
	*from = 0;
}

void
hs_stats_flush(HsHandle *h)
{
	if (!hs_keyspace_is_current(h))
	{
		h->hits = h->misses = h->sets = h->deletes = 0;
		return;
	}
	flush_one(&h->ks->hits, &h->hits);
	flush_one(&h->ks->misses, &h->misses);
	flush_one(&h->ks->sets, &h->sets);
	flush_one(&h->ks->deletes, &h->deletes);
}

HsStatus
hs_stats(HsHandle *h, HsStats *out)
{
	HsKeyspace *ks = h->ks;

	hs_stats_flush(h);
	memset(out, 0, sizeof(*out));
	for (uint32_t i = 0; i < h->nparts; i++)
	{
		HsPart	   *part = h->parts[i];

		hs_port_lock(&part->lock, HS_SHARED);
		if (!hs_keyspace_is_current(h))
		{
			hs_port_unlock(&part->lock);
			return HS_GONE;
		}
		out->keys += part->count;
		for (int t = 0; t < HS_NTYPES; t++)
			out->keys_by_type[t] += part->count_by_type[t];
		for (int q = 0; q < HS_NLOGS; q++)
			out->log_bytes += (uint64_t) part->log[q].nsegs << hs_seg_shift;
		out->live_bytes += part->log_live;
		out->slab_bytes += (uint64_t) part->slab_segs << hs_seg_shift;
		out->expired += part->expired;
		out->evicted += part->evicted;
		out->moved_bytes += part->moved_bytes;
		hs_port_unlock(&part->lock);
	}
	out->bytes = atomic_load_explicit(&ks->bytes, memory_order_relaxed);
	out->limit = atomic_load_explicit(&ks->limit, memory_order_relaxed);
	out->index_bytes = atomic_load_explicit(&ks->index_bytes, memory_order_relaxed);
	out->big_bytes = atomic_load_explicit(&ks->big_bytes, memory_order_relaxed);
	out->hits = atomic_load_explicit(&ks->hits, memory_order_relaxed);
	out->misses = atomic_load_explicit(&ks->misses, memory_order_relaxed);
	out->sets = atomic_load_explicit(&ks->sets, memory_order_relaxed);
	out->deletes = atomic_load_explicit(&ks->deletes, memory_order_relaxed);
	out->refused = atomic_load_explicit(&ks->refused, memory_order_relaxed);
	out->reset_us = atomic_load_explicit(&ks->reset_us, memory_order_relaxed);
	out->expired -= atomic_load_explicit(&ks->base_expired, memory_order_relaxed);
	out->evicted -= atomic_load_explicit(&ks->base_evicted, memory_order_relaxed);
	out->moved_bytes -= atomic_load_explicit(&ks->base_moved, memory_order_relaxed);
	return HS_OK;
}

void
hs_stats_reset(HsHandle *h, int64_t now_us)
{
	HsKeyspace *ks = h->ks;
	HsStats		now;

	if (hs_stats(h, &now) != HS_OK)
		return;
	atomic_fetch_add_explicit(&ks->base_expired, now.expired, memory_order_relaxed);
	atomic_fetch_add_explicit(&ks->base_evicted, now.evicted, memory_order_relaxed);
	atomic_fetch_add_explicit(&ks->base_moved, now.moved_bytes, memory_order_relaxed);
	atomic_store_explicit(&ks->hits, 0, memory_order_relaxed);
	atomic_store_explicit(&ks->misses, 0, memory_order_relaxed);
	atomic_store_explicit(&ks->sets, 0, memory_order_relaxed);
	atomic_store_explicit(&ks->deletes, 0, memory_order_relaxed);
	atomic_store_explicit(&ks->refused, 0, memory_order_relaxed);
	atomic_store_explicit(&ks->reset_us, now_us, memory_order_relaxed);
}
