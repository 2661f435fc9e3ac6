/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "cli/diff.h"

/* Another capture, opened as the first was, its complaints on our output; what
 * is in its heap is looked at when it is counted. */
static int open_capture(struct cli *cli, const char *spec, struct cli *other)
{
	*other = (struct cli){ .command = cli->command,
			       .opt = cli->opt,
			       .out = cli->out,
			       .tty = cli->tty,
			       .colour = cli->colour };
	other->opt.target = spec;
	other->opt.pid = NULL;
	int code = cli_open_target(other);
	cli->out = other->out;
	return code;
}

static int answer(struct cli *cli, struct diff_view *v)
{
	int code = diff_compare(cli, v);
	if (code)
		return code;
	if (cli->opt.json)
		out_json_diff(cli, v);
	else
		out_diff(cli, v);
	if (v->incomplete)
		return EXIT_INCOMPLETE;
	return diff_changed(v) ? EXIT_FOUND : EXIT_ANSWERED;
}

int diff_run(struct cli *cli, char *const *spec, size_t n, size_t own)
{
	struct cli *others = calloc(n + 1, sizeof(*others));
	struct diff_view v = { .captures = n + 1,
			       .fold.by =
				       cli->opt.by ? cli->opt.by : FOLD_TYPE };
	v.capture = calloc(n + 1, sizeof(struct cli *));
	int code = EXIT_ANSWERED;
	if (!others || !v.capture)
		code = cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
				"no memory");
	for (size_t i = 0; i < n && !code; i++) {
		code = open_capture(cli, spec[i], &others[i]);
		v.capture[i + (i >= own)] = &others[i];
	}
	if (!code) {
		v.capture[own] = cli;
		code = answer(cli, &v);
	}
	diff_release(&v);
	for (size_t i = 0; others && i < n; i++)
		diff_close_capture(&others[i]);
	free(v.capture);
	free(others);
	return code;
}

int cmd_diff(struct cli *cli)
{
	return diff_run(cli, cli->opt.args, (size_t)cli->opt.arg_count, 0);
}
