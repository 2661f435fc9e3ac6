/* SPDX-License-Identifier: MIT */
#include <heapscan/graph.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "graph/leaks_inside.h"

#define NONE UINT32_MAX

static bool is_leaked(const struct hs_graph *g, size_t chunk)
{
	return hs_bit(g->index->live, chunk) && !hs_bit(g->reached, chunk);
}

static void leaked_release(struct hs_leaked *l)
{
	free(l->chunk);
	free(l->before);
	free(l->part);
	free(l->cyclic);
	free(l->head);
	free(l->entry);
	free(l->stale);
}

static enum hs_status number_them(struct hs_leaked *l, struct hs_error *err)
{
	const struct hs_graph *g = l->graph;
	size_t chunks = g->heap->chunk_count;
	size_t n = (size_t)g->summary.leaked.count;
	l->chunk = malloc((n + 1) * sizeof(*l->chunk));
	l->before = malloc((chunks / 64 + 1) * sizeof(*l->before));
	l->part = malloc((n + 1) * sizeof(*l->part));
	l->cyclic = calloc(n + 1, sizeof(*l->cyclic));
	l->head = malloc((n + 1) * sizeof(*l->head));
	l->entry = malloc((n + 1) * sizeof(*l->entry));
	l->stale = calloc(n + 1, sizeof(*l->stale));
	if (!l->chunk || !l->before || !l->part || !l->cyclic || !l->head ||
	    !l->entry || !l->stale)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu leaks", n);
	for (size_t i = 0; i < chunks; i++) {
		if (i % 64 == 0)
			l->before[i / 64] = (uint32_t)l->count;
		if (is_leaked(g, i))
			l->chunk[l->count++] = (uint32_t)i;
	}
	assert(l->count == n);
	return HS_OK;
}

/* The node of CHUNK, which leaked; NONE: it did not. */
static uint32_t node_of(const struct hs_leaked *l, size_t chunk)
{
	const struct hs_graph *g = l->graph;
	size_t word = chunk / 64;
	uint64_t bits = g->index->live[word] & ~g->reached[word];
	uint64_t below = (UINT64_C(1) << (chunk % 64)) - 1;
	if (!(bits >> (chunk % 64) & 1))
		return NONE;
	return l->before[word] + (uint32_t)__builtin_popcountll(bits & below);
}

/* Tarjan's, with the call stack in memory: a leaked list is as deep as it is
 * long. */
struct frame {
	uint32_t node, edge;
};
struct tarjan {
	struct hs_leaked *l;
	uint32_t *index, *low; /* by node; index 0: not seen */
	uint32_t *open;        /* nodes whose component is not known yet */
	struct frame *frame;
	size_t open_count, depth;
	uint32_t next;
};

static void enter(struct tarjan *t, uint32_t node)
{
	t->index[node] = t->low[node] = ++t->next;
	t->open[t->open_count++] = node;
	t->frame[t->depth++] = (struct frame){ node, 0 };
}

static void close_component(struct tarjan *t, uint32_t node)
{
	struct hs_leaked *l = t->l;
	uint32_t part = (uint32_t)l->part_count++, member;
	size_t size = 0;
	l->head[part] = node;
	do {
		member = t->open[--t->open_count];
		l->part[member] = part;
		if (member < l->head[part])
			l->head[part] = member;
		size++;
	} while (member != node);
	if (size > 1)
		l->cyclic[part] = true;
}

static void visit(struct tarjan *t, uint32_t root)
{
	struct hs_leaked *l = t->l;
	enter(t, root);
	while (t->depth) {
		struct frame *f = &t->frame[t->depth - 1];
		size_t n;
		const uint32_t *edge =
			hs_edges_of(&l->graph->edges, l->chunk[f->node], &n);
		uint32_t node = f->node;
		if (f->edge < n) {
			uint32_t to = node_of(l, hs_edge_to(edge[f->edge++]));
			if (to == NONE)
				continue;
			if (!t->index[to])
				enter(t, to);
			else if (l->part[to] == NONE &&
				 t->index[to] < t->low[node])
				t->low[node] = t->index[to];
			continue;
		}
		t->depth--;
		if (t->low[node] == t->index[node])
			close_component(t, node);
		if (t->depth) {
			uint32_t up = t->frame[t->depth - 1].node;
			if (t->low[node] < t->low[up])
				t->low[up] = t->low[node];
		}
	}
}

static enum hs_status find_components(struct hs_leaked *l, struct hs_error *err)
{
	size_t n = l->count + 1;
	struct tarjan t = { .l = l,
			    .index = calloc(n, sizeof(*t.index)),
			    .low = calloc(n, sizeof(*t.low)),
			    .open = calloc(n, sizeof(*t.open)),
			    .frame = calloc(n, sizeof(*t.frame)) };
	enum hs_status st = HS_OK;
	if (t.index && t.low && t.open && t.frame) {
		memset(l->part, 0xff, n * sizeof(*l->part));
		for (uint32_t i = 0; i < l->count; i++)
			if (!t.index[i])
				visit(&t, i);
	} else {
		st = hs_fail(err, HS_ERR_NOMEM, "no memory for %zu leaks",
			     l->count);
	}
	free(t.index);
	free(t.low);
	free(t.open);
	free(t.frame);
	return st;
}

/* Components that no other leads to are heads; a block that points to itself
 * is a cycle of one. */
static void find_heads(struct hs_leaked *l, bool *has_above)
{
	for (uint32_t i = 0; i < l->count; i++) {
		size_t n;
		const uint32_t *edge =
			hs_edges_of(&l->graph->edges, l->chunk[i], &n);
		for (size_t e = 0; e < n; e++) {
			uint32_t to = node_of(l, hs_edge_to(edge[e]));
			if (to == NONE)
				continue;
			if (to == i)
				l->cyclic[l->part[i]] = true;
			else if (l->part[to] != l->part[i])
				has_above[l->part[to]] = true;
		}
	}
}

/* Everything below HEAD that is nobody's yet. */
static void claim(struct hs_leaked *l, uint32_t head, uint32_t *stack)
{
	size_t count = 1;
	stack[0] = head;
	l->entry[head] = head;
	while (count) {
		size_t n;
		uint32_t node = stack[--count];
		const uint32_t *edge =
			hs_edges_of(&l->graph->edges, l->chunk[node], &n);
		for (size_t e = 0; e < n; e++) {
			uint32_t to = node_of(l, hs_edge_to(edge[e]));
			if (to == NONE || l->entry[to] != NONE)
				continue;
			l->entry[to] = head;
			stack[count++] = to;
		}
	}
}

static enum hs_status find_entries(struct hs_leaked *l, struct hs_error *err)
{
	HS_AUTO_FREE bool *has_above =
		calloc(l->part_count + 1, sizeof(*has_above));
	HS_AUTO_FREE uint32_t *stack = malloc((l->count + 1) * sizeof(*stack));
	if (!has_above || !stack)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu leaks",
			       l->count);
	find_heads(l, has_above);
	memset(l->entry, 0xff, (l->count + 1) * sizeof(*l->entry));
	for (uint32_t i = 0; i < l->count; i++)
		if (l->head[l->part[i]] == i && !has_above[l->part[i]])
			claim(l, i, stack);
	return HS_OK;
}

static bool note_stale(void *arg, hs_addr at, uint32_t chunk, uint64_t into)
{
	struct hs_leaked *l = arg;
	(void)at;
	(void)into;
	uint32_t node = node_of(l, chunk);
	if (node != NONE)
		l->stale[node] = true;
	return true;
}

/*
 * A pointer that was left on dead stack holds nothing, but says that the block
 * was in use a moment ago: perhaps its address is where we cannot see it. So
 * does a weak reference of something alive.
 */
static enum hs_status find_stale(struct hs_leaked *l, struct hs_error *err)
{
	const struct hs_graph *g = l->graph;
	for (size_t i = 0; i < g->roots.dead.count; i++) {
		const struct hs_live_range *r = &g->roots.dead.range[i];
		enum hs_status st =
			hs_words_scan(g->target, g->index, r->start, r->end,
				      note_stale, l, NULL, err);
		if (st)
			return st;
	}
	for (size_t i = 0; i < g->known.count; i++) {
		const struct hs_known *k = &g->known.item[i];
		if ((k->to & HS_KNOWN_WEAK) && hs_bit(g->reached, k->from))
			(void)note_stale(l, k->at, hs_known_to(k), k->into);
	}
	for (uint32_t i = 0; i < l->count; i++)
		if (l->stale[i])
			l->stale[l->entry[i]] = true;
	/* What the head's return would bring back as well. */
	for (uint32_t i = 0; i < l->count; i++)
		if (l->stale[l->entry[i]] == 1)
			l->stale[i] = 1;
	return HS_OK;
}

enum hs_status hs_leaks_find(struct hs_graph *graph, struct hs_leaks **ret,
			     struct hs_error *err)
{
	HS_CLEANUP(leaked_release) struct hs_leaked l = { .graph = graph };
	struct hs_leaks *leaks = calloc(1, sizeof(*leaks));
	if (!leaks)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	leaks->graph = graph;
	enum hs_status st = number_them(&l, err);
	if (!st)
		st = find_components(&l, err);
	if (!st)
		st = find_entries(&l, err);
	if (!st)
		st = find_stale(&l, err);
	if (!st)
		st = hs_leaks_describe(leaks, &l, err);
	if (st) {
		hs_leaks_free(leaks);
		return st;
	}
	*ret = leaks;
	return HS_OK;
}

void hs_leaks_free(struct hs_leaks *leaks)
{
	if (!leaks)
		return;
	free(leaks->leak);
	for (size_t i = 0; i < leaks->group_count; i++)
		free((void *)(uintptr_t)leaks->group[i].group.shape);
	free(leaks->group);
	free(leaks);
}

size_t hs_leaks_count(const struct hs_leaks *leaks)
{
	return leaks->count;
}

void hs_leaks_get(const struct hs_leaks *leaks, size_t i,
		  struct hs_leak_info *ret)
{
	assert(i < leaks->count);
	*ret = leaks->leak[i];
}

size_t hs_leaks_group_count(const struct hs_leaks *leaks)
{
	return leaks->group_count;
}

void hs_leaks_group(const struct hs_leaks *leaks, size_t i,
		    struct hs_leak_group *ret)
{
	assert(i < leaks->group_count);
	*ret = leaks->group[i].group;
}

const char *hs_leak_kind_name(enum hs_leak_kind kind)
{
	static const char *const words[] = {
#define X(id, word) [HS_LEAK_##id] = word,
		HS_LEAK_KINDS(X)
#undef X
	};
	return (size_t)kind < sizeof(words) / sizeof(*words) ? words[kind]
							     : "root";
}
