/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "types/namer.h"

/*
 * Instances of GLib's object system on 64-bit machines. An instance points to
 * its class, the class holds its type, and a type is the address of a node
 * that lists itself and its ancestors, down to a fundamental type: a number.
 * The name is a number too, in the table of quarks. No symbol is needed.
 *
 * Private data lies before the instance, so that it begins inside its block.
 */
#define MAX_FUNDAMENTAL 1020u /* 255 types, shifted by two bits */

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
	struct hs_addr_map classes; /* value: type; extra: private bytes and,
				     * in the lower half, instance bytes */
	hs_addr quarks;             /* the table; 0: none found */
	uint32_t quark_count;
};

static void release(void *state)
{
	struct gobject *g = state;
	hs_addr_map_release(&g->classes);
}

static size_t module_named(const struct hs_naming *n, const char *part)
{
	for (size_t i = 0; i < n->target->modules.count; i++) {
		const char *path = n->target->modules.module[i].path;
		const char *slash = strrchr(path, '/');
		if (strncmp(slash ? slash + 1 : path, part, strlen(part)) == 0)
			return i;
	}
	return SIZE_MAX;
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

/* Does the node at TYPE, laid out so, list itself and its ancestors? */
static bool is_node(struct hs_naming *n, hs_addr type,
		    const struct node_layout *l)
{
	uint64_t count, first, last, end;
	return hs_window_uint(&n->meta, type + l->supers_count, 1, &count) &&
	       hs_peek(n, type + l->supers, &first) && first == type &&
	       hs_peek(n, type + l->supers + 8 * count, &last) && last != 0 &&
	       last <= MAX_FUNDAMENTAL && last % 4 == 0 &&
	       hs_peek(n, type + l->supers + 8 * count + 8, &end) && end == 0;
}

/* Look at the class at CLASS; its type and the bytes before an instance. */
static bool examine(struct hs_naming *n, struct gobject *g, hs_addr class,
		    uint32_t *type, uint32_t *sizes)
{
	uint64_t node, data, own, size, private, quark, text;
	char name[512];
	if (!hs_peek(n, class, &node) || node <= MAX_FUNDAMENTAL ||
	    node % 8 != 0)
		return false;
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		const struct node_layout *l = &layouts[i];
		if (!is_node(n, node, l) ||
		    !hs_peek(n, node + l->data, &data) ||
		    !hs_peek(n, data + DATA_CLASS, &own) || own != class ||
		    !hs_window_uint(&n->meta, data + DATA_INSTANCE_SIZE, 2,
				    &size) ||
		    size < 8 ||
		    !hs_window_uint(&n->meta, data + DATA_PRIVATE_SIZE, 2,
				    &private) ||
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
		return hs_naming_read_type(n, &what, type);
	}
	return false;
}

/* The instance in B whose class pointer is OFFSET bytes into it. */
static bool instance_at(struct hs_naming *n, struct gobject *g,
			const struct hs_block *b, uint64_t offset,
			uint32_t *type)
{
	uint64_t class;
	uint32_t sizes;
	if (!hs_block_word(n, b, (size_t)(offset / 8), &class) ||
	    class % 8 != 0 || class < 4096 || class == b->user)
		return false;
	const struct hs_addr_entry *known = hs_addr_map_get(&g->classes, class);
	if (!known) {
		struct hs_error err;
		/* Classes are blocks of their own. */
		if (!hs_naming_block_at(n, class, NULL) ||
		    !examine(n, g, class, type, &sizes))
			return false;
		enum hs_status st = hs_addr_map_put(
			&g->classes,
			(struct hs_addr_entry){ class, *type, sizes }, &err);
		if (st)
			hs_naming_fail(n, st, &err);
		if (st)
			return false;
	} else {
		*type = known->value;
		sizes = known->extra;
	}
	return sizes >> 16 == offset && (sizes & 0xffff) <= b->usable - offset;
}

static bool find(struct hs_naming *n, struct gobject *g,
		 const struct hs_block *b, uint32_t *type, uint64_t *offset)
{
	if (!g->quarks)
		return false;
	/* Private data has at most 64 KiB, and is a multiple of 16 bytes. */
	for (*offset = 0; *offset < 65536 && *offset + 8 <= b->usable;
	     *offset += 16)
		if (instance_at(n, g, b, *offset, type))
			return true;
	return false;
}

static void prepare(struct hs_naming *n, void *state)
{
	struct gobject *g = state;
	size_t glib = module_named(n, "libglib-2.0");
	if (n->target->word_size == 8 && !n->target->big_endian &&
	    glib != SIZE_MAX && module_named(n, "libgobject-2.0") != SIZE_MAX)
		find_quarks(n, g, glib);
}

static bool claim(struct hs_naming *n, void *state, const struct hs_block *b,
		  uint32_t *type)
{
	uint64_t offset;
	return find(n, state, b, type, &offset);
}

static void details(struct hs_naming *n, void *state, const struct hs_block *b,
		    hs_detail_fn fn, void *arg)
{
	uint64_t offset, count;
	uint32_t type;
	char text[64];
	if (!find(n, state, b, &type, &offset) ||
	    !hs_window_uint(&n->block, b->user + offset + 8, 4, &count))
		return;
	(void)snprintf(text, sizeof(text), "0x%" PRIx64, b->user + offset);
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
	.details = details,
	.source = HS_TYPE_GOBJECT,
};
