/*
 * list_block_sql.c
 *	  blpop, brpop and blmove: take a value, or wait for one (block.c).
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/tuplestore.h"

#include "block.h"
#include "list_sql.h"

/* Where a moved value goes. */
typedef struct Move
{
	bool		from_left;
	bool		to_left;
} Move;

static Datum pop_command(FunctionCallInfo fcinfo, bool left);
static HsStatus pop_take(HsgBlock *b, HsMulti *m, HsOp *op);
static HsStatus move_take(HsgBlock *b, HsMulti *m, HsOp *op);

/* blpop(keys text[], timeout interval) returns a row (key, value) or none */
HSG_FORM(hotset_blpop, pop_command(fcinfo, true))

/* brpop(keys text[], timeout interval) returns a row (key, value) or none */
HSG_FORM(hotset_brpop, pop_command(fcinfo, false))

static Datum
pop_command(FunctionCallInfo fcinfo, bool left)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	HsgBlock	b = {.type = HS_LIST,.take = pop_take,.arg = &left};
	Datum		values[2];
	bool		nulls[2] = {0};

	(void) hsg_keyspace(fcinfo, 2); /* the privilege comes before the arguments */
	hsg_block_keys(fcinfo, 0, &b);
	InitMaterializedSRF(fcinfo, 0);
	if (!hsg_block(fcinfo, 1, 2, &b))
		return (Datum) 0;
	values[0] = PointerGetDatum(hsg_text_result(b.from.data, b.from.size, true));
	values[1] = hsg_list_value(&b.out);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	return (Datum) 0;
}

static HsStatus
pop_take(HsgBlock *b, HsMulti *m, HsOp *op)
{
	const bool *left = b->arg;

	return hs_multi_note(m, op, hs_list_pop(op, 1, *left, &b->out));
}

/* blmove(source text, dest text, from_left boolean, to_left boolean, timeout interval) returns text */
PG_FUNCTION_INFO_V1(hotset_blmove);
Datum
hotset_blmove(PG_FUNCTION_ARGS)
{
	HsgBlock	b = {.type = HS_LIST,.take = move_take,.nkeys = 1};
	Move		move;
	HsBytes		keys[2];

	(void) hsg_keyspace(fcinfo, 5);
	hsg_require(fcinfo, 0, "source");
	hsg_require(fcinfo, 1, "dest");
	hsg_require(fcinfo, 2, "from_left");
	hsg_require(fcinfo, 3, "to_left");
	keys[0] = hsg_arg_bytes(fcinfo, 0);
	keys[1] = hsg_arg_bytes(fcinfo, 1);
	move.from_left = PG_GETARG_BOOL(2);
	move.to_left = PG_GETARG_BOOL(3);
	b.arg = &move;
	b.keys = &keys[0];
	b.dest = &keys[1];
	if (!hsg_block(fcinfo, 4, 5, &b))
		PG_RETURN_NULL();
	return hsg_list_value(&b.out);
}

static HsStatus
move_take(HsgBlock *b, HsMulti *m, HsOp *op)
{
	const Move *move = b->arg;
	size_t		bad_key = 0;
	int64_t		expires_us = HS_NEVER;
	HsKeyspaceOptions opts;
	HsStatus	status;

	/* from now on, not from when the call began to wait */
	hs_keyspace_options(m->h, &opts);
	if (opts.default_ttl_us != 0 && opts.default_ttl_us < HS_NEVER - m->now_us)
		expires_us = m->now_us + opts.default_ttl_us;
	status = hs_list_move(m, op->key, *b->dest, move->from_left, move->to_left, expires_us,
						  &b->out, &bad_key, &b->found);
	b->bad_key = bad_key == 0 ? op->key : *b->dest;
	return status;
}
