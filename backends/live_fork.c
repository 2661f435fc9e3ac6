/* SPDX-License-Identifier: MIT */
#include "backends/live_fork.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backends/live_inject.h"
#include "backends/live_registers.h"
#include "backends/proc_file.h"
#include "core/cleanup.h"
#include "core/limits.h"

#define MS INT64_C(1000000)

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

/* What we tell the helper, a byte each; it answers with one. */
#define HOLD 'h'
#define MAKE 'm'
#define END 'e'
#define DONE 'y'
#define FAILED 'n'

/* Threads that may serve to reap the copy, if the first has ended. */
#define OTHERS 32u
/* How long the helper tries to: a process that was stopped meanwhile, or waits
 * in the kernel, makes no calls. */
#define PATIENCE_REAP (10000 * MS)

/* Memory that both see. The helper must not allocate any. */
struct hs_fork_shared {
	pid_t pid, tid;
	pid_t other[OTHERS];
	size_t others;
	uint64_t instruction;
	enum hs_arch arch;
	struct hs_thread thread;
	uint8_t fp[HS_LIVE_FP_MAX];
	pid_t child;   /* as we know it; 0: none */
	int64_t inner; /* as its parent knows it */
	int64_t since_ns, paused_ns;
	int error; /* errno of clone */
	bool reaped;
};

static int64_t now_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 * MS + t.tv_nsec;
}

/* ---- the helper -------------------------------------------------------- */

/* The next command; END when nobody is there to give one. */
static char next_command(int sock, int parent)
{
	for (;;) {
		struct pollfd p[] = { { .fd = sock, .events = POLLIN },
				      { .fd = parent, .events = POLLIN } };
		char command;
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[0].revents & POLLIN)
			return (char)(read(sock, &command, 1) == 1 ? command
								   : END);
		return END;
	}
}

static bool hold(struct hs_fork_shared *s, struct hs_inject *in)
{
	if (!hs_inject_stop(in, s->tid, &s->since_ns))
		return false;
	if (!hs_live_registers(s->tid, s->arch, &s->thread)) {
		hs_inject_let_go(in);
		return false;
	}
	s->thread.fp_len = hs_live_fp_registers(s->tid, s->fp);
	return true;
}

/*
 * No exit signal: the process hears nothing of the copy's end, and its own
 * wait() does not see it. Descriptors and folders are shared, not copied, so
 * that a file the process closes meanwhile is closed.
 */
static bool make(struct hs_fork_shared *s, struct hs_inject *in)
{
	static const uint64_t args[4] = { CLONE_FILES | CLONE_FS };
	pid_t child = 0;
	int64_t result = 0;
	bool done = hs_inject_call(in, SYS_clone, args, &result, &child);
	hs_inject_let_go(in);
	s->paused_ns = now_ns() - s->since_ns;
	s->error = result < 0 && result > -4096 ? (int)-result : 0;
	if (child > 0) {
		s->inner = result;
		s->child = child;
	}
	return child > 0 && hs_inject_adopt(child) && done && result > 0;
}

/* True: there is nothing left to reap. */
static bool reap_with(struct hs_fork_shared *s, struct hs_inject *in, pid_t tid)
{
	const uint64_t args[4] = { (uint64_t)s->inner, 0, __WALL | WNOHANG, 0 };
	int64_t since = 0, result = 0;
	pid_t none = 0;
	if (!hs_inject_stop(in, tid, &since))
		return false;
	bool done = hs_inject_call(in, SYS_wait4, args, &result, &none);
	hs_inject_let_go(in);
	s->paused_ns += now_ns() - since;
	return done && (result == s->inner || result == -ECHILD);
}

static bool reap(struct hs_fork_shared *s, struct hs_inject *in)
{
	int64_t begin = now_ns();
	while (now_ns() - begin < PATIENCE_REAP) {
		if (reap_with(s, in, s->tid))
			return true;
		for (size_t i = 0; i < s->others; i++)
			if (reap_with(s, in, s->other[i]))
				return true;
		/* With its parent gone, init has reaped it. */
		if (kill(s->pid, 0) != 0 && errno == ESRCH)
			return true;
		(void)nanosleep(&(struct timespec){ .tv_nsec = 20 * MS }, NULL);
	}
	return false;
}

static void serve(struct hs_fork_shared *s, int sock, int parent)
{
	struct hs_inject in = { .instruction = s->instruction };
	bool held = false;
	for (;;) {
		char command = next_command(sock, parent);
		bool done = true;
		if (command == HOLD)
			done = held = hold(s, &in);
		else if (command == MAKE) {
			done = held && make(s, &in);
			held = false;
		} else {
			break;
		}
		char answer = done ? DONE : FAILED;
		(void)!write(sock, &answer, 1);
	}
	if (held)
		hs_inject_let_go(&in);
	s->reaped = true;
	if (s->child > 0) {
		hs_inject_end(s->child);
		s->reaped = reap(s, &in);
	}
	(void)!write(sock, "y", 1);
}

/* ---- our side ---------------------------------------------------------- */

/* A word of smaps' VmFlags. */
static bool has_flag(const char *line, const char *end, const char *flag)
{
	for (; end - line >= 3; line++)
		if (line[0] == ' ' && line[1] == flag[0] && line[2] == flag[1])
			return true;
	return false;
}

/*
 * Memory that a fork leaves out (MADV_DONTFORK) or wipes (MADV_WIPEONFORK)
 * would be missing or zero in the copy. Mappings of the kernel's, and of
 * devices, are not copied anyway.
 */
static bool forks_whole(int dir)
{
	static const char flags[] = "VmFlags:";
	HS_AUTO_FREE char *text = NULL;
	size_t len;
	if (hs_proc_file_read(dir, "smaps", HS_LIMIT_PROC_MAPS, &text, &len))
		return false;
	const char *end = text + len;
	for (const char *line = text; line < end;) {
		const char *eol = memchr(line, '\n', (size_t)(end - line));
		if (!eol)
			eol = end;
		if ((size_t)(eol - line) > sizeof(flags) &&
		    memcmp(line, flags, sizeof(flags) - 1) == 0 &&
		    !has_flag(line, eol, "io") && !has_flag(line, eol, "pf") &&
		    !has_flag(line, eol, "sh") &&
		    (has_flag(line, eol, "dc") || has_flag(line, eol, "wf")))
			return false;
		line = eol + 1;
	}
	return true;
}

const char *hs_live_fork_refuses(const struct hs_proc_status *status, int dir)
{
	if (!hs_inject_supported())
		return "that is done on x86-64 only";
	if (status->seccomp != 0)
		return "a seccomp filter may end it for system calls that are "
		       "not its own";
	if (status->state == 'T' || status->state == 't')
		return "it is stopped already";
	if (!forks_whole(dir))
		return "it has memory that is left out of forks "
		       "(MADV_DONTFORK or MADV_WIPEONFORK)";
	return NULL;
}

/* The kernel's own page of code holds a `syscall` in every process. */
static uint64_t find_instruction(pid_t tid, const struct hs_proc_map_list *maps)
{
	for (size_t i = 0; i < maps->count; i++) {
		const struct hs_proc_map *m = &maps->map[i];
		uint8_t bytes[16384];
		if (!m->path || strcmp(m->path, "[vdso]") != 0)
			continue;
		uint64_t len = m->end - m->start;
		if (len > sizeof(bytes))
			len = sizeof(bytes);
		struct iovec local = { bytes, (size_t)len };
		struct iovec remote = { (void *)(uintptr_t)m->start,
					(size_t)len };
		if (process_vm_readv(tid, &local, 1, &remote, 1, 0) !=
		    (ssize_t)len)
			return 0;
		const uint8_t *at = memmem(bytes, (size_t)len, "\x0f\x05", 2);
		return at ? m->start + (uint64_t)(at - bytes) : 0;
	}
	return 0;
}

static int note_other(void *arg, int tid)
{
	struct hs_fork_shared *s = arg;
	if (tid != s->tid && s->others < OTHERS)
		s->other[s->others++] = tid;
	return 0;
}

static bool refuse(struct hs_live_fork *fork, const char *why)
{
	fork->why = why;
	return false;
}

/* As fork(2), but without a signal when it ends, which is nobody's business
 * but ours, and without running what others want done at a fork. */
static pid_t bare_fork(void)
{
	return (pid_t)syscall(SYS_clone, 0UL, NULL, NULL, NULL, NULL);
}

bool hs_live_fork_start(struct hs_live_fork *fork, pid_t pid, pid_t tid,
			int dir, const struct hs_proc_map_list *maps)
{
	int pair[2];
	uint64_t instruction = find_instruction(tid, maps);
	if (!instruction)
		return refuse(fork, "no place for a system call was found");
	HS_AUTO_CLOSE int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
	if (self < 0)
		return refuse(fork, "this kernel has no pidfd_open");
	fork->shared = mmap(NULL, sizeof(*fork->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (fork->shared == MAP_FAILED) {
		fork->shared = NULL;
		return refuse(fork, "there is no memory for a helper");
	}
	*fork->shared = (struct hs_fork_shared){
		.pid = pid,
		.tid = tid,
		.instruction = instruction,
	};
	(void)hs_proc_file_threads(dir, note_other, fork->shared);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return refuse(fork, "no helper could be started");
	sigset_t all, before;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	fork->helper = bare_fork();
	if (fork->helper == 0) {
		(void)close(pair[0]);
		(void)setsid(); /* what is sent to our group is not for it */
		serve(fork->shared, pair[1], self);
		(void)syscall(SYS_exit_group, 0);
		__builtin_unreachable();
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)close(pair[1]);
	fork->sock = pair[0];
	if (fork->helper < 0) {
		fork->helper = 0;
		return refuse(fork, "no helper could be started");
	}
	return true;
}

static bool ask(const struct hs_live_fork *fork, char command)
{
	char answer = FAILED;
	ssize_t n;
	if (send(fork->sock, &command, 1, MSG_NOSIGNAL) != 1)
		return false;
	do
		n = read(fork->sock, &answer, 1);
	while (n < 0 && errno == EINTR);
	return n == 1 && answer == DONE;
}

bool hs_live_fork_hold(struct hs_live_fork *fork, enum hs_arch arch,
		       struct hs_thread *ret)
{
	struct hs_fork_shared *s = fork->shared;
	s->arch = arch;
	s->thread = (struct hs_thread){ .tid = s->tid,
					.pc = HS_NO_ADDR,
					.sp = HS_NO_ADDR,
					.tls_base = HS_NO_ADDR };
	if (!ask(fork, HOLD))
		return refuse(fork, "its first thread does not stand where a "
				    "system call can be put in");
	*ret = s->thread;
	ret->fp = ret->fp_len ? s->fp : NULL;
	return true;
}

pid_t hs_live_fork_make(struct hs_live_fork *fork)
{
	if (ask(fork, MAKE))
		return fork->shared->child;
	switch (fork->shared->error) {
	case EAGAIN:
		(void)refuse(fork, "it may not have more processes "
				   "(RLIMIT_NPROC, pids.max)");
		break;
	case ENOMEM:
		(void)refuse(fork, "there is no memory for a copy of it");
		break;
	default:
		(void)refuse(fork, "it could not be forked");
	}
	return 0;
}

bool hs_live_fork_end(struct hs_live_fork *fork, int64_t *paused_ns)
{
	bool reaped = true;
	if (fork->helper > 0) {
		int status;
		if (!ask(fork, END) || !fork->shared->reaped)
			reaped = false;
		while (waitpid(fork->helper, &status, __WALL) < 0 &&
		       errno == EINTR)
			continue;
		fork->helper = 0;
		if (paused_ns)
			*paused_ns = fork->shared->paused_ns;
	}
	if (fork->sock >= 0)
		(void)close(fork->sock);
	fork->sock = -1;
	if (fork->shared)
		(void)munmap(fork->shared, sizeof(*fork->shared));
	fork->shared = NULL;
	return reaped;
}
