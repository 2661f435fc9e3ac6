/* SPDX-License-Identifier: MIT */
#ifndef HEAP_MMAPPED_H
#define HEAP_MMAPPED_H

#include "heap/scan.h"

/*
 * Find the chunks that have a mapping of their own and add a region for each.
 * malloc keeps no list of them, only how many there are and how much memory
 * that is: the search ends when both agree. Needs the other regions, sorted.
 */
HS_MUST_CHECK enum hs_status hs_mmapped_find(struct hs_scan *scan,
					     struct hs_error *err);

#endif
