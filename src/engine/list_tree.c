/*
 * list_tree.c
 *	  Large lists: blocks of values under a tree of counts.
 *
 * What a path passes is kept up to date by hs_ltree_note() and the like: each entry
 * counts values and bytes of all that is below it, its node included.  Nodes that get
 * their next child at an end are not split in half, so what is pushed leaves full nodes
 * behind.  Removing never allocates.
 */
#include "list_tree.h"

#include "log.h"
#include "part.h"

typedef struct Child
{
	HsRef		ref;
	uint32_t	count;			/* values below */
	uint64_t	bytes;			/* of nodes below, this one included */
} Child;

/* HsRoot.kind */
enum
{
	KIND_TREE,
	KIND_INNER,
	KIND_BLOCK
};

/*
 * Inner node.  In shared memory.  (p) partition lock
 */
typedef struct Inner
{
	HsRoot		root;			/* (p) for the graveyard */
	HsRef		sibling;		/* (p) in the graveyard: goes with this one */
	uint16_t	n;				/* (p) children */
	uint16_t	cap;			/* (p) room for so many */
	Child		child[];
} Inner;

/*
 * Block.  In shared memory.  (p) partition lock
 */
typedef struct Block
{
	HsRoot		root;			/* (p) for the graveyard */
	HsRef		sibling;		/* (p) in the graveyard: goes with this one */
	uint8_t		run[];
} Block;

#define NODE_SIZE		HS_CHAIN_NODE	/* bytes asked for; the slab may give some more */
#define MAX_CHILDREN	((NODE_SIZE - sizeof(Inner)) / sizeof(Child))
#define FREE_NOW		16		/* blocks that a cut frees at once */

/* Room of an inner node that is the top. */
static const uint16_t small_caps[] = {8, 32};

static inline Inner *
inner(HsRef ref)
{
	return (Inner *) hs_ptr(ref);
}

static inline uint32_t
inner_size(unsigned cap)
{
	return (uint32_t) (sizeof(Inner) + cap * sizeof(Child));
}

static inline unsigned
larger_cap(unsigned cap)
{
	for (unsigned i = 0; i < sizeof(small_caps) / sizeof(small_caps[0]); i++)
		if (small_caps[i] > cap)
			return small_caps[i];
	return MAX_CHILDREN;
}

static inline uint64_t
inner_bytes(const Inner *node)
{
	return hs_slab_round(inner_size(node->cap));
}

static inline uint64_t
tree_bytes(void)
{
	return hs_slab_round(sizeof(HsLtree));
}

static inline uint64_t
block_bytes(void)
{
	return hs_slab_round(NODE_SIZE);
}

uint32_t
hs_lblock_run_size(void)
{
	return (uint32_t) (block_bytes() - offsetof(Block, run));
}

void
hs_lblock_open(HsRef block, HsLrun *run)
{
	hs_lrun_open(run, ((Block *) hs_ptr(block))->run, hs_lblock_run_size());
}

static HsRoot
root_of_kind(uint8_t kind)
{
	return (HsRoot) {.type = HS_LIST,.kind = kind};
}

static HsRef
block_alloc(HsPart *part, bool reversed)
{
	HsRef		ref = hs_slab_alloc(part, NODE_SIZE);
	Block	   *b = hs_ptr(ref);
	HsLrun		run;

	assert(ref != HS_REF_NONE);
	b->root = root_of_kind(KIND_BLOCK);
	b->sibling = HS_REF_NONE;
	hs_lrun_init(&run, b->run, hs_lblock_run_size(), reversed);
	return ref;
}

static HsRef
inner_alloc(HsPart *part, unsigned cap)
{
	HsRef		ref = hs_slab_alloc(part, inner_size(cap));
	Inner	   *node = inner(ref);

	assert(ref != HS_REF_NONE);
	node->root = root_of_kind(KIND_INNER);
	node->sibling = HS_REF_NONE;
	node->n = 0;
	node->cap = (uint16_t) cap;
	return ref;
}

static void
inner_free(HsPart *part, HsRef ref)
{
	hs_slab_free(part, ref, inner_size(inner(ref)->cap));
}

/*
 * ---- Finding --------------------------------------------------------------------
 */

void
hs_ltree_seek(const HsLtree *t, uint32_t index, HsLpath *path)
{
	HsRef		ref = t->top;
	bool		from_end = index > t->count / 2;

	path->first = 0;
	if (from_end)
		path->first = t->count;
	for (unsigned level = t->height; level-- > 0;)
	{
		const Inner *node = inner(ref);
		unsigned	i;

		if (from_end)
		{
			/* first: index behind the node */
			for (i = node->n - 1u; i > 0 && path->first - node->child[i].count > index; i--)
				path->first -= node->child[i].count;
		}
		else
		{
			for (i = 0; i + 1u < node->n && path->first + node->child[i].count <= index; i++)
				path->first += node->child[i].count;
		}
		path->node[level] = ref;
		path->at[level] = (uint16_t) i;
		ref = node->child[i].ref;
	}
	path->block = ref;
	if (from_end)
	{
		HsLrun		run;

		hs_lblock_open(ref, &run);
		path->first -= run.n;
	}
}

bool
hs_ltree_step(const HsLtree *t, HsLpath *path, bool left)
{
	unsigned	level = 0;
	HsRef		ref;
	HsLrun		run;

	while (level < t->height &&
		   (left ? path->at[level] == 0 : path->at[level] + 1u == inner(path->node[level])->n))
		level++;
	if (level == t->height)
		return false;
	if (!left)
	{
		hs_lblock_open(path->block, &run);
		path->first += run.n;
	}
	path->at[level] = (uint16_t) (left ? path->at[level] - 1 : path->at[level] + 1);
	ref = inner(path->node[level])->child[path->at[level]].ref;
	while (level-- > 0)
	{
		path->node[level] = ref;
		path->at[level] = (uint16_t) (left ? inner(ref)->n - 1 : 0);
		ref = inner(ref)->child[path->at[level]].ref;
	}
	path->block = ref;
	if (left)
	{
		hs_lblock_open(path->block, &run);
		path->first -= run.n;
	}
	return true;
}

/*
 * ---- Counts -----------------------------------------------------------------------
 */

/* So much more below the child of the path on this level. */
static void
note_from(HsLtree *t, const HsLpath *path, unsigned level, int64_t count, int64_t bytes)
{
	for (; level < t->height; level++)
	{
		Child	   *c = &inner(path->node[level])->child[path->at[level]];

		c->count = (uint32_t) (c->count + count);
		c->bytes = (uint64_t) ((int64_t) c->bytes + bytes);
	}
	t->count = (uint32_t) (t->count + count);
	t->bytes = (uint64_t) ((int64_t) t->bytes + bytes);
}

void
hs_ltree_note(HsLtree *t, const HsLpath *path, int64_t count, int64_t bytes)
{
	note_from(t, path, 0, count, bytes);
}

/*
 * ---- Children in and out --------------------------------------------------------------
 */

static void
put_child(Inner *node, unsigned i, Child c)
{
	memmove(&node->child[i + 1], &node->child[i], (node->n - i) * sizeof(Child));
	node->child[i] = c;
	node->n++;
}

/* Forget children [from, to). */
static void
drop_children(Inner *node, unsigned from, unsigned to)
{
	memmove(&node->child[from], &node->child[to], (node->n - to) * sizeof(Child));
	node->n = (uint16_t) (node->n - (to - from));
}

/* A level above the top. */
static void
grow_height(HsPart *part, HsLtree *t, HsLpath *path)
{
	HsRef		ref = inner_alloc(part, small_caps[0]);
	Child		c = {t->top, t->count, t->bytes - tree_bytes()};

	assert(t->height < HS_LTREE_HEIGHT);
	put_child(inner(ref), 0, c);
	t->top = ref;
	path->node[t->height] = ref;
	path->at[t->height] = 0;
	t->height++;
	t->bytes += inner_bytes(inner(ref));
}

/* A larger node for the top: only that one may be small. */
static void
enlarge_top(HsPart *part, HsLtree *t, HsLpath *path)
{
	HsRef		old = t->top;
	HsRef		ref = inner_alloc(part, larger_cap(inner(old)->cap));

	memcpy(inner(ref)->child, inner(old)->child, inner(old)->n * sizeof(Child));
	inner(ref)->n = inner(old)->n;
	t->bytes += inner_bytes(inner(ref)) - inner_bytes(inner(old));
	t->top = path->node[t->height - 1] = ref;
	inner_free(part, old);
}

static void insert_child(HsPart *part, HsLtree *t, HsLpath *path, unsigned level, unsigned i,
						 Child c);

/* The full node of the path on this level gives some children to a new neighbour. */
static void
split_inner(HsPart *part, HsLtree *t, HsLpath *path, unsigned level, unsigned i, Child c)
{
	Inner	   *node = inner(path->node[level]);
	HsRef		ref = inner_alloc(part, MAX_CHILDREN);
	Inner	   *fresh = inner(ref);
	bool		to_left = i == 0;
	unsigned	keeps = i == 0 || i == node->n ? node->n : node->n / 2;
	Child		all = {ref, 0, inner_bytes(fresh)};

	fresh->n = (uint16_t) (node->n - keeps);
	memcpy(fresh->child, &node->child[keeps], fresh->n * sizeof(Child));
	node->n = (uint16_t) keeps;
	for (unsigned j = 0; j < fresh->n; j++)
	{
		all.count += fresh->child[j].count;
		all.bytes += fresh->child[j].bytes;
	}
	note_from(t, path, level + 1, -(int64_t) all.count,
			  -(int64_t) (all.bytes - inner_bytes(fresh)));
	if (to_left || i > keeps || fresh->n == 0)
	{
		put_child(fresh, to_left ? 0 : i - keeps, c);
		all.count += c.count;
		all.bytes += c.bytes;
	}
	else
	{
		put_child(node, i, c);
		note_from(t, path, level + 1, c.count, (int64_t) c.bytes);
	}
	if (level + 1 == t->height)
		grow_height(part, t, path);
	insert_child(part, t, path, level + 1, path->at[level + 1] + (to_left ? 0u : 1u), all);
}

/* Put a child before number i of the node of the path.  The path is of no use then. */
static void
insert_child(HsPart *part, HsLtree *t, HsLpath *path, unsigned level, unsigned i, Child c)
{
	Inner	   *node = inner(path->node[level]);

	if (node->n == MAX_CHILDREN)
	{
		split_inner(part, t, path, level, i, c);
		return;
	}
	if (node->n == node->cap)
	{
		assert(level + 1 == t->height);
		enlarge_top(part, t, path);
		node = inner(path->node[level]);
	}
	put_child(node, i, c);
	note_from(t, path, level + 1, c.count, (int64_t) c.bytes);
}

void
hs_ltree_add_block(HsPart *part, HsLtree *t, HsLpath *path, bool left, bool reversed)
{
	Child		c = {block_alloc(part, reversed), 0, block_bytes()};
	HsLrun		run;
	uint32_t	index;

	hs_lblock_open(path->block, &run);
	index = path->first + (left ? 0 : run.n);
	if (t->height == 0)
		grow_height(part, t, path);
	insert_child(part, t, path, 0, path->at[0] + (left ? 0u : 1u), c);

	/* an empty block has no index of its own: go to its neighbour */
	hs_ltree_seek(t, left ? index : index - 1, path);
	if (path->block != c.ref)
		(void) hs_ltree_step(t, path, left);
	assert(path->block == c.ref);
}

/*
 * ---- Removing ------------------------------------------------------------------------
 */

/* A top with one child is none. */
static void
collapse(HsPart *part, HsLtree *t)
{
	while (t->height > 0 && inner(t->top)->n == 1)
	{
		HsRef		top = t->top;

		t->top = inner(top)->child[0].ref;
		t->bytes -= inner_bytes(inner(top));
		t->height--;
		inner_free(part, top);
	}
}

/* Join the node of the path on this level with a neighbour under the same parent. */
static void
join_inner(HsPart *part, HsLtree *t, HsLpath *path, unsigned level)
{
	Inner	   *parent;
	unsigned	l;
	Child	   *left,
			   *right;
	HsRef		gone;
	uint64_t	bytes;

	if (level + 1 >= t->height || inner(path->node[level])->n > MAX_CHILDREN / 4)
		return;
	parent = inner(path->node[level + 1]);
	if (parent->n < 2)
		return;
	l = path->at[level + 1];
	if (l + 1 == parent->n)
		l--;
	left = &parent->child[l];
	right = left + 1;
	if (inner(left->ref)->n + inner(right->ref)->n > MAX_CHILDREN * 3 / 4)
		return;
	gone = right->ref;
	bytes = inner_bytes(inner(gone));
	assert(inner(left->ref)->cap == MAX_CHILDREN);
	memcpy(&inner(left->ref)->child[inner(left->ref)->n], inner(gone)->child,
		   inner(gone)->n * sizeof(Child));
	inner(left->ref)->n = (uint16_t) (inner(left->ref)->n + inner(gone)->n);
	left->count += right->count;
	left->bytes += right->bytes - bytes;
	drop_children(parent, l + 1, l + 2);
	note_from(t, path, level + 2, 0, -(int64_t) bytes);
	inner_free(part, gone);
	join_inner(part, t, path, level + 1);
}

/* Take the child of the path out, and nodes that are empty without it. */
static void
remove_child(HsPart *part, HsLtree *t, HsLpath *path, unsigned level)
{
	Inner	   *node = inner(path->node[level]);
	Child		c = node->child[path->at[level]];

	note_from(t, path, level, -(int64_t) c.count, -(int64_t) c.bytes);
	drop_children(node, path->at[level], path->at[level] + 1u);
	if (node->n == 0)
	{
		assert(level + 1 < t->height);
		remove_child(part, t, path, level + 1);
		inner_free(part, path->node[level]);
	}
	else
		join_inner(part, t, path, level);
}

static void
remove_block(HsPart *part, HsLtree *t, HsLpath *path)
{
	remove_child(part, t, path, 0);
	hs_slab_free(part, path->block, NODE_SIZE);
	collapse(part, t);
}

/* Append the right one of two neighbours to the left one; at[0] of the path: the left one. */
static bool
join_blocks(HsPart *part, HsLtree *t, HsLpath *path)
{
	Inner	   *parent = inner(path->node[0]);
	Child	   *left = &parent->child[path->at[0]];
	Child	   *right = left + 1;
	HsLrun		l,
				r;
	unsigned	n;

	hs_lblock_open(left->ref, &l);
	hs_lblock_open(right->ref, &r);
	if (hs_lrun_used(&l) + hs_lrun_used(&r) > l.size * 3 / 4)
		return false;
	n = l.n;
	if (!hs_lrun_append(&l, &r, 0, r.n))
	{
		hs_lrun_cut(&l, l.n - n, false);	/* prefixes that do not go together */
		return false;
	}
	/* what moves stays below the same parent */
	left->count += right->count;
	left->bytes += right->bytes - block_bytes();
	right->count = 0;
	right->bytes = block_bytes();
	path->at[0]++;
	path->block = right->ref;
	remove_block(part, t, path);
	return true;
}

void
hs_ltree_repair(HsPart *part, HsLtree *t, HsLpath *path)
{
	HsLrun		run;

	if (t->height == 0)
		return;
	hs_lblock_open(path->block, &run);
	if (run.n == 0)
	{
		remove_block(part, t, path);
		return;
	}
	if (hs_lrun_used(&run) > run.size / 2)
		return;
	if (path->at[0] + 1u < inner(path->node[0])->n && join_blocks(part, t, path))
		return;
	if (path->at[0] > 0)
	{
		path->at[0]--;
		(void) join_blocks(part, t, path);
	}
}

/* Free chains of 'count' values at an end of the run; bytes that they had. */
static uint64_t
free_chains(HsPart *part, const HsLrun *run, unsigned count, bool left)
{
	uint64_t	bytes = 0;
	HsLpos		pos;

	if (!hs_lrun_end_has_chain(run, count, left))
		return 0;
	hs_lrun_seek(run, left ? 0 : run->n - count, &pos);
	for (; count > 0; count--, hs_lrun_next(run, &pos))
	{
		HsLvalue	v;

		hs_lrun_value(run, &pos, &v);
		if (v.code != HS_LRUN_CODE_CHAIN)
			continue;
		bytes += hs_chain_bytes(v.pack.text.size);
		hs_chain_free(part, v.pack.chain, v.pack.text.size);
	}
	return bytes;
}

/* Children that are cut off: some are freed at once, others chained for the graveyard. */
static void
bury_child(HsPart *part, const Child *c, bool is_block, unsigned *now, HsRef *dead)
{
	if (is_block && c->bytes == block_bytes() && *now > 0)
	{
		--*now;
		hs_slab_free(part, c->ref, NODE_SIZE);
		return;
	}
	inner(c->ref)->sibling = *dead; /* where a block has it, too */
	*dead = c->ref;
}

static_assert(offsetof(Inner, sibling) == offsetof(Block, sibling), "both lie in one chain");

void
hs_ltree_cut(HsPart *part, HsLtree *t, uint32_t count, bool left)
{
	HsRef		dead = HS_REF_NONE;
	unsigned	now = FREE_NOW;
	HsLpath		path;
	HsLrun		run;
	uint64_t	bytes;

	assert(count < t->count);
	path.block = t->top;
	for (unsigned level = t->height; level-- > 0; path.block = inner(path.block)->child[path.at[level]].ref)
	{
		Inner	   *node = inner(path.block);
		unsigned	n = 0;
		int64_t		values = 0;
		int64_t		gone = 0;

		while (count >= node->child[left ? n : node->n - 1 - n].count)
		{
			const Child *c = &node->child[left ? n : node->n - 1 - n];

			count -= c->count;
			values += c->count;
			gone += (int64_t) c->bytes;
			bury_child(part, c, level == 0, &now, &dead);
			n++;
		}
		if (left && n > 0)
			drop_children(node, 0, n);
		else
			node->n = (uint16_t) (node->n - n);
		path.node[level] = path.block;
		path.at[level] = (uint16_t) (left ? 0 : node->n - 1);
		if (n > 0)
			note_from(t, &path, level + 1, -values, -gone);
	}
	hs_lblock_open(path.block, &run);
	bytes = free_chains(part, &run, count, left);
	if (count > 0)
		hs_lrun_cut(&run, count, left);
	note_from(t, &path, 0, -(int64_t) count, -(int64_t) bytes);
	collapse(part, t);
	if (dead != HS_REF_NONE)
		hs_bury_later(part, dead);
}

/*
 * ---- Needs and making ----------------------------------------------------------------
 */

void
hs_ltree_needs_one(const HsLtree *t, const HsLpath *path, HsNeeds *needs)
{
	hs_needs_add(needs, NODE_SIZE, 1);
	for (unsigned level = 0; level < t->height; level++)
	{
		const Inner *node = inner(path->node[level]);

		if (node->n < node->cap)
			return;
		hs_needs_add(needs, inner_size(larger_cap(node->cap)), 1);
		if (node->cap < MAX_CHILDREN)
			return;
	}
	hs_needs_add(needs, inner_size(small_caps[0]), 1);
}

/* On each level full nodes, and two more at most that they do not fill. */
void
hs_ltree_needs(const HsLtree *t, uint64_t blocks, HsNeeds *needs)
{
	unsigned	height = t != NULL ? t->height : 0;
	uint64_t	n = blocks;

	if (t == NULL)
		hs_needs_add(needs, sizeof(HsLtree), 1);
	hs_needs_add(needs, NODE_SIZE, (uint32_t) blocks);
	if (t == NULL && blocks == 1)
		return;
	for (unsigned level = 0; level <= height || n > 2; level++)
	{
		n = n / MAX_CHILDREN + 2;
		hs_needs_add(needs, inner_size(MAX_CHILDREN), (uint32_t) n);
	}
	hs_needs_add(needs, inner_size(small_caps[0]), 2);
	hs_needs_add(needs, inner_size(small_caps[1]), 2);
}

HsRef
hs_ltree_create(HsPart *part, bool reversed)
{
	HsRef		root = hs_slab_alloc(part, sizeof(HsLtree));
	HsLtree    *t = hs_ltree(root);

	assert(root != HS_REF_NONE);
	memset(t, 0, sizeof(*t));
	t->root = root_of_kind(KIND_TREE);
	t->top = block_alloc(part, reversed);
	t->bytes = tree_bytes() + block_bytes();
	return root;
}

/*
 * ---- Freeing ----------------------------------------------------------------------------
 */

static bool
free_block(HsPart *part, HsRef ref, unsigned *budget)
{
	HsLrun		run;

	hs_lblock_open(ref, &run);
	while (hs_lrun_has_chain(&run))
	{
		if (*budget == 0)
			return false;
		if (free_chains(part, &run, 1, false) > 0)
			--*budget;
		hs_lrun_cut(&run, 1, false);
	}
	if (*budget == 0)
		return false;
	--*budget;
	hs_slab_free(part, ref, NODE_SIZE);
	return true;
}

/* Free what is below the node, from the right, and then the node itself. */
static bool
free_below(HsPart *part, HsRef ref, unsigned *budget)
{
	Inner	   *node = inner(ref);

	if (node->root.kind == KIND_BLOCK)
		return free_block(part, ref, budget);
	for (; node->n > 0; node->n--)
		if (!free_below(part, node->child[node->n - 1].ref, budget))
			return false;
	if (*budget == 0)
		return false;
	--*budget;
	inner_free(part, ref);
	return true;
}

/* 'root': of a list that is gone, or the first one of what was cut off a list. */
bool
hs_ltree_free_slice(HsPart *part, HsRef root, unsigned budget)
{
	Inner	   *first = inner(root);

	if (first->root.kind == KIND_TREE)
	{
		if (!free_below(part, hs_ltree(root)->top, &budget))
			return false;
		hs_slab_free(part, root, sizeof(HsLtree));
		return true;
	}
	while (first->sibling != HS_REF_NONE)
	{
		HsRef		next = inner(first->sibling)->sibling;

		if (!free_below(part, first->sibling, &budget))
			return false;
		first->sibling = next;
	}
	return free_below(part, root, &budget);
}

/*
 * ---- Checking ------------------------------------------------------------------------
 */

static const char *
verify_block(HsRef ref, Child *found)
{
	Block	   *b = hs_ptr(ref);
	const char *wrong = hs_lrun_verify(b->run, hs_lblock_run_size(), true);
	HsLrun		run;
	HsLpos		pos;

	if (b->root.kind != KIND_BLOCK || b->sibling != HS_REF_NONE)
		return "list: block is none";
	if (wrong != NULL)
		return wrong;
	hs_lblock_open(ref, &run);
	found->count = run.n;
	found->bytes = block_bytes();
	hs_lrun_seek(&run, 0, &pos);
	for (; pos.i < run.n; hs_lrun_next(&run, &pos))
	{
		HsLvalue	v;

		hs_lrun_value(&run, &pos, &v);
		if (v.code == HS_LRUN_CODE_CHAIN)
			found->bytes += hs_chain_bytes(v.pack.text.size);
	}
	return NULL;
}

static const char *
verify_below(HsRef ref, unsigned level, unsigned height, Child *found)
{
	const Inner *node = inner(ref);
	const char *wrong = NULL;

	if (level == 0)
		return verify_block(ref, found);
	if (node->root.kind != KIND_INNER || node->sibling != HS_REF_NONE)
		return "list: inner node is none";
	if (node->n == 0 || node->n > node->cap || (level == height && node->n < 2))
		return "list: inner node with too few or too many children";
	if (level < height && node->cap != MAX_CHILDREN)
		return "list: small inner node below the top";
	found->count = 0;
	found->bytes = inner_bytes(node);
	for (unsigned i = 0; i < node->n && wrong == NULL; i++)
	{
		Child		c = {0};

		wrong = verify_below(node->child[i].ref, level - 1, height, &c);
		if (wrong == NULL && (c.count != node->child[i].count || c.bytes != node->child[i].bytes))
			wrong = "list: inner node counts wrong";
		found->count += c.count;
		found->bytes += c.bytes;
	}
	return wrong;
}

const char *
hs_ltree_verify(const HsLtree *t)
{
	Child		found = {0};
	const char *wrong;

	if (t->root.type != HS_LIST || t->root.kind != KIND_TREE)
		return "list: root is not that of a list";
	if (t->height > HS_LTREE_HEIGHT)
		return "list: tree is too high";
	wrong = verify_below(t->top, t->height, t->height, &found);
	if (wrong != NULL)
		return wrong;
	if (found.count != t->count)
		return "list: wrong count";
	return found.bytes + tree_bytes() == t->bytes ? NULL :
		"list: bytes of nodes are not those accounted for";
}
