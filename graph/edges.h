/* SPDX-License-Identifier: MIT */
#ifndef GRAPH_EDGES_H
#define GRAPH_EDGES_H

#include <heapscan/graph.h>

#include "core/backend.h"
#include "graph/roots.h"
#include "graph/word_filter.h"
#include "heap/block_index.h"

/*
 * All references, as small as they can be: four bytes for each, in the order
 * of their holders, and four for each chunk. Which word it was is found again
 * when somebody asks, by looking at that one block.
 */

/* An edge: the chunk it leads to, and whether to its start. */
#define HS_EDGE_INTERIOR (UINT32_C(1) << 31)
static inline uint32_t hs_edge_to(uint32_t edge)
{
	return edge & ~HS_EDGE_INTERIOR;
}

/* Chunks of one piece of work: its edges are in one array. */
#define HS_PIECE_SHIFT 14
#define HS_PIECE_CHUNKS ((size_t)1 << HS_PIECE_SHIFT)

struct hs_edge_piece {
	uint32_t *edge;
	size_t count, capacity;
	uint64_t missing; /* bytes of its blocks that were not captured */
};

/* A root word. */
struct hs_root_ref {
	hs_addr at;    /* or, of a register: thread << 8 | register */
	uint32_t edge; /* as above */
};

struct hs_root_piece {
	hs_addr start, end;
	struct hs_root_ref *ref;
	size_t count, capacity;
	uint64_t missing;
};

struct hs_edges {
	size_t chunk_count;
	uint32_t *first; /* of each chunk, in its piece */
	struct hs_edge_piece *piece;
	size_t piece_count;
	struct hs_root_piece *root; /* ascending; [0] are the registers */
	size_t root_count;
};

static inline const uint32_t *hs_edges_of(const struct hs_edges *edges,
					  size_t chunk, size_t *count)
{
	const struct hs_edge_piece *p = &edges->piece[chunk >> HS_PIECE_SHIFT];
	size_t from = edges->first[chunk], to = p->count;
	if (((chunk + 1) & (HS_PIECE_CHUNKS - 1)) &&
	    chunk + 1 < edges->chunk_count)
		to = edges->first[chunk + 1];
	*count = to - from;
	return p->edge ? p->edge + from : NULL; /* NULL + 0 is not C */
}

struct hs_known_refs;

/* One linear pass over blocks in use and roots, on several threads. The result
 * does not depend on how many. */
HS_MUST_CHECK enum hs_status
hs_edges_scan(const struct hs_target *target, const struct hs_heap *heap,
	      const struct hs_block_index *index, const struct hs_roots *roots,
	      const struct hs_known_refs *known,
	      const struct hs_graph_options *opt, struct hs_edges *ret,
	      struct hs_error *err);
void hs_edges_release(struct hs_edges *edges);

/*
 * Every word of memory from START to END that points into a live block, in
 * order, to FN; false from it stops. *MISSING, which may be NULL, gets the
 * number of bytes that were not captured.
 */
typedef bool (*hs_word_fn)(void *arg, hs_addr at, uint32_t chunk,
			   uint64_t into);
HS_MUST_CHECK enum hs_status hs_words_scan(const struct hs_target *target,
					   const struct hs_block_index *index,
					   hs_addr start, hs_addr end,
					   hs_word_fn fn, void *arg,
					   uint64_t *missing,
					   struct hs_error *err);

#endif
