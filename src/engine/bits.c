/*
 * bits.c
 *	  Bits and small integers in strings; bits.h says what there is.
 *
 * Fields are run one after the other over a target, which is a copy of the bytes
 * concerned, a draft, or a large value where it stands.  In the last case
 * readers without a lock notice that the value has changed and look again.
 *
 * Counting, searching and combining go through the pages of large values without
 * a lock, and then once more, only through those that have changed since;
 * under the lock after a few rounds.
 */
#include "bits.h"

#include "racy.h"
#include "tag.h"

#define FIELD_BYTES	9			/* a field of 64 bits touches so many at most */
#define PIECE		4096		/* bytes looked at at a time */
#define GROUPS		1024		/* of pages whose results are remembered */
#define ROUNDS_MAX	3			/* without a lock, then with it */
#define CHANGED_MAX	8			/* pages combined anew under the lock without trying again */
#define FILL_PAGES	8			/* combined in one hs_bits_fill() */

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

/* One count or search; what of it is known after a round. */
typedef struct Search
{
	HsBitRange	range;
	bool		counts;
	bool		bit;			/* the one looked for */
	int64_t		from;			/* bits */
	int64_t		to;
	int64_t		result;
	uint64_t	since;			/* known groups are right as of this version */
	uint32_t	npages;
	uint32_t	known;			/* groups */
	int64_t		group[GROUPS];
} Search;

static HsStatus find_string(HsOp *op, HsStringView *view);
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
static HsStatus search_run(HsHandle *h, HsBytes key, int64_t now_us, Search *s, HsType *found_type);
static HsStatus search_locked(HsOp *op, Search *s, bool with_pages, HsBigPin *pin);
static bool range_resolve(Search *s, size_t size);
static int64_t search_pages(Search *s, const HsBigPin *pin);
static int64_t search_bytes(const Search *s, const HsStringView *view, uint32_t page,
							size_t begin, size_t end);
static int64_t search_piece(const Search *s, uint8_t *piece, size_t at, size_t size);
static int64_t count_bits(const uint64_t *words, size_t nwords);
static int64_t first_bit(const uint64_t *words, size_t nwords);
static HsStatus sources_view(HsMulti *m, HsBitsCombine *c, size_t *size);
static bool page_is_plain(const HsBitsCombine *c, uint32_t number);
static bool page_is_current(const HsBitsCombine *c, uint32_t number);
static void page_fill(HsBitsCombine *c, uint32_t number, bool locked);
static void combine_bytes(HsBitsCombine *c, bool locked, size_t at, size_t size, uint8_t *dst);
static void combine_words(HsBitsHow how, uint64_t *sum, const uint64_t *words, size_t n);
static HsStatus combine_publish(HsOp *op, HsBitsCombine *c, size_t size);

/*
 * ---- Fields --------------------------------------------------------------------
 */

HsStatus
hs_fields_read(HsOp *op, HsField *fields, size_t nfields)
{
	HsStringView view;
	HsStatus	status = find_string(op, &view);
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
	HsStatus	status = find_string(op, &view);
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

/* No record: no bytes. */
static HsStatus
find_string(HsOp *op, HsStringView *view)
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

/*
 * ---- Counting and searching -------------------------------------------------------
 */

HsStatus
hs_bits_count(HsHandle *h, HsBytes key, int64_t now_us, const HsBitRange *range,
			  int64_t *count, HsType *found_type)
{
	Search		s = {.range = *range,.counts = true,.bit = true};
	HsStatus	status;

	/* as Redis has it, where both would otherwise be taken for the first byte */
	if (range->start < 0 && range->stop < 0 && range->start > range->stop)
		s.range.start = INT64_MAX;
	status = search_run(h, key, now_us, &s, found_type);
	*count = s.result;
	return status;
}

HsStatus
hs_bits_find(HsHandle *h, HsBytes key, int64_t now_us, const HsBitRange *range,
			 bool bit, int64_t *position, HsType *found_type)
{
	Search		s = {.range = *range,.bit = bit};
	HsStatus	status = search_run(h, key, now_us, &s, found_type);

	*position = s.result;
	return status;
}

static HsStatus
search_run(HsHandle *h, HsBytes key, int64_t now_us, Search *s, HsType *found_type)
{
	for (int round = 0;; round++)
	{
		HsBigPin	pin = HS_BIG_NO_PIN;
		int64_t		in_pages;
		bool		is_current;
		HsOp		op;
		HsStatus	status = hs_op_begin(&op, h, key, HS_SHARED, now_us);

		if (status != HS_OK)
			return status;
		status = search_locked(&op, s, round >= ROUNDS_MAX, &pin);
		*found_type = op.found_type;
		hs_op_end(&op);
		if (status != HS_OK || pin.first_page == HS_SEG_NONE)
			return status;
		in_pages = search_pages(s, &pin);
		is_current = hs_big_is_unchanged(&pin);
		s->since = pin.changed;
		hs_big_unpin(&pin);
		if (!is_current)
			continue;
		if (s->counts)
			s->result += in_pages;
		else if (in_pages >= 0)
			s->result = in_pages;
		return HS_OK;
	}
}

/*
 * The result but for what is in pages, which are pinned instead, or searched as
 * well.  Lock: shared.
 */
static HsStatus
search_locked(HsOp *op, Search *s, bool with_pages, HsBigPin *pin)
{
	HsStringView view;
	HsStatus	status = find_string(op, &view);
	int64_t		before_from = s->from;
	int64_t		before_to = s->to;
	size_t		begin;
	size_t		end;

	if (status != HS_OK)
		return status;
	s->result = s->counts ? 0 : -1;
	if (view.record == NULL && !s->counts && !s->bit)
		s->result = 0;
	if (view.record == NULL || !range_resolve(s, view.size))
		return HS_OK;
	begin = (size_t) s->from / 8;
	end = ((size_t) s->to + 7) / 8;
	if (end > view.rest)
		s->result = search_bytes(s, &view, HS_SEG_NONE, begin > view.rest ? begin : view.rest, end);
	if (s->result < 0 && !s->bit && s->range.no_stop)
		s->result = (int64_t) view.size * 8;	/* the zeros behind it */
	if (begin >= view.rest)
		return HS_OK;
	hs_big_pin(view.record, pin);
	if (pin->npages != s->npages || s->from != before_from || s->to != before_to)
		s->known = 0;
	s->npages = pin->npages;
	if (with_pages)
	{
		int64_t		in_pages = search_pages(s, pin);

		if (s->counts)
			s->result += in_pages;
		else if (in_pages >= 0)
			s->result = in_pages;
		hs_big_unpin(pin);
	}
	return HS_OK;
}

/* Bits [from, to) of a value of so many bytes; false if there are none. */
static bool
range_resolve(Search *s, size_t size)
{
	int64_t		unit = s->range.by_bit ? 1 : 8;
	int64_t		total = (int64_t) size * 8 / unit;
	int64_t		start = s->range.start;
	int64_t		stop = s->range.no_stop ? -1 : s->range.stop;

	if (start < 0)
		start = start < -total ? 0 : start + total;
	if (stop < 0)
		stop = stop < -total ? 0 : stop + total;
	if (stop >= total)
		stop = total - 1;
	if (start > stop)
		return false;
	s->from = start * unit;
	s->to = (stop + 1) * unit;
	return true;
}

/*
 * What the pages hold.  Groups of pages that have not changed since the last
 * round are what they were.
 */
static int64_t
search_pages(Search *s, const HsBigPin *pin)
{
	size_t		group_size = (pin->npages / GROUPS + 1) * HS_SEG_SIZE;
	size_t		pages_end = (size_t) pin->npages << hs_seg_shift;
	size_t		begin = (size_t) s->from / 8;
	size_t		end = ((size_t) s->to + 7) / 8;
	uint32_t	page = hs_big_page(pin->first_page, (uint32_t) (begin >> hs_seg_shift));
	int64_t		sum = 0;
	size_t		stop;

	if (end > pages_end)
		end = pages_end;
	for (uint32_t g = 0; begin < end; g++, begin = stop)
	{
		uint32_t	first = page;
		bool		is_known = g < s->known;

		stop = (begin / group_size + 1) * group_size;
		if (stop > end)
			stop = end;
		for (size_t at = begin & ~(HS_SEG_SIZE - 1); at < stop; at += HS_SEG_SIZE)
		{
			is_known = is_known && !hs_big_page_changed(page, s->since);
			page = hs_big_next_page(page);
		}
		if (!is_known)
			s->group[g] = search_bytes(s, NULL, first, begin, stop);
		if (g >= s->known)
			s->known = g + 1;
		if (!s->counts && s->group[g] >= 0)
		{
			s->known = g + 1;	/* the others are not kept up to date */
			return s->group[g];
		}
		sum += s->group[g];
	}
	return s->counts ? sum : -1;
}

/*
 * Bytes [begin, end) of the view, or of the pages from 'page' on, the one
 * with 'begin': bits that match, or the first of them, or -1.
 */
static int64_t
search_bytes(const Search *s, const HsStringView *view, uint32_t page, size_t begin, size_t end)
{
	uint64_t	piece[PIECE / 8];
	int64_t		sum = 0;
	size_t		size;

	for (size_t at = begin; at < end; at += size)
	{
		size_t		in_page = at & (HS_SEG_SIZE - 1);
		int64_t		found;

		size = end - at < PIECE ? end - at : PIECE;
		if (view != NULL)
			hs_string_view_copy(view, at, (uint8_t *) piece, size);
		else
		{
			if (size > HS_SEG_SIZE - in_page)
				size = HS_SEG_SIZE - in_page;
			hs_big_page_read(page, in_page, (uint8_t *) piece, size);
			if (in_page + size == HS_SEG_SIZE)
				page = hs_big_next_page(page);
		}
		found = search_piece(s, (uint8_t *) piece, at, size);
		if (s->counts)
			sum += found;
		else if (found >= 0)
			return found;
	}
	return s->counts ? sum : -1;
}

/* piece: room for PIECE bytes, aligned to words, changed here; its place is 'at'. */
static int64_t
search_piece(const Search *s, uint8_t *piece, size_t at, size_t size)
{
	int64_t		first = (int64_t) at * 8;
	int64_t		end = first + (int64_t) size * 8;
	size_t		nwords = (size + 7) / 8;
	int64_t		found;

	for (size_t i = 0; !s->bit && i < size; i++)
		piece[i] = (uint8_t) ~piece[i];
	memset(piece + size, 0, nwords * 8 - size);
	if (first < s->from)
		piece[0] &= (uint8_t) (0xff >> (s->from - first));
	if (end > s->to)
		piece[size - 1] &= (uint8_t) (0xff << (end - s->to));
	if (s->counts)
		return count_bits((uint64_t *) piece, nwords);
	found = first_bit((uint64_t *) piece, nwords);
	return found < 0 ? -1 : first + found;
}

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__POPCNT__)
#define CHOOSE_POPCNT

__attribute__((target("popcnt")))
static int64_t
count_bits_popcnt(const uint64_t *words, size_t nwords)
{
	int64_t		n = 0;

	for (size_t i = 0; i < nwords; i++)
		n += __builtin_popcountll(words[i]);
	return n;
}
#endif

static int64_t
count_bits(const uint64_t *words, size_t nwords)
{
	int64_t		n = 0;

#ifdef CHOOSE_POPCNT
	if (__builtin_cpu_supports("popcnt"))
		return count_bits_popcnt(words, nwords);
#endif
	for (size_t i = 0; i < nwords; i++)
		n += __builtin_popcountll(words[i]);
	return n;
}

static int64_t
first_bit(const uint64_t *words, size_t nwords)
{
	for (size_t i = 0; i < nwords; i++)
	{
		uint64_t	word = words[i];

		if (word == 0)
			continue;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		word = __builtin_bswap64(word);
#endif
		return (int64_t) i * 64 + __builtin_clzll(word);
	}
	return -1;
}

/*
 * ---- Combining ------------------------------------------------------------------
 */

HsStatus
hs_bits_prepare(HsHandle *h, HsBitsCombine *c, int64_t now_us, size_t *need)
{
	HsMulti		m;
	size_t		size = 0;
	HsStatus	status;

	c->is_planned = false;
	c->next = 0;
	for (size_t i = 0; i < c->nsources; i++)
		c->sources[i] = (HsBitsSource) {.pin = HS_BIG_NO_PIN};
	status = hs_multi_begin(&m, h, c->keys, c->nsources, HS_SHARED, now_us);
	if (status != HS_OK)
		return status;
	status = sources_view(&m, c, &size);
	for (size_t i = 0; status == HS_OK && i < c->nsources; i++)
	{
		HsBitsSource *s = &c->sources[i];

		s->size = s->view.size;
		s->rest = s->view.rest;
		if (s->view.is_big && size > hs_big_threshold() && c->scratch != NULL)
			hs_big_pin(s->view.record, &s->pin);
	}
	hs_multi_end(&m);
	if (status != HS_OK || size <= hs_big_threshold())
		return status;
	if (c->scratch == NULL)
		return HS_BUFFER_TOO_SMALL;
	c->planned_size = size;
	status = hs_big_prepare(h, size, &c->draft, need);
	c->is_planned = status == HS_OK;
	if (status != HS_OK)
		hs_bits_discard(c);
	return status;
}

bool
hs_bits_fill(HsBitsCombine *c)
{
	if (!c->is_planned)
		return false;
	for (int i = 0; i < FILL_PAGES && c->next < c->draft.npages; i++, c->next++)
	{
		if (page_is_plain(c, c->next))
			page_fill(c, c->next, false);
	}
	return c->next < c->draft.npages;
}

HsStatus
hs_bits_combine(HsMulti *m, HsBitsCombine *c)
{
	size_t		size = 0;
	uint32_t	changed = 0;
	HsOp		op;
	HsStatus	status = sources_view(m, c, &size);

	if (status == HS_OK)
		status = hs_multi_op(m, c->keys[c->nsources], &op);
	if (status != HS_OK)
		return status;
	if (size > c->max_value)
		return HS_VALUE_TOO_LONG;
	if (size > hs_big_threshold())
	{
		if (!c->is_planned || c->planned_size != size)
			return HS_BUFFER_TOO_SMALL;
		for (uint32_t i = 0; i < c->draft.npages; i++)
			changed += page_is_plain(c, i) && !page_is_current(c, i);
		if (changed > CHANGED_MAX && c->tries++ < ROUNDS_MAX)
			return HS_BUFFER_TOO_SMALL;
		for (uint32_t i = 0; i < c->draft.npages; i++)
		{
			if (!page_is_plain(c, i) || !page_is_current(c, i))
				page_fill(c, i, true);
		}
	}
	return hs_multi_note(m, &op, combine_publish(&op, c, size));
}

void
hs_bits_discard(HsBitsCombine *c)
{
	for (size_t i = 0; i < c->nsources; i++)
		hs_big_unpin(&c->sources[i].pin);
	if (c->is_planned)
		hs_big_discard(&c->draft);
	c->is_planned = false;
}

/* Look at all sources, which are locked; *size: bytes of the longest. */
static HsStatus
sources_view(HsMulti *m, HsBitsCombine *c, size_t *size)
{
	*size = 0;
	for (size_t i = 0; i < c->nsources; i++)
	{
		HsOp		op;
		HsStatus	status = hs_multi_op(m, c->keys[i], &op);

		if (status == HS_OK)
			status = find_string(&op, &c->sources[i].view);
		c->found_type = op.found_type;
		c->found_at = i;
		if (status != HS_OK)
			return status;
		if (c->sources[i].view.size > *size)
			*size = c->sources[i].view.size;
	}
	return HS_OK;
}

/* Is that page of the result made of whole pages and of nothing else? */
static bool
page_is_plain(const HsBitsCombine *c, uint32_t number)
{
	size_t		start = (size_t) number << hs_seg_shift;

	for (size_t i = 0; i < c->nsources; i++)
	{
		const HsBitsSource *s = &c->sources[i];

		if (s->size > start && s->rest < start + HS_SEG_SIZE)
			return false;
	}
	return true;
}

/* Are those pages still what they were when they were pinned?  All is locked. */
static bool
page_is_current(const HsBitsCombine *c, uint32_t number)
{
	size_t		start = (size_t) number << hs_seg_shift;

	for (size_t i = 0; i < c->nsources; i++)
	{
		const HsBitsSource *s = &c->sources[i];

		if (s->size <= start && s->view.size <= start)
			continue;
		if (!s->view.is_big || s->view.rest < start + HS_SEG_SIZE || s->size <= start ||
			hs_big_first_page(s->view.record) != s->pin.first_page ||
			hs_big_page_changed(hs_big_page(s->pin.first_page, number), s->pin.changed))
			return false;
	}
	return true;
}

static void
page_fill(HsBitsCombine *c, uint32_t number, bool locked)
{
	size_t		start = (size_t) number << hs_seg_shift;
	uint64_t	piece[PIECE / 8];

	for (size_t i = 0; !locked && i < c->nsources; i++)
	{
		HsBitsSource *s = &c->sources[i];

		s->page = s->size > start ? hs_big_page(s->pin.first_page, number) : HS_SEG_NONE;
	}
	for (size_t at = start; at < start + HS_SEG_SIZE; at += PIECE)
	{
		combine_bytes(c, locked, at, PIECE, (uint8_t *) piece);
		hs_big_fill(&c->draft, at, hs_bytes(piece, PIECE));
	}
}

/* Bytes [at, at + size) of the result: from views, or from each source's page. */
static void
combine_bytes(HsBitsCombine *c, bool locked, size_t at, size_t size, uint8_t *dst)
{
	uint64_t	sum[PIECE / 8];
	uint64_t	words[PIECE / 8];
	size_t		nwords = (size + 7) / 8;

	assert(size <= PIECE);
	for (size_t i = 0; i < c->nsources; i++)
	{
		const HsBitsSource *s = &c->sources[i];
		uint64_t   *to = i == 0 ? sum : words;
		size_t		n = 0;

		if (!locked)
		{
			if (s->page != HS_SEG_NONE)
			{
				n = size;
				hs_big_page_read(s->page, at & (HS_SEG_SIZE - 1), (uint8_t *) to, n);
			}
		}
		else if (s->view.size > at)
		{
			n = s->view.size - at < size ? s->view.size - at : size;
			hs_string_view_copy(&s->view, at, (uint8_t *) to, n);
		}
		memset((uint8_t *) to + n, 0, nwords * 8 - n);
		if (i > 0 || c->how == HS_BITS_NOT)
			combine_words(c->how, sum, to, nwords);
	}
	memcpy(dst, sum, size);
}

static void
combine_words(HsBitsHow how, uint64_t *sum, const uint64_t *words, size_t n)
{
	switch (how)
	{
		case HS_BITS_AND:
			for (size_t i = 0; i < n; i++)
				sum[i] &= words[i];
			break;
		case HS_BITS_OR:
			for (size_t i = 0; i < n; i++)
				sum[i] |= words[i];
			break;
		case HS_BITS_XOR:
			for (size_t i = 0; i < n; i++)
				sum[i] ^= words[i];
			break;
		case HS_BITS_NOT:
			for (size_t i = 0; i < n; i++)
				sum[i] = ~words[i];
			break;
	}
}

/* All pages are filled; the rest, and all of a small result, is combined here. */
static HsStatus
combine_publish(HsOp *op, HsBitsCombine *c, size_t size)
{
	bool		is_large = size > hs_big_threshold();	/* then it is planned */
	size_t		pages = is_large ? hs_big_rest_offset(size) : 0;
	uint8_t    *rest = c->scratch;
	uint8_t    *space = NULL;
	HsRecord   *old = hs_find(op);
	HsDraft		draft;
	HsStatus	status = HS_OK;
	size_t		n;

	c->result_size = size;
	op->tags = HS_REF_NONE;
	if (size == 0 && old == NULL)
		return HS_OK;
	if (size == 0)
	{
		if (!hs_note_removal(op))
			return HS_NO_MEMORY;
		hs_remove(op, old);
		return HS_OK;
	}
	if (!is_large)
	{
		status = hs_reserve(op, HS_STRING, size, c->expires_us, &draft);
		if (status != HS_OK)
			return status;
		rest = draft.value;
	}
	for (size_t at = pages; at < size; at += n)
	{
		n = size - at < PIECE ? size - at : PIECE;
		combine_bytes(c, true, at, n, rest + (at - pages));
	}
	if (is_large)
		status = hs_big_reserve(op, HS_STRING, &c->draft, hs_bytes(rest, size - pages),
								c->expires_us, &draft);
	if (status != HS_OK)
		return status;
	if (op->effects != NULL)
	{
		HsStringView view;

		space = hs_string_note(op, 0, c->expires_us, size);
		if (space == NULL)
		{
			hs_abandon(op, &draft);
			return HS_NO_MEMORY;
		}
		hs_string_view(draft.record, &view);
		hs_string_view_copy(&view, 0, space, size);
	}
	hs_publish(op, &draft);
	if (is_large)
		c->is_planned = false;
	return HS_OK;
}
