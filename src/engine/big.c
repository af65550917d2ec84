/*
 * big.c
 *	  String values above an eighth of a segment, see big.h.
 *
 * size = npages * segment + nchunks * CHUNK_DATA + tail, each as large as
 * can be.  A page chain hangs together by HsSeg.chain; its first page is in the partition's
 * list of large values, so that a reset finds it, and carries the pins.  From any page
 * HsSeg.jump leads some way down the chain, so that each is found in O(log n).
 *
 * Jumps as in E. Myers, "An Applicative Random-Access Stack", IPL 17, 1983.
 */
#include "big.h"

#include "log.h"
#include "racy.h"

#define CHUNK_RECORD	(HS_SEG_SIZE / 8)
#define CHUNK_DATA		(CHUNK_RECORD - 8 - sizeof(HsChunkHead))

typedef struct Shape
{
	uint32_t	npages;
	uint32_t	nchunks;
	uint32_t	tail;
} Shape;

size_t
hs_big_threshold(void)
{
	return HS_SEG_SIZE / 8 - 64;
}

static Shape
shape_of(size_t size)
{
	Shape		s;
	size_t		rest = size & (HS_SEG_SIZE - 1);

	s.npages = (uint32_t) (size >> hs_seg_shift);
	s.nchunks = (uint32_t) (rest / CHUNK_DATA);
	if (s.nchunks > HS_BIG_CHUNKS)
		s.nchunks = HS_BIG_CHUNKS;
	s.tail = (uint32_t) (rest - s.nchunks * CHUNK_DATA);
	return s;
}

/* A page in front of the chain that begins with 'next'. */
static void
push_page(uint32_t page, uint32_t next)
{
	HsSeg	   *s = &hs_segs[page];

	s->chain = next;
	s->jump = next;
	s->length = 1;
	atomic_store_explicit(&s->changed, 0, memory_order_relaxed);
	atomic_store_explicit(&s->value_changed, 0, memory_order_relaxed);
	if (next == HS_SEG_NONE)
		return;
	s->length += hs_segs[next].length;
	if (hs_segs[next].jump != HS_SEG_NONE)
	{
		uint32_t	far = hs_segs[next].jump;
		uint32_t	farther = hs_segs[far].jump;
		uint32_t	beyond = farther != HS_SEG_NONE ? hs_segs[farther].length : 0;

		if (hs_segs[next].length - hs_segs[far].length == hs_segs[far].length - beyond)
			s->jump = farther;
	}
}

uint32_t
hs_big_page(uint32_t first_page, uint32_t number)
{
	uint32_t	page = first_page;
	uint32_t	length = hs_segs[first_page].length - number;

	while (hs_segs[page].length > length)
	{
		uint32_t	far = hs_segs[page].jump;

		page = far != HS_SEG_NONE && hs_segs[far].length >= length ? far : hs_segs[page].chain;
	}
	return page;
}

uint32_t
hs_big_next_page(uint32_t page)
{
	return hs_segs[page].chain;
}

static void
read_head(HsRecord *record, HsBig *big)
{
	HsRecordView v;

	hs_record_view(record, &v);
	assert(v.flags & HS_RF_BIG);
	memcpy(big, v.value, sizeof(HsBig));
}

/*
 * ---- Writing --------------------------------------------------------------------
 */

static void
free_chain(uint32_t seg)
{
	while (seg != HS_SEG_NONE)
	{
		uint32_t	next = hs_segs[seg].chain;

		hs_seg_put(seg);
		seg = next;
	}
}

HsStatus
hs_big_prepare(HsHandle *h, size_t size, HsBigDraft *d, size_t *need)
{
	return hs_big_prepare_room(h, size, size, d, need);
}

HsStatus
hs_big_prepare_room(HsHandle *h, size_t size, size_t room, HsBigDraft *d, size_t *need)
{
	uint32_t	n = shape_of(room).npages;

	d->h = h;
	d->size = size;
	d->room = room;
	d->first_page = HS_SEG_NONE;
	d->npages = 0;
	if (n == 0)
		return HS_OK;
	if (!hs_charge(h->ks, (uint64_t) n << hs_seg_shift, false))
	{
		*need = room;
		return HS_NO_MEMORY;
	}
	for (uint32_t i = 0; i < n; i++)
	{
		uint32_t	seg = hs_seg_get(HS_SEG_BIG, false);

		if (seg == HS_SEG_NONE)
		{
			/* nothing was freed that hs_make_room() should hear of */
			atomic_fetch_sub_explicit(&h->ks->bytes, (uint64_t) n << hs_seg_shift,
									  memory_order_relaxed);
			free_chain(d->first_page);
			d->first_page = HS_SEG_NONE;
			*need = room;
			return HS_NO_MEMORY;
		}
		push_page(seg, d->first_page);
		d->first_page = seg;
	}
	d->npages = n;
	atomic_fetch_add_explicit(&h->ks->big_bytes, (uint64_t) n << hs_seg_shift,
							  memory_order_relaxed);
	return HS_OK;
}

static void
give_back_charge(HsKeyspace *ks, uint32_t npages)
{
	atomic_fetch_sub_explicit(&ks->big_bytes, (uint64_t) npages << hs_seg_shift,
							  memory_order_relaxed);
	hs_uncharge(ks, (uint64_t) npages << hs_seg_shift);
}

void
hs_big_discard(HsBigDraft *d)
{
	if (d->npages == 0)
		return;
	give_back_charge(d->h->ks, d->npages);
	free_chain(d->first_page);
	d->first_page = HS_SEG_NONE;
	d->npages = 0;
}

void
hs_big_fill(HsBigDraft *d, size_t offset, HsBytes bytes)
{
	uint32_t	page;

	if (bytes.size == 0 || offset >> hs_seg_shift >= d->npages)
		return;
	page = hs_big_page(d->first_page, (uint32_t) (offset >> hs_seg_shift));
	offset &= HS_SEG_SIZE - 1;
	for (; bytes.size > 0 && page != HS_SEG_NONE; page = hs_segs[page].chain)
	{
		size_t		n = HS_SEG_SIZE - offset;

		if (n > bytes.size)
			n = bytes.size;
		hs_copy(hs_seg_data(page) + offset, bytes.data, n);
		bytes.data += n;
		bytes.size -= n;
		offset = 0;
	}
}

size_t
hs_big_rest_offset(size_t room)
{
	return room & ~(HS_SEG_SIZE - 1);
}

/* A chunk record with 'data'; HS_REF_NONE without memory. */
static HsRef
new_chunk(HsOp *op, uint32_t number, const uint8_t *data)
{
	HsChunkHead head = {op->hash, number};
	uint32_t	value_size = sizeof(head) + CHUNK_DATA;
	uint16_t	flags = HS_CHUNK | hs_record_width_flags(0, value_size);
	uint32_t	header = hs_record_header_size(flags);
	HsRef		ref = hs_log_alloc(op->part, header + value_size, HS_LOG_S, HS_NEVER, false);
	uint8_t    *p;

	if (ref == HS_REF_NONE)
		return HS_REF_NONE;
	p = hs_ptr(ref);
	memcpy(p, &flags, 2);
	p[2] = 0;
	if (flags & HS_RF_VLEN32)
		memcpy(p + 3, &value_size, 4);
	else
	{
		uint16_t	n = (uint16_t) value_size;

		memcpy(p + 3, &n, 2);
	}
	memcpy(p + header, &head, sizeof(head));
	hs_copy(p + header + sizeof(head), data, CHUNK_DATA);
	return ref;
}

HsStatus
hs_big_reserve(HsOp *op, uint16_t flags, HsBigDraft *d, HsBytes rest,
			   int64_t expires_us, HsDraft *draft)
{
	Shape		shape = shape_of(d->room);
	HsBig		big = {0};
	HsStatus	status = HS_OK;

	assert(rest.size == shape.nchunks * CHUNK_DATA + shape.tail);
	big.size = d->size;
	big.first_page = d->first_page;
	big.npages = d->npages;
	big.tail_size = shape.tail;
	for (; big.nchunks < shape.nchunks; big.nchunks++)
	{
		HsRef		ref = new_chunk(op, big.nchunks, rest.data + big.nchunks * CHUNK_DATA);

		if (ref == HS_REF_NONE)
		{
			op->need = rest.size;
			status = HS_NO_MEMORY;
			break;
		}
		big.chunk[big.nchunks] = ref;
	}
	if (status == HS_OK)
		status = hs_reserve(op, flags | HS_RF_BIG, sizeof(HsBig) + shape.tail,
							expires_us, draft);
	if (status != HS_OK)
	{
		/* the pages go back before the next attempt, which needs them too */
		if (status == HS_NO_MEMORY)
			op->need += (size_t) d->npages << hs_seg_shift;
		for (uint32_t i = 0; i < big.nchunks; i++)
			hs_log_kill(op->part, hs_ptr(big.chunk[i]));
		return status;
	}
	memcpy(draft->value, &big, sizeof(big));
	hs_copy(draft->value + sizeof(big), rest.data + shape.nchunks * CHUNK_DATA, shape.tail);
	return HS_OK;
}

/* The record is about to be linked: its pages are the partition's now. */
void
hs_big_adopt(HsPart *part, HsRecord *record)
{
	HsBig		big;

	read_head(record, &big);
	if (big.npages == 0)
		return;
	part->next_version++;
	for (uint32_t seg = big.first_page; seg != HS_SEG_NONE; seg = hs_segs[seg].chain)
	{
		hs_segs[seg].keyspace = part->keyspace;
		hs_segs[seg].part = part->number;
		atomic_store_explicit(&hs_segs[seg].changed, part->next_version, memory_order_relaxed);
	}
	atomic_store_explicit(&hs_segs[big.first_page].value_changed, part->next_version,
						  memory_order_relaxed);
	hs_segs[big.first_page].prev = HS_SEG_NONE;
	hs_segs[big.first_page].next = part->big_first;
	if (part->big_first != HS_SEG_NONE)
		hs_segs[part->big_first].prev = big.first_page;
	part->big_first = big.first_page;
}

/* Pages without an owner: freed now, or by the last reader. */
static void
release_pages(HsPart *part, uint32_t first, uint32_t npages)
{
	uint32_t	pins;

	give_back_charge(hs_part_keyspace(part), npages);
	for (uint32_t seg = first; seg != HS_SEG_NONE; seg = hs_segs[seg].chain)
		hs_segs[seg].keyspace = UINT16_MAX;
	atomic_fetch_add_explicit(&hs_region->orphan_segs, npages, memory_order_relaxed);
	pins = atomic_fetch_or_explicit(&hs_segs[first].pins, HS_PIN_DEAD, memory_order_acq_rel);
	if (pins == 0)
	{
		atomic_fetch_sub_explicit(&hs_region->orphan_segs, npages, memory_order_relaxed);
		free_chain(first);
	}
}

bool
hs_big_has_chunk(HsRecord *record, uint32_t number, HsRef chunk)
{
	HsBig		big;

	if ((hs_record_flags(record) & HS_RF_BIG) == 0)
		return false;
	read_head(record, &big);
	return number < big.nchunks && big.chunk[number] == chunk;
}

void
hs_big_chunk_moved(HsRecord *record, uint32_t number, HsRef chunk)
{
	/* chunks are read under the lock only, so no version has to change */
	memcpy((uint8_t *) hs_value(record).data + offsetof(HsBig, chunk) +
		   number * sizeof(HsRef), &chunk, sizeof(HsRef));
}

void
hs_big_kill_chunks(HsPart *part, HsRecord *record)
{
	HsBig		big;

	read_head(record, &big);
	for (uint32_t i = 0; i < big.nchunks; i++)
		hs_log_kill(part, hs_ptr(big.chunk[i]));
}

void
hs_big_free(HsPart *part, HsRecord *record)
{
	HsBig		big;
	HsSeg	   *s;

	hs_big_kill_chunks(part, record);
	read_head(record, &big);
	if (big.npages == 0)
		return;
	s = &hs_segs[big.first_page];
	if (s->prev != HS_SEG_NONE)
		hs_segs[s->prev].next = s->next;
	else
		part->big_first = s->next;
	if (s->next != HS_SEG_NONE)
		hs_segs[s->next].prev = s->prev;
	release_pages(part, big.first_page, big.npages);
}

void
hs_big_reset(HsPart *part)
{
	uint32_t	first = part->big_first;

	part->big_first = HS_SEG_NONE;
	while (first != HS_SEG_NONE)
	{
		uint32_t	next = hs_segs[first].next;
		uint32_t	npages = 0;

		for (uint32_t seg = first; seg != HS_SEG_NONE; seg = hs_segs[seg].chain)
			npages++;
		release_pages(part, first, npages);
		first = next;
	}
}

/*
 * ---- Reading --------------------------------------------------------------------
 */

size_t
hs_big_size(HsRecord *record)
{
	HsBig		big;

	read_head(record, &big);
	return big.size;
}

uint32_t
hs_big_first_page(HsRecord *record)
{
	HsBig		big;

	read_head(record, &big);
	return big.first_page;
}

size_t
hs_big_room(HsRecord *record)
{
	HsBig		big;

	read_head(record, &big);
	return ((size_t) big.npages << hs_seg_shift) + big.nchunks * CHUNK_DATA + big.tail_size;
}

size_t
hs_big_in_pages(HsRecord *record)
{
	HsBig		big;
	size_t		pages;

	read_head(record, &big);
	pages = (size_t) big.npages << hs_seg_shift;
	return pages < big.size ? pages : big.size;
}

/* Do the first *left bytes of 'piece' stand at *p?  Moves both on. */
static bool
equals_next(const uint8_t *piece, size_t size, const uint8_t **p, size_t *left)
{
	if (size > *left)
		size = *left;
	if (memcmp(piece, *p, size) != 0)
		return false;
	*p += size;
	*left -= size;
	return true;
}

bool
hs_big_equals(HsRecord *record, HsBytes bytes)
{
	HsBig		big;
	HsRecordView v;
	const uint8_t *p = bytes.data;
	size_t		left = bytes.size;

	read_head(record, &big);
	if (big.size != bytes.size)
		return false;
	for (uint32_t seg = big.first_page; seg != HS_SEG_NONE; seg = hs_segs[seg].chain)
	{
		if (!equals_next(hs_seg_data(seg), HS_SEG_SIZE, &p, &left))
			return false;
	}
	for (uint32_t i = 0; i < big.nchunks; i++)
	{
		hs_record_view(hs_ptr(big.chunk[i]), &v);
		if (!equals_next(v.value + sizeof(HsChunkHead), CHUNK_DATA, &p, &left))
			return false;
	}
	hs_record_view(record, &v);
	return equals_next(v.value + sizeof(HsBig), big.tail_size, &p, &left);
}

/* Copy what [offset, offset+size) and a piece at 'start' have in common. */
static void
copy_common(uint8_t *dst, size_t offset, size_t size,
			const uint8_t *piece, size_t start, size_t piece_size)
{
	size_t		from = offset > start ? offset : start;
	size_t		to = offset + size < start + piece_size ? offset + size : start + piece_size;

	if (from < to)
		hs_copy(dst + (from - offset), piece + (from - start), to - from);
}

void
hs_big_copy_locked(HsRecord *record, size_t offset, uint8_t *dst, size_t size,
				   HsBigPin *pin)
{
	HsBig		big;
	HsRecordView v;
	size_t		start;

	read_head(record, &big);
	start = (size_t) big.npages << hs_seg_shift;
	*pin = (HsBigPin) HS_BIG_NO_PIN;
	if (offset < start && size > 0)
		hs_big_pin(record, pin);
	for (uint32_t i = 0; i < big.nchunks; i++)
	{
		hs_record_view(hs_ptr(big.chunk[i]), &v);
		copy_common(dst, offset, size, v.value + sizeof(HsChunkHead), start, CHUNK_DATA);
		start += CHUNK_DATA;
	}
	hs_record_view(record, &v);
	copy_common(dst, offset, size, v.value + sizeof(HsBig), start, big.tail_size);
}

void
hs_big_copy_pages(const HsBigPin *pin, size_t offset, uint8_t *dst, size_t size, uint64_t since)
{
	uint32_t	number = (uint32_t) (offset >> hs_seg_shift);
	uint32_t	page;

	if (number >= pin->npages)
		return;
	page = hs_big_page(pin->first_page, number);
	offset &= HS_SEG_SIZE - 1;
	for (; size > 0 && page != HS_SEG_NONE; page = hs_segs[page].chain)
	{
		size_t		n = HS_SEG_SIZE - offset;

		if (n > size)
			n = size;
		if (since == 0 || hs_big_page_changed(page, since))
			hs_big_page_read(page, offset, dst, n);
		dst += n;
		size -= n;
		offset = 0;
	}
}

void
hs_big_pin(HsRecord *record, HsBigPin *pin)
{
	HsBig		big;

	read_head(record, &big);
	*pin = (HsBigPin) HS_BIG_NO_PIN;
	if (big.npages == 0)
		return;
	pin->first_page = big.first_page;
	pin->npages = big.npages;
	pin->changed = atomic_load_explicit(&hs_segs[big.first_page].value_changed,
										memory_order_relaxed);
	atomic_fetch_add_explicit(&hs_segs[big.first_page].pins, 1, memory_order_acq_rel);
}

bool
hs_big_page_changed(uint32_t page, uint64_t since)
{
	return atomic_load_explicit(&hs_segs[page].changed, memory_order_relaxed) > since;
}

void
hs_big_page_read(uint32_t page, size_t offset, uint8_t *dst, size_t size)
{
	hs_racy_copy(dst, hs_seg_data(page) + offset, size);
}

/* The fence pairs with that of hs_big_change(). */
bool
hs_big_is_unchanged(const HsBigPin *pin)
{
	if (pin->first_page == HS_SEG_NONE)
		return true;
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&hs_segs[pin->first_page].value_changed,
								memory_order_relaxed) == pin->changed;
}

void
hs_big_unpin(HsBigPin *pin)
{
	uint32_t	pins;

	if (pin->first_page == HS_SEG_NONE)
		return;
	pins = atomic_fetch_sub_explicit(&hs_segs[pin->first_page].pins, 1, memory_order_acq_rel);
	if (pins == (HS_PIN_DEAD | 1))
	{
		atomic_fetch_sub_explicit(&hs_region->orphan_segs, pin->npages, memory_order_relaxed);
		free_chain(pin->first_page);
	}
	pin->first_page = HS_SEG_NONE;
}

/*
 * ---- Changing in place ----------------------------------------------------------
 */

/* Who sees any byte that is written after this sees that the value has changed. */
void
hs_big_change(HsOp *op, HsRecord *record)
{
	HsBig		big;

	read_head(record, &big);
	if (big.npages == 0)
		return;
	atomic_store_explicit(&hs_segs[big.first_page].value_changed, ++op->part->next_version,
						  memory_order_relaxed);
	atomic_thread_fence(memory_order_release);
}

static void
page_has_changed(const HsBig *big, uint32_t page)
{
	uint64_t	version = atomic_load_explicit(&hs_segs[big->first_page].value_changed,
											   memory_order_relaxed);

	atomic_store_explicit(&hs_segs[page].changed, version, memory_order_relaxed);
}

/* A piece that begins at 'start' gets what it has in common with the new bytes. */
static void
write_common(uint8_t *piece, size_t start, size_t piece_size,
			 size_t offset, const uint8_t *bytes, size_t size)
{
	size_t		from = offset > start ? offset : start;
	size_t		to = offset + size < start + piece_size ? offset + size : start + piece_size;

	if (from < to)
		hs_racy_copy(piece + (from - start), bytes + (from - offset), to - from);
}

void
hs_big_write(HsRecord *record, size_t offset, const uint8_t *bytes, size_t size)
{
	HsBig		big;
	HsRecordView v;
	size_t		start = offset & ~(HS_SEG_SIZE - 1);
	uint32_t	number = (uint32_t) (offset >> hs_seg_shift);

	assert(offset + size <= hs_big_room(record));
	read_head(record, &big);
	for (; number < big.npages && start < offset + size; number++, start += HS_SEG_SIZE)
	{
		uint32_t	page = hs_big_page(big.first_page, number);

		write_common(hs_seg_data(page), start, HS_SEG_SIZE, offset, bytes, size);
		page_has_changed(&big, page);
	}
	start = (size_t) big.npages << hs_seg_shift;
	for (uint32_t i = 0; i < big.nchunks; i++)
	{
		hs_record_view(hs_ptr(big.chunk[i]), &v);
		write_common(v.value + sizeof(HsChunkHead), start, CHUNK_DATA, offset, bytes, size);
		start += CHUNK_DATA;
	}
	hs_record_view(record, &v);
	write_common(v.value + sizeof(HsBig), start, big.tail_size, offset, bytes, size);
}

/* Pages that have more of the value than before count as changed. */
void
hs_big_grow(HsOp *op, HsRecord *record, size_t size)
{
	HsBig		big;
	uint64_t	size64 = size;

	assert(size <= hs_big_room(record));
	read_head(record, &big);
	for (size_t at = big.size & ~(HS_SEG_SIZE - 1);
		 at < size && at >> hs_seg_shift < big.npages; at += HS_SEG_SIZE)
		page_has_changed(&big, hs_big_page(big.first_page, (uint32_t) (at >> hs_seg_shift)));
	hs_poke(op, record, offsetof(HsBig, size), &size64, sizeof(size64));
}
