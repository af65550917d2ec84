/*
 * members.c
 *	  Index of the members of one large collection: hash -> node.
 *
 * Source: W. Litwin, "Linear Hashing", VLDB 1980, with segments of variable
 * size in place of overflow chains.  Linear hashing loads segments up to 2:1
 * within a round; 15 lines take twice the target and seven standard deviations.
 *
 * A member stands in its home bucket or, when that was full, up to maxd
 * buckets behind it; maxd is kept by the home bucket and only lowered when the
 * segment is laid out anew.
 */
#include "members.h"

#define XXH_INLINE_ALL
#include <xxhash.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define SLOTS			10		/* of a bucket */
#define BUCKETS			4		/* of a line */
#define LINE_SIZE		256		/* bytes; the only size of lines: nothing to waste */
#define LINE_LOAD		36		/* of 40 slots: more than that asks for another line */
#define SHRINK_LOAD		25		/* fewer to a line give a line back */
#define MERGE_LOAD		(HS_MEMBERS_TARGET * 3 / 4)
#define HASH_SALT		UINT64_C(0x6d656d6265727321)

typedef struct Bucket
{
	uint16_t	tag[SLOTS];		/* 0: empty */
	uint8_t		maxd;			/* as a home: its members are at most so far */
	uint8_t		pad[3];
	HsRef		node[SLOTS];
} Bucket;

static_assert(sizeof(Bucket) == HS_CACHE_LINE, "a bucket is a cache line");
static_assert(sizeof(Bucket) * BUCKETS == LINE_SIZE, "a line is four buckets");

typedef struct Segment
{
	uint16_t	n;
	uint16_t	nlines;
	HsRef		line[HS_MEMBERS_LINES];
} Segment;

static_assert(sizeof(Segment) == HS_CACHE_LINE, "a segment is a cache line");

/* The members of a segment on their way to a new layout. */
typedef struct Gathered
{
	unsigned	n;
	uint16_t	tag[2 * HS_MEMBERS_SEG_MAX];
	HsRef		node[2 * HS_MEMBERS_SEG_MAX];
} Gathered;

/*
 * ---- Hash ----------------------------------------------------------------------
 */

uint64_t
hs_member_hash(HsBytes member)
{
	return XXH3_64bits_withSeed(member.data, member.size, hs_region->seed ^ HASH_SALT);
}

uint64_t
hs_member_hash_pieces(bool (*next) (void *arg, HsBytes *piece), void *arg)
{
	XXH3_state_t state;
	HsBytes		piece;

	XXH3_INITSTATE(&state);
	XXH3_64bits_reset_withSeed(&state, hs_region->seed ^ HASH_SALT);
	while (next(arg, &piece))
		XXH3_64bits_update(&state, piece.data, piece.size);
	return XXH3_64bits_digest(&state);
}

/*
 * The hash as this index uses it.  With the same order in all of them, members that
 * are read from one and put into another would all meet in the same few segments.
 */
static inline uint64_t
spread(uint32_t seed, uint64_t hash)
{
	__uint128_t x = (__uint128_t) (hash ^ (seed * UINT64_C(0x9e3779b97f4a7c15))) *
		UINT64_C(0xd6e8feb86659fd93);

	return (uint64_t) (x >> 64) ^ (uint64_t) x;
}

/* Different for an index that is made where another one was. */
static uint32_t
fresh_seed(const HsMembers *m)
{
	static _Atomic uint64_t made = 0;
	uint64_t	unique[2] = {atomic_fetch_add_explicit(&made, 1, memory_order_relaxed),
	(uintptr_t) m};

	/* never 0: that is the one of dictionaries without an index */
	return (uint32_t) XXH3_64bits_withSeed(unique, sizeof(unique), hs_region->seed) | 1;
}

static inline uint16_t
tag_of(uint64_t hash)
{
	uint16_t	tag = (uint16_t) (hash >> 48);

	return tag == 0 ? 1 : tag;
}

/*
 * ---- Finding segment and bucket -------------------------------------------------
 */

/* Segment numbers: those below 2^k for the largest 2^k <= nsegs, and their
 * sisters that were split off already. */
static inline uint32_t
seg_of_hash(const HsMembers *m, uint64_t hash)
{
	unsigned	k = 31 - (unsigned) __builtin_clz(m->nsegs);
	uint32_t	s = (uint32_t) hash & ((UINT32_C(2) << k) - 1);

	return s < m->nsegs ? s : s & ((UINT32_C(1) << k) - 1);
}

/* The segment that number s was, or will be, split off. */
static inline uint32_t
parent_of(uint32_t s)
{
	return s ^ (UINT32_C(1) << (31 - (unsigned) __builtin_clz(s)));
}

static inline Segment *
segment(const HsMembers *m, uint32_t s)
{
	uint32_t	chunk = s / HS_MEMBERS_CHUNK;
	const HsRef *mid = hs_ptr(m->top[chunk / HS_MEMBERS_MID]);

	return (Segment *) hs_ptr(mid[chunk % HS_MEMBERS_MID]) + s % HS_MEMBERS_CHUNK;
}

static inline unsigned
home_of(const Segment *seg, uint16_t tag)
{
	return (unsigned) tag * seg->nlines * BUCKETS >> 16;
}

static inline Bucket *
bucket(const Segment *seg, unsigned b)
{
	return (Bucket *) hs_ptr(seg->line[b / BUCKETS]) + b % BUCKETS;
}

/* Bit i: slot i has this tag. */
static inline unsigned
match(const Bucket *b, uint16_t tag)
{
#ifdef __SSE2__
	/* both loads stay inside of the bucket's 64 bytes */
	__m128i		want = _mm_set1_epi16((short) tag);
	__m128i		low = _mm_cmpeq_epi16(_mm_loadu_si128((const __m128i *) (const void *) b), want);
	__m128i		high = _mm_cmpeq_epi16(_mm_loadu_si128((const __m128i *) (const void *) b + 1), want);

	return (unsigned) _mm_movemask_epi8(_mm_packs_epi16(low, high)) & ((1u << SLOTS) - 1);
#else
	unsigned	bits = 0;

	for (unsigned i = 0; i < SLOTS; i++)
		bits |= (unsigned) (b->tag[i] == tag) << i;
	return bits;
#endif
}

/* Where to look for a member. */
typedef struct Home
{
	const Segment *seg;
	const Bucket *at;
	unsigned	b;				/* its number in the segment */
	uint16_t	tag;
} Home;

static inline Home
home(const HsMembers *m, uint64_t hash)
{
	Home		h;

	hash = spread(m->seed, hash);
	h.tag = tag_of(hash);
	h.seg = segment(m, seg_of_hash(m, hash));
	h.b = home_of(h.seg, h.tag);
	h.at = bucket(h.seg, h.b);
	return h;
}

/* 'bits': match() of the home bucket. */
static inline HsRef
find_from(const Home *h, unsigned bits, const HsMemberOps *ops, HsBytes member)
{
	const Bucket *at = h->at;
	unsigned	b = h->b;

	for (unsigned left = at->maxd;; left--)
	{
		for (; bits != 0; bits &= bits - 1)
		{
			HsRef		node = at->node[__builtin_ctz(bits)];

			if (ops->is(node, member))
				return node;
		}
		if (left == 0)
			return HS_REF_NONE;
		if (++b == (unsigned) h->seg->nlines * BUCKETS)
			b = 0;
		at = bucket(h->seg, b);
		bits = match(at, h->tag);
	}
}

HsRef
hs_members_find(const HsMembers *m, const HsMemberOps *ops, uint64_t hash, HsBytes member)
{
	Home		h;

	if (m->n == 0)
		return HS_REF_NONE;
	h = home(m, hash);
	return find_from(&h, match(h.at, h.tag), ops, member);
}

void
hs_members_prefetch(const HsMembers *m, uint64_t hash)
{
	if (m->n > 0)
		__builtin_prefetch(home(m, hash).at);
}

static inline void
prefetch_node(const Bucket *at, unsigned bits)
{
	if (bits != 0)
		__builtin_prefetch(hs_ptr(at->node[__builtin_ctz(bits)]));
}

void
hs_members_prefetch_node(const HsMembers *m, uint64_t hash)
{
	Home		h;

	if (m->n == 0)
		return;
	h = home(m, hash);
	prefetch_node(h.at, match(h.at, h.tag));
}

void
hs_members_find_some(const HsMembers *m, const HsMemberOps *ops, const uint64_t *hash,
					 const void *members, size_t size, unsigned n, HsRef *found)
{
	Home		h[HS_MEMBERS_AHEAD];
	unsigned	bits[HS_MEMBERS_AHEAD];

	assert(n <= HS_MEMBERS_AHEAD);
	if (m->n == 0)
	{
		for (unsigned i = 0; i < n; i++)
			found[i] = HS_REF_NONE;
		return;
	}
	for (unsigned i = 0; i < n; i++)
	{
		h[i] = home(m, hash[i]);
		__builtin_prefetch(h[i].at);
	}
	for (unsigned i = 0; i < n; i++)
	{
		bits[i] = match(h[i].at, h[i].tag);
		prefetch_node(h[i].at, bits[i]);
	}
	for (unsigned i = 0; i < n; i++)
		found[i] = find_from(&h[i], bits[i], ops,
							 hs_bytes((const uint8_t *) members + i * size, size));
}

/*
 * ---- Layout of a segment -----------------------------------------------------------
 */

static void
place(Segment *seg, uint16_t tag, HsRef node)
{
	unsigned	nb = seg->nlines * BUCKETS;
	unsigned	home = home_of(seg, tag);
	unsigned	b = home;
	unsigned	d = 0;

	for (;; d++)
	{
		Bucket	   *at = bucket(seg, b);
		unsigned	free_slots = match(at, 0);

		if (free_slots != 0)
		{
			unsigned	i = (unsigned) __builtin_ctz(free_slots);

			at->tag[i] = tag;
			at->node[i] = node;
			break;
		}
		assert(d < nb);
		if (++b == nb)
			b = 0;
	}
	if (d > bucket(seg, home)->maxd)
		bucket(seg, home)->maxd = (uint8_t) d;
	seg->n++;
}

/*
 * place() for members that were gathered, all or those with moves[i] == moved, in an empty segment:
 * counting what a bucket has takes half the instructions of looking for free slots.
 */
static void
lay_out(Segment *seg, const Gathered *g, const bool *moves, bool moved)
{
	unsigned	nb = seg->nlines * BUCKETS;
	uint8_t		used[HS_MEMBERS_LINES * BUCKETS] = {0};

	for (unsigned i = 0; i < g->n; i++)
	{
		unsigned	home = home_of(seg, g->tag[i]);
		unsigned	b = home;
		unsigned	d = 0;
		Bucket	   *at;

		if (moves != NULL && moves[i] != moved)
			continue;
		for (; used[b] == SLOTS; d++)
		{
			assert(d < nb);
			b = b + 1 == nb ? 0 : b + 1;
		}
		at = bucket(seg, b);
		at->tag[used[b]] = g->tag[i];
		at->node[used[b]++] = g->node[i];
		if (d > 0 && d > bucket(seg, home)->maxd)
			bucket(seg, home)->maxd = (uint8_t) d;
		seg->n++;
	}
}

static void
gather(const Segment *seg, Gathered *g)
{
	for (unsigned b = 0; b < (unsigned) seg->nlines * BUCKETS; b++)
	{
		const Bucket *at = bucket(seg, b);

		for (unsigned bits = ~match(at, 0) & ((1u << SLOTS) - 1); bits != 0; bits &= bits - 1)
		{
			unsigned	i = (unsigned) __builtin_ctz(bits);

			g->tag[g->n] = at->tag[i];
			g->node[g->n++] = at->node[i];
		}
	}
}

static void
clear(Segment *seg)
{
	for (unsigned i = 0; i < seg->nlines; i++)
		memset(hs_ptr(seg->line[i]), 0, LINE_SIZE);
	seg->n = 0;
}

static inline unsigned
lines_for(unsigned n)
{
	unsigned	lines = (n + LINE_LOAD - 1) / LINE_LOAD;

	if (lines > HS_MEMBERS_LINES)
		lines = HS_MEMBERS_LINES;
	return lines == 0 ? 1 : lines;
}

static HsRef
node_alloc(HsMembers *m, struct HsPart *part, uint32_t size)
{
	HsRef		node = hs_slab_alloc(part, size);

	if (node != HS_REF_NONE)
		m->bytes += hs_slab_round(size);
	return node;
}

static void
node_free(HsMembers *m, struct HsPart *part, HsRef node, uint32_t size)
{
	hs_slab_free(part, node, size);
	m->bytes -= hs_slab_round(size);
}

static bool
line_add(HsMembers *m, struct HsPart *part, Segment *seg)
{
	HsRef		line = node_alloc(m, part, LINE_SIZE);

	if (line == HS_REF_NONE)
		return false;
	seg->line[seg->nlines++] = line;
	return true;
}

/* Lay the segment out over as many lines as it should have, or has. */
static bool
grow_segment(HsMembers *m, struct HsPart *part, Segment *seg)
{
	Gathered	g;

	g.n = 0;
	gather(seg, &g);
	if (!line_add(m, part, seg))
		return false;
	clear(seg);
	lay_out(seg, &g, NULL, false);
	return true;
}

static void
shrink_segment(HsMembers *m, struct HsPart *part, Segment *seg)
{
	unsigned	lines = lines_for(seg->n);
	Gathered	g;

	if (lines >= seg->nlines)
		return;
	g.n = 0;
	gather(seg, &g);
	while (seg->nlines > lines)
		node_free(m, part, seg->line[--seg->nlines], LINE_SIZE);
	clear(seg);
	lay_out(seg, &g, NULL, false);
}

/*
 * ---- Directory -----------------------------------------------------------------------
 * Middle nodes and chunks have their full size, but the first of each grows
 * with the collection.
 */

static inline uint32_t
chunk_size(unsigned cap)
{
	return cap * (uint32_t) sizeof(Segment);
}

static inline uint32_t
mid_size(unsigned cap)
{
	return cap * (uint32_t) sizeof(HsRef);
}

/* Copy a node into a larger one. */
static bool
node_enlarge(HsMembers *m, struct HsPart *part, HsRef *node, uint32_t size, uint32_t larger)
{
	HsRef		copy = node_alloc(m, part, larger);

	if (copy == HS_REF_NONE)
		return false;
	if (size > 0)
	{
		memcpy(hs_ptr(copy), hs_ptr(*node), size);
		node_free(m, part, *node, size);
	}
	*node = copy;
	return true;
}

/* Room in the directory for one more segment. */
static HsStatus
directory_room(HsMembers *m, struct HsPart *part)
{
	uint32_t	chunk = m->nsegs / HS_MEMBERS_CHUNK;
	uint32_t	top = chunk / HS_MEMBERS_MID;
	HsRef	   *mid;

	if (top >= HS_MEMBERS_TOP)
		return HS_LIMIT;
	if (top == 0 && chunk >= m->mid_cap)
	{
		uint16_t	cap = m->mid_cap == 0 ? 4 : (uint16_t) (m->mid_cap * 4);

		if (!node_enlarge(m, part, &m->top[0], mid_size(m->mid_cap), mid_size(cap)))
			return HS_NO_MEMORY;
		memset((HsRef *) hs_ptr(m->top[0]) + m->mid_cap, 0, mid_size(cap - m->mid_cap));
		m->mid_cap = cap;
	}
	else if (top > 0 && m->top[top] == HS_REF_NONE)
	{
		HsRef		node = node_alloc(m, part, mid_size(HS_MEMBERS_MID));

		if (node == HS_REF_NONE)
			return HS_NO_MEMORY;
		memset(hs_ptr(node), 0, mid_size(HS_MEMBERS_MID));
		m->top[top] = node;
	}
	mid = (HsRef *) hs_ptr(m->top[top]) + chunk % HS_MEMBERS_MID;
	if (chunk == 0 && m->nsegs >= m->chunk_cap)
	{
		uint16_t	cap = m->chunk_cap == 0 ? 1 : (uint16_t) (m->chunk_cap * 2);

		if (!node_enlarge(m, part, mid, chunk_size(m->chunk_cap), chunk_size(cap)))
			return HS_NO_MEMORY;
		m->chunk_cap = cap;
	}
	else if (chunk > 0 && *mid == HS_REF_NONE)
	{
		HsRef		node = node_alloc(m, part, chunk_size(HS_MEMBERS_CHUNK));

		if (node == HS_REF_NONE)
			return HS_NO_MEMORY;
		*mid = node;
	}
	return HS_OK;
}

/*
 * ---- Growing and shrinking ------------------------------------------------------------
 */

static HsStatus
first_segment(HsMembers *m, struct HsPart *part)
{
	HsStatus	status = directory_room(m, part);
	HsRef		line;
	Segment    *seg;

	if (status != HS_OK)
		return status;
	line = node_alloc(m, part, LINE_SIZE);
	if (line == HS_REF_NONE)
		return HS_NO_MEMORY;
	m->nsegs = 1;
	seg = segment(m, 0);
	seg->nlines = 1;
	seg->line[0] = line;
	clear(seg);
	return HS_OK;
}

/* Which of the gathered members belong to segment 'fresh' from now on? */
static unsigned
sort_out(const HsMembers *m, const HsMemberOps *ops, const Gathered *g, uint32_t fresh, bool *moves)
{
	uint32_t	bit = UINT32_C(1) << (31 - (unsigned) __builtin_clz(fresh));
	unsigned	n = 0;

	for (unsigned i = 0; i < g->n; i++)
		__builtin_prefetch(hs_ptr(g->node[i]));
	for (unsigned i = 0; i < g->n; i++)
	{
		moves[i] = (spread(m->seed, ops->hash(g->node[i])) & bit) != 0;
		n += moves[i];
	}
	return n;
}

/*
 * Split one segment: lines of the old one are dealt to both, and new ones
 * are added first, so that failing leaves all as it was.
 */
static HsStatus
split(HsMembers *m, struct HsPart *part, const HsMemberOps *ops)
{
	uint32_t	s = m->nsegs;
	Gathered	g;
	bool		moves[2 * HS_MEMBERS_SEG_MAX];
	HsRef		line[2 * HS_MEMBERS_LINES];
	unsigned	nlines,
				keeps,
				wants,
				n;
	Segment    *old,
			   *fresh;
	HsStatus	status = directory_room(m, part);

	if (status != HS_OK)
		return status;
	old = segment(m, parent_of(s));
	g.n = 0;
	gather(old, &g);
	n = sort_out(m, ops, &g, s, moves);
	keeps = lines_for(g.n - n);
	wants = lines_for(n);
	nlines = old->nlines;
	memcpy(line, old->line, nlines * sizeof(HsRef));
	while (nlines < keeps + wants)
	{
		line[nlines] = node_alloc(m, part, LINE_SIZE);
		if (line[nlines] == HS_REF_NONE)
		{
			while (nlines > old->nlines)
				node_free(m, part, line[--nlines], LINE_SIZE);
			return HS_NO_MEMORY;
		}
		nlines++;
	}
	/* lines left over stay with the old one, as they were */
	keeps = nlines - wants;
	m->nsegs++;
	fresh = segment(m, s);
	fresh->nlines = (uint16_t) wants;
	memcpy(fresh->line, line, wants * sizeof(HsRef));
	old->nlines = (uint16_t) keeps;
	memcpy(old->line, line + wants, keeps * sizeof(HsRef));
	clear(old);
	clear(fresh);
	lay_out(old, &g, moves, false);
	lay_out(fresh, &g, moves, true);
	return HS_OK;
}

/* Undo the last split, if the lines of both can take the members of both. */
static void
merge(HsMembers *m, struct HsPart *part)
{
	uint32_t	s = m->nsegs - 1;
	Segment    *last = segment(m, s);
	Segment    *into = segment(m, parent_of(s));
	unsigned	lines = lines_for(last->n + into->n);
	uint32_t	chunk = s / HS_MEMBERS_CHUNK;
	Gathered	g;

	if (last->n + into->n > HS_MEMBERS_LINES * LINE_LOAD)
		return;
	g.n = 0;
	gather(last, &g);
	gather(into, &g);
	while (last->nlines > 0)
	{
		HsRef		line = last->line[--last->nlines];

		if (into->nlines < lines)
			into->line[into->nlines++] = line;
		else
			node_free(m, part, line, LINE_SIZE);
	}
	m->nsegs = s;
	if (s % HS_MEMBERS_CHUNK == 0)
	{
		HsRef	   *mid = (HsRef *) hs_ptr(m->top[chunk / HS_MEMBERS_MID]) + chunk % HS_MEMBERS_MID;

		node_free(m, part, *mid, chunk_size(HS_MEMBERS_CHUNK));
		*mid = HS_REF_NONE;
	}
	clear(into);
	lay_out(into, &g, NULL, false);
}

/*
 * ---- Making, inserting ---------------------------------------------------------------
 */

void
hs_members_init(HsMembers *m)
{
	memset(m, 0, sizeof(*m));
	m->seed = fresh_seed(m);
}

HsStatus
hs_members_make_room(HsMembers *m, struct HsPart *part, const HsMemberOps *ops, uint64_t hash)
{
	Segment    *seg;
	HsStatus	status = HS_OK;

	if (m->nsegs == 0)
		return first_segment(m, part);
	if (m->n >= (uint64_t) m->nsegs * HS_MEMBERS_TARGET)
		status = split(m, part, ops);
	if (status != HS_OK)
		return status;
	seg = segment(m, seg_of_hash(m, spread(m->seed, hash)));
	if (seg->n < (unsigned) seg->nlines * LINE_LOAD)
		return HS_OK;
	if (seg->nlines < HS_MEMBERS_LINES)
		return grow_segment(m, part, seg) ? HS_OK : HS_NO_MEMORY;
	return seg->n < HS_MEMBERS_SEG_MAX ? HS_OK : HS_LIMIT;
}

void
hs_members_insert(HsMembers *m, uint64_t hash, HsRef node)
{
	hash = spread(m->seed, hash);
	place(segment(m, seg_of_hash(m, hash)), tag_of(hash), node);
	m->n++;
}

/*
 * ---- Replacing, removing ---------------------------------------------------
 */

/* Bucket and slot of a node that is there. */
static Bucket *
find_slot(const Segment *seg, uint16_t tag, HsRef node, unsigned *slot)
{
	unsigned	nb = seg->nlines * BUCKETS;
	unsigned	b = home_of(seg, tag);

	for (;; b = b + 1 == nb ? 0 : b + 1)
	{
		Bucket	   *at = bucket(seg, b);
		unsigned	bits = match(at, tag);

		while (bits != 0 && at->node[__builtin_ctz(bits)] != node)
			bits &= bits - 1;
		if (bits != 0)
		{
			*slot = (unsigned) __builtin_ctz(bits);
			return at;
		}
	}
}

void
hs_members_replace(HsMembers *m, uint64_t hash, HsRef old, HsRef node)
{
	unsigned	slot;
	Bucket	   *at;

	hash = spread(m->seed, hash);
	at = find_slot(segment(m, seg_of_hash(m, hash)), tag_of(hash), old, &slot);
	at->node[slot] = node;
}

void
hs_members_remove(HsMembers *m, struct HsPart *part, uint64_t hash, HsRef node)
{
	Segment    *seg;
	unsigned	slot;
	Bucket	   *at;

	hash = spread(m->seed, hash);
	seg = segment(m, seg_of_hash(m, hash));
	at = find_slot(seg, tag_of(hash), node, &slot);
	at->tag[slot] = 0;
	seg->n--;
	m->n--;
	if (seg->nlines > 1 && seg->n < (seg->nlines - 1) * SHRINK_LOAD)
		shrink_segment(m, part, seg);
	if (m->nsegs > 1 && m->n < (uint64_t) (m->nsegs - 1) * MERGE_LOAD)
		merge(m, part);
}

/*
 * ---- Needs, freeing --------------------------------------------------------
 */

HsStatus
hs_members_needs(const HsMembers *m, uint64_t n,
				 void (*need) (void *arg, uint32_t size, uint32_t count), void *arg)
{
	uint64_t	splits;

	if (m->n + n > HS_MEMBERS_MAX)
		return HS_LIMIT;
	splits = (m->n + n) / HS_MEMBERS_TARGET + 1;
	splits = splits > m->nsegs ? splits - m->nsegs : 0;

	/*
	 * A segment may be one member short of its next line, and each line holds
	 * LINE_LOAD; a split rounds up twice, and gives two such segments.
	 */
	need(arg, LINE_SIZE, (uint32_t) ((n < m->nsegs ? n : m->nsegs) +
									 n / LINE_LOAD + 4 * splits + 4));
	for (unsigned cap = m->chunk_cap == 0 ? 1 : m->chunk_cap * 2u; cap <= HS_MEMBERS_CHUNK; cap *= 2)
		need(arg, chunk_size(cap), 1);
	for (unsigned cap = m->mid_cap == 0 ? 4 : m->mid_cap * 4u; cap <= HS_MEMBERS_MID; cap *= 4)
	{
		need(arg, mid_size(cap), 1);
		if ((m->nsegs + splits) / HS_MEMBERS_CHUNK < cap)
			break;
	}
	if (m->nsegs + splits >= HS_MEMBERS_CHUNK)
		need(arg, chunk_size(HS_MEMBERS_CHUNK), (uint32_t) (splits / HS_MEMBERS_CHUNK + 1));
	if (m->nsegs + splits >= HS_MEMBERS_CHUNK * HS_MEMBERS_MID)
		need(arg, mid_size(HS_MEMBERS_MID),
			 (uint32_t) (splits / (HS_MEMBERS_CHUNK * HS_MEMBERS_MID) + 1));
	return HS_OK;
}

/* Free what a line refers to, as far as the budget goes; true when nothing is left. */
static bool
empty_line(struct HsPart *part, HsRef line, void (*free_node) (struct HsPart *part, HsRef node),
		   unsigned *budget)
{
	Bucket	   *b = hs_ptr(line);

	for (unsigned i = 0; i < BUCKETS * SLOTS; i++)
	{
		Bucket	   *at = &b[i / SLOTS];

		if (at->tag[i % SLOTS] == 0)
			continue;
		if (*budget == 0)
			return false;
		--*budget;
		free_node(part, at->node[i % SLOTS]);
		at->tag[i % SLOTS] = 0;
	}
	return true;
}

bool
hs_members_free_slice(HsMembers *m, struct HsPart *part,
					  void (*free_node) (struct HsPart *part, HsRef node), unsigned *budget)
{
	while (m->nsegs > 0)
	{
		uint32_t	s = m->nsegs - 1;
		uint32_t	chunk = s / HS_MEMBERS_CHUNK;
		Segment    *seg = segment(m, s);
		HsRef	   *mid = (HsRef *) hs_ptr(m->top[chunk / HS_MEMBERS_MID]) + chunk % HS_MEMBERS_MID;

		while (seg->nlines > 0)
		{
			HsRef		line = seg->line[seg->nlines - 1];

			if (free_node != NULL && !empty_line(part, line, free_node, budget))
				return false;
			if (*budget == 0)
				return false;
			--*budget;
			node_free(m, part, line, LINE_SIZE);
			seg->nlines--;
		}
		m->nsegs = s;
		if (s > 0 && s % HS_MEMBERS_CHUNK == 0)
		{
			node_free(m, part, *mid, chunk_size(HS_MEMBERS_CHUNK));
			*mid = HS_REF_NONE;
		}
	}
	/* what is left are the nodes that grew, and those kept by merges or failures */
	if (m->mid_cap > 0)
	{
		HsRef	   *mid = hs_ptr(m->top[0]);

		if (m->chunk_cap > 0)
			node_free(m, part, mid[0], chunk_size(m->chunk_cap));
		for (unsigned i = 1; i < m->mid_cap; i++)
			if (mid[i] != HS_REF_NONE)
				node_free(m, part, mid[i], chunk_size(HS_MEMBERS_CHUNK));
		node_free(m, part, m->top[0], mid_size(m->mid_cap));
		m->mid_cap = m->chunk_cap = 0;
	}
	for (unsigned t = 1; t < HS_MEMBERS_TOP && m->top[t] != HS_REF_NONE; t++)
	{
		HsRef	   *mid = hs_ptr(m->top[t]);

		for (unsigned i = 0; i < HS_MEMBERS_MID; i++)
			if (mid[i] != HS_REF_NONE)
				node_free(m, part, mid[i], chunk_size(HS_MEMBERS_CHUNK));
		node_free(m, part, m->top[t], mid_size(HS_MEMBERS_MID));
		m->top[t] = HS_REF_NONE;
	}
	return true;
}

/*
 * ---- Walking ---------------------------------------------------------------
 */

unsigned
hs_members_segment(const HsMembers *m, uint32_t seg, HsRef *out)
{
	Gathered	g;

	g.n = 0;
	gather(segment(m, seg), &g);
	memcpy(out, g.node, g.n * sizeof(HsRef));
	return g.n;
}

/* Its own inverse. */
static uint64_t
reversed(uint64_t x)
{
	x = ((x >> 1) & UINT64_C(0x5555555555555555)) | ((x & UINT64_C(0x5555555555555555)) << 1);
	x = ((x >> 2) & UINT64_C(0x3333333333333333)) | ((x & UINT64_C(0x3333333333333333)) << 2);
	x = ((x >> 4) & UINT64_C(0x0f0f0f0f0f0f0f0f)) | ((x & UINT64_C(0x0f0f0f0f0f0f0f0f)) << 4);
	return __builtin_bswap64(x);
}

uint64_t
hs_members_position(uint32_t seed, uint64_t hash)
{
	return reversed(spread(seed, hash));
}

/* How many low bits of the hash all members of segment s share. */
static unsigned
shared_bits(const HsMembers *m, uint32_t s)
{
	unsigned	level = 31 - (unsigned) __builtin_clz(m->nsegs);
	uint32_t	full = UINT32_C(1) << level;

	return s >= full || s < m->nsegs - full ? level + 1 : level;
}

unsigned
hs_members_walk(const HsMembers *m, const HsMemberOps *ops, uint64_t position, HsRef *out,
				uint64_t *next)
{
	uint64_t	begin = 0;
	uint32_t	s;
	unsigned	bits,
				all,
				n = 0;

	*next = 0;
	if (m->nsegs == 0)
		return 0;
	s = seg_of_hash(m, reversed(position));
	bits = shared_bits(m, s);
	if (bits > 0)
	{
		begin = position >> (64 - bits) << (64 - bits);
		*next = begin + (UINT64_C(1) << (64 - bits));
	}
	all = hs_members_segment(m, s, out);
	if (begin == position)
		return all;
	for (unsigned i = 0; i < all; i++)
		if (hs_members_position(m->seed, ops->hash(out[i])) >= position)
			out[n++] = out[i];
	return n;
}

/*
 * ---- Random members --------------------------------------------------------
 */

uint64_t
hs_members_places(const HsMembers *m)
{
	if (m->nsegs == 1)
		return (uint64_t) segment(m, 0)->nlines * (BUCKETS * SLOTS);
	return (uint64_t) m->nsegs * HS_MEMBERS_SEG_MAX;
}

HsRef
hs_members_at(const HsMembers *m, uint64_t place)
{
	const Segment *seg = segment(m, (uint32_t) (place / HS_MEMBERS_SEG_MAX));
	unsigned	b = (unsigned) (place % HS_MEMBERS_SEG_MAX) / SLOTS;
	unsigned	slot = (unsigned) (place % SLOTS);
	const Bucket *at;

	if (b >= (unsigned) seg->nlines * BUCKETS)
		return HS_REF_NONE;
	at = bucket(seg, b);
	return at->tag[slot] != 0 ? at->node[slot] : HS_REF_NONE;
}

/*
 * ---- Checking --------------------------------------------------------------
 */

/* Displacement of every member of the segment, and its place at all. */
static const char *
verify_segment(const HsMembers *m, uint32_t s, const HsMemberOps *ops)
{
	const Segment *seg = segment(m, s);
	unsigned	nb = seg->nlines * BUCKETS;
	unsigned	n = 0;

	if (seg->nlines == 0 || seg->nlines > HS_MEMBERS_LINES)
		return "members: segment has a bad number of lines";
	for (unsigned b = 0; b < nb; b++)
	{
		const Bucket *at = bucket(seg, b);

		for (unsigned i = 0; i < SLOTS; i++)
		{
			uint64_t	hash;
			unsigned	home;

			if (at->tag[i] == 0)
				continue;
			n++;
			hash = spread(m->seed, ops->hash(at->node[i]));
			if (tag_of(hash) != at->tag[i])
				return "members: tag is not that of the member";
			if (seg_of_hash(m, hash) != s)
				return "members: member in the wrong segment";
			home = home_of(seg, at->tag[i]);
			if ((b + nb - home) % nb > bucket(seg, home)->maxd)
				return "members: member out of reach of its home";
		}
	}
	return n == seg->n ? NULL : "members: wrong count in a segment";
}

const char *
hs_members_verify(const HsMembers *m, const HsMemberOps *ops)
{
	uint64_t	n = 0;
	uint64_t	bytes = 0;

	for (uint32_t s = 0; s < m->nsegs; s++)
	{
		const char *wrong = verify_segment(m, s, ops);

		if (wrong != NULL)
			return wrong;
		n += segment(m, s)->n;
		bytes += (uint64_t) segment(m, s)->nlines * hs_slab_round(LINE_SIZE);
	}
	if (n != m->n)
		return "members: wrong count";
	if (bytes > m->bytes)
		return "members: lines exceed the bytes accounted for";
	return NULL;
}
