/* SPDX-License-Identifier: MIT */
#ifndef CLI_TEXT_MAP_H
#define CLI_TEXT_MAP_H

#include <heapscan/target.h>

/* "rw-p" as in /proc/PID/maps. */
const char *text_prot(char buf[5], const struct hs_map_info *map);
const char *map_kind_name(enum hs_map_kind kind);

#define BUILD_ID_TEXT 131
/* Hexadecimal digits, or NULL when the module has none. */
const char *text_build_id(char buf[BUILD_ID_TEXT],
			  const struct hs_module_info *module);

/* Index of the map or module that holds ADDR, or SIZE_MAX. */
size_t find_map(const struct hs_target *target, hs_addr addr);
size_t find_module(const struct hs_target *target, hs_addr addr);

#endif
