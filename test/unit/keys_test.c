/*
 * keys_test.c
 *	  Plain keys for tests: whole commands made of the store's steps.
 */
#include "keys_test.h"
#include "kvstring.h"
#include "many.h"

#include <stdio.h>
#include <stdlib.h>

#define MAX_WORK	1000000		/* slices until something is wrong */

static const char *disagreement;

HsBytes
keys_name(char *buf, uint64_t n)
{
	int			size = snprintf(buf, KEYS_NAME_SIZE, "key:%llu", (unsigned long long) n);

	return hs_bytes(buf, (size_t) size);
}

static uint64_t
mix(uint64_t z)
{
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void
keys_pattern(uint8_t *buf, size_t size, uint64_t seed)
{
	uint64_t	word = mix(seed + 1) ^ size;

	for (size_t i = 0; i < size; i++)
	{
		if (i % 8 == 0)
			word = word * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		buf[i] = (uint8_t) (word >> (i % 8 * 8));
	}
}

bool
keys_is_pattern(HsBytes value, uint64_t seed)
{
	uint64_t	word = mix(seed + 1) ^ value.size;

	for (size_t i = 0; i < value.size; i++)
	{
		if (i % 8 == 0)
			word = word * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		if (value.data[i] != (uint8_t) (word >> (i % 8 * 8)))
			return false;
	}
	return true;
}

static HsStatus
set_small(HsOp *op, HsBytes value, int64_t expires_us)
{
	HsDraft		draft;
	HsStatus	status;

	op->tags = HS_REF_NONE;
	status = hs_reserve(op, HS_STRING, value.size, expires_us, &draft);
	if (status != HS_OK)
		return status;
	hs_copy(draft.value, value.data, value.size);
	hs_publish(op, &draft);
	return HS_OK;
}

static HsStatus
set_big(HsHandle *h, HsBytes key, HsBytes value, int64_t expires_us, int64_t now_us, KeysNeed *need)
{
	size_t		rest = hs_big_rest_offset(value.size);
	HsBigDraft	pages;
	HsDraft		draft;
	HsOp		op;
	HsStatus	status = hs_big_prepare(h, value.size, &pages, &need->bytes);

	if (status != HS_OK)
		return status;
	/* in two pieces, the second first: any order will do */
	hs_big_fill(&pages, rest / 3, hs_bytes(value.data + rest / 3, rest - rest / 3));
	hs_big_fill(&pages, 0, hs_bytes(value.data, rest / 3));
	status = hs_op_begin(&op, h, key, HS_EXCLUSIVE, now_us);
	if (status == HS_OK)
	{
		op.tags = HS_REF_NONE;
		status = hs_big_reserve(&op, HS_STRING, &pages,
								hs_bytes(value.data + rest, value.size - rest),
								expires_us, &draft);
		if (status == HS_OK)
			hs_publish(&op, &draft);
		*need = (KeysNeed) {op.need, op.hash};
		hs_op_end(&op);
	}
	if (status != HS_OK)
		hs_big_discard(&pages);
	return status;
}

HsStatus
keys_set_once(HsHandle *h, HsBytes key, HsBytes value, int64_t expires_us, int64_t now_us,
			  KeysNeed *need)
{
	HsOp		op;
	HsStatus	status;

	if (value.size > hs_big_threshold())
		return set_big(h, key, value, expires_us, now_us, need);
	status = hs_op_begin(&op, h, key, HS_EXCLUSIVE, now_us);
	if (status != HS_OK)
		return status;
	status = set_small(&op, value, expires_us);
	*need = (KeysNeed) {op.need, op.hash};
	hs_op_end(&op);
	return status;
}

HsStatus
keys_set(HsHandle *h, HsBytes key, HsBytes value, int64_t expires_us, int64_t now_us)
{
	KeysNeed	need = {0};
	HsStatus	status;

	for (int i = 0; i < MAX_WORK; i++)
	{
		status = keys_set_once(h, key, value, expires_us, now_us, &need);
		if (status != HS_NO_MEMORY || !hs_make_room(h, need.hash, need.bytes, now_us))
			return status;
	}
	fprintf(stderr, "keys_set: hs_make_room() says that it found room, again and again\n");
	abort();
}

HsStatus
keys_set_tagged(HsHandle *h, HsBytes key, HsBytes value, HsBytes tag, int64_t expires_us,
				int64_t now_us)
{
	HsSetRule	rule = {.expires_us = expires_us,.tags = &tag,.ntags = 1};
	HsNewValue	v = {.bytes = value};
	HsOp		op;
	HsStatus	status;
	bool		done;

	do
	{
		status = hs_op_begin(&op, h, key, HS_EXCLUSIVE, now_us);
		if (status != HS_OK)
			return status;
		status = hs_string_set(&op, &v, &rule, NULL, &done);
		hs_op_end(&op);
	} while (status == HS_NO_MEMORY && hs_make_room(h, op.hash, op.need, now_us));
	return status;
}

bool
keys_overwrite(HsHandle *h, HsBytes key, HsBytes value, int64_t expires_us, int64_t now_us)
{
	HsOp		op;
	HsRecord   *record;
	bool		done;

	if (hs_op_begin(&op, h, key, HS_EXCLUSIVE, now_us) != HS_OK)
		return false;
	record = hs_find(&op);
	op.tags = HS_REF_NONE;
	done = record != NULL && hs_overwrite(&op, record, HS_STRING, value, expires_us);
	hs_op_end(&op);
	return done;
}

/* Under the shared lock; the pages of a big value after it. */
static HsStatus
read_locked(HsHandle *h, HsBytes key, int64_t now_us, uint8_t *buf, size_t capacity, HsRead *out)
{
	HsBigPin	pin = HS_BIG_NO_PIN;
	HsRecord   *record;
	HsRecordView v;
	HsOp		op;
	HsStatus	status = hs_op_begin(&op, h, key, HS_SHARED, now_us);

	if (status != HS_OK)
		return status;
	status = hs_find_typed(&op, HS_STRING, &record);
	if (status == HS_OK && record == NULL)
		status = HS_NOT_FOUND;
	if (status == HS_OK)
	{
		hs_record_view(record, &v);
		out->flags = v.flags;
		out->type = HS_STRING;
		out->expires_us = hs_expiry(record);
		out->size = v.flags & HS_RF_BIG ? hs_big_size(record) : v.value_size;
		if (out->size > capacity)
			status = HS_BUFFER_TOO_SMALL;
		else if (v.flags & HS_RF_BIG)
			hs_big_copy_locked(record, 0, buf, out->size, &pin);
		else
			hs_copy(buf, v.value, v.value_size);
	}
	hs_op_end(&op);
	if (status == HS_OK && pin.first_page != HS_SEG_NONE)
	{
		hs_big_copy_pages(&pin, 0, buf, out->size, 0);
		hs_big_unpin(&pin);
	}
	return status;
}

HsStatus
keys_read(HsHandle *h, HsBytes key, int64_t now_us, uint8_t *buf, size_t capacity, HsRead *out)
{
	HsStatus	status = hs_read(h, key, now_us, buf, capacity, out);

	if (status == HS_BUFFER_TOO_SMALL && (out->size <= capacity || (out->flags & HS_RF_BIG)))
		return read_locked(h, key, now_us, buf, capacity, out);
	return status;
}

bool
keys_many(HsHandle *h, const HsBytes *keys, size_t n, int64_t now_us, int64_t *numbers,
		  void (*pause) (void))
{
	HsManyRead	reads[64];

	if (n > sizeof(reads) / sizeof(reads[0]))
		abort();
	for (size_t i = 0; i < n; i++)
		reads[i].look.key = keys[i];
	if (!hs_many_find(h, reads, n, now_us))
		return false;
	for (size_t i = 0; i < n; i++)
	{
		numbers[i] = 0;
		if (reads[i].found && reads[i].size == sizeof(numbers[i]))
			hs_many_copy(&reads[i], &numbers[i]);
		if (pause != NULL)
			pause();
	}
	return hs_many_are_true(h, reads, n);
}

static void
compare(HsStatus free_status, const HsRead *free_read, const uint8_t *free_buf,
		HsStatus status, const HsRead *read, const uint8_t *buf)
{
	if (free_status != status)
		disagreement = "status with and without lock differ";
	else if (status == HS_OK || status == HS_BUFFER_TOO_SMALL)
	{
		if (free_read->size != read->size)
			disagreement = "sizes with and without lock differ";
		else if (free_read->expires_us != read->expires_us)
			disagreement = "expiry with and without lock differ";
		else if (free_read->flags != read->flags)
			disagreement = "flags with and without lock differ";
		else if (free_buf != NULL && memcmp(free_buf, buf, read->size) != 0)
			disagreement = "values with and without lock differ";
	}
}

/* Kept from call to call: sanitizers make large allocations slow. */
static uint8_t *
second_buffer(size_t size)
{
	static uint8_t *buffer;
	static size_t capacity;

	if (buffer == NULL || capacity < size)
	{
		free(buffer);
		buffer = malloc(size + 1);
		capacity = size;
	}
	if (buffer == NULL)
		abort();
	return buffer;
}

HsStatus
keys_get(HsHandle *h, HsBytes key, int64_t now_us, uint8_t *buf, size_t capacity, HsRead *out)
{
	HsRead		free_read = {0},
				peeked = {0};
	uint8_t    *free_buf = second_buffer(capacity);
	HsStatus	free_status = hs_read(h, key, now_us, free_buf, capacity, &free_read);
	HsStatus	peek_status = hs_peek(h, key, now_us, &peeked);
	HsStatus	status = read_locked(h, key, now_us, buf, capacity, out);

	if (free_status == HS_BUFFER_TOO_SMALL && (free_read.flags & HS_RF_BIG) && status == HS_OK)
	{
		if (free_read.size != out->size)
			disagreement = "sizes of a big value differ";
	}
	else
		compare(free_status, &free_read, status == HS_OK ? free_buf : NULL, status, out, buf);
	compare(peek_status, &peeked, NULL, status == HS_BUFFER_TOO_SMALL ? HS_OK : status, out, buf);
	return status;
}

const char *
keys_disagreement(void)
{
	const char *what = disagreement;

	disagreement = NULL;
	return what;
}

bool
keys_del(HsHandle *h, HsBytes key, int64_t now_us)
{
	HsOp		op;
	HsRecord   *record;

	if (hs_op_begin(&op, h, key, HS_EXCLUSIVE, now_us) != HS_OK)
		return false;
	record = hs_find(&op);
	if (record != NULL)
		hs_remove(&op, record);
	hs_op_end(&op);
	return record != NULL;
}

HsStatus
keys_expire(HsHandle *h, HsBytes key, int64_t expires_us, int64_t now_us)
{
	HsOp		op;
	HsRecord   *record;
	HsStatus	status;

	for (int i = 0; i < MAX_WORK; i++)
	{
		status = hs_op_begin(&op, h, key, HS_EXCLUSIVE, now_us);
		if (status != HS_OK)
			return status;
		record = hs_find(&op);
		status = record == NULL ? HS_NOT_FOUND : hs_set_expiry(&op, record, expires_us);
		hs_op_end(&op);
		if (status != HS_NO_MEMORY || !hs_make_room(h, op.hash, op.need, now_us))
			break;
	}
	return status;
}

HsStatus
keys_version(HsHandle *h, HsBytes key, int64_t now_us, uint64_t *version)
{
	HsOp		op;
	HsStatus	status;

	for (int i = 0; i < MAX_WORK; i++)
	{
		status = hs_op_begin(&op, h, key, HS_EXCLUSIVE, now_us);
		if (status != HS_OK)
			return status;
		status = hs_key_version(&op, version);
		hs_op_end(&op);
		if (status != HS_NO_MEMORY || !hs_make_room(h, op.hash, op.need, now_us))
			break;
	}
	return status;
}

uint64_t
keys_count(HsHandle *h, int64_t now_us)
{
	HsCount		count = {0};

	for (int i = 0; i < MAX_WORK; i++)
		if (hs_count(h, &count, now_us))
			return count.keys;
	fprintf(stderr, "keys_count: hs_count() does not end\n");
	abort();
}

HsStats
keys_stats(HsHandle *h)
{
	HsStats		stats;

	hs_stats_flush(h);
	if (hs_stats(h, &stats) != HS_OK)
		memset(&stats, 0, sizeof(stats));
	return stats;
}

void
keys_work(HsHandle *h, int64_t now_us)
{
	for (uint32_t part = 0; part < h->nparts; part++)
	{
		int			n = 0;

		while (hs_work(h, part, now_us))
			if (n++ > MAX_WORK)
			{
				fprintf(stderr, "keys_work: hs_work() does not end\n");
				abort();
			}
	}
}
