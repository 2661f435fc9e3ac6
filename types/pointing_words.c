/* SPDX-License-Identifier: MIT */
#include "types/pointing_words.h"

struct range {
	hs_addr lo, hi; /* of all blocks */
};

struct walk {
	struct hs_naming *n;
	hs_word_fn fn;
	void *arg;
	struct range blocks;
};

static void look_at_words(struct walk *w, hs_addr from, hs_addr to)
{
	struct hs_naming *n = w->n;
	while (from < to && !n->failed) {
		const uint8_t *bytes;
		uint64_t len;
		if (hs_target_view(n->target, from, &bytes, &len, NULL)) {
			const struct hs_span *next =
				hs_span_list_from(&n->target->spans, from);
			if (!next)
				return;
			hs_addr skip = next->start > from
					       ? next->start
					       : next->start + next->len;
			from = (skip + 7) & ~UINT64_C(7);
			continue;
		}
		if (len > to - from)
			len = to - from;
		for (uint64_t i = 0; i + 8 <= len; i += 8) {
			uint64_t word;
			memcpy(&word, bytes + i, sizeof(word));
			word = le64toh(word);
			if (word >= w->blocks.lo && word < w->blocks.hi)
				w->fn(w->arg, from + i, word);
		}
		from += (len + 7) & ~UINT64_C(7);
	}
}

/* Live blocks; what is in free ones is of the past. */
static void look_at_blocks(struct walk *w)
{
	struct hs_naming *n = w->n;
	for (size_t i = 0; i < n->heap->chunk_count; i++) {
		struct hs_block b;
		if (hs_naming_block(n, i, &b))
			look_at_words(w, b.user, b.user + b.usable);
	}
}

/* A thread's stack below its stack pointer is of the past, too. */
static hs_addr live_start(const struct hs_target *target,
			  const struct hs_map *map)
{
	hs_addr start = map->start;
	for (size_t i = 0; i < target->threads.count; i++) {
		const struct hs_thread *t = &target->threads.thread[i];
		if (t->sp != HS_NO_ADDR && t->sp >= map->start &&
		    t->sp < map->end)
			return map->kind == HS_MAP_STACK ? t->sp & ~UINT64_C(7)
							 : start;
	}
	return start;
}

/* Variables: whatever is writable and not the heap. */
static void look_at_maps(struct walk *w)
{
	const struct hs_naming *n = w->n;
	const struct hs_heap *heap = n->heap;
	for (size_t i = 0; i < n->target->maps.count; i++) {
		const struct hs_map *map = &n->target->maps.map[i];
		hs_addr at = live_start(n->target, map);
		if (!(map->prot & HS_PROT_WRITE) || map->shared)
			continue;
		for (size_t r = 0; r < heap->region_count; r++) {
			const struct hs_region *region = &heap->regions[r];
			if (region->end <= at)
				continue;
			if (region->start >= map->end)
				break;
			if (region->start > at)
				look_at_words(w, at, region->start);
			at = (region->end + 7) & ~UINT64_C(7);
		}
		if (at < map->end)
			look_at_words(w, at, map->end);
	}
}

void hs_pointing_words(struct hs_naming *n, hs_word_fn fn, void *arg)
{
	const struct hs_heap *heap = n->heap;
	if (!heap->chunk_count)
		return;
	const struct hs_chunk *last = &heap->chunks[heap->chunk_count - 1];
	struct walk w = { .n = n,
			  .fn = fn,
			  .arg = arg,
			  .blocks = { heap->chunks[0].addr,
				      last->addr + hs_chunk_size(last) } };
	look_at_blocks(&w);
	look_at_maps(&w);
}
