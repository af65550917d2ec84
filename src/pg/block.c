/*
 * block.c
 *	  Take something from a key, or wait for it.
 *
 * Those who wait for a key are served in order of arrival (wait.c), and a call
 * that finds others waiting queues up behind them even if there is something
 * left.  Commands that do not wait do not queue and may come in between.
 *
 * While it waits nothing is locked, but the transaction goes on: its snapshot
 * holds back vacuum, and its connection is not free for others.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/inval.h"

#include "block.h"
#include "wait.h"

/* Whoever waits looks again this often: if a right was taken away, nobody says so. */
#define LOOK_US			INT64CONST(5000000)
#define FIRST_BUFFER	128		/* bytes */

static void prepare(FunctionCallInfo fcinfo, int timeout, HsgBlock *b);
static bool take_or_wait(FunctionCallInfo fcinfo, int ks_arg, HsgBlock *b);
static bool take_now(HsHandle *h, HsgBlock *b);
static int	begin_with(HsgBlock *b, int nready, HsBytes **keys);
static HsStatus take_first(HsgBlock *b, HsMulti *m, int nready);
static HsStatus check_types(HsgBlock *b, HsMulti *m);
static HsStatus look_at(HsgBlock *b, HsMulti *m, HsBytes key, HsOp *op, bool *is_there);
static void identify(HsHandle *h, HsgBlock *b);
static void check_client(void);
static void leave(int code, Datum arg);

void
hsg_block_keys(FunctionCallInfo fcinfo, int n, HsgBlock *b)
{
	hsg_require(fcinfo, n, "keys");
	b->nkeys = hsg_arg_some_keys(fcinfo, n, &b->keys);
	if (b->nkeys > HSG_WAIT_KEYS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many keys to wait for"),
				 errdetail("One call can wait for %d keys.", HSG_WAIT_KEYS)));
}

bool
hsg_block(FunctionCallInfo fcinfo, int timeout, int ks_arg, HsgBlock *b)
{
	bool		taken;

	prepare(fcinfo, timeout, b);
	/* the queue is left on errors and when the session is terminated, too */
	PG_ENSURE_ERROR_CLEANUP(leave, (Datum) 0);
	{
		taken = take_or_wait(fcinfo, ks_arg, b);
	}
	PG_END_ENSURE_ERROR_CLEANUP(leave, (Datum) 0);
	hsg_wait_leave();
	return taken;
}

static void
leave(int code, Datum arg)
{
	hsg_wait_leave();
}

static void
prepare(FunctionCallInfo fcinfo, int timeout, HsgBlock *b)
{
	int64_t		timeout_us = 0;

	if (!PG_ARGISNULL(timeout))
		timeout_us = hsg_interval_us(PG_GETARG_INTERVAL_P(timeout));
	if (timeout_us < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("timeout must not be negative")));
	b->until_us = hsg_wait_clock_us();
	if (timeout_us == 0 || timeout_us >= PG_INT64_MAX - b->until_us)
		b->until_us = PG_INT64_MAX;
	else
		b->until_us += timeout_us;

	b->ids = palloc(sizeof(uint64_t) * b->nkeys);
	b->turns = palloc(sizeof(bool) * b->nkeys);
	b->ready = palloc(sizeof(HsBytes) * (b->nkeys + 1));
	b->out.capacity = FIRST_BUFFER;
	b->out.buf = palloc(FIRST_BUFFER);
}

/*
 * True if something was taken; false when time is up.  The keyspace is opened with
 * every look: it can have been dropped, or the privilege taken away.
 */
static bool
take_or_wait(FunctionCallInfo fcinfo, int ks_arg, HsgBlock *b)
{
	for (;;)
	{
		HsHandle   *h = hsg_keyspace(fcinfo, ks_arg);
		int64_t		now_us;

		identify(h, b);
		if (take_now(h, b))
			return true;
		if (b->generation != h->generation)
			continue;			/* it is another keyspace by now */
		if (!b->is_queued)
		{
			/* from here on whoever fills a key will wake us: look again */
			hsg_wait_enqueue(b->ids, b->nkeys);
			b->is_queued = true;
			continue;
		}
		now_us = hsg_wait_clock_us();
		if (now_us >= b->until_us)
			return false;
		hsg_wait_sleep(Min(b->until_us, now_us + LOOK_US));
		check_client();
		AcceptInvalidationMessages();
	}
}

/*
 * End the session if its client has gone: nobody would get what it takes.  PostgreSQL looks
 * only if client_connection_check_interval is set.
 */
static void
check_client(void)
{
	if (MyProcPort != NULL && whereToSendOutput == DestRemote &&
		WaitEventSetCanReportClosed() && !pq_check_connection())
		ClientConnectionLost = InterruptPending = true;
	CHECK_FOR_INTERRUPTS();
}

/* What the queues are known by, also when the keyspace has been made anew. */
static void
identify(HsHandle *h, HsgBlock *b)
{
	if (b->generation == h->generation)
		return;
	hsg_wait_leave();
	b->is_queued = false;
	b->generation = h->generation;
	for (int i = 0; i < b->nkeys; i++)
		b->ids[i] = hsg_wait_id(h, b->keys[i]);
}

/* Take from the first key that has something and where it is our turn. */
static bool
take_now(HsHandle *h, HsgBlock *b)
{
	HsMulti		m;
	HsStatus	status;
	HsBytes    *keys;
	int			nkeys;
	int			nready = 0;

	hsg_wait_turns(b->ids, b->nkeys, b->turns);
	for (int i = 0; i < b->nkeys; i++)
	{
		if (b->turns[i])
			b->ready[nready++] = b->keys[i];
	}
	if (nready == 0 && b->has_looked)
	{
		if (!hs_keyspace_is_current(h))
			(void) hsg_retry(h, HS_GONE, 0, 0);
		return false;
	}
	nkeys = begin_with(b, nready, &keys);
	for (;;)
	{
		HSG_ONCE_MULTI(status, m, h, keys, nkeys, HS_EXCLUSIVE, take_first(b, &m, nready));
		if (!hsg_items_again(&b->out, status, NULL) && !hsg_retry(h, status, m.hash, m.need))
			break;
		if (b->generation != h->generation)
			return false;
	}
	hsg_check(status, h, b->bad_key, b->type, b->found);
	b->has_looked = true;
	if (b->out.n > 0 && b->dest != NULL)
		hsg_wait_notify(h, *b->dest);
	return b->out.n > 0;
}

/* What is to be locked: at first all keys, for their types; then those where it is
 * our turn; and in any case the destination. */
static int
begin_with(HsgBlock *b, int nready, HsBytes **keys)
{
	int			n = b->has_looked ? nready : b->nkeys;

	*keys = b->has_looked ? b->ready : b->keys;
	if (b->dest == NULL)
		return n;
	if (!b->has_looked)
	{
		*keys = palloc(sizeof(HsBytes) * (n + 1));
		memcpy(*keys, b->keys, sizeof(HsBytes) * n);
	}
	(*keys)[n] = *b->dest;
	return n + 1;
}

static HsStatus
take_first(HsgBlock *b, HsMulti *m, int nready)
{
	HsStatus	status = b->has_looked ? HS_OK : check_types(b, m);

	hs_items_clear(&b->out);
	for (int i = 0; i < nready && status == HS_OK && b->out.n == 0; i++)
	{
		HsOp		op;
		bool		is_there;

		status = look_at(b, m, b->ready[i], &op, &is_there);
		/* what became something else while we wait may change back again */
		if (status == HS_WRONG_TYPE && b->has_looked)
			status = HS_OK;
		if (status != HS_OK || !is_there)
			continue;
		b->from = b->ready[i];
		status = b->take(b, m, &op);
	}
	return status;
}

/*
 * Before the first wait a key of another type is a mistake, unless one before it
 * is what we take from.
 */
static HsStatus
check_types(HsgBlock *b, HsMulti *m)
{
	for (int i = 0; i < b->nkeys; i++)
	{
		HsOp		op;
		bool		is_there;
		HsStatus	status = look_at(b, m, b->keys[i], &op, &is_there);

		if (status != HS_OK)
			return status;
		if (is_there && b->turns[i])
			break;
	}
	return HS_OK;
}

/* Is the key there?  HS_WRONG_TYPE if it is something else. */
static HsStatus
look_at(HsgBlock *b, HsMulti *m, HsBytes key, HsOp *op, bool *is_there)
{
	HsRecord   *record = NULL;
	HsStatus	status = hs_multi_op(m, key, op);

	if (status == HS_OK)
		status = hs_find_typed(op, b->type, &record);
	b->bad_key = key;
	b->found = op->found_type;
	*is_there = record != NULL;
	return status;
}
