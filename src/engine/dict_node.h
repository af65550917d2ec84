/*
 * dict_node.h
 *	  Large dictionaries: the nodes of members, and the root that counts them.
 *
 * Known to dict*.c only.  Functions that take a part need its exclusive lock.
 */
#ifndef HS_DICT_NODE_H
#define HS_DICT_NODE_H

#include "dict_int.h"

static inline const uint8_t *
hs_dict_node(HsRef node)
{
	return hs_ptr(node);
}

static inline HsDictRoot *
hs_dict_root(HsRef root)
{
	return hs_ptr(root);
}

/* Bytes of nodes and chains of the member that stands there. */
extern uint64_t hs_dict_node_bytes(HsType type, const uint8_t *at);

/* Call need(arg, size, count) for the nodes of a member.  value: NULL for sets, here and below. */
extern void hs_dict_node_needs(const HsPack *member, const HsPack *value,
							   void (*need) (void *arg, uint32_t size, uint32_t count), void *arg);

/* An empty one, reachable from nowhere yet; HS_REF_NONE: no memory. */
extern HsRef hs_dict_root_create(HsPart *part, HsType type);
/* And all its members, at once. */
extern void hs_dict_root_destroy(HsPart *part, HsRef root);

/* The node of a member, or HS_REF_NONE. */
static inline HsRef
hs_dict_root_find(const HsDictRoot *d, uint64_t hash, const HsPack *member)
{
	return hs_members_find(&d->index, &hs_dict_ops, hash, hs_bytes(member, sizeof(*member)));
}

/*
 * Add a member that is not there, or give one that is there another value.  HS_NO_MEMORY,
 * HS_LIMIT: nothing has changed.
 */
extern HsStatus hs_dict_root_insert(HsPart *part, HsDictRoot *d, uint64_t hash,
									const HsPack *member, const HsPack *value);
extern HsStatus hs_dict_root_set(HsPart *part, HsDictRoot *d, uint64_t hash, HsRef node,
								 const HsPack *value);
extern void hs_dict_root_remove(HsPart *part, HsDictRoot *d, uint64_t hash, HsRef node);

#endif							/* HS_DICT_NODE_H */
