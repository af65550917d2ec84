/*
 * hll_key.c
 *	  Keys that hold a sketch: always in the record, never in nodes.
 *
 * A change that fits is made in place under the exclusive lock; readers copy
 * under the shared one.  Else a new record is published, with room for half as
 * many entries again, so a key that grows value by value is copied about 15
 * times on its way to a dense sketch, which then stays where it is.
 */
#include "hll_key.h"

#include <math.h>

/* Bytes to reserve for a sketch that is going to grow. */
static size_t
with_slack(size_t size)
{
	size_t		roomy = size + size / 2 + 8;

	return roomy + roomy / 4 >= HS_HLL_DENSE_SIZE ? HS_HLL_DENSE_SIZE : roomy;
}

/* The sketch in a record, and how many bytes it has there. */
static uint8_t *
record_sketch(HsRecord *record, size_t *capacity)
{
	HsRecordView v;

	hs_record_view(record, &v);
	*capacity = v.value_size;
	return v.value;
}

/*
 * Write down: [the key is gone,] these registers are raised, [this is the expiry].
 * All of it or, when it does not fit, nothing.
 */
static HsStatus
put_effects(HsOp *op, bool anew, const uint8_t *sketch, int64_t expires_us)
{
	HsEffects  *fx = op->effects;
	const HsBytes none = hs_bytes(NULL, 0);
	size_t		mark;

	if (fx == NULL)
		return HS_OK;
	mark = fx->size;
	if ((!anew || hs_effect_put(fx, HS_EF_DEL, op->key, none, none)) &&
		hs_effect_put(fx, HS_EF_HLL, op->key, none, hs_bytes(sketch, hs_hll_size(sketch))) &&
		(!anew || expires_us == HS_NEVER ||
		 hs_effect_put(fx, HS_EF_EXPIRE, op->key, hs_bytes(&expires_us, sizeof(expires_us)), none)))
		return HS_OK;
	fx->size = mark;
	return HS_NO_MEMORY;
}

/* Publish a record whose value is 'base', with 'more' merged in unless NULL. */
static HsStatus
publish_sketch(HsOp *op, HsRecord *old, size_t capacity, const uint8_t *base,
			   const uint8_t *more, int64_t expires_us)
{
	uint16_t	flags = HS_HLL;
	HsDraft		draft;
	HsStatus	status;
	size_t		size = hs_hll_size(base);

	if (old != NULL)
		flags |= hs_record_flags(old) & HS_RF_VERSION;
	status = hs_reserve(op, flags, capacity, expires_us, &draft);
	if (status != HS_OK)
		return status;
	status = put_effects(op, more == NULL, more != NULL ? more : base, expires_us);
	if (status != HS_OK)
	{
		hs_abandon(op, &draft);
		return status;
	}
	memcpy(draft.value, base, size);
	memset(draft.value + size, 0, capacity - size);
	if (more != NULL)
		hs_hll_merge(draft.value, capacity, more);
	hs_publish(op, &draft);
	return HS_OK;
}

HsStatus
hs_hll_key_add(HsOp *op, const uint8_t *sketch, int64_t new_expires_us, bool *changed)
{
	HsRecord   *record;
	HsStatus	status = hs_find_typed(op, HS_HLL, &record);
	HsHllPlan	plan;
	uint8_t    *mine;
	size_t		capacity;

	*changed = false;
	if (status != HS_OK)
		return status;
	if (record == NULL)
	{
		status = publish_sketch(op, NULL, with_slack(hs_hll_size(sketch)), sketch, NULL,
								new_expires_us);
		*changed = status == HS_OK;
		return status;
	}

	mine = record_sketch(record, &capacity);
	plan = hs_hll_plan_merge(mine, sketch);
	if (!plan.changes)
		return HS_OK;
	if (plan.size > capacity)
		status = publish_sketch(op, record, with_slack(plan.size), mine, sketch,
								hs_expiry(record));
	else
	{
		status = put_effects(op, false, sketch, HS_NEVER);
		if (status == HS_OK)
		{
			hs_hll_merge(mine, capacity, sketch);
			hs_touch_version(op, record);
		}
	}
	*changed = status == HS_OK;
	return status;
}

HsStatus
hs_hll_key_set(HsOp *op, const uint8_t *sketch, int64_t expires_us)
{
	HsRecord   *record;
	HsStatus	status = hs_find_typed(op, HS_HLL, &record);

	if (status != HS_OK)
		return status;
	return publish_sketch(op, record, hs_hll_size(sketch), sketch, NULL, expires_us);
}

HsStatus
hs_hll_key_get(HsOp *op, uint8_t *buf)
{
	HsRecord   *record;
	HsStatus	status = hs_find_typed(op, HS_HLL, &record);
	uint8_t    *sketch;
	size_t		capacity;

	if (status != HS_OK)
		return status;
	if (record == NULL)
		return HS_NOT_FOUND;
	sketch = record_sketch(record, &capacity);
	memcpy(buf, sketch, hs_hll_size(sketch));
	return HS_OK;
}

HsStatus
hs_hll_key_union(HsMulti *m, const HsBytes *keys, size_t nkeys, uint8_t *buf,
				 size_t *failed, HsType *found)
{
	hs_hll_init(buf);
	for (size_t i = 0; i < nkeys; i++)
	{
		HsOp		op;
		HsRecord   *record;
		HsStatus	status = hs_multi_op(m, keys[i], &op);
		size_t		capacity;

		if (hs_port_interrupted())
			return HS_INTERRUPTED;
		if (status == HS_OK)
			status = hs_find_typed(&op, HS_HLL, &record);
		if (status != HS_OK)
		{
			*failed = i;
			*found = op.found_type;
			return status;
		}
		if (record != NULL)
			hs_hll_merge(buf, HS_HLL_MAX_SIZE, record_sketch(record, &capacity));
	}
	return HS_OK;
}

/*
 * ---- The row of the type --------------------------------------------------------
 */

uint64_t
hs_hll_count(HsRecord *record)
{
	size_t		capacity;

	return (uint64_t) llround(hs_hll_estimate(record_sketch(record, &capacity)));
}

const char *
hs_hll_verify(struct HsPart *part, HsRecord *record)
{
	size_t		capacity;
	uint8_t    *sketch = record_sketch(record, &capacity);

	(void) part;
	if (hs_record_flags(record) & HS_RF_LARGE)
		return "a sketch is not in its record";
	if (!hs_hll_is_sketch(hs_bytes(sketch, capacity), true))
		return "head or size is not that of a sketch";
	return hs_hll_check(hs_bytes(sketch, hs_hll_size(sketch)));
}

size_t
hs_hll_dump(HsRecord *record, uint8_t *buf, size_t capacity)
{
	size_t		room;
	uint8_t    *sketch = record_sketch(record, &room);
	size_t		size = hs_hll_size(sketch);

	hs_copy(buf, sketch, size < capacity ? size : capacity);
	return size;
}

/* Says nothing of effects: whoever restores a key does, of all of it. */
HsStatus
hs_hll_load(HsOp *op, HsBytes payload, int64_t expires_us)
{
	HsEffects  *effects = op->effects;
	HsStatus	status;

	if (hs_hll_check(payload) != NULL)
		return HS_CORRUPT;
	op->effects = NULL;
	status = publish_sketch(op, hs_find(op), payload.size, payload.data, NULL, expires_us);
	op->effects = effects;
	return status;
}
