/* SPDX-License-Identifier: MIT */
#include "heap/lost_arena.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "heap/arena_rows.h"
#include "heap/libc_module.h"
#include "heap/lost_pieces.h"
#include "heap/mmapped.h"
#include "heap/other_allocators.h"
#include "heap/region.h"
#include "heap/version.h"

/* What is known of the arena that is lost, and where from. */
struct known {
	struct hs_layout layout;
	hs_addr main_arena;
	enum hs_place_origin source;
	size_t module;
};

static bool is_lost(struct hs_scan *scan, hs_addr at)
{
	uint64_t word;
	return !hs_window_word(&scan->window, at, &word);
}

/* The symbol says where the arena was, and the file how it looked. */
static bool by_symbol(struct hs_scan *scan, struct known *k)
{
	struct hs_symbol_info symbol;
	size_t m;
	if (!scan->syms)
		return false;
	for (size_t n = 0; (m = hs_libc_candidate(scan, n)) != SIZE_MAX; n++) {
		if (hs_symbols_find(scan->syms, m, "main_arena", &symbol,
				    NULL) ||
		    !is_lost(scan, symbol.addr) ||
		    hs_layout_from_dwarf(&k->layout, scan->syms, m, NULL))
			continue;
		k->main_arena = symbol.addr;
		k->source = HS_PLACE_SYMBOL;
		k->module = m;
		return true;
	}
	return false;
}

/* The arena before the first one on the way round that is not there. */
static hs_addr follow_ring(struct hs_scan *scan, hs_addr base,
			   const struct hs_layout *l)
{
	hs_addr at = base;
	for (unsigned n = 0; n < HS_LIMIT_ARENAS; n++) {
		uint64_t next;
		if (!hs_window_word(&scan->window,
				    at + l->field[HS_FIELD_ARENA_NEXT].offset,
				    &next))
			return at % l->word_size == 0 &&
					       scan->window.why ==
						       HS_ERR_NOT_CAPTURED
				       ? at
				       : HS_NO_ADDR;
		at = next;
	}
	return HS_NO_ADDR;
}

/* One release's structure fits all thread arenas: an idle one's could be
 * another's. *BASE is one of them. */
static bool fits_threads(struct hs_scan *scan, const struct hs_bin_runs *runs,
			 const struct hs_layout *l, hs_addr *base)
{
	bool any = false;
	for (size_t r = 0; r < runs->count; r++) {
		hs_addr at = runs->run[r].bins -
			     l->field[HS_FIELD_ARENA_BINS].offset;
		if (!runs->run[r].exact || !hs_is_thread_arena(scan, at))
			continue;
		if (!hs_arena_sums_fit(scan, at, l))
			return false;
		any = true;
		*base = at;
	}
	return any;
}

/* Thread arenas keep their structure in their own heaps, and their ring leads
 * through the main arena. */
static bool by_threads(struct hs_scan *scan, const struct hs_bin_runs *runs,
		       struct known *k)
{
	const struct hs_layout_row *row;
	unsigned word = scan->target->word_size;
	for (size_t i = 0; (row = hs_layout_builtin(HS_STRUCT_ARENA, word, i));
	     i++) {
		struct hs_layout l;
		hs_addr base;
		hs_layout_init(&l, word);
		hs_layout_use_row(&l, row, HS_ORIGIN_BUILTIN);
		hs_layout_settle(&l);
		if (!fits_threads(scan, runs, &l, &base))
			continue;
		k->layout = l;
		hs_addr lost = follow_ring(scan, base, &l);
		if (lost != HS_NO_ADDR) {
			k->main_arena = lost;
			k->source = HS_PLACE_EVIDENCE;
			k->module = hs_target_find_module(scan->target, lost);
		}
		return true;
	}
	return false;
}

/* The banner in libc's file, or in what was captured of it. */
static bool by_version(struct hs_scan *scan, struct known *k)
{
	const struct hs_layout_row *row;
	unsigned word = scan->target->word_size, version = 0;
	size_t m;
	for (size_t n = 0;
	     !version && (m = hs_libc_candidate(scan, n)) != SIZE_MAX; n++) {
		version = hs_version_of_module(scan, m);
		if (version)
			k->module = m;
	}
	for (size_t i = 0;
	     version && (row = hs_layout_builtin(HS_STRUCT_ARENA, word, i));
	     i++) {
		if (version < row->first || version > row->last)
			continue;
		hs_layout_use_row(&k->layout, row, HS_ORIGIN_BUILTIN);
		hs_layout_settle(&k->layout);
		k->layout.first = k->layout.last = version;
		return true;
	}
	return false;
}

/* How many chunks with mappings of their own there are in this format. */
static enum hs_status count_mapped(struct hs_scan *scan, uint64_t *ret,
				   struct hs_error *err)
{
	scan->n_mmaps = HS_UNKNOWN; /* as many as there are */
	enum hs_status st = hs_mmapped_find(scan, err);
	*ret = scan->mmapped_chunks;
	scan->n_mmaps = scan->mmapped_chunks = 0;
	scan->mmapped_bytes = 0;
	scan->heap->region_count = 0;
	return st;
}

/*
 * Nothing names the release. Chunks are alike in all of them, but for their
 * alignment on i386 until 2.25, and mapped ones from 2.43 on: the format in
 * which more of the memory makes sense is taken.
 */
static enum hs_status by_chunks(struct hs_scan *scan, struct known *k,
				struct hs_error *err)
{
	static const unsigned releases[] = { 42, 44, 25 }; /* 25: i386 */
	unsigned word = scan->target->word_size;
	uint64_t best = 0;
	struct hs_layout before = scan->heap->layout;
	for (size_t r = 0; r < (word == 4 ? 3 : 2); r++) {
		const struct hs_layout_row *row;
		struct hs_layout l;
		hs_layout_init(&l, word);
		for (size_t i = 0;
		     (row = hs_layout_builtin(HS_STRUCT_ARENA, word, i)); i++)
			if (row->first <= releases[r] &&
			    releases[r] <= row->last)
				hs_layout_use_row(&l, row, HS_ORIGIN_INFERRED);
		hs_layout_settle(&l);
		l.first = releases[r] == 44 ? 43 : releases[r] == 42 ? 26 : 17;
		scan->heap->layout = l;
		HS_CLEANUP(hs_lost_pieces_release)
		struct hs_lost_pieces pieces = { 0 };
		uint64_t links = 0;
		enum hs_status st = hs_lost_pieces_find(scan, &pieces, err);
		if (!st)
			st = count_mapped(scan, &links, err);
		for (size_t i = 0; i < pieces.count; i++)
			links += pieces.piece[i].links;
		scan->heap->layout = before;
		if (st)
			return st;
		if (links > best) {
			best = links;
			k->layout = l;
		}
	}
	return HS_OK;
}

static enum hs_status other_piece(struct hs_scan *scan,
				  const struct hs_lost_piece *p,
				  struct hs_error *err)
{
	return hs_finding_add(&scan->heap->findings, HS_FINDING_OTHER_LIBC,
			      p->start, err,
			      "%" PRIu64 " bytes from 0x%" PRIx64
			      " on look like the heap of another malloc (a "
			      "second libc); they are not in this report",
			      p->end - p->start, p->start);
}

/* Which piece ends in the arena's top: the kernel's [heap], else the one that
 * most chunks lead through. */
static size_t with_top(const struct hs_lost_pieces *pieces)
{
	size_t best = SIZE_MAX;
	for (size_t i = 0; i < pieces->count; i++) {
		const struct hs_lost_piece *p = &pieces->piece[i];
		if (p->fenced)
			continue;
		if (best == SIZE_MAX || (p->brk && !pieces->piece[best].brk) ||
		    (p->brk == pieces->piece[best].brk &&
		     p->links > pieces->piece[best].links))
			best = i;
	}
	return best;
}

static enum hs_status take_pieces(struct hs_scan *scan,
				  const struct hs_lost_pieces *pieces,
				  struct hs_error *err)
{
	size_t top = with_top(pieces);
	for (size_t i = 0; i < pieces->count; i++) {
		const struct hs_lost_piece *p = &pieces->piece[i];
		enum hs_status st;
		if (i != top && !p->fenced) {
			st = other_piece(scan, p, err);
			if (st)
				return st;
			continue;
		}
		st = hs_region_add(scan->heap, p->start, p->end, p->first, 0,
				   err);
		if (st)
			return st;
		scan->lost_bytes += p->end - p->start;
	}
	if (top == SIZE_MAX)
		return HS_OK;
	const struct hs_lost_piece *p = &pieces->piece[top];
	scan->lost_top = p->top;
	scan->lost_top_size = p->top == HS_NO_ADDR ? 0 : p->end - p->top;
	return HS_OK;
}

static enum hs_status describe(struct hs_scan *scan, const struct hs_layout *l,
			       struct hs_error *err)
{
	char *text = NULL;
	int n = l->origin[HS_STRUCT_ARENA] == HS_ORIGIN_INFERRED
			? asprintf(&text,
				   "the arena is missing; chunks as in glibc "
				   "2.%u to 2.%u",
				   l->first, l->last)
			: asprintf(&text, "the arena itself is missing");
	if (n < 0)
		return hs_fail(err, HS_ERR_NOMEM, "no memory for a text");
	scan->heap->layout_detail = text;
	return HS_OK;
}

enum hs_status hs_lost_arena_find(struct hs_scan *scan,
				  const struct hs_bin_runs *runs, bool *found,
				  struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	char other[256];
	*found = false;
	/* An arena that is there would have been found: something must be
	 * missing, and not because there is another allocator. */
	if ((hs_libc_data_missing(scan) == 0 && scan->target->complete &&
	     scan->target->modules.count > 0) ||
	    hs_other_allocators(scan, other, sizeof(other)))
		return HS_OK;
	struct known k = { .main_arena = HS_NO_ADDR, .module = SIZE_MAX };
	hs_layout_init(&k.layout, scan->target->word_size);
	bool threads = by_threads(scan, runs, &k);
	if (!by_symbol(scan, &k) && !threads && !by_version(scan, &k)) {
		enum hs_status st = by_chunks(scan, &k, err);
		if (st)
			return st;
	}
	if (k.layout.origin[HS_STRUCT_ARENA] == HS_ORIGIN_NONE)
		return HS_OK;
	if (k.module == SIZE_MAX)
		k.module = hs_libc_candidate(scan, 0);
	HS_CLEANUP(hs_lost_pieces_release) struct hs_lost_pieces pieces = { 0 };
	struct hs_layout before = heap->layout;
	heap->layout = k.layout;
	enum hs_status st = hs_lost_pieces_find(scan, &pieces, err);
	if (st)
		return st;
	if (pieces.count == 0 && !threads) {
		heap->layout = before;
		return HS_OK;
	}
	*found = true;
	scan->lost = true;
	heap->main_arena_lost = true;
	heap->main_arena = k.main_arena;
	heap->main_arena_source = k.source;
	heap->module = k.module;
	heap->is_static = k.module != SIZE_MAX &&
			  scan->target->modules.module[k.module].is_executable;
	st = take_pieces(scan, &pieces, err);
	return st ? st : describe(scan, &k.layout, err);
}
