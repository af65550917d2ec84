/*
 * session.h
 *	  What of a session decides the results of queries, as hashes.
 */
#ifndef HSG_SESSION_H
#define HSG_SESSION_H

#include "hotset.h"

/* 128 bits of XXH3 with the secret seed: what has the same digest is taken for the same. */
typedef struct HsgDigest
{
	uint64		low;
	uint64		high;
} HsgDigest;

extern HsgDigest hsg_digest(const void *data, size_t size);

/* Of a text[] as it is stored, bounds and nulls included; zero for one without elements. */
extern HsgDigest hsg_arg_digest(FunctionCallInfo fcinfo, int n);

typedef struct HsgSession
{
	HsgDigest	settings;		/* that shape text, say what a query means, or which rows it finds */
	HsgDigest	all;			/* these and search_path */
} HsgSession;

/* As they are now: valid until a setting may change.  Raises 53200. */
extern const HsgSession *hsg_session(void);

#endif							/* HSG_SESSION_H */
