/* SPDX-License-Identifier: MIT */
#ifndef TLS_LINK_MAPS_H
#define TLS_LINK_MAPS_H

#include "core/notes.h"
#include "tls/thread_offsets.h"

/* ld.so's record of one loaded object. */
struct hs_link_map {
	hs_addr addr;  /* of the struct link_map */
	size_t module; /* index; SIZE_MAX: none of the target's modules */
};

struct hs_link_map_list {
	struct hs_link_map *map;
	size_t count, capacity;
};

/*
 * Follow ld.so's lists, one for each namespace: from _rtld_global, _r_debug,
 * or the program's DT_DEBUG. An empty list is fine: a static program has none.
 * A list that breaks off is noted, and what was met counts.
 */
HS_MUST_CHECK enum hs_status hs_link_maps_read(const struct hs_target *target,
					       struct hs_symbols *syms,
					       const struct hs_runtime *runtime,
					       struct hs_link_map_list *list,
					       struct hs_note_list *notes,
					       struct hs_error *err);
void hs_link_map_list_release(struct hs_link_map_list *list);

#endif
