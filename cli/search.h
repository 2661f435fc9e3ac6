/* SPDX-License-Identifier: MIT */
#ifndef CLI_SEARCH_H
#define CLI_SEARCH_H

#include "cli/cli.h"

struct search_hit {
	hs_addr addr;
	uint64_t len; /* bytes */
};
struct search_view {
	struct search_hit *hit; /* ascending */
	size_t count, capacity;
	bool cut;          /* there are more than are kept */
	uint64_t searched; /* bytes */
};

void out_json_search(struct cli *cli, const struct search_view *view);

#endif
