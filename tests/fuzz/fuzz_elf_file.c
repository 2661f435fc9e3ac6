/* SPDX-License-Identifier: MIT */
/* Bytes as an ELF file: what we ask of libelf, and what we promise of it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbols/elf_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* LEN is the whole file's: no string of it is longer. */
static void ask(struct hs_elf_file *file, size_t len)
{
	uint8_t id[HS_MAX_BUILD_ID];
	size_t id_len;
	struct hs_image image;
	const char *link;
	uint32_t crc;
	if (hs_elf_file_build_id(file, id, &id_len)) {
		if (id_len == 0 || id_len > HS_MAX_BUILD_ID ||
		    !hs_elf_file_has_build_id(file, id, id_len))
			abort();
	}
	if (hs_elf_file_image(file, &image, NULL) == HS_OK &&
	    image.word_size != 4 && image.word_size != 8)
		abort();
	if (hs_elf_file_debuglink(file, &link, &crc) && strlen(link) >= len)
		abort();
	(void)hs_elf_file_has_dwarf(file);

	struct hs_symbol_table table = { 0 };
	for (int dynamic = 0; dynamic < 2; dynamic++) {
		struct hs_symbol_bytes bytes;
		if (!hs_elf_file_symbols(file, dynamic, &bytes))
			continue;
		bytes.source = dynamic ? HS_SYMBOL_DYNSYM : HS_SYMBOL_SYMTAB;
		if (hs_symbol_table_add(&table, &bytes, NULL))
			abort();
	}
	for (size_t i = 0; i < table.count && i < 100; i++) {
		const struct hs_symbol *found;
		if (table.symbol[i].name[0] == '\0' ||
		    hs_symbol_table_at(&table, table.symbol[i].value, &found,
				       NULL) ||
		    (found && found->value > table.symbol[i].value))
			abort();
	}
	hs_symbol_table_release(&table);
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
			ask(file, len);
			hs_elf_file_close(file);
		}
	}
	(void)close(fd);
	return 0;
}
