/*
 * query.c
 *	  Running the query of a cached result, under the snapshot that is active.
 *
 * "Read only" for SPI means just that: the statement runs under the caller's snapshot, and
 * cannot write.  Types of parameters come from the query; arguments are text.
 */
#include "postgres.h"

#include <ctype.h>

#include "access/parallel.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_param.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/plancache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "query.h"
#include "session.h"

#define MAX_PLANS	256			/* of a session; then it begins anew */
#define MAX_ARGS	64

/* Types of the parameters of a query, as its analysis finds them. */
typedef struct Params
{
	Oid		   *types;
	int			n;
} Params;

typedef struct PlanKey
{
	HsgDigest	session;
	uint64		text;			/* a hash of it */
	Oid			role;			/* which schemas are searched depends on it, too */
	uint32		as;
	uint32		nargs;
} PlanKey;

typedef struct KeptPlan
{
	PlanKey		key;
	SPIPlanPtr	plan;			/* NULL: not made yet */
	char	   *text;
	uint64		label;			/* of the schema, see schema_label() */
	uint64		ddl_count;		/* of this session */
	Params	   *params;			/* for analysis, again and again */
	Oid			types[MAX_ARGS];
} KeptPlan;

static HTAB *plans = NULL;

/*
 * A query can call functions that run other queries here, or the same one anew.
 * What they would drop may be running further up, so it waits.
 */
static int	running = 0;
static List *dropped = NIL;		/* of Dropped */

/* What statements, of functions that are called, too, were seen to read. */
typedef struct Seen
{
	bool		row_security;
	bool		temporary;
} Seen;

static Seen seen;
static ExecutorStart_hook_type prev_start = NULL;

typedef struct Dropped
{
	SPIPlanPtr	plan;
	Params	   *params;			/* or NULL */
} Dropped;

static void executor_start(QueryDesc *desc, int eflags);
static uint64 schema_label(void);
static KeptPlan *plan_of(const HsgQuery *q);
static void plan_make(KeptPlan *p, const HsgQuery *q);
static void plan_drop(KeptPlan *p);
static void plan_free(SPIPlanPtr plan, Params *params);
static void free_dropped(void);
static void run(const HsgQuery *q, bool rls_covered, HsgResult *r);
static char *statement_of(const HsgQuery *q);
static void params_setup(ParseState *pstate, void *arg);
static void check_statement(SPIPlanPtr plan, const HsgQuery *q);
static ParamListInfo params_of(const KeptPlan *p, const HsgQuery *q, MemoryContext caller);
static void check_security(SPIPlanPtr plan);
static bool looks_at_session(Node *node, void *context);
static bool is_of_session(Oid function, void *context);
static void look_at(List *relations);
static void take_result(const HsgQuery *q, HsgResult *r);

void
hsg_query_install(void)
{
	prev_start = ExecutorStart_hook;
	ExecutorStart_hook = executor_start;
}

void
hsg_query_run(const HsgQuery *q, bool rls_covered, HsgResult *r)
{
	Seen		before = seen;	/* by the query that calls this one, if any */

	running++;
	memset(&seen, 0, sizeof(seen));
	PG_TRY();
	{
		run(q, rls_covered, r);
		r->is_private = seen.temporary;
		before.temporary |= seen.temporary;
	}
	PG_FINALLY();
	{
		running--;
		seen = before;
	}
	PG_END_TRY();
}

/* Each statement comes along here, those of functions, too. */
static void
executor_start(QueryDesc *desc, int eflags)
{
	if (running > 0)
		look_at(desc->plannedstmt->relationOids);
	(prev_start != NULL ? prev_start : standard_ExecutorStart) (desc, eflags);
}

static void
run(const HsgQuery *q, bool rls_covered, HsgResult *r)
{
	SPIExecuteOptions options = {.read_only = true,.must_return_tuples = true,.tcount = 2};
	MemoryContext caller = CurrentMemoryContext;
	SPIPlanPtr	plan;
	KeptPlan	   *p;
	int			code;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (running == 1)
		free_dropped();
	p = plan_of(q);
	/* what is called from here on may remove p */
	plan = p->plan;
	options.params = params_of(p, q, caller);
	code = SPI_execute_plan_extended(plan, &options);
	if (code != SPI_OK_SELECT)
		elog(ERROR, "could not run the query: %s", SPI_result_code_string(code));
	/* only now is it sure for which role and setting the plan was made */
	if (!rls_covered)
		check_security(plan);
	MemoryContextSwitchTo(caller);
	take_result(q, r);
	SPI_finish();
}

void
hsg_query_check(HsBytes text, HsgQueryAs as)
{
	HsgQuery	q = {.text = text,.as = as};
	Params		params = {0};
	SPIPlanPtr	plan;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	params.types = palloc(sizeof(Oid));
	plan = SPI_prepare_params(statement_of(&q), params_setup, &params, 0);
	if (plan == NULL)
		elog(ERROR, "could not prepare the query: %s", SPI_result_code_string(SPI_result));
	check_statement(plan, &q);
	SPI_finish();
}

/*
 * ---- Plans ---------------------------------------------------------------------
 */

static KeptPlan *
plan_of(const HsgQuery *q)
{
	PlanKey		key;
	KeptPlan   *p;
	uint64		label;
	bool		found;

	if (q->nargs > MAX_ARGS)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_ARGUMENTS),
				 errmsg("too many arguments"),
				 errdetail("A cached query can have %d arguments.", MAX_ARGS)));
	if (plans != NULL && hash_get_num_entries(plans) >= MAX_PLANS)
	{
		HASH_SEQ_STATUS scan;

		hash_seq_init(&scan, plans);
		while ((p = hash_seq_search(&scan)) != NULL)
			plan_drop(p);
	}
	if (plans == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(PlanKey),.entrysize = sizeof(KeptPlan),
		.hcxt = TopMemoryContext};

		plans = hash_create("hotset plans", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	memset(&key, 0, sizeof(key));
	key.session = hsg_session()->all;
	key.text = hsg_digest(q->text.data, q->text.size).low;
	key.role = GetUserId();
	key.as = q->as;
	key.nargs = (uint32) q->nargs;
	p = hash_search(plans, &key, HASH_ENTER, &found);
	if (!found)
	{
		p->plan = NULL;
		p->text = NULL;
		p->params = NULL;
	}
	/* what names mean may have changed, and with it the types of parameters */
	label = schema_label();
	if (p->plan != NULL &&
		(!SPI_plan_is_valid(p->plan) || p->label != label || label == HS_NO_LABEL ||
		 p->ddl_count != hsg_ddl_count || strlen(p->text) != q->text.size ||
		 memcmp(p->text, q->text.data, q->text.size) != 0))
	{
		plan_free(p->plan, p->params);
		p->plan = NULL;
		p->params = NULL;
	}
	if (p->plan == NULL)
		plan_make(p, q);
	p->label = label;
	p->ddl_count = hsg_ddl_count;
	return p;
}

/*
 * PostgreSQL plans anew when a table changes, but not when another one comes to hide it.
 */
static uint64
schema_label(void)
{
	HsSnapshot	s;

	hsg_snapshot(&s);
	return hsg_schema_settle(&s);
}

static void
plan_make(KeptPlan *p, const HsgQuery *q)
{
	SPIPlanPtr	plan;

	if (p->params == NULL)
		p->params = MemoryContextAllocZero(TopMemoryContext, sizeof(Params));
	if (p->params->types == NULL)
		p->params->types = MemoryContextAlloc(TopMemoryContext, sizeof(Oid));
	plan = SPI_prepare_params(statement_of(q), params_setup, p->params, 0);
	if (plan == NULL)
		elog(ERROR, "could not prepare the query: %s", SPI_result_code_string(SPI_result));
	check_statement(plan, q);
	if (p->params->n != q->nargs)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the query has %d parameters, but %d arguments were given",
						p->params->n, q->nargs)));
	for (int i = 0; i < q->nargs; i++)
	{
		p->types[i] = p->params->types[i];
		if (p->types[i] == InvalidOid || p->types[i] == UNKNOWNOID)
			ereport(ERROR,
					(errcode(ERRCODE_INDETERMINATE_DATATYPE),
					 errmsg("could not determine data type of parameter $%d", i + 1)));
	}
	if (p->text != NULL)
		pfree(p->text);
	p->text = NULL;
	p->text = MemoryContextStrdup(TopMemoryContext,
								  text_to_cstring(cstring_to_text_with_len((const char *) q->text.data,
																		   (int) q->text.size)));
	if (SPI_keepplan(plan) != 0)
		elog(ERROR, "could not keep the plan");
	p->plan = plan;
}

static void
plan_drop(KeptPlan *p)
{
	plan_free(p->plan, p->params);
	if (p->text != NULL)
		pfree(p->text);
	(void) hash_search(plans, &p->key, HASH_REMOVE, NULL);
}

/* At once, or when nothing runs that might use it. */
static void
plan_free(SPIPlanPtr plan, Params *params)
{
	if (plan != NULL && running > 1)
	{
		MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
		Dropped    *d = palloc(sizeof(Dropped));

		*d = (Dropped) {plan, params};
		dropped = lappend(dropped, d);
		MemoryContextSwitchTo(caller);
		return;
	}
	if (plan != NULL)
		SPI_freeplan(plan);
	if (params != NULL && params->types != NULL)
		pfree(params->types);
	if (params != NULL)
		pfree(params);
}

static void
free_dropped(void)
{
	while (dropped != NIL)
	{
		Dropped    *d = llast(dropped);

		dropped = list_delete_last(dropped);
		plan_free(d->plan, d->params);
		pfree(d);
	}
}

/* On lines of its own, for it may end with a comment. */
static char *
statement_of(const HsgQuery *q)
{
	int			size = (int) q->text.size;
	const char *text = (const char *) q->text.data;

	switch (q->as)
	{
		case HSG_QUERY_ROW:
			return psprintf("SELECT pg_catalog.to_jsonb(hotset_row) FROM (\n%.*s\n) AS hotset_row",
							size, text);
		case HSG_QUERY_ROWS:
			return psprintf("SELECT coalesce(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(hotset_row)), '[]'::pg_catalog.jsonb) FROM (\n%.*s\n) AS hotset_row",
							size, text);
		default:
			return pnstrdup(text, size);
	}
}

static void
params_setup(ParseState *pstate, void *arg)
{
	Params	   *params = arg;

	/* the array grows where it is: what the parser allocates goes with its context */
	Assert(params->types != NULL);
	params->n = 0;
	setup_parse_variable_parameters(pstate, &params->types, &params->n);
}

static void
check_statement(SPIPlanPtr plan, const HsgQuery *q)
{
	List	   *sources = SPI_plan_get_plan_sources(plan);
	CachedPlanSource *source = list_length(sources) == 1 ? linitial(sources) : NULL;
	Query	   *query;

	if (source == NULL || source->commandTag != CMDTAG_SELECT || source->resultDesc == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("a cached query must be one SELECT")));
	query = linitial_node(Query, source->query_list);
	if (query->hasModifyingCTE || query->hasForUpdate)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("a cached query must not change or lock rows"),
				 errdetail("Who finds its result in the cache would not do so.")));
	if (source->resultDesc->natts != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("a cached query must return one column"),
				 errhint("kv_fetch_row and kv_fetch_rows return rows as jsonb.")));
}

/* What the argument is called in names of keys and tags, where its text can be written otherwise. */
static HsBytes
name_of(const ParamExternData *param, MemoryContext caller)
{
	MemoryContext before = MemoryContextSwitchTo(caller);
	StringInfoData name;

	initStringInfo(&name);
	if (!param->isnull)
		hsg_name_append(&name, param->ptype, param->value);
	MemoryContextSwitchTo(before);
	return hs_bytes(name.data, (size_t) name.len);
}

static ParamListInfo
params_of(const KeptPlan *p, const HsgQuery *q, MemoryContext caller)
{
	ParamListInfo params;
	Oid			types[MAX_ARGS];

	if (q->nargs == 0)
		return NULL;
	/* the input of a domain may run anything */
	memcpy(types, p->types, q->nargs * sizeof(Oid));
	params = makeParamList(q->nargs);
	for (int i = 0; i < q->nargs; i++)
	{
		ParamExternData *param = &params->params[i];
		Oid			input;
		Oid			ioparam;
		char	   *s = NULL;

		param->isnull = q->nulls != NULL && q->nulls[i];
		param->pflags = PARAM_FLAG_CONST;
		param->ptype = types[i];
		if (!param->isnull)
			s = pnstrdup((const char *) q->args[i].data, q->args[i].size);
		getTypeInputInfo(param->ptype, &input, &ioparam);
		param->value = OidInputFunctionCall(input, s, ioparam, -1);
		if (q->names != NULL)
			q->names[i] = name_of(param, caller);
	}
	return params;
}

/*
 * Rows that only some roles see, or that depend on the session, must not be shown to
 * others.  What functions do is known as far as they run statements.
 */
static void
check_security(SPIPlanPtr plan)
{
	CachedPlanSource *source = linitial(SPI_plan_get_plan_sources(plan));
	List	   *visited = NIL;

	if (source->dependsOnRLS || seen.row_security)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot cache a query whose result depends on row security"),
				 errdetail("Others could be shown rows that are not theirs.")));
	if (looks_at_session((Node *) source->query_list, &visited))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot cache a query whose result depends on the session"),
				 errdetail("current_setting(), session_user and the like would be those of another one."),
				 errhint("Pass what they return as an argument of the query.")));
}

static bool
is_word(char c)
{
	return isalnum((unsigned char) c) || c == '_' || c == '$' || IS_HIGHBIT_SET(c);
}

/* Is one of these a word of the text, in whatever case? */
static bool
names_session(const char *text)
{
	static const char *const names[] = {"current_setting", "set_config", "pg_settings", "session_user",
		"pg_backend_pid", "pg_my_temp_schema", "inet_client_addr", "inet_client_port",
	"inet_server_addr", "inet_server_port"};

	while (*text != '\0')
	{
		size_t		size = 0;

		while (is_word(text[size]))
			size++;
		for (int i = 0; i < lengthof(names) && size > 0; i++)
			if (strlen(names[i]) == size && pg_strncasecmp(text, names[i], size) == 0)
				return true;
		text += Max(size, 1);
	}
	return false;
}

/*
 * Functions in SQL, PL/pgSQL and the like are taken by their word: what a body names it will use.  What
 * it calls is looked at only if it was parsed when it was created.  visited: functions that
 * were looked at already.
 */
static bool
body_looks_at_session(Oid function, List **visited)
{
	HeapTuple	tuple;
	Oid			language;
	bool		is_parsed;
	bool		is_null;
	char	   *body = NULL;
	Datum		d;

	if (list_member_oid(*visited, function))
		return false;
	*visited = lappend_oid(*visited, function);
	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return false;
	language = ((Form_pg_proc) GETSTRUCT(tuple))->prolang;
	d = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosqlbody, &is_null);
	is_parsed = !is_null;
	if (!is_parsed)
		d = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &is_null);
	if (!is_null && language != INTERNALlanguageId && language != ClanguageId)
		body = TextDatumGetCString(d);
	ReleaseSysCache(tuple);
	if (body == NULL)
		return false;
	return is_parsed ? looks_at_session(stringToNode(body), visited) : names_session(body);
}

static bool
is_of_session(Oid function, void *context)
{
	switch (function)
	{
		case F_CURRENT_SETTING_TEXT:
		case F_CURRENT_SETTING_TEXT_BOOL:
		case F_SET_CONFIG:
		case F_PG_SHOW_ALL_SETTINGS:
		case F_SESSION_USER:
		case F_PG_BACKEND_PID:
		case F_PG_MY_TEMP_SCHEMA:
		case F_CURRENT_SCHEMAS:
		case F_PG_CLIENT_ENCODING:
		case F_PG_TRIGGER_DEPTH:
		case F_PG_PREPARED_STATEMENT:
		case F_PG_CURSOR:
		case F_PG_LISTENING_CHANNELS:
		case F_INET_CLIENT_ADDR:
		case F_INET_CLIENT_PORT:
		case F_INET_SERVER_ADDR:
		case F_INET_SERVER_PORT:
			return true;
	}
	return function >= FirstNormalObjectId && body_looks_at_session(function, context);
}

/* context: where to put functions that were looked at, as a List **. */
static bool
looks_at_session(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SQLValueFunction) && ((SQLValueFunction *) node)->op == SVFOP_SESSION_USER)
		return true;
	if (check_functions_in_node(node, is_of_session, context))
		return true;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, looks_at_session, context, 0);
	return expression_tree_walker(node, looks_at_session, context);
}

/*
 * Are there rows that only some see?  And temporary tables, which are of this session
 * alone?  A definition may find one because what it means is gone.
 */
static void
look_at(List *relations)
{
	ListCell   *lc;

	foreach(lc, relations)
	{
		HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_class form;

		if (!HeapTupleIsValid(tuple))
			continue;
		form = (Form_pg_class) GETSTRUCT(tuple);
		seen.row_security |= form->relrowsecurity;
		seen.temporary |= form->relpersistence == RELPERSISTENCE_TEMP;
		ReleaseSysCache(tuple);
	}
}

/*
 * ---- Results -------------------------------------------------------------------
 */

static void
check_type(Oid type, Oid wanted)
{
	if (type != wanted)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the query returns %s, not %s",
						format_type_be(type), format_type_be(wanted))));
}

/* Copy the value of the one row to the current context. */
static void
take_result(const HsgQuery *q, HsgResult *r)
{
	TupleDesc	desc = SPI_tuptable->tupdesc;
	Oid			type = SPI_gettypeid(desc, 1);
	struct varlena *v;
	bool		is_null = true;
	Datum		d = 0;

	if (SPI_processed > 1)
		ereport(ERROR,
				(errcode(ERRCODE_CARDINALITY_VIOLATION),
				 errmsg("a cached query returned more than one row"),
				 errhint("kv_fetch_rows returns all rows as jsonb.")));
	r->kind = HS_CACHED_TEXT;
	if (q->as == HSG_QUERY_BYTEA)
	{
		check_type(type, BYTEAOID);
		r->kind = HS_CACHED_BYTEA;
	}
	else if (q->as != HSG_QUERY_TEXT)
	{
		check_type(type, JSONBOID);
		r->kind = HS_CACHED_JSONB;
	}
	if (SPI_processed == 1)
		d = SPI_getbinval(SPI_tuptable->vals[0], desc, 1, &is_null);
	if (is_null)
	{
		r->kind = HS_CACHED_NULL;
		r->bytes = hs_bytes(NULL, 0);
		return;
	}
	if (q->as == HSG_QUERY_TEXT && type != TEXTOID && type != VARCHAROID)
	{
		Oid			output;
		bool		is_varlena;
		char	   *s;

		getTypeOutputInfo(type, &output, &is_varlena);
		s = OidOutputFunctionCall(output, d);
		r->bytes = hs_bytes(s, strlen(s));
		return;
	}
	v = PG_DETOAST_DATUM_COPY(d);
	r->bytes = hs_bytes(VARDATA(v), VARSIZE(v) - VARHDRSZ);
}
