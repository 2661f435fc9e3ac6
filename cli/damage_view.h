/* SPDX-License-Identifier: MIT */
#ifndef CLI_DAMAGE_VIEW_H
#define CLI_DAMAGE_VIEW_H

#include "cli/cli.h"

/* What `check` knows beyond the findings. */
struct damage_view {
	struct hs_damage *damage;
	bool has_verdict;
	struct hs_verdict verdict;
	struct hs_graph *graph; /* who holds what; NULL: not asked */
	bool content;           /* show the bytes themselves */
};

/* Bytes of the target that are shown at most for one diagnosis. */
#define SHOWN_BYTES 64

/* The first line: what glibc itself said. */
void out_verdict(struct cli *cli, const struct damage_view *view);
/* At most LIMIT of them, each a paragraph. */
void out_diagnoses(struct cli *cli, const struct damage_view *view,
		   size_t limit);

#endif
