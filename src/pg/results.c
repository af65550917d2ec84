/*
 * results.c
 *	  Results of SQL functions: text, arrays, and the memory they take.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/memutils.h"

#include "hotset.h"

text *
hsg_text_result(const void *data, size_t size, bool verified)
{
	text	   *result;

	if (size > MaxAllocSize - VARHDRSZ)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("result is too long")));
	if (!verified)
		(void) pg_verifymbstr(data, (int) size, false);
	result = palloc(size + VARHDRSZ);
	SET_VARSIZE(result, size + VARHDRSZ);
	if (size > 0)
		memcpy(VARDATA(result), data, size);
	return result;
}

ArrayType *
hsg_array(Oid type, Datum *datums, bool *nulls, int n)
{
	int			lower = 1;
	int			size = -1;
	bool		by_value = true;
	char		align = TYPALIGN_INT;

	if (type == FLOAT8OID || type == INT8OID)
	{
		size = sizeof(float8);
		by_value = FLOAT8PASSBYVAL;
		align = TYPALIGN_DOUBLE;
	}
	else if (type == BOOLOID)
	{
		size = sizeof(bool);
		align = TYPALIGN_CHAR;
	}
	else
	{
		Assert(type == TEXTOID);
		by_value = false;
	}
	return construct_md_array(datums, nulls, 1, &n, &lower, type, size, by_value, align);
}

void *
hsg_alloc(size_t size)
{
	void	   *p;

	if (size > HSG_RESULT_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("result is too large"),
				 errdetail("It needs %zu bytes; the limit is %zu.", size, HSG_RESULT_MAX)));
	p = palloc_extended(Max(size, 1), MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
	if (p == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Failed on a result of %zu bytes.", size)));
	return p;
}
