/* SPDX-License-Identifier: MIT */
#include "heap/verdict.h"

#include <heapscan/damage.h>
#include <stdlib.h>
#include <string.h>

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

/*
 * struct abort_msg_s { unsigned int size; char msg[]; } in a mapping of its
 * own, SIZE bytes long; private to glibc, and unchanged since 2.4.
 */
enum hs_status hs_verdict_read(struct hs_scan *scan, struct hs_error *err)
{
	struct hs_heap *heap = scan->heap;
	struct hs_symbol_info symbol;
	uint64_t at, size;
	heap->verdict_tid = -1;
	if (!scan->syms || heap->module == SIZE_MAX ||
	    hs_symbols_find(scan->syms, heap->module, "__abort_msg", &symbol,
			    NULL) ||
	    !hs_window_word(&scan->window, symbol.addr, &at) || at == 0 ||
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
