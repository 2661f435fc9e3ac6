/* SPDX-License-Identifier: MIT */
#include "types/shapes.h"

#define SLACK 40u
#define PAGE 4096u

bool hs_shape_type(struct hs_naming *n, const struct hs_shape_name *shape,
		   enum hs_type_source source, uint32_t *ret)
{
	const struct hs_type what = {
		.name = shape->name,
		.source = source,
		.confidence = shape->confidence,
		.evidence = shape->evidence,
		.module = SIZE_MAX,
	};
	return hs_naming_type(n, &what, ret);
}

bool hs_block_fits(const struct hs_naming *n, const struct hs_block *b,
		   uint64_t bytes)
{
	bool pages = n->heap->chunks[b->chunk].state == HS_CHUNK_MMAPPED;
	return bytes <= b->usable &&
	       b->usable - bytes < SLACK + (pages ? PAGE : 0);
}

void hs_owned_note(struct hs_naming *n, struct hs_addr_map *map, hs_addr addr,
		   uint32_t shape)
{
	struct hs_error err;
	if (addr == HS_NO_ADDR || addr == 0)
		return;
	const struct hs_addr_entry *have = hs_addr_map_get(map, addr);
	if (have && have->value == shape)
		return;
	enum hs_status st = hs_addr_map_put(
		map,
		(struct hs_addr_entry){ addr, have ? HS_OWNED_DOUBTFUL : shape,
					0 },
		&err);
	if (st)
		hs_naming_fail(n, st, &err);
}

void hs_owned_merge(struct hs_naming *n, struct hs_addr_map *map,
		    const struct hs_addr_map *from)
{
	for (size_t i = 0; i < from->slots && !n->failed; i++)
		if (from->entry[i].addr != HS_NO_ADDR)
			hs_owned_note(n, map, from->entry[i].addr,
				      from->entry[i].value);
}

bool hs_owned_get(const struct hs_addr_map *map, hs_addr addr, uint32_t *shape)
{
	const struct hs_addr_entry *have = hs_addr_map_get(map, addr);
	if (!have || have->value == HS_OWNED_DOUBTFUL)
		return false;
	*shape = have->value;
	return true;
}

uint64_t hs_word_budget(const struct hs_naming *n, unsigned visits)
{
	uint64_t words = n->heap->chunk_count;
	for (size_t i = 0; i < n->heap->chunk_count; i++)
		words += hs_chunk_usable(n->heap, &n->heap->chunks[i]) / 8;
	return words * visits;
}

size_t hs_module_named(const struct hs_naming *n, const char *part)
{
	for (size_t i = 0; i < n->target->modules.count; i++) {
		const char *path = n->target->modules.module[i].path;
		const char *slash = strrchr(path, '/');
		if (strncmp(slash ? slash + 1 : path, part, strlen(part)) == 0)
			return i;
	}
	return SIZE_MAX;
}
