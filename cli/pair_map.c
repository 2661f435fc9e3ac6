/* SPDX-License-Identifier: MIT */
#include "cli/pair_map.h"

#include <stdbool.h>
#include <stdlib.h>

static size_t find(const struct pair_map *m, uint32_t a, uint32_t b)
{
	uint64_t key = ((uint64_t)a << 32 | b) * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (size_t)(key >> 29) & (m->slots - 1);
	for (; m->slot[at]; at = (at + 1) & (m->slots - 1)) {
		const struct pair *p = &m->pair[m->slot[at] - 1];
		if (p->a == a && p->b == b)
			break;
	}
	return at;
}

static bool make_room(struct pair_map *m)
{
	if (m->count == m->capacity) {
		size_t more = m->capacity ? m->capacity * 2 : 256;
		void *pair = realloc(m->pair, more * sizeof(*m->pair));
		if (!pair)
			return false;
		m->pair = pair;
		m->capacity = more;
	}
	if (m->slots && m->count < m->slots / 2)
		return true;
	uint32_t *was = m->slot;
	size_t old = m->slots, more = old ? old * 2 : 512;
	m->slot = calloc(more, sizeof(*m->slot));
	if (!m->slot) {
		m->slot = was;
		return false;
	}
	m->slots = more;
	for (size_t i = 0; i < m->count; i++)
		m->slot[find(m, m->pair[i].a, m->pair[i].b)] =
			(uint32_t)(i + 1);
	free(was);
	return true;
}

uint32_t pair_map_get(struct pair_map *map, uint32_t a, uint32_t b)
{
	if (map->count >= PAIR_FAILED - 1 || !make_room(map))
		return PAIR_FAILED;
	size_t at = find(map, a, b);
	if (!map->slot[at]) {
		map->pair[map->count++] = (struct pair){ a, b };
		map->slot[at] = (uint32_t)map->count;
	}
	return map->slot[at] - 1;
}

void pair_map_release(struct pair_map *map)
{
	free(map->pair);
	free(map->slot);
	*map = (struct pair_map){ .pair = NULL };
}
