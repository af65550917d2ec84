/*
 * store.c
 *	  The life of a key: find, reserve, publish, remove.
 *
 * A record is written out of place and then linked by changing one reference
 * in the index, so a reader without a lock sees the old value or the new one.
 * Everything that can fail happens in hs_reserve().
 *
 * Here and in the files of the types: the partition is locked by access.c.
 */
#include "big.h"
#include "dues.h"
#include "log.h"
#include "tag.h"

#define READ_LOCKED(op)		assert(hs_port_lock_held(&(op)->part->lock, (op)->mode))
#define WRITE_LOCKED(op) \
	assert((op)->mode == HS_EXCLUSIVE && \
		   hs_port_lock_held(&(op)->part->lock, HS_EXCLUSIVE))

/* A command came through. */
static void
note_change(HsHandle *h)
{
	h->sets++;
	h->rooms = h->vain_rooms = 0;
}

static inline void
free_tags(HsPart *part, const HsRecord *record)
{
	if (hs_record_flags(record) & HS_RF_TAGS)
		hs_tags_unref(part, hs_record_tags(record));
}

/* What a linked record owns besides itself. */
static void
free_owned(HsPart *part, HsRecord *record)
{
	uint16_t	flags = hs_record_flags(record);

	if (flags & HS_RF_BIG)
		hs_big_free(part, record);
	else if (flags & HS_RF_LARGE)
		hs_bury_later(part, hs_record_root(record));
}

void
hs_unlink(HsPart *part, HsSlot *slot, HsRecord *record)
{
	part->count_by_type[hs_record_type(record)]--;
	hs_index_remove(part, slot);
	free_owned(part, record);
	free_tags(part, record);
	hs_log_kill(part, record);
}

/*
 * ---- Finding --------------------------------------------------------------------
 */

/*
 * The key's record, expired or not, or NULL; its place is then op->slot.  The index
 * is asked again only if something in it has moved since: finding, reserving and
 * publishing are one search and not three, of 170 instructions each.
 */
static HsRecord *
locate(HsOp *op)
{
	HsPart	   *part = op->part;

	if (op->moves != part->moves)
	{
		uint64_t	geometry = atomic_load_explicit(&part->geometry, memory_order_relaxed);
		HsRecord   *record = geometry == op->geometry ?
			hs_index_find_in(part, op->head, op->hash, op->key, &op->slot) :
			hs_index_find(part, op->hash, op->key, &op->slot);

		op->moves = part->moves;
		if (record == NULL)
			op->slot.head = NULL;
		return record;
	}
	if (op->slot.head == NULL)
		return NULL;
	return hs_ptr(atomic_load_explicit(&op->slot.bucket->ref[op->slot.i], memory_order_relaxed));
}

/* Has its time come, or one of its tags been deleted?  *expired tells which. */
static bool
is_over(HsOp *op, HsRecord *record, bool *expired)
{
	uint16_t	flags = hs_record_flags(record);

	*expired = (flags & HS_RF_EXPIRES) && hs_expiry(record) <= hs_op_now(op);
	return *expired || ((flags & HS_RF_TAGS) && hs_tags_dead(hs_record_tags(record)));
}

HsRecord *
hs_find(HsOp *op)
{
	HsRecord   *record;
	bool		expired;

	READ_LOCKED(op);
	record = locate(op);
	if (record != NULL && (hs_record_flags(record) & (HS_RF_EXPIRES | HS_RF_TAGS)) &&
		is_over(op, record, &expired))
	{
		if (op->mode == HS_EXCLUSIVE)
		{
			hs_unlink(op->part, &op->slot, record);
			op->part->expired += expired;
		}
		record = NULL;
	}
	if (record != NULL)
		hs_slot_visit(op->slot.bucket, op->slot.i);
	if (op->mode == HS_SHARED)
	{
		op->h->hits += record != NULL;
		op->h->misses += record == NULL;
	}
	return record;
}

HsStatus
hs_find_typed(HsOp *op, HsType type, HsRecord **record)
{
	*record = hs_find(op);
	if (*record != NULL && type != HS_ANY && hs_record_type(*record) != type)
	{
		op->found_type = hs_record_type(*record);
		return HS_WRONG_TYPE;
	}
	return HS_OK;
}

/*
 * ---- Reserving and publishing -------------------------------------------------------
 */

/* Returns where the key belongs, behind the header. */
static uint8_t *
write_header(HsRecord *r, uint16_t flags, size_t key_size, uint32_t value_size,
			 int64_t expires_us, uint64_t version, HsRef tags)
{
	uint8_t    *p = r + 2;

	memcpy(r, &flags, 2);
	if ((flags & HS_RF_LONG_HEADER) == 0)
	{
		p[0] = (uint8_t) key_size;
		p[1] = (uint8_t) value_size;
		return p + 2;
	}
	if (flags & HS_RF_KLEN16)
	{
		uint16_t	n = (uint16_t) (key_size - 1);

		memcpy(p, &n, 2);
		p += 2;
	}
	else
		*p++ = (uint8_t) key_size;
	if (flags & HS_RF_VLEN32)
	{
		memcpy(p, &value_size, 4);
		p += 4;
	}
	else if (flags & HS_RF_VLEN16)
	{
		uint16_t	n = (uint16_t) value_size;

		memcpy(p, &n, 2);
		p += 2;
	}
	else
		*p++ = (uint8_t) value_size;
	if (flags & HS_RF_EXPIRES)
	{
		memcpy(p, &expires_us, 8);
		p += 8;
	}
	if (flags & HS_RF_VERSION)
	{
		memcpy(p, &version, 8);
		p += 8;
	}
	if (flags & HS_RF_TAGS)
	{
		memcpy(p, &tags, sizeof(tags));
		p += sizeof(tags);
	}
	return p;
}

/* A key that is overwritten stays in its queue; a new one that was evicted not
 * long ago has shown that it is wanted. */
static HsLogQueue
queue_for(HsOp *op, const HsRecord *old)
{
	if (old != NULL)
		return hs_log_queue(hs_seg_of(hs_ref(old)));
	return hs_ghost_has(op->part, op->hash) ? HS_LOG_M : HS_LOG_S;
}

/* Tags of a record of these flags that is to take the place of 'old' (NULL: none). */
static inline HsRef
tags_for(const HsOp *op, const HsRecord *old, uint16_t flags)
{
	HsRef		tags;

	if (op->tags != HS_TAGS_KEEP)
		return op->tags;
	if (old == NULL || !(hs_record_flags(old) & HS_RF_TAGS) || (flags & HS_RF_TYPE) != HS_STRING)
		return HS_REF_NONE;
	tags = hs_record_tags(old);
	return hs_tags_dead(tags) ? HS_REF_NONE : tags;
}

HsStatus
hs_reserve(HsOp *op, uint16_t flags, size_t value_size, int64_t expires_us,
		   HsDraft *draft)
{
	HsRecord   *old = locate(op);
	HsRef		tags = tags_for(op, old, flags);
	uint8_t    *key;
	size_t		total;

	WRITE_LOCKED(op);
	flags &= (uint16_t) ~(HS_RF_KLEN16 | HS_RF_VLEN16 | HS_RF_VLEN32 | HS_RF_TAGS);
	flags |= hs_record_width_flags(op->key.size, value_size);
	if (expires_us != HS_NEVER)
		flags |= HS_RF_EXPIRES;
	if (tags != HS_REF_NONE)
		flags |= HS_RF_TAGS;
	total = hs_record_header_size(flags) + op->key.size + value_size;
	if (total + ((size_t) 1 << hs_shift) > HS_RECORD_MAX)
		return HS_VALUE_TOO_LONG;

	draft->inserts = old == NULL;
	if (draft->inserts && !hs_index_promise(op->part))
	{
		op->need = 3 * HS_PAGE_SIZE;
		return HS_NO_MEMORY;
	}
	draft->ref = hs_log_alloc(op->part, (uint32_t) total, queue_for(op, old),
							  expires_us, false);
	if (draft->ref == HS_REF_NONE)
	{
		if (draft->inserts)
			hs_index_unpromise(op->part);
		op->need = total;
		return HS_NO_MEMORY;
	}
	draft->record = hs_ptr(draft->ref);
	draft->value_size = (uint32_t) value_size;
	key = write_header(draft->record, flags, op->key.size, draft->value_size, expires_us,
					   flags & HS_RF_VERSION ? ++op->part->next_version : 0, tags);
	if (tags != HS_REF_NONE)
	{
		hs_tags_ref(op->part, tags);
		hs_log_note_tags(op->part, draft->record);
	}
	hs_copy(key, op->key.data, op->key.size);
	draft->value = key + op->key.size;
	return HS_OK;
}

static void
publish(HsOp *op, HsDraft *draft, bool keep_owned)
{
	HsPart	   *part = op->part;
	HsRecord   *old = locate(op);

	WRITE_LOCKED(op);
	if (!keep_owned && (hs_record_flags(draft->record) & HS_RF_BIG))
		hs_big_adopt(part, draft->record);
	if (old == NULL)
	{
		hs_index_insert(part, op->hash, draft->ref);
		hs_index_grow(part);
	}
	else
	{
		if (draft->inserts)
			hs_index_unpromise(part);	/* another draft was here first */
		hs_index_replace(&op->slot, draft->ref);
		hs_slot_visit(op->slot.bucket, op->slot.i);
		part->count_by_type[hs_record_type(old)]--;
		if (!keep_owned)
			free_owned(part, old);
		free_tags(part, old);
		hs_log_kill(part, old);
	}
	part->count_by_type[hs_record_type(draft->record)]++;
	if (hs_has_dues(draft->record))
		hs_log_note_due(part, draft->record, hs_dues_next(draft->record));
	note_change(op->h);
}

void
hs_publish(HsOp *op, HsDraft *draft)
{
	publish(op, draft, false);
}

void
hs_publish_keep(HsOp *op, HsDraft *draft)
{
	publish(op, draft, true);
}

void
hs_abandon(HsOp *op, HsDraft *draft)
{
	WRITE_LOCKED(op);
	if (draft->inserts)
		hs_index_unpromise(op->part);
	if (hs_record_flags(draft->record) & HS_RF_BIG)
		hs_big_kill_chunks(op->part, draft->record);
	free_tags(op->part, draft->record);
	hs_log_kill(op->part, draft->record);
}

void
hs_remove(HsOp *op, HsRecord *record)
{
	WRITE_LOCKED(op);
	if (locate(op) == record)
	{
		hs_unlink(op->part, &op->slot, record);
		op->h->deletes++;
	}
}

/*
 * ---- Changing in place ------------------------------------------------------------
 */

static uint8_t *
expiry_field(HsRecord *record)
{
	uint16_t	f = hs_record_flags(record);

	return record + hs_record_header_size(f & ~(HS_RF_EXPIRES | HS_RF_VERSION | HS_RF_TAGS));
}

static uint8_t *
version_field(const HsRecord *record)
{
	uint16_t	f = hs_record_flags(record);

	return (uint8_t *) record + hs_record_header_size(f & ~(HS_RF_VERSION | HS_RF_TAGS));
}

void
hs_renew_version(HsPart *part, HsRecord *record)
{
	if (hs_record_flags(record) & HS_RF_VERSION)
	{
		uint64_t	version = ++part->next_version;

		memcpy(version_field(record), &version, 8);
	}
}

void
hs_poke(HsOp *op, HsRecord *record, size_t offset, const void *bytes, size_t size)
{
	HsBytes		value = hs_value(record);

	WRITE_LOCKED(op);
	assert(size <= HS_IN_PLACE_MAX && offset + size <= value.size);
	if (locate(op) != record)
		return;
	hs_change_begin(op->slot.head);
	hs_copy((uint8_t *) value.data + offset, bytes, size);
	hs_renew_version(op->part, record);
	hs_change_end(op->slot.head);
	note_change(op->h);
}

/* Would a new record have other tags than this one?  Mostly there are none. */
static inline bool
changes_tags(const HsOp *op, const HsRecord *record, uint16_t flags)
{
	if ((flags & HS_RF_TAGS) == 0)
		return op->tags != HS_REF_NONE && op->tags != HS_TAGS_KEEP;
	return op->tags != HS_TAGS_KEEP && op->tags != hs_record_tags(record);
}

/*
 * Equal size in the log means that nothing behind the record moves.  Header and
 * value are rewritten inside one window, and the key if the header's size changes.
 */
bool
hs_overwrite(HsOp *op, HsRecord *record, uint16_t flags, HsBytes value, int64_t expires_us)
{
	HsRecordView v;
	uint8_t    *to;

	WRITE_LOCKED(op);
	hs_record_view(record, &v);
	flags = (uint16_t) ((flags & (HS_RF_TYPE | HS_RF_VALUE)) |
						hs_record_width_flags(op->key.size, value.size) |
						(v.flags & (HS_RF_VERSION | HS_RF_TAGS)));
	if (expires_us != HS_NEVER)
		flags |= HS_RF_EXPIRES;
	if (((v.flags ^ flags) & HS_RF_TYPE) != 0 || (v.flags & (HS_RF_BIG | HS_RF_LARGE)) ||
		op->key.size + value.size > HS_IN_PLACE_MAX ||
		changes_tags(op, record, v.flags) ||
		hs_record_pad(hs_record_header_size(flags) + op->key.size + value.size) != v.total ||
		locate(op) != record)
		return false;
	hs_change_begin(op->slot.head);
	to = write_header(record, flags, op->key.size, (uint32_t) value.size, expires_us,
					  flags & HS_RF_VERSION ? ++op->part->next_version : 0,
					  hs_record_tags(record));
	if (to != v.key)
		hs_copy(to, op->key.data, op->key.size);
	hs_copy(to + op->key.size, value.data, value.size);
	hs_change_end(op->slot.head);
	if (expires_us != v.expires_us)
		hs_log_note_expiry(op->part, record, expires_us);
	hs_slot_visit(op->slot.bucket, op->slot.i);
	note_change(op->h);
	return true;
}

void
hs_poke_flags(HsOp *op, HsRecord *record, uint16_t value_flags)
{
	uint16_t	flags = hs_record_flags(record);

	WRITE_LOCKED(op);
	flags = (uint16_t) ((flags & ~HS_RF_VALUE) | (value_flags & HS_RF_VALUE));
	if (locate(op) != record)
		return;
	hs_change_begin(op->slot.head);
	memcpy(record, &flags, 2);
	hs_change_end(op->slot.head);
}

void
hs_flip_dues(HsPart *part, HsRecord *record)
{
	uint16_t	flags = hs_record_flags(record) ^ HS_RF_DUES;
	HsRecordView v;
	HsSlot		slot;

	hs_record_view(record, &v);
	if (!hs_index_find_ref(part, hs_hash(hs_bytes(v.key, v.key_size)), hs_ref(record), &slot))
		return;
	hs_change_begin(slot.head);
	memcpy(record, &flags, 2);
	hs_change_end(slot.head);
}

void
hs_touch_version(HsOp *op, HsRecord *record)
{
	WRITE_LOCKED(op);
	if (hs_has_dues(record))
		hs_dues_settle(op->part, record);
	hs_renew_version(op->part, record);
	note_change(op->h);
}

/*
 * ---- Expiry and version ------------------------------------------------------------
 */

int64_t
hs_expiry(HsRecord *record)
{
	int64_t		at;

	if ((hs_record_flags(record) & HS_RF_EXPIRES) == 0)
		return HS_NEVER;
	memcpy(&at, expiry_field(record), 8);
	return at;
}

/* A new record of the same value and owned memory, with other header fields. */
static HsStatus
rewrite_record(HsOp *op, HsRecord *record, uint16_t flags, int64_t expires_us,
			   HsRecord **result)
{
	HsRecordView v;
	HsDraft		draft;
	HsStatus	status;

	hs_record_view(record, &v);
	status = hs_reserve(op, flags, v.value_size, expires_us, &draft);
	if (status != HS_OK)
		return status;
	hs_copy(draft.value, v.value, v.value_size);
	hs_publish_keep(op, &draft);
	*result = draft.record;
	return HS_OK;
}

HsStatus
hs_set_expiry(HsOp *op, HsRecord *record, int64_t expires_us)
{
	uint16_t	flags = hs_record_flags(record);

	WRITE_LOCKED(op);
	if ((flags & HS_RF_EXPIRES) == 0)
	{
		if (expires_us == HS_NEVER)
			return HS_OK;
		return rewrite_record(op, record, flags, expires_us, &record);
	}
	if (locate(op) != record)
		return HS_NOT_FOUND;
	hs_change_begin(op->slot.head);
	memcpy(expiry_field(record), &expires_us, 8);
	hs_renew_version(op->part, record);
	hs_change_end(op->slot.head);
	hs_log_note_expiry(op->part, record, expires_us);
	note_change(op->h);
	return HS_OK;
}

HsStatus
hs_set_tags(HsOp *op, HsRecord *record)
{
	return rewrite_record(op, record, hs_record_flags(record), hs_expiry(record), &record);
}

uint64_t
hs_record_version(const HsRecord *record)
{
	uint64_t	version;

	if ((hs_record_flags(record) & HS_RF_VERSION) == 0)
		return 0;
	memcpy(&version, version_field(record), 8);
	return version;
}

HsStatus
hs_key_version(HsOp *op, uint64_t *version)
{
	HsRecord   *record = hs_find(op);
	HsStatus	status = HS_OK;

	if (record == NULL)
		return HS_NOT_FOUND;
	if (hs_record_version(record) == 0)
		status = rewrite_record(op, record, hs_record_flags(record) | HS_RF_VERSION,
								hs_expiry(record), &record);
	if (status == HS_OK)
		*version = hs_record_version(record);
	return status;
}

/*
 * ---- Size --------------------------------------------------------------------
 */

uint64_t
hs_key_bytes(HsOp *op, HsRecord *record)
{
	HsRecordView v;
	uint64_t	bytes;

	READ_LOCKED(op);
	hs_record_view(record, &v);
	bytes = v.total + hs_owned_bytes(record);
	if (op->part->count > 0)
		bytes += (uint64_t) hs_nbuckets(op->part) * sizeof(HsBucket) / op->part->count;
	if (v.flags & HS_RF_BIG)
	{
		HsBig		big;

		memcpy(&big, v.value, sizeof(big));
		bytes += (uint64_t) big.nchunks * (HS_SEG_SIZE / 8);
	}
	return bytes;
}

uint64_t
hs_owned_bytes(HsRecord *record)
{
	uint16_t	flags = hs_record_flags(record);

	if (flags & HS_RF_BIG)
	{
		HsBig		big;

		memcpy(&big, hs_value(record).data, sizeof(big));
		return (uint64_t) big.npages << hs_seg_shift;
	}
	if (flags & HS_RF_LARGE)
	{
		HsRef		root = hs_record_root(record);

		return hs_type_ops(hs_record_type(record))->bytes(root) +
			(hs_has_dues(record) ? hs_due_bytes(hs_root(root)) : 0);
	}
	return 0;
}
