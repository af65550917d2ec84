/*
 * list_read.c
 *	  Lists: opening, walking, reading.
 */
#include "list_int.h"

/*
 * ---- Opening, walking ------------------------------------------------------------
 */

void
hs_list_of_record(HsRecord *record, HsList *l)
{
	HsRecordView v;
	HsRef		root;

	memset(l, 0, sizeof(*l));
	l->next = 1;
	if (record == NULL)
		return;
	hs_record_view(record, &v);
	l->record = record;
	if (v.flags & HS_RF_LARGE)
	{
		memcpy(&root, v.value, sizeof(root));
		l->tree = hs_ltree(root);
		l->count = l->tree->count;
		l->changes = l->tree->changes;
		l->next = l->changes + 1;
		return;
	}
	memcpy(&l->changes, v.value, HS_LIST_HEAD);
	l->next = l->changes + 1;
	hs_lrun_open(&l->run, v.value + HS_LIST_HEAD, v.value_size - HS_LIST_HEAD);
	l->count = l->run.n;
}

HsStatus
hs_list_open(HsOp *op, HsList *l)
{
	HsRecord   *record;
	HsStatus	status = hs_find_typed(op, HS_LIST, &record);

	if (status == HS_OK)
		hs_list_of_record(record, l);
	return status;
}

void
hs_list_iter_init(HsListIter *it, const HsList *l, uint32_t index, bool left)
{
	it->list = l;
	it->index = index;
	it->left = left;
	it->done = false;
	if (l->tree != NULL)
	{
		hs_ltree_seek(l->tree, index, &it->path);
		hs_lblock_open(it->path.block, &it->run);
		index -= it->path.first;
	}
	else
		it->run = l->run;
	hs_lrun_seek(&it->run, index, &it->pos);
}

/* To the next run, or the end. */
static void
next_run(HsListIter *it)
{
	if (it->list->tree != NULL && hs_ltree_step(it->list->tree, &it->path, it->left))
	{
		hs_lblock_open(it->path.block, &it->run);
		hs_lrun_seek(&it->run, it->left ? it->run.n - 1u : 0, &it->pos);
	}
	else
		it->done = true;
}

void
hs_list_iter_next(HsListIter *it)
{
	if (it->left ? it->pos.i > 0 : it->pos.i + 1 < it->run.n)
	{
		if (it->left)
			hs_lrun_prev(&it->run, &it->pos);
		else
			hs_lrun_next(&it->run, &it->pos);
	}
	else
		next_run(it);
	it->index += it->left ? -1u : 1u;
}

void
hs_list_resolve_range(const HsList *l, int64_t start, int64_t stop, uint32_t *from, uint32_t *to)
{
	if (start < 0)
		start = start + l->count < 0 ? 0 : start + l->count;
	if (stop < 0)
		stop += l->count;
	if (stop >= l->count)
		stop = (int64_t) l->count - 1;
	*from = *to = 0;
	if (start <= stop)
	{
		*from = (uint32_t) start;
		*to = (uint32_t) stop + 1;
	}
}

/*
 * ---- Reading -----------------------------------------------------------------------
 */

HsStatus
hs_list_count(HsOp *op, uint64_t *count)
{
	HsList		l;
	HsStatus	status = hs_list_open(op, &l);

	if (status == HS_OK)
		*count = l.count;
	return status;
}

HsStatus
hs_list_index(HsOp *op, int64_t index, HsItems *out)
{
	HsList		l;
	HsListIter	it;
	uint32_t	i;
	HsStatus	status = hs_list_open(op, &l);

	if (status != HS_OK)
		return status;
	if (!hs_list_resolve(&l, index, &i))
		return HS_NOT_FOUND;
	hs_list_iter_init(&it, &l, i, false);
	hs_items_clear(out);
	hs_list_put_value(out, &it);
	return hs_items_fit(out) ? HS_OK : HS_BUFFER_TOO_SMALL;
}

/* Values from the one at hand to the right, at most n, as long as they fit; returns how many. */
static uint32_t
emit_values(HsListIter *it, uint32_t n, HsItems *out)
{
	uint32_t	done = 0;

	while (done < n && !it->done)
	{
		unsigned	some = hs_lrun_emit(&it->run, &it->pos, n - done, out);

		done += some;
		it->index += some;
		if (it->pos.i < it->run.n)
			break;
		next_run(it);
	}
	return done;
}

HsStatus
hs_list_read(HsOp *op, HsListCursor *c, HsItems *out)
{
	HsList		l;
	HsListIter	it;
	uint32_t	n;
	HsStatus	status = hs_list_open(op, &l);

	if (status != HS_OK)
		return status;
	hs_items_clear(out);
	if (!c->started)
	{
		uint32_t	from,
					to;

		hs_list_resolve_range(&l, c->start, c->stop, &from, &to);
		c->started = true;
		c->next = from;
		c->left = to - from;
	}
	c->done = c->left == 0 || c->next >= l.count;
	if (c->done)
		return HS_OK;
	hs_list_iter_init(&it, &l, (uint32_t) c->next, false);
	n = emit_values(&it, c->left < HS_LIST_BATCH ? (uint32_t) c->left : HS_LIST_BATCH, out);
	if (n == 0)
	{
		hs_list_put_value(out, &it);	/* not even one fits: how much would it take? */
		return HS_BUFFER_TOO_SMALL;
	}
	c->next += n;
	c->left -= n;
	c->done = c->left == 0 || it.done;
	return HS_OK;
}

/* Looking for a value: its entry is made anew for each run. */
typedef struct Probe
{
	HsBytes		value;
	const uint8_t *run;			/* that the entry is for */
	HsLentry	entry;
} Probe;

static bool
is_value(Probe *p, const HsListIter *it)
{
	if (p->run != it->run.data)
	{
		p->run = it->run.data;
		hs_lentry_make(&p->entry, &it->run, p->value);
	}
	return hs_lrun_is(&it->run, &it->pos, &p->entry);
}

HsStatus
hs_list_find(HsOp *op, HsBytes value, int64_t rank, uint64_t max, uint64_t limit,
			 uint64_t *places, uint64_t *n)
{
	uint64_t	skip = rank < 0 ? 0 - (uint64_t) rank : (uint64_t) rank;
	Probe		probe = {.value = value};
	HsList		l;
	HsListIter	it;
	HsStatus	status;

	if (rank == 0)
		return HS_BAD_ARGUMENT;
	status = hs_list_open(op, &l);
	if (status != HS_OK)
		return status;
	*n = 0;
	if (l.count == 0)
		return HS_OK;
	if (limit == 0)
		limit = UINT64_MAX;
	hs_list_iter_init(&it, &l, rank < 0 ? l.count - 1 : 0, rank < 0);
	for (; !it.done && limit > 0 && *n < max; limit--, hs_list_iter_next(&it))
	{
		if (!is_value(&probe, &it) || --skip > 0)
			continue;
		skip = 1;
		places[(*n)++] = it.index;
	}
	return HS_OK;
}

uint64_t
hs_list_count_equal(const HsList *l, HsBytes value, uint64_t most)
{
	Probe		probe = {.value = value};
	uint64_t	n = 0;
	HsListIter	it;

	for (hs_list_iter_init(&it, l, 0, false); !it.done && n < most; hs_list_iter_next(&it))
		n += is_value(&probe, &it);
	return n;
}
