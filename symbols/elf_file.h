/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_ELF_FILE_H
#define SYMBOLS_ELF_FILE_H

#include "core/cursor.h"
#include "core/modules.h"
#include "symbols/image.h"
#include "symbols/symbol_table.h"

/*
 * One ELF file on disk: the only place that knows libelf. Bytes it lends are
 * borrowed from the file and go with it. Everything a file says is checked
 * against its length; a file that shrinks meanwhile is a short read.
 */
struct hs_elf_file; /* opaque; holds a descriptor */

/*
 * HS_ERR_NO_TARGET: no such file; HS_ERR_FORMAT: no ELF file, or not a regular
 * one; HS_ERR_IO, HS_ERR_NOMEM.
 */
HS_MUST_CHECK enum hs_status hs_elf_file_open(const char *path,
					      struct hs_elf_file **ret,
					      struct hs_error *err);
void hs_elf_file_close(struct hs_elf_file *file); /* NULL is fine */

/* The open descriptor, for libdwarf. Borrowed. */
int hs_elf_file_descriptor(const struct hs_elf_file *file);

/* False: the file has none. */
bool hs_elf_file_build_id(struct hs_elf_file *file, uint8_t id[HS_MAX_BUILD_ID],
			  size_t *len);
/* Does it have exactly this build id? */
bool hs_elf_file_has_build_id(struct hs_elf_file *file, const uint8_t *id,
			      size_t len);

/* Its program headers. */
HS_MUST_CHECK enum hs_status hs_elf_file_image(struct hs_elf_file *file,
					       struct hs_image *ret,
					       struct hs_error *err);

/* .symtab, or with DYNAMIC .dynsym with its versions. False: the file has none
 * (or its bytes were stripped). `source` is left to the caller. */
bool hs_elf_file_symbols(struct hs_elf_file *file, bool dynamic,
			 struct hs_symbol_bytes *ret);
/* The bytes of the section called NAME, unpacked; false: it has none. */
bool hs_elf_file_section(struct hs_elf_file *file, const char *name,
			 struct hs_cursor *ret);
/* Are there struct layouts in it (.debug_info), and is all that libdwarf would
 * read with them as it has to be? */
bool hs_elf_file_has_dwarf(struct hs_elf_file *file);

/* Where the section called NAME is loaded, and its length; false: none, or not
 * loaded. */
bool hs_elf_file_loaded_section(struct hs_elf_file *file, const char *name,
				uint64_t *addr, uint64_t *len);

/* .gnu_debuglink: a file name without folder, and a CRC. */
bool hs_elf_file_debuglink(struct hs_elf_file *file, const char **name,
			   uint32_t *crc);
/* .gnu_debugaltlink: the path and the build id of the file that dwz moved
 * common parts into. Borrowed from FILE. */
bool hs_elf_file_debugaltlink(struct hs_elf_file *file, const char **name,
			      const uint8_t **id, size_t *id_len);
/* The CRC that .gnu_debuglink means, over the whole file. */
HS_MUST_CHECK enum hs_status hs_elf_file_crc(const struct hs_elf_file *file,
					     uint32_t *ret,
					     struct hs_error *err);

#endif
