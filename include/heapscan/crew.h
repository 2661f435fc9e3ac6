/* SPDX-License-Identifier: MIT */
#ifndef HEAPSCAN_CREW_H
#define HEAPSCAN_CREW_H

#include <stddef.h>

#include <heapscan/error.h>
#include <heapscan/target.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Work in pieces that share nothing, on all processors: how the library goes
 * through a heap, for those who go through memory themselves. A target may be
 * viewed and read, and a heap be asked, by several threads at once.
 */

/* One piece of work; any piece may run in any thread. WORKER tells whose hands
 * these are: below hs_crew_count(), 0 is the caller's thread. */
typedef enum hs_status (*hs_work_fn)(void *arg, unsigned worker, size_t piece,
				     struct hs_error *err);

/*
 * Call FN for pieces 0 to COUNT - 1, begun in this order, on at most JOBS
 * threads, the caller's among them; 0: as many as the machine lets us use. The
 * first failure ends the work. PROGRESS, which may be NULL, is called in the
 * caller's thread only; WHAT says for it what is done ("following
 * references"). Where a thread cannot be had, the others do its share.
 */
HS_API enum hs_status hs_crew_run(unsigned jobs, size_t count, hs_work_fn fn,
				  void *arg, const char *what,
				  hs_progress_fn progress, void *progress_arg,
				  struct hs_error *err);

/* How many threads that would be. */
HS_API unsigned hs_crew_count(unsigned jobs, size_t count);

#ifdef __cplusplus
}
#endif
#endif
