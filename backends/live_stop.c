/* SPDX-License-Identifier: MIT */
#include "backends/live_stop.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include "backends/live_registers.h"
#include "backends/proc_file.h"
#include "core/cleanup.h"
#include "core/grow.h"
#include "core/limits.h"

#define MS INT64_C(1000000)

/* A thread stops within some 20 us of being told, unless it sleeps
 * uninterruptibly. This long the others stand and wait for it. */
#define PATIENCE_ASLEEP (100 * MS)
/* On a machine with too much to do: then something is wrong with it. */
#define PATIENCE (10000 * MS)

static int64_t now_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 * MS + t.tv_nsec;
}

static bool thread_status(const struct hs_live_stop *stop, pid_t tid,
			  struct hs_proc_status *ret)
{
	char name[48];
	(void)snprintf(name, sizeof(name), "task/%d/status", (int)tid);
	return hs_proc_file_status(stop->dir, name, ret) == 0;
}

/* Ended, or as good as: nothing of it can be seen or stopped. */
static bool has_ended(const struct hs_live_stop *stop, pid_t tid)
{
	struct hs_proc_status s;
	return !thread_status(stop, tid, &s) || s.state == 'Z' ||
	       s.state == 'X';
}

/*
 * Do we hold TID? Both the kernel's list and ours are in the order of creation,
 * so a look at the place behind the last hit is usually enough. Not the ended
 * ones: their number may be in use again.
 */
static bool is_known(struct hs_live_stop *stop, pid_t tid)
{
	for (size_t n = 0; n < stop->count; n++) {
		size_t i = (stop->next + n) % stop->count;
		if (stop->thread[i].tid != tid ||
		    stop->thread[i].state == HS_STOPPED_GONE)
			continue;
		stop->next = i + 1;
		return true;
	}
	return false;
}

/*
 * SEIZE, not ATTACH: no SIGSTOP is sent that could get lost or stay behind,
 * and the kernel lets the process run on when we are killed.
 */
static int seize(void *arg, int tid)
{
	struct hs_live_stop *stop = arg;
	if (tid == stop->elsewhere || is_known(stop, tid))
		return 0;
	if (hs_grow(&stop->thread, &stop->capacity, stop->count,
		    sizeof(*stop->thread), NULL))
		return ENOMEM;
	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL) != 0) {
		int why = errno;
		if (why == ESRCH || has_ended(stop, tid))
			return 0;
		stop->refused = why;
		stop->refused_tid = tid;
		return why;
	}
	stop->thread[stop->count++] =
		(struct hs_stopped){ .tid = tid, .state = HS_STOPPED_SEIZED };
	return 0;
}

static void interrupt(struct hs_live_stop *stop)
{
	if (stop->since_ns == 0)
		stop->since_ns = now_ns();
	for (size_t i = 0; i < stop->count; i++) {
		struct hs_stopped *t = &stop->thread[i];
		if (t->state != HS_STOPPED_SEIZED)
			continue;
		/* ESRCH: it is ending, and waitpid() will say so. */
		(void)ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL);
		t->state = HS_STOPPED_WAITING;
	}
}

/*
 * What a thread that waitpid() reported stands in. An event stop is the answer
 * to our interrupt, or the stop of a process that was stopped by SIGSTOP and
 * the like; detaching restores the latter. Else the thread is about to get a
 * signal, which we owe it; our interrupt is then dropped with the detachment.
 */
static void note_stop(struct hs_stopped *t, int status)
{
	if (!WIFSTOPPED(status)) {
		t->state = HS_STOPPED_GONE;
		return;
	}
	t->state = HS_STOPPED_HELD;
	t->signal = status >> 16 ? 0 : WSTOPSIG(status);
}

/* True when T was told to stop, and now stands or is gone. */
static bool has_stopped(struct hs_stopped *t)
{
	int status;
	pid_t got = waitpid(t->tid, &status, __WALL | WNOHANG);
	if (got == t->tid) {
		note_stop(t, status);
		return true;
	}
	if (got < 0 && errno == ECHILD) {
		/* It ended by an execve() in another thread. */
		t->state = HS_STOPPED_GONE;
		return true;
	}
	return false;
}

/*
 * waitpid() cannot be told how long to wait, and a library should not use
 * signals to wake itself; so ask again and again, at first without a rest.
 */
static enum hs_status wait_for(struct hs_live_stop *stop, struct hs_stopped *t,
			       struct hs_note_list *notes, struct hs_error *err)
{
	int64_t begin = now_ns();
	for (unsigned turn = 0; !has_stopped(t); turn++) {
		if (turn < 500) {
			(void)sched_yield();
			continue;
		}
		int64_t waited = now_ns() - begin;
		struct hs_proc_status s = { 0 };
		(void)thread_status(stop, t->tid, &s);
		if (s.state == 'Z' || s.state == 'X') {
			/* A first thread that ended before the others: its
			 * end is not reported until theirs. */
			t->state = HS_STOPPED_GONE;
			break;
		}
		if (waited > PATIENCE_ASLEEP && s.state == 'D') {
			t->state = HS_STOPPED_ASLEEP;
			return hs_note_add(
				notes, HS_WARNING, "live-thread-not-stopped",
				HS_NO_ADDR, err,
				"thread %d sleeps in the kernel and could not "
				"be stopped; its registers are not known",
				(int)t->tid);
		}
		if (waited > PATIENCE)
			return hs_fail(
				err, HS_ERR_IO,
				"thread %d of process %d does not stop: "
				"try again when the machine is less busy",
				(int)t->tid, (int)stop->pid);
		(void)nanosleep(&(struct timespec){ .tv_nsec = MS / 10 }, NULL);
	}
	return HS_OK;
}

static enum hs_status wait_for_all(struct hs_live_stop *stop,
				   struct hs_note_list *notes,
				   struct hs_error *err)
{
	for (size_t i = 0; i < stop->count; i++) {
		struct hs_stopped *t = &stop->thread[i];
		if (t->state != HS_STOPPED_WAITING)
			continue;
		enum hs_status st = wait_for(stop, t, notes, err);
		if (st)
			return st;
	}
	return HS_OK;
}

static bool all_gone(const struct hs_live_stop *stop)
{
	if (stop->elsewhere)
		return false;
	for (size_t i = 0; i < stop->count; i++)
		if (stop->thread[i].state != HS_STOPPED_GONE)
			return false;
	return true;
}

static enum hs_status ended(const struct hs_live_stop *stop,
			    struct hs_error *err)
{
	return hs_fail(err, HS_ERR_NO_TARGET,
		       "process %d ended while it was being stopped",
		       (int)stop->pid);
}

enum hs_status hs_live_stop(struct hs_live_stop *stop, pid_t pid, int dir,
			    struct hs_note_list *notes, struct hs_error *err)
{
	stop->pid = pid;
	stop->dir = dir;
	unsigned quiet = 0;
	for (unsigned pass = 0; pass < HS_LIMIT_STOP_PASSES; pass++) {
		size_t before = stop->count;
		stop->next = 0;
		int why = hs_proc_file_threads(dir, seize, stop);
		if (why == ENOMEM)
			return hs_fail(err, HS_ERR_NOMEM, "no memory");
		if (why > 0)
			return HS_ERR_PERMISSION;
		if (why < 0)
			return ended(stop, err);
		/* Nobody is left who could create another. Seen twice: the
		 * kernel's list may skip one when another ends meanwhile. */
		quiet = stop->count == before ? quiet + 1 : 0;
		if (quiet == 2)
			return all_gone(stop) ? ended(stop, err) : HS_OK;
		interrupt(stop);
		enum hs_status st = wait_for_all(stop, notes, err);
		if (st)
			return st;
	}
	return hs_fail(err, HS_ERR_LIMIT,
		       "process %d creates threads faster than they can be "
		       "stopped",
		       (int)pid);
}

/* Of a thread that sleeps the kernel shows at least pc and sp: the last two
 * words of its system call. */
static void place_in_system_call(const struct hs_live_stop *stop,
				 struct hs_thread *t)
{
	char name[48];
	HS_AUTO_FREE char *text = NULL;
	size_t len;
	(void)snprintf(name, sizeof(name), "task/%d/syscall", (int)t->tid);
	if (hs_proc_file_read(stop->dir, name, HS_LIMIT_STRING, &text, &len))
		return;
	char *pc = strrchr(text, ' ');
	if (!pc)
		return; /* "running" */
	*pc = '\0';
	char *sp = strrchr(text, ' ');
	if (!sp)
		return;
	t->sp = strtoull(sp + 1, NULL, 16);
	t->pc = strtoull(pc + 1, NULL, 16);
}

enum hs_status hs_live_stop_threads(const struct hs_live_stop *stop,
				    enum hs_arch arch,
				    struct hs_thread_list *ret,
				    struct hs_error *err)
{
	for (size_t i = 0; i < stop->count; i++) {
		const struct hs_stopped *s = &stop->thread[i];
		if (s->state == HS_STOPPED_GONE)
			continue;
		struct hs_thread t = { .tid = s->tid,
				       .pc = HS_NO_ADDR,
				       .sp = HS_NO_ADDR,
				       .tls_base = HS_NO_ADDR };
		uint8_t fp[HS_LIVE_FP_MAX];
		if (s->state != HS_STOPPED_HELD) {
			place_in_system_call(stop, &t);
		} else if (hs_live_registers(s->tid, arch, &t)) {
			t.fp_len = hs_live_fp_registers(s->tid, fp);
			t.fp = t.fp_len ? fp : NULL;
		}

		char name[48];
		HS_AUTO_FREE char *comm = NULL;
		size_t len;
		(void)snprintf(name, sizeof(name), "task/%d/comm", (int)s->tid);
		if (hs_proc_file_read(stop->dir, name, HS_LIMIT_STRING, &comm,
				      &len) == 0) {
			if (len > 0 && comm[len - 1] == '\n')
				comm[len - 1] = '\0';
			t.name = comm;
		}
		enum hs_status st = hs_thread_list_add(ret, &t, err);
		if (st)
			return st;
	}
	return HS_OK;
}

/*
 * A thread that was told to stop but has not yet been seen to stand cannot be
 * detached; this waits for it. One in an uninterruptible sleep is left to the
 * kernel, which lets go of it when our thread ends.
 */
static void settle(struct hs_stopped *t)
{
	int64_t begin = now_ns();
	while (t->state == HS_STOPPED_WAITING && !has_stopped(t) &&
	       now_ns() - begin < PATIENCE_ASLEEP)
		(void)sched_yield();
	/* It may have woken up since. */
	if (t->state == HS_STOPPED_ASLEEP)
		(void)has_stopped(t);
}

size_t hs_live_let_go(struct hs_live_stop *stop, int64_t *paused_ns)
{
	size_t there = 0;
	for (size_t i = 0; i < stop->count; i++) {
		struct hs_stopped *t = &stop->thread[i];
		/* Not told to stop yet: that is how to get hold of it. */
		if (t->state == HS_STOPPED_SEIZED &&
		    ptrace(PTRACE_INTERRUPT, t->tid, NULL, NULL) == 0)
			t->state = HS_STOPPED_WAITING;
		settle(t);
		if (t->state == HS_STOPPED_ASLEEP && !has_ended(stop, t->tid))
			there++;
		if (t->state == HS_STOPPED_HELD &&
		    ptrace(PTRACE_DETACH, t->tid, NULL,
			   (void *)(intptr_t)t->signal) == 0)
			there++;
		t->state = HS_STOPPED_GONE;
	}
	if (paused_ns && stop->since_ns)
		*paused_ns = now_ns() - stop->since_ns;
	return there;
}

void hs_live_stop_release(struct hs_live_stop *stop)
{
	(void)hs_live_let_go(stop, NULL);
	free(stop->thread);
	*stop = (struct hs_live_stop){ 0 };
}
