/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_DEBUG_FILES_H
#define SYMBOLS_DEBUG_FILES_H

#include "core/modules.h"
#include "symbols/elf_file.h"

#define HS_MAX_ROOTS 2

/* Where files of a target may be found. Strings are borrowed. */
struct hs_file_search {
	const char *debug_dirs; /* colon-separated */
	/* Prefixes for all paths, tried in turn; "" is this machine. */
	const char *root[HS_MAX_ROOTS];
	size_t root_count;
};

/*
 * The file of MODULE itself: the one its backend matched, else one with its
 * very build id at its path under a root. *PATH is the caller's to free, *RET
 * to close. HS_ERR_NO_TARGET: there is none.
 */
HS_MUST_CHECK enum hs_status
hs_module_file_find(const struct hs_file_search *search,
		    const struct hs_module *module, char **path,
		    struct hs_elf_file **ret, struct hs_error *err);

/*
 * The file with the symbols and the DWARF that were stripped from MODULE: by
 * build id under the debug folders, then by .gnu_debuglink of OWN, the module's
 * own file at OWN_PATH (both may be NULL). A file with another build id is
 * refused, and so is one whose checksum is not the link's. Results as above.
 */
HS_MUST_CHECK enum hs_status
hs_debug_file_find(const struct hs_file_search *search,
		   const struct hs_module *module, struct hs_elf_file *own,
		   const char *own_path, char **path, struct hs_elf_file **ret,
		   struct hs_error *err);

/*
 * The file that holds what DEBUG, open from DEBUG_PATH, shares with others (see
 * hs_elf_file_debugaltlink()): at the path it names, from its own folder if
 * that is relative, else by build id under the debug folders. The build id
 * decides. Results as above.
 */
HS_MUST_CHECK enum hs_status
hs_alt_file_find(const struct hs_file_search *search, struct hs_elf_file *debug,
		 const char *debug_path, struct hs_elf_file **ret,
		 struct hs_error *err);

/*
 * The file NAME with the debug information of one unit of the program whose
 * debug information is at DEBUG_PATH, compiled in FOLDER (NULL: not said):
 * where the compiler put it, else beside the program; NAME NULL: the one for
 * all units, beside the program (.dwp). Results as above.
 */
HS_MUST_CHECK enum hs_status
hs_split_file_find(const struct hs_file_search *search, const char *debug_path,
		   const char *name, const char *folder,
		   struct hs_elf_file **ret, struct hs_error *err);

#endif
