/* SPDX-License-Identifier: MIT */
#ifndef CLI_LEAK_CYCLES_H
#define CLI_LEAK_CYCLES_H

#include "cli/out_evidence.h"

/*
 * Cycles of leaked blocks in words, by the fields that make them: one line for
 * the sample of a group, and one for each of its other leaks whose blocks have
 * the same names and are held by other fields.
 */
struct leak_cycles;

/* For the first GROUPS groups of LEAKS, which outlives it. NULL: no memory. */
struct leak_cycles *leak_cycles_new(struct hs_leaks *leaks, size_t groups);
void leak_cycles_free(struct leak_cycles *cycles);

/* Those of group I; nothing where it is no cycle. */
void leak_cycles_print(struct cli *cli, const struct leak_cycles *cycles,
		       size_t i);

/* One line of it: CYCLE, which begins and ends at chunk SAMPLE. */
void leak_cycle_print(struct cli *cli, const struct hs_cycle *cycle,
		      size_t sample);

#endif
