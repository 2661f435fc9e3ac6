/* SPDX-License-Identifier: MIT */
/*
 * The main job, in the order it happens. Start reading here.
 *
 * Lists come before the linear walk: a chunk in a tcache or a fastbin is free,
 * but its neighbour's PREV_INUSE bit stays set, so the walk alone would call it
 * used.
 */
#include "heap/scan.h"

#include <inttypes.h>
#include <stdlib.h>

#include "core/cleanup.h"
#include "heap/arena.h"
#include "heap/bins.h"
#include "heap/coverage.h"
#include "heap/in_hand.h"
#include "heap/lost_bins.h"
#include "heap/main_arena.h"
#include "heap/malloc_check.h"
#include "heap/malloc_par.h"
#include "heap/mmapped.h"
#include "heap/other_allocators.h"
#include "heap/region.h"
#include "heap/tcache.h"
#include "heap/thread_cache.h"
#include "heap/verdict.h"
#include "heap/verify.h"
#include "heap/walk.h"

enum hs_status hs_scan_progress(struct hs_scan *scan, const char *what,
				uint64_t done, uint64_t total,
				struct hs_error *err)
{
	if (!scan->opt || !scan->opt->progress ||
	    scan->opt->progress(scan->opt->progress_arg, what, done, total))
		return HS_OK;
	return hs_fail(err, HS_ERR_CANCELLED, "stopped while %s", what);
}

bool hs_scan_field(struct hs_scan *scan, hs_addr base, enum hs_field field,
		   uint64_t *ret)
{
	const struct hs_field_pos *pos = &scan->heap->layout.field[field];
	return pos->size > 0 && pos->size <= 8 &&
	       hs_window_uint(&scan->window, base + pos->offset, pos->size,
			      ret);
}

bool hs_scan_writable(const struct hs_map *map)
{
	return (map->prot & HS_PROT_WRITE) && !map->shared &&
	       map->kind != HS_MAP_SPECIAL;
}

/* Steps 6: every list, and every chunk it claims. */
static enum hs_status walk_lists(struct hs_scan *scan, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	hs_tcache_settle_linking(scan);
	for (size_t t = 0; t < heap->thread_count; t++) {
		if (heap->threads[t].tcache == HS_NO_ADDR ||
		    heap->threads[t].shares)
			continue;
		enum hs_status st = hs_tcache_walk(
			scan, heap->threads[t].tcache, (uint32_t)t, err);
		if (st)
			return st;
	}
	for (size_t i = 0; i < scan->further_count; i++) {
		enum hs_status st =
			hs_tcache_walk(scan, scan->further[i].tcache,
				       scan->further[i].thread, err);
		if (st)
			return st;
	}
	for (size_t a = 0; a < heap->arena_count; a++) {
		bool lost = a == 0 && scan->lost;
		enum hs_status st = lost ? hs_lost_bins_walk(scan, err)
					 : hs_bins_walk(scan, (uint32_t)a, err);
		if (!st)
			st = hs_scan_progress(scan, "reading free lists", a + 1,
					      heap->arena_count, err);
		if (st)
			return st;
	}
	return hs_free_index_sort(&scan->free_index, err);
}

static void mark_tcache(struct hs_heap *heap, hs_addr tcache)
{
	size_t i;
	if (tcache != HS_NO_ADDR &&
	    hs_heap_chunk_at(heap, tcache - heap->layout.header, &i) &&
	    heap->chunks[i].state == HS_CHUNK_USED)
		heap->chunks[i].state = HS_CHUNK_INTERNAL;
}

/* The tcache structures are ordinary chunks of the heap. */
static void mark_tcaches(struct hs_scan *scan)
{
	struct hs_heap *heap = scan->heap;
	for (size_t t = 0; t < heap->thread_count; t++)
		mark_tcache(heap, heap->threads[t].tcache);
	for (size_t i = 0; i < scan->further_count; i++)
		mark_tcache(heap, scan->further[i].tcache);
}

/* False only when it is certain: glibc had none before 2.26, and malloc_par
 * says when they are switched off. */
static bool may_have_tcaches(const struct hs_scan *scan)
{
	const struct hs_heap *heap = scan->heap;
	const struct hs_layout *l = &heap->layout;
	/* The tunable tcache_count=0; from 2.43 there is no structure then. */
	if (scan->tcache_slots == 0)
		return false;
	if (l->origin[HS_STRUCT_TCACHE] != HS_ORIGIN_NONE)
		return true;
	return l->last >= 26 && l->origin[HS_STRUCT_ARENA] != HS_ORIGIN_DWARF &&
	       (heap->version == 0 || heap->version >= 26);
}

/* Threads whose cache could not be asked for, after every other way. */
static enum hs_status report_threads(struct hs_scan *scan, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	size_t unknown = 0;
	int64_t tid = 0;
	for (size_t t = 0; t < heap->thread_count; t++)
		if (!heap->threads[t].tcache_known && unknown++ == 0)
			tid = heap->threads[t].tid;
	if (scan->tls) {
		const struct hs_note_list *notes = hs_tls_notes(scan->tls);
		for (size_t i = 0; i < notes->count; i++) {
			enum hs_status st = hs_finding_add(
				&heap->findings, HS_FINDING_THREAD,
				notes->note[i].addr, err, "%s",
				notes->note[i].message);
			if (st)
				return st;
		}
	}
	if (unknown == 0 || !may_have_tcaches(scan))
		return HS_OK;
	scan->missing = true;
	return hs_finding_add(
		&heap->findings, HS_FINDING_TCACHE_UNKNOWN, HS_NO_ADDR, err,
		"the tcache of %zu thread%s (the first is %lld) was not found "
		"through the thread: freed blocks in it may be counted as used",
		unknown, unknown == 1 ? "" : "s", (long long)tid);
}

static enum hs_status note_other_allocators(struct hs_scan *scan,
					    struct hs_error *err)
{
	char other[256];
	uint64_t bytes;
	if (!hs_other_allocators(scan, other, sizeof(other)))
		return HS_OK;
	scan->heap->other_allocator = strdup(other);
	if (!scan->heap->other_allocator)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	enum hs_status st = hs_other_bytes(scan, &bytes, err);
	if (st)
		return st;
	return hs_finding_add(&scan->heap->findings, HS_FINDING_OTHER_ALLOCATOR,
			      HS_NO_ADDR, err,
			      "%s is there too and may hold about %" PRIu64
			      " bytes: this report covers what glibc's malloc "
			      "holds",
			      other, bytes);
}

static enum hs_status run(struct hs_scan *scan, struct hs_error *err)
{
	enum hs_status st = hs_main_arena_find(scan, err); /* step 4 */
	if (!st)
		st = hs_malloc_par_find(scan, err);
	if (!st)
		st = hs_verdict_read(scan, err);
	if (!st)
		st = hs_arenas_read(scan, err);
	if (!st && scan->syms)
		st = hs_tls_new(scan->target, scan->syms, &scan->tls, err);
	if (!st)
		st = hs_threads_list(scan, err);
	if (!st)
		st = hs_regions_find(scan, err);
	if (!st)
		st = hs_lost_bins_place(scan, err);
	if (!st)
		st = hs_thread_caches_find(scan, err); /* step 5 */
	if (!st)
		st = walk_lists(scan, err); /* step 6 */
	if (!st)
		st = hs_mmapped_find(scan, err); /* step 7 */
	if (!st)
		st = hs_walk(scan, err);
	if (st)
		return st;
	mark_tcaches(scan);
	st = hs_in_hand_find(scan, err);
	if (!st)
		st = hs_tcache_find_by_shape(scan, err);
	if (!st)
		st = report_threads(scan, err);
	if (!st)
		st = hs_malloc_check_find(scan, err);
	if (!st)
		st = hs_verify(scan, err);
	if (!st)
		st = hs_coverage_measure(scan, err);
	if (!st)
		st = note_other_allocators(scan, err);
	return st ? st : hs_findings_finish(&scan->heap->findings, err);
}

/* A disk that fails is no hole in the dump: what was made of it is no answer.
 * ST is what there is to say otherwise. */
static enum hs_status read_failed(const struct hs_window *w, enum hs_status st,
				  struct hs_error *err)
{
	if (!w->failed)
		return st;
	return hs_fail_at(err, w->failed, w->failed_at,
			  "the target's memory at 0x%" PRIx64
			  " could not be read",
			  w->failed_at);
}

enum hs_status hs_heap_scan(struct hs_target *target, struct hs_symbols *syms,
			    const struct hs_scan_options *opt,
			    struct hs_heap **ret, struct hs_error *err)
{
	struct hs_scan scan = { .target = target,
				.syms = opt && opt->no_symbols ? NULL : syms,
				.opt = opt,
				.lost_top = HS_NO_ADDR };
	enum hs_status st = hs_heap_new(&scan.heap, err);
	if (st)
		return st;
	scan.heap->word_size = target->word_size;
	scan.heap->tagged_pointers = target->arch == HS_ARCH_AARCH64;
	hs_window_init(&scan.window, target);
	hs_window_init(&scan.list_window, target);
	st = run(&scan, err);
	if (!st || st == HS_ERR_NO_HEAP)
		st = read_failed(&scan.window, st, err);
	if (!st || st == HS_ERR_NO_HEAP)
		st = read_failed(&scan.list_window, st, err);
	hs_tls_free(scan.tls);
	hs_free_index_release(&scan.free_index);
	free(scan.further);
	free(scan.hand);
	if (st) {
		hs_heap_free(scan.heap);
		return st;
	}
	*ret = scan.heap;
	return HS_OK;
}
