/*
 * zset.c
 *	  Sorted sets: adding and removing members.
 *
 * A small set is copied, changed in the copy and put back, so that a command
 * that fails has changed nothing.  A large set is changed member by member:
 * what one member may need comes first (zset_list.c); for several members all
 * they may need is promised by the slabs before the first.
 */
#include "zset_int.h"

/* What an add does with one member. */
typedef struct Adding
{
	unsigned	flags;
	bool		is_incr;		/* the score given is added to the one there */
	bool		persisted;		/* some member has lost its expiry */
	HsZsetAdded out;
} Adding;

static bool
flags_are_good(unsigned flags)
{
	if (flags & ~(HS_ZADD_NX | HS_ZADD_XX | HS_ZADD_GT | HS_ZADD_LT))
		return false;
	if ((flags & HS_ZADD_NX) && flags != HS_ZADD_NX)
		return false;
	return (flags & (HS_ZADD_GT | HS_ZADD_LT)) != (HS_ZADD_GT | HS_ZADD_LT);
}

/*
 * Shall a member (with score 'old' if it exists) be given a score?  *score:
 * the one asked for, then the one to set.  HS_NOT_A_NUMBER.
 */
static HsStatus
decide(Adding *a, bool exists, double old, double *score, bool *apply)
{
	bool		stops;

	if (a->is_incr && exists)
		*score += old;
	*score += 0.0;				/* no -0 */
	if (*score != *score)
		return HS_NOT_A_NUMBER;
	if (exists)
		stops = (a->flags & HS_ZADD_NX) != 0 ||
			((a->flags & HS_ZADD_GT) && !(*score > old)) ||
			((a->flags & HS_ZADD_LT) && !(*score < old));
	else
		stops = (a->flags & HS_ZADD_XX) != 0;
	a->out.stopped = stops;
	a->out.score = !stops ? *score : exists ? old : 0;
	*apply = !stops && !(exists && *score == old);
	if (*apply && exists)
		a->out.changed++;
	else if (*apply)
		a->out.added++;
	return HS_OK;
}

/*
 * ---- Small sets -------------------------------------------------------------------
 */

/* Put a changed copy back; an emptied set's key goes. */
static HsStatus
commit_blob(HsOp *op, HsZset *z, uint8_t *blob, int64_t new_expires_us)
{
	if (hs_zblob_n(blob) > 0 && hs_zblob_used(blob) > z->capacity)
		hs_zblob_tighten(blob);
	if (hs_zblob_n(blob) > 0)
		return hs_blob_commit(op, HS_ZSET, z->record, blob, hs_zblob_used(blob), new_expires_us);
	hs_remove(op, z->record);
	return HS_OK;
}

typedef struct BlobSource
{
	HsZblobView view;
	unsigned	i;
	unsigned	at;
	HsZblobName name;
} BlobSource;

static void
blob_source(BlobSource *s, const uint8_t *blob)
{
	s->view = hs_zblob_view(blob);
	s->i = 0;
	s->at = s->view.first;
	hs_zblob_name_init(&s->name, &s->view);
}

static bool
blob_next(void *arg, double *score, HsBytes *member)
{
	BlobSource *s = arg;

	if (s->i == s->view.n)
		return false;
	*score = hs_zblob_score(&s->view, s->at);
	*member = hs_zblob_member(&s->view, s->at, &s->name);
	s->at = hs_zblob_next(&s->view, s->at);
	s->i++;
	return true;
}

HsStatus
hs_zset_enlarge(HsPart *part, HsRecord *record, HsRef *root)
{
	BlobSource	source;

	blob_source(&source, hs_value(record).data);
	return hs_zlist_load(part, blob_next, &source, root);
}

/* Add one member to the copy, if it takes it: *taken. */
static HsStatus
blob_add(HsOp *op, uint8_t *blob, const HsZsetMember *m, Adding *a, bool *taken)
{
	double		score = m->score;
	double		old = 0;
	unsigned	at = hs_zblob_find(blob, m->member, NULL, &old);
	HsZsetAdded before = a->out;
	bool		apply;
	HsStatus	status = decide(a, at != 0, old, &score, &apply);

	*taken = true;
	if (status != HS_OK || !apply)
		return status;
	*taken = at != 0 ? hs_zblob_move(blob, at, m->member, score, hs_blob_max(op)) :
		hs_zblob_put(blob, m->member, score, hs_blob_max(op));
	if (*taken)
		hs_zset_effect_add(op, m->member, score);
	else
		a->out = before;
	return HS_OK;
}

/*
 * ---- Large sets --------------------------------------------------------------------
 */

/*
 * A member of a set with dues gets a score; apply: not the one it has.  One that is added
 * again is there for good; one that is counted up keeps its expiry, which the effect of
 * the new score would take away.
 */
static HS_OUT_OF_LINE HsStatus
list_set_due(HsOp *op, HsZlist *list, HsRef entry, HsBytes member, double score, Adding *a,
			 bool apply)
{
	int64_t		due_us = hs_due_of(&list->root, entry);
	bool		persists = due_us != HS_NEVER && !a->is_incr;
	HsStatus	status = HS_OK;

	if (!apply && !persists)
		return HS_OK;
	hs_zset_effect_add(op, member, score);
	if (due_us != HS_NEVER && !persists)
		hs_zset_effect_due(op, member, due_us);
	if (apply)
		status = hs_zlist_move(op->part, list, entry, member, score);
	if (status == HS_OK && persists)
	{
		hs_due_drop(op->part, &list->root, entry);
		a->persisted = true;
	}
	return status;
}

static HsStatus
list_add(HsOp *op, HsZlist *list, const HsZsetMember *m, Adding *a)
{
	uint64_t	hash = hs_member_hash(m->member);
	HsRef		entry = hs_zlist_find(list, hash, m->member);
	double		score = m->score;
	double		old = entry != HS_REF_NONE ? hs_zentry_score(entry) : 0;
	bool		apply;
	HsStatus	status = decide(a, entry != HS_REF_NONE, old, &score, &apply);

	if (status != HS_OK || a->out.stopped)
		return status;
	if (hs_due_any(&list->root) && entry != HS_REF_NONE)
		return list_set_due(op, list, entry, m->member, score, a, apply);
	if (!apply)
		return HS_OK;
	hs_zset_effect_add(op, m->member, score);
	if (entry != HS_REF_NONE)
		return hs_zlist_move(op->part, list, entry, m->member, score);
	return hs_zlist_insert(op->part, list, hash, m->member, score);
}

/* Everything that adding these members may take, if those that 'exist' do. */
static HsStatus
list_needs(const HsZlist *list, const HsZsetMember *m, size_t n, bool look, HsNeeds *needs)
{
	memset(needs, 0, sizeof(*needs));
	for (size_t i = 0; i < n; i++)
	{
		if (look && hs_zlist_find(list, hs_member_hash(m[i].member), m[i].member) != HS_REF_NONE)
			continue;
		hs_zentry_needs((uint32_t) m[i].member.size, hs_needs_add, needs);
	}
	return hs_zlist_needs(list, n, hs_needs_add, needs);
}

/*
 * Add several members to a large set, all or none.  First as if all were new;
 * if that cannot be promised, look which ones are.
 */
static HsStatus
list_add_many(HsOp *op, HsZlist *list, const HsZsetMember *m, size_t n, Adding *a)
{
	HsNeeds		needs;
	HsStatus	status = list_needs(list, m, n, false, &needs);

	if (status != HS_OK)
		return status;
	if (!hs_needs_promise(op, &needs))
	{
		status = list_needs(list, m, n, true, &needs);
		if (status != HS_OK)
			return status;
		if (!hs_needs_promise(op, &needs))
			return HS_NO_MEMORY;
	}
	list->steady = true;
	hs_due_hold(&list->root, true);
	for (size_t i = 0; i < n && status == HS_OK; i++)
		status = list_add(op, list, &m[i], a);
	list->steady = false;
	hs_due_hold(&list->root, false);
	assert(status == HS_OK);
	return status;
}

/*
 * ---- Adding ------------------------------------------------------------------------
 */

/* The set outgrows its record: the copy so far and the rest into a list. */
static HsStatus
add_outgrowing(HsOp *op, HsZset *z, const uint8_t *blob, const HsZsetMember *m, size_t n,
			   Adding *a, int64_t expires_us)
{
	uint64_t	bytes = hs_zblob_used(blob);
	BlobSource	source;
	HsRef		root;
	HsStatus	status;

	blob_source(&source, blob);
	status = hs_zlist_load(op->part, blob_next, &source, &root);
	for (size_t i = 0; i < n && status == HS_OK; i++)
		status = list_add(op, hs_zlist(root), &m[i], a);
	if (status != HS_OK)
	{
		if (root != HS_REF_NONE)
			hs_zlist_destroy(op->part, root);
		for (size_t i = 0; i < n; i++)
			bytes += m[i].member.size;
		return hs_zset_needs_bytes(op, status, n, bytes);
	}
	return hs_zset_publish_list(op, root,
								z->record != NULL ? hs_expiry(z->record) : expires_us);
}

static HsStatus
add_small(HsOp *op, HsZset *z, const HsZsetMember *m, size_t n, Adding *a, int64_t expires_us)
{
	HsZblob		copy;
	HsStatus	status;

	if (z->blob != NULL)
		memcpy(copy.data, z->blob, hs_zblob_used(z->blob));
	else
		hs_zblob_init(copy.data);
	for (size_t i = 0; i < n; i++)
	{
		bool		taken;

		status = blob_add(op, copy.data, &m[i], a, &taken);
		if (status != HS_OK)
			return status;
		if (!taken)
			return add_outgrowing(op, z, copy.data, m + i, n - i, a, expires_us);
	}
	if (a->out.added + a->out.changed == 0)
		return HS_OK;
	return commit_blob(op, z, copy.data, expires_us);
}

static HsStatus
add_large(HsOp *op, HsZset *z, const HsZsetMember *m, size_t n, Adding *a)
{
	HsStatus	status;

	if (n == 1)
		status = hs_zset_needs_bytes(op, list_add(op, z->list, m, a), 1, m->member.size);
	else
		status = list_add_many(op, z->list, m, n, a);
	if (status == HS_OK && (a->out.added + a->out.changed > 0 || a->persisted))
		hs_touch_version(op, z->record);
	return status;
}

static HsStatus
check_members(const HsZsetMember *m, size_t n, uint64_t *bytes)
{
	*bytes = 0;
	for (size_t i = 0; i < n; i++)
	{
		if (m[i].member.size > HS_MAX_KEY)
			return HS_MEMBER_TOO_LONG;
		if (m[i].score != m[i].score)
			return HS_NOT_A_NUMBER;
		*bytes += m[i].member.size;
	}
	return HS_OK;
}

static HsStatus
add(HsOp *op, const HsZsetMember *m, size_t n, Adding *a, int64_t expires_us, HsZsetAdded *out)
{
	size_t		mark = hs_effects_mark(op->effects);
	uint64_t	bytes;
	HsZset		z;
	HsStatus	status = check_members(m, n, &bytes);

	if (status == HS_OK)
		status = hs_zset_open(op, &z);
	if (status != HS_OK)
		return status;
	/* counting one up is two effects: its expiry stays; a new set is two more */
	if (!hs_effects_fit(op->effects, op->key, n + 2 + a->is_incr,
						bytes * (1 + a->is_incr) + 8 * (n + 1 + a->is_incr)))
		return HS_NO_MEMORY;
	hs_effect_note_new(op->effects, op->key, z.record);
	if (z.list != NULL)
		status = add_large(op, &z, m, n, a);
	else
		status = add_small(op, &z, m, n, a, expires_us);
	if (status != HS_OK)
	{
		hs_effects_undo(op->effects, mark);
		return status;
	}
	if (z.record == NULL && a->out.added == 0)
		hs_effects_undo(op->effects, mark);
	else if (z.record == NULL && expires_us != HS_NEVER)
		hs_effect_note_expiry(op->effects, op->key, expires_us);
	*out = a->out;
	return HS_OK;
}

HsStatus
hs_zset_add_many(HsOp *op, const HsZsetMember *members, size_t n, unsigned flags,
				 int64_t new_expires_us, HsZsetAdded *out)
{
	Adding		a = {.flags = flags};

	if (!flags_are_good(flags))
		return HS_BAD_ARGUMENT;
	return add(op, members, n, &a, new_expires_us, out);
}

HsStatus
hs_zset_add(HsOp *op, HsBytes member, double score, unsigned flags,
			int64_t new_expires_us, HsZsetAdded *out)
{
	HsZsetMember m = {score, member};

	return hs_zset_add_many(op, &m, 1, flags, new_expires_us, out);
}

HsStatus
hs_zset_incr(HsOp *op, HsBytes member, double by, int64_t new_expires_us, double *score)
{
	Adding		a = {.is_incr = true};
	HsZsetMember m = {by, member};
	HsZsetAdded out;
	HsStatus	status = add(op, &m, 1, &a, new_expires_us, &out);

	if (status == HS_OK)
		*score = out.score;
	return status;
}

/*
 * ---- Removing ------------------------------------------------------------------------
 */

static HsStatus
remove_small(HsOp *op, HsZset *z, const HsBytes *members, size_t n, uint64_t *removed)
{
	HsZblob		copy;

	memcpy(copy.data, z->blob, hs_zblob_used(z->blob));
	for (size_t i = 0; i < n; i++)
	{
		unsigned	at = hs_zblob_find(copy.data, members[i], NULL, NULL);
		HsZblobView v = hs_zblob_view(copy.data);

		if (at == 0)
			continue;
		hs_zset_effect_remove(op, members[i]);
		hs_zblob_cut(copy.data, at, hs_zblob_next(&v, at), 1);
		++*removed;
	}
	return *removed == 0 ? HS_OK : commit_blob(op, z, copy.data, HS_NEVER);
}

static void
remove_large(HsOp *op, HsZset *z, const HsBytes *members, size_t n, uint64_t *removed)
{
	for (size_t i = 0; i < n; i++)
	{
		uint64_t	hash = hs_member_hash(members[i]);
		HsRef		entry = hs_zlist_find(z->list, hash, members[i]);

		if (entry == HS_REF_NONE)
			continue;
		hs_zset_effect_remove(op, members[i]);
		hs_due_drop(op->part, &z->list->root, entry);
		hs_zlist_remove(op->part, z->list, entry, hash, members[i]);
		++*removed;
	}
	if (z->list->count == 0)
		hs_remove(op, z->record);
	else if (*removed > 0)
		hs_touch_version(op, z->record);
}

HsStatus
hs_zset_remove(HsOp *op, const HsBytes *members, size_t n, uint64_t *removed)
{
	uint64_t	bytes = 0;
	uint64_t	gone = 0;
	HsZset		z;
	HsStatus	status = hs_zset_open(op, &z);

	if (status != HS_OK)
		return status;
	for (size_t i = 0; i < n; i++)
	{
		if (members[i].size > HS_MAX_KEY)
			return HS_MEMBER_TOO_LONG;
		bytes += members[i].size;
	}
	if (z.record != NULL && !hs_effects_fit(op->effects, op->key, n, bytes))
		return HS_NO_MEMORY;
	if (z.blob != NULL)
		status = remove_small(op, &z, members, n, &gone);
	else if (z.list != NULL)
		remove_large(op, &z, members, n, &gone);
	if (status == HS_OK)
		*removed = gone;
	return status;
}

/* Effects of removing ranks [low, high). */
static bool
effects_of_cut(HsOp *op, const HsZset *z, uint32_t low, uint32_t high)
{
	HsZsetIter	it;
	HsZsetItem	item;
	uint64_t	bytes = 0;

	if (op->effects == NULL)
		return true;
	if (high - low == z->count)
	{
		if (!hs_effects_fit(op->effects, op->key, 1, 0))
			return false;
		hs_effect_note_delete(op->effects, op->key);
		return true;
	}
	hs_zset_iter_init(&it, z, low, high, false);
	while (hs_zset_iter_next(&it, &item))
		bytes += item.member.size;
	if (!hs_effects_fit(op->effects, op->key, high - low, bytes))
		return false;
	hs_zset_iter_init(&it, z, low, high, false);
	while (hs_zset_iter_next(&it, &item))
	{
		uint8_t		whole[HS_MAX_KEY];

		if (item.member.data == NULL)
		{
			hs_zset_item_copy(&item, whole);
			item.member.data = whole;
		}
		hs_zset_effect_remove(op, item.member);
	}
	return true;
}

/* Members of ranks [low, high) are about to go. */
static void
drop_dues(HsPart *part, HsZlist *list, uint32_t low, uint32_t high)
{
	HsZlistPos	pos;

	if (!hs_due_any(&list->root))
		return;
	pos = hs_zlist_seek(list, low);
	for (uint32_t i = low; i < high; i++)
	{
		hs_due_drop(part, &list->root, hs_zlist_at(pos));
		if (i + 1 < high)
			hs_zlist_next(&pos);
	}
}

HsStatus
hs_zset_cut(HsOp *op, HsZset *z, uint32_t low, uint32_t high)
{
	HsZblob		copy;
	HsZblobIndex index;

	if (low == high)
		return HS_OK;
	if (!effects_of_cut(op, z, low, high))
		return HS_NO_MEMORY;
	if (high - low == z->count)
		hs_remove(op, z->record);
	else if (z->list != NULL)
	{
		drop_dues(op->part, z->list, low, high);
		hs_zlist_remove_ranks(op->part, z->list, low, high);
		hs_touch_version(op, z->record);
	}
	else
	{
		memcpy(copy.data, z->blob, hs_zblob_used(z->blob));
		hs_zblob_index(copy.data, high, &index);
		hs_zblob_cut(copy.data, hs_zblob_at(&index, low), hs_zblob_at(&index, high), high - low);
		return commit_blob(op, z, copy.data, HS_NEVER);
	}
	return HS_OK;
}

HsStatus
hs_zset_remove_range(HsOp *op, const HsZsetRange *range, uint64_t *removed)
{
	HsZset		z;
	uint32_t	low,
				high;
	HsStatus	status = hs_zset_open(op, &z);

	if (status == HS_OK)
		status = hs_zset_resolve(&z, range, &low, &high);
	if (status == HS_OK)
		status = hs_zset_cut(op, &z, low, high);
	if (status == HS_OK)
		*removed = high - low;
	return status;
}

/*
 * ---- Opening a key ---------------------------------------------------------------------
 */

void
hs_zset_of_record(HsRecord *record, HsZset *z)
{
	HsRecordView v;

	memset(z, 0, sizeof(*z));
	if (record == NULL)
		return;
	hs_record_view(record, &v);
	z->record = record;
	z->capacity = v.value_size;
	if (v.flags & HS_RF_LARGE)
	{
		memcpy(&z->root, v.value, sizeof(z->root));
		z->list = hs_zlist(z->root);
		z->count = z->list->count;
		return;
	}
	z->blob = v.value;
	z->count = hs_zblob_n(z->blob);
}

HsStatus
hs_zset_open(HsOp *op, HsZset *z)
{
	HsRecord   *record;
	HsStatus	status = hs_find_typed(op, HS_ZSET, &record);

	if (status == HS_OK)
		hs_zset_of_record(record, z);
	return status;
}

HsStatus
hs_zset_publish_list(HsOp *op, HsRef root, int64_t expires_us)
{
	HsStatus	status = hs_root_publish(op, HS_ZSET, root, expires_us);

	if (status != HS_OK)
		hs_zlist_destroy(op->part, root);
	return status;
}
