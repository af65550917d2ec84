/*
 * zset_model_test.h
 *	  A naive sorted set to compare with: a sorted array of member numbers.
 *
 * Members come from a table made beforehand, so that the model handles numbers
 * only.
 */
#ifndef ZSET_MODEL_TEST_H
#define ZSET_MODEL_TEST_H

#include <stdlib.h>

#include "test.h"
#include "zset.h"

typedef struct ZsetModel
{
	unsigned	space;			/* members there may be */
	HsBytes    *name;			/* of each of them; not owned */
	bool	   *has;
	double	   *score;
	unsigned   *order;			/* numbers of the n members, ascending */
	unsigned	n;
} ZsetModel;

extern void zset_model_init(ZsetModel *m, unsigned space, HsBytes *names);
extern void zset_model_free(ZsetModel *m);
extern void zset_model_clear(ZsetModel *m);

/* Place of (score, member) in the order: entries before it. */
extern unsigned zset_model_place(const ZsetModel *m, double score, HsBytes member);
extern void zset_model_set(ZsetModel *m, unsigned id, double score);
extern void zset_model_remove(ZsetModel *m, unsigned id);
extern void zset_model_remove_ranks(ZsetModel *m, unsigned from, unsigned to);
/* Ranks [*low, *high) of the range, lowest score first; by looking at every entry. */
extern void zset_model_range(const ZsetModel *m, const HsZsetRange *r,
							 unsigned *low, unsigned *high);

/* Members of many kinds: empty, short, long, very long, prefixes of each other. */
extern HsBytes *zset_model_names(unsigned space, bool with_long, uint64_t seed);
extern void zset_model_names_free(HsBytes *names, unsigned space);

#endif							/* ZSET_MODEL_TEST_H */
