/* SPDX-License-Identifier: MIT */
#ifndef TYPES_LINK_TABLES_H
#define TYPES_LINK_TABLES_H

#include "types/linked_blocks.h"

/* An array of pointers to blocks of one class. */
struct hs_link_array {
	uint32_t chunk;
	unsigned class;
};

struct hs_link_arrays {
	struct hs_link_array *array;
	size_t count, capacity;
};

/* Those that have been named as such; false: no memory. */
bool hs_link_arrays_collect(struct hs_link_arrays *arrays, struct hs_linked *s);
void hs_link_arrays_release(struct hs_link_arrays *arrays);

/* Which of them are hash tables of nodes of C? They are named, and the nodes,
 * of which G knows where their links lead. */
void hs_name_tables(const struct hs_link_arrays *arrays, struct hs_linked *s,
		    const struct hs_node_class *c, struct hs_link_graph *g);

#endif
