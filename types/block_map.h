/* SPDX-License-Identifier: MIT */
#ifndef TYPES_BLOCK_MAP_H
#define TYPES_BLOCK_MAP_H

#include "heap/model.h"

/*
 * From an address to its chunk without a search through all of them: for each
 * KiB of heap the first chunk that begins there or later. Four bytes a KiB.
 */
struct hs_block_map {
	const struct hs_heap *heap; /* borrowed */
	uint32_t *first;            /* chunk of each KiB, region by region */
	size_t *start;              /* each region's place in `first` */
	size_t last;                /* the region of the last answer */
};

HS_MUST_CHECK enum hs_status hs_block_map_init(struct hs_block_map *map,
					       const struct hs_heap *heap,
					       struct hs_error *err);
void hs_block_map_release(struct hs_block_map *map);

/* Index of the last chunk whose header is at or before ADDR, in ADDR's region;
 * false: there is none. */
bool hs_block_map_find(struct hs_block_map *map, hs_addr addr, size_t *ret);

/* Does ADDR lie in a region? */
bool hs_block_map_covers(struct hs_block_map *map, hs_addr addr);

/*
 * For those who will look up many addresses: ask the caches for what
 * hs_block_map_find(ADDR) reads first, and, when that has come, for what it
 * reads then.
 */
void hs_block_map_ask(struct hs_block_map *map, hs_addr addr);
void hs_block_map_fetch(struct hs_block_map *map, hs_addr addr);

#endif
