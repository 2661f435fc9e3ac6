/* SPDX-License-Identifier: MIT */
#ifndef HEAP_BLOCK_INDEX_H
#define HEAP_BLOCK_INDEX_H

#include "core/bits.h"
#include "core/word_range.h"
#include "heap/model.h"

/*
 * From any address to the live block it points into, in constant time and
 * mostly one cache miss: a bit for every place where a user pointer may be,
 * and a count of the bits before each 64 of them. The count is the index of
 * the chunk. One byte for each 64 of heap; a search among the chunks would
 * cost a miss a step.
 */
struct hs_index_slot {
	uint64_t bits;
	uint32_t rank; /* bits in the region's slots before this one */
};

struct hs_index_region {
	hs_addr start, end; /* of the region */
	hs_addr base;       /* what bit 0 of the first slot stands for */
	unsigned shift;     /* a bit is this many bytes, as a power of two */
	size_t slot;        /* its first */
	size_t chunk;       /* its first */
};

struct hs_block_index {
	const struct hs_heap *heap; /* borrowed */
	struct hs_index_region *region;
	size_t count;
	struct hs_index_slot *slot;
	uint64_t *live;             /* a bit a chunk: used or mmapped */
	struct hs_word_range range; /* of all regions, the largest gap left
				     * out */
	bool tagged; /* what is in the top byte of a word is no address */
};

HS_MUST_CHECK enum hs_status hs_block_index_new(const struct hs_heap *heap,
						struct hs_block_index **ret,
						struct hs_error *err);
void hs_block_index_free(struct hs_block_index *index); /* NULL is fine */
static inline void hs_block_index_cleanup(struct hs_block_index **slot)
{
	hs_block_index_free(*slot);
}

/* The region that ADDR is in or just behind; NULL: none. */
static inline const struct hs_index_region *
hs_block_index_region(const struct hs_block_index *index, hs_addr addr)
{
	size_t lo = 0, hi = index->count;
	while (lo < hi) { /* the first that begins at or behind ADDR */
		size_t mid = lo + (hi - lo) / 2;
		if (index->region[mid].start < addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || addr > index->region[lo - 1].end ||
	    addr < index->region[lo - 1].base)
		return NULL;
	return &index->region[lo - 1];
}

static inline const struct hs_index_slot *
hs_block_index_slot(const struct hs_block_index *index,
		    const struct hs_index_region *r, hs_addr addr)
{
	return &index->slot[r->slot + ((addr - r->base) >> r->shift >> 6)];
}

/*
 * What follows once region and slot are at hand: the live chunk whose user part
 * begins at ADDR (*AT_START), or is the last to begin before it; ADDR may be
 * behind its end.
 */
static inline bool hs_block_index_near(const struct hs_block_index *index,
				       const struct hs_index_region *r,
				       hs_addr addr, uint32_t *chunk,
				       bool *at_start)
{
	const struct hs_index_slot *s = hs_block_index_slot(index, r, addr);
	uint64_t off = addr - r->base;
	unsigned bit = (unsigned)(off >> r->shift) & 63;
	unsigned n = s->rank + (unsigned)__builtin_popcountll(
				       s->bits & ((UINT64_C(2) << bit) - 1));
	if (n == 0)
		return false;
	size_t i = r->chunk + n - 1;
	if (!hs_bit(index->live, i))
		return false;
	*at_start = (s->bits >> bit & 1) &&
		    (off & ((UINT64_C(1) << r->shift) - 1)) == 0;
	*chunk = (uint32_t)i;
	return true;
}

/* Does a chunk's user part, live or not, begin at ADDR, which is in R? */
static inline bool hs_block_index_begins(const struct hs_block_index *index,
					 const struct hs_index_region *r,
					 hs_addr addr, uint32_t *chunk)
{
	const struct hs_index_slot *s = hs_block_index_slot(index, r, addr);
	uint64_t off = addr - r->base;
	unsigned bit = (unsigned)(off >> r->shift) & 63;
	if (!(s->bits >> bit & 1) || (off & ((UINT64_C(1) << r->shift) - 1)))
		return false;
	*chunk = (uint32_t)(r->chunk + s->rank +
			    (unsigned)__builtin_popcountll(
				    s->bits & ((UINT64_C(1) << bit) - 1)));
	return true;
}

static inline bool hs_block_index_in(const struct hs_block_index *index,
				     const struct hs_index_region *r,
				     hs_addr addr, uint32_t *chunk,
				     uint64_t *into)
{
	uint32_t i;
	bool at_start;
	if (!hs_block_index_near(index, r, addr, &i, &at_start))
		return false;
	if (at_start) {
		*chunk = i;
		*into = 0;
		return true;
	}
	const struct hs_chunk *c = &index->heap->chunks[i];
	uint64_t far = addr - (c->addr + index->heap->layout.header);
	uint64_t usable = hs_chunk_usable(index->heap, c);
	if (far > usable || (far == usable && c->state == HS_CHUNK_MMAPPED))
		return false;
	*chunk = i;
	*into = far;
	return true;
}

/*
 * The used or mmapped chunk whose user part holds ADDR, its last borrowed word
 * included, or ends there: *INTO is the distance from its user pointer, and
 * equal to its usable size for one past the end. Nothing else can begin there,
 * since a header comes first; but where a mapping ends another one may begin,
 * so mmapped chunks have no such place.
 */
static inline bool hs_block_index_find(const struct hs_block_index *index,
				       hs_addr addr, uint32_t *chunk,
				       uint64_t *into)
{
	const struct hs_index_region *r = hs_block_index_region(index, addr);
	return r && hs_block_index_in(index, r, addr, chunk, into);
}

/* For one who looks up many: most lie in the region of the last one. */
struct hs_block_finder {
	const struct hs_block_index *index; /* borrowed */
	const struct hs_index_region *last; /* NULL: none yet */
};

static inline const struct hs_index_region *
hs_block_finder_region(struct hs_block_finder *finder, hs_addr addr)
{
	const struct hs_index_region *r = finder->last;
	if (r && addr >= r->base && addr <= r->end)
		return r;
	r = hs_block_index_region(finder->index, addr);
	if (r)
		finder->last = r;
	return r;
}

#endif
