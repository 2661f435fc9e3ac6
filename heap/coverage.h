/* SPDX-License-Identifier: MIT */
#ifndef HEAP_COVERAGE_H
#define HEAP_COVERAGE_H

#include "heap/scan.h"

/*
 * How much of what the answer rests on was captured: the arenas' memory, the
 * threads' stacks, libc's own data. Needs regions and threads; fills
 * heap->coverage.
 */
HS_MUST_CHECK enum hs_status hs_coverage_measure(struct hs_scan *scan,
						 struct hs_error *err);

/*
 * Does THREAD's control block read as zeroes? None ever does: its first word
 * points to itself (x86) or to its DTV. gdb's gcore writes a whole mapping as
 * zeroes when one page of it cannot be read, and a stack with its guard pages
 * may be one mapping; then all the thread's variables are gone.
 */
bool hs_thread_zeroed(struct hs_scan *scan,
		      const struct hs_thread_heap *thread);

#endif
