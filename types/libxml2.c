/* SPDX-License-Identifier: MIT */
#include "types/shapes.h"

/*
 * Trees of libxml2 on 64-bit machines. Nodes of all kinds begin alike and know
 * those around them, which know them in turn, and their document.
 *
 *	node        {-, kind u32, name, children, last, parent, next, previous,
 *	            document, namespace, content or kind of attribute u32, ...}
 *	document    {-, kind u32, -, children, last, 0, 0, 0, itself, ...}
 *	strings     {next, free, end, bytes, strings, ...}: of a dictionary
 */
#define ELEMENT 1u
#define ATTRIBUTE 2u
#define TEXT 3u
#define CDATA 4u
#define DOCUMENT 9u
#define HTML_DOCUMENT 13u
#define LAST_KIND 20u

/* Words of a node. */
#define NAME 2u
#define CHILDREN 3u
#define LAST 4u
#define PARENT 5u
#define NEXT 6u
#define PREVIOUS 7u
#define OWNER 8u
#define CONTENT 10u
#define PROPERTIES 11u

#define NODE_BYTES 96u  /* an attribute */
#define MOST_BYTES 184u /* a document */

#define POOL_HEADER 40u
#define POOL_LEAST 1000u

enum shape {
	NODE_ELEMENT,
	NODE_ATTRIBUTE,
	NODE_TEXT,
	NODE_OTHER,
	NODE_DOCUMENT,
	CHARACTERS,
	POOL
};

#define HIGH HS_CONFIDENCE_HIGH
#define AROUND "the nodes around it, which know it"
static const struct hs_shape_name shapes[] = {
	[NODE_ELEMENT] = { "XML element", AROUND, HIGH },
	[NODE_ATTRIBUTE] = { "XML attribute", AROUND, HIGH },
	[NODE_TEXT] = { "XML text", AROUND, HIGH },
	[NODE_OTHER] = { "XML node", AROUND, HIGH },
	[NODE_DOCUMENT] = { "XML document", "itself, and its nodes", HIGH },
	[CHARACTERS] = { "XML text's characters", "the node that leads to it",
			 HIGH },
	[POOL] = { "XML dictionary strings", "its end, and its free part",
		   HIGH },
};
#undef AROUND
#undef HIGH

struct libxml2 {
	struct hs_addr_map owned; /* what text consists of */
	bool loaded;
};

static void release(void *state)
{
	hs_addr_map_release(&((struct libxml2 *)state)->owned);
}

static void merge(struct hs_naming *n, void *state, const void *worker)
{
	hs_owned_merge(n, &((struct libxml2 *)state)->owned,
		       &((const struct libxml2 *)worker)->owned);
}

static void prepare(struct hs_naming *n, void *state)
{
	struct libxml2 *x = state;
	x->loaded = n->target->word_size == 8 && !n->target->big_endian &&
		    hs_module_named(n, "libxml2") != SIZE_MAX;
}

static bool word_at(struct hs_naming *n, hs_addr node, unsigned word,
		    uint64_t *ret)
{
	return hs_peek(n, node + 8 * (uint64_t)word, ret);
}

static bool is_document(struct hs_naming *n, hs_addr at)
{
	uint64_t kind, owner, parent;
	return hs_naming_block_at(n, at, NULL) && word_at(n, at, 1, &kind) &&
	       ((uint32_t)kind == DOCUMENT ||
		(uint32_t)kind == HTML_DOCUMENT) &&
	       word_at(n, at, OWNER, &owner) && owner == at &&
	       word_at(n, at, PARENT, &parent) && parent == 0;
}

/* Does word WORD of the block at AT lead to NODE? */
static bool knows(struct hs_naming *n, hs_addr at, unsigned word, hs_addr node)
{
	uint64_t back;
	return hs_naming_block_at(n, at, NULL) && word_at(n, at, word, &back) &&
	       back == node;
}

static bool is_node(struct hs_naming *n, const struct hs_block *b,
		    uint32_t kind)
{
	uint64_t name, children, last, parent, next, previous, owner;
	if (!hs_block_word(n, b, NAME, &name) ||
	    !hs_block_word(n, b, CHILDREN, &children) ||
	    !hs_block_word(n, b, LAST, &last) ||
	    !hs_block_word(n, b, PARENT, &parent) ||
	    !hs_block_word(n, b, NEXT, &next) ||
	    !hs_block_word(n, b, PREVIOUS, &previous) ||
	    !hs_block_word(n, b, OWNER, &owner) || parent == 0 ||
	    !is_document(n, owner) ||
	    (name != 0 && !hs_target_find_map(n->target, name)))
		return false;
	/* Those that stand beside it, or who is above it. */
	if (next != 0 && !knows(n, next, PREVIOUS, b->user))
		return false;
	if (previous != 0 ? !knows(n, previous, NEXT, b->user)
			  : !knows(n, parent, CHILDREN, b->user) &&
				    (kind != ATTRIBUTE ||
				     !knows(n, parent, PROPERTIES, b->user)))
		return false;
	/* The text of an entity may be shared. */
	return children == 0 || kind > TEXT ||
	       (knows(n, children, PARENT, b->user) &&
		knows(n, last, PARENT, b->user));
}

static bool is_pool(struct hs_naming *n, const struct hs_block *b)
{
	uint64_t free, end, bytes;
	uint32_t strings;
	return b->usable >= POOL_LEAST + POOL_HEADER &&
	       hs_block_word(n, b, 1, &free) && hs_block_word(n, b, 2, &end) &&
	       hs_block_word(n, b, 3, &bytes) &&
	       hs_peek_u32(n, b->user + 32, &strings) && strings > 0 &&
	       bytes >= POOL_LEAST && end > b->user + POOL_HEADER &&
	       end - b->user <= b->usable && end - b->user >= bytes &&
	       end - b->user - bytes <= POOL_HEADER && free > b->user + 32 &&
	       free <= end && hs_block_fits(n, b, end - b->user) &&
	       (b->first == 0 || hs_naming_block_at(n, b->first, NULL));
}

static bool named(struct hs_naming *n, enum shape shape, uint32_t *type)
{
	return hs_shape_type(n, &shapes[shape], HS_TYPE_LIBXML2, type);
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	struct libxml2 *x = state;
	uint64_t kind, content, children;
	if (!x->loaded || b->usable < NODE_BYTES ||
	    !hs_block_word(n, b, 1, &kind))
		return false;
	if (b->usable >= POOL_LEAST)
		return is_pool(n, b) && named(n, POOL, type);
	if (b->usable > MOST_BYTES + 32 || (kind & UINT32_MAX) > LAST_KIND ||
	    kind == 0)
		return false;
	kind &= UINT32_MAX;
	if (is_document(n, b->user))
		return hs_block_word(n, b, CHILDREN, &children) &&
		       knows(n, children, PARENT, b->user) &&
		       named(n, NODE_DOCUMENT, type);
	if (!is_node(n, b, (uint32_t)kind))
		return false;
	if ((kind == TEXT || kind == CDATA) &&
	    hs_block_word(n, b, CONTENT, &content) && content != 0 &&
	    hs_naming_block_at(n, content, NULL))
		hs_owned_note(n, &x->owned, content, CHARACTERS);
	return named(n,
		     kind == ELEMENT     ? NODE_ELEMENT
		     : kind == ATTRIBUTE ? NODE_ATTRIBUTE
		     : kind == TEXT      ? NODE_TEXT
					 : NODE_OTHER,
		     type);
}

static bool claim_late(struct hs_naming *n, const void *state,
		       const struct hs_block *b, uint32_t *type)
{
	const struct libxml2 *x = state;
	uint32_t shape;
	return x->owned.count && hs_owned_get(&x->owned, b->user, &shape) &&
	       named(n, shape, type);
}

const struct hs_namer hs_namer_libxml2 = {
	.state_size = sizeof(struct libxml2),
	.release = release,
	.prepare = prepare,
	.claim = claim,
	.merge = merge,
	.claim_late = claim_late,
	.source = HS_TYPE_LIBXML2,
};
