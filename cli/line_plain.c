/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <unistd.h>

#include "cli/line.h"

/* For the static command, which has no library to edit lines with: whoever
 * wants that runs it below rlwrap(1). */

void line_init(line_words_fn words)
{
	(void)words;
}

char *line_read(const char *prompt)
{
	if (isatty(STDIN_FILENO)) {
		(void)fputs(prompt, stderr);
		(void)fflush(stderr);
	}
	return line_get();
}
