/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_LIVE_FORK_H
#define BACKENDS_LIVE_FORK_H

#include <sys/types.h>

#include "backends/proc_maps.h"
#include "backends/proc_status.h"
#include "core/threads.h"

/*
 * A frozen copy of a process, made by having one of its threads fork. The
 * process stands only for that; the copy is read while it runs on.
 *
 * What is done to the process is done by a helper, a process of ours of its
 * own: if we are killed at any moment, it still puts everything back, ends the
 * copy and has the process reap it.
 */
struct hs_live_fork {
	pid_t helper; /* 0: none */
	int sock;     /* to it; -1 */
	struct hs_fork_shared *shared;
	const char *why; /* it cannot be done: words for people, or NULL */
};

#define HS_LIVE_FORK_NONE ((struct hs_live_fork){ .sock = -1 })

/*
 * Why process STATUS with MAPS, whose folder is DIR, cannot be forked; NULL: it
 * can. Only looks.
 */
const char *hs_live_fork_refuses(const struct hs_proc_status *status, int dir);

/*
 * Start the helper for process PID, of which thread TID is alive; a `syscall`
 * is looked for in MAPS. False: FORK->why says why not.
 */
bool hs_live_fork_start(struct hs_live_fork *fork, pid_t pid, pid_t tid,
			int dir, const struct hs_proc_map_list *maps);

/*
 * Have the helper stop thread TID, which belongs to it from now on, and put its
 * registers into RET, whose name stays empty; fp borrows from FORK. False:
 * FORK->why; the thread runs on.
 */
bool hs_live_fork_hold(struct hs_live_fork *fork, enum hs_arch arch,
		       struct hs_thread *ret);

/* With all other threads stopped: make the copy and let the thread go on.
 * Returns the copy's process id; 0: FORK->why. */
pid_t hs_live_fork_make(struct hs_live_fork *fork);

/*
 * Remove the copy without a trace and end the helper. *PAUSED_NS, which may be
 * NULL, gets how long the thread stood, both times together. False: the process
 * could not be made to reap the copy, which remains as a zombie. Again does
 * nothing.
 */
bool hs_live_fork_end(struct hs_live_fork *fork, int64_t *paused_ns);

#endif
