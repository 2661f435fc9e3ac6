/* SPDX-License-Identifier: MIT */
#include <heapscan/graph.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/grow.h"
#include "graph/graph_inside.h"

/* Sizes that a shape names before it says "...". */
#define SHAPE_SIZES 4u
#define SHAPE_TEXT 128u

#define NONE UINT32_MAX

/* What leaked, numbered among itself: node 0 is the lowest block. */
struct leaked {
	const struct hs_graph *graph;
	size_t count;
	uint32_t *chunk;  /* by node */
	uint32_t *before; /* leaked chunks in front of each 64 chunks */
	uint32_t *part;   /* by node: its strongly connected component */
	size_t part_count;
	bool *cyclic;    /* by component */
	uint32_t *head;  /* by component: its lowest node */
	uint32_t *entry; /* by node: the head that it hangs below */
	uint8_t *stale;  /* by node: dead stack points to it or above it */
};

struct hs_leaks {
	struct hs_leak_info *leak;
	size_t count;
	struct hs_leak_group *group;
	char (*shape)[SHAPE_TEXT];
	size_t group_count, group_capacity;
};

static bool is_leaked(const struct hs_graph *g, size_t chunk)
{
	return hs_bit(g->index->live, chunk) && !hs_bit(g->reached, chunk);
}

static void leaked_release(struct leaked *l)
{
	free(l->chunk);
	free(l->before);
	free(l->part);
	free(l->cyclic);
	free(l->head);
	free(l->entry);
	free(l->stale);
}

static enum hs_status number_them(struct leaked *l, struct hs_error *err)
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
static uint32_t node_of(const struct leaked *l, size_t chunk)
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
	struct leaked *l;
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
	struct leaked *l = t->l;
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
	struct leaked *l = t->l;
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

static enum hs_status find_components(struct leaked *l, struct hs_error *err)
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
static void find_heads(struct leaked *l, bool *has_above)
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
static void claim(struct leaked *l, uint32_t head, uint32_t *stack)
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

static enum hs_status find_entries(struct leaked *l, struct hs_error *err)
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
	struct leaked *l = arg;
	(void)at;
	(void)into;
	uint32_t node = node_of(l, chunk);
	if (node != NONE)
		l->stale[node] = true;
	return true;
}

/* A pointer that was left on dead stack holds nothing, but says that the block
 * was in use a moment ago: perhaps its address is where we cannot see it. */
static enum hs_status find_stale(struct leaked *l, struct hs_error *err)
{
	const struct hs_graph *g = l->graph;
	for (size_t i = 0; i < g->roots.dead.count; i++) {
		const struct hs_root_range *r = &g->roots.dead.range[i];
		enum hs_status st =
			hs_words_scan(g->target, g->index, r->start, r->end,
				      note_stale, l, NULL, err);
		if (st)
			return st;
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

static enum hs_confidence confidence_of(const struct leaked *l, uint32_t node)
{
	const struct hs_graph_summary *s = &l->graph->summary;
	if (s->missing_root_bytes || s->missing_block_bytes ||
	    !l->graph->heap->checks.complete)
		return HS_CONFIDENCE_LOW;
	return l->stale[node] ? HS_CONFIDENCE_MEDIUM : HS_CONFIDENCE_HIGH;
}

static enum hs_leak_kind kind_of(const struct leaked *l, uint32_t node)
{
	if (l->cyclic[l->part[node]])
		return HS_LEAK_CYCLE;
	return l->entry[node] == node ? HS_LEAK_ROOT : HS_LEAK_CHILD;
}

/* What one head leads to: what is compared, then what is added up. */
struct tree {
	uint64_t usable; /* of the head */
	enum hs_leak_kind kind;
	bool more;                  /* sizes than SHAPE_SIZES: none is kept */
	unsigned sizes;             /* distinct usable sizes below ... */
	uint64_t size[SHAPE_SIZES]; /* ... ascending */
	uint64_t count, bytes;
	uint32_t head; /* node */
	uint32_t group;
};

static void add_size(struct tree *t, uint64_t size)
{
	unsigned at = 0;
	if (t->more)
		return;
	while (at < t->sizes && t->size[at] < size)
		at++;
	if (at < t->sizes && t->size[at] == size)
		return;
	if (t->sizes == SHAPE_SIZES) {
		t->more = true;
		t->sizes = 0;
		return;
	}
	memmove(&t->size[at + 1], &t->size[at],
		(t->sizes - at) * sizeof(*t->size));
	t->size[at] = size;
	t->sizes++;
}

static uint64_t usable_of(const struct leaked *l, uint32_t node)
{
	const struct hs_heap *heap = l->graph->heap;
	return hs_chunk_usable(heap, &heap->chunks[l->chunk[node]]);
}

static void shape_text(const struct tree *t, char text[SHAPE_TEXT])
{
	int n = snprintf(text, SHAPE_TEXT, "%s%" PRIu64 " bytes",
			 t->kind == HS_LEAK_CYCLE ? "cycle of " : "",
			 t->usable);
	/* Many sizes are strings and the like: how many there are is chance. */
	if (t->more)
		(void)snprintf(text + n, SHAPE_TEXT - (size_t)n,
			       " -> many sizes");
	for (unsigned i = 0; i < t->sizes; i++)
		n += snprintf(text + n, SHAPE_TEXT - (size_t)n, "%s%" PRIu64,
			      i ? ", " : " -> ", t->size[i]);
}

static int compare_shapes(const struct tree *x, const struct tree *y)
{
	if (x->usable != y->usable)
		return x->usable < y->usable ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->more != y->more)
		return x->more ? 1 : -1;
	if (x->sizes != y->sizes)
		return x->sizes < y->sizes ? -1 : 1;
	for (unsigned i = 0; i < x->sizes; i++)
		if (x->size[i] != y->size[i])
			return x->size[i] < y->size[i] ? -1 : 1;
	return 0;
}

static int by_shape(const void *a, const void *b)
{
	const struct tree *x = a, *y = b;
	int order = compare_shapes(x, y);
	if (order)
		return order;
	return x->head < y->head ? -1 : x->head > y->head;
}

static int by_head(const void *a, const void *b)
{
	const struct tree *x = a, *y = b;
	return x->head < y->head ? -1 : x->head > y->head;
}

static enum hs_status add_group(struct hs_leaks *leaks, const struct tree *t,
				struct hs_error *err)
{
	if (leaks->group_count == leaks->group_capacity) {
		size_t wanted =
			leaks->group_capacity ? 2 * leaks->group_capacity : 16;
		void *groups =
			realloc(leaks->group, wanted * sizeof(*leaks->group));
		if (groups)
			leaks->group = groups;
		void *shapes =
			realloc(leaks->shape, wanted * sizeof(*leaks->shape));
		if (shapes)
			leaks->shape = shapes;
		if (!groups || !shapes)
			return hs_fail(err, HS_ERR_NOMEM, "no memory");
		leaks->group_capacity = wanted;
	}
	size_t n = leaks->group_count++;
	leaks->group[n] = (struct hs_leak_group){ .root_bytes = t->usable,
						  .kind = t->kind,
						  .worst = HS_CONFIDENCE_HIGH };
	shape_text(t, leaks->shape[n]);
	return HS_OK;
}

static int by_bytes(const void *a, const void *b)
{
	const struct hs_leak_group *x = a, *y = b;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return x->sample < y->sample ? -1 : x->sample > y->sample;
}

/* Heads of one shape become one group. */
static enum hs_status fold(struct hs_leaks *leaks, const struct leaked *l,
			   struct tree *tree, size_t heads,
			   struct hs_error *err)
{
	for (size_t i = 0; i < heads; i++) {
		struct tree *t = &tree[i];
		if (i == 0 || compare_shapes(t, t - 1) != 0) {
			enum hs_status st = add_group(leaks, t, err);
			if (st)
				return st;
			leaks->group[leaks->group_count - 1].sample =
				l->chunk[t->head];
		}
		t->group = (uint32_t)(leaks->group_count - 1);
		struct hs_leak_group *g = &leaks->group[t->group];
		g->roots++;
		g->count += t->count;
		g->bytes += t->bytes;
	}
	return HS_OK;
}

/* Largest first; *RET: the new number by the old one. */
static enum hs_status sort_groups(struct hs_leaks *leaks, uint32_t **ret,
				  struct hs_error *err)
{
	size_t n = leaks->group_count;
	uint32_t *number = malloc((n + 1) * sizeof(*number));
	if (!number)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	for (size_t i = 0; i < n; i++) /* while it is sorted */
		leaks->group[i].shape = leaks->shape[i];
	if (n)
		qsort(leaks->group, n, sizeof(*leaks->group), by_bytes);
	for (size_t i = 0; i < n; i++)
		number[(leaks->group[i].shape - leaks->shape[0]) /
		       (ptrdiff_t)SHAPE_TEXT] = (uint32_t)i;
	*ret = number;
	return HS_OK;
}

/* One tree a head; TREE_OF[node] is the number of its head's. */
static enum hs_status grow_trees(const struct leaked *l, uint32_t *tree_of,
				 struct tree **ret, size_t *count,
				 struct hs_error *err)
{
	size_t heads = 0;
	for (uint32_t i = 0; i < l->count; i++)
		if (l->entry[i] == i)
			tree_of[i] = (uint32_t)heads++;
	struct tree *tree = calloc(heads + 1, sizeof(*tree));
	if (!tree)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu leaks",
			       heads);
	for (uint32_t i = 0; i < l->count; i++) {
		uint32_t head = l->entry[i];
		struct tree *t = &tree[tree_of[head]];
		tree_of[i] = tree_of[head];
		t->count++;
		t->bytes += usable_of(l, i);
		if (head == i) {
			t->head = i;
			t->usable = usable_of(l, i);
			t->kind = kind_of(l, i);
		} else {
			add_size(t, usable_of(l, i));
		}
	}
	*ret = tree;
	*count = heads;
	return HS_OK;
}

static enum hs_status describe(struct hs_leaks *leaks, const struct leaked *l,
			       struct hs_error *err)
{
	HS_AUTO_FREE uint32_t *tree_of =
		malloc((l->count + 1) * sizeof(*tree_of));
	HS_AUTO_FREE uint32_t *number = NULL;
	HS_AUTO_FREE struct tree *tree = NULL;
	size_t heads = 0;
	leaks->leak = calloc(l->count + 1, sizeof(*leaks->leak));
	if (!tree_of || !leaks->leak)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu leaks",
			       l->count);
	enum hs_status st = grow_trees(l, tree_of, &tree, &heads, err);
	if (st)
		return st;
	qsort(tree, heads, sizeof(*tree), by_shape);
	st = fold(leaks, l, tree, heads, err);
	if (!st)
		st = sort_groups(leaks, &number, err);
	if (st)
		return st;
	qsort(tree, heads, sizeof(*tree), by_head);
	for (uint32_t i = 0; i < l->count; i++) {
		const struct tree *t = &tree[tree_of[i]];
		struct hs_leak_info *leak = &leaks->leak[i];
		*leak = (struct hs_leak_info){
			.chunk = l->chunk[i],
			.kind = kind_of(l, i),
			.confidence = confidence_of(l, i),
			.root = l->part[t->head] == l->part[i]
					? SIZE_MAX
					: l->chunk[t->head],
			.group = number[t->group],
		};
		struct hs_leak_group *g = &leaks->group[leak->group];
		if (leak->confidence < g->worst)
			g->worst = leak->confidence;
	}
	leaks->count = l->count;
	return HS_OK;
}

enum hs_status hs_leaks_find(struct hs_graph *graph, struct hs_leaks **ret,
			     struct hs_error *err)
{
	HS_CLEANUP(leaked_release) struct leaked l = { .graph = graph };
	struct hs_leaks *leaks = calloc(1, sizeof(*leaks));
	if (!leaks)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	enum hs_status st = number_them(&l, err);
	if (!st)
		st = find_components(&l, err);
	if (!st)
		st = find_entries(&l, err);
	if (!st)
		st = find_stale(&l, err);
	if (!st)
		st = describe(leaks, &l, err);
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
	free(leaks->group);
	free(leaks->shape);
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
	*ret = leaks->group[i];
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
