/*
 * dict_dues.c
 *	  Hashes and sets: what members that expire need of them (type.h).
 */
#include "dict_node.h"
#include "hash.h"
#include "set.h"

static bool
has(HsRecord *record, HsBytes member)
{
	HsPack		p = hs_pack(member);
	HsDict		d;

	hs_dict_of_record(record, &d);
	return hs_dict_find(&d, &p) != NULL;
}

static HsRef
find(HsRef root, HsBytes member)
{
	HsPack		p = hs_pack(member);

	return hs_dict_root_find(hs_dict_root(root), hs_pack_hash(&p), &p);
}

static HsBytes
member_of(HsRef node, uint8_t *buf)
{
	HsPack		p;

	(void) hs_pack_get(hs_dict_node(node), &p);
	if (p.width == 0 && p.chain == HS_REF_NONE)
		return p.text;
	hs_pack_copy(&p, buf);
	return hs_bytes(buf, hs_pack_text_size(&p));
}

static void
drop(HsPart *part, HsRef root, HsRef node)
{
	hs_dict_root_remove(part, hs_dict_root(root), hs_dict_ops.hash(node), node);
}

static HsStatus
load_hash(HsPart *part, HsBytes payload, HsRef *root)
{
	return hs_dict_load_large(part, HS_HASH, payload, root);
}

static HsStatus
load_set(HsPart *part, HsBytes payload, HsRef *root)
{
	return hs_dict_load_large(part, HS_SET, payload, root);
}

const HsDueOps hs_hash_due_ops = {
	has, hs_hash_remove, hs_dict_enlarge, load_hash, find, member_of, drop
};

const HsDueOps hs_set_due_ops = {
	has, hs_set_remove, hs_dict_enlarge, load_set, find, member_of, drop
};
