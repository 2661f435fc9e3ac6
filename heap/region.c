/* SPDX-License-Identifier: MIT */
#include "heap/region.h"

#include <assert.h>
#include <elf.h>
#include <inttypes.h>
#include <stdlib.h>

#include "core/grow.h"
#include "heap/arena.h"
#include "heap/chain.h"

enum hs_status hs_region_add(struct hs_heap *heap, hs_addr start, hs_addr end,
			     hs_addr first, uint32_t arena,
			     struct hs_error *err)
{
	assert(start < end && first >= start);
	enum hs_status st =
		hs_grow(&heap->regions, &heap->region_capacity,
			heap->region_count, sizeof(*heap->regions), err);
	if (st)
		return st;
	heap->regions[heap->region_count++] = (struct hs_region){
		.start = start, .end = end, .first = first, .arena = arena
	};
	return HS_OK;
}

static int by_start(const void *a, const void *b)
{
	const struct hs_region *x = a, *y = b;
	return x->start < y->start ? -1 : x->start > y->start;
}

void hs_regions_sort(struct hs_heap *heap)
{
	if (heap->region_count > 1)
		qsort(heap->regions, heap->region_count, sizeof(*heap->regions),
		      by_start);
}

/* Among the first COUNT regions, which are sorted. */
static const struct hs_region *among(const struct hs_heap *heap, size_t count,
				     hs_addr addr)
{
	size_t lo = 0, hi = count;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (heap->regions[mid].start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 || heap->regions[lo - 1].end <= addr)
		return NULL;
	return &heap->regions[lo - 1];
}

const struct hs_region *hs_region_at(const struct hs_heap *heap, hs_addr addr)
{
	return among(heap, heap->region_count, addr);
}

static uint64_t page_size(const struct hs_scan *scan)
{
	uint64_t size;
	if (!hs_target_auxv(scan->target, AT_PAGESZ, &size) || size < 4096 ||
	    size > (1u << 20) || (size & (size - 1)) != 0)
		return 4096;
	return size;
}

/* The first header at or behind AT whose user pointer is aligned. */
static hs_addr first_chunk(const struct hs_scan *scan, hs_addr at)
{
	const struct hs_layout *l = &scan->heap->layout;
	uint64_t off = (at + l->header) % l->align;
	return off ? at + l->align - off : at;
}

/* Is END still inside memory that belongs together with START? */
static bool mapped_through(const struct hs_scan *scan, hs_addr start,
			   hs_addr end)
{
	const struct hs_map *map = hs_target_find_map(scan->target, start);
	const struct hs_map_list *maps = &scan->target->maps;
	while (map && map->end < end) {
		const struct hs_map *next = map + 1;
		if (next == maps->map + maps->count || next->start != map->end)
			return false;
		map = next;
	}
	return map != NULL;
}

/* The end of the memory that lies without a gap behind START. */
static hs_addr run_end(const struct hs_scan *scan, hs_addr start)
{
	const struct hs_map *map = hs_target_find_map(scan->target, start);
	const struct hs_map_list *maps = &scan->target->maps;
	hs_addr end = start;
	for (; map && map < maps->map + maps->count &&
	       (end == start || map->start == end);
	     map++)
		end = map->end;
	return end;
}

/* The size in top's header, 0 when it cannot be right. */
static uint64_t sane_top(struct hs_scan *scan, const struct hs_arena *a)
{
	const struct hs_layout *l = &scan->heap->layout;
	uint64_t size;
	if (a->top == HS_NO_ADDR ||
	    !hs_window_word(&scan->window, a->top + l->word_size, &size))
		return 0;
	bool prev_in_use = size & HS_PREV_INUSE;
	size &= ~(uint64_t)HS_SIZE_FLAGS;
	if (!prev_in_use || size < l->min_size || size % 8 != 0 ||
	    size > UINT64_MAX - a->top ||
	    !mapped_through(scan, a->top, a->top + size))
		return 0;
	return size;
}

static enum hs_status bad_top(struct hs_scan *scan, const struct hs_arena *a,
			      struct hs_error *err)
{
	uint64_t size = 0;
	if (!hs_window_word(&scan->window,
			    a->top + scan->heap->layout.word_size, &size)) {
		scan->missing = true;
		return hs_finding_add(&scan->heap->findings,
				      HS_FINDING_HEAP_UNREADABLE, a->top, err,
				      "the top chunk at 0x%" PRIx64
				      " of the arena at 0x%" PRIx64
				      " cannot be read",
				      a->top, a->addr);
	}
	/* A call that splits or grows top moves it first and writes its size
	 * afterwards. */
	if (hs_arena_in_motion(scan, (uint32_t)(a - scan->heap->arenas)))
		return hs_finding_add(
			&scan->heap->findings, HS_FINDING_IN_MOTION, a->top,
			err,
			"the size of the top chunk of the arena at 0x%" PRIx64
			" does not fit its memory; a thread was inside malloc",
			a->addr);
	return hs_finding_add(
		&scan->heap->findings, HS_FINDING_TOP_SIZE, a->top, err,
		"the size of the top chunk of the arena at 0x%" PRIx64
		" does not fit its memory: what lies before it was probably "
		"written past its end",
		a->addr);
}

/* ---- thread arenas ---- */

struct heap_piece {
	hs_addr start, prev;
	uint64_t size;
};

/* A heap_info of ARENA at AT. */
static bool read_heap_info(struct hs_scan *scan, const struct hs_arena *a,
			   hs_addr at, uint64_t max, struct heap_piece *ret)
{
	uint64_t ar_ptr;
	const struct hs_layout *l = &scan->heap->layout;
	if (!hs_scan_field(scan, at, HS_FIELD_HEAP_AR_PTR, &ar_ptr) ||
	    ar_ptr != a->addr ||
	    !hs_scan_field(scan, at, HS_FIELD_HEAP_PREV, &ret->prev) ||
	    !hs_scan_field(scan, at, HS_FIELD_HEAP_SIZE, &ret->size))
		return false;
	ret->start = at;
	return ret->size <= max && ret->size > l->struct_size[HS_STRUCT_HEAP] &&
	       ret->size <= UINT64_MAX - at;
}

static enum hs_status add_heap(struct hs_scan *scan, uint32_t arena,
			       const struct heap_piece *p, struct hs_error *err)
{
	const struct hs_heap *heap = scan->heap;
	const struct hs_arena *a = &heap->arenas[arena];
	const uint32_t *size = heap->layout.struct_size;
	hs_addr end = p->start + p->size, at = p->start + size[HS_STRUCT_HEAP];
	if (a->addr >= p->start && a->addr < end)
		at = a->addr + size[HS_STRUCT_ARENA];
	hs_addr first = first_chunk(scan, at);
	if (first >= end)
		return HS_OK;
	return hs_region_add(scan->heap, p->start, end, first, arena, err);
}

/* Every heap of ARENA by looking where heaps can be. */
static enum hs_status heaps_by_place(struct hs_scan *scan, uint32_t arena,
				     uint64_t max, struct hs_error *err)
{
	const struct hs_map_list *maps = &scan->target->maps;
	const struct hs_span_list *spans = &scan->target->spans;
	const struct hs_arena *a = &scan->heap->arenas[arena];
	for (size_t i = 0; i < maps->count; i++) {
		const struct hs_map *map = &maps->map[i];
		if (!hs_scan_writable(map) || map->captured == 0)
			continue;
		for (hs_addr at =
			     hs_span_list_next_step(spans, map->start, max);
		     at < map->end;
		     at = hs_span_list_next_step(spans, at + 1, max)) {
			struct heap_piece p;
			if (!read_heap_info(scan, a, at, max, &p))
				continue;
			enum hs_status st = add_heap(scan, arena, &p, err);
			if (st)
				return st;
		}
	}
	return HS_OK;
}

static enum hs_status thread_arena(struct hs_scan *scan, uint32_t arena,
				   struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	struct hs_arena *a = &heap->arenas[arena];
	uint64_t max = hs_heap_max_size(scan);
	size_t first_region = heap->region_count;
	uint64_t sum = 0;
	bool home = false; /* the heap that holds the arena itself was met */
	a->top_size = sane_top(scan, a);
	/* Each heap adds to the sum, which system_mem bounds: no cycle. */
	hs_addr at = a->top == HS_NO_ADDR ? a->addr : a->top;
	for (at &= ~(max - 1); at != 0;) {
		struct heap_piece p;
		if (at % max != 0 || !read_heap_info(scan, a, at, max, &p) ||
		    home || p.size > a->system_mem - sum)
			break;
		enum hs_status st = add_heap(scan, arena, &p, err);
		if (st)
			return st;
		sum += p.size;
		home = a->addr >= p.start && a->addr < p.start + p.size;
		at = p.prev;
	}
	if (at != 0 || !home) {
		heap->region_count = first_region;
		enum hs_status st = hs_finding_add(
			&heap->findings, HS_FINDING_HEAP_CHAIN, at, err,
			"the chain of heaps of the arena at 0x%" PRIx64
			" breaks at 0x%" PRIx64,
			a->addr, at);
		if (!st)
			st = heaps_by_place(scan, arena, max, err);
		if (st)
			return st;
	}
	/* top ends its heap exactly */
	if (a->top == HS_NO_ADDR)
		return HS_OK;
	bool ends = false;
	for (size_t r = first_region; r < heap->region_count; r++)
		ends |= a->top_size > 0 &&
			heap->regions[r].end == a->top + a->top_size;
	if (!ends) {
		a->top_size = 0;
		return bad_top(scan, a, err);
	}
	return HS_OK;
}

/* ---- the main arena ---- */

/* hs_chain_piece() where a header in between was smashed: chunks go on behind
 * it. */
static bool damaged_piece(struct hs_scan *scan, const struct hs_arena *a,
			  hs_addr first, hs_addr limit, hs_addr *end)
{
	hs_addr at = first, reached;
	while (!hs_chain_piece(scan, a, at, limit, end, &reached)) {
		at = hs_chain_resync(scan, reached + scan->heap->layout.align,
				     limit, a->top);
		if (at >= limit)
			return false;
	}
	return true;
}

/* Chunks over so many bytes before the chain breaks make it worth while to
 * look for more behind: chance does not lead that far. */
#define WORTH_A_LOOK 1024u

/*
 * Pieces that malloc got by mmap when brk was blocked are linked from nowhere.
 * They begin with a page, hold chunks from their first header on, and end in
 * top or in two fenceposts.
 */
static enum hs_status mmapped_pieces(struct hs_scan *scan, uint32_t arena,
				     uint64_t *sum, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	const struct hs_arena *a = &heap->arenas[arena];
	const struct hs_map_list *maps = &scan->target->maps;
	uint64_t page = page_size(scan);
	size_t known = heap->region_count;
	for (size_t i = 0; i < maps->count && *sum < a->system_mem; i++) {
		const struct hs_map *map = &maps->map[i];
		if (!hs_scan_writable(map) || map->captured == 0 ||
		    map->kind == HS_MAP_FILE || map->kind == HS_MAP_STACK)
			continue;
		hs_addr at = map->start;
		bool patient = true; /* one look behind damage for each map */
		while (at < map->end && *sum < a->system_mem) {
			const struct hs_region *taken = among(heap, known, at);
			if (taken) {
				at = hs_align_up(taken->end, page);
				continue;
			}
			hs_addr end, reached;
			hs_addr first = first_chunk(scan, at);
			bool piece = hs_chain_piece(scan, a, first, map->end,
						    &end, &reached);
			if (!piece && patient &&
			    reached - first >= WORTH_A_LOOK) {
				piece = damaged_piece(scan, a, first, map->end,
						      &end);
				patient = piece;
			}
			if (!piece) {
				/* What a long chain covered is not tried
				 * again: the search stays linear. */
				at = reached > at ? reached : at;
				at = (at + page) & ~(page - 1);
				at = hs_span_list_skip_zeroes(
					&scan->target->spans, at);
				at = hs_align_up(at, page);
				continue;
			}
			end = hs_align_up(end, page);
			if (end > map->end)
				end = map->end;
			enum hs_status st =
				hs_region_add(heap, at, end, first, arena, err);
			if (st)
				return st;
			*sum += end - at;
			at = end;
		}
	}
	return HS_OK;
}

/*
 * Fenceposts at END may also stand before the memory of another caller of
 * sbrk(), with more chunks behind it, as long as brk worked.
 */
static hs_addr behind_foreign(struct hs_scan *scan, const struct hs_arena *a,
			      hs_addr end, hs_addr limit)
{
	hs_addr further, reached;
	for (;;) {
		hs_addr next = hs_chain_resync(scan, end, limit, a->top);
		if (next >= limit ||
		    !hs_chain_piece(scan, a, next, limit, &further, &reached))
			return end;
		end = further;
	}
}

#define NONCONTIGUOUS 2u /* malloc_state.flags, since the beginning */

static enum hs_status noncontiguous(struct hs_scan *scan, uint32_t arena,
				    struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	struct hs_arena *a = &heap->arenas[arena];
	uint64_t sum = 0;
	hs_addr end;
	if (a->sbrk_base != HS_UNKNOWN && a->sbrk_base != 0) {
		const struct hs_map *map =
			hs_target_find_map(scan->target, a->sbrk_base);
		hs_addr first = first_chunk(scan, a->sbrk_base);
		if (map && damaged_piece(scan, a, first, map->end, &end)) {
			end = behind_foreign(scan, a, end, map->end);
			uint64_t page = page_size(scan);
			end = hs_align_up(end, page);
			if (end > map->end)
				end = map->end;
			enum hs_status st = hs_region_add(
				heap, a->sbrk_base, end, first, arena, err);
			if (st)
				return st;
			sum += end - a->sbrk_base;
		}
	}
	hs_regions_sort(heap);
	enum hs_status st = mmapped_pieces(scan, arena, &sum, err);
	if (st)
		return st;
	return hs_finding_add(&heap->findings, HS_FINDING_NONCONTIGUOUS,
			      a->addr, err,
			      "the main arena is not contiguous: brk was "
			      "blocked, %zu pieces were found in its place",
			      heap->region_count);
}

static enum hs_status main_arena(struct hs_scan *scan, uint32_t arena,
				 struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	struct hs_arena *a = &heap->arenas[arena];
	/* Of a lost one the regions are known already. */
	if (a->top == HS_NO_ADDR || a->system_mem == HS_UNKNOWN)
		return HS_OK;
	a->top_size = sane_top(scan, a);

	const struct hs_map *map = hs_target_find_map(scan->target, a->top);
	hs_addr start = a->sbrk_base;
	bool guessed = start == HS_UNKNOWN || start == 0;
	if (guessed)
		start = map ? map->start : HS_NO_ADDR;
	hs_addr end = a->top + a->top_size;
	bool base_known = !guessed && start <= a->top &&
			  a->system_mem <= UINT64_MAX - start;
	hs_addr expected = base_known ? start + a->system_mem : HS_NO_ADDR;
	bool sums_up = base_known && a->top_size > 0 && end == expected;

	if (!sums_up && (a->flags & NONCONTIGUOUS))
		return noncontiguous(scan, arena, err);
	if (!sums_up && base_known && expected > a->top &&
	    mapped_through(scan, a->top, expected)) {
		/* The sum is kept apart from the heap, so believe it. */
		end = expected;
		a->top_size = 0;
	}
	if (a->top_size == 0) {
		enum hs_status st = bad_top(scan, a, err);
		if (st)
			return st;
		if (end <= a->top)
			end = map ? map->end : HS_NO_ADDR;
	}
	if (start == HS_NO_ADDR || end == HS_NO_ADDR || start >= end) {
		scan->missing = true;
		return hs_finding_add(&heap->findings,
				      HS_FINDING_HEAP_UNREADABLE, a->top, err,
				      "the main heap's memory around 0x%" PRIx64
				      " was not found in this target",
				      a->top);
	}
	hs_addr limit = run_end(scan, start);
	if (end > limit) {
		/* top was moved to other memory: what lies in between is not
		 * the heap. */
		bool told = a->top_size == 0;
		end = base_known && expected < limit ? expected : limit;
		a->top_size = 0;
		enum hs_status st = told ? HS_OK : bad_top(scan, a, err);
		if (st)
			return st;
	}
	hs_addr first = first_chunk(scan, start);
	if (first >= end) {
		scan->missing = true;
		return hs_finding_add(&heap->findings,
				      HS_FINDING_HEAP_UNREADABLE, start, err,
				      "the main heap's memory at 0x%" PRIx64
				      " is not in this target",
				      start);
	}
	return hs_region_add(heap, start, end, first, arena, err);
}

enum hs_status hs_regions_find(struct hs_scan *scan, struct hs_error *err)
{
	/* Thread arenas first: their heaps are no pieces of the main arena. */
	for (int mains = 0; mains < 2; mains++)
		for (size_t i = scan->heap->arena_count; i-- > 0;) {
			if (scan->heap->arenas[i].is_main != (mains == 1))
				continue;
			enum hs_status st =
				mains ? main_arena(scan, (uint32_t)i, err)
				      : thread_arena(scan, (uint32_t)i, err);
			if (st)
				return st;
		}
	hs_regions_sort(scan->heap);
	/* Forged structures may claim the same memory twice: the first keeps
	 * it, since the walk goes by address. */
	struct hs_heap *heap = scan->heap;
	size_t kept = 0;
	for (size_t r = 0; r < heap->region_count; r++) {
		struct hs_region *region = &heap->regions[r];
		if (kept > 0 && region->start < heap->regions[kept - 1].end) {
			enum hs_status st = hs_finding_add(
				&heap->findings, HS_FINDING_HEAP_CHAIN,
				region->start, err,
				"two heaps claim the memory at 0x%" PRIx64,
				region->start);
			if (st)
				return st;
			continue;
		}
		heap->regions[kept++] = *region;
	}
	heap->region_count = kept;
	return HS_OK;
}
