/* SPDX-License-Identifier: MIT */
#include "types/std_nodes.h"

#include <string.h>

#include "core/limits.h"
#include "types/std_tree.h"

/*
 * Containers of libstdc++ by their shape alone, in words. Each rule
 * follows a container as a whole and compares with the number of elements that
 * it keeps: other linked structures do not pass.
 *
 *	list    head {next, prev, count}      node {next, prev, value}
 *	tree    header {colour, root, leftmost, rightmost, count}
 *	        node {colour, parent, left, right, value}
 *
 * Only where there is C++ at all: a C program may well have a ring of blocks.
 */

static const struct {
	const char *name, *evidence;
	enum hs_confidence confidence;
} kinds[HS_STD_KINDS] = {
	[HS_STD_LIST_NODE] = { "std::list node",
			       "the ring it is in, and the list's count",
			       HS_CONFIDENCE_HIGH },
	[HS_STD_TREE_NODE] = { "std::map or std::set node",
			       "the tree it is in, and its count",
			       HS_CONFIDENCE_HIGH },
	[HS_STD_HASH_NODE] = { "std::unordered_map or _set node",
			       "the hash table, and its count",
			       HS_CONFIDENCE_HIGH },
	[HS_STD_BUCKETS] = { "std::unordered_map or _set buckets",
			     "the hash table, and its count",
			     HS_CONFIDENCE_HIGH },
	[HS_STD_DEQUE_ELEMENTS] = { "std::deque elements",
				    "the deque's two iterators",
				    HS_CONFIDENCE_HIGH },
	[HS_STD_DEQUE_MAP] = { "std::deque map", "the deque's two iterators",
			       HS_CONFIDENCE_HIGH },
	[HS_STD_STRING] = { "std::string text",
			    "a string that fits, and its characters",
			    HS_CONFIDENCE_HIGH },
	[HS_STD_BYTES] = { "std::string text", "a string that fits",
			   HS_CONFIDENCE_MEDIUM },
	[HS_STD_VECTOR] = { "std::vector elements",
			    "begin, end and limit that fit",
			    HS_CONFIDENCE_MEDIUM },
	[HS_STD_POOL] = { "libstdc++ emergency pool",
			  "its size and its free list", HS_CONFIDENCE_MEDIUM },
};

/* Looked at, and part of no list: it need not be looked at again. */
#define SEEN (HS_NO_TYPE - 1)

bool hs_std_found(struct hs_naming *n, struct hs_std *s,
		  const struct hs_block *block, enum hs_std_kind kind)
{
	if (!s->type[kind]) {
		struct hs_type what = { .name = kinds[kind].name,
					.source = s->libcxx ? HS_TYPE_LIBCXX
							    : HS_TYPE_LIBSTDCXX,
					.confidence = kinds[kind].confidence,
					.evidence = kinds[kind].evidence,
					.module = SIZE_MAX };
		uint32_t type;
		if (!hs_naming_type(n, &what, &type))
			return false;
		s->type[kind] = type + 1;
	}
	n->type_of[block->chunk] = s->type[kind] - 1;
	return true;
}

bool hs_std_open_block(struct hs_naming *n, hs_addr addr, struct hs_block *ret)
{
	uint32_t chunk;
	/* Of those with a name nothing is read. */
	return addr % n->heap->layout.align == 0 &&
	       hs_naming_chunk_at(n, addr, &chunk) &&
	       (n->type_of[chunk] == SEEN || hs_naming_open(n, chunk)) &&
	       hs_naming_block(n, chunk, ret);
}

/* The pool for exceptions when memory is out, of GCC 5 to 12 and since 13; with
 * 32 bits, of GCC 5 to 12. */
static bool has_size_of_pool(const struct hs_naming *n,
			     const struct hs_block *b)
{
	if (n->target->word_size == 4)
		return b->usable >= 18944 && b->usable < 18976;
	return (b->usable >= 72704 && b->usable < 72736) ||
	       (b->usable >= 73728 && b->usable < 73760);
}

/* A list of free pieces, at first one. */
static bool is_pool(struct hs_naming *n, const struct hs_block *b)
{
	uint64_t next;
	return has_size_of_pool(n, b) && b->first <= b->usable &&
	       b->first % 16 == 0 && hs_block_word(n, b, 1, &next) && next == 0;
}

bool hs_std_has_libcxx(const struct hs_naming *n)
{
	for (size_t i = 0; i < n->target->modules.count; i++)
		if (strstr(n->target->modules.module[i].path, "libc++."))
			return true;
	for (size_t i = 0; i < n->table.count; i++)
		if (strstr(n->table.type[i].name, "std::__1::"))
			return true;
	return false;
}

static bool has_libstdcxx(struct hs_naming *n)
{
	for (size_t i = 0; i < n->table.count; i++)
		if (n->table.type[i].source == HS_TYPE_CXX &&
		    !hs_std_has_libcxx(n))
			return true;
	for (size_t i = 0; i < n->target->modules.count; i++)
		if (strstr(n->target->modules.module[i].path, "libstdc++"))
			return true;
	for (size_t i = 0; i < n->heap->chunk_count; i++) {
		struct hs_block b;
		/* The memory of all others is not looked at. */
		if (hs_naming_live(n, i, &b) && has_size_of_pool(n, &b) &&
		    hs_naming_block(n, i, &b) && is_pool(n, &b))
			return true;
	}
	return false;
}

/* Follow the ring through B; *HEAD gets the one element that is its list. */
static bool ring_of(struct hs_naming *n, struct hs_std *s,
		    const struct hs_block *b, hs_addr *head)
{
	uint64_t next, back, count, length = 1, heads = 0;
	hs_addr at = b->user;
	/* Twice: how long it is, then who says so. */
	for (; hs_peek(n, at, &next) && hs_std_word(n, next, 1, &back) &&
	       back == at && hs_std_spend(s);
	     length++) {
		at = next;
		if (at == b->user)
			break;
	}
	if (at != b->user || length < 2)
		return false;
	do {
		if (!hs_peek(n, at, &next) || !hs_std_spend(s))
			return false;
		/* The list itself may be anywhere, nodes are blocks. */
		if (hs_std_word(n, at, 2, &count) && count == length - 1) {
			heads++;
			*head = at;
		} else if (!hs_naming_block_at(n, at, NULL)) {
			return false;
		}
		at = next;
	} while (at != b->user);
	return heads == 1 && *head != b->user;
}

/* Name the ring of a list; of another ring, note that it was seen. */
static void mark_ring(struct hs_naming *n, struct hs_std *s, hs_addr head,
		      bool is_list)
{
	uint64_t at;
	struct hs_block b;
	if (!hs_peek(n, head, &at))
		return;
	while (at != head && hs_std_spend(s)) {
		if (hs_std_open_block(n, at, &b) &&
		    (!is_list || !hs_std_found(n, s, &b, HS_STD_LIST_NODE))) {
			if (is_list)
				return;
			n->type_of[b.chunk] = SEEN;
		}
		if (!hs_peek(n, at, &at))
			return;
	}
}

bool hs_std_try_list(struct hs_naming *n, struct hs_std *s,
		     const struct hs_block *b)
{
	uint64_t prev, back;
	hs_addr head = 0;
	unsigned w = n->target->word_size;
	if (b->usable < 3 * w || !hs_block_word(n, b, 1, &prev) ||
	    b->first % w != 0 || prev % w != 0 || b->first == b->user ||
	    !hs_std_word(n, b->first, 1, &back) || back != b->user ||
	    !hs_peek(n, prev, &back) || back != b->user)
		return false;
	if (ring_of(n, s, b, &head))
		mark_ring(n, s, head, true);
	else
		mark_ring(n, s, b->user, false);
	return n->type_of[b->chunk] < SEEN;
}

static bool read_node(struct hs_naming *n, hs_addr at,
		      struct hs_std_tree_node *ret)
{
	return at % n->target->word_size == 0 &&
	       hs_window_uint(&n->meta, at, 4, &ret->colour) &&
	       ret->colour <= 1 && hs_std_word(n, at, 1, &ret->parent) &&
	       hs_std_word(n, at, 2, &ret->left) &&
	       hs_std_word(n, at, 3, &ret->right);
}

static bool try_tree(struct hs_naming *n, struct hs_std *s,
		     const struct hs_block *b)
{
	struct hs_std_tree_node node, up;
	hs_addr at = b->user;
	uint64_t count;
	unsigned w = n->target->word_size;
	if (b->usable < 5 * w || (uint32_t)b->first > 1 ||
	    !read_node(n, at, &node) || node.parent == 0 ||
	    node.parent % w != 0)
		return false;
	/* Up to the header: it and the root are each other's parents. */
	for (unsigned depth = 0;; depth++) {
		if (depth == HS_LIMIT_TREE_DEPTH || !hs_std_spend(s) ||
		    !read_node(n, node.parent, &up))
			return false;
		if (up.parent == at)
			break;
		if (up.left != at && up.right != at)
			return false;
		at = node.parent;
		node = up;
	}
	hs_addr header = node.parent;
	/* A tree of one node: header and node look alike, the count tells. */
	if (!hs_std_word(n, header, 4, &count) || count == 0 ||
	    count > n->heap->chunk_count ||
	    hs_std_walk_tree(n, s, read_node, header, at, count, false) !=
		    count)
		return false;
	return hs_std_walk_tree(n, s, read_node, header, at, count, true) ==
	       count;
}

static bool may_be_node(const struct hs_naming *n, size_t i)
{
	return hs_naming_open(n, i) && !(n->plain && hs_bit(n->plain, i));
}

bool hs_std_may_be_node(struct hs_naming *n, size_t i, struct hs_block *ret)
{
	if (n->heap->chunk_count - i > HS_CHUNKS_AHEAD &&
	    may_be_node(n, i + HS_CHUNKS_AHEAD))
		hs_naming_look_ahead(n, i);
	return may_be_node(n, i) && hs_naming_block(n, i, ret);
}

void hs_std_forget_seen(struct hs_naming *n)
{
	for (size_t i = 0; i < n->heap->chunk_count; i++)
		if (n->type_of[i] == SEEN)
			n->type_of[i] = HS_NO_TYPE;
}

static void survey(struct hs_naming *n, void *state)
{
	struct hs_std *s = state;
	if (n->target->big_endian || !has_libstdcxx(n))
		return;
	s->budget = (uint64_t)n->heap->chunk_count * HS_LIMIT_NODE_VISITS;
	for (size_t i = 0; i < n->heap->chunk_count && !n->failed; i++) {
		struct hs_block b;
		if (!hs_std_may_be_node(n, i, &b))
			continue;
		if (is_pool(n, &b))
			(void)hs_std_found(n, s, &b, HS_STD_POOL);
		else if (!hs_std_try_list(n, s, &b))
			(void)try_tree(n, s, &b);
	}
	hs_std_forget_seen(n);
	hs_std_owners(n, s);
}

const struct hs_namer hs_namer_std_nodes = {
	.state_size = sizeof(struct hs_std),
	.survey = survey,
	.source = HS_TYPE_LIBSTDCXX,
};
