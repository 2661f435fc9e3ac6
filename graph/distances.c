/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/prefetch.h"
#include "graph/graph_inside.h"

/*
 * Breadth first from all roots at once: each block then knows the one before
 * it on a shortest way, and is marked on the way. The queue is known in
 * advance, so everything it will need is asked for in time: first where a
 * block's edges are, then the edges, then what they lead to.
 */
#define AHEAD_FIRST 24u
#define AHEAD_EDGES 16u
#define AHEAD_BLOCKS 8u
/* Of one block: what leads to thousands has its edges side by side. */
#define AHEAD_MOST 8u

struct walk {
	struct hs_graph *graph;
	struct hs_before *before;
	uint32_t *queue;
	size_t head, tail;
};

static inline void reach(struct walk *w, uint32_t edge, uint32_t from,
			 uint32_t steps)
{
	struct hs_graph *g = w->graph;
	uint32_t to = hs_edge_to(edge);
	if (!(edge & HS_EDGE_INTERIOR))
		hs_bit_set(g->start, to);
	if (w->before[to].chunk != HS_BEFORE_NONE)
		return;
	hs_bit_set(g->reached, to);
	w->before[to] = (struct hs_before){ from, steps };
	w->queue[w->tail++] = to;
}

static inline void ask_ahead(const struct walk *w)
{
	const struct hs_edges *edges = &w->graph->edges;
	size_t n, left = w->tail - w->head;
	if (left > AHEAD_FIRST)
		hs_prefetch(&edges->first[w->queue[w->head + AHEAD_FIRST]]);
	if (left > AHEAD_EDGES) {
		uint32_t chunk = w->queue[w->head + AHEAD_EDGES];
		hs_prefetch(hs_edges_of(edges, chunk, &n));
	}
	if (left <= AHEAD_BLOCKS)
		return;
	const uint32_t *edge =
		hs_edges_of(edges, w->queue[w->head + AHEAD_BLOCKS], &n);
	for (size_t i = 0; i < n && i < AHEAD_MOST; i++)
		hs_prefetch_to_write(&w->before[hs_edge_to(edge[i])]);
}

enum hs_status hs_graph_walk(struct hs_graph *g, struct hs_error *err)
{
	size_t chunks = g->heap->chunk_count;
	HS_AUTO_FREE uint32_t *queue = malloc((chunks + 1) * sizeof(*queue));
	HS_AUTO_FREE struct hs_before *before =
		malloc((chunks + 1) * sizeof(*before));
	if (!queue || !before)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu chunks",
			       chunks);
	memset(before, 0xff, (chunks + 1) * sizeof(*before));
	struct walk w = { g, before, queue, 0, 0 };
	for (size_t p = 0; p < g->edges.root_count; p++)
		for (size_t i = 0; i < g->edges.root[p].count; i++)
			reach(&w, g->edges.root[p].ref[i].edge, HS_BEFORE_ROOT,
			      1);
	for (; w.head < w.tail; w.head++) {
		size_t n;
		uint32_t from = queue[w.head];
		const uint32_t *edge = hs_edges_of(&g->edges, from, &n);
		uint32_t steps = before[from].steps + 1;
		ask_ahead(&w);
		for (size_t i = 0; i < n; i++)
			reach(&w, edge[i], from, steps);
	}
	g->before = HS_TAKE(before);
	return HS_OK;
}
