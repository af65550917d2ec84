/*
 * list_run.c
 *	  A run: values one after the other in a piece of memory, open at both ends.
 *
 * Number p counts codes in memory, i values in the order of the list.  Payload p ends
 * where payload p - 1 begins.
 */
#include "list_run.h"

#include <limits.h>

#define CODE_TEXT16		HS_PACK_TEXT16
#define CODE_INT		HS_PACK_INT
#define CODE_CHAIN		HS_PACK_CHAIN
#define CODE_RAW		250
#define CODE_DIGITS		251

#define MIN_DIGITS		10		/* at the end of a text that is packed */
#define MIN_PREFIX		3		/* bytes: a shorter one is not worth it */

static void
save(const HsLrun *r)
{
	uint16_t	header[4] = {r->n, r->skip, r->low, r->top};

	memcpy(r->data, header, sizeof(header));
	r->data[8] = r->reversed;
	r->data[9] = r->prefix;
}

void
hs_lrun_open(HsLrun *r, uint8_t *data, uint32_t size)
{
	uint16_t	header[4];

	memcpy(header, data, sizeof(header));
	r->data = data;
	r->size = size;
	r->n = header[0];
	r->skip = header[1];
	r->low = header[2];
	r->top = header[3];
	r->reversed = data[8];
	r->prefix = data[9];
}

void
hs_lrun_init(HsLrun *r, uint8_t *data, uint32_t size, bool reversed)
{
	assert(size <= UINT16_MAX);
	r->data = data;
	r->size = size;
	r->n = r->skip = 0;
	r->low = r->top = (uint16_t) size;
	r->reversed = reversed;
	r->prefix = 0;
	save(r);
}

static inline const uint8_t *
codes(const HsLrun *r)
{
	return r->data + HS_LRUN_HEADER + r->prefix + r->skip;
}

/* Offset behind the last code. */
static inline unsigned
codes_end(const HsLrun *r)
{
	return HS_LRUN_HEADER + r->prefix + r->skip + r->n;
}

static inline HsBytes
prefix_of(const HsLrun *r)
{
	return hs_bytes(r->data + HS_LRUN_HEADER, r->prefix);
}

/* Bytes of a payload, found from the tag at its one end or at its other. */
static unsigned
tagged_size(uint8_t code, const uint8_t *tag)
{
	uint16_t	size;

	if (code >= CODE_RAW)
		return 2u + *tag;
	memcpy(&size, tag, 2);
	return 4u + size;
}

static inline unsigned
size_before(uint8_t code, const uint8_t *end)
{
	if (code < CODE_TEXT16)
		return code;
	if (code > CODE_INT && code < CODE_CHAIN)
		return code - CODE_INT;
	if (code == CODE_CHAIN)
		return HS_LRUN_CHAIN_SIZE;
	return tagged_size(code, end - (code >= CODE_RAW ? 1 : 2));
}

static inline unsigned
size_behind(uint8_t code, const uint8_t *begin)
{
	if (code < CODE_TEXT16)
		return code;
	if (code > CODE_INT && code < CODE_CHAIN)
		return code - CODE_INT;
	if (code == CODE_CHAIN)
		return HS_LRUN_CHAIN_SIZE;
	return tagged_size(code, begin);
}

static inline unsigned
tag_size(uint8_t code)
{
	return code == CODE_TEXT16 ? 2 : code >= CODE_RAW ? 1 : 0;
}

/*
 * ---- Values --------------------------------------------------------------------
 */

static bool
begins_with(HsBytes text, HsBytes prefix)
{
	return text.size >= prefix.size && memcmp(text.data, prefix.data, prefix.size) == 0;
}

/*
 * Pack the digits at the end of a text, if that takes less than 'size' bytes, those of the size
 * around it not counted.  Half the memory of hashes, tokens and long numbers, for 60 instructions.
 */
static bool
pack_digits(HsLentry *e, HsBytes text, size_t size)
{
	size_t		front;
	size_t		n;

	if (text.size < MIN_DIGITS || !hs_is_digit16(text.data[text.size - 1]) ||
		!hs_is_digit16(text.data[text.size - MIN_DIGITS]))
		return false;
	n = hs_digits_at_end(text, 2 * HS_LRUN_DIGITS) / 2;
	front = text.size - 2 * n;
	if (n < MIN_DIGITS / 2 || front > HS_LRUN_FRONT || 1 + front + n + 2 >= size)
		return false;
	e->made[0] = (uint8_t) n;
	hs_copy_short(e->made + 1, text.data, front);
	hs_digits_pack(e->made + 1 + front, text.data + front, n);
	e->code = CODE_DIGITS;
	e->tag = 1;
	e->body = hs_bytes(e->made, 1 + front + n);
	return true;
}

void
hs_lentry_make(HsLentry *e, const HsLrun *r, HsBytes text)
{
	HsPack		pack = hs_pack(text);

	e->text = text;
	e->tag = 0;
	if (pack.width > 0)
	{
		for (unsigned i = 0; i < pack.width; i++)
			e->made[i] = (uint8_t) ((uint64_t) pack.number >> (8 * i));
		e->code = (uint8_t) (CODE_INT + pack.width);
		e->body = hs_bytes(e->made, pack.width);
	}
	else if (text.size <= (size_t) HS_PACK_TEXT + r->prefix &&
			 (r->prefix == 0 || begins_with(text, prefix_of(r))))
	{
		if (pack_digits(e, text, text.size - r->prefix))
			return;
		e->code = (uint8_t) (text.size - r->prefix);
		e->body = hs_bytes(text.size > 0 ? text.data + r->prefix : NULL, e->code);
	}
	else if (!pack_digits(e, text, text.size + 2))
	{
		e->code = text.size <= HS_PACK_TEXT ? CODE_RAW : CODE_TEXT16;
		e->tag = (uint8_t) tag_size(e->code);
		e->body = text;
	}
}

void
hs_lentry_chain(HsLentry *e, HsRef chain, uint32_t size)
{
	memcpy(e->made, &size, 4);
	memcpy(e->made + 4, &chain, 4);
	e->code = CODE_CHAIN;
	e->tag = 0;
	e->body = hs_bytes(e->made, HS_LRUN_CHAIN_SIZE);
	e->text = hs_bytes(NULL, 0);
}

void
hs_lentry_from(HsLentry *e, const HsLrun *r, const HsLvalue *v, uint8_t *buf)
{
	if (v->code == CODE_CHAIN)
		hs_lentry_chain(e, v->pack.chain, (uint32_t) v->pack.text.size);
	else if (v->pack.width == 0 && v->prefix.size == 0 && v->digits.size == 0)
		hs_lentry_make(e, r, v->pack.text);
	else
	{
		/* short: text with a prefix or packed digits, or a number */
		hs_lvalue_copy(v, buf);
		hs_lentry_make(e, r, hs_bytes(buf, hs_lvalue_size(v)));
	}
}

static void
put_payload(uint8_t *at, const HsLentry *e)
{
	uint16_t	size = (uint16_t) e->body.size;

	if (e->tag == 1)
		at[0] = at[1 + size] = (uint8_t) size;
	else if (e->tag == 2)
	{
		memcpy(at, &size, 2);
		memcpy(at + 2 + size, &size, 2);
	}
	hs_copy_short(at + e->tag, e->body.data, e->body.size);
}

void
hs_lrun_seek(const HsLrun *r, unsigned i, HsLpos *pos)
{
	const uint8_t *code = codes(r);
	unsigned	p;

	pos->i = i;
	if (i == r->n)
	{
		pos->p = r->reversed ? UINT32_MAX : r->n;
		pos->end = r->reversed ? r->top : r->low;
		return;
	}
	p = r->reversed ? r->n - 1u - i : i;
	pos->p = p;
	if (p < r->n / 2u)
	{
		pos->end = r->top;
		for (unsigned q = 0; q < p; q++)
			pos->end -= size_before(code[q], r->data + pos->end);
		return;
	}
	pos->end = r->low;
	for (unsigned q = r->n; q-- > p;)
		pos->end += size_behind(code[q], r->data + pos->end);
}

static inline void
step_down(const HsLrun *r, HsLpos *pos)
{
	if (pos->p < r->n)
		pos->end -= size_before(codes(r)[pos->p], r->data + pos->end);
	pos->p++;
}

static inline void
step_up(const HsLrun *r, HsLpos *pos)
{
	pos->p--;
	if (pos->p < r->n)
		pos->end += size_behind(codes(r)[pos->p], r->data + pos->end);
}

void
hs_lrun_next(const HsLrun *r, HsLpos *pos)
{
	pos->i++;
	if (r->reversed)
		step_up(r, pos);
	else
		step_down(r, pos);
}

void
hs_lrun_prev(const HsLrun *r, HsLpos *pos)
{
	pos->i--;
	if (r->reversed)
		step_down(r, pos);
	else
		step_up(r, pos);
}

/* The integer of so many bytes, 1 to 8, that ends there; the header of the run is before. */
static inline int64_t
number_before(const uint8_t *end, unsigned size)
{
	return (int64_t) hs_word_at(end - 8) >> (64 - 8 * size);
}

static_assert(HS_LRUN_HEADER >= 8, "a word that ends with a payload is in the run");

void
hs_lrun_value(const HsLrun *r, const HsLpos *pos, HsLvalue *v)
{
	uint8_t		code = codes(r)[pos->p];
	const uint8_t *end = r->data + pos->end;
	unsigned	size = size_before(code, end);
	unsigned	tag = tag_size(code);

	v->code = code;
	v->prefix = v->digits = hs_bytes(NULL, 0);
	v->pack = (HsPack) {{NULL, 0}, 0, 0, HS_REF_NONE};
	if (code > CODE_INT && code < CODE_CHAIN)
	{
		v->pack.number = number_before(end, size);
		v->pack.width = (uint8_t) size;
	}
	else if (code == CODE_CHAIN)
	{
		uint32_t	chain_size;

		memcpy(&chain_size, end - HS_LRUN_CHAIN_SIZE, 4);
		memcpy(&v->pack.chain, end - 4, 4);
		v->pack.text.size = chain_size;
	}
	else
	{
		if (code < CODE_TEXT16)
			v->prefix = prefix_of(r);
		v->pack.text = hs_bytes(end - size + tag, size - 2 * tag);
		if (code == CODE_DIGITS)
		{
			uint8_t		n = *v->pack.text.data;

			v->digits = hs_bytes(end - 1 - n, n);
			v->pack.text = hs_bytes(v->pack.text.data + 1, size - 3u - n);
		}
	}
}

/* Append the value; false if it does not fit. */
static inline bool
emit_value(const HsLrun *r, const HsLpos *pos, HsItems *out)
{
	uint8_t		code = codes(r)[pos->p];
	const uint8_t *end = r->data + pos->end;
	uint8_t    *at;
	HsLvalue	v;

	/* the usual kinds without taking them apart: 60 instructions less */
	if (code < CODE_TEXT16)
	{
		at = hs_items_space(out, (size_t) r->prefix + code);
		if (at == NULL)
			return false;
		if (r->prefix > 0)
			hs_copy_short(at, r->data + HS_LRUN_HEADER, r->prefix);
		hs_copy_short(at + r->prefix, end - code, code);
		return true;
	}
	if (code > CODE_INT && code < CODE_CHAIN)
	{
		int64_t		n = number_before(end, code - CODE_INT);

		at = hs_items_space(out, hs_int_size(n));
		if (at != NULL)
			(void) hs_int_format(n, at);
		return at != NULL;
	}
	if (code == CODE_DIGITS)
	{
		const uint8_t *body = end - size_before(code, end) + 1;
		size_t		n = *body;
		size_t		front = (size_t) (end - body) - 2 - n;

		at = hs_items_space(out, front + 2 * n);
		if (at == NULL)
			return false;
		hs_copy_short(at, body + 1, front);
		hs_digits_unpack(at + front, body + 1 + front, n);
		return true;
	}
	hs_lrun_value(r, pos, &v);
	at = hs_items_space(out, hs_lvalue_size(&v));
	if (at != NULL)
		hs_lvalue_copy(&v, at);
	return at != NULL;
}

unsigned
hs_lrun_emit(const HsLrun *r, HsLpos *pos, unsigned max, HsItems *out)
{
	unsigned	n = 0;

	if (max > r->n - pos->i)
		max = r->n - pos->i;
	for (; n < max; n++)
	{
		size_t		need = out->need;

		if (!emit_value(r, pos, out))
		{
			out->need = need;
			break;
		}
		if (r->reversed)
			step_up(r, pos);
		else
			step_down(r, pos);
	}
	pos->i += n;
	return n;
}

bool
hs_lrun_is(const HsLrun *r, const HsLpos *pos, const HsLentry *e)
{
	uint8_t		code = codes(r)[pos->p];
	const uint8_t *end = r->data + pos->end;

	if (code == CODE_CHAIN)
	{
		HsLvalue	v;

		hs_lrun_value(r, pos, &v);
		return v.pack.text.size == e->text.size &&
			hs_chain_cmp(v.pack.chain, v.pack.text.size, e->text) == 0;
	}
	if (code != e->code)
		return false;
	if (e->tag > 0 && size_before(code, end) != hs_lentry_size(e))
		return false;
	return e->body.size == 0 ||
		memcmp(end - e->tag - e->body.size, e->body.data, e->body.size) == 0;
}

bool
hs_lrun_has_chain(const HsLrun *r)
{
	return hs_lrun_end_has_chain(r, r->n, true);
}

bool
hs_lrun_end_has_chain(const HsLrun *r, unsigned count, bool left)
{
	const uint8_t *code = codes(r);

	if (left == r->reversed)
		code += r->n - count;
	return count == 1 ? *code == CODE_CHAIN : count > 0 && memchr(code, CODE_CHAIN, count) != NULL;
}

/*
 * ---- Room ------------------------------------------------------------------------
 */

/* Move everything so that there is room for so many bytes at the outer ends. */
static void
slide(HsLrun *r, unsigned skip, unsigned outer)
{
	unsigned	used = (unsigned) (r->top - r->low);
	uint8_t    *base = r->data + HS_LRUN_HEADER + r->prefix;
	unsigned	top = r->size - outer;

	/* the one that goes away from the other goes first */
	if (top < r->top)
		memmove(base + skip, base + r->skip, r->n);
	memmove(r->data + top - used, r->data + r->low, used);
	if (top >= r->top)
		memmove(base + skip, base + r->skip, r->n);
	r->skip = (uint16_t) skip;
	r->top = (uint16_t) top;
	r->low = (uint16_t) (top - used);
}

/* Room at the outer ends for a payload of that size: half of all there is. */
static void
slide_outward(HsLrun *r, unsigned size)
{
	unsigned	room = hs_lrun_room(r);
	unsigned	average = (unsigned) (r->top - r->low) / (r->n + 1u) + 1;
	unsigned	share = room / 2 > size + 1 ? room / 2 : size + 1;
	unsigned	skip = share / (average + 1);

	if (skip == 0)
		skip = 1;
	if (share - skip < size)
		skip = share - size;
	slide(r, skip, share - skip);
}

static void
insert_at(HsLrun *r, unsigned p, const HsLentry *e)
{
	unsigned	size = hs_lentry_size(e);
	HsLpos		pos;
	uint8_t    *code;

	hs_lrun_seek(r, r->reversed ? r->n - 1u - p : p, &pos);
	code = r->data + HS_LRUN_HEADER + r->prefix + r->skip + p;
	memmove(code + 1, code, r->n - p);
	*code = e->code;
	memmove(r->data + r->low - size, r->data + r->low, pos.end - r->low);
	put_payload(r->data + pos.end - size, e);
	r->low = (uint16_t) (r->low - size);
	r->n++;
}

bool
hs_lrun_insert(HsLrun *r, unsigned i, const HsLentry *e)
{
	unsigned	size = hs_lentry_size(e);
	unsigned	p = r->reversed ? r->n - i : i;

	if (hs_lrun_room(r) < size + 1)
		return false;
	if (p == 0 && r->n > 0)
	{
		if (r->skip == 0 || r->size - r->top < size)
			slide_outward(r, size);
		r->skip--;
		r->data[HS_LRUN_HEADER + r->prefix + r->skip] = e->code;
		r->top = (uint16_t) (r->top + size);
		put_payload(r->data + r->top - size, e);
		r->n++;
	}
	else
	{
		if (r->low - codes_end(r) < size + 1)
			slide(r, 0, 0);
		if (p == r->n)
		{
			r->data[codes_end(r)] = e->code;
			r->low = (uint16_t) (r->low - size);
			put_payload(r->data + r->low, e);
			r->n++;
		}
		else
			insert_at(r, p, e);
	}
	save(r);
	return true;
}

static void
drop_at(HsLrun *r, const HsLpos *pos)
{
	unsigned	p = pos->p;
	unsigned	size = size_before(codes(r)[p], r->data + pos->end);
	uint8_t    *code = r->data + HS_LRUN_HEADER + r->prefix + r->skip + p;

	if (p == 0)
	{
		r->skip++;
		r->top = (uint16_t) (r->top - size);
	}
	else
	{
		memmove(code, code + 1, r->n - p - 1u);
		memmove(r->data + r->low + size, r->data + r->low, pos->end - size - r->low);
		r->low = (uint16_t) (r->low + size);
	}
	r->n--;
}

/* Without values it begins anew. */
static void
save_smaller(HsLrun *r)
{
	if (r->n == 0)
		hs_lrun_init(r, r->data, r->size, r->reversed);
	else
		save(r);
}

void
hs_lrun_drop(HsLrun *r, unsigned i)
{
	HsLpos		pos;

	hs_lrun_seek(r, i, &pos);
	drop_at(r, &pos);
	save_smaller(r);
}

void
hs_lrun_cut(HsLrun *r, unsigned count, bool left)
{
	bool		at_front = left != (bool) r->reversed;	/* of memory */
	HsLpos		pos;

	if (count < r->n)
	{
		/* a value that stays, the outermost */
		hs_lrun_seek(r, left ? count : r->n - 1u - count, &pos);
		if (at_front)
		{
			r->skip = (uint16_t) (r->skip + pos.p);
			r->top = (uint16_t) pos.end;
		}
		else
		{
			step_down(r, &pos);
			r->low = (uint16_t) pos.end;
		}
	}
	r->n = (uint16_t) (r->n - count);
	save_smaller(r);
}

bool
hs_lrun_replace(HsLrun *r, unsigned i, const HsLentry *e)
{
	HsLpos		pos;
	unsigned	old,
				size = hs_lentry_size(e);

	hs_lrun_seek(r, i, &pos);
	old = size_before(codes(r)[pos.p], r->data + pos.end);
	if (old == size)
	{
		r->data[HS_LRUN_HEADER + r->prefix + r->skip + pos.p] = e->code;
		put_payload(r->data + pos.end - size, e);
		return true;
	}
	if (hs_lrun_room(r) + old < size)
		return false;
	drop_at(r, &pos);
	return hs_lrun_insert(r, i, e);
}

void
hs_lrun_filter(HsLrun *r, bool (*drop) (void *arg, const HsLpos *pos), void *arg)
{
	uint8_t    *code = r->data + HS_LRUN_HEADER + r->prefix + r->skip;
	unsigned	kept = 0;
	unsigned	to = r->top;	/* end of the next payload that stays */
	HsLpos		pos = {0, 0, r->top};

	for (; pos.p < r->n; pos.p++)
	{
		unsigned	size = size_before(code[pos.p], r->data + pos.end);

		pos.i = r->reversed ? r->n - 1u - pos.p : pos.p;
		if (!drop(arg, &pos))
		{
			code[kept++] = code[pos.p];
			to -= size;
			memmove(r->data + to, r->data + pos.end - size, size);
		}
		pos.end -= size;
	}
	r->n = (uint16_t) kept;
	r->low = (uint16_t) to;
	save_smaller(r);
}

bool
hs_lrun_append(HsLrun *to_run, const HsLrun *from_run, unsigned from, unsigned to)
{
	uint8_t		text[HS_PACK_TEXT + UINT8_MAX];
	HsLpos		pos;

	hs_lrun_seek(from_run, from, &pos);
	for (; pos.i < to; hs_lrun_next(from_run, &pos))
	{
		HsLvalue	v;
		HsLentry	e;

		hs_lrun_value(from_run, &pos, &v);
		hs_lentry_from(&e, to_run, &v, text);
		if (!hs_lrun_insert(to_run, to_run->n, &e))
			return false;
	}
	return true;
}

/*
 * ---- The run as a whole ---------------------------------------------------------------
 */

void
hs_lrun_copy(HsLrun *to, uint8_t *data, uint32_t size, const HsLrun *from)
{
	unsigned	used = (unsigned) (from->top - from->low);

	assert(size >= hs_lrun_used(from));
	hs_lrun_init(to, data, size, from->reversed);
	to->n = from->n;
	to->prefix = from->prefix;
	to->low = (uint16_t) (size - used);
	memcpy(data + HS_LRUN_HEADER, from->data + HS_LRUN_HEADER, from->prefix);
	memcpy(data + HS_LRUN_HEADER + from->prefix, codes(from), from->n);
	memcpy(data + to->low, from->data + from->low, used);
	save(to);
}

void
hs_lrun_take_prefix(HsLrun *r, const HsLrun *from)
{
	assert(r->n == 0);
	r->prefix = from->prefix;
	hs_copy(r->data + HS_LRUN_HEADER, from->data + HS_LRUN_HEADER, from->prefix);
	save(r);
}

/* First bytes of a text with its prefix, at most UINT8_MAX. */
static unsigned
first_bytes(const HsLvalue *v, uint8_t *out)
{
	size_t		rest = v->pack.text.size;

	if (v->digits.size > 0)
	{
		hs_lvalue_copy(v, out);
		return (unsigned) hs_lvalue_size(v);
	}
	if (v->prefix.size + rest > UINT8_MAX)
		rest = UINT8_MAX - v->prefix.size;
	hs_copy(out, v->prefix.data, v->prefix.size);
	hs_copy(out + v->prefix.size, v->pack.text.data, rest);
	return (unsigned) (v->prefix.size + rest);
}

/* How all texts begin, the long ones in chains left aside; at most UINT8_MAX bytes. */
static unsigned
common_prefix(const HsLrun *r, uint8_t *prefix)
{
	unsigned	n = UINT_MAX;
	HsLpos		pos = {0, 0, r->top};
	uint8_t		text[UINT8_MAX];

	for (; pos.p < r->n; step_down(r, &pos))
	{
		HsLvalue	v;
		unsigned	size,
					same = 0;

		hs_lrun_value(r, &pos, &v);
		if (v.pack.width > 0 || v.code == CODE_CHAIN)
			continue;
		size = first_bytes(&v, n == UINT_MAX ? prefix : text);
		if (n == UINT_MAX)
		{
			n = size;
			continue;
		}
		while (same < size && same < n && text[same] == prefix[same])
			same++;
		n = same;
		if (n < MIN_PREFIX)
			return 0;
	}
	return n == UINT_MAX ? 0 : n;
}

bool
hs_lrun_compress(HsLrun *r)
{
	uint8_t		copy[HS_LRUN_MAX];
	uint8_t		prefix[UINT8_MAX];
	unsigned	n = common_prefix(r, prefix);
	unsigned	before = hs_lrun_used(r);
	HsLrun		fresh;

	if (n < MIN_PREFIX || n == r->prefix || r->size > sizeof(copy))
		return false;
	hs_lrun_init(&fresh, copy, r->size, r->reversed);
	fresh.prefix = (uint8_t) n;
	memcpy(copy + HS_LRUN_HEADER, prefix, n);
	if (!hs_lrun_append(&fresh, r, 0, r->n) || hs_lrun_used(&fresh) + r->size / 8 > before)
		return false;
	hs_lrun_copy(r, r->data, r->size, &fresh);
	return true;
}

/* Text that would be packed so again. */
static const char *
verify_digits(const HsLrun *r, const HsLvalue *v)
{
	uint8_t		text[HS_LRUN_FRONT + 2 * HS_LRUN_DIGITS];
	HsLentry	again;

	hs_lvalue_copy(v, text);
	hs_lentry_make(&again, r, hs_bytes(text, hs_lvalue_size(v)));
	return again.code == CODE_DIGITS && again.made[0] == v->digits.size ? NULL :
		"list: digits are not packed as they should be";
}

static const char *
verify_value(const HsLrun *r, const HsLpos *pos, bool may_chain)
{
	HsLvalue	v;
	HsPack		again;

	hs_lrun_value(r, pos, &v);
	if (v.code == CODE_CHAIN)
		return may_chain ? hs_chain_verify(v.pack.chain, v.pack.text.size) : "list: unexpected chain";
	if (v.pack.width > 0)
		return hs_pack_width(v.pack.number) == v.pack.width ? NULL :
			"list: integer is not the shortest";
	if (v.code == CODE_DIGITS)
		return verify_digits(r, &v);
	if (v.code < CODE_TEXT16 && r->prefix > 0)
		return NULL;
	again = hs_pack(v.pack.text);
	if (again.width > 0)
		return "list: integer is stored as text";
	if (v.code < CODE_TEXT16)
		return NULL;
	if ((v.code == CODE_RAW) != (v.pack.text.size <= HS_PACK_TEXT))
		return "list: text is not in its shortest form";
	return v.pack.text.size <= (size_t) HS_PACK_TEXT + r->prefix &&
		begins_with(v.pack.text, prefix_of(r)) ? "list: text repeats the prefix" : NULL;
}

/* The sizes of a payload with packed digits, which ends there, agree with each other. */
static bool
digits_fit(const uint8_t *end)
{
	unsigned	size = size_before(CODE_DIGITS, end);
	unsigned	n = size > 2 ? end[1 - (int) size] : 0;

	return n >= HS_DIGITS_MIN && n <= HS_LRUN_DIGITS && 3 + n <= size && size - 3 - n <= HS_LRUN_FRONT;
}

const char *
hs_lrun_verify(uint8_t *data, uint32_t size, bool may_chain)
{
	HsLrun		r;
	HsLpos		pos = {0, 0, 0};
	const char *wrong = NULL;

	if (size < HS_LRUN_HEADER)
		return "list: run is cut short";
	hs_lrun_open(&r, data, size);
	if (r.n == 0)
		return "list: run without values";
	if (r.reversed > 1 || codes_end(&r) > r.low || r.low > r.top || r.top > size)
		return "list: header of a run is wrong";
	pos.end = r.top;
	for (; pos.p < r.n && wrong == NULL; step_down(&r, &pos))
	{
		uint8_t		code = codes(&r)[pos.p];
		unsigned	tag = tag_size(code);

		if (code > CODE_DIGITS)
			return "list: unknown code";
		if (pos.end - r.low < 2 * tag || pos.end - r.low < size_before(code, data + pos.end))
			return "list: payload is cut short";
		if (tag > 0 && tagged_size(code, data + pos.end - size_before(code, data + pos.end)) !=
			size_before(code, data + pos.end))
			return "list: sizes around a text differ";
		if (code == CODE_DIGITS && !digits_fit(data + pos.end))
			return "list: packed digits are cut short";
		wrong = verify_value(&r, &pos, may_chain);
	}
	if (wrong == NULL && pos.end != r.low)
		return "list: bytes behind the last payload of a run";
	return wrong;
}
