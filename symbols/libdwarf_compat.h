/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_LIBDWARF_COMPAT_H
#define SYMBOLS_LIBDWARF_COMPAT_H

#include <dwarf.h>
#include <libdwarf.h>

/*
 * libdwarf 0.x, and 20210528 as in Debian bookworm, in one shape. Only 0.x
 * says its version; besides these two functions, all that we call is alike.
 */
#ifdef DW_LIBDWARF_VERSION_MAJOR

static inline int hs_dwarf_init(int fd, Dwarf_Debug *dbg, Dwarf_Error *error)
{
	return dwarf_init_b(fd, DW_GROUPNUMBER_ANY, NULL, NULL, dbg, error);
}

static inline void hs_dwarf_finish(Dwarf_Debug dbg)
{
	(void)dwarf_finish(dbg);
}

#else

static inline int hs_dwarf_init(int fd, Dwarf_Debug *dbg, Dwarf_Error *error)
{
	return dwarf_init_b(fd, DW_DLC_READ, DW_GROUPNUMBER_ANY, NULL, NULL,
			    dbg, error);
}

static inline void hs_dwarf_finish(Dwarf_Debug dbg)
{
	Dwarf_Error ignored = NULL;
	(void)dwarf_finish(dbg, &ignored);
}

#endif
#endif
