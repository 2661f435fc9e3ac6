/* SPDX-License-Identifier: MIT */
#ifndef HEAP_ARENA_H
#define HEAP_ARENA_H

#include "heap/scan.h"

/* Read main_arena and, along the ring, every other arena into the heap. A
 * broken ring is a finding; arenas behind the break are then looked for at
 * the places where glibc puts heaps. */
HS_MUST_CHECK enum hs_status hs_arenas_read(struct hs_scan *scan,
					    struct hs_error *err);

/* Index of the arena at ADDR, or HS_NO_ARENA. */
uint32_t hs_arena_at(const struct hs_scan *scan, hs_addr addr);

/* How large and how aligned a thread arena's heaps are: bytes. */
uint64_t hs_heap_max_size(const struct hs_scan *scan);

/* A thread in the middle of a call explains a little disorder in ARENA: false
 * when there was none, or too much. */
bool hs_arena_in_motion(struct hs_scan *scan, uint32_t arena);

#endif
