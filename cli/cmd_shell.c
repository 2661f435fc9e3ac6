/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/fault.h"
#include "cli/line.h"
#include "cli/out_text.h"
#include "cli/progress.h"

/*
 * Many questions about one target: it is opened, its heap scanned, its blocks
 * named and its references followed once, when first asked for. A live process
 * is seen as it was at the start.
 */
#define MAX_WORDS 1024

/* ---- what the tab key offers ---- */

static char *copy_if_begins(const char *name, const char *word)
{
	return strncmp(name, word, strlen(word)) == 0 ? strdup(name) : NULL;
}

static bool is_offered(const struct command *c)
{
	return (c->needs != NEEDS_NOTHING && c->run != cmd_shell &&
		!(c->groups & GROUP_DUMP)) ||
	       c->run == cmd_help;
}

static char *offer_command(const char *word, int *next)
{
	while (commands[*next].name) {
		const struct command *c = &commands[(*next)++];
		char *name =
			is_offered(c) ? copy_if_begins(c->name, word) : NULL;
		if (name)
			return name;
	}
	return NULL;
}

static char *offer_option(const struct command *c, const char *word, int *next)
{
	char form[64];
	while (option_specs[*next].name) {
		const struct option_spec *s = &option_specs[(*next)++];
		if (!(s->group & c->groups) || s->group & GROUP_TARGET)
			continue;
		(void)snprintf(form, sizeof(form), "--%s", s->name);
		char *name = copy_if_begins(form, word);
		if (name)
			return name;
	}
	return NULL;
}

static char *offer(const char *line, const char *word, int state)
{
	static int next;
	if (!state)
		next = 0;
	line += strspn(line, " ");
	size_t len = strcspn(line, " ");
	char name[32];
	if (!line[len] || strncmp(line, "help ", 5) == 0)
		return offer_command(word, &next);
	if (len >= sizeof(name))
		return NULL;
	memcpy(name, line, len);
	name[len] = 0;
	const struct command *c = command_find(name);
	return c && *word == '-' ? offer_option(c, word, &next) : NULL;
}

/* ---- a line ---- */

static int run_line(struct cli *cli)
{
	const struct command *c = cli->opt.command;
	cli->command = c;
	cli->tty = cli->out.fd == STDOUT_FILENO && isatty(STDOUT_FILENO);
	cli->colour = cli_wants_colour(cli);
	fault_catch(&cli->out, cli->opt.json);
	if (cli->opt.help)
		return cmd_help(cli);
	if (!is_offered(c))
		return cli_usage(cli,
				 "'%s' does not work on an open target: "
				 "leave the shell first",
				 c->name);
	int code = cli_prepare(cli);
	return code ? code : c->run(cli);
}

/* The words of a line as one answer; OPT are the shell's own options. */
static int answer(struct cli *cli, const struct options *opt, int argc,
		  char **argv)
{
	int code;
	if (options_parse_line(&cli->opt, opt, argc, argv))
		code = run_line(cli);
	else
		code = cli_fail(cli, cli->opt.exit, "usage", "%s",
				cli->opt.problem);
	progress_clear();
	out_flush(&cli->out);
	options_release(&cli->opt);
	return code;
}

/* The same, through the pipe to a command of /bin/sh. */
static int answer_into(struct cli *cli, const struct options *opt, int argc,
		       char **argv, const char *tail)
{
	char command[4096];
	int len = snprintf(command, sizeof(command), "%s%s",
			   *tail == '>' ? "cat " : "", tail);
	if (len < 0 || (size_t)len >= sizeof(command))
		return cli_usage(cli, "the command behind | is too long");
	/* NOLINTNEXTLINE(cert-env33-c): who typed it asks for a shell. */
	FILE *pipe = popen(command, "w");
	if (!pipe)
		return cli_fail(cli, EXIT_INPUT, "io",
				"cannot start /bin/sh: %s", strerror(errno));
	int fd = cli->out.fd;
	cli->out.fd = fileno(pipe);
	int code = answer(cli, opt, argc, argv);
	cli->out.fd = fd;
	(void)pclose(pipe);
	return code;
}

static int take_line(struct cli *cli, const struct options *opt,
		     const char *line, bool *quit)
{
	char *words[MAX_WORDS];
	char *buf = malloc(strlen(line) + 2);
	const char *tail;
	if (!buf)
		return cli_fail(cli, EXIT_INPUT, "nomem", "no memory");
	int code = EXIT_ANSWERED;
	int count = line_split(line, buf, words, MAX_WORDS, &tail);
	if (count < 0)
		code = cli_usage(cli, "a quote is not closed, or there are "
				      "too many words");
	else if (count == 1 && (strcmp(words[0], "quit") == 0 ||
				strcmp(words[0], "exit") == 0))
		*quit = true;
	else if (count && tail)
		code = answer_into(cli, opt, count, words, tail);
	else if (count)
		code = answer(cli, opt, count, words);
	free(buf);
	return code;
}

/* ---- */

static void on_interrupt(int number)
{
	(void)number;
	progress_stop = 1;
}

static void greet(const struct cli *cli)
{
	char name[TEXT_LEN];
	const struct hs_target_info *info = &cli->info;
	if (!isatty(STDIN_FILENO))
		return;
	text_escape(name, sizeof(name), info->path ? info->path : "");
	cli_note("%s%s is open%s; `help` lists the commands, `quit` ends",
		 *name ? name : "process ", *name ? "" : cli->opt.pid,
		 info->kind == HS_TARGET_LIVE ? " as it was just now" : "");
}

int cmd_shell(struct cli *cli)
{
	const struct options opt = cli->opt;
	struct sigaction stop = { .sa_handler = on_interrupt };
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	int code = EXIT_ANSWERED;
	bool quit = false;
	cli->shell = true;
	cli->out.stop = &progress_stop;
	/* A reader that has seen enough ends an answer, not the shell. */
	(void)sigaction(SIGPIPE, &ignore, NULL);
	line_init(offer);
	greet(cli);
	while (!quit) {
		progress_stop = 0;
		(void)sigaction(SIGINT, &stop, NULL); /* some commands do */
		char *line = line_read("heapscan> ");
		if (!line && progress_stop) {
			(void)fputc('\n', stderr); /* a line given up */
			continue;
		}
		if (!line)
			break;
		progress_begin();
		code = take_line(cli, &opt, line, &quit);
		free(line);
		if (cli->out.error && cli->out.error != EPIPE &&
		    cli->out.error != EINTR)
			break; /* main() says what is wrong with it */
		cli->out.error = 0;
		cli->out.flushed = 0;
	}
	cli->opt = opt;
	cli->command = opt.command;
	return code;
}
