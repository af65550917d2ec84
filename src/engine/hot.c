/*
 * hot.c
 *	  A sample of lookups, counted by "space saving"; see hot.h.
 *
 * A lookup that is sampled costs a try at a lock and a search of 64 hashes;
 * the other 127 count down a number of their own process.  A sample that finds
 * the lock taken is dropped: the lock is held for less than a microsecond, and
 * which samples meet it does not depend on the key.
 */
#include "hot.h"

#include "part.h"
#include "shuffle.h"

/*
 * One per slot of the keyspace table.  (l) lock of the same number in 'locks',
 * which are apart so that a table that is never used is never touched.
 */
typedef struct HsHot
{
	uint64_t	generation;		/* (l) of the keyspace whose lookups these are */
	uint64_t	samples;		/* (l) */
	uint32_t	n;				/* (l) keys in use */
	_Atomic uint32_t nhandles;	/* (a) atomic: handles that have looked up something */
	uint64_t	hash[HS_HOT_KEYS];	/* (l) */
	HsHotKey	keys[HS_HOT_KEYS];	/* (l) */
} HsHot;

/* Process-local addresses of the locks and the tables. */
static HsLock *locks = NULL;
static HsHot *hots = NULL;

static unsigned distance(HsHandle *h);
static unsigned first_distance(HsHandle *h, uint64_t hash);
static void count_key(HsHot *hot, HsBytes key, uint64_t hash);
static void fade(HsHot *hot);
static void clear(HsHot *hot, uint64_t generation);

size_t
hs_hot_size(uint32_t nkeyspaces)
{
	return nkeyspaces * (sizeof(HsLock) + sizeof(HsHot));
}

void
hs_hot_init(void *mem, uint32_t nkeyspaces)
{
	hs_hot_attach(mem, nkeyspaces);
	for (uint32_t i = 0; i < nkeyspaces; i++)
		hs_port_lock_init(&locks[i]);
}

void
hs_hot_attach(void *mem, uint32_t nkeyspaces)
{
	locks = mem;
	hots = (HsHot *) (locks + nkeyspaces);
}

/* The table of the keyspace, locked; NULL if it is not to be had. */
static HsHot *
hot_lock(const HsHandle *h, HsLockMode mode, bool wait)
{
	uint32_t	slot = (uint32_t) (h->ks - hs_keyspaces);

	if (hots == NULL)
		return NULL;
	if (wait)
		hs_port_lock(&locks[slot], mode);
	else if (!hs_port_trylock(&locks[slot], mode))
		return NULL;
	return &hots[slot];
}

static void
hot_unlock(HsHot *hot)
{
	hs_port_unlock(&locks[hot - hots]);
}

void
hs_hot_sample(HsHandle *h, HsBytes key, uint64_t hash)
{
	HsHot	   *hot;

	if (h->sample_state == 0)
	{
		unsigned	first = first_distance(h, hash);

		if (first > 0)
		{
			h->sample_in = first - 1;
			return;
		}
	}
	h->sample_in = distance(h);
	hot = hot_lock(h, HS_EXCLUSIVE, false);
	if (hot == NULL)
		return;
	if (hot->generation < h->generation)
		clear(hot, h->generation);	/* the slot's keyspace is a new one */
	if (hot->generation == h->generation)
	{
		count_key(hot, key, hash);
		if (++hot->samples >= HS_HOT_WINDOW)
			fade(hot);
	}
	hot_unlock(hot);
}

/* Lookups until the next sample: 0 .. 2 * (HS_HOT_EVERY - 1), evenly. */
static unsigned
distance(HsHandle *h)
{
	return hs_random_below(&h->sample_state, 2 * HS_HOT_EVERY - 1);
}

/*
 * A new handle begins at any place between two samples.  What is left of a distance there is
 * spread as the smaller of two distances is, so the lookups of a session are sampled alike, also
 * the first.  Sessions that begin with the same key must not all sample the same lookup.
 */
static unsigned
first_distance(HsHandle *h, uint64_t hash)
{
	unsigned	a;
	unsigned	b;
	uint32_t	n = 0;

	if (hots != NULL)
		n = atomic_fetch_add_explicit(&hots[h->ks - hs_keyspaces].nhandles, 1,
									  memory_order_relaxed);
	h->sample_state = hs_random_mix(hash ^ hs_region->seed) + hs_random_mix(n);
	a = distance(h);
	b = distance(h);
	return a < b ? a : b;
}

static void
count_key(HsHot *hot, HsBytes key, uint64_t hash)
{
	uint32_t	at = 0;
	HsHotKey   *k;

	while (at < hot->n && hot->hash[at] != hash)
		at++;
	k = &hot->keys[at];
	if (at < hot->n)
	{
		k->count++;
		return;
	}
	if (hot->n < HS_HOT_KEYS)
	{
		hot->n++;
		k->count = 0;
	}
	else
	{
		at = 0;
		for (uint32_t i = 1; i < HS_HOT_KEYS; i++)
		{
			if (hot->keys[i].count < hot->keys[at].count)
				at = i;
		}
		k = &hot->keys[at];
	}
	hot->hash[at] = hash;
	k->error = k->count;
	k->count++;
	k->key_size = (uint32_t) key.size;
	hs_copy(k->key, key.data, key.size < HS_HOT_KEY_BYTES ? key.size : HS_HOT_KEY_BYTES);
}

static void
fade(HsHot *hot)
{
	hot->samples /= 2;
	for (uint32_t i = 0; i < hot->n; i++)
	{
		hot->keys[i].count /= 2;
		hot->keys[i].error /= 2;
	}
}

static void
clear(HsHot *hot, uint64_t generation)
{
	hot->generation = generation;
	hot->samples = 0;
	hot->n = 0;
}

unsigned
hs_hot_read(HsHandle *h, HsHotKey *out, uint64_t *samples)
{
	HsHot	   *hot = hot_lock(h, HS_SHARED, true);
	unsigned	n = 0;

	*samples = 0;
	if (hot == NULL)
		return 0;
	if (hot->generation == h->generation)
	{
		n = hot->n;
		*samples = hot->samples;
		memcpy(out, hot->keys, n * sizeof(HsHotKey));
	}
	hot_unlock(hot);
	return n;
}

void
hs_hot_reset(HsHandle *h)
{
	HsHot	   *hot = hot_lock(h, HS_EXCLUSIVE, true);

	if (hot == NULL)
		return;
	if (hot->generation <= h->generation)
		clear(hot, h->generation);
	hot_unlock(hot);
}
