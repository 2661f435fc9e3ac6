/* SPDX-License-Identifier: MIT */
#include "types/swift_metadata.h"

#include <limits.h>

#include "core/limits.h"
#include "types/swift_mangling.h"

/* Contexts around a type: modules hold types hold types. */
#define MAX_CONTEXTS 32u

#define CONTEXT_GENERIC 0x80u

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
	struct hs_swift_args none = { HS_NO_ADDR, 0 }, args = none;
	hs_addr desc = class->descriptor;
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

struct generics {
	const struct hs_swift_args *args; /* NULL: none given */
	unsigned seen;                    /* parameters of outer contexts */
	unsigned keys;                    /* ... that have an argument */
};

/* "<Swift.Int, Swift.String>": the arguments that DESC adds to those of the
 * contexts around it. */
static bool put_arguments(struct hs_naming *n, hs_addr desc, unsigned kind,
			  struct generics *g, struct hs_text *out)
{
	/* Of types, two words come before the numbers. */
	hs_addr header = desc + (kind == HS_SWIFT_KIND_CLASS ? 44u : 28u) + 8;
	uint64_t params;
	if (!hs_window_uint(&n->meta, header, 2, &params) ||
	    params > HS_LIMIT_TYPE_FIELDS)
		return false;
	const char *before = "<";
	for (unsigned i = g->seen; i < params; i++) {
		uint64_t param, arg;
		if (!hs_window_uint(&n->meta, header + 8 + i, 1, &param))
			return false;
		/* Packs and values would need their lengths. */
		if (param & 0x3f)
			return false;
		hs_text_add(out, before);
		before = ", ";
		if (!(param & 0x80)) { /* the same as another one */
			hs_text_add(out, "_");
			continue;
		}
		if (!hs_peek(n, g->args->at + 8 * (uint64_t)g->keys, &arg) ||
		    !hs_swift_inner_name(n, arg, g->args->depth + 1, out))
			return false;
		g->keys++;
	}
	if (params > g->seen) {
		hs_text_add(out, ">");
		g->seen = (unsigned)params;
	}
	return !out->full;
}

static bool put_context(struct hs_naming *n, hs_addr desc, unsigned kind,
			struct generics *g, struct hs_text *out)
{
	uint32_t flags;
	hs_addr extended;
	if (kind == HS_SWIFT_KIND_EXTENSION)
		return hs_swift_relative(n, desc + 8, &extended) &&
		       hs_swift_demangle(n, extended, NULL, out);
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
		if (!put_name(n, desc + 8, out) ||
		    !hs_peek_u32(n, desc, &flags))
			return false;
		return !g->args || g->args->at == HS_NO_ADDR ||
		       !(flags & CONTEXT_GENERIC) ||
		       put_arguments(n, desc, kind, g, out);
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
	} chain[MAX_CONTEXTS];
	size_t count = 0;
	struct hs_text inner = { out->buf + out->len, out->size - out->len, 0,
				 out->full };
	if (out->full || (args && args->depth > HS_LIMIT_TYPE_DEPTH))
		return false;
	for (;; count++) {
		if (count == MAX_CONTEXTS)
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
	struct generics g = { .args = args };
	for (count++; count-- > 0;)
		if (!put_context(n, chain[count].desc, chain[count].kind, &g,
				 &inner))
			return false;
	out->len += inner.len;
	return inner.len > 0;
}

/* (A, B) of tuples and functions: COUNT types, STEP bytes apart. */
static bool put_list(struct hs_naming *n, hs_addr at, uint64_t count,
		     unsigned step, unsigned depth, struct hs_text *out)
{
	if (count > HS_LIMIT_TYPE_FIELDS)
		return false;
	hs_text_add(out, "(");
	for (uint64_t i = 0; i < count; i++) {
		uint64_t type;
		if (i)
			hs_text_add(out, ", ");
		if (!hs_peek(n, at + i * step, &type) ||
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

static bool put_function(struct hs_naming *n, hs_addr metadata, unsigned depth,
			 struct hs_text *out)
{
	uint64_t flags, result;
	if (!hs_peek(n, metadata + 8, &flags) ||
	    !hs_peek(n, metadata + 16, &result) ||
	    !put_list(n, metadata + 24, flags & 0xffff, 8, depth, out))
		return false;
	if (flags & 0x20000000)
		hs_text_add(out, " async");
	if (flags & 0x01000000)
		hs_text_add(out, " throws");
	hs_text_add(out, " -> ");
	return hs_swift_inner_name(n, result, depth + 1, out);
}

bool hs_swift_inner_name(struct hs_naming *n, hs_addr metadata, unsigned depth,
			 struct hs_text *out)
{
	uint64_t kind, word;
	struct hs_swift_class class;
	struct hs_swift_args args = { metadata + 16, depth };
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
		return hs_peek(n, metadata + 8, &word) &&
		       hs_swift_context_name(n, word, &args, out);
	case 0x203: /* a class of another language */
		return hs_peek(n, metadata + 8, &word) &&
		       hs_swift_context_name(n, word, NULL, out);
	case 0x300:
		hs_text_add(out, "Builtin");
		return !out->full;
	case 0x301: /* tuple: number, labels, pairs of type and offset */
		return hs_peek(n, metadata + 8, &word) &&
		       put_list(n, metadata + 24, word, 16, depth, out);
	case 0x302:
		return put_function(n, metadata, depth, out);
	case 0x303:
		return put_existential(n, metadata, out);
	case 0x304: /* metatypes, of a type and of an existential */
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
