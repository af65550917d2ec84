/*
 * rows.c
 *	  Contents of collections become rows.
 *
 * In FROM the executor always takes all rows before the first goes on, so there
 * they are put into a tuplestore directly, batch by batch.  In a select list each
 * call returns one row: what is not asked for is never read.  Either way no more
 * than a batch of a collection is in memory here, and no lock is held between
 * batches.  A call that ends early has nothing to clean up but memory of its
 * context.
 *
 * The first batch, 1000 rows, is of one instant unless they are long: the
 * buffer grows until they fit.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "rows.h"

#define FIRST_BUFFER	4096	/* bytes: the usual top ten, and more */
#define WHOLE_BUFFER	((size_t) 256 * 1024)	/* for a first batch in one piece */
#define BUFFER_GROWTH	8
#define ITEM_GUESS		32		/* bytes of an item, for a first buffer */
#define GUESS_MAX		4096	/* items */
#define TEXT_MIN		128

static bool read_batch(FunctionCallInfo fcinfo, HsgRows *rows);
static bool is_cut_short(const HsgRows *rows);
static void grow_buffer(HsgRows *rows, size_t capacity);
static Datum store_rows(FunctionCallInfo fcinfo, HsgRowsOpen open);
static void items_row(HsgRows *rows, int columns, Datum *values, bool *nulls);

/*
 * ---- Rows ------------------------------------------------------------------------
 */

void *
hsg_rows_new(size_t size)
{
	Assert(size >= sizeof(HsgRows));
	return palloc0(size);
}

HsgRows *
hsg_rows_none(void)
{
	return hsg_rows_new(sizeof(HsgRows));
}

void
hsg_rows_read(HsgRows *rows, HsBytes key, HsType type, int ks_arg, uint64_t whole_batch,
			  HsStatus (*read) (HsOp *op, HsgRows *rows), void (*rewind) (HsgRows *rows))
{
	rows->key = key;
	rows->type = type;
	rows->ks_arg = ks_arg;
	rows->whole_batch = whole_batch;
	rows->read = read;
	rows->rewind = rewind;
	rows->items.capacity = FIRST_BUFFER;
	rows->items.buf = palloc(FIRST_BUFFER);
}

Datum
hsg_rows(FunctionCallInfo fcinfo, HsgRowsOpen open)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	FuncCallContext *funcctx;
	Datum		values[HSG_COLUMNS];
	bool		nulls[HSG_COLUMNS] = {0};

	if (fcinfo->flinfo->fn_extra == NULL && rsinfo != NULL && IsA(rsinfo, ReturnSetInfo) &&
		(rsinfo->allowedModes & SFRM_Materialize_Preferred) != 0)
		return store_rows(fcinfo, open);

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;
		TupleDesc	desc;

		funcctx = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		/* a single column is no row type */
		if (get_call_result_type(fcinfo, NULL, &desc) == TYPEFUNC_COMPOSITE)
			funcctx->tuple_desc = BlessTupleDesc(desc);
		funcctx->user_fctx = open(fcinfo);
		MemoryContextSwitchTo(old);
	}
	funcctx = SRF_PERCALL_SETUP();
	if (!hsg_rows_next(fcinfo, funcctx->user_fctx, values, nulls))
		SRF_RETURN_DONE(funcctx);
	if (funcctx->tuple_desc != NULL)
		SRF_RETURN_NEXT(funcctx, HeapTupleGetDatum(heap_form_tuple(funcctx->tuple_desc,
																   values, nulls)));
	if (nulls[0])
		SRF_RETURN_NEXT_NULL(funcctx);
	SRF_RETURN_NEXT(funcctx, datumCopy(values[0], false, -1));
}

/* All rows into the tuplestore of a scan of the function. */
static Datum
store_rows(FunctionCallInfo fcinfo, HsgRowsOpen open)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "hotset rows",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old;
	HsgRows    *rows;
	Datum		values[HSG_COLUMNS];
	bool		nulls[HSG_COLUMNS] = {0};

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	old = MemoryContextSwitchTo(context);
	rows = open(fcinfo);
	while (hsg_rows_next(fcinfo, rows, values, nulls))
	{
		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

bool
hsg_rows_next(FunctionCallInfo fcinfo, HsgRows *rows, Datum *values, bool *nulls)
{
	while (rows->left == 0)
	{
		if (rows->read == NULL || rows->done)
			return false;
		if (!read_batch(fcinfo, rows))
			return false;
	}
	rows->left--;
	rows->row(rows, values, nulls);
	return true;
}

/* Members came in as text, but a key can also have been restored from elsewhere. */
Datum
hsg_row_text(HsgRows *rows, int column, HsBytes bytes)
{
	size_t		size = bytes.size + VARHDRSZ;
	text	   *t = rows->texts[column];

	(void) pg_verifymbstr((const char *) bytes.data, (int) bytes.size, false);
	if (unlikely(size > rows->capacity[column]))
	{
		if (t != NULL)
			pfree(t);
		rows->capacity[column] = Max(size + size / 2, TEXT_MIN);
		t = MemoryContextAlloc(GetMemoryChunkContext(rows), rows->capacity[column]);
		rows->texts[column] = t;
	}
	SET_VARSIZE(t, size);
	hs_copy(VARDATA(t), bytes.data, bytes.size);
	return PointerGetDatum(t);
}

/*
 * ---- Batches -----------------------------------------------------------------------
 */

/*
 * The privilege is checked with each batch: time may have passed since the last.
 */
static bool
read_batch(FunctionCallInfo fcinfo, HsgRows *rows)
{
	HsHandle   *h;
	HsOp		op;
	HsStatus	status;
	bool		again;

	do
	{
		CHECK_FOR_INTERRUPTS();
		h = hsg_keyspace(fcinfo, rows->ks_arg);
		hs_items_clear(&rows->items);
		HSG_ONCE(status, op, h, rows->key, HS_SHARED, rows->read(&op, rows));
		again = true;
		if (status == HS_BUFFER_TOO_SMALL)
			grow_buffer(rows, rows->items.need);
		else if (status == HS_OK && !rows->started && is_cut_short(rows))
		{
			grow_buffer(rows, rows->items.capacity * BUFFER_GROWTH);
			rows->rewind(rows);
		}
		else
			again = hsg_retry(h, status, op.hash, op.need);
	} while (again);
	hsg_check(status, h, rows->key, rows->type, op.found_type);

	rows->started = true;
	rows->pos = 0;
	rows->left = rows->items.n;
	return rows->left > 0 || !rows->done;
}

/* Would there be more in the batch if the buffer were larger? */
static bool
is_cut_short(const HsgRows *rows)
{
	return !rows->done && rows->items.n < rows->whole_batch &&
		rows->items.capacity < WHOLE_BUFFER;
}

/* With what is in it. */
static void
grow_buffer(HsgRows *rows, size_t capacity)
{
	if (capacity > HSG_RESULT_MAX)
		(void) hsg_alloc(capacity); /* raises */
	rows->items.buf = repalloc_huge(rows->items.buf, capacity);
	rows->items.capacity = capacity;
}

/*
 * ---- Items ----------------------------------------------------------------------
 */

HsgRows *
hsg_rows_of_items(int columns, uint64_t guess)
{
	HsgRows    *rows = hsg_rows_new(sizeof(HsgRows));

	rows->row = columns == 1 ? hsg_row_of_one : hsg_row_of_two;
	rows->items.capacity = Max(Min(guess, GUESS_MAX), 1) * columns * ITEM_GUESS;
	rows->items.buf = palloc(rows->items.capacity);
	return rows;
}

bool
hsg_items_again(HsItems *items, HsStatus status, const void *own)
{
	if (likely(status != HS_BUFFER_TOO_SMALL))
		return false;
	CHECK_FOR_INTERRUPTS();
	if (items->buf != own)
		pfree(items->buf);
	/* others may add meanwhile */
	items->capacity = items->need + items->need / 8;
	items->buf = hsg_alloc(items->capacity);
	return true;
}

void
hsg_rows_filled(HsgRows *rows, int columns)
{
	rows->pos = 0;
	rows->left = rows->items.n / columns;
}

void
hsg_row_of_one(HsgRows *rows, Datum *values, bool *nulls)
{
	items_row(rows, 1, values, nulls);
}

void
hsg_row_of_two(HsgRows *rows, Datum *values, bool *nulls)
{
	items_row(rows, 2, values, nulls);
}

static void
items_row(HsgRows *rows, int columns, Datum *values, bool *nulls)
{
	for (int i = 0; i < columns; i++)
	{
		HsBytes		item;

		nulls[i] = !hs_items_next(&rows->items, &rows->pos, &item);
		values[i] = nulls[i] ? (Datum) 0 : hsg_row_text(rows, i, item);
	}
}
