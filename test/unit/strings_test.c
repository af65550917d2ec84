/*
 * strings_test.c
 *	  Commands on keys and strings as a caller runs them.
 */
#include "strings_test.h"

#include <stdio.h>
#include <stdlib.h>

#include "dict_model_test.h"

#define BUFFER		((size_t) 8 << 20)

static bool again(Runner *r, HsStatus status, uint64_t hash, size_t need);
static HsStatus begin(Runner *r, HsOp *op, HsBytes key, HsLockMode mode);
static void end(Runner *r, HsOp *op);

void
run_open(Runner *r, HsHandle *h, int64_t now_us)
{
	memset(r, 0, sizeof(*r));
	r->h = h;
	r->now_us = now_us;
	r->max_value = BUFFER - 1024;
	r->capacity = BUFFER;
	r->buf = malloc(r->capacity);
	r->scratch = malloc(HS_SEG_SIZE);
	if (r->buf == NULL || r->scratch == NULL)
		abort();
	hs_got_init(&r->got, r->buf, r->capacity);
}

void
run_close(Runner *r)
{
	free(r->buf);
	free(r->scratch);
}

/* Try again after making room? */
static bool
again(Runner *r, HsStatus status, uint64_t hash, size_t need)
{
	return status == HS_NO_MEMORY && !r->no_room &&
		hs_make_room(r->h, hash, need, r->now_us);
}

static HsStatus
begin(Runner *r, HsOp *op, HsBytes key, HsLockMode mode)
{
	HsStatus	status;

	op->hash = 0;
	op->need = 0;
	hs_got_init(&r->got, r->buf, r->capacity);
	status = hs_op_begin(op, r->h, key, mode, r->now_us);
	if (status == HS_OK)
		op->effects = r->effects;
	return status;
}

static void
end(Runner *r, HsOp *op)
{
	r->found = op->found_type;
	hs_op_end(op);
	hs_got_finish(&r->got);
}

/* Begin, command, end: once. */
#define ONCE(status, r, op, key, mode, command) \
	do \
	{ \
		(status) = begin(r, &(op), key, mode); \
		if ((status) == HS_OK) \
		{ \
			(status) = (command); \
			end(r, &(op)); \
		} \
	} while (0)

HsBytes
run_text(Runner *r)
{
	if (r->got.flags & HS_RF_INT)
	{
		int64_t		n;

		memcpy(&n, r->got.buf, sizeof(n));
		r->got.size = hs_int_format(n, r->got.buf);
		r->got.flags = HS_RF_TEXT;
	}
	return hs_bytes(r->got.buf, r->got.size);
}

HsStatus
run_get(Runner *r, HsBytes key)
{
	hs_got_init(&r->got, r->buf, r->capacity);
	return hs_string_fetch(r->h, key, r->now_us, &r->got, &r->found);
}

HsStatus
run_range(Runner *r, HsBytes key, int64_t start, int64_t stop)
{
	HsOp		op;
	HsStatus	status;

	ONCE(status, r, op, key, HS_SHARED, hs_string_range(&op, start, stop, &r->got));
	return status;
}

HsStatus
run_length(Runner *r, HsBytes key, size_t *size)
{
	HsOp		op;
	HsStatus	status;

	ONCE(status, r, op, key, HS_SHARED, hs_string_length(&op, size));
	return status;
}

HsStatus
run_set(Runner *r, HsBytes key, HsBytes value, uint16_t flags,
		const HsSetRule *rule, bool want_old, bool *done)
{
	HsNewValue	v = {.bytes = value,.flags = flags};
	HsOp		op;
	HsStatus	status;
	uint64_t	hash = 0;
	size_t		need = 0;

	do
	{
		status = hs_value_prepare(r->h, &v, r->max_value, &need);
		if (status != HS_OK)
			continue;
		status = begin(r, &op, key, HS_EXCLUSIVE);
		if (status == HS_OK)
		{
			status = hs_string_set(&op, &v, rule, want_old ? &r->got : NULL, done);
			hash = op.hash;
			need = op.need;
			end(r, &op);
		}
		hs_value_discard(&v);
	} while (again(r, status, hash, need));
	return status;
}

HsStatus
run_getdel(Runner *r, HsBytes key)
{
	HsOp		op;
	HsStatus	status;

	ONCE(status, r, op, key, HS_EXCLUSIVE, hs_string_getdel(&op, &r->got));
	return status;
}

HsStatus
run_getex(Runner *r, HsBytes key, int64_t expires_us)
{
	HsOp		op;
	HsStatus	status;

	do
	{
		ONCE(status, r, op, key, HS_EXCLUSIVE, hs_string_getex(&op, expires_us, &r->got));
	} while (again(r, status, op.hash, op.need));
	return status;
}

HsStatus
run_del_if(Runner *r, HsBytes key, HsBytes expected, bool *done)
{
	HsOp		op;
	HsStatus	status;

	ONCE(status, r, op, key, HS_EXCLUSIVE, hs_string_del_if(&op, expected, 0, done));
	return status;
}

HsStatus
run_edit(Runner *r, HsBytes key, HsBytes bytes, bool is_text,
		 bool append, size_t offset, size_t *size)
{
	HsEdit		e = {.bytes = bytes,.is_text = is_text,.append = append,.offset = offset,
	.max_value = r->max_value,.new_expires_us = HS_NEVER};
	HsOp		op;
	HsStatus	status;
	uint64_t	hash = 0;
	size_t		need = 0;

	do
	{
		status = hs_edit_prepare(r->h, key, &e, r->now_us, &need);
		if (status == HS_BUFFER_TOO_SMALL)
			e.scratch = r->scratch;
		if (status != HS_OK)
			continue;
		status = begin(r, &op, key, HS_EXCLUSIVE);
		if (status == HS_OK)
		{
			status = hs_string_edit(&op, &e);
			hash = op.hash;
			need = op.need;
			end(r, &op);
		}
		hs_edit_discard(&e);
	} while (status == HS_BUFFER_TOO_SMALL || again(r, status, hash, need));
	*size = e.result_size;
	return status;
}

HsStatus
run_incr(Runner *r, HsBytes key, int64_t by, int64_t expires_us, int64_t *result)
{
	HsOp		op;
	HsStatus	status;

	do
	{
		ONCE(status, r, op, key, HS_EXCLUSIVE, hs_string_incr(&op, by, expires_us, result));
	} while (again(r, status, op.hash, op.need));
	return status;
}

HsStatus
run_incrbyfloat(Runner *r, HsBytes key, double by, double *result)
{
	HsOp		op;
	HsStatus	status;

	do
	{
		ONCE(status, r, op, key, HS_EXCLUSIVE, hs_string_incrbyfloat(&op, by, HS_NEVER, result));
	} while (again(r, status, op.hash, op.need));
	return status;
}

HsStatus
run_version(Runner *r, HsBytes key, uint64_t *version)
{
	HsOp		op;
	HsStatus	status;

	do
	{
		ONCE(status, r, op, key, HS_EXCLUSIVE, hs_key_version(&op, version));
	} while (again(r, status, op.hash, op.need));
	return status;
}

HsStatus
run_mset(Runner *r, const HsBytes *keys, const HsBytes *values, size_t n,
		 int64_t expires_us, bool only_absent, bool *done)
{
	HsMsetItem *items = calloc(n + 1, sizeof(*items));
	HsMsetRule	rule = {.only_absent = only_absent,.expires_us = expires_us,
	.tags = r->tags,.ntags = r->ntags};
	HsMulti		m;
	HsStatus	status;
	uint64_t	hash = 0;
	size_t		need = 0;

	for (size_t i = 0; i < n; i++)
	{
		items[i].key = keys[i];
		items[i].value.bytes = values[i];
		items[i].value.flags = HS_RF_TEXT;
	}
	do
	{
		status = hs_mset_prepare(r->h, items, n, r->max_value, &need);
		if (status != HS_OK)
			continue;
		status = hs_multi_begin(&m, r->h, keys, n, HS_EXCLUSIVE, r->now_us);
		if (status == HS_OK)
		{
			m.effects = r->effects;
			status = hs_mset(&m, items, n, &rule, done, &hash);
			need = m.need;
			hs_multi_end(&m);
		}
		hs_mset_discard(items, n);
	} while (again(r, status, hash, need));
	free(items);
	return status;
}

HsStatus
run_del(Runner *r, HsBytes key, bool *done)
{
	HsOp		op;
	HsStatus	status;

	ONCE(status, r, op, key, HS_EXCLUSIVE, hs_key_delete(&op, done));
	return status;
}

HsStatus
run_expire(Runner *r, HsBytes key, const HsExpireRule *rule, int64_t expires_us, bool *done)
{
	HsOp		op;
	HsStatus	status;

	do
	{
		ONCE(status, r, op, key, HS_EXCLUSIVE, hs_key_expire(&op, rule, expires_us, done));
	} while (again(r, status, op.hash, op.need));
	return status;
}

HsStatus
run_move(Runner *r, HsBytes from, HsBytes to, bool keep, bool replace, bool *done)
{
	HsMove		mv = {.keep_source = keep,.replace = replace,
		.buf = r->buf,.capacity = r->capacity,.edit = {.max_value = SIZE_MAX}};
	HsBytes		keys[2] = {from, to};
	HsMulti		m;
	HsStatus	status;
	uint64_t	hash = 0;
	size_t		need = 0;

	do
	{
		status = hs_move_prepare(r->h, from, &mv, r->now_us, &need);
		if (status == HS_BUFFER_TOO_SMALL)
			mv.edit.scratch = r->scratch;
		if (status != HS_OK)
			continue;
		status = hs_multi_begin(&m, r->h, keys, 2, HS_EXCLUSIVE, r->now_us);
		if (status == HS_OK)
		{
			m.effects = r->effects;
			status = hs_key_move(&m, from, to, &mv, done, &hash);
			need = m.need;
			hs_multi_end(&m);
		}
		hs_move_discard(&mv);
		if (status == HS_BUFFER_TOO_SMALL && mv.wanted > 0)
			break;				/* larger than any collection of these tests */
	} while (status == HS_BUFFER_TOO_SMALL || again(r, status, hash, need));
	return status;
}

HsStatus
run_del_tags(Runner *r, const HsBytes *tags, size_t n, uint64_t *deleted)
{
	HsMulti		m;
	HsStatus	status = hs_multi_begin(&m, r->h, NULL, 0, HS_EXCLUSIVE, r->now_us);

	if (status != HS_OK)
		return status;
	m.effects = r->effects;
	status = hs_tags_delete(&m, tags, n, deleted);
	hs_multi_end(&m);
	return status;
}

HsStatus
run_tags(Runner *r, HsBytes key, HsItems *out)
{
	HsOp		op;
	HsStatus	status;

	ONCE(status, r, op, key, HS_SHARED, hs_tags_of_key(&op, out));
	return status;
}

HsStatus
run_dump(Runner *r, HsBytes key)
{
	HsOp		op;
	HsStatus	status;

	ONCE(status, r, op, key, HS_SHARED, hs_dump(&op, r->buf, r->capacity, &r->got.size));
	return status;
}

HsStatus
run_restore(Runner *r, HsBytes key, HsBytes dump, bool replace, int64_t expires_us, bool *done)
{
	HsDump		d;
	HsNewValue	v = {0};
	HsOp		op;
	uint64_t	hash = 0;
	size_t		need = 0;
	HsStatus	status = hs_dump_open(dump, &d);

	if (status != HS_OK)
		return status;
	do
	{
		if (d.type == HS_STRING)
		{
			hs_dump_value(&d, &v);
			status = hs_value_prepare(r->h, &v, r->max_value, &need);
			if (status != HS_OK)
				continue;
		}
		status = begin(r, &op, key, HS_EXCLUSIVE);
		if (status == HS_OK)
		{
			status = hs_restore(&op, &d, &v, replace, expires_us, done);
			hash = op.hash;
			need = op.need;
			end(r, &op);
		}
		hs_value_discard(&v);
	} while (again(r, status, hash, need));
	return status;
}

HsStatus
run_fields(Runner *r, HsBytes key, HsField *fields, size_t n, int64_t expires_us)
{
	HsFieldEdit e = {.fields = fields,.nfields = n,.max_value = r->max_value,
	.new_expires_us = expires_us,.edit = {.scratch = r->scratch}};
	bool		writes = false;
	HsOp		op = {0};
	HsStatus	status;
	size_t		need = 0;

	for (size_t i = 0; i < n; i++)
		writes |= fields[i].kind != HS_FIELD_GET;
	if (!writes)
	{
		status = begin(r, &op, key, HS_SHARED);
		if (status != HS_OK)
			return status;
		status = hs_fields_read(&op, fields, n);
		end(r, &op);
		return status;
	}
	do
	{
		status = hs_fields_prepare(r->h, key, &e, r->now_us, &need);
		if (status != HS_OK)
			continue;
		status = begin(r, &op, key, HS_EXCLUSIVE);
		if (status == HS_OK)
		{
			status = hs_fields_write(&op, &e);
			need = op.need;
			end(r, &op);
		}
		hs_fields_discard(&e);
	} while (status == HS_BUFFER_TOO_SMALL || again(r, status, op.hash, need));
	return status;
}

HsStatus
run_combine(Runner *r, HsBitsHow how, const HsBytes *keys, size_t n,
			int64_t expires_us, size_t *size)
{
	HsBitsCombine c = {.how = how,.keys = keys,.nsources = n,.max_value = r->max_value,
		.scratch = r->scratch,.expires_us = expires_us,
	.sources = calloc(n + 1, sizeof(HsBitsSource))};
	HsMulti		m = {0};
	HsStatus	status;
	size_t		need = 0;

	do
	{
		status = hs_bits_prepare(r->h, &c, r->now_us, &need);
		if (status != HS_OK)
			continue;
		while (hs_bits_fill(&c))
			;
		status = hs_multi_begin(&m, r->h, keys, n + 1, HS_EXCLUSIVE, r->now_us);
		if (status == HS_OK)
		{
			m.effects = r->effects;
			status = hs_bits_combine(&m, &c);
			need = m.need;
			hs_multi_end(&m);
		}
		hs_bits_discard(&c);
	} while (status == HS_BUFFER_TOO_SMALL || again(r, status, m.hash, need));
	free(c.sources);
	r->found = c.found_type;
	*size = c.result_size;
	return status;
}

HsStatus
run_rate(Runner *r, RateKind kind, HsBytes key, int64_t max,
		 int64_t period_us, int64_t cost, HsRate *out)
{
	HsOp		op;
	HsStatus	status;

	do
	{
		status = begin(r, &op, key, HS_EXCLUSIVE);
		if (status != HS_OK)
			return status;
		if (kind == RATE_FIXED)
			status = hs_rate_fixed(&op, max, period_us, out);
		else if (kind == RATE_SLIDING)
			status = hs_rate_sliding(&op, max, period_us, out);
		else
			status = hs_rate_bucket(&op, max, period_us, cost, out);
		end(r, &op);
	} while (again(r, status, op.hash, op.need));
	return status;
}

HsStatus
run_replay(Runner *r, HsHandle *target)
{
	size_t		pos = 0;
	size_t		need;
	uint64_t	hash;
	HsStatus	status;
	HsBytes		input = hs_bytes(r->effects->data, r->effects->size);

	do
	{
		status = hs_effect_apply(target, input, &pos, r->now_us, &need, &hash);
	} while (status == HS_NO_MEMORY && hs_make_room(target, hash, need, r->now_us));
	r->effects->size = 0;
	return status;
}

/*
 * ---- Comparing keyspaces --------------------------------------------------------
 */

#define MAX_KEYS 4096

typedef struct KeyList
{
	size_t		n;
	size_t		bucket_start;
	uint8_t		size[MAX_KEYS];
	uint8_t		bytes[MAX_KEYS][UINT8_MAX];
} KeyList;

static bool
collect_key(void *arg, HsOp *op, HsRecord *record)
{
	KeyList    *list = arg;

	(void) record;
	if (op == NULL)
		return true;
	if (list->n == MAX_KEYS || op->key.size > UINT8_MAX)
		abort();
	list->size[list->n] = (uint8_t) op->key.size;
	memcpy(list->bytes[list->n], op->key.data, op->key.size);
	list->n++;
	return true;
}

static KeyList *
all_keys(Runner *r)
{
	KeyList    *list = calloc(1, sizeof(*list));
	HsCursor	cursor = {0};

	while (!cursor.done)
		if (hs_scan(r->h, &cursor, 64, r->now_us, collect_key, list) != HS_OK)
			abort();
	return list;
}

static bool
same_tags(Runner *a, Runner *b, HsBytes key)
{
	static uint8_t buf[2][HS_TAGS_MAX * (HS_ITEM_HEADER + HS_TAG_SIZE_MAX)];
	HsItems		x = {.buf = buf[0],.capacity = sizeof(buf[0])};
	HsItems		y = {.buf = buf[1],.capacity = sizeof(buf[1])};

	return run_tags(a, key, &x) == HS_OK && run_tags(b, key, &y) == HS_OK &&
		hs_bytes_cmp(hs_bytes(x.buf, x.size), hs_bytes(y.buf, y.size)) == 0;
}

static bool
same_key(Runner *a, Runner *b, HsBytes key)
{
	HsRead		x;
	HsRead		y;

	if (!same_tags(a, b, key))
		return false;
	if (run_dump(a, key) != HS_OK || run_dump(b, key) != HS_OK ||
		!dict_model_same_dump(hs_bytes(a->buf, a->got.size), hs_bytes(b->buf, b->got.size)))
		return false;
	return hs_peek(a->h, key, a->now_us, &x) == HS_OK &&
		hs_peek(b->h, key, b->now_us, &y) == HS_OK && x.expires_us == y.expires_us;
}

bool
run_equal(Runner *a, Runner *b)
{
	KeyList    *x = all_keys(a);
	KeyList    *y = all_keys(b);
	bool		equal = x->n == y->n;

	if (!equal)
		fprintf(stderr, "  %zu keys, %zu keys\n", x->n, y->n);
	for (size_t i = 0; equal && i < x->n; i++)
	{
		equal = same_key(a, b, hs_bytes(x->bytes[i], x->size[i]));
		if (!equal)
			fprintf(stderr, "  key \"%.*s\" differs\n", (int) x->size[i], (char *) x->bytes[i]);
	}
	free(x);
	free(y);
	return equal;
}
