/* SPDX-License-Identifier: MIT */
#include "types/link_shapes.h"

#include <string.h>

/*
 * How many nodes no data makes up: each follows another one, the last one ends
 * in NULL or where it began, and nobody else leads to any of them by this
 * field. Where each link has another one back, less would do.
 */
#define LEAST_CHAIN 4u
#define LEAST_TREE 8u
#define SHORT_CHAIN 2u
/* Nodes that two lead to by one field: such a field is no list's, but that of
 * what has one of many (a parent, a type). One in so many is forgiven, for that
 * which is of another kind. */
#define SHARED_IN 50u
/* One in so many that hang on a branch of a tree has a branch. */
#define BRANCHES_IN 8u
/* Of the nodes of a table, which is enough of a reason to believe in its
 * first ones, so many must be behind another one. */
#define LEAST_BEHIND 4u
/* One in so many of a chain may have a branch that is not the chain's. */
#define FORKS_IN 16u
#define SAMPLE 4096u
#define PLAUSIBLE 3u

/* What a component was found to be. */
struct part {
	uint32_t nodes, forks;
	uint32_t by[2], by_with_more[2]; /* hang on field 0, 1 */
	bool bad;
};

static bool is_node(uint32_t to)
{
	return to < HS_LINK_OUT;
}

/* Where field I of SHAPE leads from X. */
static uint32_t follow(const struct hs_link_graph *g,
		       const struct hs_link_shape *shape, unsigned i,
		       uint32_t x)
{
	uint32_t to = g->to[shape->field[i]][x];
	return is_node(to) && g->shape[to] ? HS_LINK_OUT : to;
}

static unsigned branches(const struct hs_link_shape *shape)
{
	return shape->kind == HS_LINK_TREE || shape->kind == HS_LINK_TREE_UP
		       ? 2
		       : 1;
}

/* The field that leads back to who leads there; none: 0, which is no such. */
static unsigned back(const struct hs_link_shape *shape)
{
	if (shape->kind == HS_LINK_TREE_UP)
		return 2;
	return shape->kind == HS_LINK_DOUBLE ? 1 : 0;
}

static bool leads_back(const struct hs_link_graph *g,
		       const struct hs_link_shape *shape, uint32_t from,
		       uint32_t to)
{
	return follow(g, shape, back(shape), to) == from;
}

/* Does another node of the same kind lead to X? */
static bool has_before(const struct hs_link_graph *g,
		       const struct hs_link_shape *shape, uint32_t x)
{
	if (!back(shape))
		return g->into[x] > 0;
	uint32_t before = follow(g, shape, back(shape), x);
	if (!is_node(before))
		return false;
	for (unsigned i = 0; i < branches(shape); i++)
		if (follow(g, shape, i, before) == x)
			return true;
	return false;
}

/* The nodes after X into NEXT, how many; what must not be makes PART bad. */
static unsigned after(const struct hs_link_graph *g,
		      const struct hs_link_shape *shape, uint32_t x,
		      struct part *part, uint32_t next[2], unsigned by[2])
{
	unsigned n = 0;
	for (unsigned i = 0; i < branches(shape); i++) {
		uint32_t to = follow(g, shape, i, x);
		if (is_node(to)) {
			if (back(shape) ? !leads_back(g, shape, x, to)
					: g->into[to] > 1)
				part->bad = true;
			by[n] = i;
			next[n++] = to;
		} else if (to == HS_LINK_OUT && !back(shape)) {
			part->bad = true;
		}
	}
	if (n == 2 && next[0] == next[1])
		part->bad = true;
	return n;
}

/* All that hangs on FIRST, into the queue. */
static struct part collect(struct hs_link_graph *g,
			   const struct hs_link_shape *shape, uint32_t first)
{
	struct part part = { 0 };
	uint32_t done = 0;
	g->queue[part.nodes++] = first;
	g->seen[first] = 1;
	while (done < part.nodes) {
		uint32_t x = g->queue[done++], next[2];
		unsigned by[2], n = after(g, shape, x, &part, next, by);
		uint8_t how = g->seen[x];
		part.forks += n == 2;
		if (how > 1) {
			part.by[how - 2]++;
			part.by_with_more[how - 2] += n > 0;
		}
		for (unsigned i = 0; i < n; i++) {
			if (g->seen[next[i]]) {
				/* A ring is closed where it began. */
				part.bad |= n > 1 || next[i] != first ||
					    branches(shape) > 1;
				continue;
			}
			g->seen[next[i]] = (uint8_t)(2 + by[i]);
			g->queue[part.nodes++] = next[i];
		}
	}
	return part;
}

static bool is_tree(const struct hs_link_shape *shape, const struct part *part)
{
	/* A list of what has a thing each, which ends there, is none. */
	for (unsigned i = 0; i < 2; i++)
		if (part->by_with_more[i] == 0 ||
		    part->by_with_more[i] * BRANCHES_IN < part->by[i])
			return false;
	return shape->kind == HS_LINK_TREE_UP
		       ? part->nodes >= LEAST_CHAIN && part->forks > 0
		       : part->nodes >= LEAST_TREE && part->forks > 1;
}

/*
 * Does another field of X lead to what branches as X does, and does nobody else
 * lead there? So it is in a tree; a list's elements have parents in common.
 */
static bool branches_off(const struct hs_link_graph *g,
			 const struct hs_link_shape *shape, uint32_t x)
{
	unsigned next = shape->field[0];
	for (unsigned i = 0; i < g->fields; i++) {
		uint32_t to = g->to[i][x];
		if (i != next && is_node(to) && !g->shape[to] &&
		    g->in[i][to] == 1 && is_node(g->to[next][to]) &&
		    is_node(g->to[i][to]))
			return true;
	}
	return false;
}

static bool is_chain(const struct hs_link_graph *g,
		     const struct hs_link_shape *shape, const struct part *part)
{
	uint32_t branches = 0;
	for (uint32_t i = 0; shape->kind == HS_LINK_SINGLE && i < part->nodes;
	     i++)
		branches += branches_off(g, shape, g->queue[i]);
	return branches * FORKS_IN <= part->nodes;
}

static bool is_good(const struct hs_link_graph *g,
		    const struct hs_link_shape *shape, const struct part *part,
		    hs_link_like like, void *arg)
{
	uint32_t own = 0;
	if (part->bad)
		return false;
	for (uint32_t i = 0; i < part->nodes; i++)
		own += g->queue[i] < g->own;
	if (own < part->nodes - own)
		return false;
	if (branches(shape) == 2)
		return is_tree(shape, part);
	if (!is_chain(g, shape, part))
		return false;
	if (part->nodes >= LEAST_CHAIN && part->nodes >= shape->least)
		return true;
	if (!like || part->nodes < SHORT_CHAIN || shape->least)
		return false;
	for (uint32_t i = 0; i < part->nodes; i++)
		if (!like(arg, g->queue[i]))
			return false;
	return true;
}

void hs_link_count(struct hs_link_graph *g)
{
	for (unsigned i = 0; i < g->fields; i++)
		for (uint32_t x = 0; x < g->count; x++)
			if (is_node(g->to[i][x]) && g->in[i][g->to[i][x]] < 2)
				g->in[i][g->to[i][x]]++;
}

/* Does X lead out, where none of SHAPE does? */
static bool leads_out(const struct hs_link_graph *g,
		      const struct hs_link_shape *shape, uint32_t x)
{
	for (unsigned i = 0; i < branches(shape); i++)
		if (follow(g, shape, i, x) == HS_LINK_OUT)
			return true;
	return false;
}

/* How many that may be of SHAPE lead to each; false: to too many more than one.
 */
static bool count_into(struct hs_link_graph *g,
		       const struct hs_link_shape *shape)
{
	uint32_t once = 0, often = 0;
	memset(g->into, 0, g->count);
	for (uint32_t x = 0; x < g->count; x++) {
		if (g->shape[x] || leads_out(g, shape, x))
			continue;
		for (unsigned i = 0; i < branches(shape); i++) {
			uint32_t to = follow(g, shape, i, x);
			if (!is_node(to) || g->into[to] > 1)
				continue;
			once += to < g->own && g->into[to] == 0;
			often += to < g->own && g->into[to] == 1;
			g->into[to]++;
		}
	}
	return (uint64_t)often * SHARED_IN <= once;
}

/* Of another size than its list: that which has it, rather than a node. */
static void leave_out_first(struct hs_link_graph *g, struct part *part)
{
	part->nodes--;
	memmove(g->queue, g->queue + 1, part->nodes * sizeof(*g->queue));
}

static bool leads_on(const struct hs_link_graph *g,
		     const struct hs_link_shape *shape, uint32_t x)
{
	return is_node(follow(g, shape, 0, x)) ||
	       (branches(shape) == 2 && is_node(follow(g, shape, 1, x)));
}

uint32_t hs_link_find(struct hs_link_graph *g,
		      const struct hs_link_shape *shape, uint8_t number,
		      hs_link_like like, void *arg)
{
	uint32_t found = 0;
	if (!back(shape) && !count_into(g, shape))
		return 0;
	memset(g->seen, 0, g->count);
	/* From where they begin; then what has no beginning. */
	for (unsigned ring = 0; ring <= (branches(shape) == 1); ring++) {
		for (uint32_t x = 0; x < g->count; x++) {
			if (g->seen[x] || g->shape[x] ||
			    !leads_on(g, shape, x) ||
			    (!ring && has_before(g, shape, x)))
				continue;
			struct part part = collect(g, shape, x);
			if (shape->kind == HS_LINK_SINGLE && x >= g->own)
				leave_out_first(g, &part);
			if (!is_good(g, shape, &part, like, arg))
				continue;
			for (uint32_t i = 0; i < part.nodes; i++)
				g->shape[g->queue[i]] = number;
			found += part.nodes;
		}
	}
	return found;
}

bool hs_link_plausible(const struct hs_link_graph *g,
		       const struct hs_link_shape *shape)
{
	uint32_t step = g->count / SAMPLE + 1;
	unsigned good[2] = { 0, 0 };
	for (uint64_t x = 0; x < g->count; x += step)
		for (unsigned i = 0; i < branches(shape); i++) {
			uint32_t to = follow(g, shape, i, (uint32_t)x);
			good[i] += is_node(to) &&
				   (!back(shape) ||
				    leads_back(g, shape, (uint32_t)x, to));
		}
	return good[0] >= PLAUSIBLE &&
	       (branches(shape) == 1 || good[1] >= PLAUSIBLE);
}

/* The chains from HEADS nodes on, into the queue, how many; false: they are
 * none. */
static bool chains(struct hs_link_graph *g, unsigned field, uint32_t heads,
		   uint32_t *nodes)
{
	for (*nodes = 0; *nodes < heads; ++*nodes) {
		uint32_t x = g->queue[*nodes];
		if (g->seen[x])
			return false;
		g->seen[x] = 1;
	}
	for (uint32_t i = 0; i < *nodes; i++) {
		uint32_t x = g->queue[i], to = g->to[field][x];
		if (g->shape[x] || to == HS_LINK_OUT)
			return false;
		if (to == HS_LINK_NONE)
			continue;
		if (g->seen[to])
			return false;
		g->seen[to] = 1;
		g->queue[(*nodes)++] = to;
	}
	return *nodes - heads >= LEAST_BEHIND;
}

uint32_t hs_link_table(struct hs_link_graph *g, unsigned field, uint32_t heads,
		       uint8_t number)
{
	uint32_t nodes;
	if (!g->budget)
		return 0;
	bool good = chains(g, field, heads, &nodes);
	g->budget -= nodes < g->budget ? nodes : g->budget;
	for (uint32_t i = 0; i < nodes; i++) {
		g->seen[g->queue[i]] = 0;
		if (good)
			g->shape[g->queue[i]] = number;
	}
	return good ? nodes : 0;
}
