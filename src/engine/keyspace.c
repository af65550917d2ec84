/*
 * keyspace.c
 *	  The table of keyspaces: opening, configuring, flushing, dropping.
 *
 * A slot's generation is odd while it holds a keyspace and grows with each
 * creation and drop, so a handle knows when what it refers to is gone.
 * Order of a drop: generation first, then partition by partition under its
 * lock; a command that got its lock before is part of the past, one that gets
 * it afterwards sees the generation and gives up.
 *
 * Locks: keyspace lock, then partitions, then the region lock.
 */
#include "log.h"

#define SEGS_PER_PART	128		/* a keyspace gets a partition for so many of its cap */
#define PARTS_PER_PAGE	(HS_PAGE_SIZE / sizeof(HsPart))

static uint64_t
region_bytes(void)
{
	return (uint64_t) hs_region->nsegs << hs_seg_shift;
}

static uint64_t
limit_of(uint64_t memory_option)
{
	uint64_t	all = region_bytes();

	if (memory_option == 0 || memory_option > all)
		return all;
	return memory_option < HS_MIN_KEYSPACE ? HS_MIN_KEYSPACE : memory_option;
}

static HsPart *
part_at(const HsKeyspace *ks, uint32_t i)
{
	HsPart	   *page = hs_ptr(ks->part_page[i / PARTS_PER_PAGE]);

	return page + i % PARTS_PER_PAGE;
}

bool
hs_keyspace_is_current(const HsHandle *h)
{
	return hs_is_current(h);
}

static void
fill_handle(HsKeyspace *ks, HsHandle *h)
{
	memset(h, 0, sizeof(*h));
	h->ks = ks;
	h->generation = atomic_load_explicit(&ks->generation, memory_order_acquire);
	h->nparts = ks->nparts;
	h->part_bits = ks->part_bits;
	for (uint32_t i = 0; i < ks->nparts; i++)
		h->parts[i] = part_at(ks, i);
}

static bool
in_use(const HsKeyspace *ks)
{
	return (atomic_load_explicit(&ks->generation, memory_order_acquire) & 1) != 0;
}

static HsKeyspace *
find_locked(uint32_t db, uint32_t server)
{
	for (uint32_t i = 0; i < hs_nkeyspaces; i++)
	{
		HsKeyspace *ks = &hs_keyspaces[i];

		if (in_use(ks) && ks->db == db && ks->server == server)
			return ks;
	}
	return NULL;
}

/*
 * ---- Creating -------------------------------------------------------------------
 */

/* All but the lock and the geometry's epoch. */
static void
part_init(HsPart *part, uint32_t slot, uint32_t number)
{
	part->keyspace = (uint16_t) slot;
	part->number = (uint8_t) number;
	part->slab_open = part->slab_full = HS_SEG_NONE;
	part->big_first = HS_SEG_NONE;
	part->graveyard = HS_REF_NONE;
	part->nghosts = 0;
	part->expired = part->evicted = part->moved_bytes = part->freed = 0;
	memset(part->count_by_type, 0, sizeof(part->count_by_type));
	for (int q = 0; q < HS_NLOGS; q++)
	{
		HsLog		empty = {HS_SEG_NONE, HS_SEG_NONE, HS_SEG_NONE, 0};

		part->log[q] = empty;
	}
	part->victim = part->scan_seg = HS_SEG_NONE;
	part->min_expires_us = part->min_dues_us = HS_NEVER;
	part->tags = HS_REF_NONE;
	part->dead_tags = 0;
	part->tag_epoch = 1;
	part->log_used = part->log_live = part->allocated = 0;
	part->inserts = 0;
	hs_part_moved(part);
	part->idle = false;
	/* a key of this keyspace may have been in any partition of an earlier one */
	if (part->next_version < hs_region->max_version)
		part->next_version = hs_region->max_version;
}

void
hs_part_reset(HsPart *part)
{
	hs_index_reset(part);
	hs_ghost_reset(part);
	hs_big_reset(part);
	hs_log_reset(part);
	hs_slab_reset(part);
	part->tags = HS_REF_NONE;	/* were in the slabs */
	part->dead_tags = 0;
	part->graveyard = HS_REF_NONE;
	memset(part->count_by_type, 0, sizeof(part->count_by_type));
}

static uint32_t
parts_for(uint64_t limit)
{
	uint32_t	n = 1;

	while (n < HS_MAX_PARTS &&
		   (uint64_t) n * 2 * SEGS_PER_PART <= limit >> hs_seg_shift)
		n *= 2;
	return n;
}

static void
apply_options(HsKeyspace *ks, const HsKeyspaceOptions *opts)
{
	atomic_store_explicit(&ks->memory_option, opts->memory, memory_order_relaxed);
	atomic_store_explicit(&ks->limit, limit_of(opts->memory), memory_order_relaxed);
	atomic_store_explicit(&ks->default_ttl_us, opts->default_ttl_us, memory_order_relaxed);
	atomic_store_explicit(&ks->eviction, opts->eviction, memory_order_relaxed);
	/* what was full may not be any more */
	atomic_store_explicit(&ks->full_mark, 0, memory_order_relaxed);
}

/*
 * A slot that owes nothing: large values of its last keyspace may still be on
 * their way from somebody who has not noticed the drop.
 */
static HsKeyspace *
free_slot(void)
{
	for (uint32_t i = 0; i < hs_nkeyspaces; i++)
	{
		if (!in_use(&hs_keyspaces[i]) &&
			atomic_load_explicit(&hs_keyspaces[i].bytes, memory_order_relaxed) == 0)
			return &hs_keyspaces[i];
	}
	return NULL;
}

/* Pages for the partitions' structs; these are paid for by the region. */
static bool
take_parts(HsKeyspace *ks)
{
	uint32_t	npages = (ks->nparts + PARTS_PER_PAGE - 1) / PARTS_PER_PAGE;

	for (uint32_t i = 0; i < npages; i++)
	{
		ks->part_page[i] = hs_part_page_get();
		if (ks->part_page[i] == HS_REF_NONE)
		{
			while (i-- > 0)
				hs_part_page_put(ks->part_page[i]);
			return false;
		}
	}
	for (uint32_t i = 0; i < ks->nparts; i++)
		part_init(part_at(ks, i), (uint32_t) (ks - hs_keyspaces), i);
	return true;
}

static HsStatus
create_locked(uint32_t db, uint32_t server, const HsKeyspaceOptions *opts, HsHandle *h)
{
	HsKeyspace *ks = free_slot();
	uint64_t	generation;

	if (ks == NULL)
		return HS_LIMIT;
	generation = atomic_load_explicit(&ks->generation, memory_order_relaxed);
	ks->db = db;
	ks->server = server;
	ks->nparts = parts_for(limit_of(opts->memory));
	ks->part_bits = (uint32_t) __builtin_ctz(ks->nparts);
	ks->reserve = (uint32_t) ((1 + ks->nparts / 4) << hs_seg_shift);
	if (!take_parts(ks))
		return HS_NO_MEMORY;
	apply_options(ks, opts);
	/* index_bytes and big_bytes came down to 0, or will when somebody notices */
	atomic_store(&ks->freed, 1);
	atomic_store(&ks->hits, 0);
	atomic_store(&ks->misses, 0);
	atomic_store(&ks->sets, 0);
	atomic_store(&ks->deletes, 0);
	atomic_store(&ks->refused, 0);
	atomic_store(&ks->base_expired, 0);
	atomic_store(&ks->base_evicted, 0);
	atomic_store(&ks->base_moved, 0);
	atomic_store(&ks->reset_us, (int64_t) hs_region->version_base);
	atomic_store_explicit(&ks->generation, generation + 1, memory_order_release);
	fill_handle(ks, h);
	return HS_OK;
}

HsStatus
hs_keyspace_open(uint32_t db, uint32_t server, const HsKeyspaceOptions *opts,
				 HsHandle *h)
{
	HsStatus	status = hs_keyspace_lookup(db, server, h);
	HsKeyspace *ks;

	if (status != HS_NOT_FOUND)
		return status;
	hs_port_lock(&hs_region->keyspace_lock, HS_EXCLUSIVE);
	ks = find_locked(db, server);
	if (ks != NULL)
	{
		fill_handle(ks, h);
		status = HS_OK;
	}
	else
		status = create_locked(db, server, opts, h);
	hs_port_unlock(&hs_region->keyspace_lock);
	return status;
}

HsStatus
hs_keyspace_lookup(uint32_t db, uint32_t server, HsHandle *h)
{
	HsKeyspace *ks;

	hs_port_lock(&hs_region->keyspace_lock, HS_SHARED);
	ks = find_locked(db, server);
	if (ks != NULL)
		fill_handle(ks, h);
	hs_port_unlock(&hs_region->keyspace_lock);
	return ks != NULL ? HS_OK : HS_NOT_FOUND;
}

void
hs_keyspace_configure(const HsHandle *h, const HsKeyspaceOptions *opts)
{
	hs_port_lock(&hs_region->keyspace_lock, HS_EXCLUSIVE);
	if (hs_keyspace_is_current(h))
		apply_options(h->ks, opts);
	hs_port_unlock(&hs_region->keyspace_lock);
}

int64_t
hs_default_ttl_us(const HsHandle *h)
{
	return atomic_load_explicit(&h->ks->default_ttl_us, memory_order_relaxed);
}

void
hs_keyspace_options(const HsHandle *h, HsKeyspaceOptions *opts)
{
	const HsKeyspace *ks = h->ks;

	opts->memory = atomic_load_explicit(&ks->memory_option, memory_order_relaxed);
	opts->default_ttl_us = atomic_load_explicit(&ks->default_ttl_us, memory_order_relaxed);
	opts->eviction = (HsEviction) atomic_load_explicit(&ks->eviction, memory_order_relaxed);
}

/*
 * ---- Dropping and flushing --------------------------------------------------------
 */

static void
drop_locked(HsKeyspace *ks)
{
	uint32_t	npages = (ks->nparts + PARTS_PER_PAGE - 1) / PARTS_PER_PAGE;

	atomic_fetch_add_explicit(&ks->generation, 1, memory_order_acq_rel);
	for (uint32_t i = 0; i < ks->nparts; i++)
	{
		HsPart	   *part = part_at(ks, i);

		hs_port_lock(&part->lock, HS_EXCLUSIVE);
		hs_part_reset(part);
		if (part->next_version > hs_region->max_version)
			hs_region->max_version = part->next_version;
		hs_port_unlock(&part->lock);
	}
	for (uint32_t i = 0; i < npages; i++)
		hs_part_page_put(ks->part_page[i]);
}

void
hs_keyspace_drop(uint32_t db, uint32_t server)
{
	HsKeyspace *ks;

	hs_port_lock(&hs_region->keyspace_lock, HS_EXCLUSIVE);
	ks = find_locked(db, server);
	if (ks != NULL)
		drop_locked(ks);
	hs_port_unlock(&hs_region->keyspace_lock);
}

void
hs_keyspace_drop_db(uint32_t db)
{
	hs_port_lock(&hs_region->keyspace_lock, HS_EXCLUSIVE);
	for (uint32_t i = 0; i < hs_nkeyspaces; i++)
	{
		if (in_use(&hs_keyspaces[i]) && hs_keyspaces[i].db == db)
			drop_locked(&hs_keyspaces[i]);
	}
	hs_port_unlock(&hs_region->keyspace_lock);
}

/* All partitions are locked together: nobody sees half of it. */
HsStatus
hs_keyspace_flush(HsHandle *h, int64_t now_us, uint64_t *removed)
{
	HsCount		count = {0, 0};
	HsMulti		m;
	HsStatus	status;

	/* get expired keys out of the way, for the sake of the count */
	while (!hs_count(h, &count, now_us))
		;
	status = hs_multi_begin(&m, h, NULL, 0, HS_EXCLUSIVE, now_us);
	if (status != HS_OK)
		return status;
	hs_multi_close(&m);
	*removed = 0;
	for (uint32_t i = 0; i < h->nparts; i++)
	{
		*removed += h->parts[i]->count;
		hs_part_reset(h->parts[i]);
	}
	hs_multi_end(&m);
	h->deletes += *removed;
	return HS_OK;
}

bool
hs_keyspace_slot(uint32_t slot, bool *used, uint32_t *db, uint32_t *server, HsHandle *h)
{
	HsKeyspace *ks;

	if (slot >= hs_nkeyspaces)
		return false;
	ks = &hs_keyspaces[slot];
	hs_port_lock(&hs_region->keyspace_lock, HS_SHARED);
	*used = in_use(ks);
	if (*used)
	{
		*db = ks->db;
		*server = ks->server;
		fill_handle(ks, h);
	}
	hs_port_unlock(&hs_region->keyspace_lock);
	return true;
}
