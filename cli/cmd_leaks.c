/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>

#include "cli/leak_cycles.h"
#include "cli/out_evidence.h"
#include "cli/out_text.h"
#include "cli/reach.h"

/* What is more than in the baseline; without one that is everything. */
static void compare(struct leak_view *v)
{
	for (size_t i = 0; i < hs_leaks_group_count(v->leaks); i++) {
		struct hs_leak_group g;
		uint64_t count, bytes;
		hs_leaks_group(v->leaks, i, &g);
		baseline_find(&v->baseline, g.shape, &count, &bytes);
		if (g.count <= count)
			continue;
		v->new_count += g.count - count;
		v->new_bytes += g.bytes > bytes ? g.bytes - bytes : 0;
	}
}

static bool is_too_much(const struct cli *cli, const struct leak_view *v)
{
	const struct options *opt = &cli->opt;
	if (opt->fail_blocks == UINT64_MAX && opt->fail_bytes == UINT64_MAX)
		return v->new_count > 0;
	return (opt->fail_blocks != UINT64_MAX &&
		v->new_count >= opt->fail_blocks) ||
	       (opt->fail_bytes != UINT64_MAX &&
		v->new_bytes >= opt->fail_bytes);
}

static void headline(struct cli *cli, const struct leak_view *v)
{
	struct out *out = &cli->out;
	char n[TEXT_LEN], size[TEXT_LEN], bytes[TEXT_LEN];
	const struct hs_graph_summary *s = &v->summary;
	if (s->leaked.count) {
		out_ink(out, cli->colour, INK_BAD, "leaked");
		out_printf(out, ": %s %s, %s (%s bytes)",
			   text_count(n, s->leaked.count),
			   text_plural(s->leaked.count, "block", "blocks"),
			   text_size(size, s->leaked.bytes),
			   text_count(bytes, s->leaked.bytes));
	} else {
		out_ink(out, cli->colour, INK_GOOD, "no leaks");
	}
	out_printf(out, "; reached: %s %s, %s\n",
		   text_count(n, s->reachable.count),
		   text_plural(s->reachable.count, "block", "blocks"),
		   text_size(size, s->reachable.bytes));
	if (s->interior_only.count)
		out_printf(out,
			   "%s of them only through pointers to their inside "
			   "or end, %s\n",
			   text_count(n, s->interior_only.count),
			   text_size(size, s->interior_only.bytes));
	if (v->baseline_path)
		out_printf(out, "more than in the baseline: %s %s, %s\n",
			   text_count(n, v->new_count),
			   text_plural(v->new_count, "block", "blocks"),
			   text_size(size, v->new_bytes));
}

/* The shape, with the size of a head where that is not its name. */
static void shape_cell(struct table *table, const struct hs_leak_group *g)
{
	char text[2048], low[TEXT_LEN], high[TEXT_LEN];
	if (!g->type) {
		table_target(table, g->shape);
		return;
	}
	bool one = g->root_bytes == g->root_bytes_most;
	(void)snprintf(text, sizeof(text), "%s  (%s%s%s bytes)", g->shape,
		       text_count(low, g->root_bytes), one ? "" : " to ",
		       one ? "" : text_count(high, g->root_bytes_most));
	table_target(table, text);
}

static void print_groups(struct cli *cli, const struct leak_view *v)
{
	static const struct column columns[] = {
		{ "leaks", 9 },        { "blocks", 9 },
		{ "bytes", 13 },       { "confidence", -10 },
		{ "for example", 14 }, { "shape, usable bytes", -20 },
	};
	struct table table;
	size_t total = hs_leaks_group_count(v->leaks);
	size_t limit = cli_row_limit(cli);
	if (limit > total)
		limit = total;
	struct leak_cycles *cycles = leak_cycles_new(v->leaks, limit);
	out_str(&cli->out, "\n");
	table_begin(&table, &cli->out, cli->colour, columns, 6);
	for (size_t i = 0; i < limit && !cli->out.error; i++) {
		struct hs_leak_group g;
		struct hs_chunk_info c;
		hs_leaks_group(v->leaks, i, &g);
		hs_heap_chunk(cli->heap, g.sample, &c);
		table_count(&table, g.roots);
		table_count(&table, g.count);
		table_count(&table, g.bytes);
		table_cell(&table,
			   g.worst == HS_CONFIDENCE_HIGH ? INK_PLAIN : INK_WARN,
			   hs_confidence_name(g.worst));
		table_addr(&table, c.user);
		shape_cell(&table, &g);
		if (cycles)
			leak_cycles_print(cli, cycles, i);
	}
	leak_cycles_free(cycles);
	cli_announce_rest(cli, limit, total);
}

/* With --all: every block, each with what it hangs below. */
static void print_blocks(struct cli *cli, const struct leak_view *v)
{
	static const struct column columns[] = {
		{ "user", -14 },       { "usable", 13 }, { "kind", -5 },
		{ "confidence", -10 }, { "below", -14 },
	};
	struct table table;
	out_str(&cli->out, "\n");
	table_begin(&table, &cli->out, cli->colour, columns, 5);
	for (size_t i = 0; i < hs_leaks_count(v->leaks) && !cli->out.error;
	     i++) {
		struct hs_leak_info leak;
		struct hs_chunk_info c, root = { .user = HS_NO_ADDR };
		hs_leaks_get(v->leaks, i, &leak);
		hs_heap_chunk(cli->heap, leak.chunk, &c);
		if (leak.root != SIZE_MAX)
			hs_heap_chunk(cli->heap, leak.root, &root);
		table_addr(&table, c.user);
		table_count(&table, c.usable);
		table_cell(&table, INK_PLAIN, hs_leak_kind_name(leak.kind));
		table_cell(&table, INK_PLAIN,
			   hs_confidence_name(leak.confidence));
		table_addr(&table, root.user);
	}
}

/* Objects that nothing will ever release often enough. */
static void print_surplus(struct cli *cli, const struct surplus_list *list)
{
	static const struct column columns[] = {
		{ "user", -14 },
		{ "retains", 9 },
		{ "references", 11 },
		{ "type", -20 },
	};
	struct table table;
	char n[TEXT_LEN];
	size_t limit = cli_row_limit(cli);
	if (limit > list->count)
		limit = list->count;
	if (!list->count)
		return;
	out_printf(&cli->out,
		   "\nretained more often than anything refers to them: %s "
		   "%s (%s confidence)\n",
		   text_count(n, list->count),
		   text_plural(list->count, "object", "objects"),
		   hs_confidence_name(list->confidence));
	table_begin(&table, &cli->out, cli->colour, columns, 4);
	for (size_t i = 0; i < limit && !cli->out.error; i++) {
		const struct surplus *s = &list->surplus[i];
		struct hs_chunk_info c;
		hs_heap_chunk(cli->heap, s->chunk, &c);
		table_addr(&table, c.user);
		table_count(&table, s->retains);
		table_count(&table, s->references);
		table_name(&table, reach_type(cli, s->chunk));
	}
	cli_announce_rest(cli, limit, list->count);
}

static void print_text(struct cli *cli, const struct leak_view *v)
{
	headline(cli, v);
	if (!hs_leaks_group_count(v->leaks)) {
		print_surplus(cli, &v->surplus);
		return;
	}
	print_groups(cli, v);
	if (cli->opt.all)
		print_blocks(cli, v);
	print_surplus(cli, &v->surplus);
	if (!cli->types)
		out_str(&cli->out, "\nnames: --types\n");
	if (cli->opt.at_exit)
		return;
	struct hs_leak_group g;
	struct hs_chunk_info c;
	hs_leaks_group(v->leaks, 0, &g);
	hs_heap_chunk(cli->heap, g.sample, &c);
	out_str(&cli->out, "\nnext: heapscan why ");
	out_target(&cli->out, cli);
	out_printf(&cli->out, " 0x%" PRIx64 " --references\n", c.user);
}

static int judge(struct cli *cli, struct leak_view *v)
{
	hs_graph_summary(v->graph, &v->summary);
	compare(v);
	int code = surplus_find(cli, v->graph, &v->surplus);
	if (code)
		return code;
	reach_note_missing(v->graph);
	if (cli->opt.json)
		out_json_leaks(cli, v);
	else
		print_text(cli, v);
	return reach_answered(cli, v->graph, is_too_much(cli, v));
}

int cmd_leaks(struct cli *cli)
{
	struct leak_view v = { .baseline_path = cli->opt.baseline };
	struct hs_error err = { .code = HS_OK };
	struct hs_graph *graph = NULL;
	struct hs_leaks *leaks = NULL;
	if (v.baseline_path) {
		const char *wrong =
			out_json_read_leaks(v.baseline_path, &v.baseline);
		if (wrong)
			return cli_fail(cli, EXIT_INPUT, "baseline",
					"cannot use '%s' as baseline: %s",
					v.baseline_path, wrong);
	}
	/* Shapes can only be compared when both have names, or none has. */
	bool plain = v.baseline_path && v.baseline.count && !v.baseline.named;
	if (v.baseline_path && v.baseline.named)
		cli->opt.types = true;
	bool brief = false;
	int code = plain ? reach_build(cli, &graph)
			 : reach_build_brief(cli, &graph, &brief);
	if (!code && brief) {
		/* A program in good health needs no names. */
		struct hs_graph_summary s;
		hs_graph_summary(graph, &s);
		if (s.leaked.count)
			code = reach_build_named(cli, &graph);
	}
	if (plain)
		cli->knowledge.name = NULL;
	if (!code && hs_leaks_find(graph, &leaks, &err))
		code = cli_fail_error(cli, &err);
	if (!code) {
		v.graph = graph;
		v.leaks = leaks;
		code = judge(cli, &v);
	}
	surplus_release(&v.surplus);
	hs_leaks_free(leaks);
	baseline_release(&v.baseline);
	return code;
}
