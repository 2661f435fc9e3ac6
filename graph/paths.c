/* SPDX-License-Identifier: MIT */
#include <heapscan/graph.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/grow.h"
#include "graph/graph_inside.h"

struct wanted_word {
	uint32_t chunk;
	hs_addr at;
	uint64_t into;
	bool found;
};

static bool is_wanted(void *arg, hs_addr at, uint32_t chunk, uint64_t into)
{
	struct wanted_word *w = arg;
	if (chunk != w->chunk)
		return true;
	/* One that leads to the start says more than one that leads inside. */
	if (!w->found || into == 0) {
		w->at = at;
		w->into = into;
	}
	w->found = true;
	return into != 0;
}

static hs_addr user_of(const struct hs_graph *g, size_t chunk)
{
	return g->heap->chunks[chunk].addr + g->heap->layout.header;
}

/* The step from block FROM to block TO. */
static enum hs_status step_between(const struct hs_graph *g, size_t from,
				   size_t to, struct hs_step *ret,
				   struct hs_error *err)
{
	struct wanted_word w = { .chunk = (uint32_t)to };
	enum hs_status st = hs_graph_words(g, from, is_wanted, NULL, &w, err);
	*ret = (struct hs_step){ to,
				 w.found ? w.at - user_of(g, from) : HS_UNKNOWN,
				 w.into };
	return st;
}

enum hs_status hs_graph_step(struct hs_graph *graph, size_t from, size_t to,
			     struct hs_step *ret, struct hs_error *err)
{
	assert(from < graph->heap->chunk_count);
	assert(to < graph->heap->chunk_count);
	if (hs_bit(graph->index->live, from))
		return step_between(graph, from, to, ret, err);
	*ret = (struct hs_step){ to, HS_UNKNOWN, 0 };
	return HS_OK;
}

/* Bytes into CHUNK that the root word REF points to. */
static uint64_t interior_of_root(const struct hs_graph *g, size_t piece,
				 const struct hs_root_ref *ref)
{
	uint64_t value;
	if (piece == 0)
		value = g->target->threads.thread[ref->at >> 8]
				.registers[ref->at & 255];
	else if (hs_target_read_word(g->target, ref->at, &value, NULL))
		return HS_UNKNOWN;
	return value - user_of(g, hs_edge_to(ref->edge));
}

/* A way by its last step: a root word, or a block that holds CHUNK. */
struct candidate {
	size_t length;     /* steps */
	size_t piece, ref; /* a root word; SIZE_MAX: none */
	uint32_t from;     /* else this block */
	unsigned weight;   /* registers and stacks are there by chance */
};

struct candidate_list {
	struct candidate *item;
	size_t count, capacity;
};

static int by_length(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	if (x->weight != y->weight)
		return x->weight < y->weight ? -1 : 1;
	if (x->piece != y->piece)
		return x->piece < y->piece ? -1 : 1;
	if (x->ref != y->ref)
		return x->ref < y->ref ? -1 : 1;
	return x->from < y->from ? -1 : x->from > y->from;
}

static enum hs_status add_candidate(struct candidate_list *list,
				    const struct candidate *c,
				    struct hs_error *err)
{
	enum hs_status st = hs_grow(&list->item, &list->capacity, list->count,
				    sizeof(*list->item), err);
	if (!st)
		list->item[list->count++] = *c;
	return st;
}

/* A variable is a better answer than a word that happens to lie on a stack. */
static unsigned weight_of(struct hs_graph *g, size_t piece, size_t ref)
{
	struct hs_root_info info;
	if (piece == 0)
		return 3;
	hs_roots_describe(&g->roots, g->target,
			  g->edges.root[piece].ref[ref].at, &info);
	switch (info.kind) {
	case HS_ROOT_DATA:
	case HS_ROOT_TLS:
		return 0;
	case HS_ROOT_SPECIFIC:
		return 1;
	case HS_ROOT_STACK:
		return 3;
	default:
		return 2;
	}
}

static enum hs_status find_roots(struct hs_graph *g, size_t chunk,
				 struct candidate_list *list,
				 struct hs_error *err)
{
	for (size_t p = 0; p < g->edges.root_count; p++)
		for (size_t i = 0; i < g->edges.root[p].count; i++) {
			if (hs_edge_to(g->edges.root[p].ref[i].edge) != chunk)
				continue;
			struct candidate c = { 1, p, i, 0, weight_of(g, p, i) };
			enum hs_status st = add_candidate(list, &c, err);
			if (st)
				return st;
		}
	return HS_OK;
}

/* Blocks with an edge to CHUNK, to FN; edges of one holder stand together. */
typedef enum hs_status (*holder_fn)(void *arg, uint32_t from,
				    struct hs_error *err);
static enum hs_status each_holder(const struct hs_graph *g, size_t chunk,
				  holder_fn fn, void *arg, struct hs_error *err)
{
	const struct hs_edges *edges = &g->edges;
	for (size_t p = 0; p < edges->piece_count; p++) {
		const struct hs_edge_piece *piece = &edges->piece[p];
		size_t first = p << HS_PIECE_SHIFT;
		size_t end = first + HS_PIECE_CHUNKS;
		if (end > edges->chunk_count)
			end = edges->chunk_count;
		size_t holder = first;
		for (size_t e = 0; e < piece->count; e++) {
			if (hs_edge_to(piece->edge[e]) != chunk)
				continue;
			/* The last whose edges begin at or before E. */
			while (holder + 1 < end &&
			       edges->first[holder + 1] <= e)
				holder++;
			size_t n;
			const uint32_t *of = hs_edges_of(edges, holder, &n);
			enum hs_status st = fn(arg, (uint32_t)holder, err);
			if (st)
				return st;
			/* Once a holder is enough. */
			e = (size_t)(of - piece->edge) + n - 1;
		}
	}
	return HS_OK;
}

struct why {
	struct hs_graph *graph;
	size_t chunk;
	struct candidate_list list;
};

/* Does the shortest way to FROM lead through CHUNK itself? */
static bool leads_through(const struct hs_graph *g, uint32_t from, size_t chunk)
{
	for (; from != HS_BEFORE_ROOT; from = g->before[from].chunk)
		if (from == chunk)
			return true;
	return false;
}

static enum hs_status add_holder(void *arg, uint32_t from, struct hs_error *err)
{
	struct why *w = arg;
	if (w->graph->before[from].chunk == HS_BEFORE_NONE)
		return HS_OK;
	struct candidate c = { (size_t)w->graph->before[from].steps + 1,
			       SIZE_MAX, 0, from, 0 };
	return add_candidate(&w->list, &c, err);
}

/* The best root word that holds CHUNK. */
static enum hs_status best_root(struct hs_graph *g, size_t chunk,
				struct candidate *ret, struct hs_error *err)
{
	struct candidate_list list = { NULL, 0, 0 };
	enum hs_status st = find_roots(g, chunk, &list, err);
	if (!st) {
		assert(list.count);
		qsort(list.item, list.count, sizeof(*list.item), by_length);
		*ret = list.item[0];
	}
	free(list.item);
	return st;
}

static enum hs_status make_path(struct hs_graph *g, size_t chunk,
				const struct candidate *c, struct hs_path *ret,
				struct hs_error *err)
{
	struct candidate root = *c;
	ret->step = calloc(c->length, sizeof(*ret->step));
	if (!ret->step)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for a path");
	ret->count = c->length;
	ret->step[c->length - 1].chunk = chunk;
	uint32_t at = c->from;
	for (size_t i = c->length - 1; i > 0; i--) {
		ret->step[i - 1].chunk = at;
		at = g->before[at].chunk;
	}
	enum hs_status st = HS_OK;
	if (c->piece == SIZE_MAX)
		st = best_root(g, ret->step[0].chunk, &root, err);
	for (size_t i = 1; i < ret->count && !st; i++)
		st = step_between(g, ret->step[i - 1].chunk, ret->step[i].chunk,
				  &ret->step[i], err);
	if (st)
		return st;
	const struct hs_root_ref *ref =
		&g->edges.root[root.piece].ref[root.ref];
	hs_graph_root(g, root.piece, ref, &ret->root);
	ret->step[0].offset = HS_UNKNOWN;
	ret->step[0].interior = interior_of_root(g, root.piece, ref);
	return HS_OK;
}

/* Holders behind CHUNK that are looked at for each way that is shown. */
#define TRIES 64u

/* And of those behind what is shown, so that one that is no way is not counted
 * as one more: a list that is linked both ways has such. */
#define MORE_TRIES 8u

/* Ways that go through CHUNK itself are none: leave them out of the first MAX.
 * Returns how many are left at the front; *CIRCLES gets how many were seen. */
static size_t choose(const struct why *w, size_t max, size_t *circles)
{
	size_t kept = 0;
	*circles = 0;
	for (size_t i = 0; i < w->list.count; i++) {
		struct candidate c = w->list.item[i];
		if (i >= (kept < max ? TRIES * max : max + MORE_TRIES))
			break;
		if (c.piece == SIZE_MAX &&
		    leads_through(w->graph, c.from, w->chunk))
			++*circles;
		else if (kept < max)
			w->list.item[kept++] = c;
	}
	return kept;
}

enum hs_status hs_graph_why(struct hs_graph *graph, size_t chunk, size_t max,
			    struct hs_path_list *ret, struct hs_error *err)
{
	assert(chunk < graph->heap->chunk_count);
	struct hs_path_list list = { NULL, 0, 0 };
	if (!hs_bit(graph->reached, chunk) || !max) {
		*ret = list;
		return HS_OK;
	}
	struct why w = { .graph = graph, .chunk = chunk };
	enum hs_status st = HS_OK;
	if (!graph->before)
		st = hs_graph_walk(graph, err);
	if (!st)
		st = find_roots(graph, chunk, &w.list, err);
	if (!st)
		st = each_holder(graph, chunk, add_holder, &w, err);
	if (!st && w.list.count) {
		qsort(w.list.item, w.list.count, sizeof(*w.list.item),
		      by_length);
		size_t circles, n = choose(&w, max, &circles);
		list.path = calloc(n + 1, sizeof(*list.path));
		list.more = w.list.count - n - circles;
		if (!list.path)
			st = hs_fail(err, HS_ERR_NOMEM, "no memory");
		for (size_t i = 0; i < n && !st; i++) {
			list.count++;
			st = make_path(graph, chunk, &w.list.item[i],
				       &list.path[i], err);
		}
	}
	free(w.list.item);
	if (st) {
		hs_path_list_release(&list);
		return st;
	}
	*ret = list;
	return HS_OK;
}

void hs_path_list_release(struct hs_path_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->path[i].step);
	free(list->path);
	*list = (struct hs_path_list){ NULL, 0, 0 };
}

struct holders {
	struct hs_graph *graph;
	size_t chunk;
	hs_addr start; /* of the block that is looked at */
	struct hs_holder *item;
	size_t count, capacity;
	enum hs_status status;
	struct hs_error *err;
};

static enum hs_status add_one(struct holders *h, const struct hs_holder *one)
{
	h->status = hs_grow(&h->item, &h->capacity, h->count, sizeof(*h->item),
			    h->err);
	if (!h->status)
		h->item[h->count++] = *one;
	return h->status;
}

static bool add_word(void *arg, hs_addr at, uint32_t chunk, uint64_t into)
{
	struct holders *h = arg;
	struct hs_holder one = { .chunk = chunk,
				 .offset = at - h->start,
				 .interior = into };
	return add_one(h, &one) == HS_OK;
}

static bool add_weak_word(void *arg, hs_addr at, uint32_t chunk, uint64_t into)
{
	struct holders *h = arg;
	struct hs_holder one = { .chunk = chunk,
				 .offset = at - h->start,
				 .interior = into,
				 .weak = true };
	return add_one(h, &one) == HS_OK;
}

/* Those that are known to point to the block and not to own it. */
static enum hs_status add_weak(struct holders *h)
{
	const struct hs_graph *g = h->graph;
	for (size_t i = 0; i < g->known.count; i++) {
		const struct hs_known *k = &g->known.item[i];
		if (k->to != (h->chunk | HS_KNOWN_WEAK))
			continue;
		struct hs_holder one = { .chunk = k->from,
					 .offset = k->at - user_of(g, k->from),
					 .interior = k->into,
					 .weak = true };
		if (add_one(h, &one))
			return h->status;
	}
	return HS_OK;
}

static enum hs_status add_referrer(void *arg, uint32_t from,
				   struct hs_error *err)
{
	struct holders *h = arg;
	struct hs_step step;
	enum hs_status st = step_between(h->graph, from, h->chunk, &step, err);
	struct hs_holder one = { .chunk = from,
				 .offset = step.offset,
				 .interior = step.interior };
	return st ? st : add_one(h, &one);
}

static enum hs_status add_roots(struct holders *h)
{
	struct hs_graph *g = h->graph;
	for (size_t p = 0; p < g->edges.root_count; p++)
		for (size_t i = 0; i < g->edges.root[p].count; i++) {
			const struct hs_root_ref *ref =
				&g->edges.root[p].ref[i];
			if (hs_edge_to(ref->edge) != h->chunk)
				continue;
			struct hs_holder one = {
				.is_root = true,
				.chunk = SIZE_MAX,
				.offset = HS_UNKNOWN,
				.interior = interior_of_root(g, p, ref),
			};
			hs_graph_root(g, p, ref, &one.root);
			if (add_one(h, &one))
				return h->status;
		}
	return HS_OK;
}

void hs_graph_each_root(struct hs_graph *graph, hs_root_fn fn, void *arg)
{
	for (size_t p = 0; p < graph->edges.root_count; p++)
		for (size_t i = 0; i < graph->edges.root[p].count; i++) {
			const struct hs_root_ref *ref =
				&graph->edges.root[p].ref[i];
			struct hs_root_info info;
			hs_graph_root(graph, p, ref, &info);
			if (!fn(arg, &info, hs_edge_to(ref->edge),
				interior_of_root(graph, p, ref)))
				return;
		}
}

static enum hs_status finish(struct holders *h, enum hs_status st,
			     struct hs_holder_list *ret)
{
	if (st) {
		free(h->item);
		return st;
	}
	*ret = (struct hs_holder_list){ h->item, h->count };
	return HS_OK;
}

enum hs_status hs_graph_referrers(struct hs_graph *graph, size_t chunk,
				  struct hs_holder_list *ret,
				  struct hs_error *err)
{
	assert(chunk < graph->heap->chunk_count);
	struct holders h = { .graph = graph, .chunk = chunk, .err = err };
	enum hs_status st = add_roots(&h);
	if (!st)
		st = each_holder(graph, chunk, add_referrer, &h, err);
	if (!st)
		st = add_weak(&h);
	return finish(&h, st, ret);
}

enum hs_status hs_graph_references(struct hs_graph *graph, size_t chunk,
				   struct hs_holder_list *ret,
				   struct hs_error *err)
{
	assert(chunk < graph->heap->chunk_count);
	struct holders h = { .graph = graph,
			     .start = user_of(graph, chunk),
			     .err = err };
	enum hs_status st = HS_OK;
	if (hs_bit(graph->index->live, chunk))
		st = hs_graph_words(graph, chunk, add_word, add_weak_word, &h,
				    err);
	return finish(&h, st ? st : h.status, ret);
}

void hs_holder_list_release(struct hs_holder_list *list)
{
	free(list->holder);
	*list = (struct hs_holder_list){ NULL, 0 };
}
