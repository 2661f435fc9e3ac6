/* SPDX-License-Identifier: MIT */
#include "heap/linked.h"

#include <inttypes.h>
#include <stdio.h>

#include "core/grow.h"
#include "heap/arena.h"
#include "heap/interrupted.h"

enum hs_status hs_list_add(struct hs_heap *heap, const struct hs_list *list,
			   uint32_t *ret, struct hs_error *err)
{
	if (heap->list_count == HS_MAX_LISTS)
		return hs_fail(err, HS_ERR_LIMIT,
			       "more than %u lists of free chunks",
			       HS_MAX_LISTS);
	enum hs_status st =
		hs_grow(&heap->lists, &heap->list_capacity, heap->list_count,
			sizeof(*heap->lists), err);
	if (st)
		return st;
	heap->lists[heap->list_count] = *list;
	*ret = (uint32_t)heap->list_count++;
	return HS_OK;
}

void hs_list_name(const struct hs_heap *heap, uint32_t list, char *text,
		  size_t len)
{
	const struct hs_list *l = &heap->lists[list];
	const char *state = hs_chunk_state_name((enum hs_chunk_state)l->state);
	if (l->state != HS_CHUNK_TCACHE && l->addr == HS_NO_ADDR)
		(void)snprintf(text, len, "%s %u of the main arena", state,
			       l->index);
	else if (l->state != HS_CHUNK_TCACHE)
		(void)snprintf(text, len, "%s %u of the arena at 0x%" PRIx64,
			       state, l->index, l->addr);
	else if (l->owner != HS_NO_ARENA)
		(void)snprintf(text, len, "tcache bin %u of thread %" PRId64,
			       l->index, heap->threads[l->owner].tid);
	else
		(void)snprintf(text, len,
			       "tcache bin %u of the cache at 0x%" PRIx64,
			       l->index, l->addr);
}

bool hs_list_in_motion(struct hs_scan *scan, uint32_t list)
{
	const struct hs_heap *heap = scan->heap;
	const struct hs_list *l = &heap->lists[list];
	if (l->state != HS_CHUNK_TCACHE)
		return hs_arena_in_motion(scan, l->owner);
	return l->owner != HS_NO_ARENA && hs_cache_busy(scan, l->owner) &&
	       !heap->verdict_about_heap;
}

void hs_list_count(struct hs_heap *heap, uint32_t list, uint64_t size)
{
	struct hs_list *l = &heap->lists[list];
	if (l->count == 0 || size < l->min_size)
		l->min_size = size;
	if (size > l->max_size)
		l->max_size = size;
	l->count++;
	l->bytes += size;
	if (l->state == HS_CHUNK_TCACHE && l->owner != HS_NO_ARENA)
		heap->threads[l->owner].tcache_count++;
}

/* ENTRY is no address that malloc stored, but what somebody wrote over it. */
static enum hs_status wild(struct hs_scan *scan, enum hs_finding what,
			   hs_addr entry, uint32_t list, const char *how,
			   struct hs_error *err)
{
	char name[96];
	hs_list_name(scan->heap, list, name, sizeof(name));
	return hs_finding_add(&scan->heap->findings, what, entry, err,
			      "%s: a link was overwritten, it reads 0x%" PRIx64
			      ", which is %s",
			      name, entry, how);
}

static enum hs_status broken(struct hs_scan *scan, enum hs_finding what,
			     hs_addr at, uint32_t list, const char *how,
			     struct hs_error *err)
{
	char name[96];
	hs_list_name(scan->heap, list, name, sizeof(name));
	return hs_finding_add(&scan->heap->findings, what, at, err,
			      "%s: entry 0x%" PRIx64 " %s", name, at, how);
}

enum hs_status hs_linked_walk(struct hs_scan *scan,
			      const struct hs_linked *list, uint32_t list_index,
			      uint64_t *count, struct hs_error *err)
{
	const struct hs_layout *l = &scan->heap->layout;
	hs_addr pointer = list->first;
	/* Brent: the hare leaves a mark at every power of two. */
	hs_addr mark = 0;
	uint64_t next_mark = 1;
	*count = 0;
	for (uint64_t n = 0; pointer != 0; n++) {
		/* Wraps for a wild pointer, which then is below any heap. */
		hs_addr entry = pointer + list->to_link;
		if (entry == mark || n >= list->max_entries)
			return broken(scan, HS_FINDING_LIST_CYCLE, entry,
				      list_index,
				      "comes round again: freed twice?", err);
		if (n == next_mark) {
			mark = entry;
			next_mark *= 2;
		}
		if (entry < list->header ||
		    (entry - list->header + l->header) % l->align != 0)
			return wild(scan, HS_FINDING_LIST_MISALIGNED, entry,
				    list_index, "not aligned", err);
		hs_addr chunk = entry - list->header;
		uint64_t link, size;
		/* First the size, then the link: both in one cache line. */
		if (!hs_window_word(&scan->list_window, chunk + l->word_size,
				    &size) ||
		    !hs_window_word(&scan->list_window, entry, &link)) {
			if (scan->list_window.why != HS_ERR_NOT_CAPTURED)
				return wild(scan, HS_FINDING_LIST_OUTSIDE,
					    entry, list_index,
					    "outside of all memory", err);
			scan->missing = true;
			return broken(scan, HS_FINDING_LIST_UNREADABLE, entry,
				      list_index, "was not captured", err);
		}
		size &= ~(uint64_t)HS_SIZE_FLAGS;
		if (size < list->min_size || size > list->max_size) {
			enum hs_status st = broken(
				scan, HS_FINDING_LIST_SIZE, entry, list_index,
				"has a size that does not belong there", err);
			if (st)
				return st;
		}
		enum hs_status st = hs_free_index_add(&scan->free_index, chunk,
						      list_index, err);
		if (st)
			return st;
		++*count;
		pointer = scan->heap->safe_linking ? hs_link_reveal(link, entry)
						   : link;
		if (l->word_size == 4)
			pointer &= UINT32_MAX;
	}
	return HS_OK;
}
