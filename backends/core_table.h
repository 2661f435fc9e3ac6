/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_CORE_TABLE_H
#define BACKENDS_CORE_TABLE_H

#include "core/elf_image.h"

/* The program headers of a core file, as far as they are there. */
struct hs_core_table {
	struct hs_elf_header header;
	enum hs_arch arch;
	const uint8_t *bytes; /* borrowed from the file: for ... */
	size_t len;           /* ... hs_elf_segment_parse() */
	uint32_t count;       /* in the file, at least 1 */
	uint32_t claimed;     /* by the file, at least COUNT */
};

/*
 * Find the table in the LEN bytes of the file NAME. HS_ERR_FORMAT: not a core,
 * and what it is instead, or nothing left of it; HS_ERR_UNSUPPORTED: of a
 * machine that we do not know; HS_ERR_LIMIT.
 */
HS_MUST_CHECK enum hs_status hs_core_table_find(const uint8_t *bytes,
						size_t len, const char *name,
						struct hs_core_table *ret,
						struct hs_error *err);

#endif
