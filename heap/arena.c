/* SPDX-License-Identifier: MIT */
#include "heap/arena.h"

#include <inttypes.h>

#include "core/grow.h"
#include "heap/bin_scan.h"
#include "heap/interrupted.h"

/* One call of malloc or free has at most this many chunks half done: the one
 * in hand, its neighbours, the top. */
#define MAX_ODDITIES 4u

uint32_t hs_arena_at(const struct hs_scan *scan, hs_addr addr)
{
	for (size_t i = 0; i < scan->heap->arena_count; i++)
		if (scan->heap->arenas[i].addr == addr)
			return (uint32_t)i;
	return HS_NO_ARENA;
}

bool hs_arena_in_motion(struct hs_scan *scan, uint32_t arena)
{
	struct hs_heap *heap = scan->heap;
	/* The call that was in progress ended in malloc's own verdict: what is
	 * odd is what it complained of. */
	if (arena == HS_NO_ARENA || heap->verdict_about_heap)
		return false;
	struct hs_arena *a = &heap->arenas[arena];
	return (a->locked || hs_any_in_malloc(scan)) &&
	       ++a->oddities <= MAX_ODDITIES;
}

/* 64 MiB, or 1 MiB with 32-bit words, since thread arenas exist. */
static uint64_t default_heap_max(const struct hs_scan *scan)
{
	return scan->target->word_size == 8 ? UINT64_C(64) << 20
					    : UINT64_C(1) << 20;
}

/*
 * glibc 2.35 to 2.41 with the tunable hugetlb=2 used four huge pages instead.
 * Which it was is seen at the arenas themselves: their heap_info is aligned.
 */
uint64_t hs_heap_max_size(const struct hs_scan *scan)
{
	uint64_t normal = default_heap_max(scan), huge = scan->hp_pagesize;
	if (huge == HS_UNKNOWN || huge == 0 || (huge & (huge - 1)) != 0 ||
	    huge > UINT64_C(1) << 34)
		return normal;
	const struct hs_heap *heap = scan->heap;
	uint64_t info = heap->layout.struct_size[HS_STRUCT_HEAP];
	bool fits_normal = true, fits_huge = true;
	for (size_t i = 0; i < heap->arena_count; i++) {
		const struct hs_arena *a = &heap->arenas[i];
		if (a->is_main)
			continue;
		fits_normal &= (a->addr - info) % normal == 0;
		fits_huge &= (a->addr - info) % (4 * huge) == 0;
	}
	return fits_huge && (!fits_normal || 4 * huge > normal) ? 4 * huge
								: normal;
}

/* Which row of heap_info precedes the thread arena at BASE. */
static bool choose_heap_info(struct hs_scan *scan, hs_addr base)
{
	struct hs_layout *layout = &scan->heap->layout;
	if (layout->origin[HS_STRUCT_HEAP] != HS_ORIGIN_NONE)
		return true;
	const struct hs_layout_row *row, *found = NULL;
	for (size_t i = 0;
	     (row = hs_layout_builtin(HS_STRUCT_HEAP, layout->word_size, i));
	     i++) {
		hs_addr info = base - row->struct_size;
		uint64_t ar_ptr, page;
		if (info % 0x10000 != 0 || row->last < layout->first ||
		    row->first > layout->last ||
		    !hs_window_word(&scan->window, info, &ar_ptr) ||
		    ar_ptr != base)
			continue;
		struct hs_layout l;
		hs_layout_init(&l, layout->word_size);
		hs_layout_use_row(&l, row, HS_ORIGIN_BUILTIN);
		if (hs_layout_has(&l, HS_FIELD_HEAP_PAGESIZE)) {
			/* 2.35: the page size stands where others pad. */
			if (!hs_window_word(
				    &scan->window,
				    info + l.field[HS_FIELD_HEAP_PAGESIZE]
						    .offset,
				    &page) ||
			    page < 4096 || (page & (page - 1)) != 0)
				continue;
		}
		found = row;
	}
	if (found)
		hs_layout_use_row(layout, found, HS_ORIGIN_BUILTIN);
	return found != NULL;
}

/* The heap that holds the thread arena at BASE says so. */
static bool is_thread_arena(struct hs_scan *scan, hs_addr base)
{
	if (base % scan->target->word_size != 0 ||
	    !choose_heap_info(scan, base))
		return false;
	uint64_t ar_ptr;
	hs_addr info = base - scan->heap->layout.struct_size[HS_STRUCT_HEAP];
	return hs_scan_field(scan, info, HS_FIELD_HEAP_AR_PTR, &ar_ptr) &&
	       ar_ptr == base;
}

/* What stays unknown without the main arena itself. */
static enum hs_status add_lost(struct hs_scan *scan, struct hs_arena *a,
			       struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	a->top = scan->lost_top;
	a->top_size = scan->lost_top_size;
	a->next = a->next_free = HS_NO_ADDR;
	scan->total_system_mem += scan->lost_bytes;
	heap->arenas[heap->arena_count++] = *a;
	scan->missing = true;
	bool fast = hs_layout_has(&heap->layout, HS_FIELD_ARENA_FASTBINS);
	return hs_finding_add(
		&heap->findings, HS_FINDING_MAIN_ARENA_LOST, a->addr, err,
		"the main arena was not captured (libc's data is missing): its "
		"heap is told by its chunks alone%s%s; malloc's own sums are "
		"not known",
		fast ? ", and freed blocks in its fastbins (of up to some 128 "
		       "bytes) count as used"
		     : "",
		a->top == HS_NO_ADDR ? ", as does its top, which was not found"
				     : "");
}

static enum hs_status add(struct hs_scan *scan, hs_addr addr, bool is_main,
			  struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	enum hs_status st =
		hs_grow(&heap->arenas, &heap->arena_capacity, heap->arena_count,
			sizeof(*heap->arenas), err);
	if (st)
		return st;
	struct hs_arena a = { .addr = addr,
			      .is_main = is_main,
			      .top = HS_NO_ADDR,
			      .system_mem = HS_UNKNOWN };
	if (is_main && scan->lost && heap->arena_count == 0)
		return add_lost(scan, &a, err);
	uint64_t v, top = 0;
	if (hs_scan_field(scan, addr, HS_FIELD_ARENA_MUTEX, &v))
		a.locked = v != 0;
	if (hs_scan_field(scan, addr, HS_FIELD_ARENA_FLAGS, &v))
		a.flags = v;
	a.attached_known =
		hs_scan_field(scan, addr, HS_FIELD_ARENA_ATTACHED, &a.attached);
	if (!hs_scan_field(scan, addr, HS_FIELD_ARENA_NEXT, &a.next))
		a.next = HS_NO_ADDR;
	if (!hs_scan_field(scan, addr, HS_FIELD_ARENA_NEXT_FREE, &a.next_free))
		a.next_free = HS_NO_ADDR;
	bool readable =
		hs_scan_field(scan, addr, HS_FIELD_ARENA_TOP, &top) &&
		hs_scan_field(scan, addr, HS_FIELD_ARENA_SYSTEM_MEM, &v);
	if (readable) {
		a.system_mem = v;
		/* Before the first memory, top is the unsorted bin's head. */
		hs_addr initial =
			addr + heap->layout.field[HS_FIELD_ARENA_BINS].offset -
			heap->layout.header;
		if (top != 0 && top != initial)
			a.top = top;
		if (v <= UINT64_MAX - scan->total_system_mem)
			scan->total_system_mem += v;
	}
	heap->arenas[heap->arena_count++] = a;
	if (!readable) {
		scan->missing = true;
		return hs_finding_add(
			&heap->findings, HS_FINDING_ARENA_UNREADABLE, addr, err,
			"the arena at 0x%" PRIx64 " cannot be read", addr);
	}
	if (a.locked)
		return hs_finding_add(
			&heap->findings, HS_FINDING_ARENA_LOCKED, addr, err,
			"the %sarena at 0x%" PRIx64
			" is locked: a thread was inside malloc or free",
			is_main ? "main " : "", addr);
	return HS_OK;
}

/* Arenas at the starts of heaps, for when the ring does not lead there. */
static enum hs_status find_lost(struct hs_scan *scan, struct hs_error *err)
{
	const struct hs_map_list *maps = &scan->target->maps;
	const struct hs_span_list *spans = &scan->target->spans;
	uint64_t max = default_heap_max(scan);
	unsigned w = scan->target->word_size;
	for (size_t i = 0; i < maps->count; i++) {
		const struct hs_map *map = &maps->map[i];
		if (!hs_scan_writable(map) || map->captured == 0)
			continue;
		for (hs_addr at =
			     hs_span_list_next_step(spans, map->start, max);
		     at < map->end;
		     at = hs_span_list_next_step(spans, at + 1, max)) {
			uint64_t base;
			if (!hs_window_word(&scan->window, at, &base) ||
			    base - at > 16 * w ||
			    hs_arena_at(scan, base) != HS_NO_ARENA ||
			    !is_thread_arena(scan, base) ||
			    hs_bins_sound(
				    scan,
				    base + scan->heap->layout
						    .field[HS_FIELD_ARENA_BINS]
						    .offset,
				    NULL) < HS_BIN_PAIRS / 2)
				continue;
			enum hs_status st = add(scan, base, false, err);
			if (st)
				return st;
		}
	}
	return HS_OK;
}

/* The arenas of one libc: its main arena and the ring behind it. */
static enum hs_status read_ring(struct hs_scan *scan, hs_addr main_arena,
				uint64_t sbrk_base, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	size_t first = heap->arena_count;
	enum hs_status st = add(scan, main_arena, true, err);
	if (st)
		return st;
	heap->arenas[first].sbrk_base = sbrk_base;
	if (scan->lost && first == 0)
		return find_lost(scan, err);
	hs_addr from = main_arena, at = heap->arenas[first].next;
	while (at != main_arena) {
		const char *why = NULL;
		if (at == HS_NO_ADDR ||
		    heap->arenas[first].system_mem == HS_UNKNOWN)
			why = "is not readable";
		else if (heap->arena_count == HS_LIMIT_ARENAS)
			why = "has no end";
		else if (hs_arena_at(scan, at) != HS_NO_ARENA)
			why = "bites its tail";
		else if (!is_thread_arena(scan, at))
			why = "leads to something that is no arena";
		uint64_t word;
		if (why && at != HS_NO_ADDR &&
		    !hs_window_word(&scan->window, at, &word) &&
		    scan->window.why == HS_ERR_NOT_CAPTURED) {
			scan->missing = true;
			st = hs_finding_add(
				&heap->findings, HS_FINDING_ARENA_UNREADABLE,
				at, err,
				"the arena at 0x%" PRIx64 " was not captured",
				at);
			return st ? st : find_lost(scan, err);
		}
		if (why) {
			st = hs_finding_add(&heap->findings,
					    HS_FINDING_ARENA_RING, from, err,
					    "the ring of arenas %s behind "
					    "0x%" PRIx64,
					    why, from);
			return st ? st : find_lost(scan, err);
		}
		st = add(scan, at, false, err);
		if (st)
			return st;
		from = at;
		at = heap->arenas[heap->arena_count - 1].next;
	}
	return HS_OK;
}

enum hs_status hs_arenas_read(struct hs_scan *scan, struct hs_error *err)
{
	enum hs_status st =
		read_ring(scan, scan->heap->main_arena, scan->sbrk_base, err);
	for (size_t i = 0; !st && i < scan->other_count; i++)
		if (hs_arena_at(scan, scan->other[i].main_arena) == HS_NO_ARENA)
			st = read_ring(scan, scan->other[i].main_arena,
				       scan->other[i].sbrk_base, err);
	return st;
}
