/*
 * rows.h
 *	  Functions that return rows: of a collection read in batches, or of what a
 *	  command has returned.
 */
#ifndef HSG_ROWS_H
#define HSG_ROWS_H

#include "hotset.h"

#include "../engine/items.h"

#define HSG_COLUMNS	3			/* of a row, at most */

/*
 * Rows on their way: 'left' of them are in items.buf from 'pos' on, and 'read' gets more.
 * Begins a struct of the type's own, made with hsg_rows_new(); lives, with its memory,
 * as long as the call.
 */
typedef struct HsgRows
{
	/* Take the next row of the buffer apart.  nulls[] is false before. */
	void		(*row) (struct HsgRows *rows, Datum *values, bool *nulls);

	/* Batches; NULL: there are none. */
	HsStatus	(*read) (HsOp *op, struct HsgRows *rows);
	void		(*rewind) (struct HsgRows *rows);
	HsType		type;
	HsBytes		key;
	int			ks_arg;			/* argument 'keyspace' */
	uint64_t	whole_batch;	/* rows of a batch that more room would not make longer */
	bool		started;
	bool		done;			/* set by 'read': nothing more will come */

	HsItems		items;			/* items.n is a number of rows for 'read' */
	size_t		pos;
	uint64_t	left;

	text	   *texts[HSG_COLUMNS]; /* of the last row; used again */
	size_t		capacity[HSG_COLUMNS];
} HsgRows;

/* Make the rows from the arguments of the call, in the current context. */
typedef HsgRows *(*HsgRowsOpen) (FunctionCallInfo fcinfo);

/* Body of a SQL function. */
extern Datum hsg_rows(FunctionCallInfo fcinfo, HsgRowsOpen open);

/*
 * Body of a SQL function that returns all rows as text[], which procedures can walk three times as
 * fast: each row is one item, never null.  Null where there is a null argument among
 * the first 'nargs'.
 */
extern Datum hsg_rows_array(FunctionCallInfo fcinfo, int nargs, HsgRowsOpen open);

/* size: of the struct that begins with HsgRows; zeroed. */
extern void *hsg_rows_new(size_t size);
extern HsgRows *hsg_rows_none(void);

/*
 * Let the rows be those of a collection.  read() copies the next batch to 'items',
 * says HS_BUFFER_TOO_SMALL with items.need if not even one row fits, and sets 'done'; it
 * runs under the shared lock.  The buffer keeps the batch before.  rewind() makes
 * it begin again.
 */
extern void hsg_rows_read(HsgRows *rows, HsBytes key, HsType type, int ks_arg,
						  uint64_t whole_batch, HsStatus (*read) (HsOp *op, HsgRows *rows),
						  void (*rewind) (HsgRows *rows));

/* The next row, for functions that do not return them; false at the end. */
extern bool hsg_rows_next(FunctionCallInfo fcinfo, HsgRows *rows, Datum *values, bool *nulls);

/* A text for a row, in memory that the next row uses again.  22021 if it is none. */
extern Datum hsg_row_text(HsgRows *rows, int column, HsBytes bytes);

/*
 * ---- Items ----------------------------------------------------------------------
 */

/* For 'row': one item, or two, are a row of texts. */
extern void hsg_row_of_one(HsgRows *rows, Datum *values, bool *nulls);
extern void hsg_row_of_two(HsgRows *rows, Datum *values, bool *nulls);

/* Rows of so many items each, for a command to fill in; the first buffer has room for
 * about 'guess' of them. */
extern HsgRows *hsg_rows_of_items(int columns, uint64_t guess);

static inline void
hsg_items_init(HsItems *items, void *buf, size_t capacity)
{
	memset(items, 0, sizeof(*items));
	items->buf = buf;
	items->capacity = capacity;
}

/*
 * After a command that fills the buffer, with no lock held: true when it must run
 * once more, since it was too small.  It has grown then.  own: the buffer that is
 * not to be freed, on the stack of the caller say; or NULL.
 */
extern bool hsg_items_again(HsItems *items, HsStatus status, const void *own);

/*
 * HSG_TRY(), HSG_RUN() and HSG_TRY_MULTI() for a command that fills 'items': it runs again with more
 * room, too.
 */
#define HSG_TRY_ITEMS(status, op, h, key, mode, items, own, command) \
	do \
	{ \
		HSG_ONCE(status, op, h, key, mode, command); \
	} while (hsg_items_again(items, status, own) || hsg_retry(h, status, (op).hash, (op).need))

#define HSG_RUN_ITEMS(op, h, key, mode, type, items, own, command) \
	do \
	{ \
		HsStatus	hsg_status; \
		\
		HSG_TRY_ITEMS(hsg_status, op, h, key, mode, items, own, command); \
		hsg_check(hsg_status, h, key, type, (op).found_type); \
	} while (0)

#define HSG_TRY_MULTI_ITEMS(status, m, h, keys, nkeys, mode, items, own, command) \
	do \
	{ \
		HSG_ONCE_MULTI(status, m, h, keys, nkeys, mode, command); \
	} while (hsg_items_again(items, status, own) || hsg_retry(h, status, (m).hash, (m).need))

/* The items in the buffer are the rows. */
extern void hsg_rows_filled(HsgRows *rows, int columns);

#endif							/* HSG_ROWS_H */
