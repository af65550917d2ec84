/*
 * cache_watch.c
 *	  kv_watch: triggers that invalidate what depends on the rows of a table.
 *
 * A row trigger invalidates keys and tags made from the columns of the old row and of the
 * new one.  It is a trigger like any other: pg_dump carries it, partitions get it, present ones and
 * those attached later, it fires for COPY, MERGE, ON CONFLICT and cascades, and, being
 * enabled ALWAYS, for changes that logical replication applies.  TRUNCATE fires triggers of its own,
 * one on each partition, and voids all results of the database, as DDL does (cache_ddl.c, which
 * sees to it that partitions attached later get theirs).
 *
 * A template is text with names of columns in braces: 'user:{id}'.  A null is rendered
 * as nothing, other values as cache_names.c has it.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "glue.h"
#include "invalidate.h"

/* Arguments of the trigger begin with what they are. */
#define KEY_PREFIX	"key="
#define TAG_PREFIX	"tag="
#define PREFIX_SIZE	4

static void touch_row(const Trigger *trigger, HeapTuple tuple, TupleDesc desc);
static void touch_rows(const Trigger *trigger, HeapTuple old, HeapTuple fresh, TupleDesc desc);
static void render(StringInfo out, const char *template, HeapTuple tuple, TupleDesc desc);
static void render_column(StringInfo out, HeapTuple tuple, TupleDesc desc, int column);
static void check_template(const char *template, Relation rel);
static bool has_trigger(Oid oid);
static void check_owner(Oid oid);
static void check_table(Relation rel);
static void collect(FunctionCallInfo fcinfo, int n, bool is_array, const char *prefix,
					Relation rel, StringInfo args);
static char *table_name(Oid oid);
static void begin_commands(int *nest);
static void end_commands(int nest);
static void run(const char *command);
static void unwatch(Oid oid);

/*
 * ---- The trigger ---------------------------------------------------------------
 */

/* kv_watch_trigger() returns trigger */
PG_FUNCTION_INFO_V1(hotset_kv_watch_trigger);
Datum
hotset_kv_watch_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	TupleDesc	desc;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("kv_watch_trigger must be an AFTER trigger"),
				 errhint("Use kv_watch.")));
	/* Not preloaded: there are no results, and there will be none before a restart.  A table
	 * must not become read only because its cache is gone. */
	if (hsg_shared == NULL)
		return PointerGetDatum(NULL);
	if (TRIGGER_FIRED_BY_TRUNCATE(data->tg_event))
	{
		hsg_touch_schema();
		return PointerGetDatum(NULL);
	}
	if (!TRIGGER_FIRED_FOR_ROW(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("kv_watch_trigger must be a trigger FOR EACH ROW"),
				 errhint("Use kv_watch.")));
	desc = RelationGetDescr(data->tg_relation);
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		touch_rows(data->tg_trigger, data->tg_trigtuple, data->tg_newtuple, desc);
	else
		touch_row(data->tg_trigger, data->tg_trigtuple, desc);
	return PointerGetDatum(NULL);
}

/* Anybody can make a trigger with arguments of his own. */
static HsgNameKind
kind_of(const char *arg)
{
	if (strncmp(arg, KEY_PREFIX, PREFIX_SIZE) == 0)
		return HSG_NAME_KEY;
	if (strncmp(arg, TAG_PREFIX, PREFIX_SIZE) == 0)
		return HSG_NAME_TAG;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("invalid argument of kv_watch_trigger: \"%s\"", arg),
			 errhint("Use kv_watch.")));
}

static void
touch_row(const Trigger *trigger, HeapTuple tuple, TupleDesc desc)
{
	StringInfoData name;

	initStringInfo(&name);
	for (int i = 0; i < trigger->tgnargs; i++)
	{
		HsgNameKind kind = kind_of(trigger->tgargs[i]);

		resetStringInfo(&name);
		render(&name, trigger->tgargs[i] + PREFIX_SIZE, tuple, desc);
		hsg_touch(kind, hs_bytes(name.data, (size_t) name.len));
	}
	pfree(name.data);
}

static void
touch_rows(const Trigger *trigger, HeapTuple old, HeapTuple fresh, TupleDesc desc)
{
	StringInfoData before;
	StringInfoData after;

	initStringInfo(&before);
	initStringInfo(&after);
	for (int i = 0; i < trigger->tgnargs; i++)
	{
		HsgNameKind kind = kind_of(trigger->tgargs[i]);
		const char *template = trigger->tgargs[i] + PREFIX_SIZE;

		resetStringInfo(&before);
		resetStringInfo(&after);
		render(&before, template, old, desc);
		render(&after, template, fresh, desc);
		hsg_touch(kind, hs_bytes(before.data, (size_t) before.len));
		if (before.len != after.len || memcmp(before.data, after.data, before.len) != 0)
			hsg_touch(kind, hs_bytes(after.data, (size_t) after.len));
	}
	pfree(before.data);
	pfree(after.data);
}

/*
 * ---- Templates -----------------------------------------------------------------
 */

/*
 * The next piece of the template: literal text, or the name of a column if *is_column.
 * False at the end.
 */
static bool
next_piece(const char **p, const char **piece, int *size, bool *is_column)
{
	const char *end;

	if (**p == '\0')
		return false;
	*is_column = **p == '{' && (end = strchr(*p, '}')) != NULL;
	if (*is_column)
	{
		*piece = *p + 1;
		*size = (int) (end - *piece);
		*p = end + 1;
		return true;
	}
	*piece = *p;
	end = strchr(*p + 1, '{');
	*size = (int) (end != NULL ? end - *p : (ptrdiff_t) strlen(*p));
	*p += *size;
	return true;
}

/* Number of the column of that name, or 0.  Partitions may have them in another order. */
static int
column_named(TupleDesc desc, const char *name, int size)
{
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (!att->attisdropped && strncmp(NameStr(att->attname), name, size) == 0 &&
			NameStr(att->attname)[size] == '\0')
			return i + 1;
	}
	return 0;
}

static void
render(StringInfo out, const char *template, HeapTuple tuple, TupleDesc desc)
{
	const char *piece;
	int			size;
	bool		is_column;

	while (next_piece(&template, &piece, &size, &is_column))
	{
		int			column = is_column ? column_named(desc, piece, size) : 0;

		if (is_column && (column == 0 || HSG_IS_VIRTUAL(TupleDescAttr(desc, column - 1))))
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%.*s\" of a watched table does not exist", size, piece),
					 errhint("Call kv_watch again with other templates, or kv_unwatch.")));
		if (is_column)
			render_column(out, tuple, desc, column);
		else
			appendBinaryStringInfo(out, piece, size);
	}
}

static void
render_column(StringInfo out, HeapTuple tuple, TupleDesc desc, int column)
{
	bool		is_null;
	Datum		d = heap_getattr(tuple, column, desc, &is_null);

	if (!is_null)
		hsg_name_append(out, TupleDescAttr(desc, column - 1)->atttypid, d);
}

/*
 * ---- Watching and no longer watching ---------------------------------------------
 */

static Datum
watch_command(FunctionCallInfo fcinfo, bool is_array)
{
	const char *schema = quote_identifier(get_namespace_name(get_func_namespace(fcinfo->flinfo->fn_oid)));
	StringInfoData args;
	Relation	rel;
	bool		is_watched;
	int			nest;
	Oid			oid;

	hsg_require_preload();
	hsg_require(fcinfo, 0, "table");
	oid = PG_GETARG_OID(0);
	check_owner(oid);
	/* the lock of DROP TRIGGER or CREATE TRIGGER, before anything is looked at */
	rel = relation_open(oid, has_trigger(oid) ? AccessExclusiveLock : ShareRowExclusiveLock);
	/* others may have watched it while we waited */
	is_watched = has_trigger(oid);
	check_table(rel);
	initStringInfo(&args);
	collect(fcinfo, 1, is_array, KEY_PREFIX, rel, &args);
	collect(fcinfo, 2, is_array, TAG_PREFIX, rel, &args);
	if (args.len == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a watched table needs a template of a key or a tag")));
	relation_close(rel, NoLock);
	begin_commands(&nest);
	if (is_watched)
		unwatch(oid);
	run(psprintf("CREATE TRIGGER hotset_watch AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE FUNCTION %s.kv_watch_trigger(%s)",
				 table_name(oid), schema, args.data));
	run(psprintf("ALTER TABLE %s ENABLE ALWAYS TRIGGER hotset_watch", table_name(oid)));
	end_commands(nest);
	hsg_watch_truncate(oid);
	/* changes by transactions that began before us were waited for, but not announced */
	hsg_touch_schema();
	PG_RETURN_VOID();
}

/* kv_watch(table regclass, key text, tag text) returns void */
HSG_FORM(hotset_kv_watch, watch_command(fcinfo, false))

/* kv_watch(table regclass, keys text[], tags text[]) returns void */
HSG_FORM(hotset_kv_watch_many, watch_command(fcinfo, true))

/* kv_unwatch(table regclass) returns void */
PG_FUNCTION_INFO_V1(hotset_kv_unwatch);
Datum
hotset_kv_unwatch(PG_FUNCTION_ARGS)
{
	Oid			oid;
	int			nest;

	hsg_require(fcinfo, 0, "table");
	oid = PG_GETARG_OID(0);
	check_owner(oid);
	LockRelationOid(oid, AccessExclusiveLock);
	begin_commands(&nest);
	unwatch(oid);
	end_commands(nest);
	PG_RETURN_VOID();
}

static char *
table_name(Oid oid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(oid)),
									  get_rel_name(oid));
}

/* Commands of ours, which have nothing to tell the user. */
static void
begin_commands(int *nest)
{
	*nest = NewGUCNestLevel();
	(void) set_config_option("client_min_messages", "warning", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

static void
end_commands(int nest)
{
	SPI_finish();
	AtEOXact_GUC(true, nest);
}

static void
run(const char *command)
{
	if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
		elog(ERROR, "could not run \"%s\"", command);
}

/* The table with its partitions; plain children have rows, and triggers, of their own. */
static List *
with_partitions(Oid oid, LOCKMODE mode)
{
	if (get_rel_relkind(oid) == RELKIND_PARTITIONED_TABLE)
		return find_all_inheritors(oid, mode, NULL);
	return list_make1_oid(oid);
}

static bool
is_our_function(Oid function)
{
	HeapTuple	tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	bool		is_null;
	Datum		source;
	bool		ours;

	if (!HeapTupleIsValid(tuple))
		return false;
	source = SysCacheGetAttr(PROCOID, tuple, Anum_pg_proc_prosrc, &is_null);
	ours = ((Form_pg_proc) GETSTRUCT(tuple))->prolang == ClanguageId && !is_null &&
		strcmp(TextDatumGetCString(source), "hotset_kv_watch_trigger") == 0;
	ReleaseSysCache(tuple);
	return ours;
}

/* The function of the table's trigger for rows, or for TRUNCATE, or InvalidOid if there is none. */
static Oid
watching_function(Oid oid, bool for_truncate)
{
	Relation	rel = relation_open(oid, NoLock);
	Oid			function = InvalidOid;

	for (int i = 0; rel->trigdesc != NULL && i < rel->trigdesc->numtriggers; i++)
	{
		const Trigger *t = &rel->trigdesc->triggers[i];

		if ((TRIGGER_FOR_TRUNCATE(t->tgtype) != 0) == for_truncate && is_our_function(t->tgfoid))
			function = t->tgfoid;
	}
	relation_close(rel, NoLock);
	return function;
}

static void
add_truncate_trigger(Oid oid, Oid function)
{
	CreateTrigStmt *stmt = makeNode(CreateTrigStmt);

	stmt->trigname = "hotset_watch_truncate";
	stmt->timing = TRIGGER_TYPE_AFTER;
	stmt->events = TRIGGER_TYPE_TRUNCATE;
	(void) CreateTriggerFiringOn(stmt, NULL, oid, InvalidOid, InvalidOid, InvalidOid, function,
								 InvalidOid, NULL, false, false, TRIGGER_FIRES_ALWAYS);
	CommandCounterIncrement();
}

void
hsg_watch_truncate(Oid table)
{
	ListCell   *lc;

	if (!OidIsValid(table))
		return;
	CommandCounterIncrement();
	foreach(lc, with_partitions(table, ShareRowExclusiveLock))
	{
		Oid			oid = lfirst_oid(lc);
		Oid			function = watching_function(oid, false);

		if (OidIsValid(function) && get_rel_relkind(oid) != RELKIND_FOREIGN_TABLE &&
			!OidIsValid(watching_function(oid, true)))
			add_truncate_trigger(oid, function);
	}
}

static void
unwatch(Oid oid)
{
	List	   *tables = with_partitions(oid, AccessExclusiveLock);
	ListCell   *lc;

	run(psprintf("DROP TRIGGER IF EXISTS hotset_watch ON %s", table_name(oid)));
	foreach(lc, tables)
		run(psprintf("DROP TRIGGER IF EXISTS hotset_watch_truncate ON %s",
					 table_name(lfirst_oid(lc))));
}

static bool
has_trigger(Oid oid)
{
	return OidIsValid(get_trigger_oid(oid, "hotset_watch", true));
}

/* Before a lock is asked for: nobody may bring a table of others to a halt. */
static void
check_owner(Oid oid)
{
	char	   *name = get_rel_name(oid);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", oid)));
	if (!hsg_class_ownercheck(oid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(get_rel_relkind(oid)), name);
}

static void
check_table(Relation rel)
{
	char		kind = rel->rd_rel->relkind;

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot watch \"%s\"", RelationGetRelationName(rel)),
				 errdetail("Changes of tables alone can be noticed.")));
	if (rel->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot watch temporary table \"%s\"", RelationGetRelationName(rel)),
				 errdetail("Results that come from temporary tables are not kept.")));
	if (rel->rd_rel->relispartition)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot watch partition \"%s\" alone", RelationGetRelationName(rel)),
				 errhint("Watch the partitioned table.")));
}

/*
 * Every column named in braces must be there, also for triggers, and a brace be closed: what is
 * taken as it stands by mistake would void nothing.  Equal values that can be written in several
 * ways are for the user to know.
 */
static void
check_template(const char *template, Relation rel)
{
	TupleDesc	desc = RelationGetDescr(rel);
	const char *rest = template;
	const char *piece;
	int			size;
	bool		is_column;

	while (next_piece(&rest, &piece, &size, &is_column))
	{
		int			column = is_column ? column_named(desc, piece, size) : 0;
		Form_pg_attribute att = column > 0 ? TupleDescAttr(desc, column - 1) : NULL;

		if (!is_column && *piece == '{')
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid template: \"%s\"", template),
					 errdetail("A brace is not closed.")));
		if (is_column && att == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%.*s\" of relation \"%s\" does not exist",
							size, piece, RelationGetRelationName(rel))));
		if (att != NULL && HSG_IS_VIRTUAL(att))
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("virtual generated column \"%s\" cannot be part of a template",
							NameStr(att->attname))));
		if (att != NULL && !hsg_name_is_one(att->atttypid, att->attcollation))
			ereport(WARNING,
					(errmsg("equal values of column \"%s\" can be written in different ways",
							NameStr(att->attname)),
					 errdetail("A change invalidates the key or tag that is written as the row has it.")));
	}
}

/* Append the templates of argument n as arguments of a trigger. */
static void
collect(FunctionCallInfo fcinfo, int n, bool is_array, const char *prefix, Relation rel,
		StringInfo args)
{
	HsBytes    *elems;
	int			count = 1;

	if (PG_ARGISNULL(n))
		return;
	if (is_array)
		count = hsg_arg_elements(fcinfo, n, "template", &elems);
	else
	{
		elems = palloc(sizeof(HsBytes));
		elems[0] = hsg_arg_bytes(fcinfo, n);
	}
	for (int i = 0; i < count; i++)
	{
		char	   *template = pnstrdup((const char *) elems[i].data, elems[i].size);

		check_template(template, rel);
		appendStringInfo(args, "%s%s", args->len > 0 ? ", " : "",
						 quote_literal_cstr(psprintf("%s%s", prefix, template)));
	}
}
