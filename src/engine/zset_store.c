/*
 * zset_store.c
 *	  Sorted sets as a whole: replacing, dumping, loading, freeing, checking.
 *
 * Dump: u32 number of members, then [f64 score][u32 size][bytes] for each, in
 * order; little-endian.  One set has one dump, whatever its encoding.
 */
#include "zset_int.h"

#include "items.h"

#define DUMP_HEADER		4

/*
 * ---- Building ------------------------------------------------------------------
 */

/* A source that can be read twice: to measure, then to copy. */
typedef struct Source
{
	HsZlistSource next;
	void	   *arg;
	void		(*rewind) (void *arg);
} Source;

/* Read as much of the source as a blob takes; true if that is all of it. */
static bool
fill_blob(HsOp *op, Source *s, uint8_t *blob)
{
	double		score;
	HsBytes		member;

	hs_zblob_init(blob);
	s->rewind(s->arg);
	while (s->next(s->arg, &score, &member))
	{
		if (!hs_zblob_put(blob, member, score, hs_blob_max(op)))
			return false;
	}
	return true;
}

static bool
is_ascending(Source *s)
{
	double		score;
	HsZsetBound before = {HS_ZBOUND_MEMBER, false, 0, {NULL, 0}};
	HsBytes		member;
	bool		first = true;

	s->rewind(s->arg);
	for (; s->next(s->arg, &score, &member); first = false)
	{
		uint64_t	key = hs_zset_key(score);

		if (score != score)
			return false;
		if (!first && (key < before.key ||
					   (key == before.key && hs_bytes_cmp(member, before.member) <= 0)))
			return false;
		before.key = key;
		before.member = member;
	}
	return true;
}

static HsStatus
no_memory(HsOp *op, Source *s)
{
	uint64_t	n = 0;
	uint64_t	bytes = 0;
	double		score;
	HsBytes		member;

	s->rewind(s->arg);
	for (; s->next(s->arg, &score, &member); n++)
		bytes += member.size;
	return hs_zset_needs_bytes(op, HS_NO_MEMORY, n, bytes);
}

/* HS_CORRUPT if the source is not ascending or has a member twice. */
static HsStatus
build(HsOp *op, Source *s, int64_t expires_us)
{
	HsZblob		blob;
	HsDraft		draft;
	HsRef		root;
	HsStatus	status;

	if (!is_ascending(s))
		return HS_CORRUPT;
	if (fill_blob(op, s, blob.data))
	{
		if (hs_zblob_verify(blob.data, sizeof(blob.data)) != NULL)
			return HS_CORRUPT;
		status = hs_reserve(op, HS_ZSET, hs_zblob_used(blob.data), expires_us, &draft);
		if (status != HS_OK)
			return status;
		memcpy(draft.value, blob.data, hs_zblob_used(blob.data));
		hs_publish(op, &draft);
		return HS_OK;
	}
	s->rewind(s->arg);
	status = hs_zlist_load(op->part, s->next, s->arg, &root);
	if (status == HS_NO_MEMORY)
		return no_memory(op, s);
	if (status != HS_OK)
		return status;
	return hs_zset_publish_list(op, root, expires_us);
}

/*
 * ---- Replacing --------------------------------------------------------------------
 */

typedef struct Array
{
	const HsZsetMember *entries;
	size_t		n;
	size_t		i;
} Array;

static bool
array_next(void *arg, double *score, HsBytes *member)
{
	Array	   *a = arg;

	if (a->i == a->n)
		return false;
	*score = a->entries[a->i].score;
	*member = a->entries[a->i++].member;
	return true;
}

static void
array_rewind(void *arg)
{
	((Array *) arg)->i = 0;
}

static HsStatus
store_effects(HsOp *op, const HsZsetMember *entries, size_t n, int64_t expires_us)
{
	uint64_t	bytes = 8;

	if (op->effects == NULL)
		return HS_OK;
	for (size_t i = 0; i < n; i++)
		bytes += 8 + entries[i].member.size;
	if (!hs_effects_fit(op->effects, op->key, n + 2, bytes))
		return HS_NO_MEMORY;
	hs_effect_note_delete(op->effects, op->key);
	for (size_t i = 0; i < n; i++)
		hs_zset_effect_add(op, entries[i].member, entries[i].score);
	if (expires_us != HS_NEVER)
		hs_effect_note_expiry(op->effects, op->key, expires_us);
	return HS_OK;
}

HsStatus
hs_zset_store(HsOp *op, const HsZsetMember *entries, size_t n, int64_t expires_us)
{
	size_t		mark = hs_effects_mark(op->effects);
	Array		array = {entries, n, 0};
	Source		source = {array_next, &array, array_rewind};
	HsRecord   *old;
	HsStatus	status;

	for (size_t i = 0; i < n; i++)
		if (entries[i].member.size > HS_MAX_KEY)
			return HS_MEMBER_TOO_LONG;
	if (n == 0)
	{
		old = hs_find(op);
		if (old == NULL)
			return HS_OK;
		if (!hs_effects_fit(op->effects, op->key, 1, 0))
			return HS_NO_MEMORY;
		hs_effect_note_delete(op->effects, op->key);
		hs_remove(op, old);
		return HS_OK;
	}
	status = store_effects(op, entries, n, expires_us);
	if (status != HS_OK)
		return status;
	status = build(op, &source, expires_us);
	if (status != HS_OK)
		hs_effects_undo(op->effects, mark);
	return status == HS_CORRUPT ? HS_BAD_ARGUMENT : status;
}

/*
 * ---- Dump and load ---------------------------------------------------------------------
 */

size_t
hs_zset_dump(HsRecord *record, uint8_t *buf, size_t capacity)
{
	HsZset		z;
	HsZsetIter	it;
	HsZsetItem	item;
	size_t		size;

	hs_zset_of_record(record, &z);
	size = DUMP_HEADER + (size_t) z.count * 12 + hs_zset_member_bytes(&z);
	if (size > capacity)
		return size;
	memcpy(buf, &z.count, DUMP_HEADER);
	buf += DUMP_HEADER;
	hs_zset_iter_init(&it, &z, 0, z.count, false);
	while (hs_zset_iter_next(&it, &item))
	{
		uint32_t	member_size = (uint32_t) item.member.size;

		memcpy(buf, &item.score, 8);
		memcpy(buf + 8, &member_size, 4);
		hs_zset_item_copy(&item, buf + 12);
		buf += 12 + member_size;
	}
	return size;
}

typedef struct Payload
{
	HsBytes		bytes;
	size_t		pos;
} Payload;

static bool
payload_next(void *arg, double *score, HsBytes *member)
{
	Payload    *p = arg;

	if (p->pos == p->bytes.size)
		return false;
	memcpy(score, p->bytes.data + p->pos, sizeof(*score));
	p->pos += sizeof(*score);
	return hs_item_take(p->bytes, &p->pos, HS_MAX_KEY, member);
}

static void
payload_rewind(void *arg)
{
	((Payload *) arg)->pos = DUMP_HEADER;
}

/* Sizes that add up, and scores as they are stored: no -0. */
static bool
is_well_formed(HsBytes payload)
{
	uint32_t	n;
	size_t		pos = DUMP_HEADER;
	HsBytes		member;

	if (payload.size < DUMP_HEADER)
		return false;
	memcpy(&n, payload.data, sizeof(n));
	if (n == 0)
		return false;
	for (uint32_t i = 0; i < n; i++)
	{
		double		score;
		double		stored;

		if (payload.size - pos < sizeof(score))
			return false;
		memcpy(&score, payload.data + pos, sizeof(score));
		pos += sizeof(score);
		stored = score + 0.0;
		if (score != score || memcmp(&stored, &score, sizeof(score)) != 0 ||
			!hs_item_take(payload, &pos, HS_MAX_KEY, &member))
			return false;
	}
	return pos == payload.size;
}

HsStatus
hs_zset_load(HsOp *op, HsBytes payload, int64_t expires_us)
{
	Payload		p = {payload, DUMP_HEADER};
	Source		source = {payload_next, &p, payload_rewind};

	if (!is_well_formed(payload))
		return HS_CORRUPT;
	return build(op, &source, expires_us);
}

HsStatus
hs_zset_load_large(HsPart *part, HsBytes payload, HsRef *root)
{
	Payload		p = {payload, DUMP_HEADER};

	*root = HS_REF_NONE;
	if (!is_well_formed(payload))
		return HS_CORRUPT;
	return hs_zlist_load(part, payload_next, &p, root);
}

/*
 * ---- Row of the type table ---------------------------------------------------------------
 */

bool
hs_zset_free_slice(HsPart *part, HsRef root, unsigned budget)
{
	return hs_zlist_free_slice(part, root, budget);
}

uint64_t
hs_zset_bytes(HsRef root)
{
	return hs_zlist_bytes(hs_zlist(root));
}

uint64_t
hs_zset_count_members(HsRecord *record)
{
	HsZset		z;

	hs_zset_of_record(record, &z);
	return z.count;
}

const char *
hs_zset_verify(HsPart *part, HsRecord *record)
{
	HsZset		z;

	(void) part;
	hs_zset_of_record(record, &z);
	if (z.list == NULL)
		return hs_zblob_verify(z.blob, z.capacity);
	if (z.list->root.type != HS_ZSET)
		return "zset: root is not that of a sorted set";
	if (z.list->count == 0)
		return "zset: empty set has a key";
	if (z.list->steady)
		return "zset: a promised load was not ended";
	return hs_zlist_verify(z.list);
}
