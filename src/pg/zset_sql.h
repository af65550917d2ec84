/*
 * zset_sql.h
 *	  What the files of the SQL functions on sorted sets share.
 */
#ifndef HSG_ZSET_SQL_H
#define HSG_ZSET_SQL_H

#include "rows.h"

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

/* Of a range, read in batches; 'rank' counts on from the first row, so that it
 * always ascends. */
extern HsgRows *hsg_zset_rows_range(HsBytes key, int ks_arg, const HsZsetRange *range);
/* Of an array that stays, or of entries to be put into its buffer. */
extern HsgRows *hsg_zset_rows_array(const HsZsetMember *array, size_t n);
extern HsgRows *hsg_zset_rows_entries(uint64_t guess);

#endif							/* HSG_ZSET_SQL_H */
