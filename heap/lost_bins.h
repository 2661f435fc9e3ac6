/* SPDX-License-Identifier: MIT */
#ifndef HEAP_LOST_BINS_H
#define HEAP_LOST_BINS_H

#include "heap/scan.h"

/*
 * The bins of a main arena that was not captured, from the free chunks' side.
 * The first and the last chunk of a list hold the address of its head; a
 * chunk's size allows one bin, or the unsorted one; so where the bins began is
 * what most ends agree on. If they do not agree, nothing is claimed: such
 * chunks are free on an unknown list. Both need the regions.
 */

/* Where the arena was, if nothing else told: heap.main_arena. */
HS_MUST_CHECK enum hs_status hs_lost_bins_place(struct hs_scan *scan,
						struct hs_error *err);

/* The lists themselves. */
HS_MUST_CHECK enum hs_status hs_lost_bins_walk(struct hs_scan *scan,
					       struct hs_error *err);

#endif
