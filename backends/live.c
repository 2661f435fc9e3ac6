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

#include "backends/live_attempt.h"
#include "backends/live_budget.h"
#include "backends/live_denied.h"
#include "backends/live_layout.h"
#include "backends/live_stop.h"
#include "backends/mapped_modules.h"
#include "backends/proc_file.h"
#include "backends/proc_stat.h"
#include "backends/registry.h"
#include "core/cleanup.h"
#include "core/elf_image.h"
#include "core/limits.h"

static void attempt_release(struct hs_live_attempt *a)
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
	struct hs_live *live = (struct hs_live *)target;
	hs_target_release(target);
	hs_live_copy_release(&live->copy);
	hs_live_files_release(&live->files);
	hs_file_overlay_list_release(&live->overlays);
	free(live);
}

static void close_guard(struct hs_live **slot)
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

int hs_live_folder(pid_t pid)
{
	char name[32];
	(void)snprintf(name, sizeof(name), "/proc/%d", (int)pid);
	return open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int first_alive(void *arg, int tid)
{
	struct hs_proc_status s;
	char name[48];
	const struct hs_live_attempt *a = arg;
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
static enum hs_status look_through_other_thread(struct hs_live_attempt *a,
						const struct hs_proc_status *s)
{
	int tid = hs_proc_file_threads(a->dir, first_alive, a);
	if (tid <= 0)
		return hs_fail(a->err, HS_ERR_NO_TARGET,
			       "process %d (%s) has ended: it is a zombie that "
			       "its parent, process %" PRId64
			       ", has not collected",
			       (int)a->pid, s->name, s->ppid);
	int dir = hs_live_folder(tid);
	if (dir < 0)
		return no_process(a->pid, a->err);
	(void)close(a->dir);
	a->dir = dir;
	a->tid = tid;
	return HS_OK;
}

static enum hs_status notes_about(struct hs_live_attempt *a, pid_t asked,
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

static enum hs_status open_process(struct hs_live_attempt *a,
				   struct hs_proc_status *s)
{
	a->dir = hs_live_folder(a->pid);
	int why = a->dir < 0 ? errno : hs_proc_file_status(a->dir, "status", s);
	if (why == ENOMEM)
		return hs_fail(a->err, HS_ERR_NOMEM, "no memory");
	if (why == EMFILE || why == ENFILE)
		return hs_fail_errno(a->err, why, "cannot open /proc/%d: %s",
				     (int)a->pid, strerror(why));
	return why ? no_process(a->pid, a->err) : HS_OK;
}

/* Is S, which has no memory, of a kernel thread? All of them are children of
 * kthreadd, which is the second process of the machine. */
static bool is_kernel_thread(const struct hs_proc_status *s, pid_t pid)
{
	if (s->kthread >= 0)
		return s->kthread == 1;
	return pid == 2 || s->ppid == 2;
}

/* Find the process, and turn away what cannot be a target. */
static enum hs_status find_process(struct hs_live_attempt *a, pid_t asked)
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
		if (is_kernel_thread(&s, a->pid))
			return hs_fail(a->err, HS_ERR_UNSUPPORTED,
				       "process %d (%s) is a kernel thread: it "
				       "has no memory of its own",
				       (int)a->pid, s.name);
		return hs_fail(a->err, HS_ERR_NO_TARGET,
			       "process %d (%s) is just ending: it has given "
			       "its memory back",
			       (int)a->pid, s.name);
	}
	a->status = s;
	return notes_about(a, asked, &s);
}

enum hs_status hs_live_read_maps(struct hs_live_attempt *a)
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
static enum hs_status survey(struct hs_live_attempt *a)
{
	struct hs_live *live = a->live;
	enum hs_status st = hs_live_read_maps(a);
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

enum hs_status hs_live_prepare(struct hs_live_attempt *a)
{
	struct hs_live *live = a->live;
	enum hs_status st = hs_live_files_init(&live->files, a->dir,
					       a->opt->sysroot, a->err);
	if (!st)
		st = hs_live_copy_init(&live->copy, a->tid, a->dir, a->err);
	a->budget = hs_live_budget();
	if (!st)
		st = survey(a);
	if (!st)
		st = hs_live_copy_prepare(&live->copy, &a->maps, a->how,
					  a->opt->progress,
					  a->opt->progress_arg, a->err);
	return st;
}

/* ---- while it stands --------------------------------------------------- */

enum hs_status hs_live_find_arch(struct hs_live_attempt *a)
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

void hs_live_read_stat(struct hs_live_attempt *a)
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

void hs_live_read_identity(struct hs_live_attempt *a)
{
	struct hs_target *t = &a->live->target;
	char *auxv = NULL;
	t->executable = read_executable(a->dir);
	t->command_line = read_command_line(a->dir);
	if (hs_proc_file_read(a->dir, "auxv", HS_LIMIT_STRING, &auxv,
			      &t->auxv_len) == 0)
		t->auxv = (uint8_t *)auxv;
}

static enum hs_status take_all(struct hs_live_attempt *a,
			       struct hs_live_stop *stop)
{
	struct hs_live *live = a->live;
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
		st = hs_live_find_arch(a);
	if (!st)
		st = hs_live_stop_threads(stop, live->target.arch,
					  &live->target.threads, a->err);
	if (!st) {
		hs_live_read_stat(a);
		hs_live_read_identity(a);
	}
	return st;
}

static void *hold(void *arg)
{
	struct hs_live_attempt *a = arg;
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
enum hs_status hs_live_in_thread(struct hs_live_attempt *a,
				 void *(*hold_it)(void *))
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

enum hs_status hs_live_progress(const struct hs_live_attempt *a,
				const char *what, uint64_t done, uint64_t total)
{
	if (a->opt->progress &&
	    !a->opt->progress(a->opt->progress_arg, what, done, total))
		return hs_fail(a->err, HS_ERR_CANCELLED, "cancelled");
	return HS_OK;
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

static enum hs_status set_module_file(struct hs_live_attempt *a, size_t i)
{
	struct hs_live *live = a->live;
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

static enum hs_status arrange(struct hs_live_attempt *a)
{
	struct hs_live *live = a->live;
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
	if (!st)
		st = hs_modules_filled(t, &live->overlays, a->err);
	return st ? st : hs_target_finish(t, a->err);
}

static enum hs_status note_plain(struct hs_live_attempt *a)
{
	return hs_note_add(&a->live->target.notes, HS_WARNING,
			   "live-pause-plain", HS_NO_ADDR, a->err,
			   "process %d is copied while it stands, not forked: "
			   "%s",
			   (int)a->pid, a->fork.why);
}

static enum hs_status copy_standing(struct hs_live_attempt *a)
{
	enum hs_status st = hs_live_prepare(a);
	/* The last moment to say no: while it stands, nobody is asked. */
	if (!st)
		st = hs_live_progress(a, "copying", 0, a->live->copy.bytes);
	return st ? st : hs_live_in_thread(a, hold);
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
	HS_CLEANUP(close_guard) struct hs_live *live = calloc(1, sizeof(*live));
	if (!live)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	hs_target_init(&live->target, &hs_backend_live);
	live->copy = (struct hs_live_copy){ .pagemap_fd = -1, .mem_fd = -1 };
	live->files = (struct hs_live_files){ .root = -1 };

	HS_CLEANUP(attempt_release)
	struct hs_live_attempt a = {
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
		st = hs_live_try_fork(&a, &forked);
	if (!st && opt->pause == HS_PAUSE_MIN && !forked)
		st = note_plain(&a);
	if (!st && !forked)
		st = copy_standing(&a);
	if (!st)
		st = hs_live_progress(&a, "copying", live->copy.copied,
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
