/*
 * list_model_test.h
 *	  A naive list to compare with: an array of value numbers.
 *
 * Values come from a table made beforehand, so that the model handles numbers only.
 */
#ifndef LIST_MODEL_TEST_H
#define LIST_MODEL_TEST_H

#include "list.h"
#include "test.h"

typedef struct ListModel
{
	unsigned	space;			/* values there may be */
	HsBytes    *value;			/* of each of them; not owned */
	unsigned   *at;				/* numbers of the n values */
	unsigned	n;
	unsigned	capacity;
} ListModel;

/* What values of a table look like. */
typedef enum ListValues
{
	LIST_INTS, LIST_ALIKE, LIST_ANY, LIST_LONG, LIST_EMPTY, LIST_DIGITS, LIST_NVALUES
} ListValues;

/* Every value of the table is another one. */
extern HsBytes *list_model_values(unsigned space, ListValues kind, uint64_t seed);
extern void list_model_values_free(HsBytes *values, unsigned space);

extern void list_model_init(ListModel *m, unsigned space, HsBytes *values);
extern void list_model_free(ListModel *m);
extern void list_model_insert(ListModel *m, unsigned at, unsigned id);
/* Keep [from, to). */
extern void list_model_keep(ListModel *m, unsigned from, unsigned to);
/* As LREM; how many. */
extern unsigned list_model_remove(ListModel *m, unsigned id, int64_t count);
/* As ranges of Redis: [*from, *to). */
extern void list_model_range(const ListModel *m, int64_t start, int64_t stop,
							 unsigned *from, unsigned *to);

#endif							/* LIST_MODEL_TEST_H */
