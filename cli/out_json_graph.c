/* SPDX-License-Identifier: MIT */
#include "cli/graph_view.h"
#include "cli/out_json.h"
#include "cli/out_json_doc.h"

void out_json_graph(struct cli *cli, const struct graph_view *view)
{
	struct json_doc doc;
	doc_begin(&doc, cli);
	doc_member(&doc, "by", json_string(view->by_size ? "size" : "block"));
	doc_member(&doc, "cut", json_boolean(view->cut));
	doc_member(&doc, "references", jcount(view->ref_count));
	doc_array_begin(&doc, "nodes");
	for (size_t i = 0; i < view->node_count; i++) {
		const struct graph_node *n = &view->nodes[i];
		doc_element(&doc,
			    json_pack("{s:I,s:o,s:s,s:o,s:o,s:o,s:o,s:o}", "id",
				      (json_int_t)i, "user", jaddr(n->user),
				      "state", hs_chunk_state_name(n->state),
				      "min_size", jcount(n->min_size),
				      "max_size", jcount(n->max_size), "count",
				      jcount(n->count), "chunk_bytes",
				      jcount(n->bytes), "distance",
				      view->by_size ? json_null()
						    : jcount(n->distance)));
	}
	doc_array_end(&doc);
	doc_array_begin(&doc, "edges");
	for (size_t i = 0; i < view->edge_count; i++) {
		const struct graph_edge *e = &view->edges[i];
		doc_element(&doc, json_pack("{s:I,s:I,s:o,s:o,s:o}", "from",
					    (json_int_t)e->from, "to",
					    (json_int_t)e->to, "count",
					    jcount(e->count), "offset",
					    jcount(e->offset), "interior",
					    jcount(e->interior)));
	}
	doc_array_end(&doc);
	doc_end(&doc);
}
