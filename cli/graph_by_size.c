/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cli/graph_view.h"

/*
 * Classes: exact chunk sizes in steps of 16 up to 1 KiB, where programs keep
 * their objects, then powers of two. Times the states that is a small fixed
 * number, so edges are counted in a matrix.
 */
#define FINE_MAX 1024u
#define FINE_CLASSES (FINE_MAX / 16 + 1)
#define SIZE_CLASSES (FINE_CLASSES + 54)
#define CLASSES (SIZE_CLASSES * HS_CHUNK_STATE_COUNT)

static size_t class_of(const struct hs_chunk_info *chunk)
{
	size_t by_size;
	if (chunk->size <= FINE_MAX)
		by_size = (size_t)(chunk->size / 16);
	else
		by_size = FINE_CLASSES + 63u -
			  (unsigned)__builtin_clzll(chunk->size) - 10u;
	return by_size * HS_CHUNK_STATE_COUNT + (size_t)chunk->state;
}

struct fold {
	struct graph_node *classes; /* CLASSES of them */
	uint16_t *class_of;         /* by chunk */
};

static bool fold_chunk(void *arg, size_t i, const struct hs_chunk_info *chunk)
{
	struct fold *f = arg;
	size_t c = class_of(chunk);
	struct graph_node *node = &f->classes[c];
	f->class_of[i] = (uint16_t)c;
	if (!node->count || chunk->size < node->min_size)
		node->min_size = chunk->size;
	if (chunk->size > node->max_size)
		node->max_size = chunk->size;
	node->count++;
	node->bytes += chunk->size;
	node->state = chunk->state;
	node->user = HS_NO_ADDR;
	return true;
}

struct ranked {
	uint64_t bytes;
	size_t class;
};

static int by_bytes(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return x->class < y->class ? -1 : x->class > y->class;
}

/* The largest classes become nodes; NODE_OF[class] is node + 1. */
static enum hs_status choose(struct graph_view *view,
			     const struct graph_node *classes, size_t max_nodes,
			     size_t node_of[CLASSES])
{
	static const size_t none = 0;
	struct ranked ranked[CLASSES];
	size_t n = 0;
	for (size_t c = 0; c < CLASSES; c++) {
		node_of[c] = none;
		if (classes[c].count)
			ranked[n++] = (struct ranked){ classes[c].bytes, c };
	}
	qsort(ranked, n, sizeof(*ranked), by_bytes);
	view->node_count = n < max_nodes ? n : max_nodes;
	view->left_out = n - view->node_count;
	view->cut = view->left_out > 0;
	view->nodes = calloc(view->node_count + 1, sizeof(*view->nodes));
	if (!view->nodes)
		return HS_ERR_NOMEM;
	for (size_t i = 0; i < view->node_count; i++) {
		view->nodes[i] = classes[ranked[i].class];
		node_of[ranked[i].class] = i + 1;
	}
	return HS_OK;
}

static enum hs_status connect(struct graph_view *view,
			      const struct hs_refs *refs, size_t chunks,
			      const uint16_t *class_of_chunk,
			      const size_t node_of[CLASSES])
{
	size_t n = view->node_count;
	struct graph_edge *matrix = calloc(n * n + 1, sizeof(*matrix));
	if (!matrix)
		return HS_ERR_NOMEM;
	for (size_t chunk = 0; chunk < chunks; chunk++) {
		size_t from = node_of[class_of_chunk[chunk]];
		size_t out = from ? hs_refs_out_count(refs, chunk) : 0;
		for (size_t i = 0; i < out; i++) {
			struct hs_ref ref;
			hs_refs_out(refs, chunk, i, &ref);
			size_t to = node_of[class_of_chunk[ref.to]];
			if (!to)
				continue;
			struct graph_edge *e = &matrix[(from - 1) * n + to - 1];
			if (!e->count)
				*e = (struct graph_edge){
					from - 1,   to - 1,       0,
					ref.offset, ref.interior, NULL
				};
			e->count++;
		}
	}
	enum hs_status st = HS_OK;
	for (size_t i = 0; i < n * n && !st; i++)
		if (matrix[i].count)
			st = graph_view_add_edge(view, &matrix[i]);
	free(matrix);
	graph_view_thin(view);
	return st;
}

enum hs_status graph_by_size(struct graph_view *view,
			     const struct hs_heap *heap,
			     const struct hs_refs *refs, size_t max_nodes)
{
	size_t chunks = hs_heap_chunk_count(heap);
	size_t node_of[CLASSES];
	*view = (struct graph_view){ .by = GRAPH_BY_SIZE,
				     .ref_count = hs_refs_count(refs) };
	struct fold f = { calloc(CLASSES, sizeof(*f.classes)),
			  calloc(chunks + 1, sizeof(*f.class_of)) };
	enum hs_status st = HS_ERR_NOMEM;
	if (f.classes && f.class_of) {
		hs_heap_each(heap, fold_chunk, &f);
		st = choose(view, f.classes, max_nodes, node_of);
	}
	if (!st)
		st = connect(view, refs, chunks, f.class_of, node_of);
	free(f.class_of);
	free(f.classes);
	return st;
}
