/* SPDX-License-Identifier: MIT */
#include "types/object_ways.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/bits.h"
#include "core/grow.h"

/* Immortal objects count from half of 32 bits on, or a little less. */
#define IMMORTAL (UINT32_C(1) << 30)

/*
 * One step costs HS_WEB_MOST_COST at most, so nodes wait in as many queues and
 * one more, which are emptied in turn. A node may wait in several; only the
 * cheapest counts.
 */
#define QUEUES (HS_WEB_MOST_COST + 1)

struct queue {
	uint32_t *node;
	size_t count, capacity;
};

struct walk {
	struct hs_web *web;
	struct hs_ways ways;
	struct queue queue[QUEUES];
	uint32_t from; /* the node at hand */
	enum hs_status status;
	struct hs_error *err;
};

void hs_ways_release(struct hs_ways *ways)
{
	free(ways->before);
	free(ways->cost);
	*ways = (struct hs_ways){ NULL, NULL };
}

static bool wait_for(struct walk *w, uint32_t node, uint32_t from,
		     uint32_t cost)
{
	struct queue *q = &w->queue[cost % QUEUES];
	if (cost >= w->ways.cost[node])
		return true;
	w->ways.cost[node] = cost;
	w->ways.before[node] = from;
	w->status = hs_grow(&q->node, &q->capacity, q->count, sizeof(*q->node),
			    w->err);
	if (!w->status)
		q->node[q->count++] = node;
	return w->status == HS_OK;
}

static bool from_root(void *arg, uint32_t to, const struct hs_web_root *root)
{
	return wait_for(arg, to, HS_WAYS_ROOT, root->cost);
}

static bool from_node(void *arg, uint32_t to, const struct hs_py_ref *ref)
{
	struct walk *w = arg;
	return wait_for(w, to, w->from,
			w->ways.cost[w->from] +
				hs_web_cost(w->web, w->from, ref));
}

static enum hs_status walk(struct walk *w)
{
	/* Costs only grow: when all queues were empty in a row, it is done. */
	hs_web_roots(w->web, from_root, w);
	uint32_t empty = 0;
	for (uint32_t cost = 0; empty <= QUEUES && !w->status; cost++) {
		struct queue *q = &w->queue[cost % QUEUES];
		empty = q->count ? 0 : empty + 1;
		/* What is put into this one meanwhile costs as much more. */
		for (size_t i = 0; i < q->count && !w->status; i++) {
			w->from = q->node[i];
			if (w->ways.cost[w->from] == cost)
				(void)hs_web_refs(w->web, w->from, from_node,
						  w);
		}
		q->count = 0;
	}
	return w->status;
}

enum hs_status hs_ways_find(struct hs_web *web, struct hs_ways *ret,
			    struct hs_error *err)
{
	struct walk w = { .web = web, .err = err };
	size_t nodes = (size_t)web->nodes + 1;
	w.ways.before = malloc(nodes * sizeof(*w.ways.before));
	w.ways.cost = malloc(nodes * sizeof(*w.ways.cost));
	if (w.ways.before && w.ways.cost) {
		memset(w.ways.cost, 0xff, nodes * sizeof(*w.ways.cost));
		web->py.work = web->work;
		(void)walk(&w);
	} else {
		w.status = hs_fail(err, HS_ERR_NOMEM,
				   "no memory for ways to %zu objects", nodes);
	}
	if (!w.status && web->n->failed)
		w.status =
			hs_fail(err, web->n->failed, "%s", web->n->error.text);
	for (size_t i = 0; i < QUEUES; i++)
		free(w.queue[i].node);
	if (w.status) {
		hs_ways_release(&w.ways);
		return w.status;
	}
	*ret = w.ways;
	return HS_OK;
}

uint64_t hs_web_count(struct hs_web *web, uint32_t node, bool *immortal)
{
	uint32_t count;
	*immortal = false;
	if (!hs_web_is_object(web, node) ||
	    !hs_peek_u32(web->n, hs_web_addr(web, node), &count))
		return 0;
	*immortal = count >= IMMORTAL;
	return *immortal ? 0 : count;
}

/* ---- what nothing leads to ---- */

struct pair {
	uint32_t to, from;
};

struct pairs {
	struct hs_web *web;
	struct pair *item;
	size_t count, capacity;
	uint32_t from;
	const struct hs_ways *ways;
	enum hs_status status;
	struct hs_error *err;
};

static bool add_pair(void *arg, uint32_t to, const struct hs_py_ref *ref)
{
	struct pairs *p = arg;
	(void)ref;
	/* A word in memory that nobody holds is no reference that counts. */
	if (p->ways->cost[to] != UINT32_MAX ||
	    (hs_web_is_object(p->web, to) &&
	     !hs_web_is_object(p->web, p->from)))
		return true;
	p->status = hs_grow(&p->item, &p->capacity, p->count, sizeof(*p->item),
			    p->err);
	if (!p->status)
		p->item[p->count++] = (struct pair){ to, p->from };
	return p->status == HS_OK;
}

static int by_target(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	if (x->to != y->to)
		return x->to < y->to ? -1 : 1;
	return x->from < y->from ? -1 : x->from > y->from;
}

static size_t first_of(const struct pairs *p, uint32_t to)
{
	size_t lo = 0, hi = p->count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (p->item[mid].to < to)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Back from the object, nearest first. */
static enum hs_status go_back(const struct pairs *p, uint64_t *met,
			      uint32_t node, struct hs_holders *h,
			      struct hs_error *err)
{
	size_t capacity = 0;
	enum hs_status st =
		hs_grow(&h->item, &capacity, h->count, sizeof(*h->item), err);
	if (st)
		return st;
	h->item[h->count++] = (struct hs_holder_node){ node, HS_WEB_NO_NODE };
	hs_bit_set(met, node);
	for (size_t i = 0; i < h->count; i++) {
		uint32_t to = h->item[i].node;
		bool immortal;
		uint64_t count = hs_web_count(p->web, to, &immortal);
		if (h->unseen == HS_WEB_NO_NODE &&
		    hs_web_is_object(p->web, to) &&
		    (immortal || count > p->web->seen[to]))
			h->unseen = to;
		for (size_t k = first_of(p, to);
		     k < p->count && p->item[k].to == to; k++) {
			uint32_t from = p->item[k].from;
			if (from == node && !h->cycle) {
				h->cycle = true;
				h->closes = (uint32_t)i;
			}
			if (hs_bit(met, from))
				continue;
			hs_bit_set(met, from);
			st = hs_grow(&h->item, &capacity, h->count,
				     sizeof(*h->item), err);
			if (st)
				return st;
			h->item[h->count++] =
				(struct hs_holder_node){ from, to };
		}
	}
	return HS_OK;
}

enum hs_status hs_holders_find(struct hs_web *web, const struct hs_ways *ways,
			       uint32_t node, struct hs_holders *ret,
			       struct hs_error *err)
{
	struct pairs p = { .web = web, .ways = ways, .err = err };
	struct hs_holders h = { .unseen = HS_WEB_NO_NODE };
	uint64_t *met = hs_bits_new(web->nodes);
	if (!met)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	web->py.work = web->work;
	for (uint32_t i = 0; i < web->nodes && !p.status; i++) {
		p.from = i;
		if (ways->cost[i] == UINT32_MAX && web->head[i] != HS_WEB_NONE)
			(void)hs_web_refs(web, i, add_pair, &p);
	}
	enum hs_status st = p.status;
	if (!st && p.count)
		qsort(p.item, p.count, sizeof(*p.item), by_target);
	if (!st)
		st = go_back(&p, met, node, &h, err);
	free(p.item);
	free(met);
	if (st) {
		hs_holders_release(&h);
		return st;
	}
	*ret = h;
	return HS_OK;
}

void hs_holders_release(struct hs_holders *holders)
{
	free(holders->item);
	*holders = (struct hs_holders){ .item = NULL };
}
