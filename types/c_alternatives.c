/* SPDX-License-Identifier: MIT */
#include "types/c_alternatives.h"

#include <string.h>

#include "core/limits.h"

/*
 * std::optional, std::variant and what a std::promise was given, of libstdc++
 * and libc++. All of them have a union or raw bytes, and a number beside it
 * that says what of it is alive.
 */

/* Types that a variant may choose from: an index of one byte has no more. */
#define MAX_ALTERNATIVES 256u

/* Those that hold one value or none. */
static const struct {
	const char *name;
	const char *place; /* the member that the value is in */
	const char *value; /* its name within, if it has one */
	bool raw;          /* PLACE is bytes: the type is an argument */
	const char *number;
	uint64_t when[2]; /* the number, of a value that is there */
} holders[] = {
	{ "_Optional_payload_base<",
	  "_M_payload",
	  "_M_value",
	  false,
	  "_M_engaged",
	  { 1, 1 } },
	{ "__optional_destruct_base<",
	  "__val_",
	  NULL,
	  false,
	  "__engaged_",
	  { 1, 1 } },
	{ "__future_base::_Result<",
	  "_M_storage",
	  NULL,
	  true,
	  "_M_initialized",
	  { 1, 1 } },
	/* Constructed and ready; and, in the second, asked for. */
	{ "__assoc_state<", "__value_", NULL, true, "__state_", { 5, 7 } },
};

/* Those that hold one of several. */
static const struct {
	const char *name;
	const char *alternatives, *index;
	const char *first, *rest; /* in each union */
	const char *value;        /* in a FIRST */
} variants[] = {
	{ "__detail::__variant::_Variant_storage<", "_M_u", "_M_index",
	  "_M_first", "_M_rest", "_M_storage" },
	{ "__variant_detail::__base<", "__data", "__index", "__head", "__tail",
	  "__value" },
};

static bool member(const struct hs_decls *d, uint32_t type, const char *name,
		   struct hs_decl_member *ret)
{
	return hs_decls_member(d, type, name, strlen(name), ret);
}

static bool starts(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/* What is being made. */
struct maker {
	struct hs_decls *d;
	enum hs_status *st;
	uint32_t type;
	struct hs_decl_member number; /* that says what is there */
	uint64_t number_size;
	uint32_t first; /* of the new members */
};

/* Begin with the members of the type itself, without the one at PLACE. */
static bool begin(struct maker *m, const char *number, uint64_t place)
{
	struct hs_decls *d = m->d;
	if (!member(d, m->type, number, &m->number) ||
	    m->number.offset > UINT32_MAX || m->number.bits)
		return false;
	m->number_size = d->type[hs_decls_strip(d, m->number.type)].size;
	if (m->number_size == 0 || m->number_size > 8)
		return false;
	m->first = (uint32_t)d->member_count;
	for (uint32_t i = 0; i < d->type[m->type].members; i++) {
		struct hs_decl_member own =
			d->member[d->type[m->type].member + i];
		if ((own.base || own.offset != place) &&
		    !hs_decls_add_member(d, &own, m->st))
			return false;
	}
	return true;
}

static bool add(struct maker *m, const char *name, uint32_t type,
		uint64_t offset, uint64_t when)
{
	struct hs_decl_member own = {
		.offset = offset, .type = type, .choice = true, .when = when
	};
	return hs_decls_add_text(m->d, name, &own.name, m->st) &&
	       hs_decls_add_member(m->d, &own, m->st);
}

static void finish(const struct maker *m)
{
	struct hs_decl_type *t = &m->d->type[m->type];
	t->member = m->first;
	t->members = (uint32_t)m->d->member_count - m->first;
	t->parameters = t->virtuals = 0;
	t->discr_offset = (uint32_t)m->number.offset;
	t->discr_size = (uint8_t)m->number_size;
}

static void holder(struct maker *m, size_t i)
{
	const struct hs_decls *d = m->d;
	struct hs_decl_member place, inner;
	char name[64];
	uint32_t type;
	if (!member(d, m->type, holders[i].place, &place))
		return;
	uint64_t offset = place.offset;
	size_t len = strlen(holders[i].place);
	memcpy(name, holders[i].place, len + 1);
	type = place.type;
	if (holders[i].value) {
		if (!member(d, place.type, holders[i].value, &inner) ||
		    __builtin_add_overflow(offset, inner.offset, &offset))
			return;
		name[len] = '.';
		memcpy(name + len + 1, holders[i].value,
		       strlen(holders[i].value) + 1);
		type = inner.type;
	} else if (holders[i].raw &&
		   !hs_decls_parameter(d, m->type, 0, &type)) {
		return;
	}
	if (!begin(m, holders[i].number, place.offset) ||
	    !add(m, name, type, offset, holders[i].when[0]))
		return;
	if (holders[i].when[1] == holders[i].when[0] ||
	    add(m, name, type, offset, holders[i].when[1]))
		finish(m);
}

/* The type of the value in an alternative's place, and where in it. */
static bool value_of(const struct hs_decls *d, uint32_t place,
		     const char *value, uint32_t *type, uint64_t *offset)
{
	struct hs_decl_member own;
	if (!member(d, place, value, &own))
		return false;
	*type = own.type;
	*offset = own.offset;
	/* What has a destructor is in raw bytes, which say of what they are. */
	const struct hs_decl_type *t = &d->type[hs_decls_strip(d, own.type)];
	if (strcmp(value, "_M_storage") == 0 &&
	    starts(hs_decls_text(d, t->name), "__gnu_cxx::__aligned_membuf<"))
		return hs_decls_parameter(d, place, 0, type);
	return true;
}

static void variant(struct maker *m, size_t i)
{
	struct hs_decls *d = m->d;
	struct hs_decl_member at, first;
	uint64_t none = UINT64_MAX, inside;
	uint32_t type;
	if (!member(d, m->type, variants[i].alternatives, &at) ||
	    !begin(m, variants[i].index, at.offset))
		return;
	if (m->number_size < 8)
		none = (UINT64_C(1) << 8 * m->number_size) - 1;
	for (uint64_t n = 0; n < none && n < MAX_ALTERNATIVES; n++) {
		struct hs_decl_member rest;
		uint64_t offset = at.offset;
		if (!member(d, at.type, variants[i].first, &first))
			break;
		if (value_of(d, first.type, variants[i].value, &type,
			     &inside) &&
		    !__builtin_add_overflow(offset, inside, &offset) &&
		    !add(m, variants[i].alternatives, type, offset, n))
			return;
		if (!member(d, at.type, variants[i].rest, &rest))
			break;
		at.type = rest.type;
	}
	finish(m);
}

bool hs_c_alternatives(struct hs_decls *d, uint32_t type, const char *name,
		       enum hs_status *st)
{
	struct maker m = { .d = d, .st = st, .type = type };
	for (size_t i = 0; i < sizeof(holders) / sizeof(*holders); i++)
		if (starts(name, holders[i].name)) {
			holder(&m, i);
			return !*st;
		}
	for (size_t i = 0; i < sizeof(variants) / sizeof(*variants); i++)
		if (starts(name, variants[i].name)) {
			variant(&m, i);
			return !*st;
		}
	return !*st;
}
