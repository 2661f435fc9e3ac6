/* SPDX-License-Identifier: MIT */
#include "heap/mmapped.h"

#include <inttypes.h>

#include "heap/region.h"

/*
 * An mmapped chunk's prev_size is its distance from the start of the mapping
 * and its size field has exactly the IS_MMAPPED bit. Up to 2.42 prev_size +
 * size is the whole mapping; from 2.43 one header more, and bit 0 of prev_size
 * marks huge pages.
 */
struct mapping {
	hs_addr chunk;
	uint64_t total; /* bytes of the whole mapping */
};

#define PAGE UINT64_C(4096) /* the smallest there is; larger are multiples */

static bool header_at(struct hs_scan *scan, hs_addr start, hs_addr chunk,
		      hs_addr limit, struct mapping *ret)
{
	const struct hs_layout *l = &scan->heap->layout;
	uint64_t distance, raw;
	if (chunk > limit || limit - chunk < l->min_size ||
	    !hs_window_word(&scan->window, chunk + l->word_size, &raw) ||
	    (raw & HS_SIZE_FLAGS) != HS_IS_MMAPPED ||
	    !hs_window_word(&scan->window, chunk, &distance))
		return false;
	uint64_t size = raw & ~(uint64_t)HS_SIZE_FLAGS;
	if (hs_layout_new_mmapped(l)) {
		distance &= ~UINT64_C(1);
		if (size > UINT64_MAX - l->header)
			return false;
		size += l->header;
	}
	if (distance != chunk - start || size < l->min_size ||
	    size > limit - chunk)
		return false;
	*ret = (struct mapping){ chunk, distance + size };
	return ret->total % PAGE == 0;
}

/*
 * The chunk of a mapping that begins at START. memalign moves the header
 * inwards to the first aligned place and leaves the old one, fully plausible,
 * at the start: so look at the places for every alignment first.
 */
static bool mapping_at(struct hs_scan *scan, hs_addr start, hs_addr limit,
		       struct mapping *ret)
{
	const struct hs_layout *l = &scan->heap->layout;
	uint64_t off = (start + l->header) % l->align;
	hs_addr plain = off ? start + l->align - off : start;
	struct mapping outer;
	if (!header_at(scan, start, plain, limit, &outer)) {
		/* After realloc of an aligned block the old header's size may
		 * be out of date; without its flag there is no block at all. */
		uint64_t raw;
		if (!hs_window_word(&scan->window, plain + l->word_size,
				    &raw) ||
		    (raw & HS_SIZE_FLAGS) != HS_IS_MMAPPED)
			return false;
		outer.total = 0;
	}
	hs_addr user = plain + l->header;
	for (uint64_t a = 2 * (uint64_t)l->align; a != 0 && a <= limit - start;
	     a *= 2) {
		hs_addr aligned = (user + a - 1) & ~(a - 1);
		if (aligned < user)
			break; /* the end of the address space */
		if (aligned == user)
			continue;
		if (aligned - user < l->min_size)
			aligned += a;
		if (header_at(scan, start, aligned - l->header, limit, ret))
			return true;
	}
	*ret = outer;
	return outer.total != 0;
}

static bool all_found(const struct hs_scan *scan)
{
	return scan->n_mmaps != HS_UNKNOWN &&
	       scan->mmapped_chunks == scan->n_mmaps &&
	       scan->mmapped_bytes == scan->mmapped_mem;
}

/* Page by page from START to LIMIT, mapping by mapping where there are any. */
static enum hs_status search(struct hs_scan *scan, hs_addr start, hs_addr limit,
			     struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	for (hs_addr at = hs_align_up(start, PAGE);
	     at < limit && !all_found(scan);) {
		struct mapping m;
		if (!mapping_at(scan, at, limit, &m)) {
			uint64_t any;
			if (hs_window_word(&scan->window, at, &any)) {
				hs_addr to = hs_span_list_skip_zeroes(
					&scan->target->spans, at);
				at = to > at + PAGE ? hs_align_up(to, PAGE)
						    : at + PAGE;
				continue;
			}
			/* Not captured: go on where bytes are. */
			const struct hs_span *next =
				hs_span_list_from(&scan->target->spans, at);
			hs_addr to = !next ? limit
				     : next->start > at
					     ? next->start
					     : next->start + next->len;
			at = hs_align_up(to, PAGE);
			continue;
		}
		enum hs_status st = hs_region_add(heap, at, at + m.total,
						  m.chunk, HS_NO_ARENA, err);
		if (st)
			return st;
		scan->mmapped_chunks++;
		scan->mmapped_bytes += m.total;
		at += m.total;
	}
	return HS_OK;
}

enum hs_status hs_mmapped_find(struct hs_scan *scan, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	const struct hs_map_list *maps = &scan->target->maps;
	size_t known = heap->region_count, r = 0;
	for (size_t i = 0; i < maps->count && !all_found(scan);) {
		const struct hs_map *map = &maps->map[i++];
		if (!hs_scan_writable(map) || map->kind == HS_MAP_FILE ||
		    map->kind == HS_MAP_STACK)
			continue;
		/* Neighbours alike in kind may be one mapping cut by mprotect
		 * or madvise. */
		hs_addr from = map->start, to = map->end;
		for (; i < maps->count && maps->map[i].start == to &&
		       hs_scan_writable(&maps->map[i]) &&
		       maps->map[i].kind == map->kind;
		     i++)
			to = maps->map[i].end;
		/* Around what is known already: both lists ascend. */
		while (r < known && heap->regions[r].end <= from)
			r++;
		while (from < to) {
			bool inside = r < known && heap->regions[r].start < to;
			hs_addr stop = inside ? heap->regions[r].start : to;
			if (from < stop) {
				enum hs_status st =
					search(scan, from, stop, err);
				if (st)
					return st;
			}
			if (!inside)
				break;
			from = heap->regions[r++].end;
		}
		enum hs_status st =
			hs_scan_progress(scan, "looking for mmapped chunks", i,
					 maps->count, err);
		if (st)
			return st;
	}
	hs_regions_sort(heap);
	return HS_OK;
}
