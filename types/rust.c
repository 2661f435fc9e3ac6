/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/addr_map.h"
#include "core/grow.h"
#include "core/limits.h"
#include "symbols/demangle.h"
#include "types/namer.h"
#include "types/pointing_words.h"
#include "types/text.h"

/*
 * Trait objects of Rust, on 64-bit machines: wherever one is held, the address
 * of its table follows its own.
 *
 *	table    {function that destroys or 0, size, align, methods...}
 *
 * Size and align must be those of the block. What the object is only symbols of
 * the functions say, and types with the same code share these in an optimised
 * program: the functions must agree on a type, and no other table may have the
 * same ones. Else the name is no more than the size.
 */
#define MAX_ALIGN 4096u
#define SLACK 40u /* what malloc may add */

/* As much of a program is looked through for a word of the compiler's. */
#define MAX_SEARCHED (UINT64_C(256) << 20)

struct rust_table {
	hs_addr at;
	uint64_t destroy, size, method;
	bool shared;   /* another one has the same functions */
	uint32_t type; /* HS_NO_TYPE: not named yet */
};

struct found {
	size_t chunk;
	size_t table; /* SIZE_MAX: more than one */
};

struct rust {
	bool there;
	struct hs_addr_map tables;  /* value: 1 + table; 0: it is none */
	struct hs_addr_map methods; /* value: the first table with it */
	struct rust_table *table;
	size_t tables_count, tables_capacity;
	struct hs_addr_map blocks; /* value: its place in found */
	struct found *found;
	size_t found_count, found_capacity;
	struct hs_naming *n;
};

static void release(void *state)
{
	struct rust *r = state;
	hs_addr_map_release(&r->tables);
	hs_addr_map_release(&r->methods);
	hs_addr_map_release(&r->blocks);
	free(r->table);
	free(r->found);
}

/* Where the standard library was built stands in each of its panics. */
static bool speaks_of_rustc(struct hs_naming *n, const struct hs_map *map)
{
	static const char word[] = "/rustc/";
	const uint8_t *bytes;
	uint64_t len;
	for (hs_addr at = map->start; at < map->end; at += len) {
		if (hs_target_view(n->target, at, &bytes, &len, NULL) || !len)
			return false;
		if (len > map->end - at)
			len = map->end - at;
		if (memmem(bytes, len, word, sizeof(word) - 1))
			return true;
	}
	return false;
}

static void prepare(struct hs_naming *n, void *state)
{
	struct rust *r = state;
	uint64_t left = MAX_SEARCHED;
	if (n->target->word_size != 8 || n->target->big_endian)
		return;
	for (size_t i = 0; i < n->target->maps.count && !r->there; i++) {
		const struct hs_map *map = &n->target->maps.map[i];
		size_t m = hs_naming_module(n, map->start);
		if (m == SIZE_MAX ||
		    !n->target->modules.module[m].is_executable ||
		    map->prot & (HS_PROT_WRITE | HS_PROT_EXEC) ||
		    map->end - map->start > left)
			continue;
		left -= map->end - map->start;
		r->there = speaks_of_rustc(n, map);
	}
}

static bool is_code(struct hs_naming *n, hs_addr addr)
{
	const struct hs_map *map = hs_target_find_map(n->target, addr);
	return map && map->prot & HS_PROT_EXEC &&
	       hs_naming_module(n, addr) != SIZE_MAX;
}

static bool read_table(struct hs_naming *n, hs_addr at, struct rust_table *ret)
{
	struct rust_table t = { .at = at, .type = HS_NO_TYPE };
	const struct hs_map *map = hs_target_find_map(n->target, at);
	uint64_t align;
	if (!map || hs_naming_module(n, at) == SIZE_MAX ||
	    map->prot & HS_PROT_EXEC || !hs_peek(n, at, &t.destroy) ||
	    !hs_peek(n, at + 8, &t.size) || !hs_peek(n, at + 16, &align) ||
	    !hs_peek(n, at + 24, &t.method) || t.size == 0 || align == 0 ||
	    align > MAX_ALIGN || align & (align - 1) || t.size % align ||
	    (t.destroy && !is_code(n, t.destroy)) || !is_code(n, t.method))
		return false;
	*ret = t;
	return true;
}

static void failed(struct hs_naming *n, enum hs_status st,
		   const struct hs_error *err)
{
	if (st)
		hs_naming_fail(n, st, err);
}

/* Is the table that comes next the first with METHOD? Else that one shares it,
 * too. */
static bool is_first_with(struct rust *r, hs_addr method)
{
	struct hs_error err;
	const struct hs_addr_entry *known =
		hs_addr_map_get(&r->methods, method);
	if (known) {
		r->table[known->value].shared = true;
		return false;
	}
	const struct hs_addr_entry first = { method, (uint32_t)r->tables_count,
					     0 };
	failed(r->n, hs_addr_map_put(&r->methods, first, &err), &err);
	return true;
}

/* The number of the table at AT; SIZE_MAX: there is none. */
static size_t look_up(struct rust *r, hs_addr at)
{
	struct hs_naming *n = r->n;
	struct hs_error err;
	struct rust_table t;
	const struct hs_addr_entry *known = hs_addr_map_get(&r->tables, at);
	if (known)
		return (size_t)known->value - 1;
	if (at % 8 != 0 || hs_naming_module(n, at) == SIZE_MAX)
		return SIZE_MAX;
	uint32_t number = 0;
	if (read_table(n, at, &t)) {
		enum hs_status st =
			hs_grow(&r->table, &r->tables_capacity, r->tables_count,
				sizeof(*r->table), &err);
		failed(n, st, &err);
		if (st)
			return SIZE_MAX;
		t.shared = !is_first_with(r, t.method);
		r->table[r->tables_count++] = t;
		number = (uint32_t)r->tables_count;
	}
	failed(n,
	       hs_addr_map_put(&r->tables,
			       (struct hs_addr_entry){ at, number, 0 }, &err),
	       &err);
	return (size_t)number - 1;
}

static void add(struct rust *r, size_t chunk, hs_addr user, size_t table)
{
	struct hs_error err;
	const struct hs_addr_entry *known = hs_addr_map_get(&r->blocks, user);
	if (known) {
		struct found *f = &r->found[known->value];
		if (f->table != table)
			f->table = SIZE_MAX;
		return;
	}
	enum hs_status st = hs_grow(&r->found, &r->found_capacity,
				    r->found_count, sizeof(*r->found), &err);
	if (!st)
		st = hs_addr_map_put(
			&r->blocks,
			(struct hs_addr_entry){ user, (uint32_t)r->found_count,
						0 },
			&err);
	failed(r->n, st, &err);
	if (!st)
		r->found[r->found_count++] = (struct found){ chunk, table };
}

/* A reference has two words; the second leads into a module. */
static unsigned judge(struct hs_naming *n, const void *arg, hs_addr at,
		      uint32_t chunk)
{
	uint64_t next;
	(void)arg, (void)chunk;
	return hs_peek(n, at + 8, &next) &&
	       hs_naming_module(n, next) != SIZE_MAX;
}

static void look_at_word(void *arg, hs_addr at, uint32_t chunk, unsigned what)
{
	struct rust *r = arg;
	struct hs_block b;
	uint64_t next;
	(void)what;
	if (!hs_peek(r->n, at + 8, &next))
		return;
	size_t table = look_up(r, next);
	if (table == SIZE_MAX || !hs_naming_block(r->n, chunk, &b) ||
	    r->table[table].size > b.usable ||
	    b.usable - r->table[table].size >= SLACK)
		return;
	add(r, b.chunk, b.user, table);
}

/* What is between BEFORE and AFTER of the name of the function at CODE. */
static bool part_of_name(struct hs_naming *n, hs_addr code, const char *before,
			 const char *after, struct hs_text *ret)
{
	char name[HS_LIMIT_STRING];
	struct hs_symbol_info symbol;
	if (!n->syms || !hs_symbols_at(n->syms, code, &symbol) ||
	    symbol.addr != code ||
	    !hs_demangle(symbol.name, name, sizeof(name)) ||
	    strncmp(name, before, strlen(before)) != 0)
		return false;
	const char *start = name + strlen(before);
	const char *end =
		*after == '>' ? strrchr(start, '>') : strstr(start, after);
	if (!end)
		return false;
	hs_text_put(ret, start, (size_t)(end - start));
	return !ret->full;
}

/* The type that the functions of T agree on. */
static bool type_name(struct hs_naming *n, const struct rust_table *t,
		      char *buf, size_t size)
{
	char method[HS_LIMIT_STRING];
	struct hs_text of_method, name;
	if (t->shared || !t->destroy)
		return false;
	hs_text_init(&name, buf, size);
	hs_text_init(&of_method, method, sizeof(method));
	return part_of_name(n, t->destroy, "core::ptr::drop_in_place<", ">",
			    &name) &&
	       part_of_name(n, t->method, "<", " as ", &of_method) &&
	       strcmp(buf, method) == 0;
}

static uint32_t table_type(struct hs_naming *n, struct rust_table *t)
{
	char name[HS_LIMIT_STRING];
	struct hs_type what = {
		.name = name,
		.source = HS_TYPE_RUST,
		.confidence = HS_CONFIDENCE_MEDIUM,
		.evidence = "its size, and the names of its trait's functions",
		.module = hs_naming_module(n, t->at),
	};
	if (t->type != HS_NO_TYPE)
		return t->type;
	if (!type_name(n, t, name, sizeof(name))) {
		(void)snprintf(name, sizeof(name),
			       "Rust trait object of %llu bytes",
			       (unsigned long long)t->size);
		what.evidence = "a table of its size and of functions";
	}
	if (!hs_naming_read_type(n, &what, &t->type))
		t->type = HS_NO_TYPE;
	return t->type;
}

static void survey(struct hs_naming *n, void *state)
{
	struct rust *r = state;
	if (!r->there)
		return;
	r->n = n;
	hs_pointing_words(n, NULL, judge, look_at_word, r);
	for (size_t i = 0; i < r->found_count && !n->failed; i++) {
		const struct found *f = &r->found[i];
		if (f->table != SIZE_MAX)
			n->type_of[f->chunk] =
				table_type(n, &r->table[f->table]);
	}
}

const struct hs_namer hs_namer_rust = {
	.state_size = sizeof(struct rust),
	.release = release,
	.prepare = prepare,
	.survey = survey,
	.source = HS_TYPE_RUST,
};
