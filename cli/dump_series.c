/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/dump.h"

/*
 * A slice every now and then. Each step is a capture like any other; what it
 * has in common with the steps before is not stored again.
 */
struct series {
	struct hs_series *pages;
	struct series_step *step; /* those that are there */
	size_t count;
	const char *ended;
};

static void series_release(struct series *s)
{
	hs_series_free(s->pages);
	for (size_t i = 0; i < s->count; i++)
		free(s->step[i].path);
	free(s->step);
}

/* "heap.msl" becomes "heap.0001.msl". NULL: no memory. Caller frees. */
static char *name_of(const char *output, unsigned number)
{
	const char *base = strrchr(output, '/');
	base = base ? base + 1 : output;
	const char *dot = strrchr(base, '.');
	int stem =
		dot && dot != base ? (int)(dot - output) : (int)strlen(output);
	char *name;
	if (asprintf(&name, "%.*s.%04u%s", stem, output, number,
		     output + stem) < 0)
		return NULL;
	return name;
}

static int no_memory(struct cli *cli)
{
	return cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
			"no memory");
}

/* Better now than in an hour. */
static int check_names(struct cli *cli)
{
	if (cli->opt.encrypt && !cli->opt.passphrase_file &&
	    !cli->opt.new_passphrase_file && !getenv("HEAPSCAN_PASSPHRASE"))
		return cli_usage(cli, "to encrypt a series give the passphrase "
				      "with --passphrase-file FILE or in "
				      "HEAPSCAN_PASSPHRASE");
	for (unsigned i = 1; !cli->opt.force && i <= cli->opt.series; i++) {
		char *name = name_of(cli->opt.output, i);
		if (!name)
			return no_memory(cli);
		bool taken = access(name, F_OK) == 0;
		int code = taken ? cli_usage(cli,
					     "'%s' exists already: choose "
					     "another name, or --force to "
					     "replace it",
					     name)
				 : EXIT_ANSWERED;
		free(name);
		if (code)
			return code;
	}
	return EXIT_ANSWERED;
}

/* What went wrong, or what was to be expected: the process ends some time, and
 * the user does not wait for ever. */
static int fails(struct cli *cli, struct series *s, const struct hs_error *err)
{
	if (err->code == HS_ERR_CANCELLED && s->count > 0) {
		s->ended = "interrupted";
		return EXIT_ANSWERED;
	}
	if (err->code == HS_ERR_NO_TARGET && s->count > 0) {
		s->ended = "process-gone";
		return EXIT_ANSWERED;
	}
	s->ended = "failed";
	/* With --json the steps are the document, not the error. */
	if (s->count == 0)
		return cli_fail_error(cli, err);
	cli_note("heapscan: %s", err->text);
	return err->code == HS_ERR_PERMISSION ? EXIT_DENIED : EXIT_INPUT;
}

static int write_step(struct dump *dump, struct cli *cli, struct series *s)
{
	struct hs_error err = { .code = HS_OK };
	struct series_step *step = &s->step[s->count];
	if (cli_try_target(cli, &err))
		return fails(cli, s, &err);
	if (s->count == 0)
		cli_note_problems(cli);
	int code = dump_look(dump, cli);
	if (code) {
		s->ended = "failed";
		return code;
	}
	step->path = name_of(cli->opt.output, (unsigned)s->count + 1);
	if (!step->path)
		return no_memory(cli);
	step->paused_ms = (double)cli->info.paused_ns / 1e6;
	double begin = dump_clock();
	if (hs_capture_write(cli->target, step->path, &dump->opt, &step->result,
			     &err)) {
		free(step->path);
		return fails(cli, s, &err);
	}
	s->count++;
	if (cli->opt.json)
		return EXIT_ANSWERED;
	dump_report(dump, cli, step->path, &step->result, dump_clock() - begin);
	out_flush(&cli->out);
	return EXIT_ANSWERED;
}

static int report(struct cli *cli, const struct series *s)
{
	const char *ended = s->ended ? s->ended : "complete";
	if (s->ended && strcmp(s->ended, "failed") != 0)
		cli_note("the series ends after %zu of %u: %s", s->count,
			 cli->opt.series,
			 strcmp(s->ended, "interrupted") == 0
				 ? "interrupted"
				 : "the process is gone");
	if (cli->opt.json)
		out_json_series(cli, s->step, s->count, ended);
	else if (s->count > 1)
		out_printf(&cli->out, "next: heapscan diff %s %s\n",
			   s->step[0].path, s->step[s->count - 1].path);
	return EXIT_ANSWERED;
}

int dump_series(struct dump *dump, struct cli *cli)
{
	struct series s = { 0 };
	struct hs_error err = { .code = HS_OK };
	int code = check_names(cli);
	if (code)
		return code;
	s.step = calloc(cli->opt.series, sizeof(*s.step));
	if (!s.step || hs_series_new(&s.pages, &err)) {
		series_release(&s);
		return no_memory(cli);
	}
	dump->opt.series = s.pages;
	double begin = dump_clock();
	double every = (double)cli->opt.every_ns / 1e9;
	while (!code && !s.ended && s.count < cli->opt.series) {
		/* Late ones are not made up for. */
		if (!dump_wait(begin + every * (double)s.count)) {
			s.ended = "interrupted";
			break;
		}
		code = write_step(dump, cli, &s);
		cli_close_target(cli);
		dump_forget(dump);
	}
	if (s.count > 0)
		(void)report(cli, &s);
	dump->opt.series = NULL;
	series_release(&s);
	return code;
}
