/*
 * kvmset.c
 *	  Setting several strings at once, all or none.
 *
 * All records are reserved and all effects written down before the first key changes.
 */
#include "kvstring.h"

#include <stdlib.h>

#include "tag.h"

static size_t bytes_needed(const HsMsetItem *items, size_t nitems);
static int	by_key(const void *a, const void *b);
static HsStatus reserve_all(HsMulti *m, HsMsetItem *items, size_t nitems,
							const HsMsetRule *rule, size_t *reserved, uint64_t *hash);
static HsStatus reserve_one(HsOp *op, HsMsetItem *item, const HsMsetRule *rule);
static bool note_all(HsMulti *m, HsMsetItem *items, size_t nitems, int64_t expires_us);
static void abandon_all(HsMulti *m, HsMsetItem *items, size_t nitems);

HsStatus
hs_mset_prepare(HsHandle *h, HsMsetItem *items, size_t nitems, size_t max_value, size_t *need)
{
	for (size_t i = 0; i < nitems; i++)
	{
		items[i].order = i;
		items[i].value.has_pages = false;
	}
	if (nitems > 1)
		qsort(items, nitems, sizeof(*items), by_key);
	for (size_t i = 0; i < nitems; i++)
		items[i].skip = i + 1 < nitems && hs_bytes_cmp(items[i].key, items[i + 1].key) == 0;
	for (size_t i = 0; i < nitems; i++)
	{
		HsStatus	status;

		if (items[i].skip)
			continue;
		status = hs_value_prepare(h, &items[i].value, max_value, need);
		if (status != HS_OK)
		{
			hs_mset_discard(items, i);
			*need = bytes_needed(items, nitems);
			return status;
		}
	}
	return HS_OK;
}

HsStatus
hs_mset(HsMulti *m, HsMsetItem *items, size_t nitems, const HsMsetRule *rule,
		bool *done, uint64_t *hash)
{
	size_t		reserved;
	HsStatus	status;
	HsOp		op;

	*done = false;
	for (size_t i = 0; rule->only_absent && i < nitems; i++)
	{
		status = hs_multi_op(m, items[i].key, &op);
		if (status != HS_OK)
			return status;
		if (hs_find(&op) != NULL)
			return HS_OK;
	}
	status = reserve_all(m, items, nitems, rule, &reserved, hash);
	if (status == HS_OK && !note_all(m, items, nitems, rule->expires_us))
		status = HS_NO_MEMORY;
	if (status != HS_OK)
	{
		abandon_all(m, items, reserved);
		return status;
	}
	hs_multi_close(m);
	for (size_t i = 0; i < nitems; i++)
	{
		if (items[i].skip)
			continue;
		(void) hs_multi_op(m, items[i].key, &op);	/* it has worked before */
		hs_publish(&op, &items[i].draft);
		items[i].value.has_pages = false;
	}
	*done = true;
	return HS_OK;
}

void
hs_mset_discard(HsMsetItem *items, size_t nitems)
{
	for (size_t i = 0; i < nitems; i++)
		hs_value_discard(&items[i].value);
}

/* By key, and the later one behind the earlier. */
static int
by_key(const void *a, const void *b)
{
	const HsMsetItem *x = a;
	const HsMsetItem *y = b;
	int			c = hs_bytes_cmp(x->key, y->key);

	return c != 0 ? c : (x->order > y->order) - (x->order < y->order);
}

/* Bytes that all take at least, pages included: those go back before the next attempt. */
static size_t
bytes_needed(const HsMsetItem *items, size_t nitems)
{
	size_t		need = 0;

	for (size_t i = 0; i < nitems; i++)
	{
		if (!items[i].skip)
			need += items[i].key.size + items[i].value.bytes.size;
	}
	return need;
}

/* *reserved: number of items, from the first, that hold a draft. */
static HsStatus
reserve_all(HsMulti *m, HsMsetItem *items, size_t nitems, const HsMsetRule *rule,
			size_t *reserved, uint64_t *hash)
{
	for (size_t i = 0; i < nitems; i++)
	{
		HsOp		op;
		HsStatus	status;

		*reserved = i;
		if (items[i].skip)
			continue;
		status = hs_multi_op(m, items[i].key, &op);
		if (status == HS_OK)
			status = reserve_one(&op, &items[i], rule);
		if (status == HS_NO_MEMORY)
		{
			m->need = bytes_needed(items, nitems);
			*hash = op.hash;
		}
		if (status != HS_OK)
			return status;
	}
	*reserved = nitems;
	return HS_OK;
}

/* The draft has the tags. */
static HsStatus
reserve_one(HsOp *op, HsMsetItem *item, const HsMsetRule *rule)
{
	HsStatus	status = hs_tags_hold(op, rule->tags, rule->ntags, &op->tags);

	if (status == HS_OK)
		status = hs_value_reserve(op, HS_STRING, &item->value, rule->expires_us, &item->draft);
	hs_tags_let_go(op->part, op->tags);
	return status;
}

static bool
note_all(HsMulti *m, HsMsetItem *items, size_t nitems, int64_t expires_us)
{
	size_t		mark = hs_effects_mark(m->effects);

	for (size_t i = 0; m->effects != NULL && i < nitems; i++)
	{
		const HsNewValue *v = &items[i].value;
		uint8_t    *space;
		HsOp		op;

		if (items[i].skip)
			continue;
		(void) hs_multi_op(m, items[i].key, &op);
		op.tags = hs_record_tags(items[i].draft.record);
		space = hs_string_note(&op, v->flags, expires_us, v->bytes.size);
		if (space == NULL)
		{
			hs_effects_undo(m->effects, mark);
			m->need = 0;
			return false;
		}
		hs_copy(space, v->bytes.data, v->bytes.size);
	}
	return true;
}

static void
abandon_all(HsMulti *m, HsMsetItem *items, size_t nitems)
{
	for (size_t i = 0; i < nitems; i++)
	{
		HsOp		op;

		if (items[i].skip)
			continue;
		(void) hs_multi_op(m, items[i].key, &op);
		hs_abandon(&op, &items[i].draft);
	}
}
