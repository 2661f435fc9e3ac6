/* SPDX-License-Identifier: MIT */
#ifndef HEAP_INTERRUPTED_H
#define HEAP_INTERRUPTED_H

#include "heap/scan.h"

/* Is PC code of the allocator, by the symbol that covers it? */
bool hs_pc_in_malloc(struct hs_scan *scan, hs_addr pc);

/*
 * Threads inside malloc, those too whose pc is elsewhere: in a signal handler,
 * as crash handlers stop all the others, or in a function of libc that malloc
 * called or that a stripped libc has no name for. Both look for such threads
 * when they are called first, which walks stacks: ask where something is odd,
 * and not before.
 */
/* Anybody. */
bool hs_any_in_malloc(struct hs_scan *scan);
/* Anybody who has the cache of THREAD. */
bool hs_cache_busy(struct hs_scan *scan, size_t thread);

#endif
