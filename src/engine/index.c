/*
 * index.c
 *	  Linear hashing over buckets of one cache line: key -> record.
 *
 * A bucket has 11 slots of a tag (8 bits of hash) and a reference, and a header
 * with a version, visited bits, and the number of an overflow bucket.  It
 * grows by splitting one bucket for about every ten inserts and shrinks by
 * merging the last one back, so no operation ever rehashes more than a chain.
 * Splits follow each insert, for a command on many keys may make many; merges
 * wait for hs_index_maintain(), after the command.  Neither moves a record.
 *
 * Readers without a lock: the version of a chain's first bucket is odd while
 * anything in the chain changes, and the partition's geometry (number of
 * buckets, and an epoch that counts merges and resets) changes with every
 * split and merge.  Both unchanged means that what was copied was true.
 *
 * One directory page per partition: the first 7/8 of its entries are pages of
 * buckets, the rest pages of overflow buckets.
 *
 * Source: W. Litwin, "Linear Hashing", VLDB 1980; tags compared 11 at a time
 * as in the F14 and Swiss tables.
 */
#include "index.h"

#include "dues.h"
#include "log.h"
#include "racy.h"

/* Split above 90 % load, merge below 60 %. */
#define SPLIT_LOAD(nb)		((uint64_t) (nb) * HS_BUCKET_SLOTS * 9 / 10)
#define MERGE_LOAD(nb)		((uint64_t) (nb) * HS_BUCKET_SLOTS * 6 / 10)
#define MAX_CHAIN_ENTRIES	1024	/* longer chains are left unsplit */

/*
 * ---- Addresses ------------------------------------------------------------------
 */

static uint32_t
overflow_link(const HsBucket *b)
{
	return (uint32_t) ((atomic_load_explicit(&b->hdr, memory_order_relaxed) &
						HS_HDR_OVERFLOW) >> HS_HDR_OVERFLOW_SHIFT);
}

static HsBucket *
next_bucket(const HsPart *part, const HsBucket *b)
{
	uint32_t	link = overflow_link(b);

	return link == 0 ? NULL : hs_overflow_at(part, link - 1);
}

static inline HsRef
slot_ref(const HsBucket *b, unsigned i)
{
	return atomic_load_explicit(&b->ref[i], memory_order_relaxed);
}

/*
 * ---- Looking --------------------------------------------------------------------
 */

static HsBucket *
head_of(const HsPart *part, uint64_t hash)
{
	uint32_t	nb = hs_nbuckets(part);

	return nb == 0 ? NULL : hs_bucket_at(part, hs_bucket_number(hash, nb));
}

HsRecord *
hs_index_find_in(HsPart *part, HsBucket *head, uint64_t hash, HsBytes key, HsSlot *slot)
{
	uint8_t		tag = hs_hash_tag(hash);

	for (HsBucket *b = head; b != NULL; b = next_bucket(part, b))
	{
		for (unsigned m = hs_bucket_match(b, tag); m != 0; m &= m - 1)
		{
			unsigned	i = (unsigned) __builtin_ctz(m);
			HsRecord   *record = hs_ptr(slot_ref(b, i));
			HsRecordView v;

			hs_record_view(record, &v);
			if (v.key_size == key.size && hs_equal(v.key, key.data, key.size))
			{
				slot->head = head;
				slot->bucket = b;
				slot->i = i;
				return record;
			}
		}
	}
	return NULL;
}

HsRecord *
hs_index_find(HsPart *part, uint64_t hash, HsBytes key, HsSlot *slot)
{
	return hs_index_find_in(part, head_of(part, hash), hash, key, slot);
}

bool
hs_index_find_ref(HsPart *part, uint64_t hash, HsRef ref, HsSlot *slot)
{
	HsBucket   *head = head_of(part, hash);
	uint8_t		tag = hs_hash_tag(hash);

	for (HsBucket *b = head; b != NULL; b = next_bucket(part, b))
	{
		for (unsigned m = hs_bucket_match(b, tag); m != 0; m &= m - 1)
		{
			unsigned	i = (unsigned) __builtin_ctz(m);

			if (slot_ref(b, i) == ref)
			{
				slot->head = head;
				slot->bucket = b;
				slot->i = i;
				return true;
			}
		}
	}
	return false;
}

HsRecord *
hs_index_find_owner(HsPart *part, uint64_t hash, uint32_t i, HsRef chunk, HsSlot *slot)
{
	HsBucket   *head = head_of(part, hash);
	uint8_t		tag = hs_hash_tag(hash);

	for (HsBucket *b = head; b != NULL; b = next_bucket(part, b))
	{
		for (unsigned m = hs_bucket_match(b, tag); m != 0; m &= m - 1)
		{
			unsigned	k = (unsigned) __builtin_ctz(m);
			HsRecord   *record = hs_ptr(slot_ref(b, k));

			if (hs_big_has_chunk(record, i, chunk))
			{
				slot->head = head;
				slot->bucket = b;
				slot->i = k;
				return record;
			}
		}
	}
	return NULL;
}

HsRecord *
hs_index_find_due(HsPart *part, uint64_t hash, int64_t now_us)
{
	uint8_t		tag = hs_hash_tag(hash);

	for (HsBucket *b = head_of(part, hash); b != NULL; b = next_bucket(part, b))
	{
		for (unsigned m = hs_bucket_match(b, tag); m != 0; m &= m - 1)
		{
			HsRecord   *record = hs_ptr(slot_ref(b, (unsigned) __builtin_ctz(m)));
			HsRecordView v;

			hs_record_view(record, &v);
			if (hs_dues_next(record) <= now_us &&
				hs_hash(hs_bytes(v.key, v.key_size)) == hash)
				return record;
		}
	}
	return NULL;
}

/*
 * ---- Changing -------------------------------------------------------------------
 */

void
hs_change_begin(HsBucket *head)
{
	uint64_t	hdr = atomic_load_explicit(&head->hdr, memory_order_relaxed);

	/* a visited bit set by a reader right now may get lost; no harm */
	atomic_store_explicit(&head->hdr, hdr + HS_HDR_VERSION_ONE, memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

void
hs_change_end(HsBucket *head)
{
	uint64_t	hdr = atomic_load_explicit(&head->hdr, memory_order_relaxed);

	atomic_store_explicit(&head->hdr, hdr + HS_HDR_VERSION_ONE, memory_order_release);
}

static void
set_overflow_link(HsBucket *b, uint32_t link)
{
	uint64_t	hdr = atomic_load_explicit(&b->hdr, memory_order_relaxed);

	hdr = (hdr & ~HS_HDR_OVERFLOW) | ((uint64_t) link << HS_HDR_OVERFLOW_SHIFT);
	atomic_store_explicit(&b->hdr, hdr, memory_order_relaxed);
}

static void
set_visited(HsBucket *b, unsigned i, bool visited)
{
	uint64_t	bit = (uint64_t) 1 << i;

	if (((atomic_load_explicit(&b->hdr, memory_order_relaxed) & bit) != 0) == visited)
		return;
	if (visited)
		atomic_fetch_or_explicit(&b->hdr, bit, memory_order_relaxed);
	else
		atomic_fetch_and_explicit(&b->hdr, ~bit, memory_order_relaxed);
}

static void
put_entry(HsBucket *b, unsigned i, uint8_t tag, HsRef ref, bool visited)
{
	b->tag[i] = tag;
	atomic_store_explicit(&b->ref[i], ref, memory_order_relaxed);
	set_visited(b, i, visited);
}

static void
clear_entry(HsBucket *b, unsigned i)
{
	b->tag[i] = 0;
	atomic_store_explicit(&b->ref[i], HS_REF_NONE, memory_order_relaxed);
	set_visited(b, i, false);
}

/*
 * Free overflow buckets are a list: ref[0] is the link of the next one, ref[1] of
 * the one before.  A bucket in use has an entry in slot 0.
 */
static void
overflow_put_free(HsPart *part, uint32_t link)
{
	HsBucket   *b = hs_overflow_at(part, link - 1);

	atomic_store_explicit(&b->ref[0], part->overflow_free, memory_order_relaxed);
	atomic_store_explicit(&b->ref[1], 0, memory_order_relaxed);
	if (part->overflow_free != 0)
		atomic_store_explicit(&hs_overflow_at(part, part->overflow_free - 1)->ref[1], link,
							  memory_order_relaxed);
	part->overflow_free = link;
	part->overflow_nfree++;
}

static void
overflow_take_free(HsPart *part, uint32_t link)
{
	HsBucket   *b = hs_overflow_at(part, link - 1);
	uint32_t	next = slot_ref(b, 0);
	uint32_t	before = slot_ref(b, 1);

	if (before == 0)
		part->overflow_free = next;
	else
		atomic_store_explicit(&hs_overflow_at(part, before - 1)->ref[0], next,
							  memory_order_relaxed);
	if (next != 0)
		atomic_store_explicit(&hs_overflow_at(part, next - 1)->ref[1], before,
							  memory_order_relaxed);
	atomic_store_explicit(&b->ref[0], HS_REF_NONE, memory_order_relaxed);
	atomic_store_explicit(&b->ref[1], HS_REF_NONE, memory_order_relaxed);
	part->overflow_nfree--;
}

static bool
add_overflow_page(HsPart *part)
{
	uint32_t	first = part->overflow_count;
	HsRef		page;

	if (first / HS_BUCKETS_PER_PAGE >= HS_DIR_OVERFLOW_PAGES ||
		first + HS_BUCKETS_PER_PAGE > HS_MAX_OVERFLOW)
		return false;
	page = hs_part_page_take(part);
	if (page == HS_REF_NONE)
		return false;
	atomic_store_explicit(hs_dir_entry(part, HS_DIR_BUCKET_PAGES +
									(uint32_t) (first / HS_BUCKETS_PER_PAGE)),
						  page, memory_order_release);
	part->overflow_count += HS_BUCKETS_PER_PAGE;
	for (uint32_t i = HS_BUCKETS_PER_PAGE; i-- > 0;)
		overflow_put_free(part, first + i + 1);
	return true;
}

static uint32_t
overflow_take(HsPart *part)
{
	uint32_t	link = part->overflow_free;

	assert(link != 0);
	overflow_take_free(part, link);
	atomic_fetch_and_explicit(&hs_overflow_at(part, link - 1)->hdr,
							  ~(HS_HDR_OVERFLOW | HS_HDR_VISITED), memory_order_relaxed);
	return link;
}

static void
overflow_return(HsPart *part, uint32_t link)
{
	HsBucket   *b = hs_overflow_at(part, link - 1);

	for (unsigned i = 0; i < HS_BUCKET_SLOTS; i++)
		clear_entry(b, i);
	set_overflow_link(b, 0);
	overflow_put_free(part, link);
}

/* The first page of each kind. */
static bool
create(HsPart *part)
{
	uint64_t	geometry = atomic_load_explicit(&part->geometry, memory_order_relaxed);
	HsRef		dir = hs_part_page_take(part);
	HsRef		page;

	if (dir == HS_REF_NONE)
		return false;
	page = hs_part_page_take(part);
	if (page == HS_REF_NONE)
	{
		hs_part_page_return(part, dir);
		return false;
	}
	atomic_store_explicit(&part->dir, dir, memory_order_relaxed);
	atomic_store_explicit(hs_dir_entry(part, 0), page, memory_order_relaxed);
	atomic_store_explicit(&part->geometry, (geometry & ~(uint64_t) UINT32_MAX) | 1,
						  memory_order_release);
	return true;
}

bool
hs_index_promise(HsPart *part)
{
	if (hs_nbuckets(part) == 0 && !create(part))
		return false;
	if (part->overflow_nfree <= part->overflow_promised && !add_overflow_page(part))
		return false;
	part->overflow_promised++;
	return true;
}

void
hs_index_unpromise(HsPart *part)
{
	assert(part->overflow_promised > 0);
	part->overflow_promised--;
}

void
hs_index_insert(HsPart *part, uint64_t hash, HsRef ref)
{
	HsBucket   *head = head_of(part, hash);
	HsBucket   *b = head;
	unsigned	empty;

	assert(part->overflow_promised > 0);
	part->overflow_promised--;
	hs_change_begin(head);
	for (;;)
	{
		HsBucket   *next;

		empty = hs_bucket_match(b, 0);
		if (empty != 0)
			break;
		next = next_bucket(part, b);
		if (next == NULL)
		{
			uint32_t	link = overflow_take(part);

			set_overflow_link(b, link);
			next = hs_overflow_at(part, link - 1);
		}
		b = next;
	}
	put_entry(b, (unsigned) __builtin_ctz(empty), hs_hash_tag(hash), ref, false);
	hs_change_end(head);
	part->count++;
	part->inserts++;
	hs_part_moved(part);
}

void
hs_index_replace(HsSlot *slot, HsRef ref)
{
	hs_change_begin(slot->head);
	atomic_store_explicit(&slot->bucket->ref[slot->i], ref, memory_order_relaxed);
	hs_change_end(slot->head);
}

/* The last entry of the chain fills the hole, so chains have no gaps but at
 * their end and an empty overflow bucket is let go at once. */
void
hs_index_remove(HsPart *part, HsSlot *slot)
{
	HsBucket   *before = NULL;
	HsBucket   *last = slot->head;
	unsigned	used;

	for (HsBucket *next = next_bucket(part, last); next != NULL;
		 next = next_bucket(part, last))
	{
		before = last;
		last = next;
	}
	used = ~hs_bucket_match(last, 0) & ((1u << HS_BUCKET_SLOTS) - 1);

	hs_change_begin(slot->head);
	if (before == NULL || used == 0)
		clear_entry(slot->bucket, slot->i);
	else
	{
		unsigned	i = 31 - (unsigned) __builtin_clz(used);
		HsSlot		moved = {slot->head, last, i};

		if (last != slot->bucket || i != slot->i)
			put_entry(slot->bucket, slot->i, last->tag[i], slot_ref(last, i),
					  hs_slot_visited(&moved));
		clear_entry(last, i);
		if ((used & (used - 1)) == 0)
		{
			uint32_t	link = overflow_link(before);

			set_overflow_link(before, 0);
			overflow_return(part, link);
		}
	}
	hs_change_end(slot->head);
	part->count--;
	hs_part_moved(part);
}

/*
 * ---- Growing and shrinking ---------------------------------------------------------
 */

typedef struct Entry
{
	HsRef		ref;
	uint8_t		tag;
	bool		visited;
	bool		goes;			/* to the new bucket of a split */
} Entry;

/* Entries of a chain; -1 if there are more than fit.  'records': which will be looked at. */
static int
collect(const HsPart *part, HsBucket *head, Entry *entries, int max, bool records)
{
	int			n = 0;

	for (HsBucket *b = head; b != NULL; b = next_bucket(part, b))
	{
		unsigned	used = ~hs_bucket_match(b, 0) & ((1u << HS_BUCKET_SLOTS) - 1);

		for (; used != 0; used &= used - 1)
		{
			unsigned	i = (unsigned) __builtin_ctz(used);
			HsSlot		slot = {head, b, i};

			if (n == max)
				return -1;
			entries[n].ref = slot_ref(b, i);
			entries[n].tag = b->tag[i];
			entries[n].visited = hs_slot_visited(&slot);
			entries[n].goes = false;
			if (records)
				__builtin_prefetch(hs_ptr(entries[n].ref));
			n++;
		}
	}
	return n;
}

/*
 * Write those entries whose 'goes' is as given into the chain of 'head', over
 * whatever it held, lengthening or cutting the chain.  The caller has seen to
 * it that there are overflow buckets enough.
 */
static void
rewrite(HsPart *part, HsBucket *head, const Entry *entries, int n, bool goes)
{
	HsBucket   *b = head;
	unsigned	i = 0;
	uint32_t	rest;

	for (int k = 0; k < n; k++)
	{
		if (entries[k].goes != goes)
			continue;
		if (i == HS_BUCKET_SLOTS)
		{
			if (overflow_link(b) == 0)
				set_overflow_link(b, overflow_take(part));
			b = next_bucket(part, b);
			i = 0;
		}
		put_entry(b, i++, entries[k].tag, entries[k].ref, entries[k].visited);
	}
	for (; i < HS_BUCKET_SLOTS; i++)
		clear_entry(b, i);
	rest = overflow_link(b);
	set_overflow_link(b, 0);
	while (rest != 0)
	{
		uint32_t	next = overflow_link(hs_overflow_at(part, rest - 1));

		overflow_return(part, rest);
		rest = next;
	}
}

/* Free overflow buckets for n more, keeping what is promised. */
static bool
ensure_overflow(HsPart *part, uint32_t n)
{
	while (part->overflow_nfree < part->overflow_promised + n)
	{
		if (!add_overflow_page(part))
			return false;
	}
	return true;
}

static bool
split(HsPart *part)
{
	uint64_t	geometry = atomic_load_explicit(&part->geometry, memory_order_relaxed);
	uint32_t	nb = (uint32_t) geometry;
	HsBucket   *source = hs_bucket_at(part, hs_bucket_source(nb));
	HsBucket   *target;
	Entry		entries[MAX_CHAIN_ENTRIES];
	int			n;
	int			ngo = 0;

	if (nb / HS_BUCKETS_PER_PAGE >= HS_DIR_BUCKET_PAGES)
		return false;
	n = collect(part, source, entries, MAX_CHAIN_ENTRIES, true);
	if (n < 0 || !ensure_overflow(part, (uint32_t) n / HS_BUCKET_SLOTS))
		return false;
	if (nb % HS_BUCKETS_PER_PAGE == 0)
	{
		HsRef		page = hs_part_page_take(part);

		if (page == HS_REF_NONE)
			return false;
		atomic_store_explicit(hs_dir_entry(part, (uint32_t) (nb / HS_BUCKETS_PER_PAGE)), page,
							  memory_order_release);
	}
	for (int k = 0; k < n; k++)
	{
		HsRecordView v;

		hs_record_view(hs_ptr(entries[k].ref), &v);
		entries[k].goes = hs_bucket_number(hs_hash(hs_bytes(v.key, v.key_size)), nb + 1) == nb;
		ngo += entries[k].goes;
	}
	target = hs_bucket_at(part, nb);
	hs_change_begin(source);
	rewrite(part, target, entries, n, true);
	atomic_store_explicit(&part->geometry, geometry + 1, memory_order_release);
	if (ngo > 0)
		rewrite(part, source, entries, n, false);
	hs_change_end(source);
	hs_part_moved(part);
	return true;
}

/* The next epoch, with nb buckets.  Epochs have 31 bits; HS_CLOSED stays as it is. */
static uint64_t
next_geometry(uint64_t geometry, uint32_t nb)
{
	uint64_t	epoch = (geometry + ((uint64_t) 1 << 32)) >> 32 & INT32_MAX;

	return (geometry & HS_CLOSED) | epoch << 32 | nb;
}

static bool
merge(HsPart *part)
{
	uint64_t	geometry = atomic_load_explicit(&part->geometry, memory_order_relaxed);
	uint32_t	last = (uint32_t) geometry - 1;
	HsBucket   *target = hs_bucket_at(part, hs_bucket_source(last));
	HsBucket   *source = hs_bucket_at(part, last);
	Entry		entries[MAX_CHAIN_ENTRIES];
	int			n = collect(part, target, entries, MAX_CHAIN_ENTRIES, false);
	int			more;

	if (n < 0)
		return false;
	more = collect(part, source, entries + n, MAX_CHAIN_ENTRIES - n, false);
	if (more < 0 || !ensure_overflow(part, (uint32_t) (n + more) / HS_BUCKET_SLOTS))
		return false;

	hs_change_begin(target);
	rewrite(part, target, entries, n + more, false);
	/* a new epoch, for the page may go and the number of buckets come back */
	atomic_store_explicit(&part->geometry, next_geometry(geometry, last), memory_order_release);
	hs_change_end(target);
	atomic_thread_fence(memory_order_release);
	hs_change_begin(source);
	rewrite(part, source, entries, 0, false);
	hs_change_end(source);
	if (last % HS_BUCKETS_PER_PAGE == 0)
	{
		_Atomic uint32_t *entry = hs_dir_entry(part, (uint32_t) (last / HS_BUCKETS_PER_PAGE));
		HsRef		page = atomic_load_explicit(entry, memory_order_relaxed);

		atomic_store_explicit(entry, HS_REF_NONE, memory_order_relaxed);
		hs_part_page_return(part, page);
	}
	hs_part_moved(part);
	return true;
}

/* A new epoch, so that readers without a lock trust nothing of pages that go. */
static void
next_epoch(HsPart *part)
{
	uint64_t	geometry = atomic_load_explicit(&part->geometry, memory_order_relaxed);

	atomic_store_explicit(&part->geometry, next_geometry(geometry, (uint32_t) geometry),
						  memory_order_release);
	atomic_thread_fence(memory_order_release);
}

/* Give back the last page of overflow buckets; none of them is in a chain or list. */
static void
return_overflow_page(HsPart *part)
{
	_Atomic uint32_t *entry;

	part->overflow_count -= HS_BUCKETS_PER_PAGE;
	entry = hs_dir_entry(part, HS_DIR_BUCKET_PAGES +
					  (uint32_t) (part->overflow_count / HS_BUCKETS_PER_PAGE));
	hs_part_page_return(part, atomic_load_explicit(entry, memory_order_relaxed));
	atomic_store_explicit(entry, HS_REF_NONE, memory_order_relaxed);
}

/* All overflow buckets are free: give their pages back. */
static void
drop_overflow_pages(HsPart *part)
{
	next_epoch(part);
	while (part->overflow_count > 0)
		return_overflow_page(part);
	part->overflow_free = 0;
	part->overflow_nfree = 0;
}

/* Put another bucket, a free one, in the place of an overflow bucket in use. */
static void
replace_overflow(HsPart *part, uint32_t link)
{
	HsBucket   *b = hs_overflow_at(part, link - 1);
	HsBucket   *head;
	HsBucket   *before;
	HsBucket   *to;
	uint32_t	to_link = overflow_take(part);
	HsRecordView v;

	hs_record_view(hs_ptr(slot_ref(b, 0)), &v);
	head = before = head_of(part, hs_hash(hs_bytes(v.key, v.key_size)));
	while (overflow_link(before) != link)
		before = next_bucket(part, before);
	to = hs_overflow_at(part, to_link - 1);
	hs_change_begin(head);
	for (unsigned i = 0; i < HS_BUCKET_SLOTS; i++)
	{
		HsSlot		slot = {head, b, i};

		put_entry(to, i, b->tag[i], slot_ref(b, i), hs_slot_visited(&slot));
		clear_entry(b, i);
	}
	set_overflow_link(to, overflow_link(b));
	set_overflow_link(b, 0);
	set_overflow_link(before, to_link);
	hs_change_end(head);
}

/*
 * Few overflow buckets are in use: free a page by moving what it has to others,
 * at most a quarter of all.
 */
static bool
shrink_overflow(HsPart *part)
{
	uint32_t	first = part->overflow_count - HS_BUCKETS_PER_PAGE;

	if (part->overflow_count <= HS_BUCKETS_PER_PAGE ||
		(uint64_t) part->overflow_nfree * 4 < (uint64_t) part->overflow_count * 3)
		return false;
	if (part->overflow_nfree == part->overflow_count)
	{
		drop_overflow_pages(part);
		return true;
	}
	for (uint32_t i = 0; i < HS_BUCKETS_PER_PAGE; i++)
	{
		if (hs_overflow_at(part, first + i)->tag[0] == 0)
			overflow_take_free(part, first + i + 1);
	}
	for (uint32_t i = 0; i < HS_BUCKETS_PER_PAGE; i++)
	{
		if (hs_overflow_at(part, first + i)->tag[0] != 0)
			replace_overflow(part, first + i + 1);
	}
	next_epoch(part);
	return_overflow_page(part);
	return true;
}

void
hs_index_grow(HsPart *part)
{
	uint32_t	budget = 2;

	while (budget > 0 && part->count > SPLIT_LOAD(hs_nbuckets(part)) && split(part))
		budget--;
}

bool
hs_index_maintain(HsPart *part, uint32_t budget)
{
	budget += part->inserts / 4;
	assert(part->overflow_promised == 0);
	part->inserts = 0;
	if (hs_nbuckets(part) == 0)
		return false;
	while (budget > 0 && part->count > SPLIT_LOAD(hs_nbuckets(part)) && split(part))
		budget--;
	while (budget > 0 && hs_nbuckets(part) > 1 &&
		   part->count < MERGE_LOAD(hs_nbuckets(part)) && merge(part))
		budget--;
	return shrink_overflow(part) || budget == 0;
}

void
hs_index_trim(HsPart *part)
{
	if (part->count == 0 && hs_nbuckets(part) == 1)
		hs_index_reset(part);
}

void
hs_index_reset(HsPart *part)
{
	uint64_t	geometry = atomic_load_explicit(&part->geometry, memory_order_relaxed);
	uint32_t	nb = (uint32_t) geometry;
	HsRef		dir = atomic_load_explicit(&part->dir, memory_order_relaxed);

	part->count = 0;
	part->overflow_promised = 0;
	hs_part_moved(part);
	if (nb == 0)
		return;
	atomic_store_explicit(&part->geometry, next_geometry(geometry, 0), memory_order_release);
	atomic_thread_fence(memory_order_release);
	drop_overflow_pages(part);
	for (uint32_t i = 0; i <= (nb - 1) / HS_BUCKETS_PER_PAGE; i++)
		hs_part_page_return(part, atomic_load_explicit(hs_dir_entry(part, i),
													   memory_order_relaxed));
	atomic_store_explicit(&part->dir, HS_REF_NONE, memory_order_relaxed);
	hs_part_page_return(part, dir);
}
