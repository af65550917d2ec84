/*
 * keyspace_ddl.c
 *	  CREATE, ALTER and DROP of servers and databases take effect in shared
 *	  memory when their transaction ends.
 *
 * An object access hook notes what happens to servers; callbacks act on the
 * notes:
 *	  created	 given back if the transaction or subtransaction fails
 *	  altered	 the new options apply from the commit on
 *	  dropped	 given back at commit
 * Notes are made for servers of other wrappers as well, which costs nothing: the
 * table of keyspaces does not know them.
 *
 * Nothing of this is replayed on a standby, which therefore looks for keyspaces
 * without a server (hsg_sweep_servers()) or database when it is told that
 * servers changed.
 *
 * Two-phase commit is refused for such transactions: whoever runs COMMIT
 * PREPARED would not have the notes.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_database.h"
#include "catalog/pg_foreign_server.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "glue.h"
#include "wait.h"

#define LOCK_TRIES		100
#define LOCK_PAUSE_US	1000

typedef enum NoteKind
{
	NOTE_CREATED,
	NOTE_ALTERED,
	NOTE_DROPPED,
	NOTE_DROPPED_DB
} NoteKind;

/* In TopTransactionContext. */
typedef struct Note
{
	struct Note *next;
	NoteKind	kind;
	Oid			oid;			/* server, or database */
	SubTransactionId subxact;
	bool		ours;			/* NOTE_ALTERED, NOTE_DROPPED: it was a keyspace */
	bool		apply;			/* NOTE_ALTERED: 'after' is to be set */
	HsKeyspaceOptions before;	/* NOTE_ALTERED, if ours: options until commit */
	HsKeyspaceOptions after;
} Note;

static Note *notes = NULL;		/* newest first */
static object_access_hook_type prev_object_access_hook = NULL;

static void object_access(ObjectAccessType access, Oid class, Oid object,
						  int subobject, void *arg);
static void note(NoteKind kind, Oid oid);
static void note_options_before(Note *n);
static void end_of_transaction(void);
static void xact_callback(XactEvent event, void *arg);
static void subxact_callback(SubXactEvent event, SubTransactionId subid,
							 SubTransactionId parent, void *arg);
static void before_commit(void);
static void lock_for_commit(Oid server);
static void at_commit(void);
static void at_abort(void);
static void refuse_prepare(void);
static bool is_our_server(Oid server);
static bool server_exists(Oid server);
static void sweep_server(Oid server);

void
hsg_ddl_install(void)
{
	prev_object_access_hook = object_access_hook;
	object_access_hook = object_access;
	RegisterXactCallback(xact_callback, NULL);
	RegisterSubXactCallback(subxact_callback, NULL);
}

/*
 * ---- Taking notes ----------------------------------------------------------------
 */

static void
object_access(ObjectAccessType access, Oid class, Oid object, int subobject, void *arg)
{
	if (prev_object_access_hook)
		prev_object_access_hook(access, class, object, subobject, arg);

	if (class == DatabaseRelationId && access == OAT_DROP)
		note(NOTE_DROPPED_DB, object);
	if (class != ForeignServerRelationId)
		return;
	if (access == OAT_POST_CREATE)
	{
		/* until the end of the transaction, so that no sweep takes it away */
		LockDatabaseObject(ForeignServerRelationId, object, 0, AccessShareLock);
		note(NOTE_CREATED, object);
	}
	else if (access == OAT_POST_ALTER)
	{
		note(NOTE_ALTERED, object);
		note_options_before(notes);
	}
	else if (access == OAT_DROP)
	{
		note(NOTE_DROPPED, object);
		notes->ours = is_our_server(object);	/* later it cannot be asked */
	}
}

/* The command counter has not moved yet: the catalog still shows the old row. */
static void
note_options_before(Note *n)
{
	n->ours = is_our_server(n->oid);
	if (n->ours)
		hsg_options_read(GetForeignServer(n->oid)->options, &n->before);
}

void
hsg_options_until_commit(Oid server, HsKeyspaceOptions *opts)
{
	for (Note *n = notes; n != NULL; n = n->next)
	{
		if (n->kind == NOTE_ALTERED && n->oid == server && n->ours)
			*opts = n->before;	/* the oldest note decides */
	}
}

static void
note(NoteKind kind, Oid oid)
{
	Note	   *n = MemoryContextAllocZero(TopTransactionContext, sizeof(Note));

	n->kind = kind;
	n->oid = oid;
	n->subxact = GetCurrentSubTransactionId();
	n->next = notes;
	notes = n;
}

/*
 * ---- Acting on them --------------------------------------------------------------
 */

static void
xact_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			before_commit();
			break;
		case XACT_EVENT_PRE_PREPARE:
			refuse_prepare();
			break;
		case XACT_EVENT_COMMIT:
			at_commit();
			end_of_transaction();
			break;
		case XACT_EVENT_ABORT:
			at_abort();
			end_of_transaction();
			break;
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PARALLEL_ABORT:
			end_of_transaction();
			break;
		case XACT_EVENT_PARALLEL_PRE_COMMIT:
			break;
	}
}

/* Never raises. */
void
hsg_keyspace_drop(Oid server)
{
	hs_keyspace_drop(MyDatabaseId, server);
	hsg_wait_wake_all();		/* who waits for its keys would do so for ever */
}

static void
end_of_transaction(void)
{
	hsg_flush_stats();
	if (notes == NULL)
		return;
	notes = NULL;
	hsg_keyspace_forget();		/* options that were kept back until now */
}

/*
 * Here the catalog can still be read, and raising an error still only rolls
 * back.
 */
static void
before_commit(void)
{
	for (Note *n = notes; n != NULL; n = n->next)
	{
		if (n->kind != NOTE_ALTERED || !is_our_server(n->oid))
			continue;
		lock_for_commit(n->oid);
		hsg_options_read(GetForeignServer(n->oid)->options, &n->after);
		n->apply = true;
	}
}

/*
 * With the lock others wait who would open the keyspace with the old options;
 * they go on when the new ones are visible.  Whoever holds it for longer than a
 * moment is about to drop the server and waits for us: that would be a deadlock,
 * so go on without.  The worst that can happen then is that old options are set
 * once more and stay until the next session looks at the catalog.
 */
static void
lock_for_commit(Oid server)
{
	for (int tries = 0; tries < LOCK_TRIES; tries++)
	{
		if (ConditionalLockDatabaseObject(ForeignServerRelationId, server, 0,
										  AccessExclusiveLock))
			return;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(LOCK_PAUSE_US);
	}
}

/* Nothing here may fail. */
static void
at_commit(void)
{
	for (Note *n = notes; n != NULL; n = n->next)
	{
		if (n->kind == NOTE_ALTERED && n->apply)
		{
			HsHandle	h;

			if (hs_keyspace_lookup(MyDatabaseId, n->oid, &h) == HS_OK)
				hs_keyspace_configure(&h, &n->after);
		}
		else if (n->kind == NOTE_DROPPED)
			hsg_keyspace_drop(n->oid);
		else if (n->kind == NOTE_DROPPED_DB)
			hs_keyspace_drop_db(n->oid);
	}
}

static void
at_abort(void)
{
	for (Note *n = notes; n != NULL; n = n->next)
	{
		if (n->kind == NOTE_CREATED)
			hsg_keyspace_drop(n->oid);
	}
}

/* A failed subtransaction takes its notes along, a good one hands them up. */
static void
subxact_callback(SubXactEvent event, SubTransactionId subid,
				 SubTransactionId parent, void *arg)
{
	Note	  **link = &notes;

	if (event != SUBXACT_EVENT_COMMIT_SUB && event != SUBXACT_EVENT_ABORT_SUB)
		return;
	while (*link != NULL)
	{
		Note	   *n = *link;

		if (n->subxact == subid && event == SUBXACT_EVENT_ABORT_SUB)
		{
			if (n->kind == NOTE_CREATED)
				hsg_keyspace_drop(n->oid);
			*link = n->next;
			continue;
		}
		if (n->subxact == subid)
			n->subxact = parent;
		link = &n->next;
	}
}

static void
refuse_prepare(void)
{
	for (Note *n = notes; n != NULL; n = n->next)
	{
		if (n->kind == NOTE_DROPPED_DB ||
			!(n->ours || (n->kind != NOTE_DROPPED && is_our_server(n->oid))))
			continue;
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot PREPARE a transaction that has created, altered or dropped a keyspace"),
				 errdetail("Its memory is given back by the session that runs the transaction.")));
	}
}

/* Neither a server of another wrapper nor one that is gone. */
static bool
is_our_server(Oid server)
{
	return server_exists(server) && hsg_is_our_fdw(GetForeignServer(server)->fdwid);
}

/*
 * ---- Sweeping ----------------------------------------------------------------------
 */

static bool
server_exists(Oid server)
{
	return SearchSysCacheExists1(FOREIGNSERVEROID, ObjectIdGetDatum(server));
}

/* Dropped by this very transaction, which may still fail? */
static bool
drop_is_noted(Oid server)
{
	for (Note *n = notes; n != NULL; n = n->next)
	{
		if (n->kind == NOTE_DROPPED && n->oid == server)
			return true;
	}
	return false;
}

void
hsg_sweep_servers(void)
{
	uint32_t	slot = 0;
	uint32_t	db;
	uint32_t	server;
	bool		used;
	HsHandle	h;

	if (IsInParallelMode())
		return;					/* no exclusive locks there */
	while (hs_keyspace_slot(slot++, &used, &db, &server, &h))
	{
		if (used && db == MyDatabaseId && !server_exists(server) &&
			!drop_is_noted(server))
			sweep_server(server);
	}
}

/*
 * Somebody may have created the server in a transaction that is still running; he
 * holds a lock on it then.  In recovery nobody can, nor could we lock it.
 */
static void
sweep_server(Oid server)
{
	if (RecoveryInProgress())
	{
		hsg_keyspace_drop(server);
		return;
	}
	if (!ConditionalLockDatabaseObject(ForeignServerRelationId, server, 0,
									   AccessExclusiveLock))
		return;
	if (!server_exists(server))
		hsg_keyspace_drop(server);
	UnlockDatabaseObject(ForeignServerRelationId, server, 0, AccessExclusiveLock);
}

void
hsg_sweep_databases(void)
{
	uint32_t	slot = 0;
	uint32_t	db;
	uint32_t	server;
	bool		used;
	HsHandle	h;

	while (hs_keyspace_slot(slot++, &used, &db, &server, &h))
	{
		if (used && !SearchSysCacheExists1(DATABASEOID, ObjectIdGetDatum(db)))
			hs_keyspace_drop_db(db);
	}
}
