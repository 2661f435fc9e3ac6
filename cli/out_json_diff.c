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

/* Of different processes nobody knows what stayed. */
static json_t *jmoved(const struct diff_view *v, const struct hs_total *total)
{
	if (v->same_process)
		return jtotal(total);
	return json_pack("{s:n,s:n,s:n}", "count", "bytes", "chunk_bytes");
}

/* Two captures make no trend. */
static json_t *jtrend(const struct diff_view *v, const struct diff_series *s)
{
	return v->captures > 2 ? json_string(diff_trend_name(s->trend))
			       : json_null();
}

static json_t *jverdict(const struct diff_view *v)
{
	if (v->captures == 2)
		return json_null();
	return json_pack("{s:o,s:s,s:f}", "trend", jtrend(v, &v->all),
			 "confidence", hs_confidence_name(v->all.confidence),
			 "bytes_per_step", v->all.slope);
}

static json_t *jrow(const struct diff_view *v, const struct diff_row *r)
{
	size_t last = v->captures - 1;
	const struct fold_class *c = &v->fold.class[r->class];
	bool sizes = c->name == FOLD_SIZES;
	json_t *row = json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:f,s:o,s:o}",
				"count_before", jcount(r->is.count[0]),
				"count_after", jcount(r->is.count[last]),
				"bytes_before", jcount(r->is.bytes[0]),
				"bytes_after", jcount(r->is.bytes[last]),
				"counts", jseries(r->is.count, v->captures),
				"bytes", jseries(r->is.bytes, v->captures),
				"bytes_per_step", r->is.slope, "trend",
				jtrend(v, &r->is), "sample", jaddr(r->sample));
	if (!row)
		return NULL;
	int failed = json_object_set_new(
		row, v->fold.by == FOLD_OWNER ? "owner" : "type",
		sizes ? json_null() : jtext(v->fold.names.text[c->name]));
	if (v->fold.by != FOLD_OWNER) {
		failed |= json_object_set_new(
			row, "size", sizes ? jcount(c->low) : json_null());
		failed |= json_object_set_new(
			row, "size_max", sizes ? jcount(c->high) : json_null());
	}
	if (failed) {
		json_decref(row);
		row = NULL;
	}
	return row;
}

static void put_rows(struct json_doc *doc, const struct diff_view *v,
		     const char *name, bool any)
{
	doc_array_begin(doc, name);
	for (size_t i = 0; any && i < v->row_count && !doc->out->error; i++)
		doc_element(doc, jrow(v, &v->row[i]));
	doc_array_end(doc);
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
	doc_member(&doc, "counts", jseries(v->all.count, v->captures));
	doc_member(&doc, "bytes", jseries(v->all.bytes, v->captures));
	doc_member(&doc, "verdict", jverdict(v));
	doc_member(&doc, "appeared", jmoved(v, &v->appeared));
	doc_member(&doc, "vanished", jmoved(v, &v->vanished));
	doc_member(&doc, "stayed", jmoved(v, &v->stayed));
	put_rows(&doc, v, "by_type", v->fold.by != FOLD_OWNER);
	put_rows(&doc, v, "by_owner", v->fold.by == FOLD_OWNER);
	doc_end(&doc);
}
