/*
 * verify.c
 *	  Proof that every byte has exactly one owner and every count is right.
 *
 * For tests and debugging: holds all partition locks of a keyspace at a time
 * and looks at everything.  Other processes may go on elsewhere, which is why sums over the
 * whole region are taken again when they do not fit; but a large value on its way in
 * counts as one that its keyspace pays for and does not hold.
 */
#include "big.h"
#include "dues.h"
#include "log.h"
#include "tag.h"

#define SUMS_TRIES	20			/* one in a quiet moment is enough */

/* What one walk adds up. */
typedef struct Sums
{
	uint64_t	segs;			/* owned by the partition's logs, slabs, large values */
	uint64_t	big_segs;
	uint64_t	index_pages;
	uint64_t	live;
	uint64_t	keys;
	uint64_t	tags;			/* of records */
	uint64_t	dead_tags;
} Sums;

static const char *
verify_log(HsPart *part, Sums *sums)
{
	uint64_t	used = 0;
	uint64_t	live = 0;

	for (int q = 0; q < HS_NLOGS; q++)
	{
		uint32_t	n = 0;
		uint32_t	prev = HS_SEG_NONE;

		for (uint32_t seg = part->log[q].oldest; seg != HS_SEG_NONE; seg = hs_segs[seg].next)
		{
			const HsSeg *s = &hs_segs[seg];
			uint64_t	alive = 0;

			if (s->kind != (q == HS_LOG_S ? HS_SEG_LOG_SMALL : HS_SEG_LOG_MAIN) ||
				s->keyspace != part->keyspace || s->part != part->number)
				return "a log segment belongs to somebody else";
			if (s->prev != prev)
				return "the links of a log are broken";
			for (uint32_t pos = 0; pos < s->used;)
			{
				HsRecord   *record = hs_seg_data(seg) + pos;
				HsRecordView v;

				hs_record_view(record, &v);
				if (hs_record_type(record) != HS_DEAD)
				{
					alive += v.total;
					if (v.expires_us < s->min_expires_us &&
						(part->scan_seg != seg || pos < part->scan_pos))
						return "a record expires before its segment says";
					if ((v.flags & HS_RF_TAGS) && part->scan_seg != seg &&
						(s->tagged == 0 ||
						 (s->tagged == part->tag_epoch && hs_tags_dead(hs_record_tags(record)))))
						return "a segment does not know of its records' tags";
				}
				pos += v.total;
			}
			if (alive != s->live)
				return "live bytes of a segment are miscounted";
			used += s->used;
			live += s->live;
			prev = seg;
			n++;
		}
		if (n != part->log[q].nsegs || prev != part->log[q].newest)
			return "segments of a log are miscounted";
		sums->segs += n;
	}
	if (used != part->log_used || live != part->log_live)
		return "bytes of the logs are miscounted";
	return NULL;
}

static const char *
verify_key(HsPart *part, const HsHandle *h, HsRecord *record, uint32_t bucket,
		   uint8_t tag, Sums *sums, uint64_t *by_type)
{
	HsRecordView v;
	uint64_t	hash;
	HsType		type = hs_record_type(record);
	const char *wrong;

	hs_record_view(record, &v);
	hash = hs_hash(hs_bytes(v.key, v.key_size));
	if (type >= HS_NTYPES)
		return "the index refers to a dead record";
	if (hs_part_of(h, hash) != part || hs_hash_tag(hash) != tag ||
		hs_bucket_number(hash, hs_nbuckets(part)) != bucket)
		return "a key is in the wrong place";
	by_type[type]++;
	sums->keys++;
	sums->live += v.total;
	if (v.flags & HS_RF_BIG)
	{
		HsBig		big;

		memcpy(&big, v.value, sizeof(big));
		for (uint32_t i = 0; i < big.nchunks; i++)
		{
			HsRecordView c;

			hs_record_view(hs_ptr(big.chunk[i]), &c);
			if ((c.flags & HS_RF_TYPE) != HS_CHUNK)
				return "a large value lost a chunk";
			sums->live += c.total;
		}
		sums->big_segs += big.npages;
	}
	wrong = hs_tags_verify_record(record, &sums->tags, &sums->dead_tags);
	if (wrong != NULL)
		return wrong;
	if (hs_type_ops(type)->verify != NULL)
	{
		wrong = hs_type_ops(type)->verify(part, record);
		if (wrong != NULL)
			return wrong;
	}
	return hs_dues_verify(part, record);
}

/* Free overflow buckets: linked both ways, empty, and as many as there should be. */
static const char *
verify_overflow(const HsPart *part, uint32_t used)
{
	uint32_t	nfree = 0;
	uint32_t	before = 0;

	if (used + part->overflow_nfree != part->overflow_count)
		return "overflow buckets are miscounted";
	for (uint32_t link = part->overflow_free; link != 0 && nfree <= part->overflow_nfree; nfree++)
	{
		const HsBucket *b = link > part->overflow_count ? NULL : hs_overflow_at(part, link - 1);

		if (b == NULL || hs_bucket_match(b, 0) != (1u << HS_BUCKET_SLOTS) - 1 ||
			atomic_load_explicit(&b->ref[1], memory_order_relaxed) != before)
			return "the list of free overflow buckets is broken";
		before = link;
		link = atomic_load_explicit(&b->ref[0], memory_order_relaxed);
	}
	return nfree == part->overflow_nfree ? NULL : "free overflow buckets are miscounted";
}

static const char *
verify_index(HsPart *part, const HsHandle *h, Sums *sums)
{
	uint64_t	by_type[HS_NTYPES] = {0};
	uint32_t	nb = hs_nbuckets(part);
	uint32_t	per_page = (uint32_t) (HS_PAGE_SIZE / sizeof(HsBucket));
	uint32_t	overflows = 0;
	const char *wrong;

	for (uint32_t i = 0; i < nb; i++)
	{
		HsBucket   *b = hs_bucket_at(part, i);

		while (b != NULL)
		{
			uint64_t	hdr = atomic_load_explicit(&b->hdr, memory_order_relaxed);
			uint32_t	link = (uint32_t) ((hdr & HS_HDR_OVERFLOW) >> HS_HDR_OVERFLOW_SHIFT);
			unsigned	used = ~hs_bucket_match(b, 0) & ((1u << HS_BUCKET_SLOTS) - 1);

			if (hdr & HS_HDR_VERSION_ONE)
				return "a bucket was left in the middle of a change";
			for (; used != 0; used &= used - 1)
			{
				unsigned	k = (unsigned) __builtin_ctz(used);
				HsRecord   *record = hs_ptr(atomic_load_explicit(&b->ref[k],
																 memory_order_relaxed));

				wrong = verify_key(part, h, record, i, b->tag[k], sums, by_type);
				if (wrong != NULL)
					return wrong;
			}
			overflows += link != 0;
			b = link == 0 ? NULL : hs_overflow_at(part, link - 1);
		}
	}
	if (sums->keys != part->count)
		return "keys are miscounted";
	if (memcmp(by_type, part->count_by_type, sizeof(by_type)) != 0)
		return "keys are miscounted by type";
	wrong = verify_overflow(part, overflows);
	if (wrong != NULL)
		return wrong;
	if (part->overflow_promised != 0)
		return "an index slot is still promised";
	if (nb > 0)
		sums->index_pages += 1 + (nb + per_page - 1) / per_page +
			part->overflow_count / per_page;
	sums->index_pages += part->nghosts;
	return NULL;
}

static const char *
verify_slabs(const HsPart *part, Sums *sums)
{
	uint64_t	n = 0;

	for (int i = 0; i < 2; i++)
	{
		uint32_t	seg = i == 0 ? part->slab_open : part->slab_full;

		for (; seg != HS_SEG_NONE; seg = hs_segs[seg].next)
		{
			if (hs_segs[seg].kind != HS_SEG_SLAB || hs_segs[seg].keyspace != part->keyspace ||
				hs_segs[seg].part != part->number)
				return "a slab segment belongs to somebody else";
			n++;
		}
	}
	if (n != part->slab_segs)
		return "slab segments are miscounted";
	sums->segs += n;
	return NULL;
}

static const char *
verify_big(const HsPart *part, Sums *sums)
{
	uint64_t	n = 0;

	for (uint32_t first = part->big_first; first != HS_SEG_NONE; first = hs_segs[first].next)
	{
		for (uint32_t seg = first; seg != HS_SEG_NONE; seg = hs_segs[seg].chain)
		{
			if (hs_segs[seg].kind != HS_SEG_BIG || hs_segs[seg].keyspace != part->keyspace)
				return "a page of a large value belongs to somebody else";
			n++;
		}
	}
	if (n != sums->big_segs)
		return "pages of large values are miscounted";
	sums->segs += n;
	return NULL;
}

static const char *
verify_part(HsPart *part, const HsHandle *h, uint64_t *bytes)
{
	Sums		sums = {0};
	const char *wrong = verify_log(part, &sums);

	if (wrong == NULL)
		wrong = verify_index(part, h, &sums);
	if (wrong == NULL && sums.live != part->log_live)
		wrong = "a live record is not in the index";
	if (wrong == NULL)
		wrong = hs_tags_verify(part, sums.tags, sums.dead_tags);
	if (wrong == NULL)
		wrong = verify_slabs(part, &sums);
	if (wrong == NULL)
		wrong = verify_big(part, &sums);
	*bytes += (sums.segs << hs_seg_shift) + sums.index_pages * HS_PAGE_SIZE;
	return wrong;
}

static const char *
verify_locked(HsHandle *h)
{
	uint64_t	bytes = 0;

	for (uint32_t i = 0; i < h->nparts; i++)
	{
		const char *wrong = verify_part(h->parts[i], h, &bytes);

		if (wrong != NULL)
			return wrong;
	}
	if (bytes != atomic_load_explicit(&h->ks->bytes, memory_order_relaxed))
		return "the keyspace pays for more or less than it holds";
	return NULL;
}

const char *
hs_keyspace_verify(HsHandle *h)
{
	HsMulti		m;
	const char *wrong;

	if (hs_multi_begin(&m, h, NULL, 0, HS_SHARED, 0) != HS_OK)
		return NULL;			/* dropped: nothing to check */
	wrong = verify_locked(h);
	hs_multi_end(&m);
	return wrong;
}

/*
 * What all keyspaces pay for against what the segments say.  Segments change hands
 * under no common lock.
 */
static const char *
verify_sums(void)
{
	HsRegion   *r = hs_region;
	uint64_t	charged = 0;
	uint64_t	by_kind[HS_SEG_BIG + 1] = {0};
	uint64_t	paid;

	for (uint32_t slot = 0; slot < hs_nkeyspaces; slot++)
	{
		HsHandle	h;
		bool		used;
		uint32_t	db;
		uint32_t	server;

		hs_keyspace_slot(slot, &used, &db, &server, &h);
		if (used)
			charged += atomic_load(&h.ks->bytes);
	}
	for (uint32_t seg = 0; seg < r->nsegs; seg++)
	{
		if (hs_segs[seg].kind > HS_SEG_BIG)
			return "a segment is of no known kind";
		by_kind[hs_segs[seg].kind]++;
	}
	if (by_kind[HS_SEG_FREE] != atomic_load(&r->free_segs))
		return "free segments are miscounted";
	if (by_kind[HS_SEG_INDEX] != r->index_segs || by_kind[HS_SEG_PART] != r->part_segs)
		return "index or partition segments are miscounted";
	paid = by_kind[HS_SEG_LOG_SMALL] + by_kind[HS_SEG_LOG_MAIN] + by_kind[HS_SEG_SLAB] +
		by_kind[HS_SEG_BIG] - atomic_load(&r->orphan_segs);
	if ((paid << hs_seg_shift) +
		((uint64_t) r->index_segs * HS_PAGES_PER_SEG - r->index_pages_free) * HS_PAGE_SIZE !=
		charged)
		return "memory is lost or owned twice";
	return NULL;
}

const char *
hs_sums_verify(void)
{
	const char *wrong = verify_sums();

	for (int tries = 1; wrong != NULL && tries < SUMS_TRIES; tries++)
		wrong = verify_sums();
	return wrong;
}

const char *
hs_region_verify(void)
{
	for (uint32_t slot = 0; slot < hs_nkeyspaces; slot++)
	{
		HsHandle	h;
		bool		used;
		uint32_t	db;
		uint32_t	server;
		const char *wrong;

		hs_keyspace_slot(slot, &used, &db, &server, &h);
		if (!used)
			continue;
		wrong = hs_keyspace_verify(&h);
		if (wrong != NULL)
			return wrong;
	}
	return hs_sums_verify();
}
