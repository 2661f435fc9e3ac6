/* SPDX-License-Identifier: MIT */
#ifndef CLI_SEARCH_H
#define CLI_SEARCH_H

#include "cli/cli.h"

struct search_hit {
	hs_addr addr;
	uint64_t len; /* bytes */
	size_t chunk; /* that holds it; SIZE_MAX: none */
};
struct search_view {
	struct search_hit *hit; /* ascending */
	size_t count, capacity;
	bool cut;                   /* there are more than are kept */
	uint64_t searched;          /* bytes */
	uint64_t in_use, elsewhere; /* hits in blocks in use; in no block */
	uint64_t gave_up; /* runs of text that a regex took too long for */
	/* Hits in blocks in use: who holds those; --why. */
	struct hs_graph *graph; /* of the command; NULL: not asked for */
};

/* Search as the options say. Not EXIT_ANSWERED: it was reported. */
int search_find(struct cli *cli, struct search_view *view);
void search_release(struct search_view *view);

void out_json_search(struct cli *cli, const struct search_view *view);

#endif
