/* SPDX-License-Identifier: MIT */
#include "cli/out_json.h"
#include "cli/out_json_doc.h"
#include "cli/type_rows.h"

static json_t *jsummary(const struct cli *cli)
{
	struct hs_types_summary s;
	hs_types_summary(cli->types, &s);
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "live", jtotal(&s.live),
			 "named", jtotal(&s.named), "nameless",
			 jcount(s.nameless), "missing_module",
			 jtext(type_module_path(cli, s.missing_module)),
			 "without_debug_info",
			 jtext(type_module_path(cli, s.without_debug_info)),
			 "missing_split_files", jcount(s.missing_split_files));
}

/* Parts have no headers that a sum could hold. */
static json_t *jpart(const struct hs_total *total)
{
	return json_pack("{s:o,s:o}", "count", jcount(total->count), "bytes",
			 jcount(total->bytes));
}

static json_t *jrow(const struct cli *cli, const struct type_rows *rows,
		    const struct type_row *r)
{
	static const char *const keys[] = { "type", "source", "module" };
	json_t *row = json_pack("{s:o,s:o,s:o,s:o}", keys[rows->by],
				jtext(r->name), "count", jcount(r->total.count),
				"bytes", jcount(r->total.bytes), "average",
				jcount(type_row_average(r)));
	if (rows->by != GROUP_BY_TYPE || !row)
		return row;
	json_t *more =
		json_pack("{s:s,s:s,s:o,s:o}", "type_source",
			  hs_type_source_name(r->info.source), "confidence",
			  hs_confidence_name(r->info.confidence), "evidence",
			  jtext(r->info.evidence), "module",
			  jtext(type_module_path(cli, r->info.module)));
	if (!more || json_object_update(row, more)) {
		json_decref(row);
		row = NULL;
	}
	json_decref(more);
	return row;
}

static json_t *jarea(struct cli *cli, enum hs_area which)
{
	struct hs_area_info area;
	struct type_rows rows;
	json_t *types = json_array();
	hs_types_area(cli->types, which, &area);
	if (type_rows_of_area(&rows, cli, which) == EXIT_ANSWERED)
		for (size_t i = 0; i < rows.count; i++)
			(void)json_array_append_new(
				types, jrow(cli, &rows, &rows.row[i]));
	type_rows_release(&rows);
	return json_pack("{s:s,s:b,s:o,s:o,s:o,s:o,s:o}", "area",
			 hs_area_name(which), "in_blocks", (int)area.in_blocks,
			 "count", jcount(area.count), "bytes",
			 jcount(area.bytes), "live",
			 area.live_known ? jpart(&area.live) : json_null(),
			 "named", jpart(&area.named), "types", types);
}

/* The image that a word of all of GROUP leads to. */
static json_t *jimage(struct cli *cli, const struct hs_unnamed_group *group)
{
	const char *path = type_module_path(cli, group->module);
	if (!path)
		return json_null();
	return json_pack("{s:o,s:s,s:o}", "path", jtext(path), "what",
			 group->functions ? "functions" : "data", "offset",
			 jcount(group->offset));
}

/* What has no name, by what it looks like. */
static void put_unnamed(struct json_doc *doc, struct cli *cli)
{
	struct hs_unnamed_group group[UNNAMED_GROUPS];
	size_t count;
	if (hs_types_unnamed(cli->types, group, UNNAMED_GROUPS, &count, NULL))
		count = 0;
	doc_array_begin(doc, "unnamed");
	for (size_t i = 0; i < count && !cli->out.error; i++)
		doc_element(doc,
			    json_pack("{s:o,s:o,s:o,s:o,s:s,s:o}", "count",
				      jcount(group[i].total.count), "bytes",
				      jcount(group[i].total.bytes), "usable",
				      jcount(group[i].usable), "sample",
				      jaddr(group[i].sample), "looks_like",
				      group[i].looks, "leads_to",
				      jimage(cli, &group[i])));
	doc_array_end(doc);
}

void out_json_types(struct cli *cli, const struct type_rows *rows)
{
	struct json_doc doc;
	doc_begin(&doc, cli);
	doc_allocator(&doc);
	doc_member(&doc, "summary", jsummary(cli));
	doc_array_begin(&doc, "types");
	for (size_t i = 0; i < rows->count && !cli->out.error; i++)
		doc_element(&doc, jrow(cli, rows, &rows->row[i]));
	doc_array_end(&doc);
	put_unnamed(&doc, cli);
	doc_array_begin(&doc, "areas");
	for (int i = 0; i < HS_AREA_COUNT && !cli->out.error; i++) {
		struct hs_area_info area;
		hs_types_area(cli->types, (enum hs_area)i, &area);
		if (area.count)
			doc_element(&doc, jarea(cli, (enum hs_area)i));
	}
	doc_array_end(&doc);
	doc_end(&doc);
}
