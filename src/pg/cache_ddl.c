/*
 * cache_ddl.c
 *	  Statements that change what queries mean void all cached results.
 *
 * ALTER, DROP, TRUNCATE, REFRESH, GRANT, REVOKE and the like can change the result of any
 * query, and a row trigger sees none of it; what is new may come first in a search path,
 * or fit a call better.  They are rare, so they touch every slot; at commit that takes about a
 * millisecond.  What concerns temporary tables alone is of this session alone: counted.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "nodes/parsenodes.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"

#include "glue.h"
#include "invalidate.h"

uint64		hsg_ddl_count = 0;

static ProcessUtility_hook_type prev_utility = NULL;

static void utility(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
					ProcessUtilityContext context, ParamListInfo params,
					QueryEnvironment *queryEnv, DestReceiver *dest, QueryCompletion *qc);

void
hsg_cache_ddl_install(void)
{
	prev_utility = ProcessUtility_hook;
	ProcessUtility_hook = utility;
}

/* What is not there, or of this session alone, is nobody's result. */
static bool
concerns_others(RangeVar *name)
{
	Oid			relation = RangeVarGetRelid(name, NoLock, true);

	return OidIsValid(relation) && get_rel_persistence(relation) != RELPERSISTENCE_TEMP;
}

static bool
is_for_others(RangeVar *fresh)
{
	return fresh->relpersistence != RELPERSISTENCE_TEMP &&
		(fresh->schemaname == NULL || strcmp(fresh->schemaname, "pg_temp") != 0);
}

static bool
drop_concerns_others(DropStmt *stmt)
{
	ListCell   *lc;

	switch (stmt->removeType)
	{
		case OBJECT_INDEX:
			return false;
		case OBJECT_TABLE:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_SEQUENCE:
		case OBJECT_FOREIGN_TABLE:
			break;
		default:
			return true;
	}
	foreach(lc, stmt->objects)
	{
		if (concerns_others(makeRangeVarFromNameList((List *) lfirst(lc))))
			return true;
	}
	return false;
}

static bool
truncate_concerns_others(TruncateStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->relations)
	{
		if (concerns_others((RangeVar *) lfirst(lc)))
			return true;
	}
	return false;
}

static bool
may_change_results(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_AlterTableStmt:
			return concerns_others(((AlterTableStmt *) stmt)->relation);
		case T_TruncateStmt:
			return truncate_concerns_others((TruncateStmt *) stmt);
		case T_DropStmt:
			return drop_concerns_others((DropStmt *) stmt);
		case T_RenameStmt:
			return ((RenameStmt *) stmt)->relation == NULL ||
				concerns_others(((RenameStmt *) stmt)->relation);
		case T_CreateStmt:
			return is_for_others(((CreateStmt *) stmt)->relation);
		case T_CreateTableAsStmt:
			return is_for_others(((CreateTableAsStmt *) stmt)->into->rel);
		case T_CreateSeqStmt:
			return is_for_others(((CreateSeqStmt *) stmt)->sequence);
		case T_ViewStmt:
			return is_for_others(((ViewStmt *) stmt)->view);
		case T_CreateForeignTableStmt:
		case T_ImportForeignSchemaStmt:
		case T_CreateSchemaStmt:
		case T_CreateFunctionStmt:
		case T_CreateCastStmt:
		case T_CreateDomainStmt:
		case T_CreateEnumStmt:
		case T_CreateRangeStmt:
		case T_CompositeTypeStmt:
		case T_DefineStmt:
		case T_AlterOpFamilyStmt:
		case T_GrantStmt:
		case T_GrantRoleStmt:
		case T_DropRoleStmt:
		case T_AlterObjectSchemaStmt:
		case T_AlterOwnerStmt:
		case T_AlterTypeStmt:
		case T_AlterEnumStmt:
		case T_AlterDomainStmt:
		case T_AlterFunctionStmt:
		case T_AlterOperatorStmt:
		case T_AlterCollationStmt:
		case T_AlterTSConfigurationStmt:
		case T_AlterTSDictionaryStmt:
		case T_AlterExtensionStmt:
		case T_AlterTableMoveAllStmt:
		case T_AlterRoleStmt:
		case T_CreatePolicyStmt:
		case T_AlterPolicyStmt:
		case T_RuleStmt:
		case T_RefreshMatViewStmt:
		case T_DropOwnedStmt:
		case T_ReassignOwnedStmt:
			return true;
		default:
			return false;
	}
}

static void
utility(PlannedStmt *pstmt, const char *queryString, bool readOnlyTree,
		ProcessUtilityContext context, ParamListInfo params,
		QueryEnvironment *queryEnv, DestReceiver *dest, QueryCompletion *qc)
{
	/* to be asked before: afterwards a table may be gone */
	bool		voids = hsg_shared != NULL && !RecoveryInProgress() &&
		may_change_results(pstmt->utilityStmt);
	bool		counts = IsA(pstmt->utilityStmt, DiscardStmt) ||
		GetCommandLogLevel(pstmt->utilityStmt) == LOGSTMT_DDL;

	hsg_ddl_count += counts;
	/* DETACH PARTITION CONCURRENTLY commits on its way */
	if (voids && IsA(pstmt->utilityStmt, AlterTableStmt) && !XactReadOnly)
		hsg_touch_all();
	(prev_utility != NULL ? prev_utility : standard_ProcessUtility)
		(pstmt, queryString, readOnlyTree, context, params, queryEnv, dest, qc);
	hsg_ddl_count += counts;
	if (voids)
		hsg_touch_all();
}
