/*
 * dues.c
 *	  Members that expire on their own: fields of hashes, members of sets and
 *	  sorted sets.
 *
 * Here are the commands and the removal; when it happens is up to access.c (a
 * command on the key) and expire.c (the worker).
 */
#include "dues.h"

#include "blob.h"
#include "log.h"
#include "needs.h"
#include "tag.h"

#define DUMP_HEADER		8
#define DUMP_ENTRY		12		/* bytes before a member */

/* A command on the expiry of members. */
typedef struct Setting
{
	HsOp	   *op;
	const HsDueOps *ops;
	const HsBytes *members;
	size_t		n;
	int64_t		expires_us;
	unsigned	flags;
	HsDueResult *results;
} Setting;

static inline const HsDueOps *
ops_of(HsRecord *record)
{
	return hs_type_ops(hs_record_type(record))->dues;
}

static inline bool
is_large(const HsRecord *record)
{
	return (hs_record_flags(record) & HS_RF_LARGE) != 0;
}

static void
effect(HsOp *op, HsBytes member, int64_t expires_us)
{
	hs_effect_note(op->effects, HS_EF_DUE, op->key, hs_bytes(&expires_us, sizeof(expires_us)),
				   member);
}

/* Make the large collection the value of the key, or give it up. */
static HsStatus
publish(HsOp *op, HsType type, HsRef root, int64_t expires_us)
{
	HsStatus	status = hs_root_publish(op, type, root, expires_us);

	if (status != HS_OK)
		hs_bury_later(op->part, root);
	return status;
}

/*
 * ---- Setting ---------------------------------------------------------------------
 */

static bool
flags_are_good(unsigned flags)
{
	if (flags & ~(HS_DUE_NX | HS_DUE_XX | HS_DUE_GT | HS_DUE_LT))
		return false;
	if ((flags & HS_DUE_NX) && flags != HS_DUE_NX)
		return false;
	return (flags & (HS_DUE_GT | HS_DUE_LT)) != (HS_DUE_GT | HS_DUE_LT);
}

/* What becomes of a member whose expiry is 'current'. */
static HsDueResult
decide(const Setting *s, int64_t current)
{
	if (((s->flags & HS_DUE_NX) && current != HS_NEVER) ||
		((s->flags & HS_DUE_XX) && current == HS_NEVER) ||
		((s->flags & HS_DUE_GT) && s->expires_us <= current) ||
		((s->flags & HS_DUE_LT) && s->expires_us >= current))
		return HS_DUE_STOPPED;
	return s->expires_us <= hs_op_now(s->op) ? HS_DUE_REMOVED : HS_DUE_SET;
}

/* The same by name; record may be NULL. */
static HsDueResult
decide_on(const Setting *s, HsRecord *record, HsBytes member)
{
	HsRef		root;
	HsRef		node;

	if (record == NULL)
		return HS_DUE_ABSENT;
	if (!is_large(record))
		return s->ops->has(record, member) ? decide(s, HS_NEVER) : HS_DUE_ABSENT;
	root = hs_record_root(record);
	node = s->ops->find(root, member);
	return node != HS_REF_NONE ? decide(s, hs_due_of(hs_root(root), node)) : HS_DUE_ABSENT;
}

/* The time is past: as if removed by name. */
static HsStatus
remove_members(Setting *s)
{
	for (size_t i = 0; i < s->n; i++)
	{
		HsRecord   *record = hs_find(s->op);
		uint64_t	removed;
		HsStatus	status;

		s->results[i] = decide_on(s, record, s->members[i]);
		if (s->results[i] != HS_DUE_REMOVED)
			continue;
		status = s->ops->remove(s->op, &s->members[i], 1, &removed);
		assert(status == HS_OK);	/* there was room for the effects */
		if (status != HS_OK)
			return status;
	}
	return HS_OK;
}

/* No expiry any more. */
static void
persist_members(Setting *s, HsRecord *record)
{
	HsRef		root = is_large(record) ? hs_record_root(record) : HS_REF_NONE;
	bool		changed = false;

	for (size_t i = 0; i < s->n; i++)
	{
		HsRef		node;

		s->results[i] = decide_on(s, record, s->members[i]);
		if (s->results[i] != HS_DUE_SET || root == HS_REF_NONE)
			continue;
		node = s->ops->find(root, s->members[i]);
		if (hs_due_of(hs_root(root), node) == HS_NEVER)
			continue;
		effect(s->op, s->members[i], HS_NEVER);
		hs_due_drop(s->op->part, hs_root(root), node);
		changed = true;
	}
	if (changed)
		hs_touch_version(s->op, record);
}

/* Put the members into the queue of a collection that has room for them. */
static HsStatus
put_members(Setting *s, HsRef root)
{
	HsStatus	status = HS_OK;

	for (size_t i = 0; i < s->n && status == HS_OK; i++)
	{
		HsRef		node = s->ops->find(root, s->members[i]);

		if (node == HS_REF_NONE)
			continue;
		s->results[i] = decide(s, hs_due_of(hs_root(root), node));
		if (s->results[i] != HS_DUE_SET)
			continue;
		effect(s->op, s->members[i], s->expires_us);
		status = hs_due_put(s->op->part, hs_root(root), node, s->expires_us);
	}
	return status;
}

/*
 * 'nset' members, maybe less if some come twice.  A small collection becomes a large
 * one, which is published when all is done.  A large one gets a promise for
 * several members; for one that is not needed.
 */
static HsStatus
expire_members(Setting *s, HsRecord *record, uint32_t nset)
{
	HsOp	   *op = s->op;
	bool		is_new = !is_large(record);
	HsRef		root = is_new ? HS_REF_NONE : hs_record_root(record);
	HsStatus	status = HS_OK;

	if (is_new)
		status = s->ops->enlarge(op->part, record, &root);
	if (status == HS_OK)
		status = hs_due_prepare(op, hs_root(root), nset, NULL);
	if (status == HS_OK)
	{
		hs_due_hold(hs_root(root), nset > 1);
		status = put_members(s, root);
		hs_due_hold(hs_root(root), false);
	}
	if (is_new && status == HS_OK)
		return publish(op, hs_record_type(record), root, hs_expiry(record));
	if (status != HS_OK)
	{
		if (is_new && root != HS_REF_NONE)
			hs_bury_later(op->part, root);
		return hs_needs_bytes(op, status, op->need);
	}
	hs_dues_settle(op->part, record);
	hs_log_note_due(op->part, record, s->expires_us);
	hs_touch_version(op, record);
	return HS_OK;
}

/* All results; *nset members are to be given a new expiry, or none, or to be removed. */
static void
decide_all(const Setting *s, HsRecord *record, uint32_t *nset)
{
	*nset = 0;
	for (size_t i = 0; i < s->n; i++)
	{
		s->results[i] = decide_on(s, record, s->members[i]);
		*nset += s->results[i] == HS_DUE_SET || s->results[i] == HS_DUE_REMOVED;
	}
}

HsStatus
hs_dues_set(HsOp *op, HsType type, const HsBytes *members, size_t n, int64_t expires_us,
			unsigned flags, HsDueResult *results)
{
	const HsDueOps *ops = type < HS_NTYPES ? hs_type_ops(type)->dues : NULL;
	Setting		s = {op, ops, members, n, hs_due_round(expires_us), flags, results};
	size_t		mark = hs_effects_mark(op->effects);
	uint64_t	bytes = n * sizeof(expires_us);
	HsRecord   *record;
	uint32_t	nset;
	HsStatus	status;

	if (ops == NULL || !flags_are_good(flags))
		return HS_BAD_ARGUMENT;
	for (size_t i = 0; i < n; i++)
	{
		if (members[i].size > HS_MAX_KEY)
			return HS_MEMBER_TOO_LONG;
		bytes += members[i].size;
	}
	status = hs_find_typed(op, type, &record);
	if (status != HS_OK)
		return status;
	decide_all(&s, record, &nset);
	if (nset == 0)
		return HS_OK;
	if (!hs_effects_fit(op->effects, op->key, n, bytes))
		return HS_NO_MEMORY;
	if (expires_us == HS_NEVER)
		persist_members(&s, record);
	else if (expires_us <= hs_op_now(op))
		status = remove_members(&s);
	else
		status = expire_members(&s, record, nset);
	if (status != HS_OK)
		hs_effects_undo(op->effects, mark);
	return status;
}

HsStatus
hs_dues_get(HsOp *op, HsType type, HsBytes member, int64_t *expires_us)
{
	const HsDueOps *ops = type < HS_NTYPES ? hs_type_ops(type)->dues : NULL;
	HsRecord   *record;
	HsRef		root;
	HsRef		node;
	HsStatus	status;

	if (ops == NULL)
		return HS_BAD_ARGUMENT;
	status = hs_find_typed(op, type, &record);
	if (status != HS_OK)
		return status;
	if (record == NULL)
		return HS_NOT_FOUND;
	*expires_us = HS_NEVER;
	if (!is_large(record))
		return ops->has(record, member) ? HS_OK : HS_NOT_FOUND;
	root = hs_record_root(record);
	node = ops->find(root, member);
	if (node == HS_REF_NONE)
		return HS_NOT_FOUND;
	*expires_us = hs_due_of(hs_root(root), node);
	return HS_OK;
}

/*
 * ---- Removing what has expired -----------------------------------------------------
 */

static uint64_t
count_of(HsRecord *record)
{
	return hs_type_ops(hs_record_type(record))->count(record);
}

int64_t
hs_gone_at(HsRecord *record)
{
	uint16_t	flags = hs_record_flags(record);
	int64_t		expires_us = hs_expiry(record);
	const HsRoot *root;
	int64_t		last_us;

	if ((flags & HS_RF_TAGS) && hs_tags_dead(hs_record_tags(record)))
		return INT64_MIN;
	if (!hs_flags_have_dues(flags))
		return expires_us;
	root = hs_root(hs_record_root(record));
	if (hs_due_count(root) < count_of(record))
		return expires_us;
	last_us = hs_due_last(root);
	return last_us < expires_us ? last_us : expires_us;
}

HsPurged
hs_dues_purge_record(HsPart *part, HsRecord *record, int64_t now_us, unsigned *budget)
{
	const HsDueOps *ops = ops_of(record);
	HsRef		ref = hs_record_root(record);
	HsRoot	   *root = hs_root(ref);
	bool		changed = false;

	if (hs_gone_at(record) <= now_us)
	{
		HsRecordView v;
		HsSlot		slot;

		hs_record_view(record, &v);
		if (hs_index_find_ref(part, hs_hash(hs_bytes(v.key, v.key_size)), hs_ref(record), &slot))
		{
			hs_unlink(part, &slot, record);
			part->expired++;
		}
		return HS_PURGED_KEY;
	}
	while (hs_due_next(root) <= now_us && *budget > 0)
	{
		int64_t		at_us;
		HsRef		node = hs_due_at(root, 0, &at_us);

		hs_due_drop(part, root, node);
		ops->drop(part, ref, node);
		changed = true;
		--*budget;
	}
	if (changed)
	{
		hs_renew_version(part, record);
		hs_dues_settle(part, record);
	}
	return hs_due_next(root) > now_us ? HS_PURGED : HS_PURGED_SOME;
}

void
hs_dues_settle(HsPart *part, HsRecord *record)
{
	bool		has_dues = hs_has_dues(record);

	if (hs_due_any(hs_root(hs_record_root(record))) != has_dues)
		hs_flip_dues(part, record);
}

/*
 * ---- Dumps -------------------------------------------------------------------------
 */

size_t
hs_dues_dump(HsRecord *record, uint8_t *buf, size_t capacity)
{
	const HsTypeOps *ops = hs_type_ops(hs_record_type(record));
	const HsRoot *root = hs_root(hs_record_root(record));
	uint32_t	n = hs_due_count(root);
	bool		has_room = capacity >= DUMP_HEADER;
	uint64_t	size = ops->dump(record, has_room ? buf + DUMP_HEADER : NULL,
								 has_room ? capacity - DUMP_HEADER : 0);
	size_t		pos = DUMP_HEADER + size;
	uint8_t		whole[HS_MAX_KEY];

	if (has_room)
		memcpy(buf, &size, DUMP_HEADER);
	for (uint32_t i = 0; i < n; i++)
	{
		int64_t		at_us;
		HsBytes		member = ops->dues->member(hs_due_at(root, i, &at_us), whole);
		uint32_t	member_size = (uint32_t) member.size;

		if (pos + DUMP_ENTRY + member.size <= capacity)
		{
			memcpy(buf + pos, &at_us, 8);
			memcpy(buf + pos + 8, &member_size, 4);
			hs_copy(buf + pos + DUMP_ENTRY, member.data, member.size);
		}
		pos += DUMP_ENTRY + member.size;
	}
	return pos;
}

bool
hs_dues_dump_members(HsBytes payload, HsBytes *members)
{
	uint64_t	size;

	if (payload.size < DUMP_HEADER)
		return false;
	memcpy(&size, payload.data, DUMP_HEADER);
	if (size > payload.size - DUMP_HEADER)
		return false;
	*members = hs_bytes(payload.data + DUMP_HEADER, (size_t) size);
	return true;
}

/* Give the members of an unpublished collection their expiry; 'rest': as dumped. */
static HsStatus
load_dues(HsPart *part, const HsDueOps *ops, HsRef root, HsBytes rest)
{
	int64_t		before_us = 0;
	HsStatus	status = rest.size > 0 ? HS_OK : HS_CORRUPT;

	while (rest.size > 0 && status == HS_OK)
	{
		int64_t		at_us;
		uint32_t	size;
		HsRef		node;

		if (rest.size < DUMP_ENTRY)
			return HS_CORRUPT;
		memcpy(&at_us, rest.data, 8);
		memcpy(&size, rest.data + 8, 4);
		rest = hs_bytes(rest.data + DUMP_ENTRY, rest.size - DUMP_ENTRY);
		if (size > rest.size || size > HS_MAX_KEY ||
			at_us < before_us || at_us == HS_NEVER || at_us != hs_due_round(at_us))
			return HS_CORRUPT;
		node = ops->find(root, hs_bytes(rest.data, size));
		if (node == HS_REF_NONE || hs_due_of(hs_root(root), node) != HS_NEVER)
			return HS_CORRUPT;
		status = hs_due_put(part, hs_root(root), node, at_us);
		rest = hs_bytes(rest.data + size, rest.size - size);
		before_us = at_us;
	}
	return status;
}

HsStatus
hs_dues_load(HsOp *op, HsType type, HsBytes payload, int64_t expires_us)
{
	const HsDueOps *ops = hs_type_ops(type)->dues;
	HsBytes		members;
	HsRef		root;
	HsStatus	status;

	if (ops == NULL || !hs_dues_dump_members(payload, &members))
		return HS_CORRUPT;
	status = ops->load_large(op->part, members, &root);
	if (status != HS_OK)
		return hs_needs_bytes(op, status, payload.size);
	status = load_dues(op->part, ops, root,
					   hs_bytes(members.data + members.size,
								payload.size - DUMP_HEADER - members.size));
	if (status != HS_OK)
	{
		hs_bury_later(op->part, root);
		return hs_needs_bytes(op, status, payload.size);
	}
	return publish(op, type, root, expires_us);
}

/*
 * ---- Checking ----------------------------------------------------------------------
 */

const char *
hs_dues_verify(HsPart *part, HsRecord *record)
{
	const HsDueOps *ops = ops_of(record);
	const HsSeg *s = &hs_segs[hs_seg_of(hs_ref(record))];
	HsRef		ref;
	const HsRoot *root;
	const char *wrong;
	uint8_t		whole[HS_MAX_KEY];

	if (ops == NULL || !is_large(record))
		return NULL;
	ref = hs_record_root(record);
	root = hs_root(ref);
	if (hs_has_dues(record) != hs_due_any(root))
		return "dues: the record's flag is wrong";
	if (!hs_due_any(root))
		return NULL;
	wrong = hs_due_verify(root);
	if (wrong != NULL)
		return wrong;
	for (uint32_t i = 0; i < hs_due_count(root); i++)
	{
		int64_t		at_us;
		HsRef		node = hs_due_at(root, i, &at_us);

		if (ops->find(ref, ops->member(node, whole)) != node)
			return "dues: not a member";
	}
	if (hs_due_next(root) < part->min_dues_us)
		return "dues: a member expires before its partition says";
	if (hs_due_next(root) < s->min_dues_us && part->scan_seg != hs_seg_of(hs_ref(record)))
		return "dues: a member expires before its segment says";
	return NULL;
}
