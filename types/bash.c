/* SPDX-License-Identifier: MIT */
#include "types/bash_commands.h"

/*
 * Variables and functions of bash 4 and 5, on 64-bit machines. They are in
 * hash tables, to which bash's own variables lead: an entry is in the bucket
 * that its hash says, and there are as many as the table counts.
 *
 *	context  {..., table}, of variables
 *	table    {buckets, how many i32, entries i32}
 *	entry    {next, key, data, hash u32, found i32}
 *	variable {name, value, for children, functions[2], attributes i32,
 *	         context i32}; the name is the key once more
 *	array    {kind i32, -, highest i64, elements i64, head, last}
 *	element  {index i64, value, next, previous}, in a ring with its head
 */
#define CONTEXT_WORDS 6u
#define TABLE_BYTES 16u
#define ENTRY_BYTES 32u
#define BUCKETS_MOST (UINT32_C(1) << 24)
#define VARIABLE_BYTES 48u
#define ATTRIBUTES 5u /* the word whose lower half they are */
#define IS_ARRAY 0x4u
#define IS_FUNCTION 0x8u
#define IS_TABLE 0x40u
#define ARRAY_BYTES 40u
#define ELEMENT_BYTES 32u
#define DEFINITION_BYTES 32u
#define NAME_BYTES 256u
#define VISITS 32u /* of each block; buckets count as well */

static void prepare(struct hs_naming *n, void *state)
{
	struct hs_bash *s = state;
	s->module = SIZE_MAX;
	if (n->target->word_size == 8 && !n->target->big_endian)
		s->module = hs_module_named(n, "bash");
	s->budget = (uint64_t)n->heap->chunk_count * VISITS;
}

struct table {
	struct hs_block self, buckets;
	uint32_t count, entries;
};

static bool read_table(struct hs_naming *n, hs_addr at, struct table *t)
{
	return hs_naming_block_at(n, at, &t->self) &&
	       hs_block_fits(n, &t->self, TABLE_BYTES) &&
	       hs_naming_block_at(n, t->self.first, &t->buckets) &&
	       hs_peek_u32(n, at + 8, &t->count) &&
	       hs_peek_u32(n, at + 12, &t->entries) && t->entries != 0 &&
	       t->count != 0 && (t->count & (t->count - 1)) == 0 &&
	       t->count <= BUCKETS_MOST &&
	       hs_block_fits(n, &t->buckets, 8 * (uint64_t)t->count);
}

static bool text_at(struct hs_naming *n, hs_addr at, char buf[NAME_BYTES])
{
	return hs_naming_block_at(n, at, NULL) &&
	       hs_peek_name(n, at, buf, NAME_BYTES, NULL);
}

static void put_array(struct hs_naming *n, struct hs_bash *s, hs_addr at)
{
	struct hs_block b, element;
	uint64_t head, count, next, back, value;
	if (!hs_naming_block_at(n, at, &b) ||
	    !hs_block_fits(n, &b, ARRAY_BYTES) ||
	    !hs_block_word(n, &b, 2, &count) || !hs_block_word(n, &b, 3, &head))
		return;
	/* Each element leads back, so the ring is no longer than the heap. */
	hs_addr before = head;
	next = head;
	do {
		if (!s->budget || !hs_naming_block_at(n, next, &element) ||
		    !hs_block_fits(n, &element, ELEMENT_BYTES))
			return;
		s->budget--;
		before = next;
		if (!hs_block_word(n, &element, 2, &next) ||
		    !hs_peek(n, next + 24, &back) || back != before)
			return;
		hs_bash_put(n, before, HS_BASH_ELEMENT);
		if (before != head && hs_block_word(n, &element, 1, &value))
			hs_bash_put(n, value, HS_BASH_VALUE);
	} while (next != head);
	hs_bash_put(n, at, HS_BASH_ARRAY);
}

static void put_table(struct hs_naming *n, struct hs_bash *s, hs_addr at,
		      bool nested);

/* Where a function was defined: {flags i32, line i32, name, command, file}. */
static void put_definition(struct hs_naming *n, struct hs_bash *s, hs_addr at,
			   const char *key)
{
	struct hs_block b;
	uint64_t word, command, file, text;
	char name[NAME_BYTES];
	if (!hs_naming_block_at(n, at, &b) ||
	    !hs_block_fits(n, &b, DEFINITION_BYTES) ||
	    !hs_block_word(n, &b, 1, &word) ||
	    !hs_block_word(n, &b, 2, &command) ||
	    !hs_block_word(n, &b, 3, &file) || !hs_peek(n, word, &text) ||
	    !text_at(n, text, name) || strcmp(name, key) != 0)
		return;
	hs_bash_put(n, at, HS_BASH_DEFINITION);
	hs_bash_put(n, word, HS_BASH_WORD);
	hs_bash_put(n, text, HS_BASH_NAME);
	hs_bash_put(n, file, HS_BASH_TEXT);
	hs_bash_put_command(n, s, command);
}

/* What the entry of KEY is for. */
static void put_variable(struct hs_naming *n, struct hs_bash *s, hs_addr at,
			 const char *key, bool nested)
{
	struct hs_block b;
	uint64_t value, exported, attributes;
	char name[NAME_BYTES];
	put_definition(n, s, at, key);
	if (!hs_naming_block_at(n, at, &b) ||
	    !hs_block_fits(n, &b, VARIABLE_BYTES) ||
	    !text_at(n, b.first, name) || strcmp(name, key) != 0 ||
	    !hs_block_word(n, &b, 1, &value) ||
	    !hs_block_word(n, &b, 2, &exported) ||
	    !hs_block_word(n, &b, ATTRIBUTES, &attributes))
		return;
	hs_bash_put(n, b.first, HS_BASH_NAME);
	hs_bash_put(n, exported, HS_BASH_VALUE);
	if (attributes & IS_FUNCTION) {
		hs_bash_put(n, at, HS_BASH_FUNCTION);
		hs_bash_put_command(n, s, value);
		return;
	}
	hs_bash_put(n, at, HS_BASH_VARIABLE);
	if (attributes & IS_ARRAY)
		put_array(n, s, value);
	else if (!(attributes & IS_TABLE))
		hs_bash_put(n, value, HS_BASH_VALUE);
	else if (!nested)
		put_table(n, s, value, true);
}

/* All entries of T, as many as it counts; PUT: give them names. */
static bool walk(struct hs_naming *n, struct hs_bash *s, const struct table *t,
		 bool put, bool nested)
{
	uint32_t entries = 0;
	for (uint32_t i = 0; i < t->count; i++) {
		uint64_t at, key, data;
		if (!s->budget || !hs_block_word(n, &t->buckets, i, &at))
			return false;
		s->budget--;
		while (at != 0) {
			struct hs_block entry;
			uint32_t hash;
			char name[NAME_BYTES];
			if (!s->budget || ++entries > t->entries ||
			    !hs_naming_block_at(n, at, &entry) ||
			    !hs_block_fits(n, &entry, ENTRY_BYTES) ||
			    !hs_block_word(n, &entry, 1, &key) ||
			    !hs_block_word(n, &entry, 2, &data) ||
			    !hs_peek_u32(n, at + 24, &hash) ||
			    (hash & (t->count - 1)) != i)
				return false;
			s->budget--;
			if (put) {
				hs_bash_put(n, at, HS_BASH_ENTRY);
				hs_bash_put(n, key, HS_BASH_NAME);
			}
			if (put && nested)
				hs_bash_put(n, data, HS_BASH_VALUE);
			else if (put && text_at(n, key, name))
				put_variable(n, s, data, name, nested);
			at = entry.first;
		}
	}
	return entries == t->entries;
}

/* NESTED: the value of a variable, whose data are texts. */
static void put_table(struct hs_naming *n, struct hs_bash *s, hs_addr at,
		      bool nested)
{
	struct table t;
	if (!read_table(n, at, &t) || n->type_of[t.self.chunk] != HS_NO_TYPE ||
	    !walk(n, s, &t, false, nested))
		return;
	hs_bash_put(n, at, HS_BASH_TABLE);
	hs_bash_put(n, t.buckets.user, HS_BASH_BUCKETS);
	(void)walk(n, s, &t, true, nested);
}

/* What a variable of bash's leads to: a table, or a context with one. */
static void look_at(struct hs_naming *n, struct hs_bash *s, hs_addr at)
{
	struct hs_block b;
	struct table t;
	uint64_t to;
	if (!hs_naming_block_at(n, at, &b))
		return;
	put_table(n, s, at, false);
	if (!hs_block_fits(n, &b, 8 * CONTEXT_WORDS) ||
	    !hs_block_word(n, &b, CONTEXT_WORDS - 1, &to) ||
	    !read_table(n, to, &t))
		return;
	put_table(n, s, to, false);
	if (n->type_of[t.self.chunk] != HS_NO_TYPE)
		hs_bash_put(n, at, HS_BASH_CONTEXT);
}

static void survey(struct hs_naming *n, void *state)
{
	struct hs_bash *s = state;
	for (size_t i = 0; s->module != SIZE_MAX && i < n->target->maps.count;
	     i++) {
		const struct hs_map *map = &n->target->maps.map[i];
		uint64_t word;
		if (!(map->prot & HS_PROT_WRITE) ||
		    hs_naming_module(n, map->start) != s->module)
			continue;
		for (hs_addr at = map->start; at + 8 <= map->end; at += 8)
			if (hs_window_word(&n->meta, at, &word) && word &&
			    word % 16 == 0)
				look_at(n, s, word);
	}
}

const struct hs_namer hs_namer_bash = {
	.state_size = sizeof(struct hs_bash),
	.prepare = prepare,
	.survey = survey,
	.source = HS_TYPE_BASH,
};
