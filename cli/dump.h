/* SPDX-License-Identifier: MIT */
#ifndef CLI_DUMP_H
#define CLI_DUMP_H

#include <heapscan/capture.h>
#include <heapscan/shape.h>
#include <stdbool.h>

struct cli;

/*
 * What `capture` and `convert` have in common: the options for the file that
 * they write, and what they say about it.
 */
struct dump {
	struct hs_capture_options opt;
	const char **exclude; /* owned: into TEXT */
	char *text;           /* owned */
	struct hs_shape *shape;
	unsigned lost_said; /* what stderr had already */
};

/* From the command line. Not EXIT_ANSWERED: it was reported. Release in any
 * case. */
int dump_init(struct dump *dump, struct cli *cli);
/* The target is open: with --shape-only, look at its heap, so that only what
 * is no secret is written. */
int dump_look(struct dump *dump, struct cli *cli);
/* Forget that target. */
void dump_forget(struct dump *dump);
void dump_release(struct dump *dump);

/* Wait until DUE, on dump_clock(). False: the user wants us to stop. */
bool dump_wait(double due);

/* Report on PATH, which was written within SECONDS, on standard output; what
 * the file cannot hold goes to stderr. */
void dump_report(struct dump *dump, struct cli *cli, const char *path,
		 const struct hs_capture_result *result, double seconds);

/* The same as a document. */
void out_json_dump(struct cli *cli, const char *path,
		   const struct hs_capture_result *result);

struct series_step {
	char *path; /* owned */
	struct hs_capture_result result;
	double paused_ms;
};
/* ENDED: "complete", "interrupted", "process-gone" or "failed". */
void out_json_series(struct cli *cli, const struct series_step *step,
		     size_t count, const char *ended);

/* Many of one process, each with what changed: `capture --series`. */
int dump_series(struct dump *dump, struct cli *cli);

/* For durations. */
double dump_clock(void);

#endif
