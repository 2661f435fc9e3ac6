/* SPDX-License-Identifier: MIT */
#include "core/limits.h"
#include "types/std_tree.h"

/*
 * Containers of libc++, on 64-bit machines. Lists and hash tables are as those
 * of libstdc++, trees are not:
 *
 *	tree    {leftmost, root, count}
 *	node    {left, right, parent, is black u8, value}
 *
 * The parent of the root is where the tree keeps the root, as if it were a node
 * with nothing but a left child.
 */
static bool read_node(struct hs_naming *n, hs_addr at,
		      struct hs_std_tree_node *ret)
{
	return at % 16 == 0 && hs_naming_block_at(n, at, NULL) &&
	       hs_peek(n, at, &ret->left) && hs_peek(n, at + 8, &ret->right) &&
	       hs_peek(n, at + 16, &ret->parent) &&
	       hs_window_uint(&n->meta, at + 24, 1, &ret->colour) &&
	       ret->colour <= 1;
}

/* Does a tree keep its root ROOT at END? Then its nodes get their names. */
static bool is_tree(struct hs_naming *n, struct hs_std *s, hs_addr end,
		    hs_addr root)
{
	uint64_t count, leftmost, left;
	if (end < 8 || !hs_peek(n, end + 8, &count) || count == 0 ||
	    count > n->heap->chunk_count || !hs_peek(n, end - 8, &leftmost) ||
	    !hs_naming_block_at(n, leftmost, NULL) ||
	    !hs_peek(n, leftmost, &left) || left != 0)
		return false;
	return hs_std_walk_tree(n, s, read_node, end, root, count, false) ==
		       count &&
	       hs_std_walk_tree(n, s, read_node, end, root, count, true) ==
		       count;
}

static void try_tree(struct hs_naming *n, struct hs_std *s,
		     const struct hs_block *b)
{
	hs_addr at = b->user;
	struct hs_std_tree_node node, up;
	if (b->usable < 32 || !read_node(n, at, &node))
		return;
	for (unsigned depth = 0; depth < HS_LIMIT_TREE_DEPTH; depth++) {
		uint64_t left;
		hs_addr parent = node.parent;
		if (parent % 8 != 0 || !hs_std_spend(s) ||
		    !hs_peek(n, parent, &left))
			return;
		if (left == at && is_tree(n, s, parent, at))
			return;
		if (!read_node(n, parent, &up) ||
		    (up.left != at && up.right != at))
			return;
		at = parent;
		node = up;
	}
}

static void survey(struct hs_naming *n, void *state)
{
	struct hs_std *s = state;
	if (n->target->word_size != 8 || n->target->big_endian ||
	    !hs_std_has_libcxx(n))
		return;
	s->libcxx = true;
	s->budget = (uint64_t)n->heap->chunk_count * HS_LIMIT_NODE_VISITS;
	for (size_t i = 0; i < n->heap->chunk_count && !n->failed; i++) {
		struct hs_block b;
		if (hs_std_may_be_node(n, i, &b) && !hs_std_try_list(n, s, &b))
			try_tree(n, s, &b);
	}
	hs_std_forget_seen(n);
	hs_std_owners(n, s);
}

const struct hs_namer hs_namer_libcxx = {
	.state_size = sizeof(struct hs_std),
	.survey = survey,
	.source = HS_TYPE_LIBCXX,
};
