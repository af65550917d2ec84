/*
 * bits.c
 *	  Bits and small integers in strings: reading and writing them.
 *
 * Fields are run one after the other over a target, which is a copy of the bytes
 * concerned, a draft, or a large value where it stands.  In the last case
 * readers without a lock notice that the value has changed and look again.
 * Not here: counting and searching (bits_search.c), combining (bits_combine.c).
 */
#include "bits_int.h"

#define FIELD_BYTES	9			/* a field of 64 bits touches so many at most */

/* What fields are run over: 'size' bytes of a value, which begin at 'from'. */
typedef struct Target
{
	uint8_t    *bytes;			/* NULL: those of a large value in place */
	size_t		from;
	size_t		size;
	HsOp	   *op;				/* in place, not a draft: the command */
	const HsStringView *view;	/* in place */
	bool		has_changed;
} Target;

static size_t end_of_writes(const HsFieldEdit *e);
static HsStatus write_in_place(HsOp *op, HsFieldEdit *e, const HsStringView *view, size_t size);
static HsStatus write_grown(HsOp *op, HsFieldEdit *e, const HsStringView *view, size_t size);
static HsStatus write_small(HsOp *op, HsFieldEdit *e, const HsStringView *view, size_t size);
static bool write_poke(HsOp *op, HsFieldEdit *e, const HsStringView *view, HsStatus *status);
static void change_begin(HsOp *op, const HsStringView *view);
static void fields_run(Target *t, HsField *fields, size_t nfields);
static void field_run(Target *t, HsField *f);
static uint64_t field_next(HsField *f, uint64_t raw);
static void target_load(const Target *t, size_t at, uint8_t *dst, size_t size);
static void target_store(Target *t, size_t at, const uint8_t *src, size_t size);

HsStatus
hs_fields_read(HsOp *op, HsField *fields, size_t nfields)
{
	HsStringView view;
	HsStatus	status = hs_bits_find_string(op, &view);
	Target		t = {.view = &view,.size = view.size};

	if (status != HS_OK)
		return status;
	fields_run(&t, fields, nfields);
	return HS_OK;
}

HsStatus
hs_fields_prepare(HsHandle *h, HsBytes key, HsFieldEdit *e, int64_t now_us, size_t *need)
{
	e->edit.is_planned = false;
	e->edit.pin = (HsBigPin) HS_BIG_NO_PIN;
	if (!e->grows)
		return HS_OK;
	e->edit.bytes = hs_bytes(NULL, 0);
	e->edit.append = false;
	e->edit.offset = 0;
	e->edit.grow_to = end_of_writes(e);
	e->edit.max_value = e->max_value;
	return hs_edit_prepare(h, key, &e->edit, now_us, need);
}

void
hs_fields_discard(HsFieldEdit *e)
{
	hs_edit_discard(&e->edit);
}

HsStatus
hs_fields_write(HsOp *op, HsFieldEdit *e)
{
	HsStringView view;
	HsStatus	status = hs_bits_find_string(op, &view);
	size_t		size = end_of_writes(e);

	if (status != HS_OK)
		return status;
	if (size <= view.size)
		size = view.size;
	else if (size > e->max_value)
		return HS_VALUE_TOO_LONG;
	if (view.is_big && size <= hs_big_room(view.record))
		return write_in_place(op, e, &view, size);
	if (size > hs_big_threshold())
		return write_grown(op, e, &view, size);
	return write_small(op, e, &view, size);
}

HsStatus
hs_bits_find_string(HsOp *op, HsStringView *view)
{
	HsRecord   *record;
	HsStatus	status = hs_find_typed(op, HS_STRING, &record);

	hs_string_view(status == HS_OK ? record : NULL, view);
	if (view->flags & HS_RF_JSONB)
	{
		op->found_type = HS_STRING;
		return HS_WRONG_TYPE;
	}
	return status;
}

/* Bytes that the value needs to have. */
static size_t
end_of_writes(const HsFieldEdit *e)
{
	size_t		end = 0;

	for (size_t i = 0; i < e->nfields; i++)
	{
		const HsField *f = &e->fields[i];
		size_t		last = ((size_t) f->offset + f->width + 7) / 8;

		if (f->kind != HS_FIELD_GET && last > end)
			end = last;
	}
	return end;
}

/* With effects the fields are run twice: over the effect, and in place. */
static HsStatus
write_in_place(HsOp *op, HsFieldEdit *e, const HsStringView *view, size_t size)
{
	Target		t = {.op = op,.view = view,.size = size};

	if (op->effects != NULL)
	{
		size_t		mark = hs_effects_mark(op->effects);
		Target		copy = {.bytes = hs_string_note(op, 0, hs_expiry(view->record), size),.size = size};

		if (copy.bytes == NULL)
			return HS_NO_MEMORY;
		hs_string_view_copy(view, 0, copy.bytes, size);
		fields_run(&copy, e->fields, e->nfields);
		if (!copy.has_changed && size == view->size)
			hs_effects_undo(op->effects, mark);
	}
	fields_run(&t, e->fields, e->nfields);
	if (size > view->size)
	{
		if (!t.has_changed)
			change_begin(op, view);
		hs_big_grow(op, view->record, size);
	}
	else if (t.has_changed)
		hs_touch_version(op, view->record);
	return HS_OK;
}

static HsStatus
write_grown(HsOp *op, HsFieldEdit *e, const HsStringView *view, size_t size)
{
	int64_t		expires_us = view->record != NULL ? hs_expiry(view->record) : e->new_expires_us;
	HsStringView grown;
	Target		t = {.view = &grown,.size = size};
	uint8_t    *space = NULL;
	HsDraft		draft;
	HsStatus	status;

	e->grows = true;
	if (!e->edit.is_planned)
		return HS_BUFFER_TOO_SMALL;
	status = hs_edit_reserve_big(op, view, &e->edit, 0, expires_us, &draft);
	if (status != HS_OK)
		return status;
	if (op->effects != NULL)
	{
		space = hs_string_note(op, 0, expires_us, size);
		if (space == NULL)
		{
			hs_abandon(op, &draft);
			return HS_NO_MEMORY;
		}
	}
	hs_string_view(draft.record, &grown);
	fields_run(&t, e->fields, e->nfields);
	if (space != NULL)
		hs_string_view_copy(&grown, 0, space, size);
	hs_publish(op, &draft);
	e->edit.is_planned = false;
	return HS_OK;
}

static HsStatus
write_small(HsOp *op, HsFieldEdit *e, const HsStringView *view, size_t size)
{
	int64_t		expires_us = view->record != NULL ? hs_expiry(view->record) : e->new_expires_us;
	Target		t = {.size = size};
	uint8_t    *space;
	HsDraft		draft;
	HsStatus	status;

	if (size == view->size && !(view->flags & HS_RF_INT) && write_poke(op, e, view, &status))
		return status;
	status = hs_reserve(op, HS_STRING, size, expires_us, &draft);
	if (status != HS_OK)
		return status;
	t.bytes = draft.value;
	hs_string_view_copy(view, 0, t.bytes, view->size);
	memset(t.bytes + view->size, 0, size - view->size);
	fields_run(&t, e->fields, e->nfields);
	if (op->effects != NULL)
	{
		space = hs_string_note(op, 0, expires_us, size);
		if (space == NULL)
		{
			hs_abandon(op, &draft);
			return HS_NO_MEMORY;
		}
		hs_copy(space, t.bytes, size);
	}
	hs_publish(op, &draft);
	return HS_OK;
}

/* In place, if all fields lie near to each other; else false. */
static bool
write_poke(HsOp *op, HsFieldEdit *e, const HsStringView *view, HsStatus *status)
{
	uint8_t		bytes[HS_IN_PLACE_MAX];
	size_t		end = 0;
	Target		t = {.bytes = bytes,.from = view->size};

	for (size_t i = 0; i < e->nfields; i++)
	{
		size_t		first = (size_t) e->fields[i].offset / 8;
		size_t		last = ((size_t) e->fields[i].offset + e->fields[i].width + 7) / 8;

		if (first < t.from)
			t.from = first;
		if (last > end)
			end = last;
	}
	if (end > view->size)
		end = view->size;		/* of fields that are only read */
	t.size = end - t.from;
	if (t.size > sizeof(bytes))
		return false;
	hs_string_view_copy(view, t.from, bytes, t.size);
	fields_run(&t, e->fields, e->nfields);
	*status = HS_OK;
	if (!t.has_changed)
		return true;
	if (op->effects != NULL)
	{
		uint8_t    *space = hs_string_note(op, 0, hs_expiry(view->record), view->size);

		*status = space != NULL ? HS_OK : HS_NO_MEMORY;
		if (space == NULL)
			return true;
		hs_string_view_copy(view, 0, space, view->size);
		hs_copy(space + t.from, bytes, t.size);
	}
	/* the text mark goes first: a reader must not trust it on the new bytes */
	if (view->flags & HS_RF_VALUE)
		hs_poke_flags(op, view->record, 0);
	hs_poke(op, view->record, t.from, bytes, t.size);
	return true;
}

/* Of a large value in place: it is only bytes from now on. */
static void
change_begin(HsOp *op, const HsStringView *view)
{
	if (view->flags & HS_RF_VALUE)
		hs_poke_flags(op, view->record, 0);
	hs_big_change(op, view->record);
}

static void
fields_run(Target *t, HsField *fields, size_t nfields)
{
	for (size_t i = 0; i < nfields; i++)
		field_run(t, &fields[i]);
}

static void
field_run(Target *t, HsField *f)
{
	uint8_t		bytes[FIELD_BYTES];
	size_t		at = (size_t) f->offset / 8;
	size_t		size = ((size_t) f->offset % 8 + f->width + 7) / 8;
	unsigned	shift = (unsigned) (FIELD_BYTES * 8 - f->offset % 8 - f->width);
	uint64_t	mask = UINT64_MAX >> (64 - f->width);
	unsigned __int128 window = 0;
	uint64_t	raw;

	memset(bytes, 0, sizeof(bytes));
	target_load(t, at, bytes, size);
	for (int i = 0; i < FIELD_BYTES; i++)
		window = window << 8 | bytes[i];
	raw = (uint64_t) (window >> shift) & mask;
	raw = field_next(f, raw) & mask;
	if (f->kind == HS_FIELD_GET)
		return;
	window = (window & ~((unsigned __int128) mask << shift)) | (unsigned __int128) raw << shift;
	for (int i = FIELD_BYTES; i-- > 0; window >>= 8)
		bytes[i] = (uint8_t) window;
	target_store(t, at, bytes, size);
}

/* What the field becomes; sets result and failed. */
static uint64_t
field_next(HsField *f, uint64_t raw)
{
	uint64_t	sign = (uint64_t) 1 << (f->width - 1);
	int64_t		was = f->is_signed ? (int64_t) ((raw ^ sign) - sign) : (int64_t) raw;
	__int128	min = f->is_signed ? -(__int128) sign : 0;
	__int128	max = f->is_signed ? (__int128) sign - 1 : ((__int128) sign << 1) - 1;
	__int128	next;

	f->failed = false;
	f->result = was;
	if (f->kind == HS_FIELD_GET)
		return raw;
	if (f->kind == HS_FIELD_INCR)
		next = (__int128) was + f->value;
	else
		next = f->is_signed ? f->value : (__int128) (uint64_t) f->value;
	if (next < min || next > max)
	{
		if (f->overflow == HS_FIELD_FAIL)
		{
			f->failed = true;
			return raw;
		}
		if (f->overflow == HS_FIELD_SAT)
			next = next < min ? min : max;
	}
	raw = (uint64_t) next & (UINT64_MAX >> (64 - f->width));
	if (f->kind == HS_FIELD_INCR)
		f->result = f->is_signed ? (int64_t) ((raw ^ sign) - sign) : (int64_t) raw;
	return raw;
}

/* What is beyond the target is left as it is in dst: zeros. */
static void
target_load(const Target *t, size_t at, uint8_t *dst, size_t size)
{
	size_t		end = t->from + t->size;

	if (at >= end)
		return;
	if (size > end - at)
		size = end - at;
	if (t->bytes != NULL)
		hs_copy(dst, t->bytes + (at - t->from), size);
	else
		hs_string_view_copy(t->view, at, dst, size);
}

static void
target_store(Target *t, size_t at, const uint8_t *src, size_t size)
{
	uint8_t		now[FIELD_BYTES];

	target_load(t, at, now, size);
	if (memcmp(now, src, size) == 0)
		return;
	if (t->bytes != NULL)
		hs_copy(t->bytes + (at - t->from), src, size);
	else
	{
		if (t->op != NULL && !t->has_changed)
			change_begin(t->op, t->view);
		hs_big_write(t->view->record, at, src, size);
	}
	t->has_changed = true;
}
