/*
 * kvstring.h
 *	  Strings: bytes, counters, and what can be done to them.
 *
 * Not called string.h, which would hide the C library's header from anyone who
 * has this directory on the include path.
 *
 * A value is bytes plus HS_RF_VALUE flags: HS_RF_INT is an int64 in 8 bytes,
 * read by its users as decimal text; HS_RF_TEXT bytes are known to be text of
 * the database; HS_RF_JSONB bytes are opaque here and refused by every command
 * that works on bytes (HS_WRONG_TYPE with found_type HS_STRING).
 *
 * Values above hs_big_threshold() need pages, which are filled before the
 * partition is locked.  Hence the three steps of writing: prepare, command
 * between begin and end, discard.
 */
#ifndef HS_KVSTRING_H
#define HS_KVSTRING_H

#include "big.h"
#include "number.h"
#include "store.h"

/*
 * ---- A value to be written -------------------------------------------------
 */
typedef struct HsNewValue
{
	HsBytes		bytes;			/* HS_RF_INT: 8 bytes of an int64 */
	uint16_t	flags;			/* of HS_RF_VALUE */
	bool		has_pages;		/* the engine's: 'draft' is to be discarded */
	HsBigDraft	draft;
} HsNewValue;

/*
 * Take pages for the value if it needs them, and fill them.  No lock may be
 * held.  HS_VALUE_TOO_LONG above max_value; HS_NO_MEMORY with *need.
 * Ends with hs_value_discard(), whatever became of the value.
 */
extern HsStatus hs_value_prepare(HsHandle *h, HsNewValue *v, size_t max_value, size_t *need);
extern void hs_value_discard_pages(HsNewValue *v);

static inline void
hs_value_discard(HsNewValue *v)
{
	if (v->has_pages)
		hs_value_discard_pages(v);
}

/* As hs_reserve(): a record of that type for the prepared value; its pages are the draft's.
 * Once published v->has_pages is to be cleared.  Lock: exclusive. */
extern HsStatus hs_value_reserve(HsOp *op, HsType type, HsNewValue *v, int64_t expires_us,
								 HsDraft *draft);

/*
 * ---- A value that was read ---------------------------------------------------
 * buf and capacity are the caller's.  What did not fit is HS_BUFFER_TOO_SMALL
 * with 'size' set, and then nothing was done.  After the partition is
 * unlocked hs_got_finish() copies what was pinned; it may be called in any case.
 * False: somebody has changed the value meanwhile; run the command once more, with
 * the same HsGot and buffer.  After a few times that copies what is left to be
 * copied under the lock.  Not so after a command that replaced or removed the value.
 */
typedef struct HsGot
{
	uint8_t    *buf;
	size_t		capacity;
	size_t		size;			/* bytes of value, HS_RF_INT: 8 */
	uint16_t	flags;			/* of HS_RF_VALUE */
	int64_t		expires_us;
	bool		found;
	bool		text_only;		/* asked: see hs_string_getdel() */
	size_t		offset;			/* the engine's: where in the value buf begins */
	uint64_t	since;			/* pages that have not changed since are in buf */
	unsigned	rounds;			/* times that pages were copied without a lock */
	HsBigPin	pin;
} HsGot;

static inline void
hs_got_init(HsGot *got, void *buf, size_t capacity)
{
	got->buf = buf;
	got->capacity = capacity;
	got->size = 0;
	got->flags = 0;
	got->expires_us = HS_NEVER;
	got->found = false;
	got->text_only = false;
	got->offset = 0;
	got->since = 0;
	got->rounds = 0;
	got->pin = (HsBigPin) HS_BIG_NO_PIN;
}

extern bool hs_got_finish_pages(HsGot *got);

static inline bool
hs_got_finish(HsGot *got)
{
	return got->pin.first_page == HS_SEG_NONE || hs_got_finish_pages(got);
}

/* Copy the value of a record: HS_OK or HS_BUFFER_TOO_SMALL.  Lock: shared. */
extern HsStatus hs_got_record(HsRecord *record, HsGot *got);

/*
 * ---- Reading -----------------------------------------------------------------
 */

/* hs_string_fetch() of a value that hs_read() left alone.  Takes the lock. */
extern HsStatus hs_string_fetch_large(HsHandle *h, HsBytes key, int64_t now_us,
									  HsGot *got, HsType *found_type);

/*
 * The value of a string key, without a lock unless it is large.  Takes and
 * releases locks itself; 'got' needs no finish.  HS_OK, HS_NOT_FOUND,
 * HS_WRONG_TYPE with *found_type, HS_BUFFER_TOO_SMALL, HS_GONE.
 * hs_string_fetched() is what follows hs_read() into got's buffer.
 */
static inline HsStatus
hs_string_fetched(HsHandle *h, HsBytes key, int64_t now_us, HsGot *got, HsType *found_type,
				  HsStatus status, HsRead r)
{
	if (status != HS_OK && status != HS_BUFFER_TOO_SMALL && status != HS_WRONG_TYPE)
		return status;
	got->size = r.size;
	got->flags = r.flags & HS_RF_VALUE;
	got->expires_us = r.expires_us;
	got->found = status == HS_OK;
	if (status == HS_OK)
		return HS_OK;
	if (status == HS_WRONG_TYPE)
		*found_type = r.type;
	else if ((r.flags & HS_RF_BIG) && r.size <= got->capacity)
		status = hs_string_fetch_large(h, key, now_us, got, found_type);
	return status;
}

static inline HsStatus
hs_string_fetch(HsHandle *h, HsBytes key, int64_t now_us, HsGot *got, HsType *found_type)
{
	HsRead		r;
	HsStatus	status = hs_read(h, key, now_us, got->buf, got->capacity, &r);

	return hs_string_fetched(h, key, now_us, got, found_type, status, r);
}

/*
 * The value as an integer: a counter, or bytes that hs_int_parse() takes.
 * HS_NOT_INTEGER for anything else, jsonb included; without a lock.
 */
extern HsStatus hs_string_get_int(HsHandle *h, HsBytes key, int64_t now_us,
								  int64_t *n, HsType *found_type);

/* The same between begin and end.  Lock: shared. */
extern HsStatus hs_string_get(HsOp *op, HsGot *got);

/*
 * Bytes start..stop of the text form, both inclusive; negative ones count from
 * the end, as in Redis.  A missing key and an empty range give 0 bytes;
 * got->found tells them apart.  Lock: shared.
 */
extern HsStatus hs_string_range(HsOp *op, int64_t start, int64_t stop, HsGot *got);

/* Bytes of the text form; HS_NOT_FOUND.  Lock: shared. */
extern HsStatus hs_string_length(HsOp *op, size_t *size);

/*
 * The values of several keys as of one instant: got[i] for keys[i], all bytes
 * one after the other in 'arena', each at an address divisible by 8.  A key of
 * another type counts as missing.  HS_BUFFER_TOO_SMALL sets *wanted.  After
 * hs_multi_end() call hs_got_finish() on each.  hs_got_init() each before the first
 * call and whenever 'arena' is another one.  Lock: all partitions, shared.
 */
extern HsStatus hs_strings_get(HsMulti *m, const HsBytes *keys, size_t nkeys, HsGot *got,
							   uint8_t *arena, size_t capacity, size_t *wanted);

/*
 * ---- Setting -------------------------------------------------------------------
 */
typedef enum HsSetOnly
{
	HS_SET_ALWAYS,
	HS_SET_IF_ABSENT,
	HS_SET_IF_PRESENT,
	HS_SET_IF_VERSION,			/* key has this version */
	HS_SET_IF_EQUAL				/* key holds this value */
} HsSetOnly;

typedef struct HsSetRule
{
	HsSetOnly	only;
	bool		keep_ttl;		/* an existing key keeps its expiry */
	int64_t		expires_us;		/* HS_NEVER for none */
	uint64_t	version;		/* HS_SET_IF_VERSION */
	HsBytes		expected;		/* HS_SET_IF_EQUAL */
	uint16_t	expected_flags; /* HS_SET_IF_EQUAL: HS_RF_JSONB or not */
	bool		keep_tags;		/* an existing string keeps its tags */
	const HsBytes *tags;		/* else these are its tags, see hs_tags_hold() */
	size_t		ntags;
} HsSetRule;

/*
 * Make the key hold the prepared value, whatever type it held.  *done tells
 * whether the rule let it.  'old' (NULL: do not care) receives the
 * value it held until then: HS_WRONG_TYPE if that is no string.
 * HS_NO_MEMORY; HS_BUFFER_TOO_SMALL for old; as hs_tags_hold().  Lock: exclusive.
 */
extern HsStatus hs_string_set(HsOp *op, HsNewValue *v, const HsSetRule *rule,
							  HsGot *old, bool *done);

/*
 * Read and remove.  HS_NOT_FOUND.  Lock: exclusive.
 *
 * Where got->text_only is set, here and for the old value of hs_string_set() and
 * in hs_string_getex(), bytes that nobody has yet found to be text of the
 * database are HS_NOT_TEXT: read into 'got', but nothing was done.  Check them,
 * call hs_string_mark_text(), and come again.
 */
extern HsStatus hs_string_getdel(HsOp *op, HsGot *got);

/* Read and set the expiry (HS_NEVER: none).  HS_NOT_FOUND.  Lock: exclusive. */
extern HsStatus hs_string_getex(HsOp *op, int64_t expires_us, HsGot *got);

/* Remove the key if it holds 'expected'.  Lock: exclusive. */
extern HsStatus hs_string_del_if(HsOp *op, HsBytes expected, uint16_t expected_flags, bool *done);

/*
 * Someone has checked that 'bytes' are text of the database: note it, if that
 * is still what the key holds.  Lock: exclusive.
 */
extern void hs_string_mark_text(HsOp *op, HsBytes bytes);

/*
 * Several keys at once: all of them or, with rule->only_absent and any key present,
 * none (*done false).  hs_mset_prepare() sorts the items and marks those
 * that a later one with the same key overrides.  Items are the caller's memory.
 */
typedef struct HsMsetItem
{
	HsBytes		key;
	HsNewValue	value;
	size_t		order;			/* the engine's: place in the caller's order */
	bool		skip;			/* the engine's */
	HsDraft		draft;
} HsMsetItem;

/* The same for all of them. */
typedef struct HsMsetRule
{
	bool		only_absent;
	int64_t		expires_us;
	const HsBytes *tags;
	size_t		ntags;
} HsMsetRule;

extern HsStatus hs_mset_prepare(HsHandle *h, HsMsetItem *items, size_t nitems,
								size_t max_value, size_t *need);
/* On HS_NO_MEMORY m->need is set and *hash is that of the key that found no room. */
extern HsStatus hs_mset(HsMulti *m, HsMsetItem *items, size_t nitems, const HsMsetRule *rule,
						bool *done, uint64_t *hash);
extern void hs_mset_discard(HsMsetItem *items, size_t nitems);

/*
 * The effect of a command that makes the key a string with these value flags, this expiry and the
 * tags op->tags: returns where the caller puts its 'size' bytes, or NULL if they do not fit:
 * HS_NO_MEMORY, op->need is 0.  op->effects is not NULL.  Lock: exclusive.
 */
extern uint8_t *hs_string_note(HsOp *op, uint16_t flags, int64_t expires_us, size_t size);

/*
 * ---- Counting ------------------------------------------------------------------
 */

/*
 * Add 'by' to the integer at the key; a missing key is 0 and then gets
 * new_expires_us.  HS_NOT_INTEGER, HS_OVERFLOW, HS_NO_MEMORY.  Lock: exclusive.
 */
extern HsStatus hs_string_incr(HsOp *op, int64_t by, int64_t new_expires_us, int64_t *result);

/*
 * Add a double and store the shortest decimal form that reads back as the sum; a missing key
 * is as above.  HS_NOT_FLOAT; HS_NOT_A_NUMBER if the sum is infinite or NaN.  Lock: exclusive.
 */
extern HsStatus hs_string_incrbyfloat(HsOp *op, double by, int64_t new_expires_us, double *result);

/*
 * ---- A string's bytes under the lock -------------------------------------------------
 */
typedef struct HsStringView
{
	HsRecord   *record;			/* NULL: none */
	uint16_t	flags;			/* HS_RF_ flags of the record */
	bool		is_big;
	size_t		size;			/* of the text form; of jsonb the bytes stored */
	size_t		rest;			/* what comes before is in pages */
	const uint8_t *plain;		/* unless is_big: the bytes */
	uint8_t		digits[HS_INT_DIGITS];
} HsStringView;

/* record: a string's, or NULL for no bytes.  Lock: shared. */
extern void hs_string_view(HsRecord *record, HsStringView *view);
extern void hs_string_view_copy(const HsStringView *view, size_t offset, uint8_t *dst, size_t size);

/*
 * ---- Changing a part -------------------------------------------------------------
 * Append, overwrite from an offset (padding with zero bytes), grow with zeros, or copy to
 * another key as it is.  Large results need pages for bytes that are only known
 * once the old value is seen, so hs_edit_prepare() looks at it without a lock and
 * hs_string_edit() fails with HS_BUFFER_TOO_SMALL when it has changed too much
 * meanwhile: discard, prepare and try again.
 */
typedef struct HsEdit
{
	HsBytes		bytes;			/* to put in */
	bool		is_text;		/* bytes are text of the database */
	bool		append;			/* at the end, not at 'offset' */
	size_t		offset;
	size_t		grow_to;		/* at least so many bytes, and room for an eighth more */
	size_t		max_value;		/* longest result, bytes */
	int64_t		new_expires_us; /* expiry if this makes the key, else ignored */
	uint8_t    *scratch;		/* HS_SEG_SIZE bytes, or NULL until it is needed */
	size_t		result_size;	/* out: bytes of the new value */

	/* the engine's */
	bool		is_planned;		/* 'draft' holds pages for planned_size bytes */
	size_t		planned_size;
	size_t		planned_old;	/* size of the old value then, and what of it was in pages */
	size_t		planned_rest;
	HsBigPin	pin;			/* pages of the old value */
	HsBigDraft	draft;
} HsEdit;

/* HS_BUFFER_TOO_SMALL: provide 'scratch'.  HS_VALUE_TOO_LONG, HS_NO_MEMORY with
 * *need, HS_GONE.  No lock may be held. */
extern HsStatus hs_edit_prepare(HsHandle *h, HsBytes key, HsEdit *e, int64_t now_us, size_t *need);
/* HS_BUFFER_TOO_SMALL: prepare again.  HS_VALUE_TOO_LONG, HS_NO_MEMORY, HS_WRONG_TYPE.
 * Lock: exclusive. */
extern HsStatus hs_string_edit(HsOp *op, HsEdit *e);
extern void hs_edit_discard(HsEdit *e);

/*
 * For key.c: reserve at op's key a copy of the large string 'source', which
 * was prepared as an edit without bytes.  For bits.c: reserve what is larger than
 * hs_big_threshold() after the edit, with value flags 'flags'.  Once it is
 * published, e->is_planned is to be false.  HS_BUFFER_TOO_SMALL and HS_NO_MEMORY as hs_string_edit().
 * Lock: exclusive.
 */
extern HsStatus hs_edit_reserve_copy(HsOp *op, HsRecord *source, HsEdit *e,
									 int64_t expires_us, HsDraft *draft);
extern HsStatus hs_edit_reserve_big(HsOp *op, const HsStringView *old, HsEdit *e,
									uint16_t flags, int64_t expires_us, HsDraft *draft);

#endif							/* HS_KVSTRING_H */
