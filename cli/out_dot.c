/* SPDX-License-Identifier: MIT */
#include "cli/out_dot.h"

#include <errno.h>
#include <graphviz/cgraph.h>
#include <graphviz/gvc.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/out_evidence.h"
#include "cli/out_text.h"

static const char *fill(enum hs_chunk_state state)
{
	switch (state) {
	case HS_CHUNK_USED:
		return "palegreen";
	case HS_CHUNK_MMAPPED:
		return "lightskyblue";
	case HS_CHUNK_TCACHE:
		return "khaki";
	case HS_CHUNK_FASTBIN:
		return "gold";
	case HS_CHUNK_UNSORTED:
		return "orange";
	case HS_CHUNK_SMALLBIN:
		return "lightsalmon";
	case HS_CHUNK_LARGEBIN:
		return "salmon";
	case HS_CHUNK_TOP:
		return "lightgray";
	case HS_CHUNK_INTERNAL:
		return "plum";
	default:
		return "white";
	}
}

static void set(void *object, const char *name, const char *value)
{
	/* cgraph's own strings are not const, but it copies them. */
	agsafeset(object, (char *)name, (char *)value, (char *)"");
}

static void node_label(char *buf, size_t size, const struct graph_node *n)
{
	char low[TEXT_LEN], high[TEXT_LEN], count[TEXT_LEN], bytes[TEXT_LEN];
	(void)text_count(low, n->min_size);
	(void)text_count(high, n->max_size);
	if (n->user != HS_NO_ADDR)
		(void)snprintf(buf, size, "0x%" PRIx64 "\\n%s %s", n->user, low,
			       hs_chunk_state_name(n->state));
	else
		(void)snprintf(buf, size, "%s%s%s %s\\n%s x, %s", low,
			       n->min_size == n->max_size ? "" : "-",
			       n->min_size == n->max_size ? "" : high,
			       hs_chunk_state_name(n->state),
			       text_count(count, n->count),
			       text_size(bytes, n->bytes));
}

static void edge_label(char *buf, size_t size, const struct graph_view *view,
		       const struct graph_edge *e)
{
	char count[TEXT_LEN];
	if (view->by_size)
		(void)snprintf(buf, size, "%s", text_count(count, e->count));
	else if (e->count > 1)
		(void)snprintf(buf, size, "+%" PRIu64 " and %s more", e->offset,
			       text_count(count, e->count - 1));
	else if (e->interior)
		(void)snprintf(buf, size, "+%" PRIu64 " to +%" PRIu64,
			       e->offset, e->interior);
	else
		(void)snprintf(buf, size, "+%" PRIu64, e->offset);
}

/* In a dot label a backslash begins an escape: two of them are one. */
static void double_backslashes(char *to, size_t size, const char *from)
{
	size_t n = 0;
	for (; *from && n + 2 < size; from++) {
		if (*from == '\\')
			to[n++] = '\\';
		to[n++] = *from;
	}
	to[n] = 0;
}

static void graph_label(struct cli *cli, const struct graph_view *view,
			char *buf, size_t size)
{
	char word[512], plain[512], safe[1024], cut[128], refs[TEXT_LEN];
	text_escape(plain, sizeof(plain), target_word(cli, word, sizeof(word)));
	double_backslashes(safe, sizeof(safe), plain);
	const char *what = view->by_size ? "chunks by size and state, "
					 : "blocks around one, ";
	char title[512], line[520];
	if (*view->title) {
		text_escape(plain, sizeof(plain), view->title);
		double_backslashes(title, sizeof(title), plain);
		(void)snprintf(line, sizeof(line), "%s, ", title);
		what = line;
	}
	const char *note = graph_cut_text(view, cut, sizeof(cut));
	(void)snprintf(buf, size, "%s: %s%s%s%s%s", safe, what,
		       text_count(refs, view->ref_count),
		       " references in the heap", note ? "; " : "",
		       note ? note : "");
}

static Agraph_t *build(struct cli *cli, const struct graph_view *view)
{
	char text[2048];
	Agraph_t *g = agopen((char *)"heapscan", Agdirected, NULL);
	Agnode_t **nodes = calloc(view->node_count + 1, sizeof(*nodes));
	if (!g || !nodes) {
		free(nodes);
		if (g)
			agclose(g);
		return NULL;
	}
	graph_label(cli, view, text, sizeof(text));
	set(g, "label", text);
	set(g, "rankdir", "LR");
	agattr(g, AGNODE, (char *)"shape", (char *)"box");
	agattr(g, AGNODE, (char *)"style", (char *)"filled");
	agattr(g, AGNODE, (char *)"fontname", (char *)"monospace");
	for (size_t i = 0; i < view->node_count; i++) {
		const struct graph_node *n = &view->nodes[i];
		(void)snprintf(text, sizeof(text), "n%zu", i);
		nodes[i] = agnode(g, text, 1);
		node_label(text, sizeof(text), n);
		set(nodes[i], "label", text);
		set(nodes[i], "fillcolor", fill(n->state));
		if (!view->by_size && n->distance == 0)
			set(nodes[i], "penwidth", "3");
	}
	for (size_t i = 0; i < view->edge_count; i++) {
		const struct graph_edge *e = &view->edges[i];
		Agedge_t *edge =
			agedge(g, nodes[e->from], nodes[e->to], NULL, 1);
		edge_label(text, sizeof(text), view, e);
		set(edge, "label", text);
	}
	free(nodes);
	return g;
}

bool out_dot_works(void)
{
	return true;
}

static bool write_dot(struct cli *cli, Agraph_t *g)
{
	char *text = NULL;
	size_t len = 0;
	FILE *memory = open_memstream(&text, &len);
	bool ok = memory && agwrite(g, memory) == 0;
	if (memory && fclose(memory))
		ok = false;
	if (ok)
		out_bytes(&cli->out, text, len);
	free(text);
	return ok;
}

/* Laid out and drawn in memory, so that a failure leaves no half picture. */
static bool write_picture(struct cli *cli, Agraph_t *g, const char *format)
{
	char *bytes = NULL;
	unsigned len = 0;
	GVC_t *gvc = gvContext();
	if (!gvc)
		return false;
	bool laid = gvLayout(gvc, g, "dot") == 0;
	bool ok = laid && gvRenderData(gvc, g, format, &bytes, &len) == 0;
	if (ok)
		out_bytes(&cli->out, bytes, len);
	if (bytes)
		gvFreeRenderData(bytes);
	if (laid)
		(void)gvFreeLayout(gvc, g);
	(void)gvFreeContext(gvc);
	return ok;
}

void out_dot(struct cli *cli, const struct graph_view *view)
{
	const char *format = cli->opt.picture;
	Agraph_t *g = build(cli, view);
	bool ok = g &&
		  (format ? write_picture(cli, g, format) : write_dot(cli, g));
	if (g)
		agclose(g);
	if (!ok)
		out_fail(&cli->out, ENOMEM);
}
