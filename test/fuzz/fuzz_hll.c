/*
 * fuzz_hll.c
 *	  Property: any bytes are refused, or behave.
 *
 * What passes hs_hll_check() is a sketch: operations on it give sketches,
 * do what their plans say, and merging is a union.  What only passes
 * hs_hll_is_sketch() may give nonsense but never touches a byte it should not
 * (memory is allocated to the byte, for AddressSanitizer).
 *
 * Input: a byte of flags, two bytes that tell where to cut the rest in two, then
 * both sketches.  Flags: the first or second is to be completed to a dense
 * one by repeating its bytes; entries are to be made valid and sorted.
 */
#include "fuzz.h"
#include "hll.h"

#define MAKE_DENSE	1			/* first sketch; shifted by 1 for the second */
#define MAKE_SORTED 4
#define TAME_REGISTERS	16

typedef struct Input
{
	uint8_t    *bytes;			/* exactly 'size' of them */
	size_t		size;
} Input;

static uint8_t *
allocate(size_t size)
{
	uint8_t    *p = malloc(size > 0 ? size : 1);

	MUST_SAY(p != NULL, "memory");
	return p;
}

static int
by_value(const void *a, const void *b)
{
	uint32_t	x,
				y;

	memcpy(&x, a, 4);
	memcpy(&y, b, 4);
	return (x > y) - (x < y);
}

static void
make_dense(Input *in, HsBytes raw, bool tame)
{
	in->size = HS_HLL_DENSE_SIZE;
	in->bytes = allocate(in->size);
	memset(in->bytes, 0, in->size);
	hs_hll_init(in->bytes);
	in->bytes[HS_HLL_AT_ENCODING] = HS_HLL_DENSE;
	if (raw.size == 0)
		return;
	for (size_t i = 0; i < HS_HLL_REGISTER_BYTES; i++)
		in->bytes[HS_HLL_HEADER + i] = raw.data[i % raw.size];
	for (unsigned i = 0; tame && i < HS_HLL_REGISTERS; i++)
		if (hs_hll_register(in->bytes + HS_HLL_HEADER, i) > 51)
		{
			unsigned	bit = i * 6 + 5;	/* the highest, which is set */

			in->bytes[HS_HLL_HEADER + bit / 8] ^= (uint8_t) (1u << bit % 8);
		}
}

/* Entries from the input, in order but not always valid. */
static void
make_sorted(Input *in, HsBytes raw)
{
	size_t		n = raw.size / 4;

	in->size = HS_HLL_HEADER + 4 * n;
	in->bytes = allocate(in->size);
	hs_hll_init(in->bytes);
	memcpy(in->bytes + HS_HLL_HEADER, raw.data, 4 * n);
	qsort(in->bytes + HS_HLL_HEADER, n, 4, by_value);
	in->bytes[HS_HLL_AT_COUNT] = (uint8_t) n;
	in->bytes[HS_HLL_AT_COUNT + 1] = (uint8_t) (n >> 8);
}

static void
make_raw(Input *in, HsBytes raw)
{
	in->size = raw.size;
	in->bytes = allocate(raw.size);
	hs_copy(in->bytes, raw.data, raw.size);
}

static void
make(Input *in, HsBytes raw, unsigned flags)
{
	if (flags & MAKE_DENSE)
		make_dense(in, raw, flags & TAME_REGISTERS);
	else if (flags & MAKE_SORTED && raw.size / 4 <= UINT16_MAX)
		make_sorted(in, raw);
	else
		make_raw(in, raw);
}

static bool
is_good(Input in)
{
	return hs_hll_check(hs_bytes(in.bytes, in.size)) == NULL;
}

static bool
equal(Input a, Input b)
{
	return hs_bytes_cmp(hs_bytes(a.bytes, a.size), hs_bytes(b.bytes, b.size)) == 0;
}

static Input
merged(Input a, Input b, bool good)
{
	HsHllPlan	plan = hs_hll_plan_merge(a.bytes, b.bytes);
	size_t		room = hs_hll_merge_room(a.bytes, b.bytes);
	size_t		capacity = good ? plan.size : room;
	Input		out = {allocate(capacity), 0};

	MUST_SAY(plan.size <= room && room <= HS_HLL_MAX_SIZE, "the plan fits");
	memcpy(out.bytes, a.bytes, a.size);
	hs_hll_merge(out.bytes, capacity, b.bytes);
	out.size = hs_hll_size(out.bytes);
	MUST_SAY(out.size <= capacity, "the result fits");
	if (good)
	{
		MUST_SAY(is_good(out), "a union is a sketch");
		MUST_SAY(out.size == plan.size, "the plan knows the size");
		MUST_SAY(plan.changes == !equal(a, out), "the plan knows of changes");
		MUST_SAY(!hs_hll_plan_merge(out.bytes, b.bytes).changes, "a union holds both");
	}
	return out;
}

static void
try_adding(Input in, uint64_t hash, bool good)
{
	size_t		room = hs_hll_add_room(in.bytes);
	Input		out = {allocate(room), 0};
	HsHllAdded	added;

	memcpy(out.bytes, in.bytes, in.size);
	added = hs_hll_add(out.bytes, room, hash);
	MUST_SAY(added != HS_HLL_FULL, "there was room for one more");
	out.size = hs_hll_size(out.bytes);
	if (good)
	{
		MUST_SAY(is_good(out), "with one more it is a sketch");
		MUST_SAY((added == HS_HLL_CHANGED) == !equal(in, out), "adding tells of changes");
		MUST_SAY(hs_hll_add(out.bytes, room, hash) == HS_HLL_SAME, "twice is once");
	}
	free(out.bytes);
}

static void
try_merging(Input a, Input b)
{
	bool		good = is_good(a) && is_good(b);
	Input		ab = merged(a, b, good);
	Input		ba = merged(b, a, good);

	if (good)
		MUST_SAY(equal(ab, ba), "a union does not depend on order");
	free(ab.bytes);
	free(ba.bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	Input		in[2];
	bool		usable = true;
	size_t		cut;

	if (size < 3)
		return 0;
	cut = (size_t) (data[1] | data[2] << 8) % (size - 2);
	make(&in[0], hs_bytes(data + 3, cut), data[0]);
	make(&in[1], hs_bytes(data + 3 + cut, size - 3 - cut), data[0] >> 1);
	for (int i = 0; i < 2; i++)
	{
		bool		sketch = hs_hll_is_sketch(hs_bytes(in[i].bytes, in[i].size), false);

		MUST_SAY(sketch || !is_good(in[i]), "a good sketch is a sketch");
		usable = usable && sketch;
		if (!sketch)
			continue;
		MUST_SAY(hs_hll_estimate(in[i].bytes) >= 0, "no negative count");
		try_adding(in[i], UINT64_C(0x9e3779b97f4a7c15) * (size + data[0]), is_good(in[i]));
		try_adding(in[i], 0, is_good(in[i]));
	}
	if (usable)
	{
		try_merging(in[0], in[1]);
		try_merging(in[0], in[0]);
	}
	free(in[0].bytes);
	free(in[1].bytes);
	return 0;
}
