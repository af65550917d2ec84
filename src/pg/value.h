/*
 * value.h
 *	  A value read from a string key, on its way to a SQL type.
 */
#ifndef HSG_VALUE_H
#define HSG_VALUE_H

#include "glue.h"

#include "utils/jsonb.h"

#include "../engine/kvstring.h"

#define HSG_VALUE_STACK	4096	/* bytes; longer values are read into palloc'd memory */

/*
 * Lives on the stack of a SQL function.  What fits is read into 'stack', so
 * that a read allocates nothing but its result.
 */
typedef struct HsgValue
{
	HsGot		got;
	struct varlena *chunk;		/* or NULL; its data area is what got.buf points to */
	union
	{
		int64		aligned;
		uint8_t		bytes[HSG_VALUE_STACK];
	}			stack;
} HsgValue;

static inline void
hsg_value_init(HsgValue *v)
{
	hs_got_init(&v->got, v->stack.bytes, sizeof(v->stack));
	v->chunk = NULL;
}

/* What was read into 'stack' is the value, of these record flags. */
static inline void
hsg_value_whole(HsgValue *v, uint16_t flags, size_t size)
{
	v->got.buf = v->stack.bytes;
	v->got.size = size;
	v->got.flags = flags & HS_RF_VALUE;
	v->chunk = NULL;
}

/* Enlarge the buffer, or check and mark the bytes as text: hsg_value_again(). */
extern void hsg_value_mend(HsgValue *v, HsStatus status, HsHandle *h, HsBytes key);

/*
 * After a command that reads into v->got, with no lock held: finishes reading.
 * True when it must run once more, since the buffer had to grow, bytes had to be
 * checked to be text (22021 if they are not), or somebody changed them meanwhile.
 */
static inline bool
hsg_value_again(HsgValue *v, HsStatus status, HsHandle *h, HsBytes key)
{
	if (unlikely(!hs_got_finish(&v->got)))
		return true;
	if (likely(status != HS_BUFFER_TOO_SMALL && status != HS_NOT_TEXT))
		return false;
	hsg_value_mend(v, status, h, key);
	return true;
}

/*
 * The value as a SQL type.  Integers and jsonb have a text form; as bytea it
 * is the bytes of that.  Bytes that are no valid text are 22021, text that is no
 * JSON is 22P02.
 */
extern text *hsg_value_text_of(HsgValue *v);
extern bytea *hsg_value_bytea(HsgValue *v);
extern Jsonb *hsg_value_jsonb(HsgValue *v);

/* The usual case in line: text that is known to be text. */
static inline text *
hsg_value_text(HsgValue *v)
{
	text	   *result;

	if (unlikely(v->got.flags != HS_RF_TEXT || v->chunk != NULL))
		return hsg_value_text_of(v);
	result = palloc(VARHDRSZ + v->got.size);
	SET_VARSIZE(result, VARHDRSZ + v->got.size);
	memcpy(VARDATA(result), v->got.buf, v->got.size);
	return result;
}

/* Argument n as a value to be stored; 'flags' say of which type it is. */
static inline void
hsg_arg_value(FunctionCallInfo fcinfo, int n, uint16_t flags, HsNewValue *v)
{
	hsg_require_value(fcinfo, n, "To remove a key, use kv_del.");
	v->bytes = hsg_arg_bytes(fcinfo, n);
	v->flags = flags;
	v->has_pages = false;
}

/* Raise for a string that holds jsonb where bytes are asked for, and other types. */
extern void hsg_check_string(HsStatus status, HsHandle *h, HsBytes key, HsType found);

#endif							/* HSG_VALUE_H */
