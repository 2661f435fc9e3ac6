/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_PROC_FILE_H
#define BACKENDS_PROC_FILE_H

#include <stddef.h>

#include "backends/proc_status.h"

/*
 * Read a whole file of /proc, whose size nobody tells beforehand. DIR is an
 * open folder, or AT_FDCWD. *RET gets LEN bytes and a NUL behind them; the
 * caller frees it. Returns 0 or an errno; E2BIG: longer than MAX.
 */
int hs_proc_file_read(int dir, const char *name, size_t max, char **ret,
		      size_t *len);

/* Target of the link NAME, cut off at HS_LIMIT_STRING; caller frees. Returns 0
 * or an errno. */
int hs_proc_file_link(int dir, const char *name, char **ret);

/* Read and parse NAME, a status file. Returns 0 or an errno. */
int hs_proc_file_status(int dir, const char *name, struct hs_proc_status *ret);

/*
 * The threads of the process whose folder is DIR: calls FN with each until it
 * returns non-zero. Returns that, or 0, or -errno.
 */
int hs_proc_file_threads(int dir, int (*fn)(void *arg, int tid), void *arg);

#endif
