/* SPDX-License-Identifier: MIT */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* Set by a signal handler: the work at hand is to be given up. */
extern volatile sig_atomic_t progress_stop;

/*
 * One line on a terminal's stderr, rewritten in place, and only once the work
 * has taken a second: short work stays quiet. What is counted in bytes is shown
 * with them and their rate. ARG is not used.
 * False when the work is to be given up.
 */
bool progress_show(void *arg, const char *what, uint64_t done, uint64_t total);
/* Another answer, which may be a quick one again. */
void progress_begin(void);
/* Remove the line again, before anything else is printed. */
void progress_clear(void);

#endif
