/*
 * zset_block_sql.c
 *	  bzpopmin and bzpopmax: take a member, or wait for one (block.c).
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/tuplestore.h"

#include "block.h"
#include "zset_sql.h"

static Datum pop_command(FunctionCallInfo fcinfo, bool from_max);
static HsStatus pop_take(HsgBlock *b, HsMulti *m, HsOp *op);

/* bzpopmin(keys text[], timeout interval) returns a row (key, member, score) or none */
HSG_FORM(hotset_bzpopmin, pop_command(fcinfo, false))

/* bzpopmax(keys text[], timeout interval) returns a row (key, member, score) or none */
HSG_FORM(hotset_bzpopmax, pop_command(fcinfo, true))

static Datum
pop_command(FunctionCallInfo fcinfo, bool from_max)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	HsgBlock	b = {.type = HS_ZSET,.take = pop_take,.arg = &from_max};
	HsZsetMember entry;
	size_t		pos = 0;
	Datum		values[3];
	bool		nulls[3] = {0};

	(void) hsg_keyspace(fcinfo, 2); /* the privilege comes before the arguments */
	hsg_block_keys(fcinfo, 0, &b);
	InitMaterializedSRF(fcinfo, 0);
	if (!hsg_block(fcinfo, 1, 2, &b))
		return (Datum) 0;
	entry = hs_zset_batch_next(b.out.buf, &pos);
	values[0] = PointerGetDatum(hsg_text_result(b.from.data, b.from.size, true));
	values[1] = PointerGetDatum(hsg_text_result(entry.member.data, entry.member.size, false));
	values[2] = Float8GetDatum(entry.score);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	return (Datum) 0;
}

static HsStatus
pop_take(HsgBlock *b, HsMulti *m, HsOp *op)
{
	const bool *from_max = b->arg;
	HsZsetBatch batch = {0};
	HsStatus	status = hs_zset_pop(op, 1, *from_max, b->out.buf, b->out.capacity, &batch);

	b->out.need = batch.need;
	b->out.n = batch.n;
	return hs_multi_note(m, op, status);
}
