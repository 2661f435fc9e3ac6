/* SPDX-License-Identifier: MIT */
#ifndef CLI_EXPORT_LEAKS_H
#define CLI_EXPORT_LEAKS_H

#include "cli/export.h"

/*
 * Leaked blocks from which all others are reached: those that nothing points
 * to, and one of each cycle that nothing else leads to.
 */
struct export_leak_heads {
	size_t *chunk; /* ascending */
	size_t count;
};

/* Not EXIT_ANSWERED: it was reported. */
int export_leak_heads_find(struct export_leak_heads *ret,
			   struct export_job *job);
void export_leak_heads_release(struct export_leak_heads *heads);

#endif
