/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "core/grow.h"
#include "core/limits.h"
#include "types/c_spread.h"

/*
 * Programs have allocators of their own: pools, arenas, slabs of objects. What
 * malloc gave is one block then, which no type is the name of, and typed
 * pointers lead to its middle. The block gets no name by them, but what lies
 * there leads on: a commit of git has a list of its parents, each in a block.
 *
 * They have their turn when nothing else leads anywhere: by then it is known
 * which blocks are of one type, whose own members lead to the same.
 */

void hs_c_inner_note(struct hs_c_source *s, const struct hs_block *b,
		     uint32_t type, uint64_t offset, hs_addr slot)
{
	struct hs_c *c = s->c;
	hs_addr at = b->user + offset;
	struct hs_error err;
	uint32_t whole;
	if (!hs_c_plan(c, type)->leads_on || !hs_c_is_unexplained(c, b, offset))
		return;
	const struct hs_addr_entry *known = hs_addr_map_get(&c->inners.at, at);
	/* The same again, or its beginning. */
	if (known &&
	    (!hs_c_whole_of(c, known->extra, type, &whole) || whole != type))
		return;
	if (c->inners.count == HS_LIMIT_INNER)
		return;
	enum hs_status st =
		hs_grow(&c->inners.inner, &c->inners.capacity, c->inners.count,
			sizeof(*c->inners.inner), &err);
	if (!st)
		st = hs_addr_map_put(
			&c->inners.at,
			(struct hs_addr_entry){ at, (uint32_t)c->inners.count,
						type },
			&err);
	if (st) {
		hs_naming_fail(s->n, st, &err);
		return;
	}
	c->inners.inner[c->inners.count++] = (struct hs_c_inner){
		.at = at,
		.type = type,
		.chunk = (uint32_t)b->chunk,
		.from = s->from,
		.where = slot - s->start > UINT32_MAX
				 ? UINT32_MAX
				 : (uint32_t)(slot - s->start),
	};
}

bool hs_c_inner_visit(struct hs_naming *n, struct hs_c *c)
{
	struct hs_c_inners *all = &c->inners;
	/* As many as may wait together; more come from these. */
	for (unsigned i = 0; i < HS_C_WAITING && all->next < all->count; i++) {
		struct hs_c_inner in = all->inner[all->next++];
		uint64_t size = c->decls.type[in.type].size;
		struct hs_block b;
		if (!hs_naming_live(n, in.chunk, &b) ||
		    size > b.usable - (in.at - b.user) ||
		    !hs_c_is_unexplained(c, &b, in.at - b.user) ||
		    hs_c_makes_sense(n, c, in.type, in.at) == HS_C_NONSENSE)
			continue;
		struct hs_c_source s = {
			.n = n,
			.c = c,
			.from = in.chunk,
			.start = b.user,
			.end = in.at + size,
			.doubtful = true,
		};
		hs_c_visit_value(&s, in.type, in.at);
	}
	return all->next < all->count || c->waiting_count;
}

void hs_c_inner_forget(struct hs_c *c)
{
	hs_addr_map_release(&c->inners.at);
	c->inners.at = (struct hs_addr_map){ .entry = NULL };
	c->inners.count = c->inners.next = 0;
}

static int by_address(const void *x, const void *y)
{
	const struct hs_c_inner *a = x, *b = y;
	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return a->type < b->type ? -1 : a->type > b->type;
}

void hs_c_inner_sort(struct hs_c *c)
{
	hs_addr_map_release(&c->inners.at);
	c->inners.at = (struct hs_addr_map){ .entry = NULL };
	if (c->inners.count)
		qsort(c->inners.inner, c->inners.count,
		      sizeof(*c->inners.inner), by_address);
}

const struct hs_c_inner *hs_c_inner_at(const struct hs_c *c, hs_addr addr)
{
	const struct hs_c_inners *all = &c->inners;
	size_t first = 0, end = all->count;
	while (first < end) {
		size_t mid = first + (end - first) / 2;
		if (all->inner[mid].at <= addr)
			first = mid + 1;
		else
			end = mid;
	}
	/* Of those that begin there one is the whole. */
	for (; first > 0; first--) {
		const struct hs_c_inner *in = &all->inner[first - 1];
		if (addr - in->at < c->decls.type[in->type].size)
			return in;
		if (first > 1 && all->inner[first - 2].at != in->at)
			break;
	}
	return NULL;
}
