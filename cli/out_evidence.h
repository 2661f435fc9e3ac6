/* SPDX-License-Identifier: MIT */
#ifndef CLI_OUT_EVIDENCE_H
#define CLI_OUT_EVIDENCE_H

#include "cli/cli.h"

/* Sections of text that say how an answer is known and how far it reaches. */

/* What the target is, where glibc and its structures were found. */
void out_evidence(struct cli *cli);
/* The allocator's own sums beside what the walk found. */
void out_checks(struct cli *cli);
/* Problems of heap and target, worst first, at most LIMIT. FOLD: one line for
 * what is the matter with many files. */
void out_problems(struct cli *cli, size_t limit, bool fold);

/* Problem I, the heap's before the target's; false: there are no more. */
bool get_problem(const struct cli *cli, size_t i, struct hs_problem_info *ret);
/* Is problem I of the target like one before it? *MORE: how many after it are,
 * which it can stand for. */
bool fold_problem(const struct cli *cli, size_t i, size_t *more);

/* How many problems there are of each severity. */
struct problem_counts {
	size_t of[3]; /* by enum hs_severity */
};
struct problem_counts count_problems(const struct cli *cli);

/* The target as it would be written in a command. */
const char *target_word(const struct cli *cli, char *buf, size_t size);
/* The same with the options that told what is known of it, for a command that
 * is to be typed next. */
void out_target(struct out *out, const struct cli *cli);

#endif
