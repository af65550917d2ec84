/*
 * shmem.c
 *	  The region in the server's main shared memory: asked for before the
 *	  server starts, laid out while it does.
 *
 * The postmaster creates everything; backends inherit mapping and globals by
 * fork.  After a crash of any process the postmaster makes new shared memory
 * and comes here again.  Laying out touches the headers of segments only, not
 * their bytes: what is never used is never backed by memory.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#include "../engine/hot.h"
#include "flight.h"
#include "glue.h"
#include "invalidate.h"
#include "wait.h"

HsgShared  *hsg_shared = NULL;

static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

static void shmem_request(void);
static void shmem_startup(void);
static Size region_size(void);

/*
 * In a server started for pg_upgrade nothing is installed: it must not come to
 * life there, and needs no memory.
 */
void
hsg_shmem_install(void)
{
	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = shmem_request;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = shmem_startup;
}

static Size
region_size(void)
{
	return (Size) hsg_memory_mb << 20;
}

static void
shmem_request(void)
{
	if (prev_shmem_request_hook)
		prev_shmem_request_hook();
	RequestAddinShmemSpace(MAXALIGN(sizeof(HsgShared)));
	RequestAddinShmemSpace(add_size(hsg_wait_shmem_size(), PG_CACHE_LINE_SIZE));
	RequestAddinShmemSpace(add_size(hsg_invalidate_shmem_size(), PG_CACHE_LINE_SIZE));
	RequestAddinShmemSpace(add_size(hsg_flight_shmem_size(), PG_CACHE_LINE_SIZE));
	RequestAddinShmemSpace(add_size(region_size(), PG_CACHE_LINE_SIZE));
	RequestAddinShmemSpace(add_size(hs_hot_size(hs_region_keyspaces(region_size())), PG_CACHE_LINE_SIZE));
}

static void
shmem_startup(void)
{
	bool		found;
	bool		is_new;
	void	   *region;
	void	   *hot;
	uint32_t	nkeyspaces = hs_region_keyspaces(region_size());
	HsStatus	status;

	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	hsg_shared = ShmemInitStruct("hotset", sizeof(HsgShared), &found);
	is_new = !found;
	if (is_new)
	{
		memset(hsg_shared, 0, sizeof(HsgShared));
		hsg_shared->tranche_id = LWLockNewTrancheId();
	}
	hsg_lock_tranche = hsg_shared->tranche_id;
	LWLockRegisterTranche(hsg_lock_tranche, "hotset");
	hsg_wait_shmem_startup();
	hsg_token_shmem_startup(is_new);
	hsg_invalidate_shmem_startup();
	hsg_flight_shmem_startup();

	region = ShmemInitStruct("hotset region", region_size(), &found);
	if (!found)
		status = hs_region_init(region, region_size(), hsg_now());
	else
		status = hs_region_attach(region);
	hot = ShmemInitStruct("hotset hot keys", hs_hot_size(nkeyspaces), &found);
	if (!found)
		hs_hot_init(hot, nkeyspaces);
	else
		hs_hot_attach(hot, nkeyspaces);
	LWLockRelease(AddinShmemInitLock);

	if (status != HS_OK)
		elog(FATAL, "could not lay out the memory of hotset: status %d", (int) status);
}
