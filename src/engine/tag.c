/*
 * tag.c
 *	  Tags of keys: groups of string keys that can be deleted at once; see tag.h.
 */
#include "tag.h"

#include "index.h"
#include "log.h"

#define NAME_HEAD	2			/* bytes before each name in an effect: u16 size */
#define FREE_NODES	(1u << 20)	/* an index without members has a few */

/* What is looked for: a tag by its name, or a set by its tags. */
typedef struct Wanted
{
	uint8_t		n;
	HsBytes		data;
} Wanted;

static HsTag *tag_at(HsRef ref);
static HsTags *tags_of(const HsPart *part);
static unsigned members(HsRef ref, const HsRef **refs);
static uint32_t node_size(const HsTag *t);
static uint64_t node_hash(HsRef ref);
static bool node_is(HsRef ref, HsBytes wanted);
static HsRef find_node(const HsPart *part, const Wanted *w);
static HsStatus make_node(HsPart *part, const Wanted *w, HsRef *ref);
static HsStatus hold_node(HsPart *part, const Wanted *w, HsRef *ref, bool *is_new);
static HsStatus hold_tags(HsPart *part, const HsBytes *names, size_t n, HsRef *refs, unsigned *held);
static HsStatus hold_set(HsPart *part, HsRef *refs, unsigned n, HsRef *set);
static void let_go_all(HsPart *part, const HsRef *refs, unsigned n);
static unsigned unique(HsPart *part, HsRef *refs, unsigned n);
static void free_node(HsPart *part, HsRef ref);
static void drop_if_empty(HsPart *part);
static unsigned names_of(HsRef tags, HsBytes *names);
static uint64_t kill_tag(HsPart *part, HsBytes name);
static bool put_names(HsOp *op, HsRef tags);

static const HsMemberOps node_ops = {node_hash, node_is};

/*
 * ---- Nodes ------------------------------------------------------------------
 */

static HsTag *
tag_at(HsRef ref)
{
	return hs_ptr(ref);
}

static HsTags *
tags_of(const HsPart *part)
{
	return hs_ptr(part->tags);
}

/* Tags in the node: those of a set, or the tag itself, of which *refs is not set. */
static unsigned
members(HsRef ref, const HsRef **refs)
{
	const HsTag *t = tag_at(ref);

	*refs = (const HsRef *) (const void *) t->data;
	return t->n;
}

static uint32_t
node_size(const HsTag *t)
{
	return (uint32_t) (sizeof(HsTag) + (t->n > 0 ? t->n * sizeof(HsRef) : t->size));
}

static HsBytes
node_data(const HsTag *t)
{
	return hs_bytes(t->data, node_size(t) - sizeof(HsTag));
}

static uint64_t
data_hash(uint8_t n, HsBytes data)
{
	return hs_member_hash(data) + n;
}

static uint64_t
node_hash(HsRef ref)
{
	const HsTag *t = tag_at(ref);

	return data_hash(t->n, node_data(t));
}

static bool
node_is(HsRef ref, HsBytes wanted)
{
	const Wanted *w = (const Wanted *) (const void *) wanted.data;
	const HsTag *t = tag_at(ref);

	return t->n == w->n && hs_bytes_cmp(node_data(t), w->data) == 0;
}

static HsRef
find_node(const HsPart *part, const Wanted *w)
{
	if (part->tags == HS_REF_NONE)
		return HS_REF_NONE;
	return hs_members_find(&tags_of(part)->index, &node_ops, data_hash(w->n, w->data),
						   hs_bytes(w, sizeof(*w)));
}

/* A node that nobody refers to yet.  On failure there may be an empty HsTags. */
static HsStatus
make_node(HsPart *part, const Wanted *w, HsRef *ref)
{
	uint64_t	hash = data_hash(w->n, w->data);
	HsTags	   *all;
	HsTag	   *t;
	HsStatus	status;

	if (part->tags == HS_REF_NONE)
	{
		HsRef		root = hs_slab_alloc(part, sizeof(HsTags));

		if (root == HS_REF_NONE)
			return HS_NO_MEMORY;
		all = hs_ptr(root);
		memset(all, 0, sizeof(*all));
		hs_members_init(&all->index);
		part->tags = root;
	}
	all = tags_of(part);
	status = hs_members_make_room(&all->index, part, &node_ops, hash);
	if (status != HS_OK)
		return status;
	*ref = hs_slab_alloc(part, (uint32_t) (sizeof(HsTag) + w->data.size));
	if (*ref == HS_REF_NONE)
		return HS_NO_MEMORY;
	t = tag_at(*ref);
	memset(t, 0, sizeof(*t));
	t->n = w->n;
	t->size = (uint16_t) w->data.size;
	hs_copy(t->data, w->data.data, w->data.size);
	hs_members_insert(&all->index, hash, *ref);
	all->count++;
	return HS_OK;
}

/* Find it or make it, and hold it. */
static HsStatus
hold_node(HsPart *part, const Wanted *w, HsRef *ref, bool *is_new)
{
	HsStatus	status = HS_OK;

	*ref = find_node(part, w);
	*is_new = *ref == HS_REF_NONE;
	if (*is_new)
		status = make_node(part, w, ref);
	if (status == HS_OK)
		tag_at(*ref)->refs++;
	return status;
}

/* Nobody refers to it. */
static void
free_node(HsPart *part, HsRef ref)
{
	HsTags	   *all = tags_of(part);
	HsTag	   *t = tag_at(ref);
	const HsRef *refs;
	unsigned	n = members(ref, &refs);

	assert(t->refs == 0 && t->records == 0);
	if (!t->is_dead)
		hs_members_remove(&all->index, part, node_hash(ref), ref);
	for (unsigned i = 0; i < n; i++)
	{
		if (--tag_at(refs[i])->refs == 0)
			free_node(part, refs[i]);
	}

	/*
	 * A reader without a lock may still look at this memory for a record that is
	 * gone; whoever sees what is written here next must also see that the record's
	 * bucket has changed.
	 */
	atomic_thread_fence(memory_order_release);
	hs_slab_free(part, ref, node_size(t));
	all->count--;
}

static void
drop_if_empty(HsPart *part)
{
	unsigned	budget = FREE_NODES;
	bool		is_gone;

	if (part->tags == HS_REF_NONE || tags_of(part)->count > 0)
		return;
	is_gone = hs_members_free_slice(&tags_of(part)->index, part, NULL, &budget);
	assert(is_gone && tags_of(part)->index.bytes == 0 && tags_of(part)->carried == 0);
	(void) is_gone;
	hs_slab_free(part, part->tags, sizeof(HsTags));
	part->tags = HS_REF_NONE;
}

/*
 * ---- Holding ------------------------------------------------------------------
 */

static void
let_go_all(HsPart *part, const HsRef *refs, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		hs_tags_let_go(part, refs[i]);
}

void
hs_tags_let_go(HsPart *part, HsRef tags)
{
	if (tags == HS_REF_NONE || --tag_at(tags)->refs > 0)
		return;
	free_node(part, tags);
	drop_if_empty(part);
}

/* In ascending order, each once; the others are let go. */
static unsigned
unique(HsPart *part, HsRef *refs, unsigned n)
{
	unsigned	kept = 0;

	for (unsigned i = 0; i < n; i++)
	{
		HsRef		ref = refs[i];
		unsigned	at = kept;

		while (at > 0 && refs[at - 1] > ref)
			at--;
		if (at > 0 && refs[at - 1] == ref)
		{
			hs_tags_let_go(part, ref);
			continue;
		}
		memmove(refs + at + 1, refs + at, (kept - at) * sizeof(HsRef));
		refs[at] = ref;
		kept++;
	}
	return kept;
}

/* *held: how many of refs[] are held, also on failure. */
static HsStatus
hold_tags(HsPart *part, const HsBytes *names, size_t n, HsRef *refs, unsigned *held)
{
	for (*held = 0; *held < n; ++*held)
	{
		Wanted		w = {0, names[*held]};
		bool		is_new;
		HsStatus	status = hold_node(part, &w, &refs[*held], &is_new);

		if (status != HS_OK)
			return status;
	}
	return HS_OK;
}

/* The set of tags that are held, and are so no longer; on failure they still are. */
static HsStatus
hold_set(HsPart *part, HsRef *refs, unsigned n, HsRef *set)
{
	Wanted		w = {(uint8_t) n, hs_bytes(refs, n * sizeof(HsRef))};
	bool		is_new;
	HsStatus	status = hold_node(part, &w, set, &is_new);

	if (status == HS_OK && !is_new)
		let_go_all(part, refs, n);	/* a new one holds them itself */
	return status;
}

HsStatus
hs_tags_hold(HsOp *op, const HsBytes *names, size_t n, HsRef *tags)
{
	HsRef		refs[HS_TAGS_MAX];
	unsigned	held;
	HsStatus	status;

	*tags = HS_REF_NONE;
	if (n > HS_TAGS_MAX)
		return HS_BAD_ARGUMENT;
	for (size_t i = 0; i < n; i++)
	{
		if (names[i].size > HS_TAG_SIZE_MAX)
			return HS_KEY_TOO_LONG;
	}
	status = hold_tags(op->part, names, n, refs, &held);
	if (status == HS_OK)
	{
		held = unique(op->part, refs, held);
		if (held > 1)
			status = hold_set(op->part, refs, held, tags);
		else if (held == 1)
			*tags = refs[0];
	}
	if (status != HS_OK)
	{
		let_go_all(op->part, refs, held);
		drop_if_empty(op->part);
		*tags = HS_REF_NONE;
		op->need = HS_SEG_SIZE;
	}
	return status;
}

HsStatus
hs_tags_hold_of(HsOp *op, HsPart *from, HsRef theirs, HsRef *tags)
{
	HsBytes		names[HS_TAGS_MAX];

	*tags = theirs;
	if (theirs == HS_REF_NONE)
		return HS_OK;
	if (from != op->part)
		return hs_tags_hold(op, names, names_of(theirs, names), tags);
	tag_at(theirs)->refs++;
	return HS_OK;
}

/* At most HS_TAGS_MAX names, ordered by their bytes; borrowed. */
static unsigned
names_of(HsRef tags, HsBytes *names)
{
	const HsRef *refs;
	unsigned	n = members(tags, &refs);
	unsigned	sorted = 0;

	if (n == 0)
	{
		names[0] = node_data(tag_at(tags));
		return 1;
	}
	for (; sorted < n; sorted++)
	{
		HsBytes		name = node_data(tag_at(refs[sorted]));
		unsigned	at = sorted;

		for (; at > 0 && hs_bytes_cmp(names[at - 1], name) > 0; at--)
			names[at] = names[at - 1];
		names[at] = name;
	}
	return n;
}

/*
 * ---- Records --------------------------------------------------------------------
 */

static void
ref_tag(HsPart *part, HsRef ref)
{
	tag_at(ref)->records++;
	tags_of(part)->carried++;
}

static void
unref_tag(HsPart *part, HsRef ref)
{
	HsTag	   *t = tag_at(ref);

	assert(t->records > 0);
	t->records--;
	tags_of(part)->carried--;
	part->dead_tags -= t->is_dead;
}

void
hs_tags_ref(HsPart *part, HsRef tags)
{
	const HsRef *refs;
	unsigned	n = members(tags, &refs);

	assert(!hs_tags_dead(tags));
	tag_at(tags)->refs++;
	if (n == 0)
		ref_tag(part, tags);
	for (unsigned i = 0; i < n; i++)
		ref_tag(part, refs[i]);
}

void
hs_tags_unref(HsPart *part, HsRef tags)
{
	const HsRef *refs;
	unsigned	n = members(tags, &refs);

	if (n == 0)
		unref_tag(part, tags);
	for (unsigned i = 0; i < n; i++)
		unref_tag(part, refs[i]);
	hs_tags_let_go(part, tags);
}

bool
hs_tags_dead(HsRef tags)
{
	const HsRef *refs;
	unsigned	n = members(tags, &refs);

	if (n == 0)
		return tag_at(tags)->is_dead;
	for (unsigned i = 0; i < n; i++)
	{
		if (tag_at(refs[i])->is_dead)
			return true;
	}
	return false;
}

/* Copy bytes at an address that may be none. */
static bool
racy_read(HsRef ref, size_t offset, void *to, size_t size)
{
	uint64_t	start = ((uint64_t) ref << hs_shift) + offset;

	if (ref == HS_REF_NONE || start + size > hs_region_size)
		return false;
	hs_racy_copy(to, hs_base + start, size);
	return true;
}

bool
hs_tags_dead_racy(HsRef tags)
{
	HsTag		t;
	HsRef		refs[HS_TAGS_MAX];
	unsigned	n;

	if (!racy_read(tags, 0, &t, sizeof(t)))
		return false;
	n = t.n;
	if (n == 0)
		return t.is_dead != 0;
	if (n > HS_TAGS_MAX || !racy_read(tags, sizeof(t), refs, n * sizeof(HsRef)))
		return false;
	for (unsigned i = 0; i < n; i++)
	{
		if (racy_read(refs[i], 0, &t, sizeof(t)) && t.is_dead != 0)
			return true;
	}
	return false;
}

/*
 * ---- Commands --------------------------------------------------------------
 */

/* How many keys carried it. */
static uint64_t
kill_tag(HsPart *part, HsBytes name)
{
	const uint8_t dead = 1;
	Wanted		w = {0, name};
	HsRef		ref = find_node(part, &w);
	HsTag	   *t;

	if (ref == HS_REF_NONE)
		return 0;
	t = tag_at(ref);
	hs_members_remove(&tags_of(part)->index, part, node_hash(ref), ref);
	hs_racy_copy(&t->is_dead, &dead, 1);
	part->dead_tags += t->records;
	if (++part->tag_epoch == 0)
		part->tag_epoch = 1;
	return t->records;
}

/* The partitions are closed meanwhile: who misses one of the keys finds none of them. */
HsStatus
hs_tags_delete(HsMulti *m, const HsBytes *names, size_t n, uint64_t *deleted)
{
	size_t		mark = hs_effects_mark(m->effects);

	*deleted = 0;
	for (size_t i = 0; i < n; i++)
	{
		if (!hs_effect_put(m->effects, HS_EF_DEL_TAG, names[i], hs_bytes(NULL, 0),
						   hs_bytes(NULL, 0)))
		{
			hs_effects_undo(m->effects, mark);
			return HS_NO_MEMORY;
		}
	}
	hs_multi_close(m);
	for (uint32_t p = 0; p < m->h->nparts; p++)
	{
		if (m->h->parts[p]->tags == HS_REF_NONE)
			continue;
		for (size_t i = 0; i < n; i++)
			*deleted += kill_tag(m->h->parts[p], names[i]);
	}
	m->h->deletes += *deleted;
	if (*deleted > 0)			/* what was full may not be any more */
		atomic_store_explicit(&m->h->ks->full_mark, 0, memory_order_relaxed);
	return HS_OK;
}

uint64_t
hs_tags_count(HsMulti *m, HsBytes name)
{
	Wanted		w = {0, name};
	uint64_t	count = 0;

	for (uint32_t p = 0; p < m->h->nparts; p++)
	{
		HsRef		ref = find_node(m->h->parts[p], &w);

		if (ref != HS_REF_NONE)
			count += tag_at(ref)->records;
	}
	return count;
}

HsStatus
hs_tags_of_key(HsOp *op, HsItems *out)
{
	HsRecord   *record = hs_find(op);
	HsBytes		names[HS_TAGS_MAX];
	unsigned	n = 0;

	hs_items_clear(out);
	if (record == NULL)
		return HS_NOT_FOUND;
	if (hs_record_tags(record) != HS_REF_NONE)
		n = names_of(hs_record_tags(record), names);
	for (unsigned i = 0; i < n; i++)
		hs_items_put(out, names[i]);
	return hs_items_fit(out) ? HS_OK : HS_BUFFER_TOO_SMALL;
}

/*
 * ---- Effects ----------------------------------------------------------------
 * HS_EF_SET makes a string without tags; HS_EF_TAGS behind it has the names of those that it
 * has, one after the other.  A key that had expired before may still have tags when effects are
 * done again, so they cannot just stay.
 */

bool
hs_tags_put_effect(HsOp *op)
{
	HsRef		tags = op->tags;

	if (tags == HS_TAGS_KEEP)
	{
		HsSlot		slot;
		const HsRecord *record = hs_index_find(op->part, op->hash, op->key, &slot);

		tags = record != NULL ? hs_record_tags(record) : HS_REF_NONE;
	}
	return tags == HS_REF_NONE || put_names(op, tags);
}

bool
hs_tags_note_of(HsOp *op, HsRef tags)
{
	return op->effects == NULL || tags == HS_REF_NONE || put_names(op, tags);
}

static bool
put_names(HsOp *op, HsRef tags)
{
	HsBytes		names[HS_TAGS_MAX];
	unsigned	n = names_of(tags, names);
	size_t		size = 0;
	uint8_t    *to;

	for (unsigned i = 0; i < n; i++)
		size += NAME_HEAD + names[i].size;
	to = hs_effect_space(op->effects, HS_EF_TAGS, op->key, hs_bytes(NULL, 0), size);
	if (to == NULL)
	{
		op->need = 0;
		return false;
	}
	for (unsigned i = 0; i < n; i++)
	{
		uint16_t	name_size = (uint16_t) names[i].size;

		memcpy(to, &name_size, NAME_HEAD);
		hs_copy(to + NAME_HEAD, names[i].data, name_size);
		to += NAME_HEAD + name_size;
	}
	return true;
}

HsStatus
hs_tags_redo(HsOp *op, HsBytes names)
{
	HsBytes		name[HS_TAGS_MAX];
	size_t		n = 0;
	HsRecord   *record;
	HsStatus	status;

	for (size_t at = 0; at < names.size; n++)
	{
		uint16_t	size;

		if (n == HS_TAGS_MAX || names.size - at < NAME_HEAD)
			return HS_CORRUPT;
		memcpy(&size, names.data + at, NAME_HEAD);
		at += NAME_HEAD;
		if (size > HS_TAG_SIZE_MAX || size > names.size - at)
			return HS_CORRUPT;
		name[n] = hs_bytes(names.data + at, size);
		at += size;
	}
	record = hs_find(op);
	if (record == NULL || hs_record_type(record) != HS_STRING)
		return HS_OK;			/* what it came to hold later, an effect that follows says */
	status = hs_tags_hold(op, name, n, &op->tags);
	if (status != HS_OK)
		return status;
	if (op->tags != hs_record_tags(record))
		status = hs_set_tags(op, record);
	hs_tags_let_go(op->part, op->tags);
	return status;
}

/*
 * ---- Checking ----------------------------------------------------------------
 */

/* NULL or what is wrong with a node of the index. */
static const char *
verify_node(HsRef ref, uint64_t *carried)
{
	const HsTag *t = tag_at(ref);
	const HsRef *refs;
	unsigned	n = members(ref, &refs);

	if (t->is_dead)
		return "a dead tag can be found";
	if (t->refs == 0)
		return "a tag is kept that nobody has";
	if (n == 1 || n > HS_TAGS_MAX || (n == 0 && t->size > HS_TAG_SIZE_MAX) ||
		(n > 0 && t->records > 0))
		return "a set of tags is malformed";
	*carried += t->records;
	for (unsigned i = 0; i < n; i++)
	{
		const HsTag *member = tag_at(refs[i]);

		if (member->n != 0 || (i > 0 && refs[i] <= refs[i - 1]))
			return "a set of tags has something else for a tag";
		if (member->refs == 0 || member->records < t->refs)
			return "keys of a tag are miscounted";
	}
	return NULL;
}

const char *
hs_tags_verify(const HsPart *part, uint64_t carried, uint64_t dead)
{
	const HsTags *all;
	const char *wrong;
	uint64_t	alive = 0;

	if (dead != part->dead_tags)
		return "dead tags of keys are miscounted";
	if (part->tags == HS_REF_NONE)
		return carried == 0 ? NULL : "the tags of keys are lost";
	all = tags_of(part);
	wrong = hs_members_verify(&all->index, &node_ops);
	for (uint32_t s = 0; wrong == NULL && s < all->index.nsegs; s++)
	{
		HsRef		nodes[HS_MEMBERS_SEG_MAX];
		unsigned	n = hs_members_segment(&all->index, s, nodes);

		for (unsigned i = 0; i < n && wrong == NULL; i++)
			wrong = verify_node(nodes[i], &alive);
	}
	if (wrong != NULL)
		return wrong;
	if (all->carried != carried || alive + dead != carried)
		return "tags of keys are miscounted";
	if (all->count < all->index.n || all->count == 0)
		return "nodes of tags are miscounted";
	return NULL;
}

const char *
hs_tags_verify_record(const HsRecord *record, uint64_t *carried, uint64_t *dead)
{
	HsRef		tags = hs_record_tags(record);
	const HsRef *refs;
	unsigned	n;

	if (tags == HS_REF_NONE)
		return NULL;
	if (hs_record_type(record) != HS_STRING)
		return "what is no string has tags";
	n = members(tags, &refs);
	if (tag_at(tags)->refs == 0)
		return "a key has tags that were freed";
	*carried += n == 0 ? 1 : n;
	if (n == 0)
		*dead += tag_at(tags)->is_dead;
	for (unsigned i = 0; i < n; i++)
		*dead += tag_at(refs[i])->is_dead;
	return NULL;
}
