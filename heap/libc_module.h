/* SPDX-License-Identifier: MIT */
#ifndef HEAP_LIBC_MODULE_H
#define HEAP_LIBC_MODULE_H

#include "heap/scan.h"

/* The Nth module that may hold malloc, the likeliest first: those called libc,
 * then the program itself. SIZE_MAX ends. */
size_t hs_libc_candidate(const struct hs_scan *scan, size_t n);

/* A module's own data: file-backed, or the .bss that follows it. */
bool hs_may_hold_libc_data(const struct hs_scan *scan,
			   const struct hs_map *map);

/* Bytes of all modules' own data that the target does not have. */
uint64_t hs_libc_data_missing(const struct hs_scan *scan);

#endif
