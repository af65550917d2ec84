/*
 * kvedit.c
 *	  Changing a part of a string: append, overwrite, and copy a large one.
 *
 * The new value is old bytes, new bytes and zeros between them.  A small one
 * is put together under the lock.  A large one has pages that must be
 * filled before: what comes from the new bytes, from zeros, and from pages of the
 * old value (pinned, so they cannot go) is copied without a lock; under the lock
 * remain the ends of both values that are not in pages, pages in which bits were
 * changed meanwhile, and the check that the old value is still the one that was seen.
 */
#include "kvstring.h"

#define PIECE	4096			/* bytes copied at a time under the lock */
#define ROOM_SHARE	8			/* what is grown gets room for one eighth more */

/* Where a byte of the new value comes from. */
typedef enum Source
{
	FROM_EDIT,
	FROM_ZERO,
	FROM_OLD_PAGES,
	FROM_OLD_REST
} Source;

/* The new value: old bytes, zeros up to 'at', e->bytes from 'at' on, zeros. */
typedef struct Plan
{
	const HsEdit *e;
	size_t		at;
	size_t		size;
	size_t		room;			/* bytes to lay out */
	size_t		old_size;
	size_t		old_rest;
} Plan;

static HsStatus plan_make(Plan *p, const HsEdit *e, size_t old_size, size_t old_rest);
static size_t plan_piece(const Plan *p, size_t pos, Source *source);
static void fill_unlocked(const Plan *p, HsEdit *e);
static void fill_locked(const Plan *p, HsEdit *e, const HsStringView *old);
static void fill_changed(const Plan *p, HsEdit *e);
static void compose(const Plan *p, const HsStringView *old, size_t from, size_t to, uint8_t *dst);
static HsStatus old_pin(HsHandle *h, HsBytes key, HsEdit *e, int64_t now_us);
static bool plan_is_current(const Plan *p, const HsEdit *e, const HsStringView *old);
static HsStatus edit_in_place(HsOp *op, const Plan *p, HsStringView *old);
static HsStatus edit_small(HsOp *op, const Plan *p, const HsStringView *old, uint16_t flags);
static HsStatus edit_big(HsOp *op, const Plan *p, HsEdit *e, const HsStringView *old, uint16_t flags);
static HsStatus reserve_big(HsOp *op, const Plan *p, HsEdit *e, const HsStringView *old,
							uint16_t flags, int64_t expires_us, HsDraft *draft);
static bool note_edit(HsOp *op, const Plan *p, const HsStringView *old, uint16_t flags, int64_t expires_us);
static HsStatus peek_size(HsHandle *h, HsBytes key, int64_t now_us, size_t *size, bool *is_big);

/*
 * ---- Public ------------------------------------------------------------------
 */

HsStatus
hs_edit_prepare(HsHandle *h, HsBytes key, HsEdit *e, int64_t now_us, size_t *need)
{
	Plan		p;
	size_t		old_size;
	bool		is_big;
	HsStatus	status;

	e->is_planned = false;
	e->pin = (HsBigPin) HS_BIG_NO_PIN;
	e->planned_rest = 0;
	status = peek_size(h, key, now_us, &old_size, &is_big);
	if (status == HS_WRONG_TYPE)
		return HS_OK;			/* the command itself will say so */
	if (status == HS_OK)
		status = plan_make(&p, e, old_size, 0);
	if (status != HS_OK || p.size <= hs_big_threshold())
		return status;
	if (e->scratch == NULL)
		return HS_BUFFER_TOO_SMALL;
	e->planned_size = p.size;
	e->planned_old = old_size;
	if (is_big)
	{
		status = old_pin(h, key, e, now_us);
		if (status != HS_OK)
			return status == HS_NOT_FOUND ? HS_OK : status;
		p.old_rest = e->planned_rest;
	}
	status = hs_big_prepare_room(h, p.size, p.room, &e->draft, need);
	if (status != HS_OK)
	{
		hs_edit_discard(e);
		return status;
	}
	e->is_planned = true;
	fill_unlocked(&p, e);
	return HS_OK;
}

HsStatus
hs_string_edit(HsOp *op, HsEdit *e)
{
	Plan		p;
	HsStringView old;
	HsRecord   *record;
	uint16_t	flags = 0;
	HsStatus	status = hs_find_typed(op, HS_STRING, &record);

	if (status != HS_OK)
		return status;
	hs_string_view(record, &old);
	if (old.flags & HS_RF_JSONB)
	{
		op->found_type = HS_STRING;
		return HS_WRONG_TYPE;
	}
	status = plan_make(&p, e, old.size, old.rest);
	if (status != HS_OK)
		return status;
	e->result_size = p.size;
	if (e->bytes.size == 0 && (record != NULL || !e->append))
		return HS_OK;			/* nothing to write; Redis makes no key by an empty SETRANGE */
	if (p.at == old.size && e->is_text &&
		(record == NULL || (old.flags & (HS_RF_TEXT | HS_RF_INT))))
		flags = HS_RF_TEXT;		/* text behind text is text */
	if (p.size > hs_big_threshold())
		return edit_big(op, &p, e, &old, flags);
	if (record != NULL && p.size == old.size && !(old.flags & HS_RF_INT) && e->bytes.size <= HS_IN_PLACE_MAX)
		return edit_in_place(op, &p, &old);
	return edit_small(op, &p, &old, flags);
}

void
hs_edit_discard(HsEdit *e)
{
	if (e->pin.first_page != HS_SEG_NONE)
		hs_big_unpin(&e->pin);
	e->pin.first_page = HS_SEG_NONE;
	if (e->is_planned)
		hs_big_discard(&e->draft);
	e->is_planned = false;
}

HsStatus
hs_edit_reserve_copy(HsOp *op, HsRecord *source, HsEdit *e, int64_t expires_us, HsDraft *draft)
{
	HsStringView old;

	hs_string_view(source, &old);
	return hs_edit_reserve_big(op, &old, e, old.flags & HS_RF_VALUE, expires_us, draft);
}

HsStatus
hs_edit_reserve_big(HsOp *op, const HsStringView *old, HsEdit *e, uint16_t flags,
					int64_t expires_us, HsDraft *draft)
{
	Plan		p;
	HsStatus	status = plan_make(&p, e, old->size, old->rest);

	if (status != HS_OK)
		return status;
	return reserve_big(op, &p, e, old, flags, expires_us, draft);
}

/*
 * ---- Plans --------------------------------------------------------------------
 */

static HsStatus
plan_make(Plan *p, const HsEdit *e, size_t old_size, size_t old_rest)
{
	p->e = e;
	p->old_size = old_size;
	p->old_rest = old_rest;
	p->at = e->append ? old_size : e->offset;
	p->size = p->room = old_size;
	if (e->grow_to > old_size)
	{
		if (e->grow_to > e->max_value)
			return HS_VALUE_TOO_LONG;
		p->size = e->grow_to;
		p->room = e->grow_to + e->grow_to / ROOM_SHARE;
	}
	if (e->bytes.size == 0)
		return HS_OK;
	if (p->at > e->max_value || e->bytes.size > e->max_value - p->at)
		return HS_VALUE_TOO_LONG;
	if (p->at + e->bytes.size > p->size)
		p->size = p->room = p->at + e->bytes.size;
	return HS_OK;
}

/* Where the byte at 'pos' comes from, and how many from there do. */
static size_t
plan_piece(const Plan *p, size_t pos, Source *source)
{
	size_t		end = p->at + p->e->bytes.size;
	size_t		stop = p->old_size;

	if (pos >= p->at && pos < end)
	{
		*source = FROM_EDIT;
		return end - pos;
	}
	if (pos >= p->old_size)
	{
		*source = FROM_ZERO;
		return (p->e->bytes.size > 0 && pos < p->at ? p->at : p->room) - pos;
	}
	*source = FROM_OLD_REST;
	if (pos < p->old_rest)
	{
		*source = FROM_OLD_PAGES;
		stop = p->old_rest;
	}
	if (pos < p->at && p->at < stop && p->e->bytes.size > 0)
		stop = p->at;
	return stop - pos;
}

/* Fill in the pages all that can be known without a lock. */
static void
fill_unlocked(const Plan *p, HsEdit *e)
{
	size_t		pages = hs_big_rest_offset(p->room);
	size_t		n;

	for (size_t pos = 0; pos < pages; pos += n)
	{
		Source		source;

		n = plan_piece(p, pos, &source);
		if (n > pages - pos)
			n = pages - pos;
		if (source == FROM_EDIT)
			hs_big_fill(&e->draft, pos, hs_bytes(e->bytes.data + (pos - p->at), n));
		if (source == FROM_EDIT || source == FROM_OLD_REST)
			continue;
		if (n > HS_SEG_SIZE)
			n = HS_SEG_SIZE;
		if (source == FROM_ZERO)
			memset(e->scratch, 0, n);
		else
			hs_big_copy_pages(&e->pin, pos, e->scratch, n, 0);
		hs_big_fill(&e->draft, pos, hs_bytes(e->scratch, n));
	}
}

/* Fill in the rest of them: at most one segment of old bytes. */
static void
fill_locked(const Plan *p, HsEdit *e, const HsStringView *old)
{
	size_t		pages = hs_big_rest_offset(p->room);
	size_t		n;

	for (size_t pos = p->old_rest; pos < pages && pos < p->old_size; pos += n)
	{
		uint8_t		piece[PIECE];
		Source		source;

		n = plan_piece(p, pos, &source);
		if (n > pages - pos)
			n = pages - pos;
		if (source != FROM_OLD_REST)
			continue;
		if (n > PIECE)
			n = PIECE;
		hs_string_view_copy(old, pos, piece, n);
		hs_big_fill(&e->draft, pos, hs_bytes(piece, n));
	}
}

/* Fill in once more what comes from pages that have changed since they were pinned. */
static void
fill_changed(const Plan *p, HsEdit *e)
{
	uint32_t	page = e->pin.first_page;
	size_t		end;
	size_t		n;

	if (page == HS_SEG_NONE || hs_big_is_unchanged(&e->pin))
		return;
	for (size_t pos = 0; pos < p->old_rest; pos = end, page = hs_big_next_page(page))
	{
		end = pos + HS_SEG_SIZE;
		if (end > p->old_rest)
			end = p->old_rest;
		if (!hs_big_page_changed(page, e->pin.changed))
			continue;
		for (size_t at = pos; at < end; at += n)
		{
			uint8_t		piece[PIECE];
			Source		source;

			n = plan_piece(p, at, &source);
			if (n > end - at)
				n = end - at;
			if (source != FROM_OLD_PAGES)
				continue;
			if (n > PIECE)
				n = PIECE;
			hs_big_page_read(page, at - pos, piece, n);
			hs_big_fill(&e->draft, at, hs_bytes(piece, n));
		}
	}
}

/* Bytes [from, to) of the new value, under the lock. */
static void
compose(const Plan *p, const HsStringView *old, size_t from, size_t to, uint8_t *dst)
{
	size_t		n;

	for (size_t pos = from; pos < to; pos += n)
	{
		Source		source;

		n = plan_piece(p, pos, &source);
		if (n > to - pos)
			n = to - pos;
		if (source == FROM_EDIT)
			hs_copy(dst, p->e->bytes.data + (pos - p->at), n);
		else if (source == FROM_ZERO)
			memset(dst, 0, n);
		else
			hs_string_view_copy(old, pos, dst, n);
		dst += n;
	}
}

/*
 * ---- The old value ----------------------------------------------------------
 */

void
hs_string_view(HsRecord *record, HsStringView *view)
{
	HsBytes		value;

	memset(view, 0, sizeof(*view));
	if (record == NULL)
		return;
	view->record = record;
	view->flags = hs_record_flags(record);
	view->is_big = (view->flags & HS_RF_BIG) != 0;
	if (view->is_big)
	{
		view->size = hs_big_size(record);
		view->rest = hs_big_in_pages(record);
		return;
	}
	value = hs_value(record);
	view->plain = value.data;
	view->size = value.size;
	if (view->flags & HS_RF_INT)
	{
		int64_t		n;

		memcpy(&n, value.data, sizeof(n));
		view->size = hs_int_format(n, view->digits);
		view->plain = view->digits;
	}
}

void
hs_string_view_copy(const HsStringView *view, size_t offset, uint8_t *dst, size_t size)
{
	HsBigPin	pin = HS_BIG_NO_PIN;

	if (size == 0)
		return;
	if (!view->is_big)
	{
		hs_copy(dst, view->plain + offset, size);
		return;
	}
	hs_big_copy_locked(view->record, offset, dst, size, &pin);
	if (pin.first_page == HS_SEG_NONE)
		return;
	hs_big_copy_pages(&pin, offset, dst, size, 0);
	hs_big_unpin(&pin);
}

/* Size of the text form of what the key holds now; 0 if nothing. */
static HsStatus
peek_size(HsHandle *h, HsBytes key, int64_t now_us, size_t *size, bool *is_big)
{
	HsRead		r;
	int64_t		n;
	uint8_t		digits[HS_INT_DIGITS];
	HsStatus	status = hs_read(h, key, now_us, &n, sizeof(n), &r);

	*size = 0;
	*is_big = false;
	if (status == HS_NOT_FOUND)
		return HS_OK;
	if (status != HS_OK && status != HS_BUFFER_TOO_SMALL)
		return status;
	*size = r.flags & HS_RF_INT ? hs_int_format(n, digits) : r.size;
	*is_big = (r.flags & HS_RF_BIG) != 0;
	return HS_OK;
}

/* Pin the pages of the old value.  HS_NOT_FOUND if it is no longer that one. */
static HsStatus
old_pin(HsHandle *h, HsBytes key, HsEdit *e, int64_t now_us)
{
	HsOp		op;
	HsStringView old;
	HsRecord   *record;
	HsStatus	status = hs_op_begin(&op, h, key, HS_SHARED, now_us);

	if (status != HS_OK)
		return status;
	record = hs_find(&op);
	hs_string_view(record != NULL && hs_record_type(record) == HS_STRING ? record : NULL, &old);
	status = old.is_big && old.size == e->planned_old ? HS_OK : HS_NOT_FOUND;
	if (status == HS_OK)
	{
		hs_big_pin(record, &e->pin);
		e->planned_rest = old.rest;
	}
	hs_op_end(&op);
	return status;
}

/*
 * Pages that are pinned are not used again, so the same first page is the same
 * value.  Bytes outside of pages are copied now, whoever wrote them, and so are
 * pages that have changed.
 */
static bool
plan_is_current(const Plan *p, const HsEdit *e, const HsStringView *old)
{
	if (!e->is_planned || e->planned_size != p->size || e->planned_old != old->size ||
		e->planned_rest != old->rest)
		return false;
	if (old->rest == 0)
		return e->pin.first_page == HS_SEG_NONE;
	return hs_big_first_page(old->record) == e->pin.first_page;
}

/*
 * ---- Writing -------------------------------------------------------------------
 */

/* The text mark goes first: a reader must not trust it on the new bytes. */
static HsStatus
edit_in_place(HsOp *op, const Plan *p, HsStringView *old)
{
	if (!note_edit(op, p, old, 0, hs_expiry(old->record)))
		return HS_NO_MEMORY;
	if (old->flags & HS_RF_TEXT)
		hs_poke_flags(op, old->record, 0);
	hs_poke(op, old->record, p->at, p->e->bytes.data, p->e->bytes.size);
	return HS_OK;
}

static HsStatus
edit_small(HsOp *op, const Plan *p, const HsStringView *old, uint16_t flags)
{
	int64_t		expires_us = old->record != NULL ? hs_expiry(old->record) : p->e->new_expires_us;
	HsDraft		draft;
	HsStatus	status = hs_reserve(op, (uint16_t) (HS_STRING | flags), p->size,
									expires_us, &draft);

	if (status != HS_OK)
		return status;
	compose(p, old, 0, p->size, draft.value);
	if (!note_edit(op, p, old, flags, expires_us))
	{
		hs_abandon(op, &draft);
		return HS_NO_MEMORY;
	}
	hs_publish(op, &draft);
	return HS_OK;
}

static HsStatus
edit_big(HsOp *op, const Plan *p, HsEdit *e, const HsStringView *old, uint16_t flags)
{
	int64_t		expires_us = old->record != NULL ? hs_expiry(old->record) : e->new_expires_us;
	HsDraft		draft;
	HsStatus	status = reserve_big(op, p, e, old, flags, expires_us, &draft);

	if (status != HS_OK)
		return status;
	if (!note_edit(op, p, old, flags, expires_us))
	{
		hs_abandon(op, &draft);
		return HS_NO_MEMORY;
	}
	hs_publish(op, &draft);
	e->is_planned = false;
	return HS_OK;
}

static HsStatus
reserve_big(HsOp *op, const Plan *p, HsEdit *e, const HsStringView *old, uint16_t flags,
			int64_t expires_us, HsDraft *draft)
{
	size_t		pages = hs_big_rest_offset(p->room);

	if (!plan_is_current(p, e, old))
		return HS_BUFFER_TOO_SMALL;
	fill_changed(p, e);
	fill_locked(p, e, old);
	compose(p, old, pages, p->room, e->scratch);
	return hs_big_reserve(op, (uint16_t) (HS_STRING | flags), &e->draft,
						  hs_bytes(e->scratch, p->room - pages), expires_us, draft);
}

/* The effect of an edit is the whole new value. */
static bool
note_edit(HsOp *op, const Plan *p, const HsStringView *old, uint16_t flags, int64_t expires_us)
{
	uint8_t    *space;

	if (op->effects == NULL)
		return true;
	space = hs_string_note(op, flags, expires_us, p->size);
	if (space != NULL)
		compose(p, old, 0, p->size, space);
	return space != NULL;
}
