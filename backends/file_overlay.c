/* SPDX-License-Identifier: MIT */
#include "backends/file_overlay.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "core/cleanup.h"
#include "core/grow.h"

static void overlay_free(struct hs_file_overlay *o)
{
	if (!o)
		return;
	if (o->bytes)
		(void)munmap((void *)(uintptr_t)o->bytes, o->len);
	free(o->load);
	free(o->path);
	free(o);
}

static void overlay_cleanup(struct hs_file_overlay **slot)
{
	overlay_free(*slot);
}

static enum hs_status cannot_open(const char *path, int why,
				  struct hs_error *err)
{
	switch (why) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case ENAMETOOLONG:
		return hs_fail(err, HS_ERR_NO_TARGET, "no file '%s'", path);
	case EACCES:
	case EPERM:
		return hs_fail(err, HS_ERR_PERMISSION, "cannot read '%s': %s",
			       path, strerror(why));
	default:
		return hs_fail_errno(err, why, "cannot read '%s': %s", path,
				     strerror(why));
	}
}

static enum hs_status keep_loads(struct hs_file_overlay *o,
				 struct hs_error *err)
{
	const struct hs_elf_header *h = &o->header;
	if (h->phnum == 0 || h->phoff > o->len ||
	    h->phnum > (o->len - h->phoff) / h->phentsize)
		return hs_fail(err, HS_ERR_FORMAT,
			       "'%s' has no program headers", o->path);
	o->load = calloc(h->phnum, sizeof(*o->load));
	if (!o->load)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	const uint8_t *table = o->bytes + h->phoff;
	for (uint32_t i = 0; i < h->phnum; i++) {
		struct hs_elf_segment s;
		enum hs_status st = hs_elf_segment_parse(
			h, table, o->len - (size_t)h->phoff, i, &s, err);
		if (st)
			return st;
		if (s.type == PT_LOAD)
			o->load[o->load_count++] = s;
	}
	return HS_OK;
}

static const struct hs_file_overlay *
already_open(const struct hs_file_overlay_list *list, const struct stat *info)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->file[i]->device == info->st_dev &&
		    list->file[i]->inode == info->st_ino)
			return list->file[i];
	return NULL;
}

static enum hs_status map_file(int fd, const struct stat *info,
			       const char *path, struct hs_file_overlay **ret,
			       struct hs_error *err)
{
	HS_CLEANUP(overlay_cleanup)
	struct hs_file_overlay *o = calloc(1, sizeof(*o));
	if (!o)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	o->path = strdup(path);
	if (!o->path)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	if (info->st_size <= 0)
		return hs_fail(err, HS_ERR_FORMAT, "'%s' is empty", path);
	void *at = mmap(NULL, (size_t)info->st_size, PROT_READ, MAP_PRIVATE, fd,
			0);
	if (at == MAP_FAILED)
		return cannot_open(path, errno, err);
	o->bytes = at;
	o->len = (size_t)info->st_size;
	o->device = info->st_dev;
	o->inode = info->st_ino;
	o->modified = info->st_mtim;
	if (hs_elf_header_parse(o->bytes, o->len, &o->header, NULL))
		return hs_fail(err, HS_ERR_FORMAT, "'%s' is no ELF image",
			       path);
	enum hs_status st = keep_loads(o, err);
	if (st)
		return st;
	st = hs_elf_build_id_of_bytes(o->bytes, o->len, o->build_id,
				      &o->build_id_len, err);
	if (st)
		return st;
	*ret = HS_TAKE(o);
	return HS_OK;
}

enum hs_status hs_file_overlay_open(struct hs_file_overlay_list *list,
				    const char *path,
				    const struct hs_file_overlay **ret,
				    struct hs_error *err)
{
	/*
	 * Look before opening: opening a device or a pipe, which a forged path
	 * may name, can block or do things.
	 */
	struct stat info;
	if (stat(path, &info) != 0)
		return cannot_open(path, errno, err);
	if (!S_ISREG(info.st_mode))
		return hs_fail(err, HS_ERR_FORMAT, "'%s' is not a regular file",
			       path);
	HS_AUTO_CLOSE int fd =
		open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &info) != 0)
		return cannot_open(path, errno, err);
	if (!S_ISREG(info.st_mode))
		return hs_fail(err, HS_ERR_FORMAT, "'%s' is not a regular file",
			       path);
	const struct hs_file_overlay *known = already_open(list, &info);
	if (known) {
		*ret = known;
		return HS_OK;
	}
	enum hs_status st = hs_grow(&list->file, &list->capacity, list->count,
				    sizeof(struct hs_file_overlay *), err);
	if (st)
		return st;
	struct hs_file_overlay *o = NULL;
	st = map_file(fd, &info, path, &o, err);
	if (st)
		return st;
	list->file[list->count++] = o;
	*ret = o;
	return HS_OK;
}

void hs_file_overlay_list_release(struct hs_file_overlay_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		overlay_free(list->file[i]);
	free(list->file);
	hs_span_list_release(&list->lent);
	*list = (struct hs_file_overlay_list){ 0 };
}
