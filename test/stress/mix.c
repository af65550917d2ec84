/*
 * mix.c
 *	  A mixed load on one region whose every value can be checked.
 *
 * Each value names its keyspace, key, writer's counter and expiry, and is
 * checksummed: a torn, foreign or expired value is noticed by whoever reads
 * it.  Each key has one writer, whose counter only grows: the writer must
 * read exactly what it wrote last, and nobody may read something older than
 * he read before.  Besides that
 *
 *	- money moves between accounts, two keys at a time: the sum over all is
 *	  the same in every audit;
 *	- counters are added to in place by all: at the end they hold the sum;
 *	- some keys stay throughout: every scan meets each exactly once;
 *	- members of sorted sets have one writer too, their order is checked;
 *	- so have fields of hashes, of which many expire on their own;
 *	- one keyspace is flushed, dropped and made anew again and again.
 *
 * The clock is shared and moved by the workers, so expiry is exact.
 */
#define _GNU_SOURCE
#include "mix.h"

#include <math.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dues.h"
#include "hash.h"
#include "heap_test.h"
#include "keys_test.h"
#include "port_test.h"
#include "tag.h"
#include "zset.h"

#define MB				((uint64_t) 1 << 20)
#define KEYS			2500	/* of each worker, in each keyspace */
#define HOT_KEYS		16
#define BIG_KEYS		4		/* of them, these hold large values at times */
#define MAX_VALUE		((size_t) 420 << 10)
#define ACCOUNTS		48
#define START_MONEY		1000
#define COUNTERS		6
#define STAYING			1500
#define SETS			5
#define MEMBERS			400		/* of each worker, in each sorted set */

#define HASHES			4
#define FIELDS			300		/* of each worker, in each hash */

#define NAME_ACCOUNT	UINT64_C(10000000)
#define NAME_COUNTER	UINT64_C(20000000)
#define NAME_STAYING	UINT64_C(30000000)
#define NAME_SET		UINT64_C(40000000)
#define NAME_HASH		UINT64_C(50000000)

enum
{
	PLAIN,						/* no eviction, memory to spare: nothing may be missing */
	TIGHT,						/* no eviction, too small: writes are refused */
	CACHE,						/* s3fifo */
	TTL,						/* keys that expire may be evicted */
	RENEWED,					/* flushed, dropped and created */
	NKEYSPACES = MIX_KEYSPACES
};

static const HsKeyspaceOptions options[NKEYSPACES] = {
	{40 * MB, 0, HS_EVICT_NONE},
	{4 * MB, 0, HS_EVICT_NONE},
	{6 * MB, 0, HS_EVICT_S3FIFO},
	{6 * MB, 0, HS_EVICT_TTL},
	{12 * MB, 0, HS_EVICT_NONE},
};

typedef struct ValueHead
{
	uint32_t	keyspace;
	uint32_t	size;			/* of all, this head included */
	uint64_t	key;
	uint64_t	counter;
	int64_t		expires_us;
	uint64_t	check;
} ValueHead;

/* What the writer of a key knows about it. */
typedef struct OwnKey
{
	bool		present;
	uint32_t	size;
	uint64_t	counter;		/* of the last value written */
	int64_t		expires_us;
	bool		tagged;
} OwnKey;

/* What a worker learned about any key. */
typedef struct Seen
{
	uint64_t	lowest;			/* counter that may be read now */
	bool		gone;			/* not found since: what comes next is newer */
} Seen;

typedef struct Worker
{
	MixControl *control;
	unsigned	id;
	uint64_t	random;
	HsHandle	ks[NKEYSPACES];
	OwnKey		own[NKEYSPACES][KEYS];
	Seen	   *seen[NKEYSPACES];	/* by key number */
	double		score[SETS][MEMBERS];	/* in PLAIN; NaN: not a member */
	uint64_t	set_seen[SETS];
	OwnKey		field[HASHES][FIELDS];	/* in PLAIN */
	HsCursor	scan;
	uint8_t		met[STAYING];
	uint8_t    *buf;
	uint8_t    *value;
	bool		money_seen;
} Worker;

/*
 * ---- Small things --------------------------------------------------------------
 */

static void
fail(MixControl *c, const char *format,...)
{
	va_list		args;

	atomic_fetch_add(&c->failures, 1);
	if (!atomic_exchange(&c->has_message, true))
	{
		va_start(args, format);
		vsnprintf(c->message, sizeof(c->message), format, args);
		va_end(args);
	}
	atomic_store(&c->stop, true);
}

static uint64_t
next_random(Worker *w)
{
	uint64_t	z = (w->random += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t
below(Worker *w, uint64_t n)
{
	return next_random(w) % n;
}

/* The time; it passes while commands run. */
static int64_t
now_of(Worker *w)
{
	return atomic_fetch_add(&w->control->clock, (int64_t) below(w, 12));
}

/* After HS_GONE: the keyspace was dropped, make it anew. */
static void
reopen(MixControl *c, HsHandle *h, unsigned k)
{
	hs_stats_flush(h);
	if (hs_keyspace_open(HEAP_DB, k, &options[k], h) != HS_OK)
		fail(c, "cannot open keyspace %u", k);
}

static uint64_t
head_check(const ValueHead *v)
{
	uint64_t	z = v->key * UINT64_C(0x9e3779b97f4a7c15) + v->counter * 31 +
		(uint64_t) v->expires_us * 7 + ((uint64_t) v->keyspace << 40) + v->size;

	z = (z ^ (z >> 29)) * UINT64_C(0xbf58476d1ce4e5b9);
	return z ^ (z >> 32);
}

static size_t
make_value(uint8_t *buf, unsigned k, uint64_t key, uint64_t counter, int64_t expires_us, size_t size)
{
	ValueHead	head = {k, (uint32_t) size, key, counter, expires_us, 0};

	head.check = head_check(&head);
	memcpy(buf, &head, sizeof(head));
	keys_pattern(buf + sizeof(head), size - sizeof(head), key * 1000003 + counter);
	return size;
}

/* NULL, or what is wrong with this value of this key read at 'now'. */
static const char *
value_complaint(const uint8_t *buf, size_t size, unsigned k, uint64_t key, int64_t now_us)
{
	ValueHead	head;

	if (size < sizeof(head))
		return "value too short";
	memcpy(&head, buf, sizeof(head));
	if (head.check != head_check(&head))
		return "torn head";
	if (head.size != size)
		return "wrong size";
	if (head.keyspace != k)
		return "value of another keyspace";
	if (head.key != key)
		return "value of another key";
	if (head.expires_us <= now_us && key % 8 != 7)	/* those have their expiry changed */
		return "expired value";
	if (!keys_is_pattern(hs_bytes(buf + sizeof(head), size - sizeof(head)),
						 key * 1000003 + head.counter))
		return "torn value";
	return NULL;
}

/* Key numbers: the owner is the remainder. */
static uint64_t
key_number(const Worker *w, unsigned owner, uint64_t i)
{
	return i * w->control->nworkers + owner;
}

static uint64_t
random_index(Worker *w)
{
	return below(w, below(w, 2) == 0 ? HOT_KEYS : KEYS);
}

/*
 * ---- Reading ---------------------------------------------------------------
 */

/* The writer of a key knows what must be there. */
static void
check_own(Worker *w, unsigned k, uint64_t i, HsStatus status, uint64_t counter, int64_t now_us)
{
	OwnKey	   *own = &w->own[k][i];
	bool		alive = own->present && own->expires_us > now_us;
	/* for others it may be later already */
	bool		may_vanish = k == CACHE || k == RENEWED ||
		(k == TTL && own->expires_us != HS_NEVER) ||
		own->expires_us <= atomic_load(&w->control->clock);

	if (status == HS_OK && !alive)
		fail(w->control, "keyspace %u key %llu: found, but it was removed or has expired", k,
			 (unsigned long long) key_number(w, w->id, i));
	else if (status == HS_OK && counter != own->counter)
		fail(w->control, "keyspace %u key %llu: counter %llu, wrote %llu", k,
			 (unsigned long long) key_number(w, w->id, i),
			 (unsigned long long) counter, (unsigned long long) own->counter);
	else if (status == HS_NOT_FOUND && alive && !may_vanish)
		fail(w->control, "keyspace %u key %llu: missing", k,
			 (unsigned long long) key_number(w, w->id, i));
	if (status == HS_NOT_FOUND)
		own->present = false;
}

static void
do_read(Worker *w, unsigned k)
{
	unsigned	owner = (unsigned) below(w, w->control->nworkers);
	uint64_t	i = random_index(w);
	uint64_t	key = key_number(w, owner, i);
	Seen	   *seen = &w->seen[k][key];
	char		name[KEYS_NAME_SIZE];
	int64_t		now_us = now_of(w);
	uint64_t	counter = 0;
	HsRead		read;
	HsStatus	status = keys_read(&w->ks[k], keys_name(name, key), now_us, w->buf, MAX_VALUE, &read);

	if (status == HS_GONE)
	{
		reopen(w->control, &w->ks[k], k);
		return;
	}
	if (status == HS_BUFFER_TOO_SMALL)
		return;					/* grew between two looks */
	if (status != HS_OK && status != HS_NOT_FOUND)
	{
		fail(w->control, "read ended with status %d", (int) status);
		return;
	}
	if (status == HS_OK)
	{
		const char *complaint = value_complaint(w->buf, read.size, k, key, now_us);

		if (complaint == NULL && read.expires_us <= now_us)
			complaint = "expired record";
		if (complaint != NULL)
		{
			fail(w->control, "keyspace %u key %llu: %s", k, (unsigned long long) key, complaint);
			return;
		}
		counter = ((ValueHead *) w->buf)->counter;
		if (counter < seen->lowest)
			fail(w->control, "keyspace %u key %llu: counter %llu, expected %llu at least", k,
				 (unsigned long long) key, (unsigned long long) counter,
				 (unsigned long long) seen->lowest);
		*seen = (Seen) {counter, false};
	}
	if (owner == w->id)
		check_own(w, k, i, status, counter, now_us);
	else if (status == HS_NOT_FOUND && !seen->gone)
		*seen = (Seen) {seen->lowest + 1, true};
}

/* A key that stays must always be found. */
static void
do_read_staying(Worker *w)
{
	char		name[KEYS_NAME_SIZE];
	uint64_t	n = below(w, STAYING);
	uint64_t	value = 0;
	HsRead		read;
	HsStatus	status = hs_read(&w->ks[PLAIN], keys_name(name, NAME_STAYING + n), now_of(w),
								 &value, sizeof(value), &read);

	if (status != HS_OK || value != n * n)
		fail(w->control, "staying key %llu: status %d, value %llu", (unsigned long long) n, (int) status,
			 (unsigned long long) value);
}

/*
 * ---- Writing ----------------------------------------------------------------
 */

static void
do_set(Worker *w, unsigned k, bool big)
{
	uint64_t	i = big ? below(w, BIG_KEYS) : random_index(w);
	uint64_t	key = key_number(w, w->id, i);
	OwnKey	   *own = &w->own[k][i];
	size_t		size = sizeof(ValueHead) +
		(big ? 20000 + below(w, MAX_VALUE - 30000) : below(w, below(w, 8) == 0 ? 4000 : 300));
	int64_t		now_us = now_of(w);
	int64_t		expires_us = below(w, 3) == 0 ? now_us + 1 + (int64_t) below(w, 100000) : HS_NEVER;
	char		name[KEYS_NAME_SIZE];
	bool		tagged;
	HsStatus	status;

	if (!big && below(w, 4) == 0 && own->size >= sizeof(ValueHead))
		size = own->size;		/* often fits where the old value stands */
	tagged = size <= hs_big_threshold() && below(w, 4) == 0;
	make_value(w->value, k, key, own->counter + 1, expires_us, size);
	if (tagged)
		status = keys_set_tagged(&w->ks[k], keys_name(name, key), hs_bytes(w->value, size),
								 hs_bytes(&w->id, sizeof(w->id)), expires_us, now_us);
	else if (!big && keys_overwrite(&w->ks[k], keys_name(name, key), hs_bytes(w->value, size),
							   expires_us, now_us))
		status = HS_OK;
	else
		status = keys_set(&w->ks[k], keys_name(name, key), hs_bytes(w->value, size),
						  expires_us, now_us);
	if (status == HS_OK)
	{
		own->present = true;
		own->counter++;
		own->size = (uint32_t) size;
		own->expires_us = expires_us;
		own->tagged = tagged;
	}
	else if (status == HS_NO_MEMORY)
		atomic_fetch_add(&w->control->refused[k], 1);
	else if (status == HS_GONE)
		reopen(w->control, &w->ks[k], k);
	else
		fail(w->control, "set ended with status %d", (int) status);
}

/* The tag of a worker is its number: all its keys that have it go at once. */
static void
do_delete_tag(Worker *w, unsigned k)
{
	HsBytes		tag = hs_bytes(&w->id, sizeof(w->id));
	uint64_t	most = 0;
	uint64_t	deleted;
	HsMulti		m;

	if (hs_multi_begin(&m, &w->ks[k], NULL, 0, HS_EXCLUSIVE, now_of(w)) != HS_OK)
		return;
	(void) hs_tags_delete(&m, &tag, 1, &deleted);
	hs_multi_end(&m);
	for (uint64_t i = 0; i < KEYS; i++)
	{
		OwnKey	   *own = &w->own[k][i];

		most += own->tagged;
		if (own->tagged)
			own->present = own->tagged = false;
	}
	if (deleted > most)
		fail(w->control, "a tag had %llu keys of %llu", (unsigned long long) deleted, (unsigned long long) most);
}

static void
do_delete(Worker *w, unsigned k)
{
	uint64_t	i = random_index(w);
	char		name[KEYS_NAME_SIZE];

	keys_del(&w->ks[k], keys_name(name, key_number(w, w->id, i)), now_of(w));
	w->own[k][i].present = false;
}

static void
do_expire(Worker *w, unsigned k)
{
	uint64_t	i = random_index(w);
	uint64_t	key = key_number(w, w->id, i);
	OwnKey	   *own = &w->own[k][i];
	int64_t		now_us = now_of(w);
	int64_t		expires_us = below(w, 3) == 0 ? HS_NEVER : now_us + 1 + (int64_t) below(w, 50000);
	char		name[KEYS_NAME_SIZE];
	HsStatus	status;

	if (key % 8 != 7)
		return;
	status = keys_expire(&w->ks[k], keys_name(name, key), expires_us, now_us);
	if (status == HS_OK)
	{
		if (!own->present || own->expires_us <= now_us)
			fail(w->control, "expiry set on a key that is gone");
		own->expires_us = expires_us;
	}
	else if (status == HS_NOT_FOUND)
		check_own(w, k, i, HS_NOT_FOUND, 0, now_us);
}

/* Add to a counter in place, under its lock. */
static void
do_counter(Worker *w)
{
	char		name[KEYS_NAME_SIZE];
	HsBytes		key = keys_name(name, NAME_COUNTER + below(w, COUNTERS));
	int64_t		value;
	HsRecord   *record;
	HsOp		op;

	if (hs_op_begin(&op, &w->ks[PLAIN], key, HS_EXCLUSIVE, now_of(w)) != HS_OK)
	{
		fail(w->control, "cannot begin on a counter");
		return;
	}
	record = hs_find(&op);
	if (record == NULL)
		fail(w->control, "counter is missing");
	else
	{
		memcpy(&value, hs_value(record).data, 8);
		value++;
		hs_poke(&op, record, 0, &value, 8);
	}
	hs_op_end(&op);
	atomic_fetch_add(&w->control->counter_adds, 1);
}

static void
do_transfer(Worker *w)
{
	char		name[2][KEYS_NAME_SIZE];
	HsBytes		keys[2];
	int64_t		amount = (int64_t) below(w, 50);
	HsMulti		m;
	HsOp		op;

	for (int i = 0; i < 2; i++)
		keys[i] = keys_name(name[i], NAME_ACCOUNT + below(w, ACCOUNTS));
	if (hs_multi_begin(&m, &w->ks[PLAIN], keys, 2, HS_EXCLUSIVE, now_of(w)) != HS_OK)
	{
		fail(w->control, "cannot begin a transfer");
		return;
	}
	hs_multi_close(&m);
	for (int i = 0; i < 2; i++)
	{
		HsRecord   *record;
		int64_t		money;

		if (hs_multi_op(&m, keys[i], &op) != HS_OK || (record = hs_find(&op)) == NULL)
		{
			fail(w->control, "account is missing");
			break;
		}
		memcpy(&money, hs_value(record).data, 8);
		money += i == 0 ? -amount : amount;
		hs_poke(&op, record, 0, &money, 8);
	}
	hs_multi_end(&m);
}

/* Sum of all accounts without a lock; the sum that it is to be if somebody was in the way. */
static int64_t
sum_without_lock(HsHandle *h, int64_t now_us)
{
	static _Thread_local char names[ACCOUNTS][KEYS_NAME_SIZE];
	HsBytes		keys[ACCOUNTS];
	int64_t		money[ACCOUNTS];
	int64_t		sum = 0;

	for (uint64_t i = 0; i < ACCOUNTS; i++)
		keys[i] = keys_name(names[i], NAME_ACCOUNT + i);
	if (!keys_many(h, keys, ACCOUNTS, now_us, money, NULL))
		return (int64_t) ACCOUNTS * START_MONEY;
	for (int i = 0; i < ACCOUNTS; i++)
		sum += money[i];
	return sum;
}

/* Sum of all accounts under shared locks of all of them. */
static int64_t
sum_of_accounts(HsHandle *h, int64_t now_us, int *missing)
{
	static _Thread_local char names[ACCOUNTS][KEYS_NAME_SIZE];
	HsBytes		keys[ACCOUNTS];
	int64_t		sum = 0;
	HsMulti		m;
	HsOp		op;

	*missing = 0;
	for (uint64_t i = 0; i < ACCOUNTS; i++)
		keys[i] = keys_name(names[i], NAME_ACCOUNT + i);
	if (hs_multi_begin(&m, h, keys, ACCOUNTS, HS_SHARED, now_us) != HS_OK)
	{
		*missing = ACCOUNTS;
		return 0;
	}
	for (int i = 0; i < ACCOUNTS; i++)
	{
		HsRecord   *record = hs_multi_op(&m, keys[i], &op) == HS_OK ? hs_find(&op) : NULL;
		int64_t		money = 0;

		if (record == NULL)
			(*missing)++;
		else
			memcpy(&money, hs_value(record).data, 8);
		sum += money;
	}
	hs_multi_end(&m);
	return sum;
}

static void
do_audit(Worker *w)
{
	int			missing;
	int64_t		sum = sum_of_accounts(&w->ks[PLAIN], now_of(w), &missing);

	if (missing > 0 || sum != (int64_t) ACCOUNTS * START_MONEY)
		fail(w->control, "audit: %d accounts missing, sum %lld", missing, (long long) sum);
	for (int i = 0; i < 10; i++)
	{
		sum = sum_without_lock(&w->ks[PLAIN], now_of(w));
		if (sum != (int64_t) ACCOUNTS * START_MONEY)
			fail(w->control, "audit without a lock: sum %lld", (long long) sum);
	}
}

/*
 * ---- Walking -------------------------------------------------------------------
 */

static bool
scan_visit(void *arg, HsOp *op, HsRecord *record)
{
	Worker	   *w = arg;
	HsRecordView v;
	char		name[32];
	unsigned long long n;

	if (op == NULL)
		return true;			/* a bucket begins */
	hs_record_view(record, &v);
	if (v.key_size >= sizeof(name) || v.expires_us <= hs_op_now(op))
	{
		fail(w->control, "scan: strange or expired key");
		return true;
	}
	memcpy(name, v.key, v.key_size);
	name[v.key_size] = '\0';
	if (sscanf(name, "key:%llu", &n) != 1)
		fail(w->control, "scan: key \"%s\"", name);
	else if (n >= NAME_STAYING && n < NAME_STAYING + STAYING)
	{
		if (w->met[n - NAME_STAYING]++ > 0)
			fail(w->control, "scan: a key that stays was met twice");
	}
	else if (n < NAME_ACCOUNT && !(v.flags & HS_RF_BIG))
	{
		const char *complaint = value_complaint(v.value, v.value_size, PLAIN, n, hs_op_now(op));

		if (complaint != NULL)
			fail(w->control, "scan: key %llu: %s", n, complaint);
	}
	return true;
}

static void
do_scan(Worker *w)
{
	if (hs_scan(&w->ks[PLAIN], &w->scan, 50, now_of(w), scan_visit, w) != HS_OK)
		fail(w->control, "scan failed");
	if (!w->scan.done)
		return;
	for (unsigned i = 0; i < STAYING; i++)
		if (w->met[i] != 1 && !atomic_load(&w->control->stop))
		{
			fail(w->control, "scan: key %u that stays was met %d times", i, w->met[i]);
			break;
		}
	memset(w->met, 0, sizeof(w->met));
	memset(&w->scan, 0, sizeof(w->scan));
}

static void
do_count(Worker *w)
{
	if (keys_count(&w->ks[PLAIN], now_of(w)) < STAYING + ACCOUNTS + COUNTERS)
		fail(w->control, "count: too few keys");
}

/*
 * ---- Sorted sets -----------------------------------------------------------------
 * In PLAIN a member is its writer's, which knows its score; a set of CACHE may
 * vanish.
 */

static HsBytes
member_name(char *buf, unsigned owner, uint64_t i)
{
	int			size = snprintf(buf, KEYS_NAME_SIZE, "%u/%llu", owner, (unsigned long long) i);

	return hs_bytes(buf, (size_t) size);
}

static HsBytes
set_name(char *buf, uint64_t s)
{
	return keys_name(buf, NAME_SET + s);
}

static void
do_zset_write(Worker *w, unsigned k)
{
	uint64_t	s = below(w, SETS);
	uint64_t	i = below(w, below(w, 3) == 0 ? MEMBERS : 10);
	char		key_buf[KEYS_NAME_SIZE],
				member_buf[KEYS_NAME_SIZE];
	HsBytes		key = set_name(key_buf, s),
				member = member_name(member_buf, w->id, i);
	double		score = (double) below(w, 1000);
	bool		remove = below(w, 4) == 0;
	int64_t		now_us = now_of(w);
	uint64_t	removed = 0;
	HsZsetAdded added;
	HsStatus	status;
	HsOp		op;
	uint64_t	hash = 0;

	do
	{
		status = hs_op_begin(&op, &w->ks[k], key, HS_EXCLUSIVE, now_us);
		if (status != HS_OK)
			break;
		hash = op.hash;
		if (remove)
			status = hs_zset_remove(&op, &member, 1, &removed);
		else
			status = hs_zset_add(&op, member, score, 0, HS_NEVER, &added);
		hs_op_end(&op);
	} while (status == HS_NO_MEMORY && hs_make_room(&w->ks[k], hash, op.need, now_us));
	if (status == HS_NO_MEMORY)
		atomic_fetch_add(&w->control->refused[k], 1);
	else if (status == HS_GONE)
		reopen(w->control, &w->ks[k], k);
	else if (status != HS_OK)
		fail(w->control, "zset write ended with status %d", (int) status);
	else if (k == PLAIN)
	{
		bool		was = w->score[s][i] == w->score[s][i];

		if (remove ? removed != was : added.added != !was)
			fail(w->control, "zset %llu: member added or removed twice", (unsigned long long) s);
		w->score[s][i] = remove ? (double) NAN : score;
	}
}

/* One member by name and rank, and a stretch around it in order. */
static void
do_zset_read(Worker *w, unsigned k)
{
	uint64_t	s = below(w, SETS);
	uint64_t	i = below(w, MEMBERS);
	char		key_buf[KEYS_NAME_SIZE],
				member_buf[KEYS_NAME_SIZE];
	HsZsetRange range = {.by = HS_ZSET_BY_RANK,.limit = 100};
	HsZsetCursor cursor;
	HsZsetBatch batch = {0};
	double		score = 0,
				ranked_score = 0,
				last = -INFINITY;
	uint64_t	rank = 0,
				card = 0;
	size_t		pos = 0;
	HsStatus	status;
	HsOp		op;

	status = hs_op_begin(&op, &w->ks[k], set_name(key_buf, s), HS_SHARED, now_of(w));
	if (status == HS_GONE)
		reopen(w->control, &w->ks[k], k);
	if (status != HS_OK)
		return;
	status = hs_zset_score(&op, member_name(member_buf, w->id, i), &score);
	if (status == HS_OK &&
		(hs_zset_rank(&op, member_name(member_buf, w->id, i), false, &rank, &ranked_score) != HS_OK ||
		 ranked_score != score))
		fail(w->control, "zset: rank and score differ");
	hs_zset_card(&op, &card);
	range.start = (int64_t) rank;
	range.stop = (int64_t) rank + 50;
	hs_zset_cursor_init(&cursor, &range);
	if (hs_zset_read(&op, &cursor, w->buf, MAX_VALUE, &batch) != HS_OK)
		fail(w->control, "zset: range failed");
	hs_op_end(&op);
	if (status == HS_OK && (batch.n == 0 || rank >= card))
		fail(w->control, "zset: nothing at the rank of a member");
	for (uint32_t n = 0; n < batch.n; n++)
	{
		HsZsetMember m = hs_zset_batch_next(w->buf, &pos);

		if (m.score < last || (n == 0 && status == HS_OK && m.score != score))
			fail(w->control, "zset: out of order");
		last = m.score;
	}
	if (k == PLAIN)
	{
		double		want = w->score[s][i];

		if (status == HS_OK ? want != score : want == want)
			fail(w->control, "zset %llu: member %llu has score %g, wrote %g, status %d",
				 (unsigned long long) s, (unsigned long long) i, score, want, (int) status);
	}
}

/* A whole set goes, large or not. */
static void
do_zset_delete(Worker *w)
{
	unsigned	k = below(w, 2) == 0 ? CACHE : RENEWED;
	char		name[KEYS_NAME_SIZE];

	keys_del(&w->ks[k], set_name(name, below(w, SETS)), now_of(w));
}

/*
 * ---- Hashes ------------------------------------------------------------------------
 * In PLAIN a field is its writer's, which knows its value and when it expires.
 */

/* Bytes that tell field, counter and size. */
static HsBytes
field_value(Worker *w, uint64_t i, const OwnKey *own)
{
	uint64_t	head[2] = {w->id * UINT64_C(1000) + i, own->counter};

	memset(w->value, (int) (own->counter & 0xff), own->size);
	memcpy(w->value, head, own->size < sizeof(head) ? own->size : sizeof(head));
	return hs_bytes(w->value, own->size);
}

static HsStatus
hash_begin(Worker *w, HsBytes key, HsLockMode mode, int64_t now_us, HsOp *op)
{
	HsStatus	status = hs_op_begin(op, &w->ks[PLAIN], key, mode, now_us);

	while (status == HS_DUE)
	{
		while (hs_dues_purge(&w->ks[PLAIN], w->ks[PLAIN].due_hash, now_us))
			;
		status = hs_op_begin(op, &w->ks[PLAIN], key, mode, now_us);
	}
	return status;
}

/* What has expired must be gone; what has not must be there, or expire before the next look. */
static void
field_check(Worker *w, HsOp *op, HsBytes name, uint64_t i, const OwnKey *own, int64_t now_us)
{
	HsItems		items = {.buf = w->buf,.capacity = MAX_VALUE};
	HsStatus	status = hs_hash_get(op, name, &items);
	size_t		pos = 0;
	HsBytes		value;

	if (status == HS_NOT_FOUND)
	{
		if (own->present && own->expires_us > now_of(w))
			fail(w->control, "field %s is lost", (const char *) name.data);
		return;
	}
	if (status != HS_OK || !own->present || own->expires_us <= now_us)
		fail(w->control, "field %s is there, status %d", (const char *) name.data, (int) status);
	else if (!hs_items_next(&items, &pos, &value) || hs_bytes_cmp(value, field_value(w, i, own)) != 0)
		fail(w->control, "field %s has another value", (const char *) name.data);
}

static void
do_hash(Worker *w)
{
	uint64_t	s = below(w, HASHES);
	uint64_t	i = below(w, FIELDS);
	OwnKey	   *own = &w->field[s][i];
	bool		writes = below(w, 2) == 0;
	char		key_buf[KEYS_NAME_SIZE],
				name_buf[KEYS_NAME_SIZE];
	HsBytes		key = keys_name(key_buf, NAME_HASH + s);
	HsBytes		name = member_name(name_buf, w->id, i);
	int64_t		now_us = now_of(w);
	uint64_t	n = 0;
	HsDueResult result;
	HsStatus	status;
	HsOp		op;

	status = hash_begin(w, key, writes ? HS_EXCLUSIVE : HS_SHARED, now_us, &op);
	if (status != HS_OK)
	{
		fail(w->control, "hash: status %d", (int) status);
		return;
	}
	field_check(w, &op, name, i, own, now_us);
	if (writes && below(w, 4) == 0)
	{
		status = hs_hash_remove(&op, &name, 1, &n);
		own->present = false;
	}
	else if (writes)
	{
		uint32_t	size = (uint32_t) below(w, below(w, 10) == 0 ? 9000 : 60);
		OwnKey		next = {true, size, own->counter + 1, HS_NEVER, false};
		HsHashField f = {name, field_value(w, i, &next)};

		status = hs_hash_set(&op, &f, 1, false, HS_NEVER, &n);
		if (status == HS_OK)
			*own = next;
	}
	if (writes && status == HS_OK && own->present && below(w, 2) == 0)
	{
		int64_t		expires_us = now_us + 1 + (int64_t) below(w, 200000);

		status = hs_dues_set(&op, HS_HASH, &name, 1, expires_us, 0, &result);
		if (status == HS_OK && result == HS_DUE_SET)
			own->expires_us = expires_us;
		else if (status == HS_OK)
			fail(w->control, "field %s: no expiry, %d", name_buf, (int) result);
	}
	hs_op_end(&op);
	if (status == HS_NO_MEMORY)
		atomic_fetch_add(&w->control->refused[PLAIN], 1);
	else if (status != HS_OK)
		fail(w->control, "hash write ended with status %d", (int) status);
}

/*
 * ---- Keyspaces -------------------------------------------------------------------
 */

static void
do_flush(Worker *w)
{
	uint64_t	removed;

	if (hs_keyspace_flush(&w->ks[RENEWED], now_of(w), &removed) == HS_GONE)
		reopen(w->control, &w->ks[RENEWED], RENEWED);
}

static void
do_drop(Worker *w)
{
	hs_stats_flush(&w->ks[RENEWED]);
	hs_keyspace_drop(HEAP_DB, RENEWED);
	if (below(w, 2) == 0)
		sched_yield();
	reopen(w->control, &w->ks[RENEWED], RENEWED);
}

static void
do_stats(Worker *w)
{
	unsigned	k = (unsigned) below(w, NKEYSPACES);
	HsStats		s;
	HsStatus	status;

	hs_stats_flush(&w->ks[k]);
	status = hs_stats(&w->ks[k], &s);
	if (status == HS_OK && s.bytes > s.limit)
		fail(w->control, "keyspace %u: %llu bytes, above its limit", k, (unsigned long long) s.bytes);
	else if (status == HS_GONE)
		reopen(w->control, &w->ks[k], k);
}

/*
 * ---- The run ----------------------------------------------------------------
 */

static MixOp
do_something(Worker *w)
{
	uint64_t	what = below(w, 10000);
	unsigned	k = (unsigned) below(w, NKEYSPACES);

	if (what < 5000)
		return do_read(w, k), MIX_READ;
	if (what < 5500)
		return do_read_staying(w), MIX_READ;
	if (what < 7600)
		return do_set(w, k, false), MIX_SET;
	if (what < 7630)
		return do_set(w, k, true), MIX_SET_BIG;
	if (what < 8100)
		return do_delete(w, k), MIX_DELETE;
	if (what < 8400)
		return do_expire(w, k), MIX_EXPIRE;
	if (what < 8800)
		return do_counter(w), MIX_COUNTER;
	if (what < 9000)
		return do_transfer(w), MIX_TRANSFER;
	if (what < 9020)
		return do_audit(w), MIX_AUDIT;
	if (what < 9100)
		return do_scan(w), MIX_SCAN;
	if (what < 9103)
		return do_count(w), MIX_COUNT;
	if (what < 9300)
		return do_hash(w), MIX_HASH;
	if (what < 9600)
		return do_zset_write(w, k == CACHE || k == RENEWED ? k : PLAIN), MIX_ZSET_WRITE;
	if (what < 9970)
		return do_zset_read(w, k == CACHE || k == RENEWED ? k : PLAIN), MIX_ZSET_READ;
	if (what < 9978)
		return do_zset_delete(w), MIX_ZSET_DELETE;
	if (what < 9980)
		return do_delete_tag(w, k), MIX_DELETE;
	if (what < 9982)
		return do_flush(w), MIX_FLUSH;
	if (what < 9983)
		return do_drop(w), MIX_DROP;
	return do_stats(w), MIX_STATS;
}

static void
put_number(HsHandle *h, uint64_t name, uint64_t value)
{
	char		buf[KEYS_NAME_SIZE];

	if (keys_set(h, keys_name(buf, name), hs_bytes(&value, 8), HS_NEVER, HEAP_NOW) != HS_OK)
	{
		fprintf(stderr, "mix_prepare: no room\n");
		exit(2);
	}
}

void
mix_prepare(MixControl *c)
{
	HsHandle	h;

	atomic_store(&c->clock, HEAP_NOW);
	atomic_store(&c->workers_left, c->nworkers);
	for (unsigned k = 0; k < NKEYSPACES; k++)
		heap_keyspace(&h, k, options[k].eviction, options[k].memory);
	heap_keyspace(&h, PLAIN, options[PLAIN].eviction, options[PLAIN].memory);
	for (uint64_t i = 0; i < ACCOUNTS; i++)
		put_number(&h, NAME_ACCOUNT + i, START_MONEY);
	for (uint64_t i = 0; i < COUNTERS; i++)
		put_number(&h, NAME_COUNTER + i, 0);
	for (uint64_t i = 0; i < STAYING; i++)
		put_number(&h, NAME_STAYING + i, i * i);
	hs_stats_flush(&h);
}

static Worker *
worker_new(MixControl *c, unsigned id)
{
	Worker	   *w = calloc(1, sizeof(*w));

	if (w == NULL)
		abort();
	w->control = c;
	w->id = id;
	w->random = c->seed * 1000 + id;
	w->buf = malloc(MAX_VALUE);
	w->value = malloc(MAX_VALUE);
	for (unsigned k = 0; k < NKEYSPACES; k++)
	{
		w->seen[k] = calloc((size_t) KEYS * c->nworkers, sizeof(Seen));
		if (hs_keyspace_open(HEAP_DB, k, &options[k], &w->ks[k]) != HS_OK)
			fail(c, "cannot open keyspace %u", k);
	}
	for (int s = 0; s < SETS; s++)
		for (int i = 0; i < MEMBERS; i++)
			w->score[s][i] = (double) NAN;
	return w;
}

static void
worker_free(Worker *w)
{
	for (unsigned k = 0; k < NKEYSPACES; k++)
	{
		hs_stats_flush(&w->ks[k]);
		free(w->seen[k]);
	}
	free(w->buf);
	free(w->value);
	free(w);
}

void
mix_work(MixControl *c, unsigned id)
{
	Worker	   *w = worker_new(c, id);

	while (!atomic_load_explicit(&c->stop, memory_order_relaxed))
	{
		MixOp		op = do_something(w);

		atomic_fetch_add_explicit(&c->ops[id][op], 1, memory_order_relaxed);
		if (port_locks_held() != 0)
		{
			fail(c, "a lock is still held after operation %d", (int) op);
			break;
		}
	}
	worker_free(w);
	atomic_fetch_sub(&c->workers_left, 1);
}

void
mix_housekeep(MixControl *c)
{
	HsHandle	h;
	uint32_t	db,
				server;
	bool		used;

	while (atomic_load(&c->workers_left) > 0)
	{
		for (uint32_t slot = 0; hs_keyspace_slot(slot, &used, &db, &server, &h); slot++)
		{
			if (!used)
				continue;
			for (uint32_t part = 0; part < h.nparts; part++)
				for (int i = 0; i < 20 && hs_work(&h, part, atomic_load(&c->clock)); i++)
					atomic_fetch_add(&c->work_slices, 1);
		}
		usleep(500);
	}
}

void
mix_finish(MixControl *c)
{
	int64_t		now_us = atomic_load(&c->clock);
	char		name[KEYS_NAME_SIZE];
	const char *complaint;
	uint64_t	sum = 0;
	int			missing;
	HsHandle	h;
	HsStats		s;

	for (unsigned k = 0; k < NKEYSPACES; k++)
	{
		hs_keyspace_open(HEAP_DB, k, &options[k], &h);
		if ((complaint = hs_keyspace_verify(&h)) != NULL)
			fail(c, "keyspace %u: %s", k, complaint);
		keys_work(&h, now_us);
		s = keys_stats(&h);
		if (keys_count(&h, now_us) > s.keys)
			fail(c, "keyspace %u: more keys counted than there are", k);
		if ((complaint = hs_keyspace_verify(&h)) != NULL)
			fail(c, "keyspace %u after housekeeping: %s", k, complaint);
	}
	if ((complaint = hs_region_verify()) != NULL)
		fail(c, "region: %s", complaint);

	hs_keyspace_open(HEAP_DB, PLAIN, &options[PLAIN], &h);
	if (sum_of_accounts(&h, now_us, &missing) != (int64_t) ACCOUNTS * START_MONEY || missing > 0)
		fail(c, "money is missing at the end");
	for (uint64_t i = 0; i < COUNTERS; i++)
	{
		uint64_t	value = 0;
		HsRead		read;

		hs_read(&h, keys_name(name, NAME_COUNTER + i), now_us, &value, 8, &read);
		sum += value;
	}
	if (sum != atomic_load(&c->counter_adds))
		fail(c, "counters hold %llu, added %llu", (unsigned long long) sum,
			 (unsigned long long) atomic_load(&c->counter_adds));

	hs_keyspace_drop_db(HEAP_DB);
	if (heap_segs_in_use() != 0)
		fail(c, "%u segments still in use at the end", heap_segs_in_use());
	if (atomic_load(&hs_region->orphan_segs) != 0)
		fail(c, "%u orphans at the end", atomic_load(&hs_region->orphan_segs));
	if (hs_region->index_pages_free != hs_region->index_segs * HS_PAGES_PER_SEG ||
		hs_region->part_pages_free != hs_region->part_segs * HS_PAGES_PER_SEG)
		fail(c, "index or partition pages still in use at the end");
	if ((complaint = hs_region_verify()) != NULL)
		fail(c, "empty region: %s", complaint);
}

unsigned
mix_report(const MixControl *c, const char *program, double seconds)
{
	static const char *const names[MIX_NOPS] = {
		"read", "set", "set large", "delete", "expire", "counter", "transfer", "audit", "scan",
		"count", "zset write", "zset read", "zset delete", "hash", "flush", "drop", "stats"
	};
	uint64_t	total = 0;
	unsigned	failures = atomic_load(&((MixControl *) c)->failures);

	for (int op = 0; op < MIX_NOPS; op++)
	{
		uint64_t	n = 0;

		for (unsigned i = 0; i < c->nworkers; i++)
			n += c->ops[i][op];
		printf("%s%s %llu", op % 8 == 0 ? "  " : ", ", names[op], (unsigned long long) n);
		if (op % 8 == 7)
			printf("\n");
		total += n;
	}
	printf("  refused: plain %llu, tight %llu, s3fifo %llu, ttl %llu, renewed %llu\n",
		   (unsigned long long) c->refused[PLAIN], (unsigned long long) c->refused[TIGHT],
		   (unsigned long long) c->refused[CACHE], (unsigned long long) c->refused[TTL],
		   (unsigned long long) c->refused[RENEWED]);
	printf("  work slices %llu, seed %llu\n", (unsigned long long) c->work_slices,
		   (unsigned long long) c->seed);
	printf("  %.0f operations a second by %u workers\n", (double) total / seconds, c->nworkers);
	if (failures > 0)
		printf("  FAILED: %s\n", c->message);
	printf("%s: %d passed, %u failed\n", program, failures == 0, failures > 0);
	return failures;
}
