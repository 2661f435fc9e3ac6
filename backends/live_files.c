/* SPDX-License-Identifier: MIT */
#include "backends/live_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "backends/proc_file.h"
#include "core/cleanup.h"
#include "core/elf_image.h"
#include "core/grow.h"
#include "core/limits.h"

/*
 * Do the process's paths need another root to make sense to us? The kernel
 * prints paths as we would reach them when the mount namespace is the same,
 * also those of a process in a chroot.
 */
static bool has_root_of_its_own(int dir, int root)
{
	struct stat ours, theirs;
	HS_AUTO_FREE char *our_ns = NULL, *their_ns = NULL;
	if (hs_proc_file_link(AT_FDCWD, "/proc/self/ns/mnt", &our_ns) == 0 &&
	    hs_proc_file_link(dir, "ns/mnt", &their_ns) == 0 &&
	    strcmp(our_ns, their_ns) == 0)
		return false;
	return root >= 0 && fstat(root, &theirs) == 0 &&
	       stat("/", &ours) == 0 &&
	       (ours.st_dev != theirs.st_dev || ours.st_ino != theirs.st_ino);
}

enum hs_status hs_live_files_init(struct hs_live_files *files, int dir,
				  const char *sysroot, struct hs_error *err)
{
	*files = (struct hs_live_files){
		.root = openat(dir, "root", O_PATH | O_DIRECTORY | O_CLOEXEC),
	};
	/* Through our descriptor: the folder outlives the process there. */
	char link[48] = "";
	if (has_root_of_its_own(dir, files->root))
		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d",
			       files->root);
	files->prefix = strdup(sysroot ? sysroot : link);
	if (!files->prefix)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	return HS_OK;
}

void hs_live_files_release(struct hs_live_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		struct hs_live_file *f = &files->file[i];
		if (f->bytes)
			(void)munmap((void *)(uintptr_t)f->bytes,
				     (size_t)f->size);
		if (f->fd >= 0)
			(void)close(f->fd);
		free(f->path);
		free(f->name);
	}
	free(files->file);
	free(files->prefix);
	if (files->root >= 0)
		(void)close(files->root);
	*files = (struct hs_live_files){ .root = -1 };
}

bool hs_live_files_wants(const struct hs_proc_map *map)
{
	/* Private mappings of these are anonymous memory by another name. */
	return !map->shared && map->inode != 0 &&
	       hs_proc_map_kind(map) == HS_MAP_FILE &&
	       strcmp(map->path, "/dev/zero") != 0 &&
	       strcmp(map->path, "/anon_hugepage") != 0;
}

/* Also the path: on some file systems two files share device and inode. */
static bool is_of(const struct hs_live_file *f, const struct hs_proc_map *map)
{
	return f->inode == map->inode && f->dev_major == map->dev_major &&
	       f->dev_minor == map->dev_minor &&
	       strcmp(f->path, map->path) == 0;
}

const struct hs_live_file *hs_live_files_of(struct hs_live_files *files,
					    const struct hs_proc_map *map)
{
	if (!map->path)
		return NULL;
	for (size_t n = 0; n < files->count; n++) {
		size_t i = (files->last + n) % files->count;
		if (!is_of(&files->file[i], map))
			continue;
		files->last = i;
		return &files->file[i];
	}
	return NULL;
}

/*
 * A regular file for reading, or -1. Looked at before it is opened: to open a
 * device or a pipe, which a map may name, can block or do things.
 */
static int open_regular(int dir, const char *name, struct stat *info)
{
	HS_AUTO_CLOSE int place = openat(dir, name, O_PATH | O_CLOEXEC);
	if (place < 0 || fstat(place, info) != 0)
		return -1;
	if (!S_ISREG(info->st_mode)) {
		errno = EINVAL;
		return -1;
	}
	char link[48];
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", place);
	return open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

/* Only the privileged may; but it is the file itself, deleted or replaced or
 * in another mount namespace. */
static int open_map_file(int dir, const struct hs_proc_map *map,
			 struct stat *info)
{
	char name[64];
	(void)snprintf(name, sizeof(name), "map_files/%" PRIx64 "-%" PRIx64,
		       map->start, map->end);
	return open_regular(dir, name, info);
}

static bool same_inode(const struct stat *info, const struct hs_proc_map *map)
{
	return info->st_ino == map->inode &&
	       info->st_dev == makedev(map->dev_major, map->dev_minor);
}

/* Some file systems (overlayfs, btrfs) show other numbers in stat(2) than in
 * the maps. Then the same first page with a build id in it will do. */
static bool same_build(int fd, pid_t tid, const struct hs_proc_map_list *maps,
		       const struct hs_live_file *file)
{
	uint8_t here[4096], there[4096], id[HS_MAX_BUILD_ID];
	size_t id_len = 0;
	const struct hs_proc_map *first = NULL;
	for (size_t i = 0; !first && i < maps->count; i++)
		if (maps->map[i].path && maps->map[i].offset == 0 &&
		    is_of(file, &maps->map[i]))
			first = &maps->map[i];
	if (!first)
		return false;
	struct iovec local = { there, sizeof(there) };
	struct iovec remote = { (void *)(uintptr_t)first->start,
				sizeof(there) };
	if (process_vm_readv(tid, &local, 1, &remote, 1, 0) !=
	    (ssize_t)sizeof(there))
		return false;
	memset(here, 0, sizeof(here)); /* as the kernel pads a short file */
	return pread(fd, here, sizeof(here), 0) > 0 &&
	       memcmp(here, there, sizeof(here)) == 0 &&
	       hs_elf_build_id_of_bytes(here, sizeof(here), id, &id_len,
					NULL) == HS_OK &&
	       id_len > 0;
}

/* By its name. Sets FILE's state when it is not to be had. */
static int open_named(const struct hs_live_files *files, pid_t tid,
		      const struct hs_proc_map_list *maps,
		      const struct hs_proc_map *map, struct hs_live_file *file,
		      struct stat *info)
{
	char name[2 * HS_LIMIT_STRING];
	file->state =
		map->deleted ? HS_MODULE_FILE_NONE : HS_MODULE_FILE_MISSING;
	if (map->path[0] != '/' ||
	    snprintf(name, sizeof(name), "%s%s", files->prefix, map->path) >=
		    (int)sizeof(name))
		return -1;
	HS_AUTO_CLOSE int fd = open_regular(AT_FDCWD, name, info);
	if (fd < 0)
		return -1;
	if (!same_inode(info, map) && !same_build(fd, tid, maps, file)) {
		file->state = HS_MODULE_FILE_MISMATCH;
		return -1;
	}
	int taken = fd;
	fd = -1;
	return taken;
}

static bool is_file(const char *name, const struct stat *info)
{
	struct stat found;
	return stat(name, &found) == 0 && found.st_dev == info->st_dev &&
	       found.st_ino == info->st_ino;
}

/* A name that others can open it by: its own, that below the process's root,
 * or our descriptor's, which FILE then keeps. */
static enum hs_status name_file(const struct hs_live_files *files,
				struct hs_live_file *file, int *fd,
				const struct stat *info, struct hs_error *err)
{
	char name[2 * HS_LIMIT_STRING];
	(void)snprintf(name, sizeof(name), "%s%s", files->prefix, file->path);
	bool prefixed = file->path[0] == '/' && is_file(name, info);
	if (file->path[0] == '/' && is_file(file->path, info)) {
		(void)snprintf(name, sizeof(name), "%s", file->path);
	} else if (!prefixed) {
		(void)snprintf(name, sizeof(name), "/proc/self/fd/%d", *fd);
		file->fd = *fd;
		*fd = -1;
	}
	file->name = strdup(name);
	return file->name ? HS_OK : hs_fail(err, HS_ERR_NOMEM, "no memory");
}

static enum hs_status open_one(struct hs_live_files *files, int dir, pid_t tid,
			       const struct hs_proc_map_list *maps,
			       const struct hs_proc_map *map,
			       struct hs_live_file *file, struct hs_error *err)
{
	struct stat info;
	HS_AUTO_CLOSE int fd = open_map_file(dir, map, &info);
	if (fd < 0)
		fd = open_named(files, tid, maps, map, file, &info);
	if (fd < 0 || info.st_size <= 0)
		return HS_OK;
	void *at =
		mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (at == MAP_FAILED)
		return HS_OK; /* its pages are copied instead */
	file->bytes = at;
	file->size = (uint64_t)info.st_size;
	file->state = HS_MODULE_FILE_MATCHED;
	return name_file(files, file, &fd, &info, err);
}

enum hs_status hs_live_files_open(struct hs_live_files *files, int dir,
				  pid_t tid,
				  const struct hs_proc_map_list *maps,
				  struct hs_error *err)
{
	for (size_t i = 0; i < maps->count; i++) {
		const struct hs_proc_map *map = &maps->map[i];
		if (!hs_live_files_wants(map) || hs_live_files_of(files, map))
			continue;
		enum hs_status st =
			hs_grow(&files->file, &files->capacity, files->count,
				sizeof(*files->file), err);
		if (st)
			return st;
		struct hs_live_file *file = &files->file[files->count];
		*file = (struct hs_live_file){
			.dev_major = map->dev_major,
			.dev_minor = map->dev_minor,
			.inode = map->inode,
			.path = strdup(map->path),
			.state = HS_MODULE_FILE_NONE,
			.fd = -1,
		};
		if (!file->path)
			return hs_fail(err, HS_ERR_NOMEM, "no memory");
		files->count++;
		st = open_one(files, dir, tid, maps, map, file, err);
		if (st)
			return st;
	}
	return HS_OK;
}
