/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/graph_view.h"
#include "cli/reach.h"

void graph_view_release(struct graph_view *view)
{
	for (size_t i = 0; i < view->node_count; i++)
		free(view->nodes[i].label);
	for (size_t i = 0; i < view->edge_count; i++)
		free(view->edges[i].field);
	free(view->nodes);
	free(view->edges);
	*view = (struct graph_view){ .nodes = NULL };
}

enum hs_status graph_view_add_edge(struct graph_view *view,
				   const struct graph_edge *edge)
{
	if (view->edge_count == view->edge_capacity) {
		size_t wanted =
			view->edge_capacity ? 2 * view->edge_capacity : 256;
		struct graph_edge *bigger =
			realloc(view->edges, wanted * sizeof(*bigger));
		if (!bigger)
			return HS_ERR_NOMEM;
		view->edges = bigger;
		view->edge_capacity = wanted;
	}
	view->edges[view->edge_count++] = *edge;
	return HS_OK;
}

/* More edges than this for each node hide each other: the thickest stay. */
#define EDGES_A_NODE 4u

static int by_count(const void *a, const void *b)
{
	const struct graph_edge *x = a, *y = b;
	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	if (x->from != y->from)
		return x->from < y->from ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

void graph_view_thin(struct graph_view *v)
{
	size_t most = EDGES_A_NODE * v->node_count;
	if (v->edge_count)
		qsort(v->edges, v->edge_count, sizeof(*v->edges), by_count);
	if (v->edge_count > most) {
		v->edges_left_out = v->edge_count - most;
		v->edge_count = most;
		v->cut = true;
	}
}

const char *graph_cut_text(const struct graph_view *view, char *buf,
			   size_t size)
{
	if (!view->cut)
		return NULL;
	if (view->edges_left_out)
		(void)snprintf(buf, size,
			       "cut at %zu nodes and the %zu strongest edges, "
			       "%zu and %zu left out",
			       view->node_count, view->edge_count,
			       view->left_out, view->edges_left_out);
	else if (view->left_out)
		(void)snprintf(buf, size, "cut at %zu nodes, %zu left out",
			       view->node_count, view->left_out);
	else
		(void)snprintf(buf, size, "cut at %zu nodes, there are more",
			       view->node_count);
	return buf;
}

enum hs_status graph_view_label(struct graph_view *view, const struct cli *cli,
				const size_t *chunk_of)
{
	for (size_t i = 0; i < view->node_count; i++) {
		struct graph_node *n = &view->nodes[i];
		const char *type =
			n->is_root ? NULL : reach_type(cli, chunk_of[i]);
		if (type && !(n->label = strdup(type)))
			return HS_ERR_NOMEM;
	}
	return HS_OK;
}

struct walk {
	struct graph_view *view;
	const struct cli *cli;
	const struct hs_heap *heap;
	const struct hs_refs *refs;
	size_t *chunk_of;  /* by node */
	uint32_t *node_of; /* by chunk: node + 1; 0: not shown */
	size_t max_nodes;
};

struct graph_node graph_node_of_chunk(const struct hs_heap *heap, size_t chunk,
				      unsigned distance)
{
	struct hs_chunk_info info;
	hs_heap_chunk(heap, chunk, &info);
	return (struct graph_node){
		.state = info.state,
		.user = info.user,
		.min_size = info.size,
		.max_size = info.size,
		.count = 1,
		.bytes = info.size,
		.distance = distance,
	};
}

/* False when there is no room for CHUNK. */
static bool reach(struct walk *w, size_t chunk, unsigned distance)
{
	if (w->node_of[chunk])
		return true;
	if (w->view->node_count == w->max_nodes) {
		w->view->cut = true;
		return false;
	}
	size_t node = w->view->node_count++;
	w->chunk_of[node] = chunk;
	w->node_of[chunk] = (uint32_t)node + 1;
	w->view->nodes[node] = graph_node_of_chunk(w->heap, chunk, distance);
	return true;
}

/* Breadth first both ways: the list of nodes is the queue. */
static void spread(struct walk *w, unsigned depth)
{
	for (size_t n = 0; n < w->view->node_count; n++) {
		unsigned distance = w->view->nodes[n].distance;
		size_t chunk = w->chunk_of[n];
		struct hs_ref ref;
		if (distance == depth)
			return;
		size_t out = hs_refs_out_count(w->refs, chunk);
		for (size_t i = 0; i < out; i++) {
			hs_refs_out(w->refs, chunk, i, &ref);
			if (!reach(w, ref.to, distance + 1))
				return;
		}
		size_t in = hs_refs_in_count(w->refs, chunk);
		for (size_t i = 0; i < in; i++) {
			hs_refs_in(w->refs, chunk, i, &ref);
			if (!reach(w, ref.from, distance + 1))
				return;
		}
	}
}

/* References between shown nodes; several from one to one are one edge. */
static enum hs_status connect(struct walk *w, size_t *edge_to)
{
	struct graph_view *view = w->view;
	for (size_t n = 0; n < view->node_count; n++) {
		size_t first = view->edge_count;
		size_t out = hs_refs_out_count(w->refs, w->chunk_of[n]);
		for (size_t i = 0; i < out; i++) {
			struct hs_ref ref;
			hs_refs_out(w->refs, w->chunk_of[n], i, &ref);
			if (!w->node_of[ref.to])
				continue;
			size_t to = w->node_of[ref.to] - 1;
			/* Edge + 1, left over from an earlier N or ours. */
			if (edge_to[to] > first) {
				view->edges[edge_to[to] - 1].count++;
				continue;
			}
			struct graph_edge edge = {
				n, to, 1, ref.offset, ref.interior, NULL
			};
			char field[FIELD_TEXT];
			const char *name = reach_field(w->cli, w->chunk_of[n],
						       ref.offset, field);
			if (name && !(edge.field = strdup(name)))
				return HS_ERR_NOMEM;
			enum hs_status st = graph_view_add_edge(view, &edge);
			if (st) {
				free(edge.field);
				return st;
			}
			edge_to[to] = view->edge_count;
		}
	}
	return HS_OK;
}

enum hs_status graph_around(struct graph_view *view, const struct cli *cli,
			    const struct hs_refs *refs, size_t start,
			    unsigned depth, size_t max_nodes)
{
	const struct hs_heap *heap = cli->heap;
	size_t chunks = hs_heap_chunk_count(heap);
	if (max_nodes > chunks)
		max_nodes = chunks;
	*view = (struct graph_view){ .ref_count = hs_refs_count(refs) };
	struct walk w = { view, cli, heap, refs, NULL, NULL, max_nodes };
	view->nodes = calloc(max_nodes + 1, sizeof(*view->nodes));
	w.chunk_of = calloc(max_nodes + 1, sizeof(*w.chunk_of));
	w.node_of = calloc(chunks + 1, sizeof(*w.node_of));
	size_t *edge_to = calloc(max_nodes + 1, sizeof(*edge_to));
	enum hs_status st = HS_ERR_NOMEM;
	if (view->nodes && w.chunk_of && w.node_of && edge_to) {
		(void)reach(&w, start, 0);
		spread(&w, depth);
		st = connect(&w, edge_to);
		if (!st)
			st = graph_view_label(view, cli, w.chunk_of);
	}
	free(edge_to);
	free(w.node_of);
	free(w.chunk_of);
	return st;
}
