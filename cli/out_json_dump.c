/* SPDX-License-Identifier: MIT */
#include "cli/dump.h"
#include "cli/out_json_doc.h"

/* The bits of LOST as words. */
static json_t *jlost(unsigned lost)
{
	json_t *list = json_array();
	for (unsigned bit = 1; bit <= HS_LOST_BYTES; bit <<= 1)
		if (lost & bit)
			(void)json_array_append_new(
				list, jtext(hs_capture_lost_name(bit)));
	return list;
}

void out_json_dump(struct cli *cli, const char *path,
		   const struct hs_capture_result *r)
{
	struct json_doc doc = { .cli = cli,
				.out = &cli->out,
				.first_member = true };
	doc_member(&doc, "schema", jtext("heapscan/1"));
	doc_member(&doc, "tool",
		   json_pack("{s:s, s:s}", "name", "heapscan", "version",
			     hs_version()));
	doc_member(&doc, "written", jtext(path));
	doc_member(&doc, "file_size", jcount(r->file_size));
	doc_member(&doc, "captured", jcount(r->captured));
	doc_member(&doc, "missing", jcount(r->missing));
	doc_member(&doc, "left_out", jcount(r->left_out));
	doc_member(&doc, "unchanged", jcount(r->unchanged));
	doc_member(&doc, "lost", jlost(r->lost));
	doc_end(&doc);
}

void out_json_series(struct cli *cli, const struct series_step *step,
		     size_t count, const char *ended)
{
	struct json_doc doc = { .cli = cli,
				.out = &cli->out,
				.first_member = true };
	doc_member(&doc, "schema", jtext("heapscan/1"));
	doc_member(&doc, "tool",
		   json_pack("{s:s, s:s}", "name", "heapscan", "version",
			     hs_version()));
	doc_member(&doc, "asked", jcount(cli->opt.series));
	doc_member(&doc, "ended", jtext(ended));
	doc_array_begin(&doc, "steps");
	for (size_t i = 0; i < count; i++) {
		const struct hs_capture_result *r = &step[i].result;
		doc_element(
			&doc,
			json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:f, s:o}",
				  "written", jtext(step[i].path), "file_size",
				  jcount(r->file_size), "captured",
				  jcount(r->captured), "missing",
				  jcount(r->missing), "left_out",
				  jcount(r->left_out), "unchanged",
				  jcount(r->unchanged), "paused_ms",
				  step[i].paused_ms, "lost", jlost(r->lost)));
	}
	doc_array_end(&doc);
	doc_end(&doc);
}
