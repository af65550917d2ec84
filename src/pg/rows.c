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
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
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
#define INTERRUPT_EVERY	65536	/* items */

/* Makes rows of one kind. */
typedef struct Former
{
	TupleDesc	desc;
	bool		knows_types;	/* nothing but texts and numbers of 8 bytes */
	bool		is_text[HSG_COLUMNS];
	uint16		infomask;
	HeapTupleData tuple;		/* the last row; its memory is used again */
	size_t		capacity;		/* bytes */
} Former;

static void former_init(Former *f, TupleDesc desc);
static bool former_take(Former *f, const Datum *values, const bool *nulls);
static bool more_rows(FunctionCallInfo fcinfo, HsgRows *rows);
static inline void verify_text(HsBytes bytes);
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

/*
 * All rows into the tuplestore of a scan of the function.  The current context is
 * one that the executor empties before the next call.
 */
static Datum
store_rows(FunctionCallInfo fcinfo, HsgRowsOpen open)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	HsgRows    *rows;
	Former		former;
	Datum		values[HSG_COLUMNS];
	bool		nulls[HSG_COLUMNS] = {0};

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	former_init(&former, rsinfo->setDesc);
	rows = open(fcinfo);
	while (hsg_rows_next(fcinfo, rows, values, nulls))
	{
		CHECK_FOR_INTERRUPTS();
		if (former_take(&former, values, nulls))
			tuplestore_puttuple(rsinfo->setResult, &former.tuple);
		else
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * ---- Tuples ------------------------------------------------------------------------
 * What heap_form_tuple() does, for rows of texts and numbers of 8 bytes, none of them
 * null, in memory that is used again: 100 instructions a row in place of 580.
 */

static void
former_init(Former *f, TupleDesc desc)
{
	f->desc = desc;
	f->capacity = 0;
	f->tuple.t_data = NULL;
	f->infomask = 0;
	f->knows_types = desc->natts <= HSG_COLUMNS;
	for (int i = 0; i < desc->natts && f->knows_types; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		f->is_text[i] = att->attlen == -1 && att->attalign == TYPALIGN_INT &&
			att->attstorage != TYPSTORAGE_PLAIN;
		if (f->is_text[i])
			f->infomask = HEAP_HASVARWIDTH;
		else
			f->knows_types = att->attlen == sizeof(Datum) && att->attbyval &&
				att->attalign == TYPALIGN_DOUBLE && !att->attisdropped;
	}
}

static void
former_enlarge(Former *f, size_t size)
{
	if (f->tuple.t_data != NULL)
		pfree(f->tuple.t_data);
	f->capacity = size + size / 2;
	f->tuple.t_data = palloc0(f->capacity);
	f->tuple.t_data->t_infomask = f->infomask;
	f->tuple.t_data->t_hoff = MAXALIGN(SizeofHeapTupleHeader);
	HeapTupleHeaderSetNatts(f->tuple.t_data, f->desc->natts);
}

/* Zeros up to the alignment, a power of two of at most 8; needs room for 8 bytes. */
static inline char *
pad_to(char *p, size_t align)
{
	memset(p, 0, MAXIMUM_ALIGNOF);
	return (char *) TYPEALIGN(align, p);
}

/* Make the row f->tuple; false if it is of another kind. */
static bool
former_take(Former *f, const Datum *values, const bool *nulls)
{
	size_t		size = MAXALIGN(SizeofHeapTupleHeader);
	HeapTupleHeader start;
	char	   *p;

	if (!f->knows_types)
		return false;
	for (int i = 0; i < f->desc->natts; i++)
	{
		if (nulls[i] || (f->is_text[i] && !VARATT_IS_4B_U(DatumGetPointer(values[i]))))
			return false;
		size += MAXIMUM_ALIGNOF + (f->is_text[i] ? VARSIZE(DatumGetPointer(values[i])) : sizeof(Datum));
	}
	if (size > MaxAllocSize / 2)
		return false;
	if (size > f->capacity)
		former_enlarge(f, size);
	start = f->tuple.t_data;
	p = (char *) start + MAXALIGN(SizeofHeapTupleHeader);
	for (int i = 0; i < f->desc->natts; i++)
	{
		if (!f->is_text[i])
		{
			p = pad_to(p, sizeof(Datum));
			memcpy(p, &values[i], sizeof(Datum));
			p += sizeof(Datum);
			continue;
		}
		size = VARSIZE(DatumGetPointer(values[i]));
		if (size - VARHDRSZ + VARHDRSZ_SHORT <= VARATT_SHORT_MAX)
		{
			size -= VARHDRSZ - VARHDRSZ_SHORT;
			SET_VARSIZE_SHORT(p, size);
			hs_copy(VARDATA_SHORT(p), VARDATA(DatumGetPointer(values[i])), size - VARHDRSZ_SHORT);
		}
		else
		{
			p = pad_to(p, sizeof(int32));
			hs_copy(p, DatumGetPointer(values[i]), size);
		}
		p += size;
	}
	f->tuple.t_len = p - (char *) start;
	return true;
}

/*
 * ---- Arrays ------------------------------------------------------------------------
 */

/* The array while it grows: its elements stand where they will be. */
typedef struct Growing
{
	char	   *buf;
	size_t		size;
	size_t		capacity;
	int			n;
} Growing;

static void
growing_reserve(Growing *g, size_t more)
{
	size_t		end = g->size + more;

	if (likely(end <= g->capacity))
		return;
	if (end > MaxAllocSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("array is too large to be returned"),
				 errhint("The function that returns rows has no such limit.")));
	g->capacity = Min(Max(end, g->capacity * 2), MaxAllocSize);
	g->buf = g->buf == NULL ? palloc(g->capacity) : repalloc(g->buf, g->capacity);
}

/* An element for which there is room, with zeros up to its alignment. */
static inline void
growing_put(Growing *g, HsBytes bytes)
{
	const uint32 zero = 0;
	size_t		size = VARHDRSZ + bytes.size;
	size_t		end = g->size + INTALIGN(size);

	memcpy(g->buf + end - sizeof(zero), &zero, sizeof(zero));
	SET_VARSIZE(g->buf + g->size, size);
	hs_copy_short(g->buf + g->size + VARHDRSZ, bytes.data, bytes.size);
	g->size = end;
	g->n++;
}

/*
 * What the buffer holds, from the items to their places at once: 80 instructions each in place of
 * 250 by way of a row.
 */
static void
growing_put_items(Growing *g, HsgRows *rows)
{
	size_t		most = rows->items.size - rows->pos + rows->left * (sizeof(int32) - 1);
	bool		is_tight = most > MaxAllocSize - g->size;

	if (!is_tight)
		growing_reserve(g, most);
	for (; rows->left > 0; rows->left--)
	{
		HsBytes		item;

		if (unlikely(rows->left % INTERRUPT_EVERY == 0))
			CHECK_FOR_INTERRUPTS();
		(void) hs_items_next(&rows->items, &rows->pos, &item);
		verify_text(item);
		if (unlikely(is_tight))
			growing_reserve(g, INTALIGN(VARHDRSZ + item.size));
		growing_put(g, item);
	}
}

Datum
hsg_rows_array(FunctionCallInfo fcinfo, int nargs, HsgRowsOpen open)
{
	Growing		g = {.size = ARR_OVERHEAD_NONULLS(1)};
	HsgRows    *rows = open(fcinfo);
	ArrayType  *array;

	for (int i = 0; i < nargs; i++)
		if (PG_ARGISNULL(i))
			PG_RETURN_NULL();
	while (more_rows(fcinfo, rows))
		growing_put_items(&g, rows);
	if (g.n == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(TEXTOID));
	array = (ArrayType *) g.buf;
	memset(array, 0, ARR_OVERHEAD_NONULLS(1));
	SET_VARSIZE(array, g.size);
	array->ndim = 1;
	array->elemtype = TEXTOID;
	ARR_DIMS(array)[0] = g.n;
	ARR_LBOUND(array)[0] = 1;
	PG_RETURN_ARRAYTYPE_P(array);
}

/*
 * ---- The next row ------------------------------------------------------------------
 */

/* Is there a row in the buffer, now or after another batch? */
static bool
more_rows(FunctionCallInfo fcinfo, HsgRows *rows)
{
	while (unlikely(rows->left == 0))
	{
		if (rows->read == NULL || rows->done)
			return false;
		if (!read_batch(fcinfo, rows))
			return false;
	}
	return true;
}

bool
hsg_rows_next(FunctionCallInfo fcinfo, HsgRows *rows, Datum *values, bool *nulls)
{
	if (!more_rows(fcinfo, rows))
		return false;
	rows->left--;
	rows->row(rows, values, nulls);
	return true;
}

/* Text in any encoding of a database, which takes 20 instructions to see and not 150. */
static inline bool
is_ascii(HsBytes bytes)
{
	const uint64	ones = UINT64CONST(0x0101010101010101);
	const uint64	highs = UINT64CONST(0x8080808080808080);
	const uint8_t *p = bytes.data;
	uint64		word;

	if (bytes.size > 64)
		return false;
	if (bytes.size < sizeof(word))
	{
		/* a short one, after as many blanks as it lacks */
		word = UINT64CONST(0x2020202020202020);
		hs_copy_short((uint8_t *) &word + sizeof(word) - bytes.size, p, bytes.size);
		return ((word | ((word - ones) & ~word)) & highs) == 0;
	}
	for (const uint8_t *last = p + bytes.size - sizeof(word);; p += sizeof(word))
	{
		p = Min(p, last);
		word = hs_word_at(p);
		/* a byte with its high bit set, or a zero byte */
		if ((word | ((word - ones) & ~word)) & highs)
			return false;
		if (p == last)
			return true;
	}
}

/* Members came in as text, but a key can also have been restored from elsewhere: 22021. */
static inline void
verify_text(HsBytes bytes)
{
	if (!is_ascii(bytes))
		(void) pg_verifymbstr((const char *) bytes.data, (int) bytes.size, false);
}

Datum
hsg_row_text(HsgRows *rows, int column, HsBytes bytes)
{
	size_t		size = bytes.size + VARHDRSZ;
	text	   *t = rows->texts[column];

	verify_text(bytes);
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
