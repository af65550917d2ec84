/*
 * list_tree.h
 *	  Large lists: blocks of values under a tree of counts.
 *
 * A block is a node of the slab with a run of values (list_run.h).  Inner nodes hold for
 * each child how many values and bytes are below it, so a place is found from the top in
 * as many steps as the tree is high (10 million values of 20 bytes: 3), and a stretch at
 * an end is cut off without looking at what is in it.
 *
 * Known to list*.c only.  Functions that take a part need its exclusive lock, the others a
 * shared one.
 */
#ifndef HS_LIST_TREE_H
#define HS_LIST_TREE_H

#include "list_run.h"
#include "needs.h"

#define HS_LTREE_HEIGHT		6	/* levels of inner nodes, at most */
#define HS_LTREE_MAX		UINT32_MAX	/* values */

/*
 * Root node.  In shared memory.  (p) partition lock
 */
typedef struct HsLtree
{
	HsRoot		root;
	uint32_t	count;			/* (p) values */
	uint32_t	changes;		/* (p) see list.h: effects */
	HsRef		top;			/* (p) inner node, or the only block */
	uint32_t	height;			/* (p) levels of inner nodes */
	uint64_t	bytes;			/* (p) of all nodes */
} HsLtree;

static inline HsLtree *
hs_ltree(HsRef root)
{
	return (HsLtree *) hs_ptr(root);
}

/* The way from the top to a block; level 0 is that above the blocks. */
typedef struct HsLpath
{
	HsRef		node[HS_LTREE_HEIGHT];
	uint16_t	at[HS_LTREE_HEIGHT];	/* child of that node */
	HsRef		block;
	uint32_t	first;			/* index of the first value of the block */
} HsLpath;

/* The run of a block. */
extern void hs_lblock_open(HsRef block, HsLrun *run);
extern uint32_t hs_lblock_run_size(void);

/*
 * ---- Finding --------------------------------------------------------------------
 */

/* The block with that value; index = count: the last block. */
extern void hs_ltree_seek(const HsLtree *t, uint32_t index, HsLpath *path);
/* The next block to the right (left); false at the end. */
extern bool hs_ltree_step(const HsLtree *t, HsLpath *path, bool left);

/*
 * ---- Changing --------------------------------------------------------------------
 * What these take was promised before.
 */

/*
 * Nodes that one more block beside the one at 'path' takes, or 'blocks' of them, at least one,
 * at an end; of a tree that does not exist yet if t is NULL.
 */
extern void hs_ltree_needs_one(const HsLtree *t, const HsLpath *path, HsNeeds *needs);
extern void hs_ltree_needs(const HsLtree *t, uint64_t blocks, HsNeeds *needs);

/* A tree of one empty block; what comes first will be pushed at its open end. */
extern HsRef hs_ltree_create(HsPart *part, bool reversed);

/* The block's run has got or lost values, with so many bytes in chains. */
extern void hs_ltree_note(HsLtree *t, const HsLpath *path, int64_t count, int64_t bytes);

/* A new empty block beside the one at 'path', which leads there afterwards. */
extern void hs_ltree_add_block(HsPart *part, HsLtree *t, HsLpath *path, bool left, bool reversed);

/*
 * After values were removed inside: an empty block is freed (there are others), and a small
 * one joined with a neighbour.  The path is of no use then.
 */
extern void hs_ltree_repair(HsPart *part, HsLtree *t, HsLpath *path);

/* Remove 'count' values, not all, at one end.  O(height) and what is left of one block. */
extern void hs_ltree_cut(HsPart *part, HsLtree *t, uint32_t count, bool left);

/*
 * ---- The tree as a whole ------------------------------------------------------------
 */
extern bool hs_ltree_free_slice(HsPart *part, HsRef root, unsigned budget);
extern const char *hs_ltree_verify(const HsLtree *t);

#endif							/* HS_LIST_TREE_H */
