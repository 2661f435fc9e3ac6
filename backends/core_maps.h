/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_CORE_MAPS_H
#define BACKENDS_CORE_MAPS_H

#include "backends/core_notes.h"
#include "core/backend.h"
#include "core/elf_image.h"

/*
 * A core has no list of mappings; it is pieced together from its PT_LOADs
 * (addresses, protection) and NT_FILE (paths, offsets).
 */

/* The mapping that PT_LOAD S stands for; FILE, which may be NULL, is the line
 * of NT_FILE that holds its start. */
HS_MUST_CHECK enum hs_status hs_core_add_map(struct hs_target *target,
					     const struct hs_elf_segment *s,
					     const struct hs_core_file *file,
					     struct hs_error *err);
/* Sort the maps and cut those that overlap; how many did. */
size_t hs_core_cut_maps(struct hs_target *target);
/*
 * Add what only NT_FILE knows of: gdb writes no PT_LOAD for a file mapping that
 * it leaves out. Such memory is "not captured", and what protection it had
 * stands nowhere: prot is 0. Maps must be sorted and cut, and are so again
 * afterwards; spans are to be sorted again.
 */
HS_MUST_CHECK enum hs_status
hs_core_add_listed_maps(struct hs_target *target,
			const struct hs_core_notes *notes,
			struct hs_error *err);
/* Give maps without protection that of their module's segment, where there is
 * one: see hs_core_add_listed_maps(). Needs modules, with their files. */
HS_MUST_CHECK enum hs_status
hs_core_protect_listed_maps(struct hs_target *target, struct hs_error *err);
/* Tell the kinds that no note names: main stack, vdso, vsyscall. Needs
 * threads, the auxiliary vector and sorted maps. */
void hs_core_name_maps(struct hs_target *target);

#endif
