/* SPDX-License-Identifier: MIT */
#include "types/swift_function.h"

#include <stdio.h>

bool hs_mangled_tuple(struct hs_machine *m)
{
	struct hs_item all = { .kind = HS_ITEM_TYPE, .tuple = true }, label,
		       element[HS_MACHINE_ITEMS] = { 0 },
		       names[HS_MACHINE_ITEMS] = { 0 };
	unsigned count = 0;
	bool first, more[HS_MACHINE_ITEMS] = { false };
	if (hs_machine_pop_mark(m, HS_ITEM_EMPTY_LIST)) {
		all.shape = hs_swift_shape_plain(0);
		return hs_machine_put(m, &all, "()") && hs_machine_push(m, all);
	}
	do {
		first = hs_machine_pop_mark(m, HS_ITEM_FIRST);
		if (count == HS_MACHINE_ITEMS)
			return false;
		more[count] = hs_machine_pop_mark(m, HS_ITEM_VARIADIC);
		if (hs_machine_pop(m, HS_ITEM_WORD, &label))
			names[count] = label;
		if (!hs_machine_pop(m, HS_ITEM_TYPE, &element[count++]))
			return false;
	} while (!first);
	all.shape.sized = m->shapes;
	for (unsigned i = 0; i < count; i++) {
		const struct hs_item *name = &names[count - 1 - i],
				     *type = &element[count - 1 - i];
		char called[64];
		if (!hs_machine_put(m, &all, "%.*s%s%.*s%s%.*s%s",
				    HS_SHOW(m, all), i ? ", " : "(",
				    HS_SHOW(m, *name), name->len ? ": " : "",
				    HS_SHOW(m, *type),
				    more[count - 1 - i] ? "..." : ""))
			return false;
		if (!m->shapes)
			continue;
		if (name->len)
			(void)snprintf(called, sizeof(called), "%.*s",
				       HS_SHOW(m, *name));
		else
			(void)snprintf(called, sizeof(called), "%u", i);
		struct hs_swift_shape part = hs_machine_shape(m, type);
		hs_swift_shape_add(m->shapes, &all.shape, &part, called);
	}
	return hs_machine_put(m, &all, "%.*s)", HS_SHOW(m, all)) &&
	       hs_machine_push(m, all);
}

static bool pop_params(struct hs_machine *m, struct hs_item *ret)
{
	*ret = (struct hs_item){ .kind = HS_ITEM_TYPE, .tuple = true };
	if (hs_machine_pop_mark(m, HS_ITEM_EMPTY_LIST))
		return hs_machine_put(m, ret, "()");
	return hs_machine_pop(m, HS_ITEM_TYPE, ret);
}

bool hs_mangled_function(struct hs_machine *m, const char *convention,
			 struct hs_swift_shape shape)
{
	bool async = false, sending = false, more = true;
	struct hs_item params, result, mark,
		throws = { 0 }, marks = { 0 },
		item = { .kind = HS_ITEM_TYPE, .loose = true, .shape = shape };
	while (more) {
		if (hs_machine_pop(m, HS_ITEM_MARK, &mark)) {
			if (!hs_machine_put(m, &marks, "%.*s%.*s",
					    HS_SHOW(m, marks),
					    HS_SHOW(m, mark)))
				return false;
		} else if (hs_machine_pop_mark(m, HS_ITEM_ASYNC)) {
			async = true;
		} else if (hs_machine_pop_mark(m, HS_ITEM_SENDING)) {
			sending = true;
		} else {
			more = hs_machine_pop(m, HS_ITEM_THROWS, &throws);
		}
	}
	if (!pop_params(m, &params) || !pop_params(m, &result))
		return false;
	return hs_machine_put(m, &item, "%s%.*s%s%.*s%s%s%.*s -> %s%.*s",
			      convention, HS_SHOW(m, marks),
			      params.tuple ? "" : "(", HS_SHOW(m, params),
			      params.tuple ? "" : ")", async ? " async" : "",
			      HS_SHOW(m, throws), sending ? "sending " : "",
			      HS_SHOW(m, result)) &&
	       hs_machine_push(m, item);
}

/* Go past the next character if it is one of these. */
static bool skip_any(struct hs_machine *m, const char *these)
{
	char c = hs_machine_peek(m);
	if (!c || !strchr(these, c))
		return false;
	m->pos++;
	return true;
}

/* Past all of them, each with a letter for "sending"; how many. */
static unsigned skip_all(struct hs_machine *m, const char *these)
{
	unsigned n = 0;
	while (n < HS_MACHINE_ITEMS && skip_any(m, these)) {
		(void)skip_any(m, "w");
		(void)skip_any(m, "T");
		n++;
	}
	return n;
}

bool hs_mangled_lowered_function(struct hs_machine *m)
{
	struct hs_item type[HS_MACHINE_ITEMS],
		item = { .kind = HS_ITEM_TYPE,
			 .loose = true,
			 .shape = hs_machine_reference(m, 8, 16) };
	unsigned params, results;
	/* Whether it escapes, is isolated, differentiable; who holds it; how
	 * it is called; whether it yields. A signature of its own (s) and
	 * substitutions (I) would come before. */
	(void)skip_any(m, "P");
	(void)skip_any(m, "e");
	(void)skip_any(m, "A");
	(void)skip_any(m, "dlfr");
	if (!skip_any(m, "ygxt"))
		return false;
	(void)skip_any(m, "BCMJKW");
	(void)skip_any(m, "AIG");
	(void)skip_any(m, "h");
	bool async = skip_any(m, "H");
	(void)skip_any(m, "T");
	params = skip_all(m, "ilcbnXxgeyvpm");
	results = skip_all(m, "rodauk");
	bool throws = skip_any(m, "z");
	unsigned errors = throws && skip_any(m, "rodauk");
	if (!skip_any(m, "_") || params + results + errors > m->depth)
		return false;
	unsigned first = m->depth - params - results - errors;
	for (unsigned i = first; i < m->depth; i++) {
		type[i - first] = m->stack[i];
		if (type[i - first].kind != HS_ITEM_TYPE)
			return false;
	}
	m->depth = first;
	if (!hs_machine_put(m, &item, "("))
		return false;
	for (unsigned i = 0; i < params; i++)
		if (!hs_machine_put(m, &item, "%.*s%s%.*s", HS_SHOW(m, item),
				    i ? ", " : "", HS_SHOW(m, type[i])))
			return false;
	if (!hs_machine_put(m, &item, "%.*s)%s%s -> %s", HS_SHOW(m, item),
			    async ? " async" : "", throws ? " throws" : "",
			    results == 1 ? "" : "("))
		return false;
	for (unsigned i = 0; i < results; i++)
		if (!hs_machine_put(m, &item, "%.*s%s%.*s", HS_SHOW(m, item),
				    i ? ", " : "",
				    HS_SHOW(m, type[params + i])))
			return false;
	return hs_machine_put(m, &item, "%.*s%s", HS_SHOW(m, item),
			      results == 1 ? "" : ")") &&
	       hs_machine_push(m, item);
}

bool hs_mangled_boxed(struct hs_machine *m)
{
	struct hs_item all = { .kind = HS_ITEM_TYPE,
			       .shape = hs_machine_reference(m, 0, 8) },
		       one;
	bool first;
	if (hs_machine_pop_mark(m, HS_ITEM_EMPTY_LIST))
		return false;
	do {
		first = hs_machine_pop_mark(m, HS_ITEM_FIRST);
		if (!hs_machine_pop(m, HS_ITEM_TYPE, &one))
			return false;
		/* How a box marks what may change. */
		if (one.len > 6 && !memcmp(m->arena + one.at, "inout ", 6)) {
			one.at += 6;
			one.len -= 6;
		}
		if (!hs_machine_put(m, &all, "%.*s%s%.*s", HS_SHOW(m, one),
				    all.len ? ", " : "", HS_SHOW(m, all)))
			return false;
	} while (!first);
	return hs_machine_put(m, &all, "box of %.*s", HS_SHOW(m, all)) &&
	       hs_machine_push(m, all);
}
