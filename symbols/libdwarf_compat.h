/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_LIBDWARF_COMPAT_H
#define SYMBOLS_LIBDWARF_COMPAT_H

#include <dwarf.h>
#include <libdwarf.h>

/*
 * libdwarf 0.x, and 20210528 as in Debian bookworm, in one shape. Only 0.x
 * says its version; besides these functions, all that we call is alike.
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

static inline void hs_dwarf_free_locations(Dwarf_Loc_Head_c head)
{
	dwarf_dealloc_loc_head_c(head);
}

static inline void hs_dwarf_free_ranges(Dwarf_Debug dbg, Dwarf_Ranges *list,
					Dwarf_Signed count)
{
	dwarf_dealloc_ranges(dbg, list, count);
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

static inline void hs_dwarf_free_locations(Dwarf_Loc_Head_c head)
{
	dwarf_loc_head_c_dealloc(head);
}

static inline void hs_dwarf_free_ranges(Dwarf_Debug dbg, Dwarf_Ranges *list,
					Dwarf_Signed count)
{
	dwarf_ranges_dealloc(dbg, list, count);
}

#endif
#endif
