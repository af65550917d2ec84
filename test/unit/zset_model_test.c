/*
 * zset_model_test.c
 *	  A naive sorted set to compare with: a sorted array of member numbers.
 */
#include "zset_model_test.h"

void
zset_model_init(ZsetModel *m, unsigned space, HsBytes *names)
{
	m->space = space;
	m->name = names;
	m->has = calloc(space, sizeof(bool));
	m->score = calloc(space, sizeof(double));
	m->order = calloc(space, sizeof(unsigned));
	m->n = 0;
}

void
zset_model_free(ZsetModel *m)
{
	free(m->has);
	free(m->score);
	free(m->order);
}

void
zset_model_clear(ZsetModel *m)
{
	memset(m->has, 0, m->space * sizeof(bool));
	m->n = 0;
}

unsigned
zset_model_place(const ZsetModel *m, double score, HsBytes member)
{
	unsigned	low = 0,
				high = m->n;

	while (low < high)
	{
		unsigned	mid = (low + high) / 2;
		double		s = m->score[m->order[mid]];

		if (s < score || (s == score && hs_bytes_cmp(m->name[m->order[mid]], member) < 0))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void
zset_model_remove_ranks(ZsetModel *m, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		m->has[m->order[i]] = false;
	memmove(m->order + from, m->order + to, (m->n - to) * sizeof(unsigned));
	m->n -= to - from;
}

void
zset_model_remove(ZsetModel *m, unsigned id)
{
	unsigned	at = zset_model_place(m, m->score[id], m->name[id]);

	zset_model_remove_ranks(m, at, at + 1);
}

void
zset_model_set(ZsetModel *m, unsigned id, double score)
{
	unsigned	at;

	if (m->has[id])
		zset_model_remove(m, id);
	at = zset_model_place(m, score, m->name[id]);
	memmove(m->order + at + 1, m->order + at, (m->n - at) * sizeof(unsigned));
	m->order[at] = id;
	m->score[id] = score + 0.0;
	m->has[id] = true;
	m->n++;
}

static bool
is_inside(const ZsetModel *m, const HsZsetRange *r, unsigned i)
{
	double		s = m->score[m->order[i]];
	HsBytes		name = m->name[m->order[i]];
	int			c;

	if (r->by == HS_ZSET_BY_SCORE)
		return (r->min_open ? s > r->min : s >= r->min) &&
			(r->max_open ? s < r->max : s <= r->max);
	c = r->no_min ? 1 : hs_bytes_cmp(name, r->lex_min);
	if (c < 0 || (c == 0 && r->min_open))
		return false;
	c = r->no_max ? -1 : hs_bytes_cmp(name, r->lex_max);
	return c < 0 || (c == 0 && !r->max_open);
}

void
zset_model_range(const ZsetModel *m, const HsZsetRange *r, unsigned *low, unsigned *high)
{
	int64_t		n = m->n;
	int64_t		first = -1,
				last = -1;

	/* in the direction of reading */
	for (int64_t i = 0; i < n; i++)
	{
		int64_t		start = r->start < 0 ? r->start + n : r->start;
		int64_t		stop = r->stop < 0 ? r->stop + n : r->stop;
		bool		inside;

		if (r->by == HS_ZSET_BY_RANK)
			inside = i >= start && i <= stop;
		else
			inside = is_inside(m, r, (unsigned) (r->reverse ? n - 1 - i : i));
		if (!inside)
			continue;
		if (first < 0)
			first = i;
		last = i;
	}
	*low = *high = 0;
	if (first < 0 || r->offset > (uint64_t) (last - first))
		return;
	first += (int64_t) r->offset;
	if (r->limit == 0)
		return;
	if (r->limit < (uint64_t) (last - first + 1))
		last = first + (int64_t) r->limit - 1;
	*low = (unsigned) (r->reverse ? n - 1 - last : first);
	*high = (unsigned) (r->reverse ? n - first : last + 1);
}

static size_t
name_size(TestRandom *r, unsigned id, bool with_long)
{
	static const unsigned sizes[] = {253, 254, 255, 256, 300, 1000, 2670, 2671, 2675, 2676,
	2688, 2689, 5000, 5356, 5357, 20000, 65536};

	if (with_long && id % 16 == 3)
		return sizes[test_below(r, sizeof(sizes) / sizeof(sizes[0]) - (id % 512 != 3))];
	return 1 + test_below(r, 20);
}

HsBytes *
zset_model_names(unsigned space, bool with_long, uint64_t seed)
{
	HsBytes    *names = calloc(space, sizeof(HsBytes));
	TestRandom	r = {seed};

	/* member 0 is the empty one; the others differ by their number at the end */
	for (unsigned id = 1; id < space; id++)
	{
		size_t		size = name_size(&r, id, with_long);
		uint8_t    *data;

		if (size < 4)
			size = 4;
		data = malloc(size);
		memset(data, 'a' + (int) test_below(&r, 3), size);
		data[size - 4] = '\0';
		data[size - 3] = (uint8_t) (id >> 16);
		data[size - 2] = (uint8_t) (id >> 8);
		data[size - 1] = (uint8_t) id;
		names[id] = hs_bytes(data, size);
	}
	return names;
}

void
zset_model_names_free(HsBytes *names, unsigned space)
{
	for (unsigned id = 0; id < space; id++)
		free((void *) names[id].data);
	free(names);
}
