/* SPDX-License-Identifier: MIT */
#include "backends/live_inject.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)

#define MS INT64_C(1000000)
/* A thread that sleeps uninterruptibly does not stop; fork takes some 20 ms
 * for each gigabyte, and far more on a machine without memory to spare. */
#define PATIENCE_STOP (500 * MS)
#define PATIENCE_CALL (60000 * MS)
/* How often a thread that is at a bad place is let go and stopped anew. */
#define TRIES 50u

#define SYSCALL_STOP (SIGTRAP | 0x80) /* PTRACE_O_TRACESYSGOOD */
#define CODE_64BIT 0x33u              /* the kernel's __USER_CS */
#define OPTIONS                                                                \
	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |    \
	 PTRACE_O_TRACECLONE)

/* <linux/ptrace.h> has these, but does not go together with ours. */
#ifndef PTRACE_GETSIGMASK
#define PTRACE_GETSIGMASK 0x420a
#define PTRACE_SETSIGMASK 0x420b
#endif
#ifndef PTRACE_GET_RSEQ_CONFIGURATION
#define PTRACE_GET_RSEQ_CONFIGURATION 0x420f
#endif
#define KERNEL_SIGSET_LEN 8

bool hs_inject_supported(void)
{
	return true;
}

static int64_t now_ns(void)
{
	struct timespec t;
	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 * MS + t.tv_nsec;
}

/* The system call: each C library declares ptrace() differently. */
static long trace(int request, pid_t tid, uint64_t addr, void *data)
{
	return syscall(SYS_ptrace, (long)request, tid, addr, data);
}

/* The next stop of TID; -1: it is gone, or does not come within PATIENCE. */
static int wait_stop(pid_t tid, int64_t patience)
{
	int64_t begin = now_ns();
	for (unsigned turn = 0;; turn++) {
		int status;
		pid_t got = waitpid(tid, &status, __WALL | WNOHANG);
		if (got == tid)
			return WIFSTOPPED(status) ? status : -1;
		if (got < 0 && errno != EINTR)
			return -1;
		if (now_ns() - begin > patience)
			return -1;
		if (turn < 500)
			(void)sched_yield();
		else
			(void)nanosleep(
				&(struct timespec){ .tv_nsec = MS / 20 }, NULL);
	}
}

static unsigned event_of(int status)
{
	return (unsigned)status >> 16;
}

static bool peek(pid_t tid, uint64_t addr, uint64_t *ret)
{
	/* The system call stores the word; it is the C library that returns
	 * it. */
	return trace(PTRACE_PEEKDATA, tid, addr, ret) == 0;
}

/*
 * The kernel ends a restartable sequence by sending the thread elsewhere when
 * it next runs. It would look for it where our system call is, find none, and
 * forget it: so a thread that is in one is not for us.
 */
static bool in_sequence(pid_t tid)
{
	struct {
		uint64_t area;
		uint32_t size, signature, flags, pad;
	} rseq;
	uint64_t current;
	if (trace(PTRACE_GET_RSEQ_CONFIGURATION, tid, sizeof(rseq), &rseq) !=
		    sizeof(rseq) ||
	    rseq.area == 0)
		return false;
	return !peek(tid, rseq.area + 8, &current) || current != 0;
}

/* At a good place, told to stop by us and by nobody else? */
static bool stands_well(pid_t tid, int status)
{
	struct user_regs_struct r;
	if (event_of(status) != PTRACE_EVENT_STOP ||
	    WSTOPSIG(status) != SIGTRAP ||
	    trace(PTRACE_GETREGS, tid, 0, &r) != 0 || r.cs != CODE_64BIT)
		return false;
	/* Within a system call there are no sequences. */
	return (int64_t)r.orig_rax >= 0 || !in_sequence(tid);
}

/* As it would have run without us: with the signal it was about to get. */
static void run_on(pid_t tid, int status)
{
	uintptr_t signal = event_of(status) ? 0 : (uintptr_t)WSTOPSIG(status);
	(void)trace(PTRACE_DETACH, tid, 0, (void *)signal);
}

bool hs_inject_stop(struct hs_inject *in, pid_t tid, int64_t *since_ns)
{
	*in = (struct hs_inject){ .tid = tid, .instruction = in->instruction };
	for (unsigned turn = 0; turn < TRIES; turn++) {
		if (trace(PTRACE_SEIZE, tid, 0, (void *)OPTIONS) != 0)
			return false;
		if (since_ns)
			*since_ns = now_ns();
		/* ESRCH: it is ending, and waitpid() will say so. */
		(void)trace(PTRACE_INTERRUPT, tid, 0, NULL);
		int status = wait_stop(tid, PATIENCE_STOP);
		if (status < 0)
			return false; /* let go of when we end */
		if (stands_well(tid, status))
			return true;
		run_on(tid, status);
		(void)nanosleep(&(struct timespec){ .tv_nsec = MS / 5 }, NULL);
	}
	return false;
}

void hs_inject_let_go(struct hs_inject *in)
{
	(void)trace(PTRACE_DETACH, in->tid, 0, NULL);
	if (in->was_stopped)
		(void)syscall(SYS_tkill, in->tid, SIGSTOP);
}

/* Are the bytes of a `syscall` at ADDR? */
static bool is_syscall(pid_t tid, uint64_t addr)
{
	uint64_t word;
	return addr && peek(tid, addr, &word) && (word & 0xffff) == 0x050f;
}

/*
 * Resume with REQUEST until the stop WANTED: SYSCALL_STOP, or PTRACE_EVENT_STOP
 * in the upper half. What else happens on the way is noted and passed by.
 */
static bool go_to(struct hs_inject *in, int request, int wanted, pid_t *child)
{
	for (unsigned turn = 0; turn < 64; turn++) {
		if (trace(request, in->tid, 0, NULL) != 0)
			return false;
		int status = wait_stop(in->tid, PATIENCE_CALL);
		if (status < 0)
			return false;
		unsigned event = event_of(status);
		if (wanted == SYSCALL_STOP
			    ? !event && WSTOPSIG(status) == SYSCALL_STOP
			    : event == PTRACE_EVENT_STOP)
			return true;
		if (event == PTRACE_EVENT_CLONE || event == PTRACE_EVENT_FORK) {
			unsigned long pid = 0;
			(void)trace(PTRACE_GETEVENTMSG, in->tid, 0, &pid);
			*child = (pid_t)pid;
		} else if (!event && WSTOPSIG(status) == SIGSTOP) {
			/* All others are blocked. */
			in->was_stopped = true;
		}
	}
	return false;
}

/* The call itself, from an event stop to an event stop. */
static bool call(struct hs_inject *in, long nr, const uint64_t args[4],
		 const struct user_regs_struct *before, int64_t *result,
		 pid_t *child)
{
	struct user_regs_struct r = *before;
	r.rip = in->instruction;
	r.rax = (uint64_t)nr;
	r.rdi = args[0];
	r.rsi = args[1];
	r.rdx = args[2];
	r.r10 = args[3];
	r.r8 = 0;
	/* Else the kernel would restart the interrupted call with these. */
	r.orig_rax = UINT64_MAX;
	if (trace(PTRACE_SETREGS, in->tid, 0, &r) != 0 ||
	    !go_to(in, PTRACE_SYSCALL, SYSCALL_STOP, child) || /* its begin */
	    !go_to(in, PTRACE_SYSCALL, SYSCALL_STOP, child) || /* its end */
	    trace(PTRACE_GETREGS, in->tid, 0, &r) != 0)
		return false;
	*result = (int64_t)r.rax;
	/* Only behind an event stop does the kernel look whether a call is to
	 * be restarted. */
	return trace(PTRACE_INTERRUPT, in->tid, 0, NULL) == 0 &&
	       go_to(in, PTRACE_CONT, PTRACE_EVENT_STOP << 16, child);
}

bool hs_inject_call(struct hs_inject *in, long nr, const uint64_t args[4],
		    int64_t *result, pid_t *child)
{
	struct user_regs_struct before;
	uint64_t mask = 0, all = UINT64_MAX;
	if (trace(PTRACE_GETREGS, in->tid, 0, &before) != 0)
		return false;
	/* A program that was exec'ed meanwhile has its code elsewhere, but a
	 * thread within a call stands right behind such an instruction. */
	if (!is_syscall(in->tid, in->instruction)) {
		if ((int64_t)before.orig_rax < 0 ||
		    !is_syscall(in->tid, before.rip - 2))
			return false;
		in->instruction = before.rip - 2;
	}
	if (trace(PTRACE_GETSIGMASK, in->tid, KERNEL_SIGSET_LEN, &mask) != 0 ||
	    trace(PTRACE_SETSIGMASK, in->tid, KERNEL_SIGSET_LEN, &all) != 0)
		return false;
	bool done = call(in, nr, args, &before, result, child);
	bool back = trace(PTRACE_SETREGS, in->tid, 0, &before) == 0;
	back &= trace(PTRACE_SETSIGMASK, in->tid, KERNEL_SIGSET_LEN, &mask) ==
		0;
	return done && back;
}

bool hs_inject_adopt(pid_t child)
{
	return wait_stop(child, PATIENCE_STOP) >= 0 &&
	       trace(PTRACE_SETOPTIONS, child, 0,
		     (void *)(uintptr_t)PTRACE_O_EXITKILL) == 0;
}

void hs_inject_end(pid_t child)
{
	int status;
	pid_t got;
	(void)kill(child, SIGKILL);
	do /* memory of gigabytes takes a while to be given back */
		got = waitpid(child, &status, __WALL);
	while ((got == child && WIFSTOPPED(status)) ||
	       (got < 0 && errno == EINTR));
}

#else /* other machines have other instructions and numbers */

bool hs_inject_supported(void)
{
	return false;
}

bool hs_inject_stop(struct hs_inject *in, pid_t tid, int64_t *since_ns)
{
	(void)in;
	(void)tid;
	(void)since_ns;
	return false;
}

bool hs_inject_call(struct hs_inject *in, long nr, const uint64_t args[4],
		    int64_t *result, pid_t *child)
{
	(void)in;
	(void)nr;
	(void)args;
	(void)result;
	(void)child;
	return false;
}

bool hs_inject_adopt(pid_t child)
{
	(void)child;
	return false;
}

void hs_inject_end(pid_t child)
{
	(void)child;
}

void hs_inject_let_go(struct hs_inject *in)
{
	(void)in;
}

#endif
