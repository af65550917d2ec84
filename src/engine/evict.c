/*
 * evict.c
 *	  Making room: compaction and S3-FIFO eviction are one walk over the oldest
 *	  or deadest segment.
 *
 * New keys enter queue S.  When a segment of S is evacuated, keys visited since
 * they came move to M, the others go and leave a fingerprint; a key that comes
 * back while its fingerprint is known enters M at once.  When a segment of M is evacuated,
 * visited keys move to M's newest end with their mark cleared, the
 * others go.  A segment with little live data is evacuated without
 * evicting anything.  So a FIFO queue of S3-FIFO is exactly a log, and eviction
 * leaves no holes.
 *
 * The work is done in steps: after a command, in proportion to what it
 * allocated (access.c); by the worker; and by hs_make_room().
 *
 * Source: J. Yang et al., "FIFO queues are all you need for cache eviction",
 * SOSP 2023; here with one bit per key and whole segments.
 */
#include "dues.h"
#include "log.h"
#include "tag.h"

#define DEAD_ENOUGH		40		/* per cent dead: compact before anything is evicted */
#define DEAD_URGENT		10		/* the same when nothing else is left */
#define SMALL_SHARE		10		/* per cent of segments that S keeps */
#define GHOST_WAYS		4
#define GHOSTS_PER_PAGE (HS_PAGE_SIZE / sizeof(uint16_t))

/*
 * ---- Fingerprints of evicted keys ---------------------------------------------------
 * Sets of four 16-bit fingerprints, first in first out, on pages found by linear hashing:
 * the table grows by one page at a time and forgets nothing.  It remembers half as many
 * keys as there are.  More is no better where hits come from popularity alone, less loses
 * keys that come back late.
 */

static uint32_t
ghost_page(uint64_t hash, uint32_t npages)
{
	return hs_bucket_number(hash >> 16, npages);
}

static uint16_t *
ghost_set(const HsPart *part, uint64_t hash)
{
	uint16_t   *page = hs_ptr(part->ghost[ghost_page(hash, part->nghosts)]);

	return page + hash % (GHOSTS_PER_PAGE / GHOST_WAYS) * GHOST_WAYS;
}

static uint16_t
fingerprint(uint64_t hash)
{
	uint16_t	f = (uint16_t) (hash >> 36);

	return f == 0 ? 1 : f;
}

bool
hs_ghost_has(const HsPart *part, uint64_t hash)
{
	uint16_t   *set;

	if (part->nghosts == 0)
		return false;
	set = ghost_set(part, hash);
	for (int i = 0; i < GHOST_WAYS; i++)
	{
		if (set[i] == fingerprint(hash))
			return true;
	}
	return false;
}

void
hs_ghost_reset(HsPart *part)
{
	for (uint32_t i = 0; i < part->nghosts; i++)
		hs_part_page_return(part, part->ghost[i]);
	part->nghosts = 0;
}

static uint32_t
ghost_pages(const HsPart *part)
{
	uint64_t	want = part->count / 2 / GHOSTS_PER_PAGE + 1;

	return want < HS_GHOST_PAGES ? (uint32_t) want : HS_GHOST_PAGES;
}

/* Give back what is more than twice the pages needed, with what was known there. */
static bool
ghost_shrink(HsPart *part)
{
	uint32_t	want = 2 * ghost_pages(part);

	if (part->nghosts <= want)
		return false;
	while (part->nghosts > want)
		hs_part_page_return(part, part->ghost[--part->nghosts]);
	return true;
}

/*
 * A page more if that is too few, or some less; without memory all stays as it is.  The new
 * page is a copy of the one whose sets it takes over half of: in either, the
 * fingerprints of the other half match nothing and grow old.
 */
static void
ghost_fit(HsPart *part)
{
	uint32_t	n = part->nghosts;
	HsRef		page;

	if (ghost_shrink(part) || n >= ghost_pages(part))
		return;
	page = hs_part_page_take(part);
	if (page == HS_REF_NONE)
		return;
	if (n > 0)
		memcpy(hs_ptr(page), hs_ptr(part->ghost[hs_bucket_source(n)]), HS_PAGE_SIZE);
	part->ghost[part->nghosts++] = page;
}

static void
ghost_add(HsPart *part, uint64_t hash)
{
	uint16_t   *set;

	if (part->nghosts == 0)
		return;
	set = ghost_set(part, hash);
	memmove(set + 1, set, (GHOST_WAYS - 1) * sizeof(uint16_t));
	set[0] = fingerprint(hash);
}

/*
 * ---- Which segment --------------------------------------------------------------
 */

static HsEviction
policy_of(const HsPart *part)
{
	return (HsEviction) atomic_load_explicit(&hs_part_keyspace(part)->eviction,
											 memory_order_relaxed);
}

/* The closed segment with the most dead bytes; room at its end does not count,
 * for compaction would leave as much again. */
static uint32_t
deadest(const HsPart *part, uint32_t *dead)
{
	uint32_t	best = HS_SEG_NONE;

	*dead = 0;
	for (int q = 0; q < HS_NLOGS; q++)
	{
		for (uint32_t seg = part->log[q].oldest; seg != HS_SEG_NONE; seg = hs_segs[seg].next)
		{
			if (seg == part->log[q].open || hs_segs[seg].used - hs_segs[seg].live <= *dead)
				continue;
			best = seg;
			*dead = hs_segs[seg].used - hs_segs[seg].live;
		}
	}
	return best;
}

/* The oldest closed segment that has keys the policy may evict. */
static uint32_t
oldest_evictable(const HsPart *part, HsLogQueue queue, HsEviction policy)
{
	const HsLog *log = &part->log[queue];

	for (uint32_t seg = log->oldest; seg != HS_SEG_NONE; seg = hs_segs[seg].next)
	{
		if (seg == log->open)
			continue;
		if (policy == HS_EVICT_S3FIFO || hs_segs[seg].min_expires_us != HS_NEVER)
			return seg;
	}
	return HS_SEG_NONE;
}

static uint32_t
choose_evicted(const HsPart *part, HsEviction policy)
{
	uint32_t	total = part->log[HS_LOG_S].nsegs + part->log[HS_LOG_M].nsegs;
	bool		small_first = part->log[HS_LOG_S].nsegs * 100 > total * SMALL_SHARE;
	uint32_t	seg;

	seg = oldest_evictable(part, small_first ? HS_LOG_S : HS_LOG_M, policy);
	if (seg == HS_SEG_NONE)
		seg = oldest_evictable(part, small_first ? HS_LOG_M : HS_LOG_S, policy);
	return seg;
}

static bool
is_share(uint32_t bytes, unsigned per_cent)
{
	return bytes > 0 && (uint64_t) bytes * 100 >= HS_SEG_SIZE * per_cent;
}

/* The segment to evacuate, and whether to evict from it. */
static uint32_t
best_victim(const HsPart *part, HsEviction policy, bool urgent, bool *evicts)
{
	uint32_t	dead;
	uint32_t	compact = deadest(part, &dead);
	uint32_t	seg;

	*evicts = false;
	if (is_share(dead, DEAD_ENOUGH))
		return compact;
	if (policy != HS_EVICT_NONE)
	{
		seg = choose_evicted(part, policy);
		*evicts = seg != HS_SEG_NONE;
		if (*evicts)
			return seg;
	}
	return urgent && is_share(dead, DEAD_URGENT) ? compact : HS_SEG_NONE;
}

/* Close open segments that there would be something to gain from. */
static bool
close_worthwhile(HsPart *part, HsEviction policy)
{
	bool		closed = false;

	for (int q = 0; q < HS_NLOGS; q++)
	{
		uint32_t	seg = part->log[q].open;
		const HsSeg *s;

		if (seg == HS_SEG_NONE)
			continue;
		s = &hs_segs[seg];
		if (s->live == 0 || is_share(s->used - s->live, DEAD_URGENT) ||
			policy == HS_EVICT_S3FIFO ||
			(policy == HS_EVICT_TTL && s->min_expires_us != HS_NEVER))
		{
			hs_log_close(part, (HsLogQueue) q);
			closed = true;
		}
	}
	return closed;
}

static void
begin(HsPart *part, uint32_t seg, bool evicts)
{
	part->victim = seg;
	part->victim_pos = 0;
	part->victim_evicts = evicts;
}

/*
 * Start on a segment.  Having found none, a caller who is not in a hurry
 * does not search again until something was freed; an urgent one has
 * open segments closed.
 */
static bool
choose(HsPart *part, bool urgent)
{
	HsEviction	policy = policy_of(part);
	bool		evicts;
	uint32_t	seg;

	if (part->idle && part->freed < part->idle_mark && !urgent)
		return false;
	part->idle = false;
	seg = best_victim(part, policy, urgent, &evicts);
	if (seg == HS_SEG_NONE && urgent && close_worthwhile(part, policy))
		seg = best_victim(part, policy, urgent, &evicts);
	if (seg == HS_SEG_NONE)
	{
		part->idle = true;
		part->idle_mark = part->freed + HS_SEG_SIZE / 4;
		return false;
	}
	begin(part, seg, evicts);
	return true;
}

/*
 * There is no segment to move records to.  Under S3-FIFO a segment can always be emptied
 * without one; else the walk ends here, and starts anew some time.
 */
static bool
choose_without_memory(HsPart *part)
{
	HsEviction	policy = policy_of(part);
	uint32_t	seg = HS_SEG_NONE;

	if (policy == HS_EVICT_S3FIFO && !part->victim_evicts)
	{
		seg = choose_evicted(part, policy);
		if (seg == HS_SEG_NONE && close_worthwhile(part, policy))
			seg = choose_evicted(part, policy);
	}
	begin(part, seg, true);
	return seg != HS_SEG_NONE;
}

/*
 * ---- One record ------------------------------------------------------------------
 */

/* May the key at 'slot' go?  A visited one gets another round. */
static bool
may_evict(const HsPart *part, const HsSlot *slot, int64_t expires_us)
{
	if (!part->victim_evicts || hs_slot_visited(slot))
		return false;
	return policy_of(part) == HS_EVICT_S3FIFO || expires_us != HS_NEVER;
}

/* What the record owns elsewhere counts as done too: a log of short records of large
 * collections must not be emptied at one go. */
static void
evict(HsPart *part, HsSlot *slot, HsRecord *record, uint64_t hash, size_t *done)
{
	*done += hs_owned_bytes(record);
	if (hs_log_queue(hs_seg_of(hs_ref(record))) == HS_LOG_S)
		ghost_add(part, hash);
	hs_unlink(part, slot, record);
	part->evicted++;
}

/* A copy of the record at the newest end of M; HS_REF_NONE without memory. */
static HsRef
copy_record(HsPart *part, const HsRecord *record, const HsRecordView *v)
{
	HsRef		ref = hs_log_alloc(part, v->total, HS_LOG_M, v->expires_us, true);

	if (ref == HS_REF_NONE)
		return HS_REF_NONE;
	hs_copy(hs_ptr(ref), record, v->total);
	if (v->flags & HS_RF_TAGS)
		hs_log_note_tags(part, hs_ptr(ref));
	part->moved_bytes += v->total;
	if (hs_flags_have_dues(v->flags))
		hs_log_note_due(part, hs_ptr(ref), hs_dues_next(hs_ptr(ref)));
	return ref;
}

/* False: stuck, for there is no memory to move it to. */
static bool
evacuate_key(HsPart *part, HsRecord *record, const HsRecordView *v, int64_t now_us,
			 size_t *done)
{
	uint64_t	hash = hs_hash(hs_bytes(v->key, v->key_size));
	HsSlot		slot;
	HsRef		copy;

	if (!hs_index_find_ref(part, hash, hs_ref(record), &slot))
	{
		assert(false);			/* a live record is in the index */
		return true;
	}
	if (v->expires_us <= now_us)
	{
		hs_unlink(part, &slot, record);
		part->expired++;
		return true;
	}
	if ((v->flags & HS_RF_TAGS) && hs_tags_dead(hs_record_tags(record)))
	{
		hs_unlink(part, &slot, record);
		return true;
	}
	if (may_evict(part, &slot, v->expires_us))
	{
		evict(part, &slot, record, hash, done);
		return true;
	}
	copy = copy_record(part, record, v);
	if (copy == HS_REF_NONE)
	{
		if (!part->victim_evicts || policy_of(part) != HS_EVICT_S3FIFO)
			return false;
		evict(part, &slot, record, hash, done);
		return true;
	}
	hs_index_replace(&slot, copy);
	if (part->victim_evicts)
		hs_slot_unvisit(&slot);
	hs_log_kill(part, record);
	return true;
}

/* A piece of a large value goes where its owner goes. */
static bool
evacuate_chunk(HsPart *part, HsRecord *record, const HsRecordView *v, size_t *done)
{
	HsChunkHead head;
	HsSlot		slot;
	HsRecord   *owner;
	HsRef		copy;

	memcpy(&head, v->value, sizeof(head));
	owner = hs_index_find_owner(part, head.hash, head.number, hs_ref(record), &slot);
	if (owner == NULL)
	{
		assert(false);			/* a live chunk has an owner */
		return true;
	}
	/* a value longer than a segment may just have been written into several */
	if (hs_seg_of(hs_ref(owner)) != part->log[HS_LOG_S].open &&
		may_evict(part, &slot, hs_expiry(owner)))
	{
		evict(part, &slot, owner, head.hash, done);
		return true;
	}
	copy = copy_record(part, record, v);
	if (copy == HS_REF_NONE)
	{
		if (!part->victim_evicts || policy_of(part) != HS_EVICT_S3FIFO)
			return false;
		evict(part, &slot, owner, head.hash, done);
		return true;
	}
	hs_big_chunk_moved(owner, head.number, copy);
	hs_log_kill(part, record);
	return true;
}

bool
hs_evacuate(HsPart *part, size_t budget, bool urgent, int64_t now_us)
{
	size_t		done = 0;

	if (part->victim == HS_SEG_NONE && !choose(part, urgent))
		return false;
	while (part->victim != HS_SEG_NONE && done < budget)
	{
		uint32_t	seg = part->victim;
		HsRecord   *record = hs_seg_data(seg) + part->victim_pos;
		HsRecordView v;
		HsType		type;

		if (part->victim_pos >= hs_segs[seg].used)
		{
			assert(false);		/* an evacuated segment has no live records */
			part->victim = HS_SEG_NONE;
			break;
		}
		hs_record_view(record, &v);
		type = hs_record_type(record);
		if (type < HS_NTYPES ? !evacuate_key(part, record, &v, now_us, &done) :
			type == HS_CHUNK ? !evacuate_chunk(part, record, &v, &done) : false)
		{
			if (!choose_without_memory(part))
				return false;
			continue;
		}
		/* the dead are skipped fast */
		done += type == HS_DEAD ? 64 : v.total;
		if (part->victim == seg)
			part->victim_pos += v.total;
	}
	/* there is memory for a page now, and before a segment was emptied there was none */
	if (part->victim == HS_SEG_NONE && part->victim_evicts)
		ghost_fit(part);
	return true;
}

bool
hs_pressed(const HsPart *part)
{
	HsKeyspace *ks = hs_part_keyspace(part);

	return !hs_has_room(ks, (uint64_t) (1 + ks->nparts / 2) << hs_seg_shift);
}

/*
 * ---- When a command found no memory --------------------------------------------------
 */

#define ROOM_RECORDS	256		/* expired keys looked at per step */
#define ROOM_NODES		1024	/* nodes of dead collections freed per step */
#define ROOM_BYTES		HS_SEG_SIZE /* evacuated per step */
#define ROOM_BUCKETS	256		/* merged per step */
#define ROOM_STEPS		16		/* per call: a few milliseconds at most */
#define MAX_VAIN_ROOMS	64		/* calls that gained nothing, and */
#define MAX_ROOMS		1000	/* all calls, for one change; more in large keyspaces */
#define FULL_US			1000000 /* look again after this time at the latest */

/*
 * Evacuate a little.  *gained: something went or garbage is being compacted, not
 * only moved in a circle because all of it is in use or may not go.
 */
static bool
room_by_evacuation(HsPart *part, int64_t now_us, bool *gained)
{
	uint64_t	gone = part->evicted + part->expired;

	if (!hs_evacuate(part, ROOM_BYTES, true, now_us))
		return false;
	*gained |= part->evicted + part->expired != gone || !part->victim_evicts;
	return true;
}

/* Give back what index and fingerprints take for keys that there are no more. */
static bool
room_by_index(HsPart *part)
{
	return ghost_shrink(part) || hs_index_maintain(part, ROOM_BUCKETS);
}

/* One step in one partition; false: nothing left to do there. */
static bool
room_step(HsHandle *h, HsPart *part, int64_t now_us, bool *gained)
{
	bool		more = false;

	hs_port_lock(&part->lock, HS_EXCLUSIVE);
	if (hs_keyspace_is_current(h))
	{
		more = hs_bury(part, ROOM_NODES) ||
			hs_expire_slice(part, now_us, ROOM_RECORDS, true) ||
			room_by_index(part);
		*gained |= more;
		if (!more)
			more = room_by_evacuation(part, now_us, gained);
		hs_slab_settle(part);
	}
	hs_port_unlock(&part->lock);
	return more;
}

/*
 * Others may take what was made, or keep in use what should go: for a while a
 * command tries again, not for ever.  A full round through the keyspace may gain
 * nothing but take the marks of what was used.
 */
static bool
may_try_again(HsHandle *h, bool gained)
{
	uint64_t	segs = atomic_load_explicit(&h->ks->bytes, memory_order_relaxed) >> hs_seg_shift;

	h->rooms++;
	h->vain_rooms = gained ? 0 : h->vain_rooms + 1;
	if (h->rooms < MAX_ROOMS + 4 * segs &&
		h->vain_rooms < MAX_VAIN_ROOMS + 2 * segs / ROOM_STEPS)
		return true;
	h->rooms = h->vain_rooms = 0;	/* the next command is another one */
	return false;
}

/* Has room been searched in vain, and nothing happened since? */
static bool
known_full(HsKeyspace *ks, int64_t now_us)
{
	uint64_t	mark = atomic_load_explicit(&ks->full_mark, memory_order_relaxed);

	return mark != 0 &&
		atomic_load_explicit(&ks->freed, memory_order_relaxed) < mark &&
		now_us < atomic_load_explicit(&ks->full_until_us, memory_order_relaxed);
}

/* Everything that has expired is gone; what expires next makes room again. */
static void
remember_full(HsHandle *h, int64_t now_us)
{
	HsKeyspace *ks = h->ks;
	int64_t		until = now_us + FULL_US;

	for (uint32_t i = 0; i < h->nparts; i++)
	{
		int64_t		at = hs_next_expiry(h, i);

		if (at < until)
			until = at;
	}
	atomic_store_explicit(&ks->full_mark,
						  atomic_load_explicit(&ks->freed, memory_order_relaxed) +
						  HS_SEG_SIZE / 2, memory_order_relaxed);
	atomic_store_explicit(&ks->full_until_us, until, memory_order_relaxed);
}

bool
hs_make_room(HsHandle *h, uint64_t hash, size_t need, int64_t now_us)
{
	HsKeyspace *ks = h->ks;
	uint64_t	bytes = (need + HS_SEG_SIZE - 1) & ~(uint64_t) (HS_SEG_SIZE - 1);
	uint32_t	first = hs_part_number(h, hash);
	int			steps = 0;
	bool		gained = false;

	/* two more: a command may open a segment of records and one of nodes */
	bytes += 2 * HS_SEG_SIZE;
	if (!known_full(ks, now_us))
	{
		bool		possible = bytes + ks->reserve <=
			atomic_load_explicit(&ks->limit, memory_order_relaxed);

		for (uint32_t i = 0; possible && i < h->nparts; i++)
		{
			HsPart	   *part = h->parts[(first + i) % h->nparts];

			while (room_step(h, part, now_us, &gained))
			{
				if (++steps >= ROOM_STEPS || hs_has_room(ks, bytes))
					break;
			}
			if (steps > 0 && (hs_has_room(ks, bytes) || steps >= ROOM_STEPS))
				break;
		}
		if (possible && (steps > 0 || hs_has_room(ks, bytes)) && may_try_again(h, gained))
		{
			atomic_store_explicit(&ks->full_mark, 0, memory_order_relaxed);
			return true;
		}
		if (possible && !hs_has_room(ks, bytes))
			remember_full(h, now_us);
	}
	atomic_fetch_add_explicit(&ks->refused, 1, memory_order_relaxed);
	return false;
}
