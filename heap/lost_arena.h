/* SPDX-License-Identifier: MIT */
#ifndef HEAP_LOST_ARENA_H
#define HEAP_LOST_ARENA_H

#include "heap/bin_scan.h"

/*
 * When the main arena itself was not captured (libc's data was filtered out, or
 * the dump ends before it), most of its heap can be told all the same: chunks
 * lead to one another, free ones are marked by their neighbours and linked to
 * heads whose addresses give the bins away. What is lost for good: the
 * fastbins, which nothing but the arena leads to, and all sums.
 */

/*
 * Take what the target says about libc, the other arenas among RUNS and the
 * memory in which chunks follow one another for a heap. *FOUND is false where
 * nothing speaks for one; then nothing was changed. Sets hs_scan.lost, the
 * heap's layout and main_arena (HS_NO_ADDR when nobody knows where it was), and
 * adds the regions of arena 0.
 */
HS_MUST_CHECK enum hs_status hs_lost_arena_find(struct hs_scan *scan,
						const struct hs_bin_runs *runs,
						bool *found,
						struct hs_error *err);

#endif
