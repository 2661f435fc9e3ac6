/* SPDX-License-Identifier: MIT */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

struct cli;

/* What must be ready before run() is called; main() prepares it. */
enum command_needs {
	NEEDS_NOTHING,
	NEEDS_FILE,     /* the command opens opt.target itself */
	NEEDS_TARGET,   /* the target is open */
	NEEDS_ANY_HEAP, /* and its heap has been scanned, if it has one */
	NEEDS_HEAP,     /* and its heap has been scanned */
};

struct command {
	const char *name;
	const char *args;    /* as written in a usage line */
	const char *summary; /* lower case, no full stop, under 60 columns */
	const char *detail;  /* paragraphs for `help NAME`, wrapped */
	enum command_needs needs;
	int min_args, max_args; /* after the target; -1: any number */
	unsigned groups;        /* GROUP_* of options it takes */
	int (*run)(struct cli *cli);
};

/* The first is the one run when none is named; ends with name NULL. */
extern const struct command commands[];
const struct command *command_find(const char *name);
/* The command whose name is a slip of the finger away from WORD, or NULL. */
const struct command *command_near(const char *word);

int cmd_summary(struct cli *cli);
int cmd_chunks(struct cli *cli);
int cmd_arenas(struct cli *cli);
int cmd_bins(struct cli *cli);
int cmd_threads(struct cli *cli);
int cmd_maps(struct cli *cli);
int cmd_modules(struct cli *cli);
int cmd_at(struct cli *cli);
int cmd_read(struct cli *cli);
int cmd_check(struct cli *cli);
int cmd_graph(struct cli *cli);
int cmd_leaks(struct cli *cli);
int cmd_why(struct cli *cli);
int cmd_owners(struct cli *cli);
int cmd_rss(struct cli *cli);
int cmd_diff(struct cli *cli);
int cmd_search(struct cli *cli);
int cmd_info(struct cli *cli);
int cmd_verify(struct cli *cli);
int cmd_capture(struct cli *cli);
int cmd_convert(struct cli *cli);
int cmd_types(struct cli *cli);
int cmd_export(struct cli *cli);
int cmd_shell(struct cli *cli);
int cmd_completion(struct cli *cli);
int cmd_help(struct cli *cli);

#endif
