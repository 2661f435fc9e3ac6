/* SPDX-License-Identifier: MIT */
#ifndef BACKENDS_LIVE_LAYOUT_H
#define BACKENDS_LIVE_LAYOUT_H

#include "backends/live_copy.h"
#include "backends/live_files.h"
#include "core/backend.h"

/* Say for each of MAPS what is to be copied of it: HOW has room for all. */
void hs_live_layout_plan(const struct hs_proc_map_list *maps,
			 struct hs_live_files *files, enum hs_copy_how *how);

/*
 * Turn the copy and the files into TARGET's maps, spans and notes, and sort
 * them. COPY and FILES must live as long as the spans.
 */
HS_MUST_CHECK enum hs_status hs_live_layout_build(
	struct hs_target *target, const struct hs_proc_map_list *maps,
	const enum hs_copy_how *how, const struct hs_live_copy *copy,
	struct hs_live_files *files, struct hs_error *err);

#endif
