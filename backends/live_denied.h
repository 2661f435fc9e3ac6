/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_LIVE_DENIED_H
#define BACKENDS_LIVE_DENIED_H

#include <sys/types.h>

#include "backends/proc_status.h"
#include "core/fail.h"

/* All that bears on why the kernel would not let us at a process. */
struct hs_denial {
	pid_t pid;
	struct hs_proc_status us, them;
	char tracer_name[64];
	int64_t owner;        /* user that /proc/PID belongs to; -1 */
	int64_t yama;         /* kernel.yama.ptrace_scope; -1: no Yama */
	bool no_ptrace;       /* our own system call is filtered away */
	bool inner_user_ns;   /* we live in a user namespace, not the first */
	char lsm_profile[96]; /* what confines us; "": nothing */
};

/*
 * Name the one cause and its cure in ERR. Pure: tests make up the facts.
 * Always returns HS_ERR_PERMISSION.
 */
enum hs_status hs_denial_explain(const struct hs_denial *facts,
				 struct hs_error *err);

/* Collect the facts about process PID, whose folder is DIR, or whose thread
 * TID was refused, and explain. */
enum hs_status hs_live_denied(pid_t pid, pid_t tid, int dir,
			      struct hs_error *err);

#endif
