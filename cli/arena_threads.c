/* SPDX-License-Identifier: MIT */
#include "cli/arena_threads.h"

#include <stdlib.h>

bool arena_threads_init(struct arena_threads *at, const struct hs_heap *heap)
{
	size_t arenas = hs_heap_arena_count(heap);
	size_t threads = hs_heap_thread_count(heap);
	at->start = calloc(arenas + 2, sizeof(*at->start));
	at->tid = calloc(threads + 1, sizeof(*at->tid));
	if (!at->start || !at->tid) {
		arena_threads_release(at);
		return false;
	}
	/* Counting sort: one slot ahead, so that filling moves it back. */
	struct hs_heap_thread_info t;
	for (size_t i = 0; i < threads; i++) {
		hs_heap_thread(heap, i, &t);
		if (t.arena < arenas)
			at->start[t.arena + 2]++;
	}
	for (size_t i = 2; i < arenas + 2; i++)
		at->start[i] += at->start[i - 1];
	for (size_t i = 0; i < threads; i++) {
		hs_heap_thread(heap, i, &t);
		if (t.arena < arenas)
			at->tid[at->start[t.arena + 1]++] = t.tid;
	}
	return true;
}

void arena_threads_release(struct arena_threads *at)
{
	free(at->start);
	free(at->tid);
	*at = (struct arena_threads){ NULL, NULL };
}
