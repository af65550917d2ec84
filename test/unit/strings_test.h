/*
 * strings_test.h
 *	  Commands on keys and strings as a caller runs them: prepare, begin, command,
 *	  end, make room, again.
 */
#ifndef STRINGS_TEST_H
#define STRINGS_TEST_H

#include "bits.h"
#include "dump.h"
#include "key.h"
#include "kvstring.h"
#include "rate.h"
#include "tag.h"

/* Who runs commands.  The last value read lies in 'got', its bytes in 'buf'. */
typedef struct Runner
{
	HsHandle   *h;
	int64_t		now_us;
	size_t		max_value;
	HsEffects  *effects;		/* or NULL */
	bool		no_room;		/* do not make room: HS_NO_MEMORY comes back at once */
	HsGot		got;
	HsType		found;			/* after HS_WRONG_TYPE */
	uint8_t    *buf;
	size_t		capacity;
	uint8_t    *scratch;
	const HsBytes *tags;		/* of keys set by run_mset() */
	size_t		ntags;
} Runner;

extern void run_open(Runner *r, HsHandle *h, int64_t now_us);
extern void run_close(Runner *r);

/* The value in 'got' as text; integers are formatted into r->buf. */
extern HsBytes run_text(Runner *r);

extern HsStatus run_get(Runner *r, HsBytes key);
extern HsStatus run_range(Runner *r, HsBytes key, int64_t start, int64_t stop);
extern HsStatus run_length(Runner *r, HsBytes key, size_t *size);
extern HsStatus run_set(Runner *r, HsBytes key, HsBytes value, uint16_t flags,
						const HsSetRule *rule, bool want_old, bool *done);
extern HsStatus run_getdel(Runner *r, HsBytes key);
extern HsStatus run_getex(Runner *r, HsBytes key, int64_t expires_us);
extern HsStatus run_del_if(Runner *r, HsBytes key, HsBytes expected, bool *done);
extern HsStatus run_edit(Runner *r, HsBytes key, HsBytes bytes, bool is_text,
						 bool append, size_t offset, size_t *size);
extern HsStatus run_incr(Runner *r, HsBytes key, int64_t by, int64_t expires_us, int64_t *result);
extern HsStatus run_incrbyfloat(Runner *r, HsBytes key, double by, double *result);
extern HsStatus run_version(Runner *r, HsBytes key, uint64_t *version);
extern HsStatus run_mset(Runner *r, const HsBytes *keys, const HsBytes *values, size_t n,
						 int64_t expires_us, bool only_absent, bool *done);
extern HsStatus run_del(Runner *r, HsBytes key, bool *done);
extern HsStatus run_expire(Runner *r, HsBytes key, const HsExpireRule *rule,
						   int64_t expires_us, bool *done);
extern HsStatus run_move(Runner *r, HsBytes from, HsBytes to, bool keep, bool replace, bool *done);
/* Delete keys by their tags; *deleted as of hs_tags_delete(). */
extern HsStatus run_del_tags(Runner *r, const HsBytes *tags, size_t n, uint64_t *deleted);
/* Names of the key's tags in 'out', whose buffer is large enough. */
extern HsStatus run_tags(Runner *r, HsBytes key, HsItems *out);
/* A dump in r->buf; its size in r->got.size. */
extern HsStatus run_dump(Runner *r, HsBytes key);
extern HsStatus run_restore(Runner *r, HsBytes key, HsBytes dump, bool replace,
							int64_t expires_us, bool *done);

/* All of them reads: under the shared lock. */
extern HsStatus run_fields(Runner *r, HsBytes key, HsField *fields, size_t n, int64_t expires_us);
/* keys[n] receives the result. */
extern HsStatus run_combine(Runner *r, HsBitsHow how, const HsBytes *keys, size_t n,
							int64_t expires_us, size_t *size);

typedef enum RateKind
{
	RATE_FIXED,
	RATE_SLIDING,
	RATE_BUCKET
} RateKind;

extern HsStatus run_rate(Runner *r, RateKind kind, HsBytes key, int64_t max,
						 int64_t period_us, int64_t cost, HsRate *out);

/* Apply r's effects to another keyspace and forget them. */
extern HsStatus run_replay(Runner *r, HsHandle *target);

/* Every key of both keyspaces has the same dump, expiry and tags; complains via test_fail(). */
extern bool run_equal(Runner *a, Runner *b);

#endif							/* STRINGS_TEST_H */
