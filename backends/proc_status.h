/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_PROC_STATUS_H
#define BACKENDS_PROC_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What /proc/PID/status says of a process or thread. Numbers are -1, and masks
 * 0, where the kernel did not write the line.
 */
struct hs_proc_status {
	char name[64]; /* of the thread, as the kernel escaped it */
	char state;    /* 'R', 'S', 'D', 'T', 't', 'Z', 'X' ...; 0: unknown */
	int64_t tgid, ppid, tracer; /* tracer 0: none */
	int64_t inner_pid; /* in its own pid namespace: last of NSpid */
	bool nested_pid;   /* that namespace is not ours */
	int64_t uid[3];    /* real, effective, saved */
	int64_t seccomp;   /* 0 none, 1 strict, 2 filter */
	bool has_memory;   /* it has an address space: it is no kernel thread,
			    * and has not begun to end */
	int64_t kthread;   /* 1: a kernel thread; 0: none; -1: the kernel does
			    * not say (before 6.8) */
	uint64_t permitted, effective; /* capabilities */
};

/* Parse LEN bytes of TEXT, which may be cut anywhere. Cannot fail: what is not
 * there is not known. */
void hs_proc_status_parse(const char *text, size_t len,
			  struct hs_proc_status *ret);

#endif
