/* SPDX-License-Identifier: MIT */
#include "graph/chunk_index.h"

#include <stdlib.h>

#include "core/cleanup.h"

#define PAGE_SHIFT 12

struct stretch {
	hs_addr start, end;
	size_t first_page; /* index into first_chunk */
	size_t chunk_end;  /* one past the last chunk of the region */
};

struct hs_chunk_index {
	const struct hs_heap *heap;
	struct stretch *stretch; /* one a region, ascending */
	size_t count;
	uint32_t *first_chunk; /* a page each */
	hs_addr low, high;     /* of all regions */
};

static size_t pages_of(const struct hs_region *r)
{
	return (size_t)(((r->end - 1) >> PAGE_SHIFT) -
			(r->start >> PAGE_SHIFT) + 1);
}

enum hs_status hs_chunk_index_new(const struct hs_heap *heap,
				  struct hs_chunk_index **ret,
				  struct hs_error *err)
{
	if (heap->chunk_count >= UINT32_MAX)
		return hs_fail(err, HS_ERR_LIMIT,
			       "references among %zu chunks: more than fit",
			       heap->chunk_count);
	size_t pages = 0;
	for (size_t r = 0; r < heap->region_count; r++)
		pages += pages_of(&heap->regions[r]);
	struct hs_chunk_index *index = calloc(1, sizeof(*index));
	if (!index)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for an index");
	index->heap = heap;
	index->stretch = calloc(heap->region_count + 1, sizeof(struct stretch));
	index->first_chunk = malloc((pages + 1) * sizeof(uint32_t));
	if (!index->stretch || !index->first_chunk) {
		hs_chunk_index_free(index);
		return hs_fail(err, HS_ERR_NOMEM,
			       "no memory for an index of %zu pages", pages);
	}
	index->low = heap->region_count ? heap->regions[0].start : 0;
	size_t page = 0;
	for (size_t i = 0; i < heap->region_count; i++) {
		const struct hs_region *r = &heap->regions[i];
		index->stretch[i] = (struct stretch){ r->start, r->end, page,
						      r->chunk + r->count };
		index->high = r->end;
		size_t n = pages_of(r), chunk = r->chunk;
		for (size_t p = 0; p < n; p++) {
			hs_addr at = ((r->start >> PAGE_SHIFT) + p)
				     << PAGE_SHIFT;
			while (chunk < r->chunk + r->count &&
			       heap->chunks[chunk].addr < at)
				chunk++;
			index->first_chunk[page++] = (uint32_t)chunk;
		}
	}
	index->count = heap->region_count;
	*ret = index;
	return HS_OK;
}

void hs_chunk_index_free(struct hs_chunk_index *index)
{
	if (!index)
		return;
	free(index->stretch);
	free(index->first_chunk);
	free(index);
}

static bool live(const struct hs_chunk *c)
{
	return c->state == HS_CHUNK_USED || c->state == HS_CHUNK_MMAPPED;
}

bool hs_chunk_index_find(const struct hs_chunk_index *index, hs_addr addr,
			 size_t *chunk, uint64_t *into)
{
	if (addr < index->low || addr >= index->high)
		return false;
	size_t lo = 0, hi = index->count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (index->stretch[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || index->stretch[lo - 1].end <= addr)
		return false;
	const struct stretch *s = &index->stretch[lo - 1];
	const struct hs_heap *heap = index->heap;
	size_t page = s->first_page +
		      (size_t)((addr >> PAGE_SHIFT) - (s->start >> PAGE_SHIFT));
	/* The last chunk whose user part begins at or below ADDR: among those
	 * that begin in this page, else the one that reaches into it. */
	unsigned header = heap->layout.header;
	size_t first = heap->regions[lo - 1].chunk;
	size_t i = index->first_chunk[page];
	while (i < s->chunk_end && heap->chunks[i].addr + header <= addr)
		i++;
	if (i == first)
		return false;
	const struct hs_chunk *c = &heap->chunks[--i];
	hs_addr user = c->addr + header;
	if (addr < user || !live(c) || addr - user >= hs_chunk_usable(heap, c))
		return false;
	*chunk = i;
	*into = addr - user;
	return true;
}
