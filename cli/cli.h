/* SPDX-License-Identifier: MIT */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <heapscan/heapscan.h>

#include <sys/types.h>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/options.h"
#include "cli/out.h"

/* One run of the command. */
struct cli {
	const struct command *command;
	struct options opt;
	struct out out;
	bool tty;    /* standard output is a terminal */
	bool colour; /* and wants colours */
	bool shell;  /* there will be more questions */
	struct hs_target *target;
	struct hs_target_info info;
	struct hs_symbols *syms; /* NULL with --no-symbols, or not asked for */
	struct hs_heap *heap;    /* NULL: not asked for, or none there */
	pid_t child;         /* the program of --at-exit, stopped; 0: none */
	char child_text[16]; /* the same as --pid would have it */
	struct hs_stacks *stacks;     /* NULL until cli_stacks() */
	struct hs_types *types;       /* NULL until cli_name_types() */
	bool without_c;               /* those of C were left out */
	struct hs_graph *graph;       /* NULL until reach_build() ... */
	struct hs_types *graph_types; /* ... and what it was told of */
	struct hs_objects *objects;   /* NULL until somebody asks who holds one:
				       * of GRAPH, and freed before it */
	struct hs_graph_knowledge knowledge; /* how: the graph borrows it */
};

/* Whether the answer is to be coloured: asked for, or a terminal that can. */
bool cli_wants_colour(const struct cli *cli);

/* Open what the command needs and is not open yet. Not EXIT_ANSWERED: it was
 * reported. */
int cli_prepare(struct cli *cli);
/* Only the target; says how long it stood. */
int cli_open_target(struct cli *cli);
/* The same, without a word on what goes wrong. */
enum hs_status cli_try_target(struct cli *cli, struct hs_error *err);
/* Close it again, with what was found out about it. */
void cli_close_target(struct cli *cli);
/* Symbols, and what is in the heap of the open target. */
int cli_scan(struct cli *cli);
/* The gravest of what is odd about the target, on stderr. */
void cli_note_problems(const struct cli *cli);
void cli_release(struct cli *cli);

/* Name the heap's blocks, once. Not EXIT_ANSWERED: it was reported. */
int cli_name_types(struct cli *cli);
/* The same without the types of C, unless these are there already: they say
 * nothing about references, and debug information takes its time. */
int cli_name_types_quickly(struct cli *cli);

/* One line on stderr, with --json the error document as well; returns CODE. */
int cli_fail(struct cli *cli, int exit_code, const char *code, const char *fmt,
	     ...) __attribute__((__format__(__printf__, 4, 5)));
int cli_fail_error(struct cli *cli, const struct hs_error *err);
int cli_usage(struct cli *cli, const char *fmt, ...)
	__attribute__((__format__(__printf__, 2, 3)));
/* A line on stderr beside the answer. */
void cli_note(const char *fmt, ...)
	__attribute__((__format__(__printf__, 1, 2)));

/* EXIT_ANSWERED, or EXIT_INCOMPLETE when memory was missing. */
int cli_answered(const struct cli *cli);
/* How many rows a table may have here. */
size_t cli_row_limit(const struct cli *cli);
/* Say that only SHOWN rows of TOTAL were printed, if so. */
void cli_announce_rest(struct cli *cli, size_t shown, size_t total);
/* Is step I of COUNT on a way, of which both ends matter, to be printed? Says
 * how many are not where the first of them would be. */
bool cli_shows_step(struct cli *cli, size_t i, size_t count);

/* Threads, as the heap knows them, else as the target does. */
size_t cli_thread_count(const struct cli *cli);
void cli_thread(const struct cli *cli, size_t i,
		struct hs_heap_thread_info *ret);
/* Address of arena I; HS_NO_ADDR for SIZE_MAX. */
hs_addr cli_arena_addr(const struct cli *cli, size_t i);

#endif
