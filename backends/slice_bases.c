/* SPDX-License-Identifier: MIT */
#include "backends/slice_refs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/slice_file.h"
#include "core/cleanup.h"
#include "core/limits.h"

void hs_slice_bases_release(struct hs_slice *s)
{
	for (size_t i = 0; i < s->base_count; i++) {
		hs_slice_close(s->base[i].slice);
		free(s->base[i].name);
		free(s->base[i].problem);
	}
	free(s->base);
	s->base = NULL;
	s->base_count = 0;
}

static void free_folder(DIR **slot)
{
	if (*slot)
		(void)closedir(*slot);
}

static enum hs_status open_base(struct hs_slice_base *b, const char *folder,
				const char *name,
				const struct hs_open_options *opt,
				struct hs_error *err)
{
	HS_AUTO_FREE char *path = NULL;
	struct hs_error why = { 0 };
	struct hs_slice *slice = NULL;
	if (asprintf(&path, "%s%s", folder, name) < 0) {
		path = NULL;
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	}
	enum hs_status st = hs_slice_open_alone(path, opt, &slice, &why);
	if (st == HS_ERR_NOMEM || st == HS_ERR_CANCELLED)
		return hs_fail(err, st, "%s", why.text);
	if (!st && memcmp(slice->header.uuid, b->uuid, SLICE_UUID_LEN) != 0) {
		hs_slice_close(slice); /* another file by that name */
		return HS_OK;
	}
	b->slice = slice;
	if (st && !b->problem) {
		b->problem = strdup(why.text);
		if (!b->problem)
			return hs_fail(err, HS_ERR_NOMEM, "no memory");
	}
	return HS_OK;
}

/* The identity of the slice called NAME in FOLDER; false: it is none. */
static bool uuid_of(int folder, const char *name, uint8_t uuid[SLICE_UUID_LEN])
{
	uint8_t head[SLICE_HEADER_LEN];
	struct stat info;
	/* What is no file could wait for a writer, or do something. */
	HS_AUTO_CLOSE int fd = openat(
		folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &info) || !S_ISREG(info.st_mode) ||
	    pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
	    memcmp(head, SLICE_MAGIC, SLICE_MAGIC_LEN) != 0)
		return false;
	memcpy(uuid, head + SLICE_AT_UUID, SLICE_UUID_LEN);
	return true;
}

/* Files may have been renamed: look at the identity of each. */
static enum hs_status search(struct hs_slice *s, const char *folder,
			     size_t missing, const struct hs_open_options *opt,
			     struct hs_error *err)
{
	HS_CLEANUP(free_folder) DIR *dir = opendir(*folder ? folder : ".");
	if (!dir)
		return HS_OK;
	unsigned seen = 0;
	for (struct dirent *e; missing > 0 && (e = readdir(dir)) != NULL;) {
		uint8_t uuid[SLICE_UUID_LEN];
		if (e->d_type != DT_REG && e->d_type != DT_LNK &&
		    e->d_type != DT_UNKNOWN)
			continue;
		if (seen++ == HS_LIMIT_FOLDER)
			break;
		if (!uuid_of(dirfd(dir), e->d_name, uuid))
			continue;
		for (size_t i = 0; i < s->base_count; i++) {
			struct hs_slice_base *b = &s->base[i];
			if (b->slice ||
			    memcmp(b->uuid, uuid, SLICE_UUID_LEN) != 0)
				continue;
			enum hs_status st =
				open_base(b, folder, e->d_name, opt, err);
			if (st)
				return st;
			missing -= b->slice != NULL;
		}
	}
	return HS_OK;
}

static enum hs_status say_missing(struct hs_slice *s,
				  const struct hs_slice_base *b,
				  struct hs_error *err)
{
	char uuid[2 * SLICE_UUID_LEN + 1];
	for (size_t i = 0; i < SLICE_UUID_LEN; i++)
		(void)snprintf(uuid + 2 * i, 3, "%02x", b->uuid[i]);
	s->whole = false;
	return hs_note_add(
		&s->notes, HS_WARNING, "slice-base-missing", HS_NO_ADDR, err,
		"%" PRIu64 " bytes that had not changed are in %s%s%s (slice "
		"%s), %s%s",
		b->bytes, b->name ? "'" : "", b->name ? b->name : "a file",
		b->name ? "'" : "", uuid,
		b->problem ? "which cannot be used: "
			   : "which is not there: put it into the same folder",
		b->problem ? b->problem : "");
}

enum hs_status hs_slice_bases_open(struct hs_slice *s,
				   const struct hs_open_options *opt,
				   struct hs_error *err)
{
	const char *slash = strrchr(s->path, '/');
	HS_AUTO_FREE char *folder =
		slash ? strndup(s->path, (size_t)(slash - s->path) + 1)
		      : strdup("");
	size_t missing = 0;
	enum hs_status st = HS_OK;
	if (!folder)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	for (size_t i = 0; !st && i < s->base_count; i++) {
		struct hs_slice_base *b = &s->base[i];
		uint8_t uuid[SLICE_UUID_LEN];
		HS_AUTO_CLOSE int fd =
			open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd >= 0 && b->name && uuid_of(fd, b->name, uuid) &&
		    memcmp(uuid, b->uuid, SLICE_UUID_LEN) == 0)
			st = open_base(b, folder, b->name, opt, err);
		missing += b->slice == NULL;
	}
	if (!st && missing > 0)
		st = search(s, folder, missing, opt, err);
	for (size_t i = 0; !st && i < s->base_count; i++)
		if (!s->base[i].slice)
			st = say_missing(s, &s->base[i], err);
	return st;
}
