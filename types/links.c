/* SPDX-License-Identifier: MIT */
#include "types/links.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "types/link_tables.h"
#include "types/shapes.h"

/* What so many nodes are, others may be, too. */
#define LEAST_ALIKE 16u
/* What one in so many has at a place may be there. */
#define RARE 64u
/* Before glibc 2.32 the links of a thread's cache that nobody overwrote look
 * like a list of seven. */
#define LEAST_STALE 8u
/* Nodes that all tables may look at: each has its own, unless somebody means
 * harm. */
#define VISITS 16u
#define NAMED 254u /* the number of nodes that have a name */

/* ---- what nodes that are found are like ---- */

enum look { ZERO, BLOCK, ADDRESS, NUMBER, LOOKS };

struct likeness {
	struct hs_linked *s;
	const struct hs_node_class *c;
	uint32_t nodes;
	uint32_t looks[HS_NODE_WORDS][LOOKS];
};

static enum look look_at(struct hs_naming *n, uint64_t word)
{
	uint32_t chunk;
	uint64_t into;
	if (word == 0)
		return ZERO;
	if (hs_linked_into(n, word, &chunk, &into))
		return BLOCK;
	return word >= 4096 && hs_target_find_map(n->target, word) ? ADDRESS
								   : NUMBER;
}

/* The look of word K; LOOKS: it is not in a node. The last word, which is
 * often more than what was asked for, is left out. */
static unsigned look_of(struct likeness *like, uint32_t node, uint32_t k)
{
	struct hs_naming *n = like->s->n;
	uint32_t chunk = like->s->node[like->c->first + node];
	uint64_t word;
	if (k >= HS_NODE_WORDS ||
	    (k + 2) * like->s->word >
		    hs_chunk_usable(n->heap, &n->heap->chunks[chunk]) ||
	    !hs_window_word(&n->block,
			    hs_linked_user(n, chunk) + k * like->s->word,
			    &word))
		return LOOKS;
	return look_at(n, word);
}

static void learn(struct likeness *like, uint32_t node)
{
	unsigned look;
	like->nodes++;
	for (uint32_t k = 0; (look = look_of(like, node, k)) < LOOKS; k++)
		like->looks[k][look]++;
}

static bool is_like(void *arg, uint32_t node)
{
	struct likeness *like = arg;
	unsigned look;
	for (uint32_t k = 0; (look = look_of(like, node, k)) < LOOKS; k++)
		if ((uint64_t)like->looks[k][look] * RARE < like->nodes)
			return false;
	return true;
}

/* ---- shapes and their names ---- */

static void name_of(const struct hs_node_class *c,
		    const struct hs_link_shape *shape, uint64_t usable,
		    char *buf, size_t size)
{
	uint32_t at[3];
	for (unsigned i = 0; i < 3; i++)
		at[i] = c->link[shape->field[i]].at;
	switch (shape->kind) {
	case HS_LINK_TREE_UP:
		(void)snprintf(buf, size,
			       "%u-byte tree node, children +%u and +%u, "
			       "parent +%u",
			       (unsigned)usable, at[0], at[1], at[2]);
		break;
	case HS_LINK_TREE:
		(void)snprintf(buf, size,
			       "%u-byte tree node, children +%u and +%u",
			       (unsigned)usable, at[0], at[1]);
		break;
	case HS_LINK_DOUBLE:
		(void)snprintf(buf, size,
			       "%u-byte list node, links +%u and +%u",
			       (unsigned)usable, at[0], at[1]);
		break;
	default:
		(void)snprintf(buf, size, "%u-byte list node, next +%u",
			       (unsigned)usable, at[0]);
	}
}

static bool shape_type(struct hs_linked *s, const struct hs_node_class *c,
		       const struct hs_link_shape *shape, uint32_t *type)
{
	static const struct {
		const char *evidence;
		enum hs_confidence confidence;
	} how[] = {
		[HS_LINK_TREE_UP] = { "each of its tree leads back to its "
				      "parent",
				      HS_CONFIDENCE_MEDIUM },
		[HS_LINK_DOUBLE] = { "each of its list leads on and back",
				     HS_CONFIDENCE_MEDIUM },
		[HS_LINK_TREE] = { "all of its tree have one parent and end "
				   "in NULL",
				   HS_CONFIDENCE_LOW },
		[HS_LINK_SINGLE] = { "one leads to each of its list, to its "
				     "end",
				     HS_CONFIDENCE_LOW },
	};
	char name[96];
	name_of(c, shape, hs_linked_usable(s, c), name, sizeof(name));
	const struct hs_shape_name what = { name, how[shape->kind].evidence,
					    how[shape->kind].confidence };
	return hs_shape_type(s->n, &what, HS_TYPE_SHAPE, type);
}

/* Find what is SHAPE in C, and name it. */
static void name_shape(struct hs_linked *s, const struct hs_node_class *c,
		       struct hs_link_graph *g,
		       const struct hs_link_shape *shape, uint8_t number)
{
	struct likeness like = { .s = s, .c = c };
	uint32_t type;
	if (!hs_link_plausible(g, shape) ||
	    !hs_link_find(g, shape, number, NULL, NULL) ||
	    !shape_type(s, c, shape, &type))
		return;
	for (uint32_t i = 0; i < g->count; i++)
		if (g->shape[i] == number)
			learn(&like, i);
	if (like.nodes >= LEAST_ALIKE)
		(void)hs_link_find(g, shape, number, is_like, &like);
	for (uint32_t i = 0; i < g->count; i++)
		if (g->shape[i] == number)
			s->n->type_of[s->node[c->first + i]] = type;
}

/* All of KIND that the links of C could make. */
static void name_kind(struct hs_linked *s, const struct hs_node_class *c,
		      struct hs_link_graph *g, enum hs_link_kind kind,
		      uint8_t *number)
{
	unsigned links = c->links;
	for (unsigned i = 0; i < links * links * links; i++) {
		struct hs_link_shape shape = { kind,
					       { i / links / links,
						 i / links % links, i % links },
					       0 };
		const unsigned *f = shape.field;
		bool right = false;
		switch (kind) {
		case HS_LINK_TREE_UP:
			right = f[0] < f[1] && f[2] != f[0] && f[2] != f[1];
			break;
		case HS_LINK_DOUBLE:
		case HS_LINK_TREE:
			right = f[0] < f[1] && f[2] == 0;
			break;
		default:
			right = f[1] == 0 && f[2] == 0;
		}
		if (kind == HS_LINK_SINGLE && !s->n->heap->safe_linking &&
		    c->link[f[0]].at == 0 && c->link[f[0]].into == 0)
			shape.least = LEAST_STALE;
		if (right)
			name_shape(s, c, g, &shape, ++*number);
	}
}

static void name_class(struct hs_linked *s, const struct hs_link_arrays *arrays,
		       const struct hs_node_class *c)
{
	HS_AUTO_FREE uint8_t *bytes = calloc(3 + c->links, c->count);
	HS_AUTO_FREE uint32_t *queue = malloc(c->count * sizeof(*queue));
	HS_AUTO_FREE uint32_t *to =
		malloc((size_t)c->count * c->links * sizeof(*to));
	if (!bytes || !queue || !to) {
		(void)hs_linked_no_memory(s);
		return;
	}
	struct hs_link_graph g = { .count = c->count,
				   .own = c->own,
				   .fields = c->links,
				   .shape = bytes,
				   .into = bytes + c->count,
				   .seen = bytes + 2 * (size_t)c->count,
				   .queue = queue,
				   .budget = (uint64_t)c->count * VISITS };
	for (unsigned i = 0; i < c->links; i++) {
		g.to[i] = to + (size_t)i * c->count;
		g.in[i] = bytes + (3 + (size_t)i) * c->count;
	}
	/* The class before may have named some. */
	for (uint32_t i = 0; i < c->count; i++)
		g.shape[i] = s->n->type_of[s->node[c->first + i]] == HS_NO_TYPE
				     ? 0
				     : NAMED;
	if (!hs_linked_follow(s, c, to))
		return;
	hs_link_count(&g);
	uint8_t number = 0;
	hs_name_tables(arrays, s, c, &g);
	for (int kind = 0; kind < HS_LINK_KINDS; kind++)
		name_kind(s, c, &g, (enum hs_link_kind)kind, &number);
}

void hs_name_links(struct hs_naming *n)
{
	HS_CLEANUP(hs_linked_release) struct hs_linked s = { .n = n };
	HS_CLEANUP(hs_link_arrays_release)
	struct hs_link_arrays arrays = { 0 };
	if (!n->finder.index || n->heap->chunk_count >= HS_LINK_OUT ||
	    !hs_linked_init(&s, n) || !hs_link_arrays_collect(&arrays, &s))
		return;
	for (unsigned k = 0; k < HS_NODE_CLASSES && !n->failed; k++)
		if (s.class[k].links && s.class[k].own)
			name_class(&s, &arrays, &s.class[k]);
}
