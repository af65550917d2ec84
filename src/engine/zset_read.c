/*
 * zset_read.c
 *	  Sorted sets: scores, ranks, ranges and batches of entries.
 *
 * Whatever a range goes by, it is turned into two ranks first; from there on
 * counting, reading, removing and popping are alike.
 */
#include "shuffle.h"
#include "zset_int.h"

/*
 * ---- One member ------------------------------------------------------------------
 */

bool
hs_zset_lookup(const HsZset *z, HsBytes member, double *score)
{
	if (z->list != NULL)
	{
		HsRef		entry = hs_zlist_find(z->list, hs_member_hash(member), member);

		if (entry == HS_REF_NONE)
			return false;
		*score = hs_zentry_score(entry);
		return true;
	}
	if (z->blob != NULL)
		return hs_zblob_find(z->blob, member, NULL, score) != 0;
	return false;
}

HsStatus
hs_zset_score(HsOp *op, HsBytes member, double *score)
{
	HsZset		z;
	HsStatus	status = hs_zset_open(op, &z);

	if (status != HS_OK)
		return status;
	return hs_zset_lookup(&z, member, score) ? HS_OK : HS_NOT_FOUND;
}

HsStatus
hs_zset_rank(HsOp *op, HsBytes member, bool reverse, uint64_t *rank, double *score)
{
	HsZset		z;
	double		found;
	unsigned	r = 0;
	HsStatus	status = hs_zset_open(op, &z);

	if (status != HS_OK)
		return status;
	if (z.list != NULL)
	{
		HsRef		entry = hs_zlist_find(z.list, hs_member_hash(member), member);

		if (entry == HS_REF_NONE)
			return HS_NOT_FOUND;
		r = hs_zlist_rank_of(z.list, entry, member);
		found = hs_zentry_score(entry);
	}
	else
	{
		if (z.blob == NULL || hs_zblob_find(z.blob, member, &r, &found) == 0)
			return HS_NOT_FOUND;
	}
	*rank = reverse ? z.count - 1 - r : r;
	if (score != NULL)
		*score = found;
	return HS_OK;
}

HsStatus
hs_zset_card(HsOp *op, uint64_t *count)
{
	HsZset		z;
	HsStatus	status = hs_zset_open(op, &z);

	if (status == HS_OK)
		*count = z.count;
	return status;
}

uint64_t
hs_zset_member_bytes(const HsZset *z)
{
	if (z->list != NULL)
		return z->list->member_bytes;
	if (z->blob != NULL)
		return hs_zblob_member_bytes(z->blob);
	return 0;
}

/*
 * ---- Ranges as ranks ----------------------------------------------------------------
 */

uint32_t
hs_zset_rank_below(const HsZset *z, const HsZsetBound *bound)
{
	if (z->list != NULL)
		return hs_zlist_rank(z->list, bound);
	return z->blob != NULL ? hs_zblob_rank(z->blob, bound) : 0;
}

static uint32_t
score_rank(const HsZset *z, double score, bool after)
{
	HsZsetBound b = {HS_ZBOUND_SCORE, after, hs_zset_key(score), {NULL, 0}};

	return hs_zset_rank_below(z, &b);
}

static uint32_t
lex_rank(const HsZset *z, HsBytes member, bool after)
{
	HsZsetBound b = {HS_ZBOUND_LEX, after, 0, member};

	return hs_zset_rank_below(z, &b);
}

/* Rank of a position that may be negative; no further out than one step. */
static int64_t
from_either_end(int64_t position, int64_t count)
{
	if (position < 0)
		position = position < -count ? -1 : position + count;
	return position > count ? count : position;
}

static void
resolve_ranks(const HsZset *z, const HsZsetRange *range, uint32_t *low, uint32_t *high)
{
	int64_t		count = z->count;
	int64_t		start = from_either_end(range->start, count);
	int64_t		stop = from_either_end(range->stop, count);

	if (start < 0)
		start = 0;
	if (stop >= count)
		stop = count - 1;
	if (start > stop)
		start = stop + 1;		/* none */
	if (start < 0)
		start = 0;
	*low = (uint32_t) (range->reverse ? count - 1 - stop : start);
	*high = (uint32_t) (range->reverse ? count - start : stop + 1);
}

HsStatus
hs_zset_resolve(const HsZset *z, const HsZsetRange *range, uint32_t *low, uint32_t *high)
{
	uint32_t	n;

	switch (range->by)
	{
		case HS_ZSET_BY_RANK:
			resolve_ranks(z, range, low, high);
			break;
		case HS_ZSET_BY_SCORE:
			if (range->min != range->min || range->max != range->max)
				return HS_NOT_A_NUMBER;
			*low = score_rank(z, range->min, range->min_open);
			*high = score_rank(z, range->max, !range->max_open);
			break;
		case HS_ZSET_BY_LEX:
			*low = range->no_min ? 0 : lex_rank(z, range->lex_min, range->min_open);
			*high = range->no_max ? z->count : lex_rank(z, range->lex_max, !range->max_open);
			break;
	}
	if (*high < *low)
		*high = *low;
	n = *high - *low;
	if (range->offset < n)
		n -= (uint32_t) range->offset;
	else
		n = 0;
	if (range->reverse)
		*high = *low + n;
	else
		*low = *high - n;
	if (range->limit < n)
		n = (uint32_t) range->limit;
	if (range->reverse)
		*low = *high - n;
	else
		*high = *low + n;
	return HS_OK;
}

HsStatus
hs_zset_count(HsOp *op, const HsZsetRange *range, uint64_t *count)
{
	HsZset		z;
	uint32_t	low,
				high;
	HsStatus	status = hs_zset_open(op, &z);

	if (status == HS_OK)
		status = hs_zset_resolve(&z, range, &low, &high);
	if (status == HS_OK)
		*count = high - low;
	return status;
}

/*
 * ---- Walking ---------------------------------------------------------------------------
 */

/* Get references of the next entries and bring the entries into the cache. */
static void
fetch(HsZsetIter *it)
{
	it->nahead = 0;
	if (it->unfetched == 0)
		return;
	it->nahead = hs_zlist_run(&it->pos, it->reverse, it->ahead,
							  it->unfetched < HS_ZSET_AHEAD ? it->unfetched : HS_ZSET_AHEAD);
	it->unfetched -= it->nahead;
	for (unsigned i = 0; i < it->nahead; i++)
		__builtin_prefetch(hs_ptr(it->ahead[i]));
}

void
hs_zset_iter_init(HsZsetIter *it, const HsZset *z, uint32_t low, uint32_t high, bool reverse)
{
	it->z = z;
	it->reverse = reverse;
	it->left = high - low;
	it->unfetched = high - low;
	it->rank = reverse ? high - 1 : low;
	it->i = it->n = it->nahead = 0;
	if (it->left == 0)
		return;
	if (z->list == NULL)
	{
		hs_zblob_index(z->blob, high, &it->index);
		hs_zblob_name_init(&it->name, &it->index.view);
		return;
	}
	it->pos = hs_zlist_seek(z->list, it->rank);
	fetch(it);
}

static inline void
blob_item(const HsZblobIndex *index, uint32_t rank, HsZblobName *name, HsZsetItem *item)
{
	unsigned	at = hs_zblob_at(index, rank);

	item->score = hs_zblob_score(&index->view, at);
	item->member = hs_zblob_member(&index->view, at, name);
	item->entry = HS_REF_NONE;
}

static inline void
entry_item(HsRef entry, HsZsetItem *item)
{
	item->score = hs_zentry_score(entry);
	item->entry = entry;
	if (!hs_zentry_member(entry, &item->member))
		item->member = hs_bytes(NULL, hs_zentry_size(entry));
}

bool
hs_zset_iter_next(HsZsetIter *it, HsZsetItem *item)
{
	if (it->left == 0)
		return false;
	it->left--;
	if (it->z->list == NULL)
	{
		blob_item(&it->index, it->rank, &it->name, item);
		it->rank += it->reverse ? (uint32_t) -1 : 1;
		return true;
	}
	if (it->i == it->n)
	{
		memcpy(it->run, it->ahead, sizeof(it->run));
		it->n = it->nahead;
		it->i = 0;
		fetch(it);
	}
	entry_item(it->run[it->i++], item);
	return true;
}

void
hs_zset_item_copy(const HsZsetItem *item, uint8_t *dst)
{
	if (item->member.data != NULL)
		hs_copy(dst, item->member.data, item->member.size);
	else if (item->member.size > 0)
		hs_zentry_copy(item->entry, dst);
}

/*
 * ---- Batches -----------------------------------------------------------------------------
 */

/* Append an item if it fits; out->size is what it takes so far. */
static bool
emit(uint8_t *buf, size_t capacity, HsZsetBatch *out, const HsZsetItem *item)
{
	size_t		size = HS_ZSET_ENTRY_HEADER + item->member.size;
	uint32_t	member_size = (uint32_t) item->member.size;
	uint8_t    *to = buf + out->size;

	if (size > capacity - out->size)
		return false;
	memcpy(to, &item->score, 8);
	memcpy(to + 8, &member_size, 4);
	hs_zset_item_copy(item, to + HS_ZSET_ENTRY_HEADER);
	out->size += size;
	out->n++;
	return true;
}

/* The ranks still to be read, after the last entry of the previous batch. */
static HsStatus
resume(const HsZset *z, const HsZsetCursor *c, const uint8_t *buf, uint32_t *low, uint32_t *high)
{
	HsZsetRange range = c->range;
	size_t		pos = c->last;
	HsZsetMember last = hs_zset_batch_next(buf, &pos);
	HsZsetBound bound = {HS_ZBOUND_MEMBER, !range.reverse, hs_zset_key(last.score), last.member};
	uint32_t	edge = hs_zset_rank_below(z, &bound);
	HsStatus	status;

	range.offset = 0;
	range.limit = UINT64_MAX;
	if (range.by == HS_ZSET_BY_RANK)
	{
		range.start = 0;
		range.stop = -1;
	}
	status = hs_zset_resolve(z, &range, low, high);
	if (status != HS_OK)
		return status;
	if (range.reverse)
	{
		if (*high > edge)
			*high = edge;
		if (*low > *high)
			*low = *high;
		if (*high - *low > c->left)
			*low = *high - (uint32_t) c->left;
	}
	else
	{
		if (*low < edge)
			*low = edge;
		if (*high < *low)
			*high = *low;
		if (*high - *low > c->left)
			*high = *low + (uint32_t) c->left;
	}
	return HS_OK;
}

HsStatus
hs_zset_read(HsOp *op, HsZsetCursor *c, uint8_t *buf, size_t capacity, HsZsetBatch *out)
{
	HsZset		z;
	HsZsetIter	it;
	HsZsetItem	item;
	HsZsetBatch batch = {0};
	uint32_t	low = 0,
				high = 0;
	size_t		last = 0;
	HsStatus	status = hs_zset_open(op, &z);

	if (status == HS_OK)
		status = c->started ? resume(&z, c, buf, &low, &high) :
			hs_zset_resolve(&z, &c->range, &low, &high);
	if (status != HS_OK)
		return status;
	batch.first_rank = c->range.reverse ? z.count - high : low;
	hs_zset_iter_init(&it, &z, low, high, c->range.reverse);
	while (batch.n < HS_ZSET_BATCH && hs_zset_iter_next(&it, &item))
	{
		size_t		at = batch.size;

		if (!emit(buf, capacity, &batch, &item))
		{
			if (batch.n > 0)
				break;
			out->need = HS_ZSET_ENTRY_HEADER + item.member.size;
			return HS_BUFFER_TOO_SMALL;
		}
		last = at;
	}
	if (!c->started)
		c->left = c->range.by == HS_ZSET_BY_RANK ? high - low : c->range.limit;
	c->started = true;
	c->last = last;
	c->left -= batch.n;
	c->done = batch.n == high - low || c->left == 0;
	*out = batch;
	return HS_OK;
}

HsStatus
hs_zset_pop(HsOp *op, uint64_t count, bool from_max, uint8_t *buf, size_t capacity,
			HsZsetBatch *out)
{
	HsZset		z;
	HsZsetIter	it;
	HsZsetItem	item;
	HsZsetBatch batch = {0};
	uint32_t	n;
	HsStatus	status = hs_zset_open(op, &z);

	if (status != HS_OK)
		return status;
	n = count < z.count ? (uint32_t) count : z.count;
	hs_zset_iter_init(&it, &z, from_max ? z.count - n : 0, from_max ? z.count : n, from_max);
	while (hs_zset_iter_next(&it, &item))
	{
		batch.need += HS_ZSET_ENTRY_HEADER + item.member.size;
		if (batch.need <= capacity)
			(void) emit(buf, capacity, &batch, &item);
	}
	if (batch.need > capacity)
	{
		out->need = batch.need;
		return HS_BUFFER_TOO_SMALL;
	}
	status = hs_zset_cut(op, &z, from_max ? z.count - n : 0, from_max ? z.count : n);
	if (status == HS_OK)
		*out = batch;
	return status;
}

/*
 * ---- Random members ------------------------------------------------------------------------
 */

static void
item_at(const HsZset *z, const HsZblobIndex *index, uint32_t rank, HsZblobName *name, HsZsetItem *item)
{
	if (z->list != NULL)
		entry_item(hs_zlist_at(hs_zlist_seek(z->list, rank)), item);
	else
		blob_item(index, rank, name, item);
}

HsStatus
hs_zset_random(HsOp *op, int64_t count, uint64_t seed, uint8_t *buf, size_t capacity,
			   HsZsetBatch *out)
{
	HsZset		z;
	HsZblobIndex index;
	HsZblobName name;
	HsZsetBatch batch = {0};
	HsShuffle	shuffle = {0};
	uint32_t	n;
	HsStatus	status = hs_zset_open(op, &z);

	if (status != HS_OK)
		return status;
	if (count < -HS_ZSET_RANDOM_MAX)
		return HS_BAD_ARGUMENT;
	n = count < 0 ? (uint32_t) -count : count < z.count ? (uint32_t) count : z.count;
	if (z.count == 0)
		n = 0;
	if (z.blob != NULL)
	{
		hs_zblob_index(z.blob, z.count, &index);
		hs_zblob_name_init(&name, &index.view);
	}
	if (count > 0 && n > 0)
		hs_shuffle_init(&shuffle, z.count, seed);
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	rank = count < 0 ? hs_random_below(&seed, z.count) : hs_shuffle_at(&shuffle, i);
		HsZsetItem	item;

		item_at(&z, &index, rank, &name, &item);
		batch.need += HS_ZSET_ENTRY_HEADER + item.member.size;
		if (batch.need <= capacity)
			(void) emit(buf, capacity, &batch, &item);
	}
	if (batch.need > capacity)
	{
		out->need = batch.need;
		return HS_BUFFER_TOO_SMALL;
	}
	*out = batch;
	return HS_OK;
}
