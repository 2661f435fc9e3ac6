/* SPDX-License-Identifier: MIT */
#ifndef CLI_SURPLUS_H
#define CLI_SURPLUS_H

#include "cli/cli.h"

/*
 * Objects that were retained more often than anything refers to them: somebody
 * forgot to release them, so they stay when their owners go. Only of blocks
 * that are still reached; of the others their leak says it.
 */
struct surplus {
	size_t chunk;
	uint64_t retains, references; /* as counted; as seen */
};
struct surplus_list {
	struct surplus *surplus; /* the largest difference first */
	size_t count;
	/* Not high: a reference may be written in a way that nobody knows. */
	enum hs_confidence confidence;
};

/* Empty where types were not asked for. Not EXIT_ANSWERED: it was reported.
 * Release with surplus_release(). */
int surplus_find(struct cli *cli, struct hs_graph *graph,
		 struct surplus_list *ret);
void surplus_release(struct surplus_list *list);

/* Of one block, reached or not; false: its object is not counted. Not
 * EXIT_ANSWERED in *CODE: it was reported. */
bool surplus_of(struct cli *cli, struct hs_graph *graph, size_t chunk,
		struct surplus *ret, int *code);

#endif
