/* SPDX-License-Identifier: MIT */
#ifndef CORE_CREW_H
#define CORE_CREW_H

#include <stddef.h>

#include <heapscan/target.h>

#include "core/fail.h"

/* One piece of work; any piece may run in any thread. WORKER tells whose hands
 * these are: below hs_crew_count(), 0 is the caller's thread. */
typedef enum hs_status (*hs_work_fn)(void *arg, unsigned worker, size_t piece,
				     struct hs_error *err);

/*
 * Call FN for pieces 0 to COUNT - 1 on at most JOBS threads, the caller's
 * among them; 0: as many as the machine lets us use. The first failure ends
 * the work. PROGRESS is called in the caller's thread only. Where a thread
 * cannot be had, the others do its share.
 */
HS_MUST_CHECK enum hs_status
hs_crew_run(unsigned jobs, size_t count, hs_work_fn fn, void *arg,
	    const char *what, hs_progress_fn progress, void *progress_arg,
	    struct hs_error *err);

/* How many threads that would be. */
unsigned hs_crew_count(unsigned jobs, size_t count);

#endif
