/* SPDX-License-Identifier: MIT */
#ifndef CLI_RULES_H
#define CLI_RULES_H

#include "cli/cli.h"

/*
 * The text of what --rules names, for the caller to free; NULL without it: a
 * file, else NAME.rules among those that were installed with the command. Not
 * EXIT_ANSWERED: it was reported.
 */
int rules_load(struct cli *cli, char **ret);

#endif
