/*
 * zset_block_sql.c
 *	  bzpopmin and bzpopmax: take a member, or wait for one.
 *
 * Those who wait for a key are served in order of arrival (wait.c), and a call
 * that finds others waiting queues up behind them even if there is a member
 * left.  Calls of zpopmin do not queue and may come in between.
 *
 * While it waits nothing is locked, but the transaction goes on: its snapshot
 * holds back vacuum, and its connection is not free for others.
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "utils/inval.h"
#include "utils/tuplestore.h"

#include "wait.h"
#include "zset_sql.h"

/* Whoever waits looks again this often: if a right was taken away, nobody says so. */
#define LOOK_US		INT64CONST(5000000)

/* One call. */
typedef struct Pop
{
	HsBytes    *keys;
	int			nkeys;
	bool		from_max;
	int64_t		until_us;		/* of hsg_wait_clock_us(); INT64_MAX: no limit */

	uint64_t   *ids;			/* queues of the keys */
	uint64_t	generation;		/* of the keyspace that 'ids' are for */
	bool	   *turns;
	HsBytes    *ready;			/* keys where it is our turn */
	bool		is_queued;
	bool		has_looked;		/* at all keys: their types are right */

	uint8_t    *buf;			/* the entry taken */
	size_t		capacity;
	HsBytes		from;			/* its key */
	HsBytes		bad_key;		/* after HS_WRONG_TYPE */
	HsType		found;
} Pop;

static Datum pop_command(FunctionCallInfo fcinfo, bool from_max);
static void pop_arguments(FunctionCallInfo fcinfo, Pop *p);
static bool pop_or_wait(FunctionCallInfo fcinfo, Pop *p);
static bool pop_now(HsHandle *h, Pop *p);
static HsStatus pop_first(Pop *p, HsMulti *m, int nready, HsZsetBatch *batch);
static HsStatus check_types(Pop *p, HsMulti *m);
static void identify(HsHandle *h, Pop *p);
static void leave(int code, Datum arg);
static void put_row(FunctionCallInfo fcinfo, const Pop *p);

PG_FUNCTION_INFO_V1(hotset_bzpopmin);
PG_FUNCTION_INFO_V1(hotset_bzpopmax);

/* bzpopmin(keys text[], timeout interval) returns a row (key, member, score) or none */
Datum
hotset_bzpopmin(PG_FUNCTION_ARGS)
{
	return pop_command(fcinfo, false);
}

/* bzpopmax(keys text[], timeout interval) returns a row (key, member, score) or none */
Datum
hotset_bzpopmax(PG_FUNCTION_ARGS)
{
	return pop_command(fcinfo, true);
}

static Datum
pop_command(FunctionCallInfo fcinfo, bool from_max)
{
	Pop			p = {0};
	bool		taken;

	(void) hsg_keyspace(fcinfo, 2);
	p.from_max = from_max;
	pop_arguments(fcinfo, &p);
	InitMaterializedSRF(fcinfo, 0);
	/* the queue is left on errors and when the session is terminated, too */
	PG_ENSURE_ERROR_CLEANUP(leave, (Datum) 0);
	{
		taken = pop_or_wait(fcinfo, &p);
	}
	PG_END_ENSURE_ERROR_CLEANUP(leave, (Datum) 0);
	hsg_wait_leave();
	if (taken)
		put_row(fcinfo, &p);
	return (Datum) 0;
}

static void
leave(int code, Datum arg)
{
	hsg_wait_leave();
}

static void
pop_arguments(FunctionCallInfo fcinfo, Pop *p)
{
	int64_t		timeout_us = 0;

	hsg_require(fcinfo, 0, "keys");
	p->nkeys = hsg_arg_elements(fcinfo, 0, "key", &p->keys);
	if (p->nkeys == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("array of keys must not be empty")));
	if (p->nkeys > HSG_WAIT_KEYS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many keys to wait for"),
				 errdetail("One call can wait for %d keys.", HSG_WAIT_KEYS)));
	if (!PG_ARGISNULL(1))
		timeout_us = hsg_interval_us(PG_GETARG_INTERVAL_P(1));
	if (timeout_us < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("timeout must not be negative")));
	p->until_us = hsg_wait_clock_us();
	if (timeout_us == 0 || timeout_us >= PG_INT64_MAX - p->until_us)
		p->until_us = PG_INT64_MAX;
	else
		p->until_us += timeout_us;

	p->ids = palloc(sizeof(uint64_t) * p->nkeys);
	p->turns = palloc(sizeof(bool) * p->nkeys);
	p->ready = palloc(sizeof(HsBytes) * p->nkeys);
	p->capacity = 128;
	p->buf = palloc(p->capacity);
}

/*
 * True with an entry in p->buf; false when time is up.  The keyspace is opened
 * with every look: it can have been dropped, or the privilege taken away.
 */
static bool
pop_or_wait(FunctionCallInfo fcinfo, Pop *p)
{
	for (;;)
	{
		HsHandle   *h = hsg_keyspace(fcinfo, 2);
		int64_t		now_us;

		identify(h, p);
		if (pop_now(h, p))
			return true;
		if (p->generation != h->generation)
			continue;			/* it is another keyspace by now */
		if (!p->is_queued)
		{
			/* from here on whoever adds a member will wake us: look again */
			hsg_wait_enqueue(p->ids, p->nkeys);
			p->is_queued = true;
			continue;
		}
		now_us = hsg_wait_clock_us();
		if (now_us >= p->until_us)
			return false;
		hsg_wait_sleep(Min(p->until_us, now_us + LOOK_US));
		CHECK_FOR_INTERRUPTS();
		AcceptInvalidationMessages();
	}
}

/* What the queues are known by, also when the keyspace has been made anew. */
static void
identify(HsHandle *h, Pop *p)
{
	if (p->generation == h->generation)
		return;
	hsg_wait_leave();
	p->is_queued = false;
	p->generation = h->generation;
	for (int i = 0; i < p->nkeys; i++)
		p->ids[i] = hsg_wait_id(h, p->keys[i]);
}

/* Take an entry from the first key that has one and where it is our turn. */
static bool
pop_now(HsHandle *h, Pop *p)
{
	HsZsetBatch batch = {0};
	HsMulti		m;
	HsStatus	status;
	int			nready = 0;

	hsg_wait_turns(p->ids, p->nkeys, p->turns);
	for (int i = 0; i < p->nkeys; i++)
	{
		if (p->turns[i])
			p->ready[nready++] = p->keys[i];
	}
	if (nready == 0 && p->has_looked)
	{
		if (!hs_keyspace_is_current(h))
			(void) hsg_retry(h, HS_GONE, 0, 0);
		return false;
	}
	for (;;)
	{
		m.need = 0;
		status = hs_multi_begin(&m, h, p->has_looked ? p->ready : p->keys,
								p->has_looked ? nready : p->nkeys, HS_EXCLUSIVE, hsg_now());
		if (status == HS_OK)
		{
			if (!p->has_looked)
				status = check_types(p, &m);
			if (status == HS_OK)
				status = pop_first(p, &m, nready, &batch);
			hs_multi_end(&m);
		}
		if (status == HS_BUFFER_TOO_SMALL)
		{
			p->capacity = batch.need;
			p->buf = repalloc(p->buf, p->capacity);
		}
		else if (!hsg_retry(h, status, 0, m.need))
			break;
		if (p->generation != h->generation)
			return false;
	}
	hsg_check(status, h, p->bad_key, HS_ZSET, p->found);
	p->has_looked = true;
	return batch.n > 0;
}

static HsStatus
pop_first(Pop *p, HsMulti *m, int nready, HsZsetBatch *batch)
{
	for (int i = 0; i < nready; i++)
	{
		HsOp		op;
		HsStatus	status = hs_multi_op(m, p->ready[i], &op);

		if (status == HS_OK)
			status = hs_zset_pop(&op, 1, p->from_max, p->buf, p->capacity, batch);
		/* what became something else while we wait may become a sorted set again */
		if (status == HS_WRONG_TYPE && p->has_looked)
			continue;
		p->from = p->ready[i];
		m->need = op.need;
		if (status != HS_OK || batch->n > 0)
			return status;
	}
	return HS_OK;
}

/*
 * Before the first wait a key of another type is a mistake, unless one before it
 * is what we take from.
 */
static HsStatus
check_types(Pop *p, HsMulti *m)
{
	for (int i = 0; i < p->nkeys; i++)
	{
		uint64_t	count;
		HsOp		op;
		HsStatus	status = hs_multi_op(m, p->keys[i], &op);

		if (status == HS_OK)
			status = hs_zset_card(&op, &count);
		if (status != HS_OK)
		{
			p->bad_key = p->keys[i];
			p->found = op.found_type;
			return status;
		}
		if (count > 0 && p->turns[i])
			break;
	}
	return HS_OK;
}

static void
put_row(FunctionCallInfo fcinfo, const Pop *p)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	size_t		pos = 0;
	HsZsetMember entry = hs_zset_batch_next(p->buf, &pos);
	Datum		values[3];
	bool		nulls[3] = {0};

	values[0] = PointerGetDatum(hsg_text_result(p->from.data, p->from.size, true));
	values[1] = PointerGetDatum(hsg_text_result(entry.member.data, entry.member.size, false));
	values[2] = Float8GetDatum(entry.score);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}
