/*
 * blob.c
 *	  Where a collection is kept: in the record of its key or in a root node.
 */
#include "blob.h"

#include "due_queue.h"

size_t
hs_blob_max(const HsOp *op)
{
	size_t		rest = op->key.size +
		hs_record_header_size(HS_RF_KLEN16 | HS_RF_VLEN16 | HS_RF_EXPIRES | HS_RF_VERSION);

	return rest < HS_RECORD_MAX ? HS_RECORD_MAX - rest : 0;
}

/*
 * Bytes to reserve for a blob that has outgrown its record by 'step': one that grows will grow
 * again.  Not if there would be no room for another step: small hashes would carry it for nothing.
 */
static size_t
size_with_slack(const HsOp *op, size_t used, size_t step)
{
	size_t		slack = used / (used < 512 ? 16 : 8);
	size_t		size = used + (slack < step ? 0 : slack);
	size_t		header;

	/* bytes that the record would be padded with are for nothing */
	header = hs_record_header_size(hs_record_width_flags(op->key.size, size)) + op->key.size;
	size = hs_record_pad(header + size) - header;
	return hs_blob_fits(op, size) ? size : used;
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
		if (record != NULL && !fits)
			size = size_with_slack(op, used, used - old.size);
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
