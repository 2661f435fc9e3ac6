/* SPDX-License-Identifier: MIT */
#include "types/swift_mangling.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/limits.h"
#include "types/swift_generics.h"
#include "types/swift_shape.h"

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
	ITEM_MARK,        /* of a function, not shown */
	ITEM_REQUIREMENT, /* "Self.P.Element == A" */
};

struct item {
	enum item_kind kind;
	unsigned at, len; /* in the arena */
	hs_addr desc;     /* what it was named by; 0: by its name */
	/* How values of it lie in memory; nothing in it: not known yet. */
	struct hs_swift_shape shape;
};

#define MAX_WORDS 26u

struct machine {
	struct hs_naming *n;
	hs_addr pos;
	const struct hs_swift_args *args;
	struct item stack[MAX_ITEMS], subst[MAX_ITEMS];
	unsigned depth, substs;
	char arena[ARENA];
	unsigned used;
	struct hs_swift_shapes *shapes; /* NULL: the text is all */
	/* Words of identifiers, which later ones may refer to. */
	struct {
		unsigned at, len; /* in the arena */
	} word[MAX_WORDS];
	unsigned words;
};

/* Names deeper than this are about extensions of extensions. */
#define MAX_NESTING 24u

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
	return push(m, (struct item){ .kind = kind });
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
	struct item item = { .kind = kind };
	return put(m, &item, "%s", text) && push(m, item);
}

static bool push_shaped(struct machine *m, const char *text,
			struct hs_swift_shape shape)
{
	struct item item = { .kind = ITEM_TYPE, .shape = shape };
	return put(m, &item, "%s", text) && push(m, item);
}

/* One reference in SIZE bytes, OFFSET from their start. */
static struct hs_swift_shape reference(struct machine *m, uint32_t offset,
				       uint32_t size)
{
	if (!m->shapes)
		return (struct hs_swift_shape){ 0 };
	return hs_swift_shape_one(m->shapes, HS_SWIFT_SLOT_REF, offset, size);
}

/* How values of a type lie in memory. Only with m->shapes. */
static struct hs_swift_shape shape_of(struct machine *m,
				      const struct item *item)
{
	if (item->shape.sized || item->shape.count)
		return item->shape;
	if (item->desc)
		return hs_swift_shape_described(m->n, m->shapes, item->desc,
						NULL);
	return hs_swift_shape_unknown(m->shapes);
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
	struct item item = { .kind = kind == HS_SWIFT_KIND_PROTOCOL
					     ? ITEM_PROTOCOL
					     : ITEM_TYPE,
			     .desc = desc };
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

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

/* Keep the words of TEXT: "parseJSONText" has parse, JSONText. */
static void keep_words(struct machine *m, unsigned at, unsigned len)
{
	unsigned start = UINT_MAX;
	const char *text = m->arena + at;
	for (unsigned i = 0; i <= len && m->words < MAX_WORDS; i++) {
		char c = '\0'; /* the end of TEXT */
		if (i < len)
			c = text[i];
		if (start != UINT_MAX &&
		    (c == '_' || !c ||
		     (is_upper(c) && !is_upper(text[i - 1])))) {
			if (i - start >= 2) {
				m->word[m->words].at = at + start;
				m->word[m->words++].len = i - start;
			}
			start = UINT_MAX;
		}
		if (start == UINT_MAX && c && c != '_' && (c < '0' || c > '9'))
			start = i;
	}
}

/* LEN bytes that follow, behind what NAME has. */
static bool literal(struct machine *m, struct item *name, unsigned len)
{
	char text[512], c;
	struct item part = { 0 };
	if (len == 0 || len >= sizeof(text))
		return false;
	for (unsigned i = 0; i < len; i++) {
		if (!next_char(m, &c) || !c)
			return false;
		text[i] = c;
	}
	text[len] = 0;
	if (!put(m, &part, "%s", text))
		return false;
	keep_words(m, part.at, len);
	return put(m, name, "%.*s%s", SHOW(m, *name), text);
}

/* A name, or (after a 0) words of earlier ones with new text between. */
static bool identifier(struct machine *m, char first)
{
	struct item name = { .kind = ITEM_WORD };
	unsigned len;
	bool words = first == '0';
	if (!words)
		m->pos--;
	else if (peek_char(m) == '0')
		return false; /* not ASCII */
	do {
		char c = peek_char(m);
		while (words && ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')) {
			unsigned i = (unsigned)(c | 0x20) - 'a';
			m->pos++;
			words = !is_upper(c);
			if (i >= m->words ||
			    !put(m, &name, "%.*s%.*s", SHOW(m, name),
				 (int)m->word[i].len, m->arena + m->word[i].at))
				return false;
			c = peek_char(m);
		}
		if (c == '0') {
			m->pos++;
			break;
		}
		if (!number(m, &len) || !literal(m, &name, len))
			return false;
	} while (words);
	return name.len && push(m, name) && add_subst(m, name);
}

/* context, identifier -> a type or protocol of that name. A module is an
 * identifier, too. */
static bool nominal(struct machine *m, enum item_kind kind)
{
	struct item word, context, item = { .kind = kind };
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

static bool optional(struct machine *m)
{
	struct item of, item = { .kind = ITEM_TYPE };
	if (!pop(m, ITEM_TYPE, &of))
		return false;
	if (m->shapes)
		item.shape = hs_swift_shape_optional(shape_of(m, &of));
	bool bare = m->arena[of.at] != '(' &&
		    (of.len < 4 || memcmp(m->arena + of.at, "any ", 4) != 0);
	return put(m, &item, bare ? "%.*s?" : "(%.*s)?", SHOW(m, of)) &&
	       push(m, item) && add_subst(m, item);
}

static bool push_standard(struct machine *m, enum item_kind kind,
			  const char *name)
{
	struct item item = { .kind = kind };
	if (m->shapes && kind == ITEM_TYPE)
		(void)hs_swift_library_shape(m->shapes, name, &item.shape);
	return put(m, &item, "Swift.%s", name) && push(m, item);
}

/* "S2i": the same, twice. */
static bool repeat(struct machine *m, unsigned times)
{
	while (times-- > 1)
		if (!m->depth || !push(m, m->stack[m->depth - 1]))
			return false;
	return true;
}

static bool standard(struct machine *m)
{
	char c;
	const char *name;
	unsigned times;
	if (!number(m, &times) || !next_char(m, &c))
		return false;
	if (c == 'g')
		return optional(m);
	if (c == 'o')
		return push_text(m, ITEM_MODULE, "__C");
	if (c == 'c') {
		name = next_char(m, &c) ? LOOK_UP(concurrency_types, c) : NULL;
		if (name)
			return push_standard(m, ITEM_TYPE, name);
		name = LOOK_UP(concurrency_protocols, c);
		return name && push_standard(m, ITEM_PROTOCOL, name);
	}
	name = LOOK_UP(standard_types, c);
	if (name)
		return push_standard(m, ITEM_TYPE, name) && repeat(m, times);
	name = LOOK_UP(standard_protocols, c);
	return name && push_standard(m, ITEM_PROTOCOL, name);
}

/* A..Z: the last one; a..z: and more follow; a number: so many times. */
static bool substitution(struct machine *m)
{
	char c;
	do {
		unsigned times;
		if (!number(m, &times) || !next_char(m, &c))
			return false;
		unsigned i = c == '_' ? times + 27 : (unsigned)(c | 0x20) - 'a';
		if ((c != '_' && i >= 26) || i >= m->substs ||
		    !push(m, m->subst[i]))
			return false;
		if (c == '_')
			return true;
		if (!repeat(m, times))
			return false;
	} while (c >= 'a');
	return true;
}

static bool is_called(const struct machine *m, const struct item *item,
		      const char *name)
{
	return item->len == strlen(name) &&
	       memcmp(m->arena + item->at, name, item->len) == 0;
}

/* Take types, and marks between levels, down to the list's beginning: the
 * lowest is *FIRST. */
static bool pop_types(struct machine *m, unsigned *first)
{
	unsigned at = m->depth;
	while (at > 0 && (m->stack[at - 1].kind == ITEM_TYPE ||
			  m->stack[at - 1].kind == ITEM_FIRST))
		at--;
	if (at == 0 || m->stack[at - 1].kind != ITEM_EMPTY_LIST)
		return false;
	*first = at;
	return true;
}

/* Of NAME, with the types on the stack for its parameters. */
static struct hs_swift_shape bound_shape(struct machine *m,
					 const struct item *name,
					 unsigned first, unsigned end)
{
	struct hs_swift_shape arg[MAX_ITEMS], sum = { .sized = true };
	unsigned count = 0;
	bool optional = is_called(m, name, "Swift.Optional");
	bool range = is_called(m, name, "Swift.Range") ||
		     is_called(m, name, "Swift.ClosedRange");
	/* What an array is of is somewhere else. */
	if (!name->desc && !optional && !range)
		return shape_of(m, name);
	for (unsigned i = first; i < end; i++)
		if (m->stack[i].kind == ITEM_TYPE)
			arg[count++] = shape_of(m, &m->stack[i]);
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
static bool put_level(struct machine *m, struct item *text, unsigned first,
		      unsigned end)
{
	for (unsigned i = first; i < end; i++)
		if (!put(m, text, "%.*s%s%.*s%s", SHOW(m, *text),
			 i == first ? "<" : ", ", SHOW(m, m->stack[i]),
			 i + 1 == end ? ">" : ""))
			return false;
	return true;
}

/* How many levels of types there are around a type, itself included. */
static unsigned levels(const struct machine *m, unsigned first, unsigned end)
{
	unsigned n = 1;
	for (unsigned i = first; i < end; i++)
		n += m->stack[i].kind == ITEM_FIRST;
	return n;
}

/* Of "m.Outer.Inner" the end of the part that has LEFT names behind it. */
static unsigned part_end(const struct machine *m, const struct item *name,
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
static bool put_bound(struct machine *m, const struct item *name,
		      unsigned first, unsigned end, struct item *ret)
{
	unsigned left = levels(m, first, end), from = 0;
	/* In an extension, the outer ones are there already. */
	bool there = memchr(m->arena + name->at, '<', name->len);
	for (unsigned at = first; left-- > 0; at++) {
		unsigned stop = at, to = part_end(m, name, left);
		while (stop < end && m->stack[stop].kind == ITEM_TYPE)
			stop++;
		if (there && left)
			to = from;
		if (to < from ||
		    !put(m, ret, "%.*s%.*s", SHOW(m, *ret), (int)(to - from),
			 m->arena + name->at + from) ||
		    (!(there && left) && !put_level(m, ret, at, stop)))
			return false;
		from = to;
		at = stop;
	}
	return true;
}

static bool bound_generic(struct machine *m)
{
	unsigned first, end = m->depth;
	struct item name, item = { .kind = ITEM_TYPE };
	if (!pop_types(m, &first) || first == end || first < 2 ||
	    m->stack[first - 2].kind != ITEM_TYPE)
		return false;
	name = m->stack[first - 2];
	if (m->shapes)
		item.shape = bound_shape(m, &name, first, end);
	if (!put_bound(m, &name, first, end, &item))
		return false;
	m->depth = first - 2;
	return push(m, item) && add_subst(m, item);
}

/* (A, label: B): from the last element to the one that is marked first. */
static bool tuple(struct machine *m)
{
	struct item all = { .kind = ITEM_TYPE }, label,
		    element[MAX_ITEMS] = { 0 }, names[MAX_ITEMS] = { 0 };
	unsigned count = 0;
	bool first;
	if (pop_mark(m, ITEM_EMPTY_LIST))
		return push_shaped(m, "()", hs_swift_shape_plain(0));
	do {
		first = pop_mark(m, ITEM_FIRST);
		if (pop(m, ITEM_WORD, &label))
			names[count] = label;
		if (count == MAX_ITEMS || !pop(m, ITEM_TYPE, &element[count++]))
			return false;
	} while (!first);
	all.shape.sized = m->shapes;
	for (unsigned i = 0; i < count; i++) {
		const struct item *name = &names[count - 1 - i],
				  *type = &element[count - 1 - i];
		char called[64];
		if (!put(m, &all, "%.*s%s%.*s%s%.*s", SHOW(m, all),
			 i ? ", " : "(", SHOW(m, *name), name->len ? ": " : "",
			 SHOW(m, *type)))
			return false;
		if (!m->shapes)
			continue;
		if (name->len)
			(void)snprintf(called, sizeof(called), "%.*s",
				       SHOW(m, *name));
		else
			(void)snprintf(called, sizeof(called), "%u", i);
		struct hs_swift_shape part = shape_of(m, type);
		hs_swift_shape_add(m->shapes, &all.shape, &part, called);
	}
	return put(m, &all, "%.*s)", SHOW(m, all)) && push(m, all);
}

/* What the values of an existential type are, as its protocols tell. */
struct existential {
	unsigned tables;
	bool of_class, error;
};

static void look_at_protocol(struct machine *m, const struct item *protocol,
			     struct existential *e)
{
	uint32_t flags;
	if (is_called(m, protocol, "Swift.Sendable") ||
	    is_called(m, protocol, "Swift.Copyable") ||
	    is_called(m, protocol, "Swift.Escapable"))
		return; /* a mark for the compiler */
	e->tables++;
	if (is_called(m, protocol, "Swift.Error"))
		e->error = true;
	else if (is_called(m, protocol, "Swift.Actor"))
		e->of_class = true;
	else if (protocol->desc && hs_peek_u32(m->n, protocol->desc, &flags))
		e->of_class |= !(flags & 0x10000); /* the bit: any type may */
}

static struct hs_swift_shape existential_shape(struct machine *m,
					       const struct existential *e)
{
	if (!m->shapes)
		return (struct hs_swift_shape){ 0 };
	if (e->error && e->tables == 1)
		return reference(m, 0, 8); /* a box of its own kind */
	if (e->of_class)
		return reference(m, 0, 8 + 8 * e->tables);
	return hs_swift_shape_one(m->shapes, HS_SWIFT_SLOT_ANY, 0,
				  32 + 8 * e->tables);
}

/* Protocols down to the one marked first, or none. BASE: of classes only; if
 * it has a name, of that one. */
static bool protocols(struct machine *m, const struct item *base)
{
	struct item all = { .kind = ITEM_TYPE }, one;
	struct existential e = { .of_class = base };
	bool first;
	if (pop_mark(m, ITEM_EMPTY_LIST)) {
		if (base && base->len)
			return push(m, *base);
		all.shape = existential_shape(m, &e);
		return put(m, &all, "%s", base ? "Swift.AnyObject" : "Any") &&
		       push(m, all);
	}
	do {
		first = pop_mark(m, ITEM_FIRST);
		if (!pop(m, ITEM_PROTOCOL, &one) ||
		    !put(m, &all, "%.*s%s%.*s", SHOW(m, one),
			 all.len ? " & " : "", SHOW(m, all)))
			return false;
		look_at_protocol(m, &one, &e);
	} while (!first);
	all.shape = existential_shape(m, &e);
	return put(m, &all, "any %.*s%s%.*s", base ? (int)base->len : 0,
		   m->arena + (base ? base->at : 0),
		   base && base->len ? " & " : "", SHOW(m, all)) &&
	       push(m, all);
}

/* The protocols are above their superclass. */
static bool protocols_of_class(struct machine *m)
{
	struct item base;
	return pop(m, ITEM_TYPE, &base) && protocols(m, &base);
}

static bool pop_params(struct machine *m, struct item *ret)
{
	*ret = (struct item){ .kind = ITEM_TYPE };
	if (pop_mark(m, ITEM_EMPTY_LIST))
		return put(m, ret, "()");
	return pop(m, ITEM_TYPE, ret);
}

static bool function(struct machine *m, struct hs_swift_shape shape)
{
	bool throws = false, async = false, more = true;
	struct item params, result,
		item = { .kind = ITEM_TYPE, .shape = shape };
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
	struct item of, item = { .kind = ITEM_TYPE };
	if (!pop(m, ITEM_TYPE, &of))
		return false;
	if (m->shapes)
		item.shape = shape_of(m, &of);
	return put(m, &item, "%s%.*s%s", before, SHOW(m, of), after) &&
	       push(m, item);
}

/* "weak A?": a reference, but not one that owns. */
static bool reference_as(struct machine *m, const char *word,
			 enum hs_swift_slot_kind kind)
{
	if (!wrap(m, word, "") || !m->shapes)
		return m->depth > 0;
	struct item *top = &m->stack[m->depth - 1];
	top->shape = hs_swift_shape_as(m->shapes, kind, &top->shape);
	return true;
}

/* A metatype: whatever it is made from, its values have no references. SIZE
 * UINT32_MAX: not known. */
static bool wrap_plain(struct machine *m, const char *after, uint32_t size)
{
	if (!wrap(m, "", after))
		return false;
	m->stack[m->depth - 1].shape = size == UINT32_MAX
					       ? (struct hs_swift_shape){ 0 }
					       : hs_swift_shape_plain(size);
	return true;
}

/* "box of A, B": what closures share, one after another. */
static bool boxed(struct machine *m)
{
	struct item all = { .kind = ITEM_TYPE, .shape = reference(m, 0, 8) },
		    one;
	bool first;
	if (pop_mark(m, ITEM_EMPTY_LIST))
		return false;
	do {
		first = pop_mark(m, ITEM_FIRST);
		if (!pop(m, ITEM_TYPE, &one))
			return false;
		/* How a box marks what may change. */
		if (one.len > 6 && !memcmp(m->arena + one.at, "inout ", 6)) {
			one.at += 6;
			one.len -= 6;
		}
		if (!put(m, &all, "%.*s%s%.*s", SHOW(m, one),
			 all.len ? ", " : "", SHOW(m, all)))
			return false;
	} while (!first);
	return put(m, &all, "box of %.*s", SHOW(m, all)) && push(m, all);
}

/* What an existential type asks of a type in its protocol: one kind of many,
 * the one that there is in types of values. */
static bool requirement(struct machine *m)
{
	struct item protocol, name, type, item = { .kind = ITEM_REQUIREMENT };
	char c;
	return next_char(m, &c) && c == 't' && next_char(m, &c) && c == 's' &&
	       pop(m, ITEM_PROTOCOL, &protocol) && pop(m, ITEM_WORD, &name) &&
	       pop(m, ITEM_TYPE, &type) &&
	       put(m, &item, "Self.%.*s.%.*s == %.*s", SHOW(m, protocol),
		   SHOW(m, name), SHOW(m, type)) &&
	       push(m, item);
}

/* "any P<Self.P.Element == A>" */
static bool constrained(struct machine *m)
{
	struct item all = { .kind = ITEM_TYPE }, of, one;
	bool first;
	do {
		first = pop_mark(m, ITEM_FIRST);
		if (!pop(m, ITEM_REQUIREMENT, &one) ||
		    !put(m, &all, "%.*s%s%.*s", SHOW(m, one),
			 all.len ? ", " : "", SHOW(m, all)))
			return false;
	} while (!first);
	if (!pop(m, ITEM_TYPE, &of))
		return false;
	if (m->shapes)
		all.shape = shape_of(m, &of);
	return put(m, &all, "%.*s<%.*s>", SHOW(m, of), SHOW(m, all)) &&
	       push(m, all);
}

static bool operator_x(struct machine *m)
{
	char c;
	if (!next_char(m, &c))
		return false;
	static const struct item any_class = { .kind = ITEM_TYPE };
	switch (c) {
	case 'w':
		return reference_as(m, "weak ", HS_SWIFT_SLOT_WEAK);
	case 'o':
		return reference_as(m, "unowned ", HS_SWIFT_SLOT_UNOWNED);
	case 'u':
		return reference_as(m, "unowned(unsafe) ",
				    HS_SWIFT_SLOT_UNMANAGED);
	case 'l':
		return protocols(m, &any_class);
	case 'c':
		return protocols_of_class(m);
	case 'E': /* does not escape */
		return function(m, reference(m, 8, 16));
	case 'B': /* a block of C */
		return function(m, reference(m, 0, 8));
	case 'f': /* nothing but an address of code */
	case 'C':
		return function(m, hs_swift_shape_plain(8));
	case 'x':
		return boxed(m);
	case 'b':
		if (!wrap(m, "box of ", ""))
			return false;
		m->stack[m->depth - 1].shape = reference(m, 0, 8);
		return true;
	case 'M': /* a metatype, and how it is stored */
		if (!next_char(m, &c) || (c != 'T' && c != 't'))
			return false;
		return wrap_plain(m, ".Type", c == 'T' ? 8 : 0);
	case 'P':
		return constrained(m);
	case 'p':
		return wrap_plain(m, ".Type", 8);
	default:
		return false;
	}
}

static bool operator_y(struct machine *m)
{
	struct item of;
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
	case 'c': /* of a global actor */
	case 'K': /* what is thrown */
		if (!pop(m, ITEM_TYPE, &of))
			return false;
		return push_mark(m, c == 'K' ? ITEM_THROWS : ITEM_MARK);
	case 'T':
		return push_mark(m, ITEM_MARK);
	case 'i':
	case 'u':
	case 'k':
	case 't':
		return true; /* how it is passed: nothing to show */
	default:
		return false;
	}
}

static bool builtin(struct machine *m)
{
	char c, kind, name[48];
	unsigned bits;
	if (!next_char(m, &c))
		return false;
	kind = c;
	switch (c) {
	case 'o':
		return push_shaped(m, "Builtin.NativeObject",
				   reference(m, 0, 8));
	case 'b':
		return push_shaped(m, "Builtin.BridgeObject",
				   reference(m, 0, 8));
	case 'O':
		return push_shaped(m, "Builtin.UnknownObject",
				   reference(m, 0, 8));
	case 'p':
		if (!push_text(m, ITEM_TYPE, "Builtin.RawPointer"))
			return false;
		return reference_as(m, "", HS_SWIFT_SLOT_UNMANAGED);
	case 'w':
		return push_shaped(m, "Builtin.Word", hs_swift_shape_plain(8));
	case 'D': /* an actor's own: jobs that wait for it */
		return push_text(m, ITEM_TYPE, "Builtin.DefaultActorStorage");
	case 'd':
		return push_text(m, ITEM_TYPE,
				 "Builtin.NonDefaultDistributedActorStorage");
	case 'c':
		return push_text(m, ITEM_TYPE, "Builtin.RawUnsafeContinuation");
	case 'e':
		return push_text(m, ITEM_TYPE, "Builtin.Executor");
	case 'j':
		return push_text(m, ITEM_TYPE, "Builtin.Job");
	case 'i':
	case 'f':
		if (!number(m, &bits) || !next_char(m, &c) || c != '_')
			return false;
		(void)snprintf(name, sizeof(name), "Builtin.%s%u",
			       kind == 'i' ? "Int" : "FPIEEE", bits);
		return push_shaped(m, name,
				   hs_swift_shape_plain((bits + 7) / 8));
	default:
		return false;
	}
}

/* A parameter of the generic type around: what it stands for, or a letter. */
static bool parameter(struct machine *m, unsigned level, unsigned i)
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
	return push_shaped(m, name, shape);
}

/* "_" is 0, "0_" is 1. */
static bool index_number(struct machine *m, unsigned *ret)
{
	char c = peek_char(m);
	bool zero = c == '_';
	if ((!zero && (c < '0' || c > '9')) || !number(m, ret) ||
	    !next_char(m, &c) || c != '_')
		return false;
	*ret += !zero;
	return true;
}

static bool numbered_parameter(struct machine *m)
{
	unsigned level = 0, i;
	if (peek_char(m) == 'd') {
		m->pos++;
		return index_number(m, &level) && index_number(m, &i) &&
		       parameter(m, level + 1, i);
	}
	return index_number(m, &i) && parameter(m, 0, i + 1);
}

/* Go past the next character if it is one of these. */
static bool skip_any(struct machine *m, const char *these)
{
	char c = peek_char(m);
	if (!c || !strchr(these, c))
		return false;
	m->pos++;
	return true;
}

/* Past all of them, each with a letter for "sending"; how many. */
static unsigned skip_all(struct machine *m, const char *these)
{
	unsigned n = 0;
	while (n < MAX_ITEMS && skip_any(m, these)) {
		(void)skip_any(m, "w");
		(void)skip_any(m, "T");
		n++;
	}
	return n;
}

/*
 * "(A, B) -> C" of a function as compilers lower it: letters for how each
 * parameter, then each result is passed, whose types are on the stack.
 */
static bool lowered_function(struct machine *m)
{
	struct item type[MAX_ITEMS],
		item = { .kind = ITEM_TYPE, .shape = reference(m, 8, 16) };
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
		if (type[i - first].kind != ITEM_TYPE)
			return false;
	}
	m->depth = first;
	if (!put(m, &item, "("))
		return false;
	for (unsigned i = 0; i < params; i++)
		if (!put(m, &item, "%.*s%s%.*s", SHOW(m, item), i ? ", " : "",
			 SHOW(m, type[i])))
			return false;
	if (!put(m, &item, "%.*s)%s%s -> %s", SHOW(m, item),
		 async ? " async" : "", throws ? " throws" : "",
		 results == 1 ? "" : "("))
		return false;
	for (unsigned i = 0; i < results; i++)
		if (!put(m, &item, "%.*s%s%.*s", SHOW(m, item), i ? ", " : "",
			 SHOW(m, type[params + i])))
			return false;
	return put(m, &item, "%.*s%s", SHOW(m, item),
		   results == 1 ? "" : ")") &&
	       push(m, item);
}

/* Names of declarations that are not seen from outside. */
static bool local_name(struct machine *m)
{
	struct item word, name;
	unsigned i;
	if (peek_char(m) != 'L') /* the which of that name in its function */
		return index_number(m, &i) && pop(m, ITEM_WORD, &name) &&
		       push(m, name);
	m->pos++; /* private: a discriminator comes before the name */
	return pop(m, ITEM_WORD, &word) && pop(m, ITEM_WORD, &name) &&
	       push(m, name);
}

/* Put a parameter below the name, and perhaps protocol, on top. */
static bool parameter_below_name(struct machine *m, bool first)
{
	struct item protocol = { 0 }, name;
	bool has = pop(m, ITEM_PROTOCOL, &protocol);
	return pop(m, ITEM_WORD, &name) &&
	       (first ? parameter(m, 0, 0) : numbered_parameter(m)) &&
	       push(m, name) && (!has || push(m, protocol));
}

/* "A.Element": a type that a parameter's own type chooses. */
static bool associated_type(struct machine *m)
{
	struct item protocol, name, of, item = { .kind = ITEM_TYPE };
	(void)pop(m, ITEM_PROTOCOL, &protocol);
	/* The parameter was pushed last. */
	return pop(m, ITEM_WORD, &name) && pop(m, ITEM_TYPE, &of) &&
	       put(m, &item, "%.*s.%.*s", SHOW(m, of), SHOW(m, name)) &&
	       push(m, item) && add_subst(m, item);
}

/* Q: types that are chosen by others, and packs that are spread out. */
static bool operator_q(struct machine *m)
{
	struct item count, item = { .kind = ITEM_TYPE }, of;
	char c;
	if (!next_char(m, &c))
		return false;
	switch (c) {
	case 'z': /* of the first parameter, of another one */
	case 'y':
		return parameter_below_name(m, c == 'z') && associated_type(m);
	case 'p':
		return pop(m, ITEM_TYPE, &count) && pop(m, ITEM_TYPE, &of) &&
		       put(m, &item, "repeat %.*s", SHOW(m, of)) &&
		       push(m, item);
	default:
		return false;
	}
}

static bool step(struct machine *m, char c)
{
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
	case 'I':
		return lowered_function(m);
	case 'K':
		return push_mark(m, ITEM_THROWS);
	case 'L':
		return local_name(m);
	case 'Q':
		return operator_q(m);
	case 'R':
		return requirement(m);
	case 'S':
		return standard(m);
	case 'X':
		return operator_x(m);
	case 'Y':
		return operator_y(m);
	case 'c':
		return function(m, reference(m, 8, 16));
	case 'h':
	case 'n':
		return true; /* shared, owned */
	case 'm':
		/* Of a value's type nothing is stored, of a class's a word. */
		return wrap_plain(m, ".Type", UINT32_MAX);
	case 'p':
		return protocols(m, NULL);
	case 'q':
		return numbered_parameter(m);
	case 's':
		return push_text(m, ITEM_MODULE, "Swift");
	case 't':
		return tuple(m);
	case 'x':
		return parameter(m, 0, 0);
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

bool hs_swift_demangle_shape(struct hs_naming *n, hs_addr addr,
			     const struct hs_swift_args *args,
			     struct hs_text *out,
			     struct hs_swift_shapes *shapes,
			     struct hs_swift_shape *shape)
{
	struct machine m = {
		.n = n, .pos = addr, .args = args, .shapes = shapes
	};
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
	ok = ok && pop(&m, ITEM_TYPE, &result) && !m.depth;
	if (ok && shapes)
		*shape = shape_of(&m, &result);
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
