/*
 * dump_sql.c
 *	  kv_dump and kv_restore: single keys as bytes, and back.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/fmgrprotos.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "../engine/dump.h"
#include "../engine/items.h"
#include "key_sql.h"
#include "value.h"
#include "wait.h"

#define DUMP_AROUND	(VARHDRSZ + HS_DUMP_HEAD + HS_DUMP_TAIL)

static bytea *dump_string(HsHandle *h, HsBytes key);
static bytea *dump_other(HsHandle *h, HsBytes key);
static void dump_check_size(HsBytes key, size_t size);
static bytea *dump_seal(uint8_t *chunk, size_t size, HsType type, uint16_t flags);
static void restore_check(HsHandle *h, HsBytes key, HsDump *dump);
static void json_text_parse(HsDump *dump);
static void members_check(HsBytes payload, size_t before, bool has_values);

/* kv_dump(key text) returns bytea */
PG_FUNCTION_INFO_V1(hotset_kv_dump);
Datum
hotset_kv_dump(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	HsRead		r;
	bytea	   *result;

	if (!hsg_key_peek(fcinfo, &r))
		PG_RETURN_NULL();
	if (r.type == HS_STRING)
		result = dump_string(h, hsg_arg_bytes(fcinfo, 0));
	else
		result = dump_other(h, hsg_arg_bytes(fcinfo, 0));
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(result);
}

/* jsonb leaves as text: its binary form must never come from outside. */
static bytea *
dump_string(HsHandle *h, HsBytes key)
{
	HsgValue	v;
	HsType		found = HS_STRING;
	HsStatus	status;
	HsBytes		payload;
	uint16_t	flags;
	uint8_t    *chunk;

	hsg_value_init(&v);
	do
	{
		status = hs_string_fetch(h, key, hsg_now(), &v.got, &found);
	} while (hsg_value_again(&v, status, h, key) || hsg_retry(h, status, 0, 0));
	if (status == HS_NOT_FOUND)
		return NULL;
	if (status == HS_WRONG_TYPE)
		return dump_other(h, key);	/* it has changed its type meanwhile */
	hsg_check(status, h, key, HS_STRING, found);

	payload = hs_bytes(v.got.buf, v.got.size);
	flags = v.got.flags;
	if (flags & HS_RF_JSONB)
	{
		text	   *t = hsg_value_text(&v);

		payload = hs_bytes(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
		flags = HS_DF_JSON_TEXT;
	}
	dump_check_size(key, payload.size);
	chunk = palloc(DUMP_AROUND + payload.size);
	hs_copy(chunk + VARHDRSZ + HS_DUMP_HEAD, payload.data, payload.size);
	return dump_seal(chunk, payload.size, HS_STRING, flags);
}

static bytea *
dump_other(HsHandle *h, HsBytes key)
{
	size_t		capacity = 1024;
	size_t		size = 0;
	uint8_t    *chunk = palloc(DUMP_AROUND + capacity);
	uint16_t	flags = 0;
	HsType		type = HS_ANY;

	for (;;)
	{
		HsOp		op;
		HsStatus	status;

		CHECK_FOR_INTERRUPTS();
		HSG_ONCE(status, op, h, key, HS_SHARED,
				 hs_dump_payload(&op, chunk + VARHDRSZ + HS_DUMP_HEAD, capacity,
								 &size, &type, &flags));
		if (status == HS_NOT_FOUND)
			return NULL;
		if (status == HS_OK && (flags & HS_RF_JSONB))
			return dump_string(h, key);
		if (status == HS_OK)
			return dump_seal(chunk, size, type, flags);
		if (status == HS_BUFFER_TOO_SMALL)
		{
			dump_check_size(key, size);
			pfree(chunk);
			capacity = Min(size + size / 8, MaxAllocSize - DUMP_AROUND);
			chunk = palloc(DUMP_AROUND + capacity);
		}
		else if (!hsg_retry(h, status, 0, 0))
			hsg_check(status == HS_BAD_ARGUMENT ? HS_WRONG_TYPE : status, h, key, HS_ANY, type);
	}
}

static void
dump_check_size(HsBytes key, size_t size)
{
	if (size > MaxAllocSize - DUMP_AROUND)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("key \"%s\" is too large to be dumped", hsg_key_text(key))));
}

static bytea *
dump_seal(uint8_t *chunk, size_t size, HsType type, uint16_t flags)
{
	hs_dump_seal(chunk + VARHDRSZ, size, type, flags);
	SET_VARSIZE(chunk, DUMP_AROUND + size);
	return (bytea *) chunk;
}

/* kv_restore(key text, dump bytea, ttl interval, replace boolean) returns boolean */
PG_FUNCTION_INFO_V1(hotset_kv_restore);
Datum
hotset_kv_restore(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 4);
	HsBytes		key;
	HsDump		dump;
	HsNewValue	v = {0};
	HsOp		op = {0};
	HsStatus	status;
	int64_t		expires_us = hsg_arg_expiry(fcinfo, 2, h);
	bool		replace = hsg_arg_flag(fcinfo, 3);
	bool		done = false;

	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, "dump");
	key = hsg_arg_bytes(fcinfo, 0);
	hsg_check(hs_dump_open(hsg_arg_bytes(fcinfo, 1), &dump), h, key, HS_ANY, HS_ANY);
	restore_check(h, key, &dump);
	do
	{
		CHECK_FOR_INTERRUPTS();
		if (dump.type == HS_STRING)
		{
			hs_dump_value(&dump, &v);
			status = hs_value_prepare(h, &v, hsg_max_value, &op.need);
			if (status != HS_OK)
				continue;
		}
		HSG_ONCE(status, op, h, key, HS_EXCLUSIVE,
				 hs_restore(&op, &dump, &v, replace, expires_us, &done));
		hs_value_discard(&v);
	} while (hsg_retry(h, status, op.hash, op.need));
	hsg_check(status, h, key, HS_ANY, HS_ANY);
	if (done)
		hsg_wait_notify(h, key);
	PG_RETURN_BOOL(done);
}

/*
 * What a dump says of its bytes is only believed where it can be checked.
 */
static void
restore_check(HsHandle *h, HsBytes key, HsDump *dump)
{
	HsBytes		members;

	if (!hs_dump_members(dump, &members))
		hsg_check(HS_CORRUPT, h, key, HS_ANY, HS_ANY);
	if (dump->type == HS_ZSET)
		members_check(members, sizeof(double), false);
	if (dump->type == HS_SET)
		members_check(members, 0, false);
	if (dump->type == HS_HASH)
		members_check(members, 0, true);
	if (dump->type != HS_STRING)
		return;
	if (dump->flags & HS_RF_JSONB)
		hsg_check(HS_CORRUPT, h, key, HS_ANY, HS_ANY);
	if (dump->flags & HS_DF_JSON_TEXT)
		json_text_parse(dump);
	else if ((dump->flags & HS_RF_TEXT) &&
			 !pg_verifymbstr((const char *) dump->payload.data, (int) dump->payload.size, true))
		dump->flags &= ~HS_RF_TEXT; /* of a database with another encoding */
}

static void
json_text_parse(HsDump *dump)
{
	char	   *s = pnstrdup((const char *) dump->payload.data, dump->payload.size);
	Jsonb	   *json;

	(void) pg_verifymbstr(s, (int) strlen(s), false);
	json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(s)));
	dump->payload = hs_bytes(VARDATA(json), VARSIZE(json) - VARHDRSZ);
	dump->flags = HS_RF_JSONB;
}

/*
 * Members and fields are text wherever they are shown, and some functions remove
 * what they show: so none may come in that cannot be shown.  'before' bytes of each are
 * something else; values may be any bytes.  Sizes that do not add up are left to
 * the engine to refuse.
 */
static void
members_check(HsBytes payload, size_t before, bool has_values)
{
	size_t		pos = Min(sizeof(uint32_t), payload.size);	/* behind their number */
	HsBytes		member;
	HsBytes		value;

	while (payload.size - pos > before)
	{
		CHECK_FOR_INTERRUPTS();
		pos += before;
		if (!hs_item_take(payload, &pos, SIZE_MAX, &member) ||
			(has_values && !hs_item_take(payload, &pos, SIZE_MAX, &value)))
			return;
		(void) pg_verifymbstr((const char *) member.data, (int) member.size, false);
	}
}
