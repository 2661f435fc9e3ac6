/* SPDX-License-Identifier: MIT */
#include "types/swift_known_types.h"

#include <stdio.h>

#include "symbols/swift_letters.h"

static bool optional(struct hs_machine *m)
{
	if (!hs_machine_attach(m, "?"))
		return false;
	struct hs_item *top = &m->stack[m->depth - 1];
	if (m->shapes)
		top->shape = hs_swift_shape_optional(top->shape);
	return hs_machine_add_subst(m, *top);
}

static bool push_standard(struct hs_machine *m, enum hs_item_kind kind,
			  const char *name)
{
	struct hs_item item = { .kind = kind };
	if (m->shapes && kind == HS_ITEM_TYPE)
		(void)hs_swift_library_shape(m->shapes, name, &item.shape);
	return hs_machine_put(m, &item, "Swift.%s", name) &&
	       hs_machine_push(m, item);
}

bool hs_mangled_standard(struct hs_machine *m)
{
	char c;
	const char *name;
	unsigned times;
	if (!hs_machine_number(m, &times) || !hs_machine_next(m, &c))
		return false;
	if (c == 'g')
		return optional(m);
	if (c == 'o')
		return hs_machine_push_text(m, HS_ITEM_MODULE, "__C");
	bool concurrency = c == 'c', protocol;
	if (concurrency && !hs_machine_next(m, &c))
		return false;
	name = hs_swift_letter(c, concurrency, &protocol);
	return name &&
	       push_standard(m, protocol ? HS_ITEM_PROTOCOL : HS_ITEM_TYPE,
			     name) &&
	       (concurrency || hs_machine_repeat(m, times));
}

bool hs_mangled_substitution(struct hs_machine *m)
{
	char c;
	do {
		unsigned times;
		if (!hs_machine_number(m, &times) || !hs_machine_next(m, &c))
			return false;
		unsigned i = c == '_' ? times + 27 : (unsigned)(c | 0x20) - 'a';
		if ((c != '_' && i >= 26) || i >= m->substs ||
		    !hs_machine_push(m, m->subst[i]))
			return false;
		if (c == '_')
			return true;
		if (!hs_machine_repeat(m, times))
			return false;
	} while (c >= 'a');
	return true;
}

/* "Vec16xInt32": so many of the type on top. */
static bool vector(struct hs_machine *m)
{
	struct hs_item of, item = { .kind = HS_ITEM_TYPE };
	unsigned count;
	char c;
	return hs_machine_pop(m, HS_ITEM_TYPE, &of) && of.len > 8 &&
	       !memcmp(m->arena + of.at, "Builtin.", 8) &&
	       hs_machine_number(m, &count) && hs_machine_next(m, &c) &&
	       c == '_' &&
	       hs_machine_put(m, &item, "Builtin.Vec%ux%.*s", count,
			      (int)of.len - 8, m->arena + of.at + 8) &&
	       hs_machine_push(m, item);
}

bool hs_mangled_builtin(struct hs_machine *m)
{
	char c, kind, name[48];
	unsigned bits;
	if (!hs_machine_next(m, &c))
		return false;
	kind = c;
	switch (c) {
	case 'o':
		return hs_machine_push_shaped(m, "Builtin.NativeObject",
					      hs_machine_reference(m, 0, 8));
	case 'b':
		return hs_machine_push_shaped(m, "Builtin.BridgeObject",
					      hs_machine_reference(m, 0, 8));
	case 'O':
		return hs_machine_push_shaped(m, "Builtin.UnknownObject",
					      hs_machine_reference(m, 0, 8));
	case 'p':
		if (!hs_machine_push_text(m, HS_ITEM_TYPE,
					  "Builtin.RawPointer"))
			return false;
		return hs_machine_wrap_slot(m, "", HS_SWIFT_SLOT_UNMANAGED);
	case 'v':
		return vector(m);
	case 'w':
		return hs_machine_push_shaped(m, "Builtin.Word",
					      hs_swift_shape_plain(8));
	case 'B':
		return hs_machine_push_text(m, HS_ITEM_TYPE,
					    "Builtin.UnsafeValueBuffer");
	case 'D': /* an actor's own: jobs that wait for it */
		return hs_machine_push_text(m, HS_ITEM_TYPE,
					    "Builtin.DefaultActorStorage");
	case 'd':
		return hs_machine_push_text(
			m, HS_ITEM_TYPE,
			"Builtin.NonDefaultDistributedActorStorage");
	case 'c':
		return hs_machine_push_text(m, HS_ITEM_TYPE,
					    "Builtin.RawUnsafeContinuation");
	case 'e':
		return hs_machine_push_text(m, HS_ITEM_TYPE,
					    "Builtin.Executor");
	case 'j':
		return hs_machine_push_text(m, HS_ITEM_TYPE, "Builtin.Job");
	case 'i':
	case 'f':
		if (!hs_machine_number(m, &bits) || !hs_machine_next(m, &c) ||
		    c != '_')
			return false;
		(void)snprintf(name, sizeof(name), "Builtin.%s%u",
			       kind == 'i' ? "Int" : "FPIEEE", bits);
		return hs_machine_push_shaped(
			m, name, hs_swift_shape_plain((bits + 7) / 8));
	default:
		return false;
	}
}
