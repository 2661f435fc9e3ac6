/* SPDX-License-Identifier: MIT */
#include "symbols/dwarf_declarations.h"

#include <endian.h>
#include <string.h>

#include "core/grow.h"
#include "core/limits.h"
#include "symbols/coroutine_names.h"
#include "symbols/dwarf_reader.h"

/* Blocks in blocks of a function. */
#define MAX_DEPTH 64u

/* An unsigned LEB128 number that ends at END. */
static bool uleb(const uint8_t *p, const uint8_t *end, uint64_t *ret)
{
	uint64_t v = 0;
	for (unsigned shift = 0; p < end && shift < 63; shift += 7, p++) {
		v |= (uint64_t)(*p & 0x7f) << shift;
		if (!(*p & 0x80)) {
			*ret = v;
			return p + 1 == end;
		}
	}
	return false;
}

/* A number of LEN bytes as the file writes it: the machines that we read are
 * little-endian. */
static bool little_endian(const uint8_t *p, size_t len, uint64_t *ret)
{
	uint64_t v = 0;
	if (len != 4 && len != 8)
		return false;
	memcpy(&v, p, len);
	*ret = le64toh(v);
	return true;
}

/*
 * The one fixed place that location EXPR[LEN] is: `address`, or an offset in
 * the TLS block. All else (registers, frames, pieces) is no fixed place.
 */
static bool fixed_place(struct hs_dwarf *dw, Dwarf_Die die, const uint8_t *expr,
			size_t len, struct hs_decl_variable *v)
{
	uint64_t index;
	Dwarf_Addr addr;
	if (len < 2)
		return false;
	uint8_t last = expr[len - 1];
	/* An address may end in that byte, too: its length decides. */
	bool push = last == DW_OP_GNU_push_tls_address ||
		    last == DW_OP_form_tls_address;
	switch (expr[0]) {
	case DW_OP_const4u:
	case DW_OP_const8u:
		v->tls = push;
		return push && little_endian(expr + 1, len - 2, &v->at);
	case DW_OP_addr:
		v->tls = push && (len == 6 || len == 10);
		return little_endian(expr + 1, len - 1 - v->tls, &v->at);
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
	case DW_OP_constx:
	case DW_OP_GNU_const_index:
		v->tls = expr[0] == DW_OP_constx ||
			 expr[0] == DW_OP_GNU_const_index;
		if (v->tls && !push)
			return false;
		if (!uleb(expr + 1, expr + len - v->tls, &index) ||
		    !hs_dwarf_ok(dw, dwarf_debug_addr_index_to_addr(
					     die, index, &addr, &dw->error)))
			return false;
		v->at = addr;
		return true;
	default:
		return false;
	}
}

bool hs_dwarf_fixed_location(struct hs_dwarf_reader *r, Dwarf_Die die,
			     enum hs_dwarf_space space,
			     struct hs_decl_variable *v)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	HS_AUTO_ATTRIBUTE Dwarf_Attribute attribute = NULL;
	Dwarf_Half form;
	Dwarf_Unsigned len;
	Dwarf_Ptr expr;
	Dwarf_Block *block;
	if (!hs_dwarf_ok(dw, dwarf_attr(die, DW_AT_location, &attribute,
					&dw->error)) ||
	    !hs_dwarf_ok(dw, dwarf_whatform(attribute, &form, &dw->error)))
		return false;
	switch (form) {
	case DW_FORM_exprloc:
		return hs_dwarf_ok(dw, dwarf_formexprloc(attribute, &len, &expr,
							 &dw->error)) &&
		       fixed_place(dw, die, expr, len, v);
	case DW_FORM_block1:
	case DW_FORM_block2:
	case DW_FORM_block4:
	case DW_FORM_block:
		break;
	default: /* a list of places, which most variables of functions have:
		  * they move */
		return false;
	}
	if (!hs_dwarf_ok(dw, dwarf_formblock(attribute, &block, &dw->error)))
		return false;
	bool fixed = fixed_place(dw, die, block->bl_data, block->bl_len, v);
	dwarf_dealloc(dw->dbg, block, DW_DLA_BLOCK);
	return fixed;
}

/* A variable, in FUNCTION or, when that is NULL, in none. */
static void variable(struct hs_dwarf_reader *r, Dwarf_Die die,
		     enum hs_dwarf_space space, Dwarf_Die function)
{
	struct hs_decl_variable v = { .module = r->module };
	HS_AUTO_DIE Dwarf_Die hold = NULL;
	char buf[HS_LIMIT_STRING];
	if (!hs_dwarf_fixed_location(r, die, space, &v))
		return;
	enum hs_dwarf_space in = space;
	Dwarf_Die says = hs_dwarf_described(r, die, &in, &hold);
	const char *name = hs_dwarf_full_name(r, says, in, buf);
	if (!name)
		return;
	/* `int table[];` in a header, `int table[8]` in its unit. */
	bool own = hs_dwarf_has(hs_dwarf_of(r, space), die, DW_AT_type);
	v.type = own ? hs_dwarf_type_of(r, die, space, 0)
		     : hs_dwarf_type_of(r, says, in, 0);
	if (!hs_decls_add_text(r->d, name, &v.name, &r->failed))
		return;
	if (function) {
		name = hs_dwarf_function_name(r, function, space, buf);
		if (name &&
		    !hs_decls_add_text(r->d, name, &v.function, &r->failed))
			return;
	}
	(void)hs_decls_add_variable(r->d, &v, &r->failed);
}

static void walk(struct hs_dwarf_reader *r, Dwarf_Die parent,
		 enum hs_dwarf_space space, Dwarf_Die function, unsigned depth);

/* A struct, union, class or enum with a name, and in C++ those within it. */
static void aggregate(struct hs_dwarf_reader *r, Dwarf_Die die,
		      enum hs_dwarf_space space, Dwarf_Half tag, unsigned depth)
{
	(void)hs_dwarf_intern(r, die, space, 0);
	if (r->cxx && hs_dwarf_is_struct(tag))
		walk(r, die, space, NULL, depth + 1);
}

/* No pointer leads to a coroutine's frame with its type, which clang declares
 * in the function. */
static bool is_frame(struct hs_dwarf_reader *r, Dwarf_Die die,
		     enum hs_dwarf_space space)
{
	const char *name = hs_dwarf_name(hs_dwarf_of(r, space), die);
	return name && hs_is_coroutine_frame(name);
}

/* All DIEs below PARENT. FUNCTION is the one around, or NULL. */
static void walk(struct hs_dwarf_reader *r, Dwarf_Die parent,
		 enum hs_dwarf_space space, Dwarf_Die function, unsigned depth)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	HS_AUTO_CHILDREN struct hs_dwarf_children c =
		hs_dwarf_children_of(parent, space);
	if (depth == MAX_DEPTH)
		return;
	while (hs_dwarf_next_child(dw, &c) && hs_dwarf_spend(r)) {
		Dwarf_Half tag = hs_dwarf_tag(dw, c.die);
		if (tag == DW_TAG_variable)
			variable(r, c.die, space, function);
		else if (tag == DW_TAG_subprogram)
			walk(r, c.die, space, c.die, depth + 1);
		else if (tag == DW_TAG_lexical_block || tag == DW_TAG_namespace)
			walk(r, c.die, space, function, depth + 1);
		/* Also those that only a cast speaks of, by their name: what
		 * has none is met where it is referred to, or never. */
		else if (!function &&
			 (hs_dwarf_is_struct(tag) ||
			  tag == DW_TAG_enumeration_type) &&
			 hs_dwarf_has(dw, c.die, DW_AT_name))
			aggregate(r, c.die, space, tag, depth);
		/* ... which C has for structs in a typedef, too; and those of
		 * a coroutine's frame, which are in its function. */
		else if (function ? r->cxx && tag == DW_TAG_structure_type &&
					    is_frame(r, c.die, space)
				  : !r->cxx && tag == DW_TAG_typedef &&
					    hs_dwarf_names_struct(r, c.die,
								  space))
			(void)hs_dwarf_intern(r, c.die, space, 0);
	}
}

/* Type units are met by their signature. */
static void note_type_unit(struct hs_dwarf_reader *r, Dwarf_Die unit,
			   enum hs_dwarf_space space,
			   const Dwarf_Sig8 *signature, Dwarf_Unsigned offset)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	Dwarf_Off start, len;
	if (!hs_dwarf_ok(dw, dwarf_die_CU_offset_range(unit, &start, &len,
						       &dw->error)) ||
	    offset >= len)
		return;
	struct hs_addr_entry e = { hs_dwarf_signature_key(signature),
				   (uint32_t)r->unit_count, 0 };
	if (hs_grow(&r->unit, &r->unit_capacity, r->unit_count,
		    sizeof(*r->unit), NULL) ||
	    hs_addr_map_put(&r->signatures, e, NULL)) {
		(void)hs_dwarf_no_memory(r);
		return;
	}
	r->unit[r->unit_count++] =
		(struct hs_dwarf_spot){ space, start + offset };
}

/* All units of SPACE: with TYPES those of types are noted, else all are
 * read. */
static void units(struct hs_dwarf_reader *r, enum hs_dwarf_space space,
		  bool types)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	while (!r->failed) {
		Dwarf_Unsigned length, type_offset, next;
		Dwarf_Half version, address_size, length_size, extension, kind;
		Dwarf_Off abbrev;
		Dwarf_Sig8 signature;
		HS_AUTO_DIE Dwarf_Die unit = NULL;
		if (!hs_dwarf_ok(dw,
				 dwarf_next_cu_header_d(
					 dw->dbg, space != HS_DWARF_TYPES,
					 &length, &version, &abbrev,
					 &address_size, &length_size,
					 &extension, &signature, &type_offset,
					 &next, &kind, &dw->error)))
			return;
		if (!hs_dwarf_ok(dw, dwarf_siblingof_b(dw->dbg, NULL,
						       space != HS_DWARF_TYPES,
						       &unit, &dw->error)))
			continue;
		bool is_types = space == HS_DWARF_TYPES || kind == DW_UT_type ||
				kind == DW_UT_split_type;
		if (space == HS_DWARF_INFO && kind != DW_UT_split_compile &&
		    kind != DW_UT_split_type && types &&
		    hs_dwarf_note_split(r, unit, &signature))
			continue;
		if (types && is_types)
			note_type_unit(r, unit, space, &signature, type_offset);
		/* Names and layouts of other languages have rules of their
		 * own. */
		enum hs_dwarf_language language = hs_dwarf_language(dw, unit);
		if (r->d->cut || language == HS_DWARF_OTHER)
			continue;
		if (types) {
			r->any_c |= language == HS_DWARF_C;
			r->any_cxx |= language == HS_DWARF_CXX ||
				      language == HS_DWARF_RUST;
		}
		r->rust = language == HS_DWARF_RUST;
		r->cxx = language == HS_DWARF_CXX || r->rust ||
			 (language == HS_DWARF_SILENT && r->any_cxx &&
			  !r->any_c);
		if (types) {
			if (language != HS_DWARF_C)
				hs_dwarf_note_qualifiers(r, unit, space);
			if (space == HS_DWARF_INFO &&
			    hs_dwarf_enter_unit(r, unit, &signature))
				hs_dwarf_read_calls(r, unit);
			continue;
		}
		walk(r, unit, space, NULL, 0);
		if (space == HS_DWARF_INFO &&
		    hs_dwarf_enter_unit(r, unit, &signature))
			hs_dwarf_read_locals(r, unit);
		hs_dwarf_fill_all(r);
		hs_dwarf_find_managers(r, unit, space);
	}
}

void hs_dwarf_read_units(struct hs_dwarf_reader *r)
{
	/* What was noted are places in another file. */
	for (size_t i = 0; i < r->frame_count; i++)
		hs_local_frame_forget(&r->frame[i]);
	units(r, HS_DWARF_TYPES, true);
	units(r, HS_DWARF_INFO, true);
	if (r->alt.dbg)
		units(r, HS_DWARF_ALT, true);
	units(r, HS_DWARF_TYPES, false);
	units(r, HS_DWARF_INFO, false);
	if (r->alt.dbg)
		units(r, HS_DWARF_ALT, false);
	hs_dwarf_fill_all(r);
}

void hs_dwarf_reader_release(struct hs_dwarf_reader *r)
{
	hs_dwarf_close(&r->main);
	hs_dwarf_close(&r->alt);
	hs_addr_map_release(&r->seen);
	hs_addr_map_release(&r->signatures);
	hs_addr_map_release(&r->managers);
	hs_addr_map_release(&r->no_loops);
	hs_dwarf_qualifiers_release(&r->qualifiers);
	hs_split_units_release(&r->split);
	free(r->unit);
	free(r->fill);
	free(r->ranges.range);
}

enum hs_status hs_dwarf_declarations(struct hs_elf_file *file,
				     struct hs_elf_file *alt, uint32_t module,
				     struct hs_local_frames *frames,
				     uint64_t bias,
				     const struct hs_split_files *split,
				     struct hs_decls *d, struct hs_error *err)
{
	struct hs_dwarf_reader r = { .d = d,
				     .module = module,
				     .bias = bias,
				     .lists = { .file = file } };
	if (frames) {
		size_t first =
			hs_local_frames_of(frames, module, &r.frame_count);
		r.frame = frames->frame + first;
		r.read = &frames->read;
	}
	enum hs_status st =
		hs_dwarf_open(hs_elf_file_descriptor(file), &r.main, err);
	if (st)
		return st;
	/* Without the common part, what it holds is not known: no failure. */
	if (alt &&
	    hs_dwarf_open(hs_elf_file_descriptor(alt), &r.alt, NULL) == HS_OK)
		(void)hs_dwarf_ok(&r.main,
				  dwarf_set_tied_dbg(r.main.dbg, r.alt.dbg,
						     &r.main.error));
	hs_dwarf_read_units(&r);
	if (split && !r.failed)
		hs_dwarf_read_split(&r, split);
	hs_dwarf_reader_release(&r);
	return r.failed ? hs_fail(err, r.failed, "no memory for declarations")
			: HS_OK;
}
