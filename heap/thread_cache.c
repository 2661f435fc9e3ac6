/* SPDX-License-Identifier: MIT */
#include "heap/thread_cache.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/cleanup.h"
#include "core/grow.h"
#include "heap/arena.h"
#include "heap/coverage.h"
#include "heap/interrupted.h"
#include "heap/region.h"
#include "heap/shared_cache.h"
#include "heap/tcache.h"

/* Without a TLS block to look in: static TLS of the usual libraries, libc's
 * among them, lies this near to the thread pointer. */
#define TLS_REACH 0x1000u

/* ---- the threads ---- */

static enum hs_status add_thread(struct hs_scan *scan,
				 const struct hs_thread *known, int64_t tid,
				 hs_addr tp, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	enum hs_status st =
		hs_grow(&heap->threads, &heap->thread_capacity,
			heap->thread_count, sizeof(*heap->threads), err);
	if (st)
		return st;
	struct hs_thread_heap t = { .tid = tid,
				    .tp = tp,
				    .pc = HS_NO_ADDR,
				    .sp = HS_NO_ADDR,
				    .owner = (uint32_t)heap->thread_count,
				    .arena = HS_NO_ARENA,
				    .tcache = HS_NO_ADDR };
	if (known) {
		t.current = known->current;
		t.pc = known->pc;
		t.sp = known->sp;
		t.in_malloc = hs_pc_in_malloc(scan, known->pc);
		t.cache_busy = t.in_malloc;
		if (known->name && !(t.name = strdup(known->name)))
			return hs_fail(err, HS_ERR_NOMEM, "no memory");
	}
	heap->threads[heap->thread_count++] = t;
	return HS_OK;
}

enum hs_status hs_threads_list(struct hs_scan *scan, struct hs_error *err)
{
	const struct hs_thread_list *list = &scan->target->threads;
	enum hs_status st = HS_OK;
	if (!scan->tls) {
		for (size_t i = 0; !st && i < list->count; i++)
			st = add_thread(scan, &list->thread[i],
					list->thread[i].tid,
					list->thread[i].tls_base, err);
		return st;
	}
	for (size_t i = 0; !st && i < hs_tls_thread_count(scan->tls); i++) {
		struct hs_tls_thread t;
		hs_tls_thread(scan->tls, i, &t);
		st = add_thread(scan,
				t.thread == SIZE_MAX ? NULL
						     : &list->thread[t.thread],
				t.tid, t.tp, err);
		if (!st)
			scan->heap->threads[i].listed = t.listed;
	}
	return st;
}

/* ---- their variables by symbol ---- */

static bool tls_word_of(struct hs_scan *scan, size_t module, size_t thread,
			const char *name, uint64_t *ret)
{
	uint64_t offset, size;
	hs_addr block;
	return scan->syms && scan->tls && module != SIZE_MAX &&
	       hs_symbols_find_tls(scan->syms, module, name, &offset, &size,
				   NULL) == HS_OK &&
	       hs_tls_block(scan->tls, thread, module, &block, NULL) == HS_OK &&
	       hs_window_word(&scan->window, block + offset, ret);
}

static bool tls_word(struct hs_scan *scan, size_t thread, const char *name,
		     uint64_t *ret)
{
	return tls_word_of(scan, scan->heap->module, thread, name, ret);
}

static void set_arena(struct hs_scan *scan, struct hs_thread_heap *t,
		      uint64_t value)
{
	uint32_t arena = hs_arena_at(scan, value);
	/* NULL: it never took the slow path, or it is ending. */
	t->arena_known = value == 0 || arena != HS_NO_ARENA;
	t->arena = arena;
}

/*
 * From 2.43 the variable points to a dummy in libc while there is no tcache;
 * 2.42 and before use NULL. Anything outside of the allocator's memory is no
 * tcache.
 */
static bool may_be_tcache(struct hs_scan *scan, uint64_t value)
{
	const struct hs_layout *l = &scan->heap->layout;
	uint64_t size;
	return value != 0 && value % l->align == 0 &&
	       hs_region_at(scan->heap, value - l->header) &&
	       hs_window_word(&scan->window, value - l->word_size, &size) &&
	       (size & ~(uint64_t)HS_SIZE_FLAGS) >= l->min_size;
}

static enum hs_status set_tcache(struct hs_scan *scan, struct hs_thread_heap *t,
				 uint64_t value, struct hs_error *err)
{
	if (value == 0 || !hs_region_at(scan->heap, value)) {
		const struct hs_map *map =
			hs_target_find_map(scan->target, value);
		/* NULL, or the dummy in libc's read-only data. */
		t->tcache_known = value == 0 || !map || !hs_scan_writable(map);
		return HS_OK;
	}
	/* Not captured: reported when its lists are walked. */
	if (!may_be_tcache(scan, value) &&
	    scan->window.why != HS_ERR_NOT_CAPTURED)
		return hs_finding_add(&scan->heap->findings,
				      HS_FINDING_TCACHE_UNKNOWN, value, err,
				      "thread %" PRId64
				      " says its tcache is at 0x%" PRIx64
				      ", where no chunk for it is",
				      t->tid, value);
	t->tcache = value;
	t->tcache_known = true;
	return HS_OK;
}

static enum hs_status by_symbol(struct hs_scan *scan, bool *tcache, bool *arena,
				struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	for (size_t i = 0; i < heap->thread_count; i++) {
		struct hs_thread_heap *t = &heap->threads[i];
		uint64_t value;
		if (tls_word(scan, i, "thread_arena", &value) ||
		    tls_word(scan, i, "__libc_tsd_MALLOC", &value)) {
			set_arena(scan, t, value);
			*arena = true;
		}
		if (tls_word(scan, i, "tcache", &value)) {
			enum hs_status st = set_tcache(scan, t, value, err);
			if (st)
				return st;
			*tcache = true;
		}
	}
	return HS_OK;
}

/* ---- their variables by value ---- */

/* Where in thread I's memory to look: [*from, *to). */
static bool search_range(struct hs_scan *scan, size_t i, hs_addr *from,
			 hs_addr *to)
{
	const struct hs_thread_heap *t = &scan->heap->threads[i];
	struct hs_tls_segment segment;
	hs_addr block;
	if (scan->syms && scan->tls && scan->heap->module != SIZE_MAX &&
	    hs_symbols_tls_segment(scan->syms, scan->heap->module, &segment,
				   NULL) == HS_OK &&
	    segment.memsz > 0 && segment.memsz <= TLS_REACH &&
	    hs_tls_block(scan->tls, i, scan->heap->module, &block, NULL) ==
		    HS_OK) {
		*from = block;
		*to = block + segment.memsz;
		return true;
	}
	if (t->tp == HS_NO_ADDR || t->tp < TLS_REACH)
		return false;
	bool above = scan->target->arch == HS_ARCH_AARCH64;
	*from = above ? t->tp : t->tp - TLS_REACH;
	*to = *from + TLS_REACH;
	return true;
}

/* Layout of the tcache at VALUE, tried row by row unless it is known. */
static bool tcache_layout(struct hs_scan *scan, hs_addr value,
			  struct hs_layout *ret)
{
	const struct hs_layout *l = &scan->heap->layout;
	uint64_t size, chunks;
	if (!may_be_tcache(scan, value) ||
	    !hs_window_word(&scan->window, value - l->word_size, &size))
		return false;
	size &= ~(uint64_t)HS_SIZE_FLAGS;
	*ret = *l;
	if (l->origin[HS_STRUCT_TCACHE] != HS_ORIGIN_NONE)
		return hs_tcache_size_fits(l, l->struct_size[HS_STRUCT_TCACHE],
					   size) &&
		       hs_tcache_shape(scan, l, value, &chunks);
	const struct hs_layout_row *row;
	for (size_t i = 0;
	     (row = hs_layout_builtin(HS_STRUCT_TCACHE, l->word_size, i));
	     i++) {
		if (row->last < l->first || row->first > l->last ||
		    !hs_tcache_size_fits(l, row->struct_size, size))
			continue;
		*ret = *l;
		hs_layout_use_row(ret, row, HS_ORIGIN_BUILTIN);
		if (hs_tcache_shape(scan, ret, value, &chunks))
			return true;
	}
	return false;
}

/* Damage breaks a bin or two; a block that only has the size of a tcache
 * does not look like one at all. */
#define ODD_BINS_ALLOWED 4u

/* What was seen at one distance from the thread pointers. */
struct place {
	uint16_t arenas, tcaches; /* threads with such a value there */
	uint16_t damaged;         /* ... a tcache, but for a few bins */
	uint16_t others;          /* ... with a value that is neither */
};

/* A tcache that was overwritten, if the layout is known. */
static bool damaged_tcache(struct hs_scan *scan, uint64_t value)
{
	const struct hs_layout *l = &scan->heap->layout;
	uint64_t size, chunks;
	return l->origin[HS_STRUCT_TCACHE] != HS_ORIGIN_NONE &&
	       may_be_tcache(scan, value) &&
	       hs_window_word(&scan->window, value - l->word_size, &size) &&
	       hs_tcache_size_fits(l, l->struct_size[HS_STRUCT_TCACHE],
				   size & ~(uint64_t)HS_SIZE_FLAGS) &&
	       hs_tcache_odd_bins(scan, l, value, &chunks) <= ODD_BINS_ALLOWED;
}

/* Values that speak neither for nor against: the dummy of 2.43 in libc's
 * read-only data, and what was not captured. */
static bool says_nothing(struct hs_scan *scan, uint64_t value)
{
	uint64_t word;
	const struct hs_map *map = hs_target_find_map(scan->target, value);
	if (map && !hs_scan_writable(map) &&
	    hs_target_find_module(scan->target, value) == scan->heap->module)
		return true;
	return value % scan->target->word_size == 0 &&
	       !hs_window_word(&scan->window, value, &word) &&
	       scan->window.why == HS_ERR_NOT_CAPTURED;
}

static void look(struct hs_scan *scan, size_t i, struct place *places,
		 size_t count)
{
	struct hs_thread_heap *t = &scan->heap->threads[i];
	hs_addr from, to;
	if (!search_range(scan, i, &from, &to))
		return;
	unsigned w = scan->target->word_size;
	hs_addr origin = t->tp - TLS_REACH;
	for (hs_addr at = (from + w - 1) & ~(hs_addr)(w - 1); at + w <= to;
	     at += w) {
		uint64_t value;
		size_t p = (size_t)((at - origin) / w);
		if (p >= count || !hs_window_word(&scan->window, at, &value) ||
		    value == 0)
			continue;
		struct hs_layout layout;
		if (hs_arena_at(scan, value) != HS_NO_ARENA)
			places[p].arenas++;
		else if (tcache_layout(scan, value, &layout))
			places[p].tcaches++;
		else if (damaged_tcache(scan, value))
			places[p].damaged++;
		else if (!says_nothing(scan, value))
			places[p].others++;
	}
}

/*
 * The variables sit at one distance in all threads. The dummy of 2.43 and NULL
 * are the only other values that a tcache variable has, so a place where
 * anything else was seen is none.
 */
static enum hs_status by_value(struct hs_scan *scan, bool tcache, bool arena,
			       struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	unsigned w = scan->target->word_size;
	size_t count = 2 * TLS_REACH / w + 1;
	HS_AUTO_FREE struct place *places = calloc(count, sizeof(*places));
	if (!places)
		return hs_fail(err, HS_ERR_NOMEM, "no memory");
	for (size_t i = 0; i < heap->thread_count && i < UINT16_MAX; i++)
		if (heap->threads[i].tp != HS_NO_ADDR &&
		    heap->threads[i].tp >= TLS_REACH)
			look(scan, i, places, count);
	size_t best_arena = SIZE_MAX, best_tcache = SIZE_MAX;
	for (size_t p = 0; p < count; p++) {
		if (places[p].arenas > places[p].others &&
		    places[p].tcaches == 0 &&
		    (best_arena == SIZE_MAX ||
		     places[p].arenas > places[best_arena].arenas))
			best_arena = p;
		if (places[p].tcaches > places[p].others &&
		    (best_tcache == SIZE_MAX ||
		     places[p].tcaches > places[best_tcache].tcaches))
			best_tcache = p;
	}
	/* None is sound. */
	for (size_t p = 0; p < count && best_tcache == SIZE_MAX; p++)
		if (places[p].damaged > places[p].others)
			best_tcache = p;
	for (size_t i = 0; i < heap->thread_count; i++) {
		struct hs_thread_heap *t = &heap->threads[i];
		uint64_t value;
		hs_addr origin = t->tp - TLS_REACH;
		if (t->tp == HS_NO_ADDR || t->tp < TLS_REACH)
			continue;
		if (!arena && best_arena != SIZE_MAX &&
		    hs_window_word(&scan->window, origin + best_arena * w,
				   &value))
			set_arena(scan, t, value);
		if (tcache || best_tcache == SIZE_MAX ||
		    !hs_window_word(&scan->window, origin + best_tcache * w,
				    &value))
			continue;
		struct hs_layout layout;
		if (tcache_layout(scan, value, &layout))
			heap->layout = layout;
		if (value != 0)
			heap->tcache_source = HS_PLACE_EVIDENCE;
		enum hs_status st = set_tcache(scan, t, value, err);
		if (st)
			return st;
	}
	return HS_OK;
}

/*
 * Symbols led to the caches, but nothing yet said how they look (a static
 * program without debug info and without a banner): their own shape does. A
 * cache that fits no row stays unread, and its thread is reported.
 */
static void row_for_known_tcaches(struct hs_scan *scan)
{
	struct hs_heap *heap = scan->heap;
	struct hs_layout layout;
	for (size_t i = 0;
	     i < heap->thread_count &&
	     heap->layout.origin[HS_STRUCT_TCACHE] == HS_ORIGIN_NONE;
	     i++)
		if (heap->threads[i].tcache != HS_NO_ADDR &&
		    tcache_layout(scan, heap->threads[i].tcache, &layout))
			heap->layout = layout;
	if (heap->layout.origin[HS_STRUCT_TCACHE] != HS_ORIGIN_NONE)
		return;
	for (size_t i = 0; i < heap->thread_count; i++)
		if (heap->threads[i].tcache != HS_NO_ADDR)
			heap->threads[i].tcache_known = false;
}

/* The one row that the versions still possible allow, if it is one. */
static void narrow_tcache_row(struct hs_scan *scan)
{
	struct hs_layout *l = &scan->heap->layout;
	unsigned version = scan->heap->version;
	const struct hs_layout_row *row, *only = NULL;
	size_t fitting = 0;
	if (l->origin[HS_STRUCT_TCACHE] != HS_ORIGIN_NONE || l->last < 26)
		return;
	bool use_version = version >= l->first && version <= l->last;
	if (use_version && version < 26)
		return;
	for (size_t i = 0;
	     (row = hs_layout_builtin(HS_STRUCT_TCACHE, l->word_size, i));
	     i++) {
		if (row->last < l->first || row->first > l->last ||
		    (use_version &&
		     (version < row->first || version > row->last)))
			continue;
		only = row;
		fitting++;
	}
	if (fitting == 1 && (use_version || l->first >= 26))
		hs_layout_use_row(l, only, HS_ORIGIN_BUILTIN);
}

/* The caches that threads have of further libcs. Those that cannot be asked for
 * are looked for by their shape. */
static enum hs_status further_caches(struct hs_scan *scan, struct hs_error *err)
{
	const struct hs_heap *heap = scan->heap;
	scan->further_known = true;
	for (size_t o = 0; o < scan->other_count; o++)
		for (size_t i = 0; i < heap->thread_count; i++) {
			uint64_t value;
			if (!tls_word_of(scan, scan->other[o].module, i,
					 "tcache", &value)) {
				scan->further_known = false;
				continue;
			}
			if (!may_be_tcache(scan, value))
				continue;
			enum hs_status st =
				hs_grow(&scan->further, &scan->further_capacity,
					scan->further_count,
					sizeof(*scan->further), err);
			if (st)
				return st;
			scan->further[scan->further_count++] =
				(struct hs_further_tcache){ value,
							    (uint32_t)i };
		}
	return HS_OK;
}

/* Where a dump has zeroes in place of a stack, NULL is no answer. */
static enum hs_status forget_zeroed(struct hs_scan *scan, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	size_t zeroed = 0;
	int64_t tid = 0;
	for (size_t i = 0; i < heap->thread_count; i++) {
		struct hs_thread_heap *t = &heap->threads[i];
		if (t->tcache != HS_NO_ADDR || !hs_thread_zeroed(scan, t))
			continue;
		t->tcache_known = false;
		t->arena_known = false;
		if (zeroed++ == 0)
			tid = t->tid;
	}
	if (zeroed == 0)
		return HS_OK;
	scan->missing = true;
	return hs_finding_add(
		&heap->findings, HS_FINDING_STACK_ZEROED, HS_NO_ADDR, err,
		"the stacks of %zu thread%s (the first is %" PRId64
		") read as zeroes: gdb's gcore writes them so when it cannot "
		"read a page of them; tcaches are looked for by their shape",
		zeroed, zeroed == 1 ? "" : "s", tid);
}

enum hs_status hs_thread_caches_find(struct hs_scan *scan, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	narrow_tcache_row(scan);
	bool tcache = false, arena = false;
	enum hs_status st = by_symbol(scan, &tcache, &arena, err);
	if (st)
		return st;
	if (tcache) {
		heap->tcache_source = HS_PLACE_SYMBOL;
		row_for_known_tcaches(scan);
	}
	if (!tcache || !arena)
		st = by_value(scan, tcache, arena, err);
	if (!st)
		st = forget_zeroed(scan, err);
	if (!st)
		st = further_caches(scan, err);
	return st ? st : hs_shared_caches_settle(scan, err);
}
