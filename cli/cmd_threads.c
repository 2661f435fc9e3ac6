/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/frames.h"
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

static void frame_line(struct cli *cli, const struct hs_frame_info *f)
{
	struct out *out = &cli->out;
	char text[1100];
	struct hs_module_info module;
	text_frame(text, sizeof(text), f);
	out_printf(out, "  #%-3zu 0x%012" PRIx64 "  ", f->number, f->pc);
	out_escaped(out, f->has_symbol ? text : "?");
	if (f->module != SIZE_MAX) {
		hs_target_module(cli->target, f->module, &module);
		out_str(out, " in ");
		out_escaped(out, module.path);
	}
	out_str(out, f->signal ? " (a signal came here)\n" : "\n");
}

/* Deep recursions are not for people. */
static int print_frames(struct cli *cli)
{
	struct hs_stacks *stacks = cli_stacks(cli);
	struct out *out = &cli->out;
	size_t limit = cli_row_limit(cli);
	if (!stacks)
		return cli_fail(cli, EXIT_INPUT,
				hs_status_name(HS_ERR_NO_SYMBOL),
				"--frames needs the modules' tables: not with "
				"--no-symbols");
	for (size_t i = 0; i < cli_thread_count(cli) && !out->error; i++) {
		struct hs_heap_thread_info t;
		cli_thread(cli, i, &t);
		size_t at = cli_target_thread(cli, t.tid, i);
		size_t count = hs_stacks_frame_count(stacks, at);
		const char *end = text_stack_end(hs_stacks_end(stacks, at));
		out_printf(out, "thread %" PRId64 "%s", t.tid,
			   t.current ? " *" : "");
		if (t.name) {
			out_str(out, " (");
			out_escaped(out, t.name);
			out_str(out, ")");
		}
		out_printf(out, ", %zu frame%s\n", count,
			   count == 1 ? "" : "s");
		for (size_t n = 0; n < count && n < limit; n++) {
			struct hs_frame_info f;
			hs_stacks_frame(stacks, at, n, &f);
			frame_line(cli, &f);
		}
		if (count > limit)
			out_printf(out, "  and %zu more: --all\n",
				   count - limit);
		if (end)
			out_printf(out, "  ends here: %s\n", end);
	}
	return cli_answered(cli);
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
	if (cli->opt.frames)
		return print_frames(cli);
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
