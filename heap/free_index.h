/* SPDX-License-Identifier: MIT */
#ifndef HEAP_FREE_INDEX_H
#define HEAP_FREE_INDEX_H

#include <heapscan/error.h>
#include <stddef.h>

#include "core/fail.h"

/*
 * Every chunk that some list claims as free, with the list. Filled while the
 * lists are walked, sorted once, then read beside the linear walk: both go by
 * address, so looking a chunk up costs nothing.
 */
struct hs_claim {
	hs_addr addr;  /* of the chunk header */
	uint32_t list; /* index into the heap's lists */
	uint32_t used; /* not 0: the walk met a chunk there */
};

struct hs_free_index {
	struct hs_claim *claim;
	size_t count, capacity;
};

HS_MUST_CHECK enum hs_status hs_free_index_add(struct hs_free_index *index,
					       hs_addr addr, uint32_t list,
					       struct hs_error *err);
/* By address; claims on one chunk stay in the order they were made. */
HS_MUST_CHECK enum hs_status hs_free_index_sort(struct hs_free_index *index,
						struct hs_error *err);
/* The first claim at or behind ADDR, an index up to count; sorted only. */
size_t hs_free_index_from(const struct hs_free_index *index, hs_addr addr);
void hs_free_index_release(struct hs_free_index *index);

#endif
