/* SPDX-License-Identifier: MIT */
#ifndef HEAP_BINS_H
#define HEAP_BINS_H

#include "heap/scan.h"

/* Claim the chunks on ARENA's fastbins and on its unsorted, small and large
 * bins. A broken list is a finding; what can be reached from its other end is
 * claimed all the same. */
HS_MUST_CHECK enum hs_status hs_bins_walk(struct hs_scan *scan, uint32_t arena,
					  struct hs_error *err);

/* Does a chunk of SIZE bytes belong into bin INDEX (1 to 126)? Bin 1, the
 * unsorted one, takes all. */
bool hs_bin_takes(const struct hs_layout *layout, unsigned index,
		  uint64_t size);

/*
 * One bin: the list that HEAD, its pseudo-chunk, leads from FIRST to LAST, each
 * HS_NO_ADDR when not known. HEAD itself is not read.
 */
HS_MUST_CHECK enum hs_status hs_bin_walk(struct hs_scan *scan, uint32_t arena,
					 unsigned index, hs_addr head,
					 hs_addr first, hs_addr last,
					 struct hs_error *err);

#endif
