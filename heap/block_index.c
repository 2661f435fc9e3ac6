/* SPDX-License-Identifier: MIT */
#include "heap/block_index.h"

#include <assert.h>

#include "core/cleanup.h"
#include "core/large_pages.h"

/* User pointers are multiples of 16 nearly everywhere; i386 before 2.26 and
 * damaged heaps are the exception. */
static unsigned shift_of(const struct hs_heap *heap, const struct hs_region *r,
			 hs_addr base)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct hs_chunk *c = &heap->chunks[r->chunk + i];
		if ((c->addr + heap->layout.header - base) & 15)
			return 3;
	}
	return 4;
}

static void describe(const struct hs_heap *heap, const struct hs_region *from,
		     struct hs_index_region *to)
{
	const struct hs_chunk *first = &heap->chunks[from->chunk];
	const struct hs_chunk *last = first + from->count - 1;
	hs_addr base = first->addr + heap->layout.header;
	hs_addr end = last->addr + hs_chunk_size(last);
	/* A fencepost may be smaller than a header. */
	if (end < last->addr + heap->layout.header)
		end = last->addr + heap->layout.header;
	*to = (struct hs_index_region){
		.start = from->start < first->addr ? from->start : first->addr,
		/* A last chunk that claims more than there is. */
		.end = end > from->end ? end : from->end,
		.base = base,
		.shift = shift_of(heap, from, base),
		.chunk = from->chunk,
	};
}

static size_t slots_of(const struct hs_index_region *r)
{
	if (r->end < r->base)
		return 1;
	return (size_t)((r->end - r->base) >> r->shift >> 6) + 1;
}

static void fill(struct hs_block_index *index, const struct hs_index_region *r,
		 size_t count, size_t slots)
{
	const struct hs_heap *heap = index->heap;
	struct hs_index_slot *slot = index->slot + r->slot;
	for (size_t i = r->chunk; i < r->chunk + count; i++) {
		const struct hs_chunk *c = &heap->chunks[i];
		uint64_t at =
			(c->addr + heap->layout.header - r->base) >> r->shift;
		assert(at / 64 < slots);
		slot[at / 64].bits |= UINT64_C(1) << (at % 64);
		if (c->state == HS_CHUNK_USED || c->state == HS_CHUNK_MMAPPED)
			hs_bit_set(index->live, i);
	}
	uint32_t rank = 0;
	for (size_t s = 0; s < slots; s++) {
		slot[s].rank = rank;
		rank += (uint32_t)__builtin_popcountll(slot[s].bits);
	}
}

/* Everything between the lowest and the highest byte, but for the largest
 * gap. */
static void find_range(struct hs_block_index *index)
{
	struct hs_word_range *range = &index->range;
	*range = (struct hs_word_range){ .low = { 0 } };
	if (!index->count)
		return;
	size_t split = 0;
	uint64_t widest = 0;
	hs_addr high = index->region[0].end;
	for (size_t i = 1; i < index->count; i++) {
		const struct hs_index_region *r = &index->region[i];
		if (r->start > high && r->start - high > widest) {
			widest = r->start - high;
			split = i;
		}
		high = r->end > high ? r->end : high;
	}
	/* One past the end counts. */
	range->low[0] = range->low[1] = index->region[0].start;
	range->high[0] = high + 1;
	range->high[1] = range->low[1];
	if (!split)
		return;
	range->high[0] = index->region[split - 1].end + 1;
	range->low[1] = index->region[split].start;
	range->high[1] = high + 1;
}

/* No address is in two of them. */
static void cut_overlaps(struct hs_block_index *index)
{
	for (size_t i = 1; i < index->count; i++)
		if (index->region[i - 1].end > index->region[i].start)
			index->region[i - 1].end = index->region[i].start;
}

enum hs_status hs_block_index_new(const struct hs_heap *heap,
				  struct hs_block_index **ret,
				  struct hs_error *err)
{
	/* One bit of an edge says whether it leads to the start. */
	if (heap->chunk_count > INT32_MAX)
		return hs_fail(err, HS_ERR_LIMIT,
			       "%zu chunks: more than fit into an index",
			       heap->chunk_count);
	HS_CLEANUP(hs_block_index_cleanup)
	struct hs_block_index *index = calloc(1, sizeof(*index));
	if (!index)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for an index");
	index->heap = heap;
	index->tagged = heap->tagged_pointers;
	index->region = calloc(heap->region_count + 1, sizeof(*index->region));
	index->live = hs_bits_new(heap->chunk_count);
	if (!index->region || !index->live)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for an index");
	size_t slots = 0;
	for (size_t i = 0; i < heap->region_count; i++) {
		if (!heap->regions[i].count)
			continue;
		struct hs_index_region *r = &index->region[index->count++];
		describe(heap, &heap->regions[i], r);
		r->slot = slots;
		slots += slots_of(r);
	}
	index->slot = calloc(slots + 1, sizeof(*index->slot));
	if (!index->slot)
		return hs_fail(err, HS_ERR_NOMEM,
			       "no memory for an index of %zu slots", slots);
	hs_want_large_pages(index->slot, slots * sizeof(*index->slot));
	for (size_t i = 0, k = 0; i < heap->region_count; i++) {
		if (!heap->regions[i].count)
			continue;
		const struct hs_index_region *r = &index->region[k++];
		fill(index, r, heap->regions[i].count, slots_of(r));
	}
	find_range(index);
	cut_overlaps(index);
	*ret = HS_TAKE(index);
	return HS_OK;
}

void hs_block_index_free(struct hs_block_index *index)
{
	if (!index)
		return;
	free(index->region);
	free(index->slot);
	free(index->live);
	free(index);
}
