/* SPDX-License-Identifier: MIT */
#include "heap/malloc_par.h"

/* mp_ stood 0x600 to 0x960 bytes before main_arena in every build seen. */
#define REACH 0x4000

static bool field(struct hs_scan *scan, const struct hs_layout *layout,
		  hs_addr base, enum hs_field f, uint64_t *ret)
{
	const struct hs_field_pos *pos = &layout->field[f];
	return pos->size && pos->size <= 8 &&
	       hs_window_uint(&scan->window, base + pos->offset, pos->size,
			      ret);
}

/* Where the main heap begins as far as the memory map tells. */
static hs_addr main_heap_start(struct hs_scan *scan, const struct hs_layout *l,
			       hs_addr main_arena)
{
	uint64_t top;
	if (!field(scan, l, main_arena, HS_FIELD_ARENA_TOP, &top))
		return HS_NO_ADDR;
	const struct hs_map *map = hs_target_find_map(scan->target, top);
	return map && hs_scan_writable(map) ? map->start : HS_NO_ADDR;
}

/*
 * Points for everything at BASE that mp_ would have; 0 for anything it cannot
 * have. Each default may have been changed by mallopt or a tunable, so no
 * single one is required.
 */
static unsigned score(struct hs_scan *scan, const struct hs_layout *l,
		      hs_addr base, hs_addr heap_start)
{
	uint64_t arena_test, n, n_max, max_n, fixed, mem, max_mem, sbrk,
		threshold, trim;
	if (!field(scan, l, base, HS_FIELD_PAR_ARENA_TEST, &arena_test) ||
	    arena_test == 0 || arena_test > 4096 ||
	    !field(scan, l, base, HS_FIELD_PAR_N_MMAPS, &n) ||
	    !field(scan, l, base, HS_FIELD_PAR_N_MMAPS_MAX, &n_max) ||
	    !field(scan, l, base, HS_FIELD_PAR_MAX_N_MMAPS, &max_n) ||
	    !field(scan, l, base, HS_FIELD_PAR_NO_DYN_THRESHOLD, &fixed) ||
	    !field(scan, l, base, HS_FIELD_PAR_MMAPPED_MEM, &mem) ||
	    !field(scan, l, base, HS_FIELD_PAR_MAX_MMAPPED_MEM, &max_mem) ||
	    !field(scan, l, base, HS_FIELD_PAR_SBRK_BASE, &sbrk) ||
	    !field(scan, l, base, HS_FIELD_PAR_MMAP_THRESHOLD, &threshold) ||
	    !field(scan, l, base, HS_FIELD_PAR_TRIM_THRESHOLD, &trim))
		return 0;
	if (n > max_n || n > n_max || fixed > 1 || mem > max_mem ||
	    (n == 0) != (mem == 0) || mem % 4096 != 0 || max_mem % 4096 != 0)
		return 0;
	/* Without memory from brk sbrk_base stays NULL. */
	if (sbrk != 0) {
		const struct hs_map *map =
			hs_target_find_map(scan->target, sbrk);
		if (!map && sbrk != heap_start)
			return 0;
	}
	unsigned points = 0;
	points += arena_test == (l->word_size == 8 ? 8 : 2) ? 2 : 0;
	points += n_max == 65536 ? 2 : 0;
	points += threshold >= 1024 && threshold <= (32u << 20) ? 1 : 0;
	points += trim >= 4096 ? 1 : 0;
	if (sbrk != 0)
		points += sbrk == heap_start ? 4 : 1;
	if (hs_layout_has(l, HS_FIELD_PAR_TCACHE_BINS)) {
		uint64_t bins, bytes, count;
		if (!field(scan, l, base, HS_FIELD_PAR_TCACHE_BINS, &bins) ||
		    !field(scan, l, base, HS_FIELD_PAR_TCACHE_MAX_BYTES,
			   &bytes) ||
		    !field(scan, l, base, HS_FIELD_PAR_TCACHE_COUNT, &count) ||
		    bins > 1024 || bytes > (64u << 20) || count > UINT16_MAX)
			return 0;
		points += bins == 64 ? 3 : 0;
		points += count == 7 || count == 16 ? 2 : 0;
	}
	return points;
}

/* Enough for two defaults and the heap's start, or as much otherwise. */
#define ENOUGH_POINTS 6u

/* The points of the best place beside an arena of LAYOUT, 0: none is good. */
static unsigned best_place(struct hs_scan *scan, const struct hs_layout *layout,
			   hs_addr arena, const struct hs_layout_row **ret_row,
			   hs_addr *ret)
{
	hs_addr heap_start = main_heap_start(scan, layout, arena);
	unsigned word = layout->word_size, best = ENOUGH_POINTS - 1;
	const struct hs_layout_row *row, *best_row = NULL;
	hs_addr best_at = HS_NO_ADDR;
	hs_addr from = arena > REACH ? arena - REACH : 0;
	for (size_t i = 0; (row = hs_layout_builtin(HS_STRUCT_PAR, word, i));
	     i++) {
		/* Members absent from the arena cannot be younger here. */
		if (row->last < layout->first || row->first > layout->last)
			continue;
		struct hs_layout l;
		hs_layout_init(&l, word);
		hs_layout_use_row(&l, row, HS_ORIGIN_BUILTIN);
		for (hs_addr at = from; at < arena + REACH; at += word) {
			unsigned points = score(scan, &l, at, heap_start);
			if (points > best) {
				best = points;
				best_row = row;
				best_at = at;
			}
		}
	}
	*ret_row = best_row;
	*ret = best_at;
	return best_row ? best : 0;
}

unsigned hs_malloc_par_points(struct hs_scan *scan,
			      const struct hs_layout *layout, hs_addr arena)
{
	const struct hs_layout_row *row;
	hs_addr at;
	return best_place(scan, layout, arena, &row, &at);
}

static bool find_by_evidence(struct hs_scan *scan, hs_addr *ret)
{
	struct hs_layout *layout = &scan->heap->layout;
	const struct hs_layout_row *row;
	hs_addr at;
	if (!best_place(scan, layout, scan->heap->main_arena, &row, &at))
		return false;
	hs_layout_use_row(layout, row, HS_ORIGIN_BUILTIN);
	*ret = at;
	return true;
}

/* malloc_par of a further libc, laid out as the first one's. */
static hs_addr find_other(struct hs_scan *scan, const struct hs_other_libc *o)
{
	const struct hs_layout *l = &scan->heap->layout;
	struct hs_symbol_info symbol;
	if (scan->heap->malloc_par == HS_NO_ADDR)
		return HS_NO_ADDR;
	if (scan->syms && o->module != SIZE_MAX &&
	    hs_symbols_find(scan->syms, o->module, "mp_", &symbol, NULL) ==
		    HS_OK)
		return symbol.addr;
	hs_addr heap_start = main_heap_start(scan, l, o->main_arena);
	hs_addr from = o->main_arena > REACH ? o->main_arena - REACH : 0;
	hs_addr best_at = HS_NO_ADDR;
	unsigned best = ENOUGH_POINTS - 1;
	for (hs_addr at = from; at < o->main_arena + REACH;
	     at += l->word_size) {
		unsigned points = score(scan, l, at, heap_start);
		if (points > best && at != scan->heap->malloc_par) {
			best = points;
			best_at = at;
		}
	}
	return best_at;
}

static uint64_t known(struct hs_scan *scan, hs_addr base, enum hs_field f)
{
	uint64_t value;
	return base != HS_NO_ADDR && hs_scan_field(scan, base, f, &value)
		       ? value
		       : HS_UNKNOWN;
}

/* An unknown term makes the sum unknown, as does one that wraps. */
static void add_up(uint64_t *sum, uint64_t term)
{
	if (*sum == HS_UNKNOWN || term == HS_UNKNOWN ||
	    term > UINT64_MAX - *sum)
		*sum = HS_UNKNOWN;
	else
		*sum += term;
}

enum hs_status hs_malloc_par_find(struct hs_scan *scan, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	struct hs_symbol_info symbol;
	if (scan->syms && heap->main_arena_source == HS_PLACE_SYMBOL &&
	    heap->layout.origin[HS_STRUCT_PAR] == HS_ORIGIN_DWARF &&
	    hs_symbols_find(scan->syms, heap->module, "mp_", &symbol, NULL) ==
		    HS_OK) {
		heap->malloc_par = symbol.addr;
		heap->malloc_par_source = HS_PLACE_SYMBOL;
	} else if (find_by_evidence(scan, &heap->malloc_par)) {
		heap->malloc_par_source = HS_PLACE_EVIDENCE;
	}
	hs_addr base = heap->malloc_par;
	scan->sbrk_base = known(scan, base, HS_FIELD_PAR_SBRK_BASE);
	scan->n_mmaps = known(scan, base, HS_FIELD_PAR_N_MMAPS);
	scan->mmapped_mem = known(scan, base, HS_FIELD_PAR_MMAPPED_MEM);
	scan->tcache_slots = known(scan, base, HS_FIELD_PAR_TCACHE_COUNT);
	scan->hp_pagesize = known(scan, base, HS_FIELD_PAR_HP_PAGESIZE);
	for (size_t i = 0; i < scan->other_count; i++) {
		base = find_other(scan, &scan->other[i]);
		scan->other[i].sbrk_base =
			known(scan, base, HS_FIELD_PAR_SBRK_BASE);
		add_up(&scan->n_mmaps, known(scan, base, HS_FIELD_PAR_N_MMAPS));
		add_up(&scan->mmapped_mem,
		       known(scan, base, HS_FIELD_PAR_MMAPPED_MEM));
	}
	if (scan->n_mmaps != HS_UNKNOWN)
		return HS_OK;
	scan->missing = true;
	return hs_finding_add(&heap->findings, HS_FINDING_PAR_UNKNOWN,
			      HS_NO_ADDR, err,
			      "malloc's own counters (mp_) were not found: how "
			      "many mmapped chunks there should be is not "
			      "known");
}
