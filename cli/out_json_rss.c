/* SPDX-License-Identifier: MIT */
#include "cli/out_json_doc.h"
#include "cli/rss.h"

static json_t *jpart(const struct rss_part *p)
{
	return json_pack("{s:o,s:o,s:o}", "count", jcount(p->count),
			 "chunk_bytes", jcount(p->bytes), "resident",
			 jcount(p->resident));
}

static json_t *jstates(const struct rss_arena *a)
{
	json_t *states = json_object();
	for (int s = 0; s < HS_CHUNK_STATE_COUNT && states; s++)
		if (json_object_set_new(
			    states, hs_chunk_state_name((enum hs_chunk_state)s),
			    jpart(&a->state[s]))) {
			json_decref(states);
			states = NULL;
		}
	return states;
}

static json_t *jtrim(const struct rss_arena *a)
{
	return json_pack("{s:o,s:o,s:o}", "bytes",
			 jcount(a->trim_inside + a->trim_top), "inside",
			 jcount(a->trim_inside), "top", jcount(a->trim_top));
}

static json_t *jprocess(const struct rss_process *p)
{
	if (p->all == HS_UNKNOWN)
		return json_null();
	return json_pack("{s:o,s:o,s:o,s:o}", "resident", jcount(p->all),
			 "files", jcount(p->files), "stacks", jcount(p->stacks),
			 "other", jcount(p->other));
}

/* The size is that of the chunks, headers included, if all have the same. */
static json_t *jpin(const struct cli *cli, const struct rss_view *v,
		    const struct rss_pin *pin)
{
	const struct fold_class *c = NULL;
	const char *type = NULL;
	char text[FOLD_TEXT];
	if (pin->class < v->fold.count)
		c = &v->fold.class[pin->class];
	if (!c || c->name != FOLD_SIZES)
		type = rss_pin_text(v, pin, text);
	return json_pack("{s:o,s:o,s:o,s:o,s:o}", "type", jtext(type), "size",
			 c && !type && c->low == c->high
				 ? jcount(c->low + cli->info.word_size)
				 : json_null(),
			 "blocks", jcount(pin->blocks), "pages",
			 jcount(pin->pages), "free_bytes", jcount(pin->free));
}

void out_json_rss(struct cli *cli, const struct rss_view *v)
{
	struct json_doc doc;
	doc_begin(&doc, cli);
	doc_allocator(&doc);
	doc_member(&doc, "verdict", json_string(rss_verdict_name(v->verdict)));
	doc_member(&doc, "source",
		   json_string(v->from_pagemap ? "pagemap" : "content"));
	doc_member(&doc, "process_resident", jcount(v->process.all));
	doc_member(&doc, "process", jprocess(&v->process));
	doc_member(&doc, "heap", jpart(&v->total.all));
	doc_member(&doc, "in_use_bytes", jcount(v->usable));
	doc_member(&doc, "states", jstates(&v->total));
	doc_member(&doc, "trim", jtrim(&v->total));
	doc_member(&doc, "pinned",
		   json_pack("{s:o,s:o,s:o}", "pages", jcount(v->pinned_pages),
			     "page_size", jcount(v->page), "free_bytes",
			     jcount(v->pinned_free)));
	doc_array_begin(&doc, "pins");
	for (size_t i = 0; i < v->pin_count; i++)
		doc_element(&doc, jpin(cli, v, &v->pin[i]));
	doc_array_end(&doc);
	doc_array_begin(&doc, "arenas");
	for (size_t i = 0; i < v->arena_count; i++) {
		const struct rss_arena *a = &v->arena[i];
		const char *kind = a->addr == HS_NO_ADDR ? "mmapped"
				   : a->is_main          ? "main"
							 : "thread";
		doc_element(&doc, json_pack("{s:o,s:s,s:o,s:o,s:o}", "address",
					    jaddr(a->addr), "kind", kind, "all",
					    jpart(&a->all), "states",
					    jstates(a), "trim", jtrim(a)));
	}
	doc_array_end(&doc);
	doc_end(&doc);
}
