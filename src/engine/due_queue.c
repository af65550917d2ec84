/*
 * due_queue.c
 *	  The members of one large collection that expire, in the order of time.
 */
#include "due_queue.h"

#include "zset_list.h"

/*
 * A short queue.  'cap' times are followed by as many nodes; the first 'n' of both are
 * in use, the last to expire first.  (p) partition lock
 */
typedef struct DueArray
{
	HsRoot		root;			/* (p) type HS_DEAD: no sorted set */
	uint16_t	n;				/* (p) */
	uint16_t	cap;			/* (p) a power of two */
	int64_t		at_us[];		/* (p) descending */
} DueArray;

#define FIRST_CAP	4
#define NODE_BYTES(n)	((uint32_t) (sizeof(DueArray) + (n) * (sizeof(int64_t) + sizeof(HsRef))))

static inline bool
is_array(const HsRoot *root)
{
	return hs_root(root->dues)->type == HS_DEAD;
}

static inline DueArray *
array_of(const HsRoot *root)
{
	return (DueArray *) hs_ptr(root->dues);
}

static inline HsZlist *
list_of(const HsRoot *root)
{
	return hs_zlist(root->dues);
}

static inline HsRef *
nodes(DueArray *a)
{
	return (HsRef *) (a->at_us + a->cap);
}

/* How a list names a node. */
static inline HsBytes
name_of(const HsRef *node)
{
	return hs_bytes(node, sizeof(*node));
}

static HsRef
list_find(const HsZlist *list, HsRef node)
{
	return hs_zlist_find(list, hs_member_hash(name_of(&node)), name_of(&node));
}

/*
 * ---- Arrays --------------------------------------------------------------------
 */

/* Place of the node, or n. */
static unsigned
array_find(DueArray *a, HsRef node)
{
	unsigned	i = 0;

	while (i < a->n && nodes(a)[i] != node)
		i++;
	return i;
}

/* Number of entries that expire after the time; ties are later ones. */
static unsigned
array_place(const DueArray *a, int64_t at_us)
{
	unsigned	low = 0;
	unsigned	high = a->n;

	while (low < high)
	{
		unsigned	mid = (low + high) / 2;

		if (a->at_us[mid] > at_us)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void
array_cut(DueArray *a, unsigned i)
{
	unsigned	behind = a->n - i - 1u;

	memmove(a->at_us + i, a->at_us + i + 1, behind * sizeof(int64_t));
	memmove(nodes(a) + i, nodes(a) + i + 1, behind * sizeof(HsRef));
	a->n--;
}

/* The array has room. */
static void
array_put(DueArray *a, HsRef node, int64_t at_us)
{
	unsigned	i = array_place(a, at_us);
	unsigned	behind = a->n - i;

	memmove(a->at_us + i + 1, a->at_us + i, behind * sizeof(int64_t));
	memmove(nodes(a) + i + 1, nodes(a) + i, behind * sizeof(HsRef));
	a->at_us[i] = at_us;
	nodes(a)[i] = node;
	a->n++;
}

/* An array with room for n entries in all, with what the present one holds. */
static bool
array_enlarge(HsPart *part, HsRoot *root, unsigned n)
{
	DueArray   *old = hs_due_any(root) ? array_of(root) : NULL;
	unsigned	cap = FIRST_CAP;
	HsRef		ref;
	DueArray   *a;

	while (cap < n)
		cap *= 2;
	ref = hs_slab_alloc(part, NODE_BYTES(cap));
	if (ref == HS_REF_NONE)
		return false;
	a = hs_ptr(ref);
	memset(a, 0, sizeof(*a));
	a->root.type = HS_DEAD;
	a->cap = (uint16_t) cap;
	if (old != NULL)
	{
		a->n = old->n;
		memcpy(a->at_us, old->at_us, old->n * sizeof(int64_t));
		memcpy(nodes(a), nodes(old), old->n * sizeof(HsRef));
		hs_slab_free(part, root->dues, NODE_BYTES(old->cap));
	}
	root->dues = ref;
	return true;
}

/* The array becomes a list. */
static HsStatus
array_outgrown(HsPart *part, HsRoot *root)
{
	DueArray   *a = array_of(root);
	HsRef		list = hs_zlist_create(part);
	HsStatus	status = list == HS_REF_NONE ? HS_NO_MEMORY : HS_OK;

	for (unsigned i = 0; i < a->n && status == HS_OK; i++)
	{
		HsBytes		name = name_of(&nodes(a)[i]);

		status = hs_zlist_insert(part, hs_zlist(list), hs_member_hash(name), name,
								 (double) a->at_us[i]);
	}
	if (status != HS_OK)
	{
		if (list != HS_REF_NONE)
			hs_zlist_destroy(part, list);
		return status;
	}
	hs_slab_free(part, root->dues, NODE_BYTES(a->cap));
	root->dues = list;
	return HS_OK;
}

/* Room for n more entries, in an array or, if there will be many, a list. */
static HsStatus
make_room(HsPart *part, HsRoot *root, uint32_t n)
{
	uint32_t	count = hs_due_count(root);

	if (hs_due_any(root) && (!is_array(root) || array_of(root)->cap - count >= n))
		return HS_OK;
	if (n <= HS_DUES_ARRAY && count + n <= HS_DUES_ARRAY)
		return array_enlarge(part, root, count + n) ? HS_OK : HS_NO_MEMORY;
	if (!hs_due_any(root) && !array_enlarge(part, root, 0))
		return HS_NO_MEMORY;
	return array_outgrown(part, root);
}

/*
 * ---- Public functions: asking ----------------------------------------------------
 */

int64_t
hs_due_of(const HsRoot *root, HsRef node)
{
	if (!hs_due_any(root))
		return HS_NEVER;
	if (is_array(root))
	{
		DueArray   *a = array_of(root);
		unsigned	i = array_find(a, node);

		return i < a->n ? a->at_us[i] : HS_NEVER;
	}
	node = list_find(list_of(root), node);
	return node != HS_REF_NONE ? (int64_t) hs_zentry_score(node) : HS_NEVER;
}

uint32_t
hs_due_count(const HsRoot *root)
{
	if (!hs_due_any(root))
		return 0;
	return is_array(root) ? array_of(root)->n : list_of(root)->count;
}

uint32_t
hs_due_count_until(const HsRoot *root, int64_t now_us)
{
	HsZsetBound bound = {HS_ZBOUND_SCORE, true, hs_zset_key((double) now_us), {NULL, 0}};

	if (!hs_due_any(root))
		return 0;
	if (is_array(root))
		return array_of(root)->n - array_place(array_of(root), now_us);
	return hs_zlist_rank(list_of(root), &bound);
}

HsRef
hs_due_at(const HsRoot *root, uint32_t i, int64_t *at_us)
{
	HsRef		entry;
	HsRef		node;
	HsBytes		name;

	if (is_array(root))
	{
		DueArray   *a = array_of(root);

		*at_us = a->at_us[a->n - 1 - i];
		return nodes(a)[a->n - 1 - i];
	}
	entry = hs_zlist_at(hs_zlist_seek(list_of(root), i));
	(void) hs_zentry_member(entry, &name);
	memcpy(&node, name.data, sizeof(node));
	*at_us = (int64_t) hs_zentry_score(entry);
	return node;
}

int64_t
hs_due_next(const HsRoot *root)
{
	int64_t		at_us;

	if (!hs_due_any(root))
		return HS_NEVER;
	(void) hs_due_at(root, 0, &at_us);
	return at_us;
}

int64_t
hs_due_last(const HsRoot *root)
{
	int64_t		at_us;

	if (!hs_due_any(root))
		return HS_NEVER;
	(void) hs_due_at(root, hs_due_count(root) - 1, &at_us);
	return at_us;
}

/*
 * ---- Public functions: changing ----------------------------------------------------
 */

HsStatus
hs_due_prepare(HsOp *op, HsRoot *root, uint32_t n, HsNeeds *also)
{
	HsNeeds		own = {0};
	HsNeeds    *needs = also != NULL ? also : &own;
	HsStatus	status = make_room(op->part, root, n);

	if (status == HS_OK && !is_array(root) && (n > 1 || also != NULL))
	{
		status = hs_zlist_needs(list_of(root), n, hs_needs_add, needs);
		for (uint32_t i = 0; i < n && status == HS_OK; i++)
			hs_zentry_needs(sizeof(HsRef), hs_needs_add, needs);
	}
	if (status == HS_OK && needs->bytes > 0 && !hs_needs_promise(op, needs))
		status = HS_NO_MEMORY;
	if (hs_due_count(root) == 0 && status != HS_OK && hs_due_any(root))
		while (!hs_due_free_slice(op->part, root, UINT32_MAX))
			;
	return status;
}

HsStatus
hs_due_put(HsPart *part, HsRoot *root, HsRef node, int64_t at_us)
{
	HsBytes		name = name_of(&node);
	HsZlist    *list;
	HsRef		entry;
	HsStatus	status = HS_OK;

	assert(at_us == hs_due_round(at_us) && at_us != HS_NEVER);
	if (hs_due_any(root) && is_array(root))
	{
		DueArray   *a = array_of(root);
		unsigned	i = array_find(a, node);

		if (i < a->n)
			array_cut(a, i);
	}
	if (!hs_due_any(root) || is_array(root))
		status = make_room(part, root, 1);
	if (status != HS_OK)
		return status;
	if (is_array(root))
	{
		array_put(array_of(root), node, at_us);
		return HS_OK;
	}
	list = list_of(root);
	entry = list_find(list, node);
	if (entry != HS_REF_NONE)
		return hs_zlist_move(part, list, entry, name, (double) at_us);
	return hs_zlist_insert(part, list, hs_member_hash(name), name, (double) at_us);
}

void
hs_due_drop_any(HsPart *part, HsRoot *root, HsRef node)
{
	if (is_array(root))
	{
		DueArray   *a = array_of(root);
		unsigned	i = array_find(a, node);

		if (i < a->n)
			array_cut(a, i);
	}
	else
	{
		HsBytes		name = name_of(&node);
		uint64_t	hash = hs_member_hash(name);
		HsRef		entry = hs_zlist_find(list_of(root), hash, name);

		if (entry != HS_REF_NONE)
			hs_zlist_remove(part, list_of(root), entry, hash, name);
	}
	if (hs_due_count(root) == 0)
		while (!hs_due_free_slice(part, root, UINT32_MAX))
			;
}

void
hs_due_hold(HsRoot *root, bool hold)
{
	if (hs_due_any(root) && !is_array(root))
		list_of(root)->steady = hold;
}

uint64_t
hs_due_bytes(const HsRoot *root)
{
	if (!hs_due_any(root))
		return 0;
	if (is_array(root))
		return hs_slab_round(NODE_BYTES(array_of(root)->cap));
	return hs_zlist_bytes(list_of(root));
}

bool
hs_due_free_slice(HsPart *part, HsRoot *root, unsigned budget)
{
	if (is_array(root))
		hs_slab_free(part, root->dues, NODE_BYTES(array_of(root)->cap));
	else if (!hs_zlist_free_slice(part, root->dues, budget))
		return false;
	root->dues = HS_REF_NONE;
	return true;
}

const char *
hs_due_verify(const HsRoot *root)
{
	DueArray   *a;

	if (!hs_due_any(root))
		return NULL;
	if (!is_array(root))
	{
		const HsZlist *list = list_of(root);

		if (list->root.type != HS_ZSET || list->count == 0 || list->steady)
			return "dues: the list is none, empty, or held";
		return hs_zlist_verify(list);
	}
	a = array_of(root);
	if (a->n == 0 || a->n > a->cap || a->cap > HS_DUES_ARRAY)
		return "dues: array of a bad size";
	for (unsigned i = 1; i < a->n; i++)
	{
		if (a->at_us[i - 1] < a->at_us[i])
			return "dues: array is not in order";
		if (array_find(a, nodes(a)[i]) != i)
			return "dues: a member comes twice";
	}
	return NULL;
}
