/* SPDX-License-Identifier: MIT */
#include "cli/option_values.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/exit_status.h"
#include "cli/near.h"
#include "cli/out_text.h"

#define DEFAULT_DEPTH 2
#define DEFAULT_PATHS 1
#define DEFAULT_EVERY_NS 10000000000u
bool option_fail(struct options *opt, int status, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	(void)vsnprintf(opt->problem, sizeof(opt->problem), fmt, ap);
	va_end(ap);
	opt->exit = status;
	return false;
}

static const struct option_spec *find_spec(const char *name, size_t len,
					   char letter)
{
	for (const struct option_spec *s = option_specs; s->name; s++)
		if (letter ? s->letter == letter
			   : strlen(s->name) == len &&
				     memcmp(s->name, name, len) == 0)
			return s;
	return NULL;
}

static bool unknown_option(struct options *opt, const char *word)
{
	char shown[128];
	text_escape(shown, sizeof(shown), word);
	for (const struct option_spec *s = option_specs; s->name; s++)
		if (word[1] == '-' && is_near(s->name, word + 2))
			return option_fail(
				opt, EXIT_USAGE,
				"no such option '%s'; did you mean '--%s'?",
				shown, s->name);
	return option_fail(opt, EXIT_USAGE,
			   "no such option '%s'; `heapscan help` lists them",
			   shown);
}

_Static_assert(OPT_VERSION < 64, "SEEN has a bit for each option");

/* Take the option ARGV[*I] and its value; SEEN collects what was given. */
static bool parse_option(struct options *opt, int argc, char **argv, int *i,
			 uint64_t *seen)
{
	const char *word = argv[*i];
	const struct option_spec *spec;
	const char *value = NULL;
	if (word[1] == '-') {
		size_t len = strcspn(word + 2, "=");
		spec = find_spec(word + 2, len, 0);
		if (word[2 + len])
			value = word + 2 + len + 1;
	} else {
		spec = find_spec(NULL, 0, word[1]);
		if (spec && word[2])
			value = word + 2;
	}
	if (!spec || (word[1] != '-' && value && !spec->arg))
		return unknown_option(opt, word);
	if (value && !spec->arg)
		return option_fail(opt, EXIT_USAGE, "--%s takes no value",
				   spec->name);
	if (spec->arg && !value) {
		if (*i + 1 >= argc)
			return option_fail(opt, EXIT_USAGE,
					   "--%s needs a value: %s", spec->name,
					   spec->arg);
		value = argv[++*i];
	}
	*seen |= UINT64_C(1) << spec->id;
	return option_take(opt, spec, value);
}

static bool no_such_command(struct options *opt, const char *word)
{
	char shown[256];
	const struct command *near = command_near(word);
	text_escape(shown, sizeof(shown), word);
	if (near)
		return option_fail(opt, EXIT_USAGE,
				   "no such command '%s'; did you mean '%s'?",
				   shown, near->name);
	return option_fail(opt, EXIT_USAGE,
			   "no such command '%s'; `heapscan help` lists them",
			   shown);
}

static bool command_first(struct options *opt, const char *command)
{
	return option_fail(opt, EXIT_USAGE,
			   "a command comes before the target: heapscan %s ...",
			   command);
}

/* The first word is a command, else the target of the default command. */
static bool choose_command(struct options *opt)
{
	opt->command = &commands[0];
	if (opt->arg_count == 0)
		return true;
	const char *word = opt->args[0];
	const struct command *named = command_find(word);
	if (named) {
		opt->command = named;
		opt->named = true;
		memmove(opt->args, opt->args + 1,
			(size_t)--opt->arg_count * sizeof(*opt->args));
		return true;
	}
	if (access(word, F_OK) == 0 ||
	    strspn(word, "0123456789") == strlen(word))
		return true;
	char shown[256];
	text_escape(shown, sizeof(shown), word);
	const struct command *near = command_near(word);
	if (near)
		return option_fail(
			opt, EXIT_USAGE,
			"no such command or file '%s'; did you mean '%s'?",
			shown, near->name);
	if (opt->arg_count > 1 && command_find(opt->args[1]))
		return command_first(opt, opt->args[1]);
	return opt->arg_count > 1 || opt->pid ? no_such_command(opt, word)
					      : true;
}

static bool check_groups(struct options *opt, uint64_t seen)
{
	for (const struct option_spec *s = option_specs; s->name; s++)
		if (seen >> s->id & 1 && !(s->group & opt->command->groups))
			return option_fail(opt, EXIT_USAGE,
					   "--%s does not go with '%s'; see "
					   "`heapscan help %s`",
					   s->name, opt->command->name,
					   opt->command->name);
	/* One option, but each command has formats of its own. */
	if (opt->format > DUMP_CORE && !(opt->command->groups & GROUP_EXPORT))
		return option_fail(
			opt, EXIT_USAGE,
			"--format takes slice or core here; `heapscan "
			"export` writes the others");
	return true;
}

static bool take_arguments(struct options *opt)
{
	const struct command *c = opt->command;
	if (opt->at_exit) {
		if (opt->pid)
			return option_fail(
				opt, EXIT_USAGE,
				"--at-exit takes a program, not a target");
		if (!opt->arg_count)
			return option_fail(
				opt, EXIT_USAGE,
				"--at-exit needs a program: heapscan %s "
				"--at-exit -- PROGRAM ARGS",
				c->name);
		opt->args[opt->arg_count] = NULL; /* as execvp() wants it */
		return true;
	}
	if (c->needs != NEEDS_NOTHING && !opt->pid && !opt->target) {
		if (opt->arg_count == 0 && c->groups & GROUP_CAPTURE)
			return option_fail(opt, EXIT_USAGE,
					   "no process: name it with --pid N");
		if (opt->arg_count == 0)
			return option_fail(
				opt, EXIT_USAGE,
				c->needs == NEEDS_FILE
					? "no file: name a Memory Slice"
					: "no target: name a core file or "
					  "--pid N");
		opt->target = opt->args[0];
		memmove(opt->args, opt->args + 1,
			(size_t)--opt->arg_count * sizeof(*opt->args));
	}
	if (opt->arg_count < c->min_args)
		return option_fail(opt, EXIT_USAGE, "usage: heapscan %s %s",
				   c->name, c->args);
	if (c->max_args >= 0 && opt->arg_count > c->max_args) {
		char shown[128];
		text_escape(shown, sizeof(shown), opt->args[c->max_args]);
		if (!opt->named && command_find(opt->args[c->max_args]))
			return command_first(opt, shown);
		return option_fail(opt, EXIT_USAGE,
				   "'%s' is one argument too many; see "
				   "`heapscan help %s`",
				   shown, c->name);
	}
	return true;
}

/* An error about the first option must be JSON if the last one says so. */
static bool wants_json(int argc, char **argv)
{
	for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--json") == 0 ||
		    strcmp(argv[i], "-j") == 0)
			return true;
	return false;
}

static void defaults(struct options *opt)
{
	*opt = (struct options){
		.command = &commands[0],
		.tid = -1,
		.max_size = UINT64_MAX,
		.codec = HS_CAPTURE_SAME_CODEC,
		.hash = HS_CAPTURE_SAME_HASH,
		.around = HS_NO_ADDR,
		.depth = DEFAULT_DEPTH,
		.paths = DEFAULT_PATHS,
		.every_ns = DEFAULT_EVERY_NS,
		.fail_blocks = UINT64_MAX,
		.fail_bytes = UINT64_MAX,
	};
}

/* Options in SEEN, words in OPT->args. */
static bool take_words(struct options *opt, int argc, char **argv,
		       uint64_t *seen)
{
	opt->args = calloc((size_t)argc + 1, sizeof(*opt->args));
	if (!opt->args)
		return option_fail(opt, EXIT_INPUT,
				   "no memory for the arguments");

	bool only_words = false;
	for (int i = 0; i < argc; i++) {
		if (only_words || argv[i][0] != '-' || !argv[i][1])
			opt->args[opt->arg_count++] = argv[i];
		else if (strcmp(argv[i], "--") == 0)
			only_words = true;
		else if (!parse_option(opt, argc, argv, &i, seen))
			return false;
	}
	return true;
}

bool options_parse(struct options *opt, int argc, char **argv)
{
	uint64_t seen = 0;
	defaults(opt);
	opt->json = wants_json(argc - 1, argv + 1);
	if (!take_words(opt, argc - 1, argv + 1, &seen))
		return false;
	if (opt->version)
		return true;
	if (!choose_command(opt))
		return false;
	if (opt->help)
		return true;
	/* `heapscan core.77 --dot` works as it stands. */
	if (opt->dot && opt->command == &commands[0])
		opt->command = command_find("graph");
	return check_groups(opt, seen) && take_arguments(opt);
}

/* What one target is opened with holds for all that is asked about it. */
static void inherit(struct options *opt, const struct options *shell)
{
	opt->pid = shell->pid;
	opt->target = shell->target;
	opt->exe = shell->exe;
	opt->sysroot = shell->sysroot;
	opt->debug_dir = shell->debug_dir;
	opt->no_symbols = shell->no_symbols;
	opt->passphrase_file = shell->passphrase_file;
	opt->legacy = shell->legacy;
	opt->pause_min = shell->pause_min;
	opt->json = shell->json;
	opt->all = shell->all;
	opt->colour = shell->colour;
}

bool options_parse_line(struct options *opt, const struct options *shell,
			int argc, char **argv)
{
	uint64_t seen = 0;
	defaults(opt);
	inherit(opt, shell);
	opt->json |= wants_json(argc, argv);
	if (!take_words(opt, argc, argv, &seen))
		return false;
	for (const struct option_spec *s = option_specs; s->name; s++)
		if (seen >> s->id & 1 && s->group & GROUP_TARGET)
			return option_fail(opt, EXIT_USAGE,
					   "--%s goes with the shell itself: "
					   "heapscan shell --%s ... TARGET",
					   s->name, s->name);
	if (opt->at_exit || opt->version)
		return option_fail(opt, EXIT_USAGE,
				   "--%s does not work on an open target",
				   opt->at_exit ? "at-exit" : "version");
	if (!opt->arg_count)
		return option_fail(
			opt, EXIT_USAGE,
			"a line begins with a command; `help` lists them");
	opt->command = command_find(opt->args[0]);
	if (!opt->command)
		return no_such_command(opt, opt->args[0]);
	opt->named = true;
	memmove(opt->args, opt->args + 1,
		(size_t)--opt->arg_count * sizeof(*opt->args));
	return opt->help || (check_groups(opt, seen) && take_arguments(opt));
}

void options_release(struct options *opt)
{
	free(opt->args);
	opt->args = NULL;
}
