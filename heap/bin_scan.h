/* SPDX-License-Identifier: MIT */
#ifndef HEAP_BIN_SCAN_H
#define HEAP_BIN_SCAN_H

#include "heap/scan.h"

/*
 * Recognising a malloc_state without symbols. Its bins are 127 list heads in a
 * row, each a pair of words {fd, bk} that points to itself, or to a chunk that
 * points back. Nothing else in a process looks like that: over several dozen
 * cores runs of exactly 127 pairs were arenas, without exception.
 */

struct hs_bin_runs {
	struct hs_bin_run {
		hs_addr bins; /* where malloc_state.bins begins */
		/* All 127 pairs are sound. Else some are broken, and where
		 * these stand at an end, each possible beginning is listed. */
		bool exact;
	} * run;
	size_t count, capacity;
};

/* Add the bins of every arena that lies between START and END. */
HS_MUST_CHECK enum hs_status hs_bin_scan(struct hs_scan *scan, hs_addr start,
					 hs_addr end, struct hs_bin_runs *runs,
					 struct hs_error *err);
void hs_bin_runs_release(struct hs_bin_runs *runs);

/*
 * How many of the 127 pairs at BINS are sound list heads. Pairs that lead to
 * memory which was not captured count: nothing speaks against them. ZEROES,
 * which may be NULL, tells how many are all zero (not initialised yet).
 */
unsigned hs_bins_sound(struct hs_scan *scan, hs_addr bins, unsigned *zeroes);

#endif
