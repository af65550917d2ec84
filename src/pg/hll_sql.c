/*
 * hll_sql.c
 *	  The SQL type hll and the aggregates that make sketches.
 *
 * A datum holds the flat bytes of engine/hll.c.  Text and binary form add four
 * bytes that reveal damage, so only sketches made by hotset get in; a datum is
 * then trusted but for its head and size, which keep every operation within
 * its memory.
 *
 * Nothing here needs the shared memory, so all of it works without preloading.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "common/base64.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "hll_value.h"

/*
 * State of the aggregates: a sketch with room to grow.  One allocation in the
 * aggregate's context; moves when it grows.
 */
typedef struct HllState
{
	uint32		capacity;		/* bytes of the sketch */
	uint8		sketch[FLEXIBLE_ARRAY_MEMBER];
} HllState;

#define STATE_SIZE(capacity)	(offsetof(HllState, sketch) + (capacity))
#define FIRST_CAPACITY	(64 - offsetof(HllState, sketch))	/* 13 values */

/*
 * ---- Datums ------------------------------------------------------------------
 */

const uint8 *
hsg_hll_sketch(Datum datum)
{
	struct varlena *v = PG_DETOAST_DATUM_PACKED(datum);
	HsBytes		bytes = hs_bytes(VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v));

	if (!hs_hll_is_sketch(bytes, false))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("invalid value of type hll")));
	return bytes.data;
}

struct varlena *
hsg_hll_datum(const uint8 *sketch, size_t capacity)
{
	struct varlena *v = palloc(VARHDRSZ + capacity);
	size_t		size = hs_hll_size(sketch);

	memcpy(VARDATA(v), sketch, size);
	SET_VARSIZE(v, VARHDRSZ + size);
	return v;
}

static void
set_size(struct varlena *v)
{
	SET_VARSIZE(v, VARHDRSZ + hs_hll_size((uint8 *) VARDATA(v)));
}

/* sketch and seal, the form of text and wire */
static uint8 *
sealed_copy(const uint8 *sketch, size_t *size)
{
	size_t		bare = hs_hll_size(sketch);
	uint8	   *sealed = palloc(bare + HS_HLL_SEAL_SIZE);

	memcpy(sealed, sketch, bare);
	hs_hll_seal(sketch, sealed + bare);
	*size = bare + HS_HLL_SEAL_SIZE;
	return sealed;
}

/* NULL, or what is wrong with a sealed sketch. */
static const char *
sealed_check(const uint8 *sealed, size_t size)
{
	uint8		seal[HS_HLL_SEAL_SIZE];
	const char *wrong;

	if (size < HS_HLL_EMPTY_SIZE + HS_HLL_SEAL_SIZE)
		return "it is too short";
	size -= HS_HLL_SEAL_SIZE;
	wrong = hs_hll_check(hs_bytes(sealed, size));
	if (wrong != NULL)
		return wrong;
	hs_hll_seal(sealed, seal);
	return memcmp(seal, sealed + size, sizeof(seal)) == 0 ? NULL : "the checksum does not match";
}

static Datum
datum_of_sealed(const uint8 *sealed)
{
	return PointerGetDatum(hsg_hll_datum(sealed, hs_hll_size(sealed)));
}

/* hll_in(cstring) returns hll: base64 */
PG_FUNCTION_INFO_V1(hotset_hll_in);
Datum
hotset_hll_in(PG_FUNCTION_ARGS)
{
	const char *text = PG_GETARG_CSTRING(0);
	size_t		length = strlen(text);
	uint8		sealed[HS_HLL_MAX_SIZE + HS_HLL_SEAL_SIZE];
	void	   *room = sealed;	/* signed or not, by version of PostgreSQL */
	const char *wrong;

	if (length > pg_b64_enc_len(sizeof(sealed)))
		wrong = "it is too long";
	else
	{
		int			size = pg_b64_decode(text, length, room, sizeof(sealed));

		wrong = size < 0 ? "it is not base64" : sealed_check(sealed, size);
	}
	if (wrong != NULL)
		ereturn(fcinfo->context, (Datum) 0,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input for type hll"),
				 errdetail("Not a sketch made by hotset: %s.", wrong)));
	return datum_of_sealed(sealed);
}

/* hll_out(hll) returns cstring */
PG_FUNCTION_INFO_V1(hotset_hll_out);
Datum
hotset_hll_out(PG_FUNCTION_ARGS)
{
	size_t		size;
	void	   *sealed = sealed_copy(hsg_hll_sketch(PG_GETARG_DATUM(0)), &size);
	int			room = pg_b64_enc_len(size);
	char	   *text = palloc(room + 1);
	int			length = pg_b64_encode(sealed, size, text, room);

	if (length < 0)
		elog(ERROR, "could not encode a sketch");
	text[length] = '\0';
	PG_RETURN_CSTRING(text);
}

/* hll_recv(internal) returns hll */
PG_FUNCTION_INFO_V1(hotset_hll_recv);
Datum
hotset_hll_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	int			size = buf->len - buf->cursor;
	const uint8 *sealed = (const uint8 *) pq_getmsgbytes(buf, size);
	const char *wrong = sealed_check(sealed, size);

	if (wrong != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid input for type hll"),
				 errdetail("Not a sketch made by hotset: %s.", wrong)));
	return datum_of_sealed(sealed);
}

/* hll_send(hll) returns bytea */
PG_FUNCTION_INFO_V1(hotset_hll_send);
Datum
hotset_hll_send(PG_FUNCTION_ARGS)
{
	StringInfoData buf;
	size_t		size;
	uint8	   *sealed = sealed_copy(hsg_hll_sketch(PG_GETARG_DATUM(0)), &size);

	pq_begintypsend(&buf);
	pq_sendbytes(&buf, (char *) sealed, size);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/*
 * ---- Functions -----------------------------------------------------------------
 */

/* hll_empty() returns hll */
PG_FUNCTION_INFO_V1(hotset_hll_empty);
Datum
hotset_hll_empty(PG_FUNCTION_ARGS)
{
	uint8		sketch[HS_HLL_EMPTY_SIZE];

	hs_hll_init(sketch);
	PG_RETURN_POINTER(hsg_hll_datum(sketch, sizeof(sketch)));
}

/* hll_cardinality(hll) returns float8 */
PG_FUNCTION_INFO_V1(hotset_hll_cardinality);
Datum
hotset_hll_cardinality(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(hs_hll_estimate(hsg_hll_sketch(PG_GETARG_DATUM(0))));
}

/* hll_union(hll, hll) returns hll */
PG_FUNCTION_INFO_V1(hotset_hll_union);
Datum
hotset_hll_union(PG_FUNCTION_ARGS)
{
	const uint8 *a = hsg_hll_sketch(PG_GETARG_DATUM(0));
	const uint8 *b = hsg_hll_sketch(PG_GETARG_DATUM(1));
	size_t		room = hs_hll_merge_room(a, b);
	struct varlena *result = hsg_hll_datum(a, room);

	hs_hll_merge((uint8 *) VARDATA(result), room, b);
	set_size(result);
	PG_RETURN_POINTER(result);
}

/* hll_add(hll, anyelement) returns hll; a null element adds nothing */
PG_FUNCTION_INFO_V1(hotset_hll_add);
Datum
hotset_hll_add(PG_FUNCTION_ARGS)
{
	const uint8 *sketch;
	size_t		room;
	struct varlena *result;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	if (PG_ARGISNULL(1))
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	sketch = hsg_hll_sketch(PG_GETARG_DATUM(0));
	room = hs_hll_add_room(sketch);
	result = hsg_hll_datum(sketch, room);
	if (hs_hll_add((uint8 *) VARDATA(result), room,
				   hsg_hll_hash_value(hsg_hll_hasher(fcinfo, 1), PG_GETARG_DATUM(1))) == HS_HLL_FULL)
		elog(ERROR, "a sketch of %zu bytes is full", room);
	set_size(result);
	PG_RETURN_POINTER(result);
}

/*
 * ---- Aggregates ------------------------------------------------------------------
 * hll_add_agg and approx_count_distinct share transition and state and differ
 * in the final function.  Final functions leave the state as it is, for
 * window frames.  No rows, or nulls only, is an empty sketch: the count is 0.
 */

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	return context;
}

static HllState *
state_new(MemoryContext context, size_t capacity)
{
	HllState   *state = MemoryContextAlloc(context, STATE_SIZE(capacity));

	state->capacity = capacity;
	hs_hll_init(state->sketch);
	return state;
}

/* At least 'capacity' bytes for the sketch; the state may move. */
static HllState *
state_reserve(HllState *state, size_t capacity)
{
	if (state->capacity >= capacity)
		return state;
	state = repalloc(state, STATE_SIZE(capacity));
	state->capacity = capacity;
	return state;
}

/* state is NULL before the first value */
static HllState *
state_merge(FunctionCallInfo fcinfo, HllState *state, const uint8 *sketch)
{
	size_t		room;

	if (state == NULL)
		state = state_new(aggregate_context(fcinfo), Max(hs_hll_size(sketch), FIRST_CAPACITY));
	room = hs_hll_merge_room(state->sketch, sketch);
	if (room > state->capacity)
		state = state_reserve(state, Min(Max(room, hs_hll_grown_size(state->capacity)),
										 HS_HLL_MAX_SIZE));
	hs_hll_merge(state->sketch, state->capacity, sketch);
	return state;
}

static Datum
state_result(FunctionCallInfo fcinfo, HllState *state)
{
	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_POINTER(state);
}

#define ARG_STATE(n)	(PG_ARGISNULL(n) ? NULL : (HllState *) PG_GETARG_POINTER(n))

/* hll_add_trans(internal, anyelement) returns internal */
PG_FUNCTION_INFO_V1(hotset_hll_add_trans);
Datum
hotset_hll_add_trans(PG_FUNCTION_ARGS)
{
	HllState   *state = ARG_STATE(0);
	uint64		hash;

	if (PG_ARGISNULL(1))
		return state_result(fcinfo, state);
	if (unlikely(state == NULL))
		state = state_new(aggregate_context(fcinfo), FIRST_CAPACITY);
	hash = hsg_hll_hash_value(hsg_hll_hasher(fcinfo, 1), PG_GETARG_DATUM(1));
	while (hs_hll_add(state->sketch, state->capacity, hash) == HS_HLL_FULL)
		state = state_reserve(state, hs_hll_grown_size(state->capacity));
	PG_RETURN_POINTER(state);
}

/* hll_union_trans(internal, hll) returns internal */
PG_FUNCTION_INFO_V1(hotset_hll_union_trans);
Datum
hotset_hll_union_trans(PG_FUNCTION_ARGS)
{
	HllState   *state = ARG_STATE(0);

	if (!PG_ARGISNULL(1))
		state = state_merge(fcinfo, state, hsg_hll_sketch(PG_GETARG_DATUM(1)));
	return state_result(fcinfo, state);
}

/* hll_combine(internal, internal) returns internal */
PG_FUNCTION_INFO_V1(hotset_hll_combine);
Datum
hotset_hll_combine(PG_FUNCTION_ARGS)
{
	HllState   *state = ARG_STATE(0);
	HllState   *other = ARG_STATE(1);

	if (other != NULL)
		state = state_merge(fcinfo, state, other->sketch);
	return state_result(fcinfo, state);
}

/* hll_serialize(internal) returns bytea; strict */
PG_FUNCTION_INFO_V1(hotset_hll_serialize);
Datum
hotset_hll_serialize(PG_FUNCTION_ARGS)
{
	HllState   *state = (HllState *) PG_GETARG_POINTER(0);

	PG_RETURN_POINTER(hsg_hll_datum(state->sketch, hs_hll_size(state->sketch)));
}

/* hll_deserialize(bytea, internal) returns internal; strict */
PG_FUNCTION_INFO_V1(hotset_hll_deserialize);
Datum
hotset_hll_deserialize(PG_FUNCTION_ARGS)
{
	const uint8 *sketch = hsg_hll_sketch(PG_GETARG_DATUM(0));
	size_t		size = hs_hll_size(sketch);
	HllState   *state = state_new(CurrentMemoryContext, size);

	memcpy(state->sketch, sketch, size);
	PG_RETURN_POINTER(state);
}

/* hll_final(internal) returns hll */
PG_FUNCTION_INFO_V1(hotset_hll_final);
Datum
hotset_hll_final(PG_FUNCTION_ARGS)
{
	HllState   *state = ARG_STATE(0);

	if (state == NULL)
		return hotset_hll_empty(fcinfo);
	PG_RETURN_POINTER(hsg_hll_datum(state->sketch, hs_hll_size(state->sketch)));
}

/* hll_count_final(internal) returns bigint */
PG_FUNCTION_INFO_V1(hotset_hll_count_final);
Datum
hotset_hll_count_final(PG_FUNCTION_ARGS)
{
	HllState   *state = ARG_STATE(0);

	PG_RETURN_INT64(state == NULL ? 0 : llround(hs_hll_estimate(state->sketch)));
}
