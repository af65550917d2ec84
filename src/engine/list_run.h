/*
 * list_run.h
 *	  A run: values one after the other in a piece of memory, open at both ends.
 *
 *	header | prefix | room | codes -> | room | <- payloads | room
 *
 * Each value has a code of one byte and a payload; codes go up, payloads down, in the
 * same order, and both may leave room at their outer ends.  So a value comes and goes
 * at either end without moving others, and codes alone tell where value i is.
 * Read from the other side ('reversed') for lists that grow to the left.
 *
 *	0..239		text; its payload lacks the prefix of the run, with which it begins
 *	240			longer text, between two u16 with its size
 *	241..248	integer of 1..8 bytes, little-endian
 *	249			u32 size | HsRef of a chain (chain.h)
 *	250			text that does not begin with the prefix, between two u8 with its size
 *	251			text that ends in many of the digits 0-9 a-f: u8 d | what is before them, the prefix
 *				too | d bytes with two digits each, all between two u8 with its size
 *
 * Equal values in one run have equal codes and payloads, but for chains.
 * Known to list*.c only.  Lock: that of the record or block that the run is in, exclusive to
 * change it.
 */
#ifndef HS_LIST_RUN_H
#define HS_LIST_RUN_H

#include "digits.h"
#include "items.h"
#include "pack.h"

#define HS_LRUN_HEADER		10	/* bytes */
#define HS_LRUN_CODE_CHAIN	HS_PACK_CHAIN
#define HS_LRUN_CHAIN_SIZE	8	/* bytes of its payload */
#define HS_LRUN_TAGS		4	/* bytes around longer text */
#define HS_LRUN_MAX			4096	/* bytes of the largest run */
#define HS_LRUN_FRONT		47	/* bytes before packed digits */
#define HS_LRUN_DIGITS		96	/* bytes of them */

/*
 * A run, opened: the header is a copy, which every change writes back.  Process-local.
 */
typedef struct HsLrun
{
	uint8_t    *data;
	uint32_t	size;			/* bytes at data */
	uint16_t	n;				/* values */
	uint16_t	skip;			/* bytes before the first code */
	uint16_t	low;			/* offsets of the payloads, */
	uint16_t	top;			/* [low, top) */
	uint8_t		reversed;		/* the first value is the last one in memory */
	uint8_t		prefix;			/* bytes */
} HsLrun;

/* A value as it stands in a run.  Borrowed. */
typedef struct HsLvalue
{
	HsBytes		prefix;			/* of its text */
	HsPack		pack;			/* the rest, or all */
	HsBytes		digits;			/* packed ones behind that, or none */
	uint8_t		code;
} HsLvalue;

/* A value on its way into one particular run, or to be looked for there. */
typedef struct HsLentry
{
	uint8_t		code;
	uint8_t		tag;			/* bytes of the size before and behind the body */
	HsBytes		body;			/* in 'made', or borrowed */
	uint8_t		made[1 + HS_LRUN_FRONT + HS_LRUN_DIGITS];
	HsBytes		text;			/* all of it, if it is no integer or known chain */
} HsLentry;

static inline unsigned
hs_lentry_size(const HsLentry *e)
{
	return (unsigned) e->body.size + 2u * e->tag;
}

/*
 * ---- The run ------------------------------------------------------------------
 */
extern void hs_lrun_init(HsLrun *r, uint8_t *data, uint32_t size, bool reversed);
extern void hs_lrun_open(HsLrun *r, uint8_t *data, uint32_t size);

/* Bytes in use, and those left. */
static inline unsigned
hs_lrun_used(const HsLrun *r)
{
	return HS_LRUN_HEADER + r->prefix + r->n + (unsigned) (r->top - r->low);
}

static inline unsigned
hs_lrun_room(const HsLrun *r)
{
	return r->size - hs_lrun_used(r);
}

/* Everything in 'size' bytes at data, at least those in use. */
extern void hs_lrun_copy(HsLrun *to, uint8_t *data, uint32_t size, const HsLrun *from);

/* An empty run takes values of that other one as they are stored there. */
extern void hs_lrun_take_prefix(HsLrun *r, const HsLrun *from);

/*
 * Find a prefix that saves room and lay the run out anew.  False if that would not free an
 * eighth of it; then nothing has changed.  O(n).
 */
extern bool hs_lrun_compress(HsLrun *r);

/* NULL or what is wrong; chains are checked if they may be there. */
extern const char *hs_lrun_verify(uint8_t *data, uint32_t size, bool may_chain);

/*
 * ---- Values --------------------------------------------------------------------
 */

/* The value for this run; 'text' stays borrowed. */
extern void hs_lentry_make(HsLentry *e, const HsLrun *r, HsBytes text);
extern void hs_lentry_chain(HsLentry *e, HsRef chain, uint32_t size);
/* The same from another run.  buf: HS_PACK_TEXT + UINT8_MAX bytes for its text. */
extern void hs_lentry_from(HsLentry *e, const HsLrun *r, const HsLvalue *v, uint8_t *buf);

static inline size_t
hs_lvalue_size(const HsLvalue *v)
{
	return v->prefix.size + hs_pack_text_size(&v->pack) + 2 * v->digits.size;
}

static inline void
hs_lvalue_copy(const HsLvalue *v, uint8_t *dst)
{
	hs_copy(dst, v->prefix.data, v->prefix.size);
	hs_pack_copy(&v->pack, dst + v->prefix.size);
	if (v->digits.size > 0)
		hs_digits_unpack(dst + v->pack.text.size, v->digits.data, v->digits.size);
}

/* A place in a run, for going on from there in either direction. */
typedef struct HsLpos
{
	unsigned	i;				/* value */
	unsigned	p;				/* its number in memory */
	unsigned	end;			/* offset behind its payload */
} HsLpos;

/* i below n, or n: behind the last. */
extern void hs_lrun_seek(const HsLrun *r, unsigned i, HsLpos *pos);
/* The value there; the next or previous one, not beyond 0 or n. */
extern void hs_lrun_value(const HsLrun *r, const HsLpos *pos, HsLvalue *v);
extern void hs_lrun_next(const HsLrun *r, HsLpos *pos);
extern void hs_lrun_prev(const HsLrun *r, HsLpos *pos);
/*
 * Append the values from there on, in the order of the list, to items as long as they fit, at
 * most 'max'; returns how many.  Moves behind the last of them.
 */
extern unsigned hs_lrun_emit(const HsLrun *r, HsLpos *pos, unsigned max, HsItems *out);
/* Is it the entry's value, made for this run? */
extern bool hs_lrun_is(const HsLrun *r, const HsLpos *pos, const HsLentry *e);
/* Is there a chain among the values, or among 'count' of them at one end? */
extern bool hs_lrun_has_chain(const HsLrun *r);
extern bool hs_lrun_end_has_chain(const HsLrun *r, unsigned count, bool left);

/*
 * ---- Changes -------------------------------------------------------------------
 */

/* Insert before value i (n: at the end), or replace it; false if it does not fit. */
extern bool hs_lrun_insert(HsLrun *r, unsigned i, const HsLentry *e);
extern bool hs_lrun_replace(HsLrun *r, unsigned i, const HsLentry *e);
/* Forget 'count' values at one end; one value. */
extern void hs_lrun_cut(HsLrun *r, unsigned count, bool left);
extern void hs_lrun_drop(HsLrun *r, unsigned i);

/* Forget the values that drop() says; it is asked in the order of memory. */
extern void hs_lrun_filter(HsLrun *r, bool (*drop) (void *arg, const HsLpos *pos), void *arg);

/* Append values [from, to) of another run.  False if they do not fit: some did. */
extern bool hs_lrun_append(HsLrun *to_run, const HsLrun *from_run, unsigned from, unsigned to);

#endif							/* HS_LIST_RUN_H */
