/*
 * scan_sql.c
 *	  SQL functions that look at all keys of a keyspace.
 *
 * kv_scan() copies a batch of keys out of a partition under its shared lock and
 * hands them out one by one after releasing it; kv_del_prefix() deletes them.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "common/pg_prng.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/supportnodes.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"

#include "../engine/key.h"
#include "../engine/type.h"
#include "value.h"

#define SCAN_KEYS		256		/* keys looked at while a partition is locked */
#define SCAN_BUFFER		(32 * 1024)	/* bytes, to begin with */
#define SCAN_COLUMNS	4
#define SCAN_ROWS		1000.0	/* as in the declaration of the function */
#define KEY_OPERATORS	20.0	/* cost of looking at a key, in operators */
#define PATTERN_PART	0.1		/* part of all keys that a pattern is thought to match */
#define GLOB_STEPS		10000	/* at worst, per key, under the lock */

/* A key that was copied; its bytes follow. */
typedef struct CopiedKey
{
	int64_t		expires_us;
	uint64_t	bytes;
	uint32_t	key_size;
	HsType		type;
	bool		is_unmatched;	/* the pattern is yet to be compared */
} CopiedKey;

typedef struct KeyScan
{
	HsHandle   *h;
	HsCursor	cursor;
	HsBytes		pattern;
	bool		any_key;		/* the pattern is '*' */
	bool		is_prefix;		/* it is not a pattern: keys begin with it */
	HsType		type;			/* HS_ANY: all */
	TupleDesc	desc;

	/* filled under the lock */
	uint8_t    *buf;
	size_t		capacity;
	size_t		used;
	size_t		bucket_start;	/* 'used' before the bucket being visited */
	bool		is_full;

	size_t		next;			/* to be handed out */
} KeyScan;

static KeyScan *scan_new(HsHandle *h, HsType type, HsBytes pattern);
static KeyScan *scan_begin(FunctionCallInfo fcinfo);
static HsType type_arg(FunctionCallInfo fcinfo, int n);
static bool scan_next(KeyScan *s);
static bool scan_fill(KeyScan *s);
static bool can_match(const KeyScan *s, HsBytes key, bool *is_unmatched);
static bool scan_visit(void *arg, HsOp *op, HsRecord *record);
static HsBytes scan_take(KeyScan *s, CopiedKey *k);
static Datum scan_tuple(KeyScan *s);
static bool scan_estimate(Node *node, PlannerInfo *root, double *rows, double *visited);
static Const *known_arg(FuncExpr *call, PlannerInfo *root, int n);
static double pattern_part(Const *pattern, double rows);

/*
 * kv_scan(pattern text, type text)
 *		returns setof (key text, type text, expires_at timestamptz, bytes bigint)
 */
PG_FUNCTION_INFO_V1(hotset_kv_scan);
Datum
hotset_kv_scan(PG_FUNCTION_ARGS)
{
	FuncCallContext *context;
	KeyScan	   *s;

	if (SRF_IS_FIRSTCALL())
	{
		MemoryContext old;

		context = SRF_FIRSTCALL_INIT();
		old = MemoryContextSwitchTo(context->multi_call_memory_ctx);
		context->user_fctx = scan_begin(fcinfo);
		MemoryContextSwitchTo(old);
	}
	context = SRF_PERCALL_SETUP();
	s = context->user_fctx;
	if (s == NULL || !scan_next(s))
		SRF_RETURN_DONE(context);
	SRF_RETURN_NEXT(context, scan_tuple(s));
}

static KeyScan *
scan_new(HsHandle *h, HsType type, HsBytes pattern)
{
	KeyScan    *s = palloc0(sizeof(KeyScan));

	s->h = h;
	s->type = type;
	s->pattern = hs_bytes(pnstrdup((const char *) pattern.data, pattern.size), pattern.size);
	s->any_key = pattern.size == 1 && pattern.data[0] == '*';
	s->capacity = SCAN_BUFFER;
	s->buf = palloc(s->capacity);
	return s;
}

/* Null for a null pattern: no rows. */
static KeyScan *
scan_begin(FunctionCallInfo fcinfo)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 2);
	HsType		type = PG_ARGISNULL(1) ? HS_ANY : type_arg(fcinfo, 1);
	TupleDesc	desc;
	KeyScan    *s;

	if (PG_ARGISNULL(0))
		return NULL;
	s = scan_new(h, type, hsg_arg_bytes(fcinfo, 0));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	s->desc = BlessTupleDesc(desc);
	return s;
}

/* The type named by argument n, 22023 if there is none of that name. */
static HsType
type_arg(FunctionCallInfo fcinfo, int n)
{
	char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(n));
	StringInfoData names;

	initStringInfo(&names);
	for (int t = 0; t < HS_NTYPES; t++)
	{
		if (t == HS_STREAM)
			continue;			/* there are none yet */
		if (strcmp(name, hs_type_ops((HsType) t)->name) == 0)
			return (HsType) t;
		appendStringInfo(&names, "%s%s", t == 0 ? "" : ", ", hs_type_ops((HsType) t)->name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unrecognized type of key: \"%s\"", name),
			 errhint("Types are: %s.", names.data)));
}

/*
 * Move to the next key that matches; false at the end.  Long patterns against
 * long keys can take a second: they are compared here, without a lock.
 */
static bool
scan_next(KeyScan *s)
{
	for (;;)
	{
		CopiedKey		k;

		if (s->next >= s->used && !scan_fill(s))
			return false;
		memcpy(&k, s->buf + s->next, sizeof(k));
		if (!k.is_unmatched ||
			hsg_glob_match(s->pattern, hs_bytes(s->buf + s->next + sizeof(k), k.key_size)))
			return true;
		s->next += sizeof(k) + k.key_size;
		CHECK_FOR_INTERRUPTS();
	}
}

/* Copy more keys; false at the end of the keyspace. */
static bool
scan_fill(KeyScan *s)
{
	s->used = s->next = 0;
	while (s->used == 0 && !s->cursor.done)
	{
		HsStatus	status;

		CHECK_FOR_INTERRUPTS();
		s->is_full = false;
		status = hs_scan(s->h, &s->cursor, SCAN_KEYS, hsg_now(), scan_visit, s);
		hsg_check(status, s->h, hs_bytes(NULL, 0), HS_ANY, HS_ANY);
		if (!s->is_full)
			continue;
		s->used = s->bucket_start;	/* that bucket will come again */
		if (s->used == 0)
		{
			s->capacity *= 2;
			s->buf = repalloc(s->buf, s->capacity);
		}
	}
	return s->used > 0;
}

/* Does the key match, or, if *is_unmatched, would it take too long to say here? */
static bool
can_match(const KeyScan *s, HsBytes key, bool *is_unmatched)
{
	*is_unmatched = false;
	if (s->is_prefix)
		return key.size >= s->pattern.size &&
			memcmp(key.data, s->pattern.data, s->pattern.size) == 0;
	if (s->any_key)
		return true;
	*is_unmatched = s->pattern.size * key.size > GLOB_STEPS;
	return *is_unmatched || hsg_glob_match(s->pattern, key);
}

/* Called under the lock; without a record at the beginning of a bucket. */
static bool
scan_visit(void *arg, HsOp *op, HsRecord *record)
{
	KeyScan	   *s = arg;
	CopiedKey		k;

	if (op == NULL)
	{
		s->bucket_start = s->used;
		return true;
	}
	k.type = hs_record_type(record);
	if (s->type != HS_ANY && s->type != k.type)
		return true;
	if (!can_match(s, op->key, &k.is_unmatched))
		return true;
	if (sizeof(k) + op->key.size > s->capacity - s->used)
	{
		s->is_full = true;
		return false;
	}
	k.key_size = (uint32_t) op->key.size;
	k.expires_us = hs_expiry(record);
	k.bytes = hs_key_bytes(op, record);
	memcpy(s->buf + s->used, &k, sizeof(k));
	hs_copy(s->buf + s->used + sizeof(k), op->key.data, op->key.size);
	s->used += sizeof(k) + op->key.size;
	return true;
}

/* Hand out the key that scan_next() moved to; in the buffer until the next move. */
static HsBytes
scan_take(KeyScan *s, CopiedKey *k)
{
	HsBytes		key;

	memcpy(k, s->buf + s->next, sizeof(*k));
	key = hs_bytes(s->buf + s->next + sizeof(*k), k->key_size);
	s->next += sizeof(*k) + k->key_size;
	return key;
}

static Datum
scan_tuple(KeyScan *s)
{
	Datum		values[SCAN_COLUMNS];
	bool		nulls[SCAN_COLUMNS] = {false};
	CopiedKey	k;
	HsBytes		key = scan_take(s, &k);

	values[0] = PointerGetDatum(hsg_text_result(key.data, key.size, false));
	values[1] = PointerGetDatum(cstring_to_text(hs_type_ops(k.type)->name));
	nulls[2] = k.expires_us == HS_NEVER;
	values[2] = TimestampTzGetDatum(k.expires_us);
	values[3] = Int64GetDatum((int64) k.bytes);
	return HeapTupleGetDatum(heap_form_tuple(s->desc, values, nulls));
}

/*
 * ---- What the planner is told ----------------------------------------------------
 */

/* kv_scan_support(internal) returns internal */
PG_FUNCTION_INFO_V1(hotset_kv_scan_support);
Datum
hotset_kv_scan_support(PG_FUNCTION_ARGS)
{
	Node	   *request = (Node *) PG_GETARG_POINTER(0);
	double		rows;
	double		visited;

	if (IsA(request, SupportRequestRows))
	{
		SupportRequestRows *req = (SupportRequestRows *) request;

		if (!scan_estimate(req->node, req->root, &rows, &visited))
			PG_RETURN_POINTER(NULL);
		req->rows = rows;
		PG_RETURN_POINTER(req);
	}
	if (IsA(request, SupportRequestCost))
	{
		SupportRequestCost *req = (SupportRequestCost *) request;

		if (!scan_estimate(req->node, req->root, &rows, &visited))
			PG_RETURN_POINTER(NULL);
		req->startup = 0;
		req->per_tuple = cpu_operator_cost * KEY_OPERATORS * visited;
		PG_RETURN_POINTER(req);
	}
	PG_RETURN_POINTER(NULL);
}

/* Rows that come out and keys looked at; false if the keyspace is not known. */
static bool
scan_estimate(Node *node, PlannerInfo *root, double *rows, double *visited)
{
	FuncExpr   *call = (FuncExpr *) node;
	Const	   *type;
	Const	   *keyspace;
	HsHandle	h;
	HsStats		stats;

	if (!is_funcclause(node) || list_length(call->args) != 3)
		return false;
	keyspace = known_arg(call, root, 2);
	if (keyspace == NULL ||
		!hsg_keyspace_quietly(keyspace->constisnull ? NULL :
							  NameStr(*DatumGetName(keyspace->constvalue)), &h) ||
		hs_stats(&h, &stats) != HS_OK)
		return false;

	*visited = *rows = (double) stats.keys;
	type = known_arg(call, root, 1);
	if (type != NULL && !type->constisnull)
	{
		char	   *name = TextDatumGetCString(type->constvalue);

		for (int t = 0; t < HS_NTYPES; t++)
			if (strcmp(name, hs_type_ops((HsType) t)->name) == 0)
				*rows = (double) stats.keys_by_type[t];
	}
	*rows = clamp_row_est(pattern_part(known_arg(call, root, 0), *rows));
	return true;
}

/* All of the keys, one of them, or some. */
static double
pattern_part(Const *pattern, double rows)
{
	char	   *p;

	if (pattern == NULL)
		return rows * PATTERN_PART;
	if (pattern->constisnull)
		return 0;
	p = TextDatumGetCString(pattern->constvalue);
	if (strcmp(p, "*") == 0)
		return rows;
	return strpbrk(p, "*?[\\") == NULL ? 1 : rows * PATTERN_PART;
}

/* Argument n, or NULL if it is not known while planning. */
static Const *
known_arg(FuncExpr *call, PlannerInfo *root, int n)
{
	Node	   *arg = list_nth(call->args, n);

	if (!IsA(arg, Const) && root != NULL)
		arg = estimate_expression_value(root, arg);
	return IsA(arg, Const) ? (Const *) arg : NULL;
}

/*
 * ---- Counting, emptying, sampling --------------------------------------------
 */

/* kv_count() returns bigint */
PG_FUNCTION_INFO_V1(hotset_kv_count);
Datum
hotset_kv_count(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 0);
	HsCount		count = {0};

	while (!hs_count(h, &count, hsg_now()))
		CHECK_FOR_INTERRUPTS();
	PG_RETURN_INT64((int64) count.keys);
}

/* kv_flush() returns bigint: keys removed */
PG_FUNCTION_INFO_V1(hotset_kv_flush);
Datum
hotset_kv_flush(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 0);
	uint64_t	removed = 0;
	HsStatus	status;

	do
	{
		status = hs_keyspace_flush(h, hsg_now(), &removed);
	} while (hsg_retry(h, status, 0, 0));
	hsg_check(status, h, hs_bytes(NULL, 0), HS_ANY, HS_ANY);
	PG_RETURN_INT64((int64) removed);
}

/*
 * kv_del_prefix(prefix text) returns bigint: keys deleted
 *
 * As a scan and a deletion of each key it finds: keys that are there all the time
 * go; of those that come or are written meanwhile nothing is said.
 */
PG_FUNCTION_INFO_V1(hotset_kv_del_prefix);
Datum
hotset_kv_del_prefix(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	HsBytes		prefix;
	KeyScan    *s;
	int64		removed = 0;

	hsg_require(fcinfo, 0, "prefix");
	prefix = hsg_arg_bytes(fcinfo, 0);
	if (prefix.size == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("prefix must not be empty"),
				 errhint("kv_flush deletes all keys.")));
	s = scan_new(h, HS_ANY, prefix);
	s->is_prefix = true;
	while (scan_next(s))
	{
		CopiedKey	k;
		HsBytes		key = scan_take(s, &k);
		bool		deleted = false;
		HsOp		op;

		HSG_RUN(op, h, key, HS_EXCLUSIVE, HS_ANY, hs_key_delete(&op, &deleted));
		removed += deleted;
	}
	PG_RETURN_INT64(removed);
}

/* kv_random_key() returns text */
PG_FUNCTION_INFO_V1(hotset_kv_random_key);
Datum
hotset_kv_random_key(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 0);
	uint8_t    *buf = palloc(HS_MAX_KEY);
	size_t		size = 0;
	HsStatus	status;

	do
	{
		status = hs_random_key(h, pg_prng_uint64(&pg_global_prng_state), hsg_now(),
							   buf, HS_MAX_KEY, &size);
	} while (hsg_retry(h, status, 0, 0));
	if (status == HS_NOT_FOUND)
		PG_RETURN_NULL();
	hsg_check(status, h, hs_bytes(NULL, 0), HS_ANY, HS_ANY);
	PG_RETURN_TEXT_P(hsg_text_result(buf, size, false));
}
