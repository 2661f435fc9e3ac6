/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_MAPPED_MODULES_H
#define BACKENDS_MAPPED_MODULES_H

#include "backends/file_overlay.h"
#include "core/backend.h"

/*
 * The ELF images among a target's maps, and their files. The same for every
 * backend: it fills target->maps, spans and auxv first, and sorts spans and
 * maps (hs_span_list_sort(), hs_map_list_sort()), since memory is read here.
 */

/*
 * Fill target->modules from maps: each run of mappings of one file whose first
 * bytes are an ELF header, or which has no readable header but executable
 * pages; the vdso ("[vdso]", from AT_SYSINFO_EHDR); and, when no map has a path
 * at all, every map that begins with an ELF image ("[elf@0x...]"). The program
 * itself is known by AT_PHDR or AT_ENTRY. Build ids are read from memory where
 * that holds them. target->executable, when it is NULL, becomes the program's
 * path, or what AT_EXECFN says. file_state is HS_MODULE_FILE_MISSING, or _NONE
 * for what has no file.
 */
HS_MUST_CHECK enum hs_status hs_modules_find(struct hs_target *target,
					     struct hs_error *err);

/*
 * Open PATH as the file of module number I, to lend the target the pages that
 * it lacks of it. PATH may be any name for the file: below a sysroot, in
 * /proc/PID/root or in /proc/PID/map_files. Only when the file's build id
 * equals the image's in memory (module->build_id, which the caller may have set
 * before), or where there is none, when the file agrees with what memory has of
 * the image and is not newer than the dump (same_image.h); and only pages of
 * segments that are never written: relocated data is not in any file.
 *
 * Sets the module's file and file_state. A file that is missing or another
 * build is a note of TARGET ("module-file-missing", "module-file-mismatch",
 * "module-file-unverified"), as is one that is known by its content
 * ("module-file-by-content"), and HS_OK; an error is our own trouble.
 *
 * FILES keeps what is lent until hs_modules_filled(), so that TARGET's spans
 * stay sorted meanwhile.
 */
HS_MUST_CHECK enum hs_status hs_module_fill(struct hs_target *target, size_t i,
					    const char *path,
					    struct hs_file_overlay_list *files,
					    struct hs_error *err);
/* All modules are through: add what was lent to TARGET's spans, with from_file
 * set. They need sorting then (hs_target_finish() does). */
HS_MUST_CHECK enum hs_status
hs_modules_filled(struct hs_target *target, struct hs_file_overlay_list *files,
		  struct hs_error *err);

#endif
