/* SPDX-License-Identifier: MIT */
#ifndef CLI_PAIR_MAP_H
#define CLI_PAIR_MAP_H

#include <stddef.h>
#include <stdint.h>

/* Pairs by number, in the order in which they were first met. */
struct pair_map {
	struct pair {
		uint32_t a, b;
	} * pair;
	size_t count, capacity;
	uint32_t *slot; /* open addressing: number + 1; 0: empty */
	size_t slots;   /* a power of two, or 0 */
};
#define PAIR_FAILED UINT32_MAX

/* The number of (A, B); PAIR_FAILED: no memory. */
uint32_t pair_map_get(struct pair_map *map, uint32_t a, uint32_t b);
void pair_map_release(struct pair_map *map);

#endif
