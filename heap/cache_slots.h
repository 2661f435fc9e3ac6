/* SPDX-License-Identifier: MIT */
#ifndef HEAP_CACHE_SLOTS_H
#define HEAP_CACHE_SLOTS_H

#include "heap/scan.h"

/*
 * Whose are the tcaches that were found by their shape alone? A thread keeps
 * the pointer to its cache, and beside it the pointer to its arena, in static
 * TLS, which glibc places at the upper end of the thread's stack. So the thread
 * whose stack pointer is the nearest below such a pair owns the cache; the main
 * thread, whose TLS ld.so allocates, is the one left over. This needs no thread
 * pointer, which cores of qemu's user mode do not tell.
 *
 * Sets the threads' tcache and arena, and the lists' owner. *LEFT is how many
 * caches remain without an owner.
 */
HS_MUST_CHECK enum hs_status
hs_cache_slots_find(struct hs_scan *scan, size_t *left, struct hs_error *err);

#endif
