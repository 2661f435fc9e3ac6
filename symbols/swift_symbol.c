/* SPDX-License-Identifier: MIT */
#include "symbols/swift_symbol.h"

#include <stdio.h>
#include <string.h>

#include "symbols/swift_entities.h"
#include "symbols/swift_names.h"
#include "symbols/swift_thunks.h"
#include "symbols/swift_types.h"

/*
 * A mangled entity is the way to it, its type, and letters that say what it is:
 *
 *	$s 3app 4BankC 3put yySiYa F		app.Bank.put, a function
 *	$s 3app 4bank AA4BankCSg vp		app.bank, a variable
 *
 * Types are read because what comes before and behind can only be found so; of
 * functions and variables they are not shown.
 */

static bool step(struct hs_swift_stack *s, char c)
{
	if (c >= '0' && c <= '9') {
		s->pos--;
		return hs_swift_identifier(s);
	}
	switch (c) {
	case 'A':
		return hs_swift_substitution(s);
	case 'B':
		return hs_swift_builtin(s);
	case 'C':
	case 'V':
	case 'O':
	case 'P':
	case 'a':
		return hs_swift_nominal(s, c);
	case 'D': { /* the name of a type, and nothing else */
		struct hs_swift_item of;
		if (!hs_swift_pop(s, HS_SWIFT_TYPE, &of))
			return false;
		of.kind = HS_SWIFT_WHOLE;
		return hs_swift_push(s, of);
	}
	case 'E':
		return hs_swift_extension(s);
	case 'F':
		return hs_swift_plain_function(s);
	case 'G':
		return hs_swift_bound_generic(s);
	case 'H':
		return hs_swift_conformance(s);
	case 'I':
		return hs_swift_lowered_function(s);
	case 'K':
		return hs_swift_push_text(s, HS_SWIFT_MARK, " throws");
	case 'L':
		return hs_swift_local_name(s);
	case 'M':
		return hs_swift_metadata(s);
	case 'N':
		return hs_swift_type_metadata(s);
	case 'Q':
		return hs_swift_archetype(s);
	case 'R':
		return hs_swift_requirement(s);
	case 'S':
		return hs_swift_standard(s);
	case 'T':
		return hs_swift_thunk(s);
	case 'W':
		return hs_swift_witness(s);
	case 'X':
		return hs_swift_special_type(s);
	case 'Y':
		return hs_swift_annotation(s);
	case 'Z': /* of the type, and not of its values */
		return hs_swift_top_is(s, HS_SWIFT_ENTITY);
	case 'c':
		return hs_swift_function_type(s);
	case 'd':
		return hs_swift_push_mark(s, HS_SWIFT_VARIADIC);
	case 'f':
		return hs_swift_function_entity(s);
	case 'g':
		return hs_swift_retroactive(s);
	case 'h':
	case 'n':
		return hs_swift_wrap(s, "");
	case 'i':
		return hs_swift_subscript(s);
	case 'l':
	case 'r':
		return hs_swift_signature(s, c == 'r');
	case 'm':
		return hs_swift_metatype(s);
	case 'o':
		return hs_swift_operator(s);
	case 'p':
		return hs_swift_protocols(s);
	case 'q':
		return hs_swift_parameter(s);
	case 's':
		return hs_swift_push_text(s, HS_SWIFT_MODULE, "Swift");
	case 't':
		return hs_swift_tuple(s);
	case 'u':
		return hs_swift_generic_type(s);
	case 'v':
		return hs_swift_variable(s);
	case 'w':
		return hs_swift_value_witness(s);
	case 'x':
		return hs_swift_first_parameter(s);
	case 'y':
		return hs_swift_push_mark(s, HS_SWIFT_EMPTY);
	case 'z':
		return hs_swift_wrap(s, "inout ");
	case '_':
		return hs_swift_push_mark(s, HS_SWIFT_FIRST);
	default:
		return false;
	}
}

/* What is left on the stack, as one text. */
static bool finish(struct hs_swift_stack *s, struct hs_swift_item *ret)
{
	struct hs_swift_item prefix, all = { 0 }, of;
	bool special = false;
	while (hs_swift_pop(s, HS_SWIFT_PREFIX, &prefix)) {
		/* However often: it is made for one use. */
		bool again = hs_swift_is(s, &prefix, "specialized ");
		if (again && special)
			continue;
		special |= again;
		if (!hs_swift_put(s, &all, "%.*s%.*s", HS_SWIFT_SHOW(s, all),
				  HS_SWIFT_SHOW(s, prefix)))
			return false;
	}
	if (s->depth != 1)
		return false;
	of = s->item[0];
	if (of.kind != HS_SWIFT_ENTITY && of.kind != HS_SWIFT_WHOLE &&
	    !(of.kind == HS_SWIFT_TYPE && (of.nominal || all.len)))
		return false;
	return hs_swift_put(s, ret, "%.*s%.*s", HS_SWIFT_SHOW(s, all),
			    HS_SWIFT_SHOW(s, of));
}

bool hs_swift_symbol(const char *mangled, char *buf, size_t size)
{
	struct hs_swift_stack s;
	struct hs_swift_item all = { 0 };
	if (strncmp(mangled, "$s", 2) != 0 && strncmp(mangled, "$S", 2) != 0)
		return false;
	s.pos = mangled + 2;
	s.depth = s.substs = s.used = s.words = 0;
	/* A dot begins what the compiler's back end added. */
	while (*s.pos && *s.pos != '.')
		if (!step(&s, *s.pos++))
			return false;
	if (!finish(&s, &all))
		return false;
	(void)snprintf(buf, size, "%.*s", HS_SWIFT_SHOW(&s, all));
	return true;
}
