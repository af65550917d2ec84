/*
 * type.c
 *	  One row of functions per data type, and the burial of dead collections.
 */
#include "type.h"

#include "log.h"

#define ROW_FUNCTIONS(prefix) \
	extern bool prefix##_free_slice(HsPart *, HsRef, unsigned) __attribute__((weak)); \
	extern uint64_t prefix##_bytes(HsRef) __attribute__((weak)); \
	extern uint64_t prefix##_count(HsRecord *) __attribute__((weak)); \
	extern uint64_t prefix##_count_members(HsRecord *) __attribute__((weak)); \
	extern const char *prefix##_verify(HsPart *, HsRecord *) __attribute__((weak)); \
	extern size_t prefix##_dump(HsRecord *, uint8_t *, size_t) __attribute__((weak)); \
	extern HsStatus prefix##_load(HsOp *, HsBytes, int64_t) __attribute__((weak))

ROW_FUNCTIONS(hs_string);
ROW_FUNCTIONS(hs_zset);
ROW_FUNCTIONS(hs_hll);

static const HsTypeOps type_ops[HS_NTYPES] = {
	[HS_STRING] = {"string", NULL, NULL, NULL, NULL, hs_string_dump, hs_string_load},
	[HS_HASH] = {"hash", NULL, NULL, NULL, NULL, NULL, NULL},
	[HS_LIST] = {"list", NULL, NULL, NULL, NULL, NULL, NULL},
	[HS_SET] = {"set", NULL, NULL, NULL, NULL, NULL, NULL},
	[HS_ZSET] = {"zset", hs_zset_free_slice, hs_zset_bytes, hs_zset_count_members,
	hs_zset_verify, hs_zset_dump, hs_zset_load},
	[HS_STREAM] = {"stream", NULL, NULL, NULL, NULL, NULL, NULL},
	[HS_HLL] = {"hll", NULL, NULL, hs_hll_count, hs_hll_verify, hs_hll_dump, hs_hll_load},
};

const HsTypeOps *
hs_type_ops(HsType type)
{
	return &type_ops[type];
}

bool
hs_bury(HsPart *part, unsigned budget)
{
	HsRef		root = part->graveyard;
	HsRoot	   *r;
	HsRef		next;

	if (root == HS_REF_NONE)
		return false;
	r = hs_ptr(root);
	next = r->next_dead;
	if (hs_type_ops((HsType) r->type)->free_slice(part, root, budget))
		part->graveyard = next;
	return true;
}
