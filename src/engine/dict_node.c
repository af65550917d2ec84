/*
 * dict_node.c
 *	  Large dictionaries: the nodes of members, and the root that counts them.
 */
#include "dict_node.h"

static inline bool
is_chained(const HsPack *p)
{
	return p->width == 0 && p->text.size > HS_DICT_INLINE;
}

/* Bytes of the string in the member's node. */
static inline uint32_t
item_size(const HsPack *p)
{
	return is_chained(p) ? HS_PACK_CHAIN_SIZE : (uint32_t) hs_pack_size(p);
}

static inline uint32_t
node_size(const HsPack *member, const HsPack *value)
{
	return item_size(member) + (value != NULL ? item_size(value) : 0);
}

static uint64_t
text_bytes(HsType type, const uint8_t *at)
{
	HsPack		p;
	uint64_t	bytes;

	at = hs_pack_get(at, &p);
	bytes = hs_pack_text_size(&p);
	if (type == HS_HASH)
	{
		(void) hs_pack_get(at, &p);
		bytes += hs_pack_text_size(&p);
	}
	return bytes;
}

static inline uint64_t
item_chain_bytes(const uint8_t *at)
{
	HsPack		p;

	if (*at != HS_PACK_CHAIN)
		return 0;
	(void) hs_pack_get(at, &p);
	return hs_chain_bytes(p.text.size);
}

uint64_t
hs_dict_node_bytes(HsType type, const uint8_t *at)
{
	uint64_t	bytes = hs_slab_round((uint32_t) hs_dict_skip(type, at)) + item_chain_bytes(at);

	return type == HS_HASH ? bytes + item_chain_bytes(at + hs_pack_skip(at)) : bytes;
}

void
hs_dict_node_needs(const HsPack *member, const HsPack *value,
				   void (*need) (void *arg, uint32_t size, uint32_t count), void *arg)
{
	need(arg, node_size(member, value), 1);
	if (is_chained(member))
		hs_chain_needs(member->text.size, need, arg);
	if (value != NULL && is_chained(value))
		hs_chain_needs(value->text.size, need, arg);
}

/* The chain of a string that needs one; HS_REF_NONE if it does not.  False: no memory. */
static bool
chain_for(HsPart *part, const HsPack *p, HsRef *chain)
{
	*chain = HS_REF_NONE;
	if (p == NULL || !is_chained(p))
		return true;
	*chain = hs_chain_alloc(part, p->text);
	return *chain != HS_REF_NONE;
}

static uint8_t *
put_item(uint8_t *at, const HsPack *p, HsRef chain)
{
	return chain != HS_REF_NONE ? hs_pack_put_chain(at, chain, p->text.size) : hs_pack_put(at, p);
}

static void
drop_chain(HsPart *part, const HsPack *p, HsRef chain)
{
	if (chain != HS_REF_NONE)
		hs_chain_free(part, chain, p->text.size);
}

/* Free the chain of an item, if it has one. */
static void
free_item(HsPart *part, const uint8_t *at)
{
	HsPack		p;

	if (*at != HS_PACK_CHAIN)
		return;
	(void) hs_pack_get(at, &p);
	hs_chain_free(part, p.chain, p.text.size);
}

static HsRef
node_alloc(HsPart *part, const HsPack *member, const HsPack *value)
{
	HsRef		chain[2];
	HsRef		node = HS_REF_NONE;
	uint8_t    *at;

	if (!chain_for(part, member, &chain[0]))
		return HS_REF_NONE;
	if (chain_for(part, value, &chain[1]))
		node = hs_slab_alloc(part, node_size(member, value));
	if (node == HS_REF_NONE)
	{
		drop_chain(part, member, chain[0]);
		drop_chain(part, value, chain[1]);
		return HS_REF_NONE;
	}
	at = put_item(hs_ptr(node), member, chain[0]);
	if (value != NULL)
		(void) put_item(at, value, chain[1]);
	return node;
}

static void
free_set_node(HsPart *part, HsRef node)
{
	const uint8_t *at = hs_dict_node(node);
	uint32_t	size = (uint32_t) hs_pack_skip(at);

	free_item(part, at);
	hs_slab_free(part, node, size);
}

static void
free_hash_node(HsPart *part, HsRef node)
{
	const uint8_t *at = hs_dict_node(node);
	uint32_t	size = (uint32_t) hs_dict_skip(HS_HASH, at);

	free_item(part, at);
	free_item(part, at + hs_pack_skip(at));
	hs_slab_free(part, node, size);
}

/*
 * ---- Root -----------------------------------------------------------------------
 */

HsRef
hs_dict_root_create(HsPart *part, HsType type)
{
	HsRef		root = hs_slab_alloc(part, sizeof(HsDictRoot));
	HsDictRoot *d;

	if (root == HS_REF_NONE)
		return HS_REF_NONE;
	d = hs_dict_root(root);
	memset(d, 0, sizeof(*d));
	d->root.type = (uint8_t) type;
	d->bytes = hs_slab_round(sizeof(HsDictRoot));
	hs_members_init(&d->index);
	return root;
}

bool
hs_dict_free_slice(HsPart *part, HsRef root, unsigned budget)
{
	HsDictRoot *d = hs_dict_root(root);

	if (!hs_members_free_slice(&d->index, part,
							   d->root.type == HS_HASH ? free_hash_node : free_set_node, &budget))
		return false;
	assert(d->index.bytes == 0);
	hs_slab_free(part, root, sizeof(HsDictRoot));
	return true;
}

void
hs_dict_root_destroy(HsPart *part, HsRef root)
{
	while (!hs_dict_free_slice(part, root, 1u << 20))
		;
}

HsStatus
hs_dict_root_insert(HsPart *part, HsDictRoot *d, uint64_t hash, const HsPack *member,
					const HsPack *value)
{
	HsStatus	status = hs_members_make_room(&d->index, part, &hs_dict_ops, hash);
	HsRef		node;

	if (status != HS_OK)
		return status;
	node = node_alloc(part, member, value);
	if (node == HS_REF_NONE)
		return HS_NO_MEMORY;
	hs_members_insert(&d->index, hash, node);
	d->bytes += hs_dict_node_bytes((HsType) d->root.type, hs_dict_node(node));
	d->text_bytes += text_bytes((HsType) d->root.type, hs_dict_node(node));
	return HS_OK;
}

HsStatus
hs_dict_root_set(HsPart *part, HsDictRoot *d, uint64_t hash, HsRef node, const HsPack *value)
{
	const uint8_t *old = hs_dict_node(node);
	uint32_t	member_size = (uint32_t) hs_pack_skip(old);
	uint32_t	old_size = (uint32_t) hs_dict_skip(HS_HASH, old);
	uint32_t	size = member_size + item_size(value);
	HsRef		fresh = node;
	HsRef		chain;
	HsPack		old_value;

	if (!chain_for(part, value, &chain))
		return HS_NO_MEMORY;
	if (hs_slab_round(size) != hs_slab_round(old_size))
	{
		fresh = hs_slab_alloc(part, size);
		if (fresh == HS_REF_NONE)
		{
			drop_chain(part, value, chain);
			return HS_NO_MEMORY;
		}
		memcpy(hs_ptr(fresh), old, member_size);
	}
	d->bytes -= hs_dict_node_bytes(HS_HASH, old);
	(void) hs_pack_get(old + member_size, &old_value);
	d->text_bytes += hs_pack_text_size(value) - hs_pack_text_size(&old_value);
	free_item(part, old + member_size);
	(void) put_item((uint8_t *) hs_ptr(fresh) + member_size, value, chain);
	d->bytes += hs_dict_node_bytes(HS_HASH, hs_dict_node(fresh));
	if (fresh != node)
	{
		hs_members_replace(&d->index, hash, node, fresh);
		hs_slab_free(part, node, old_size);
	}
	return HS_OK;
}

void
hs_dict_root_remove(HsPart *part, HsDictRoot *d, uint64_t hash, HsRef node)
{
	HsType		type = (HsType) d->root.type;

	hs_members_remove(&d->index, part, hash, node);
	d->bytes -= hs_dict_node_bytes(type, hs_dict_node(node));
	d->text_bytes -= text_bytes(type, hs_dict_node(node));
	if (type == HS_HASH)
		free_hash_node(part, node);
	else
		free_set_node(part, node);
}

/*
 * ---- What the index asks ------------------------------------------------------------
 */

static uint64_t
node_hash(HsRef node)
{
	HsPack		p;

	(void) hs_pack_get(hs_dict_node(node), &p);
	return hs_pack_hash(&p);
}

static bool
node_is(HsRef node, HsBytes member)
{
	return hs_pack_is(hs_dict_node(node), (const HsPack *) (const void *) member.data);
}

const HsMemberOps hs_dict_ops = {node_hash, node_is};
