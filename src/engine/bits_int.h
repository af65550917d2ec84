/*
 * bits_int.h
 *	  What the files of the commands on bits share.
 */
#ifndef HS_BITS_INT_H
#define HS_BITS_INT_H

#include "bits.h"

#define HS_BITS_PIECE		4096		/* bytes looked at at a time */
#define HS_BITS_ROUNDS_MAX	3			/* without a lock, then with it */

/*
 * The string of the key; without one a view of no bytes.  HS_WRONG_TYPE, with found_type
 * HS_STRING for jsonb.  Lock: shared.
 */
extern HsStatus hs_bits_find_string(HsOp *op, HsStringView *view);

#endif							/* HS_BITS_INT_H */
