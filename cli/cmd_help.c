/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/out_text.h"

static void print_option(struct out *out, const struct option_spec *s)
{
	char form[64], letter[8] = "";
	if (s->letter)
		(void)snprintf(letter, sizeof(letter), "-%c,", s->letter);
	(void)snprintf(form, sizeof(form), "%3s --%s%s%s", letter, s->name,
		       s->arg ? " " : "", s->arg ? s->arg : "");
	out_printf(out, "  %-22s  %s\n", form, s->summary);
}

static void print_options(struct out *out, unsigned groups)
{
	for (const struct option_spec *s = option_specs; s->name; s++)
		if (s->group & groups)
			print_option(out, s);
}

static void print_overview(struct out *out)
{
	out_str(out,
		"usage: heapscan [COMMAND] [OPTIONS] TARGET [ARGS]\n\n"
		"Shows the glibc heap of a running process, a core file or a "
		"Memory Slice: every\nchunk, its state, and how that is "
		"known. TARGET is a file, a process id or --pid N.\n\n"
		"commands\n");
	for (const struct command *c = commands; c->name; c++)
		out_printf(out, "  %-12s  %s%s\n", c->name, c->summary,
			   c == commands ? " (the default)" : "");
	out_str(out, "\noptions\n");
	print_options(out, GROUP_COMMON | GROUP_TARGET | GROUP_REPORT |
				   GROUP_SUMMARY | GROUP_DOT);
	out_str(out,
		"\n`heapscan help COMMAND` explains one with all its options.\n"
		"\nexit status\n"
		"  0  answered\n"
		"  1  answered, and check, leaks or verify found something\n"
		"  2  wrong usage\n"
		"  3  not permitted to attach or to read\n"
		"  4  not readable as what it claims to be, or no glibc heap\n"
		"  5  answered, but memory that the answer needs was "
		"missing\n");
}

static void print_command(struct out *out, const struct command *c)
{
	out_printf(out, "usage: heapscan %s %s%s\n\n", c->name,
		   c->groups & GROUP_TARGET ? "[OPTIONS] " : "", c->args);
	out_printf(out, "%s: %s\n", c->name, c->summary);
	if (*c->detail)
		out_printf(out, "\n%s", c->detail);
	out_str(out, "\noptions\n");
	print_options(out, c->groups);
}

int cmd_help(struct cli *cli)
{
	const struct command *c = NULL;
	if (cli->opt.help)
		c = cli->opt.named ? cli->opt.command : NULL;
	else if (cli->opt.arg_count) {
		c = command_find(cli->opt.args[0]);
		if (!c)
			return cli_usage(cli,
					 "no such command '%s'; `heapscan "
					 "help` lists them",
					 cli->opt.args[0]);
	}
	if (c)
		print_command(&cli->out, c);
	else
		print_overview(&cli->out);
	return EXIT_ANSWERED;
}
