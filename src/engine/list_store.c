/*
 * list_store.c
 *	  Lists as a whole: dumping, loading, freeing, checking.
 *
 * Dump: u32 changes | u32 number of values, then [u32 size][bytes] for each;
 * little-endian.  The changes are in it so that effects that follow a dump fit it.
 */
#include "list_int.h"

#define DUMP_HEADER		8

size_t
hs_list_dump(HsRecord *record, uint8_t *buf, size_t capacity)
{
	size_t		size = DUMP_HEADER;
	HsList		l;
	HsListIter	it;
	HsLvalue	v;

	hs_list_of_record(record, &l);
	for (hs_list_iter_init(&it, &l, 0, false); !it.done; hs_list_iter_next(&it))
	{
		uint32_t	value_size;

		hs_lrun_value(&it.run, &it.pos, &v);
		value_size = (uint32_t) hs_lvalue_size(&v);
		if (size + HS_ITEM_HEADER + value_size <= capacity)
		{
			memcpy(buf + size, &value_size, HS_ITEM_HEADER);
			hs_lvalue_copy(&v, buf + size + HS_ITEM_HEADER);
		}
		size += HS_ITEM_HEADER + value_size;
	}
	if (size <= capacity)
	{
		memcpy(buf, &l.changes, 4);
		memcpy(buf + 4, &l.count, 4);
	}
	return size;
}

typedef struct Payload
{
	HsBytes		bytes;
	size_t		pos;
} Payload;

static bool
payload_next(void *arg, HsBytes *value)
{
	Payload    *p = arg;

	return hs_item_take(p->bytes, &p->pos, HS_LIST_VALUE_MAX, value);
}

static void
payload_rewind(void *arg)
{
	((Payload *) arg)->pos = DUMP_HEADER;
}

/* Sizes that add up. */
static bool
is_well_formed(HsBytes payload)
{
	uint32_t	n;
	size_t		pos = DUMP_HEADER;
	HsBytes		value;

	if (payload.size < DUMP_HEADER)
		return false;
	memcpy(&n, payload.data + 4, sizeof(n));
	if (n == 0)
		return false;
	for (uint32_t i = 0; i < n; i++)
	{
		if (!hs_item_take(payload, &pos, HS_LIST_VALUE_MAX, &value))
			return false;
	}
	return pos == payload.size;
}

HsStatus
hs_list_load(HsOp *op, HsBytes payload, int64_t expires_us)
{
	Payload		p = {payload, DUMP_HEADER};
	HsListSource source = {payload_next, payload_rewind, &p};
	uint32_t	changes;

	if (!is_well_formed(payload))
		return HS_CORRUPT;
	memcpy(&changes, payload.data, sizeof(changes));
	return hs_list_build(op, &source, changes, expires_us);
}

/*
 * ---- Row of the type table ---------------------------------------------------------------
 */

bool
hs_list_free_slice(HsPart *part, HsRef root, unsigned budget)
{
	return hs_ltree_free_slice(part, root, budget);
}

uint64_t
hs_list_bytes(HsRef root)
{
	return hs_ltree(root)->bytes;
}

uint64_t
hs_list_count_values(HsRecord *record)
{
	HsList		l;

	hs_list_of_record(record, &l);
	return l.count;
}

const char *
hs_list_verify(HsPart *part, HsRecord *record)
{
	HsList		l;

	(void) part;
	hs_list_of_record(record, &l);
	if (l.tree != NULL)
		return hs_ltree_verify(l.tree);
	return hs_lrun_verify(l.run.data, l.run.size, false);
}
