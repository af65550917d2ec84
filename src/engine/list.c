/*
 * list.c
 *	  Lists: pushing, changing values inside, moving them from list to list.
 *
 * A small list is changed in place where its record has room (a reader needs the lock), or
 * in a new record.  For a large one all nodes that a command may take are promised
 * by the slabs before the first change.
 * Not here: reading (list_read.c), taking values away (list_remove.c).
 */
#include "list_int.h"

/*
 * ---- Effects ------------------------------------------------------------------
 */

#define CHANGE_LEFT		1		/* flags: push there */
#define CHANGE_FRESH	2		/* the list begins with it */
#define CHANGE_HEAD		22		/* u8 change | u8 flags | u32 changes | i64 a | i64 b */

static void
put_head(uint8_t *head, HsListChange what, unsigned flags, uint32_t changes, int64_t a, int64_t b)
{
	head[0] = (uint8_t) what;
	head[1] = (uint8_t) flags;
	memcpy(head + 2, &changes, 4);
	memcpy(head + 6, &a, 8);
	memcpy(head + 14, &b, 8);
}

bool
hs_list_note(HsOp *op, const HsList *l, HsListChange what, int64_t a, int64_t b, HsBytes tail)
{
	uint8_t		head[CHANGE_HEAD];

	put_head(head, what, 0, l->next, a, b);
	if (hs_effect_put(op->effects, HS_EF_LIST, op->key, hs_bytes(head, sizeof(head)), tail))
		return true;
	op->need = 0;
	return false;
}

/* One for each value, so that each can be done again by itself. */
static bool
note_push(HsOp *op, const HsList *l, const HsBytes *values, size_t n, bool left,
		  int64_t expires_us)
{
	uint64_t	bytes = n * CHANGE_HEAD + sizeof(expires_us);

	if (op->effects == NULL)
		return true;
	for (size_t i = 0; i < n; i++)
		bytes += values[i].size;
	op->need = 0;
	if (!hs_effects_fit(op->effects, op->key, n + 1, bytes))
		return false;
	for (size_t i = 0; i < n; i++)
	{
		bool		is_fresh = l->record == NULL && i == 0;
		uint8_t		head[CHANGE_HEAD];

		put_head(head, HS_LIST_CHANGE_PUSH, (left ? CHANGE_LEFT : 0) | (is_fresh ? CHANGE_FRESH : 0),
				 l->changes + 1 + (uint32_t) i, 0, 0);
		hs_effect_note(op->effects, HS_EF_LIST, op->key, hs_bytes(head, sizeof(head)), values[i]);
	}
	if (l->record == NULL && expires_us != HS_NEVER)
		hs_effect_note_expiry(op->effects, op->key, expires_us);
	return true;
}

/*
 * ---- After a change ----------------------------------------------------------------
 */

/* The run in a new record with 'size' bytes for it.  Without memory nothing has changed. */
static HsStatus
rewrite(HsOp *op, HsList *l, const HsLrun *run, unsigned size, HsDraft *draft)
{
	HsStatus	status = hs_reserve(op, HS_LIST, HS_LIST_HEAD + size, hs_expiry(l->record), draft);
	HsLrun		copy;

	if (status != HS_OK)
		return status;
	memcpy(draft->value, &l->next, HS_LIST_HEAD);
	hs_lrun_copy(&copy, draft->value + HS_LIST_HEAD, size, run);
	return HS_OK;
}

void
hs_list_settle(HsOp *op, HsList *l)
{
	HsLrun		run = l->run;
	unsigned	used;
	HsDraft		draft;

	if (l->tree != NULL)
	{
		if (l->tree->height == 0)
			hs_lblock_open(l->tree->top, &run);
		if (l->tree->height > 0 || hs_lrun_used(&run) > HS_LIST_RUN_MAX / 2 ||
			hs_lrun_has_chain(&run))
		{
			hs_list_touch(op, l);
			return;
		}
	}
	used = hs_lrun_used(&run);
	if ((l->tree != NULL || run.size > 4 * used + 64) &&
		rewrite(op, l, &run, used + used / 4, &draft) == HS_OK)
		hs_publish(op, &draft);
	else
		hs_list_touch(op, l);
}

/*
 * ---- Pushing -------------------------------------------------------------------------
 */

static HsStatus
check_value(HsBytes value)
{
	return value.size > HS_LIST_VALUE_MAX ? HS_VALUE_TOO_LONG : HS_OK;
}

/* What values take in blocks, counted before any is pushed.  Zero it first. */
typedef struct PushNeeds
{
	HsNeeds		needs;
	uint64_t	blocks;
	unsigned	room;			/* in the last of them */
} PushNeeds;

static void
needs_value(PushNeeds *n, size_t size)
{
	unsigned	takes = 1 + (unsigned) size;

	if (size > HS_LIST_INLINE_MAX)
	{
		hs_chain_needs(size, hs_needs_add, &n->needs);
		takes = 1 + HS_LRUN_CHAIN_SIZE;
	}
	else if (size > HS_PACK_TEXT)
		takes += HS_LRUN_TAGS;
	if (takes > n->room)
	{
		n->blocks++;
		n->room = hs_lblock_run_size() - HS_LRUN_HEADER;
	}
	n->room -= takes;
}

/* The value for this run; in a chain if that was made. */
static void
make_entry(HsLentry *e, const HsLrun *run, HsBytes text, HsRef chain)
{
	if (chain != HS_REF_NONE)
		hs_lentry_chain(e, chain, (uint32_t) text.size);
	else
		hs_lentry_make(e, run, text);
}

static HsRef
make_chain(HsPart *part, HsBytes text)
{
	HsRef		chain = HS_REF_NONE;

	if (text.size > HS_LIST_INLINE_MAX)
	{
		chain = hs_chain_alloc(part, text);
		assert(chain != HS_REF_NONE);
	}
	return chain;
}

static int64_t
chain_bytes(HsRef chain, size_t size)
{
	return chain != HS_REF_NONE ? (int64_t) hs_chain_bytes(size) : 0;
}

/* Push into the block at an end if it takes the value. */
static bool
push_end(HsLrun *run, HsBytes text, HsRef chain, bool left)
{
	HsLentry	e;

	make_entry(&e, run, text, chain);
	if (hs_lrun_insert(run, left ? 0 : run->n, &e))
		return true;
	if (!hs_lrun_compress(run))
		return false;
	make_entry(&e, run, text, chain);
	return hs_lrun_insert(run, left ? 0 : run->n, &e);
}

/* Push a value for which all was promised. */
static void
push_promised(HsPart *part, HsLtree *t, HsBytes text, bool left)
{
	HsRef		chain = make_chain(part, text);
	HsLpath		path;
	HsLrun		run;

	hs_ltree_seek(t, left ? 0 : t->count, &path);
	hs_lblock_open(path.block, &run);
	if (!push_end(&run, text, chain, left))
	{
		bool		fits;

		hs_ltree_add_block(part, t, &path, left, left);
		hs_lblock_open(path.block, &run);
		fits = push_end(&run, text, chain, left);
		assert(fits);
		(void) fits;
	}
	hs_ltree_note(t, &path, 1, chain_bytes(chain, text.size));
}

static HsStatus
push_large(HsOp *op, HsList *l, const HsBytes *values, size_t n, bool left)
{
	HsLtree    *t = l->tree;
	PushNeeds needs;
	HsLpath		path;
	HsLrun		run;

	if (n == 1 && values[0].size <= HS_LIST_INLINE_MAX)
	{
		hs_ltree_seek(t, left ? 0 : t->count, &path);
		hs_lblock_open(path.block, &run);
		if (push_end(&run, values[0], HS_REF_NONE, left))
		{
			hs_ltree_note(t, &path, 1, 0);
			hs_list_touch(op, l);
			return HS_OK;
		}
	}
	memset(&needs, 0, sizeof(needs));
	for (size_t i = 0; i < n; i++)
		needs_value(&needs, values[i].size);
	if (n == 1)
	{
		hs_ltree_seek(t, left ? 0 : t->count, &path);
		hs_ltree_needs_one(t, &path, &needs.needs);
	}
	else
		hs_ltree_needs(t, needs.blocks, &needs.needs);
	if (!hs_needs_promise(op, &needs.needs))
		return HS_NO_MEMORY;
	for (size_t i = 0; i < n; i++)
		push_promised(op->part, t, values[i], left);
	hs_list_touch(op, l);
	return HS_OK;
}

/* Text of a value in a small run. */
typedef struct RunText
{
	uint8_t		data[HS_LIST_RUN_MAX + UINT8_MAX];
} RunText;

static HsBytes
run_text(const HsLrun *run, const HsLpos *pos, RunText *buf)
{
	HsLvalue	v;

	hs_lrun_value(run, pos, &v);
	hs_lvalue_copy(&v, buf->data);
	return hs_bytes(buf->data, hs_lvalue_size(&v));
}

/* The values of a small list, and others pushed to them, in a tree. */
static HsStatus
make_large(HsOp *op, HsList *l, const HsBytes *values, size_t n, bool left, int64_t expires_us)
{
	PushNeeds needs;
	HsDraft		draft;
	HsRef		root;
	HsLtree    *t;
	RunText		buf;
	HsListIter	it;
	HsStatus	status;

	memset(&needs, 0, sizeof(needs));
	if (l->count > 0)
		for (hs_list_iter_init(&it, l, left ? l->count - 1 : 0, left); !it.done; hs_list_iter_next(&it))
			{
			HsLvalue	v;

			hs_lrun_value(&it.run, &it.pos, &v);
			needs_value(&needs, hs_lvalue_size(&v));
		}
	for (size_t i = 0; i < n; i++)
		needs_value(&needs, values[i].size);
	hs_ltree_needs(NULL, needs.blocks, &needs.needs);
	status = hs_reserve(op, HS_LIST | HS_RF_LARGE, sizeof(root),
						l->record != NULL ? hs_expiry(l->record) : expires_us, &draft);
	if (status != HS_OK)
		return status;
	if (!hs_needs_promise(op, &needs.needs))
	{
		hs_abandon(op, &draft);
		return hs_needs_bytes(op, HS_NO_MEMORY, needs.needs.bytes);
	}
	root = hs_ltree_create(op->part, left);
	t = hs_ltree(root);
	if (l->count > 0)
		for (hs_list_iter_init(&it, l, left ? l->count - 1 : 0, left); !it.done; hs_list_iter_next(&it))
			push_promised(op->part, t, run_text(&it.run, &it.pos, &buf), left);
	for (size_t i = 0; i < n; i++)
		push_promised(op->part, t, values[i], left);
	t->changes = l->next;
	memcpy(draft.value, &root, sizeof(root));
	hs_publish(op, &draft);
	return HS_OK;
}

/* Push into a run that has room for all of them. */
static void
push_run(HsLrun *run, const HsBytes *values, size_t n, bool left)
{
	for (size_t i = 0; i < n; i++)
	{
		HsLentry	e;
		bool		fits;

		hs_lentry_make(&e, run, values[i]);
		fits = hs_lrun_insert(run, left ? 0 : run->n, &e);
		assert(fits);
		(void) fits;
	}
}

/* Bytes that the run has with these values, or more than a record takes. */
static unsigned
run_size(const HsLrun *run, const HsBytes *values, size_t n)
{
	unsigned	size = hs_lrun_used(run);

	for (size_t i = 0; i < n; i++)
	{
		HsLentry	e;

		if (values[i].size > HS_LIST_RUN_MAX)
			return HS_LIST_RUN_MAX + 1;
		hs_lentry_make(&e, run, values[i]);
		size += 1 + hs_lentry_size(&e);
		if (size > HS_LIST_RUN_MAX)
			return size;
	}
	return size;
}

static unsigned
grown(unsigned size, unsigned by)
{
	return size + by > HS_LIST_RUN_MAX ? HS_LIST_RUN_MAX : size + by;
}

static HsStatus
push_new(HsOp *op, HsList *l, const HsBytes *values, size_t n, bool left, int64_t expires_us)
{
	uint8_t		header[HS_LRUN_HEADER];
	unsigned	size;
	HsDraft		draft;
	HsLrun		run;
	HsStatus	status;

	hs_lrun_init(&run, header, sizeof(header), left);
	size = run_size(&run, values, n);
	if (size > HS_LIST_RUN_MAX)
		return make_large(op, l, values, n, left, expires_us);
	size = grown(size, size / 4);
	status = hs_reserve(op, HS_LIST, HS_LIST_HEAD + size, expires_us, &draft);
	if (status != HS_OK)
		return status;
	memcpy(draft.value, &l->next, HS_LIST_HEAD);
	hs_lrun_init(&run, draft.value + HS_LIST_HEAD, size, left);
	push_run(&run, values, n, left);
	hs_publish(op, &draft);
	return HS_OK;
}

static HsStatus
push_small(HsOp *op, HsList *l, const HsBytes *values, size_t n, bool left)
{
	unsigned	size = run_size(&l->run, values, n);
	HsDraft		draft;
	HsLrun		run;
	HsStatus	status;

	if (size > HS_LIST_RUN_MAX && hs_lrun_compress(&l->run))
		size = run_size(&l->run, values, n);
	if (size > HS_LIST_RUN_MAX)
		return make_large(op, l, values, n, left, HS_NEVER);
	if (size <= l->run.size)
	{
		push_run(&l->run, values, n, left);
		hs_list_touch(op, l);
		return HS_OK;
	}
	size = grown(size, size / 2);
	status = rewrite(op, l, &l->run, size, &draft);
	if (status != HS_OK)
		return status;
	hs_lrun_open(&run, draft.value + HS_LIST_HEAD, size);
	push_run(&run, values, n, left);
	hs_publish(op, &draft);
	return HS_OK;
}

HsStatus
hs_list_push(HsOp *op, const HsBytes *values, size_t n, bool left, bool only_existing,
			 int64_t new_expires_us, uint64_t *count)
{
	size_t		mark = hs_effects_mark(op->effects);
	HsList		l;
	HsStatus	status = hs_list_open(op, &l);

	for (size_t i = 0; i < n && status == HS_OK; i++)
		status = check_value(values[i]);
	if (status != HS_OK)
		return status;
	if (n > HS_LTREE_MAX - l.count)
		return HS_LIMIT;
	if (n > 0 && !(l.record == NULL && only_existing))
	{
		if (!note_push(op, &l, values, n, left, new_expires_us))
			return HS_NO_MEMORY;
		l.next = l.changes + (uint32_t) n;
		if (l.record == NULL)
			status = push_new(op, &l, values, n, left, new_expires_us);
		else if (l.tree != NULL)
			status = push_large(op, &l, values, n, left);
		else
			status = push_small(op, &l, values, n, left);
		l.count += (uint32_t) n;
	}
	if (status != HS_OK)
		hs_effects_undo(op->effects, mark);
	else
		*count = l.count;
	return status;
}

/*
 * ---- In the middle ---------------------------------------------------------------------
 */

/*
 * Insert into the block at the path, at its place i; a full one is split in two halves of
 * about the same size, so that either takes any value.
 */
static void
insert_promised(HsPart *part, HsLtree *t, HsLpath *path, unsigned i, HsBytes text, HsRef chain)
{
	HsLrun		run;
	HsLrun		right;
	HsLentry	e;
	bool		fits;

	hs_lblock_open(path->block, &run);
	make_entry(&e, &run, text, chain);
	fits = hs_lrun_insert(&run, i, &e);
	if (!fits)
	{
		HsLpath		old = *path;
		unsigned	half = 0;
		HsLpos		pos;
		int64_t		bytes = 0;
		unsigned	sum = 0;

		for (hs_lrun_seek(&run, 0, &pos); sum < (unsigned) (run.top - run.low) + run.n; half++)
		{
			unsigned	end = pos.end;

			hs_lrun_next(&run, &pos);
			sum += 2 * (1 + (end > pos.end ? end - pos.end : pos.end - end));
		}
		if (half == run.n)
			half--;
		hs_ltree_add_block(part, t, path, false, false);
		hs_lblock_open(path->block, &right);
		hs_lrun_take_prefix(&right, &run);
		fits = hs_lrun_append(&right, &run, half, run.n);
		assert(fits);
		for (hs_lrun_seek(&right, 0, &pos); pos.i < right.n; hs_lrun_next(&right, &pos))
		{
			HsLvalue	v;

			hs_lrun_value(&right, &pos, &v);
			bytes += chain_bytes(v.pack.chain, v.pack.text.size);
		}
		hs_ltree_note(t, path, right.n, bytes);
		hs_ltree_seek(t, old.first, path);
		hs_lrun_cut(&run, run.n - half, false);
		hs_ltree_note(t, path, -(int64_t) right.n, -bytes);
		if (i > half)
		{
			(void) hs_ltree_step(t, path, false);
			i -= half;
			run = right;
		}
		make_entry(&e, &run, text, chain);
		fits = hs_lrun_insert(&run, i, &e);
	}
	assert(fits);
	(void) fits;
	hs_ltree_note(t, path, 1, chain_bytes(chain, text.size));
}

/* Promise a chain for the value and one more block. */
static bool
promise_one(HsOp *op, const HsLtree *t, const HsLpath *path, HsBytes value)
{
	PushNeeds needs;

	memset(&needs, 0, sizeof(needs));
	needs_value(&needs, value.size);
	hs_ltree_needs_one(t, path, &needs.needs);
	return hs_needs_promise(op, &needs.needs);
}

/* Before value 'index', or in place of it. */
static HsStatus
put_large(HsOp *op, HsList *l, uint32_t index, HsBytes value, bool replace)
{
	HsLtree    *t = l->tree;
	HsLpath		path;
	HsLrun		run;
	HsLpos		pos;
	HsLvalue	old = {.code = 0};
	HsLentry	e;
	HsRef		chain;

	hs_ltree_seek(t, index, &path);
	hs_lblock_open(path.block, &run);
	index -= path.first;
	hs_lentry_make(&e, &run, value);
	if (replace)
	{
		hs_lrun_seek(&run, index, &pos);
		hs_lrun_value(&run, &pos, &old);
	}
	if (value.size <= HS_LIST_INLINE_MAX && !(replace && old.code == HS_LRUN_CODE_CHAIN) &&
		(replace ? hs_lrun_replace(&run, index, &e) : hs_lrun_insert(&run, index, &e)))
	{
		hs_ltree_note(t, &path, replace ? 0 : 1, 0);
		hs_list_touch(op, l);
		return HS_OK;
	}
	if (!promise_one(op, t, &path, value))
		return HS_NO_MEMORY;
	chain = make_chain(op->part, value);
	if (replace)
	{
		hs_ltree_note(t, &path, -1, -chain_bytes(old.pack.chain, old.pack.text.size));
		if (old.pack.chain != HS_REF_NONE)
			hs_chain_free(op->part, old.pack.chain, old.pack.text.size);
		hs_lrun_drop(&run, index);
	}
	insert_promised(op->part, t, &path, index, value, chain);
	hs_list_touch(op, l);
	return HS_OK;
}

static HsStatus
put_small(HsOp *op, HsList *l, uint32_t index, HsBytes value, bool replace)
{
	unsigned	size = run_size(&l->run, &value, 1);
	HsLrun		run;
	HsLentry	e;
	HsDraft		draft;
	HsStatus	status;
	bool		fits;

	if (value.size <= HS_LIST_RUN_MAX)
	{
		hs_lentry_make(&e, &l->run, value);
		if (replace ? hs_lrun_replace(&l->run, index, &e) : hs_lrun_insert(&l->run, index, &e))
		{
			hs_list_settle(op, l);
			return HS_OK;
		}
	}
	if (size > HS_LIST_RUN_MAX)
	{
		/* the same list in its other encoding, then the change */
		l->next = l->changes;
		status = make_large(op, l, NULL, 0, false, HS_NEVER);
		if (status == HS_OK)
			status = hs_list_open(op, l);
		if (status != HS_OK)
			return status;
		return put_large(op, l, index, value, replace);
	}
	size = grown(size, size / 2);
	status = rewrite(op, l, &l->run, size, &draft);
	if (status != HS_OK)
		return status;
	hs_lrun_open(&run, draft.value + HS_LIST_HEAD, size);
	fits = replace ? hs_lrun_replace(&run, index, &e) : hs_lrun_insert(&run, index, &e);
	assert(fits);
	(void) fits;
	hs_publish(op, &draft);
	return HS_OK;
}

static HsStatus
put_at(HsOp *op, HsList *l, uint32_t index, HsBytes value, bool replace)
{
	size_t		mark = hs_effects_mark(op->effects);
	HsStatus	status;

	if (!hs_list_note(op, l, replace ? HS_LIST_CHANGE_SET : HS_LIST_CHANGE_INSERT, index, 0, value))
		return HS_NO_MEMORY;
	status = l->tree != NULL ? put_large(op, l, index, value, replace) :
		put_small(op, l, index, value, replace);
	if (status != HS_OK)
		hs_effects_undo(op->effects, mark);
	return status;
}

HsStatus
hs_list_set(HsOp *op, int64_t index, HsBytes value)
{
	HsList		l;
	uint32_t	i;
	HsStatus	status = hs_list_open(op, &l);

	if (status == HS_OK)
		status = check_value(value);
	if (status != HS_OK)
		return status;
	if (!hs_list_resolve(&l, index, &i))
		return HS_NOT_FOUND;
	return put_at(op, &l, i, value, true);
}

HsStatus
hs_list_insert(HsOp *op, HsBytes pivot, bool before, HsBytes value, int64_t *count)
{
	uint64_t	place;
	uint64_t	found;
	HsList		l;
	HsStatus	status = hs_list_open(op, &l);

	if (status == HS_OK)
		status = check_value(value);
	if (status == HS_OK)
		status = hs_list_find(op, pivot, 1, 1, 0, &place, &found);
	if (status != HS_OK)
		return status;
	if (found == 0)
	{
		*count = l.record == NULL ? 0 : -1;
		return HS_OK;
	}
	if (l.count == HS_LTREE_MAX)
		return HS_LIMIT;
	*count = (int64_t) l.count + 1;
	return put_at(op, &l, (uint32_t) (before ? place : place + 1), value, false);
}

/*
 * ---- From one list to another ----------------------------------------------------------
 */

/* Does the buffer take what hs_list_move() may note? */
static bool
move_fits(HsMulti *m, HsBytes from, HsBytes to, size_t value_size)
{
	return hs_effects_fit(m->effects, from, 3,
						  2 * (uint64_t) to.size + 2 * CHANGE_HEAD + sizeof(int64_t) + value_size);
}

/* The same key: the value is there twice for a moment, and goes at the end it came from. */
static HsStatus
move_value(HsMulti *m, HsOp *src, HsOp *dst, bool from_left, bool to_left,
		   int64_t new_expires_us, HsItems *out)
{
	size_t		pos = 0;
	uint64_t	count;
	HsBytes		value;
	HsList		l;
	HsStatus	status = hs_list_index(src, from_left ? 0 : -1, out);

	if (status != HS_OK)
		return status;
	(void) hs_items_next(out, &pos, &value);
	if (!move_fits(m, src->key, dst->key, value.size))
		return HS_NO_MEMORY;
	hs_multi_close(m);
	status = hs_list_push(dst, &value, 1, to_left, false, new_expires_us, &count);
	if (status == HS_OK)
		status = hs_list_open(src, &l);
	if (status == HS_OK)
		status = hs_list_keep(src, &l, from_left ? 1 : 0, from_left ? l.count : l.count - 1);
	return status;
}

HsStatus
hs_list_move(HsMulti *m, HsBytes from, HsBytes to, bool from_left, bool to_left,
			 int64_t new_expires_us, HsItems *out, size_t *bad_key, HsType *found_type)
{
	HsRecord   *record;
	HsRecord   *target;
	HsOp		src;
	HsOp		dst;
	HsStatus	status = hs_multi_op(m, from, &src);

	hs_items_clear(out);
	if (status == HS_OK)
		status = hs_multi_op(m, to, &dst);
	if (status != HS_OK)
		return status;
	*bad_key = 0;
	status = hs_find_typed(&src, HS_LIST, &record);
	if (status == HS_OK && record != NULL)
	{
		*bad_key = 1;
		status = hs_find_typed(&dst, HS_LIST, &target);
	}
	*found_type = *bad_key == 0 ? src.found_type : dst.found_type;
	if (status != HS_OK || record == NULL)
		return status;
	return hs_multi_note(m, &dst, move_value(m, &src, &dst, from_left, to_left, new_expires_us, out));
}

/*
 * ---- Doing it again -----------------------------------------------------------------
 */

HsStatus
hs_list_redo(HsOp *op, HsBytes head, HsBytes tail)
{
	uint32_t	changes;
	int64_t		a,
				b;
	uint64_t	n;
	HsList		l;
	HsStatus	status;

	if (head.size != CHANGE_HEAD || head.data[0] >= HS_LIST_CHANGE_END ||
		head.data[1] > (CHANGE_LEFT | CHANGE_FRESH) || tail.size > HS_LIST_VALUE_MAX)
		return HS_CORRUPT;
	memcpy(&changes, head.data + 2, 4);
	memcpy(&a, head.data + 6, 8);
	memcpy(&b, head.data + 14, 8);
	if (head.data[1] & CHANGE_FRESH)
	{
		HsRecord   *record = hs_find(op);

		if (head.data[0] != HS_LIST_CHANGE_PUSH || changes != 1)
			return HS_CORRUPT;
		if (record != NULL)
			hs_remove(op, record);
	}
	status = hs_list_open(op, &l);
	if (status != HS_OK || (l.record == NULL && !(head.data[1] & CHANGE_FRESH)) ||
		changes != l.next)
		return status;
	switch ((HsListChange) head.data[0])
	{
		case HS_LIST_CHANGE_PUSH:
			return hs_list_push(op, &tail, 1, head.data[1] & CHANGE_LEFT, false, HS_NEVER, &n);
		case HS_LIST_CHANGE_KEEP:
			return a >= 0 && a < b && b <= l.count ?
				hs_list_keep(op, &l, (uint32_t) a, (uint32_t) b) : HS_OK;
		case HS_LIST_CHANGE_SET:
			return a >= 0 && a < l.count ? put_at(op, &l, (uint32_t) a, tail, true) : HS_OK;
		case HS_LIST_CHANGE_INSERT:
			return a >= 0 && a <= l.count && l.count < HS_LTREE_MAX ?
				put_at(op, &l, (uint32_t) a, tail, false) : HS_OK;
		case HS_LIST_CHANGE_REMOVE:
			return hs_list_remove(op, tail, a, &n);
		case HS_LIST_CHANGE_END:
			break;
	}
	return HS_CORRUPT;
}

/*
 * ---- A whole list --------------------------------------------------------------------
 */

static HsStatus
build_small(HsOp *op, const HsListSource *s, unsigned size, uint32_t changes, int64_t expires_us)
{
	HsBytes		value;
	HsDraft		draft;
	HsLrun		run;
	HsStatus	status = hs_reserve(op, HS_LIST, HS_LIST_HEAD + size, expires_us, &draft);

	if (status != HS_OK)
		return status;
	memcpy(draft.value, &changes, HS_LIST_HEAD);
	hs_lrun_init(&run, draft.value + HS_LIST_HEAD, size, false);
	for (s->rewind(s->arg); s->next(s->arg, &value);)
		push_run(&run, &value, 1, false);
	hs_publish(op, &draft);
	return HS_OK;
}

HsStatus
hs_list_build(HsOp *op, const HsListSource *s, uint32_t changes, int64_t expires_us)
{
	uint8_t		header[HS_LRUN_HEADER];
	unsigned	size;
	PushNeeds	needs;
	HsBytes		value;
	HsDraft		draft;
	HsLrun		run;
	HsRef		root;
	HsStatus	status;

	memset(&needs, 0, sizeof(needs));
	hs_lrun_init(&run, header, sizeof(header), false);
	size = hs_lrun_used(&run);
	for (s->rewind(s->arg); s->next(s->arg, &value);)
	{
		needs_value(&needs, value.size);
		if (size <= HS_LIST_RUN_MAX)
			size += run_size(&run, &value, 1) - HS_LRUN_HEADER;
	}
	if (size <= HS_LIST_RUN_MAX)
		return build_small(op, s, size, changes, expires_us);
	hs_ltree_needs(NULL, needs.blocks, &needs.needs);
	status = hs_reserve(op, HS_LIST | HS_RF_LARGE, sizeof(root), expires_us, &draft);
	if (status != HS_OK)
		return status;
	if (!hs_needs_promise(op, &needs.needs))
	{
		hs_abandon(op, &draft);
		return hs_needs_bytes(op, HS_NO_MEMORY, needs.needs.bytes);
	}
	root = hs_ltree_create(op->part, false);
	hs_ltree(root)->changes = changes;
	for (s->rewind(s->arg); s->next(s->arg, &value);)
		push_promised(op->part, hs_ltree(root), value, false);
	memcpy(draft.value, &root, sizeof(root));
	hs_publish(op, &draft);
	return HS_OK;
}
