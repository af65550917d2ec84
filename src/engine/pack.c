/*
 * pack.c
 *	  Strings as collections store them: members, fields, values.
 */
#include "pack.h"

#include "members.h"

const uint8_t *
hs_pack_get_other(const uint8_t *at, HsPack *out)
{
	uint16_t	size = *at;
	uint32_t	chain_size;
	uint64_t	n = 0;

	*out = (HsPack) {{NULL, 0}, 0, 0, HS_REF_NONE};
	if (size == HS_PACK_CHAIN)
	{
		memcpy(&chain_size, at + 1, 4);
		memcpy(&out->chain, at + 5, sizeof(out->chain));
		out->text.size = chain_size;
		return at + HS_PACK_CHAIN_SIZE;
	}
	if (size > HS_PACK_INT)
	{
		out->width = (uint8_t) (size - HS_PACK_INT);
		for (unsigned i = 0; i < out->width; i++)
			n |= (uint64_t) at[1 + i] << (8 * i);
		n <<= 64 - 8 * out->width;
		out->number = (int64_t) n >> (64 - 8 * out->width);
		return at + 1 + out->width;
	}
	at++;
	if (size == HS_PACK_TEXT16)
	{
		memcpy(&size, at, 2);
		at += 2;
	}
	out->text = hs_bytes(at, size);
	return at + size;
}

/* Two chains of the same size have runs of the same sizes. */
static bool
are_equal(HsRef a, HsRef b, size_t size)
{
	HsChainIter x = hs_chain_iter(a, size);
	HsChainIter y = hs_chain_iter(b, size);
	HsBytes		xr,
				yr;

	while (hs_chain_next(&x, &xr) && hs_chain_next(&y, &yr))
		if (memcmp(xr.data, yr.data, xr.size) != 0)
			return false;
	return true;
}

bool
hs_pack_is_long(const uint8_t *at, const HsPack *p)
{
	HsPack		q;

	(void) hs_pack_get(at, &q);
	if (q.width > 0 || q.text.size != p->text.size)
		return false;
	if (q.chain != HS_REF_NONE && p->chain != HS_REF_NONE)
		return are_equal(q.chain, p->chain, q.text.size);
	if (q.chain != HS_REF_NONE)
		return hs_chain_cmp(q.chain, q.text.size, p->text) == 0;
	if (p->chain != HS_REF_NONE)
		return hs_chain_cmp(p->chain, p->text.size, q.text) == 0;
	return memcmp(q.text.data, p->text.data, q.text.size) == 0;
}

uint64_t
hs_pack_hash(const HsPack *p)
{
	HsChainIter pieces;

	if (p->width > 0)
		return hs_member_hash(hs_bytes(&p->number, sizeof(p->number)));
	if (p->chain == HS_REF_NONE)
		return hs_member_hash(p->text);
	pieces = hs_chain_iter(p->chain, p->text.size);
	return hs_member_hash_pieces(hs_chain_next, &pieces);
}

void
hs_pack_copy(const HsPack *p, uint8_t *dst)
{
	if (p->width > 0)
		(void) hs_int_format(p->number, dst);
	else if (p->chain != HS_REF_NONE)
		hs_chain_copy(p->chain, p->text.size, dst);
	else
		hs_copy(dst, p->text.data, p->text.size);
}

const char *
hs_pack_verify(const uint8_t *at, size_t size, bool may_chain, size_t *skip)
{
	HsPack		p;
	HsPack		again;

	if (size == 0 || *at > HS_PACK_CHAIN || (*at == HS_PACK_TEXT16 && size < HS_PACK_HEAD_MAX))
		return "pack: no item";
	*skip = hs_pack_skip(at);
	if (*skip > size)
		return "pack: item is cut short";
	(void) hs_pack_get(at, &p);
	if (p.width > 0)
		return hs_pack_width(p.number) == p.width ? NULL : "pack: integer is not the shortest";
	if (p.chain != HS_REF_NONE)
		return may_chain ? hs_chain_verify(p.chain, p.text.size) : "pack: unexpected chain";
	again = hs_pack(p.text);
	if (again.width > 0)
		return "pack: integer is stored as text";
	return hs_pack_size(&again) == *skip ? NULL : "pack: text is not in its shortest form";
}
