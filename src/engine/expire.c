/*
 * expire.c
 *	  Giving memory of expired keys back.
 *
 * Nobody sees an expired key, whatever happens here; this is about memory
 * and about exact counts.  Each log segment knows bounds of when its records expire, so a
 * search touches only segments that may have some.  No queue of keys, no
 * memory per key.
 */
#include "log.h"

/* A fruitless search costs some 20 us; not more often than this. */
#define RESCAN_US	1000000

static bool
is_due(const HsSeg *s, int64_t now_us, bool all)
{
	return s->min_expires_us <= now_us && (all || s->next_scan_us <= now_us);
}

/* The next segment to search; without one, the partition's bound is renewed. */
static uint32_t
next_due(HsPart *part, int64_t now_us, bool all)
{
	int64_t		min = HS_NEVER;

	for (int q = 0; q < HS_NLOGS; q++)
	{
		for (uint32_t seg = part->log[q].oldest; seg != HS_SEG_NONE; seg = hs_segs[seg].next)
		{
			if (is_due(&hs_segs[seg], now_us, all))
				return seg;
			if (hs_segs[seg].min_expires_us < min)
				min = hs_segs[seg].min_expires_us;
		}
	}
	part->min_expires_us = min;
	return HS_SEG_NONE;
}

/* Remove the record if its time has come, else let its segment know. */
static void
visit(HsPart *part, HsSeg *s, HsRecord *record, const HsRecordView *v, int64_t now_us)
{
	HsSlot		slot;
	uint64_t	hash;

	if (v->expires_us > now_us)
	{
		if (v->expires_us < s->min_expires_us)
			s->min_expires_us = v->expires_us;
		return;
	}
	hash = hs_hash(hs_bytes(v->key, v->key_size));
	if (hs_index_find_ref(part, hash, hs_ref(record), &slot))
	{
		hs_unlink(part, &slot, record);
		part->expired++;
	}
}

bool
hs_expire_slice(HsPart *part, int64_t now_us, unsigned nrecords, bool all)
{
	uint32_t	seg = part->scan_seg;

	if (seg == HS_SEG_NONE)
	{
		if (part->min_expires_us > now_us)
			return false;
		seg = next_due(part, now_us, all);
		if (seg == HS_SEG_NONE)
			return false;
		part->scan_seg = seg;
		part->scan_pos = 0;
		hs_segs[seg].min_expires_us = HS_NEVER; /* found anew by visit() */
	}
	for (unsigned i = 0; i < nrecords; i++)
	{
		HsSeg	   *s = &hs_segs[seg];
		HsRecord   *record = hs_seg_data(seg) + part->scan_pos;
		HsRecordView v;

		if (part->scan_pos >= s->used)
		{
			s->next_scan_us = now_us + RESCAN_US;
			part->scan_seg = HS_SEG_NONE;
			break;
		}
		hs_record_view(record, &v);
		part->scan_pos += v.total;
		if (hs_record_type(record) < HS_NTYPES)
			visit(part, s, record, &v, now_us);
		if (part->scan_seg != seg)
			break;				/* that was the last live record: segment freed */
	}
	return true;
}
