/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/limits.h"
#include "graph/leaks_inside.h"

/* One block of a search, and the one before it. */
struct seen {
	uint32_t chunk;
	uint32_t before; /* in the queue */
};

struct search {
	const struct hs_leaks *leaks;
	struct seen *queue;
	size_t count;
	uint32_t *slot; /* 1 + place in the queue, by hash of the chunk */
};
#define SLOTS (HS_LIMIT_CYCLE_SEARCH * 4)

/* False: it was met before. */
static bool meet(struct search *s, uint32_t chunk, uint32_t before)
{
	size_t i = chunk * UINT32_C(0x9e3779b1) % SLOTS;
	while (s->slot[i]) {
		if (s->queue[s->slot[i] - 1].chunk == chunk)
			return false;
		i = (i + 1) % SLOTS;
	}
	s->queue[s->count++] = (struct seen){ chunk, before };
	s->slot[i] = (uint32_t)s->count;
	return true;
}

/* Breadth first from the queue's first block; the place of the one that leads
 * back to it, or SIZE_MAX. */
static size_t find_back(struct search *s)
{
	const struct hs_graph *g = s->leaks->graph;
	for (size_t i = 0; i < s->count; i++) {
		size_t n;
		const uint32_t *edge =
			hs_edges_of(&g->edges, s->queue[i].chunk, &n);
		for (size_t e = 0; e < n; e++) {
			uint32_t to = hs_edge_to(edge[e]);
			if (to == s->queue[0].chunk)
				return i;
			if (s->count < HS_LIMIT_CYCLE_SEARCH &&
			    !hs_bit(g->reached, to))
				(void)meet(s, to, (uint32_t)i);
		}
	}
	return SIZE_MAX;
}

static enum hs_status make_cycle(const struct search *s, size_t last,
				 struct hs_cycle *ret, struct hs_error *err)
{
	struct hs_graph *g = s->leaks->graph;
	struct hs_cycle cycle = { NULL, 1 };
	for (size_t i = last; i; i = s->queue[i].before)
		cycle.count++;
	cycle.step = calloc(cycle.count, sizeof(*cycle.step));
	if (!cycle.step)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for a cycle");
	uint32_t to = s->queue[0].chunk;
	for (size_t n = cycle.count, i = last; n--; i = s->queue[i].before) {
		uint32_t from = s->queue[i].chunk;
		enum hs_status st =
			hs_graph_step(g, from, to, &cycle.step[n], err);
		if (st) {
			hs_cycle_release(&cycle);
			return st;
		}
		to = from;
	}
	*ret = cycle;
	return HS_OK;
}

enum hs_status hs_leaks_cycle(struct hs_leaks *leaks, size_t i,
			      struct hs_cycle *ret, struct hs_error *err)
{
	assert(i < leaks->group_count);
	const struct hs_leak_group *g = &leaks->group[i].group;
	if (g->kind != HS_LEAK_CYCLE) {
		*ret = (struct hs_cycle){ NULL, 0 };
		return HS_OK;
	}
	return hs_leaks_cycle_of(leaks, g->sample, ret, err);
}

enum hs_status hs_leaks_cycle_of(struct hs_leaks *leaks, size_t chunk,
				 struct hs_cycle *ret, struct hs_error *err)
{
	assert(chunk < leaks->graph->heap->chunk_count);
	HS_AUTO_FREE struct seen *queue =
		malloc(HS_LIMIT_CYCLE_SEARCH * sizeof(*queue));
	HS_AUTO_FREE uint32_t *slot = calloc(SLOTS, sizeof(*slot));
	if (!queue || !slot)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for a cycle");
	struct search s = { leaks, queue, 0, slot };
	(void)meet(&s, (uint32_t)chunk, 0);
	size_t last = find_back(&s);
	if (last == SIZE_MAX) {
		*ret = (struct hs_cycle){ NULL, 0 };
		return HS_OK;
	}
	return make_cycle(&s, last, ret, err);
}

void hs_cycle_release(struct hs_cycle *cycle)
{
	free(cycle->step);
	*cycle = (struct hs_cycle){ NULL, 0 };
}
