/*
 * list.h
 *	  Lists: values in the order they were pushed, reachable from both ends.
 *
 * A small list is one run of bytes in the record (list_run.h); a larger one is made of
 * blocks under a tree of counts (list_tree.h), so that both ends cost O(1) and a place in
 * the middle O(log n).  The caller cannot tell which, but by speed.  Integers written
 * in the usual way are stored as integers, and what all texts of a block begin with once.
 * An emptied list's key is removed.
 *
 * Every function runs between hs_op_begin() and hs_op_end() (or on an HsOp of an
 * HsMulti).  Any of them may return HS_WRONG_TYPE (op->found_type set).  Writes
 * need the exclusive lock and may return
 *	  HS_NO_MEMORY		nothing changed; op->need is set for hs_make_room()
 *	  HS_VALUE_TOO_LONG a value above HS_LIST_VALUE_MAX; nothing changed
 *	  HS_LIMIT			too many values in one list
 * Reads need the shared lock and treat an absent key as an empty list.
 * Indexes: 0-based from the left, negative ones from the right, -1 is the last.
 */
#ifndef HS_LIST_H
#define HS_LIST_H

#include "items.h"
#include "type.h"

#define HS_LIST_RUN_MAX		2048	/* bytes of a list that is kept in its record */
#define HS_LIST_INLINE_MAX	512 /* bytes of a value kept in a block of a larger one */
#define HS_LIST_VALUE_MAX	((size_t) 1 << 30)	/* bytes of a value */
#define HS_LIST_BATCH		1000	/* values that one hs_list_read() copies, at most */

/*
 * Push values one after the other at one end, all or none.  only_existing: not if
 * the key is absent.  *count: values in the list afterwards.
 * new_expires_us: expiry if this call creates the key, else ignored.
 */
extern HsStatus hs_list_push(HsOp *op, const HsBytes *values, size_t n, bool left,
							 bool only_existing, int64_t new_expires_us, uint64_t *count);

/* Remove and return up to 'count' values from one end, in the order taken. */
extern HsStatus hs_list_pop(HsOp *op, uint64_t count, bool left, HsItems *out);

/* Number of values; 0 if absent. */
extern HsStatus hs_list_count(HsOp *op, uint64_t *count);
/* One value as one item.  HS_NOT_FOUND beyond the ends. */
extern HsStatus hs_list_index(HsOp *op, int64_t index, HsItems *out);

/*
 * A range being read batch by batch; the lock may be released between.  It has the
 * number of values that it had at the first call, or up to the end of the list
 * if that comes earlier.  While nobody writes, it is exact; after writes in between it goes on at
 * the index where it stopped.
 */
typedef struct HsListCursor
{
	int64_t		start;			/* inclusive; caller sets both before the first call */
	int64_t		stop;			/* inclusive */
	bool		started;
	bool		done;			/* nothing more will come */
	uint64_t	next;			/* index */
	uint64_t	left;			/* values still to come */
} HsListCursor;

extern HsStatus hs_list_read(HsOp *op, HsListCursor *cursor, HsItems *out);

/* Replace a value.  HS_NOT_FOUND: no such key or index. */
extern HsStatus hs_list_set(HsOp *op, int64_t index, HsBytes value);
/* Insert beside the first value that equals 'pivot'; *count is what the list has
 * then, 0 if the key is absent, -1 if no value equals. */
extern HsStatus hs_list_insert(HsOp *op, HsBytes pivot, bool before, HsBytes value,
							   int64_t *count);
/* Remove values equal to 'value': the first 'count' from the left, from the right if
 * negative, all if 0.  *removed counts. */
extern HsStatus hs_list_remove(HsOp *op, HsBytes value, int64_t count, uint64_t *removed);
/* Keep only [start, stop].  *removed counts the others. */
extern HsStatus hs_list_trim(HsOp *op, int64_t start, int64_t stop, uint64_t *removed);

/*
 * Places of values equal to 'value': skipping to match number 'rank' (1: first, -1: first from
 * the right; 0 is HS_BAD_ARGUMENT), up to 'max' of them into places[], comparing at most
 * 'limit' values (0: all).  *n counts.
 */
extern HsStatus hs_list_find(HsOp *op, HsBytes value, int64_t rank, uint64_t max,
							 uint64_t limit, uint64_t *places, uint64_t *n);

/*
 * Take the value at one end of 'from' and push it at one end of 'to'; the same key
 * rotates.  The value as one item, none if 'from' is empty.  An absent 'to' is
 * created with new_expires_us.  HS_WRONG_TYPE: *bad_key (0: from, 1: to), *found_type.
 * HS_NO_MEMORY: hs_multi_note() for the key that found none.
 * Lock: m covers both keys, exclusive.
 */
extern HsStatus hs_list_move(HsMulti *m, HsBytes from, HsBytes to, bool from_left,
							 bool to_left, int64_t new_expires_us, HsItems *out,
							 size_t *bad_key, HsType *found_type);

/*
 * Effects: a list counts its changes, and each effect (HS_EF_LIST) carries the count it led
 * to.  Doing again one that the list has had already is no change, nor is one of a list
 * that is gone or another by now; what made a list puts it in place of whatever is there.
 * Between them the same steps lead from the same values to the same values.
 * HS_CORRUPT for what no command wrote.
 */
extern HsStatus hs_list_redo(HsOp *op, HsBytes head, HsBytes tail);

/*
 * ---- Row of the type table (type.h) ----------------------------------------
 */
extern bool hs_list_free_slice(HsPart *part, HsRef root, unsigned budget);
extern uint64_t hs_list_bytes(HsRef root);
extern uint64_t hs_list_count_values(HsRecord *record);
extern const char *hs_list_verify(HsPart *part, HsRecord *record);
extern size_t hs_list_dump(HsRecord *record, uint8_t *buf, size_t capacity);
extern HsStatus hs_list_load(HsOp *op, HsBytes payload, int64_t expires_us);

#endif							/* HS_LIST_H */
