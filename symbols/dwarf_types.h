/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_DWARF_TYPES_H
#define SYMBOLS_DWARF_TYPES_H

#include "symbols/symbols.h"

/*
 * Answer QUERY[COUNT], as hs_symbols_members() promises, from the DWARF of the
 * ELF file open as FD, which stays the caller's. HS_ERR_NO_SYMBOL: there is no
 * DWARF in it, or libdwarf cannot read it.
 *
 * libdwarf checks what it reads, and its own tests feed it hostile files; yet
 * it is a parser of a large format. Files come here only after their build id
 * (or checksum) was found to be that of the target's module.
 */
HS_MUST_CHECK enum hs_status hs_dwarf_members(int fd, const char *prefer,
					      struct hs_member_query *query,
					      size_t count,
					      struct hs_error *err);

#endif
