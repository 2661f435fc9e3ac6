/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "cli/arena_threads.h"
#include "cli/out_json.h"
#include "cli/out_text.h"

/* Threads named in one line; the rest is a number. */
#define SHOWN_TIDS 6

static void tids_cell(struct table *t, const struct arena_threads *at, size_t i)
{
	char text[SHOWN_TIDS * 22 + TEXT_LEN] = "";
	size_t used = 0, count = at->start[i + 1] - at->start[i];
	for (size_t n = 0; n < count && n < SHOWN_TIDS; n++)
		used += (size_t)snprintf(text + used, sizeof(text) - used,
					 "%s%" PRId64, n ? " " : "",
					 at->tid[at->start[i] + n]);
	if (count > SHOWN_TIDS)
		(void)snprintf(text + used, sizeof(text) - used,
			       " and %zu more", count - SHOWN_TIDS);
	table_cell(t, INK_PLAIN, count ? text : "-");
}

static void arena_row(struct cli *cli, struct table *t,
		      const struct arena_threads *at, size_t i)
{
	struct hs_arena_info a;
	char number[TEXT_LEN];
	hs_heap_arena(cli->heap, i, &a);
	(void)snprintf(number, sizeof(number), "%zu", i);
	table_cell(t, INK_PLAIN, number);
	table_addr(t, a.addr);
	table_cell(t, INK_PLAIN, a.is_main ? "main" : "thread");
	table_cell(t, a.locked ? INK_WARN : INK_PLAIN,
		   a.locked                    ? "locked"
		   : a.free_known && a.free    ? "free"
		   : a.free_known || a.is_main ? "-"
					       : "?");
	table_count(t, a.heap_count);
	table_count(t, a.chunks);
	table_size(t, a.in_use.bytes);
	table_size(t, a.freed.bytes);
	table_size(t, a.top == HS_NO_ADDR ? HS_UNKNOWN : a.top_size);
	table_count(t, a.system_mem);
	tids_cell(t, at, i);
}

int cmd_arenas(struct cli *cli)
{
	static const struct column columns[] = {
		{ "no", 3 },       { "address", -14 },
		{ "kind", -6 },    { "state", -6 },
		{ "heaps", 6 },    { "chunks", 12 },
		{ "in use", 10 },  { "free", 10 },
		{ "top", 10 },     { "system bytes", 14 },
		{ "threads", -8 },
	};
	if (cli->opt.json) {
		out_json_arenas(cli);
		return cli_answered(cli);
	}
	struct arena_threads at;
	if (!arena_threads_init(&at, cli->heap))
		return cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
				"no memory for the list of threads");
	size_t count = hs_heap_arena_count(cli->heap);
	size_t limit = cli_row_limit(cli);
	if (limit > count)
		limit = count;
	struct table t;
	table_begin(&t, &cli->out, cli->colour, columns, 11);
	for (size_t i = 0; i < limit; i++)
		arena_row(cli, &t, &at, i);
	cli_announce_rest(cli, limit, count);
	arena_threads_release(&at);
	return cli_answered(cli);
}
