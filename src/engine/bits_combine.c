/*
 * bits_combine.c
 *	  Combining the bits of several strings into another.
 *
 * Pages of a large result are made without a lock of the pages of the sources, and once
 * more, only where those have changed since, under the locks of all keys.
 */
#include "bits_int.h"

#define CHANGED_MAX	8			/* pages combined anew under the lock without trying again */
#define FILL_PAGES	8			/* combined in one hs_bits_fill() */

static HsStatus sources_view(HsMulti *m, HsBitsCombine *c, size_t *size);
static bool page_is_plain(const HsBitsCombine *c, uint32_t number);
static bool page_is_current(const HsBitsCombine *c, uint32_t number);
static void page_fill(HsBitsCombine *c, uint32_t number, bool locked);
static void combine_bytes(HsBitsCombine *c, bool locked, size_t at, size_t size, uint8_t *dst);
static void combine_words(HsBitsHow how, uint64_t *sum, const uint64_t *words, size_t n);
static HsStatus combine_publish(HsOp *op, HsBitsCombine *c, size_t size);

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
		if (changed > CHANGED_MAX && c->tries++ < HS_BITS_ROUNDS_MAX)
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
			status = hs_bits_find_string(&op, &c->sources[i].view);
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
	uint64_t	piece[HS_BITS_PIECE / 8];

	for (size_t i = 0; !locked && i < c->nsources; i++)
	{
		HsBitsSource *s = &c->sources[i];

		s->page = s->size > start ? hs_big_page(s->pin.first_page, number) : HS_SEG_NONE;
	}
	for (size_t at = start; at < start + HS_SEG_SIZE; at += HS_BITS_PIECE)
	{
		combine_bytes(c, locked, at, HS_BITS_PIECE, (uint8_t *) piece);
		hs_big_fill(&c->draft, at, hs_bytes(piece, HS_BITS_PIECE));
	}
}

/* Bytes [at, at + size) of the result: from views, or from each source's page. */
static void
combine_bytes(HsBitsCombine *c, bool locked, size_t at, size_t size, uint8_t *dst)
{
	uint64_t	sum[HS_BITS_PIECE / 8];
	uint64_t	words[HS_BITS_PIECE / 8];
	size_t		nwords = (size + 7) / 8;

	assert(size <= HS_BITS_PIECE);
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
		n = size - at < HS_BITS_PIECE ? size - at : HS_BITS_PIECE;
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
