/*
 * many.c
 *	  Many keys as of one instant, without a lock.
 *
 * What a key at random costs is waiting for its bucket and then for its record.
 * Looking at a window of keys step by step has the lines of all of them on their way
 * at once: 100 keys of a million, into an array, take 140 to 200 ns each instead of 360 to 580.
 *
 * Why it was one instant, the one before hs_many_are_true() looks at the first geometry:
 * the bucket of each key is as it was when it was read until its version is looked at again,
 * which is after that instant, and its partition has the geometry that it had.  A command that
 * has changed some of the keys by then and not yet others has closed the partitions
 * of all of them, before the first and until after the last change: whose geometry
 * is looked at in between is closed.  So geometries come first, then versions.  And geometries once more:
 * a bucket that was merged away may serve again, with any version.
 *
 * Time moves no version either.  Any instant after the last key was read and before the first geometry
 * is looked at will do: that at which hs_many_have_expired() asks the clock.
 *
 * A deleted tag moves no version; but it stays deleted.  Who had it by that instant is not found, and
 * who is found is asked again after it.
 */
#include "many.h"

#include "look.h"
#include "tag.h"

#define WINDOW		32			/* keys whose lines are asked for at once */

static inline bool
find_one(HsManyRead *r, int64_t now_us)
{
	HsRecordView v;
	HsSeen		seen = hs_look_find(&r->look, &v);

	r->found = false;
	if (seen != HS_SEEN_KEY)
		return seen == HS_SEEN_NOTHING;
	r->found = v.expires_us > now_us;
	r->expires_us = v.expires_us;
	r->flags = v.flags;
	r->size = v.value_size;
	r->value = v.value;
	if ((v.flags & HS_RF_TAGS) && r->found)
	{
		r->tags = hs_look_tags(&v);
		r->found = !hs_tags_dead_racy(r->tags);
	}
	/* whoever believes the flag reads 8 bytes */
	return (v.flags & (HS_RF_TYPE | HS_RF_INT)) != (HS_STRING | HS_RF_INT) || v.value_size == 8;
}

static bool
find_window(HsHandle *h, HsManyRead *reads, size_t n, int64_t now_us)
{
	for (size_t i = 0; i < n; i++)
	{
		HsLook	   *l = &reads[i].look;

		if (l->key.size > HS_MAX_KEY)
			return false;
		hs_look_at(l, h);
		if (!hs_look_begin(l))
			return false;
		__builtin_prefetch(l->head);
	}
	for (size_t i = 0; i < n; i++)
	{
		if (reads[i].look.head != NULL)
			hs_bucket_prefetch_record(reads[i].look.head, reads[i].look.hash);
	}
	for (size_t i = 0; i < n; i++)
	{
		if (!find_one(&reads[i], now_us))
			return false;
	}
	return true;
}

bool
hs_many_find(HsHandle *h, HsManyRead *reads, size_t n, int64_t now_us)
{
	for (size_t i = 0; i < n; i += WINDOW)
	{
		if (!find_window(h, reads + i, n - i < WINDOW ? n - i : WINDOW, now_us))
			return false;
	}
	return true;
}

bool
hs_many_have_expired(const HsManyRead *reads, size_t n)
{
	int64_t		first_us = HS_NEVER;

	for (size_t i = 0; i < n; i++)
	{
		if (reads[i].found && reads[i].expires_us < first_us)
			first_us = reads[i].expires_us;
	}
	return first_us != HS_NEVER && first_us <= hs_port_now();
}

static bool
same_geometries(const HsManyRead *reads, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		if (!hs_look_same_geometry(&reads[i].look))
			return false;
	}
	return true;
}

static bool
same_tags(const HsManyRead *reads, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		if (reads[i].found && (reads[i].flags & HS_RF_TAGS) && hs_tags_dead_racy(reads[i].tags))
			return false;
	}
	return true;
}

static bool
same_versions(const HsManyRead *reads, size_t n)
{
	for (size_t i = 0; i < n; i++)
	{
		if (!hs_look_same_version(&reads[i].look))
			return false;
	}
	return true;
}

bool
hs_many_are_true(HsHandle *h, const HsManyRead *reads, size_t n)
{
	/* of two readers neither sees only the change that the other one does not */
	atomic_thread_fence(memory_order_seq_cst);
	if (!same_geometries(reads, n))
		return false;
	atomic_thread_fence(memory_order_acquire);
	if (!same_tags(reads, n))
		return false;
	/* whoever read what a tag's memory is used for next sees that the record's bucket has changed */
	atomic_thread_fence(memory_order_acquire);
	if (!same_versions(reads, n))
		return false;
	atomic_thread_fence(memory_order_acquire);
	if (!same_geometries(reads, n) || !hs_is_current(h))
		return false;
	for (size_t i = 0; i < n; i++)
	{
		if (reads[i].found)
			hs_slot_visit(reads[i].look.bucket, reads[i].look.i);
		h->hits += reads[i].found;
		h->misses += !reads[i].found;
	}
	return true;
}
