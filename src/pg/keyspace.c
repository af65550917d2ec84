/*
 * keyspace.c
 *	  From the name of a keyspace to a handle that this role may use.
 *
 * A keyspace is a foreign server.  Looking up server, privilege and options
 * takes microseconds, so each answer is kept per (name, role) and stays good
 * until an invalidation of servers, wrappers, roles or memberships arrives;
 * that makes every entry stale at once by moving 'cache_epoch'.  What is left to
 * do on the hot path is to compare the role and the epoch.
 *
 * Resolving holds AccessShareLock on the server for a moment.  DROP SERVER holds
 * its own lock until the drop is visible to everyone, and ALTER SERVER takes one
 * around its commit (keyspace_ddl.c).  So nobody opens a keyspace that has just
 * been dropped, or with options that have just been replaced.
 *
 * The entries, and the handles in them, live as long as the session: a handle
 * may become stale, never dangling.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/dependency.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "commands/extension.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "../engine/dues.h"
#include "glue.h"

typedef struct CacheKey
{
	NameData	name;
	Oid			role;
} CacheKey;

typedef struct CacheEntry
{
	CacheKey	key;
	uint64		epoch;			/* good while this is cache_epoch; 0 never is */
	bool		is_used;		/* since statistics were flushed */
	struct CacheEntry *next;	/* of those that are used */
	HsHandle	handle;
} CacheEntry;

static HTAB *cache = NULL;
static CacheEntry *used = NULL;	/* all whose handle may have counted something */
static uint64 cache_epoch = 1;
static CacheEntry *default_entry = NULL;	/* of hotset.keyspace, or NULL */
static CacheEntry *last_entry = NULL;	/* of the name given last, or NULL */
static bool sweep_wanted = true;	/* servers may have gone unnoticed */

static CacheEntry *entry_find(const char *name);
static void entry_renew(CacheEntry *entry);
static uint64 resolve(const char *name, HsHandle *h);
static CacheEntry *entry_of(HsHandle *h);
static Oid	lock_server(const char *name);
static void open_server(Oid server, HsHandle *h);
static void configure_if_changed(HsHandle *h, const HsKeyspaceOptions *opts);
static void recheck_on_standby(Oid server, const char *name);
pg_noreturn static void does_not_exist(const char *name);
static void cache_setup(void);
static void cache_invalidated(Datum arg, int cacheid, uint32 hashvalue);

/*
 * ---- The hot path ------------------------------------------------------------
 */

static inline bool
entry_is_good(const CacheEntry *entry)
{
	return entry != NULL && entry->epoch == cache_epoch &&
		entry->key.role == GetUserId();
}

static inline HsHandle *
use(CacheEntry *entry)
{
	if (unlikely(!entry->is_used))
	{
		entry->is_used = true;
		entry->next = used;
		used = entry;
	}
	return &entry->handle;
}

HsHandle *
hsg_keyspace(FunctionCallInfo fcinfo, int n)
{
	CacheEntry *entry;

	if (PG_ARGISNULL(n))
	{
		entry = default_entry;
		if (unlikely(!entry_is_good(entry)))
			entry = default_entry = entry_find(hsg_keyspace_setting);
	}
	else
	{
		const char *name = NameStr(*PG_GETARG_NAME(n));

		entry = last_entry;
		if (unlikely(!entry_is_good(entry) ||
					 strcmp(NameStr(entry->key.name), name) != 0))
			entry = last_entry = entry_find(name);
	}
	return use(entry);
}

HsHandle *
hsg_keyspace_named(const char *name)
{
	return use(entry_find(name));
}

bool
hsg_keyspace_still(HsHandle *h, Oid role)
{
	CacheEntry *entry = entry_of(h);

	(void) use(entry);
	return entry->epoch == cache_epoch && entry->key.role == role;
}

const char *
hsg_keyspace_name(HsHandle *h)
{
	return NameStr(entry_of(h)->key.name);
}

void
hsg_keyspace_setting_changed(void)
{
	default_entry = NULL;
}

void
hsg_keyspace_forget(void)
{
	cache_epoch++;
}

/*
 * ---- Running a command again ---------------------------------------------------
 */

/*
 * A handle goes stale when the keyspace was dropped: if the server is still there
 * (or there again), the command runs on the new keyspace, else this raises.
 */
bool
hsg_retry_slow(HsHandle *h, HsStatus status, uint64_t hash, size_t need)
{
	hsg_interrupted();
	if (status == HS_INTERRUPTED)
		return true;
	if (status == HS_GONE)
	{
		AcceptInvalidationMessages();
		entry_renew(entry_of(h));
		return true;
	}
	if (status == HS_DUE)
	{
		while (hs_dues_purge(h, h->due_hash, hsg_now()))
			CHECK_FOR_INTERRUPTS();
		return true;
	}
	hsg_worker_wake();
	return hs_make_room(h, hash, need, hsg_now());
}

/*
 * ---- Statistics ----------------------------------------------------------------
 */

/* A session that has used a thousand keyspaces looks at those of this transaction only. */
void
hsg_flush_stats(void)
{
	for (; used != NULL; used = used->next)
	{
		used->is_used = false;
		hs_stats_flush(&used->handle);	/* those of a keyspace that is gone go with it */
	}
}

/*
 * ---- Resolving -----------------------------------------------------------------
 */

static CacheEntry *
entry_of(HsHandle *h)
{
	return (CacheEntry *) ((char *) h - offsetof(CacheEntry, handle));
}

/*
 * The entry of a name for the current role, resolved and good.  One is made for
 * names that lead to a keyspace only: others may be any number.
 */
static CacheEntry *
entry_find(const char *name)
{
	CacheKey	key;
	CacheEntry *entry;

	hsg_require_preload();
	if (cache == NULL)
		cache_setup();

	memset(&key, 0, sizeof(key));
	namestrcpy(&key.name, name);
	key.role = GetUserId();
	entry = hash_search(cache, &key, HASH_FIND, NULL);
	if (entry == NULL)
	{
		HsHandle	h;
		uint64		epoch = resolve(NameStr(key.name), &h);
		bool		found;

		entry = hash_search(cache, &key, HASH_ENTER, &found);
		entry->epoch = epoch;
		entry->handle = h;
		if (!found)
			entry->is_used = false;
	}
	else if (!entry_is_good(entry))
		entry_renew(entry);
	return entry;
}

static void
entry_renew(CacheEntry *entry)
{
	hs_stats_flush(&entry->handle);	/* of what the name stood for until now */
	entry->epoch = 0;
	entry->epoch = resolve(NameStr(entry->key.name), &entry->handle);
}

/*
 * Open the keyspace for the current role, or raise; *h is then as it was, or
 * stale.  Returns the epoch in which the answer is good.
 */
static uint64
resolve(const char *name, HsHandle *h)
{
	Oid			server;
	uint64		epoch;

	if (sweep_wanted)
	{
		sweep_wanted = false;
		hsg_sweep_servers();
	}
	server = lock_server(name);
	epoch = cache_epoch;
	open_server(server, h);
	UnlockDatabaseObject(ForeignServerRelationId, server, 0, AccessShareLock);
	return epoch;
}

/*
 * The server's oid, locked so that it can be neither dropped nor altered.
 * Locking reads the invalidations that came before, so the name may mean something
 * else by now.  That cache_epoch has moved would not tell: a server that is told to
 * (debug_discard_caches) empties all caches each time.
 */
static Oid
lock_server(const char *name)
{
	for (;;)
	{
		Oid			server = get_foreign_server_oid(name, true);

		if (!OidIsValid(server))
			does_not_exist(name);
		LockDatabaseObject(ForeignServerRelationId, server, 0, AccessShareLock);
		if (get_foreign_server_oid(name, true) == server)
			return server;
		UnlockDatabaseObject(ForeignServerRelationId, server, 0, AccessShareLock);
		CHECK_FOR_INTERRUPTS();
	}
}

static void
does_not_exist(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("keyspace \"%s\" does not exist", name),
			 errhint("Create it with CREATE SERVER ... FOREIGN DATA WRAPPER hotset.")));
}

/* Check and open the locked server. */
static void
open_server(Oid serverid, HsHandle *h)
{
	ForeignServer *server = GetForeignServer(serverid);
	HsKeyspaceOptions opts;
	HsStatus	status;
	AclResult	acl;

	if (!hsg_is_our_fdw(server->fdwid))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("server \"%s\" is not a keyspace", server->servername),
				 errdetail("It belongs to the foreign-data wrapper \"%s\".",
						   GetForeignDataWrapper(server->fdwid)->fdwname)));
	acl = hsg_server_aclcheck(serverid, GetUserId(), ACL_USAGE);
	if (acl != ACLCHECK_OK)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for keyspace \"%s\"", server->servername),
				 errhint("Its owner can GRANT USAGE ON FOREIGN SERVER %s.",
						 quote_identifier(server->servername))));

	hsg_options_read(server->options, &opts);
	hsg_options_until_commit(serverid, &opts);
	status = hs_keyspace_open(MyDatabaseId, serverid, &opts, h);
	hsg_check_open(status, server->servername);
	if (RecoveryInProgress())
		recheck_on_standby(serverid, server->servername);
	if (!IsParallelWorker())	/* which cannot tell what its leader has altered */
		configure_if_changed(h, &opts);
}

/* Options seldom change, and setting them makes the store try anew to find room. */
static void
configure_if_changed(HsHandle *h, const HsKeyspaceOptions *opts)
{
	HsKeyspaceOptions now;

	hs_keyspace_options(h, &now);
	if (now.memory != opts->memory || now.eviction != opts->eviction ||
		now.default_ttl_us != opts->default_ttl_us)
		hs_keyspace_configure(h, opts);
}

bool
hsg_keyspace_quietly(const char *name, HsHandle *h)
{
	HeapTuple	tuple;
	Form_pg_foreign_server server;
	bool		is_usable;

	if (hsg_shared == NULL)
		return false;
	tuple = SearchSysCache1(FOREIGNSERVERNAME,
							CStringGetDatum(name != NULL ? name : hsg_keyspace_setting));
	if (!HeapTupleIsValid(tuple))
		return false;
	server = (Form_pg_foreign_server) GETSTRUCT(tuple);
	is_usable = hsg_is_our_fdw(server->srvfdw) &&
		hsg_server_aclcheck(server->oid, GetUserId(), ACL_USAGE) == ACLCHECK_OK &&
		hs_keyspace_lookup(MyDatabaseId, server->oid, h) == HS_OK;
	ReleaseSysCache(tuple);
	if (is_usable)
		h->sample_in = UINT32_MAX;	/* its looks are nobody's accesses */
	return is_usable;
}

/*
 * On a standby DROP SERVER is replayed without a lock that would keep us out.
 * If it has been by now, what was opened would stay for ever.
 */
static void
recheck_on_standby(Oid server, const char *name)
{
	AcceptInvalidationMessages();
	if (SearchSysCacheExists1(FOREIGNSERVEROID, ObjectIdGetDatum(server)))
		return;
	hsg_keyspace_drop(server);
	does_not_exist(name);
}

bool
hsg_is_our_fdw(Oid fdw)
{
	Oid			extension = get_extension_oid("hotset", true);

	return OidIsValid(extension) &&
		getExtensionOfObject(ForeignDataWrapperRelationId, fdw) == extension;
}

void
hsg_require_preload(void)
{
	if (hsg_shared == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("hotset must be loaded via shared_preload_libraries"),
				 errhint("Add this line to postgresql.conf, or hotset to the line that is there, and restart the server: shared_preload_libraries = 'hotset'")));
}

/*
 * ---- The cache -----------------------------------------------------------------
 */

static void
cache_setup(void)
{
	static bool registered = false;
	HASHCTL		ctl;

	ctl.keysize = sizeof(CacheKey);
	ctl.entrysize = sizeof(CacheEntry);
	ctl.hcxt = TopMemoryContext;
	cache = hash_create("hotset keyspaces", 8, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	if (registered)
		return;
	registered = true;
	CacheRegisterSyscacheCallback(FOREIGNSERVEROID, cache_invalidated, (Datum) 0);
	CacheRegisterSyscacheCallback(FOREIGNDATAWRAPPEROID, cache_invalidated, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, cache_invalidated, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMMEMROLE, cache_invalidated, (Datum) 0);
}

static void
cache_invalidated(Datum arg, int cacheid, uint32 hashvalue)
{
	cache_epoch++;
	if (cacheid == FOREIGNSERVEROID)
		sweep_wanted = true;
}
