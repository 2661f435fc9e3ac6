/* SPDX-License-Identifier: MIT */
#ifndef CLI_OUT_EVIDENCE_H
#define CLI_OUT_EVIDENCE_H

#include "cli/cli.h"

/* Sections of text that say how an answer is known and how far it reaches. */

/* What the target is, where glibc and its structures were found. */
void out_evidence(struct cli *cli);
/* The allocator's own sums beside what the walk found. */
void out_checks(struct cli *cli);
/* Problems of heap and target, worst first, at most LIMIT. */
void out_problems(struct cli *cli, size_t limit);

/* How many problems there are of each severity. */
struct problem_counts {
	size_t of[3]; /* by enum hs_severity */
};
struct problem_counts count_problems(const struct cli *cli);

/* The target as it would be written in a command. */
const char *target_word(const struct cli *cli, char *buf, size_t size);

#endif
