/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/unpacked_file.h"

/*
 * Compressed data from anywhere: what comes out is a file as long as is said,
 * or an error with a text; no descriptor stays open.
 */
#define MUST(what)                                                             \
	do {                                                                   \
		if (!(what)) {                                                 \
			(void)fprintf(stderr, "broken: %s\n", #what);          \
			abort();                                               \
		}                                                              \
	} while (0)

/* A KiB can claim 32 MiB of zeroes. */
#define LONGEST 4096u

static int next_fd(void)
{
	int fd = dup(0);
	if (fd >= 0)
		(void)close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > LONGEST)
		return 0;
	struct hs_open_options opt = { .struct_size = sizeof(opt) };
	enum hs_packing packing = hs_packing_of(data, size);
	int fd = memfd_create("input", MFD_CLOEXEC);
	if (packing == HS_PACKING_NONE || fd < 0 ||
	    write(fd, data, size) != (ssize_t)size) {
		if (fd >= 0)
			(void)close(fd);
		return 0;
	}
	int before = next_fd();
	struct hs_unpacked out = { .fd = -7 };
	struct hs_error err = { .code = HS_OK };
	enum hs_status st =
		hs_file_unpack(fd, packing, "input", &opt, &out, &err);
	if (st) {
		MUST(err.code == st && err.text[0] && out.fd == -7);
	} else {
		struct stat info;
		MUST(out.len > 0 && fstat(out.fd, &info) == 0);
		MUST((uint64_t)info.st_size == out.len);
		MUST(info.st_nlink == 0);
		(void)close(out.fd);
	}
	MUST(next_fd() == before);
	(void)close(fd);
	return 0;
}
