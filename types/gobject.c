/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "types/gslice.h"
#include "types/shapes.h"

/*
 * Instances of GLib's object system on 64-bit machines. An instance points to
 * its class, the class holds its type, and a type is the address of a node
 * that lists itself and its ancestors, down to a fundamental type: a number.
 * The name is a number too, in the table of quarks. No symbol is needed.
 *
 * Private data lies before the instance, so that it begins inside its block.
 */
#define MAX_FUNDAMENTAL 1020u /* 255 types, shifted by two bits */
#define TYPE_OBJECT 80u
/* Instances have a count of references behind their class. */
#define COUNTED (UINT32_C(1) << 16)
#define MOST_REFERENCES (UINT32_C(1) << 28)
#define SLACK 40u /* what malloc may add, see std_owners.c */

/* The two ways in which nodes were laid out: until 2.76 a count of references
 * came first. */
static const struct node_layout {
	unsigned supers_count, data, name, supers;
} layouts[] = {
	{ 20, 32, 40, 72 },
	{ 12, 24, 32, 64 },
};

#define DATA_CLASS 56u
#define DATA_INSTANCE_SIZE 64u
#define DATA_PRIVATE_SIZE 66u

struct gobject {
	struct hs_addr_map classes; /* value: type; extra: private bytes,
				     * COUNTED, and in the lower half,
				     * instance bytes */
	hs_addr quarks;             /* the table; 0: none found */
	uint32_t quark_count;
};

static void release(void *state)
{
	struct gobject *g = state;
	hs_addr_map_release(&g->classes);
}

/*
 * Is there a table of quarks at AT? Number 0 is none, the others are names; the
 * first ones are GLib's own, so a few are enough.
 */
static bool is_quark_table(struct hs_naming *n, hs_addr at, uint32_t count)
{
	uint64_t entry;
	char text[256];
	if (count < 8 || count > 1u << 24 || at % 16 != 0 ||
	    !hs_peek(n, at, &entry) || entry != 0)
		return false;
	for (unsigned i = 1; i < 8; i++)
		if (!hs_peek(n, at + 8 * i, &entry) ||
		    !hs_peek_name(n, entry, text, sizeof(text), NULL))
			return false;
	return true;
}

/* A variable of libglib, the number of quarks eight bytes before it. */
static void find_quarks(struct hs_naming *n, struct gobject *g, size_t glib)
{
	for (size_t i = 0; i < n->target->maps.count; i++) {
		const struct hs_map *map = &n->target->maps.map[i];
		if (!(map->prot & HS_PROT_WRITE) ||
		    hs_naming_module(n, map->start) != glib)
			continue;
		for (hs_addr at = map->start + 8; at + 8 <= map->end; at += 8) {
			uint64_t table, count;
			if (!hs_window_word(&n->block, at, &table) ||
			    table < 4096 ||
			    !hs_window_uint(&n->block, at - 8, 4, &count) ||
			    !is_quark_table(n, table, (uint32_t)count))
				continue;
			g->quarks = table;
			g->quark_count = (uint32_t)count;
			return;
		}
	}
}

/* Does the node at TYPE, laid out so, list itself and its ancestors? *LAST gets
 * the fundamental type. */
static bool is_node(struct hs_naming *n, hs_addr type,
		    const struct node_layout *l, uint64_t *last)
{
	uint64_t count, first, end;
	return hs_window_uint(&n->meta, type + l->supers_count, 1, &count) &&
	       hs_peek(n, type + l->supers, &first) && first == type &&
	       hs_peek(n, type + l->supers + 8 * count, last) && *last != 0 &&
	       *last <= MAX_FUNDAMENTAL && *last % 4 == 0 &&
	       hs_peek(n, type + l->supers + 8 * count + 8, &end) && end == 0;
}

/* Look at the class at CLASS; its type and the bytes before an instance. */
static bool examine(struct hs_naming *n, struct gobject *g, hs_addr class,
		    uint32_t *type, uint32_t *sizes)
{
	uint64_t node, data, own, size, private, quark, text, last;
	char name[512];
	if (!hs_peek(n, class, &node) || node <= MAX_FUNDAMENTAL ||
	    node % 8 != 0)
		return false;
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		const struct node_layout *l = &layouts[i];
		if (!is_node(n, node, l, &last) ||
		    !hs_peek(n, node + l->data, &data) ||
		    !hs_peek(n, data + DATA_CLASS, &own) || own != class ||
		    !hs_window_uint(&n->meta, data + DATA_INSTANCE_SIZE, 2,
				    &size) ||
		    size < 8 ||
		    !hs_window_uint(&n->meta, data + DATA_PRIVATE_SIZE, 2,
				    &private) ||
		    private % 16 != 0 ||
		    !hs_window_uint(&n->meta, node + l->name, 4, &quark) ||
		    quark == 0 || quark >= g->quark_count ||
		    !hs_peek(n, g->quarks + 8 * quark, &text) ||
		    !hs_peek_name(n, text, name, sizeof(name), NULL))
			continue;
		struct hs_type what = {
			.name = name,
			.source = HS_TYPE_GOBJECT,
			.confidence = HS_CONFIDENCE_HIGH,
			.evidence = "its class, and GLib's node of its type",
			.module = SIZE_MAX,
		};
		*sizes = (uint32_t)(private << 16 | size);
		if (last == TYPE_OBJECT)
			*sizes |= COUNTED;
		return hs_naming_read_type(n, &what, type);
	}
	return false;
}

/* The entry of CLASS, NULL: it is none. */
static const struct hs_addr_entry *look_up(struct hs_naming *n,
					   struct gobject *g, hs_addr class)
{
	struct hs_error err;
	struct hs_addr_entry entry = { .addr = class };
	if (class % 8 != 0 || class < 4096)
		return NULL;
	const struct hs_addr_entry *known = hs_addr_map_get(&g->classes, class);
	if (known)
		return known;
	/* Classes are blocks of their own. */
	if (!hs_naming_block_at(n, class, NULL) ||
	    !examine(n, g, class, &entry.value, &entry.extra))
		return NULL;
	enum hs_status st = hs_addr_map_put(&g->classes, entry, &err);
	if (st)
		hs_naming_fail(n, st, &err);
	return st ? NULL : hs_addr_map_get(&g->classes, class);
}

struct instance {
	uint32_t type;
	hs_addr start; /* of its private data */
	hs_addr at;
	uint64_t size; /* from the start */
};

/* The instance at AT, where its class pointer is. */
static bool instance_at(struct hs_naming *n, struct gobject *g, hs_addr at,
			struct instance *ret)
{
	uint64_t class;
	uint32_t count;
	if (!hs_window_word(&n->block, at, &class) || class == at)
		return false;
	const struct hs_addr_entry *known = look_up(n, g, class);
	if (!known)
		return false;
	/* What has been finalized has no class any more; until then it has a
	 * reference. */
	if (known->extra & COUNTED && (!hs_peek_u32(n, at + 8, &count) ||
				       count == 0 || count > MOST_REFERENCES))
		return false;
	uint64_t private = (known->extra & ~COUNTED) >> 16;
	if (at < private)
		return false;
	*ret = (struct instance){ known->value, at - private, at,
				  private + (known->extra & 0xffff) };
	return true;
}

static bool find(struct hs_naming *n, struct gobject *g,
		 const struct hs_block *b, struct instance *ret)
{
	uint64_t bytes;
	if (!g->quarks || hs_gslice_slab(n, b, &bytes))
		return false;
	/* Private data has at most 64 KiB, and is a multiple of 16 bytes. */
	for (uint64_t off = 0; off < 65536 && off + 16 <= b->usable; off += 16)
		if (instance_at(n, g, b->user + off, ret) &&
		    ret->start == b->user && ret->size <= b->usable &&
		    b->usable - ret->size < SLACK)
			return true;
	return false;
}

/* The next instance of a slab from *OFF on, which moves behind it. */
static bool next_in_slab(struct hs_naming *n, struct gobject *g,
			 const struct hs_block *b, uint64_t bytes,
			 uint64_t *off, struct instance *ret)
{
	for (uint64_t from = *off; *off + 16 <= bytes; *off += 16)
		if (instance_at(n, g, b->user + *off, ret) &&
		    ret->start >= b->user + from &&
		    ret->size <= b->user + bytes - ret->start) {
			*off = (ret->start + ret->size - b->user + 15) & ~15u;
			return true;
		}
	return false;
}

static void prepare(struct hs_naming *n, void *state)
{
	struct gobject *g = state;
	size_t glib = hs_module_named(n, "libglib-2.0");
	if (n->target->word_size == 8 && !n->target->big_endian &&
	    glib != SIZE_MAX &&
	    hs_module_named(n, "libgobject-2.0") != SIZE_MAX)
		find_quarks(n, g, glib);
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	struct instance it;
	if (!find(n, state, b, &it))
		return false;
	*type = it.type;
	return true;
}

/* Give the block at ADDR a name, if it has none. */
static void name_block(struct hs_naming *n, hs_addr addr, const char *name,
		       const char *evidence)
{
	const struct hs_type what = { .name = name,
				      .source = HS_TYPE_GOBJECT,
				      .confidence = HS_CONFIDENCE_HIGH,
				      .evidence = evidence,
				      .module = SIZE_MAX };
	struct hs_block b;
	uint32_t type;
	if (hs_naming_block_at(n, addr, &b) &&
	    n->type_of[b.chunk] == HS_NO_TYPE &&
	    hs_naming_type(n, &what, &type))
		n->type_of[b.chunk] = type;
}

/* What GLib keeps of the type whose node may be B. */
static void try_node(struct hs_naming *n, const struct hs_block *b)
{
	uint64_t last, data, class, node;
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		const struct node_layout *l = &layouts[i];
		if (b->usable < l->supers + 16 ||
		    !is_node(n, b->user, l, &last))
			continue;
		name_block(n, b->user, "GType node", "it lists its ancestors");
		if (!hs_peek(n, b->user + l->data, &data) ||
		    !hs_naming_block_at(n, data, NULL))
			return;
		name_block(n, data, "GType data", "the node of its type");
		if (hs_peek(n, data + DATA_CLASS, &class) &&
		    hs_peek(n, class, &node) && node == b->user)
			name_block(n, class, "GType class",
				   "the node of its type");
		return;
	}
}

/* Instances in slabs, which glib.c counts, and what is kept of types. */
static void survey(struct hs_naming *n, void *state)
{
	struct gobject *g = state;
	if (!g->quarks)
		return;
	name_block(n, g->quarks, "GQuark table", "the names in it");
	for (size_t i = 0; i < n->heap->chunk_count; i++) {
		struct hs_block b;
		struct instance it;
		uint64_t bytes, off = 0;
		hs_naming_look_ahead(n, i);
		if (!hs_naming_block(n, i, &b))
			continue;
		if (n->type_of[i] == HS_NO_TYPE)
			try_node(n, &b);
		if (b.user % 128 != 0 || !hs_gslice_slab(n, &b, &bytes))
			continue;
		while (next_in_slab(n, g, &b, bytes, &off, &it))
			hs_naming_part(n, HS_AREA_GSLICE, it.size, it.type);
	}
}

static bool part_at(struct hs_naming *n, void *state, hs_addr addr,
		    struct hs_part_info *ret)
{
	struct gobject *g = state;
	struct hs_block b;
	struct instance it;
	uint64_t bytes, off = 0;
	if (!g->quarks || !hs_naming_block_in(n, addr, &b) ||
	    b.user % 128 != 0 || !hs_gslice_slab(n, &b, &bytes))
		return false;
	while (next_in_slab(n, g, &b, bytes, &off, &it)) {
		if (addr - it.start >= it.size)
			continue;
		*ret = (struct hs_part_info){
			.area = HS_AREA_GSLICE,
			.start = it.start,
			.size = it.size,
			.live = true,
			.type = it.type,
		};
		return true;
	}
	return false;
}

static void details(struct hs_naming *n, void *state, const struct hs_block *b,
		    hs_detail_fn fn, void *arg)
{
	struct instance it;
	uint64_t count;
	char text[64];
	if (!find(n, state, b, &it) ||
	    !hs_window_uint(&n->block, it.at + 8, 4, &count))
		return;
	(void)snprintf(text, sizeof(text), "0x%" PRIx64, it.at);
	if (!fn(arg, "instance", text))
		return;
	(void)snprintf(text, sizeof(text), "%" PRIu64, count);
	(void)fn(arg, "references", text);
}

const struct hs_namer hs_namer_gobject = {
	.state_size = sizeof(struct gobject),
	.release = release,
	.prepare = prepare,
	.claim = claim,
	.survey = survey,
	.part_at = part_at,
	.details = details,
	.source = HS_TYPE_GOBJECT,
};
