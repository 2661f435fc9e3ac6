/* SPDX-License-Identifier: MIT */
#include "heap/in_hand.h"

#include <inttypes.h>

#include "heap/interrupted.h"
#include "heap/linked.h"

/* mallopt(M_MXFAST) goes no further than 80 times the size of a word over 4,
 * and a header. */
static uint64_t max_fast(const struct hs_heap *heap)
{
	return 20 * (uint64_t)heap->word_size + heap->layout.header;
}

/* A walk along links, until there is none or one leads astray. */
struct chain {
	struct hs_scan *scan;
	uint64_t size; /* of its chunks */
	uint64_t left; /* steps for all chains together */
};

/* The chunk that CHUNK's link leads to; SIZE_MAX: none, it is the last one.
 * False: it is no link. */
static bool next_of(struct chain *c, size_t chunk, size_t *ret)
{
	const struct hs_heap *heap = c->scan->heap;
	hs_addr at = heap->chunks[chunk].addr + heap->layout.header, to;
	uint64_t stored;
	if (!hs_window_word(&c->scan->list_window, at, &stored))
		return false;
	to = heap->safe_linking ? hs_link_reveal(stored, at) : stored;
	if (heap->word_size == 4)
		to &= UINT32_MAX;
	*ret = SIZE_MAX;
	return to == 0 || hs_heap_chunk_at(heap, to, ret);
}

static bool may_be_in(const struct chain *c, size_t chunk)
{
	const struct hs_heap *heap = c->scan->heap;
	return heap->chunks[chunk].state == HS_CHUNK_USED &&
	       hs_chunk_size(&heap->chunks[chunk]) == c->size &&
	       heap->chunks[chunk].list == 0;
}

/*
 * Does a chain that begins at FIRST end as one does? It has two chunks at
 * least: a block that was never written to still looks like the last of a list
 * that it was on, but what leads to the header of another is malloc's own.
 */
static bool is_chain(struct chain *c, size_t first)
{
	uint64_t count = 0;
	c->size = hs_chunk_size(&c->scan->heap->chunks[first]);
	if (c->size > max_fast(c->scan->heap))
		return false;
	for (size_t at = first; at != SIZE_MAX; c->left--, count++)
		if (c->left == 0 || !may_be_in(c, at) || !next_of(c, at, &at))
			return false;
	return count > 1;
}

static void take(struct chain *c, size_t first, struct hs_total *total)
{
	struct hs_heap *heap = c->scan->heap;
	/* A chunk that was taken is not used any more: rings end. */
	for (size_t at = first; at != SIZE_MAX && may_be_in(c, at);) {
		const struct hs_region *region = hs_heap_region_of(heap, at);
		size_t next;
		bool more = next_of(c, at, &next);
		heap->chunks[at].state = HS_CHUNK_UNKNOWN;
		if (region->arena != HS_NO_ARENA)
			heap->arenas[region->arena].in_hand += c->size;
		total->count++;
		total->bytes += c->size;
		if (!more)
			break;
		at = next;
	}
}

static bool in_motion(struct hs_scan *scan)
{
	const struct hs_heap *heap = scan->heap;
	bool any = false;
	for (size_t i = 0; i < heap->arena_count; i++)
		any |= heap->arenas[i].locked;
	for (size_t i = 0; i < heap->thread_count; i++)
		any |= heap->threads[i].in_malloc;
	/* Without threads nothing is locked; then a pc must tell. */
	return any && hs_any_in_malloc(scan);
}

enum hs_status hs_in_hand_find(struct hs_scan *scan, struct hs_error *err)
{
	const struct hs_heap *heap = scan->heap;
	struct hs_total total = { 0 };
	struct chain c = { .scan = scan, .left = 2 * heap->chunk_count };
	if (!hs_layout_has(&heap->layout, HS_FIELD_ARENA_FASTBINS) ||
	    !in_motion(scan))
		return HS_OK;
	for (size_t i = 0; i < scan->hand_count; i++) {
		size_t chunk;
		if (hs_heap_chunk_at(heap, scan->hand[i], &chunk) &&
		    heap->chunks[chunk].state == HS_CHUNK_USED &&
		    is_chain(&c, chunk))
			take(&c, chunk, &total);
	}
	if (!total.count)
		return HS_OK;
	return hs_finding_add(&scan->heap->findings, HS_FINDING_IN_MOTION,
			      HS_NO_ADDR, err,
			      "%" PRIu64 " free chunks with %" PRIu64
			      " bytes are on no list: a thread was inside "
			      "malloc, emptying one",
			      total.count, total.bytes);
}
