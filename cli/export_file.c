/* SPDX-License-Identifier: MIT */
#include "cli/export_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* For the signal handler, which has no other way to know. */
static const char *volatile unfinished;

/* Only calls that are safe in a signal handler. */
static void on_interrupt(int number)
{
	const char *path = unfinished;
	if (path)
		(void)unlink(path);
	(void)raise(number); /* the default action, as we return */
}

static void catch_interrupts(void)
{
	static const int numbers[] = { SIGHUP, SIGINT, SIGTERM, SIGPIPE };
	struct sigaction action = { .sa_handler = on_interrupt,
				    .sa_flags = (int)SA_RESETHAND };
	(void)sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
		struct sigaction was;
		/* What nohup(1) ignores stays ignored. */
		if (sigaction(numbers[i], NULL, &was) == 0 &&
		    was.sa_handler == SIG_DFL)
			(void)sigaction(numbers[i], &action, NULL);
	}
	(void)signal(SIGXFSZ, SIG_IGN); /* write() says it as well */
}

static int is_there(struct cli *cli, const char *path)
{
	return cli_usage(cli, "'%s' is there already; --force replaces it",
			 path);
}

static int check_path(struct cli *cli, const char *path, bool force)
{
	struct stat st;
	if (lstat(path, &st))
		return EXIT_ANSWERED; /* what is wrong, opening will tell */
	if (S_ISDIR(st.st_mode))
		return cli_usage(cli, "'%s' is a folder", path);
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return cli_usage(cli,
				 "'%s' is no ordinary file; -o - writes to "
				 "standard output",
				 path);
	return force ? EXIT_ANSWERED : is_there(cli, path);
}

int export_file_open(struct export_file *file, struct cli *cli,
		     const char *path, bool force)
{
	*file = (struct export_file){ .path = path, .fd = -1 };
	int code = check_path(cli, path, force);
	if (code)
		return code;
	char *partial;
	if (asprintf(&partial, "%s.partial-XXXXXX", path) < 0)
		return cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_NOMEM),
				"no memory");
	catch_interrupts();
	file->fd = mkostemp(partial, O_CLOEXEC); /* 0600 */
	if (file->fd < 0) {
		code = cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_IO),
				"cannot write '%s': %s", path, strerror(errno));
		free(partial);
		return code;
	}
	file->partial = partial;
	unfinished = partial;
	return EXIT_ANSWERED;
}

/* Atomically, and never over another file. */
static int rename_new(const char *from, const char *to)
{
	/* By number: not every C library has it by name. */
	if (syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to,
		    RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	return link(from, to) ? -1 : unlink(from); /* an old file system */
}

int export_file_keep(struct export_file *file, struct cli *cli, bool force)
{
	int failed = fsync(file->fd);
	if (close(file->fd))
		failed = -1;
	file->fd = -1;
	if (!failed)
		failed = force ? rename(file->partial, file->path)
			       : rename_new(file->partial, file->path);
	if (failed && errno == EEXIST)
		return is_there(cli, file->path);
	if (failed)
		return cli_fail(cli, EXIT_INPUT, hs_status_name(HS_ERR_IO),
				"cannot write '%s': %s", file->path,
				strerror(errno));
	unfinished = NULL;
	free(file->partial);
	file->partial = NULL;
	return EXIT_ANSWERED;
}

void export_file_release(struct export_file *file)
{
	if (file->fd >= 0)
		(void)close(file->fd);
	file->fd = -1;
	if (!file->partial)
		return;
	(void)unlink(file->partial);
	unfinished = NULL;
	free(file->partial);
	file->partial = NULL;
}
