/* SPDX-License-Identifier: MIT */
#ifndef CLI_ARENA_THREADS_H
#define CLI_ARENA_THREADS_H

#include "cli/cli.h"

/* Which threads allocate from which arena, found in one pass over them. */
struct arena_threads {
	size_t *start; /* arena i: tid[start[i]] to tid[start[i + 1]] */
	int64_t *tid;
};

/* False: no memory. */
bool arena_threads_init(struct arena_threads *at, const struct hs_heap *heap);
void arena_threads_release(struct arena_threads *at);

#endif
