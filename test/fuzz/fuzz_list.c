/*
 * fuzz_list.c
 *	  Property: whatever commands come, a list does what an array does, and its
 *	  structure stays sound.  Any bytes given to a load become a list that dumps to the same
 *	  bytes, or are refused.  Any effects can be done again.
 *
 * The first byte chooses: 0..127 commands, 128..191 a dump, else effects.  A command is
 * four bytes: what, value, two arguments.
 */
#include "fuzz.h"
#include "list_model_test.h"

#define REGION_SIZE		((size_t) 8 << 20)
#define SPACE			(20 * LIST_NVALUES)	/* values there may be */
#define BUF_SIZE		((size_t) 2 << 20)

static HsHandle h;
static HsOp op;
static uint8_t *buf;
static ListModel model;

/* A few values of each kind. */
static void
setup(void)
{
	if (buf == NULL)
	{
		HsBytes    *values = malloc(SPACE * sizeof(HsBytes));

		for (unsigned kind = 0; kind < LIST_NVALUES; kind++)
		{
			unsigned	n = SPACE / LIST_NVALUES;
			HsBytes    *some = list_model_values(n, (ListValues) kind, 1);

			memcpy(values + kind * n, some, n * sizeof(HsBytes));
			free(some);
		}
		/* numbers of the model stand for different values */
		for (unsigned i = 0; i < SPACE; i++)
			for (unsigned j = 0; j < i; j++)
				if (hs_bytes_cmp(values[i], values[j]) == 0)
				{
					free((void *) values[i].data);
					values[i] = hs_bytes(calloc(1, 1 + i), 1 + i);
				}
		buf = malloc(BUF_SIZE);
		list_model_init(&model, SPACE, values);
		heap_open(REGION_SIZE);
		heap_keyspace(&h, 1, HS_EVICT_NONE, 0);
	}
	model.n = 0;
}

static void
begin(HsLockMode mode)
{
	MUST(hs_op_begin(&op, &h, hs_bytes_str("l"), mode, HEAP_NOW) == HS_OK);
}

static void
compare(void)
{
	HsListCursor c = {.start = 0,.stop = -1};
	unsigned	seen = 0;
	HsRecord   *record;

	begin(HS_SHARED);
	record = hs_find(&op);
	MUST((record != NULL) == (model.n > 0));
	MUST(record == NULL || hs_list_verify(op.part, record) == NULL);
	while (!c.done)
	{
		HsItems		out = {.buf = buf,.capacity = BUF_SIZE};
		size_t		pos = 0;

		MUST(hs_list_read(&op, &c, &out) == HS_OK);
		for (unsigned i = 0; i < out.n; i++)
		{
			HsBytes		value;

			MUST(hs_items_next(&out, &pos, &value));
			MUST(seen < model.n);
			MUST(hs_bytes_cmp(value, model.value[model.at[seen++]]) == 0);
		}
	}
	MUST(seen == model.n);
	hs_op_end(&op);
}

static void
push(unsigned id, unsigned n, bool left)
{
	HsBytes		list[64];
	uint64_t	count;

	for (unsigned i = 0; i < n; i++)
	{
		list[i] = model.value[(id + i * 7) % SPACE];
		list_model_insert(&model, left ? 0 : model.n, (id + i * 7) % SPACE);
	}
	begin(HS_EXCLUSIVE);
	MUST(hs_list_push(&op, list, n, left, false, HS_NEVER, &count) == HS_OK);
	hs_op_end(&op);
	MUST(count == model.n);
}

static void
pop(unsigned n, bool left)
{
	HsItems		out = {.buf = buf,.capacity = BUF_SIZE};

	begin(HS_EXCLUSIVE);
	MUST(hs_list_pop(&op, n, left, &out) == HS_OK);
	hs_op_end(&op);
	n = n < model.n ? n : model.n;
	MUST(out.n == n);
	list_model_keep(&model, left ? n : 0, left ? model.n : model.n - n);
}

static void
set(unsigned id, int64_t index)
{
	int64_t		at = index < 0 ? index + model.n : index;
	HsStatus	status;

	begin(HS_EXCLUSIVE);
	status = hs_list_set(&op, index, model.value[id]);
	hs_op_end(&op);
	MUST(status == (at >= 0 && at < model.n ? HS_OK : HS_NOT_FOUND));
	if (status == HS_OK)
		model.at[at] = id;
}

static void
insert(unsigned id, unsigned pivot, bool before)
{
	unsigned	at = 0;
	int64_t		count;

	while (at < model.n && model.at[at] != pivot)
		at++;
	begin(HS_EXCLUSIVE);
	MUST(hs_list_insert(&op, model.value[pivot], before, model.value[id], &count) == HS_OK);
	hs_op_end(&op);
	MUST(count == (model.n == 0 ? 0 : at == model.n ? -1 : (int64_t) model.n + 1));
	if (count > 0)
		list_model_insert(&model, before ? at : at + 1, id);
}

static void
drop(unsigned id, int64_t count)
{
	uint64_t	removed;

	begin(HS_EXCLUSIVE);
	MUST(hs_list_remove(&op, model.value[id], count, &removed) == HS_OK);
	hs_op_end(&op);
	MUST(removed == list_model_remove(&model, id, count));
}

static void
trim(int64_t start, int64_t stop)
{
	uint64_t	removed;
	unsigned	from,
				to;

	list_model_range(&model, start, stop, &from, &to);
	begin(HS_EXCLUSIVE);
	MUST(hs_list_trim(&op, start, stop, &removed) == HS_OK);
	hs_op_end(&op);
	MUST(removed == model.n - (to - from));
	list_model_keep(&model, from, to);
}

static void
find(unsigned id, int64_t rank)
{
	uint64_t	place,
				n;
	unsigned	at = 0;
	int64_t		left = rank;

	if (rank <= 0)
		return;
	while (at < model.n && (model.at[at] != id || --left > 0))
		at++;
	begin(HS_SHARED);
	MUST(hs_list_find(&op, model.value[id], rank, 1, 0, &place, &n) == HS_OK);
	hs_op_end(&op);
	MUST(n == (at < model.n));
	MUST(n == 0 || place == at);
}

static void
commands(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i + 4 <= size; i += 4)
	{
		unsigned	id = data[i + 1] % SPACE;
		uint8_t		a = data[i + 2];
		uint8_t		b = data[i + 3];

		switch (data[i] % 9)
		{
			case 0:
				push(id, 1, a & 1);
				break;
			case 1:
			case 2:
				push(id, b % 64, a & 1);
				break;
			case 3:
				pop(1 + b % 32, a & 1);
				break;
			case 4:
				set(id, (int64_t) (int8_t) a * (1 + b % 16));
				break;
			case 5:
				insert(id, a % SPACE, b & 1);
				break;
			case 6:
				drop(id, (int8_t) a % 8);
				break;
			case 7:
				trim(a % 64, b & 1 ? -1 - b / 2 : b * 8);
				break;
			default:
				find(id, a % 4);
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
	status = hs_list_load(&op, hs_bytes(data, size), HS_NEVER);
	MUST(status == HS_OK || status == HS_CORRUPT);
	record = hs_find(&op);
	MUST((record != NULL) == (status == HS_OK));
	if (record != NULL)
	{
		MUST(hs_list_verify(op.part, record) == NULL);
		MUST(hs_list_dump(record, buf, BUF_SIZE) == size);
		MUST(memcmp(buf, data, size) == 0);
	}
	hs_op_end(&op);
}

/* Effects of one list: a size, then a head and a tail that share so many bytes. */
static void
effects(const uint8_t *data, size_t size)
{
	static const uint8_t push_fresh[22] = {0, 2, 1};

	begin(HS_EXCLUSIVE);
	MUST(hs_list_redo(&op, hs_bytes(push_fresh, 22), hs_bytes_str("first")) == HS_OK);
	for (size_t i = 0; i + 1 < size;)
	{
		size_t		n = data[i] < size - i - 1 ? data[i] : size - i - 1;
		size_t		head = n < 22 ? n : 22;
		HsStatus	status;
		HsRecord   *record;

		status = hs_list_redo(&op, hs_bytes(data + i + 1, head), hs_bytes(data + i + 1 + head, n - head));
		MUST(status == HS_OK || status == HS_CORRUPT);
		record = hs_find(&op);
		MUST(record == NULL || hs_list_verify(op.part, record) == NULL);
		i += 1 + n;
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
	else if (data[0] < 192)
		load(data + 1, size - 1);
	else
		effects(data + 1, size - 1);
	fuzz_flush(&h);
	return 0;
}
