/* SPDX-License-Identifier: MIT */
#include "types/c_types.h"

#include "core/backend.h"
#include "core/limits.h"

/* Elements of an array that are looked at: enough to tell. */
#define MAX_TRIED 64u
#define PAGE 4096u

uint64_t hs_c_usable(const struct hs_naming *n, uint64_t bytes)
{
	const struct hs_layout *l = &n->heap->layout;
	if (bytes > HS_CHUNK_MAX_SIZE)
		return HS_CHUNK_MAX_SIZE;
	uint64_t size =
		(bytes + l->word_size + l->align - 1) / l->align * l->align;
	return (size < l->min_size ? l->min_size : size) - l->word_size;
}

static bool is_mapped(const struct hs_naming *n, const struct hs_block *b)
{
	return n->heap->chunks[b->chunk].state == HS_CHUNK_MMAPPED;
}

bool hs_c_fits(const struct hs_naming *n, const struct hs_block *b,
	       uint64_t bytes)
{
	if (bytes == 0 || bytes > b->usable)
		return false;
	if (is_mapped(n, b)) /* whole pages */
		return b->usable - bytes < PAGE;
	return hs_c_usable(n, bytes) == b->usable;
}

bool hs_c_fits_with_rest(const struct hs_naming *n, const struct hs_block *b,
			 uint64_t bytes)
{
	const struct hs_layout *l = &n->heap->layout;
	if (bytes == 0 || bytes > b->usable || is_mapped(n, b))
		return false;
	uint64_t usable = hs_c_usable(n, bytes);
	return usable <= b->usable && b->usable - usable < l->min_size;
}

uint64_t hs_c_elements(const struct hs_naming *n, const struct hs_block *b,
		       uint64_t size, bool *exact)
{
	if (size == 0 || size > b->usable)
		return 0;
	uint64_t count = b->usable / size;
	/* A smaller request may have got a rest with its block. */
	*exact = size >= n->heap->layout.min_size && !is_mapped(n, b);
	if (is_mapped(n, b))
		return b->usable % size < PAGE ? count : 0;
	if (hs_c_fits(n, b, count * size))
		return count;
	*exact = false;
	return hs_c_fits_with_rest(n, b, count * size) ? count : 0;
}

bool hs_c_is_there(struct hs_c *c, const struct hs_decl_type *t,
		   const struct hs_decl_member *m, hs_addr addr)
{
	uint64_t discr;
	return !m->choice || (hs_window_uint(&c->read, addr + t->discr_offset,
					     t->discr_size, &discr) &&
			      hs_decls_chosen(&c->decls, t, m, discr));
}

bool hs_c_virtual_base(struct hs_naming *n, struct hs_c *c,
		       const struct hs_decl_type *t, uint32_t i, hs_addr addr,
		       const struct hs_decl_member **base, hs_addr *at)
{
	const struct hs_decl_member *m =
		&c->decls.member[t->member + t->members + t->parameters + i];
	uint64_t vptr, offset;
	if (!hs_window_word(&c->read, addr, &vptr) || vptr < m->offset ||
	    hs_naming_module(n, vptr) == SIZE_MAX ||
	    !hs_window_word(&c->read, vptr - m->offset, &offset) ||
	    offset == 0 || offset % c->read.word_size ||
	    __builtin_add_overflow(addr, offset, at))
		return false;
	*base = m;
	return true;
}

/* What is at the place that led to CLAIM, and W bytes behind it. */
static bool word_of_owner(const struct hs_naming *n, struct hs_c *c,
			  const struct hs_c_claim *claim, unsigned w,
			  uint64_t *ret)
{
	hs_addr start;
	if (claim->where == UINT32_MAX)
		return false;
	if (claim->from & HS_C_FROM_VARIABLE)
		start = c->root[claim->from & ~HS_C_FROM_VARIABLE].at;
	else
		start = n->heap->chunks[claim->from].addr +
			n->heap->layout.header;
	return hs_window_word(&c->read, start + claim->where + w, ret);
}

uint64_t hs_c_counted(const struct hs_naming *n, struct hs_c *c,
		      const struct hs_c_claim *claim, const struct hs_block *b,
		      hs_addr *first)
{
	uint64_t size =
		c->decls.type[hs_decls_strip(&c->decls, claim->type)].size;
	unsigned w = c->read.word_size;
	uint64_t count, end;
	*first = b->user;
	if (!size)
		return 0;
	if (claim->form == HS_C_COUNTED) {
		*first += w;
		if (!hs_window_word(&c->read, b->user, &count))
			return 0;
	} else if (claim->form == HS_C_COUNTED_ELSEWHERE) {
		if (!word_of_owner(n, c, claim, 0, &count))
			return 0;
	} else { /* a vector ends where its second word says */
		if (!word_of_owner(n, c, claim, w, &end) || end < b->user)
			return 0;
		count = (end - b->user) / size;
	}
	return count <= (b->usable - (*first - b->user)) / size ? count : 0;
}

/* NONSENSE is final, SENSE is better than SILENT. */
static enum hs_c_sense both(enum hs_c_sense a, enum hs_c_sense b)
{
	if (a == HS_C_NONSENSE || b == HS_C_NONSENSE)
		return HS_C_NONSENSE;
	return a > b ? a : b;
}

/* Does ADDR lie in a mapping? Mostly it is the last one again. */
static bool is_mapped_memory(struct hs_naming *n, struct hs_c *c, hs_addr addr)
{
	const struct hs_map *m = c->known_map;
	if (m && addr >= m->start && addr < m->end)
		return true;
	m = hs_target_find_map(n->target, addr);
	if (m)
		c->known_map = m;
	return m != NULL;
}

static enum hs_c_sense pointer_sense(struct hs_naming *n, struct hs_c *c,
				     hs_addr addr)
{
	uint64_t v;
	if (!hs_window_word(&n->block, addr, &v) || v == 0)
		return HS_C_SILENT;
	if (n->heap->tagged_pointers)
		v &= HS_ADDR_WITHOUT_TAG;
	/* -1 and small numbers stand for things that are not there. */
	if (v < PAGE ||
	    v == (n->block.word_size == 4 ? UINT32_MAX : UINT64_MAX))
		return HS_C_SILENT;
	return is_mapped_memory(n, c, v) ? HS_C_SENSE : HS_C_NONSENSE;
}

static enum hs_c_sense bool_sense(struct hs_naming *n, hs_addr addr,
				  uint64_t size)
{
	uint64_t v;
	if (size != 1 || !hs_window_uint(&n->block, addr, 1, &v))
		return HS_C_NO_POINTERS;
	return v > 1 ? HS_C_NONSENSE : HS_C_NO_POINTERS;
}

bool hs_c_is_pointer(const struct hs_c *c, uint32_t type)
{
	const struct hs_decls *d = &c->decls;
	const struct hs_decl_type *t = &d->type[hs_decls_strip(d, type)];
	if (t->kind == HS_DECL_POINTER)
		return t->size == c->read.word_size;
	if (t->kind != HS_DECL_UNION || !t->members)
		return false;
	for (uint32_t i = 0; i < t->members; i++) {
		uint32_t of = hs_decls_strip(d, d->member[t->member + i].type);
		if (d->type[of].kind != HS_DECL_POINTER ||
		    d->type[of].size != c->read.word_size)
			return false;
	}
	return true;
}

static enum hs_c_sense sense(struct hs_naming *n, struct hs_c *c, uint32_t type,
			     hs_addr addr, unsigned depth)
{
	const struct hs_decls *d = &c->decls;
	type = hs_decls_strip(d, type);
	const struct hs_decl_type *t = &d->type[type];
	enum hs_c_sense all = HS_C_NO_POINTERS;
	if (depth == HS_LIMIT_EMBED_DEPTH || c->budget == 0)
		return HS_C_SILENT;
	c->budget--;
	switch (t->kind) {
	case HS_DECL_POINTER:
		return pointer_sense(n, c, addr);
	case HS_DECL_NUMBER:
		return t->number == HS_NUMBER_BOOL
			       ? bool_sense(n, addr, t->size)
			       : HS_C_NO_POINTERS;
	case HS_DECL_STRUCT:
		for (uint32_t i = 0; i < t->members && all != HS_C_NONSENSE;
		     i++) {
			const struct hs_decl_member *m =
				&d->member[t->member + i];
			if (!m->bits && hs_c_is_there(c, t, m, addr))
				all = both(all,
					   sense(n, c, m->type,
						 addr + m->offset, depth + 1));
		}
		return all;
	case HS_DECL_ARRAY: {
		uint64_t size = d->type[hs_decls_strip(d, t->of)].size;
		uint64_t tried = t->count < MAX_TRIED ? t->count : MAX_TRIED;
		for (uint64_t i = 0; i < tried && all != HS_C_NONSENSE; i++)
			all = both(all, sense(n, c, t->of, addr + i * size,
					      depth + 1));
		return all;
	}
	default: /* of a union only one member counts */
		return hs_c_is_pointer(c, type) ? pointer_sense(n, c, addr)
						: HS_C_NO_POINTERS;
	}
}

enum hs_c_sense hs_c_makes_sense(struct hs_naming *n, struct hs_c *c,
				 uint32_t type, hs_addr addr)
{
	const struct hs_c_plan *plan =
		hs_c_plan(c, hs_decls_strip(&c->decls, type));
	if (!plan->flat_checks || c->budget < plan->checks)
		return sense(n, c, type, addr, 0);
	c->budget -= plan->checks;
	enum hs_c_sense all = HS_C_NO_POINTERS;
	for (uint32_t i = 0; i < plan->checks && all != HS_C_NONSENSE; i++) {
		const struct hs_c_check *check =
			&c->plans.check[plan->check + i];
		hs_addr at = addr + check->offset;
		all = both(all, check->is_bool ? bool_sense(n, at, 1)
					       : pointer_sense(n, c, at));
	}
	return all;
}
