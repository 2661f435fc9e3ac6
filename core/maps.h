/* SPDX-License-Identifier: MIT */
#ifndef CORE_MAPS_H
#define CORE_MAPS_H

#include <heapscan/target.h>

#include "core/fail.h"

struct hs_map {
	hs_addr start, end; /* end > start */
	unsigned prot;      /* HS_PROT_* */
	bool shared;
	enum hs_map_kind kind;
	char *path; /* owned, or NULL */
	uint64_t file_offset;
	uint64_t captured, from_file; /* bytes; set by hs_target_finish() */
};

struct hs_map_list {
	struct hs_map *map;
	size_t count, capacity;
};

/* Append a copy of MAP; MAP->path is copied. */
HS_MUST_CHECK enum hs_status hs_map_list_add(struct hs_map_list *list,
					     const struct hs_map *map,
					     struct hs_error *err);
/* The kernel's name for memory that no file is behind: huge pages from
 * mmap(MAP_ANONYMOUS | MAP_HUGETLB), which malloc uses if told to. */
bool hs_map_path_is_anonymous(const char *path);
void hs_map_list_sort(struct hs_map_list *list);
void hs_map_list_release(struct hs_map_list *list);

#endif
