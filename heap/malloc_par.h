/* SPDX-License-Identifier: MIT */
#ifndef HEAP_MALLOC_PAR_H
#define HEAP_MALLOC_PAR_H

#include "heap/scan.h"

/*
 * Find mp_, glibc's parameters and counters: by symbol and DWARF, else by what
 * stands in libc's data around main_arena. Fills the scan's copies of what it
 * says; without mp_ they are HS_UNKNOWN and a warning is recorded. Needs
 * main_arena.
 */
HS_MUST_CHECK enum hs_status hs_malloc_par_find(struct hs_scan *scan,
						struct hs_error *err);

/* How well mp_ of a release that LAYOUT allows fits beside its ARENA; 0: there
 * is none. */
unsigned hs_malloc_par_points(struct hs_scan *scan,
			      const struct hs_layout *layout, hs_addr arena);

#endif
