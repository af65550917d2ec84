/*
 * fuzz_restore.c
 *	  Property: any bytes are refused as a dump, or come back from a dump of the
 *	  key they made, byte for byte but for the order of fields and members; the keyspace
 *	  stays sound.
 *
 * Input: a byte of flags, then the dump.  Flag 1: the input is a type, two bytes
 * of flags and a payload, around which head and checksum are made, since
 * no fuzzer finds a checksum.  Flag 2: restore over a sorted set.
 */
#include "dict_model_test.h"
#include "fuzz.h"
#include "strings_test.h"
#include "zset.h"

#define SEAL		1
#define OVER_ZSET	2
#define MAX_INPUT	65536

static HsHandle h;
static Runner r;
static uint8_t dump[MAX_INPUT + HS_DUMP_HEAD + HS_DUMP_TAIL];

static void
setup(void)
{
	if (r.h != NULL)
		return;
	heap_open((size_t) 32 << 20);
	heap_keyspace(&h, 1, HS_EVICT_NONE, 0);
	run_open(&r, &h, HEAP_NOW);
}

static size_t
make_dump(const uint8_t *data, size_t size, bool seal)
{
	uint16_t	flags;

	if (!seal)
	{
		memcpy(dump, data, size);
		return size;
	}
	if (size < 3)
		return 0;
	memcpy(&flags, data + 1, sizeof(flags));
	memcpy(dump + HS_DUMP_HEAD, data + 3, size - 3);
	hs_dump_seal(dump, size - 3, (HsType) data[0], flags);
	return size - 3 + HS_DUMP_HEAD + HS_DUMP_TAIL;
}

static void
make_zset(HsBytes key)
{
	HsZsetAdded added;
	HsOp		op;

	MUST_SAY(hs_op_begin(&op, &h, key, HS_EXCLUSIVE, HEAP_NOW) == HS_OK, "begin");
	MUST_SAY(hs_zset_add(&op, hs_bytes_str("m"), 1, 0, HS_NEVER, &added) == HS_OK, "a sorted set");
	hs_op_end(&op);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HsBytes		key = hs_bytes_str("key");
	HsStatus	status;
	size_t		n;
	bool		done = false;

	if (size < 1 || size > MAX_INPUT)
		return 0;
	setup();
	n = make_dump(data + 1, size - 1, data[0] & SEAL);
	if (data[0] & OVER_ZSET)
		make_zset(key);
	status = run_restore(&r, key, hs_bytes(dump, n), true, HS_NEVER, &done);
	MUST_SAY(status == HS_OK || status == HS_CORRUPT || status == HS_BAD_ARGUMENT ||
			status == HS_VALUE_TOO_LONG || status == HS_KEY_TOO_LONG || status == HS_MEMBER_TOO_LONG,
			"a status of restore");
	MUST_SAY(done == (status == HS_OK), "done when it says so");
	if (done)
	{
		MUST_SAY(run_dump(&r, key) == HS_OK, "what came back can be dumped");
		MUST_SAY(dict_model_same_dump(hs_bytes(r.buf, r.got.size), hs_bytes(dump, n)), "the same dump");
	}
	MUST_SAY(hs_keyspace_verify(&h) == NULL, "a sound keyspace");
	MUST_SAY(run_del(&r, key, &done) == HS_OK, "delete");
	return 0;
}
