/* SPDX-License-Identifier: MIT */
#include "symbols/dwarf_types.h"

#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/limits.h"
#include "symbols/libdwarf_compat.h"

/* typedef of const of volatile of ...: three or four in life. */
#define MAX_TYPE_CHAIN 32u
/* Anonymous structs in anonymous unions. */
#define MAX_ANONYMOUS 16u

/* A struct that was asked for, and where it is defined. */
struct type_place {
	const char *name;
	bool found, in_unit;
	Dwarf_Off at;      /* offset in .debug_info */
	Dwarf_Off unit_at; /* in the unit being read, if in_unit */
};

struct reader {
	Dwarf_Debug dbg;
	Dwarf_Error error;
	const char *prefer;
	bool prefer_found;
	struct type_place *type;
	size_t type_count;
	/* DIEs that may still be looked at for members: types that contain
	 * themselves must not keep us busy for ever. */
	uint64_t budget;
};

/* DIEs and attributes are freed one by one: there are a million of them. */
static void free_die(const Dwarf_Die *die)
{
	if (*die)
		dwarf_dealloc_die(*die);
}
#define AUTO_DIE HS_CLEANUP(free_die)

static void free_attribute(const Dwarf_Attribute *attribute)
{
	if (*attribute)
		dwarf_dealloc_attribute(*attribute);
}
#define AUTO_ATTRIBUTE HS_CLEANUP(free_attribute)

/* Is it there? What is wrong does not matter: then it is not. */
static bool ok(struct reader *r, int result)
{
	if (result == DW_DLV_ERROR && r->error)
		dwarf_dealloc_error(r->dbg, r->error);
	r->error = NULL;
	return result == DW_DLV_OK;
}

/* 0: it has none, which is no tag's number. */
static Dwarf_Half tag_of(struct reader *r, Dwarf_Die die)
{
	Dwarf_Half tag;
	return ok(r, dwarf_tag(die, &tag, &r->error)) ? tag : 0;
}

/* Borrowed from libdwarf; NULL: the DIE has no name. */
static const char *name_of(struct reader *r, Dwarf_Die die)
{
	char *name;
	return ok(r, dwarf_diename(die, &name, &r->error)) ? name : NULL;
}

static bool has(struct reader *r, Dwarf_Die die, Dwarf_Half attribute)
{
	Dwarf_Bool yes;
	return ok(r, dwarf_hasattr(die, attribute, &yes, &r->error)) && yes;
}

/* A constant of any form; false: none there, or it is no constant. */
static bool constant(struct reader *r, Dwarf_Die die, Dwarf_Half which,
		     uint64_t *ret)
{
	AUTO_ATTRIBUTE Dwarf_Attribute attribute = NULL;
	Dwarf_Unsigned value;
	Dwarf_Signed other;
	if (!ok(r, dwarf_attr(die, which, &attribute, &r->error)))
		return false;
	if (ok(r, dwarf_formudata(attribute, &value, &r->error))) {
		*ret = value;
		return true;
	}
	if (ok(r, dwarf_formsdata(attribute, &other, &r->error)) &&
	    other >= 0) {
		*ret = (uint64_t)other;
		return true;
	}
	return false;
}

/* The DIE that attribute WHICH refers to; caller frees. */
static bool referred(struct reader *r, Dwarf_Die die, Dwarf_Half which,
		     Dwarf_Die *ret)
{
	AUTO_ATTRIBUTE Dwarf_Attribute attribute = NULL;
	Dwarf_Half form;
	Dwarf_Off at;
	if (!ok(r, dwarf_attr(die, which, &attribute, &r->error)) ||
	    !ok(r, dwarf_whatform(attribute, &form, &r->error)))
		return false;
	switch (form) {
	case DW_FORM_ref1:
	case DW_FORM_ref2:
	case DW_FORM_ref4:
	case DW_FORM_ref8:
	case DW_FORM_ref_udata:
	case DW_FORM_ref_addr:
		break;
	default:
		/* Into another file (dwz) or a type unit: an offset there
		 * means nothing here. */
		return false;
	}
	return ok(r, dwarf_global_formref(attribute, &at, &r->error)) &&
	       ok(r, dwarf_offdie_b(r->dbg, at, 1, ret, &r->error));
}

static bool type_of(struct reader *r, Dwarf_Die die, Dwarf_Die *ret)
{
	return referred(r, die, DW_AT_type, ret);
}

static bool is_struct(Dwarf_Half tag)
{
	return tag == DW_TAG_structure_type || tag == DW_TAG_union_type ||
	       tag == DW_TAG_class_type;
}

static bool is_mere_name(Dwarf_Half tag)
{
	return tag == DW_TAG_typedef || tag == DW_TAG_const_type ||
	       tag == DW_TAG_volatile_type || tag == DW_TAG_atomic_type ||
	       tag == DW_TAG_restrict_type;
}

/* What DIE is once typedefs and qualifiers are off. *RET may be DIE itself,
 * which then changes hands; in any case DIE is used up. False: not known. */
static bool strip_names(struct reader *r, Dwarf_Die die, Dwarf_Die *ret,
			Dwarf_Half *ret_tag)
{
	AUTO_DIE Dwarf_Die at = die;
	for (unsigned i = 0; i < MAX_TYPE_CHAIN; i++) {
		Dwarf_Half tag = tag_of(r, at);
		if (!is_mere_name(tag)) {
			*ret = HS_TAKE(at);
			*ret_tag = tag;
			return tag != 0;
		}
		Dwarf_Die next = NULL;
		if (!type_of(r, at, &next))
			return false;
		dwarf_dealloc_die(at);
		at = next;
	}
	return false;
}

/* A struct with members, or a name for one; a mere declaration is not. */
static bool is_complete(struct reader *r, Dwarf_Die die, Dwarf_Half tag)
{
	if (is_struct(tag))
		return has(r, die, DW_AT_byte_size) &&
		       !has(r, die, DW_AT_declaration);
	AUTO_DIE Dwarf_Die first = NULL;
	AUTO_DIE Dwarf_Die target = NULL;
	if (tag != DW_TAG_typedef || !type_of(r, die, &first) ||
	    !strip_names(r, HS_TAKE(first), &target, &tag))
		return false;
	return is_struct(tag) && has(r, target, DW_AT_byte_size) &&
	       !has(r, target, DW_AT_declaration);
}

/* Does DIE define a variable called NAME? `extern` in some header does not
 * make a unit its home; where one came first, the definition has no name of
 * its own and refers to it. */
static bool defines(struct reader *r, Dwarf_Die die, const char *name)
{
	AUTO_DIE Dwarf_Die declared = NULL;
	if (has(r, die, DW_AT_declaration))
		return false;
	const char *own = name_of(r, die);
	if (!own && referred(r, die, DW_AT_specification, &declared))
		own = name_of(r, declared);
	return own && strcmp(own, name) == 0;
}

/* One DIE directly below a unit: is it a struct or variable we look for? */
static void look_at(struct reader *r, Dwarf_Die die, Dwarf_Off at,
		    bool *preferred)
{
	Dwarf_Half tag = tag_of(r, die);
	if (tag == DW_TAG_variable) {
		if (r->prefer && defines(r, die, r->prefer))
			*preferred = true;
		return;
	}
	if (!is_struct(tag) && tag != DW_TAG_typedef)
		return;
	const char *name = name_of(r, die);
	for (size_t i = 0; name && i < r->type_count; i++) {
		struct type_place *t = &r->type[i];
		if (t->in_unit || strcmp(t->name, name) != 0 ||
		    !is_complete(r, die, tag))
			continue;
		t->in_unit = true;
		t->unit_at = at;
	}
}

/* All DIEs directly below UNIT, whose offsets ascend: a forged sibling that
 * leads back ends the unit. */
static void read_unit(struct reader *r, Dwarf_Die unit)
{
	bool preferred = false;
	Dwarf_Off last = 0;
	AUTO_DIE Dwarf_Die die = NULL;
	for (size_t i = 0; i < r->type_count; i++)
		r->type[i].in_unit = false;
	if (!ok(r, dwarf_child(unit, &die, &r->error)))
		return;
	for (;;) {
		Dwarf_Off at;
		if (!ok(r, dwarf_dieoffset(die, &at, &r->error)) || at <= last)
			break;
		last = at;
		look_at(r, die, at, &preferred);
		Dwarf_Die next = NULL;
		if (!ok(r, dwarf_siblingof_b(r->dbg, die, 1, &next, &r->error)))
			break;
		dwarf_dealloc_die(die);
		die = next;
	}
	/* A struct's name may be used twice in a program: the unit of the
	 * preferred variable overrules what others said. */
	for (size_t i = 0; i < r->type_count; i++) {
		struct type_place *t = &r->type[i];
		if (t->in_unit && (preferred || !t->found)) {
			t->found = true;
			t->at = t->unit_at;
		}
	}
	if (preferred)
		r->prefer_found = true;
}

static bool all_found(const struct reader *r)
{
	if (r->prefer && !r->prefer_found)
		return false;
	for (size_t i = 0; i < r->type_count; i++)
		if (!r->type[i].found)
			return false;
	return true;
}

/* One pass over the units, until everything was met. */
static void find_types(struct reader *r)
{
	while (!all_found(r)) {
		Dwarf_Unsigned length, type_offset, next;
		Dwarf_Half version, address_size, length_size, extension, kind;
		Dwarf_Off abbrev;
		Dwarf_Sig8 signature;
		if (!ok(r, dwarf_next_cu_header_d(r->dbg, 1, &length, &version,
						  &abbrev, &address_size,
						  &length_size, &extension,
						  &signature, &type_offset,
						  &next, &kind, &r->error)))
			return;
		AUTO_DIE Dwarf_Die unit = NULL;
		if (!ok(r,
			dwarf_siblingof_b(r->dbg, NULL, 1, &unit, &r->error)))
			continue;
		read_unit(r, unit);
	}
}

/* Elements of an array type; its dimensions are multiplied. *RET is 0 for one
 * without bound. */
static bool element_count(struct reader *r, Dwarf_Die array, uint64_t *ret)
{
	uint64_t total = 1;
	AUTO_DIE Dwarf_Die die = NULL;
	if (!ok(r, dwarf_child(array, &die, &r->error)))
		return false;
	for (;;) {
		if (r->budget == 0)
			return false;
		r->budget--;
		if (tag_of(r, die) == DW_TAG_subrange_type) {
			uint64_t n = 0;
			if (!constant(r, die, DW_AT_count, &n) &&
			    constant(r, die, DW_AT_upper_bound, &n) &&
			    __builtin_add_overflow(n, 1, &n))
				n = 0; /* -1: no elements */
			if (__builtin_mul_overflow(total, n, &total))
				return false;
		}
		Dwarf_Die next = NULL;
		if (!ok(r, dwarf_siblingof_b(r->dbg, die, 1, &next, &r->error)))
			break;
		dwarf_dealloc_die(die);
		die = next;
	}
	*ret = total;
	return true;
}

/* The struct, scalar or pointer that a member's type comes down to. For an
 * array *COUNT says how many of them, else 1. Caller frees *RET. */
static bool element_type(struct reader *r, Dwarf_Die member, Dwarf_Die *ret,
			 Dwarf_Half *ret_tag, uint64_t *count)
{
	AUTO_DIE Dwarf_Die first = NULL;
	AUTO_DIE Dwarf_Die type = NULL;
	Dwarf_Half tag;
	uint64_t n = 1;
	if (!type_of(r, member, &first) ||
	    !strip_names(r, HS_TAKE(first), &type, &tag))
		return false;
	/* A typedef of an array may be an array's element. */
	for (unsigned i = 0; tag == DW_TAG_array_type; i++) {
		uint64_t own;
		if (i == MAX_TYPE_CHAIN || !element_count(r, type, &own) ||
		    __builtin_mul_overflow(n, own, &n) ||
		    !type_of(r, type, &first))
			return false;
		dwarf_dealloc_die(type);
		type = NULL;
		if (!strip_names(r, HS_TAKE(first), &type, &tag))
			return false;
	}
	*ret = HS_TAKE(type);
	*ret_tag = tag;
	*count = n;
	return true;
}

static bool byte_size(struct reader *r, Dwarf_Die type, Dwarf_Half tag,
		      uint64_t *ret)
{
	if (constant(r, type, DW_AT_byte_size, ret))
		return true;
	Dwarf_Half size;
	if (tag != DW_TAG_pointer_type ||
	    !ok(r, dwarf_get_die_address_size(type, &size, &r->error)))
		return false;
	*ret = size;
	return true;
}

/* Where in its struct does this member begin? No bit fields. */
static bool member_offset(struct reader *r, Dwarf_Die member, uint64_t *ret)
{
	if (has(r, member, DW_AT_bit_size) ||
	    has(r, member, DW_AT_data_bit_offset))
		return false;
	if (constant(r, member, DW_AT_data_member_location, ret))
		return true;
	if (has(r, member, DW_AT_data_member_location))
		return false; /* an expression: DWARF 2, virtual bases */
	*ret = 0;             /* unions leave it out */
	return true;
}

static bool find_member(struct reader *r, Dwarf_Die type, const char *name,
			size_t len, unsigned depth, Dwarf_Die *ret,
			uint64_t *offset);

/* Is MEMBER the one called NAME, or an anonymous struct that holds it? */
static bool member_matches(struct reader *r, Dwarf_Die *member,
			   const char *name, size_t len, unsigned depth,
			   Dwarf_Die *ret, uint64_t *offset)
{
	uint64_t start;
	const char *own = name_of(r, *member);
	if (own) {
		if (strncmp(own, name, len) != 0 || own[len] != '\0' ||
		    !member_offset(r, *member, &start))
			return false;
		*ret = HS_TAKE(*member);
		*offset = start;
		return true;
	}
	AUTO_DIE Dwarf_Die type = NULL;
	Dwarf_Half tag;
	uint64_t count, inside;
	if (depth == MAX_ANONYMOUS ||
	    !element_type(r, *member, &type, &tag, &count) || !is_struct(tag) ||
	    !member_offset(r, *member, &start) ||
	    !find_member(r, type, name, len, depth + 1, ret, &inside))
		return false;
	if (__builtin_add_overflow(start, inside, offset)) {
		dwarf_dealloc_die(*ret);
		*ret = NULL;
		return false;
	}
	return true;
}

/* The member called NAME[LEN] of the struct TYPE; caller frees *RET. */
static bool find_member(struct reader *r, Dwarf_Die type, const char *name,
			size_t len, unsigned depth, Dwarf_Die *ret,
			uint64_t *offset)
{
	AUTO_DIE Dwarf_Die die = NULL;
	if (!ok(r, dwarf_child(type, &die, &r->error)))
		return false;
	for (;;) {
		if (r->budget == 0)
			return false;
		r->budget--;
		Dwarf_Die next = NULL;
		bool more = ok(
			r, dwarf_siblingof_b(r->dbg, die, 1, &next, &r->error));
		if (tag_of(r, die) == DW_TAG_member &&
		    member_matches(r, &die, name, len, depth, ret, offset)) {
			free_die(&next);
			return true;
		}
		if (!more)
			return false;
		dwarf_dealloc_die(die);
		die = next;
	}
}

/* Walk the path QUERY->member from the struct TYPE, which is used up. */
static void answer_path(struct reader *r, Dwarf_Die type,
			struct hs_member_query *query)
{
	AUTO_DIE Dwarf_Die at = type;
	uint64_t offset = 0;
	for (const char *part = query->member;;) {
		AUTO_DIE Dwarf_Die member = NULL;
		AUTO_DIE Dwarf_Die own_type = NULL;
		size_t len = strcspn(part, ".");
		Dwarf_Half tag;
		uint64_t start, count, size;
		if (!find_member(r, at, part, len, 0, &member, &start) ||
		    __builtin_add_overflow(offset, start, &offset) ||
		    !element_type(r, member, &own_type, &tag, &count))
			return;
		if (part[len] == '\0') {
			if (!byte_size(r, own_type, tag, &size) ||
			    __builtin_mul_overflow(size, count, &size))
				return;
			query->offset = offset;
			query->size = size;
			query->count = count;
			query->found = true;
			return;
		}
		part += len + 1; /* into its first element, if an array */
		if (!is_struct(tag))
			return;
		dwarf_dealloc_die(at);
		at = HS_TAKE(own_type);
	}
}

static void answer(struct reader *r, const struct type_place *place,
		   struct hs_member_query *query)
{
	AUTO_DIE Dwarf_Die first = NULL;
	AUTO_DIE Dwarf_Die type = NULL;
	Dwarf_Half tag;
	if (!ok(r, dwarf_offdie_b(r->dbg, place->at, 1, &first, &r->error)) ||
	    !strip_names(r, HS_TAKE(first), &type, &tag) || !is_struct(tag))
		return;
	if (query->member) {
		answer_path(r, HS_TAKE(type), query);
		return;
	}
	query->found = byte_size(r, type, tag, &query->size);
	query->offset = 0;
	query->count = 1;
}

/* The distinct types of all queries, in caller's memory of COUNT entries. */
static void collect_types(struct reader *r, const struct hs_member_query *query,
			  size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t t = 0;
		while (t < r->type_count &&
		       strcmp(r->type[t].name, query[i].type) != 0)
			t++;
		if (t == r->type_count)
			r->type[r->type_count++] = (struct type_place){
				.name = query[i].type,
			};
	}
}

enum hs_status hs_dwarf_members(int fd, const char *prefer,
				struct hs_member_query *query, size_t count,
				struct hs_error *err)
{
	for (size_t i = 0; i < count; i++)
		query[i].found = false;
	HS_AUTO_FREE struct type_place *type = calloc(count + 1, sizeof(*type));
	if (!type)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	struct reader r = {
		.prefer = prefer,
		.type = type,
		.budget = HS_LIMIT_DWARF_MEMBERS,
	};
	collect_types(&r, query, count);
	int result = hs_dwarf_init(fd, &r.dbg, &r.error);
	if (result != DW_DLV_OK) {
		enum hs_status st = hs_fail(err, HS_ERR_NO_SYMBOL,
					    "no debug info that can be "
					    "read: %s",
					    result == DW_DLV_ERROR && r.error
						    ? dwarf_errmsg(r.error)
						    : "there is none");
		if (result == DW_DLV_ERROR && r.error)
			dwarf_dealloc_error(NULL, r.error);
		return st;
	}
	find_types(&r);
	for (size_t i = 0; i < count; i++)
		for (size_t t = 0; t < r.type_count; t++)
			if (r.type[t].found &&
			    strcmp(r.type[t].name, query[i].type) == 0)
				answer(&r, &r.type[t], &query[i]);
	hs_dwarf_finish(r.dbg);
	return HS_OK;
}
