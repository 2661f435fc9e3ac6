/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "core/grow.h"
#include "core/limits.h"
#include "types/c_types.h"

/*
 * Which struct holds which at what offset. Two ways: a member of that type,
 * by value, however deep; and first members that are the same in name, type
 * and place, which is how C writes base classes with a macro.
 */
struct listing {
	struct hs_c *c;
	struct hs_error *err;
	enum hs_status st;
	uint64_t budget; /* members that may still be looked at */
};

static bool spend(struct listing *l, uint64_t members)
{
	if (l->budget < members)
		return false;
	l->budget -= members;
	return true;
}

static bool add(struct listing *l, uint32_t type, uint64_t offset,
		uint32_t whole)
{
	struct hs_c *c = l->c;
	if (c->part_count == HS_LIMIT_EMBEDDED)
		return false;
	l->st = hs_grow(&c->part, &c->part_capacity, c->part_count,
			sizeof(*c->part), l->err);
	if (l->st)
		return false;
	c->part[c->part_count++] = (struct hs_c_part){ type, whole, offset };
	return true;
}

static bool is_struct(const struct hs_decl_type *t)
{
	return t->kind == HS_DECL_STRUCT || t->kind == HS_DECL_UNION;
}

bool hs_c_is_library(const struct hs_c *c, uint32_t type)
{
	const struct hs_decl_type *t = &c->decls.type[type];
	const char *name = hs_decls_text(&c->decls, t->name);
	if (t->rust)
		return strncmp(name, "std::", 5) == 0 ||
		       strncmp(name, "core::", 6) == 0 ||
		       strncmp(name, "alloc::", 7) == 0 ||
		       strncmp(name, "hashbrown::", 11) == 0 ||
		       name[strcspn(name, "<([&:")] != ':';
	return t->cxx && (strncmp(name, "std::", 5) == 0 ||
			  strncmp(name, "__gnu_cxx::", 11) == 0);
}

/* What lies at OFFSET within WHOLE is a TYPE. */
static bool list_members(struct listing *l, uint32_t type, uint64_t offset,
			 uint32_t whole, unsigned depth)
{
	const struct hs_decls *d = &l->c->decls;
	const struct hs_decl_type *t = &d->type[type];
	for (uint32_t i = 0; i < t->members && depth < HS_LIMIT_EMBED_DEPTH;
	     i++) {
		const struct hs_decl_member *m = &d->member[t->member + i];
		uint32_t inner = hs_decls_strip(d, m->type);
		uint64_t at;
		if (!spend(l, 1))
			return false;
		if (!is_struct(&d->type[inner]) || m->choice ||
		    __builtin_add_overflow(offset, m->offset, &at) ||
		    at >= d->type[whole].size)
			continue;
		if (!add(l, inner, at, whole) ||
		    !list_members(l, inner, at, whole, depth + 1))
			return false;
	}
	return true;
}

/* How many members a base has at least: one alone may be like another. */
#define BASE_MEMBERS 2u

static uint64_t with_member(const struct hs_decls *d, uint64_t h,
			    const struct hs_decl_member *m)
{
	for (const char *p = hs_decls_text(d, m->name); *p; p++)
		h = (h ^ (unsigned char)*p) * 0x100000001b3;
	h = (h ^ hs_decls_strip(d, m->type)) * 0x9e3779b97f4a7c15;
	h = (h ^ (m->offset << 16 | (uint64_t)m->bit << 8 | m->bits)) *
	    0x9e3779b97f4a7c15;
	return h ^ h >> 29;
}

static bool same_members(const struct hs_decls *d, const struct hs_decl_type *a,
			 const struct hs_decl_type *b)
{
	for (uint32_t i = 0; i < a->members; i++) {
		const struct hs_decl_member *x = &d->member[a->member + i],
					    *y = &d->member[b->member + i];
		if (x->offset != y->offset || x->bit != y->bit ||
		    x->bits != y->bits ||
		    hs_decls_strip(d, x->type) != hs_decls_strip(d, y->type) ||
		    strcmp(hs_decls_text(d, x->name),
			   hs_decls_text(d, y->name)) != 0)
			return false;
	}
	return true;
}

static bool may_be_base(const struct hs_decl_type *t)
{
	/* C++ has base classes that are called so. */
	return t->kind == HS_DECL_STRUCT && t->complete && !t->cxx &&
	       !t->rust && t->members >= BASE_MEMBERS;
}

/* Find each struct's members among the first members of all others, by their
 * hash so far. Of structs that are alike one stands for all. */
static bool list_bases(struct listing *l)
{
	const struct hs_decls *d = &l->c->decls;
	struct hs_addr_map whole = { 0 };
	for (uint32_t i = 0; i < d->type_count && !l->st; i++) {
		const struct hs_decl_type *t = &d->type[i];
		uint64_t h = 0;
		if (!may_be_base(t))
			continue;
		for (uint32_t k = 0; k < t->members; k++)
			h = with_member(d, h, &d->member[t->member + k]);
		if (h != HS_NO_ADDR && !hs_addr_map_get(&whole, h))
			l->st = hs_addr_map_put(
				&whole, (struct hs_addr_entry){ h, i, 0 },
				l->err);
	}
	bool more = !l->st;
	for (uint32_t i = 0; i < d->type_count && more; i++) {
		const struct hs_decl_type *t = &d->type[i];
		uint64_t h = 0;
		if (!may_be_base(t))
			continue;
		for (uint32_t k = 0; k + 1 < t->members && more; k++) {
			h = with_member(d, h, &d->member[t->member + k]);
			const struct hs_addr_entry *e =
				hs_addr_map_get(&whole, h);
			if (e && d->type[e->value].members == k + 1 &&
			    spend(l, k) &&
			    same_members(d, &d->type[e->value], t))
				more = add(l, e->value, 0, i);
		}
	}
	hs_addr_map_release(&whole);
	return more;
}

static int by_type(const void *x, const void *y)
{
	const struct hs_c_part *a = x, *b = y;
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return a->whole < b->whole ? -1 : a->whole > b->whole;
}

enum hs_status hs_c_parts_init(struct hs_c *c, struct hs_error *err)
{
	struct listing l = { .c = c,
			     .err = err,
			     .budget = 16 * (uint64_t)HS_LIMIT_EMBEDDED };
	bool more = true;
	for (uint32_t i = 0; i < c->decls.type_count && more; i++) {
		const struct hs_decl_type *t = &c->decls.type[i];
		/* What only lives within others has no block of its own. */
		if (is_struct(t) && t->complete && t->name &&
		    !hs_c_is_library(c, i))
			more = list_members(&l, i, 0, i, 0);
	}
	if (more)
		(void)list_bases(&l);
	if (l.st)
		return l.st;
	if (c->part_count)
		qsort(c->part, c->part_count, sizeof(*c->part), by_type);
	/* An anonymous union may hold the same thing twice. */
	size_t kept = 0;
	for (size_t i = 0; i < c->part_count; i++)
		if (!kept || by_type(&c->part[kept - 1], &c->part[i]) != 0)
			c->part[kept++] = c->part[i];
	c->part_count = kept;
	return HS_OK;
}

size_t hs_c_parts_find(const struct hs_c *c, uint32_t type, uint64_t offset,
		       size_t *count)
{
	struct hs_c_part want = { .type = type, .offset = offset };
	size_t first = 0, end = c->part_count;
	while (first < end) {
		size_t mid = first + (end - first) / 2;
		if (by_type(&c->part[mid], &want) < 0)
			first = mid + 1;
		else
			end = mid;
	}
	size_t n = 0;
	while (first + n < c->part_count && c->part[first + n].type == type &&
	       c->part[first + n].offset == offset)
		n++;
	*count = n;
	return first;
}
