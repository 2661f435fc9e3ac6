/* SPDX-License-Identifier: MIT */
/* Bytes as an ELF file with debug info: libdwarf, as we use it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbols/dwarf_types.h"
#include "symbols/elf_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void ask(int fd, const char *prefer)
{
	struct hs_member_query q[] = {
		{ .type = "list", .member = "next" },
		{ .type = "list", .member = "head.value" },
		{ .type = "list", .member = "items" },
		{ .type = "list", .member = "inside" },
		{ .type = "list" },
		{ .type = "alias", .member = "value" },
	};
	size_t n = sizeof(q) / sizeof(*q);
	if (hs_dwarf_members(fd, prefer, q, n, NULL) != HS_OK)
		return;
	for (size_t i = 0; i < n; i++) {
		if (!q[i].found)
			continue;
		/* A whole number of elements, and none that is not there. */
		if (q[i].count == 0 ? q[i].size != 0
				    : q[i].size % q[i].count != 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char path[40];
	struct hs_elf_file *file;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	if (fd < 0)
		abort();
	if (len == 0 || write(fd, data, len) == (ssize_t)len) {
		(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (hs_elf_file_open(path, &file, NULL) == HS_OK) {
			/* The same guard as for real files. */
			if (hs_elf_file_has_dwarf(file)) {
				ask(hs_elf_file_descriptor(file), NULL);
				ask(hs_elf_file_descriptor(file), "home");
			}
			hs_elf_file_close(file);
		}
	}
	(void)close(fd);
	return 0;
}
