/*
 * scan.c
 *	  Walking, counting and sampling all keys of a keyspace.
 *
 * The walk goes through hashes in the order of their reversed bits.  A bucket
 * of a linear hash table holds the hashes that agree in some low bits: in that
 * order, one interval.  Splitting a bucket cuts its interval in two, merging
 * joins two, so a position in that order means the same whatever the table does:
 * every key that stays is met exactly once, with no state but the position.
 */
#include "dues.h"
#include "log.h"

#define COUNT_RECORDS	1024	/* expired keys looked at per call of hs_count() */
#define RANDOM_TRIES	100

static uint32_t
reverse(uint32_t x)
{
	x = ((x >> 1) & 0x55555555) | ((x & 0x55555555) << 1);
	x = ((x >> 2) & 0x33333333) | ((x & 0x33333333) << 2);
	x = ((x >> 4) & 0x0f0f0f0f) | ((x & 0x0f0f0f0f) << 4);
	return __builtin_bswap32(x);
}

/* How many low bits of the hash all keys of the bucket share. */
static unsigned
shared_bits(uint32_t bucket, uint32_t nb)
{
	unsigned	level = 31 - (unsigned) __builtin_clz(nb);
	uint32_t	full = 1u << level;

	return bucket >= full || bucket < nb - full ? level + 1 : level;
}

typedef struct Visit
{
	HsHandle   *h;
	HsScanVisit visit;
	void	   *arg;
	int64_t		now_us;
	size_t		seen;
} Visit;

/* Visit one entry if it is at or behind 'position'; false: stop. */
static bool
visit_record(Visit *vi, HsPart *part, HsRecord *record, uint32_t position)
{
	HsRecordView v;
	HsOp		op = {0};

	hs_record_view(record, &v);
	op.key = hs_bytes(v.key, v.key_size);
	op.hash = hs_hash(op.key);
	if (hs_gone_at(record) <= vi->now_us || reverse((uint32_t) op.hash) < position)
		return true;
	op.h = vi->h;
	op.part = part;
	op.mode = HS_SHARED;
	op.clock_us = vi->now_us;
	vi->seen++;
	return vi->visit(vi->arg, &op, record);
}

/* Visit the chain; false: the visitor said stop. */
static bool
visit_chain(Visit *vi, HsPart *part, uint32_t bucket, uint32_t position)
{
	HsBucket   *b = hs_bucket_at(part, bucket);

	if (!vi->visit(vi->arg, NULL, NULL))
		return false;
	while (b != NULL)
	{
		uint64_t	hdr = atomic_load_explicit(&b->hdr, memory_order_relaxed);
		uint32_t	link = (uint32_t) ((hdr & HS_HDR_OVERFLOW) >> HS_HDR_OVERFLOW_SHIFT);
		unsigned	used = ~hs_bucket_match(b, 0) & ((1u << HS_BUCKET_SLOTS) - 1);

		for (; used != 0; used &= used - 1)
		{
			HsRef		ref = atomic_load_explicit(&b->ref[__builtin_ctz(used)],
												   memory_order_relaxed);

			if (!visit_record(vi, part, hs_ptr(ref), position))
				return false;
		}
		b = link == 0 ? NULL : hs_overflow_at(part, link - 1);
	}
	return true;
}

static void
next_part(HsHandle *h, HsCursor *cursor)
{
	cursor->position = 0;
	cursor->part++;
	cursor->done = cursor->part >= h->nparts;
}

HsStatus
hs_scan(HsHandle *h, HsCursor *cursor, size_t want, int64_t now_us,
		HsScanVisit visit, void *arg)
{
	Visit		vi = {h, visit, arg, now_us, 0};
	HsPart	   *part;
	HsStatus	status = HS_OK;
	unsigned	buckets = 0;

	if (cursor->done || cursor->part >= h->nparts)
	{
		cursor->done = true;
		return HS_OK;
	}
	part = h->parts[cursor->part];
	hs_port_lock(&part->lock, HS_SHARED);
	if (!hs_keyspace_is_current(h))
		status = HS_GONE;
	else if (part->count == 0)
		next_part(h, cursor);
	else
	{
		while (vi.seen < want && buckets++ < want)
		{
			uint32_t	nb = hs_nbuckets(part);
			uint32_t	bucket = hs_bucket_number(reverse(cursor->position), nb);
			unsigned	bits = shared_bits(bucket, nb);
			uint64_t	size = (uint64_t) 1 << (32 - bits);
			uint64_t	next = ((uint64_t) cursor->position & ~(size - 1)) + size;

			if (!visit_chain(&vi, part, bucket, cursor->position))
				break;
			if (next > UINT32_MAX)
			{
				next_part(h, cursor);
				break;
			}
			cursor->position = (uint32_t) next;
		}
	}
	hs_port_unlock(&part->lock);
	return status;
}

bool
hs_count(HsHandle *h, HsCount *count, int64_t now_us)
{
	HsPart	   *part;

	if (count->part >= h->nparts)
		return true;
	part = h->parts[count->part];
	hs_port_lock(&part->lock, HS_EXCLUSIVE);
	if (!hs_keyspace_is_current(h))
		count->part = h->nparts;
	else if (!hs_expire_slice(part, now_us, COUNT_RECORDS, true))
	{
		count->keys += part->count;
		count->part++;
	}
	hs_port_unlock(&part->lock);
	return count->part >= h->nparts;
}

/*
 * ---- A random key --------------------------------------------------------------
 */

typedef struct Sample
{
	void	   *buf;
	size_t		capacity;
	size_t		size;
	uint64_t	random;
	uint64_t	seen;			/* live keys; each had the same chance to be kept */
} Sample;

/* Scan visitor: keep the n-th key with probability 1/n. */
static bool
take_sample(void *arg, HsOp *op, HsRecord *record)
{
	Sample	   *s = arg;

	(void) record;
	if (op == NULL)
		return true;
	s->seen++;
	s->random = XXH3_64bits_withSeed(&s->random, sizeof(s->random), s->seen);
	if (s->random % s->seen != 0)
		return true;
	s->size = op->key.size;
	if (op->key.size <= s->capacity)
		hs_copy(s->buf, op->key.data, op->key.size);
	return true;
}

/* Sample one bucket of a partition. */
static HsStatus
sample_bucket(HsHandle *h, uint32_t i, uint64_t random, int64_t now_us, Sample *s)
{
	Visit		vi = {h, take_sample, s, now_us, 0};
	HsPart	   *part = h->parts[i];
	HsStatus	status = HS_OK;
	uint32_t	nb;

	hs_port_lock(&part->lock, HS_SHARED);
	nb = hs_nbuckets(part);
	if (!hs_keyspace_is_current(h))
		status = HS_GONE;
	else if (nb > 0)
		visit_chain(&vi, part, (uint32_t) (random % nb), 0);
	hs_port_unlock(&part->lock);
	return status;
}

HsStatus
hs_random_key(HsHandle *h, uint64_t random, int64_t now_us, void *buf,
			  size_t capacity, size_t *size)
{
	Sample		s = {buf, capacity, 0, random, 0};
	HsStatus	status = HS_OK;

	for (int i = 0; i < RANDOM_TRIES && s.seen == 0 && status == HS_OK; i++)
	{
		random = XXH3_64bits_withSeed(&random, sizeof(random), (uint64_t) i);
		status = sample_bucket(h, (uint32_t) (random >> 40) % h->nparts,
							   random & UINT32_MAX, now_us, &s);
	}
	if (s.seen == 0 && status == HS_OK)
	{
		/* few keys among many empty buckets: the first that there is */
		HsCursor	cursor = {0};

		while (!cursor.done && s.seen == 0 && status == HS_OK)
			status = hs_scan(h, &cursor, 1024, now_us, take_sample, &s);
	}
	if (status != HS_OK)
		return status;
	if (s.seen == 0)
		return HS_NOT_FOUND;
	*size = s.size;
	return s.size <= capacity ? HS_OK : HS_BUFFER_TOO_SMALL;
}
