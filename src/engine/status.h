/*
 * status.h
 *	  Every way an engine operation can end.
 *
 * The engine never raises: it returns one of these, and on anything but HS_OK
 * (and where a contract says otherwise) nothing has changed.
 */
#ifndef HS_STATUS_H
#define HS_STATUS_H

typedef enum HsStatus
{
	HS_OK = 0,
	HS_NOT_FOUND,				/* no such key, member, or position */
	HS_WRONG_TYPE,				/* the key holds another type; see op->found_type */
	HS_NOT_INTEGER,				/* value is not a 64-bit decimal integer */
	HS_NOT_FLOAT,				/* value is not a floating-point number */
	HS_NOT_TEXT,				/* value is not known to be text; see kvstring.h */
	HS_OVERFLOW,				/* integer result does not fit into 64 bits */
	HS_NOT_A_NUMBER,			/* a score or result would be NaN */
	HS_BAD_ARGUMENT,			/* out of the range its contract states */
	HS_KEY_TOO_LONG,			/* key above HS_MAX_KEY bytes, or name of a tag above its limit */
	HS_MEMBER_TOO_LONG,			/* member or field above HS_MAX_KEY bytes */
	HS_VALUE_TOO_LONG,			/* above the limit the caller passed */
	HS_NO_MEMORY,				/* keyspace or region full; op->need says how much */
	HS_GONE,					/* the keyspace was dropped meanwhile */
	HS_INTERRUPTED,				/* as hs_port_interrupted() said; nothing was done */
	HS_DUE,						/* members expired and wait to be removed: see dues.h */
	HS_CORRUPT,					/* serialised input is damaged or of unknown version */
	HS_BUFFER_TOO_SMALL,		/* the caller's buffer; the needed size is set */
	HS_LIMIT					/* a fixed limit (keyspaces, partitions' directory) */
} HsStatus;

#endif							/* HS_STATUS_H */
