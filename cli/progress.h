/* SPDX-License-Identifier: MIT */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * One line on a terminal's stderr, rewritten in place, and only once the work
 * has taken a second: short work stays quiet. ARG is not used.
 */
bool progress_show(void *arg, const char *what, uint64_t done, uint64_t total);
/* Remove the line again, before anything else is printed. */
void progress_clear(void);

#endif
