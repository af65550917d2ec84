/*
 * bits_search.c
 *	  Counting bits of a string, and finding the first.
 *
 * The pages of a large value are gone through without a lock, and then once more, only
 * those that have changed since; under the lock after a few rounds.
 */
#include "bits_int.h"

#define GROUPS		1024		/* of pages whose results are remembered */

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

static HsStatus search_run(HsHandle *h, HsBytes key, int64_t now_us, Search *s, HsType *found_type);
static HsStatus search_locked(HsOp *op, Search *s, bool with_pages, HsBigPin *pin);
static bool range_resolve(Search *s, size_t size);
static int64_t search_pages(Search *s, const HsBigPin *pin);
static int64_t search_bytes(const Search *s, const HsStringView *view, uint32_t page,
							size_t begin, size_t end);
static int64_t search_piece(const Search *s, uint8_t *piece, size_t at, size_t size);
static int64_t count_bits(const uint64_t *words, size_t nwords);
static int64_t first_bit(const uint64_t *words, size_t nwords);

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
		status = search_locked(&op, s, round >= HS_BITS_ROUNDS_MAX, &pin);
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
	HsStatus	status = hs_bits_find_string(op, &view);
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
	uint64_t	piece[HS_BITS_PIECE / 8];
	int64_t		sum = 0;
	size_t		size;

	for (size_t at = begin; at < end; at += size)
	{
		size_t		in_page = at & (HS_SEG_SIZE - 1);
		int64_t		found;

		size = end - at < HS_BITS_PIECE ? end - at : HS_BITS_PIECE;
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

/* piece: room for HS_BITS_PIECE bytes, aligned to words, changed here; its place is 'at'. */
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
