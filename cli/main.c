/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/fault.h"
#include "cli/out_dot.h"
#include "cli/progress.h"

/*
 * Only here is an answer complete: the last bytes may be the ones that a full
 * disk refuses, and some file systems say so in close().
 */
static int finish(struct cli *cli, int code)
{
	progress_clear();
	out_flush(&cli->out);
	if (!cli->out.error && close(STDOUT_FILENO) && errno != EBADF)
		cli->out.error = errno;
	/* Where SIGPIPE is ignored, a reader that has seen enough is no news.
	 */
	if (cli->out.error && cli->out.error != EPIPE)
		(void)fprintf(stderr, "heapscan: cannot write the answer: %s\n",
			      strerror(cli->out.error));
	return cli->out.error ? EXIT_INPUT : code;
}

static int run(struct cli *cli)
{
	const struct options *opt = &cli->opt;
	cli->command = opt->command;
	if (opt->version) {
		out_printf(&cli->out, "heapscan %s%s\n", hs_version(),
			   out_dot_works() ? ""
					   : " (static build, without dot)");
		return EXIT_ANSWERED;
	}
	if (opt->help)
		return cmd_help(cli);
	int code = cli_prepare(cli);
	return code ? code : cli->command->run(cli);
}

int main(int argc, char **argv)
{
	struct cli cli = { .target = NULL };
	if (!out_init(&cli.out, STDOUT_FILENO)) {
		(void)fputs("heapscan: no memory\n", stderr);
		return EXIT_INPUT;
	}
	int code;
	if (argc < 2) {
		(void)fputs("heapscan: no target: name a core file or --pid N; "
			    "`heapscan help` explains\n",
			    stderr);
		code = EXIT_USAGE;
	} else if (options_parse(&cli.opt, argc, argv)) {
		cli.tty = isatty(STDOUT_FILENO);
		cli.colour = cli_wants_colour(&cli);
		fault_catch(&cli.out, cli.opt.json);
		code = run(&cli);
	} else {
		code = cli_fail(&cli, cli.opt.exit, "usage", "%s",
				cli.opt.problem);
	}
	code = finish(&cli, code);
	cli_release(&cli);
	return code;
}
