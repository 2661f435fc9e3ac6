/* SPDX-License-Identifier: MIT */
#ifndef HEAP_ARENA_ROWS_H
#define HEAP_ARENA_ROWS_H

#include "heap/bin_scan.h"

/*
 * Which release's malloc_state stands around bins that were found. The bins
 * are the same in all of them, so other members must tell. BINS is where
 * malloc_state.bins begins; *LAYOUT is written when a row was found.
 */

/* `next` leads round to the arena again. */
bool hs_arena_row_by_ring(struct hs_scan *scan, hs_addr bins,
			  struct hs_layout *layout);
/* The same, where no row fits: measured, for releases yet to come. */
bool hs_arena_row_inferred(struct hs_scan *scan, hs_addr bins,
			   struct hs_layout *layout);
/* The ring is broken, but leads to or from another one of RUNS. */
bool hs_arena_row_by_others(struct hs_scan *scan,
			    const struct hs_bin_runs *runs, hs_addr bins,
			    struct hs_layout *layout);
/* `next` is worth nothing, and there is no other arena. */
bool hs_arena_row_alone(struct hs_scan *scan, hs_addr bins,
			struct hs_layout *layout);

/* Most of the bins at BINS are sound: damage does not break many. */
bool hs_is_arena(struct hs_scan *scan, hs_addr bins);
/* Bins that were never initialised. */
bool hs_is_unused_arena(struct hs_scan *scan, hs_addr bins);
/* The arena at BASE lies in a heap of its own. */
bool hs_is_thread_arena(struct hs_scan *scan, hs_addr base);
/* The sums that an arena of LAYOUT at BASE keeps are possible. */
bool hs_arena_sums_fit(struct hs_scan *scan, hs_addr base,
		       const struct hs_layout *layout);

#endif
