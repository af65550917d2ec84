/*
 * effect.c
 *	  Writing and reading effects.
 *
 *	u8 opcode | varint key size | key | varint head size | head
 *	| varint tail size | tail
 *
 * Varints are little-endian base 128 with at most 10 bytes.
 */
#include "effect.h"

#include <assert.h>

#define MAX_VARINT	10			/* bytes */

static size_t varint_size(uint64_t n);
static uint8_t *varint_put(uint8_t *p, uint64_t n);
static bool varint_get(HsBytes in, size_t *pos, uint64_t *n);
static bool run_get(HsBytes in, size_t *pos, HsBytes *out);
static uint8_t *run_put(uint8_t *p, HsBytes run);

bool
hs_effect_put(HsEffects *fx, HsEffectOp op, HsBytes key, HsBytes head, HsBytes tail)
{
	uint8_t    *space;

	if (fx == NULL)
		return true;
	space = hs_effect_space(fx, op, key, head, tail.size);
	if (space == NULL)
		return false;
	hs_copy(space, tail.data, tail.size);
	return true;
}

uint8_t *
hs_effect_space(HsEffects *fx, HsEffectOp op, HsBytes key, HsBytes head, size_t tail_size)
{
	size_t		size = 1 + varint_size(key.size) + key.size
		+ varint_size(head.size) + head.size + varint_size(tail_size) + tail_size;
	uint8_t    *p = fx->data + fx->size;

	if (size > fx->capacity - fx->size)
	{
		fx->wanted = fx->size + size;
		return NULL;
	}
	*p++ = (uint8_t) op;
	p = run_put(p, key);
	p = run_put(p, head);
	p = varint_put(p, tail_size);
	fx->size += size;
	return p;
}

bool
hs_effects_fit(HsEffects *fx, HsBytes key, uint64_t n, uint64_t payload_bytes)
{
	uint64_t	most;

	if (fx == NULL)
		return true;
	most = n * (HS_EFFECT_OVERHEAD + key.size) + payload_bytes;
	if (most <= fx->capacity - fx->size)
		return true;
	fx->wanted = fx->size + most;
	return false;
}

void
hs_effect_note(HsEffects *fx, HsEffectOp op, HsBytes key, HsBytes head, HsBytes tail)
{
	bool		put = hs_effect_put(fx, op, key, head, tail);

	assert(put);
	(void) put;
}

void
hs_effect_note_delete(HsEffects *fx, HsBytes key)
{
	hs_effect_note(fx, HS_EF_DEL, key, hs_bytes(NULL, 0), hs_bytes(NULL, 0));
}

void
hs_effect_note_new(HsEffects *fx, HsBytes key, const HsRecord *record)
{
	if (fx != NULL && record == NULL)
		hs_effect_note_delete(fx, key);
}

void
hs_effect_note_expiry(HsEffects *fx, HsBytes key, int64_t expires_us)
{
	hs_effect_note(fx, HS_EF_EXPIRE, key, hs_bytes(&expires_us, sizeof(expires_us)),
				   hs_bytes(NULL, 0));
}

HsStatus
hs_effect_next(HsBytes input, size_t *pos, HsEffect *out)
{
	size_t		at = *pos;

	if (at >= input.size)
		return HS_NOT_FOUND;
	out->op = (HsEffectOp) input.data[at++];
	if (out->op < HS_EF_SET || out->op >= HS_EF_END)
		return HS_CORRUPT;
	if (!run_get(input, &at, &out->key) ||
		!run_get(input, &at, &out->head) ||
		!run_get(input, &at, &out->tail))
		return HS_CORRUPT;
	if (out->key.size > HS_MAX_KEY)
		return HS_CORRUPT;
	*pos = at;
	return HS_OK;
}

static size_t
varint_size(uint64_t n)
{
	size_t		size = 1;

	while (n >= 0x80)
	{
		n >>= 7;
		size++;
	}
	return size;
}

static uint8_t *
varint_put(uint8_t *p, uint64_t n)
{
	while (n >= 0x80)
	{
		*p++ = (uint8_t) (n | 0x80);
		n >>= 7;
	}
	*p++ = (uint8_t) n;
	return p;
}

/* False at the end of the input or when the number does not fit 64 bits. */
static bool
varint_get(HsBytes in, size_t *pos, uint64_t *n)
{
	*n = 0;
	for (int i = 0; i < MAX_VARINT; i++)
	{
		uint8_t		b;

		if (*pos >= in.size)
			return false;
		b = in.data[(*pos)++];
		if (i == MAX_VARINT - 1 && b > 1)
			return false;
		*n |= (uint64_t) (b & 0x7f) << (7 * i);
		if (b < 0x80)
			return true;
	}
	return false;
}

static uint8_t *
run_put(uint8_t *p, HsBytes run)
{
	p = varint_put(p, run.size);
	hs_copy(p, run.data, run.size);
	return p + run.size;
}

static bool
run_get(HsBytes in, size_t *pos, HsBytes *out)
{
	uint64_t	size;

	if (!varint_get(in, pos, &size) || size > in.size - *pos)
		return false;
	*out = hs_bytes(in.data + *pos, (size_t) size);
	*pos += (size_t) size;
	return true;
}
