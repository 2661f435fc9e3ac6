/* SPDX-License-Identifier: MIT */
/* Bytes as an ELF file with debug info: libdwarf, as we use it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbols/dwarf_declarations.h"
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

/* Every index of what is declared is one of the table. */
static void declare(int fd)
{
	struct hs_decls d;
	char name[256];
	uint64_t tail;
	uint32_t element;
	if (hs_decls_init(&d, NULL))
		abort();
	if (hs_dwarf_declarations(fd, -1, 0, &d, NULL) == HS_OK &&
	    hs_decls_complete(&d, NULL) == HS_OK) {
		for (uint32_t i = 0; i < d.type_count; i++) {
			const struct hs_decl_type *t = &d.type[i];
			if (t->of >= d.type_count || t->name >= d.text_len ||
			    t->member > d.member_count ||
			    t->members > d.member_count - t->member)
				abort();
			(void)hs_decls_spell(&d, i, name, sizeof(name));
			(void)hs_decls_tail(&d, i, &tail, &element);
		}
		for (size_t i = 0; i < d.member_count; i++)
			if (d.member[i].type >= d.type_count ||
			    d.member[i].name >= d.text_len)
				abort();
		for (size_t i = 0; i < d.variable_count; i++)
			if (d.variable[i].type >= d.type_count ||
			    d.variable[i].name >= d.text_len ||
			    d.variable[i].function >= d.text_len)
				abort();
	}
	hs_decls_release(&d);
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
				declare(hs_elf_file_descriptor(file));
			}
			hs_elf_file_close(file);
		}
	}
	(void)close(fd);
	return 0;
}
