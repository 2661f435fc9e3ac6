/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "core/grow.h"
#include "core/limits.h"
#include "symbols/cxx_names.h"
#include "symbols/dwarf_reader.h"

/*
 * Full names. A DIE does not know its parent, and most are met by a reference
 * to them: so for what is in a namespace, class or function of C++ it is noted
 * beforehand what that is.
 */

/* Namespaces in namespaces, blocks in blocks. */
#define MAX_DEPTH 64u

enum hs_dwarf_language hs_dwarf_language(struct hs_dwarf *dw, Dwarf_Die unit)
{
	uint64_t language;
	if (!hs_dwarf_constant(dw, unit, DW_AT_language, &language))
		return hs_dwarf_tag(dw, unit) != DW_TAG_type_unit
			       ? HS_DWARF_SILENT
			       : HS_DWARF_OTHER;
	switch (language) {
	case DW_LANG_C:
	case DW_LANG_C89:
	case DW_LANG_C99:
	case DW_LANG_C11:
	case 0x2c: /* C17 */
	case 0x3e: /* C23 */
		return HS_DWARF_C;
	case DW_LANG_C_plus_plus:
	case DW_LANG_C_plus_plus_03:
	case DW_LANG_C_plus_plus_11:
	case DW_LANG_C_plus_plus_14:
	case 0x2a: /* C++17 */
	case 0x2b: /* C++20 */
	case 0x3a: /* C++23 */
		return HS_DWARF_CXX;
	case DW_LANG_Rust:
		return HS_DWARF_RUST;
	default:
		return HS_DWARF_OTHER;
	}
}

void hs_dwarf_qualifiers_release(struct hs_dwarf_qualifiers *q)
{
	hs_addr_map_release(&q->of);
	free(q->text);
	*q = (struct hs_dwarf_qualifiers){ .text = NULL };
}

/* Keep BEFORE, NAME and "::" as one; where it is, or 0: there is no room. */
static uint32_t add_qualifier(struct hs_dwarf_reader *r, uint32_t before,
			      const char *name)
{
	struct hs_dwarf_qualifiers *q = &r->qualifiers;
	size_t skip = before ? strlen(q->text + before) : 0;
	size_t len = skip + strlen(name) + 3;
	/* 0 means none. */
	size_t at = q->len ? q->len : 1;
	if (len > HS_LIMIT_STRING || len > HS_LIMIT_DECLARED_TEXT - at)
		return 0;
	while (q->capacity < at + len)
		if (hs_grow(&q->text, &q->capacity, q->capacity, 1, NULL)) {
			(void)hs_dwarf_no_memory(r);
			return 0;
		}
	if (skip)
		memcpy(q->text + at, q->text + before, skip);
	memcpy(q->text + at + skip, name, len - skip - 3);
	memcpy(q->text + at + len - 3, "::", 3);
	q->len = at + len;
	return (uint32_t)at;
}

/* The function DIE, as the demangler writes what is in it: "run(int)". */
static const char *with_parameters(struct hs_dwarf_reader *r, Dwarf_Die die,
				   enum hs_dwarf_space space, char *buf)
{
	HS_AUTO_DIE Dwarf_Die hold = NULL;
	HS_AUTO_DIE Dwarf_Die hold_too = NULL;
	/* What was inlined refers to its copy, that to its declaration. */
	Dwarf_Die says = hs_dwarf_described(r, die, &space, &hold);
	says = hs_dwarf_described(r, says, &space, &hold_too);
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	const char *mangled = hs_dwarf_linkage_name(dw, says);
	if (mangled && hs_demangle(mangled, buf, HS_LIMIT_STRING))
		return buf;
	/* Only main() has no mangled name, or one that does not say with which
	 * parameters; that of a static function is not always written. */
	const char *name = hs_dwarf_name(dw, says);
	if (!name || strlen(name) + 3 >= HS_LIMIT_STRING)
		return NULL;
	(void)snprintf(buf, HS_LIMIT_STRING, "%s%s", name,
		       r->cxx && !r->rust && strcmp(name, "main") != 0 ? "()"
								       : "");
	return buf;
}

static bool keep(struct hs_dwarf_reader *r, Dwarf_Die die,
		 enum hs_dwarf_space space, uint32_t qualifier)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	struct hs_dwarf_spot p = { .space = space };
	if (!qualifier ||
	    !hs_dwarf_ok(dw, dwarf_dieoffset(die, &p.at, &dw->error)))
		return true;
	struct hs_addr_entry e = { hs_dwarf_place_key(p), qualifier, 0 };
	return !hs_addr_map_put(&r->qualifiers.of, e, NULL) ||
	       hs_dwarf_no_memory(r);
}

/* What is being looked through. */
struct around {
	uint32_t qualifier;
	Dwarf_Die function; /* whose name is made when it is needed; or NULL */
	bool made;
};

static void note_all(struct hs_dwarf_reader *r, Dwarf_Die parent,
		     enum hs_dwarf_space space, struct around *around,
		     unsigned depth);

static uint32_t qualifier_of(struct hs_dwarf_reader *r,
			     enum hs_dwarf_space space, struct around *around)
{
	char buf[HS_LIMIT_STRING];
	if (around->function && !around->made) {
		const char *name =
			with_parameters(r, around->function, space, buf);
		around->qualifier = name ? add_qualifier(r, 0, name) : 0;
		around->made = true;
	}
	return around->qualifier;
}

/* A type, and what is in it. */
static void note_type(struct hs_dwarf_reader *r, Dwarf_Die die,
		      enum hs_dwarf_space space, Dwarf_Half tag,
		      struct around *around, unsigned depth)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	const char *name = hs_dwarf_name(dw, die);
	uint32_t qualifier = qualifier_of(r, space, around);
	struct hs_dwarf_spot declared;
	/* Defined outside of what it was declared in. */
	if (hs_dwarf_has(dw, die, DW_AT_specification) &&
	    hs_dwarf_refers(r, die, space, DW_AT_specification, &declared)) {
		const struct hs_addr_entry *e = hs_addr_map_get(
			&r->qualifiers.of, hs_dwarf_place_key(declared));
		qualifier = e ? e->value : 0;
	}
	if (!keep(r, die, space, qualifier) || !hs_dwarf_is_struct(tag) ||
	    !name)
		return;
	struct around inner = { .qualifier =
					add_qualifier(r, qualifier, name) };
	note_all(r, die, space, &inner, depth);
}

static void note(struct hs_dwarf_reader *r, Dwarf_Die die,
		 enum hs_dwarf_space space, Dwarf_Half tag,
		 struct around *around, unsigned depth)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	struct around inner = { .qualifier = 0 };
	const char *name;
	switch (tag) {
	case DW_TAG_namespace:
		name = hs_dwarf_name(dw, die);
		inner.qualifier =
			add_qualifier(r, around->qualifier,
				      name ? name : "(anonymous namespace)");
		note_all(r, die, space, &inner, depth);
		break;
	case DW_TAG_subprogram:
		inner.function = die;
		note_all(r, die, space, &inner, depth);
		break;
	case DW_TAG_lexical_block:
		note_all(r, die, space, around, depth);
		break;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
	case DW_TAG_typedef:
	case DW_TAG_template_alias:
		note_type(r, die, space, tag, around, depth);
		break;
	case DW_TAG_member: /* a static one has a definition elsewhere */
		if (hs_dwarf_has(dw, die, DW_AT_external) ||
		    hs_dwarf_has(dw, die, DW_AT_declaration))
			(void)keep(r, die, space, around->qualifier);
		break;
	case DW_TAG_variable:
		if (!around->function)
			(void)keep(r, die, space, around->qualifier);
		break;
	default:
		break;
	}
}

/* All DIEs below PARENT. */
static void note_all(struct hs_dwarf_reader *r, Dwarf_Die parent,
		     enum hs_dwarf_space space, struct around *around,
		     unsigned depth)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	HS_AUTO_CHILDREN struct hs_dwarf_children c =
		hs_dwarf_children_of(parent, space);
	if (depth == MAX_DEPTH)
		return;
	while (hs_dwarf_next_child(dw, &c) && hs_dwarf_spend(r))
		note(r, c.die, space, hs_dwarf_tag(dw, c.die), around,
		     depth + 1);
}

void hs_dwarf_note_qualifiers(struct hs_dwarf_reader *r, Dwarf_Die unit,
			      enum hs_dwarf_space space)
{
	struct around none = { .qualifier = 0 };
	note_all(r, unit, space, &none, 0);
}

const char *hs_dwarf_full_name(struct hs_dwarf_reader *r, Dwarf_Die die,
			       enum hs_dwarf_space space, char *buf)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	struct hs_dwarf_spot p = { .space = space };
	char whole[2 * HS_LIMIT_STRING];
	const char *name = hs_dwarf_name(dw, die);
	if (!name || !r->qualifiers.of.count || !r->any_cxx)
		return name;
	if (!hs_dwarf_ok(dw, dwarf_dieoffset(die, &p.at, &dw->error)))
		return NULL;
	const struct hs_addr_entry *e =
		hs_addr_map_get(&r->qualifiers.of, hs_dwarf_place_key(p));
	/* Of a C struct in such a program there is nothing to shorten. */
	if (!e && !strpbrk(name, "< "))
		return name;
	size_t before = e ? strlen(r->qualifiers.text + e->value) : 0;
	if (strlen(name) >= sizeof(whole) - before)
		return NULL;
	if (e)
		memcpy(whole, r->qualifiers.text + e->value, before);
	memcpy(whole + before, name, strlen(name) + 1);
	return (r->rust ? hs_rust_shorten : hs_cxx_shorten)(whole, buf,
							    HS_LIMIT_STRING)
		       ? buf
		       : NULL;
}

/* Cut the parameters off: from the bracket that the last one closes. */
static void cut_parameters(char *name)
{
	unsigned depth = 0;
	char *end = strrchr(name, ')');
	if (!end || strchr(end, '>') || strchr(end, ':'))
		return;
	for (char *p = end; p > name; p--) {
		depth += *p == ')';
		depth -= *p == '(';
		if (depth == 0) {
			*p = 0;
			return;
		}
	}
}

const char *hs_dwarf_function_name(struct hs_dwarf_reader *r, Dwarf_Die die,
				   enum hs_dwarf_space space, char *buf)
{
	char whole[HS_LIMIT_STRING];
	if (!with_parameters(r, die, space, whole))
		return NULL;
	if (!r->cxx) {
		memcpy(buf, whole, strlen(whole) + 1);
		return buf;
	}
	if (r->rust)
		return hs_rust_shorten(whole, buf, HS_LIMIT_STRING) ? buf
								    : NULL;
	cut_parameters(whole);
	return hs_cxx_shorten(whole, buf, HS_LIMIT_STRING) ? buf : NULL;
}
