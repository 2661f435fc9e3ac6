/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"
#include "cli/out_json.h"
#include "cli/out_text.h"
#include "cli/text_map.h"

static void module_row(struct cli *cli, struct table *t, size_t i)
{
	struct hs_module_info m;
	char id[BUILD_ID_TEXT];
	hs_target_module(cli->target, i, &m);
	const char *debug =
		cli->syms ? hs_symbols_debug_file(cli->syms, i) : NULL;
	table_addr(t, m.base);
	table_addr(t, m.end);
	table_cell(t,
		   m.file_state == HS_MODULE_FILE_MISMATCH ? INK_WARN
							   : INK_PLAIN,
		   hs_module_file_name(m.file_state));
	const char *text = text_build_id(id, &m);
	table_cell(t, INK_PLAIN, text ? text : "-");
	table_cell(t, INK_PLAIN, debug ? "yes" : "no");
	table_target(t, m.path);
}

int cmd_modules(struct cli *cli)
{
	static const struct column columns[] = {
		{ "base", -14 },     { "end", -14 },  { "file", -8 },
		{ "build id", -40 }, { "debug", -5 }, { "path", -16 },
	};
	if (cli->opt.json) {
		out_json_modules(cli);
		return EXIT_ANSWERED;
	}
	struct table t;
	size_t count = hs_target_module_count(cli->target);
	size_t limit = cli_row_limit(cli);
	if (limit > count)
		limit = count;
	table_begin(&t, &cli->out, cli->colour, columns, 6);
	for (size_t i = 0; i < limit; i++)
		module_row(cli, &t, i);
	cli_announce_rest(cli, limit, count);
	return EXIT_ANSWERED;
}
