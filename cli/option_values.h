/* SPDX-License-Identifier: MIT */
#ifndef CLI_OPTION_VALUES_H
#define CLI_OPTION_VALUES_H

#include "cli/options.h"

/* Set what the option SPEC says, with VALUE, or NULL where it takes none.
 * False: OPT->problem tells what is wrong with it. */
bool option_take(struct options *opt, const struct option_spec *spec,
		 const char *value);

/* Keep why OPT cannot be used, and the exit STATUS for it; returns false. */
bool option_fail(struct options *opt, int status, const char *fmt, ...)
	__attribute__((__format__(__printf__, 3, 4)));

#endif
