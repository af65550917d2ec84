/*
 * blob.c
 *	  Where a collection is kept: in the record of its key or in a root node.
 */
#include "blob.h"

#include "due_queue.h"

bool
hs_blob_fits(const HsOp *op, size_t size)
{
	return hs_record_header_size(HS_RF_KLEN16 | HS_RF_VLEN16 | HS_RF_EXPIRES | HS_RF_VERSION) +
		op->key.size + size <= HS_RECORD_MAX;
}

HsStatus
hs_blob_commit(HsOp *op, HsType type, HsRecord *record, const uint8_t *blob, size_t used,
			   int64_t new_expires_us)
{
	HsBytes		old = record != NULL ? hs_value(record) : hs_bytes(NULL, 0);
	bool		fits = used <= old.size;
	size_t		size = used;
	HsDraft		draft;
	HsStatus	status;

	if (!fits || old.size > 2 * used + 64)
	{
		/* one that grows will grow again */
		if (record != NULL && !fits && hs_blob_fits(op, used + used / 8))
			size = used + used / 8;
		status = hs_reserve(op, (uint16_t) type, size,
							record != NULL ? hs_expiry(record) : new_expires_us, &draft);
		if (status == HS_OK)
		{
			memcpy(draft.value, blob, used);
			memset(draft.value + used, 0, size - used);
			hs_publish(op, &draft);
			return HS_OK;
		}
		if (!fits)
			return status;
	}
	memcpy((uint8_t *) (uintptr_t) old.data, blob, used);
	hs_touch_version(op, record);
	return HS_OK;
}

HsStatus
hs_root_publish(HsOp *op, HsType type, HsRef root, int64_t expires_us)
{
	uint16_t	flags = (uint16_t) (type | HS_RF_LARGE | (hs_due_any(hs_root(root)) ? HS_RF_DUES : 0));
	HsDraft		draft;
	HsStatus	status = hs_reserve(op, flags, sizeof(root), expires_us, &draft);

	if (status != HS_OK)
		return status;
	memcpy(draft.value, &root, sizeof(root));
	hs_publish(op, &draft);
	return HS_OK;
}
