/*
 * session.c
 *	  What of a session decides the results of queries, as hashes.
 *
 * Nobody tells when a setting changes: SET, SET LOCAL, set_config(), functions with settings of
 * their own, rollbacks and reloads all write the variable behind it.  So each call compares all of them
 * with what they were when the hashes were made.  Texts are compared, not their
 * addresses: a new value may lie where an old one was.  Comparing takes a quarter of the
 * instructions of hashing.
 */
#include "postgres.h"

#include "access/gin.h"
#include "catalog/namespace.h"
#include "miscadmin.h"
#include "parser/parse_expr.h"
#include "parser/parser.h"
#include "pgtime.h"
#include "tsearch/ts_cache.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/xml.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "session.h"

/*
 * Variables of the settings DateStyle (two), IntervalStyle, extra_float_digits, bytea_output, xmlbinary,
 * xmloption, array_nulls, transform_null_equals, standard_conforming_strings, backslash_quote,
 * quote_all_identifiers, gin_fuzzy_search_limit, row_security.
 */
#define NUMBERS(X) \
	X(DateStyle) X(DateOrder) X(IntervalStyle) X(extra_float_digits) X(bytea_output) \
	X(xmlbinary) X(xmloption) X(Array_nulls) X(Transform_null_equals) \
	X(standard_conforming_strings) X(backslash_quote) X(quote_all_identifiers) \
	X(GinFuzzySearchLimit) X(row_security)

/* Of those that are text; the last one is not among HsgSession.settings. */
enum
{
	TIMEZONE_ABBREVIATIONS, LC_OF_MONEY, LC_OF_NUMBERS, LC_OF_TIMES, TEXT_SEARCH_CONFIG, SEARCH_PATH, NTEXTS
};

static char *const *texts[NTEXTS] = {NULL, &locale_monetary, &locale_numeric, &locale_time,
&TSCurrentConfig, &namespace_search_path};

/* Values that 'session' was made from. */
typedef struct Known
{
#define FIELD(variable) int variable;
	NUMBERS(FIELD)
	const pg_tz *zone;			/* TimeZone; zones that were used stay where they are */
	char	   *texts[NTEXTS];	/* may be NULL, as *texts[] may */
} Known;

static Known known;
static bool is_known = false;
static char *known_bytes = NULL;	/* known.texts point into it */
static HsgSession session;

static bool has_changed(void);
static void learn(void);
static void find_abbreviations(void);

HsgDigest
hsg_digest(const void *data, size_t size)
{
	XXH128_hash_t hash = XXH3_128bits_withSeed(data, size, hs_region->seed);

	return (HsgDigest) {hash.low64, hash.high64};
}

HsgDigest
hsg_arg_digest(FunctionCallInfo fcinfo, int n)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(n);

	if (ARR_NDIM(array) == 0)
		return (HsgDigest) {0, 0};
	return hsg_digest(array, VARSIZE(array));
}

const HsgSession *
hsg_session(void)
{
	if (unlikely(!is_known || has_changed()))
		learn();
	return &session;
}

static inline bool
same_text(const char *a, const char *b)
{
	if (unlikely(a == NULL || b == NULL))
		return a == b;
	return strcmp(a, b) == 0;
}

static inline bool
has_changed(void)
{
	int			diff = 0;

#define DIFFER(variable) diff |= (int) variable ^ known.variable;
	NUMBERS(DIFFER)
	if (diff != 0 || session_timezone != known.zone)
		return true;
	for (int i = 0; i < NTEXTS; i++)
		if (!same_text(*texts[i], known.texts[i]))
			return true;
	return false;
}

/*
 * Write all values one after the other, and hash them.  Texts end with a zero, and
 * begin with 'n' if they are NULL, so no two states look alike.
 */
static void
learn(void)
{
	const char *zone = pg_get_timezone_name(session_timezone);
	size_t		size = sizeof(known) + strlen(zone) + 1;
	size_t		before_path = 0;
	char	   *at;

	is_known = false;
	if (texts[TIMEZONE_ABBREVIATIONS] == NULL)
		find_abbreviations();
	for (int i = 0; i < NTEXTS; i++)
		size += 2 + (*texts[i] != NULL ? strlen(*texts[i]) : 0);
	if (known_bytes != NULL)
		pfree(known_bytes);
	known_bytes = NULL;
	known_bytes = at = MemoryContextAlloc(TopMemoryContext, size);

#define LEARN(variable) \
	known.variable = (int) variable; \
	memcpy(at, &known.variable, sizeof(int)); \
	at += sizeof(int);
	NUMBERS(LEARN)
	known.zone = session_timezone;
	strcpy(at, zone);
	at += strlen(at) + 1;
	for (int i = 0; i < NTEXTS; i++)
	{
		const char *text = *texts[i];

		if (i == SEARCH_PATH)
			before_path = at - known_bytes;
		*at++ = text == NULL ? 'n' : 't';
		known.texts[i] = text == NULL ? NULL : at;
		strcpy(at, text == NULL ? "" : text);
		at += strlen(at) + 1;
	}
	session.settings = hsg_digest(known_bytes, before_path);
	session.all = hsg_digest(known_bytes, at - known_bytes);
	is_known = true;
}

/* The one variable that is nobody's but the settings'.  It stays where it is. */
static void
find_abbreviations(void)
{
	int			n;
	struct config_generic **all = hsg_guc_variables(&n);

	for (int i = 0; i < n; i++)
	{
		if (strcmp(all[i]->name, "timezone_abbreviations") != 0)
			continue;
		Assert(all[i]->vartype == PGC_STRING);
		texts[TIMEZONE_ABBREVIATIONS] = ((struct config_string *) all[i])->variable;
		return;
	}
	elog(ERROR, "there is no setting \"timezone_abbreviations\"");
}
