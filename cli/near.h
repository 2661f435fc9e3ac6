/* SPDX-License-Identifier: MIT */
#ifndef CLI_NEAR_H
#define CLI_NEAR_H

#include <stdbool.h>

/* Is WORD probably a slip for NAME: one edit for short names, two for long. */
bool is_near(const char *name, const char *word);

#endif
