/*
 * blob.h
 *	  Where a collection is kept: a small one as a run of bytes in the record of its
 *	  key, a large one as a root node.
 *
 * Lock: partition, exclusive for what changes the key.
 */
#ifndef HS_BLOB_H
#define HS_BLOB_H

#include "store.h"

/* Bytes of the longest blob in a record of op's key. */
extern size_t hs_blob_max(const HsOp *op);

static inline bool
hs_blob_fits(const HsOp *op, size_t size)
{
	return size <= hs_blob_max(op);
}

/*
 * Make the blob, of 'used' bytes, what the key holds.  'record' is NULL or holds a
 * blob of the type and keeps its expiry: the blob goes there if that has room and is
 * not far too large, else into a new record, with zeros behind it for one that grows.
 * HS_NO_MEMORY; never if 'used' has not grown.
 */
extern HsStatus hs_blob_commit(HsOp *op, HsType type, HsRecord *record, const uint8_t *blob,
							   size_t used, int64_t new_expires_us);

/* Make 'root' what the key holds, whatever that was.  HS_NO_MEMORY: 'root' is still the caller's. */
extern HsStatus hs_root_publish(HsOp *op, HsType type, HsRef root, int64_t expires_us);

#endif							/* HS_BLOB_H */
