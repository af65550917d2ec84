/*
 * read.c
 *	  Reading a plain value without a lock: look.h has the protocol.
 *
 * After a few failures (a writer was preempted inside its window, or the chain
 * is absurdly long) the partition's lock guarantees progress.
 */
#include "cached.h"
#include "dues.h"
#include "look.h"
#include "tag.h"

#define MAX_TRIES	16

/* One attempt's input and findings. */
typedef struct Probe
{
	HsHandle   *h;
	int64_t		now_us;
	void	   *buf;
	size_t		capacity;
	HsType		type;			/* HS_ANY: peek, no copying, no complaint about types */
	HsRead	   *out;
	HsCached   *cached;			/* HS_CACHED only */
	HsLook		look;
} Probe;

static inline void
cpu_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
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

		if ((v->flags & HS_RF_TAGS) && hs_tags_dead_racy(hs_look_tags(v)))
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
	if (p->type == HS_CACHED)
	{
		if (!hs_cached_unseal(v->value, v->value_size, p->cached))
			return HS_CORRUPT;
		out->size = p->cached->size;
		hs_racy_copy(p->buf, v->value, p->cached->size);
		return HS_OK;
	}
	hs_racy_copy(p->buf, v->value, v->value_size);
	return HS_OK;
}

/* True if *status holds what is so; false to try again, with the lock if it is HS_DUE. */
static HS_IN_LINE bool
probe_once(Probe *p, HsStatus *status)
{
	HsLook	   *l = &p->look;
	HsRecordView v;
	HsSeen		seen;

	*status = HS_NOT_FOUND;
	if (!hs_look_begin(l))
		return false;
	seen = hs_look_find(l, &v);
	if (seen == HS_SEEN_NOTHING)
		return hs_look_still_true(l);
	if (seen == HS_SEEN_CHANGE)
		return false;
	*status = take_value(p, &v, false);
	if (*status == HS_DUE || !hs_look_still_true(l))
		return false;
	if (*status == HS_OK)
		hs_slot_visit(l->bucket, l->i);
	return true;
}

static HS_OUT_OF_LINE HsStatus
probe_locked(const Probe *p)
{
	HsPart	   *part = p->look.part;
	HsSlot		slot;
	HsRecord   *record;
	HsStatus	status = HS_NOT_FOUND;
	HsRecordView v;

	hs_port_lock(&part->lock, HS_SHARED);
	record = hs_index_find(part, p->look.hash, p->look.key, &slot);
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
	hs_port_unlock(&part->lock);
	return status;
}

/*
 * Somebody was in the way: more attempts, then the lock; or at once, see take_value().  Takes
 * the parts of a Probe, so that the first attempt need not have one in memory: 20 instructions.
 */
static HS_OUT_OF_LINE __attribute__((cold)) HsStatus
probe_again(HsHandle *h, HsBytes key, uint64_t hash, int64_t now_us, void *buf, size_t capacity,
			HsType type, HsRead *out, HsCached *cached)
{
	Probe		again = {h, now_us, buf, capacity, type, out, cached,
	{.key = key,.hash = hash,.part = hs_part_of(h, hash)}};
	Probe	   *p = &again;
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

	if (p->look.key.size > HS_MAX_KEY)
		return HS_KEY_TOO_LONG;
	hs_look_at(&p->look, p->h);
	if (__builtin_expect(!probe_once(p, &status), 0))
		status = probe_again(p->h, p->look.key, p->look.hash, p->now_us, p->buf, p->capacity,
							 p->type, p->out, p->cached);

	/* dropped meanwhile: what was found may belong to another keyspace */
	if (!hs_is_current(p->h))
		return HS_GONE;
	return status;
}

static HS_IN_LINE HsStatus
read_type(HsHandle *h, HsBytes key, HsType type, int64_t now_us, void *buf,
		  size_t capacity, HsRead *out, HsCached *cached)
{
	Probe		p = {h, now_us, buf, capacity, type, out, cached, {.key = key}};
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
	return read_type(h, key, HS_STRING, now_us, buf, capacity, out, NULL);
}

HsStatus
hs_read_cached(HsHandle *h, HsBytes key, int64_t now_us, void *buf, size_t capacity, HsRead *out,
			   HsCached *c)
{
	return read_type(h, key, HS_CACHED, now_us, buf, capacity, out, c);
}

HsStatus
hs_peek(HsHandle *h, HsBytes key, int64_t now_us, HsRead *out)
{
	Probe		p = {h, now_us, NULL, 0, HS_ANY, out, NULL, {.key = key}};

	return probe(&p);
}
