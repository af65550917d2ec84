/*
 * zset_sql.h
 *	  What the files of the SQL functions on sorted sets share.
 */
#ifndef HSG_ZSET_SQL_H
#define HSG_ZSET_SQL_H

#include "hotset.h"

#include "../engine/zset.h"

/*
 * ---- Arguments (zset_args.c) --------------------------------------------------
 */

/*
 * Ranges from consecutive arguments that begin at n.  The ones by score and
 * lex: min, max, bounds.  A NULL bound is none.  False if the range is empty
 * because of a NULL rank.  22023 for bounds that are none and for NaN.
 */
extern bool hsg_zset_rank_range(FunctionCallInfo fcinfo, int n, HsZsetRange *range);
extern void hsg_zset_score_range(FunctionCallInfo fcinfo, int n, HsZsetRange *range);
extern void hsg_zset_lex_range(FunctionCallInfo fcinfo, int n, HsZsetRange *range);
/* rev, offset, limit, beginning at n. */
extern void hsg_zset_window(FunctionCallInfo fcinfo, int n, HsZsetRange *range);
/* Text of a bounds argument; false if it is none of the four. */
extern bool hsg_zset_parse_bounds(HsBytes text, bool *min_open, bool *max_open);

/*
 * ---- Rows (zset_rows.c) -----------------------------------------------------------
 */

/*
 * Where the rows of a set-returning function come from: a range read in
 * batches, a buffer of entries, or an array.  Zero it, then set what applies.
 * Lives, with its memory, as long as the call.
 */
typedef struct HsgZrows
{
	/* range: read until cursor.done */
	bool		is_range;
	HsBytes		key;
	int			ks_arg;			/* argument 'keyspace' */
	HsZsetCursor cursor;

	/* entries that are here: 'left' of them from 'pos' */
	uint8_t    *buf;
	size_t		capacity;
	size_t		pos;
	uint64_t	left;

	/* or an array */
	const HsZsetMember *array;

	uint64_t	rank;			/* of the next row */
	text	   *member;			/* of the last row; its memory is used again */
	size_t		member_capacity;
} HsgZrows;

/* Make the rows from the arguments of the call; in the current context. */
typedef HsgZrows *(*HsgZrowsOpen) (FunctionCallInfo fcinfo);

/* Body of a function that returns rows (member, score) or (member, score, rank). */
extern Datum hsg_zset_rows(FunctionCallInfo fcinfo, HsgZrowsOpen open);

extern HsgZrows *hsg_zrows_range(HsBytes key, int ks_arg, const HsZsetRange *range);
extern HsgZrows *hsg_zrows_empty(void);
/* The next entry; false at the end.  Borrowed until the next call. */
extern bool hsg_zrows_next(FunctionCallInfo fcinfo, HsgZrows *rows, HsZsetMember *out);

#endif							/* HSG_ZSET_SQL_H */
