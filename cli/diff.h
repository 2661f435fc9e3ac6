/* SPDX-License-Identifier: MIT */
#ifndef CLI_DIFF_H
#define CLI_DIFF_H

#include "cli/cli.h"

/* Two or more captures of one program, the first before, the last after. */
struct diff_row {
	const char *type; /* borrowed from a capture's types; NULL: none */
	uint64_t size;    /* usable bytes of each; 0 where TYPE is known */
	uint64_t *count;  /* by capture */
	uint64_t *bytes;  /* by capture */
	double slope;     /* bytes a step, least squares */
};
struct diff_view {
	struct cli **capture; /* the first is the command's own */
	size_t captures;
	struct diff_row *row; /* by growth, largest first */
	size_t row_count, row_capacity;
	uint32_t *slot; /* of unnamed sizes: row + 1 */
	size_t slot_count;
	bool same_process; /* addresses can be compared */
	/* Of before and after: count and usable bytes. */
	struct hs_total appeared, vanished, stayed;
};

void out_json_diff(struct cli *cli, const struct diff_view *view);

#endif
