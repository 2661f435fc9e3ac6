/* SPDX-License-Identifier: MIT */
#include "backends/proc_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/cleanup.h"
#include "core/limits.h"

int hs_proc_file_read(int dir, const char *name, size_t max, char **ret,
		      size_t *len)
{
	HS_AUTO_CLOSE int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	size_t capacity = 4096, n = 0;
	HS_AUTO_FREE char *text = malloc(capacity + 1);
	if (!text)
		return ENOMEM;
	for (;;) {
		ssize_t got = read(fd, text + n, capacity - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return errno;
		if (got == 0)
			break;
		n += (size_t)got;
		if (n < capacity)
			continue;
		if (capacity >= max)
			return E2BIG;
		capacity = capacity > max / 2 ? max : capacity * 2;
		char *bigger = realloc(text, capacity + 1);
		if (!bigger)
			return ENOMEM;
		text = bigger;
	}
	text[n] = '\0';
	*len = n;
	*ret = HS_TAKE(text);
	return 0;
}

int hs_proc_file_link(int dir, const char *name, char **ret)
{
	HS_AUTO_FREE char *path = malloc(HS_LIMIT_STRING + 1);
	if (!path)
		return ENOMEM;
	ssize_t n = readlinkat(dir, name, path, HS_LIMIT_STRING);
	if (n < 0)
		return errno;
	path[n] = '\0';
	*ret = HS_TAKE(path);
	return 0;
}

int hs_proc_file_status(int dir, const char *name, struct hs_proc_status *ret)
{
	HS_AUTO_FREE char *text = NULL;
	size_t len;
	int why =
		hs_proc_file_read(dir, name, HS_LIMIT_PROC_STATUS, &text, &len);
	if (why)
		return why;
	hs_proc_status_parse(text, len, ret);
	return 0;
}

static void close_folder(DIR **dir)
{
	if (*dir)
		(void)closedir(*dir);
}

int hs_proc_file_threads(int dir, int (*fn)(void *arg, int tid), void *arg)
{
	int fd = openat(dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	HS_CLEANUP(close_folder) DIR *task = fdopendir(fd);
	if (!task) {
		int why = errno;
		(void)close(fd);
		return -why;
	}
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(task);
		if (!entry)
			return -errno;
		char *end;
		long tid = strtol(entry->d_name, &end, 10);
		if (*end || tid <= 0 || tid > (long)HS_LIMIT_THREADS)
			continue; /* "." and ".." */
		int stop = fn(arg, (int)tid);
		if (stop)
			return stop;
	}
}
