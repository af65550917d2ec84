/*
 * slab.c
 *	  Nodes of large collections: size classes in pages, pages in segments.
 *
 * Classes: every 8 bytes up to 128, then 8 to a doubling up to 4096, each
 * the large ones stretched so that a page has no rest.  A page starts with HsSlabPage, of a
 * cache line, so that nodes of 64, 128, 256 bytes are aligned to theirs.
 *
 * An empty page goes back to its segment at once, an empty segment at
 * hs_slab_settle(): inside a command nothing is given back, so what
 * hs_slab_prepare() found stays there.
 *
 * A node above 4096 bytes is a run of neighbouring pages without a head.
 */
#include "slab.h"

#include "part.h"

#define PAGES_PER_SEG	16
#define ALL_PAGES		((1u << PAGES_PER_SEG) - 1)
#define SLAB_PAGE		(HS_SEG_SIZE / PAGES_PER_SEG)
#define MAX_CLASS_SIZE	4096
#define SMALL_CLASSES	16		/* in steps of 8 bytes */

/*
 * Head of a page.  (p) partition lock
 */
typedef struct HsSlabPage
{
	HsRef		next;			/* (p) partial pages of the class */
	HsRef		prev;			/* (p) */
	HsRef		free;			/* (p) freed nodes, linked through their first word */
	uint16_t	class;			/* (p) */
	uint16_t	nfree;			/* (p) freed and never used nodes */
	uint16_t	fresh;			/* (p) nodes from here on were never used */
	uint16_t	pad;
	uint32_t	spare[11];
} HsSlabPage;

static_assert(sizeof(HsSlabPage) == HS_CACHE_LINE, "nodes start on a cache line");

/* Process-local tables, the same in every process of a region. */
static uint32_t class_size[HS_SLAB_CLASSES];
static uint32_t class_nodes[HS_SLAB_CLASSES];	/* to a page */
static uint8_t class_of_words[MAX_CLASS_SIZE / 8 + 1];	/* of so many times 8 bytes */

static_assert(HS_SLAB_CLASSES <= UINT8_MAX, "a class is a byte");

static unsigned
nominal_class(uint32_t size)
{
	unsigned	k;

	if (size <= 8 * SMALL_CLASSES)
		return (size + 7) / 8 - 1;
	k = 31 - (unsigned) __builtin_clz(size - 1);
	return SMALL_CLASSES + (k - 7) * 8 + ((size - 1) >> (k - 3)) - 8;
}

/*
 * Several large classes are stretched to one size, of which the first serves:
 * what hs_slab_round() returns belongs to the same class again.
 */
static unsigned
first_class(uint32_t size)
{
	unsigned	class = nominal_class(size);

	while (class > 0 && class_size[class - 1] >= size)
		class--;
	return class;
}

static inline unsigned
class_of(uint32_t size)
{
	assert(size > 0 && size <= MAX_CLASS_SIZE);
	return class_of_words[(size + 7) / 8];
}

static unsigned
run_pages(uint32_t size)
{
	return (unsigned) ((size + SLAB_PAGE - 1) / SLAB_PAGE);
}

void
hs_slab_setup(void)
{
	uint32_t	payload = (uint32_t) SLAB_PAGE - sizeof(HsSlabPage);

	for (unsigned c = 0; c < HS_SLAB_CLASSES; c++)
	{
		uint32_t	size;
		uint32_t	n;

		if (c < SMALL_CLASSES)
			size = (c + 1) * 8;
		else
		{
			unsigned	group = (c - SMALL_CLASSES) / 8;

			size = (128u << group) + ((c - SMALL_CLASSES) % 8 + 1) * (16u << group);
		}
		size = hs_record_pad(size);
		n = payload / size;
		if (n > UINT16_MAX)
			n = UINT16_MAX;
		if (size > 1024)		/* small ones keep their alignment */
		{
			size = (payload / n) & ~(uint32_t) 63;
			if (size > MAX_CLASS_SIZE)
				size = MAX_CLASS_SIZE;	/* above it are runs */
		}
		class_size[c] = size;
		class_nodes[c] = n;
	}
	for (unsigned words = 1; words <= MAX_CLASS_SIZE / 8; words++)
		class_of_words[words] = (uint8_t) first_class(words * 8);
}

uint32_t
hs_slab_max(void)
{
	return PAGES_PER_SEG * SLAB_PAGE;
}

uint32_t
hs_slab_round(uint32_t size)
{
	if (size > MAX_CLASS_SIZE)
		return run_pages(size) * SLAB_PAGE;
	return class_size[class_of(size)];
}

static HsSlabPage *
page_of(HsRef node)
{
	uint64_t	offset = ((uint64_t) node << hs_shift) - hs_data_offset;

	return (HsSlabPage *) (hs_base + hs_data_offset + (offset & ~(uint64_t) (SLAB_PAGE - 1)));
}

/*
 * ---- Lists -------------------------------------------------------------------
 */

static void
partial_push(HsPart *part, HsSlabPage *page)
{
	HsRef	   *head = &part->slab_partial[page->class];

	page->prev = HS_REF_NONE;
	page->next = *head;
	if (*head != HS_REF_NONE)
		((HsSlabPage *) hs_ptr(*head))->prev = hs_ref(page);
	*head = hs_ref(page);
}

static void
partial_unlink(HsPart *part, HsSlabPage *page)
{
	if (page->prev != HS_REF_NONE)
		((HsSlabPage *) hs_ptr(page->prev))->next = page->next;
	else
		part->slab_partial[page->class] = page->next;
	if (page->next != HS_REF_NONE)
		((HsSlabPage *) hs_ptr(page->next))->prev = page->prev;
}

static void
seg_push(uint32_t *head, uint32_t seg)
{
	hs_segs[seg].prev = HS_SEG_NONE;
	hs_segs[seg].next = *head;
	if (*head != HS_SEG_NONE)
		hs_segs[*head].prev = seg;
	*head = seg;
}

static void
seg_unlink(uint32_t *head, uint32_t seg)
{
	HsSeg	   *s = &hs_segs[seg];

	if (s->prev != HS_SEG_NONE)
		hs_segs[s->prev].next = s->next;
	else
		*head = s->next;
	if (s->next != HS_SEG_NONE)
		hs_segs[s->next].prev = s->prev;
}

/*
 * ---- Pages -------------------------------------------------------------------
 */

/* One more segment of empty pages. */
static bool
add_segment(HsPart *part)
{
	uint32_t	seg = hs_part_seg_get(part, HS_SEG_SLAB, false);

	if (seg == HS_SEG_NONE)
		return false;
	seg_push(&part->slab_open, seg);
	part->slab_segs++;
	part->slab_empty += PAGES_PER_SEG;
	part->slab_dirty = true;
	return true;
}

/* Pages [first, first + n) of the segment are in use from now on. */
static void
mark_used(HsPart *part, uint32_t seg, unsigned first, unsigned n)
{
	HsSeg	   *s = &hs_segs[seg];

	s->page_map |= ((1u << n) - 1) << first;
	s->live += n;
	part->slab_empty -= n;
	if (s->page_map == ALL_PAGES)
	{
		seg_unlink(&part->slab_open, seg);
		seg_push(&part->slab_full, seg);
	}
}

static void
mark_empty(HsPart *part, uint32_t seg, unsigned first, unsigned n)
{
	HsSeg	   *s = &hs_segs[seg];

	if (s->page_map == ALL_PAGES)
	{
		seg_unlink(&part->slab_full, seg);
		seg_push(&part->slab_open, seg);
	}
	s->page_map &= ~(((1u << n) - 1) << first);
	s->live -= n;
	part->slab_empty += n;
	if (s->page_map == 0)
		part->slab_dirty = true;
}

/*
 * The segment to take a single page from: one in use already if there is one
 * near, so that untouched segments stay whole for runs and for giving back.
 */
static uint32_t
seg_for_page(HsPart *part)
{
	uint32_t	seg = part->slab_open;

	for (; seg != HS_SEG_NONE; seg = hs_segs[seg].next)
	{
		if (hs_segs[seg].page_map != 0)
			return seg;
	}
	if (part->slab_open == HS_SEG_NONE && !add_segment(part))
		return HS_SEG_NONE;
	return part->slab_open;
}

/* Turn an empty page into one of 'class', first in the list of its kind. */
static HsSlabPage *
page_take(HsPart *part, unsigned class)
{
	uint32_t	seg = seg_for_page(part);
	unsigned	i;
	HsSlabPage *page;

	if (seg == HS_SEG_NONE)
		return NULL;
	i = (unsigned) __builtin_ctz(~hs_segs[seg].page_map);
	mark_used(part, seg, i, 1);
	page = (HsSlabPage *) (hs_seg_data(seg) + i * SLAB_PAGE);
	page->free = HS_REF_NONE;
	page->class = (uint16_t) class;
	page->nfree = (uint16_t) class_nodes[class];
	page->fresh = 0;
	partial_push(part, page);
	part->slab_nfree[class] += class_nodes[class];
	return page;
}

/* The page is empty: it may serve any class again. */
static void
page_release(HsPart *part, HsSlabPage *page)
{
	uint32_t	seg = hs_seg_of(hs_ref(page));

	partial_unlink(part, page);
	part->slab_nfree[page->class] -= class_nodes[page->class];
	mark_empty(part, seg, (unsigned) (((uint8_t *) page - hs_seg_data(seg)) / SLAB_PAGE), 1);
}

/* First of n neighbouring empty pages, or -1. */
static int
find_run(uint32_t page_map, unsigned n)
{
	uint32_t	run = (1u << n) - 1;

	for (unsigned i = 0; i + n <= PAGES_PER_SEG; i++)
	{
		if ((page_map & (run << i)) == 0)
			return (int) i;
	}
	return -1;
}

static HsRef
run_alloc(HsPart *part, uint32_t size)
{
	unsigned	n = run_pages(size);

	for (int tries = 0; tries < 2; tries++)
	{
		for (uint32_t seg = part->slab_open; seg != HS_SEG_NONE; seg = hs_segs[seg].next)
		{
			int			i = find_run(hs_segs[seg].page_map, n);

			if (i >= 0)
			{
				mark_used(part, seg, (unsigned) i, n);
				return hs_ref(hs_seg_data(seg) + (unsigned) i * SLAB_PAGE);
			}
		}
		if (!add_segment(part))
			break;
	}
	return HS_REF_NONE;
}

/*
 * ---- Nodes -------------------------------------------------------------------
 */

HsRef
hs_slab_alloc(HsPart *part, uint32_t size)
{
	unsigned	class;
	HsSlabPage *page;
	HsRef		node;

	assert(hs_port_lock_held(&part->lock, HS_EXCLUSIVE));
	if (size > MAX_CLASS_SIZE)
		return run_alloc(part, size);
	class = class_of(size);
	if (part->slab_partial[class] != HS_REF_NONE)
		page = hs_ptr(part->slab_partial[class]);
	else
	{
		page = page_take(part, class);
		if (page == NULL)
			return HS_REF_NONE;
	}
	if (page->free != HS_REF_NONE)
	{
		node = page->free;
		memcpy(&page->free, hs_ptr(node), sizeof(HsRef));
	}
	else
	{
		node = hs_ref((uint8_t *) (page + 1) + (size_t) page->fresh * class_size[class]);
		page->fresh++;
	}
	part->slab_nfree[class]--;
	if (--page->nfree == 0)
		partial_unlink(part, page);
	return node;
}

void
hs_slab_free(HsPart *part, HsRef node, uint32_t size)
{
	HsSlabPage *page;
	unsigned	class;

	assert(hs_port_lock_held(&part->lock, HS_EXCLUSIVE));
	if (size > MAX_CLASS_SIZE)
	{
		uint32_t	seg = hs_seg_of(node);

		mark_empty(part, seg,
				   (unsigned) (((uint8_t *) hs_ptr(node) - hs_seg_data(seg)) / SLAB_PAGE),
				   run_pages(size));
		return;
	}
	page = page_of(node);
	class = page->class;
	assert(class == class_of(size));
	memcpy(hs_ptr(node), &page->free, sizeof(HsRef));
	page->free = node;
	part->slab_nfree[class]++;
	if (page->nfree++ == 0)
		partial_push(part, page);
	if (page->nfree == class_nodes[class])
		page_release(part, page);
}

static uint64_t
untouched_segments(const HsPart *part)
{
	uint64_t	n = 0;

	for (uint32_t seg = part->slab_open; seg != HS_SEG_NONE; seg = hs_segs[seg].next)
		n += hs_segs[seg].page_map == 0;
	return n;
}

bool
hs_slab_prepare(HsPart *part, const HsSlabNeed *needs, int nneeds)
{
	uint32_t	want[HS_SLAB_CLASSES] = {0};
	uint64_t	pages = 0;
	uint64_t	runs = 0;

	for (int i = 0; i < nneeds; i++)
	{
		if (needs[i].count == 0)
			continue;
		if (needs[i].size > MAX_CLASS_SIZE)
			runs += needs[i].count;
		else
			want[class_of(needs[i].size)] += needs[i].count;
	}
	for (unsigned c = 0; c < HS_SLAB_CLASSES; c++)
	{
		if (want[c] > part->slab_nfree[c])
			pages += (want[c] - part->slab_nfree[c] + class_nodes[c] - 1) / class_nodes[c];
	}

	/*
	 * Single pages come from segments in use first, so a run finds an
	 * untouched one if there is one for each run, and one that single pages
	 * may have to break into.
	 */
	while (part->slab_empty < pages + runs * PAGES_PER_SEG ||
		   (runs > 0 && untouched_segments(part) < runs + 1))
	{
		if (!add_segment(part))
		{
			hs_slab_settle(part);
			return false;
		}
	}
	part->slab_dirty = true;	/* what was not needed goes back when the command ends */
	return true;
}

void
hs_slab_settle(HsPart *part)
{
	uint32_t	seg;

	if (!part->slab_dirty)
		return;
	part->slab_dirty = false;
	for (seg = part->slab_open; seg != HS_SEG_NONE;)
	{
		uint32_t	next = hs_segs[seg].next;

		if (hs_segs[seg].page_map == 0)
		{
			seg_unlink(&part->slab_open, seg);
			part->slab_segs--;
			part->slab_empty -= PAGES_PER_SEG;
			hs_part_seg_put(part, seg);
		}
		seg = next;
	}
}

void
hs_slab_reset(HsPart *part)
{
	uint32_t   *lists[2] = {&part->slab_open, &part->slab_full};

	for (int i = 0; i < 2; i++)
	{
		uint32_t	seg = *lists[i];

		while (seg != HS_SEG_NONE)
		{
			uint32_t	next = hs_segs[seg].next;

			hs_part_seg_put(part, seg);
			seg = next;
		}
		*lists[i] = HS_SEG_NONE;
	}
	part->slab_segs = part->slab_empty = 0;
	part->slab_dirty = false;
	memset(part->slab_partial, 0, sizeof(part->slab_partial));
	memset(part->slab_nfree, 0, sizeof(part->slab_nfree));
}

uint64_t
hs_slab_bytes(const HsPart *part)
{
	return ((uint64_t) part->slab_segs * PAGES_PER_SEG - part->slab_empty) * SLAB_PAGE;
}
