/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "core/limits.h"
#include "symbols/dwarf_reader.h"

/*
 * A std::function and a std::any know what they hold by the address of one
 * function only, which a template of the library was made for. That template
 * is declared as a struct, and says the function's name and the type.
 */

static const struct {
	const char *name;     /* what the struct's begins with */
	const char *function; /* ... and what its function is called */
} managers[] = {
	{ "std::_Function_handler<", "_M_manager" },
	{ "std::_Function_base::_Base_manager<", "_M_manager" },
	{ "std::any::_Manager_internal<", "_S_manage" },
	{ "std::any::_Manager_external<", "_S_manage" },
	{ "std::__1::__any_imp::_SmallHandler<", "__handle" },
	{ "std::__1::__any_imp::_LargeHandler<", "__handle" },
};

static const char *function_of(const char *name)
{
	for (size_t i = 0; i < sizeof(managers) / sizeof(*managers); i++)
		if (strncmp(name, managers[i].name, strlen(managers[i].name)) ==
		    0)
			return managers[i].function;
	return NULL;
}

bool hs_dwarf_is_manager(const char *name)
{
	return strncmp(name, "std::", 5) == 0 && function_of(name);
}

/* The next manager has no name: it is the function that DIE declares. */
static bool expect(struct hs_dwarf_reader *r, Dwarf_Die die,
		   enum hs_dwarf_space space)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	struct hs_dwarf_spot p = { .space = space };
	if (!hs_dwarf_ok(dw, dwarf_dieoffset(die, &p.at, &dw->error)))
		return false;
	struct hs_addr_entry e = { hs_dwarf_place_key(p),
				   (uint32_t)r->d->manager_count, 0 };
	return !hs_addr_map_put(&r->managers, e, NULL) || hs_dwarf_no_memory(r);
}

/* The one of them that DIE is the code of; NULL: none. */
static struct hs_decl_manager *
expected(struct hs_dwarf_reader *r, Dwarf_Die die, enum hs_dwarf_space space)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	HS_AUTO_DIE Dwarf_Die abstract = NULL;
	struct hs_dwarf_spot p;
	/* Of what may be inlined there is a description between the two. */
	if (hs_dwarf_refers(r, die, space, DW_AT_abstract_origin, &p)) {
		if (p.space != space ||
		    !hs_dwarf_ok(dw, dwarf_offdie_b(dw->dbg, p.at, 1, &abstract,
						    &dw->error)))
			return NULL;
		die = abstract;
	}
	if (!hs_dwarf_refers(r, die, space, DW_AT_specification, &p))
		return NULL;
	const struct hs_addr_entry *e =
		hs_addr_map_get(&r->managers, hs_dwarf_place_key(p));
	return e && e->value < r->d->manager_count ? &r->d->manager[e->value]
						   : NULL;
}

void hs_dwarf_find_managers(struct hs_dwarf_reader *r, Dwarf_Die unit,
			    enum hs_dwarf_space space)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	if (!r->managers.count)
		return;
	HS_AUTO_CHILDREN struct hs_dwarf_children c =
		hs_dwarf_children_of(unit, space);
	while (hs_dwarf_next_child(dw, &c) && hs_dwarf_spend(r)) {
		Dwarf_Addr low;
		if (hs_dwarf_tag(dw, c.die) != DW_TAG_subprogram ||
		    !hs_dwarf_ok(dw, dwarf_lowpc(c.die, &low, &dw->error)))
			continue;
		struct hs_decl_manager *m = expected(r, c.die, space);
		if (m)
			m->at = low;
	}
	hs_addr_map_release(&r->managers);
}

void hs_dwarf_note_manager(struct hs_dwarf_reader *r, Dwarf_Die die,
			   enum hs_dwarf_space space, uint32_t type)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	struct hs_decl_manager m = { .type = type, .module = r->module };
	const char *of =
		function_of(hs_decls_text(r->d, r->d->type[type].name));
	const char *name = hs_dwarf_name(dw, die);
	uint64_t yes;
	if (!of || !name)
		return;
	if (strcmp(name, "__stored_locally") == 0 &&
	    hs_dwarf_constant(dw, die, DW_AT_const_value, &yes)) {
		m.in_place = yes ? 1 : -1;
	} else if (strcmp(name, of) == 0) {
		name = hs_dwarf_linkage_name(dw, die);
		if (name ? !hs_decls_add_text(r->d, name, &m.function,
					      &r->failed)
			 : !expect(r, die, space))
			return;
	} else {
		return;
	}
	(void)hs_decls_add_manager(r->d, &m, &r->failed);
}
