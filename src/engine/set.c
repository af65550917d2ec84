/*
 * set.c
 *	  Sets: members unique by name, in no order.
 */
#include "set.h"

#include "dict_int.h"

HsStatus
hs_set_add(HsOp *op, const HsBytes *members, size_t n, int64_t new_expires_us, uint64_t *added)
{
	HsDictSource source = hs_dict_names(members, n);

	return hs_dict_put(op, HS_SET, &source, 0, new_expires_us, added);
}

HsStatus
hs_set_remove(HsOp *op, const HsBytes *members, size_t n, uint64_t *removed)
{
	HsDictSource source = hs_dict_names(members, n);

	return hs_dict_remove(op, HS_SET, &source, removed);
}

/*
 * ---- Asking --------------------------------------------------------------------
 */

HsStatus
hs_set_has(HsOp *op, HsBytes member, bool *has)
{
	return hs_set_has_many(op, &member, 1, has);
}

HsStatus
hs_set_has_many(HsOp *op, const HsBytes *members, size_t n, bool *has)
{
	HsDict		d;
	HsStatus	status = hs_dict_open(op, HS_SET, &d);

	if (status != HS_OK)
		return status;
	for (size_t i = 0; i < n; i += HS_DICT_AHEAD)
	{
		const uint8_t *found[HS_DICT_AHEAD];
		unsigned	some = hs_dict_find_names(&d, members, n, i, found);

		for (unsigned k = 0; k < some; k++)
			has[i + k] = found[k] != NULL;
	}
	return HS_OK;
}

HsStatus
hs_set_count(HsOp *op, uint64_t *count)
{
	HsDict		d;
	HsStatus	status = hs_dict_open(op, HS_SET, &d);

	if (status == HS_OK)
		*count = d.count;
	return status;
}

HsStatus
hs_set_read(HsOp *op, HsDictCursor *cursor, HsItems *out)
{
	return hs_dict_read(op, HS_SET, cursor, true, false, out);
}

HsStatus
hs_set_random(HsOp *op, int64_t count, uint64_t seed, HsItems *out)
{
	return hs_dict_random(op, HS_SET, count, true, false, seed, out);
}

/*
 * ---- Popping, moving -------------------------------------------------------------
 */

static void
items_get(HsDictSource *s, size_t i, HsBytes *member, HsBytes *value)
{
	(void) value;
	if (i == 0)
		s->pos = 0;
	(void) hs_items_next(s->arg, &s->pos, member);
}

static HsStatus
remove_all(HsOp *op)
{
	HsRecord   *record = hs_find(op);

	if (record == NULL)
		return HS_OK;
	if (!hs_effects_fit(op->effects, op->key, 1, 0))
		return HS_NO_MEMORY;
	hs_effect_note_delete(op->effects, op->key);
	hs_remove(op, record);
	return HS_OK;
}

HsStatus
hs_set_pop(HsOp *op, uint64_t count, uint64_t seed, HsItems *out)
{
	int64_t		want = count < INT64_MAX ? (int64_t) count : INT64_MAX;
	HsDictSource source = {.get = items_get,.arg = out};
	uint64_t	all;
	uint64_t	removed;
	HsStatus	status = hs_set_count(op, &all);

	if (status == HS_OK)
		status = hs_set_random(op, want, seed, out);
	if (status != HS_OK || out->n == 0)
		return status;
	if (out->n == all)
		return remove_all(op);
	source.n = out->n;
	return hs_dict_remove(op, HS_SET, &source, &removed);
}

/* Which of the two keys is at fault, if any.  Without a source nobody asks about the other. */
static HsStatus
open_both(HsMulti *m, HsBytes from, HsBytes to, HsOp *src, HsOp *dst, HsDict *d,
		  size_t *bad_key, HsType *found_type)
{
	HsDict		target;
	HsStatus	status = hs_multi_op(m, from, src);

	*bad_key = 0;
	if (status == HS_OK)
		status = hs_dict_open(src, HS_SET, d);
	if (status != HS_OK || d->record == NULL)
	{
		*found_type = src->found_type;
		return status;
	}
	*bad_key = 1;
	status = hs_multi_op(m, to, dst);
	if (status == HS_OK)
		status = hs_dict_open(dst, HS_SET, &target);
	*found_type = dst->found_type;
	return status;
}

HsStatus
hs_set_move(HsMulti *m, HsBytes from, HsBytes to, HsBytes member, int64_t new_expires_us,
			bool *moved, size_t *bad_key, HsType *found_type)
{
	HsPack		p = hs_pack(member);
	uint64_t	n;
	HsOp		src,
				dst;
	HsDict		d;
	HsStatus	status;

	if (member.size > HS_MAX_KEY)
		return HS_MEMBER_TOO_LONG;
	status = open_both(m, from, to, &src, &dst, &d, bad_key, found_type);
	if (status != HS_OK)
		return status;
	*moved = false;
	if (hs_dict_find(&d, &p) == NULL)
		return HS_OK;
	if (hs_bytes_cmp(from, to) == 0)
	{
		*moved = true;
		return HS_OK;
	}

	/* room for all effects of both, so that removing cannot fail any more */
	if (!hs_effects_fit(m->effects, from.size > to.size ? from : to, 4, 2 * member.size + 8))
		return HS_NO_MEMORY;
	hs_multi_close(m);
	status = hs_set_add(&dst, &member, 1, new_expires_us, &n);
	if (status != HS_OK)
		return hs_multi_note(m, &dst, status);
	status = hs_set_remove(&src, &member, 1, &n);
	assert(status == HS_OK && n == 1);
	*moved = true;
	return status;
}

/*
 * ---- Storing, loading ---------------------------------------------------------------
 */

HsStatus
hs_set_store(HsOp *op, const HsItems *members, int64_t expires_us)
{
	HsDictSource source = {.n = members->n,.get = items_get,.arg = members};
	uint64_t	bytes;
	HsStatus	status;

	if (members->n == 0)
		return remove_all(op);
	status = hs_dict_check(HS_SET, &source, &bytes);
	if (status != HS_OK)
		return status;
	if (!hs_effects_fit(op->effects, op->key, source.n + 2, bytes + 8))
		return HS_NO_MEMORY;
	status = hs_dict_build(op, HS_SET, &source, expires_us);
	if (status != HS_OK)
		return status == HS_CORRUPT ? HS_BAD_ARGUMENT : status;
	if (op->effects == NULL)
		return HS_OK;
	hs_effect_note_delete(op->effects, op->key);
	for (size_t i = 0; i < source.n; i++)
	{
		HsBytes		member;

		source.get(&source, i, &member, NULL);
		hs_effect_note(op->effects, HS_EF_SADD, op->key, hs_bytes(NULL, 0), member);
	}
	if (expires_us != HS_NEVER)
		hs_effect_note_expiry(op->effects, op->key, expires_us);
	return HS_OK;
}

HsStatus
hs_set_load(HsOp *op, HsBytes payload, int64_t expires_us)
{
	return hs_dict_load(op, HS_SET, payload, expires_us);
}
