/* SPDX-License-Identifier: MIT */
#include <inttypes.h>

#include "cli/object_why.h"
#include "cli/out_evidence.h"
#include "cli/out_text.h"

static void print_row(struct cli *cli, const struct hs_object_total *t,
		      const char *what)
{
	char n[TEXT_LEN], size[TEXT_LEN];
	out_printf(&cli->out, "%10s %11s  ", text_size(size, t->bytes),
		   text_count(n, t->objects));
	out_escaped(&cli->out, what);
	out_str(&cli->out, "\n");
}

/* What nothing leads to, and what to ask next. */
static void print_lost(struct cli *cli, const struct hs_object_total *t,
		       const char *what)
{
	char n[TEXT_LEN], size[TEXT_LEN], word[512];
	if (t->objects == 0)
		return;
	out_printf(&cli->out, "%s: %s %s, %s; heapscan why %s 0x%" PRIx64 "\n",
		   what, text_count(n, t->objects),
		   text_plural(t->objects, "object", "objects"),
		   text_size(size, t->bytes),
		   target_word(cli, word, sizeof(word)), t->example);
}

static void print_shares(struct cli *cli, const struct hs_object_shares *s)
{
	struct out *out = &cli->out;
	char n[TEXT_LEN], size[TEXT_LEN];
	out_printf(out, "variables hold %s objects, %s",
		   text_count(n, s->held.objects),
		   text_size(size, s->held.bytes));
	if (s->count) {
		out_str(out, "; most is held as ");
		out_escaped(out, s->share[0].expression);
		out_printf(out, ": %s",
			   text_size(size, s->share[0].held.bytes));
	}
	out_str(out, "\n");
	print_lost(cli, &s->garbage, "garbage that waits for the collector");
	print_lost(cli, &s->unseen, "held by something that was not seen");
	out_printf(out, "\n%10s %11s  %s\n", "bytes", "objects", "held as");
	for (size_t i = 0; i < s->count && !out->error; i++)
		print_row(cli, &s->share[i].held, s->share[i].expression);
	if (s->more)
		out_printf(out, "... %s more (--top N)\n",
			   text_count(n, s->more));
	print_row(cli, &s->own, "(modules, and what the interpreter keeps)");
}

int object_shares_answer(struct cli *cli, struct hs_graph *graph, size_t top)
{
	struct hs_object_shares shares;
	struct hs_error err = { .code = HS_OK };
	int code = objects_build(cli, graph, false);
	if (code)
		return code;
	if (hs_objects_shares(cli->objects, top, &shares, &err))
		return cli_fail_error(cli, &err);
	reach_note_missing(graph);
	if (cli->opt.json)
		out_json_object_shares(cli, &shares);
	else
		print_shares(cli, &shares);
	hs_object_shares_release(&shares);
	return reach_answered(cli, graph, false);
}
