/*
 * cached.c
 *	  Cached query results: a value and the labels under which it is true.
 */
#include "cached.h"

#define DEP_SIZE	12
#define TAIL_SIZE	2

size_t
hs_cached_seal(uint8_t *buf, const HsCached *c)
{
	uint8_t    *p = buf + c->size;
	uint8_t		flags = (uint8_t) c->kind;

	for (unsigned i = 0; i < c->ndeps; i++)
	{
		memcpy(p, &c->deps[i].slot, 4);
		memcpy(p + 4, &c->deps[i].label, 8);
		p += DEP_SIZE;
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

/* Take the bytes apart; false if no seal wrote them. */
static bool
unseal(const uint8_t *buf, size_t size, HsCached *c)
{
	size_t		around = TAIL_SIZE;
	const uint8_t *p;

	if (size < TAIL_SIZE)
		return false;
	c->kind = (HsCachedKind) (buf[size - 1] & ~HS_CACHED_SOFT);
	c->ndeps = buf[size - 2];
	around += (buf[size - 1] & HS_CACHED_SOFT ? 8 : 0) + c->ndeps * DEP_SIZE;
	if (c->kind >= HS_CACHED_NKINDS || c->ndeps == 0 || c->ndeps > HS_CACHED_DEPS ||
		around > size)
		return false;
	c->size = size - around;
	p = buf + c->size;
	for (unsigned i = 0; i < c->ndeps; i++)
	{
		memcpy(&c->deps[i].slot, p, 4);
		memcpy(&c->deps[i].label, p + 4, 8);
		p += DEP_SIZE;
	}
	c->soft_expires_us = HS_NEVER;
	if (buf[size - 1] & HS_CACHED_SOFT)
		memcpy(&c->soft_expires_us, p, 8);
	return true;
}

static HsStatus
read_big(HsHandle *h, HsBytes key, int64_t now_us, HsGot *got, HsType *found_type)
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
	return status;
}

HsStatus
hs_cached_read(HsHandle *h, HsBytes key, int64_t now_us, HsGot *got, HsCached *c,
			   HsType *found_type)
{
	HsRead		r;
	HsStatus	status = hs_read_cached(h, key, now_us, got->buf, got->capacity, &r);

	if (status == HS_OK || status == HS_BUFFER_TOO_SMALL)
	{
		got->size = r.size;
		got->expires_us = r.expires_us;
	}
	if (status == HS_WRONG_TYPE)
		*found_type = r.type;
	if (status == HS_BUFFER_TOO_SMALL && (r.flags & HS_RF_BIG) && r.size <= got->capacity)
		status = read_big(h, key, now_us, got, found_type);
	if (status == HS_OK && !unseal(got->buf, got->size, c))
		return HS_CORRUPT;
	return status;
}

HsStatus
hs_cached_put(HsOp *op, HsNewValue *v, uint64_t label, int64_t expires_us, bool *done)
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
		HsBytes		old = hs_value(record);
		HsCached	c;

		if (unseal(old.data, old.size, &c) && c.deps[0].label > label)
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
