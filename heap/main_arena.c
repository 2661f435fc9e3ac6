/* SPDX-License-Identifier: MIT */
#include "heap/main_arena.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "heap/bin_scan.h"
#include "heap/other_allocators.h"
#include "heap/version.h"

/*
 * A few bins may be smashed and the arena still be one: overflows rarely hit
 * libc's data, and a use after free breaks one list at a time.
 */
#define ENOUGH_SOUND_BINS (HS_BIN_PAIRS - 8)

static bool is_arena(struct hs_scan *scan, hs_addr bins)
{
	return hs_bins_sound(scan, bins, NULL) >= ENOUGH_SOUND_BINS;
}

/* Allocated statically and never used: everything but a few words is zero. */
static bool is_unused_arena(struct hs_scan *scan, hs_addr bins)
{
	unsigned zeroes;
	(void)hs_bins_sound(scan, bins, &zeroes);
	return zeroes == HS_BIN_PAIRS;
}

/* Do the `next` pointers from BASE lead round to BASE? */
static bool ring_closes(struct hs_scan *scan, hs_addr base,
			uint64_t next_offset)
{
	hs_addr at = base;
	for (unsigned n = 0; n < HS_LIMIT_ARENAS; n++) {
		uint64_t next;
		if (!hs_window_word(&scan->window, at + next_offset, &next))
			return false;
		if (next == base)
			return true;
		if (next == 0 || next % scan->target->word_size != 0)
			return false;
		at = next;
	}
	return false;
}

/*
 * attached_threads came with 2.23 between next_free and system_mem: the word
 * there is a small count, or else already the memory's size in bytes.
 */
static bool sums_fit(struct hs_scan *scan, hs_addr base,
		     const struct hs_layout *layout)
{
	uint64_t attached, system_mem, max;
	const struct hs_field_pos *f = layout->field;
	if (!hs_window_word(&scan->window,
			    base + f[HS_FIELD_ARENA_SYSTEM_MEM].offset,
			    &system_mem) ||
	    !hs_window_word(&scan->window,
			    base + f[HS_FIELD_ARENA_MAX_SYSTEM_MEM].offset,
			    &max))
		return false;
	if (max < system_mem || (system_mem > 0 && system_mem < 4096))
		return false;
	if (!hs_layout_has(layout, HS_FIELD_ARENA_ATTACHED))
		return true;
	return hs_window_word(&scan->window,
			      base + f[HS_FIELD_ARENA_ATTACHED].offset,
			      &attached) &&
	       attached <= HS_LIMIT_THREADS;
}

/* The built-in row that fits the arena whose bins stand at BINS. */
static bool row_by_bins(struct hs_scan *scan, hs_addr bins,
			struct hs_layout *layout)
{
	const struct hs_layout_row *row;
	unsigned word = scan->target->word_size;
	for (size_t i = 0; (row = hs_layout_builtin(HS_STRUCT_ARENA, word, i));
	     i++) {
		struct hs_layout l;
		hs_layout_init(&l, word);
		hs_layout_use_row(&l, row, HS_ORIGIN_BUILTIN);
		hs_addr base = bins - l.field[HS_FIELD_ARENA_BINS].offset;
		if (!ring_closes(scan, base,
				 l.field[HS_FIELD_ARENA_NEXT].offset) ||
		    !sums_fit(scan, base, &l))
			continue;
		hs_layout_settle(&l);
		*layout = l;
		return true;
	}
	return false;
}

static struct hs_field_pos one_word(size_t offset, unsigned word)
{
	return (struct hs_field_pos){ (uint16_t)offset, (uint16_t)word, 1 };
}

/*
 * No row fits: a release newer than this table. Bins, binmap and next have
 * kept their distances in every release, so the ring tells where the struct
 * begins, and what stands between follows.
 */
static bool infer_by_bins(struct hs_scan *scan, hs_addr bins,
			  struct hs_layout *layout)
{
	unsigned w = scan->target->word_size;
	size_t next_after_bins = 254 * w + 16;
	for (unsigned k = 2 * w; k <= 256; k += w) {
		hs_addr base = bins - k;
		if (!ring_closes(scan, base, k + next_after_bins))
			continue;
		struct hs_layout l;
		hs_layout_init(&l, w);
		struct hs_field_pos *f = l.field;
		size_t next = k + next_after_bins;
		f[HS_FIELD_ARENA_MUTEX] = one_word(0, 4);
		f[HS_FIELD_ARENA_FLAGS] = one_word(4, 4);
		f[HS_FIELD_ARENA_TOP] = one_word(k - 2 * w, w);
		f[HS_FIELD_ARENA_BINS] =
			(struct hs_field_pos){ (uint16_t)k, (uint16_t)(254 * w),
					       254 };
		if (k >= 8 + 12 * w)
			f[HS_FIELD_ARENA_FASTBINS] =
				(struct hs_field_pos){ (uint16_t)(k - 12 * w),
						       (uint16_t)(10 * w), 10 };
		f[HS_FIELD_ARENA_NEXT] = one_word(next, w);
		f[HS_FIELD_ARENA_NEXT_FREE] = one_word(next + w, w);
		f[HS_FIELD_ARENA_ATTACHED] = one_word(next + 2 * w, w);
		f[HS_FIELD_ARENA_SYSTEM_MEM] = one_word(next + 3 * w, w);
		f[HS_FIELD_ARENA_MAX_SYSTEM_MEM] = one_word(next + 4 * w, w);
		l.struct_size[HS_STRUCT_ARENA] = (uint32_t)(next + 5 * w);
		l.origin[HS_STRUCT_ARENA] = HS_ORIGIN_INFERRED;
		if (!sums_fit(scan, base, &l))
			continue;
		hs_layout_settle(&l);
		*layout = l;
		return true;
	}
	return false;
}

/*
 * The ring of arenas is broken somewhere. The rest of it still tells where
 * structs begin: does the arena at BINS, were it ROW, lead to another one, or
 * another one here?
 */
static bool on_broken_ring(struct hs_scan *scan, const struct hs_bin_runs *runs,
			   hs_addr bins, const struct hs_layout *l)
{
	uint64_t to_base = l->field[HS_FIELD_ARENA_BINS].offset;
	uint64_t to_next = l->field[HS_FIELD_ARENA_NEXT].offset - to_base;
	uint64_t own, next;
	if (!hs_window_word(&scan->window, bins + to_next, &own))
		own = 0;
	for (size_t i = 0; i < runs->count; i++) {
		hs_addr other = runs->run[i].bins;
		if (!runs->run[i].exact || other == bins)
			continue;
		if (own == other - to_base)
			return true;
		if (hs_window_word(&scan->window, other + to_next, &next) &&
		    next == bins - to_base)
			return true;
	}
	return false;
}

static bool row_by_others(struct hs_scan *scan, const struct hs_bin_runs *runs,
			  hs_addr bins, struct hs_layout *layout)
{
	const struct hs_layout_row *row;
	unsigned word = scan->target->word_size;
	for (size_t i = 0; (row = hs_layout_builtin(HS_STRUCT_ARENA, word, i));
	     i++) {
		struct hs_layout l;
		hs_layout_init(&l, word);
		hs_layout_use_row(&l, row, HS_ORIGIN_BUILTIN);
		hs_addr base = bins - l.field[HS_FIELD_ARENA_BINS].offset;
		if (!on_broken_ring(scan, runs, bins, &l) ||
		    !sums_fit(scan, base, &l))
			continue;
		hs_layout_settle(&l);
		*layout = l;
		return true;
	}
	return false;
}

/* A thread arena follows its heap_info, whose first word points to it. */
static bool is_thread_arena(struct hs_scan *scan, hs_addr base)
{
	unsigned w = scan->target->word_size;
	static const unsigned words[] = { 4, 6 }; /* of heap_info */
	for (size_t i = 0; i < 2; i++) {
		hs_addr info = base - words[i] * (hs_addr)w;
		uint64_t ar_ptr;
		if (info % 0x10000 == 0 &&
		    hs_window_word(&scan->window, info, &ar_ptr) &&
		    ar_ptr == base)
			return true;
	}
	return false;
}

/* Modules that may hold malloc, the likeliest first; SIZE_MAX ends. */
static size_t candidate_module(struct hs_scan *scan, size_t n)
{
	static const char *const names[] = { "libc.so", "libc-2." };
	const struct hs_module_list *modules = &scan->target->modules;
	for (size_t i = 0; i < 2; i++)
		for (size_t m = 0;
		     (m = hs_symbols_module_named(scan->syms, names[i], m)) !=
		     SIZE_MAX;
		     m++)
			if (n-- == 0)
				return m;
	for (size_t m = 0; m < modules->count; m++)
		if (modules->module[m].is_executable && n-- == 0)
			return m;
	return SIZE_MAX;
}

/* Layout for an arena at BASE whose symbol we know but not its DWARF. */
static bool layout_at(struct hs_scan *scan, hs_addr base,
		      struct hs_layout *layout)
{
	const struct hs_layout_row *row;
	unsigned word = scan->target->word_size;
	for (size_t i = 0; (row = hs_layout_builtin(HS_STRUCT_ARENA, word, i));
	     i++) {
		struct hs_layout l;
		hs_layout_init(&l, word);
		hs_layout_use_row(&l, row, HS_ORIGIN_BUILTIN);
		hs_addr bins = base + l.field[HS_FIELD_ARENA_BINS].offset;
		if (is_arena(scan, bins) && row_by_bins(scan, bins, layout))
			return true;
	}
	return false;
}

enum found { FOUND_NOTHING, FOUND_ARENA, FOUND_UNUSED };

static enum found find_by_symbol(struct hs_scan *scan, struct hs_layout *layout,
				 hs_addr *base, size_t *module)
{
	enum found best = FOUND_NOTHING;
	size_t m;
	for (size_t n = 0; (m = candidate_module(scan, n)) != SIZE_MAX; n++) {
		struct hs_symbol_info symbol;
		if (hs_symbols_find(scan->syms, m, "main_arena", &symbol, NULL))
			continue;
		struct hs_layout l;
		hs_layout_init(&l, scan->target->word_size);
		if (hs_layout_from_dwarf(&l, scan->syms, m, NULL) == HS_OK) {
			hs_addr bins = symbol.addr +
				       l.field[HS_FIELD_ARENA_BINS].offset;
			bool arena = is_arena(scan, bins);
			if (!arena && !is_unused_arena(scan, bins))
				continue;
			if (!arena && best == FOUND_UNUSED)
				continue;
			*layout = l;
			*base = symbol.addr;
			*module = m;
			best = arena ? FOUND_ARENA : FOUND_UNUSED;
		} else if (layout_at(scan, symbol.addr, &l)) {
			*layout = l;
			*base = symbol.addr;
			*module = m;
			best = FOUND_ARENA;
		}
		if (best == FOUND_ARENA)
			return best;
	}
	return best;
}

/* A module's own data: file-backed, or the .bss that follows it. */
static bool may_hold_libc_data(const struct hs_scan *scan,
			       const struct hs_map *map)
{
	return hs_scan_writable(map) &&
	       (map->kind == HS_MAP_FILE ||
		hs_target_find_module(scan->target, map->start) != SIZE_MAX);
}

static enum hs_status scan_maps(struct hs_scan *scan, bool data_only,
				struct hs_bin_runs *runs, struct hs_error *err)
{
	const struct hs_map_list *maps = &scan->target->maps;
	for (size_t i = 0; i < maps->count; i++) {
		const struct hs_map *map = &maps->map[i];
		if (!hs_scan_writable(map) || map->captured == 0 ||
		    may_hold_libc_data(scan, map) != data_only)
			continue;
		enum hs_status st =
			hs_bin_scan(scan, map->start, map->end, runs, err);
		if (!st)
			st = hs_scan_progress(scan, "looking for arenas", i,
					      maps->count, err);
		if (st)
			return st;
	}
	return HS_OK;
}

static uint64_t system_mem_of(struct hs_scan *scan,
			      const struct hs_layout *layout, hs_addr base)
{
	uint64_t mem = 0;
	(void)hs_window_word(
		&scan->window,
		base + layout->field[HS_FIELD_ARENA_SYSTEM_MEM].offset, &mem);
	return mem;
}

static bool same_arena(const struct hs_layout *a, const struct hs_layout *b)
{
	static const enum hs_field fields[] = {
		HS_FIELD_ARENA_TOP,      HS_FIELD_ARENA_BINS,
		HS_FIELD_ARENA_NEXT,     HS_FIELD_ARENA_FASTBINS,
		HS_FIELD_ARENA_ATTACHED, HS_FIELD_ARENA_SYSTEM_MEM,
	};
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (a->field[fields[i]].offset != b->field[fields[i]].offset ||
		    a->field[fields[i]].size != b->field[fields[i]].size)
			return false;
	return true;
}

/* Another main arena at ADDR. One of the same layout (ALIKE) is analysed with
 * the first; another release's would need a scan of its own. */
static enum hs_status other_libc(struct hs_scan *scan, hs_addr addr,
				 uint64_t mem, bool alike, struct hs_error *err)
{
	for (size_t i = 0; i < scan->other_count; i++)
		if (scan->other[i].main_arena == addr)
			return HS_OK;
	if (alike && scan->other_count < HS_LIMIT_NAMESPACES) {
		scan->other[scan->other_count++] = (struct hs_other_libc){
			.main_arena = addr,
			.sbrk_base = HS_UNKNOWN,
			.module = hs_target_find_module(scan->target, addr),
		};
		return hs_finding_add(
			&scan->heap->findings, HS_FINDING_FURTHER_LIBC, addr,
			err,
			"a further libc in this process has its main arena at "
			"0x%" PRIx64 ": its blocks are part of this report",
			addr);
	}
	return hs_finding_add(
		&scan->heap->findings, HS_FINDING_OTHER_LIBC, addr, err,
		"another malloc (a second libc) has its main arena at "
		"0x%" PRIx64 " with %" PRIu64
		" bytes, which are not in this report",
		addr, mem);
}

/* Of several main arenas (dlmopen, a static program with plug-ins) the one
 * with the most memory comes first. RING_HOLDS: only arenas on a ring that
 * leads back to them. */
static enum hs_status choose(struct hs_scan *scan,
			     const struct hs_bin_runs *runs, bool have_base,
			     bool ring_holds, struct hs_layout *layout,
			     hs_addr *base, bool *found, struct hs_error *err)
{
	uint64_t best = 0;
	*found = have_base;
	for (size_t i = 0; i < runs->count; i++) {
		struct hs_layout l;
		const struct hs_bin_run *run = &runs->run[i];
		if (!row_by_bins(scan, run->bins, &l) &&
		    (!run->exact || !infer_by_bins(scan, run->bins, &l)) &&
		    (!run->exact || ring_holds ||
		     !row_by_others(scan, runs, run->bins, &l)))
			continue;
		hs_addr at =
			runs->run[i].bins - l.field[HS_FIELD_ARENA_BINS].offset;
		if (is_thread_arena(scan, at))
			continue;
		uint64_t mem = system_mem_of(scan, &l, at);
		if (have_base && at == *base)
			continue;
		if (!have_base && (!*found || mem > best)) {
			*layout = l;
			*base = at;
			*found = true;
			best = mem;
		}
	}
	for (size_t i = 0; *found && i < runs->count; i++) {
		struct hs_layout l;
		if (!row_by_bins(scan, runs->run[i].bins, &l))
			continue;
		hs_addr at =
			runs->run[i].bins - l.field[HS_FIELD_ARENA_BINS].offset;
		uint64_t mem = system_mem_of(scan, &l, at);
		if (at == *base || mem == 0 || is_thread_arena(scan, at))
			continue;
		enum hs_status st = other_libc(
			scan, at, mem,
			runs->run[i].exact && same_arena(layout, &l), err);
		if (st)
			return st;
	}
	return HS_OK;
}

/* Why there is no heap, in one line with what to do. */
static enum hs_status no_heap(struct hs_scan *scan, struct hs_error *err)
{
	char other[256];
	uint64_t bytes;
	if (hs_other_allocators(scan, other, sizeof(other))) {
		enum hs_status st = hs_other_bytes(scan, &bytes, err);
		return st ? st
			  : hs_fail(err, HS_ERR_NO_HEAP,
				    "no glibc heap: this program allocates "
				    "with %s, "
				    "which holds about %" PRIu64
				    " bytes; heapscan reads glibc's malloc "
				    "only",
				    other, bytes);
	}
	const struct hs_target *t = scan->target;
	uint64_t missing = 0;
	for (size_t i = 0; i < t->maps.count; i++)
		if (may_hold_libc_data(scan, &t->maps.map[i]))
			missing += t->maps.map[i].end - t->maps.map[i].start -
				   t->maps.map[i].captured;
	/* A target that is cut says so itself, and knows the cure. */
	bool holes = missing > 0 || !t->complete;
	for (size_t i = 0; holes && i < t->notes.count; i++)
		if (t->notes.note[i].severity == HS_WARNING)
			return hs_fail(err, HS_ERR_NO_HEAP,
				       "no glibc heap found: the data of libc, "
				       "where malloc keeps its arenas, is not "
				       "there; %s",
				       t->notes.note[i].message);
	if (missing > 0)
		return hs_fail(err, HS_ERR_NO_HEAP,
			       "no glibc heap found, but %" PRIu64
			       " bytes of the modules' own data are missing "
			       "from this dump; take one with "
			       "coredump_filter 0x33 or more",
			       missing);
	return hs_fail(err, HS_ERR_NO_HEAP,
		       "no glibc heap: no malloc arena anywhere in the memory; "
		       "the program has not allocated yet, or does not use "
		       "glibc's malloc");
}

static enum hs_status describe_layout(struct hs_scan *scan,
				      struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	const struct hs_layout *l = &heap->layout;
	char *text = NULL;
	int n;
	switch (l->origin[HS_STRUCT_ARENA]) {
	case HS_ORIGIN_DWARF: {
		const char *file =
			hs_symbols_debug_file(scan->syms, heap->module);
		n = asprintf(
			&text, "%s",
			file ? file
			     : scan->target->modules.module[heap->module].path);
		break;
	}
	case HS_ORIGIN_BUILTIN:
		n = l->first == l->last
			    ? asprintf(&text, "malloc_state as in glibc 2.%u",
				       l->first)
			    : asprintf(&text,
				       "malloc_state as in glibc 2.%u to 2.%u",
				       l->first, l->last);
		break;
	default:
		n = asprintf(&text, "no known malloc_state fits; "
				    "measured in memory");
		break;
	}
	if (n < 0)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for a text");
	heap->layout_detail = text;
	return HS_OK;
}

/* Never given any memory, and alone. */
static bool is_idle(struct hs_scan *scan, const struct hs_layout *layout,
		    hs_addr base)
{
	uint64_t mem, next;
	const struct hs_field_pos *f = layout->field;
	return scan->other_count == 0 &&
	       hs_window_word(&scan->window,
			      base + f[HS_FIELD_ARENA_SYSTEM_MEM].offset,
			      &mem) &&
	       mem == 0 &&
	       hs_window_word(&scan->window,
			      base + f[HS_FIELD_ARENA_NEXT].offset, &next) &&
	       (next == base || next == 0);
}

enum hs_status hs_main_arena_find(struct hs_scan *scan, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	HS_CLEANUP(hs_bin_runs_release) struct hs_bin_runs runs = { 0 };
	hs_addr base = HS_NO_ADDR;
	size_t module = SIZE_MAX;
	enum found by_symbol = FOUND_NOTHING;
	struct hs_layout layout;
	hs_layout_init(&layout, scan->target->word_size);
	if (scan->syms)
		by_symbol = find_by_symbol(scan, &layout, &base, &module);

	/* Also with a symbol: another libc may hold the memory. */
	enum hs_status st = scan_maps(scan, true, &runs, err);
	if (st)
		return st;
	bool found = false;
	hs_addr unused = base;
	st = choose(scan, &runs, by_symbol == FOUND_ARENA, true, &layout, &base,
		    &found, err);
	if (st)
		return st;
	if (!found && by_symbol == FOUND_NOTHING) {
		/* No file names in this target, or libc's data moved. */
		st = scan_maps(scan, false, &runs, err);
		if (!st)
			st = choose(scan, &runs, false, true, &layout, &base,
				    &found, err);
		if (!st && !found)
			st = choose(scan, &runs, false, false, &layout, &base,
				    &found, err);
		if (st)
			return st;
	}
	if (!found && by_symbol == FOUND_UNUSED) {
		char other[256];
		if (hs_other_allocators(scan, other, sizeof(other)))
			return no_heap(scan, err);
		base = unused;
		found = true;
	}
	if (!found)
		return no_heap(scan, err);
	if (is_idle(scan, &layout, base)) {
		/* mallinfo and the like set it up without ever using it. */
		char other[256];
		if (hs_other_allocators(scan, other, sizeof(other)))
			return no_heap(scan, err);
	}

	if (base != unused || module == SIZE_MAX)
		module = hs_target_find_module(scan->target, base);
	heap->layout = layout;
	heap->main_arena = base;
	heap->module = module;
	heap->main_arena_source = by_symbol != FOUND_NOTHING && base == unused
					  ? HS_PLACE_SYMBOL
					  : HS_PLACE_EVIDENCE;
	heap->is_static = module != SIZE_MAX &&
			  scan->target->modules.module[module].is_executable;
	st = hs_version_find(scan, err);
	if (st)
		return st;
	return describe_layout(scan, err);
}
