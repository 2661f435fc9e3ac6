/* SPDX-License-Identifier: MIT */
#include "types/object_shares.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/bits.h"
#include "core/cleanup.h"
#include "core/grow.h"

/* Of OWNER: not looked at yet; no variable. */
#define UNKNOWN UINT32_MAX
#define NOBODY (UINT32_MAX - 1)

struct sharing {
	struct hs_web *web;
	const struct hs_ways *ways;
	uint32_t *owner;     /* by node: what the variable refers to */
	uint64_t *bits;      /* a bit a node: a variable of a function; later:
			      * held by what was not seen */
	uint32_t *path;      /* nodes, room for all */
	struct hs_share *of; /* by owner, found through AT */
	size_t count, capacity;
	uint32_t *at; /* by node: 1 + its index in OF; 0: none yet */
};

static void sharing_release(struct sharing *s)
{
	free(s->owner);
	free(s->bits);
	free(s->path);
	free(s->of);
	free(s->at);
}

void hs_shares_release(struct hs_shares *shares)
{
	free(shares->share);
	*shares = (struct hs_shares){ .share = NULL };
}

static const struct hs_py_class *class_of(struct sharing *s, uint32_t node)
{
	return hs_web_is_object(s->web, node)
		       ? hs_py_class_of(&s->web->py, hs_web_addr(s->web, node))
		       : NULL;
}

static bool is_module(const struct hs_py_class *c)
{
	return c && strcmp(c->name, "module") == 0 && !(c->flags & HS_PY_HEAP);
}

/* The first step behind a module's dict or a function's frame. */
static bool is_variable(struct sharing *s, uint32_t node, uint32_t before)
{
	if (before == HS_WAYS_ROOT)
		return hs_bit(s->bits, node);
	const struct hs_py_class *c = class_of(s, before);
	uint32_t above = s->ways->before[before];
	if (!c || !hs_web_is_object(s->web, node) ||
	    is_module(class_of(s, node)))
		return false;
	if (c->kind == HS_PY_FRAME)
		return strcmp(class_of(s, node) ? class_of(s, node)->name : "",
			      "frame") != 0;
	return c->kind == HS_PY_DICT && above != HS_WAYS_ROOT &&
	       is_module(class_of(s, above));
}

static bool note_local(void *arg, uint32_t to, const struct hs_web_root *root)
{
	struct sharing *s = arg;
	if (root->kind == HS_OBJECT_ROOT_FRAME &&
	    root->ref->edge == HS_PY_LOCAL && root->cost == s->ways->cost[to] &&
	    s->ways->before[to] == HS_WAYS_ROOT)
		hs_bit_set(s->bits, to);
	return true;
}

/* Up until somebody is known, and down again. */
static void find_owner(struct sharing *s, uint32_t node)
{
	size_t depth = 0;
	uint32_t owner = NOBODY;
	while (node != HS_WAYS_ROOT && s->owner[node] == UNKNOWN) {
		s->path[depth++] = node;
		node = s->ways->before[node];
	}
	if (node != HS_WAYS_ROOT)
		owner = s->owner[node];
	while (depth--) {
		uint32_t at = s->path[depth];
		if (owner == NOBODY && is_variable(s, at, s->ways->before[at]))
			owner = at;
		s->owner[at] = owner;
	}
}

static struct hs_share *share_of(struct sharing *s, uint32_t owner,
				 struct hs_error *err)
{
	if (!s->at[owner]) {
		if (hs_grow(&s->of, &s->capacity, s->count, sizeof(*s->of),
			    err))
			return NULL;
		s->of[s->count++] = (struct hs_share){ .node = owner };
		s->at[owner] = (uint32_t)s->count;
	}
	return &s->of[s->at[owner] - 1];
}

static bool mark_unseen(void *arg, uint32_t to, const struct hs_py_ref *ref)
{
	struct sharing *s = arg;
	(void)ref;
	if (s->ways->cost[to] == UINT32_MAX && !hs_bit(s->bits, to)) {
		hs_bit_set(s->bits, to);
		s->path[s->count++] = to;
	}
	return true;
}

/* What is held by objects that nothing leads to and that count more references
 * than were seen. */
static void find_unseen(struct sharing *s)
{
	struct hs_web *web = s->web;
	memset(s->bits, 0, ((size_t)web->nodes / 64 + 1) * sizeof(*s->bits));
	s->count = 0;
	for (uint32_t i = 0; i < web->nodes; i++) {
		bool immortal;
		if (s->ways->cost[i] != UINT32_MAX ||
		    !hs_web_is_object(web, i) || hs_bit(s->bits, i) ||
		    (hs_web_count(web, i, &immortal) <= web->seen[i] &&
		     !immortal))
			continue;
		hs_bit_set(s->bits, i);
		s->path[s->count++] = i;
	}
	for (size_t i = 0; i < s->count; i++)
		(void)hs_web_refs(web, s->path[i], mark_unseen, s);
}

static void add(struct hs_object_total *to, bool object, uint64_t bytes)
{
	to->objects += object;
	to->bytes += bytes;
}

static int by_bytes(const void *a, const void *b)
{
	const struct hs_share *x = a, *y = b;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return x->node < y->node ? -1 : x->node > y->node;
}

static enum hs_status sum_up(struct sharing *s, struct hs_shares *ret,
			     struct hs_error *err)
{
	struct hs_web *web = s->web;
	for (uint32_t i = 0; i < web->nodes; i++) {
		bool object = hs_web_is_object(web, i);
		hs_addr start;
		uint64_t size;
		if (s->ways->cost[i] == UINT32_MAX ||
		    web->head[i] == HS_WEB_NONE)
			continue;
		find_owner(s, i);
		hs_web_block(web, i, &start, &size);
		if (s->owner[i] == NOBODY) {
			if (object || web->head[i] == HS_WEB_DATA)
				add(&ret->own, object, size);
			continue;
		}
		struct hs_share *of = share_of(s, s->owner[i], err);
		if (!of)
			return HS_ERR_NOMEM;
		of->objects += object;
		of->bytes += size;
		add(&ret->held, object, size);
	}
	ret->share = s->of;
	ret->count = s->count;
	s->of = NULL;
	if (ret->count)
		qsort(ret->share, ret->count, sizeof(*ret->share), by_bytes);
	find_unseen(s);
	for (uint32_t i = 0; i < web->nodes; i++) {
		bool object = hs_web_is_object(web, i), immortal;
		hs_addr start;
		uint64_t size;
		if (s->ways->cost[i] != UINT32_MAX ||
		    !(object || web->head[i] == HS_WEB_DATA))
			continue;
		hs_web_block(web, i, &start, &size);
		(void)hs_web_count(web, i, &immortal);
		struct hs_object_total *to = immortal ? &ret->own
					     : hs_bit(s->bits, i)
						     ? &ret->unseen
						     : &ret->garbage;
		if (object && !to->objects)
			to->example = hs_web_addr(web, i);
		add(to, object, size);
	}
	return HS_OK;
}

enum hs_status hs_shares_find(struct hs_web *web, const struct hs_ways *ways,
			      struct hs_shares *ret, struct hs_error *err)
{
	size_t nodes = (size_t)web->nodes + 1;
	HS_CLEANUP(sharing_release)
	struct sharing s = {
		.web = web,
		.ways = ways,
		.owner = malloc(nodes * sizeof(*s.owner)),
		.bits = hs_bits_new(nodes),
		.path = malloc(nodes * sizeof(*s.path)),
		.at = calloc(nodes, sizeof(*s.at)),
	};
	struct hs_shares shares = { .count = 0 };
	if (!s.owner || !s.bits || !s.path || !s.at)
		return hs_fail(err, HS_ERR_NOMEM,
			       "no memory for the shares of %zu objects",
			       nodes);
	memset(s.owner, 0xff, nodes * sizeof(*s.owner));
	web->py.work = web->work;
	hs_web_roots(web, note_local, &s);
	enum hs_status st = sum_up(&s, &shares, err);
	if (st) {
		hs_shares_release(&shares);
		return st;
	}
	*ret = shares;
	return HS_OK;
}
