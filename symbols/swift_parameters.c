/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "symbols/swift_types.h"

/* Parameters of generic types and functions, and what is asked of them. */

/* As compilers write them: A, B; A1, B1 one level in. */
static bool push_parameter(struct hs_swift_stack *s, unsigned level, unsigned i)
{
	char text[32], letter = (char)('A' + (int)(i % 26));
	if (i < 26)
		(void)snprintf(text, sizeof(text), level ? "%c%u" : "%c",
			       letter, level);
	else
		(void)snprintf(text, sizeof(text), "%c%c%u", letter,
			       (char)('A' + (int)(i / 26 % 26) - 1), level);
	return hs_swift_push_text(s, HS_SWIFT_TYPE, text);
}

bool hs_swift_first_parameter(struct hs_swift_stack *s)
{
	return push_parameter(s, 0, 0);
}

bool hs_swift_parameter(struct hs_swift_stack *s)
{
	unsigned level, i;
	if (hs_swift_next_if(s, 'd'))
		return hs_swift_index(s, &level) && hs_swift_index(s, &i) &&
		       push_parameter(s, level + 1, i);
	if (hs_swift_next_if(s, 'z'))
		return push_parameter(s, 0, 0);
	if (hs_swift_next_if(s, 's'))
		return hs_swift_push_text(s, HS_SWIFT_TYPE, "Self");
	return hs_swift_index(s, &i) && push_parameter(s, 0, i + 1);
}

/* A protocol may stand above the name of its type. */
static bool pop_associated(struct hs_swift_stack *s, struct hs_swift_item *ret)
{
	struct hs_swift_item protocol;
	if (hs_swift_top_is(s, HS_SWIFT_TYPE) &&
	    (!s->item[s->depth - 1].protocol ||
	     !hs_swift_pop(s, HS_SWIFT_TYPE, &protocol)))
		return false;
	return hs_swift_pop(s, HS_SWIFT_WORD, ret);
}

bool hs_swift_pop_path(struct hs_swift_stack *s, struct hs_swift_item *ret)
{
	struct hs_swift_item name;
	bool first = false;
	*ret = (struct hs_swift_item){ .kind = HS_SWIFT_TYPE };
	while (!first) {
		first = hs_swift_pop_mark(s, HS_SWIFT_FIRST);
		if (!pop_associated(s, &name) ||
		    !hs_swift_put(s, ret, "%.*s%s%.*s", HS_SWIFT_SHOW(s, name),
				  ret->len ? "." : "", HS_SWIFT_SHOW(s, *ret)))
			return false;
	}
	return true;
}

enum base { BASE_BELOW, BASE_FIRST, BASE_PARAMETER };

/* "A.Element", "A.Element.Key" when COMPOUND. */
static bool associated(struct hs_swift_stack *s, enum base base, bool compound)
{
	struct hs_swift_item path, of, item = { .kind = HS_SWIFT_TYPE };
	/* The parameter follows the letter, and what is chosen lies below. */
	if (compound ? !hs_swift_pop_path(s, &path) : !pop_associated(s, &path))
		return false;
	if (base == BASE_FIRST && !hs_swift_first_parameter(s))
		return false;
	if (base == BASE_PARAMETER && !hs_swift_parameter(s))
		return false;
	return hs_swift_pop(s, HS_SWIFT_TYPE, &of) &&
	       hs_swift_put(s, &item, "%.*s.%.*s", HS_SWIFT_SHOW(s, of),
			    HS_SWIFT_SHOW(s, path)) &&
	       hs_swift_push(s, item) && hs_swift_keep(s, item);
}

static bool pack(struct hs_swift_stack *s)
{
	struct hs_swift_item types, item = { .kind = HS_SWIFT_TYPE };
	unsigned count;
	return hs_swift_pop_types(s, &types, &count) &&
	       hs_swift_put(s, &item, "Pack{%.*s}", HS_SWIFT_SHOW(s, types)) &&
	       hs_swift_push(s, item);
}

/* "some" of a function's result, seen from the function itself, or as the type
 * of something else. */
static bool opaque(struct hs_swift_stack *s, bool of_other)
{
	struct hs_swift_item of, one, item = { .kind = HS_SWIFT_TYPE };
	unsigned i;
	if (!of_other)
		return hs_swift_push_text(s, HS_SWIFT_TYPE, "some");
	if (!hs_swift_index(s, &i))
		return false;
	hs_swift_pop_conformances(s);
	for (;;) {
		if (hs_swift_pop(s, HS_SWIFT_TYPE, &one) ||
		    hs_swift_pop_mark(s, HS_SWIFT_FIRST))
			continue;
		if (!hs_swift_pop_mark(s, HS_SWIFT_EMPTY))
			return false;
		break;
	}
	return hs_swift_pop(s, HS_SWIFT_ENTITY, &of) &&
	       hs_swift_put(s, &item, "some of %.*s", HS_SWIFT_SHOW(s, of)) &&
	       hs_swift_push(s, item) && hs_swift_keep(s, item);
}

bool hs_swift_archetype(struct hs_swift_stack *s)
{
	struct hs_swift_item of, count, item = { .kind = HS_SWIFT_TYPE };
	char c = *s->pos;
	unsigned i;
	if (!c)
		return false;
	s->pos++;
	switch (c) {
	case 'x':
	case 'X':
		return associated(s, BASE_BELOW, c == 'X');
	case 'y':
	case 'Y':
		return associated(s, BASE_PARAMETER, c == 'Y');
	case 'z':
	case 'Z':
		return associated(s, BASE_FIRST, c == 'Z');
	case 'O':
		item.kind = HS_SWIFT_ENTITY;
		return hs_swift_pop_entity(s, &of) &&
		       hs_swift_put(s, &item, "%.*s", HS_SWIFT_SHOW(s, of)) &&
		       hs_swift_push(s, item);
	case 'o':
		return opaque(s, true);
	case 'r':
		return opaque(s, false);
	case 'R':
		return hs_swift_index(s, &i) && opaque(s, false);
	case 'p':
		return hs_swift_pop(s, HS_SWIFT_TYPE, &count) &&
		       hs_swift_pop(s, HS_SWIFT_TYPE, &of) &&
		       hs_swift_put(s, &item, "repeat %.*s",
				    HS_SWIFT_SHOW(s, of)) &&
		       hs_swift_push(s, item);
	case 'e':
		return hs_swift_index(s, &i) && hs_swift_wrap(s, "each ");
	case 'P':
		return pack(s);
	default:
		return false;
	}
}

/* What a layout must be: of one letter, or of a size. */
static bool layout(struct hs_swift_stack *s)
{
	unsigned n;
	switch (*s->pos) {
	case 'U':
	case 'R':
	case 'N':
	case 'C':
	case 'D':
	case 'T':
	case 'B':
		s->pos++;
		return true;
	case 'E':
	case 'M':
		s->pos++;
		return hs_swift_index(s, &n) && hs_swift_index(s, &n);
	case 'e':
	case 'm':
	case 'S':
		s->pos++;
		return hs_swift_index(s, &n);
	default:
		return false;
	}
}

/*
 * The letter says what is asked (a protocol, a class above, the same type, a
 * layout, ...), and of what: a parameter, a type that it chooses, or anything.
 */
bool hs_swift_requirement(struct hs_swift_stack *s)
{
	enum { PROTOCOL, CLASS, SAME, SHAPE, LAYOUT, PACK, INVERSE } asked;
	enum { PARAMETER, CHOSEN, COMPOUND, ANYTHING } of;
	static const struct {
		char letter;
		unsigned char asked, of;
	} known[] = {
		{ 'v', PACK, PARAMETER },    { 'c', CLASS, CHOSEN },
		{ 'C', CLASS, COMPOUND },    { 'b', CLASS, PARAMETER },
		{ 'B', CLASS, ANYTHING },    { 't', SAME, CHOSEN },
		{ 'T', SAME, COMPOUND },     { 's', SAME, PARAMETER },
		{ 'S', SAME, ANYTHING },     { 'm', LAYOUT, CHOSEN },
		{ 'M', LAYOUT, COMPOUND },   { 'l', LAYOUT, PARAMETER },
		{ 'L', LAYOUT, ANYTHING },   { 'p', PROTOCOL, CHOSEN },
		{ 'P', PROTOCOL, COMPOUND }, { 'Q', PROTOCOL, ANYTHING },
		{ 'h', SHAPE, PARAMETER },   { 'i', INVERSE, PARAMETER },
		{ 'I', INVERSE, ANYTHING },
	};
	struct hs_swift_item what, type;
	unsigned n;
	asked = PROTOCOL;
	of = PARAMETER;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].letter != *s->pos)
			continue;
		asked = known[i].asked;
		of = known[i].of;
		s->pos++;
		break;
	}
	if (asked == INVERSE && !hs_swift_index(s, &n))
		return false;
	bool ok = of == ANYTHING;
	if (of == PARAMETER)
		ok = hs_swift_parameter(s);
	else if (of == CHOSEN || of == COMPOUND)
		ok = associated(s, BASE_PARAMETER, of == COMPOUND);
	if (!ok || !hs_swift_pop(s, HS_SWIFT_TYPE, &what))
		return false;
	switch (asked) {
	case PROTOCOL:
		ok = hs_swift_pop_protocol(s, &type);
		break;
	case CLASS:
	case SAME:
	case SHAPE:
		ok = hs_swift_pop(s, HS_SWIFT_TYPE, &type);
		break;
	case LAYOUT:
		ok = layout(s);
		break;
	default:
		break;
	}
	return ok && hs_swift_push_mark(s, HS_SWIFT_REQUIREMENT);
}

bool hs_swift_signature(struct hs_swift_stack *s, bool counts)
{
	unsigned n;
	while (counts && !hs_swift_next_if(s, 'l'))
		if (!hs_swift_next_if(s, 'z') && !hs_swift_index(s, &n))
			return false;
	while (hs_swift_pop_mark(s, HS_SWIFT_REQUIREMENT))
		;
	return hs_swift_push_mark(s, HS_SWIFT_SIGNATURE);
}

bool hs_swift_generic_type(struct hs_swift_stack *s)
{
	return hs_swift_pop_mark(s, HS_SWIFT_SIGNATURE) && hs_swift_wrap(s, "");
}
