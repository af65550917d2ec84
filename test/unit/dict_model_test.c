/*
 * dict_model_test.c
 *	  A naive hash or set to compare with.
 */
#include "dict_model_test.h"

#include "dump.h"

static HsBytes
copy_of(const void *data, size_t size)
{
	void	   *p = malloc(size + 1);

	memcpy(p, data, size);
	return hs_bytes(p, size);
}

static HsBytes
filled(size_t size, unsigned id)
{
	uint8_t    *p = malloc(size + 1);

	memset(p, 'a' + (int) (id % 3), size);
	memcpy(p + size - 4, &id, 4);
	return hs_bytes(p, size);
}

/* Each kind ends with the number or has it at a place of its own, so that all differ. */
static HsBytes
make_name(unsigned id, bool with_long)
{
	static const size_t sizes[] = {63, 64, 65, 238, 239, 240, 241, 255, 256, 1000, 1023, 1024, 1025, 1026,
	2688, 2689, 2690, 5356, 5357, 20000, 65536};
	char		text[64];
	int64_t		big = (int64_t) 1 << (24 + id % 39);

	if (id == 0)
		return copy_of("", 0);
	if (with_long && id % 16 == 3)
		return filled(sizes[(id / 16) % (sizeof(sizes) / sizeof(sizes[0]) - (id % 512 != 3))], id);
	switch (id % 5)
	{
		case 0:
			snprintf(text, sizeof(text), "%u", id);
			break;
		case 1:
			snprintf(text, sizeof(text), "-%" PRId64, big + id);
			break;
		case 2:
			snprintf(text, sizeof(text), "0%u", id);	/* no integer */
			break;
		case 3:
			snprintf(text, sizeof(text), "field:%u", id);
			break;
		default:
			return filled(4 + id % 30, id);
	}
	return copy_of(text, strlen(text));
}

static HsBytes
make_value(unsigned v, bool with_long)
{
	static const size_t sizes[] = {0, 5, 60, 64, 65, 239, 240, 241, 1000, 1024, 1025, 2688, 2689, 6000, 100000};
	char		text[32];

	if (v % 4 == 3)
	{
		size_t		size = sizes[v / 4 % (with_long ? 15 : 5)];

		return size == 0 ? copy_of("", 0) : filled(size, v);
	}
	snprintf(text, sizeof(text), "%s%" PRId64, v % 4 == 0 ? "" : v % 4 == 1 ? "-" : "v",
			 v + ((int64_t) 1 << v % 62));
	return copy_of(text, strlen(text));
}

void
dict_model_init(DictModel *m, unsigned space, bool with_long)
{
	m->space = space;
	m->name = calloc(space, sizeof(HsBytes));
	m->has = calloc(space, sizeof(int));
	for (unsigned id = 0; id < space; id++)
		m->name[id] = make_name(id, with_long);
	for (unsigned v = 0; v < DICT_VALUES; v++)
		m->value[v] = make_value(v, with_long);
	dict_model_clear(m);
}

void
dict_model_free(DictModel *m)
{
	for (unsigned id = 0; id < m->space; id++)
		free((void *) (uintptr_t) m->name[id].data);
	for (unsigned v = 0; v < DICT_VALUES; v++)
		free((void *) (uintptr_t) m->value[v].data);
	free(m->name);
	free(m->has);
}

void
dict_model_resize_name(DictModel *m, unsigned id, size_t size)
{
	free((void *) (uintptr_t) m->name[id].data);
	m->name[id] = filled(size, id);
}

void
dict_model_resize_value(DictModel *m, unsigned v, size_t size)
{
	free((void *) (uintptr_t) m->value[v].data);
	m->value[v] = filled(size, v);
}

void
dict_model_clear(DictModel *m)
{
	for (unsigned id = 0; id < m->space; id++)
		m->has[id] = -1;
	m->n = 0;
}

void
dict_model_set(DictModel *m, unsigned id, int value)
{
	m->n += m->has[id] < 0;
	m->has[id] = value;
}

void
dict_model_remove(DictModel *m, unsigned id)
{
	m->n -= m->has[id] >= 0;
	m->has[id] = -1;
}

/* From the shape of the name: what make_name() may have made it of. */
int
dict_model_id(const DictModel *m, HsBytes name)
{
	unsigned	tries[3] = {0, 0, 0};
	char		text[32] = {0};
	const char *digits;

	if (name.size >= 4)
		memcpy(&tries[0], name.data + name.size - 4, 4);
	if (name.size < sizeof(text))
	{
		memcpy(text, name.data, name.size);
		digits = strrchr(text, ':');
		tries[1] = (unsigned) strtoul(digits != NULL ? digits + 1 : text, NULL, 10);
		tries[2] = (unsigned) strtoull(text + (text[0] == '-'), NULL, 10) & 0xffffff;
	}
	for (unsigned i = 0; i < 3; i++)
		if (tries[i] < m->space && hs_bytes_cmp(m->name[tries[i]], name) == 0)
			return (int) tries[i];
	return -1;
}

void
dict_model_check(const DictModel *m, const HsItems *items, bool values, unsigned *seen)
{
	size_t		pos = 0;

	for (uint64_t i = 0; i < items->n; i += values ? 2 : 1)
	{
		HsBytes		name;
		HsBytes		value;
		int			id;

		REQUIRE(hs_items_next(items, &pos, &name));
		id = dict_model_id(m, name);
		REQUIRE(id >= 0);
		CHECK(m->has[id] >= 0);
		seen[id]++;
		if (!values)
			continue;
		REQUIRE(hs_items_next(items, &pos, &value));
		if (m->has[id] >= 0)
			CHECK(hs_bytes_cmp(value, m->value[m->has[id]]) == 0);
	}
	CHECK_EQ(pos, items->size);
}

uint64_t
dict_model_sum(HsBytes payload, bool values)
{
	HsItems		items = {.buf = (uint8_t *) (uintptr_t) payload.data};
	uint64_t	sum = payload.size;
	size_t		pos = 4;

	while (pos < payload.size)
	{
		uint64_t	hash = UINT64_C(0xcbf29ce484222325);

		for (int part = 0; part <= values; part++)
		{
			HsBytes		item;

			(void) hs_items_next(&items, &pos, &item);
			hash = (hash ^ item.size) * UINT64_C(0x100000001b3);
			for (size_t i = 0; i < item.size; i++)
				hash = (hash ^ item.data[i]) * UINT64_C(0x100000001b3);
		}
		sum += hash * hash;
	}
	return sum;
}

bool
dict_model_same_dump(HsBytes a, HsBytes b)
{
	HsDump		x,
				y;

	if (hs_bytes_cmp(a, b) == 0)
		return true;
	if (hs_dump_open(a, &x) != HS_OK || hs_dump_open(b, &y) != HS_OK || x.type != y.type ||
		(x.type != HS_HASH && x.type != HS_SET))
		return false;
	return dict_model_sum(x.payload, x.type == HS_HASH) == dict_model_sum(y.payload, y.type == HS_HASH);
}
