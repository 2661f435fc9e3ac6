/* SPDX-License-Identifier: MIT */
#include "types/pointing_words.h"

#include <stdlib.h>

#include "core/cleanup.h"

struct range {
	hs_addr lo, hi; /* of all blocks */
};

struct walk {
	struct hs_naming *n;
	hs_word_fn fn;
	void *arg;
	struct range blocks;
};

static inline uint64_t word_at(const uint8_t *bytes, unsigned size)
{
	uint64_t word = 0;
	memcpy(&word, bytes, size);
	return le64toh(word);
}

static inline void look_at_each(struct walk *w, hs_addr from,
				const uint8_t *bytes, uint64_t len,
				unsigned word)
{
	for (uint64_t i = 0; i + word <= len; i += word) {
		uint64_t value = word_at(bytes + i, word);
		if (value >= w->blocks.lo && value < w->blocks.hi)
			w->fn(w->arg, from + i, value);
	}
}

static void look_at_words(struct walk *w, hs_addr from, hs_addr to)
{
	struct hs_naming *n = w->n;
	unsigned word = n->target->word_size;
	while (from < to && !n->failed) {
		uint64_t len;
		const uint8_t *bytes = hs_window_bytes(&n->block, from, &len);
		if (!bytes) {
			const struct hs_span *next =
				hs_span_list_from(&n->target->spans, from);
			if (!next)
				return;
			hs_addr skip = next->start > from
					       ? next->start
					       : next->start + next->len;
			from = (skip + word - 1) & ~(hs_addr)(word - 1);
			continue;
		}
		if (len > to - from)
			len = to - from;
		/* A length that the compiler knows: no call for each word. */
		if (word == 8)
			look_at_each(w, from, bytes, len, 8);
		else
			look_at_each(w, from, bytes, len, 4);
		from += (len + word - 1) & ~(hs_addr)(word - 1);
	}
}

/* Live blocks; what is in free ones is of the past. */
static void look_at_blocks(struct walk *w)
{
	struct hs_naming *n = w->n;
	for (size_t i = 0; i < n->heap->chunk_count; i++) {
		struct hs_block b;
		hs_naming_look_ahead(n, i);
		if (hs_naming_block(n, i, &b))
			look_at_words(w, b.user, b.user + b.usable);
	}
}

static int by_value(const void *a, const void *b)
{
	hs_addr x = *(const hs_addr *)a, y = *(const hs_addr *)b;
	return x < y ? -1 : x > y;
}

/* The threads' stack pointers, ascending; NULL: out of memory. */
static hs_addr *stack_pointers(struct hs_naming *n)
{
	const struct hs_thread_list *threads = &n->target->threads;
	hs_addr *sp = malloc((threads->count + 1) * sizeof(*sp));
	if (!sp) {
		n->failed = HS_ERR_NOMEM;
		return NULL;
	}
	for (size_t i = 0; i < threads->count; i++)
		sp[i] = threads->thread[i].sp;
	qsort(sp, threads->count, sizeof(*sp), by_value);
	return sp;
}

/* Variables: whatever is writable and not the heap. Maps, regions and stack
 * pointers are met in one order. */
static void look_at_maps(struct walk *w)
{
	struct hs_naming *n = w->n;
	const struct hs_heap *heap = n->heap;
	const hs_addr mask = ~(hs_addr)(n->target->word_size - 1);
	HS_AUTO_FREE hs_addr *sp = stack_pointers(n);
	size_t r = 0, t = 0;
	for (size_t i = 0; sp && i < n->target->maps.count; i++) {
		const struct hs_map *map = &n->target->maps.map[i];
		hs_addr at = map->start;
		while (t < n->target->threads.count && sp[t] < map->start)
			t++;
		/* What is below a stack pointer is of the past, too. */
		if (map->kind == HS_MAP_STACK && t < n->target->threads.count &&
		    sp[t] < map->end)
			at = sp[t] & mask;
		if (!(map->prot & HS_PROT_WRITE) || map->shared)
			continue;
		while (r < heap->region_count && heap->regions[r].end <= at)
			r++;
		for (size_t k = r; k < heap->region_count &&
				   heap->regions[k].start < map->end;
		     k++) {
			const struct hs_region *region = &heap->regions[k];
			if (region->start > at)
				look_at_words(w, at, region->start);
			at = (region->end + ~mask) & mask;
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
