/* SPDX-License-Identifier: MIT */
#include "heap/main_arena.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "heap/arena_rows.h"
#include "heap/libc_module.h"
#include "heap/lost_arena.h"
#include "heap/other_allocators.h"
#include "heap/version.h"

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
		if (hs_is_arena(scan, bins) &&
		    hs_arena_row_by_ring(scan, bins, layout))
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
	for (size_t n = 0; (m = hs_libc_candidate(scan, n)) != SIZE_MAX; n++) {
		struct hs_symbol_info symbol;
		if (hs_symbols_find(scan->syms, m, "main_arena", &symbol, NULL))
			continue;
		struct hs_layout l;
		hs_layout_init(&l, scan->target->word_size);
		if (hs_layout_from_dwarf(&l, scan->syms, m, NULL) == HS_OK) {
			hs_addr bins = symbol.addr +
				       l.field[HS_FIELD_ARENA_BINS].offset;
			bool arena = hs_is_arena(scan, bins);
			if (!arena && !hs_is_unused_arena(scan, bins))
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

static enum hs_status scan_maps(struct hs_scan *scan, bool data_only,
				struct hs_bin_runs *runs, struct hs_error *err)
{
	const struct hs_map_list *maps = &scan->target->maps;
	for (size_t i = 0; i < maps->count; i++) {
		const struct hs_map *map = &maps->map[i];
		if (!hs_scan_writable(map) || map->captured == 0 ||
		    hs_may_hold_libc_data(scan, map) != data_only)
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

/* How much of the ring of arenas must be there for one to be believed. */
enum ring { RING_WHOLE, RING_BROKEN, RING_NONE };

static bool row_of(struct hs_scan *scan, const struct hs_bin_runs *runs,
		   const struct hs_bin_run *run, enum ring ring,
		   struct hs_layout *l)
{
	if (hs_arena_row_by_ring(scan, run->bins, l))
		return true;
	if (!run->exact)
		return false;
	return hs_arena_row_inferred(scan, run->bins, l) ||
	       (ring >= RING_BROKEN &&
		hs_arena_row_by_others(scan, runs, run->bins, l)) ||
	       (ring == RING_NONE && hs_arena_row_alone(scan, run->bins, l));
}

/* Of several main arenas (dlmopen, a static program with plug-ins) the one
 * with the most memory comes first. */
static enum hs_status choose(struct hs_scan *scan,
			     const struct hs_bin_runs *runs, bool have_base,
			     enum ring ring, struct hs_layout *layout,
			     hs_addr *base, bool *found, struct hs_error *err)
{
	uint64_t best = 0;
	*found = have_base;
	for (size_t i = 0; i < runs->count; i++) {
		struct hs_layout l;
		const struct hs_bin_run *run = &runs->run[i];
		if (!row_of(scan, runs, run, ring, &l))
			continue;
		hs_addr at =
			runs->run[i].bins - l.field[HS_FIELD_ARENA_BINS].offset;
		if (hs_is_thread_arena(scan, at))
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
		if (!hs_arena_row_by_ring(scan, runs->run[i].bins, &l))
			continue;
		hs_addr at =
			runs->run[i].bins - l.field[HS_FIELD_ARENA_BINS].offset;
		uint64_t mem = system_mem_of(scan, &l, at);
		if (at == *base || mem == 0 || hs_is_thread_arena(scan, at))
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
	char other[256], also[320] = "";
	uint64_t bytes = 0;
	const struct hs_target *t = scan->target;
	uint64_t missing = hs_libc_data_missing(scan);
	bool holes = missing > 0 || !t->complete;
	bool others = hs_other_allocators(scan, other, sizeof(other));
	enum hs_status st = others ? hs_other_bytes(scan, &bytes, err) : HS_OK;
	if (st)
		return st;
	char held[64] = ""; /* small heaps of musl are in the program's data */
	if (bytes > 0)
		(void)snprintf(held, sizeof(held),
			       ", which holds about %" PRIu64 " bytes", bytes);
	/* Without libc's own data its malloc may be in use all the same. */
	if (others && (bytes > 0 ? missing == 0 : !holes))
		return hs_fail(err, HS_ERR_NO_HEAP,
			       "no glibc heap: this program allocates with "
			       "%s%s; heapscan reads glibc's malloc only",
			       other, held);
	/* Which of the two had the memory cannot be told any more. */
	if (others)
		(void)snprintf(also, sizeof(also),
			       "; %s is loaded and may be what the program "
			       "allocates with",
			       other);
	/* A target that is cut says so itself, and knows the cure. */
	for (size_t i = 0; holes && i < t->notes.count; i++)
		if (t->notes.note[i].severity == HS_WARNING)
			return hs_fail(err, HS_ERR_NO_HEAP,
				       "no glibc heap found: the data of libc, "
				       "where malloc keeps its arenas, is not "
				       "there; %s%s",
				       t->notes.note[i].message, also);
	if (missing > 0)
		return hs_fail(err, HS_ERR_NO_HEAP,
			       "no glibc heap found, but %" PRIu64
			       " bytes of the modules' own data are missing "
			       "from this dump; take one with "
			       "coredump_filter 0x33 or more%s",
			       missing, also);
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
	st = choose(scan, &runs, by_symbol == FOUND_ARENA, RING_WHOLE, &layout,
		    &base, &found, err);
	if (st)
		return st;
	if (!found && by_symbol == FOUND_NOTHING) {
		/* No file names in this target, or libc's data moved. */
		st = scan_maps(scan, false, &runs, err);
		for (int ring = RING_WHOLE; !st && !found && ring <= RING_NONE;
		     ring++)
			st = choose(scan, &runs, false, (enum ring)ring,
				    &layout, &base, &found, err);
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
	if (!found) {
		st = hs_lost_arena_find(scan, &runs, &found, err);
		if (st)
			return st;
		return found ? hs_version_find(scan, err) : no_heap(scan, err);
	}
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
