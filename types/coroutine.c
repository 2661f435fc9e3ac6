/* SPDX-License-Identifier: MIT */
#include "types/coroutine.h"

#include <stdlib.h>
#include <string.h>

#include "core/grow.h"
#include "core/limits.h"
#include "symbols/coroutine_names.h"

void hs_coroutines_release(struct hs_coroutines *co)
{
	hs_addr_map_release(&co->met);
	free(co->chunk);
}

static bool is_code(const struct hs_naming *n, hs_addr addr)
{
	const struct hs_map *map = hs_target_find_map(n->target, addr);
	return map && map->prot & HS_PROT_EXEC;
}

/* The symbol of the function at CODE, and what it does; the name of its frame
 * into BUF. */
static enum hs_coroutine_part part_at(struct hs_symbols *syms, hs_addr code,
				      char *buf, size_t size)
{
	struct hs_symbol_info symbol;
	if (!syms || !hs_symbols_at(syms, code, &symbol) || symbol.addr != code)
		return HS_COROUTINE_NONE;
	return hs_coroutine_of_symbol(symbol.name, buf, size);
}

bool hs_coroutine_name(struct hs_symbols *syms, uint64_t resume,
		       uint64_t destroy, char *buf, size_t size)
{
	char other[HS_LIMIT_TYPE_NAME];
	if (resume == 0) /* it came to its end */
		return part_at(syms, destroy, buf, size) ==
		       HS_COROUTINE_DESTROYS;
	return part_at(syms, resume, buf, size) == HS_COROUTINE_RESUMES &&
	       part_at(syms, destroy, other, sizeof(other)) ==
		       HS_COROUTINE_DESTROYS &&
	       strcmp(buf, other) == 0;
}

/* What B begins with: the key of a map, and the other word. False: these are
 * not two functions of one module. */
static bool begin(struct hs_naming *n, const struct hs_block *b, hs_addr *key,
		  hs_addr *other)
{
	uint64_t second;
	if (b->first && hs_naming_module(n, b->first) == SIZE_MAX)
		return false;
	if (!hs_block_word(n, b, 1, &second) || !second)
		return false;
	size_t module = hs_naming_module(n, second);
	*key = b->first ? b->first : second;
	*other = second;
	return module != SIZE_MAX &&
	       (!b->first || hs_naming_module(n, b->first) == module);
}

static bool put(struct hs_naming *n, struct hs_coroutines *co, hs_addr key,
		uint32_t value)
{
	struct hs_error err;
	enum hs_status st = hs_addr_map_put(
		&co->met, (struct hs_addr_entry){ key, value, 0 }, &err);
	if (st)
		hs_naming_fail(n, st, &err);
	return !st;
}

static bool add(struct hs_naming *n, struct hs_coroutines *co, uint32_t chunk)
{
	struct hs_error err;
	enum hs_status st = hs_grow(&co->chunk, &co->capacity, co->count,
				    sizeof(*co->chunk), &err);
	if (st)
		hs_naming_fail(n, st, &err);
	else
		co->chunk[co->count++] = chunk;
	return !st;
}

void hs_coroutines_note(struct hs_naming *n, struct hs_coroutines *co,
			const struct hs_block *b)
{
	hs_addr key, other;
	if (!begin(n, b, &key, &other))
		return;
	const struct hs_addr_entry *known = hs_addr_map_get(&co->met, key);
	bool functions =
		known ? known->value : is_code(n, key) && is_code(n, other);
	if (!known && !put(n, co, key, functions))
		return;
	if (functions)
		(void)add(n, co, (uint32_t)b->chunk);
}

void hs_coroutines_merge(struct hs_naming *n, struct hs_coroutines *co,
			 const struct hs_coroutines *other)
{
	for (size_t i = 0; i < other->count; i++)
		if (!add(n, co, other->chunk[i]))
			return;
}

static int by_number(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static uint32_t type_of(struct hs_naming *n, const struct hs_block *b,
			uint64_t destroy)
{
	char name[HS_LIMIT_TYPE_NAME];
	uint32_t type;
	struct hs_type what = {
		.name = name,
		.source = HS_TYPE_CXX,
		.confidence = HS_CONFIDENCE_HIGH,
		.evidence = "the functions that it begins with",
		.module = hs_naming_module(n, destroy),
	};
	return hs_coroutine_name(n->syms, b->first, destroy, name,
				 sizeof(name)) &&
			       hs_naming_read_type(n, &what, &type)
		       ? type
		       : HS_NO_TYPE;
}

void hs_coroutines_name(struct hs_naming *n, struct hs_coroutines *co)
{
	/* In the order that does not depend on who met them. */
	if (co->count)
		qsort(co->chunk, co->count, sizeof(*co->chunk), by_number);
	for (size_t i = 0; i < co->count && !n->failed; i++) {
		struct hs_block b;
		hs_addr key, other;
		if (!hs_naming_block(n, co->chunk[i], &b) ||
		    !begin(n, &b, &key, &other))
			continue;
		const struct hs_addr_entry *known =
			hs_addr_map_get(&co->met, key);
		uint32_t type = known ? known->value : type_of(n, &b, other);
		if (!known && !put(n, co, key, type))
			return;
		if (type != HS_NO_TYPE && n->type_of[b.chunk] == HS_NO_TYPE)
			n->type_of[b.chunk] = type;
	}
}

bool hs_coroutines_has(struct hs_naming *n, const struct hs_coroutines *co,
		       const struct hs_block *b)
{
	hs_addr key, other;
	if (!co->count || !begin(n, b, &key, &other))
		return false;
	const struct hs_addr_entry *e = hs_addr_map_get(&co->met, key);
	return e && e->value != HS_NO_TYPE;
}
