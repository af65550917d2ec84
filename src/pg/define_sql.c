/*
 * define_sql.c
 *	  kv_define: cached queries with a name, shared by roles.
 *
 * A definition is a row of the table hotset_definition, and whom it is granted to are rows of
 * another one; pg_dump carries both, but not those of roles that are gone.  Its query
 * runs with the rights of the owner of the definition and the search path of the time when it was
 * made, whoever asks; asking takes that one is the owner or was granted it.  Results depend
 * on definition and arguments alone, so they are shared by all.
 *
 * Backends keep definitions they have used until one of the tables changes: triggers on them
 * send a relation cache invalidation of the first.
 */
#include "postgres.h"

#include <ctype.h>

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "fetch.h"
#include "glue.h"

static const char *const kinds[] = {"text", "bytea", "jsonb", "row", "rows"};

/* A literal, and the argument that follows it. */
typedef struct Piece
{
	HsBytes		literal;
	long		arg;			/* from 1; 0 for none */
} Piece;

/* 'user:{1}', taken apart when the definition is read: doing so each time took 500 instructions of a hit. */
typedef struct Template
{
	char	   *text;
	Piece	   *pieces;
	int			npieces;
} Template;

/* What a result depends on. */
typedef struct Templates
{
	Template	key;
	Template   *tags;
	int			ntags;
} Templates;

typedef struct Definition
{
	NameData	name;			/* key of the table */
	bool		is_loaded;
	Oid			owner;
	bool		owner_was_there;	/* when the definition was read */
	Oid		   *granted;		/* InvalidOid: everybody */
	int			ngranted;
	HsgQueryAs	as;
	char	   *query;
	Templates	templates;
	int64		ttl_us;			/* 0: the keyspace's */
	int64		soft_ttl_us;
	int64		wait_us;
	bool		rls_covered;
	char	   *search_path;
	char	   *keyspace;
	HsHandle   *handle;			/* of the keyspace for the owner, or NULL */
	HsgDigest	digest;			/* of all that decides a result, beside settings and arguments */
	HsBytes		prefix;			/* of the names of its results */
	MemoryContext memory;		/* of all this */
} Definition;

static HTAB *definitions = NULL;
static Definition *last_definition = NULL;	/* the one asked for last, or NULL */
static Oid	table_oid = InvalidOid;
static Oid	our_function = InvalidOid;	/* that was called: in the schema of the extension */
static uint64 epoch = 0;		/* changes of the table so far */

static Oid	definition_table(void);
static Definition *definition_of(text *name);
static Definition *find_definition(const char *name);
static bool load_definition(Definition *d, const char *name);
static void read_row(Definition *d, HeapTuple row, TupleDesc desc);
static void check_access(const Definition *d);
static long template_argument(const char *brace, char **end);
static void check_template(HsBytes bytes);
static void template_read(Template *t, char *text);
static size_t rendered_size(const Template *t, const HsgQuery *q);
static void render(const Template *t, const HsgQuery *q, char *to);
static void digest_definition(Definition *d);
static void forget(Datum arg, Oid relation);
static Datum fetch_definition(FunctionCallInfo fcinfo, HsCachedKind kind);
static void fetch_name(FunctionCallInfo fcinfo, const Definition *d, HsgFetch *f);
static HsHandle *keyspace_of(Definition *d);
static void fetch_rest(const Definition *d, HsgFetch *f, Templates *t);
static char *current_path(void);
static char *our_table(const char *name);
static void as_table_owner(const char *command, int nargs, Oid *types, Datum *values, const char *nulls,
						   bool is_read);

/*
 * ---- Finding a definition ------------------------------------------------------
 */

static Oid
definition_table(void)
{
	return get_relname_relid("hotset_definition", get_func_namespace(our_function));
}

/* The table has changed, or everything may have. */
static void
forget(Datum arg, Oid relation)
{
	HASH_SEQ_STATUS scan;
	Definition *d;

	if (definitions == NULL || (OidIsValid(relation) && relation != table_oid))
		return;
	epoch++;
	hash_seq_init(&scan, definitions);
	while ((d = hash_seq_search(&scan)) != NULL)
		d->is_loaded = false;
}

/* The one asked for last is found by comparing its name. */
static Definition *
definition_of(text *name)
{
	Definition *d = last_definition;
	size_t		size = VARSIZE_ANY_EXHDR(name);

	AcceptInvalidationMessages();
	if (d == NULL || !d->is_loaded || size >= NAMEDATALEN || NameStr(d->name)[size] != '\0' ||
		memcmp(NameStr(d->name), VARDATA_ANY(name), size) != 0)
		d = find_definition(text_to_cstring(name));
	return last_definition = d;
}

static Definition *
find_definition(const char *name)
{
	NameData	key;
	Definition *d;
	bool		found;

	hsg_require_preload();
	AcceptInvalidationMessages();
	if (definitions == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(NameData),.entrysize = sizeof(Definition),
		.hcxt = TopMemoryContext};

		definitions = hash_create("hotset definitions", 32, &ctl,
								  HASH_ELEM | HASH_STRINGS | HASH_CONTEXT);
		CacheRegisterRelcacheCallback(forget, (Datum) 0);
	}
	namestrcpy(&key, name);
	d = hash_search(definitions, NameStr(key), HASH_ENTER, &found);
	if (!found)
	{
		d->is_loaded = false;
		d->memory = NULL;
	}
	if (d->is_loaded)
		return d;
	if (strcmp(NameStr(key), name) == 0 && load_definition(d, name))
		return d;
	if (d->memory != NULL)
		MemoryContextDelete(d->memory);
	last_definition = NULL;
	(void) hash_search(definitions, NameStr(key), HASH_REMOVE, NULL);
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("cached query \"%s\" is not defined", name),
			 errhint("Use kv_define.")));
	return NULL;
}

/* As the owner of the table, for nobody else may read it. */
static bool
load_definition(Definition *d, const char *name)
{
	Datum		arg = CStringGetTextDatum(name);
	Oid			type = TEXTOID;
	MemoryContext fresh = AllocSetContextCreate(CurrentMemoryContext, "hotset definition",
												ALLOCSET_SMALL_SIZES);
	uint64		before = epoch;
	bool		found;

	table_oid = definition_table();
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	/* what is kept must not be what an old snapshot sees */
	PushActiveSnapshot(GetLatestSnapshot());
	as_table_owner(psprintf("SELECT owner::oid,"
							" ARRAY(SELECT role::oid FROM %s AS g WHERE g.name = d.name AND g.owner = d.owner),"
							" returns, query, key, tags, ttl, soft_ttl, wait, rls_covered, search_path, keyspace"
							" FROM %s AS d WHERE name = $1",
							our_table("hotset_definition_grant"), our_table("hotset_definition")),
				   1, &type, &arg, NULL, true);
	PopActiveSnapshot();
	found = SPI_processed == 1;
	if (found)
	{
		MemoryContext caller = MemoryContextSwitchTo(fresh);

		read_row(d, SPI_tuptable->vals[0], SPI_tuptable->tupdesc);
		MemoryContextSwitchTo(caller);
		MemoryContextSetParent(fresh, TopMemoryContext);
		if (d->memory != NULL)
			MemoryContextDelete(d->memory);
		d->memory = fresh;
		/* if it has changed meanwhile, this one is good for this call */
		d->is_loaded = epoch == before;
	}
	SPI_finish();
	return found;
}

static char *
text_column(HeapTuple row, TupleDesc desc, int n)
{
	char	   *s = SPI_getvalue(row, desc, n);

	return s == NULL ? NULL : MemoryContextStrdup(CurrentMemoryContext, s);
}

static int64
interval_column(HeapTuple row, TupleDesc desc, int n, int64 (*us) (const Interval *), int64 none)
{
	bool		is_null;
	Datum		d = SPI_getbinval(row, desc, n, &is_null);

	return is_null ? none : us(DatumGetIntervalP(d));
}

/* Into the current memory context. */
static void
read_row(Definition *d, HeapTuple row, TupleDesc desc)
{
	bool		is_null;
	char	   *kind = text_column(row, desc, 3);
	Templates  *t = &d->templates;
	Datum	   *elems;
	Datum		array;
	int			n;

	d->owner = DatumGetObjectId(SPI_getbinval(row, desc, 1, &is_null));
	d->owner_was_there = SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(d->owner));
	d->ngranted = 0;
	array = SPI_getbinval(row, desc, 2, &is_null);
	if (!is_null)
	{
		deconstruct_array(DatumGetArrayTypeP(array), OIDOID, sizeof(Oid), true, TYPALIGN_INT,
						  &elems, NULL, &n);
		d->granted = palloc(sizeof(Oid) * Max(n, 1));
		for (int i = 0; i < n; i++)
			d->granted[d->ngranted++] = DatumGetObjectId(elems[i]);
	}
	d->as = HSG_QUERY_TEXT;
	for (int i = 0; i < lengthof(kinds); i++)
		if (strcmp(kinds[i], kind) == 0)
			d->as = (HsgQueryAs) i;
	d->query = text_column(row, desc, 4);
	template_read(&t->key, text_column(row, desc, 5));
	t->tags = NULL;
	t->ntags = 0;
	array = SPI_getbinval(row, desc, 6, &is_null);
	if (!is_null)
	{
		deconstruct_array(DatumGetArrayTypeP(array), TEXTOID, -1, false, TYPALIGN_INT,
						  &elems, NULL, &n);
		t->tags = palloc(sizeof(Template) * Max(n, 1));
		for (int i = 0; i < n; i++)
			template_read(&t->tags[t->ntags++], TextDatumGetCString(elems[i]));
	}
	d->ttl_us = interval_column(row, desc, 7, hsg_fetch_ttl, 0);
	d->soft_ttl_us = interval_column(row, desc, 8, hsg_fetch_ttl, HS_NEVER);
	d->wait_us = interval_column(row, desc, 9, hsg_fetch_wait, HSG_FETCH_WAIT_US);
	d->rls_covered = DatumGetBool(SPI_getbinval(row, desc, 10, &is_null));
	d->search_path = text_column(row, desc, 11);
	d->keyspace = text_column(row, desc, 12);
	d->handle = NULL;
	digest_definition(d);
}

/* Needs the rest of it, and allocates. */
static void
digest_definition(Definition *d)
{
	const Templates *t = &d->templates;
	StringInfoData s;
	char	   *prefix = psprintf("%cdef:%s:", HSG_FETCH_MARK, NameStr(d->name));

	d->prefix = hs_bytes(prefix, strlen(prefix));
	initStringInfo(&s);
	appendBinaryStringInfo(&s, (const char *) &d->as, sizeof(d->as));
	appendBinaryStringInfo(&s, (const char *) &d->owner, sizeof(d->owner));
	appendBinaryStringInfo(&s, (const char *) &d->rls_covered, sizeof(d->rls_covered));
	appendBinaryStringInfo(&s, d->query, (int) strlen(d->query) + 1);
	appendBinaryStringInfo(&s, d->search_path, (int) strlen(d->search_path) + 1);
	appendBinaryStringInfo(&s, t->key.text, (int) strlen(t->key.text) + 1);
	for (int i = 0; i < t->ntags; i++)
		appendBinaryStringInfo(&s, t->tags[i].text, (int) strlen(t->tags[i].text) + 1);
	d->digest = hsg_digest(s.data, s.len);
	pfree(s.data);
}

static void
check_access(const Definition *d)
{
	if (has_privs_of_role(GetUserId(), d->owner))
		return;
	for (int i = 0; i < d->ngranted; i++)
	{
		if (!OidIsValid(d->granted[i]) || has_privs_of_role(GetUserId(), d->granted[i]))
			return;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("permission denied for cached query \"%s\"", NameStr(d->name)),
			 errhint("Its owner can use kv_define_grant.")));
}

/*
 * ---- Fetching ------------------------------------------------------------------
 */

/* kv_fetch_def(name text, VARIADIC args text[]) returns text */
HSG_FORM(hotset_kv_fetch_def, fetch_definition(fcinfo, HS_CACHED_TEXT))

/* kv_fetch_def_bytea(name text, VARIADIC args text[]) returns bytea */
HSG_FORM(hotset_kv_fetch_def_bytea, fetch_definition(fcinfo, HS_CACHED_BYTEA))

/* kv_fetch_def_jsonb(name text, VARIADIC args text[]) returns jsonb */
HSG_FORM(hotset_kv_fetch_def_jsonb, fetch_definition(fcinfo, HS_CACHED_JSONB))

static HsBytes
rendered(const Template *t, const HsgQuery *q)
{
	size_t		size = rendered_size(t, q);
	char	   *name = palloc(Max(size, 1));

	render(t, q, name);
	return hs_bytes(name, size);
}

static void
deps_of(HsgDeps *deps, const Templates *t, const HsgQuery *q)
{
	HsBytes    *tags = palloc(Max(t->ntags, 1) * sizeof(HsBytes));

	for (int i = 0; i < t->ntags; i++)
		tags[i] = rendered(&t->tags[i], q);
	hsg_deps(deps, rendered(&t->key, q), tags, t->ntags);
}

/*
 * What is asked for with '042' changes with row 42.  The result depends on the names as rows have
 * them, too, which are known only once the types of the arguments are: hits need not find out.
 */
static bool
add_deps(HsgFetch *f)
{
	uint32_t	asked = f->deps.slot[0];
	HsgQuery	q = f->query;

	q.args = q.names;
	deps_of(&f->deps, f->templates, &q);
	if (f->deps.slot[0] == asked)
		return true;
	if (f->deps.n == HS_CACHED_DEPS)
		return false;
	memmove(&f->deps.slot[1], &f->deps.slot[0], f->deps.n++ * sizeof(uint32_t));
	f->deps.slot[0] = asked;
	return true;
}

static Datum
fetch_definition(FunctionCallInfo fcinfo, HsCachedKind kind)
{
	HsgFetch	f;
	Templates	t;
	Definition *d;

	our_function = fcinfo->flinfo->fn_oid;
	hsg_require(fcinfo, 0, "name");
	d = definition_of(PG_GETARG_TEXT_PP(0));
	check_access(d);
	if (!d->owner_was_there)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("owner of cached query \"%s\" does not exist", NameStr(d->name)),
				 errhint("The role was dropped. A superuser can use kv_undefine.")));
	fetch_name(fcinfo, d, &f);
	f.h = keyspace_of(d);
	if (!hsg_fetch_look(&f))
	{
		fetch_rest(d, &f, &t);
		hsg_fetch_compute(&f);
	}
	if (hsg_fetch_is_null(&f))
		PG_RETURN_NULL();
	return hsg_fetch_datum(&f, kind);
}

static void
fetch_name(FunctionCallInfo fcinfo, const Definition *d, HsgFetch *f)
{
	struct
	{
		HsgDigest	settings;
		HsgDigest	definition;
		HsgDigest	args;
	}			all = {.settings = hsg_session()->settings,.definition = d->digest};

	f->query.nargs = 0;
	f->query.nulls = NULL;
	if (PG_NARGS() > 1 && !PG_ARGISNULL(1))
	{
		f->query.nargs = hsg_arg_array(fcinfo, 1, &f->query.args, &f->query.nulls);
		all.args = hsg_arg_digest(fcinfo, 1);
	}
	render(&d->templates.key, &f->query,
		   hsg_fetch_name(f, d->prefix, hsg_digest(&all, sizeof(all)), rendered_size(&d->templates.key, &f->query)));
}

/* The keyspace is the owner's to use. */
static HsHandle *
keyspace_of(Definition *d)
{
	Oid			user;
	int			context;

	if (d->handle != NULL && hsg_keyspace_still(d->handle, d->owner))
		return d->handle;
	GetUserIdAndSecContext(&user, &context);
	SetUserIdAndSecContext(d->owner, context | SECURITY_LOCAL_USERID_CHANGE);
	d->handle = hsg_keyspace_named(d->keyspace);
	SetUserIdAndSecContext(user, context);
	return d->handle;
}

/* What a hit does not need, copied: while the query runs, the definition may be forgotten. */
static void
fetch_rest(const Definition *d, HsgFetch *f, Templates *t)
{
	template_read(&t->key, pstrdup(d->templates.key.text));
	t->ntags = d->templates.ntags;
	t->tags = palloc(Max(t->ntags, 1) * sizeof(Template));
	for (int i = 0; i < t->ntags; i++)
		template_read(&t->tags[i], pstrdup(d->templates.tags[i].text));
	deps_of(&f->deps, t, &f->query);
	f->add_deps = f->query.nargs > 0 ? add_deps : NULL;
	f->templates = t;
	f->query.as = d->as;
	f->query.text = hs_bytes(pstrdup(d->query), strlen(d->query));
	f->query.names = NULL;
	f->ttl_us = d->ttl_us != 0 ? d->ttl_us : hsg_fetch_default_ttl(f->h);
	f->soft_ttl_us = d->soft_ttl_us;
	f->wait_us = d->wait_us;
	f->rls_covered = d->rls_covered;
	f->run_as = d->owner;
	f->search_path = pstrdup(d->search_path);
}

/*
 * ---- Templates -----------------------------------------------------------------
 */

/* The number of an argument at a brace, *end behind it; 0 if there is none. */
static long
template_argument(const char *brace, char **end)
{
	long		n;

	if (!isdigit((unsigned char) brace[1]))
		return 0;
	n = strtol(brace + 1, end, 10);
	if (**end != '}')
		return 0;
	(*end)++;
	return n;
}

/*
 * Braces hold numbers of arguments.  What looks like a column of kv_watch must not be taken
 * as it stands: all results would have one key, which no row ever makes void.
 */
static void
check_template(HsBytes bytes)
{
	const char *template = pnstrdup((const char *) bytes.data, bytes.size);
	char	   *end;

	for (const char *p = template; (p = strchr(p, '{')) != NULL; p = end)
		if (template_argument(p, &end) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid template: \"%s\"", template),
					 errdetail("Braces hold the number of an argument, from 1 on: \"user:{1}\".")));
}

/* Into the current memory context; keeps the text. */
static void
template_read(Template *t, char *text)
{
	const char *start = text;
	char	   *end;

	t->text = text;
	t->pieces = palloc(sizeof(Piece) * (strlen(text) / 3 + 1));
	t->npieces = 0;
	for (const char *p = text; (p = strchr(p, '{')) != NULL;)
	{
		long		n = template_argument(p, &end);

		if (n == 0)
		{
			p++;
			continue;
		}
		t->pieces[t->npieces++] = (Piece) {hs_bytes(start, p - start), n};
		start = p = end;
	}
	t->pieces[t->npieces++] = (Piece) {hs_bytes(start, strlen(start)), 0};
}

/* What follows the literal.  Nulls are nothing. */
static inline HsBytes
argument_of(const Template *t, const Piece *p, const HsgQuery *q)
{
	if (p->arg == 0)
		return hs_bytes(NULL, 0);
	if (p->arg > q->nargs)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("template \"%s\" refers to argument %ld of %d",
						t->text, p->arg, q->nargs)));
	return q->nulls != NULL && q->nulls[p->arg - 1] ? hs_bytes(NULL, 0) : q->args[p->arg - 1];
}

/* 22023 if it refers to an argument that is not there. */
static size_t
rendered_size(const Template *t, const HsgQuery *q)
{
	size_t		size = 0;

	for (int i = 0; i < t->npieces; i++)
		size += t->pieces[i].literal.size + argument_of(t, &t->pieces[i], q).size;
	return size;
}

static void
render(const Template *t, const HsgQuery *q, char *to)
{
	for (int i = 0; i < t->npieces; i++)
	{
		HsBytes		literal = t->pieces[i].literal;
		HsBytes		arg = argument_of(t, &t->pieces[i], q);

		hs_copy_short(to, literal.data, literal.size);
		hs_copy_short(to + literal.size, arg.data, arg.size);
		to += literal.size + arg.size;
	}
}

/*
 * ---- Defining ------------------------------------------------------------------
 */

/*
 * Run a command on the table with the rights of its owner, and with names of the system
 * alone: who calls must not have the owner run operators of his.  Within SPI.  Reading
 * only is under the active snapshot.
 */
static void
as_table_owner(const char *command, int nargs, Oid *types, Datum *values, const char *nulls,
			   bool is_read)
{
	Relation	rel = relation_open(definition_table(), AccessShareLock);
	Oid			owner = rel->rd_rel->relowner;
	Oid			user;
	int			context;
	int			nest;

	relation_close(rel, AccessShareLock);
	GetUserIdAndSecContext(&user, &context);
	nest = NewGUCNestLevel();
	SetUserIdAndSecContext(owner, context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	if (SPI_execute_with_args(command, nargs, types, values, nulls, is_read, 0) < 0)
		elog(ERROR, "could not run \"%s\"", command);
	AtEOXact_GUC(false, nest);
	SetUserIdAndSecContext(user, context);
}

static char *
our_table(const char *name)
{
	return quote_qualified_identifier(get_namespace_name(get_func_namespace(our_function)), name);
}

/* The schemas that names of the caller resolve to now; temporary tables come last. */
static char *
current_path(void)
{
	StringInfoData s;
	ListCell   *lc;

	initStringInfo(&s);
	foreach(lc, fetch_search_path(true))
	{
		if (isTempNamespace(lfirst_oid(lc)))
			continue;
		appendStringInfo(&s, "%s, ", quote_identifier(get_namespace_name(lfirst_oid(lc))));
	}
	appendStringInfoString(&s, "pg_temp");
	return s.data;
}

/*
 * kv_define(name text, query text, key text, tags text[], returns text, ttl interval,
 * soft_ttl interval, wait interval, rls_covered boolean, keyspace name) returns void
 */
PG_FUNCTION_INFO_V1(hotset_kv_define);
Datum
hotset_kv_define(PG_FUNCTION_ARGS)
{
	static const char *const what[] = {"name", "query", "key"};
	Oid			types[12] = {TEXTOID, TEXTOID, TEXTOID, TEXTARRAYOID, TEXTOID, INTERVALOID,
	INTERVALOID, INTERVALOID, BOOLOID, NAMEOID, OIDOID, TEXTOID};
	char		nulls[12];
	Datum		values[12];
	char	   *kind = "text";
	char	   *query;
	HsBytes    *tags;
	int			ntags = 0;
	bool		is_known = false;
	uint64		done;

	our_function = fcinfo->flinfo->fn_oid;
	(void) hsg_keyspace(fcinfo, 9);
	for (int i = 0; i < 3; i++)
		hsg_require(fcinfo, i, what[i]);
	if (VARSIZE_ANY_EXHDR(PG_GETARG_TEXT_PP(0)) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("name of a cached query is too long"),
				 errdetail("It can have %d bytes.", NAMEDATALEN - 1)));
	for (int i = 0; i < 10; i++)
	{
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
		values[i] = PG_GETARG_DATUM(i);
	}
	check_template(hsg_arg_bytes(fcinfo, 2));
	if (!PG_ARGISNULL(3))
		ntags = hsg_arg_elements(fcinfo, 3, "tag", &tags);
	for (int i = 0; i < ntags; i++)
		check_template(tags[i]);
	hsg_arg_deps(fcinfo, hs_bytes(NULL, 0), 3, &(HsgDeps) {0});
	if (!PG_ARGISNULL(4))
		kind = text_to_cstring(PG_GETARG_TEXT_PP(4));
	for (int i = 0; i < lengthof(kinds); i++)
		is_known |= strcmp(kinds[i], kind) == 0;
	if (!is_known)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown kind of result: \"%s\"", kind),
				 errhint("It is one of text, bytea, jsonb, row, rows.")));
	values[4] = CStringGetTextDatum(kind);
	nulls[4] = ' ';
	for (int i = 5; i < 7; i++)
		if (!PG_ARGISNULL(i))
			(void) hsg_fetch_ttl(PG_GETARG_INTERVAL_P(i));
	if (!PG_ARGISNULL(7))
		(void) hsg_fetch_wait(PG_GETARG_INTERVAL_P(7));
	if (PG_ARGISNULL(8))
		values[8] = BoolGetDatum(false);
	nulls[8] = ' ';
	if (PG_ARGISNULL(9))
		values[9] = DirectFunctionCall1(namein, CStringGetDatum(hsg_keyspace_setting));
	nulls[9] = ' ';
	values[10] = ObjectIdGetDatum(GetUserId());
	values[11] = CStringGetTextDatum(current_path());
	nulls[10] = nulls[11] = ' ';

	query = text_to_cstring(PG_GETARG_TEXT_PP(1));
	for (int i = 0; i < lengthof(kinds); i++)
		if (strcmp(kinds[i], kind) == 0)
			hsg_query_check(hs_bytes(query, strlen(query)), (HsgQueryAs) i);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	as_table_owner(psprintf("INSERT INTO %s AS d (name, query, key, tags, returns, ttl, soft_ttl, wait,"
							" rls_covered, keyspace, owner, search_path)"
							" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11::regrole, $12)"
							" ON CONFLICT (name) DO UPDATE SET query = $2, key = $3, tags = $4, returns = $5, ttl = $6,"
							" soft_ttl = $7, wait = $8, rls_covered = $9, keyspace = $10, search_path = $12"
							" WHERE d.owner = $11::regrole",
							our_table("hotset_definition")), 12, types, values, nulls, false);
	done = SPI_processed;
	SPI_finish();
	if (done == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of cached query \"%s\"",
						text_to_cstring(PG_GETARG_TEXT_PP(0)))));
	PG_RETURN_VOID();
}

/* Raise unless this role may change the definition. */
static void
check_owner(const char *name)
{
	Definition *d = find_definition(name);

	if (!has_privs_of_role(GetUserId(), d->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be owner of cached query \"%s\"", name)));
}

/* Run a command on one definition, its name being $1 and maybe a role $2. */
static void
change(FunctionCallInfo fcinfo, const char *command)
{
	Oid			types[] = {TEXTOID, OIDOID};
	Datum		values[2];

	hsg_require(fcinfo, 0, "name");
	check_owner(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	values[0] = PG_GETARG_DATUM(0);
	values[1] = PG_NARGS() > 1 && !PG_ARGISNULL(1) ? PG_GETARG_DATUM(1) : ObjectIdGetDatum(InvalidOid);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	as_table_owner(command, PG_NARGS() > 1 ? 2 : 1, types, values, NULL,
				   false);
	SPI_finish();
}

/* kv_undefine(name text) returns void */
PG_FUNCTION_INFO_V1(hotset_kv_undefine);
Datum
hotset_kv_undefine(PG_FUNCTION_ARGS)
{
	our_function = fcinfo->flinfo->fn_oid;
	change(fcinfo, psprintf("WITH granted AS (DELETE FROM %s WHERE name = $1) DELETE FROM %s WHERE name = $1",
							our_table("hotset_definition_grant"), our_table("hotset_definition")));
	PG_RETURN_VOID();
}

/* kv_define_grant(name text, role regrole) returns void: null is everybody */
PG_FUNCTION_INFO_V1(hotset_kv_define_grant);
Datum
hotset_kv_define_grant(PG_FUNCTION_ARGS)
{
	our_function = fcinfo->flinfo->fn_oid;
	change(fcinfo, psprintf("INSERT INTO %s SELECT name, owner, $2::regrole FROM %s WHERE name = $1 ON CONFLICT DO NOTHING",
							our_table("hotset_definition_grant"), our_table("hotset_definition")));
	PG_RETURN_VOID();
}

/* kv_define_revoke(name text, role regrole) returns void */
PG_FUNCTION_INFO_V1(hotset_kv_define_revoke);
Datum
hotset_kv_define_revoke(PG_FUNCTION_ARGS)
{
	our_function = fcinfo->flinfo->fn_oid;
	change(fcinfo, psprintf("DELETE FROM %s WHERE name = $1 AND role = $2::regrole",
							our_table("hotset_definition_grant")));
	PG_RETURN_VOID();
}

/* hotset_definition_changed() returns trigger: every backend forgets what it has kept */
PG_FUNCTION_INFO_V1(hotset_definition_changed);
Datum
hotset_definition_changed(PG_FUNCTION_ARGS)
{
	Relation	rel;
	Oid			table;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("hotset_definition_changed must be called as a trigger")));
	rel = ((TriggerData *) fcinfo->context)->tg_relation;
	table = get_relname_relid("hotset_definition", RelationGetNamespace(rel));
	if (OidIsValid(table))
		CacheInvalidateRelcacheByRelid(table);
	return PointerGetDatum(NULL);
}
