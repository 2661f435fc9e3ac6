/* SPDX-License-Identifier: MIT */
#include "types/std_tree.h"

uint64_t hs_std_walk_tree(struct hs_naming *n, struct hs_std *s,
			  hs_std_read_node read, hs_addr end, hs_addr root,
			  uint64_t most, bool named)
{
	uint64_t count = 0;
	hs_addr at = root, from = end;
	struct hs_block b;
	while (at != end) {
		struct hs_std_tree_node node;
		if (!hs_std_spend(s) || !read(n, at, &node))
			return 0;
		if (from == node.parent) { /* down, the first time */
			if (++count > most || !hs_naming_block_at(n, at, NULL))
				return 0;
			if (named && hs_std_open_block(n, at, &b) &&
			    !hs_std_found(n, s, &b, HS_STD_TREE_NODE))
				return 0;
			from = at;
			at = node.left    ? node.left
			     : node.right ? node.right
					  : node.parent;
		} else if (from == node.left && node.right &&
			   node.right != node.left) {
			from = at;
			at = node.right;
		} else if (from == node.left || from == node.right) {
			from = at;
			at = node.parent;
		} else {
			return 0; /* a child whose parent is another */
		}
	}
	return count;
}
