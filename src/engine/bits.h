/*
 * bits.h
 *	  Strings as arrays of bits and of small integers.
 *
 * Bit 0 is the highest one of the first byte, as in Redis; what is behind the
 * end reads as zeros.  Counters take part as their decimal text, jsonb is
 * HS_WRONG_TYPE with found_type HS_STRING.  What a command here has written
 * is bytes: neither known to be text nor a counter.
 *
 * A large value is changed in place, in O(log of its pages); growing it copies
 * it once for each eighth.  Counting and searching look at its pages without
 * a lock.
 */
#ifndef HS_BITS_H
#define HS_BITS_H

#include "kvstring.h"

#define HS_MAX_BITS	((int64_t) 1 << 32) /* offsets are below; 512 MB */

/*
 * ---- Fields --------------------------------------------------------------------
 */
typedef enum HsFieldKind
{
	HS_FIELD_GET,
	HS_FIELD_SET,				/* 'value' */
	HS_FIELD_INCR				/* by 'value' */
} HsFieldKind;

/* What to do with a number that does not fit into the field. */
typedef enum HsFieldOverflow
{
	HS_FIELD_WRAP,				/* keep its low bits */
	HS_FIELD_SAT,				/* the nearest one that does fit */
	HS_FIELD_FAIL				/* leave the field alone */
} HsFieldOverflow;

typedef struct HsField
{
	HsFieldKind kind;
	HsFieldOverflow overflow;
	bool		is_signed;		/* two's complement */
	uint8_t		width;			/* bits: 1 to 64, unsigned ones to 63 */
	int64_t		offset;			/* of the first bit, 0 to HS_MAX_BITS - 1 */
	int64_t		value;
	int64_t		result;			/* out: GET, SET: what it was; INCR: what it is */
	bool		failed;			/* out: HS_FIELD_FAIL came to pass; no result */
} HsField;

/*
 * Fields one after the other, as one command.  Any that writes makes the value
 * long enough for all of them, which is HS_VALUE_TOO_LONG above max_value.
 * A missing key gets new_expires_us.
 *
 * hs_fields_write() first works with what is there; where it needs pages it says
 * HS_BUFFER_TOO_SMALL: set 'grows', give edit.scratch, and come again.  Each
 * time: prepare without a lock, write between begin and end, discard.
 */
typedef struct HsFieldEdit
{
	HsField    *fields;
	size_t		nfields;
	size_t		max_value;		/* bytes */
	int64_t		new_expires_us;
	bool		grows;
	HsEdit		edit;			/* .scratch: HS_SEG_SIZE bytes; the rest is the engine's */
} HsFieldEdit;

/* All of them HS_FIELD_GET.  Lock: shared. */
extern HsStatus hs_fields_read(HsOp *op, HsField *fields, size_t nfields);

extern HsStatus hs_fields_prepare(HsHandle *h, HsBytes key, HsFieldEdit *e, int64_t now_us, size_t *need);
/* Also HS_NO_MEMORY, HS_WRONG_TYPE.  Lock: exclusive. */
extern HsStatus hs_fields_write(HsOp *op, HsFieldEdit *e);
extern void hs_fields_discard(HsFieldEdit *e);

/*
 * ---- Counting and searching -------------------------------------------------------
 * Both take and release locks themselves and give what was so at one instant.
 */

/* From start to stop, both inclusive, bytes or bits; negative ones count from the end. */
typedef struct HsBitRange
{
	int64_t		start;
	int64_t		stop;
	bool		by_bit;
	bool		no_stop;		/* to the end, and zeros behind it */
} HsBitRange;

/* Bits set; 0 for a missing key. */
extern HsStatus hs_bits_count(HsHandle *h, HsBytes key, int64_t now_us, const HsBitRange *range,
							  int64_t *count, HsType *found_type);

/* The first bit that is 'bit', or -1.  A missing key is zeros without end. */
extern HsStatus hs_bits_find(HsHandle *h, HsBytes key, int64_t now_us, const HsBitRange *range,
							 bool bit, int64_t *position, HsType *found_type);

/*
 * ---- Combining ------------------------------------------------------------------
 */
typedef enum HsBitsHow
{
	HS_BITS_AND,
	HS_BITS_OR,
	HS_BITS_XOR,
	HS_BITS_NOT					/* of one source */
} HsBitsHow;

/* Of each source; the engine's. */
typedef struct HsBitsSource
{
	HsBytes		key;
	size_t		size;			/* when it was prepared */
	size_t		rest;			/* what came before was in pages */
	HsBigPin	pin;
	HsStringView view;			/* while it is locked */
	uint32_t	page;			/* the one that is being read */
} HsBitsSource;

/*
 * Make a key hold the combination of the sources, as long as the longest of
 * them; missing ones are zeros, and if all are missing or empty the key goes.
 *
 * Each try: hs_bits_prepare(); hs_bits_fill() until it says that there is no more, a
 * bounded piece of work without a lock each; hs_bits_combine() between begin and
 * end; hs_bits_discard(), and only then may interrupts be looked at.
 * HS_BUFFER_TOO_SMALL: provide 'scratch', or sources have changed too much;
 * try again.  HS_WRONG_TYPE with found_type and found_at.
 */
typedef struct HsBitsCombine
{
	HsBitsHow	how;
	const HsBytes *keys;		/* those of the sources, and then of the result */
	size_t		nsources;
	HsBitsSource *sources;		/* room for as many */
	size_t		max_value;		/* bytes */
	uint8_t    *scratch;		/* HS_SEG_SIZE bytes, or NULL until it is needed */
	int64_t		expires_us;
	size_t		result_size;	/* out: bytes */
	HsType		found_type;		/* out */
	size_t		found_at;		/* out: of this source */

	/* the engine's; zeroed at first */
	unsigned	tries;
	bool		is_planned;		/* 'draft' holds pages for planned_size bytes */
	size_t		planned_size;
	uint32_t	next;			/* page to be filled */
	HsBigDraft	draft;
} HsBitsCombine;

extern HsStatus hs_bits_prepare(HsHandle *h, HsBitsCombine *c, int64_t now_us, size_t *need);
extern bool hs_bits_fill(HsBitsCombine *c);
/* Lock: all keys, exclusive. */
extern HsStatus hs_bits_combine(HsMulti *m, HsBitsCombine *c);
extern void hs_bits_discard(HsBitsCombine *c);

#endif							/* HS_BITS_H */
