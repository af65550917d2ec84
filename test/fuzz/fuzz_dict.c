/*
 * fuzz_dict.c
 *	  Property: whatever commands come, a hash or set does what a table of its members does,
 *	  and its structure stays sound.  Any bytes given to a load become one that dumps to
 *	  the same members, or are refused.
 *
 * The first byte chooses: 0..63 commands on a set, 64..127 on a hash, else a dump of
 * either.  A command is four bytes: what, member, number of members, argument.
 */
#include "dict_int.h"
#include "dict_run_test.h"
#include "fuzz.h"

#define REGION_SIZE		((size_t) 8 << 20)
#define SPACE			400
#define BATCH			1000	/* bytes that a walk in pieces takes at once */
#define MAX_COMMANDS	100		/* of an input */

static HsHandle h;
static DictRun t;
static uint8_t *dump;

static void
setup(HsType type)
{
	if (dump == NULL)
	{
		dump = malloc(1 << 20);
		heap_open(REGION_SIZE);
		heap_keyspace(&h, 1, HS_EVICT_NONE, 0);
		dict_run_open(&t, &h, type, "k", SPACE, true, 1);
	}
	t.type = type;
	t.r.state = 1;
	test_failures = 0;
	dict_model_clear(&t.m);
}

static void
commands(const uint8_t *data, size_t size)
{
	if (setjmp(test_abort) != 0)
		MUST_SAY(false, "a command went wrong");
	for (size_t i = 0; i + 4 <= size && i < 4 * MAX_COMMANDS; i += 4)
	{
		unsigned	ids[64];
		unsigned	n = data[i + 2] % 64;
		uint8_t		arg = data[i + 3];

		for (unsigned k = 0; k < n || k == 0; k++)
			ids[k] = (data[i + 1] + data[i] / 8 * 31u + k * (arg % 16u)) % SPACE;
		switch (data[i] % 8)
		{
			case 0:
			case 1:
				dict_put(&t, ids, 1, arg & 128);
				break;
			case 2:
				dict_put(&t, ids, n, arg & 128);
				break;
			case 3:
				dict_drop(&t, ids, n);
				break;
			case 4:
				dict_look(&t, ids[0]);
				break;
			case 5:
				dict_draw(&t, (int8_t) arg);
				break;
			case 6:
				if (t.type == HS_SET)
					dict_pop(&t, n);
				else
					dict_check_all(&t, BATCH + 16u * arg);
				break;
			default:
				t.r.state = arg;	/* other values from now on */
		}
	}
	dict_check_all(&t, BATCH);
	MUST(test_failures == 0);
}

static void
load(const uint8_t *data, size_t size)
{
	HsBytes		payload = hs_bytes(data, size);
	bool		is_hash = t.type == HS_HASH;
	HsStatus	status;
	HsRecord   *record;

	dict_begin(&t, HS_EXCLUSIVE);
	status = is_hash ? hs_hash_load(&t.op, payload, HS_NEVER) : hs_set_load(&t.op, payload, HS_NEVER);
	MUST(status == HS_OK || status == HS_CORRUPT);
	record = hs_find(&t.op);
	MUST((record != NULL) == (status == HS_OK));
	if (record != NULL)
	{
		MUST(hs_dict_verify(t.op.part, record) == NULL);
		MUST(hs_dict_dump(record, dump, 1 << 20) == size);
		MUST(dict_model_sum(hs_bytes(dump, size), is_hash) == dict_model_sum(payload, is_hash));
	}
	dict_end(&t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	setup(data[0] & 64 ? HS_HASH : HS_SET);
	if (data[0] < 128)
		commands(data + 1, size - 1);
	else
		load(data + 1, size - 1);
	fuzz_flush(&h);
	return 0;
}
