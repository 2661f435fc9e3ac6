/* SPDX-License-Identifier: MIT */
#include "types/gslice.h"
#include "types/shapes.h"

/*
 * Structures of GLib on 64-bit machines, by shapes that no symbol is needed
 * for: slabs, hash tables with their arrays, and, since 2.76, where each is a
 * block, nodes of lists and strings. Only where GLib is loaded.
 */
struct glib {
	bool loaded;
	uint64_t budget;
};
#define VISITS 8u

enum shape {
	SLAB,
	TABLE,
	KEYS,
	HASHES,
	VALUES,
	LIST,
	STRING,
	STRING_TEXT,
};

static uint32_t shape_type(struct hs_naming *n, enum shape shape)
{
	static const struct {
		const char *name, *evidence;
		enum hs_confidence confidence;
	} shapes[] = {
		[SLAB] = { "GSlice slab", "the ring of slabs it is in",
			   HS_CONFIDENCE_HIGH },
		[TABLE] = { "GHashTable", "its arrays, and its count of them",
			    HS_CONFIDENCE_HIGH },
		[KEYS] = { "GHashTable keys", "the hash table, and its count",
			   HS_CONFIDENCE_HIGH },
		[HASHES] = { "GHashTable hashes",
			     "the hash table, and its count",
			     HS_CONFIDENCE_HIGH },
		[VALUES] = { "GHashTable values",
			     "the hash table, and its count",
			     HS_CONFIDENCE_HIGH },
		[LIST] = { "GList node", "its neighbours lead back to it",
			   HS_CONFIDENCE_MEDIUM },
		[STRING] = { "GString", "a text that fits its block",
			     HS_CONFIDENCE_MEDIUM },
		[STRING_TEXT] = { "GString text", "the string that it fits",
				  HS_CONFIDENCE_MEDIUM },
	};
	const struct hs_type what = {
		.name = shapes[shape].name,
		.source = HS_TYPE_GLIB,
		.confidence = shapes[shape].confidence,
		.evidence = shapes[shape].evidence,
		.module = hs_module_named(n, "libglib-2.0"),
	};
	uint32_t type;
	return hs_naming_type(n, &what, &type) ? type : HS_NO_TYPE;
}

static void prepare(struct hs_naming *n, void *state)
{
	struct glib *g = state;
	g->loaded = n->target->word_size == 8 && !n->target->big_endian &&
		    hs_module_named(n, "libglib-2.0") != SIZE_MAX;
	if (g->loaded)
		g->budget = hs_word_budget(n, VISITS);
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	const struct glib *g = state;
	uint64_t bytes;
	if (!g->loaded || b->user % 128 != 0 || !hs_gslice_slab(n, b, &bytes))
		return false;
	*type = shape_type(n, SLAB);
	return *type != HS_NO_TYPE;
}

/*
 * A table as it is since 2.60; of late (seen in 2.90) its size is a u32:
 *
 *	{size, mod i32, mask u32, nodes u32, occupied u32, flags u32,
 *	 keys, hashes u32[], values, hash function, ...}
 *
 * It counts hashes that are not 0, and those that are not 1 either, which
 *stands for a removed entry: a second look at the array proves it.
 */
#define TABLE_BYTES 96u
#define BIG_KEYS 1u
#define BIG_VALUES 2u

struct table {
	uint64_t size, keys, hashes, values;
	uint32_t mask, nodes, occupied, flags;
};

/* One whose size takes WIDTH bytes; the arrays are aligned. */
static bool read_table_as(struct hs_naming *n, hs_addr at, unsigned width,
			  struct table *t)
{
	uint64_t function;
	hs_addr arrays = at + (width == 8 ? 32 : 24);
	return hs_window_uint(&n->meta, at, width, &t->size) && t->size >= 8 &&
	       t->size <= UINT32_MAX && (t->size & (t->size - 1)) == 0 &&
	       hs_peek_u32(n, at + width + 4, &t->mask) &&
	       t->mask == t->size - 1 &&
	       hs_peek_u32(n, at + width + 8, &t->nodes) &&
	       hs_peek_u32(n, at + width + 12, &t->occupied) &&
	       t->nodes <= t->occupied && t->occupied <= t->size &&
	       hs_peek_u32(n, at + width + 16, &t->flags) &&
	       hs_peek(n, arrays, &t->keys) &&
	       hs_peek(n, arrays + 8, &t->hashes) &&
	       hs_peek(n, arrays + 16, &t->values) &&
	       hs_peek(n, arrays + 24, &function) &&
	       hs_naming_module(n, function) != SIZE_MAX;
}

static bool read_table(struct hs_naming *n, hs_addr at, struct table *t)
{
	return read_table_as(n, at, 8, t) || read_table_as(n, at, 4, t);
}

/* What malloc may add: see SLACK in std_owners.c. */
static bool fits(const struct hs_naming *n, const struct hs_block *b,
		 uint64_t bytes)
{
	bool pages = n->heap->chunks[b->chunk].state == HS_CHUNK_MMAPPED;
	return bytes <= b->usable &&
	       b->usable - bytes < 40 + (pages ? 4096 : 0);
}

static bool counts_agree(struct hs_naming *n, struct glib *g,
			 const struct table *t)
{
	uint32_t nodes = 0, occupied = 0;
	for (uint64_t i = 0; i < t->size; i++) {
		uint64_t hash;
		if (!hs_spend(&g->budget) ||
		    !hs_window_uint(&n->block, t->hashes + 4 * i, 4, &hash))
			return false;
		nodes += hash > 1;
		occupied += hash > 0;
	}
	return nodes == t->nodes && occupied == t->occupied;
}

static void name_block(struct hs_naming *n, const struct hs_block *b,
		       enum shape shape)
{
	if (n->type_of[b->chunk] == HS_NO_TYPE)
		n->type_of[b->chunk] = shape_type(n, shape);
}

/* Is there a table at AT? Then its arrays get their names. */
static bool try_table(struct hs_naming *n, struct glib *g, hs_addr at)
{
	struct table t;
	struct hs_block keys, hashes, values;
	if (!read_table(n, at, &t) || !hs_naming_block_at(n, t.keys, &keys) ||
	    !fits(n, &keys, t.size * (t.flags & BIG_KEYS ? 8 : 4)) ||
	    !hs_naming_block_at(n, t.hashes, &hashes) ||
	    !fits(n, &hashes, 4 * t.size) ||
	    !hs_naming_block_at(n, t.values, &values) ||
	    (t.values != t.keys &&
	     !fits(n, &values, t.size * (t.flags & BIG_VALUES ? 8 : 4))) ||
	    t.hashes == t.keys || t.hashes == t.values ||
	    !counts_agree(n, g, &t))
		return false;
	name_block(n, &keys, KEYS);
	name_block(n, &hashes, HASHES);
	name_block(n, &values, VALUES);
	return true;
}

/* {data, next, previous}, and at least one of them knows it. */
static bool is_list_node(struct hs_naming *n, const struct hs_block *b)
{
	struct hs_block other;
	uint64_t next, prev, back;
	if (b->usable != 24 || !hs_block_word(n, b, 1, &next) ||
	    !hs_block_word(n, b, 2, &prev) || (!next && !prev) ||
	    next == b->user)
		return false;
	if (next &&
	    (!hs_naming_block_at(n, next, &other) || other.usable != 24 ||
	     !hs_block_word(n, &other, 2, &back) || back != b->user))
		return false;
	return !prev ||
	       (hs_naming_block_at(n, prev, &other) && other.usable == 24 &&
		hs_block_word(n, &other, 1, &back) && back == b->user);
}

/* {text, length, bytes of the text's block} */
static bool try_string(struct hs_naming *n, const struct hs_block *b)
{
	struct hs_block text;
	uint64_t len, bytes, end;
	if (b->usable != 24 || !hs_naming_block_at(n, b->first, &text) ||
	    !hs_block_word(n, b, 1, &len) || !hs_block_word(n, b, 2, &bytes) ||
	    len >= bytes || !fits(n, &text, bytes) ||
	    !hs_window_uint(&n->block, text.user + len, 1, &end) || end != 0)
		return false;
	if (len > 0 &&
	    (!hs_window_uint(&n->block, text.user + len - 1, 1, &end) || !end))
		return false;
	name_block(n, &text, STRING_TEXT);
	return true;
}

static void look_into_slab(struct hs_naming *n, struct glib *g,
			   const struct hs_block *b, uint64_t bytes)
{
	for (uint64_t off = 0; off + TABLE_BYTES <= bytes; off += 16)
		if (try_table(n, g, b->user + off)) {
			hs_naming_part(n, HS_AREA_GSLICE, TABLE_BYTES,
				       shape_type(n, TABLE));
			off += TABLE_BYTES - 16;
		}
}

static void survey(struct hs_naming *n, void *state)
{
	struct glib *g = state;
	struct hs_area_info *area = &n->parts[HS_AREA_GSLICE].info;
	for (size_t i = 0; g->loaded && i < n->heap->chunk_count; i++) {
		struct hs_block b;
		uint64_t bytes;
		hs_naming_look_ahead(n, i);
		if (!hs_naming_block(n, i, &b))
			continue;
		if (b.user % 128 == 0 && hs_gslice_slab(n, &b, &bytes)) {
			area->in_blocks = true;
			area->count++;
			area->bytes += bytes;
			look_into_slab(n, g, &b, bytes);
		} else if (n->type_of[i] != HS_NO_TYPE) {
			continue;
		} else if (b.usable >= TABLE_BYTES - 8 &&
			   b.usable < TABLE_BYTES + 24 &&
			   try_table(n, g, b.user)) {
			name_block(n, &b, TABLE);
		} else if (is_list_node(n, &b)) {
			name_block(n, &b, LIST);
		} else if (try_string(n, &b)) {
			name_block(n, &b, STRING);
		}
	}
}

const struct hs_namer hs_namer_glib = {
	.state_size = sizeof(struct glib),
	.prepare = prepare,
	.claim = claim,
	.survey = survey,
	.source = HS_TYPE_GLIB,
};
