/*
 * hash.c
 *	  Hashes: fields, each with a value.
 */
#include "hash.h"

#include <math.h>

#include "dict_int.h"

static void
fields_get(HsDictSource *s, size_t i, HsBytes *member, HsBytes *value)
{
	const HsHashField *fields = s->arg;

	*member = fields[i].field;
	if (value != NULL)
		*value = fields[i].value;
}

HsStatus
hs_hash_set(HsOp *op, const HsHashField *fields, size_t n, bool nx, int64_t new_expires_us,
			uint64_t *added)
{
	HsDictSource source = {.n = n,.get = fields_get,.arg = fields};

	return hs_dict_put(op, HS_HASH, &source, nx ? HS_DICT_NX : 0, new_expires_us, added);
}

HsStatus
hs_hash_remove(HsOp *op, const HsBytes *fields, size_t n, uint64_t *removed)
{
	HsDictSource source = hs_dict_names(fields, n);

	return hs_dict_remove(op, HS_HASH, &source, removed);
}

/*
 * ---- Counting -------------------------------------------------------------------
 */

/* A field, looked for. */
typedef struct Found
{
	HsDict		d;
	const uint8_t *at;			/* NULL: absent */
	HsPack		value;
} Found;

/* HS_NOT_FOUND if it is absent. */
static HsStatus
find(HsOp *op, HsBytes field, Found *f)
{
	HsPack		p = hs_pack(field);
	HsStatus	status = hs_dict_open(op, HS_HASH, &f->d);

	if (status != HS_OK)
		return status;
	f->at = hs_dict_find(&f->d, &p);
	if (f->at == NULL)
		return HS_NOT_FOUND;
	(void) hs_pack_get(f->at + hs_pack_skip(f->at), &f->value);
	return HS_OK;
}

/* A new value; the field's expiry stays. */
static HsStatus
set_text(HsOp *op, const Found *f, HsBytes field, HsBytes text, int64_t new_expires_us)
{
	HsHashField pair = {field, text};
	HsDictSource source = {.n = 1,.get = fields_get,.arg = &pair};

	return hs_dict_put_found(op, &f->d, f->at, &source, HS_DICT_KEEP, new_expires_us);
}

HsStatus
hs_hash_incr(HsOp *op, HsBytes field, int64_t by, int64_t new_expires_us, int64_t *result)
{
	uint8_t		text[HS_INT_DIGITS];
	int64_t		n = 0;
	Found		f;
	HsStatus	status = find(op, field, &f);

	if (status == HS_OK)
	{
		if (f.value.width == 0)
			return HS_NOT_INTEGER;
		n = f.value.number;
	}
	else if (status != HS_NOT_FOUND)
		return status;
	if (__builtin_add_overflow(n, by, &n))
		return HS_OVERFLOW;
	status = set_text(op, &f, field, hs_bytes(text, hs_int_format(n, text)), new_expires_us);
	if (status == HS_OK)
		*result = n;
	return status;
}

HsStatus
hs_hash_incrbyfloat(HsOp *op, HsBytes field, double by, int64_t new_expires_us, double *result)
{
	uint8_t		text[HS_FLOAT_DIGITS];
	double		sum = 0;
	Found		f;
	HsStatus	status = find(op, field, &f);

	if (status == HS_OK)
	{
		if (f.value.width > 0)
			sum = (double) f.value.number;
		else if (f.value.chain != HS_REF_NONE || !hs_float_parse(f.value.text, &sum))
			return HS_NOT_FLOAT;
	}
	else if (status != HS_NOT_FOUND)
		return status;
	sum += by;
	if (!isfinite(sum))
		return HS_NOT_A_NUMBER;
	status = set_text(op, &f, field, hs_bytes(text, hs_float_format(sum, text)), new_expires_us);
	if (status == HS_OK)
		*result = sum;
	return status;
}

/*
 * ---- Asking --------------------------------------------------------------------
 */

HsStatus
hs_hash_get(HsOp *op, HsBytes field, HsItems *out)
{
	HsPack		p = hs_pack(field);
	const uint8_t *at;
	HsDict		d;
	HsStatus	status = hs_dict_open(op, HS_HASH, &d);

	hs_items_clear(out);
	if (status != HS_OK)
		return status;
	at = hs_dict_find(&d, &p);
	if (at == NULL)
		return HS_NOT_FOUND;
	hs_dict_emit(out, at, false, true);
	return hs_items_fit(out) ? HS_OK : HS_BUFFER_TOO_SMALL;
}

HsStatus
hs_hash_get_many(HsOp *op, const HsBytes *fields, size_t n, HsItems *out)
{
	HsDict		d;
	HsStatus	status = hs_dict_open(op, HS_HASH, &d);

	hs_items_clear(out);
	if (status != HS_OK)
		return status;
	for (size_t i = 0; i < n; i += HS_DICT_AHEAD)
	{
		const uint8_t *found[HS_DICT_AHEAD];
		unsigned	some = hs_dict_find_names(&d, fields, n, i, found);

		for (unsigned k = 0; k < some; k++)
		{
			if (found[k] != NULL)
				hs_dict_emit(out, found[k], false, true);
			else
				hs_items_put_null(out);
		}
	}
	return hs_items_fit(out) ? HS_OK : HS_BUFFER_TOO_SMALL;
}

HsStatus
hs_hash_value_size(HsOp *op, HsBytes field, uint64_t *size)
{
	Found		f;
	HsStatus	status = find(op, field, &f);

	if (status == HS_OK)
		*size = hs_pack_text_size(&f.value);
	return status;
}

HsStatus
hs_hash_count(HsOp *op, uint64_t *count)
{
	HsDict		d;
	HsStatus	status = hs_dict_open(op, HS_HASH, &d);

	if (status == HS_OK)
		*count = d.count;
	return status;
}

HsStatus
hs_hash_read(HsOp *op, HsDictCursor *cursor, bool fields, bool values, HsItems *out)
{
	return hs_dict_read(op, HS_HASH, cursor, fields, values, out);
}

HsStatus
hs_hash_random(HsOp *op, int64_t count, bool values, uint64_t seed, HsItems *out)
{
	return hs_dict_random(op, HS_HASH, count, true, values, seed, out);
}

HsStatus
hs_hash_load(HsOp *op, HsBytes payload, int64_t expires_us)
{
	return hs_dict_load(op, HS_HASH, payload, expires_us);
}
