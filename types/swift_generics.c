/* SPDX-License-Identifier: MIT */
#include "types/swift_generics.h"

#include <limits.h>

#include "core/limits.h"

#define CONTEXT_GENERIC 0x80u
#define HAS_ARGUMENT 0x80u
#define HAS_PACKS 1u

/* Where the numbers of parameters are; 0: such contexts have none. */
static hs_addr header_of(unsigned kind, hs_addr desc)
{
	switch (kind) {
	case HS_SWIFT_KIND_CLASS: /* two words for instantiation come first */
		return desc + 44 + 8;
	case HS_SWIFT_KIND_STRUCT:
	case HS_SWIFT_KIND_ENUM:
		return desc + 28 + 8;
	case HS_SWIFT_KIND_EXTENSION:
		return desc + 12;
	default:
		return 0;
	}
}

static bool is_generic(struct hs_naming *n, hs_addr desc, hs_addr *header)
{
	uint32_t flags;
	unsigned kind = hs_swift_context_kind(n, desc);
	*header = header_of(kind, desc);
	return *header && hs_peek_u32(n, desc, &flags) &&
	       flags & CONTEXT_GENERIC;
}

static bool read_header(struct hs_naming *n, hs_addr header,
			struct hs_swift_generics *g)
{
	uint64_t params, requirements, flags, classes;
	if (!hs_window_uint(&n->meta, header, 2, &params) ||
	    params > HS_LIMIT_TYPE_FIELDS ||
	    !hs_window_uint(&n->meta, header + 2, 2, &requirements) ||
	    !hs_window_uint(&n->meta, header + 6, 2, &flags))
		return false;
	g->params = header + 8;
	g->count = (unsigned)params;
	if (flags & HAS_PACKS) {
		hs_addr at = g->params + ((params + 3) & ~UINT64_C(3)) +
			     12 * requirements;
		if (!hs_window_uint(&n->meta, at + 2, 2, &classes))
			return false;
		g->lengths = (unsigned)classes;
		g->packs = at + 4;
	}
	return true;
}

bool hs_swift_generics(struct hs_naming *n, hs_addr desc,
		       struct hs_swift_generics *ret)
{
	struct hs_swift_generics g = { 0 };
	unsigned counts[HS_SWIFT_LEVELS], found = 0;
	hs_addr header;
	/* From the inside: the innermost knows all, the others how many of
	 * these are theirs. */
	for (unsigned i = 0; i < HS_SWIFT_CONTEXTS; i++) {
		unsigned kind = hs_swift_context_kind(n, desc);
		if (kind == UINT_MAX)
			return false;
		if (found < HS_SWIFT_LEVELS && is_generic(n, desc, &header)) {
			struct hs_swift_generics here = { 0 };
			if (!read_header(n, header, &here))
				return false;
			if (found == 0)
				g = here;
			counts[found++] = here.count;
		}
		if (kind == HS_SWIFT_KIND_MODULE ||
		    !hs_swift_indirect(n, desc + 4, &desc))
			break;
	}
	unsigned before = 0;
	while (found-- > 0) {
		if (counts[found] <= before)
			continue; /* adds none */
		g.level[g.levels++] = before;
		before = counts[found];
	}
	*ret = g;
	return true;
}

/* Which pack of the arguments this is, and how many types it holds. */
static bool pack_length(struct hs_naming *n, const struct hs_swift_generics *g,
			hs_addr at, unsigned pack, uint64_t *ret)
{
	uint64_t class;
	return hs_window_uint(&n->meta, g->packs + 8 * (uint64_t)pack + 4, 2,
			      &class) &&
	       class < g->lengths && hs_peek(n, at + 8 * class, ret) &&
	       *ret <= HS_LIMIT_TYPE_FIELDS;
}

bool hs_swift_argument(struct hs_naming *n, const struct hs_swift_generics *g,
		       hs_addr at, unsigned i, struct hs_swift_argument *ret)
{
	struct hs_swift_argument arg = { 0 };
	unsigned key = 0, packs = 0;
	uint64_t param = 0;
	if (at == HS_NO_ADDR || i >= g->count)
		return false;
	for (unsigned p = 0;; p++) {
		if (!hs_window_uint(&n->meta, g->params + p, 1, &param))
			return false;
		if (p == i)
			break;
		key += !!(param & HAS_ARGUMENT);
		packs += (param & 0x3f) == HS_SWIFT_PARAM_PACK;
	}
	arg.kind = param & 0x3f;
	if (!(param & HAS_ARGUMENT) || arg.kind > HS_SWIFT_PARAM_VALUE ||
	    !hs_peek(n, at + 8 * ((uint64_t)g->lengths + key), &arg.word))
		return false;
	if (arg.kind == HS_SWIFT_PARAM_PACK) {
		arg.word &= ~UINT64_C(1); /* where its memory came from */
		if (!pack_length(n, g, at, packs, &arg.count))
			return false;
	}
	*ret = arg;
	return true;
}
