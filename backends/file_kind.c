/* SPDX-License-Identifier: MIT */
#include "backends/file_kind.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/elf_image.h"

struct magic {
	const char *bytes;
	size_t len;
	const char *what;
};

/* clang-format off */
static const struct magic magics[] = {
	{ "\x1f\x8b", 2, "gzip data: unpack it with gzip -d" },
	{ "\x28\xb5\x2f\xfd", 4, "zstd data: unpack it with zstd -d" },
	{ "\xfd" "7zXZ\0", 6, "xz data: unpack it with xz -d" },
	{ "\x04\x22\x4d\x18", 4, "lz4 data: unpack it with lz4 -d" },
	{ "BZh", 3, "bzip2 data: unpack it with bzip2 -d" },
	{ "PK\x03\x04", 4, "a zip archive: unpack it with unzip" },
	{ "MDMP", 4, "a minidump: turn it into a core with minidump-2-core" },
	{ "MEMSLICE", 8, "a Memory Slice" },
	{ "ProblemType:", 12, "an apport report: unpack it with apport-unpack" },
	{ "!<arch>\n", 8, "an archive of object files" },
	{ "#!", 2, "a script" },
};
/* clang-format on */

static const char *elf_kind(uint16_t type)
{
	switch (type) {
	case ET_EXEC:
		return "an ELF executable, not a core: give a core file, or "
		       "the id of a running process with --pid";
	case ET_DYN:
		return "an ELF executable or shared library, not a core: give "
		       "a core file, or the id of a running process with --pid";
	case ET_REL:
		return "an ELF object file, not a core";
	case ET_CORE:
		return "an ELF core";
	default:
		return "an ELF file of unknown type";
	}
}

const char *hs_file_kind(const uint8_t *head, size_t len)
{
	struct hs_elf_header header;
	if (hs_elf_header_parse(head, len, &header, NULL) == HS_OK)
		return elf_kind(header.type);
	for (size_t i = 0; i < sizeof(magics) / sizeof(magics[0]); i++)
		if (len >= magics[i].len &&
		    memcmp(head, magics[i].bytes, magics[i].len) == 0)
			return magics[i].what;
	return NULL;
}

static enum hs_status cannot_open(const char *path, int why,
				  struct hs_error *err)
{
	switch (why) {
	case ENOENT:
	case ENOTDIR:
		return hs_fail(err, HS_ERR_NO_TARGET, "no file '%s'", path);
	case EACCES:
	case EPERM:
		return hs_fail(err, HS_ERR_PERMISSION,
			       "not permitted to read '%s': ask its owner, or "
			       "run as root",
			       path);
	default:
		return hs_fail_errno(err, why, "cannot read '%s': %s", path,
				     strerror(why));
	}
}

static enum hs_status check_type(const char *path, const struct stat *info,
				 struct hs_error *err)
{
	if (S_ISREG(info->st_mode))
		return HS_OK;
	if (S_ISDIR(info->st_mode))
		return hs_fail(err, HS_ERR_FORMAT,
			       "'%s' is a directory: give a core file in it",
			       path);
	if (S_ISFIFO(info->st_mode))
		return hs_fail(err, HS_ERR_FORMAT,
			       "'%s' is a pipe: a core is mapped, not read "
			       "through, so write it to a file first",
			       path);
	return hs_fail(err, HS_ERR_FORMAT,
		       "'%s' is not a regular file: give a core file", path);
}

enum hs_status hs_file_open(const char *path, int *ret, struct stat *info,
			    struct hs_error *err)
{
	/* Looked at before it is opened: opening a pipe would wait. */
	if (stat(path, info) != 0)
		return cannot_open(path, errno, err);
	enum hs_status st = check_type(path, info, err);
	if (st)
		return st;
	HS_AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, info) != 0)
		return cannot_open(path, errno, err);
	st = check_type(path, info, err);
	if (st)
		return st;
	if (info->st_size == 0)
		return hs_fail(err, HS_ERR_FORMAT,
			       "'%s' is empty: was the disk full, or ulimit -c "
			       "0, when the core was written?",
			       path);
	*ret = fd;
	fd = -1;
	return HS_OK;
}
