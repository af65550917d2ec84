/*
 * cache.c
 *	  Cached results: what they depend on, finding and storing them.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "cache.h"

int			hsg_cache_reads = HSG_READS_SNAPSHOT;

void
hsg_deps(HsgDeps *deps, HsBytes key, const HsBytes *tags, int ntags)
{
	if (ntags > HSG_MAX_TAGS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many tags"),
				 errdetail("A cached result can have %d tags.", HSG_MAX_TAGS)));
	deps->key_hash = XXH3_64bits(key.data, key.size);
	deps->n = 0;
	deps->slot[deps->n++] = hsg_slot(HSG_NAME_KEY, key);
	for (int i = 0; i < ntags; i++)
		deps->slot[deps->n++] = hsg_slot(HSG_NAME_TAG, tags[i]);
	deps->slot[deps->n++] = hsg_schema_slot();
}

void
hsg_arg_deps(FunctionCallInfo fcinfo, HsBytes key, int tags_arg, HsgDeps *deps)
{
	HsBytes    *tags = NULL;
	int			ntags = 0;

	if (!PG_ARGISNULL(tags_arg))
		ntags = hsg_arg_elements(fcinfo, tags_arg, "tag", &tags);
	hsg_deps(deps, key, tags, ntags);
}

/*
 * ---- Finding -------------------------------------------------------------------
 */

bool
hsg_cache_may_hit(void)
{
	if (IsolationIsSerializable() && !hsg_serializable_hits)
		return false;
	/* a worker knows that its leader has changes, not which */
	return !(IsParallelWorker() && hsg_has_changes());
}

/* The last of the slots is the schema's. */
static inline uint64
label_of(const HsSnapshot *s, uint32_t slot, bool is_last)
{
	return is_last ? hsg_schema_label(s) : hs_label(s, slot);
}

static pg_noinline bool
is_true_label_by_label(const HsSnapshot *s, const HsCached *c, HsgCacheCount *why)
{
	uint32_t	total = hs_labels_total();

	for (unsigned i = 0; i < c->ndeps; i++)
	{
		const HsSlotLabel *dep = &c->deps[i];
		uint64_t	label;

		*why = HSG_CACHE_MISS_OWN;
		if (dep->slot >= total || hsg_has_touched(dep->slot))
			return false;
		label = label_of(s, dep->slot, i + 1 == c->ndeps);
		*why = HSG_CACHE_MISS_REFUSED;
		if (label == HS_NO_LABEL)
			return false;
		*why = HSG_CACHE_MISS_LABEL;
		if (dep->label != label &&
			!(hsg_cache_reads == HSG_READS_LATEST && dep->label > label))
			return false;
	}
	*why = HSG_CACHE_HITS;
	return true;
}

static inline bool
is_true(const HsSnapshot *s, const HsCached *c, HsgCacheCount *why)
{
	if (unlikely(hsg_touched != NULL || !hs_labels_hold(s, c->deps, c->ndeps)))
		return is_true_label_by_label(s, c, why);
	*why = HSG_CACHE_HITS;
	return true;
}

/* Read the entry, whatever it says. */
static bool
load(HsHandle *h, HsBytes stored, HsgEntry *e)
{
	HsGot	   *got = &e->value.got;
	HsType		found = HS_CACHED;
	HsStatus	status;

	hsg_value_init(&e->value);
	do
	{
		status = hs_cached_read(h, stored, HS_CLOCK_LATER, got, &e->cached, &found);
		if (got->expires_us != HS_NEVER &&
			hs_read_expired(h, status, got->expires_us, hsg_now()))
			status = HS_NOT_FOUND;
	} while (hsg_value_again(&e->value, status, h, stored) || hsg_retry(h, status, 0, 0));
	/* what a plain command has put where kv_fetch keeps results is none, and no reason to fail */
	if (status == HS_NOT_FOUND ||
		(status == HS_WRONG_TYPE && stored.size > 0 && stored.data[0] == HSG_FETCH_MARK))
		return false;
	hsg_check(status, h, stored, HS_CACHED, found);
	return true;
}

HsgCacheFound
hsg_cache_look(HsHandle *h, HsBytes stored, uint32_t key_slot, const HsSnapshot *s,
			   HsgEntry *e, HsgCacheCount *why)
{
	const HsCached *c = &e->cached;

	*why = HSG_CACHE_MISS_REFUSED;
	if (!s->usable || !hsg_cache_may_hit())
		return HSG_CACHE_MISS;
	*why = HSG_CACHE_MISS_ABSENT;
	if (!load(h, stored, e) || c->deps[0].slot != key_slot)
		return HSG_CACHE_MISS;
	if (!is_true(s, c, why))
		return HSG_CACHE_MISS;
	e->value.got.flags = c->kind == HS_CACHED_TEXT ? HS_RF_TEXT :
		c->kind == HS_CACHED_JSONB ? HS_RF_JSONB : 0;
	if (c->soft_expires_us != HS_NEVER && c->soft_expires_us <= hsg_now())
		return HSG_CACHE_SOFT;
	return HSG_CACHE_HIT;
}

bool
hsg_cache_labels(const HsSnapshot *s, const HsgDeps *deps, uint64_t *labels)
{
	for (unsigned i = 0; i < deps->n; i++)
	{
		labels[i] = label_of(s, deps->slot[i], i + 1 == deps->n);
		if (labels[i] == HS_NO_LABEL)
			return false;
	}
	return true;
}

/*
 * ---- Storing -------------------------------------------------------------------
 */

static void
claim(HsCached *c, const HsgDeps *deps, const uint64_t *labels)
{
	c->ndeps = deps->n;
	for (unsigned i = 0; i < deps->n; i++)
		c->deps[i] = (HsSlotLabel) {deps->slot[i], labels[i]};
}

bool
hsg_cache_may_store(const HsSnapshot *s, const HsgDeps *deps, const HsgEntry *e)
{
	uint64_t	labels[HS_CACHED_DEPS];
	HsCached	c;

	if (hsg_has_changes() || !s->usable || !hsg_cache_labels(s, deps, labels))
		return false;
	claim(&c, deps, labels);
	return e == NULL || !hs_cached_is_later(&e->cached, &c);
}

bool
hsg_cache_store(HsHandle *h, HsBytes stored, const HsgDeps *deps, const uint64_t *labels,
				const HsgResult *r, bool is_asked)
{
	HsCached	c = {.kind = r->kind,.size = r->bytes.size,
	.soft_expires_us = r->soft_expires_us};
	HsNewValue	v = {0};
	uint8_t    *sealed = NULL;
	bool		done = false;
	HsOp		op;
	HsStatus	status;

	claim(&c, deps, labels);
	if (r->bytes.size <= (size_t) hsg_max_value)
		sealed = palloc_extended(r->bytes.size + HS_CACHED_TRAILER,
								 MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
	if (sealed != NULL)
	{
		hs_copy(sealed, r->bytes.data, r->bytes.size);
		v.bytes = hs_bytes(sealed, hs_cached_seal(sealed, &c));
	}
	else if (!is_asked)
	{
		hsg_cache_count(HSG_CACHE_FILL_MEMORY);
		return false;
	}
	else
		hsg_check(HS_VALUE_TOO_LONG, h, stored, HS_CACHED, HS_ANY);
	op.found_type = HS_ANY;
	do
	{
		op.hash = 0;
		status = hs_value_prepare(h, &v, SIZE_MAX, &op.need);
		if (status != HS_OK)
			continue;
		HSG_ONCE(status, op, h, stored, HS_EXCLUSIVE,
				 hs_cached_put(&op, &v, &c, r->expires_us, &done));
		hs_value_discard(&v);
	} while (hsg_retry(h, status, op.hash, op.need));
	pfree(sealed);
	if ((status == HS_NO_MEMORY || status == HS_WRONG_TYPE) && !is_asked)
	{
		hsg_cache_count(HSG_CACHE_FILL_MEMORY);
		return false;
	}
	hsg_check(status, h, stored, HS_CACHED, op.found_type);
	hsg_cache_count(done ? HSG_CACHE_FILLS : HSG_CACHE_FILL_NEWER);
	if (done && hs_label_collides(deps->slot[0], deps->key_hash))
		hsg_cache_count(HSG_CACHE_COLLISIONS);
	return done;
}

void
hsg_arg_cache_expiry(FunctionCallInfo fcinfo, int ttl_arg, int soft_arg, HsHandle *h, HsgResult *r)
{
	r->expires_us = hsg_arg_expiry(fcinfo, ttl_arg, h);
	r->soft_expires_us = HS_NEVER;
	if (!PG_ARGISNULL(soft_arg))
		r->soft_expires_us = hsg_arg_expiry(fcinfo, soft_arg, h);
	/* what is gone need not be renewed */
	if (r->soft_expires_us >= r->expires_us)
		r->soft_expires_us = HS_NEVER;
}
