/* SPDX-License-Identifier: MIT */
#ifndef GRAPH_LEAKS_INSIDE_H
#define GRAPH_LEAKS_INSIDE_H

#include "graph/graph_inside.h"

/* What leaked, numbered among itself: node 0 is the lowest block. */
struct hs_leaked {
	const struct hs_graph *graph;
	size_t count;
	uint32_t *chunk;  /* by node */
	uint32_t *before; /* leaked chunks in front of each 64 chunks */
	uint32_t *part;   /* by node: its strongly connected component */
	size_t part_count;
	bool *cyclic;    /* by component */
	uint32_t *head;  /* by component: its lowest node */
	uint32_t *entry; /* by node: the head that it hangs below */
	uint8_t *stale;  /* by node: something that holds nothing points to it
			  * or above it */
};

struct hs_leak_slot {
	struct hs_leak_group group; /* its shape is owned */
	uint32_t number;            /* before they were sorted */
};

struct hs_leaks {
	struct hs_graph *graph;
	struct hs_leak_info *leak; /* by node */
	size_t count;
	struct hs_leak_slot *group;
	size_t group_count, group_capacity;
};

/* Fill RET with the blocks of LEAKED and their groups. What was made is RET's
 * also on failure. */
HS_MUST_CHECK enum hs_status hs_leaks_describe(struct hs_leaks *ret,
					       const struct hs_leaked *leaked,
					       struct hs_error *err);

#endif
