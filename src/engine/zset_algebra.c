/*
 * zset_algebra.c
 *	  Sorted sets: union, intersection, difference, and results as arrays.
 *
 * The work is members times sets, so whoever it takes too long may interrupt it: nothing is stored
 * here.
 *
 * Scratch memory is measured before anything is done, by what the result
 * can take at most.  Layout: entries | hash table (union only) | member bytes.
 */
#include "zset_int.h"

#define NSETS	64				/* sets kept open; more are opened again when needed */
#define ASK			64			/* members or sets between questions whether to go on */
#define SORT_ASK	10000		/* and where parts of so many members are sorted */

/* The sets of a command. */
typedef struct Sets
{
	HsMulti    *m;
	const HsBytes *keys;
	size_t		n;
	HsZset		open[NSETS];
} Sets;

/* Result being built in the caller's memory. */
typedef struct Result
{
	HsZsetMember *entries;
	size_t		n;
	uint8_t    *bytes;			/* next free one */
} Result;

static HsStatus
open_set(Sets *s, size_t i, HsZset *z, HsType *found)
{
	HsOp		op;
	HsStatus	status;

	status = hs_multi_op(s->m, s->keys[i], &op);
	if (status == HS_OK)
		status = hs_zset_open(&op, z);
	if (status == HS_WRONG_TYPE)
		*found = op.found_type;
	return status;
}

/* A set that sets_open() has found to be one. */
static const HsZset *
set_at(Sets *s, size_t i, HsZset *room)
{
	HsType		found;

	if (i < NSETS)
		return &s->open[i];
	if (open_set(s, i, room, &found) != HS_OK)
		memset(room, 0, sizeof(*room));
	return room;
}

static HsStatus
sets_open(Sets *s, HsMulti *m, const HsBytes *keys, size_t n, size_t *bad_key,
		  HsType *found_type)
{
	s->m = m;
	s->keys = keys;
	s->n = n;
	if (n == 0)
		return HS_BAD_ARGUMENT;
	for (size_t i = 0; i < n; i++)
	{
		HsZset		room;
		HsType		found = HS_ANY;
		HsStatus	status = open_set(s, i, i < NSETS ? &s->open[i] : &room, &found);

		if (i % ASK == ASK - 1 && hs_port_interrupted())
			return HS_INTERRUPTED;
		if (status == HS_OK)
			continue;
		if (bad_key != NULL)
			*bad_key = i;
		if (found_type != NULL)
			*found_type = found;
		return status;
	}
	return HS_OK;
}

static size_t
smallest(Sets *s)
{
	HsZset		room;
	size_t		best = 0;
	uint32_t	count = set_at(s, 0, &room)->count;

	for (size_t i = 1; i < s->n; i++)
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
 * ---- Scores -------------------------------------------------------------------
 */

static double
weighted(double score, const double *weights, size_t i)
{
	double		w;

	if (weights == NULL)
		return score;
	w = score * weights[i] + 0.0;
	return w != w ? 0 : w;
}

static double
combine(double a, double b, HsZsetAggregate aggregate)
{
	double		sum;

	if (aggregate == HS_ZSET_MIN)
		return b < a ? b : a;
	if (aggregate == HS_ZSET_MAX)
		return b > a ? b : a;
	sum = a + b + 0.0;
	return sum != sum ? 0 : sum;
}

/*
 * ---- Sorting: quicksort that turns into heapsort when it goes wrong -------------
 */

static inline bool
comes_before(const HsZsetMember *a, const HsZsetMember *b)
{
	if (a->score != b->score)
		return a->score < b->score;
	return hs_bytes_cmp(a->member, b->member) < 0;
}

static inline void
swap(HsZsetMember *a, HsZsetMember *b)
{
	HsZsetMember t = *a;

	*a = *b;
	*b = t;
}

static void
sift_down(HsZsetMember *e, size_t i, size_t n)
{
	for (;;)
	{
		size_t		child = 2 * i + 1;

		if (child >= n)
			return;
		if (child + 1 < n && comes_before(&e[child], &e[child + 1]))
			child++;
		if (!comes_before(&e[i], &e[child]))
			return;
		swap(&e[i], &e[child]);
		i = child;
	}
}

static void
heapsort_entries(HsZsetMember *e, size_t n)
{
	for (size_t i = n / 2; i-- > 0;)
		sift_down(e, i, n);
	for (size_t i = n; i-- > 1;)
	{
		swap(&e[0], &e[i]);
		sift_down(e, 0, i);
	}
}

static void
insertion_sort(HsZsetMember *e, size_t n)
{
	for (size_t i = 1; i < n; i++)
	{
		HsZsetMember m = e[i];
		size_t		j = i;

		for (; j > 0 && comes_before(&m, &e[j - 1]); j--)
			e[j] = e[j - 1];
		e[j] = m;
	}
}

/* Entries before the pivot to the front; members differ, so none is equal to it. */
static size_t
partition(HsZsetMember *e, size_t n)
{
	size_t		mid = n / 2;
	size_t		at = 0;

	/* median of three to the end */
	if (comes_before(&e[mid], &e[0]))
		swap(&e[mid], &e[0]);
	if (comes_before(&e[n - 1], &e[mid]))
	{
		swap(&e[n - 1], &e[mid]);
		if (comes_before(&e[mid], &e[0]))
			swap(&e[mid], &e[0]);
	}
	swap(&e[mid], &e[n - 1]);
	for (size_t i = 0; i < n - 1; i++)
		if (comes_before(&e[i], &e[n - 1]))
			swap(&e[i], &e[at++]);
	swap(&e[at], &e[n - 1]);
	return at;
}

static void
sort_entries(HsZsetMember *e, size_t n)
{
	unsigned	depth = 2;

	for (size_t i = n; i > 1; i /= 2)
		depth += 2;
	while (n > 16)
	{
		size_t		at;

		/* in no order; the caller asks as well */
		if (n > SORT_ASK && hs_port_interrupted())
			return;
		if (depth-- == 0)
		{
			heapsort_entries(e, n);
			return;
		}
		at = partition(e, n);
		/* the smaller part by recursion, so that it is not deep */
		if (at < n - at - 1)
		{
			sort_entries(e, at);
			e += at + 1;
			n -= at + 1;
		}
		else
		{
			sort_entries(e + at + 1, n - at - 1);
			n = at;
		}
	}
	insertion_sort(e, n);
}

/*
 * ---- Interrupts ------------------------------------------------------------------
 */

/* Asks once in ASK calls; n counts them, from 0. */
static inline bool
give_up(unsigned *n)
{
	return (*n)++ % ASK == 0 && hs_port_interrupted();
}

/*
 * ---- Results ---------------------------------------------------------------------
 */

/* n entries, 'slots' of a hash table, so many bytes. */
static HsStatus
result_init(Result *r, HsZsetScratch *scratch, uint64_t n, uint64_t slots, uint64_t bytes)
{
	uint64_t	table = n * sizeof(HsZsetMember);

	scratch->need = table + slots * sizeof(uint32_t) + bytes;
	if (scratch->need > scratch->capacity)
		return HS_BUFFER_TOO_SMALL;
	r->entries = (HsZsetMember *) (void *) scratch->data;
	r->n = 0;
	r->bytes = scratch->data + table + slots * sizeof(uint32_t);
	return HS_OK;
}

/* Copy a member behind the bytes in use; it counts when it is kept. */
static HsBytes
result_copy(Result *r, const HsZsetItem *item)
{
	hs_zset_item_copy(item, r->bytes);
	return hs_bytes(r->bytes, item->member.size);
}

static void
result_keep(Result *r, HsBytes member, double score)
{
	r->entries[r->n].score = score;
	r->entries[r->n++].member = member;
	r->bytes += member.size;
}

/*
 * ---- The three operations ----------------------------------------------------------
 */

static HsStatus
unite(Sets *s, const double *weights, HsZsetAggregate aggregate, HsZsetScratch *scratch,
	  Result *r)
{
	uint64_t	n = 0,
				bytes = 0,
				slots = 2;
	unsigned	asked = 0;
	HsZset		room;
	uint32_t   *table;
	HsStatus	status;

	for (size_t i = 0; i < s->n; i++)
	{
		const HsZset *z = set_at(s, i, &room);

		n += z->count;
		bytes += hs_zset_member_bytes(z);
	}
	while (slots < 2 * n)
		slots *= 2;
	if (n >= UINT32_MAX)
		return HS_LIMIT;
	status = result_init(r, scratch, n, slots, bytes);
	if (status != HS_OK)
		return status;
	table = (uint32_t *) (void *) (scratch->data + n * sizeof(HsZsetMember));
	memset(table, 0, slots * sizeof(uint32_t));
	for (size_t i = 0; i < s->n; i++)
	{
		const HsZset *z = set_at(s, i, &room);
		HsZsetIter	it;
		HsZsetItem	item;

		hs_zset_iter_init(&it, z, 0, z->count, false);
		while (hs_zset_iter_next(&it, &item))
		{
			double		score = weighted(item.score, weights, i);
			HsBytes		member = result_copy(r, &item);
			uint64_t	at = hs_member_hash(member) & (slots - 1);

			if (give_up(&asked))
				return HS_INTERRUPTED;

			/* the table holds numbers of entries, from 1 */
			while (table[at] != 0 &&
				   hs_bytes_cmp(r->entries[table[at] - 1].member, member) != 0)
				at = (at + 1) & (slots - 1);
			if (table[at] != 0)
			{
				HsZsetMember *e = &r->entries[table[at] - 1];

				e->score = combine(e->score, score, aggregate);
				continue;
			}
			result_keep(r, member, score);
			table[at] = (uint32_t) r->n;
		}
	}
	return HS_OK;
}

/*
 * Is the member, which set number 'own' has with *score, in all others, and with
 * what score in all?  Combined in the order of the keys, so that rounding
 * does not depend on which set is the smallest.
 */
static bool
in_all_others(Sets *s, size_t own, HsBytes member, const double *weights,
			  HsZsetAggregate aggregate, double *score)
{
	HsZset		room;
	double		sum = 0;

	for (size_t i = 0; i < s->n; i++)
	{
		double		one = *score;

		if (i != own && !hs_zset_lookup(set_at(s, i, &room), member, &one))
			return false;
		if (i % ASK == ASK - 1 && hs_port_interrupted())
			return false;
		one = weighted(one, weights, i);
		sum = i == 0 ? one : combine(sum, one, aggregate);
	}
	*score = sum;
	return true;
}

static bool
in_any_other(Sets *s, size_t own, HsBytes member)
{
	HsZset		room;
	double		other;

	for (size_t i = 0; i < s->n; i++)
	{
		if (i != own && hs_zset_lookup(set_at(s, i, &room), member, &other))
			return true;
		if (i % ASK == ASK - 1 && hs_port_interrupted())
			return true;
	}
	return false;
}

static HsStatus
intersect(Sets *s, const double *weights, HsZsetAggregate aggregate, HsZsetScratch *scratch,
		  Result *r)
{
	size_t		own = smallest(s);
	unsigned	asked = 0;
	HsZset		room;
	const HsZset *z = set_at(s, own, &room);
	HsZsetIter	it;
	HsZsetItem	item;
	HsStatus	status = result_init(r, scratch, z->count, 0, hs_zset_member_bytes(z));

	if (status != HS_OK)
		return status;
	hs_zset_iter_init(&it, z, 0, z->count, false);
	while (hs_zset_iter_next(&it, &item))
	{
		HsBytes		member = result_copy(r, &item);
		double		score = item.score;

		if (give_up(&asked))
			return HS_INTERRUPTED;
		if (in_all_others(s, own, member, weights, aggregate, &score))
			result_keep(r, member, score);
	}
	return HS_OK;
}

static HsStatus
subtract(Sets *s, HsZsetScratch *scratch, Result *r)
{
	unsigned	asked = 0;
	HsZset		room;
	const HsZset *z = set_at(s, 0, &room);
	HsZsetIter	it;
	HsZsetItem	item;
	HsStatus	status = result_init(r, scratch, z->count, 0, hs_zset_member_bytes(z));

	if (status != HS_OK)
		return status;
	hs_zset_iter_init(&it, z, 0, z->count, false);
	while (hs_zset_iter_next(&it, &item))
	{
		HsBytes		member = result_copy(r, &item);

		if (give_up(&asked))
			return HS_INTERRUPTED;
		if (!in_any_other(s, 0, member))
			result_keep(r, member, item.score);
	}
	return HS_OK;
}

/*
 * ---- Public functions ------------------------------------------------------------------
 */

HsStatus
hs_zset_algebra(HsMulti *m, HsZsetSetOp setop, const HsBytes *keys, size_t nkeys,
				const double *weights, HsZsetAggregate aggregate, HsZsetScratch *scratch,
				HsZsetMember **result, size_t *n, size_t *bad_key, HsType *found_type)
{
	Sets		s;
	Result		r = {0};
	HsStatus	status;

	for (size_t i = 0; weights != NULL && i < nkeys; i++)
		if (weights[i] != weights[i])
			return HS_NOT_A_NUMBER;
	status = sets_open(&s, m, keys, nkeys, bad_key, found_type);
	if (status != HS_OK)
		return status;
	switch (setop)
	{
		case HS_ZSET_UNION:
			status = unite(&s, weights, aggregate, scratch, &r);
			break;
		case HS_ZSET_INTER:
			status = intersect(&s, weights, aggregate, scratch, &r);
			break;
		case HS_ZSET_DIFF:
			status = subtract(&s, scratch, &r);
			break;
	}
	if (status != HS_OK)
		return status;
	if (setop != HS_ZSET_DIFF)
		sort_entries(r.entries, r.n);
	if (hs_port_interrupted())
		return HS_INTERRUPTED;
	*result = r.entries;
	*n = r.n;
	return HS_OK;
}

HsStatus
hs_zset_intercard(HsMulti *m, const HsBytes *keys, size_t nkeys, uint64_t limit,
				  uint64_t *count, size_t *bad_key, HsType *found_type)
{
	Sets		s;
	HsZset		room;
	const HsZset *z;
	size_t		own;
	unsigned	asked = 0;
	uint64_t	n = 0;
	HsZsetIter	it;
	HsZsetItem	item;
	HsStatus	status = sets_open(&s, m, keys, nkeys, bad_key, found_type);

	if (status != HS_OK)
		return status;
	own = smallest(&s);
	z = set_at(&s, own, &room);
	hs_zset_iter_init(&it, z, 0, z->count, false);
	while ((limit == 0 || n < limit) && !give_up(&asked) && hs_zset_iter_next(&it, &item))
	{
		uint8_t		whole[HS_MAX_KEY];
		double		score = 0;

		if (item.member.data == NULL)
		{
			hs_zset_item_copy(&item, whole);
			item.member.data = whole;
		}
		n += in_all_others(&s, own, item.member, NULL, HS_ZSET_MIN, &score);
	}
	*count = n;
	return hs_port_interrupted() ? HS_INTERRUPTED : HS_OK;
}

HsStatus
hs_zset_collect(HsOp *op, const HsZsetRange *range, HsZsetScratch *scratch,
				HsZsetMember **result, size_t *n)
{
	HsZset		z;
	HsZsetIter	it;
	HsZsetItem	item;
	Result		r = {0};
	uint32_t	low,
				high;
	unsigned	asked = 0;
	uint64_t	bytes = 0;
	HsStatus	status = hs_zset_open(op, &z);

	if (status == HS_OK)
		status = hs_zset_resolve(&z, range, &low, &high);
	if (status != HS_OK)
		return status;
	hs_zset_iter_init(&it, &z, low, high, false);
	while (hs_zset_iter_next(&it, &item))
		bytes += item.member.size;
	status = result_init(&r, scratch, high - low, 0, bytes);
	if (status != HS_OK)
		return status;
	hs_zset_iter_init(&it, &z, low, high, false);
	while (hs_zset_iter_next(&it, &item))
	{
		if (give_up(&asked))
			return HS_INTERRUPTED;
		result_keep(&r, result_copy(&r, &item), item.score);
	}
	*result = r.entries;
	*n = r.n;
	return HS_OK;
}
