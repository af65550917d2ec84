/*
 * key.c
 *	  Commands on keys whatever they hold.
 */
#include "key.h"

#include "dump.h"
#include "tag.h"
#include "type.h"

static bool note_move(HsOp *from, HsOp *to, HsRecord *source, bool keep_source);
static HsStatus move_record(HsOp *from, HsOp *to, HsRecord *source, HsMove *mv);
static HsStatus move_plain(HsOp *from, HsOp *to, HsRecord *source, HsMove *mv);
static HsStatus reserve_plain(HsOp *to, HsRecord *source, HsMove *mv, HsDraft *draft);
static HsStatus hand_over(HsOp *from, HsOp *to, HsRecord *source);
static HsStatus dump_and_load(HsOp *from, HsOp *to, HsRecord *source, HsMove *mv);

/*
 * ---- Deleting, counting ------------------------------------------------------
 */

HsStatus
hs_key_delete(HsOp *op, bool *deleted)
{
	HsRecord   *record = hs_find(op);

	*deleted = false;
	if (record == NULL)
		return HS_OK;
	if (!hs_note_removal(op))
		return HS_NO_MEMORY;
	hs_remove(op, record);
	*deleted = true;
	return HS_OK;
}

HsStatus
hs_keys_delete(HsMulti *m, const HsBytes *keys, size_t nkeys, uint64_t *deleted)
{
	size_t		mark = hs_effects_mark(m->effects);
	HsOp		op;
	HsRecord   *record;

	*deleted = 0;

	/* All effects before the first change: a full buffer stops everything. */
	for (size_t i = 0; m->effects != NULL && i < nkeys; i++)
	{
		if (hs_multi_op(m, keys[i], &op) == HS_OK && hs_find(&op) != NULL &&
			!hs_note_removal(&op))
		{
			hs_effects_undo(m->effects, mark);
			m->need = 0;
			return HS_NO_MEMORY;
		}
	}
	if (nkeys > 1)
		hs_multi_close(m);
	for (size_t i = 0; i < nkeys; i++)
	{
		HsStatus	status = hs_multi_op(m, keys[i], &op);

		if (status != HS_OK)
			return status;
		hs_multi_prefetch(m, keys, nkeys, i);
		record = hs_find(&op);
		if (record == NULL)
			continue;
		hs_remove(&op, record);
		(*deleted)++;
	}
	return HS_OK;
}

HsStatus
hs_keys_exist(HsMulti *m, const HsBytes *keys, size_t nkeys, uint64_t *count)
{
	*count = 0;
	for (size_t i = 0; i < nkeys; i++)
	{
		HsOp		op;
		HsStatus	status = hs_multi_op(m, keys[i], &op);

		if (status != HS_OK)
			return status;
		*count += hs_find(&op) != NULL;
	}
	return HS_OK;
}

/*
 * ---- Expiry --------------------------------------------------------------------
 */

HsStatus
hs_key_expire(HsOp *op, const HsExpireRule *rule, int64_t expires_us, bool *done)
{
	HsRecord   *record;
	int64_t		current;
	HsStatus	status;

	*done = false;
	if ((rule->nx && (rule->xx || rule->gt || rule->lt)) || (rule->gt && rule->lt))
		return HS_BAD_ARGUMENT;
	record = hs_find(op);
	if (record == NULL)
		return HS_OK;
	current = hs_expiry(record);
	if ((rule->nx && current != HS_NEVER) || (rule->xx && current == HS_NEVER) ||
		(rule->gt && expires_us <= current) || (rule->lt && expires_us >= current))
		return HS_OK;
	if (expires_us <= hs_op_now(op))
		return hs_key_delete(op, done);
	status = hs_key_set_expiry(op, record, expires_us);
	*done = status == HS_OK;
	return status;
}

HsStatus
hs_key_set_expiry(HsOp *op, HsRecord *record, int64_t expires_us)
{
	size_t		mark = hs_effects_mark(op->effects);
	HsStatus	status;

	if (op->effects == NULL)
		return hs_set_expiry(op, record, expires_us);
	if (!hs_effect_put(op->effects, HS_EF_EXPIRE, op->key,
					   hs_bytes(&expires_us, sizeof(expires_us)), hs_bytes(NULL, 0)))
	{
		op->need = 0;
		return HS_NO_MEMORY;
	}
	status = hs_set_expiry(op, record, expires_us);
	if (status != HS_OK)
		hs_effects_undo(op->effects, mark);
	return status;
}

HsStatus
hs_key_persist(HsOp *op, bool *done)
{
	HsExpireRule rule = {.xx = true};

	return hs_key_expire(op, &rule, HS_NEVER, done);
}

/*
 * ---- Rename and copy -------------------------------------------------------------
 */

HsStatus
hs_move_prepare(HsHandle *h, HsBytes from, HsMove *mv, int64_t now_us, size_t *need)
{
	mv->wanted = 0;
	mv->edit.bytes = hs_bytes(NULL, 0);
	mv->edit.append = false;
	mv->edit.offset = 0;
	mv->edit.grow_to = 0;
	return hs_edit_prepare(h, from, &mv->edit, now_us, need);
}

void
hs_move_discard(HsMove *mv)
{
	hs_edit_discard(&mv->edit);
}

HsStatus
hs_key_move(HsMulti *m, HsBytes from, HsBytes to, HsMove *mv, bool *done, uint64_t *hash)
{
	HsOp		src;
	HsOp		dst;
	HsRecord   *source;
	size_t		mark = hs_effects_mark(m->effects);
	HsStatus	status = hs_multi_op(m, from, &src);

	*done = false;
	mv->wanted = 0;
	if (status == HS_OK)
		status = hs_multi_op(m, to, &dst);
	if (status != HS_OK)
		return status;
	src.need = 0;
	dst.need = 0;
	source = hs_find(&src);
	if (source == NULL)
		return HS_NOT_FOUND;
	if (hs_record_type(source) == HS_CACHED)
		return HS_BAD_ARGUMENT; /* it is the result for its own key */
	if (hs_bytes_cmp(from, to) == 0)
	{
		*done = mv->replace;
		return HS_OK;
	}
	if (!mv->replace && hs_find(&dst) != NULL)
		return HS_OK;
	hs_multi_close(m);
	status = note_move(&src, &dst, source, mv->keep_source) ?
		move_record(&src, &dst, source, mv) : HS_NO_MEMORY;
	if (status != HS_OK && m->effects != NULL)
		m->effects->size = mark;
	m->need = dst.need > src.need ? dst.need : src.need;
	*hash = dst.need > 0 ? dst.hash : src.hash;
	*done = status == HS_OK;
	return status;
}

static HsStatus
move_record(HsOp *from, HsOp *to, HsRecord *source, HsMove *mv)
{
	if (!(hs_record_flags(source) & HS_RF_LARGE))
		return move_plain(from, to, source, mv);
	if (from->part == to->part && !mv->keep_source)
		return hand_over(from, to, source);
	return dump_and_load(from, to, source, mv);
}

/* All that the key holds is in its record, or in pages that were prepared. */
static HsStatus
move_plain(HsOp *from, HsOp *to, HsRecord *source, HsMove *mv)
{
	HsDraft		draft;
	HsStatus	status = hs_tags_hold_of(to, from->part, hs_record_tags(source), &to->tags);

	if (status != HS_OK)
		return status;
	status = reserve_plain(to, source, mv, &draft);
	hs_tags_let_go(to->part, to->tags);
	if (status != HS_OK)
		return status;
	hs_publish(to, &draft);
	if (hs_record_flags(draft.record) & HS_RF_BIG)
		mv->edit.is_planned = false;
	if (!mv->keep_source)
		hs_remove(from, source);
	return HS_OK;
}

/* With the tags that 'to' holds. */
static HsStatus
reserve_plain(HsOp *to, HsRecord *source, HsMove *mv, HsDraft *draft)
{
	uint16_t	flags = hs_record_flags(source);
	HsBytes		value = hs_value(source);
	HsStatus	status;

	if (flags & HS_RF_BIG)
		return hs_edit_reserve_copy(to, source, &mv->edit, hs_expiry(source), draft);
	status = hs_reserve(to, flags & (HS_RF_TYPE | HS_RF_VALUE), value.size, hs_expiry(source),
						draft);
	if (status == HS_OK)
		hs_copy(draft->value, value.data, value.size);
	return status;
}

/*
 * A large collection within its partition: the target's record points to the same
 * nodes.  The source's is replaced by an empty string that owns nothing, and
 * then removed.
 */
static HsStatus
hand_over(HsOp *from, HsOp *to, HsRecord *source)
{
	HsBytes		value = hs_value(source);
	HsDraft		stub;
	HsDraft		draft;
	HsStatus	status = hs_reserve(to, hs_record_flags(source) &
									(HS_RF_TYPE | HS_RF_LARGE | HS_RF_DUES),
									value.size, hs_expiry(source), &draft);

	if (status != HS_OK)
		return status;
	status = hs_reserve(from, HS_STRING, 0, HS_NEVER, &stub);
	if (status != HS_OK)
	{
		hs_abandon(to, &draft);
		return status;
	}
	hs_copy(draft.value, value.data, value.size);
	hs_publish_keep(from, &stub);
	hs_publish(to, &draft);
	hs_remove(from, hs_find(from));
	return HS_OK;
}

static HsStatus
dump_and_load(HsOp *from, HsOp *to, HsRecord *source, HsMove *mv)
{
	HsEffects  *fx = to->effects;
	size_t		size;
	uint16_t	flags;
	HsType		type;
	HsStatus	status = hs_dump_payload(from, mv->buf, mv->capacity, &size, &type, &flags);

	if (status == HS_BUFFER_TOO_SMALL)
		mv->wanted = size;
	if (status != HS_OK)
		return status;
	to->effects = NULL;			/* note_move() has said it */
	status = hs_dump_load(to, type, flags, hs_bytes(mv->buf, size), hs_expiry(source));
	to->effects = fx;
	if (status == HS_OK && !mv->keep_source)
		hs_remove(from, hs_find(from));
	return status;
}

/*
 * ---- Effects ---------------------------------------------------------------------
 */

/* The target becomes a copy of the source, and the source goes. */
static bool
note_move(HsOp *from, HsOp *to, HsRecord *source, bool keep_source)
{
	int64_t		expires_us = hs_expiry(source);
	size_t		size = 0;
	HsBytes		head = hs_bytes(&expires_us, sizeof(expires_us));
	uint8_t    *space;

	if (to->effects == NULL)
		return true;
	(void) hs_dump(from, NULL, 0, &size);
	space = hs_effect_space(to->effects, HS_EF_RESTORE, to->key, head, size);
	if (space == NULL || hs_dump(from, space, size, &size) != HS_OK ||
		!hs_tags_note_of(to, hs_record_tags(source)))
		return false;
	return keep_source || hs_note_removal(from);
}
