/* SPDX-License-Identifier: MIT */
#include "types/swift_existential.h"

#include "types/swift_identifier.h"

/* What the values of an existential type are, as its protocols tell. */
struct existential {
	unsigned tables;
	bool of_class, error;
};

static void look_at_protocol(struct hs_machine *m,
			     const struct hs_item *protocol,
			     struct existential *e)
{
	uint32_t flags;
	if (hs_machine_is_called(m, protocol, "Swift.Sendable") ||
	    hs_machine_is_called(m, protocol, "Swift.Copyable") ||
	    hs_machine_is_called(m, protocol, "Swift.Escapable"))
		return; /* a mark for the compiler */
	e->tables++;
	if (hs_machine_is_called(m, protocol, "Swift.Error"))
		e->error = true;
	else if (hs_machine_is_called(m, protocol, "Swift.Actor"))
		e->of_class = true;
	else if (protocol->desc && hs_peek_u32(m->n, protocol->desc, &flags))
		e->of_class |= !(flags & 0x10000); /* the bit: any type may */
}

static struct hs_swift_shape existential_shape(struct hs_machine *m,
					       const struct existential *e)
{
	if (!m->shapes)
		return (struct hs_swift_shape){ 0 };
	if (e->error && e->tables == 1)
		return hs_machine_reference(m, 0,
					    8); /* a box of its own kind */
	if (e->of_class)
		return hs_machine_reference(m, 0, 8 + 8 * e->tables);
	return hs_swift_shape_one(m->shapes, HS_SWIFT_SLOT_ANY, 0,
				  32 + 8 * e->tables);
}

bool hs_mangled_protocols(struct hs_machine *m, const struct hs_item *base)
{
	struct hs_item all = { .kind = HS_ITEM_TYPE, .existential = 1 }, one;
	struct existential e = { .of_class = base };
	bool first;
	if (hs_machine_pop_mark(m, HS_ITEM_EMPTY_LIST)) {
		if (base && base->len)
			return hs_machine_push(m, *base);
		all.shape = existential_shape(m, &e);
		return hs_machine_put(m, &all, "%s",
				      base ? "Swift.AnyObject" : "Any") &&
		       hs_machine_push(m, all);
	}
	do {
		first = hs_machine_pop_mark(m, HS_ITEM_FIRST);
		if (!hs_mangled_protocol(m, &one) ||
		    !hs_machine_put(m, &all, "%.*s%s%.*s", HS_SHOW(m, one),
				    all.len ? " & " : "", HS_SHOW(m, all)))
			return false;
		look_at_protocol(m, &one, &e);
	} while (!first);
	all.shape = existential_shape(m, &e);
	all.loose = true;
	all.existential += e.tables;
	return hs_machine_put(
		       m, &all, "any %.*s%s%.*s", base ? (int)base->len : 0,
		       m->arena + (base ? base->at : 0),
		       base && base->len ? " & " : "", HS_SHOW(m, all)) &&
	       hs_machine_push(m, all);
}

bool hs_mangled_protocols_of_class(struct hs_machine *m)
{
	struct hs_item base;
	return hs_machine_pop(m, HS_ITEM_TYPE, &base) &&
	       hs_mangled_protocols(m, &base);
}

bool hs_mangled_requirement(struct hs_machine *m)
{
	struct hs_item protocol, name, type,
		item = { .kind = HS_ITEM_REQUIREMENT };
	char c;
	return hs_machine_next(m, &c) && c == 't' && hs_machine_next(m, &c) &&
	       c == 's' && hs_mangled_protocol(m, &protocol) &&
	       hs_machine_pop(m, HS_ITEM_WORD, &name) &&
	       hs_machine_pop(m, HS_ITEM_TYPE, &type) &&
	       hs_machine_put(m, &item, "Self.%.*s.%.*s == %.*s",
			      HS_SHOW(m, protocol), HS_SHOW(m, name),
			      HS_SHOW(m, type)) &&
	       hs_machine_push(m, item);
}

bool hs_mangled_constrained(struct hs_machine *m)
{
	struct hs_item all = { .kind = HS_ITEM_TYPE,
			       .loose = true,
			       .existential = 1 },
		       of, one;
	bool first;
	do {
		first = hs_machine_pop_mark(m, HS_ITEM_FIRST);
		if (!hs_machine_pop(m, HS_ITEM_REQUIREMENT, &one) ||
		    !hs_machine_put(m, &all, "%.*s%s%.*s", HS_SHOW(m, one),
				    all.len ? ", " : "", HS_SHOW(m, all)))
			return false;
	} while (!first);
	if (!hs_machine_pop(m, HS_ITEM_TYPE, &of))
		return false;
	all.existential = of.existential;
	if (m->shapes)
		all.shape = hs_machine_shape(m, &of);
	return hs_machine_put(m, &all, "%.*s<%.*s>", HS_SHOW(m, of),
			      HS_SHOW(m, all)) &&
	       hs_machine_push(m, all);
}

bool hs_mangled_existential_metatype(struct hs_machine *m)
{
	unsigned existential =
		m->depth ? m->stack[m->depth - 1].existential : 0;
	if (!existential || !hs_machine_wrap(m, "", ".Type"))
		return false;
	struct hs_item *top = &m->stack[m->depth - 1];
	top->loose = true;
	top->existential = existential;
	top->shape = hs_swift_shape_plain(8 * existential);
	return true;
}
