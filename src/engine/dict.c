/*
 * dict.c
 *	  Dictionaries of hashes and sets: finding, putting and removing members.
 *
 * A small one is copied, changed in the copy and put back, so that a command that
 * fails has changed nothing.  A large one is changed member by member: what one
 * member may need comes first (dict_node.c); for several members all they may need
 * is promised by the slabs before the first.
 */
#include "dict_node.h"

/* A blob in process memory, to be changed and put back. */
typedef struct Copy
{
	uint8_t		data[HS_DICT_BLOB_BYTES];
} Copy;

/* What a command does to members, and has done. */
typedef struct Putting
{
	HsOp	   *op;
	HsType		type;
	unsigned	flags;
	uint64_t	added;
	uint64_t	changed;		/* have another value, or no expiry any more */
	bool		has_looked;		/* for the only member, which stands there (NULL: nowhere): */
	const uint8_t *found;
} Putting;

/*
 * ---- Opening, finding ------------------------------------------------------------
 */

void
hs_dict_of_record(HsRecord *record, HsDict *d)
{
	HsRecordView v;

	memset(d, 0, sizeof(*d));
	if (record == NULL)
		return;
	hs_record_view(record, &v);
	d->type = (HsType) (v.flags & HS_RF_TYPE);
	d->record = record;
	d->capacity = v.value_size;
	if (v.flags & HS_RF_LARGE)
	{
		memcpy(&d->ref, v.value, sizeof(d->ref));
		d->root = hs_dict_root(d->ref);
		d->count = d->root->index.n;
		d->seed = d->root->index.seed;
		return;
	}
	d->blob = v.value;
	d->count = hs_dict_blob_n(d->blob);
}

HsStatus
hs_dict_open(HsOp *op, HsType type, HsDict *d)
{
	HsRecord   *record;
	HsStatus	status = hs_find_typed(op, type, &record);

	if (status == HS_OK)
	{
		hs_dict_of_record(record, d);
		d->type = type;
	}
	return status;
}

static const uint8_t *
blob_find(HsType type, const uint8_t *blob, const HsPack *p)
{
	const uint8_t *at = blob + HS_DICT_BLOB_HEADER;
	uint8_t		head,
				probe;
	unsigned	place;

	/* names that begin alike often end differently; so do numbers, from their low end */
	if (p->width > 0)
	{
		head = (uint8_t) (HS_PACK_INT + p->width);
		place = 1;
		probe = (uint8_t) p->number;
	}
	else if (p->text.size > 0 && p->text.size <= HS_PACK_TEXT)
	{
		head = (uint8_t) p->text.size;
		place = head;
		probe = p->text.data[head - 1];
	}
	else
	{
		head = probe = p->text.size == 0 ? 0 : HS_PACK_TEXT16;
		place = 0;
	}

	/*
	 * Members and values are often as long as those before: as long as they are, the processor need
	 * not wait for one length to know where the next one stands.  100 fields of one length:
	 * 135 ns a read in place of 350; of random lengths: as many as without.
	 */
	for (unsigned n = hs_dict_blob_n(blob); n > 0;)
	{
		uint8_t		member_head = *at;
		size_t		value_at = type == HS_HASH ? hs_pack_skip(at) : 0;
		uint8_t		value_head = at[value_at];
		size_t		size = value_at + hs_pack_skip(at + value_at);
		bool		is_fixed = member_head != HS_PACK_TEXT16 && value_head != HS_PACK_TEXT16;

		do
		{
			if (member_head == head && at[place] == probe && hs_pack_is(at, p))
				return at;
			at += size;
			n--;
		} while (is_fixed && n > 0 && at[0] == member_head && at[value_at] == value_head);
	}
	return NULL;
}

const uint8_t *
hs_dict_find(const HsDict *d, const HsPack *member)
{
	HsRef		node;

	if (d->blob != NULL)
		return blob_find(d->type, d->blob, member);
	if (d->root == NULL)
		return NULL;
	node = hs_dict_root_find(d->root, hs_pack_hash(member), member);
	return node != HS_REF_NONE ? hs_dict_node(node) : NULL;
}

void
hs_dict_find_some(const HsDict *d, const HsPack *members, const uint64_t *hash, unsigned n,
				  const uint8_t **found)
{
	HsRef		node[HS_DICT_AHEAD];

	if (d->root == NULL)
	{
		for (unsigned i = 0; i < n; i++)
			found[i] = hs_dict_find(d, &members[i]);
		return;
	}
	hs_members_find_some(&d->root->index, &hs_dict_ops, hash, members, sizeof(*members), n, node);
	for (unsigned i = 0; i < n; i++)
		found[i] = node[i] != HS_REF_NONE ? hs_dict_node(node[i]) : NULL;
}

unsigned
hs_dict_find_names(const HsDict *d, const HsBytes *names, size_t n, size_t from,
				   const uint8_t **found)
{
	HsPack		packs[HS_DICT_AHEAD];
	uint64_t	hash[HS_DICT_AHEAD];
	unsigned	some = n - from < HS_DICT_AHEAD ? (unsigned) (n - from) : HS_DICT_AHEAD;

	for (unsigned i = 0; i < some; i++)
	{
		packs[i] = hs_pack(names[from + i]);
		hash[i] = d->root != NULL ? hs_pack_hash(&packs[i]) : 0;
	}
	if (some == 1)
		found[0] = hs_dict_find(d, &packs[0]);
	else
		hs_dict_find_some(d, packs, hash, some, found);
	return some;
}

/*
 * ---- Members of a command ----------------------------------------------------------
 */

static void
names_get(HsDictSource *s, size_t i, HsBytes *member, HsBytes *value)
{
	(void) value;
	*member = ((const HsBytes *) s->arg)[i];
}

HsDictSource
hs_dict_names(const HsBytes *names, size_t n)
{
	HsDictSource source = {.n = n,.get = names_get,.arg = names};

	return source;
}

HsStatus
hs_dict_check(HsType type, HsDictSource *source, uint64_t *bytes)
{
	*bytes = 0;
	for (size_t i = 0; i < source->n; i++)
	{
		HsBytes		member,
					value = {NULL, 0};

		source->get(source, i, &member, &value);
		if (member.size > HS_MAX_KEY)
			return HS_MEMBER_TOO_LONG;
		if (type == HS_HASH && value.size > HS_DICT_VALUE_MAX)
			return HS_VALUE_TOO_LONG;
		*bytes += member.size + value.size;
	}
	return HS_OK;
}

/* A pair of a source, packed; 'value' is NULL for sets. */
typedef struct Pair
{
	HsBytes		text[2];
	HsPack		member;
	HsPack		value_room;
	const HsPack *value;
} Pair;

static void
get_pair(HsType type, HsDictSource *source, size_t i, Pair *p)
{
	source->get(source, i, &p->text[0], &p->text[1]);
	p->member = hs_pack(p->text[0]);
	p->value = NULL;
	if (type == HS_HASH)
	{
		p->value_room = hs_pack(p->text[1]);
		p->value = &p->value_room;
	}
}

static void
note_put(const Putting *put, const Pair *p)
{
	if (put->op->effects == NULL)
		return;
	if (put->type == HS_HASH)
		hs_effect_note(put->op->effects, HS_EF_HSET, put->op->key, p->text[0], p->text[1]);
	else
		hs_effect_note(put->op->effects, HS_EF_SADD, put->op->key, hs_bytes(NULL, 0), p->text[0]);
}

static void
note_remove(HsOp *op, HsType type, HsBytes member)
{
	if (op->effects != NULL)
		hs_effect_note(op->effects, type == HS_HASH ? HS_EF_HDEL : HS_EF_SREM, op->key,
					   hs_bytes(NULL, 0), member);
}

/*
 * ---- Small ones ----------------------------------------------------------------------
 */

static inline void
blob_header(uint8_t *blob, unsigned n, size_t used)
{
	uint16_t	u = (uint16_t) used;

	blob[0] = (uint8_t) n;
	memcpy(blob + 1, &u, 2);
}

static void
copy_init(Copy *copy, const HsDict *d)
{
	if (d->blob != NULL)
		hs_copy(copy->data, d->blob, hs_dict_blob_used(d->blob));
	else
		blob_header(copy->data, 0, HS_DICT_BLOB_HEADER);
}

/*
 * Put 'size' bytes of room where 'old' bytes stand at 'at'; n: members then.  False if the
 * blob does not take that.
 */
static bool
blob_resize(HsOp *op, uint8_t *blob, const uint8_t *at, size_t old, size_t size, unsigned n)
{
	size_t		used = hs_dict_blob_used(blob);
	size_t		begin = (size_t) (at - blob);

	if (n > HS_DICT_BLOB_MAX || size > HS_DICT_BLOB_BYTES ||
		used - old + size > HS_DICT_BLOB_BYTES || !hs_blob_fits(op, used - old + size))
		return false;
	if (size != old)
		memmove(blob + begin + size, blob + begin + old, used - begin - old);
	blob_header(blob, n, used - old + size);
	return true;
}

/* Where the member stands in the copy, or NULL. */
static const uint8_t *
copy_find(const Putting *put, const HsDict *d, const Copy *copy, const HsPack *member)
{
	if (!put->has_looked)
		return blob_find(put->type, copy->data, member);
	return put->found != NULL ? copy->data + (put->found - d->blob) : NULL;
}

/* 'at': where it stands, or NULL.  False if the blob does not take it; then nothing has changed. */
static bool
blob_put(Putting *put, uint8_t *blob, const uint8_t *at, const Pair *p)
{
	unsigned	n = hs_dict_blob_n(blob);
	uint8_t    *to;

	if (at != NULL)
	{
		const uint8_t *old = at + hs_pack_skip(at);

		if ((put->flags & HS_DICT_NX) || p->value == NULL)
			return true;
		if (!blob_resize(put->op, blob, old, hs_pack_skip(old), hs_pack_size(p->value), n))
			return false;
		(void) hs_pack_put(blob + (old - blob), p->value);
		put->changed++;
	}
	else
	{
		size_t		size = hs_pack_size(&p->member) + (p->value ? hs_pack_size(p->value) : 0);

		to = blob + hs_dict_blob_used(blob);
		if (!blob_resize(put->op, blob, to, 0, size, n + 1))
			return false;
		to = hs_pack_put(to, &p->member);
		if (p->value != NULL)
			(void) hs_pack_put(to, p->value);
		put->added++;
	}
	note_put(put, p);
	return true;
}

static HsStatus
blob_commit(HsOp *op, const HsDict *d, const Copy *copy, int64_t new_expires_us)
{
	if (hs_dict_blob_n(copy->data) > 0)
		return hs_blob_commit(op, d->type, d->record, copy->data, hs_dict_blob_used(copy->data),
							  new_expires_us);
	hs_remove(op, d->record);
	return HS_OK;
}

/*
 * ---- Large ones -----------------------------------------------------------------------
 */

/*
 * A field that expires gets another value and keeps its expiry.  The node that has it may
 * be another one then: so there is room for both in the queue first.
 */
static HsStatus
root_set_keeping(Putting *put, HsDictRoot *root, uint64_t hash, HsRef node, const Pair *p,
				 int64_t due_us)
{
	HsPart	   *part = put->op->part;
	HsNeeds		needs = {0};
	HsStatus	status;

	hs_dict_node_needs(&p->member, p->value, hs_needs_add, &needs);
	status = hs_due_prepare(put->op, &root->root, 1, &needs);
	if (status == HS_OK)
		status = hs_dict_root_set(part, root, hash, node, p->value);
	if (status != HS_OK)
		return status;
	if (hs_dict_root_find(root, hash, &p->member) != node)
	{
		hs_due_hold(&root->root, true);
		status = hs_due_put(part, &root->root, hs_dict_root_find(root, hash, &p->member), due_us);
		assert(status == HS_OK);
		hs_due_hold(&root->root, false);
		hs_due_drop(part, &root->root, node);
	}
	put->changed++;
	note_put(put, p);
	if (put->op->effects != NULL)
		hs_effect_note(put->op->effects, HS_EF_DUE, put->op->key,
					   hs_bytes(&due_us, sizeof(due_us)), p->text[0]);
	return HS_OK;
}

/* A member that is there; what is written anew does not expire on its own any more. */
static HsStatus
root_put_again(Putting *put, HsDictRoot *root, uint64_t hash, HsRef node, const Pair *p)
{
	int64_t		due_us = hs_due_any(&root->root) ? hs_due_of(&root->root, node) : HS_NEVER;
	HsStatus	status = HS_OK;

	if ((put->flags & HS_DICT_NX) || (p->value == NULL && due_us == HS_NEVER))
		return HS_OK;
	if ((put->flags & HS_DICT_KEEP) && due_us != HS_NEVER)
		return root_set_keeping(put, root, hash, node, p, due_us);
	if (p->value != NULL)
		status = hs_dict_root_set(put->op->part, root, hash, node, p->value);
	if (status != HS_OK)
		return status;
	if (due_us != HS_NEVER)
		hs_due_drop(put->op->part, &root->root, node);
	put->changed++;
	note_put(put, p);
	return HS_OK;
}

static HsStatus
root_put(Putting *put, HsDictRoot *root, uint64_t hash, const Pair *p)
{
	HsStatus	status;
	HsRef		node;

	if (!put->has_looked)
		node = hs_dict_root_find(root, hash, &p->member);
	else
		node = put->found != NULL ? hs_ref(put->found) : HS_REF_NONE;
	if (node != HS_REF_NONE)
		return root_put_again(put, root, hash, node, p);
	status = hs_dict_root_insert(put->op->part, root, hash, &p->member, p->value);
	if (status != HS_OK)
		return status;
	put->added++;
	note_put(put, p);
	return HS_OK;
}

/* Pairs [from, source->n), with their places brought into the cache first. */
static HsStatus
root_put_all(Putting *put, HsDictRoot *root, HsDictSource *source, size_t from)
{
	HsStatus	status = HS_OK;

	while (from < source->n && status == HS_OK)
	{
		Pair		pair[HS_DICT_AHEAD];
		uint64_t	hash[HS_DICT_AHEAD];
		size_t		n = source->n - from < HS_DICT_AHEAD ? source->n - from : HS_DICT_AHEAD;

		for (size_t i = 0; i < n; i++)
		{
			get_pair(put->type, source, from + i, &pair[i]);
			hash[i] = hs_pack_hash(&pair[i].member);
			hs_members_prefetch(&root->index, hash[i]);
		}
		for (size_t i = 0; i < n && n > 1; i++)
			hs_members_prefetch_node(&root->index, hash[i]);
		for (size_t i = 0; i < n && status == HS_OK; i++)
			status = root_put(put, root, hash[i], &pair[i]);
		from += n;
	}
	return status;
}

/*
 * Everything that putting these may take: as if all were new or, having looked, without those
 * that a set has already.
 */
static HsStatus
root_needs(const HsDict *d, HsDictSource *source, bool look, HsNeeds *needs)
{
	uint64_t	fresh = 0;

	memset(needs, 0, sizeof(*needs));
	for (size_t i = 0; i < source->n; i++)
	{
		bool		exists;
		Pair		p;

		get_pair(d->type, source, i, &p);
		exists = look && hs_dict_find(d, &p.member) != NULL;
		fresh += !exists;
		if (!exists || p.value != NULL)
			hs_dict_node_needs(&p.member, p.value, hs_needs_add, needs);
	}
	return fresh == 0 ? HS_OK : hs_members_needs(&d->root->index, fresh, hs_needs_add, needs);
}

static HsStatus
promise(HsOp *op, const HsDict *d, HsDictSource *source)
{
	HsNeeds		needs;

	for (int look = 0; look < 2; look++)
	{
		HsStatus	status = root_needs(d, source, look, &needs);

		if (status != HS_OK || hs_needs_promise(op, &needs))
			return status;
	}
	return HS_NO_MEMORY;
}

/*
 * ---- Putting -----------------------------------------------------------------------------
 */

/* A root with what the blob has; *root is left to the caller on failure, too. */
static HsStatus
blob_to_root(HsPart *part, HsType type, const uint8_t *blob, HsRef *root)
{
	const uint8_t *at = blob + HS_DICT_BLOB_HEADER;
	HsStatus	status;

	*root = hs_dict_root_create(part, type);
	status = *root != HS_REF_NONE ? HS_OK : HS_NO_MEMORY;
	for (unsigned n = hs_dict_blob_n(blob); n > 0 && status == HS_OK; n--)
	{
		HsPack		member;
		HsPack		value;

		at = hs_pack_get(at, &member);
		if (type == HS_HASH)
			at = hs_pack_get(at, &value);
		status = hs_dict_root_insert(part, hs_dict_root(*root), hs_pack_hash(&member), &member,
									 type == HS_HASH ? &value : NULL);
	}
	return status;
}

HsStatus
hs_dict_enlarge(HsPart *part, HsRecord *record, HsRef *root)
{
	HsStatus	status = blob_to_root(part, hs_record_type(record), hs_value(record).data, root);

	if (status != HS_OK && *root != HS_REF_NONE)
	{
		hs_dict_root_destroy(part, *root);
		*root = HS_REF_NONE;
	}
	return status;
}

/* The blob outgrows its record: what the copy has and the rest into nodes. */
static HsStatus
put_outgrowing(Putting *put, const HsDict *d, const Copy *copy, HsDictSource *source, size_t from,
			   uint64_t bytes, int64_t expires_us)
{
	HsPart	   *part = put->op->part;
	HsRef		root;
	HsStatus	status = blob_to_root(part, put->type, copy->data, &root);

	if (status == HS_OK)
		status = root_put_all(put, hs_dict_root(root), source, from);
	status = hs_needs_bytes(put->op, status, hs_dict_cost(source->n, bytes));
	if (status == HS_OK)
		status = hs_root_publish(put->op, put->type, root,
								 d->record != NULL ? hs_expiry(d->record) : expires_us);
	if (status != HS_OK && root != HS_REF_NONE)
		hs_dict_root_destroy(part, root);
	return status;
}

static HsStatus
put_small(Putting *put, const HsDict *d, HsDictSource *source, uint64_t bytes, int64_t expires_us)
{
	Copy		copy;

	copy_init(&copy, d);
	for (size_t i = 0; i < source->n; i++)
	{
		Pair		p;

		get_pair(put->type, source, i, &p);
		if (!blob_put(put, copy.data, copy_find(put, d, &copy, &p.member), &p))
			return put_outgrowing(put, d, &copy, source, i, bytes, expires_us);
	}
	return put->added + put->changed > 0 ? blob_commit(put->op, d, &copy, expires_us) : HS_OK;
}

static HsStatus
put_large(Putting *put, const HsDict *d, HsDictSource *source, uint64_t bytes)
{
	HsStatus	status = source->n > 1 ? promise(put->op, d, source) : HS_OK;

	if (status != HS_OK)
		return status;
	hs_due_hold(&d->root->root, source->n > 1);
	status = root_put_all(put, d->root, source, 0);
	hs_due_hold(&d->root->root, false);
	assert(status == HS_OK || source->n == 1);
	if (status == HS_OK && put->added + put->changed > 0)
		hs_touch_version(put->op, d->record);
	return hs_needs_bytes(put->op, status, hs_dict_cost(1, bytes));
}

/* hs_dict_put() after its checks, in the dictionary that was opened. */
static HsStatus
put_opened(Putting *put, const HsDict *d, HsDictSource *source, uint64_t bytes,
		   int64_t new_expires_us)
{
	HsOp	   *op = put->op;
	unsigned	keeps = (put->flags & HS_DICT_KEEP) != 0;	/* which may take an effect more */
	size_t		mark = hs_effects_mark(op->effects);
	HsStatus	status;

	if (!hs_effects_fit(op->effects, op->key, source->n + 2 + keeps, bytes + 8 + keeps * (bytes + 8)))
		return HS_NO_MEMORY;
	hs_effect_note_new(op->effects, op->key, d->record);
	if (d->root != NULL)
		status = put_large(put, d, source, bytes);
	else
		status = put_small(put, d, source, bytes, new_expires_us);
	if (status != HS_OK || (d->record == NULL && put->added == 0))
		hs_effects_undo(op->effects, mark);
	else if (d->record == NULL && new_expires_us != HS_NEVER)
		hs_effect_note_expiry(op->effects, op->key, new_expires_us);
	return status;
}

HsStatus
hs_dict_put(HsOp *op, HsType type, HsDictSource *source, unsigned flags, int64_t new_expires_us,
			uint64_t *added)
{
	Putting		put = {.op = op,.type = type,.flags = flags};
	uint64_t	bytes;
	HsDict		d;
	HsStatus	status = hs_dict_check(type, source, &bytes);

	if (status == HS_OK)
		status = hs_dict_open(op, type, &d);
	if (status == HS_OK)
		status = put_opened(&put, &d, source, bytes, new_expires_us);
	if (status == HS_OK)
		*added = put.added;
	return status;
}

HsStatus
hs_dict_put_found(HsOp *op, const HsDict *d, const uint8_t *found, HsDictSource *source,
				  unsigned flags, int64_t new_expires_us)
{
	Putting		put = {.op = op,.type = d->type,.flags = flags,.has_looked = true,.found = found};
	uint64_t	bytes;
	HsStatus	status = hs_dict_check(d->type, source, &bytes);

	assert(source->n == 1);
	return status == HS_OK ? put_opened(&put, d, source, bytes, new_expires_us) : status;
}

/*
 * ---- Removing -----------------------------------------------------------------------------
 */

static HsStatus
remove_small(HsOp *op, const HsDict *d, HsDictSource *source, uint64_t *removed)
{
	Copy		copy;

	copy_init(&copy, d);
	for (size_t i = 0; i < source->n; i++)
	{
		unsigned	n = hs_dict_blob_n(copy.data);
		const uint8_t *at;
		HsBytes		text;
		HsPack		member;

		source->get(source, i, &text, NULL);
		member = hs_pack(text);
		at = blob_find(d->type, copy.data, &member);
		if (at == NULL)
			continue;
		(void) blob_resize(op, copy.data, at, hs_dict_skip(d->type, at), 0, n - 1);
		note_remove(op, d->type, text);
		++*removed;
	}
	return *removed > 0 ? blob_commit(op, d, &copy, HS_NEVER) : HS_OK;
}

/* A large one that has become small enough goes back to the record, if there is memory for it. */
static bool
shrink(HsOp *op, const HsDict *d)
{
	HsDictRoot *root = d->root;
	HsDictRun	run;
	Copy		copy;
	HsDraft		draft;
	uint64_t	next;
	uint8_t    *to = copy.data + HS_DICT_BLOB_HEADER;
	size_t		used;

	if (root->index.n > HS_DICT_BLOB_AGAIN || hs_due_any(&root->root) ||
		root->text_bytes > HS_DICT_BLOB_BYTES / 4)
		return false;
	for (uint64_t position = 0;; position = next)
	{
		hs_dict_walk(d, position, &run, &next);
		for (unsigned i = 0; i < run.n; i++)
		{
			size_t		size = hs_dict_skip(d->type, run.at[i]);

			memcpy(to, run.at[i], size);
			to += size;
		}
		if (next == 0)
			break;
	}
	used = (size_t) (to - copy.data);
	blob_header(copy.data, root->index.n, used);
	if (hs_reserve(op, (uint16_t) d->type, used, hs_expiry(d->record), &draft) != HS_OK)
		return false;
	memcpy(draft.value, copy.data, used);
	hs_publish(op, &draft);
	return true;
}

static void
remove_large(HsOp *op, const HsDict *d, HsDictSource *source, uint64_t *removed)
{
	for (size_t i = 0; i < source->n; i++)
	{
		HsBytes		text;
		HsPack		member;
		uint64_t	hash;
		HsRef		node;

		source->get(source, i, &text, NULL);
		member = hs_pack(text);
		hash = hs_pack_hash(&member);
		node = hs_dict_root_find(d->root, hash, &member);
		if (node == HS_REF_NONE)
			continue;
		hs_due_drop(op->part, &d->root->root, node);
		hs_dict_root_remove(op->part, d->root, hash, node);
		note_remove(op, d->type, text);
		++*removed;
	}
	if (*removed == 0)
		return;
	if (d->root->index.n == 0)
		hs_remove(op, d->record);
	else if (!shrink(op, d))
		hs_touch_version(op, d->record);
}

HsStatus
hs_dict_remove(HsOp *op, HsType type, HsDictSource *source, uint64_t *removed)
{
	uint64_t	bytes;
	uint64_t	gone = 0;
	HsDict		d;
	HsStatus	status = hs_dict_check(HS_SET, source, &bytes);

	if (status == HS_OK)
		status = hs_dict_open(op, type, &d);
	if (status != HS_OK)
		return status;
	if (d.record != NULL && !hs_effects_fit(op->effects, op->key, source->n, bytes))
		return HS_NO_MEMORY;
	if (d.blob != NULL)
		status = remove_small(op, &d, source, &gone);
	else if (d.root != NULL)
		remove_large(op, &d, source, &gone);
	if (status == HS_OK)
		*removed = gone;
	return status;
}
