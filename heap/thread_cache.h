/* SPDX-License-Identifier: MIT */
#ifndef HEAP_THREAD_CACHE_H
#define HEAP_THREAD_CACHE_H

#include "heap/scan.h"

/* List the target's threads, and which of them are inside malloc: that may
 * explain disorder in all that follows. Needs libc found. */
HS_MUST_CHECK enum hs_status hs_threads_list(struct hs_scan *scan,
					     struct hs_error *err);

/*
 * Step 5: which arena and which tcache does each thread use? Their
 * thread-local variables by symbol, else by value: every thread keeps them at
 * the same distance from its thread pointer, and their values are known when
 * seen. Needs threads, arenas and regions.
 */
HS_MUST_CHECK enum hs_status hs_thread_caches_find(struct hs_scan *scan,
						   struct hs_error *err);

#endif
