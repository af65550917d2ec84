/*
 * effect.c
 *	  Effects as bytes: u8 opcode, then key, head and tail, each with its size
 *	  before it as a varint (seven bits a byte, lowest first, the eighth says more).
 */
#include "effect.h"

#define VARINT_MAX	10			/* bytes of a 64-bit number */

static size_t
varint_size(uint64_t n)
{
	size_t		size = 1;

	while (n >>= 7)
		size++;
	return size;
}

static uint8_t *
put_run(uint8_t *p, HsBytes bytes)
{
	uint64_t	n = bytes.size;

	for (; n > 0x7f; n >>= 7)
		*p++ = (uint8_t) (n | 0x80);
	*p++ = (uint8_t) n;
	hs_copy(p, bytes.data, bytes.size);
	return p + bytes.size;
}

bool
hs_effect_put(HsEffects *fx, HsEffectOp op, HsBytes key, HsBytes head, HsBytes tail)
{
	const HsBytes *runs[] = {&key, &head, &tail};
	size_t		size = 1;
	uint8_t    *p;

	if (fx == NULL)
		return true;
	for (int i = 0; i < 3; i++)
		size += varint_size(runs[i]->size) + runs[i]->size;
	if (size > fx->capacity - fx->size)
	{
		fx->wanted = fx->size + size;
		return false;
	}
	p = fx->data + fx->size;
	*p++ = (uint8_t) op;
	for (int i = 0; i < 3; i++)
		p = put_run(p, *runs[i]);
	fx->size += size;
	return true;
}

/* A size and so many bytes at *pos; false if the input ends before they do. */
static bool
get_run(HsBytes input, size_t *pos, HsBytes *out)
{
	uint64_t	size = 0;

	for (unsigned i = 0;; i++)
	{
		uint8_t		b;

		if (i == VARINT_MAX || *pos >= input.size)
			return false;
		b = input.data[(*pos)++];
		if (i == VARINT_MAX - 1 && b > 1)
			return false;		/* above 64 bits */
		size |= (uint64_t) (b & 0x7f) << (7 * i);
		if ((b & 0x80) == 0)
			break;
	}
	if (size > input.size - *pos)
		return false;
	*out = hs_bytes(input.data + *pos, (size_t) size);
	*pos += (size_t) size;
	return true;
}

HsStatus
hs_effect_next(HsBytes input, size_t *pos, HsEffect *out)
{
	size_t		p = *pos;

	if (p >= input.size)
		return HS_NOT_FOUND;
	out->op = (HsEffectOp) input.data[p++];
	if (out->op < HS_EF_SET || out->op > HS_EF_RESTORE)
		return HS_CORRUPT;
	if (!get_run(input, &p, &out->key) || !get_run(input, &p, &out->head) ||
		!get_run(input, &p, &out->tail))
		return HS_CORRUPT;
	*pos = p;
	return HS_OK;
}
