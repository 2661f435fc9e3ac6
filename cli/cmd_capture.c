/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/dump.h"

/* A stop that people notice. */
#define LONG_PAUSE_NS 1000000000

/* Before the process is stopped, so that it is not stopped for nothing. */
static int check_output(struct cli *cli)
{
	if (!cli->opt.output)
		return cli_usage(cli, "capture needs a file to write: -o FILE");
	if (!cli->opt.force && access(cli->opt.output, F_OK) == 0)
		return cli_usage(cli,
				 "'%s' exists already: choose another name, or "
				 "--force to replace it",
				 cli->opt.output);
	return EXIT_ANSWERED;
}

static int capture_series(struct cli *cli)
{
	struct dump dump = { 0 };
	if (!cli->opt.output)
		return cli_usage(cli, "capture needs a file to write: -o FILE");
	if (!cli->opt.pid)
		return cli_usage(cli, "a series is of a process: --pid N");
	if (cli->opt.format == DUMP_CORE)
		return cli_usage(cli, "a series consists of slices: an ELF "
				      "core cannot refer to another");
	int code = dump_init(&dump, cli);
	if (!code)
		code = dump_series(&dump, cli);
	dump_release(&dump);
	return code;
}

int cmd_capture(struct cli *cli)
{
	struct dump dump = { 0 };
	struct hs_error err = { .code = HS_OK };
	struct hs_capture_result result;
	if (cli->opt.series)
		return capture_series(cli);
	int code = check_output(cli);
	if (!code)
		code = cli_open_target(cli);
	if (!code && cli->info.kind != HS_TARGET_LIVE)
		code = cli_usage(cli, "capture is for processes; `heapscan "
				      "convert IN OUT` is for files");
	if (!code)
		cli_note_problems(cli);
	if (!code)
		code = dump_init(&dump, cli);
	if (!code)
		code = dump_look(&dump, cli);
	if (!code && cli->info.paused_ns > LONG_PAUSE_NS && !cli->opt.pause_min)
		cli_note("note: --pause min makes such a stop much shorter");
	double begin = dump_clock();
	if (!code && hs_capture_write(cli->target, cli->opt.output, &dump.opt,
				      &result, &err))
		code = cli_fail_error(cli, &err);
	if (!code)
		dump_report(&dump, cli, cli->opt.output, &result,
			    dump_clock() - begin);
	dump_release(&dump);
	return code;
}
