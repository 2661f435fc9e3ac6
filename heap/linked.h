/* SPDX-License-Identifier: MIT */
#ifndef HEAP_LINKED_H
#define HEAP_LINKED_H

#include "heap/scan.h"

/*
 * The singly linked lists of malloc: tcache bins and fastbins. Links may be
 * mangled: stored = link ^ (address of the link >> 12). Undoing it needs no
 * secret, only knowing where we read; the shift is 12 on every page size.
 */
static inline hs_addr hs_link_reveal(uint64_t stored, hs_addr stored_at)
{
	return stored ^ stored_at >> 12;
}

struct hs_linked {
	hs_addr first;        /* what the head of the list points to */
	unsigned header;      /* bytes from a chunk's header to its link */
	unsigned to_link;     /* ... from what pointers point to: a tcache's
			       * to the link itself, a fastbin's to the chunk */
	uint64_t max_entries; /* bound, for when everything else fails */
	/* Sizes (without flags) that belong here; 0 and UINT64_MAX: any. */
	uint64_t min_size, max_size;
};

/* Follow LIST and claim its chunks for LIST_INDEX; damage ends it with a
 * finding. *COUNT is how many were claimed. */
HS_MUST_CHECK enum hs_status
hs_linked_walk(struct hs_scan *scan, const struct hs_linked *list,
	       uint32_t list_index, uint64_t *count, struct hs_error *err);

/* Add a list to the heap; *RET is its index. HS_ERR_LIMIT: too many. */
HS_MUST_CHECK enum hs_status hs_list_add(struct hs_heap *heap,
					 const struct hs_list *list,
					 uint32_t *ret, struct hs_error *err);
/* What a list in a message is called: "tcache bin 3 of thread 1234". */
void hs_list_name(const struct hs_heap *heap, uint32_t list, char *text,
		  size_t len);
/* Does a call in progress explain a little disorder on LIST? See
 * hs_arena_in_motion(); a tcache is its thread's alone. */
bool hs_list_in_motion(struct hs_scan *scan, uint32_t list);
/* Count one chunk of SIZE for LIST: when the walk met it, so once. */
void hs_list_count(struct hs_heap *heap, uint32_t list, uint64_t size);

#endif
