/* SPDX-License-Identifier: MIT */
#include "symbols/dwarf_declarations.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "core/grow.h"
#include "core/limits.h"
#include "symbols/dwarf_die.h"
#include "symbols/dwarf_locals.h"

/* Blocks in blocks of a function; unions in structs in unions. */
#define MAX_DEPTH 64u
/* Pointers to typedefs of arrays of ...: followed at once. */
#define MAX_CHAIN 64u
/* Dimensions of an array. */
#define MAX_RANK 8u

/* Where DIEs are. An offset means something in one of these only. */
enum space { IN_INFO, IN_TYPES, IN_ALT };

struct place {
	enum space space;
	Dwarf_Off at;
};

/* A struct or enum whose members are to be read. */
struct to_fill {
	struct place place;
	uint32_t type;
};

struct reader {
	struct hs_dwarf main, alt;
	struct hs_decls *d;
	uint32_t module;
	struct hs_addr_map seen;       /* place -> type */
	struct hs_addr_map signatures; /* of type units -> index of unit */
	struct place *unit;            /* the types of those units */
	size_t unit_count, unit_capacity;
	struct to_fill *fill;
	size_t fill_count, fill_capacity;
	/* Of the module, by pc, and what they are read with. */
	struct hs_local_frame *frame;
	size_t frame_count;
	struct hs_window *read;
	uint64_t bias, base;           /* of the module; code of the unit */
	struct hs_dwarf_ranges ranges; /* of the last DIE asked */
	enum hs_status failed;         /* no memory */
};

static struct hs_dwarf *dwarf_of(struct reader *r, enum space space)
{
	return space == IN_ALT ? &r->alt : &r->main;
}

static bool no_memory(struct reader *r)
{
	r->failed = HS_ERR_NOMEM;
	return false;
}

/* One more DIE is looked at; false: that is enough. */
static bool spend(struct reader *r)
{
	if (r->failed)
		return false;
	if (r->d->dies == HS_LIMIT_DWARF_DIES) {
		r->d->cut = true;
		return false;
	}
	r->d->dies++;
	return true;
}

static hs_addr place_key(struct place p)
{
	return (uint64_t)p.at << 2 | p.space;
}

static bool die_at(struct reader *r, struct place p, Dwarf_Die *ret)
{
	struct hs_dwarf *dw = dwarf_of(r, p.space);
	return dw->dbg && hs_dwarf_ok(dw, dwarf_offdie_b(dw->dbg, p.at,
							 p.space != IN_TYPES,
							 ret, &dw->error));
}

static hs_addr signature_key(const Dwarf_Sig8 *signature)
{
	uint64_t key;
	memcpy(&key, signature->signature, sizeof(key));
	return key == HS_NO_ADDR ? 0 : key;
}

/* What attribute WHICH of DIE, which is in FROM, refers to. */
static bool refers(struct reader *r, Dwarf_Die die, enum space from,
		   Dwarf_Half which, struct place *ret)
{
	struct hs_dwarf *dw = dwarf_of(r, from);
	HS_AUTO_ATTRIBUTE Dwarf_Attribute attribute = NULL;
	const struct hs_addr_entry *unit;
	Dwarf_Half form;
	Dwarf_Sig8 signature;
	if (!hs_dwarf_ok(dw, dwarf_attr(die, which, &attribute, &dw->error)) ||
	    !hs_dwarf_ok(dw, dwarf_whatform(attribute, &form, &dw->error)))
		return false;
	switch (form) {
	case DW_FORM_ref_sig8:
		if (!hs_dwarf_ok(dw, dwarf_formsig8(attribute, &signature,
						    &dw->error)))
			return false;
		unit = hs_addr_map_get(&r->signatures,
				       signature_key(&signature));
		if (!unit)
			return false;
		*ret = r->unit[unit->value];
		return true;
	case DW_FORM_GNU_ref_alt:
	case DW_FORM_ref_sup4:
	case DW_FORM_ref_sup8:
		ret->space = IN_ALT;
		break;
	default:
		ret->space = form == DW_FORM_ref_addr && from != IN_ALT
				     ? IN_INFO
				     : from;
	}
	return hs_dwarf_ok(
		dw, dwarf_global_formref(attribute, &ret->at, &dw->error));
}

static bool referred(struct reader *r, Dwarf_Die die, enum space from,
		     Dwarf_Half which, Dwarf_Die *ret, enum space *space)
{
	struct place p;
	if (!refers(r, die, from, which, &p) || !die_at(r, p, ret))
		return false;
	*space = p.space;
	return true;
}

static uint32_t intern(struct reader *r, Dwarf_Die die, enum space space,
		       unsigned depth);

/* The type that DIE's DW_AT_type leads to; void where it has none. */
static uint32_t type_of(struct reader *r, Dwarf_Die die, enum space space,
			unsigned depth)
{
	struct place p;
	HS_AUTO_DIE Dwarf_Die target = NULL;
	if (depth == MAX_CHAIN || r->failed)
		return HS_DECL_TYPE_OTHER;
	if (!refers(r, die, space, DW_AT_type, &p))
		return hs_dwarf_has(dwarf_of(r, space), die, DW_AT_type)
			       ? HS_DECL_TYPE_OTHER
			       : HS_DECL_TYPE_VOID;
	const struct hs_addr_entry *known =
		hs_addr_map_get(&r->seen, place_key(p));
	if (known)
		return known->value;
	if (!die_at(r, p, &target))
		return HS_DECL_TYPE_OTHER;
	return intern(r, target, p.space, depth + 1);
}

static uint32_t same(struct reader *r, const struct hs_decl_type *t,
		     const char *name, bool *fresh)
{
	uint32_t type;
	if (!hs_decls_same_type(r->d, t, name, &type, fresh, &r->failed))
		return HS_DECL_TYPE_OTHER;
	return type;
}

static uint32_t number(struct reader *r, Dwarf_Die die, enum space space)
{
	struct hs_dwarf *dw = dwarf_of(r, space);
	struct hs_decl_type t = { .kind = HS_DECL_NUMBER, .complete = true };
	const char *name = hs_dwarf_name(dw, die);
	uint64_t encoding;
	bool fresh;
	if (!hs_dwarf_constant(dw, die, DW_AT_byte_size, &t.size) ||
	    !hs_dwarf_constant(dw, die, DW_AT_encoding, &encoding))
		return HS_DECL_TYPE_OTHER;
	switch (encoding) {
	case DW_ATE_boolean:
		t.number = HS_NUMBER_BOOL;
		break;
	case DW_ATE_float:
		t.number = HS_NUMBER_FLOAT;
		break;
	case DW_ATE_signed:
		t.number = HS_NUMBER_SIGNED;
		break;
	case DW_ATE_unsigned:
		t.number = HS_NUMBER_UNSIGNED;
		break;
	case DW_ATE_signed_char:
	case DW_ATE_unsigned_char:
		t.number = HS_NUMBER_CHAR;
		break;
	default:
		t.number = HS_NUMBER_OTHER;
	}
	return same(r, &t, name ? name : "?", &fresh);
}

/* Elements of one dimension; 0: not said. */
static uint64_t dimension(struct hs_dwarf *dw, Dwarf_Die die)
{
	uint64_t n = 0;
	if (hs_dwarf_constant(dw, die, DW_AT_count, &n))
		return n;
	if (hs_dwarf_constant(dw, die, DW_AT_upper_bound, &n) &&
	    __builtin_add_overflow(n, 1, &n))
		n = 0; /* -1: no elements */
	return n;
}

/* An array of arrays for each dimension but the last. */
static uint32_t array(struct reader *r, Dwarf_Die die, enum space space,
		      unsigned depth)
{
	struct hs_dwarf *dw = dwarf_of(r, space);
	uint64_t count[MAX_RANK];
	unsigned rank = 0;
	HS_AUTO_DIE Dwarf_Die at = NULL;
	uint32_t type = type_of(r, die, space, depth);
	bool more = hs_dwarf_ok(dw, dwarf_child(die, &at, &dw->error)), fresh;
	while (more && spend(r)) {
		Dwarf_Die next = NULL;
		if (hs_dwarf_tag(dw, at) == DW_TAG_subrange_type) {
			if (rank == MAX_RANK)
				return HS_DECL_TYPE_OTHER;
			count[rank++] = dimension(dw, at);
		}
		more = hs_dwarf_ok(dw, dwarf_siblingof_b(dw->dbg, at,
							 space != IN_TYPES,
							 &next, &dw->error));
		dwarf_dealloc_die(at);
		at = next;
	}
	if (rank == 0)
		count[rank++] = 0;
	while (rank-- > 0) {
		struct hs_decl_type t = { .kind = HS_DECL_ARRAY,
					  .complete = true,
					  .of = type,
					  .count = count[rank] };
		uint32_t of = hs_decls_strip(r->d, type);
		if (__builtin_mul_overflow(r->d->type[of].size, t.count,
					   &t.size))
			return HS_DECL_TYPE_OTHER;
		type = same(r, &t, "", &fresh);
	}
	return type;
}

static uint32_t pointer(struct reader *r, Dwarf_Die die, enum space space,
			unsigned depth)
{
	struct hs_decl_type t = { .kind = HS_DECL_POINTER, .complete = true };
	bool fresh;
	if (!hs_dwarf_byte_size(dwarf_of(r, space), die, DW_TAG_pointer_type,
				&t.size))
		return HS_DECL_TYPE_OTHER;
	t.of = type_of(r, die, space, depth);
	return same(r, &t, "", &fresh);
}

/* A struct, union or enum; its members are read later. */
static uint32_t aggregate(struct reader *r, Dwarf_Die die, enum space space,
			  Dwarf_Half tag, Dwarf_Off at)
{
	struct hs_dwarf *dw = dwarf_of(r, space);
	const char *name = hs_dwarf_name(dw, die);
	struct hs_decl_type t = {
		.kind = tag == DW_TAG_enumeration_type ? HS_DECL_ENUM
			: tag == DW_TAG_union_type     ? HS_DECL_UNION
						       : HS_DECL_STRUCT,
		.tagged = name != NULL,
		.module = r->module,
	};
	uint64_t line;
	uint32_t type;
	bool fresh = true;
	t.complete = !hs_dwarf_has(dw, die, DW_AT_declaration) &&
		     hs_dwarf_constant(dw, die, DW_AT_byte_size, &t.size);
	if (!t.complete)
		t.size = 0;
	if (t.complete && hs_dwarf_constant(dw, die, DW_AT_decl_line, &line))
		t.line = (uint32_t)line;
	if (name)
		type = same(r, &t, name, &fresh);
	else if (!hs_decls_add_type(r->d, &t, &type, &r->failed))
		return HS_DECL_TYPE_OTHER;
	if (type == HS_DECL_TYPE_OTHER || !fresh || !t.complete)
		return type;
	if (hs_grow(&r->fill, &r->fill_capacity, r->fill_count,
		    sizeof(*r->fill), NULL)) {
		(void)no_memory(r);
		return HS_DECL_TYPE_OTHER;
	}
	r->fill[r->fill_count++] = (struct to_fill){ { space, at }, type };
	return type;
}

static bool keep(struct reader *r, struct place p, uint32_t type)
{
	struct hs_addr_entry e = { place_key(p), type, 0 };
	return !hs_addr_map_put(&r->seen, e, NULL) || no_memory(r);
}

static uint32_t alias(struct reader *r, Dwarf_Die die, struct place p,
		      unsigned depth)
{
	struct hs_dwarf *dw = dwarf_of(r, p.space);
	const char *name = hs_dwarf_name(dw, die);
	struct hs_decl_type t = { .kind = HS_DECL_ALIAS, .complete = true };
	uint64_t line = 0;
	bool fresh;
	if (!name)
		return type_of(r, die, p.space, depth);
	(void)hs_dwarf_constant(dw, die, DW_AT_decl_line, &line);
	t.line = (uint32_t)line;
	uint32_t type = same(r, &t, name, &fresh);
	if (!fresh)
		return type;
	/* What it stands for may lead back here. */
	if (!keep(r, p, type))
		return HS_DECL_TYPE_OTHER;
	uint32_t of = type_of(r, die, p.space, depth);
	r->d->type[type].of = of;
	/* `typedef struct { ... } name`. */
	struct hs_decl_type *target = &r->d->type[of];
	if ((target->kind == HS_DECL_STRUCT || target->kind == HS_DECL_UNION ||
	     target->kind == HS_DECL_ENUM) &&
	    !target->name)
		target->name = r->d->type[type].name;
	return type;
}

static uint32_t intern(struct reader *r, Dwarf_Die die, enum space space,
		       unsigned depth)
{
	struct hs_dwarf *dw = dwarf_of(r, space);
	struct place p = { .space = space };
	Dwarf_Half tag = hs_dwarf_tag(dw, die);
	struct hs_decl_type function = { .kind = HS_DECL_FUNCTION };
	uint32_t type;
	bool fresh;
	if (!hs_dwarf_ok(dw, dwarf_dieoffset(die, &p.at, &dw->error)) ||
	    !spend(r))
		return HS_DECL_TYPE_OTHER;
	const struct hs_addr_entry *known =
		hs_addr_map_get(&r->seen, place_key(p));
	if (known)
		return known->value;
	if (hs_dwarf_is_struct(tag) || tag == DW_TAG_enumeration_type)
		type = aggregate(r, die, space, tag, p.at);
	else if (hs_dwarf_is_qualifier(tag))
		type = type_of(r, die, space, depth);
	else if (tag == DW_TAG_typedef)
		type = alias(r, die, p, depth);
	else if (tag == DW_TAG_pointer_type)
		type = pointer(r, die, space, depth);
	else if (tag == DW_TAG_array_type)
		type = array(r, die, space, depth);
	else if (tag == DW_TAG_base_type)
		type = number(r, die, space);
	else if (tag == DW_TAG_subroutine_type)
		type = same(r, &function, "", &fresh);
	else
		type = HS_DECL_TYPE_OTHER;
	return keep(r, p, type) ? type : HS_DECL_TYPE_OTHER;
}

/* The bits of a bit field, as every version of DWARF has said it. False: they
 * are nowhere. */
static bool bit_field(struct hs_dwarf *dw, Dwarf_Die die, uint64_t size,
		      struct hs_decl_member *m)
{
	uint64_t bits, start, from_top;
	if (!hs_dwarf_constant(dw, die, DW_AT_bit_size, &bits))
		return true;
	if (bits == 0 || bits > 64)
		return false;
	if (!hs_dwarf_constant(dw, die, DW_AT_data_bit_offset, &start)) {
		/* Counted from the top of its unit of SIZE bytes. */
		if (!hs_dwarf_constant(dw, die, DW_AT_bit_offset, &from_top))
			return false;
		(void)hs_dwarf_constant(dw, die, DW_AT_byte_size, &size);
		if (size > 8 || from_top + bits > 8 * size ||
		    m->offset > UINT32_MAX)
			return false;
		start = 8 * (m->offset + size) - from_top - bits;
	}
	m->offset = start / 8;
	m->bit = (uint8_t)(start % 8);
	m->bits = (uint8_t)bits;
	return true;
}

static void member(struct reader *r, Dwarf_Die die, enum space space)
{
	struct hs_dwarf *dw = dwarf_of(r, space);
	struct hs_decl_member m = { .offset = 0 };
	const char *name = hs_dwarf_name(dw, die);
	if (hs_dwarf_has(dw, die, DW_AT_external))
		return; /* a static member of C++ */
	if (!hs_dwarf_constant(dw, die, DW_AT_data_member_location,
			       &m.offset) &&
	    hs_dwarf_has(dw, die, DW_AT_data_member_location))
		return; /* an expression: DWARF 2, virtual bases */
	m.type = type_of(r, die, space, 0);
	uint64_t size = r->d->type[hs_decls_strip(r->d, m.type)].size;
	if (!bit_field(dw, die, size, &m) ||
	    (name && !hs_decls_add_text(r->d, name, &m.name, &r->failed)))
		return;
	(void)hs_decls_add_member(r->d, &m, &r->failed);
}

static void enumerator(struct reader *r, Dwarf_Die die, enum space space)
{
	struct hs_dwarf *dw = dwarf_of(r, space);
	HS_AUTO_ATTRIBUTE Dwarf_Attribute attribute = NULL;
	struct hs_decl_member m = { .offset = 0 };
	const char *name = hs_dwarf_name(dw, die);
	Dwarf_Signed value;
	if (!name || !hs_dwarf_ok(dw, dwarf_attr(die, DW_AT_const_value,
						 &attribute, &dw->error)))
		return;
	/* Small unsigned ones read the same either way. */
	if (hs_dwarf_ok(dw, dwarf_formsdata(attribute, &value, &dw->error)))
		m.offset = (uint64_t)value;
	else if (!hs_dwarf_constant(dw, die, DW_AT_const_value, &m.offset))
		return;
	if (hs_decls_add_text(r->d, name, &m.name, &r->failed))
		(void)hs_decls_add_member(r->d, &m, &r->failed);
}

/* Read the members of WHAT, one after the other: types that they lead to are
 * only noted, so that members of two structs never mix. */
static void fill(struct reader *r, const struct to_fill *what)
{
	enum space space = what->place.space;
	struct hs_dwarf *dw = dwarf_of(r, space);
	HS_AUTO_DIE Dwarf_Die die = NULL;
	HS_AUTO_DIE Dwarf_Die at = NULL;
	size_t first = r->d->member_count;
	Dwarf_Off last = 0, here;
	if (!die_at(r, what->place, &die))
		return;
	bool more = hs_dwarf_ok(dw, dwarf_child(die, &at, &dw->error));
	while (more && spend(r) &&
	       hs_dwarf_ok(dw, dwarf_dieoffset(at, &here, &dw->error)) &&
	       here > last) {
		Dwarf_Die next = NULL;
		Dwarf_Half tag = hs_dwarf_tag(dw, at);
		if (tag == DW_TAG_member || tag == DW_TAG_inheritance)
			member(r, at, space);
		else if (tag == DW_TAG_enumerator)
			enumerator(r, at, space);
		last = here;
		more = hs_dwarf_ok(dw, dwarf_siblingof_b(dw->dbg, at,
							 space != IN_TYPES,
							 &next, &dw->error));
		dwarf_dealloc_die(at);
		at = next;
	}
	struct hs_decl_type *t = &r->d->type[what->type];
	t->member = (uint32_t)first;
	t->members = (uint32_t)(r->d->member_count - first);
}

static void fill_all(struct reader *r)
{
	while (r->fill_count > 0 && !r->failed) {
		struct to_fill what = r->fill[--r->fill_count];
		fill(r, &what);
	}
}

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

static bool location(struct reader *r, Dwarf_Die die, enum space space,
		     struct hs_decl_variable *v)
{
	struct hs_dwarf *dw = dwarf_of(r, space);
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

/*
 * What says the name and type of DIE: DIE itself, or what it refers to (a
 * definition after `extern`, a copy of a function that was inlined). Borrowed,
 * or owned by *HOLD.
 */
static Dwarf_Die described(struct reader *r, Dwarf_Die die, enum space *space,
			   Dwarf_Die *hold)
{
	static const Dwarf_Half ways[] = { DW_AT_specification,
					   DW_AT_abstract_origin };
	enum space from = *space;
	if (hs_dwarf_has(dwarf_of(r, from), die, DW_AT_name))
		return die;
	for (size_t i = 0; i < 2; i++)
		if (referred(r, die, from, ways[i], hold, space))
			return *hold;
	return die;
}

/* A variable, in FUNCTION or, when that is NULL, in none. */
static void variable(struct reader *r, Dwarf_Die die, enum space space,
		     Dwarf_Die function)
{
	struct hs_decl_variable v = { .module = r->module };
	HS_AUTO_DIE Dwarf_Die hold = NULL;
	HS_AUTO_DIE Dwarf_Die hold_function = NULL;
	if (!location(r, die, space, &v))
		return;
	enum space in = space;
	Dwarf_Die says = described(r, die, &in, &hold);
	const char *name = hs_dwarf_name(dwarf_of(r, in), says);
	if (!name)
		return;
	/* `int table[];` in a header, `int table[8]` in its unit. */
	bool own = hs_dwarf_has(dwarf_of(r, space), die, DW_AT_type);
	v.type = own ? type_of(r, die, space, 0) : type_of(r, says, in, 0);
	if (!hs_decls_add_text(r->d, name, &v.name, &r->failed))
		return;
	if (function) {
		in = space;
		says = described(r, function, &in, &hold_function);
		name = hs_dwarf_name(dwarf_of(r, in), says);
		if (name &&
		    !hs_decls_add_text(r->d, name, &v.function, &r->failed))
			return;
	}
	(void)hs_decls_add_variable(r->d, &v, &r->failed);
}

/* All DIEs below PARENT, whose offsets ascend: a forged sibling that leads back
 * ends it. FUNCTION is the one around, or NULL. */
static void walk(struct reader *r, Dwarf_Die parent, enum space space,
		 Dwarf_Die function, unsigned depth)
{
	struct hs_dwarf *dw = dwarf_of(r, space);
	HS_AUTO_DIE Dwarf_Die die = NULL;
	Dwarf_Off last = 0, at;
	if (depth == MAX_DEPTH ||
	    !hs_dwarf_ok(dw, dwarf_child(parent, &die, &dw->error)))
		return;
	while (spend(r) &&
	       hs_dwarf_ok(dw, dwarf_dieoffset(die, &at, &dw->error)) &&
	       at > last) {
		Dwarf_Half tag = hs_dwarf_tag(dw, die);
		if (tag == DW_TAG_variable)
			variable(r, die, space, function);
		else if (tag == DW_TAG_subprogram)
			walk(r, die, space, die, depth + 1);
		else if (tag == DW_TAG_lexical_block)
			walk(r, die, space, function, depth + 1);
		/* Also those that only a cast speaks of, by their name: what
		 * has none is met where it is referred to, or never. */
		else if (!function &&
			 (hs_dwarf_is_struct(tag) ||
			  tag == DW_TAG_enumeration_type) &&
			 hs_dwarf_has(dw, die, DW_AT_name))
			(void)intern(r, die, space, 0);
		last = at;
		Dwarf_Die next = NULL;
		if (!hs_dwarf_ok(dw, dwarf_siblingof_b(dw->dbg, die,
						       space != IN_TYPES, &next,
						       &dw->error)))
			break;
		dwarf_dealloc_die(die);
		die = next;
	}
}

static const char *function_name(struct reader *r, Dwarf_Die die,
				 enum space space, Dwarf_Die *hold)
{
	Dwarf_Die says = described(r, die, &space, hold);
	return hs_dwarf_name(dwarf_of(r, space), says);
}

/* Frames that are in some code. */
struct frame_set {
	struct hs_local_frame **frame; /* owned */
	size_t count, capacity;
};

static void release_set(struct frame_set *set)
{
	free(set->frame);
}
#define AUTO_SET HS_CLEANUP(release_set)

/* The frames that are in the code of DIE; false: none. */
static bool frames_in(struct reader *r, Dwarf_Die die, struct frame_set *ret)
{
	if (!hs_dwarf_ranges_of(&r->main, die, r->base, &r->ranges))
		return r->ranges.no_memory && no_memory(r);
	for (size_t i = 0; i < r->ranges.count; i++) {
		const struct hs_dwarf_range *range = &r->ranges.range[i];
		size_t f = hs_dwarf_frame_from(r->frame, r->frame_count,
					       range->start);
		for (; f < r->frame_count && r->frame[f].pc < range->end; f++) {
			/* Ranges that overlap are forged. */
			if (ret->count == r->frame_count)
				return true;
			if (hs_grow(&ret->frame, &ret->capacity, ret->count,
				    sizeof(*ret->frame), NULL))
				return no_memory(r);
			ret->frame[ret->count++] = &r->frame[f];
		}
	}
	return ret->count > 0;
}

/* Has the variable that SAYS describes a value when its function is at FRAME?
 * Those that always stay in one place have one from their declaration on. */
static bool has_begun(struct reader *r, Dwarf_Die says, enum space space,
		      bool parameter, const struct hs_local_frame *frame)
{
	struct hs_dwarf *dw = dwarf_of(r, space);
	uint64_t line = 0, file = 0;
	/* It may be about to be stored. */
	if (parameter && frame->frame.number > 0)
		return true;
	(void)hs_dwarf_constant(dw, says, DW_AT_decl_line, &line);
	(void)hs_dwarf_constant(dw, says, DW_AT_decl_file, &file);
	return frame->line && (file != frame->file || frame->line > line);
}

/* The variable or parameter DIE of FUNCTION, in each frame of SET. */
static void local(struct reader *r, Dwarf_Die die, const char *function,
		  const struct frame_set *set)
{
	struct hs_dwarf *dw = &r->main;
	struct hs_decl_variable v = { .module = r->module, .local = true };
	bool parameter = hs_dwarf_tag(dw, die) == DW_TAG_formal_parameter;
	bool added = false;
	HS_AUTO_DIE Dwarf_Die hold = NULL;
	enum space in = IN_INFO;
	if (!hs_dwarf_has(dw, die, DW_AT_location) ||
	    location(r, die, IN_INFO, &v))
		return; /* it is nowhere, or always in the same place */
	Dwarf_Die says = described(r, die, &in, &hold);
	const char *name = hs_dwarf_name(dwarf_of(r, in), says);
	for (size_t i = 0; name && i < set->count && !r->failed; i++) {
		const struct hs_local_frame *f = set->frame[i];
		struct hs_decl_local l = {
			.variable = (uint32_t)r->d->variable_count,
			.thread = f->thread,
			.frame = f->frame.number,
			.at = HS_NO_ADDR,
		};
		struct hs_dwarf_location at;
		if (!hs_dwarf_locate(dw, die, DW_AT_location, f, r->read,
				     r->bias, &at) ||
		    (!at.moves && !has_begun(r, says, in, parameter, f)))
			continue;
		l.value = at.place.value;
		if (at.place.kind == HS_DWARF_IN_MEMORY) {
			l.at = at.place.value;
		} else if (at.place.kind == HS_DWARF_IN_REGISTER) {
			if (!hs_dwarf_register(&f->frame.registers,
					       at.place.value, &l.value))
				continue;
			l.at = f->frame.saved[at.place.value];
		}
		if (!added) {
			bool own = hs_dwarf_has(dw, die, DW_AT_type);
			v.at = 0;
			v.type = own ? type_of(r, die, IN_INFO, 0)
				     : type_of(r, says, in, 0);
			l.variable = (uint32_t)r->d->variable_count;
			if (!hs_decls_add_text(r->d, name, &v.name,
					       &r->failed) ||
			    (function &&
			     !hs_decls_add_text(r->d, function, &v.function,
						&r->failed)) ||
			    !hs_decls_add_variable(r->d, &v, &r->failed))
				return;
			added = true;
		} else {
			l.variable = (uint32_t)r->d->variable_count - 1;
		}
		(void)hs_decls_add_local(r->d, &l, &r->failed);
	}
}

static void function_frames(struct reader *r, Dwarf_Die die, unsigned depth);
static void scope(struct reader *r, Dwarf_Die die, const char *function,
		  const struct frame_set *set, unsigned depth);

/* A scope within a function: a block, or a function that was inlined. */
static void inner_scope(struct reader *r, Dwarf_Die die, Dwarf_Half tag,
			const char *function, unsigned depth)
{
	struct hs_dwarf *dw = &r->main;
	AUTO_SET struct frame_set set = { .count = 0 };
	HS_AUTO_DIE Dwarf_Die hold = NULL;
	uint64_t line = 0, file = 0;
	if (!frames_in(r, die, &set))
		return;
	if (tag == DW_TAG_inlined_subroutine)
		function = function_name(r, die, IN_INFO, &hold);
	scope(r, die, function, &set, depth + 1);
	if (tag != DW_TAG_inlined_subroutine)
		return;
	/* To the scopes around, the frame is in the line of the call. */
	(void)hs_dwarf_constant(dw, die, DW_AT_call_line, &line);
	(void)hs_dwarf_constant(dw, die, DW_AT_call_file, &file);
	for (size_t i = 0; i < set.count; i++) {
		set.frame[i]->line = line;
		set.frame[i]->file = file;
	}
}

/* Call for each child of PARENT, whose offsets ascend. */
typedef void (*child_fn)(struct reader *r, Dwarf_Die die, Dwarf_Half tag,
			 const char *function, const struct frame_set *set,
			 unsigned depth);

static void each_child(struct reader *r, Dwarf_Die parent, child_fn fn,
		       const char *function, const struct frame_set *set,
		       unsigned depth)
{
	struct hs_dwarf *dw = &r->main;
	HS_AUTO_DIE Dwarf_Die die = NULL;
	Dwarf_Off last = 0, at;
	if (depth == MAX_DEPTH ||
	    !hs_dwarf_ok(dw, dwarf_child(parent, &die, &dw->error)))
		return;
	while (spend(r) &&
	       hs_dwarf_ok(dw, dwarf_dieoffset(die, &at, &dw->error)) &&
	       at > last) {
		Dwarf_Die next = NULL;
		fn(r, die, hs_dwarf_tag(dw, die), function, set, depth);
		last = at;
		if (!hs_dwarf_ok(dw, dwarf_siblingof_b(dw->dbg, die, 1, &next,
						       &dw->error)))
			break;
		dwarf_dealloc_die(die);
		die = next;
	}
}

static void nested(struct reader *r, Dwarf_Die die, Dwarf_Half tag,
		   const char *function, const struct frame_set *set,
		   unsigned depth)
{
	(void)set;
	if (tag == DW_TAG_lexical_block || tag == DW_TAG_inlined_subroutine)
		inner_scope(r, die, tag, function, depth);
	else if (tag == DW_TAG_subprogram || tag == DW_TAG_namespace)
		function_frames(r, die, depth);
}

static void variables(struct reader *r, Dwarf_Die die, Dwarf_Half tag,
		      const char *function, const struct frame_set *set,
		      unsigned depth)
{
	(void)depth;
	if (tag == DW_TAG_variable || tag == DW_TAG_formal_parameter)
		local(r, die, function, set);
}

/* Inner scopes first: they say in which line of this one the frames are. */
static void scope(struct reader *r, Dwarf_Die die, const char *function,
		  const struct frame_set *set, unsigned depth)
{
	each_child(r, die, nested, function, set, depth);
	each_child(r, die, variables, function, set, depth);
}

/* The function DIE, or those in the namespace. */
static void function_frames(struct reader *r, Dwarf_Die die, unsigned depth)
{
	struct hs_dwarf *dw = &r->main;
	AUTO_SET struct frame_set set = { .count = 0 };
	HS_AUTO_DIE Dwarf_Die hold = NULL;
	if (hs_dwarf_tag(dw, die) == DW_TAG_namespace) {
		each_child(r, die, nested, NULL, NULL, depth + 1);
		return;
	}
	if (!frames_in(r, die, &set))
		return;
	for (size_t i = 0; i < set.count; i++) {
		struct hs_local_frame *f = set.frame[i];
		struct hs_dwarf_location at;
		f->base = HS_NO_ADDR;
		if (!hs_dwarf_locate(dw, die, DW_AT_frame_base, f, r->read,
				     r->bias, &at))
			continue;
		if (at.place.kind == HS_DWARF_IN_MEMORY)
			f->base = at.place.value;
		else if (at.place.kind == HS_DWARF_IN_REGISTER)
			(void)hs_dwarf_register(&f->frame.registers,
						at.place.value, &f->base);
	}
	scope(r, die, function_name(r, die, IN_INFO, &hold), &set, depth + 1);
}

/* What the variables of UNIT's functions are in the frames. */
static void locals(struct reader *r, Dwarf_Die unit)
{
	struct hs_dwarf *dw = &r->main;
	AUTO_SET struct frame_set set = { .count = 0 };
	if (!r->frame_count)
		return;
	r->base = hs_dwarf_base(dw, unit);
	/* Of one that does not say where its code is, all functions are
	 * asked. */
	bool silent = !hs_dwarf_ranges_of(dw, unit, r->base, &r->ranges);
	if (!silent && !frames_in(r, unit, &set))
		return;
	hs_dwarf_note_lines(dw, unit, r->frame, r->frame_count);
	each_child(r, unit, nested, NULL, NULL, 0);
}

/* Names and layouts of other languages have rules of their own. A unit that
 * says nothing is a part that dwz put into common. */
static bool is_c(struct hs_dwarf *dw, Dwarf_Die unit)
{
	uint64_t language;
	if (!hs_dwarf_constant(dw, unit, DW_AT_language, &language))
		return hs_dwarf_tag(dw, unit) != DW_TAG_type_unit;
	switch (language) {
	case DW_LANG_C:
	case DW_LANG_C89:
	case DW_LANG_C99:
	case DW_LANG_C11:
	case 0x2c: /* C17 */
	case 0x3e: /* C23 */
		return true;
	default:
		return false;
	}
}

/* Type units are met by their signature. */
static void note_type_unit(struct reader *r, Dwarf_Die unit, enum space space,
			   const Dwarf_Sig8 *signature, Dwarf_Unsigned offset)
{
	struct hs_dwarf *dw = dwarf_of(r, space);
	Dwarf_Off start, len;
	if (!hs_dwarf_ok(dw, dwarf_die_CU_offset_range(unit, &start, &len,
						       &dw->error)) ||
	    offset >= len)
		return;
	struct hs_addr_entry e = { signature_key(signature),
				   (uint32_t)r->unit_count, 0 };
	if (hs_grow(&r->unit, &r->unit_capacity, r->unit_count,
		    sizeof(*r->unit), NULL) ||
	    hs_addr_map_put(&r->signatures, e, NULL)) {
		(void)no_memory(r);
		return;
	}
	r->unit[r->unit_count++] = (struct place){ space, start + offset };
}

/* All units of SPACE: with TYPES those of types are noted, else all are
 * read. */
static void units(struct reader *r, enum space space, bool types)
{
	struct hs_dwarf *dw = dwarf_of(r, space);
	while (!r->failed) {
		Dwarf_Unsigned length, type_offset, next;
		Dwarf_Half version, address_size, length_size, extension, kind;
		Dwarf_Off abbrev;
		Dwarf_Sig8 signature;
		HS_AUTO_DIE Dwarf_Die unit = NULL;
		if (!hs_dwarf_ok(dw,
				 dwarf_next_cu_header_d(
					 dw->dbg, space != IN_TYPES, &length,
					 &version, &abbrev, &address_size,
					 &length_size, &extension, &signature,
					 &type_offset, &next, &kind,
					 &dw->error)))
			return;
		if (!hs_dwarf_ok(dw, dwarf_siblingof_b(dw->dbg, NULL,
						       space != IN_TYPES, &unit,
						       &dw->error)))
			continue;
		bool is_types = space == IN_TYPES || kind == DW_UT_type;
		if (types && is_types)
			note_type_unit(r, unit, space, &signature, type_offset);
		if (types || r->d->cut || !is_c(dw, unit))
			continue;
		walk(r, unit, space, NULL, 0);
		if (space == IN_INFO)
			locals(r, unit);
		fill_all(r);
	}
}

enum hs_status hs_dwarf_declarations(int fd, int alt, uint32_t module,
				     struct hs_local_frames *frames,
				     uint64_t bias, struct hs_decls *d,
				     struct hs_error *err)
{
	struct reader r = { .d = d, .module = module, .bias = bias };
	if (frames) {
		size_t first =
			hs_local_frames_of(frames, module, &r.frame_count);
		r.frame = frames->frame + first;
		r.read = &frames->read;
	}
	enum hs_status st = hs_dwarf_open(fd, &r.main, err);
	if (st)
		return st;
	/* Without the common part, what it holds is not known: no failure. */
	if (alt >= 0 && hs_dwarf_open(alt, &r.alt, NULL) == HS_OK)
		(void)hs_dwarf_ok(&r.main,
				  dwarf_set_tied_dbg(r.main.dbg, r.alt.dbg,
						     &r.main.error));
	units(&r, IN_TYPES, true);
	units(&r, IN_INFO, true);
	units(&r, IN_TYPES, false);
	units(&r, IN_INFO, false);
	if (r.alt.dbg)
		units(&r, IN_ALT, false);
	fill_all(&r);
	hs_dwarf_close(&r.main);
	hs_dwarf_close(&r.alt);
	hs_addr_map_release(&r.seen);
	hs_addr_map_release(&r.signatures);
	free(r.unit);
	free(r.fill);
	free(r.ranges.range);
	return r.failed ? hs_fail(err, r.failed, "no memory for declarations")
			: HS_OK;
}
