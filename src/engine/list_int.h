/*
 * list_int.h
 *	  What the files of the lists share: a list of either encoding.
 *
 * Record of a small list: u32 changes | run.  Of a large one: HsRef of its HsLtree.
 * Known to list*.c only.
 * Lock: partition, exclusive for what changes the list, else shared.
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

/*
 * ---- Opening, walking (list_read.c) -------------------------------------------------
 */

/* HS_OK or HS_WRONG_TYPE. */
extern HsStatus hs_list_open(HsOp *op, HsList *l);
extern void hs_list_of_record(HsRecord *record, HsList *l);

/* 0-based from either end to 0-based from the left; false beyond the ends. */
static inline bool
hs_list_resolve(const HsList *l, int64_t index, uint32_t *out)
{
	if (index < 0)
		index += l->count;
	*out = (uint32_t) index;
	return index >= 0 && index < l->count;
}

/* [*from, *to) of an inclusive range; empty: both 0. */
extern void hs_list_resolve_range(const HsList *l, int64_t start, int64_t stop,
								  uint32_t *from, uint32_t *to);

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
/* To the next value, or it->done. */
extern void hs_list_iter_next(HsListIter *it);

/* The value at hand as one item, or what it needs. */
static inline void
hs_list_put_value(HsItems *out, const HsListIter *it)
{
	HsLvalue	v;
	uint8_t    *at;

	hs_lrun_value(&it->run, &it->pos, &v);
	at = hs_items_space(out, hs_lvalue_size(&v));
	if (at != NULL)
		hs_lvalue_copy(&v, at);
}

/* How many values equal this one?  Counts up to 'most'. */
extern uint64_t hs_list_count_equal(const HsList *l, HsBytes value, uint64_t most);

/*
 * ---- Changing -------------------------------------------------------------------
 */

/* The effects of lists: what was done, with the numbers a and b and the bytes 'tail'. */
typedef enum HsListChange
{
	HS_LIST_CHANGE_PUSH,	/* tail: value */
	HS_LIST_CHANGE_KEEP,	/* [a, b) */
	HS_LIST_CHANGE_SET,		/* index a; tail: value */
	HS_LIST_CHANGE_INSERT,	/* before index a; tail: value */
	HS_LIST_CHANGE_REMOVE,	/* a: count as in hs_list_remove(); tail: value */
	HS_LIST_CHANGE_END
} HsListChange;

/* False if the effect does not fit: HS_NO_MEMORY, op->need is 0. */
extern bool hs_list_note(HsOp *op, const HsList *l, HsListChange what, int64_t a, int64_t b,
						 HsBytes tail);

/* A change was made in place.  Ends a command, as hs_list_settle(). */
static inline void
hs_list_touch(HsOp *op, const HsList *l)
{
	if (l->tree != NULL)
		l->tree->changes = l->next;
	else
		memcpy(l->run.data - HS_LIST_HEAD, &l->next, HS_LIST_HEAD);
	hs_touch_version(op, l->record);
}

/* Values were removed or became shorter: take less memory if that pays and there is any. */
extern void hs_list_settle(HsOp *op, HsList *l);

/* Keep [from, to) (list_remove.c).  HS_NO_MEMORY: effects only. */
extern HsStatus hs_list_keep(HsOp *op, HsList *l, uint32_t from, uint32_t to);

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

/* HS_NO_MEMORY with op->need: nothing changed.  Writes no effects. */
extern HsStatus hs_list_build(HsOp *op, const HsListSource *source, uint32_t changes,
							  int64_t expires_us);

#endif							/* HS_LIST_INT_H */
