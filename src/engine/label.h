/*
 * label.h
 *	  Which committed changes a snapshot sees, as one number: what makes cached
 *	  query results exact.
 *
 * Keys and tags hash to slots.  A transaction that changes what a key depends
 * on registers its id in the key's slot before it commits, and so before anybody
 * can see its changes.  The label of a snapshot in a slot is the number of
 * registered transactions that the snapshot sees, where these are the first so
 * many; else it has none.  A value computed under one snapshot is what the query
 * would give under another if both have the same label in all slots it depends on.
 *
 * Why it is true:
 * - A registration is there before its transaction ends, and who takes a
 *   snapshot that sees the transaction as ended comes after both.
 * - Hence the label of a snapshot never changes: what is registered later the
 *   snapshot does not see.  It may be lost, when a slot has forgotten too much.
 * - Transactions that were aborted count as seen when they ended.  That is harmless:
 *   they changed nothing, and cost a miss.
 * So several slots need no common lock, and no callback after the commit.
 *
 * A slot remembers its last registrations.  Of those it forgot it knows the largest id,
 * and since when everybody sees them: if one snapshot sees x, so does every
 * snapshot with a larger xmax, because that was taken later.
 *
 * Transaction ids are 64 bits wide here.  Memory comes from the caller; the
 * table is not part of the region, for it must outlive every keyspace: a slot
 * is never reset while the server runs.
 */
#ifndef HS_LABEL_H
#define HS_LABEL_H

#include "bytes.h"
#include "port.h"

#define HS_NO_LABEL			UINT64_MAX	/* must not be compared: no answer */
#define HS_LABEL_MIN_SLOTS	64
#define HS_LABEL_MAX_SLOTS	(16 * 1024 * 1024)
#define HS_LABEL_SCHEMAS	256		/* slots beyond those, for the schemas of databases */

/*
 * A snapshot.  It sees what ended before it was taken: ids below xmin, and those below xmax
 * that are not in xip.
 */
typedef struct HsSnapshot
{
	bool		usable;			/* false: nothing can be said under it */
	uint64_t	xmin;
	uint64_t	xmax;
	const uint32_t *xip;		/* low halves of the ids in progress, in any order */
	uint32_t	nxip;
} HsSnapshot;

/* What somebody has found, or claims, the label in a slot to be. */
typedef struct HsSlotLabel
{
	uint32_t	slot;
	uint64_t	label;
} HsSlotLabel;

/* What registering asks about transactions.  No lock of ours is held then. */
typedef struct HsXactOps
{
	bool		(*has_ended) (uint64_t xid);	/* for every snapshot taken from now on */
	uint64_t	(*next_xid) (void); /* no id from this one on was given out yet */
} HsXactOps;

/* Bytes for a table of 'nslots', a power of two, and those for schemas. */
extern size_t hs_labels_size(uint32_t nslots);

/*
 * Lay out, or find, the table.  first: the number of registrations of each slot begins here,
 * so that labels of an earlier life do not come again.
 */
extern void hs_labels_init(void *mem, uint32_t nslots, uint64_t first);
/* False if there is no such table in the memory. */
extern bool hs_labels_attach(void *mem);
extern uint32_t hs_labels_nslots(void);
/* All of them: those for schemas come last. */
extern uint32_t hs_labels_total(void);

/*
 * The first call says where this life of the server begins: transactions with smaller ids,
 * prepared ones among them, may not have registered, so snapshots that do not see
 * all of them ended have no labels.
 */
extern void hs_labels_start(uint64_t next_xid);

/*
 * The slot of a key or tag.  space: what kind of name it is, in which keyspace.  Begins to
 * fetch its memory.
 */
extern uint32_t hs_label_slot(uint64_t space, HsBytes name);

/* The slot of what names and privileges of a database mean. */
extern uint32_t hs_label_schema_slot(uint32_t database);

/*
 * The snapshot's label in the slot, or HS_NO_LABEL.  Lock: takes and releases
 * the slot's, shared, unless the snapshot sees all that was registered.
 */
extern uint64_t hs_label(const HsSnapshot *s, uint32_t slot);

/*
 * True if the snapshot has these labels and sees all that was registered in these slots.  No
 * lock; false says nothing: ask hs_label() then.  Slots that do not exist are none of it.
 */
extern bool hs_labels_hold(const HsSnapshot *s, const HsSlotLabel *claims, unsigned n);

/* The same as hs_label(), but HS_NO_LABEL also if something is registered that it does not see. */
extern uint64_t hs_label_of_all(const HsSnapshot *s, uint32_t slot);

/*
 * From now on the transaction is one that changes what depends on the slot.  It must not
 * have ended.  Lock: takes and releases the slot's, exclusive.
 */
extern void hs_label_register(uint32_t slot, uint64_t xid, const HsXactOps *ops);

/* True if the slot was last used to fill in something else; for statistics only. */
extern bool hs_label_collides(uint32_t slot, uint64_t name_hash);

/* NULL or what is wrong. */
extern const char *hs_labels_verify(void);

/*
 * For tests, which build with HS_TESTING or HS_BREAKABLE: one rule is broken, to see that
 * somebody notices.
 */
typedef enum HsBreak
{
	HS_BREAK_NOTHING,
	HS_BREAK_PREFIX,			/* the seen ones need not be the first ones */
	HS_BREAK_FLOOR,				/* what was forgotten is not asked for */
	HS_BREAK_START,				/* nor what was before the server started */
	HS_BREAK_OFF_BY_ONE,
	HS_BREAK_WITNESS,			/* others see it too early */
	HS_BREAK_LAST_OF_ENGINE = HS_BREAK_WITNESS,
	HS_BREAK_REGISTER,			/* only after the commit */
	HS_BREAK_CHANGES,			/* fills by transactions with changes of their own */
	HS_BREAK_LEASE,				/* any lease will do */
	HS_BREAK_OWN,				/* hits on what this transaction invalidated */
	HS_NBREAKS
} HsBreak;

#if defined(HS_TESTING) || defined(HS_BREAKABLE)
extern int	hs_break;
#define HS_BROKEN(what)	(hs_break == (what))
#else
#define HS_BROKEN(what)	false
#endif

#endif							/* HS_LABEL_H */
