/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/out_evidence.h"
#include "cli/out_json.h"
#include "cli/out_text.h"

/* Lines of each table before --all is needed: a summary fits on a screen. */
#define SUMMARY_ROWS 12

static void answer_line(struct cli *cli, const struct hs_heap_summary *s)
{
	struct hs_allocator_info a;
	char used[TEXT_LEN], used_n[TEXT_LEN], freed[TEXT_LEN],
		freed_n[TEXT_LEN], arenas_n[TEXT_LEN], threads_n[TEXT_LEN];
	size_t arenas = hs_heap_arena_count(cli->heap);
	size_t threads = hs_heap_thread_count(cli->heap);
	hs_heap_allocator(cli->heap, &a);
	char line[512];
	(void)snprintf(line, sizeof(line),
		       "%s in use in %s %s, %s free in %s; %s %s, %s %s",
		       text_size(used, s->in_use.bytes),
		       text_count(used_n, s->in_use.count),
		       text_plural(s->in_use.count, "block", "blocks"),
		       text_size(freed, s->free.bytes),
		       text_count(freed_n, s->free.count),
		       text_count(arenas_n, arenas),
		       text_plural(arenas, "arena", "arenas"),
		       text_count(threads_n, threads),
		       text_plural(threads, "thread", "threads"));
	out_ink(&cli->out, cli->colour, INK_BOLD, line);
	if (a.version) {
		out_str(&cli->out, " (glibc ");
		out_escaped(&cli->out, a.version);
		out_str(&cli->out, ")");
	} else {
		out_str(&cli->out, " (glibc)");
	}
	if (cli_answered(cli) != EXIT_ANSWERED)
		out_ink(&cli->out, cli->colour, INK_WARN,
			", memory is missing");
	out_str(&cli->out, "\n");
	if (a.main_arena_missing) {
		out_ink(&cli->out, cli->colour, INK_WARN,
			a.has_fastbins
				? "not known, as libc's data is missing: the "
				  "main arena's fastbins (freed blocks there "
				  "count as used) and malloc's own sums"
				: "not known, as libc's data is missing: "
				  "malloc's own sums");
		out_printf(&cli->out, "; confidence %s\n",
			   hs_confidence_name(a.confidence));
	}
	out_str(&cli->out, "\n");
}

static void states_table(struct cli *cli, const struct hs_heap_summary *s)
{
	static const struct column columns[] = { { "state", -10 },
						 { "blocks", 12 },
						 { "size", 10 },
						 { "bytes", 16 },
						 { "with headers", 16 } };
	struct table t;
	table_begin(&t, &cli->out, cli->colour, columns, 5);
	for (int i = 0; i < HS_CHUNK_STATE_COUNT; i++) {
		const struct hs_total *total = &s->state[i];
		if (!total->count)
			continue;
		enum hs_chunk_state state = (enum hs_chunk_state)i;
		table_cell(&t, ink_of_state(state), hs_chunk_state_name(state));
		table_count(&t, total->count);
		table_size(&t, total->bytes);
		table_count(&t, total->bytes);
		table_count(&t, total->chunk_bytes);
	}
	out_str(&cli->out, "\n");
}

static size_t rows(const struct cli *cli, size_t count)
{
	return cli->opt.all || count < SUMMARY_ROWS ? count : SUMMARY_ROWS;
}

static void arenas_table(struct cli *cli)
{
	static const struct column columns[] = {
		{ "arena", -14 }, { "in use", 12 }, { "blocks", 12 },
		{ "free", 12 },   { "blocks", 12 }, { "top", 12 },
		{ "system", 12 },
	};
	struct table t;
	size_t count = hs_heap_arena_count(cli->heap);
	table_begin(&t, &cli->out, cli->colour, columns, 7);
	for (size_t i = 0; i < rows(cli, count); i++) {
		struct hs_arena_info a;
		char name[TEXT_LEN];
		hs_heap_arena(cli->heap, i, &a);
		table_cell(&t, INK_PLAIN,
			   a.is_main ? "main" : text_addr(name, a.addr));
		table_size(&t, a.in_use.bytes);
		table_count(&t, a.in_use.count);
		table_size(&t, a.freed.bytes);
		table_count(&t, a.freed.count);
		table_size(&t, a.top == HS_NO_ADDR ? HS_UNKNOWN : a.top_size);
		table_size(&t, a.system_mem);
	}
	cli_announce_rest(cli, rows(cli, count), count);
	out_str(&cli->out, "\n");
}

static void threads_table(struct cli *cli)
{
	static const struct column columns[] = {
		{ "thread", -14 }, { "tcache", 12 }, { "blocks", 12 },
		{ "arena", -14 },  { "name", -16 },
	};
	struct table t;
	size_t count = hs_heap_thread_count(cli->heap);
	if (!count)
		return;
	table_begin(&t, &cli->out, cli->colour, columns, 5);
	for (size_t i = 0; i < rows(cli, count); i++) {
		struct hs_heap_thread_info h;
		char tid[TEXT_LEN];
		hs_heap_thread(cli->heap, i, &h);
		(void)snprintf(tid, sizeof(tid), "%" PRId64 "%s", h.tid,
			       h.current ? " *" : "");
		table_cell(&t, INK_PLAIN, tid);
		table_size(&t, h.tcache_known ? h.tcache_bytes : HS_UNKNOWN);
		table_count(&t, h.tcache_known ? h.tcache_count : HS_UNKNOWN);
		table_addr(&t, cli_arena_addr(cli, h.arena));
		table_target(&t, h.name);
	}
	cli_announce_rest(cli, rows(cli, count), count);
	out_str(&cli->out, "\n");
}

static void next_line(struct cli *cli)
{
	struct problem_counts n = count_problems(cli);
	bool damaged = n.of[HS_DAMAGE] || n.of[HS_WARNING];
	out_printf(&cli->out, "\nnext: heapscan %s ",
		   damaged ? "check" : "chunks");
	out_target(&cli->out, cli);
	out_str(&cli->out, damaged ? "\n" : " --state in-use --top 20\n");
}

int cmd_summary(struct cli *cli)
{
	struct hs_heap_summary s;
	if (cli->opt.json) {
		out_json_report(cli, !cli->opt.summary);
		return cli_answered(cli);
	}
	hs_heap_summary(cli->heap, &s);
	answer_line(cli, &s);
	states_table(cli, &s);
	arenas_table(cli);
	threads_table(cli);
	out_evidence(cli);
	out_str(&cli->out, "\n");
	out_checks(cli);
	out_problems(cli, cli->opt.all ? SIZE_MAX : SUMMARY_ROWS,
		     !cli->opt.all);
	next_line(cli);
	return cli_answered(cli);
}
