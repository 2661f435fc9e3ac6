/* SPDX-License-Identifier: MIT */
#include "types/swift_known_types.h"

#include <stdio.h>

struct letter {
	char letter;
	const char *name;
};

/* clang-format off */
static const struct letter standard_types[] = {
	{ 'A', "AutoreleasingUnsafeMutablePointer" }, { 'a', "Array" },
	{ 'b', "Bool" }, { 'D', "Dictionary" }, { 'd', "Double" },
	{ 'f', "Float" }, { 'h', "Set" }, { 'I', "DefaultIndices" },
	{ 'i', "Int" }, { 'J', "Character" }, { 'N', "ClosedRange" },
	{ 'n', "Range" }, { 'O', "ObjectIdentifier" },
	{ 'P', "UnsafePointer" }, { 'p', "UnsafeMutablePointer" },
	{ 'q', "Optional" }, { 'R', "UnsafeBufferPointer" },
	{ 'r', "UnsafeMutableBufferPointer" }, { 'S', "String" },
	{ 's', "Substring" }, { 'u', "UInt" }, { 'V', "UnsafeRawPointer" },
	{ 'v', "UnsafeMutableRawPointer" },
	{ 'W', "UnsafeRawBufferPointer" },
	{ 'w', "UnsafeMutableRawBufferPointer" },
};
static const struct letter standard_protocols[] = {
	{ 'B', "BinaryFloatingPoint" }, { 'E', "Encodable" },
	{ 'e', "Decodable" }, { 'F', "FloatingPoint" },
	{ 'G', "RandomNumberGenerator" }, { 'H', "Hashable" },
	{ 'j', "Numeric" }, { 'K', "BidirectionalCollection" },
	{ 'k', "RandomAccessCollection" }, { 'L', "Comparable" },
	{ 'l', "Collection" }, { 'M', "MutableCollection" },
	{ 'm', "RangeReplaceableCollection" }, { 'Q', "Equatable" },
	{ 'T', "Sequence" }, { 't', "IteratorProtocol" },
	{ 'U', "UnsignedInteger" }, { 'X', "RangeExpression" },
	{ 'x', "Strideable" }, { 'Y', "RawRepresentable" },
	{ 'y', "StringProtocol" }, { 'Z', "SignedInteger" },
	{ 'z', "BinaryInteger" },
};
static const struct letter concurrency_types[] = {
	{ 'C', "CheckedContinuation" }, { 'c', "UnsafeContinuation" },
	{ 'E', "CancellationError" }, { 'e', "UnownedSerialExecutor" }, { 'G', "TaskGroup" },
	{ 'g', "ThrowingTaskGroup" }, { 'J', "UnownedJob" },
	{ 'M', "MainActor" }, { 'P', "TaskPriority" },
	{ 'S', "AsyncStream" }, { 's', "AsyncThrowingStream" },
	{ 'T', "Task" }, { 't', "UnsafeCurrentTask" },
};
static const struct letter concurrency_protocols[] = {
	{ 'A', "Actor" }, { 'F', "Executor" }, { 'f', "SerialExecutor" },
	{ 'h', "TaskExecutor" }, { 'I', "AsyncIteratorProtocol" },
	{ 'i', "AsyncSequence" },
};
/* clang-format on */
#define LOOK_UP(table, c) look_up(table, sizeof(table) / sizeof(table[0]), c)

static const char *look_up(const struct letter *entry, size_t count,
			   char letter)
{
	for (size_t i = 0; i < count; i++)
		if (entry[i].letter == letter)
			return entry[i].name;
	return NULL;
}

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
	if (c == 'c') {
		name = hs_machine_next(m, &c) ? LOOK_UP(concurrency_types, c)
					      : NULL;
		if (name)
			return push_standard(m, HS_ITEM_TYPE, name);
		name = LOOK_UP(concurrency_protocols, c);
		return name && push_standard(m, HS_ITEM_PROTOCOL, name);
	}
	name = LOOK_UP(standard_types, c);
	if (name)
		return push_standard(m, HS_ITEM_TYPE, name) &&
		       hs_machine_repeat(m, times);
	name = LOOK_UP(standard_protocols, c);
	return name && push_standard(m, HS_ITEM_PROTOCOL, name);
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
