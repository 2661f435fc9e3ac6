/* SPDX-License-Identifier: MIT */
#ifndef TYPES_STD_TREE_H
#define TYPES_STD_TREE_H

#include "types/std_nodes.h"

/* A node of a map or a set, of either library. */
struct hs_std_tree_node {
	uint64_t left, right, parent, colour;
};

/* Read the one at ADDR as a library lays it out; false: it is none. */
typedef bool (*hs_std_read_node)(struct hs_naming *n, hs_addr addr,
				 struct hs_std_tree_node *ret);

/*
 * Every node below ROOT, whose parent is END, in order, without a stack: by the
 * parents. NAMED: those that have no name yet get theirs. Returns how many
 * there are; 0: not a tree, or more than MOST.
 */
uint64_t hs_std_walk_tree(struct hs_naming *n, struct hs_std *s,
			  hs_std_read_node read, hs_addr end, hs_addr root,
			  uint64_t most, bool named);

#endif
