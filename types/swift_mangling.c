/* SPDX-License-Identifier: MIT */
#include "types/swift_mangling.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/limits.h"

/*
 * A stack machine, as the mangling is meant to be read: operands come before
 * operators. Each operand is a piece of text in one arena of fixed size, so a
 * name that would grow without end fails instead. All that types of fields and
 * captures commonly have is here; anything else fails as a whole.
 */
#define MAX_ITEMS 64u
#define ARENA 6000u

enum item_kind {
	ITEM_TYPE,
	ITEM_PROTOCOL,
	ITEM_MODULE,
	ITEM_WORD, /* an identifier */
	ITEM_EMPTY_LIST,
	ITEM_FIRST, /* the element below is the first of its list */
	ITEM_THROWS,
	ITEM_ASYNC,
	ITEM_MARK, /* of a function, not shown */
};

struct item {
	enum item_kind kind;
	unsigned at, len; /* in the arena */
};

struct machine {
	struct hs_naming *n;
	hs_addr pos;
	const struct hs_swift_args *args;
	struct item stack[MAX_ITEMS], subst[MAX_ITEMS];
	unsigned depth, substs;
	char arena[ARENA];
	unsigned used;
};

/* Names deeper than this are about extensions of extensions. */
#define MAX_NESTING 8u

static bool next_char(struct machine *m, char *ret)
{
	uint64_t c;
	if (!hs_window_uint(&m->n->meta, m->pos, 1, &c))
		return false;
	m->pos++;
	*ret = (char)c;
	return true;
}

static char peek_char(struct machine *m)
{
	uint64_t c;
	return (char)(hs_window_uint(&m->n->meta, m->pos, 1, &c) ? c : 0);
}

static bool push(struct machine *m, struct item item)
{
	if (m->depth == MAX_ITEMS)
		return false;
	m->stack[m->depth++] = item;
	return true;
}

static bool push_mark(struct machine *m, enum item_kind kind)
{
	return push(m, (struct item){ kind, 0, 0 });
}

static bool pop(struct machine *m, enum item_kind kind, struct item *ret)
{
	if (!m->depth || m->stack[m->depth - 1].kind != kind)
		return false;
	*ret = m->stack[--m->depth];
	return true;
}

static bool pop_mark(struct machine *m, enum item_kind kind)
{
	struct item item;
	return pop(m, kind, &item);
}

/* What is called "%.*s" below: the text of an item. */
#define SHOW(m, item) (int)(item).len, (m)->arena + (item).at

__attribute__((__format__(__printf__, 3, 4))) static bool
put(struct machine *m, struct item *ret, const char *fmt, ...)
{
	char text[ARENA]; /* the arguments are in the arena themselves */
	va_list ap;
	va_start(ap, fmt);
	int len = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (len < 0 || (unsigned)len >= ARENA - m->used)
		return false;
	memcpy(m->arena + m->used, text, (size_t)len);
	ret->at = m->used;
	ret->len = (unsigned)len;
	m->used += (unsigned)len;
	return true;
}

static bool push_text(struct machine *m, enum item_kind kind, const char *text)
{
	struct item item = { kind, 0, 0 };
	return put(m, &item, "%s", text) && push(m, item);
}

static bool add_subst(struct machine *m, struct item item)
{
	if (m->substs == MAX_ITEMS)
		return false;
	m->subst[m->substs++] = item;
	return true;
}

/* 0x01: the descriptor itself; 0x02: a pointer to it. */
static bool symbolic(struct machine *m, char how)
{
	hs_addr desc;
	uint64_t slot;
	char name[HS_LIMIT_STRING];
	struct hs_text text;
	if (how > 2 || !hs_swift_relative(m->n, m->pos, &desc))
		return false;
	m->pos += 4;
	if (how == 2) {
		if (!hs_peek(m->n, desc, &slot))
			return false;
		desc = slot;
	}
	hs_text_init(&text, name, sizeof(name));
	unsigned kind = hs_swift_context_kind(m->n, desc);
	struct item item = { kind == HS_SWIFT_KIND_PROTOCOL ? ITEM_PROTOCOL
							    : ITEM_TYPE,
			     0, 0 };
	return hs_swift_context_name(m->n, desc, NULL, &text) &&
	       put(m, &item, "%s", name) && push(m, item) && add_subst(m, item);
}

static bool number(struct machine *m, unsigned *ret)
{
	unsigned value = 0;
	char c;
	while (c = peek_char(m), c >= '0' && c <= '9') {
		if (value > 10000)
			return false;
		value = value * 10 + (unsigned)(c - '0');
		m->pos++;
	}
	*ret = value;
	return true;
}

static bool identifier(struct machine *m, char first)
{
	char name[512], c;
	unsigned len;
	/* 0: pieces of earlier words, which names in records do not use. */
	if (first == '0')
		return false;
	m->pos--;
	if (!number(m, &len) || len == 0 || len >= sizeof(name))
		return false;
	for (unsigned i = 0; i < len; i++) {
		if (!next_char(m, &c) || !c)
			return false;
		name[i] = c;
	}
	name[len] = 0;
	return push_text(m, ITEM_WORD, name) &&
	       add_subst(m, m->stack[m->depth - 1]);
}

/* context, identifier -> a type or protocol of that name. A module is an
 * identifier, too. */
static bool nominal(struct machine *m, enum item_kind kind)
{
	struct item word, context, item = { kind, 0, 0 };
	return pop(m, ITEM_WORD, &word) &&
	       (pop(m, ITEM_MODULE, &context) || pop(m, ITEM_TYPE, &context) ||
		pop(m, ITEM_WORD, &context)) &&
	       put(m, &item, "%.*s.%.*s", SHOW(m, context), SHOW(m, word)) &&
	       push(m, item) && add_subst(m, item);
}

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
	{ 'E', "CancellationError" }, { 'G', "TaskGroup" },
	{ 'g', "ThrowingTaskGroup" }, { 'J', "UnownedJob" },
	{ 'M', "MainActor" }, { 'P', "TaskPriority" },
	{ 'S', "AsyncStream" }, { 's', "AsyncThrowingStream" },
	{ 'T', "Task" }, { 't', "UnsafeCurrentTask" },
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

static bool optional(struct machine *m)
{
	struct item of, item = { ITEM_TYPE, 0, 0 };
	return pop(m, ITEM_TYPE, &of) &&
	       put(m, &item, m->arena[of.at] == '(' ? "(%.*s)?" : "%.*s?",
		   SHOW(m, of)) &&
	       push(m, item) && add_subst(m, item);
}

static bool push_standard(struct machine *m, enum item_kind kind,
			  const char *name)
{
	struct item item = { kind, 0, 0 };
	return put(m, &item, "Swift.%s", name) && push(m, item);
}

static bool standard(struct machine *m)
{
	char c;
	const char *name;
	if (!next_char(m, &c))
		return false;
	if (c == 'g')
		return optional(m);
	if (c == 'o')
		return push_text(m, ITEM_MODULE, "__C");
	if (c == 'c') {
		name = next_char(m, &c) ? LOOK_UP(concurrency_types, c) : NULL;
		return name && push_standard(m, ITEM_TYPE, name);
	}
	name = LOOK_UP(standard_types, c);
	if (name)
		return push_standard(m, ITEM_TYPE, name);
	name = LOOK_UP(standard_protocols, c);
	return name && push_standard(m, ITEM_PROTOCOL, name);
}

/* A..Z: the last one; a..z: and more follow. */
static bool substitution(struct machine *m)
{
	char c;
	do {
		if (!next_char(m, &c))
			return false;
		unsigned i = (unsigned)(c | 0x20) - 'a';
		if (i >= 26 || i >= m->substs || !push(m, m->subst[i]))
			return false;
	} while (c >= 'a');
	return true;
}

/* Take the types down to the list's beginning; *FIRST is the lowest. */
static bool pop_types(struct machine *m, unsigned *first)
{
	unsigned at = m->depth;
	while (at > 0 && m->stack[at - 1].kind == ITEM_TYPE)
		at--;
	if (at == 0 || m->stack[at - 1].kind != ITEM_EMPTY_LIST)
		return false;
	*first = at;
	return true;
}

static bool bound_generic(struct machine *m)
{
	unsigned first, end = m->depth;
	struct item name = { ITEM_TYPE, 0, 0 };
	if (!pop_types(m, &first) || first == end || first < 2 ||
	    m->stack[first - 2].kind != ITEM_TYPE)
		return false;
	name = m->stack[first - 2];
	for (unsigned i = first; i < end; i++)
		if (!put(m, &name, "%.*s%s%.*s", SHOW(m, name),
			 i == first ? "<" : ", ", SHOW(m, m->stack[i])))
			return false;
	m->depth = first - 2;
	return put(m, &name, "%.*s>", SHOW(m, name)) && push(m, name) &&
	       add_subst(m, name);
}

/* (A, label: B): from the last element to the one that is marked first. */
static bool tuple(struct machine *m)
{
	struct item all = { ITEM_TYPE, 0, 0 }, type, label;
	bool first;
	if (pop_mark(m, ITEM_EMPTY_LIST))
		return push_text(m, ITEM_TYPE, "()");
	if (!put(m, &all, "%s", ")"))
		return false;
	do {
		bool last = all.len == 1;
		first = pop_mark(m, ITEM_FIRST);
		bool named = pop(m, ITEM_WORD, &label);
		if (!pop(m, ITEM_TYPE, &type) ||
		    !put(m, &all, "%.*s%s%.*s%s%.*s",
			 named ? (int)label.len : 0,
			 m->arena + label.at * named, named ? ": " : "",
			 SHOW(m, type), last ? "" : ", ", SHOW(m, all)))
			return false;
	} while (!first);
	return put(m, &all, "(%.*s", SHOW(m, all)) && push(m, all);
}

/* Protocols down to the one marked first, or none. */
static bool protocols(struct machine *m, const char *none)
{
	struct item all = { ITEM_TYPE, 0, 0 }, one;
	bool first;
	if (pop_mark(m, ITEM_EMPTY_LIST))
		return push_text(m, ITEM_TYPE, none);
	do {
		first = pop_mark(m, ITEM_FIRST);
		if (!pop(m, ITEM_PROTOCOL, &one) ||
		    !put(m, &all, "%.*s%s%.*s", SHOW(m, one),
			 all.len ? " & " : "", SHOW(m, all)))
			return false;
	} while (!first);
	return put(m, &all, "any %.*s", SHOW(m, all)) && push(m, all);
}

static bool pop_params(struct machine *m, struct item *ret)
{
	*ret = (struct item){ ITEM_TYPE, 0, 0 };
	if (pop_mark(m, ITEM_EMPTY_LIST))
		return put(m, ret, "()");
	return pop(m, ITEM_TYPE, ret);
}

static bool function(struct machine *m)
{
	bool throws = false, async = false, more = true;
	struct item params, result, item = { ITEM_TYPE, 0, 0 };
	while (more) {
		if (pop_mark(m, ITEM_THROWS))
			throws = true;
		else if (pop_mark(m, ITEM_ASYNC))
			async = true;
		else
			more = pop_mark(m, ITEM_MARK);
	}
	if (!pop_params(m, &params) || !pop_params(m, &result))
		return false;
	bool bare = m->arena[params.at] != '(';
	return put(m, &item, "%s%.*s%s%s%s -> %.*s", bare ? "(" : "",
		   SHOW(m, params), bare ? ")" : "", async ? " async" : "",
		   throws ? " throws" : "", SHOW(m, result)) &&
	       push(m, item);
}

/* A type with a word before and after it. */
static bool wrap(struct machine *m, const char *before, const char *after)
{
	struct item of, item = { ITEM_TYPE, 0, 0 };
	return pop(m, ITEM_TYPE, &of) &&
	       put(m, &item, "%s%.*s%s", before, SHOW(m, of), after) &&
	       push(m, item);
}

static bool operator_x(struct machine *m)
{
	char c;
	if (!next_char(m, &c))
		return false;
	switch (c) {
	case 'w':
		return wrap(m, "weak ", "");
	case 'o':
		return wrap(m, "unowned ", "");
	case 'u':
		return wrap(m, "unowned(unsafe) ", "");
	case 'l':
		return protocols(m, "Swift.AnyObject");
	case 'f':
	case 'E':
	case 'K':
	case 'C':
	case 'B':
		return function(m);
	case 'b':
		return wrap(m, "box of ", "");
	case 'p':
		return wrap(m, "", ".Type");
	default:
		return false;
	}
}

static bool operator_y(struct machine *m)
{
	char c;
	if (!next_char(m, &c))
		return false;
	switch (c) {
	case 'a':
		return push_mark(m, ITEM_ASYNC);
	case 'b':
	case 'A':
	case 'j':
	case 'C':
		return push_mark(m, ITEM_MARK);
	case 'i':
		return true; /* isolated: nothing to show */
	default:
		return false;
	}
}

static bool builtin(struct machine *m)
{
	char c, name[32];
	unsigned bits;
	if (!next_char(m, &c))
		return false;
	switch (c) {
	case 'o':
		return push_text(m, ITEM_TYPE, "Builtin.NativeObject");
	case 'b':
		return push_text(m, ITEM_TYPE, "Builtin.BridgeObject");
	case 'O':
		return push_text(m, ITEM_TYPE, "Builtin.UnknownObject");
	case 'p':
		return push_text(m, ITEM_TYPE, "Builtin.RawPointer");
	case 'w':
		return push_text(m, ITEM_TYPE, "Builtin.Word");
	case 'i':
	case 'f':
		if (!number(m, &bits) || !next_char(m, &c) || c != '_')
			return false;
		(void)snprintf(name, sizeof(name), "Builtin.Int%u", bits);
		return push_text(m, ITEM_TYPE, name);
	default:
		return false;
	}
}

/* A parameter of the generic type around: what it stands for, or a letter. */
static bool parameter(struct machine *m, unsigned i)
{
	char name[HS_LIMIT_STRING];
	struct hs_text text;
	uint64_t arg;
	if (i >= 26)
		return false;
	hs_text_init(&text, name, sizeof(name));
	if (!m->args || m->args->at == HS_NO_ADDR ||
	    !hs_peek(m->n, m->args->at + 8 * (uint64_t)i, &arg) ||
	    !hs_swift_inner_name(m->n, arg, m->args->depth + 1, &text)) {
		name[0] = (char)('A' + (int)i);
		name[1] = 0;
	}
	return push_text(m, ITEM_TYPE, name);
}

static bool numbered_parameter(struct machine *m)
{
	unsigned i = 0;
	char c = peek_char(m);
	bool first = c == '_';
	if (!first && (c < '0' || c > '9'))
		return false;
	if (!number(m, &i) || !next_char(m, &c) || c != '_')
		return false;
	return parameter(m, first ? 1 : i + 2);
}

static bool step(struct machine *m, char c)
{
	struct item word, name;
	if (c > 0 && c < 0x20)
		return symbolic(m, c);
	if (c >= '0' && c <= '9')
		return identifier(m, c);
	switch (c) {
	case 'A':
		return substitution(m);
	case 'B':
		return builtin(m);
	case 'C':
	case 'V':
	case 'O':
	case 'a':
		return nominal(m, ITEM_TYPE);
	case 'P':
		return nominal(m, ITEM_PROTOCOL);
	case 'G':
		return bound_generic(m);
	case 'K':
		return push_mark(m, ITEM_THROWS);
	case 'L': /* private: a discriminator comes before the name */
		if (!next_char(m, &c) || c != 'L' ||
		    !pop(m, ITEM_WORD, &word) || !pop(m, ITEM_WORD, &name))
			return false;
		return push(m, name);
	case 'S':
		return standard(m);
	case 'X':
		return operator_x(m);
	case 'Y':
		return operator_y(m);
	case 'c':
		return function(m);
	case 'h':
	case 'n':
		return true; /* shared, owned */
	case 'm':
		return wrap(m, "", ".Type");
	case 'p':
		return protocols(m, "Any");
	case 'q':
		return numbered_parameter(m);
	case 's':
		return push_text(m, ITEM_MODULE, "Swift");
	case 't':
		return tuple(m);
	case 'x':
		return parameter(m, 0);
	case 'y':
		return push_mark(m, ITEM_EMPTY_LIST);
	case 'z':
		return wrap(m, "inout ", "");
	case '_':
		return push_mark(m, ITEM_FIRST);
	default:
		return false;
	}
}

bool hs_swift_demangle(struct hs_naming *n, hs_addr addr,
		       const struct hs_swift_args *args, struct hs_text *out)
{
	struct machine m = { .n = n, .pos = addr, .args = args };
	struct item result;
	char c;
	bool ok = n->depth < MAX_NESTING;
	n->depth++;
	/* A name has no more steps than the arena has room for. */
	for (unsigned steps = 0; ok; steps++) {
		ok = steps < ARENA && next_char(&m, &c);
		if (!ok || !c)
			break;
		ok = step(&m, c);
	}
	n->depth--;
	if (!ok || !pop(&m, ITEM_TYPE, &result) || m.depth)
		return false;
	hs_text_put(out, m.arena + result.at, result.len);
	return !out->full;
}
