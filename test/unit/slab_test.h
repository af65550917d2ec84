/*
 * slab_test.h
 *	  Slabs that fail on demand and hold the engine to what it asked for.
 *
 * Every program is linked with --wrap for the functions of slab.h; as long as
 * nothing is set here, the calls go straight through.
 */
#ifndef SLAB_TEST_H
#define SLAB_TEST_H

#include "slab.h"

/*
 * The n-th node (or promise of nodes) from now on is refused, and all after
 * it; negative: none is.  Then how many were asked for since.
 */
extern void slab_fail_after(int n);
extern int	slab_asked(void);

/*
 * After a promise every node taken must have been in it, until the next
 * settling; else slab_broken_promises() counts it.
 */
extern void slab_watch_promises(bool on);
extern int	slab_broken_promises(void);

/* Fill nodes with junk when they are taken and when they are freed. */
extern void slab_fill_junk(bool on);

#endif							/* SLAB_TEST_H */
