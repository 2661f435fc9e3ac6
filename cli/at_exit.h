/* SPDX-License-Identifier: MIT */
#ifndef CLI_AT_EXIT_H
#define CLI_AT_EXIT_H

#include "cli/cli.h"

/*
 * Run the program that the arguments name until it is about to exit, and leave
 * it stopped there, its handlers done and its memory whole; it becomes the
 * target. Not EXIT_ANSWERED: it was reported.
 */
int at_exit_run(struct cli *cli);
/* Let it exit, and say how it ended. Nothing when there is none. */
void at_exit_release(struct cli *cli);

#endif
