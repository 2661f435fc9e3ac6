/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "types/namer.h"

/*
 * Objects of CPython 3.9 to 3.13 on 64-bit machines: a count, then the type.
 * A type is an object too; the type of all types is its own type and is called
 * "type", so that no symbol is needed. Small objects live in the interpreter's
 * own arenas, which malloc does not know; what is seen here are the larger
 * ones.
 *
 * In front of an object may be the links of the garbage collector, and before
 * them what the type's flags ask for.
 */
#define TYPE_NAME 24u
#define TYPE_SIZE 32u
#define TYPE_FLAGS 168u

#define FLAG_MANAGED (UINT64_C(3) << 3) /* weak references, dict in front */
#define FLAG_READY (UINT64_C(1) << 12)
#define FLAG_GC (UINT64_C(1) << 14)

struct python {
	struct hs_addr_map types;  /* value: type; extra: basic size, rounded
				    * down to four, and EXTRA_* */
	struct hs_addr_map bodies; /* of containers; value: which */
	hs_addr list, dict;        /* their types; 0: not met yet */
};

/* Blocks that belong to an object. */
static const char *const bodies[] = { "list items", "dict keys" };

#define EXTRA_GC 1u
#define EXTRA_MANAGED 2u

static void release(void *state)
{
	struct python *py = state;
	hs_addr_map_release(&py->types);
	hs_addr_map_release(&py->bodies);
}

/* Is AT the type of types? */
static bool is_type_type(struct hs_naming *n, hs_addr at)
{
	uint64_t own, name;
	char text[8];
	return at % 8 == 0 && hs_peek(n, at + 8, &own) && own == at &&
	       hs_naming_module(n, at) != SIZE_MAX &&
	       hs_peek(n, at + TYPE_NAME, &name) &&
	       hs_peek_name(n, name, text, sizeof(text), NULL) &&
	       strcmp(text, "type") == 0;
}

/* A type's type is "type" or, with a metaclass, an object of it. */
static bool is_type(struct hs_naming *n, hs_addr at)
{
	uint64_t meta, above;
	return at % 8 == 0 && at >= 4096 && hs_peek(n, at + 8, &meta) &&
	       (is_type_type(n, meta) ||
		(meta % 8 == 0 && hs_peek(n, meta + 8, &above) &&
		 is_type_type(n, above)));
}

static const struct hs_addr_entry *look_up(struct hs_naming *n,
					   struct python *py, hs_addr at)
{
	const struct hs_addr_entry *known = hs_addr_map_get(&py->types, at);
	uint64_t name, size, flags, meta;
	char text[512];
	struct hs_error err;
	if (known)
		return known;
	if (!is_type(n, at) || !hs_peek(n, at + TYPE_NAME, &name) ||
	    !hs_peek(n, at + TYPE_SIZE, &size) || size < 16 ||
	    size > UINT32_MAX / 2 || !hs_peek(n, at + TYPE_FLAGS, &flags) ||
	    !(flags & FLAG_READY) ||
	    !hs_peek_name(n, name, text, sizeof(text), NULL) ||
	    !hs_peek(n, at + 8, &meta))
		return NULL;
	struct hs_type what = {
		.name = text,
		.source = HS_TYPE_PYTHON,
		.confidence = HS_CONFIDENCE_HIGH,
		.evidence = "its Python type object",
		.module = hs_naming_module(n, at),
	};
	if (what.module == SIZE_MAX) /* a class of the program's */
		what.module = hs_naming_module(n, meta);
	struct hs_addr_entry entry = { .addr = at,
				       .extra = (uint32_t)size & ~3u };
	entry.extra |= (flags & FLAG_GC ? EXTRA_GC : 0) |
		       (flags & FLAG_MANAGED ? EXTRA_MANAGED : 0);
	if (!hs_naming_read_type(n, &what, &entry.value))
		return NULL;
	enum hs_status st = hs_addr_map_put(&py->types, entry, &err);
	if (st) {
		hs_naming_fail(n, st, &err);
		return NULL;
	}
	bool own = hs_naming_module(n, at) != SIZE_MAX;
	if (own && strcmp(text, "list") == 0)
		py->list = at;
	else if (own && strcmp(text, "dict") == 0)
		py->dict = at;
	return hs_addr_map_get(&py->types, at);
}

/* The object OFFSET bytes into B, NULL: there is none. */
static const struct hs_addr_entry *object_at(struct hs_naming *n,
					     struct python *py,
					     const struct hs_block *b,
					     unsigned offset)
{
	uint64_t count, type, link;
	if (!hs_block_word(n, b, offset / 8, &count) || !(uint32_t)count ||
	    count >> 48 != 0 || !hs_block_word(n, b, offset / 8 + 1, &type))
		return NULL;
	const struct hs_addr_entry *t = look_up(n, py, type);
	if (!t || (t->extra & ~3u) > b->usable - offset ||
	    !(t->extra & EXTRA_GC) != (offset == 0) ||
	    (offset == 32 && !(t->extra & EXTRA_MANAGED)))
		return NULL;
	/* The collector's links: to other objects, or none. */
	if (offset > 0 &&
	    (!hs_block_word(n, b, offset / 8 - 2, &link) || link % 8 != 0))
		return NULL;
	return t;
}

static unsigned find(struct hs_naming *n, struct python *py,
		     const struct hs_block *b, uint32_t *type)
{
	static const unsigned offsets[] = { 0, 16, 32 };
	for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
		const struct hs_addr_entry *t = object_at(n, py, b, offsets[i]);
		if (t) {
			*type = t->value;
			return offsets[i];
		}
	}
	return UINT32_MAX;
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	struct python *py = state;
	uint64_t of, body;
	if (n->target->word_size != 8 || n->target->big_endian)
		return false;
	unsigned offset = find(n, py, b, type);
	if (offset == UINT32_MAX)
		return false;
	if (hs_block_word(n, b, offset / 8 + 1, &of) &&
	    (of == py->list || of == py->dict) &&
	    hs_block_word(n, b, offset / 8 + (of == py->list ? 3 : 4), &body) &&
	    body != 0 && body != HS_NO_ADDR) {
		struct hs_error err;
		enum hs_status st = hs_addr_map_put(
			&py->bodies,
			(struct hs_addr_entry){ body, of == py->dict, 0 },
			&err);
		if (st)
			hs_naming_fail(n, st, &err);
	}
	return true;
}

static void merge(struct hs_naming *n, void *state, const void *worker)
{
	struct python *py = state;
	const struct python *from = worker;
	hs_naming_merge(n, &py->bodies, &from->bodies);
	if (!py->list)
		py->list = from->list;
}

static bool claim_late(struct hs_naming *n, const void *state,
		       const struct hs_block *b, uint32_t *type)
{
	const struct python *py = state;
	const struct hs_addr_entry *known =
		hs_addr_map_get(&py->bodies, b->user);
	if (!known)
		return false;
	struct hs_type what = { .name = bodies[known->value],
				.source = HS_TYPE_PYTHON,
				.confidence = HS_CONFIDENCE_HIGH,
				.evidence = "the object that points to it",
				.module = hs_naming_module(n, py->list) };
	return hs_naming_type(n, &what, type);
}

static void details(struct hs_naming *n, void *state, const struct hs_block *b,
		    hs_detail_fn fn, void *arg)
{
	uint32_t type;
	uint64_t count;
	char text[64];
	unsigned offset = find(n, state, b, &type);
	if (offset == UINT32_MAX || !hs_block_word(n, b, offset / 8, &count))
		return;
	(void)snprintf(text, sizeof(text), "0x%" PRIx64, b->user + offset);
	if (!fn(arg, "object", text))
		return;
	/* From 3.12 on, objects that never go have all bits set. */
	if ((uint32_t)count >= INT32_MAX)
		(void)snprintf(text, sizeof(text), "immortal");
	else
		(void)snprintf(text, sizeof(text), "%" PRIu64, count);
	(void)fn(arg, "references", text);
}

const struct hs_namer hs_namer_python = {
	.state_size = sizeof(struct python),
	.release = release,
	.claim = claim,
	.merge = merge,
	.claim_late = claim_late,
	.details = details,
	.source = HS_TYPE_PYTHON,
};
