/*
 * zset_blob.c
 *	  Small sorted sets: one sorted run of bytes in the record.
 *
 * A change that the form, the prefix or the size of rests do not allow lays the blob out
 * anew: O(n) with n at most HS_ZSET_BLOB_MAX, and rare, for all of them only become
 * more general until the blob is tightened, when it is about to outgrow its record.
 */
#include "zset_blob.h"

#include "pack.h"

/* What entries look like. */
typedef struct Shape
{
	uint8_t		form;
	uint8_t		rest;			/* bytes of each rest, or HS_ZBLOB_DIFFER */
	uint8_t		prefix;			/* bytes */
} Shape;

/* Bytes that some scores take at least, by kind; of an integer: UINT8_MAX if one is none. */
typedef struct Widths
{
	uint8_t		integer;
	uint8_t		real;
} Widths;

#define EXACT	9007199254740992.0	/* 2^53: integers up to here are exact */

static void
set_header(uint8_t *blob, unsigned n, unsigned used)
{
	uint16_t	u = (uint16_t) used;

	blob[0] = (uint8_t) n;
	memcpy(blob + 4, &u, 2);
}

static void
set_shape(uint8_t *blob, Shape s)
{
	blob[1] = s.form;
	blob[2] = s.rest;
	blob[3] = s.prefix;
}

static Shape
shape_of(const uint8_t *blob)
{
	return (Shape) {blob[1], blob[2], blob[3]};
}

/*
 * ---- Scores -------------------------------------------------------------------
 */

static inline uint64_t
bits_of(double score)
{
	uint64_t	bits;

	memcpy(&bits, &score, 8);
	return bits;
}

static inline bool
is_integer(double score)
{
	return score >= -EXACT && score <= EXACT && (double) (int64_t) score == score;
}

static inline unsigned
form_width(unsigned form)
{
	form &= ~(unsigned) HS_ZBLOB_LOOSE;
	return form > HS_ZBLOB_INTEGER ? form - HS_ZBLOB_INTEGER : form;
}

static void
widen(Widths *w, double score)
{
	uint64_t	bits = bits_of(score);
	uint8_t		integer = is_integer(score) ? (uint8_t) hs_pack_width((int64_t) score) : UINT8_MAX;
	uint8_t		real = bits == 0 ? 0 : (uint8_t) (8 - __builtin_ctzll(bits) / 8);

	if (bits != 0 && integer > w->integer)
		w->integer = integer;
	if (real > w->real)
		w->real = real;
}

static uint8_t
best_form(Widths w)
{
	return w.integer != 0 && w.integer <= w.real ? HS_ZBLOB_INTEGER + w.integer : w.real;
}

static bool
form_takes(unsigned form, double score)
{
	Widths		w = {0, 0};
	unsigned	width = form_width(form);

	widen(&w, score);
	return (form & ~(unsigned) HS_ZBLOB_LOOSE) > HS_ZBLOB_INTEGER ? w.integer <= width : w.real <= width;
}

/* For all entries of the blob. */
static Widths
widths_of(const HsZblobView *v)
{
	Widths		w = {0, 0};

	for (unsigned i = 0, at = v->first; i < v->n; i++)
	{
		at = hs_zblob_next(v, at);
		widen(&w, hs_zblob_score_before(v, at));
	}
	return w;
}

static inline uint8_t *
put_score(uint8_t *to, unsigned form, double score)
{
	unsigned	width = form_width(form);
	uint64_t	bits = bits_of(score);

	if ((form & ~(unsigned) HS_ZBLOB_LOOSE) > HS_ZBLOB_INTEGER)
		bits = (uint64_t) (int64_t) score;
	else if (width > 0)
		bits >>= 64 - 8 * width;
	hs_copy(to, &bits, width);
	return to + width;
}

/* The bytes behind the first n; those of an empty string may be nowhere. */
static inline HsBytes
behind(HsBytes b, size_t n)
{
	return n == 0 ? b : hs_bytes(b.data + n, b.size - n);
}

/*
 * ---- Looking --------------------------------------------------------------------
 */

void
hs_zblob_index(const uint8_t *blob, unsigned end, HsZblobIndex *index)
{
	unsigned	at,
				around;			/* bytes around a rest */

	index->view = hs_zblob_view(blob);
	if (index->view.rest != HS_ZBLOB_DIFFER)
		return;
	at = index->view.first;
	around = 1 + index->view.width;
	for (unsigned i = 0; i < end; i++)
	{
		index->offset[i] = (uint16_t) at;
		at += around + blob[at];
	}
	index->offset[end] = (uint16_t) at;
}

/*
 * Where the rests have one size: names that begin alike often end differently, so the last
 * 8 bytes, all at once, decide.
 */
static unsigned
find_even(const HsZblobView *v, HsBytes rest, unsigned *rank)
{
	unsigned	tail = rest.size < 8 ? (unsigned) rest.size : 8;
	unsigned	at = v->first + (unsigned) rest.size;
	uint64_t	want = 0;
	uint64_t	mask;

	if (rest.size != v->rest)
		return 0;
	*rank = 0;
	if (tail == 0)
		return v->first;		/* the only one */
	mask = ~UINT64_C(0) << (64 - 8 * tail);
	hs_copy((uint8_t *) &want + 8 - tail, rest.data + rest.size - tail, tail);
	for (unsigned i = 0; i < v->n; i++, at += v->stride)
	{
		if (((hs_word_at(v->blob + at - 8) ^ want) & mask) != 0)
			continue;
		if (tail < 8 || hs_equal(v->blob + at - rest.size, rest.data, rest.size - 8))
		{
			*rank = i;
			return at - (unsigned) rest.size;
		}
	}
	return 0;
}

static unsigned
find_uneven(const HsZblobView *v, HsBytes rest, unsigned *rank)
{
	const uint8_t *blob = v->blob;
	unsigned	at = v->first;
	unsigned	around = 1 + v->width;
	uint8_t		last = rest.size > 0 ? rest.data[rest.size - 1] : 0;

	for (unsigned i = 0; i < v->n; i++)
	{
		if (blob[at] == rest.size &&
			(rest.size == 0 ||
			 (blob[at + rest.size] == last && hs_equal(blob + at + 1, rest.data, rest.size))))
		{
			*rank = i;
			return at;
		}
		at += around + blob[at];
	}
	return 0;
}

unsigned
hs_zblob_find(const uint8_t *blob, HsBytes member, unsigned *rank, double *score)
{
	HsZblobView v = hs_zblob_view(blob);
	HsBytes		rest;
	unsigned	r = 0,
				at;

	if (v.n == 0 || member.size < v.prefix.size ||
		!hs_equal(member.data, v.prefix.data, v.prefix.size))
		return 0;
	rest = behind(member, v.prefix.size);
	at = v.rest != HS_ZBLOB_DIFFER ? find_even(&v, rest, &r) : find_uneven(&v, rest, &r);
	if (at == 0)
		return 0;
	if (rank != NULL)
		*rank = r;
	if (score != NULL)
		*score = hs_zblob_score(&v, at);
	return at;
}

/* A bound as it meets the entries of one blob. */
typedef struct Meeting
{
	HsZsetBoundKind kind;
	bool		after;
	double		score;
	int			cmp;			/* of all members with the bound's, or 0: their rests decide */
	HsBytes		rest;			/* of the bound's member, then */
} Meeting;

static Meeting
meet(const HsZblobView *v, const HsZsetBound *bound)
{
	Meeting		m = {bound->kind, bound->after, 0, 0, {NULL, 0}};
	HsBytes		member = bound->member;
	size_t		prefix = v->prefix.size;

	if (bound->kind != HS_ZBOUND_LEX)
		m.score = hs_zset_unkey(bound->key);
	if (bound->kind == HS_ZBOUND_SCORE)
		return m;
	if (member.size >= prefix && hs_equal(v->prefix.data, member.data, prefix))
		m.rest = behind(member, prefix);
	else
		m.cmp = hs_bytes_cmp(v->prefix, member);
	return m;
}

/* Is an entry below, by its member? */
static bool
member_is_below(const Meeting *m, HsBytes rest)
{
	return (m->cmp != 0 ? m->cmp : hs_bytes_cmp(rest, m->rest)) < m->after;
}

static HS_IN_LINE bool
is_below(const HsZblobView *v, const Meeting *m, HsBytes rest, unsigned end)
{
	if (m->kind != HS_ZBOUND_LEX)
	{
		double		score = hs_zblob_score_before(v, end);

		if (score != m->score)
			return score < m->score;
		if (m->kind == HS_ZBOUND_SCORE)
			return m->after;
	}
	return member_is_below(m, rest);
}

/* Entries below the bound; *offset: of the first other one. */
static unsigned
rank_below(const HsZblobView *v, const HsZsetBound *bound, unsigned *offset)
{
	Meeting		m = meet(v, bound);
	const uint8_t *blob = v->blob;
	unsigned	low = 0,
				high = v->n,
				at = v->first;

	if (v->rest == HS_ZBLOB_DIFFER)
	{
		for (; low < high; low++)
		{
			unsigned	end = at + 1 + blob[at] + v->width;

			if (!is_below(v, &m, hs_bytes(blob + at + 1, blob[at]), end))
				break;
			at = end;
		}
		*offset = at;
		return low;
	}
	while (low < high)
	{
		unsigned	mid = (low + high) / 2;

		at = v->first + mid * v->stride;
		if (is_below(v, &m, hs_bytes(blob + at, v->rest), at + v->stride))
			low = mid + 1;
		else
			high = mid;
	}
	*offset = v->first + low * v->stride;
	return low;
}

unsigned
hs_zblob_rank(const uint8_t *blob, const HsZsetBound *bound)
{
	HsZblobView v = hs_zblob_view(blob);
	unsigned	offset;

	return rank_below(&v, bound, &offset);
}

/*
 * ---- Changing -------------------------------------------------------------------
 */

void
hs_zblob_init(uint8_t *blob)
{
	set_shape(blob, (Shape) {0, 0, 0});
	set_header(blob, 0, HS_ZBLOB_HEADER);
}

/* Bytes of n members, so many bytes in all. */
static size_t
size_of(Shape s, unsigned n, size_t member_bytes)
{
	return HS_ZBLOB_HEADER + s.prefix + member_bytes - (size_t) n * s.prefix +
		n * (form_width(s.form) + (s.rest == HS_ZBLOB_DIFFER));
}

static unsigned
common_prefix(HsBytes a, HsBytes b)
{
	unsigned	n = 0;

	if (b.size >= a.size && hs_equal(a.data, b.data, a.size))
		return (unsigned) a.size;
	while (n < a.size && n < b.size && a.data[n] == b.data[n])
		n++;
	return n;
}

/* Give all entries another shape, which takes their scores and members. */
static void
lay_out(uint8_t *blob, Shape s)
{
	HsZblob		old;
	HsZblobView v;
	uint8_t    *to = blob + HS_ZBLOB_HEADER + s.prefix;
	unsigned	at;

	memcpy(old.data, blob, hs_zblob_used(blob));
	v = hs_zblob_view(old.data);
	at = v.first;
	if (s.prefix > v.prefix.size)
		hs_copy(blob + v.first, hs_zblob_rest(&v, at).data, s.prefix - v.prefix.size);
	for (unsigned i = 0; i < v.n; i++)
	{
		HsBytes		rest = hs_zblob_rest(&v, at);

		if (s.rest == HS_ZBLOB_DIFFER)
			*to++ = (uint8_t) (v.prefix.size + rest.size - s.prefix);
		if (s.prefix < v.prefix.size)
		{
			hs_copy(to, v.prefix.data + s.prefix, v.prefix.size - s.prefix);
			to += v.prefix.size - s.prefix;
			hs_copy(to, rest.data, rest.size);
			to += rest.size;
		}
		else
		{
			unsigned	skip = s.prefix - (unsigned) v.prefix.size;

			hs_copy(to, rest.data + skip, rest.size - skip);
			to += rest.size - skip;
		}
		at = hs_zblob_next(&v, at);
		to = put_score(to, s.form, hs_zblob_score_before(&v, at));
	}
	set_shape(blob, s);
	set_header(blob, v.n, (unsigned) (to - blob));
}

/* The blob's form, or one for the score too. */
static uint8_t
form_for(const HsZblobView *v, double score)
{
	Widths		w;

	if (form_takes(v->blob[1], score))
		return v->blob[1];
	w = widths_of(v);
	widen(&w, score);
	return best_form(w) | (v->blob[1] & HS_ZBLOB_LOOSE);
}

/* The shape of a blob with one more member. */
static Shape
shape_with(const HsZblobView *v, HsBytes member, double score)
{
	Shape		s = shape_of(v->blob);
	Widths		w = {0, 0};

	if (v->n == 0)
	{
		widen(&w, score);
		return (Shape) {best_form(w), 0, (uint8_t) member.size};
	}
	s.form = form_for(v, score);
	s.prefix = (uint8_t) common_prefix(v->prefix, member);
	if (s.rest != HS_ZBLOB_DIFFER)
		s.rest = v->prefix.size + s.rest == member.size ? (uint8_t) (member.size - s.prefix) :
			HS_ZBLOB_DIFFER;
	return s;
}

bool
hs_zblob_put(uint8_t *blob, HsBytes member, double score, size_t limit)
{
	HsZsetBound bound = {HS_ZBOUND_MEMBER, false, hs_zset_key(score), member};
	HsZblobView v = hs_zblob_view(blob);
	HsBytes		rest;
	Shape		s;
	unsigned	used,
				at;
	uint8_t    *to;

	if (v.n == HS_ZSET_BLOB_MAX || member.size > HS_ZSET_BLOB_MEMBER)
		return false;
	score += 0.0;
	s = shape_with(&v, member, score);
	used = (unsigned) size_of(s, v.n + 1, hs_zblob_member_bytes(blob) + member.size);
	if (used > limit)
		return false;
	if (v.n == 0)
	{
		set_shape(blob, s);
		hs_copy(blob + HS_ZBLOB_HEADER, member.data, s.prefix);
		set_header(blob, 0, HS_ZBLOB_HEADER + s.prefix);
		v = hs_zblob_view(blob);
	}
	else if (s.form != blob[1] || s.rest != blob[2] || s.prefix != blob[3])
	{
		lay_out(blob, s);
		v = hs_zblob_view(blob);
	}
	(void) rank_below(&v, &bound, &at);
	to = blob + at;
	memmove(to + (used - hs_zblob_used(blob)), to, hs_zblob_used(blob) - at);
	if (s.rest == HS_ZBLOB_DIFFER)
		*to++ = (uint8_t) (member.size - s.prefix);
	rest = behind(member, s.prefix);
	hs_copy(to, rest.data, rest.size);
	(void) put_score(to + rest.size, s.form, score);
	set_header(blob, v.n + 1, used);
	return true;
}

bool
hs_zblob_move(uint8_t *blob, unsigned at, HsBytes member, double score, size_t limit)
{
	HsZsetBound bound = {HS_ZBOUND_MEMBER, false, hs_zset_key(score), member};
	HsZblobView v = hs_zblob_view(blob);
	Shape		s = shape_of(blob);
	uint8_t		entry[HS_ZBLOB_ENTRY + HS_ZSET_BLOB_MEMBER];
	unsigned	size,
				to;

	score += 0.0;
	s.form = form_for(&v, score);
	if (s.form != blob[1])
	{
		if (size_of(s, v.n, hs_zblob_member_bytes(blob)) > limit)
			return false;
		lay_out(blob, s);
		v = hs_zblob_view(blob);
		at = hs_zblob_find(blob, member, NULL, NULL);
	}
	size = hs_zblob_next(&v, at) - at;
	hs_copy(entry, blob + at, size - v.width);
	(void) put_score(entry + size - v.width, s.form, score);
	(void) rank_below(&v, &bound, &to);
	if (to > at)
	{
		to -= size;
		memmove(blob + at, blob + at + size, to - at);
	}
	else
		memmove(blob + to + size, blob + to, at - to);
	hs_copy(blob + to, entry, size);
	blob[1] |= HS_ZBLOB_LOOSE;
	return true;
}

void
hs_zblob_cut(uint8_t *blob, unsigned from, unsigned to, unsigned n)
{
	unsigned	used = hs_zblob_used(blob);

	memmove(blob + from, blob + to, used - to);
	blob[1] |= HS_ZBLOB_LOOSE;
	set_header(blob, hs_zblob_n(blob) - n, used - (to - from));
}

void
hs_zblob_tighten(uint8_t *blob)
{
	HsZblobView v = hs_zblob_view(blob);
	HsBytes		first = hs_zblob_rest(&v, v.first);
	unsigned	more = (unsigned) first.size;	/* bytes with which all rests begin */
	bool		differ = false;

	if (!(blob[1] & HS_ZBLOB_LOOSE))
		return;
	for (unsigned i = 0, at = v.first; i < v.n; i++, at = hs_zblob_next(&v, at))
	{
		HsBytes		rest = hs_zblob_rest(&v, at);

		more = common_prefix(hs_bytes(first.data, more), rest);
		differ |= rest.size != first.size;
	}
	lay_out(blob, (Shape) {best_form(widths_of(&v)),
							 differ ? HS_ZBLOB_DIFFER : (uint8_t) (first.size - more),
							 (uint8_t) (v.prefix.size + more)});
}

/*
 * ---- Checking --------------------------------------------------------------------
 */

static const char *
verify_header(const uint8_t *blob, size_t size)
{
	HsZblobView v;

	if (size < HS_ZBLOB_HEADER || hs_zblob_used(blob) > size)
		return "zset: blob is cut short";
	if (blob[0] == 0 || blob[0] > HS_ZSET_BLOB_MAX)
		return "zset: bad number of members in a blob";
	if ((blob[1] & ~(unsigned) HS_ZBLOB_LOOSE) > HS_ZBLOB_INTEGER + 7)
		return "zset: blob has scores of an unknown form";
	v = hs_zblob_view(blob);
	if (v.prefix.size > HS_ZSET_BLOB_MEMBER || v.first > hs_zblob_used(blob))
		return "zset: bad prefix in a blob";
	if (blob[2] != HS_ZBLOB_DIFFER && (blob[2] + v.prefix.size > HS_ZSET_BLOB_MEMBER ||
									   v.first + v.n * v.stride != hs_zblob_used(blob)))
		return "zset: bad size of members in a blob";
	return NULL;
}

const char *
hs_zblob_verify(const uint8_t *blob, size_t size)
{
	const char *wrong = verify_header(blob, size);
	HsZblobName name;
	HsZblobView v;
	unsigned	at,
				before = 0;

	if (wrong != NULL)
		return wrong;
	v = hs_zblob_view(blob);
	hs_zblob_name_init(&name, &v);
	at = v.first;
	for (unsigned i = 0; i < v.n; i++)
	{
		HsBytes		member;
		HsZsetBound bound;
		Meeting		m;
		double		score;

		if (at + (v.rest == HS_ZBLOB_DIFFER) > hs_zblob_used(blob) ||
			hs_zblob_rest(&v, at).size + v.prefix.size > HS_ZSET_BLOB_MEMBER ||
			hs_zblob_next(&v, at) > hs_zblob_used(blob))
			return "zset: blob entry is cut short";
		member = hs_zblob_member(&v, at, &name);
		score = hs_zblob_score(&v, at);
		if (hs_zblob_find(blob, member, NULL, NULL) != at)
			return "zset: member twice in a blob";
		if (score != score || bits_of(score + 0.0) != bits_of(score))
			return "zset: blob has a bad score";
		bound = (HsZsetBound) {HS_ZBOUND_MEMBER, false, hs_zset_key(score), member};
		m = meet(&v, &bound);
		if (before != 0 &&
			!is_below(&v, &m, hs_zblob_rest(&v, before), hs_zblob_next(&v, before)))
			return "zset: blob is not ascending";
		before = at;
		at = hs_zblob_next(&v, at);
	}
	return at == hs_zblob_used(blob) ? NULL : "zset: bytes behind the last entry of a blob";
}
