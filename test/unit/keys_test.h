/*
 * keys_test.h
 *	  Plain keys for tests: whole commands made of the store's steps.
 */
#ifndef KEYS_TEST_H
#define KEYS_TEST_H

#include "big.h"
#include "store.h"

/* "key:<n>" in a buffer of the caller. */
#define KEYS_NAME_SIZE 24
extern HsBytes keys_name(char *buf, uint64_t n);

/*
 * 'size' bytes that follow from (seed, size): the longer half of a test's
 * checks.  keys_is_pattern() tells whether that is what stands there.
 */
extern void keys_pattern(uint8_t *buf, size_t size, uint64_t seed);
extern bool keys_is_pattern(HsBytes value, uint64_t seed);

/*
 * Give the key a string value of any size.  keys_set() makes room as long as
 * some is found; keys_set_once() takes the first answer.
 */
extern HsStatus keys_set(HsHandle *h, HsBytes key, HsBytes value, int64_t expires_us,
						 int64_t now_us);
/* A small value with one tag; the others leave a key without. */
extern HsStatus keys_set_tagged(HsHandle *h, HsBytes key, HsBytes value, HsBytes tag,
								int64_t expires_us, int64_t now_us);
typedef struct KeysNeed
{
	size_t		bytes;			/* for hs_make_room(), after HS_NO_MEMORY */
	uint64_t	hash;
} KeysNeed;

extern HsStatus keys_set_once(HsHandle *h, HsBytes key, HsBytes value, int64_t expires_us,
							  int64_t now_us, KeysNeed *need);

/* In place; false if there is no such key or it does not fit. */
extern bool keys_overwrite(HsHandle *h, HsBytes key, HsBytes value, int64_t expires_us,
						   int64_t now_us);

/*
 * Read a string value of any size into buf.  Every form of reading is tried and
 * must agree: keys_disagreement() is NULL or tells what did not.  Only for
 * keyspaces that nobody else is writing to.
 */
extern HsStatus keys_get(HsHandle *h, HsBytes key, int64_t now_us,
						 uint8_t *buf, size_t capacity, HsRead *out);
extern const char *keys_disagreement(void);

/* Without the comparison: what a command does, first lock-free, then pinned. */
extern HsStatus keys_read(HsHandle *h, HsBytes key, int64_t now_us,
						  uint8_t *buf, size_t capacity, HsRead *out);

/*
 * The numbers that n keys hold as of one instant, without a lock; 0 for those that hold none.
 * False if somebody was in the way.  'pause', unless NULL, is called after each number.
 */
extern bool keys_many(HsHandle *h, const HsBytes *keys, size_t n, int64_t now_us, int64_t *numbers,
					  void (*pause) (void));

/* True if there was such a key. */
extern bool keys_del(HsHandle *h, HsBytes key, int64_t now_us);
/* HS_NOT_FOUND or how it ended. */
extern HsStatus keys_expire(HsHandle *h, HsBytes key, int64_t expires_us, int64_t now_us);
extern HsStatus keys_version(HsHandle *h, HsBytes key, int64_t now_us, uint64_t *version);

extern uint64_t keys_count(HsHandle *h, int64_t now_us);
extern HsStats keys_stats(HsHandle *h);
/* Let the worker's routine run until there is nothing to do. */
extern void keys_work(HsHandle *h, int64_t now_us);

#endif							/* KEYS_TEST_H */
