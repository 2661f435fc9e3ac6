/* SPDX-License-Identifier: MIT */
#include "types/swift_metadata.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>

#include "core/limits.h"
#include "types/swift_generics.h"
#include "types/swift_mangling.h"

bool hs_swift_relative(struct hs_naming *n, hs_addr addr, hs_addr *ret)
{
	uint32_t raw;
	if (!hs_peek_u32(n, addr, &raw) || raw == 0)
		return false;
	*ret = addr + (uint64_t)(int64_t)(int32_t)raw;
	return true;
}

bool hs_swift_indirect(struct hs_naming *n, hs_addr addr, hs_addr *ret)
{
	hs_addr to;
	if (!hs_swift_relative(n, addr, &to))
		return false;
	if (!(to & 1)) {
		*ret = to;
		return true;
	}
	uint64_t slot;
	if (!hs_peek(n, to & ~UINT64_C(1), &slot))
		return false;
	*ret = slot;
	return true;
}

unsigned hs_swift_context_kind(struct hs_naming *n, hs_addr desc)
{
	uint32_t flags;
	/* Version 0 is the only one there has ever been. */
	if (desc % 4 != 0 || hs_naming_module(n, desc) == SIZE_MAX ||
	    !hs_peek_u32(n, desc, &flags) || (flags & 0xff00) != 0)
		return UINT_MAX;
	return flags & 31;
}

bool hs_swift_class(struct hs_naming *n, hs_addr metadata,
		    struct hs_swift_class *ret)
{
	uint64_t kind, super, desc, align;
	uint32_t flags, size, point;
	if (metadata % 8 != 0 || !hs_peek(n, metadata, &kind) ||
	    kind != HS_SWIFT_CLASS || !hs_peek(n, metadata + 40, &desc) ||
	    hs_swift_context_kind(n, desc) != HS_SWIFT_KIND_CLASS ||
	    !hs_peek(n, metadata + 8, &super) || super % 8 != 0 ||
	    !hs_peek_u32(n, metadata + 16, &flags) || !(flags & 2) ||
	    !hs_peek_u32(n, metadata + 20, &point) || point != 0 ||
	    !hs_peek_u32(n, metadata + 24, &size) || size < 16 ||
	    !hs_window_uint(&n->meta, metadata + 28, 2, &align) ||
	    ((align + 1) & align) != 0)
		return false;
	*ret = (struct hs_swift_class){ metadata, desc, super, size };
	return true;
}

struct hs_swift_args hs_swift_class_args(struct hs_naming *n,
					 const struct hs_swift_class *class)
{
	struct hs_swift_args none = { .at = HS_NO_ADDR }, args = none;
	hs_addr desc = class->descriptor;
	args.context = desc;
	uint32_t flags, positive, negative, members, bounds;
	if (!hs_peek_u32(n, desc, &flags) ||
	    !hs_peek_u32(n, desc + 24, &negative) ||
	    !hs_peek_u32(n, desc + 28, &positive) ||
	    !hs_peek_u32(n, desc + 32, &members))
		return none;
	flags >>= 16;         /* the class's own */
	if (flags & 0x2000) { /* resilient: the loader knows the offset */
		hs_addr at;
		if (!hs_swift_relative(n, desc + 24, &at) ||
		    !hs_peek_u32(n, at, &bounds))
			return none;
		args.at = class->metadata + (uint64_t)(int64_t)(int32_t)bounds;
	} else if (flags & 0x1000) {
		args.at = class->metadata - 8 * (uint64_t)negative;
	} else {
		args.at = class->metadata +
			  8 * ((uint64_t)positive - (uint64_t)members);
	}
	return args;
}

/* Put the string that the relative pointer at ADDR leads to. */
static bool put_name(struct hs_naming *n, hs_addr addr, struct hs_text *out)
{
	char name[HS_LIMIT_STRING];
	hs_addr at;
	bool missing;
	if (!hs_swift_relative(n, addr, &at))
		return false;
	if (!hs_peek_name(n, at, name, sizeof(name), &missing)) {
		if (missing)
			hs_naming_nameless(n, hs_naming_module(n, at));
		return false;
	}
	hs_text_add(out, name);
	return !out->full;
}

/* COUNT types from AT, STEP bytes apart. */
static bool put_types(struct hs_naming *n, hs_addr at, uint64_t count,
		      unsigned step, unsigned depth, struct hs_text *out)
{
	if (count > HS_LIMIT_TYPE_FIELDS)
		return false;
	for (uint64_t i = 0; i < count; i++) {
		uint64_t type;
		if (i)
			hs_text_add(out, ", ");
		if (!hs_peek(n, at + i * step, &type) ||
		    !hs_swift_inner_name(n, type, depth + 1, out))
			return false;
	}
	return !out->full;
}

static bool put_argument(struct hs_naming *n,
			 const struct hs_swift_argument *arg, unsigned depth,
			 struct hs_text *out)
{
	char number[24];
	switch (arg->kind) {
	case HS_SWIFT_PARAM_TYPE:
		return hs_swift_inner_name(n, arg->word, depth + 1, out);
	case HS_SWIFT_PARAM_PACK:
		hs_text_add(out, "Pack{");
		if (!put_types(n, arg->word, arg->count, 8, depth, out))
			return false;
		hs_text_add(out, "}");
		return !out->full;
	default:
		(void)snprintf(number, sizeof(number), "%" PRId64,
			       (int64_t)arg->word);
		hs_text_add(out, number);
		return !out->full;
	}
}

/* What a name speaks of besides contexts. */
struct generics {
	const struct hs_swift_args *args; /* NULL: none given */
	struct hs_swift_generics own;     /* of the innermost context */
	unsigned seen;                    /* parameters of outer contexts */
};

/* "<Swift.Int, Swift.String>": the arguments that a context adds to those of
 * the contexts around it, up to parameter END. */
static bool put_arguments(struct hs_naming *n, unsigned end, struct generics *g,
			  struct hs_text *out)
{
	const char *before = "<";
	if (end > g->own.count)
		return false;
	for (unsigned i = g->seen; i < end; i++) {
		struct hs_swift_argument arg;
		hs_text_add(out, before);
		before = ", ";
		if (!hs_swift_argument(n, &g->own, g->args->at, i, &arg))
			hs_text_add(out, "_"); /* the same as another one */
		else if (!put_argument(n, &arg, g->args->depth, out))
			return false;
	}
	if (end > g->seen) {
		hs_text_add(out, ">");
		g->seen = end;
	}
	return !out->full;
}

/* "(extension in module):Type": the type writes its own arguments. */
static bool put_extension(struct hs_naming *n, hs_addr desc, struct generics *g,
			  struct hs_text *out)
{
	hs_addr module, extended;
	struct hs_swift_generics here;
	if (!hs_swift_indirect(n, desc + 4, &module) ||
	    hs_swift_context_kind(n, module) != HS_SWIFT_KIND_MODULE ||
	    !hs_swift_relative(n, desc + 8, &extended))
		return false;
	hs_text_add(out, "(extension in ");
	if (!put_name(n, module + 8, out))
		return false;
	hs_text_add(out, "):");
	if (!hs_swift_demangle(n, extended, g->args, out) ||
	    !hs_swift_generics(n, desc, &here))
		return false;
	g->seen = here.count;
	return !out->full;
}

static bool put_context(struct hs_naming *n, hs_addr desc, unsigned kind,
			struct generics *g, struct hs_text *out)
{
	struct hs_swift_generics here;
	if (kind == HS_SWIFT_KIND_EXTENSION)
		return put_extension(n, desc, g, out);
	if (out->len)
		hs_text_add(out, ".");
	switch (kind) {
	case HS_SWIFT_KIND_ANONYMOUS:
		hs_text_add(out, "(private)");
		return !out->full;
	case HS_SWIFT_KIND_MODULE:
	case HS_SWIFT_KIND_PROTOCOL:
		return put_name(n, desc + 8, out);
	case HS_SWIFT_KIND_CLASS:
	case HS_SWIFT_KIND_STRUCT:
	case HS_SWIFT_KIND_ENUM:
		if (!put_name(n, desc + 8, out))
			return false;
		if (!g->own.count)
			return true;
		return hs_swift_generics(n, desc, &here) &&
		       put_arguments(n, here.count, g, out);
	default:
		return false;
	}
}

bool hs_swift_context_name(struct hs_naming *n, hs_addr desc,
			   const struct hs_swift_args *args,
			   struct hs_text *out)
{
	struct {
		hs_addr desc;
		unsigned kind;
	} chain[HS_SWIFT_CONTEXTS];
	size_t count = 0;
	struct hs_text inner = { out->buf + out->len, out->size - out->len, 0,
				 out->full };
	struct generics g = { .args = args };
	if (out->full || (args && args->depth > HS_LIMIT_TYPE_DEPTH))
		return false;
	if (args && args->at != HS_NO_ADDR &&
	    !hs_swift_generics(n, desc, &g.own))
		return false;
	for (;; count++) {
		if (count == HS_SWIFT_CONTEXTS)
			return false;
		unsigned kind = hs_swift_context_kind(n, desc);
		if (kind == UINT_MAX)
			return false;
		chain[count].desc = desc;
		chain[count].kind = kind;
		/* An extension names the whole path of what it extends. */
		if (kind == HS_SWIFT_KIND_MODULE ||
		    kind == HS_SWIFT_KIND_EXTENSION)
			break;
		if (!hs_swift_indirect(n, desc + 4, &desc))
			return false;
	}
	for (count++; count-- > 0;)
		if (!put_context(n, chain[count].desc, chain[count].kind, &g,
				 &inner))
			return false;
	out->len += inner.len;
	return inner.len > 0;
}

/* (A, B): labels, if there are any, are words with a space behind each. */
static bool put_tuple(struct hs_naming *n, hs_addr metadata, unsigned depth,
		      struct hs_text *out)
{
	uint64_t count, labels, type;
	char text[HS_LIMIT_STRING];
	const char *label = text;
	if (!hs_peek(n, metadata + 8, &count) || count > HS_LIMIT_TYPE_FIELDS ||
	    !hs_peek(n, metadata + 16, &labels))
		return false;
	text[0] = 0;
	if (labels && !hs_peek_name(n, labels, text, sizeof(text), NULL))
		return false;
	hs_text_add(out, "(");
	for (uint64_t i = 0; i < count; i++) {
		size_t len = strcspn(label, " ");
		if (i)
			hs_text_add(out, ", ");
		if (len) {
			hs_text_put(out, label, len);
			hs_text_add(out, ": ");
		}
		label += len + (label[len] != 0);
		if (!hs_peek(n, metadata + 24 + i * 16, &type) ||
		    !hs_swift_inner_name(n, type, depth + 1, out))
			return false;
	}
	hs_text_add(out, ")");
	return !out->full;
}

static bool put_existential(struct hs_naming *n, hs_addr metadata,
			    struct hs_text *out)
{
	uint32_t flags, count;
	if (!hs_peek_u32(n, metadata + 8, &flags) ||
	    !hs_peek_u32(n, metadata + 12, &count) ||
	    count > HS_LIMIT_TYPE_FIELDS)
		return false;
	hs_addr at = metadata + 16;
	bool any_class = !(flags & 0x80000000); /* the bit says "any type" */
	if (flags & 0x40000000)                 /* a superclass comes first */
		at += 8;
	if (count == 0)
		hs_text_add(out, any_class ? "Swift.AnyObject" : "Any");
	for (uint32_t i = 0; i < count; i++) {
		uint64_t protocol;
		if (i)
			hs_text_add(out, " & ");
		if (!hs_peek(n, at + 8 * (uint64_t)i, &protocol) ||
		    !hs_swift_context_name(n, protocol, NULL, out))
			return false;
	}
	return !out->full;
}

#define FUNCTION_THROWS 0x01000000u
#define FUNCTION_PARAM_FLAGS 0x02000000u
#define FUNCTION_DIFFERENTIABLE 0x08000000u
#define FUNCTION_GLOBAL_ACTOR 0x10000000u
#define FUNCTION_ASYNC 0x20000000u
#define FUNCTION_SENDABLE 0x40000000u
#define FUNCTION_MORE 0x80000000u

/* How a parameter is passed; false: in a way that we do not know. */
static bool put_param_flags(uint32_t flags, struct hs_text *out)
{
	static const char *const ways[] = { "", "inout ", "__shared ",
					    "__owned " };
	if (flags & ~UINT32_C(0x103) || (flags & 3) != (flags & 0x7f))
		return false;
	if (flags & 0x100)
		hs_text_add(out, "@autoclosure ");
	hs_text_add(out, ways[flags & 3]);
	return true;
}

static bool put_function(struct hs_naming *n, hs_addr metadata, unsigned depth,
			 struct hs_text *out)
{
	uint64_t flags, result, type;
	uint32_t how;
	static const char *const conventions[] = { "", "@convention(block) ",
						   "@convention(thin) ",
						   "@convention(c) " };
	if (!hs_peek(n, metadata + 8, &flags) ||
	    !hs_peek(n, metadata + 16, &result) ||
	    flags & (FUNCTION_DIFFERENTIABLE | FUNCTION_MORE) ||
	    (flags >> 16 & 0xff) > 3)
		return false;
	uint64_t count = flags & 0xffff;
	hs_addr params = metadata + 24, more = params + 8 * count;
	if (flags & FUNCTION_GLOBAL_ACTOR) {
		hs_addr at = more;
		if (flags & FUNCTION_PARAM_FLAGS)
			at += (4 * count + 7) & ~UINT64_C(7);
		hs_text_add(out, "@");
		if (!hs_peek(n, at, &type) ||
		    !hs_swift_inner_name(n, type, depth + 1, out))
			return false;
		hs_text_add(out, " ");
	}
	hs_text_add(out, conventions[flags >> 16 & 3]);
	if (flags & FUNCTION_SENDABLE)
		hs_text_add(out, "@Sendable ");
	hs_text_add(out, "(");
	for (uint64_t i = 0; i < count; i++) {
		if (i)
			hs_text_add(out, ", ");
		if (flags & FUNCTION_PARAM_FLAGS &&
		    (!hs_peek_u32(n, more + 4 * i, &how) ||
		     !put_param_flags(how, out)))
			return false;
		if (!hs_peek(n, params + 8 * i, &type) ||
		    !hs_swift_inner_name(n, type, depth + 1, out))
			return false;
	}
	hs_text_add(out, ")");
	if (flags & FUNCTION_ASYNC)
		hs_text_add(out, " async");
	if (flags & FUNCTION_THROWS)
		hs_text_add(out, " throws");
	hs_text_add(out, " -> ");
	return hs_swift_inner_name(n, result, depth + 1, out);
}

bool hs_swift_inner_name(struct hs_naming *n, hs_addr metadata, unsigned depth,
			 struct hs_text *out)
{
	uint64_t kind, word;
	hs_addr at;
	struct hs_swift_class class;
	struct hs_swift_args args = { .at = metadata + 16, .depth = depth };
	if (depth > HS_LIMIT_TYPE_DEPTH || out->full || metadata % 8 != 0 ||
	    !hs_peek(n, metadata, &kind))
		return false;
	switch (kind) {
	case HS_SWIFT_CLASS:
		if (!hs_swift_class(n, metadata, &class))
			return false;
		args = hs_swift_class_args(n, &class);
		args.depth = depth;
		return hs_swift_context_name(n, class.descriptor, &args, out);
	case HS_SWIFT_STRUCT:
	case HS_SWIFT_ENUM:
	case HS_SWIFT_OPTIONAL:
		if (!hs_peek(n, metadata + 8, &word))
			return false;
		args.context = word;
		return hs_swift_context_name(n, word, &args, out);
	case 0x203: /* a class of another language */
		return hs_peek(n, metadata + 8, &word) &&
		       hs_swift_context_name(n, word, NULL, out);
	case 0x300:
		hs_text_add(out, "Builtin");
		return !out->full;
	case HS_SWIFT_TUPLE:
		return put_tuple(n, metadata, depth, out);
	case HS_SWIFT_FUNCTION:
		return put_function(n, metadata, depth, out);
	case HS_SWIFT_EXISTENTIAL:
		return put_existential(n, metadata, out);
	case HS_SWIFT_EXTENDED_EXISTENTIAL: /* its shape, then arguments */
		return hs_peek(n, metadata + 8, &word) &&
		       hs_swift_relative(n, word + 4, &at) &&
		       hs_swift_demangle(n, at, &args, out);
	case HS_SWIFT_METATYPE: /* of a type, and of an existential */
	case 0x306:
		if (!hs_peek(n, metadata + 8, &word) ||
		    !hs_swift_inner_name(n, word, depth + 1, out))
			return false;
		hs_text_add(out, ".Type");
		return !out->full;
	default:
		return false;
	}
}

bool hs_swift_type_name(struct hs_naming *n, hs_addr metadata,
			struct hs_text *out)
{
	return hs_swift_inner_name(n, metadata, 0, out) && !out->full;
}
