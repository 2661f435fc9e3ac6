/* SPDX-License-Identifier: MIT */
#include "backends/out_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BUFFER ((size_t)256 << 10)
/* One write(2) takes at most 2 GiB less a page. */
#define WRITE_MAX ((size_t)1 << 30)

static enum hs_status taken(const char *path, struct hs_error *err)
{
	return hs_fail(err, HS_ERR_INVALID,
		       "'%s' exists already: choose another name, or --force "
		       "to replace it",
		       path);
}

static enum hs_status cannot(const char *path, int why, struct hs_error *err)
{
	if (why == EACCES || why == EPERM || why == EROFS)
		return hs_fail(err, HS_ERR_PERMISSION, "cannot write '%s': %s",
			       path, strerror(why));
	if (why == ENOENT || why == ENOTDIR)
		return hs_fail(err, HS_ERR_NO_TARGET,
			       "cannot write '%s': there is no such folder",
			       path);
	return hs_fail_errno(err, why, "cannot write '%s': %s", path,
			     strerror(why));
}

enum hs_status hs_out_file_create(struct hs_out_file *file, const char *path,
				  bool replace, struct hs_error *err)
{
	static const char tail[] = ".partial";
	struct stat s;
	*file = HS_OUT_FILE_NONE;
	if (lstat(path, &s) == 0 && !replace)
		return taken(path, err);
	/* What is no plain file cannot be replaced by renaming. */
	if (stat(path, &s) == 0 && !S_ISREG(s.st_mode))
		return hs_fail(
			err, HS_ERR_INVALID,
			"'%s' is no plain file: a dump is written under "
			"another name first and renamed when it is whole",
			path);
	file->path = strdup(path);
	file->buf = malloc(BUFFER);
	if (!file->path || !file->buf ||
	    asprintf(&file->partial, "%s.XXXXXX%s", path, tail) < 0) {
		file->partial = NULL;
		hs_out_file_release(file);
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	}
	file->replace = replace;
	file->fd = mkostemps(file->partial, (int)strlen(tail), O_CLOEXEC);
	if (file->fd < 0) {
		int why = errno;
		free(file->partial);
		file->partial = NULL;
		hs_out_file_release(file);
		return cannot(path, why, err);
	}
	return HS_OK;
}

void hs_out_file_release(struct hs_out_file *file)
{
	if (file->fd >= 0)
		(void)close(file->fd);
	if (file->partial)
		(void)unlink(file->partial);
	free(file->path);
	free(file->partial);
	free(file->buf);
	*file = HS_OUT_FILE_NONE;
}

static enum hs_status put(const struct hs_out_file *file, const uint8_t *bytes,
			  size_t len, struct hs_error *err)
{
	while (len > 0) {
		size_t want = len < WRITE_MAX ? len : WRITE_MAX;
		ssize_t n = write(file->fd, bytes, want);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return cannot(file->path, n < 0 ? errno : EIO, err);
		bytes += n;
		len -= (size_t)n;
	}
	return HS_OK;
}

static enum hs_status flush(struct hs_out_file *file, struct hs_error *err)
{
	size_t used = file->used;
	file->used = 0;
	return put(file, file->buf, used, err);
}

enum hs_status hs_out_file_write(struct hs_out_file *file, const void *bytes,
				 size_t len, struct hs_error *err)
{
	file->at += len;
	if (len > BUFFER - file->used) {
		enum hs_status st = flush(file, err);
		if (st)
			return st;
	}
	if (len > BUFFER)
		return put(file, bytes, len, err);
	memcpy(file->buf + file->used, bytes, len);
	file->used += len;
	return HS_OK;
}

enum hs_status hs_out_file_skip(struct hs_out_file *file, uint64_t len,
				struct hs_error *err)
{
	enum hs_status st = flush(file, err);
	if (st)
		return st;
	file->at += len;
	if (len > INT64_MAX || file->at > INT64_MAX ||
	    lseek(file->fd, (off_t)len, SEEK_CUR) < 0)
		return cannot(file->path, EFBIG, err);
	return HS_OK;
}

enum hs_status hs_out_file_commit(struct hs_out_file *file,
				  struct hs_error *err)
{
	enum hs_status st = flush(file, err);
	if (st)
		return st;
	/* A hole at the end is no end yet. What the disk refuses late, it
	 * refuses here: a name promises that the bytes are there. */
	if (ftruncate(file->fd, (off_t)file->at) || fsync(file->fd))
		return cannot(file->path, errno, err);
	int fd = file->fd;
	file->fd = -1;
	if (close(fd))
		return cannot(file->path, errno, err);
	/* By number: not every C library has it by name. */
	int bad = file->replace ? rename(file->partial, file->path)
				: (int)syscall(SYS_renameat2, AT_FDCWD,
					       file->partial, AT_FDCWD,
					       file->path, RENAME_NOREPLACE);
	/* Not every file system knows how not to replace; a link does not. */
	if (bad && !file->replace && (errno == EINVAL || errno == ENOSYS)) {
		bad = link(file->partial, file->path);
		if (!bad)
			bad = unlink(file->partial);
	}
	if (bad)
		return errno == EEXIST ? taken(file->path, err)
				       : cannot(file->path, errno, err);
	free(file->partial);
	file->partial = NULL;
	return HS_OK;
}
