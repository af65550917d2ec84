/*
 * slab_test.c
 *	  Slabs that fail on demand and hold the engine to what it asked for.
 */
#include "slab_test.h"

#define NSIZES	1024			/* rounded sizes, in steps of 8 bytes */

extern HsRef __real_hs_slab_alloc(struct HsPart *part, uint32_t size);
extern bool __real_hs_slab_prepare(struct HsPart *part, const HsSlabNeed *needs, int nneeds);
extern void __real_hs_slab_settle(struct HsPart *part);
extern void __real_hs_slab_free(struct HsPart *part, HsRef node, uint32_t size);

extern HsRef __wrap_hs_slab_alloc(struct HsPart *part, uint32_t size);
extern bool __wrap_hs_slab_prepare(struct HsPart *part, const HsSlabNeed *needs, int nneeds);
extern void __wrap_hs_slab_settle(struct HsPart *part);
extern void __wrap_hs_slab_free(struct HsPart *part, HsRef node, uint32_t size);

#define JUNK_NEW		0xa5
#define JUNK_FREED		0xdb

static _Thread_local bool junk;
static _Thread_local int fail_after = -1;
static _Thread_local int asked;
static _Thread_local bool watching;
static _Thread_local bool promised;
static _Thread_local uint32_t promise[NSIZES];
static _Thread_local int broken;

void
slab_fail_after(int n)
{
	fail_after = n;
	asked = 0;
}

int
slab_asked(void)
{
	return asked;
}

void
slab_watch_promises(bool on)
{
	watching = on;
	promised = false;
	broken = 0;
}

int
slab_broken_promises(void)
{
	return broken;
}

void
slab_fill_junk(bool on)
{
	junk = on;
}

static bool
refused(void)
{
	return asked++ >= fail_after && fail_after >= 0;
}

HsRef
__wrap_hs_slab_alloc(struct HsPart *part, uint32_t size)
{
	uint32_t	class = hs_slab_round(size) / 8;
	HsRef		node;

	/* what was promised is not refused */
	if (watching && promised && class < NSIZES)
	{
		if (promise[class] == 0)
			broken++;
		else
			promise[class]--;
	}
	else if (refused())
		return HS_REF_NONE;
	node = __real_hs_slab_alloc(part, size);
	if (node != HS_REF_NONE && junk)
		memset(hs_ptr(node), JUNK_NEW, hs_slab_round(size));
	return node;
}

void
__wrap_hs_slab_free(struct HsPart *part, HsRef node, uint32_t size)
{
	if (junk)
		memset(hs_ptr(node), JUNK_FREED, hs_slab_round(size));
	__real_hs_slab_free(part, node, size);
}

bool
__wrap_hs_slab_prepare(struct HsPart *part, const HsSlabNeed *needs, int nneeds)
{
	if (refused() || !__real_hs_slab_prepare(part, needs, nneeds))
		return false;
	if (watching)
	{
		memset(promise, 0, sizeof(promise));
		for (int i = 0; i < nneeds; i++)
			if (hs_slab_round(needs[i].size) / 8 < NSIZES)
				promise[hs_slab_round(needs[i].size) / 8] += needs[i].count;
		promised = true;
	}
	return true;
}

void
__wrap_hs_slab_settle(struct HsPart *part)
{
	promised = false;
	__real_hs_slab_settle(part);
}
