/* SPDX-License-Identifier: MIT */
#ifndef CLI_EXPORT_FILE_H
#define CLI_EXPORT_FILE_H

#include "cli/cli.h"

/*
 * A file that nobody but its owner may read and that is seen under its name
 * only when it is whole: until then it is PATH.partial-XXXXXX, which is
 * removed when the work fails or is interrupted.
 */
struct export_file {
	const char *path; /* borrowed */
	char *partial;    /* NULL: nothing is open */
	int fd;
};

/* Not EXIT_ANSWERED: it was reported. Without FORCE a file that is there is an
 * error, now or at the end. */
int export_file_open(struct export_file *file, struct cli *cli,
		     const char *path, bool force);
/* Give it its name. */
int export_file_keep(struct export_file *file, struct cli *cli, bool force);
/* Remove it, unless it was kept. */
void export_file_release(struct export_file *file);

#endif
