/* SPDX-License-Identifier: MIT */
#include "graph/graph_inside.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/grow.h"
#include "core/prefetch.h"
#include "symbols/symbols.h"

/*
 * Blocks that are marked wait in a short queue until what the next step needs
 * has come from memory, and the rest on a stack: marking is nothing but cache
 * misses, and this way many of them are under way at once.
 */
#define QUEUE 16u

struct marker {
	struct hs_graph *graph;
	uint32_t *stack;
	size_t count, capacity;
	uint32_t queue[QUEUE];
	unsigned head, waiting;
};

static enum hs_status push(struct marker *m, uint32_t edge,
			   struct hs_error *err)
{
	struct hs_graph *g = m->graph;
	uint32_t to = hs_edge_to(edge);
	if (!(edge & HS_EDGE_INTERIOR))
		hs_bit_set(g->start, to);
	if (hs_bit(g->reached, to))
		return HS_OK;
	hs_bit_set(g->reached, to);
	enum hs_status st = hs_grow(&m->stack, &m->capacity, m->count,
				    sizeof(*m->stack), err);
	if (!st)
		m->stack[m->count++] = to;
	return st;
}

static bool pop(struct marker *m, uint32_t *ret)
{
	const struct hs_edges *edges = &m->graph->edges;
	while (m->waiting < QUEUE && m->count) {
		uint32_t chunk = m->stack[--m->count];
		hs_prefetch(&edges->first[chunk]);
		m->queue[(m->head + m->waiting++) % QUEUE] = chunk;
	}
	if (!m->waiting)
		return false;
	*ret = m->queue[m->head];
	m->head = (m->head + 1) % QUEUE;
	m->waiting--;
	/* The one that is half-way: its edges, now that its place is here. */
	if (m->waiting > QUEUE / 2) {
		size_t n;
		uint32_t half = m->queue[(m->head + QUEUE / 2) % QUEUE];
		hs_prefetch(hs_edges_of(edges, half, &n));
	}
	return true;
}

static enum hs_status mark(struct hs_graph *g, struct hs_error *err)
{
	struct marker m = { .graph = g };
	enum hs_status st = HS_OK;
	uint32_t chunk;
	for (size_t p = 0; p < g->edges.root_count && !st; p++)
		for (size_t i = 0; i < g->edges.root[p].count && !st; i++)
			st = push(&m, g->edges.root[p].ref[i].edge, err);
	while (!st && pop(&m, &chunk)) {
		size_t n;
		const uint32_t *edge = hs_edges_of(&g->edges, chunk, &n);
		for (size_t i = 0; i < n && !st; i++)
			st = push(&m, edge[i], err);
	}
	free(m.stack);
	return st;
}

static void count_in(struct hs_total *total, const struct hs_heap *heap,
		     const struct hs_chunk *c)
{
	total->count++;
	total->bytes += hs_chunk_usable(heap, c);
	total->chunk_bytes += hs_chunk_size(c);
}

static void sum_up(struct hs_graph *g)
{
	struct hs_graph_summary *s = &g->summary;
	for (size_t i = 0; i < g->heap->chunk_count; i++) {
		const struct hs_chunk *c = &g->heap->chunks[i];
		if (!hs_bit(g->index->live, i))
			continue;
		if (!hs_bit(g->reached, i)) {
			count_in(&s->leaked, g->heap, c);
			continue;
		}
		count_in(&s->reachable, g->heap, c);
		if (!hs_bit(g->start, i))
			count_in(&s->interior_only, g->heap, c);
	}
	for (size_t p = 0; p < g->edges.piece_count; p++) {
		s->references += g->edges.piece[p].count;
		s->missing_block_bytes += g->edges.piece[p].missing;
	}
	for (size_t p = 0; p < g->edges.root_count; p++) {
		const struct hs_root_piece *piece = &g->edges.root[p];
		s->root_references += piece->count;
		s->root_bytes += piece->end - piece->start;
		s->missing_root_bytes += piece->missing;
	}
	s->weak_references = g->known.weak;
	for (size_t t = 0; t < g->target->threads.count; t++)
		if (!g->target->threads.thread[t].register_count)
			s->threads_without_registers++;
}

static enum hs_status build(struct hs_graph *g, struct hs_error *err)
{
	enum hs_status st = hs_block_index_new(g->heap, &g->index, err);
	if (!st && g->opt.knowledge && g->heap->word_size == 8)
		g->index->tagged |= g->opt.knowledge->tagged;
	if (!st)
		st = hs_roots_find(g->target, g->syms, g->heap, &g->roots, err);
	if (!st)
		st = hs_known_refs_collect(g->target, g->heap, g->index,
					   &g->opt, &g->known, err);
	if (!st)
		st = hs_edges_scan(g->target, g->heap, g->index, &g->roots,
				   &g->known, &g->opt, &g->edges, err);
	if (st)
		return st;
	g->reached = hs_bits_new(g->heap->chunk_count);
	g->start = hs_bits_new(g->heap->chunk_count);
	if (!g->reached || !g->start)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for marks");
	st = g->opt.ways ? hs_graph_walk(g, err) : mark(g, err);
	if (!st)
		sum_up(g);
	return st;
}

enum hs_status hs_graph_new(struct hs_target *target, struct hs_symbols *syms,
			    const struct hs_heap *heap,
			    const struct hs_graph_options *opt,
			    struct hs_graph **ret, struct hs_error *err)
{
	struct hs_graph *g = calloc(1, sizeof(*g));
	if (!g)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	g->target = target;
	g->syms = syms;
	g->heap = heap;
	/* An older caller's options are shorter: the rest counts as zero. */
	if (opt)
		memcpy(&g->opt, opt,
		       opt->struct_size < sizeof(g->opt) ? opt->struct_size
							 : sizeof(g->opt));
	enum hs_status st = build(g, err);
	if (st) {
		hs_graph_free(g);
		return st;
	}
	*ret = g;
	return HS_OK;
}

void hs_graph_free(struct hs_graph *graph)
{
	if (!graph)
		return;
	hs_block_index_free(graph->index);
	hs_roots_release(&graph->roots);
	hs_known_refs_release(&graph->known);
	hs_edges_release(&graph->edges);
	free(graph->reached);
	free(graph->start);
	free(graph->before);
	free(graph);
}

void hs_graph_summary(const struct hs_graph *graph,
		      struct hs_graph_summary *ret)
{
	*ret = graph->summary;
}

bool hs_graph_reached(const struct hs_graph *graph, size_t chunk)
{
	assert(chunk < graph->heap->chunk_count);
	return hs_bit(graph->reached, chunk);
}

enum hs_status hs_graph_words(const struct hs_graph *graph, size_t chunk,
			      hs_word_fn fn, hs_word_fn weak, void *arg,
			      struct hs_error *err)
{
	const struct hs_chunk *c = &graph->heap->chunks[chunk];
	hs_addr start = c->addr + graph->heap->layout.header;
	hs_addr end = start + hs_chunk_usable(graph->heap, c);
	struct hs_known_merge merge = { .fn = fn, .weak = weak, .arg = arg };
	hs_known_merge_from(&merge, &graph->known, start);
	enum hs_status st =
		hs_words_scan(graph->target, graph->index, start, end,
			      hs_known_merge_word, &merge, NULL, err);
	if (!st)
		hs_known_merge_rest(&merge, end);
	return st;
}

void hs_graph_root(struct hs_graph *graph, size_t piece,
		   const struct hs_root_ref *ref, struct hs_root_info *ret)
{
	if (piece == 0) {
		*ret = (struct hs_root_info){
			.kind = HS_ROOT_REGISTER,
			.addr = HS_NO_ADDR,
			.thread = (size_t)(ref->at >> 8),
			.reg = (unsigned)(ref->at & 255),
			.module = SIZE_MAX,
			.map = SIZE_MAX,
		};
		return;
	}
	hs_graph_root_at(graph, ref->at, ret);
}

void hs_graph_root_at(struct hs_graph *graph, hs_addr addr,
		      struct hs_root_info *ret)
{
	hs_roots_describe(&graph->roots, graph->target, addr, ret);
	size_t chunk;
	/* Only chunks that could not be decided are roots within the heap,
	 * but for thread-local variables. */
	if (ret->kind != HS_ROOT_TLS &&
	    hs_heap_find(graph->heap, addr, &chunk) &&
	    graph->heap->chunks[chunk].state == HS_CHUNK_UNKNOWN)
		ret->kind = HS_ROOT_UNKNOWN;
	if (!graph->syms)
		return;
	if (ret->kind == HS_ROOT_DATA)
		ret->has_symbol =
			hs_symbols_at(graph->syms, addr, &ret->symbol);
	if (ret->kind != HS_ROOT_TLS ||
	    !hs_symbols_tls_at(graph->syms, ret->module, ret->offset,
			       &ret->symbol))
		return;
	ret->has_symbol = true;
	/* From the block's start to this thread's own. */
	ret->symbol.addr += addr - ret->offset;
}

const struct hs_live_range *hs_graph_live(const struct hs_graph *graph,
					  size_t *count)
{
	*count = graph->roots.live.count;
	return graph->roots.live.range;
}

const char *hs_root_kind_name(enum hs_root_kind kind)
{
	static const char *const words[] = {
#define X(id, word) [HS_ROOT_##id] = word,
		HS_ROOT_KINDS(X)
#undef X
	};
	return (size_t)kind < HS_ROOT_KIND_COUNT ? words[kind] : "unknown";
}

static bool count_owner(void *arg, hs_addr at, uint32_t chunk, uint64_t into)
{
	uint32_t *count = arg;
	(void)at;
	(void)into;
	count[chunk] += count[chunk] != UINT32_MAX;
	return true;
}

/* The edges themselves do not tell: they are one for each pair of blocks. */
enum hs_status hs_graph_count_owners(const struct hs_graph *graph,
				     uint32_t *ret, struct hs_error *err)
{
	const struct hs_edges *edges = &graph->edges;
	memset(ret, 0, graph->heap->chunk_count * sizeof(*ret));
	for (size_t p = 0; p < edges->root_count; p++)
		for (size_t i = 0; i < edges->root[p].count; i++)
			(void)count_owner(
				ret, 0, hs_edge_to(edges->root[p].ref[i].edge),
				0);
	for (size_t i = 0; i < graph->heap->chunk_count; i++) {
		if (!hs_bit(graph->index->live, i))
			continue;
		enum hs_status st =
			hs_graph_words(graph, i, count_owner, NULL, ret, err);
		if (st)
			return st;
	}
	return HS_OK;
}
