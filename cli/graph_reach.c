/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/graph_view.h"
#include "cli/reach.h"

struct build {
	struct cli *cli;
	struct hs_graph *graph;
	struct graph_view *view;
	size_t *chunk_of;  /* by node */
	uint32_t *node_of; /* by chunk: node + 1; 0: not shown */
	size_t max_nodes;
	struct hs_error err;
};

/* The node of CHUNK, made when it is new; SIZE_MAX: no room. */
static size_t node_of(struct build *b, size_t chunk, unsigned distance)
{
	struct graph_view *v = b->view;
	if (b->node_of[chunk])
		return b->node_of[chunk] - 1;
	if (v->node_count == b->max_nodes) {
		v->cut = true;
		return SIZE_MAX;
	}
	b->chunk_of[v->node_count] = chunk;
	b->node_of[chunk] = (uint32_t)v->node_count + 1;
	v->nodes[v->node_count] =
		graph_node_of_chunk(b->cli->heap, chunk, distance);
	return v->node_count++;
}

/* Once, though several ways lead along it: they are few. */
static enum hs_status add_edge(struct build *b, size_t from, size_t to,
			       uint64_t offset, uint64_t interior)
{
	struct graph_view *v = b->view;
	for (size_t i = 0; i < v->edge_count; i++)
		if (v->edges[i].from == from && v->edges[i].to == to &&
		    v->edges[i].offset == offset)
			return HS_OK;
	struct graph_edge edge = { from, to, 1, offset, interior, NULL };
	char field[FIELD_TEXT];
	const char *name = NULL;
	if (!v->nodes[from].is_root)
		name = reach_field(b->cli, b->chunk_of[from], offset, field);
	if (name && !(edge.field = strdup(name)))
		return HS_ERR_NOMEM;
	enum hs_status st = graph_view_add_edge(v, &edge);
	if (st)
		free(edge.field);
	return st;
}

/* The node of a root: its words are the same for all of one variable's. */
static size_t node_of_root(struct build *b, const struct hs_root_info *root,
			   unsigned distance)
{
	struct graph_view *v = b->view;
	char text[ROOT_TEXT];
	(void)root_text(b->cli, root, text);
	for (size_t i = 0; i < v->node_count; i++)
		if (v->nodes[i].is_root && !strcmp(v->nodes[i].label, text))
			return i;
	if (v->node_count == b->max_nodes) {
		v->cut = true;
		return SIZE_MAX;
	}
	char *label = strdup(text);
	if (!label)
		return SIZE_MAX;
	v->nodes[v->node_count] = (struct graph_node){ .label = label,
						       .is_root = true,
						       .user = HS_NO_ADDR,
						       .distance = distance };
	return v->node_count++;
}

static enum hs_status add_path(struct build *b, const struct hs_path *path)
{
	enum hs_status st = HS_OK;
	size_t last = node_of_root(b, &path->root, (unsigned)path->count);
	for (size_t i = 0; i < path->count && !st; i++) {
		const struct hs_step *s = &path->step[i];
		size_t node =
			node_of(b, s->chunk, (unsigned)(path->count - 1 - i));
		if (node == SIZE_MAX)
			return HS_OK;
		if (last != SIZE_MAX)
			st = add_edge(b, last, node, s->offset, s->interior);
		last = node;
	}
	return st;
}

static enum hs_status add_paths(struct build *b, size_t chunk)
{
	struct hs_path_list list;
	char text[ROOT_TEXT];
	enum hs_status st = hs_graph_why(b->graph, chunk, b->cli->opt.paths,
					 &list, &b->err);
	if (st)
		return st;
	(void)snprintf(b->view->title, sizeof(b->view->title), "%s",
		       list.count ? root_text(b->cli, &list.path[0].root, text)
				  : "leaked: no way leads to it");
	/* Whatever the cap leaves out, the block in question is there. */
	(void)node_of(b, chunk, 0);
	for (size_t i = 0; i < list.count && !st; i++)
		st = add_path(b, &list.path[i]);
	hs_path_list_release(&list);
	return st;
}

/* The sample of every group and what hangs below it, as far as there is room:
 * the list of nodes is the queue. */
static enum hs_status add_leaks(struct build *b, const struct hs_leaks *leaks)
{
	for (size_t i = 0; i < hs_leaks_group_count(leaks); i++) {
		struct hs_leak_group g;
		hs_leaks_group(leaks, i, &g);
		(void)node_of(b, g.sample, 0);
	}
	for (size_t n = 0; n < b->view->node_count; n++) {
		struct hs_holder_list out;
		enum hs_status st = hs_graph_references(
			b->graph, b->chunk_of[n], &out, &b->err);
		if (st)
			return st;
		for (size_t i = 0; i < out.count && !st; i++) {
			const struct hs_holder *h = &out.holder[i];
			if (hs_graph_reached(b->graph, h->chunk))
				continue;
			size_t to = node_of(b, h->chunk,
					    b->view->nodes[n].distance + 1);
			if (to != SIZE_MAX)
				st = add_edge(b, n, to, h->offset, h->interior);
		}
		hs_holder_list_release(&out);
		if (st)
			return st;
	}
	(void)snprintf(b->view->title, sizeof(b->view->title),
		       b->view->node_count ? "leaks, one of each shape"
					   : "no leaks");
	return HS_OK;
}

int graph_reach(struct cli *cli, struct graph_view *view)
{
	struct build b = { .cli = cli, .view = view };
	struct hs_leaks *leaks = NULL;
	size_t chunk = 0;
	int code = EXIT_ANSWERED;
	*view = (struct graph_view){ .nodes = NULL };
	if (cli->opt.path)
		code = reach_block(cli, cli->opt.path, &chunk);
	if (!code)
		code = reach_build_named(cli, &b.graph);
	if (code)
		return code;
	struct hs_graph_summary s;
	hs_graph_summary(b.graph, &s);
	view->ref_count = s.references;
	reach_note_missing(b.graph);
	b.max_nodes = cli->opt.max_nodes;
	view->nodes = calloc(b.max_nodes + 1, sizeof(*view->nodes));
	b.chunk_of = calloc(b.max_nodes + 1, sizeof(*b.chunk_of));
	b.node_of =
		calloc(hs_heap_chunk_count(cli->heap) + 1, sizeof(*b.node_of));
	b.err = (struct hs_error){ .code = HS_ERR_NOMEM, .text = "no memory" };
	enum hs_status st = HS_ERR_NOMEM;
	if (view->nodes && b.chunk_of && b.node_of) {
		if (cli->opt.path)
			st = add_paths(&b, chunk);
		else if (!(st = hs_leaks_find(b.graph, &leaks, &b.err)))
			st = add_leaks(&b, leaks);
		if (!st)
			st = graph_view_label(view, cli, b.chunk_of);
	}
	if (st)
		code = cli_fail_error(cli, &b.err);
	hs_leaks_free(leaks);
	free(b.chunk_of);
	free(b.node_of);
	return code;
}
