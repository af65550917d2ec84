/*
 * cache_names.c
 *	  How values are written in names of keys and tags.
 *
 * Who changes a row and who asks for a result must come to the same name, so each value has one
 * text, whatever the session has set: dates and times as in ISO 8601 and UTC, numbers without
 * zeros at the end of a fraction, char(n) without blanks at the end, names of tables and the like
 * with their schema.
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "catalog/pg_am.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

#include "../engine/kvstring.h"
#include "invalidate.h"

/* What text depends on; the first ones are those of dates, times, floats and bytea. */
static const char *const fixed[][2] = {{"datestyle", "ISO"}, {"intervalstyle", "postgres"},
{"timezone", "UTC"}, {"extra_float_digits", "1"}, {"bytea_output", "hex"},
{"lc_monetary", "C"}, {"search_path", "pg_catalog"}, {"quote_all_identifiers", "off"}};

#define FIXED_OF_TIMES	5

static void
append_output(StringInfo out, Oid type, Datum d)
{
	Oid			output;
	bool		is_varlena;

	getTypeOutputInfo(type, &output, &is_varlena);
	appendStringInfoString(out, OidOutputFunctionCall(output, d));
}

/* The text that the type's output function gives where all settings are these. */
static void
append_settled(StringInfo out, Oid type, Datum d, int nsettings)
{
	int			nest = NewGUCNestLevel();

	for (int i = 0; i < nsettings; i++)
		(void) set_config_option(fixed[i][0], fixed[i][1], PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	append_output(out, type, d);
	AtEOXact_GUC(true, nest);
}

/* The usual types of keys directly: looking up an output function takes longer than all else. */
void
hsg_name_append(StringInfo out, Oid type, Datum d)
{
	uint8_t		digits[HS_INT_DIGITS];
	struct varlena *v;
	Oid			base;

	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
			appendBinaryStringInfo(out, (char *) digits,
								   (int) hs_int_format(type == INT8OID ? DatumGetInt64(d) :
													   type == INT4OID ? DatumGetInt32(d) :
													   DatumGetInt16(d), digits));
			return;
		case TEXTOID:
		case VARCHAROID:
			v = PG_DETOAST_DATUM_PACKED(d);
			appendBinaryStringInfo(out, VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v));
			return;
		case BPCHAROID:
			v = PG_DETOAST_DATUM_PACKED(d);
			appendBinaryStringInfo(out, VARDATA_ANY(v),
								   bpchartruelen(VARDATA_ANY(v), VARSIZE_ANY_EXHDR(v)));
			return;
		case NUMERICOID:
			append_output(out, type, DirectFunctionCall1(numeric_trim_scale, d));
			return;
		case UUIDOID:
		case BOOLOID:
		case NAMEOID:
		case OIDOID:
		case INETOID:
			append_output(out, type, d);
			return;
		case FLOAT4OID:
		case FLOAT8OID:
			/* zero has two signs, which are equal */
			if ((type == FLOAT8OID ? DatumGetFloat8(d) : DatumGetFloat4(d)) == 0)
			{
				appendStringInfoChar(out, '0');
				return;
			}
			/* FALLTHROUGH */
		case DATEOID:
		case TIMEOID:
		case TIMETZOID:
		case TIMESTAMPOID:
		case TIMESTAMPTZOID:
		case INTERVALOID:
		case BYTEAOID:
			append_settled(out, type, d, FIXED_OF_TIMES);
			return;
	}
	base = getBaseType(type);
	if (base != type)
		hsg_name_append(out, base, d);
	else if (type_is_enum(type))
		append_output(out, type, d);
	else
		append_settled(out, type, d, lengthof(fixed));
}

/* Have equal values the same bytes?  What an index asks before it stores them once. */
static bool
is_image_of_value(Oid type, Oid collation)
{
	Oid			opclass;
	Oid			input;
	Oid			proc;

	if (type_is_array(type))
		return is_image_of_value(getBaseType(get_element_type(type)), collation);
	opclass = GetDefaultOpClass(type, BTREE_AM_OID);
	if (!OidIsValid(opclass))
		return true;			/* what equals what, nobody knows */
	input = get_opclass_input_type(opclass);
	proc = get_opfamily_proc(get_opclass_family(opclass), input, input, BTEQUALIMAGE_PROC);
	return OidIsValid(proc) &&
		DatumGetBool(OidFunctionCall1Coll(proc, collation, ObjectIdGetDatum(input)));
}

bool
hsg_name_is_one(Oid type, Oid collation)
{
	type = getBaseType(type);
	if (type == BPCHAROID)
		type = TEXTOID;			/* as it is without blanks */
	return type == NUMERICOID || type == FLOAT4OID || type == FLOAT8OID ||
		is_image_of_value(type, collation);
}
