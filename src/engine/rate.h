/*
 * rate.h
 *	  Rate limits: one atomic command that asks and counts.
 *
 * Three kinds, each a small string with an expiry, gone when it says no more
 * than an absent one would:
 *
 * fixed window		an integer counted from the first call; the key's expiry
 *					ends the window.  Up to 2 * max may pass around its end.
 * sliding window	counts of the current and the previous window, the latter
 *					weighted by how much of it the last 'period' still
 *					covers.  Exact if calls came evenly, and small whatever max is.
 * bucket			the generic cell rate algorithm: one point in time, when
 *					a bucket that is emptied by calls will be full again.
 *
 * A refused call changes nothing.  A clock that was set back delays nobody
 * by more than one period.
 */
#ifndef HS_RATE_H
#define HS_RATE_H

#include "store.h"

typedef struct HsRate
{
	bool		allowed;
	int64_t		remaining;		/* calls (tokens) that would still pass now */
	int64_t		retry_after_us; /* 0 if allowed; else when it may pass, or
								 * HS_NEVER if it never will */
} HsRate;

/*
 * All may return HS_NO_MEMORY, HS_WRONG_TYPE (also with found_type HS_STRING: a
 * string that is no such limit), and HS_BAD_ARGUMENT for max < 0, period <= 0,
 * capacity < 0, cost < 0 or a product beyond 64 bits.  Lock: exclusive.
 */
extern HsStatus hs_rate_fixed(HsOp *op, int64_t max, int64_t period_us, HsRate *out);
extern HsStatus hs_rate_sliding(HsOp *op, int64_t max, int64_t period_us, HsRate *out);
/* One token comes back every refill_us; 'cost' tokens are taken. */
extern HsStatus hs_rate_bucket(HsOp *op, int64_t capacity, int64_t refill_us,
							   int64_t cost, HsRate *out);

#endif							/* HS_RATE_H */
