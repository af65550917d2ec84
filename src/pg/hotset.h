/*
 * hotset.h
 *	  What the SQL functions share: arguments, keyspaces, retries, errors.
 *
 * A SQL function is thin: read arguments, get the keyspace, run the command
 * (HSG_RUN), build the result.  A command runs under a partition's lock, so it
 * may neither raise nor allocate.
 */
#ifndef HOTSET_H
#define HOTSET_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/array.h"
#include "utils/timestamp.h"

#include "../engine/store.h"
#include "compat.h"

/*
 * ---- Arguments (errors.c, args.c) ------------------------------------------
 */

/* Text, bytea or jsonb argument n, detoasted: borrowed from the caller's memory
 * context.  jsonb comes without its length word, as it is stored. */
static inline HsBytes
hsg_arg_bytes(FunctionCallInfo fcinfo, int n)
{
	struct varlena *v = (struct varlena *) PG_GETARG_POINTER(n);

	/* variables and constants are plain: no call */
	if (unlikely(!VARATT_IS_4B_U(v)))
		v = PG_DETOAST_DATUM_PACKED(PG_GETARG_DATUM(n));
	return hs_bytes(VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v));
}

/* For writes: raise 22004 'key must not be null' and the like. */
pg_noreturn extern void hsg_refuse_null(const char *what);
/* The same for a value; the hint says how to remove what should have none. */
pg_noreturn extern void hsg_refuse_null_value(const char *hint);

static inline void
hsg_require(FunctionCallInfo fcinfo, int n, const char *what)
{
	if (unlikely(PG_ARGISNULL(n)))
		hsg_refuse_null(what);
}

static inline void
hsg_require_value(FunctionCallInfo fcinfo, int n, const char *hint)
{
	if (unlikely(PG_ARGISNULL(n)))
		hsg_refuse_null_value(hint);
}

/* A boolean option: NULL is false. */
static inline bool
hsg_arg_flag(FunctionCallInfo fcinfo, int n)
{
	return !PG_ARGISNULL(n) && PG_GETARG_BOOL(n);
}

/* 22023 for options that contradict each other. */
extern void hsg_refuse_both(const char *a, const char *b);

/* A number that is not negative (22023). */
extern uint64_t hsg_arg_count(FunctionCallInfo fcinfo, int n, const char *what, uint64_t if_null);
/* What is added to a number: not NULL, and finite (22023). */
extern float8 hsg_arg_increment(FunctionCallInfo fcinfo, int n);
/* The sum is not finite: 22003. */
pg_noreturn extern void hsg_refuse_overflow(void);
/* How many to draw at random: negative is with repetition, 22023 beyond 'max'. */
extern int64 hsg_arg_draws(FunctionCallInfo fcinfo, int n, int64 max);

/* Elements of a text[] or bytea[] argument; *nulls is NULL if none is null. */
extern int	hsg_arg_array(FunctionCallInfo fcinfo, int n, HsBytes **elems, bool **nulls);
/* The same of an array, or float8[], none of which may be null (22004); 'what' is singular. */
extern int	hsg_arg_elements(FunctionCallInfo fcinfo, int n, const char *what, HsBytes **elems);
extern int	hsg_arg_numbers(FunctionCallInfo fcinfo, int n, const char *what, float8 **numbers);
/* Keys: neither the array nor any of them may be null (22004). */
extern int	hsg_arg_keys(FunctionCallInfo fcinfo, int n, HsBytes **keys);
/* Keys of which there is at least one (22023), in an array that is not null. */
extern int	hsg_arg_some_keys(FunctionCallInfo fcinfo, int n, HsBytes **keys);

/* Tags for a key (see tag.h), in an array that may be null: 22004 for a null among them, 54000
 * for too many, or one that is too long. */
extern int	hsg_arg_tags(FunctionCallInfo fcinfo, int n, HsBytes **tags);

/* Real time, microseconds since 2000-01-01 UTC: PostgreSQL's own epoch. */
static inline int64_t
hsg_now(void)
{
	return GetCurrentTimestamp();
}

/*
 * Expiry for a ttl argument: NULL is the keyspace's default_ttl or HS_NEVER;
 * a ttl <= 0 or out of range is 22023.  Infinite is HS_NEVER.
 */
extern int64_t hsg_arg_expiry(FunctionCallInfo fcinfo, int n, HsHandle *h);
/* The same at *clock_us, see hs_clock(). */
extern int64_t hsg_arg_expiry_at(FunctionCallInfo fcinfo, int n, HsHandle *h, int64_t *clock_us);

/*
 * The same for commands on an expiry: a ttl <= 0 is now.  And what their options nx, xx, gt, lt,
 * from argument n on, say, as HS_DUE_ flags (dues.h); 22023 if they contradict each other.
 */
extern int64_t hsg_arg_expire_ttl(FunctionCallInfo fcinfo, int n, HsHandle *h);
extern unsigned hsg_arg_expire_flags(FunctionCallInfo fcinfo, int n);

/* Expiry of a key made now for which no ttl was given.  Looks at the clock only
 * if it must. */
extern int64_t hsg_default_expiry(HsHandle *h);

/*
 * Microseconds of an interval, months as 30 days; 22023 if out of range.
 * Infinite: INT64_MAX (HS_NEVER) or INT64_MIN.
 */
extern int64_t hsg_interval_us(const Interval *iv);

/* The instant ttl_us from now; HS_NEVER for infinite; 22023 if out of range. */
extern int64_t hsg_expiry(int64_t now_us, int64_t ttl_us);

/* Days and time of day, as subtracting timestamps gives. */
extern Interval *hsg_interval(int64_t us);

/* Setting hotset.max_value: bytes of the longest value. */
extern int	hsg_max_value;

/* 54000 if a value within a collection is longer than that, or than 'limit'. */
extern void hsg_check_element(HsBytes value, size_t limit);

/*
 * ---- Keyspaces (keyspace.c) --------------------------------------------------
 */

/*
 * The handle of the keyspace named by argument n (the last one; NULL: the
 * setting hotset.keyspace), after the privilege check.  Raises 55000 if the
 * library is not preloaded, 42704 if there is none, 42501 without USAGE.
 * Valid until the next call that can process invalidations.
 */
extern HsHandle *hsg_keyspace(FunctionCallInfo fcinfo, int n);
/* The same by name. */
extern HsHandle *hsg_keyspace_named(const char *name);
/* May the role still use the handle it was given for the name?  If not, it has to ask anew. */
extern bool hsg_keyspace_still(HsHandle *h, Oid role);
extern const char *hsg_keyspace_name(HsHandle *h);
/* Raise 55000 if the library is not preloaded; hsg_keyspace() does. */
extern void hsg_require_preload(void);

/*
 * The second argument of a write to (key, member, keyspace) or (key, members[],
 * keyspace), after checking the privilege and that neither is null (22004); 'what'
 * is singular.  Inline: one member is the hot case.
 */
static inline HsBytes
hsg_arg_member(FunctionCallInfo fcinfo, const char *what)
{
	(void) hsg_keyspace(fcinfo, 2);
	hsg_require(fcinfo, 0, "key");
	hsg_require(fcinfo, 1, what);
	return hsg_arg_bytes(fcinfo, 1);
}
extern int	hsg_arg_members(FunctionCallInfo fcinfo, const char *what, HsBytes **members);

/*
 * After a command: true when it must run once more, because room was made for
 * it or the keyspace was renewed (then everything read through 'h' before is
 * void).  Checks for interrupts.  'need' and 'hash' come from the HsOp.  No lock
 * may be held.
 */
extern bool hsg_retry_slow(HsHandle *h, HsStatus status, uint64_t hash, size_t need);

static inline bool
hsg_retry(HsHandle *h, HsStatus status, uint64_t hash, size_t need)
{
	if (likely(status != HS_NO_MEMORY && status != HS_GONE && status != HS_DUE &&
			   status != HS_INTERRUPTED))
		return false;
	return hsg_retry_slow(h, status, hash, need);
}

/*
 * ---- Errors (errors.c) ------------------------------------------------------
 */

/* Raise unless HS_OK.  found: op.found_type for HS_WRONG_TYPE. */
extern void hsg_check_failed(HsStatus status, HsHandle *h, HsBytes key,
							 HsType wanted, HsType found);

static inline void
hsg_check(HsStatus status, HsHandle *h, HsBytes key, HsType wanted, HsType found)
{
	if (unlikely(status != HS_OK))
		hsg_check_failed(status, h, key, wanted, found);
}

/* Raise for hs_keyspace_open(): HS_LIMIT or HS_NO_MEMORY. */
extern void hsg_check_open(HsStatus status, const char *keyspace);

/* Key as text for a message: cut, quoted where it is not printable. */
extern const char *hsg_key_text(HsBytes key);

/*
 * ---- Results (results.c) -----------------------------------------------------
 */

/* Result as text, 22021 if the bytes are not valid in the database encoding.
 * 'verified': known to be (HS_RF_TEXT). */
extern text *hsg_text_result(const void *data, size_t size, bool verified);

/* n datums as an array of text, float8, bigint or boolean. */
extern ArrayType *hsg_array(Oid type, Datum *datums, bool *nulls, int n);

/* size bytes in the current context: 54000 above HSG_RESULT_MAX, 53200 if the
 * system has none. */
#define HSG_RESULT_MAX	((size_t) 4 << 30)
extern void *hsg_alloc(size_t size);

/* Glob pattern (as in Redis: * ? [a-z] \x) against bytes (glob.c). */
extern bool hsg_glob_match(HsBytes pattern, HsBytes string);

/*
 * ---- Running a command ------------------------------------------------------
 * 'command' is an expression that returns a status, evaluated with the lock of
 * the key's partition held: calls of the engine and plain C, nothing that raises
 * or allocates.  It may run several times and starts anew each time.
 */

/*
 * hs_op_begin() for now, which the engine asks when it matters (HS_CLOCK_LATER) unless it is
 * known; what hsg_retry() needs is set on a failure, too.
 */
static inline HsStatus
hsg_begin(HsOp *op, HsHandle *h, HsBytes key, HsLockMode mode, int64_t clock_us)
{
	op->need = 0;
	op->hash = 0;
	op->found_type = HS_ANY;
	return hs_op_begin(op, h, key, mode, clock_us);
}

static inline HsStatus
hsg_multi_begin(HsMulti *m, HsHandle *h, const HsBytes *keys, size_t nkeys, HsLockMode mode)
{
	m->need = 0;
	m->hash = 0;
	return hs_multi_begin(m, h, keys, nkeys, mode, hsg_now());
}

/* Begin, command, end: once.  For loops with something of their own around it. */
#define HSG_ONCE(status, op, h, key, mode, command) \
	HSG_ONCE_AT(status, op, h, key, mode, HS_CLOCK_LATER, command)
#define HSG_ONCE_AT(status, op, h, key, mode, clock_us, command) \
	do \
	{ \
		(status) = hsg_begin(&(op), h, key, mode, clock_us); \
		if ((status) == HS_OK) \
		{ \
			(status) = (command); \
			hs_op_end(&(op)); \
		} \
	} while (0)

/* Until there is room, or none to be made.  Leaves the status to the caller. */
#define HSG_TRY(status, op, h, key, mode, command) \
	do \
	{ \
		HSG_ONCE(status, op, h, key, mode, command); \
	} while (hsg_retry(h, status, (op).hash, (op).need))

/* The same, and raise unless the status is HS_OK.  type: for hsg_check(). */
#define HSG_RUN(op, h, key, mode, type, command) \
	do \
	{ \
		HsStatus	hsg_status; \
		\
		HSG_TRY(hsg_status, op, h, key, mode, command); \
		hsg_check(hsg_status, h, key, type, (op).found_type); \
	} while (0)

/*
 * Under the locks of several keys.  A command on an HsOp of the HsMulti that can
 * run out of memory ends with hs_multi_note().
 */
#define HSG_ONCE_MULTI(status, m, h, keys, nkeys, mode, command) \
	do \
	{ \
		(status) = hsg_multi_begin(&(m), h, keys, nkeys, mode); \
		if ((status) == HS_OK) \
		{ \
			(status) = (command); \
			hs_multi_end(&(m)); \
		} \
	} while (0)

#define HSG_TRY_MULTI(status, m, h, keys, nkeys, mode, command) \
	do \
	{ \
		HSG_ONCE_MULTI(status, m, h, keys, nkeys, mode, command); \
	} while (hsg_retry(h, status, (m).hash, (m).need))

/*
 * The C function of a SQL function that is one call: one of several forms of a command, or of
 * hsg_rows().
 */
#define HSG_FORM(name, call) \
	PG_FUNCTION_INFO_V1(name); \
	Datum \
	name(PG_FUNCTION_ARGS) \
	{ \
		return call; \
	}

#endif							/* HOTSET_H */
