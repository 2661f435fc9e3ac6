/* SPDX-License-Identifier: MIT */
#include "symbols/dwarf_reader.h"

#include <heapscan/symbols.h>
#include <stdio.h>
#include <string.h>

#include "core/grow.h"
#include "core/limits.h"
#include "symbols/coroutine_names.h"
#include "symbols/cxx_names.h"

/* Pointers to typedefs of arrays of ...: followed at once. */
#define MAX_CHAIN 64u
/* Dimensions of an array. */
#define MAX_RANK 8u

bool hs_dwarf_no_memory(struct hs_dwarf_reader *r)
{
	r->failed = HS_ERR_NOMEM;
	return false;
}

/* One more DIE is looked at; false: that is enough. */
bool hs_dwarf_spend(struct hs_dwarf_reader *r)
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

static bool die_at(struct hs_dwarf_reader *r, struct hs_dwarf_spot p,
		   Dwarf_Die *ret)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, p.space);
	return dw->dbg &&
	       hs_dwarf_ok(dw, dwarf_offdie_b(dw->dbg, p.at,
					      p.space != HS_DWARF_TYPES, ret,
					      &dw->error));
}

hs_addr hs_dwarf_signature_key(const Dwarf_Sig8 *signature)
{
	uint64_t key;
	memcpy(&key, signature->signature, sizeof(key));
	return key == HS_NO_ADDR ? 0 : key;
}

bool hs_dwarf_refers(struct hs_dwarf_reader *r, Dwarf_Die die,
		     enum hs_dwarf_space from, Dwarf_Half which,
		     struct hs_dwarf_spot *ret)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, from);
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
				       hs_dwarf_signature_key(&signature));
		if (!unit)
			return false;
		*ret = r->unit[unit->value];
		return true;
	case DW_FORM_GNU_ref_alt:
	case DW_FORM_ref_sup4:
	case DW_FORM_ref_sup8:
		ret->space = HS_DWARF_ALT;
		break;
	default:
		ret->space = form == DW_FORM_ref_addr && from != HS_DWARF_ALT
				     ? HS_DWARF_INFO
				     : from;
	}
	return hs_dwarf_ok(
		dw, dwarf_global_formref(attribute, &ret->at, &dw->error));
}

bool hs_dwarf_names_struct(struct hs_dwarf_reader *r, Dwarf_Die die,
			   enum hs_dwarf_space space)
{
	struct hs_dwarf_spot at;
	HS_AUTO_DIE Dwarf_Die of = NULL;
	if (!hs_dwarf_refers(r, die, space, DW_AT_type, &at) ||
	    !die_at(r, at, &of))
		return false;
	struct hs_dwarf *dw = hs_dwarf_of(r, at.space);
	return hs_dwarf_is_struct(hs_dwarf_tag(dw, of)) &&
	       !hs_dwarf_has(dw, of, DW_AT_name);
}

static bool leads_to(struct hs_dwarf_reader *r, Dwarf_Die die,
		     enum hs_dwarf_space from, Dwarf_Half which, Dwarf_Die *ret,
		     enum hs_dwarf_space *space)
{
	struct hs_dwarf_spot p;
	if (!hs_dwarf_refers(r, die, from, which, &p) || !die_at(r, p, ret))
		return false;
	*space = p.space;
	return true;
}

/* The type whose DIE is at P. */
static uint32_t type_at(struct hs_dwarf_reader *r, struct hs_dwarf_spot p,
			unsigned depth)
{
	HS_AUTO_DIE Dwarf_Die target = NULL;
	const struct hs_addr_entry *known =
		hs_addr_map_get(&r->seen, hs_dwarf_place_key(p));
	if (known)
		return known->value;
	if (depth == MAX_CHAIN || !die_at(r, p, &target))
		return HS_DECL_TYPE_OTHER;
	return hs_dwarf_intern(r, target, p.space, depth + 1);
}

/* The type that DIE's DW_AT_type leads to; void where it has none. */
uint32_t hs_dwarf_type_of(struct hs_dwarf_reader *r, Dwarf_Die die,
			  enum hs_dwarf_space space, unsigned depth)
{
	struct hs_dwarf_spot p;
	if (depth == MAX_CHAIN || r->failed)
		return HS_DECL_TYPE_OTHER;
	if (!hs_dwarf_refers(r, die, space, DW_AT_type, &p))
		return hs_dwarf_has(hs_dwarf_of(r, space), die, DW_AT_type)
			       ? HS_DECL_TYPE_OTHER
			       : HS_DECL_TYPE_VOID;
	return type_at(r, p, depth);
}

/* Does a unit of types define what DIE only declares? Where, into *RET. */
static bool in_type_unit(struct hs_dwarf_reader *r, Dwarf_Die die,
			 enum hs_dwarf_space space, struct hs_dwarf_spot *ret)
{
	return hs_dwarf_has(hs_dwarf_of(r, space), die, DW_AT_signature) &&
	       hs_dwarf_refers(r, die, space, DW_AT_signature, ret);
}

static uint32_t same(struct hs_dwarf_reader *r, const struct hs_decl_type *t,
		     const char *name, bool *fresh)
{
	uint32_t type;
	if (!hs_decls_same_type(r->d, t, name, &type, fresh, &r->failed))
		return HS_DECL_TYPE_OTHER;
	return type;
}

static uint32_t number(struct hs_dwarf_reader *r, Dwarf_Die die,
		       enum hs_dwarf_space space)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
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

/* An array of arrays for each dimension but the last. */
static uint32_t array(struct hs_dwarf_reader *r, Dwarf_Die die,
		      enum hs_dwarf_space space, unsigned depth)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	uint64_t count[MAX_RANK];
	unsigned rank = 0;
	HS_AUTO_CHILDREN struct hs_dwarf_children c =
		hs_dwarf_children_of(die, space);
	uint32_t type = hs_dwarf_type_of(r, die, space, depth);
	bool fresh;
	while (hs_dwarf_next_child(dw, &c) && hs_dwarf_spend(r)) {
		if (hs_dwarf_tag(dw, c.die) != DW_TAG_subrange_type)
			continue;
		if (rank == MAX_RANK)
			return HS_DECL_TYPE_OTHER;
		count[rank++] = hs_dwarf_dimension(dw, c.die);
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

static bool is_reference(Dwarf_Half tag)
{
	return tag == DW_TAG_reference_type ||
	       tag == DW_TAG_rvalue_reference_type;
}

static uint32_t pointer(struct hs_dwarf_reader *r, Dwarf_Die die,
			enum hs_dwarf_space space, Dwarf_Half tag,
			unsigned depth)
{
	struct hs_decl_type t = { .kind = HS_DECL_POINTER, .complete = true };
	bool fresh;
	if (tag == DW_TAG_reference_type)
		t.number = HS_POINTER_REFERENCE;
	else if (tag == DW_TAG_rvalue_reference_type)
		t.number = HS_POINTER_TO_RVALUE;
	if (!hs_dwarf_byte_size(hs_dwarf_of(r, space), die, DW_TAG_pointer_type,
				&t.size))
		return HS_DECL_TYPE_OTHER;
	t.of = hs_dwarf_type_of(r, die, space, depth);
	return same(r, &t, "", &fresh);
}

/* A struct, union or enum; its members are read later. */
static uint32_t aggregate(struct hs_dwarf_reader *r, Dwarf_Die die,
			  enum hs_dwarf_space space, Dwarf_Half tag,
			  Dwarf_Off at)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	char buf[HS_LIMIT_STRING];
	const char *name = hs_dwarf_full_name(r, die, space, buf);
	const char *own_name = r->cxx && name ? hs_dwarf_name(dw, die) : NULL;
	char frame[HS_LIMIT_STRING];
	if (own_name && hs_is_coroutine_frame(own_name) &&
	    hs_coroutine_of_struct(own_name, name, frame, sizeof(frame))) {
		name = frame;
		r->d->coroutines = true;
	}
	struct hs_decl_type t = {
		.kind = tag == DW_TAG_enumeration_type ? HS_DECL_ENUM
			: tag == DW_TAG_union_type     ? HS_DECL_UNION
						       : HS_DECL_STRUCT,
		.tagged = name && !r->cxx,
		.cxx = r->cxx && !r->rust,
		.rust = r->rust,
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
	/* Each unit has an unnamed namespace of its own, and GCC calls two
	 * lambdas of one function alike. */
	bool own = !name || (t.complete && (strstr(name, "(anonymous") ||
					    strstr(name, "{lambda(")));
	if (own && name && !hs_decls_add_text(r->d, name, &t.name, &r->failed))
		return HS_DECL_TYPE_OTHER;
	if (!own)
		type = same(r, &t, name, &fresh);
	else if (!hs_decls_add_type(r->d, &t, &type, &r->failed))
		return HS_DECL_TYPE_OTHER;
	if (type == HS_DECL_TYPE_OTHER || !fresh || !t.complete)
		return type;
	if (hs_grow(&r->fill, &r->fill_capacity, r->fill_count,
		    sizeof(*r->fill), NULL)) {
		(void)hs_dwarf_no_memory(r);
		return HS_DECL_TYPE_OTHER;
	}
	r->fill[r->fill_count++] =
		(struct hs_dwarf_to_fill){ { space, at }, type };
	return type;
}

static bool keep(struct hs_dwarf_reader *r, struct hs_dwarf_spot p,
		 uint32_t type)
{
	struct hs_addr_entry e = { hs_dwarf_place_key(p), type, 0 };
	return !hs_addr_map_put(&r->seen, e, NULL) || hs_dwarf_no_memory(r);
}

static uint32_t alias(struct hs_dwarf_reader *r, Dwarf_Die die,
		      struct hs_dwarf_spot p, unsigned depth)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, p.space);
	char buf[HS_LIMIT_STRING];
	const char *name = hs_dwarf_full_name(r, die, p.space, buf);
	struct hs_decl_type t = { .kind = HS_DECL_ALIAS, .complete = true };
	uint64_t line = 0;
	bool fresh;
	if (!name)
		return hs_dwarf_type_of(r, die, p.space, depth);
	(void)hs_dwarf_constant(dw, die, DW_AT_decl_line, &line);
	t.line = (uint32_t)line;
	/* One of a template has a name without arguments: what it stands for
	 * tells it from the others. */
	if (r->cxx) {
		t.cxx = true;
		t.of = hs_dwarf_type_of(r, die, p.space, depth);
	}
	uint32_t type = same(r, &t, name, &fresh);
	if (!fresh)
		return type;
	/* What it stands for may lead back here. */
	if (!keep(r, p, type))
		return HS_DECL_TYPE_OTHER;
	uint32_t of = r->cxx ? t.of : hs_dwarf_type_of(r, die, p.space, depth);
	r->d->type[type].of = of;
	/* `typedef struct { ... } name`. */
	struct hs_decl_type *target = &r->d->type[of];
	if ((target->kind == HS_DECL_STRUCT || target->kind == HS_DECL_UNION ||
	     target->kind == HS_DECL_ENUM) &&
	    !target->name)
		target->name = r->d->type[type].name;
	return type;
}

uint32_t hs_dwarf_intern(struct hs_dwarf_reader *r, Dwarf_Die die,
			 enum hs_dwarf_space space, unsigned depth)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	struct hs_dwarf_spot p = { .space = space };
	Dwarf_Half tag = hs_dwarf_tag(dw, die);
	struct hs_decl_type function = { .kind = HS_DECL_FUNCTION };
	struct hs_dwarf_spot unit;
	uint32_t type;
	bool fresh;
	if (!hs_dwarf_ok(dw, dwarf_dieoffset(die, &p.at, &dw->error)) ||
	    !hs_dwarf_spend(r))
		return HS_DECL_TYPE_OTHER;
	const struct hs_addr_entry *known =
		hs_addr_map_get(&r->seen, hs_dwarf_place_key(p));
	if (known)
		return known->value;
	if (hs_dwarf_is_struct(tag) || tag == DW_TAG_enumeration_type)
		type = in_type_unit(r, die, space, &unit)
			       ? type_at(r, unit, depth)
			       : aggregate(r, die, space, tag, p.at);
	else if (hs_dwarf_is_qualifier(tag))
		type = hs_dwarf_type_of(r, die, space, depth);
	else if (tag == DW_TAG_typedef || tag == DW_TAG_template_alias)
		type = alias(r, die, p, depth);
	else if (tag == DW_TAG_pointer_type || is_reference(tag))
		type = pointer(r, die, space, tag, depth);
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

/* The number that EXPR[LEN], one operation, puts on the stack. */
static bool constant(const uint8_t *expr, size_t len, uint64_t *ret)
{
	uint64_t v = 0;
	if (len == 1 && expr[0] >= DW_OP_lit0 && expr[0] <= DW_OP_lit31) {
		*ret = expr[0] - DW_OP_lit0;
		return true;
	}
	if ((len == 2 && expr[0] == DW_OP_const1u) ||
	    (len == 3 && expr[0] == DW_OP_const2u)) {
		*ret = expr[1] | (len == 3 ? (unsigned)expr[2] << 8 : 0u);
		return true;
	}
	if (len < 2 || len > 6 || expr[0] != DW_OP_constu)
		return false;
	for (size_t i = 1; i < len; i++) {
		if ((expr[i] & 0x80) != (i + 1 < len ? 0x80 : 0))
			return false;
		v |= (uint64_t)(expr[i] & 0x7f) << 7 * (i - 1);
	}
	*ret = v;
	return true;
}

/*
 * Where a virtual base is says the vtable, in front of it. What compilers write
 * of that is always this, of the object's address:
 *
 *	dup, deref, N, minus, deref, plus
 */
static bool virtual_place(struct hs_dwarf *dw, Dwarf_Die die, uint64_t *ret)
{
	HS_AUTO_ATTRIBUTE Dwarf_Attribute attribute = NULL;
	Dwarf_Unsigned len;
	Dwarf_Ptr expression;
	if (!hs_dwarf_ok(dw, dwarf_attr(die, DW_AT_data_member_location,
					&attribute, &dw->error)) ||
	    !hs_dwarf_ok(dw, dwarf_formexprloc(attribute, &len, &expression,
					       &dw->error)))
		return false;
	const uint8_t *p = expression;
	return len > 5 && p[0] == DW_OP_dup && p[1] == DW_OP_deref &&
	       p[len - 3] == DW_OP_minus && p[len - 2] == DW_OP_deref &&
	       p[len - 1] == DW_OP_plus && constant(p + 2, len - 5, ret);
}

static void virtual_base(struct hs_dwarf_reader *r, Dwarf_Die die,
			 enum hs_dwarf_space space)
{
	struct hs_decl_member m = { .base = true };
	if (!virtual_place(hs_dwarf_of(r, space), die, &m.offset))
		return;
	m.type = hs_dwarf_type_of(r, die, space, 0);
	(void)hs_decls_add_member(r->d, &m, &r->failed);
}

static void member(struct hs_dwarf_reader *r, Dwarf_Die die,
		   enum hs_dwarf_space space)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	struct hs_decl_member m = { .offset = 0 };
	const char *name = hs_dwarf_name(dw, die);
	if (hs_dwarf_has(dw, die, DW_AT_external) ||
	    hs_dwarf_has(dw, die, DW_AT_declaration))
		return; /* a static member of C++ */
	m.base = hs_dwarf_tag(dw, die) == DW_TAG_inheritance;
	if (!hs_dwarf_constant(dw, die, DW_AT_data_member_location,
			       &m.offset) &&
	    hs_dwarf_has(dw, die, DW_AT_data_member_location))
		return; /* an expression: DWARF 2, virtual bases */
	m.type = hs_dwarf_type_of(r, die, space, 0);
	uint64_t size = r->d->type[hs_decls_strip(r->d, m.type)].size;
	if (!bit_field(dw, die, size, &m) ||
	    (name && !hs_decls_add_text(r->d, name, &m.name, &r->failed)))
		return;
	(void)hs_decls_add_member(r->d, &m, &r->failed);
}

/* What goes before the enumerators of the enum DIE, called NAME: in C++ they
 * are in what it is in, or in the enum itself. Into BUF of HS_LIMIT_STRING
 * bytes. */
static void enumerator_scope(struct hs_dwarf_reader *r, Dwarf_Die die,
			     enum hs_dwarf_space space, const char *name,
			     char *buf)
{
	size_t len = strlen(name);
	buf[0] = 0;
	if (!r->cxx || len + 3 > HS_LIMIT_STRING)
		return;
	bool own = r->rust ||
		   hs_dwarf_has(hs_dwarf_of(r, space), die, DW_AT_enum_class);
	if (own && len) {
		memcpy(buf, name, len);
		memcpy(buf + len, "::", 3);
		return;
	}
	const char *plain = hs_dwarf_name(hs_dwarf_of(r, space), die);
	size_t skip = plain ? strlen(plain) : 0;
	if (skip >= len || strcmp(name + len - skip, plain) != 0)
		return;
	memcpy(buf, name, len - skip);
	buf[len - skip] = 0;
}

static void enumerator(struct hs_dwarf_reader *r, Dwarf_Die die,
		       enum hs_dwarf_space space, const char *scope)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	HS_AUTO_ATTRIBUTE Dwarf_Attribute attribute = NULL;
	struct hs_decl_member m = { .offset = 0 };
	const char *name = hs_dwarf_name(dw, die);
	char whole[HS_LIMIT_STRING];
	Dwarf_Signed value;
	if (!name || !hs_dwarf_ok(dw, dwarf_attr(die, DW_AT_const_value,
						 &attribute, &dw->error)))
		return;
	/* Small unsigned ones read the same either way. */
	if (hs_dwarf_ok(dw, dwarf_formsdata(attribute, &value, &dw->error)))
		m.offset = (uint64_t)value;
	else if (!hs_dwarf_constant(dw, die, DW_AT_const_value, &m.offset))
		return;
	int len = snprintf(whole, sizeof(whole), "%s%s", scope, name);
	if (len > 0 && (size_t)len < sizeof(whole) &&
	    hs_decls_add_text(r->d, whole, &m.name, &r->failed))
		(void)hs_decls_add_member(r->d, &m, &r->failed);
}

/* Where an enum of Rust keeps which variant it is. */
struct discr {
	uint32_t offset;
	uint8_t size; /* 0: it is no such enum */
};

/* What entries of a type are looked for. */
enum wanted { MEMBERS, PARAMETERS, VIRTUAL_BASES };

/* The type whose entries are read. */
struct inside {
	uint32_t type;
	bool manager;       /* see hs_dwarf_note_manager() */
	bool virtual_bases; /* it has some */
	bool lambda;        /* what it is called, its functions may know */
	struct discr discr;
	char scope[HS_LIMIT_STRING]; /* of enumerators */
};

/* A type that the template was made with. */
static void parameter(struct hs_dwarf_reader *r, Dwarf_Die die,
		      enum hs_dwarf_space space)
{
	struct hs_decl_member m = { .offset = 0 };
	m.type = hs_dwarf_type_of(r, die, space, 0);
	(void)hs_decls_add_member(r->d, &m, &r->failed);
}

/* The number that tells which variant of PART is there. */
static bool discriminant(struct hs_dwarf_reader *r, Dwarf_Die part,
			 enum hs_dwarf_space space, struct discr *ret)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	HS_AUTO_DIE Dwarf_Die die = NULL;
	uint64_t offset;
	if (!leads_to(r, part, space, DW_AT_discr, &die, &space) ||
	    !hs_dwarf_constant(dw, die, DW_AT_data_member_location, &offset) ||
	    offset > UINT32_MAX)
		return false;
	uint32_t type = hs_dwarf_type_of(r, die, space, 0);
	uint64_t size = r->d->type[hs_decls_strip(r->d, type)].size;
	if (size == 0 || size > 8)
		return false;
	*ret = (struct discr){ (uint32_t)offset, (uint8_t)size };
	return true;
}

/* The members of one variant, which are there if the number is so. */
static void variant(struct hs_dwarf_reader *r, Dwarf_Die die,
		    enum hs_dwarf_space space, unsigned discr_size)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	HS_AUTO_ATTRIBUTE Dwarf_Attribute attribute = NULL;
	HS_AUTO_DIE Dwarf_Die first = NULL;
	uint64_t when = 0;
	Dwarf_Signed number;
	bool otherwise = !hs_dwarf_has(dw, die, DW_AT_discr_value);
	if (!otherwise &&
	    !hs_dwarf_constant(dw, die, DW_AT_discr_value, &when)) {
		if (!hs_dwarf_ok(dw, dwarf_attr(die, DW_AT_discr_value,
						&attribute, &dw->error)) ||
		    !hs_dwarf_ok(dw, dwarf_formsdata(attribute, &number,
						     &dw->error)))
			return;
		when = (uint64_t)number;
	}
	if (discr_size < 8)
		when &= (UINT64_C(1) << 8 * discr_size) - 1;
	/* Of Rust's variants each has one member: a struct. */
	size_t before = r->d->member_count;
	if (!hs_dwarf_ok(dw, dwarf_child(die, &first, &dw->error)) ||
	    hs_dwarf_tag(dw, first) != DW_TAG_member)
		return;
	member(r, first, space);
	for (; before < r->d->member_count; before++) {
		struct hs_decl_member *m = &r->d->member[before];
		m->choice = true;
		m->otherwise = otherwise;
		m->when = when;
	}
}

static void variants(struct hs_dwarf_reader *r, Dwarf_Die part,
		     enum hs_dwarf_space space, struct discr *discr)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	HS_AUTO_CHILDREN struct hs_dwarf_children c =
		hs_dwarf_children_of(part, space);
	if (discr->size || !discriminant(r, part, space, discr))
		return;
	while (hs_dwarf_next_child(dw, &c) && hs_dwarf_spend(r))
		if (hs_dwarf_tag(dw, c.die) == DW_TAG_variant)
			variant(r, c.die, space, discr->size);
}

/*
 * clang calls a lambda, also among the arguments of templates, after its place
 * in the source, and nobody calls a lambda's own class anything; a vtable has
 * the name that the mangled ones of the class's functions have. Call TYPE so,
 * as its function DIE says; false: that says nothing of it.
 */
static bool class_of_function(struct hs_dwarf_reader *r, Dwarf_Die die,
			      enum hs_dwarf_space space, uint32_t type)
{
	const char *mangled = hs_dwarf_linkage_name(hs_dwarf_of(r, space), die);
	char text[HS_LIMIT_STRING], name[HS_LIMIT_STRING];
	return mangled && hs_demangle(mangled, text, sizeof(text)) &&
	       hs_cxx_class_of(text, name, sizeof(name)) &&
	       hs_decls_rename(r->d, type, name, &r->failed);
}

static void entry(struct hs_dwarf_reader *r, Dwarf_Die die,
		  enum hs_dwarf_space space, enum wanted wanted,
		  struct inside *in)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	Dwarf_Half tag = hs_dwarf_tag(dw, die);
	if (wanted == PARAMETERS) {
		if (tag == DW_TAG_template_type_parameter)
			parameter(r, die, space);
		return;
	}
	bool is_virtual = tag == DW_TAG_inheritance &&
			  hs_dwarf_has(dw, die, DW_AT_virtuality);
	if (wanted == VIRTUAL_BASES) {
		if (is_virtual)
			virtual_base(r, die, space);
		return;
	}
	in->virtual_bases |= is_virtual;
	switch (tag) {
	case DW_TAG_member:
	case DW_TAG_inheritance:
		member(r, die, space);
		/* fall through */
	case DW_TAG_subprogram:
	case DW_TAG_variable:
		if (in->lambda && tag == DW_TAG_subprogram)
			in->lambda =
				!class_of_function(r, die, space, in->type);
		if (in->manager)
			hs_dwarf_note_manager(r, die, space, in->type);
		break;
	case DW_TAG_enumerator:
		enumerator(r, die, space, in->scope);
		break;
	case DW_TAG_variant_part:
		variants(r, die, space, &in->discr);
		break;
	default:
		break;
	}
}

/* What is WANTED of all that is in the struct or enum DIE. */
static void entries(struct hs_dwarf_reader *r, Dwarf_Die die,
		    enum hs_dwarf_space space, enum wanted wanted,
		    struct inside *in)
{
	struct hs_dwarf *dw = hs_dwarf_of(r, space);
	HS_AUTO_CHILDREN struct hs_dwarf_children c =
		hs_dwarf_children_of(die, space);
	while (hs_dwarf_next_child(dw, &c) && hs_dwarf_spend(r))
		entry(r, c.die, space, wanted, in);
}

/* Read the members of WHAT, one after the other: types that they lead to are
 * only noted, so that members of two structs never mix. */
static void fill(struct hs_dwarf_reader *r, const struct hs_dwarf_to_fill *what)
{
	HS_AUTO_DIE Dwarf_Die die = NULL;
	struct inside in = { .type = what->type };
	size_t first = r->d->member_count;
	if (!die_at(r, what->place, &die))
		return;
	const char *own = hs_decls_text(r->d, r->d->type[what->type].name);
	if (r->d->type[what->type].kind == HS_DECL_ENUM)
		enumerator_scope(r, die, what->place.space, own, in.scope);
	in.manager = hs_dwarf_is_manager(own);
	in.lambda = r->d->type[what->type].cxx &&
		    r->d->type[what->type].kind == HS_DECL_STRUCT &&
		    (!*own || strstr(own, "(lambda at "));
	entries(r, die, what->place.space, MEMBERS, &in);
	size_t behind = r->d->member_count;
	const char *name = hs_decls_text(r->d, r->d->type[what->type].name);
	if (strchr(name, '<'))
		entries(r, die, what->place.space, PARAMETERS, &in);
	size_t bases = r->d->member_count;
	if (in.virtual_bases)
		entries(r, die, what->place.space, VIRTUAL_BASES, &in);
	struct hs_decl_type *t = &r->d->type[what->type];
	t->member = (uint32_t)first;
	t->members = (uint32_t)(behind - first);
	t->parameters = (uint32_t)(bases - behind);
	t->virtuals = (uint32_t)(r->d->member_count - bases);
	t->discr_offset = in.discr.offset;
	t->discr_size = in.discr.size;
}

void hs_dwarf_fill_all(struct hs_dwarf_reader *r)
{
	while (r->fill_count > 0 && !r->failed) {
		struct hs_dwarf_to_fill what = r->fill[--r->fill_count];
		fill(r, &what);
	}
}

Dwarf_Die hs_dwarf_described(struct hs_dwarf_reader *r, Dwarf_Die die,
			     enum hs_dwarf_space *space, Dwarf_Die *hold)
{
	static const Dwarf_Half ways[] = { DW_AT_specification,
					   DW_AT_abstract_origin };
	enum hs_dwarf_space from = *space;
	if (hs_dwarf_has(hs_dwarf_of(r, from), die, DW_AT_name))
		return die;
	for (size_t i = 0; i < 2; i++)
		if (leads_to(r, die, from, ways[i], hold, space))
			return *hold;
	return die;
}
