/*
 * tag_sql.c
 *	  SQL functions on tags of keys.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "utils/builtins.h"

#include "../engine/tag.h"
#include "rows.h"

#define ON_STACK	1024		/* bytes of names that need no memory */
#define DEL_MAX		1024		/* tags deleted under all locks of the keyspace at once */

/*
 * Is not undone and not held back: cached results, which belong to transactions,
 * have kv_invalidate_tag.
 */
static Datum
del_tags(HsHandle *h, const HsBytes *tags, int ntags)
{
	uint64_t	deleted = 0;
	HsMulti		m;
	HsStatus	status;

	HSG_TRY_MULTI(status, m, h, NULL, 0, HS_EXCLUSIVE,
				  hs_tags_delete(&m, tags, ntags, &deleted));
	hsg_check(status, h, hs_bytes(NULL, 0), HS_STRING, HS_ANY);
	PG_RETURN_INT64((int64) deleted);
}

/* kv_del_tag(tag text) returns bigint: keys that had it */
PG_FUNCTION_INFO_V1(hotset_kv_del_tag);
Datum
hotset_kv_del_tag(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	HsBytes		tag;

	hsg_require(fcinfo, 0, "tag");
	tag = hsg_arg_bytes(fcinfo, 0);
	return del_tags(h, &tag, 1);
}

/* kv_del_tag(tags text[]) returns bigint: 54000 for more than DEL_MAX */
PG_FUNCTION_INFO_V1(hotset_kv_del_tags);
Datum
hotset_kv_del_tags(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	HsBytes    *tags;
	int			ntags;

	hsg_require(fcinfo, 0, "tags");
	ntags = hsg_arg_elements(fcinfo, 0, "tag", &tags);
	if (ntags > DEL_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("too many tags"),
				 errdetail("%d tags can be deleted at once.", DEL_MAX)));
	return del_tags(h, tags, ntags);
}

/* kv_tags(key text) returns text[]: in the order of their bytes */
PG_FUNCTION_INFO_V1(hotset_kv_tags);
Datum
hotset_kv_tags(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	uint8_t		stack[ON_STACK];
	HsItems		items = {.buf = stack,.capacity = sizeof(stack)};
	Datum		datums[HS_TAGS_MAX];
	size_t		pos = 0;
	HsBytes		key;
	HsBytes		tag;
	HsOp		op;
	HsStatus	status;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	key = hsg_arg_bytes(fcinfo, 0);
	HSG_TRY_ITEMS(status, op, h, key, HS_SHARED, &items, stack, hs_tags_of_key(&op, &items));
	if (status == HS_NOT_FOUND)
		PG_RETURN_NULL();
	hsg_check(status, h, key, HS_ANY, op.found_type);
	for (uint64_t i = 0; i < items.n; i++)
	{
		(void) hs_items_next(&items, &pos, &tag);
		datums[i] = PointerGetDatum(hsg_text_result(tag.data, tag.size, true));
	}
	PG_RETURN_ARRAYTYPE_P(hsg_array(TEXTOID, datums, NULL, (int) items.n));
}

/* kv_tag_count(tag text) returns bigint: what kv_del_tag would */
PG_FUNCTION_INFO_V1(hotset_kv_tag_count);
Datum
hotset_kv_tag_count(PG_FUNCTION_ARGS)
{
	HsHandle   *h = hsg_keyspace(fcinfo, 1);
	uint64_t	count = 0;
	HsBytes		tag;
	HsMulti		m;
	HsStatus	status;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	tag = hsg_arg_bytes(fcinfo, 0);
	HSG_TRY_MULTI(status, m, h, NULL, 0, HS_SHARED, (count = hs_tags_count(&m, tag), HS_OK));
	hsg_check(status, h, hs_bytes(NULL, 0), HS_STRING, HS_ANY);
	PG_RETURN_INT64((int64) count);
}
