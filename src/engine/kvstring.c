/*
 * kvstring.c
 *	  Strings: reading, setting, counting.  Changing a part is in kvedit.c, setting
 *	  several at once in kvmset.c.
 *
 * A counter is an int64 in the record and is counted in place; text becomes
 * one at its first increment.  A value that makes a record as long as the old one, up to
 * padding, is written in place too (hs_overwrite()), anything else as a new record.
 */
#include "kvstring.h"

#include <math.h>

#include "key.h"
#include "tag.h"

#define ROUNDS_MAX		3		/* a large value is read without a lock, then with it */

static HsStatus find_string(HsOp *op, HsRecord **record);
static bool is_jsonb(const HsRecord *record);
static size_t stored_size(HsRecord *record);
static HsStatus got_copy(HsRecord *record, size_t offset, size_t size, HsGot *got);
static HsStatus got_whole(HsRecord *record, HsGot *got);
static bool value_equals(HsRecord *record, HsBytes expected, uint16_t expected_flags);
static bool rule_allows(HsRecord *record, const HsSetRule *rule, HsStatus *status);
static HsStatus value_write(HsOp *op, HsRecord *record, HsNewValue *v, int64_t expires_us);
static bool note_set(HsOp *op, const HsNewValue *v, int64_t expires_us);
static HsStatus read_int(HsRecord *record, int64_t *n);
static HsStatus read_float(HsRecord *record, double *d);

/*
 * ---- Values that come and go -----------------------------------------------
 */

HsStatus
hs_value_prepare(HsHandle *h, HsNewValue *v, size_t max_value, size_t *need)
{
	HsStatus	status;

	v->has_pages = false;
	if (v->bytes.size > max_value)
		return HS_VALUE_TOO_LONG;
	if (v->bytes.size <= hs_big_threshold())
		return HS_OK;
	status = hs_big_prepare(h, v->bytes.size, &v->draft, need);
	if (status != HS_OK)
		return status;
	v->has_pages = true;
	hs_big_fill(&v->draft, 0, hs_bytes(v->bytes.data, hs_big_rest_offset(v->bytes.size)));
	return HS_OK;
}

void
hs_value_discard_pages(HsNewValue *v)
{
	hs_big_discard(&v->draft);
	v->has_pages = false;
}

/* Pages copied in this round need not be in the next, unless they change. */
bool
hs_got_finish_pages(HsGot *got)
{
	bool		is_whole;

	hs_big_copy_pages(&got->pin, got->offset, got->buf, got->size, got->since);
	is_whole = hs_big_is_unchanged(&got->pin);
	got->since = got->pin.changed;
	got->rounds++;
	hs_big_unpin(&got->pin);
	return is_whole;
}

/*
 * ---- Reading -----------------------------------------------------------------
 */

HsStatus
hs_string_fetch_large(HsHandle *h, HsBytes key, int64_t now_us, HsGot *got, HsType *found_type)
{
	HsOp		op;
	HsStatus	status;

	got->since = 0;
	got->rounds = 0;
	do
	{
		status = hs_op_begin(&op, h, key, HS_SHARED, now_us);
		if (status != HS_OK)
			return status;
		status = hs_string_get(&op, got);
		*found_type = op.found_type;
		hs_op_end(&op);
	} while (!hs_got_finish(got));
	return status;
}

HsStatus
hs_string_get_int(HsHandle *h, HsBytes key, int64_t now_us, int64_t *n, HsType *found_type)
{
	uint8_t		bytes[HS_INT_DIGITS];	/* what is longer is no integer */
	HsRead		r;
	HsStatus	status = hs_read(h, key, now_us, bytes, sizeof(bytes), &r);

	if (status == HS_WRONG_TYPE)
		*found_type = r.type;
	if (status == HS_BUFFER_TOO_SMALL)
		return HS_NOT_INTEGER;
	if (status != HS_OK)
		return status;
	if (r.flags & HS_RF_INT)
		memcpy(n, bytes, sizeof(*n));
	else if ((r.flags & HS_RF_JSONB) || !hs_int_parse(hs_bytes(bytes, r.size), n))
		return HS_NOT_INTEGER;
	return HS_OK;
}

HsStatus
hs_string_get(HsOp *op, HsGot *got)
{
	HsRecord   *record;
	HsStatus	status = find_string(op, &record);

	if (status != HS_OK)
		return status;
	return got_whole(record, got);
}

HsStatus
hs_string_range(HsOp *op, int64_t start, int64_t stop, HsGot *got)
{
	HsRecord   *record;
	HsStatus	status = find_string(op, &record);
	uint8_t		digits[HS_INT_DIGITS];
	int64_t		size;

	if (status == HS_NOT_FOUND)
		return HS_OK;
	if (status != HS_OK)
		return status;
	if (is_jsonb(record))
	{
		op->found_type = HS_STRING;
		return HS_WRONG_TYPE;
	}
	status = hs_string_length(op, &got->size);
	if (status != HS_OK)
		return status;
	size = (int64_t) got->size;
	got->found = true;
	got->size = 0;
	if (start < 0)
		start = start < -size ? 0 : start + size;
	if (stop < 0)
		stop = stop < -size ? -1 : stop + size;
	if (stop >= size)
		stop = size - 1;
	if (start > stop)
		return HS_OK;
	if (!(hs_record_flags(record) & HS_RF_INT))
	{
		bool		is_whole = stop - start + 1 == size;

		status = got_copy(record, (size_t) start, (size_t) (stop - start + 1), got);
		if (!is_whole)
			got->flags = 0;		/* a cut may go through a character */
		return status;
	}
	got->size = (size_t) (stop - start + 1);
	if (got->size > got->capacity)
		return HS_BUFFER_TOO_SMALL;
	(void) read_int(record, &size);
	(void) hs_int_format(size, digits);
	hs_copy(got->buf, digits + start, got->size);
	got->flags = HS_RF_TEXT;
	return HS_OK;
}

HsStatus
hs_string_length(HsOp *op, size_t *size)
{
	HsRecord   *record;
	HsStatus	status = find_string(op, &record);

	if (status != HS_OK)
		return status;
	*size = stored_size(record);
	if (hs_record_flags(record) & HS_RF_INT)
	{
		uint8_t		digits[HS_INT_DIGITS];
		int64_t		n;

		(void) read_int(record, &n);
		*size = hs_int_format(n, digits);
	}
	return HS_OK;
}

HsStatus
hs_strings_get(HsMulti *m, const HsBytes *keys, size_t nkeys, HsGot *got,
			   uint8_t *arena, size_t capacity, size_t *wanted)
{
	size_t		used = 0;

	for (size_t i = 0; i < nkeys; i++)
	{
		HsGot		before = got[i];
		HsOp		op;
		HsRecord   *record;
		HsStatus	status = hs_multi_op(m, keys[i], &op);
		size_t		size;

		hs_got_init(&got[i], NULL, 0);
		if (status != HS_OK)
			return status;
		record = hs_find(&op);
		if (record == NULL || hs_record_type(record) != HS_STRING)
			continue;
		size = stored_size(record);
		if (used + size <= capacity)
		{
			got[i].buf = arena + used;
			got[i].capacity = size;
			got[i].rounds = before.rounds;
			if (before.buf == got[i].buf && before.size == size)
				got[i].since = before.since;
			(void) got_copy(record, 0, size, &got[i]);
		}
		used += (size + 7) & ~(size_t) 7;
	}
	*wanted = used;
	return used <= capacity ? HS_OK : HS_BUFFER_TOO_SMALL;
}

/*
 * ---- Setting -------------------------------------------------------------------
 */

HsStatus
hs_string_set(HsOp *op, HsNewValue *v, const HsSetRule *rule, HsGot *old, bool *done)
{
	HsRecord   *record = hs_find(op);
	HsStatus	status = HS_OK;
	int64_t		expires_us = rule->expires_us;

	*done = false;
	if (old != NULL && record != NULL)
	{
		status = find_string(op, &record);
		if (status == HS_OK)
			status = got_whole(record, old);
		if (status != HS_OK)
			return status;
	}
	if (!rule_allows(record, rule, &status))
	{
		if (status == HS_WRONG_TYPE)
			op->found_type = hs_record_type(record);
		return status;
	}
	if (rule->keep_ttl && record != NULL)
		expires_us = hs_expiry(record);
	if (!rule->keep_tags)
		op->tags = HS_REF_NONE;
	if (rule->ntags > 0)
		status = hs_tags_hold(op, rule->tags, rule->ntags, &op->tags);
	if (status == HS_OK)
		status = value_write(op, record, v, expires_us);
	if (rule->ntags > 0)
		hs_tags_let_go(op->part, op->tags);
	*done = status == HS_OK;
	return status;
}

HsStatus
hs_string_getdel(HsOp *op, HsGot *got)
{
	HsRecord   *record;
	HsStatus	status = find_string(op, &record);

	if (status == HS_OK)
		status = got_whole(record, got);
	if (status != HS_OK)
		return status;
	if (!hs_note_removal(op))
		return HS_NO_MEMORY;
	hs_remove(op, record);
	return HS_OK;
}

HsStatus
hs_string_getex(HsOp *op, int64_t expires_us, HsGot *got)
{
	HsRecord   *record;
	HsStatus	status = find_string(op, &record);

	if (status == HS_OK)
		status = got_whole(record, got);
	if (status != HS_OK || hs_expiry(record) == expires_us)
		return status;
	got->expires_us = expires_us;
	return hs_key_set_expiry(op, record, expires_us);
}

HsStatus
hs_string_del_if(HsOp *op, HsBytes expected, uint16_t expected_flags, bool *done)
{
	HsRecord   *record;
	HsStatus	status = find_string(op, &record);

	*done = false;
	if (status == HS_NOT_FOUND)
		return HS_OK;
	if (status != HS_OK || !value_equals(record, expected, expected_flags))
		return status;
	if (!hs_note_removal(op))
		return HS_NO_MEMORY;
	hs_remove(op, record);
	*done = true;
	return HS_OK;
}

void
hs_string_mark_text(HsOp *op, HsBytes bytes)
{
	HsRecord   *record;

	if (find_string(op, &record) == HS_OK &&
		!(hs_record_flags(record) & HS_RF_VALUE) &&
		value_equals(record, bytes, 0))
		hs_poke_flags(op, record, HS_RF_TEXT);
}

/*
 * ---- Counting ------------------------------------------------------------------
 */

HsStatus
hs_string_incr(HsOp *op, int64_t by, int64_t new_expires_us, int64_t *result)
{
	HsRecord   *record;
	HsStatus	status = find_string(op, &record);
	int64_t		expires_us = new_expires_us;
	int64_t		n = 0;
	HsNewValue	v = {.bytes = {(const uint8_t *) &n, sizeof(n)},.flags = HS_RF_INT};

	if (status != HS_OK && status != HS_NOT_FOUND)
		return status;
	if (record != NULL)
	{
		status = read_int(record, &n);
		if (status != HS_OK)
			return status;
		expires_us = hs_expiry(record);
	}
	if (__builtin_add_overflow(n, by, &n))
		return HS_OVERFLOW;
	status = value_write(op, record, &v, expires_us);
	if (status == HS_OK)
		*result = n;
	return status;
}

HsStatus
hs_string_incrbyfloat(HsOp *op, double by, int64_t new_expires_us, double *result)
{
	HsRecord   *record;
	HsStatus	status = find_string(op, &record);
	uint8_t		text[HS_FLOAT_DIGITS];
	HsNewValue	v = {.flags = HS_RF_TEXT};
	double		sum = 0;

	if (status != HS_OK && status != HS_NOT_FOUND)
		return status;
	if (record != NULL)
	{
		status = read_float(record, &sum);
		if (status != HS_OK)
			return status;
	}
	sum += by;
	if (!isfinite(sum))
		return HS_NOT_A_NUMBER;
	v.bytes = hs_bytes(text, hs_float_format(sum, text));
	status = value_write(op, record, &v, record != NULL ? hs_expiry(record) : new_expires_us);
	if (status == HS_OK)
		*result = sum;
	return status;
}

/*
 * ---- Helpers ----------------------------------------------------------------
 */

/* The record of a string; HS_NOT_FOUND (then *record is NULL), HS_WRONG_TYPE. */
static HsStatus
find_string(HsOp *op, HsRecord **record)
{
	HsStatus	status = hs_find_typed(op, HS_STRING, record);

	if (status == HS_OK && *record == NULL)
		return HS_NOT_FOUND;
	return status;
}

static bool
is_jsonb(const HsRecord *record)
{
	return (hs_record_flags(record) & HS_RF_JSONB) != 0;
}

/* Bytes of the value, large or not; 8 for an integer. */
static size_t
stored_size(HsRecord *record)
{
	if (hs_record_flags(record) & HS_RF_BIG)
		return hs_big_size(record);
	return hs_value(record).size;
}

/* Copy or pin [offset, offset + size) of the value. */
static HsStatus
got_copy(HsRecord *record, size_t offset, size_t size, HsGot *got)
{
	uint16_t	flags = hs_record_flags(record);

	got->found = true;
	got->flags = flags & HS_RF_VALUE;
	got->expires_us = hs_expiry(record);
	if (offset != got->offset)
		got->since = 0;
	got->offset = offset;
	got->size = size;
	if (size > got->capacity)
		return HS_BUFFER_TOO_SMALL;
	if (flags & HS_RF_BIG)
		hs_big_copy_locked(record, offset, got->buf, size, &got->pin);
	else
	{
		hs_copy(got->buf, hs_value(record).data + offset, size);
		got->since = 0;
	}
	if (got->rounds >= ROUNDS_MAX)
		(void) hs_got_finish(got);
	return HS_OK;
}

HsStatus
hs_got_record(HsRecord *record, HsGot *got)
{
	return got_copy(record, 0, stored_size(record), got);
}

static HsStatus
got_whole(HsRecord *record, HsGot *got)
{
	HsStatus	status = hs_got_record(record, got);

	if (status == HS_OK && got->text_only && got->flags == 0)
		return HS_NOT_TEXT;
	return status;
}

/* Does the record hold these bytes?  Integers compare as decimal text. */
static bool
value_equals(HsRecord *record, HsBytes expected, uint16_t expected_flags)
{
	uint16_t	flags = hs_record_flags(record);
	HsBytes		have = hs_value(record);
	uint8_t		digits[HS_INT_DIGITS];

	if ((flags ^ expected_flags) & HS_RF_JSONB)
		return false;
	if (flags & HS_RF_BIG)
		return hs_big_equals(record, expected);
	if (flags & HS_RF_INT)
	{
		int64_t		n;

		(void) read_int(record, &n);
		have = hs_bytes(digits, hs_int_format(n, digits));
	}
	return hs_bytes_cmp(have, expected) == 0;
}

static bool
rule_allows(HsRecord *record, const HsSetRule *rule, HsStatus *status)
{
	*status = HS_OK;
	switch (rule->only)
	{
		case HS_SET_ALWAYS:
			return true;
		case HS_SET_IF_ABSENT:
			return record == NULL;
		case HS_SET_IF_PRESENT:
			return record != NULL;
		case HS_SET_IF_VERSION:
			return record != NULL && rule->version != 0 &&
				hs_record_version(record) == rule->version;
		case HS_SET_IF_EQUAL:
			if (record == NULL)
				return false;
			if (hs_record_type(record) != HS_STRING)
			{
				*status = HS_WRONG_TYPE;
				return false;
			}
			return value_equals(record, rule->expected, rule->expected_flags);
	}
	return false;
}

HsStatus
hs_value_reserve(HsOp *op, HsType type, HsNewValue *v, int64_t expires_us, HsDraft *draft)
{
	uint16_t	flags = (uint16_t) (type | v->flags);
	HsStatus	status;

	if (v->has_pages)
	{
		size_t		pages = hs_big_rest_offset(v->bytes.size);
		HsBytes		rest = hs_bytes(v->bytes.data + pages, v->bytes.size - pages);

		return hs_big_reserve(op, flags, &v->draft, rest, expires_us, draft);
	}
	status = hs_reserve(op, flags, v->bytes.size, expires_us, draft);
	if (status == HS_OK)
		hs_copy(draft->value, v->bytes.data, v->bytes.size);
	return status;
}

/* Make 'v' the value of the key; 'record' is what it holds now or NULL. */
static HsStatus
value_write(HsOp *op, HsRecord *record, HsNewValue *v, int64_t expires_us)
{
	size_t		mark = hs_effects_mark(op->effects);
	HsDraft		draft;
	HsStatus	status;

	if (!note_set(op, v, expires_us))
		return HS_NO_MEMORY;
	if (record != NULL && !v->has_pages &&
		hs_overwrite(op, record, v->flags, v->bytes, expires_us))
		return HS_OK;
	status = hs_value_reserve(op, HS_STRING, v, expires_us, &draft);
	if (status != HS_OK)
	{
		hs_effects_undo(op->effects, mark);
		return status;
	}
	hs_publish(op, &draft);
	v->has_pages = false;
	return HS_OK;
}

uint8_t *
hs_string_note(HsOp *op, uint16_t flags, int64_t expires_us, size_t size)
{
	size_t		mark = hs_effects_mark(op->effects);
	uint8_t		head[HS_EF_SET_HEAD];
	uint8_t    *space;

	memcpy(head, &flags, 2);
	memcpy(head + 2, &expires_us, 8);
	space = hs_effect_space(op->effects, HS_EF_SET, op->key, hs_bytes(head, sizeof(head)), size);
	if (space != NULL && hs_tags_note(op))
		return space;
	hs_effects_undo(op->effects, mark);
	op->need = 0;
	return NULL;
}

static bool
note_set(HsOp *op, const HsNewValue *v, int64_t expires_us)
{
	uint8_t    *space;

	if (op->effects == NULL)
		return true;
	space = hs_string_note(op, v->flags, expires_us, v->bytes.size);
	if (space != NULL)
		hs_copy(space, v->bytes.data, v->bytes.size);
	return space != NULL;
}

static HsStatus
read_int(HsRecord *record, int64_t *n)
{
	uint16_t	flags = hs_record_flags(record);
	HsBytes		value = hs_value(record);

	if (flags & HS_RF_INT)
	{
		memcpy(n, value.data, sizeof(*n));
		return HS_OK;
	}
	if ((flags & (HS_RF_BIG | HS_RF_JSONB)) || !hs_int_parse(value, n))
		return HS_NOT_INTEGER;
	return HS_OK;
}

static HsStatus
read_float(HsRecord *record, double *d)
{
	uint16_t	flags = hs_record_flags(record);
	int64_t		n;

	if (flags & HS_RF_INT)
	{
		(void) read_int(record, &n);
		*d = (double) n;
		return HS_OK;
	}
	if ((flags & (HS_RF_BIG | HS_RF_JSONB)) || !hs_float_parse(hs_value(record), d))
		return HS_NOT_FLOAT;
	return HS_OK;
}
