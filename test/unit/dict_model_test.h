/*
 * dict_model_test.h
 *	  A naive hash or set to compare with: for each of a table of members, whether it is
 *	  there and the number of its value.
 */
#ifndef DICT_MODEL_TEST_H
#define DICT_MODEL_TEST_H

#include <stdlib.h>

#include "items.h"
#include "test.h"

#define DICT_VALUES		64		/* values there are */

typedef struct DictModel
{
	unsigned	space;			/* members there may be */
	HsBytes    *name;			/* of each of them; different */
	HsBytes		value[DICT_VALUES];
	int		   *has;			/* number of the value, or -1 */
	unsigned	n;
} DictModel;

/*
 * Members of many kinds: integers, what looks like some, empty, short, long.  with_long: also
 * such that lie in chains, and values up to 100 kB.
 */
extern void dict_model_init(DictModel *m, unsigned space, bool with_long);
extern void dict_model_free(DictModel *m);
/* Give a member (at least 63 bytes) or a value (at least 4) another length. */
extern void dict_model_resize_name(DictModel *m, unsigned id, size_t size);
extern void dict_model_resize_value(DictModel *m, unsigned v, size_t size);
extern void dict_model_clear(DictModel *m);
extern void dict_model_set(DictModel *m, unsigned id, int value);
extern void dict_model_remove(DictModel *m, unsigned id);

/* Number of a member, or -1. */
extern int	dict_model_id(const DictModel *m, HsBytes name);

/*
 * Look at items that should be members of the model, each with its value behind it if
 * 'values'; seen[id] counts them.
 */
extern void dict_model_check(const DictModel *m, const HsItems *items, bool values, unsigned *seen);

/*
 * A number that two dumps' payloads share when they have the same members with the same
 * values, in whatever order.
 */
extern uint64_t dict_model_sum(HsBytes payload, bool values);

/* Whole dumps (dump.h): the same bytes or, of hashes and sets, the same members. */
extern bool dict_model_same_dump(HsBytes a, HsBytes b);

#endif							/* DICT_MODEL_TEST_H */
