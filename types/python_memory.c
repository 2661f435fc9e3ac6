/* SPDX-License-Identifier: MIT */
#include "types/python_memory.h"

#include <stdio.h>

#include "core/limits.h"

/* The head of an object: its count and its type. */
#define HEAD_WORDS 2u
/* No C struct of an object has more fields; a type object has. */
#define MOST_WORDS 128u

/*
 * A deque keeps what is in it in a chain of blocks, {previous, 64 objects,
 * next}, of which it knows the first and the last; what these have for a
 * neighbour beyond means nothing.
 *
 *	deque   {count, type, how many, first, last, ...}
 */
#define DEQUE_COUNT 2u
#define DEQUE_FIRST 3u
#define DEQUE_LAST 4u
#define LINK_ITEMS 64u
#define LINK_NEXT (8 * (1 + LINK_ITEMS))
#define LINK_BYTES (8 * (2 + LINK_ITEMS))

/* Word of a code object: a number of builds without the global lock (3.14 on).
 * In others nobody sets it, so it is what malloc had there. */
#define CODE_NUMBER 23u

/* They have addresses of what others own. */
static const char *const borrowers[] = { "memoryview", "managedbuffer", "type",
					 "weakref.ReferenceType" };

void hs_python_memory_release(struct hs_python_memory *m)
{
	hs_addr_map_release(&m->owner);
}

static bool is_called(const struct hs_naming *n, uint32_t type,
		      const char *name)
{
	return strcmp(n->table.type[type].name, name) == 0;
}

static bool borrows(const struct hs_naming *n, uint32_t type)
{
	for (size_t i = 0; i < sizeof(borrowers) / sizeof(borrowers[0]); i++)
		if (is_called(n, type, borrowers[i]))
			return true;
	return false;
}

/* Does a block begin at AT that has no name? */
static bool is_nameless(struct hs_naming *n, uint64_t at)
{
	uint32_t chunk;
	return at != 0 && at % 16 == 0 && hs_naming_chunk_at(n, at, &chunk) &&
	       n->type_of[chunk] == HS_NO_TYPE;
}

static void note(struct hs_naming *n, struct hs_python_memory *m, hs_addr at,
		 uint32_t type)
{
	const struct hs_addr_entry *known = hs_addr_map_get(&m->owner, at);
	struct hs_error err;
	bool several = known && (known->extra || known->value != type);
	if (known && (known->extra || !several))
		return;
	enum hs_status st = hs_addr_map_put(
		&m->owner, (struct hs_addr_entry){ at, type, several }, &err);
	if (st)
		hs_naming_fail(n, st, &err);
}

static void note_deque(struct hs_naming *n, struct hs_python_memory *m,
		       const struct hs_block *b, unsigned offset, uint32_t type)
{
	uint64_t count, at, last;
	if (!hs_block_word(n, b, offset / 8 + DEQUE_COUNT, &count) ||
	    !hs_block_word(n, b, offset / 8 + DEQUE_FIRST, &at) ||
	    !hs_block_word(n, b, offset / 8 + DEQUE_LAST, &last))
		return;
	/* The first and the last are not full. */
	for (uint64_t i = 0; i < count / LINK_ITEMS + 2; i++) {
		struct hs_block link;
		if (!is_nameless(n, at) || !hs_naming_block_at(n, at, &link) ||
		    link.usable < LINK_BYTES)
			return;
		note(n, m, at, type);
		if (at == last || !hs_peek(n, at + LINK_NEXT, &at))
			return;
	}
}

void hs_python_memory_note(struct hs_naming *n, struct hs_python_memory *m,
			   const struct hs_block *b, unsigned offset,
			   uint64_t size, uint32_t type)
{
	uint64_t at;
	if (size / 8 > MOST_WORDS)
		return;
	bool asked = false;
	for (size_t i = HEAD_WORDS; i < size / 8; i++) {
		if (!hs_block_word(n, b, offset / 8 + i, &at) ||
		    !is_nameless(n, at))
			continue;
		/* Few objects get here. */
		if (!asked && borrows(n, type))
			return;
		if (i == CODE_NUMBER && is_called(n, type, "code"))
			continue;
		if (!asked && is_called(n, type, "collections.deque"))
			note_deque(n, m, b, offset, type);
		asked = true;
		note(n, m, at, type);
	}
}

void hs_python_memory_name(struct hs_naming *n,
			   const struct hs_python_memory *m,
			   const struct hs_addr_map *bodies, size_t module)
{
	for (size_t i = 0; i < m->owner.slots && !n->failed; i++) {
		const struct hs_addr_entry *e = &m->owner.entry[i];
		char name[HS_LIMIT_TYPE_NAME];
		uint32_t chunk, type;
		if (e->addr == HS_NO_ADDR || e->extra ||
		    hs_addr_map_get(bodies, e->addr) ||
		    !hs_naming_chunk_at(n, e->addr, &chunk))
			continue;
		size_t owner = n->table.type[e->value].module;
		int len = snprintf(name, sizeof(name), "memory of %s",
				   n->table.type[e->value].name);
		const struct hs_type what = {
			.name = name,
			.source = HS_TYPE_PYTHON,
			.confidence = HS_CONFIDENCE_MEDIUM,
			.evidence = "a pointer in a Python object",
			.module = owner == SIZE_MAX ? module : owner,
		};
		if (len > 0 && (size_t)len < sizeof(name) &&
		    hs_naming_type(n, &what, &type))
			n->type_of[chunk] = type;
	}
}
