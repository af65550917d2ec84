/*
 * effect.h
 *	  What a command did, in absolute terms, so that doing it again from a log
 *	  gives the same contents whatever the order of time.
 *
 * "add 1 to k" is not an effect; "k is now 42" is.  A command that decided
 * what to do writes its effects before it changes anything; a full buffer
 * then stops it with HS_NO_MEMORY.  Format: u8 opcode, varint key size, key,
 * payload by opcode; little-endian.  Opcodes are never renumbered.
 */
#ifndef HS_EFFECT_H
#define HS_EFFECT_H

#include "bytes.h"
#include "record.h"
#include "status.h"

typedef enum HsEffectOp
{
	HS_EF_SET = 1,				/* string without tags: value flags, expires_us, bytes */
	HS_EF_DEL = 2,
	HS_EF_EXPIRE = 3,			/* expires_us, HS_NEVER = persist */
	HS_EF_ZADD = 4,				/* score, member */
	HS_EF_ZREM = 5,				/* member */
	HS_EF_HLL = 6,				/* serialised sketch: registers become the larger */
	HS_EF_RESTORE = 7,			/* dump payload, expires_us: key becomes exactly that, without tags */
	HS_EF_HSET = 8,				/* field, value */
	HS_EF_HDEL = 9,				/* field */
	HS_EF_SADD = 10,			/* member */
	HS_EF_SREM = 11,			/* member */
	HS_EF_LIST = 12,			/* a change of a list, see list.h */
	HS_EF_DUE = 13,				/* expires_us, HS_NEVER = persist; member */
	HS_EF_TAGS = 14,			/* behind HS_EF_SET: names of its tags, see tag.c */
	HS_EF_DEL_TAG = 15,			/* the key is the name of a tag */
	HS_EF_END					/* above all others */
} HsEffectOp;

/* Caller's buffer; grows only by the caller between commands. */
typedef struct HsEffects
{
	uint8_t    *data;
	size_t		size;			/* bytes written */
	size_t		capacity;
	size_t		wanted;			/* set when an effect did not fit */
} HsEffects;

/*
 * Append one effect.  'fx' may be NULL (nobody listens): true at once.
 * 'head' is the fixed payload, 'tail' the bytes that end it; each is written
 * with its size as a varint.  False if it does not fit; nothing is written.
 */
extern bool hs_effect_put(HsEffects *fx, HsEffectOp op, HsBytes key,
						  HsBytes head, HsBytes tail);

/*
 * The same, leaving 'tail_size' bytes for the caller to fill in, at the address
 * returned; NULL if it does not fit.  'fx' is not NULL.
 */
extern uint8_t *hs_effect_space(HsEffects *fx, HsEffectOp op, HsBytes key,
								HsBytes head, size_t tail_size);

/*
 * ---- Several effects of one command --------------------------------------------
 * First hs_effects_fit(), then the changes with hs_effect_note(), which cannot fail.
 * 'fx' may be NULL throughout.
 */

/* Most bytes that an effect takes beyond key and payload. */
#define HS_EFFECT_OVERHEAD	(1 + 3 * 5)

/* Does the buffer take n effects with so many bytes of payload in all?  Sets
 * 'wanted' if not. */
extern bool hs_effects_fit(HsEffects *fx, HsBytes key, uint64_t n, uint64_t payload_bytes);
extern void hs_effect_note(HsEffects *fx, HsEffectOp op, HsBytes key, HsBytes head, HsBytes tail);
extern void hs_effect_note_delete(HsEffects *fx, HsBytes key);
/*
 * Before the effects of a command on members: if it makes the collection ('record' is NULL),
 * what the key held once is deleted, for nobody wrote down that it expired or was evicted.
 */
extern void hs_effect_note_new(HsEffects *fx, HsBytes key, const HsRecord *record);
extern void hs_effect_note_expiry(HsEffects *fx, HsBytes key, int64_t expires_us);

static inline size_t
hs_effects_mark(const HsEffects *fx)
{
	return fx != NULL ? fx->size : 0;
}

/* Take back what was put since the mark: the command failed. */
static inline void
hs_effects_undo(HsEffects *fx, size_t mark)
{
	if (fx != NULL)
		fx->size = mark;
}

/* HS_EF_SET, HS_EF_EXPIRE, HS_EF_DUE and HS_EF_RESTORE have these heads. */
#define HS_EF_SET_HEAD		10	/* u16 value flags, i64 expires_us */
#define HS_EF_EXPIRE_HEAD	8	/* i64 expires_us; HS_EF_DUE, too */
#define HS_EF_RESTORE_HEAD	8	/* i64 expires_us; the tail is a dump, see dump.h */

/* One effect, taken apart; all bytes borrowed from the input. */
typedef struct HsEffect
{
	HsEffectOp	op;
	HsBytes		key;
	HsBytes		head;
	HsBytes		tail;
} HsEffect;

/* Next effect at *pos, which moves on.  HS_NOT_FOUND at the end, HS_CORRUPT. */
extern HsStatus hs_effect_next(HsBytes input, size_t *pos, HsEffect *out);

/*
 * Do again what the effects from *pos on say (replay.c).  *pos moves behind each
 * effect that was applied; so after HS_NO_MEMORY, with *need and *hash for
 * hs_make_room(), the caller goes on where it stopped.  HS_OK at the end,
 * HS_CORRUPT at something that no command wrote.  Locks: takes them itself.
 */
struct HsHandle;
extern HsStatus hs_effect_apply(struct HsHandle *h, HsBytes input, size_t *pos,
								int64_t now_us, size_t *need, uint64_t *hash);

#endif							/* HS_EFFECT_H */
