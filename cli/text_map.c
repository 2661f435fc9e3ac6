/* SPDX-License-Identifier: MIT */
#include "cli/text_map.h"

const char *text_prot(char buf[5], const struct hs_map_info *map)
{
	buf[0] = map->prot & HS_PROT_READ ? 'r' : '-';
	buf[1] = map->prot & HS_PROT_WRITE ? 'w' : '-';
	buf[2] = map->prot & HS_PROT_EXEC ? 'x' : '-';
	buf[3] = map->shared ? 's' : 'p';
	buf[4] = 0;
	return buf;
}

const char *map_kind_name(enum hs_map_kind kind)
{
	switch (kind) {
	case HS_MAP_ANON:
		return "anon";
	case HS_MAP_FILE:
		return "file";
	case HS_MAP_HEAP:
		return "heap";
	case HS_MAP_STACK:
		return "stack";
	case HS_MAP_SPECIAL:
		return "special";
	}
	return "anon";
}

const char *text_build_id(char buf[BUILD_ID_TEXT],
			  const struct hs_module_info *module)
{
	if (!module->build_id || !module->build_id_len)
		return NULL;
	char *at = buf;
	for (size_t i = 0; i < module->build_id_len && i < 64; i++) {
		*at++ = "0123456789abcdef"[module->build_id[i] >> 4];
		*at++ = "0123456789abcdef"[module->build_id[i] & 15];
	}
	*at = 0;
	return buf;
}

size_t find_map(const struct hs_target *target, hs_addr addr)
{
	size_t low = 0, high = hs_target_map_count(target);
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		struct hs_map_info m;
		hs_target_map(target, mid, &m);
		if (addr < m.start)
			high = mid;
		else if (addr >= m.end)
			low = mid + 1;
		else
			return mid;
	}
	return SIZE_MAX;
}

size_t find_module(const struct hs_target *target, hs_addr addr)
{
	for (size_t i = 0; i < hs_target_module_count(target); i++) {
		struct hs_module_info m;
		hs_target_module(target, i, &m);
		if (addr >= m.base && addr < m.end)
			return i;
	}
	return SIZE_MAX;
}
