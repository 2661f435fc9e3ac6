/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "symbols/symbols.h"
#include "types/c_spread.h"

/*
 * What std::function, std::any and std::weak_ptr hold. The first two keep the
 * address of a function that copies and destroys it: which one is of which type
 * is declared, and where it is says the symbol table. What two types have in
 * common, because their code is the same, says nothing of either.
 *
 * libc++'s std::function has an object with virtual functions instead: a block,
 * or within the function itself.
 */

/* How a T that the struct TYPE stands for is held, if that is declared. */
static enum hs_c_held how(const struct hs_c *c,
			  const struct hs_addr_map *in_place, uint32_t type)
{
	static const struct {
		const char *name;
		enum hs_c_held held;
	} known[] = {
		{ "std::any::_Manager_internal<", HS_C_HELD_IN_PLACE },
		{ "std::any::_Manager_external<", HS_C_HELD_BY_POINTER },
		{ "std::__1::__any_imp::_Small", HS_C_HELD_IN_PLACE },
		{ "std::__1::__any_imp::_Large", HS_C_HELD_BY_POINTER },
	};
	const struct hs_decls *d = &c->decls;
	const struct hs_decl_type *t = &d->type[type];
	const char *name = hs_decls_text(d, t->name);
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strncmp(name, known[i].name, strlen(known[i].name)) == 0)
			return known[i].held;
	/* Its base says it, if it has one. */
	if (t->members && d->member[t->member].base)
		type = hs_decls_strip(d, d->member[t->member].type);
	const struct hs_addr_entry *e = hs_addr_map_get(in_place, type);
	return e ? (enum hs_c_held)e->value : HS_C_HELD_UNKNOWN;
}

/* The type that the template TYPE was made for: the last one, after that of the
 * call. */
static bool held_type(const struct hs_decls *d, uint32_t type, uint32_t *ret)
{
	uint32_t parameters = d->type[type].parameters;
	return parameters && hs_decls_parameter(d, type, parameters - 1, ret);
}

static enum hs_status put(struct hs_c *c, hs_addr at, uint32_t type,
			  enum hs_c_held held, struct hs_error *err)
{
	struct hs_addr_map *map = &c->containers.managers;
	const struct hs_addr_entry *known = hs_addr_map_get(map, at);
	if (known && hs_decls_strip(&c->decls, known->value) !=
			     hs_decls_strip(&c->decls, type))
		held = HS_C_HELD_UNKNOWN;
	if (known && known->extra == HS_C_HELD_UNKNOWN)
		return HS_OK;
	return hs_addr_map_put(map, (struct hs_addr_entry){ at, type, held },
			       err);
}

/* Where the function of M is. */
static bool address(struct hs_naming *n, const struct hs_decls *d,
		    const struct hs_decl_manager *m, hs_addr *ret)
{
	struct hs_symbol_info symbol;
	uint64_t bias;
	if (m->function) {
		if (hs_symbols_find(n->syms, m->module,
				    hs_decls_text(d, m->function), &symbol,
				    NULL))
			return false;
		*ret = symbol.addr;
		return true;
	}
	if (!m->at || hs_symbols_bias(n->syms, m->module, &bias, NULL))
		return false;
	*ret = m->at + bias;
	return true;
}

static enum hs_status find_all(struct hs_naming *n, struct hs_c *c,
			       const struct hs_addr_map *in_place,
			       struct hs_error *err)
{
	const struct hs_decls *d = &c->decls;
	for (size_t i = 0; i < d->manager_count; i++) {
		const struct hs_decl_manager *m = &d->manager[i];
		hs_addr at;
		uint32_t held;
		if (!held_type(d, m->type, &held) || !address(n, d, m, &at))
			continue;
		enum hs_status st =
			put(c, at, held, how(c, in_place, m->type), err);
		if (st)
			return st;
	}
	return HS_OK;
}

enum hs_status hs_c_managers_init(struct hs_naming *n, struct hs_c *c,
				  struct hs_error *err)
{
	const struct hs_decls *d = &c->decls;
	struct hs_addr_map in_place = { 0 };
	enum hs_status st = HS_OK;
	for (size_t i = 0; i < d->manager_count && !st; i++) {
		const struct hs_decl_manager *m = &d->manager[i];
		if (m->in_place)
			st = hs_addr_map_put(
				&in_place,
				(struct hs_addr_entry){
					m->type,
					m->in_place > 0 ? HS_C_HELD_IN_PLACE
							: HS_C_HELD_BY_POINTER,
					0 },
				err);
	}
	if (!st)
		st = find_all(n, c, &in_place, err);
	hs_addr_map_release(&in_place);
	return st;
}

/* What holds what holds ..., by value. */
#define MAX_HELD 4u

static void visit_in_place(struct hs_c_source *s, uint32_t type, hs_addr addr)
{
	if (s->nested == MAX_HELD)
		return;
	s->nested++;
	hs_c_visit_value(s, type, addr);
	s->nested--;
}

void hs_c_visit_held(struct hs_c_source *s, const struct hs_c_container *k,
		     hs_addr addr)
{
	uint64_t v, vptr, owners;
	uint32_t type;
	if (!hs_window_word(&s->c->read, addr + k->pointer, &v) || v == 0)
		return;
	if (k->kind == HS_C_LIBCXX_FUNCTION) {
		/* In a block of its own it says itself what it is. */
		if (v == addr + k->capacity &&
		    hs_window_word(&s->c->read, v, &vptr) &&
		    hs_c_class(s->n, s->c, vptr, &type))
			visit_in_place(s, type, v);
		return;
	}
	if (k->kind == HS_C_WEAK) {
		/* Without owners the object is gone, and another may be there.
		 * libc++ counts from -1, in eight bytes. */
		if (hs_window_uint(&s->c->read, v + 8, k->libcxx ? 8 : 4,
				   &owners) &&
		    (k->libcxx ? owners < INT64_MAX : owners != 0))
			hs_c_follow(s, k->entry, addr + k->capacity);
		return;
	}
	const struct hs_addr_entry *e =
		hs_addr_map_get(&s->c->containers.managers, v);
	if (e && e->extra == HS_C_HELD_IN_PLACE)
		visit_in_place(s, e->value, addr + k->capacity);
	else if (e && e->extra == HS_C_HELD_BY_POINTER)
		hs_c_follow(s, e->value, addr + k->capacity);
}
