/*
 * fuzz_zset.c
 *	  Property: whatever commands come, a sorted set does what a sorted array
 *	  does, and its structure stays sound.  Any bytes given to a load become a set
 *	  that dumps to the same bytes, or are refused.
 *
 * The first byte chooses: 0..127 commands, else a dump.  A command is four
 * bytes: what, member, score, argument.
 */
#include "fuzz.h"
#include "zset_model_test.h"

#define REGION_SIZE		((size_t) 8 << 20)
#define SPACE			400
#define BUF_SIZE		((size_t) 2 << 20)

static HsHandle h;
static HsOp op;
static uint8_t *buf;
static HsBytes *names;
static ZsetModel model;

static void
setup(void)
{
	if (buf == NULL)
	{
		buf = malloc(BUF_SIZE);
		names = zset_model_names(SPACE, false, 1);
		/* one long and one chained member */
		for (int i = 0; i < 2; i++)
		{
			size_t		size = i == 0 ? 300 : 6000;

			free((void *) names[10 + i].data);
			names[10 + i] = hs_bytes(calloc(1, size), size);
		}
		zset_model_init(&model, SPACE, names);
		heap_open(REGION_SIZE);
		heap_keyspace(&h, 1, HS_EVICT_NONE, 0);
	}
	zset_model_clear(&model);
}

static void
begin(HsLockMode mode)
{
	MUST(hs_op_begin(&op, &h, hs_bytes_str("z"), mode, HEAP_NOW) == HS_OK);
}

static double
score_of(uint8_t byte)
{
	static const double special[] = {0, -0.0, 1.0 / 0.0, -1.0 / 0.0, 1e300, -1e300, 5e-324, 0.5};

	return byte < 8 ? special[byte] : byte < 128 ? (double) (byte % 16) : byte * 1234.5678;
}

static void
compare(void)
{
	HsZsetRange range = {.by = HS_ZSET_BY_RANK,.stop = -1,.limit = UINT64_MAX};
	HsZsetCursor c;
	unsigned	seen = 0;
	HsRecord   *record;

	begin(HS_SHARED);
	record = hs_find(&op);
	MUST((record != NULL) == (model.n > 0));
	MUST(record == NULL || hs_zset_verify(op.part, record) == NULL);
	hs_zset_cursor_init(&c, &range);
	while (!c.done)
	{
		HsZsetBatch batch;
		size_t		pos = 0;

		MUST(hs_zset_read(&op, &c, buf, BUF_SIZE, &batch) == HS_OK);
		for (unsigned i = 0; i < batch.n; i++)
		{
			HsZsetMember m = hs_zset_batch_next(buf, &pos);

			MUST(seen < model.n);
			MUST(m.score == model.score[model.order[seen]]);
			MUST(hs_bytes_cmp(m.member, names[model.order[seen]]) == 0);
			seen++;
		}
	}
	MUST(seen == model.n);
	hs_op_end(&op);
}

/* Add 'count' members from 'id' on, all at once. */
static void
add(unsigned id, double score, unsigned count)
{
	static HsZsetMember list[64];
	HsZsetAdded out;

	for (unsigned i = 0; i < count; i++)
		list[i] = (HsZsetMember) {score + i % 3, names[(id + i * 7) % SPACE]};
	begin(HS_EXCLUSIVE);
	MUST(hs_zset_add_many(&op, list, count, 0, HS_NEVER, &out) == HS_OK);
	hs_op_end(&op);
	for (unsigned i = 0; i < count; i++)
		zset_model_set(&model, (id + i * 7) % SPACE, list[i].score);
}

static void
incr(unsigned id, double by)
{
	double		want = model.has[id] ? model.score[id] + by : by;
	double		got;
	HsStatus	status;

	begin(HS_EXCLUSIVE);
	status = hs_zset_incr(&op, names[id], by, HS_NEVER, &got);
	hs_op_end(&op);
	if (want != want)
	{
		MUST(status == HS_NOT_A_NUMBER);
		return;
	}
	MUST(status == HS_OK && got == want);
	zset_model_set(&model, id, want);
}

static void
drop(unsigned id)
{
	uint64_t	n;

	begin(HS_EXCLUSIVE);
	MUST(hs_zset_remove(&op, &names[id], 1, &n) == HS_OK);
	hs_op_end(&op);
	MUST(n == model.has[id]);
	if (n > 0)
		zset_model_remove(&model, id);
}

static void
look(unsigned id)
{
	uint64_t	rank = 0;
	double		score;
	HsStatus	status;

	begin(HS_SHARED);
	status = hs_zset_rank(&op, names[id], false, &rank, &score);
	hs_op_end(&op);
	MUST(status == (model.has[id] ? HS_OK : HS_NOT_FOUND));
	MUST(!model.has[id] || (score == model.score[id] &&
							rank == zset_model_place(&model, score, names[id])));
}

static void
remove_range(uint8_t how, double score, uint8_t arg)
{
	HsZsetRange range = {.by = (HsZsetBy) (how % 2),.reverse = how & 2,.min_open = how & 4,
		.max_open = how & 8,.min = score,.max = score + arg,.start = (int8_t) arg,.stop = (int8_t) arg + how % 32,
	.limit = how & 16 ? 40 : UINT64_MAX};
	unsigned	low,
				high;
	uint64_t	n,
				count;

	zset_model_range(&model, &range, &low, &high);
	begin(HS_EXCLUSIVE);
	MUST(hs_zset_count(&op, &range, &count) == HS_OK);
	MUST(count == high - low);
	if (arg % 4 == 0)
	{
		MUST(hs_zset_remove_range(&op, &range, &n) == HS_OK);
		MUST(n == count);
		zset_model_remove_ranks(&model, low, high);
	}
	hs_op_end(&op);
}

static void
pop(unsigned count, bool from_max)
{
	HsZsetBatch batch;
	unsigned	n = count < model.n ? count : model.n;

	begin(HS_EXCLUSIVE);
	MUST(hs_zset_pop(&op, count, from_max, buf, BUF_SIZE, &batch) == HS_OK);
	hs_op_end(&op);
	MUST(batch.n == n);
	if (n == 0)
		return;
	zset_model_remove_ranks(&model, from_max ? model.n - n : 0, from_max ? model.n : n);
}

static void
commands(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + 4 <= size; i += 4)
	{
		unsigned	id = (data[i + 1] + data[i] / 16 * 31u) % SPACE;
		double		score = score_of(data[i + 2]);
		uint8_t		arg = data[i + 3];

		switch (data[i] % 8)
		{
			case 0:
			case 1:
				add(id, score, 1);
				break;
			case 2:
				add(id, score, arg % 64);
				break;
			case 3:
				incr(id, score);
				break;
			case 4:
				drop(id);
				break;
			case 5:
				remove_range(data[i] / 8 + arg % 7, score, arg);
				break;
			case 6:
				pop(arg % 16, arg & 16);
				break;
			default:
				look(id);
		}
	}
	compare();
}

static void
load(const uint8_t *data, size_t size)
{
	HsStatus	status;
	HsRecord   *record;

	begin(HS_EXCLUSIVE);
	status = hs_zset_load(&op, hs_bytes(data, size), HS_NEVER);
	MUST(status == HS_OK || status == HS_CORRUPT);
	record = hs_find(&op);
	MUST((record != NULL) == (status == HS_OK));
	if (record != NULL)
	{
		MUST(hs_zset_verify(op.part, record) == NULL);
		MUST(hs_zset_dump(record, buf, BUF_SIZE) == size);
		MUST(memcmp(buf, data, size) == 0);
	}
	hs_op_end(&op);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	setup();
	if (data[0] < 128)
		commands(data + 1, size - 1);
	else
		load(data + 1, size - 1);
	fuzz_flush(&h);
	return 0;
}
