/*
 * dump.h
 *	  One key's value as bytes that can leave the server and come back.
 *
 *	"HSDU" | u8 format version | u8 HsType | u16 flags | payload | u64 XXH3
 *
 * Little-endian; the checksum is of all that stands before it.  The payload of
 * a string is its bytes, of a collection what HsTypeOps.dump writes.  Flags
 * are HS_RF_VALUE flags, and HS_DF_JSON_TEXT instead of HS_RF_JSONB for
 * jsonb written as text: who takes dumps from strangers must refuse
 * the binary form, which nobody can check.
 */
#ifndef HS_DUMP_H
#define HS_DUMP_H

#include "kvstring.h"

#define HS_DUMP_VERSION		1
#define HS_DUMP_HEAD		8	/* bytes before the payload */
#define HS_DUMP_TAIL		8	/* bytes after it */
#define HS_DF_JSON_TEXT		0x0001	/* payload is the text of a jsonb value */
#define HS_DF_DUES			0x0002	/* collection: payload as hs_dues_dump() writes it */

/* A dump, taken apart; all bytes borrowed. */
typedef struct HsDump
{
	HsType		type;
	uint16_t	flags;
	HsBytes		payload;
	HsBytes		all;
} HsDump;

/* Write head and tail around the payload that stands at buf + HS_DUMP_HEAD. */
extern void hs_dump_seal(uint8_t *buf, size_t payload_size, HsType type, uint16_t flags);

/* HS_CORRUPT unless magic, version, flags and checksum are right. */
extern HsStatus hs_dump_open(HsBytes input, HsDump *out);

/* A string has at most one of the flags for strings; a collection HS_DF_DUES or none. */
extern bool hs_dump_flags_are_valid(const HsDump *dump);

/*
 * The payload alone, so that the checksum can be computed after unlocking.
 * HS_NOT_FOUND; HS_BUFFER_TOO_SMALL with *size.  Lock: shared.
 */
extern HsStatus hs_dump_payload(HsOp *op, uint8_t *buf, size_t capacity,
								size_t *size, HsType *type, uint16_t *flags);

/* What a collection's HsTypeOps.dump wrote; false if that cannot be. */
extern bool hs_dump_members(const HsDump *dump, HsBytes *members);

/*
 * Make op's key hold the payload of a collection, replacing what was there.  HS_CORRUPT,
 * HS_NO_MEMORY.  Lock: exclusive.
 */
extern HsStatus hs_dump_load(HsOp *op, HsType type, uint16_t flags, HsBytes payload,
							 int64_t expires_us);

/* The whole dump at once.  Lock: shared. */
extern HsStatus hs_dump(HsOp *op, uint8_t *buf, size_t capacity, size_t *size);

/*
 * Make the key hold what the dump says; *done is false if it exists and
 * 'replace' is not set.  'v': for a string its value, filled in by
 * hs_dump_value() and prepared; unused for others.  HS_CORRUPT, HS_NO_MEMORY.
 * Lock: exclusive.
 */
extern void hs_dump_value(const HsDump *dump, HsNewValue *v);
extern HsStatus hs_restore(HsOp *op, const HsDump *dump, HsNewValue *v, bool replace,
						   int64_t expires_us, bool *done);

#endif							/* HS_DUMP_H */
