/*
 * lock.c
 *	  Locks with fencing tokens; lock.h says how they look.
 */
#include "lock.h"

#include "key.h"

static HsStatus find_mine(HsOp *op, int64_t token, bool *is_mine);

HsStatus
hs_lock_is_free(HsOp *op, bool *is_free)
{
	HsRecord   *record;
	HsStatus	status = hs_find_typed(op, HS_STRING, &record);

	*is_free = record == NULL;
	return status;
}

HsStatus
hs_lock_take(HsOp *op, int64_t token, int64_t expires_us)
{
	HsNewValue	v = {.bytes = hs_bytes(&token, sizeof(token)),.flags = HS_RF_INT};
	HsSetRule	rule = {.only = HS_SET_IF_ABSENT,.expires_us = expires_us};
	bool		done;

	return hs_string_set(op, &v, &rule, NULL, &done);
}

HsStatus
hs_lock_extend(HsOp *op, int64_t token, int64_t expires_us, bool *done)
{
	HsExpireRule always = {0};
	HsStatus	status = find_mine(op, token, done);

	if (status != HS_OK || !*done)
		return status;
	return hs_key_expire(op, &always, expires_us, done);
}

HsStatus
hs_lock_release(HsOp *op, int64_t token, bool *done)
{
	HsStatus	status = find_mine(op, token, done);

	if (status != HS_OK || !*done)
		return status;
	return hs_key_delete(op, done);
}

static HsStatus
find_mine(HsOp *op, int64_t token, bool *is_mine)
{
	HsRecord   *record;
	HsStatus	status = hs_find_typed(op, HS_STRING, &record);

	*is_mine = status == HS_OK && record != NULL && (hs_record_flags(record) & HS_RF_INT) &&
		hs_bytes_cmp(hs_value(record), hs_bytes(&token, sizeof(token))) == 0;
	return status;
}
