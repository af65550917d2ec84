/*
 * replay.c
 *	  Doing again what effects say.
 *
 * Effects are absolute: applying them to contents that already have some of
 * them, or all, ends the same.
 *
 * They are applied at a time before all others: a key or member that has expired by now is
 * put back as it was, for a later effect may say that it goes on living.  If none does, nobody
 * sees it, and what a command made of the key after it had expired begins with its deletion.
 */
#include "dues.h"
#include "dump.h"
#include "hash.h"
#include "hll_key.h"
#include "key.h"
#include "list.h"
#include "set.h"
#include "tag.h"
#include "zset.h"

#define BEFORE_ALL	(INT64_MIN + 1)	/* a time; HS_CLOCK_LATER is none */

static HsStatus apply(HsHandle *h, const HsEffect *ef, int64_t now_us,
					  size_t *need, uint64_t *hash);
static bool read_value(const HsEffect *ef, HsDump *dump, int64_t *expires_us);
static HsStatus apply_del_tag(HsHandle *h, HsBytes tag, int64_t now_us);
static HsStatus apply_value(HsOp *op, const HsEffect *ef, const HsDump *dump, HsNewValue *v,
							int64_t expires_us);
static HsStatus apply_small(HsOp *op, const HsEffect *ef);
static HsStatus apply_member(HsOp *op, const HsEffect *ef);
static HsStatus apply_zadd(HsOp *op, const HsEffect *ef);
static HsStatus apply_due(HsOp *op, const HsEffect *ef);

HsStatus
hs_effect_apply(HsHandle *h, HsBytes input, size_t *pos, int64_t now_us,
				size_t *need, uint64_t *hash)
{
	for (;;)
	{
		HsEffect	ef;
		size_t		next = *pos;
		HsStatus	status = hs_effect_next(input, &next, &ef);

		if (status == HS_NOT_FOUND)
			return HS_OK;
		if (status == HS_OK)
			status = apply(h, &ef, now_us, need, hash);
		if (status != HS_OK)
			return status;
		*pos = next;
	}
}

static HsStatus
apply(HsHandle *h, const HsEffect *ef, int64_t now_us, size_t *need, uint64_t *hash)
{
	bool		has_value = ef->op == HS_EF_SET || ef->op == HS_EF_RESTORE;
	HsDump		dump = {0};
	HsNewValue	v = {0};
	int64_t		expires_us = HS_NEVER;
	HsOp		op;
	HsStatus	status;

	if (has_value && !read_value(ef, &dump, &expires_us))
		return HS_CORRUPT;
	*hash = 0;
	if (ef->op == HS_EF_DEL_TAG)
		return apply_del_tag(h, ef->key, now_us);
	if (has_value && dump.type == HS_STRING)
	{
		hs_dump_value(&dump, &v);
		status = hs_value_prepare(h, &v, SIZE_MAX, need);
		if (status != HS_OK)
			return status;
	}
	status = hs_op_begin(&op, h, ef->key, HS_EXCLUSIVE, BEFORE_ALL);
	if (status == HS_OK)
	{
		*hash = op.hash;
		op.effects = NULL;
		if (has_value)
			status = apply_value(&op, ef, &dump, &v, expires_us);
		else
			status = apply_small(&op, ef);
		*need = op.need;
		hs_op_end(&op);
	}
	hs_value_discard(&v);

	/* The log says it was done, so what refuses it was not written by a command. */
	if (status == HS_NOT_A_NUMBER || status == HS_BAD_ARGUMENT ||
		status == HS_KEY_TOO_LONG || status == HS_MEMBER_TOO_LONG || status == HS_VALUE_TOO_LONG)
		return HS_CORRUPT;
	return status;
}

static HsStatus
apply_del_tag(HsHandle *h, HsBytes tag, int64_t now_us)
{
	HsMulti		m;
	uint64_t	deleted;
	HsStatus	status = hs_multi_begin(&m, h, NULL, 0, HS_EXCLUSIVE, now_us);

	if (status != HS_OK)
		return status;
	status = hs_tags_delete(&m, &tag, 1, &deleted);
	hs_multi_end(&m);
	return status;
}

/* Take the value out of HS_EF_SET or HS_EF_RESTORE. */
static bool
read_value(const HsEffect *ef, HsDump *dump, int64_t *expires_us)
{
	if (ef->op == HS_EF_RESTORE)
	{
		if (ef->head.size != HS_EF_RESTORE_HEAD)
			return false;
		memcpy(expires_us, ef->head.data, sizeof(*expires_us));
		return hs_dump_open(ef->tail, dump) == HS_OK && !(dump->flags & HS_DF_JSON_TEXT);
	}
	if (ef->head.size != HS_EF_SET_HEAD)
		return false;
	memcpy(&dump->flags, ef->head.data, sizeof(dump->flags));
	memcpy(expires_us, ef->head.data + 2, sizeof(*expires_us));
	dump->type = HS_STRING;
	dump->payload = ef->tail;
	dump->all = ef->tail;
	return hs_dump_flags_are_valid(dump) && !(dump->flags & HS_DF_JSON_TEXT);
}

static HsStatus
apply_value(HsOp *op, const HsEffect *ef, const HsDump *dump, HsNewValue *v, int64_t expires_us)
{
	HsSetRule	rule = {.only = HS_SET_ALWAYS,.expires_us = expires_us};
	bool		done;

	if (ef->op == HS_EF_SET)
		return hs_string_set(op, v, &rule, NULL, &done);
	return hs_restore(op, dump, v, true, expires_us, &done);
}

static HsStatus
apply_small(HsOp *op, const HsEffect *ef)
{
	HsExpireRule always = {0};
	int64_t		expires_us;
	HsStatus	status;
	bool		done;

	switch (ef->op)
	{
		case HS_EF_DEL:
			return hs_key_delete(op, &done);
		case HS_EF_EXPIRE:
			if (ef->head.size != HS_EF_EXPIRE_HEAD)
				return HS_CORRUPT;
			memcpy(&expires_us, ef->head.data, sizeof(expires_us));
			return hs_key_expire(op, &always, expires_us, &done);
		case HS_EF_DUE:
			return apply_due(op, ef);
		case HS_EF_TAGS:
			return hs_tags_redo(op, ef->tail);
		default:
			status = apply_member(op, ef);
			if (status != HS_WRONG_TYPE)
				return status;

			/* a type it came to hold later: the effect that says so follows */
			status = hs_key_delete(op, &done);
			return status == HS_OK ? apply_member(op, ef) : status;
	}
}

static HsStatus
apply_member(HsOp *op, const HsEffect *ef)
{
	HsHashField field = {ef->head, ef->tail};
	uint64_t	n;
	bool		changed;

	switch (ef->op)
	{
		case HS_EF_ZADD:
			return apply_zadd(op, ef);
		case HS_EF_ZREM:
			return hs_zset_remove(op, &ef->tail, 1, &n);
		case HS_EF_HSET:
			return hs_hash_set(op, &field, 1, false, HS_NEVER, &n);
		case HS_EF_HDEL:
			return hs_hash_remove(op, &ef->tail, 1, &n);
		case HS_EF_SADD:
			return hs_set_add(op, &ef->tail, 1, HS_NEVER, &n);
		case HS_EF_SREM:
			return hs_set_remove(op, &ef->tail, 1, &n);
		case HS_EF_LIST:
			return hs_list_redo(op, ef->head, ef->tail);
		case HS_EF_HLL:
			if (hs_hll_check(ef->tail) != NULL)
				return HS_CORRUPT;
			return hs_hll_key_add(op, ef->tail.data, HS_NEVER, &changed);
		default:
			return HS_CORRUPT;
	}
}

static HsStatus
apply_zadd(HsOp *op, const HsEffect *ef)
{
	HsZsetAdded added;
	double		score;

	if (ef->head.size != sizeof(score))
		return HS_CORRUPT;
	memcpy(&score, ef->head.data, sizeof(score));
	return hs_zset_add(op, ef->tail, score, 0, HS_NEVER, &added);
}

/* Of whatever has members now: if that is another collection, its effects follow. */
static HsStatus
apply_due(HsOp *op, const HsEffect *ef)
{
	HsRecord   *record = hs_find(op);
	HsDueResult result;
	int64_t		expires_us;

	if (ef->head.size != HS_EF_EXPIRE_HEAD)
		return HS_CORRUPT;
	memcpy(&expires_us, ef->head.data, sizeof(expires_us));
	if (record == NULL || hs_type_ops(hs_record_type(record))->dues == NULL)
		return HS_OK;
	return hs_dues_set(op, hs_record_type(record), &ef->tail, 1, expires_us, 0, &result);
}
