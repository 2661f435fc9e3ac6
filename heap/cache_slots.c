/* SPDX-License-Identifier: MIT */
#include "heap/cache_slots.h"

#include <stdlib.h>

#include "core/cleanup.h"
#include "core/grow.h"
#include "heap/arena.h"
#include "heap/region.h"

/* thread_arena and tcache are both libc's own: its TLS is 0x54 to 0x98 bytes
 * in all builds seen. */
#define SAME_BLOCK 0x100

struct cache {
	hs_addr tcache;
	bool owned;
};

/* A word that holds a cache's address, near one that holds an arena's. */
struct slot {
	hs_addr addr;
	size_t cache; /* index */
	uint32_t arena;
	int64_t distance; /* from it to the arena's word, bytes */
	bool taken;
};

struct search {
	struct cache *cache;
	size_t cache_count, cache_capacity;
	struct slot *slot; /* ascending by address */
	size_t slot_count, slot_capacity;
};

static void search_release(struct search *s)
{
	free(s->cache);
	free(s->slot);
}

static size_t cache_at(const struct search *s, hs_addr tcache)
{
	for (size_t i = 0; i < s->cache_count; i++)
		if (s->cache[i].tcache == tcache)
			return i;
	return SIZE_MAX;
}

static enum hs_status gather_caches(struct hs_scan *scan, struct search *s,
				    struct hs_error *err)
{
	const struct hs_heap *heap = scan->heap;
	for (size_t i = 0; i < heap->list_count; i++) {
		const struct hs_list *l = &heap->lists[i];
		if (l->state != HS_CHUNK_TCACHE || l->owner != HS_NO_ARENA)
			continue;
		/* The lists of one cache follow one another. */
		if (s->cache_count > 0 &&
		    s->cache[s->cache_count - 1].tcache == l->addr)
			continue;
		enum hs_status st =
			hs_grow(&s->cache, &s->cache_capacity, s->cache_count,
				sizeof(*s->cache), err);
		if (st)
			return st;
		s->cache[s->cache_count++] =
			(struct cache){ .tcache = l->addr };
	}
	return HS_OK;
}

/* The nearest word around AT that is an arena's address. */
static bool arena_near(struct hs_scan *scan, hs_addr at, struct slot *slot)
{
	int64_t w = scan->target->word_size;
	for (int64_t d = w; d <= SAME_BLOCK; d += w)
		for (int sign = -1; sign <= 1; sign += 2) {
			uint64_t value;
			if (!hs_window_word(&scan->list_window,
					    at + (uint64_t)(sign * d), &value))
				continue;
			uint32_t arena = hs_arena_at(scan, value);
			if (value == 0 || arena == HS_NO_ARENA)
				continue;
			slot->arena = arena;
			slot->distance = sign * d;
			return true;
		}
	return false;
}

static enum hs_status gather_slots(struct hs_scan *scan, struct search *s,
				   const struct hs_map *map,
				   struct hs_error *err)
{
	hs_addr lowest = UINT64_MAX, highest = 0;
	for (size_t i = 0; i < s->cache_count; i++) {
		hs_addr t = s->cache[i].tcache;
		lowest = t < lowest ? t : lowest;
		highest = t > highest ? t : highest;
	}
	unsigned w = scan->target->word_size;
	hs_addr at = hs_align_up(map->start, w);
	while (at < map->end) {
		const struct hs_region *r = hs_region_at(scan->heap, at);
		if (r) {
			at = hs_align_up(r->end, w);
			continue;
		}
		hs_addr behind = at % HS_ZERO_RUN < w
					 ? hs_span_list_skip_zeroes(
						   &scan->target->spans, at)
					 : at;
		if (behind > at) {
			at = hs_align_up(behind, w);
			continue;
		}
		uint64_t value;
		if (!hs_window_word(&scan->window, at, &value)) {
			const struct hs_span *next =
				hs_span_list_from(&scan->target->spans, at);
			if (!next)
				return HS_OK;
			hs_addr to = next->start > at ? next->start
						      : next->start + next->len;
			at = hs_align_up(to, w);
			continue;
		}
		struct slot slot = { .addr = at };
		at += w;
		if (value < lowest || value > highest)
			continue;
		slot.cache = cache_at(s, value);
		if (slot.cache == SIZE_MAX ||
		    !arena_near(scan, slot.addr, &slot))
			continue;
		enum hs_status st =
			hs_grow(&s->slot, &s->slot_capacity, s->slot_count,
				sizeof(*s->slot), err);
		if (st)
			return st;
		s->slot[s->slot_count++] = slot;
	}
	return HS_OK;
}

/*
 * The two variables have one distance in all threads. What lies otherwise is a
 * register that was saved, or a stale frame.
 */
static void keep_usual_distance(struct search *s)
{
	int64_t usual = 0;
	size_t most = 0, kept = 0;
	for (size_t i = 0; i < s->slot_count; i++) {
		size_t n = 0;
		for (size_t j = 0; j < s->slot_count; j++)
			n += s->slot[j].distance == s->slot[i].distance;
		if (n > most) {
			most = n;
			usual = s->slot[i].distance;
		}
	}
	for (size_t i = 0; i < s->slot_count; i++)
		if (s->slot[i].distance == usual)
			s->slot[kept++] = s->slot[i];
	s->slot_count = kept;
}

/* The thread without a cache whose stack ends nearest below SLOT, in the same
 * mapping and with no other slot between. */
static size_t thread_below(const struct hs_scan *scan, const struct search *s,
			   size_t slot)
{
	const struct hs_heap *heap = scan->heap;
	const struct hs_map *map =
		hs_target_find_map(scan->target, s->slot[slot].addr);
	hs_addr from = map ? map->start : s->slot[slot].addr;
	if (slot > 0 && s->slot[slot - 1].addr > from)
		from = s->slot[slot - 1].addr;
	size_t found = SIZE_MAX;
	for (size_t t = 0; t < heap->thread_count; t++) {
		hs_addr sp = heap->threads[t].sp;
		if (sp == HS_NO_ADDR || sp < from || sp >= s->slot[slot].addr)
			continue;
		if (found != SIZE_MAX)
			return SIZE_MAX; /* two in one stack: cannot be */
		found = t;
	}
	return found != SIZE_MAX && !heap->threads[found].tcache_known
		       ? found
		       : SIZE_MAX;
}

static void give(struct hs_scan *scan, struct search *s, size_t slot,
		 size_t thread)
{
	struct hs_heap *heap = scan->heap;
	struct hs_thread_heap *t = &heap->threads[thread];
	struct cache *cache = &s->cache[s->slot[slot].cache];
	s->slot[slot].taken = true;
	cache->owned = true;
	t->tcache = cache->tcache;
	t->tcache_known = true;
	if (!t->arena_known) {
		t->arena = s->slot[slot].arena;
		t->arena_known = true;
	}
	for (size_t i = 0; i < heap->list_count; i++) {
		struct hs_list *l = &heap->lists[i];
		if (l->state != HS_CHUNK_TCACHE || l->addr != cache->tcache)
			continue;
		l->owner = (uint32_t)thread;
		t->tcache_count += l->count;
	}
}

static void match(struct hs_scan *scan, struct search *s)
{
	for (size_t i = 0; i < s->slot_count; i++) {
		size_t thread = thread_below(scan, s, i);
		if (thread != SIZE_MAX && !s->cache[s->slot[i].cache].owned)
			give(scan, s, i, thread);
	}
	/* One of each left: they belong together. */
	size_t slot = SIZE_MAX, slots = 0, thread = SIZE_MAX, threads = 0;
	for (size_t i = 0; i < s->slot_count; i++)
		if (!s->slot[i].taken && !s->cache[s->slot[i].cache].owned) {
			slot = i;
			slots++;
		}
	for (size_t t = 0; t < scan->heap->thread_count; t++)
		if (!scan->heap->threads[t].tcache_known) {
			thread = t;
			threads++;
		}
	if (slots == 1 && threads == 1)
		give(scan, s, slot, thread);
}

enum hs_status hs_cache_slots_find(struct hs_scan *scan, size_t *left,
				   struct hs_error *err)
{
	HS_CLEANUP(search_release) struct search s = { 0 };
	const struct hs_map_list *maps = &scan->target->maps;
	enum hs_status st = gather_caches(scan, &s, err);
	if (st)
		return st;
	size_t missing = 0;
	for (size_t t = 0; t < scan->heap->thread_count; t++)
		missing += !scan->heap->threads[t].tcache_known;
	/* More than there are threads would be caches of the dead. */
	for (size_t i = 0; missing > 0 && i < maps->count; i++) {
		const struct hs_map *map = &maps->map[i];
		if (!hs_scan_writable(map) || map->captured == 0)
			continue;
		st = gather_slots(scan, &s, map, err);
		if (st)
			return st;
	}
	keep_usual_distance(&s);
	match(scan, &s);
	*left = 0;
	for (size_t i = 0; i < s.cache_count; i++)
		*left += !s.cache[i].owned;
	return HS_OK;
}
