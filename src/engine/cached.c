/*
 * cached.c
 *	  Cached query results: a value and the labels under which it is true.
 */
#include "cached.h"

size_t
hs_cached_seal(uint8_t *buf, const HsCached *c)
{
	uint8_t    *p = buf + c->size;
	uint8_t		flags = (uint8_t) c->kind;

	for (unsigned i = 0; i < c->ndeps; i++)
	{
		memcpy(p, &c->deps[i].slot, 4);
		memcpy(p + 4, &c->deps[i].label, 8);
		p += HS_CACHED_DEP_SIZE;
	}
	if (c->soft_expires_us != HS_NEVER)
	{
		memcpy(p, &c->soft_expires_us, 8);
		p += 8;
		flags |= HS_CACHED_SOFT;
	}
	*p++ = (uint8_t) c->ndeps;
	*p++ = flags;
	return (size_t) (p - buf);
}

HsStatus
hs_cached_read_large(HsHandle *h, HsBytes key, int64_t now_us, HsGot *got, HsCached *c,
					 HsType *found_type)
{
	HsOp		op;
	HsRecord   *record;
	HsStatus	status = hs_op_begin(&op, h, key, HS_SHARED, now_us);

	if (status != HS_OK)
		return status;
	status = hs_find_typed(&op, HS_CACHED, &record);
	*found_type = op.found_type;
	if (status == HS_OK && record == NULL)
		status = HS_NOT_FOUND;
	if (status == HS_OK)
		status = hs_got_record(record, got);
	hs_op_end(&op);
	hs_got_finish(got);
	if (status != HS_OK)
		return status;
	if (!hs_cached_unseal(got->buf, got->size, c))
		return HS_CORRUPT;
	got->size = c->size;
	return HS_OK;
}

bool
hs_cached_is_later(const HsCached *a, const HsCached *b)
{
	for (unsigned i = 0; i < a->ndeps && i < b->ndeps; i++)
	{
		if (a->deps[i].slot == b->deps[i].slot && a->deps[i].label > b->deps[i].label)
			return true;
	}
	return false;
}

HsStatus
hs_cached_put(HsOp *op, HsNewValue *v, const HsCached *c, int64_t expires_us, bool *done)
{
	HsRecord   *record;
	HsDraft		draft;
	HsStatus	status = hs_find_typed(op, HS_CACHED, &record);

	*done = false;
	if (status != HS_OK)
		return status;
	/* replacing a newer one would be useless, though not wrong; large ones are not looked at */
	if (record != NULL && !(hs_record_flags(record) & HS_RF_BIG))
	{
		HsBytes		bytes = hs_value(record);
		HsCached	old;

		if (hs_cached_unseal(bytes.data, bytes.size, &old) && hs_cached_is_later(&old, c))
			return HS_OK;
	}
	status = hs_value_reserve(op, HS_CACHED, v, expires_us, &draft);
	if (status != HS_OK)
		return status;
	hs_publish(op, &draft);
	v->has_pages = false;
	*done = true;
	return HS_OK;
}
