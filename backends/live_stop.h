/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_LIVE_STOP_H
#define BACKENDS_LIVE_STOP_H

#include <sys/types.h>

#include "core/notes.h"
#include "core/threads.h"

/* One thread of the process that we stopped. */
struct hs_stopped {
	pid_t tid;
	enum {
		HS_STOPPED_GONE,    /* it ended; nothing is held */
		HS_STOPPED_SEIZED,  /* ours, and running */
		HS_STOPPED_WAITING, /* told to stop */
		HS_STOPPED_ASLEEP,  /* told to stop, but it cannot hear */
		HS_STOPPED_HELD,    /* it stands */
	} state;
	/* It was about to get this signal when it stopped (0: none): handed
	 * back when we let go. */
	int signal;
};

/*
 * All threads of a process, held with ptrace. Belongs to the one thread of
 * ours that called hs_live_stop(): the kernel lets no other use it, and lets
 * go of everything by itself when that thread ends, however it ends.
 */
struct hs_live_stop {
	pid_t pid;
	int dir; /* borrowed: the folder /proc/PID */
	struct hs_stopped *thread;
	size_t count, capacity;
	size_t next;      /* where the next thread listed likely is */
	int64_t since_ns; /* CLOCK_MONOTONIC, when the first was told to stop */
	int refused;      /* errno of a refused attachment, or 0 */
	pid_t refused_tid;
	pid_t elsewhere; /* a thread that somebody else holds for us; 0 */
};

/*
 * Stop every thread of process PID, also those that are created meanwhile.
 * STOP is to be zero, but for ELSEWHERE. Whatever is returned, call
 * hs_live_let_go().
 *
 * HS_ERR_PERMISSION: the kernel refused, with stop->refused set and no text in
 * ERR: the caller finds out why. HS_ERR_NO_TARGET: the process ended.
 * HS_ERR_IO: a thread would not stop. HS_ERR_LIMIT: it creates threads faster
 * than they can be stopped.
 *
 * A thread that sleeps uninterruptibly (a vfork, a dead file server) cannot be
 * stopped, but runs no code either: it becomes a note, not an error.
 */
HS_MUST_CHECK enum hs_status hs_live_stop(struct hs_live_stop *stop, pid_t pid,
					  int dir, struct hs_note_list *notes,
					  struct hs_error *err);

/*
 * The stopped threads with registers and names, the first thread first.
 * Threads whose registers are not ARCH's (64-bit programs may run 32-bit code)
 * come without.
 */
HS_MUST_CHECK enum hs_status
hs_live_stop_threads(const struct hs_live_stop *stop, enum hs_arch arch,
		     struct hs_thread_list *ret, struct hs_error *err);

/*
 * Let the process run on, each thread with the signal it was about to get; a
 * process that was stopped before stays stopped. Returns how many threads were
 * still there. Again does nothing. *PAUSED_NS, which may be NULL, is the time
 * since the first was told to stop.
 */
size_t hs_live_let_go(struct hs_live_stop *stop, int64_t *paused_ns);

/* Frees, after letting go. */
void hs_live_stop_release(struct hs_live_stop *stop);

#endif
