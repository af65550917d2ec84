/*
 * hll_value.c
 *	  SQL values to hashes for sketches.
 *
 * A hash must follow the equality of its type, and should be the same on every
 * server and after dump and restore, because sketches are stored.  So the
 * common types are hashed here, from what makes their values equal:
 *
 *	integers, date, timestamps, time, money, oid	the number as int64
 *	float4, float8		the bits of the float8, with one zero and one NaN
 *	text, varchar, name, bytea	the bytes; char(n) without its trailing blanks
 *	uuid				the 16 bytes
 *	enums				the bytes of the label (oids change with a restore)
 *
 * All others, and text under a nondeterministic collation, go through the
 * extended hash function of the type's default hash operator class, as hash
 * partitioning does.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/float.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
#include "utils/uuid.h"

#include "hll_value.h"

typedef enum HashKind
{
	HASH_INT16,
	HASH_INT32,
	HASH_INT64,
	HASH_OID,
	HASH_FLOAT4,
	HASH_FLOAT8,
	HASH_UUID,
	HASH_NAME,
	HASH_BYTES,
	HASH_PADDED,				/* bytes, trailing blanks do not count */
	HASH_ENUM,
	HASH_FUNCTION
} HashKind;

static HashKind
kind_of_text(HashKind kind, Oid collation)
{
	if (OidIsValid(collation) && get_collation_isdeterministic(collation))
		return kind;
	return HASH_FUNCTION;		/* which also complains if there is none */
}

static HashKind
kind_of_type(Oid type, Oid collation)
{
	switch (type)
	{
		case INT2OID:
			return HASH_INT16;
		case INT4OID:
		case DATEOID:
			return HASH_INT32;
		case INT8OID:
		case TIMEOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case MONEYOID:
			return HASH_INT64;
		case OIDOID:
			return HASH_OID;
		case FLOAT4OID:
			return HASH_FLOAT4;
		case FLOAT8OID:
			return HASH_FLOAT8;
		case UUIDOID:
			return HASH_UUID;
		case NAMEOID:
			return HASH_NAME;
		case BYTEAOID:
			return HASH_BYTES;
		case TEXTOID:
		case VARCHAROID:
			return kind_of_text(HASH_BYTES, collation);
		case BPCHAROID:
			return kind_of_text(HASH_PADDED, collation);
		default:
			return type_is_enum(type) ? HASH_ENUM : HASH_FUNCTION;
	}
}

/* The extended hash function of the type.  Of ROW(...), about which the type cache will not
 * say that it can be hashed, the one that complains about a column that cannot. */
static FmgrInfo *
hash_function(Oid type, MemoryContext context)
{
	TypeCacheEntry *entry;

	if (type == RECORDOID)
	{
		FmgrInfo   *function = MemoryContextAlloc(context, sizeof(FmgrInfo));

		fmgr_info_cxt(F_HASH_RECORD_EXTENDED, function, context);
		return function;
	}
	entry = lookup_type_cache(type, TYPECACHE_HASH_EXTENDED_PROC_FINFO);
	if (!OidIsValid(entry->hash_extended_proc))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_FUNCTION),
				 errmsg("could not identify an extended hash function for type %s",
						format_type_be(type)),
				 errhint("Cast the value to text, or to another type whose equality can be hashed.")));
	return &entry->hash_extended_proc_finfo;
}

static void
prepare_function(HsgHllHasher *hasher, MemoryContext context)
{
	hasher->call = MemoryContextAllocZero(context, SizeForFunctionCallInfo(2));
	InitFunctionCallInfoData(*hasher->call, hash_function(hasher->type, context), 2,
							 hasher->collation, NULL, NULL);
	hasher->call->args[1].value = Int64GetDatum(0);
}

HsgHllHasher *
hsg_hll_hasher_make(FunctionCallInfo fcinfo, int n)
{
	MemoryContext context = fcinfo->flinfo->fn_mcxt;
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, n);
	HsgHllHasher *hasher;

	if (!OidIsValid(type))
		elog(ERROR, "could not determine the data type of argument %d", n);
	hasher = MemoryContextAllocZero(context, sizeof(HsgHllHasher));
	hasher->type = getBaseType(type);
	hasher->collation = PG_GET_COLLATION();
	hasher->kind = kind_of_type(hasher->type, hasher->collation);
	if (hasher->kind == HASH_FUNCTION)
		prepare_function(hasher, context);
	hasher->is_int64 = hasher->kind == HASH_INT64;
	fcinfo->flinfo->fn_extra = hasher;
	return hasher;
}

static uint64
hash_float(float8 value)
{
	int64		bits;

	if (value == 0)
		value = 0;				/* no negative zero */
	else if (isnan(value))
		value = get_float8_nan();
	memcpy(&bits, &value, sizeof(bits));
	return hs_hll_hash_int64(bits);
}

static uint64
hash_varlena(Datum value, bool padded)
{
	struct varlena *v = PG_DETOAST_DATUM_PACKED(value);
	const char *data = VARDATA_ANY(v);
	size_t		size = VARSIZE_ANY_EXHDR(v);
	uint64		hash;

	while (padded && size > 0 && data[size - 1] == ' ')
		size--;
	hash = hs_hll_hash(hs_bytes(data, size));
	if ((Pointer) v != DatumGetPointer(value))
		pfree(v);
	return hash;
}

static uint64
hash_enum(Datum value)
{
	HeapTuple	tuple = SearchSysCache1(ENUMOID, value);
	uint64		hash;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid internal value for enum: %u", DatumGetObjectId(value))));
	hash = hs_hll_hash(hs_bytes_str(NameStr(((Form_pg_enum) GETSTRUCT(tuple))->enumlabel)));
	ReleaseSysCache(tuple);
	return hash;
}

/* Mixed once more: how well the type's own function does is not known. */
static uint64
hash_by_function(HsgHllHasher *hasher, Datum value)
{
	FunctionCallInfo call = hasher->call;
	Datum		result;

	call->args[0].value = value;
	call->args[0].isnull = false;
	call->args[1].isnull = false;
	call->isnull = false;
	result = FunctionCallInvoke(call);
	return hs_hll_hash_int64(DatumGetInt64(result));
}

uint64
hsg_hll_hash_other(HsgHllHasher *hasher, Datum value)
{
	switch ((HashKind) hasher->kind)
	{
		case HASH_INT16:
			return hs_hll_hash_int64(DatumGetInt16(value));
		case HASH_INT32:
			return hs_hll_hash_int64(DatumGetInt32(value));
		case HASH_INT64:
			return hs_hll_hash_int64(DatumGetInt64(value));
		case HASH_OID:
			return hs_hll_hash_int64(DatumGetObjectId(value));
		case HASH_FLOAT4:
			return hash_float(DatumGetFloat4(value));
		case HASH_FLOAT8:
			return hash_float(DatumGetFloat8(value));
		case HASH_UUID:
			return hs_hll_hash(hs_bytes(DatumGetUUIDP(value)->data, UUID_LEN));
		case HASH_NAME:
			return hs_hll_hash(hs_bytes_str(NameStr(*DatumGetName(value))));
		case HASH_BYTES:
			return hash_varlena(value, false);
		case HASH_PADDED:
			return hash_varlena(value, true);
		case HASH_ENUM:
			return hash_enum(value);
		case HASH_FUNCTION:
			return hash_by_function(hasher, value);
	}
	pg_unreachable();
}
