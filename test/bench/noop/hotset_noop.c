/*
 * hotset_noop.c
 *	  What the benchmark needs inside the server: calls that do nothing, and
 *	  a clock of the CPU time a backend has used.
 */
#include "postgres.h"

#include <time.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

PG_MODULE_MAGIC;

#define NOOP_BYTES	40			/* of each text */
#define NOOP_ITEMS	100			/* of each array */

/* noop_text(...) returns text: always the same 40 bytes. */
PG_FUNCTION_INFO_V1(noop_text);
Datum
noop_text(PG_FUNCTION_ARGS)
{
	static struct
	{
		int32		header;
		char		bytes[NOOP_BYTES];
	}			constant;

	if (constant.header == 0)
	{
		memset(constant.bytes, 'v', sizeof(constant.bytes));
		SET_VARSIZE(&constant, sizeof(constant));
	}
	PG_RETURN_POINTER(&constant);
}

/* noop_text_array(keys text[], ...) returns text[]: takes the array it is given, returns always the
 * same one, of 100 texts of 40 bytes. */
PG_FUNCTION_INFO_V1(noop_text_array);
Datum
noop_text_array(PG_FUNCTION_ARGS)
{
	static ArrayType *constant = NULL;

	(void) PG_GETARG_ARRAYTYPE_P(0);
	if (constant == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
		Datum		items[NOOP_ITEMS];

		for (int i = 0; i < NOOP_ITEMS; i++)
			items[i] = noop_text(fcinfo);
		constant = construct_array(items, NOOP_ITEMS, TEXTOID, -1, false, TYPALIGN_INT);
		MemoryContextSwitchTo(old);
	}
	PG_RETURN_ARRAYTYPE_P(constant);
}

/* noop_boolean(...) returns boolean */
PG_FUNCTION_INFO_V1(noop_boolean);
Datum
noop_boolean(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(true);
}

/* noop_bigint(...) returns bigint */
PG_FUNCTION_INFO_V1(noop_bigint);
Datum
noop_bigint(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(42);
}

/* noop_float8(...) returns float8 */
PG_FUNCTION_INFO_V1(noop_float8);
Datum
noop_float8(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(42);
}

/* noop_rows(n bigint) returns rows (member text, score float8, rank bigint): always the same one. */
PG_FUNCTION_INFO_V1(noop_rows);
Datum
noop_rows(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum		values[3] = {CStringGetTextDatum("member:000042"), Float8GetDatum(42), Int64GetDatum(42)};
	bool		nulls[3] = {0};
	HeapTuple	row;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	row = heap_form_tuple(rsinfo->setDesc, values, nulls);
	for (int64 n = PG_GETARG_INT64(0); n > 0; n--)
		tuplestore_puttuple(rsinfo->setResult, row);
	return (Datum) 0;
}

/* cpu_ns() returns float8: nanoseconds of CPU this backend has used. */
PG_FUNCTION_INFO_V1(cpu_ns);
Datum
cpu_ns(PG_FUNCTION_ARGS)
{
	struct timespec now;

	if (clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) != 0)
		elog(ERROR, "clock_gettime failed: %m");
	PG_RETURN_FLOAT8(now.tv_sec * 1e9 + now.tv_nsec);
}
