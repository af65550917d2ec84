/*
 * fuzz_store.c
 *	  Property: whatever is done to keys, in whatever order, each read gives the
 *	  last value written or nothing where eviction, expiry or a delete allow it,
 *	  and no memory is lost or owned twice.
 *
 * The first byte chooses policy and limit; then four bytes a step: what, key,
 * size, time.
 */
#include "fuzz.h"
#include "keys_test.h"
#include "port_test.h"

#define MB			((size_t) 1 << 20)
#define NKEYS		64
#define MAX_VALUE	(300 * 1024)

typedef struct ModelKey
{
	bool		present;
	size_t		size;
	uint64_t	seed;
	int64_t		expires_us;
} ModelKey;

static HsHandle ks;
static ModelKey model[NKEYS];
static uint8_t value[MAX_VALUE],
			buf[MAX_VALUE];
static int64_t now;
static uint64_t writes;
static HsEviction eviction;

static void
well(const char *complaint)
{
	if (complaint != NULL)
		fuzz_fail(__FILE__, __LINE__, complaint);
}

static void
absent(ModelKey *m)
{
	MUST(!m->present || m->expires_us <= now || eviction == HS_EVICT_S3FIFO ||
		 (eviction == HS_EVICT_TTL && m->expires_us != HS_NEVER));
	m->present = false;
}

static void
check(ModelKey *m, HsBytes key)
{
	HsRead		read;
	HsStatus	status = keys_get(&ks, key, now, buf, sizeof(buf), &read);

	well(keys_disagreement());
	if (status == HS_NOT_FOUND)
	{
		absent(m);
		return;
	}
	MUST(status == HS_OK && m->present && m->expires_us > now);
	MUST(read.size == m->size && read.expires_us == m->expires_us);
	MUST(keys_is_pattern(hs_bytes(buf, read.size), m->seed));
}

/* Sizes grow as squares: most are small, the last are large values. */
static size_t
size_of(uint8_t byte)
{
	return byte < 200 ? (size_t) byte * byte / 8 : MAX_VALUE / 56 * (size_t) (byte - 200);
}

static void
set(ModelKey *m, HsBytes key, size_t size, int64_t expires_us, int fail_after)
{
	uint64_t	seed = ++writes;
	KeysNeed	need;
	HsStatus	status;

	keys_pattern(value, size, seed);
	if (fail_after >= 0)
	{
		heap_fail_after(fail_after);
		status = keys_set_once(&ks, key, hs_bytes(value, size), expires_us, now, &need);
		heap_fail_after(-1);
	}
	else
		status = keys_set(&ks, key, hs_bytes(value, size), expires_us, now);
	MUST(status == HS_OK || status == HS_NO_MEMORY);
	if (status == HS_OK)
		*m = (ModelKey) {true, size, seed, expires_us};
	else
		check(m, key);
}

static void
step(const uint8_t *b)
{
	char		name[KEYS_NAME_SIZE];
	uint64_t	k = b[1] % NKEYS;
	HsBytes		key = keys_name(name, k);
	ModelKey   *m = &model[k];
	int64_t		expires_us = b[3] < 128 ? HS_NEVER : now + 1 + b[3] * b[3];
	uint64_t	version;
	uint64_t	removed;
	HsStatus	status;

	switch (b[0] % 12)
	{
		case 0:
		case 1:
		case 2:
			set(m, key, size_of(b[2]), expires_us, -1);
			break;
		case 3:
			set(m, key, size_of(b[2]), expires_us, b[0] / 12 % 4);
			break;
		case 4:
			if (!keys_del(&ks, key, now))
				absent(m);
			m->present = false;
			break;
		case 5:
			status = keys_expire(&ks, key, expires_us, now);
			if (status == HS_OK)
				m->expires_us = expires_us;
			else if (status == HS_NOT_FOUND)
				absent(m);
			else
				MUST(status == HS_NO_MEMORY);
			break;
		case 6:
			status = keys_version(&ks, key, now, &version);
			if (status == HS_NOT_FOUND)
				absent(m);
			else
				MUST(status == HS_OK || status == HS_NO_MEMORY);
			break;
		case 7:
			now += b[2] * b[3];
			break;
		case 8:
			hs_work(&ks, b[1] % ks.nparts, now);
			break;
		case 9:
			if (b[2] == 0)
			{
				MUST(hs_keyspace_flush(&ks, now, &removed) == HS_OK);
				memset(model, 0, sizeof(model));
			}
			break;
		default:
			check(m, key);
			break;
	}
	MUST(port_locks_held() == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint64_t limits[] = {MB, 2 * MB, 4 * MB, 0};

	if (size < 1)
		return 0;
	heap_open(HS_MIN_REGION);
	eviction = (HsEviction) (data[0] % 3);
	heap_keyspace(&ks, 1, eviction, limits[data[0] / 3 % 4]);
	memset(model, 0, sizeof(model));
	now = HEAP_NOW;
	for (size_t i = 1; i + 4 <= size; i += 4)
		step(data + i);
	for (uint64_t k = 0; k < NKEYS; k++)
	{
		char		name[KEYS_NAME_SIZE];

		check(&model[k], keys_name(name, k));
	}
	well(hs_keyspace_verify(&ks));
	well(hs_region_verify());
	hs_keyspace_drop(HEAP_DB, 1);
	MUST(heap_segs_in_use() == 0);
	well(hs_region_verify());
	heap_close();
	return 0;
}
