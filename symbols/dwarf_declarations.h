/* SPDX-License-Identifier: MIT */
#ifndef SYMBOLS_DWARF_DECLARATIONS_H
#define SYMBOLS_DWARF_DECLARATIONS_H

#include "symbols/declarations.h"
#include "symbols/dwarf_split.h"
#include "symbols/elf_file.h"
#include "symbols/local_frames.h"

/*
 * Add to D what the DWARF of the ELF file FILE declares in C, for module
 * number MODULE: every struct, union and enum that has a name, and all types
 * that they and the variables lead to. ALT is the file that dwz put into common
 * (.gnu_debugaltlink), or NULL. Both stay the caller's. HS_ERR_NO_SYMBOL: there
 * is no DWARF that can be read; a file without any may just add nothing. What
 * is odd in it is left out.
 *
 * Units that are in files of their own are read from what SPLIT (NULL: nobody)
 * opens, without their functions' variables.
 *
 * With FRAMES (not NULL) also what the functions' own variables are in those of
 * them that are in the module, which was moved by BIAS.
 */
HS_MUST_CHECK enum hs_status
hs_dwarf_declarations(struct hs_elf_file *file, struct hs_elf_file *alt,
		      uint32_t module, struct hs_local_frames *frames,
		      uint64_t bias, const struct hs_split_files *split,
		      struct hs_decls *d, struct hs_error *err);

#endif
