/* SPDX-License-Identifier: MIT */
#include "types/swift_mangling.h"

#include "types/swift_bound.h"
#include "types/swift_existential.h"
#include "types/swift_function.h"
#include "types/swift_identifier.h"
#include "types/swift_known_types.h"
#include "types/swift_parameter.h"

/* Names deeper than this are about extensions of extensions. */
#define MAX_NESTING 24u

static bool operator_x(struct hs_machine *m)
{
	char c;
	if (!hs_machine_next(m, &c))
		return false;
	static const struct hs_item any_class = { .kind = HS_ITEM_TYPE };
	switch (c) {
	case 'w':
		return hs_machine_wrap_slot(m, "weak ", HS_SWIFT_SLOT_WEAK);
	case 'o':
		return hs_machine_wrap_slot(m, "unowned ",
					    HS_SWIFT_SLOT_UNOWNED);
	case 'u':
		return hs_machine_wrap_slot(m, "unowned(unsafe) ",
					    HS_SWIFT_SLOT_UNMANAGED);
	case 'l':
		return hs_mangled_protocols(m, &any_class);
	case 'c':
		return hs_mangled_protocols_of_class(m);
	case 'E': /* does not escape */
		return hs_mangled_function(m, "",
					   hs_machine_reference(m, 8, 16));
	case 'B': /* a block of C */
		return hs_mangled_function(m, "@convention(block) ",
					   hs_machine_reference(m, 0, 8));
	case 'f': /* nothing but an address of code */
		return hs_mangled_function(m, "@convention(thin) ",
					   hs_swift_shape_plain(8));
	case 'C':
		return hs_mangled_function(m, "@convention(c) ",
					   hs_swift_shape_plain(8));
	case 'x':
		return hs_mangled_boxed(m);
	case 'b':
		if (!hs_machine_wrap(m, "box of ", ""))
			return false;
		m->stack[m->depth - 1].shape = hs_machine_reference(m, 0, 8);
		return true;
	case 'M': /* a metatype, and how it is stored */
		if (!hs_machine_next(m, &c) || (c != 'T' && c != 't'))
			return false;
		return hs_machine_wrap_plain(m, ".Type", c == 'T' ? 8 : 0);
	case 'm':
		return hs_machine_next(m, &c) && c == 'T' &&
		       hs_mangled_existential_metatype(m);
	case 'P':
		return hs_mangled_constrained(m);
	case 'p':
		return hs_mangled_existential_metatype(m);
	case 'Z':
		return hs_mangled_anonymous(m);
	default:
		return false;
	}
}

/* "@Sendable " and others, which a function has before it. */
static bool function_mark(struct hs_machine *m, const char *text)
{
	return hs_machine_push_text(m, HS_ITEM_MARK, text);
}

/* The type on top, as text of another kind. */
static bool turn_into(struct hs_machine *m, enum hs_item_kind kind,
		      const char *before, const char *after)
{
	struct hs_item of, item = { .kind = kind };
	return hs_machine_pop(m, HS_ITEM_TYPE, &of) &&
	       hs_machine_put(m, &item, "%s%.*s%s", before, HS_SHOW(m, of),
			      after) &&
	       hs_machine_push(m, item);
}

static bool differentiable(struct hs_machine *m)
{
	char c;
	if (!hs_machine_next(m, &c))
		return false;
	switch (c) {
	case 'd':
		return function_mark(m, "@differentiable ");
	case 'l':
		return function_mark(m, "@differentiable(_linear) ");
	case 'f':
		return function_mark(m, "@differentiable(_forward) ");
	case 'r':
		return function_mark(m, "@differentiable(reverse) ");
	default:
		return false;
	}
}

static bool operator_y(struct hs_machine *m)
{
	char c;
	if (!hs_machine_next(m, &c))
		return false;
	switch (c) {
	case 'a':
		return hs_machine_push_mark(m, HS_ITEM_ASYNC);
	case 'b':
		return function_mark(m, "@Sendable ");
	case 'A':
		return function_mark(m, "@isolated(any) ");
	case 'C':
		return function_mark(m, "nonisolated(nonsending) ");
	case 'j':
		return differentiable(m);
	case 'c': /* of a global actor */
		return turn_into(m, HS_ITEM_MARK, "@", " ");
	case 'K': /* what is thrown */
		return turn_into(m, HS_ITEM_THROWS, " throws(", ")");
	case 'T':
		return hs_machine_push_mark(m, HS_ITEM_SENDING);
	case 'i':
		return hs_machine_wrap(m, "isolated ", "");
	case 'u':
		return hs_machine_wrap(m, "sending ", "");
	case 'k':
		return hs_machine_wrap(m, "@noDerivative ", "");
	case 't':
		return hs_machine_wrap(m, "_const ", "");
	default:
		return false;
	}
}

/* Of a value's type nothing is stored, of a class's a word. */
static bool metatype(struct hs_machine *m)
{
	bool existential = m->depth && m->stack[m->depth - 1].existential;
	return hs_machine_wrap_plain(m, existential ? ".Protocol" : ".Type",
				     UINT32_MAX);
}

static bool step(struct hs_machine *m, char c)
{
	if (c > 0 && c < 0x20)
		return hs_mangled_symbolic(m, c);
	if (c >= '0' && c <= '9')
		return hs_mangled_identifier(m, c);
	switch (c) {
	case 'A':
		return hs_mangled_substitution(m);
	case 'B':
		return hs_mangled_builtin(m);
	case 'C':
	case 'V':
	case 'O':
	case 'a':
		return hs_mangled_nominal(m, HS_ITEM_TYPE);
	case 'P':
		return hs_mangled_nominal(m, HS_ITEM_PROTOCOL);
	case 'E':
		return hs_mangled_extension(m);
	case 'G':
		return hs_mangled_bound_generic(m);
	case 'I':
		return hs_mangled_lowered_function(m);
	case 'K':
		return hs_machine_push_text(m, HS_ITEM_THROWS, " throws");
	case 'L':
		return hs_mangled_local_name(m);
	case 'Q':
		return hs_mangled_dependent(m);
	case 'R':
		return hs_mangled_requirement(m);
	case 'S':
		return hs_mangled_standard(m);
	case 'X':
		return operator_x(m);
	case 'Y':
		return operator_y(m);
	case 'c':
		return hs_mangled_function(m, "",
					   hs_machine_reference(m, 8, 16));
	case 'd':
		return hs_machine_push_mark(m, HS_ITEM_VARIADIC);
	case 'h':
		return hs_machine_wrap(m, "__shared ", "");
	case 'n':
		return hs_machine_wrap(m, "__owned ", "");
	case 'm':
		return metatype(m);
	case 'p':
		return hs_mangled_protocols(m, NULL);
	case 'q':
		return hs_mangled_numbered_parameter(m);
	case 's':
		return hs_machine_push_text(m, HS_ITEM_MODULE, "Swift");
	case 't':
		return hs_mangled_tuple(m);
	case 'x':
		return hs_mangled_parameter(m, 0, 0);
	case 'y':
		return hs_machine_push_mark(m, HS_ITEM_EMPTY_LIST);
	case 'z':
		return hs_machine_wrap(m, "inout ", "");
	case '_':
		return hs_machine_push_mark(m, HS_ITEM_FIRST);
	default:
		return false;
	}
}

bool hs_swift_demangle_shape(struct hs_naming *n, hs_addr addr,
			     const struct hs_swift_args *args,
			     struct hs_text *out,
			     struct hs_swift_shapes *shapes,
			     struct hs_swift_shape *shape)
{
	struct hs_machine m = {
		.n = n, .pos = addr, .args = args, .shapes = shapes
	};
	struct hs_item result;
	char c;
	bool ok = n->depth < MAX_NESTING;
	n->depth++;
	/* A name has no more steps than the arena has room for. */
	for (unsigned steps = 0; ok; steps++) {
		ok = steps < HS_MACHINE_ARENA && hs_machine_next(&m, &c);
		if (!ok || !c)
			break;
		ok = step(&m, c);
	}
	ok = ok && hs_machine_pop(&m, HS_ITEM_TYPE, &result) && !m.depth;
	if (ok && shapes)
		*shape = hs_machine_shape(&m, &result);
	n->depth--;
	if (!ok)
		return false;
	hs_text_put(out, m.arena + result.at, result.len);
	return !out->full;
}

bool hs_swift_demangle(struct hs_naming *n, hs_addr addr,
		       const struct hs_swift_args *args, struct hs_text *out)
{
	return hs_swift_demangle_shape(n, addr, args, out, NULL, NULL);
}
