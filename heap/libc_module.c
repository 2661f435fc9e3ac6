/* SPDX-License-Identifier: MIT */
#include "heap/libc_module.h"

#include <string.h>

size_t hs_libc_candidate(const struct hs_scan *scan, size_t n)
{
	static const char *const names[] = { "libc.so", "libc-2." };
	const struct hs_module_list *modules = &scan->target->modules;
	for (size_t i = 0; i < 2; i++)
		for (size_t m = 0; m < modules->count; m++) {
			const char *path = modules->module[m].path;
			const char *slash = path ? strrchr(path, '/') : NULL;
			const char *name = slash ? slash + 1 : path;
			if (name && strncmp(name, names[i], 7) == 0 && n-- == 0)
				return m;
		}
	for (size_t m = 0; m < modules->count; m++)
		if (modules->module[m].is_executable && n-- == 0)
			return m;
	return SIZE_MAX;
}

bool hs_may_hold_libc_data(const struct hs_scan *scan, const struct hs_map *map)
{
	return hs_scan_writable(map) &&
	       (map->kind == HS_MAP_FILE ||
		hs_target_find_module(scan->target, map->start) != SIZE_MAX);
}

uint64_t hs_libc_data_missing(const struct hs_scan *scan)
{
	const struct hs_map_list *maps = &scan->target->maps;
	uint64_t missing = 0;
	for (size_t i = 0; i < maps->count; i++)
		if (hs_may_hold_libc_data(scan, &maps->map[i]))
			missing += maps->map[i].end - maps->map[i].start -
				   maps->map[i].captured;
	return missing;
}
