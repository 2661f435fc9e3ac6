/* SPDX-License-Identifier: MIT */
#include "cli/damage_view.h"
#include "cli/out_json.h"
#include "cli/out_json_doc.h"
#include "cli/reach.h"

static json_t *jblock(const struct cli *cli, size_t chunk)
{
	if (chunk == SIZE_MAX)
		return json_null();
	struct hs_chunk_info c;
	hs_heap_chunk(cli->heap, chunk, &c);
	return json_pack("{s:o,s:o,s:o,s:o,s:s,s:o}", "address", jaddr(c.addr),
			 "user", jaddr(c.user), "size", jcount(c.size),
			 "usable", jcount(c.usable), "state",
			 hs_chunk_state_name(c.state), "arena",
			 jaddr(cli_arena_addr(cli, c.arena)));
}

static json_t *jholder(struct cli *cli, const struct hs_holder *h)
{
	char text[ROOT_TEXT];
	struct hs_chunk_info c = { .user = HS_NO_ADDR };
	if (!h->is_root)
		hs_heap_chunk(cli->heap, h->chunk, &c);
	return json_pack("{s:o,s:o,s:o,s:o}", "root",
			 h->is_root ? jtext(root_text(cli, &h->root, text))
				    : json_null(),
			 "user", jaddr(c.user), "offset",
			 h->is_root ? json_null() : jcount(h->offset),
			 "interior", jcount(h->interior));
}

static json_t *jholders(struct cli *cli, struct hs_graph *graph, size_t chunk)
{
	struct hs_holder_list list = { NULL, 0 };
	if (!graph || chunk == SIZE_MAX ||
	    hs_graph_referrers(graph, chunk, &list, NULL))
		return json_null();
	json_t *array = json_array();
	for (size_t i = 0; array && i < list.count; i++)
		if (json_array_append_new(array,
					  jholder(cli, &list.holder[i]))) {
			json_decref(array);
			array = NULL;
		}
	hs_holder_list_release(&list);
	return array;
}

static json_t *jbytes(const struct cli *cli, const struct hs_diagnosis *d)
{
	uint8_t bytes[SHOWN_BYTES];
	char hex[2 * SHOWN_BYTES];
	size_t len =
		d->length < sizeof(bytes) ? (size_t)d->length : sizeof(bytes);
	if (d->bytes == HS_NO_ADDR ||
	    hs_target_read(cli->target, d->bytes, bytes, len, NULL))
		return json_null();
	for (size_t i = 0; i < len; i++) {
		hex[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
	}
	return json_stringn(hex, 2 * len);
}

static json_t *jdiagnosis(struct cli *cli, const struct damage_view *view,
			  const struct hs_diagnosis *d)
{
	json_t *written =
		d->look == HS_LOOK_NONE
			? json_null()
			: json_pack("{s:o,s:o,s:s}", "address", jaddr(d->bytes),
				    "length", jcount(d->length), "looks_like",
				    hs_look_name(d->look));
	if (view->content && json_is_object(written) &&
	    json_object_set_new(written, "bytes", jbytes(cli, d))) {
		json_decref(written);
		written = NULL;
	}
	return json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",
			 "cause", hs_cause_name(d->cause), "confidence",
			 hs_confidence_name(d->confidence), "code",
			 jtext(d->code), "message", jtext(d->message), "place",
			 jaddr(d->place), "victim", jaddr(d->victim),
			 "victim_chunk", jblock(cli, d->victim_chunk),
			 "suspect", jblock(cli, d->suspect_chunk), "held_by",
			 jholders(cli, view->graph, d->suspect_chunk),
			 "overrun", jcount(d->overrun), "written", written,
			 "findings", jcount(d->findings));
}

void doc_damage(struct json_doc *doc, const struct damage_view *view)
{
	struct cli *cli = doc->cli;
	const struct hs_verdict *v = &view->verdict;
	doc_member(doc, "glibc_said",
		   view->has_verdict
			   ? json_pack("{s:o,s:b,s:o}", "text", jtext(v->text),
				       "about_heap", (int)v->about_heap, "tid",
				       jid(v->tid))
			   : json_null());
	doc_array_begin(doc, "diagnoses");
	for (size_t i = 0; i < hs_damage_count(view->damage); i++) {
		struct hs_diagnosis d;
		hs_damage_at(view->damage, i, &d);
		doc_element(doc, jdiagnosis(cli, view, &d));
	}
	doc_array_end(doc);
}
