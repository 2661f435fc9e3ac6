/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "cli/cli.h"

/* TEXT inside single quotes of a shell; STOP characters get a backslash. */
static void quoted(struct out *out, const char *text, const char *stop,
		   const char *quote)
{
	for (; *text; text++) {
		if (*text == '\'')
			out_str(out, quote);
		else if (strchr(stop, *text))
			out_printf(out, "\\%c", *text);
		else
			out_bytes(out, text, 1);
	}
}

static void command_names(struct out *out, const char *between)
{
	for (const struct command *c = commands; c->name; c++)
		out_printf(out, "%s%s", c == commands ? "" : between, c->name);
}

static bool wants_dir(const struct option_spec *s)
{
	return s->arg && strcmp(s->arg, "DIR") == 0;
}

static bool wants_file(const struct option_spec *s)
{
	return s->arg && strcmp(s->arg, "FILE") == 0;
}

static void bash_values(struct out *out)
{
	for (const struct option_spec *s = option_specs; s->name; s++) {
		if (!s->arg)
			continue;
		out_printf(out, "\t--%s", s->name);
		if (s->letter)
			out_printf(out, "|-%c", s->letter);
		if (s->values)
			out_printf(out,
				   ")\n\t\tCOMPREPLY=($(compgen -W '%s' -- "
				   "\"$cur\"))\n\t\treturn ;;\n",
				   s->values);
		else if (s->id == OPT_PID)
			out_str(out, ")\n\t\tCOMPREPLY=($(compgen -W \"$(cd "
				     "/proc && echo [0-9]*)\" -- \"$cur\"))\n"
				     "\t\treturn ;;\n");
		else if (wants_dir(s) || wants_file(s))
			out_printf(out,
				   ")\n\t\tCOMPREPLY=($(compgen -%c -- "
				   "\"$cur\"))\n\t\treturn ;;\n",
				   wants_dir(s) ? 'd' : 'f');
		else
			out_str(out, ")\n\t\treturn ;;\n");
	}
}

static void bash_options(struct out *out)
{
	for (const struct command *c = commands; c->name; c++) {
		out_printf(out, "\t\t%s) words='", c->name);
		const char *between = "";
		for (const struct option_spec *s = option_specs; s->name; s++) {
			if (!(s->group & c->groups))
				continue;
			out_printf(out, "%s--%s", between, s->name);
			between = " ";
		}
		out_str(out, "' ;;\n");
	}
}

static void bash(struct out *out)
{
	out_str(out, "# bash completion for heapscan\n"
		     "_heapscan()\n{\n"
		     "\tlocal cur=${COMP_WORDS[COMP_CWORD]}\n"
		     "\tlocal prev=${COMP_WORDS[COMP_CWORD-1]}\n"
		     "\tlocal command= word words i\n"
		     "\tCOMPREPLY=()\n"
		     "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
		     "\t\tword=${COMP_WORDS[i]}\n"
		     "\t\tcase $word in\n\t\t");
	command_names(out, "|");
	out_str(out, ")\n\t\t\tcommand=$word\n\t\t\tbreak ;;\n\t\tesac\n"
		     "\tdone\n"
		     "\tcase $prev in\n");
	bash_values(out);
	out_str(out, "\tcompletion)\n"
		     "\t\tCOMPREPLY=($(compgen -W 'bash zsh fish' -- "
		     "\"$cur\"))\n\t\treturn ;;\n"
		     "\thelp)\n\t\tCOMPREPLY=($(compgen -W '");
	command_names(out, " ");
	out_str(out, "' -- \"$cur\"))\n\t\treturn ;;\n"
		     "\tesac\n"
		     "\tif [[ $cur == -* ]]; then\n"
		     "\t\tcase ${command:-");
	out_str(out, commands[0].name);
	out_str(out, "} in\n");
	bash_options(out);
	out_str(out, "\t\tesac\n"
		     "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
		     "\t\treturn\n"
		     "\tfi\n"
		     "\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n"
		     "\tif [[ -z $command ]]; then\n"
		     "\t\tCOMPREPLY+=($(compgen -W '");
	command_names(out, " ");
	out_str(out, "' -- \"$cur\"))\n\tfi\n}\n"
		     "complete -o filenames -F _heapscan heapscan\n");
}

static void zsh_option(struct out *out, const struct option_spec *s)
{
	out_printf(out, "\t\t\t'--%s%s[", s->name, s->arg ? "=" : "");
	quoted(out, s->summary, "[]:\\", "'\\''");
	out_str(out, "]");
	if (s->arg) {
		out_printf(out, ":%s:", s->arg);
		if (s->values)
			out_printf(out, "(%s)", s->values);
		else if (s->id == OPT_PID)
			out_str(out, "_pids");
		else if (wants_dir(s))
			out_str(out, "_files -/");
		else if (wants_file(s))
			out_str(out, "_files");
	}
	out_str(out, "'\n");
}

static void zsh(struct out *out)
{
	out_str(out, "#compdef heapscan\n"
		     "_heapscan()\n{\n"
		     "\tlocal -a heapscan_commands options\n"
		     "\tlocal word command=\n"
		     "\theapscan_commands=(\n");
	for (const struct command *c = commands; c->name; c++) {
		out_printf(out, "\t\t'%s:", c->name);
		quoted(out, c->summary, ":\\", "'\\''");
		out_str(out, "'\n");
	}
	out_str(out, "\t)\n"
		     "\tfor word in ${words[2,CURRENT-1]}; do\n"
		     "\t\tcase $word in\n\t\t(");
	command_names(out, "|");
	out_str(out, ")\n\t\t\tcommand=$word\n\t\t\tbreak ;;\n"
		     "\t\tesac\n"
		     "\tdone\n");
	out_str(out, "\tcase ${command:-");
	out_str(out, commands[0].name);
	out_str(out, "} in\n");
	for (const struct command *c = commands; c->name; c++) {
		out_printf(out, "\t(%s)\n\t\toptions=(\n", c->name);
		for (const struct option_spec *s = option_specs; s->name; s++)
			if (s->group & c->groups)
				zsh_option(out, s);
		out_str(out, "\t\t) ;;\n");
	}
	out_str(out, "\tesac\n"
		     "\tif [[ $command == completion ]]; then\n"
		     "\t\toptions+=('*:shell:(bash zsh fish)')\n"
		     "\telif [[ $command == help ]]; then\n"
		     "\t\toptions+=('*:command:(");
	command_names(out, " ");
	out_str(out, ")')\n"
		     "\telse\n"
		     "\t\toptions+=('*:target:_files')\n"
		     "\tfi\n"
		     "\tif [[ -z $command && $PREFIX != -* ]]; then\n"
		     "\t\t_describe -t commands command heapscan_commands\n"
		     "\tfi\n"
		     "\t_arguments $options\n"
		     "}\n"
		     "if [[ $funcstack[1] == _heapscan ]]; then\n"
		     "\t_heapscan \"$@\"\n"
		     "else\n"
		     "\tcompdef _heapscan heapscan\n"
		     "fi\n");
}

static void fish_option(struct out *out, const struct option_spec *s)
{
	/* Options of the default command go with a line that names none. */
	out_str(out, "complete -c heapscan");
	if (s->group != GROUP_COMMON) {
		bool summary = (commands[0].groups & s->group) != 0;
		out_printf(out, " -n '%s__fish_seen_subcommand_from",
			   summary ? "__fish_use_subcommand; or " : "");
		for (const struct command *c = commands; c->name; c++)
			if (c->groups & s->group)
				out_printf(out, " %s", c->name);
		out_str(out, "'");
	}
	out_printf(out, " -l %s", s->name);
	if (s->letter)
		out_printf(out, " -s %c", s->letter);
	if (s->values)
		out_printf(out, " -x -a '%s'", s->values);
	else if (s->id == OPT_PID)
		out_str(out, " -x -a '(__fish_complete_pids)'");
	else if (wants_dir(s))
		out_str(out, " -x -a '(__fish_complete_directories)'");
	else if (s->arg)
		out_str(out, wants_file(s) ? " -r" : " -x");
	out_str(out, " -d '");
	quoted(out, s->summary, "\\", "\\'");
	out_str(out, "'\n");
}

static void fish(struct out *out)
{
	out_str(out, "# fish completion for heapscan\n");
	for (const struct command *c = commands; c->name; c++) {
		out_printf(out,
			   "complete -c heapscan -n __fish_use_subcommand "
			   "-a %s -d '",
			   c->name);
		quoted(out, c->summary, "\\", "\\'");
		out_str(out, "'\n");
	}
	out_str(out, "complete -c heapscan -f -n "
		     "'__fish_seen_subcommand_from completion' "
		     "-a 'bash zsh fish'\n"
		     "complete -c heapscan -f -n "
		     "'__fish_seen_subcommand_from help' -a '");
	command_names(out, " ");
	out_str(out, "'\n");
	for (const struct option_spec *s = option_specs; s->name; s++)
		fish_option(out, s);
}

int cmd_completion(struct cli *cli)
{
	static const struct {
		const char *name;
		void (*print)(struct out *out);
	} shells[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };
	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++) {
		if (strcmp(cli->opt.args[0], shells[i].name) == 0) {
			shells[i].print(&cli->out);
			return EXIT_ANSWERED;
		}
	}
	return cli_usage(cli,
			 "no completion for '%s'; there is bash, zsh, fish",
			 cli->opt.args[0]);
}
