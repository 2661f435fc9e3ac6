/* SPDX-License-Identifier: MIT */
#include "symbols/swift_types.h"

#include <stdio.h>
#include <string.h>

bool hs_swift_wrap(struct hs_swift_stack *s, const char *before)
{
	struct hs_swift_item of, item;
	if (!hs_swift_pop(s, HS_SWIFT_TYPE, &of))
		return false;
	item = of; /* still what it was, for all who look */
	return hs_swift_put(s, &item, "%s%.*s", before, HS_SWIFT_SHOW(s, of)) &&
	       hs_swift_push(s, item);
}

void hs_swift_pop_conformances(struct hs_swift_stack *s)
{
	struct hs_swift_item item;
	while (hs_swift_top_is(s, HS_SWIFT_CONFORMANCE))
		(void)hs_swift_pop(s, HS_SWIFT_CONFORMANCE, &item);
}

/* The lists of arguments above a type: "A, B", of all levels. */
static bool pop_arguments(struct hs_swift_stack *s, struct hs_swift_item *ret)
{
	struct hs_swift_item one;
	*ret = (struct hs_swift_item){ .kind = HS_SWIFT_TYPE };
	hs_swift_pop_conformances(s);
	for (;;) {
		if (hs_swift_pop(s, HS_SWIFT_TYPE, &one)) {
			if (!hs_swift_put(s, ret, "%.*s%s%.*s",
					  HS_SWIFT_SHOW(s, one),
					  ret->len ? ", " : "",
					  HS_SWIFT_SHOW(s, *ret)))
				return false;
		} else if (hs_swift_pop_mark(s, HS_SWIFT_EMPTY)) {
			return true;
		} else if (!hs_swift_pop_mark(s, HS_SWIFT_FIRST)) {
			return false;
		}
	}
}

bool hs_swift_bound_generic(struct hs_swift_stack *s)
{
	struct hs_swift_item of, arguments, item = { .kind = HS_SWIFT_TYPE };
	if (!pop_arguments(s, &arguments) || !hs_swift_pop_nominal(s, &of))
		return false;
	item.is_class = of.is_class;
	bool ok = hs_swift_is(s, &of, "Swift.Optional")
			  ? hs_swift_put(s, &item, "%.*s?",
					 HS_SWIFT_SHOW(s, arguments))
			  : hs_swift_put(s, &item, "%.*s<%.*s>",
					 HS_SWIFT_SHOW(s, of),
					 HS_SWIFT_SHOW(s, arguments));
	return ok && hs_swift_push(s, item) && hs_swift_keep(s, item);
}

bool hs_swift_builtin(struct hs_swift_stack *s)
{
	static const struct {
		char letter;
		const char *name;
	} known[] = {
		{ 'b', "BridgeObject" },
		{ 'B', "UnsafeValueBuffer" },
		{ 'e', "Executor" },
		{ 'I', "IntLiteral" },
		{ 'O', "UnknownObject" },
		{ 'o', "NativeObject" },
		{ 'p', "RawPointer" },
		{ 't', "SILToken" },
		{ 'w', "Word" },
		{ 'c', "RawUnsafeContinuation" },
		{ 'D', "DefaultActorStorage" },
		{ 'd', "NonDefaultDistributedActorStorage" },
		{ 'j', "Job" },
		{ 'P', "PackIndex" },
	};
	char text[64], c = *s->pos;
	unsigned n;
	struct hs_swift_item of, item = { .kind = HS_SWIFT_TYPE };
	if (!c)
		return false;
	s->pos++;
	switch (c) {
	case 'i':
	case 'f':
		if (!hs_swift_index(s, &n) || !n)
			return false;
		(void)snprintf(text, sizeof(text), "Builtin.%s%u",
			       c == 'i' ? "Int" : "FPIEEE", n - 1);
		return hs_swift_push_text(s, HS_SWIFT_TYPE, text);
	case 'v':
		return hs_swift_index(s, &n) && n &&
		       hs_swift_pop(s, HS_SWIFT_TYPE, &of) && of.len > 8 &&
		       hs_swift_put(s, &item, "Builtin.Vec%ux%.*s", n - 1,
				    (int)of.len - 8, s->arena + of.at + 8) &&
		       hs_swift_push(s, item);
	case 'V': /* as many as a number that is a type says */
		return hs_swift_pop(s, HS_SWIFT_TYPE, &of) &&
		       hs_swift_pop(s, HS_SWIFT_TYPE, &item) &&
		       hs_swift_put(s, &item, "Builtin.FixedArray<%.*s, %.*s>",
				    HS_SWIFT_SHOW(s, item),
				    HS_SWIFT_SHOW(s, of)) &&
		       hs_swift_push(s, item);
	default:
		break;
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (known[i].letter != c)
			continue;
		(void)snprintf(text, sizeof(text), "Builtin.%s", known[i].name);
		return hs_swift_push_text(s, HS_SWIFT_TYPE, text);
	}
	return false;
}

bool hs_swift_tuple(struct hs_swift_stack *s)
{
	struct hs_swift_item label, one,
		item = { .kind = HS_SWIFT_TYPE, .tuple = true };
	bool first = hs_swift_pop_mark(s, HS_SWIFT_EMPTY);
	while (!first) {
		first = hs_swift_pop_mark(s, HS_SWIFT_FIRST);
		bool more = hs_swift_pop_mark(s, HS_SWIFT_VARIADIC);
		(void)hs_swift_pop(s, HS_SWIFT_WORD, &label);
		if (!hs_swift_pop(s, HS_SWIFT_TYPE, &one) ||
		    !hs_swift_put(s, &item, "%.*s%s%s%.*s",
				  HS_SWIFT_SHOW(s, one), more ? "..." : "",
				  item.len ? ", " : "", HS_SWIFT_SHOW(s, item)))
			return false;
		item.params++;
	}
	return hs_swift_put(s, &item, "(%.*s)", HS_SWIFT_SHOW(s, item)) &&
	       hs_swift_push(s, item);
}

static bool pop_values(struct hs_swift_stack *s, struct hs_swift_item *ret)
{
	*ret = (struct hs_swift_item){ .tuple = true };
	if (hs_swift_pop_mark(s, HS_SWIFT_EMPTY))
		return hs_swift_put(s, ret, "()");
	return hs_swift_pop(s, HS_SWIFT_TYPE, ret);
}

bool hs_swift_pop_function(struct hs_swift_stack *s, struct hs_swift_item *ret)
{
	struct hs_swift_item mark, marks = { 0 }, params, result;
	while (hs_swift_pop(s, HS_SWIFT_MARK, &mark))
		if (mark.len &&
		    !hs_swift_put(s, &marks, "%.*s%.*s", HS_SWIFT_SHOW(s, mark),
				  HS_SWIFT_SHOW(s, marks)))
			return false;
	if (!pop_values(s, &params) || !pop_values(s, &result))
		return false;
	*ret = (struct hs_swift_item){
		.kind = HS_SWIFT_TYPE,
		.function = true,
		.loose = true,
		.params = params.tuple ? params.params : 1,
	};
	return hs_swift_put(s, ret,
			    params.tuple ? "%.*s%.*s -> %.*s"
					 : "(%.*s)%.*s -> %.*s",
			    HS_SWIFT_SHOW(s, params), HS_SWIFT_SHOW(s, marks),
			    HS_SWIFT_SHOW(s, result));
}

bool hs_swift_function_type(struct hs_swift_stack *s)
{
	struct hs_swift_item item;
	return hs_swift_pop_function(s, &item) && hs_swift_push(s, item);
}

bool hs_swift_pop_labels(struct hs_swift_stack *s,
			 const struct hs_swift_item *type)
{
	struct hs_swift_item label;
	if (hs_swift_pop_mark(s, HS_SWIFT_EMPTY) || !type->function)
		return true;
	for (unsigned i = 0; i < type->params; i++)
		if (!hs_swift_pop_mark(s, HS_SWIFT_FIRST) &&
		    !hs_swift_pop(s, HS_SWIFT_WORD, &label))
			return false;
	return true;
}

/* Go past the next character if it is one of these. */
static bool skip_any(struct hs_swift_stack *s, const char *these)
{
	if (!*s->pos || !strchr(these, *s->pos))
		return false;
	s->pos++;
	return true;
}

static unsigned skip_all(struct hs_swift_stack *s, const char *before,
			 const char *these)
{
	unsigned n = 0;
	for (; n < HS_SWIFT_ITEMS; n++) {
		if (*before && !skip_any(s, before))
			break;
		if (!skip_any(s, these))
			break;
		(void)skip_any(s, "w");
		(void)skip_any(s, "T");
		(void)skip_any(s, "I");
		(void)skip_any(s, "L");
	}
	return n;
}

/* What the compiler makes of a function: how it is called is no part of any
 * name that is shown. */
bool hs_swift_lowered_function(struct hs_swift_stack *s)
{
	static const char results[] = "rodaukgG";
	struct hs_swift_item item = { .kind = HS_SWIFT_TYPE, .function = true },
			     type;
	if (skip_any(s, "s") && (!pop_arguments(s, &type) ||
				 !hs_swift_pop_mark(s, HS_SWIFT_SIGNATURE)))
		return false;
	if (skip_any(s, "I") && !pop_arguments(s, &type))
		return false;
	if (hs_swift_pop_mark(s, HS_SWIFT_SIGNATURE))
		(void)skip_any(s, "P");
	(void)skip_any(s, "e");
	(void)skip_any(s, "A");
	(void)skip_any(s, "dlfr");
	if (!skip_any(s, "ygxt"))
		return false;
	(void)skip_any(s, "BCMJKW");
	(void)skip_any(s, "AIG");
	(void)skip_any(s, "h");
	(void)skip_any(s, "H");
	(void)skip_any(s, "T");
	unsigned types = skip_all(s, "", "ilcbnXxgeyvpm");
	types += skip_all(s, "", results);
	types += skip_all(s, "Y", "ilcbnXxgeyvpm");
	if (skip_any(s, "z"))
		types += skip_any(s, results);
	if (!skip_any(s, "_"))
		return false;
	for (unsigned i = 0; i < types; i++)
		if (!hs_swift_pop(s, HS_SWIFT_TYPE, &type))
			return false;
	return hs_swift_put(s, &item, "function") && hs_swift_push(s, item);
}

bool hs_swift_annotation(struct hs_swift_stack *s)
{
	struct hs_swift_item of;
	char c = *s->pos;
	if (!c)
		return false;
	s->pos++;
	switch (c) {
	case 'a':
		return hs_swift_push_text(s, HS_SWIFT_MARK, " async");
	case 'b': /* @Sendable */
	case 'A': /* @isolated(any) */
	case 'C': /* nonisolated(nonsending) */
	case 'T': /* sends its result */
		return hs_swift_push_text(s, HS_SWIFT_MARK, "");
	case 'j': /* differentiable, in one of four ways */
		return skip_any(s, "dlfr") &&
		       hs_swift_push_text(s, HS_SWIFT_MARK, "");
	case 'c': /* of a global actor */
		return hs_swift_pop(s, HS_SWIFT_TYPE, &of) &&
		       hs_swift_push_text(s, HS_SWIFT_MARK, "");
	case 'K':
		return hs_swift_pop(s, HS_SWIFT_TYPE, &of) &&
		       hs_swift_push_text(s, HS_SWIFT_MARK, " throws");
	case 'i':
	case 'u':
	case 'k':
	case 't':
		return hs_swift_wrap(s, "");
	default:
		return false;
	}
}

/* "A & B" of what is above the first of its list; in BASE's brackets. */
static bool pop_composition(struct hs_swift_stack *s, const char *empty,
			    const struct hs_swift_item *base)
{
	struct hs_swift_item one, all = { .kind = HS_SWIFT_TYPE };
	bool first = hs_swift_pop_mark(s, HS_SWIFT_EMPTY);
	if (base)
		all = *base;
	else if (first && !hs_swift_put(s, &all, "%s", empty))
		return false;
	struct hs_swift_item list = { .kind = HS_SWIFT_TYPE };
	while (!first) {
		first = hs_swift_pop_mark(s, HS_SWIFT_FIRST);
		if (!hs_swift_pop_protocol(s, &one) ||
		    !hs_swift_put(s, &list, "%.*s%s%.*s", HS_SWIFT_SHOW(s, one),
				  list.len ? " & " : "",
				  HS_SWIFT_SHOW(s, list)))
			return false;
	}
	if (list.len &&
	    !hs_swift_put(s, &all, "%.*s%s%.*s", HS_SWIFT_SHOW(s, all),
			  all.len ? " & " : "", HS_SWIFT_SHOW(s, list)))
		return false;
	all.nominal = all.protocol = all.is_class = false;
	all.loose = memchr(s->arena + all.at, '&', all.len) != NULL;
	return hs_swift_push(s, all);
}

bool hs_swift_protocols(struct hs_swift_stack *s)
{
	return pop_composition(s, "Any", NULL);
}

bool hs_swift_metatype(struct hs_swift_stack *s)
{
	struct hs_swift_item of, item = { .kind = HS_SWIFT_TYPE };
	return hs_swift_pop(s, HS_SWIFT_TYPE, &of) &&
	       hs_swift_put(s, &item, of.loose ? "(%.*s).Type" : "%.*s.Type",
			    HS_SWIFT_SHOW(s, of)) &&
	       hs_swift_push(s, item);
}

/* "A<Self.P.Element == B>" */
static bool constrained(struct hs_swift_stack *s)
{
	struct hs_swift_item one;
	bool first = false;
	while (!first) {
		first = hs_swift_pop_mark(s, HS_SWIFT_FIRST);
		if (!hs_swift_pop(s, HS_SWIFT_REQUIREMENT, &one))
			return false;
	}
	return hs_swift_wrap(s, "");
}

static bool boxed(struct hs_swift_stack *s, bool signature)
{
	struct hs_swift_item types;
	unsigned count;
	if (signature && (!hs_swift_pop_mark(s, HS_SWIFT_SIGNATURE) ||
			  !hs_swift_pop_types(s, &types, &count)))
		return false;
	return hs_swift_pop_types(s, &types, &count) &&
	       hs_swift_push_text(s, HS_SWIFT_TYPE, "box");
}

bool hs_swift_special_type(struct hs_swift_stack *s)
{
	struct hs_swift_item base;
	char c = *s->pos;
	if (!c)
		return false;
	s->pos++;
	switch (c) {
	case 'E':
	case 'A':
	case 'f':
	case 'K':
	case 'U':
	case 'L':
	case 'B':
	case 'C':
		return hs_swift_function_type(s);
	case 'o':
		return hs_swift_wrap(s, "unowned ");
	case 'u':
		return hs_swift_wrap(s, "unowned(unsafe) ");
	case 'w':
		return hs_swift_wrap(s, "weak ");
	case 'b':
		return hs_swift_wrap(s, "box of ");
	case 'D':
		return hs_swift_wrap(s, "");
	case 'M':
	case 'm':
		return skip_any(s, "tTo") && hs_swift_metatype(s);
	case 'p':
		return hs_swift_metatype(s);
	case 'c':
		return hs_swift_pop(s, HS_SWIFT_TYPE, &base) &&
		       pop_composition(s, "", &base);
	case 'l':
		return pop_composition(s, "Swift.AnyObject", NULL);
	case 'P':
		return constrained(s);
	case 'X':
	case 'x':
		return boxed(s, c == 'X');
	case 'e':
		return hs_swift_push_text(s, HS_SWIFT_TYPE, "error");
	default:
		return false;
	}
}
