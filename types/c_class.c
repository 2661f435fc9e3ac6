/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/limits.h"
#include "symbols/cxx_names.h"
#include "types/c_spread.h"
#include "types/coroutine.h"
#include "types/cxx_exception.h"
#include "types/cxx_vtable.h"

/*
 * Objects with virtual functions say themselves what they are: by a vtable,
 * whose class is looked for among the declarations. That is better than any
 * pointer, which may be one to a base; and what such objects lead to is known
 * even where nothing leads to them.
 */

/* Classes that derive from one another. */
#define MAX_BASES 32u

/* What is known of the class at a vtable. */
enum { NO_CLASS, NOT_DECLARED, DECLARED, BASE_DECLARED };

/* "{lambda(int)#1}" without the number; false: there is none. */
static bool without_numbers(char *name)
{
	char *to = name;
	bool any = false, lambda = false;
	for (const char *from = name; *from; from++) {
		if (strncmp(from, "{lambda(", 8) == 0)
			lambda = true;
		if (*from == '}')
			lambda = false;
		if (lambda && strncmp(from, ")#", 2) == 0) {
			*to++ = ')';
			from += 1 + strspn(from + 2, "0123456789");
			any = true;
			continue;
		}
		*to++ = *from;
	}
	*to = 0;
	return any;
}

/* The declared type of the class NAME; false: there is none, or several. */
static bool find(const struct hs_c *c, const char *name, uint32_t *type)
{
	char known[HS_LIMIT_STRING];
	if (!hs_cxx_shorten(name, known, sizeof(known)))
		return false;
	if (hs_decls_find(&c->decls, known, type))
		return true;
	/* GCC does not declare which lambda of its function one is: if there
	 * are more, the name is not one type's. */
	return without_numbers(known) && hs_decls_find(&c->decls, known, type);
}

/* The one base class at the start of the class whose type_info is at INFO. */
static bool only_base(struct hs_naming *n, hs_addr *info, char *name,
		      size_t size)
{
	char kind[HS_LIMIT_STRING];
	uint64_t base;
	if (!hs_cxx_is_class(n, *info, kind, sizeof(kind)) ||
	    !strstr(kind, "__si_class") ||
	    !hs_peek(n, *info + 2 * n->meta.word_size, &base) ||
	    !hs_cxx_is_class(n, base, kind, sizeof(kind)))
		return false;
	*info = base;
	return hs_cxx_class_name(n, base, name, size);
}

/* The class at VPTR, or the nearest of its bases that is declared. */
static unsigned class_of(struct hs_naming *n, const struct hs_c *c,
			 hs_addr vptr, uint32_t *type)
{
	char name[HS_LIMIT_TYPE_NAME];
	/* Objects whose names are missing are counted elsewhere. */
	uint64_t nameless = n->nameless;
	size_t missing = n->missing_module;
	hs_addr info;
	unsigned found = NO_CLASS;
	if (hs_cxx_vtable(n, vptr, name, sizeof(name), &info)) {
		bool more = true;
		for (unsigned i = 0; i < MAX_BASES && more; i++) {
			if (find(c, name, type)) {
				found = i ? BASE_DECLARED : DECLARED;
				break;
			}
			more = only_base(n, &info, name, sizeof(name));
		}
		if (found == NO_CLASS)
			found = NOT_DECLARED;
	}
	n->nameless = nameless;
	n->missing_module = missing;
	return found;
}

/* Most first words are text, or lead to the heap: told without a search. */
static bool is_elsewhere(const struct hs_naming *n, hs_addr addr)
{
	const struct hs_module_list *m = &n->target->modules;
	const struct hs_index_region *r = n->finder.last;
	return !m->count || addr < m->module[0].base ||
	       addr >= m->module[m->count - 1].end ||
	       (r && addr >= r->base && addr < r->end);
}

/* The same, asked once for each vtable. */
static unsigned class_at(struct hs_naming *n, struct hs_c *c, hs_addr vptr,
			 uint32_t *type)
{
	struct hs_error err;
	if (vptr % n->meta.word_size || is_elsewhere(n, vptr) ||
	    hs_naming_module(n, vptr) == SIZE_MAX)
		return NO_CLASS;
	const struct hs_addr_entry *known = hs_addr_map_get(&c->vtables, vptr);
	if (known) {
		*type = known->extra;
		return known->value;
	}
	struct hs_addr_entry e = { vptr, 0, 0 };
	e.value = class_of(n, c, vptr, &e.extra);
	enum hs_status st = hs_addr_map_put(&c->vtables, e, &err);
	if (st)
		hs_naming_fail(n, st, &err);
	*type = e.extra;
	return e.value;
}

bool hs_c_class(struct hs_naming *n, struct hs_c *c, hs_addr vptr,
		uint32_t *type)
{
	return class_at(n, c, vptr, type) >= DECLARED;
}

/* The declared type of the object that was thrown with B. */
static bool thrown(struct hs_naming *n, const struct hs_c *c,
		   const struct hs_block *b, uint32_t *type)
{
	char name[HS_LIMIT_TYPE_NAME];
	uint64_t nameless = n->nameless;
	size_t missing = n->missing_module;
	hs_addr info;
	bool found = hs_cxx_exception(n, b, &info) &&
		     hs_cxx_class_name(n, info, name, sizeof(name)) &&
		     find(c, name, type) &&
		     c->decls.type[*type].size <= b->usable - HS_CXX_THROWN;
	n->nameless = nameless;
	n->missing_module = missing;
	return found;
}

/*
 * Has B more room than an object of its CLASS, a TYPE, needs? Then the object
 * may be the first member of something that has no vtable itself, and who
 * points to that knows better.
 */
static bool is_larger(const struct hs_naming *n, const struct hs_c *c,
		      const struct hs_block *b, unsigned class, uint32_t type)
{
	return class == DECLARED &&
	       !hs_c_fits_with_rest(n, b, c->decls.type[type].size) &&
	       !hs_c_fits(n, b, c->decls.type[type].size);
}

/* The declared type of B, if it is the frame of a coroutine: by its first two
 * words, asked once for each first one, or the second if that is 0. */
static bool frame(struct hs_naming *n, struct hs_c *c, const struct hs_block *b,
		  uint32_t *type)
{
	char name[HS_LIMIT_TYPE_NAME];
	uint64_t second;
	struct hs_error err;
	if (!c->decls.coroutines || !hs_block_word(n, b, 1, &second))
		return false;
	hs_addr key = b->first ? b->first : second;
	if (is_elsewhere(n, key) || hs_naming_module(n, key) == SIZE_MAX)
		return false;
	const struct hs_addr_entry *known = hs_addr_map_get(&c->frames, key);
	if (known) {
		*type = known->extra;
		return known->value;
	}
	struct hs_addr_entry e = { key, 0, 0 };
	e.value = hs_coroutine_name(c->syms, b->first, second, name,
				    sizeof(name)) &&
		  hs_decls_find(&c->decls, name, &e.extra);
	enum hs_status st = hs_addr_map_put(&c->frames, e, &err);
	if (st)
		hs_naming_fail(n, st, &err);
	*type = e.extra;
	return e.value;
}

static void claim_frame(struct hs_naming *n, struct hs_c *c,
			const struct hs_block *b, uint32_t type)
{
	struct hs_c_source s = {
		.n = n, .c = c, .from = (uint32_t)b->chunk, .start = b->user
	};
	if (c->decls.type[type].size <= b->usable)
		hs_c_claim_as(&s, b, type, HS_C_FRAME, HS_C_BY_CLASS, b->user);
}

void hs_c_claim_objects(struct hs_naming *n, struct hs_c *c)
{
	if (!c->any_cxx)
		return;
	for (size_t i = 0; i < n->heap->chunk_count && !n->failed; i++) {
		struct hs_block b;
		uint32_t type;
		hs_naming_look_ahead(n, i);
		if (!hs_naming_block(n, i, &b))
			continue;
		unsigned class = class_at(n, c, b.first, &type);
		if (class == NO_CLASS && frame(n, c, &b, &type)) {
			claim_frame(n, c, &b, type);
			continue;
		}
		if (class == NO_CLASS && !thrown(n, c, &b, &type))
			continue;
		if (class == NOT_DECLARED ||
		    c->decls.type[type].size > b.usable) {
			/* What it is, is known; not what it leads to. */
			c->claim[i].least = HS_C_RANKS;
			continue;
		}
		struct hs_c_source s = {
			.n = n, .c = c, .from = (uint32_t)i, .start = b.user
		};
		hs_c_claim_as(&s, &b, type,
			      class == NO_CLASS ? HS_C_THROWN : HS_C_OBJECT,
			      is_larger(n, c, &b, class, type) ? HS_C_BEGINS
							       : HS_C_BY_CLASS,
			      b.user);
	}
}

void hs_c_overrule_objects(struct hs_naming *n, const struct hs_c *c)
{
	for (size_t i = 0; c->any_cxx && i < n->heap->chunk_count; i++) {
		const struct hs_c_claim *claim = &c->claim[i];
		if (claim->form != HS_C_ONE || claim->clash ||
		    n->type_of[i] == HS_NO_TYPE ||
		    n->table.type[n->type_of[i]].source != HS_TYPE_CXX)
			continue;
		n->type_of[i] = HS_NO_TYPE;
	}
}
