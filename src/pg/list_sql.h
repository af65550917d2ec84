/*
 * list_sql.h
 *	  What the files of the SQL functions on lists share.
 */
#ifndef HSG_LIST_SQL_H
#define HSG_LIST_SQL_H

#include "rows.h"

#include "../engine/list.h"

/* The one item in the buffer as text. */
extern Datum hsg_list_value(const HsItems *items);

#endif							/* HSG_LIST_SQL_H */
