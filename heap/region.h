/* SPDX-License-Identifier: MIT */
#ifndef HEAP_REGION_H
#define HEAP_REGION_H

#include "heap/scan.h"

/*
 * Find the memory of every arena: the heaps of thread arenas along their
 * heap_info chain, the main arena's brk area, and the pieces it was given by
 * mmap when brk was blocked. Fills the heap's regions, in address order.
 */
HS_MUST_CHECK enum hs_status hs_regions_find(struct hs_scan *scan,
					     struct hs_error *err);

/* The region that holds ADDR, or NULL. */
const struct hs_region *hs_region_at(const struct hs_heap *heap, hs_addr addr);

HS_MUST_CHECK enum hs_status hs_region_add(struct hs_heap *heap, hs_addr start,
					   hs_addr end, hs_addr first,
					   uint32_t arena,
					   struct hs_error *err);
void hs_regions_sort(struct hs_heap *heap);

#endif
