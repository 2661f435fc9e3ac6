/* SPDX-License-Identifier: MIT */
#include "backends/live_denied.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>

#include "backends/proc_file.h"
#include "core/cleanup.h"

#define CAP_SYS_PTRACE_BIT (UINT64_C(1) << 19)
#define ENOUGH ((size_t)1 << 16)

static bool same_user(const struct hs_denial *f)
{
	for (size_t i = 0; i < 3; i++)
		if (f->them.uid[i] != f->us.uid[1])
			return false;
	return true;
}

static enum hs_status yama(const struct hs_denial *f, struct hs_error *err)
{
	if (f->yama >= 3)
		return hs_fail(err, HS_ERR_PERMISSION,
			       "nobody may read other processes here: "
			       "kernel.yama.ptrace_scope is 3; set it lower at "
			       "boot");
	if (f->yama == 2)
		return hs_fail(err, HS_ERR_PERMISSION,
			       "only root may read other processes here: "
			       "kernel.yama.ptrace_scope is 2; run heapscan as "
			       "root");
	return hs_fail(err, HS_ERR_PERMISSION,
		       "kernel.yama.ptrace_scope is 1, so only the parent of "
		       "process %d may read it: run heapscan as root, or "
		       "'sysctl kernel.yama.ptrace_scope=0'",
		       (int)f->pid);
}

/*
 * In the order in which the kernel asks (__ptrace_may_access in
 * kernel/ptrace.c): user, dumpable, Yama, capabilities. With CAP_SYS_PTRACE
 * most of it is no hindrance, unless it counts in our user namespace only.
 */
enum hs_status hs_denial_explain(const struct hs_denial *f,
				 struct hs_error *err)
{
	int pid = (int)f->pid;
	bool capable = f->us.effective & CAP_SYS_PTRACE_BIT;
	if (f->them.tracer > 0)
		return hs_fail(err, HS_ERR_PERMISSION,
			       "process %d is being traced by process %" PRId64
			       " (%s): end that first, or let it take a core",
			       pid, f->them.tracer, f->tracer_name);
	if (f->no_ptrace)
		return hs_fail(err, HS_ERR_PERMISSION,
			       "ptrace is forbidden to heapscan itself by a "
			       "seccomp filter: run it outside the sandbox, or "
			       "the container with --cap-add SYS_PTRACE");
	if (f->yama >= 3)
		return yama(f, err);
	if (capable && f->inner_user_ns)
		return hs_fail(err, HS_ERR_PERMISSION,
			       "process %d belongs to another user namespace, "
			       "where heapscan has no rights: run it as root "
			       "outside of this one",
			       pid);
	if (!capable && !same_user(f))
		return hs_fail(err, HS_ERR_PERMISSION,
			       "process %d belongs to user %" PRId64
			       ", heapscan runs as user %" PRId64
			       ": run it as root or as that user",
			       pid, f->them.uid[1], f->us.uid[1]);
	if (!capable && f->owner >= 0 && f->owner != f->them.uid[1])
		return hs_fail(err, HS_ERR_PERMISSION,
			       "process %d is not dumpable (it changed its "
			       "user or capabilities, or forbade it with "
			       "prctl): run heapscan as root",
			       pid);
	if (!capable && (f->them.permitted & ~f->us.permitted))
		return hs_fail(err, HS_ERR_PERMISSION,
			       "process %d has capabilities that heapscan has "
			       "not: run heapscan as root",
			       pid);
	if (!capable && f->yama > 0)
		return yama(f, err);
	if (f->lsm_profile[0])
		return hs_fail(err, HS_ERR_PERMISSION,
			       "the security module refuses to let heapscan, "
			       "confined by '%s', read process %d: run it "
			       "unconfined",
			       f->lsm_profile, pid);
	if (!capable)
		return hs_fail(err, HS_ERR_PERMISSION,
			       "not permitted to read process %d: run heapscan "
			       "as root or with CAP_SYS_PTRACE",
			       pid);
	return hs_fail(err, HS_ERR_PERMISSION,
		       "the kernel does not let even root read process %d: a "
		       "security module or lockdown forbids it",
		       pid);
}

/* First line of the file NAME, at most SIZE - 1 bytes. */
static bool first_line(int dir, const char *name, char *out, size_t size)
{
	HS_AUTO_FREE char *text = NULL;
	size_t len;
	if (hs_proc_file_read(dir, name, ENOUGH, &text, &len))
		return false;
	size_t n = strcspn(text, "\n");
	if (n >= size)
		n = size - 1;
	memcpy(out, text, n);
	out[n] = '\0';
	return true;
}

static int64_t yama_scope(void)
{
	char line[32];
	if (!first_line(AT_FDCWD, "/proc/sys/kernel/yama/ptrace_scope", line,
			sizeof(line)))
		return -1;
	return strtol(line, NULL, 10);
}

/* A question about a process that cannot be has one answer, unless the call
 * never gets to the kernel. */
static bool ptrace_is_filtered(void)
{
	errno = 0;
	return ptrace(PTRACE_PEEKUSER, (pid_t)INT_MAX, NULL, NULL) == -1 &&
	       (errno == EPERM || errno == EACCES || errno == ENOSYS);
}

/* A number of *TEXT, which is behind it then; -1 where there is none. */
static int64_t take_id(const char **text)
{
	char *end;
	errno = 0;
	long long value = strtoll(*text, &end, 10);
	if (end == *text || errno || value < 0)
		return -1;
	*text = end;
	return value;
}

/* The first namespace maps all ids to themselves. */
static bool in_inner_user_ns(void)
{
	char line[128];
	const char *rest = line;
	if (!first_line(AT_FDCWD, "/proc/self/uid_map", line, sizeof(line)))
		return false;
	int64_t inner = take_id(&rest);
	int64_t outer = take_id(&rest);
	int64_t count = take_id(&rest);
	if (inner < 0 || outer < 0 || count < 0)
		return false;
	return inner != 0 || outer != 0 || count != UINT32_MAX;
}

enum hs_status hs_live_denied(pid_t pid, pid_t tid, int dir,
			      struct hs_error *err)
{
	struct hs_denial f = { .pid = pid, .owner = -1 };
	struct stat info;
	char name[64];
	(void)snprintf(name, sizeof(name), "task/%d/status", (int)tid);
	if (hs_proc_file_status(AT_FDCWD, "/proc/self/status", &f.us) ||
	    hs_proc_file_status(dir, name, &f.them))
		return hs_fail(err, HS_ERR_PERMISSION,
			       "not permitted to read process %d: run heapscan "
			       "as root or with CAP_SYS_PTRACE",
			       (int)pid);
	/* What a process keeps to itself belongs to root in /proc. */
	if (fstatat(dir, "environ", &info, AT_SYMLINK_NOFOLLOW) == 0)
		f.owner = info.st_uid;
	if (f.them.tracer > 0) {
		(void)snprintf(name, sizeof(name), "/proc/%" PRId64 "/comm",
			       f.them.tracer);
		if (!first_line(AT_FDCWD, name, f.tracer_name,
				sizeof(f.tracer_name)))
			(void)snprintf(f.tracer_name, sizeof(f.tracer_name),
				       "of unknown name");
	}
	f.yama = yama_scope();
	f.no_ptrace = ptrace_is_filtered();
	f.inner_user_ns = in_inner_user_ns();
	if (!first_line(AT_FDCWD, "/proc/self/attr/current", f.lsm_profile,
			sizeof(f.lsm_profile)) ||
	    strncmp(f.lsm_profile, "unconfined", 10) == 0)
		f.lsm_profile[0] = '\0';
	return hs_denial_explain(&f, err);
}
