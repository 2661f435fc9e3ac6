/* SPDX-License-Identifier: MIT */
#include "cli/graph_view.h"
#include "cli/out_json.h"
#include "cli/out_json_doc.h"

/* A root has none. */
static json_t *jof_block(const struct graph_node *n, uint64_t number)
{
	return n->is_root ? json_null() : jcount(number);
}

void out_json_graph(struct cli *cli, const struct graph_view *view)
{
	static const char *const bys[] = {
		[GRAPH_BLOCKS] = "block",
		[GRAPH_BY_SIZE] = "size",
		[GRAPH_BY_TYPE] = "type",
		[GRAPH_BY_OWNER] = "owner",
	};
	struct json_doc doc;
	doc_begin(&doc, cli);
	doc_member(&doc, "by", json_string(bys[view->by]));
	doc_member(&doc, "cut", json_boolean(view->cut));
	doc_member(&doc, "nodes_left_out",
		   view->cut && !view->left_out && !view->edges_left_out
			   ? json_null()
			   : jcount(view->left_out));
	doc_member(&doc, "edges_left_out", jcount(view->edges_left_out));
	doc_member(&doc, "references", jcount(view->ref_count));
	doc_array_begin(&doc, "nodes");
	for (size_t i = 0; i < view->node_count; i++) {
		const struct graph_node *n = &view->nodes[i];
		doc_element(
			&doc,
			json_pack(
				"{s:I,s:o,s:o,s:b,s:o,s:o,s:o,s:o,s:o,s:o}",
				"id", (json_int_t)i, "user", jaddr(n->user),
				"label", jtext(n->label), "root",
				(int)n->is_root, "state",
				n->is_root ? json_null()
					   : json_string(hs_chunk_state_name(
						     n->state)),
				"min_size", jof_block(n, n->min_size),
				"max_size", jof_block(n, n->max_size), "count",
				jof_block(n, n->count), "chunk_bytes",
				jof_block(n, n->bytes), "distance",
				view->by ? json_null() : jcount(n->distance)));
	}
	doc_array_end(&doc);
	doc_array_begin(&doc, "edges");
	for (size_t i = 0; i < view->edge_count; i++) {
		const struct graph_edge *e = &view->edges[i];
		doc_element(&doc, json_pack("{s:I,s:I,s:o,s:o,s:o,s:o}", "from",
					    (json_int_t)e->from, "to",
					    (json_int_t)e->to, "count",
					    jcount(e->count), "offset",
					    jcount(e->offset), "interior",
					    jcount(e->interior), "field",
					    jtext(e->field)));
	}
	doc_array_end(&doc);
	doc_end(&doc);
}
