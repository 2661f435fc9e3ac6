/* SPDX-License-Identifier: MIT */
#include "cli/diff.h"
#include "cli/out_json_doc.h"

static json_t *jseries(const uint64_t *values, size_t n)
{
	json_t *list = json_array();
	for (size_t i = 0; i < n && list; i++)
		if (json_array_append_new(list, jcount(values[i]))) {
			json_decref(list);
			list = NULL;
		}
	return list;
}

void out_json_diff(struct cli *cli, const struct diff_view *v)
{
	struct json_doc doc;
	size_t last = v->captures - 1;
	doc_begin_untargeted(&doc, cli);
	doc_member(&doc, "before", jtarget(&v->capture[0]->info));
	doc_member(&doc, "after", jtarget(&v->capture[last]->info));
	doc_array_begin(&doc, "between");
	for (size_t i = 1; i < last; i++)
		doc_element(&doc, jtarget(&v->capture[i]->info));
	doc_array_end(&doc);
	doc_member(&doc, "same_process", json_boolean(v->same_process));
	doc_member(&doc, "appeared", jtotal(&v->appeared));
	doc_member(&doc, "vanished", jtotal(&v->vanished));
	doc_member(&doc, "stayed", jtotal(&v->stayed));
	doc_array_begin(&doc, "by_type");
	for (size_t i = 0; i < v->row_count && !cli->out.error; i++) {
		const struct diff_row *r = &v->row[i];
		doc_element(&doc,
			    json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:f}",
				      "type", jtext(r->type), "size",
				      r->type ? json_null() : jcount(r->size),
				      "count_before", jcount(r->count[0]),
				      "count_after", jcount(r->count[last]),
				      "bytes_before", jcount(r->bytes[0]),
				      "bytes_after", jcount(r->bytes[last]),
				      "counts", jseries(r->count, v->captures),
				      "bytes", jseries(r->bytes, v->captures),
				      "bytes_per_step", r->slope));
	}
	doc_array_end(&doc);
	doc_end(&doc);
}
