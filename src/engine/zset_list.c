/*
 * zset_list.c
 *	  Large sorted sets: a skip list of blocks of entries, and a member index.
 *
 * A tower holds the smallest key of its block, so descending looks at towers
 * only; each link counts the entries it skips, so rank is O(log n).  Entries
 * never move, blocks do.  The index finds the entry of a member; the order finds
 * its place by its score.
 *
 * What may fail comes first and keeps the same members in the same order (a
 * block is enlarged or split, the index gets another line, the entry is
 * allocated); then the change is made, which cannot fail.
 *
 * Source: W. Pugh, "Skip Lists", CACM 33(6), 1990, plus link widths for rank.
 */
#include "zset_list.h"

#include "zset_block.h"

typedef struct Tower
{
	uint64_t	key;			/* of the first entry; not of the head */
	HsRef		min;			/* first entry; not of the head */
	HsRef		block;
	HsRef		back;			/* tower before, HS_REF_NONE for the head */
	uint8_t		level;
	uint8_t		pad[3];
	struct
	{
		HsRef		next;		/* HS_REF_NONE at the end */
		uint32_t	span;		/* entries from this block to that of next, or the end */
	}			v[];
} Tower;

/* On each level the last tower at or before a place, and its first rank. */
typedef struct Path
{
	Tower	   *tower[HS_ZLIST_LEVELS];
	uint32_t	rank[HS_ZLIST_LEVELS];
} Path;

#define MAX_BLOCK		256		/* above hs_zblock_max() */

static inline Tower *
tower(HsRef ref)
{
	return (Tower *) hs_ptr(ref);
}

static inline HsZblock *
block_of(const Tower *t)
{
	return hs_zblock(t->block);
}

static inline uint32_t
tower_size(unsigned level)
{
	return (uint32_t) (sizeof(Tower) + level * sizeof(((Tower *) 0)->v[0]));
}

static inline bool
is_head(const HsZlist *z, const Tower *t)
{
	return t == tower(z->head);
}

static HsRef
node_alloc(HsPart *part, HsZlist *z, uint32_t size)
{
	HsRef		node = hs_slab_alloc(part, size);

	if (node != HS_REF_NONE)
		z->bytes += hs_slab_round(size);
	return node;
}

static void
node_free(HsPart *part, HsZlist *z, HsRef node, uint32_t size)
{
	hs_slab_free(part, node, size);
	z->bytes -= hs_slab_round(size);
}

static HsRef
block_alloc(HsPart *part, HsZlist *z, unsigned n)
{
	unsigned	cap = z->steady ? hs_zblock_max() : hs_zblock_cap(n);
	HsRef		block = node_alloc(part, z, hs_zblock_size(cap));

	if (block != HS_REF_NONE)
		hs_zblock_init(hs_zblock(block), cap);
	return block;
}

static void
block_free(HsPart *part, HsZlist *z, HsRef block)
{
	node_free(part, z, block, hs_zblock_size(hs_zblock(block)->cap));
}

/* One more level with probability 1/4 each. */
static unsigned
random_level(uint64_t *state)
{
	uint64_t	r;

	*state += UINT64_C(0x9e3779b97f4a7c15);
	r = (*state ^ (*state >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	r = (r ^ (r >> 27)) * UINT64_C(0x94d049bb133111eb);
	r = (r ^ (r >> 31)) | UINT64_C(1) << (2 * (HS_ZLIST_LEVELS - 1));
	return 1 + (unsigned) __builtin_ctzll(r) / 2;
}

/*
 * ---- Descending ---------------------------------------------------------------
 */

static inline bool
starts_below(const Tower *t, const HsZsetBound *bound)
{
	if (bound->kind != HS_ZBOUND_LEX && t->key != bound->key)
		return t->key < bound->key;
	return HS_ZBOUND_HAS_BELOW(bound, t->key, hs_zentry_cmp(t->min, bound->member));
}

/* The last towers whose first entry is below the bound. */
static void
descend(const HsZlist *z, const HsZsetBound *bound, Path *path)
{
	Tower	   *t = tower(z->head);
	uint32_t	rank = 0;
	HsRef		beyond = HS_REF_NONE;

	for (int i = z->level - 1; i >= 0; i--)
	{
		HsRef		next;

		while ((next = t->v[i].next) != beyond)
		{
			Tower	   *n = tower(next);

			if (!starts_below(n, bound))
			{
				beyond = next;
				break;
			}
			rank += t->v[i].span;
			t = n;
		}
		path->tower[i] = t;
		path->rank[i] = rank;
	}
}

/* The last towers that start at or before the rank. */
static void
descend_to_rank(const HsZlist *z, uint32_t rank, Path *path)
{
	Tower	   *t = tower(z->head);
	uint32_t	at = 0;

	for (int i = z->level - 1; i >= 0; i--)
	{
		while (t->v[i].next != HS_REF_NONE && at + t->v[i].span <= rank)
		{
			at += t->v[i].span;
			t = tower(t->v[i].next);
		}
		path->tower[i] = t;
		path->rank[i] = at;
	}
}

/* Bound that has the entries up to and with (key, member) below. */
static inline HsZsetBound
bound_at(uint64_t key, HsBytes member)
{
	HsZsetBound b = {HS_ZBOUND_MEMBER, true, key, member};

	return b;
}

/*
 * ---- Towers -----------------------------------------------------------------------
 */

static void
refresh_min(const HsZlist *z, Tower *t)
{
	if (is_head(z, t))
		return;
	t->min = hs_zblock_ref(block_of(t), 0);
	t->key = hs_zset_key(hs_zentry_score(t->min));
}

/* Link a tower behind path->tower[0], whose block keeps 'before' entries. */
static void
link_tower(HsZlist *z, HsRef ref, Path *path, uint32_t before)
{
	Tower	   *t = tower(ref);
	Tower	   *head = tower(z->head);
	uint32_t	start = path->rank[0] + before;

	for (; z->level < t->level; z->level++)
	{
		path->tower[z->level] = head;
		path->rank[z->level] = 0;
		head->v[z->level].next = HS_REF_NONE;
		head->v[z->level].span = z->count;
	}
	for (unsigned i = 0; i < t->level; i++)
	{
		Tower	   *p = path->tower[i];
		uint32_t	d = start - path->rank[i];

		t->v[i].next = p->v[i].next;
		t->v[i].span = p->v[i].span - d;
		p->v[i].next = ref;
		p->v[i].span = d;
	}
	t->back = hs_ref(path->tower[0]);
	if (t->v[0].next != HS_REF_NONE)
		tower(t->v[0].next)->back = ref;
	else
		z->tail = ref;
	z->towers++;
}

/* Unlink and free a tower; preds: its predecessors on all its levels. */
static void
unlink_tower(HsPart *part, HsZlist *z, HsRef ref, const Path *preds)
{
	Tower	   *t = tower(ref);
	Tower	   *head = tower(z->head);

	for (unsigned i = 0; i < t->level; i++)
	{
		assert(preds->tower[i]->v[i].next == ref);
		preds->tower[i]->v[i].next = t->v[i].next;
		preds->tower[i]->v[i].span += t->v[i].span;
	}
	if (t->v[0].next != HS_REF_NONE)
		tower(t->v[0].next)->back = t->back;
	else
		z->tail = t->back;
	node_free(part, z, ref, tower_size(t->level));
	z->towers--;
	while (z->level > 1 && head->v[z->level - 1].next == HS_REF_NONE)
		z->level--;
}

/*
 * ---- Room in blocks ----------------------------------------------------------------
 */

/* The tower's block in another node, with room for n entries. */
static bool
replace_block(HsPart *part, HsZlist *z, Tower *t, unsigned n)
{
	HsRef		block = block_alloc(part, z, n);
	HsZblock   *old = block_of(t);

	if (block == HS_REF_NONE)
		return false;
	hs_zblock_append(hs_zblock(block), old, 0, old->n);
	block_free(part, z, t->block);
	t->block = block;
	return true;
}

/*
 * Entries that stay when the block at path is split for an insert at place i.
 * What is loaded in order leaves full blocks behind.
 */
static unsigned
split_point(const HsZlist *z, const Path *path, unsigned i)
{
	const Tower *t = path->tower[0];
	unsigned	n = block_of(t)->n;

	if (t->v[0].next == HS_REF_NONE && i == n)
		return n - n / 16;
	if (is_head(z, t) && i == 0)
		return n / 16;
	return n / 2;
}

static bool
split_block(HsPart *part, HsZlist *z, Path *path, unsigned i)
{
	Tower	   *t = path->tower[0];
	HsZblock   *b = block_of(t);
	unsigned	keeps = split_point(z, path, i);
	unsigned	n = b->n - keeps;
	HsRef		block = block_alloc(part, z, n + 1);
	uint64_t	random = z->random;
	unsigned	level = random_level(&random);
	HsRef		ref;
	Tower	   *fresh;

	if (block == HS_REF_NONE)
		return false;
	ref = node_alloc(part, z, tower_size(level));
	if (ref == HS_REF_NONE)
	{
		block_free(part, z, block);
		return false;
	}
	z->random = random;
	hs_zblock_append(hs_zblock(block), b, keeps, n);
	b->n = (uint16_t) keeps;
	hs_zblock_refresh(b, false);
	hs_zblock_refresh(hs_zblock(block), false);
	fresh = tower(ref);
	fresh->level = (uint8_t) level;
	fresh->block = block;
	refresh_min(z, fresh);
	link_tower(z, ref, path, keeps);
	if (!z->steady && hs_zblock_cap(keeps + 1) < b->cap)
		(void) replace_block(part, z, t, keeps + 1);	/* may stay too large */
	return true;
}

/* Make room for an entry at place i of the block at path, which is full. */
static bool
make_room(HsPart *part, HsZlist *z, Path *path, unsigned i)
{
	HsZblock   *b = block_of(path->tower[0]);

	if (b->cap < hs_zblock_max())
		return replace_block(part, z, path->tower[0], b->n + 1u);
	return split_block(part, z, path, i);
}

/*
 * Find the place for a new entry at 'bound' and see to it that the block there
 * has room.
 */
static bool
find_room(HsPart *part, HsZlist *z, const HsZsetBound *bound, Path *path, unsigned *place)
{
	HsZblock   *b;
	uint32_t	towers = z->towers;

	descend(z, bound, path);
	b = block_of(path->tower[0]);
	*place = hs_zblock_rank(b, bound);
	if (b->n < b->cap)
		return true;
	if (!make_room(part, z, path, *place))
		return false;
	if (z->towers != towers)
	{
		descend(z, bound, path);
		*place = hs_zblock_rank(block_of(path->tower[0]), bound);
	}
	return true;
}

/*
 * ---- Entries in and out of the order --------------------------------------------------
 */

static void
put_entry(HsZlist *z, const Path *path, unsigned place, HsRef entry, uint64_t key)
{
	hs_zblock_put(block_of(path->tower[0]), place, entry, key);
	for (unsigned i = 0; i < z->level; i++)
		path->tower[i]->v[i].span++;
	z->count++;
	/* only the head gets an entry at place 0, and it keeps no smallest key */
}

/* The block at path has become empty. */
static void
drop_block(HsPart *part, HsZlist *z, Path *path)
{
	Tower	   *t = path->tower[0];
	HsRef		block = t->block;

	if (is_head(z, t))
	{
		HsRef		next = t->v[0].next;
		Path		heads;

		if (next == HS_REF_NONE)
			return;
		t->block = tower(next)->block;
		for (unsigned i = 0; i < HS_ZLIST_LEVELS; i++)
			heads.tower[i] = t;
		unlink_tower(part, z, next, &heads);
	}
	else
	{
		Path		preds;

		descend_to_rank(z, path->rank[0] - 1, &preds);
		unlink_tower(part, z, hs_ref(t), &preds);
	}
	block_free(part, z, block);
}

/* Join the block at path with its right neighbour, or shrink it, if it pays. */
static void
repack(HsPart *part, HsZlist *z, Path *path)
{
	Tower	   *t = path->tower[0];
	HsRef		next = t->v[0].next;
	unsigned	n = block_of(t)->n;
	unsigned	max = hs_zblock_max();

	if (n < max / 3 && next != HS_REF_NONE && n + block_of(tower(next))->n <= max * 3 / 4)
	{
		HsRef		right = tower(next)->block;
		unsigned	sum = n + hs_zblock(right)->n;

		if (block_of(t)->cap <= sum && !replace_block(part, z, t, sum + 1))
			return;
		hs_zblock_append(block_of(t), hs_zblock(right), 0, hs_zblock(right)->n);
		unlink_tower(part, z, next, path);
		block_free(part, z, right);
	}
	else if (hs_zblock_cap(n + n / 4 + 1) < block_of(t)->cap)
		(void) replace_block(part, z, t, n + n / 4 + 1);
}

/* Take n entries from place i on out of the block at path. */
static void
cut_entries(HsPart *part, HsZlist *z, Path *path, unsigned place, unsigned n)
{
	Tower	   *t = path->tower[0];

	hs_zblock_cut(block_of(t), place, n);
	for (unsigned i = 0; i < z->level; i++)
		path->tower[i]->v[i].span -= n;
	z->count -= n;
	if (block_of(t)->n == 0)
	{
		drop_block(part, z, path);
		return;
	}
	if (place == 0)
		refresh_min(z, t);
	if (!z->steady)
		repack(part, z, path);
}

static inline uint64_t
entry_bytes(uint32_t size)
{
	if (size < UINT8_MAX)
		return hs_slab_round(HS_ZENTRY_SHORT + size);
	return hs_zentry_bytes(size);
}

static void
free_entry(HsPart *part, HsZlist *z, HsRef entry)
{
	uint32_t	size = hs_zentry_size(entry);

	z->bytes -= entry_bytes(size);
	z->member_bytes -= size;
	hs_zentry_free(part, entry);
}

/*
 * ---- Public functions: changes --------------------------------------------------------
 */

HsStatus
hs_zlist_insert(HsPart *part, HsZlist *z, uint64_t hash, HsBytes member, double score)
{
	uint64_t	key = hs_zset_key(score);
	HsZsetBound bound = bound_at(key, member);
	Path		path;
	unsigned	place;
	HsRef		entry;
	HsStatus	status = hs_members_make_room(&z->index, part, &hs_zentry_ops, hash);

	if (status != HS_OK)
		return status;
	if (!find_room(part, z, &bound, &path, &place))
		return HS_NO_MEMORY;
	entry = hs_zentry_alloc(part, member, score);
	if (entry == HS_REF_NONE)
		return HS_NO_MEMORY;
	put_entry(z, &path, place, entry, key);
	hs_members_insert(&z->index, hash, entry);
	z->bytes += entry_bytes((uint32_t) member.size);
	z->member_bytes += member.size;
	return HS_OK;
}

/* Is the place of 'bound' in the block of this tower? */
static bool
is_within(const HsZlist *z, const Tower *t, const HsZsetBound *bound)
{
	if (!is_head(z, t) && !starts_below(t, bound))
		return false;
	return t->v[0].next == HS_REF_NONE || !starts_below(tower(t->v[0].next), bound);
}

static void
move_within(const HsZlist *z, Tower *t, HsRef entry, const HsZsetBound *bound, double score)
{
	HsZblock   *b = block_of(t);
	unsigned	from = hs_zblock_index(b, entry);
	unsigned	to = hs_zblock_rank(b, bound);

	if (to > from)
		to--;					/* the entry itself was below */
	hs_zentry_set_score(entry, score);
	hs_zblock_shift(b, from, to, bound->key);
	if (from == 0)
		refresh_min(z, t);		/* no other entry gets to place 0 but in the head */
}

HsStatus
hs_zlist_move(HsPart *part, HsZlist *z, HsRef entry, HsBytes member, double score)
{
	HsZsetBound from = bound_at(hs_zset_key(hs_zentry_score(entry)), member);
	HsZsetBound to = bound_at(hs_zset_key(score), member);
	Path		old,
				new;
	unsigned	place;
	uint32_t	towers = z->towers;

	descend(z, &from, &old);
	if (is_within(z, old.tower[0], &to))
	{
		move_within(z, old.tower[0], entry, &to, score);
		return HS_OK;
	}
	if (!find_room(part, z, &to, &new, &place))
		return HS_NO_MEMORY;
	if (z->towers != towers)
		descend(z, &from, &old);
	towers = z->towers;
	cut_entries(part, z, &old, hs_zblock_index(block_of(old.tower[0]), entry), 1);
	if (z->towers != towers)
	{
		/* a join leaves room, and nothing else touches the block found above */
		descend(z, &to, &new);
		place = hs_zblock_rank(block_of(new.tower[0]), &to);
	}
	hs_zentry_set_score(entry, score);
	put_entry(z, &new, place, entry, to.key);
	return HS_OK;
}

void
hs_zlist_remove(HsPart *part, HsZlist *z, HsRef entry, uint64_t hash, HsBytes member)
{
	HsZsetBound bound = bound_at(hs_zset_key(hs_zentry_score(entry)), member);
	Path		path;

	descend(z, &bound, &path);
	cut_entries(part, z, &path, hs_zblock_index(block_of(path.tower[0]), entry), 1);
	hs_members_remove(&z->index, part, hash, entry);
	free_entry(part, z, entry);
}

/* Entries that are out of the order already leave the index. */
static void
forget_entries(HsPart *part, HsZlist *z, const HsRef *entry, unsigned n)
{
	uint64_t	hash[MAX_BLOCK];

	for (unsigned i = 0; i < n; i++)
		__builtin_prefetch(hs_ptr(entry[i]));
	for (unsigned i = 0; i < n; i++)
	{
		hash[i] = hs_zentry_hash(entry[i]);
		hs_members_prefetch(&z->index, hash[i]);
	}
	for (unsigned i = 0; i < n; i++)
	{
		hs_members_remove(&z->index, part, hash[i], entry[i]);
		free_entry(part, z, entry[i]);
	}
}

void
hs_zlist_remove_ranks(HsPart *part, HsZlist *z, uint32_t from, uint32_t to)
{
	while (from < to)
	{
		HsRef		gone[MAX_BLOCK];
		Path		path;
		HsZblock   *b;
		unsigned	place,
					n;

		descend_to_rank(z, from, &path);
		b = block_of(path.tower[0]);
		place = from - path.rank[0];
		n = b->n - place;
		if (n > to - from)
			n = to - from;
		for (unsigned i = 0; i < n; i++)
			gone[i] = hs_zblock_ref(b, place + i);
		cut_entries(part, z, &path, place, n);
		forget_entries(part, z, gone, n);
		to -= n;
	}
}

/*
 * Blocks: each that exists may be one entry short of full; beyond that a new
 * one takes at least 32 inserts, but at the two ends, where blocks start
 * nearly empty and leave nearly full ones behind.
 */
HsStatus
hs_zlist_needs(const HsZlist *z, uint64_t n,
			   void (*need) (void *arg, uint32_t size, uint32_t count), void *arg)
{
	uint32_t	blocks = (uint32_t) ((n < z->towers ? n : z->towers) + n / 32 + 8);
	uint32_t	levels[HS_ZLIST_LEVELS + 1] = {0};
	uint64_t	random = z->random;
	HsStatus	status = hs_members_needs(&z->index, n, need, arg);

	if (status != HS_OK)
		return status;
	need(arg, hs_zblock_size(hs_zblock_max()), blocks);
	for (uint32_t i = 0; i < blocks; i++)
		levels[random_level(&random)]++;
	for (unsigned i = 1; i <= HS_ZLIST_LEVELS; i++)
		if (levels[i] > 0)
			need(arg, tower_size(i), levels[i]);
	return HS_OK;
}

/*
 * ---- Public functions: places ------------------------------------------------------------
 */

uint32_t
hs_zlist_rank(const HsZlist *z, const HsZsetBound *bound)
{
	Path		path;

	descend(z, bound, &path);
	return path.rank[0] + hs_zblock_rank(block_of(path.tower[0]), bound);
}

uint32_t
hs_zlist_rank_of(const HsZlist *z, HsRef entry, HsBytes member)
{
	HsZsetBound bound = bound_at(hs_zset_key(hs_zentry_score(entry)), member);
	Path		path;

	descend(z, &bound, &path);
	return path.rank[0] + hs_zblock_index(block_of(path.tower[0]), entry);
}

HsZlistPos
hs_zlist_seek(const HsZlist *z, uint32_t rank)
{
	Path		path;
	HsZlistPos	pos;

	descend_to_rank(z, rank, &path);
	pos.tower = hs_ref(path.tower[0]);
	pos.i = rank - path.rank[0];
	return pos;
}

HsRef
hs_zlist_at(HsZlistPos pos)
{
	return hs_zblock_ref(block_of(tower(pos.tower)), pos.i);
}

void
hs_zlist_next(HsZlistPos *pos)
{
	const Tower *t = tower(pos->tower);

	if (++pos->i < block_of(t)->n)
		return;
	pos->tower = t->v[0].next;
	pos->i = 0;
}

void
hs_zlist_prev(HsZlistPos *pos)
{
	if (pos->i > 0)
	{
		pos->i--;
		return;
	}
	pos->tower = tower(pos->tower)->back;
	pos->i = pos->tower == HS_REF_NONE ? 0 : block_of(tower(pos->tower))->n - 1u;
}

unsigned
hs_zlist_run(HsZlistPos *pos, bool reverse, HsRef *out, unsigned max)
{
	const Tower *t = tower(pos->tower);
	const HsZblock *b = block_of(t);
	unsigned	here = reverse ? pos->i + 1 : b->n - pos->i;
	unsigned	n = here < max ? here : max;

	for (unsigned i = 0; i < n; i++)
		out[i] = hs_zblock_ref(b, reverse ? pos->i - i : pos->i + i);
	if (n < here)
		pos->i = reverse ? pos->i - n : pos->i + n;
	else if (reverse)
	{
		pos->i = 0;
		hs_zlist_prev(pos);
	}
	else
	{
		pos->tower = t->v[0].next;
		pos->i = 0;
	}
	return n;
}

/*
 * ---- Making and freeing -------------------------------------------------------------------
 */

HsRef
hs_zlist_create(HsPart *part)
{
	HsRef		root = hs_slab_alloc(part, sizeof(HsZlist));
	HsZlist    *z;
	Tower	   *head;

	if (root == HS_REF_NONE)
		return HS_REF_NONE;
	z = hs_zlist(root);
	memset(z, 0, sizeof(*z));
	z->root.type = HS_ZSET;
	z->level = 1;
	z->towers = 1;
	z->bytes = hs_slab_round(sizeof(HsZlist));
	z->random = hs_region->seed ^ ((uint64_t) root << 32);
	hs_members_init(&z->index);
	z->head = z->tail = node_alloc(part, z, tower_size(HS_ZLIST_LEVELS));
	if (z->head == HS_REF_NONE)
	{
		hs_slab_free(part, root, sizeof(HsZlist));
		return HS_REF_NONE;
	}
	head = tower(z->head);
	memset(head, 0, tower_size(HS_ZLIST_LEVELS));
	head->level = HS_ZLIST_LEVELS;
	head->block = block_alloc(part, z, 1);
	if (head->block == HS_REF_NONE)
	{
		hs_slab_free(part, z->head, tower_size(HS_ZLIST_LEVELS));
		hs_slab_free(part, root, sizeof(HsZlist));
		return HS_REF_NONE;
	}
	return root;
}

/* State of a load: the last tower on each level; spans are set when it is final. */
typedef struct Load
{
	HsPart	   *part;
	HsZlist    *z;
	Path		last;
	HsRef		entry;			/* last one */
} Load;

static void
load_set_spans(Load *l)
{
	for (unsigned i = 0; i < l->z->level; i++)
		l->last.tower[i]->v[i].span = l->z->count - l->last.rank[i];
}

/* A new block at the end. */
static bool
load_next_block(Load *l)
{
	HsZlist    *z = l->z;
	unsigned	level = random_level(&z->random);
	HsRef		block = block_alloc(l->part, z, hs_zblock_max());
	HsRef		ref;
	Tower	   *t;

	if (block == HS_REF_NONE)
		return false;
	ref = node_alloc(l->part, z, tower_size(level));
	if (ref == HS_REF_NONE)
	{
		block_free(l->part, z, block);
		return false;
	}
	t = tower(ref);
	t->level = (uint8_t) level;
	t->block = block;
	load_set_spans(l);
	link_tower(z, ref, &l->last, z->count - l->last.rank[0]);
	for (unsigned i = 0; i < level; i++)
	{
		l->last.tower[i] = t;
		l->last.rank[i] = z->count;
	}
	return true;
}

static HsStatus
load_one(Load *l, HsBytes member, double score)
{
	HsZlist    *z = l->z;
	uint64_t	hash = hs_member_hash(member);
	uint64_t	key = hs_zset_key(score);
	HsZblock   *b = block_of(l->last.tower[0]);
	HsStatus	status = hs_members_make_room(&z->index, l->part, &hs_zentry_ops, hash);

	if (status != HS_OK)
		return status;
	if (l->entry != HS_REF_NONE)
	{
		uint64_t	before = hs_zset_key(hs_zentry_score(l->entry));

		if (before > key || (before == key && hs_zentry_cmp(l->entry, member) >= 0))
			return HS_CORRUPT;
	}
	if (hs_zlist_find(z, hash, member) != HS_REF_NONE)
		return HS_CORRUPT;
	if (b->n == b->cap && b->cap < hs_zblock_max())
	{
		if (!replace_block(l->part, z, l->last.tower[0], b->n + 1u))
			return HS_NO_MEMORY;
	}
	else if (b->n >= hs_zblock_max() - hs_zblock_max() / 16 && !load_next_block(l))
		return HS_NO_MEMORY;
	l->entry = hs_zentry_alloc(l->part, member, score);
	if (l->entry == HS_REF_NONE)
		return HS_NO_MEMORY;
	b = block_of(l->last.tower[0]);
	hs_zblock_put(b, b->n, l->entry, key);
	if (b->n == 1)
		refresh_min(z, l->last.tower[0]);
	z->count++;
	hs_members_insert(&z->index, hash, l->entry);
	z->bytes += entry_bytes((uint32_t) member.size);
	z->member_bytes += member.size;
	return HS_OK;
}

HsStatus
hs_zlist_load(HsPart *part, HsZlistSource next, void *arg, HsRef *root)
{
	Load		l = {.part = part};
	double		score;
	HsBytes		member;
	HsStatus	status = HS_OK;

	*root = hs_zlist_create(part);
	if (*root == HS_REF_NONE)
		return HS_NO_MEMORY;
	l.z = hs_zlist(*root);
	for (unsigned i = 0; i < HS_ZLIST_LEVELS; i++)
		l.last.tower[i] = tower(l.z->head);
	while (status == HS_OK && next(arg, &score, &member))
		status = load_one(&l, member, score);
	load_set_spans(&l);
	if (status != HS_OK)
	{
		hs_zlist_destroy(part, *root);
		*root = HS_REF_NONE;
	}
	return status;
}

bool
hs_zlist_free_slice(HsPart *part, HsRef root, unsigned budget)
{
	HsZlist    *z = hs_zlist(root);
	Tower	   *head = tower(z->head);

	for (;;)
	{
		HsZblock   *b = block_of(head);
		HsRef		next = head->v[0].next;

		for (unsigned i = 0; i < b->n && i < budget; i++)
			__builtin_prefetch(hs_ptr(hs_zblock_ref(b, b->n - 1 - i)));
		for (; b->n > 0 && budget > 0; budget--)
			free_entry(part, z, hs_zblock_ref(b, --b->n));
		if (budget == 0)
			return false;
		if (next == HS_REF_NONE)
			break;
		/* the head takes the next block over */
		block_free(part, z, head->block);
		head->block = tower(next)->block;
		head->v[0] = tower(next)->v[0];
		node_free(part, z, next, tower_size(tower(next)->level));
	}
	z->count = 0;
	if (!hs_members_free_slice(&z->index, part, NULL, &budget))
		return false;
	block_free(part, z, head->block);
	node_free(part, z, z->head, tower_size(HS_ZLIST_LEVELS));
	assert(z->bytes == hs_slab_round(sizeof(HsZlist)) && z->index.bytes == 0);
	hs_slab_free(part, root, sizeof(HsZlist));
	return true;
}

void
hs_zlist_destroy(HsPart *part, HsRef root)
{
	while (!hs_zlist_free_slice(part, root, 1u << 20))
		;
}

uint64_t
hs_zlist_bytes(const HsZlist *z)
{
	return z->bytes + z->index.bytes;
}

/*
 * ---- Checking ---------------------------------------------------------------------------
 */

static int
cmp_entries(HsRef a, HsRef b)
{
	uint64_t	ka = hs_zset_key(hs_zentry_score(a));
	uint64_t	kb = hs_zset_key(hs_zentry_score(b));
	uint8_t		whole[HS_MAX_KEY];

	if (ka != kb)
		return ka < kb ? -1 : 1;
	hs_zentry_copy(a, whole);
	return -hs_zentry_cmp(b, hs_bytes(whole, hs_zentry_size(a)));
}

/* Order, digests, smallest keys and back links, block after block. */
static const char *
verify_blocks(const HsZlist *z)
{
	HsRef		before = HS_REF_NONE;
	HsRef		back = HS_REF_NONE;
	uint32_t	count = 0;
	uint32_t	towers = 0;

	for (HsRef ref = z->head; ref != HS_REF_NONE; ref = tower(ref)->v[0].next)
	{
		const Tower *t = tower(ref);
		const HsZblock *b = block_of(t);
		const char *wrong = hs_zblock_verify(b);

		if (wrong != NULL)
			return wrong;
		if (b->n == 0 && z->count > 0)
			return "zset: empty block";
		if (t->back != back)
			return "zset: back link is wrong";
		if (ref != z->head && (t->min != hs_zblock_ref(b, 0) ||
							   t->key != hs_zset_key(hs_zentry_score(t->min))))
			return "zset: tower has the wrong first entry";
		for (unsigned i = 0; i < b->n; i++)
		{
			if (before != HS_REF_NONE && cmp_entries(before, hs_zblock_ref(b, i)) >= 0)
				return "zset: entries are not ascending";
			before = hs_zblock_ref(b, i);
		}
		count += b->n;
		towers++;
		back = ref;
	}
	if (back != z->tail)
		return "zset: tail is wrong";
	if (count != z->count)
		return "zset: wrong count";
	return towers == z->towers ? NULL : "zset: wrong number of towers";
}

static const char *
verify_spans(const HsZlist *z)
{
	for (unsigned i = 0; i < z->level; i++)
	{
		const Tower *lower = tower(z->head);

		for (const Tower *t = lower;; t = tower(t->v[i].next))
		{
			uint32_t	sum = 0;

			/* on the lowest level count entries, above add up the level below */
			if (i == 0)
				sum = block_of(t)->n;
			else
				for (lower = t;;)
				{
					sum += lower->v[i - 1].span;
					if (lower->v[i - 1].next == t->v[i].next)
						break;
					if (lower->v[i - 1].next == HS_REF_NONE)
						return "zset: link skips the end";
					lower = tower(lower->v[i - 1].next);
				}
			if (sum != t->v[i].span)
				return "zset: link has the wrong width";
			if (t->v[i].next == HS_REF_NONE)
				break;
			if (tower(t->v[i].next)->level <= i)
				return "zset: link to a tower that is not so high";
		}
	}
	return NULL;
}

/* Every entry is in the index, and the bytes are those accounted for. */
static const char *
verify_index(const HsZlist *z)
{
	uint64_t	bytes = hs_slab_round(sizeof(HsZlist));
	uint64_t	member_bytes = 0;

	if (z->index.n != z->count)
		return "zset: index and order have different counts";
	for (HsRef ref = z->head; ref != HS_REF_NONE; ref = tower(ref)->v[0].next)
	{
		const HsZblock *b = block_of(tower(ref));

		bytes += hs_slab_round(tower_size(tower(ref)->level)) +
			hs_slab_round(hs_zblock_size(b->cap));
		for (unsigned i = 0; i < b->n; i++)
		{
			HsRef		entry = hs_zblock_ref(b, i);
			HsBytes		member;

			bytes += hs_zentry_bytes(hs_zentry_size(entry));
			member_bytes += hs_zentry_size(entry);
			if (!hs_zentry_member(entry, &member))
			{
				if (hs_chain_verify(hs_zentry_chain(entry), hs_zentry_size(entry)) != NULL)
					return "zset: chain of a long member is broken";
			}
			else if (hs_zlist_find(z, hs_zentry_hash(entry), member) != entry)
				return "zset: index does not find an entry";
		}
	}
	if (bytes != z->bytes)
		return "zset: bytes of nodes are not those accounted for";
	if (member_bytes != z->member_bytes)
		return "zset: bytes of members are not those accounted for";
	return NULL;
}

const char *
hs_zlist_verify(const HsZlist *z)
{
	const char *wrong = verify_blocks(z);

	if (wrong == NULL)
		wrong = verify_spans(z);
	if (wrong == NULL)
		wrong = verify_index(z);
	if (wrong == NULL)
		wrong = hs_members_verify(&z->index, &hs_zentry_ops);
	return wrong;
}
