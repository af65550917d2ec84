/*
 * dict_int.h
 *	  What the files of hashes and sets share: a dictionary of either encoding.
 *
 * A dictionary of type HS_HASH has members with values, one of type HS_SET members
 * alone.  A member is an item of pack.h, its value the item behind it:
 *
 * Small: in the record, u8 n | u16 used | n members with their values.  'used' counts
 * the bytes from the start; the record may have more room.  No chains.
 * Large: each member with its value in a node; text above HS_DICT_INLINE bytes is
 * in chains.
 *
 * Known to dict*.c, hash.c, set*.c and type.c only.
 * Lock: partition, exclusive for what changes the dictionary or takes a part, else shared.
 */
#ifndef HS_DICT_INT_H
#define HS_DICT_INT_H

#include "blob.h"
#include "dict.h"
#include "due_queue.h"
#include "members.h"
#include "needs.h"
#include "pack.h"

#define HS_DICT_BLOB_MAX	128 /* members of a dictionary kept in its record */
#define HS_DICT_BLOB_BYTES	4096	/* of such a dictionary, at most */
#define HS_DICT_BLOB_HEADER	3
#define HS_DICT_BLOB_AGAIN	32	/* so many, in a quarter of the bytes, return to the record */
#define HS_DICT_INLINE		1024	/* longest text in a member's node */

static_assert(HS_DICT_INLINE >= HS_DICT_BLOB_BYTES / 4, "nothing that returns is in a chain");

/*
 * Root node.  In shared memory.
 * (p) partition lock: shared reads, exclusive writes
 */
typedef struct HsDictRoot
{
	HsRoot		root;
	uint32_t	spare;
	uint64_t	bytes;			/* (p) of nodes and chains, this one too, without the index */
	uint64_t	text_bytes;		/* (p) of members and values, as text */
	HsMembers	index;			/* (p) member -> node */
} HsDictRoot;

/* The dictionary of a key as found; good until it is changed. */
typedef struct HsDict
{
	HsType		type;
	HsRecord   *record;			/* NULL: absent, an empty one */
	uint8_t    *blob;			/* in the record, or NULL */
	uint32_t	capacity;		/* bytes of the record's value */
	HsRef		ref;			/* of the root of a large one */
	HsDictRoot *root;			/* that root, or NULL */
	uint32_t	seed;			/* of the order of its members: of the root, or the caller's */
	uint32_t	count;
} HsDict;

/* HS_OK or HS_WRONG_TYPE. */
extern HsStatus hs_dict_open(HsOp *op, HsType type, HsDict *d);
/* The same from a record that is known to hold one. */
extern void hs_dict_of_record(HsRecord *record, HsDict *d);

static inline unsigned
hs_dict_blob_n(const uint8_t *blob)
{
	return blob[0];
}

static inline unsigned
hs_dict_blob_used(const uint8_t *blob)
{
	uint16_t	used;

	memcpy(&used, blob + 1, 2);
	return used;
}

/* Bytes of a member with its value. */
static inline size_t
hs_dict_skip(HsType type, const uint8_t *at)
{
	size_t		n = hs_pack_skip(at);

	return type == HS_HASH ? n + hs_pack_skip(at + n) : n;
}

/* Index of the members of a large one; 'member' points to an HsPack. */
extern const HsMemberOps hs_dict_ops;

/* Where the member stands, or NULL. */
extern const uint8_t *hs_dict_find(const HsDict *d, const HsPack *member);
/* The same for a few members with their hashes, faster than one by one. */
#define HS_DICT_AHEAD	HS_MEMBERS_AHEAD
extern void hs_dict_find_some(const HsDict *d, const HsPack *members, const uint64_t *hash,
							  unsigned n, const uint8_t **found);

/* The same for names[from] and those behind it, out of n; returns how many were looked for. */
extern unsigned hs_dict_find_names(const HsDict *d, const HsBytes *names, size_t n, size_t from,
								   const uint8_t **found);

/*
 * ---- Walking ------------------------------------------------------------------
 */

/* Members in one piece of the walk. */
typedef struct HsDictRun
{
	unsigned	n;
	const uint8_t *at[HS_MEMBERS_SEG_MAX];
} HsDictRun;

/*
 * The members at or behind 'position' (hs_members_position() of their hash) up to *next, in no
 * order; *next is 0 at the end.  See hs_members_walk().
 */
extern void hs_dict_walk(const HsDict *d, uint64_t position, HsDictRun *run, uint64_t *next);

/* Append the member and/or its value. */
extern void hs_dict_emit(HsItems *out, const uint8_t *at, bool members, bool values);

/* Of hs_hash_read() and hs_hash_random(), members and/or values.  HS_WRONG_TYPE, HS_BUFFER_TOO_SMALL. */
extern HsStatus hs_dict_read(HsOp *op, HsType type, HsDictCursor *cursor, bool members,
							 bool values, HsItems *out);
extern HsStatus hs_dict_random(HsOp *op, HsType type, int64_t count, bool members, bool values,
							   uint64_t seed, HsItems *out);

/*
 * ---- Changing --------------------------------------------------------------------
 */

/* Members with their values, to be read any number of times. */
typedef struct HsDictSource
{
	size_t		n;
	/* number i; in ascending order, or from 0 on; value: NULL or untouched for sets */
	void		(*get) (struct HsDictSource *s, size_t i, HsBytes *member, HsBytes *value);
	const void *arg;
	size_t		pos;			/* the getter's own */
} HsDictSource;

/* Names in an array. */
extern HsDictSource hs_dict_names(const HsBytes *names, size_t n);

#define HS_DICT_NX		0x01	/* only members that are absent */
#define HS_DICT_KEEP	0x02	/* of one field: its expiry stays */

/*
 * Put members, all or none.  *added counts those that were absent; the others lose their
 * own expiry.  Writes effects.
 */
extern HsStatus hs_dict_put(HsOp *op, HsType type, HsDictSource *source, unsigned flags,
							int64_t new_expires_us, uint64_t *added);
/* The same for one member that hs_dict_find() has looked for in 'd', nothing changed since. */
extern HsStatus hs_dict_put_found(HsOp *op, const HsDict *d, const uint8_t *found,
								  HsDictSource *source, unsigned flags, int64_t new_expires_us);
/* Absent ones are ignored; *removed counts.  The key goes with its last member.  Writes effects. */
extern HsStatus hs_dict_remove(HsOp *op, HsType type, HsDictSource *source, uint64_t *removed);

/*
 * Make the key hold exactly these members, at least one, whatever it held.  HS_CORRUPT if one
 * comes twice.  Writes no effects.
 */
extern HsStatus hs_dict_build(HsOp *op, HsType type, HsDictSource *source, int64_t expires_us);

/* What n members of so many bytes of text take at least, for op->need. */
static inline uint64_t
hs_dict_cost(uint64_t n, uint64_t bytes)
{
	return n * 8 + bytes / 3;	/* integers take less than their text */
}

/* HS_OK, HS_MEMBER_TOO_LONG or HS_VALUE_TOO_LONG; *bytes: of all members and values. */
extern HsStatus hs_dict_check(HsType type, HsDictSource *source, uint64_t *bytes);

/* As HsDueOps has it: of the small one at 'record', and of a dump. */
extern HsStatus hs_dict_enlarge(HsPart *part, HsRecord *record, HsRef *root);
extern HsStatus hs_dict_load_large(HsPart *part, HsType type, HsBytes payload, HsRef *root);
extern const HsDueOps hs_hash_due_ops;
extern const HsDueOps hs_set_due_ops;

/*
 * ---- Rows of the type table ---------------------------------------------------------
 */
extern bool hs_dict_free_slice(HsPart *part, HsRef root, unsigned budget);
extern uint64_t hs_dict_bytes(HsRef root);
extern uint64_t hs_dict_count(HsRecord *record);
extern const char *hs_dict_verify(HsPart *part, HsRecord *record);
extern size_t hs_dict_dump(HsRecord *record, uint8_t *buf, size_t capacity);
extern HsStatus hs_dict_load(HsOp *op, HsType type, HsBytes payload, int64_t expires_us);

#endif							/* HS_DICT_INT_H */
