/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"
#include "cli/out_evidence.h"
#include "cli/out_json.h"
#include "cli/out_text.h"

static void answer_line(struct cli *cli, const struct problem_counts *n)
{
	char chunks[TEXT_LEN], damage[TEXT_LEN];
	size_t found = n->of[HS_DAMAGE];
	struct out *out = &cli->out;
	if (found) {
		out_ink(out, cli->colour, INK_BAD, "damaged");
		out_printf(out, ": %s %s among", text_count(damage, found),
			   text_plural(found, "finding", "findings"));
	} else {
		out_ink(out, cli->colour, INK_GOOD, "no damage found");
		out_str(out, " in");
	}
	size_t count = hs_heap_chunk_count(cli->heap);
	out_printf(out, " %s %s", text_count(chunks, count),
		   text_plural(count, "chunk", "chunks"));
	if (cli_answered(cli) != EXIT_ANSWERED)
		out_str(out, "; memory is missing, so this is not the whole "
			     "heap");
	out_str(out, "\n\n");
}

int cmd_check(struct cli *cli)
{
	struct problem_counts n = count_problems(cli);
	bool damaged = n.of[HS_DAMAGE] > 0;
	if (cli->opt.json) {
		out_json_check(cli, damaged);
	} else {
		answer_line(cli, &n);
		out_problems(cli, cli_row_limit(cli));
		if (n.of[HS_NOTE] + n.of[HS_WARNING] + n.of[HS_DAMAGE])
			out_str(&cli->out, "\n");
		out_checks(cli);
		out_str(&cli->out, "\n");
		out_evidence(cli);
	}
	/* Damage is the stronger news: what was read is broken already. */
	return damaged ? EXIT_FOUND : cli_answered(cli);
}
