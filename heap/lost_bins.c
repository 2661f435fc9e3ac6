/* SPDX-License-Identifier: MIT */
#include "heap/lost_bins.h"

#include <stdlib.h>

#include "core/cleanup.h"
#include "core/grow.h"
#include "heap/bins.h"
#include "heap/chain.h"
#include "heap/region.h"

/* The end of a list: HEAD is what its link beyond the end holds. */
struct end {
	hs_addr chunk, head;
	uint64_t size;
	bool first; /* else the last one */
};

struct ends {
	struct end *end;
	size_t count, capacity;
};

/* Each of the 126 lists has two. More are no ends of lists. */
#define MOST_ENDS (4u * HS_BIN_LAST)

static void ends_release(struct ends *e)
{
	free(e->end);
}

/* Does a head at HEAD belong to an arena that is not there? */
static bool may_be_head(struct hs_scan *scan, hs_addr head)
{
	uint64_t word;
	return head % scan->target->word_size == 0 && head != 0 &&
	       !hs_region_at(scan->heap, head) &&
	       !hs_window_word(&scan->list_window, head, &word);
}

static enum hs_status add_ends(struct hs_scan *scan, hs_addr chunk,
			       uint64_t size, struct ends *ends,
			       struct hs_error *err)
{
	unsigned w = scan->target->word_size;
	for (unsigned first = 0; first < 2; first++) {
		uint64_t link; /* bk of the first, fd of the last */
		if (!hs_window_word(&scan->list_window,
				    chunk + (2 + first) * (hs_addr)w, &link) ||
		    !may_be_head(scan, link) || ends->count == MOST_ENDS)
			continue;
		enum hs_status st =
			hs_grow(&ends->end, &ends->capacity, ends->count,
				sizeof(*ends->end), err);
		if (st)
			return st;
		ends->end[ends->count++] =
			(struct end){ chunk, link, size, first };
	}
	return HS_OK;
}

/* Every chunk of the main heap that its neighbour calls free. */
static enum hs_status gather(struct hs_scan *scan, const struct hs_region *r,
			     struct ends *ends, struct hs_error *err)
{
	unsigned w = scan->target->word_size;
	hs_addr at = r->first, before = HS_NO_ADDR;
	uint64_t size_before = 0;
	while (at < r->end && at != scan->lost_top) {
		uint64_t size, prev_size;
		unsigned flags;
		enum hs_header what =
			hs_chain_header(scan, at, r->end, &size, &flags);
		bool chunk =
			what == HS_HEADER_CHUNK || what == HS_HEADER_FENCEPOST;
		if (chunk && before != HS_NO_ADDR && !(flags & HS_PREV_INUSE) &&
		    hs_window_word(&scan->window, at, &prev_size) &&
		    prev_size == size_before && size_before >= 4 * w) {
			enum hs_status st =
				add_ends(scan, before, size_before, ends, err);
			if (st)
				return st;
		}
		if (what == HS_HEADER_CHUNK) {
			before = at;
			size_before = size;
			at += size;
			continue;
		}
		before = HS_NO_ADDR;
		at = hs_chain_resync(scan, at + scan->heap->layout.align,
				     r->end, scan->lost_top);
	}
	return HS_OK;
}

/* Which bin the end's head is when the bins begin at BINS; 0: none. */
static unsigned bin_of(const struct hs_layout *l, const struct end *e,
		       hs_addr bins)
{
	uint64_t distance = e->head + l->header - bins;
	unsigned index = (unsigned)(distance / l->header) + 1;
	if (distance % l->header != 0 || distance / l->header >= HS_BIN_LAST ||
	    !hs_bin_takes(l, index, e->size))
		return 0;
	return index;
}

static unsigned agreeing(const struct hs_layout *l, const struct ends *ends,
			 hs_addr bins)
{
	unsigned n = 0;
	for (size_t i = 0; i < ends->count; i++)
		n += bin_of(l, &ends->end[i], bins) != 0;
	return n;
}

/* Where the bins began, or HS_NO_ADDR. All ends must agree: another place may
 * suit some of them by chance. */
static hs_addr agree(const struct hs_layout *l, const struct ends *ends)
{
	hs_addr found = HS_NO_ADDR;
	for (size_t i = 0; i < ends->count; i++)
		for (unsigned index = 1; index <= HS_BIN_LAST; index++) {
			if (!hs_bin_takes(l, index, ends->end[i].size))
				continue;
			hs_addr bins = ends->end[i].head + l->header -
				       (index - 1) * (hs_addr)l->header;
			if (bins == found ||
			    agreeing(l, ends, bins) < ends->count)
				continue;
			if (found != HS_NO_ADDR)
				return HS_NO_ADDR; /* two places do */
			found = bins;
		}
	return found;
}

static int by_head(const void *a, const void *b)
{
	const struct end *x = a, *y = b;
	if (x->head != y->head)
		return x->head < y->head ? -1 : 1;
	return x->first == y->first ? 0 : x->first ? -1 : 1;
}

static enum hs_status all_ends(struct hs_scan *scan, struct ends *ends,
			       struct hs_error *err)
{
	const struct hs_heap *heap = scan->heap;
	enum hs_status st = HS_OK;
	for (size_t r = 0; r < heap->region_count && !st; r++)
		if (heap->regions[r].arena == 0)
			st = gather(scan, &heap->regions[r], ends, err);
	return st;
}

enum hs_status hs_lost_bins_place(struct hs_scan *scan, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	const struct hs_layout *l = &heap->layout;
	HS_CLEANUP(ends_release) struct ends ends = { 0 };
	if (!scan->lost || heap->main_arena != HS_NO_ADDR)
		return HS_OK;
	enum hs_status st = all_ends(scan, &ends, err);
	if (st || ends.count == 0)
		return st;
	hs_addr bins = agree(l, &ends);
	if (bins == HS_NO_ADDR)
		return HS_OK;
	heap->main_arena = bins - l->field[HS_FIELD_ARENA_BINS].offset;
	heap->main_arena_source = HS_PLACE_EVIDENCE;
	heap->arenas[0].addr = heap->main_arena;
	return HS_OK;
}

enum hs_status hs_lost_bins_walk(struct hs_scan *scan, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	const struct hs_layout *l = &heap->layout;
	HS_CLEANUP(ends_release) struct ends ends = { 0 };
	if (heap->main_arena == HS_NO_ADDR)
		return HS_OK;
	enum hs_status st = all_ends(scan, &ends, err);
	if (st)
		return st;
	hs_addr bins = heap->main_arena + l->field[HS_FIELD_ARENA_BINS].offset;
	if (ends.count > 1)
		qsort(ends.end, ends.count, sizeof(*ends.end), by_head);
	for (size_t i = 0; i < ends.count;) {
		const struct end *e = &ends.end[i];
		hs_addr head = e->head, first = HS_NO_ADDR, last = HS_NO_ADDR;
		unsigned index = bin_of(l, e, bins);
		for (; i < ends.count && ends.end[i].head == head; i++) {
			hs_addr *side = ends.end[i].first ? &first : &last;
			if (*side == HS_NO_ADDR)
				*side = ends.end[i].chunk;
		}
		if (index == 0)
			continue;
		st = hs_bin_walk(scan, 0, index, head, first, last, err);
		if (st)
			return st;
	}
	return HS_OK;
}
