/* SPDX-License-Identifier: MIT */
#ifndef HEAP_MAIN_ARENA_H
#define HEAP_MAIN_ARENA_H

#include "heap/scan.h"

/*
 * Step 4 of a scan: find libc, how its structs are laid out, and main_arena.
 * By symbol and DWARF where there are any, else by the structure itself; what
 * was used is written into the heap. HS_ERR_NO_HEAP says what is there
 * instead.
 */
HS_MUST_CHECK enum hs_status hs_main_arena_find(struct hs_scan *scan,
						struct hs_error *err);

#endif
