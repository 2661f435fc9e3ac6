/* SPDX-License-Identifier: MIT */
#include "types/block_map.h"

#include <stdlib.h>

#define SHIFT 10u /* a KiB holds 32 of the smallest chunks at most */

/* Slots of a region: its KiBs, and one more so that each has a next one. */
static size_t slots(const struct hs_region *r)
{
	return (size_t)((r->end - r->start) >> SHIFT) + 2;
}

static void fill(struct hs_block_map *map, size_t region)
{
	const struct hs_region *r = &map->heap->regions[region];
	uint32_t *first = map->first + map->start[region];
	size_t count = slots(r), next = 0;
	for (size_t i = r->chunk; i < r->chunk + r->count; i++) {
		hs_addr addr = map->heap->chunks[i].addr;
		size_t slot = addr < r->start
				      ? 0
				      : (size_t)((addr - r->start) >> SHIFT);
		while (next <= slot && next < count)
			first[next++] = (uint32_t)i;
	}
	while (next < count)
		first[next++] = (uint32_t)(r->chunk + r->count);
}

enum hs_status hs_block_map_init(struct hs_block_map *map,
				 const struct hs_heap *heap,
				 struct hs_error *err)
{
	size_t total = 0;
	*map = (struct hs_block_map){ .heap = heap };
	if (heap->chunk_count > UINT32_MAX)
		return hs_fail(err, HS_ERR_LIMIT, "%zu chunks are too many",
			       heap->chunk_count);
	map->start = malloc((heap->region_count + 1) * sizeof(*map->start));
	for (size_t i = 0; map->start && i < heap->region_count; i++) {
		map->start[i] = total;
		total += slots(&heap->regions[i]);
	}
	map->first = malloc((total + 1) * sizeof(*map->first));
	if (!map->start || !map->first) {
		hs_block_map_release(map);
		return hs_fail(err, HS_ERR_NOMEM,
			       "no memory for an index of %zu chunks",
			       heap->chunk_count);
	}
	for (size_t i = 0; i < heap->region_count; i++)
		fill(map, i);
	return HS_OK;
}

void hs_block_map_release(struct hs_block_map *map)
{
	free(map->first);
	free(map->start);
	*map = (struct hs_block_map){ 0 };
}

static bool find_region(struct hs_block_map *map, hs_addr addr)
{
	const struct hs_region *r = map->heap->regions;
	size_t lo = 0, hi = map->heap->region_count;
	if (map->last < hi && addr >= r[map->last].start &&
	    addr < r[map->last].end)
		return true;
	while (lo < hi) { /* the first that begins behind ADDR */
		size_t mid = lo + (hi - lo) / 2;
		if (r[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || addr >= r[lo - 1].end)
		return false;
	map->last = lo - 1;
	return true;
}

/* The slot of ADDR in the region of the last answer. */
static const uint32_t *first_of(const struct hs_block_map *map, hs_addr addr)
{
	const struct hs_region *r = &map->heap->regions[map->last];
	return map->first + map->start[map->last] +
	       (size_t)((addr - r->start) >> SHIFT);
}

bool hs_block_map_covers(struct hs_block_map *map, hs_addr addr)
{
	return find_region(map, addr);
}

void hs_block_map_ask(struct hs_block_map *map, hs_addr addr)
{
	if (find_region(map, addr))
		__builtin_prefetch(first_of(map, addr));
}

void hs_block_map_fetch(struct hs_block_map *map, hs_addr addr)
{
	if (!find_region(map, addr))
		return;
	const uint32_t *first = first_of(map, addr);
	/* Chunks are 16 bytes: the ends are mostly all. */
	__builtin_prefetch(&map->heap->chunks[first[0]]);
	__builtin_prefetch(&map->heap->chunks[first[1]]);
}

bool hs_block_map_find(struct hs_block_map *map, hs_addr addr, size_t *ret)
{
	if (!find_region(map, addr))
		return false;
	const struct hs_region *r = &map->heap->regions[map->last];
	const struct hs_chunk *chunk = map->heap->chunks;
	const uint32_t *first = first_of(map, addr);
	/* The chunk wanted begins before the next KiB's first one does. */
	size_t lo = first[0], hi = first[1];
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (chunk[mid].addr <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == r->chunk)
		return false;
	*ret = lo - 1;
	return true;
}
