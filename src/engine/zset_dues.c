/*
 * zset_dues.c
 *	  Sorted sets: what members that expire need of them (type.h).
 */
#include "zset_int.h"

static bool
has(HsRecord *record, HsBytes member)
{
	HsZset		z;
	double		score;

	hs_zset_of_record(record, &z);
	return hs_zset_lookup(&z, member, &score);
}

static HsRef
find(HsRef root, HsBytes member)
{
	return hs_zlist_find(hs_zlist(root), hs_member_hash(member), member);
}

static HsBytes
member_of(HsRef entry, uint8_t *buf)
{
	HsBytes		member;

	if (hs_zentry_member(entry, &member))
		return member;
	hs_zentry_copy(entry, buf);
	return hs_bytes(buf, hs_zentry_size(entry));
}

static void
drop(HsPart *part, HsRef root, HsRef entry)
{
	uint8_t		whole[HS_MAX_KEY];
	HsBytes		member = member_of(entry, whole);

	hs_zlist_remove(part, hs_zlist(root), entry, hs_member_hash(member), member);
}

const HsDueOps hs_zset_due_ops = {
	has, hs_zset_remove, hs_zset_enlarge, hs_zset_load_large, find, member_of, drop
};
