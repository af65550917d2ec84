/*
 * log.c
 *	  Record memory of a partition: two queues of segments, filled at the
 *	  newest end.
 *
 * Nothing is freed within a segment: a killed record lowers the segment's count of live
 * bytes, and the segment is given back when none are left, by luck or because
 * evict.c moved the rest.  There are no size classes, so a change of
 * value sizes costs nothing.
 *
 * The queues are those of S3-FIFO: new keys go to S, keys that proved
 * themselves to M (evict.c).
 */
#include "log.h"

static void
push_newest(HsLog *log, uint32_t seg)
{
	HsSeg	   *s = &hs_segs[seg];

	s->next = HS_SEG_NONE;
	s->prev = log->newest;
	if (log->newest != HS_SEG_NONE)
		hs_segs[log->newest].next = seg;
	else
		log->oldest = seg;
	log->newest = seg;
	log->nsegs++;
}

static void
unlink_seg(HsLog *log, uint32_t seg)
{
	HsSeg	   *s = &hs_segs[seg];

	if (s->prev != HS_SEG_NONE)
		hs_segs[s->prev].next = s->next;
	else
		log->oldest = s->next;
	if (s->next != HS_SEG_NONE)
		hs_segs[s->next].prev = s->prev;
	else
		log->newest = s->prev;
	log->nsegs--;
}

HsLogQueue
hs_log_queue(uint32_t seg)
{
	return hs_segs[seg].kind == HS_SEG_LOG_SMALL ? HS_LOG_S : HS_LOG_M;
}

static void
free_seg(HsPart *part, uint32_t seg)
{
	assert(hs_segs[seg].live == 0);
	part->log_used -= hs_segs[seg].used;
	unlink_seg(&part->log[hs_log_queue(seg)], seg);
	if (part->victim == seg)
		part->victim = HS_SEG_NONE;
	if (part->scan_seg == seg)
		part->scan_seg = HS_SEG_NONE;
	hs_part_seg_put(part, seg);
}

void
hs_log_close(HsPart *part, HsLogQueue queue)
{
	uint32_t	seg = part->log[queue].open;

	part->log[queue].open = HS_SEG_NONE;
	if (seg != HS_SEG_NONE && hs_segs[seg].live == 0)
		free_seg(part, seg);
}

void
hs_log_trim(HsPart *part)
{
	for (int q = 0; q < HS_NLOGS; q++)
	{
		uint32_t	seg = part->log[q].open;

		if (seg != HS_SEG_NONE && hs_segs[seg].live == 0)
			hs_log_close(part, (HsLogQueue) q);
	}
}

static void
note_expiry(HsPart *part, HsSeg *s, int64_t expires_us)
{
	if (expires_us < s->min_expires_us)
		s->min_expires_us = expires_us;
	if (expires_us < part->min_expires_us)
		part->min_expires_us = expires_us;
}

void
hs_log_note_expiry(HsPart *part, const HsRecord *record, int64_t expires_us)
{
	note_expiry(part, &hs_segs[hs_seg_of(hs_ref(record))], expires_us);
}

void
hs_log_note_due(HsPart *part, const HsRecord *record, int64_t due_us)
{
	HsSeg	   *s = &hs_segs[hs_seg_of(hs_ref(record))];

	if (due_us < s->min_dues_us)
		s->min_dues_us = due_us;
	if (due_us < part->min_dues_us)
		part->min_dues_us = due_us;
}

void
hs_log_note_tags(HsPart *part, const HsRecord *record)
{
	HsSeg	   *s = &hs_segs[hs_seg_of(hs_ref(record))];

	if (s->tagged == 0)
		s->tagged = part->tag_epoch;
}

static bool
has_space(uint32_t seg, uint32_t size)
{
	return seg != HS_SEG_NONE && hs_segs[seg].used + size <= HS_SEG_SIZE;
}

/*
 * An open segment with space for 'size' bytes: of the queue asked for, opening
 * a new one if need be; without memory for that, of the other queue.
 */
static uint32_t
seg_with_space(HsPart *part, uint32_t size, HsLogQueue queue, bool for_compaction)
{
	HsLog	   *log = &part->log[queue];
	uint32_t	other = part->log[queue == HS_LOG_S ? HS_LOG_M : HS_LOG_S].open;
	uint32_t	seg;

	if (has_space(log->open, size))
		return log->open;
	seg = hs_part_seg_get(part, queue == HS_LOG_S ? HS_SEG_LOG_SMALL : HS_SEG_LOG_MAIN,
						  for_compaction);
	if (seg == HS_SEG_NONE)
		return has_space(other, size) ? other : HS_SEG_NONE;
	hs_log_close(part, queue);
	push_newest(log, seg);
	log->open = seg;
	return seg;
}

HsRef
hs_log_alloc(HsPart *part, uint32_t size, HsLogQueue queue, int64_t expires_us,
			 bool for_compaction)
{
	uint32_t	seg;
	HsSeg	   *s;
	HsRef		ref;

	size = hs_record_pad(size);
	assert(size <= HS_RECORD_MAX);
	seg = seg_with_space(part, size, queue, for_compaction);
	if (seg == HS_SEG_NONE)
		return HS_REF_NONE;
	s = &hs_segs[seg];
	ref = hs_ref(hs_seg_data(seg) + s->used);
	s->used += size;
	s->live += size;
	part->log_used += size;
	part->log_live += size;
	if (!for_compaction)
		part->allocated += size;
	note_expiry(part, s, expires_us);
	return ref;
}

void
hs_log_kill(HsPart *part, HsRecord *record)
{
	uint32_t	seg = hs_seg_of(hs_ref(record));
	HsSeg	   *s = &hs_segs[seg];
	HsRecordView v;

	hs_record_view(record, &v);
	record[0] |= HS_DEAD;		/* all four bits of the type */
	assert(s->live >= v.total);
	s->live -= v.total;
	part->log_live -= v.total;
	part->freed += v.total;
	hs_note_freed(hs_part_keyspace(part), v.total);
	if (s->live == 0 && seg != part->log[hs_log_queue(seg)].open)
		free_seg(part, seg);
}

unsigned
hs_log_look_ahead(const HsPart *part, uint32_t seg, uint32_t pos, unsigned n, int64_t until_us)
{
	unsigned	i;

	for (i = 0; i < n && pos < hs_segs[seg].used; i++)
	{
		HsRecord   *record = hs_seg_data(seg) + pos;
		HsRecordView v;

		hs_record_view(record, &v);
		if (hs_record_type(record) < HS_NTYPES && v.expires_us <= until_us)
			hs_index_prefetch(part, hs_hash(hs_bytes(v.key, v.key_size)));
		pos += v.total;
	}
	return i > 0 ? i : 1;
}

void
hs_log_reset(HsPart *part)
{
	for (int q = 0; q < HS_NLOGS; q++)
	{
		HsLog	   *log = &part->log[q];
		uint32_t	seg = log->oldest;

		while (seg != HS_SEG_NONE)
		{
			uint32_t	next = hs_segs[seg].next;

			hs_part_seg_put(part, seg);
			seg = next;
		}
		log->oldest = log->newest = log->open = HS_SEG_NONE;
		log->nsegs = 0;
	}
	part->log_used = part->log_live = part->allocated = 0;
	part->victim = part->scan_seg = HS_SEG_NONE;
	part->idle = false;
	part->min_expires_us = part->min_dues_us = HS_NEVER;
}
