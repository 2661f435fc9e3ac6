/* SPDX-License-Identifier: MIT */
#include "types/link_tables.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "core/grow.h"
#include "types/shapes.h"

#define LEAST_HEADS 8u /* of a table */
#define OF_TABLES 255u /* the number of their nodes */

/* The class that the first pointer of table I leads to. */
static unsigned table_class(struct hs_linked *s, uint32_t i)
{
	struct hs_naming *n = s->n;
	uint64_t usable = hs_chunk_usable(n->heap, &n->heap->chunks[i]);
	for (uint64_t off = 0; off + s->word <= usable; off += s->word) {
		uint64_t word, into;
		uint32_t to;
		if (!hs_window_word(&n->block, hs_linked_user(n, i) + off,
				    &word))
			return HS_NODE_CLASSES;
		if (word)
			return hs_linked_into(n, word, &to, &into)
				       ? hs_node_class_of(n, to)
				       : HS_NODE_CLASSES;
	}
	return HS_NODE_CLASSES;
}

void hs_link_arrays_release(struct hs_link_arrays *arrays)
{
	free(arrays->array);
}

bool hs_link_arrays_collect(struct hs_link_arrays *arrays, struct hs_linked *s)
{
	struct hs_naming *n = s->n;
	HS_AUTO_FREE uint8_t *is_table = calloc(n->table.count + 1, 1);
	if (!is_table)
		return hs_linked_no_memory(s);
	for (size_t i = 0; i < n->table.count; i++)
		is_table[i] = n->table.type[i].source == HS_TYPE_SHAPE &&
			      strncmp(n->table.type[i].name, "pointers",
				      strlen("pointers")) == 0;
	for (size_t i = 0; i < n->heap->chunk_count; i++) {
		struct hs_error err;
		if (n->type_of[i] == HS_NO_TYPE || !is_table[n->type_of[i]])
			continue;
		unsigned class = table_class(s, (uint32_t)i);
		if (class == HS_NODE_CLASSES || !s->class[class].links)
			continue;
		enum hs_status st =
			hs_grow(&arrays->array, &arrays->capacity,
				arrays->count, sizeof(*arrays->array), &err);
		if (st) {
			hs_naming_fail(n, st, &err);
			return false;
		}
		arrays->array[arrays->count++] =
			(struct hs_link_array){ (uint32_t)i, class };
	}
	return true;
}

/* The nodes that the places of table I lead to, into the queue; 0: they lead to
 * something else as well. */
static uint32_t read_heads(struct hs_linked *s, const struct hs_node_class *c,
			   struct hs_link_graph *g, uint32_t i, uint32_t into)
{
	struct hs_naming *n = s->n;
	uint64_t usable = hs_chunk_usable(n->heap, &n->heap->chunks[i]);
	uint32_t heads = 0;
	for (uint64_t off = 0; off + s->word <= usable; off += s->word) {
		uint64_t word, there;
		uint32_t to;
		if (!hs_window_word(&n->block, hs_linked_user(n, i) + off,
				    &word))
			return 0;
		if (!word)
			continue;
		if (!hs_linked_into(n, word, &to, &there) || there != into ||
		    s->node_of[to] == HS_NO_NODE ||
		    s->node_of[to] - c->first >= c->count ||
		    heads == c->count) {
			/* The last one may be what malloc added. */
			if (off + 2 * s->word > usable)
				break;
			return 0;
		}
		g->queue[heads++] = s->node_of[to] - c->first;
	}
	return heads;
}

/* Is the table CHUNK one of chains by FIELD? Then it is named, and they are. */
static bool name_table(struct hs_linked *s, const struct hs_node_class *c,
		       struct hs_link_graph *g, uint32_t chunk, unsigned field)
{
	struct hs_naming *n = s->n;
	char name[64];
	unsigned usable = (unsigned)hs_linked_usable(s, c);
	uint32_t type, nodes = 0,
		       heads = read_heads(s, c, g, chunk, c->link[field].into);
	if (heads >= LEAST_HEADS)
		nodes = hs_link_table(g, field, heads, OF_TABLES);
	if (!nodes)
		return false;
	(void)snprintf(name, sizeof(name), "hash table of %u-byte nodes",
		       usable);
	const struct hs_shape_name table = { name,
					     "chains of one kind begin in it",
					     HS_CONFIDENCE_LOW };
	if (hs_shape_type(n, &table, HS_TYPE_SHAPE, &type))
		n->type_of[chunk] = type;
	(void)snprintf(name, sizeof(name), "%u-byte hash node, next +%u",
		       usable, (unsigned)c->link[field].at);
	const struct hs_shape_name node = {
		name, "a table leads to each of its chain, to its end",
		HS_CONFIDENCE_LOW
	};
	if (!hs_shape_type(n, &node, HS_TYPE_SHAPE, &type))
		return false;
	for (uint32_t i = 0; i < nodes; i++)
		n->type_of[s->node[c->first + g->queue[i]]] = type;
	return true;
}

void hs_name_tables(const struct hs_link_arrays *arrays, struct hs_linked *s,
		    const struct hs_node_class *c, struct hs_link_graph *g)
{
	for (size_t i = 0; i < arrays->count && !s->n->failed; i++) {
		unsigned field = 0;
		if (&s->class[arrays->array[i].class] != c)
			continue;
		while (field < c->links &&
		       !name_table(s, c, g, arrays->array[i].chunk, field))
			field++;
	}
}
