/*
 * test_bits.c
 *	  Bits and small integers in strings: against arrays of bytes, and while the
 *	  value is being read.
 */
#include <pthread.h>

#include "heap_test.h"
#include "keys_test.h"
#include "port_test.h"
#include "strings_test.h"
#include "test.h"

#define MB	((size_t) 1 << 20)
#define B(s) hs_bytes_str(s)
#define MODEL_KEYS 6
#define MODEL_MAX (3 * MB)
#define LOG		(256 * MB)

static HsHandle h;
static HsHandle other;
static Runner r;
static TestRandom rnd;

static void
open_store(void)
{
	heap_open(48 * MB);
	heap_keyspace(&h, 1, HS_EVICT_NONE, 0);
	run_open(&r, &h, HEAP_NOW);
	rnd = (TestRandom) {test_seed(11)};
}

static void
close_store(void)
{
	run_close(&r);
	heap_finish(&h);
}

static void
set(HsBytes key, HsBytes value, uint16_t flags)
{
	HsSetRule	always = {.expires_us = HS_NEVER};
	bool		done;

	REQUIRE_EQ(run_set(&r, key, value, flags, &always, false, &done), HS_OK);
}

/* One field; what the command says of it. */
static HsStatus
field(HsBytes key, HsFieldKind kind, int width, int64_t offset, int64_t value, int64_t *result)
{
	HsField		f = {.kind = kind,.width = (uint8_t) width,.offset = offset,.value = value};
	HsStatus	status = run_fields(&r, key, &f, 1, HS_NEVER);

	*result = f.result;
	return status;
}

static bool
set_bit(HsBytes key, int64_t bit, bool value)
{
	int64_t		was = -1;

	CHECK_EQ(field(key, HS_FIELD_SET, 1, bit, value, &was), HS_OK);
	return was != 0;
}

static bool
get_bit(HsBytes key, int64_t bit)
{
	int64_t		is = -1;

	CHECK_EQ(field(key, HS_FIELD_GET, 1, bit, 0, &is), HS_OK);
	return is != 0;
}

static int64_t
count(HsBytes key, int64_t start, int64_t stop, bool by_bit)
{
	HsBitRange	range = {start, stop, by_bit, false};
	HsType		found;
	int64_t		n = -1;

	CHECK_EQ(hs_bits_count(&h, key, r.now_us, &range, &n, &found), HS_OK);
	return n;
}

static int64_t
find(HsBytes key, bool bit, int64_t start, int64_t stop, bool by_bit, bool no_stop)
{
	HsBitRange	range = {start, stop, by_bit, no_stop};
	HsType		found;
	int64_t		at = -2;

	CHECK_EQ(hs_bits_find(&h, key, r.now_us, &range, bit, &at, &found), HS_OK);
	return at;
}

/*
 * ---- Cases ---------------------------------------------------------------------
 */

/* The first bit of a byte is its highest. */
static void
bits_count_from_the_highest(void)
{
	open_store();
	CHECK(!set_bit(B("k"), 7, true));
	CHECK(set_bit(B("k"), 7, true));
	CHECK(!set_bit(B("k"), 1, true));
	CHECK_EQ(run_get(&r, B("k")), HS_OK);
	CHECK_BYTES(run_text(&r), B("A"));
	CHECK(get_bit(B("k"), 1));
	CHECK(!get_bit(B("k"), 0));
	CHECK(!get_bit(B("k"), 8));
	CHECK(!get_bit(B("k"), HS_MAX_BITS - 1));
	CHECK(!get_bit(B("nothing"), 3));
	CHECK_EQ(run_get(&r, B("nothing")), HS_NOT_FOUND);
	CHECK(!set_bit(B("nothing"), 20, false));	/* makes three bytes of zeros */
	CHECK_EQ(run_get(&r, B("nothing")), HS_OK);
	CHECK_BYTES(run_text(&r), hs_bytes("\0\0\0", 3));
	close_store();
}

static void
fields_overflow(void)
{
	static const struct
	{
		bool		is_signed;
		int			width;
		HsFieldKind kind;
		HsFieldOverflow overflow;
		int64_t		before;
		int64_t		value;
		int64_t		result;
		int64_t		after;
		bool		failed;
	}			cases[] = {
		{false, 8, HS_FIELD_INCR, HS_FIELD_WRAP, 250, 10, 4, 4, false},
		{false, 8, HS_FIELD_INCR, HS_FIELD_SAT, 250, 10, 255, 255, false},
		{false, 8, HS_FIELD_INCR, HS_FIELD_FAIL, 250, 10, 0, 250, true},
		{false, 8, HS_FIELD_INCR, HS_FIELD_SAT, 3, -10, 0, 0, false},
		{false, 8, HS_FIELD_INCR, HS_FIELD_WRAP, 3, -10, 249, 249, false},
		{true, 8, HS_FIELD_INCR, HS_FIELD_WRAP, 120, 10, -126, -126, false},
		{true, 8, HS_FIELD_INCR, HS_FIELD_SAT, 120, 10, 127, 127, false},
		{true, 8, HS_FIELD_INCR, HS_FIELD_SAT, -120, -10, -128, -128, false},
		{true, 8, HS_FIELD_INCR, HS_FIELD_FAIL, -120, -10, 0, -120, true},
		{true, 64, HS_FIELD_INCR, HS_FIELD_WRAP, INT64_MAX, 1, INT64_MIN, INT64_MIN, false},
		{true, 64, HS_FIELD_INCR, HS_FIELD_SAT, INT64_MIN, -1, INT64_MIN, INT64_MIN, false},
		{true, 64, HS_FIELD_INCR, HS_FIELD_FAIL, INT64_MIN, INT64_MAX, -1, -1, false},
		{false, 63, HS_FIELD_INCR, HS_FIELD_SAT, INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, false},
		{false, 63, HS_FIELD_INCR, HS_FIELD_WRAP, INT64_MAX, 1, 0, 0, false},
		{true, 1, HS_FIELD_INCR, HS_FIELD_WRAP, 0, 1, -1, -1, false},
		{true, 1, HS_FIELD_SET, HS_FIELD_SAT, 0, 5, 0, 0, false},
		{false, 1, HS_FIELD_SET, HS_FIELD_WRAP, 1, 2, 1, 0, false},
		{false, 5, HS_FIELD_SET, HS_FIELD_SAT, 7, 99, 7, 31, false},
		{false, 5, HS_FIELD_SET, HS_FIELD_SAT, 7, -1, 7, 31, false},
		{false, 5, HS_FIELD_SET, HS_FIELD_FAIL, 7, 32, 0, 7, true},
		{true, 5, HS_FIELD_SET, HS_FIELD_WRAP, 7, 17, 7, -15, false},
		{true, 5, HS_FIELD_SET, HS_FIELD_SAT, 7, -17, 7, -16, false},
	};

	open_store();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int64_t offset = 0; offset < 70; offset += 11)
		{
			HsField		f[3] = {
				{.kind = HS_FIELD_SET,.value = cases[i].before},
				{.kind = cases[i].kind,.value = cases[i].value,.overflow = cases[i].overflow},
				{.kind = HS_FIELD_GET}
			};

			CASE("case %zu at %d", i, (int) offset);
			for (int j = 0; j < 3; j++)
			{
				f[j].width = (uint8_t) cases[i].width;
				f[j].is_signed = cases[i].is_signed;
				f[j].offset = offset;
			}
			CHECK_EQ(run_fields(&r, B("f"), f, 3, HS_NEVER), HS_OK);
			CHECK_EQ(f[1].failed, cases[i].failed);
			if (!f[1].failed)
				CHECK_EQ(f[1].result, cases[i].result);
			CHECK_EQ(f[2].result, cases[i].after);
		}
	close_store();
}

/* What is refused, and that a counter is the text it reads as. */
static void
other_kinds_of_values(void)
{
	HsBitRange	all = {0, -1, false, false};
	HsType		found;
	int64_t		n;
	size_t		size;
	HsBytes		keys[2] = {B("json"), B("dest")};

	open_store();
	set(B("json"), B("{}"), HS_RF_JSONB);
	CHECK_EQ(field(B("json"), HS_FIELD_GET, 1, 0, 0, &n), HS_WRONG_TYPE);
	CHECK_EQ(field(B("json"), HS_FIELD_SET, 1, 0, 1, &n), HS_WRONG_TYPE);
	CHECK_EQ(r.found, HS_STRING);
	CHECK_EQ(hs_bits_count(&h, B("json"), r.now_us, &all, &n, &found), HS_WRONG_TYPE);
	CHECK_EQ(hs_bits_find(&h, B("json"), r.now_us, &all, true, &n, &found), HS_WRONG_TYPE);
	CHECK_EQ(run_combine(&r, HS_BITS_NOT, keys, 1, HS_NEVER, &size), HS_WRONG_TYPE);
	CHECK_EQ(r.found, HS_STRING);
	CHECK_EQ(run_incr(&r, B("n"), 12, HS_NEVER, &n), HS_OK);
	CHECK_EQ(count(B("n"), 0, -1, false), 6);	/* "12": 0x31, 0x32 */
	CHECK_EQ(find(B("n"), true, 0, -1, false, false), 2);
	CHECK(!set_bit(B("n"), 7 + 8, true));
	CHECK_EQ(run_get(&r, B("n")), HS_OK);
	CHECK_EQ(r.got.flags, 0);
	CHECK_BYTES(run_text(&r), B("13"));
	CHECK_EQ(run_incr(&r, B("n"), 1, HS_NEVER, &n), HS_OK);
	CHECK_EQ(n, 14);

	set(B("t"), B("text"), HS_RF_TEXT);
	CHECK(!set_bit(B("t"), 0, false));	/* changes nothing */
	CHECK_EQ(run_get(&r, B("t")), HS_OK);
	CHECK_EQ(r.got.flags, HS_RF_TEXT);
	CHECK(!set_bit(B("t"), 0, true));
	CHECK_EQ(run_get(&r, B("t")), HS_OK);
	CHECK_EQ(r.got.flags, 0);

	r.max_value = 100;
	CHECK_EQ(field(B("t"), HS_FIELD_SET, 1, 800, 0, &n), HS_VALUE_TOO_LONG);
	CHECK_EQ(field(B("t"), HS_FIELD_SET, 1, 799, 0, &n), HS_OK);
	r.max_value = MB;
	CHECK_EQ(field(B("t"), HS_FIELD_SET, 1, (int64_t) MB * 8, 1, &n), HS_VALUE_TOO_LONG);
	CHECK_EQ(field(B("t"), HS_FIELD_SET, 1, (int64_t) MB * 8 - 1, 1, &n), HS_OK);
	CHECK_EQ(field(B("t"), HS_FIELD_GET, 8, (int64_t) MB * 8 - 1, 1, &n), HS_OK);
	CHECK_EQ(n, 128);			/* half of the field is behind the end */
	close_store();
}

/*
 * ---- Against arrays of bytes ---------------------------------------------------------
 */

static uint8_t *model[MODEL_KEYS];	/* MODEL_MAX bytes each, zero behind the value */
static size_t model_size[MODEL_KEYS];
static bool model_exists[MODEL_KEYS];
static char names[MODEL_KEYS][8];
static HsEffects fx;

static HsBytes
name(size_t i)
{
	return hs_bytes(names[i], (size_t) sprintf(names[i], "key%zu", i));
}

/* Also where the layout changes: threshold, chunks, pages. */
static size_t
random_size(void)
{
	switch (test_below(&rnd, 8))
	{
		case 0:
			return hs_big_threshold() - 2 + test_below(&rnd, 5);
		case 1:
			return (1 + test_below(&rnd, 4)) * HS_SEG_SIZE - 2 + test_below(&rnd, 5);
		case 2:
			return test_below(&rnd, MODEL_MAX / 2);
		case 3:
			return test_below(&rnd, 200000);
		default:
			return test_below(&rnd, 40);
	}
}

static int64_t
model_get(const uint8_t *bytes, const HsField *f)
{
	uint64_t	raw = 0;

	for (int64_t bit = f->offset; bit < f->offset + f->width; bit++)
		raw = raw << 1 | ((bytes[bit / 8] >> (7 - bit % 8)) & 1);
	if (f->is_signed && f->width < 64 && (raw >> (f->width - 1)) & 1)
		raw |= UINT64_MAX << f->width;
	return (int64_t) raw;
}

static void
model_put(uint8_t *bytes, const HsField *f, int64_t value)
{
	for (int i = 0; i < f->width; i++)
	{
		int64_t		bit = f->offset + f->width - 1 - i;
		uint8_t		mask = (uint8_t) (0x80 >> bit % 8);

		if (((uint64_t) value >> i) & 1)
			bytes[bit / 8] |= mask;
		else
			bytes[bit / 8] &= (uint8_t) ~mask;
	}
}

static void
do_fields(size_t i)
{
	HsField		f[12];
	size_t		n = 1 + test_below(&rnd, 12);
	bool		reads_only = test_below(&rnd, 4) == 0;
	size_t		base = test_below(&rnd, 3) ? test_below(&rnd, model_size[i] + 1) : random_size();
	size_t		spread = test_below(&rnd, 2) ? 20 : MODEL_MAX / 3;
	size_t		end = model_size[i];

	for (size_t j = 0; j < n; j++)
	{
		f[j] = (HsField) {
			.kind = reads_only ? HS_FIELD_GET : (HsFieldKind) test_below(&rnd, 3),
			.overflow = (HsFieldOverflow) test_below(&rnd, 3),.is_signed = test_below(&rnd, 2),
			.value = (int64_t) test_random(&rnd) >> test_below(&rnd, 64)
		};
		f[j].width = (uint8_t) (1 + test_below(&rnd, f[j].is_signed ? 64 : 63));
		f[j].offset = (int64_t) ((base * 8 + test_below(&rnd, spread * 8)) % (MODEL_MAX * 8 - 64));
		if (f[j].kind != HS_FIELD_GET && ((size_t) f[j].offset + f[j].width + 7) / 8 > end)
			end = ((size_t) f[j].offset + f[j].width + 7) / 8;
	}
	CHECK_EQ(run_fields(&r, name(i), f, n, HS_NEVER), HS_OK);
	for (size_t j = 0; j < n; j++)
	{
		int64_t		was = model_get(model[i], &f[j]);
		uint64_t	top = UINT64_MAX >> (64 - f[j].width);
		int64_t		max = (int64_t) (f[j].is_signed ? top >> 1 : top);
		int64_t		min = f[j].is_signed ? -max - 1 : 0;
		int64_t		base_value = f[j].kind == HS_FIELD_INCR ? was : 0;
		bool		over = f[j].value > 0 && base_value > max - f[j].value;
		bool		under = f[j].value < 0 && base_value < min - f[j].value;
		int64_t		next = (int64_t) ((uint64_t) base_value + (uint64_t) f[j].value);
		HsField		sign_only = f[j];

		if (f[j].kind == HS_FIELD_SET && !f[j].is_signed && f[j].value < 0)
		{
			over = true;		/* taken for a large number, as in Redis */
			under = false;
		}
		CHECK_EQ(f[j].failed, f[j].kind != HS_FIELD_GET && (over || under) &&
				 f[j].overflow == HS_FIELD_FAIL);
		if (f[j].kind == HS_FIELD_GET || f[j].failed)
		{
			if (!f[j].failed)
				CHECK_EQ(f[j].result, was);
			continue;
		}
		if (f[j].overflow == HS_FIELD_SAT && (over || under))
			next = over ? max : min;
		model_put(model[i], &f[j], next);
		CHECK_EQ(f[j].result, f[j].kind == HS_FIELD_SET ? was : model_get(model[i], &sign_only));
	}
	if (end > model_size[i])
		model_size[i] = end;
	model_exists[i] |= model_size[i] > 0;
}

static void
do_put(size_t i)
{
	size_t		size = random_size();

	for (size_t j = 0; j < size; j++)
		model[i][j] = test_below(&rnd, 3) ? 0 : (uint8_t) test_random(&rnd);
	if (model_size[i] > size)
		memset(model[i] + size, 0, model_size[i] - size);
	model_size[i] = size;
	model_exists[i] = true;
	set(name(i), hs_bytes(model[i], size), 0);
}

/* Commands that copy values with room to spare. */
static void
do_edit(size_t i)
{
	size_t		j = test_below(&rnd, MODEL_KEYS);
	size_t		n = test_below(&rnd, 3) ? test_below(&rnd, 50) : random_size() / 4;
	size_t		size;
	bool		done;

	if (test_below(&rnd, 2) && i != j && model_exists[i])
	{
		CHECK_EQ(run_move(&r, name(i), name(j), true, true, &done), HS_OK);
		memcpy(model[j], model[i], MODEL_MAX);
		model_size[j] = model_size[i];
		model_exists[j] = true;
		return;
	}
	if (model_size[i] + n > MODEL_MAX)
		return;
	for (size_t k = 0; k < n; k++)
		model[i][model_size[i] + k] = (uint8_t) (k + i);
	CHECK_EQ(run_edit(&r, name(i), hs_bytes(model[i] + model_size[i], n), false, true, 0, &size), HS_OK);
	model_size[i] += n;
	model_exists[i] = true;
}

static void
do_combine(void)
{
	size_t		pick[5];
	HsBytes		keys[5];
	size_t		n = 1 + test_below(&rnd, 4);
	HsBitsHow	how = n == 1 ? HS_BITS_NOT : (HsBitsHow) test_below(&rnd, 3);
	uint8_t    *sum = calloc(1, MODEL_MAX);
	size_t		longest = 0;
	size_t		size;

	for (size_t j = 0; j <= n; j++)
	{
		pick[j] = test_below(&rnd, MODEL_KEYS);
		keys[j] = name(pick[j]);
		if (j < n && model_size[pick[j]] > longest)
			longest = model_size[pick[j]];
	}
	for (size_t k = 0; k < longest; k++)
	{
		sum[k] = how == HS_BITS_NOT ? (uint8_t) ~model[pick[0]][k] : model[pick[0]][k];
		for (size_t j = 1; j < n; j++)
		{
			uint8_t		byte = model[pick[j]][k];

			sum[k] = (uint8_t) (how == HS_BITS_AND ? sum[k] & byte :
								how == HS_BITS_OR ? sum[k] | byte : sum[k] ^ byte);
		}
	}
	CHECK_EQ(run_combine(&r, how, keys, n, HS_NEVER, &size), HS_OK);
	CHECK_EQ(size, longest);
	memcpy(model[pick[n]], sum, MODEL_MAX);
	model_size[pick[n]] = longest;
	model_exists[pick[n]] = longest > 0;
	free(sum);
}

static int64_t
random_index(size_t size)
{
	switch (test_below(&rnd, 4))
	{
		case 0:
			return (int64_t) test_below(&rnd, 2 * size + 3) - (int64_t) size - 1;
		case 1:
			return -1 - (int64_t) test_below(&rnd, 3);
		default:
			return (int64_t) test_below(&rnd, size + 1);
	}
}

static void
do_search(size_t i)
{
	bool		by_bit = test_below(&rnd, 2);
	bool		bit = test_below(&rnd, 2);
	bool		no_stop = test_below(&rnd, 3) == 0;
	int64_t		total = (int64_t) model_size[i] * (by_bit ? 8 : 1);
	int64_t		start = random_index((size_t) total);
	int64_t		stop = random_index((size_t) total);
	int64_t		from = start < 0 ? start + total : start;
	int64_t		to = stop < 0 ? stop + total : stop;
	int64_t		ones = 0;
	int64_t		first = -1;

	if (no_stop)
		to = total - 1;
	from = from < 0 ? 0 : from;
	to = to < 0 ? 0 : to;
	to = to >= total ? total - 1 : to;
	for (int64_t b = from * (by_bit ? 1 : 8); from <= to && b < (to + 1) * (by_bit ? 1 : 8); b++)
	{
		bool		is = (model[i][b / 8] >> (7 - b % 8)) & 1;

		ones += is;
		if (is == bit && first < 0)
			first = b;
	}
	if (first < 0 && !bit && no_stop && from <= to)
		first = (int64_t) model_size[i] * 8;
	if (!model_exists[i])
		first = bit ? -1 : 0;
	CHECK_EQ(find(name(i), bit, start, stop, by_bit, no_stop), first);
	if (no_stop)
		return;
	if (start < 0 && stop < 0 && start > stop)
		ones = 0;
	CHECK_EQ(count(name(i), start, stop, by_bit), ones);
}

static void
check_model(void)
{
	for (size_t i = 0; i < MODEL_KEYS; i++)
	{
		HsStatus	status = run_get(&r, name(i));

		if (!CHECK_EQ(status, model_exists[i] ? HS_OK : HS_NOT_FOUND) || status != HS_OK)
			continue;
		CHECK_EQ(r.got.size, model_size[i]);
		CHECK(memcmp(r.got.buf, model[i], model_size[i]) == 0);
	}
}

static void
model_open(void)
{
	open_store();
	r.max_value = MODEL_MAX;
	for (size_t i = 0; i < MODEL_KEYS; i++)
	{
		model[i] = calloc(1, MODEL_MAX + 16);
		model_size[i] = 0;
		model_exists[i] = false;
	}
}

static void
model_close(void)
{
	for (size_t i = 0; i < MODEL_KEYS; i++)
		free(model[i]);
	close_store();
}

static void
run_model(int steps)
{
	for (int step = 0; step < steps; step++)
	{
		size_t		i = test_below(&rnd, MODEL_KEYS);

		CASE("step %d", step);
		switch (test_below(&rnd, 16))
		{
			case 0:
				do_put(i);
				break;
			case 1:
				do_edit(i);
				break;
			case 2:
				do_combine();
				break;
			case 3:
			case 4:
			case 5:
				do_search(i);
				break;
			default:
				do_fields(i);
		}
		if (step % 25 == 0)
			check_model();
		if (step % 200 == 0)
			heap_check(&h);
		if (test_failures > 0)
			break;
	}
	check_model();
}

static void
as_a_model_does(void)
{
	model_open();
	run_model((int) test_scaled(1500));
	model_close();
}

/* The effects alone make the same contents. */
static void
effects_say_it_all(void)
{
	Runner		b;

	model_open();
	heap_keyspace(&other, 2, HS_EVICT_NONE, 0);
	run_open(&b, &other, HEAP_NOW);
	fx = (HsEffects) {.data = malloc(LOG),.capacity = LOG};
	r.effects = &fx;
	for (int i = 0; i < 60; i++)
	{
		run_model(5);
		CHECK_EQ(run_replay(&r, &other), HS_OK);
		CHECK(run_equal(&r, &b));
	}
	fx.capacity = 30;			/* too little for anything large: then nothing happens */
	for (size_t i = 0; i < MODEL_KEYS; i++)
	{
		HsField		f = {.kind = HS_FIELD_INCR,.width = 8,.offset = 8 * (int64_t) test_below(&rnd, model_size[i] + 100),.value = 1};
		HsBytes		keys[2] = {name(i), name((i + 1) % MODEL_KEYS)};
		size_t		size;

		fx.size = 0;
		if (model_size[i] < 20)
			continue;
		r.no_room = true;
		CHECK_EQ(run_fields(&r, name(i), &f, 1, HS_NEVER), HS_NO_MEMORY);
		CHECK_EQ(run_combine(&r, HS_BITS_NOT, keys, 1, HS_NEVER, &size), HS_NO_MEMORY);
	}
	check_model();
	free(fx.data);
	run_close(&b);
	hs_keyspace_drop(HEAP_DB, 2);
	r.effects = NULL;
	model_close();
}

/* The n-th allocation fails, for every n: nothing has changed, nothing is lost. */
static void
every_allocation_fails(void)
{
	static const size_t sizes[] = {0, 10, 16000, 16500, 100000, 500000};

	model_open();
	for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++)
		for (int what = 0; what < 3; what++)
		{
			bool		failed = true;

			for (int n = 0; failed && n < 200; n++)
			{
				HsField		f[2] = {
					{.kind = HS_FIELD_SET,.width = 8,.offset = 0,.value = 0x55},
					{.kind = HS_FIELD_SET,.width = 8,.offset = (int64_t) sizes[k] * 8 + (what == 1 ? 2000000 : 0),.value = 1}
				};
				HsBytes		keys[2] = {name(0), name(1)};
				size_t		size;
				HsStatus	status;

				CASE("%zu bytes, %d, allocation %d", sizes[k], what, n);
				memset(model[0], 7, sizes[k]);
				if (sizes[k] > 0)
					set(name(0), hs_bytes(model[0], sizes[k]), 0);
				r.no_room = true;
				heap_fail_after(n);
				status = what == 2 ? run_combine(&r, HS_BITS_NOT, keys, 1, HS_NEVER, &size) :
					run_fields(&r, name(0), f, 2, HS_NEVER);
				heap_fail_after(-1);
				r.no_room = false;
				failed = status == HS_NO_MEMORY;
				CHECK(failed || status == HS_OK);
				if (failed && sizes[k] > 0)
				{
					CHECK_EQ(run_get(&r, name(0)), HS_OK);
					CHECK_BYTES(run_text(&r), hs_bytes(model[0], sizes[k]));
				}
				heap_check(&h);
			}
			CHECK(!failed);
		}
	for (size_t i = 0; i < MODEL_KEYS; i++)
		memset(model[i], 0, MODEL_MAX);
	model_close();
}

/*
 * ---- While it is being read ------------------------------------------------------
 */

#define BITMAP	(MB + 70000)	/* pages, chunks and a tail */

/* A value with room is compared, dumped, and loses it when it is copied. */
static void
room_is_not_part_of_the_value(void)
{
	HsBytes		keys[2] = {B("a"), B("b")};
	HsStats		s;
	uint64_t	before;
	bool		done;

	open_store();
	for (size_t size = hs_big_threshold() + 1; size < 2 * MB; size = size * 5 / 4)
	{
		HsSetRule	if_equal = {.only = HS_SET_IF_EQUAL,.expires_us = HS_NEVER};
		uint8_t    *want = calloc(1, size);
		HsBytes		dump;
		uint8_t    *copy;

		CASE("%zu bytes", size);
		CHECK_EQ(run_del(&r, keys[0], &done), HS_OK);
		(void) set_bit(keys[0], (int64_t) size * 8 - 1, true);
		want[size - 1] = 1;
		CHECK_EQ(run_get(&r, keys[0]), HS_OK);
		CHECK_BYTES(run_text(&r), hs_bytes(want, size));
		CHECK_EQ(run_move(&r, keys[0], keys[1], true, true, &done), HS_OK);
		CHECK_EQ(run_get(&r, keys[1]), HS_OK);
		CHECK_BYTES(run_text(&r), hs_bytes(want, size));
		CHECK_EQ(run_dump(&r, keys[0]), HS_OK);
		copy = malloc(r.got.size);
		dump = hs_bytes(memcpy(copy, r.buf, r.got.size), r.got.size);
		CHECK_EQ(run_restore(&r, keys[1], dump, true, HS_NEVER, &done), HS_OK);
		CHECK_EQ(run_get(&r, keys[1]), HS_OK);
		CHECK_BYTES(run_text(&r), hs_bytes(want, size));
		free(copy);
		if_equal.expected = hs_bytes(want, size);
		CHECK_EQ(run_set(&r, keys[0], B("new"), 0, &if_equal, false, &done), HS_OK);
		CHECK(done);
		free(want);
	}
	/* bit after bit: little is copied */
	CHECK_EQ(run_del(&r, keys[0], &done), HS_OK);
	(void) set_bit(keys[0], (int64_t) MB * 8, true);
	before = keys_stats(&h).log_bytes;
	for (int64_t i = 1; i < 2000; i++)
		(void) set_bit(keys[0], (int64_t) MB * 8 + i * 8, true);
	s = keys_stats(&h);
	CHECK(s.log_bytes <= before + HS_SEG_SIZE);
	CHECK_EQ(count(keys[0], 0, -1, false), 2000);
	close_store();
}

/* Reads of a value that is changed before its pages were copied. */
static void
readers_notice_changes(void)
{
	uint8_t    *want = calloc(1, BITMAP + 200000);
	HsOp		op;
	HsGot		got;

	open_store();
	for (int what = 0; what < 5; what++)
	{
		size_t		size = BITMAP;
		int			rounds = 0;

		CASE("change %d", what);
		memset(want, 0xaa, BITMAP);
		memset(want + BITMAP, 0, 200000);
		set(B("k"), hs_bytes(want, BITMAP), 0);
		if (what == 3)			/* grown once, it has room to grow in place */
			(void) set_bit(B("k"), (int64_t) size++ * 8, false);
		hs_got_init(&got, r.buf, r.capacity);
		do
		{
			REQUIRE_EQ(hs_op_begin(&op, &h, B("k"), HS_SHARED, r.now_us), HS_OK);
			REQUIRE_EQ(hs_string_get(&op, &got), HS_OK);
			hs_op_end(&op);
			if (rounds == 0)
				CHECK_EQ(got.size, size);
			if (what == 0 && rounds == 0)
			{
				(void) set_bit(B("k"), 1, true);
				want[0] |= 0x40;
			}
			if (what == 1 && rounds < 2)
			{
				(void) set_bit(B("k"), (int64_t) (MB - 1) * 8 + 1, true);
				want[MB - 1] |= 0x40;
				(void) set_bit(B("k"), (int64_t) (BITMAP - 1) * 8 + rounds * 2 + 1, true);
				want[BITMAP - 1] |= (uint8_t) (0x40 >> rounds * 2);
			}
			if (what == 2)		/* always another: until it is read under the lock */
			{
				(void) set_bit(B("k"), rounds * 3 * 8 + 1, true);
				want[rounds * 3] |= 0x40;
			}
			if (what == 3 && rounds < 2)
			{
				(void) set_bit(B("k"), (int64_t) (BITMAP + 100 + (size_t) rounds * 60000) * 8 + 7, true);
				want[BITMAP + 100 + (size_t) rounds * 60000] = 1;
			}
			if (what == 4 && rounds == 0)
			{
				memset(want, 0xbb, BITMAP);
				set(B("k"), hs_bytes(want, BITMAP), 0);
			}
			rounds++;
		} while (!hs_got_finish(&got));
		if (what == 4)			/* that one was replaced: what it held is right, too */
			memset(want, 0xaa, BITMAP);
		if (what == 2)
			want[(rounds - 1) * 3] = 0xaa;	/* set after the lock was let go */
		CHECK_EQ(rounds, what == 0 ? 2 : what == 2 ? 4 : what == 4 ? 1 : 3);
		CHECK_EQ(got.size, what == 3 ? BITMAP + 100 + 60000 + 1 : size);
		CHECK(memcmp(got.buf, want, got.size) == 0);
	}
	free(want);
	close_store();
}

/* A copy and an append that were prepared when a bit changes. */
static void
edits_notice_changes(void)
{
	uint8_t    *want = calloc(1, BITMAP + 10);

	open_store();
	for (int what = 0; what < 3; what++)
	{
		HsEdit		e = {.bytes = B("0123456789"),.append = true,.max_value = 2 * MB,
		.new_expires_us = HS_NEVER,.scratch = r.scratch};
		HsOp		op;
		size_t		need;
		HsStatus	status;

		CASE("change %d", what);
		memset(want, 0x0f, BITMAP);
		memcpy(want + BITMAP, "0123456789", 10);
		set(B("k"), hs_bytes(want, BITMAP), 0);
		CHECK_EQ(hs_edit_prepare(&h, B("k"), &e, r.now_us, &need), HS_OK);
		if (what == 1)
		{
			(void) set_bit(B("k"), 3 * (int64_t) HS_SEG_SIZE * 8, true);
			want[3 * HS_SEG_SIZE] |= 0x80;
			(void) set_bit(B("k"), 8 * BITMAP - 8, true);
			want[BITMAP - 1] |= 0x80;
		}
		if (what == 2)
			(void) set_bit(B("k"), 8 * BITMAP, true);	/* grows: the plan is void */
		REQUIRE_EQ(hs_op_begin(&op, &h, B("k"), HS_EXCLUSIVE, r.now_us), HS_OK);
		status = hs_string_edit(&op, &e);
		hs_op_end(&op);
		hs_edit_discard(&e);
		CHECK_EQ(status, what == 2 ? HS_BUFFER_TOO_SMALL : HS_OK);
		if (status != HS_OK)
			continue;
		CHECK_EQ(run_get(&r, B("k")), HS_OK);
		CHECK_BYTES(run_text(&r), hs_bytes(want, BITMAP + 10));
	}
	free(want);
	close_store();
}

#define SOURCE	(2 * MB + 70000)

/* Sources that change after their pages were combined. */
static void
combining_notices_changes(void)
{
	uint8_t    *a = calloc(1, 3 * MB);
	uint8_t    *b = calloc(1, 3 * MB);
	HsBytes		keys[3] = {B("a"), B("b"), B("dest")};

	open_store();
	for (int what = 0; what < 6; what++)
	{
		HsBitsSource sources[2];
		HsBitsCombine c = {.how = HS_BITS_XOR,.keys = keys,.nsources = 2,.sources = sources,
		.max_value = 8 * MB,.scratch = r.scratch,.expires_us = HS_NEVER};
		size_t		size = SOURCE;
		HsMulti		m;
		HsStatus	status;
		size_t		need;
		int			tries = 0;

		CASE("change %d", what);
		memset(a, 0x0f, 3 * MB);
		memset(b, 0x33, 3 * MB);
		memset(b + SOURCE / 2, 0, 3 * MB - SOURCE / 2);
		set(keys[0], hs_bytes(a, SOURCE), 0);
		set(keys[1], hs_bytes(b, SOURCE / 2), 0);
		do
		{
			REQUIRE_EQ(hs_bits_prepare(&h, &c, r.now_us, &need), HS_OK);
			while (hs_bits_fill(&c))
				;
			for (int i = 0; i < 20; i++)
			{
				size_t		at = what == 1 ? 5 : what == 2 ? SOURCE - 1 : (size_t) (i * 100000 + tries);

				if (what == 0 || what > 3)
					break;
				(void) set_bit(keys[0], (int64_t) at * 8, true);
				a[at] |= 0x80;
			}
			if (what == 4 && tries == 0)
			{
				memset(b, 0x77, SOURCE / 2);
				set(keys[1], hs_bytes(b, SOURCE / 2), 0);
			}
			if (what == 5 && tries == 0)
			{
				size = SOURCE / 2;
				memset(a, 0, 3 * MB);
				set(keys[0], hs_bytes(a, 3), 0);
			}
			REQUIRE_EQ(hs_multi_begin(&m, &h, keys, 3, HS_EXCLUSIVE, r.now_us), HS_OK);
			status = hs_bits_combine(&m, &c);
			hs_multi_end(&m);
			hs_bits_discard(&c);
			tries++;
		} while (status == HS_BUFFER_TOO_SMALL && tries < 10);
		CHECK_EQ(status, HS_OK);
		CHECK_EQ(tries, what == 5 ? 2 : what == 3 ? 4 : 1);
		CHECK_EQ(c.result_size, size);
		for (size_t i = 0; i < size; i++)
			b[i] ^= a[i];
		CHECK_EQ(run_get(&r, keys[2]), HS_OK);
		CHECK_BYTES(run_text(&r), hs_bytes(b, size));
	}
	free(a);
	free(b);
	close_store();
}

/*
 * ---- Threads ---------------------------------------------------------------------
 * A writer moves ones about, three fields in one command; readers must always
 * find as many as there are.
 */
#define ONES	64
#define READS	100

static atomic_bool stop;

static void *
move_ones(void *arg)
{
	TestRandom	random = {test_seed(5)};
	HsHandle   *mine = arg;
	int64_t		place[ONES];
	Runner		w;

	run_open(&w, mine, HEAP_NOW);
	for (int i = 0; i < ONES; i++)
		place[i] = i;
	while (!atomic_load(&stop))
	{
		int			i = (int) test_below(&random, ONES);
		HsField		f[3] = {
			{.kind = HS_FIELD_SET,.width = 1,.offset = place[i],.value = 0},
			{.kind = HS_FIELD_GET,.width = 1},
			{.kind = HS_FIELD_SET,.width = 1,.value = 1}
		};
		int64_t		to;
		bool		is_taken;

		do
		{
			to = (int64_t) test_below(&random, BITMAP * 8);
			is_taken = false;
			for (int k = 0; k < ONES; k++)
				is_taken |= place[k] == to;
		} while (is_taken);
		f[1].offset = f[2].offset = place[i] = to;
		if (run_fields(&w, B("k"), f, 3, HS_NEVER) != HS_OK || f[0].result != 1 || f[1].result != 0)
			test_fail(__FILE__, __LINE__, "a one is not where it was put");
		if (test_below(&random, 4) == 0)
			sched_yield();
	}
	run_close(&w);
	return NULL;
}

static void
readers_see_whole_commands(void)
{
	HsBytes		keys[3] = {B("k"), B("ones"), B("copy")};
	uint8_t    *zeros = calloc(1, BITMAP);
	pthread_t	writer;
	HsHandle	its;
	uint32_t	wrong = 0;

	open_store();
	set(keys[0], hs_bytes(zeros, BITMAP), 0);
	memset(zeros, 0xff, BITMAP);
	set(keys[1], hs_bytes(zeros, BITMAP), 0);
	for (int i = 0; i < ONES; i++)
		(void) set_bit(keys[0], i, true);
	atomic_store(&stop, false);
	its = h;
	REQUIRE(pthread_create(&writer, NULL, move_ones, &its) == 0);
	for (int i = 0; i < READS; i++)
	{
		int64_t		n = 0;
		int64_t		first = find(keys[0], true, 0, -1, false, false);
		size_t		size;
		bool		done;

		wrong += count(keys[0], 0, -1, false) != ONES;
		wrong += first < 0 || first > (int64_t) BITMAP * 8;
		wrong += run_get(&r, keys[0]) != HS_OK || r.got.size != BITMAP;
		for (size_t k = 0; k < BITMAP; k++)
			n += __builtin_popcount(r.got.buf[k]);
		wrong += n != ONES;
		wrong += run_combine(&r, HS_BITS_AND, keys, 2, HS_NEVER, &size) != HS_OK;
		wrong += count(keys[2], 0, -1, false) != ONES;
		wrong += run_move(&r, keys[0], keys[2], true, true, &done) != HS_OK;
		wrong += count(keys[2], 0, -1, false) != ONES;
	}
	atomic_store(&stop, true);
	pthread_join(writer, NULL);
	CHECK_EQ(wrong, 0);
	free(zeros);
	close_store();
}

TEST_MAIN(TEST(bits_count_from_the_highest),
		  TEST(fields_overflow),
		  TEST(other_kinds_of_values),
		  TEST(as_a_model_does),
		  TEST(effects_say_it_all),
		  TEST(every_allocation_fails),
		  TEST(room_is_not_part_of_the_value),
		  TEST(readers_notice_changes),
		  TEST(edits_notice_changes),
		  TEST(combining_notices_changes),
		  TEST(readers_see_whole_commands))
