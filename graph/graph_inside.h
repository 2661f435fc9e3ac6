/* SPDX-License-Identifier: MIT */
#ifndef GRAPH_GRAPH_INSIDE_H
#define GRAPH_GRAPH_INSIDE_H

#include "graph/edges.h"
#include "graph/known_refs.h"

/* The chunk before one on a shortest way from a root, or one of these; and how
 * many steps the way has. */
struct hs_before {
	uint32_t chunk, steps;
};
#define HS_BEFORE_NONE UINT32_MAX /* not reached */
#define HS_BEFORE_ROOT (UINT32_MAX - 1)

struct hs_graph {
	struct hs_target *target; /* these three are borrowed */
	struct hs_symbols *syms;  /* NULL: none */
	const struct hs_heap *heap;
	struct hs_graph_options opt;
	struct hs_block_index *index;
	struct hs_known_refs known;
	struct hs_roots roots;
	struct hs_edges edges;
	uint64_t *reached, *start; /* bits: from a root; at its start */
	struct hs_graph_summary summary;
	struct hs_before *before; /* by chunk; NULL until hs_graph_walk() */
};

/* Mark what is reached, nearest first, and fill `before`. */
HS_MUST_CHECK enum hs_status hs_graph_walk(struct hs_graph *graph,
					   struct hs_error *err);

/*
 * The words of block CHUNK that point into blocks in use, as in
 * hs_words_scan(): those that own to FN, the others to WEAK, which may be NULL.
 */
HS_MUST_CHECK enum hs_status hs_graph_words(const struct hs_graph *graph,
					    size_t chunk, hs_word_fn fn,
					    hs_word_fn weak, void *arg,
					    struct hs_error *err);

/* The root word REF, that is: hs_edges.root[PIECE].ref[...]. */
void hs_graph_root(struct hs_graph *graph, size_t piece,
		   const struct hs_root_ref *ref, struct hs_root_info *ret);

#endif
