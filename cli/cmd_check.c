/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"
#include "cli/damage_view.h"
#include "cli/out_evidence.h"
#include "cli/out_json.h"
#include "cli/out_text.h"
#include "cli/progress.h"

static void answer_line(struct cli *cli, const struct problem_counts *n,
			bool damaged)
{
	char chunks[TEXT_LEN], damage[TEXT_LEN];
	size_t found = n->of[HS_DAMAGE];
	struct out *out = &cli->out;
	if (found) {
		out_ink(out, cli->colour, INK_BAD, "damaged");
		out_printf(out, ": %s %s among", text_count(damage, found),
			   text_plural(found, "finding", "findings"));
	} else if (damaged) {
		out_ink(out, cli->colour, INK_BAD, "misused");
		out_str(out, ": malloc gave up before damage was done to");
	} else {
		out_ink(out, cli->colour, INK_GOOD, "no damage found");
		out_str(out, " in");
	}
	size_t count = hs_heap_chunk_count(cli->heap);
	out_printf(out, " %s %s", text_count(chunks, count),
		   text_plural(count, "chunk", "chunks"));
	if (cli_answered(cli) != EXIT_ANSWERED)
		out_str(out, found ? "; part of the heap could not be told"
				   : "; memory is missing, so this is not the "
				     "whole heap");
	out_str(out, "\n\n");
}

static void print_text(struct cli *cli, const struct damage_view *view,
		       bool damaged)
{
	struct problem_counts n = count_problems(cli);
	out_verdict(cli, view);
	answer_line(cli, &n, damaged);
	out_diagnoses(cli, view, cli_row_limit(cli));
	out_problems(cli, cli_row_limit(cli), false);
	if (n.of[HS_NOTE] + n.of[HS_WARNING] + n.of[HS_DAMAGE])
		out_str(&cli->out, "\n");
	out_checks(cli);
	out_str(&cli->out, "\n");
	out_evidence(cli);
}

/* Who holds the blocks in question. Without it the answer is shorter, not
 * wrong, so that a failure is no reason to give none. */
static struct hs_graph *find_holders(struct cli *cli,
				     const struct hs_damage *damage)
{
	struct hs_graph_options how = {
		.struct_size = sizeof(how),
		.progress = progress_show,
	};
	bool wanted = false;
	for (size_t i = 0; i < hs_damage_count(damage); i++) {
		struct hs_diagnosis d;
		hs_damage_at(damage, i, &d);
		wanted |= d.suspect_chunk != SIZE_MAX;
	}
	if (wanted && !cli->graph &&
	    hs_graph_new(cli->target, cli->syms, cli->heap, &how, &cli->graph,
			 NULL))
		return NULL;
	return cli->graph;
}

int cmd_check(struct cli *cli)
{
	struct damage_view view = { .content = cli->opt.content };
	struct hs_error err = { .code = HS_OK };
	if (hs_damage_diagnose(cli->target, cli->heap, &view.damage, &err))
		return cli_fail_error(cli, &err);
	struct problem_counts n = count_problems(cli);
	view.has_verdict = hs_heap_verdict(cli->heap, &view.verdict);
	bool damaged = n.of[HS_DAMAGE] > 0 ||
		       (view.has_verdict && view.verdict.about_heap);
	view.graph = find_holders(cli, view.damage);
	if (cli->opt.json)
		out_json_check(cli, damaged, &view);
	else
		print_text(cli, &view, damaged);
	hs_damage_free(view.damage);
	/* Damage is the stronger news: what was read is broken already. */
	return damaged ? EXIT_FOUND : cli_answered(cli);
}
