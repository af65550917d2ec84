/*
 * fuzz_effect.c
 *	  Property: any bytes are applied as effects, or refused at some point; the
 *	  keyspace stays sound, and applying them once more changes nothing, unless
 *	  they set an expiry (of a key that may not exist, as no command would).
 *
 * Input: effects, except that 0xff at the place of an opcode stands for a string
 * of the length and content that the next bytes tell, as a mutator rarely makes
 * a whole effect by itself.
 */
#include "fuzz.h"
#include "strings_test.h"

#define MAX_LOG		((size_t) 1 << 20)

static HsHandle first;
static HsHandle twice;
static Runner a;
static Runner b;
static uint8_t log_bytes[MAX_LOG];

static void
setup(void)
{
	uint64_t	removed;

	if (a.h == NULL)
	{
		heap_open((size_t) 64 << 20);
		heap_keyspace(&first, 1, HS_EVICT_NONE, 0);
		heap_keyspace(&twice, 2, HS_EVICT_NONE, 0);
		run_open(&a, &first, HEAP_NOW);
		run_open(&b, &twice, HEAP_NOW);
	}
	MUST_SAY(hs_keyspace_flush(&first, HEAP_NOW, &removed) == HS_OK, "flush");
	MUST_SAY(hs_keyspace_flush(&twice, HEAP_NOW, &removed) == HS_OK, "flush");
}

/* Append a whole effect made of four bytes: opcode, key, size, content. */
static void
put_effect(HsEffects *fx, const uint8_t *p)
{
	static uint8_t tail[70000];
	uint8_t		head[HS_EF_SET_HEAD] = {0};
	int64_t		expires_us = p[3] & 1 ? HS_NEVER : HEAP_NOW - 100 + p[3];
	size_t		size = (size_t) p[2] * (p[3] & 2 ? 256 : 1);
	static const HsEffectOp ops[] = {HS_EF_SET, HS_EF_DEL, HS_EF_EXPIRE, HS_EF_ZADD, HS_EF_ZREM, HS_EF_HLL,
	HS_EF_HSET, HS_EF_HDEL, HS_EF_SADD, HS_EF_SREM};
	HsEffectOp	op = ops[p[0] % (sizeof(ops) / sizeof(ops[0]))];
	size_t		head_size = 8;

	memset(tail, p[3], size);
	if (op == HS_EF_SET)
	{
		memcpy(head + 2, &expires_us, 8);
		head_size = HS_EF_SET_HEAD;
	}
	else
		memcpy(head, &expires_us, 8);
	(void) hs_effect_put(fx, op, hs_bytes(p + 1, 1), hs_bytes(head, head_size), hs_bytes(tail, size));
}

static HsStatus
apply(HsHandle *h, HsBytes input)
{
	size_t		pos = 0;
	size_t		need;
	uint64_t	hash;
	HsStatus	status;

	do
	{
		status = hs_effect_apply(h, input, &pos, HEAP_NOW, &need, &hash);
	} while (status == HS_NO_MEMORY && hs_make_room(h, hash, need, HEAP_NOW));
	return status;
}

static bool
sets_expiry(HsBytes input)
{
	size_t		pos = 0;
	HsEffect	ef;

	while (hs_effect_next(input, &pos, &ef) == HS_OK)
		if (ef.op == HS_EF_EXPIRE)
			return true;
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HsEffects	fx = {log_bytes, 0, MAX_LOG, 0};
	HsBytes		input;
	HsStatus	status;

	setup();
	while (size >= 5 && *data == 0xff)
	{
		put_effect(&fx, data + 1);
		data += 5;
		size -= 5;
	}
	if (size > MAX_LOG - fx.size)
		return 0;
	memcpy(log_bytes + fx.size, data, size);
	input = hs_bytes(log_bytes, fx.size + size);

	status = apply(&first, input);
	MUST_SAY(status == HS_OK || status == HS_CORRUPT || status == HS_NO_MEMORY ||
			status == HS_VALUE_TOO_LONG || status == HS_LIMIT, "a status of apply");
	MUST_SAY(hs_keyspace_verify(&first) == NULL, "a sound keyspace");
	if (status != HS_OK || sets_expiry(input))
		return 0;
	MUST_SAY(apply(&twice, input) == HS_OK && apply(&twice, input) == HS_OK, "effects apply again");
	MUST_SAY(run_equal(&a, &b), "effects are absolute");
	return 0;
}
