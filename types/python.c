/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "types/pymalloc.h"
#include "types/python_memory.h"
#include "types/python_object.h"

/*
 * Objects of CPython 3.9 to 3.15 on 64-bit machines: a count, then the type.
 * Of 3.14 the count is {u32, -, flags u16}. Builds without the global lock have
 * other heads, and another allocator: nothing of theirs is named.
 * A type is an object too; the type of all types is its own type and is called
 * "type", so that no symbol is needed. Small objects live in the interpreter's
 * own arenas, which malloc does not know (types/pymalloc.c); malloc has the
 * larger ones.
 *
 * In front of an object may be the links of the garbage collector, and before
 * them what the type's flags ask for.
 */
#define TYPE_NAME 24u
#define TYPE_SIZE 32u
#define TYPE_FLAGS 168u

/* A str of ASCII has its text behind the head that all forms share: 40 bytes
 * since 3.12, 48 before. */
#define SHORTEST_STR 40u

/* That the object stays for ever, that it is a variable. */
#define FLAGS_314 (UINT64_C(0xf) << 48)

/* More than malloc adds to what was asked for. */
#define SLACK 40u

#define FLAG_MANAGED (UINT64_C(3) << 3) /* weak references, dict in front */
#define FLAG_READY (UINT64_C(1) << 12)
#define FLAG_GC (UINT64_C(1) << 14)
#define FLAG_LIST (UINT64_C(1) << 25) /* or derived from it */
#define FLAG_DICT (UINT64_C(1) << 29)

struct python {
	hs_addr type; /* of types; 0: there is no Python here */
	struct hs_pymalloc arenas;
	struct hs_addr_map types;  /* value: type; extra: basic size in bytes,
				    * and EXTRA_* */
	struct hs_addr_map bodies; /* of containers; value: which */
	struct hs_python_memory memory; /* that objects have besides */
};

/* Blocks that belong to an object. */
enum body { BODY_LIST, BODY_DICT };
static const char *const bodies[] = { "list items", "dict keys" };

#define EXTRA_GC (1u << 28)
#define EXTRA_MANAGED (1u << 29)
#define EXTRA_LIST (1u << 30)
#define EXTRA_DICT (1u << 31)
#define EXTRA_SIZE (EXTRA_GC - 1)

static void release(void *state)
{
	struct python *py = state;
	hs_addr_map_release(&py->types);
	hs_addr_map_release(&py->bodies);
	hs_python_memory_release(&py->memory);
	hs_pymalloc_release(&py->arenas);
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

/* Somewhere in the variables of the executable or of a library. */
static void prepare(struct hs_naming *n, void *state)
{
	struct python *py = state;
	if (n->target->word_size != 8 || n->target->big_endian)
		return;
	for (size_t i = 0; i < n->target->maps.count; i++) {
		const struct hs_map *map = &n->target->maps.map[i];
		hs_addr at = map->start;
		if (!(map->prot & HS_PROT_WRITE) ||
		    hs_naming_module(n, at) == SIZE_MAX)
			continue;
		while (at < map->end) {
			uint64_t word;
			if (!hs_window_word(&n->block, at + 8, &word)) {
				at = (at | 4095) + 1; /* a page is missing */
			} else if (word == at && is_type_type(n, at)) {
				py->type = at;
				return;
			} else {
				at += 8;
			}
		}
	}
}

/* A type's type is "type" or, with a metaclass, an object of it. */
static bool is_type(struct hs_naming *n, const struct python *py, hs_addr at)
{
	uint64_t meta, above;
	return at % 8 == 0 && at >= 4096 && hs_peek(n, at + 8, &meta) &&
	       (meta == py->type ||
		(meta % 8 == 0 && hs_peek(n, meta + 8, &above) &&
		 above == py->type));
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
	if (!is_type(n, py, at) || !hs_peek(n, at + TYPE_NAME, &name) ||
	    !hs_peek(n, at + TYPE_SIZE, &size) || size < 16 ||
	    size > EXTRA_SIZE || !hs_peek(n, at + TYPE_FLAGS, &flags) ||
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
	bool own = hs_naming_module(n, at) != SIZE_MAX;
	/* The size that type has is of the longest of the forms of a string. */
	if (own && strcmp(text, "str") == 0)
		size = SHORTEST_STR;
	struct hs_addr_entry entry = { .addr = at, .extra = (uint32_t)size };
	entry.extra |= (flags & FLAG_GC ? EXTRA_GC : 0) |
		       (flags & FLAG_MANAGED ? EXTRA_MANAGED : 0) |
		       (flags & FLAG_LIST ? EXTRA_LIST : 0) |
		       (flags & FLAG_DICT ? EXTRA_DICT : 0);
	if (!hs_naming_read_type(n, &what, &entry.value))
		return NULL;
	enum hs_status st = hs_addr_map_put(&py->types, entry, &err);
	if (st) {
		hs_naming_fail(n, st, &err);
		return NULL;
	}
	return hs_addr_map_get(&py->types, at);
}

/* The object OFFSET bytes into B, NULL: there is none. */
static const struct hs_addr_entry *object_at(struct hs_naming *n,
					     struct python *py,
					     const struct hs_block *b,
					     unsigned offset)
{
	uint64_t count, type, link;
	/* Nobody has four billion references; a link of free memory may look
	 * as if. */
	if (!hs_block_word(n, b, offset / 8, &count) || (uint32_t)count == 0 ||
	    (count & ~FLAGS_314) > UINT32_MAX ||
	    !hs_block_word(n, b, offset / 8 + 1, &type))
		return NULL;
	const struct hs_addr_entry *t = look_up(n, py, type);
	if (!t || (t->extra & EXTRA_SIZE) > b->usable - offset ||
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

/* A container that is not empty keeps what is in it elsewhere; so do those that
 * are derived from it. *WHICH is an index of bodies[]; false: it has no body,
 * or shares it. */
static bool body_of(struct hs_naming *n, struct python *py,
		    const struct hs_block *b, unsigned offset, hs_addr *ret,
		    uint32_t *which)
{
	uint64_t of, values;
	uint32_t users;
	if (!hs_block_word(n, b, offset / 8 + 1, &of))
		return false;
	const struct hs_addr_entry *t = look_up(n, py, of);
	if (!t)
		return false;
	if (t->extra & EXTRA_LIST) {
		*which = BODY_LIST;
		return hs_block_word(n, b, offset / 8 + 3, ret) && *ret != 0;
	}
	*which = BODY_DICT;
	return t->extra & EXTRA_DICT &&
	       hs_block_word(n, b, offset / 8 + 4, ret) && *ret != 0 &&
	       hs_block_word(n, b, offset / 8 + 5, &values) && values == 0 &&
	       hs_peek_u32(n, *ret, &users) && users == 1;
}

static void note_body(struct hs_naming *n, struct python *py, hs_addr body,
		      uint32_t which)
{
	struct hs_error err;
	enum hs_status st = HS_OK;
	if (body != HS_NO_ADDR)
		st = hs_addr_map_put(&py->bodies,
				     (struct hs_addr_entry){ body, which, 0 },
				     &err);
	if (st)
		hs_naming_fail(n, st, &err);
}

/*
 * Keys that the dicts of a class's instances share, which its type object leads
 * to. Since 3.11 they begin with
 *
 *	{users, log2 of size u8, log2 of index bytes u8, kind u8, u8, u32,
 *	 free entries, entries, indices, ...}
 *
 * where free and used ones are two thirds of the size.
 */
#define KIND_SHARED 2u

static bool is_shared_keys(struct hs_naming *n, hs_addr at)
{
	uint64_t users, sizes, room, count;
	if (at % 16 != 0 || !hs_peek(n, at, &users) || users == 0 ||
	    users > UINT32_MAX || !hs_peek(n, at + 8, &sizes) ||
	    (sizes & 0xff) < 3 || (sizes & 0xff) > 31 ||
	    (sizes >> 8 & 0xff) < (sizes & 0xff) ||
	    (sizes >> 16 & 0xff) != KIND_SHARED)
		return false;
	uint64_t size = UINT64_C(1) << (sizes & 0xff);
	return hs_peek(n, at + 16, &room) && hs_peek(n, at + 24, &count) &&
	       room <= size && count <= size && room + count <= 2 * size / 3;
}

static void note_shared_keys(struct hs_naming *n, struct python *py,
			     const struct hs_block *b)
{
	for (size_t i = TYPE_FLAGS / 8; 8 * i + 8 <= b->usable && i < 256;
	     i++) {
		struct hs_block keys;
		uint64_t at;
		if (hs_block_word(n, b, i, &at) && at % 16 == 0 &&
		    hs_naming_block_at(n, at, &keys) && is_shared_keys(n, at))
			note_body(n, py, at, BODY_DICT);
	}
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	struct python *py = state;
	hs_addr body;
	uint32_t which;
	uint64_t of;
	if (!py->type)
		return false;
	unsigned offset = find(n, py, b, type);
	if (offset == UINT32_MAX)
		return false;
	if (body_of(n, py, b, offset, &body, &which))
		note_body(n, py, body, which);
	if (hs_block_word(n, b, offset / 8 + 1, &of) &&
	    (of == py->type || is_type(n, py, b->user + offset)))
		note_shared_keys(n, py, b);
	return true;
}

static void merge(struct hs_naming *n, void *state, const void *worker)
{
	struct python *py = state;
	const struct python *from = worker;
	hs_naming_merge(n, &py->bodies, &from->bodies);
}

static bool body_type(struct hs_naming *n, const struct python *py,
		      uint32_t which, uint32_t *type)
{
	const struct hs_type what = {
		.name = bodies[which],
		.source = HS_TYPE_PYTHON,
		.confidence = HS_CONFIDENCE_HIGH,
		.evidence = "the object that points to it",
		.module = hs_naming_module(n, py->type),
	};
	return hs_naming_type(n, &what, type);
}

static struct hs_block as_block(struct hs_naming *n,
				const struct hs_pymalloc_block *b)
{
	struct hs_block block = { .chunk = SIZE_MAX,
				  .user = b->start,
				  .usable = b->size };
	(void)hs_window_word(&n->block, b->start, &block.first);
	return block;
}

struct walk {
	struct hs_naming *n;
	struct python *py;
};

static void note_memory(struct hs_naming *n, struct python *py,
			const struct hs_block *b, unsigned offset)
{
	uint64_t type;
	if (!hs_block_word(n, b, offset / 8 + 1, &type))
		return;
	const struct hs_addr_entry *t = look_up(n, py, type);
	if (t)
		hs_python_memory_note(n, &py->memory, b, offset,
				      t->extra & EXTRA_SIZE, t->value);
}

static void note_body_of(void *arg, const struct hs_pymalloc_block *part)
{
	const struct walk *w = arg;
	const struct hs_block b = as_block(w->n, part);
	hs_addr body;
	uint32_t type, which;
	unsigned offset = find(w->n, w->py, &b, &type);
	if (offset == UINT32_MAX)
		return;
	if (body_of(w->n, w->py, &b, offset, &body, &which))
		note_body(w->n, w->py, body, which);
	note_memory(w->n, w->py, &b, offset);
}

/* What objects that malloc has lead to. */
static void note_memory_of_blocks(struct hs_naming *n, struct python *py)
{
	for (size_t i = 0; i < n->heap->chunk_count; i++) {
		struct hs_block b;
		uint32_t type = n->type_of[i];
		hs_naming_look_ahead(n, i);
		if (type == HS_NO_TYPE ||
		    n->table.type[type].source != HS_TYPE_PYTHON ||
		    !hs_naming_block(n, i, &b))
			continue;
		unsigned offset = find(n, py, &b, &type);
		if (offset != UINT32_MAX)
			note_memory(n, py, &b, offset);
	}
}

/* The type of what is in PART, HS_NO_TYPE: not known. */
static uint32_t type_of_part(struct hs_naming *n, struct python *py,
			     const struct hs_pymalloc_block *part)
{
	const struct hs_block b = as_block(n, part);
	uint32_t type;
	if (find(n, py, &b, &type) != UINT32_MAX)
		return type;
	const struct hs_addr_entry *body =
		hs_addr_map_get(&py->bodies, part->start);
	return body && body_type(n, py, body->value, &type) ? type : HS_NO_TYPE;
}

static void count_part(void *arg, const struct hs_pymalloc_block *part)
{
	const struct walk *w = arg;
	hs_naming_part(w->n, HS_AREA_PYMALLOC, part->size,
		       type_of_part(w->n, w->py, part));
}

/* Twice through the arenas: who owns what, then what everything is. Between
 * them the blocks get their names that nothing but an object's field speaks
 * for. */
static void survey(struct hs_naming *n, void *state)
{
	struct python *py = state;
	struct walk w = { n, py };
	if (!py->type)
		return;
	hs_pymalloc_find(n, &py->arenas);
	struct hs_area_info *info = &n->parts[HS_AREA_PYMALLOC].info;
	info->live_known = true;
	info->count = py->arenas.count;
	info->bytes = py->arenas.count * py->arenas.arena_size;
	hs_pymalloc_walk(n, &py->arenas, note_body_of, &w);
	note_memory_of_blocks(n, py);
	hs_python_memory_name(n, &py->memory, &py->bodies,
			      hs_naming_module(n, py->type));
	hs_pymalloc_walk(n, &py->arenas, count_part, &w);
}

/*
 * What the parser and the compiler make is cut from blocks
 *
 *	{bytes, of which in use, next, where they begin: behind this}
 */
#define PARSER_HEAD 32u

static bool is_parser_block(struct hs_naming *n, const struct hs_block *b)
{
	uint64_t used, next, start;
	struct hs_block after;
	return b->first > 0 && b->usable >= PARSER_HEAD &&
	       b->first <= b->usable - PARSER_HEAD &&
	       b->usable - PARSER_HEAD - b->first < SLACK &&
	       hs_block_word(n, b, 1, &used) && used <= b->first &&
	       hs_block_word(n, b, 2, &next) &&
	       hs_block_word(n, b, 3, &start) &&
	       start == b->user + PARSER_HEAD &&
	       (next == 0 || hs_naming_block_at(n, next, &after));
}

static bool claim_late(struct hs_naming *n, const void *state,
		       const struct hs_block *b, uint32_t *type)
{
	const struct python *py = state;
	if (!py->type)
		return false;
	if (py->arenas.table == b->user || hs_pymalloc_map(n, &py->arenas, b)) {
		const struct hs_type what = {
			.name = "table of pymalloc arenas",
			.source = HS_TYPE_PYTHON,
			.confidence = HS_CONFIDENCE_HIGH,
			.evidence = "the arenas, whose pools say so, too",
			.module = hs_naming_module(n, py->type),
		};
		return hs_naming_type(n, &what, type);
	}
	if (is_parser_block(n, b)) {
		const struct hs_type what = {
			.name = "memory of Python's parser",
			.source = HS_TYPE_PYTHON,
			.confidence = HS_CONFIDENCE_HIGH,
			.evidence = "its own address and size in it",
			.module = hs_naming_module(n, py->type),
		};
		return hs_naming_type(n, &what, type);
	}
	const struct hs_addr_entry *known =
		hs_addr_map_get(&py->bodies, b->user);
	return known && body_type(n, py, known->value, type);
}

static bool part_at(struct hs_naming *n, void *state, hs_addr addr,
		    struct hs_part_info *ret)
{
	struct python *py = state;
	struct hs_pymalloc_block part;
	if (!py->type || !hs_pymalloc_at(n, &py->arenas, addr, &part))
		return false;
	uint32_t type = part.live ? type_of_part(n, py, &part) : HS_NO_TYPE;
	*ret = (struct hs_part_info){
		.area = HS_AREA_PYMALLOC,
		.start = part.start,
		.size = part.size,
		.live = part.live,
		.type = type == HS_NO_TYPE ? SIZE_MAX : type,
	};
	return true;
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
		(void)snprintf(text, sizeof(text), "%" PRIu64,
			       count & ~FLAGS_314);
	(void)fn(arg, "references", text);
}

hs_addr hs_python_type_of_types(const void *state)
{
	const struct python *py = state;
	return py->type;
}

const struct hs_pymalloc *hs_python_arenas(const void *state)
{
	const struct python *py = state;
	return &py->arenas;
}

unsigned hs_python_object_in(struct hs_naming *n, void *state,
			     const struct hs_block *b, uint32_t *type)
{
	return find(n, state, b, type);
}

const struct hs_namer hs_namer_python = {
	.state_size = sizeof(struct python),
	.release = release,
	.prepare = prepare,
	.claim = claim,
	.merge = merge,
	.survey = survey,
	.part_at = part_at,
	.claim_late = claim_late,
	.details = details,
	.source = HS_TYPE_PYTHON,
};
