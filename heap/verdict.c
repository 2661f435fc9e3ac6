/* SPDX-License-Identifier: MIT */
#include "heap/verdict.h"

#include <heapscan/damage.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "heap/libc_module.h"

/* Every message of malloc.c and arena.c, from 2.17 on, contains one of these;
 * an assertion names the file. */
static const char *const ours[] = {
	"malloc",   "free()",   "realloc()",    "calloc()", "corrupted",
	"memalign", "_chunk()", "munmap_chunk", "tcache",   "double free",
	"fastbin",  "arena.c",  "heap chunk",
};

static bool about_heap(const char *text)
{
	if (strstr(text, "Assertion `")) /* somebody's; what it says is his */
		return strstr(text, "malloc.c:") || strstr(text, "arena.c:");
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strstr(text, ours[i]))
			return true;
	return false;
}

static bool by_symbol(struct hs_scan *scan, uint64_t *ret)
{
	struct hs_symbol_info symbol;
	return scan->syms && scan->heap->module != SIZE_MAX &&
	       hs_symbols_find(scan->syms, scan->heap->module, "__abort_msg",
			       &symbol, NULL) == HS_OK &&
	       hs_window_word(&scan->window, symbol.addr, ret);
}

#define PAGE UINT64_C(4096)
/* Messages fill a page; an assertion may quote a longer expression. */
#define MOST_PAGES 16u
/* Pages of others that look so: each costs a look through libc's data. */
#define MOST_TRIES 64u

/* Does the memory at AT begin as such a struct does? */
static bool looks_like_message(struct hs_scan *scan, hs_addr at, hs_addr end)
{
	uint64_t size, byte;
	if (!hs_window_uint(&scan->window, at, 4, &size) || size < PAGE ||
	    size % PAGE != 0 || size > MOST_PAGES * PAGE || size > end - at)
		return false;
	for (unsigned i = 0; i < 8; i++)
		if (!hs_window_uint(&scan->window, at + 4 + i, 1, &byte) ||
		    byte < ' ' || byte > '~')
			return false;
	return true;
}

/* The variable itself: a word of libc's data that leads to AT. */
static bool is_pointed_to(struct hs_scan *scan, hs_addr at)
{
	const struct hs_map_list *maps = &scan->target->maps;
	unsigned w = scan->target->word_size;
	for (size_t i = 0; i < maps->count; i++) {
		const struct hs_map *map = &maps->map[i];
		if (!hs_may_hold_libc_data(scan, map) || map->captured == 0 ||
		    hs_target_find_module(scan->target, map->start) !=
			    scan->heap->module)
			continue;
		uint64_t word;
		for (hs_addr p = map->start; p < map->end; p += w)
			if (hs_window_word(&scan->list_window, p, &word) &&
			    word == at)
				return true;
	}
	return false;
}

/*
 * No symbol leads there, as in a stripped static program: the struct is alone
 * at the start of a page, and libc points to it. Only abort() leaves one.
 */
static bool by_structure(struct hs_scan *scan, uint64_t *ret)
{
	const struct hs_map_list *maps = &scan->target->maps;
	const struct hs_span_list *spans = &scan->target->spans;
	unsigned tries = 0;
	if (scan->target->signal != SIGABRT || scan->heap->module == SIZE_MAX)
		return false;
	for (size_t i = 0; i < maps->count; i++) {
		const struct hs_map *map = &maps->map[i];
		if (!hs_scan_writable(map) || map->captured == 0 ||
		    map->kind != HS_MAP_ANON)
			continue;
		for (hs_addr at =
			     hs_span_list_next_step(spans, map->start, PAGE);
		     at < map->end;
		     at = hs_span_list_next_step(spans, at + 1, PAGE)) {
			bool likely = looks_like_message(scan, at, map->end);
			if (likely && tries++ == MOST_TRIES)
				return false;
			if (likely && is_pointed_to(scan, at)) {
				*ret = at;
				return true;
			}
		}
	}
	return false;
}

/*
 * struct abort_msg_s { unsigned int size; char msg[]; } in a mapping of its
 * own, SIZE bytes long; private to glibc, and unchanged since 2.4.
 */
enum hs_status hs_verdict_read(struct hs_scan *scan, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	uint64_t at, size;
	heap->verdict_tid = -1;
	if ((!by_symbol(scan, &at) && !by_structure(scan, &at)) || at == 0 ||
	    at > UINT64_MAX - 4 ||
	    !hs_window_uint(&scan->window, at, 4, &size) || size <= 4)
		return HS_OK;
	size_t max = size - 4 < HS_LIMIT_ABORT_MESSAGE ? (size_t)(size - 4)
						       : HS_LIMIT_ABORT_MESSAGE;
	char *text;
	enum hs_status st =
		hs_target_read_string(scan->target, at + 4, max, &text, err);
	if (st == HS_ERR_NOMEM)
		return st;
	if (st)
		return HS_OK;
	/* "*** Error in `prog': double free ...: 0x... ***" was what it said
	 * until 2.25; a line end comes with every one. */
	text[strcspn(text, "\n")] = '\0';
	if (text[0] == '\0') {
		free(text);
		return HS_OK;
	}
	heap->verdict = text;
	heap->verdict_about_heap = about_heap(text);
	const struct hs_thread_list *threads = &scan->target->threads;
	for (size_t i = 0; i < threads->count; i++)
		if (threads->thread[i].current)
			heap->verdict_tid = threads->thread[i].tid;
	return HS_OK;
}

bool hs_heap_verdict(const struct hs_heap *heap, struct hs_verdict *ret)
{
	if (!heap->verdict)
		return false;
	*ret = (struct hs_verdict){ .text = heap->verdict,
				    .about_heap = heap->verdict_about_heap,
				    .tid = heap->verdict_tid };
	return true;
}
