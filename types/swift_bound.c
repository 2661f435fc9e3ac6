/* SPDX-License-Identifier: MIT */
#include "types/swift_bound.h"

/* Take types, and marks between levels, down to the list's beginning: the
 * lowest is *FIRST. */
static bool pop_types(struct hs_machine *m, unsigned *first)
{
	unsigned at = m->depth;
	while (at > 0 && (m->stack[at - 1].kind == HS_ITEM_TYPE ||
			  m->stack[at - 1].kind == HS_ITEM_FIRST))
		at--;
	if (at == 0 || m->stack[at - 1].kind != HS_ITEM_EMPTY_LIST)
		return false;
	*first = at;
	return true;
}

/* Of NAME, with the types on the stack for its parameters. */
static struct hs_swift_shape bound_shape(struct hs_machine *m,
					 const struct hs_item *name,
					 unsigned first, unsigned end)
{
	struct hs_swift_shape arg[HS_MACHINE_ITEMS], sum = { .sized = true };
	unsigned count = 0;
	bool optional = hs_machine_is_called(m, name, "Swift.Optional");
	bool range = hs_machine_is_called(m, name, "Swift.Range") ||
		     hs_machine_is_called(m, name, "Swift.ClosedRange");
	/* What an array is of is somewhere else. */
	if (!name->desc && !optional && !range)
		return hs_machine_shape(m, name);
	for (unsigned i = first; i < end; i++)
		if (m->stack[i].kind == HS_ITEM_TYPE)
			arg[count++] = hs_machine_shape(m, &m->stack[i]);
	if (!count)
		return hs_swift_shape_unknown(m->shapes);
	struct hs_swift_args args = { .at = HS_NO_ADDR,
				      .context = name->desc,
				      .shape = arg,
				      .shapes = count };
	if (name->desc)
		return hs_swift_shape_described(m->n, m->shapes, name->desc,
						&args);
	if (optional)
		return hs_swift_shape_optional(arg[0]);
	hs_swift_shape_add(m->shapes, &sum, &arg[0], "lowerBound");
	hs_swift_shape_add(m->shapes, &sum, &arg[0], "upperBound");
	return sum;
}

/* "<A, B>" behind what TEXT has: the types of one level, up to END. */
static bool put_level(struct hs_machine *m, struct hs_item *text,
		      unsigned first, unsigned end)
{
	for (unsigned i = first; i < end; i++)
		if (!hs_machine_put(m, text, "%.*s%s%.*s%s", HS_SHOW(m, *text),
				    i == first ? "<" : ", ",
				    HS_SHOW(m, m->stack[i]),
				    i + 1 == end ? ">" : ""))
			return false;
	return true;
}

/* How many levels of types there are around a type, itself included. */
static unsigned levels(const struct hs_machine *m, unsigned first, unsigned end)
{
	unsigned n = 1;
	for (unsigned i = first; i < end; i++)
		n += m->stack[i].kind == HS_ITEM_FIRST;
	return n;
}

/* Of "m.Outer.Inner" the end of the part that has LEFT names behind it. */
static unsigned part_end(const struct hs_machine *m, const struct hs_item *name,
			 unsigned left)
{
	unsigned end = name->len;
	for (; left > 0; left--) {
		while (end > 0 && m->arena[name->at + end - 1] != '.')
			end--;
		end -= end > 0;
	}
	return end;
}

/* NAME with its arguments: "m.Outer<A>.Inner<B>" from Outer.Inner and A_B. */
static bool put_bound(struct hs_machine *m, const struct hs_item *name,
		      unsigned first, unsigned end, struct hs_item *ret)
{
	unsigned left = levels(m, first, end), from = 0;
	/* In an extension, the outer ones are there already. */
	bool there = memchr(m->arena + name->at, '<', name->len);
	for (unsigned at = first; left-- > 0; at++) {
		unsigned stop = at, to = part_end(m, name, left);
		while (stop < end && m->stack[stop].kind == HS_ITEM_TYPE)
			stop++;
		if (there && left)
			to = from;
		if (to < from ||
		    !hs_machine_put(m, ret, "%.*s%.*s", HS_SHOW(m, *ret),
				    (int)(to - from),
				    m->arena + name->at + from) ||
		    (!(there && left) && !put_level(m, ret, at, stop)))
			return false;
		from = to;
		at = stop;
	}
	return true;
}

bool hs_mangled_bound_generic(struct hs_machine *m)
{
	unsigned first, end = m->depth;
	struct hs_item name, item = { .kind = HS_ITEM_TYPE };
	if (!pop_types(m, &first) || first == end || first < 2 ||
	    m->stack[first - 2].kind != HS_ITEM_TYPE)
		return false;
	name = m->stack[first - 2];
	if (m->shapes)
		item.shape = bound_shape(m, &name, first, end);
	if (!put_bound(m, &name, first, end, &item))
		return false;
	m->depth = first - 2;
	return hs_machine_push(m, item) && hs_machine_add_subst(m, item);
}
