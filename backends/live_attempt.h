/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_LIVE_ATTEMPT_H
#define BACKENDS_LIVE_ATTEMPT_H

#include "backends/file_overlay.h"
#include "backends/live_copy.h"
#include "backends/live_files.h"
#include "backends/live_fork.h"
#include "core/backend.h"

/*
 * A live process is copied while it stands, and runs again before anything is
 * looked at. All that can be done beforehand is: files are opened, memory for
 * the copy is provided. docs/live-targets.md tells the order and the costs.
 */
struct hs_live {
	struct hs_target target;
	struct hs_live_copy copy; /* spans point into these two ... */
	struct hs_live_files files;
	struct hs_file_overlay_list overlays; /* ... and into these */
};

/* What is needed while opening only. */
struct hs_live_attempt {
	struct hs_live *live;
	const struct hs_open_options *opt;
	struct hs_error *err;
	pid_t pid;
	int dir;   /* /proc/PID of a thread that is alive */
	pid_t tid; /* that thread: usually PID itself */
	uint64_t budget;
	struct hs_proc_map_list maps;
	enum hs_copy_how *how;
	enum hs_status st; /* of the thread that holds the process */
	struct hs_proc_status status;
	struct hs_live_fork fork;
	pid_t copy;        /* the forked copy, or 0 */
	int copy_dir;      /* its /proc/PID, or -1 */
	int64_t forked_ns; /* since the first thread was told to stop */
};

/* /proc/PID, or -1. */
int hs_live_folder(pid_t pid);
HS_MUST_CHECK enum hs_status hs_live_read_maps(struct hs_live_attempt *a);
HS_MUST_CHECK enum hs_status hs_live_find_arch(struct hs_live_attempt *a);
/* What is to be copied, and room for it. */
HS_MUST_CHECK enum hs_status hs_live_prepare(struct hs_live_attempt *a);
/* Parent, session, start, and now. */
void hs_live_read_stat(struct hs_live_attempt *a);
/* Names, arguments and auxiliary vector. */
void hs_live_read_identity(struct hs_live_attempt *a);
/* HS_ERR_CANCELLED: the caller wants no more. */
HS_MUST_CHECK enum hs_status hs_live_progress(const struct hs_live_attempt *a,
					      const char *what, uint64_t done,
					      uint64_t total);
/* Run HOLD_IT(A) in a thread of its own, which sets a->st: what that returns.
 */
HS_MUST_CHECK enum hs_status hs_live_in_thread(struct hs_live_attempt *a,
					       void *(*hold_it)(void *));

/*
 * Copy the process by way of a fork (live_forked.c). *FORKED is false, and
 * nothing was done to it, when there is a reason against: a->fork.why.
 */
HS_MUST_CHECK enum hs_status hs_live_try_fork(struct hs_live_attempt *a,
					      bool *forked);

#endif
