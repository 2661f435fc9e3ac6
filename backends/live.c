/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/live_budget.h"
#include "backends/live_copy.h"
#include "backends/live_denied.h"
#include "backends/live_files.h"
#include "backends/live_fork.h"
#include "backends/live_layout.h"
#include "backends/live_stop.h"
#include "backends/mapped_modules.h"
#include "backends/proc_file.h"
#include "backends/proc_stat.h"
#include "backends/registry.h"
#include "core/cleanup.h"
#include "core/elf_image.h"
#include "core/limits.h"

/*
 * A live process is copied while it stands, and runs again before anything is
 * looked at. All that can be done beforehand is: files are opened, memory for
 * the copy is provided. docs/live-targets.md tells the order and the costs.
 */
struct live {
	struct hs_target target;
	struct hs_live_copy copy; /* spans point into these two ... */
	struct hs_live_files files;
	struct hs_file_overlay_list overlays; /* ... and into these */
};

/* What is needed while opening only. */
struct attempt {
	struct live *live;
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

static void attempt_release(struct attempt *a)
{
	hs_proc_map_list_release(&a->maps);
	free(a->how);
	(void)hs_live_fork_end(&a->fork, NULL);
	if (a->dir >= 0)
		(void)close(a->dir);
	if (a->copy_dir >= 0)
		(void)close(a->copy_dir);
}

static void live_close(struct hs_target *target)
{
	struct live *live = (struct live *)target;
	hs_target_release(target);
	hs_live_copy_release(&live->copy);
	hs_live_files_release(&live->files);
	hs_file_overlay_list_release(&live->overlays);
	free(live);
}

static void close_guard(struct live **slot)
{
	if (*slot)
		live_close(&(*slot)->target);
}

/* A decimal process id, and nothing else. */
static bool parse_pid(const char *spec, pid_t *ret)
{
	size_t digits = strspn(spec, "0123456789");
	if (digits == 0 || digits > 9 || spec[digits])
		return false;
	*ret = (pid_t)strtol(spec, NULL, 10);
	return *ret > 0;
}

static bool live_probe(const char *spec, const uint8_t *head, size_t head_len)
{
	pid_t pid;
	(void)head;
	return head_len == 0 && parse_pid(spec, &pid);
}

/* ---- before it stands -------------------------------------------------- */

static enum hs_status no_process(pid_t pid, struct hs_error *err)
{
	if (kill(pid, 0) == 0 || errno == EPERM)
		return hs_fail(err, HS_ERR_PERMISSION,
			       "process %d exists, but /proc hides it (mounted "
			       "with hidepid): run heapscan as root",
			       (int)pid);
	return hs_fail(err, HS_ERR_NO_TARGET, "no process %d", (int)pid);
}

static int open_proc(pid_t pid)
{
	char name[32];
	(void)snprintf(name, sizeof(name), "/proc/%d", (int)pid);
	return open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int first_alive(void *arg, int tid)
{
	struct hs_proc_status s;
	char name[48];
	const struct attempt *a = arg;
	(void)snprintf(name, sizeof(name), "task/%d/status", tid);
	if (hs_proc_file_status(a->dir, name, &s) || s.state == 'Z' ||
	    s.state == 'X')
		return 0;
	return tid;
}

/*
 * When the first thread has ended but others run on, most of /proc/PID is
 * empty; the folder of any other thread is as good.
 */
static enum hs_status look_through_other_thread(struct attempt *a,
						const struct hs_proc_status *s)
{
	int tid = hs_proc_file_threads(a->dir, first_alive, a);
	if (tid <= 0)
		return hs_fail(a->err, HS_ERR_NO_TARGET,
			       "process %d (%s) has ended: it is a zombie that "
			       "its parent, process %" PRId64
			       ", has not collected",
			       (int)a->pid, s->name, s->ppid);
	int dir = open_proc(tid);
	if (dir < 0)
		return no_process(a->pid, a->err);
	(void)close(a->dir);
	a->dir = dir;
	a->tid = tid;
	return HS_OK;
}

static enum hs_status notes_about(struct attempt *a, pid_t asked,
				  const struct hs_proc_status *s)
{
	struct hs_note_list *notes = &a->live->target.notes;
	enum hs_status st = HS_OK;
	if (asked != a->pid)
		st = hs_note_add(notes, HS_NOTE, "live-thread-id", HS_NO_ADDR,
				 a->err,
				 "%d is a thread of process %d, which is "
				 "shown as a whole",
				 (int)asked, (int)a->pid);
	if (!st && s->nested_pid)
		st = hs_note_add(notes, HS_NOTE, "live-pid-namespace",
				 HS_NO_ADDR, a->err,
				 "in its own pid namespace this is process "
				 "%" PRId64,
				 s->inner_pid);
	return st;
}

static enum hs_status open_process(struct attempt *a, struct hs_proc_status *s)
{
	a->dir = open_proc(a->pid);
	int why = a->dir < 0 ? errno : hs_proc_file_status(a->dir, "status", s);
	if (why == ENOMEM)
		return hs_fail(a->err, HS_ERR_NOMEM, "no memory");
	if (why == EMFILE || why == ENFILE)
		return hs_fail_errno(a->err, why, "cannot open /proc/%d: %s",
				     (int)a->pid, strerror(why));
	return why ? no_process(a->pid, a->err) : HS_OK;
}

/* Find the process, and turn away what cannot be a target. */
static enum hs_status find_process(struct attempt *a, pid_t asked)
{
	struct hs_proc_status s;
	a->pid = asked;
	enum hs_status st = open_process(a, &s);
	if (st)
		return st;
	if (s.tgid > 0 && s.tgid != asked) { /* a thread: take them all */
		(void)close(a->dir);
		a->pid = (pid_t)s.tgid;
		st = open_process(a, &s);
		if (st)
			return st;
	}
	a->tid = a->pid;
	if (a->pid == getpid())
		return hs_fail(a->err, HS_ERR_INVALID,
			       "process %d is heapscan itself: it cannot stop "
			       "and read itself",
			       (int)a->pid);
	if (s.tracer > 0)
		return hs_live_denied(a->pid, a->pid, a->dir, a->err);
	if (s.state == 'Z' || s.state == 'X') {
		st = look_through_other_thread(a, &s);
		if (st)
			return st;
	} else if (!s.has_memory) {
		return hs_fail(a->err, HS_ERR_UNSUPPORTED,
			       "process %d (%s) is a kernel thread: it has no "
			       "memory of its own",
			       (int)a->pid, s.name);
	}
	a->status = s;
	return notes_about(a, asked, &s);
}

static enum hs_status read_maps(struct attempt *a)
{
	HS_AUTO_FREE char *text = NULL;
	size_t len;
	int why = hs_proc_file_read(a->dir, "maps", HS_LIMIT_PROC_MAPS, &text,
				    &len);
	if (why == EACCES || why == EPERM)
		return hs_live_denied(a->pid, a->tid, a->dir, a->err);
	if (why == E2BIG)
		return hs_fail(a->err, HS_ERR_LIMIT,
			       "process %d has too many mappings", (int)a->pid);
	if (why == ENOMEM)
		return hs_fail(a->err, HS_ERR_NOMEM, "no memory");
	if (why || len == 0)
		return hs_fail(a->err, HS_ERR_NO_TARGET,
			       "process %d ended before it could be read",
			       (int)a->pid);
	hs_proc_map_list_release(&a->maps);
	return hs_proc_maps_parse(text, len, &a->maps, a->err);
}

/* What to copy, and is there room for it? */
static enum hs_status survey(struct attempt *a)
{
	struct live *live = a->live;
	enum hs_status st = read_maps(a);
	if (!st)
		st = hs_live_files_open(&live->files, a->dir, a->tid, &a->maps,
					a->err);
	if (st)
		return st;
	free(a->how);
	a->how = calloc(a->maps.count + 1, sizeof(*a->how));
	if (!a->how)
		return hs_fail(a->err, HS_ERR_NOMEM, "no memory");
	hs_live_layout_plan(&a->maps, &live->files, a->how);
	st = hs_live_copy_survey(&live->copy, &a->maps, a->how, a->err);
	if (st)
		return st;
	if (live->copy.bytes > a->budget)
		return hs_fail(a->err, HS_ERR_LIMIT,
			       "a copy of process %d takes %" PRIu64
			       " MiB, and %" PRIu64
			       " MiB of memory are to be had: take a core with "
			       "gcore and scan that",
			       (int)a->pid, live->copy.bytes >> 20,
			       a->budget >> 20);
	return HS_OK;
}

static enum hs_status prepare(struct attempt *a)
{
	struct live *live = a->live;
	enum hs_status st = hs_live_files_init(&live->files, a->dir,
					       a->opt->sysroot, a->err);
	if (!st)
		st = hs_live_copy_init(&live->copy, a->tid, a->dir, a->err);
	a->budget = hs_live_budget();
	if (!st)
		st = survey(a);
	if (!st)
		st = hs_live_copy_prepare(&live->copy, &a->maps, a->how,
					  a->err);
	return st;
}

/* ---- while it stands --------------------------------------------------- */

static enum hs_status find_arch(struct attempt *a)
{
	struct hs_target *t = &a->live->target;
	uint8_t head[64];
	struct hs_elf_header h;
	HS_AUTO_CLOSE int fd = openat(a->dir, "exe", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : pread(fd, head, sizeof(head), 0);
#if defined(__aarch64__)
	t->arch = HS_ARCH_AARCH64;
#elif defined(__i386__)
	t->arch = HS_ARCH_I386;
#else
	t->arch = HS_ARCH_X86_64;
#endif
	/* A program that may be run but not read is one of ours, likely. */
	if (n > 0 && hs_elf_header_parse(head, (size_t)n, &h, NULL) == HS_OK &&
	    (!hs_elf_arch(&h, &t->arch) || h.word_size > sizeof(void *)))
		return hs_fail(a->err, HS_ERR_UNSUPPORTED,
			       "process %d runs a %u-bit program for machine "
			       "%u, which this heapscan cannot read",
			       (int)a->pid, h.word_size * 8, h.machine);
	t->word_size = t->arch == HS_ARCH_I386 ? 4 : 8;
	return HS_OK;
}

/* Arguments with a blank between them. */
static char *read_command_line(int dir)
{
	HS_AUTO_FREE char *text = NULL;
	size_t len;
	if (hs_proc_file_read(dir, "cmdline", HS_LIMIT_PROC_CMDLINE, &text,
			      &len))
		return NULL;
	while (len > 0 && text[len - 1] == '\0')
		len--;
	if (len == 0)
		return NULL;
	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	text[len] = '\0';
	return HS_TAKE(text);
}

static char *read_executable(int dir)
{
	static const char gone[] = " (deleted)";
	char *path = NULL;
	if (hs_proc_file_link(dir, "exe", &path))
		return NULL;
	size_t len = strlen(path), tail = strlen(gone);
	if (len > tail && strcmp(path + len - tail, gone) == 0)
		path[len - tail] = '\0';
	return path;
}

static void read_stat(struct attempt *a)
{
	struct hs_target *t = &a->live->target;
	struct hs_proc_stat stat;
	struct timespec now = { 0 };
	hs_proc_stat_read(a->dir, &stat);
	t->ppid = stat.ppid;
	t->session = stat.session;
	t->started_ns = stat.started_ns;
	(void)clock_gettime(CLOCK_REALTIME, &now);
	t->taken_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void read_identity(struct attempt *a)
{
	struct hs_target *t = &a->live->target;
	char *auxv = NULL;
	t->executable = read_executable(a->dir);
	t->command_line = read_command_line(a->dir);
	if (hs_proc_file_read(a->dir, "auxv", HS_LIMIT_STRING, &auxv,
			      &t->auxv_len) == 0)
		t->auxv = (uint8_t *)auxv;
}

static enum hs_status take_all(struct attempt *a, struct hs_live_stop *stop)
{
	struct live *live = a->live;
	enum hs_status st =
		hs_live_stop(stop, a->pid, a->dir, &live->target.notes, a->err);
	if (st == HS_ERR_PERMISSION)
		return hs_live_denied(a->pid, stop->refused_tid, a->dir,
				      a->err);
	if (!st)
		st = survey(a);
	if (!st)
		st = hs_live_copy_run(&live->copy, &a->maps, a->how, a->err);
	if (!st)
		st = find_arch(a);
	if (!st)
		st = hs_live_stop_threads(stop, live->target.arch,
					  &live->target.threads, a->err);
	if (!st) {
		read_stat(a);
		read_identity(a);
	}
	return st;
}

static void *hold(void *arg)
{
	struct attempt *a = arg;
	struct hs_live_stop stop = { 0 };
	enum hs_status st = take_all(a, &stop);
	size_t there = hs_live_let_go(&stop, &a->live->target.paused_ns);
	if (!st && there == 0)
		st = hs_fail(a->err, HS_ERR_NO_TARGET,
			     "process %d ended while it was being copied",
			     (int)a->pid);
	hs_live_stop_release(&stop);
	a->st = st;
	return NULL;
}

/*
 * In a thread of its own. The kernel lets go of everything that a thread holds
 * when that thread ends: so even a thread of the process that slept through
 * all our attempts to stop and detach it is not held beyond this function.
 * Signals of our program are not handled there.
 */
static enum hs_status in_thread(struct attempt *a, void *(*hold_it)(void *))
{
	pthread_t thread;
	sigset_t all, before;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int why = pthread_create(&thread, NULL, hold_it, a);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (why)
		return hs_fail_errno(a->err, why, "cannot start a thread: %s",
				     strerror(why));
	(void)pthread_join(thread, NULL);
	return a->st;
}

static enum hs_status progress(const struct attempt *a, const char *what,
			       uint64_t done, uint64_t total)
{
	if (a->opt->progress &&
	    !a->opt->progress(a->opt->progress_arg, what, done, total))
		return hs_fail(a->err, HS_ERR_CANCELLED, "cancelled");
	return HS_OK;
}

/* ---- or while a fork of it is made ------------------------------------- */

/* The thread that forks belongs to the helper; it comes first in the list, as
 * it would otherwise. */
static enum hs_status add_forking_thread(struct attempt *a,
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

static enum hs_status take_fork(struct attempt *a, struct hs_live_stop *stop)
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
		read_stat(a);
		a->copy = hs_live_fork_make(&a->fork);
		a->copy_dir = a->copy ? open_proc(a->copy) : -1;
	}
	return st;
}

static void *hold_for_fork(void *arg)
{
	struct attempt *a = arg;
	struct hs_live_stop stop = { 0 };
	a->st = take_fork(a, &stop);
	(void)hs_live_let_go(&stop, &a->forked_ns);
	hs_live_stop_release(&stop);
	return NULL;
}

static enum hs_status copy_fork(struct attempt *a)
{
	struct live *live = a->live;
	int dir = a->dir;
	/* The copy has the same mappings, files and names. */
	a->dir = a->copy_dir;
	a->copy_dir = dir;
	a->tid = a->copy;
	enum hs_status st = prepare(a);
	if (!st)
		st = progress(a, "copying", 0, live->copy.bytes);
	if (!st)
		st = hs_live_copy_run(&live->copy, &a->maps, a->how, a->err);
	if (!st)
		read_identity(a);
	return st;
}

static enum hs_status end_fork(struct attempt *a)
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

/* *FORKED is false, and nothing was done, when there is a reason against. */
static enum hs_status try_fork(struct attempt *a, bool *forked)
{
	struct hs_target *t = &a->live->target;
	*forked = false;
	a->fork.why = hs_live_fork_refuses(&a->status, a->dir);
	if (a->fork.why)
		return HS_OK;
	enum hs_status st = read_maps(a);
	if (!st)
		st = find_arch(a);
	if (st)
		return st;
	if (t->arch != HS_ARCH_X86_64) {
		a->fork.why = "it is no 64-bit program";
		return HS_OK;
	}
	if (!hs_live_fork_start(&a->fork, a->pid, a->tid, a->dir, &a->maps))
		return HS_OK;
	st = in_thread(a, hold_for_fork);
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

static enum hs_status note_plain(struct attempt *a)
{
	return hs_note_add(&a->live->target.notes, HS_WARNING,
			   "live-pause-plain", HS_NO_ADDR, a->err,
			   "process %d is copied while it stands, not forked: "
			   "%s",
			   (int)a->pid, a->fork.why);
}

/* ---- when it runs again ------------------------------------------------ */

static enum hs_status note_module(struct hs_target *target,
				  const struct hs_module *m,
				  struct hs_error *err)
{
	switch (m->file_state) {
	case HS_MODULE_FILE_MISMATCH:
		return hs_note_add(&target->notes, HS_NOTE,
				   "module-file-mismatch", m->base, err,
				   "the file '%s' is not the one that the "
				   "process has mapped",
				   m->path);
	case HS_MODULE_FILE_MISSING:
		return hs_note_add(
			&target->notes, HS_NOTE, "module-file-missing", m->base,
			err, "the file '%s' of the process cannot be read",
			m->path);
	case HS_MODULE_FILE_NONE:
		if (m->path[0] != '/')
			return HS_OK; /* the vdso */
		return hs_note_add(&target->notes, HS_NOTE,
				   "module-file-deleted", m->base, err,
				   "the file '%s' was deleted or replaced "
				   "since the process mapped it",
				   m->path);
	case HS_MODULE_FILE_MATCHED:
		break;
	}
	return HS_OK;
}

static enum hs_status set_module_file(struct attempt *a, size_t i)
{
	struct live *live = a->live;
	struct hs_module *m = &live->target.modules.module[i];
	const struct hs_proc_map *map = hs_proc_map_at(&a->maps, m->base);
	const struct hs_live_file *f =
		map ? hs_live_files_of(&live->files, map) : NULL;
	m->file_state = f ? f->state : HS_MODULE_FILE_NONE;
	if (f && f->name) {
		free(m->file);
		m->file = strdup(f->name);
		if (!m->file)
			return hs_fail(a->err, HS_ERR_NOMEM, "no memory");
	}
	if (m->is_executable && a->opt->executable)
		return hs_module_fill(&live->target, i, a->opt->executable,
				      &live->overlays, a->err);
	return note_module(&live->target, m, a->err);
}

static enum hs_status arrange(struct attempt *a)
{
	struct live *live = a->live;
	struct hs_target *t = &live->target;
	t->copied = live->copy.copied;
	hs_live_copy_done(&live->copy);
	const char *root =
		a->opt->sysroot ? a->opt->sysroot : live->files.prefix;
	if (*root) {
		t->sysroot = strdup(root);
		if (!t->sysroot)
			return hs_fail(a->err, HS_ERR_NOMEM, "no memory");
	}
	enum hs_status st = hs_live_layout_build(
		t, &a->maps, a->how, &live->copy, &live->files, a->err);
	if (!st)
		st = hs_modules_find(t, a->err);
	for (size_t i = 0; !st && i < t->modules.count; i++)
		st = set_module_file(a, i);
	return st ? st : hs_target_finish(t, a->err);
}

static enum hs_status copy_standing(struct attempt *a)
{
	enum hs_status st = prepare(a);
	/* The last moment to say no: while it stands, nobody is asked. */
	if (!st)
		st = progress(a, "copying", 0, a->live->copy.bytes);
	return st ? st : in_thread(a, hold);
}

static enum hs_status live_open(const char *spec,
				const struct hs_open_options *opt,
				struct hs_target **ret, struct hs_error *err)
{
	pid_t pid;
	if (!parse_pid(spec, &pid))
		return hs_fail(err, HS_ERR_INVALID,
			       "'%s' is no process id: a decimal number is "
			       "wanted",
			       spec);
	HS_CLEANUP(close_guard) struct live *live = calloc(1, sizeof(*live));
	if (!live)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	hs_target_init(&live->target, &hs_backend_live);
	live->copy = (struct hs_live_copy){ .pagemap_fd = -1, .mem_fd = -1 };
	live->files = (struct hs_live_files){ .root = -1 };

	HS_CLEANUP(attempt_release)
	struct attempt a = {
		.live = live,
		.opt = opt,
		.err = err,
		.dir = -1,
		.fork = HS_LIVE_FORK_NONE,
		.copy_dir = -1,
	};
	bool forked = false;
	enum hs_status st = find_process(&a, pid);
	live->target.pid = a.pid;
	if (!st && opt->pause == HS_PAUSE_MIN)
		st = try_fork(&a, &forked);
	if (!st && opt->pause == HS_PAUSE_MIN && !forked)
		st = note_plain(&a);
	if (!st && !forked)
		st = copy_standing(&a);
	if (!st)
		st = progress(&a, "copying", live->copy.copied,
			      live->copy.copied);
	if (!st)
		st = arrange(&a);
	if (st)
		return st;
	*ret = &HS_TAKE(live)->target;
	return HS_OK;
}

const struct hs_backend hs_backend_live = {
	.name = "live",
	.summary = "a running process, stopped while it is copied",
	.kind = HS_TARGET_LIVE,
	.probe = live_probe,
	.open = live_open,
	.close = live_close,
};
