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

/* Share of all bytes, by which classes are coloured. */
static const char *heat(const struct graph_view *view,
			const struct graph_node *n)
{
	double share = view->all_bytes
			       ? (double)n->bytes / (double)view->all_bytes
			       : 0;
	return share >= 0.2    ? "tomato"
	       : share >= 0.05 ? "lightsalmon"
	       : share >= 0.01 ? "moccasin"
			       : "whitesmoke";
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

/* Names of templates fill pages; the whole one is the node's tooltip. */
#define SHOWN_NAME 56u

/* The label made safe for terminals and for dot, shortened in the middle. */
static void safe_name(char *buf, size_t size, const char *label, bool whole)
{
	char plain[4096], cut[SHOWN_NAME + 8];
	text_escape(plain, sizeof(plain), label);
	size_t len = strlen(plain);
	if (whole || len <= SHOWN_NAME) {
		double_backslashes(buf, size, plain);
		return;
	}
	/* Not within a character of several bytes. */
	size_t head = SHOWN_NAME / 2, tail = len - SHOWN_NAME / 2;
	while (head && ((unsigned char)plain[head] & 0xc0) == 0x80)
		head--;
	while (((unsigned char)plain[tail] & 0xc0) == 0x80)
		tail++;
	(void)snprintf(cut, sizeof(cut), "%.*s...%s", (int)head, plain,
		       plain + tail);
	double_backslashes(buf, size, cut);
}

/* "variable x of /usr/bin/program" on two lines, without the directories. */
static void owner_name(char *buf, size_t size, const char *label)
{
	char what[2 * SHOWN_NAME + 16], where[2 * SHOWN_NAME + 16];
	const char *of = strstr(label, " of /");
	const char *slash = of ? strrchr(of, '/') : NULL;
	char *head = of ? strndup(label, (size_t)(of - label)) : NULL;
	if (!head) {
		safe_name(buf, size, label, false);
		return;
	}
	safe_name(what, sizeof(what), head, false);
	safe_name(where, sizeof(where), slash + 1, false);
	(void)snprintf(buf, size, "%s\\nof %s", what, where);
	free(head);
}

static void node_label(char *buf, size_t size, const struct graph_view *view,
		       const struct graph_node *n)
{
	char low[TEXT_LEN], high[TEXT_LEN], count[TEXT_LEN], bytes[TEXT_LEN];
	char name[4 * SHOWN_NAME + 64] = "";
	if (n->label && (n->is_root || view->by == GRAPH_BY_OWNER))
		owner_name(name, sizeof(name), n->label);
	else if (n->label)
		safe_name(name, sizeof(name), n->label, false);
	(void)text_count(low, n->min_size);
	(void)text_count(high, n->max_size);
	(void)text_count(count, n->count);
	(void)text_size(bytes, n->bytes);
	if (n->is_root)
		(void)snprintf(buf, size, "%s", name);
	else if (n->user != HS_NO_ADDR)
		(void)snprintf(buf, size, "%s%s0x%" PRIx64 "\\n%s %s", name,
			       n->label ? "\\n" : "", n->user, low,
			       hs_chunk_state_name(n->state));
	else if (view->by != GRAPH_BY_SIZE)
		(void)snprintf(buf, size, "%s\\n%s x, %s", name, count, bytes);
	else
		(void)snprintf(buf, size, "%s%s%s %s\\n%s x, %s", low,
			       n->min_size == n->max_size ? "" : "-",
			       n->min_size == n->max_size ? "" : high,
			       hs_chunk_state_name(n->state), count, bytes);
}

static void edge_label(char *buf, size_t size, const struct graph_view *view,
		       const struct graph_edge *e)
{
	char count[TEXT_LEN], name[2 * SHOWN_NAME + 16];
	if (view->by)
		(void)snprintf(buf, size, "%s", text_count(count, e->count));
	else if (view->nodes[e->from].is_root)
		(void)snprintf(buf, size, "%s", "");
	else if (e->field) {
		safe_name(name, sizeof(name), e->field, false);
		(void)snprintf(buf, size, "%s%s%s%s", name,
			       e->count > 1 ? " and " : "",
			       e->count > 1 ? text_count(count, e->count - 1)
					    : "",
			       e->count > 1 ? " more" : "");
	} else if (e->count > 1)
		(void)snprintf(buf, size, "+%" PRIu64 " and %s more", e->offset,
			       text_count(count, e->count - 1));
	else if (e->interior)
		(void)snprintf(buf, size, "+%" PRIu64 " to +%" PRIu64,
			       e->offset, e->interior);
	else
		(void)snprintf(buf, size, "+%" PRIu64, e->offset);
}

/* Thicker where more references are. */
static void edge_width(char *buf, size_t size, const struct graph_edge *e)
{
	unsigned width = 1;
	for (uint64_t n = e->count; n >= 100 && width < 6; n /= 10)
		width++;
	(void)snprintf(buf, size, "%u", width);
}

static void graph_label(struct cli *cli, const struct graph_view *view,
			char *buf, size_t size)
{
	char word[512], plain[512], safe[1024], cut[128], refs[TEXT_LEN];
	text_escape(plain, sizeof(plain), target_word(cli, word, sizeof(word)));
	double_backslashes(safe, sizeof(safe), plain);
	static const char *const whats[] = {
		[GRAPH_BLOCKS] = "blocks around one",
		[GRAPH_BY_SIZE] = "chunks by size and state",
		[GRAPH_BY_TYPE] = "blocks in use by type",
		[GRAPH_BY_OWNER] = "blocks in use by owner",
	};
	static const char legend[] = "\\nof all bytes: red 20 % and more, "
				     "orange 5 %, yellow 1 %";
	const char *what = whats[view->by];
	bool heated = view->by == GRAPH_BY_TYPE || view->by == GRAPH_BY_OWNER;
	char title[1024], all[TEXT_LEN + 32] = "";
	if (*view->title) {
		text_escape(plain, sizeof(plain), view->title);
		double_backslashes(title, sizeof(title), plain);
		what = title;
	}
	if (view->by)
		(void)snprintf(all, sizeof(all), ", %s references",
			       text_count(refs, view->ref_count));
	const char *note = graph_cut_text(view, cut, sizeof(cut));
	(void)snprintf(buf, size, "%s: %s%s%s%s%s", safe, what, all,
		       note ? "; " : "", note ? note : "",
		       heated ? legend : "");
}

static void set_node(Agnode_t *node, const struct graph_view *view,
		     const struct graph_node *n)
{
	char text[2 * 4096];
	bool heated = view->by == GRAPH_BY_TYPE || view->by == GRAPH_BY_OWNER;
	node_label(text, sizeof(text), view, n);
	set(node, "label", text);
	set(node, "fillcolor",
	    n->is_root ? "lightsteelblue"
	    : heated   ? heat(view, n)
		       : fill(n->state));
	if (n->label) {
		safe_name(text, sizeof(text), n->label, true);
		set(node, "tooltip", text);
	}
	if (n->is_root)
		set(node, "shape", "ellipse");
	if (!view->by && n->distance == 0)
		set(node, "penwidth", "3");
}

static Agraph_t *build(struct cli *cli, const struct graph_view *view)
{
	char text[4096];
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
	set(g, "labelloc", "t");
	set(g, "labeljust", "l");
	set(g, "fontname", "monospace");
	set(g, "rankdir", "LR");
	agattr(g, AGNODE, (char *)"shape", (char *)"box");
	agattr(g, AGNODE, (char *)"style", (char *)"filled");
	agattr(g, AGNODE, (char *)"fontname", (char *)"monospace");
	agattr(g, AGEDGE, (char *)"fontname", (char *)"monospace");
	agattr(g, AGEDGE, (char *)"fontsize", (char *)"10");
	for (size_t i = 0; i < view->node_count; i++) {
		(void)snprintf(text, sizeof(text), "n%zu", i);
		nodes[i] = agnode(g, text, 1);
		set_node(nodes[i], view, &view->nodes[i]);
	}
	for (size_t i = 0; i < view->edge_count; i++) {
		const struct graph_edge *e = &view->edges[i];
		Agedge_t *edge =
			agedge(g, nodes[e->from], nodes[e->to], NULL, 1);
		edge_label(text, sizeof(text), view, e);
		set(edge, "label", text);
		edge_width(text, sizeof(text), e);
		if (view->by)
			set(edge, "penwidth", text);
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
