/*
 * fetch.c
 *	  The cached result of a query, or run it, keep it, and return it.
 *
 * Look and run are under one snapshot, so no lease is needed.  Of those that miss the same
 * result at the same time one runs the query and the others wait (flight.h).
 */
#include "postgres.h"

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "../engine/index.h"
#include "fetch.h"
#include "flight.h"
#include "wait.h"

static bool fetch_or_wait(HsgFetch *f);
static void fetch_run(HsgFetch *f);
static void run_query(HsgFetch *f);

/* Eight hexadecimal digits, all at once: a loop over the digits takes three times the instructions. */
static inline char *
put_hex(char *to, uint32 n)
{
	uint64		x = n;

	x = (x | x << 16) & UINT64CONST(0x0000ffff0000ffff);
	x = (x | x << 8) & UINT64CONST(0x00ff00ff00ff00ff);
	x = (x | x << 4) & UINT64CONST(0x0f0f0f0f0f0f0f0f);
	/* a nibble above 9 carries into bit 4 when 6 is added */
	x += UINT64CONST(0x3030303030303030) +
		((x + UINT64CONST(0x0606060606060606)) >> 4 & UINT64CONST(0x0101010101010101)) * ('a' - '9' - 1);
	memcpy(to, &x, sizeof(x));
	return to + sizeof(x);
}

char *
hsg_fetch_name(HsgFetch *f, HsBytes prefix, HsgDigest digest, size_t key_size)
{
	size_t		size = prefix.size + 2 * sizeof(digest) + 1 + key_size;
	char	   *name = size <= sizeof(f->name) ? f->name : palloc(size);
	char	   *at = name + prefix.size;

	memcpy(name, prefix.data, prefix.size);
	at = put_hex(at, (uint32) (digest.high >> 32));
	at = put_hex(at, (uint32) digest.high);
	at = put_hex(at, (uint32) (digest.low >> 32));
	at = put_hex(at, (uint32) digest.low);
	*at++ = ':';
	f->stored = hs_bytes(name, size);
	f->key = hs_bytes(at, key_size);
	return at;
}

bool
hsg_fetch_look(HsgFetch *f)
{
	hsg_snapshot(&f->snapshot);
	f->found = hsg_cache_look(f->h, f->stored, hsg_slot(HSG_NAME_KEY, f->key), &f->snapshot,
							  &f->entry, &f->why);
	hsg_cache_count(f->why);
	f->is_entry = f->found == HSG_CACHE_HIT;
	return f->is_entry;
}

void
hsg_fetch_compute(HsgFetch *f)
{
	f->has_flight = false;
	f->flight = hs_hash(f->stored) ^ f->h->generation * UINT64CONST(0x9e3779b97f4a7c15);
	f->flight += f->flight == 0;
	f->is_entry = fetch_or_wait(f);
	if (f->is_entry)
		return;
	PG_TRY();
	{
		fetch_run(f);
	}
	PG_FINALLY();
	{
		if (f->has_flight)
			hsg_flight_end(f->flight);
	}
	PG_END_TRY();
}

/* Is there something to wait for?  Not where what others compute cannot be used, or mine not be kept. */
static bool
may_share(const HsgFetch *f)
{
	return hsg_cache_may_hit() &&
		hsg_cache_may_store(&f->snapshot, &f->deps, f->why == HSG_CACHE_MISS_LABEL ? &f->entry : NULL);
}

/*
 * True if the entry will do: somebody else has computed it, or is renewing what is
 * still good.  Else the caller computes, with a flight or without.
 */
static bool
fetch_or_wait(HsgFetch *f)
{
	int64		until_us = hsg_wait_clock_us() + f->wait_us;

	if (f->found == HSG_CACHE_SOFT)
	{
		f->has_flight = !hsg_has_changes() && hsg_flight_begin(f->flight);
		return !f->has_flight;
	}
	if (hsg_flight_is_mine(f->flight))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_RECURSION),
				 errmsg("the query of a cached result fetches that result")));
	if (!may_share(f))
		return false;
	while (!hsg_flight_begin(f->flight))
	{
		hsg_cache_count(HSG_CACHE_WAITS);
		if (!hsg_flight_wait(f->flight, until_us - hsg_wait_clock_us()))
		{
			hsg_cache_count(HSG_CACHE_TIMEOUTS);
			return false;
		}
		if (hsg_cache_look(f->h, f->stored, f->deps.slot[0], &f->snapshot, &f->entry, &f->why))
			return true;
		if (!may_share(f))
			return false;
	}
	f->has_flight = true;
	return false;
}

/*
 * Has something changed while the query ran?  Volatile functions may have seen it: they take
 * snapshots of their own.
 */
static bool
has_changed(const HsgFetch *f, const uint64_t *labels)
{
	uint64_t	now[HS_CACHED_DEPS];
	HsSnapshot	s;
	bool		is_known;

	if (IsolationUsesXactSnapshot())
		return false;
	if (IsInParallelMode())
		return true;
	PushActiveSnapshot(GetLatestSnapshot());
	hsg_snapshot(&s);
	is_known = hsg_cache_labels(&s, &f->deps, now);
	PopActiveSnapshot();
	return !is_known || memcmp(now, labels, f->deps.n * sizeof(*now)) != 0;
}

static void
fetch_run(HsgFetch *f)
{
	uint64_t	labels[HS_CACHED_DEPS];
	uint64		schema = hsg_schema_settle(&f->snapshot);
	bool		fits;
	int64		now_us;

	hsg_cache_count(HSG_CACHE_COMPUTED);
	if (f->add_deps != NULL)
		f->query.names = palloc(Max(f->query.nargs, 1) * sizeof(HsBytes));
	run_query(f);
	fits = f->add_deps == NULL || f->add_deps(f);
	now_us = hsg_now();
	f->result.expires_us = hsg_expiry(now_us, f->ttl_us);
	f->result.soft_expires_us = hsg_expiry(now_us, f->soft_ttl_us);
	if (hsg_has_changes() || f->result.is_private)
		hsg_cache_count(HSG_CACHE_FILL_OWN);
	else if (!fits || schema == HS_NO_LABEL || !hsg_cache_labels(&f->snapshot, &f->deps, labels) ||
			 labels[f->deps.n - 1] != schema || has_changed(f, labels))
		hsg_cache_count(HSG_CACHE_FILL_LABEL);
	else
		(void) hsg_cache_store(f->h, f->stored, &f->deps, labels, &f->result, false);
}

/* As the role it is to run as; on an error the transaction puts everything back. */
static void
run_query(HsgFetch *f)
{
	Oid			user;
	int			context;
	int			nest;

	if (!OidIsValid(f->run_as))
	{
		hsg_query_run(&f->query, f->rls_covered, &f->result);
		return;
	}
	/* a drop of the role has voided what it has computed before */
	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(f->run_as)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("the owner of the cached query does not exist any more"),
				 errhint("Undefine it, and define it anew.")));
	GetUserIdAndSecContext(&user, &context);
	nest = NewGUCNestLevel();
	SetUserIdAndSecContext(f->run_as, context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	(void) set_config_option("search_path", f->search_path, PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	hsg_query_run(&f->query, f->rls_covered, &f->result);
	AtEOXact_GUC(false, nest);
	SetUserIdAndSecContext(user, context);
}

/*
 * ---- Results -------------------------------------------------------------------
 */

bool
hsg_fetch_is_null(const HsgFetch *f)
{
	return (f->is_entry ? f->entry.cached.kind : f->result.kind) == HS_CACHED_NULL;
}

Datum
hsg_fetch_datum(HsgFetch *f, HsCachedKind kind)
{
	HsgValue   *v = &f->entry.value;

	if (!f->is_entry)
	{
		/* as if it had been read */
		hsg_value_init(v);
		v->chunk = palloc(VARHDRSZ + f->result.bytes.size);
		hs_copy(VARDATA(v->chunk), f->result.bytes.data, f->result.bytes.size);
		v->got.buf = (uint8_t *) VARDATA(v->chunk);
		v->got.size = f->result.bytes.size;
		v->got.flags = f->result.kind == HS_CACHED_TEXT ? HS_RF_TEXT :
			f->result.kind == HS_CACHED_JSONB ? HS_RF_JSONB : 0;
	}
	return hsg_cached_datum(v, kind);
}

/*
 * ---- Arguments -----------------------------------------------------------------
 */

int64
hsg_fetch_ttl(const Interval *iv)
{
	int64		us = hsg_interval_us(iv);

	if (us <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid expiry: time to live must be greater than zero")));
	return us;
}

int64
hsg_fetch_default_ttl(HsHandle *h)
{
	int64		us = hs_default_ttl_us(h);

	return us != 0 ? us : HS_NEVER;
}

int64
hsg_fetch_wait(const Interval *iv)
{
	int64		us = hsg_interval_us(iv);

	if (us < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("wait must not be negative")));
	return Min(us, USECS_PER_DAY);
}
