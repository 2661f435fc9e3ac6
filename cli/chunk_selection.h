/* SPDX-License-Identifier: MIT */
#ifndef CLI_CHUNK_SELECTION_H
#define CLI_CHUNK_SELECTION_H

#include "cli/cli.h"

/* The chunks that the filters of `chunks` let through, in the order asked. */
struct chunk_selection {
	struct cli *cli;
	size_t arena;          /* SIZE_MAX: of any, mmapped ones too */
	size_t *order;         /* indexes, sorted; NULL: ascending addresses */
	bool *type_passes;     /* by type; NULL: all do */
	size_t count;          /* how many will be shown, --top applied */
	struct hs_total total; /* of all that pass, --top not applied */
};

/* Not EXIT_ANSWERED: it was reported. */
int chunk_selection_init(struct chunk_selection *sel, struct cli *cli);
void chunk_selection_release(struct chunk_selection *sel);
/* Call FN for each in order until it returns false. */
void chunk_selection_each(const struct chunk_selection *sel, hs_chunk_fn fn,
			  void *arg);

#endif
