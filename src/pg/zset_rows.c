/*
 * zset_rows.c
 *	  Entries of sorted sets become rows.
 *
 * In FROM the executor always takes all rows before the first goes on, so there
 * they are put into a tuplestore directly, batch by batch.  In a select list each
 * call returns one row: what is not asked for is never read.  Either way no more
 * than a batch of a range is in memory here, and no lock is held between
 * batches.  A call that ends early has nothing to clean up but memory of its
 * context.
 *
 * The first 1000 entries of a range are of one instant unless their members are
 * long: the buffer grows until they fit.  'rank' counts on from the first row,
 * so that it always ascends.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "zset_sql.h"

#define FIRST_BUFFER	4096	/* bytes: the usual top ten, and more */
#define WHOLE_BUFFER	((size_t) 256 * 1024)	/* for a first batch in one piece */
#define BUFFER_GROWTH	8
#define MAX_COLUMNS		3

static bool read_batch(FunctionCallInfo fcinfo, HsgZrows *rows);
static void grow_buffer(HsgZrows *rows, size_t capacity);
static void row_values(HsgZrows *rows, const HsZsetMember *entry, Datum *values);
static Datum store_rows(FunctionCallInfo fcinfo, HsgZrowsOpen open);

/*
 * ---- Entries -----------------------------------------------------------------------
 */

HsgZrows *
hsg_zrows_empty(void)
{
	return palloc0(sizeof(HsgZrows));
}

HsgZrows *
hsg_zrows_range(HsBytes key, int ks_arg, const HsZsetRange *range)
{
	HsgZrows   *rows = palloc0(sizeof(HsgZrows));

	rows->is_range = true;
	rows->key = key;
	rows->ks_arg = ks_arg;
	rows->capacity = FIRST_BUFFER;
	rows->buf = palloc(FIRST_BUFFER);
	hs_zset_cursor_init(&rows->cursor, range);
	return rows;
}

bool
hsg_zrows_next(FunctionCallInfo fcinfo, HsgZrows *rows, HsZsetMember *out)
{
	while (rows->left == 0)
	{
		if (!rows->is_range || rows->cursor.done)
			return false;
		if (!read_batch(fcinfo, rows))
			return false;
	}
	rows->left--;
	if (rows->array != NULL)
		*out = *rows->array++;
	else
		*out = hs_zset_batch_next(rows->buf, &rows->pos);
	return true;
}

/*
 * The privilege is checked with each batch: time may have passed since the last.
 */
static bool
read_batch(FunctionCallInfo fcinfo, HsgZrows *rows)
{
	HsZsetBatch batch = {0};
	HsHandle   *h;
	HsOp		op;
	HsStatus	status;
	bool		is_first = !rows->cursor.started;
	bool		again;

	do
	{
		CHECK_FOR_INTERRUPTS();
		h = hsg_keyspace(fcinfo, rows->ks_arg);
		HSG_ONCE(status, op, h, rows->key, HS_SHARED,
				 hs_zset_read(&op, &rows->cursor, rows->buf, rows->capacity, &batch));
		again = true;
		if (status == HS_BUFFER_TOO_SMALL)
			grow_buffer(rows, batch.need);
		else if (status == HS_OK && is_first && !rows->cursor.done &&
				 batch.n < HS_ZSET_BATCH && rows->capacity < WHOLE_BUFFER)
		{
			HsZsetRange range = rows->cursor.range;

			grow_buffer(rows, rows->capacity * BUFFER_GROWTH);
			hs_zset_cursor_init(&rows->cursor, &range);
		}
		else
			again = hsg_retry(h, status, op.hash, op.need);
	} while (again);
	hsg_check(status, h, rows->key, HS_ZSET, op.found_type);

	rows->pos = 0;
	rows->left = batch.n;
	if (is_first)
		rows->rank = batch.first_rank;
	return batch.n > 0 || !rows->cursor.done;
}

static void
grow_buffer(HsgZrows *rows, size_t capacity)
{
	rows->buf = repalloc(rows->buf, capacity);
	rows->capacity = capacity;
}

/*
 * ---- Rows --------------------------------------------------------------------------
 */

Datum
hsg_zset_rows(FunctionCallInfo fcinfo, HsgZrowsOpen open)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	FuncCallContext *funcctx;
	HsgZrows   *rows;
	HsZsetMember entry;
	Datum		values[MAX_COLUMNS];
	bool		nulls[MAX_COLUMNS] = {0};

	if (fcinfo->flinfo->fn_extra == NULL && rsinfo != NULL && IsA(rsinfo, ReturnSetInfo) &&
		(rsinfo->allowedModes & SFRM_Materialize_Preferred) != 0)
		return store_rows(fcinfo, open);

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;
		TupleDesc	desc;

		funcctx = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(funcctx->multi_call_memory_ctx);
		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "return type must be a row type");
		funcctx->tuple_desc = BlessTupleDesc(desc);
		funcctx->user_fctx = open(fcinfo);
		MemoryContextSwitchTo(old);
	}
	funcctx = SRF_PERCALL_SETUP();
	rows = funcctx->user_fctx;
	if (!hsg_zrows_next(fcinfo, rows, &entry))
		SRF_RETURN_DONE(funcctx);
	row_values(rows, &entry, values);
	SRF_RETURN_NEXT(funcctx, HeapTupleGetDatum(heap_form_tuple(funcctx->tuple_desc, values, nulls)));
}

/* All rows into the tuplestore of a scan of the function. */
static Datum
store_rows(FunctionCallInfo fcinfo, HsgZrowsOpen open)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "hotset rows",
												  ALLOCSET_SMALL_SIZES);
	MemoryContext old;
	HsgZrows   *rows;
	HsZsetMember entry;
	Datum		values[MAX_COLUMNS];
	bool		nulls[MAX_COLUMNS] = {0};

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	old = MemoryContextSwitchTo(context);
	rows = open(fcinfo);
	while (hsg_zrows_next(fcinfo, rows, &entry))
	{
		row_values(rows, &entry, values);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return (Datum) 0;
}

/*
 * member, score, rank; good until the next row.  Members came in as text, but
 * a key can also have been restored from elsewhere.
 */
static void
row_values(HsgZrows *rows, const HsZsetMember *entry, Datum *values)
{
	size_t		size = entry->member.size + VARHDRSZ;

	(void) pg_verifymbstr((const char *) entry->member.data, (int) entry->member.size, false);
	if (size > rows->member_capacity)
	{
		MemoryContext context = GetMemoryChunkContext(rows);

		rows->member_capacity = Max(size * 2, 128);
		rows->member = MemoryContextAlloc(context, rows->member_capacity);
	}
	SET_VARSIZE(rows->member, size);
	hs_copy(VARDATA(rows->member), entry->member.data, entry->member.size);
	values[0] = PointerGetDatum(rows->member);
	values[1] = Float8GetDatum(entry->score);
	values[2] = Int64GetDatum(rows->rank);
	rows->rank++;
}
