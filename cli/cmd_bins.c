/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/out_json.h"
#include "cli/out_text.h"

static void bin_row(struct cli *cli, struct table *t, size_t i)
{
	struct hs_bin_info b;
	char text[2 * TEXT_LEN], low[TEXT_LEN], high[TEXT_LEN];
	hs_heap_bin(cli->heap, i, &b);
	table_cell(t, ink_of_state(b.state), hs_chunk_state_name(b.state));
	(void)snprintf(text, sizeof(text), "%u", b.index);
	table_cell(t, INK_PLAIN, text);
	table_count(t, b.count);
	table_count(t, b.bytes);
	(void)text_count(low, b.min_size);
	(void)text_count(high, b.max_size);
	if (b.min_size == b.max_size)
		(void)snprintf(text, sizeof(text), "%s", low);
	else
		(void)snprintf(text, sizeof(text), "%s-%s", low, high);
	table_cell(t, INK_PLAIN, text);
	if (b.tid >= 0)
		(void)snprintf(text, sizeof(text), "thread %" PRId64, b.tid);
	else
		(void)snprintf(text, sizeof(text), "0x%" PRIx64, b.owner);
	table_cell(t, INK_PLAIN, text);
}

int cmd_bins(struct cli *cli)
{
	static const struct column columns[] = {
		{ "state", -8 }, { "bin", 4 },    { "chunks", 12 },
		{ "bytes", 14 }, { "sizes", 17 }, { "of", -16 },
	};
	if (cli->opt.json) {
		out_json_bins(cli);
		return cli_answered(cli);
	}
	struct table t;
	size_t count = hs_heap_bin_count(cli->heap);
	size_t limit = cli_row_limit(cli);
	if (limit > count)
		limit = count;
	if (!count) {
		out_str(&cli->out, "no list holds a free chunk\n");
		return cli_answered(cli);
	}
	table_begin(&t, &cli->out, cli->colour, columns, 6);
	for (size_t i = 0; i < limit; i++)
		bin_row(cli, &t, i);
	cli_announce_rest(cli, limit, count);
	return cli_answered(cli);
}
