/*
 * hash.h
 *	  Hashes: fields, each with a value.
 *
 * A small hash is one run of bytes in the record; a larger one has a node for each
 * field and a member index (dict.h).  The caller cannot tell which, but by
 * speed.  A hash without fields does not exist: its key is removed.
 *
 * Every function runs between hs_op_begin() and hs_op_end().  Any of them may
 * return HS_WRONG_TYPE (op->found_type set).  Writes need the exclusive lock
 * and may return
 *	  HS_NO_MEMORY		nothing changed; op->need is set for hs_make_room()
 *	  HS_MEMBER_TOO_LONG a field above HS_MAX_KEY bytes; nothing changed
 *	  HS_VALUE_TOO_LONG a value above HS_DICT_VALUE_MAX; nothing changed
 *	  HS_LIMIT			too many fields in one hash
 * Reads need the shared lock and treat an absent key as an empty hash.
 * A field that is set loses its own expiry (dues.h), as a key does in kv_set;
 * counting with hs_hash_incr() keeps it.
 */
#ifndef HS_HASH_H
#define HS_HASH_H

#include "dict.h"

typedef struct HsHashField
{
	HsBytes		field;
	HsBytes		value;
} HsHashField;

/*
 * Set fields, all or none; a field may come twice, the later one wins.  nx:
 * only where the field is absent.  *added counts fields that were not there.
 * new_expires_us: expiry if this call creates the key, else ignored.
 */
extern HsStatus hs_hash_set(HsOp *op, const HsHashField *fields, size_t n, bool nx,
							int64_t new_expires_us, uint64_t *added);

/* Remove fields; absent ones are ignored.  *removed counts. */
extern HsStatus hs_hash_remove(HsOp *op, const HsBytes *fields, size_t n, uint64_t *removed);

/*
 * Add to a number; an absent field counts as 0.  HS_NOT_INTEGER or HS_OVERFLOW;
 * HS_NOT_FLOAT or HS_NOT_A_NUMBER (also for infinite results).
 * What a float becomes as text is as in hs_string_incrbyfloat().
 */
extern HsStatus hs_hash_incr(HsOp *op, HsBytes field, int64_t by, int64_t new_expires_us,
							 int64_t *result);
extern HsStatus hs_hash_incrbyfloat(HsOp *op, HsBytes field, double by, int64_t new_expires_us,
									double *result);

/* One value as one item.  HS_NOT_FOUND if key or field is absent. */
extern HsStatus hs_hash_get(HsOp *op, HsBytes field, HsItems *out);
/* n values as items in the order of 'fields', nulls for absent ones. */
extern HsStatus hs_hash_get_many(HsOp *op, const HsBytes *fields, size_t n, HsItems *out);
/* Bytes of a value.  HS_NOT_FOUND if key or field is absent. */
extern HsStatus hs_hash_value_size(HsOp *op, HsBytes field, uint64_t *size);
/* Number of fields; 0 if absent. */
extern HsStatus hs_hash_count(HsOp *op, uint64_t *count);

/*
 * The next fields and/or values (both: in turn) as items; see HsDictCursor.
 * Zero the cursor first, call until cursor->done.
 */
extern HsStatus hs_hash_read(HsOp *op, HsDictCursor *cursor, bool fields, bool values,
							 HsItems *out);

/*
 * Random fields (values: each followed by its value): count > 0 gives that many
 * different ones, all if there are fewer; count < 0 gives -count independent draws, at
 * most HS_DICT_RANDOM_MAX (else HS_BAD_ARGUMENT).  seed: 64 random bits.
 */
extern HsStatus hs_hash_random(HsOp *op, int64_t count, bool values, uint64_t seed,
							   HsItems *out);

/*
 * ---- Row of the type table (type.h); the others are those of dict_int.h ---------
 */
extern HsStatus hs_hash_load(HsOp *op, HsBytes payload, int64_t expires_us);

#endif							/* HS_HASH_H */
