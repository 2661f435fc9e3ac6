/* SPDX-License-Identifier: MIT */
#include "core/addr_map.h"

#include <assert.h>
#include <stdlib.h>

static struct hs_addr_entry *find(struct hs_addr_entry *entry, size_t slots,
				  hs_addr addr)
{
	uint64_t h = addr * 0x9e3779b97f4a7c15;
	size_t i = (size_t)(h >> 24) & (slots - 1);
	while (entry[i].addr != HS_NO_ADDR && entry[i].addr != addr)
		i = (i + 1) & (slots - 1);
	return &entry[i];
}

const struct hs_addr_entry *hs_addr_map_get(const struct hs_addr_map *map,
					    hs_addr addr)
{
	if (!map->slots || addr == HS_NO_ADDR)
		return NULL;
	const struct hs_addr_entry *e = find(map->entry, map->slots, addr);
	return e->addr == addr ? e : NULL;
}

static enum hs_status grow(struct hs_addr_map *map, struct hs_error *err)
{
	size_t slots = map->slots ? 2 * map->slots : 64;
	struct hs_addr_entry *entry = malloc(slots * sizeof(*entry));
	if (!entry)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for %zu addresses",
			       slots);
	for (size_t i = 0; i < slots; i++)
		entry[i].addr = HS_NO_ADDR;
	for (size_t i = 0; i < map->slots; i++)
		if (map->entry[i].addr != HS_NO_ADDR)
			*find(entry, slots, map->entry[i].addr) = map->entry[i];
	free(map->entry);
	map->entry = entry;
	map->slots = slots;
	return HS_OK;
}

enum hs_status hs_addr_map_put(struct hs_addr_map *map,
			       struct hs_addr_entry entry, struct hs_error *err)
{
	assert(entry.addr != HS_NO_ADDR);
	if (2 * (map->count + 1) > map->slots) {
		enum hs_status st = grow(map, err);
		if (st)
			return st;
	}
	struct hs_addr_entry *e = find(map->entry, map->slots, entry.addr);
	map->count += e->addr == HS_NO_ADDR;
	*e = entry;
	return HS_OK;
}

void hs_addr_map_release(struct hs_addr_map *map)
{
	free(map->entry);
	*map = (struct hs_addr_map){ 0 };
}
