/*
 * keyspace_options.c
 *	  Options of a keyspace: what CREATE and ALTER SERVER accept, and what it
 *	  means.
 *
 * The validator and the reader are the same code, so nothing is stored that
 * could not be read.  A cap is not compared with hotset.memory: a dump must
 * load on a smaller server.
 */
#include "postgres.h"

#include <math.h>

#include "access/reloptions.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "commands/defrem.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "glue.h"

#define MIN_KEYSPACE_MB		1	/* what the engine makes of less is no use */

typedef void (*OptionReader) (DefElem *option, HsKeyspaceOptions *out);

static void read_memory(DefElem *option, HsKeyspaceOptions *out);
static void read_eviction(DefElem *option, HsKeyspaceOptions *out);
static void read_default_ttl(DefElem *option, HsKeyspaceOptions *out);
static void read_transactional(DefElem *option, HsKeyspaceOptions *out);
static void read_durability(DefElem *option, HsKeyspaceOptions *out);
pg_noreturn static void invalid_value(DefElem *option, const char *valid);
pg_noreturn static void not_supported(DefElem *option, const char *hint);

static const struct
{
	const char *name;
	OptionReader read;
}			server_options[] =
{
	{"memory", read_memory},
	{"eviction", read_eviction},
	{"default_ttl", read_default_ttl},
	{"transactional", read_transactional},
	{"durability", read_durability},
};

PG_FUNCTION_INFO_V1(hotset_fdw_validator);

static void
read_server_option(DefElem *option, HsKeyspaceOptions *out)
{
	StringInfoData names;

	for (size_t i = 0; i < lengthof(server_options); i++)
	{
		if (strcmp(option->defname, server_options[i].name) == 0)
		{
			server_options[i].read(option, out);
			return;
		}
	}

	initStringInfo(&names);
	for (size_t i = 0; i < lengthof(server_options); i++)
		appendStringInfo(&names, "%s%s", i == 0 ? "" : ", ", server_options[i].name);
	ereport(ERROR,
			(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
			 errmsg("invalid option \"%s\"", option->defname),
			 errhint("Valid options of a keyspace are: %s.", names.data)));
}

void
hsg_options_read(List *options, HsKeyspaceOptions *out)
{
	ListCell   *cell;

	memset(out, 0, sizeof(*out));
	out->eviction = HS_EVICT_NONE;
	foreach(cell, options)
		read_server_option(lfirst_node(DefElem, cell), out);
}

/* hotset_fdw_validator(options text[], catalog oid) returns void */
Datum
hotset_fdw_validator(PG_FUNCTION_ARGS)
{
	List	   *options = untransformRelOptions(PG_GETARG_DATUM(0));
	Oid			catalog = PG_GETARG_OID(1);
	HsKeyspaceOptions ignored;

	if (catalog == ForeignTableRelationId)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("foreign tables of a keyspace are not supported")));
	if (catalog == ForeignServerRelationId)
		hsg_options_read(options, &ignored);
	else if (options != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
				 errmsg("invalid option \"%s\"",
						linitial_node(DefElem, options)->defname),
				 errhint("Only servers of this foreign-data wrapper have options.")));
	PG_RETURN_VOID();
}

static void
invalid_value(DefElem *option, const char *valid)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid value for option \"%s\": \"%s\"",
					option->defname, defGetString(option)),
			 errhint("%s", valid)));
}

static void
not_supported(DefElem *option, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("option \"%s\" does not support \"%s\" yet",
					option->defname, defGetString(option)),
			 errhint("%s", hint)));
}

static void
read_memory(DefElem *option, HsKeyspaceOptions *out)
{
	static const char *const valid =
		"Give a size from 1MB to 128GB with its unit, such as \"64MB\" or \"2GB\".";
	const char *value = defGetString(option);
	double		bytes;

	StaticAssertStmt(HS_MAX_REGION == UINT64_C(128) << 30, "as the hint says");
	/* a bare number would leave open whether it counts bytes or megabytes */
	if (strspn(value, "0123456789. ") == strlen(value) ||
		!parse_real(value, &bytes, GUC_UNIT_BYTE, NULL) ||
		!(bytes >= (double) MIN_KEYSPACE_MB * 1024 * 1024) ||
		bytes > (double) HS_MAX_REGION)
		invalid_value(option, valid);
	out->memory = (uint64_t) bytes;
}

static void
read_eviction(DefElem *option, HsKeyspaceOptions *out)
{
	const char *value = defGetString(option);

	if (strcmp(value, "none") == 0)
		out->eviction = HS_EVICT_NONE;
	else if (strcmp(value, "s3fifo") == 0)
		out->eviction = HS_EVICT_S3FIFO;
	else if (strcmp(value, "ttl") == 0)
		out->eviction = HS_EVICT_TTL;
	else
		invalid_value(option, "Valid values are: none, s3fifo, ttl.");
}

static void
read_default_ttl(DefElem *option, HsKeyspaceOptions *out)
{
	Datum		interval = DirectFunctionCall3(interval_in,
											   CStringGetDatum(defGetString(option)),
											   ObjectIdGetDatum(InvalidOid),
											   Int32GetDatum(-1));
	int64_t		ttl_us = hsg_interval_us(DatumGetIntervalP(interval));

	if (ttl_us <= 0)
		invalid_value(option, "Give an interval greater than zero, such as \"1 hour\".");
	out->default_ttl_us = ttl_us == HS_NEVER ? 0 : ttl_us;
}

static void
read_transactional(DefElem *option, HsKeyspaceOptions *out)
{
	bool		on;

	if (!parse_bool(defGetString(option), &on))
		invalid_value(option, "Valid values are: off.");
	if (on)
		not_supported(option, "The only supported value is \"off\".");
}

static void
read_durability(DefElem *option, HsKeyspaceOptions *out)
{
	const char *value = defGetString(option);

	if (strcmp(value, "none") == 0)
		return;
	if (strcmp(value, "snapshot") == 0 || strcmp(value, "logged") == 0)
		not_supported(option, "The only supported value is \"none\".");
	invalid_value(option, "Valid values are: none.");
}
