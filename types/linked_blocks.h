/* SPDX-License-Identifier: MIT */
#ifndef TYPES_LINKED_BLOCKS_H
#define TYPES_LINKED_BLOCKS_H

#include "types/link_shapes.h"
#include "types/namer.h"

/*
 * Blocks without a name that lead to others of their size. Sizes are those of
 * malloc: blocks of one are a class. Larger ones are few, and what links them
 * is in most programs a table.
 */
#define HS_NODE_CLASSES 33u
#define HS_NODE_WORDS 64u
#define HS_NO_NODE UINT32_MAX

/* The word at AT leads INTO a block of the same size. */
struct hs_node_link {
	uint32_t at, into, seen;
};

/*
 * Where what is left of a free block is too small, malloc gives it as well: so
 * the blocks of the next size are among the nodes, behind those of this one.
 */
struct hs_node_class {
	uint32_t first, own, count; /* of the nodes */
	unsigned links;
	struct hs_node_link link[HS_LINK_FIELDS];
};

struct hs_linked {
	struct hs_naming *n;
	unsigned word;
	size_t nameless;
	/* How often one word leads into one place, by class. */
	uint32_t (*seen)[HS_NODE_WORDS][HS_NODE_WORDS];
	struct hs_node_class class[HS_NODE_CLASSES];
	uint32_t *node;    /* chunks, by class and address */
	uint32_t *node_of; /* by chunk; HS_NO_NODE */
	struct hs_naming *worker;
};

/* False: nothing is linked; or no memory, which s->n->failed keeps. */
bool hs_linked_init(struct hs_linked *s, struct hs_naming *n);
void hs_linked_release(struct hs_linked *s);

/*
 * Where each link of each node of C leads: TO has a place for each link of each
 * node, all of the first link first. False: memory ran out or was not readable.
 */
bool hs_linked_follow(struct hs_linked *s, const struct hs_node_class *c,
		      uint32_t *to);

/* The class of chunk I; HS_NODE_CLASSES: of none. */
unsigned hs_node_class_of(const struct hs_naming *n, size_t i);
hs_addr hs_linked_user(const struct hs_naming *n, uint32_t chunk);
/* The live block that WORD leads into. */
bool hs_linked_into(struct hs_naming *n, uint64_t word, uint32_t *chunk,
		    uint64_t *into);
/* What a node of C holds. */
uint64_t hs_linked_usable(const struct hs_linked *s,
			  const struct hs_node_class *c);
bool hs_linked_no_memory(struct hs_linked *s); /* false */

#endif
