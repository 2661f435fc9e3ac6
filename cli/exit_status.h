/* SPDX-License-Identifier: MIT */
#ifndef CLI_EXIT_STATUS_H
#define CLI_EXIT_STATUS_H

/* What scripts rely on; documented in heapscan(1). Never renumber. */
enum exit_status {
	EXIT_ANSWERED = 0,
	EXIT_FOUND = 1,      /* answered, and check or leaks found something */
	EXIT_USAGE = 2,      /* the command line is wrong */
	EXIT_DENIED = 3,     /* not permitted to attach or to read */
	EXIT_INPUT = 4,      /* not readable as what it claims to be */
	EXIT_INCOMPLETE = 5, /* answered, but needed memory was missing */
};

#endif
