/*
 * errors.c
 *	  Statuses of the engine become errors of PostgreSQL; keys become text that is
 *	  safe to show.
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "glue.h"

#define KEY_TEXT_BYTES	80		/* of a key shown in a message */

static const char *type_phrase(HsType type);
static void wrong_type(HsBytes key, HsType wanted, HsType found);
static void out_of_memory(HsHandle *h);

void
hsg_check_failed(HsStatus status, HsHandle *h, HsBytes key, HsType wanted, HsType found)
{
	switch (status)
	{
		case HS_OK:
			return;
		case HS_NOT_FOUND:
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("key \"%s\" does not exist", hsg_key_text(key))));
			break;
		case HS_WRONG_TYPE:
			wrong_type(key, wanted, found);
			break;
		case HS_NOT_INTEGER:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("value of key \"%s\" is not an integer", hsg_key_text(key)),
					 errdetail("Counters are decimal integers of 64 bits.")));
			break;
		case HS_NOT_FLOAT:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("value of key \"%s\" is not a number", hsg_key_text(key))));
			break;
		case HS_OVERFLOW:
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("counter out of range"),
					 errdetail("The value of key \"%s\" would not fit into 64 bits.",
							   hsg_key_text(key))));
			break;
		case HS_NOT_A_NUMBER:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("score is not a number"),
					 errdetail("Neither a score nor the result of adding to one can be NaN.")));
			break;
		case HS_BAD_ARGUMENT:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument out of range")));
			break;
		case HS_KEY_TOO_LONG:
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("key is too long"),
					 errdetail("Keys, members and fields have at most %d bytes.",
							   HS_MAX_KEY)));
			break;
		case HS_MEMBER_TOO_LONG:
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("%s is too long", wanted == HS_HASH ? "field" : "member"),
					 errdetail("Keys, members and fields have at most %d bytes.",
							   HS_MAX_KEY)));
			break;
		case HS_VALUE_TOO_LONG:
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("value is too long"),
					 errdetail("Values have at most %d bytes.", hsg_max_value),
					 errhint("Increase \"hotset.max_value\".")));
			break;
		case HS_NO_MEMORY:
			out_of_memory(h);
			break;
		case HS_GONE:
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("keyspace \"%s\" was dropped", hsg_keyspace_name(h))));
			break;
		case HS_CORRUPT:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
					 errmsg("serialized value is damaged or of an unknown version")));
			break;
		case HS_LIMIT:
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("key \"%s\" cannot grow any further", hsg_key_text(key))));
			break;
		case HS_INTERRUPTED:
		case HS_DUE:
		case HS_NOT_TEXT:
		case HS_BUFFER_TOO_SMALL:
			break;				/* the caller deals with it */
	}
	elog(ERROR, "unexpected status %d of hotset", (int) status);
}

void
hsg_check_open(HsStatus status, const char *keyspace)
{
	switch (status)
	{
		case HS_OK:
			return;
		case HS_LIMIT:
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("too many keyspaces"),
					 errdetail("Keyspace \"%s\" does not fit into the table of all databases' keyspaces.",
							   keyspace),
					 errhint("Drop keyspaces that are not needed, or increase \"hotset.memory\": there is room for two per megabyte, up to %d.",
							 HS_MAX_KEYSPACES)));
			break;
		case HS_NO_MEMORY:
			ereport(ERROR,
					(errcode(ERRCODE_OUT_OF_MEMORY),
					 errmsg("out of memory in keyspace \"%s\"", keyspace),
					 errdetail("No memory is left to begin a keyspace."),
					 errhint("Increase \"hotset.memory\".")));
			break;
		default:
			elog(ERROR, "could not open keyspace \"%s\": status %d", keyspace, (int) status);
	}
}

/*
 * Which limit was met: the keyspace's cap, or all of the region?  What was
 * asked for may have been much, so being near the cap is not the test.
 */
static void
out_of_memory(HsHandle *h)
{
	HsKeyspaceOptions opts;
	HsStats		stats;
	bool		region_is_full;

	if (hs_stats(h, &stats) != HS_OK)
		hsg_check_failed(HS_GONE, h, hs_bytes(NULL, 0), HS_ANY, HS_ANY);
	hs_keyspace_options(h, &opts);
	region_is_full = opts.memory == 0 ||
		atomic_load(&hs_region->free_segs) <= hs_region->reserve_segs;

	ereport(ERROR,
			(errcode(ERRCODE_OUT_OF_MEMORY),
			 errmsg("out of memory in keyspace \"%s\"", hsg_keyspace_name(h)),
			 errdetail("It uses %llu of at most %llu bytes.",
					   (unsigned long long) stats.bytes,
					   (unsigned long long) stats.limit),
			 region_is_full ?
			 errhint("Increase \"hotset.memory\", or let the keyspace evict keys with the option eviction 's3fifo'.") :
			 errhint("Increase the option \"memory\" of the keyspace, or let it evict keys with the option eviction 's3fifo'.")));
}

static void
wrong_type(HsBytes key, HsType wanted, HsType found)
{
	if (wanted == HS_ANY)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("key \"%s\" holds a %s", hsg_key_text(key), type_phrase(found)),
				 errdetail("This operation does not work on that type.")));
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("key \"%s\" holds a %s, not a %s",
					hsg_key_text(key), type_phrase(found), type_phrase(wanted))));
}

/* In a sentence, after "a". */
static const char *
type_phrase(HsType type)
{
	switch (type)
	{
		case HS_STRING:
			return "string";
		case HS_HASH:
			return "hash";
		case HS_LIST:
			return "list";
		case HS_SET:
			return "set";
		case HS_ZSET:
			return "sorted set";
		case HS_STREAM:
			return "stream";
		case HS_HLL:
			return "HyperLogLog";
		case HS_CACHED:
			return "cached result";
		default:
			return "value of another type";
	}
}

/*
 * ---- Text ------------------------------------------------------------------------
 */

/* Beginning of a key, in the database encoding, control characters escaped. */
const char *
hsg_key_text(HsBytes key)
{
	int			encoding = GetDatabaseEncoding();
	size_t		pos = 0;
	StringInfoData s;

	initStringInfo(&s);
	while (pos < key.size && pos < KEY_TEXT_BYTES)
	{
		const char *p = (const char *) key.data + pos;
		int			len = pg_encoding_verifymbchar(encoding, p, (int) Min(key.size - pos, 16));

		if (len <= 0 || (len == 1 && ((uint8_t) *p < 0x20 || *p == 0x7f)))
		{
			appendStringInfo(&s, "\\x%02x", (uint8_t) *p);
			len = 1;
		}
		else
			appendBinaryStringInfo(&s, p, len);
		pos += len;
	}
	if (pos < key.size)
		appendStringInfoString(&s, "...");
	return s.data;
}
