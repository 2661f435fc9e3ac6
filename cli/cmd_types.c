/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/diff.h"
#include "cli/out_evidence.h"
#include "cli/out_json.h"
#include "cli/out_text.h"
#include "cli/type_rows.h"

static const char *file_name(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;
	return slash && slash[1] ? slash + 1 : path;
}

static void headline(struct cli *cli)
{
	struct hs_types_summary s;
	char n[TEXT_LEN], all[TEXT_LEN], bytes[TEXT_LEN], of[TEXT_LEN];
	hs_types_summary(cli->types, &s);
	unsigned tenths = s.live.bytes
				  ? (unsigned)(1000.0 * (double)s.named.bytes /
					       (double)s.live.bytes)
				  : 0;
	out_printf(
		&cli->out,
		"%s of %s in %s of %s blocks in use have a name (%u.%u %%)\n",
		text_size(bytes, s.named.bytes), text_size(of, s.live.bytes),
		text_count(n, s.named.count), text_count(all, s.live.count),
		tenths / 10, tenths % 10);
}

static void row(struct cli *cli, struct table *t, const struct type_rows *rows,
		const struct type_row *r)
{
	table_count(t, r->total.count);
	table_count(t, r->total.bytes);
	table_count(t, type_row_average(r));
	if (rows->by == GROUP_BY_TYPE) {
		table_cell(t, INK_PLAIN, hs_type_source_name(r->info.source));
		table_cell(t, INK_PLAIN,
			   hs_confidence_name(r->info.confidence));
		table_target(t,
			     file_name(type_module_path(cli, r->info.module)));
	}
	table_name(t, r->name);
}

static void print_text(struct cli *cli, const struct type_rows *rows)
{
	static const struct column columns[] = {
		{ "blocks", 12 }, { "bytes", 14 },   { "average", 10 },
		{ "source", -9 }, { "certain", -7 }, { "code in", -16 },
		{ "type", -8 },
	};
	static const struct column source[] = {
		{ "blocks", 12 },
		{ "bytes", 14 },
		{ "average", 10 },
		{ "source", -8 },
	};
	static const struct column module[] = {
		{ "blocks", 12 },
		{ "bytes", 14 },
		{ "average", 10 },
		{ "module", -8 },
	};
	struct table t;
	char n[TEXT_LEN];
	size_t limit = cli_row_limit(cli);
	if (cli->opt.top || limit > rows->count)
		limit = rows->count;
	headline(cli);
	if (!rows->count)
		return;
	out_str(&cli->out, "\n");
	if (rows->by == GROUP_BY_TYPE)
		table_begin(&t, &cli->out, cli->colour, columns, 7);
	else
		table_begin(&t, &cli->out, cli->colour,
			    rows->by == GROUP_BY_SOURCE ? source : module, 4);
	for (size_t i = 0; i < limit && !cli->out.error; i++)
		row(cli, &t, rows, &rows->row[i]);
	if (limit < rows->count)
		cli_announce_rest(cli, limit, rows->count);
	else if (rows->count < rows->all)
		out_printf(&cli->out, "... %s more (without --top)\n",
			   text_count(n, rows->all - rows->count));
}

static void print_area(struct cli *cli, enum hs_area which,
		       const struct hs_area_info *area,
		       const struct type_rows *rows)
{
	static const struct column columns[] = {
		{ "objects", 12 },
		{ "bytes", 14 },
		{ "average", 10 },
		{ "type", -8 },
	};
	struct table t;
	char n[TEXT_LEN], size[TEXT_LEN], live[TEXT_LEN], objects[TEXT_LEN];
	size_t limit = cli_row_limit(cli);
	if (cli->opt.top || limit > rows->count)
		limit = rows->count;
	out_printf(&cli->out, "\n%s, %s of them, %s: %s in %s %s\n",
		   hs_area_name(which), text_count(n, area->count),
		   text_size(size, area->bytes),
		   text_size(live, area->live.bytes),
		   text_count(objects, area->live.count),
		   area->live_known ? "objects in use" : "objects recognised");
	out_printf(&cli->out, "(%s; no part of the numbers above)\n\n",
		   area->in_blocks ? "beneath blocks of this heap"
				   : "beside the heap: malloc knows nothing "
				     "of them");
	table_begin(&t, &cli->out, cli->colour, columns, 4);
	for (size_t i = 0; i < limit && !cli->out.error; i++) {
		const struct type_row *r = &rows->row[i];
		table_count(&t, r->total.count);
		table_count(&t, r->total.bytes);
		table_count(&t, type_row_average(r));
		table_name(&t, r->name);
	}
	if (limit < rows->count)
		cli_announce_rest(cli, limit, rows->count);
	else if (rows->count < rows->all)
		out_printf(&cli->out, "... %s more (without --top)\n",
			   text_count(n, rows->all - rows->count));
	if (area->live.count > area->named.count)
		out_printf(
			&cli->out, "\nwithout a name: %s %s, %s\n",
			text_count(n, area->live.count - area->named.count),
			text_plural(area->live.count - area->named.count,
				    "part", "parts"),
			text_size(size, area->live.bytes - area->named.bytes));
}

/* Objects that runtimes keep in areas of their own. */
static int print_areas(struct cli *cli)
{
	for (int i = 0; i < HS_AREA_COUNT; i++) {
		struct hs_area_info area;
		struct type_rows rows;
		hs_types_area(cli->types, (enum hs_area)i, &area);
		if (!area.count)
			continue;
		int code = type_rows_of_area(&rows, cli, (enum hs_area)i);
		if (!code)
			print_area(cli, (enum hs_area)i, &area, &rows);
		type_rows_release(&rows);
		if (code)
			return code;
	}
	return EXIT_ANSWERED;
}

/* What the blocks of GROUP look like, and whose functions or data they have. */
static void unnamed_words(struct cli *cli, const struct hs_unnamed_group *group,
			  char *buf, size_t size)
{
	const char *path = type_module_path(cli, group->module);
	(void)snprintf(buf, size, "%s", group->looks);
	if (!path)
		return;
	size_t len = strlen(buf);
	(void)snprintf(buf + len, size - len, "; +%" PRIu64 " is %s of %s",
		       group->offset, group->functions ? "a function" : "data",
		       file_name(path));
}

/* The largest groups of what has no name, by what it looks like. */
static void print_unnamed(struct cli *cli)
{
	static const struct column columns[] = {
		{ "blocks", 12 },   { "bytes", 14 }, { "each", 10 },
		{ "example", -18 }, { "words", -8 },
	};
	struct hs_unnamed_group group[UNNAMED_GROUPS];
	size_t count;
	struct table t;
	if (hs_types_unnamed(cli->types, group, UNNAMED_GROUPS, &count, NULL))
		return; /* the answer stands without it */
	out_str(&cli->out, "most of it looks like this:\n\n");
	table_begin(&t, &cli->out, cli->colour, columns, 5);
	for (size_t i = 0; i < count && !cli->out.error; i++) {
		table_count(&t, group[i].total.count);
		table_count(&t, group[i].total.bytes);
		table_count(&t, group[i].usable);
		table_addr(&t, group[i].sample);
		char words[320];
		unnamed_words(cli, &group[i], words, sizeof(words));
		table_cell(&t, INK_PLAIN, words);
	}
}

/* What nobody could name, and why. */
static void rest(struct cli *cli)
{
	struct hs_types_summary s;
	char n[TEXT_LEN], bytes[TEXT_LEN];
	hs_types_summary(cli->types, &s);
	if (s.live.count > s.named.count)
		out_printf(&cli->out, "\nwithout a name: %s %s, %s\n",
			   text_count(n, s.live.count - s.named.count),
			   text_plural(s.live.count - s.named.count, "block",
				       "blocks"),
			   text_size(bytes, s.live.bytes - s.named.bytes));
	if (s.live.count > s.named.count)
		print_unnamed(cli);
	const char *program = type_module_path(cli, s.without_debug_info);
	if (program && s.live.count > s.named.count) {
		out_str(&cli->out, "\nno debug info of ");
		out_escaped(&cli->out, program);
		out_str(&cli->out,
			", so its C types are not known: install its -dbgsym "
			"or\n-debuginfo package, or name a folder that has it "
			"with --debug-dir\n");
	}
	if (s.missing_split_files && s.live.count > s.named.count)
		out_printf(
			&cli->out,
			"\nthe debug info of %s %s is in %s of its own "
			"(.dwo) that %s not found:\nput them where they "
			"were built or beside the program, or make a .dwp "
			"of them\n",
			text_count(n, s.missing_split_files),
			text_plural(s.missing_split_files, "unit", "units"),
			text_plural(s.missing_split_files, "a file", "files"),
			text_plural(s.missing_split_files, "was", "were"));
	if (!s.nameless)
		return;
	const char *path = type_module_path(cli, s.missing_module);
	out_printf(&cli->out,
		   "\n%s %s could not be named: read-only pages are missing, "
		   "for one of ",
		   text_count(n, s.nameless),
		   text_plural(s.nameless, "object", "objects"));
	out_escaped(&cli->out, path ? path : "?");
	out_str(&cli->out, "\n");
}

/* Where the largest type is, and who holds it. */
static void next_line(struct cli *cli, const struct type_rows *rows)
{
	out_str(&cli->out, "\nnext: heapscan ");
	/* A name with a quote in it would have to be quoted in a shell's way.
	 */
	if (rows->by == GROUP_BY_TYPE && rows->count &&
	    !strchr(rows->row[0].name, '\'')) {
		out_str(&cli->out, "chunks ");
		out_target(&cli->out, cli);
		out_str(&cli->out, " --type '");
		out_escaped(&cli->out, rows->row[0].name);
		out_str(&cli->out, "' --top 20   where they are\n"
				   "      heapscan ");
	}
	out_str(&cli->out, "owners ");
	out_target(&cli->out, cli);
	out_str(&cli->out, "   who holds them\n");
	struct hs_area_info area;
	hs_types_area(cli->types, HS_AREA_PYMALLOC, &area);
	if (!area.count)
		return;
	out_str(&cli->out, "      heapscan owners ");
	out_target(&cli->out, cli);
	out_str(&cli->out, " --objects   which variable of Python holds how "
			   "much\n");
}

/* Compared as diff does: the earlier capture comes first. */
static int answer_since(struct cli *cli)
{
	char *before[] = { (char *)(uintptr_t)cli->opt.diff };
	if (cli->opt.group_by != GROUP_BY_TYPE || cli->opt.sort)
		return cli_usage(cli, "--diff shows types, most growth first: "
				      "no --group-by, no --sort");
	return diff_run(cli, before, 1, 1);
}

int cmd_types(struct cli *cli)
{
	if (cli->opt.diff)
		return answer_since(cli);
	struct type_rows rows = { .row = NULL };
	int code = cli_name_types(cli);
	if (!code)
		code = type_rows_init(&rows, cli);
	if (!code) {
		if (cli->opt.json) {
			out_json_types(cli, &rows);
		} else {
			print_text(cli, &rows);
			rest(cli);
			code = print_areas(cli);
			if (!code && rows.count)
				next_line(cli, &rows);
		}
		code = code ? code : cli_answered(cli);
	}
	type_rows_release(&rows);
	return code;
}
