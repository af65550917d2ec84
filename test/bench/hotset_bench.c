/*
 * hotset_bench.c
 *	  Functions with which the benchmarks measure inside a backend.  Built beside the
 *	  extension by hotset_bench.mk, with an engine of its own that is attached to the region of
 *	  the server's: so it can do what no SQL function does.
 *
 * bench_calls()	evaluate SQL expressions many times and time each call
 * bench_reads()	reads and writes of the engine, with the partition's lock or without
 * bench_count()	switch callgrind's counting on and off
 */
#include "postgres.h"

#include <time.h>
#if defined(__has_include) && __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#endif

#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/plannodes.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/plancache.h"
#include "utils/timestamp.h"

#include "histogram.h"
#include "hot.h"
#include "index.h"
#include "kvstring.h"

PG_MODULE_MAGIC;

#define NAME_SIZE	64
#define MANY		100			/* keys in $4 */
#define WARM_READS	100000
#define CHECK_EVERY	256			/* calls between looks at the clock and for interrupts */

static uint64
thread_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64) t.tv_sec * 1000000000 + (uint64) t.tv_nsec;
}

static uint64
elapsed_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64) t.tv_sec * 1000000000 + (uint64) t.tv_nsec;
}

static uint64
next_random(uint64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* So that processes begin at one time. */
static void
wait_until(TimestampTz at)
{
	while (GetCurrentTimestamp() < at)
	{
		CHECK_FOR_INTERRUPTS();
		pg_usleep(at - GetCurrentTimestamp() > 20000 ? 10000 : 20);
	}
}

/*
 * ---- Instructions ----------------------------------------------------------------
 */

/* bench_count(name text): NULL begins counting, a name ends it and writes the counts. */
PG_FUNCTION_INFO_V1(bench_count);
Datum
bench_count(PG_FUNCTION_ARGS)
{
#ifdef CALLGRIND_DUMP_STATS_AT
	if (PG_ARGISNULL(0))
	{
		CALLGRIND_START_INSTRUMENTATION;
		CALLGRIND_ZERO_STATS;
	}
	else
	{
		CALLGRIND_DUMP_STATS_AT(text_to_cstring(PG_GETARG_TEXT_PP(0)));
		CALLGRIND_STOP_INSTRUMENTATION;
	}
#else
	elog(ERROR, "built without valgrind");
#endif
	PG_RETURN_VOID();
}

/*
 * ---- Expressions -----------------------------------------------------------------
 * Parameters of each: $1 a key of those there are, "key:N" with N below 'keys';
 * $2 a name never used before; $3 a float8 below a million; $4 an array of
 * MANY keys.
 */
typedef struct Call
{
	ExprState  *state;
	Histogram	cpu;
	Histogram	wall;
} Call;

typedef struct Params
{
	ParamListInfo list;
	uint64		random;
	uint64		seed;
	uint64		keys;
	uint64		used;			/* names made for $2 */
	Datum		arrays[16];
	struct
	{
		int32		header;
		char		text[NAME_SIZE];
	}			key,
				name;
} Params;

static const Oid param_types[] = {TEXTOID, TEXTOID, FLOAT8OID, TEXTARRAYOID};

#define NPARAMS		((int) lengthof(param_types))

static void
put_name(char *text, int32 *header, const char *prefix, uint64 a, uint64 b)
{
	int			n = strlen(prefix);
	char		digits[MAXINT8LEN + 1];

	memcpy(text, prefix, n);
	n += pg_ulltoa_n(a, text + n);
	if (b > 0)
	{
		int			len = pg_ulltoa_n(b, digits);

		text[n++] = ':';
		memcpy(text + n, digits, len);
		n += len;
	}
	SET_VARSIZE(header, VARHDRSZ + n);
}

static void
set_param(ParamListInfo list, int i, Datum value)
{
	list->params[i].value = value;
	list->params[i].isnull = false;
	list->params[i].pflags = PARAM_FLAG_CONST;
	list->params[i].ptype = param_types[i];
}

static void
params_init(Params *p, uint64 keys, uint64 seed)
{
	p->list = makeParamList(NPARAMS);
	p->random = (seed * UINT64CONST(0x9fb21c651e98df25)) | 1;
	p->seed = seed;
	p->keys = Max(keys, 1);
	p->used = 0;
	for (int i = 0; i < (int) lengthof(p->arrays); i++)
	{
		Datum		elements[MANY];

		for (int k = 0; k < MANY; k++)
			elements[k] = CStringGetTextDatum(psprintf("key:" UINT64_FORMAT,
													   next_random(&p->random) % p->keys));
		p->arrays[i] = PointerGetDatum(construct_array(elements, MANY, TEXTOID, -1, false,
													   TYPALIGN_INT));
	}
}

static void
params_next(Params *p)
{
	put_name(p->key.text, &p->key.header, "key:", next_random(&p->random) % p->keys, 0);
	put_name(p->name.text, &p->name.header, "new:", p->seed, ++p->used);
	set_param(p->list, 0, PointerGetDatum(&p->key));
	set_param(p->list, 1, PointerGetDatum(&p->name));
	set_param(p->list, 2, Float8GetDatum((double) (next_random(&p->random) % 1000000)));
	set_param(p->list, 3, p->arrays[next_random(&p->random) % lengthof(p->arrays)]);
}

/* As PL/pgSQL prepares what it evaluates without the executor. */
static ExprState *
prepare(const char *expression, ParamListInfo list)
{
	SPIPlanPtr	prepared = SPI_prepare(psprintf("SELECT %s", expression), NPARAMS,
									   (Oid *) param_types);
	CachedPlan *cached = prepared == NULL ? NULL : SPI_plan_get_cached_plan(prepared);
	Plan	   *plan;

	if (cached == NULL)
		elog(ERROR, "cannot prepare \"%s\"", expression);
	plan = linitial_node(PlannedStmt, cached->stmt_list)->planTree;
	if (!IsA(plan, Result) || list_length(plan->targetlist) != 1)
		elog(ERROR, "\"%s\" is not one scalar expression", expression);
	return ExecInitExprWithParams(linitial_node(TargetEntry, plan->targetlist)->expr, list);
}

static void
evaluate(Call *call, ExprContext *econtext, bool timed)
{
	bool		isnull;
	uint64		wall = 0;
	uint64		cpu = 0;

	if (timed)
	{
		wall = elapsed_ns();
		cpu = thread_cpu_ns();
	}
	(void) ExecEvalExprSwitchContext(call->state, econtext, &isnull);
	if (timed)
	{
		histogram_add(&call->cpu, thread_cpu_ns() - cpu);
		histogram_add(&call->wall, elapsed_ns() - wall);
	}
	else
		call->cpu.calls++;
	ResetExprContext(econtext);
}

static Datum
bucket_array(const Histogram *h)
{
	Datum		counts[HISTOGRAM_BUCKETS];

	for (int i = 0; i < HISTOGRAM_BUCKETS; i++)
		counts[i] = Int64GetDatum((int64) h->bucket[i]);
	return PointerGetDatum(construct_array(counts, HISTOGRAM_BUCKETS, INT8OID, 8,
										   FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static void
put_result(ReturnSetInfo *rsinfo, int number, const Call *call)
{
	Datum		values[7];
	bool		nulls[7] = {false};

	values[0] = Int32GetDatum(number);
	values[1] = Int64GetDatum((int64) call->cpu.calls);
	values[2] = Int64GetDatum((int64) call->cpu.sum_ns);
	values[3] = Int64GetDatum((int64) call->cpu.max_ns);
	values[4] = Int64GetDatum((int64) call->wall.max_ns);
	values[5] = bucket_array(&call->cpu);
	values[6] = bucket_array(&call->wall);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * bench_calls(expressions text[], keys bigint, seconds float8, seed bigint,
 * timed boolean, start_at timestamptz): evaluate expressions, one drawn after
 * the other, for so long.  One row for each, from 1: calls, CPU time of the thread (all, and the
 * longest), longest elapsed time, and the buckets of histogram.h for both
 * clocks.  Not timed: the first row has the CPU time of all, nothing else is
 * measured.
 */
PG_FUNCTION_INFO_V1(bench_calls);
Datum
bench_calls(PG_FUNCTION_ARGS)
{
	bool		timed = PG_GETARG_BOOL(4);
	Params	   *params = palloc0(sizeof(Params));
	ExprContext *econtext;
	Datum	   *texts;
	int			n;
	Call	   *calls;
	uint64		end;
	uint64		cpu;

	InitMaterializedSRF(fcinfo, 0);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &texts, NULL, &n);
	calls = palloc0(sizeof(Call) * n);
	SPI_connect();
	params_init(params, (uint64) PG_GETARG_INT64(1), (uint64) PG_GETARG_INT64(3));
	params_next(params);
	econtext = CreateStandaloneExprContext();
	econtext->ecxt_param_list_info = params->list;
	for (int i = 0; i < n; i++)
		calls[i].state = prepare(TextDatumGetCString(texts[i]), params->list);

	wait_until(PG_GETARG_TIMESTAMPTZ(5));
	end = elapsed_ns() + (uint64) (PG_GETARG_FLOAT8(2) * 1e9);
	cpu = thread_cpu_ns();
	do
	{
		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < CHECK_EVERY; i++)
		{
			params_next(params);
			evaluate(&calls[next_random(&params->random) % n], econtext, timed);
		}
	} while (elapsed_ns() < end);
	if (!timed)
		calls[0].cpu.sum_ns = thread_cpu_ns() - cpu;
	FreeExprContext(econtext, true);
	for (int i = 0; i < n; i++)
		put_result((ReturnSetInfo *) fcinfo->resultinfo, i + 1, &calls[i]);
	SPI_finish();
	PG_RETURN_NULL();
}

/*
 * ---- The engine ------------------------------------------------------------------
 */

/* Our copy of the engine comes to use the server's region. */
static void
attach(Size size)
{
	uint32_t	nkeyspaces = hs_region_keyspaces(size);
	bool		has_region;
	bool		has_hot;
	void	   *region;
	void	   *hot;

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	region = ShmemInitStruct("hotset region", size, &has_region);
	hot = ShmemInitStruct("hotset hot keys", hs_hot_size(nkeyspaces), &has_hot);
	LWLockRelease(AddinShmemInitLock);
	if (!has_region || !has_hot || hs_region_attach(region) != HS_OK)
		elog(ERROR, "found no region of %zu bytes", size);
	hs_hot_attach(hot, nkeyspaces);
}

static void
read_key(HsHandle *h, HsBytes key, int64_t now_us, bool locked)
{
	HsPart	   *part = hs_part_of(h, hs_hash(key));
	uint8_t		buf[256];
	HsStatus	status;
	HsRead		r;

	if (locked)
		hs_port_lock(&part->lock, HS_SHARED);
	status = hs_read(h, key, now_us, buf, sizeof(buf), &r);
	if (locked)
		hs_port_unlock(&part->lock);
	if (status != HS_OK)
		elog(ERROR, "read: status %d", (int) status);
}

static void
write_key(HsHandle *h, HsBytes key, int64_t now_us)
{
	HsNewValue	v = {.bytes = hs_bytes_str("wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww"),.flags = HS_RF_TEXT};
	HsSetRule	rule = {.expires_us = HS_NEVER};
	HsStatus	status;
	HsOp		op;
	bool		done;

	status = hs_op_begin(&op, h, key, HS_EXCLUSIVE, now_us);
	if (status == HS_OK)
	{
		status = hs_string_set(&op, &v, &rule, NULL, &done);
		hs_op_end(&op);
	}
	if (status != HS_OK)
		elog(ERROR, "write: status %d", (int) status);
}

/* A read of a key at random, or, of a hundred calls so many, a write. */
static void
call_random(HsHandle *h, uint64 keys, uint64 *random, unsigned writes, bool locked, int64_t now_us)
{
	char		text[NAME_SIZE] = "key:";
	HsBytes		key = hs_bytes(text, 4 + pg_ulltoa_n(next_random(random) % keys, text + 4));

	if (writes > 0 && next_random(random) % 100 < writes)
		write_key(h, key, now_us);
	else
		read_key(h, key, now_us, locked);
}

/*
 * bench_reads(region_bytes bigint, db oid, server oid, keys bigint, writes int,
 * locked boolean, seconds float8, seed bigint, start_at timestamptz): reads of the engine of
 * "key:N", of a hundred calls so many writes, with the same code in both cases but for a shared lock around
 * each read.  Before they count, so many reads that most pages were seen by this process.
 * Array of calls, CPU nanoseconds, elapsed nanoseconds.
 */
PG_FUNCTION_INFO_V1(bench_reads);
Datum
bench_reads(PG_FUNCTION_ARGS)
{
	uint64		keys = Max((uint64) PG_GETARG_INT64(3), 1);
	unsigned	writes = (unsigned) PG_GETARG_INT32(4);
	bool		locked = PG_GETARG_BOOL(5);
	uint64		random = ((uint64) PG_GETARG_INT64(7) * UINT64CONST(0x9fb21c651e98df25)) | 1;
	int64_t		now_us = GetCurrentTimestamp();
	uint64		calls = 0;
	uint64		start;
	uint64		end;
	uint64		cpu;
	Datum		result[3];
	HsHandle	h;

	attach((Size) PG_GETARG_INT64(0));
	if (hs_keyspace_lookup(PG_GETARG_OID(1), PG_GETARG_OID(2), &h) != HS_OK)
		elog(ERROR, "found no such keyspace");
	for (uint64 i = 0; i < Min(keys, WARM_READS); i++)
		call_random(&h, keys, &random, 0, locked, now_us);
	wait_until(PG_GETARG_TIMESTAMPTZ(8));
	start = elapsed_ns();
	end = start + (uint64) (PG_GETARG_FLOAT8(6) * 1e9);
	cpu = thread_cpu_ns();
	do
	{
		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < CHECK_EVERY; i++)
			call_random(&h, keys, &random, writes, locked, now_us);
		calls += CHECK_EVERY;
	} while (elapsed_ns() < end);
	result[0] = Int64GetDatum((int64) calls);
	result[1] = Int64GetDatum((int64) (thread_cpu_ns() - cpu));
	result[2] = Int64GetDatum((int64) (elapsed_ns() - start));
	PG_RETURN_ARRAYTYPE_P(construct_array(result, 3, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}
