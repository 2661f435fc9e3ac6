/* SPDX-License-Identifier: MIT */
#include "types/swift_parameter.h"

#include <stdio.h>

#include "core/limits.h"
#include "types/swift_generics.h"

bool hs_mangled_parameter(struct hs_machine *m, unsigned level, unsigned i)
{
	const struct hs_swift_args *args = m->args;
	char name[HS_LIMIT_STRING];
	struct hs_text text;
	struct hs_swift_generics g = { 0 };
	struct hs_swift_argument arg;
	struct hs_swift_shape shape = { 0 };
	if (level > 25 || i > 25)
		return false;
	hs_text_init(&text, name, sizeof(name));
	unsigned number = i;
	bool known = args && args->context &&
		     hs_swift_generics(m->n, args->context, &g) &&
		     level < g.levels;
	if (known)
		number += g.level[level];
	if (known && args->shape && number < args->shapes)
		shape = args->shape[number];
	known = known && hs_swift_argument(m->n, &g, args->at, number, &arg) &&
		arg.kind == HS_SWIFT_PARAM_TYPE;
	/* A list without a context: one after another. */
	if (args && !args->context && args->at != HS_NO_ADDR && level == 0)
		known = hs_peek(m->n, args->at + 8 * (uint64_t)i, &arg.word);
	if (known && m->shapes)
		shape = hs_swift_shape_of(m->n, m->shapes, arg.word,
					  args->depth + 1);
	if (!known ||
	    !hs_swift_inner_name(m->n, arg.word, args->depth + 1, &text)) {
		/* As compilers write them: A, B; A1, B1 one level in. */
		(void)snprintf(name, sizeof(name), level ? "%c%u" : "%c",
			       (char)('A' + (int)i), level);
	}
	return hs_machine_push_shaped(m, name, shape);
}

bool hs_mangled_numbered_parameter(struct hs_machine *m)
{
	unsigned level = 0, i;
	if (hs_machine_peek(m) == 'd') {
		m->pos++;
		return hs_machine_index(m, &level) && hs_machine_index(m, &i) &&
		       hs_mangled_parameter(m, level + 1, i);
	}
	return hs_machine_index(m, &i) && hs_mangled_parameter(m, 0, i + 1);
}

/* Put a parameter below the name, and perhaps protocol, on top. */
static bool parameter_below_name(struct hs_machine *m, bool first)
{
	struct hs_item protocol = { 0 }, name;
	bool has = hs_machine_pop(m, HS_ITEM_PROTOCOL, &protocol);
	return hs_machine_pop(m, HS_ITEM_WORD, &name) &&
	       (first ? hs_mangled_parameter(m, 0, 0)
		      : hs_mangled_numbered_parameter(m)) &&
	       hs_machine_push(m, name) &&
	       (!has || hs_machine_push(m, protocol));
}

/* "A.Element": a type that a parameter's own type chooses. */
static bool associated_type(struct hs_machine *m)
{
	struct hs_item protocol, name, of, item = { .kind = HS_ITEM_TYPE };
	(void)hs_machine_pop(m, HS_ITEM_PROTOCOL, &protocol);
	/* The parameter was pushed last. */
	return hs_machine_pop(m, HS_ITEM_WORD, &name) &&
	       hs_machine_pop(m, HS_ITEM_TYPE, &of) &&
	       hs_machine_put(m, &item, "%.*s.%.*s", HS_SHOW(m, of),
			      HS_SHOW(m, name)) &&
	       hs_machine_push(m, item) && hs_machine_add_subst(m, item);
}

/* "Pack{A, B}": a list of types for one parameter. */
static bool pack(struct hs_machine *m)
{
	struct hs_item all = { .kind = HS_ITEM_TYPE }, one;
	bool first = hs_machine_pop_mark(m, HS_ITEM_EMPTY_LIST);
	while (!first) {
		first = hs_machine_pop_mark(m, HS_ITEM_FIRST);
		if (!hs_machine_pop(m, HS_ITEM_TYPE, &one) ||
		    !hs_machine_put(m, &all, "%.*s%s%.*s", HS_SHOW(m, one),
				    all.len ? ", " : "", HS_SHOW(m, all)))
			return false;
	}
	return hs_machine_put(m, &all, "Pack{%.*s}", HS_SHOW(m, all)) &&
	       hs_machine_push(m, all);
}

bool hs_mangled_dependent(struct hs_machine *m)
{
	struct hs_item count, item = { .kind = HS_ITEM_TYPE }, of;
	char c;
	if (!hs_machine_next(m, &c))
		return false;
	switch (c) {
	case 'z': /* of the first parameter, of another one */
	case 'y':
		return parameter_below_name(m, c == 'z') && associated_type(m);
	case 'P':
		return pack(m);
	case 'p':
		return hs_machine_pop(m, HS_ITEM_TYPE, &count) &&
		       hs_machine_pop(m, HS_ITEM_TYPE, &of) &&
		       hs_machine_put(m, &item, "repeat %.*s",
				      HS_SHOW(m, of)) &&
		       hs_machine_push(m, item);
	default:
		return false;
	}
}
