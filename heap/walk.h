/* SPDX-License-Identifier: MIT */
#ifndef HEAP_WALK_H
#define HEAP_WALK_H

#include "heap/scan.h"

/*
 * The linear walk: every region of every arena, chunk after chunk, beside the
 * sorted free index. Each chunk gets its one state here. Needs the regions and
 * the sorted free index; mmapped chunks (hs_mmapped_find()) have regions too,
 * with hs_region.arena HS_NO_ARENA.
 */
HS_MUST_CHECK enum hs_status hs_walk(struct hs_scan *scan,
				     struct hs_error *err);

/* Apply the claims from index FIRST on, which came after the walk. Those that
 * meet no chunk, or one on another list, are findings as in the walk. */
HS_MUST_CHECK enum hs_status
hs_walk_claim_late(struct hs_scan *scan, size_t first, struct hs_error *err);

#endif
