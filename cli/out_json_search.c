/* SPDX-License-Identifier: MIT */
#include "cli/out_json_doc.h"
#include "cli/search.h"

static json_t *jholder(const struct cli *cli, hs_addr addr)
{
	struct hs_chunk_info c;
	size_t i;
	if (!cli->heap || !hs_heap_find(cli->heap, addr, &i))
		return json_null();
	hs_heap_chunk(cli->heap, i, &c);
	return json_pack("{s:o,s:o,s:s,s:I}", "user", jaddr(c.user), "usable",
			 jcount(c.usable), "state",
			 hs_chunk_state_name(c.state), "offset",
			 (json_int_t)(addr - c.user));
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
	doc_member(&doc, "cut", json_boolean(v->cut));
	doc_array_begin(&doc, "hits");
	for (size_t i = 0; i < v->count && !cli->out.error; i++) {
		hs_addr addr = v->hit[i].addr;
		doc_element(&doc, json_pack("{s:o,s:o,s:o,s:o}", "address",
					    jaddr(addr), "length",
					    jcount(v->hit[i].len), "block",
					    jholder(cli, addr), "symbol",
					    jsymbol(cli, addr)));
	}
	doc_array_end(&doc);
	doc_end(&doc);
}
