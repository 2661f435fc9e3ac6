/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"
#include "cli/out_json.h"
#include "cli/out_text.h"
#include "cli/text_map.h"

static void map_row(struct cli *cli, struct table *t, size_t i)
{
	struct hs_map_info m;
	char prot[5];
	hs_target_map(cli->target, i, &m);
	table_addr(t, m.start);
	table_addr(t, m.end);
	table_cell(t, INK_PLAIN, text_prot(prot, &m));
	table_cell(t, INK_PLAIN, map_kind_name(m.kind));
	table_size(t, m.end - m.start);
	table_size(t, m.captured);
	table_size(t, m.from_file);
	table_target(t, m.path);
}

int cmd_maps(struct cli *cli)
{
	static const struct column columns[] = {
		{ "start", -18 },    { "end", -18 },  { "prot", -4 },
		{ "kind", -7 },      { "size", 10 },  { "captured", 10 },
		{ "from file", 10 }, { "path", -16 },
	};
	if (cli->opt.json) {
		out_json_maps(cli);
		return EXIT_ANSWERED;
	}
	struct table t;
	size_t count = hs_target_map_count(cli->target);
	size_t limit = cli_row_limit(cli);
	if (limit > count)
		limit = count;
	table_begin(&t, &cli->out, cli->colour, columns, 8);
	for (size_t i = 0; i < limit; i++)
		map_row(cli, &t, i);
	cli_announce_rest(cli, limit, count);
	return EXIT_ANSWERED;
}
