/* SPDX-License-Identifier: MIT */
#include <heapscan/graph.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/grow.h"
#include "core/prefetch.h"
#include "graph/graph_inside.h"

/*
 * Dominators by Lengauer and Tarjan: m log n for any graph, and a forged one
 * may be a chain or a comb of millions. Everything is an array indexed by the
 * order of a depth-first walk, in which neighbours are near one another.
 *
 * Node 0 is above all roots; then come the roots, one for each variable,
 * stack and the like, and the blocks.
 */

#define NONE UINT32_MAX

struct root_node {
	struct hs_root_info info; /* of its first word */
};

/* The edges of one root, sorted: root node, chunk. */
struct root_edge {
	uint32_t root, to;
};

struct hs_owners {
	const struct hs_graph *graph;
	struct root_node *root;
	size_t root_count, root_capacity;
	struct root_edge *edge;
	size_t edge_count, edge_capacity;
	size_t *first_edge; /* by root */
	uint32_t *root_to;  /* the chunks of EDGE alone */

	/* By number in the walk; 0 is above all. */
	size_t count;
	uint32_t *what;   /* root or root_count + chunk; NONE for 0 */
	uint32_t *number; /* the inverse, by that; NONE: not reached */
	uint32_t *idom;
	uint64_t *blocks, *bytes, *chunk_bytes; /* retained */
	uint32_t *child;       /* children of all, each sorted by bytes */
	uint32_t *first_child; /* by number; one more at the end */
};

/* Words of one owner: one variable, one stack, one thread's block. */
static bool same_owner(const struct hs_root_info *a,
		       const struct hs_root_info *b)
{
	if (a->kind != b->kind || a->thread != b->thread ||
	    a->module != b->module)
		return false;
	if (a->kind == HS_ROOT_DATA || a->kind == HS_ROOT_TLS)
		return a->has_symbol == b->has_symbol &&
		       (!a->has_symbol || a->symbol.addr == b->symbol.addr);
	return a->thread != SIZE_MAX || a->map == b->map;
}

static bool in_symbol(const struct hs_root_info *info, hs_addr addr)
{
	return info->has_symbol && addr >= info->symbol.addr &&
	       addr - info->symbol.addr < info->symbol.size;
}

/* Words come by address, so an owner's are mostly neighbours: what is met again
 * later is joined by join_roots(). */
static enum hs_status add_word(struct hs_owners *o, struct hs_graph *g,
			       size_t piece, const struct hs_root_ref *ref,
			       struct hs_error *err)
{
	struct hs_root_info info;
	const struct hs_root_info *last =
		o->root_count ? &o->root[o->root_count - 1].info : NULL;
	enum hs_status st;
	if (!last || piece == 0 || !in_symbol(last, ref->at)) {
		hs_graph_root(g, piece, ref, &info);
		if (!last || !same_owner(last, &info)) {
			st = hs_grow(&o->root, &o->root_capacity, o->root_count,
				     sizeof(*o->root), err);
			if (st)
				return st;
			o->root[o->root_count++].info = info;
		}
	}
	st = hs_grow(&o->edge, &o->edge_capacity, o->edge_count,
		     sizeof(*o->edge), err);
	if (!st)
		o->edge[o->edge_count++] =
			(struct root_edge){ (uint32_t)(o->root_count - 1),
					    hs_edge_to(ref->edge) };
	return st;
}

struct root_key {
	struct hs_root_info info;
	uint32_t root;
};

static int by_owner(const void *a, const void *b)
{
	const struct root_key *k = a, *m = b;
	const struct hs_root_info *x = &k->info, *y = &m->info;
	hs_addr sx = x->has_symbol ? x->symbol.addr : 0;
	hs_addr sy = y->has_symbol ? y->symbol.addr : 0;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	if (x->module != y->module)
		return x->module < y->module ? -1 : 1;
	if (sx != sy)
		return sx < sy ? -1 : 1;
	if (x->kind != HS_ROOT_DATA && x->thread == SIZE_MAX &&
	    x->map != y->map)
		return x->map < y->map ? -1 : 1;
	return k->root < m->root ? -1 : k->root > m->root;
}

static int by_root(const void *a, const void *b)
{
	const struct root_edge *x = a, *y = b;
	if (x->root != y->root)
		return x->root < y->root ? -1 : 1;
	return x->to < y->to ? -1 : x->to > y->to;
}

/* One node for each owner, and its edges together. */
static enum hs_status join_roots(struct hs_owners *o, struct hs_error *err)
{
	size_t n = o->root_count, joined = 0;
	HS_AUTO_FREE struct root_key *key = malloc((n + 1) * sizeof(*key));
	HS_AUTO_FREE uint32_t *now = malloc((n + 1) * sizeof(*now));
	if (!key || !now)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu roots", n);
	for (size_t i = 0; i < n; i++)
		key[i] = (struct root_key){ o->root[i].info, (uint32_t)i };
	qsort(key, n, sizeof(*key), by_owner);
	for (size_t i = 0; i < n; i++) {
		if (!i || !same_owner(&key[i - 1].info, &key[i].info))
			o->root[joined++].info = key[i].info;
		now[key[i].root] = (uint32_t)(joined - 1);
	}
	o->root_count = joined;
	for (size_t i = 0; i < o->edge_count; i++)
		o->edge[i].root = now[o->edge[i].root];
	if (o->edge_count)
		qsort(o->edge, o->edge_count, sizeof(*o->edge), by_root);
	o->first_edge = calloc(joined + 2, sizeof(*o->first_edge));
	if (!o->first_edge)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu roots", n);
	for (size_t i = 0; i < o->edge_count; i++)
		o->first_edge[o->edge[i].root + 1]++;
	for (size_t i = 0; i < joined; i++)
		o->first_edge[i + 1] += o->first_edge[i];
	o->root_to = malloc((o->edge_count + 1) * sizeof(*o->root_to));
	if (!o->root_to)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	for (size_t i = 0; i < o->edge_count; i++)
		o->root_to[i] = o->edge[i].to;
	return HS_OK;
}

static enum hs_status find_roots(struct hs_owners *o, struct hs_graph *g,
				 struct hs_error *err)
{
	for (size_t p = 0; p < g->edges.root_count; p++)
		for (size_t i = 0; i < g->edges.root[p].count; i++) {
			enum hs_status st = add_word(
				o, g, p, &g->edges.root[p].ref[i], err);
			if (st)
				return st;
		}
	return join_roots(o, err);
}

/* What eval() needs of a node is in one place. */
struct forest_node {
	uint32_t ancestor, label; /* NONE: a root of the forest */
	uint32_t semi, label_semi;
};

/* A reference that is no edge of the walk's tree. */
struct cross_edge {
	uint32_t to, from;
};

/* What only the computation needs, by number in the walk. */
struct lengauer {
	struct hs_owners *o;
	uint32_t *parent, *bucket, *next_in_bucket;
	struct forest_node *node;
	uint32_t *path; /* room for one way up */
	struct cross_edge *cross;
	size_t cross_count, cross_capacity;
	uint32_t *cross_first; /* by number; one more at the end */
	uint32_t *cross_from;
};

/* A node on the way down: its references that are still to be followed. */
struct walk_frame {
	const uint32_t *edge;
	uint32_t left, number;
};

struct walk {
	struct walk_frame *frame;
	size_t depth, capacity;
};

static void walk_release(struct walk *w)
{
	free(w->frame);
}

/* The number of a reference is looked up so many ahead. */
#define AHEAD 4u

static void prefetch_number(const struct hs_owners *o, uint32_t edge)
{
	hs_prefetch(&o->number[o->root_count + hs_edge_to(edge)]);
}

static enum hs_status enter(struct lengauer *l, struct walk *w, uint32_t what,
			    uint32_t parent, struct hs_error *err)
{
	struct hs_owners *o = l->o;
	size_t n;
	enum hs_status st = hs_grow(&w->frame, &w->capacity, w->depth,
				    sizeof(*w->frame), err);
	if (st)
		return st;
	struct walk_frame *f = &w->frame[w->depth++];
	if (what < o->root_count) {
		f->edge = o->root_to + o->first_edge[what];
		n = o->first_edge[what + 1] - o->first_edge[what];
	} else {
		f->edge =
			hs_edges_of(&o->graph->edges, what - o->root_count, &n);
	}
	if (n >= UINT32_MAX)
		return hs_fail(err, HS_ERR_LIMIT,
			       "owners among 4 billion references");
	f->left = (uint32_t)n;
	f->number = (uint32_t)o->count++;
	for (size_t i = 0; i < n && i < AHEAD; i++)
		prefetch_number(o, f->edge[i]);
	o->number[what] = f->number;
	o->what[f->number] = what;
	l->parent[f->number] = parent;
	return HS_OK;
}

/* Depth first. The tree's edges are in `parent`; the others are kept, but for
 * second references of a node's parent, which change nothing. */
static enum hs_status walk_from(struct lengauer *l, struct walk *w,
				struct hs_error *err)
{
	struct hs_owners *o = l->o;
	enum hs_status st = HS_OK;
	while (!st && w->depth) {
		struct walk_frame *f = &w->frame[w->depth - 1];
		if (f->left == 0) {
			w->depth--;
			continue;
		}
		if (f->left > AHEAD)
			prefetch_number(o, f->edge[AHEAD]);
		uint32_t to = (uint32_t)o->root_count + hs_edge_to(*f->edge);
		uint32_t known = o->number[to];
		f->edge++;
		f->left--;
		if (known == NONE) {
			st = enter(l, w, to, f->number, err);
			continue;
		}
		if (l->parent[known] == f->number)
			continue;
		st = hs_grow(&l->cross, &l->cross_capacity, l->cross_count,
			     sizeof(*l->cross), err);
		if (!st)
			l->cross[l->cross_count++] =
				(struct cross_edge){ known, f->number };
	}
	return st;
}

static enum hs_status walk(struct lengauer *l, struct hs_error *err)
{
	struct hs_owners *o = l->o;
	HS_CLEANUP(walk_release) struct walk w = { 0 };
	enum hs_status st = HS_OK;
	o->what[0] = NONE;
	o->count = 1;
	for (uint32_t r = 0; !st && r < o->root_count; r++) {
		st = enter(l, &w, r, 0, err);
		if (!st)
			st = walk_from(l, &w, err);
	}
	return st;
}

/* The other edges by where they lead. */
static enum hs_status sort_cross(struct lengauer *l, struct hs_error *err)
{
	size_t n = l->o->count;
	if (l->cross_count >= UINT32_MAX)
		return hs_fail(err, HS_ERR_LIMIT,
			       "owners among 4 billion references");
	l->cross_first = calloc(n + 2, sizeof(*l->cross_first));
	l->cross_from = malloc((l->cross_count + 1) * sizeof(*l->cross_from));
	if (!l->cross_first || !l->cross_from)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for references");
	for (size_t i = 0; i < l->cross_count; i++)
		l->cross_first[l->cross[i].to + 2]++;
	for (size_t v = 2; v < n + 2; v++)
		l->cross_first[v] += l->cross_first[v - 1];
	for (size_t i = 0; i < l->cross_count; i++)
		l->cross_from[l->cross_first[l->cross[i].to + 1]++] =
			l->cross[i].from;
	free(l->cross);
	l->cross = NULL;
	return HS_OK;
}

/* The node of least semidominator on the way up to the root of V's tree in
 * the forest; the way is made short for the next one. */
static const struct forest_node *eval(struct lengauer *l, uint32_t v)
{
	struct forest_node *node = l->node;
	size_t n = 0;
	if (node[v].ancestor == NONE)
		return &node[v];
	uint32_t at = v;
	while (node[node[at].ancestor].ancestor != NONE) {
		l->path[n++] = at;
		at = node[at].ancestor;
	}
	while (n) {
		struct forest_node *x = &node[l->path[--n]];
		const struct forest_node *up = &node[x->ancestor];
		if (up->label_semi < x->label_semi) {
			x->label = up->label;
			x->label_semi = up->label_semi;
		}
		x->ancestor = up->ancestor;
	}
	return &node[v];
}

static void settle_bucket(struct lengauer *l, uint32_t p)
{
	struct hs_owners *o = l->o;
	for (uint32_t v = l->bucket[p], next; v != NONE; v = next) {
		const struct forest_node *u = eval(l, v);
		next = l->next_in_bucket[v];
		o->idom[v] = u->label_semi < l->node[v].semi ? u->label : p;
	}
	l->bucket[p] = NONE;
}

static void dominate(struct lengauer *l)
{
	struct hs_owners *o = l->o;
	for (uint32_t v = 0; v < o->count; v++) {
		l->node[v] = (struct forest_node){ NONE, v, v, v };
		l->bucket[v] = NONE;
	}
	for (uint32_t w = (uint32_t)o->count - 1; w > 0; w--) {
		uint32_t p = l->parent[w], semi = p;
		for (uint32_t i = l->cross_first[w]; i < l->cross_first[w + 1];
		     i++) {
			uint32_t s = eval(l, l->cross_from[i])->label_semi;
			if (s < semi)
				semi = s;
		}
		l->node[w] = (struct forest_node){ p, w, semi, semi };
		/* With its parent as semidominator it has it as dominator. */
		o->idom[w] = p;
		if (semi != p) {
			l->next_in_bucket[w] = l->bucket[semi];
			l->bucket[semi] = w;
		}
		settle_bucket(l, p);
	}
	for (uint32_t w = 1; w < o->count; w++)
		if (o->idom[w] != l->node[w].semi)
			o->idom[w] = o->idom[o->idom[w]];
	o->idom[0] = NONE;
}

static void lengauer_release(struct lengauer *l)
{
	free(l->parent);
	free(l->bucket);
	free(l->next_in_bucket);
	free(l->node);
	free(l->path);
	free(l->cross);
	free(l->cross_first);
	free(l->cross_from);
}

static enum hs_status find_dominators(struct hs_owners *o, struct hs_error *err)
{
	HS_CLEANUP(lengauer_release) struct lengauer l = { .o = o };
	size_t whats = o->root_count + o->graph->heap->chunk_count + 1;
	size_t most =
		o->root_count + (size_t)o->graph->summary.reachable.count + 2;
	if (whats >= UINT32_MAX)
		return hs_fail(err, HS_ERR_LIMIT, "too many nodes");
	o->number = malloc(whats * sizeof(*o->number));
	o->what = malloc(most * sizeof(*o->what));
	l.parent = malloc(most * sizeof(*l.parent));
	if (!o->number || !o->what || !l.parent)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu nodes",
			       most);
	memset(o->number, 0xff, whats * sizeof(*o->number));
	enum hs_status st = walk(&l, err);
	if (!st)
		st = sort_cross(&l, err);
	if (st)
		return st;
	size_t n = o->count + 1;
	l.bucket = malloc(n * sizeof(*l.bucket));
	l.next_in_bucket = malloc(n * sizeof(*l.next_in_bucket));
	l.node = malloc(n * sizeof(*l.node));
	l.path = malloc(n * sizeof(*l.path));
	o->idom = malloc(n * sizeof(*o->idom));
	if (!l.bucket || !l.next_in_bucket || !l.node || !l.path || !o->idom)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu nodes", n);
	dominate(&l);
	return HS_OK;
}

struct sized {
	uint64_t bytes;
	uint32_t number;
};

static int by_bytes(const void *a, const void *b)
{
	const struct sized *x = a, *y = b;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static enum hs_status sort_children(struct hs_owners *o, struct hs_error *err)
{
	size_t most = 1;
	for (size_t v = 0; v < o->count; v++) {
		size_t n = o->first_child[v + 1] - o->first_child[v];
		most = n > most ? n : most;
	}
	HS_AUTO_FREE struct sized *sized = malloc(most * sizeof(*sized));
	if (!sized)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu children",
			       most);
	for (size_t v = 0; v < o->count; v++) {
		uint32_t *child = o->child + o->first_child[v];
		size_t n = o->first_child[v + 1] - o->first_child[v];
		if (n < 2)
			continue;
		for (size_t i = 0; i < n; i++)
			sized[i] =
				(struct sized){ o->bytes[child[i]], child[i] };
		qsort(sized, n, sizeof(*sized), by_bytes);
		for (size_t i = 0; i < n; i++)
			child[i] = sized[i].number;
	}
	return HS_OK;
}

/* A block's dominator comes before it in the walk, so one pass backwards adds
 * everything up. */
static enum hs_status make_tree(struct hs_owners *o, struct hs_error *err)
{
	const struct hs_heap *heap = o->graph->heap;
	size_t n = o->count;
	assert(n > 0); /* node 0 stands for all roots */
	o->blocks = calloc(n + 1, sizeof(*o->blocks));
	o->bytes = calloc(n + 1, sizeof(*o->bytes));
	o->chunk_bytes = calloc(n + 1, sizeof(*o->chunk_bytes));
	o->child = malloc((n + 1) * sizeof(*o->child));
	o->first_child = calloc(n + 2, sizeof(*o->first_child));
	if (!o->blocks || !o->bytes || !o->chunk_bytes || !o->child ||
	    !o->first_child)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu nodes", n);
	for (size_t v = n - 1; v > 0; v--) {
		if (o->what[v] >= o->root_count) {
			const struct hs_chunk *c =
				&heap->chunks[o->what[v] - o->root_count];
			o->blocks[v]++;
			o->bytes[v] += hs_chunk_usable(heap, c);
			o->chunk_bytes[v] += hs_chunk_size(c);
		}
		uint32_t up = o->idom[v];
		o->blocks[up] += o->blocks[v];
		o->bytes[up] += o->bytes[v];
		o->chunk_bytes[up] += o->chunk_bytes[v];
		o->first_child[up + 2]++;
	}
	for (size_t v = 2; v < n + 2; v++)
		o->first_child[v] += o->first_child[v - 1];
	for (size_t v = 1; v < n; v++)
		o->child[o->first_child[o->idom[v] + 1]++] = (uint32_t)v;
	return sort_children(o, err);
}

enum hs_status hs_owners_find(struct hs_graph *graph, struct hs_owners **ret,
			      struct hs_error *err)
{
	struct hs_owners *o = calloc(1, sizeof(*o));
	if (!o)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	o->graph = graph;
	enum hs_status st = find_roots(o, graph, err);
	if (!st)
		st = find_dominators(o, err);
	if (!st)
		st = make_tree(o, err);
	if (st) {
		hs_owners_free(o);
		return st;
	}
	*ret = o;
	return HS_OK;
}

void hs_owners_free(struct hs_owners *owners)
{
	if (!owners)
		return;
	free(owners->root);
	free(owners->edge);
	free(owners->first_edge);
	free(owners->root_to);
	free(owners->what);
	free(owners->number);
	free(owners->idom);
	free(owners->blocks);
	free(owners->bytes);
	free(owners->chunk_bytes);
	free(owners->child);
	free(owners->first_child);
	free(owners);
}

/* Outside, the node above all has a name of its own. */
static size_t number_of(size_t node)
{
	return node == HS_OWNER_TOP ? 0 : node;
}

size_t hs_owners_children(const struct hs_owners *owners, size_t node)
{
	size_t v = number_of(node);
	assert(v < owners->count);
	return owners->first_child[v + 1] - owners->first_child[v];
}

size_t hs_owners_child(const struct hs_owners *owners, size_t node, size_t i)
{
	assert(i < hs_owners_children(owners, node));
	return owners->child[owners->first_child[number_of(node)] + i];
}

void hs_owners_info(const struct hs_owners *owners, size_t node,
		    struct hs_owner_info *ret)
{
	size_t v = number_of(node);
	*ret = (struct hs_owner_info){
		.chunk = SIZE_MAX,
		.retained = { owners->blocks[v], owners->bytes[v],
			      owners->chunk_bytes[v] },
		.children = hs_owners_children(owners, node),
	};
	if (v == 0)
		return;
	uint32_t what = owners->what[v];
	if (what < owners->root_count) {
		ret->is_root = true;
		ret->root = owners->root[what].info;
		return;
	}
	const struct hs_heap *heap = owners->graph->heap;
	ret->chunk = what - owners->root_count;
	const struct hs_chunk *c = &heap->chunks[ret->chunk];
	ret->self = (struct hs_total){ 1, hs_chunk_usable(heap, c),
				       hs_chunk_size(c) };
}

bool hs_owners_node(const struct hs_owners *owners, size_t chunk, size_t *ret)
{
	assert(chunk < owners->graph->heap->chunk_count);
	uint32_t v = owners->number[owners->root_count + chunk];
	if (v == NONE)
		return false;
	*ret = v;
	return true;
}

size_t hs_owners_parent(const struct hs_owners *owners, size_t node)
{
	size_t v = number_of(node);
	if (v == 0 || owners->idom[v] == 0)
		return HS_OWNER_TOP;
	return owners->idom[v];
}
