/*
 * fuzz_string.c
 *	  Property: whatever commands on strings are run in whatever order, their
 *	  effects make the same contents in another keyspace, and both stay sound.
 *
 * Input: commands of six bytes: which, and in the upper half tags; key, other key, size (times
 * 1, 64 or 1024), content, time that passes.
 */
#include "fuzz.h"
#include "strings_test.h"

#define COMMAND		6			/* bytes */
#define MAX_COMMANDS	400
#define LOG			((size_t) 16 << 20)

static HsHandle first;
static HsHandle second;
static Runner a;
static Runner b;
static HsEffects fx;
static uint8_t content[300000];

static void
setup(void)
{
	uint64_t	removed;

	if (a.h == NULL)
	{
		heap_open((size_t) 32 << 20);
		heap_keyspace(&first, 1, HS_EVICT_NONE, 0);
		heap_keyspace(&second, 2, HS_EVICT_NONE, 0);
		run_open(&a, &first, HEAP_NOW);
		run_open(&b, &second, HEAP_NOW);
		fx.data = malloc(LOG);
		fx.capacity = LOG;
		a.effects = &fx;
		a.max_value = 1 << 20;
	}
	a.now_us = b.now_us = HEAP_NOW;
	fx.size = 0;
	MUST_SAY(hs_keyspace_flush(&first, HEAP_NOW, &removed) == HS_OK, "flush");
	MUST_SAY(hs_keyspace_flush(&second, HEAP_NOW, &removed) == HS_OK, "flush");
}

static HsStatus
command(const uint8_t *p)
{
	static const size_t scale[] = {1, 1, 64, 1024};
	HsBytes		key = hs_bytes(p + 1, p[1] & 1);
	HsBytes		other = hs_bytes(p + 2, p[2] % 3);
	size_t		size = (p[3] & 63) * scale[p[3] >> 6];
	HsBytes		value = hs_bytes(content + p[4], size);
	int64_t		expires_us = p[4] & 1 ? HS_NEVER : a.now_us + p[4];
	HsSetRule	rule = {.only = (HsSetOnly) (p[2] % 3),.keep_ttl = p[2] & 64,.expires_us = expires_us};
	HsExpireRule expire = {.xx = p[2] & 1,.gt = p[2] & 2};
	HsBytes		keys[3] = {key, other, key};
	HsBytes		values[3] = {value, key, hs_bytes(content, p[4])};
	HsBytes		tags[4];
	size_t		ntags = 0;
	uint64_t	deleted;
	uint8_t		digits[HS_INT_DIGITS];
	HsRate		rate;
	uint64_t	version;
	size_t		length;
	double		d;
	int64_t		n;
	bool		done;

	for (int i = 0; i < 4; i++)
	{
		if (p[0] & 0x10 << i)
			tags[ntags++] = hs_bytes(content, (size_t) i);
	}
	rule.tags = a.tags = tags;
	rule.ntags = a.ntags = ntags;
	switch (p[0] % 16)
	{
		case 0:
			return run_set(&a, key, value, 0, &rule, p[2] & 128, &done);
		case 1:
			value = hs_bytes(digits, hs_int_format((int64_t) ((uint64_t) p[3] << (p[4] & 63)), digits));
			return run_set(&a, key, value, HS_RF_TEXT, &rule, false, &done);
		case 2:
			return run_edit(&a, key, value, p[2] & 1, true, 0, &length);
		case 3:
			return run_edit(&a, key, value, p[2] & 1, false, (size_t) p[2] * p[4], &length);
		case 4:
			return run_incr(&a, key, (int64_t) ((uint64_t) p[3] << (p[4] & 63)), expires_us, &n);
		case 5:
			return run_incrbyfloat(&a, key, p[3] / 8.0, &d);
		case 6:
			return run_mset(&a, keys, values, p[2] & 3, expires_us, p[3] & 1, &done);
		case 7:
			return run_del(&a, key, &done);
		case 8:
			return run_expire(&a, key, &expire, expires_us - 100, &done);
		case 9:
			return run_move(&a, key, other, p[3] & 1, p[3] & 2, &done);
		case 10:
			return run_getdel(&a, key);
		case 11:
			return run_getex(&a, key, expires_us);
		case 12:
			return run_range(&a, key, (int64_t) p[3] - 128, (int64_t) p[4] - 128);
		case 13:
			return run_version(&a, key, &version);
		case 14:
			return run_rate(&a, (RateKind) (p[3] % 3), other, p[4], 1 + p[3], p[2], &rate);
		default:
			if (ntags > 0)
				return run_del_tags(&a, tags, ntags, &deleted);
			return run_del_if(&a, key, value, &done);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	setup();
	for (int i = 0; i < MAX_COMMANDS && size >= COMMAND; i++, data += COMMAND, size -= COMMAND)
	{
		HsStatus	status;

		a.now_us += data[5] & 7;
		b.now_us = a.now_us;
		status = command(data);
		MUST_SAY(status != HS_CORRUPT && status != HS_GONE && status != HS_LIMIT, "a status of a command");
		MUST_SAY(status == HS_OK || fx.size == 0, "no effects of what was not done");
		MUST_SAY(run_replay(&a, &second) == HS_OK, "effects apply");
	}
	MUST_SAY(run_equal(&a, &b), "effects make the same contents");
	MUST_SAY(hs_keyspace_verify(&first) == NULL, "a sound keyspace");
	MUST_SAY(hs_keyspace_verify(&second) == NULL, "a sound copy");
	return 0;
}
