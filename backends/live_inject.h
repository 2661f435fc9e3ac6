/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_LIVE_INJECT_H
#define BACKENDS_LIVE_INJECT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * System calls made by a thread of another process on our behalf. Everything
 * here is called in a process of ours that came out of a bare clone: no memory
 * is allocated and nothing of the C library's is locked.
 */
struct hs_inject {
	pid_t tid; /* stands, and is ours: see hs_inject_stop() */
	/* Where two bytes 0f 05 are in the target: a `syscall`. */
	uint64_t instruction;
	/* SIGSTOP, if it came while we were at work: sent anew afterwards. */
	bool was_stopped;
};

/* Can this machine's system calls be made at all? */
bool hs_inject_supported(void);

/*
 * Take hold of thread TID, by PTRACE_SEIZE, and wait until it stands where a
 * system call can be put in: not about to get a signal, not stopped by job
 * control, not within a restartable sequence. False: it does not, or it is
 * gone; then it runs on.
 *
 * *SINCE_NS, which may be NULL, is when it was told to stop (CLOCK_MONOTONIC).
 */
bool hs_inject_stop(struct hs_inject *in, pid_t tid, int64_t *since_ns);

/*
 * Have the thread make system call NR and take back its place as if nothing
 * had been: registers, signal mask, and a system call that was interrupted.
 * False: that did not work out; *RESULT is what the call returned. A process
 * that the call creates stands, is ours, and becomes *CHILD.
 */
bool hs_inject_call(struct hs_inject *in, long nr, const uint64_t args[4],
		    int64_t *result, pid_t *child);

/*
 * A process that hs_inject_call() created: have it end when we do, and wait
 * until it stands. False: it is gone.
 */
bool hs_inject_adopt(pid_t child);
/* End it, and wait until only its parent has yet to hear of it. */
void hs_inject_end(pid_t child);

/* Let it run on. */
void hs_inject_let_go(struct hs_inject *in);

#endif
