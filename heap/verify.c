/* SPDX-License-Identifier: MIT */
#include "heap/verify.h"

#include <inttypes.h>

static void count(struct hs_total *total, uint64_t usable, uint64_t size)
{
	total->count++;
	total->bytes += usable;
	total->chunk_bytes += size;
}

static void merge(struct hs_total *into, const struct hs_total *from)
{
	into->count += from->count;
	into->bytes += from->bytes;
	into->chunk_bytes += from->chunk_bytes;
}

static const enum hs_chunk_state free_states[] = {
	HS_CHUNK_TCACHE,   HS_CHUNK_FASTBIN,  HS_CHUNK_UNSORTED,
	HS_CHUNK_SMALLBIN, HS_CHUNK_LARGEBIN,
};
#define FREE_STATES (sizeof(free_states) / sizeof(free_states[0]))

/* One region's chunks by state; the bytes of those that were understood. */
static uint64_t sum_region(const struct hs_heap *heap,
			   const struct hs_region *region,
			   struct hs_total state[HS_CHUNK_STATE_COUNT])
{
	uint64_t understood = 0;
	for (size_t i = region->chunk; i < region->chunk + region->count; i++) {
		const struct hs_chunk *c = &heap->chunks[i];
		uint64_t size = hs_chunk_size(c);
		count(&state[c->state], hs_chunk_usable(heap, c), size);
		if (c->state != HS_CHUNK_UNKNOWN)
			understood += size;
	}
	return understood;
}

/* Bytes of a region that belong to no chunk: alignment before and behind. */
static uint64_t slack(const struct hs_heap *heap,
		      const struct hs_region *region)
{
	if (region->count == 0)
		return 0;
	const struct hs_chunk *first = &heap->chunks[region->chunk];
	const struct hs_chunk *last =
		&heap->chunks[region->chunk + region->count - 1];
	hs_addr end = last->addr + hs_chunk_size(last);
	uint64_t bytes = 0;
	if (first->addr - region->start < heap->layout.align)
		bytes += first->addr - region->start;
	if (end <= region->end && region->end - end < heap->layout.min_size)
		bytes += region->end - end;
	return bytes;
}

static void sum_up(struct hs_scan *scan)
{
	struct hs_heap *heap = scan->heap;
	struct hs_heap_summary *sum = &heap->summary;
	struct hs_mallinfo *info = &heap->mallinfo;
	for (size_t r = 0; r < heap->region_count; r++) {
		const struct hs_region *region = &heap->regions[r];
		struct hs_total state[HS_CHUNK_STATE_COUNT] = { 0 };
		uint64_t understood = sum_region(heap, region, state);
		for (size_t s = 0; s < HS_CHUNK_STATE_COUNT; s++)
			merge(&sum->state[s], &state[s]);
		if (region->arena == HS_NO_ARENA)
			continue;
		struct hs_arena *a = &heap->arenas[region->arena];
		a->heap_count++;
		a->chunks += region->count;
		a->walked += understood + slack(heap, region);
		merge(&a->in_use, &state[HS_CHUNK_USED]);
		for (size_t f = 0; f < FREE_STATES; f++)
			merge(&a->freed, &state[free_states[f]]);
	}
	const struct hs_total *s = sum->state;
	merge(&sum->in_use, &s[HS_CHUNK_USED]);
	merge(&sum->in_use, &s[HS_CHUNK_MMAPPED]);
	for (size_t f = 0; f < FREE_STATES; f++)
		merge(&sum->free, &s[free_states[f]]);

	/* mallinfo counts a tcached chunk as used, and every top as a free
	 * block, also that of an arena without memory. */
	info->arena = scan->total_system_mem;
	info->smblks = s[HS_CHUNK_FASTBIN].count;
	info->fsmblks = s[HS_CHUNK_FASTBIN].chunk_bytes;
	info->ordblks = heap->arena_count + s[HS_CHUNK_UNSORTED].count +
			s[HS_CHUNK_SMALLBIN].count + s[HS_CHUNK_LARGEBIN].count;
	info->fordblks = s[HS_CHUNK_TOP].chunk_bytes +
			 s[HS_CHUNK_FASTBIN].chunk_bytes +
			 s[HS_CHUNK_UNSORTED].chunk_bytes +
			 s[HS_CHUNK_SMALLBIN].chunk_bytes +
			 s[HS_CHUNK_LARGEBIN].chunk_bytes;
	info->uordblks = info->arena >= info->fordblks
				 ? info->arena - info->fordblks
				 : HS_UNKNOWN;
	info->hblks = scan->mmapped_chunks;
	info->hblkhd = scan->mmapped_bytes;
	info->keepcost = 0;
	if (heap->main_arena_lost) {
		info->ordblks = info->fordblks = HS_UNKNOWN;
		if (hs_layout_has(&heap->layout, HS_FIELD_ARENA_FASTBINS))
			info->smblks = info->fsmblks = HS_UNKNOWN;
	}
	for (size_t i = 0; i < heap->arena_count; i++) {
		struct hs_arena *a = &heap->arenas[i];
		a->walked += a->holes + a->in_hand;
		if (i == 0 && a->top != HS_NO_ADDR) /* the first libc's */
			info->keepcost = a->top_size ? a->top_size : HS_UNKNOWN;
		if (a->system_mem == HS_UNKNOWN)
			info->arena = info->uordblks = HS_UNKNOWN;
	}
}

static void sum_tcaches(struct hs_heap *heap)
{
	for (size_t i = 0; i < heap->list_count; i++) {
		const struct hs_list *l = &heap->lists[i];
		if (l->state == HS_CHUNK_TCACHE && l->owner != HS_NO_ARENA)
			heap->threads[l->owner].tcache_bytes +=
				l->bytes - l->count * heap->word_size;
	}
}

static enum hs_status compare_arenas(struct hs_scan *scan, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	struct hs_heap_checks *checks = &heap->checks;
	checks->system_mem_expected = 0;
	for (size_t i = 0; i < heap->arena_count; i++) {
		const struct hs_arena *a = &heap->arenas[i];
		checks->system_mem_walked += a->walked;
		if (a->system_mem == HS_UNKNOWN ||
		    checks->system_mem_expected == HS_UNKNOWN) {
			checks->system_mem_expected = HS_UNKNOWN;
			continue;
		}
		checks->system_mem_expected += a->system_mem;
		if (a->walked == a->system_mem)
			continue;
		checks->complete = false;
		enum hs_status st = hs_finding_add(
			&heap->findings, HS_FINDING_SYSTEM_MEM, a->addr, err,
			"the arena at 0x%" PRIx64 " has %" PRIu64
			" bytes from the system, the walk accounts for "
			"%" PRIu64,
			a->addr, a->system_mem, a->walked);
		if (st)
			return st;
	}
	return HS_OK;
}

static enum hs_status compare_mmapped(struct hs_scan *scan,
				      struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	struct hs_heap_checks *checks = &heap->checks;
	checks->mmapped_expected = scan->n_mmaps;
	checks->mmapped_bytes_expected = scan->mmapped_mem;
	checks->mmapped_found = scan->mmapped_chunks;
	checks->mmapped_bytes_found = scan->mmapped_bytes;
	if (scan->n_mmaps == HS_UNKNOWN ||
	    (scan->n_mmaps == scan->mmapped_chunks &&
	     scan->mmapped_mem == scan->mmapped_bytes))
		return HS_OK;
	checks->complete = false;
	return hs_finding_add(
		&heap->findings, HS_FINDING_MMAPPED_SUM, HS_NO_ADDR, err,
		"malloc counts %" PRIu64 " mmapped chunks with %" PRIu64
		" bytes, %zu with %" PRIu64 " were found",
		scan->n_mmaps, scan->mmapped_mem, scan->mmapped_chunks,
		scan->mmapped_bytes);
}

enum hs_status hs_verify(struct hs_scan *scan, struct hs_error *err)
{
	scan->heap->checks.complete = !scan->missing;
	sum_up(scan);
	sum_tcaches(scan->heap);
	enum hs_status st = compare_arenas(scan, err);
	return st ? st : compare_mmapped(scan, err);
}
