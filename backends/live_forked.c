/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "backends/live_attempt.h"
#include "backends/live_denied.h"
#include "backends/live_stop.h"
#include "backends/proc_file.h"
#include "core/cleanup.h"
#include "core/limits.h"

/* A process that stands only while it forks: docs/live-targets.md tells the
 * steps. The fork is read as the process itself would be. */

/* The thread that forks belongs to the helper; it comes first in the list, as
 * it would otherwise. */
static enum hs_status add_forking_thread(struct hs_live_attempt *a,
					 struct hs_thread *thread)
{
	char name[48];
	HS_AUTO_FREE char *comm = NULL;
	size_t len;
	(void)snprintf(name, sizeof(name), "task/%d/comm", (int)a->tid);
	if (hs_proc_file_read(a->dir, name, HS_LIMIT_STRING, &comm, &len) ==
	    0) {
		if (len > 0 && comm[len - 1] == '\n')
			comm[len - 1] = '\0';
		thread->name = comm;
	}
	return hs_thread_list_add(&a->live->target.threads, thread, a->err);
}

static enum hs_status take_fork(struct hs_live_attempt *a,
				struct hs_live_stop *stop)
{
	struct hs_target *t = &a->live->target;
	struct hs_thread first;
	if (!hs_live_fork_hold(&a->fork, t->arch, &first))
		return HS_OK; /* the other way, then */
	stop->elsewhere = a->tid;
	enum hs_status st =
		hs_live_stop(stop, a->pid, a->dir, &t->notes, a->err);
	if (st == HS_ERR_PERMISSION)
		return hs_live_denied(a->pid, stop->refused_tid, a->dir,
				      a->err);
	if (!st)
		st = add_forking_thread(a, &first);
	if (!st)
		st = hs_live_stop_threads(stop, t->arch, &t->threads, a->err);
	if (!st) {
		hs_live_read_stat(a);
		a->copy = hs_live_fork_make(&a->fork);
		a->copy_dir = a->copy ? hs_live_folder(a->copy) : -1;
	}
	return st;
}

static void *hold_for_fork(void *arg)
{
	struct hs_live_attempt *a = arg;
	struct hs_live_stop stop = { 0 };
	a->st = take_fork(a, &stop);
	(void)hs_live_let_go(&stop, &a->forked_ns);
	hs_live_stop_release(&stop);
	return NULL;
}

static enum hs_status copy_fork(struct hs_live_attempt *a)
{
	struct hs_live *live = a->live;
	int dir = a->dir;
	/* The copy has the same mappings, files and names. */
	a->dir = a->copy_dir;
	a->copy_dir = dir;
	a->tid = a->copy;
	enum hs_status st = hs_live_prepare(a);
	if (!st)
		st = hs_live_progress(a, "copying", 0, live->copy.bytes);
	if (!st)
		st = hs_live_copy_run(&live->copy, &a->maps, a->how, a->err);
	if (!st)
		hs_live_read_identity(a);
	return st;
}

static enum hs_status end_fork(struct hs_live_attempt *a)
{
	struct hs_target *t = &a->live->target;
	int64_t paused = 0;
	bool reaped = hs_live_fork_end(&a->fork, &paused);
	/* The thread that forks is the first to stop and goes on before the
	 * others; later it stands alone for a moment, to reap. */
	t->paused_ns = paused > a->forked_ns ? paused : a->forked_ns;
	if (reaped)
		return HS_OK;
	return hs_note_add(&t->notes, HS_WARNING, "live-copy-not-reaped",
			   HS_NO_ADDR, a->err,
			   "process %d makes no system calls at present: its "
			   "forked copy has ended and remains as a zombie",
			   (int)a->pid);
}

enum hs_status hs_live_try_fork(struct hs_live_attempt *a, bool *forked)
{
	struct hs_target *t = &a->live->target;
	*forked = false;
	a->fork.why = hs_live_fork_refuses(&a->status, a->dir);
	if (a->fork.why)
		return HS_OK;
	enum hs_status st = hs_live_read_maps(a);
	if (!st)
		st = hs_live_find_arch(a);
	if (st)
		return st;
	if (t->arch != HS_ARCH_X86_64) {
		a->fork.why = "it is no 64-bit program";
		return HS_OK;
	}
	if (!hs_live_fork_start(&a->fork, a->pid, a->tid, a->dir, &a->maps))
		return HS_OK;
	st = hs_live_in_thread(a, hold_for_fork);
	if (st)
		return st;
	if (a->copy_dir < 0) {
		if (!a->fork.why)
			a->fork.why = "its copy cannot be seen";
		hs_thread_list_release(&t->threads);
		(void)hs_live_fork_end(&a->fork, NULL);
		return HS_OK;
	}
	*forked = true;
	st = copy_fork(a);
	enum hs_status ended = end_fork(a);
	return st ? st : ended;
}
