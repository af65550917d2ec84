/*
 * list_int.h
 *	  What the files of the lists share: a list of either encoding.
 *
 * Record of a small list: u32 changes | run.  Of a large one: HsRef of its HsLtree.
 * Known to list*.c only.
 */
#ifndef HS_LIST_INT_H
#define HS_LIST_INT_H

#include "list.h"
#include "list_tree.h"

#define HS_LIST_HEAD	4		/* bytes before the run in a record */

/* The list of a key as found; good until it is changed. */
typedef struct HsList
{
	HsRecord   *record;			/* NULL: absent, an empty list */
	HsLtree    *tree;			/* of a large list, or NULL */
	HsLrun		run;			/* of a small list */
	uint32_t	count;
	uint32_t	changes;
	uint32_t	next;			/* changes after this command */
} HsList;

/* HS_OK or HS_WRONG_TYPE. */
extern HsStatus hs_list_open(HsOp *op, HsList *l);
extern void hs_list_of_record(HsRecord *record, HsList *l);

/*
 * ---- Walking ------------------------------------------------------------------
 */
typedef struct HsListIter
{
	const HsList *list;
	HsLpath		path;			/* of a large list */
	HsLrun		run;
	HsLpos		pos;			/* of the value in the run */
	uint32_t	index;
	bool		left;			/* the direction */
	bool		done;
} HsListIter;

/* Start at a value; index below list->count. */
extern void hs_list_iter_init(HsListIter *it, const HsList *l, uint32_t index, bool left);
extern void hs_list_iter_next(HsListIter *it);

/*
 * ---- Making -----------------------------------------------------------------------
 */

/*
 * The values that next() gives, one after the other, as the value of the key: 'changes' and
 * what is there are replaced.  rewind() starts anew.  There is at least one.
 */
typedef struct HsListSource
{
	bool		(*next) (void *arg, HsBytes *value);
	void		(*rewind) (void *arg);
	void	   *arg;
} HsListSource;

extern HsStatus hs_list_build(HsOp *op, const HsListSource *source, uint32_t changes,
							  int64_t expires_us);

#endif							/* HS_LIST_INT_H */
