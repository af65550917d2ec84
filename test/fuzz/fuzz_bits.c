/*
 * fuzz_bits.c
 *	  Property: bits and fields of a string are what an array of bytes would have,
 *	  whatever else is done to it; effects make the same contents elsewhere.
 *
 * Input: commands of six bytes: which, key, place (two bytes, times 1, 64 or 1024
 * bytes), number, width.
 */
#include "fuzz.h"
#include "strings_test.h"

#define COMMAND		6			/* bytes */
#define MAX_COMMANDS	200
#define KEYS		3
#define SIZE_MAX_BYTES	((size_t) 600000)
#define LOG			((size_t) 64 << 20)

static HsHandle first;
static HsHandle second;
static Runner a;
static Runner b;
static HsEffects fx;
static uint8_t *model[KEYS];	/* zeros behind the value */
static size_t model_size[KEYS];

static void
setup(void)
{
	uint64_t	removed;

	if (a.h == NULL)
	{
		heap_open((size_t) 32 << 20);
		heap_keyspace(&first, 1, HS_EVICT_NONE, 0);
		heap_keyspace(&second, 2, HS_EVICT_NONE, 0);
		run_open(&a, &first, HEAP_NOW);
		run_open(&b, &second, HEAP_NOW);
		fx.data = malloc(LOG);
		fx.capacity = LOG;
		a.effects = &fx;
		a.max_value = SIZE_MAX_BYTES;
		for (int i = 0; i < KEYS; i++)
			model[i] = malloc(SIZE_MAX_BYTES);
	}
	fx.size = 0;
	for (int i = 0; i < KEYS; i++)
	{
		memset(model[i], 0, SIZE_MAX_BYTES);
		model_size[i] = 0;
	}
	MUST_SAY(hs_keyspace_flush(&first, HEAP_NOW, &removed) == HS_OK, "flush");
	MUST_SAY(hs_keyspace_flush(&second, HEAP_NOW, &removed) == HS_OK, "flush");
}

static HsBytes
name(size_t i)
{
	return hs_bytes(&"abc"[i], 1);
}

static uint64_t
model_bits(size_t i, int64_t offset, int width)
{
	uint64_t	raw = 0;

	for (int64_t bit = offset; bit < offset + width; bit++)
		raw = raw << 1 | (bit / 8 < (int64_t) model_size[i] ? (model[i][bit / 8] >> (7 - bit % 8)) & 1 : 0);
	return raw;
}

/* Two fields at once, the second behind the first; wrapping. */
static void
fields(size_t i, size_t place, uint8_t number, uint8_t width, bool writes)
{
	HsField		f[2] = {
		{.kind = writes ? HS_FIELD_SET : HS_FIELD_GET,.width = (uint8_t) (1 + width % 63),
		.offset = (int64_t) place * 8 + number % 8,.value = (int64_t) (number * 0x0101010101010101u)},
		{.kind = writes ? HS_FIELD_INCR : HS_FIELD_GET,.width = (uint8_t) (1 + number % 63),.value = width}
	};

	f[1].offset = f[0].offset + width;
	MUST_SAY(run_fields(&a, name(i), f, 2, HS_NEVER) == HS_OK, "fields are read and written");
	for (int j = 0; j < 2; j++)
	{
		uint64_t	mask = UINT64_MAX >> (64 - f[j].width);
		uint64_t	was = model_bits(i, f[j].offset, f[j].width);
		uint64_t	is = (f[j].kind == HS_FIELD_INCR ? was + (uint64_t) f[j].value : (uint64_t) f[j].value) & mask;
		size_t		end = ((size_t) f[j].offset + f[j].width + 7) / 8;

		MUST_SAY((uint64_t) f[j].result == (f[j].kind == HS_FIELD_INCR ? is : was), "a field is what it should be");
		for (int k = 0; writes && k < f[j].width; k++)
		{
			int64_t		bit = f[j].offset + f[j].width - 1 - k;
			uint8_t		one = (uint8_t) (0x80 >> bit % 8);

			model[i][bit / 8] = (uint8_t) ((is >> k) & 1 ? model[i][bit / 8] | one : model[i][bit / 8] & ~one);
		}
		if (writes && end > model_size[i])
			model_size[i] = end;
	}
}

static void
search(size_t i, size_t place, uint8_t number)
{
	HsBitRange	range = {(int64_t) place, (int64_t) place + number * 100, false, false};
	HsType		found;
	int64_t		ones = 0;
	int64_t		at = -1;
	int64_t		n;

	for (int64_t k = range.start; k <= range.stop && k < (int64_t) model_size[i]; k++)
	{
		if (model[i][k] != 0 && at < 0)
			at = k * 8 + __builtin_clz(model[i][k]) - 24;
		ones += __builtin_popcount(model[i][k]);
	}
	MUST_SAY(hs_bits_count(&first, name(i), HEAP_NOW, &range, &n, &found) == HS_OK && n == ones, "a count");
	MUST_SAY(hs_bits_find(&first, name(i), HEAP_NOW, &range, true, &n, &found) == HS_OK && n == at, "a first bit");
}

static void
combine(size_t i, uint8_t number)
{
	size_t		other = (i + 1) % KEYS;
	HsBytes		keys[3] = {name(i), name(other), name((i + number) % KEYS)};
	HsBitsHow	how = (HsBitsHow) (number % 3);
	uint8_t    *to = model[(i + number) % KEYS];
	size_t		longest = model_size[i] > model_size[other] ? model_size[i] : model_size[other];
	size_t		size;

	for (size_t k = 0; k < SIZE_MAX_BYTES; k++)
	{
		uint8_t		x = model[i][k];
		uint8_t		y = model[other][k];

		to[k] = (uint8_t) (how == HS_BITS_AND ? x & y : how == HS_BITS_OR ? x | y : x ^ y);
	}
	model_size[(i + number) % KEYS] = longest;
	MUST_SAY(run_combine(&a, how, keys, 2, HS_NEVER, &size) == HS_OK && size == longest, "a combination");
}

static void
edit(size_t i, size_t place, uint8_t number)
{
	uint8_t		bytes[UINT8_MAX];
	size_t		size;

	memset(bytes, number, sizeof(bytes));
	MUST_SAY(run_edit(&a, name(i), hs_bytes(bytes, number), false, false, place, &size) == HS_OK, "an edit");
	if (number == 0)
		return;
	memset(model[i] + place, number, number);
	if (place + number > model_size[i])
		model_size[i] = place + number;
}

static void
command(const uint8_t *p)
{
	static const size_t scale[] = {1, 1, 64, 1024};
	size_t		i = p[1] % KEYS;
	size_t		place = (p[2] + 256u * (p[3] & 1)) * scale[p[3] >> 6];
	bool		done;

	switch (p[0] % 8)
	{
		case 0:
			return fields(i, place, p[4], p[5], false);
		case 1:
			return search(i, place, p[4]);
		case 2:
			return combine(i, p[4]);
		case 3:
			return edit(i, place, p[4]);
		case 4:
			if (p[4] % 4 != 0)
				return fields(i, place, p[4], p[5], true);
			MUST_SAY(run_del(&a, name(i), &done) == HS_OK && done == (model_size[i] > 0), "a key goes");
			memset(model[i], 0, SIZE_MAX_BYTES);
			model_size[i] = 0;
			return;
		default:
			return fields(i, place, p[4], p[5], true);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	setup();
	for (int i = 0; i < MAX_COMMANDS && size >= COMMAND; i++, data += COMMAND, size -= COMMAND)
	{
		command(data);
		MUST_SAY(run_replay(&a, &second) == HS_OK, "effects apply");
	}
	for (size_t i = 0; i < KEYS; i++)
	{
		HsStatus	status = run_get(&a, name(i));

		MUST_SAY(status == (model_size[i] > 0 ? HS_OK : HS_NOT_FOUND), "keys are there");
		MUST_SAY(status != HS_OK || (a.got.size == model_size[i] && memcmp(a.got.buf, model[i], a.got.size) == 0),
				"values are what they should be");
	}
	MUST_SAY(run_equal(&a, &b), "effects make the same contents");
	MUST_SAY(hs_keyspace_verify(&first) == NULL, "a sound keyspace");
	MUST_SAY(hs_keyspace_verify(&second) == NULL, "a sound copy");
	return 0;
}
