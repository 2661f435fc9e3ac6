/* SPDX-License-Identifier: MIT */
#include "types/namer.h"

#include <stdlib.h>

#include "core/limits.h"

static bool is_live(const struct hs_chunk *c)
{
	return c->state == HS_CHUNK_USED || c->state == HS_CHUNK_MMAPPED;
}

/* Printable ASCII, or a byte of a longer UTF-8 sequence. */
static bool in_a_name(uint8_t c)
{
	return c > 0x20 ? c != 0x7f : c == ' ';
}

bool hs_peek_name(struct hs_naming *n, hs_addr addr, char *buf, size_t size,
		  bool *not_captured)
{
	size_t len = 0;
	if (not_captured)
		*not_captured = false;
	while (len < size) {
		uint64_t c;
		if (!hs_window_uint(&n->meta, addr + len, 1, &c)) {
			if (not_captured && len == 0)
				*not_captured =
					n->meta.why == HS_ERR_NOT_CAPTURED;
			return false;
		}
		buf[len] = (char)c;
		if (!c)
			return len > 0;
		if (!in_a_name((uint8_t)c))
			return false;
		len++;
	}
	return false;
}

size_t hs_naming_module(const struct hs_naming *n, hs_addr addr)
{
	return hs_target_find_module(n->target, addr);
}

bool hs_naming_live(const struct hs_naming *n, size_t i, struct hs_block *ret)
{
	const struct hs_chunk *c = &n->heap->chunks[i];
	if (!is_live(c))
		return false;
	*ret = (struct hs_block){ .chunk = i,
				  .user = c->addr + n->heap->layout.header,
				  .usable = hs_chunk_usable(n->heap, c) };
	return true;
}

bool hs_naming_block(struct hs_naming *n, size_t i, struct hs_block *ret)
{
	return hs_naming_live(n, i, ret) &&
	       hs_window_word(&n->block, ret->user, &ret->first);
}

static bool find(struct hs_naming *n, hs_addr addr, uint32_t *chunk,
		 uint64_t *into)
{
	if (!n->finder.index)
		return false; /* a sample of blocks is looked at, no more */
	const struct hs_index_region *r =
		hs_block_finder_region(&n->finder, addr);
	return r && hs_block_index_in(n->finder.index, r, addr, chunk, into);
}

bool hs_naming_block_in(struct hs_naming *n, hs_addr addr, struct hs_block *ret)
{
	uint32_t i;
	uint64_t into;
	struct hs_block b;
	if (!find(n, addr, &i, &into) || !hs_naming_block(n, i, &b) ||
	    into >= b.usable)
		return false;
	if (ret)
		*ret = b;
	return true;
}

bool hs_naming_chunk_at(struct hs_naming *n, hs_addr addr, uint32_t *ret)
{
	const struct hs_index_region *r =
		hs_block_finder_region(&n->finder, addr);
	uint32_t i;
	bool at_start;
	if (!r ||
	    !hs_block_index_near(n->finder.index, r, addr, &i, &at_start) ||
	    !at_start)
		return false;
	*ret = i;
	return true;
}

bool hs_naming_block_at(struct hs_naming *n, hs_addr addr, struct hs_block *ret)
{
	uint32_t i;
	struct hs_block b;
	if (!hs_naming_chunk_at(n, addr, &i) || !hs_naming_block(n, i, &b))
		return false;
	if (ret)
		*ret = b;
	return true;
}

bool hs_naming_read_type(struct hs_naming *n, const struct hs_type *want,
			 uint32_t *ret)
{
	size_t len = strlen(want->name);
	/* The rest go without a name, which is no failure. */
	if (n->text > HS_LIMIT_TYPE_TEXT ||
	    len > HS_LIMIT_TYPE_TEXT - n->text) {
		n->overflow = true;
		return false;
	}
	n->text += len;
	return hs_naming_type(n, want, ret);
}

bool hs_naming_met(const struct hs_naming *n, enum hs_type_source source,
		   const char *name)
{
	for (size_t i = 0; i < n->table.count; i++)
		if (n->table.type[i].source == source &&
		    (!name || strcmp(n->table.type[i].name, name) == 0))
			return true;
	return false;
}

bool hs_naming_type(struct hs_naming *n, const struct hs_type *want,
		    uint32_t *ret)
{
	struct hs_error err;
	enum hs_status st = hs_type_table_put(&n->table, want, ret, &err);
	if (st)
		hs_naming_fail(n, st, &err);
	return !st;
}

void hs_naming_nameless(struct hs_naming *n, size_t module)
{
	n->nameless++;
	if (module < n->missing_module)
		n->missing_module = module;
}

void hs_naming_merge(struct hs_naming *n, struct hs_addr_map *map,
		     const struct hs_addr_map *from)
{
	for (size_t i = 0; i < from->slots && !n->failed; i++) {
		struct hs_error err;
		if (from->entry[i].addr == HS_NO_ADDR)
			continue;
		enum hs_status st = hs_addr_map_put(map, from->entry[i], &err);
		if (st)
			hs_naming_fail(n, st, &err);
	}
}

static void add(struct hs_total *total, uint64_t bytes)
{
	total->count++;
	total->bytes += bytes;
}

void hs_naming_part(struct hs_naming *n, enum hs_area area, uint64_t size,
		    uint32_t type)
{
	struct hs_parts *parts = &n->parts[area];
	add(&parts->info.live, size);
	if (type == HS_NO_TYPE)
		return;
	if (type >= parts->types) {
		struct hs_error err;
		size_t types = n->table.count + n->table.count / 2;
		struct hs_total *more =
			realloc(parts->by_type, types * sizeof(*more));
		if (!more) {
			hs_naming_fail(n,
				       hs_fail(&err, HS_ERR_NOMEM,
					       "no memory for %zu types",
					       types),
				       &err);
			return;
		}
		memset(more + parts->types, 0,
		       (types - parts->types) * sizeof(*more));
		parts->by_type = more;
		parts->types = types;
	}
	add(&parts->info.named, size);
	add(&parts->by_type[type], size);
}

void hs_naming_fail(struct hs_naming *n, enum hs_status st,
		    const struct hs_error *err)
{
	if (n->failed)
		return;
	n->failed = st;
	n->error = *err;
}
