/* SPDX-License-Identifier: MIT */
#ifndef HEAP_MALLOC_CHECK_H
#define HEAP_MALLOC_CHECK_H

#include "heap/scan.h"

/*
 * MALLOC_CHECK_ (glibc.malloc.check) puts a byte of its own behind what was
 * asked for, so that a block's usable size is the request. Nothing says that it
 * is on; the byte itself does. Fills hs_heap.slack. Call after the walk, before
 * anything is summed up.
 */
HS_MUST_CHECK enum hs_status hs_malloc_check_find(struct hs_scan *scan,
						  struct hs_error *err);

#endif
