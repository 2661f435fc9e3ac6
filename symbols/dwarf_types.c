/* SPDX-License-Identifier: MIT */
#include "symbols/dwarf_types.h"

#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "symbols/dwarf_die.h"

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
	struct hs_dwarf dw;
	const char *prefer;
	bool prefer_found;
	struct type_place *type;
	size_t type_count;
	/* DIEs that may still be looked at for members: types that contain
	 * themselves must not keep us busy for ever. */
	uint64_t budget;
};

static bool type_of(struct reader *r, Dwarf_Die die, Dwarf_Die *ret)
{
	return hs_dwarf_referred(&r->dw, die, DW_AT_type, ret);
}

static bool is_mere_name(Dwarf_Half tag)
{
	return tag == DW_TAG_typedef || hs_dwarf_is_qualifier(tag);
}

/* What DIE is once typedefs and qualifiers are off. *RET may be DIE itself,
 * which then changes hands; in any case DIE is used up. False: not known. */
static bool strip_names(struct reader *r, Dwarf_Die die, Dwarf_Die *ret,
			Dwarf_Half *ret_tag)
{
	HS_AUTO_DIE Dwarf_Die at = die;
	for (unsigned i = 0; i < MAX_TYPE_CHAIN; i++) {
		Dwarf_Half tag = hs_dwarf_tag(&r->dw, at);
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
	if (hs_dwarf_is_struct(tag))
		return hs_dwarf_has(&r->dw, die, DW_AT_byte_size) &&
		       !hs_dwarf_has(&r->dw, die, DW_AT_declaration);
	HS_AUTO_DIE Dwarf_Die first = NULL;
	HS_AUTO_DIE Dwarf_Die target = NULL;
	if (tag != DW_TAG_typedef || !type_of(r, die, &first) ||
	    !strip_names(r, HS_TAKE(first), &target, &tag))
		return false;
	return hs_dwarf_is_struct(tag) &&
	       hs_dwarf_has(&r->dw, target, DW_AT_byte_size) &&
	       !hs_dwarf_has(&r->dw, target, DW_AT_declaration);
}

/* Does DIE define a variable called NAME? `extern` in some header does not
 * make a unit its home; where one came first, the definition has no name of
 * its own and refers to it. */
static bool defines(struct reader *r, Dwarf_Die die, const char *name)
{
	HS_AUTO_DIE Dwarf_Die declared = NULL;
	if (hs_dwarf_has(&r->dw, die, DW_AT_declaration))
		return false;
	const char *own = hs_dwarf_name(&r->dw, die);
	if (!own &&
	    hs_dwarf_referred(&r->dw, die, DW_AT_specification, &declared))
		own = hs_dwarf_name(&r->dw, declared);
	return own && strcmp(own, name) == 0;
}

/* One DIE directly below a unit: is it a struct or variable we look for? */
static void look_at(struct reader *r, Dwarf_Die die, Dwarf_Off at,
		    bool *preferred)
{
	Dwarf_Half tag = hs_dwarf_tag(&r->dw, die);
	if (tag == DW_TAG_variable) {
		if (r->prefer && defines(r, die, r->prefer))
			*preferred = true;
		return;
	}
	if (!hs_dwarf_is_struct(tag) && tag != DW_TAG_typedef)
		return;
	const char *name = hs_dwarf_name(&r->dw, die);
	for (size_t i = 0; name && i < r->type_count; i++) {
		struct type_place *t = &r->type[i];
		if (t->in_unit || strcmp(t->name, name) != 0 ||
		    !is_complete(r, die, tag))
			continue;
		t->in_unit = true;
		t->unit_at = at;
	}
}

/* All DIEs directly below UNIT. */
static void read_unit(struct reader *r, Dwarf_Die unit)
{
	bool preferred = false;
	HS_AUTO_CHILDREN struct hs_dwarf_children c = { .of = unit };
	for (size_t i = 0; i < r->type_count; i++)
		r->type[i].in_unit = false;
	while (hs_dwarf_next_child(&r->dw, &c))
		look_at(r, c.die, c.at, &preferred);
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
		if (!hs_dwarf_ok(&r->dw,
				 dwarf_next_cu_header_d(
					 r->dw.dbg, 1, &length, &version,
					 &abbrev, &address_size, &length_size,
					 &extension, &signature, &type_offset,
					 &next, &kind, &r->dw.error)))
			return;
		HS_AUTO_DIE Dwarf_Die unit = NULL;
		if (!hs_dwarf_ok(&r->dw,
				 dwarf_siblingof_b(r->dw.dbg, NULL, 1, &unit,
						   &r->dw.error)))
			continue;
		read_unit(r, unit);
	}
}

/* Elements of an array type; its dimensions are multiplied. *RET is 0 for one
 * without bound. */
static bool element_count(struct reader *r, Dwarf_Die array, uint64_t *ret)
{
	uint64_t total = 1;
	HS_AUTO_CHILDREN struct hs_dwarf_children c = { .of = array };
	while (hs_dwarf_next_child(&r->dw, &c)) {
		if (r->budget == 0)
			return false;
		r->budget--;
		if (hs_dwarf_tag(&r->dw, c.die) == DW_TAG_subrange_type &&
		    __builtin_mul_overflow(
			    total, hs_dwarf_dimension(&r->dw, c.die), &total))
			return false;
	}
	*ret = total;
	return c.die != NULL; /* one without children has no length */
}

/* The struct, scalar or pointer that a member's type comes down to. For an
 * array *COUNT says how many of them, else 1. Caller frees *RET. */
static bool element_type(struct reader *r, Dwarf_Die member, Dwarf_Die *ret,
			 Dwarf_Half *ret_tag, uint64_t *count)
{
	HS_AUTO_DIE Dwarf_Die first = NULL;
	HS_AUTO_DIE Dwarf_Die type = NULL;
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

/* Where in its struct does this member begin? No bit fields. */
static bool member_offset(struct reader *r, Dwarf_Die member, uint64_t *ret)
{
	if (hs_dwarf_has(&r->dw, member, DW_AT_bit_size) ||
	    hs_dwarf_has(&r->dw, member, DW_AT_data_bit_offset))
		return false;
	if (hs_dwarf_constant(&r->dw, member, DW_AT_data_member_location, ret))
		return true;
	if (hs_dwarf_has(&r->dw, member, DW_AT_data_member_location))
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
	const char *own = hs_dwarf_name(&r->dw, *member);
	if (own) {
		if (strncmp(own, name, len) != 0 || own[len] != '\0' ||
		    !member_offset(r, *member, &start))
			return false;
		*ret = HS_TAKE(*member);
		*offset = start;
		return true;
	}
	HS_AUTO_DIE Dwarf_Die type = NULL;
	Dwarf_Half tag;
	uint64_t count, inside;
	if (depth == MAX_ANONYMOUS ||
	    !element_type(r, *member, &type, &tag, &count) ||
	    !hs_dwarf_is_struct(tag) || !member_offset(r, *member, &start) ||
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
	HS_AUTO_CHILDREN struct hs_dwarf_children c = { .of = type };
	while (hs_dwarf_next_child(&r->dw, &c)) {
		if (r->budget == 0)
			return false;
		r->budget--;
		if (hs_dwarf_tag(&r->dw, c.die) == DW_TAG_member &&
		    member_matches(r, &c.die, name, len, depth, ret, offset))
			return true;
	}
	return false;
}

/* Walk the path QUERY->member from the struct TYPE, which is used up. */
static void answer_path(struct reader *r, Dwarf_Die type,
			struct hs_member_query *query)
{
	HS_AUTO_DIE Dwarf_Die at = type;
	uint64_t offset = 0;
	for (const char *part = query->member;;) {
		HS_AUTO_DIE Dwarf_Die member = NULL;
		HS_AUTO_DIE Dwarf_Die own_type = NULL;
		size_t len = strcspn(part, ".");
		Dwarf_Half tag;
		uint64_t start, count, size;
		if (!find_member(r, at, part, len, 0, &member, &start) ||
		    __builtin_add_overflow(offset, start, &offset) ||
		    !element_type(r, member, &own_type, &tag, &count))
			return;
		if (part[len] == '\0') {
			if (!hs_dwarf_byte_size(&r->dw, own_type, tag, &size) ||
			    __builtin_mul_overflow(size, count, &size))
				return;
			query->offset = offset;
			query->size = size;
			query->count = count;
			query->found = true;
			return;
		}
		part += len + 1; /* into its first element, if an array */
		if (!hs_dwarf_is_struct(tag))
			return;
		dwarf_dealloc_die(at);
		at = HS_TAKE(own_type);
	}
}

static void answer(struct reader *r, const struct type_place *place,
		   struct hs_member_query *query)
{
	HS_AUTO_DIE Dwarf_Die first = NULL;
	HS_AUTO_DIE Dwarf_Die type = NULL;
	Dwarf_Half tag;
	if (!hs_dwarf_ok(&r->dw, dwarf_offdie_b(r->dw.dbg, place->at, 1, &first,
						&r->dw.error)) ||
	    !strip_names(r, HS_TAKE(first), &type, &tag) ||
	    !hs_dwarf_is_struct(tag))
		return;
	if (query->member) {
		answer_path(r, HS_TAKE(type), query);
		return;
	}
	query->found = hs_dwarf_byte_size(&r->dw, type, tag, &query->size);
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
	enum hs_status st = hs_dwarf_open(fd, &r.dw, err);
	if (st)
		return st;
	find_types(&r);
	for (size_t i = 0; i < count; i++)
		for (size_t t = 0; t < r.type_count; t++)
			if (r.type[t].found &&
			    strcmp(r.type[t].name, query[i].type) == 0)
				answer(&r, &r.type[t], &query[i]);
	hs_dwarf_close(&r.dw);
	return HS_OK;
}
