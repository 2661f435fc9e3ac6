/* SPDX-License-Identifier: MIT */
#ifndef TYPES_LINK_SHAPES_H
#define TYPES_LINK_SHAPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Lists and trees among things of one kind that have a few fields, each of
 * which leads to another one, nowhere, or somewhere else. What is said of them
 * is said of a whole: each link in it was followed.
 */
#define HS_LINK_FIELDS 5u
#define HS_LINK_NONE UINT32_MAX       /* NULL */
#define HS_LINK_OUT (UINT32_MAX - 1u) /* to what is none of them */

struct hs_link_graph {
	uint32_t count;               /* below HS_LINK_OUT */
	uint32_t own;                 /* of them; most of a list are, or tree */
	unsigned fields;              /* at most HS_LINK_FIELDS */
	uint32_t *to[HS_LINK_FIELDS]; /* by node */
	uint8_t *shape;               /* by node: 0, or what it was found
				       * to be; no other shape wants it */
	/* By node: how many lead there by the field, up to 2: hs_link_count().
	 */
	uint8_t *in[HS_LINK_FIELDS];
	uint8_t *into, *seen; /* by node: for the search */
	uint32_t *queue;      /* as many as nodes: for the search */
	uint64_t budget;      /* nodes that hs_link_table() may still look at */
};

enum hs_link_kind {
	HS_LINK_TREE_UP, /* children at field 0 and 1, who know it by 2 */
	HS_LINK_DOUBLE,  /* field 0 leads on, 1 back */
	HS_LINK_TREE,    /* children at field 0 and 1 */
	HS_LINK_SINGLE,  /* field 0 leads on */
	HS_LINK_KINDS
};

struct hs_link_shape {
	enum hs_link_kind kind;
	unsigned field[3];
	uint32_t least; /* nodes of a chain, if more than usual; or 0 */
};

/* Fill GRAPH's in, which are zero, before anything is looked for. */
void hs_link_count(struct hs_link_graph *graph);

/* May NODE be one of them, by what else is in it? */
typedef bool (*hs_link_like)(void *arg, uint32_t node);

/*
 * Find all of SHAPE, and give their nodes NUMBER (not 0). Without LIKE what is
 * long enough to be no coincidence; with LIKE, which knows what those nodes are
 * like, also what is shorter. How many nodes there are. Linear in them.
 */
uint32_t hs_link_find(struct hs_link_graph *graph,
		      const struct hs_link_shape *shape, uint8_t number,
		      hs_link_like like, void *arg);

/*
 * The first HEADS of the queue are where the places of a table lead: do chains
 * by FIELD begin there that have nothing in common, end in NULL, and hold more
 * than these? Then their nodes are the first of the queue and have NUMBER. How
 * many; 0: no. For who looked for nothing else before.
 */
uint32_t hs_link_table(struct hs_link_graph *graph, unsigned field,
		       uint32_t heads, uint8_t number);

/* Is a look at all nodes worth it? By a few thousand of them. */
bool hs_link_plausible(const struct hs_link_graph *graph,
		       const struct hs_link_shape *shape);

#endif
