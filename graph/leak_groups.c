/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/grow.h"
#include "graph/leaks_inside.h"

/*
 * Leaks folded by their shape: what a block is called, where somebody knows,
 * else its size; and the same of what hangs below. Names stand without sizes,
 * so that a thousand strings are one shape, and the same one tomorrow.
 */

/* Things below that a shape names before it says "many". */
#define SHAPE_PARTS 4u
/* Of each name; the rest of a template says little. */
#define SHAPE_NAME 200u

static enum hs_confidence confidence_of(const struct hs_leaked *l,
					uint32_t node)
{
	const struct hs_graph_summary *s = &l->graph->summary;
	if (s->missing_root_bytes || s->missing_block_bytes ||
	    !l->graph->heap->checks.complete)
		return HS_CONFIDENCE_LOW;
	return l->stale[node] ? HS_CONFIDENCE_MEDIUM : HS_CONFIDENCE_HIGH;
}

static enum hs_leak_kind kind_of(const struct hs_leaked *l, uint32_t node)
{
	if (l->cyclic[l->part[node]])
		return HS_LEAK_CYCLE;
	return l->entry[node] == node ? HS_LEAK_ROOT : HS_LEAK_CHILD;
}

/* What blocks of one kind have in common. */
struct part {
	const char *name; /* NULL: not known, and the size tells */
	uint64_t size;    /* usable bytes; 0 where there is a name */
};

/* What one head leads to: what is compared, then what is added up. */
struct tree {
	struct part top;
	enum hs_leak_kind kind;
	bool more;                     /* than SHAPE_PARTS: none is kept */
	unsigned parts;                /* different ones below ... */
	struct part part[SHAPE_PARTS]; /* ... ascending */
	uint64_t count, bytes;
	uint64_t usable; /* of the head */
	uint32_t head;   /* node */
	uint32_t group;
};

static int compare_parts(const struct part *x, const struct part *y)
{
	if (!x->name != !y->name)
		return x->name ? -1 : 1;
	if (x->name && x->name != y->name)
		return strcmp(x->name, y->name);
	return x->size < y->size ? -1 : x->size > y->size;
}

static void add_part(struct tree *t, const struct part *part)
{
	unsigned at = 0;
	if (t->more)
		return;
	while (at < t->parts && compare_parts(&t->part[at], part) < 0)
		at++;
	if (at < t->parts && compare_parts(&t->part[at], part) == 0)
		return;
	if (t->parts == SHAPE_PARTS) {
		t->more = true;
		t->parts = 0;
		return;
	}
	memmove(&t->part[at + 1], &t->part[at],
		(t->parts - at) * sizeof(*t->part));
	t->part[at] = *part;
	t->parts++;
}

static uint64_t usable_of(const struct hs_leaked *l, uint32_t node)
{
	const struct hs_heap *heap = l->graph->heap;
	return hs_chunk_usable(heap, &heap->chunks[l->chunk[node]]);
}

static struct part part_of(const struct hs_leaked *l, uint32_t node)
{
	const struct hs_graph_knowledge *known = l->graph->opt.knowledge;
	struct part part = { NULL, 0 };
	if (known && known->name)
		part.name = known->name(known->arg, l->chunk[node]);
	if (!part.name)
		part.size = usable_of(l, node);
	return part;
}

/* The name of PART, cut between characters, or its size and UNIT. */
static void print_part(FILE *to, const struct part *part, const char *unit)
{
	if (!part->name) {
		(void)fprintf(to, "%" PRIu64 "%s", part->size, unit);
		return;
	}
	size_t len = strnlen(part->name, SHAPE_NAME + 1);
	bool cut = len > SHAPE_NAME;
	if (cut)
		for (len = SHAPE_NAME; len && (part->name[len] & 0xc0) == 0x80;)
			len--;
	(void)fprintf(to, "%.*s%s", (int)len, part->name, cut ? "..." : "");
}

/* NULL: no memory. */
static char *shape_text(const struct tree *t)
{
	char *text = NULL;
	size_t len;
	FILE *to = open_memstream(&text, &len);
	if (!to)
		return NULL;
	if (t->kind == HS_LEAK_CYCLE)
		(void)fprintf(to, "cycle of ");
	print_part(to, &t->top, " bytes");
	/* Many sizes are strings and the like: how many there are is chance. */
	if (t->more)
		(void)fprintf(to, " -> many sizes");
	for (unsigned i = 0; i < t->parts; i++) {
		(void)fprintf(to, i ? ", " : " -> ");
		print_part(to, &t->part[i], "");
	}
	if (fclose(to)) {
		free(text);
		return NULL;
	}
	return text;
}

static int compare_shapes(const struct tree *x, const struct tree *y)
{
	int order = compare_parts(&x->top, &y->top);
	if (order)
		return order;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->more != y->more)
		return x->more ? 1 : -1;
	if (x->parts != y->parts)
		return x->parts < y->parts ? -1 : 1;
	for (unsigned i = 0; i < x->parts && !order; i++)
		order = compare_parts(&x->part[i], &y->part[i]);
	return order;
}

static int by_shape(const void *a, const void *b)
{
	const struct tree *x = a, *y = b;
	int order = compare_shapes(x, y);
	if (order)
		return order;
	return x->head < y->head ? -1 : x->head > y->head;
}

static int by_head(const void *a, const void *b)
{
	const struct tree *x = a, *y = b;
	return x->head < y->head ? -1 : x->head > y->head;
}

static enum hs_status add_group(struct hs_leaks *leaks, const struct tree *t,
				size_t sample, struct hs_error *err)
{
	enum hs_status st =
		hs_grow(&leaks->group, &leaks->group_capacity,
			leaks->group_count, sizeof(*leaks->group), err);
	if (st)
		return st;
	char *shape = shape_text(t);
	if (!shape)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for a shape");
	size_t n = leaks->group_count++;
	leaks->group[n] = (struct hs_leak_slot){
		.group = { .shape = shape,
			   .type = t->top.name,
			   .sample = sample,
			   .root_bytes = t->usable,
			   .root_bytes_most = t->usable,
			   .kind = t->kind,
			   .worst = HS_CONFIDENCE_HIGH },
		.number = (uint32_t)n,
	};
	return HS_OK;
}

static int by_bytes(const void *a, const void *b)
{
	const struct hs_leak_slot *x = a, *y = b;
	if (x->group.bytes != y->group.bytes)
		return x->group.bytes > y->group.bytes ? -1 : 1;
	return x->group.sample < y->group.sample
		       ? -1
		       : x->group.sample > y->group.sample;
}

/* Heads of one shape become one group. */
static enum hs_status fold(struct hs_leaks *leaks, const struct hs_leaked *l,
			   struct tree *tree, size_t heads,
			   struct hs_error *err)
{
	for (size_t i = 0; i < heads; i++) {
		struct tree *t = &tree[i];
		if (i == 0 || compare_shapes(t, t - 1) != 0) {
			enum hs_status st =
				add_group(leaks, t, l->chunk[t->head], err);
			if (st)
				return st;
		}
		t->group = (uint32_t)(leaks->group_count - 1);
		struct hs_leak_group *g = &leaks->group[t->group].group;
		if (t->usable < g->root_bytes)
			g->root_bytes = t->usable;
		if (t->usable > g->root_bytes_most)
			g->root_bytes_most = t->usable;
		g->roots++;
		g->count += t->count;
		g->bytes += t->bytes;
	}
	return HS_OK;
}

/* Largest first; *RET: the new number by the old one. */
static enum hs_status sort_groups(struct hs_leaks *leaks, uint32_t **ret,
				  struct hs_error *err)
{
	size_t n = leaks->group_count;
	uint32_t *number = malloc((n + 1) * sizeof(*number));
	if (!number)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	if (n)
		qsort(leaks->group, n, sizeof(*leaks->group), by_bytes);
	for (size_t i = 0; i < n; i++)
		number[leaks->group[i].number] = (uint32_t)i;
	*ret = number;
	return HS_OK;
}

/* One tree a head; TREE_OF[node] is the number of its head's. */
static enum hs_status grow_trees(const struct hs_leaked *l, uint32_t *tree_of,
				 struct tree **ret, size_t *count,
				 struct hs_error *err)
{
	size_t heads = 0;
	for (uint32_t i = 0; i < l->count; i++)
		if (l->entry[i] == i)
			tree_of[i] = (uint32_t)heads++;
	struct tree *tree = calloc(heads + 1, sizeof(*tree));
	if (!tree)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu leaks",
			       heads);
	for (uint32_t i = 0; i < l->count; i++) {
		uint32_t head = l->entry[i];
		struct tree *t = &tree[tree_of[head]];
		struct part part = part_of(l, i);
		tree_of[i] = tree_of[head];
		t->count++;
		t->bytes += usable_of(l, i);
		if (head == i) {
			t->head = i;
			t->usable = usable_of(l, i);
			t->top = part;
			t->kind = kind_of(l, i);
		} else {
			add_part(t, &part);
		}
	}
	*ret = tree;
	*count = heads;
	return HS_OK;
}

enum hs_status hs_leaks_describe(struct hs_leaks *ret,
				 const struct hs_leaked *leaked,
				 struct hs_error *err)
{
	const struct hs_leaked *l = leaked;
	HS_AUTO_FREE uint32_t *tree_of =
		malloc((l->count + 1) * sizeof(*tree_of));
	HS_AUTO_FREE uint32_t *number = NULL;
	HS_AUTO_FREE struct tree *tree = NULL;
	size_t heads = 0;
	ret->leak = calloc(l->count + 1, sizeof(*ret->leak));
	if (!tree_of || !ret->leak)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu leaks",
			       l->count);
	enum hs_status st = grow_trees(l, tree_of, &tree, &heads, err);
	if (st)
		return st;
	qsort(tree, heads, sizeof(*tree), by_shape);
	st = fold(ret, l, tree, heads, err);
	if (!st)
		st = sort_groups(ret, &number, err);
	if (st)
		return st;
	qsort(tree, heads, sizeof(*tree), by_head);
	for (uint32_t i = 0; i < l->count; i++) {
		const struct tree *t = &tree[tree_of[i]];
		struct hs_leak_info *leak = &ret->leak[i];
		*leak = (struct hs_leak_info){
			.chunk = l->chunk[i],
			.kind = kind_of(l, i),
			.confidence = confidence_of(l, i),
			.root = l->part[t->head] == l->part[i]
					? SIZE_MAX
					: l->chunk[t->head],
			.group = number[t->group],
		};
		struct hs_leak_group *g = &ret->group[leak->group].group;
		if (leak->confidence < g->worst)
			g->worst = leak->confidence;
	}
	ret->count = l->count;
	return HS_OK;
}
