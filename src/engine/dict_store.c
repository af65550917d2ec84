/*
 * dict_store.c
 *	  Dictionaries of hashes and sets as a whole: building, dumping, loading, checking.
 *
 * Dump: u32 number of members, then [u32 size][bytes] for each member and, in a hash, the
 * same for its value behind it, in no order; little-endian.
 */
#include "dict_node.h"

#define DUMP_HEADER		4

/*
 * ---- Building ------------------------------------------------------------------
 */

static void
get_packs(HsDictSource *source, HsType type, size_t i, HsPack *member, HsPack *value)
{
	HsBytes		text[2] = {{NULL, 0}, {NULL, 0}};

	source->get(source, i, &text[0], &text[1]);
	*member = hs_pack(text[0]);
	if (type == HS_HASH)
		*value = hs_pack(text[1]);
}

/* Bytes of the blob that takes all of it, or 0. */
static size_t
blob_size(HsOp *op, HsType type, HsDictSource *source)
{
	size_t		used = HS_DICT_BLOB_HEADER;

	if (source->n > HS_DICT_BLOB_MAX)
		return 0;
	for (size_t i = 0; i < source->n; i++)
	{
		HsPack		p[2];

		get_packs(source, type, i, &p[0], &p[1]);
		used += hs_pack_size(&p[0]) + (type == HS_HASH ? hs_pack_size(&p[1]) : 0);
		if (used > HS_DICT_BLOB_BYTES)
			return 0;
	}
	return hs_blob_fits(op, used) ? used : 0;
}

static HsStatus
build_small(HsOp *op, HsType type, HsDictSource *source, size_t used, int64_t expires_us)
{
	uint8_t		blob[HS_DICT_BLOB_BYTES];
	uint16_t	u = (uint16_t) used;
	uint8_t    *to = blob + HS_DICT_BLOB_HEADER;
	HsDict		d = {.type = type,.blob = blob};
	HsDraft		draft;
	HsStatus	status;

	blob[0] = 0;
	memcpy(blob + 1, &u, 2);
	for (size_t i = 0; i < source->n; i++)
	{
		HsPack		p[2];

		get_packs(source, type, i, &p[0], &p[1]);
		if (hs_dict_find(&d, &p[0]) != NULL)
			return HS_CORRUPT;
		to = hs_pack_put(to, &p[0]);
		if (type == HS_HASH)
			to = hs_pack_put(to, &p[1]);
		blob[0]++;
	}
	status = hs_reserve(op, (uint16_t) type, used, expires_us, &draft);
	if (status != HS_OK)
		return status;
	memcpy(draft.value, blob, used);
	hs_publish(op, &draft);
	return HS_OK;
}

/* HS_CORRUPT if a member comes twice; on failure nothing is left. */
static HsStatus
build_root(HsPart *part, HsType type, HsDictSource *source, HsRef *result)
{
	HsRef		root = hs_dict_root_create(part, type);
	HsStatus	status = root != HS_REF_NONE ? HS_OK : HS_NO_MEMORY;

	for (size_t i = 0; i < source->n && status == HS_OK; i++)
	{
		HsPack		p[2];
		uint64_t	hash;

		get_packs(source, type, i, &p[0], &p[1]);
		hash = hs_pack_hash(&p[0]);
		if (hs_dict_root_find(hs_dict_root(root), hash, &p[0]) != HS_REF_NONE)
			status = HS_CORRUPT;
		else
			status = hs_dict_root_insert(part, hs_dict_root(root), hash, &p[0],
										 type == HS_HASH ? &p[1] : NULL);
	}
	if (status != HS_OK && root != HS_REF_NONE)
	{
		hs_dict_root_destroy(part, root);
		root = HS_REF_NONE;
	}
	*result = root;
	return status;
}

static HsStatus
build_large(HsOp *op, HsType type, HsDictSource *source, int64_t expires_us)
{
	uint64_t	bytes;
	HsRef		root;
	HsStatus	status = build_root(op->part, type, source, &root);

	if (status == HS_NO_MEMORY)
	{
		(void) hs_dict_check(type, source, &bytes);
		status = hs_needs_bytes(op, status, hs_dict_cost(source->n, bytes));
	}
	if (status != HS_OK)
		return status;
	status = hs_root_publish(op, type, root, expires_us);
	if (status != HS_OK)
		hs_dict_root_destroy(op->part, root);
	return status;
}

HsStatus
hs_dict_build(HsOp *op, HsType type, HsDictSource *source, int64_t expires_us)
{
	size_t		used = blob_size(op, type, source);

	return used > 0 ? build_small(op, type, source, used, expires_us) :
		build_large(op, type, source, expires_us);
}

/*
 * ---- Dump and load ---------------------------------------------------------------------
 */

static void
emit_all(const HsDict *d, HsItems *items)
{
	HsDictRun	run;
	uint64_t	next = 0;

	do
	{
		hs_dict_walk(d, next, &run, &next);
		for (unsigned i = 0; i < run.n; i++)
			hs_dict_emit(items, run.at[i], true, d->type == HS_HASH);
	} while (next != 0);
}

size_t
hs_dict_dump(HsRecord *record, uint8_t *buf, size_t capacity)
{
	HsItems		items = {0};
	HsDict		d;

	hs_dict_of_record(record, &d);
	if (d.root != NULL)
		items.need = (size_t) d.count * HS_ITEM_HEADER * (d.type == HS_HASH ? 2 : 1) +
			d.root->text_bytes;
	else
		emit_all(&d, &items);	/* nothing is written */
	if (DUMP_HEADER + items.need > capacity)
		return DUMP_HEADER + items.need;
	memcpy(buf, &d.count, DUMP_HEADER);
	items = (HsItems) {.buf = buf + DUMP_HEADER,.capacity = capacity - DUMP_HEADER};
	emit_all(&d, &items);
	return DUMP_HEADER + items.size;
}

/* A payload that is well formed. */
typedef struct Payload
{
	HsItems		items;
	bool		is_hash;
} Payload;

static void
payload_get(HsDictSource *s, size_t i, HsBytes *member, HsBytes *value)
{
	const Payload *p = s->arg;

	if (i == 0)
		s->pos = DUMP_HEADER;
	(void) hs_items_next(&p->items, &s->pos, member);
	if (p->is_hash)
		(void) hs_items_next(&p->items, &s->pos, value);
}

static bool
is_well_formed(HsType type, HsBytes payload)
{
	unsigned	each = type == HS_HASH ? 2 : 1;
	uint32_t	n;
	size_t		pos = DUMP_HEADER;
	HsBytes		item;

	if (payload.size < DUMP_HEADER)
		return false;
	memcpy(&n, payload.data, sizeof(n));
	if (n == 0)
		return false;
	for (uint64_t i = 0; i < (uint64_t) n * each; i++)
	{
		if (!hs_item_take(payload, &pos, i % each == 0 ? HS_MAX_KEY : HS_DICT_VALUE_MAX, &item))
			return false;
	}
	return pos == payload.size;
}

/* The members of a dump as a source; false if it is not well formed. */
static bool
payload_open(HsType type, HsBytes payload, Payload *p, HsDictSource *source)
{
	uint32_t	n;

	if (!is_well_formed(type, payload))
		return false;
	memcpy(&n, payload.data, sizeof(n));
	*p = (Payload) {{.buf = (uint8_t *) (uintptr_t) payload.data}, type == HS_HASH};
	*source = (HsDictSource) {.n = n,.get = payload_get,.arg = p};
	return true;
}

HsStatus
hs_dict_load(HsOp *op, HsType type, HsBytes payload, int64_t expires_us)
{
	HsDictSource source;
	Payload		p;

	if (!payload_open(type, payload, &p, &source))
		return HS_CORRUPT;
	return hs_dict_build(op, type, &source, expires_us);
}

HsStatus
hs_dict_load_large(HsPart *part, HsType type, HsBytes payload, HsRef *root)
{
	HsDictSource source;
	Payload		p;

	*root = HS_REF_NONE;
	if (!payload_open(type, payload, &p, &source))
		return HS_CORRUPT;
	return build_root(part, type, &source, root);
}

/*
 * ---- Row of the type table ---------------------------------------------------------------
 */

uint64_t
hs_dict_bytes(HsRef root)
{
	return hs_dict_root(root)->bytes + hs_dict_root(root)->index.bytes;
}

uint64_t
hs_dict_count(HsRecord *record)
{
	HsDict		d;

	hs_dict_of_record(record, &d);
	return d.count;
}

/* The member in at most 'size' bytes; *skip: bytes it takes. */
static const char *
verify_member(HsType type, const uint8_t *at, size_t size, bool may_chain, size_t *skip)
{
	const char *wrong = hs_pack_verify(at, size, may_chain, skip);
	size_t		value_skip;

	if (wrong != NULL || type != HS_HASH)
		return wrong;
	wrong = hs_pack_verify(at + *skip, size - *skip, may_chain, &value_skip);
	*skip += value_skip;
	return wrong;
}

static const char *
verify_blob(const HsDict *d)
{
	size_t		used,
				at = HS_DICT_BLOB_HEADER;

	if (d->capacity < HS_DICT_BLOB_HEADER || hs_dict_blob_used(d->blob) > d->capacity)
		return "dict: blob is cut short";
	used = hs_dict_blob_used(d->blob);
	if (d->count == 0 || d->count > HS_DICT_BLOB_MAX || used > HS_DICT_BLOB_BYTES)
		return "dict: bad number of members in a blob";
	for (unsigned i = 0; i < d->count; i++)
	{
		HsPack		p;
		size_t		skip;
		const char *wrong = verify_member(d->type, d->blob + at, used - at, false, &skip);

		if (wrong != NULL)
			return wrong;
		(void) hs_pack_get(d->blob + at, &p);
		if (hs_dict_find(d, &p) != d->blob + at)
			return "dict: member twice in a blob";
		at += skip;
	}
	return at == used ? NULL : "dict: bytes behind the last member of a blob";
}

static const char *
verify_node(const HsDict *d, const uint8_t *at)
{
	HsPack		p;
	size_t		skip;
	const char *wrong = verify_member(d->type, at, SIZE_MAX, true, &skip);

	if (wrong != NULL)
		return wrong;
	(void) hs_pack_get(at, &p);
	if (p.text.size > HS_MAX_KEY)
		return "dict: member is too long";
	if ((p.chain != HS_REF_NONE) != (p.width == 0 && p.text.size > HS_DICT_INLINE))
		return "dict: member has a chain and needs none, or the reverse";
	return hs_dict_find(d, &p) == at ? NULL : "dict: index does not find a member";
}

static const char *
verify_root(const HsDict *d)
{
	const HsDictRoot *root = d->root;
	uint64_t	bytes = hs_slab_round(sizeof(HsDictRoot));
	HsItems		items = {0};
	HsDictRun	run;
	const char *wrong;
	uint64_t	n = 0;
	uint64_t	next = 0;

	if (root->root.type != d->type)
		return "dict: root is that of another type";
	if (root->index.n == 0)
		return "dict: empty one has a key";
	wrong = hs_members_verify(&root->index, &hs_dict_ops);
	do
	{
		if (wrong != NULL)
			return wrong;
		hs_dict_walk(d, next, &run, &next);
		for (unsigned i = 0; i < run.n && wrong == NULL; i++)
		{
			wrong = verify_node(d, run.at[i]);
			bytes += hs_dict_node_bytes(d->type, run.at[i]);
			hs_dict_emit(&items, run.at[i], true, d->type == HS_HASH);
		}
		n += run.n;
	} while (next != 0);
	if (wrong != NULL)
		return wrong;
	if (n != root->index.n)
		return "dict: a walk does not meet all members";
	if (bytes != root->bytes)
		return "dict: bytes of nodes are not those accounted for";
	if (items.need != root->text_bytes + n * HS_ITEM_HEADER * (d->type == HS_HASH ? 2 : 1))
		return "dict: bytes of text are not those accounted for";
	return NULL;
}

const char *
hs_dict_verify(HsPart *part, HsRecord *record)
{
	HsDict		d;

	(void) part;
	hs_dict_of_record(record, &d);
	return d.root != NULL ? verify_root(&d) : verify_blob(&d);
}
