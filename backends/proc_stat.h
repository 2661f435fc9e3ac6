/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_PROC_STAT_H
#define BACKENDS_PROC_STAT_H

#include <stdint.h>

/* What /proc/PID/stat says of a process. */
struct hs_proc_stat {
	int64_t ppid, session; /* -1: not known */
	uint64_t started_ns;   /* since 1970; 0: not known */
};

/*
 * Parse TEXT, the content of a stat file, which ends with a NUL. TICKS is the
 * number of clock ticks in a second, BOOT_NS when the machine was started.
 * What is not there is not known.
 */
void hs_proc_stat_parse(const char *text, uint64_t ticks, uint64_t boot_ns,
			struct hs_proc_stat *ret);

/* Of the process whose folder is DIR. */
void hs_proc_stat_read(int dir, struct hs_proc_stat *ret);

#endif
