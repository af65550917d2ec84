/*
 * type.h
 *	  What the store has to know of each data type: one row of functions.
 *
 * A type that keeps everything in its record (HS_RF_LARGE never set) needs
 * a name only.  The table lives in type.c; it is process-local.
 */
#ifndef HS_TYPE_H
#define HS_TYPE_H

#include "store.h"

/*
 * What members that expire (dues.c) need of a collection.  A node stands for its
 * member and does not move while that has an expiry.
 */
typedef struct HsDueOps
{
	/* Is it a member, in any encoding? */
	bool		(*has) (HsRecord *record, HsBytes member);

	/* Remove a member, in any encoding, as a command does. */
	HsStatus	(*remove) (HsOp *op, const HsBytes *members, size_t n, uint64_t *removed);

	/* A large collection, reachable from nowhere yet: of what a small one in 'record' holds, or
	 * of what dump() wrote.  HS_NO_MEMORY, HS_LIMIT, HS_CORRUPT (load); then nothing is left. */
	HsStatus	(*enlarge) (HsPart *part, HsRecord *record, HsRef *root);
	HsStatus	(*load_large) (HsPart *part, HsBytes payload, HsRef *root);

	/* Of a large one: the node of a member, or HS_REF_NONE; and the member of a node,
	 * in 'buf' (HS_MAX_KEY bytes) if it does not lie together. */
	HsRef		(*find) (HsRef root, HsBytes member);
	HsBytes		(*member) (HsRef node, uint8_t *buf);

	/* Remove the member of a node; its expiry is gone already.  Cannot fail. */
	void		(*drop) (HsPart *part, HsRef root, HsRef node);
} HsDueOps;

typedef struct HsTypeOps
{
	const char *name;			/* as kv_type() says it */

	/*
	 * Free nodes of the detached large collection 'root', about 'budget' of
	 * them; true when all are gone, the root too.  Lock: partition,
	 * exclusive.  The collection is unreachable; nothing else looks at it.
	 */
	bool		(*free_slice) (HsPart *part, HsRef root, unsigned budget);

	/* Bytes of nodes that the large collection owns. */
	uint64_t	(*bytes) (HsRef root);

	/* Number of members of the collection in 'record', any encoding. */
	uint64_t	(*count) (HsRecord *record);

	/* NULL or what is wrong with the collection in 'record'. */
	const char *(*verify) (HsPart *part, HsRecord *record);

	/*
	 * Serialise the value at 'record' for a dump: writes at most 'capacity'
	 * bytes and returns the size it has or would have.  Lock: shared.
	 */
	size_t		(*dump) (HsRecord *record, uint8_t *buf, size_t capacity);

	/*
	 * Make op's key hold the value serialised in 'payload', replacing what
	 * was there.  HS_CORRUPT for anything dump() would not write.
	 */
	HsStatus	(*load) (HsOp *op, HsBytes payload, int64_t expires_us);

	/* For members that expire on their own; NULL: none do. */
	const HsDueOps *dues;
} HsTypeOps;

/* Row of a type; never NULL for types below HS_NTYPES. */
extern const HsTypeOps *hs_type_ops(HsType type);

/*
 * Head of the root node of every large collection, and of strings in several nodes
 * (chain.h; their type is HS_CHUNK).  Shared memory.
 * (p) partition lock
 */
typedef struct HsRoot
{
	HsRef		next_dead;		/* (p) graveyard of the partition */
	uint8_t		type;			/* (p) HsType */
	uint8_t		kind;			/* (p) of node, if roots of the type are not alike */
	uint8_t		pad[2];
	HsRef		dues;			/* (p) queue of members that expire (due_queue.h), or none */
} HsRoot;

/* Root node of a large collection. */
static inline HsRoot *
hs_root(HsRef root)
{
	return (HsRoot *) hs_ptr(root);
}

static inline HsRef
hs_record_root(HsRecord *record)
{
	HsRef		root;

	memcpy(&root, hs_value(record).data, sizeof(root));
	return root;
}

#endif							/* HS_TYPE_H */
