/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_SLICE_MODULES_H
#define BACKENDS_SLICE_MODULES_H

#include "backends/file_overlay.h"
#include "backends/slice_file.h"
#include "core/backend.h"

/*
 * The modules of a slice's target, whose spans and maps are sorted: what its
 * module list says and what the ELF headers in its memory show, which is
 * better where they differ. Names maps as well, fills target->auxv from the
 * stack, and lends pages of files as hs_module_fill() does.
 */
HS_MUST_CHECK enum hs_status
hs_slice_modules(struct hs_target *target, const struct hs_slice *slice,
		 const struct hs_open_options *opt,
		 struct hs_file_overlay_list *files, struct hs_error *err);

/* The threads of a slice's thread contexts: slice_threads.c. */
HS_MUST_CHECK enum hs_status
hs_slice_threads(struct hs_target *target,
		 const struct hs_slice_records *records, struct hs_error *err);

/* Find the auxiliary vector at the top of the stack: slice_auxv.c. */
HS_MUST_CHECK enum hs_status hs_slice_auxv(struct hs_target *target,
					   struct hs_error *err);

#endif
