/* SPDX-License-Identifier: MIT */
#include "cli/out_json_doc.h"
#include "cli/reach.h"
#include "cli/search.h"

static json_t *jblock(struct cli *cli, const struct search_view *v,
		      const struct search_hit *hit)
{
	struct hs_chunk_info c;
	char text[ROOT_TEXT];
	if (hit->chunk == SIZE_MAX)
		return json_null();
	hs_heap_chunk(cli->heap, hit->chunk, &c);
	json_t *reached = json_null();
	if (v->graph &&
	    (c.state == HS_CHUNK_USED || c.state == HS_CHUNK_MMAPPED))
		reached = json_boolean(hs_graph_reached(v->graph, hit->chunk));
	return json_pack("{s:o,s:o,s:s,s:I,s:o,s:o,s:o}", "user", jaddr(c.user),
			 "usable", jcount(c.usable), "state",
			 hs_chunk_state_name(c.state), "offset",
			 (json_int_t)(hit->addr - c.user), "type",
			 jtext(reach_type(cli, hit->chunk)), "reached", reached,
			 "held_by",
			 jtext(reach_holder(cli, v->graph, hit->chunk, text)));
}

static json_t *jsymbol(struct cli *cli, hs_addr addr)
{
	struct hs_symbol_info s;
	if (!cli->syms || !hs_symbols_at(cli->syms, addr, &s))
		return json_null();
	return json_pack("{s:o,s:o}", "name", jtext(s.name), "offset",
			 jcount(addr - s.addr));
}

void out_json_search(struct cli *cli, const struct search_view *v)
{
	struct json_doc doc;
	doc_begin(&doc, cli);
	doc_member(&doc, "searched", jcount(v->searched));
	doc_member(&doc, "gave_up", jcount(v->gave_up));
	doc_member(&doc, "cut", json_boolean(v->cut));
	doc_array_begin(&doc, "hits");
	for (size_t i = 0; i < v->count && !cli->out.error; i++) {
		hs_addr addr = v->hit[i].addr;
		struct hs_part_info part;
		bool in_part =
			cli->types && hs_types_part_at(cli->types, addr, &part);
		doc_element(&doc,
			    json_pack("{s:o,s:o,s:o,s:o,s:o}", "address",
				      jaddr(addr), "length",
				      jcount(v->hit[i].len), "block",
				      jblock(cli, v, &v->hit[i]), "part",
				      jarea_part(cli, in_part ? &part : NULL),
				      "symbol", jsymbol(cli, addr)));
	}
	doc_array_end(&doc);
	doc_end(&doc);
}
