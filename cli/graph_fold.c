/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "cli/fold.h"
#include "cli/graph_view.h"

struct ranked {
	uint64_t count, bytes;
	uint32_t class;
};

static int by_bytes(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return x->class < y->class ? -1 : x->class > y->class;
}

struct build {
	struct graph_view *view;
	struct fold fold;
	uint32_t *class_of; /* by chunk */
	uint32_t *node_of;  /* by class: node + 1; 0: left out */
	struct ranked *ranked;
};

static bool count_chunk(void *arg, size_t i, const struct hs_chunk_info *c)
{
	struct build *b = arg;
	if (b->class_of[i] == FOLD_NONE)
		return true;
	b->ranked[b->class_of[i]].count++;
	b->ranked[b->class_of[i]].bytes += c->size;
	return true;
}

/* The largest classes become nodes. */
static bool choose(struct build *b, struct cli *cli, size_t max_nodes)
{
	struct graph_view *v = b->view;
	size_t n = b->fold.count;
	char text[FOLD_TEXT];
	b->ranked = calloc(n + 1, sizeof(*b->ranked));
	b->node_of = calloc(n + 1, sizeof(*b->node_of));
	if (!b->ranked || !b->node_of)
		return false;
	for (size_t i = 0; i < n; i++)
		b->ranked[i].class = (uint32_t)i;
	hs_heap_each(cli->heap, count_chunk, b);
	for (size_t i = 0; i < n; i++)
		v->all_bytes += b->ranked[i].bytes;
	qsort(b->ranked, n, sizeof(*b->ranked), by_bytes);
	/* Types that only earlier passes knew have no block. */
	while (n && !b->ranked[n - 1].count)
		n--;
	v->nodes =
		calloc((n < max_nodes ? n : max_nodes) + 1, sizeof(*v->nodes));
	if (!v->nodes)
		return false;
	v->left_out = n > max_nodes ? n - max_nodes : 0;
	v->cut = v->left_out > 0;
	for (size_t i = 0; i < n && i < max_nodes; i++) {
		const struct ranked *r = &b->ranked[i];
		const struct fold_class *c = &b->fold.class[r->class];
		char *label = strdup(fold_text(&b->fold, r->class, text));
		if (!label)
			return false;
		v->nodes[v->node_count++] =
			(struct graph_node){ .state = HS_CHUNK_USED,
					     .user = HS_NO_ADDR,
					     .label = label,
					     .min_size = c->low,
					     .max_size = c->high,
					     .count = r->count,
					     .bytes = r->bytes };
		b->node_of[r->class] = (uint32_t)v->node_count;
	}
	return true;
}

static bool add_ref(struct build *b, struct pair_map *edges, size_t from,
		    const struct hs_ref *ref)
{
	struct graph_view *v = b->view;
	uint32_t to = b->class_of[ref->to];
	to = to == FOLD_NONE ? 0 : b->node_of[to];
	if (!to)
		return true;
	uint32_t at = pair_map_get(edges, (uint32_t)from, to - 1);
	struct graph_edge edge = { from,        to - 1,        1,
				   ref->offset, ref->interior, NULL };
	if (at == PAIR_FAILED)
		return false;
	if (at == v->edge_count)
		return graph_view_add_edge(v, &edge) == HS_OK;
	v->edges[at].count++;
	return true;
}

static bool connect(struct build *b, const struct cli *cli,
		    const struct hs_refs *refs)
{
	struct graph_view *v = b->view;
	struct pair_map edges = { .pair = NULL };
	size_t chunks = hs_heap_chunk_count(cli->heap);
	bool ok = true;
	for (size_t chunk = 0; chunk < chunks && ok; chunk++) {
		uint32_t class = b->class_of[chunk];
		uint32_t node = class == FOLD_NONE ? 0 : b->node_of[class];
		size_t out = node ? hs_refs_out_count(refs, chunk) : 0;
		for (size_t i = 0; i < out && ok; i++) {
			struct hs_ref ref;
			hs_refs_out(refs, chunk, i, &ref);
			ok = add_ref(b, &edges, node - 1, &ref);
		}
	}
	pair_map_release(&edges);
	if (!ok)
		return false;
	graph_view_thin(v);
	return true;
}

int graph_fold(struct cli *cli, const struct hs_refs *refs, size_t max_nodes,
	       struct graph_view *view)
{
	size_t chunks = hs_heap_chunk_count(cli->heap);
	*view = (struct graph_view){ .by = cli->opt.by == FOLD_OWNER
						   ? GRAPH_BY_OWNER
						   : GRAPH_BY_TYPE,
				     .ref_count = hs_refs_count(refs) };
	struct build b = { .view = view,
			   .fold = { .by = cli->opt.by, .with_tid = true },
			   .class_of =
				   malloc((chunks + 1) * sizeof(*b.class_of)) };
	int code = EXIT_ANSWERED;
	bool ok = b.class_of;
	if (ok)
		code = fold_heap(&b.fold, cli, b.class_of);
	if (!code && ok)
		ok = choose(&b, cli, max_nodes) && connect(&b, cli, refs);
	if (!ok)
		code = cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
				"no memory for the graph");
	fold_release(&b.fold);
	free(b.class_of);
	free(b.node_of);
	free(b.ranked);
	return code;
}
