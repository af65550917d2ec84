/*
 * rate.c
 *	  Rate limits; rate.h says which.
 *
 * State is kept in strings without value flags, so that dump, rename and
 * effects know what to do with it.  A magic word tells it from other strings.
 */
#include "rate.h"

#include "kvstring.h"

#define SLIDING_MAGIC	0x31575352	/* "RSW1" */
#define BUCKET_MAGIC	0x31524347	/* "GCR1" */

/* In shared memory, unaligned; (p) partition lock. */
typedef struct Sliding
{
	uint32_t	magic;			/* (p) */
	uint32_t	pad;
	int64_t		period_us;		/* (p) other periods start anew */
	int64_t		start_us;		/* (p) of the current window */
	int64_t		previous;		/* (p) calls allowed in the window before */
	int64_t		current;		/* (p) calls allowed in this one */
} Sliding;

typedef struct Bucket
{
	uint32_t	magic;			/* (p) */
	uint32_t	pad;
	int64_t		full_us;		/* (p) when all tokens will be back */
} Bucket;

static_assert(sizeof(Sliding) == 40, "dump format 1 stores it as is");
static_assert(sizeof(Bucket) == 16, "dump format 1 stores it as is");

static HsStatus state_read(HsOp *op, void *state, size_t size, uint32_t magic, bool *found);
static HsStatus state_write(HsOp *op, const void *state, size_t size, int64_t expires_us);
static bool is_sound(const Sliding *s);
static void window_now(Sliding *s, int64_t now_us, int64_t period_us);
static int64_t weighted(const Sliding *s, int64_t elapsed_us);
static int64_t sliding_retry(const Sliding *s, int64_t max, int64_t elapsed_us);
static int64_t wait_for_decay(int64_t count, int64_t room, int64_t period_us);

/*
 * The window is the life of the key, so a limit is an ordinary counter with a
 * ttl: kv_get() shows it, kv_incr() gives the same effect.
 */
HsStatus
hs_rate_fixed(HsOp *op, int64_t max, int64_t period_us, HsRate *out)
{
	int64_t		end_us;
	int64_t		count = 0;
	HsNewValue	v = {.bytes = {(const uint8_t *) &count, sizeof(count)},.flags = HS_RF_INT};
	HsSetRule	rule = {.only = HS_SET_ALWAYS,.keep_tags = true};
	bool		done;
	HsRecord   *record;
	HsStatus	status;

	if (max < 0 || period_us <= 0 ||
		__builtin_add_overflow(hs_op_now(op), period_us, &end_us))
		return HS_BAD_ARGUMENT;
	status = hs_find_typed(op, HS_STRING, &record);
	if (status != HS_OK)
		return status;
	if (record != NULL)
	{
		HsBytes		value = hs_value(record);

		if (!(hs_record_flags(record) & HS_RF_INT))
		{
			op->found_type = HS_STRING;
			return HS_WRONG_TYPE;
		}
		memcpy(&count, value.data, sizeof(count));
		if (count < 0)
			count = 0;			/* somebody has set or counted it down */
		if (hs_expiry(record) < end_us)
			end_us = hs_expiry(record);
	}
	out->allowed = count < max;
	out->remaining = 0;
	out->retry_after_us = max == 0 ? HS_NEVER : end_us - hs_op_now(op);
	if (!out->allowed)
		return HS_OK;
	count++;
	out->remaining = max - count;
	out->retry_after_us = 0;
	rule.expires_us = end_us;
	return hs_string_set(op, &v, &rule, NULL, &done);
}

HsStatus
hs_rate_sliding(HsOp *op, int64_t max, int64_t period_us, HsRate *out)
{
	Sliding		s;
	bool		found;
	int64_t		elapsed_us;
	int64_t		expires_us;
	int64_t		used;
	HsStatus	status;

	if (max < 0 || period_us <= 0 ||
		__builtin_mul_overflow(period_us, 2, &expires_us) ||
		__builtin_add_overflow(hs_op_now(op), expires_us, &expires_us))
		return HS_BAD_ARGUMENT;
	status = state_read(op, &s, sizeof(s), SLIDING_MAGIC, &found);
	if (status != HS_OK)
		return status;
	if (!found || s.period_us != period_us || !is_sound(&s))
		s = (Sliding) {.magic = SLIDING_MAGIC,.period_us = period_us,.start_us = hs_op_now(op)};
	window_now(&s, hs_op_now(op), period_us);
	elapsed_us = hs_op_now(op) - s.start_us;
	used = s.current + weighted(&s, elapsed_us);
	out->allowed = used < max;
	out->remaining = 0;
	if (!out->allowed)
	{
		out->retry_after_us = max == 0 ? HS_NEVER : sliding_retry(&s, max, elapsed_us);
		return HS_OK;
	}
	s.current++;
	out->remaining = max - used - 1;
	out->retry_after_us = 0;
	return state_write(op, &s, sizeof(s), s.start_us + 2 * period_us);
}

HsStatus
hs_rate_bucket(HsOp *op, int64_t capacity, int64_t refill_us, int64_t cost, HsRate *out)
{
	Bucket		b;
	bool		found;
	int64_t		depth_us;		/* time that fills an empty bucket */
	int64_t		debt_us;		/* time until it is full, before and after */
	int64_t		latest_us;
	HsStatus	status;

	if (capacity < 0 || refill_us <= 0 || cost < 0 ||
		__builtin_mul_overflow(capacity, refill_us, &depth_us) ||
		__builtin_add_overflow(hs_op_now(op), depth_us, &latest_us))
		return HS_BAD_ARGUMENT;
	status = state_read(op, &b, sizeof(b), BUCKET_MAGIC, &found);
	if (status != HS_OK)
		return status;
	if (!found || b.full_us < hs_op_now(op))
		b = (Bucket) {.magic = BUCKET_MAGIC,.full_us = hs_op_now(op)};
	if (b.full_us > latest_us)
		b.full_us = latest_us;	/* smaller capacity, or a clock set back */
	debt_us = b.full_us - hs_op_now(op);
	out->allowed = cost <= capacity && cost * refill_us <= depth_us - debt_us;
	out->remaining = (depth_us - debt_us) / refill_us;
	if (!out->allowed)
	{
		out->retry_after_us = cost > capacity ? HS_NEVER :
			debt_us + cost * refill_us - depth_us;
		return HS_OK;
	}
	out->retry_after_us = 0;
	out->remaining -= cost;
	if (cost == 0)
		return HS_OK;			/* only asking */
	b.full_us += cost * refill_us;
	return state_write(op, &b, sizeof(b), b.full_us);
}

/*
 * ---- Helpers ----------------------------------------------------------------
 */

static HsStatus
state_read(HsOp *op, void *state, size_t size, uint32_t magic, bool *found)
{
	HsRecord   *record;
	HsStatus	status = hs_find_typed(op, HS_STRING, &record);
	HsBytes		value;

	*found = record != NULL;
	if (status != HS_OK || record == NULL)
		return status;
	value = hs_value(record);
	if ((hs_record_flags(record) & (HS_RF_VALUE | HS_RF_BIG)) ||
		value.size != size || memcmp(value.data, &magic, sizeof(magic)) != 0)
	{
		op->found_type = HS_STRING;
		return HS_WRONG_TYPE;
	}
	memcpy(state, value.data, size);
	return HS_OK;
}

static HsStatus
state_write(HsOp *op, const void *state, size_t size, int64_t expires_us)
{
	HsNewValue	v = {.bytes = hs_bytes(state, size)};
	HsSetRule	rule = {.only = HS_SET_ALWAYS,.keep_tags = true,.expires_us = expires_us};
	bool		done;

	return hs_string_set(op, &v, &rule, NULL, &done);
}

/*
 * The bytes of a string are anybody's to change: numbers that no limit would
 * come to must not overflow anything.
 */
static bool
is_sound(const Sliding *s)
{
	return s->previous >= 0 && s->previous < INT64_MAX / 2 &&
		s->current >= 0 && s->current < INT64_MAX / 2 && s->start_us > INT64_MIN / 2;
}

/* Move on to the window that holds 'now'; after a step back start one there. */
static void
window_now(Sliding *s, int64_t now_us, int64_t period_us)
{
	int64_t		windows;

	if (now_us < s->start_us)
		s->start_us = now_us;
	windows = (now_us - s->start_us) / period_us;
	if (windows == 0)
		return;
	s->previous = windows == 1 ? s->current : 0;
	s->current = 0;
	s->start_us += windows * period_us;
}

/* The previous window's share, rounded up so that the limit is never exceeded. */
static int64_t
weighted(const Sliding *s, int64_t elapsed_us)
{
	__int128	share = (__int128) s->previous * (s->period_us - elapsed_us);

	return (int64_t) ((share + s->period_us - 1) / s->period_us);
}

/* Time until one more call passes, if nobody else calls. */
static int64_t
sliding_retry(const Sliding *s, int64_t max, int64_t elapsed_us)
{
	if (s->current < max)
		return wait_for_decay(s->previous, max - 1 - s->current, s->period_us) - elapsed_us;
	return s->period_us - elapsed_us + wait_for_decay(s->current, max - 1, s->period_us);
}

/*
 * First moment of a window at which the rounded up share of the previous
 * window's 'count' is at most 'room'.
 */
static int64_t
wait_for_decay(int64_t count, int64_t room, int64_t period_us)
{
	if (count <= room)
		return 0;
	return period_us - (int64_t) ((__int128) room * period_us / count);
}
