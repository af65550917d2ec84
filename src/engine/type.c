/*
 * type.c
 *	  One row of functions per data type, and the burial of dead collections.
 */
#include "type.h"

#include "chain.h"
#include "dict_int.h"
#include "due_queue.h"
#include "hash.h"
#include "hll_key.h"
#include "list.h"
#include "log.h"
#include "set.h"
#include "zset.h"

static const HsTypeOps type_ops[HS_NTYPES] = {
	[HS_STRING] = {"string", NULL, NULL, NULL, NULL, NULL, NULL, NULL}, /* see dump.c */
	[HS_HASH] = {"hash", hs_dict_free_slice, hs_dict_bytes, hs_dict_count,
	hs_dict_verify, hs_dict_dump, hs_hash_load, &hs_hash_due_ops},
	[HS_LIST] = {"list", hs_list_free_slice, hs_list_bytes, hs_list_count_values,
	hs_list_verify, hs_list_dump, hs_list_load, NULL},
	[HS_SET] = {"set", hs_dict_free_slice, hs_dict_bytes, hs_dict_count,
	hs_dict_verify, hs_dict_dump, hs_set_load, &hs_set_due_ops},
	[HS_ZSET] = {"zset", hs_zset_free_slice, hs_zset_bytes, hs_zset_count_members,
	hs_zset_verify, hs_zset_dump, hs_zset_load, &hs_zset_due_ops},
	[HS_STREAM] = {"stream", NULL, NULL, NULL, NULL, NULL, NULL, NULL},
	[HS_HLL] = {"hll", NULL, NULL, hs_hll_count, hs_hll_verify, hs_hll_dump, hs_hll_load, NULL},
	[HS_CACHED] = {"cached", NULL, NULL, NULL, NULL, NULL, NULL, NULL},	/* see cached.c */
};

const HsTypeOps *
hs_type_ops(HsType type)
{
	return &type_ops[type];
}

/* What is freed may bury something itself, so the root leaves the graveyard first. */
bool
hs_bury(HsPart *part, unsigned budget)
{
	HsRef		root = part->graveyard;
	HsRoot	   *r;
	bool		is_gone;

	if (root == HS_REF_NONE)
		return false;
	r = hs_ptr(root);
	part->graveyard = r->next_dead;
	if (r->type == HS_CHUNK)
		is_gone = hs_chain_free_slice(part, root, budget);
	else if (hs_type_ops((HsType) r->type)->dues != NULL && hs_due_any(r))
	{
		(void) hs_due_free_slice(part, r, budget);
		is_gone = false;
	}
	else
		is_gone = hs_type_ops((HsType) r->type)->free_slice(part, root, budget);
	if (!is_gone)
	{
		r->next_dead = part->graveyard;
		part->graveyard = root;
	}
	return true;
}
