/*
 * list_remove.c
 *	  Lists: taking values away, at the ends or those equal to one.
 */
#include "list_int.h"

/*
 * ---- Both ends ---------------------------------------------------------------------
 */

HsStatus
hs_list_keep(HsOp *op, HsList *l, uint32_t from, uint32_t to)
{
	if (from == 0 && to == l->count)
		return HS_OK;
	if (from >= to)
	{
		if (!hs_note_removal(op))
			return HS_NO_MEMORY;
		hs_remove(op, l->record);
		return HS_OK;
	}
	if (!hs_list_note(op, l, HS_LIST_CHANGE_KEEP, from, to, hs_bytes(NULL, 0)))
		return HS_NO_MEMORY;
	if (l->tree != NULL)
	{
		if (to < l->count)
			hs_ltree_cut(op->part, l->tree, l->count - to, false);
		if (from > 0)
			hs_ltree_cut(op->part, l->tree, from, true);
	}
	else
	{
		if (to < l->count)
			hs_lrun_cut(&l->run, l->count - to, false);
		if (from > 0)
			hs_lrun_cut(&l->run, from, true);
	}
	hs_list_settle(op, l);
	return HS_OK;
}

HsStatus
hs_list_pop(HsOp *op, uint64_t count, bool left, HsItems *out)
{
	HsList		l;
	HsListIter	it;
	uint32_t	n;
	HsStatus	status = hs_list_open(op, &l);

	if (status != HS_OK)
		return status;
	hs_items_clear(out);
	n = count < l.count ? (uint32_t) count : l.count;
	if (n == 0)
		return HS_OK;
	hs_list_iter_init(&it, &l, left ? 0 : l.count - 1, !left);
	hs_list_put_value(out, &it);
	for (uint32_t i = 1; i < n; i++)
	{
		hs_list_iter_next(&it);
		hs_list_put_value(out, &it);
	}
	if (!hs_items_fit(out))
		return HS_BUFFER_TOO_SMALL;
	return hs_list_keep(op, &l, left ? n : 0, left ? l.count : l.count - n);
}

HsStatus
hs_list_trim(HsOp *op, int64_t start, int64_t stop, uint64_t *removed)
{
	HsList		l;
	uint32_t	from,
				to;
	HsStatus	status = hs_list_open(op, &l);

	if (status != HS_OK)
		return status;
	hs_list_resolve_range(&l, start, stop, &from, &to);
	if (l.record != NULL)
		status = hs_list_keep(op, &l, from, to);
	if (status == HS_OK)
		*removed = l.count - (to - from);
	return status;
}

/*
 * ---- Removing values ---------------------------------------------------------------
 */

/* Which values of a run go. */
typedef struct Removing
{
	HsPart	   *part;
	const HsLrun *run;
	const HsLentry *entry;
	unsigned	from,			/* values [from, to) are looked at */
				to;
	unsigned	skip,			/* matches, in the order of memory, that stay first */
				take;			/* and that go then */
	uint64_t	bytes;			/* of chains that went */
} Removing;

static bool
matches(const Removing *r, const HsLpos *pos)
{
	return pos->i >= r->from && pos->i < r->to && hs_lrun_is(r->run, pos, r->entry);
}

static bool
drop_match(void *arg, const HsLpos *pos)
{
	Removing   *r = arg;
	HsLvalue	v;

	if (r->take == 0 || !matches(r, pos))
		return false;
	if (r->skip > 0)
	{
		r->skip--;
		return false;
	}
	r->take--;
	hs_lrun_value(r->run, pos, &v);
	if (v.code == HS_LRUN_CODE_CHAIN)
	{
		r->bytes += hs_chain_bytes(v.pack.text.size);
		hs_chain_free(r->part, v.pack.chain, v.pack.text.size);
	}
	return true;
}

/* Remove up to 'most' matches of [from, to), the last ones if 'right'; how many. */
static unsigned
remove_from_run(HsPart *part, HsLrun *run, HsBytes value, unsigned from, unsigned to,
				uint64_t most, bool right, uint64_t *bytes)
{
	HsLrun		before = *run;	/* run changes while it is filtered */
	HsLentry	entry;
	Removing	r = {part, &before, &entry, from, to, 0, 0, 0};
	unsigned	n = 0;
	HsLpos		pos;

	hs_lentry_make(&entry, run, value);
	for (hs_lrun_seek(run, from, &pos); pos.i < to; hs_lrun_next(run, &pos))
		n += hs_lrun_is(run, &pos, &entry);
	r.take = n < most ? n : (unsigned) most;
	if (right != (bool) run->reversed)
		r.skip = n - r.take;
	n = r.take;
	if (n > 0)
		hs_lrun_filter(run, drop_match, &r);
	*bytes = r.bytes;
	return n;
}

/* False if nothing is left. */
static bool
remove_large(HsOp *op, HsLtree *t, HsBytes value, uint64_t most, bool right, uint64_t *removed)
{
	uint32_t	at = right ? t->count : 0;	/* what is behind it was looked at */

	while (*removed < most && (right ? at > 0 : at < t->count))
	{
		HsLpath		path;
		HsLrun		run;
		uint64_t	bytes;
		unsigned	n,
					all;

		hs_ltree_seek(t, right ? at - 1 : at, &path);
		hs_lblock_open(path.block, &run);
		for (;;)
		{
			all = run.n;
			n = remove_from_run(op->part, &run, value, right ? 0 : at - path.first,
								right ? at - path.first : all, most - *removed, right, &bytes);
			at = right ? path.first : path.first + all - n;
			if (n > 0 || !hs_ltree_step(t, &path, right))
				break;
			hs_lblock_open(path.block, &run);
			at = right ? path.first + run.n : path.first;
		}
		*removed += n;
		if (n == 0)
			break;
		hs_ltree_note(t, &path, -(int64_t) n, -(int64_t) bytes);
		if (t->count == 0)
			return false;
		hs_ltree_repair(op->part, t, &path);
	}
	return true;
}

HsStatus
hs_list_remove(HsOp *op, HsBytes value, int64_t count, uint64_t *removed)
{
	uint64_t	most = count < 0 ? 0 - (uint64_t) count : count == 0 ? UINT64_MAX : (uint64_t) count;
	uint64_t	n = 0;
	uint64_t	bytes;
	HsList		l;
	bool		is_left = true;
	HsStatus	status = hs_list_open(op, &l);

	if (status != HS_OK)
		return status;
	*removed = 0;
	if (l.record == NULL)
		return HS_OK;
	if (op->effects != NULL)
	{
		n = hs_list_count_equal(&l, value, most);
		if (n > 0 && !(n == l.count ? hs_note_removal(op) : hs_list_note(op, &l, HS_LIST_CHANGE_REMOVE, count, 0, value)))
			return HS_NO_MEMORY;
		n = 0;
	}
	if (l.tree != NULL)
		is_left = remove_large(op, l.tree, value, most, count < 0, &n);
	else
	{
		n = remove_from_run(op->part, &l.run, value, 0, l.run.n, most, count < 0, &bytes);
		is_left = l.run.n > 0;
	}
	*removed = n;
	if (!is_left)
		hs_remove(op, l.record);
	else if (n > 0)
		hs_list_settle(op, &l);
	return HS_OK;
}
