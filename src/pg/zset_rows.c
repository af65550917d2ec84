/*
 * zset_rows.c
 *	  Entries of sorted sets become rows (member, score, rank): see rows.c.
 */
#include "postgres.h"

#include "zset_sql.h"

#define ENTRY_GUESS		64		/* bytes of an entry, for a first buffer */
#define GUESS_MAX		1000

typedef struct ZsetRows
{
	HsgRows		rows;
	HsZsetCursor cursor;
	uint64_t	rank;			/* of the next row */
	const HsZsetMember *array;	/* the rest of it */
} ZsetRows;

static HsStatus read_range(HsOp *op, HsgRows *rows);
static void rewind_range(HsgRows *rows);
static void entry_row(HsgRows *rows, Datum *values, bool *nulls);
static void array_row(HsgRows *rows, Datum *values, bool *nulls);
static void put_row(HsgRows *rows, const HsZsetMember *entry, Datum *values);

/*
 * ---- A range -----------------------------------------------------------------------
 */

HsgRows *
hsg_zset_rows_range(HsBytes key, int ks_arg, const HsZsetRange *range)
{
	ZsetRows   *z = hsg_rows_new(sizeof(ZsetRows));

	z->rows.row = entry_row;
	hs_zset_cursor_init(&z->cursor, range);
	hsg_rows_read(&z->rows, key, HS_ZSET, ks_arg, HS_ZSET_BATCH, read_range, rewind_range);
	return &z->rows;
}

static HsStatus
read_range(HsOp *op, HsgRows *rows)
{
	ZsetRows   *z = (ZsetRows *) rows;
	HsZsetBatch batch = {0};
	bool		is_first = !z->cursor.started;
	HsStatus	status = hs_zset_read(op, &z->cursor, rows->items.buf, rows->items.capacity, &batch);

	if (is_first)
		z->rank = batch.first_rank;
	rows->items.n = batch.n;
	rows->items.need = batch.need;
	rows->done = z->cursor.done;
	return status;
}

static void
rewind_range(HsgRows *rows)
{
	ZsetRows   *z = (ZsetRows *) rows;
	HsZsetRange range = z->cursor.range;

	hs_zset_cursor_init(&z->cursor, &range);
}

/*
 * ---- Entries that are here -----------------------------------------------------------
 */

HsgRows *
hsg_zset_rows_entries(uint64_t guess)
{
	ZsetRows   *z = hsg_rows_new(sizeof(ZsetRows));

	z->rows.row = entry_row;
	z->rows.items.capacity = Max(Min(guess, GUESS_MAX), 1) * ENTRY_GUESS;
	z->rows.items.buf = palloc(z->rows.items.capacity);
	return &z->rows;
}

HsgRows *
hsg_zset_rows_array(const HsZsetMember *array, size_t n)
{
	ZsetRows   *z = hsg_rows_new(sizeof(ZsetRows));

	z->rows.row = array_row;
	z->rows.left = n;
	z->array = array;
	return &z->rows;
}

static void
entry_row(HsgRows *rows, Datum *values, bool *nulls)
{
	HsZsetMember entry = hs_zset_batch_next(rows->items.buf, &rows->pos);

	put_row(rows, &entry, values);
}

static void
array_row(HsgRows *rows, Datum *values, bool *nulls)
{
	put_row(rows, ((ZsetRows *) rows)->array++, values);
}

static void
put_row(HsgRows *rows, const HsZsetMember *entry, Datum *values)
{
	values[0] = hsg_row_text(rows, 0, entry->member);
	values[1] = Float8GetDatum(entry->score);
	values[2] = Int64GetDatum(((ZsetRows *) rows)->rank++);
}
