/*
 * dump.c
 *	  Serialising one key, and putting it back.
 */
#include "dump.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "dues.h"
#include "type.h"

static const uint8_t magic[4] = {'H', 'S', 'D', 'U'};

static size_t string_payload(HsRecord *record, uint8_t *buf, size_t capacity);

void
hs_dump_seal(uint8_t *buf, size_t payload_size, HsType type, uint16_t flags)
{
	uint64_t	sum;

	memcpy(buf, magic, sizeof(magic));
	buf[4] = HS_DUMP_VERSION;
	buf[5] = (uint8_t) type;
	memcpy(buf + 6, &flags, sizeof(flags));
	sum = XXH3_64bits(buf, HS_DUMP_HEAD + payload_size);
	memcpy(buf + HS_DUMP_HEAD + payload_size, &sum, sizeof(sum));
}

HsStatus
hs_dump_open(HsBytes input, HsDump *out)
{
	uint64_t	sum;
	size_t		body;

	if (input.size < HS_DUMP_HEAD + HS_DUMP_TAIL)
		return HS_CORRUPT;
	if (memcmp(input.data, magic, sizeof(magic)) != 0 || input.data[4] != HS_DUMP_VERSION)
		return HS_CORRUPT;
	body = input.size - HS_DUMP_TAIL;
	memcpy(&sum, input.data + body, sizeof(sum));
	if (sum != XXH3_64bits(input.data, body))
		return HS_CORRUPT;
	out->type = (HsType) input.data[5];
	memcpy(&out->flags, input.data + 6, sizeof(out->flags));
	out->payload = hs_bytes(input.data + HS_DUMP_HEAD, body - HS_DUMP_HEAD);
	out->all = input;
	return hs_dump_flags_are_valid(out) ? HS_OK : HS_CORRUPT;
}

bool
hs_dump_flags_are_valid(const HsDump *d)
{
	if (d->type >= HS_NTYPES)
		return false;
	if (d->type != HS_STRING)
		return d->flags == 0 ||
			(d->flags == HS_DF_DUES && hs_type_ops(d->type)->dues != NULL);
	switch (d->flags)
	{
		case 0:
		case HS_RF_TEXT:
		case HS_RF_JSONB:
		case HS_DF_JSON_TEXT:
			return true;
		case HS_RF_INT:
			return d->payload.size == sizeof(int64_t);
		default:
			return false;
	}
}

HsStatus
hs_dump_payload(HsOp *op, uint8_t *buf, size_t capacity,
				size_t *size, HsType *type, uint16_t *flags)
{
	HsRecord   *record = hs_find(op);
	const HsTypeOps *ops;

	if (record == NULL)
		return HS_NOT_FOUND;
	*type = hs_record_type(record);
	*flags = 0;
	ops = hs_type_ops(*type);
	if (*type == HS_STRING)
	{
		*flags = hs_record_flags(record) & HS_RF_VALUE;
		*size = string_payload(record, buf, capacity);
	}
	else if (hs_has_dues(record))
	{
		*flags = HS_DF_DUES;
		*size = hs_dues_dump(record, buf, capacity);
	}
	else if (ops->dump != NULL)
		*size = ops->dump(record, buf, capacity);
	else
		return HS_BAD_ARGUMENT; /* a type that cannot leave */
	return *size <= capacity ? HS_OK : HS_BUFFER_TOO_SMALL;
}

bool
hs_dump_members(const HsDump *dump, HsBytes *members)
{
	if (dump->flags & HS_DF_DUES)
		return hs_dues_dump_members(dump->payload, members);
	*members = dump->payload;
	return true;
}

HsStatus
hs_dump_load(HsOp *op, HsType type, uint16_t flags, HsBytes payload, int64_t expires_us)
{
	if (flags & HS_DF_DUES)
		return hs_dues_load(op, type, payload, expires_us);
	return hs_type_ops(type)->load(op, payload, expires_us);
}

HsStatus
hs_dump(HsOp *op, uint8_t *buf, size_t capacity, size_t *size)
{
	size_t		around = HS_DUMP_HEAD + HS_DUMP_TAIL;
	bool		has_room = capacity >= around;
	uint16_t	flags;
	HsType		type;
	HsStatus	status = hs_dump_payload(op, has_room ? buf + HS_DUMP_HEAD : NULL,
										 has_room ? capacity - around : 0,
										 size, &type, &flags);

	if (status != HS_OK && status != HS_BUFFER_TOO_SMALL)
		return status;
	*size += around;
	if (status != HS_OK || !has_room)
		return HS_BUFFER_TOO_SMALL;
	hs_dump_seal(buf, *size - around, type, flags);
	return HS_OK;
}

void
hs_dump_value(const HsDump *dump, HsNewValue *v)
{
	v->bytes = dump->payload;
	v->flags = dump->flags & HS_RF_VALUE;
	v->has_pages = false;
}

HsStatus
hs_restore(HsOp *op, const HsDump *dump, HsNewValue *v, bool replace,
		   int64_t expires_us, bool *done)
{
	HsEffects  *fx = op->effects;
	size_t		mark = fx != NULL ? fx->size : 0;
	const HsTypeOps *ops;
	HsStatus	status;

	*done = false;
	if (dump->flags & HS_DF_JSON_TEXT)
		return HS_BAD_ARGUMENT; /* the caller was to convert it */
	if (dump->type == HS_STRING)
	{
		HsSetRule	rule = {.only = replace ? HS_SET_ALWAYS : HS_SET_IF_ABSENT,
		.expires_us = expires_us};

		return hs_string_set(op, v, &rule, NULL, done);
	}
	ops = hs_type_ops(dump->type);
	if (ops->load == NULL)
		return HS_CORRUPT;
	if (!replace && hs_find(op) != NULL)
		return HS_OK;
	if (!hs_effect_put(fx, HS_EF_RESTORE, op->key,
					   hs_bytes(&expires_us, sizeof(expires_us)), dump->all))
	{
		op->need = 0;
		return HS_NO_MEMORY;
	}
	op->effects = NULL;			/* one effect says it all */
	status = hs_dump_load(op, dump->type, dump->flags, dump->payload, expires_us);
	op->effects = fx;
	if (status != HS_OK && fx != NULL)
		fx->size = mark;
	*done = status == HS_OK;
	return status;
}

static size_t
string_payload(HsRecord *record, uint8_t *buf, size_t capacity)
{
	HsBigPin	pin = HS_BIG_NO_PIN;
	size_t		size;

	if (!(hs_record_flags(record) & HS_RF_BIG))
	{
		HsBytes		value = hs_value(record);

		if (value.size <= capacity)
			hs_copy(buf, value.data, value.size);
		return value.size;
	}
	size = hs_big_size(record);
	if (size > capacity)
		return size;
	hs_big_copy_locked(record, 0, buf, size, &pin);
	if (pin.first_page != HS_SEG_NONE)
	{
		hs_big_copy_pages(&pin, 0, buf, size, 0);
		hs_big_unpin(&pin);
	}
	return size;
}
