/*
 * expire.c
 *	  Giving memory back of keys that have expired or lost a tag.
 *
 * Nobody sees an expired key, whatever happens here; this is about memory
 * and about exact counts.  Each log segment knows bounds of when its records, and members
 * of its collections, expire, so a search touches only segments that may have some.
 * No queue of keys, no memory per key.
 *
 * With deleted tags (tag.h) it is the same: a segment knows whether its records have tags
 * and since when none of them may be dead.  As each deletion makes all of those segments
 * worth a search, the worker goes through them less often while little can be gained.
 */
#include "dues.h"
#include "log.h"
#include "tag.h"

/* A fruitless search costs some 20 us; not more often than this. */
#define RESCAN_US	1000000
#define LOOK_AHEAD	16			/* records */

/* The same for dead tags while fewer keys than this share may have one. */
#define RESCAN_TAGS_US	15000000
#define DEAD_SHARE		16

static bool
has_dead_tags(const HsPart *part, const HsSeg *s)
{
	return part->dead_tags > 0 && s->tagged != 0 && s->tagged != part->tag_epoch;
}

static bool
is_due(const HsPart *part, const HsSeg *s, int64_t now_us, bool all)
{
	if (s->min_expires_us <= now_us || s->min_dues_us <= now_us)
		return all || s->next_scan_us <= now_us;
	if (!has_dead_tags(part, s))
		return false;
	return all || s->next_scan_us <=
		(part->dead_tags >= part->count / DEAD_SHARE ? now_us : now_us - RESCAN_TAGS_US);
}

/* The next segment to search; without one, the partition's bounds are renewed. */
static uint32_t
next_due(HsPart *part, int64_t now_us, bool all)
{
	int64_t		min = HS_NEVER;
	int64_t		min_dues = HS_NEVER;

	for (int q = 0; q < HS_NLOGS; q++)
	{
		for (uint32_t seg = part->log[q].oldest; seg != HS_SEG_NONE; seg = hs_segs[seg].next)
		{
			if (is_due(part, &hs_segs[seg], now_us, all))
				return seg;
			if (hs_segs[seg].min_expires_us < min)
				min = hs_segs[seg].min_expires_us;
			if (hs_segs[seg].min_dues_us < min_dues)
				min_dues = hs_segs[seg].min_dues_us;
		}
	}
	part->min_expires_us = min;
	part->min_dues_us = min_dues;
	return HS_SEG_NONE;
}

/* Remove members whose time has come, else let the segment know.  True: there are more, but *budget is spent. */
static bool
visit_members(HsPart *part, HsSeg *s, HsRecord *record, int64_t now_us, unsigned *budget)
{
	HsPurged	purged = HS_PURGED;

	if (hs_dues_next(record) <= now_us)
		purged = hs_dues_purge_record(part, record, now_us, budget);
	if (purged != HS_PURGED)
		return purged == HS_PURGED_SOME;
	if (hs_dues_next(record) < s->min_dues_us)
		s->min_dues_us = hs_dues_next(record);
	return false;
}

/* Remove the record if its time has come or a tag is dead, else let its segment know. */
static bool
visit(HsPart *part, HsSeg *s, HsRecord *record, const HsRecordView *v, int64_t now_us,
	  unsigned *budget)
{
	bool		is_dead = (v->flags & HS_RF_TAGS) && hs_tags_dead(hs_record_tags(record));
	HsSlot		slot;
	uint64_t	hash;

	if (v->expires_us > now_us && !is_dead)
	{
		if (v->flags & HS_RF_TAGS)
			hs_log_note_tags(part, record);
		if (v->expires_us < s->min_expires_us)
			s->min_expires_us = v->expires_us;
		return hs_flags_have_dues(v->flags) && visit_members(part, s, record, now_us, budget);
	}
	hash = hs_hash(hs_bytes(v->key, v->key_size));
	if (hs_index_find_ref(part, hash, hs_ref(record), &slot))
	{
		part->expired += v->expires_us <= now_us;
		hs_unlink(part, &slot, record);
	}
	return false;
}

bool
hs_expire_slice(HsPart *part, int64_t now_us, unsigned nrecords, bool all)
{
	uint32_t	seg = part->scan_seg;
	unsigned	ahead = 0;		/* records looked at and not yet visited */

	if (seg == HS_SEG_NONE)
	{
		if (part->min_expires_us > now_us && part->min_dues_us > now_us && part->dead_tags == 0)
			return false;
		seg = next_due(part, now_us, all);
		if (seg == HS_SEG_NONE)
			return false;
		part->scan_seg = seg;
		part->scan_pos = 0;
		/* found anew by visit() */
		hs_segs[seg].min_expires_us = hs_segs[seg].min_dues_us = HS_NEVER;
		hs_segs[seg].tagged = 0;
	}
	while (nrecords > 0)
	{
		HsSeg	   *s = &hs_segs[seg];
		HsRecord   *record = hs_seg_data(seg) + part->scan_pos;
		HsRecordView v;
		bool		again = false;

		if (part->scan_pos >= s->used)
		{
			s->next_scan_us = now_us + RESCAN_US;
			part->scan_seg = HS_SEG_NONE;
			break;
		}
		if (ahead-- == 0)
			ahead = hs_log_look_ahead(part, seg, part->scan_pos,
									  nrecords < LOOK_AHEAD ? nrecords : LOOK_AHEAD, now_us) - 1;
		nrecords--;
		hs_record_view(record, &v);
		if (hs_record_type(record) < HS_NTYPES)
			again = visit(part, s, record, &v, now_us, &nrecords);
		if (part->scan_seg != seg)
			break;				/* that was the last live record: segment freed */
		if (!again)
			part->scan_pos += v.total;
	}
	return true;
}
