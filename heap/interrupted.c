/* SPDX-License-Identifier: MIT */
#include "heap/interrupted.h"

#include <string.h>

#include "core/cleanup.h"
#include "core/grow.h"
#include "symbols/unwind.h"

static const char *const inside_malloc[] = {
	"malloc",
	"free",
	"calloc",
	"realloc",
	"memalign",
	"aligned_alloc",
	"posix_memalign",
	"valloc",
	"pvalloc",
	"malloc_trim",
	"sysmalloc",
	"systrim",
	"_int_malloc",
	"_int_free",
	"_int_realloc",
	"_int_memalign",
	"unlink_chunk",
	"malloc_consolidate",
	"tcache_init",
	"arena_get2",
	"new_heap",
	"grow_heap",
	"heap_trim",
	"_int_free_chunk",
	"_int_free_merge_chunk",
	"_int_free_maybe_trim",
	"_int_free_create_chunk",
	"ptmalloc_init",
	"__libc_malloc",
	"__libc_free",
	"__libc_calloc",
	"__libc_realloc",
	"__libc_memalign",
	"tcache_thread_shutdown",
	"munmap_chunk",
	"sysmalloc_mmap",
	"__libc_malloc2",
	"__libc_calloc2",
};

bool hs_pc_in_malloc(struct hs_scan *scan, hs_addr pc)
{
	struct hs_symbol_info symbol;
	if (!scan->syms || pc == HS_NO_ADDR || scan->heap->module == SIZE_MAX ||
	    hs_target_find_module(scan->target, pc) != scan->heap->module ||
	    !hs_symbols_at(scan->syms, pc, &symbol))
		return false;
	/* "_int_free.constprop.0" is _int_free */
	size_t len = strcspn(symbol.name, ".@");
	for (size_t i = 0; i < sizeof(inside_malloc) / sizeof(inside_malloc[0]);
	     i++)
		if (strlen(inside_malloc[i]) == len &&
		    strncmp(symbol.name, inside_malloc[i], len) == 0)
			return true;
	return false;
}

/* A frame of malloc's has a few hundred bytes. */
#define FRAME_BYTES 4096u

static void keep_word(struct hs_scan *scan, uint64_t word)
{
	/* No memory for a clue: what it tells stays unsaid. */
	if (!hs_grow(&scan->hand, &scan->hand_capacity, scan->hand_count,
		     sizeof(*scan->hand), NULL))
		scan->hand[scan->hand_count++] = word;
}

/* What a function has in its hands: registers, and its part of the stack. */
static void keep_frame(struct hs_scan *scan, const struct hs_frame *f)
{
	uint64_t word, w = scan->heap->word_size;
	for (unsigned i = 0; i < HS_DWARF_REGISTERS; i++)
		if (hs_dwarf_register(&f->registers, i, &word))
			keep_word(scan, word);
	if (f->cfa == HS_NO_ADDR || f->cfa < f->sp ||
	    f->cfa - f->sp > FRAME_BYTES)
		return;
	for (hs_addr at = f->sp; f->cfa - at >= w; at += w)
		if (hs_window_word(&scan->window, at, &word))
			keep_word(scan, word);
}

/*
 * From where the thread is, or was when a signal came, back to where it came
 * into libc. Beyond are those who called libc: what malloc does between two of
 * its calls is not in motion.
 */
static bool came_through_malloc(struct hs_scan *scan, struct hs_unwinder *u,
				const struct hs_thread *thread)
{
	struct hs_frame f;
	bool in_libc = true, found = false;
	size_t kept = scan->hand_count;
	for (bool more = hs_unwind_begin(u, thread, &f); more;
	     more = hs_unwind_next(u, &f)) {
		if (f.signal) {
			in_libc = true;
			continue;
		}
		if (!in_libc)
			continue;
		in_libc = f.module == scan->heap->module;
		if (in_libc) {
			keep_frame(scan, &f);
			found |= hs_pc_in_malloc(scan, f.look);
		} else if (found) {
			return true;
		} else {
			scan->hand_count = kept;
		}
	}
	if (!found)
		scan->hand_count = kept;
	return found;
}

static const struct hs_thread *registers_of(const struct hs_scan *scan,
					    size_t i)
{
	const struct hs_thread_list *list = &scan->target->threads;
	struct hs_tls_thread t = { .thread = i };
	if (scan->tls)
		hs_tls_thread(scan->tls, i, &t);
	return t.thread < list->count ? &list->thread[t.thread] : NULL;
}

static void find_interrupted(struct hs_scan *scan)
{
	struct hs_heap *heap = scan->heap;
	HS_CLEANUP(hs_unwinder_release) struct hs_unwinder u = { 0 };
	if (scan->interrupted_known || !scan->syms)
		return;
	scan->interrupted_known = true;
	if (hs_unwinder_init(&u, scan->target, scan->syms, NULL))
		return; /* what is odd is called damage, as without symbols */
	for (size_t i = 0; i < heap->thread_count; i++) {
		const struct hs_thread *thread = registers_of(scan, i);
		/* Whom a signal ended in malloc may have been ended by what
		 * is odd. */
		if (!thread || (thread->current && scan->target->signal))
			continue;
		if (came_through_malloc(scan, &u, thread))
			heap->threads[heap->threads[i].owner].cache_busy = true;
	}
}

bool hs_any_in_malloc(struct hs_scan *scan)
{
	const struct hs_heap *heap = scan->heap;
	find_interrupted(scan);
	for (size_t i = 0; i < heap->thread_count; i++)
		if (heap->threads[i].cache_busy)
			return true;
	return false;
}

bool hs_cache_busy(struct hs_scan *scan, size_t thread)
{
	find_interrupted(scan);
	const struct hs_thread_heap *threads = scan->heap->threads;
	return threads[threads[thread].owner].cache_busy;
}
