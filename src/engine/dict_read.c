/*
 * dict_read.c
 *	  Dictionaries of hashes and sets: walking, reading in batches, random members.
 */
#include "dict_node.h"

#include "shuffle.h"

#define FETCH_AHEAD		8		/* nodes brought into the cache before their turn */

/*
 * ---- Walking --------------------------------------------------------------------
 */

static inline uint64_t
position_of(const HsDict *d, const uint8_t *at)
{
	HsPack		p;

	(void) hs_pack_get(at, &p);
	return hs_members_position(d->seed, hs_pack_hash(&p));
}

static void
blob_walk(const HsDict *d, uint64_t position, HsDictRun *run)
{
	const uint8_t *at = d->blob + HS_DICT_BLOB_HEADER;

	for (unsigned n = hs_dict_blob_n(d->blob); n > 0; n--)
	{
		if (position == 0 || position_of(d, at) >= position)
			run->at[run->n++] = at;
		at += hs_dict_skip(d->type, at);
	}
}

void
hs_dict_walk(const HsDict *d, uint64_t position, HsDictRun *run, uint64_t *next)
{
	HsRef		node[HS_MEMBERS_SEG_MAX];

	run->n = 0;
	*next = 0;
	if (d->blob != NULL)
		blob_walk(d, position, run);
	if (d->root == NULL)
		return;
	run->n = hs_members_walk(&d->root->index, &hs_dict_ops, position, node, next);
	for (unsigned i = 0; i < run->n; i++)
	{
		run->at[i] = hs_dict_node(node[i]);
		if (i < FETCH_AHEAD)
			__builtin_prefetch(run->at[i]);
	}
}

/*
 * ---- Copying out -------------------------------------------------------------------
 */

static inline size_t
emitted_size(const uint8_t *at, bool members, bool values)
{
	size_t		size = 0;
	HsPack		p;

	if (members)
	{
		(void) hs_pack_get(at, &p);
		size += HS_ITEM_HEADER + hs_pack_text_size(&p);
	}
	if (values)
	{
		(void) hs_pack_get(at + hs_pack_skip(at), &p);
		size += HS_ITEM_HEADER + hs_pack_text_size(&p);
	}
	return size;
}

static inline void
emit_pack(HsItems *out, const HsPack *p)
{
	uint8_t    *to = hs_items_space(out, hs_pack_text_size(p));

	if (to != NULL)
		hs_pack_copy(p, to);
}

void
hs_dict_emit(HsItems *out, const uint8_t *at, bool members, bool values)
{
	HsPack		p;

	if (members)
	{
		(void) hs_pack_get(at, &p);
		emit_pack(out, &p);
	}
	if (values)
	{
		(void) hs_pack_get(at + hs_pack_skip(at), &p);
		emit_pack(out, &p);
	}
}

/* Room for all of the run, in no order? */
static bool
emit_run(HsItems *out, const HsDictRun *run, bool members, bool values)
{
	size_t		size = out->size;
	size_t		need = out->need;
	uint64_t	n = out->n;

	for (unsigned i = 0; i < run->n && hs_items_fit(out); i++)
	{
		if (i + FETCH_AHEAD < run->n)
			__builtin_prefetch(run->at[i + FETCH_AHEAD]);
		hs_dict_emit(out, run->at[i], members, values);
	}
	if (hs_items_fit(out))
		return true;
	out->size = size;
	out->need = need;
	out->n = n;
	return false;
}

/*
 * ---- Reading in batches ---------------------------------------------------------------
 */

typedef struct Placed
{
	uint64_t	position;
	const uint8_t *at;
} Placed;

static int
by_position(const void *a, const void *b)
{
	uint64_t	x = ((const Placed *) a)->position;
	uint64_t	y = ((const Placed *) b)->position;

	return (x > y) - (x < y);
}

/* qsort() may allocate. */
static void
sort_placed(Placed *p, unsigned n)
{
	for (unsigned gap = n / 2; gap > 0; gap = gap == 2 ? 1 : gap * 5 / 11)
		for (unsigned i = gap; i < n; i++)
		{
			Placed		x = p[i];
			unsigned	j = i;

			for (; j >= gap && by_position(&x, &p[j - gap]) < 0; j -= gap)
				p[j] = p[j - gap];
			p[j] = x;
		}
}

/*
 * The first members of the run in order, as many as fit; members of the same hash
 * together, so that *position can tell where to go on.  HS_BUFFER_TOO_SMALL: not even one.
 */
static HsStatus
emit_some(HsItems *out, const HsDict *d, const HsDictRun *run, bool members, bool values,
		  uint64_t *position)
{
	Placed		placed[HS_MEMBERS_SEG_MAX];
	unsigned	i = 0;

	for (unsigned k = 0; k < run->n; k++)
		placed[k] = (Placed) {position_of(d, run->at[k]), run->at[k]};
	sort_placed(placed, run->n);
	while (i < run->n)
	{
		size_t		size = 0;
		unsigned	end = i;

		for (; end < run->n && placed[end].position == placed[i].position; end++)
			size += emitted_size(placed[end].at, members, values);
		if (out->need + size > out->capacity)
		{
			*position = placed[i].position;
			if (out->n > 0)
				return HS_OK;
			out->need = size;
			return HS_BUFFER_TOO_SMALL;
		}
		for (; i < end; i++)
			hs_dict_emit(out, placed[i].at, members, values);
	}
	return HS_OK;
}

HsStatus
hs_dict_read(HsOp *op, HsType type, HsDictCursor *cursor, bool members, bool values, HsItems *out)
{
	HsDict		d;
	HsDictRun	run;
	uint64_t	enough = HS_DICT_BATCH * (members && values ? 2 : 1);
	HsStatus	status = hs_dict_open(op, type, &d);

	hs_items_clear(out);
	if (status == HS_OK && d.root != NULL && cursor->seed != d.seed)
	{
		cursor->seed = d.seed;
		cursor->position = 0;
	}
	d.seed = cursor->seed;
	while (status == HS_OK && !cursor->done && out->n < enough)
	{
		uint64_t	next;

		hs_dict_walk(&d, cursor->position, &run, &next);
		if (!emit_run(out, &run, members, values))
			return out->n > 0 ? HS_OK :
				emit_some(out, &d, &run, members, values, &cursor->position);
		cursor->position = next;
		cursor->done = next == 0;
	}
	return status;
}

/*
 * ---- Random members ------------------------------------------------------------------------
 */

/* Members by number: of a blob in the order they stand, of an index by its places. */
typedef struct Places
{
	const HsDict *d;
	uint32_t	n;				/* places, some of them empty */
	HsDictRun	run;			/* of a blob */
} Places;

static void
places_init(Places *p, const HsDict *d)
{
	p->d = d;
	p->run.n = 0;
	if (d->blob != NULL)
		blob_walk(d, 0, &p->run);
	p->n = d->root != NULL ? (uint32_t) hs_members_places(&d->root->index) : p->run.n;
}

/* NULL for an empty place. */
static const uint8_t *
place_at(const Places *p, uint32_t i)
{
	HsRef		node;

	if (p->d->root == NULL)
		return p->run.at[i];
	node = hs_members_at(&p->d->root->index, i);
	return node != HS_REF_NONE ? hs_dict_node(node) : NULL;
}

/* n draws, each of any member */
static void
draw(const Places *p, uint64_t n, bool members, bool values, uint64_t seed, HsItems *out)
{
	for (uint64_t i = 0; i < n; i++)
	{
		const uint8_t *at;

		do
			at = place_at(p, hs_random_below(&seed, p->n));
		while (at == NULL);
		hs_dict_emit(out, at, members, values);
	}
}

/* n different members, fewer than there are */
static void
pick(const Places *p, uint64_t n, bool members, bool values, uint64_t seed, HsItems *out)
{
	HsShuffle	shuffle;

	hs_shuffle_init(&shuffle, p->n, seed);
	for (uint32_t i = 0; n > 0; i++)
	{
		const uint8_t *at = place_at(p, hs_shuffle_at(&shuffle, i));

		if (at == NULL)
			continue;
		hs_dict_emit(out, at, members, values);
		n--;
	}
}

static void
emit_all(const HsDict *d, bool members, bool values, HsItems *out)
{
	HsDictRun	run;
	uint64_t	next = 0;

	do
	{
		hs_dict_walk(d, next, &run, &next);
		for (unsigned i = 0; i < run.n; i++)
		{
			if (i + FETCH_AHEAD < run.n)
				__builtin_prefetch(run.at[i + FETCH_AHEAD]);
			hs_dict_emit(out, run.at[i], members, values);
		}
	} while (next != 0);
}

HsStatus
hs_dict_random(HsOp *op, HsType type, int64_t count, bool members, bool values, uint64_t seed,
			   HsItems *out)
{
	HsDict		d;
	Places		places;
	HsStatus	status;

	if (count < -HS_DICT_RANDOM_MAX)
		return HS_BAD_ARGUMENT;
	status = hs_dict_open(op, type, &d);
	hs_items_clear(out);
	if (status != HS_OK || d.count == 0 || count == 0)
		return status;
	places_init(&places, &d);
	if (count < 0)
		draw(&places, (uint64_t) -count, members, values, seed, out);
	else if ((uint64_t) count < d.count)
		pick(&places, (uint64_t) count, members, values, seed, out);
	else
		emit_all(&d, members, values, out);
	return hs_items_fit(out) ? HS_OK : HS_BUFFER_TOO_SMALL;
}
