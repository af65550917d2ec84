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
} HsRoot;

#endif							/* HS_TYPE_H */
