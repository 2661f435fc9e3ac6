/* SPDX-License-Identifier: MIT */
#include "cli/at_exit.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * The program runs under ptrace until one of its threads asks for exit_group.
 * Exit handlers are done by then, and nothing is torn down yet. That call is
 * taken back: the thread is set to make it again, and gets SIGSTOP. Once we
 * let go, the process is an ordinary stopped one, which is copied as any other;
 * SIGCONT makes it exit as it wanted to.
 */

/* A syscall stop, told from a SIGTRAP by PTRACE_O_TRACESYSGOOD. */
#define SYSCALL_STOP (SIGTRAP | 0x80)
/* An x86-64 `syscall`, or an i386 `int $0x80`. */
#define SYSCALL_LEN 2

/* Between fork and exec only calls that may follow fork are made. */
_Noreturn static void become(char **argv, int go)
{
	char byte;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* The answer alone is on our standard output. */
	(void)dup2(STDERR_FILENO, STDOUT_FILENO);
	if (read(go, &byte, 1) != 1)
		_exit(127);
	(void)execvp(argv[0], argv);
	_exit(127);
}

static int fail(struct cli *cli, const char *what)
{
	return cli_fail(cli, EXIT_INPUT, "at-exit", "cannot run '%s': %s: %s",
			cli->opt.args[0], what, strerror(errno));
}

#if defined(__x86_64__)
/* Is thread TID, in a syscall stop, on its way into exit_group? */
static bool wants_to_exit(pid_t tid)
{
	struct __ptrace_syscall_info info;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	bool i386 = info.arch != AUDIT_ARCH_X86_64;
	return info.entry.nr == (i386 ? 252u : (unsigned)SYS_exit_group);
}

/* Make the call a harmless one, and have it made again afterwards. */
static bool take_back(pid_t tid)
{
	struct user_regs_struct regs, again;
	int status;
	if (ptrace(PTRACE_GETREGS, tid, 0, &regs))
		return false;
	again = regs;
	regs.orig_rax = UINT64_MAX; /* no such call: ENOSYS */
	again.rax = again.orig_rax;
	again.orig_rax = UINT64_MAX;
	again.rip -= SYSCALL_LEN;
	return !ptrace(PTRACE_SETREGS, tid, 0, &regs) &&
	       !ptrace(PTRACE_SYSCALL, tid, 0, 0) &&
	       waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status) &&
	       WSTOPSIG(status) == SYSCALL_STOP &&
	       !ptrace(PTRACE_SETREGS, tid, 0, &again);
}
#else
static bool wants_to_exit(pid_t tid)
{
	(void)tid;
	return false;
}

static bool take_back(pid_t tid)
{
	(void)tid;
	return false;
}
#endif

/* The signal that a stopped thread is to get when it goes on. */
static int signal_of(int status)
{
	int event = status >> 16, sig = WSTOPSIG(status);
	return event || sig == SYSCALL_STOP ? 0 : sig;
}

/* A stopped thread, and the signal that it is to get when it goes on. */
struct other {
	pid_t tid;
	int signal;
};
/* Threads beyond these stop with the program all the same, but stay ours: the
 * copy then says that it is not allowed. */
#define MAX_OTHERS 4096

static size_t stop_others(pid_t pid, pid_t tid, struct other *others)
{
	char path[64];
	size_t n = 0;
	(void)snprintf(path, sizeof(path), "/proc/%ld/task", (long)pid);
	DIR *dir = opendir(path);
	for (struct dirent *d; dir && n < MAX_OTHERS && (d = readdir(dir));) {
		pid_t other = (pid_t)strtol(d->d_name, NULL, 10);
		int status;
		if (other <= 0 || other == tid ||
		    ptrace(PTRACE_INTERRUPT, other, 0, 0) ||
		    waitpid(other, &status, __WALL) != other ||
		    !WIFSTOPPED(status))
			continue;
		others[n++] = (struct other){ other, signal_of(status) };
	}
	if (dir)
		(void)closedir(dir);
	return n;
}

/* Let go of the program in such a way that it stops. TID waits already. */
static bool let_go(pid_t pid, pid_t tid)
{
	static struct other others[MAX_OTHERS];
	size_t n = stop_others(pid, tid, others);
	/* To the one thread: it must not make its call before it stops. */
	bool ok = !syscall(SYS_tgkill, pid, tid, SIGSTOP) &&
		  !ptrace(PTRACE_DETACH, tid, 0, 0);
	for (size_t i = 0; i < n; i++)
		(void)ptrace(PTRACE_DETACH, others[i].tid, 0, others[i].signal);
	return ok;
}

/* How the program ended without being asked; never EXIT_ANSWERED. */
static int ended(struct cli *cli, int status)
{
	cli->child = 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return cli_fail(cli, EXIT_INPUT, "at-exit",
				"cannot run '%s': is it a program?",
				cli->opt.args[0]);
	if (WIFSIGNALED(status))
		return cli_fail(cli, EXIT_INPUT, "at-exit",
				"'%s' was killed by signal %d (%s): look at "
				"its core",
				cli->opt.args[0], WTERMSIG(status),
				strsignal(WTERMSIG(status)));
	return cli_fail(cli, EXIT_INPUT, "at-exit",
			"'%s' ended where it could not be stopped",
			cli->opt.args[0]);
}

static int follow(struct cli *cli)
{
	bool runs = false; /* it is the program, not yet another of us */
	for (;;) {
		int status;
		pid_t tid = waitpid(-1, &status, __WALL);
		if (tid < 0 && errno == EINTR)
			continue;
		if (tid < 0)
			return fail(cli, "waitpid");
		if (!WIFSTOPPED(status)) {
			if (tid == cli->child)
				return ended(cli, status);
			continue;
		}
		if (status >> 16 == PTRACE_EVENT_EXEC)
			runs = true;
		if (runs && WSTOPSIG(status) == SYSCALL_STOP &&
		    wants_to_exit(tid)) {
			if (!take_back(tid) || !let_go(cli->child, tid))
				return fail(cli, "ptrace");
			return EXIT_ANSWERED;
		}
		/* A stop of the whole program stays one. */
		bool group = status >> 16 == PTRACE_EVENT_STOP &&
			     WSTOPSIG(status) != SIGTRAP;
		if (group)
			(void)ptrace(PTRACE_LISTEN, tid, 0, 0);
		else
			(void)ptrace(PTRACE_SYSCALL, tid, 0, signal_of(status));
	}
}

int at_exit_run(struct cli *cli)
{
	int go[2];
	if (pipe(go))
		return fail(cli, "pipe");
	out_flush(&cli->out);
	cli->child = fork();
	if (cli->child == 0) {
		(void)close(go[1]);
		become(cli->opt.args, go[0]);
	}
	(void)close(go[0]);
	if (cli->child < 0) {
		cli->child = 0;
		(void)close(go[1]);
		return fail(cli, "fork");
	}
	long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE |
		       PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
	bool traced = !ptrace(PTRACE_SEIZE, cli->child, 0, options) &&
		      !ptrace(PTRACE_INTERRUPT, cli->child, 0, 0);
	int code = EXIT_ANSWERED;
	if (!traced)
		code = fail(cli, "ptrace");
	else if (write(go[1], "g", 1) != 1)
		code = fail(cli, "pipe");
	(void)close(go[1]);
	if (!code)
		code = follow(cli);
	(void)snprintf(cli->child_text, sizeof(cli->child_text), "%ld",
		       (long)cli->child);
	cli->opt.pid = cli->child_text;
	return code;
}

void at_exit_release(struct cli *cli)
{
	int status;
	if (cli->child <= 0)
		return;
	pid_t child = cli->child;
	cli->child = 0;
	(void)kill(child, SIGCONT);
	/* Between its stop and its end it may tell of other things. */
	do {
		if (waitpid(child, &status, __WALL) != child)
			return;
	} while (!WIFEXITED(status) && !WIFSIGNALED(status));
	if (WIFSIGNALED(status))
		cli_note("the program was killed by signal %d",
			 WTERMSIG(status));
	else
		cli_note("the program exited with status %d",
			 WEXITSTATUS(status));
}
