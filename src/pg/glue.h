/*
 * glue.h
 *	  What the files of the glue tell each other; SQL functions need
 *	  hotset.h only.
 */
#ifndef HSG_GLUE_H
#define HSG_GLUE_H

#include "hotset.h"

#include "nodes/pg_list.h"
#include "port/atomics.h"
#include "storage/latch.h"
#include "storage/lwlock.h"

/*
 * ---- Settings (hotset.c) -----------------------------------------------------
 */
extern int	hsg_memory_mb;
extern char *hsg_keyspace_setting;
extern int	hsg_worker_interval_ms;
extern int	hsg_worker_cpu_percent;

/*
 * ---- Shared memory (shmem.c) -------------------------------------------------
 */

/* What the glue itself shares, beside the region. */
typedef struct HsgShared
{
	int			tranche_id;		/* (c) constant after creation: of all our LWLocks */
	Latch	   *volatile worker_latch;	/* (a) atomic: NULL unless it naps */
	LWLock		token_lock;		/* alone: while the file of lock_token.c is read or written */
	pg_atomic_uint64 last_token;	/* (a) */
	pg_atomic_uint64 token_ceiling; /* (a) written under token_lock; 0: file not read yet */
} HsgShared;

extern HsgShared *hsg_shared;	/* NULL: not preloaded */
extern int	hsg_lock_tranche;	/* (region.c) of the LWLocks in the region */

/*
 * CHECK_FOR_INTERRUPTS() after HS_INTERRUPTED.  If it returns with a cancel still pending, because the
 * caller has put that off, hs_port_interrupted() says no until it is served: the next try ends.  region.c
 */
extern void hsg_interrupted(void);

extern void hsg_shmem_install(void);

/*
 * ---- Keyspaces (keyspace.c, keyspace_ddl.c, keyspace_options.c) ------------------
 */

/* Options of a server as they stand in pg_foreign_server.srvoptions. */
extern void hsg_options_read(List *options, HsKeyspaceOptions *out);

/* True if the foreign-data wrapper is the one that came with this extension. */
extern bool hsg_is_our_fdw(Oid fdw);

/* Add this backend's pending counts to the shared statistics. */
extern void hsg_flush_stats(void);

/*
 * For the planner: the keyspace of that name (NULL: hotset.keyspace), or false,
 * never an error, if there is none that this role may use.
 */
extern bool hsg_keyspace_quietly(const char *name, HsHandle *h);

/* Empty the cache of resolved names; entries are resolved anew at next use. */
extern void hsg_keyspace_forget(void);

/* hotset.keyspace has been set. */
extern void hsg_keyspace_setting_changed(void);

extern void hsg_ddl_install(void);

/* Where this transaction has altered the server: the options it had before. */
extern void hsg_options_until_commit(Oid server, HsKeyspaceOptions *opts);

/* Drop the keyspace of a server of this database, if it has one. */
extern void hsg_keyspace_drop(Oid server);
/* Drop keyspaces of this database whose server is gone. */
extern void hsg_sweep_servers(void);
/* Drop keyspaces of databases that are gone.  Needs a transaction. */
extern void hsg_sweep_databases(void);

/* Teach the planner about ranges of sorted sets (zset_order.c). */
extern void hsg_zset_order_install(void);

/*
 * ---- Fencing tokens (lock_token.c) -------------------------------------------
 */
extern void hsg_token_shmem_startup(bool is_new);
/* See to it that tokens can be taken, for half a minute or longer.  Raises if the
 * file cannot be written.  No lock may be held. */
extern void hsg_token_reserve(int64_t now_us);
/* A token larger than any before, or 0: they have to be reserved first.  Raises
 * nothing, so it may be called under a partition's lock. */
extern int64 hsg_token_take(int64_t now_us);

/*
 * ---- Worker (worker.c) -------------------------------------------------------
 */
extern void hsg_worker_register(void);
/* Have the worker look at once: memory is short, or was given back. */
extern void hsg_worker_wake(void);

#endif							/* HSG_GLUE_H */
