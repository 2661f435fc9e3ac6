/* SPDX-License-Identifier: MIT */
#ifndef HEAP_THREAD_CACHE_H
#define HEAP_THREAD_CACHE_H

#include "heap/scan.h"

/*
 * Step 5: which arena and which tcache does each thread use? Their
 * thread-local variables by symbol, else by value: every thread keeps them at
 * the same distance from its thread pointer, and their values are known when
 * seen. Needs arenas and regions.
 */
HS_MUST_CHECK enum hs_status hs_thread_caches_find(struct hs_scan *scan,
						   struct hs_error *err);

#endif
