/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/out_json.h"
#include "cli/out_text.h"

static void thread_row(struct cli *cli, struct table *t, size_t i)
{
	struct hs_heap_thread_info h;
	char tid[TEXT_LEN];
	cli_thread(cli, i, &h);
	(void)snprintf(tid, sizeof(tid), "%" PRId64 "%s", h.tid,
		       h.current ? " *" : "");
	table_cell(t, INK_PLAIN, tid);
	table_addr(t, h.pc);
	table_addr(t, h.sp);
	table_addr(t, h.tls_base);
	table_addr(t, cli->heap ? cli_arena_addr(cli, h.arena) : HS_NO_ADDR);
	table_addr(t, h.tcache);
	table_count(t, h.tcache_known ? h.tcache_count : HS_UNKNOWN);
	table_size(t, h.tcache_known ? h.tcache_bytes : HS_UNKNOWN);
	table_cell(t, INK_WARN, h.in_malloc ? "in malloc" : "-");
	table_target(t, h.name);
}

int cmd_threads(struct cli *cli)
{
	static const struct column columns[] = {
		{ "tid", -9 },   { "pc", -14 },    { "sp", -14 },
		{ "tls", -14 },  { "arena", -14 }, { "tcache", -14 },
		{ "cached", 7 }, { "size", 9 },    { "state", -9 },
		{ "name", -16 },
	};
	if (cli->opt.json) {
		out_json_threads(cli);
		return cli_answered(cli);
	}
	struct table t;
	size_t count = cli_thread_count(cli);
	size_t limit = cli_row_limit(cli);
	if (limit > count)
		limit = count;
	if (!count) {
		out_str(&cli->out, "the target names no threads\n");
		return cli_answered(cli);
	}
	table_begin(&t, &cli->out, cli->colour, columns, 10);
	for (size_t i = 0; i < limit; i++)
		thread_row(cli, &t, i);
	cli_announce_rest(cli, limit, count);
	return cli_answered(cli);
}
