/*
 * fetch.h
 *	  The cached result of a query, or run it, keep it, and return it.
 */
#ifndef HSG_FETCH_H
#define HSG_FETCH_H

#include "query.h"
#include "session.h"

#define HSG_FETCH_WAIT_US	INT64CONST(1000000) /* for another session, if nothing else is said */

#define HSG_FETCH_NAME	256		/* bytes of a name that need no memory of their own */

/* One call.  Lives on the stack; the caller fills in what comes first. */
typedef struct HsgFetch HsgFetch;

struct HsgFetch
{
	/* what hsg_fetch_look() needs */
	HsHandle   *h;
	HsBytes		stored;			/* key it is stored under: hsg_fetch_name() */
	HsBytes		key;			/* that voids it */

	/* what hsg_fetch_compute() needs, too */
	HsgQuery	query;
	HsgDeps		deps;
	int64		wait_us;
	int64		ttl_us;			/* HS_NEVER: it does not expire */
	int64		soft_ttl_us;
	bool		rls_covered;	/* the key covers what row security depends on */
	Oid			run_as;			/* role and search path to run it with; InvalidOid: as it is */
	const char *search_path;

	/*
	 * NULL, or called when the query has run and query.names is known, to add what the result
	 * depends on to deps; false if that is too much.  The first slot must stay what it is.
	 */
	bool		(*add_deps) (HsgFetch *f);
	const void *templates;		/* for add_deps */

	/* the rest is of fetch.c */
	HsSnapshot	snapshot;
	HsgCacheFound found;
	HsgCacheCount why;
	uint64		flight;
	bool		has_flight;
	bool		is_entry;		/* 'entry' holds the result, else 'result' */
	HsgResult	result;
	char		name[HSG_FETCH_NAME];
	HsgEntry	entry;
};

/*
 * Set f->stored: the prefix, which says whose the result is, the digest of all else that decides
 * it, and, readable, f->key.  Returns where the caller is to write the key.
 */
extern char *hsg_fetch_name(HsgFetch *f, HsBytes prefix, HsgDigest digest, size_t key_size);

/* Look for the result.  False if it is not there, or to be renewed: hsg_fetch_compute() it. */
extern bool hsg_fetch_look(HsgFetch *f);
extern void hsg_fetch_compute(HsgFetch *f);

/* It is null, or no row. */
extern bool hsg_fetch_is_null(const HsgFetch *f);
/* The result that is not, as text, bytea or jsonb. */
extern Datum hsg_fetch_datum(HsgFetch *f, HsCachedKind kind);

/* Microseconds of a time to live; 22023 unless it is positive. */
extern int64 hsg_fetch_ttl(const Interval *iv);
/* That of a result for which none was given: the keyspace's, or HS_NEVER. */
extern int64 hsg_fetch_default_ttl(HsHandle *h);
/* Microseconds of a wait; 22023 if it is negative. */
extern int64 hsg_fetch_wait(const Interval *iv);

#endif							/* HSG_FETCH_H */
