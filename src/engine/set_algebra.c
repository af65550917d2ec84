/*
 * set_algebra.c
 *	  Sets: union, intersection, difference.
 *
 * Members are looked up a few at a time, so that the memory they stand in is fetched
 * meanwhile.
 *
 * Nothing is stored here, and the work is members times sets: whoever it takes too long may
 * interrupt it.  What is told to give up ends like what has come to its end; the public functions
 * ask once more.
 *
 * Where looking in each of many sets would take too long, a table of members does: at
 * the end of the caller's buffer, behind the items.
 */
#include "set.h"

#include "dict_int.h"

#define NSETS	64				/* sets kept open; more are opened again when needed */

/* The sets of a command. */
typedef struct Sets
{
	HsMulti    *m;
	const HsBytes *keys;
	size_t		n;
	HsDict		open[NSETS];
} Sets;

/* A few members of one set, in its walk. */
typedef struct Members
{
	const HsDict *d;
	uint64_t	next;			/* of hs_dict_walk() */
	bool		is_last;		/* run is the last one */
	unsigned	i;				/* of the run: the first not yet in pack[] */
	HsDictRun	run;

	unsigned	n;
	const uint8_t *at[HS_DICT_AHEAD];
	HsPack		pack[HS_DICT_AHEAD];
	uint64_t	hash[HS_DICT_AHEAD];
} Members;

/*
 * ---- Opening ----------------------------------------------------------------------
 */

static HsStatus
open_set(Sets *s, size_t i, HsDict *d, HsType *found)
{
	HsOp		op;
	HsStatus	status = hs_multi_op(s->m, s->keys[i], &op);

	if (status == HS_OK)
		status = hs_dict_open(&op, HS_SET, d);
	if (status == HS_WRONG_TYPE)
		*found = op.found_type;
	return status;
}

/* A set that sets_open() has found to be one. */
static const HsDict *
set_at(Sets *s, size_t i, HsDict *room)
{
	HsType		found;

	if (i < NSETS)
		return &s->open[i];
	if (open_set(s, i, room, &found) != HS_OK)
		memset(room, 0, sizeof(*room));
	return room;
}

static HsStatus
sets_open(Sets *s, HsMulti *m, const HsBytes *keys, size_t n, size_t *bad_key, HsType *found_type)
{
	s->m = m;
	s->keys = keys;
	s->n = n;
	for (size_t i = 0; i < n; i++)
	{
		HsDict		room;
		HsStatus	status = open_set(s, i, i < NSETS ? &s->open[i] : &room, found_type);

		if (hs_port_interrupted())
			return HS_INTERRUPTED;
		if (status == HS_OK)
			continue;
		*bad_key = i;
		return status;
	}
	return n > 0 ? HS_OK : HS_BAD_ARGUMENT;
}

static size_t
smallest(Sets *s)
{
	HsDict		room;
	size_t		best = 0;
	uint32_t	count = UINT32_MAX;

	for (size_t i = 0; i < s->n; i++)
	{
		uint32_t	c = set_at(s, i, &room)->count;

		if (c < count)
		{
			best = i;
			count = c;
		}
	}
	return best;
}

/*
 * ---- Members, a few at a time -------------------------------------------------------
 */

static void
members_init(Members *m, const HsDict *d)
{
	m->d = d;
	m->next = 0;
	m->is_last = false;
	m->i = m->run.n = m->n = 0;
}

/* The next ones; false at the end. */
static bool
members_next(Members *m)
{
	m->n = 0;
	if (hs_port_interrupted())
		return false;
	while (m->n < HS_DICT_AHEAD)
	{
		if (m->i == m->run.n)
		{
			if (m->is_last)
				break;
			hs_dict_walk(m->d, m->next, &m->run, &m->next);
			m->is_last = m->next == 0;
			m->i = 0;
			continue;
		}
		if (m->i + HS_DICT_AHEAD < m->run.n)
			__builtin_prefetch(m->run.at[m->i + HS_DICT_AHEAD]);
		m->at[m->n++] = m->run.at[m->i++];
	}
	for (unsigned i = 0; i < m->n; i++)
	{
		(void) hs_pack_get(m->at[i], &m->pack[i]);
		m->hash[i] = hs_pack_hash(&m->pack[i]);
	}
	return m->n > 0;
}

/* Keep of the members at hand those that the other set has, or (not 'has') has not. */
static void
members_keep(Members *m, const HsDict *other, bool has)
{
	const uint8_t *found[HS_DICT_AHEAD];
	unsigned	kept = 0;

	if (hs_port_interrupted())
		m->n = 0;
	hs_dict_find_some(other, m->pack, m->hash, m->n, found);
	for (unsigned i = 0; i < m->n; i++)
	{
		if ((found[i] != NULL) != has)
			continue;
		m->at[kept] = m->at[i];
		m->pack[kept] = m->pack[i];
		m->hash[kept++] = m->hash[i];
	}
	m->n = kept;
}

static void
members_emit(const Members *m, HsItems *out)
{
	for (unsigned i = 0; i < m->n; i++)
		hs_dict_emit(out, m->at[i], true, false);
}

/*
 * ---- Intersection ----------------------------------------------------------------------
 */

/* Members of all sets into 'out' (may be NULL), at most 'limit'; returns how many. */
static uint64_t
intersect(Sets *s, uint64_t limit, HsItems *out)
{
	size_t		base = smallest(s);
	uint64_t	count = 0;
	HsDict		base_room;
	Members		m;

	members_init(&m, set_at(s, base, &base_room));
	while (count < limit && members_next(&m))
	{
		for (size_t i = 0; i < s->n && m.n > 0; i++)
		{
			HsDict		room;

			if (i != base)
				members_keep(&m, set_at(s, i, &room), true);
		}
		count += m.n;
		if (out != NULL)
			members_emit(&m, out);
	}
	return count < limit ? count : limit;
}

/*
 * ---- Union and difference ----------------------------------------------------------------
 */

/* Members of set i that none of the sets [from, to) has. */
static void
emit_unless(Sets *s, size_t i, size_t from, size_t to, HsItems *out)
{
	HsDict		own_room;
	Members		m;

	members_init(&m, set_at(s, i, &own_room));
	while (members_next(&m))
	{
		for (size_t k = from; k < to && m.n > 0; k++)
		{
			HsDict		room;

			members_keep(&m, set_at(s, k, &room), false);
		}
		members_emit(&m, out);
	}
}

/*
 * Members by their hash; they stay where they stand.
 */
typedef struct Table
{
	const uint8_t **slot;		/* NULL: free */
	uint64_t	mask;
} Table;

static const uint8_t removed_slot;	/* its address: a member was here */

/* Where the member is, or the free slot where it would be. */
static const uint8_t **
table_find(const Table *t, const HsPack *p, uint64_t hash)
{
	uint64_t	i = hash & t->mask;

	while (t->slot[i] != NULL && (t->slot[i] == &removed_slot || !hs_pack_is(t->slot[i], p)))
		i = (i + 1) & t->mask;
	return &t->slot[i];
}

static uint64_t
table_slots(uint64_t members)
{
	uint64_t	slots = 16;

	while (slots < 2 * members)
		slots *= 2;
	return slots;
}

/*
 * A table of so many members at the end of the buffer, which must hold so many bytes of
 * items before it.  HS_BUFFER_TOO_SMALL.
 */
static HsStatus
table_init(Table *t, uint64_t members, uint64_t bytes, HsItems *out)
{
	uint64_t	slots = table_slots(members);
	size_t		size = slots * sizeof(t->slot[0]);

	out->need = bytes + size + sizeof(t->slot[0]);
	if (out->need > out->capacity)
		return HS_BUFFER_TOO_SMALL;
	out->need = 0;
	t->slot = (const uint8_t **) (((uintptr_t) (out->buf + out->capacity) & ~(uintptr_t) 7) - size);
	t->mask = slots - 1;
	memset(t->slot, 0, size);
	return HS_OK;
}

static HsStatus
union_by_table(Sets *s, uint64_t members, uint64_t bytes, HsItems *out)
{
	Table		t;
	HsStatus	status = table_init(&t, members, bytes, out);

	for (size_t k = 0; k < s->n && status == HS_OK; k++)
	{
		HsDict		room;
		Members		m;

		members_init(&m, set_at(s, k, &room));
		while (members_next(&m))
		{
			for (unsigned i = 0; i < m.n; i++)
				__builtin_prefetch(&t.slot[m.hash[i] & t.mask]);
			for (unsigned i = 0; i < m.n; i++)
			{
				const uint8_t **slot = table_find(&t, &m.pack[i], m.hash[i]);

				if (*slot != NULL)
					continue;
				*slot = m.at[i];
				hs_dict_emit(out, m.at[i], true, false);
			}
		}
	}
	return status;
}

/* 'bytes': of items of the first set. */
static HsStatus
diff_by_table(Sets *s, uint64_t bytes, HsItems *out)
{
	HsDict		room;
	Members		m;
	Table		t;
	HsStatus	status = table_init(&t, s->open[0].count, bytes, out);

	for (size_t k = 0; k < s->n && status == HS_OK; k++)
	{
		members_init(&m, set_at(s, k, &room));
		while (members_next(&m))
		{
			for (unsigned i = 0; i < m.n; i++)
				__builtin_prefetch(&t.slot[m.hash[i] & t.mask]);
			for (unsigned i = 0; i < m.n; i++)
			{
				const uint8_t **slot = table_find(&t, &m.pack[i], m.hash[i]);

				if (k == 0)
					*slot = m.at[i];
				else if (*slot != NULL)
					*slot = &removed_slot;
			}
		}
	}
	for (uint64_t i = 0; status == HS_OK && i <= t.mask; i++)
		if (t.slot[i] != NULL && t.slot[i] != &removed_slot)
			hs_dict_emit(out, t.slot[i], true, false);
	return status;
}

/* Bytes of all members as items. */
static uint64_t
items_bytes(const HsDict *d)
{
	HsItems		items = {0};
	HsDictRun	run;
	uint64_t	next;

	if (d->root != NULL)
		return d->root->text_bytes + (uint64_t) d->count * HS_ITEM_HEADER;
	hs_dict_walk(d, 0, &run, &next);
	for (unsigned i = 0; i < run.n; i++)
		hs_dict_emit(&items, run.at[i], true, false);
	return items.need;
}

static HsStatus
unite(Sets *s, HsItems *out)
{
	uint64_t	members = 0;
	uint64_t	bytes = 0;

	if (s->n <= 2)
	{
		for (size_t i = 0; i < s->n; i++)
			emit_unless(s, i, 0, i, out);
		return HS_OK;
	}
	for (size_t i = 0; i < s->n; i++)
	{
		HsDict		room;
		const HsDict *d = set_at(s, i, &room);

		members += d->count;
		bytes += items_bytes(d);
	}
	return union_by_table(s, members, bytes, out);
}

static HsStatus
subtract(Sets *s, HsItems *out)
{
	uint64_t	others = 0;

	for (size_t i = 1; i < s->n; i++)
	{
		HsDict		room;

		others += set_at(s, i, &room)->count;
	}
	if ((uint64_t) s->open[0].count * (s->n - 1) > 4 * (s->open[0].count + others))
		return diff_by_table(s, items_bytes(&s->open[0]), out);
	emit_unless(s, 0, 1, s->n, out);
	return HS_OK;
}

/*
 * ---- Public functions ----------------------------------------------------------------------
 */

HsStatus
hs_set_algebra(HsMulti *m, HsSetOp setop, const HsBytes *keys, size_t nkeys, HsItems *out,
			   size_t *bad_key, HsType *found_type)
{
	Sets		s;
	HsStatus	status = sets_open(&s, m, keys, nkeys, bad_key, found_type);

	hs_items_clear(out);
	if (status != HS_OK)
		return status;
	if (setop == HS_SET_UNION)
		status = unite(&s, out);
	else if (setop == HS_SET_DIFF)
		status = subtract(&s, out);
	else
		(void) intersect(&s, UINT64_MAX, out);
	if (hs_port_interrupted())
		return HS_INTERRUPTED;
	if (status == HS_OK && !hs_items_fit(out))
		status = HS_BUFFER_TOO_SMALL;
	return status;
}

HsStatus
hs_set_intercard(HsMulti *m, const HsBytes *keys, size_t nkeys, uint64_t limit, uint64_t *count,
				 size_t *bad_key, HsType *found_type)
{
	Sets		s;
	HsStatus	status = sets_open(&s, m, keys, nkeys, bad_key, found_type);

	if (status == HS_OK)
		*count = intersect(&s, limit == 0 ? UINT64_MAX : limit, NULL);
	return hs_port_interrupted() ? HS_INTERRUPTED : status;
}
