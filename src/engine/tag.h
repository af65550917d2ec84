/*
 * tag.h
 *	  Tags of keys: groups of string keys that can be deleted at once.
 *
 * Each partition knows the tags of its own keys, so its lock covers them and their
 * memory comes from its slabs.  A tag is a node with its name.  Several tags of one key
 * are a set: a node that refers to theirs, one for all keys of the partition that have the
 * same ones.  A record with HS_RF_TAGS refers to its tag or set.  Both are found through one
 * index (members.h) by their exact name or members, count who refers to them, and go
 * with the last; with the last of all, the index goes.
 *
 * Deleting a tag marks its node dead and takes it out of the index, in every partition
 * under all their locks.  Nothing is walked: a key is gone from then on because one of
 * its tags is dead, as if it had expired (hs_gone_at()), and a tag of the same
 * name that comes later is another node.  Memory comes back as that of expired
 * keys does: whoever meets such a key removes it, and the worker searches the segments
 * that have some (expire.c), guided by HsSeg.tagged.
 *
 * What a command on a key does to its tags is up to op->tags, see store.h: what changes
 * a value keeps them, what replaces it does not.  Collections have none.
 *
 * Lock: partition; exclusive where nothing else is said.
 */
#ifndef HS_TAG_H
#define HS_TAG_H

#include "items.h"
#include "members.h"
#include "record.h"
#include "store.h"

#define HS_TAGS_MAX			32	/* of a key */
#define HS_TAG_SIZE_MAX		2048	/* bytes of a name */

/*
 * A tag or a set of tags.  (c) constant (p) partition lock
 */
typedef struct HsTag
{
	uint32_t	refs;			/* (p) records, sets, and a command that holds it */
	uint32_t	records;		/* (p) tag: of keys that carry it, alone or in a set */
	uint16_t	size;			/* (c) tag: bytes of its name */
	uint8_t		n;				/* (c) set: its tags; 0: this is a tag */
	uint8_t		is_dead;		/* (p) tag: deleted; read without a lock, too */
	uint8_t		data[];			/* (c) name, or n HsRef of tags in ascending order */
} HsTag;

/*
 * All of a partition; in a slab as its nodes are.  (p) partition lock
 */
typedef struct HsTags
{
	uint32_t	count;			/* (p) nodes of tags and sets, dead ones too */
	uint32_t	spare;
	uint64_t	carried;		/* (p) tags that keys carry: the sum of HsTag.records */
	HsMembers	index;			/* (p) name, or members -> node; not of dead ones */
} HsTags;

/*
 * ---- Commands --------------------------------------------------------------
 */

/*
 * All keys of the keyspace with one of these tags are gone.  *deleted is the sum, over the
 * tags, of keys that carried one: also of those that had expired or lost another tag and still
 * took memory.  HS_NO_MEMORY: no room for the effects.  Lock: all partitions, exclusive.
 */
extern HsStatus hs_tags_delete(HsMulti *m, const HsBytes *names, size_t n, uint64_t *deleted);

/* As many as hs_tags_delete() of one would count.  Lock: all partitions, shared. */
extern uint64_t hs_tags_count(HsMulti *m, HsBytes name);

/* Names of the key's tags, ordered by their bytes.  HS_NOT_FOUND, HS_BUFFER_TOO_SMALL.
 * Lock: shared. */
extern HsStatus hs_tags_of_key(HsOp *op, HsItems *out);

/* Do again what HS_EF_TAGS says: a string key has exactly the tags in 'names'.
 * HS_CORRUPT, HS_NO_MEMORY.  Lock: exclusive. */
extern HsStatus hs_tags_redo(HsOp *op, HsBytes names);

/*
 * ---- For commands that write strings ------------------------------------------
 * Lock: the partition of op's key, and of 'from', exclusive.
 */

/*
 * Find or make the set of these tags for a record to be, and hold it: *tags, HS_REF_NONE
 * for n = 0.  A name may come twice.  HS_BAD_ARGUMENT: more than HS_TAGS_MAX;
 * HS_KEY_TOO_LONG: a name is; HS_NO_MEMORY with op->need, HS_LIMIT.  Ends with
 * hs_tags_let_go().
 */
extern HsStatus hs_tags_hold(HsOp *op, const HsBytes *names, size_t n, HsRef *tags);
/* The same of the tags that a record of another partition (or this one) has. */
extern HsStatus hs_tags_hold_of(HsOp *op, HsPart *from, HsRef theirs, HsRef *tags);
extern void hs_tags_let_go(HsPart *part, HsRef tags);

/*
 * Behind the effect that sets op's key: the tags it then has, if any; op->tags, or those that it
 * keeps.  False: it does not fit.
 */
extern bool hs_tags_put_effect(HsOp *op);

static inline bool
hs_tags_note(HsOp *op)
{
	return op->effects == NULL || hs_tags_put_effect(op);
}

/* The same of a key that has none by the effects so far. */
extern bool hs_tags_note_of(HsOp *op, HsRef tags);

/*
 * ---- For the store -----------------------------------------------------------
 * Lock: exclusive, but where it says otherwise.
 */

/* One more record, or one less, refers to these tags. */
extern void hs_tags_ref(HsPart *part, HsRef tags);
extern void hs_tags_unref(HsPart *part, HsRef tags);

/* Has one of these tags been deleted?  Lock: shared. */
extern bool hs_tags_dead(HsRef tags);

/*
 * The same for a reader without a lock.  If the record he has it from is not linked any more,
 * the memory may be anything: then the answer means nothing, and the version of the record's
 * bucket will tell him so.
 */
extern bool hs_tags_dead_racy(HsRef tags);

/* NULL or what is wrong.  carried, dead: tags of all linked records, and dead ones among them. */
extern const char *hs_tags_verify(const HsPart *part, uint64_t carried, uint64_t dead);
/* Of one linked record: adds to the sums. */
extern const char *hs_tags_verify_record(const HsRecord *record, uint64_t *carried, uint64_t *dead);

#endif							/* HS_TAG_H */
