/*
 * key_sql.h
 *	  What the files of the SQL functions on keys share.
 */
#ifndef HSG_KEY_SQL_H
#define HSG_KEY_SQL_H

#include "hotset.h"

/* Type, size and expiry of the key in argument 0, keyspace in argument 1; false if it is missing or null. */
extern bool hsg_key_peek(FunctionCallInfo fcinfo, HsRead *r);

#endif							/* HSG_KEY_SQL_H */
