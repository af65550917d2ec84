/*
 * read.c
 *	  Reading a plain value without a lock.
 *
 * Protocol: take the geometry of the partition and the version of the bucket,
 * look, copy, then make sure that both are what they were and that the
 * keyspace is still the same.  Every address and size found on the way may be torn, so it
 * is checked against the region before it is used.  Nothing is stored but a visited bit,
 * and that in index memory, which is never anything else.
 *
 * After a few failures (a writer was preempted inside its window, or the chain
 * is absurdly long) the partition's lock guarantees progress.
 */
#include "big.h"
#include "dues.h"
#include "hot.h"
#include "index.h"
#include "log.h"
#include "racy.h"
#include "tag.h"

#define MAX_TRIES	16

/* One attempt's input and findings. */
typedef struct Probe
{
	HsHandle   *h;
	HsPart	   *part;
	HsBytes		key;
	uint64_t	hash;
	int64_t		now_us;
	void	   *buf;
	size_t		capacity;
	HsType		type;			/* HS_ANY: peek, no copying, no complaint about types */
	HsRead	   *out;
} Probe;

static inline void
cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

/*
 * Is it the key's record?  Then *v is filled in, from a copy of the header,
 * so that what was checked is what is used.
 */
static HS_IN_LINE bool
record_matches(const Probe *p, HsRef ref, HsRecordView *v)
{
	uint64_t	start = (uint64_t) ref << hs_shift;
	const uint8_t *record;
	uint8_t		header[32];

	if (ref == HS_REF_NONE || start + sizeof(header) > hs_region_size)
		return false;
	record = hs_base + start;
	__builtin_prefetch(record + HS_CACHE_LINE); /* both lines at once: 10 ns of 290 */
	hs_racy_copy_known(header, record, sizeof(header));
	hs_record_view(header, v);
	if (v->key_size != p->key.size ||
		start + v->header_size + v->key_size + v->value_size > hs_region_size ||
		((v->flags & HS_RF_BIG) && v->value_size < sizeof(HsBig)))
		return false;
	/* the size of the key from the argument: the processor need not wait for the record */
	v->key = record + v->header_size;
	v->value = hs_base + start + v->header_size + p->key.size;
	return hs_racy_equal(v->key, p->key.data, p->key.size);
}

/* Of a record with HS_RF_TAGS; the field is the last one before the key. */
static HS_OUT_OF_LINE bool
has_dead_tag(const HsRecordView *v)
{
	HsRef		tags;

	hs_racy_copy(&tags, v->key - sizeof(tags), sizeof(tags));
	return hs_tags_dead_racy(tags);
}

/* HS_DUE: only under the lock can be seen whether members of it are left. */
static HS_IN_LINE HsStatus
take_value(const Probe *p, const HsRecordView *v, bool is_locked)
{
	HsRead	   *out = p->out;

	out->flags = v->flags;
	out->type = (HsType) (v->flags & HS_RF_TYPE);
	out->size = v->value_size;
	out->expires_us = v->expires_us;
	if (v->expires_us <= p->now_us)
		return HS_NOT_FOUND;
	if (out->type != HS_STRING && out->type != HS_CACHED)
	{
		if (hs_flags_have_dues(v->flags) && !is_locked)
			return HS_DUE;
		return p->type == HS_ANY ? HS_OK : HS_WRONG_TYPE;
	}
	if (v->flags & (HS_RF_BIG | HS_RF_TAGS))
	{
		uint64_t	size;			/* first field of HsBig */

		if ((v->flags & HS_RF_TAGS) && has_dead_tag(v))
			return HS_NOT_FOUND;
		if (v->flags & HS_RF_BIG)
		{
			hs_racy_copy(&size, v->value, sizeof(size));
			out->size = size;
		}
	}
	if (p->type == HS_ANY)
		return HS_OK;
	if (out->type != p->type)
		return HS_WRONG_TYPE;
	if ((v->flags & HS_RF_BIG) || v->value_size > p->capacity)
		return HS_BUFFER_TOO_SMALL;
	hs_racy_copy(p->buf, v->value, v->value_size);
	return HS_OK;
}

/* Has nothing moved since 'geometry' and the head's version were read? */
static HS_IN_LINE bool
still_true(const Probe *p, uint64_t geometry, const HsBucket *head, uint64_t hdr)
{
	atomic_thread_fence(memory_order_acquire);
	if (head != NULL &&
		(atomic_load_explicit(&head->hdr, memory_order_relaxed) ^ hdr) >> 32 != 0)
		return false;
	return atomic_load_explicit(&p->part->geometry, memory_order_relaxed) == geometry;
}

/* True if *status holds what is so; false to try again, with the lock if it is HS_DUE. */
static HS_IN_LINE bool
probe_once(const Probe *p, HsStatus *status)
{
	uint64_t	geometry = atomic_load_explicit(&p->part->geometry, memory_order_acquire);
	uint8_t		tag = hs_hash_tag(p->hash);
	HsBucket   *head;
	HsBucket   *b;
	uint64_t	hdr;
	uint64_t	bhdr;

	*status = HS_NOT_FOUND;
	if (geometry & HS_CLOSED)
		return false;
	if ((uint32_t) geometry == 0)
		return still_true(p, geometry, NULL, 0);
	head = hs_bucket_at(p->part, hs_bucket_number(p->hash, (uint32_t) geometry));
	if (head == NULL)
		return false;
	hdr = bhdr = atomic_load_explicit(&head->hdr, memory_order_acquire);
	if (hdr & HS_HDR_VERSION_ONE)
		return false;
	b = head;
	for (int hops = 0; hops < HS_MAX_HOPS; hops++)
	{
		uint32_t	link;

		for (unsigned m = hs_bucket_match(b, tag); m != 0; m &= m - 1)
		{
			unsigned	i = (unsigned) __builtin_ctz(m);
			HsRecordView v;

			if (!record_matches(p, atomic_load_explicit(&b->ref[i], memory_order_relaxed), &v))
				continue;
			*status = take_value(p, &v, false);
			if (*status == HS_DUE)
				return false;
			if (!still_true(p, geometry, head, hdr))
				return false;
			if (*status == HS_OK)
				hs_slot_visit(b, i);
			return true;
		}
		link = (uint32_t) ((bhdr & HS_HDR_OVERFLOW) >> HS_HDR_OVERFLOW_SHIFT);
		if (link == 0)
			return still_true(p, geometry, head, hdr);
		b = hs_overflow_at(p->part, link - 1);
		if (b == NULL)
			return false;
		bhdr = atomic_load_explicit(&b->hdr, memory_order_relaxed);
	}
	return false;
}

static HS_OUT_OF_LINE HsStatus
probe_locked(const Probe *p)
{
	HsSlot		slot;
	HsRecord   *record;
	HsStatus	status = HS_NOT_FOUND;
	HsRecordView v;

	hs_port_lock(&p->part->lock, HS_SHARED);
	record = hs_index_find(p->part, p->hash, p->key, &slot);
	if (record != NULL)
	{
		int64_t		gone_us = hs_gone_at(record);

		hs_record_view(record, &v);
		if (gone_us > p->now_us)
			status = take_value(p, &v, true);
		if (p->now_us == HS_CLOCK_LATER)
			p->out->expires_us = gone_us;
		if (status == HS_OK)
			hs_slot_visit(slot.bucket, slot.i);
	}
	hs_port_unlock(&p->part->lock);
	return status;
}

/* Somebody was in the way: more attempts, then the lock; or at once, see take_value(). */
static HS_OUT_OF_LINE HsStatus
probe_again(const Probe *p)
{
	HsStatus	status;

	for (int tries = 1; tries < MAX_TRIES; tries++)
	{
		cpu_relax();
		if (probe_once(p, &status))
			return status;
		if (status == HS_DUE)
			break;
	}
	return probe_locked(p);
}

/*
 * The first attempt is compiled into each caller: with p in registers and
 * the type known, a hit takes half the instructions.
 */
static HS_IN_LINE HsStatus
probe(Probe *p)
{
	HsStatus	status;

	if (p->key.size > HS_MAX_KEY)
		return HS_KEY_TOO_LONG;
	p->hash = hs_hash(p->key);
	p->part = hs_part_of(p->h, p->hash);
	hs_hot_touch(p->h, p->key, p->hash);
	if (!probe_once(p, &status))
	{
		Probe		again = *p;

		status = probe_again(&again);
	}

	/* dropped meanwhile: what was found may belong to another keyspace */
	if (!hs_is_current(p->h))
		return HS_GONE;
	return status;
}

static HS_IN_LINE HsStatus
read_type(HsHandle *h, HsBytes key, HsType type, int64_t now_us, void *buf,
		  size_t capacity, HsRead *out)
{
	Probe		p = {h, NULL, key, 0, now_us, buf, capacity, type, out};
	HsStatus	status = probe(&p);

	if (status == HS_OK)
		h->hits++;
	else if (status == HS_NOT_FOUND)
		h->misses++;
	return status;
}

HsStatus
hs_read(HsHandle *h, HsBytes key, int64_t now_us, void *buf, size_t capacity, HsRead *out)
{
	return read_type(h, key, HS_STRING, now_us, buf, capacity, out);
}

HsStatus
hs_read_cached(HsHandle *h, HsBytes key, int64_t now_us, void *buf, size_t capacity, HsRead *out)
{
	return read_type(h, key, HS_CACHED, now_us, buf, capacity, out);
}

HsStatus
hs_peek(HsHandle *h, HsBytes key, int64_t now_us, HsRead *out)
{
	Probe		p = {h, NULL, key, 0, now_us, NULL, 0, HS_ANY, out};

	return probe(&p);
}
