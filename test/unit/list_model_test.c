/*
 * list_model_test.c
 *	  A naive list to compare with: an array of value numbers.
 */
#include "list_model_test.h"

static size_t
random_size(ListValues kind, unsigned i, TestRandom *r)
{
	if (kind == LIST_LONG && i % 7 == 3)
		return 230 + test_below(r, 20);
	if (kind == LIST_LONG && i % 7 == 4)
		return 505 + test_below(r, 20);
	if (kind == LIST_LONG && i % 7 == 5)
		return 1000 + test_below(r, 3000);
	if (kind == LIST_LONG && i % 70 == 6)
		return 5000 + test_below(r, 200000);
	return 4 + test_below(r, 40);
}

HsBytes *
list_model_values(unsigned space, ListValues kind, uint64_t seed)
{
	HsBytes    *values = malloc(space * sizeof(HsBytes));
	TestRandom	r = {seed};

	for (unsigned i = 0; i < space; i++)
	{
		char		text[64];
		size_t		size;
		uint8_t    *data;

		if (kind == LIST_INTS && i % 3 == 0)
			snprintf(text, sizeof(text), "-%u", i + 1);
		else if (kind == LIST_INTS)
			snprintf(text, sizeof(text), "%u%s", i, i % 4 == 0 ? "000000000000" : "");
		else if (kind == LIST_ALIKE)
			snprintf(text, sizeof(text), "%s:%07u", i % 50 == 7 ? "other" : "queue:some:job", i);
		else if (kind == LIST_DIGITS)
			snprintf(text, sizeof(text), "%s%.*s%08x%s", i % 3 == 0 ? "job:" : i % 50 == 7 ? "of another kind" : "",
					 (int) (i % 29), "00ff00112233445566778899aabb", i, i % 13 == 5 ? "." : "");
		else if (kind == LIST_EMPTY && i == 0)
			text[0] = '\0';
		else
			snprintf(text, sizeof(text), "%u.", i);	/* different from all others */
		size = strlen(text);
		if (kind == LIST_ANY || kind == LIST_LONG)
			size += random_size(kind, i, &r);
		data = malloc(size + 1);
		memcpy(data, text, strlen(text));
		for (size_t j = strlen(text); j < size; j++)
			data[j] = (uint8_t) test_random(&r);
		values[i] = hs_bytes(data, size);
	}
	return values;
}

void
list_model_values_free(HsBytes *values, unsigned space)
{
	for (unsigned i = 0; i < space; i++)
		free((void *) values[i].data);
	free(values);
}

void
list_model_init(ListModel *m, unsigned space, HsBytes *values)
{
	*m = (ListModel) {space, values, NULL, 0, 0};
}

void
list_model_free(ListModel *m)
{
	free(m->at);
}

void
list_model_insert(ListModel *m, unsigned at, unsigned id)
{
	if (m->n == m->capacity)
	{
		m->capacity = m->capacity * 2 + 16;
		m->at = realloc(m->at, m->capacity * sizeof(unsigned));
	}
	memmove(m->at + at + 1, m->at + at, (m->n - at) * sizeof(unsigned));
	m->at[at] = id;
	m->n++;
}

void
list_model_keep(ListModel *m, unsigned from, unsigned to)
{
	if (to > from && from > 0)
		memmove(m->at, m->at + from, (to - from) * sizeof(unsigned));
	m->n = to > from ? to - from : 0;
}

unsigned
list_model_remove(ListModel *m, unsigned id, int64_t count)
{
	uint64_t	most = count < 0 ? (uint64_t) -count : count == 0 ? UINT64_MAX : (uint64_t) count;
	unsigned	total = 0;
	unsigned	seen = 0;
	unsigned	kept = 0;

	for (unsigned i = 0; i < m->n; i++)
		total += m->at[i] == id;
	for (unsigned i = 0; i < m->n; i++)
	{
		bool		goes = m->at[i] == id && (count < 0 ? total - seen <= most : seen < most);

		seen += m->at[i] == id;
		if (!goes)
			m->at[kept++] = m->at[i];
	}
	total = m->n - kept;
	m->n = kept;
	return total;
}

void
list_model_range(const ListModel *m, int64_t start, int64_t stop, unsigned *from, unsigned *to)
{
	int64_t		n = m->n;

	start += start < 0 ? n : 0;
	stop += stop < 0 ? n : 0;
	start = start < 0 ? 0 : start;
	stop = stop >= n ? n - 1 : stop;
	*from = *to = 0;
	if (start <= stop)
	{
		*from = (unsigned) start;
		*to = (unsigned) stop + 1;
	}
}
