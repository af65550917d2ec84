/*
 * query.h
 *	  Running the query of a cached result, under the snapshot that is active.
 */
#ifndef HSG_QUERY_H
#define HSG_QUERY_H

#include "cache.h"

/* What becomes of the rows. */
typedef enum HsgQueryAs
{
	HSG_QUERY_TEXT,				/* the one column of the one row, as text */
	HSG_QUERY_BYTEA,			/* which must be of that type */
	HSG_QUERY_JSONB,
	HSG_QUERY_ROW,				/* the one row as a jsonb object */
	HSG_QUERY_ROWS				/* all rows as a jsonb array, also of none */
} HsgQueryAs;

/* A query with its arguments. */
typedef struct HsgQuery
{
	HsBytes		text;
	HsgQueryAs	as;
	int			nargs;
	HsBytes    *args;			/* in the text form of the types that the query gives them */
	bool	   *nulls;			/* or NULL */
	HsBytes    *names;			/* NULL, or filled in when it runs: arguments as names have them */
} HsgQuery;

/*
 * Run it: *r gets kind and bytes, which live in the current memory context.  No
 * row is null.  Plans are kept for the session.
 * 42601 unless it is one SELECT of one column, 21000 for more than one row, 42804 for
 * another type than asked for, 0A000 if what rows it sees depends on row security or the
 * session and rls_covered is not set, whatever the query raises.
 */
extern void hsg_query_run(const HsgQuery *q, bool rls_covered, HsgResult *r);

extern void hsg_query_install(void);

/* Raise what hsg_query_run() would raise about the text of a query, whatever its arguments. */
extern void hsg_query_check(HsBytes text, HsgQueryAs as);

#endif							/* HSG_QUERY_H */
