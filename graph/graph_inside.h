/* SPDX-License-Identifier: MIT */
#ifndef GRAPH_GRAPH_INSIDE_H
#define GRAPH_GRAPH_INSIDE_H

#include "graph/edges.h"
#include "graph/known_refs.h"

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
	/* For hs_graph_why(), made when first asked: the chunk before on a
	 * shortest way from a root, or one of these. */
	uint32_t *before;
	uint32_t *steps; /* and how many it takes */
};
#define HS_BEFORE_NONE UINT32_MAX /* not reached */
#define HS_BEFORE_ROOT (UINT32_MAX - 1)

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
